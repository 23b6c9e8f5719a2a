"""The best critics against closed forms, brute force and other ways to the same numbers."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from gan_tutorial.truth.critics import best_slope, between, potential, score_difference, toll
from gan_tutorial.truth.densities import Normal, Ring
from gan_tutorial.truth.divergences import empirical_w1, w1

PAIRS = [(0.0, 1.0, 1.0, 1.0), (0.0, 1.0, 3.0, 1.0), (0.0, 1.0, 0.0, 2.0), (0.0, 1.0, 2.0, 0.3)]


def normals(a, s, b, r):
    return Normal(a, s), Normal(b, r)


@pytest.mark.parametrize("pair", PAIRS)
def test_between_is_the_law_of_the_interpolates(pair):
    p, q = normals(*pair)
    rng = torch.Generator().manual_seed(0)
    x, y = p.sample(200_000, rng), q.sample(200_000, rng)
    u = torch.lerp(x, y, torch.rand(200_000, generator=rng))
    m = between(p, q)
    assert float(m.mean) == pytest.approx(float(u.mean()), abs=0.01)
    assert float(m.sd) == pytest.approx(float(u.std()), abs=0.01)
    for at in (-1.0, 0.0, 0.7, 2.0):
        share = float((u < at).float().mean())
        assert float(m.cdf(torch.tensor(at, dtype=torch.float64))) == pytest.approx(share, abs=5e-3)


@pytest.mark.parametrize("pair", [*PAIRS, (0.0, 0.01, 1.0, 0.01), (0.0, 1.0, 1.0, 0.001), (5.0, 0.01, 4.0, 0.03)])
def test_density_between_agrees_with_a_plain_sum_over_t(pair):
    """The mean of 20,000 normals at equally spaced t, of which none is alone."""
    p, q = normals(*pair)
    t = (np.arange(20_000) + 0.5) / 20_000
    mean, sd = (1 - t) * p.mean + t * q.mean, np.hypot((1 - t) * p.sd, t * q.sd)
    x = np.linspace(min(mean), max(mean), 23)[1:-1] if p.mean != q.mean else np.linspace(-3, 3, 23)
    plain = (np.exp(-(((x[:, None] - mean) / sd) ** 2) / 2) / sd).mean(1) / np.sqrt(2 * np.pi)
    found = between(p, q).log_prob(torch.from_numpy(x)).exp()
    assert found.numpy() == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("weight", [0.1, 1.0])
@pytest.mark.parametrize("sd", [0.1, 0.01, 0.003])
def test_toll_of_narrow_normals_is_that_of_two_points(sd, weight):
    """Between points at distance 1 the law is uniform and G - F is 1: toll = 1 / (4 weight), but for the ends."""
    assert float(toll(Normal(0.0, sd), Normal(1.0, sd), weight)) == pytest.approx(1 / (4 * weight), rel=0.2 * sd)


def test_normals_too_narrow_for_a_sum_are_told():
    with pytest.raises(ValueError, match="too many standard deviations"):
        toll(Normal(0.0, 1e-5), Normal(1.0, 1e-5), 1.0)


def test_best_slope_takes_any_numbers():
    slope = best_slope(*normals(0.0, 1.0, 1.0, 1.0), 1.0)
    exact = slope(torch.tensor([-9.0, 0.0, 9.0], dtype=torch.float64))
    for x in (torch.tensor([-9, 0, 9]), torch.tensor([-9.0, 0.0, 9.0]), torch.tensor([-9.0, 0.0, 9.0]).half()):
        assert torch.equal(slope(x), exact)


@pytest.mark.parametrize("weight", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("pair", PAIRS)
def test_toll_agrees_with_a_plain_sum(pair, weight):
    """Score difference = integral of f' (G - F), penalty = weight * integral of m (|f'| - 1)^2, on a fine grid."""
    p, q = normals(*pair)
    x = torch.linspace(-9, 9, 40_001, dtype=torch.float64)
    dx, slope, m = x[1] - x[0], best_slope(p, q, weight)(x), between(p, q).log_prob(x).exp()
    difference = (slope * (q.cdf(x) - p.cdf(x))).sum() * dx
    penalty = weight * (m * (slope.abs() - 1).square()).sum() * dx
    assert float(penalty) == pytest.approx(float(toll(p, q, weight)), rel=1e-4)
    assert float(difference) == pytest.approx(float(score_difference(p, q, weight)), rel=1e-4)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("pair", PAIRS)
def test_no_other_slope_does_better(pair, one_sided):
    p, q = normals(*pair)
    weight = 0.7
    x = torch.linspace(-8, 8, 8001, dtype=torch.float64)
    dx, best, m = x[1] - x[0], best_slope(p, q, weight)(x), between(p, q).log_prob(x).exp()

    def objective(slope):
        excess = slope.abs() - 1
        excess = excess.relu() if one_sided else excess
        return float((slope * (q.cdf(x) - p.cdf(x)) - weight * m * excess.square()).sum() * dx)

    assert objective(best) == pytest.approx(float(w1(p, q) + toll(p, q, weight)), rel=1e-3)
    rng = torch.Generator().manual_seed(1)
    for _ in range(50):
        other = best + 0.3 * torch.randn((), generator=rng) * (x * torch.randn((), generator=rng)).sin()
        assert objective(other) < objective(best)


@pytest.mark.parametrize("pair", PAIRS)
def test_toll_is_at_least_that_of_a_constant_slope(pair):
    p, q = normals(*pair)
    assert float(toll(p, q, 1.0)) >= float(w1(p, q)) ** 2 / 4


def test_far_tails_are_finite():
    slope = best_slope(Normal(0.0, 1.0), Normal(1.0, 1.0), 10.0)(torch.tensor([-12.0, 12.0], dtype=torch.float64))
    assert slope.isfinite().all() and (slope.abs() > 1).all()
    assert slope[0] < 0  # data are left of the samples, so the score falls


@pytest.mark.parametrize(
    ("pair", "x", "exact"),  # by mpmath, 60 digits
    [
        ((0.0, 0.05, 1.0, 0.05), [-0.5, 1.5], [-1.0751612, -1.0751612]),
        ((0.0, 1.0, 2.0, 0.3), [-10.0, 12.0], [-1.6044937, 1.5036309]),
    ],
)
def test_best_slope_is_exact_in_the_tails_and_nan_where_it_has_no_digits(pair, x, exact):
    p, q = normals(*pair)
    slope = best_slope(p, q, 10.0)
    assert slope(torch.tensor(x, dtype=torch.float64)).tolist() == pytest.approx(exact, rel=1e-6)
    width = 13 * max(p.sd, q.sd)
    assert slope(torch.tensor([min(p.mean, q.mean) - width, max(p.mean, q.mean) + width, torch.nan])).isnan().all()


@pytest.mark.parametrize("k", [1, 7])
def test_potential_reaches_the_linear_program(k):
    rng = torch.Generator().manual_seed(k)
    points, samples = torch.randn(k, 2, generator=rng), 1 + torch.randn(21, 2, generator=rng)
    far = torch.cdist(points.double(), samples.double()).numpy()
    rows, columns = np.kron(np.eye(k), np.ones(21)), np.kron(np.ones(k), np.eye(21))
    target = np.concatenate([np.full(k, 1 / k), np.full(21, 1 / 21)])
    exact = linprog(far.ravel(), A_eq=np.vstack([rows, columns]), b_eq=target).fun
    critic, value = potential(points, samples)
    assert float(value) == pytest.approx(exact, rel=1e-9)
    x, y = torch.randn(200, 2, generator=rng), torch.randn(200, 2, generator=rng)
    assert ((critic(x) - critic(y)).abs() <= (x - y).norm(dim=1).double() + 1e-6).all()


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_potential_of_points_that_repeat(unit):
    """Drawn with replacement, or each three times: the transport that `empirical_w1` finds by an assignment."""
    rng = torch.Generator().manual_seed(0)
    points, samples = torch.randn(8, 2, generator=rng).double(), 1 + torch.randn(60, 2, generator=rng).double()
    for drawn in (points[torch.randint(8, (12,), generator=rng)], points.repeat(3, 1), points[:1].repeat(4, 1)):
        each = math.lcm(len(drawn), 60)
        exact = empirical_w1(drawn.repeat(each // len(drawn), 1), samples.repeat(each // 60, 1))
        assert float(potential(unit * drawn, unit * samples)[1]) == pytest.approx(unit * float(exact), rel=1e-9, abs=0)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 0)])
def test_a_potential_needs_points_and_samples(k, n):
    with pytest.raises(ValueError, match=r"\(0, 2\)"):
        potential(torch.zeros(k, 2), torch.zeros(n, 2))


def test_potential_of_a_ring_is_minus_the_distance_to_the_nearest_mode():
    ring = Ring(sd=0.0)
    rng = torch.Generator().manual_seed(0)
    samples = (ring.centers[torch.arange(8).repeat(500)] + torch.randn(4000, 2, generator=rng)).double()
    critic, value = potential(ring.centers, samples)
    nearest = torch.cdist(samples, ring.centers.double()).min(dim=1).values
    assert float(value) == pytest.approx(float(nearest.mean()), rel=0.01)
    grid = torch.rand(500, 2, generator=rng).double() * 4 - 2
    shift = critic(grid) + torch.cdist(grid, ring.centers.double()).min(dim=1).values
    assert float(shift.std()) < 0.1
    assert float(value) <= float(empirical_w1(ring.centers[torch.arange(8).repeat(50)], samples[:400].float())) + 0.2


def test_potential_far_from_zero_and_of_a_networks_samples():
    """The score difference does not depend on where the origin is, nor on who wants a gradient."""
    rng = torch.Generator().manual_seed(3)
    points, samples = torch.randn(5, 2, generator=rng).double(), 1 + torch.randn(40, 2, generator=rng).double()
    _, near = potential(points, samples)
    critic, far = potential(points + 1e6, (samples + 1e6).requires_grad_())
    assert float(far) == pytest.approx(float(near), rel=1e-6)
    shared = points[:1].repeat(30, 1) + 1e6  # more than 25 rows
    assert torch.allclose(critic(shared), critic(shared[:1]).expand(30), rtol=0, atol=1e-8)
