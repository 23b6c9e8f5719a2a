"""Exercises of notebook 03: a batch without a DataLoader, the two losses, a step of Algorithm 1, and slerp."""

import math

import torch
from torch import nn
from torch.nn.functional import softplus

from gan_tutorial.lesson.exercises import Exercise, Property, gradients, register, same_shape

# ---- 3.1: batches -----------------------------------------------------------------------------------------------


def batch(images, n):
    """n of the images, drawn at random, as floats in [-1, 1].  uint8 (N, 28, 28) -> float32 (n, 1, 28, 28)"""
    index = torch.randint(len(images), (n,), device=images.device)
    return (images[index].float() / 127.5 - 1).unsqueeze(1)


def _flat(values):
    """One picture per value, the same everywhere: uint8 (len(values), 28, 28)."""
    return torch.tensor(values, dtype=torch.uint8)[:, None, None].expand(-1, 28, 28).clone()


def _whole(f):
    x = f(_flat([0, 51, 102, 204, 255] * 10), 40).flatten(1)  # so many that one may also draw without repeats
    return float((x.max(dim=1).values - x.min(dim=1).values).max())


def _values(f):
    return sorted({round(v, 3) for v in f(_flat([0, 51, 102, 204, 255] * 100), 400).flatten(1)[:, 0].tolist()})


def _differs(f):
    images = _flat(list(range(200)))
    return str(not torch.equal(f(images, 20), f(images, 20)))


def _untouched(f):
    images = _flat([10, 200] * 4)
    f(images, 4)
    return str(torch.equal(images, _flat([10, 200] * 4)))


SAMPLER = register(
    Exercise(
        id="3.1",
        reference=batch,
        properties=(
            Property(
                "shape",
                lambda f: f(_flat([0] * 8), 6),
                "Six pictures should come in the shape (6, 1, 28, 28), with one channel, but came as {got}.",
                agrees=same_shape,
            ),
            Property(
                "type",
                lambda f: str(f(_flat([0, 255] * 4), 6).dtype),
                "The type should be {expected}, as the networks have it, but is {got}.",
            ),
            Property(
                "range",
                lambda f: [f(_flat([v]), 1).mean() for v in (0, 255)],
                "The bytes 0 and 255 should become {expected}, but became {got}.",
            ),
            Property(
                "between",
                lambda f: f(_flat([102]), 1).mean(),
                "The byte 102 should become {expected}, but became {got}.",
            ),
            Property(
                "whole pictures",
                _whole,
                "A picture should stay whole, but yours mix pixels of several: draw one index per picture.",
            ),
            Property(
                "every picture",
                _values,
                "From five pictures, 400 draws should bring the values {expected}, but brought {got}.",
            ),
            Property("fresh", _differs, "Two calls should bring different pictures, but brought the same."),
            Property("untouched", _untouched, "Your function changed the images it was given; work on a copy."),
        ),
        hints=(
            "How do you draw n whole numbers below len(images), and what is images[index] for a tensor of indices?",
            "index = torch.randint(len(images), (n,), device=images.device); make floats of these n pictures only.",
            "images[index].float() / 127.5 - 1 takes 0 to -1 and 255 to 1; unsqueeze(1) adds the channel.",
        ),
        praise="That is all a sampler has to do: no DataLoader, no workers, no epochs.",
    )
)


# ---- 3.2: the loss of each player ---------------------------------------------------------------------------------


def d_loss(real_score, fake_score):
    """-mean log sigma(s) over data - mean log(1 - sigma(s)) over samples.  (n,), (m,) -> ()"""
    return softplus(-real_score).mean() + softplus(fake_score).mean()


def g_loss(fake_score):
    """-mean log sigma(s) over samples.  (n,) -> ()"""
    return softplus(-fake_score).mean()


def _d(real, fake):
    return lambda answer: answer[0](torch.tensor(real), torch.tensor(fake))


def _shapes(answer):
    s = torch.zeros(3)
    return [str(tuple(loss.shape)) for loss in (answer[0](s, s), answer[1](s))]


def _slopes_of_d(answer):
    scores = torch.tensor([1.0, 0.5]), torch.tensor([-0.5, 2.0])  # not 0: there relu(s) has a kink
    return [float(slope.sum()) for slope in gradients(answer[0], *scores)]


def _slope_of_g(answer):
    return gradients(answer[1], torch.tensor([-5.0]))[0]


LOSSES = register(
    Exercise(
        id="3.2",
        reference=(d_loss, g_loss),
        properties=(
            Property(
                "a number each",
                _shapes,
                "A loss should be one number, of shape (), but d_loss and g_loss have {got}: take the mean.",
            ),
            Property(
                "undecided D",
                _d([0.0, 0.0], [0.0, 0.0]),
                "With all scores 0, D says 1/2 everywhere and d_loss should be 2 log 2 = {expected}, not {got}.",
            ),
            Property(
                "D who is right",
                _d([2.0], [-2.0]),
                "With a score of 2 for data and -2 for a sample, d_loss should be {expected}, not {got}.",
            ),
            Property(
                "means apart",
                _d([2.0, -1.0], [-2.0, 0.5, 3.0]),
                "With two scores of data and three of samples, the mean over the two plus the mean over the three is "
                "{expected}, not {got}.",
            ),
            Property(
                "large scores",
                _d([-200.0], [200.0]),
                "With a score of -200 for data and 200 for a sample, d_loss should be {expected}, not {got}: take no "
                "logarithm of a probability.",
            ),
            Property(
                "slopes of d_loss",
                _slopes_of_d,
                "For data with the scores [1, 0.5] and samples with [-0.5, 2], the slopes of d_loss, summed over data "
                "and over samples, should be {expected}, not {got}: a gradient goes back to both. (What is to be cut "
                "off from G is its samples, in Exercise 3.3.)",
            ),
            Property(
                "undecided D, for G",
                lambda answer: answer[1](torch.zeros(2)),
                "With all scores 0, g_loss should be log 2 = {expected}, not {got}.",
            ),
            Property(
                "slope of g_loss",
                lambda answer: bool(_slope_of_g(answer) != 0),
                "No gradient comes back from g_loss to the scores, and G learns from nothing else: use torch alone, "
                "without .detach(), .item() or NumPy.",
            ),
            Property(
                "strong slope",
                _slope_of_g,
                "At a score of -5, where D is sure, the slope of g_loss should be {expected}, not {got}: the "
                "non-saturating loss is -log sigma(s).",
            ),
            Property(
                "large scores, for G",
                lambda answer: answer[1](torch.tensor([-200.0])),
                "At a score of -200, g_loss should be {expected}, not {got}: no log of a probability.",
            ),
        ),
        hints=(
            "sigma(s) = 1 / (1 + exp(-s)). What is minus its logarithm, and which softplus is that?",
            "-log sigma(s) = softplus(-s); and as 1 - sigma(s) = sigma(-s), -log(1 - sigma(s)) = softplus(s).",
            "d_loss is softplus(-real_score).mean() + ...; g_loss does to samples what d_loss does to data.",
        ),
        praise="G's loss is the first term of D's, taken over samples.",
    )
)


# ---- 3.3: one step of Algorithm 1 -------------------------------------------------------------------------------


def training_step(G, D, g_opt, d_opt, batches, latent):
    """D moves once on each batch of data, then G moves once.  -> D's last loss (), G's loss ()"""
    for x in batches:
        fake = G(latent(len(x))).detach()
        loss_of_d = d_loss(D(x), D(fake))
        d_opt.zero_grad()
        loss_of_d.backward()
        d_opt.step()
    loss_of_g = g_loss(D(G(latent(len(x)))))
    g_opt.zero_grad()
    loss_of_g.backward()
    g_opt.step()
    return loss_of_d.detach(), loss_of_g.detach()


class _Play:
    """Two players of one linear layer each, and what they were seen to do.  Data lie at (2, 1), samples at (-1, 0)."""

    def __init__(self, d_lr=0.1, g_lr=0.1, slope=0.0, score=0.0):
        self.G = nn.Linear(2, 2).double()
        self.D = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)).double()
        for w, value in (
            (self.G.weight, [[0.5, 0.0], [0.0, 0.5]]),
            (self.G.bias, [-1.0, 0.0]),
            (self.D[0].weight, [[slope, 0.0]]),
            (self.D[0].bias, [score]),
        ):
            w.data = torch.tensor(value, dtype=torch.float64)
        self.g_opt = torch.optim.SGD(self.G.parameters(), lr=g_lr)
        self.d_opt = torch.optim.SGD(self.D.parameters(), lr=d_lr)
        self.moves, self.asked, self.reached_g = [], [], 0
        self.g_opt.register_step_post_hook(lambda *_: self.moves.append("G"))
        self.d_opt.register_step_post_hook(lambda *_: self.moves.append("D"))
        self.G.bias.register_hook(self._count)

    def _count(self, _gradient):
        self.reached_g += 1

    def data(self, i):
        """The i-th batch of four.  -> (4, 2)"""
        return torch.tensor([2.0, 1.0], dtype=torch.float64) + _noise(100 + i, 4)

    def latent(self, n):
        self.asked.append(n)
        return _noise(len(self.asked), n)

    def play(self, step, k=1, steps=1):
        """The losses of the last step."""
        for i in range(steps):
            batches = [self.data(i + j) for j in range(k)]
            losses = step(self.G, self.D, self.g_opt, self.d_opt, batches, self.latent)
        return losses

    def weights(self, net):
        return torch.cat([w.detach().flatten() for w in net.parameters()])


def _noise(seed, n):
    return 0.5 * torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _after(look, k=1, steps=1, **start):
    """What `look` sees of a play, after so many steps with k batches each."""

    def of(step):
        play = _Play(**start)
        play.play(step, k, steps)
        return look(play)

    return of


def _two(step):
    losses = _Play().play(step)
    return str(isinstance(losses, tuple | list) and [torch.as_tensor(loss).numel() for loss in losses] == [1, 1])


def _number(loss):
    return float(torch.as_tensor(loss).detach())


def _whose(step):
    first, second = map(_number, _Play(d_lr=0.0, g_lr=0.0).play(step))  # scores of 0: 2 log 2 and log 2
    return "G's, D's" if first < second else "D's, G's"


def _margin(play):
    with torch.no_grad():
        apart = float(play.D(play.data(0)).mean() - play.D(play.G(_noise(1, 4))).mean())
    return "higher" if apart > 1e-9 else "lower" if apart < -1e-9 else "the same (D did not learn)"


def _shift(play):
    return _number(play.G.bias[0]) + 1  # towards a higher score, as D's slope is positive


def _way(play):
    return "up" if _shift(play) > 1e-12 else "down" if _shift(play) < -1e-12 else "nowhere"


_SURE = {"d_lr": 0.0, "g_lr": 1.0, "slope": 1.0, "score": -7.0}  # a D that stays as it is: samples score about -8

STEP = register(
    Exercise(
        id="3.3",
        reference=training_step,
        properties=(
            Property("two losses", _two, "Two losses should come back, each one number: D's, then G's."),
            Property(
                "order of moves",
                _after(lambda play: ", ".join(play.moves), k=2),
                "With two batches the moves should be {expected}, but were {got}: D's optimiser steps once for each "
                "batch, and after all of them G's steps once.",
            ),
            Property(
                "fresh latents",
                _after(lambda play: play.asked, k=2),
                "With two batches of four, latent should be asked for {expected}, but was asked for {got}. Algorithm 1 "
                "draws as many latents as there are data, fresh ones for each move, G's too (to use D's again also "
                "trains, but it is another algorithm).",
            ),
            Property(
                "G's own move",
                _after(lambda play: play.reached_g > 0),
                "No gradient reaches G's weights: the samples are cut off from G in G's own move, too. Detach them for "
                "D only.",
                expected=True,
            ),
            Property(
                "detach",
                _after(lambda play: play.reached_g),
                "In one step a gradient should reach G's weights {expected} time, in G's own move, but reached them "
                "{got} times: D's loss runs on through the samples into G. Cut them off with G(...).detach().",
            ),
            Property(
                "which is which",
                _whose,
                "The losses come back the wrong way round: first D's, then G's.",
            ),
            Property(
                "labels",
                _after(_margin, g_lr=0.0),
                "After D's move the mean score of data should be {expected} than that of samples, but is {got}. Lower: "
                "the labels are swapped, d_loss wants data first. The same: zero_grad belongs before backward, step "
                "after it.",
            ),
            Property(
                "G's direction",
                _after(_way, **_SURE),
                "G's move should take the score of its samples {expected}, but takes it {got}: G minimises g_loss, the "
                "loss that the samples would have as data.",
            ),
            Property(
                "saturating",
                _after(_shift, **_SURE),
                "Where D is sure (scores of about -8), a step of size 1 should move G by {expected}, but moved it by "
                "{got}. Next to nothing means that the loss is the saturating one, log(1 - sigma(s)): take g_loss.",
            ),
            Property(
                "D's move",
                _after(lambda play: play.weights(play.D), slope=0.5),
                "After one step D's weights should be {expected}, but are {got}: D moves by d_loss alone.",
            ),
            Property(
                "G's move",
                _after(lambda play: play.weights(play.G), slope=0.5),
                "After one step G's weights should be {expected}, but are {got}: G moves by g_loss alone, with the "
                "scores of the D that has just moved.",
            ),
            Property(
                "zero_grad of D",
                _after(lambda play: play.weights(play.D), k=2, steps=2, slope=0.5),
                "One move is right, but in later ones D moves by old gradients too: those of its last move, and what "
                "G's move left in its weights. Call d_opt.zero_grad() before D's backward().",
            ),
            Property(
                "zero_grad of G",
                _after(lambda play: play.weights(play.G), k=2, steps=3, slope=0.5),
                "One move is right, but in later ones G moves by old gradients too. Call g_opt.zero_grad() before G's "
                "backward().",
            ),
            Property(
                "values",
                lambda step: [_number(loss) for loss in _Play(slope=0.5).play(step, k=2)],
                "The two losses should be {expected}, but are {got}: D's of its last move, and G's, each as it was "
                "before that move.",
            ),
        ),
        hints=(
            "Which weights may D's loss change, and what in your code keeps it from reaching the others?",
            "A move is always the same: the loss, zero_grad(), backward(), step(). D's move stands in a loop over the "
            "batches, with fake = G(latent(len(x))).detach(); G's stands after the loop.",
            "for x in batches: fake = G(latent(len(x))).detach(); loss_of_d = d_loss(D(x), D(fake)); "
            "d_opt.zero_grad(); loss_of_d.backward(); d_opt.step(). Then the same for G with "
            "loss_of_g = g_loss(D(G(latent(len(x))))), and return both losses.",
        ),
        praise="D moves on data and samples, G on fresh latents, and each by its own loss: that is Algorithm 1.",
    )
)


# ---- 3.4: from one latent to another ----------------------------------------------------------------------------


def slerp(a, b, t):
    """sin((1-t) w)/sin(w) a + sin(t w)/sin(w) b, w the angle between a and b.  (d,), (d,), number -> (d,)"""
    cosine = (a @ b) / (a.norm() * b.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


_A, _B = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([-1.5, 1.5 * math.sqrt(3), 0.0])  # length 3, 120 degrees apart


def _angle(t):
    def of(f):
        x = f(_A, _B, t)
        return torch.rad2deg(torch.acos((x @ _A / (x.norm() * _A.norm())).clamp(-1, 1)))

    return of


SLERP = register(
    Exercise(
        id="3.4",
        reference=slerp,
        properties=(
            Property(
                "shape",
                lambda f: f(_A, _B, 0.5),
                "Between two latents of three numbers lies a latent of three numbers, not {got}.",
                agrees=same_shape,
            ),
            Property(
                "ends",
                lambda f: torch.stack([f(_A, _B, 0.0), f(_A, _B, 1.0)]),
                "At t = 0 it should be a and at t = 1 it should be b, but it is {got}, not {expected}.",
            ),
            Property(
                "length",
                lambda f: f(_A, _B, 0.5).norm(),
                "Half-way between two latents of length 3 the length should still be {expected}, but is {got}.",
            ),
            Property(
                "even steps",
                _angle(0.25),
                "A quarter of the way from a to b, 120 degrees apart, the angle from a should be {expected} degrees, "
                "but is {got}.",
                tolerance=1e-3,
            ),
            Property(
                "unequal lengths",
                lambda f: f(torch.tensor([2.0, 0.0]), torch.tensor([1.0, 1.0]), 1 / 3),
                "Between [2, 0] and [1, 1] at t = 1/3 it should be {expected}, not {got}: take the angle between the "
                "directions, but mix a and b themselves.",
            ),
        ),
        hints=(
            "Which angle do a and b enclose, and by which weights are they mixed at t = 0, 1/2 and 1?",
            "The cosine of the angle w is (a @ b) / (a.norm() * b.norm()); torch.acos turns it into w.",
            "The two weights are sin((1 - t) w) / sin(w) for a and sin(t w) / sin(w) for b.",
        ),
        praise="On the way the length stays what it was, and t is the share of the angle.",
    )
)
