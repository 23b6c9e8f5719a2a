"""Wrong answers to the exercises of notebook 08, and the property that each of them lacks."""

import torch

from gan_tutorial.lesson.exercises.nb08 import influence, one_sided, without_toll


def _norms(D, x, fake, t, graph=True):
    u = torch.lerp(x, fake, t.view(-1, *[1] * (x.dim() - 1))).detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(u).sum(), u, create_graph=graph)
    return slope.flatten(1).norm(dim=1)


def _two_sided(D, x, fake, t, weight):
    return weight * (_norms(D, x, fake, t) - 1).square().mean()


def _not_squared(D, x, fake, t, weight):
    return weight * (_norms(D, x, fake, t) - 1).relu().mean()


def _wrong_side(D, x, fake, t, weight):
    return weight * (1 - _norms(D, x, fake, t)).relu().square().mean()


def _of_the_mean(D, x, fake, t, weight):
    return weight * (_norms(D, x, fake, t).mean() - 1).relu().square()


def _at_the_data(D, x, fake, t, weight):
    return one_sided(D, x, fake, 0 * t, weight)


def _other_end(D, x, fake, t, weight):
    return one_sided(D, fake, x, t, weight)


def _one_t(D, x, fake, t, weight):
    return one_sided(D, x, fake, t[:1].expand(len(t)), weight)


def _per_pixel(D, x, fake, t, weight):
    u = torch.lerp(x, fake, t.view(-1, *[1] * (x.dim() - 1))).detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
    slope = slope if x.dim() == 2 else slope.abs()
    return weight * ((slope.norm(dim=1) if x.dim() == 2 else slope) - 1).relu().square().mean()


def _no_graph(D, x, fake, t, weight):
    norms = _norms(D, x, fake, t, graph=False)
    return weight * (norms - 1).relu().square().mean() + 0 * D(x).sum()


def _per_example(D, x, fake, t, weight):
    return weight * (_norms(D, x, fake, t) - 1).relu().square()


def _table(change):
    return lambda D, x: change(influence(D, x))


def _diagonal_only(D, x):
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(x).sum(), x)
    return slope.flatten(1).norm(dim=1)


def _summed(D, x):
    return torch.diag(_diagonal_only(D, x))


def _last_axis(D, x):
    x = x.detach().requires_grad_()
    rows = [torch.autograd.grad(score, x, retain_graph=True)[0] for score in D(x)]
    return torch.stack([row.norm(dim=-1).reshape(len(x), -1)[:, 0] for row in rows])


def _excess(slopes, weight):
    return weight * (slopes - 1).square().mean()


# (answer, name of the first property that it lacks)
WRONG = {
    "8.1": [
        (_per_example, "one number"),
        (_two_sided, "gentle slopes are free"),
        (_wrong_side, "gentle slopes are free"),
        (_not_squared, "steep slopes cost"),
        (lambda D, x, f, t, w: one_sided(D, x, f, t, 1.0), "steep slopes cost"),
        (_at_the_data, "between the pairs"),
        (_other_end, "between the pairs"),
        (_one_t, "between the pairs"),
        (_of_the_mean, "between the pairs"),
        (_per_pixel, "norm over all pixels"),
        (_no_graph, "second backward"),
    ],
    "8.2": [
        (lambda r, f, s, w: r - f, "one number"),
        (lambda r, f, s, w: f.mean() - r.mean(), "nothing to correct"),
        (lambda r, f, s, w: r.mean() - f.mean(), "two points, a distance of 1"),
        (lambda r, f, s, w: r.mean() - f.mean() - _excess(s, w), "two points, a distance of 1"),
        (lambda r, f, s, w: r.mean() - f.mean() + 2 * _excess(s, w), "two points, a distance of 1"),
        (lambda r, f, s, w: (r.mean() - f.mean()) / (1 + 1 / (2 * w)), "nothing to correct"),
        (lambda r, f, s, w: (r.mean() - f.mean()) / s.mean(), "slopes that differ"),
        (lambda r, f, s, w: r.mean() - f.mean() - 2 * w * (s.mean() - 1) ** 2, "slopes that differ"),
        (lambda r, f, s, w: without_toll(r, f, s.clamp(min=1), w), "slopes that differ"),
    ],
    "8.3": [
        (_diagonal_only, "a square table"),
        (_table(lambda J: J + 1), "each for itself"),
        (_summed, "the mean is felt"),
        (_table(lambda J: J.square()), "each for itself"),
        (_table(lambda J: J.T), "row and column"),
        (_last_axis, "pictures"),
    ],
}
