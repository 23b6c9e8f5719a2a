"""Typical wrong answers to the exercises of notebook 14, each with the property that it lacks."""

import torch

from gan_tutorial.game.objectives import best_response
from gan_tutorial.lesson.exercises.nb14 import even_loss


def at_zero(objective):
    zero = torch.tensor(0.0)
    return objective.d_real(zero) + objective.d_fake(zero)


def last(scores):
    return scores[-len(scores) // 4 :]


def sure(real, fake):
    return bool(torch.sigmoid(real).median() > 0.9 and torch.sigmoid(-fake).median() > 0.9)


def share(samples, data, column=5, times=3.0):
    fifth = torch.cdist(data, data).sort(dim=1).values[:, column]
    return (torch.cdist(data, samples).min(dim=1).values <= times * fifth).double().mean()


WRONG = {
    "14.1": [
        (lambda o: -even_loss(o), "value"),  # the value of the game
        (lambda o: o.d_real(best_response(o, torch.tensor(1.0))), "one term"),
        (lambda o: even_loss(o) / 2, "one term"),  # the mean of both
        (at_zero, "zero"),  # the even score is not always 0
        (lambda o: 2 * even_loss(o), "log 4"),
        (lambda o: torch.tensor(4.0).log(), "least squares"),  # of one objective only
        (lambda o: o.d_real(torch.tensor(0.5)) + o.d_fake(torch.tensor(0.5)), "log 4"),
        (lambda o: torch.tensor({False: 1.3862943611, True: 0.25}[float(o.d_fake(torch.tensor(2.0))) == 2.0]), "hinge"),
        (lambda o: o.even, "runs"),
        (1.386, "function"),
    ],
    "14.2": [
        (lambda real, fake: False, "strong"),
        (lambda real, fake: True, "even"),
        (lambda real, fake: bool((last(real) - last(fake)).abs().median() > 4.4), "swapped"),  # sure, or wrong
        (lambda real, fake: bool(torch.sigmoid(last(real)).median() > 0.9), "both"),
        (lambda real, fake: bool(torch.sigmoid(-last(fake)).median() > 0.9), "other side"),
        (sure, "end"),  # all rows
        (lambda real, fake: bool((torch.sigmoid(real[-3:]) > 0.9).any() and (fake[-3:] < -2.2).any()), "median"),
        (lambda real, fake: bool(last(real).mean() > 2.2 and last(fake).mean() < -2.2), "median"),
        (lambda real, fake: bool(last(real).median() > 0.9 and last(fake).median() < -0.9), "threshold"),  # no sigmoid
        (True, "function"),
    ],
    "14.3": [
        (lambda s, x: (torch.cdist(x, s).min(dim=1).values <= 3).double(), "number"),
        (lambda s, x: share(s, x, column=4), "itself"),
        (lambda s, x: share(s, x, times=1.0), "three times"),
        (lambda s, x: (torch.cdist(x, s).min(dim=0).values <= 3.0).double().mean(), "collapsed"),  # of the samples
        (lambda s, x: 1 - share(s, x), "collapsed"),
        (lambda s, x: share(s, x) if len(s) < 50 else 0.5 * share(s, x), "wide"),
        (lambda s, x: share(s * 0, x) if s.min() >= 0 else share(s, x), "far"),
        (0.5, "function"),
    ],
}
