"""Rules, growth and Jacobians against closed forms, a differential-equation solver and finite differences."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from gan_tutorial.game import objectives
from gan_tutorial.truth import saddle

START = np.array([1.0, 0.5])
ZERO = torch.zeros(1, dtype=torch.float64)
ETAS = (0.05, 0.3, 0.8, 1.4)
CLOSED_FORM = {  # of the spectral radius on V = xy
    "simultaneous": lambda eta: np.sqrt(1 + eta**2),
    "alternating": lambda eta: 1.0,
    "two time scales, 1 : 4": lambda eta: np.sqrt(1 + 4 * eta**2),
    "extragradient": lambda eta: np.sqrt(1 - eta**2 + eta**4),
    "implicit": lambda eta: 1 / np.sqrt(1 + eta**2),
    # the roots of l^2 - (1 + 2 i eta) l + i eta
    "optimistic": lambda eta: abs(np.roots([1, -1 - 2j * eta, 1j * eta])).max(),
    # the roots of l^2 - (1 + beta + i eta) l + beta
    "momentum 0.5": lambda eta: abs(np.roots([1, -1.5 - 1j * eta, 0.5])).max(),
    # x and y eliminated: (l - 1)^2 (l - beta)^2 + eta^2 l^3 = 0
    "alternating, momentum -0.5": lambda eta: abs(
        np.roots(np.polyadd(np.convolve(np.poly([1, 1]), np.poly([-0.5, -0.5])), [eta**2, 0, 0, 0]))
    ).max(),
}


def test_circle_is_what_a_solver_finds():
    times = np.linspace(0, 7, 20)
    solved = solve_ivp(lambda t, w: saddle.bilinear(w), (0, 7), START, t_eval=times, rtol=1e-10, atol=1e-12).y.T
    assert np.allclose(saddle.circle(START, times), solved, atol=1e-8)


@pytest.mark.parametrize("name", saddle.RULES)
@pytest.mark.parametrize("eta", ETAS)
def test_predicted_growth_is_the_closed_form(name, eta):
    assert saddle.growth(saddle.RULES[name], eta) == pytest.approx(CLOSED_FORM[name](eta), abs=1e-7)


@pytest.mark.parametrize("name", saddle.RULES)
@pytest.mark.parametrize("eta", (0.1, 0.4))
def test_measured_growth_is_the_predicted_one(name, eta):
    rule = saddle.RULES[name]
    path = saddle.run(rule, saddle.bilinear, START, eta, 600)
    assert saddle.measured_growth(path) == pytest.approx(saddle.growth(rule, eta), abs=2e-3)


@pytest.mark.parametrize("name", saddle.RULES)
def test_the_matrix_repeats_the_run(name):
    rule = saddle.RULES[name]
    state = np.concatenate([START, np.zeros(2)])
    path = saddle.run(rule, saddle.bilinear, START, 0.3, 5)
    for w in path:
        assert np.allclose(state[:2], w, atol=1e-10)
        state = saddle.step_matrix(rule, 0.3) @ state


def test_a_rule_in_place_goes_the_same_way_and_leaves_no_trace():
    def in_place(field, w, eta, memory):
        memory *= 0.5
        memory += field(w)
        w += eta * memory
        return w, memory

    start = START.copy()
    path = saddle.run(in_place, saddle.bilinear, start, 0.3, 5)
    assert np.array_equal(path, saddle.run(saddle.momentum(0.5), saddle.bilinear, START, 0.3, 5))
    assert np.array_equal(start, START) and not saddle.NOTHING.any()
    assert np.array_equal(saddle.step_matrix(in_place, 0.3), saddle.step_matrix(saddle.momentum(0.5), 0.3))
    with pytest.raises(ValueError, match="read-only"):
        in_place(saddle.bilinear, start, 0.3, saddle.NOTHING)


@pytest.mark.parametrize(
    ("rule", "name", "eta", "steps"),
    [(saddle.simultaneous, "simultaneous", 1.5, 5000), (saddle.extragradient, "extragradient", 0.5, 9000)],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_growth_is_read_from_a_path_that_leaves_the_numbers(rule, name, eta, steps):
    path = saddle.run(rule, saddle.bilinear, np.ones(2), eta, steps)
    assert not np.isfinite(path[-1]).all() or np.abs(path[-1]).max() < 1e-308
    assert saddle.measured_growth(path) == pytest.approx(CLOSED_FORM[name](eta), rel=1e-6)


@pytest.mark.parametrize("points", (0, 1, 2))
def test_no_growth_is_read_from_fewer_than_three_points(points):
    with pytest.raises(ValueError, match=f"give 3 points, not {points}"):
        saddle.measured_growth(np.ones((points, 2)))
    assert saddle.measured_growth(np.array([[9.0, 9.0], [1.0, 0.0], [0.0, 2.0]])) == pytest.approx(2)


def test_the_simultaneous_step_grows_in_every_step_and_turns_by_atan():
    path = saddle.run(saddle.simultaneous, saddle.bilinear, START, 0.3, 50)
    size = np.linalg.norm(path, axis=1)
    assert np.allclose(size[1:] / size[:-1], np.sqrt(1.09))
    angles = np.unwrap(np.arctan2(path[:, 1], path[:, 0]))
    assert np.allclose(np.diff(angles), np.arctan(0.3))


def test_alternating_steps_keep_their_invariant_and_their_bounds():
    path = saddle.run(saddle.alternating, saddle.bilinear, np.array([1.0, 0.0]), 0.5, 5000)
    assert np.ptp(saddle.invariant(path, 0.5)) < 1e-12
    size = np.linalg.norm(path, axis=1)
    assert size.min() == pytest.approx(1 / np.sqrt(1.25), abs=1e-4)
    assert size.max() == pytest.approx(1 / np.sqrt(0.75), abs=1e-4)
    other = saddle.run(saddle.simultaneous, saddle.bilinear, START, 0.5, 10)
    assert np.ptp(saddle.invariant(other, 0.5)) > 0.1


def test_implicit_solves_its_equation_on_a_field_that_is_not_linear():
    def field(w):
        return np.array([-np.sinh(w[1]), np.tanh(w[0])])

    u, _ = saddle.implicit(field, START, 0.4, saddle.NOTHING)
    assert np.allclose(u, START + 0.4 * field(u), atol=1e-10)
    at_rest, _ = saddle.implicit(field, np.zeros(2), 0.4, saddle.NOTHING)
    assert np.allclose(at_rest, 0, atol=1e-12)


def test_running_mean():
    path = np.array([[1.0, 0.0], [3.0, 2.0], [2.0, 1.0]])
    assert np.allclose(saddle.running_mean(path), [[1, 0], [2, 1], [2, 1]])


# Jacobians


@pytest.mark.parametrize("gamma", (0.0, 0.2, 1.0, 3.0))
@pytest.mark.parametrize("name", ("minimax", "non_saturating"))
def test_dirac_eigenvalues_are_those_of_the_paper(name, gamma):
    J = saddle.game_jacobian(*saddle.dirac(getattr(objectives, name), gamma=gamma), ZERO, ZERO)
    root = np.emath.sqrt(gamma**2 / 4 - 1 / 4)
    expected = np.sort_complex([-gamma / 2 - root, -gamma / 2 + root])
    assert np.allclose(np.sort_complex(np.linalg.eigvals(J.numpy())), expected, atol=1e-7)


@pytest.mark.parametrize("noise", (0.5, 1.0, 2.0))
@pytest.mark.parametrize("name", ("minimax", "rpgan"))
def test_noise_acts_as_a_penalty_of_half_its_variance(name, noise):
    objective = getattr(objectives, name)
    with_noise = saddle.game_jacobian(*saddle.dirac(objective, noise=noise), ZERO, ZERO)
    with_penalty = saddle.game_jacobian(*saddle.dirac(objective, gamma=noise**2 / 2), ZERO, ZERO)
    assert torch.allclose(with_noise, with_penalty, atol=1e-10)


def test_dirac_penalty_is_r1_of_the_package():
    psi = torch.tensor([0.3], dtype=torch.float64)
    data = torch.zeros(5, 1, dtype=torch.float64)
    penalty = objectives.r1_penalty(0.7)(lambda u: (psi * u).squeeze(1), data, data)
    with_r1, without = (saddle.dirac(objectives.minimax, gamma=gamma)[0](psi, ZERO) for gamma in (0.7, 0.0))
    assert float(with_r1 - without) == pytest.approx(float(penalty), abs=1e-12)


@pytest.mark.parametrize("gamma", (0.0, 0.1, 0.5, 2.0))
@pytest.mark.parametrize("name", ("rpgan", "r3gan"))
def test_dirac_eigenvalues_of_the_paired_game(name, gamma):
    """+- i/2 without a penalty; R1 and R2 of weight gamma each are a friction of 2 gamma, critical at gamma = 1/2."""
    J = saddle.game_jacobian(*saddle.dirac(getattr(objectives, name), gamma=2 * gamma), ZERO, ZERO)
    root = np.emath.sqrt(gamma**2 - 1 / 4)
    expected = np.sort_complex([-gamma - root, -gamma + root])
    assert np.allclose(np.sort_complex(np.linalg.eigvals(J.numpy())), expected, atol=1e-7)
    assert np.allclose([J.trace(), J.det()], [-2 * gamma, 1 / 4], atol=1e-12)


def test_dirac_penalty_of_r3gan_is_that_of_the_package():
    psi, theta = (torch.tensor([number], dtype=torch.float64) for number in (0.3, 1.7))
    data, samples = torch.zeros(5, 1, dtype=torch.float64), theta.expand(5, 1).clone()

    def D(u):
        return (psi * u).squeeze(1)

    penalty = objectives.sum_of_penalties(objectives.r1_penalty(0.7), objectives.r2_penalty(0.2))(D, data, samples)
    with_both, without = (saddle.dirac(objectives.rpgan, gamma=gamma)[0](psi, theta) for gamma in (0.7 + 0.2, 0.0))
    assert float(with_both - without) == pytest.approx(float(penalty), abs=1e-12)


def test_dirac_losses_of_the_paired_game_are_those_of_its_objective():
    """Without noise one pair is all there is; with noise the mean over very many."""
    psi, theta = (torch.tensor([number], dtype=torch.float64) for number in (0.8, -1.1))
    d_loss, g_loss = saddle.dirac(objectives.rpgan)
    assert float(d_loss(psi, theta)) == pytest.approx(float(objectives.rpgan.d_loss(0 * psi, psi * theta)), abs=1e-12)
    assert float(g_loss(psi, theta)) == pytest.approx(float(objectives.rpgan.g_loss(psi * theta, 0 * psi)), abs=1e-12)
    torch.manual_seed(0)
    real, fake = psi * 0.5 * torch.randn(10**6).double(), psi * (theta + 0.5 * torch.randn(10**6).double())
    d_loss, g_loss = saddle.dirac(objectives.rpgan, noise=0.5)
    assert float(d_loss(psi, theta)) == pytest.approx(float(objectives.rpgan.d_loss(real, fake)), abs=3e-3)
    assert float(g_loss(psi, theta)) == pytest.approx(float(objectives.rpgan.g_loss(fake, real)), abs=3e-3)


def test_a_dirac_game_of_pairs_is_the_non_saturating_one():
    """The datum's score is 0 whatever psi is, so a difference of scores is the sample's score."""
    w = np.array([0.7, -0.4])
    paired, single = (
        saddle.dirac_field(*saddle.dirac(objective, gamma=0.3))(w)
        for objective in (objectives.rpgan, objectives.non_saturating)
    )
    assert np.allclose(paired, single, atol=1e-12)


def test_dirac_field_is_the_closed_form():
    field = saddle.dirac_field(*saddle.dirac(objectives.non_saturating, gamma=0.3))
    theta, psi = 0.7, -0.4
    sigma = 1 / (1 + np.exp(-psi * theta))
    assert np.allclose(field(np.array([theta, psi])), [(1 - sigma) * psi, -sigma * theta - 0.3 * psi])


def test_jacobian_by_finite_differences_on_unequal_players():
    def d_loss(d, g):
        return (d.sin() * g.sum()).sum() + d.prod()

    def g_loss(d, g):
        return (g**3).sum() * d.sum() + g[0] * g[1].exp()

    torch.manual_seed(0)
    d, g = torch.randn(3, dtype=torch.float64), torch.randn(2, dtype=torch.float64)

    def field(w):
        parts = w.detach().requires_grad_()
        return saddle.gradient_field(d_loss, g_loss, parts[:3], parts[3:]).detach()

    J, w, h = saddle.game_jacobian(d_loss, g_loss, d, g), torch.cat([d, g]), 1e-6
    columns = [(field(w + h * unit) - field(w - h * unit)) / (2 * h) for unit in torch.eye(5, dtype=torch.float64)]
    assert torch.allclose(J, torch.stack(columns, dim=1), atol=1e-7)


# Finite games


def test_fictitious_play_reaches_matching_pennies_and_a_pure_equilibrium():
    rows, columns = saddle.fictitious_play(np.array([[1.0, -1.0], [-1.0, 1.0]]), 5000)
    assert np.allclose(rows.sum(axis=1), 1) and np.allclose(columns.sum(axis=1), 1)
    assert np.allclose([rows[-1], columns[-1]], 0.5, atol=0.02)
    rows, columns = saddle.fictitious_play(np.array([[3.0, 5.0], [1.0, 2.0]]), 100)  # row 1 and column 1 dominate
    assert rows[-1, 1] >= 0.99 and columns[-1, 1] >= 0.99


def test_fictitious_play_of_rock_paper_scissors():
    payoff = np.array([[0.0, 1, -1], [-1, 0, 1], [1, -1, 0]])
    rows, columns = saddle.fictitious_play(payoff, 20_000)
    assert np.allclose([rows[-1], columns[-1]], 1 / 3, atol=0.02)


@pytest.mark.parametrize("steps", (0, -1))
def test_fictitious_play_of_no_step_is_told(steps):
    with pytest.raises(ValueError, match=f"needs steps >= 1, but steps is {steps}"):
        saddle.fictitious_play(np.eye(2), steps)
    assert [shares.tolist() for shares in saddle.fictitious_play(np.eye(2), 1)] == [[[1, 0]], [[1, 0]]]
