"""Densities against their definitions: mass one, samplers that agree with log_prob, gradients, moments."""

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from gan_tutorial.truth.densities import (
    Gaussian2d,
    Grid,
    Latent,
    Lines,
    Mixture,
    Normal,
    Ring,
    Segment,
    Spots,
    SwissRoll,
    TwoMoons,
    Uniform,
    as_data,
)
from gan_tutorial.truth.quadrature import integrate, panels

DOUBLE = torch.float64
TWO_HUMPS = Mixture((0.33, 0.67), (Normal(-1, 0.255), Normal(2, math.sqrt(2))))
NESTED = Mixture((0.5, 0.2, 0.3), (TWO_HUMPS, Uniform(-6, -5), Normal(8, 0.02)))
LINE = [Normal(), Normal(-3, 0.01), Uniform(-2, 5), TWO_HUMPS, NESTED]
PLANE = [
    Gaussian2d((1, -1), (0.5, 2), 0.7),
    Ring(5, 1.0, 0.2),
    Grid(3, 1.0, 0.15),
    Spots(),
    Segment(noise=0.2),
    SwissRoll(1.0),
    TwoMoons(0.1),
]
SQUARE = {
    Gaussian2d: (14, 10),
    Ring: (3, 6),
    Grid: (3, 6),
    Spots: (3, 6),
    Segment: (4, 6),
    SwissRoll: (19, 7),
    TwoMoons: (3, 7),
}  # half side, panels


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def square(half, n, centre=(0.0, 0.0)):
    """Gauss-Legendre nodes (n * n * 16 * 16, 2) and weights of a square of side 2 * half."""
    x, w = panels(torch.linspace(-half, half, n + 1, dtype=DOUBLE))
    return torch.cartesian_prod(x, x) + torch.tensor(centre, dtype=DOUBLE), torch.outer(w, w).flatten()


@pytest.mark.parametrize("p", LINE, ids=str)
def test_on_the_line_the_mass_is_one_and_cdf_is_the_integral(p):
    assert integrate(lambda x: p.log_prob(x).exp(), p.knots()).item() == pytest.approx(1, abs=1e-12)
    low, middle = min(p.knots()), sorted(p.knots())[len(p.knots()) // 3]
    inside = [k for k in p.knots() if k < middle]
    x, w = panels(torch.tensor([*inside, middle], dtype=DOUBLE))
    assert (w * p.log_prob(x).exp()).sum().item() == pytest.approx(p.cdf(torch.tensor(middle, dtype=DOUBLE)).item())
    assert p.cdf(torch.tensor([low - 1e3, max(p.knots()) + 1e3])).tolist() == [0, 1]


@pytest.mark.parametrize("p", LINE, ids=str)
def test_on_the_line_mean_and_sd_are_the_moments(p):
    mean = integrate(lambda x: p.log_prob(x).exp() * x, p.knots()).item()
    variance = integrate(lambda x: p.log_prob(x).exp() * (x - mean) ** 2, p.knots()).item()
    assert p.mean == pytest.approx(mean, abs=1e-10)
    assert p.sd == pytest.approx(math.sqrt(variance), rel=1e-10)


@pytest.mark.parametrize("p", LINE, ids=str)
def test_on_the_line_samples_follow_the_cdf(p):
    x = p.sample(20_000, seeded())
    assert x.shape == (20_000,) and x.dtype == torch.float32
    test = stats.kstest(x.double().numpy(), lambda t: p.cdf(torch.from_numpy(t)).numpy())
    assert test.pvalue > 1e-3  # one fixed seed: this cannot fail by bad luck


@pytest.mark.parametrize(
    ("p", "reference"),
    [(Normal(2, 3), stats.norm(2, 3)), (Uniform(-1, 3), stats.uniform(-1, 4))],
    ids=["normal", "uniform"],
)
def test_log_prob_and_cdf_agree_with_scipy(p, reference):
    x = np.linspace(-9, 12, 41)
    np.testing.assert_allclose(p.log_prob(x), reference.logpdf(x), rtol=1e-13)
    np.testing.assert_allclose(p.cdf(x), reference.cdf(x), rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_cdf_keeps_its_digits_in_the_lower_tail(dtype):
    z = np.array([-37.0, -20.0, -12.0, -8.0, -5.0, -1.0, 0.0, 9.0])
    z = z[z > -13] if dtype == torch.float32 else z  # smaller ones are below float32
    exact, rel = stats.norm.cdf(z), 2e-5 if dtype == torch.float32 else 1e-11
    at = torch.tensor(2 + 4 * z, dtype=dtype, requires_grad=True)
    found = Normal(2, 4).cdf(at)
    (slope,) = torch.autograd.grad(found.sum(), at)
    assert found.tolist() == pytest.approx(list(exact), rel=rel, abs=0)
    assert slope.tolist() == pytest.approx(list(stats.norm.pdf(z) / 4), rel=rel, abs=0)
    half = Mixture((0.5, 0.5), (Normal(2, 4), Uniform(0, 1e9))).cdf(at[at <= 0])
    assert half.tolist() == pytest.approx(list(exact[at.detach().numpy() <= 0] / 2), rel=rel, abs=0)


@pytest.mark.parametrize("p", PLANE, ids=str)
def test_in_the_plane_the_mass_is_one(p):
    centre = p.mean if isinstance(p, Gaussian2d) else (0.0, 0.0)
    x, w = square(*SQUARE[type(p)], centre)
    assert (w * p.log_prob(x).exp()).sum().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("p", PLANE, ids=str)
def test_in_the_plane_samples_follow_the_density(p):
    """E log p(x), both means and E x1 x2, over samples and by quadrature, which also says how far they may be apart."""
    x = p.sample(10_000, seeded())
    assert x.shape == (10_000, 2) and x.dtype == torch.float32
    grid, w = square(*SQUARE[type(p)], p.mean if isinstance(p, Gaussian2d) else (0.0, 0.0))
    log, mass = p.log_prob(grid), w * p.log_prob(grid).exp()
    log = torch.where(mass > 0, log, 0.0)
    for f in (lambda log, x: log, lambda log, x: x[:, 0], lambda log, x: x[:, 1], lambda log, x: x.prod(1)):
        drawn = f(p.log_prob(x.double()), x.double())
        mean, power = ((mass * f(log, grid) ** k).sum().item() for k in (1, 2))
        error = math.sqrt((power - mean**2) / len(x))
        assert drawn.mean().item() == pytest.approx(mean, abs=4.5 * error + 1e-4)


@pytest.mark.parametrize("p", [*LINE, *PLANE, Lines((0, 1), 0.3)], ids=str)
def test_a_generator_makes_samples_repeatable(p):
    assert torch.equal(p.sample(7, seeded(1)), p.sample(7, seeded(1)))
    assert not torch.equal(p.sample(7, seeded(1)), p.sample(7, seeded(2)))


@pytest.mark.parametrize("p", [Normal(1, 2), TWO_HUMPS, *PLANE], ids=str)
def test_log_prob_is_differentiable_in_x_and_finite_far_away(p):
    x = p.sample(5, seeded()).double().requires_grad_()
    assert torch.autograd.gradcheck(p.log_prob, x)
    far = torch.full_like(x, 1e4)
    assert torch.isfinite(p.log_prob(far)).all()


def test_a_gradient_reaches_the_parameters_of_a_normal():
    mean, sd = (
        torch.tensor(0.3, dtype=DOUBLE, requires_grad=True),
        torch.tensor(1.7, dtype=DOUBLE, requires_grad=True),
    )
    x = torch.linspace(-3, 3, 7, dtype=DOUBLE)
    assert torch.autograd.gradcheck(lambda m, s: Normal(m, s).log_prob(x), (mean, sd))
    Normal(mean, sd).sample(5, seeded()).sum().backward()
    e = torch.randn(5, generator=seeded())
    assert mean.grad.item() == 5 and sd.grad.item() == pytest.approx(e.sum().item(), rel=1e-6)


def test_gradient_descent_on_the_likelihood_finds_mean_and_sd_of_the_sample():
    x = Normal(3, 0.5).sample(1000, seeded())
    fit = torch.zeros(2, requires_grad=True)  # mean, log sd
    optimiser = torch.optim.LBFGS([fit], line_search_fn="strong_wolfe", max_iter=200)

    def loss():
        optimiser.zero_grad()
        nll = -Normal(fit[0], fit[1].exp()).log_prob(x).mean()
        nll.backward()
        return nll

    optimiser.step(loss)
    assert fit[0].item() == pytest.approx(x.mean().item(), abs=1e-3)
    assert fit[1].exp().item() == pytest.approx(x.std(correction=0).item(), rel=1e-3)


@pytest.mark.parametrize("modes", [3, 8])
def test_ring_has_as_many_different_modes_as_it_says(modes):
    ring = Ring(modes)
    distance = torch.pdist(ring.centers)
    assert ring.centers.shape == (modes, 2)
    assert distance.min().item() == pytest.approx(2 * 2 * math.sin(math.pi / modes), rel=1e-5)  # a linspace bug: 0
    assert torch.allclose(ring.centers.norm(dim=1), torch.tensor(2.0))
    assert ring.modes_hit(ring.sample(500, seeded())) == modes


def test_grid_centres():
    grid = Grid()
    assert sorted({v for v in grid.centers.flatten().tolist()}) == [-4, -2, 0, 2, 4]
    assert len(torch.unique(grid.centers, dim=0)) == 25
    assert grid.modes_hit(grid.sample(2000, seeded())) == 25


@pytest.mark.parametrize("p", [Ring(), Grid(), Spots()], ids=str)
def test_within_three_sd_is_98_889_percent_in_the_plane(p):
    counts = p.mode_counts(p.sample(200_000, seeded()))
    assert counts.sum().item() / 200_000 == pytest.approx(1 - math.exp(-4.5), abs=1e-3)
    assert counts.float().std() / counts.float().mean() < 0.03  # modes are equally frequent


def test_modes_hit_by_few_samples_follow_the_coupon_formula():
    ring, generator = Ring(), seeded()
    for n in (4, 8, 16):
        hits = [ring.modes_hit(ring.sample(n, generator), within=10) for _ in range(400)]
        assert np.mean(hits) == pytest.approx(8 * (1 - (7 / 8) ** n), abs=0.2)


def test_modes_hit_does_not_count_the_empty_middle():
    ring = Ring()
    assert ring.modes_hit(torch.zeros(10, 2)) == 0
    assert ring.modes_hit(ring.centers[:3]) == 3
    beside = ring.centers[:1] + torch.tensor([[0.0, 0.061]])
    assert ring.modes_hit(beside) == 0 and ring.modes_hit(beside, within=3.1) == 1


@pytest.mark.parametrize(("p", "scale"), [(Ring(), 1 / 1.414), (Grid(), 1 / 2.828)], ids=["ring", "grid"])
def test_the_scaled_toys_of_the_wgan_gp_experiments_have_unit_scale(p, scale):
    (x,) = as_data(p, scale)(50_000)
    assert x.std(0).mean().item() == pytest.approx(1, abs=0.01)


def test_swiss_roll_agrees_with_its_curve():
    x = SwissRoll(noise=1e-4).sample(1000, seeded())
    radius = x.norm(dim=1)
    assert 1.5 * math.pi - 0.01 < radius.min() and radius.max() < 4.5 * math.pi + 0.01
    assert torch.allclose(torch.stack([radius * radius.cos(), radius * radius.sin()], 1), x, atol=1e-2)


def test_two_moons_without_noise_lie_on_two_half_circles():
    x = TwoMoons(noise=0.0).sample(2000, seeded())
    upper = (x.norm(dim=1) - 1).abs() < 1e-5
    lower = ((x - torch.tensor([1.0, 0.5])).norm(dim=1) - 1).abs() < 1e-5
    assert (upper | lower).all()
    upper, lower = upper & ~lower, lower & ~upper  # the circles cross: a point there could be of either
    assert 850 < upper.sum() < 1150
    assert (x[upper][:, 1] > -1e-5).all() and (x[lower][:, 1] < 0.5 + 1e-5).all()
    for moon, middle in ((upper, 0.0), (lower, 1.0)):  # each from end to end
        assert x[moon][:, 0].aminmax() == pytest.approx((middle - 1, middle + 1), abs=0.01)
    with pytest.raises(ValueError, match="no density"):
        TwoMoons(noise=0.0).log_prob(x)


def test_a_segment_without_noise_goes_from_its_start_to_its_end():
    x = Segment((-1.0, 0.5), (2.0, -1.0), noise=0.0).sample(2000, seeded())
    assert torch.allclose(x[:, 1], -x[:, 0] / 2, atol=1e-6)
    assert x[:, 0].aminmax() == pytest.approx((-1, 2), abs=0.03)


@pytest.mark.parametrize("k", [0, 1, 10, 50, 200])
def test_beyond_the_end_of_a_segment_it_is_the_tail_of_a_normal(k):
    """k noises beyond it, along the line: the share of a normal distribution below -k."""
    line = Segment()
    along = torch.tensor(line.end, dtype=torch.float64) - torch.tensor(line.start, dtype=torch.float64)
    x = torch.tensor(line.end, dtype=torch.float64) + k * line.noise * along / line.speed
    exact = special.log_ndtr(-k) - math.log(line.speed) - math.log(line.noise) - 0.5 * math.log(2 * math.pi)
    assert float(line.log_prob(x[None])) == pytest.approx(exact, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(
    "curve", [Segment(), SwissRoll(), TwoMoons(), TwoMoons(noise=0.02), TwoMoons(noise=0.5)], ids=str
)
def test_far_from_a_curve_its_density_is_that_of_a_fine_sum(curve):
    x = curve.curve(torch.linspace(0, 1, 20, dtype=torch.float64))
    x = x * torch.linspace(1, 4, 20)[:, None] + torch.randn(20, 2, generator=seeded()) * curve.noise
    t, weight = panels(torch.linspace(0, 1, 20_001), order=8)
    squares = (x[:, None, :] - curve.curve(t)).square().sum(-1)
    log_sum = (weight.log() - 0.5 * squares / curve.noise**2).logsumexp(1)
    exact = log_sum - 2 * math.log(curve.noise) - math.log(2 * math.pi)
    assert curve.log_prob(x).tolist() == pytest.approx(exact.tolist(), rel=1e-8, abs=1e-8)


def test_whole_numbers_are_welcome():
    assert Normal().log_prob([0, 1]).dtype == torch.get_default_dtype()
    assert Normal().log_prob([0, 1]).tolist() == pytest.approx(stats.norm.logpdf([0, 1]).tolist())


def test_lines_are_parallel_and_turn():
    straight, turned = (
        Lines((0.0, 0.7)).sample(400, seeded()),
        Lines((0.0, 0.7), math.pi / 2).sample(400, seeded()),
    )
    assert {round(v, 6) for v in straight[:, 0].tolist()} == {0.0, 0.7}
    three = Lines((0.0, 1.0, 5.0)).sample(3000, seeded())[:, 0]
    assert [900 < (three == at).sum() < 1100 for at in (0, 1, 5)] == [True] * 3
    assert 0 <= straight[:, 1].min() and straight[:, 1].max() <= 1
    assert torch.allclose(turned, torch.stack([-straight[:, 1], straight[:, 0]], 1), atol=1e-6)


def test_latent_and_as_data_shapes():
    assert Latent(3)(5).shape == (5, 3)
    assert abs(Latent(2)(50_000).std().item() - 1) < 0.02
    assert [x.shape for x in as_data(Normal())(5)] == [(5, 1)]
    assert [x.shape for x in as_data(Ring())(5)] == [(5, 2)]
    assert [x.shape for x in as_data(Normal(), shape=(1, 1))(5)] == [(5, 1, 1)]
    for scale, place in (({"scale": 0.1}, 1.0), ({}, 10.0)):
        (x,) = as_data(Normal(10, 0.001), **scale)(5)
        assert torch.allclose(x, torch.full((5, 1), place), atol=1e-2)


def test_each_latent_is_a_new_one():
    latent, found = Latent(3), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found += [latent(5), latent(5)]
    assert not torch.equal(found[0], found[1]) and not torch.equal(found[0], found[4])
    assert torch.equal(found[0], found[2]) and torch.equal(found[1], found[3])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Normal(0, 0), "sd > 0"),
        (lambda: Normal(0, torch.tensor(float("nan"))), "sd > 0"),
        (lambda: Uniform(1, 1), "low < high"),
        (lambda: Mixture((1,), (Normal(), Normal(1))), "1 weights and 2 parts"),
        (lambda: Mixture((0.5, 0.6), (Normal(), Normal(1))), "sum to 1"),
        (lambda: Mixture((), ()), "0 weights and 0 parts"),
        (lambda: Mixture((math.nan, math.nan), (Normal(), Normal(1))), "sum to 1"),
        (lambda: Gaussian2d(correlation=1), "correlation"),
        (lambda: Ring(modes=0), r"one mode.*Ring\(modes=0"),
        (lambda: Ring(sd=-0.02), "sd >= 0.*sd=-0.02"),
        (lambda: Grid(side=0), r"one mode.*Grid\(side=0"),
        (lambda: Grid(sd=math.nan), "sd >= 0.*sd=nan"),
        (lambda: Spots(sd=-1.0), "sd >= 0.*sd=-1.0"),
        (lambda: Ring(sd=0.0).log_prob(torch.zeros(1, 2)), "no density: its modes are points"),
    ],
)
def test_bad_parameters_are_named(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize("p", PLANE, ids=str)
def test_points_of_the_plane_have_two_coordinates(p):
    for shape in ((5, 3), (5, 1), (5,), ()):
        with pytest.raises(ValueError, match=r"shape \(\.\.\., 2\), but these have"):
            p.log_prob(torch.zeros(shape))
    with pytest.raises(ValueError, match="but these have"):
        Ring().mode_counts(torch.zeros(5, 3))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("p", [*PLANE, SwissRoll()], ids=str)
def test_half_precision_of_points_costs_the_density_no_digits(p, dtype):
    x = p.sample(200, seeded()).to(dtype)
    assert torch.allclose(p.log_prob(x).double(), p.log_prob(x.double()), rtol=1e-5, atol=2e-5)


def test_spots_need_a_place():
    with pytest.raises(ValueError, match="at least one place"):
        Spots(())


@pytest.mark.parametrize("dtype", [torch.int64, torch.float16, torch.bfloat16, torch.float32, DOUBLE])
def test_modes_are_counted_with_all_digits(dtype):
    """On their centres, of modes as narrow as a point, however many samples and far from 0; whole numbers too."""
    spots = Spots(((0.0, 0.0), (0.0, 64.0), (200.0, 128.5)), sd=0.0)
    samples = torch.tensor([[0, 0], [0, 64], [200, 128]]).repeat(20, 1).to(dtype)
    assert spots.mode_counts(samples).tolist() == [20, 20, 0]  # the third lies half beside its centre
    assert spots.modes_hit(samples[:0]) == 0
    far = Spots(((1000.0, 1000.0), (1000.0, 1000.5)), sd=1e-4)
    assert far.mode_counts(far.centers.repeat(30, 1).double()).tolist() == [30, 30]
    assert Ring(sd=0.0).mode_counts(Ring(sd=0.0).centers.repeat(10, 1)).tolist() == [10] * 8
