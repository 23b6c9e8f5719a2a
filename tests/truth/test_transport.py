"""The plan is a plan, the potential is a potential, and both cost what theory says."""

import pytest
import torch
from scipy.stats import wasserstein_distance

from gan_tutorial.truth.divergences import empirical_w1
from gan_tutorial.truth.transport import extend, transport

DOUBLE = torch.float64


def cloud(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(n, generator=generator, dtype=DOUBLE)
    return torch.randn(n, d, generator=generator, dtype=DOUBLE), weights / weights.sum()


@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (5, 8, 1), (12, 12, 2), (9, 4, 3)])
def test_plan_and_potential(n, m, d):
    (x, a), (y, b) = cloud(n, d, 1), cloud(m, d, 2)
    found = transport(x, a, y, b)
    assert found.plan.shape == (n, m) and found.plan.min() >= -1e-12
    assert torch.allclose(found.plan.sum(1), a) and torch.allclose(found.plan.sum(0), b)
    assert found.cost == pytest.approx(float((found.plan * torch.cdist(x, y)).sum()))
    at_x, at_y = (extend(found.y_values, y, v) for v in (x, y))
    assert float(a @ at_x - b @ at_y) == pytest.approx(found.cost, abs=1e-9)  # the dual earns what the primal costs
    both, values = torch.cat([x, y]), torch.cat([at_x, at_y])
    assert ((values[:, None] - values).abs() <= torch.cdist(both, both) + 1e-9).all()
    used = found.plan > 1e-9  # mass moves only where the potential falls with slope one
    assert torch.allclose((at_x[:, None] - at_y)[used], torch.cdist(x, y)[used], atol=1e-8)


def test_on_the_line_it_is_scipys_distance():
    (x, a), (y, b) = cloud(7, 1, 3), cloud(10, 1, 4)
    known = wasserstein_distance(x.flatten(), y.flatten(), a, b)
    assert transport(x, a, y, b).cost == pytest.approx(known, abs=1e-9)


def test_equal_weights_are_an_assignment():
    x, y = cloud(20, 2, 5)[0], cloud(20, 2, 6)[0]
    even = torch.full((20,), 1 / 20, dtype=DOUBLE)
    assert transport(x, even, y, even).cost == pytest.approx(float(empirical_w1(x, y)), abs=1e-9)


def test_two_lines():
    height = torch.rand(12, 1, dtype=DOUBLE)
    even = torch.full((12,), 1 / 12, dtype=DOUBLE)
    line, shifted = (torch.cat([torch.full_like(height, v), height], dim=1) for v in (0.0, 0.7))
    assert transport(line, even, shifted, even).cost == pytest.approx(0.7)


@pytest.mark.parametrize("b", [[0.5, 0.6], [1.5, -0.5]])
def test_masses_must_fit(b):
    x = torch.zeros(2, 1)
    with pytest.raises(ValueError, match="equal sums"):
        transport(x, torch.tensor([0.5, 0.5]), x, torch.tensor(b))


@pytest.mark.parametrize("length", [1e-12, 1e-7, 1.0, 1e9])
@pytest.mark.parametrize("mass", [1e-12, 1e-8, 1.0, 1e9])
def test_units_do_not_matter(length, mass):
    """The solver's tolerances are absolute, ours are not: against scipy's distance in the same unit."""
    (x, a), (y, b) = cloud(20, 1, 7), cloud(25, 1, 8)
    known = wasserstein_distance(x.flatten(), y.flatten(), a, b)
    found = transport(length * x, mass * a, length * y, mass * b)
    assert found.cost == pytest.approx(length * mass * known, rel=1e-9)
    assert torch.allclose(found.plan.sum(1), mass * a, rtol=1e-9, atol=0)
    f = extend(found.y_values, length * y, length * x)
    assert float(mass * (a @ f - b @ extend(found.y_values, length * y, length * y))) == pytest.approx(found.cost)


@pytest.mark.parametrize("length", [1e-300, 1e-200, 1e200, 1e300])
@pytest.mark.parametrize("d", [1, 2])
def test_ways_whose_squares_are_no_floats(length, d):
    (x, a), (y, b) = cloud(20, d, 7), cloud(25, d, 8)
    known = length * transport(x, a, y, b).cost
    assert transport(length * x, a, length * y, b).cost == pytest.approx(known, rel=1e-9, abs=0)


@pytest.mark.parametrize("seed", range(5))
def test_large_and_tiny_in_one_problem(seed):
    """Masses over eight decades; then two far places, within which the way is a billion times shorter."""
    (x, a), (y, b) = cloud(20, 1, seed), cloud(25, 1, seed + 9)
    a, b = ((1e-8**v) / (1e-8**v).sum() for v in (a / a.max(), b / b.max()))
    found = transport(x, a, y, b)
    assert found.cost == pytest.approx(wasserstein_distance(x.flatten(), y.flatten(), a, b), rel=1e-9)
    assert torch.allclose(found.plan.sum(1), a, rtol=1e-6, atol=0)
    far, even = torch.arange(20, dtype=DOUBLE)[:, None] % 2, torch.full((20,), 1 / 20, dtype=DOUBLE)
    x, y = far + 1e-9 * x, far + 1e-9 * y[:20]
    known = wasserstein_distance(x.flatten(), y.flatten())
    assert transport(x, even, y, even).cost == pytest.approx(known, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_masses_of_a_float32_softmax(seed):
    g = torch.Generator().manual_seed(seed)
    a, b = (torch.rand(30, generator=g).softmax(0) for _ in range(2))
    x, y = (torch.randn(30, 1, generator=g) for _ in range(2))
    known = wasserstein_distance(x.flatten(), y.flatten(), a.double(), b.double())
    found = transport(x, a.requires_grad_(), y.requires_grad_(), b)  # as they come out of a network
    assert found.cost == pytest.approx(known, rel=1e-5)


def test_nothing_to_move_costs_nothing():
    x, none = torch.rand(3, 2), torch.zeros(3)
    assert transport(x, none + 1, x, none + 1).cost == 0  # all distances that count are 0
    one = torch.ones(1)
    assert transport(x[:1], one, x[:1], one).cost == 0


@pytest.mark.parametrize(
    ("x", "a", "says"),
    [
        (torch.zeros(0, 1), [], "shapes are"),
        (torch.zeros(2), [0.5, 0.5], r"shapes are \(2,\), \(2,\), \(2, 1\), \(2,\)"),
        (torch.zeros(2, 2), [0.5, 0.5], "shapes are"),
        (torch.tensor([[0.0], [torch.nan]]), [0.5, 0.5], "NaN"),
        (torch.zeros(2, 1), [torch.nan, 0.5], ">= 0"),
        (torch.zeros(2, 1), [0.5, 0.50001], "sums are 1.00001.* and 1,"),  # told apart where they are refused
    ],
)
def test_what_cannot_be_moved_is_told(x, a, says):
    y, b = torch.ones(2, 1), torch.tensor([0.5, 0.5])
    with pytest.raises(ValueError, match=says):
        transport(x, torch.tensor(a), y, b)


def test_the_cost_keeps_its_digits_far_from_zero_and_in_single_precision():
    """Thirty points: from 26 on torch takes distances through a product unless it is told not to."""
    x, a = cloud(30, 2, 7)
    shift = torch.tensor([3.0, 4.0], dtype=DOUBLE)
    far = (x * 64).round() / 64 + 2**14  # numbers that float32 holds exactly
    for kind in (DOUBLE, torch.float32):
        assert transport(far.to(kind), a, (far + shift).to(kind), a).cost == pytest.approx(5, rel=1e-9)


def test_what_holds_no_mass_has_a_plan_too():
    x, y = torch.zeros(3, 2), torch.ones(4, 2)
    cost, plan, values = transport(x, torch.zeros(3), y, torch.zeros(4))
    assert cost == 0 and torch.equal(plan, torch.zeros(3, 4)) and torch.equal(values, torch.zeros(4))


def test_a_search_that_is_cut_short_says_so(monkeypatch):
    monkeypatch.setattr("gan_tutorial.truth.transport.MOVES", 1)
    (x, a), (y, b) = cloud(40, 2, 1), cloud(40, 2, 2)
    with pytest.raises(RuntimeError, match="was not found: numItermax reached"), pytest.warns(UserWarning):
        transport(x, a, y, b)


def test_extend_keeps_its_digits_far_from_zero():
    """More than 25 points: there cdist multiplies matrices unless it is told not to."""
    g = torch.Generator().manual_seed(0)
    points, x, values = (torch.randn(60, 2, generator=g) + 1000 for _ in range(3))
    values = values[:, 0]
    exact = (values + (x.double()[:, None] - points.double()).norm(dim=2)).min(dim=1).values
    assert torch.allclose(extend(values, points, x).double(), exact, rtol=2e-7)


def test_extend_goes_through_the_values_with_slope_one():
    points = torch.tensor([[0.0], [1.0], [4.0]], dtype=DOUBLE)
    values = torch.tensor([0.0, 1.0, -1.0], dtype=DOUBLE)
    x = torch.tensor([[0.0], [1.0], [4.0], [-2.0], [2.0], [5.0]], dtype=DOUBLE)
    assert extend(values, points, x).tolist() == [0, 1, -1, 2, 1, 0]
