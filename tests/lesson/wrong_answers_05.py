"""Wrong answers to the exercises of notebook 05, and the property that each of them lacks."""

import torch

from gan_tutorial.lesson.exercises.nb05 import leave_one_out, loss_max_likelihood, loss_of, share_that_counts, slopes


def _own_mean(loss, log_gradient):
    return ((loss - loss.mean()) * log_gradient).mean()


def _others_over_n(loss, log_gradient):
    return ((loss - (loss.sum() - loss) / len(loss)) * log_gradient).mean()


def _added(loss, log_gradient):
    return ((loss + (loss.sum() - loss) / (len(loss) - 1)) * log_gradient).mean()


def _per_sample(loss, log_gradient):
    return (loss - (loss.sum() - loss) / (len(loss) - 1)) * log_gradient


def _first_as_baseline(loss, log_gradient):
    return ((loss - loss[0]) * log_gradient).mean()


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
    def loss(s):
        r, f_prime = _derivative(f, s)
        return f(r) - f_prime

    return loss


def _curvature_as_loss(f):
    def loss(s):
        r, f_prime = _derivative(f, s)
        if not f_prime.requires_grad:  # f is a straight line
            return 0 * r
        return -(r**2) * torch.autograd.grad(f_prime.sum(), r, create_graph=True)[0]

    return loss


def _detached(f):
    return lambda s: loss_of(f)(s.detach()).detach() + 0 * s


def _in_D(D):
    return -1 / (1 - D), -1 / D, -1 / (1 - D) ** 2


def _one_in_D(D):
    return -D, -1 / D, -D / (1 - D)


def _times_the_loss(D):
    return -D, -(1 - D), -(D**2)


def _by_D(s):
    D = s.sigmoid()
    return -D / (1 - D)


def _scores_as_weights(s):
    return s.sum() ** 2 / (len(s) * s.square().sum())


# (answer, name of the first property that it lacks)
WRONG = {
    "5.1": [
        (lambda s: -s.exp().mean(), "one loss a score"),
        (lambda s: -s, "the ratio, not its logarithm"),
        (lambda s: -torch.exp(-s), "data over samples"),
        (lambda s: s.exp(), "falling"),
        (lambda s: -s.sigmoid(), "the ratio, not D"),
        (lambda s: 1 - s.exp(), "no constant"),
        (lambda s: -torch.exp(s) / 2, "values"),
        (lambda s: -s * torch.exp(s), "values"),
        (lambda s: -torch.nn.functional.softplus(s), "values"),
        (_by_D, "large scores"),
        (lambda s: loss_max_likelihood(s.detach()), "differentiable"),
    ],
    "5.2": [
        (lambda D: slopes(D)[:2], "three slopes"),
        (lambda D: torch.stack(slopes(D)).T, "three slopes"),
        (_in_D, "against the score"),
        (_one_in_D, "against the score"),
        (lambda D: (D, 1 - D, D / (1 - D)), "downwards"),
        (lambda D: (-(1 - D), -D, -D / (1 - D)), "order"),
        (lambda D: (-D * (1 - D), -(1 - D), -D / (1 - D)), "minimax"),
        (lambda D: (-D, -1 - D, -D / (1 - D)), "non-saturating"),
        (_times_the_loss, "a slope, not the loss"),
        (lambda D: (-D, -(1 - D), -D.exp()), "maximum likelihood"),
    ],
    "5.3": [
        (_scores_as_weights, "scores, not weights"),
        (_without_n, "equal scores"),
        (lambda s: 1 - share_that_counts(s), "equal scores"),
        (lambda s: s.softmax(0).max(), "equal scores"),
        (_over_the_largest, "weights 1 and 3"),
        (_probabilities, "weights 1 and 3"),
        (_overflows, "large scores"),
        (_underflows, "small scores"),
    ],
    "5.4": [
        (lambda f: f(torch.ones(3)), "a function"),
        (_f_alone, "nothing to learn"),
        (_f_prime_alone, "KL"),
        (_without_r, "nothing to learn"),
        (_curvature_as_loss, "reverse KL"),
        (lambda f: lambda s: -loss_of(f)(s), "KL"),
        (lambda f: lambda s: loss_of(f)(-s), "KL"),
        (_detached, "differentiable"),
    ],
    "5.5": [
        (_per_sample, "one number"),
        (lambda c, g: (c * g).mean(), "equal losses"),
        (_others_over_n, "equal losses"),
        (_added, "equal losses"),
        (_own_mean, "two samples"),
        (lambda c, g: -leave_one_out(c, g), "two samples"),
        (lambda c, g: len(c) * leave_one_out(c, g), "two samples"),
        (_first_as_baseline, "two samples"),
    ],
}
