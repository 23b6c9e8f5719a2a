# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11 · Evaluating GANs: no single number says how good samples are
#
# **What you'll do.** You build the scores by which GANs are compared (Fréchet distance, kernel distance, precision and recall), set them an exam
# with faults that we planted, and then read a tournament of all objectives of this series with them.
#
# **What you'll learn**
#
# - why a good likelihood and good samples are two things
# - what FID, KID, precision, recall, density and coverage measure, and what each of them cannot see
# - how a score depends on the number of samples, and how copies of training pictures are found
# - what a comparison of GAN losses is worth
#
# **What you'll need.** Means, variances, and what a [density](glossary.md#density) is; for the end, that a GAN is a [generator](glossary.md#generator) G that learns from a [discriminator](glossary.md#discriminator) D. No other notebook.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import math
from itertools import permutations

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from gan_tutorial.clothes import recordings, score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8, to_unit
from gan_tutorial.game import Game, objectives, train
from gan_tutorial.game.networks import LATENT, MLPDiscriminator, MLPGenerator
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb11, objective_title
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose, use_cores
from gan_tutorial.truth.densities import Latent

# %% tags=["setup"]
profile = choose(PROFILE)
use_cores()
images = fashion_mnist()
figures.use_style(images.notice)
ledger = Ledger("11")
FULL = {"needs_training": True}  # of rows of the ledger: needs the real data and full sizes
THIS_RUN = FULL | {"shown_only": True}
torch.manual_seed(SEED)
rng = torch.Generator().manual_seed(SEED)

# %% [markdown]
# ## Three makers of pictures, and a guess
#
# FashionMNIST has 60,000 training pictures of clothes, 28 × 28 pixels, each a grey level from 0 to 255. Three machines make
# new ones:
#
# - **Gaussians.** For each of the ten classes a Gaussian with the mean and the covariance of its training pictures. It
#   first draws a class, then a picture.
# - **Mostly noise.** In 99 of 100 cases each pixel is drawn at random, all grey levels being equally likely. In the
#   hundredth case it lets the Gaussians draw.
# - **Copier.** It takes a training picture and adds a trace of noise, one grey level.
#
# Two ways to judge them. The [likelihood](glossary.md#likelihood): which density does the machine give to pictures that it has never seen? And the looks
# of its [samples](glossary.md#sample). **Guess first:** put the three in order, by likelihood and by looks.
#
# All three densities can be written down, so this has an exact answer. First the Gaussians:

# %%
n_fit = profile.pick(smoke=2_000, cpu=20_000, gpu=20_000)
labels = images.train_labels[:n_fit]


def grey(pictures):
    """Pictures as points: 784 grey levels, spread evenly over [v, v + 1) to have a density."""
    flat = pictures.flatten(1).double()
    return flat + torch.rand(flat.shape, generator=rng, dtype=torch.float64)


x_fit = grey(images.train_images[:n_fit])
jitter = 30 * torch.eye(784, dtype=torch.float64)  # some spread where pixels are always black
means = [x_fit[labels == c].mean(0) for c in range(10)]
roots = [torch.linalg.cholesky(x_fit[labels == c].T.cov() + jitter) for c in range(10)]


# %%
def log_gaussians(x):
    """log density of the mixture of ten Gaussians.  (n, 784) -> (n,), in nats"""
    logs = []
    for mean, L in zip(means, roots, strict=True):
        z = torch.linalg.solve_triangular(L, (x - mean).T, upper=False)
        logs.append(-z.square().sum(0) / 2 - L.diagonal().log().sum())
    return torch.logsumexp(torch.stack(logs), 0) - math.log(10) - 392 * math.log(2 * math.pi)


def draw_gaussians(n):
    """n samples of it.  -> (n, 784)"""
    z = torch.randn(n, 784, generator=rng, dtype=torch.float64)
    kind = torch.randint(10, (n,), generator=rng)
    drawn = torch.cat([means[c] + z[kind == c] @ roots[c].T for c in range(10)])
    return drawn[torch.randperm(n, generator=rng)]


# %% [markdown]
# A word on units. Pictures are whole grey levels, and a density on whole numbers could be infinite. So each grey level is
# spread evenly over an interval of length 1, for all models alike; the mean log density is then never above the mean
# log-probability of the picture itself. Pure noise has the density $256^{-784}$ everywhere, a log-likelihood of $-784 \log 256 = -4347$ nats.
#
# The other two machines are mixtures as well. Mostly noise: $q = 0.01\, q_{\text{Gaussians}} + 0.99 \cdot 256^{-784}$. The copier: a narrow Gaussian
# around each of its $n$ training pictures,
#
# $$\log q(x) = \log \frac1n \sum_{i=1}^n \mathcal N(x;\, x_i, \sigma^2 I), \qquad \sigma = 1 .$$

# %%
def log_windows(squared, sd):
    """log (1/n) sum of N(x; center, sd²) from squared distances.  (m, n) -> (m,)"""
    scale = math.log(squared.shape[1]) + 392 * math.log(2 * math.pi * sd**2)
    return torch.logsumexp(-squared / (2 * sd**2), dim=1) - scale


def squared(x, centers):
    """Squared distances of all to all.  (m, 784), (n, 784) -> (m, n)"""
    return torch.cdist(x - 128, centers - 128).square()


# %%
n_test = profile.pick(smoke=100, cpu=500, gpu=500)
n = profile.pick(smoke=200, cpu=2_000, gpu=10_000)  # samples for a score
test = grey(images.test_images[:n_test])
log_noise = -784 * math.log(256)
log_q = {"Gaussians": log_gaussians(test)}
rest = torch.full((n_test,), math.log(0.99) + log_noise)
log_q["mostly noise"] = torch.logaddexp(math.log(0.01) + log_q["Gaussians"], rest)
log_q["copier"] = log_windows(squared(test, x_fit), 1.0)


def as_bytes(x):
    """Points as pictures.  (n, 784) -> uint8 (n, 28, 28)"""
    return x.floor().clamp(0, 255).to(torch.uint8).view(-1, 28, 28)


# %% [markdown]
# And their samples. By looks we judge twice: with our eyes, and by [FFD](00_start_here.ipynb#What-we-measure), a distance between samples and test pictures that
# we build below (0 is best).

# %%
n_real = profile.pick(smoke=500, cpu=10_000, gpu=10_000)
real = score.features(images.test_images[:n_real])


def ffd(x):
    """FFD of pictures, to the test images."""
    return score.frechet(score.features(x), real)


made = {"Gaussians": as_bytes(draw_gaussians(n))}
noise = torch.randint(0, 256, (n, 28, 28), generator=rng, dtype=torch.uint8)
lucky = torch.rand(n, 1, 1, generator=rng) < 0.01
made["mostly noise"] = torch.where(lucky, made["Gaussians"], noise)
copies = x_fit[torch.randint(n_fit, (n,), generator=rng)]
made["copier"] = as_bytes(copies + torch.randn(n, 784, generator=rng))
ffds = {name: ffd(x) for name, x in made.items()}
for name in made:
    print(f"{name:13} log-likelihood of unseen pictures {log_q[name].mean():9,.0f}", end="")
    print(f"   FFD of samples {ffds[name]:6.1f}")

# %% tags=["figure"] covers=["12.01", "12.02"] topics=["likelihood and sample quality"] alt="Samples of three makers: smeared clothes, noise, and sharp clothes that are copies"
nb11.makers(made);

# %%
lost = log_q["Gaussians"] - log_q["mostly noise"]
print(f"what the noise takes from a picture's log-likelihood: at most {lost.max():.4f} nats")
assert lost.max() <= math.log(100) + 1e-9  # log(0.01 q + ...) >= log q - log 100
times_as_far = log_q["copier"].mean() / log_q["Gaussians"].mean()

# %% [markdown]
# **Good likelihood, bad samples.** Mostly noise makes hardly anything but noise, and by likelihood it is as good as the
# Gaussians: $\log(0.01\, q + \dots) \ge \log q - \log 100$, so on no picture can it lose more than 4.6 of some three thousand nats. (On average it even gains: a few pictures are so unusual that the Gaussians give them less than
# pure noise does.) The more pixels, the less a hundredfold of anything weighs. **Good samples, bad likelihood.** The copier makes the best looking pictures and has the lowest FFD, and by
# likelihood it is more than a hundred times as far from zero: no new picture lies within a grey level of an old one. (Theis et al., 2016)
#
# So the two orders differ, and neither is wrong. *Likelihood* asks whether the model allows for everything that occurs. *Looks* ask whether
# what the model makes could occur. And both were deceived: the first by noise, the second by copies. There is no
# single compelling measure; which you need depends on what the samples are for.

# %% [markdown] covers=["12.03"] topics=["Parzen windows"]
# ## Parzen windows: likelihood for those who have none
#
# For a GAN even *estimating* a likelihood is hard. Its density is [implicit](glossary.md#implicit-density): samples are $G(z)$ with, say, 64 numbers $z$, so they lie on a thin surface among the 784 pixels, and the
# density at a new picture is 0. Even with some noise on top, $q(x) = \mathbb E_z\, \mathcal N(x; G(z), \sigma^2 I)$ is a mean over all $z$ of
# something that is all but 0 nearly always. The first GAN papers estimated it by **Parzen windows**: draw $n$ samples, put a Gaussian on each (the copier's formula, with samples
# for training pictures), choose $\sigma$ on held-out pictures, report the mean log-likelihood of test pictures.
#
# Does it work? Let us ask it about a model whose likelihood we know: the Gaussians, on samples of their own. **Guess:** with 10,000 samples, is it off by 1, 10, 100 or 1,000 nats?

# %%
def parzen(centers, held_out, x, sds=(10, 15, 20, 25, 30, 35, 40, 50, 60, 80)):
    """Mean log-likelihood of x by windows on `centers`; the sd suits the held-out best."""
    near, choice = squared(held_out, centers), []
    for sd in sds:
        choice.append(float(log_windows(near, sd).mean()))
    return float(log_windows(squared(x, centers), sds[np.argmax(choice)]).mean())


own, held_out = draw_gaussians(n_test), draw_gaussians(n_test // 2)
exact = float(log_gaussians(own).mean())
tens = [100, 300, 1_000, 3_000, 10_000]
counts = profile.pick(smoke=[50, 100], cpu=tens, gpu=tens)
draws = [draw_gaussians(counts[-1]) for _ in range(2)]
says = torch.tensor([[parzen(c[:k], held_out, own) for k in counts] for c in draws])
gap = exact - float(says.max())
print(f"exact {exact:.0f} nats; the best of all estimates is {gap:.0f} too low")

# %% tags=["figure"] alt="The Parzen estimate of the log-likelihood rises slowly with the number of samples and stays far below the dashed exact line"
nb11.parzen_curves(plt.subplots()[1], counts, says, exact);

# %% [markdown]
# Off by some 900 nats, so 1,000 was the best guess, and each time the samples are tripled it moves by a few dozen. In 784 dimensions no sample is near a given
# picture, so the windows must be wide, and wide windows describe something else than the model. Nor do they rank rightly: by Parzen windows, [averages beat real pictures](#Deeper:-what-Parzen-windows-prefer).

# %% [markdown]
# ### Deeper: what Parzen windows prefer
#
# You will see averages of pictures beat real pictures; or skip to [The losses do not say it either](#The-losses-do-not-say-it-either).

# %% [markdown]
# A score that is wrong may still rank rightly. Compare windows on 1,000 *real* training pictures with windows on 1,000 *averages* of
# training pictures, as the algorithm k-means finds them. Whoever makes real pictures should win:

# %%
def k_means(x, k, rounds=5):
    """k centres: each moves to the mean of the points that are nearest to it, repeatedly."""
    c = x[torch.randperm(len(x), generator=rng)[:k]].clone()
    for _ in range(rounds):
        near = torch.cat([torch.cdist(part, c).argmin(1) for part in x.split(2_000)])
        size = near.bincount(minlength=k)[:, None]
        c = torch.where(size > 0, torch.zeros_like(c).index_add_(0, near, x) / size, c)
    return c


k = profile.pick(smoke=50, cpu=1_000, gpu=1_000)
x_some = x_fit[: 10 * k]
held_real = grey(images.train_images[-n_test // 2 :])
centers = k_means(x_some.float(), k).double()
windows = {"real pictures": x_some[:k], "averages": centers, "ten times as many real": x_some}
parzen_says = {name: parzen(c, held_real, test) for name, c in windows.items()}
for name, value in parzen_says.items():
    print(f"{name:32} {value:8.0f} nats")

# %% [markdown]
# The averages win by more than a hundred nats: being blurred, each of them is less far from everything. Ten times as many real pictures do
# not win it back. By this score nobody should make real pictures.

# %%
wins = {name: parzen_says["averages"] - value for name, value in parzen_says.items()}
ledger.add("12.03", "by Parzen, averages - as many real", (100, math.inf),
           wins["real pictures"], 0, "this run", **FULL,
           says="By Parzen windows, averages beat real pictures.")  # fmt: skip
claim, gained = "by Parzen, averages - ten times as many real", wins["ten times as many real"]
ledger.add("12.03", claim, (0, math.inf), gained, 0, "this run", **THIS_RUN);

# %% [markdown] covers=["12.04"] topics=["loss and quality"]
# ## The losses do not say it either
#
# A GAN comes with two numbers of its own, the [losses](glossary.md#loss) of D and G. Do they tell how good the samples are? Three small games, three [seeds](glossary.md#seed), with the
# non-saturating losses ([05](05_compare_the_losses.ipynb)); FFD at eight moments.

# %%
def small_game(seed, lr=3e-3):
    """The networks of all trainings in this notebook: two small MLPs."""
    torch.manual_seed(seed)
    G, D = MLPGenerator(hidden=(128, 256)), MLPDiscriminator(hidden=(256, 128))
    how = {"d_lr": lr, "g_lr": lr, "betas": (0.0, 0.999), "seed": seed}
    return Game.with_adam(G, D, images.sampler(), Latent(LATENT), **how)


steps, n_look = profile.pick(smoke=(16, 100), cpu=(600, 1_000), gpu=(4_000, 2_000))
games, losses, quality = [small_game(SEED + i) for i in range(3)], [], []
with profile.plan(steps=3 * steps, about=25, gpu=60):
    for game in games:
        for step in train(game, objectives.non_saturating, steps=steps, batch_size=32):
            losses.append((float(step.d_loss), float(step.g_loss)))
            if step.n % (steps // 8) == 0:
                quality.append(ffd(game.sample(n_look)))
looks = [steps // 8 * (i + 1) for i in range(8)]
losses = torch.tensor(losses).view(3, 8, steps // 8, 2).mean(2)  # mean since the last look
quality = torch.tensor(quality).view(3, 8)

# %% tags=["figure"] covers=["12.04"] alt="Three panels over the steps: D's loss and G's loss are nearly flat, FFD falls to less than half"
nb11.losses_and_quality(looks, losses, quality);

# %% [markdown]
# FFD falls to less than two thirds of its first value in every game, and neither loss says so: each changes far less, and not in step with it. A loss compares G with the D of the moment,
# and D moves along. [03](03_train_a_gan.ipynb#What-the-losses-tell-you) has the same for a convolutional GAN. So we need a score from outside the game.

# %% [markdown]
# ## The Fréchet distance, from the line up
#
# Data on the line, samples on the line: how far is one pile from the other? Sort both, and move the smallest datum to the smallest sample, the next
# to the next, and so on. The mean square of the ways is the squared [Wasserstein distance](glossary.md#wasserstein-distance) $W_2^2$. If both piles are Gaussian, it needs no sorting, only the
# two means and standard deviations.
#
# ### Exercise 11.1 · Fréchet on the line
#
# A grain of the data is $m_1 + s_1 z$ with $z \sim N(0, 1)$. In order, it goes to $m_2 + s_2 z$, with the *same* $z$, as the grey arrows will show. **Return** the mean over $z$ of the squared way, as a formula in `m1`, `s1`, `m2`, `s2`.
#
# {{help}}

# %% tags=["exercise"]
def frechet_line(m1, s1, m2, s2):
    """The mean of ((m1 + s1 z) - (m2 + s2 z))² over z ~ N(0, 1)."""
    # solution
    return (m1 - m2) ** 2 + (s1 - s2) ** 2


# %%
frechet_line = check("11.1", frechet_line)

# %% tags=["figure"] alt="Two normal densities; arrows below lead equally likely grains of the narrow one to those of the wide one, in order, without crossing"
nb11.piles(plt.subplots()[1], (0.0, 1.0), (3.0, 2.0));

# %%
a, b = torch.randn(100_000, generator=rng), 3 + 2 * torch.randn(100_000, generator=rng)
by_sorting = float((a.sort().values - b.sort().values).square().mean())
by_formula = float(frechet_line(0.0, 1.0, 3.0, 2.0))
print(f"sorted samples {by_sorting:.3f}   formula {by_formula:.3f}")

# %% [markdown]
# The two agree up to the noise of the draws. For vectors, the standard deviations become covariances $S_1$ and $S_2$, and $(s_1 - s_2)^2 = s_1^2 + s_2^2 - 2 s_1 s_2$ becomes a trace:
#
# $$F = |m_1 - m_2|^2 + \operatorname{tr} S_1 + \operatorname{tr} S_2 - 2 \operatorname{tr} (S_1 S_2)^{1/2} .$$
#
# The trace of the root is the sum of the roots of the eigenvalues of $S_1 S_2$, which are never negative. By hand and by the package, on points of five numbers:

# %% topics=["Fréchet distance", "FID"]
def frechet(a, b):
    """Squared W2 of the Gaussians around two clouds of points.  (n, d), (m, d) -> ()"""
    S1, S2 = a.T.cov(), b.T.cov()
    root = torch.linalg.eigvals(S1 @ S2).real.clamp(min=0).sqrt().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + S1.trace() + S2.trace() - 2 * root


cloud = torch.randn(500, 5, generator=rng, dtype=torch.float64)
other = cloud[:400] @ torch.randn(5, 5, generator=rng, dtype=torch.float64) + 1
assert math.isclose(float(frechet(cloud, other)), score.frechet(cloud, other), rel_tol=1e-6)

# %% [markdown]
# On pixels this would be a poor score: means and covariances of grey levels are what our Gaussians copy, and they make smears. So the pictures first go through a
# network that was trained to tell classes apart, and $F$ is taken of its *features*. With the Inception network this is the **FID** of the literature; with the
# small classifier of this package, 64 features, it is our **FFD**. The unit: one per cent of the variance of the test pictures' features.
# ([Why not Inception?](#Deeper:-why-there-is-no-Inception-here))

# %%
gan = to_uint8(games[0].sample(n))
held = images.train_images[score.classifier.SEEN :][:n_real]  # the classifier never saw them
for name, x in {"unseen real pictures": held[:n], "a GAN's samples": gan, **made}.items():
    print(f"FFD of {name:21} {ffd(x):6.2f}")

# %% [markdown]
# Look again at the Gaussians' samples above: smears, and yet a lower FFD than that of our briefly trained GAN (not shown; similar ones come in the tournament). What agrees in mean and covariance of 64 features is near by FFD, whatever
# else is wrong. To the extreme: we draw *features* from a Gaussian with exactly the mean and covariance of real ones.

# %%
def root(cloud):
    """L with L L' = the covariance."""
    return torch.linalg.cholesky(cloud.T.cov() + 1e-9 * torch.eye(64, dtype=torch.float64))


z = torch.randn(len(real), 64, generator=rng, dtype=torch.float64)
white = torch.linalg.solve_triangular(root(z), (z - z.mean(0)).T, upper=False).T
impostor = real.mean(0) + white @ root(real).T
below, fooled = float((impostor < 0).any(1).double().mean()), score.frechet(impostor, real)
print(f"impostor: FFD {fooled:.6f}; with a feature below 0, which no picture has: {below:.1%}")

# %% [markdown]
# FFD 0, and nearly every one of them is impossible: the classifier's features are never negative. FFD is a distance between *two Gaussians*, not between two distributions.

# %% [markdown]
# ## A kernel distance, without bias
#
# FFD takes a Gaussian around each cloud. Here is a distance that looks at pairs instead. A kernel $k(x, y)$ says how alike two points are. Within the samples, within the data and across, take the
# mean likeness:
#
# $$\mathrm{MMD}^2 = \mathbb E\, k(a, a') + \mathbb E\, k(b, b') - 2\, \mathbb E\, k(a, b) .$$
#
# If both come from one distribution, the three means are equal, and the result is 0. With the kernel $k(x, y) = (x \cdot y / d + 1)^3$ on $d$ features this is **[KID](glossary.md#kid)** (Bińkowski et al., 2018).
#
# ### Exercise 11.2 · No point is its own pair
#
# You get the kernel's values: `Kaa` of all samples with all samples, `Kbb` of data with data, `Kab` across. The pairs $a, a'$ must be two *different* points, so the diagonals of `Kaa` and `Kbb` stay out. **Return** $\mathrm{MMD}^2$, each mean over the entries that are left.
#
# {{help}}

# %% tags=["exercise"]
def kernel_distance(Kaa, Kbb, Kab):
    """(n, n), (m, m), (n, m) -> the unbiased MMD²."""
    n, m = Kab.shape
    # solution
    within_a = (Kaa.sum() - Kaa.trace()) / (n * (n - 1))
    within_b = (Kbb.sum() - Kbb.trace()) / (m * (m - 1))
    return within_a + within_b - 2 * Kab.mean()


# %%
kernel_distance = check("11.2", kernel_distance)

# %% topics=["KID", "kernel distance"]
def by_hand(a, b):
    """KID of two clouds, by your function."""
    k = [(x @ y.T / a.shape[1] + 1) ** 3 for x, y in ((a, a), (b, b), (a, b))]
    return float(kernel_distance(*k))


assert math.isclose(by_hand(cloud, other), score.kid(cloud, other), rel_tol=1e-9)
few = min(n, 1_000)
held_features = score.features(held)
five = held_features[: 5 * few].split(few)  # five draws of real pictures
kid_gan = score.kid(score.features(gan[:few]), real[:few])
kid_impostor = score.kid(impostor[:few], real[:few])
kid_floor = [score.kid(x, real[:few]) for x in five]
print(f"KID of a GAN's samples {kid_gan:.3f}, of the impostor {kid_impostor:.3f}")
print("KID of real pictures, five draws:", *(f"{v:.3f}" for v in kid_floor))

# %% [markdown]
# The cubic kernel sees third moments (multiplied out, it holds products of up to three features), and so it sees the impostor that FFD passes. (A cubic kernel is blind in its turn to what differs only in higher moments.)
#
# ### How many samples?
#
# Leaving out the diagonal made KID *unbiased*: two finite sets of real pictures are at 0 on average, whatever their size. FFD is never below 0, so it cannot be. **Guess:** FFD of 100 real
# pictures, FFD of 5,000. Dots are draws, lines their means.

# %%
sizes = [100, 200, 500] if len(held) < 5_000 else [100, 200, 500, 1_000, 2_000, 5_000]
bias = torch.zeros(2, len(sizes), 6)
for i, size in enumerate(sizes):
    for j in range(6):
        part = held_features[torch.randperm(len(held), generator=rng)[:size]]
        bias[0, i, j] = score.frechet(part, real)
        bias[1, i, j] = score.kid(part, real[:2_000])

# %% tags=["figure"] topics=["bias of FID"] alt="Left: FFD of n real pictures falls towards zero as n grows. Right: KID of n real pictures scatters around zero for every n"
nb11.biases(sizes, *bias);

# %%
times_n = bias[0].mean(1) * torch.tensor(sizes)
for size, value, product in zip(sizes, bias[0].mean(1), times_n, strict=True):
    print(f"n = {size:5,}   mean FFD {value:6.3f}   n times FFD {product:5.0f}")

# %% [markdown]
# FFD of perfect samples falls about like $1/n$: $n$ times FFD stays within a factor of two, while FFD itself falls to less than a tenth. So a GAN scored with 1,000 samples looks worse than the same GAN scored
# with 10,000, and a comparison with unequal numbers is none. KID scatters around zero instead, and with few samples it scatters a lot.

# %% [markdown]
# ## Two numbers: precision and recall
#
# One number mixes two faults: samples that are no clothes, and clothes that never occur. To tell them apart, put a ball around each datum, so large that it reaches its $k$-th neighbour among the
# data. The balls together are where data are. ($k = 3$ for precision and recall, 5 for density and coverage.)
#
# - **[Precision](glossary.md#precision-and-recall)**: the share of samples that lie in at least one ball. **Recall**: the same with the roles exchanged, balls around samples.
# - **Density**: in how many balls a sample lies, on average, divided by $k$; it can exceed 1. **Coverage**: the share of the data's balls that hold a sample.
#
# We will see 60 points of data with their balls, and why the second pair was invented: on the right, one datum is an outlier, at (6, 6); its pale ball fills the upper right.

# %%
def toy(seed, outlier):
    """Data in one mode; samples of which half are junk, far to the upper right."""
    g = torch.Generator().manual_seed(seed)
    x, y = torch.randn(2, 60, 2, generator=g, dtype=torch.float64)
    y[:30] = y[:30] / 2 + 4
    if outlier:
        x[0] = 6.0
    return x, y


panels = {"data and samples": toy(SEED, False), "one datum far away": toy(SEED, True)}

# %% tags=["figure"] alt="Blue points with balls around them and orange crosses, half of them far off. On the right one far datum has a huge ball which holds all the far crosses"
nb11.balls(panels);

# %%
pairs = [toy(SEED + i, outlier) for outlier in (False, True) for i in range(5)]
toy_precision = [score.precision_recall(y, x)[0] for x, y in pairs]
toy_density = [score.density_coverage(y, x)[0] for x, y in pairs]
for name, part in (("without", slice(0, 5)), ("with", slice(5, 10))):
    print(f"{name:7} outlier: precision", *(f"{v:.2f}" for v in toy_precision[part]), end="")
    print("   density", *(f"{v:.2f}" for v in toy_density[part]))

# %% [markdown]
# Half of the samples are junk. The outlier's ball holds nearly all of it, and precision believes that nearly everything is fine. Density counts balls, and one more does not impress it.
#
# What would a perfect generator get? For coverage there is an exact answer that no distribution changes. A datum's ball is empty if, among the other $m - 1$ data and the $n$ samples, its $k$ nearest are
# all data; and if both have the same distribution, every order is equally likely:
#
# $$\text{coverage} = 1 - \prod_{i=1}^{k} \frac{m - i}{m + n - i}, \qquad \text{density} = 1 \text{ on average.}$$

# %% topics=["precision and recall", "density and coverage"]
m = len(real[:few])
perfect = 1 - math.prod((m - i) / (2 * m - i) for i in range(1, 6))
floors = torch.tensor([score.density_coverage(x, real[:few]) for x in five])
density, coverage = floors.mean(0)
print(f"real pictures, mean of five draws: density {density:.3f} (exact 1), ", end="")
print(f"coverage {coverage:.4f} (exact {perfect:.4f})")

# %% [markdown]
# So coverage 0.97 is full marks, not 97 of 100. For precision and recall there is no such number: their perfect values depend on the distribution, and are measured on real pictures.

# %% [markdown]
# ## Play: fool the scores
#
# Eight [modes](glossary.md#mode) on a ring are the data. You are the generator: leave modes out, make the samples wider or narrower, shift them, add junk. The bars are the scores, the black marks what a perfect generator gets.
#
# 1. Find samples with a *better* precision and density than a perfect generator's.
# 2. Which scores fall if you drop one mode, and which do not?
# 3. Keep all modes, with spread 1, and add 20 % of junk: which scores stay nearly perfect?

# %% tags=["widget"] topics=["play with the scores"] alt="Left: blue data on a ring of eight modes, orange samples that miss some of them. Right: bars of six scores with black marks at the values of a perfect generator"
explore(nb11.score_explorer(), panels=2, size=(10, 4.0), modes_kept=(1, 8, 5),
        spread=(0.2, 3.0, 0.6, 0.1), shift=(0.0, 1.0, 0.0, 0.05),
        junk=(0.0, 0.5, 0.0, 0.05))  # fmt: skip

# %% [markdown]
# <details><summary>What we found by playing</summary>
#
# (1) Make the samples narrow: they sit in the middle of the modes, where the balls are many. Recall and coverage fall, precision and density do not. (2) Recall and coverage fall, both distances rise; precision and
# density stay, for they are no measures of diversity. (3) Four: Fréchet, KID, recall and, almost, coverage. This junk lies around the same centre and spreads about as far as the ring does, so means and covariances agree; its wide balls hold
# the data; and 80 % good samples leave few balls empty. Precision and density see it.
# </details>

# %%
g = torch.Generator().manual_seed(0)
data, level = nb11.ring(8, 1_000, 0.15, g), []
junk = nb11.ring(8, 1_000, 0.15, g)
junk[:200] = 6 * torch.rand(200, 2, generator=g, dtype=torch.float64) - 3
others = [nb11.ring(modes, 1_000, sd, g) for modes, sd in ((8, 0.15), (8, 0.05), (7, 0.15))]
for samples in (*others, junk):
    level.append(dict(zip(nb11.SCORES, nb11.all_scores(samples, data), strict=True)))
whole, narrow, seven, junk = level
assert narrow["precision"] >= whole["precision"] and narrow["density"] > whole["density"]
assert seven["coverage"] < whole["coverage"] and seven["recall"] < whole["recall"]
assert junk["Fréchet"] < 0.1 and min(junk["recall"], junk["coverage"]) > 0.9
assert junk["precision"] < 0.85

# %% [markdown]
# ## Copies
#
# The copier had the best FFD of all machines. None of the six scores asks whether a sample is a training picture with another name, and a generator with enough weights can learn its data by heart. A test: take as many unseen pictures as training pictures. A sample that owes nothing to the training set in particular is as often
# nearer to the one set as to the other: the share that is closer to *training* is one half. Copies push it up.
#
# ### Exercise 11.3 · Closer to training
#
# Clouds of points: samples `x`, and equally many training and unseen ones. For which share of the `x` is the *nearest* training point nearer than the nearest unseen one?
#
# {{help}}

# %% tags=["exercise"]
def closer_to_training(x, train, unseen):
    """(n, d), (m, d), (m, d) -> the share of x whose nearest is a training point."""
    # solution
    to_train = torch.cdist(x, train).min(dim=1).values
    to_unseen = torch.cdist(x, unseen).min(dim=1).values
    return (to_train < to_unseen).double().mean()


# %%
closer_to_training = check("11.3", closer_to_training)

# %% [markdown]
# Now in public. Of 1,000 real, unseen pictures we replace 100 by copies of training pictures. Then we plant six other faults, each in 1,000 unseen pictures, and ask every score, here against only 1,000 test pictures (which raises FFD's floor). A score *sees* a fault, and gets a tick,
# if it is worse than the mean of five faultless draws by more than four of their standard deviations (from five draws only: chance alone gives a tick in about one cell of 65). **Guess** first: which column finds the copies? And which fault is found by no score at all?

# %%
m = profile.pick(smoke=100, cpu=1_000, gpu=1_000)
train_set = images.train_images[: 4 * m]  # what the copies are taken from
base = held[:m]
copied = base.clone()
copied[: m // 10] = train_set[torch.randperm(len(train_set), generator=rng)[: m // 10]]
shifted = copied.clone()
shifted[: m // 10] = copied[: m // 10].roll(1, dims=2)
soft = avg_pool2d(base[:, None].float(), 3, 1, 1)[:, 0]
static = (base + 20 * torch.randn(base.shape, generator=rng)).clamp(0, 255)
held_labels = images.train_labels[score.classifier.SEEN :][: len(held)]
faults = {
    "100 copies": copied,
    "100 copies, moved by a pixel": shifted,
    "100 pictures, ten times each": base[: m // 10].repeat(10, 1, 1),
    "no sandals": held[held_labels != 5][:m],
    "blurred": soft.round().to(torch.uint8),
    "noise, sd 20 grey levels": static.round().to(torch.uint8),
    "mirrored": base.flip(2),
}

# %%
def judged(x):
    """All scores of m pictures, in the order of `columns`."""
    seen, stand = score.features(x), real[: len(base)]
    precision, recall = score.precision_recall(seen, stand)
    density, coverage = score.density_coverage(seen, stand)
    near, row = score.nearest(x, train_set)
    clouds = (x, train_set, held[-4 * m :])
    closer = closer_to_training(*(cloud.flatten(1).float() for cloud in clouds))
    distances = [score.frechet(seen, stand), score.kid(seen, stand)]
    copied = float((near < 1).double().mean())  # within a grey level of a training picture
    return [*distances, precision, recall, density, coverage, float(closer), copied]


columns = ["FFD", "KID", "precision", "recall", "density", "coverage",
           "closer to\ntraining", "share of\ncopies"]  # fmt: skip
worse = np.array([1, 1, -1, -1, -1, -1, 1, 1])  # 1: more is worse
sound = np.array([judged(x) for x in held[: 5 * m].split(m)])
table = np.array([judged(x) for x in faults.values()])
spread = sound.std(0)
spread[6] = 0.5 / m**0.5  # the share closer to training is a coin's: its spread is known
seen = (table - sound.mean(0)) * worse > 4 * spread

# %% tags=["figure"] topics=["memorisation", "blind spots of scores"] alt="A table of eight scores for eight sets of pictures; ticks mark which score sees which fault. The copies get a tick in the last column"
names = ["five draws without a fault: mean", *faults]
values, ticks = np.vstack([sound.mean(0), table]), np.vstack([np.zeros(8, bool), seen])
nb11.exam(plt.subplots(figsize=(10, 3.6))[1], names, columns, values, ticks);

# %% [markdown]
# **The copies** get no tick in the first seven columns. Why should they in the first six? They are pictures of clothes. The share that is closer to training rises to about
# $0.9 \cdot \frac12 + 0.1 \cdot 1 = 0.55$, as it must: about 3.5 standard deviations, just short of our four. (Here we take the known spread of a coin, 0.016.) Only the last column counts them one by one, by distances of less than a
# grey level to a training picture. Move each copy by one pixel, and that column is blind as well: *this* fault is found by none of the eight.
#
# **100 pictures, ten times each:** recall is 0 and coverage falls deep, while FFD rises by less than a tenth of what blur does to it. **No sandals:** precision and density see nothing, for nothing that is there is
# wrong. **Mirrored:** most shoes of FashionMNIST point to the left, so you would see it at once. FFD hardly stirs: a twentieth of its value for blur; precision and density see it better.
# Our classifier was trained with mirrored pictures to make it indifferent to them, and so the score is. *A score is blind where its features are.*

# %% [markdown]
# ## The tournament
#
# Which objective makes the best pictures? To compare *losses*, all else must be equal, and none may be tuned more than the others:
#
# - the same two small MLPs as above, the same data, 400 steps with batches of 32, one move of D per move of G, Adam; samples come from the averaged G ([EMA](glossary.md#ema));
# - four [step sizes](glossary.md#step-size), from 0.0003 to 0.01; the best is chosen by FFD against 10,000 *held-out* images, with a seed that is not used again;
# - then five trainings with new seeds, scored on the *test* images.
#
# It is a sprint: in 400 steps D sees 12,800 pictures, about a fifth of them all. That makes 180 trainings, so they were recorded. The names are those of notebooks 05 to 08; here it is enough that each is another pair of losses. (Jensen–Shannon is left out: its training would be that of minimax.)
#
# **Guess:** where will the losses of 2014, minimax and non-saturating, come in? And how far ahead is the first of the second?

# %%
tour = recordings.load("11_tournament")
print(tour.about)
ffd_of = {name: tour.value(name, "ffd") for name in tour.settings}
order = sorted(ffd_of, key=lambda name: np.median(ffd_of[name]))
for place, name in enumerate(order, 1):
    lr, values = tour.value(name, "lr")[0], ffd_of[name]
    print(f"{place:2} {objective_title(name):20} step size {lr:<6g}", end="")
    print(f" median {np.median(values):5.1f}  from {values.min():5.1f} to {values.max():5.1f}")

# %% tags=["figure"] covers=["12.01"] topics=["tournament of GAN losses"] alt="Twenty objectives, best on top; five dots of FFD and a median for each. Many rows overlap with their neighbours"
nb11.ranking(plt.subplots(figsize=(8, 5.6))[1], ffd_of);

# %% tags=["figure"] alt="Samples of five objectives: the first two and the tenth show clothes, the last two noise or one repeated shape"
shown = [*order[:2], order[9], *order[-2:]]
middle = {name: int(np.argsort(ffd_of[name])[2]) for name in shown}
strips = [tour.samples(name, middle[name])[:9] for name in shown]
figures.film_strip(strips, [objective_title(name) for name in shown]);

# %% [markdown]
# The first is ahead of the second by about 0.1, and even the ten rows at the top lie within a tenth of each other. Their dots overlap: five other seeds could have exchanged them. Minimax and non-saturating, of 2014, are among the ten. So is reverse KL, which drew smudges in
# [06](06_choose_a_divergence.ipynb), with a tenth of the step size.
#
# The last row is not what it seems. The search saw squared Hellinger at FFD 36 with the step size that it then chose; with five new seeds the median is above 100. WGAN-LP was chosen at 32, and two of five seeds are lost.
# A search that tries each step size once cannot tell a good one from a lucky one. Many tables are made like this.
#
# ### Who is really ahead?
#
# The least that we ask is that *all five* seeds of one are better than all five of the other. If both were equally good, that would happen by chance, one way or the other, in $2 / \binom{10}{5} = 0.8\,\%$ of all cases. How many does the first leave behind in this sense?

# %%
def ahead(a, b):
    """Whether all five of a are better than all five of b."""
    return ffd_of[a].max() < ffd_of[b].min()


behind = {name: [other for other in order if ahead(name, other)] for name in order}
first = order[0]
tied = [name for name in order[1:] if name not in behind[first]]
print(f"{objective_title(first)} is ahead of {len(behind[first])} of {len(order) - 1};")
print("not told apart from it:", ", ".join(objective_title(name) for name in tied))

# %%
def ranks(values):
    """1 for the smallest, and so on."""
    return np.argsort(np.argsort(values)) + 1


def rank_correlation(a, b):
    """Spearman: the correlation of the ranks."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def medians(key):
    """Of one score, for all objectives in the order of FFD."""
    return np.array([np.median(tour.value(name, key)) for name in order])


better = {"kid": 1, "precision": -1, "recall": -1, "density": -1, "coverage": -1}  # 1: low
for key, sign in better.items():
    agree = rank_correlation(medians("ffd"), sign * medians(key))
    winner = objective_title(order[int(np.argmin(sign * medians(key)))])
    print(f"order by {key:10} rank correlation with that by FFD {agree:5.2f}, first: {winner}")

# %% [markdown]
# Twelve of nineteen are not told apart from the first, and the six scores have five winners. Over all twenty the scores agree, for they all see wrecks.

# %% [markdown]
# ### Deeper: beside a published order
#
# You will see whether our order of five losses agrees with a published one, and what such an agreement is worth; or skip to [Does the loss matter?](#Does-the-loss-matter?)

# %% [markdown]
# Lucic et al. (2018) did this with great care, on this data set, with larger networks and 20 epochs; their score is FID with Inception features, best of a wide search, with collapsed runs left out. Their *values* cannot be compared with ours; the *order* of the five losses that both
# have can. How much would agreement mean? With five items there are only $5! = 120$ orders, so we can look at all of them.

# %%
lucic = {"minimax": (29.6, 1.6), "non_saturating": (26.5, 1.6), "least_squares": (30.7, 2.2),
         "wgan": (21.5, 1.6), "wgan_gp": (24.5, 2.1)}  # FID and its spread  # fmt: skip
ours = {name: float(np.median(ffd_of[name])) for name in lucic}
theirs = [value for value, _ in lucic.values()]
found = rank_correlation(list(ours.values()), theirs)
any_order = np.array([rank_correlation(p, theirs) for p in permutations(range(5))])
chance = (abs(any_order) >= abs(found) - 1e-9).mean()
print(f"rank correlation {found:.2f}; as far from 0 are {chance:.0%} of all orders")
assert found < 0 and chance > 0.1

# %% tags=["figure"] topics=["Are GANs created equal?"] alt="Five losses as points, our FFD to the right, their FID upwards, with bars of spread that overlap for several"
nb11.two_orders(plt.subplots()[1], ours, lucic);

# %% [markdown]
# The orders are nearly opposite: both critics are last here and first there. It is no contradiction. Ours was a sprint with one move of D, and critics need time and moves; theirs was long, and had a wide search. Nor is it evidence: a correlation so far from 0
# comes about by chance in one of eight random orders, and the bars of their own table overlap for several pairs.

# %% [markdown]
# ## Does the loss matter?
#
# "The approximation strategy matters more than the loss", says the NIPS 2016 tutorial: how the game is played on a computer, more than which divergence it should minimise. A test: our search tried each objective with four step
# sizes. We write log FFD as the mean of all, plus what each objective adds on average, plus what each step size adds, plus a rest that belongs to the pair.

# %%
lrs = tour.settings[first]["lrs"]
search = {name: tour.array(name, 0, "search")[:, 0] for name in order}  # (step sizes,)

# %% tags=["figure"] alt="FFD over the step size for all objectives, most in grey: the curves bend steeply, and the best step size differs between them"
named = ("non_saturating", "wgan_gp", "kl", "wgan")
nb11.step_sizes(plt.subplots(figsize=(7, 3.8))[1], lrs, search, named);

# %%
logs = np.log(np.array([search[name] for name in order]))  # (objectives, step sizes)
grand = logs.mean()
by_loss, by_lr = logs.mean(1, keepdims=True) - grand, logs.mean(0, keepdims=True) - grand
parts = {"objective": by_loss, "step size": by_lr, "the pair": logs - grand - by_loss - by_lr}
shares = {name: float((part**2).mean() / logs.var()) for name, part in parts.items()}
for name, share in shares.items():
    print(f"variance of log FFD that goes with {name:10} {share:4.0%}")

# %% [markdown]
# Objective and step size: about a third each. The last third is how the two suit each other *and* the luck of a single seed, which this table cannot part. So neither can be judged without the other. And everything else that one chooses? For two losses we changed one thing at a time: networks, moves of D, momentum; three seeds each, the step size chosen from two, by the same three runs' held-out images (the usual had four and a seed of its own). How far apart are the medians?

# %%
more = recordings.load("11_otherwise")


def chosen(setting):
    """Median FFD on the test images, at the step size that is best on the held-out ones."""
    best = more.value(setting, "held_out").mean(0).argmin()
    return float(np.median(more.value(setting, "ffd")[:, best]))


def changes(loss, names):
    """The usual, and each of these changes."""
    return np.array([np.median(ffd_of[loss]), *(chosen(f"{loss}, {name}") for name in names)])


rows = {"the loss, all 20": medians("ffd"), "the loss, the first ten": medians("ffd")[:10]}
for a, b in (("kl", "gentle_kl"), ("squared_hellinger", "gentle_hellinger")):
    both = np.array([np.median(ffd_of[name]) for name in (a, b)])
    pair = objective_title(a)
    rows[f"two activations, {pair}"] = both
for loss in ("non_saturating", "wgan_gp"):
    title = objective_title(loss)
    rows[f"networks, {title}"] = changes(loss, ["narrow D", "no batch norm", "convolutions"])
    rows[f"moves of D, momentum, {title}"] = changes(loss, ["3 moves of D", "momentum 0.5"])
    rows[f"step size, {title}"] = search[loss]
    rows[f"seed, {title}"] = ffd_of[loss]

# %% tags=["figure"] topics=["loss or approximation strategy"] alt="Rows of dots of median FFD, one row for each thing that is changed: the loss, the networks, moves of D, the step size, the seed"
nb11.spreads(plt.subplots(figsize=(9, 4.6))[1], rows);

# %% [markdown]
# - *The formula of the loss* matters: from first to last a factor of four. Yet among the ten at the top it is a tenth, less than the seeds of one loss differ.
# - *The divergence* is not what makes the difference. KL and gentle KL, squared Hellinger and gentle Hellinger are the same divergence twice, with another activation of the score and another loss of G ([06](06_choose_a_divergence.ipynb)), and a factor of 1.6, or of more than three, apart (the second partly by that unlucky search).
# - *Everything else* is as strong. (The dots of "moves of D, momentum", from the left: the usual, three moves, momentum 0.5; for WGAN-GP three moves, momentum 0.5, the usual.) For the non-saturating loss momentum 0.5 takes FFD up by a factor of 1.8 (at the smaller of its two step sizes; still smaller ones were not tried), and the step size more than two. Three moves of D take WGAN-GP from place 16, where an unlucky step size had put it, to a lower FFD than that of any of the twenty (with three times the data for D).
#
# So the tutorial's sentence holds here if "the loss" means the divergence, and fails if it means the formula: that belongs to the approximation. **A table of losses is a table of recipes.** (All this in a sprint of small networks.)

# %% [markdown]
# ## Deeper: why there is no Inception here
#
# You will see why FID's network does not suit grey pictures of 28 × 28 pixels, and how the features decide what a score sees; or skip to [what to keep](#What-to-keep).

# %% [markdown] topics=["Inception features"]
# The Inception network that FID uses was trained on ImageNet: colour photographs, 299 × 299 pixels. A grey picture of 28 × 28 would have to be repeated in three colours and enlarged almost
# elevenfold along each side: of the 268,203 numbers that the network would see, 784 carry information, and the rest is up to the way of enlarging. And its 1,000 classes have many breeds of dogs, and few garments. (Its weights are not part of this package either, and the notebooks
# run without a network.) Published FIDs on FashionMNIST exist, as above; they compare well only with others by the very same code.
#
# Resizing alone moves such scores (Parmar et al., 2022). The same real pictures, made smaller and enlarged again, in three ways; to a human eye they hardly differ:

# %%
from torch.nn.functional import interpolate


def there_and_back(x, size, **how):
    """Pictures made smaller, then enlarged to 28 x 28 again."""
    small = interpolate(x[:, None].float(), size=(size, size), **how)
    return interpolate(small, size=(28, 28), **how)[:, 0].round().clamp(0, 255).to(torch.uint8)


ways = {"nearest": {"mode": "nearest"}, "bilinear": {"mode": "bilinear"},
        "bicubic": {"mode": "bicubic"}}  # fmt: skip
resized = {name: there_and_back(held[:n], 20, **how) for name, how in ways.items()}
for name, x in resized.items():
    print(f"by way of 20 x 20, {name:9} FFD {ffd(x):6.2f}")

# %% [markdown]
# The way of resizing alone more than doubles FFD, on the very same pictures. Now the features themselves. The Fréchet distance of two faults in three kinds of features: our classifier's; those of the same network with *random* weights, never trained; and the pixels, at 7 × 7. Each is given relative to the same distance of noise with
# standard deviation 20.

# %%
torch.manual_seed(SEED)
untrained = score.classifier.Classifier().requires_grad_(False).eval()
kinds = {
    "classifier": score.features,
    "random weights": lambda x: untrained.features(to_unit(x)).double(),
    "pixels, 7 x 7": lambda x: avg_pool2d(to_unit(x), 4).flatten(1).double(),
}


def in_parts(look, x):
    """Look at some pictures at a time: their activations take much memory."""
    return torch.cat([look(part) for part in x.split(250)])


relative = {}
for name, look in kinds.items():
    stand = in_parts(look, images.test_images[: 2 * m])
    by = {fault: score.frechet(in_parts(look, x), stand) for fault, x in faults.items()}
    noise_is = by["noise, sd 20 grey levels"]
    relative[name] = {f: by[f] / noise_is for f in ("blurred", "mirrored")}
    print(f"{name:15}", "   ".join(f"{f} {v:6.2f}" for f, v in relative[name].items()))

# %% [markdown]
# To the classifier, mirroring is far less than the noise; to the pixels it is far more; to a network that has learnt nothing it lies between. None of them is wrong: features say *which* differences shall count. A score
# from the literature counts those that mattered for telling ImageNet's classes apart.

# %%
moved = [ffd(x) for x in resized.values()]
mirror = {name: row["mirrored"] for name, row in relative.items()}
for claim, expected, value in (
    ("resized: largest FFD / smallest", (2, 10), max(moved) / min(moved)),
    ("mirrored / noise, classifier", (0, 0.2), mirror["classifier"]),
    ("mirrored / noise, pixels", (5, 100), mirror["pixels, 7 x 7"]),
    ("mirrored / noise, random weights", (0.2, 5), mirror["random weights"]),
):
    ledger.add("12.01", claim, expected, value, 0, "this run", **THIS_RUN)

# %% [markdown]
# ## What to keep
#
# - Likelihood and looks are two things: noise can have a good likelihood, copies can look perfect.
# - Parzen windows measure the width of the windows. Nobody should use them on pictures.
# - A Fréchet distance (FID, FFD) compares means and covariances of features. It is biased upwards by an amount that falls like $1/n$ (here about $400/n$), passes whatever leaves these moments as they are, and inherits the blindness of its features.
# - KID is unbiased. Precision and recall take quality and diversity apart; density and coverage do it more robustly; coverage's perfect value is known.
# - No such score sees copies. Look at nearest neighbours, in training and in unseen data.
# - A tournament of losses needs equal tuning, several seeds and a look at the spread before its order means anything.
#
# **In practice**
#
# - Report FID with the number of samples, the code, the resizing and the features, and compare nothing that differs in any of these. Usual are 50,000 samples.
# - Choose settings on held-out data, report on others, and give the spread over seeds.
# - Look at the samples, at random ones, not at chosen ones.
#
# **Further reading**
#
# - Theis, van den Oord and Bethge, [A note on the evaluation of generative models](https://arxiv.org/abs/1511.01844), 2016.
# - Heusel et al., [GANs trained by a two time-scale update rule](https://arxiv.org/abs/1706.08500), 2017: FID. Bińkowski et al., [Demystifying MMD GANs](https://arxiv.org/abs/1801.01401), 2018: KID.
# - Kynkäänniemi et al., [Improved precision and recall](https://arxiv.org/abs/1904.06991), 2019. Naeem et al., [Reliable fidelity and diversity metrics](https://arxiv.org/abs/2002.09797), 2020: density and coverage.
# - Lucic et al., [Are GANs created equal?](https://arxiv.org/abs/1711.10337), 2018. Parmar et al., [On aliased resizing](https://arxiv.org/abs/2104.11222), 2022. Meehan et al., [A test for data-copying](https://arxiv.org/abs/2004.05675), 2020.

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, what theory expects, and what was measured. Some rows hold in full runs only.

# %%
ledger.add("12.02", "99 % noise takes from a log-likelihood", (-math.inf, math.log(100)),
           lost.max(), 1e-6, "Theis et al. 2016",
           says="Noise in 99 of 100 samples takes at most log 100 = 4.6 nats.")  # fmt: skip
ledger.add("12.03", "best Parzen estimate, nats too low", (300, math.inf), gap, 0,
           "exact value", **FULL,
           says="Parzen windows miss a likelihood by hundreds of nats.")  # fmt: skip
ledger.add("frechet", "sorted samples against the formula", by_formula, by_sorting, 0.4,
           "Dowson & Landau 1982",
           says="On the line the formula is what sorting finds: W2 squared.")  # fmt: skip
ledger.add("frechet", "FFD of an impostor of impossible features", 0, fooled, 1e-3,
           "equal moments", says="FFD is 0 for features that no picture has.")  # fmt: skip
ledger.add("coverage", "coverage of real pictures", perfect, coverage, 0.02,
           "Naeem et al. 2020", **FULL,
           says="A perfect generator's coverage is known: 0.969.")  # fmt: skip
ledger.add("copies", "100 copies: share closer to training", 0.55, table[0][6], 0.07,
           "binomial", **FULL,
           says="100 copies in 1,000 move the share closer to training to 0.55.")  # fmt: skip

# %%
numbers = {"times_as_far": times_as_far, "lost": lost, "ffds": ffds,
           "says": says, "quality": quality, "losses": losses,
           "gan": ffd(gan), "below": below,
           "kid_impostor": kid_impostor, "kid_floor": kid_floor, "times_n": times_n,
           "precision": toy_precision, "density": toy_density, "sound": sound, "seen": seen,
           "row": dict(zip(faults, table, strict=True))}  # fmt: skip
for claim, expected, found in nb11.facts(**numbers):
    ledger.add("this run", claim, expected, found, 0, "this run", **THIS_RUN)
for claim, expected, found in nb11.tournament_facts(ffd_of, search, shares, rows):
    ledger.add("tournament", claim, expected, found, 0, "recorded")

# %%
ledger.assert_all(profile)
ledger
