# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13 · A family tree of generative models: six kinds, one data set, five questions
#
# **What you'll do.** You see why one generates at all, then build one tiny model of each kind on pictures of two pixels, where
# everything can be computed exactly, and compare them.
#
# **What you'll learn**
#
# - why the best average answer can be an answer that never occurs, and what a GAN says instead
# - how six kinds of model write down, bound, or avoid a [density](glossary.md#density), and what each gives up for it
# - which log-likelihoods may be compared, and which must not
#
# **What you'll need.** Some PyTorch, and what a density and an expectation are. You can read this notebook right after [00](00_start_here.ipynb).
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import copy
import math
from dataclasses import replace

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, one_hot, pad, softplus

from gan_tutorial.clothes.data import fashion_mnist, to_unit
from gan_tutorial.clothes.recipes import fashion_game
from gan_tutorial.clothes.score import ffd
from gan_tutorial.game import Game, objectives, train
from gan_tutorial.game.networks import SideBySide
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb13
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose

# %% tags=["setup"]
torch.set_num_threads(1)  # the networks are tiny: a second core would only wait
profile = choose(PROFILE)
images = fashion_mnist()
figures.use_style(images.notice)
ledger = Ledger("13")
TRAINED = {"needs_training": True}  # of rows of the ledger
K = 3  # seeds, trained side by side

# %% [markdown]
# ## Guess first
#
# A coin shows $-1$ or $+1$, with equal probability. Two players must say in advance what it will show. The first has to keep the
# mean of her *squared error* small. The second only has to answer so that a judge, who sees real coins and his answers in turn,
# cannot tell which is which. **What does each of them say, in the long run?**
#
# 1. Both say $-1$ or $+1$, at random.
# 2. The first says 0, every time; the second says $-1$ or $+1$.
# 3. Both say 0: it is the mean.
#
# The first player can be computed: her [loss](glossary.md#loss) is $\tfrac12 (c-1)^2 + \tfrac12 (c+1)^2 = c^2 + 1$. The second is a GAN: a
# [generator](glossary.md#generator) G, which turns noise into an answer, and a [discriminator](glossary.md#discriminator) D, the
# judge, trained against each other. We train three, from three [seeds](glossary.md#seed), side by side in one network: row $i$ of a batch belongs to seed $i$ mod 3. (Read `duel` lightly; [02](02_play_the_game.ipynb) explains such a game. A small penalty on D's slope keeps it calm.)

# %%
def duel(data, size, steps, latent=2, lr=1e-3):
    """K small GANs side by side: row i of a batch plays in game i mod K."""
    G = SideBySide(K, [latent, 64, 64, size], nn.LeakyReLU)
    D = nn.Sequential(SideBySide(K, [size, 64, 64, 1], nn.LeakyReLU), nn.Flatten(0))
    noise = lambda n: torch.randn(n, latent)  # noqa: E731
    rates = {"d_lr": lr, "g_lr": lr, "betas": (0.0, 0.99), "ema_decay": 0.99}
    game = Game.with_adam(G, D, data, noise, seed=SEED, **rates)
    calm = replace(objectives.non_saturating, penalty=objectives.r1_penalty(0.1))
    for _ in train(game, calm, steps=steps, batch_size=128 * K, every=100):
        pass
    return game


# %%
def by_seed(rows):
    """(n K, ...) -> (K, n, ...): what belongs to each seed."""
    return rows.unflatten(0, (-1, K)).transpose(0, 1)


# %% covers=["1.06"] topics=["regression to the mean", "multi-modal outputs"]
torch.manual_seed(SEED)
with profile.plan(steps=profile.pick(smoke=5, cpu=400, gpu=400), about=3) as plan:
    coin_game = duel(lambda n: (torch.randint(2, (n, 1)) * 2.0 - 1,), 1, plan.steps)
answers = by_seed(coin_game.sample(5_000 * K, batch_size=5_000 * K))[..., 0]
c = torch.linspace(-1.5, 1.5, 301)
squared_error = c**2 + 1

# %% tags=["figure"] covers=["1.06"] alt="Left: the mean squared error is smallest at the answer zero, between the two values of the data. Right: the answers of three GANs pile up at minus one and plus one"
nb13.coin(c, squared_error, answers);

# %%
best_answer = float(c[squared_error.argmin()])
near_coin = ((answers.abs() - 1).abs() < 0.3).float().mean(1)
print("best single answer:", round(abs(best_answer), 3))
print("game: share of answers within 0.3 of a coin", [f"{v:.0%}" for v in near_coin])

# %% [markdown]
# Answer 2. The best answer for the squared error is 0, a value that the coin *never* shows. About nine in ten of the game's answers lie near the two values that occur; a continuous G must cross from one to the other. The squared error
# must have one answer, so it takes the middle; a sampler (what makes [samples](glossary.md#sample)) may have two. A question with several good answers is called *multi-modal*.

# %% [markdown]
# ## One sharp answer
#
# Now a coin that one can see. A garment stands in a picture; in the next frame it has jumped to the far left or to the far right,
# at random. Two networks shall predict the next frame. One minimises the squared error (L2). The other is a generator, and D judges pairs (frame, next frame).
# [FashionMNIST](00_start_here.ipynb#The-pictures), at half its size, gives the garments.

# %%
def garments(n, of=images.train_images):
    return to_unit(of[torch.randint(len(of), (n,))])


# %%
def futures(now):
    """The two possible next frames.  (n, 1, 14, 14) -> left, right, both (n, 1, 14, 24)"""
    return pad(now, (0, 10), value=-1.0), pad(now, (10, 0), value=-1.0)


# %%
def frames(n):
    """Frame and next frame, n of each."""
    now = avg_pool2d(garments(n), 2)
    left, right = futures(now)
    return now, torch.where(torch.rand(n, 1, 1, 1) < 0.5, left, right)


# %% [markdown]
# One loop, `fit_answers`, for both kinds of training. G's loss is
#
# $$a \cdot (\text{squared error}) - b \cdot \log D(x, G(x)) .$$
#
# If there is a D, it makes a move before each of G's: it raises $\log D$ of real pairs and $\log(1 - D)$ of made ones, with a [penalty](glossary.md#r1) on its slope that keeps it calm.

# %%
torch.manual_seed(SEED)
steps = profile.pick(smoke=(3, 3), cpu=(400, 900), gpu=(400, 900))
l2, game = nb13.Predict(K), nb13.Predict(K)
with profile.plan(steps=sum(steps), about=15):
    nb13.fit_answers(l2, frames, steps[0], a=1, n=32 * K, lr=2e-3)
    how = {"D": nb13.Pairs(K), "gamma": 0.3}
    nb13.fit_answers(game, frames, steps[1], a=0, b=1, n=32 * K, **how)

# %%
torch.manual_seed(SEED)
now = avg_pool2d(garments(300, images.test_images), 2)
left, right = futures(now)
with torch.no_grad():
    by_l2, by_game = (by_seed(G(now.repeat_interleave(K, 0))) for G in (l2, game))

# %% tags=["figure"] covers=["1.09"] topics=["next-frame prediction"] alt="Rows of small pictures: the garment now; what came next, left or right; the L2 network's answer, two grey ghosts at once; the answers of three games, one garment on one side each"
nb13.rows({"now": pad(now, (5, 5), value=-1.0), "could be left": left, "or right": right,
           "L2 answers": by_l2[0], "game, seed 0": by_game[0], "game, seed 1": by_game[1],
           "game, seed 2": by_game[2]});  # fmt: skip


# %% [markdown]
# L2 answers with two pale ghosts, a picture that never occurs; the game mostly with one garment in one place, roughly drawn. (On which side is another matter:
# nothing forces this G to use both.) Here the best L2 answer is known exactly: the mean of the two futures.

# %% covers=["1.09"]
def apart(a, b):
    """Mean squared difference of pictures, for each.  (..., 1, h, w) -> (...)"""
    return (a - b).square().mean((-3, -2, -1))


# %% covers=["1.09"]
to_mean, to_future = {}, {}
print("squared distance  to the mean of both futures    to the nearer future")
for name, made in (("L2", by_l2), ("game", by_game)):
    to_mean[name] = apart(made, (left + right) / 2).mean(1)
    to_future[name] = torch.minimum(apart(made, left), apart(made, right)).mean(1)
    for k in range(K):
        print(f"{name:5} seed {k} {to_mean[name][k]:20.3f} {to_future[name][k]:23.3f}")

# %% [markdown]
# In each of three seeds L2 is nearer to the mean than to a future, and the game the other way round. Lotter et al. (2016) saw the same on turning faces: with the squared error alone an ear
# is in several places at once; with an adversarial loss it is sharp.

# %% [markdown]
# ## Deeper: sharper, and further off
#
# You will see the same with a scale that engineers use: super-resolution, where the sharper picture has the worse numbers; or skip to [why generate](#Why-generate?).

# %% [markdown] covers=["1.10"]
# *Super-resolution*: from a picture of $7 \times 7$ pixels to one of $28 \times 28$. Many sharp pictures shrink to the same small one, so this question has many answers, too. Three methods: bicubic
# interpolation, which knows no clothes; a small network trained with L2; the same network, trained further with L2 plus a little of $-\log D$. (Both go on for as long, L2 with step size 0.001, L2 + D with half of that.)
#
# Two usual measures of "near the original". **PSNR** is the squared error on a logarithmic scale: $10 \log_{10}(\text{range}^2 / \text{error})$, in decibels, higher is nearer. **SSIM** compares means, spreads
# and correlations of small windows; 1 is identical. Beside them two measures of looks: **edges**, the mean difference of neighbouring pixels, which should be that of real pictures; and the [Fréchet distance FFD](00_start_here.ipynb#What-we-measure), smaller is better.

# %%
def zoomed(n, of=images.train_images):
    """Blown-up small picture and original, n of each."""
    y = garments(n, of)
    return interpolate(avg_pool2d(y, 4), scale_factor=4, mode="bicubic").clamp(-1, 1), y


# %%
torch.manual_seed(SEED)
x, y = zoomed(500, images.test_images)
answers_of = {"bicubic": [x], "L2": [], "L2 + D": []}
first, more = profile.pick(smoke=(2, 2), cpu=(300, 300), gpu=(300, 300))
with profile.plan(steps=K * (first + 2 * more), about=45):
    for seed in range(SEED, SEED + K):
        torch.manual_seed(seed)
        G = nb13.Zoom()
        nb13.fit_answers(G, zoomed, first, lr=2e-3)
        for name, how in (("L2", {}), ("L2 + D", {"b": 0.02, "D": nb13.Patches()})):
            further = copy.deepcopy(G)  # both go on from here, for as long
            nb13.fit_answers(further, zoomed, more, lr=5e-4 if how else 1e-3, **how)
            with torch.no_grad():
                answers_of[name].append(further(x).clamp(-1, 1))

# %% tags=["figure"] topics=["super-resolution", "PSNR", "SSIM"] alt="Four rows of clothes: originals; bicubic, very blurred; L2, clear shapes without texture; L2 plus D, with crisp edges"
nb13.rows({"original": y, "bicubic": x, "L2": answers_of["L2"][0],
           "L2 + D": answers_of["L2 + D"][0]});  # fmt: skip

# %% covers=["1.10"]
def psnr(a, b):
    return (10 * torch.log10(4 / apart(a, b))).mean()  # the range is 2


def edges(u):
    return u.diff(dim=2).abs().mean() + u.diff(dim=3).abs().mean()


looks = {name: torch.tensor([(psnr(u, y), nb13.ssim(u, y), edges(u), ffd(u, y))
                             for u in made])
         for name, made in answers_of.items()}  # fmt: skip
print(f"                  PSNR    SSIM    edges (real {edges(y):.3f})    FFD")
for name, rows in looks.items():
    for k, row in enumerate(rows.tolist()):
        print(f"{name:8} seed {k} {row[0]:7.2f} {row[1]:7.3f} {row[2]:9.3f} {row[3]:17.1f}")

# %% [markdown]
# With all stored seeds D makes PSNR *worse* than L2's, and edges and FFD *better*. The edges of L2 are weaker than real ones, those of the other about as strong. The squared error prefers blur that is never quite wrong to detail that
# is sometimes wrong. The published pair (Ledig et al. 2016), on one photograph: bicubic 21.59 dB and SSIM 0.6423, SRGAN 20.34 dB and 0.6562. There, too, the picture with the *lower* PSNR looks better by far; it fell even below bicubic's.
# Whoever wants to measure a plate number needs the left column, whoever wants a convincing picture the right ones. And convincing is not true: the detail is invented.

# %%
gain = looks["L2 + D"] - looks["L2"]
real_edges = edges(y)
claim = "PSNR, L2 + D minus L2, largest of three"
ledger.add("1.10", claim, (-5, 0), gain[:, 0].max(), 0, "this run", **TRAINED)
closer = (looks["L2 + D"][:, 2] - real_edges).abs() / (looks["L2"][:, 2] - real_edges).abs()
claim = "edges, distance to real: L2 + D / L2, worst seed"
ledger.add("1.10", claim, (0, 1), closer.max(), 0, "this run", **TRAINED)
weak = (looks["L2"][:, 2] / real_edges).max()
ledger.add("1.10", "edges, L2 / real, most", (0, 0.9), weak, 0, "this run", **TRAINED)
claim = "FFD, L2 + D minus L2, worst seed"
ledger.add("1.10", claim, (-50, 0), gain[:, 3].max(), 0, "this run", shown_only=True);

# %% [markdown] covers=["1.03", "1.04", "1.05", "1.06", "1.07", "1.08"]
# ## Why generate?
#
# You have met two reasons. The whole list:
#
# | reason | what for | an example |
# |---|---|---|
# | a test | can we handle complicated distributions in many dimensions at all? | 784 pixels, all of them dependent |
# | possible futures | planning, and reinforcement learning in an imagined world | the frames above |
# | missing data | fill in what was not measured; learn from the many without label (*semi-supervised*) | [below](#Two-faces,-and-a-world-of-two-pixels): the second pixel, given the first |
# | several right answers | sample one instead of averaging | the coin |
# | realistic output | [super-resolution](#Deeper:-sharper,-and-further-off), sketches to photographs, [editing](#Deeper:-edit-with-a-generator) | sharp, not average |
# | fast simulation | a network in place of hours of physics | particle showers in a detector (CaloGAN, Paganini et al. 2018) |
# | domain adaptation | make simulated data look like measured data | train a classifier where labels are free |
# | representation | [latent](glossary.md#latent) numbers that mean something | sliders instead of pixels |
#
# What they share is the task: **given a training set, produce more from the same [distribution](glossary.md#distribution)**. New ones, not copies.

# %% [markdown] covers=["1.01", "1.02"]
# ## Two faces, and a world of two pixels
#
# A generative model can show two faces: it can tell you how probable an $x$ is (*density estimation*), or it can give you new ones (*sample generation*). Some do both, some only one.
# To see both faces exactly we take the smallest pictures there are: **two pixels, each with 16 grey levels**. There are only $16^2 = 256$ of them, so a whole distribution fits into one map. Ours has eight
# [modes](glossary.md#mode) on a ring. Ten thousand samples of it are the training set of all models below.

# %%
L = 16  # grey levels of a pixel
level = torch.arange(L, dtype=torch.float64)
angle = torch.arange(8, dtype=torch.float64) * math.pi / 4


def ring(radius, sd=0.75):
    """The map of pictures of two pixels with eight modes on a ring.  -> (L, L), sums to 1"""
    a, b = (7.5 + radius * along for along in (angle.cos(), angle.sin()))
    off = (level[:, None, None] - a) ** 2 + (level[None, :, None] - b) ** 2
    weight = torch.exp(-off / (2 * sd**2)).sum(2)
    return weight / weight.sum()


def draw(p, n):
    """n pictures from a map.  -> (n, 2) levels"""
    k = torch.multinomial(p.flatten(), n, replacement=True)
    return torch.stack([k // L, k % L], 1)


p = ring(5.2)
torch.manual_seed(SEED)
data = draw(p, 10_000)

# %% tags=["figure"] covers=["1.01", "1.02"] alt="Left: a map of 256 cells with eight dark modes on a ring. Middle: twelve pictures of two grey pixels. Right: a thousand samples as points, on the eight modes"
nb13.two_faces(p, data[:1000], data[:12]);

# %% [markdown]
# (The points are scattered within their cells, to be seen.) Whoever has the map can do both: read off how probable a picture is, and draw from it. And can fill in what is missing: cut the map along the column of the first pixel.
#
# The simplest model of all is to **count**. How far is a model's map $q$ from the truth? We use the [total variation](glossary.md#total-variation), $\tfrac12 \sum |p - q|$: the share of the probability that is in the wrong place.

# %% covers=["1.05"]
every = torch.cartesian_prod(torch.arange(L), torch.arange(L))  # all 256 pictures


def count(x):
    """The map of how often each picture occurs.  (n, 2) -> (L, L)"""
    return torch.bincount(x[:, 0] * L + x[:, 1], minlength=L * L).view(L, L).double() / len(x)


def tv(q):
    """Total variation to the truth.  (..., L, L) -> (...)"""
    return (p - q).abs().sum((-2, -1)) / 2


counted = tv(count(data))
print(f"counting: total variation {counted:.3f}")
second = p[2] / p[2].sum()  # the first pixel is 2: the missing second one
print("first pixel 2: the second is 7 or 8 with probability", f"{second[7:9].sum():.2f}")

# %% [markdown]
# On 256 pictures counting is hard to beat. On 784 pixels with 256 levels there are $256^{784}$, and each real picture occurs once. A model has to say something about pictures that it has never seen.

# %% [markdown] covers=["1.12"]
# ## The trunk: maximum likelihood
#
# Take a family of distributions $q_\theta$ and choose the $\theta$ under which the data were most probable: the largest [likelihood](glossary.md#likelihood), or its logarithm,
#
# $$\theta^\star = \arg\max_\theta \; \tfrac1n \sum_i \log q_\theta(x_i) \;\approx\; \arg\max_\theta \; \mathbb E_{x \sim p} \log q_\theta(x), \qquad \mathbb E_p \log q_\theta = -H(p) - \mathrm{KL}(p \,\|\, q_\theta) .$$
#
# $H(p) = -\sum p \log p$ is the *entropy* of the data, which no model can change, and KL is the [Kullback–Leibler divergence](glossary.md#kl). So the largest likelihood is the smallest KL ([01](01_fit_by_likelihood.ipynb) is about this). With one parameter, the radius of the ring:

# %% covers=["1.12"]
radii = torch.linspace(4, 6.5, 126, dtype=torch.float64)
H = -torch.xlogy(p, p).sum()
kl_ring = torch.stack([(p * (p / ring(r)).log()).sum() for r in radii])
exact = -H - kl_ring
few = data[:100]
of_few = torch.stack([ring(r)[few[:, 0], few[:, 1]].log().mean() for r in radii])

# %% tags=["figure"] covers=["1.12"] topics=["maximum likelihood"] alt="Mean log-likelihood over the radius of the model: one peak at the true radius 5.2, where it touches the ceiling minus H; the curve of a hundred data has its peak close by"
fig, ax = plt.subplots(figsize=(6, 3))
nb13.likelihood_curve(ax, radii, exact, of_few, best=5.2, ceiling=-H)
best = radii[exact.argmax()]
print(f"H(p) = {H:.3f} nats; best radius {best:.2f}, of 100 data {radii[of_few.argmax()]:.2f}")

# %% [markdown]
# "All data" is the truth itself, not our ten thousand samples. The peak of its curve is at the true radius, and it touches the ceiling $-H(p)$: **$-4.32$ nats is the best mean log-likelihood that any model of these pictures can have.**
#
# All of the family can be seen as ways to this peak. They differ in what they do about $\log q_\theta(x)$: write it down, bound it, or do without it.

# %% tags=["figure"] covers=["1.13"] topics=["taxonomy of generative models"] alt="A tree. Maximum likelihood splits into explicit and implicit density. Explicit: tractable (fully visible, change of variables) and approximate (variational autoencoder, Boltzmann machine). Implicit: Markov chain (generative stochastic network) and direct (GAN)"
fig, ax = plt.subplots(figsize=(10, 4.2))
nb13.family_tree(ax);

# %% [markdown]
# Six leaves, and one tiny model for each. (The tree follows Goodfellow's tutorial of 2016. Its trunk is a frame, not a theorem: the usual GAN does not maximise a likelihood, as [05](05_compare_the_losses.ipynb) shows. Diffusion models, which came later, sit between VAE and Markov chain.)
#
# All explicit ones share this loop, for three seeds side by side:

# %%
def fit(weights, loss, steps, lr=1e-2, n=256):
    """Adam on loss(training pictures, n for each seed); the step size falls to 0."""
    opt = torch.optim.Adam(weights, lr=lr, fused=True)
    for i in range(steps):
        opt.param_groups[0]["lr"] = lr * (1 - i / steps)
        value = loss(data[torch.randint(len(data), (n * K,))])
        opt.zero_grad()
        value.backward()
        opt.step()


# %%
every_K = every.repeat_interleave(K, 0)  # all pictures, once for each seed
q_of, calls = {}, {}  # of each model: its maps (K, L, L); network calls for a sample


def to_map(log_mass_of_every):
    """(256 K,) log-probabilities of every_K -> (K, L, L)"""
    return by_seed(log_mass_of_every.detach().double().exp()).reshape(K, L, L)


# %% [markdown]
# ## Fully visible: pixel after pixel
#
# Any distribution of $d$ pixels is a product, by the *chain rule* of probability:
#
# $$q(x) = q(x_1)\, q(x_2 \mid x_1) \cdots q(x_d \mid x_1, \dots, x_{d-1}) = \prod_{i=1}^{d} q(x_i \mid x_{<i}) .$$
#
# Each factor is a classifier over 16 levels, whose input are the pixels before. This is a *fully visible belief network*: nothing hidden, nothing approximated. If each factor sums to 1, so does the product.
#
# ### Exercise 13.1 · The chain rule
#
# A network has given, for each of $n$ pictures and each pixel $i$, the log-probabilities of all levels given the pixels before: `log_cond`, of shape (n, d, L). **Return $\log q(x)$** for each picture `x`, of shape (n, d).
#
# {{help}}

# %% tags=["exercise"]
def log_mass(log_cond, x):
    """log q(x) of each picture.  (n, d, L), (n, d) -> (n,)"""
    # solution
    return log_cond.gather(2, x[..., None])[..., 0].sum(1)


log_mass = check("13.1", log_mass)


# %% [markdown]
# The model: one network for all factors. Its input is the picture with all pixels from $i$ on left out.

# %% covers=["1.14"] topics=["autoregressive model", "fully visible belief network"]
def conditionals(net, x):
    """log q(level | pixels before), for each pixel.  (n, d) -> (n, d, L)"""
    code = one_hot(x, L).float()
    before = [torch.cat([code[:, :i], 0 * code[:, i:]], 1) for i in range(x.shape[1])]
    logits = torch.stack([net(b.flatten(1)) for b in before], 1)
    return logits.log_softmax(2)


# %% covers=["1.14"]
def visible_loss(x):
    return -log_mass(conditionals(visible, x), x).mean()


torch.manual_seed(SEED)
visible = SideBySide(K, [2 * L, 64, L])
with profile.plan(steps=profile.pick(smoke=5, cpu=800, gpu=800), about=3) as plan:
    fit(visible.parameters(), visible_loss, plan.steps)
q_of["fully visible"] = to_map(log_mass(conditionals(visible, every_K), every_K))

# %% covers=["1.14"]
total = q_of["fully visible"].sum((1, 2))
print("sums over all 256 pictures:", [f"{v:.6f}" for v in total])
off = tv(q_of["fully visible"])
print("total variation:", [f"{v:.3f}" for v in off], f"(counting {counted:.3f})")

# %% [markdown]
# Exactly normalised, and as near to the truth as counting. To *sample* it, one has to go the same way: the second pixel cannot be drawn before the first is known. We count the calls of the network.

# %% covers=["1.15", "1.16"] topics=["sequential sampling", "WaveNet"]
@torch.no_grad()
def sample_visible(net, n, d=2):
    """n pictures for each seed, pixel by pixel.  -> pictures (n K, d), calls"""
    x, used = torch.zeros(n * K, d, dtype=torch.long), 0
    for i in range(d):
        code = one_hot(x, L).float()
        code[:, i:] = 0  # not yet drawn
        x[:, i] = torch.multinomial(net(code.flatten(1)).softmax(1), 1)[:, 0]
        used += 1
    return x, used


# %% covers=["1.15", "1.16"]
x, calls["fully visible"] = sample_visible(visible, 20_000)
untrained = SideBySide(K, [196 * L, 8, L])
calls_196 = sample_visible(untrained, 1, d=196)[1]
print("calls for 2 pixels:", calls["fully visible"], "  for 14 x 14 pixels:", calls_196)
print("total variation of 20,000 samples:", [f"{tv(count(s)):.3f}" for s in by_seed(x)])
print(f"WaveNet: 120 s for 16,000 calls = {120 / 16_000 * 1000:.1f} ms per call")
assert calls["fully visible"] == 2 and calls_196 == 196

# %% [markdown]
# **As many calls as pixels**, however many processors you have. The famous examples: PixelCNN (van den Oord et al. 2016) drew elephants and coral reefs pixel by pixel; WaveNet needed *two minutes for one second of audio*, by Goodfellow's tutorial, with 16,000 calls one after the other. (Training needs
# no waiting: there all pixels are known. Language models are of this kind to this day.) And there is no latent code: no slider that changes the whole picture at once.

# %% [markdown]
# ## Deeper: clothes, pixel by pixel
#
# You will see a fully visible model of real pictures draw them, 196 calls each; or skip to [the change of variables](#Change-of-variables:-bend-the-plane).

# %% [markdown]
# MADE (Germain et al. 2015) gets all $d$ factors from *one* call while it trains: an ordinary network in which some weights are held at 0, so that output $i$ depends on pixels before $i$ only. Each hidden unit has a number $m$; it may see the pixels before $m$, and output $i$ may use hidden units with $m \le i$. Our pictures have $14 \times 14$ pixels, black or white.

# %% covers=["1.14", "1.16"] topics=["MADE"]
class MADE(nn.Module):
    """Logits of all pixels, each from those before.  (n, d) of 0 and 1 -> (n, d)"""

    def __init__(self, d, hidden):
        super().__init__()
        m, i = torch.arange(hidden) % d, torch.arange(d)
        self.first, self.last = nn.Linear(d, hidden), nn.Linear(hidden, d)
        self.sees, self.uses = (i < m[:, None]).float(), (m <= i[:, None]).float()

    def forward(self, x):
        h = nn.functional.linear(x, self.first.weight * self.sees, self.first.bias).relu()
        return nn.functional.linear(h, self.last.weight * self.uses, self.last.bias)


def two_tone(n):
    return (avg_pool2d(garments(n), 2) > 0).float().flatten(1)


torch.manual_seed(SEED)
made, entropy = MADE(196, 784), nn.functional.binary_cross_entropy_with_logits
made_opt = torch.optim.Adam(made.parameters(), lr=2e-3, fused=True)
with profile.plan(steps=profile.pick(smoke=3, cpu=1_200, gpu=1_200), about=8) as plan:
    for _ in range(plan.steps):
        x = two_tone(100)
        loss = entropy(made(x), x)
        made_opt.zero_grad()
        loss.backward()
        made_opt.step()

# %%
with torch.no_grad():
    x, drawn, stages = torch.zeros(10, 196), 0, {}
    for i in range(196):
        x[:, i] = torch.bernoulli(torch.sigmoid(made(x)[:, i]))
        drawn += 1
        if drawn in (49, 98, 147, 196):
            stages[f"{drawn} calls"] = x.clone().view(-1, 1, 14, 14) * 2 - 1
    # does an output feel a pixel that is not before it?
    a, later = torch.rand(1, 196), torch.rand(1, 196)
    later[:, :100] = a[:, :100]
    leak = float((made(a) - made(later))[:, :101].abs().max())
print("outputs up to pixel 100 move by", leak, "when pixels from 100 on change")

# %% tags=["figure"] alt="Ten two-tone clothes that grow row by row from the top, after 49, 98, 147 and 196 calls, and real ones below"
nb13.rows(stages | {"data": two_tone(10).view(-1, 1, 14, 14) * 2 - 1});

# %% [markdown]
# The pictures grow from the top, a row for 14 calls, and the lower half continues what the upper half began, more or less well: mistakes cannot be taken back. With `leak` we tested the masks: changing a later pixel must not move an earlier output.

# %%
ledger.add("1.14", "MADE: outputs feel later pixels", 0, leak, 1e-6, "masks");

# %% [markdown]
# ## Change of variables: bend the plane
#
# Take a smooth, *invertible* map $g$ and let $z = g(x)$ be a standard normal variable. Then $x$ has the density
#
# $$q_x(x) = q_z\bigl(g(x)\bigr)\, \left| \det \frac{\partial g(x)}{\partial x} \right| .$$
#
# A small piece of the plane around $x$ has as much probability as its image around $z$; where $g$ stretches, $|\det| > 1$, the image is large, so much probability comes from a small piece of $x$, and the density there is high. Nonlinear ICA (Hyvärinen and Pajunen 1999), Real NVP (Dinh et al. 2016: ImageNet at 64 × 64) and all *normalizing flows* are of this kind.
#
# ### Exercise 13.2 · The density of a bent plane
#
# Given `z` $= g(x)$, of shape (n, d), and the derivatives `J` $= \partial g / \partial x$ at these points, of shape (n, d, d), **return $\log q_x(x)$**, where $z$ is $N(0, I)$. Mind that a map may also mirror.
#
# {{help}}

# %% tags=["exercise"]
def log_density(z, J):
    """log q(x) from z = g(x) and J = dg/dx.  (n, d), (n, d, d) -> (n,)"""
    # solution
    log_normal = -z.square().sum(1) / 2 - z.shape[1] / 2 * math.log(2 * math.pi)
    return log_normal + torch.linalg.slogdet(J)[1]


log_density = check("13.2", log_density)


# %% [markdown]
# In many dimensions a determinant is expensive. Real NVP's trick: move only one half of the coordinates, by an amount that depends on the other half. $J$ is then triangular, its determinant a product of factors $e^s$, and $\log |\det J|$ the sum of all $s$: `log_q_flow` below is your formula with that. And the map can be undone, whatever the network inside. Halves take turns:

# %% covers=["1.17"] topics=["normalizing flow", "change of variables", "Real NVP"]
class Coupling(nn.Module):
    """(a, b) -> (a, b e^s(a) + t(a)), or with a and b swapped."""

    def __init__(self, swap):
        super().__init__()
        self.swap, self.net = swap, SideBySide(K, [1, 32, 32, 2], nn.Tanh)

    def forward(self, x, back=False):
        a, b = (x.flip(1) if self.swap else x).split(1, 1)
        s, t = self.net(a).split(1, 1)
        s = 2 * torch.tanh(s / 2)
        out = torch.cat([a, (b - t) * (-s).exp() if back else b * s.exp() + t], 1)
        return (out.flip(1) if self.swap else out), s[:, 0]


# %% covers=["1.17"]
def flow(layers, x):
    """z = g(x) and log|det J|: the logarithms of the layers add up."""
    log_det = 0
    for layer in layers:
        x, s = layer(x)
        log_det = log_det + s
    return x, log_det


# %% [markdown]
# ### Grey levels are not a density
#
# A flow gives a *density* over the plane, and our pixels are whole numbers. Train it on them as they are, and the density grows into spikes on the 256 points, as high as you like: the likelihood is infinite, and says nothing. The remedy is **dequantisation**: spread each level over its cell, $x + u$ with $u$ uniform in $[0, 1)^2$. The probability of a picture is the integral over its cell, and by Jensen's inequality (the log of a mean is at least the mean of the logs)
#
# $$\log Q(x) = \log \int_{[0,1)^2} q(x + u)\, du \;\ge\; \mathbb E_u \log q(x + u) .$$
#
# So what such a flow maximises is a *bound* on a log-probability.

# %% topics=["dequantisation"]
def as_input(x):
    """Levels 0 to 16 as numbers between -2 and 2: networks like these better."""
    return (x - 8) / 4


def log_q_flow(layers, x):
    """log-density at points x (in levels), per unit of the network's input."""
    z, log_det = flow(layers, as_input(x))
    return -z.square().sum(1) / 2 - math.log(2 * math.pi) + log_det


# %% topics=["dequantisation"]
torch.manual_seed(SEED)
layers = nn.ModuleList([Coupling(i % 2) for i in range(8)])


def flow_loss(x):
    return -log_q_flow(layers, x + torch.rand(x.shape)).mean()  # dequantised


with profile.plan(steps=profile.pick(smoke=5, cpu=900, gpu=900), about=8) as plan:
    fit(layers.parameters(), flow_loss, plan.steps, lr=5e-3, n=128)

# %% [markdown]
# To check the formula we integrate: a fine grid, 5 × 5 points in each cell, over a region much larger than the picture.

# %% covers=["1.17"]
fine, low, high = 5, -24, 40  # points per level; from -24 to 40
ticks = (torch.arange((high - low) * fine) + 0.5) / fine + low
plane = torch.cartesian_prod(ticks, ticks).repeat_interleave(K, 0)


with torch.no_grad():
    log_q = log_q_flow(layers, plane) - 2 * math.log(4)  # per level: a unit has 4
density = by_seed(log_q.double().exp()).reshape(K, len(ticks), len(ticks))
whole = density.sum((1, 2)) / fine**2
print("integral over the plane:", [f"{v:.4f}" for v in whole])

# %% covers=["1.17"]
inside = slice(-low * fine, (L - low) * fine)
in_cells = density[:, inside, inside].reshape(K, L, fine, L, fine)
q_of["flow"] = in_cells.mean((2, 4))  # the integral over each cell
bound_flow = (p * in_cells.log().mean((2, 4))).sum((1, 2))  # E_u log q(x + u)
mass_flow = (p * q_of["flow"].log()).sum((1, 2))
for k in range(K):
    print(f"seed {k}: bound {bound_flow[k]:.3f}, exact log-probability {mass_flow[k]:.3f}")

# %% tags=["figure"] covers=["1.18"] alt="Left: the lines of a grid in z, bent by the flow into a ring, crowded on the modes. Middle: its density, a ring with bridges between the modes. Right: the mass in each cell"
bent = nb13.bent_grid(layers, K) * 4 + 8  # G, the inverse of g
nb13.bent_plane(bent, density[0, inside, inside], (0, 16), q_of["flow"][0]);

# %% [markdown]
# The integral is 1, and the exact log-probability is above its bound, as it must be.
#
# What does a flow give up? **Invertibility** restricts $G = g^{-1}$: it can bend the plane but not tear it, so *bridges* remain between the modes. (A longer training makes them thinner; none removes them.) And **$z$ must have as many numbers as $x$**: a picture of 784 pixels needs 784 latent numbers.

# %% [markdown]
# ### Deeper: without dequantisation
#
# You will see a log-likelihood that is too good to be true, and the remedy at work; or skip to [the variational autoencoder](#Variational-autoencoder:-a-bound).

# %% [markdown]
# Nothing needs to be trained for this. Put a small Gaussian of spread $s$ on each of the 256 pictures, with the true probabilities as weights. That is a density on the plane, for every $s$, and its mean log-density at the pictures can be computed, raw and dequantised.

# %% topics=["dequantisation"]
def spikes(sd, offsets):
    """The density at all pictures, moved by each of the offsets in both directions."""
    at = (level[:, None] + offsets).flatten()
    near = torch.exp(-(((at[:, None] - level) / sd) ** 2) / 2) / (sd * math.sqrt(2 * math.pi))
    return (near @ p @ near.T).view(L, len(offsets), L, len(offsets))


cell = ((torch.arange(20) + 0.5) / 20 - 0.5).double()  # places in a cell
spread_of = (1, 0.3, 0.1, 0.03)
raw = torch.stack([(p * spikes(s, cell[:1] * 0)[:, 0, :, 0].log()).sum() for s in spread_of])
honest = torch.stack([(p * spikes(s, cell).log().mean((1, 3))).sum() for s in spread_of])
print(f"spread        raw    dequantised   (no log-probability is above {-H:.2f})")
for s, r, h in zip(spread_of, raw, honest, strict=True):
    print(f"{s:6} {r:10.2f} {h:14.2f}")

# %% [markdown]
# The raw number passes the ceiling $-H(p)$, and goes on: each spread that is ten times smaller adds $2 \log 10 = 4.6$ nats. That is how one recognises a density with spikes. Dequantised, spikes are the worst choice: most of each cell is empty.

# %%
claim = "raw log-density with spread 0.03 - best possible"
ledger.add("trap", claim, (0, math.inf), raw[-1] + H, 0, "a density is no mass")
claim = "dequantised log-density - best possible, most"
ledger.add("trap", claim, (-math.inf, 0), honest.max() + H, 0, "Jensen");

# %% [markdown]
# ## Variational autoencoder: a bound
#
# Here $G$ may be any network (a *decoder*). First $z \sim N(0, I)$, then $x$ from $q(x \mid z)$, whose parameters are $G(z)$; for us the log-probabilities of the levels of both pixels. The density is an integral over all $z$,
#
# $$q(x) = \int q(z)\, q(x \mid z)\, dz ,$$
#
# which for a $z$ of many numbers nobody can compute. So a second network, the *encoder*, guesses which $z$ the picture came from: $r(z \mid x)$, a Gaussian. For *any* $r$
#
# $$\log q(x) \;\ge\; \log q(x) - \mathrm{KL}\bigl(r(z \mid x) \,\|\, q(z \mid x)\bigr) = \mathbb E_{r} \log q(x, z) + H(r) .$$
#
# The left side we want; the right side we can estimate from samples of $r$. It is the **evidence lower bound**, ELBO (in the papers, $r$ is called $q$, and $q$ is called $p$).
#
# <details><summary>Why both sides of the equation are the same</summary>
#
# $\mathrm{KL} = \mathbb E_r \log r(z \mid x) - \mathbb E_r \log q(z \mid x)$, and $q(z \mid x) = q(x, z) / q(x)$. So $\log q(x) - \mathrm{KL} = \log q(x) + H(r) + \mathbb E_r \log q(x, z) - \log q(x)$.
# </details>
#
# ### Exercise 13.3 · The bound
#
# Let $z$ have finitely many values (below: the points of a grid). Given `log_joint`, $\log q(x, z_k)$ for $n$ pictures and $m$ values, and `r`, the encoder's $r(z_k \mid x)$, both of shape (n, m), **return the ELBO** of each picture. Some entries of `r` may be 0.
#
# {{help}}

# %% tags=["exercise"]
def elbo(log_joint, r):
    """E_r log q(x, z) + H(r), for each picture.  (n, m), (n, m) -> (n,)"""
    # solution
    return (r * log_joint - torch.xlogy(r, r)).sum(1)


elbo = check("13.3", elbo)


# %% [markdown]
# While it trains, one sample of $z$ for each picture will do (mean plus spread times noise, so that the gradient passes through):

# %% covers=["1.19"] topics=["variational autoencoder", "ELBO"]
def log_normal(z):
    return -z.square().sum(-1) / 2 - math.log(2 * math.pi)


def log_given_z(decoder, z, x):
    return log_mass(decoder(z).unflatten(1, (2, L)).log_softmax(2), x)


# %% covers=["1.19"]
def minus_elbo(x):
    """One draw of z for each picture."""
    mean, log_sd = encoder(one_hot(x, L).flatten(1).float()).split(2, 1)
    e = torch.randn_like(mean)
    z = mean + log_sd.exp() * e
    log_r = log_normal(e) - log_sd.sum(1)
    return -(log_given_z(decoder, z, x) + log_normal(z) - log_r).mean()


# %% covers=["1.19"]
torch.manual_seed(SEED)
decoder = SideBySide(K, [2, 64, 2 * L], nn.Tanh)  # z -> logits of both pixels
encoder = SideBySide(K, [2 * L, 64, 4], nn.Tanh)  # x -> mean and log sd of z
with profile.plan(steps=profile.pick(smoke=5, cpu=1_500, gpu=1_500), about=6) as plan:
    fit([*decoder.parameters(), *encoder.parameters()], minus_elbo, plan.steps)

# %% [markdown]
# Our $z$ has two numbers, so we can put it on a fine grid, where everything is exact: $\log q(x)$, the true *posterior* $q(z \mid x)$, the ELBO, and the gap.

# %% covers=["1.19"]
tick = torch.linspace(-5, 5, 121)
Z = torch.cartesian_prod(tick, tick)
log_w = log_normal(Z).double().log_softmax(0)  # the prior on the grid
with torch.no_grad():
    log_x = decoder(Z.repeat_interleave(K, 0)).unflatten(1, (2, L)).log_softmax(2)
    log_x = by_seed(log_x.double())  # (K, points of the grid, pixel, level)
    codes = by_seed(encoder(one_hot(every_K, L).flatten(1).float())).double()


# %% covers=["1.19"]
def exact_vae(k):
    """log q(x, z) and r(z | x) on the grid, for all pictures.  -> (256, m), (256, m)"""
    joint = log_w + (log_x[k, :, 0, every[:, 0]] + log_x[k, :, 1, every[:, 1]]).T
    mean, log_sd = codes[k].split(2, 1)
    r = log_normal((Z - mean[:, None]) / log_sd.exp()[:, None]).softmax(1)
    return joint, r


# %% covers=["1.19"]
vae_rows = [nb13.vae_row(*exact_vae(k), p, elbo) for k in range(K)]
q_of["VAE"] = torch.stack([row[0] for row in vae_rows])
for _, log_q, bound, vae_gap, off in vae_rows:
    print(f"log q {log_q:.4f} = ELBO {bound:.4f} + gap {vae_gap:.4f}   (off by {off:.0e})")

# %% [markdown]
# The sum is exact to rounding, for each of 256 pictures. **The gap is the difference between the posterior, which has any shape, and the encoder's Gaussian.**

# %% [markdown]
# ## Deeper: is a VAE consistent?
#
# You will look at posteriors, then train the same decoder by its exact likelihood and by two bounds, on *infinitely many* data, and see which finds the truth; or skip to [the Boltzmann machine](#Boltzmann-machine:-an-unknown-constant).

# %% tags=["figure"] covers=["1.20"] alt="For three pictures: black contours of the exact posterior over z, orange dashed contours of the encoder's Gaussian; they nearly agree, but the posterior is not quite an ellipse"
joint, r = exact_vae(0)
gaps = (torch.xlogy(r, r) - r * joint.log_softmax(1)).sum(1)
shown = gaps.masked_fill(p.flatten() < 0.003, -1).topk(3).indices
m = len(tick)
posteriors, guessed = (table[shown].view(3, m, m) for table in (joint.softmax(1), r))
names = [f"picture {tuple(every[i].tolist())}, gap {gaps[i]:.3f}" for i in shown]
nb13.posterior_and_q(tick, posteriors, guessed, names);

# %% [markdown] covers=["1.20"]
# These are the worst of the more frequent pictures of the first seed: the posterior (black) is not quite a Gaussian, and the encoder (dashed) can only be one.
#
# A method is *asymptotically consistent* if it finds the truth, given enough data (and a model that can express it). Enough data we have: the sum over all 256 pictures with their true probabilities is what infinitely many would give. And to have no noise from draws of $z$ either, let $z$ live on a grid of $21 \times 21$ points. Three ways to train one decoder: its exact likelihood; the exact ELBO with an encoder as above; the exact ELBO with a poorer encoder, whose spread is 0.6 for every picture.

# %% covers=["1.20"] topics=["consistency"]
coarse = torch.linspace(-3.2, 3.2, 21)
Z_coarse = torch.cartesian_prod(coarse, coarse)
w_coarse = log_normal(Z_coarse).log_softmax(0)


def log_joint_of(decoder):
    """log q(x, z) for all pictures.  -> (K, 441, 256)"""
    logits = decoder(Z_coarse.repeat_interleave(K, 0)).unflatten(1, (2, L))
    log_x = by_seed(logits.log_softmax(2))
    both = log_x[:, :, 0, :, None] + log_x[:, :, 1, None, :]
    return w_coarse[:, None] + both.flatten(2)


def log_guess(encoder, sd):
    """log r(z | x), a Gaussian on the grid.  -> (K, 441, 256)"""
    mean, log_sd = by_seed(encoder(one_hot(every_K, L).flatten(1).float())).split(2, 2)
    log_sd = log_sd if sd is None else 0 * log_sd + math.log(sd)
    off = (Z_coarse[:, None] - mean[:, None]) / log_sd.exp()[:, None]
    return log_normal(off).log_softmax(1)


def mean_bound(joint, log_r):
    """The mean over the truth of log q(x), or of the ELBO if there is an encoder.  -> (K,)"""
    value = joint.logsumexp(1) if log_r is None else (log_r.exp() * (joint - log_r)).sum(1)
    return (p.flatten().float() * value).sum(1)


def train_decoder(kind, steps):
    """-> KL(p || q) of K seeds after training on the whole truth"""
    torch.manual_seed(SEED)
    dec, enc = SideBySide(K, [2, 64, 2 * L], nn.Tanh), SideBySide(K, [2 * L, 64, 4], nn.Tanh)
    guess = {"exact likelihood": lambda: None, "ELBO": lambda: log_guess(enc, None),
             "ELBO, one spread": lambda: log_guess(enc, 0.6)}[kind]  # fmt: skip
    opt = torch.optim.Adam([*dec.parameters(), *enc.parameters()], lr=1e-2, fused=True)
    for i in range(steps):
        opt.param_groups[0]["lr"] = 1e-2 * (1 - i / steps)
        opt.zero_grad()
        (-mean_bound(log_joint_of(dec), guess()).sum()).backward()
        opt.step()
    with torch.no_grad():
        return -H - mean_bound(log_joint_of(dec), None).double()


with profile.plan(steps=3 * profile.pick(smoke=3, cpu=350, gpu=350), about=20) as plan:
    kinds = "exact likelihood", "ELBO", "ELBO, one spread"
    rest = {kind: train_decoder(kind, plan.steps // 3) for kind in kinds}
for kind, kl in rest.items():
    print(f"{kind:17} KL(p || q)", [f"{v:.4f}" for v in kl])

# %% [markdown]
# In all three seeds the order is the same, with distance: the exact likelihood comes nearest to the truth, the ELBO stops further away, the poorer encoder further still. The decoder *could* do better (the first line shows it); the bound does not want it to. It trades some likelihood for posteriors that its encoder can match. So a VAE is consistent only if $r$ can be the posterior of some decoder that gives the truth.

# %%
for worse, better, least in ((1, 0, 3), (2, 1, 1)):
    ratio = (rest[kinds[worse]] / rest[kinds[better]]).min()
    claim = f"KL left, {kinds[worse]} / {kinds[better]}, smallest"
    ledger.add("1.20", claim, (least, math.inf), ratio, 0, "this run", **TRAINED);

# %% [markdown]
# ## Boltzmann machine: an unknown constant
#
# Write any *energy* $E(x, h)$, low for what should be frequent, with hidden units $h$ of 0 or 1:
#
# $$q(x) = \frac1Z \sum_h e^{-E(x, h)}, \qquad Z = \sum_x \sum_h e^{-E(x, h)} .$$
#
# No restriction on $E$, no order of pixels. But $Z$, the *partition function* (not the grid `Z` above), is a sum over everything there is. Ours is a *restricted* machine: a hidden unit $j$ that is on adds $W_j$ of the level of either pixel, and hidden units do not meet: $-E(x, h) = a_1(x_1) + a_2(x_2) + \sum_j h_j\,\bigl(b_j + W_{1j}(x_1) + W_{2j}(x_2)\bigr)$. So the sum over $h$ is $e^{a_1 + a_2}$ times a product of factors $1 + e^{(\dots)}$, and its logarithm a sum of [softplus](glossary.md#softplus):

# %% covers=["1.21"] topics=["Boltzmann machine", "partition function"]
J = 10  # hidden units
torch.manual_seed(SEED)
W = nn.Parameter(0.1 * torch.randn(K, 2, L, J).double())  # seed, pixel, level, hidden unit
a, b = (nn.Parameter(torch.zeros(*size).double()) for size in ((K, 2, L), (K, J)))


# %% covers=["1.21"]
def minus_free_energy():
    """log of the sum over h of e^-E(x, h), for all pictures.  -> (K, L, L)"""
    drive = W[:, 0, :, None] + W[:, 1, None] + b[:, None, None]
    return a[:, 0, :, None] + a[:, 1, None] + softplus(drive).sum(-1)


def machine_loss(x):
    f, seed = minus_free_energy(), torch.arange(len(x)) % K
    log_Z = f.flatten(1).logsumexp(1)  # 256 terms: here one can
    return -(f[seed, x[:, 0], x[:, 1]].mean() - log_Z.mean())


# %% covers=["1.21"]
with profile.plan(steps=profile.pick(smoke=5, cpu=1_000, gpu=1_000), about=3) as plan:
    fit([W, a, b], machine_loss, plan.steps, lr=0.03)
f = minus_free_energy().detach()
q_of["Boltzmann machine"] = f.flatten(1).softmax(1).view(K, L, L)

# %% [markdown]
# $Z$ once more, literally: all 256 pictures times all $2^{10}$ states of the hidden units. And how the number of terms grows.

# %% covers=["1.21"]
states = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * J).double()  # (1024, J)
Wd, ad, bd = W.detach(), a.detach(), b.detach()
log_Z = f.flatten(1).logsumexp(1)
for k in range(K):
    drive = Wd[k, 0][every[:, 0]] + Wd[k, 1][every[:, 1]] + bd[k]  # (256, J)
    bias = ad[k, 0][every[:, 0]] + ad[k, 1][every[:, 1]]
    minus_E = bias[:, None] + drive @ states.T  # (256, 1024)
    literal = minus_E.flatten().logsumexp(0)
    print(f"log Z over {minus_E.numel():,} terms {literal:.8f}, by softplus {log_Z[k]:.8f}")
    assert abs(literal - log_Z[k]) < 1e-9
print("terms for 28 x 28 pixels of 2 levels: 2^784, a number with", len(str(2**784)), "digits")

# %% [markdown]
# ### Sampling needs a chain
#
# $q(x)$ up to its constant is easy; a *sample* is not. But all hidden units given $x$ are easy to draw, and both pixels given $h$. So take turns: *Gibbs sampling*, a Markov chain, whose next state depends on the present one alone. It forgets where it began, slowly. With 256 pictures we can write down the probability of each step, a matrix $T$, and so see exactly where the chain may be after any number of steps.

# %% covers=["1.21"] topics=["Gibbs sampling", "Markov chain"]
def gibbs(k):
    """T[x, x']: the probability of x' after h given x, then x given h.  -> (256, 256)"""
    drive = Wd[k, 0][every[:, 0]] + Wd[k, 1][every[:, 1]] + bd[k]
    h_given_x = (drive @ states.T - softplus(drive).sum(1, keepdim=True)).exp()  # (256, 1024)
    x1, x2 = ((states @ Wd[k, i].T + ad[k, i]).softmax(1) for i in (0, 1))
    return h_given_x @ (x1[:, :, None] * x2[:, None]).flatten(1)


# %% covers=["1.21"]
T_gibbs = torch.stack([gibbs(k) for k in range(K)])
q_flat = q_of["Boltzmann machine"].flatten(1)
moved = (torch.einsum("ks,kst->kt", q_flat, T_gibbs) - q_flat).abs().sum(1) / 2
start = 13 * L + 7  # a picture of the mode at the right
calls["Boltzmann machine"] = [nb13.steps_to_rest(T_gibbs[k], q_flat[k], start)
                              for k in range(K)]  # fmt: skip
print("one step moves the machine's own map by", f"{moved.max():.0e}")
print("steps until within 0.01 of it:", calls["Boltzmann machine"])

# %% [markdown]
# The map is the chain's place of rest, exactly. Getting there from *one* mode, to a total variation of 0.01, takes many steps, in a world of 256 pictures. And for training without enumeration, $\nabla \log Z$ must be estimated by such a chain, too, at every step.

# %% [markdown]
# ## A chain that was trained: the generative stochastic network
#
# If a chain is all that we need, why write down an energy at all? Take a picture, *spoil* it with noise, and let a network say what it was before: a classifier over pictures, trained on pairs (spoiled, original). Now alternate: spoil, and draw a guess from the network's probabilities. If these are right, the chain comes to rest at the distribution of the data (Bengio et al. 2014). No density is ever written down: an [implicit](glossary.md#implicit-density) model with a Markov chain.

# %% topics=["generative stochastic network", "denoising"]
spread = torch.exp(-((level[:, None] - level) ** 2) / (2 * 2.0**2))
spread = spread / spread.sum(1, keepdim=True)  # (L, L): where noise takes a level


def spoil(x):
    return torch.cat([torch.multinomial(spread[x[:, i]], 1) for i in (0, 1)], 1)


# %%
def guess_loss(x):
    logits = guesser(one_hot(spoil(x), L).flatten(1).float())
    return nn.functional.cross_entropy(logits, x[:, 0] * L + x[:, 1])


# %%
torch.manual_seed(SEED)
guesser = SideBySide(K, [2 * L, 64, L * L])
with profile.plan(steps=profile.pick(smoke=5, cpu=900, gpu=900), about=5) as plan:
    fit(guesser.parameters(), guess_loss, plan.steps)

# %% covers=["1.13"]
with torch.no_grad():
    guess = by_seed(guesser(one_hot(every_K, L).flatten(1).float())).double().softmax(2)
T_gsn = torch.kron(spread, spread) @ guess  # spoil, then guess: (K, 256, 256)
at_rest = torch.linalg.matrix_power(T_gsn, 4096)[:, start]
q_of["denoising chain"] = at_rest.view(K, L, L)
calls["denoising chain"] = [nb13.steps_to_rest(T_gsn[k], at_rest[k], start) for k in range(K)]
print("total variation of its rest:", [f"{v:.3f}" for v in tv(q_of["denoising chain"])])
print("steps until within 0.01 of it:", calls["denoising chain"])

# %% [markdown]
# Play with both chains: start one in the mode at the right, or in the empty middle at (7, 7), and move `steps` from 0 upwards. **Guess first:** which modes does it reach last? And what would a user see who took 5 steps for enough?

# %% tags=["widget"] alt="Left: a map of where the chain may be after 6 steps, mostly in two opposite modes. Right: the total variation to the chain's rest falls with the number of steps"
explore(
    nb13.chain_explorer({"Gibbs": T_gibbs[0], "denoising": T_gsn[0]}),
    panels=2, size=(8.4, 3.6), chain=["Gibbs", "denoising"], steps=(0, 100, 0),
    first_pixel=(0, 15, 13), second_pixel=(0, 15, 7), still={"steps": 6},
)  # fmt: skip

# %% [markdown]
# <details><summary>What we saw</summary>
#
# From the right, the denoising chain walks around the ring, and reaches the mode opposite last. Gibbs jumps to the opposite mode first, and reaches top and bottom last: right and left share their second pixel, and the hidden units remember it. After five steps hardly a picture is one that the truth almost never makes, so each looks fine, and yet much of the probability is in the wrong place. **Samples of a chain that is too short pass every test that looks at single pictures.**
# </details>

# %% [markdown]
# ## GAN: a map, and a judge
#
# The last leaf writes down no density and needs no chain: $x = G(z)$, one call. G may be any network, $z$ may have any size. What it needs is D, which compares samples with data. (Grey levels are steps, through which no gradient passes; so data are dequantised as for the flow, and G's numbers are cut to levels afterwards.)

# %% covers=["1.22"]
def spread_data(n):
    x = data[torch.randint(len(data), (n,))]
    return (as_input(x + torch.rand(n, 2)),)


torch.manual_seed(SEED)
with profile.plan(steps=profile.pick(smoke=5, cpu=1_500, gpu=1_500), about=10) as plan:
    ring_game = duel(spread_data, 2, plan.steps)
made = by_seed(ring_game.sample(100_000 * K, batch_size=30_000)) * 4 + 8
q_of["GAN"] = torch.stack([count(x.floor().long().clamp(0, L - 1)) for x in made])
calls |= {"flow": 1, "VAE": 1, "GAN": 1}
print("total variation:", [f"{v:.3f}" for v in tv(q_of["GAN"])])
print(f"of 100,000 samples of the truth itself: {tv(count(draw(p, 100_000))):.3f}")

# %% tags=["figure"] alt="Maps of the truth and of seven models: fully visible, VAE, Boltzmann machine and denoising chain look like the truth; the flow has bridges between modes; the GAN's modes are too dark in the middle and joined by thin threads"
shown = {"truth": p, "counting": count(data)} | {name: q[0] for name, q in q_of.items()}
nb13.maps(shown, top=float(p.max()) * 1.3);

# %% [markdown]
# All models of the first seed, on one scale. Look for bridges, and for modes that are too dark or too pale.
#
# Of the GAN one often reads four things. It has a **latent code**: yes. It needs **no Markov chain**: yes, one call. It is **asymptotically consistent** (finds the truth, given enough data): in theory, if D is always the best D and G can be anything ([02](02_play_the_game.ipynb)); what we see is a game of finite networks that was stopped. And it makes **the best samples**, though there is "no good way to quantify this" (Goodfellow's tutorial). Here there is a way, since we know the truth: the next section.

# %% [markdown]
# ## Five questions
#
# Three measures of samples, for every model: the total variation; the share of *rare* pictures, the least probable ones, which together have 1 % of the true probability (a model with bridges makes more); and that of *likely* pictures, the most probable ones, which have 50 % (a model that is too narrow makes more). A perfect model has 0, 1 % and 50 %. (*Calls in turn*: network calls, or steps of a chain, one after another for a sample. *Gap*: exact log-probability minus its bound.)

# %% covers=["1.23", "1.22", "1.20", "1.18", "1.15"] topics=["comparison of generative models"]
order = p.flatten().argsort()
below = p.flatten()[order].cumsum(0)  # probability of all pictures up to this one
rare, likely = order[below <= 0.01], order[below > 0.5]
quality = {name: (tv(q), q.flatten(1)[:, rare].sum(1), q.flatten(1)[:, likely].sum(1))
           for name, q in q_of.items()}  # fmt: skip
gap = {"flow": mass_flow - bound_flow, "VAE": torch.tensor([row[3] for row in vae_rows])}

# %% covers=["1.23", "1.22", "1.20", "1.18", "1.15"]
print("                  calls in turn  gap   total variation        rare           likely")
for name, (off, *shares) in quality.items():
    used = calls[name] if isinstance(calls[name], list) else [calls[name]]
    n = "-".join(str(v) for v in sorted({min(used), max(used)}))
    bound = f"{gap[name].mean():.3f}" if name in gap else "-"
    ranges = "   ".join(f"{v.min():5.1%} to {v.max():5.1%}" for v in shares)
    print(f"{name:18} {n:>7} {bound:>10}   {off.min():.3f} to {off.max():.3f}   {ranges}")

# %% [markdown]
# | | sampled in parallel? | few restrictions on G? | no Markov chain? | no variational bound? | samples here |
# |---|---|---|---|---|---|
# | fully visible | **no**: a call for each pixel | **no** latent code; an order of pixels | yes | yes | as good as counting |
# | flow | yes | **no**: invertible, $\dim z = \dim x$ | yes | yes (but grey levels need one) | too wide, with bridges |
# | VAE | yes | yes | yes | **no** | good, a little wide |
# | Boltzmann machine | **no**: a chain | yes, for the energy, but training needs its sum $Z$ | **no** | yes | as good as counting |
# | denoising chain | **no**: a chain | yes | **no** | yes | good |
# | GAN | yes | yes | yes | yes | too narrow |
#
# The columns are the five questions. The GAN is the only row with four times yes: *it was designed for that*. And its samples? By total variation GAN and flow are the farthest from the truth, in every seed, for opposite reasons. (They alone work on dequantised numbers; the others have a parameter or output for each level or picture.) The flow is too wide. The GAN makes up to two and a half times as many rare pictures as the truth, which is still few: its pale arcs run mostly through pictures that are not rare in our sense. But it makes the likely ones much too often. **An eye that judges single samples does not see proportions**, which is one reason why "best samples" was hard to quantify; and that is a first sight of [mode collapse](glossary.md#mode-collapse).
#
# In a world of 256 pictures nobody needs a GAN. Its case rests on large pictures, where enumeration ends, the eye judges, and one call matters.

# %% [markdown]
# ### Numbers that must not be compared
#
# Which of these models has the best likelihood? Here is what each training program would print at its end, as the mean over the true distribution:

# %%
printed = {
    "fully visible": ((p * q_of["fully visible"].log()).sum((1, 2)), "log-probability"),
    "flow": (bound_flow + 2 * math.log(4), "log-density, in the units of its input"),
    "VAE": (torch.tensor([row[2] for row in vae_rows]), "lower bound of a log-probability"),
    "Boltzmann machine": ((p * f).sum((1, 2)), "log-probability + log Z"),
}
print(f"                       printed    exact log-probability (best possible {-H:.3f})")
exact_of = {name: (p * q_of[name].log()).sum((1, 2)) for name in printed}
for name, (value, kind) in printed.items():
    print(f"{name:18} {value.mean():11.3f} {exact_of[name].mean():10.3f}    {kind}")

# %% [markdown]
# By the printed numbers, the flow beats the fully visible model by far; by the exact ones it is behind it, in every seed. A **density** changes with the units (pixels from $-2$ to $2$ instead of 0 to 16 add $2 \log 4 = 2.77$ nats), a **bound** is lower than what it bounds by an unknown gap, an **unnormalised** score by an unknown constant. Only probabilities of the same pictures may be compared. And a GAN prints no likelihood at all.

# %% [markdown] covers=["1.11"]
# ## Deeper: edit with a generator
#
# You will put a photograph into a generator's latent space, change it there, and walk between two; three famous applications do little else. Or skip to [what to keep](#What-to-keep).

# %% [markdown] covers=["1.11"]
# In the tutorial of 2016 three applications made people gasp. **iGAN** (Zhu et al. 2016): you paint a few strokes, and the program shows the picture *that G can make* which is nearest to them. **Introspective adversarial networks** (Brock et al. 2016): brush strokes on a face become changes of $z$, found by a network that encodes. **Image-to-image translation** (Isola et al. 2016): labels to streets, edges to bags, by a conditional G with L1 and D; our super-resolution above is of this kind.
#
# The first needs a G and an optimiser. We train a small G on clothes for a short while, and look for the $z$ whose picture is nearest to a given one.

# %% covers=["1.11"] topics=["iGAN", "latent space editing", "image-to-image translation"]
clothes = fashion_game(images, seed=SEED)
with profile.plan(steps=profile.pick(smoke=3, cpu=1_000, gpu=2_000), about=25) as plan:
    for _ in train(clothes, objectives.non_saturating, steps=plan.steps, batch_size=32):
        pass


def project(target, steps, tries=8):
    """The z whose picture is nearest to each target, best of several tries.  -> (n, 64)"""
    torch.manual_seed(SEED)
    G = clothes.ema
    z = torch.randn(tries * len(target), 64, requires_grad=True)
    goal = target.repeat(tries, 1, 1, 1)
    opt = torch.optim.Adam([z], lr=0.05)
    for _ in range(steps):
        opt.zero_grad()
        # not too far from where G was trained: |z|^2 is about 64
        (apart(G(z), goal).sum() + 1e-3 * softplus(z.square().sum(1) - 64).sum()).backward()
        opt.step()
    off = apart(G(z), goal).view(tries, -1).argmin(0)
    return z.detach().view(tries, len(target), 64)[off, torch.arange(len(target))]


# %% [markdown]
# The targets are eight photographs from the test set. Then an *edit*: we paint a crude bright bar over the middle of each, and project again.

# %% covers=["1.11"]
target = to_unit(images.test_images[:8])
painted = target.clone()
painted[:, :, 8:20, 11:17] = 0.9  # the crude stroke
steps = profile.pick(smoke=3, cpu=150, gpu=150)
with torch.random.fork_rng():
    z_photo, z_paint = project(target, steps), project(painted, steps)
with torch.no_grad():
    nearest, answer = clothes.ema(z_photo), clothes.ema(z_paint)
    path = torch.linspace(0, 1, 8)
    walk = torch.cat([clothes.ema(torch.lerp(z_photo[:1], z_photo[1:2], t)) for t in path])
    blend = torch.cat([torch.lerp(nearest[:1], nearest[1:2], t) for t in path])
print(f"squared distance, photographs to G's nearest: {apart(target, nearest).mean():.3f}")
print(f"to G's pictures at random z: {apart(target, clothes.sample(8)).mean():.3f}")

# %% tags=["figure"] alt="Six rows of eight pictures: photographs; the nearest pictures of the generator; photographs with a painted bar; the generator's answer to these; a walk between two latents; a blend of two pictures"
nb13.rows({"photograph": target, "nearest of G": nearest, "painted": painted,
           "G's answer": answer, "walk in z": walk, "blend of pixels": blend},
          columns=8);  # fmt: skip

# %% [markdown]
# G's nearest picture mostly has the kind and the cut of the photograph, in a rougher hand. The painted bar is an edge that no garment has; G answers with something that it can make, with a bright middle where it can. And the last two rows: a walk in $z$ goes through garments, a blend of pixels through double exposures. (How rough all this is depends on how well G was trained: ours had a short training.)

# %%
near = apart(target, nearest).mean() / apart(target, clothes.sample(8)).mean()
claim = "distance to the projection / to random samples"
ledger.add("1.11", claim, (0, 0.8), near, 0, "this run", **TRAINED);

# %% [markdown]
# ## What to keep
#
# - Squared error answers with the mean of all right answers, which may be none; a sampler gives one of them. Sharpness and nearness are different goals.
# - The family differs in what it does about $\log q(x)$: a product of conditionals, a bent Gaussian, a bound, an energy with unknown $Z$, a chain, or no density at all.
# - Each gives something up: speed of sampling, freedom of $G$, exactness, or the likelihood itself. A GAN gives up the likelihood, and with it the usual way to say how good it is.
# - Densities, bounds, and probabilities are different things. Ask for units, for dequantisation, and for the gap before you compare.
#
# **In practice**
#
# - Text: fully visible models. Pictures and video: mostly diffusion models, often in the latent space of an autoencoder that was itself trained with a D. GANs live where one call counts.
# - If enumeration is possible, enumerate. If a likelihood is needed (compression, anomaly detection), use a model that has one.
#
# **Further reading**
#
# - Goodfellow, [NIPS 2016 Tutorial](https://arxiv.org/abs/1701.00160): the tree, and the five questions.
# - Kingma and Welling, [Auto-Encoding Variational Bayes](https://arxiv.org/abs/1312.6114), 2013.
# - Dinh et al., [Real NVP](https://arxiv.org/abs/1605.08803), 2016. Bengio et al., [Deep Generative Stochastic Networks](https://arxiv.org/abs/1306.1091), 2014.
# - Theis et al., [A note on the evaluation of generative models](https://arxiv.org/abs/1511.01844), 2015: why likelihood and looks differ.

# %% [markdown]
# ## The ledger
#
# What was claimed, expected and measured. Rows from trainings hold in full runs only.

# %%
for *fact, says in nb13.exact_facts(
    best_answer, exact.max() + H, total, whole, bound_flow - mass_flow,
    [row[4] for row in vae_rows], literal / log_Z[-1], moved.max(),
):  # fmt: skip
    ledger.add(*fact, "mathematics", says=says)
by_print = printed["flow"][0] - printed["fully visible"][0]
by_truth = exact_of["flow"] - exact_of["fully visible"]
chains = {"Gibbs": T_gibbs, "denoising": T_gsn}
used = calls["Boltzmann machine"] + calls["denoising chain"]
shown = near_coin, to_mean, to_future, by_print, by_truth, quality
rows = nb13.training_facts(*shown) + nb13.chain_facts(chains, start, rare, used)
for *fact, says in rows:
    ledger.add(*fact, 0, "three seeds", says=says, **TRAINED)
ledger.assert_all(profile)
ledger
