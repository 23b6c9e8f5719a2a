"""Wrong answers to the exercises of notebook 08, and the property that each of them lacks."""

import torch

from gan_tutorial.lesson.exercises.nb08 import influence, one_sided, two_points, two_sided, without_bias


def _norms(D, x, fake, t, graph=True):
    u = torch.lerp(x, fake, t.view(-1, *[1] * (x.dim() - 1))).detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(u).sum(), u, create_graph=graph)
    return slope.flatten(1).norm(dim=1)


def _both_sides(D, x, fake, t, weight):
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


def _penalty(t=lambda x: torch.rand(len(x), 1), of=lambda D, u: D(u).sum(), norm=lambda g: g.norm(dim=1), graph=True,
             end=lambda norms: (norms - 1).square().mean()):  # fmt: skip
    """The two-sided penalty with one thing changed."""

    def answer(D, x, fake, weight):
        u = (x + t(x) * (fake - x)).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(of(D, u), u, create_graph=graph)
        return weight * end(norm(gradient))

    return answer


def _penalty_forgets_u(D, x, fake, weight):
    u = x + torch.rand(len(x), 1) * (fake - x)
    (gradient,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
    return weight * (gradient.norm(dim=1) - 1).square().mean()


def _with_slope(slope):
    return lambda W, weight: (slope(W, weight), slope(W, weight) * W, weight * (slope(W, weight) - 1) ** 2)


# (answer, name of the first property that it lacks)
WRONG = {
    "8.1": [
        (_penalty(end=lambda norms: (norms - 1).square()), "one number"),
        (_penalty(end=lambda norms: (norms - 1).mean()), "squared"),
        (_penalty(end=lambda norms: (norms - 1).abs().mean()), "squared"),
        (_penalty(norm=lambda g: g.norm()), "one norm per example"),
        (_penalty(norm=lambda g: g.norm(dim=0)), "one norm per example"),
        (_penalty(of=lambda D, u: D(u).mean()), "gradient of the sum"),
        (_penalty(norm=lambda g: g.square().sum(dim=1)), "norm, not its square"),
        (_penalty(end=lambda norms: (norms - 1).relu().square().mean()), "both sides"),
        (_penalty(end=lambda norms: norms.square().mean() / 2), "steep slopes"),
        (lambda D, x, fake, weight: two_sided(D, x, fake, 1.0), "steep slopes"),
        (_penalty(t=lambda x: 0.0), "between the pairs"),
        (_penalty(t=lambda x: 1.0), "between the pairs"),
        (_penalty(t=lambda x: torch.rand(1)), "one number per pair"),
        (_penalty(t=lambda x: 0.5), "one number per pair"),
        (_penalty(t=torch.rand_like), "on the line"),
        (_penalty(t=lambda x: torch.randn(len(x), 1)), "uniform"),
        (_penalty(end=lambda norms: (norms.mean() - 1).square()), "each slope by itself"),
        (_penalty(graph=False), "the gradient reaches D"),
        (_penalty(end=lambda norms: (norms.detach() - 1).square().mean()), "the gradient reaches D"),
        (_penalty_forgets_u, "runs"),
    ],
    "8.2": [
        (lambda W, weight: two_points(W, weight)[:2], "three numbers"),
        (_with_slope(lambda W, weight: 1 + W / weight), "the derivative of a square"),
        (_with_slope(lambda W, weight: W / (2 * weight)), "beyond one"),
        (_with_slope(lambda W, weight: 1 - W / (2 * weight)), "a maximum"),
        (_with_slope(lambda W, weight: 1.0), "slope"),
        (lambda W, weight: (two_points(W, weight)[0],) * 3, "score difference"),
        (lambda W, weight: (*two_points(W, weight)[:2], W**2 / (4 * weight**2)), "penalty"),
    ],
    "8.3": [
        (lambda r, f, s, w: r - f, "one number"),
        (lambda r, f, s, w: f.mean() - r.mean(), "nothing to correct"),
        (lambda r, f, s, w: r.mean() - f.mean(), "two points, a distance of 1"),
        (lambda r, f, s, w: r.mean() - f.mean() - _excess(s, w), "two points, a distance of 1"),
        (lambda r, f, s, w: r.mean() - f.mean() + 2 * _excess(s, w), "two points, a distance of 1"),
        (lambda r, f, s, w: (r.mean() - f.mean()) / (1 + 1 / (2 * w)), "nothing to correct"),
        (lambda r, f, s, w: (r.mean() - f.mean()) / s.mean(), "slopes that differ"),
        (lambda r, f, s, w: r.mean() - f.mean() - 2 * w * (s.mean() - 1) ** 2, "slopes that differ"),
        (lambda r, f, s, w: without_bias(r, f, s.clamp(min=1), w), "slopes that differ"),
    ],
    "8.4": [
        (_per_example, "one number"),
        (_both_sides, "gentle slopes are free"),
        (_wrong_side, "gentle slopes are free"),
        (_not_squared, "steep slopes"),
        (lambda D, x, f, t, w: one_sided(D, x, f, t, 1.0), "steep slopes"),
        (_at_the_data, "between the pairs"),
        (_other_end, "between the pairs"),
        (_one_t, "between the pairs"),
        (_of_the_mean, "between the pairs"),
        (_per_pixel, "norm over all pixels"),
        (_no_graph, "second backward"),
    ],
    "8.5": [
        (_diagonal_only, "a square table"),
        (_table(lambda J: J + 1), "each for itself"),
        (_summed, "the mean is felt"),
        (_table(lambda J: J.square()), "each for itself"),
        (_table(lambda J: J.T), "row and column"),
        (_last_axis, "pictures"),
    ],
}
