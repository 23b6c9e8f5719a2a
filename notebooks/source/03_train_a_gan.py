# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Training a GAN on FashionMNIST: the losses stand still while the pictures improve
#
# **What you'll do.** You write the training step of the 2014 paper by hand, train two GANs on FashionMNIST, and find out what their losses tell you.
#
# **What you'll learn**
#
# - to write Algorithm 1 of Goodfellow et al. (2014), and to know what each line is for
# - why G gets a loss of its own, and how little gradient it would be left with otherwise
# - what the losses say while a GAN trains, and what they cannot say
# - how often D should move, and how to recognise a collapsed generator by counting
#
# **What you'll need.** PyTorch as far as `loss.backward()`. Notebook [02](02_play_the_game.ipynb) studies the same game on a line; you can do without.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import math
from itertools import combinations

import matplotlib.pyplot as plt
import torch
from torch import nn

from gan_tutorial.clothes import recipes
from gan_tutorial.clothes.data import fashion_mnist, to_unit
from gan_tutorial.clothes.score import frechet
from gan_tutorial.game import Game, d_move, networks, objectives, train
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose, use_cores

profile = choose(PROFILE)
use_cores()
ledger = Ledger("03")
note = ledger.add
torch.manual_seed(SEED);

# %% [markdown] slide=["What the losses tell you | A GAN trains for ... meanwhile?"]
# ## The game, and a guess
#
# Two networks play against each other. The [generator](glossary.md#generator) $G$ turns a random vector $z$, the [latent](glossary.md#latent), into a picture $G(z)$, a [sample](glossary.md#sample).
# The [discriminator](glossary.md#discriminator) $D$ sees real pictures and samples, and gives each a [score](glossary.md#score) $s(x)$, any real number: high for "real", low for "sample".
# In D's opinion the picture is real with probability $\sigma(s) = 1/(1 + e^{-s})$. In formulas $D(x) = \sigma(s(x))$; in code `D(x)` is the score.
# D learns to tell both apart; G learns to make samples that D takes for real. $p$ is the [density](glossary.md#density) of the data and $q$ that of the samples.
#
# A GAN trains for a minute or two, and its pictures get better. Which [loss](glossary.md#loss) goes down steadily meanwhile?
#
# - **A** the loss of D
# - **B** the loss of G
# - **C** both
# - **D** neither
#
# Write down your answer. We come back to it [below](#What-the-losses-tell-you).

# %% [markdown]
# ## Look at the data
#
# FashionMNIST has 60,000 training pictures of clothes, 28 × 28 pixels in grey, in ten classes. The labels are for our eyes only: the GAN never sees them.

# %%
images = fashion_mnist(profile.device)
figures.use_style(images.notice)
images

# %% [markdown]
# For each class three pictures and the mean of the class; below them a histogram of all pixels.

# %% tags=["figure"] covers=["4.09"] alt="Ten columns of clothes with the mean picture of each class below, and a histogram of pixel values with a tall bar at -1"
from gan_tutorial.lesson.figures.nb03 import classes_and_pixels

of_class = [images.train_images[images.train_labels == c] for c in range(10)]
means = torch.stack([x.float().mean(0) for x in of_class]).to(torch.uint8)
three = torch.stack([x[i] for i in range(3) for x in of_class])
pixels = to_unit(images.train_images[:5000]).flatten()
classes_and_pixels(three, means, images.classes, pixels)
black = float((pixels == -1).float().mean())
print(f"pixels that are exactly black: {black:.0%}")

# %% [markdown]
# Two things matter for G. The classes differ a lot, but shirt, coat and pullover have almost the same mean: whoever makes only "some top" gets far.
# And about half of all pixels are exactly black.
#
# We scale bytes to $[-1, 1]$, and G ends in `tanh`, which has that range. Then data and samples live on the same scale, centred on 0, which suits
# weights that start small and symmetric.
#
# ### Exercise 3.1 · A batch, without a DataLoader
#
# The whole data set is 47 MB of bytes and lies in memory already. So a batch is three small operations: draw $n$ indices, pick those pictures, turn them into floats in
# $[-1, 1]$ of shape `(n, 1, 28, 28)`. Write `batch`. {{help}}

# %% tags=["exercise"]
def batch(pictures, n):
    """n random pictures, in [-1, 1].  uint8 (N, 28, 28) -> float32 (n, 1, 28, 28)"""
    # solution
    index = torch.randint(len(pictures), (n,), device=pictures.device)
    return (pictures[index].float() / 127.5 - 1).unsqueeze(1)


# %%
batch = check("3.1", batch)
x = batch(images.train_images, 64)
x.shape, x.dtype, x.min().item(), x.max().item()

# %% [markdown]
# ## Why G gets a loss of its own
#
# D's loss is that of any classifier, the cross-entropy (BCE): $-\log \sigma(s)$ for data, $-\log(1 - \sigma(s))$ for samples. In the *minimax* game G wants the opposite of what D wants. It has no influence
# on the data's term, so it minimises $\log(1 - \sigma(s))$, a function of one number, the score of a sample. Its slope is
#
# $$\frac{d}{ds} \log(1 - \sigma(s)) = -\sigma(s) = -D .$$
#
# Early on, samples are bad and D knows it: $D \approx 0$, and so is the slope. Just when G has the most to learn, it learns almost nothing. The loss *saturates* ([saturation](glossary.md#saturation)).
#
# The remedy of the 2014 paper: let G minimise $-\log \sigma(s)$ instead, the [non-saturating](glossary.md#non-saturating) loss. Its slope is $-(1 - D)$,
# nearly $-1$ where D is sure. Both slopes are negative, so both losses ask for a higher score; only the *strength* of the request differs, by the factor $(1 - D)/D$. Notebook 05 has
# [the whole table](05_compare_the_losses.ipynb#Slopes:-against-the-score,-and-against-D); here we ask autograd at two places.

# %% tags=["nbval-check-output"] covers=["4.06", "4.07"] topics=["non-saturating loss"]
minimax, non_saturating = objectives.minimax, objectives.non_saturating


def slopes(curve, s):
    """The derivative of a curve at each score."""
    s = s.clone().requires_grad_()
    return torch.autograd.grad(curve(s).sum(), s)[0]


sure = torch.tensor([0.001, 0.01], dtype=torch.float64)  # D, as a probability
weak, strong = (slopes(o.g_fake, sure.logit()) for o in (minimax, non_saturating))
for d, a, b in zip(sure, weak, strong, strict=True):
    print(f"D = {d:.3f}: minimax {a:.4f}, non-saturating {b:.4f}, ratio {b / a:.0f}")

# %% [markdown]
# Now the whole game as curves of the score. Left: the loss of D. Middle: the loss of G in three games; the third, *maximum likelihood*, is the topic of
# notebook 05. Right: how strongly each pulls, on a logarithmic axis. Look at the left half, where D recognises the sample.

# %% tags=["figure"] covers=["4.06", "4.07", "4.14"] alt="Three panels over the score: the losses of D, the losses of G in three games, and the size of their slopes"
from gan_tutorial.lesson.figures.nb03 import curves_of_a_game

s = torch.linspace(-8, 8, 201)
names = ("minimax", "non_saturating", "max_likelihood")
games = {name: objectives.OBJECTIVES[name] for name in names}
of_g = {name: game.g_fake(s) for name, game in games.items()}
steepness = {name: slopes(game.g_fake, s).abs() for name, game in games.items()}
curves_of_a_game(s, (minimax.d_real(s), minimax.d_fake(s)), of_g, steepness);

# %% [markdown]
# D's loss is large where it is sure and wrong. In the middle the minimax curve is flat on the left: its slope falls tenfold for every 2.3 of score, as does that of maximum
# likelihood. The non-saturating curve is steep there and flattens on the right, where G has already won.
#
# ### "Treat samples as real": why?
#
# Look at D's loss of **data**, the blue curve: $-\log \sigma(s)$. It is the same curve as G's non-saturating loss. So code needs no new loss: in G's move it gives the samples
# the label "real" and uses the loss that D has for data. `fake_as_real` does that to any objective.

# %% tags=["nbval-check-output"] covers=["4.08"] topics=["flipped labels of samples"]
scores = torch.linspace(-6, 6, 7)
flipped = objectives.fake_as_real(minimax).g_fake(scores)
cross_entropy = nn.functional.binary_cross_entropy_with_logits
labelled_real = cross_entropy(scores, torch.ones(7), reduction="none")
print("non-saturating  ", *(f"{v:7.4f}" for v in non_saturating.g_fake(scores)))
print("flipped labels  ", *(f"{v:7.4f}" for v in flipped))
print("BCE, label real ", *(f"{v:7.4f}" for v in labelled_real))

# %% [markdown]
# Three names, one loss. And why is it allowed to lie about the label? Because D does not learn from it: in that move only G's weights change.
#
# Something is lost: the *single* [value](glossary.md#value) function. In minimax both players fight over one number $V$, D's loss with the opposite sign: D raises it, G lowers it. So
# the samples' terms in their losses add to zero for every score.

# %% tags=["nbval-check-output"] covers=["4.07"]
for name in ("minimax", "non_saturating"):
    total = games[name].d_fake(scores) + games[name].g_fake(scores)
    print(f"{name:15} D's term + G's term:", *(f"{v:6.3f}" for v in total))

# %% [markdown]
# In the non-saturating game they do not cancel, and there is no such $V$. What is left of an equilibrium is a pair of players neither of
# whom wants to move. It is still at $q = p$, where all scores are 0.
#
# ### Exercise 3.2 · The two losses
#
# Write `d_loss(real_score, fake_score)` and the non-saturating `g_loss(fake_score)`, from scores. Never take the logarithm of a probability: for a score of 200,
# $1 - \sigma(s)$ is 0 in the computer. `nn.functional.softplus(s)`, which is $\log(1 + e^s)$, is made for this ([softplus](glossary.md#softplus)). {{help}}

# %% tags=["exercise"]
def d_loss(real_score, fake_score):
    """Mean of -log sigma(s), data, + that of -log(1 - sigma(s)), samples.  (n,), (m,) -> ()"""
    # solution
    softplus = nn.functional.softplus
    return softplus(-real_score).mean() + softplus(fake_score).mean()


def g_loss(fake_score):
    """Mean of -log sigma(s), samples.  (n,) -> ()"""
    # solution
    return nn.functional.softplus(-fake_score).mean()


# %%
d_loss, g_loss = check("3.2", (d_loss, g_loss))
zero = torch.zeros(1)
print(f"all scores 0: d_loss = {d_loss(zero, zero):.6f} (2 log 2)")
print(f"              g_loss = {g_loss(zero):.6f} (log 2)")

# %% [markdown]
# Remember these two numbers: the losses of the players when D cannot tell data from samples and says so.

# %% [markdown]
# ### Deeper: which curve bends which way?
#
# You learn which of G's losses are convex, and in what variable; skip to [Algorithm 1](#By-hand:-Algorithm-1) if curves bore you.

# %% [markdown]
# We ask for the second derivative, once along the score $s$ and once along the probability $D$, the axis that many texts use.

# %% tags=["nbval-check-output"] covers=["4.14"] topics=["convexity"]
def bend(curve, at):
    """The sign of the second derivative, or 'both' if it changes."""
    at = at.clone().requires_grad_()
    (first,) = torch.autograd.grad(curve(at).sum(), at, create_graph=True)
    second = torch.autograd.grad(first.sum(), at)[0]
    return "convex" if (second > 0).all() else "concave" if (second < 0).all() else "both"


probability = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
for name, game in games.items():
    over_s = bend(game.g_fake, probability.logit())
    over_d = bend(lambda d: game.g_fake(d.logit()), probability)  # noqa: B023
    print(f"{name:16} over the score: {over_s:8} over D: {over_d}")

# %% [markdown]
# Only the non-saturating loss is convex: its slope grows as things get worse, as one expects of a good loss. Mind the word, though. These are curves of one *score*; as
# functions of the weights of G, none of them is convex.

# %% [markdown]
# ## By hand: Algorithm 1
#
# The algorithm of the 2014 paper, in words. Repeat:
#
# 1. $k$ times: draw a batch of data and as many fresh latents, and move **D** once, downhill in its loss on data and samples.
# 2. Draw fresh latents, and move **G** once, downhill in its own loss. No data are needed: their term in D's loss does not depend on G.
#
# (In its box the paper gives G the minimax loss, and in the text the other, which we use.) Any gradient rule will do: the paper used momentum, today it is Adam.
#
# Two ordinary multilayer perceptrons from the package will play; G ends in `tanh`, D in a bare number.

# %%
torch.manual_seed(SEED)
G = networks.MLPGenerator().to(profile.device)
D = networks.MLPDiscriminator().to(profile.device)
latent = recipes.Latent(networks.LATENT, device=profile.device)  # latent(n) draws n of them
print(f"G  {G.__doc__}\nD  {D.__doc__}")
print(f"   weights: {networks.count_weights(G):,} and {networks.count_weights(D):,}")

# %% [markdown]
# ### What is `detach` for?
#
# D's samples come from G. So `backward` of D's loss runs on through D into G, unless the samples are cut off with `detach`. Is that a mistake? We measure what D's loss leaves in G.

# %%
def grad_of_g(detach):
    """The size of the gradients that D's loss leaves in the weights of G."""
    G.zero_grad()
    fake = G(latent(64))
    fake = fake.detach() if detach else fake
    d_loss(D(x), D(fake)).backward()  # x: the batch of Exercise 3.1
    return sum(float(w.grad.norm()) for w in G.parameters() if w.grad is not None)


print(f"left in G without detach: {grad_of_g(False):.3f}, with detach: {grad_of_g(True):.3f}")

# %% [markdown]
# Without `detach`, G holds gradients that point the wrong way: they would make samples *easier* to recognise. If `zero_grad()` clears them before G's move, they only take time.
# Forget `zero_grad()` as well, and G is pulled both ways. G's move leaves gradients in D in turn, as it must: the way from G's loss to G leads through D. There `zero_grad()` is the usual cure.
#
# ### Exercise 3.3 · One step of Algorithm 1
#
# Write the whole step. `batches` holds $k$ batches of data: for each of them D moves once; then G moves once. A move is four lines: the loss, `zero_grad()`, `backward()`, and `step()` of
# that player's optimiser. Cut the samples off from G in D's move; in G's move do not. Take as many latents as there are pictures in the batch, fresh ones for each move, G's too. Give back D's last loss and G's loss. You have `d_loss` and `g_loss`
# from Exercise 3.2. {{help}}

# %% tags=["exercise"] covers=["4.01", "4.02", "4.05"] topics=["Algorithm 1", "training loop", "detach"]
def training_step(G, D, g_opt, d_opt, batches, latent):
    """D moves once on each batch of data, then G moves once.  -> D's last loss (), G's loss ()

    batches: k tensors of pictures; latent(n): n latents; g_opt, d_opt: one for each player.
    """
    # solution
    for x in batches:
        fake = G(latent(len(x))).detach()
        loss_of_d = d_loss(D(x), D(fake))
        d_opt.zero_grad()
        loss_of_d.backward()
        d_opt.step()
    loss_of_g = g_loss(D(G(latent(len(x)))))
    g_opt.zero_grad()
    loss_of_g.backward()
    g_opt.step()
    return loss_of_d.detach(), loss_of_g.detach()


# %%
training_step = check("3.3", training_step)

# %% [markdown]
# The rest is a loop around it. One optimiser for each player, holding that player's weights only: D's `step()` cannot move G.

# %% covers=["4.01"]
def algorithm_1(G, D, sampler, latent, steps, k=1, n=64, lr=5e-4):
    """The losses of all steps: [(D's, G's), ...]."""
    adam = {"lr": lr, "betas": (0.0, 0.999), "fused": True}
    g_opt = torch.optim.Adam(G.parameters(), **adam)
    d_opt = torch.optim.Adam(D.parameters(), **adam)
    losses = []
    for _ in range(steps):
        batches = [sampler(n)[0] for _ in range(k)]
        losses.append(training_step(G, D, g_opt, d_opt, batches, latent))
    return losses


# %% [markdown]
# Thirty steps teach little. We look anyway: the same eight latents before and after. (`images.sampler()` is the package's `batch`.)

# %% tags=["figure"] covers=["4.01"] alt="Two rows of eight pictures: noise before training, noise with pale clouds after thirty steps"
z = latent(8)
with torch.no_grad():
    before = G(z)
algorithm_1(G, D, images.sampler(), latent, steps=30)
with torch.no_grad():
    after = G(z)
figures.image_grid(torch.cat([before, after]), title="above: before; below: after 30 steps")
clouds = int((after[..., 7:21, 7:21].mean((1, 2, 3)) > after.mean((1, 2, 3))).sum())
print(f"lighter in the middle than on the whole: {clouds} of 8")

# %% [markdown]
# A pale cloud begins to rise from the noise, in the middle: by the count in most of the eight. In how many do you see it?
#
# "Intro Tutorial on GANs" (Paganini 2018) has "gradient descent on D and gradient ascent on G". Read it as *descent on each player's own loss*. Seen from $V$ it is the other way round:
# D climbs, G descends.

# %% [markdown]
# ## With the package, and proof that both agree
#
# In the package a `Game` holds the networks, the optimisers, the two samplers and its own random numbers. `train` yields one `Step` at a time, and the body of *your* loop decides what to do
# with it. `recipes.fashion_game` makes a game for 28 × 28 pictures.

# %%
game = recipes.fashion_game(images, recipes.mlp, seed=SEED)
for step in train(game, non_saturating, steps=5):
    print(f"step {step.n}: d_loss {step.d_loss:.4f}, g_loss {step.g_loss:.4f}")

# %% [markdown]
# Is it the same algorithm? From the same weights and the same random numbers we play five steps with either, and compare what both generators make of the same latents. In double precision: Adam divides
# a gradient by its size, so where a gradient is nearly 0 it makes a whole step of what single precision rounds off.

# %% covers=["4.01"]
def in_double(game):
    """The same game in double precision: networks, data and latents."""
    for net in (game.G, game.D, game.ema):
        net.double()
    data, latent = game.data, game.latent
    game.data, game.latent = lambda n: (data(n)[0].double(),), lambda n: latent(n).double()
    return game


hand = in_double(recipes.fashion_game(images, recipes.mlp, seed=SEED))
package = in_double(recipes.fashion_game(images, recipes.mlp, seed=SEED))
begun = hand.G(z.double()).detach()
list(train(package, objectives.non_saturating, steps=5))
torch.manual_seed(SEED)  # a game of seed SEED draws the same numbers
algorithm_1(hand.G, hand.D, hand.data, hand.latent, steps=5, lr=recipes.mlp.lr)
by_hand, by_package = (game.G(z.double()).detach() for game in (hand, package))
apart, moved = (float((by_hand - other).abs().max()) for other in (by_package, begun))
print(f"largest difference of a pixel: {apart:.1e}; from the start: {moved:.2f}")
assert apart < 1e-9

# %% [markdown]
# The same pictures, up to rounding: your step and the package's are one algorithm. (The package shows data and samples to D in one pass, and cuts G off with `backward(inputs=...)`, which names the weights
# that are to get a gradient. As D scores each example by itself, nothing else changes.)
#
# From here on we use `train`, which also keeps a running average of G's weights (`game.ema`, an exponential moving average, [EMA](glossary.md#ema)).

# %% [markdown]
# ## D alone: saturation in a real network
#
# The slopes above were about one score. Does it matter for the half million weights of G? We repeat an experiment of Arjovsky & Bottou (2017, figures 2 and 3). Train a G for a
# few steps and freeze it. Take a *fresh* D and train it alone (`d_move` is D's half of a step). Every ten moves, measure the gradient that G would get: its length, for either loss, on the same latents.

# %%
def gradient_size(game, objective, z):
    """|gradient of G's loss, in all weights of G|."""
    loss = objective.g_loss(game.D(game.G(z)))
    gradients = torch.autograd.grad(loss, [*game.G.parameters()])
    return float(torch.cat([g.flatten() for g in gradients]).norm())


def d_alone(seed, early, moves, every=10):
    """Gradients for G of `early` steps while a fresh D learns.  -> (looks, 2), the game"""
    game = recipes.fashion_game(images, recipes.mlp, seed=seed + 100)
    young = recipes.fashion_game(images, recipes.mlp, seed=seed)
    list(train(young, non_saturating, steps=early, every=early))
    game.G.load_state_dict(young.G.state_dict())
    z, rows = game.latent(256), []
    for i in range(moves + 1):
        if i % every == 0:
            rows.append([gradient_size(game, o, z) for o in (minimax, non_saturating)])
        d_move(game, non_saturating, *game.data(64))
    return torch.tensor(rows), game


# %% [markdown]
# Three seeds, so three early generators and three discriminators. We expect two bundles of curves that drift apart.

# %%
moves, early = profile.pick(smoke=(10, 2), cpu=(300, 40), gpu=(1000, 40))
with profile.plan(steps=3 * moves, about=10, gpu=10):
    runs = [d_alone(SEED + i, early, moves) for i in range(3)]

# %% tags=["figure"] covers=["4.06"] topics=["saturation"] alt="Gradient of G on a logarithmic axis over the moves of D: the minimax gradient falls by orders of magnitude, the non-saturating one grows" slide=true
from gan_tutorial.lesson.figures.nb03 import gradients_alone

alone = [rows for rows, _ in runs]
gradients_alone(alone, every=10)
apart_by = min(float(rows[-1, 1] / rows[-1, 0]) for rows in alone)
fallen = min(float(rows[:, 0].max() / rows[-1, 0]) for rows in alone)
grown = min(float(rows[-1, 1] / rows[0, 1]) for rows in alone)
print(f"at the end, the two differ by a factor of at least {apart_by:,.0f} in every run")

# %% [markdown] slide=["The better the teacher"]
# After the first moves of D the minimax gradient dies away. The non-saturating one *grows*. The better the teacher, the less a minimax student hears. Where the [supports](glossary.md#support) of $p$ and $q$ do not
# meet, theory says that it goes on like this: the loss of the best D is 0, and the minimax gradient is 0 with it.
#
# One caution. "GANs fail to converge because D is strong and the gradient vanishes" mixes two different troubles. This one goes away with
# the other loss; games that never converge though their gradient does *not* vanish are the topic of notebook [04](04_circle_the_saddle.ipynb).

# %% [markdown]
# ### Deeper: one sample at a time, exactly
#
# You see that the factor $(1-D)/D$ holds exactly in a network of half a million weights; skip to [two GANs](#Two-GANs-on-FashionMNIST) if you believe it.

# %% [markdown]
# For a single sample, theory is exact even in a network. By the chain rule both gradients are the same vector, the gradient of $s$ in the weights, times the slope; so their ratio must be
# $(1-D)/D$, up to rounding. We take five samples, one at a time.

# %% covers=["4.06"]
_, game = runs[0]
game.G.eval()  # batch norm with fixed statistics: each sample on its own
ratios = []
for one in game.latent(5).split(1):
    with torch.no_grad():
        D_of_sample = game.D(game.G(one)).double().sigmoid()
    expected = float((1 - D_of_sample) / D_of_sample)
    measured = gradient_size(game, non_saturating, one) / gradient_size(game, minimax, one)
    ratios.append(measured / expected)
    print(f"D = {float(D_of_sample):.2e}   ratio of gradients {measured:12,.1f}   "
          f"(1-D)/D {expected:12,.1f}")
game.G.train()
ledger.add("F-V4", "ratio of gradients in G's weights, one sample, over (1-D)/D: mean of five",
           1, sum(ratios) / 5, 0.02, "chain rule");


# %% [markdown]
# ## Two GANs on FashionMNIST
#
# Now at scale: the multilayer perceptrons (MLP) from above, and a pair of convolutional networks after the recipe that made GANs work, DCGAN (Radford et al. 2015).
# Both train for a comparable time, one run each, so no verdict on either.

# %%
for name, nets in recipes.NETS.items():
    in_G, in_D = networks.count_weights(nets.G()), networks.count_weights(nets.D())
    print(f"{name:5} weights of G {in_G:8,}, of D {in_D:8,}")

# %% [markdown]
# The convolutional pair has a fraction of the weights and uses each of them at many places.
#
# ### A yardstick, crude on purpose
#
# To say whether pictures get better, we need a number that neither player optimises. Notebook 00 defines [what we measure](00_start_here.ipynb#What-we-measure) in this series, first of all
# [FFD](glossary.md#ffd), which looks through the eyes of a trained classifier. Here a plainer relative will do: we project pictures to the 32 principal directions of the data (those in which pictures differ most)
# and compare mean and covariance of samples there with those of held-out real pictures, by the same *Fréchet distance*. It is 0 for equal means and covariances.
# It sees light and dark in large shapes and is blind to fine detail: a yardstick, not a judge.

# %%
reference = to_unit(images.train_images[:10_000]).flatten(1).double().cpu()
centre = reference.mean(0)
directions = torch.linalg.eigh(reference.T.cov())[1][:, -32:]


def features(pictures):
    """Coordinates along the 32 principal directions.  (n, 1, 28, 28) -> (n, 32)"""
    return (pictures.flatten(1).double().cpu() - centre) @ directions


held_out = features(to_unit(images.test_images))
floor = frechet(features(to_unit(images.train_images[-1000:])), held_out)
of_noise = frechet(features(torch.rand(1000, 1, 28, 28) * 2 - 1), held_out)
print(f"1,000 other real pictures: {floor:.1f}; pure noise: {of_noise:.0f}")

# %% [markdown]
# The first number is the *floor*, what a thousand perfect samples would get: not 0.
#
# ### The two trainings
#
# From each we keep the losses of every tenth step and, at eight moments, four pictures from fixed latents and the distance of 1,000 fresh samples.

# %%
def moments(steps):
    """The eight steps, of so many, at which we look."""
    parts = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.75, 1)
    return {max(10, 10 * round(part * steps / 10)) for part in parts}


def look(game, z):
    """The averaged G's pictures of z, and the distance of 1,000 fresh samples of G."""
    with torch.no_grad():
        return game.ema(z), frechet(features(game.sample(1000, ema=False)), held_out)


def window(game, z):
    """What is shown while it trains."""
    return figures.image_grid(game.ema(z), title=f"step {game.step:,}")


# %% [markdown]
# In the live notebook you see the four pictures meanwhile, and the stop button (■) loses nothing: run the cell
# again, and the training goes on.

# %%
torch.manual_seed(SEED)
mlp_steps = profile.pick(smoke=20, cpu=4000, gpu=20_000)
mlp_game = recipes.fashion_game(images, recipes.mlp, seed=SEED)
mlp_z, mlp_history, mlp_looks = mlp_game.latent(4), [], []

# %% tags=["figure"] covers=["4.09"] alt="What the averaged MLP makes of four latents at the end of its training"
with profile.plan(mlp_steps, about=30, gpu=40, done=mlp_game.step) as plan:
    how = {"steps": plan.steps, "batch_size": recipes.mlp.batch, "every": 10}
    training = train(mlp_game, non_saturating, **how)
    for step in plan.watch(training, show=lambda: window(mlp_game, mlp_z)):
        mlp_history.append(step)
        if step.n in moments(mlp_steps):
            mlp_looks.append((step.n, *look(mlp_game, mlp_z)))

# %%
torch.manual_seed(SEED)
conv_steps = profile.pick(smoke=20, cpu=5000, gpu=20_000)
conv_game = recipes.fashion_game(images, recipes.conv, seed=SEED)
conv_z, conv_history, conv_looks = conv_game.latent(4), [], []

# %% tags=["figure"] covers=["4.09"] alt="What the averaged convolutional generator makes of four latents at the end of its training"
with profile.plan(conv_steps, about=35, gpu=40, done=conv_game.step) as plan:
    how = {"steps": plan.steps, "batch_size": recipes.conv.batch, "every": 10}
    training = train(conv_game, non_saturating, **how)
    for step in plan.watch(training, show=lambda: window(conv_game, conv_z)):
        conv_history.append(step)
        if step.n in moments(conv_steps):
            conv_looks.append((step.n, *look(conv_game, conv_z)))

# %% [markdown]
# First the film of both: the same four latents in each frame, perceptrons above, convolutions below.

# %% tags=["figure"] covers=["4.09"] alt="Film strip: four pictures at six moments for the MLP above and the convolutional GAN below, from grey blurs to clothes"
film = {"MLP": mlp_looks[:3] + mlp_looks[3::2], "conv": conv_looks[:3] + conv_looks[3::2]}
titles = [f"{name}, {n:,} steps" for name, looks in film.items() for n, _, _ in looks]
frames = [pictures for looks in film.values() for _, pictures, _ in looks]
figures.film_strip(frames, titles, columns=len(film["MLP"]));

# %% [markdown]
# Both find shapes of clothes early: most of the fall in distance comes in the first fifth of the steps. After that they work on detail. A latent may change its mind:
# the garment that it stands for at one moment need not be that of the end. Now the final generators beside real pictures.

# %% tags=["figure"] covers=["4.09"] topics=["FashionMNIST"] alt="Three panels of thirty pictures: real clothes, samples of the MLP GAN, samples of the convolutional GAN"
from gan_tutorial.lesson.figures.nb03 import side_by_side

torch.manual_seed(SEED)
side_by_side({"real": to_unit(images.test_images[:30]),
              "perceptrons": mlp_game.sample(30), "convolutions": conv_game.sample(30)});

# %% [markdown]
# Neither would fool you. To our eyes they fail in different ways: the cloth of the perceptrons looks speckled, and some garments of the convolutions look torn.

# %% [markdown]
# ### Deeper: what the yardstick sees
#
# You compute the Fréchet distance by hand and test the yardstick on pictures that are damaged on purpose; skip to [what the losses tell you](#What-the-losses-tell-you).

# %% [markdown]
# The Fréchet distance of two Gaussians with means $\mu$ and covariances $C$ is
#
# $$d^2 = |\mu_1 - \mu_2|^2 + \operatorname{tr}\bigl(C_1 + C_2 - 2 (C_1 C_2)^{1/2}\bigr) .$$

# %%
def frechet_by_hand(a, b):
    """Fréchet distance of Gaussians with the moments of a and b.  (n, d), (m, d) -> number"""
    A, B = a.T.cov(), b.T.cov()
    root = torch.linalg.eigvals(A @ B).real.clamp(min=0).sqrt().sum()  # trace of the root
    return float((a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * root)


ours = features(mlp_game.sample(1000))
print(f"by hand {frechet_by_hand(ours, held_out):.6f}, package {frechet(ours, held_out):.6f}")
assert abs(frechet_by_hand(ours, held_out) - frechet(ours, held_out)) < 1e-5
itself = frechet_by_hand(held_out, held_out)

# %% [markdown]
# What does it see? We damage real pictures on purpose, once by grain (noise on each pixel) and once by a tear (a black block of 10 × 10), and measure all alike: with the yardstick, and with
# the mean step from a pixel to its right neighbour, a simple idea of "grain".

# %%
def step_to_neighbour(pictures):
    """Mean absolute difference of neighbouring pixels."""
    return float((pictures[..., 1:] - pictures[..., :-1]).abs().mean())


torch.manual_seed(SEED)
real = to_unit(images.test_images[:2000])
grainy, torn = (real + 0.2 * torch.randn_like(real)).clamp(-1, 1), real.clone()
torn[..., 9:19, 9:19] = -1
tests = {"real": real, "real, grainy": grainy, "real, torn": torn,
         "MLP": mlp_game.sample(2000), "convolutional": conv_game.sample(2000)}
seen = {}
for name, pictures in tests.items():
    seen[name] = frechet(features(pictures), held_out), step_to_neighbour(pictures)
    print("{:14} distance {:6.1f}   mean step {:.3f}".format(name, *seen[name]))

# %% [markdown]
# (The first line flatters: those 2,000 are among the held-out ones.) The yardstick forgives most grain and is outraged by a tear. So where it prefers one of our generators, it may only be saying that this one tears less. And
# this is one training of each, with averaged generators.
#
# And the grain? Noise raises the mean step, as it should, but that of the perceptrons is not above that of real pictures in this run. So the number does not confirm what we thought we saw: soft edges lower it while speckles raise
# it, and one number cannot tell them apart.

# %%
torn_over_grainy = seen["real, torn"][0] / seen["real, grainy"][0]
rougher = seen["MLP"][1] / seen["real"][1]
ledger.add("NB03", "yardstick of a set with itself", 0, itself, 1e-6, "definition")
ledger.add("NB03", "yardstick: real pictures torn over grainy",
           (10, math.inf), torn_over_grainy, 0, "2,000 pictures")
ledger.add("NB03", "mean step: MLP over real", (0, 1), rougher, 0, "this run", True, True);

# %% [markdown]
# ### Deeper: DCGAN, layer by layer
#
# You build the generator that made GANs famous and compare ours with it, rule by rule; skip to [what the losses tell you](#What-the-losses-tell-you).

# %% [markdown]
# We build DCGAN's generator, layer by layer, and let it say its shapes.

# %% covers=["4.11"] topics=["DCGAN"]
def up(n_in, n_out):
    """Double height and width: a 'fractionally strided' convolution with a 5x5 kernel."""
    shape = {"kernel_size": 5, "stride": 2, "padding": 2, "output_padding": 1}
    return nn.ConvTranspose2d(n_in, n_out, bias=False, **shape)


def normed(layer, channels):
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU())


first = nn.Sequential(nn.Linear(100, 1024 * 4 * 4), nn.Unflatten(1, (1024, 4, 4)))
stages = [normed(first, 1024), *(normed(up(c, c // 2), c // 2) for c in (1024, 512, 256))]
stages += [nn.Sequential(up(128, 3), nn.Tanh())]
h, dcgan = torch.randn(2, 100), [(100, 1)]
for stage in stages:
    h = stage(h)
    dcgan.append((h.shape[1], h.shape[2]))
print("channels x side:", " -> ".join(f"{c} x {side}" for c, side in dcgan))
print(f"weights: {sum(map(networks.count_weights, stages)):,}")

# %% [markdown]
# And ours, drawn below it to the same scale. Each box is a stage, in purple as all that is G's. Its right face, seen aslant, is one feature map, *side × side*; its length stands for the number of channels, on a logarithmic scale.

# %% tags=["figure"] covers=["4.11"] alt="Two rows of boxes, from a long thin rod to a large thin plate: DCGAN from 100 numbers to a 64 by 64 picture in colour, ours from 64 numbers to a 28 by 28 grey one"
from gan_tutorial.lesson.figures.nb03 import boxes

h, ours = torch.randn(2, networks.LATENT), [(networks.LATENT, 1)]
for layer in recipes.conv.G().body:
    h = layer(h)
    if isinstance(layer, nn.ReLU | nn.Tanh):
        ours.append((h.shape[1], h.shape[2]))
boxes({"DCGAN's generator: 64 × 64 pixels in colour": dcgan,
       "ours: 28 × 28 pixels in grey": ours});

# %% [markdown]
# The idea is the same: begin with many small feature maps, and trade channels for pixels. In DCGAN's D the same happens backwards. Its authors trained it on three million pictures of bedrooms (LSUN) and
# got bedrooms that one could look at. Their rules, and what we keep of them:
#
# | rule of DCGAN | ours |
# |---|---|
# | strided convolutions, no pooling | yes; one doubling in G and one halving in D rearrange pixels instead (`PixelShuffle`): fast on a CPU |
# | [batch norm](glossary.md#batch-normalisation) in G and in D | in G only: a D that scores each picture by itself can take a gradient penalty later (notebook 08) |
# | no hidden fully connected layers | yes |
# | ReLU in G, `tanh` at its end; leaky ReLU in D | yes |
# | Adam at 2·10⁻⁴ with $\beta_1 = 0.5$ | a larger step, and $\beta_1 = 0$: [the collapse below](#One-hidden-layer,-and-a-collapse) shows what $\beta_1 = 0.9$ can do |

# %%
conv_G = (64 + 1) * 32 * 49 + 2 * 32 + 32 * 16 * 4 * 4 + 16 + 2 * 16 + 16 * 4 * 3 * 3 + 4
mlp_D = (784 + 1) * 512 + (512 + 1) * 256 + (256 + 1)
counted = networks.count_weights(conv_game.G), networks.count_weights(mlp_game.D)
ledger.add("NB03", "weights of the convolutional G, counted by layer",
           conv_G, counted[0], 0, "arithmetic")
ledger.add("NB03", "weights of the MLP D, counted by layer",
           mlp_D, counted[1], 0, "arithmetic");

# %% [markdown]
# ## What the losses tell you
#
# Back to your guess. Left, the losses of both trainings, green for D and purple for G, with the one number that theory offers: $2 \log 2$, D's best loss at $q = p$. Right, the distance
# to held-out pictures, which is what we want to fall. (Losses are running means, the pale bands one standard deviation.)

# %% tags=["figure"] covers=["4.13"] topics=["reading the losses"] alt="Losses of D and G stay level for both networks, while the distance to held-out pictures falls by a large factor" slide=true
from gan_tutorial.lesson.figures.nb03 import losses_and_distance

trainings = {"MLP": (mlp_history, mlp_looks), "conv": (conv_history, conv_looks)}
losses_and_distance(trainings, floor);

# %% [markdown]
# We compare the mean loss in the second tenth of each training with that in the last quarter, and the first distance with the last. (Not the same span: losses need some steps to settle.)

# %% covers=["4.13"]
def mean_loss(history, name, first, last):
    """The mean of a loss over a part of the training, from share `first` to share `last`."""
    begin, end = int(first * len(history)), int(last * len(history))
    part = history[begin : max(end, begin + 1)]
    return float(torch.stack([getattr(step, name) for step in part]).mean())


summary = {}
for name, (history, looks) in trainings.items():
    early = [mean_loss(history, loss, 0.1, 0.2) for loss in ("d_loss", "g_loss")]
    late = [mean_loss(history, loss, 0.75, 1) for loss in ("d_loss", "g_loss")]
    distances = [distance for _, _, distance in looks]
    summary[name] = (early, late, distances)
    print(f"{name:5} d_loss {early[0]:.2f} -> {late[0]:.2f}   g_loss {early[1]:.2f} ->",
          f"{late[1]:.2f}   distance {distances[0]:.1f} -> {distances[-1]:.1f}")

# %% [markdown] slide=["A loss here is not"]
# <details><summary><b>The answer to the guess</b></summary>
#
# **D: neither.** D's loss stays a little below $2 \log 2$, and G's loss wanders above its own equilibrium value, $\log 2$ (not drawn). The distance to real pictures falls many
# times over. Most of that fall comes early. (Does it still fall in the second half? Look.) A loss here is not a distance to a goal: each player's loss is measured against an opponent who improves as well. Two good chess players who train together keep drawing.
#
# </details>
#
# So what *can* you read off?
#
# - **D's loss near 0**: D wins every time. G is left behind; with the minimax loss it hears nothing.
# - **D's loss at $2 \log 2$ from the start**: D has learnt nothing. (At the end it may mean success. The number alone cannot say which.)
# - **In between**: the *best* D, $p/(p+q)$, has the loss $2 \log 2 - 2\,\mathrm{JS}(p, q)$, where [JS](glossary.md#js) is a divergence, 0 at $q = p$ and at most $\log 2$
#   ([notebook 02](02_play_the_game.ipynb#Put-it-back:-the-value-is-a-divergence) derives it). A trained D is less than the best, so on pictures that it was *not* trained on,
#   $\log 2 - d\_loss / 2$ is on average at most the true JS. How far below, nobody can say.

# %% [markdown]
# ### Deeper: the same curves, read by a program
#
# You see what the package makes of these numbers, in words. Skip to [the next question](#How-often-should-D-move?).

# %% [markdown]
# `diagnose` compares a history with what its objective's own theory allows: the list above, and more. It says what it sees, how sure it is, and what to try first. Curves alone cannot show whether
# samples are any good, so it takes samples and data as well. [Notebook 14](14_read_the_curves.ipynb) builds it, and counts how often it is wrong.

# %% topics=["diagnosis of a training"]
from gan_tutorial.lesson.diagnosis import diagnose

unseen = to_unit(images.test_images[:500])
for name, game in {"MLP": mlp_game, "conv": conv_game}.items():
    history, _ = trainings[name]
    print(f"--- {name}\n{diagnose(history, non_saturating, game.sample(500), unseen)}\n")

# %% [markdown]
# Does it say what you saw? Take it as evidence, not as a verdict: it reads averages, and you have eyes.

# %% [markdown] slide=["D alone: saturation in a real network | Theory lets D go ... more moves?"]
# ## How often should D move?
#
# Theory lets D go to its best before each move of G. Then why not give D more moves? (Theory also means infinitely many data. On few, a D that is trained to its end learns them by heart:
# [below](#Deeper:-a-D-that-learns-its-data-by-heart).)
#
# The 2014 algorithm leaves $k$ open, the moves of D in a step; the paper's experiments use 1. We let $k = 1$ race $k = 5$ with either loss, at equal work: every method gets
# the same number of moves, D's and G's together. With one hidden layer per player it is quick enough for three seeds each.

# %% covers=["4.10", "4.14"]
def small_game(seed, lr=3e-4, beta1=0.0):
    """A game of two networks with one hidden layer of 128 units."""
    torch.manual_seed(seed)
    G = nn.Sequential(networks.mlp([64, 128, 784]), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))
    D = nn.Sequential(nn.Flatten(), networks.mlp([784, 128, 1]), nn.Flatten(0))
    rates = {"d_lr": lr, "g_lr": lr, "betas": (beta1, 0.999)}
    players = G.to(profile.device), D.to(profile.device)
    return Game.with_adam(*players, images.sampler(), latent, **rates, seed=seed)


# %%
def race(objective, k, seed, moves, lr=3e-4):
    """(moves so far, distance, mean D of 1,000 samples) at five moments."""
    game, points = small_game(seed, lr), []
    steps = moves // (k + 1)
    for step in train(game, objective, steps=steps, d_steps=k, every=max(1, steps // 5)):
        with torch.no_grad():
            pictures = game.sample(1000, ema=False)
            D_of_samples = float(game.D(pictures).sigmoid().mean())
        points.append(((k + 1) * step.n, frechet(features(pictures), held_out), D_of_samples))
    return points


# %% covers=["4.03"]
methods = [(name, k) for name in ("non_saturating", "minimax") for k in (1, 5)]
moves, results = profile.pick(smoke=12, cpu=1200, gpu=1200), {}
with profile.plan(steps=12 * moves, about=30, gpu=30):
    for name, k in methods:
        results[name, k] = [race(games[name], k, SEED + i, moves) for i in range(3)]

# %% tags=["figure"] covers=["4.03", "4.14"] topics=["moves of D per step"] alt="Distance over moves for four methods with three seeds each: with k = 1 it falls further than with k = 5, for either loss"
from gan_tutorial.lesson.figures.nb03 import race_of_four

race_of_four(results)
final, believed = {}, {}
for method, seeds in results.items():
    final[method] = sorted(points[-1][1] for points in seeds)
    believed[method] = [sum(D for _, _, D in points) / len(points) for points in seeds]
    print("{:14} k = {}".format(*method), "  distance at the end:",
          *(f"{v:6.1f}" for v in final[method]),
          "  D of samples:", *(f"{v:.3f}" for v in believed[method]))

# %% [markdown]
# At equal work $k = 1$ wins with either loss: G moves three times as often. (Some objectives do need more: notebook 07.)
#
# At $k = 1$, where D gives samples not much less than 1/2, minimax is no worse than its rival (medians). At $k = 5$ D is surer. There minimax is behind (medians). That fits
# what we know of saturation, but saturation is not a property of a loss alone: it needs a D that is sure.

# %% [markdown]
# ### Deeper: the same race with a larger step
#
# You see how much the verdict on a loss depends on the step size; skip to [the collapse](#One-hidden-layer,-and-a-collapse).

# %% [markdown]
# A confession: we tried several step sizes for this race, and $3 \cdot 10^{-4}$ is one at which the gap is clear. Here is $k = 5$ again with a larger one.

# %% covers=["4.14"]
larger = {}
with profile.plan(steps=6 * moves, about=15, gpu=15):
    for name in ("non_saturating", "minimax"):
        ends = [race(games[name], 5, SEED + i, moves, lr=1e-3)[-1] for i in range(3)]
        larger[name] = sorted(ends, key=lambda end: end[1])
for name, ends in larger.items():
    print(f"{name:14} k = 5   distance at the end:", *(f"{d:6.1f}" for _, d, _ in ends),
          "  D of samples, at the end:", *(f"{D:.3f}" for _, _, D in ends))

# %% [markdown]
# Now the best minimax run is ahead of the worst non-saturating one, and three seeds do not settle which loss is ahead. So the *mechanism* of saturation is exact, but how much it takes from a training depends on the step size, on $k$, and on how sure D
# becomes.

# %%
ends = [[d for _, d, _ in larger[name]] for name in ("minimax", "non_saturating")]
rivals = "minimax (best seed) over non-saturating (worst seed)"
ledger.add("NB03", f"race at k = 5 and step 1e-3: {rivals}",
           (0, 1), min(ends[0]) / max(ends[1]), 0, "three seeds each", True);

# %% [markdown]
# ### Deeper: a D that learns its data by heart
#
# You see on pictures why D is not trained to its end; skip to [the collapse](#One-hidden-layer,-and-a-collapse).

# %% [markdown]
# [Notebook 02](02_play_the_game.ipynb#From-expectations-to-samples) shows the same with a few points on a line, where the truth is known. Here we freeze the convolutional G and train a fresh D on 500 real pictures and 500 samples, until nothing is left to learn. Beside its loss on those we draw its loss on pictures that it has never seen.

# %% covers=["4.04"] topics=["overfitting"]
torch.manual_seed(SEED)
own_real, unseen_real = to_unit(images.train_images[:500]), to_unit(images.test_images[:1000])
own_fake, unseen_fake = (conv_game.sample(n, ema=False) for n in (500, 1000))
judge = networks.MLPDiscriminator().to(profile.device)
adam, rows = torch.optim.Adam(judge.parameters(), lr=2e-4), []
with profile.plan(steps=profile.pick(smoke=10, cpu=600, gpu=1000), about=6, gpu=4) as plan:
    for i in range(plan.steps + 1):
        if i % 10 == 0:
            with torch.no_grad():
                scored = [judge(x) for x in (own_real, own_fake, unseen_real, unseen_fake)]
            rows.append([float(d_loss(*scored[:2])), float(d_loss(*scored[2:]))])
        pick = torch.randint(500, (64,), device=profile.device)
        adam.zero_grad()
        d_loss(judge(own_real[pick]), judge(own_fake[pick])).backward()
        adam.step()

# %% tags=["figure"] covers=["4.04"] alt="D's loss on its own pictures goes to zero; on new pictures it stops falling half-way or before"
from gan_tutorial.lesson.figures.nb03 import own_and_new

own, new = torch.tensor(rows).T
own_and_new(own, new, every=10)
right = [float((s > 0).float().mean()) for s in scored]
right_on_own, right_on_new = (right[0] + 1 - right[1]) / 2, (right[2] + 1 - right[3]) / 2
print(f"right on its own pictures: {right_on_own:.1%}; on new ones: {right_on_new:.1%}")

# %% [markdown]
# On its own pictures (green) D becomes perfect. On new ones (brown) the second half of its training lowers the loss no further. What D learns from then on is about these thousand pictures and not about clothes. So to train D to
# completion takes long, and on finite data the later part of that time buys nothing that holds for new pictures. The 2014 paper gives the way out: if G changes slowly, a few moves keep D near its best from step to step.

# %%
half = len(new) // 2
around = new[half - 5 : half + 6].mean()  # in the middle of the training
later = new[-len(new) // 2 :].mean()
better = "overfitted D (one seed): right on its own pictures, more often than on new ones by"
held = ("this training", True)  # asserted where the training was whole
for claim, exact, measured, tolerance in (
    ("overfitted D: its loss on its own pictures in the end", 0, own[-1], 0.1),
    (better, (0.02, 1), right_on_own - right_on_new, 0),
    ("overfitted D: loss on new pictures, second half of the training over its middle",
     (0.9, math.inf), later / around, 0),
):
    ledger.add("NB03", claim, exact, measured, tolerance, *held)

# %% [markdown]
# ## One hidden layer, and a collapse
#
# A GAN may *collapse*: make only few kinds of picture, however different the latents ([mode collapse](glossary.md#mode-collapse)). "Theoretical Insights of GANs" (Rai 2018) promises to show it with one hidden layer for
# each player. We have just trained such networks, and their distance fell. So is the promise wrong? Watch what happens with Adam's own defaults, step $10^{-3}$ and momentum $\beta_1 = 0.9$.
#
# To *count* a collapse we need to know what a picture shows. A small classifier, trained in seconds on the labels, will do.

# %% covers=["4.10"]
torch.manual_seed(SEED)
classifier = nn.Sequential(nn.Flatten(), networks.mlp([784, 256, 10])).to(profile.device)
optimiser = torch.optim.Adam(classifier.parameters(), lr=1e-3)
with profile.plan(steps=profile.pick(smoke=20, cpu=800, gpu=3000), about=5, gpu=5) as plan:
    for _ in range(plan.steps):
        x, labels = images.sampler(labels=True)(256)
        optimiser.zero_grad()
        nn.functional.cross_entropy(classifier(x), labels).backward()
        optimiser.step()
with torch.no_grad():
    named = classifier(to_unit(images.test_images)).argmax(1)
accuracy = float((named == images.test_labels).float().mean())
print(f"right on {accuracy:.1%} of the test pictures")

# %% [markdown]
# Good enough to count by, if generous: it must name a class even for a smudge. Now three seeds with momentum and three without, all else equal. We count the classes that get 2 % of the samples
# or more, and ask how far a sample is from the nearest other one.

# %% covers=["4.10"]
def make_and_count(beta1, seed, steps):
    """1,000 samples at the end, their classes; at five moments, how many have 2 % or more."""
    game, present = small_game(seed, lr=1e-3, beta1=beta1), []
    for _ in train(game, non_saturating, steps=steps, every=max(1, steps // 5)):
        with torch.no_grad():
            pictures = game.sample(1000, ema=False)
            counts = classifier(pictures).argmax(1).bincount(minlength=10).cpu()
        present.append(int((counts >= 20).sum()))
    return pictures, counts, present


# %%
steps, momentum = profile.pick(smoke=5, cpu=1500, gpu=1500), {}
with profile.plan(steps=6 * steps, about=35, gpu=35):
    for beta1 in (0.9, 0.0):
        momentum[beta1] = [make_and_count(beta1, SEED + i, steps) for i in range(3)]

# %%
def alikeness(pictures):
    """The median distance of a picture to the nearest other one."""
    apart = torch.cdist(pictures.flatten(1), pictures.flatten(1)).fill_diagonal_(float("inf"))
    return float(apart.min(1).values.median())


kept = {beta1: [present for _, _, present in made] for beta1, made in momentum.items()}
nearest = {beta1: [alikeness(x) for x, _, _ in made] for beta1, made in momentum.items()}
nearest_real = alikeness(to_unit(images.test_images[:1000]))
for beta1 in momentum:
    for present, near in zip(kept[beta1], nearest[beta1], strict=True):
        print(f"beta1 = {beta1}: classes with 2 % or more, at five moments {present}; "
              f"nearest other sample at {near:.1f}")
print(f"among 1,000 real pictures the nearest other one is at {nearest_real:.1f}")

# %% tags=["figure"] covers=["4.10"] topics=["mode collapse", "momentum"] alt="Samples with momentum look much alike and fall in fewer classes; without momentum they spread over nearly all" slide=true
from gan_tutorial.lesson.figures.nb03 import samples_and_counts

titles = {0.9: r"with momentum ($\beta_1 = 0.9$)", 0.0: r"without ($\beta_1 = 0$)"}
samples_and_counts({titles[b]: made for b, made in momentum.items()}, images.classes);

# %% [markdown] slide=["So one hidden layer is not too few", "Why momentum?"]
# The promise holds, with two qualifications. With momentum the small GAN makes fewer kinds of picture. Its samples are much more alike than real ones, in all three seeds. The *same* networks with the same loss and
# step size, but no momentum, make nearly all classes. So one hidden layer is not too few: how the game is *played* decides.
#
# The second qualification is in the five moments: in the runs shown the number of classes grows again, on average, after an early collapse. We did not wait to see whether it heals fully.
#
# Why momentum? A plausible reason is that it carries a player on towards where its opponent *was*; we have not isolated it here. (Notebook [04](04_circle_the_saddle.ipynb) studies it with two numbers instead of networks.)

# %% [markdown]
# ## Deeper: a walk on the sphere
#
# You learn to walk between latents without leaving the region that G knows, and what a classifier and D see on the way ([notebook 00](00_start_here.ipynb#Play:-walk-between-pictures) has the walk to play with); skip to [the ledger](#The-ledger).

# %% [markdown]
# A latent $z$ has 64 numbers, drawn from a normal distribution. What lies between two of them?
#
# Straight lines are a poor choice. In many dimensions normal vectors have nearly the same length, about $\sqrt{64} = 8$, and nearly right angles to each other. Half-way along the straight line the length is only about
# $8/\sqrt 2$, and G has hardly ever seen such a latent.

# %%
torch.manual_seed(SEED)
lengths = latent(10_000).norm(dim=1)
middle = (latent(10_000) + latent(10_000)).div(2).norm(dim=1)
print(f"length of a latent: {lengths.mean():.2f} ± {lengths.std():.2f}; theory: {64**0.5:.2f}")
print(f"length of the middle of two: {middle.mean():.2f}; theory: {32**0.5:.2f}")

# %% [markdown]
# ### Exercise 3.4 · From one latent to another
#
# *Spherical interpolation* keeps to the shell. With $\omega$ the angle between $a$ and $b$:
#
# $$\operatorname{slerp}(a, b, t) = \frac{\sin((1-t)\,\omega)}{\sin \omega}\, a + \frac{\sin(t\,\omega)}{\sin \omega}\, b .$$
#
# Write it. {{help}}

# %% tags=["exercise"] topics=["interpolation"]
def slerp(a, b, t):
    """From a (t = 0) to b (t = 1), at constant speed.  (d,), (d,), number -> (d,)"""
    # solution
    omega = torch.acos((a @ b / (a.norm() * b.norm())).clamp(-1, 1))
    return (torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b) / torch.sin(omega)


# %%
slerp = check("3.4", slerp)

# %% [markdown]
# We choose four latents whose pictures the classifier finds clear, of four classes, and walk from the first to the second: above on the sphere through latent space, below by cross-fading the two pictures.

# %%
def draw(z):
    """Pictures of the averaged convolutional generator."""
    with torch.no_grad():
        return torch.cat([conv_game.ema(part) for part in z.split(1000)])


def opinion(pictures):
    """The classifier's probabilities of the ten classes.  (n, 1, 28, 28) -> (n, 10)"""
    with torch.no_grad():
        return classifier(pictures).softmax(1)


torch.manual_seed(SEED)
many = latent(8000)
pictures = draw(many)
chances = opinion(pictures)
corners = ("Trouser", "Pullover", "Sneaker", "Bag")
anchors = {c: many[chances[:, images.classes.index(c)].argmax()] for c in corners}

# %% tags=["figure"] covers=["4.12"] alt="Two rows of nine pictures from trousers to a pullover: the walk through latent space passes through garments, the cross-fade through double exposures"
from gan_tutorial.lesson.figures.nb03 import named_rows

a, b = anchors["Trouser"], anchors["Pullover"]
walk = draw(torch.stack([slerp(a, b, t) for t in torch.linspace(0, 1, 9).tolist()]))
weights = torch.linspace(0, 1, 9, device=walk.device)[:, None, None, None]
fade = torch.lerp(walk[:1], walk[-1:], weights)
fig, ax = plt.subplots(figsize=(7.4, 1.6))
named_rows(ax, {"walk through latent space": walk, "cross-fade of the two pictures": fade});

# %% [markdown]
# The cross-fade shows both garments at once in the middle. The walk bends one into the other: what lies half-way is one odd garment, not two.
#
# ### Play: a square with a garment at each corner
#
# In the live notebook two sliders move between four latents, one at each corner of a square; *across* goes from left to right and *down* from top to bottom. The
# bars are the classifier's opinion, the line below gives D's score.
#
# **To answer by playing:** set *down* to 0 and move *across* slowly. Does the garment change gradually, or does it flip? Find a place where the classifier is undecided. Does D, too, find the picture less real there than at the
# corners?
#
# The stored picture shows a place on the upper edge, a good half of the way from the trousers to the pullover.

# %% tags=["widget"] covers=["4.12"] alt="A picture from the upper edge of the square, and bars with the probability of each class"
from gan_tutorial.lesson.figures.nb03 import square

picture = square(anchors, slerp, draw, (opinion, conv_game.D), images.classes)
way, still_at = (0.0, 1.0, 0.0, 0.02), {"across": 0.6, "down": 0.0}
explore(picture, panels=2, size=(6.8, 3.3), still=still_at, across=way, down=way)

# %% [markdown]
# The same question without sliders: along all six ways between two of the four latents, how sure is the classifier, and what does D say?

# %%
ts, pairs = torch.linspace(0, 1, 21).tolist(), list(combinations(anchors, 2))
ways = [draw(torch.stack([slerp(anchors[a], anchors[b], t) for t in ts])) for a, b in pairs]
surest = torch.stack([opinion(x).max(1).values for x in ways])
with torch.no_grad():
    score = torch.stack([conv_game.D(x) for x in ways])
for (a, b), *way in zip(pairs, surest, score, strict=True):
    low = int(way[0].argmin())
    print(f"{a} to {b}: surest class falls to {way[0][low]:.2f}; D's score there",
          f"{way[1][low]:+.2f}, at the ends {way[1][0]:+.2f} and {way[1][-1]:+.2f}")

# %%
undecided = float((surest < 0.7).float().mean())
print(f"share of places where the surest class has less than 0.7: {undecided:.0%}")
least = score.gather(1, surest.argmin(1, keepdim=True))[:, 0]
protests = int((least < torch.minimum(score[:, 0], score[:, -1])).sum())
print("ways on which D's score is lower where the classifier is least sure than at both ends:",
      f"{protests} of 6")
ledger.add("NB03", "mean length of the middle of two latents over that of one",
           0.5**0.5, middle.mean() / lengths.mean(), 0.01, "1/sqrt 2")
ledger.add("NB03", "places on six ways where the surest class has less than 0.7",
           (0, 0.2), undecided, 0, "this run", True, True)
ledger.add("NB03", "ways of six on which D's score is lower there than at both ends",
           (1, 5), protests, 0, "this run", True, True);

# %% [markdown]
# In our run the classifier is undecided at few places: the garment stays what it is for a while, then changes within a short stretch. On such a stretch D does not reliably protest: on some of the six ways its score is lower there than
# at both ends, on others it is not. Another training may change which ways these are: do not read more into one.

# %% [markdown]
# ## Deeper: arithmetic with latents
#
# You calculate with latents as DCGAN's authors did with glasses, and measure whether it works; skip to [the ledger](#The-ledger).

# %% [markdown]
# The picture that everyone remembers from DCGAN: *man with glasses − man + woman = woman with glasses*, calculated with mean latents. Clothes wear no glasses. Our attribute is lightness, which can be *measured*:
#
# > light trousers − dark trousers + dark pullover = ?
#
# If G had learnt lightness apart from kind, the answer would be a light pullover.

# %% covers=["4.12"] topics=["latent arithmetic"]
lightness = pictures.mean(dim=(1, 2, 3))


def select(name, dark):
    """Of the 450 latents most surely of a class, the 150 darkest (lightest)."""
    likeliest = chances[:, images.classes.index(name)].topk(450).indices
    return likeliest[lightness[likeliest].argsort(descending=not dark)[:150]]


light, dark = select("Trouser", False), select("Trouser", True)
start = select("Pullover", True)
step_z = many[light].mean(0) - many[dark].mean(0)
step_pixels = pictures[light].mean(0) - pictures[dark].mean(0)
print(f"length of the step to light: {step_z.norm():.2f}, where a latent has about 8")

# %% [markdown]
# We add the step to *each* dark pullover, not only to their mean, and keep the length of each latent. Beside it two controls: the same arithmetic with pixels, and a step of the same length in a random direction.

# %% covers=["4.12"]
def add(z, step):
    """z + step, at the length that z had."""
    moved = z + step
    return moved * z.norm(dim=1, keepdim=True) / moved.norm(dim=1, keepdim=True)


torch.manual_seed(SEED + 1)
of_pullovers = many[start]
random_step = nn.functional.normalize(latent(1)[0], dim=0) * step_z.norm()
outcome = {
    "before": pictures[start],
    "latent arithmetic": draw(add(of_pullovers, step_z)),
    "pixel arithmetic": (pictures[start] + step_pixels).clamp(-1, 1),
    "random direction": draw(add(of_pullovers, random_step)),
}

# %%
lit, still = {}, {}
for name, result in outcome.items():
    named = opinion(result).argmax(1)
    still[name] = float((named == images.classes.index("Pullover")).float().mean())
    lit[name] = float(result.mean() - pictures[start].mean())
    print(f"{name:18} lightness {result.mean():+.2f}   "
          f"still pullovers, says the classifier: {still[name]:.0%}")

# %% tags=["figure"] covers=["4.12"] alt="Two mean pictures of trousers, light and dark; and rows of dark pullovers, of the same after a step of latents, after a step of pixels and after a random step"
names = {"dark pullovers": "before",
         "with the step of latents": "latent arithmetic",
         "with the step of pixels": "pixel arithmetic",
         "with a random step": "random direction"}
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3), width_ratios=[1, 4.2])
named_rows(left, {"light trousers, mean": pictures[light].mean(0)[None],
                  "dark trousers, mean": pictures[dark].mean(0)[None]})
named_rows(right, {row: outcome[name][:9] for row, name in names.items()});

# %% [markdown]
# In the stored run the latent step lights up the whole garment, by more than the step of pixels does, and leaves most of them pullovers. The pixel step prints the outline of a pair of trousers on each; the
# classifier forgives it, your eye need not. The random step, one draw, is a control that is often left out: as long as the other, it changes lightness less. What it does to the kind, the last column says: compare, before you
# blame the step to light for the pullovers that are lost.
#
# So in this G lightness *is* a direction, shared by trousers and pullovers, though not a clean one: on the way some pullovers become something else. Arithmetic works as far as G happens to have arranged its latent space like that; nobody asked it to. (Asking is possible: InfoGAN does.)

# %%
_, by_latents, by_pixels, by_chance = lit.values()
seen_here = ("this run", True, True)  # another training may find something else: shown only
ledger.add("NB03", "lightness gained: latent step minus pixel step",
           (0, 2), by_latents - by_pixels, 0, *seen_here)
ledger.add("NB03", "lightness gained: random step over latent step",
           0, by_chance / by_latents, 0.6, "this run, one draw", True, True)
ledger.add("NB03", "share that is still a pullover after the latent step",
           (0.5, 0.99), still["latent arithmetic"], 0, *seen_here);

# %% [markdown]
# ## Deeper: questions without an answer here
#
# You find three experiments that we have not run with enough seeds to claim an answer; skip to [the ledger](#The-ledger).

# %% [markdown]
# Choose one, and write down your guess before you run it.
#
# - *Long sleeves.* Pullover − T-shirt/top + Dress. Is it a dress with sleeves? What would you measure?
# - *Rescue the collapse.* With $\beta_1 = 0.9$, find a step size for which the small GAN keeps nine classes in all three seeds. Is it D's step or G's that matters? And does $\beta_1 = 0.5$, the value of DCGAN, do as much harm, or momentum for one player only?
# - *A sure D, on purpose.* Repeat the race with `k = 20`. Which loss survives?
#
# Use three seeds or more, and say which settings you tried.

# %% [markdown]
# ## The ledger
#
# What we found, with its exact value where there is one ([how to read it](glossary.md#ledger)). Facts that need a full training are asserted only where there was one; those said of "this run" are only shown, as another seed may find something else.

# %%
log2, infinity = math.log(2), math.inf
at_zero = non_saturating.d_loss(zero, zero)
unlike = (flipped - non_saturating.g_fake(scores)).abs().max()
for row in (
    ("F-V4", "slope of minimax at D = 0.01 is -D", -0.01, weak[1], 1e-6, "autograd"),
    ("F-V4", "slope of non-saturating at D = 0.01 is -(1-D)",
     -0.99, strong[1], 1e-6, "autograd"),
    ("F-V4", "ratio of the slopes at D = 0.001", 999, (strong / weak)[0], 1e-3, "(1-D)/D"),
    ("F-V2", "D's loss at scores of 0", 2 * log2, at_zero, 1e-6, "2 log 2"),
    ("NB03", "flipped labels give the non-saturating loss", 0, unlike, 1e-6, "definition"),
    ("NB03", "share of black pixels in the data",
     0.5, black, 0.03, "FashionMNIST", False, True),
    ("NB03", "30 steps by hand: pictures of eight that are lighter in the middle",
     (5, 8), clouds, 0, "this run", False, True),
):
    note(*row)

# %%
note("NB03", "Algorithm 1 by hand and train(): largest difference of a pixel",
     0, apart, 1e-9, "five steps in double precision", says="Your training step and the "
     "package's make the same pictures (largest difference of a pixel).")
paper = ("Arjovsky & Bottou 2017, figs. 2 and 3", True)
note("F-V7", "D alone: the two gradients differ by a factor of at least 100, in every run",
     (100, infinity), apart_by, 0, *paper, says="Against a D that trained alone, "
     "G's non-saturating gradient is far longer than the minimax one (factor).")
note("F-V7", "D alone: the minimax gradient falls at least tenfold, in every run",
     (10, infinity), fallen, 0, *paper)
note("F-V7", "D alone: the non-saturating gradient grows, in every run",
     (1, infinity), grown, 0, *paper);

# %%
this, shown = ("this training", True), ("this run", True, True)
for name, (early, late, distances) in summary.items():
    changed = max(abs(b - a) for a, b in zip(early, late, strict=True))
    first, fifth, last = distances[0], distances[len(distances) // 2 - 1], distances[-1]
    note("F-V2", f"{name}: D's mean loss in the last quarter is at most 2 log 2",
         (0, 2 * log2), late[0], 0.1, "2 log 2 - 2 JS", True)
    note("F-V2", f"{name}: G's mean loss in the last quarter is above log 2",
         (log2, infinity), late[1], 0, *shown)
    claim = f"{name}: share of the fall in distance that comes in the first fifth of the steps"
    note("NB03", claim, (0.6, 1.4), (first - fifth) / (first - last), 0, *this)
    note("NB03", f"{name}: the losses stand still (larger change of the two means)",
         0, changed, 0.4, *this, says=f"{name}: the losses stand still (how much their "
         "means change from the second tenth of the training to its last quarter).")
    note("NB03", f"{name}: the distance falls at least fourfold",
         (4, infinity), first / last, 0, *this, says=f"{name}: meanwhile the distance to "
         "real pictures falls (factor).")

# %%
NS, MM, seeds = "non_saturating", "minimax", ("three seeds each", True)
slow = min(min(final[loss, 5]) / max(final[loss, 1]) for loss in (NS, MM))
sure_of = {k: [D for loss in (NS, MM) for D in believed[loss, k]] for k in (1, 5)}
behind = {k: final[MM, k][1] / final[NS, k][1] for k in (1, 5)}  # medians of three
note("NB03", "race: k = 5 (best seed) over k = 1 (worst seed), for the loss where it is less",
     (1, infinity), slow, 0, *seeds, says="After equal work, five moves of D to one of G "
     "leave samples farther from the data than one to one (factor).")
note("NB03", "race: D of samples at k = 5 (largest) over k = 1 (smallest)",
     (0, 1), max(sure_of[5]) / min(sure_of[1]), 0, *seeds)
for k, allowed in ((1, (0, 1.1)), (5, (1, infinity))):
    note("NB03", f"race at k = {k} and step 3e-4: minimax over non-saturating, medians",
         allowed, behind[k], 0, *seeds)

# %%
few, most = min(p[-1] for p in kept[0.0]), max(p[-1] for p in kept[0.9])
regained = sum(p[-1] - min(p) for p in kept[0.9]) / 3
alike = "distance to the nearest other picture: samples with momentum (most) over real ones"
healed = "with momentum: classes at the end minus the fewest before, mean of three seeds"
note("NB03", "classes kept without momentum (fewest of three seeds) minus with it (most)",
     (1, 10), few - most, 0, *seeds, True, says="Without momentum the small GAN keeps "
     "more classes than with it (how many more).")
note("NB03", "classes kept without momentum, fewest of three seeds",
     (8, 10), few, 0, "three seeds", True, True)
note("NB03", alike, (0, 0.5), max(nearest[0.9]) / nearest_real, 0, "three seeds", True)
note("NB03", healed, (1, 10), regained, 0, "three seeds", True, True)
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - Training a GAN is a loop of some twenty lines: D moves on a batch of data and a batch of samples, then G moves on fresh latents, and each player changes only its own weights.
# - The minimax loss gives G a gradient proportional to $D$, the non-saturating one to $1 - D$. They part where D is sure, by the factor $(1-D)/D$.
# - The losses do not measure the quality of the pictures. Keep a yardstick that neither player optimises, and look.
# - At equal work, one move of D per step beat five here.
# - A collapse may come from how the game is *played* (momentum, step sizes) and not from the networks. Count classes over several seeds before you believe in a success.
#
# ## In practice
#
# - **Is it training?** Save pictures from fixed latents, every few hundred steps. Watch the two mean scores: if that of data and that of samples drift far apart, D has won.
# - **Batch norm in D** mixes data and samples in a joint batch (`train` joins them), and in separate ones gives away which is which. Leave it out.
# - **`detach` or `inputs=`**: choose one. And call `zero_grad` right before each `backward`: the other's move may have left gradients.
# - **Sigmoid inside D** and a loss with `log(D + 1e-8)`: still common, and wrong where it matters, at large scores. Return scores and use `softplus`.
# - **What people do today** (StyleGAN2, Karras et al. 2020, and many after it): the non-saturating loss with a penalty on D's slope at the data ([R1](glossary.md#r1), notebook 08), small or no momentum, averaged weights of G, and much larger networks.
#
# ## Further reading
#
# - Goodfellow et al., [Generative Adversarial Networks](https://arxiv.org/abs/1406.2661) (2014): Algorithm 1 and the remark on the other loss, in nine pages.
# - Goodfellow, [NIPS 2016 Tutorial: Generative Adversarial Networks](https://arxiv.org/abs/1701.00160): a tour by the inventor, as a text.
# - Radford, Metz & Chintala, [Unsupervised Representation Learning with DCGAN](https://arxiv.org/abs/1511.06434) (2015): the architecture, the bedrooms, the glasses.
# - Arjovsky & Bottou, [Towards Principled Methods for Training GANs](https://arxiv.org/abs/1701.04862) (2017): D alone, and what else goes wrong with either loss.
# - White, [Sampling Generative Networks](https://arxiv.org/abs/1609.04468) (2016): why to walk on the sphere.
# - Xiao, Rasul & Vollgraf, [Fashion-MNIST](https://arxiv.org/abs/1708.07747) (2017): the data.
