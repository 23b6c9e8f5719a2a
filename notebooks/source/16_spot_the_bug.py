# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 16 · Bugs in GAN code: the training looks fine, and is wrong
#
# **What you'll do.** You read short pieces of GAN code with mistakes of the kind that was met in public code, and write the checks that find them.
#
# **What you'll learn**
#
# - why neither a calm curve nor a picture shows that the code is right
# - to name the *property* that a piece of code should have, and to test it in a second, without any training
# - five ways to test: known values, slopes, one example at a time, a spy, two steps
# - twelve checks for a loop of your own
#
# **What you'll need.** A little PyTorch: tensors, autograd, an optimiser's step. We say what a GAN is as we go; [03](03_train_a_gan.ipynb) does it at length.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import math
import warnings
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import softplus

from gan_tutorial.clothes import recipes, score
from gan_tutorial.clothes.data import fashion_mnist, to_unit
from gan_tutorial.game import Game, loop, networks, objectives
from gan_tutorial.lesson import checks, figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.exercises.nb16 import PLACES, SPECIMENS
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb16
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth.densities import Normal
from gan_tutorial.truth.divergences import empirical_w1

# %% tags=["setup"]
torch.set_num_threads(1)  # the networks are tiny: a second thread would only wait
torch.set_flush_denormal(True)
images = fashion_mnist()
figures.use_style(images.notice)
profile = choose(PROFILE)
ledger = Ledger("16")
torch.manual_seed(SEED);

# %% [markdown]
# ## Guess first
#
# A [generator](glossary.md#generator) $G$ turns noise into [samples](glossary.md#sample). A [discriminator](glossary.md#discriminator) $D$ gives [data](glossary.md#data) and samples a [score](glossary.md#score), any real number, high for "this is data". Both are trained in turn, on [losses](glossary.md#loss) that are functions of scores. With $D$'s probability $\sigma(s) = 1/(1 + e^{-s})$ for "data" and [softplus](glossary.md#softplus), $\log(1 + e^s)$,
#
# $$L_D = \underbrace{\mathrm{softplus}(-s_\text{real})}_{-\log \sigma(s_\text{real})} + \underbrace{\mathrm{softplus}(s_\text{fake})}_{-\log (1 - \sigma(s_\text{fake}))}, \qquad L_G = \mathrm{softplus}(-s_\text{fake}),$$
#
# averaged over a batch. When samples are like data, the [best](glossary.md#best-response) that $D$ can do is to give 0 to everything, and $L_D = 2 \log 2 \approx 1.386$.
#
# Here are three such games: the same data (two [modes](glossary.md#mode) on the line), networks, optimiser and random numbers, and five [seeds](glossary.md#seed) each. **In one of them the code is right. In two it is not; both mistakes were met in public code.**

# %%
K = 5  # seeds, side by side in one batch


def data(n):
    """Two modes on the line, at -2 and 2.  -> (n, 1)"""
    return 4 * torch.randint(2, (n, 1)) - 2 + 0.5 * torch.randn(n, 1)


def players():
    """K small G, K small D, and an optimiser for either side."""
    torch.manual_seed(SEED)
    G = networks.SideBySide(K, [2, 32, 32, 1])
    D = nn.Sequential(networks.SideBySide(K, [1, 32, 32, 1]), nn.Flatten(0))
    Adam = torch.optim.Adam
    return G, D, *(Adam(net.parameters(), 1e-3, (0.5, 0.999), fused=True) for net in (G, D))


# %%
steps, losses, ends = profile.pick(smoke=30, cpu=1000, gpu=1000), {}, {}
with profile.plan(steps=3 * steps, about=20, gpu=20):
    for name, step in nb16.three_games(K).items():
        ends[name] = players()
        batches = ((data(64 * K), torch.randn(64 * K, 2)) for _ in range(steps))
        losses[name] = torch.stack([step(*ends[name], *batch) for batch in batches])

# %% tags=["figure"] alt="D's loss in three games, five seeds each: in all three it moves at first; then in game A it settles a little above the dotted line at 2 log 2, in game B it comes up to the line, in game C it lies on it, quite flat but for a few peaks and dips" slide=true
nb16.calm_curves(losses);

# %% [markdown] slide=["None of the three looks ill.", "Which one is right?"]
# None of the three looks ill. **Which one is right? And what can the other two be doing?** Write down a letter. (If you think that C is the best, you are in good company: the loss of most of its games comes to the textbook's value, and stays.)
#
# The answer comes in two parts, in the first puzzle and in the sixth. Each puzzle has the same four steps: the code as one meets it; what it seems to do; **which property does it break?**; and a *check*, a function that takes a piece of code and says whether the property holds.

# %% [markdown]
# ## Puzzle 1: a loss that knows no doubt
#
# Somebody has read that a discriminator ends in a sigmoid, and that `binary_cross_entropy_with_logits` (`bce`) is the stable loss:

# %% topics=["sigmoid twice (BCEWithLogits)"]
def d_loss_met(s_real, s_fake):
    """D's loss, as one meets it."""
    real, fake = torch.sigmoid(s_real), torch.sigmoid(s_fake)  # D's last layer
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def d_loss(s_real, s_fake):
    """D's loss, by the formula."""
    return softplus(-s_real).mean() + softplus(s_fake).mean()


# %% [markdown]
# It runs, and trains: it is game C ($G$'s loss is made in the same way). Which property does it break? A formula has values that we know without a computer. Take three: $D$ does not know (all scores 0); it is sure and right (30 for data, −30 for samples); it is sure and wrong. **Guess $L_D$ for each, then run.**

# %% tags=["nbval-check-output"]
zero, sure = torch.zeros(8), torch.full((8,), 30.0)
asked = {"does not know": (zero, zero), "sure and right": (sure, -sure),
         "sure and wrong": (-sure, sure)}  # fmt: skip
for name, scores in asked.items():
    print(f"{name:15} formula {d_loss(*scores):7.4f}   as met {d_loss_met(*scores):7.4f}")

# %% [markdown]
# The formula: $2 \log 2$, 0, 60. As met: a $D$ that is sure and right still has a loss of 1.006, and one that is sure and wrong just 2.006. `..._with_logits` takes scores, and applies the sigmoid itself. Given probabilities, it takes a number between 0 and 1 for a score: doubt is all it can hear.
#
# So our first check asks for known values:

# %%
def known_values(d_loss):
    """Whether D's loss is 2 log 2, 0 and 60 for the three."""
    answers = (2 * math.log(2), 0.0, 60.0)
    pairs = zip(asked.values(), answers, strict=True)
    return all(abs(float(d_loss(*scores)) - value) < 1e-3 for scores, value in pairs)


print("by the formula:", known_values(d_loss), "  as met:", known_values(d_loss_met))
assert known_values(d_loss) == checks.known_values(d_loss)
assert known_values(d_loss_met) == checks.known_values(d_loss_met)

# %% [markdown]
# Why, then, was C's curve so good? With $r = p/q$, the density of data over that of samples, the best $D$ has $s = \log r$ ([02](02_play_the_game.ipynb#The-best-discriminator)). In game C $\sigma(s)$ stands where a score should, so the best is $\sigma(s) = \log r$ *where that lies in $(0, 1)$*; 1 where data are far more frequent, and 0 wherever samples are as frequent as data or more. There $D$ has to say "sample" as firmly as it can, $s \to -\infty$. Far out $\sigma$ is flat, and both players hear next to nothing: a $D$ that has come to say "sample" to everything is likely to stay so, and $G$ where it is. And the loss is $2 \log 2$, for $\sigma(s) = 0$ counts as a score of 0. **The textbook's value, for the opposite reason.**
#
# Does it show? We ask $D$ about data, and measure [W1](00_start_here.ipynb#What-we-measure), how far samples have to be moved on average to become the data.

# %%
@torch.no_grad()
def w1(G, n=2_000):
    """W1 from samples of each of the K generators to data.  -> (K,)"""
    x = G(torch.randn(n * K, 2)).view(n, K)
    return torch.stack([empirical_w1(column, data(n)[:, 0]) for column in x.T])


far = {name: w1(G) for name, (G, *_) in ends.items()}
with torch.no_grad():
    belief = {name: torch.sigmoid(D(data(2_000 * K))).view(-1, K).mean(0)
              for name, (_, D, *_) in ends.items()}  # fmt: skip
for name in "BC":
    print(f"game {name}: D's mean probability for data", *(f"{v:.2f}" for v in belief[name]))
    print(f"game {name}: W1 of the samples            ", *(f"{v:.2f}" for v in far[name]))

# %% [markdown]
# In most games of B $D$ gives data a probability of about one half, as it should; in most of C's about none, or all: one answer to everything. And C's worst generators are farther from the data than any of B's; a seed may come through, for such a mistake need not strike every time. So **B is right**. $D$'s loss could not say so, and the check needs no training at all. (The fix: delete the sigmoid.)

# %% [markdown]
# ## Puzzle 2: a safe logarithm
#
# $\log(1 - D)$ is $-\infty$ where $D = 1$, so somebody clamps. The loss of $G$ is the original one, *minimax*, $\log(1 - \sigma(s_\text{fake}))$:

# %% topics=["clamped logarithm"]
def g_loss_met(s_fake):
    """G's minimax loss, as one meets it."""
    D_x = torch.sigmoid(s_fake).clamp(1e-5, 1 - 1e-5)  # so that the logarithm is safe
    return torch.log(1 - D_x).mean()


def minimax(s_fake):
    """The same without the clamp, stable: log(1 - sigma(s)) = -softplus(s)."""
    return -softplus(s_fake).mean()


s = torch.linspace(-10, 10, 9)
print("largest difference in value:", f"{max(abs(g_loss_met(a) - minimax(a)) for a in s):.0e}")

# %% [markdown]
# From −10 to 10 the values agree, to less than 0.001. We let both play a game with nothing in it: $G$ is a single number, the place of its samples (plus a little noise), data are at 0, and $D$ is fixed, $s(x) = 2 - x^2/2$: the farther from the data, the lower. $G$ moves with Adam. We will see where $G$ is over 600 steps, from a start at 3 and from a start at 6. **Guess: where are both after 600 steps?**

# %%
def path(g_loss, begin, turns=600):
    """Where G is in each step.  -> (turns,)"""
    torch.manual_seed(SEED)
    place, seen = torch.tensor(begin, requires_grad=True), []
    opt = torch.optim.Adam([place], lr=0.02)
    for _ in range(turns):
        seen.append(place.item())
        x = place + 0.1 * torch.randn(64)
        opt.zero_grad()
        g_loss(2 - x.square() / 2).backward()
        opt.step()
    return seen


paths = {name: {begin: path(loss, begin) for begin in (3.0, 6.0)}
         for name, loss in (("minimax", minimax), ("as met", g_loss_met))}  # fmt: skip

# %% tags=["figure"] alt="Where G is over 600 steps. From a start at 3 both losses lead to the data along the same line; from 6 the minimax loss leads there, and with the loss as met G does not move at all"
nb16.starts(paths);

# %% [markdown]
# From 3, both go to the data along the same line: whoever tried it out was content. From 6, where $D$ rejects every sample, the clamped one *does not move at all*. Below a score of −11.5, where $\sigma(s) < 10^{-5}$, the clamp gives back a constant, and the slope of a constant is 0. The minimax slope is tiny there ([saturation](glossary.md#saturation)); but Adam divides a slope by its usual size, so tiny is enough if it was never larger; zero is not. (In game C it had been larger: Adam remembers the slopes of the start for long.) What the clamp should have made safe is the other side, $s \to +\infty$, and `softplus` is safe on both.
#
# So a value is not enough: what moves $G$ is the slope, the derivative.
#
# ### Exercise 16.1 · Does it pull up?
#
# Write `pulls_up(g_loss)`: `True` if a step down $G$'s loss would raise the score of *every* sample, `False` if not. Try it for scores from −20 to 20, in double precision (`dtype=torch.float64`). Your check gets right losses and wrong ones, and has to tell them apart. {{help}}

# %% tags=["exercise"]
def pulls_up(g_loss):
    """Whether descent raises every score from -20 to 20; g_loss: (n,) -> ()."""
    # solution
    s = torch.linspace(-20, 20, 41, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(g_loss(s), s)
    return bool((slope < 0).all())


# %%
pulls_up = check("16.1", pulls_up)


def verdicts(number, judge, ours):
    """What a check, and the package's, say of the code that belongs to an exercise."""
    for name, (function, right, _) in SPECIMENS[number].items():
        print("passes" if judge(function) else "fails ", "", name)
        assert bool(judge(function)) == ours(function) == right


verdicts("16.1", pulls_up, checks.pulls_up)

# %% [markdown]
# One check, four different mistakes: a sign; a formula used beyond its range (that of Pearson's [f-divergence](glossary.md#f-divergence)); the clamp; a [hinge](glossary.md#hinge), flat above 1. Note what it does *not* see. The sigmoid twice passes: far out its slope is tiny, but it has the right sign. (In single precision it rounds to 0.) A check speaks of one property.

# %% tags=["nbval-check-output"]
print("the sigmoid twice:", pulls_up(lambda s: softplus(-torch.sigmoid(s)).mean()))

# %% [markdown]
# ## Puzzle 3: a penalty on a slope
#
# A [critic](glossary.md#critic) (WGAN) has a plainer loss, $E\, D(G(z)) - E\, D(x)$. If its slope, the length of its gradient, is [at most 1 everywhere](glossary.md#lipschitz), $E\, D(x) - E\, D(G(z))$ can reach W1, and no more. To hold the slope near 1, [a penalty](glossary.md#gradient-penalty) is added (WGAN-GP, Gulrajani et al. 2017):
#
# $$10 \; E\, (\lVert \nabla D(u) \rVert - 1)^2, \qquad u = (1 - t)\, x + t\, G(z), \quad t \text{ uniform in } [0, 1] .$$
#
# As met:

# %%
def penalty_met(D, x, fake):
    """The gradient penalty, as one meets it."""
    t = torch.rand(len(x), 1)
    u = torch.lerp(x, fake, t).requires_grad_()
    (slope,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
    return 10 * (slope.norm(2) - 1) ** 2


# %% [markdown]
# And what is right: one norm for *each example*, `slope.norm(dim=1)`, and then the mean. (That is for points, `(n, d)`. Pictures, `(n, c, h, w)`, have to be flattened first, `slope.flatten(1).norm(dim=1)`: their `dim=1` is colour, which gives a norm for each pixel, [a mistake of its own](https://github.com/eriklindernoren/PyTorch-GAN/issues/20).) We train critics between two round Gaussians in the plane, the second shifted by $(2.4, 1.8)$, so that W1 is exactly 3, with batches of three sizes and three seeds. What a critic *reads*, the difference of its mean scores, should be about 3. (The loop is a plain one: Adam, 300 steps.)

# %%
def penalty(D, x, fake):
    """10 E (|grad D(u)| - 1)^2."""
    t = torch.rand(len(x), 1)
    u = torch.lerp(x, fake, t).requires_grad_()
    (slope,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
    return 10 * (slope.norm(dim=1) - 1).square().mean()


# %%
def fit(penalty, n):
    """What three critics read after their training, and the loss of the first."""
    turns = profile.pick(smoke=10, cpu=300, gpu=300)
    runs = [nb16.fit_critic(penalty, n, SEED + seed, turns) for seed in range(3)]
    return [reading for reading, _ in runs], runs[0][1]


sizes = (16, 64, 256)
ways = {"one norm for the batch": penalty_met, "one for each example": penalty}
fits = {name: [fit(way, n) for n in sizes] for name, way in ways.items()}
read = {name: torch.tensor([readings for readings, _ in row]) for name, row in fits.items()}

# %% tags=["figure"] alt="Left: the loss of a critic with one norm for the whole batch falls and settles. Right: what critics read over the batch size: near 3.45, a little above the true distance, with one norm for each example; with one norm for the batch below 1, and less the larger the batch"
nb16.readings(fits["one norm for the batch"][1][1], sizes, read, truth=3);

# %% [markdown]
# On the left is a loss as one wishes it: it falls, and stays. On the right is what critics say. With one norm for each example they read about 3.45, for all sizes. For a critic that is a plane of slope $a$ this is exact: $3a - 10\,(a - 1)^2$ is largest at $a = 1 + 3/20$ (the excess is [the penalty's bias](08_penalise_the_gradient.ipynb)). With one norm for the batch, $n$ slopes share it: $3a - 10\,(\sqrt n\, a - 1)^2$ is largest near $a = 1/\sqrt n$ (dotted). They read less than a third of W1, and *the answer depends on the size of the batch*. Nothing in the curve says so.
#
# ### Exercise 16.2 · One by one
#
# A mean over a batch has a property that needs no formula: **the penalty of a batch is the mean of the penalties of its examples, each alone.** Write `per_example(penalty)`, `True` if that holds. One difficulty: the penalty throws dice, so that two calls differ. Which data and samples take the dice away? You also choose $D$, any function from points `(n, 2)` to scores `(n,)`. {{help}}

# %% tags=["exercise"]
def per_example(penalty):
    """Whether penalty(D, x, fake) of a batch is the mean over its examples."""
    # solution
    def D(u):
        return u.square().sum(1) / 2  # its slope at u is u: not the same everywhere

    x = torch.randn(16, 2)
    alone = torch.stack([penalty(D, one, one) for one in x.split(1)])
    return bool(torch.isclose(penalty(D, x, x), alone.mean(), rtol=1e-3))


# %%
per_example = check("16.2", per_example)
verdicts("16.2", per_example, checks.per_example)

# %% [markdown]
# If data and samples are the same points, whatever lies "between" them is known. The property finds a penalty that mixes its examples. [R1](glossary.md#r1), another penalty, is a mean over examples too, and passes. What it does not find: a norm for each pixel. That takes a known value: if $D$ adds up 784 pixels, its slope has length 28, and the penalty is $10 \cdot 27^2 = 7290$; with a norm for each pixel it is 0.

# %% [markdown]
# ## Puzzle 4: where does it look?
#
# The same penalty, and now only the line that makes $u$. Six versions, with $x$ of shape `(n, d)`:
#
# ```python
# torch.lerp(x, fake, torch.rand(len(x), 1))   # lerp(a, b, t) = a + t (b - a)
# torch.lerp(x, fake, torch.rand(()))
# torch.lerp(x, fake, torch.rand_like(x))
# x
# torch.lerp(x, fake, torch.randn(len(x), 1))
# x + torch.rand(len(x), 1) * (x - fake)
# ```
#
# One is right. Each of the others was met in public code or is a slip away from it. For a critic that is equally steep everywhere all six give the same penalty, so a loss need not give them away. **Where is $D$ asked by each?** Guess, line by line, then look: data are blue, samples orange, and black is where $D$ is asked.

# %%
torch.manual_seed(SEED)
x_data = 0.3 * torch.randn(40, 2)
x_fake = torch.tensor([3.0, 2.0]) + 0.3 * torch.randn(40, 2)
points = {name: place(x_data, x_fake) for name, place in PLACES.items()}

# %% tags=["figure"] alt="Six panels with data below left and samples above right, joined by thin lines. Black points: along all lines; equally far along on all lines; in a box around the lines; on the data; beyond both ends too; on the far side of the data" slide=true
nb16.places(x_data, x_fake, points);

# %% [markdown] slide=["The picture tells all six apart", "Which of the six is the penalty of WGAN-GP"]
# The picture tells all six apart. Which of the six is the penalty of WGAN-GP? The first. With one number for the batch, all points are equally far along in this step. With one number for each pixel they leave the segments: in 784 dimensions such a point is a picture in which each pixel is mixed of two clothes in its own proportion. With a normal number some points lie beyond either end; in the last version all lie on the far side of the data, away from the samples.
#
# ### Exercise 16.3 · A spy in D's place
#
# The penalty gets $D$ as a function. So hand it a function that *remembers what it is shown* and gives back scores that have a slope, such as `u.sum(1)`. Write `looks_between(penalty)`: `True` if every point lies on its segment, and different examples at different places. (A hint for the places: put all data at 0 and all samples at 1.) {{help}}

# %% tags=["exercise"]
def looks_between(penalty):
    """Whether a penalty asks D between each datum and its sample, at random."""
    # solution
    x, fake, seen = torch.zeros(256, 2), torch.ones(256, 2), []

    def spy(u):
        seen.append(u.detach())
        return u.sum(1)

    penalty(spy, x, fake)
    t = torch.cat(seen)  # how far along, in both coordinates
    on_it = (t[:, 0] == t[:, 1]).all() and t.min() >= 0 and t.max() <= 1
    return bool(on_it and t[:, 0].std() > 0.2)


# %%
looks_between = check("16.3", looks_between)
verdicts("16.3", looks_between, checks.looks_between)
assert looks_between(penalty_met)

# %% [markdown]
# The penalty of puzzle 3 passes: it looks in the right places and measures wrongly. And does the place matter? The critics of puzzle 3 again, with each of the six (batches of 64, three seeds; W1 is 3, and about 3.45 is to be expected):

# %%
by_place = {}
for name in PLACES:
    by_place[name], _ = fit(SPECIMENS["16.3"][name].function, 64)
    print(*(f"{v:.2f}" for v in by_place[name]), "", name)

# %% [markdown]
# In the plane, one number for the batch or for each pixel makes hardly a difference: nobody would notice. On the data only, or on the far side, little holds the slope between data and samples, and the critics read far too much. (R1 looks at the data only, and is right to: it is made for another game, and asks for slope 0 there.)
#
# A spy works wherever code takes a function.

# %% [markdown]
# ## Puzzle 5: a number that teaches nothing
#
# Once more the penalty, with one argument left out:

# %% topics=["create_graph"]
def penalty_cut(D, x, fake):
    """The gradient penalty, as one meets it."""
    u = torch.lerp(x, fake, torch.rand(len(x), 1)).requires_grad_()
    (slope,) = torch.autograd.grad(D(u).sum(), u)
    return 10 * (slope.norm(dim=1) - 1).square().mean()


D, values = networks.PointDiscriminator(2, (16,)), []
for way in (penalty, penalty_cut):
    torch.manual_seed(SEED)  # the same dice
    values.append(float(way(D, x_data, x_fake).detach()))
print(*(f"{value:.6f}" for value in values))
assert values[0] == values[1]

# %% [markdown]
# The same to the last digit. Three critics are trained with it, as in puzzle 3:

# %%
cut, _ = fit(penalty_cut, 64)
right = read["one for each example"][1].tolist()
print("right:  they read", *(f"{v:6.2f}" for v in right))
print("as met: they read", *(f"{v:6.2f}" for v in cut))

# %% [markdown]
# They read more than ten times the truth. The usual remedies, a smaller step or a larger weight than 10, are no cure: without `create_graph=True` the slope is a *constant* for autograd. The penalty is added to the loss, has the right value, and no gradient at all.
#
# This is a family of mistakes: `detach`, `.item()` or `no_grad` in the wrong place, or ["unrolled"](glossary.md#unrolled-gan) code that does not differentiate through $D$'s steps ([09](09_count_the_modes.ipynb#Let-G-look-ahead)). One check finds them: a slope is a promise about the value of the loss a small step farther on.
#
# ### Exercise 16.4 · An honest slope
#
# Write `honest_slope(loss, w)`: `True` if autograd's slope of `loss` at `w` agrees with *finite differences*. With a direction $e$ and a small $h$,
#
# $$\nabla L(w) \cdot e \approx \frac{L(w + h e) - L(w - h e)}{2h} .$$
#
# `w` is a vector in double precision that requires a gradient; `loss(w)` is one number, without dice. A single random direction is enough. {{help}}

# %% tags=["exercise"] topics=["finite differences"]
def honest_slope(loss, w):
    """Whether autograd's slope of loss at w is that of finite differences."""
    # solution
    h, e = 1e-5, torch.randn_like(w)
    (slope,) = torch.autograd.grad(loss(w), w)
    differences = (loss(w + h * e) - loss(w - h * e)) / (2 * h)
    return bool(torch.isclose((slope * e).sum(), differences, rtol=1e-4, atol=1e-7))


# %%
honest_slope = check("16.4", honest_slope)
w = torch.randn(12, dtype=torch.float64, requires_grad=True)
verdicts("16.4", lambda f: honest_slope(f, w), lambda f: checks.honest_slope(f, w))

# %% [markdown]
# ## Puzzle 6: tidy up after yourself
#
# Now game A. `backward()` *adds* to the slopes in `.grad`, so they have to be cleared. Here everybody does so after their own move:

# %% topics=["zero_grad"]
def step_met(G, D, g_opt, d_opt, x, z):
    """One step of the loop, as one meets it."""
    d_loss(D(x), D(G(z).detach())).backward()
    d_opt.step()
    d_opt.zero_grad()  # tidy up
    g_loss = softplus(-D(G(z))).mean()
    g_loss.backward()
    g_opt.step()
    g_opt.zero_grad()  # tidy up


# %% [markdown]
# **Whose slopes are where, when the second step begins?** Go through it line by line before you read on.
#
# <details><summary>The answer</summary>
#
# $G$'s loss goes *through* $D$: `g_loss.backward()` writes slopes into $G$ and into $D$. Those in $G$ are cleared, those in $D$ stay. In the next step $D$'s own are added to them, and $D$ moves down $L_D + L_G$: it helps $G$ with what it should resist.
# </details>
#
# So $D$ plays another game, whose loss is $L_D + L_G$, and that can be solved by hand. Where $r = p/q$, it makes
# $r\, \mathrm{softplus}(-s) + \mathrm{softplus}(s) + \mathrm{softplus}(-s)$ smallest. The slope of this in $s$ is $\sigma(s) - (1 + r)\, \sigma(-s)$, which is 0 where $e^s = 1 + r$. The best score is $\log(1 + r)$ instead of $\log r$. It is **never negative: this $D$ cannot say "sample"**, at no place. And when samples are like data, $r = 1$, it gives everything the score $\log 2$, the probability 2/3, and its loss is not $\log 4$ but

# %%
s_rest = torch.tensor(math.log(2.0))  # the best score for r = 1
rest = d_loss(s_rest, s_rest)
tail = {name: loss[-steps // 5 :].mean(0) for name, loss in losses.items()}
print(f"by hand: log 4.5 = {math.log(4.5):.4f}, from the scores {rest:.4f}")
for name in "AB":
    print(f"game {name}: D's loss, mean of the last fifth", *(f"{v:.3f}" for v in tail[name]))
print("game A: D's mean probability for data", *(f"{v:.3f}" for v in belief["A"]))
print("game A: W1 of the samples            ", *(f"{v:.2f}" for v in far["A"]))

# %% [markdown]
# Most of A's five games rest near 1.50, above $2 \log 2$: as a judge, this $D$ is worse than one that does not look at all. That, and the 2/3, are visible to somebody who knows what to expect. The samples are mostly *about as good* as those of B here: $\log(1 + r)$ still rises with $r$, so $D$ cannot reject, but it still says which way is better. So samples do not tell either.
#
# ### Exercise 16.5 · Nothing left from yesterday
#
# What should hold: **if somebody clears all slopes by hand between two steps, it makes no difference.** Write `forgets(step)`. A small game to try it on, with the same numbers each time: `game = checks.small_game()`, then `step(*game)` plays a step; `game.G`, `game.D`, `game.g_opt` and `game.d_opt` are its parts. {{help}}

# %% tags=["exercise"]
def forgets(step):
    """Whether clearing all slopes by hand between two steps makes no difference."""
    # solution
    ends = []
    for by_hand in (False, True):
        game = checks.small_game()
        step(*game)
        if by_hand:
            game.g_opt.zero_grad()
            game.d_opt.zero_grad()
        step(*game)
        weights = [*game.G.parameters(), *game.D.parameters()]
        ends.append(torch.nn.utils.parameters_to_vector(weights))
    return torch.equal(*ends)


# %%
forgets = check("16.5", forgets)
verdicts("16.5", forgets, checks.forgets)
assert not forgets(step_met)

# %% [markdown]
# The fix: clear *before* one's own backward pass. (Clearing everything at the end of the step is right too, and the check agrees: it asks what happens, not how it is written.)

# %% [markdown]
# ## Puzzle 7: a good average of nothing
#
# Samples are often better if drawn from a slow average of $G$'s weights, the [EMA](glossary.md#ema). Here $G$ has [batch norm](glossary.md#batch-normalisation). Two versions:

# %%
def update_met(ema, G, share=0.01):
    """One step of the average, as one meets it."""
    for a, w in zip(ema.parameters(), G.parameters(), strict=True):
        a.data.lerp_(w.data, share)


def update(ema, G, share=0.01):
    """The same, with the buffers."""
    update_met(ema, G, share)
    for a, b in zip(ema.buffers(), G.buffers(), strict=True):
        a.copy_(b)


# %% [markdown]
# Losses and gradients know nothing of the average, so all curves are the same with either. We train $G$ on $N(4, 1)$ with three seeds, carry both averages along, and draw from all three in evaluation mode. **What will the two averages make? The same; a bit worse; nothing like the data?**

# %%
turns = profile.pick(smoke=10, cpu=600, gpu=600)
trios = [nb16.with_averages(SEED + seed, turns, update, update_met) for seed in range(3)]

# %% tags=["figure"] alt="Histograms of samples of G, of its average with buffers and of the average without, over the density of the data: the first two lie about where the data are, a little too far left and too narrow, the third lies far to the left and is much too narrow"
names = ("G", "average, with buffers", "average, as met")
z, truth = torch.randn(5_000, 2), Normal(4, 1)
with torch.no_grad():
    drawn = {name: [trio[i](z)[:, 0] for trio in trios] for i, name in enumerate(names)}
nb16.averages({name: x[0] for name, x in drawn.items()}, truth.log_prob);

# %%
x_true = truth.sample(5_000)
off = {name: [float(empirical_w1(x, x_true)) for x in xs] for name, xs in drawn.items()}
for name, values in off.items():
    print(f"{name:22} W1 of three seeds", *(f"{v:.2f}" for v in values))

# %% [markdown]
# $G$ and the average with buffers are roughly where the data are. The average as met is nothing like the data. In evaluation mode batch norm subtracts and divides by *running statistics*, and these are not parameters: they are `buffers`. The average has the weights of today and the statistics of the first day. (If $G$ had no batch norm, the code would be right: which is how it travels.)
#
# The check: **the average of something that stands still is that thing.** Let $G$ rest, run it as the loop does, update the average, and compare samples.

# %% tags=["nbval-check-output"]
G = networks.mlp([2, 8, 1], norm=True)
for name, way in (("with buffers", update), ("as met", update_met)):
    print(f"{name:12} {checks.average_rests(way, G, torch.randn(64, 2))}")
    assert checks.average_rests(way, G, 1 + torch.randn(64, 2)) == (way is update)

# %% [markdown]
# ## Puzzle 8: the same picture
#
# Last, a mistake outside the training. A score for pictures of clothes, [FFD](00_start_here.ipynb#What-we-measure) (a distance between two sets of pictures by their features, 0 for the same set), expects pictures in $[-1, 1]$. Somebody saves them in $[0, 1]$. We will see eight real pictures, in both ways.

# %% tags=["figure"] alt="Two rows of the same eight pictures of clothes, which look exactly alike"
torch.manual_seed(SEED)
real = to_unit(images.train_images[:1000])
nb16.as_one_looks({"in [-1, 1]": real[:8], "in [0, 1]": (real[:8] + 1) / 2});

# %% [markdown]
# There is nothing to be seen: a viewer that is not given a range stretches each picture to its own. **What score will a thousand *real* pictures get, in the wrong range: a little worse than the right ones, or as bad as what?**

# %%
def ffd(x):
    """FFD to other real pictures, and what our function said about it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = score.ffd(x, images.test_images[:1000])
    return found, [str(w.message) for w in said]


noise = 2 * torch.rand_like(real) - 1
shown = {"real, in [-1, 1]": real, "real, in [0, 1]": (real + 1) / 2, "noise": noise}
found = {name: ffd(x) for name, x in shown.items()}
for name, (value, _) in found.items():
    print(f"{name:17} FFD {value:7.2f}")
print("It said:", *found["real, in [0, 1]"][1])

# %% [markdown]
# Real pictures in the wrong range score no better than noise. (Our function at least warns.) A good model may look bad for that reason alone.
#
# The check is one for every instrument: **hand it real data, in the very form in which you hand it samples.** They must come to the floor, what two sets of real pictures get ([11](11_measure_what_you_made.ipynb)).

# %%
for name, change in (("[-1, 1]", lambda x: x), ("[0, 1]", lambda x: (x + 1) / 2)):
    passes = checks.at_the_floor(lambda x: ffd(change(x))[0], real[:500], noise[:500])
    print(f"real data in {name:7} at the floor: {passes}")

# %% [markdown]
# ## The whole loop: three lines are wrong
#
# Now without help. This loop trains a WGAN-GP on pictures (as vectors), with an average of $G$ that has no batch norm. It runs without an error. **Three of the 17 lines are wrong. Find them on paper first; then move the bar.**
#
# ```python
# for step in range(steps):                                           # 1
#     for _ in range(d_steps):                                        # 2
#         x, z = data(n), torch.randn(n, 64)                          # 3
#         fake = G(z).detach()                                        # 4
#         u = torch.lerp(x, fake, torch.rand(1)).requires_grad_()     # 5
#         (slope,) = grad(D(u).sum(), u, create_graph=True)           # 6
#         norms = slope.flatten(1).norm(dim=1)                        # 7
#         penalty = 10 * (norms - 1).square().mean()                  # 8
#         loss = D(x).mean() - D(fake).mean() + penalty               # 9
#         d_opt.zero_grad(); loss.backward(); d_opt.step()            # 10
#     z = torch.randn(n, 64)                                          # 11
#     g_opt.zero_grad()                                               # 12
#     (-D(G(z)).mean()).backward()                                    # 13
#     g_opt.step()                                                    # 14
#     for a, w in zip(ema.parameters(), G.parameters()):              # 15
#         a.data.lerp_(w.data, 0.001)                                 # 16
# torch.manual_seed(seed)                                             # 17
# ```

# %% tags=["widget"] topics=["code review"] alt="A listing of the loop with numbered lines and a bar on the first of them"
explore(nb16.broken_lines, size=(6.6, 4.1), line=(1, 17, 1))

# %% [markdown]
# **Which of this notebook's checks would have found each of the three?**
#
# <details><summary>The answers</summary>
#
# One of the three is a place (puzzle 4, `looks_between`), one a sign (a known value, now of a critic's loss: with scores of 1 for data and −1 for samples it is −2), and one a seed (`same_twice`, [below](#Twelve-checks-before-you-trust-a-GAN-loop)). The average of puzzle 7 is fine here: a $G$ without batch norm has no buffers to forget.
# </details>

# %% [markdown]
# ## Deeper: six more, in brief
#
# You see six more mistakes with the line or two that find each; or go on with [the twelve checks](#Twelve-checks-before-you-trust-a-GAN-loop).

# %% [markdown]
# **A partner, or the average?** A *paired* (relativistic) game compares each datum with one sample: $D$'s loss is the mean of $\mathrm{softplus}(-(s_\text{real} - s_\text{fake}))$. The *averaged* game (RaGAN) compares with the *mean* of the others' scores and is another loss, [in the same paper](https://arxiv.org/abs/1807.00734); a copy should be the one that it says. The known value of the paired game: where each pair is equal, it is $\log 2$, whatever the pairs are.

# %% tags=["nbval-check-output"] topics=["relativistic GAN"]
pairs = torch.tensor([4.0, -4.0, 1.0, 0.0])
print(f"partner: {softplus(-(pairs - pairs)).mean():.4f}")
print(f"mean:    {softplus(-(pairs - pairs.mean())).mean():.4f}   log 2 = {math.log(2):.4f}")
print(f"ours:    {objectives.rpgan.d_loss(pairs, pairs):.4f}")

# %% [markdown]
# **Smoothing on both sides.** One-sided smoothing calls data "real" with weight 0.9 only, so the best score is $\log (0.9\, r / (1 + 0.1\, r))$, which ends at $\log 9$ above and falls without bound where there are no data. Smoothed on both sides, it ends below too, at $-\log 9$: where samples are worst, the best $D$ is flat, and $G$ hears nothing. The check is the best score for a tiny $r$, by search.

# %% tags=["nbval-check-output"] topics=["label smoothing"]
one_side = objectives.smooth(objectives.minimax, 0.1)
both = objectives.mix_labels(objectives.minimax, 0.1, 0.1)
for name, smoothed in (("one side", one_side), ("both sides", both)):
    best = objectives.best_response(smoothed, torch.tensor([1e-2, 1e-4, 1e-6]))
    print(f"{name:10} best score for r = 1e-2, 1e-4, 1e-6:", *(f"{v:7.2f}" for v in best))

# %% [markdown]
# **Batch norm in a penalised critic.** The penalty asks for the slope of *each example's* score, and batch norm makes a score depend on its companions. Check: a score alone, and in company.

# %% tags=["nbval-check-output"]
torch.manual_seed(SEED)
x = torch.randn(64, 2)
for norm in (False, True):
    net = networks.mlp([2, 16, 1], norm=norm)
    alone = checks.scores_alone(lambda u: net(u)[:, 0], x)
    print(f"batch norm {norm!s:5}: a score is its own: {alone}")

# %% [markdown]
# **A missing detach.** If $D$'s move forgets `detach`, its backward pass runs through all of $G$ and leaves slopes there: lost time, and a mistake as soon as $G$ does not clear them. The check: $D$'s move leaves no trace in $G$. ($G$'s move may well leave slopes in $D$, if $D$ clears them before its own.)

# %% tags=["nbval-check-output"] topics=["detach"]
for name, cut_off in (("with detach", True), ("without", False)):
    game = checks.small_game()

    def d_move():
        fake = game.G(game.z).detach() if cut_off else game.G(game.z)
        game.d_opt.zero_grad()
        d_loss(game.D(game.x), game.D(fake)).backward()
        game.d_opt.step()

    print(f"{name:11} no trace in G: {checks.leaves_no_trace(d_move, game.G)}")

# %% [markdown]
# **Looking in training mode.** Drawing a picture every hundred steps changes $G$'s running statistics, if one forgets `eval()`: the training depends on whether somebody watched. **And a seed that is set after the networks were made** decides nothing about them.

# %% tags=["nbval-check-output"]
def make_late(seed):
    net = nn.Linear(2, 2)
    torch.manual_seed(seed)
    return net


def make(seed):
    torch.manual_seed(seed)
    return nn.Linear(2, 2)


G.train()
nothing = checks.looking_changes_nothing(lambda: G(torch.randn(8, 2)), G)
print("looking changes nothing:", nothing)
print("seed after the network:", checks.same_twice(make_late))
print("seed before the network:", checks.same_twice(make))

# %%
low, one = (objectives.best_response(way, torch.tensor(1e-6)) for way in (both, one_side))
with_mean = softplus(-(pairs - pairs.mean())).mean()
equal = objectives.rpgan.d_loss(pairs, pairs)
for row in nb16.more_facts(low, one, equal, with_mean):
    ledger.add("more", *row[:5])

# %% [markdown]
# ## Twelve checks before you trust a GAN loop
#
# All are in `gan_tutorial.lesson.checks`; each is a few lines and takes a function of *yours*. Three belong to a design: 1 to this loss, 2 to losses without a target (least squares pulls down above its target, and means to), 4 to WGAN-GP.
#
# | | check | it asks | puzzle |
# |--:|---|---|---|
# | 1 | `known_values(d_loss)` | the loss at three points that you know | [1](#Puzzle-1:-a-loss-that-knows-no-doubt) |
# | 2 | `pulls_up(g_loss)` | does a step raise every sample's score? | [2](#Puzzle-2:-a-safe-logarithm) |
# | 3 | `per_example(penalty)` | is a batch the mean of its examples? | [3](#Puzzle-3:-a-penalty-on-a-slope) |
# | 4 | `looks_between(penalty)` | where is $D$ asked? | [4](#Puzzle-4:-where-does-it-look?) |
# | 5 | `honest_slope(loss, w)` | autograd against finite differences | [5](#Puzzle-5:-a-number-that-teaches-nothing) |
# | 6 | `forgets(step)` | is anything left from the last step? | [6](#Puzzle-6:-tidy-up-after-yourself) |
# | 7 | `average_rests(update, G, z)` | is the average of a resting $G$ that $G$? | [7](#Puzzle-7:-a-good-average-of-nothing) |
# | 8 | `at_the_floor(score, real, poor)` | does real data get the best score? | [8](#Puzzle-8:-the-same-picture) |
# | 9 | `scores_alone(D, x)` | is a score its own, without companions? | [more](#Deeper:-six-more,-in-brief) |
# | 10 | `leaves_no_trace(move, other)` | does $D$'s move leave $G$ alone? | [more](#Deeper:-six-more,-in-brief) |
# | 11 | `looking_changes_nothing(sample, G)` | may one watch? | [more](#Deeper:-six-more,-in-brief) |
# | 12 | `same_twice(make)` | does the seed decide the weights? | [more](#Deeper:-six-more,-in-brief) |
#
# Now they judge this series' own code: the objectives, the loop, the average, the score that all notebooks use. A `lambda` or a few lines around yours are all that is needed.

# %% topics=["checks of a GAN loop"]
def our_step(G, D, g_opt, d_opt, x, z):
    game = Game(G, D, g_opt, d_opt, lambda n: (x,), lambda n: z)
    loop.play(game, objectives.non_saturating, len(x), 1)


def our_average(ema, G):
    loop.average_move(SimpleNamespace(ema=ema, G=G), torch.tensor(0.01))


tiny = checks.small_game()
ours = Game(*tiny[:4], lambda n: (tiny.x,), lambda n: tiny.z)
shaken = Game(G, *tiny[1:4], lambda n: (tiny.x,), lambda n: torch.randn(n, 2))


# %%
def d_move():
    loop.d_move(ours, objectives.non_saturating, tiny.x)


def D_of(w):
    return lambda u: torch.tanh(u @ w.view(2, 6)).sum(1)


u = torch.linspace(-1, 1, 12, dtype=torch.float64).view(6, 2)
own_penalty, non_saturating = objectives.gradient_penalty(), objectives.non_saturating
passed = {
    "known_values": checks.known_values(non_saturating.d_loss),
    "pulls_up": checks.pulls_up(non_saturating.g_loss),
    "per_example": checks.per_example(own_penalty),
    "looks_between": checks.looks_between(own_penalty),
    "honest_slope": checks.honest_slope(lambda w: own_penalty(D_of(w), u, u), w),
    "forgets": checks.forgets(our_step),
}

# %%
passed |= {
    "average_rests": checks.average_rests(our_average, G, torch.randn(64, 2)),
    "at_the_floor": checks.at_the_floor(lambda x: ffd(x)[0], real[:500], noise[:500]),
    "scores_alone": checks.scores_alone(networks.ConvDiscriminator(), real[:8]),
    "leaves_no_trace": checks.leaves_no_trace(d_move, ours.G),
    "looking_changes_nothing": checks.looking_changes_nothing(
        lambda: shaken.sample(8, ema=False), G),
    "same_twice": checks.same_twice(
        lambda seed: recipes.fashion_game(images, recipes.conv, seed=seed).G),
}
for name, good in passed.items():
    print("passes" if good else "FAILS ", name)
assert all(passed.values())

# %% [markdown]
# Twelve times yes. That speaks for twelve properties, not for all of the code.

# %% [markdown]
# ## Deeper: the same mistakes, in our own code
#
# You see what these checks are good for once a project grows; or go on with [what to keep](#What-to-keep).

# %% [markdown]
# So we also go the other way round: a list of [known mistakes](../tests/mutants.md) is put into a copy of this package, one at a time, and a test has to find each. A mistake that no test finds is one that we could make ourselves. These are the puzzles among them:
#
# | puzzle | the mistake in that list |
# |---|---|
# | 1 | The sigmoid twice: D's loss takes probabilities for scores |
# | 1 | A sigmoid at the end of a critic |
# | 2 | D(x) is clamped at 1e-5 before the logarithm, so that G's gradient is exactly 0 where D rejects |
# | 2 | G's hinge loss has a hinge too, so samples that D likes get no gradient |
# | 2 | Pearson's conjugate is t^2/4 + t everywhere: below t = -2 G's gradient changes its sign |
# | 3 | One gradient norm of the whole batch instead of one per example |
# | 4 | One mixing weight for the whole batch |
# | 4 | A mixing weight for each pixel: the penalty looks in a box, not on a segment |
# | 4 | The penalty looks at the data only |
# | 4 | The mixing weight of the penalty is normal, so it looks outside the segment |
# | 5 | No graph of the gradient (create_graph=False): the penalty is a number that teaches D nothing |
# | 6 | Gradients are set to zero after one's own move, so D's step holds what G's move has left there |
# | 6 | Gradients are not set to zero before a step |
# | 7 | The average takes no buffers: batch norm keeps the statistics of the first day |
# | 8 | Samples in [-1, 1] are scored as if they were in [0, 1] |
# | more | Each score is compared with the mean of the others, not with its partner's |
# | more | One-sided label smoothing is applied to both sides |
# | more | Batch norm in a critic whose gradient is penalised |
# | more | No detach: D's step computes gradients in G |
# | more | Pictures are drawn in training mode: each depends on the others of its batch, and they change G |
# | more | The seed is set after the networks were made |

# %% [markdown]
# ## What to keep
#
# - A calm curve, a good picture and a plausible number are compatible with code that is wrong.
# - Ask for a *property*, not for a result. The best ones need no formula: a mean is the mean of its parts, a resting thing is its own average, real data are real.
# - Values at known points; slopes against differences; one example at a time; a spy in place of a function; the same step twice: these five ways found nearly all that we met here. The average needed a $G$ at rest, and the instrument real data.
# - Try a check on code that is wrong. One that has never failed has shown nothing yet.
#
# **In practice**
#
# - Write the check before you debug: "it trains badly" has a hundred causes, "this slope is 0" has one.
# - Before you believe an improvement, check the baseline's code too.
# - If all checks pass and it still trains badly, it may be the game, not the code: [14](14_read_the_curves.ipynb).
#
# **Further reading**
#
# - Gulrajani et al., [Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028), 2017: the penalty, and why not batch norm.
# - Metz et al., [Unrolled Generative Adversarial Networks](https://arxiv.org/abs/1611.02163), 2017: gradients through D's steps.
# - Parmar et al., [On Aliased Resizing and Surprising Subtleties in GAN Evaluation](https://arxiv.org/abs/2104.11222), 2022: instruments that differ by a resize.
# - Lucic et al., [Are GANs Created Equal?](https://arxiv.org/abs/1711.10337), 2018: what is left of improvements when all is equal.

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, what theory expects, and what was measured. Rows from trainings hold in full runs only.

# %%
judges = {"16.1": pulls_up, "16.2": per_example, "16.3": looks_between,
          "16.4": lambda loss: honest_slope(loss, w), "16.5": forgets}  # fmt: skip
facts = {
    "puzzle 1": nb16.calm_facts(losses, far, belief),
    "puzzle 2": nb16.start_facts(paths),
    "puzzle 3": nb16.reading_facts(*read.values(), fits["one norm for the batch"][1][1]),
    "puzzle 4": nb16.place_facts(by_place),
    "puzzle 5": nb16.cut_facts(cut, right),
    "puzzle 6": nb16.late_facts(tail["A"], rest, far, belief["A"]),
    "puzzle 7": nb16.average_facts(*(off[name] for name in names[1:])),
    "puzzle 8": nb16.range_facts(*(value for value, _ in found.values())),
    "checks": nb16.check_facts(passed, judges, SPECIMENS),
}  # fmt: skip
for fact, rows in facts.items():
    for claim, expected, measured, tolerance, source, more in rows:
        ledger.add(fact, claim, expected, measured, tolerance, source, **more)
ledger.assert_all(profile)
ledger
