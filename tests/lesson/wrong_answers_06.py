"""Wrong answers to the exercises of notebook 06, and the property that each of them lacks."""

import torch

from gan_tutorial.lesson.exercises.nb06 import histogram_divergence, mixed_score, triangular, two_terms


def _through_log(real, fake):
    T = -torch.exp(-fake)
    return -torch.exp(-real).mean(), (-1 - torch.log(-T)).mean()


def _second_is(term):
    """The right first term, and a wrong second one: term(scores of samples)."""
    return lambda real, fake: (two_terms(real, fake)[0], term(fake))


def _first_is(term):
    return lambda real, fake: (term(real), two_terms(real, fake)[1])


def _with_exp(s):
    u = s.exp()
    return (u - 1) * (u + 3) / (u + 1) ** 2, (u - 1) * (3 * u + 1) / (u + 1) ** 2


def _f_in_place_of_its_slope(s):
    u = s.exp()
    return (u - 1) ** 2 / (u + 1), triangular(s)[1]


def _ratio_in_place_of_score(s):
    return (s - 1) * (s + 3) / (s + 1) ** 2, (s - 1) * (3 * s + 1) / (s + 1) ** 2


def _f_star_without_u(s):
    T, f_star_T = triangular(s)
    return T, T - (s.exp() * T - f_star_T)


def _f_star_negated(s):
    T, f_star_T = triangular(s)
    return T, -f_star_T


def _plain_logs(s, alpha, beta):
    r = s.exp()
    return torch.log(((1 - alpha) * r + beta) / (alpha * r + 1 - beta))


def _a_probability(s, alpha, beta):
    return mixed_score(s, alpha, beta).sigmoid()


def _exchanged(s, alpha, beta):
    return mixed_score(s, beta, alpha)


def _ceiling_only(s, alpha, beta):
    return mixed_score(s, alpha, 0.0)


def _clamped(s, alpha, beta):
    top = torch.tensor((1 - alpha) / max(alpha, 1e-300), dtype=s.dtype).log()
    return torch.minimum(s, top)


def _averaged(s, alpha, beta):
    return mixed_score(s, (alpha + beta) / 2, (alpha + beta) / 2) if alpha and beta else mixed_score(s, alpha, beta)


def _shares(x, fake, edges, **options):
    return [torch.bincount(torch.bucketize(v, edges), **options).double() for v in (x, fake)]


def _counts(f, x, fake, edges):
    P, Q = _shares(x, fake, edges, minlength=len(edges) + 1)
    met = Q > 0
    return (Q[met] * f(P[met] / Q[met])).sum() / len(fake)


def _one_bin_missing(f, x, fake, edges):
    P, Q = (v[: len(edges)] for v in _shares(x, fake, edges, minlength=len(edges) + 1))
    P, Q = P / len(x), Q / len(fake)
    met = Q > 0
    return (Q[met] * f(P[met] / Q[met])).sum()


def _reversed(f, x, fake, edges):
    return histogram_divergence(f, fake, x, edges)


def _both_must_be_there(f, x, fake, edges):
    P, Q = _shares(x, fake, edges, minlength=len(edges) + 1)
    P, Q = P / len(x), Q / len(fake)
    met = (Q > 0) & (P > 0)
    return (Q[met] * f(P[met] / Q[met])).sum()


def _all_bins(f, x, fake, edges):
    P, Q = _shares(x, fake, edges, minlength=len(edges) + 1)
    P, Q = P / len(x), Q / len(fake)
    return (Q * f(P / Q)).sum()


def _without_q(f, x, fake, edges):
    P, Q = _shares(x, fake, edges, minlength=len(edges) + 1)
    P, Q = P / len(x), Q / len(fake)
    return f(P / Q).sum()


# (answer, name of the first property that it lacks)
WRONG = {
    "6.1": [
        (lambda real, fake: two_terms(real, fake)[0] - two_terms(real, fake)[1], "two means"),
        (lambda real, fake: (-torch.exp(-real), fake - 1), "two means"),
        (lambda real, fake: two_terms(fake, real), "exchanged"),
        (lambda real, fake: (-torch.exp(-real).sum(), (fake - 1).sum()), "sums"),
        (_first_is(lambda s: torch.exp(-s).mean()), "loss in place of bound"),
        (_first_is(lambda s: s.mean()), "score in place of slope"),
        (_first_is(lambda s: -torch.exp(s).mean()), "first term"),
        (_first_is(lambda s: -torch.exp(-s.mean())), "first term"),
        (_second_is(lambda s: -torch.exp(-s).mean()), "T in place of f*"),
        (_second_is(lambda s: (1 - s).mean()), "negated"),
        (_second_is(lambda s: (-1 - torch.log(s.abs())).mean()), "second term"),
        (_second_is(lambda s: s.mean()), "second term"),
        (_through_log, "far scores"),
    ],
    "6.2": [
        (_without_q, "three bins"),
        (_reversed, "exchanged"),
        (_one_bin_missing, "unequal numbers"),
        (_counts, "unequal numbers"),
        (_both_must_be_there, "the last bin"),
        (_all_bins, "an empty bin"),
    ],
    "6.3": [
        (lambda s: triangular(s)[0], "two functions"),
        (_ratio_in_place_of_score, "score zero"),
        (_f_in_place_of_its_slope, "f in place of its slope"),
        (lambda s: triangular(s)[::-1], "exchanged"),
        (lambda s: tuple(-v for v in triangular(s)), "slope"),
        (_f_star_without_u, "touches f"),
        (_f_star_negated, "touches f"),
        (_with_exp, "far scores"),
    ],
    "6.4": [
        (_a_probability, "no mixing"),
        (_exchanged, "exchanged"),
        (_clamped, "smoothing"),
        (_ceiling_only, "flipping"),
        (_averaged, "unequal"),
        (_plain_logs, "far ratios"),
    ],
}
