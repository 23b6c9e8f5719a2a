"""Objectives: the losses of both players, as three curves of one number, the score.

x ~ p is data, z is noise, G(z) ~ q is a sample, r = p/q, and s = D(x) is the *score*: a real number per example,
never squashed. Losses are minimised, and real comes before fake. Because an objective is nothing but three curves
(and perhaps a penalty or a projection of D), it can be plotted, tested against theory in one dimension, and added in
one line. A *paired* objective reads its curves at differences: the score of one minus that of its partner.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

Curve = Callable[[Tensor], Tensor]  # elementwise, (...) -> (...)
Critic = Callable[[Tensor], Tensor]  # (n, *shape) -> (n,)
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]  # (D, x, G(z)) -> ()
Projection = Callable[[nn.Module], None]  # changes D's weights in place


@dataclass(frozen=True)
class Objective:
    """D minimises E_p d_real(s) + E_q d_fake(s) + penalty;  G minimises E_q g_fake(s).

    Paired, each score is read against its partner's, with t = s(x) - s(G(z)): D minimises E d_real(t) + E d_fake(-t) +
    penalty, G minimises E g_fake(-t).  So only differences of scores count (relativistic: Jolicoeur-Martineau 2018).
    """

    d_real: Curve
    d_fake: Curve
    g_fake: Curve
    penalty: Penalty | None = None
    project: Projection | None = None  # applied to D after each of its moves
    paired: bool = False

    def d_loss(self, real_score: Tensor, fake_score: Tensor) -> Tensor:
        """mean d_real(s) over data + mean d_fake(s) over samples, without the penalty.  (n,), (m,) -> ()

        A paired objective needs n = m, else ValueError: the i-th datum is compared with the i-th sample.
        """
        real, fake = self._read(_wide(real_score), _wide(fake_score))
        return self.d_real(real).mean() + self.d_fake(fake).mean()

    def g_loss(self, fake_score: Tensor, real_score: Tensor | None = None) -> Tensor:
        """mean g_fake(s) over samples.  (n,) -> ()

        A paired objective needs the scores of as many data too, else ValueError; the others take no notice of them.
        """
        if not self.paired:
            return self.g_fake(_wide(fake_score)).mean()
        if real_score is None:
            raise ValueError(
                "A paired objective compares samples with data, so G's loss needs the scores of data too: "
                "objective.g_loss(fake_score, real_score), or g_move(..., x=data)."
            )
        return self.g_fake(self._read(_wide(real_score), _wide(fake_score))[1]).mean()

    def _read(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Where the curves of data and of samples are read: at the scores, or at their differences."""
        if not self.paired:
            return real, fake
        if real.shape != fake.shape:
            raise ValueError(
                "A paired objective compares each datum with one sample, so there must be as many of both; the scores "
                f"of data have shape {tuple(real.shape)}, those of samples {tuple(fake.shape)}."
            )
        return real - fake, fake - real


def _wide(score: Tensor) -> Tensor:
    """At least float32: in float16 exp overflows above 11 and the square of 1e-4 is 0; bfloat16 has two digits."""
    return score.float() if score.dtype in (torch.float16, torch.bfloat16) else score


# ---- Curves -----------------------------------------------------------------------------------------------------

LOG2 = log(2.0)
BEND = 20.0  # exp is exact up to here, that is for density ratios up to e^20 = 4.9e8


def bent_exp(s: Tensor) -> Tensor:
    """exp(s) up to s = BEND, beyond it the parabola that continues value, slope and curvature.

    Several f-divergences need exp of a score. float32 overflows at s = 89, and one such score would end a training
    with NaN; bent, it stays increasing and convex, and finite for any score a network can produce (up to 1e15).
    """
    inside = s.clamp(max=BEND)
    beyond = s - inside
    return inside.exp() * (1 + beyond + beyond.square() / 2)


def tangent_exp(s: Tensor) -> Tensor:
    """exp(s) up to s = BEND, beyond it the tangent: for a curve that squares it, where a parabola would overflow."""
    inside = s.clamp(max=BEND)
    return inside.exp() * (1 + s - inside)


def log_softplus(s: Tensor) -> Tensor:
    """log softplus(s) = log log(1 + e^s), which is s where softplus would underflow."""
    low = -15.0  # below, the two differ by less than e^s / 2
    return torch.where(s > low, softplus(s.clamp(min=low)).log(), s)


def f_gan(T: Curve, f_star_T: Curve) -> Objective:
    """The bound E_p T(s) - E_q f*(T(s)) <= D_f(p || q): D raises it, G lowers it (Nowozin et al. 2016, eq. 4-6).

    `f_star_T` is the conjugate f* already composed with the output activation T: composed, it is stable; apart, it is
    not.
    """
    return Objective(d_real=lambda s: -T(s), d_fake=f_star_T, g_fake=lambda s: -f_star_T(s))


def fake_as_real(objective: Objective) -> Objective:
    """G's loss for a sample is D's loss for data: the 'flipped labels' view of the generator's loss.

    Turns minimax into non-saturating (Goodfellow et al. 2014, sec. 3) and gives every f-GAN its heuristic generator
    loss (Nowozin et al. 2016, sec. 3.2).
    """
    return replace(objective, g_fake=objective.d_real)


# ---- Penalties and projections of D -----------------------------------------------------------------------------


def squared_gradient_norm(D: Critic, u: Tensor) -> Tensor:
    """|grad D(u)|^2, summed over all entries of an example, differentiable again.  (n, *shape) -> (n,)

    Only right for a D that treats the examples of a batch separately: with batch normalisation the gradient of the
    summed scores mixes them.
    """
    with torch.inference_mode(False), torch.enable_grad():  # whoever only looks may have switched it off
        if not u.requires_grad:
            u = (u.clone() if u.is_inference() else u).detach().requires_grad_()
        (slope,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
    return _wide(slope).flatten(1).square().sum(dim=1)


def gradient_norm(D: Critic, u: Tensor) -> Tensor:
    """|grad D(u)|, one Euclidean norm per example, differentiable again: 0 where D is flat.  (n, *shape) -> (n,)"""
    squared = squared_gradient_norm(D, u)
    # sqrt has an infinite derivative at 0, and infinity times zero is NaN: a flat D would end the training.
    flat = squared == 0
    return torch.where(flat, 0.0, torch.where(flat, 1.0, squared).sqrt())


def gradient_penalty(weight: float = 10.0, slope: float = 1.0, one_sided: bool = False) -> Penalty:
    """weight * E (|grad D(u)| - slope)^2, u uniform between a datum and a sample (Gulrajani et al. 2017, eq. 3).

    One-sided, only slopes above `slope` cost: E max(0, |grad D(u)| - slope)^2 (Petzka et al. 2018, eq. 8).
    """

    def penalty(D: Critic, x: Tensor, fake: Tensor) -> Tensor:
        pairs = min(len(x), len(fake))  # of batches of unequal size the rest stays without a partner
        x, fake = x[:pairs], fake[:pairs].to(x.dtype)
        t = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device, dtype=x.dtype)  # one per example, not per pixel
        excess = gradient_norm(D, torch.lerp(x, fake, t)) - slope
        return weight * (relu(excess) if one_sided else excess).square().mean()

    return penalty


def r1_penalty(gamma: float = 1.0) -> Penalty:
    """gamma/2 * E_p |grad D(x)|^2: D should be flat on the data (Mescheder et al. 2018, eq. 9)."""

    def penalty(D: Critic, x: Tensor, fake: Tensor) -> Tensor:
        return gamma / 2 * squared_gradient_norm(D, x).mean()  # no root: at a flat D it would hide the curvature

    return penalty


def r2_penalty(gamma: float = 1.0) -> Penalty:
    """gamma/2 * E_q |grad D(G(z))|^2: D should be flat on the samples (Mescheder et al. 2018, sec. 4.1)."""
    r1 = r1_penalty(gamma)
    return lambda D, x, fake: r1(D, fake, x)


def sum_of_penalties(*penalties: Penalty) -> Penalty:
    """All of them at once: penalty_1 + penalty_2 + ...; of none, 0."""
    return lambda D, x, fake: sum(penalty(D, x, fake) for penalty in penalties)


def on_part(penalty: Penalty, share: int) -> Penalty:
    """The penalty on the first n / share of n pairs, at least one: the same in expectation, cheaper, and noisier.

    A batch is drawn independently, so the mean over a part of it has no bias; its variance is `share` times as large.
    Raises ValueError for a share below 1.
    """
    if not share >= 1:
        raise ValueError(f"A part is n / share of n pairs, which needs share >= 1, but share is {share:g}.")
    return lambda D, x, fake: penalty(D, x[: -(-len(x) // share)], fake[: -(-len(fake) // share)])


def clip_weights(c: float = 0.01) -> Projection:
    """Put every weight of D back into [-c, c] after its move (Arjovsky et al. 2017, algorithm 1).  Needs c >= 0."""
    if not torch.all(torch.as_tensor(c) >= 0):
        raise ValueError(f"The weights stay in [-c, c], which needs c >= 0, but c is {c}.")

    @torch.no_grad()
    def project(D: nn.Module) -> None:
        for w in D.parameters():
            if w.requires_grad:  # frozen layers stay as they are
                w.clamp_(-c, c)

    return project


# ---- From objective to objective --------------------------------------------------------------------------------


def mix_labels(objective: Objective, alpha: float, beta: float) -> Objective:
    """Data counts as fake with weight alpha, samples count as real with weight beta; G's curve is unchanged.

    The best D for minimax becomes ((1 - alpha) p + beta q) / (p + q): it rises with p/q if alpha + beta < 1.  Raises
    ValueError where it does not, where a weight is no share, and for a paired objective.
    """
    if objective.paired:
        raise ValueError(
            "A label belongs to a single example, and a paired objective only compares two, so it has no labels to "
            "smooth or to flip: leave that out, or choose an objective that is not paired."
        )
    if not (alpha >= 0 and beta >= 0 and alpha + beta < 1):
        raise ValueError(
            f"A share {alpha:g} of wrong labels for data and {beta:g} for samples leaves D nothing to learn, or the "
            "opposite: neither may be negative, and together they must stay below 1 (smooth: eps, the share taken "
            "away; flip_labels: twice the rate)."
        )
    real, fake = objective.d_real, objective.d_fake
    return replace(
        objective,
        d_real=lambda s: (1 - alpha) * real(s) + alpha * fake(s),
        d_fake=lambda s: (1 - beta) * fake(s) + beta * real(s),
    )


def smooth(objective: Objective, eps: float = 0.1) -> Objective:
    """One-sided label smoothing: data is called real with weight 1 - eps only (Salimans et al. 2016, sec. 3.4)."""
    return mix_labels(objective, eps, 0.0)


def flip_labels(objective: Objective, rate: float = 0.05) -> Objective:
    """Labels given to D are wrong with probability `rate`: in expectation two-sided smoothing, alpha = beta = rate."""
    return mix_labels(objective, rate, rate)


# ---- The objectives ---------------------------------------------------------------------------------------------
# f-GANs follow the output activations of Nowozin et al. 2016, table 6, with the sign of the score chosen so that D
# always gives data the higher score.

# f(u) = u log u - (u + 1) log(u + 1); bound = 2 JS - log 4 (Goodfellow et al. 2014, eq. 1)
minimax = f_gan(lambda s: -softplus(-s), softplus)
non_saturating = fake_as_real(minimax)  # Goodfellow et al. 2014, sec. 3
max_likelihood = replace(minimax, g_fake=lambda s: -bent_exp(s))  # Goodfellow 2014 (distinguishability), sec. 5

# f(u) = u log u
kl = f_gan(lambda s: s, lambda s: bent_exp(s - 1))
# f(u) = -log u
reverse_kl = f_gan(lambda s: -bent_exp(-s), lambda s: s - 1)
# f(u) = u log u - (u + 1) log((u + 1) / 2); the paper's "JS", twice the textbook's
jensen_shannon = f_gan(lambda s: LOG2 - softplus(-s), lambda s: softplus(s) - LOG2)
# f(u) = (u - 1)^2, that is integral (p - q)^2 / q; f*(t) = t^2/4 + t only for t >= -2, and -1 below: hence the relu
pearson = f_gan(lambda s: s, lambda s: relu(1 + s / 2).square() - 1)
# f(u) = (1 - u)^2 / u, that is integral (p - q)^2 / p; with a bend for each curve a very low score would cost -infinity
neyman = f_gan(lambda s: 1 - tangent_exp(-s).square(), lambda s: 2 - 2 * tangent_exp(-s))
# f(u) = (sqrt(u) - 1)^2
squared_hellinger = f_gan(lambda s: 1 - bent_exp(-s), lambda s: bent_exp(s) - 1)
# f(u) = |u - 1| / 2
total_variation = f_gan(lambda s: s.tanh() / 2, lambda s: s.tanh() / 2)
# f(u) = (u - 1) log u; with s = log u the conjugate needs no Lambert function: f*(f'(u)) = u f'(u) - f(u)
jeffreys = f_gan(lambda s: s + 1 - bent_exp(-s), lambda s: bent_exp(s) - 1 + s)

# Two of these with another output activation, and G's trick: no curve is steeper than 2, so large steps are safe.
# KL again, r = softplus(s) where it was e^(s - 1): T = f'(r) = 1 + log r, f*(T) = r
gentle_kl = fake_as_real(f_gan(lambda s: 1 + log_softplus(s), softplus))
# squared Hellinger again, sqrt r = s + sqrt(1 + s^2) = e^asinh(s), once e^s: T = 1 - 1 / sqrt r, f*(T) = sqrt r - 1
gentle_hellinger = fake_as_real(f_gan(lambda s: -s.asinh().neg().expm1(), lambda s: s.asinh().expm1()))

# 0-1 coding (Mao et al. 2017, eq. 9): best score p/(p+q). Above 1, which no best D says, G's curve turns back up.
least_squares = Objective(lambda s: (s - 1).square() / 2, lambda s: s.square() / 2, lambda s: (s - 1).square() / 2)
hinge = Objective(lambda s: relu(1 - s), lambda s: relu(1 + s), lambda s: -s)  # Lim & Ye 2017
wasserstein = Objective(
    lambda s: -s, lambda s: s, lambda s: -s
)  # needs one of the four below to keep D's slope bounded

wgan = replace(wasserstein, project=clip_weights(0.01))
wgan_gp = replace(wasserstein, penalty=gradient_penalty(10.0))
wgan_lp = replace(wasserstein, penalty=gradient_penalty(10.0, one_sided=True))
r1 = replace(non_saturating, penalty=r1_penalty(1.0))

# Which of the two is the datum?  One question about each pair, so D pays by one curve only. The best score is log p/q
# up to a constant; bound = JS(p x q, q x p) - log 2 (Jolicoeur-Martineau 2018; 2020)
rpgan = Objective(d_real=lambda t: softplus(-t), d_fake=lambda t: 0 * t, g_fake=lambda t: softplus(-t), paired=True)
r3gan = replace(rpgan, penalty=sum_of_penalties(r1_penalty(1.0), r2_penalty(1.0)))  # Huang et al. 2024

OBJECTIVES: dict[str, Objective] = {
    "minimax": minimax,
    "non_saturating": non_saturating,
    "max_likelihood": max_likelihood,
    "least_squares": least_squares,
    "hinge": hinge,
    "kl": kl,
    "reverse_kl": reverse_kl,
    "jensen_shannon": jensen_shannon,
    "pearson": pearson,
    "neyman": neyman,
    "squared_hellinger": squared_hellinger,
    "total_variation": total_variation,
    "jeffreys": jeffreys,
    "gentle_kl": gentle_kl,
    "gentle_hellinger": gentle_hellinger,
    "wgan": wgan,
    "wgan_gp": wgan_gp,
    "wgan_lp": wgan_lp,
    "r1": r1,
    "rpgan": rpgan,
    "r3gan": r3gan,
}
"""By name, for the command line. `wasserstein` alone is left out: without a bound on D's slope it has no solution."""


def best_response(objective: Objective, r: Tensor, reach: float = 1e15) -> Tensor:
    """argmin over s of r * d_real(s) + d_fake(s): the score of the best D where p/q = r.  (...) -> (...), float64

    Paired, it is a difference of scores: for two places u and v it is t = s(u) - s(v) that costs d_real(t) + d_fake(-t)
    if the datum is at u, and d_real(-t) + d_fake(t) if it is at v.  The first is r times as likely, where
    r = p(u) q(v) / (q(u) p(v)), the ratio of p/q at u to p/q at v.  For the logistic curve t = log r.

    Found numerically from the curves alone (a grid, then golden-section search), so that it holds for any objective.
    Where the best score is farther away than `reach`, or none is best (wasserstein), the end of [-reach, reach] is
    returned; where all scores from one on are equally good in floats (total variation), one of them.  nan for r = nan;
    r = inf, where q = 0, is the largest float.
    """
    r = torch.as_tensor(r, dtype=torch.float64)[..., None].clamp(max=torch.finfo(torch.float64).max)
    large = r.clamp(min=1)
    unit = large.frexp().mantissa / large  # of the cost, lest it overflows; a power of two, so nothing is rounded

    def cost(s: Tensor) -> Tensor:
        real, fake = objective.d_real(s.clone()), objective.d_fake(s.clone())  # a curve may change s in place
        if objective.paired:
            real, fake = real + objective.d_fake(-s), fake + objective.d_real(-s)
        return unit * r * real + unit * fake

    ends = torch.asinh(torch.tensor(reach, dtype=torch.float64))
    grid = torch.linspace(
        -ends, ends, 801, dtype=torch.float64
    ).sinh()  # fine near 0, as wide as Pearson's 2(r - 1) needs
    at = cost(grid).argmin(dim=-1, keepdim=True)
    low, high = grid[(at - 1).clamp(min=0)], grid[(at + 1).clamp(max=800)]
    golden = (5**0.5 - 1) / 2
    for _ in range(60):
        a, b = high - golden * (high - low), low + golden * (high - low)
        left = cost(a) <= cost(b)
        low, high = torch.where(left, low, a), torch.where(left, b, high)
    return torch.where(r.isnan(), r, (low + high) / 2)[..., 0]
