"""Exercises of notebook 05: a baseline without bias, the samples that count, a price for any divergence."""

import torch

from gan_tutorial.lesson.exercises import Exercise, Property, register


def _same_shape(got, expected):
    return got.shape == expected.shape


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


# ---- 5.1: REINFORCE with a baseline -----------------------------------------------------------------------------


def leave_one_out(price, log_gradient):
    """mean of (price - mean price of the others) * d log q.  (n,), (n,) -> ()"""
    baseline = (price.sum() - price) / (len(price) - 1)
    return ((price - baseline) * log_gradient).mean()


BASELINE = register(
    Exercise(
        id="5.1",
        reference=leave_one_out,
        properties=(
            Property(
                "one number",
                lambda f: f(_t(1, 2, 4), _t(1, 0, -1)),
                "The estimate should be one number, of shape (): take the mean over the samples. It is {got}.",
                agrees=_same_shape,
            ),
            Property(
                "equal prices",
                lambda f: f(_t(5, 5, 5), _t(1, 2, -4)),
                "If all samples have the same price there is nothing to learn: the estimate should be {expected}, not "
                "{got}.",
            ),
            Property(
                "two samples",
                lambda f: f(_t(1, 3), _t(1, -1)),
                "For two samples with prices 1 and 3 each is the other's baseline: with log-gradients 1 and -1 the "
                "estimate should be {expected}, not {got}.",
            ),
            Property(
                "three samples",
                lambda f: f(_t(1, 2, 6), _t(2, -1, 0.5)),
                "For prices [1, 2, 6] and log-gradients [2, -1, 0.5] it should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "The sum of the other prices is price.sum() - price, for all samples at once.",
            "There are len(price) - 1 others, so the baseline is (price.sum() - price) / (len(price) - 1).",
            "Return ((price - baseline) * log_gradient).mean().",
        ),
        praise="Each sample is judged by the others, and the estimate keeps its mean.",
    )
)


# ---- 5.2: the samples that count --------------------------------------------------------------------------------


def share_that_counts(s):
    """(sum w)^2 / (n sum w^2) for w = e^s, the effective share of an importance sample.  (n,) -> ()"""
    return torch.exp(2 * torch.logsumexp(s, 0) - torch.logsumexp(2 * s, 0)) / len(s)


SHARE = register(
    Exercise(
        id="5.2",
        reference=share_that_counts,
        properties=(
            Property(
                "equal scores",
                lambda f: f(torch.zeros(8)),
                "If all scores are equal every sample counts, and the share should be {expected}, not {got}.",
            ),
            Property(
                "one heavy sample",
                lambda f: f(_t(0, -60, -60, -60)),
                "If one sample of four has all the weight, the share should be {expected}, not {got}.",
            ),
            Property(
                "weights 1 and 3",
                lambda f: f(_t(1, 3).log()),
                "For weights 1 and 3 the share is 16 / (2 * 10) = {expected}, not {got}.",
            ),
            Property(
                "large scores",
                lambda f: f(torch.tensor([1000.0, 1000.0, 900.0])),
                "For the scores [1000, 1000, 900] it should be {expected}, not {got}: exp overflows, logsumexp does "
                "not.",
            ),
            Property(
                "small scores",
                lambda f: f(torch.tensor([-1000.0, -1000.0])),
                "For the scores [-1000, -1000] it should be {expected}, not {got}: only differences of scores matter.",
            ),
        ),
        hints=(
            "log of the sum of w is torch.logsumexp(s, 0), and w^2 = e^(2s).",
            "The log of the share is 2 logsumexp(s) - logsumexp(2s) - log n.",
        ),
        praise="It needs nothing but D's scores, so you can watch it during any training.",
    )
)


# ---- 5.3: a price for any divergence ----------------------------------------------------------------------------


def price_of(f):
    """s -> f(r) - r f'(r) with r = e^s: with D frozen, its gradient is that of D_f(p || q)."""

    def price(s):
        with torch.enable_grad():
            r = s.exp()
            r = r if r.requires_grad else r.requires_grad_()
            (f_prime,) = torch.autograd.grad(f(r).sum(), r, create_graph=True)
            return f(r) - r * f_prime

    return price


_S = torch.tensor([-1.0, 0.5, 1.0], dtype=torch.float64)


def _is_function(answer):
    price = answer(lambda u: u * u.log())
    return None if price is None or price is Ellipsis else str(callable(price))


def _rise(f, s=_S):
    """What the price of f adds between score 0 and the scores s: a constant in the price does not matter."""

    def of(answer):
        price = answer(f)
        return (price(s.clone()) - price(torch.zeros_like(s))).detach()

    return of


def _slope(f):
    def of(answer):
        s = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(answer(f)(s).sum(), s)[0]

    return of


PRICE = register(
    Exercise(
        id="5.3",
        reference=price_of,
        properties=(
            Property(
                "a function",
                _is_function,
                "price_of(f) should give back a function of the score s.",
            ),
            Property(
                "nothing to learn",
                _rise(lambda u: 3 * (u - 1)),
                "For f(u) = 3 (u - 1) the divergence is 0 whatever q is, so the price should be the same at all "
                "scores; yours changes by {got}.",
            ),
            Property(
                "KL",
                _rise(lambda u: u * u.log()),
                "For KL, f(u) = u log u, the price is -e^s; from score 0 to [-1, 0.5, 1] it changes by {expected}, "
                "not by {got}.",
            ),
            Property(
                "reverse KL",
                _rise(lambda u: -u.log()),
                "For reverse KL, f(u) = -log u, the price changes from score 0 to [-1, 0.5, 1] by {expected}, not by "
                "{got}.",
            ),
            Property(
                "squared Hellinger",
                _rise(lambda u: (u.sqrt() - 1) ** 2),
                "For f(u) = (sqrt(u) - 1)^2 the price changes from score 0 to [-1, 0.5, 1] by {expected}, not by "
                "{got}.",
            ),
            Property(
                "differentiable",
                _slope(lambda u: u * u.log()),
                "For KL the slope at the score 0.7 should be {expected}, not {got}: take f' with create_graph=True.",
            ),
        ),
        hints=(
            "With r = p/q, the derivative of r is -r times that of log q.",
            "d [q f(r)] = q f(r) dlog q - q r f'(r) dlog q: what multiplies q dlog q is the price.",
            "The price is f(r) - r f'(r); torch.autograd.grad(f(r).sum(), r, create_graph=True) gives f'(r).",
        ),
        praise="You have found -f*(f'(r)), the generator's side of every f-GAN.",
    )
)
