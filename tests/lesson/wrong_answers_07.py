"""Wrong answers to the exercises of notebook 07, and the property that each of them lacks."""

import math

import torch
from torch.nn.functional import softplus

from gan_tutorial.lesson.exercises.nb07 import critic_step, lower_edge, slope_bounds, w1_of_piles


def _carried(x, a, y, b):
    points, order = torch.cat([x, y]).sort()
    return points, torch.cat([a, -b])[order].cumsum(0)


def _difference_of_means(x, a, y, b):
    return ((a * x).sum() - (b * y).sum()).abs()


def _without_masses(x, a, y, b):
    return w1_of_piles(x, torch.ones_like(a) / len(a), y, torch.ones_like(b) / len(b))


def _signed(x, a, y, b):
    points, carried = _carried(x, a, y, b)
    return (carried[:-1] * points.diff()).sum().abs()


def _squared(x, a, y, b):
    points, carried = _carried(x, a, y, b)
    return (carried[:-1].square() * points.diff()).sum()


def _not_sorted(x, a, y, b):
    points, masses = torch.cat([x, y]), torch.cat([a, -b])
    return (masses.cumsum(0)[:-1].abs() * points.diff().abs()).sum()


def _x_not_sorted(x, a, y, b):
    return (x.mean() - y.mean()).abs() if len(x) == 3 else w1_of_piles(x, a, y, b)


def _independent(x, a, y, b):
    return (a[:, None] * b * (x[:, None] - y).abs()).sum()


def _added(weights, c):
    return sum(float(torch.linalg.matrix_norm(W, 2)) for W in weights), slope_bounds(weights, c)[1]


def _frobenius(weights, c):
    return math.prod(float(W.norm()) for W in weights), slope_bounds(weights, c)[1]


def _largest_entry(weights, c):
    return math.prod(float(W.abs().max()) for W in weights), slope_bounds(weights, c)[1]


def _c_once(weights, c):
    return slope_bounds(weights, c)[0], c * math.prod(W.numel() ** 0.5 for W in weights)


def _without_root(weights, c):
    return slope_bounds(weights, c)[0], math.prod(c * W.numel() for W in weights)


def _width_only(weights, c):
    return slope_bounds(weights, c)[0], math.prod(c * W.shape[1] ** 0.5 for W in weights)


def _upper_edge(values, points, x):
    return (values - torch.cdist(x, points)).max(dim=1).values


def _nearest(values, points, x):
    return values[torch.cdist(x, points).argmin(dim=1)]


def _downward(values, points, x):
    return (values - torch.cdist(x, points)).min(dim=1).values


def _manhattan(values, points, x):
    return (values + torch.cdist(x, points, p=1)).min(dim=1).values


def _along_the_wrong_axis(values, points, x):
    return (values[:, None] + torch.cdist(points, x)).min(dim=1).values


def _clip(w, c):
    w.clamp_(-c, c)


def _difference(real, fake):
    return fake.mean() - real.mean()


def _step(loss=_difference, sign=1, steps=1, zero=True, clip=_clip, clipped=lambda D, G: D.parameters(), detach=True):
    """A critic's move in which one thing is done otherwise."""

    def step(D, G, opt, x, z, c):
        if zero:
            opt.zero_grad()
        value = sign * loss(D(x), D(G(z).detach() if detach else G(z)))
        value.backward()
        for _ in range(steps):
            opt.step()
        with torch.no_grad():
            for w in clipped(D, G):
                clip(w, c)
        return value.detach()

    return step


def _forgets_the_step(D, G, opt, x, z, c):
    loss = _difference(D(x), D(G(z).detach()))
    loss.backward()
    return loss.detach()


def _five_moves(D, G, opt, x, z, c):
    return [critic_step(D, G, opt, x, z, c) for _ in range(5)][0]


def _clips_gradients(D, G, opt, x, z, c):
    opt.zero_grad()
    loss = _difference(D(x), D(G(z).detach()))
    loss.backward()
    torch.nn.utils.clip_grad_value_(D.parameters(), c)
    opt.step()
    return loss.detach()


def _clips_before(D, G, opt, x, z, c):
    with torch.no_grad():
        for w in D.parameters():
            _clip(w, c)
    return _step(clipped=lambda D, G: [])(D, G, opt, x, z, c)


def _freezes(D, G, opt, x, z, c):
    G.requires_grad_(False)
    return critic_step(D, G, opt, x, z, c)


# (answer, name of the first property that it lacks)
WRONG = {
    "7.1": [
        (lambda x, a, y, b: -w1_of_piles(x, a, y, b), "one pile"),
        (_independent, "least work"),
        (lambda x, a, y, b: (x[:, None] - y).abs().mean(), "least work"),
        (lambda x, a, y, b: (x - y).abs().mean(), "not as given"),
        (_not_sorted, "same piles"),
        (_without_masses, "masses"),
        (_squared, "masses"),
        (_signed, "both ways"),
        (_difference_of_means, "both ways"),
        (_x_not_sorted, "unsorted"),
        (lambda *given: w1_of_piles(*given).float(), "precision"),
    ],
    "7.2": [
        (_along_the_wrong_axis, "one per point"),
        (_downward, "through the values"),
        (_nearest, "between and beyond"),
        (_upper_edge, "between and beyond"),
        (_manhattan, "in the plane"),
        (lambda values, points, x: 2 * lower_edge(values, points, x), "through the values"),
        (lambda values, points, x: lower_edge(values, points, x).float(), "precision"),
    ],
    "7.3": [
        (_forgets_the_step, "moves"),
        (_step(sign=-1), "sign"),
        (_step(loss=lambda real, fake: softplus(-real).mean() + softplus(fake).mean()), "one step"),
        (_step(loss=lambda real, fake: fake.sum() - real.sum()), "one step"),
        (_step(steps=2), "once"),
        (_step(steps=5), "once"),
        (_five_moves, "once"),
        (lambda D, G, opt, x, z, c: critic_step(D, lambda z: z, opt, x, z, c), "samples"),
        (_step(zero=False), "old gradients"),
        (_step(clipped=lambda D, G: [*D.parameters(), *G.parameters()]), "G stands still"),
        (_step(clipped=lambda D, G: G.parameters()), "G stands still"),
        (_freezes, "G goes on"),
        (_step(clipped=lambda D, G: []), "clips"),
        (_clips_gradients, "clips"),
        (_step(clipped=lambda D, G: [w for w in D.parameters() if w.dim() == 2]), "all of them"),
        (_step(clipped=lambda D, G: D[0].parameters()), "all of them"),
        (_clips_before, "after the step"),
        (lambda D, G, opt, x, z, c: critic_step(D, G, opt, x, z, min(c, 0.01)), "nothing to clip"),
        (_step(clip=lambda w, c: w.clamp_(0, c)), "nothing to clip"),
        (_step(clip=lambda w, c: w.mul_(min(1, c / float(w.abs().max())))), "to the edge"),
        (_step(detach=False), "detach"),
        (lambda *args: -critic_step(*args), "loss"),
    ],
    "7.4": [
        (lambda weights, c: slope_bounds(weights, c)[0], "two numbers"),
        (_frobenius, "one matrix"),
        (_added, "two matrices"),
        (_largest_entry, "two matrices"),
        (_c_once, "from c"),
        (_without_root, "from c"),
        (_width_only, "from c"),
    ],
}
