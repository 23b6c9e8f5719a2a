"""The exercises of notebook 16: five checks, each of which must tell right code from wrong.

The answers are functions that judge functions.  `SPECIMENS` holds what they are tried on: right and wrong losses,
penalties and steps, each wrong one met in public code.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gan_tutorial.lesson import checks
from gan_tutorial.lesson.exercises import Exercise, Property, register


class Specimen(NamedTuple):
    """A function to judge, whether it has the property, and what to say to a check that judges it wrongly."""

    function: Callable[..., Any]
    right: bool
    message: str


def _told(specimens: dict[str, Specimen], as_asked: Callable[..., Any] = lambda check, f: check(f)) -> tuple:
    # One property for each specimen: the check's verdict about it.
    def of(specimen: Specimen) -> Callable[[Any], Any]:
        return lambda answer: as_asked(answer, specimen.function)

    return tuple(Property(name, of(s), s.message, expected=s.right) for name, s in specimens.items())


# ---- 16.1: losses of G --------------------------------------------------------------------------------------------

G_LOSSES = {
    "non-saturating": Specimen(
        lambda s: softplus(-s).mean(),
        True,
        "Your check refuses the non-saturating loss, whose slope is below 0 at every score: a step goes down the "
        "slope, so a score rises where the slope is negative.",
    ),
    "minimax": Specimen(
        lambda s: -softplus(s).mean(),
        True,
        "Your check refuses the minimax loss. At a score of -20 its slope is tiny, but it is not 0, and it has the "
        "right sign; ask for no more, and ask no scores beyond -20 and 20.",
    ),
    "the sign of the critic": Specimen(
        lambda s: s.mean(),
        False,
        "Your check passes mean(s), which pulls every score down: G's loss with the critic's sign.",
    ),
    "Pearson's formula used everywhere": Specimen(
        lambda s: -(s.square() / 4 + s).mean(),
        False,
        "Your check passes a loss whose slope changes its sign below a score of -2 (the f-GAN of Pearson with its "
        "formula used where it does not hold): ask negative scores too.",
    ),
    "clamped": Specimen(
        lambda s: torch.log(1 - s.sigmoid().clamp(1e-5, 1 - 1e-5)).mean(),
        False,
        "Your check passes the clamped loss, whose slope is exactly 0 below a score of -11.5: ask such scores too, "
        "and let 0 not pass for a pull.",
    ),
    "a hinge for G": Specimen(
        lambda s: torch.relu(1 - s).mean(),
        False,
        "Your check passes a hinge loss of G, which is flat above a score of 1: ask positive scores too, and the "
        "slope of each score, not that of their sum.",
    ),
}

PULLS_UP = register(
    Exercise(
        id="16.1",
        reference=checks.pulls_up,
        properties=_told(G_LOSSES),
        hints=(
            "A step of descent changes a score by minus the slope. So which sign must the slope have, for each of "
            "the scores?",
            "Make scores that can tell: s = torch.linspace(-20, 20, 41, dtype=torch.float64, requires_grad=True). "
            "Then (slope,) = torch.autograd.grad(g_loss(s), s) holds the slope of each.",
            "return bool((slope < 0).all())",
        ),
        praise="It hears the silence of a clamp, a wrong sign anywhere, and a hinge where none belongs.",
    )
)


# ---- 16.2: penalties, one by one ----------------------------------------------------------------------------------


def slopes(D: Callable, u: Tensor) -> Tensor:
    """The gradient of D at each point, differentiable again.  (n, *shape) -> (n, product of shape)"""
    u = u.detach().requires_grad_()
    return torch.autograd.grad(D(u).sum(), u, create_graph=True)[0].flatten(1)


def _between(x: Tensor, fake: Tensor) -> Tensor:
    return torch.lerp(x, fake, torch.rand(len(x), 1).to(x))  # single or double precision, as x has it


def gradient_penalty(D: Callable, x: Tensor, fake: Tensor) -> Tensor:
    """10 E (|grad D(u)| - 1)^2, u between a datum and a sample (Gulrajani et al. 2017, eq. 3)."""
    return 10 * (slopes(D, _between(x, fake)).norm(dim=1) - 1).square().mean()


def whole_batch(D: Callable, x: Tensor, fake: Tensor) -> Tensor:
    """The wrong one: a single norm of all slopes of the batch."""
    return 10 * (slopes(D, _between(x, fake)).norm(2) - 1) ** 2


def _of_the_mean(D: Callable, x: Tensor, fake: Tensor) -> Tensor:
    u = _between(x, fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(u).mean(), u, create_graph=True)
    return 10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()


PENALTIES = {
    "one norm per example": Specimen(
        gradient_penalty,
        True,
        "Your check refuses the right penalty. Between a datum and a sample it looks at a random point, so no two "
        "calls are alike: take the dice away by giving the same points as data and as samples.",
    ),
    "R1": Specimen(
        lambda D, x, fake: slopes(D, x).square().sum(1).mean() / 2,
        True,
        "Your check refuses R1, E |grad D(x)|^2 / 2, which is a mean over examples, too: compare the penalty of a "
        "batch with the mean of the penalties of its examples, whatever the formula.",
    ),
    "one norm of the whole batch": Specimen(
        whole_batch,
        False,
        "Your check passes the penalty with a single norm of the whole batch; hand it a batch, and each example of "
        "it alone.",
    ),
    "a sum instead of a mean": Specimen(
        lambda D, x, fake: 10 * (slopes(D, _between(x, fake)).norm(dim=1) - 1).square().sum(),
        False,
        "Your check passes a sum over the batch, which grows with it; the mean of the penalties of single examples "
        "does not.",
    ),
    "the mean of the norms first": Specimen(
        lambda D, x, fake: 10 * (slopes(D, _between(x, fake)).norm(dim=1).mean() - 1).square(),
        False,
        "Your check passes (mean norm - 1)^2, where a steep place and a flat one make up for each other. With a D "
        "that is equally steep everywhere this cannot be seen: take one that is not, such as D(u) = |u|^2 / 2.",
    ),
    "the slope of the mean score": Specimen(
        _of_the_mean,
        False,
        "Your check passes the slope of D(u).mean() in place of the sum, which divides each example's slope by the "
        "size of the batch.",
    ),
}

PER_EXAMPLE = register(
    Exercise(
        id="16.2",
        reference=checks.per_example,
        properties=_told(PENALTIES),
        hints=(
            "Which D would you choose to test with, and what do you give as data and as samples, so that the point "
            "between them is known?",
            "With x = torch.randn(16, 2), ask penalty(D, x, x), and penalty(D, one, one) for each one in x.split(1). "
            "A D whose slope differs from place to place: lambda u: u.square().sum(1) / 2.",
            "alone = torch.stack([penalty(D, one, one) for one in x.split(1)]); then compare alone.mean() with the "
            "penalty of the batch by torch.isclose, and make a bool of it.",
        ),
        praise="And it needs no formula: what a batch does, its examples do one by one.",
    )
)


# ---- 16.3: where a penalty looks ----------------------------------------------------------------------------------


def _at(where: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda D, x, fake: 10 * (slopes(D, where(x, fake)).norm(dim=1) - 1).square().mean()


PLACES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "one number for each example": _between,
    "one number for the whole batch": lambda x, fake: torch.lerp(x, fake, torch.rand(()).to(x)),
    "one number for each pixel": lambda x, fake: torch.lerp(x, fake, torch.rand_like(x)),
    "data only": lambda x, fake: x,
    "a normal number, not a uniform one": lambda x, fake: torch.lerp(x, fake, torch.randn(len(x), 1).to(x)),
    "x + t (x - fake)": lambda x, fake: x + torch.rand(len(x), 1) * (x - fake),
}

_SAID = {
    "one number for each example": (
        True,
        "Your check refuses the right penalty, which draws one uniform number for each example; every point between "
        "0 and 1 may come up.",
    ),
    "one number for the whole batch": (
        False,
        "Your check passes a penalty with one random number for the whole batch: the numbers of different examples "
        "should differ.",
    ),
    "one number for each pixel": (
        False,
        "Your check passes a penalty with one random number for each pixel: such points lie in a box, not on the "
        "segment, and the coordinates of a point differ in how far they have come.",
    ),
    "data only": (
        False,
        "Your check passes a penalty that looks at the data only.",
    ),
    "a normal number, not a uniform one": (
        False,
        "Your check passes a penalty with normal random numbers: some points lie beyond the data or beyond the "
        "samples, outside 0 to 1.",
    ),
    "x + t (x - fake)": (
        False,
        "Your check passes x + t (x - fake), which leads away from the samples: on your way from data to samples "
        "that is below 0.",
    ),
}
LOOKS = {name: Specimen(_at(where), *_SAID[name]) for name, where in PLACES.items()} | {
    "the same, written x + t (fake - x)": Specimen(
        _at(lambda x, fake: x + torch.rand(len(x), 1) * (fake - x)),
        True,
        "Your check refuses x + t (fake - x), which is right, only written in another way.",
    )
}

LOOKS_BETWEEN = register(
    Exercise(
        id="16.3",
        reference=checks.looks_between,
        properties=_told(LOOKS),
        hints=(
            "The penalty calls D. What if D were a function of yours that keeps what it is shown?",
            "def spy(u): seen.append(u.detach()); return u.sum(1). Put data at torch.zeros(256, 2) and samples at "
            "torch.ones(256, 2): the coordinates of a point are then how far it has come.",
            "With t = torch.cat(seen): both columns equal (t[:, 0] == t[:, 1]).all(), t.min() >= 0, t.max() <= 1, "
            "and examples that differ, t[:, 0].std() > 0.2.",
        ),
        praise="A spy in D's place sees what no number of the training shows.",
    )
)


# ---- 16.4: slopes and differences -----------------------------------------------------------------------------------

_RANDOM = torch.Generator().manual_seed(16)
REAL = torch.randn(12, 2, generator=_RANDOM, dtype=torch.float64)
FAKE = 1 + torch.randn(12, 2, generator=_RANDOM, dtype=torch.float64)
W = torch.randn(12, generator=_RANDOM, dtype=torch.float64)  # of a D with three hidden units


def D_at(w: Tensor, u: Tensor) -> Tensor:
    """A D with 12 weights in one tensor.  (12,), (n, 2) -> (n,)"""
    return torch.tanh(u @ w[:6].view(2, 3) + w[6:9]) @ w[9:]


def penalised(w: Tensor, graph: bool = True) -> Tensor:
    """A critic's loss with the penalty halfway between data and samples; `graph`: whether its slope has a slope."""
    with torch.enable_grad():
        u = ((REAL + FAKE) / 2).requires_grad_()
        (slope,) = torch.autograd.grad(D_at(w, u).sum(), u, create_graph=graph)
        penalty = 10 * (slope.norm(dim=1) - 1).square().mean()
        return D_at(w, FAKE).mean() - D_at(w, REAL).mean() + penalty


def unrolled(w: Tensor, cut: bool = False) -> Tensor:
    """G's loss, as a function of where it puts its samples, w (12,), after three steps of D."""
    with torch.enable_grad():
        fake, theta = w.view(6, 2), W.clone().requires_grad_()
        for _ in range(3):
            loss = softplus(-D_at(theta, REAL)).mean() + softplus(D_at(theta, fake)).mean()
            (slope,) = torch.autograd.grad(loss, theta, create_graph=not cut)
            theta = theta - 0.5 * (slope.detach() if cut else slope)
        return -softplus(-D_at(theta, REAL)).mean() - softplus(D_at(theta, fake)).mean()


def _one_cut(w: Tensor) -> Tensor:
    return penalised(torch.cat([w[:11], w[11:].detach()]))


WITH_SLOPES = {
    "the penalty, differentiable": Specimen(
        penalised,
        True,
        "Your check refuses a critic's loss whose slope is right to many digits. Move w by a small step, such as "
        "1e-5, to both sides, and leave some room for rounding.",
    ),
    "G's loss through D's steps": Specimen(
        unrolled,
        True,
        "Your check refuses the loss of an unrolled GAN, whose slope is right to many digits; ask any function of w, "
        "whatever its size, with a small step and some room for rounding.",
    ),
    "create_graph=False": Specimen(
        lambda w: penalised(w, graph=False),
        False,
        "Your check passes the penalty with create_graph=False: its value is right, but its slope is missing. Compare "
        "autograd's slope with how the value changes.",
    ),
    "unrolled, cut off": Specimen(
        lambda w: unrolled(w, cut=True),
        False,
        "Your check passes the unrolled loss that does not differentiate through D's steps.",
    ),
    "one weight cut off": Specimen(
        _one_cut,
        False,
        "Your check passes a loss in which the last of the weights alone has no slope: move all of them at once, in "
        "a random direction, or each in turn.",
    ),
}

HONEST_SLOPE = register(
    Exercise(
        id="16.4",
        reference=checks.honest_slope,
        properties=_told(WITH_SLOPES, lambda check, f: check(f, W.clone().requires_grad_())),
        hints=(
            "What does a slope promise about the value of the loss a small step farther?",
            "Take a random direction e = torch.randn_like(w) and h = 1e-5. The value changes by loss(w + h * e) - "
            "loss(w - h * e), and the slope promises 2 * h * (slope * e).sum().",
            "(slope,) = torch.autograd.grad(loss(w), w); compare (slope * e).sum() with the difference divided by "
            "2 * h, by torch.isclose(..., rtol=1e-4, atol=1e-7), and make a bool of it.",
        ),
        praise="Two values and a random direction judge any gradient, of any function.",
    )
)


# ---- 16.5: steps of a loop ----------------------------------------------------------------------------------------


def step_of(before: str = "", after_own: str = "", at_end: str = "") -> Callable[..., None]:
    """A step of the usual loop that clears gradients of "D", "G" or both: before its move, after it, at the end."""

    def step(G, D, g_opt, d_opt, x, z):  # noqa: ANN001, ANN202
        opts = {"D": d_opt, "G": g_opt}

        def clear(whose: str, who: str = "DG") -> None:
            for name in set(whose) & set(who):
                opts[name].zero_grad()

        clear(before, "D")
        (softplus(-D(x)).mean() + softplus(D(G(z).detach())).mean()).backward()
        d_opt.step()
        clear(after_own, "D")
        clear(before, "G")
        softplus(-D(G(z))).mean().backward()
        g_opt.step()
        clear(after_own, "G")
        clear(at_end)

    return step


STEPS = {
    "each before its own move": Specimen(
        step_of(before="DG"),
        True,
        "Your check refuses the usual step, in which each player's gradients are cleared before its move. Start both "
        "runs from the same numbers: call small_game() anew for each.",
    ),
    "both at the end of the step": Specimen(
        step_of(at_end="DG"),
        True,
        "Your check refuses a step that clears all gradients at its end, which leaves nothing to the next one: what "
        "counts is whether clearing by hand between two steps makes a difference.",
    ),
    "never": Specimen(
        step_of(),
        False,
        "Your check passes a step that never clears a gradient. The first step cannot show it, there is nothing to "
        "clear yet: make two.",
    ),
    "each after its own move": Specimen(
        step_of(after_own="DG"),
        False,
        "Your check passes the step that clears each player's gradients after its own move; G's move then leaves "
        "slopes in D, which D's next move adds to its own. Make two steps, and compare D's weights too.",
    ),
    "D's only": Specimen(
        step_of(before="D"),
        False,
        "Your check passes a step that clears D's gradients and never G's; compare G's weights as well, and clear G's "
        "gradients as well.",
    ),
}

FORGETS = register(
    Exercise(
        id="16.5",
        reference=checks.forgets,
        properties=_told(STEPS),
        hints=(
            "Play two steps; and play them again from the same start, with a clearing by hand between them. What "
            "should differ, and what should not?",
            "game = small_game(); step(*game); then, in one of two runs, game.g_opt.zero_grad() and "
            "game.d_opt.zero_grad(); step(*game). Keep game.D.state_dict() and G's.",
            "Put all weights of a run into one tensor, "
            "torch.nn.utils.parameters_to_vector([*game.G.parameters(), *game.D.parameters()]), and compare both by "
            "torch.equal.",
        ),
        praise="Whoever cleans up late, or never, is found, and whoever cleans up in another place is left in peace.",
    )
)

SPECIMENS = {"16.1": G_LOSSES, "16.2": PENALTIES, "16.3": LOOKS, "16.4": WITH_SLOPES, "16.5": STEPS}
