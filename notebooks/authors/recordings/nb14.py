"""Notebook 14: trainings that are well and trainings made ill, on points of the plane and on FashionMNIST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_tutorial.clothes import recipes, score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8, to_unit
from gan_tutorial.game import Diverged, Game, train
from gan_tutorial.game.networks import SideBySide, mlp
from gan_tutorial.game.objectives import OBJECTIVES, Objective, squared_gradient_norm, wasserstein
from gan_tutorial.lesson.diagnosis import compare
from gan_tutorial.truth import densities
from recordings.plan import Setting

LAWS = {
    "ring": (partial(densities.Ring, 8, radius=1.0, sd=0.05), 1.0),
    "grid": (partial(densities.Grid, side=3, step=0.8, sd=0.06), 1.0),
    "moons": (densities.TwoMoons, 1.0),
    "roll": (partial(densities.SwissRoll, noise=0.5), 1 / 12),
}
EVERY = 10  # steps between two rows of a history
SEEN = 256  # samples of each look

# A training that is well. What is ill differs from it in what is named.
WELL: dict[str, Any] = {
    "data": "ring",
    "objective": "non_saturating",
    "penalty": "R1",  # with a weight of 0.1
    "steps": 1500,
    "batch_size": 64,
    "d_lr": 2e-3,
    "g_lr": 2e-3,
    "beta1": 0.0,
    "d_steps": 1,
    "d_width": 64,
    "d_from": 0,  # the step from which D plays; until then G learns mean and variance of the data by another loss
    "away": 0.0,  # how far G's samples are moved to the right and up
    "tanh": False,  # at the end of G
    "times": 1.0,  # what the data are multiplied with
    "labels": "right",
    "sign": 1.0,  # of G's loss
    "batch_norm": False,  # in D
}
GP = {"objective": "wasserstein", "penalty": "GP", "d_steps": 3}

ILL: dict[str, dict[str, Any]] = {
    "D too strong": {"penalty": "", "g_lr": 1e-5, "d_lr": 5e-3, "d_steps": 2},
    "D too weak": {"d_width": 2},
    "D too slow": {"d_lr": 2e-6},
    "saturation": {"objective": "minimax", "penalty": "", "d_lr": 5e-3, "g_lr": 1e-4, "d_steps": 3, "away": 3.0},
    "collapse": {"penalty": "", "g_lr": 5e-3, "d_lr": 5e-4, "beta1": 0.5},
    "step too large": {"penalty": "", "g_lr": 3e-2, "d_lr": 3e-2},
    "momentum too high": {"penalty": "", "beta1": 0.95},
    "no bound on the slope": GP | {"penalty": ""},
    "batch norm in D": GP | {"batch_norm": True},
    "wrong label": {"labels": "swapped"},
    "wrong sign": {"sign": -1.0},
    "wrong range": {"tanh": True, "times": 4.0},
}
LATE = {"d_from": 300}


def points(changed: dict[str, Any], looks: int, seeds: list[int]) -> list[dict[str, Any]]:
    """Train all seeds side by side.  -> of each its history (rows, 4), its samples at each look, and their scores"""
    how = WELL | changed
    torch.manual_seed(1000 * seeds[0] + len(seeds) + how.get("base", 0))
    K, n = len(seeds), how["batch_size"] * len(seeds)
    law, scale = LAWS[how["data"]]
    law, scale = law(), scale * how["times"]
    net = SideBySide(K, [2, 64, 64, 2])
    D_of = NormedSideBySide if how["batch_norm"] else SideBySide
    critic = D_of(K, [2, how["d_width"], how["d_width"], 1], partial(nn.LeakyReLU, 0.2))
    adam = partial(torch.optim.Adam, betas=(how["beta1"], 0.999), fused=True)
    g_opt, d_opt = adam(net.parameters(), lr=how["g_lr"]), adam(critic.parameters(), lr=how["d_lr"])
    objective = wasserstein if how["objective"] == "wasserstein" else OBJECTIVES[how["objective"]]
    objective = replace(objective, penalty=None)  # ours has a row of its own for each network
    penalty = PENALTIES[how["penalty"]]

    def G(z: Tensor) -> Tensor:
        x = net(z)
        return (x.tanh() if how["tanh"] else x) + how["away"]

    def D(x: Tensor) -> Tensor:
        return critic(x).squeeze(1)

    history, pictures, scores = [], [], []
    for step in range(1, how["steps"] + 1):
        on = step > how["d_from"]
        for _ in range(how["d_steps"]):
            x = law.sample(n) * scale
            with torch.no_grad():
                fake = G(torch.randn(n, 2))
            real_score, fake_score = D(torch.cat([x, fake])).chunk(2)
            s, t = (real_score, fake_score) if how["labels"] == "right" else (fake_score, real_score)
            s, t = objective._read(s, t)
            d_loss = on * (objective.d_real(s) + objective.d_fake(t) + penalty(D, x, fake))
            if on:
                d_opt.zero_grad()
                d_loss.mean().backward(inputs=list(critic.parameters()))
                d_opt.step()
        fake = G(torch.randn(n, 2))
        g_loss = how["sign"] * objective.g_fake(objective._read(real_score.detach(), D(fake))[1])
        g_opt.zero_grad()
        (g_loss.mean() if on else _moments(fake, K)).backward(inputs=list(net.parameters()))
        g_opt.step()
        if step % EVERY == 0:
            costs = torch.stack([d_loss, g_loss, real_score, fake_score]).detach()
            history.append(costs.view(4, -1, K).mean(1))
        if step % (how["steps"] // looks) == 0:
            with torch.no_grad():
                seen = G(torch.randn(SEEN * K, 2)).view(SEEN, K, 2).transpose(0, 1)
            pictures.append(seen.clone())
            scores.append([_judge(mine / scale, law) for mine in seen])
    rows, pictures = torch.stack(history).permute(2, 0, 1).numpy(), torch.stack(pictures, 1).half().numpy()
    return [
        {
            "history": np.ascontiguousarray(rows[k], np.float32),
            "samples": pictures[k],
            "energy": [row[k][0] for row in scores],
            "hit": [row[k][1] for row in scores],
            "share": [row[k][2] for row in scores],
        }
        for k in range(K)
    ]


class NormedSideBySide(SideBySide):
    """The same with batch norm before each activation, over the batch of each network."""

    def forward(self, x: Tensor) -> Tensor:
        h = x.unflatten(0, (-1, self.k)).transpose(0, 1)
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            if i:
                var, mean = torch.var_mean(h, 1, keepdim=True, correction=0)
                h = self.activation((h - mean) / (var + 1e-5).sqrt())
            h = torch.baddbmm(b, h, W)
        return h.transpose(0, 1).flatten(0, 1)


def _none(D: Callable, x: Tensor, fake: Tensor) -> Tensor:
    return x.new_zeros(len(x))


def _r1(D: Callable, x: Tensor, fake: Tensor) -> Tensor:
    return 0.05 * squared_gradient_norm(D, x)


def _r1_r2(D: Callable, x: Tensor, fake: Tensor) -> Tensor:
    return 0.05 * (squared_gradient_norm(D, x) + squared_gradient_norm(D, fake))


def _two_sided(D: Callable, x: Tensor, fake: Tensor) -> Tensor:
    slope = (squared_gradient_norm(D, torch.lerp(x, fake, torch.rand(len(x), 1))) + 1e-12).sqrt()
    return (slope - 1).square()


PENALTIES: dict[str, Callable] = {"": _none, "R1": _r1, "R1 and R2": _r1_r2, "GP": _two_sided}


def _moments(fake: Tensor, K: int) -> Tensor:
    """How far mean and variances of the samples are from 0 and 1/2, those of the ring."""
    mine = fake.view(-1, K, 2)
    return (mine.mean(0).square() + (mine.var(0) - 0.5).square()).sum()


def _judge(samples: Tensor, law: Any) -> tuple[float, int, float]:
    """Energy distance to as many data, over that of the data's spread; modes hit; share of the samples in a mode."""
    x = law.sample(len(samples))
    within = torch.cdist(x, law.sample(len(samples))).mean()
    own = torch.cdist(samples, samples).sum() / (len(samples) * (len(samples) - 1))
    energy = float((2 * torch.cdist(x, samples).mean() - own - within) / within)
    if not hasattr(law, "mode_counts"):
        return round(energy, 4), -1, -1.0
    return round(energy, 4), law.modes_hit(samples), round(float(law.mode_counts(samples).sum()) / len(samples), 4)


# ---- FashionMNIST -------------------------------------------------------------------------------------------------

CLOTHES = {"objective": "non_saturating", "steps": 500, "batch_size": 64, "d_lr": 5e-4, "g_lr": 5e-4, "beta1": 0.0}


def clothes(changed: dict[str, Any], looks: int, seed: int) -> dict[str, Any]:
    """Train the recipe `mlp` once.  -> its history (rows, 4), FFD at each look, and samples"""
    how = CLOTHES | changed
    images = fashion_mnist()
    game = recipes.fashion_game(images, recipes.mlp, seed=seed)
    for opt, lr in ((game.d_opt, how["d_lr"]), (game.g_opt, how["g_lr"])):
        opt.param_groups[0] |= {"lr": lr, "betas": (how["beta1"], 0.999)}
    history, ffd, broke = [], [], 0
    try:
        for step in train(game, OBJECTIVES[how["objective"]], steps=how["steps"], batch_size=how["batch_size"]):
            if step.n % EVERY == 0:
                history.append([float(value) for value in step[1:]])
            if step.n % (how["steps"] // looks) == 0 or step.n == EVERY:
                ffd.append((step.n, round(score.ffd(_drawn(game, 2_000, seed)), 2)))
    except Diverged:
        broke = game.step
    shown = _drawn(game, 256, seed).numpy()[:, ::2, ::2]  # each second pixel
    pictures = _drawn(game, 25, seed).numpy()
    rows = np.array(history, np.float32).reshape(-1, 4)
    return {"history": rows, "ffd": ffd, "diverged": broke, "coarse": np.ascontiguousarray(shown), "samples": pictures}


def _drawn(game: Any, n: int, seed: int) -> Tensor:
    torch.manual_seed(seed)
    return to_uint8(game.sample(n))


# ---- FashionMNIST, made ill ---------------------------------------------------------------------------------------

ROWS = 20  # steps between two rows, as `gan-tutorial train` has them
WORN: dict[str, Any] = {
    "net": "mlp",  # networks of `gan_tutorial.clothes.recipes`
    "objective": "non_saturating",  # with its own penalty, if it has one
    "steps": 400,
    "batch_size": 64,
    "d_lr": 5e-4,
    "g_lr": 5e-4,
    "beta1": 0.0,
    "d_steps": 1,
    "labels": "right",
    "sign": 1.0,  # of G's loss
    "batch_norm": False,  # in D
    "low": -1.0,  # what black is for D,
    "high": 1.0,  # and white
    "end": "tanh",  # of G
    "base": 0,  # added to the seed
}
CONV = {"net": "conv", "batch_size": 32, "d_lr": 2e-3, "g_lr": 2e-3}
CRITIC = {"d_steps": 3, "steps": 240}
SHORT = {"steps": 300}

TORN: dict[str, dict[str, Any]] = {
    "D too strong": SHORT | {"d_lr": 2e-3, "g_lr": 1e-5, "d_steps": 2},
    "D too slow": SHORT | {"d_lr": 5e-8},
    "saturation": SHORT | {"objective": "minimax", "d_lr": 2e-3, "g_lr": 2e-5, "d_steps": 2},
    "collapse": SHORT | {"d_lr": 1e-4, "g_lr": 2e-2, "beta1": 0.5},
    "step too large": SHORT | {"d_lr": 2e-2, "g_lr": 2e-2},
    "momentum too high": SHORT | {"beta1": 0.95},
    "no bound on the slope": CRITIC | {"objective": "wasserstein"},
    "batch norm in D": CRITIC | {"objective": "wgan_gp", "batch_norm": True},
    "wrong label": SHORT | {"labels": "swapped"},
    "wrong sign": SHORT | {"sign": -1.0},
    "wrong range": SHORT | {"low": 0.0, "high": 255.0},
}


def dress(changed: dict[str, Any], kept: int, every: int, seed: int) -> dict[str, Any]:
    """Train once, and see what `gan-tutorial train` would show to `diagnose`.  -> history (rows, 4), what samples and
    data look like side by side, FFD, and some pictures: so many, each so-manieth pixel
    """
    how, images = WORN | changed, fashion_mnist()
    seed += how["base"]
    game = recipes.fashion_game(images, recipes.NETS[how["net"]], seed=seed)
    if how["batch_norm"]:
        torch.manual_seed(seed)
        layers = mlp([784, 512, 256, 1], partial(nn.LeakyReLU, 0.2), norm=True)
        critic = nn.Sequential(nn.Flatten(), layers, nn.Flatten(0))
        game = Game.with_adam(game.G, critic, game.data, game.latent, seed=seed)
    if how["end"] == "sigmoid":
        for net in (game.G, game.ema):
            net.body[[type(layer) for layer in net.body].index(nn.Tanh)] = nn.Sigmoid()
    for opt, lr in ((game.d_opt, how["d_lr"]), (game.g_opt, how["g_lr"])):
        opt.param_groups[0] |= {"lr": lr, "betas": (how["beta1"], 0.999)}
    pictures, reach = game.data, (how["high"] - how["low"]) / 2

    def scaled(x: Tensor) -> Tensor:
        return (x + 1) * reach + how["low"]

    if (how["low"], how["high"]) != (-1, 1):
        game.data = lambda n: (scaled(pictures(n)[0]),)
    history, broke = [], 0
    moves = {"steps": how["steps"], "batch_size": how["batch_size"], "d_steps": how["d_steps"], "every": ROWS}
    try:
        for step in train(game, _harmed(how), **moves):
            history.append((step.n, *map(float, step[1:])))
    except Diverged:
        broke = game.step
    rows = np.array([row[1:] for row in history if row[0] <= game.step], np.float32).reshape(-1, 4)
    torch.manual_seed(seed)
    made = game.sample(1000)
    seen = compare(made[:500], scaled(to_unit(images.test_images)))
    undone = to_uint8(((made - how["low"]) / reach - 1).nan_to_num())  # as a person would look at them
    return {
        "history": rows,
        "seen": {name: round(value, 4) for name, value in seen.items()},
        "ffd": round(score.ffd(undone), 2),
        "diverged": broke,
        "samples": np.ascontiguousarray(undone[:kept].numpy()[:, ::every, ::every]),
    }


def _harmed(how: dict[str, Any]) -> Objective:
    """What is trained with; the objective that a person believes to be trained with is `how["objective"]`."""
    objective = OBJECTIVES.get(how["objective"], wasserstein)
    if how["labels"] == "swapped":
        objective = replace(objective, d_real=objective.d_fake, d_fake=objective.d_real)
    if how["sign"] < 0:
        curve = objective.g_fake
        objective = replace(objective, g_fake=lambda s: -curve(s))
    return objective


# ---- What is recorded ---------------------------------------------------------------------------------------------


def clinic() -> Iterator[Setting]:
    """The runs that thresholds are set on: the ring, healthy and made ill in each way."""
    told = {"healthy": {}, "healthy, no penalty": {"penalty": "", "d_lr": 1e-3, "g_lr": 1e-3}, "healthy, WGAN-GP": GP}
    for name, changed in (told | ILL | {"D switched on late": LATE}).items():
        yield Setting(name, partial(points, changed, 10), together=True, numbers=WELL | changed)


def held_out() -> Iterator[Setting]:
    """The runs that they are tested on: other data and other objectives, mostly from the same random starts."""
    hinge, ls, minimax = ({"objective": name} for name in ("hinge", "least_squares", "minimax"))
    paired = {"objective": "rpgan", "penalty": "R1 and R2"}
    grid, moons, roll = ({"data": name} for name in ("grid", "moons", "roll"))
    healthy = {
        "non-saturating, ring": {"base": 7},
        "non-saturating, grid": grid,
        "non-saturating, moons": moons,
        "non-saturating, roll": roll,
        "non-saturating, momentum 0.5, grid": grid | {"beta1": 0.5},
        "no penalty, moons": moons | {"penalty": "", "d_lr": 1e-3, "g_lr": 1e-3},
        "hinge, ring": hinge,
        "hinge, moons": hinge | moons,
        "least squares, grid": ls | grid,
        "minimax, ring": minimax,
        "paired, ring": paired,
        "paired, roll": paired | roll,
        "KL, gentle, grid": {"objective": "gentle_kl"} | grid,
        "WGAN-GP, moons": GP | moons,
        "WGAN-GP, grid": GP | grid,
    }
    for name, changed in healthy.items():
        numbers = WELL | changed | {"cause": "healthy"}
        yield Setting(name, partial(points, changed, 1), 4, together=True, numbers=numbers)
    ill = [
        ("D too strong", "hinge, grid", hinge | grid),
        ("D too strong", "least squares, ring", ls),
        ("D too weak", "hinge, moons", hinge | moons),
        ("D too weak", "non-saturating, grid", grid),
        ("D too slow", "hinge, grid", hinge | grid),
        ("D too slow", "non-saturating, ring", {"base": 7}),
        ("saturation", "minimax, grid", grid),
        ("collapse", "non-saturating, grid", grid),
        ("collapse", "paired, ring", {"objective": "rpgan"}),
        ("step too large", "non-saturating, grid", grid),
        ("step too large", "hinge, ring", hinge),
        ("momentum too high", "non-saturating, moons", moons),
        ("momentum too high", "least squares, grid", ls | grid),
        ("no bound on the slope", "grid", grid),
        ("no bound on the slope", "moons", moons),
        ("batch norm in D", "grid", grid),
        ("batch norm in D", "moons", moons),
        ("wrong label", "hinge, grid", hinge | grid),
        ("wrong label", "paired, moons", paired | moons),
        ("wrong sign", "hinge, grid", hinge | grid),
        ("wrong sign", "least squares, roll", ls | roll),
        ("wrong range", "hinge, ring", hinge),
        ("wrong range", "non-saturating, grid", grid),
        ("D switched on late", "hinge, ring", hinge),
    ]
    for cause, where, other in ill:
        changed = (ILL | {"D switched on late": LATE})[cause] | other
        numbers = WELL | changed | {"cause": cause}
        yield Setting(f"{cause}: {where}", partial(points, changed, 1), together=True, numbers=numbers)


def garments() -> Iterator[Setting]:
    """The recipe `mlp` on FashionMNIST: with equal steps, and with a quick D."""
    for name, changed in {"healthy": {}, "healthy, a quick D": {"d_lr": 1e-3, "g_lr": 2e-4}}.items():
        numbers = CLOTHES | changed | {"cause": "healthy", "looks": 5}
        yield Setting(name, partial(clothes, changed, 5), numbers=numbers)


def worn() -> Iterator[Setting]:
    """FashionMNIST, healthy and made ill in each way: what the rules were mended on, and what the notebook shows."""
    healthy = {
        "healthy, MLP": {},
        "healthy, convolutions": CONV,
        "healthy, R1": {"objective": "r1"},
        "healthy, WGAN-GP": CRITIC | {"objective": "wgan_gp"},
    }
    for name, changed in healthy.items():
        yield Setting(name, partial(dress, changed, 16, 1), numbers=WORN | changed | {"cause": "healthy"})
    for name, changed in (TORN | {"range [0, 1]": {"low": 0.0}}).items():
        if name not in ("saturation", "no bound on the slope", "batch norm in D", "wrong label"):  # as in the plane
            yield Setting(name, partial(dress, changed, 16, 1), numbers=WORN | changed | {"cause": name})


def worn_held_out() -> Iterator[Setting]:
    """FashionMNIST with other seeds, objectives, networks and step sizes: no rule was made on these."""
    hinge, ls = {"objective": "hinge"}, {"objective": "least_squares"}
    healthy = {
        "MLP": {},
        "MLP, a quick D": {"d_lr": 1e-3, "g_lr": 2e-4},
        "MLP, steps doubled": {"d_lr": 1e-3, "g_lr": 1e-3},
        "MLP, momentum 0.5": {"d_lr": 2e-4, "g_lr": 2e-4, "beta1": 0.5},
        "MLP, hinge": hinge,
        "MLP, paired": {"objective": "r3gan"},
        "MLP, WGAN-LP": CRITIC | {"objective": "wgan_lp"},
        "convolutions": CONV,
        "convolutions, R1": CONV | {"objective": "r1"},
        "convolutions, least squares": CONV | ls,
    }
    ill = [
        ("D too strong", "convolutions", CONV | {"d_lr": 5e-3, "g_lr": 2e-5}),
        ("D too slow", "hinge, MLP", hinge),
        ("saturation", "convolutions", CONV | {"d_lr": 5e-3, "g_lr": 2e-5}),
        ("collapse", "MLP, hinge", hinge),
        ("step too large", "convolutions", CONV | {"d_lr": 3e-2, "g_lr": 3e-2}),
        ("momentum too high", "convolutions", CONV),
        ("batch norm in D", "MLP, WGAN-LP", {"objective": "wgan_lp"}),
        ("wrong label", "convolutions, hinge", CONV | hinge),
        ("wrong sign", "MLP, least squares", ls),
        ("wrong range", "MLP, sigmoid", {"end": "sigmoid", "low": -1.0, "high": 1.0}),
    ]
    for cause, where, other in ill:
        numbers = WORN | TORN[cause] | other | {"base": 50, "steps": 200}
        yield Setting(f"{cause}: {where}", partial(dress, numbers, 9, 2), 1, numbers=numbers | {"cause": cause})
    for name, changed in healthy.items():
        numbers = WORN | changed | {"base": 50}
        yield Setting(name, partial(dress, numbers, 9, 2), 2, numbers=numbers | {"cause": "healthy"})


RECORDINGS = {
    "14_clinic": clinic,
    "14_held_out": held_out,
    "14_garments": garments,
    "14_clothes": worn,
    "14_clothes_held_out": worn_held_out,
}
