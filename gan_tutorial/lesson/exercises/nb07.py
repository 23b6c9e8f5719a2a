"""Exercises of notebook 07: W1 on the line, the cone as a function, a critic's step with clipping, bounds on slopes."""

import math

import torch
from torch import nn

from gan_tutorial.lesson.exercises import Exercise, Property, agree, register, same_shape


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


def _precision(value):
    narrow = any(bits in str(getattr(value, "dtype", "")) for bits in ("float32", "float16"))
    return "single" if narrow else "double"


# ---- 7.1: what is carried past each place -----------------------------------------------------------------------


def w1_of_piles(x, a, y, b):
    """integral of |F_p - F_q| for masses a at x and b at y.  (n,), (n,), (m,), (m,) -> ()"""
    points, order = torch.cat([x, y]).sort()
    carried = torch.cat([a, -b])[order].cumsum(0)
    return (carried[:-1].abs() * points.diff()).sum()


def _four_points(f):
    return f(_t(0, 4), _t(0.5, 0.5), _t(3, -1), _t(0.5, 0.5))


PILES = register(
    Exercise(
        id="7.1",
        reference=w1_of_piles,
        properties=(
            Property(
                "one pile",
                lambda f: f(_t(1.0), _t(1.0), _t(4.0), _t(1.0)),
                "Mass 1 from 1 to 4 is work {expected}, not {got}.",
            ),
            Property(
                "least work",
                _four_points,
                "Halves at 0 and 4, to be brought to 3 and -1, are work {expected}, not {got}. That is the mean over "
                "all pairs: a plan too, but one that sends earth across. The least work needs less.",
                agrees=lambda got, _: not agree(got, 2.5, 1e-4),
            ),
            Property(
                "not as given",
                _four_points,
                "Halves at 0 and 4, to be brought to 3 and -1, are work {expected}, not {got}. You pair the points in "
                "the order in which they are given. Ask instead what is carried past each place.",
                agrees=lambda got, _: not agree(got, 4.0, 1e-4),
            ),
            Property(
                "same piles",
                lambda f: f(_t(0, 2), _t(0.5, 0.5), _t(2, 0), _t(0.5, 0.5)),
                "The same piles in another order are at distance {expected}, not {got}: sort the points, and let each "
                "mass go with its point.",
            ),
            Property(
                "masses",
                lambda f: f(_t(0, 10), _t(0.9, 0.1), _t(0), _t(1.0)),
                "A tenth of the mass over a distance of 10 is work {expected}, not {got}.",
            ),
            Property(
                "both ways",
                lambda f: f(_t(0, 4), _t(0.5, 0.5), _t(2), _t(1.0)),
                "Halves at 0 and 4, to be brought to 2: {expected}, not {got}. Take the absolute value between points.",
            ),
            Property(
                "unsorted",
                lambda f: f(_t(3, 0, 1), _t(0.2, 0.5, 0.3), _t(2, -1), _t(0.6, 0.4)),
                "For masses (0.2, 0.5, 0.3) at (3, 0, 1) and (0.6, 0.4) at (2, -1) it should be {expected}, not {got}.",
            ),
            Property(
                "precision",
                lambda f: _precision(f(_t(0, 4), _t(0.5, 0.5), _t(3, -1), _t(0.5, 0.5))),
                "Right, but in {got} precision: torch.zeros(n) and torch.tensor(0.1) are float32 unless you say "
                "dtype=x.dtype, and what follows compares more digits.",
                expected="double",
            ),
        ),
        hints=(
            "Stand between two neighbouring points. What lies to your left in p, and what will lie there in q: how "
            "much has to pass you?",
            "Sort all points together, those of x with mass a and those of y with mass -b. The running sum of these "
            "signed masses is F_p - F_q behind each point.",
            "Sum |F_p - F_q| times the distance to the next point: (carried[:-1].abs() * points.diff()).sum().",
        ),
        praise="One sort and one running sum: no solver is needed on the line.",
    )
)


# ---- 7.2: the cone, as a function -------------------------------------------------------------------------------


def lower_edge(values, points, x):
    """min over j of values_j + |x - points_j|.  (m,), (m, d), (n, d) -> (n,)"""
    return (values + torch.cdist(x, points)).min(dim=1).values


_POINTS = _t([0.0], [1.0], [4.0])
_VALUES = _t(0.0, 1.0, -1.0)


EDGE = register(
    Exercise(
        id="7.2",
        reference=lower_edge,
        properties=(
            Property(
                "one per point",
                lambda f: f(_VALUES, _POINTS, torch.zeros(5, 1, dtype=torch.float64)),
                "There should be one value for each row of x; yours has another shape: {got}.",
                agrees=same_shape,
            ),
            Property(
                "through the values",
                lambda f: f(_VALUES, _POINTS, _POINTS),
                "At the points themselves it should have the values {expected}, not {got}.",
            ),
            Property(
                "between and beyond",
                lambda f: f(_VALUES, _POINTS, _t([-2.0], [2.0], [3.0], [6.0])),
                "At -2, 2, 3 and 6 it should be {expected}, not {got}.",
            ),
            Property(
                "in the plane",
                lambda f: f(_t(0.0, 1.0), _t([0.0, 0.0], [3.0, 4.0]), _t([1.0, 1.0], [3.0, 4.0])),
                "In the plane |x - y| is the Euclidean distance: there it should be {expected}, not {got}.",
            ),
            Property(
                "precision",
                lambda f: _precision(f(_VALUES, _POINTS, _POINTS)),
                "Right, but in {got} precision: torch.zeros(n) and torch.tensor(0.1) are float32 unless you say "
                "dtype=x.dtype, and what follows compares more digits.",
                expected="double",
            ),
        ),
        hints=(
            "At one point y the height is v, and the slope is at most one. How high can f be at x? And if there are "
            "many such points, which of these limits counts?",
            "torch.cdist(x, points) is the table of all distances, a row for each x. Add the values to each row.",
            "The minimum of each row: (values + torch.cdist(x, points)).min(dim=1).values",
        ),
        praise="Of all functions with slope at most 1 and these values it is the highest: McShane's extension (1934).",
    )
)


# ---- 7.3: one move of the critic --------------------------------------------------------------------------------


def critic_step(D, G, opt, x, z, c):
    """One move of the critic D against a G that stands still, then the clipping.  -> D's loss before the move"""
    opt.zero_grad()
    loss = D(G(z).detach()).mean() - D(x).mean()
    loss.backward()
    opt.step()
    with torch.no_grad():
        for w in D.parameters():
            w.clamp_(-c, c)
    return loss.detach()


_FREE = 1e9  # a bound that no weight reaches


class _Move:
    """One call of the answer, on networks whose weights and biases all lie between 0.4 and 0.9 in size."""

    def __init__(self, answer, c, left_over=0.0):
        torch.manual_seed(7)
        self.D = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1), nn.Flatten(0)).double()
        self.G = nn.Linear(2, 2).double()
        with torch.no_grad():
            for w in (*self.D.parameters(), *self.G.parameters()):
                w.copy_((0.4 + 0.5 * torch.rand(w.shape)) * torch.randn(w.shape).sign())
        if left_over:
            for w in self.D.parameters():
                w.grad = torch.full_like(w, left_over)
        opt = torch.optim.SGD(self.D.parameters(), lr=0.01)
        self.x = torch.randn(8, 2, dtype=torch.float64) + 1
        z = torch.randn(5, 2, dtype=torch.float64)
        self.fake = self.G(z).detach()
        self.G_before, self.before, self.apart_before = self.weights(self.G), self.weights(self.D), self.apart()
        self.loss = answer(self.D, self.G, opt, self.x, z, c)

    @staticmethod
    def weights(net):
        return torch.cat([w.detach().flatten() for w in net.parameters()])

    def apart(self):
        with torch.no_grad():
            return float(self.D(self.x).mean() - self.D(self.fake).mean())

    @property
    def after(self):
        return self.weights(self.D)

    @property
    def outside(self):
        """How many of D's parameter tensors have an entry about as large as before."""
        return sum(float(w.detach().abs().max()) > 0.25 for w in self.D.parameters())


def _moves(f):
    move = _Move(f, _FREE)
    return str(bool((move.after != move.before).any()))


def _near(move):
    return bool(((move.after - move.before).abs() < 0.2).all())


def _parts(f):
    move = _Move(f, _FREE)
    return str(move.apart() > move.apart_before)


def _g_stands(f):
    move = _Move(f, 0.1)
    return str(bool((_Move.weights(move.G) == move.G_before).all()))


def _g_has_no_gradient(f):
    return str(all(w.grad is None for w in _Move(f, 0.1).G.parameters()))


def _g_goes_on(f):
    return all(w.requires_grad for w in _Move(f, 0.1).G.parameters())


def _within(f):
    return float(_Move(f, 0.1).after.abs().max())


def _on_latents(D, G, opt, x, z, c):
    return critic_step(D, lambda z: z, opt, x, z, c)


def _strides(f):
    """How many times as far as the reference a step leads in the same direction; 1 if the direction is another."""
    right, yours = ((move := _Move(step, _FREE)).after - move.before for step in (critic_step, f))
    times = float(yours @ right / (right @ right))
    return round(times, 1) if bool((yours - times * right).norm() < 0.1 * yours.norm()) else 1.0


STEP = register(
    Exercise(
        id="7.3",
        reference=critic_step,
        properties=(
            Property(
                "moves",
                _moves,
                "D's weights are as they were: clear the gradients, loss.backward(), opt.step().",
                expected="True",
            ),
            Property(
                "nothing to clip",
                lambda f: str(_near(_Move(f, _FREE))),
                "With a very large c there is nothing to clip, and yet some of D's weights changed by far more than a "
                "small step: clamp to [-c, c], with the c that is given.",
                expected="True",
            ),
            Property(
                "samples",
                lambda f: _Move(f, _FREE).after,
                "D scores the latents z themselves: the samples are G(z), without its gradient.",
                agrees=lambda got, _: not agree(got, _Move(_on_latents, _FREE).after, 1e-6),
            ),
            Property(
                "sign",
                _parts,
                "After your step the scores of data and samples are nearer to each other than before, or data lower: "
                "the loss has the wrong sign. An optimizer goes down, and data should go up.",
                expected="True",
            ),
            Property(
                "once",
                _strides,
                "The direction is right, but D went about {got} times as far as one step leads: call opt.step() once, "
                "on the difference of the two means. The five moves of D are five calls of this function.",
                agrees=lambda got, _: abs(got - 1) < 0.3,
            ),
            Property(
                "one step",
                lambda f: _Move(f, _FREE).after,
                "Data and samples do part, but not by one step down E_q D - E_p D: take the mean over each batch, and "
                "nothing else of the scores: no sigmoid and no logarithm.",
            ),
            Property(
                "old gradients",
                lambda f: _Move(f, _FREE, left_over=2.0).after,
                "Gradients were left on D from before (G's move leaves some), and your step took them along: "
                "opt.zero_grad() comes before loss.backward().",
            ),
            Property(
                "G stands still",
                _g_stands,
                "G's weights have changed. Only the critic is clipped: go through D.parameters().",
                expected="True",
            ),
            Property(
                "G goes on",
                _g_goes_on,
                "G's weights have lost requires_grad, and G moves next: detach its samples, and leave G as it is.",
                expected=True,
            ),
            Property(
                "clips",
                lambda f: str(_Move(f, 0.1).outside == 4),
                "D's weights are as large as before, with c = 0.1: put the weights themselves, not their gradients, "
                "into [-c, c].",
                expected="False",
            ),
            Property(
                "all of them",
                lambda f: _Move(f, 0.1).outside,
                "Of D's four tensors of weights and biases, {got} are still as large as before: clip all of "
                "D.parameters(), every layer, and the biases too.",
                expected=0,
            ),
            Property(
                "after the step",
                _within,
                "With c = 0.1 a weight of size {got} is left: the step leads out of the box again. Clip after "
                "opt.step(), not before it.",
                agrees=lambda got, expected: got <= 0.1 + 1e-6,
            ),
            Property(
                "to the edge",
                lambda f: _Move(f, 0.6).after,
                "Weights inside [-c, c] should stay as they are, larger ones go to the nearer edge, -c or c, with the "
                "c that is given: yours are {got}.",
            ),
            Property(
                "detach",
                _g_has_no_gradient,
                "Your step left gradients on G: it went back through G(z), for nothing, and G's next move would take "
                "them along if it did not clear them. Detach the samples.",
                expected="True",
            ),
            Property(
                "loss",
                lambda f: _Move(f, _FREE).loss,
                "It should return the loss before the move, E_q D - E_p D = {expected}, and returned {got}.",
            ),
        ),
        hints=(
            "Which mean should grow in D's move, and which way does an optimizer go? What does G do meanwhile? And "
            "when could a weight be outside the box: before the step, or after it?",
            "loss = D(G(z).detach()).mean() - D(x).mean(), then the three lines of every training step: zero_grad, "
            "backward, step.",
            "After opt.step(), under `with torch.no_grad():`, do w.clamp_(-c, c) for every w in D.parameters().",
        ),
        praise="That is all that is new in a WGAN's loop: no logarithm, no sigmoid, and a box.",
    )
)


# ---- 7.4: how steep can it be -----------------------------------------------------------------------------------


def slope_bounds(weights, c):
    """(product of spectral norms, product of c sqrt(n_in n_out)).  list of (n_out, n_in), number -> two numbers"""
    spectral = math.prod(float(torch.linalg.matrix_norm(W, 2)) for W in weights)
    return spectral, math.prod(c * W.numel() ** 0.5 for W in weights)


_STRETCH = [torch.diag(_t(2.0, 0.5)), _t(3.0, 4.0)[None]]


def _both(f):
    got = f(_STRETCH, 0.5)
    return got if got is None or got is Ellipsis else str(isinstance(got, tuple | list) and len(got) == 2)


BOUNDS = register(
    Exercise(
        id="7.4",
        reference=slope_bounds,
        properties=(
            Property("two numbers", _both, "Return both bounds, `spectral, worst`.", expected="True"),
            Property(
                "one matrix",
                lambda f: float(f(_STRETCH[:1], 0.5)[0]),
                "The matrix diag(2, 1/2) stretches by at most {expected}, not {got}: the spectral norm is its largest "
                "singular value.",
            ),
            Property(
                "two matrices",
                lambda f: float(f(_STRETCH, 0.5)[0]),
                "diag(2, 1/2) and then the row (3, 4) stretch by at most {expected}, not {got}: multiply.",
            ),
            Property(
                "from c",
                lambda f: float(f([torch.zeros(3, 2), torch.zeros(1, 3)], 0.1)[1]),
                "Two layers, 2 to 3 to 1, with c = 0.1 cannot exceed {expected}, whatever the weights are; yours is "
                "{got}.",
            ),
        ),
        hints=(
            "By how much can one matrix stretch a vector at most, and what happens to that number when two follow "
            "each other?",
            "torch.linalg.matrix_norm(W, 2) is the spectral norm. A matrix with entries up to c has one of at most c "
            "times the root of its number of entries.",
            "math.prod multiplies what a generator gives: math.prod(c * W.numel() ** 0.5 for W in weights).",
        ),
        praise="Bounds that hold for every input; how near a network comes is another matter.",
    )
)
