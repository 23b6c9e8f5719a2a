"""Divergences against closed forms, against each other's inequalities, and against scipy."""

import math
import random

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.optimize import linear_sum_assignment, minimize

from gan_tutorial.truth import divergences as d
from gan_tutorial.truth.densities import Lines, Mixture, Normal, Uniform

LOG_2 = math.log(2)
DOUBLE = torch.float64
SHIFTS = {
    0.5: 0.030311,
    1: 0.111421,
    2: 0.336831,
    3: 0.526777,
    4: 0.632720,
    6: 0.689298,
    8: 0.693054,
}  # t: JS
DISJOINT = Uniform(0, 1), Uniform(3, 4)
F = {  # u -> f(u) of D_f(p || q) = E_q f(p/q), written as in a textbook
    "kl": lambda u: u * u.log(),
    "reverse_kl": lambda u: -u.log(),
    "jensen_shannon": lambda u: (u * u.log() - (u + 1) * ((u + 1) / 2).log()) / 2,
    "jeffreys": lambda u: (u - 1) * u.log(),
    "total_variation": lambda u: (u - 1).abs() / 2,
    "pearson": lambda u: (u - 1) ** 2,
    "neyman": lambda u: (1 - u) ** 2 / u,
    "squared_hellinger": lambda u: (u.sqrt() - 1) ** 2,
}
SYMMETRIC = ["jensen_shannon", "jeffreys", "total_variation", "squared_hellinger"]


def phi(x):
    return stats.norm.cdf(x)


def random_mixture(rng):
    """One to three parts; scales comparable enough for every divergence to be finite in floats."""
    n = rng.randint(1, 3)
    raw = [rng.uniform(0.1, 1) for _ in range(n)]
    parts = [Normal(rng.uniform(-3, 3), rng.uniform(0.9, 1.2)) for _ in range(n)]
    weights = [w / sum(raw) for w in raw]
    return Mixture(weights, parts)


TRIPLES = [[random_mixture(random.Random(seed * 3 + i)) for i in range(3)] for seed in range(12)]


@pytest.mark.parametrize("t", SHIFTS)
def test_two_normals_one_shift_apart(t):
    p, q = Normal(0, 1), Normal(t, 1)
    assert d.js(p, q).item() == pytest.approx(SHIFTS[t], abs=1e-6)
    exact = {
        "kl": t**2 / 2,
        "reverse_kl": t**2 / 2,
        "jeffreys": t**2,
        "total_variation": 2 * phi(t / 2) - 1,
        "pearson": math.expm1(t**2),
        "neyman": math.expm1(t**2),
        "squared_hellinger": 2 * (1 - math.exp(-(t**2) / 8)),
        "w1": t,
        "bayes_accuracy": phi(t / 2),
    }
    for name, truth in exact.items():
        assert getattr(d, name)(p, q).item() == pytest.approx(truth, rel=1e-10), name


@pytest.mark.parametrize("sd", [0.01, 0.5, 1.3, 30])
def test_two_normals_of_different_scale(sd):
    p, q = Normal(1, sd), Normal(-0.5, 1)
    assert d.kl(p, q).item() == pytest.approx((sd**2 + 1.5**2 - 1) / 2 - math.log(sd), rel=1e-10)
    assert d.reverse_kl(p, q).item() == pytest.approx(
        (1 + 1.5**2) / (2 * sd**2) - 0.5 + math.log(sd), rel=1e-10
    )
    overlap = math.sqrt(2 * sd / (1 + sd**2)) * math.exp(-(1.5**2) / (4 * (1 + sd**2)))
    assert d.squared_hellinger(p, q).item() == pytest.approx(2 - 2 * overlap, rel=1e-10)
    # E|X - Y| of a normal, folded: W1 couples x with the same quantile, x_p - x_q = 1.5 + (sd - 1) z
    folded = stats.foldnorm(1.5 / abs(sd - 1), scale=abs(sd - 1)).mean()
    assert d.w1(p, q).item() == pytest.approx(folded, rel=1e-8)


@pytest.mark.parametrize("t", [40, 100])
def test_far_apart_nothing_overflows(t):
    p, q = Normal(0, 1), Normal(t, 1)
    assert d.kl(p, q).item() == pytest.approx(t**2 / 2, rel=1e-12)
    assert d.js(p, q).item() == pytest.approx(LOG_2, abs=1e-14)
    assert d.total_variation(p, q).item() == pytest.approx(1, abs=1e-14)
    assert d.w1(p, q).item() == pytest.approx(t, rel=1e-12)


def test_disjoint_supports_and_infinite_divergences():
    p, q = DISJOINT
    for name in ("kl", "reverse_kl", "jeffreys", "pearson", "neyman"):
        assert getattr(d, name)(p, q).item() == math.inf, name
        assert d.f_divergence(F[name], p, q).item() == math.inf, name
    for name, truth in {"jensen_shannon": LOG_2, "total_variation": 1, "squared_hellinger": 2}.items():
        assert getattr(d, name)(p, q).item() == pytest.approx(truth, abs=1e-12)
        assert d.f_divergence(F[name], p, q).item() == pytest.approx(truth, abs=1e-12)
    assert d.w1(p, q).item() == pytest.approx(3, abs=1e-12)
    assert d.bayes_accuracy(p, q).item() == pytest.approx(1)


def test_kl_is_infinite_in_one_direction_only():
    p, q = Uniform(0, 1), Normal(0, 1)
    assert d.kl(q, p).item() == math.inf
    assert d.kl(p, q).item() == pytest.approx(1 / 6 + math.log(2 * math.pi) / 2, abs=1e-12)


@pytest.mark.parametrize("sd", [1.2, 1.41, 1.414, 1.4142, 1.414213, math.sqrt(2), 1.42, 2.0])
def test_pearson_is_finite_exactly_if_the_tails_of_p_are_light_enough(sd):
    """N(0, sd^2) against N(0, 1): 1 / (sd sqrt(2 - sd^2)) - 1 if sd^2 < 2, else infinite."""
    truth = 1 / (sd * math.sqrt(2 - sd**2)) - 1 if sd**2 < 2 else math.inf
    assert d.pearson(Normal(0, sd), Normal(0, 1)).item() == pytest.approx(truth, rel=1e-8)


@pytest.mark.parametrize("pair", [(0, 1, 20, 1), (3, 1.2, 0, 0.9), (0, 1, 5, 0.8), (0, 0.01, 1, 1), (0, 1, 10, 3)])
def test_pearson_where_the_mass_of_its_integrand_is_far_from_both(pair):
    """integral of p^2/q = s2 / s1^2 / sqrt(a) exp(b^2/2a - c/2), from completing the square."""
    m1, s1, m2, s2 = pair
    a, b, c = (2 * m1**k / s1**2 - m2**k / s2**2 for k in range(3))
    truth = s2 / s1**2 / math.sqrt(a) * math.exp(b**2 / a / 2 - c / 2) - 1
    assert d.pearson(Normal(m1, s1), Normal(m2, s2)).item() == pytest.approx(truth, rel=1e-10)


def test_a_rare_part_with_too_heavy_a_tail_makes_pearson_infinite():
    rare = Mixture((1 - 1e-13, 1e-13), (Normal(0.5, 1), Normal(0, 1.5)))
    assert d.pearson(rare, Normal()).item() == math.inf
    assert d.pearson(Normal(), rare).item() == pytest.approx(math.expm1(0.25), rel=1e-6)


@pytest.mark.parametrize("name", F)
def test_the_gradient_at_equal_densities_is_zero(name):
    parameters = [torch.tensor(v, dtype=DOUBLE, requires_grad=True) for v in (0.0, 1.0)]
    getattr(d, name)(Normal(), Normal(*parameters)).backward()
    assert [v.grad.item() for v in parameters] == pytest.approx([0, 0], abs=1e-9)


@pytest.mark.parametrize("name", F)
@pytest.mark.parametrize("triple", TRIPLES[:4], ids=range(4))
def test_each_divergence_is_the_f_divergence_of_its_f(name, triple):
    p, q, _ = triple
    named = getattr(d, name)
    assert named(p, q).item() == pytest.approx(d.f_divergence(F[name], p, q).item(), rel=1e-9)
    assert named(p, q).item() > 0 and named(p, p).item() == pytest.approx(0, abs=1e-12)
    if name in SYMMETRIC:
        assert named(p, q).item() == pytest.approx(named(q, p).item(), rel=1e-10)


@pytest.mark.parametrize("triple", TRIPLES, ids=range(len(TRIPLES)))
def test_inequalities(triple):
    p, q, r = triple
    js, tv, slack = d.js(p, q).item(), d.total_variation(p, q).item(), 1e-12
    assert tv <= math.sqrt(d.kl(p, q).item() / 2) + slack  # Pinsker
    assert js <= LOG_2 * tv + slack
    assert 0 <= js <= LOG_2
    assert math.sqrt(js) <= math.sqrt(d.js(p, r).item()) + math.sqrt(d.js(r, q).item()) + slack
    assert d.w1(p, q).item() <= d.w1(p, r).item() + d.w1(r, q).item() + slack
    assert d.squared_hellinger(p, q).item() / 2 <= tv + slack  # Le Cam
    assert abs(p.mean - q.mean) <= d.w1(p, q).item() + slack  # the identity is a 1-Lipschitz critic


@pytest.mark.parametrize("triple", TRIPLES[:4], ids=range(4))
def test_kl_and_w1_against_plain_sums_by_numpy(triple):
    p, q, _ = triple
    x = np.linspace(-25, 25, 200_001)
    lp, lq = p.log_prob(x).numpy(), q.log_prob(x).numpy()
    assert d.kl(p, q).item() == pytest.approx(np.trapezoid(np.exp(lp) * (lp - lq), x), rel=1e-8)
    mids = (x[1:] + x[:-1]) / 2
    u, v = np.exp(p.log_prob(mids).numpy()), np.exp(q.log_prob(mids).numpy())
    assert d.w1(p, q).item() == pytest.approx(stats.wasserstein_distance(mids, mids, u, v), rel=1e-5)


def test_w1_of_nearly_equal_densities_is_small():
    """A cdf that stops at 1 - 1e-16, because its weights sum to that, has no tail."""
    p = Mixture((0.1,) * 10, (Normal(),) * 10)
    assert p.cdf(torch.tensor(50.0, dtype=DOUBLE)).item() != 1.0
    assert d.w1(p, Normal(1e-9, 1)).item() == pytest.approx(1e-9, rel=1e-4)


def test_entropy_and_cross_entropy():
    p, q = Normal(1, 2), Normal(0, 3)
    assert d.entropy(p).item() == pytest.approx(math.log(2 * math.sqrt(2 * math.pi * math.e)), rel=1e-12)
    assert d.entropy(Uniform(0, 4)).item() == pytest.approx(math.log(4), rel=1e-12)
    nll = d.expectation(p, lambda x: -q.log_prob(x)).item()
    assert nll == pytest.approx((d.entropy(p) + d.kl(p, q)).item(), rel=1e-12)


# -- the best discriminator


@pytest.mark.parametrize("t", SHIFTS)
def test_between_shifted_normals_the_optimal_score_is_a_line(t):
    p, q = Normal(0, 1), Normal(t, 1)
    x = torch.linspace(-40, 40, 101, dtype=DOUBLE)
    assert torch.allclose(d.optimal_score(p, q)(x), -t * x + t**2 / 2, atol=1e-10)
    assert torch.allclose(d.optimal_discriminator(p, q)(x), torch.sigmoid(-t * x + t**2 / 2), atol=1e-12)


def test_optimal_discriminator_is_p_over_p_plus_q_and_survives_the_tails():
    p, q, _ = TRIPLES[1]
    x = torch.linspace(-6, 6, 61, dtype=DOUBLE)
    u, v = p.log_prob(x).exp(), q.log_prob(x).exp()
    assert torch.allclose(d.optimal_discriminator(p, q)(x), u / (u + v), atol=1e-12)
    far = torch.tensor([-60.0, 60.0], dtype=DOUBLE)  # both densities underflow to 0 there
    assert d.optimal_discriminator(Normal(0, 1), Normal(1, 1))(far).tolist() == [1.0, pytest.approx(0)]
    assert d.optimal_discriminator(*DISJOINT)(torch.tensor([0.5, 3.5])).tolist() == [1, 0]
    assert d.optimal_discriminator(*DISJOINT)(torch.tensor([2.0])).isnan().all()


@pytest.mark.parametrize(("t", "truth"), [(0, -1.386294), (1, -1.163451), (2, -0.712633), (4, -0.120854)])
def test_value_at_the_optimal_score(t, truth):
    p, q = Normal(0, 1), Normal(t, 1)
    best = d.value(p, q, d.optimal_score(p, q)).item()
    assert best == pytest.approx(truth, abs=1e-6)
    assert best == pytest.approx(2 * d.js(p, q).item() - math.log(4), abs=1e-12)
    assert -2 * LOG_2 - 1e-12 <= best <= 0


@pytest.mark.parametrize("triple", TRIPLES[:4], ids=range(4))
def test_no_other_score_has_a_larger_value(triple):
    p, q, r = triple
    best = d.value(p, q, d.optimal_score(p, q)).item()
    for other in (d.optimal_score(p, r), torch.zeros_like, torch.sin, lambda x: 50 * x):
        assert d.value(p, q, other).item() < best
    assert d.value(p, q, torch.zeros_like).item() == pytest.approx(-2 * LOG_2, abs=1e-12)


def test_value_is_exact_for_huge_scores_and_disjoint_supports():
    p, q = Normal(0, 1), Normal(0, 1)
    assert d.value(p, q, lambda x: torch.full_like(x, 1000.0)).item() == pytest.approx(-1000, rel=1e-12)
    p, q = DISJOINT
    assert d.value(p, q, d.optimal_score(p, q)).item() == pytest.approx(0, abs=1e-12)
    assert d.value(p, q, lambda x: -d.optimal_score(p, q)(x)).item() == -math.inf


def test_value_agrees_with_a_large_sample():
    p, q, _ = TRIPLES[2]
    generator = torch.Generator().manual_seed(0)
    x, y = p.sample(200_000, generator), q.sample(200_000, generator)
    drawn = torch.sigmoid(x.sin()).log().mean() + (1 - torch.sigmoid(y.sin())).log().mean()
    assert d.value(p, q, torch.sin).item() == pytest.approx(drawn.item(), abs=0.01)


def test_value_refuses_a_score_of_the_wrong_shape():
    with pytest.raises(ValueError, match="one number per point"):
        d.value(Normal(), Normal(), lambda x: x[:, None])


def test_bayes_accuracy_is_what_the_optimal_score_reaches():
    p, q = Normal(0, 1), Normal(2, 1)
    generator = torch.Generator().manual_seed(0)
    score, n = d.optimal_score(p, q), 200_000
    right = (score(p.sample(n, generator)) > 0).float().mean() + (
        score(q.sample(n, generator)) < 0
    ).float().mean()
    assert d.bayes_accuracy(p, q).item() == pytest.approx(right.item() / 2, abs=3e-3)
    assert d.bayes_accuracy(p, q).item() == pytest.approx(0.841345, abs=1e-6)


# -- gradients and fits


def test_one_step_gradients_of_the_generator_with_the_optimal_discriminator():
    """Minimax descends 2 JS, maximum likelihood KL(p || q), non-saturating KL(q || p) - 2 JS; shift by 1."""
    t = torch.tensor(1.0, dtype=DOUBLE, requires_grad=True)
    p, q = Normal(0, 1), Normal(t, 1)
    (minimax,) = torch.autograd.grad(2 * d.js(p, q), t)
    (non_saturating,) = torch.autograd.grad(d.kl(q, p) - 2 * d.js(p, q), t)
    (likelihood,) = torch.autograd.grad(d.kl(p, q), t)
    assert minimax.item() == pytest.approx(0.397973, abs=1e-6)
    assert non_saturating.item() == pytest.approx(0.602027, abs=1e-6)
    assert likelihood.item() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("name", [*F, "w1"])
def test_gradients_agree_with_finite_differences(name):
    def divergence(mean, sd):
        return getattr(d, name)(Normal(0, 1), Normal(mean, sd))

    parameters = [torch.tensor(v, dtype=DOUBLE, requires_grad=True) for v in (0.8, 1.1)]
    assert torch.autograd.gradcheck(divergence, parameters, eps=1e-5, atol=1e-5)


TARGET = Mixture((0.33, 0.67), (Normal(-1, 0.255), Normal(2, math.sqrt(2))))
BEST_FITS = {  # name: D_f, mean, sd of the best normal; the f-GAN paper's table 2 agrees to 7e-4
    "kl": (0.28300, 1.01000, 1.83067),
    "reverse_kl": (0.24819, 1.57805, 1.63119),
    "jensen_shannon": (0.12806 / 2, 1.30679, 1.75399),
    "jeffreys": (0.57073, 1.32160, 1.70293),
    "pearson": (0.64563, 0.57373, 1.92732),
    "neyman": (0.40516, 1.82476, 1.51858),
}


@pytest.mark.parametrize("name", BEST_FITS)
def test_best_normal_fit_to_the_mixture_of_the_f_gan_paper(name):
    least, mean, sd = BEST_FITS[name]
    divergence = getattr(d, name)
    assert divergence(TARGET, Normal(mean, sd)).item() == pytest.approx(least, abs=2e-5)

    def loss(theta):
        m, log_s = (torch.tensor(v, dtype=DOUBLE, requires_grad=True) for v in theta)
        result = divergence(TARGET, Normal(m, log_s.exp()))
        result.backward()
        return result.item(), np.array([m.grad.item(), log_s.grad.item()])

    fit = minimize(loss, [1.2, math.log(1.7)], jac=True, method="BFGS")
    assert fit.fun == pytest.approx(least, abs=1e-5)
    assert fit.x[0] == pytest.approx(mean, abs=2e-4)
    assert math.exp(fit.x[1]) == pytest.approx(sd, abs=2e-4)


def test_the_kl_fit_matches_moments_and_the_reverse_kl_fit_sits_on_one_mode():
    mean, sd = BEST_FITS["kl"][1:]
    assert TARGET.mean == pytest.approx(mean, abs=1e-5) and TARGET.sd == pytest.approx(sd, abs=1e-5)
    far = Mixture((0.6, 0.4), (Normal(-5, 0.5), Normal(5, 0.5)))
    one_mode, moments = Normal(-5, 0.5), Normal(far.mean, far.sd)
    assert d.reverse_kl(far, one_mode).item() == pytest.approx(-math.log(0.6), abs=1e-6)
    assert d.reverse_kl(far, one_mode) < d.reverse_kl(far, moments)
    assert d.kl(far, moments) < d.kl(far, one_mode)


def test_instance_noise():
    """Two points at distance 1, each with noise of sd s: JS, and its slope in the distance."""
    table = {
        0.05: (0.693147, 0.0),
        0.1: (0.693146, 0.00002),
        0.25: (0.632720, 0.27439),
        0.5: (0.336831, 0.44960),
        1: (0.111421, 0.19899),
    }
    for s, (js, slope) in table.items():
        t = torch.tensor(1.0, dtype=DOUBLE, requires_grad=True)
        result = d.js(Normal(0, s), Normal(t, s))
        result.backward()
        assert result.item() == pytest.approx(js, abs=1e-6)
        assert t.grad.item() == pytest.approx(slope, abs=1e-5)


# -- empirical W1


@pytest.mark.parametrize("sizes", [(50, 50), (50, 35), (7, 1), (64, 48)])
def test_empirical_w1_on_the_line_agrees_with_scipy(sizes):
    generator = torch.Generator().manual_seed(0)
    x, y = Normal(0, 1).sample(sizes[0], generator).double(), TARGET.sample(sizes[1], generator).double()
    truth = stats.wasserstein_distance(x.numpy(), y.numpy())
    assert d.empirical_w1(x, y).item() == pytest.approx(truth, rel=1e-10)
    assert d.empirical_w1(y[:, None], x[:, None]).item() == pytest.approx(truth, rel=1e-10)


def test_empirical_w1_in_the_plane_is_the_best_of_all_matchings():
    from itertools import permutations

    x, y = torch.rand(2, 6, 2, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    least = min((x - y[list(order)]).norm(dim=1).mean().item() for order in permutations(range(6)))
    assert d.empirical_w1(x, y).item() == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("theta", [0.0, 0.1, 0.7, -2.0])
def test_parallel_lines_are_as_far_apart_as_they_look(theta):
    u = torch.linspace(0, 1, 12)
    atoms, moved = (torch.stack([torch.full_like(u, v), u], 1) for v in (0.0, theta))
    assert d.empirical_w1(atoms, moved).item() == pytest.approx(abs(theta), abs=1e-6)
    generator = torch.Generator().manual_seed(0)
    x, y = Lines((0.0,), 0.5).sample(300, generator), Lines((theta,), 0.5).sample(300, generator)
    assert abs(theta) <= d.empirical_w1(x, y).item() + 1e-6 <= abs(theta) + 0.15


def test_two_samples_of_one_law_are_not_at_distance_zero():
    """The floor shrinks like n^(-1/2) on the line."""
    generator = torch.Generator().manual_seed(0)
    floors = []
    for n in (100, 1600):
        pairs = [(Normal().sample(n, generator), Normal().sample(n, generator)) for _ in range(100)]
        floors.append(np.mean([d.empirical_w1(x, y).item() for x, y in pairs]))
    assert floors[1] > 0 and floors[0] / floors[1] == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("shift", [0.0, 1e2, 1e3, 1e4, 1e6])
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_empirical_w1_of_float32_points_far_from_zero(shift, dim):
    """Against scipy's matching of the same points, their distances from differences in float64."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(200, dim, generator=generator) + shift for _ in range(2))
    distance = np.linalg.norm(x.double().numpy()[:, None] - y.double().numpy(), axis=2)
    truth = distance[linear_sum_assignment(distance)].mean()
    assert d.empirical_w1(x, y).item() == pytest.approx(truth, rel=1e-5)
    assert d.empirical_w1(x, x[torch.randperm(200, generator=generator)]).item() == 0


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(300,), (300, 2)])
def test_empirical_w1_of_coarse_numbers(dtype, shape):
    """Whole numbers up to 250, which all of these types hold exactly; 300 x 299 on the line."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randint(0, 126, shape, generator=generator).mul(2).flip(0) for _ in range(2))
    y = y[: 299 if len(shape) == 1 else 300]
    assert d.empirical_w1(x.to(dtype), y.to(dtype)).item() == pytest.approx(
        d.empirical_w1(x.double(), y.double()).item(), rel=1e-5
    )


def test_empirical_w1_of_large_whole_numbers_and_of_arrays():
    x, y = torch.tensor([2**24 + 1, 2**40 + 1]), torch.tensor([2**24, 2**40])  # float32 holds only y
    for at, to in ((x, y), (x.numpy(), y.numpy()), (x[:, None] * torch.tensor([1, 0]), y[:, None].numpy() * [1, 0])):
        assert d.empirical_w1(at, to).item() == 1


def test_empirical_w1_passes_a_gradient_and_refuses_what_it_cannot_do():
    x = torch.tensor([[0.0, 0.0], [5.0, 0.0]], requires_grad=True)
    d.empirical_w1(x, torch.tensor([[5.0, 1.0], [0.0, 2.0]])).backward()
    assert torch.allclose(x.grad, torch.tensor([[0.0, -0.5], [0.0, -0.5]]))
    with pytest.raises(ValueError, match="equally many, but are 3 and 4"):
        d.empirical_w1(torch.zeros(3, 2), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="at least one point, but have 0 and 4"):
        d.empirical_w1(torch.zeros(0, 2), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="NaN"):
        d.empirical_w1(torch.full((4, 2), torch.nan), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="coordinates"):
        d.empirical_w1(torch.zeros(3, 2), torch.zeros(3, 1))
