"""Two players with one number each: how they move, where their steps lead, and what eigenvalues say beforehand.

w = (x, y); x wants V small, y wants V large. A *field* says where both want to go from w: (-dV/dx, dV/dy).
A *rule* makes one step of it. For V = xy every rule here is linear, so its growth per step is known exactly.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from gan_tutorial.game.objectives import Objective

Field = Callable[[ndarray], ndarray]  # (2,) -> (2,)
Rule = Callable[[Field, ndarray, float, ndarray], tuple[ndarray, ndarray]]  # field, w, eta, memory -> w, memory
Loss = Callable[[Tensor, Tensor], Tensor]  # weights of D, weights of G -> ()

ROTATION = np.array([[0.0, -1.0], [1.0, 0.0]])
NOTHING = np.zeros(2)  # the memory of a rule that needs none, and of every rule at its first step
ROTATION.flags.writeable = NOTHING.flags.writeable = False  # all share them: a rule in place must not fill them


def bilinear(w: ndarray) -> ndarray:
    """The field of V = xy: (-y, x).  (2,) -> (2,)"""
    return ROTATION @ w


def circle(w: ndarray, t: ndarray) -> ndarray:
    """Where the flow of V = xy is at times t: w turned by the angle t.  (2,), (n,) -> (n, 2)"""
    x, y = w
    return np.stack([x * np.cos(t) - y * np.sin(t), x * np.sin(t) + y * np.cos(t)], axis=-1)


# ---- Rules ------------------------------------------------------------------------------------------------------


def simultaneous(field: Field, w: ndarray, eta: float, memory: ndarray) -> tuple[ndarray, ndarray]:
    """w + eta F(w): both look, then both move."""
    return w + eta * field(w), NOTHING


def alternating(field: Field, w: ndarray, eta: float, memory: ndarray) -> tuple[ndarray, ndarray]:
    """x moves first, and y sees the new x: taking turns, as a GAN's training loop does (there D is first)."""
    moved = w + eta * field(w) * [1, 0]
    return moved + eta * field(moved) * [0, 1], NOTHING


def implicit(field: Field, w: ndarray, eta: float, memory: ndarray) -> tuple[ndarray, ndarray]:
    """The u with u = w + eta F(u), by Newton's method: step by the field at the place where you will be."""
    u = w
    for _ in range(4):  # one is exact for a linear field
        h = 1e-6 * (np.linalg.norm(u) or 1.0)
        slope = np.stack([(field(u + h * unit) - field(u)) / h for unit in np.eye(2)], axis=1)
        u = u - np.linalg.solve(np.eye(2) - eta * slope, u - w - eta * field(u))
    return u, NOTHING


def extragradient(field: Field, w: ndarray, eta: float, memory: ndarray) -> tuple[ndarray, ndarray]:
    """w + eta F(w + eta F(w)): look ahead, go back, step by what you saw (Korpelevich 1976)."""
    return w + eta * field(w + eta * field(w)), NOTHING


def optimistic(field: Field, w: ndarray, eta: float, memory: ndarray) -> tuple[ndarray, ndarray]:
    """w + eta (2 F(w) - F(previous w)): expect the field to go on changing as it did (Daskalakis et al. 2018)."""
    now = field(w)
    return w + eta * (2 * now - memory), now


def momentum(beta: float) -> Rule:
    """Simultaneous; each player goes along m = beta m + F(w), the memory (heavy ball)."""

    def rule(field: Field, w: ndarray, eta: float, memory: ndarray) -> tuple[ndarray, ndarray]:
        m = beta * memory + field(w)
        return w + eta * m, m

    return rule


def alternating_momentum(beta: float) -> Rule:
    """As `momentum`, but y sees the new x; with a negative beta it contracts (Gidel et al. 2019)."""

    def rule(field: Field, w: ndarray, eta: float, memory: ndarray) -> tuple[ndarray, ndarray]:
        m = (beta * memory + field(w)) * [1, 0]
        moved = w + eta * m
        m = m + (beta * memory + field(moved)) * [0, 1]
        return moved + eta * m * [0, 1], m

    return rule


def two_time_scales(ratio: float) -> Rule:
    """Simultaneous, with step eta for x and ratio * eta for y (Heusel et al. 2017)."""

    def rule(field: Field, w: ndarray, eta: float, memory: ndarray) -> tuple[ndarray, ndarray]:
        return w + eta * field(w) * [1, ratio], NOTHING

    return rule


RULES: dict[str, Rule] = {
    "simultaneous": simultaneous,
    "alternating": alternating,
    "two time scales, 1 : 4": two_time_scales(4.0),
    "momentum 0.5": momentum(0.5),
    "alternating, momentum -0.5": alternating_momentum(-0.5),
    "optimistic": optimistic,
    "extragradient": extragradient,
    "implicit": implicit,
}
"""The rules of the laboratory, by name."""


def run(rule: Rule, field: Field, w: ndarray, eta: float, steps: int) -> ndarray:
    """The path of `steps` steps from w.  -> (steps + 1, 2)"""
    path, memory = [np.array(w, dtype=float)], NOTHING.copy()
    for _ in range(steps):
        w, memory = rule(field, path[-1].copy(), eta, memory)  # a copy: a rule may work in place
        path.append(np.array(w))
    return np.array(path)


# ---- Growth -----------------------------------------------------------------------------------------------------


def step_matrix(rule: Rule, eta: float, J: ndarray = ROTATION) -> ndarray:
    """The matrix that takes (w, memory) to the next (w, memory) for the linear field w -> J w.  -> (4, 4)

    Its columns are the rule's answers to the four unit vectors, so it belongs to the very code that runs.
    """
    columns = [np.concatenate(rule(lambda w: J @ w, unit[:2], eta, unit[2:])) for unit in np.eye(4)]
    return np.stack(columns, axis=1)


def growth(rule: Rule, eta: float, J: ndarray = ROTATION) -> float:
    """Predicted: by what factor the distance from the equilibrium grows per step, in the long run.

    It is the spectral radius (the largest |eigenvalue|) of `step_matrix`: above 1 the path leaves, below 1 it arrives.
    """
    return float(np.abs(np.linalg.eigvals(step_matrix(rule, eta, J))).max())


def measured_growth(path: ndarray) -> float:
    """Measured: exp of the slope of log |w_n| over the second half of a path.  (n, 2) -> number

    A path ends where its numbers do, beyond 1e308 or below 1e-308.  Raises ValueError for fewer than 3 points before.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.hypot(*np.asarray(path).T)
    usable = np.isfinite(size) & (size >= np.finfo(float).tiny)
    length = len(size) if usable.all() else int(usable.argmin())
    if length < 3:
        raise ValueError(f"The second half of a path needs two points for a slope: give 3 points, not {length}.")
    n = np.arange(length)[length // 2 :]
    return float(np.exp(np.polyfit(n, np.log(size[n]), 1)[0]))


def invariant(path: ndarray, eta: float) -> ndarray:
    """x^2 + y^2 - eta x y, which alternating steps on V = xy never change.  (..., 2) -> (...)"""
    x, y = path[..., 0], path[..., 1]
    return x**2 + y**2 - eta * x * y


def running_mean(path: ndarray) -> ndarray:
    """The mean of the path so far, at each of its points.  (n, 2) -> (n, 2)"""
    return np.cumsum(path, axis=0) / np.arange(1, len(path) + 1)[:, None]


# ---- Any game ---------------------------------------------------------------------------------------------------


def gradient_field(d_loss: Loss, g_loss: Loss, d: Tensor, g: Tensor) -> Tensor:
    """(-d d_loss / dd, -d g_loss / dg), each player's own downhill.  (m,), (n,) -> (m + n,)"""
    (d_slope,) = torch.autograd.grad(d_loss(d, g), d, create_graph=True)
    (g_slope,) = torch.autograd.grad(g_loss(d, g), g, create_graph=True)
    return -torch.cat([d_slope, g_slope])


def game_jacobian(d_loss: Loss, g_loss: Loss, d: Tensor, g: Tensor) -> Tensor:
    """The derivative of `gradient_field` by all weights, D's before G's.  (m,), (n,) -> (m + n, m + n)

    Not symmetric, as the Hessian of a single loss would be: so its eigenvalues may be complex, and then paths turn.
    """
    weights = torch.cat([d, g]).detach().requires_grad_()
    field = gradient_field(d_loss, g_loss, weights[: len(d)], weights[len(d) :])
    rows = [torch.autograd.grad(entry, weights, retain_graph=True)[0] for entry in field]
    return torch.stack(rows).detach()


def dirac(objective: Objective, gamma: float = 0.0, noise: float = 0.0) -> tuple[Loss, Loss]:
    """The Dirac-GAN: all data at 0, all samples at theta, D(x) = psi x.  -> d_loss(psi, theta), g_loss(psi, theta)

    `gamma`: weight of the R1 penalty, gamma/2 psi^2, since psi is D's slope everywhere; R2 adds its own to it.
    `noise`: the standard deviation of normal noise on data and samples, averaged over by Gauss-Hermite quadrature.
    Paired, the curves are read at differences of scores, in which the noise of both adds up.  (Mescheder et al. 2018)
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    spread = noise * 2**0.5 if objective.paired else noise
    e, p = torch.tensor(spread * nodes), torch.tensor(weights / weights.sum())

    def d_loss(psi: Tensor, theta: Tensor) -> Tensor:
        real, fake = psi * (e - theta if objective.paired else e), psi * (theta + e)
        return (p * (objective.d_real(real) + objective.d_fake(fake))).sum() + gamma / 2 * psi.square().sum()

    def g_loss(psi: Tensor, theta: Tensor) -> Tensor:
        return (p * objective.g_fake(psi * (theta + e))).sum()

    return d_loss, g_loss


def dirac_field(d_loss: Loss, g_loss: Loss) -> Field:
    """The field of a Dirac-GAN for `run`, on w = (theta, psi): G's number first, as x in V = xy.  (2,) -> (2,)"""

    def field(w: ndarray) -> ndarray:
        theta, psi = (torch.tensor([number], dtype=torch.float64, requires_grad=True) for number in w)
        return gradient_field(d_loss, g_loss, psi, theta).detach().numpy()[::-1]

    return field


# ---- Finite games -----------------------------------------------------------------------------------------------


def fictitious_play(payoff: ndarray, steps: int) -> tuple[ndarray, ndarray]:
    """Each player answers best to how often the other has played each choice so far (Brown 1951).

    payoff (m, n): what the row player pays to the column player.  They begin with their first choices.
    -> how often each choice was played, as shares, after each step: (steps, m), (steps, n)
    Raises ValueError for fewer than 1 step.
    """
    if steps < 1:
        raise ValueError(f"The first choices are step 1, so fictitious play needs steps >= 1, but steps is {steps}.")
    rows, columns = np.zeros((steps, payoff.shape[0])), np.zeros((steps, payoff.shape[1]))
    rows[0, 0] = columns[0, 0] = 1
    for n in range(1, steps):
        rows[n], columns[n] = rows[n - 1], columns[n - 1]  # counts so far
        rows[n, np.argmin(payoff @ columns[n - 1])] += 1
        columns[n, np.argmax(rows[n - 1] @ payoff)] += 1
    played = np.arange(1, steps + 1)[:, None]
    return rows / played, columns / played
