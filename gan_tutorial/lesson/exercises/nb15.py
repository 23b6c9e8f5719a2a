"""The exercises of notebook 15: three kinds of pairs, a D with a logit for each class, the bound of InfoGAN."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, softplus

from gan_tutorial.lesson.exercises import Exercise, Property, has_shape, has_slopes, is_not, register


def pairs_loss(s_right: Tensor, s_fake: Tensor, s_wrong: Tensor, w: float) -> Tensor:
    """D's loss over three kinds of pairs, of the two wrong kinds a share w mismatched (Reed et al. 2016, alg. 1).

    E -log D(x, c) + (1 - w) E -log(1 - D(G(z, c), c)) + w E -log(1 - D(x, c')), from scores.  (n,), (m,), (k,) -> ()
    """
    return softplus(-s_right).mean() + (1 - w) * softplus(s_fake).mean() + w * softplus(s_wrong).mean()


def class_losses(l_labelled: Tensor, y: Tensor, l_data: Tensor, l_fake: Tensor) -> tuple[Tensor, Tensor]:
    """-E log p(y | x, real), and -E log D(x) - E log(1 - D(G(z))) with D = Z / (Z + 1), Z = sum of exp(logits).

    (n, K), (n,), (m, K), (k, K) -> (), ()   (Salimans et al. 2016, sec. 5)
    """
    z_data, z_fake = l_data.logsumexp(1), l_fake.logsumexp(1)
    return cross_entropy(l_labelled, y), softplus(-z_data).mean() + softplus(z_fake).mean()


def information(logits: Tensor, code: Tensor) -> Tensor:
    """L_I = log K + E log Q(code | x) <= I(code; x), for K codes, equally often drawn (Chen et al. 2016, eq. 5).

    (n, K) logits of Q, (n,) codes -> ()
    """
    return math.log(logits.shape[1]) - cross_entropy(logits, code)


# ---- 15.1 ---------------------------------------------------------------------------------------------------------

RIGHT, FAKE, WRONG_PAIR = torch.tensor([2.0, -0.5, 1.0]), torch.tensor([-1.0, 0.5]), torch.tensor([0.3, -2.0, 1.5, 0.1])


def _third(answer: Any) -> Any:
    return answer(RIGHT, FAKE, WRONG_PAIR, 0.3)


PAIRS = register(
    Exercise(
        id="15.1",
        reference=pairs_loss,
        properties=(
            has_shape(
                "number", _third, "The loss is one number, but the answer has shape {got}; take three means.", ()
            ),
            is_not(
                "believed",
                lambda r, f, x, w: softplus(-r).mean() + (1 - w) * softplus(f).mean() + w * softplus(-x).mean(),
                _third,
                "Here D is to believe in wrong pairs: the picture is real, but it does not belong to these words, so D "
                "should say no, log(1 - D).",
            ),
            is_not(
                "left out",
                lambda r, f, x, w: softplus(-r).mean() + softplus(f).mean(),
                _third,
                "The wrong pairs do not count here: this is the loss of a conditional D without them.",
            ),
            is_not(
                "no weights",
                lambda r, f, x, w: softplus(-r).mean() + softplus(f).mean() + softplus(x).mean(),
                _third,
                "Three means, and each counts fully; fake pairs should count 1 - w, and wrong pairs w.",
            ),
            is_not(
                "weights swapped",
                lambda r, f, x, w: pairs_loss(r, f, x, 1 - w),
                _third,
                "The weights are swapped: w is the share of the wrong pairs, so fake pairs count 1 - w.",
            ),
            is_not(
                "value",
                lambda *given: -pairs_loss(*given),
                _third,
                "This is the value, which D raises; its loss has the other sign.",
            ),
            is_not(
                "right side",
                lambda r, f, x, w: softplus(r).mean() + (1 - w) * softplus(-f).mean() + w * softplus(-x).mean(),
                _third,
                "The sides are swapped: -log D is softplus(-s) and belongs to right pairs, -log(1 - D) is softplus(s).",
            ),
            is_not(
                "one mean",
                lambda r, f, x, w: softplus(-r).mean() + softplus(torch.cat([f, x])).mean(),
                _third,
                "Fake and wrong pairs share one mean here, so w has no say; take a mean of each, and weigh them.",
            ),
            is_not(
                "sums",
                lambda r, f, x, w: softplus(-r).sum() + (1 - w) * softplus(f).sum() + w * softplus(x).sum(),
                _third,
                "These are sums over the batch; with means the loss does not grow with the number of pairs.",
            ),
            Property(
                "answer",
                _third,
                "For our scores and w = 0.3 the loss is {expected}, but yours is {got}.",
            ),
            Property(
                "large scores",
                lambda answer: answer(torch.tensor([-200.0]), torch.tensor([200.0]), torch.tensor([300.0]), 0.5),
                "For scores of 200 the loss is {expected}, but yours is {got}: a sigmoid rounds to 0 or 1 there, and "
                "its logarithm is infinite; softplus is safe.",
            ),
            has_slopes(
                lambda answer, *scores: answer(*scores, 0.3),
                (RIGHT, FAKE, WRONG_PAIR),
                "the scores of right, fake and wrong pairs",
            ),
        ),
        hints=(
            "Which of the three kinds should D believe? For the other two it answers no.",
            "-log D(x) is softplus(-s), and -log(1 - D(x)) is softplus(s), for a score s.",
            "softplus(-s_right).mean(), plus (1 - w) times softplus(s_fake).mean(), plus w times the same of s_wrong.",
        ),
        praise="One yes and two kinds of no: fake, and real but off the subject.",
    )
)


# ---- 15.2 ---------------------------------------------------------------------------------------------------------

LABELLED = torch.tensor([[1.0, -0.5, 0.2], [0.3, 2.0, -1.0]])
Y = torch.tensor([0, 2])
DATA = torch.tensor([[0.5, 1.5, -0.3], [2.0, 0.1, 0.4], [-1.0, 0.2, 0.3]])
MADE = torch.tensor([[-2.0, 0.3, -1.0], [0.4, -0.7, 0.9]])


def _both(answer: Any) -> Any:
    return tuple(answer(LABELLED, Y, DATA, MADE))


def _first(answer: Any) -> Any:
    return _both(answer)[0]


def _second(answer: Any) -> Any:
    return _both(answer)[1]


def _with(score: Any) -> Any:
    """The unsupervised loss, with another score made of the logits."""
    return lambda v, y, a, b: (cross_entropy(v, y), softplus(-score(a)).mean() + softplus(score(b)).mean())


def _eleventh(v: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    beside = torch.cat([v, torch.zeros(len(v), 1)], 1)  # the logit of "sample"
    return cross_entropy(beside, y), class_losses(v, y, a, b)[1]


CLASSES = register(
    Exercise(
        id="15.2",
        reference=class_losses,
        properties=(
            Property(
                "two",
                lambda answer: len(_both(answer)),
                "Two losses should come back, the supervised and the unsupervised one, but there are {got}.",
            ),
            is_not(
                "order",
                lambda *given: class_losses(*given)[::-1],
                _both,
                "Right, but in the other order: first the supervised loss, then the unsupervised one.",
            ),
            is_not(
                "with sample",
                _eleventh,
                _first,
                "The supervised loss has the class 'sample' in its softmax; for data with labels that is out of the "
                "question: only the K logits take part.",
            ),
            is_not(
                "likelihood",
                lambda v, y, a, b: (-cross_entropy(v, y), class_losses(v, y, a, b)[1]),
                _first,
                "The supervised part is the mean log-likelihood; the loss is minus that.",
            ),
            Property(
                "supervised",
                _first,
                "The supervised loss, minus the mean of log softmax at the label, is {expected} for our logits, but "
                "yours is {got}.",
            ),
            is_not(
                "swapped",
                lambda v, y, a, b: class_losses(v, y, b, a),
                _second,
                "Data and samples are swapped: D = Z/(Z + 1) should be near 1 for data.",
            ),
            is_not(
                "largest",
                _with(lambda v: v.max(1).values),
                _second,
                "The largest logit alone is not log Z: all K classes add to 'is data', Z is the sum of their "
                "exponentials.",
            ),
            is_not(
                "sum of logits",
                _with(lambda v: v.sum(1)),
                _second,
                "This is the sum of the logits; Z is the sum of their exponentials, and the score is log Z.",
            ),
            is_not(
                "Z itself",
                _with(lambda v: v.exp().sum(1)),
                _second,
                "Here the score is Z itself; with D = Z/(Z + 1) = sigma(log Z) the score is log Z.",
            ),
            is_not(
                "data only",
                lambda v, y, a, b: (cross_entropy(v, y), softplus(-a.logsumexp(1)).mean()),
                _second,
                "The samples are missing in the unsupervised loss: -log(1 - D), the mean over them, belongs to it.",
            ),
            is_not(
                "half",
                lambda v, y, a, b: (cross_entropy(v, y), class_losses(v, y, a, b)[1] / 2),
                _second,
                "The unsupervised loss is halved; it is the sum of the two means here.",
            ),
            Property(
                "unsupervised",
                _second,
                "The unsupervised loss, with D = Z/(Z + 1), is {expected} for our logits, but yours is {got}.",
            ),
            Property(
                "large logits",
                lambda answer: tuple(answer(200 * LABELLED, Y, -200 * DATA.abs(), 200 * MADE.abs())),
                "For logits of some hundreds the losses are {expected}, but yours are {got}: exp overflows; "
                "logsumexp and softplus do not.",
            ),
        ),
        hints=(
            "For a picture with a label: which class, given that it is data? For the others: is it data, of any class?",
            "D = Z/(Z + 1) is sigma(log Z), so log Z is D's score, and logits.logsumexp(1) computes it.",
            "The first is cross_entropy(l_labelled, y). The second is softplus(-score of data).mean() + softplus(score "
            "of samples).mean(), as in any GAN.",
        ),
        praise="One network, two questions: which class, and is it data at all.",
    )
)


# ---- 15.3 ---------------------------------------------------------------------------------------------------------

Q_LOGITS = torch.tensor([[2.0, 0.1, -1.0, 0.3], [0.2, 1.2, 0.4, -0.6], [0.0, 0.5, -0.2, 3.0]])
CODES = torch.tensor([0, 1, 1])  # their number is that of the columns, whichever were drawn


def _three(answer: Any) -> Any:
    return answer(Q_LOGITS, CODES)


INFORMATION = register(
    Exercise(
        id="15.3",
        reference=information,
        properties=(
            has_shape("number", _three, "The bound is one number, but the answer has shape {got}; take the mean.", ()),
            is_not(
                "no entropy",
                lambda v, c: -cross_entropy(v, c),
                _three,
                "This is E log Q(c|x), which is never above 0; the entropy of the codes, log K, is missing.",
            ),
            is_not(
                "loss",
                cross_entropy,
                _three,
                "This is the cross-entropy, small where Q is right; the bound is log K minus that.",
            ),
            is_not(
                "sign",
                lambda v, c: math.log(v.shape[1]) + cross_entropy(v, c),
                _three,
                "The sign of the second term is wrong: a Q that errs should lower the bound, not raise it.",
            ),
            is_not(
                "no logarithm",
                lambda v, c: math.log(v.shape[1]) + v.softmax(1).gather(1, c[:, None]).mean(),
                _three,
                "This adds the probabilities of Q themselves; the bound has their logarithms.",
            ),
            is_not(
                "raw logits",
                lambda v, c: math.log(v.shape[1]) + v.gather(1, c[:, None]).mean(),
                _three,
                "This adds the raw logits; log Q(c|x) is their log_softmax.",
            ),
            is_not(
                "log of the mean",
                lambda v, c: math.log(v.shape[1]) + v.softmax(1).gather(1, c[:, None]).mean().log(),
                _three,
                "This is the logarithm of a mean; the bound has the mean of the logarithms.",
            ),
            is_not(
                "number of rows",
                lambda v, c: math.log(len(v)) - cross_entropy(v, c),
                _three,
                "This has the logarithm of the number of rows; H(c) is the logarithm of the number of codes, which is "
                "the number of columns.",
            ),
            is_not(
                "bits",
                lambda v, c: information(v, c) / math.log(2),
                _three,
                "Right, but in bits: we ask for nats, with the natural logarithm.",
            ),
            is_not(
                "over the batch",
                lambda v, c: math.log(v.shape[1]) + log_softmax(v, 0).gather(1, c[:, None]).mean(),
                _three,
                "The softmax is taken over the batch; for each example the codes compete, so take dimension 1.",
            ),
            Property("answer", _three, "For our logits the bound is {expected}, but yours is {got}."),
            Property(
                "sure",
                lambda answer: answer(200 * torch.eye(5), torch.arange(5)),
                "For a Q that is sure and right about five codes the bound is log 5 = {expected}, but yours is {got}.",
            ),
        ),
        hints=(
            "K codes are drawn equally often. What is their entropy, in nats?",
            "log Q(c|x) is log_softmax of the logits at the code; its mean is minus a loss that torch has a name for.",
            "math.log(logits.shape[1]) - cross_entropy(logits, code).",
        ),
        praise="The bound is log K when Q is always right, and 0 when it only guesses.",
    )
)
