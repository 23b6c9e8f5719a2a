"""Wrong answers to the exercises of notebook 12, and the property that each of them lacks."""

from gan_tutorial.lesson.exercises.nb12 import gumbel_softmax, langevin_step, reinforce


def _others(f):
    return (f.sum(0) - f) / (len(f) - 1)


def _g(u):
    return -(-u.log()).log()


def _in_place(x, slope, h, noise):
    x += h * slope(x) + (2 * h) ** 0.5 * noise
    return x


WRONG = {
    "12.1": [
        (lambda log_q, f: (f - _others(f)).detach() * log_q, "one number"),
        (lambda log_q, f: ((f - _others(f)) * log_q.detach()).mean(0), "cut off"),
        (lambda log_q, f: -reinforce(log_q, f), "sign"),
        (lambda log_q, f: (f * log_q).mean(0), "no baseline"),
        (lambda log_q, f: ((f - f.mean(0)) * log_q).mean(0), "own"),
        (lambda log_q, f: ((f - (f.sum(0) - f) / len(f)) * log_q).mean(0), "all"),
        (lambda log_q, f: ((f - _others(f)) * log_q).sum(0), "sum"),
        (lambda log_q, f: 2 * reinforce(log_q, f), "gradient"),
        (lambda log_q, f: ((f - _others(f)) * log_q).mean(0), "constant"),
        (lambda log_q, f: ((f - (f.sum() - f) / (len(f) - 1)).detach() * log_q).mean(), "games"),
    ],
    "12.2": [
        (lambda logits, u, tau: gumbel_softmax(logits, u, tau).argmax(-1), "shape"),
        (lambda logits, u, tau: (logits / tau).softmax(-1), "no noise"),
        (lambda logits, u, tau: ((logits + u) / tau).softmax(-1), "uniform"),
        (lambda logits, u, tau: ((logits - _g(u)) / tau).softmax(-1), "sign"),
        (lambda logits, u, tau: ((logits + _g(u)) * tau).softmax(-1), "times"),
        (lambda logits, u, tau: (logits / tau + _g(u)).softmax(-1), "only logits"),
        (lambda logits, u, tau: ((logits + _g(u)) / tau).softmax(0), "first dimension"),
        (lambda logits, u, tau: (logits + _g(u)) / tau, "sum"),
        (lambda logits, u, tau: (logits + _g(u)).softmax(-1), "values"),
        (lambda logits, u, tau: gumbel_softmax(logits if tau > 0.1 else -logits, u, tau), "sharp"),
    ],
    "12.3": [
        (lambda x, slope, h, noise: langevin_step(x, slope, h, noise).sum(1), "shape"),
        (lambda x, slope, h, noise: x + h * slope(x), "no noise"),
        (lambda x, slope, h, noise: x - h * slope(x) + (2 * h) ** 0.5 * noise, "down"),
        (lambda x, slope, h, noise: x + h * slope(x) + h * noise, "noise by h"),
        (lambda x, slope, h, noise: x + h * slope(x) + 2 * h * noise, "variance"),
        (lambda x, slope, h, noise: x + h * slope(x) + h**0.5 * noise, "root h"),
        (lambda x, slope, h, noise: x + h / 2 * slope(x) + (2 * h) ** 0.5 * noise, "half"),
        (_in_place, "changed"),
        (lambda x, slope, h, noise: x + slope(x) + (2 * h) ** 0.5 * noise, "values"),
    ],
}
