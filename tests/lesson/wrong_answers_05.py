"""Wrong answers to the exercises of notebook 05, and the property that each of them lacks."""

import torch

from gan_tutorial.lesson.exercises.nb05 import leave_one_out, price_of, share_that_counts


def _own_mean(price, log_gradient):
    return ((price - price.mean()) * log_gradient).mean()


def _others_over_n(price, log_gradient):
    return ((price - (price.sum() - price) / len(price)) * log_gradient).mean()


def _added(price, log_gradient):
    return ((price + (price.sum() - price) / (len(price) - 1)) * log_gradient).mean()


def _per_sample(price, log_gradient):
    return (price - (price.sum() - price) / (len(price) - 1)) * log_gradient


def _first_as_baseline(price, log_gradient):
    return ((price - price[0]) * log_gradient).mean()


def _without_n(s):
    return torch.exp(2 * s.logsumexp(0) - (2 * s).logsumexp(0))


def _overflows(s):
    return s.exp().sum() ** 2 / (len(s) * s.exp().square().sum())


def _underflows(s):
    w = s.exp().clamp(max=1e15)
    large = s.max() > 30
    return share_that_counts(s) if large else w.sum() ** 2 / (len(s) * w.square().sum())


def _over_the_largest(s):
    return (s - s.max()).exp().mean()


def _probabilities(s):
    D = s.sigmoid()
    return D.sum() ** 2 / (len(s) * D.square().sum())


def _derivative(f, s):
    r = s.exp()
    r = r if r.requires_grad else r.requires_grad_()
    return r, torch.autograd.grad(f(r).sum(), r, create_graph=True)[0]


def _f_alone(f):
    return lambda s: f(s.exp())


def _f_prime_alone(f):
    return lambda s: -_derivative(f, s)[1]


def _without_r(f):
    def price(s):
        r, f_prime = _derivative(f, s)
        return f(r) - f_prime

    return price


def _curvature_as_price(f):
    def price(s):
        r, f_prime = _derivative(f, s)
        if not f_prime.requires_grad:  # f is a straight line
            return 0 * r
        return -(r**2) * torch.autograd.grad(f_prime.sum(), r, create_graph=True)[0]

    return price


def _detached(f):
    return lambda s: price_of(f)(s.detach()).detach() + 0 * s


# (answer, name of the first property that it lacks)
WRONG = {
    "5.1": [
        (_per_sample, "one number"),
        (lambda c, g: (c * g).mean(), "equal prices"),
        (_others_over_n, "equal prices"),
        (_added, "equal prices"),
        (_own_mean, "two samples"),
        (lambda c, g: -leave_one_out(c, g), "two samples"),
        (lambda c, g: len(c) * leave_one_out(c, g), "two samples"),
        (_first_as_baseline, "two samples"),
    ],
    "5.2": [
        (_without_n, "equal scores"),
        (lambda s: 1 - share_that_counts(s), "equal scores"),
        (lambda s: s.softmax(0).max(), "equal scores"),
        (_over_the_largest, "weights 1 and 3"),
        (_probabilities, "weights 1 and 3"),
        (_overflows, "large scores"),
        (_underflows, "small scores"),
    ],
    "5.3": [
        (lambda f: f(torch.ones(3)), "a function"),
        (_f_alone, "nothing to learn"),
        (_f_prime_alone, "KL"),
        (_without_r, "nothing to learn"),
        (_curvature_as_price, "reverse KL"),
        (lambda f: lambda s: -price_of(f)(s), "KL"),
        (lambda f: lambda s: price_of(f)(-s), "KL"),
        (_detached, "differentiable"),
    ],
}
