# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 · Where adversarial training went: words, denoisers, policies, and D beside other losses
#
# **What you'll do.** You follow four roads out of the GAN game, each in a world so small that the right answer is known: outputs that jump, sampling without a G, players that act, and a D that only helps.
#
# **What you'll learn**
#
# - how a gradient gets past a word, and which ways are biased, noisy, or both
# - how to sample with nothing but the slope of $\log p$, and why a denoiser knows this slope
# - why the sign of D's reward can teach an imitator to dawdle
# - what a D adds to an autoencoder, and where such D's work today
#
# **What you'll need.** The game of $G$ and $D$, as in notebook [02](02_play_the_game.ipynb) or [03](03_train_a_gan.ipynb), and a little PyTorch.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import itertools
import math

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical
from torch.nn.functional import cross_entropy, one_hot, softplus
from torch.nn.functional import gumbel_softmax as gumbel_softmax_of_torch

from gan_tutorial.clothes import recordings
from gan_tutorial.game.loop import move
from gan_tutorial.game.networks import SideBySide
from gan_tutorial.game.objectives import non_saturating, r1_penalty
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb12
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth.densities import Mixture, Normal, Ring, Spots

# %% tags=["setup"]
torch.set_num_threads(1)  # all networks here are tiny: a second core would only wait
torch.set_flush_denormal(True)
figures.use_style()
profile = choose(PROFILE)
ledger = Ledger("12")
note = ledger.add
TRAINED = {"needs_training": True}  # of rows of the ledger
torch.manual_seed(SEED);

# %% [markdown]
# ## Guess first
#
# In which of these did a [discriminator](glossary.md#discriminator) D, trained against the model's own [samples](glossary.md#sample), help the model to learn?
#
# 1. a chat model, which writes the next word
# 2. the autoencoder inside Stable Diffusion (picture to small code and back)
# 3. the diffusion model that paints those codes
# 4. a picture model that needs one to four steps instead of fifty (SDXL Turbo)
# 5. an audio codec (SoundStream, EnCodec)
# 6. the last stage of a speaking voice, from spectrogram to sound wave (HiFi-GAN)
# 7. the reward model that judges a chat model's answers
#
# <details><summary>The answers</summary>
#
# 2, 4, 5 and 6. The first maximises a [likelihood](glossary.md#likelihood), the third is a regression: it removes noise. The seventh looks like a D, it is a learned judge of answers; but people's comparisons taught it, and it does not learn to tell the model's answers from real ones.
# </details>
#
# A pattern in this list: where a D helps, the output is continuous and made in a few passes, and D stands *beside* another loss. We look at each part: why words are missing, what took the game's place for pictures, what a D adds to a regression, and what it is in a world of actions.

# %% [markdown]
# ## Words: an output that jumps
#
# G learns through D: nudge a weight, the sample moves a little, D's [score](glossary.md#score) moves a little. Let G write a letter instead. It has five *logits* $l$, one for each letter, and draws letter $k$ with probability $q_k = \mathrm{softmax}(l)_k$. Nudge a logit:

# %% covers=["13.07"] topics=["discrete outputs", "text GAN"]
V = 5  # letters
p = torch.tensor([0.35, 0.30, 0.20, 0.10, 0.05], dtype=torch.float64)  # of the data
logits = torch.tensor([0.0, 0.0, 1.0, 1.0, -1.0], dtype=torch.float64)  # of G
q = logits.softmax(0)

g = -(-torch.rand(100_000, V, dtype=torch.float64).log()).log()  # fixed random numbers
nudge = 1e-9 * one_hot(torch.tensor(2), V)
letters, nudged = (logits + g).argmax(1), (logits + nudge + g).argmax(1)
moved = int((letters != nudged).sum())
print("shares of the letters drawn:", (letters.bincount(minlength=V) / 1e5).tolist())
print("probabilities q:            ", [round(float(v), 3) for v in q])
print("letters that moved with the nudge:", moved, "of 100,000")

# %% [markdown]
# (To draw a letter we added random numbers $g = -\log(-\log u)$, with $u$ uniform in $(0, 1)$, to the logits and took the largest sum. That this gives letter $k$ with probability exactly $q_k$ is the *Gumbel-max trick*; the first two lines agree.)
#
# The letters stay where they are: **the slope of a jump is 0 almost everywhere**, and backpropagation through it brings nothing. And yet the *expected* loss $\sum_k q_k f_k$ is perfectly smooth in the logits. With $\partial q_j / \partial l_k = q_j (\mathbb 1[j = k] - q_k)$,
#
# $$\frac{\partial}{\partial l_k} \sum_j q_j f_j = q_k \Bigl(f_k - \sum_j q_j f_j\Bigr) :$$
#
# letters that are worse than the average lose probability. That is the exact gradient, and five letters let us compute it. As G's loss $f$ we take minus the score of the best D ([02](02_play_the_game.ipynb)), $\log q - \log p$. (D is held fixed. Given a mixture of letters $y$, a point *between* them, this D answers too, by $\log(q \cdot y) - \log(p \cdot y)$.)

# %%
def f(y):
    """G's loss for (mixtures of) letters: minus the best D's score.  (..., V) -> (...)"""
    return (y @ q).log() - (y @ p).log()


f_of = f(torch.eye(V, dtype=torch.float64))  # of each letter
exact = q * (f_of - (q * f_of).sum())
print("exact gradient:", [round(float(v), 3) for v in exact])

# %% [markdown]
# A real G has more outputs than anybody can sum over. It must *estimate* this gradient from draws. There are three ways: never go through the output; replace it by something soft; or never jump before the end.
#
# ### Never go through the output: REINFORCE
#
# Write the gradient as an expectation, with $\nabla q = q \nabla \log q$:
#
# $$\nabla \sum_k q_k f_k = \sum_k q_k\, f_k \nabla \log q_k = \mathbb E_{k \sim q}\bigl[ f_k \nabla \log q_k \bigr] .$$
#
# Draw, look at the loss as a plain number, and make what had a small loss more likely. No gradient of $f$ is needed; $f$ may be a human. This is [REINFORCE](glossary.md#reinforce) (Williams 1992). Its trouble is noise: if all losses are near 3, every letter is pushed down, hard, and only the average over many draws tells them apart. But $\mathbb E\,\nabla \log q = \nabla \sum q = 0$, so we may subtract from $f$ any *baseline* that does not depend on the draw. A good one: the mean loss of the *other* draws.
#
# ### Exercise 12.1 · REINFORCE with a baseline
#
# Write `reinforce`: given $\log q$ of $n$ draws (differentiable) and their losses $f$, return the mean over the draws of $(f_i - b_i) \log q_i$, with $b_i$ the mean of the other draws' losses. The first factor must count as a constant (`.detach()`). Its gradient is the estimate. Let the first dimension count the draws, so that columns can be separate games. {{help}}


# %% tags=["exercise"] covers=["13.07"] topics=["REINFORCE", "score function estimator", "policy gradient"]
def reinforce(log_q, f):
    """A number whose gradient estimates that of E f.  (n, ...), (n, ...) -> (...)"""
    # solution
    others = (f.sum(0) - f) / (len(f) - 1)
    return ((f - others).detach() * log_q).mean(0)


# %%
reinforce = check("12.1", reinforce)

# %% [markdown]
# ### Replace it by something soft: Gumbel-softmax
#
# In the Gumbel-max trick, replace the maximum by a softmax with a *temperature* $\tau$: $y = \mathrm{softmax}\bigl((l + g)/\tau\bigr)$. Now $y$ is a mixture of letters, it moves when the logits move, and D's slope at $y$ gets through. For $\tau \to 0$ it becomes the letter. This is the [Gumbel-softmax](glossary.md#gumbel-softmax), or Concrete distribution (Jang et al. 2017; Maddison et al. 2017).
#
# ### Exercise 12.2 · A soft letter
#
# Write `gumbel_softmax`: from logits (the last dimension counts the letters), numbers $u$ of the same shape, uniform in $(0, 1)$, and $\tau$, to soft letters. {{help}}


# %% tags=["exercise"] covers=["13.07"] topics=["Gumbel-softmax", "Concrete distribution"]
def gumbel_softmax(logits, u, tau):
    """softmax((logits + g) / tau) with g = -log(-log u).  (..., V), (..., V) -> (..., V)"""
    # solution
    g = -(-u.log()).log()
    return ((logits + g) / tau).softmax(-1)


# %%
gumbel_softmax = check("12.2", gumbel_softmax)
torch.manual_seed(SEED)
theirs = gumbel_softmax_of_torch(logits.expand(1_000, V), tau=0.5)
torch.manual_seed(SEED)
u = (-torch.empty(1_000, V, dtype=torch.float64).exponential_()).exp()  # as torch draws them
off = (gumbel_softmax(logits, u, 0.5) - theirs).abs().max()
print(f"largest difference from PyTorch's own: {off:.0e}")
assert off < 1e-6

# %% [markdown]
# **[Straight-through](glossary.md#straight-through)** is a cross-breed: forwards the hard letter, backwards the slope of the soft one. D sees only letters; the gradient is that of something else.

# %%
def harden(soft):
    """Forwards the letter, backwards the slope of the soft one.  (..., V) -> (..., V)"""
    return one_hot(soft.argmax(-1), soft.shape[-1]) + soft - soft.detach()


# %% [markdown]
# ### Bias and noise of each
#
# Two things can be wrong with an estimate: its mean (*bias*), and its spread around the mean (*noise*). We make 4,000 estimates of each kind, from 16 draws each, and compare them with the exact gradient; both numbers as parts of its length. **Guess: which way has no bias? What happens to both as $\tau$ falls?**

# %% covers=["13.07"]
B = profile.pick(smoke=400, cpu=4_000, gpu=4_000)  # estimates of each kind


def judged(estimate):
    """|bias|, noise, and the |bias| that chance alone shows; as parts of the exact length."""
    own = logits.expand(B, V).clone().requires_grad_()
    (found,) = torch.autograd.grad(estimate(own).sum(), own)
    bias, noise = (found.mean(0) - exact).norm(), found.var(0).sum().sqrt()
    return [float(v / exact.norm()) for v in (bias, noise, noise / B**0.5)]


# %% covers=["13.07"]
def plain(log_q, f):
    return (f * log_q).mean(0)  # no baseline


def drawing(offset=0.0, loss=reinforce):
    """Estimates by drawing letters; `offset` is added to all losses."""
    def estimate(own):
        k = Categorical(logits=own.detach()).sample((16,))  # (16, B)
        log_q = Categorical(logits=own).log_prob(k)
        return loss(log_q, f_of[k] + offset)
    return estimate  # fmt: skip


# %% covers=["13.07"] topics=["straight-through estimator"]
def relaxing(tau, change=lambda soft: soft):
    """Estimates through soft letters, changed or not."""
    def estimate(own):
        soft = gumbel_softmax(own, torch.rand(16, B, V, dtype=own.dtype), tau)
        return f(change(soft)).mean(0)
    return estimate  # fmt: skip


# %% covers=["13.07"]
torch.manual_seed(SEED)
families = {
    "REINFORCE, no baseline": {"f": judged(drawing(0, plain)),
                               "f + 3": judged(drawing(3, plain))},
    "REINFORCE, baseline": {"f": judged(drawing()), "f + 3": judged(drawing(3))},
    "Gumbel-softmax": {f"τ = {t:g}": judged(relaxing(t)) for t in (2, 1, 0.5, 0.2, 0.1)},
    "straight-through": {f"τ = {t:g}": judged(relaxing(t, harden)) for t in (1, 0.5, 0.2)},
}  # fmt: skip

# %% tags=["figure"] covers=["13.07"] topics=["bias and variance of gradient estimates"] alt="Bias over noise, on logarithmic axes. REINFORCE: no bias that chance would not show; without a baseline the noise is several times larger once 3 is added to the losses. Gumbel-softmax: a curve from large bias and little noise to little bias and much noise as the temperature falls. Straight-through: a bias at every temperature"
nb12.bias_and_noise(families);

# %% [markdown]
# Marks on a dotted line have a bias that chance alone may show. REINFORCE has none. Add 3 to all losses, which changes nothing about the problem: without a baseline its noise becomes several times larger; with one it does not notice. (Without the 3 it has little to subtract: the mean of $f$ is small.) The Gumbel-softmax trades: a high temperature gives calm, wrong gradients, a low one right, wild ones (at the lowest, chance hides the rest of the bias). Straight-through keeps a bias at all of these temperatures: forwards and backwards do not belong together. (How large the bias is depends on what D says *between* letters, where it has never seen data.)

# %%
for row, more in nb12.gradient_facts(families, moved):
    note("13.07", *row, **more)

# %% [markdown]
# ## A GAN of words
#
# Now with a D that learns. The data are words of two letters, drawn from a table $P$ of 25 probabilities. D sees each letter as a *one-hot* vector: 1 at its place, 0 elsewhere. G is a table as well: logits of the first letter, and logits of the second *given* the first, as in a language model. So $q$ of each word is known exactly, and with it the [Jensen–Shannon divergence](glossary.md#js) to the data. Eight games are played side by side (`SideBySide` holds eight networks; `move` is a gradient step; G's loss is the [non-saturating](glossary.md#non-saturating) one).

# %%
K, NAMES = 8, "abcde"
P = torch.tensor([[6, 1, 0, 1, 0], [0, 5, 2, 0, 0], [1, 0, 0, 4, 1], [0, 2, 5, 0, 1],
                  [3, 0, 0, 0, 2]]) + 0.1  # fmt: skip
P = P / P.sum()


# %%
def words(n):
    """n words of the data for each game, as two one-hot letters each.  -> (n, K, 2 V)"""
    k = torch.multinomial(P.flatten(), n * K, replacement=True).view(n, K)
    return torch.cat([one_hot(k // V, V), one_hot(k % V, V)], -1).float()


# %%
def js(q):
    """Exact JS to the data of each game.  (..., V, V) -> (...)"""
    m = (q + P) / 2
    parts = [torch.xlogy(a, a / m).sum((-2, -1)) / 2 for a in (q, P)]
    return parts[0] + parts[1]


# %% [markdown]
# Two ways for G to write. `drawn` gives letters and their $\log q$; `soft_words` gives soft letters, hardened or not (the second letter's logits are mixed as the first letter is).

# %%
def drawn(first, second, n):
    """Words, and log q of each.  (K, V), (K, V, V) -> (n, K, 2 V), (n, K)"""
    one = Categorical(logits=first).sample((n,))
    then = Categorical(logits=second[torch.arange(K), one])
    two = then.sample()
    log_q = Categorical(logits=first).log_prob(one) + then.log_prob(two)
    return torch.cat([one_hot(one, V), one_hot(two, V)], -1).float(), log_q


# %%
def soft_words(tau, change=lambda soft: soft):
    def draw(first, second, n):
        one = change(gumbel_softmax(first, torch.rand(n, K, V), tau))
        logits = torch.einsum("nkv,kvw->nkw", one, second)
        two = change(gumbel_softmax(logits, torch.rand(n, K, V), tau))
        return torch.cat([one, two], -1), None
    return draw  # fmt: skip


# %% covers=["13.07"]
def play(draw, steps, n=64):
    """A game with the non-saturating loss.  -> tables at eleven looks (11, K, V, V)"""
    torch.manual_seed(SEED)
    D = nn.Sequential(SideBySide(K, [2 * V, 32, 32, 1], nn.LeakyReLU), nn.Flatten(0))
    tables = [torch.zeros(K, V).requires_grad_(), torch.zeros(K, V, V).requires_grad_()]
    g_opt = torch.optim.Adam(tables, lr=2e-2, betas=(0.5, 0.9), fused=True)
    d_opt = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.9), fused=True)
    looks = []
    for i in range(steps + 1):
        if i % (steps // 10) == 0:
            looks.append((tables[0].softmax(1)[..., None] * tables[1].softmax(2)).detach())
        for opt, lr in ((g_opt, 2e-2), (d_opt, 2e-3)):
            opt.param_groups[0]["lr"] = lr * min(1, 2.02 - 2 * i / steps)  # falls to 0
        fake = draw(*tables, n)[0].detach()
        move(d_opt, non_saturating.d_loss(D(words(n).flatten(0, 1)), D(fake.flatten(0, 1))))
        fake, log_q = draw(*tables, n)
        loss = softplus(-D(fake.flatten(0, 1))).view(n, K)  # of each word
        move(g_opt, (loss.mean(0) if log_q is None else reinforce(log_q, loss)).sum())
    return torch.stack(looks)


# %%
WAYS = {"REINFORCE, baseline": drawn, "straight-through, τ = 1": soft_words(1, harden),
        "Gumbel-softmax, τ = 1": soft_words(1),
        "Gumbel-softmax, τ = 0.2": soft_words(0.2)}  # fmt: skip
length = profile.pick(smoke=10, cpu=800, gpu=800)
with profile.plan(steps=length * len(WAYS), about=20):
    tables = {name: play(draw, length) for name, draw in WAYS.items()}
tracks = {name: js(q_words) for name, q_words in tables.items()}
best_word = float(js(torch.eye(V * V).view(-1, V, V)).min())  # of those who know one word

# %%
for name, track in tracks.items():
    print(f"{name:24} JS at the end:", *(f"{v:.3f}" for v in track[-1]))

# %% tags=["figure"] covers=["13.07"] alt="Exact JS over the steps for four ways, eight games each. REINFORCE and straight-through fall to a few thousandths to hundredths. Gumbel-softmax at temperature 1 rises to the line of a generator that always writes the same word; at 0.2 it ends in between"
nb12.words_learned(np.arange(11) * (length // 10), tracks, best_word);

# %% tags=["figure"] covers=["13.07"] alt="Tables of words: the data, and the first game of each way. REINFORCE and straight-through look like the data; Gumbel-softmax at temperature 1 has a single dark cell"
nb12.words({"data": P} | {name: q_words[-1, 0] for name, q_words in tables.items()}, NAMES);

# %% [markdown]
# REINFORCE and straight-through come near the table, in all eight games. The Gumbel-softmax at $\tau = 1$ does not: every game ends with a single word, about as bad as the best single word (dotted). Why? **D sees that soft letters are soft.** Data are one-hot, samples are not: far easier to tell than which words are frequent. So D teaches G to be *sharp*, not to be right, and the sharpest G has a single word. Straight-through is the control: same noise, same temperature, but D sees hard letters. A lower temperature leaves D less to see.
#
# The third way, to jump only at the end, is [below](#Deeper:-jump-only-at-the-end,-continuous-embeddings); it works here.
#
# And text today? All this was 25 words. On sentences, Caccia et al. ([2018](https://arxiv.org/abs/1811.02549)) compared text GANs with plain likelihood: at every balance of quality and variety, set by a temperature, likelihood did better. An [autoregressive model](glossary.md#autoregressive-model) ([13](13_meet_the_family.ipynb)) has an exact likelihood for words and needs no D. REINFORCE came back elsewhere: its descendants tune chat models by a reward.

# %%
for row, more in nb12.word_facts(tracks, tables):
    note("13.07", *row, **more, **TRAINED)

# %% [markdown]
# ### Deeper: jump only at the end, continuous embeddings
#
# You will see a G that makes points, which become words when all is over; or skip to [Langevin](#Langevin:-sampling-with-a-slope-alone).

# %% [markdown]
# Give each word a place in a continuous space (an *embedding*), let G make points there, as for pictures, and decode to the nearest word when all is over. Our places are the letters' one-hot vectors, the corners of a cube. D would notice at once that data sit exactly on corners; so we blur both, data and samples, before D sees them, and hold D's slope with [R1](glossary.md#r1).

# %% covers=["13.07"] topics=["continuous embeddings of words"]
def play_embedded(steps, n=64, noise=0.3, lr=2e-3):
    """K generators from 8 latents to points; D sees everything blurred.  -> G"""
    torch.manual_seed(SEED)
    G = SideBySide(K, [8, 64, 64, 2 * V], nn.LeakyReLU)
    D = nn.Sequential(SideBySide(K, [2 * V, 64, 64, 1], nn.LeakyReLU), nn.Flatten(0))
    g_opt, d_opt = (torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.9), fused=True)
                    for net in (G, D))  # fmt: skip
    blurry = lambda x: x + noise * torch.randn_like(x)  # noqa: E731
    for i in range(steps):
        for opt in (g_opt, d_opt):
            opt.param_groups[0]["lr"] = lr * min(1, 2 - 2 * i / steps)
        data, fake = blurry(words(n).flatten(0, 1)), G(torch.randn(n * K, 8))
        d_loss = non_saturating.d_loss(D(data), D(blurry(fake.detach())))
        move(d_opt, d_loss + r1_penalty(1.0)(D, data, fake.detach()))  # keeps D calm
        move(g_opt, softplus(-D(blurry(fake))).mean())
    return G


# %% covers=["13.07"]
torch.manual_seed(SEED)
with profile.plan(steps=length, about=7) as plan:
    embedded = play_embedded(plan.steps)
with torch.no_grad():
    points = embedded(torch.randn(20_000 * K, 8)).view(-1, K, 2, V)
pairs = points.argmax(-1) @ torch.tensor([V, 1])  # decoded: the number of the word
counted = torch.stack([pairs[:, k].bincount(minlength=V * V) for k in range(K)]) / len(pairs)
js_embedded = js(counted.view(K, V, V))
print("JS of 20,000 decoded words:", *(f"{v:.3f}" for v in js_embedded))

# %% [markdown]
# All eight games learn the table, about as well as with straight-through, and G's gradient never had to pass a jump. On real text the difficulty has moved: somebody must find places for whole sentences, such that every point near a place decodes to good text.

# %%
note("13.07", "words, embedded: JS at the end, worst of eight", (0, 0.08),
     js_embedded.max(), 0, "20,000 words", **TRAINED);

# %% [markdown]
# ## Langevin: sampling with a slope alone
#
# The second road replaces the game. Suppose we know, at each point, the *slope of the log-density*, $\nabla \log p(x)$: which way do the data lie? (In the literature this is *the score*; here a score is D's answer, so we say slope.) Then no G is needed. Start anywhere and repeat, with fresh noise $\xi \sim N(0, I)$:
#
# $$x \leftarrow x + h\, \nabla \log p(x) + \sqrt{2h}\; \xi .$$
#
# This [Markov chain](glossary.md#markov-chain) is [Langevin sampling](glossary.md#langevin-sampling). The slope pulls towards the [modes](glossary.md#mode), the noise drives away from them, and in the limit of small $h$ they balance when the points are distributed as $p$.
#
# ### Exercise 12.3 · One step of the chain
#
# Write `langevin_step`: from points `x`, a function `slope`, a step `h`, and standard normal `noise` of the shape of `x`, to the next points. {{help}}


# %% tags=["exercise"] covers=["13.10"] topics=["Langevin sampling", "score-based sampling"]
def langevin_step(x, slope, h, noise):
    """x + h slope(x) + noise of variance 2 h.  (n, ...) -> (n, ...)"""
    # solution
    return x + h * slope(x) + math.sqrt(2 * h) * noise


# %%
langevin_step = check("12.3", langevin_step)

# %% [markdown]
# How small is small? For $p = N(0, 1)$ the slope is $-x$, and a step is $x \leftarrow (1 - h) x + \sqrt{2h}\, \xi$. At rest the variance $v$ reproduces itself, $v = (1 - h)^2 v + 2h$, so
#
# $$v = \frac{2h}{1 - (1 - h)^2} = \frac{1}{1 - h/2} :$$
#
# too large by the factor $1 + h/2$ or so, and without bound as $h$ comes near 2. We measure it, and then two step sizes on two modes, with the [total variation](glossary.md#total-variation) to the true density.

# %% covers=["13.10"]
def chain(x, slope, h, steps):
    for _ in range(steps):
        x = langevin_step(x, slope, h, torch.randn_like(x))
    return x


# %%
def slope_of(density):
    """The gradient of its log_prob, by autograd."""
    def slope(x):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(density.log_prob(x).sum(), x)[0]
    return slope  # fmt: skip


# %% covers=["13.10"]
torch.manual_seed(SEED)
n, hs = profile.pick(smoke=2_000, cpu=20_000, gpu=20_000), (0.05, 0.25, 0.5, 1.0, 1.5)
variances = [float(chain(torch.randn(n), lambda x: -x, h, 100).var()) for h in hs]
target = Mixture([0.4, 0.6], [Normal(-1.0, 0.5), Normal(1.0, 0.5)])
chains = {f"chain, h = {h:g}": chain(2 * torch.randn(n), slope_of(target), h, steps)
          for h, steps in ((0.02, profile.pick(smoke=20, cpu=400, gpu=400)), (0.3, 100))}

# %% tags=["figure"] covers=["13.10"] alt="Left: the variance of the chain over its step, on the line one over one minus h half. Right: two modes; the chain with the small step follows the density, the one with the large step fills the valley and is too wide"
nb12.step_sizes(hs, variances, *nb12.density_of(target), chains);

# %%
def off(x, density):
    """Total variation to a density, in cells of width 0.1 (for n draws some is chance)."""
    cells = torch.linspace(-5, 5, 101, dtype=torch.float64)
    share = torch.histogram(x.double(), cells)[0] / len(x)
    return float((share - density.cdf(cells).diff()).abs().sum() / 2)


apart = {name: off(x, target) for name, x in chains.items()}
apart["drawn from the density"] = off(target.sample(n), target)
print("total variation:", {name: round(v, 3) for name, v in apart.items()})

# %% [markdown]
# The formula holds, and on two modes the small step comes near to what chance leaves of perfect draws, the large one does not.
#
# There is a second trouble, which no small step cures. **Play:** chains begin at the left of two equal modes. Are half of them on the right after 300 steps? Then move the modes apart. Switch the noise off: what is left? And how large may $h$ become before the shape is lost?

# %% tags=["widget"] covers=["13.10"] topics=["mixing of a Markov chain"] alt="Density of two modes as a line, and where 1,500 chains are that began at the left mode"
explore(nb12.chains_explorer(), h=(0.005, 0.6, 0.05), steps=(0, 300, 100),
        half_distance=(0.5, 3.0, 1.5), noise_on=True)

# %% [markdown]
# Where the valley is deep the chains stay on their side: the slope says where the nearest mode is, not how large it is. Without noise none leaves its peak. This is why hardly anybody runs plain Langevin from pure noise to pictures; diffusion models blur the data first, so strongly that there is only one mode, and then take the blur away.

# %%
for row, more in nb12.chain_facts(hs, variances, apart.values(), profile.asserts_quality):
    note("13.10", *row, **more)

# %% [markdown]
# ## A denoiser knows the slope
#
# Where would one get $\nabla \log p$ without $p$? From a [denoising autoencoder](glossary.md#denoising-autoencoder). Take clean data $c \sim p$, add noise, $x = c + \sigma \varepsilon$, and train a network $r(x)$ to give back $c$ by squared error. The best answer is the mean of all $c$ that may be behind this $x$, $r^\star(x) = \mathbb E[c \mid x]$. Now look at the density of the noisy points, $p_\sigma(x) = \int p(c)\, N(x; c, \sigma^2)\, dc$. Differentiate under the integral:
#
# $$\nabla p_\sigma(x) = \int p(c)\, N(x; c, \sigma^2)\, \frac{c - x}{\sigma^2}\, dc = p_\sigma(x)\, \frac{r^\star(x) - x}{\sigma^2} \quad\Rightarrow\quad \frac{r^\star(x) - x}{\sigma^2} = \nabla \log p_\sigma(x) .$$
#
# What a denoiser wants to change is the slope: not of the data's log-density, but of the *blurred* data's. (Tweedie's formula; [Vincent 2011](https://doi.org/10.1162/NECO_a_00142), [Alain and Bengio 2014](https://arxiv.org/abs/1211.4246).) For our two modes both are known. Three denoisers, from three seeds, beside them:

# %% covers=["13.10"] topics=["denoising autoencoder", "Tweedie's formula", "denoising score matching"]
J = 3  # seeds, side by side


def fit_denoiser(clean, sigma, size, steps):
    """Denoisers of `size` numbers: noisy -> clean, by squared error.  clean(n) -> (n, size)"""
    net = SideBySide(J, [size, 64, 64, size], nn.Tanh)
    opt = torch.optim.Adam(net.parameters(), lr=1e-2, fused=True)
    for i in range(steps):
        opt.param_groups[0]["lr"] = 1e-2 * (1 - i / steps)  # falls to 0
        c = clean(512 * J)
        move(opt, (net(c + sigma * torch.randn_like(c)) - c).square().mean())
    return net


# %% covers=["13.10"]
def learned_slope(net, sigma):
    """(r(x) - x) / sigma², for the points of each seed.  (n, J, size) -> (n, J, size)"""
    return lambda x: (net(x.flatten(0, 1)).detach().view_as(x) - x) / sigma**2


# %% covers=["13.10"]
torch.manual_seed(SEED)
sigma, length = 0.4, profile.pick(smoke=5, cpu=1_000, gpu=1_000)
with profile.plan(steps=length, about=6):
    line_net = fit_denoiser(lambda n: target.sample(n)[:, None], sigma, 1, length)
blurred = nb12.blurred(target, sigma)
x = torch.linspace(-3.5, 3.5, 281)
pull = learned_slope(line_net, sigma)(x[:, None, None].expand(-1, J, 1))[..., 0]
exact_slope, clean_slope = slope_of(blurred)(x), slope_of(target)(x)
where = blurred.log_prob(x).exp()

# %% tags=["figure"] covers=["13.10"] alt="Slopes over x: the exact slope of the blurred data's log-density, a smooth S with three zeros; three dashed lines of trained denoisers on it, except at the ends; dotted the steeper slope of the data themselves"
nb12.denoisers(x, pull, exact_slope, clean_slope, where);

# %%
def slope_error(to):
    """Root mean square difference of each seed, where noisy data are, over that of 0."""
    difference = where @ (pull - to[:, None]).square()
    return (difference / (where @ to.square())).sqrt()


# %%
wrong = {"blurred": slope_error(exact_slope), "clean": slope_error(clean_slope)}
walk = chain(torch.randn(n // 5, J, 1), learned_slope(line_net, sigma), 0.05,
             profile.pick(smoke=5, cpu=300, gpu=300))  # fmt: skip
to_blurred, to_clean = ([off(walk[:, j, 0], d) for j in range(J)] for d in (blurred, target))
print("relative error of the slope, three seeds:", *(f"{v:.2f}" for v in wrong["blurred"]))
print("TV of its chain to the blurred data:", *(f"{v:.2f}" for v in to_blurred))
print("TV of its chain to the data:        ", *(f"{v:.2f}" for v in to_clean))

# %% [markdown]
# With every seed the denoiser's slope lies on the black line where there are (pale blue) noisy data, and not on the dotted one. Far outside it was never asked, and says anything. Its chain samples the blurred density, nearer to that than to the data. The remedy is less noise at the end; a diffusion model is a denoiser for *all* noise levels, with a chain that walks down through them.

# %%
for row, more in nb12.denoiser_facts(wrong, to_blurred, to_clean):
    note("13.10", *row, **more, **TRAINED)

# %% [markdown]
# ## Plug and play
#
# A slope of a logarithm has a gift: by Bayes, $p(x \mid y) \propto p(x)\, p(y \mid x)$, so
#
# $$\nabla \log p(x \mid y) = \nabla \log p(x) + \nabla \log p(y \mid x) .$$
#
# The first part comes from a denoiser, the second from a classifier, trained by somebody else on equally noisy points. *Plug* in another classifier, and the same sampler makes other things. We do it in the plane: three classes of points, a denoiser that never saw a label, a classifier of the noisy points, and class 2 (top) on order. The truth: $p(x \mid y)$ is the Gaussian of that class, blurred.

# %%
regions, blur, wanted = Spots(sd=0.3), 0.3, 2
wide = math.hypot(regions.sd, blur)  # of a blurred class


def fit_classifier(steps):
    """Three classifiers side by side: a noisy point -> logits of its class."""
    net = SideBySide(J, [2, 32, 3], nn.SiLU)
    opt = torch.optim.Adam(net.parameters(), lr=1e-2, fused=True)
    for _ in range(steps):
        y = torch.randint(3, (128 * J,))
        points = regions.centers[y] + wide * torch.randn(128 * J, 2)
        move(opt, cross_entropy(net(points), y))
    return net


# %% covers=["13.09"]
def class_slope(net):
    """The gradient of log p(wanted | x), for points of each seed.  (n, J, 2) -> (n, J, 2)"""
    def slope(x):
        x = x.detach().requires_grad_()
        log_p = net(x.flatten(0, 1)).log_softmax(1)[:, wanted]
        return torch.autograd.grad(log_p.sum(), x)[0]
    return slope  # fmt: skip


# %% covers=["13.09"] topics=["plug and play generative networks", "classifier guidance"]
torch.manual_seed(SEED)
prior = learned_slope(fit_denoiser(regions.sample, blur, 2, length), blur)
push = class_slope(fit_classifier(profile.pick(smoke=5, cpu=400, gpu=400)))
MIXES = {"prior alone": (1, 0), "prior + class": (1, 1), "prior + 10 × class": (1, 10),
         "class alone": (0, 1)}  # fmt: skip
steps, plugged = profile.pick(smoke=5, cpu=400, gpu=400), {}
for name, (a, b) in MIXES.items():
    mix = lambda x, a=a, b=b: a * prior(x) + b * push(x)  # noqa: E731
    plugged[name] = chain(torch.randn(500, J, 2), mix, 0.03, steps)

# %% tags=["figure"] covers=["13.09"] alt="Points of four chains over circles of three classes: the prior alone fills all three; prior and class fill the top circle; with ten times the class gradient the points are closer together and higher up; the class alone scatters points far outside"
nb12.plugged({name: z[:, 0] for name, z in plugged.items()}, regions.centers, wide, wanted);

# %% covers=["13.09"]
def where_they_are(z):
    """Share within three sd of the wanted class, its mean height, its spread; of each seed."""
    away = (z - regions.centers[wanted]).norm(dim=2)
    return (away < 3 * wide).double().mean(0), z[..., 1].mean(0), z.std(0).mean(1)


everything = where_they_are(Spots(sd=wide).sample(100_000)[:, None])
truths = {"all classes": [float(v) for v in everything],
          "given the class": [1 - math.exp(-4.5), float(regions.centers[wanted, 1]), wide]}
for name, (share, height, spread) in truths.items():
    print(f"exact, {name:15} in it {share:.2f}   height {height:.2f}   spread {spread:.2f}")
for name, z in plugged.items():
    share, height, spread = (" ".join(f"{v:.2f}" for v in row) for row in where_they_are(z))
    print(f"{name:19} in it {share}   height {height}   spread {spread}")

# %% [markdown]
# Without the class gradient the chain samples everything. With it, it samples the class, with about the right place and spread, and neither network was trained to make it. Ten times the class gradient makes samples that are more typical than the class itself: narrower, and pushed away from the others, the same trade as in the *guidance* of today's diffusion models. And with the class gradient **alone** nearly all points leave the data: the classifier is content where no data are near.
#
# ### What the paper did
#
# This is the idea of **Plug and Play Generative Networks** ([Nguyen et al. 2016](https://arxiv.org/abs/1612.00005)), which made pictures of 227 × 227 pixels for all 1,000 classes of ImageNet, and, with a captioning network plugged in, from a sentence. The recipe has four ingredients:
#
# - **Langevin sampling**, with a weight of its own for each of the three terms: $\epsilon_1$ for the prior, $\epsilon_2$ for the class gradient, $\epsilon_3$ for the noise (almost 0 in their code). With $\epsilon_2 = 0$ no class is asked for.
# - a **denoising autoencoder** for the prior's slope; not of pixels, but of the features of a trained network;
# - **moment matching**: the decoder, from features back to pixels, has to match features of the picture, not only its pixels ([feature matching](glossary.md#feature-matching));
# - **adversarial training**: the decoder has a D. Goodfellow's tutorial calls this loss a key ingredient: without it the decoded pictures are blurred, as [Dosovitskiy and Brox](https://arxiv.org/abs/1602.02644) had seen.
#
# The last point is one that we can see on clothes.

# %%
found = {name: where_they_are(z) for name, z in plugged.items()}
for row, more in nb12.plugged_facts(found, float(everything[0]), wide):
    note("13.09", *row, **more, **TRAINED)

# %% [markdown]
# ## D as one loss among others
#
# An autoencoder squeezes a picture of [FashionMNIST](00_start_here.ipynb#The-pictures) into 16 numbers and rebuilds it. The usual loss is L1, the mean absolute error. Sixteen numbers do not say where each stripe is, so many pictures share a code, and L1 answers with their pixelwise median: blur. Now let a D look at rebuilt pictures (against real ones), and add a little of its verdict:
#
# $$\text{loss} = \mathrm{L1} - w \log D(\text{rebuilt}) .$$
#
# **Guess first.** With $w = 0.2$: does the L1 error become better or worse? Is D better switched on from the start, or later? Three measures, on 2,000 test pictures: the *error* itself; *edges*, the mean difference of neighbouring pixels, which should be that of real pictures; and [FFD](00_start_here.ipynb#What-we-measure), the Fréchet distance to test pictures (lower is better). Recorded, three seeds each, 1,200 steps; "late" is from step 400 on.

# %%
clothes = recordings.load("12_clothes")
print(clothes.about)
looked = {name: clothes.value(name, "looked")[:, :, 1:] for name in clothes.settings}
real = looked.pop("original")[0, -1]
finals = {name: rows[:, -1] for name, rows in looked.items()}

# %% tags=["figure"] covers=["13.09"] topics=["adversarial loss in an autoencoder", "VQGAN", "perceptual quality"] alt="Error, edges and FFD of six ways, three seeds each, dotted real pictures: with more weight on D the error grows, the edges come to those of real pictures, and FFD falls and then rises again"
nb12.three_measures(finals, real);

# %% tags=["figure"] covers=["13.09"] alt="Rows of clothes: originals; rebuilt with L1, smooth; rebuilt with L1 plus D, with texture and edges"
SHOWN = ("original", "L1", "L1 + 0.2 D, late", "L1 + D, late")
nb12.rebuilt({name: clothes.array(name, 0, "pictures") for name in SHOWN});

# %% [markdown]
# The error becomes *worse*, by about an eighth for $w = 0.2$ and a quarter for $w = 1$, with every seed: L1 alone was trained for nothing else. The edges come from less than two thirds of the real ones to nearly all ($w = 1$). And FFD is best in between: little more than half of L1's for $w = 0.2$, and higher again for $w = 1$, where D overrules the picture that was to be rebuilt. Even $w = 0.02$, which leaves the error as it was, takes a third off FFD. Compare the rows: texture comes back, but the plaid shirt gets a grain of its own. **Sharp is not the same as true.** And D should come late, if it is strong ([below](#Deeper:-a-D-that-begins-too-early)).
#
# So it is in PPGN, and in the four systems with a D of the first question: another loss says *what*, D says *how it should look*.

# %%
for row, more in nb12.clothes_facts(looked, real):
    note("13.09", *row, **more)

# %% [markdown]
# ### Deeper: a D that begins too early
#
# You will see what D does to a network that knows nothing yet; or skip to [policies](#Policies:-the-sister-game).

# %% tags=["figure"] alt="Error and edges over the steps, three seeds each, for L1 alone and D from the start or later"
nb12.over_steps({name: clothes.value(name, "looked")
                 for name in ("L1", "L1 + D, late", "L1 + D, from the start")}, real[1]);

# %% [markdown]
# With $w = 1$ from the start D teaches edges, stronger than real ones, to a network that does not know yet where anything is; its error is a third larger than L1's after 200 steps. It catches up slowly, and at the end it is still behind the late D (whose error jumps, too, when D begins), in error and in FFD, with every seed. (With $w = 0.2$ the difference is small: the error is 1 to 2 % larger, FFD sometimes better, sometimes worse.) VQGAN's code, too, can begin its D after a warm-up, and sets $w$ by the ratio of both losses' gradients in the last layer.

# %% [markdown]
# ## Deeper: a sampler in one step
#
# You will see a sampler of thirty steps distilled into a generator of one, with and without a D; or skip to [policies](#Policies:-the-sister-game).

# %% [markdown]
# A diffusion model is a good but slow G: many calls of a denoiser. *Distillation* teaches a one-step G to do what it does. Here the slow sampler is as good as can be: the slope of the ring of eight modes, blurred to any degree, is a formula, and the sampler follows it from noise to data in 30 steps. Five ways to teach G, eight seeds each, recorded:
#
# - **regression**: for the same noise $z$, come near to where the sampler ends (squared error);
# - **matching** the distributions (DMD, [Yin et al. 2023](https://arxiv.org/abs/2311.18828)): blur G's samples, and move them along the *difference of two slopes*, that of the data's blurred density (exact here) and that of G's own, which a small denoiser learns meanwhile. This is descent of $\mathrm{KL}(q_\sigma \| p_\sigma)$, without a D;
# - each of them **with a D** beside it (for matching this is near to DMD2, [Yin et al. 2024](https://arxiv.org/abs/2405.14867));
# - **D alone**: the GAN, which needs no sampler at all.
#
# We measure the exact $W_1$ of 1,000 samples to 1,000 data ([what we measure](00_start_here.ipynb#What-we-measure)) and the share in a mode, for perfect samples 98.9 %.

# %%
ring_runs = recordings.load("12_ring")
print(ring_runs.about)
ring = Ring(radius=1.0, sd=0.05)
taught, modes_hit = {}, {}
for name in ring_runs.settings:
    counts = np.array([ring_runs.array(name, k, "counts") for k in range(8)])  # (seeds, 8)
    taught[name] = np.stack([ring_runs.value(name, "w1"), counts.sum(1) / 2_500], 1)
    modes_hit[name] = (counts > 0).sum(1)
floor = float(np.median(taught["data"][:, 0]))

# %% tags=["figure"] topics=["distillation", "distribution matching", "DMD"] alt="W1 and share in a mode for data, the sampler, and five ways to teach a one-step generator, eight seeds each"
nb12.on_the_ring(taught, 1 - math.exp(-4.5), floor);

# %% tags=["figure"] alt="Samples of one generator of each way over the modes of the ring"
nb12.ring_in_one_step({name: ring_runs.array(name, 0, "samples") for name in list(taught)[1:]},
                      ring.centers);

# %% [markdown]
# **Here D added little.** All five ways hit all eight modes, with every seed, and none puts as many samples into the modes as the sampler. Regression leads, and D beside it adds one or two samples in a hundred to the modes. Matching is worse, with D or without (ours is no careful copy of DMD: the learned slope of G's own samples is blurred by at least 0.05, as wide as a mode). D alone comes close to regression, and saw no sampler.
#
# Why so little? For regression a likely reason is that it has nothing to average. The sampler is deterministic: each $z$ has *one* right answer, so there is no blur that a D could sharpen. What is left is the thread between the modes: a continuous G cannot jump, only be steep, and thirty steps in a row can be steeper than one. On pictures the way from $z$ to the answer is too intricate for a network of one step, and regression blurs; DMD2 has a D and no regression any more. (Why D does not help matching more we do not know.)

# %%
for row, more in nb12.ring_facts(taught, modes_hit):
    note("13.07", *row, **more)

# %% [markdown] covers=["13.08"]
# ## Policies: the sister game
#
# Reinforcement learning has two learners, too. An **actor** chooses actions, a **critic** predicts how good they are, and the actor learns through it ([actor-critic](glossary.md#actor-critic)). Pfau and Vinyals ([2016](https://arxiv.org/abs/1610.01945)) laid the two games side by side:
#
# | | GAN | actor-critic |
# |---|---|---|
# | the one who makes | G: noise to sample | actor: state to action |
# | the one who judges | D: real or made? | critic: how much reward is to come? |
# | what the judge learns from | data and samples | rewards of what was done |
# | how the maker learns | gradient through D | gradient through the critic, or REINFORCE |
# | who gains | one's win is the other's loss | the critic only wants to be right |
#
# The baseline in your `reinforce` *is* a small critic ([more](#Deeper:-an-actor-and-its-critic,-measured)). **Imitation** goes one step further and takes D itself as the reward: GAIL ([Ho and Ermon 2016](https://arxiv.org/abs/1606.03476)) plays against a D that tells the expert's (state, action) pairs from the actor's, so that both visit the same pairs equally often. And inverse reinforcement learning asks which reward an expert seems to follow; with a D of the right form, $D = e^{r} / (e^{r} + q)$ with $q$ the actor's own probability, a reward $r$ can be read off ([Finn et al. 2016](https://arxiv.org/abs/1611.03852)).
#
# ### A reward by D's sign
#
# $D$ is the probability that an action is the expert's. Which number shall be the reward: $-\log(1 - D)$, $\log D$, or their sum, the score $\log D - \log(1 - D)$? For a GAN's G all three point the same way at each sample. **Guess: does it matter here?**
#
# A corridor has an exit at 0, rooms 1 to 4, and a goal at 5. Exit and goal both end the episode. One starts in room 2; actions are left, stay, right. The expert goes right (with a few slips). Rewards $t$ moves away count $0.95^t$. The expected (discounted) visits of each state and action are a system of linear equations, so all is exact.

# %% topics=["actor-critic", "imitation learning", "GAIL", "inverse reinforcement learning"]
N, gamma = 6, 0.95
start = one_hot(torch.tensor(2), N).double()
T = torch.zeros(N, 3, N, dtype=torch.float64)  # T[s, a, t]: from s by action a to t
for s in range(1, N - 1):
    T[s, [0, 1, 2], [s - 1, s, s + 1]] = 1  # exit and goal lead nowhere


def visits(pi):
    """Expected discounted visits of the actions; 0 at exit and goal.  (6, 3) -> (6, 3)"""
    onward = torch.einsum("sa,sat->st", pi, T)
    d = torch.linalg.solve(torch.eye(N, dtype=torch.float64) - gamma * onward.T, start)
    return (d[:, None] * pi) * torch.tensor([[0], [1], [1], [1], [1], [0]])


# %%
expert = torch.tensor([0.02, 0.02, 0.96], dtype=torch.float64).expand(N, 3)
REWARDS = {"-log(1 - D)": lambda D: -(1 - D).log(), "log D": lambda D: D.log(),
           "log D - log(1 - D)": lambda D: D.log() - (1 - D).log()}  # fmt: skip

# %% [markdown]
# First a D that cannot tell, $D = 1/2$ everywhere, as at the end of a perfect imitation. All $3^4$ policies without chance:

# %% tags=["nbval-check-output"] covers=["13.08"] topics=["survival bias"]
shrug = torch.full((N, 3), 0.5, dtype=torch.float64)
everyone = [torch.eye(3, dtype=torch.float64)[[0, *four, 0]]
            for four in itertools.product(range(3), repeat=4)]  # fmt: skip
gained = {}
for name, reward in REWARDS.items():
    returns = torch.stack([(visits(pi) * reward(shrug)).sum() for pi in everyone])
    length_of_best = float(visits(everyone[int(returns.argmax())]).sum())
    gained[name] = float((visits(expert) * reward(shrug)).sum()), float(returns.max())
    print(f"{name:19} expert {gained[name][0]:6.2f}   best {gained[name][1]:6.2f}   "
          f"visits of the best: {length_of_best:.2f}")
print(f"visits of the expert: {float(visits(expert).sum()):.2f}")

# %% [markdown]
# With a reward that is always positive the best policy never ends the episode: each further move earns $\log 2$. With one that is always negative the best policy ends it as soon as it can, by the *exit*. (With the third all policies earn 0; the visits printed are those of the first.) So even where D sees no difference, the sign of the reward has an opinion: [survival bias](glossary.md#survival-bias) ([Kostrikov et al. 2018](https://arxiv.org/abs/1809.02925)). In a GAN every game has one move, and the sign cannot matter. ([Below](#Deeper:-imitation,-played-to-the-end) each reward is played to the end.)

# %%
for row, more in nb12.reward_facts(gained):
    note("13.08", *row, **more)

# %% [markdown]
# ## Deeper: an actor and its critic, measured
#
# You will see that a critic does to an actor's gradient what soft letters did to G's: less noise, and a bias if it is wrong; or skip to [imitation](#Deeper:-imitation,-played-to-the-end).

# %% [markdown]
# In the same corridor, let the reward be 1 at the goal and nothing else. The value $V(s)$ of a room (no longer the number of letters), the expected discounted reward from there, is a system of linear equations, and so is the exact gradient of $V(2)$ in the logits of a policy that does all at random. To estimate it, the actor plays 16 episodes and adds up $\gamma^t A_t \nabla \log \pi(a_t \mid s_t)$, where $A_t$ says how good the move turned out. Choices of $A_t$: the whole *return* that followed (REINFORCE); the return minus $V(s_t)$, a baseline; or what a *critic* says after one move, $r + \gamma \hat V(s_{t+1}) - \hat V(s_t)$, with $\hat V$ exact, or only half of it, as of a critic that has not learned enough.

# %% covers=["13.08"]
def room_values(pi):
    """Exact V of each room, for a reward of 1 at the goal.  (6, 3) -> (6,)"""
    onward = torch.einsum("sa,sat->st", pi, T)
    return torch.linalg.solve(torch.eye(N).double() - gamma * onward, onward[:, -1])


idle = torch.zeros(N, 3, dtype=torch.float64, requires_grad=True)
(exact_slope_of_V,) = torch.autograd.grad(room_values(idle.softmax(1))[2], idle)
pi = idle.detach().softmax(1)
V_exact = room_values(pi)


def episodes(n, longest=100):
    """Rooms, moves, next rooms, rewards, whether it still goes on.  -> five (longest, n)"""
    s, path = torch.full((n,), 2), []
    for _ in range(longest):
        a, goes_on = Categorical(pi[s]).sample(), (s > 0) & (s < N - 1)
        t = torch.where(goes_on, s + a - 1, s)
        path.append((s, a, t, ((t == N - 1) & goes_on).double(), goes_on))
        s = t
    return [torch.stack(part) for part in zip(*path, strict=True)]


# %% covers=["13.08"]
def to_go(r):
    """The discounted reward from each move on.  (longest, n) -> (longest, n)"""
    G = torch.zeros_like(r)
    for i in reversed(range(len(r))):
        G[i] = r[i] + (gamma * G[i + 1] if i + 1 < len(r) else 0)
    return G


ADVANTAGES = {
    "return": lambda s, t, r: to_go(r),
    "return - V": lambda s, t, r: to_go(r) - V_exact[s],
    "critic, exact": lambda s, t, r: r + gamma * V_exact[t] - V_exact[s],
    "critic, half of V": lambda s, t, r: r + gamma * V_exact[t] / 2 - V_exact[s] / 2,
}


def actor_estimates(advantage, n):
    """|bias|, noise of 16 episodes, |bias| by chance; as parts of the exact length."""
    s, a, t, r, goes_on = episodes(n)
    A = advantage(s, t, r) * goes_on * gamma ** torch.arange(len(s))[:, None]
    each = torch.zeros(n * N, 3, dtype=torch.float64)
    each.index_add_(0, (torch.arange(n) * N + s).flatten(),
                    ((one_hot(a, 3) - pi[s]) * A[..., None]).flatten(0, 1))  # fmt: skip
    each, length = each.view(n, N, 3), exact_slope_of_V.norm()
    bias, noise = (each.mean(0) - exact_slope_of_V).norm(), each.var(0).sum().sqrt()
    return [float(v / length) for v in (bias, noise / 4, noise / n**0.5)]


# %% covers=["13.08"]
torch.manual_seed(SEED)
judges = {name: actor_estimates(A, profile.pick(smoke=1_000, cpu=8_000, gpu=8_000))
          for name, A in ADVANTAGES.items()}  # fmt: skip
for name, (bias, noise, chance) in judges.items():
    print(f"{name:18} |bias| {bias:.3f} (by chance {chance:.3f})   noise {noise:.3f}")

# %% [markdown]
# Returns have no bias and much noise. A baseline takes a third of the noise away, an exact critic two thirds, still without bias: it replaces all that may follow by its expectation. A critic that is wrong has a large bias. So an actor with a critic has the problem of a G with a D: what it learns is as good as its judge is *now*.

# %%
calm, base, sure, half = (judges[name] for name in ADVANTAGES)
note("13.08", "actor: |bias| / chance, largest of return, baseline, exact critic", (0, 3.5),
     max(row[0] / row[2] for row in (calm, base, sure)), 0, "exact gradient")
note("13.08", "actor: noise, baseline / return", 0.67, base[1] / calm[1], 0.12, "16 episodes")
note("13.08", "actor: noise, exact critic / return", 0.32, sure[1] / calm[1], 0.06,
     "16 episodes")
note("13.08", "actor: |bias| of the critic with half of V", 0.51, half[0], 0.1,
     "of the exact length")

# %% [markdown]
# ## Deeper: imitation, played to the end
#
# You will see what each of the three rewards teaches, and why one does not simply copy the expert; or skip to [what came after](#What-came-after).

# %% [markdown]
# We let D be the best one, $D = \rho_E / (\rho_E + \rho)$ with the exact visits $\rho_E$ of the expert and $\rho$ of the actor, and move the actor's logits along the exact gradient of its return, D held fixed; and again.

# %% covers=["13.08"]
def imitate(reward, turns):
    """Play against the best D in small steps.  -> the policy (6, 3)"""
    own = torch.zeros(N, 3, dtype=torch.float64, requires_grad=True)
    goal = visits(expert)
    for _ in range(turns):
        rho = visits(own.softmax(1))
        D = (goal / (goal + rho.detach())).nan_to_num(0.5).clamp(1e-6, 1 - 1e-6)
        (slope,) = torch.autograd.grad((rho * reward(D)).sum(), own)
        own = (own + 0.1 * slope).detach().requires_grad_()
    return own.detach().softmax(1)


turns = profile.pick(smoke=50, cpu=2_000, gpu=2_000)
actors = {"expert": expert}
for name, reward in REWARDS.items():
    actors[name] = imitate(reward, turns)

# %% tags=["figure"] covers=["13.08"] alt="Tables of what each policy does in the four rooms. The expert goes right everywhere. With the reward minus log of one minus D the actor turns back before the goal. With log D it leaves by the exit from room 1. With their sum it goes right everywhere"
nb12.policies(actors);

# %% covers=["13.08"]
def mean_moves(pi):
    """Of an episode, from its start to its end."""
    onward = torch.einsum("sa,sat->st", pi, T)
    d = torch.linalg.solve(torch.eye(N, dtype=torch.float64) - onward.T, start)
    return float(d[1:-1].sum())


moves = {name: mean_moves(pi) for name, pi in actors.items()}
rho = visits(expert)
unlike = {name: float((visits(pi) / rho.sum() - rho / rho.sum()).abs().sum())
          for name, pi in actors.items()}  # fmt: skip
for name in actors:
    print(f"{name:19} moves {moves[name]:6.1f}   visits unlike expert's {unlike[name]:5.1%}")

# %% [markdown]
# With $-\log(1 - D)$ the actor walks up to the goal and turns back, to and fro: it makes some hundred moves where the expert makes three (its extra visits are several times all of the expert's). With $\log D$ it looks right on the road, but in room 1, which only a slip reaches, it prefers the exit: the quickest end. With their sum, the score, which has both signs, its visits agree with the expert's. (Another remedy, that of the paper: count the time after the end as a state, with a reward of its own.)

# %%
for row, more in nb12.policy_facts(actors, moves, unlike):
    note("13.08", *row, **more)

# %% [markdown]
# **Why not simply copy?** *Behaviour cloning* fits the expert's action for each state, by supervised learning; no game. It is good until the clone slips. Off the expert's road it has no data, does anything, and stays off: one slip spoils all that follows. With probability $\epsilon$ of a slip at each move, the chance of still being on the road after $H$ moves is $(1 - \epsilon)^H$, and the expected number of spoilt moves grows like $\epsilon H^2 / 2$ at first ([Ross et al. 2011](https://arxiv.org/abs/1011.0686)). An imitator that *visits* the same states must learn to come back. If it does so after one move with probability $c$, the share on the road settles at $c / (c + \epsilon)$, whatever the length.

# %%
eps, back = 0.01, 0.5
H = np.arange(1, 301)
torch.manual_seed(SEED)
slips = torch.rand(20_000, 300) < eps
played = (slips.cumsum(1) == 0).double().mean(0)  # no slip yet
settled = back / (back + eps)
returning = settled + (1 - settled) * (1 - back - eps) ** H

# %% tags=["figure"] topics=["behaviour cloning"] alt="Share of episodes still on the road over the number of moves: the clone falls towards zero as predicted; one that comes back stays near 98 percent"
nb12.drift(H, played, {"clone: (1 − ε)^H": (1 - eps) ** H, "comes back": returning});

# %% [markdown]
# After 100 moves a clone that slips once in a hundred moves is still on the road in 37 % of the episodes, after 300 in 5 %. Matching visits is worth its trouble where episodes are long and demonstrations few.

# %%
for after in (100, 300):
    note("13.08", f"clone on the road after {after} moves", 0.99**after,
         float(played[after - 1]), 0.015, "(1 - ε)^H")

# %% [markdown]
# ## What came after
#
# For pictures in general the game lost its first place around 2021.
#
# - **Diffusion models** ([Ho et al. 2020](https://arxiv.org/abs/2006.11239)) are denoisers for all noise levels: a regression, no second player, loss curves that mean something. [Dhariwal and Nichol 2021](https://arxiv.org/abs/2105.05233) had a better FID on ImageNet than the best GAN until then. **Flow matching** ([Lipman et al. 2022](https://arxiv.org/abs/2210.02747)) makes the way from noise to data straighter.
# - Their weakness is what a GAN is good at: one pass. **Consistency models** ([Song et al. 2023](https://arxiv.org/abs/2303.01469)) and **[distillation](glossary.md#distillation)** shorten the chain, and the latter often has a D again: adversarial distillation ([Sauer et al. 2023](https://arxiv.org/abs/2311.17042)), [DMD2](https://arxiv.org/abs/2405.14867).
# - **As one loss among others**, D is everywhere: super-resolution ([Real-ESRGAN](https://arxiv.org/abs/2107.10833)), the autoencoders under latent diffusion ([VQGAN](https://arxiv.org/abs/2012.09841)), codecs ([SoundStream](https://arxiv.org/abs/2107.03312), [EnCodec](https://arxiv.org/abs/2210.13438)), voices ([HiFi-GAN](https://arxiv.org/abs/2010.05646)).
# - **GANs alone** went on, too: [R3GAN](https://arxiv.org/abs/2501.05441) (Huang et al. 2024), a paired loss with two penalties and few tricks, has FID 2.75 on faces of 256 × 256 (7.05 in its comparison of designs, StyleGAN2 7.52; [09](09_count_the_modes.ipynb) puts its loss to the test).

# %% [markdown] covers=["13.11", "13.12"]
# ## What to conclude
#
# Three conclusions of Goodfellow's tutorial have aged well:
#
# 1. **A GAN uses supervised learning to stand in for a loss that nobody can compute.** "How far are these samples from the data?" has no formula on pictures; "which of these is real?" is a classification.
# 2. **It can imitate many losses**, maximum likelihood among them: choose D's curve and G's, and you choose what G lowers ([05](05_compare_the_losses.ipynb), [06](06_choose_a_divergence.ipynb)).
# 3. **Finding equilibria of games in many dimensions is open.** Networks circle ([04](04_circle_the_saddle.ipynb)), and what helps (penalties, averages, two step sizes) helps locally.
#
# A fourth, from this notebook: a learned judge is a *tool*, not a family of models. Its verdict needs a way to reach the maker, it punishes whatever is easiest to see, and it is at its best where another loss already says roughly what is right.
#
# **What to keep**
#
# - Through a jump no gradient flows. REINFORCE is unbiased and noisy, relaxations trade bias for noise, and a D sees softness.
# - A slope is enough to sample: Langevin, with a bias of order $h$, if it gets from mode to mode. A denoiser's correction over $\sigma^2$ is the slope of the blurred density.
# - Slopes add: prior + class = conditional sampling. A class gradient alone leaves the data.
# - In games of several moves, the sign of D's reward matters.
#
# **Further reading**
#
# - Goodfellow, [NIPS 2016 Tutorial: Generative Adversarial Networks](https://arxiv.org/abs/1701.00160).
# - Theis et al., [A note on the evaluation of generative models](https://arxiv.org/abs/1511.01844), 2015: likelihood and looks ([11](11_measure_what_you_made.ipynb)).
# - Irpan, [Read-through: Wasserstein GAN](https://www.alexirpan.com/2017/02/22/wasserstein-gan.html), and Herrmann, [Wasserstein GAN and the Kantorovich–Rubinstein Duality](https://vincentherrmann.github.io/blog/wasserstein/), both 2017 ([07](07_move_earth.ipynb)).
# - Gharakhanian, [Generative Adversarial Networks](https://www.kdnuggets.com/2017/01/generative-adversarial-networks-hot-topic-machine-learning.html), KDnuggets 2017: a first overview.
# - Zhu et al., [CycleGAN](https://arxiv.org/abs/1703.10593), 2017, and a follow-up: Park et al., [contrastive learning in place of the cycle](https://arxiv.org/abs/2007.15651), 2020.
# - Song and Ermon, [Generative Modeling by Estimating Gradients of the Data Distribution](https://arxiv.org/abs/1907.05600), 2019: from here to diffusion.

# %% [markdown]
# ## The ledger
#
# What we claimed, and measured. Rows from trainings hold in full runs only.

# %%
ledger.assert_all(profile)
ledger
