"""Wrong answers to the exercises of notebook 03, and the property that each of them lacks."""

import math

import torch
from torch.nn.functional import softplus

from gan_tutorial.lesson.exercises.nb03 import batch, d_loss, g_loss, slerp, training_step


def _per_score(real_score, fake_score):
    return softplus(-real_score) + softplus(fake_score)


def _halved(real_score, fake_score):
    return (softplus(-real_score).mean() + softplus(fake_score).mean()) / 2


def _fake_before_real(real_score, fake_score):
    return softplus(real_score).mean() + softplus(-fake_score).mean()


def _one_mean(real_score, fake_score):
    return 2 * torch.cat([softplus(-real_score), softplus(fake_score)]).mean()


def _of_probabilities(real_score, fake_score):
    return -real_score.sigmoid().log().mean() - (1 - fake_score.sigmoid()).log().mean()


def _with_epsilon(real_score, fake_score):
    return -(real_score.sigmoid() + 1e-8).log().mean() - (1 - fake_score.sigmoid() + 1e-8).log().mean()


def _without_channel(images, n):
    return batch(images, n)[:, 0]


def _doubles(images, n):
    return batch(images, n).double()


def _unit_interval(images, n):
    return (batch(images, n) + 1) / 2


def _black_or_white(images, n):
    return torch.where(batch(images, n) > 0, 1.0, -1.0)


def _mixes_pixels(images, n):
    flat = images.flatten()[torch.randint(images.numel(), (n * 784,))]
    return (flat.float() / 127.5 - 1).view(n, 1, 28, 28)


def _first_ones(images, n):
    return (images[torch.arange(n) % 2 % len(images)].float() / 127.5 - 1).unsqueeze(1)


def _always_the_same(images, n):
    index = torch.arange(n) % len(images)
    return (images[index].float() / 127.5 - 1).unsqueeze(1)


def _spoils(images, n):
    x = batch(images, n)
    images.zero_()
    return x


def _lerp(a, b, t):
    return (1 - t) * a + t * b


def _normed_lerp(a, b, t):
    x = _lerp(a, b, t)
    return x / x.norm() * ((1 - t) * a.norm() + t * b.norm())


def _undivided(a, b, t):
    angle = torch.acos(a @ b / (a.norm() * b.norm()))
    return torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b


def _of_directions(a, b, t):
    return slerp(a / a.norm(), b / b.norm(), t)


def _directions_then_length(a, b, t):
    return _of_directions(a, b, t) * ((1 - t) * a.norm() + t * b.norm())


def _in_degrees(a, b, t):
    angle = torch.acos(a @ b / (a.norm() * b.norm())) * 180 / math.pi
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def _always_detached(G, D, g_opt, d_opt, batches, latent):
    def cut(z):
        return G(z).detach()

    return training_step(cut, D, g_opt, d_opt, batches, latent)


def _step(detach=True, d_zero=True, g_zero=True, swapped=False, g_of=g_loss, reuse=False, back="dg"):
    """A training step with something amiss."""

    def step(G, D, g_opt, d_opt, batches, latent):
        for x in batches:
            z = latent(len(x))
            fake = G(z).detach() if detach else G(z)
            d = d_loss(D(fake), D(x)) if swapped else d_loss(D(x), D(fake))
            if d_zero:
                d_opt.zero_grad()
            d.backward()
            d_opt.step()
        g = g_of(D(G(z if reuse else latent(len(x)))))
        if g_zero:
            g_opt.zero_grad()
        g.backward()
        g_opt.step()
        return {"dg": (d, g), "gd": (g, d), "d": d, "sum": (d + g, g)}[back]

    return step


def _both_in_the_loop(G, D, g_opt, d_opt, batches, latent):
    for x in batches:
        losses = training_step(G, D, g_opt, d_opt, [x], latent)
    return losses


def _g_first(G, D, g_opt, d_opt, batches, latent):
    g = g_loss(D(G(latent(len(batches[0])))))
    g_opt.zero_grad()
    g.backward()
    g_opt.step()
    for x in batches:
        d = d_loss(D(x), D(G(latent(len(x))).detach()))
        d_opt.zero_grad()
        d.backward()
        d_opt.step()
    return d, g


def _one_sum(G, D, g_opt, d_opt, batches, latent):
    for x in batches:
        d = d_loss(D(x), D(G(latent(len(x))).detach()))
        d_opt.zero_grad()
        last = x is batches[-1]
        if last:
            g = g_loss(D(G(latent(len(x)))))
            g_opt.zero_grad()
        (d + g if last else d).backward()
        d_opt.step()
    g_opt.step()
    return d, g


def _same_time(G, D, g_opt, d_opt, batches, latent):
    for x in batches:
        d = d_loss(D(x), D(G(latent(len(x))).detach()))
        d_opt.zero_grad()
        d.backward()
        if x is batches[-1]:  # G answers the old D
            g = g_loss(D(G(latent(len(x)))))
            g_opt.zero_grad()
            g.backward(inputs=[*G.parameters()])
        d_opt.step()
    g_opt.step()
    return d, g


def _wipes(G, D, g_opt, d_opt, batches, latent):
    for x in batches:
        d = d_loss(D(x), D(G(latent(len(x))).detach()))
        d.backward()
        d_opt.zero_grad()
        d_opt.step()
    g = g_loss(D(G(latent(len(x)))))
    g.backward()
    g_opt.zero_grad()
    g_opt.step()
    return d, g


def _sixty_four(G, D, g_opt, d_opt, batches, latent):
    return training_step(G, D, g_opt, d_opt, batches, lambda n: latent(64)[:n])


def _saturating(s):
    return -softplus(s).mean()


# (answer, name of the first property that it lacks)
WRONG = {
    "3.2": [
        ((_per_score, g_loss), "a number each"),
        ((_halved, g_loss), "undecided D"),
        ((lambda r, f: -d_loss(r, f), g_loss), "undecided D"),
        ((_fake_before_real, g_loss), "D who is right"),
        ((_one_mean, g_loss), "means apart"),
        ((_of_probabilities, g_loss), "large scores"),
        ((_with_epsilon, g_loss), "large scores"),
        ((lambda r, f: d_loss(r, f.detach()), g_loss), "slopes of d_loss"),
        ((lambda r, f: d_loss(r.detach(), f), g_loss), "slopes of d_loss"),
        ((d_loss, lambda f: -softplus(f).mean()), "undecided D, for G"),
        ((d_loss, lambda f: softplus(f).mean()), "strong slope"),
        ((d_loss, lambda f: -f.sigmoid().log().mean()), "large scores, for G"),
    ],
    "3.1": [
        (_without_channel, "shape"),
        (_doubles, "type"),
        (_unit_interval, "range"),
        (lambda images, n: batch(images, n) * 127.5, "range"),
        (_black_or_white, "between"),
        (_mixes_pixels, "whole pictures"),
        (_first_ones, "every picture"),
        (_always_the_same, "fresh"),
        (_spoils, "untouched"),
    ],
    "3.3": [
        (_step(back="d"), "two losses"),
        (_both_in_the_loop, "order of moves"),
        (_g_first, "order of moves"),
        (_step(reuse=True), "fresh latents"),
        (_sixty_four, "fresh latents"),
        (_always_detached, "G's own move"),
        (_step(detach=False), "detach"),
        (_step(detach=False, g_zero=False), "detach"),
        (_step(back="gd"), "which is which"),
        (_step(swapped=True), "labels"),
        (_wipes, "labels"),
        (_step(g_of=lambda s: -g_loss(s)), "G's direction"),
        (_step(g_of=lambda s: softplus(s).mean()), "G's direction"),
        (_step(g_of=_saturating), "saturating"),
        (_one_sum, "D's move"),
        (_same_time, "G's move"),
        (_step(d_zero=False), "zero_grad of D"),
        (_step(g_zero=False), "zero_grad of G"),
        (_step(back="sum"), "values"),
    ],
    "3.4": [
        (_lerp, "length"),
        (_normed_lerp, "even steps"),
        (_undivided, "ends"),
        (_of_directions, "ends"),
        (_directions_then_length, "unequal lengths"),
        (_in_degrees, "length"),
        (lambda a, b, t: slerp(b, a, t), "ends"),
        (lambda a, b, t: slerp(a, b, t).norm(), "shape"),
    ],
}
