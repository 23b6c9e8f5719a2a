"""Exercises of notebook 05: the loss of maximum likelihood, slopes, samples that count, divergences, a baseline."""

import torch

from gan_tutorial.lesson.exercises import Exercise, Property, agree, gradients, register, same_shape


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


def _is(other):
    """Whether an answer is another function than the one asked for: "True" or "False"."""

    def of(answer):
        s = _t(-2, -0.5, 1, 3)
        return str(agree(answer(s).detach(), other(s)))

    return of


# ---- 5.1: the loss of maximum likelihood ------------------------------------------------------------------------


def loss_max_likelihood(s):
    """-p/q of a sample of score s = log p/q.  (...) -> (...)"""
    return -torch.exp(s)


def _beyond_a_constant(answer):
    s = _t(-2, -0.5, 1, 3)
    off = (answer(s) + s.exp()).detach()
    return str(bool((off - off[0]).abs().max() < 1e-6) and float(off[0].abs()) > 1e-6)


LIKELIHOOD = register(
    Exercise(
        id="5.1",
        reference=loss_max_likelihood,
        properties=(
            Property(
                "one loss a score",
                lambda f: f(_t(-1, 0, 2)),
                "The loss should have one number for each score, without a mean: for three scores it is {got}.",
                agrees=same_shape,
            ),
            Property(
                "the ratio, not its logarithm",
                _is(lambda s: -s),
                "This is -log(p/q), the loss of reverse KL. The weight of importance sampling is p/q, not its log.",
            ),
            Property(
                "data over samples",
                _is(lambda s: -(-s).exp()),
                "This is -q/p: the ratio is upside down. An integral over p becomes one over q with the weight p/q.",
            ),
            Property(
                "falling",
                _is(lambda s: s.exp()),
                "This is +p/q, and G would flee from what looks real. Maximum likelihood descends MINUS the "
                "log-likelihood.",
            ),
            Property(
                "the ratio, not D",
                _is(lambda s: -s.sigmoid()),
                "This is -D = -p/(p + q). The weight is p/q = D/(1 - D).",
            ),
            Property(
                "no constant",
                _beyond_a_constant,
                "Right, up to a constant; since the mean of d log q over q is 0, it changes nothing: leave it out.",
            ),
            Property(
                "values",
                lambda f: f(_t(-2, 0, 1)).detach(),
                "For the scores [-2, 0, 1] the loss should be {expected}, not {got}.",
            ),
            Property(
                "large scores",
                lambda f: f(torch.tensor([20.0, 40.0])).detach(),
                "For the scores [20, 40] in float32 it should be {expected}, not {got}: there D is rounded to 1, and "
                "1 - D to 0. Write it with s, without D.",
            ),
            Property(
                "differentiable",
                lambda f: gradients(f, _t(0.7))[0],
                "The slope at the score 0.7 should be {expected}, not {got}: G needs it, so nothing may be detached.",
            ),
        ),
        hints=(
            "In (a) the weight of d log q was f. Write the integral of p times d log q as one over q: which factor "
            "takes the place of f, and with which sign?",
            "The integral of p dlog q is that of q (p/q) dlog q, and maximum likelihood descends minus it: f = -p/q.",
            "With s = log(p/q) it is p/q = e^s, so the loss is minus torch.exp(s).",
        ),
        praise="Descend on its mean over samples, D standing still, and G does maximum likelihood.",
    )
)


# ---- 5.2: slopes against the score ------------------------------------------------------------------------------


def slopes(D):
    """Of minimax, non-saturating and maximum likelihood, against the score, where D = sigmoid(score)."""
    return -D, -(1 - D), -D / (1 - D)


_D = _t(0.2, 0.7)


def _against_D(f):
    in_D = (-1 / (1 - _D), -1 / _D, -1 / (1 - _D) ** 2)
    return str(any(agree(got, wrong) for got, wrong in zip(f(_D), in_D, strict=True)))


def _upward(f):
    return str(all(bool((slope > 0).all()) for slope in f(_D)))


def _swapped(f):
    return str(agree(f(_D)[0], -(1 - _D)) and agree(f(_D)[1], -_D))


def _third_is_the_loss(f):
    return str(agree(f(_D)[2], -(_D**2)))


SLOPES = register(
    Exercise(
        id="5.2",
        reference=slopes,
        properties=(
            Property(
                "three slopes",
                lambda f: [tuple(slope.shape) for slope in f(_D)],
                "There should be three slopes, each with the shape of D; yours are {got} for two values of D.",
            ),
            Property(
                "against the score",
                _against_D,
                "One of these is the slope against D. G is reached through the score: multiply by dD/ds = D (1 - D).",
            ),
            Property(
                "downwards",
                _upward,
                "All three losses fall as the score rises, so all slopes are negative; yours are positive.",
            ),
            Property(
                "order",
                _swapped,
                "The first two are swapped: minimax is the flat one where D is near 0.",
            ),
            Property(
                "minimax",
                lambda f: f(_D)[0],
                "For minimax, log(1 - D), the slopes at D = [0.2, 0.7] should be {expected}, not {got}.",
            ),
            Property(
                "non-saturating",
                lambda f: f(_D)[1],
                "For the non-saturating loss, -log D, the slopes at D = [0.2, 0.7] should be {expected}, not {got}.",
            ),
            Property(
                "a slope, not the loss",
                _third_is_the_loss,
                "The third is the loss times D (1 - D); what belongs there is its slope against D times D (1 - D).",
            ),
            Property(
                "maximum likelihood",
                lambda f: f(_D)[2],
                "For maximum likelihood, -D/(1 - D), the slopes at D = [0.2, 0.7] should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "Two slopes in a row: how does the loss change with D, and how does D change with s?",
            "The slopes against D are -1/(1 - D), -1/D and -1/(1 - D)^2; then multiply each by D (1 - D).",
            "return -D, -(1 - D) and, for the third, -D / (1 - D).",
        ),
        praise="The first two share out a slope of 1 between them: D + (1 - D).",
    )
)


# ---- 5.3: the samples that count --------------------------------------------------------------------------------


def share_that_counts(s):
    """(sum w)^2 / (n sum w^2) for w = e^s, the effective share of an importance sample.  (n,) -> ()"""
    return torch.exp(2 * torch.logsumexp(s, 0) - torch.logsumexp(2 * s, 0)) / len(s)


SHARE = register(
    Exercise(
        id="5.3",
        reference=share_that_counts,
        properties=(
            Property(
                "scores, not weights",
                lambda f: str(agree(f(_t(1, 3)), _t(0.8)[0])),
                "This takes the scores themselves as weights. The weights are w = e^s.",
            ),
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
            "What is the logarithm of the sum of w, if w = e^s? And of the sum of w^2 = e^(2s)?",
            "log of the sum of w is torch.logsumexp(s, 0), and log of the sum of w^2 is torch.logsumexp(2 * s, 0).",
            "Twice the first minus the second, torch.exp of that, divided by the number of samples.",
        ),
        praise="It needs nothing but D's scores, so you can watch it during any training.",
    )
)


# ---- 5.4: a loss for any divergence ----------------------------------------------------------------------------


def loss_of(f):
    """s -> f(r) - r f'(r) with r = e^s: with D frozen, its gradient is that of D_f(p || q)."""

    def loss(s):
        with torch.enable_grad():
            r = s.exp()
            r = r if r.requires_grad else r.requires_grad_()
            (f_prime,) = torch.autograd.grad(f(r).sum(), r, create_graph=True)
            return f(r) - r * f_prime

    return loss


_S = torch.tensor([-1.0, 0.5, 1.0], dtype=torch.float64)


def _is_function(answer):
    loss = answer(lambda u: u * u.log())
    return None if loss is None or loss is Ellipsis else str(callable(loss))


def _rise(f, s=_S):
    """What the loss of f adds between score 0 and the scores s: a constant in the loss does not matter."""

    def of(answer):
        loss = answer(f)
        return (loss(s.clone()) - loss(torch.zeros_like(s))).detach()

    return of


DIVERGENCE = register(
    Exercise(
        id="5.4",
        reference=loss_of,
        properties=(
            Property(
                "a function",
                _is_function,
                "loss_of(f) should give back a function of the score s.",
            ),
            Property(
                "nothing to learn",
                _rise(lambda u: 3 * (u - 1)),
                "For f(u) = 3 (u - 1) the divergence is 0 whatever q is, so the loss should be the same at all "
                "scores; yours changes by {got}.",
            ),
            Property(
                "KL",
                _rise(lambda u: u * u.log()),
                "For KL, f(u) = u log u, the loss is -e^s; from score 0 to [-1, 0.5, 1] it changes by {expected}, "
                "not by {got}.",
            ),
            Property(
                "reverse KL",
                _rise(lambda u: -u.log()),
                "For reverse KL, f(u) = -log u, the loss changes from score 0 to [-1, 0.5, 1] by {expected}, not by "
                "{got}.",
            ),
            Property(
                "squared Hellinger",
                _rise(lambda u: (u.sqrt() - 1) ** 2),
                "For f(u) = (sqrt(u) - 1)^2 the loss changes from score 0 to [-1, 0.5, 1] by {expected}, not by {got}.",
            ),
            Property(
                "differentiable",
                lambda answer: gradients(answer(lambda u: u * u.log()), _t(0.7))[0],
                "For KL the slope at the score 0.7 should be {expected}, not {got}: take f' with create_graph=True.",
            ),
        ),
        hints=(
            "In q f(r) both q and r = p/q move with G: what is the derivative of r, in terms of that of log q?",
            "The derivative of r is -r times that of log q.",
            "d [q f(r)] = q f(r) dlog q - q r f'(r) dlog q: what multiplies q dlog q is the loss.",
            "The loss is f(r) - r f'(r); torch.autograd.grad(f(r).sum(), r, create_graph=True) gives f'(r).",
        ),
        praise="You have found -f*(f'(r)), the generator's side of every f-GAN.",
    )
)


# ---- 5.5: REINFORCE with a baseline -----------------------------------------------------------------------------


def leave_one_out(loss, log_gradient):
    """mean of (loss - mean loss of the others) * d log q.  (n,), (n,) -> ()"""
    baseline = (loss.sum() - loss) / (len(loss) - 1)
    return ((loss - baseline) * log_gradient).mean()


BASELINE = register(
    Exercise(
        id="5.5",
        reference=leave_one_out,
        properties=(
            Property(
                "one number",
                lambda f: f(_t(1, 2, 4), _t(1, 0, -1)),
                "The estimate should be one number, of shape (): take the mean over the samples. It is {got}.",
                agrees=same_shape,
            ),
            Property(
                "equal losses",
                lambda f: f(_t(5, 5, 5), _t(1, 2, -4)),
                "If all samples have the same loss there is nothing to learn: the estimate should be {expected}, not "
                "{got}.",
            ),
            Property(
                "two samples",
                lambda f: f(_t(1, 3), _t(1, -1)),
                "For two samples with losses 1 and 3 each is the other's baseline: with log-gradients 1 and -1 the "
                "estimate should be {expected}, not {got}.",
            ),
            Property(
                "three samples",
                lambda f: f(_t(1, 2, 6), _t(2, -1, 0.5)),
                "For losses [1, 2, 6] and log-gradients [2, -1, 0.5] it should be {expected}, not {got}.",
            ),
        ),
        hints=(
            "How do you get the sum of all the OTHER losses, for every sample at once, from loss.sum()?",
            "There are len(loss) - 1 others, so the baseline is (loss.sum() - loss) / (len(loss) - 1).",
            "Return ((loss - baseline) * log_gradient).mean().",
        ),
        praise="Each sample is judged by the others, and the estimate keeps its mean.",
    )
)
