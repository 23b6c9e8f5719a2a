"""The plan is a plan, the potential is a potential, and both cost what theory says."""

import pytest
import torch
from scipy.stats import wasserstein_distance

from gan_tutorial.divergences import empirical_w1
from gan_tutorial.transport import extend, transport

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


def test_extend_goes_through_the_values_with_slope_one():
    points = torch.tensor([[0.0], [1.0], [4.0]], dtype=DOUBLE)
    values = torch.tensor([0.0, 1.0, -1.0], dtype=DOUBLE)
    x = torch.tensor([[0.0], [1.0], [4.0], [-2.0], [2.0], [5.0]], dtype=DOUBLE)
    assert extend(values, points, x).tolist() == [0, 1, -1, 2, 1, 0]
