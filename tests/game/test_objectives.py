"""Every objective against theory: best response, value, G's slope; and the penalties against closed forms."""

import inspect
import math
from dataclasses import replace

import pytest
import torch
from scipy.optimize import brentq
from scipy.stats import norm
from torch import nn

from gan_tutorial.game import objectives as o
from gan_tutorial.game.networks import PointDiscriminator
from gan_tutorial.truth.quadrature import panels

LOG2 = math.log(2)

# Theory, written down independently of the package: r -> best score, and f with -E_q[min cost] = D_f(p || q) + const.
THEORY = {
    "minimax": (torch.log, lambda r: r * r.log() - (r + 1) * (r + 1).log()),
    "non_saturating": (torch.log, lambda r: r * r.log() - (r + 1) * (r + 1).log()),
    "max_likelihood": (torch.log, lambda r: r * r.log() - (r + 1) * (r + 1).log()),
    "r1": (torch.log, lambda r: r * r.log() - (r + 1) * (r + 1).log()),  # its curves; the penalty is tested below
    "least_squares": (lambda r: r / (r + 1), lambda r: -r / (2 * (r + 1))),
    "hinge": (lambda r: torch.sign(r - 1), lambda r: -2 * r.clamp(max=1)),
    "kl": (lambda r: r.log() + 1, lambda r: r * r.log()),
    "reverse_kl": (torch.log, lambda r: -r.log()),
    "jensen_shannon": (torch.log, lambda r: r * r.log() - (r + 1) * ((r + 1) / 2).log()),
    "pearson": (lambda r: 2 * (r - 1), lambda r: (r - 1) ** 2),
    "neyman": (torch.log, lambda r: (1 - r) ** 2 / r),
    "squared_hellinger": (lambda r: r.log() / 2, lambda r: (r.sqrt() - 1) ** 2),
    "total_variation": (None, lambda r: (r - 1).abs() / 2),  # the best score is infinite
    "jeffreys": (torch.log, lambda r: (r - 1) * r.log()),
    "gentle_kl": (lambda r: torch.special.expm1(r).log(), lambda r: r * r.log()),
    "gentle_hellinger": (lambda r: (r.sqrt() - 1 / r.sqrt()) / 2, lambda r: (r.sqrt() - 1) ** 2),
}
# Paired: the best difference of scores at u and v by r = p(u) q(v) / (q(u) p(v)), and f with
# -min cost = D_f(p x q || q x p) + const: each of the two orders is one half of the pairs.
PAIRED_THEORY = {
    "rpgan": (torch.log, lambda r: (r * r.log() - (r + 1) * (r + 1).log()) / 2),
    "r3gan": (torch.log, lambda r: (r * r.log() - (r + 1) * (r + 1).log()) / 2),  # its curves, as for r1
}
CRITICS = {"wgan", "wgan_gp", "wgan_lp"}  # no best response without a bound on the slope: tested with linear critics

# N(0,1) against N(1,1), from the closed forms (JS by quadrature elsewhere), as a check of the table above
SHIFT = {
    "kl": 0.5,
    "reverse_kl": 0.5,
    "jeffreys": 1.0,
    "pearson": math.e - 1,
    "neyman": math.e - 1,
    "squared_hellinger": 2 * (1 - math.exp(-1 / 8)),
    "gentle_kl": 0.5,
    "gentle_hellinger": 2 * (1 - math.exp(-1 / 8)),
    "total_variation": 2 * norm.cdf(0.5) - 1,
    "jensen_shannon": 2 * 0.1114207,
    "minimax": 2 * 0.1114207 - math.log(4),
    "hinge": -2 * (1 - (2 * norm.cdf(0.5) - 1)),
}


def test_the_table_of_theory_is_complete():
    assert set(o.OBJECTIVES) == set(THEORY) | set(PAIRED_THEORY) | CRITICS
    assert {name for name, objective in o.OBJECTIVES.items() if objective.paired} == set(PAIRED_THEORY)


@pytest.fixture(scope="module")
def densities():
    x = torch.linspace(-9, 10, 3801, dtype=torch.float64)
    p, q = (torch.exp(-((x - m) ** 2) / 2) / math.sqrt(2 * math.pi) for m in (0, 1))
    return p, q, float(x[1] - x[0])


@pytest.mark.parametrize("name", THEORY)
def test_best_response_and_value(name, densities):
    objective = o.OBJECTIVES[name]
    best, f = THEORY[name]
    r = torch.tensor([0.02, 0.3, 0.9, 1.2, 3.0, 40.0], dtype=torch.float64)
    s = o.best_response(objective, r)
    if best is not None:
        assert torch.allclose(s, best(r), atol=1e-5)
    else:
        assert torch.equal(s.sign(), (r - 1).sign()) and (s.abs() > 8).all()

    p, q, dx = densities
    score = o.best_response(objective, p / q)
    value = -((p * objective.d_real(score) + q * objective.d_fake(score)).sum() * dx)
    theory = (q * f(p / q)).sum() * dx
    assert value == pytest.approx(float(theory), abs=2e-6)
    if name in SHIFT:
        assert value == pytest.approx(SHIFT[name], abs=2e-6)
    # any other score is worse
    for other in (torch.zeros_like(p), score / 2 + 0.1, score.clamp(-1, 1) - 0.2):
        cost = (p * objective.d_real(other) + q * objective.d_fake(other)).sum() * dx
        assert cost > -value - 1e-9


# JS(p x q, q x p) - log 2 of N(0,1) against N(m,1)
PAIRED_SHIFT = {1: -0.4918017, 2: -0.1930750}


@pytest.mark.parametrize("m", PAIRED_SHIFT)
@pytest.mark.parametrize("name", PAIRED_THEORY)
def test_best_response_and_value_of_pairs(name, m):
    """Over all pairs of a datum at x and a sample at y, with a D that knows p/q at each: s(x) - s(y) is the best."""
    objective = o.OBJECTIVES[name]
    best, f = PAIRED_THEORY[name]
    r = torch.tensor([0.02, 0.3, 0.9, 1.2, 3.0, 40.0], dtype=torch.float64)
    assert torch.allclose(o.best_response(objective, r), best(r), atol=1e-5)

    x, weight = panels([-9 + (18 + m) / 6 * k for k in range(7)])
    p, q = (torch.exp(-((x - mean) ** 2) / 2) / math.sqrt(2 * math.pi) for mean in (0, m))
    pq, qp = p[:, None] * q, q[:, None] * p  # data along the rows, samples along the columns
    area = weight[:, None] * weight
    t = o.best_response(objective, pq / qp)
    assert torch.allclose(t, (p / q).log()[:, None] - (p / q).log(), atol=1e-4)  # a difference of two scores

    def cost(score):
        t = score[:, None] - score
        return float((area * pq * (objective.d_real(t) + objective.d_fake(-t))).sum())

    value = -cost((p / q).log())
    assert value == pytest.approx(float((area * qp * f(pq / qp)).sum()), abs=1e-7)
    middle = (pq + qp) / 2
    js = (area * (pq * (pq / middle).log() + qp * (qp / middle).log())).sum() / 2
    assert value == pytest.approx(float(js) - LOG2, abs=1e-7)
    assert value == pytest.approx(PAIRED_SHIFT[m], abs=1e-6)
    assert cost((p / q).log() + 3) == pytest.approx(-value, abs=1e-12)  # a constant changes nothing
    for other in (torch.zeros_like(p), (p / q).log() / 2, (p / q).log().clamp(-1, 1), (p / q).log() * 1.1):
        assert cost(other) > -value + 1e-5


@pytest.mark.parametrize("name", o.OBJECTIVES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_curves_are_finite_and_g_has_the_right_sign(name, dtype):
    objective = o.OBJECTIVES[name]
    for curve in (objective.d_real, objective.d_fake, objective.g_fake):
        s = torch.linspace(-100, 100, 20001, dtype=dtype, requires_grad=True)
        y = curve(s)
        (slope,) = torch.autograd.grad(y.sum(), s)
        assert y.isfinite().all() and slope.isfinite().all()
    # G's curve never rises with the score: a sample that D likes better never costs more
    if name == "least_squares":  # except here, above 1: no best D scores that high (p/(p+q) < 1)
        assert (slope[s > 1] > 0).all()
        slope = slope[s <= 1]
    assert (slope <= 0).all() and (slope < 0).any()


@pytest.mark.parametrize("name", o.OBJECTIVES)
def test_curves_of_any_float32_score_are_finite_and_right(name):
    """Up to 1e10 on both sides, in value and slope, and the same as in float64."""
    s = torch.logspace(-6, 10, 400)
    s = torch.cat([-s.flip(0), torch.zeros(1), s])
    for curve in ("d_real", "d_fake", "g_fake"):
        found = []
        for dtype in (torch.float32, torch.float64):
            at = s.to(dtype).requires_grad_()
            y = getattr(o.OBJECTIVES[name], curve)(at)
            (slope,) = torch.autograd.grad(y.sum(), at)
            assert y.isfinite().all() and slope.isfinite().all()
            found.append((y.detach().double(), slope.double()))
        for narrow, wide in zip(*found, strict=True):
            assert torch.allclose(narrow, wide, rtol=2e-5, atol=2e-6)


def test_neyman_is_convex_and_exact_up_to_its_bend():
    s = torch.linspace(-60, 5, 6501, dtype=torch.float64)
    for curve, sign in ((o.neyman.d_real, 1), (o.neyman.d_fake, -1)):
        y = sign * curve(s)
        assert (y.diff() < 0).all() and (y.diff().diff() > -1e-9 * y.abs()[2:]).all()
    exact = s[s > -20]
    assert torch.allclose(o.neyman.d_real(exact), (-2 * exact).exp() - 1)
    assert torch.allclose(o.neyman.d_fake(exact), 2 - 2 * (-exact).exp())


@pytest.mark.parametrize("name", o.OBJECTIVES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_losses_of_half_precision_scores(name, dtype):
    """As exact as the scores are: the largest float16 overflows in exp, and bfloat16 has no digits for a mean."""
    objective = o.OBJECTIVES[name]
    real, fake = (torch.linspace(*ends, 1001).to(dtype).requires_grad_() for ends in ((-40, 60), (40, -60)))
    for loss, exact in (
        (objective.d_loss(real, fake), objective.d_loss(real.double(), fake.double())),
        (objective.g_loss(fake, real), objective.g_loss(fake.double(), real.double())),
    ):
        assert float(loss) == pytest.approx(float(exact), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", ["gentle_kl", "gentle_hellinger"])
def test_gentle_curves_are_nowhere_steep(name):
    s = torch.linspace(-100, 100, 20001, dtype=torch.float64, requires_grad=True)
    objective = o.OBJECTIVES[name]
    for curve in (objective.d_real, objective.d_fake, objective.g_fake):
        (slope,) = torch.autograd.grad(curve(s).sum(), s)
        assert slope.abs().max() <= 2 + 1e-12


@pytest.mark.parametrize("name", o.OBJECTIVES)
def test_d_is_asked_to_score_data_higher(name):
    real, fake = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    on_real, on_fake = torch.autograd.grad(o.OBJECTIVES[name].d_loss(real, fake), [real, fake])
    if name != "least_squares":
        assert on_fake > 0
    assert on_real < 0


# ---- Paired ----


def test_the_paired_losses_are_those_of_the_paper():
    """L_D = -E log sigma(C(x) - C(G(z))), L_G = -E log sigma(C(G(z)) - C(x)): the i-th against the i-th."""
    torch.manual_seed(0)
    real, fake = torch.randn(2, 50, dtype=torch.float64)
    d_loss = -sum(math.log(1 / (1 + math.exp(b - a))) for a, b in zip(real, fake, strict=True)) / 50
    g_loss = -sum(math.log(1 / (1 + math.exp(a - b))) for a, b in zip(real, fake, strict=True)) / 50
    for objective in (o.rpgan, o.r3gan):
        assert float(objective.d_loss(real, fake)) == pytest.approx(d_loss, abs=1e-12)
        assert float(objective.g_loss(fake, real)) == pytest.approx(g_loss, abs=1e-12)
        assert float(objective.d_loss(real + 7, fake + 7)) == pytest.approx(d_loss, abs=1e-12)


def test_each_curve_is_read_at_its_own_difference():
    """d_real at s(x) - s(G(z)), the other two at s(G(z)) - s(x): with curves that all differ, and are not odd."""
    game = o.Objective(lambda t: t.exp(), lambda t: 10 * (2 * t).exp(), lambda t: 100 * (3 * t).exp(), paired=True)
    real, fake = torch.tensor([1.0, 0.0]).double(), torch.tensor([0.5, 2.0]).double()
    d_loss = (math.exp(0.5) + math.exp(-2)) / 2 + 10 * (math.exp(-1) + math.exp(4)) / 2
    assert float(game.d_loss(real, fake)) == pytest.approx(d_loss)
    assert float(game.g_loss(fake, real)) == pytest.approx(100 * (math.exp(-1.5) + math.exp(6)) / 2)


def test_a_linear_curve_makes_the_paired_game_wasserstein():
    paired = o.Objective(lambda t: -t, lambda t: 0 * t, lambda t: -t, paired=True)
    torch.manual_seed(0)
    real, fake = (torch.randn(20, dtype=torch.float64, requires_grad=True) for _ in range(2))
    losses = [game.d_loss(real, fake) for game in (paired, o.wasserstein)]
    assert float(losses[0]) == pytest.approx(float(losses[1]), abs=1e-12)
    for ours, theirs in zip(*(torch.autograd.grad(loss, [real, fake]) for loss in losses), strict=True):
        assert torch.allclose(ours, theirs)
    ours, theirs = (torch.autograd.grad(game.g_loss(fake, real), fake)[0] for game in (paired, o.wasserstein))
    assert torch.allclose(ours, theirs) and (ours != 0).all()


def test_fake_as_real_of_a_paired_objective_is_the_game_in_which_g_wants_the_opposite():
    game = o.fake_as_real(replace(o.rpgan, g_fake=lambda t: t))
    real, fake = torch.randn(2, 30, dtype=torch.float64)
    assert game.paired and torch.equal(game.g_loss(fake, real), o.rpgan.g_loss(fake, real))
    assert torch.equal(game.g_loss(fake, real), game.d_loss(fake, real))


@pytest.mark.parametrize("name", PAIRED_THEORY)
def test_a_paired_objective_says_what_it_needs(name):
    objective = o.OBJECTIVES[name]
    with pytest.raises(ValueError, match=r"as many of both.*\(5,\).*\(3,\)"):
        objective.d_loss(torch.zeros(5), torch.zeros(3))
    with pytest.raises(ValueError, match=r"as many of both.*\(1,\).*\(3,\)"):  # nothing is broadcast
        objective.g_loss(torch.zeros(3), torch.zeros(1))
    with pytest.raises(ValueError, match="scores of data too"):
        objective.g_loss(torch.zeros(3))
    for change in (lambda m: o.smooth(m), lambda m: o.flip_labels(m), lambda m: o.mix_labels(m, 0.0, 0.1)):
        with pytest.raises(ValueError, match="no labels to smooth"):
            change(objective)


def test_all_others_take_batches_of_unequal_size_and_no_notice_of_data_in_the_loss_of_g():
    real, fake = torch.randn(5), torch.randn(3)
    for name in set(o.OBJECTIVES) - set(PAIRED_THEORY):
        objective = o.OBJECTIVES[name]
        assert torch.equal(objective.d_loss(real, fake), objective.d_real(real).mean() + objective.d_fake(fake).mean())
        assert torch.equal(objective.g_loss(fake, real), objective.g_fake(fake).mean())
        assert torch.equal(objective.g_loss(fake), objective.g_fake(fake).mean())


# ---- G's slopes ----


def test_g_gradients_at_a_score():
    """Slopes by the score a, D = sigmoid(a): -D, -(1-D), -D/(1-D)."""
    for D in (0.001, 0.01, 0.1, 0.5):
        a = torch.tensor(math.log(D / (1 - D)), dtype=torch.float64, requires_grad=True)
        slopes = [
            float(torch.autograd.grad(g(a), a)[0])
            for g in (o.minimax.g_fake, o.non_saturating.g_fake, o.max_likelihood.g_fake)
        ]
        assert slopes == pytest.approx([-D, -(1 - D), -D / (1 - D)], rel=1e-9)
        assert slopes[1] / slopes[0] == pytest.approx((1 - D) / D)


def test_minimax_never_falls_silent():
    """G's slope is -D(G(z)) however little that is; with D kept above 1e-5, say, it would be 0 where D rejects."""
    for dtype, low in ((torch.float32, -80), (torch.float64, -600)):
        a = torch.linspace(low, 0, 200, dtype=dtype, requires_grad=True)
        (slope,) = torch.autograd.grad(o.minimax.g_fake(a).sum(), a)
        torch.testing.assert_close(slope, -a.detach().sigmoid(), rtol=1e-5, atol=0)


def test_the_hinge_is_for_d_only():
    """D lets go of an example beyond its margin; G's slope is -1 at every score."""
    s = torch.tensor([-3.0, -0.5, 0.5, 3.0], requires_grad=True)
    curves = (o.hinge.d_real, o.hinge.d_fake, o.hinge.g_fake)
    slopes = [torch.autograd.grad(curve(s).sum(), s)[0].tolist() for curve in curves]
    assert slopes == [[-1, -1, -1, 0], [0, 1, 1, 1], [-1, -1, -1, -1]]


def test_one_step_generator_gradients_of_a_shift():
    """N(0,1) against N(1,1), D optimal: d 2JS/dt = 0.397973, its complement to dKL(q||p)/dt, and dKL(p||q)/dt = 1."""
    x = torch.linspace(-11, 12, 23001, dtype=torch.float64)
    dx = float(x[1] - x[0])
    q = torch.exp(-((x - 1) ** 2) / 2) / math.sqrt(2 * math.pi)
    score = -x + 0.5
    slope = [
        float((q * (x - 1) * g(score)).sum() * dx)  # E_q g(s) d log q / dt
        for g in (o.minimax.g_fake, o.non_saturating.g_fake, o.max_likelihood.g_fake)
    ]
    assert slope == pytest.approx([0.397973, 0.602027, 1.0], abs=1e-6)


@pytest.mark.parametrize("alpha,beta", [(0.1, 0.0), (0.05, 0.05), (0.2, 0.1)])
def test_mixed_labels_move_the_best_d(alpha, beta):
    r = torch.tensor([1e-6, 0.1, 1.0, 7.0, 1e6], dtype=torch.float64)
    mixed = o.mix_labels(o.minimax, alpha, beta)
    assert torch.allclose(o.best_response(mixed, r).sigmoid(), ((1 - alpha) * r + beta) / (r + 1), atol=1e-6)
    assert mixed.g_fake is o.minimax.g_fake


@pytest.mark.parametrize(
    "make",
    [
        lambda m: o.smooth(m, 1.5),
        lambda m: o.smooth(m, 1.0),
        lambda m: o.smooth(m, -0.1),
        lambda m: o.smooth(m, math.nan),
        lambda m: o.flip_labels(m, 0.6),
        lambda m: o.flip_labels(m, 0.5),
        lambda m: o.flip_labels(m, -0.05),
        lambda m: o.mix_labels(m, 0.3, 0.7),
        lambda m: o.mix_labels(m, 0.0, math.nan),
    ],
)
def test_labels_that_teach_nothing_are_refused(make):
    with pytest.raises(ValueError, match="nothing to learn"):
        make(o.minimax)


@pytest.mark.parametrize(
    "make", [lambda m: o.smooth(m, 0.99), lambda m: o.flip_labels(m, 0.49), lambda m: o.smooth(m, 0)]
)
def test_up_to_there_the_best_d_rises_with_the_ratio(make):
    assert (o.best_response(make(o.minimax), torch.logspace(-2, 2, 9)).diff() > 0).all()


@pytest.mark.parametrize("r", [0.0, 1e-3, 5e5, 1e6, 1e9, 1e12])
def test_best_response_reaches_far(r):
    best = o.best_response(o.pearson, torch.tensor(r)).item()
    if r:
        assert best == pytest.approx(2 * (float(torch.tensor(r)) - 1), rel=1e-6)
    else:
        assert best <= -2 + 1e-6  # a sample that is no datum: every score from -2 down is as good
    assert o.best_response(o.pearson, torch.tensor(1e6), reach=1e3).item() == pytest.approx(1e3)
    assert o.best_response(o.wasserstein, torch.tensor([0.5, 2.0]), reach=10).tolist() == pytest.approx([-10, 10])


@pytest.mark.parametrize(
    ("name", "best"),
    [("least_squares", 1), ("hinge", 1), ("kl", 1e15), ("pearson", 1e15), ("wgan", 1e15), ("minimax", 709.7827)],
)
def test_best_response_where_there_are_no_samples(name, best):
    """r = inf is the largest float, log r = 709.78; before it, 1e300 overflows no cost; where r has no value, nan."""
    r = torch.tensor([torch.inf, 1e300, torch.nan, 1.0], dtype=torch.float64)
    found = o.best_response(o.OBJECTIVES[name], r)
    assert found[:2].tolist() == pytest.approx([best, best if name != "minimax" else 690.7755], rel=1e-6)
    assert found.isnan().tolist() == [False, False, True, False]


def test_best_response_to_curves_that_change_the_scores_in_place():
    r = torch.tensor([0.5, 1.0, 2.0])
    for objective in (o.minimax, o.rpgan):
        hasty = replace(objective, d_real=lambda s: o.softplus(s.neg_()))
        assert torch.allclose(o.best_response(hasty, r), r.double().log(), atol=1e-6)


def test_the_cost_of_a_pair_may_be_shared_between_both_curves():
    """d_real(t) + d_fake(-t) is all that a pair costs: half of it by each curve asks for the same D."""
    half = o.Objective(lambda t: o.softplus(-t) / 2, lambda t: o.softplus(t) / 2, lambda t: o.softplus(-t), paired=True)
    r = torch.logspace(-3, 3, 13)
    assert torch.allclose(o.best_response(half, r), r.double().log(), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (o.gradient_penalty, "weight", 10.0),  # Gulrajani et al. 2017, algorithm 1
        (o.r1_penalty, "gamma", 1.0),
        (o.r2_penalty, "gamma", 1.0),
        (o.clip_weights, "c", 0.01),  # Arjovsky et al. 2017, algorithm 1
        (o.smooth, "eps", 0.1),
        (o.flip_labels, "rate", 0.05),
        (o.best_response, "reach", 1e15),
    ],
)
def test_defaults(make, name, value):
    assert inspect.signature(make).parameters[name].default == value


def test_beyond_the_bend_the_parabola_continues_value_slope_and_curvature():
    end = math.exp(o.BEND)
    for beyond in (0.0, 0.5, 3.0):
        s = torch.tensor(o.BEND + beyond, dtype=torch.float64, requires_grad=True)
        value = o.bent_exp(s)
        (slope,) = torch.autograd.grad(value, s, create_graph=True)
        curvature = torch.autograd.grad(slope, s)[0] if slope.requires_grad else torch.tensor(0.0)
        assert float(value) == pytest.approx(end * (1 + beyond + beyond**2 / 2), rel=1e-12)
        if beyond:
            assert float(slope) == pytest.approx(end * (1 + beyond), rel=1e-12)
            assert float(curvature) == pytest.approx(end, rel=1e-12)


def test_smoothing_is_one_sided_and_flipping_is_two_sided():
    r = torch.tensor([1e-9, 1.0, 1e9], dtype=torch.float64)
    assert torch.allclose(
        o.best_response(o.smooth(o.minimax, 0.1), r)[1:],
        torch.tensor([math.log(0.45 / 0.55), math.log(9)]).double(),
        atol=1e-4,
    )
    assert torch.allclose(
        o.best_response(o.flip_labels(o.minimax, 0.05), r),
        torch.tensor([-math.log(19), 0.0, math.log(19)]).double(),
        atol=1e-4,
    )
    # flipping, simulated: each label wrong with probability 0.05
    torch.manual_seed(0)
    s = torch.randn(200_000, dtype=torch.float64)
    wrong = torch.rand(200_000) < 0.05
    simulated = torch.where(wrong, o.minimax.d_fake(s), o.minimax.d_real(s)).mean()
    assert float(simulated) == pytest.approx(float(o.flip_labels(o.minimax, 0.05).d_real(s).mean()), abs=5e-3)


def test_bent_exp_is_exp_and_then_a_smooth_parabola():
    s = torch.linspace(-50, o.BEND, 500, dtype=torch.float64)
    assert torch.equal(o.bent_exp(s), s.exp())
    at = torch.tensor([o.BEND - 1e-6, o.BEND + 1e-6], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(o.bent_exp(at).sum(), at)
    assert float(slope[1] / slope[0]) == pytest.approx(1, abs=1e-5)
    assert o.bent_exp(torch.tensor(1e4)).isfinite()


# ---- Penalties ----


class Linear(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(torch.as_tensor(w, dtype=torch.float64))

    def forward(self, x):
        return x.flatten(1) @ self.w


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(32, 1, 4, 4, dtype=torch.float64), torch.randn(32, 1, 4, 4, dtype=torch.float64)


def test_penalty_of_known_slopes(batch):
    x, fake = batch
    unit = torch.ones(16).double() / 4
    assert o.gradient_penalty(1.0)(Linear(torch.zeros(16)), x, fake).item() == 1  # zero gradient
    assert o.gradient_penalty(1.0)(Linear(unit), x, fake).item() == pytest.approx(
        0, abs=1e-15
    )  # unit norm, over all pixels
    assert o.gradient_penalty(10.0)(Linear(3 * unit), x, fake).item() == pytest.approx(40)
    assert o.gradient_penalty(10.0, one_sided=True)(Linear(unit / 2), x, fake).item() == 0
    assert o.gradient_penalty(10.0, one_sided=True)(Linear(3 * unit), x, fake).item() == pytest.approx(40)
    assert o.gradient_penalty(1.0, slope=3.0)(Linear(3 * unit), x, fake).item() == pytest.approx(0, abs=1e-15)
    assert o.r1_penalty(2.0)(Linear(3 * unit), x, fake).item() == pytest.approx(9)
    assert o.r2_penalty(2.0)(Linear(3 * unit), x, fake).item() == pytest.approx(9)


def test_batches_of_unequal_size_and_type_are_paired_as_far_as_they_go(batch):
    x, fake = batch
    D = Linear(3 * torch.ones(16).double() / 4)
    for a, b in ((x, fake[:5]), (x[:5], fake), (x, fake.float())):
        assert o.gradient_penalty(10.0)(D, a, b).item() == pytest.approx(40)


def test_norm_is_per_example(batch):
    x, fake = batch

    def D(u):  # slope of example i is |2 u_i|
        return u.flatten(1).square().sum(1)

    assert torch.allclose(o.gradient_norm(D, x), 2 * x.flatten(1).norm(dim=1))
    expected = (2 * x.flatten(1).norm(dim=1) - 1).square().mean()  # not the norm of the whole batch
    assert torch.allclose(o.gradient_penalty(1.0)(D, x, x), expected)


def test_mixing_weight_is_one_uniform_number_per_example():
    torch.manual_seed(0)
    x, fake, seen = torch.zeros(20_000, 1, 2, 2), torch.ones(20_000, 1, 2, 2), []

    def D(u):
        seen.append(u.detach())
        return u.flatten(1).sum(1)

    o.gradient_penalty()(D, x, fake)
    t = seen[0].flatten(1)
    assert (t == t[:, :1]).all()
    assert t.min() >= 0 and t.max() <= 1
    assert float(t[:, 0].mean()) == pytest.approx(0.5, abs=0.01)
    assert float(t[:, 0].var()) == pytest.approx(1 / 12, abs=0.002)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("weight", [1e-4, 30.0])
def test_slopes_of_half_precision_are_summed_in_more(dtype, weight):
    """28 times the weight over 784 pixels: in float16 the squares of the small ones are 0, of the large ones inf."""
    D = nn.Linear(784, 1, bias=False).to(dtype)
    nn.init.constant_(D.weight, weight)
    x = torch.zeros(2, 784, dtype=dtype)
    assert o.gradient_norm(D, x).tolist() == pytest.approx([28 * weight] * 2, rel=4e-3)
    assert float(o.r1_penalty(2.0)(D, x, x)) == pytest.approx(784 * weight**2, rel=8e-3)


def test_slopes_are_found_where_gradients_are_switched_off(batch):
    D = Linear(torch.arange(16.0))
    with torch.no_grad():
        norm = o.gradient_norm(lambda u: D(u) ** 2, batch[0])
    assert torch.equal(norm, o.gradient_norm(lambda u: D(u) ** 2, batch[0])) and not norm.requires_grad


def test_second_backward_agrees_with_finite_differences(batch):
    x, fake = (b.flatten(1)[:, :3] for b in batch)
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()

    def penalty():
        torch.manual_seed(7)  # the same mixing weights each time
        return o.gradient_penalty(10.0)(lambda u: net(u).squeeze(1), x, fake)

    loss = penalty()
    assert loss.requires_grad  # else it would teach D nothing
    loss.backward()
    w = net[0].weight
    for i, j in [(0, 0), (3, 2), (7, 1)]:
        with torch.no_grad():
            w[i, j] += 1e-6
        up = penalty().item()
        with torch.no_grad():
            w[i, j] -= 2e-6
        down = penalty().item()
        with torch.no_grad():
            w[i, j] += 1e-6
        assert w.grad[i, j].item() == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-7)


def test_r1_looks_at_the_data_and_r2_at_the_samples(batch):
    """With D(u) = |u|^2 the squared slope is 4 |u|^2."""
    x, fake = batch[0], 3 * batch[1][:10]

    def D(u):
        return u.flatten(1).square().sum(1)

    on_x, on_fake = (4 * u.flatten(1).square().sum(1).mean() for u in (x, fake))
    assert torch.allclose(o.r1_penalty(0.6)(D, x, fake), 0.3 * on_x)
    assert torch.allclose(o.r2_penalty(0.6)(D, x, fake), 0.3 * on_fake)
    both = o.sum_of_penalties(o.r1_penalty(0.6), o.r2_penalty(5.0))
    assert torch.allclose(both(D, x, fake), 0.3 * on_x + 2.5 * on_fake)
    assert torch.allclose(o.r3gan.penalty(D, x, fake), on_x / 2 + on_fake / 2)
    assert o.sum_of_penalties()(D, x, fake) == 0


@pytest.mark.parametrize("penalty", [o.r1_penalty(0.3), o.r2_penalty(2.0), o.r3gan.penalty], ids=["R1", "R2", "both"])
@pytest.mark.parametrize("share", [1, 2, 3, 6])
def test_a_penalty_on_a_part_has_no_bias(batch, penalty, share):
    """Its mean over all places where the part may begin is the penalty on the whole batch."""
    x, fake = (u[:12] for u in batch)

    def D(u):
        return u.flatten(1).pow(3).sum(1)

    part = o.on_part(penalty, share)
    parts = torch.stack([part(D, x.roll(-k, 0), fake.roll(-k, 0)) for k in range(12)])
    assert torch.allclose(parts.mean(), penalty(D, x, fake)) and (parts.std() > 1e-9) == (share > 1)


def test_the_part_of_a_gradient_penalty_is_its_own_pairs(batch):
    """The first pairs of the batch, with the same random numbers; of a batch that is smaller than its share, one."""
    x, fake = batch
    whole, part = o.gradient_penalty(3.0), o.on_part(o.gradient_penalty(3.0), 4)
    D = Linear(torch.arange(16.0) / 5)

    def of(penalty, x, fake):
        torch.manual_seed(5)
        return penalty(lambda u: D(u) ** 2, x, fake)

    n = -(-len(x) // 4)
    assert torch.equal(of(part, x, fake), of(whole, x[:n], fake[:n]))
    assert torch.equal(of(part, x[:3], fake[:3]), of(whole, x[:1], fake[:1]))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: o.on_part(o.r1_penalty(), 0), "share is 0"),
        (lambda: o.on_part(o.r1_penalty(), -1), "share is -1"),
        (lambda: o.clip_weights(-0.01), "c is -0.01"),
        (lambda: o.clip_weights(math.nan), "c is nan"),
        (lambda: o.clip_weights(torch.tensor([0.1, -0.1])), "c >= 0"),
    ],
)
def test_parts_and_boxes_that_do_not_exist_are_told(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    "penalty",
    [o.gradient_penalty(), o.gradient_penalty(one_sided=True), o.r1_penalty(), o.r2_penalty(), o.r3gan.penalty],
)
def test_no_nan_where_d_is_flat(batch, penalty):
    D = Linear(torch.zeros(16))
    loss = penalty(D, *batch)
    loss.backward()
    assert loss.isfinite() and D.w.grad.isfinite().all()


def test_r1_is_curved_where_d_is_flat():
    """gamma/2 w^2 for the critic w x: its second derivative is gamma, at w = 0 too."""
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    penalty = o.r1_penalty(3.0)(lambda u: u.flatten(1) @ w, torch.ones(5, 1, dtype=torch.float64), None)
    (first,) = torch.autograd.grad(penalty, w, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), w)
    assert first.item() == 0 and second.item() == pytest.approx(3)


def test_penalty_sends_nothing_to_g(batch):
    x, fake = batch
    fake.requires_grad_()
    o.gradient_penalty()(Linear(torch.ones(16)), x, fake.detach()).backward()
    assert fake.grad is None


def test_batch_norm_in_d_is_caught():
    """With batch norm example 0's slope moves when example 1 moves: that D must not be penalised per example."""
    torch.manual_seed(0)

    def moves(D):
        x = torch.randn(8, 5)
        before = o.gradient_norm(D, x)[0].item()
        x[1] += 1
        return abs(o.gradient_norm(D, x)[0].item() - before) > 1e-6

    plain = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    normed = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    assert moves(normed) and not moves(plain)


def minimise(objective, D, x, fake, steps=800, lr=0.05):
    opt = torch.optim.Adam(D.parameters(), lr=lr)
    for _ in range(steps):
        loss = objective.d_loss(D(x), D(fake))
        if objective.penalty:
            loss = loss + objective.penalty(D, x, fake)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if objective.project:
            objective.project(D)
    return D, loss.item()


@pytest.mark.parametrize("weight", [10.0, 0.5])
@pytest.mark.parametrize("one_sided", [False, True])
def test_wgan_gp_bias_in_closed_form(weight, one_sided):
    """Two point masses W1 = 1.5 apart, linear critic: slope 1 + W1/(2 weight), penalised value W1 + W1^2/(4 weight)."""
    x, fake = torch.full((4, 1), 1.5, dtype=torch.float64), torch.zeros(4, 1, dtype=torch.float64)
    objective = replace(o.wasserstein, penalty=o.gradient_penalty(weight, one_sided=one_sided))
    D, loss = minimise(objective, Linear([0.5]), x, fake)
    slope = 1 + 1.5 / (2 * weight)
    assert D.w.item() == pytest.approx(slope, rel=1e-3)
    assert -loss == pytest.approx(1.5 + 1.5**2 / (4 * weight), rel=1e-3)


def test_clipped_linear_critic_measures_the_l1_norm_of_the_shift():
    """Not a constant factor: equal-length shifts along an axis and along the diagonal differ by sqrt(d)."""
    objective = replace(o.wasserstein, project=o.clip_weights(0.01))
    results = []
    for shift in ([1.0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5]):
        x, fake = torch.tensor([shift], dtype=torch.float64), torch.zeros(1, 4, dtype=torch.float64)
        D, _ = minimise(objective, Linear([1e-3] * 4), x, fake, steps=50)
        assert D.w.abs().max() <= 0.01
        results.append((D(x) - D(fake)).item())
    assert results[0] == pytest.approx(0.01)
    assert results[1] / results[0] == pytest.approx(2)


def test_r1_on_two_points_agrees_with_its_stationary_equation():
    """D(x) = w x, data at 0, sample at theta: theta sigmoid(w theta) + gamma w = 0."""
    theta, gamma = 1.3, 1.0
    w = brentq(lambda w: theta / (1 + math.exp(-w * theta)) + gamma * w, -5, 0)
    x, fake = torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), theta, dtype=torch.float64)
    D, _ = minimise(o.r1, Linear([0.5]), x, fake)
    assert D.w.item() == pytest.approx(w, abs=1e-4)


def test_r3gan_on_two_points_agrees_with_its_stationary_equation():
    """D(x) = w x, datum at 0, sample at theta: theta sigmoid(w theta) + (gamma + gamma) w = 0."""
    theta, gamma = 1.3, 1.0
    w = brentq(lambda w: theta / (1 + math.exp(-w * theta)) + 2 * gamma * w, -5, 0)
    x, fake = torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), theta, dtype=torch.float64)
    D, _ = minimise(o.r3gan, Linear([0.5]), x, fake)
    assert D.w.item() == pytest.approx(w, abs=1e-4)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_whoever_only_looks_sees_the_slope(mode):
    D, x = PointDiscriminator(2), torch.randn(5, 2)
    expected = o.gradient_norm(D, x).detach()
    with mode():
        assert torch.equal(o.gradient_norm(D, x), expected)
        assert torch.equal(o.gradient_norm(D, x.clone()), expected)
