"""What the losses and scores of a training show, in words: how sure that is, and what to try first.

`diagnose(history, objective)` reads the curves against what the objective's own theory says of them; with samples and
data it says as well what no curve can show.  It names only what it has evidence for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan_tutorial.game.objectives import Curve, Objective, best_response
from gan_tutorial.truth.distances import distances

COLUMNS = ("d_loss", "g_loss", "real_score", "fake_score")

# ---- The thresholds, each with its reason -------------------------------------------------------------------------
#
# Set on the runs of the recordings "14_clinic" (the ring, mostly non-saturating, three seeds), "14_garments" and
# "14_clothes" (FashionMNIST, short trainings), and tested on others, "14_held_out" and "14_clothes_held_out":
# notebook 14.  A *unit* is D's way from "cannot tell" to "nine times in ten sure, and right": losses of all bounded
# objectives have the same scale in units, and wasserstein has none.

FEWEST_ROWS = 10  # below, a quarter of the rows is no more than two numbers
LATE = 0.25  # the share of the rows that the end is judged by: long enough for a median, short enough to be the end
FAR_AHEAD = 0.85  # units: healthy runs stay below 0.1, on pictures 0.4; with a D that is too strong they have 0.9
BEHIND = 0.25  # units by which D is worse than if it said nothing: no D that learns stays there
SWINGS = 0.3  # units between the lowest and the highest tenth of late losses: healthy up to 0.1, on pictures to 0.25
LUCK = 3.5  # times the step from row to row: where only the luck of batches moves the loss, the swing is 2.7 times that
SPIKE = 0.5  # units by which a loss of D is worse than saying nothing: healthy on points up to 0.3, too bold from there
OFTEN = 0.02  # of the rows, and two at least: on pictures, one batch by itself can be that bad in a healthy training
HUGE = 2.0  # units by which a single loss is worse: no batch's luck
RESTLESS = 0.04  # units from one row to the next: healthy up to 0.02, too bold from 0.05; a slow drift is no swing
LEAP = 0.25  # of how far D is behind, from one row to the next: else it stays behind, and does not swing
STILL = 0.003  # units from one row to the next: less than the luck of a batch moves a D that looks at its examples
DEAF = 0.05  # of the slope of G's loss where D cannot tell: with a twentieth, a step of training takes twenty
CONTRADICTION = 0.2  # units below what is possible (see `_contradictions`): sampling error is a few hundredths
SEEN = 400  # of samples and of data that are compared: their distances are taken in a moment
FEWEST_SEEN = 20
NEAR = 3.0  # times as far as a datum's fifth neighbour: samples of a healthy G lie a little wider than data
COVERED = 0.6  # of the data have a sample near: of healthy samples 0.8 and more, of collapsed ones below 0.5
ALIKE = 0.75  # mean distance between samples, over that between data: healthy 0.9 to 1.1
UNLIKE = 0.08  # energy distance, over the data's own spread: healthy up to 0.05 with some hundred samples, ill from 0.1
MANY = 50  # numbers in a datum: from there all distances are alike, and noise is "near" everything; so no coverage
TWINS = 0.35  # for MANY: from a sample to the nearest other one, over the same of data; healthy from 0.5, collapsed 0.2
STRETCH = 1.5  # the data's range over that of the samples: equal where both use the same units
AT_THE_EDGE = 0.25  # of the samples' numbers at the end of their range, as where tanh can go no further
ROUND = 0.02  # of the range: how near the end of a tanh or a sigmoid the ends of the samples' range are
STEEP = 2.0  # slope that D must have somewhere, where a penalty asks for one: twice is no estimate's error


# ---- What comes out -----------------------------------------------------------------------------------------------

Sure = Literal["certain", "likely", "possible"]


@dataclass(frozen=True)
class Finding:
    """One thing that the run shows."""

    name: str  # a few words, always the same ones
    says: str  # what is to be seen, in a sentence with its numbers
    sure: Sure  # "certain": it contradicts mathematics otherwise; "likely"; "possible": other causes look like it
    first: str = ""  # what to try first
    ill: bool = True  # else it is a remark


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What `diagnose` found, in the order of `_ORDER`; `healthy` if nothing is ill.  Prints and shows as sentences."""

    findings: tuple[Finding, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)  # what was measured

    @property
    def healthy(self) -> bool:
        """Whether nothing that was looked at is ill."""
        return not any(finding.ill for finding in self.findings)

    @property
    def name(self) -> str:
        """The first finding's name; "looks healthy" if none is ill."""
        return next((finding.name for finding in self.findings if finding.ill), "looks healthy")

    def __str__(self) -> str:
        return "\n".join(f"{finding.says}{_first(finding)}" for finding in self.findings)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = (
            f"<li><b>{escape(f.name)}</b> ({f.sure}): {escape(f.says)}{escape(_first(f))}</li>" for f in self.findings
        )
        return f'<ul class="diagnosis">{"".join(rows)}</ul>'


def _first(finding: Finding) -> str:
    how = {"certain": "", "likely": " (likely)", "possible": " (possible; other causes look the same)"}
    sure = how[finding.sure] if finding.ill else ""
    return f"{sure} Try first: {finding.first}" if finding.first else sure


# ---- The diagnosis ------------------------------------------------------------------------------------------------


def diagnose(history: Iterable, objective: Objective, samples: Any = None, data: Any = None) -> Diagnosis:
    """What a training shows.  With samples (n, ...) and data (m, ...), what no curve can show is looked at, too.

    history: rows with n, d_loss, g_loss, real_score and fake_score: what `game.train` yields, dicts (or rows of
    `history.csv`, with `step` for n), or five numbers each.  samples: or what `compare(samples, data)` returned.  Of
    a tuple of tensors, as samplers give it, the first is looked at.
    Raises ValueError for rows or samples of another form.
    """
    n, rows = _rows(history)
    found: list[Finding] = []
    numbers: dict[str, float] = {}
    seen = samples if isinstance(samples, Mapping) or samples is None else compare(samples, data)
    if seen is not None:
        numbers |= seen
    finite = np.isfinite(rows).all(1)
    if not finite.all():
        found.append(_broke_off(n, finite))
        n, rows = n[: finite.argmin()], rows[: finite.argmin()]
    scale = Scale.of(objective)
    if scale.unbounded and objective.penalty is None and objective.project is None:
        found.append(_no_bound(rows))
    began = _began(rows)
    if began:
        found.append(_late(n, began))
        n, rows = n[began:], rows[began:]
    if len(rows) < FEWEST_ROWS:
        found.append(_too_short(len(rows)))
    else:
        late = rows[-max(3, round(LATE * len(rows))) :]
        numbers |= _measure(rows, late, scale)
        found += _contradictions(late, objective, scale) or _curves(numbers, scale, objective, late)
    if seen is not None:
        found = _with_samples(found, seen, numbers, objective)
    if not any(finding.ill for finding in found):
        found.insert(0, _healthy(numbers, scale, seen is not None, len(rows) >= FEWEST_ROWS))
    found.sort(key=lambda finding: _ORDER.index(finding.name))
    return Diagnosis(tuple(found), numbers)


_ORDER = [
    "data not finite", "broke off", "labels swapped", "sign of G's loss", "losses of another objective",
    "samples not finite", "no bound", "bound not held", "scores do not fit", "swings", "wrong range",
    "D learns nothing", "G hears nothing", "D far ahead", "D behind", "collapse", "samples differ", "looks healthy",
    "too short", "too few samples", "D began late",
]  # fmt: skip


# ---- The objective's own scale ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """Where the losses of an objective stand if D cannot tell data from samples, and how far they go if it can."""

    even_score: float  # the best D's where both are equally likely; paired: the best difference, 0
    even_loss: float  # D's loss there
    g_even_loss: float  # and G's
    unit: float | None  # even_loss minus the loss of a D that is right with 90 %; None where no score says that

    @classmethod
    @lru_cache(maxsize=32)
    def of(cls, objective: Objective) -> Scale:
        """From the curves alone, through `best_response`; so it holds for any objective."""
        if objective.paired:
            even, sure = 0.0, float(best_response(objective, torch.tensor(9.0)))
            other = -sure
        else:
            even, sure, other = (float(best_response(objective, torch.tensor(r))) for r in (1.0, 9.0, 1 / 9))
        loss, right = _d(objective, even, even), _d(objective, sure, other)
        far = max(abs(sure), abs(other)) > 1e12
        steps = objective.d_real(_number(1.0)) - objective.d_real(_number(0.0))
        linear = float(objective.d_real(_number(1e6)) - objective.d_real(_number(0.0)))
        if far and math.isclose(linear, 1e6 * float(steps), rel_tol=1e-9):  # no best score: a critic
            return cls(math.nan, 0.0, math.nan, None)
        unit = loss - right
        return cls(even, loss, float(objective.g_fake(_number(even))), unit if unit > 0 else None)

    @property
    def unbounded(self) -> bool:
        """Whether no score is best, so that D's slope has to be bounded by something else (wasserstein)."""
        return self.unit is None

    def won(self, d_loss: Any) -> Any:
        """How far D came: 0 if it cannot tell, 1 if it is right with 90 %; negative if it is worse than that."""
        return (self.even_loss - d_loss) / self.unit if self.unit else math.nan * d_loss


def _number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def _d(objective: Objective, real: float, fake: float) -> float:
    return float(objective.d_real(_number(real)) + objective.d_fake(_number(fake)))


def _least(objective: Objective, rows: np.ndarray) -> np.ndarray:
    """What D's loss of each row is at least, from its mean scores, if the curves are convex.  (n, 4) -> (n,)"""
    real, fake = torch.tensor(rows[:, 2], dtype=torch.float64), torch.tensor(rows[:, 3], dtype=torch.float64)
    s, t = (real - fake, fake - real) if objective.paired else (real, fake)
    return (objective.d_real(s) + objective.d_fake(t)).numpy()


def _convex(curve: Curve) -> bool:
    """Whether it bends upwards or not at all, as far as a grid shows."""
    s = torch.linspace(-15, 15, 601, dtype=torch.float64)
    return bool(curve(s).diff(n=2).min() > -1e-7)


def _slope(curve: Curve, at: float) -> float:
    s = _number(at).requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(curve(s), s, allow_unused=True)
    return 0.0 if slope is None else abs(float(slope))


# ---- What is measured ---------------------------------------------------------------------------------------------


def _rows(history: Iterable) -> tuple[np.ndarray, np.ndarray]:
    """-> numbers of the steps (rows,), and d_loss, g_loss, real_score, fake_score (rows, 4)"""

    def numbers(row: Any) -> list[float]:
        if isinstance(row, Mapping):
            return [float(row["n" if "n" in row else "step"]), *(float(row[name]) for name in COLUMNS)]
        if hasattr(row, "d_loss"):
            return [float(row.n), *(float(getattr(row, name)) for name in COLUMNS)]
        n, *rest = row
        if len(rest) != len(COLUMNS):
            raise ValueError
        return [float(n), *map(float, rest)]

    try:
        found = [numbers(row) for row in history]
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError):
        raise ValueError(
            f"A row of the history should have n (or step), {', '.join(COLUMNS)}: what `train` yields, or five numbers."
        ) from None
    table = np.array(found, dtype=np.float64).reshape(-1, 5)
    return table[:, 0], table[:, 1:]


def _began(rows: np.ndarray) -> int:
    """The first row in which D's loss moves, if it stood exactly still for three rows or more; else 0."""
    moves = np.flatnonzero(np.diff(rows[:, 0]) != 0)
    begins = int(moves[0]) + 1 if len(moves) else 0
    return begins if begins >= 3 and len(rows) - begins >= 3 else 0


def _measure(rows: np.ndarray, late: np.ndarray, scale: Scale) -> dict[str, float]:
    """Medians of the end; and in units: how far D came, how it swings, its worst row, and from one row to the next.

    And the share of the rows that are as bad as `SPIKE` says, if there are two or more.
    """
    medians = dict(zip(COLUMNS, map(float, np.median(late, axis=0)), strict=True))
    won = scale.won(late[:, 0])
    low, middle, high = np.quantile(won, (0.1, 0.5, 0.9)) if scale.unit else (math.nan,) * 3
    settled = rows[len(rows) // 10 :, 0]  # the first steps of a new D may be anything
    peaks = -scale.won(settled) > SPIKE
    steps = np.abs(np.diff(late[:, 0]))
    return medians | {
        "won": float(middle),
        "swing": float(high - low),
        "spike": float(-scale.won(settled.max())),
        "peaks": float(peaks.mean()) if peaks.sum() > 1 else 0.0,
        "jump": float(np.median(steps)) / scale.unit if scale.unit else math.nan,
        "gap": float(np.median(late[:, 2] - late[:, 3])),
    }


def compare(samples: Any, data: Any) -> dict[str, float]:
    """Some of the samples beside some of the data: coverage, spread, energy distance, range, each by its name."""
    s, x = _cloud(samples, "samples"), None if data is None else _cloud(data, "data")
    if x is not None and not x.isfinite().all():
        return {"data_not_finite": 1.0}
    if not s.isfinite().all():
        return {"not_finite": 1.0}
    if x is None:
        return {"alone": 1.0}
    if x.shape[1] != s.shape[1]:
        raise ValueError(f"Samples and data should have as many numbers each, but have {s.shape[1]} and {x.shape[1]}.")
    if min(len(x), len(s)) < FEWEST_SEEN:
        return {"alone": 1.0, "few": float(min(len(x), len(s)))}
    between, xs, ss = distances(x, s), distances(x, x), distances(s, s)
    mean_x, mean_s = (d.sum() / (len(d) * (len(d) - 1)) for d in (xs, ss))
    spread = mean_x.clamp(min=1e-12)
    fifth = xs.kthvalue(6, dim=1).values  # of each datum, the distance to its fifth neighbour; it is its own first
    nearest_x, nearest_s = (d.kthvalue(2, dim=1).values.median() for d in (xs, ss))
    low, high = s.min(), s.max()
    width = (high - low).clamp(min=1e-12)
    edge = (s < low + 0.01 * width) | (s > high - 0.01 * width)
    return {
        "covered": float((between.min(1).values <= NEAR * fifth).double().mean()),
        "spread": float(mean_s / spread),
        "energy": float((2 * between.mean() - mean_x - mean_s) / spread),
        "stretch": float((x.max() - x.min()) / width),
        "edge": float(edge.double().mean()),
        "low": float(low),
        "high": float(high),
        "dim": float(x.shape[1]),
        "twins": float(nearest_s / nearest_x.clamp(min=1e-12)),
        "distance": float(between.mean()),
    }


def _cloud(values: Any, what: str) -> Tensor:
    """At most SEEN of them, evenly chosen.  (n, ...) -> (<= SEEN, d) float64, on the CPU"""
    if isinstance(values, tuple) and values and isinstance(values[0], Tensor):
        values = values[0]  # what a sampler gives: examples, and perhaps their labels
    t = torch.as_tensor(values).detach().cpu()
    if t.dim() < 1 or not len(t):
        raise ValueError(f"The {what} should be (n, ...), with n at least 1, but are {tuple(t.shape)}.")
    t = t[:: max(1, len(t) // SEEN)][:SEEN].double()
    return t.reshape(len(t), -1)


# ---- The rules ----------------------------------------------------------------------------------------------------


def _contradictions(late: np.ndarray, objective: Objective, scale: Scale) -> list[Finding]:
    """Losses that these scores cannot have: what computed them is not this objective.

    A convex curve's mean is at least its value at the mean (Jensen), and a penalty only adds: so in each row D's loss
    is at least that of the mean scores (of medians of separate columns that is not true).  G's loss lies on one side of
    its curve at the mean score, or on it.
    """
    d_loss, g_loss, real, fake = np.median(late, axis=0)
    gap = float(np.median(late[:, 2] - late[:, 3]))
    t = -gap if objective.paired else fake
    bounds = _least(objective, late)
    least, below = float(np.median(bounds)), float(np.median(bounds - late[:, 0]))  # below: of the median row
    margin = CONTRADICTION * scale.unit if scale.unit else 0.5 * abs(gap)
    found = []
    convex = _convex(objective.d_real) and _convex(objective.d_fake)
    if convex and margin > 0 and below > margin:
        if gap < 0:
            says = (
                f"D gives samples the higher score ({fake:.3g}, data {real:.3g}), and yet its loss is {d_loss:.3g}: "
                f"with these scores it cannot be below {least:.3g}. So D's labels are swapped where the loss is made."
            )
            first = "let the term of the data get the scores of the data."
            found.append(Finding("labels swapped", says, "certain", first))
        else:
            says = (
                f"D's loss is {d_loss:.3g}, but with these mean scores ({real:.3g} and {fake:.3g}) this objective's "
                f"cannot be below {least:.3g}."
            )
            first = "give `diagnose` the objective that was trained with; or look at how the loss is computed."
            found.append(Finding("losses of another objective", says, "certain", first))
    return found + _g_contradicts(g_loss, float(t), fake, gap, late, objective, scale)


def _g_contradicts(
    g_loss: float, t: float, fake: float, gap: float, late: np.ndarray, objective: Objective, scale: Scale
) -> list[Finding]:
    """G's loss beyond all values of its curve; or on the wrong side of the curve at the mean score."""
    at_mean, sign = float(objective.g_fake(_number(t))), "turn G's sign round."
    ends = objective.g_fake(torch.linspace(-35, 35, 701, dtype=torch.float64).sinh())
    small = 0.05 * (scale.unit or abs(gap))
    if not ends.min() - small <= g_loss <= ends.max() + small:
        says = (
            f"G's loss is {g_loss:.3g}, and with this objective it is always between {ends.min():.3g} and "
            f"{ends.max():.3g}: its sign is wrong, and G walks to where D is most certain."
        )
        return [Finding("sign of G's loss", says, "certain", sign)]
    slack = 0.5 * abs(at_mean) + CONTRADICTION * (scale.unit or abs(gap)) + 3 * float(late[:, 3].std())
    low = _convex(objective.g_fake) and g_loss < at_mean - slack
    high = _convex(lambda u: -objective.g_fake(u)) and g_loss > at_mean + slack
    if not (low or high):
        return []
    says = (
        f"G's loss is {g_loss:.3g}, but where D's mean score of samples is {fake:.3g}, this objective's G has a loss "
        f"of about {at_mean:.3g}"
    )
    if abs(g_loss + at_mean) < 0.15 * abs(at_mean) and abs(at_mean) > 0.5 * abs(gap):
        says += ": the sign is wrong, and G walks to where D is most certain."
        return [Finding("sign of G's loss", says, "likely", sign)]
    says += ". So D scores samples otherwise when G asks than when D learns."
    first = "take batch norm out of D, which does that; or give `diagnose` the objective that was trained with."
    return [Finding("scores do not fit", says, "likely", first)]


def _curves(m: Mapping[str, float], scale: Scale, objective: Objective, late: np.ndarray) -> list[Finding]:
    """What D's loss and the scores show by themselves; nothing where the loss has no scale."""
    if scale.unit is None:
        return []
    found = []
    at = f"its loss is {m['d_loss']:.3g}, and {scale.even_loss:.3g} would be that of a D that cannot tell"
    swings = m["swing"] > max(SWINGS, LUCK * m["jump"])
    restless = swings or m["spike"] > HUGE or m["peaks"] > OFTEN
    leaps = m["jump"] > LEAP * -m["won"]  # how far it is behind changes from row to row as much as it is
    if restless and m["jump"] > RESTLESS and (m["won"] > -BEHIND or leaps):
        says = (
            f"D's loss swings: at the end a tenth of its values are above, and a tenth below, a band of "
            f"{m['swing'] * scale.unit:.2g}; its worst is {scale.even_loss + m['spike'] * scale.unit:.3g}, where "
            f"{scale.even_loss:.3g} would be that of a D that cannot tell. The steps are too bold."
        )
        first = (
            "a third of both step sizes; then momentum (Adam's beta1) 0; then a penalty on D's slope. The curves "
            "cannot tell which of these it is."
        )
        found.append(Finding("swings", says, "likely" if m["swing"] > 2 * SWINGS else "possible", first))
    if m["won"] > FAR_AHEAD:
        score = -m["gap"] if objective.paired else m["fake_score"]
        here, even = _slope(objective.g_fake, score), _slope(objective.g_fake, scale.even_score)
        hears = here / even if even else 1.0
        says = f"D is far ahead to the end: {at}."
        first = (
            "look that data and samples have the same range and shape, then a penalty on D's slope (R1), then a "
            "larger step for G or a smaller one for D."
        )
        if hears < DEAF:
            says += f" And G hears {hears:.1%} of what it would hear if D could not tell: its loss is flat there."
            first = "G's loss without a flat end (`fake_as_real`: the non-saturating one); then: " + first
        found.append(Finding("G hears nothing" if hears < DEAF else "D far ahead", says, "likely", first))
    elif m["won"] < -BEHIND and not leaps:
        says = f"D is worse than if it said nothing: {at}. G has run away from a D that does not follow."
        first = "look that D's weights move at all; then a larger step for D, or more moves of D in each step."
        found.append(Finding("D behind", says, "likely", first))
    return found


def _with_samples(
    found: list[Finding], seen: Mapping[str, float], m: Mapping[str, float], objective: Objective
) -> list[Finding]:
    """What the samples add, and what they explain of the curves."""
    if "data_not_finite" in seen:
        first = "look at how they are read and scaled: a division by 0 is enough."
        return [*found, Finding("data not finite", "Some data are infinite or no numbers.", "certain", first)]
    if "not_finite" in seen:
        first = "a smaller step, and a look at the sign of G's loss."
        return [*found, Finding("samples not finite", "Some samples are infinite or no numbers.", "certain", first)]
    if "alone" in seen:
        return [*found, _too_few(int(seen["few"]))] if "few" in seen else found
    many = seen["dim"] > MANY
    if many:
        near, equal = f"the next sample is {seen['twins']:.2f} times as far away as the next datum is from a datum", "1"
    else:
        near, equal = f"{seen['covered']:.0%} of the data have a sample near", "near 100 %"
    says = (
        f"{near}, samples lie {seen['spread']:.2f} times as far apart as data do, and the energy distance is "
        f"{seen['energy']:.2f} of the data's spread (equal ones: {equal}, 1, 0)"
    )
    gap, allowed = m.get("gap", math.nan), seen["distance"]
    if objective.penalty is not None and Scale.of(objective).unbounded and gap > STEEP * allowed:
        steep = (
            f"Mean scores of data and samples differ by {gap:.3g}, and data and samples by {allowed:.3g} on average: "
            f"somewhere D's slope is {gap / allowed:.2g} or more. The penalty does not hold it."
        )
        first = "take batch norm out of D, if it has any; a penalty of a larger weight."
        found = [*found, Finding("bound not held", steep, "likely", first)]
    ahead = not m.get("won", math.nan) < FAR_AHEAD / 2  # of data that G cannot reach D is always certain
    ends = _ends(seen)
    if seen["stretch"] > STRETCH and (ends or (ahead and seen["edge"] > AT_THE_EDGE)):
        why = (
            f"which lie between {ends}, as a {'tanh' if ends[0] == '-' else 'sigmoid'} has it"
            if ends
            else f"and {seen['edge']:.0%} of the samples' numbers are at the end of theirs"
        )
        text = (
            f"The data reach over {seen['stretch']:.3g} times the range of the samples, {why}: G cannot get to where "
            "the data are."
        )
        first = "bring the data into the range of G's last layer ([-1, 1] for tanh)."
        if ends:  # which explains why D's loss swings
            found = [finding for finding in found if finding.name != "swings"]
        return [*found, Finding("wrong range", text, "likely", first)]
    missing = seen["covered"] < COVERED and not many
    unlike = seen["energy"] > UNLIKE or missing
    if not unlike:
        return found
    still = m.get("jump", math.nan) < STILL and abs(m.get("won", math.nan)) < 0.1
    if still:
        text = (
            f"D gives data and samples the same score (its loss, {m['d_loss']:.4g}, hardly moves), and yet they differ:"
            f" {says}. D learns nothing."
        )
        first = "a D that is larger, or a larger step for it; look that its weights move, and that it sees the data."
        return [*found, Finding("D learns nothing", text, "likely", first)]
    if (missing and seen["spread"] < ALIKE) or (many and seen["twins"] < TWINS):
        text = f"The samples are too much alike: {says}. G has collapsed."
        first = (
            "a step for D that is at least as large as G's, and no momentum; a penalty (R1); larger batches, or "
            "several samples shown at once."
        )
        return [*found, Finding("collapse", text, "likely", first)]
    text = f"Samples and data still differ: {says}."
    return [*found, Finding("samples differ", text, "possible", "train longer, if the samples are still improving.")]


def _ends(seen: Mapping[str, float]) -> str:
    """In words, the range of a last layer, if the samples fill it: "-1 and 1", or "0 and 1"; else ""."""
    for low, high in ((-1, 1), (0, 1)):
        slack = ROUND * (high - low)
        if abs(seen["low"] - low) < slack and abs(seen["high"] - high) < slack:
            return f"{low} and {high}"
    return ""


def _broke_off(n: np.ndarray, finite: np.ndarray) -> Finding:
    says = f"At step {n[finite.argmin()]:,.0f} a loss or a score is infinite or no number; nothing counts from there."
    first = "look for such values in the data; then a smaller step, or a penalty on D's slope."
    return Finding("broke off", says, "certain", first)


def _no_bound(rows: np.ndarray) -> Finding:
    says = "Nothing bounds D's slope: for this objective a D that multiplies its scores is always better off."
    if len(rows) >= FEWEST_ROWS:
        says += f" Mean scores reach {np.abs(rows[:, 2:]).max():.3g}, and so the losses say nothing about the samples."
    first = "a penalty on D's slope (`wgan_gp`, `r1`), or another objective."
    return Finding("no bound", says, "certain", first)


def _late(n: np.ndarray, began: int) -> Finding:
    says = (
        f"D's loss stands exactly still up to step {n[began - 1]:,.0f}: D played no part until then. That it falls, "
        "and that G's rises, right after is a start and no failure; we judge from there."
    )
    return Finding("D began late", says, "certain", ill=False)


def _too_short(rows: int) -> Finding:
    many = f"There {'is' if rows == 1 else 'are'} {rows or 'no'} usable row{'' if rows == 1 else 's'}"
    return Finding("too short", f"{many}, and {FEWEST_ROWS} are needed to read a curve.", "certain", ill=False)


def _too_few(few: int) -> Finding:
    says = f"Samples and data were not compared: {FEWEST_SEEN} of each are needed, and of one there are {few}."
    return Finding("too few samples", says, "certain", ill=False)


def _healthy(m: Mapping[str, float], scale: Scale, with_samples: bool, long: bool) -> Finding:
    compared = with_samples and "covered" in m
    if not long:
        says = "Nothing that could be looked at is wrong; that is little so far."
        return Finding("looks healthy", says, "possible", ill=False)
    if scale.unit is None:
        says = (
            f"This looks healthy. D is a critic here, so no value of its loss means 'cannot tell'; its mean scores "
            f"differ by {m['gap']:.3g} at the end."
        )
    elif abs(m["won"]) < 0.1:
        says = (
            f"This looks healthy. D can hardly tell data from samples: its loss is {m['d_loss']:.3g}, and "
            f"{scale.even_loss:.3g} would be that of a D that cannot."
        )
    else:
        says = (
            f"This looks healthy. D is ahead, and not by too much: its loss is {m['d_loss']:.3g}, between "
            f"{scale.even_loss:.3g} (it cannot tell) and {scale.even_loss - scale.unit:.3g} (nine times in ten sure)."
        )
    if compared:
        near = "" if m["dim"] > MANY else f"{m['covered']:.0%} of the data have one near; "
        says += f" And the samples are where the data are ({near}energy distance {m['energy']:.2f})."
    else:
        says += (
            " But curves alone cannot say whether the samples are good: a collapsed G, or a D that learns nothing, "
            "can draw the same. Look at samples."
        )
    return Finding("looks healthy", says, "likely" if compared else "possible", ill=False)


def summary(history: Sequence, objective: Objective, samples: Any = None, data: Any = None) -> str:
    """The first finding in one paragraph, for the end of a training; empty if the history cannot be read."""
    try:
        return str(diagnose(history, objective, samples, data)).partition("\n")[0]
    except Exception:  # whatever it is, it must not end a training that is done
        return ""
