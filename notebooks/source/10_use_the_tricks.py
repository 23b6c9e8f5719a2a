# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 · Tricks for training GANs: labels, smoothing, normalisation, balance, averaging
#
# **What you'll do.** You take the best-known advice on training GANs, one piece at a time: find out what it does exactly, and test on one small GAN with eight seeds whether it helps.
#
# **What you'll learn**
#
# - how to test a trick fairly, and how much of a difference is luck
# - what labels, smoothed labels and batch norm really do, by formulas that can be checked
# - to write virtual batch norm, the exact norm of a convolution and an average of weights
# - which of the tricks helped here, and by how much
#
# **What you'll need.** [Generator](glossary.md#generator) and [discriminator](glossary.md#discriminator), from [notebook 02](02_play_the_game.ipynb) or [03](03_train_a_gan.ipynb).
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import math

import numpy as np
import torch
from torch import nn

from gan_tutorial.clothes import recordings
from gan_tutorial.clothes.data import fashion_mnist
from gan_tutorial.game import Game, objectives, train
from gan_tutorial.game.networks import ConvDiscriminator, MLPDiscriminator, SideBySide
from gan_tutorial.game.norms import ReferenceNorm, VirtualNorm, WithReference
from gan_tutorial.game.norms import stretch as package_stretch
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb10
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose, use_cores
from gan_tutorial.truth import saddle
from gan_tutorial.truth.densities import Latent, Normal

# %% tags=["setup"]
use_cores()
threads = torch.get_num_threads()
torch.set_num_threads(1)  # the networks are small: a second core would only wait
profile = choose(PROFILE)
ledger = Ledger("10")
TRAINED = {"needs_training": True}  # of rows of the ledger
images = fashion_mnist()
figures.use_style(images.notice)

# %% [markdown]
# ## Guess first
#
# In a GAN the [generator](glossary.md#generator) G makes [samples](glossary.md#sample), and the [discriminator](glossary.md#discriminator) D gives pictures a [score](glossary.md#score), high where it believes in data. If a GAN trains badly, experienced people advise:
#
# 1. If you have **labels**, use them.
# 2. **Smooth** the labels that D gets for data: 0.9 instead of 1. But not those for samples.
# 3. Put **batch norm** into G; or better **virtual** batch norm.
# 4. Let **D win**: make it wider, give it more moves.
# 5. Divide D's layers by their **spectral norm**.
# 6. **Average** G's weights over the steps.
# 7. Give D a larger [step size](glossary.md#step-size) than G (**two time scales**).
#
# Which three will improve a small GAN on FashionMNIST most? Which do harm? Write down your guess; [one table](#The-table) settles it.
#
# ## A fair test
#
# To test a trick we change it alone, and nothing else (an *ablation*). As **usual**, G has layers of 64, 128, 256 and $28 \times 28$ numbers, with [batch norm](glossary.md#batch-normalisation) between, D has 784, 256, 128 and 1. The [loss](glossary.md#loss) is [non-saturating](glossary.md#non-saturating), the optimiser Adam with step size 0.002 and no [momentum](glossary.md#momentum), batches hold 32, and after 400 steps we take the [FFD](glossary.md#ffd) of 2,500 samples of G, with its weights averaged over the last steps ([EMA](glossary.md#ema), [below](#Averaged-weights)). FFD says how far the samples are from real pictures ([what we measure](00_start_here.ipynb#What-we-measure)); less is better. That takes seconds, so all is done with eight [seeds](glossary.md#seed), and recorded.

# %%
recording = recordings.load("10_tricks")
usual = recording.value("as usual", "ffd")  # of eight seeds
floor = recording.value("as usual", "floor")  # of as many real pictures
print(recording.about)
print(f"FFD as usual: {usual.min():.1f} to {usual.max():.1f}, median {np.median(usual):.1f}")
print(f"FFD of 2,500 real pictures: {floor.min():.2f} to {floor.max():.2f}")


# %% [markdown]
# How much of a difference is luck? For that there is a **placebo**: the same training once more, with other random numbers. We compare by seed, the first with the first and so on. Each dot will be one of the eight differences, the bar their median, and the grey band reaches as far as the largest.

# %% tags=["figure"] topics=["ablation"] alt="Eight differences of FFD between the placebo and the usual training: two a little below zero, six above it, the largest above four"
def gain(name):
    """FFD with the trick - FFD as usual, of each seed: negative is better.  -> (8,)"""
    return recording.value(name, "ffd") - usual


luck = gain("placebo")
nb10.differences({"placebo": luck}, luck);

# %% [markdown]
# Nothing was changed, and yet six of the eight got worse, one of them by more than 4.
#
# So one run, or the best of three, proves nothing. Our rule: **a trick helped if all eight differences are negative**, and harmed if all are positive; in between we cannot tell. If a trick does nothing, each difference is as likely to be negative as positive, and all eight agree with a probability of $2 / 2^8 = 0.8\,\%$. (We will look at sixteen rows; were they independent, even this would happen somewhere by luck with a probability of 12 %. But the same eight usual runs stand in every row: if they were lucky, every row looks a little worse, as the placebo does.)
#
# One more caution: all rows have the step size of the usual training, which we chose by a few tries with one seed. With another a trick might shine.

# %% [markdown]
# ## Labels
#
# The pictures come with ten classes. What can a GAN do with them? There are three kinds of models:
#
# - **no labels**: G makes $x$ from $p(x)$, and nobody hears of classes;
# - **trained with labels**: G still makes $x$ without a class, but D learned the classes of data, so in fact $p(x, y)$;
# - **conditioned on labels**: G is given a class $y$ and makes $x$ from $p(x \mid y)$; D hears $y$, too.
#
# For the second kind, D gets ten more outputs that learn the classes of data (*own head*). More elegantly, it gets no others ([Salimans et al. 2016](https://arxiv.org/abs/1606.03498)): with ten outputs $l_1, \dots, l_{10}$ and an eleventh for "sample" fixed at 0, softmax says "datum, of some class" with probability $\sigma(s)$ for $s = \log \sum_k e^{l_k}$, which is D's score. For the third kind, G gets $y$ as ten more inputs, and D's score a second term: what the features of $x$ say about class $y$. Samples of all three, in the last with the classes in order:

# %% tags=["figure"] covers=["11.01", "11.02"] alt="Ten samples each of three generators; those of the third are in the order of the classes, T-shirt, trouser, pullover and so on"
KINDS = {"no labels": "as usual", "trained with labels": "labels for D",
         "conditioned on labels": "labels for both, quiet start"}
nb10.side_by_side({kind: recording.samples(name)[:10] for kind, name in KINDS.items()});

# %% tags=["figure"] covers=["11.01"] alt="Differences of FFD for four uses of labels, eight seeds each, beside the band of the placebo"
LABELS = ("labels for D", "labels for D, own head", "labels for both",
          "labels for both, quiet start")
nb10.differences({name: gain(name) for name in LABELS}, luck);

# %% [markdown]
# The elegant D (the middle pictures: the eye does not see it) harms, with every seed and a lot: perhaps because the same ten outputs must say which class and how real. With classes in a head of their own, seven seeds of eight are better. Labels for both come in two kinds, which differ only in how D's term for the class starts. PyTorch's embedding draws weights from $\mathcal N(0, 1)$, about twenty times as large as a layer's: D begins with loud random opinions, and all eight seeds are worse. Started at 0 (*quiet start*), seven are better.
#
# ### Not to be compared
#
# These are three tasks, not one. A conditional model hears what to make, a tenth of each class, as in the data; the others have to find the shares out. How much is that worth? We help the model without labels: of 5,000 samples we choose 2,500, once blindly, and once so that the classifier of our FFD sees a tenth of each class (a rare class's few are used many times). No picture is changed.

# %% covers=["11.02"] topics=["class frequencies"]
blindly = recording.value("as usual", "chosen_blindly")
evened = recording.value("as usual", "classes_evened")
rarest = recording.value("as usual", "shares").min(axis=1)
print(f"FFD, chosen blindly: median {np.median(blindly):.1f};  a tenth of each class: "
      f"{np.median(evened):.1f}, better by {(blindly - evened).min():.1f} to "
      f"{(blindly - evened).max():.1f}")
print(f"rarest class as usual: {rarest.min():.1%} to {rarest.max():.1%} of the samples")

# %% [markdown]
# With each seed the chosen samples score better, and not one pixel was drawn better: the classes that the model had nearly forgotten are back in their place. That is worth more (4.6, the median of the eight differences) than conditioning itself gained (2.3, likewise).
#
# Hence the rule of Goodfellow's [NIPS 2016 tutorial](https://arxiv.org/abs/1701.00160): *the three kinds must not be compared directly*.

# %% [markdown]
# ## Smoothed labels
#
# *One-sided smoothing* calls data real with weight 0.9 only: in code `cross_entropy(0.9, D(data)) + cross_entropy(0.0, D(samples))`. [Notebook 06](06_choose_a_divergence.ipynb#Three-remedies,-measured) found what it does to the best *score*: a ceiling at $\log 9$. Here we ask what it does to **G**, and why samples must not be smoothed.
#
# ### Exercise 10.1 · The best D under smoothed labels
#
# At one place $x$ arrive data with density $p$ and samples with density $q$. A share $\alpha$ of the data is called fake, a share $\beta$ of the samples is called real. What is the best $D$ there? (As ever, D's best answer is the share of "real" among all that arrives.) {{help}}

# %% tags=["exercise"] covers=["11.03", "11.04"] topics=["label smoothing", "one-sided label smoothing"]
def smoothed_D(p, q, alpha, beta):
    """The best D where data have density p, samples q.  (n,), (n,), number, number -> (n,)"""
    # solution
    return ((1 - alpha) * p + beta * q) / (p + q)


# %%
smoothed_D = check("10.1", smoothed_D)

# %% [markdown]
# The package smooths any [objective](glossary.md#objective) with `mix_labels`, and finds the best answer numerically. Both must agree:

# %% tags=["nbval-check-output"] covers=["11.03", "11.04"]
r = torch.tensor([1e-4, 0.1, 1.0, 10.0, 1e4], dtype=torch.float64)  # p/q
minimax, smoothing_error = objectives.minimax, 0.0
print("best D at p/q =   0.0001     0.1       1      10   10000")
for alpha, beta in ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1)):
    mine = smoothed_D(r, torch.ones_like(r), alpha, beta)
    theirs = objectives.best_response(objectives.mix_labels(minimax, alpha, beta), r)
    smoothing_error = max(smoothing_error, float((mine - theirs.sigmoid()).abs().max()))
    print(f"alpha {alpha}, beta {beta}:", "".join(f"{v:8.4f}" for v in mine))
assert smoothing_error < 1e-6

# %% [markdown]
# Now G. In the non-saturating game it wants $\log D$ to be large, so a sample at $x$ is pulled along the slope of $\log D$. With the plain best D, $D_0 = \frac{p}{p + q}$, your formula reads
#
# $$D^\star = (1 - \alpha - \beta)\, D_0 + \beta .$$
#
# **One side** ($\beta = 0$): $\log D^\star = \log(1 - \alpha) + \log D_0$. The slope is that of $\log D_0$: if D is at its best, *smoothing the data's labels does not change G's pull at all*.
#
# **Both sides** ($\beta > 0$): divide the slope of $D^\star$ by $D^\star$, and the pull is the plain one times
#
# $$\frac{(1 - \alpha - \beta)\, D_0}{(1 - \alpha - \beta)\, D_0 + \beta},$$
#
# the part of D's answer that the *data* have earned. Where there are samples but hardly any data, $D_0 \approx 0$ and so is the pull. We will see that for data around 0 and samples of which a fifth has strayed to 5:

# %% tags=["figure"] covers=["11.04"] alt="Left: the data's density around zero, and the samples' with a stray mode at five. Middle: the best D, which for both sides never falls below 0.1. Right: the pull on samples, the same for plain and one side, and nearly zero at the stray mode for both sides"
p, x = Normal(0.0, 1.0), torch.linspace(-4, 8, 481, dtype=torch.float64)
CASES = {"plain": (0.0, 0.0), "one side": (0.1, 0.0), "both sides": (0.1, 0.1)}
nb10.smoothed(smoothed_D, p, nb10.stray(5.0), CASES);

# %%
pulls = {name: nb10.answer_and_pull(smoothed_D, p, nb10.stray(5.0), x, *shares)[1]
         for name, shares in CASES.items()}
strays = {name: float(pull[(x - 5).abs().argmin()]) for name, pull in pulls.items()}
print("pull on a stray sample at 5:", {name: f"{v:.4f}" for name, v in strays.items()})
same_pull = float((pulls["one side"] - pulls["plain"]).abs().max())
left_over = strays["both sides"] / strays["plain"]
assert same_pull < 1e-9 and 0 < left_over < 0.001

# %% [markdown]
# On the right plain and one side are one curve. With both sides the pull is there where the modes meet, and then it fades: in the middle of the stray mode not a thousandth of it is left.
#
# That is the reason not to smooth the labels of samples: who has strayed is left in peace. ("Reinforces current generator behavior", say Goodfellow's slides. His written tutorial and "Generative Adversarial Networks Tutorials", a summary of 2017, expect *a peak* of D at the wrong samples. There is none: $D^\star$ rises and falls where $D_0$ does.)

# %% [markdown]
# ### Play: let the samples stray
#
# Move the stray mode away from the data, with $\beta$ at 0 and at 0.1. The dot is the middle of the stray mode; grey is the pull with plain labels.
#
# 1. With $\beta = 0$, move $\alpha$. What changes on the left, what on the right?
# 2. With $\alpha = 0$: how small must $\beta$ be for a mode at 3 to feel half of the plain pull? And at 6?

# %% tags=["widget"] covers=["11.04", "11.03"] alt="Left: densities of data and samples, and the best D. Right: the pull on samples with plain labels and with smoothed ones, and a dot at the middle of the stray mode"
explore(
    nb10.smoothing_explorer(smoothed_D, p), panels=2, size=(9.6, 3.6),
    alpha=(0.0, 0.4, 0.1, 0.01), beta=(0.0, 0.4, 0.1, 0.001),
    stray_samples_at=(2.0, 6.0, 5.0, 0.1),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) On the left D's ceiling falls, on the right nothing changes: the purple curve covers the grey one. (2) The pull is half where the fraction above is 1/2; with $\alpha = 0$ that is $\beta = (1 - \beta) D_0$. At 3 that is $\beta \approx 0.048$. At 6, $D_0 \approx 8 \cdot 10^{-8}$, and no $\beta$ of the slider but 0 is small enough.
# </details>
#
# ### And in training?
#
# The formulas are about a D at its best. In training it is not.

# %% tags=["figure"] covers=["11.03"] alt="Differences of FFD for smoothing on one side and on both, eight seeds each, beside the band of the placebo"
nb10.differences({"smoothed, one side": gain("smoothed, one side"),
                  "smoothed, both sides": gain("smoothed, both sides")}, luck);

# %% [markdown]
# In both rows seven seeds of eight are a little worse, where the placebo had six. No help here, and we cannot tell whether it harms. Our D is far from over-confident, as we will see under [balance](#Balance:-let-D-win).

# %% [markdown] topics=["over-confident D"]
# ### Deeper: what one-sided smoothing is good for
#
# You gain a look at trained networks with and without smoothing, and at what they say where nothing ever was; or go on with [batch norm](#Batch-norm:-pictures-that-lean-on-each-other).

# %% [markdown]
# If it changes nothing for G when D is at its best, what is it good for? For a D that is not. Let small networks learn data around 1 and samples around $-1$, which do not meet, and look also at places where nothing ever was. Five seeds, side by side.

# %% covers=["11.05"]
K = 5  # seeds, side by side


def trained_D(objective, steps):
    """K small networks that learn N(1, 0.3^2) against N(-1, 0.3^2)."""
    D = nn.Sequential(SideBySide(K, [1, 32, 32, 1], nn.ReLU), nn.Flatten(0))
    opt = torch.optim.Adam(D.parameters(), lr=1e-2, fused=True)
    for _ in range(steps):
        data, fake = (m + 0.3 * torch.randn(64 * K, 1) for m in (1, -1))
        opt.zero_grad()
        objective.d_loss(D(data), D(fake)).backward()
        opt.step()
    return D


# %% tags=["figure"] covers=["11.05"] alt="Scores of trained networks over the line, five seeds in each of three panels: plain they rise and fall far beyond the data and samples; smoothed on one side they level off at about two on the side of the data; on both sides they level off on both"
torch.manual_seed(SEED)
line = torch.linspace(-4, 4, 161)[:, None]
steps, scores, accuracy = profile.pick(smoke=20, cpu=400, gpu=400), {}, {}
with profile.plan(steps=3 * steps, about=4):
    for name, shares in CASES.items():
        D = trained_D(objectives.mix_labels(minimax, *shares), steps)
        scores[name] = D(line.repeat_interleave(K, 0)).view(-1, K).detach().numpy()
        at = 0.3 * torch.randn(1000 * K, 1)  # new points, around 1 and around -1
        accuracy[name] = float(((D(1 + at) > 0).float() + (D(at - 1) < 0).float()).mean() / 2)
nb10.extrapolated(line[:, 0], scores)
far = {name: (s[20], s[140]) for name, s in scores.items()}  # at -3 and 3: nothing was there
for name, (left, right_end) in far.items():
    print(f"{name:10}: right about {accuracy[name]:.2%};  score at -3: {left.min():.1f} to "
          f"{left.max():.1f},  at 3: {right_end.min():.1f} to {right_end.max():.1f}")

# %% [markdown]
# All three decide equally well. But the plain D's scores go on rising beyond the data, as if 3 were a better datum than any datum: *extrapolation*, which invites G to extremes. With smoothing they level off not far above $\log 9 \approx 2.2$. The confidence falls, the decision does not: smoothing is a regulariser. (Hence its other fame, against inputs that are made to fool a classifier.) On the side of the samples one-sided smoothing leaves the scores as steep as they were, which is what G learns from.

# %%
plain, one_side = far["plain"], far["one side"]
ledger.add("11.05", "score at 3, plain, least of five seeds", (8, 200), plain[1].min(), 0,
           "nothing bounds it", **TRAINED)
ledger.add("11.05", "score at 3, one side, largest of five seeds", (1.5, 6),
           one_side[1].max(), 0, "log 9 = 2.197 on the data", **TRAINED)
ledger.add("11.05", "score at -3, one side, largest of five seeds", (-200, -8),
           one_side[0].max(), 0, "as steep as plain", **TRAINED)
for name, value in accuracy.items():
    ledger.add("11.05", f"right answers, {name}", (0.99, 1), value, 0, "best: 0.9996",
               **TRAINED)

# %% [markdown]
# ## Batch norm: pictures that lean on each other
#
# [Batch normalisation](glossary.md#batch-normalisation) takes the features of a batch, subtracts their mean over the batch and divides by their standard deviation. (Then it multiplies by a weight and adds another, both learned.) The mean and the deviation are *part of the graph*: the gradient goes through them, so that the network need not learn again and again to undo the normalisation.

# %% tags=["nbval-check-output"] covers=["11.06"] topics=["batch normalisation"]
def batch_norm(h, eps=1e-5):
    """Each feature with mean 0 and variance 1 over the batch.  (m, c) -> (m, c)"""
    return (h - h.mean(dim=0)) / (h.var(dim=0, correction=0) + eps).sqrt()


h = torch.randn(16, 3, dtype=torch.float64)
torch.testing.assert_close(batch_norm(h), nn.BatchNorm1d(3).double()(h))
print("by hand and nn.BatchNorm1d: the same")

# %% [markdown]
# So in training a picture depends on its *companions* in the batch. (Afterwards `eval()` puts fixed averages in their place.) We train the usual GAN for a moment, with three seeds:

# %% covers=["11.07"]
def block(n_in, n_out, norm):
    return nn.Linear(n_in, n_out), norm(n_out), nn.ReLU()


def generator(norm):
    """64 -> 128 -> 256 -> 28x28, `norm` between.  (n, 64) -> (n, 1, 28, 28)"""
    head = nn.Linear(256, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))
    return nn.Sequential(*block(64, 128, norm), *block(128, 256, norm), *head)


def small_game(seed):
    torch.manual_seed(seed)
    G, D = generator(nn.BatchNorm1d), MLPDiscriminator(hidden=(256, 128))
    how = {"d_lr": 2e-3, "g_lr": 2e-3, "betas": (0.0, 0.999), "seed": seed}
    return Game.with_adam(G, D, images.sampler(), Latent(64), **how)


# %% covers=["11.07"]
steps = profile.pick(smoke=5, cpu=300, gpu=300)
games = [small_game(SEED + i) for i in range(3)]
with profile.plan(steps=3 * steps, about=7, gpu=7):
    for game in games:
        for _ in train(game, objectives.non_saturating, steps=steps, batch_size=32):
            pass
nets = [game.ema.train() for game in games]  # in training mode: statistics of the batch

# %% [markdown]
# Six batches of four. The first latent is the same in all; the other three are new each time.

# %% tags=["figure"] covers=["11.07"] topics=["intra-batch correlation"] alt="Six rows of four pictures; the first picture of each row, made from the same latent, differs from row to row, in places into another garment"
torch.manual_seed(SEED)
z = torch.randn(6, 4, 64)
z[:, 0] = z[0, 0]
with torch.no_grad():
    nb10.companions(torch.stack([nets[0](batch) for batch in z]));

# %% [markdown]
# The same latent gives different pictures, and sometimes different garments. How much? And in which direction do companions push? At the normalised features we can say exactly: in each batch a feature has the sum 0. If one picture has more of it, the others must have less. With variance $v$ and covariance $c$ of two, the sum has the variance $m v + m (m - 1)\, c = 0$, and so the correlation $c / v$ is
#
# $$-\frac{1}{m - 1},$$
#
# whatever the weights are. Does that reach the pictures? We measure two things over many batches: which share of a picture's variance its companions cause, and the correlation of the *brightness* of two pictures of a batch. (The mean of a batch has the variance $v/m + c\,(m - 1)/m$; solved for $c / v$ this is the last line.)

# %% covers=["11.07"]
def companions_share(G, m, batches=200):
    """Variance of a picture over its companions / its variance over everything."""
    z, fixed = torch.randn(batches, m, 64), torch.randn(8, 64)  # eight latents to hold
    within = 0.0
    for one in fixed:
        z[:, 0] = one
        within += torch.stack([G(b)[0] for b in z]).var(dim=0).sum() / len(fixed)
    return float(within / G(torch.randn(1000, 64)).var(dim=0).sum())


def correlation(G, m, batches=400):
    """Of the mean grey of two pictures in a batch: from the variance of the batch's mean."""
    grey = torch.stack([G(torch.randn(m, 64)).mean(dim=(1, 2, 3)) for _ in range(batches)])
    return float((m * grey.mean(dim=1).var() / grey.var() - 1) / (m - 1))


# %% tags=["figure"] covers=["11.07"] alt="Left: the share of the variance that companions cause falls with the size of the batch, from about half for two pictures to a few percent for 32. Right: the correlation of two pictures' brightness is negative and lies on the curve minus one over m minus one"
torch.manual_seed(SEED)
sizes = (2, 4, 8, 16, 32)
few = profile.pick(smoke=20, cpu=100, gpu=200)
with torch.no_grad():
    shares = np.array([[companions_share(G, m, few) for m in sizes] for G in nets])
    leaning = np.array([[correlation(G, m, 4 * few) for m in sizes] for G in nets])
nb10.leaning(sizes, {"batch norm": shares}, leaning);

# %% [markdown]
# Two pictures alone in a batch: if one comes out bright, the other must be dark, nearly as exactly as at the features. The pictures of a batch *repel* each other, and with each of three seeds the brightness follows the curve. (Goodfellow's tutorial shows the opposite, pictures all alike; for that they must share something, such as the deviation.) At 32, our usual batch, little is left of either effect. So batch norm's trouble is one of small batches.

# %% [markdown]
# ## Reference and virtual batch norm
#
# The remedy of [Salimans et al. 2016](https://arxiv.org/abs/1606.03498): take the statistics from elsewhere. Choose a **reference batch** $R$ of latents once and for all. **Reference batch norm** normalises each example by the mean and deviation of $R$'s features. ($R$ does not change, but its features do, with the weights: so $R$ goes through the network in every step.) Whoever is in the batch, each example is treated the same.

# %% covers=["11.08"] topics=["reference batch norm"]
def reference_norm(h, R, eps=1e-5):
    """Features h, normalised by those of the reference batch.  (n, c), (m, c) -> (n, c)"""
    return (h - R.mean(dim=0)) / (R.var(dim=0, correction=0) + eps).sqrt()


R, h = torch.randn(8, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
package = ReferenceNorm(8, 3).double()(torch.cat([R, h]))[8:]  # its first 8 rows are R
torch.testing.assert_close(reference_norm(h, R), package)

# %% [markdown]
# But the network can overfit to $R$: it is only ever normalised *there*, and elsewhere features may come out with any size. **Virtual batch norm** is a partial remedy: for each example $x^{(i)}$, take the statistics of the *virtual batch* $V = \{x^{(i)}\} \cup R$.
#
# ### Exercise 10.2 · Virtual batch norm
#
# Normalise each row of `h` by the mean and the deviation of the $m + 1$ rows "all of `R`, and this row". (As in batch norm the variance divides by the number of rows, and `eps` is added to it.) {{help}}

# %% tags=["exercise"] covers=["11.09"] topics=["virtual batch norm"]
def virtual_norm(h, R, eps=1e-5):
    """Each row of h in a batch with R alone.  (n, c), (m, c) -> (n, c)"""
    # solution
    V = torch.cat([R.expand(len(h), *R.shape), h[:, None]], dim=1)  # (n, m + 1, c)
    return (h - V.mean(dim=1)) / (V.var(dim=1, correction=0) + eps).sqrt()


# %%
virtual_norm = check("10.2", virtual_norm)

# %% covers=["11.09"]
package = VirtualNorm(8, 3).double()(torch.cat([R, h]))[8:]
torch.testing.assert_close(virtual_norm(h, R), package)
with_others = virtual_norm(torch.cat([h[:1], 100 * h[1:]]), R)[0]  # they do not matter:
torch.testing.assert_close(with_others, virtual_norm(h, R)[0])

# %% [markdown]
# How partial is the remedy? Move one feature of one example away from $R$, here with $m = 8$. Reference norm is a straight line. In the virtual batch the example is one of $m + 1$, and no number of $m + 1$ is farther from their mean than $\sqrt m$ standard deviations.

# %% tags=["figure"] covers=["11.08", "11.09"] alt="The normalised feature over the feature: a straight line for reference norm, a curve that levels off at plus and minus the root of eight for virtual norm"
away = torch.linspace(-15, 15, 301, dtype=torch.float64)[:, None]
R1 = R[:, :1] / R[:, :1].std(correction=0)
by_reference, by_virtual = reference_norm(away, R1), virtual_norm(away, R1)
nb10.bounded(away[:, 0], R1[:, 0], by_reference[:, 0], by_virtual[:, 0])
largest = float(by_virtual.abs().max() / math.sqrt(8))
assert largest < 1

# %% [markdown]
# Near the middle of $R$ both agree; far away virtual norm is bounded. Do companions still matter in a whole G? Take the three trained networks, keep their weights and replace the layers. `WithReference` puts $R$ in front of each batch and cuts it off at the end.

# %% covers=["11.08", "11.09"]
def with_virtual_norm(net, m=64):
    """The same weights, with virtual norm and a reference batch of m latents."""
    body = generator(lambda channels: VirtualNorm(m, channels))
    body.load_state_dict({k: v for k, v in net.state_dict().items() if k in body.state_dict()})
    return WithReference(body, torch.randn(m, 64))


with torch.no_grad():
    virtual_share = [companions_share(with_virtual_norm(G), 4, few) for G in nets]
print("share of variance due to three companions:  batch norm",
      [f"{v:.2f}" for v in shares[:, 1]], " virtual", [f"{v:.0e}" for v in virtual_share])
assert max(virtual_share) < 1e-6

# %% [markdown]
# Nothing left but rounding. The loss of time: $R$ goes through G in each step, here 64 more rows beside a batch of 32. And in training?

# %% tags=["figure"] covers=["11.08", "11.09"] alt="Differences of FFD without norm, with reference and with virtual norm, eight seeds each, beside the band of the placebo"
NORMS = ("no norm", "reference norm, 64", "virtual norm, 64")
nb10.differences({name: gain(name) for name in NORMS}, luck);

# %% [markdown]
# Without any norm all eight seeds are worse: *batch norm helps*. Reference and virtual norm do that as well, but we cannot tell them from batch norm. At 32 pictures a batch there was little left to cure.

# %% [markdown]
# ### Deeper: who depends on whom, exactly
#
# You gain the derivative of one picture by the latent of another, which says exactly what leans on what; or go on with [balance](#Balance:-let-D-win).

# %% [markdown]
# The derivative $\partial G(z_i) / \partial z_j$ for $j \ne i$ is not a small number with virtual norm, but exactly 0, and so it is with reference norm. With batch norm it is not.

# %% tags=["nbval-check-output"] covers=["11.07", "11.08", "11.09"]
def leans(G):
    """Largest |d G(z_0) / d z_j| over j = 1, 2, 3, of the summed picture."""
    z = torch.randn(4, 64).requires_grad_()
    (slope,) = torch.autograd.grad(G(z)[0].sum(), z)
    return float(slope[1:].abs().max())


def referred(layer):
    return WithReference(generator(lambda channels: layer(16, channels)), torch.randn(16, 64))


torch.manual_seed(SEED)
slopes = {"batch norm": leans(generator(nn.BatchNorm1d)),
          "reference norm": leans(referred(ReferenceNorm)),
          "virtual norm": leans(referred(VirtualNorm))}
print({name: "exactly 0" if v == 0 else "not 0" for name, v in slopes.items()})

# %%
for name in ("reference norm", "virtual norm"):
    ledger.add("F-N1", f"derivative by a companion's latent, {name}", 0, slopes[name], 0,
               "Salimans et al. 2016, sec. 3.5")
ledger.add("F-N1", "derivative by a companion's latent, batch norm", (1e-3, 1e3),
           slopes["batch norm"], 0, "the batch's mean and deviation");

# %% [markdown]
# ## Balance: let D win
#
# "D has become too strong" is a common diagnosis, and the common cure is to cripple D. Goodfellow's tutorial advises the opposite. Theory assumes a D at its *best*: only then is G's loss a [divergence](glossary.md#divergence). If G learns nothing from a D that is sure, the cure is a loss that does not saturate ([notebook 03](03_train_a_gan.ipynb#Why-G-gets-a-loss-of-its-own)), or smoothing. So let D be bigger than G, perhaps give it more moves ("mixed results"), and do not limit it.
#
# We tried to help D: layers twice as wide, three moves in each step, a step size four times G's, or doubled while G's is halved. And to cripple it: layers a quarter as wide. First, does D win at all? That is, how often is it right about pictures that it has not trained on, and about samples? (Half of the answers would be right by luck.)

# %% tags=["figure"] covers=["11.10"] topics=["balance of G and D", "D too strong"] alt="FFD minus FFD as usual over the share of D's right answers, eight seeds for each of six settings"
BALANCE = ("as usual", "D twice as wide", "D a quarter as wide", "3 moves of D",
           "D's steps 4 times", "D's steps twice, G's half")
right = {name: (recording.value(name, "right_on_new_data")
                + recording.value(name, "right_on_samples")) / 2 for name in BALANCE}
gains = {name: gain(name) for name in BALANCE}
nb10.who_wins(right, gains)
for name in BALANCE:
    v = gains[name]
    print(f"{name:22} D is right: median {np.median(right[name]):.0%},  FFD "
          f"{np.median(v):+.1f} ({v.min():+.1f} to {v.max():+.1f})")

# %% [markdown]
# As usual D is right with 54 % of its answers: it hardly wins. With three moves or four times the step it is right with about 70 %, and the median FFD is worse. But the share says little by itself: four times the step spreads it from 56 to 94 %, and the two best seeds of "3 moves" are those where D wins most. Wider layers and both kinds of larger steps harm with all eight seeds; with three moves and with the crippled D we cannot tell. So here the advice did not hold. "D should be at its *best*" is not "D should move fast": with three moves or four times the step it becomes rough, its slope at samples 7 and 13 times as steep (in the ledger).

# %% [markdown]
# ## Spectral norm
#
# How fast can D's score change? At most by the product of its layers' *stretches* (ReLU and its kin stretch nothing): the [spectral norm](glossary.md#spectral-norm) $\|A\|$ is the largest $|Av| / |v|$. [Miyato et al. 2018](https://arxiv.org/abs/1802.05957) divide each layer by it, so each stretches by at most 1. How does one get $\|A\|$ in every step, cheaply? By *power iteration*: multiply any $v$ by $A$ and then by its transpose $A^{\mathsf T}$, again and again. Each round enlarges the part of $v$ in the most stretched direction most.
#
# ### Exercise 10.3 · The stretch of a layer
#
# Given two functions, `A` and its transpose `At`, start from `v`, do `steps` rounds (keep `v` from growing without bound) and return $|A v| / |v|$. {{help}}

# %% tags=["exercise"] topics=["spectral norm", "power iteration"]
def stretch(A, At, v, steps):
    """The largest |A v| / |v|, by power iteration.  -> ()"""
    # solution
    for _ in range(steps):
        v = At(A(v))
        v = v / v.norm()
    return A(v).norm() / v.norm()


# %%
stretch = check("10.3", stretch)

# %% tags=["nbval-check-output"] topics=["spectral norm"]
W = torch.randn(20, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
mine = stretch(lambda v: W @ v, lambda u: W.T @ u, torch.ones(50, dtype=torch.float64), 500)
exact = torch.linalg.matrix_norm(W, 2)
print(f"by power iteration {mine:.4f}, by the singular values {exact:.4f}")
assert abs(mine - exact) < 1e-3

# %% [markdown]
# (For a convolution, common code divides by the norm of its kernel as a matrix: [another number](#Deeper:-the-norm-of-a-kernel-is-not-that-of-its-convolution).) What does spectral norm do for our small D, which is made of matrices?

# %% tags=["figure"] alt="Differences of FFD with spectral norm in D, eight seeds, beside the band of the placebo"
nb10.differences({"spectral norm in D": gain("spectral norm in D")}, luck);

# %% [markdown]
# We cannot tell. Our D is in no need of it: its slope at samples is small, and nothing explodes.

# %% [markdown]
# ### Deeper: the norm of a kernel is not that of its convolution
#
# You gain the exact norm of convolutions, by power iteration, by frequencies and by a dense matrix, beside the number that most code divides by; or go on with [averages](#Averaged-weights).

# %% [markdown]
# What is $A$ for a convolution? Common code reshapes its kernel $(c_{out}, c_{in}, k, k)$ to a matrix $W$ with $c_{out}$ rows, and takes *its* norm. That is another number. $W$ maps one patch of the picture to one pixel; the layer does this at all places, and its patches overlap, so one pixel enters up to $k^2$ outputs.
#
# - An input that fills one patch shows $\|A\| \ge \|W\|$.
# - Each pixel lies in at most $\lceil k / s \rceil^2$ patches (stride $s$), so all patches together have at most $\lceil k/s \rceil^2$ times the squared length of the picture, and $\|A\| \le \lceil k/s \rceil\, \|W\|$.
#
# Two convolutions of a fresh D of ours, and one whose kernel is all ones. Your function needs the layer without its bias, and its transpose:

# %% tags=["nbval-check-output"]
from torch.nn.functional import conv2d, conv_transpose2d


def both_norms(W, size, how, steps=200):
    """Norm of the kernel as a matrix, and of the convolution.  (c_out, c_in, k, k)"""
    def A(x):
        return conv2d(x, W, **how)

    def At(y):
        return conv_transpose2d(y, W, **how)

    v = torch.ones(1, W.shape[1], size, size, dtype=W.dtype)
    v += 0.1 * torch.randn_like(v)
    return float(torch.linalg.matrix_norm(W.flatten(1), 2)), float(stretch(A, At, v, steps))


torch.manual_seed(0)
first, second = (ConvDiscriminator().features[i].weight.detach().double() for i in (1, 3))
ones = torch.ones(1, 1, 3, 3, dtype=torch.float64)
one, two = {"padding": 1}, {"stride": 2, "padding": 1}
norms = {"first, 3x3": both_norms(first, 14, one), "second, 4x4, stride 2":
         both_norms(second, 14, two), "ones, 3x3": both_norms(ones, 40, one)}
print("                        kernel   convolution   ratio   at most")
for (name, (kernel, whole)), most in zip(norms.items(), (3, 2, 3), strict=True):
    print(f"{name:22} {kernel:8.3f} {whole:11.3f} {whole / kernel:9.2f} {most:7}")

# %% [markdown]
# The kernel's norm is too small by a factor of two for our first layer, and the kernel of ones nearly reaches the bound. So if such layers are divided by it, as usual code does, they still stretch by about 2 and 1.2. For a GAN that matters little, for a *guarantee* a lot.

# %% [markdown]
# Two other ways confirm this. A convolution does not mix frequencies: at frequency $\omega$ it multiplies the $c_{in}$ waves by the matrix $\hat W(\omega) = \sum_u W_u\, e^{i \omega u}$. So if the picture goes round at its edges, $\|A\|$ is the largest norm of these matrices, exactly. With zeros at the edges it is a little less. And for a small picture we can write the layer down as one dense matrix, column by column.

# %% tags=["nbval-check-output"] topics=["norm of a convolution"]
def round_norm(W, size):
    """The norm of the convolution on a picture that goes round: over all frequencies."""
    waves = torch.fft.fft2(W, s=(size, size)).permute(2, 3, 0, 1)  # (size, size, out, in)
    return float(torch.linalg.matrix_norm(waves, 2).max())


def dense_norm(W, size, how):
    """The same by a matrix: column j is what becomes of pixel j."""
    n = W.shape[1] * size**2
    pixels = torch.eye(n, dtype=W.dtype).view(n, W.shape[1], size, size)
    return float(torch.linalg.matrix_norm(conv2d(pixels, W, **how).flatten(1), 2))


torch.manual_seed(0)
iterated, dense = both_norms(first, 8, one, 1000)[1], dense_norm(first, 8, one)
round_8, package = round_norm(first, 8), float(package_stretch(
    lambda x: conv2d(x, first, **one), (4, 8, 8), steps=1000))
print(f"8x8: power iteration {iterated:.4f}, dense matrix {dense:.4f}, package {package:.4f}")
print(f"going round {round_8:.4f}; the kernel as a matrix {norms['first, 3x3'][0]:.4f}")

# %%
ledger.add("SN", "power iteration - dense matrix, 8x8", 0, iterated - dense, 1e-5, "SVD")
ledger.add("SN", "package - dense matrix, 8x8", 0, package - dense, 1e-5, "SVD")
for name, low, high in (("first, 3x3", 1.5, 2.5), ("second, 4x4, stride 2", 1, 1.5)):
    kernel, whole = norms[name]
    ledger.add("SN", f"stretch of a layer divided by its kernel's norm, {name}", (low, high),
               whole / kernel, 0, "Tsuzuku et al. 2018")
ledger.add("SN", "zeros at the edges / going round", (0.8, 1), dense / round_8, 1e-9,
           "zeros at the edges: a part of a larger round picture");

# %% [markdown]
# ## Averaged weights
#
# One trick is in all of our rows but one: samples come from an exponential moving average of G's weights ([EMA](glossary.md#ema)),
#
# $$a_n = d\, a_{n-1} + (1 - d)\, w_n ,$$
#
# a mean with a memory of about $1/(1 - d)$ steps. With $d = 0.999$ from the start, the poor first weights would count for a thousand steps. So let $d$ grow: for the plain mean of $w_0, \dots, w_n$, the old mean has weight $\frac{n}{n + 1}$; use that until it exceeds the decay.
#
# ### Exercise 10.4 · An average that forgets its start
#
# Return all averages of a path: $a_0 = w_0$, and then the line above with $d = \min\bigl(\text{decay}, \frac{n}{n + 1}\bigr)$ at point $n$. {{help}}

# %% tags=["exercise"] topics=["EMA", "averaging of weights"]
def average(path, decay):
    """The averages along a path.  (n, k), number -> (n, k)"""
    # solution
    averages = [path[0]]
    for n, w in enumerate(path[1:], 1):
        d = min(decay, n / (n + 1))
        averages.append(d * averages[-1] + (1 - d) * w)
    return torch.stack(averages)


# %%
average = check("10.4", average)

# %% [markdown]
# Why should an average be better than any of its points? Because games go in circles. For $V = xy$, [notebook 04](04_circle_the_saddle.ipynb) shows that the path is exactly a circle around the solution, the centre. Look at it every 0.1 of time, so each step turns by the angle $\theta = 0.1$. What does EMA make of a turning point? In complex numbers $w_n = e^{i \theta n}$; an average that turns along, $a_n = c\, w_n$, fits the recursion if $c = d\, c\, e^{-i\theta} + (1 - d)$. So it keeps the distance
#
# $$|c| = \frac{1 - d}{\bigl|1 - d\, e^{-i \theta}\bigr|}.$$

# %% tags=["figure"] topics=["EMA"] alt="Left: a circle with three averages inside, the longer the memory the nearer to the centre. Right: their distances from the centre over the steps settle at the dotted values of the formula"
theta, DECAYS = 0.1, (0.9, 0.99, 0.999)
path = saddle.circle(np.array([1.0, 0.0]), theta * np.arange(4001))
averaged = {f"decay {d}": average(torch.tensor(path), d).numpy() for d in DECAYS}
radii = {f"decay {d}": abs((1 - d) / (1 - d * np.exp(-1j * theta))) for d in DECAYS}
nb10.averages(path, averaged, radii)
at_end = {name: float(np.linalg.norm(a[-1])) for name, a in averaged.items()}
print({name: f"{at_end[name]:.4f}, theory {radii[name]:.4f}" for name in radii})

# %% [markdown]
# The path never comes closer than 1; its averages do. A turn takes $2\pi / 0.1 \approx 63$ steps. A memory of 10 steps sees but a part of it and stays outside; one of 1,000 steps sees many turns, and is 100 times closer. **The memory must be longer than a turn.** In a GAN, the weights go round and are shaken by noise, and an average should help against both.

# %% tags=["figure"] alt="Differences of FFD without the average of the weights, eight seeds, beside the band of the placebo"
raw = recording.value("as usual", "without_ema") - usual
nb10.differences({"without EMA": raw}, luck);

# %% [markdown]
# Without the average five seeds of eight are worse, three better: by our rule we cannot tell. 400 steps are short for an average; at their end its memory is 45 steps (our package lets $d$ grow as $\frac{n + 1}{n + 10}$).

# %% [markdown]
# ### Deeper: what about the buffers?
#
# You gain a classic bug: the average of the weights needs statistics for its batch norm, and there are four ways to get them; or go on with [two time scales](#Two-time-scales).

# %% [markdown]
# Batch norm has weights, which are averaged, and *buffers*: running means and variances for `eval()`, no weights, so that code for an average forgets them easily. Four ways, for the same averaged weights: leave them as at the start (the bug), copy those of G (as our package does), average them like the weights, or measure them anew on fresh latents.

# %% topics=["EMA and batch norm"]
WAYS = {"buffers_of_the_start": "as at the start (the bug)", "ffd": "copied from G",
        "buffers_averaged": "averaged", "buffers_measured": "measured anew"}
buffers = {way: recording.value("as usual", way) for way in WAYS}
for way, words in WAYS.items():
    v = buffers[way]
    print(f"{words:27} FFD {np.median(v):6.1f} ({v.min():.1f} to {v.max():.1f})")

# %% [markdown]
# The bug ruins everything, with each seed. Copying is a compromise: the statistics are those of G as it was lately, not of its average. Measured anew they fit the averaged weights, and that is better with all eight seeds; averaging them, which is free, with seven.

# %%
bug = buffers["buffers_of_the_start"] - usual
ledger.add("EMA", "FFD with the buffers of the start - copied, least of eight", (20, 500),
           bug.min(), 0, "recorded")
for way, n in (("buffers_averaged", 7), ("buffers_measured", 8)):
    ledger.add("EMA", f"FFD, {way} - copied, seeds that it helps", n,
               ((buffers[way] - usual) < 0).sum(), 0, "recorded, eight seeds");

# %% [markdown]
# ## Two time scales
#
# Instead of more moves, D can take larger steps: *two time scales* ([Heusel et al. 2017](https://arxiv.org/abs/1706.08500), who prove, under assumptions, local convergence, with ever smaller steps, if D is fast enough). A fair test must not change the step size in general. So we tried it in two ways: D's steps 4 times; and the same ratio of four, but with D's steps doubled and G's halved.

# %% tags=["figure"] covers=["11.10"] topics=["two time scales", "TTUR"] alt="Differences of FFD for larger steps of D, with those of G as they were and halved, eight seeds each, beside the band of the placebo"
SCALES = ("D's steps 4 times", "D's steps twice, G's half")
nb10.differences({name: gain(name) for name in SCALES}, luck);

# %% [markdown]
# Both harm, with every seed; four times the step is a disaster. The usual 0.002 is large already. With smaller steps, two time scales may do better.

# %% [markdown]
# ## The table
#
# From the best median to the worst. Green: better with all eight seeds. Orange: worse with all eight. Grey: we cannot tell. ("No norm" and "without EMA" take something away: there *worse* means that it helps.)

# %% tags=["figure"] topics=["ablation", "which tricks help"] alt="All tricks in the order of their median difference of FFD, with eight dots each; colours say whether all eight agree"
ALONE = [name for name in recording.settings if name != "as usual"]
table = {name: gain(name) for name in ALONE} | {"without EMA": raw}
table = dict(sorted(table.items(), key=lambda item: np.median(item[1])))
nb10.differences(table, luck);

# %%
for name, values in table.items():
    said = "helped" if (values < 0).all() else "harmed" if (values > 0).all() else "?"
    print(f"{name:28} {np.median(values):+6.1f} ({values.min():+6.1f} to {values.max():+6.1f})"
          f"  better with {(values < 0).sum()} of 8  {said}")

# %% [markdown]
# *No trick that we added helped with all eight seeds.* One that was there already does: without batch norm all are worse. Next come labels, which in two ways out of four are better with seven of eight. The exception is seed 0, where the usual training was lucky; and such pairs have little in common. A rank test without pairs gives $p = 0.005$ for each: these labels probably help. Harm is easily done, with all eight by the elegant labels and the loud ones, a wider D, and both kinds of larger steps; three moves probably harm ($p = 0.015$). Of the others we cannot tell. (Own head, quiet start and "twice, half" were added after their first kinds had failed; quiet start was first tried on seeds 0 to 2, three of its eight.)
#
# Beside it, a famous table: [Salimans et al. 2016](https://arxiv.org/abs/1606.03498), inception score on CIFAR-10 (higher is better: a classifier is sure of each picture, and all classes occur). All but feature matching and historical averaging are in use, and one is *taken away*, or replaced:
#
# | | score |
# |---|---|
# | all tricks | 8.09 |
# | batch norm instead of virtual | 7.54 |
# | historical averaging instead of labels | 6.86 |
# | without label smoothing | 6.83 |
# | without labels | 4.36 |
# | without [minibatch features](glossary.md#minibatch-features) | 3.87 |
#
# (*Historical averaging*: a loss for weights far from their past average.) There, all helped. But theirs takes a trick away from a full GAN, ours adds one to a plain one; all else differs, too. **A trick is a remedy for a trouble, and helps where you have that trouble.**

# %% [markdown]
# ## The ledger
#
# What we claimed, and measured.

# %%
add = ledger.add
add("11.04", "best D with smoothed labels, formula - numerical", 0, smoothing_error, 1e-6,
    "Salimans et al. 2016, sec. 3.4",
    says="With smoothed labels the best D is ((1 - α) p + β q) / (p + q) (largest error).")
add("11.04", "G's pull, one-sided smoothing - plain, largest", 0, same_pull, 1e-9,
    "closed form",
    says="If D is at its best, one-sided smoothing does not change G's pull (largest change).")
add("11.04", "pull on a stray sample, both sides / plain", (0, 0.001), left_over, 0,
    "closed form",
    says="Smoothing samples' labels, too, leaves this share of the pull on a stray sample.")
off = leaning + 1 / (np.array(sizes) - 1)
add("11.07", "correlation of brightness - (-1/(m - 1)), largest size", (0, 0.15),
    np.abs(off).max(), 0, "sum 0 at the normalised features", **TRAINED,
    says="Batch norm: pictures repel each other nearly like their features (largest gap).")

# %%
add("11.09", "variance due to companions, virtual norm", 0, max(virtual_share), 1e-6,
    "F-N1", says="Virtual batch norm: share of a picture's variance due to companions.")
worst = max(abs(at_end[name] / radii[name] - 1) for name in radii)
add("EMA", "distance of the average / formula - 1, largest of three decays", 0, worst, 0.15,
    "geometric sum", says="V = xy: an average's distance from the centre / formula, minus 1.")
for m, low, high in ((0, 0.15, 0.9), (-1, 0, 0.15)):
    add("11.07", f"variance due to companions, {('two', '32')[m]} pictures, three seeds' mean",
        (low, high), shares[:, m].mean(), 0, "batch norm", **TRAINED)

# %%
RIGHT = {"as usual": 0.54, "3 moves of D": 0.69, "D's steps 4 times": 0.71}
for name, share in RIGHT.items():
    add("11.10", f"D is right, median: {name}", share, np.median(right[name]), 0.01,
        "recorded")
slope = {name: np.median(recording.value(name, "slope")) for name in BALANCE}
for name in ("3 moves of D", "D's steps 4 times"):
    add("11.10", f"slope of D at samples / as usual, medians: {name}", (6, 15),
        slope[name] / slope["as usual"], 0, "recorded")
add("11.01", "FFD with labels for D - as usual, least of eight", (16, 17),
    gain("labels for D").min(), 0, "recorded")
add("11.02", "FFD, chosen blindly - a tenth of each class, least of eight", (0.5, 10),
    (blindly - evened).min(), 0, "recorded")
add("11.02", "FFD, chosen blindly - a tenth of each class, median", 4.6,
    np.median(blindly - evened), 0.05, "recorded")

# %%
add("11.01", "FFD, labels for both, quiet start - as usual, median", -2.3,
    np.median(gain("labels for both, quiet start")), 0.05, "recorded")
add("luck", "largest difference of the placebo", (4, 5), np.abs(luck).max(), 0, "recorded",
    says="FFD: the largest of eight differences when nothing was changed but luck.")
BETTER = {"placebo": 2, "smoothed, one side": 1, "smoothed, both sides": 1, "without EMA": 3,
          "labels for D": 0, "labels for D, own head": 7, "labels for both": 0,
          "labels for both, quiet start": 7, "no norm": 0, "reference norm, 64": 6,
          "virtual norm, 64": 2, "D twice as wide": 0, "D a quarter as wide": 5,
          "3 moves of D": 2, "D's steps 4 times": 0, "D's steps twice, G's half": 0,
          "spectral norm in D": 2}
assert BETTER.keys() == table.keys()
for name, n in BETTER.items():
    add("table", f"seeds of eight that are better: {name}", n, (table[name] < 0).sum(), 0,
        "recorded")
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - Test a trick alone, with many seeds and beside a placebo: luck alone makes differences as large as most tricks promise.
# - Labels change the task. Do not compare models that know them with models that do not.
# - If D is at its best, smoothing the data's labels changes nothing for G, and smoothing those of samples lets go of whoever strayed.
# - Batch norm makes the pictures of a batch repel each other, the more the smaller the batch. Reference and virtual batch norm treat each alone.
# - An average of the weights is nearer to the centre than any of them, if its memory is longer than a turn.
#
# ## In practice
#
# - *Averaging* is in nearly every published generator. Mind batch norm's running means and variances (its *buffers*): BigGAN measures them anew before it samples.
# - *Labels*: condition both players, with D's term for the class starting small.
# - *Normalisation*: virtual batch norm was given up for its time. Today D has spectral norm, or a [penalty](08_penalise_the_gradient.ipynb) and no norm.
# - *One-sided smoothing*: keep it for a D whose scores explode.
#
# ## Further reading
#
# - [Goodfellow 2016](https://arxiv.org/abs/1701.00160): the tutorial with this list of advice.
# - [Sedghi et al. 2019](https://arxiv.org/abs/1805.10408), [Tsuzuku et al. 2018](https://arxiv.org/abs/1802.04034): norms of convolutions.
# - [Yazıcı et al. 2019](https://arxiv.org/abs/1806.04498): averages. [Kurach et al. 2019](https://arxiv.org/abs/1807.04720): losses, norms and networks compared.
