# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 · Generator losses: minimax, non-saturating, maximum likelihood
#
# **What you'll do.** You give the generator three different losses, compute exactly what each of them
# makes it do, and derive the one that turns a GAN into maximum likelihood.
#
# **What you'll learn**
#
# - to read a generator's loss as a curve over the score, and its slope as a choice of teachers
# - which loss is maximum likelihood, and how to check that by counting
# - why the loss that is right in theory is so noisy in practice
# - in the deeper sections: how a GAN relates to noise-contrastive estimation and to reinforcement
#   learning, and whether the loss is what makes samples sharp
#
# **What you'll need.** A little calculus. It helps to know the best discriminator from
# [notebook 02](02_play_the_game.ipynb), and the names [KL](glossary.md#kl) and
# [JS](glossary.md#js) from [notebook 01](01_fit_by_likelihood.ipynb). All data live on the line; no
# download.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
from math import exp

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import softplus

from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import density_panel, nb05, use_style
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth.densities import Normal

torch.set_num_threads(1)  # all tensors here are small: a second thread would only wait
use_style()
profile = choose(PROFILE)
ledger = Ledger("05")

# %% [markdown]
# ## Guess first
#
# The [data](glossary.md#data) are $p = \mathcal{N}(0, 1)$. The [generator](glossary.md#generator) G
# draws from $q = \mathcal{N}(3, 1)$: too far to the right by three standard deviations. The
# [discriminator](glossary.md#discriminator) D is the best one there is, $D = p / (p + q)$: at each
# $x$ the probability that it is data.

# %% tags=["figure"] alt="Data, a blue density around 0, and samples, an orange one around 3; the green dashed curve of the best D falls from 1 at the data to 0 at the samples and crosses one half in the middle"
x = torch.linspace(-4, 7, 501)
p, q = (Normal(mean, 1.0).log_prob(x).exp() for mean in (0.0, 3.0))
fig, ax = plt.subplots(figsize=(7, 3))
density_panel(ax, x, p, q, p / (p + q))
plt.show()

# %% [markdown]
# G is to move left. One of the three losses of this notebook has, on average, exactly the gradient of
# maximum likelihood. G estimates it as a mean over 1,000 of its samples (orange). Sort the samples by
# what they contribute. How many of the 1,000 make up *half* of the result?
#
# 1. about 300
# 2. about 50
# 3. about five
#
# Settle on an answer. We come to it in [Why it is noisy](#Why-it-is-noisy).

# %% [markdown]
# ## Two losses for one score
#
# D gives each point $x$ a [score](glossary.md#score) $s$, any real number. Where a probability is meant,
# it is $D(x) = \sigma(s) = 1 / (1 + e^{-s})$: near 1 where D takes $x$ for data. In all games of this
# notebook D's own loss is the same cross-entropy. ($\mathbb{E}_{x \sim p}$ is a mean over data, $\mathbb{E}_z$ one
# over noise $z$, and so over samples $G(z)$.)
#
# $$J^{(D)} = -\mathbb{E}_{x \sim p} \log D(x) - \mathbb{E}_{z} \log(1 - D(G(z)))$$
#
# What differs is G's loss. For one sample of score $s$ it is
#
# | game | G's loss for one sample | as a curve over the score |
# |---|---|---|
# | minimax | $\log(1 - D)$ | $-\log(1 + e^{s})$ |
# | non-saturating | $-\log D$ | $\log(1 + e^{-s})$ |
#
# In the first game G's loss is D's second term, turned round: what one wins, the other loses. In the
# second, the [non-saturating](glossary.md#non-saturating) one, G treats its samples as if they should be
# labelled data. Then D and G have different aims, and no single number says who is ahead.
#
# In code a loss is one line. `softplus(s)` is $\log(1 + e^{s})$, and safe for any $s$.


# %%
def loss_minimax(s):
    return -softplus(s)


def loss_non_saturating(s):
    return softplus(-s)


# %% [markdown]
# ## A third loss: maximum likelihood
#
# [Notebook 01](01_fit_by_likelihood.ipynb) fitted models by maximum
# [likelihood](glossary.md#likelihood): make the data as probable as possible under $q_\theta$, the
# density of G with weights $\theta$. That descends
# $\mathrm{KL}(p \| q_\theta) = \mathbb{E}_p \log(p / q_\theta)$. It is well understood, but it asks for
# $q_\theta(x)$, and a G that is a network cannot tell it. Can a GAN do the same with nothing but samples
# and D's scores?
#
# This is Exercise 3 of Goodfellow's NIPS 2016 tutorial. We look for a weight $f(x)$ for each sample, so
# that descending
#
# $$J^{(G)} = \mathbb{E}_{x \sim q_\theta} f(x)$$
#
# is maximum likelihood. Our test case is the smallest there is: $p = \mathcal N(0, 1)$, and all that G
# can learn is its shift $t$, with $x = t + z$, so $q_t = \mathcal N(t, 1)$. The best $D = p / (p + q)$
# has $D / (1 - D) = p / q$, so its score is the logarithm of that ratio:
#
# $$s^\star(x) = \log \frac{p(x)}{q_t(x)} = \tfrac{t^2}{2} - t x .$$
#
# **(a) The gradient of an expectation.** Let $f$ be any fixed function. Differentiate under the integral,
# and use $\partial q = q \; \partial \log q$:
#
# $$\partial_\theta \int q_\theta(x) f(x)\,\mathrm dx = \int f(x)\, \partial_\theta q_\theta(x)\,\mathrm dx
# = \mathbb{E}_{x \sim q_\theta}\bigl[ f(x)\, \partial_\theta \log q_\theta(x) \bigr].$$
#
# For our shift, $\partial_t \log q_t(x) = x - t$. A check with $f(x) = x^2$: there
# $\mathbb E_q x^2 = t^2 + 1$, with derivative $2t$. (`expectation` integrates on a fine grid, exact to
# about twelve digits.)

# %% tags=["nbval-check-output"] covers=["6.03"] topics=["maximum-likelihood GAN"]
from gan_tutorial.truth.divergences import expectation

t = 1.5
p, q = Normal(0.0, 1.0), Normal(t, 1.0)
identity = float(expectation(q, lambda x: x**2 * (x - t)))
print(f"(a) E_q[f dlog q] for f = x^2: {identity:.6f}   derivative of t^2 + 1: {2 * t:.6f}")

# %% [markdown]
# ### Exercise 5.1 · The loss that is maximum likelihood
#
# Two steps are left, and they are yours. Take a sheet of paper.
#
# **(b)** Maximum likelihood descends $-\mathbb{E}_{x \sim p} \log q_\theta(x)$, with the gradient
# $-\int p \; \partial_\theta \log q_\theta \, \mathrm dx$. That is an expectation over *data*. Turn it into
# one over *samples*, $\int q_\theta \, [\dots] \, \partial_\theta \log q_\theta \, \mathrm dx$, compare it
# with (a), and read off $f(x)$.
#
# **(c)** D knows what $f$ needs: write $f$ as a curve over the score $s = \log p/q$.
#
# {{help}}


# %% tags=["exercise"]
def loss_max_likelihood(s):
    """f at samples of score s = log p/q: descending its mean is maximum likelihood.  (n,)"""
    # solution
    return -torch.exp(s)


# %%
loss_max_likelihood = check("5.1", loss_max_likelihood)

# %% [markdown]
# <details><summary>The derivation</summary>
#
# (b) Multiply and divide by $q_\theta$, which must be positive wherever $p$ is. This is *importance
# sampling*:
# $$-\int p \; \partial_\theta \log q_\theta \, \mathrm dx
# = \mathbb{E}_{x \sim q_\theta}\Bigl[ -\frac{p(x)}{q_\theta(x)} \; \partial_\theta \log q_\theta(x) \Bigr],
# \qquad\text{so}\qquad f(x) = -\frac{p(x)}{q(x)} .$$
#
# (c) The score of the best D is $s = \log p/q$, so $f = -e^{s}$. In terms of D:
# $-e^{\sigma^{-1}(D)} = -D / (1 - D)$.
# </details>
#
# Does it hold for our shift? Both sides of (b) must be $t$, and (c) must give the ratio back.

# %% tags=["nbval-check-output"] covers=["6.03"]
def best_score(x, t):
    return t * t / 2 - t * x


wanted = float(-expectation(p, lambda x: x - t))
found = float(expectation(q, lambda x: loss_max_likelihood(best_score(x, t)) * (x - t)))
print(f"(b) over data: {wanted:.6f}   over samples, with your f: {found:.6f}   t = {t}")
x = torch.linspace(-3, 4, 8, dtype=torch.float64)
p_over_q = (p.log_prob(x) - q.log_prob(x)).exp()
ratio_error = float((loss_max_likelihood(best_score(x, t)) + p_over_q).abs().max())
print("(c) f is -p/q:", ratio_error < 1e-12)

# %% [markdown]
# ### Proof by counting
#
# Now without an integral: draw a million samples from $q$ at $t = 1$, and take means. Two routes
# lead to the same gradient. *Score function*, as in (a): loss times $\partial \log q$. (Statisticians call
# $\partial \log q$ the score function; it is no relation of D's score.) *Pathwise*, as a GAN does it:
# follow each sample $x = t + z$ as $t$ changes. It moves at speed 1, and its score changes at the rate
# $\mathrm ds / \mathrm dx = -t$. D stands still meanwhile.


# %%
def slope(loss, s):
    """d loss / d s, entry by entry."""
    s = s.detach().requires_grad_()
    return torch.autograd.grad(loss(s).sum(), s)[0]


torch.manual_seed(SEED)
t, z = 1.0, torch.randn(1_000_000, dtype=torch.float64)
s = best_score(t + z, t)  # D stands still: t inside it is a number, not a variable
routes = {"score function": loss_max_likelihood(s) * z,  # d log q / dt = x - t = z
          "pathwise": -t * slope(loss_max_likelihood, s)}
for name, values in routes.items():
    error = values.std() / len(values) ** 0.5
    print(f"{name:15} {values.mean():.4f} ± {error:.4f}   (maximum likelihood: {t:.4f})")

# %% [markdown]
# ### What if $q$ is not copied?
#
# There is a trap. In (a), $f$ was a *fixed* function, but $f = -p/q$ contains $q$. So a copy of $q$ must
# be frozen inside the loss. Guess: if the $q$ inside moves along with $t$, does G learn too much, too
# little, or the wrong thing? Autograd tells, on the same million samples.

# %% covers=["6.03"]
alive = torch.tensor(t, dtype=torch.float64, requires_grad=True)
heard = {}
for name, inside in (("q copied (frozen)", alive.detach()), ("q not copied", alive)):
    x = alive + z  # the samples follow t in both cases
    loss = -(p.log_prob(x) - Normal(inside, 1.0).log_prob(x)).exp()
    heard[name] = float(torch.autograd.grad(loss.mean(), alive)[0])
    print(f"{name:20} loss {float(loss.detach().mean()):8.4f}   gradient {heard[name]:8.4f}")

# %% [markdown]
# The same loss, and different gradients: $1$ and $0$, up to sampling noise. Not copied, G learns nothing at
# all, because then the loss is a constant:
#
# $$\mathbb{E}_{x \sim q_\theta}\Bigl[ -\frac{p(x)}{q_\theta(x)} \Bigr] = -\int p(x)\,\mathrm dx = -1 .$$
#
# In a GAN the copying comes for free. While G moves, D stands still, and D holds the copy.

# %% [markdown]
# ## Three losses in one picture
#
# Now we have all three. We draw them over the score, and over $D$. Look for two things: do all of
# them fall? Where is each flat?

# %% tags=["figure"] covers=["6.04", "6.01"] alt="Three falling curves of G's loss, over the score and over D. Minimax is flat at low scores and falls at high ones, non-saturating the other way round, maximum likelihood plunges at high scores"
LOSSES = {"minimax": loss_minimax, "non-saturating": loss_non_saturating,
          "maximum likelihood": loss_max_likelihood}
s = torch.linspace(-5, 5, 401)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
nb05.loss_curves(axes, s, LOSSES)
plt.show()

# %% [markdown]
# All three fall everywhere: G always prefers a higher score. They agree on the *goal* and differ in
# where they are *steep*.
#
# - **Minimax** is flat on the left. A sample that D rejects hardly changes G's loss: it
#   [saturates](glossary.md#saturation), just when G is bad and has most to learn.
# - **Non-saturating** is its mirror image. It is steep on the left and flat on the right.
# - **Maximum likelihood** is flat on the left as well, and on the right it falls without bound.
#
# ### Exercise 5.2 · Slopes against the score
#
# Steep in which variable? G's weights are reached through the score: by the chain rule each sample moves
# G by (slope of the loss in $s$) times (gradient of $s$). So the slope against the *score* is what G feels.
# Against $D$ the slopes are easy:
# $\log(1 - D)$ has $-\frac{1}{1 - D}$, $\;-\log D$ has $-\frac1D$, and $-\frac{D}{1 - D}$ has
# $-\frac{1}{(1 - D)^2}$. With $\mathrm dD / \mathrm ds = D(1-D)$ you get the others. Write them as
# functions of $D$.
#
# {{help}}


# %% tags=["exercise"]
def slopes(D):
    """Slopes in s of minimax, non-saturating and maximum likelihood, three tensors like D."""
    # solution
    return -D, -(1 - D), -D / (1 - D)


# %%
slopes = check("5.2", slopes)

# %% [markdown]
# ### Slopes: against the score, and against D
#
# | game | slope in $s$ | slope in $D$ | ratio to minimax, in $s$ |
# |---|---|---|---|
# | minimax | $-D$ | $-1 / (1 - D)$ | $1$ |
# | non-saturating | $-(1 - D)$ | $-1 / D$ | $(1 - D) / D$ |
# | maximum likelihood | $-D / (1 - D)$ | $-1 / (1 - D)^2$ | $1 / (1 - D)$ |
#
# Autograd may check the first column, and give the ratios of the second row.

# %% tags=["nbval-check-output"] topics=["saturation", "non-saturating loss"]
chance = torch.tensor([0.001, 0.01, 0.1, 0.5, 0.9], dtype=torch.float64)
measured = [slope(loss, chance.logit()) for loss in LOSSES.values()]
pairs = zip(measured, slopes(chance), strict=True)
slope_error = max(float((ours - yours).abs().max()) for ours, yours in pairs)
print("slope in s at D =        0.001    0.01     0.1     0.5     0.9")
for name, values in zip(LOSSES, measured, strict=True):
    print(f"{name:20}", "".join(f"{v:8.3f}" for v in values))
ratio = measured[1] / measured[0]
print("non-sat. / minimax  ", "".join(f"{v:8.3f}" for v in ratio))
print("agrees with your slopes:", slope_error < 1e-12)

# %% [markdown]
# Read the first column: for a sample that D believes to be data with one chance in a thousand, minimax
# gives G one thousandth of a unit, and the non-saturating loss nearly a whole one: 999 times as much.

# %% tags=["figure"] covers=["6.04", "6.05"] alt="The steepness of the three losses on a logarithmic axis. Against the score minimax and maximum likelihood rise to the right and non-saturating falls; against D minimax and maximum likelihood grow towards 1 and non-saturating towards 0"
fig, axes = plt.subplots(1, 2, figsize=(9, 3.3), sharey=True)
nb05.steepness_curves(axes, s, {name: -slope(loss, s) for name, loss in LOSSES.items()})
plt.show()

# %% [markdown]
# Against the score (left), minimax is steepest on the right and non-saturating on the left, and both
# never exceed 1. Maximum likelihood agrees with minimax for low scores, where $D/(1-D) \approx D$, and
# leaves it behind for high ones.
#
# Against $D$ (right) minimax never looks flat: at $D = 0$ its slope is $-1$. That is a trap. Near
# $D = 0$ it is $D$ itself that cannot move, since $\mathrm dD/\mathrm ds = D(1-D)$ vanishes. Whoever plots
# over $D$ sees no saturation in the slope.
#
# ### The same in the package
#
# The package has these three games as *objectives*: curves for D and for G. Do they agree with ours?

# %% tags=["nbval-check-output"]
from gan_tutorial.game.objectives import max_likelihood, minimax, non_saturating

games = dict(zip(LOSSES, (minimax, non_saturating, max_likelihood), strict=True))
off = [(game.g_fake(s) - LOSSES[name](s)).abs().max() for name, game in games.items()]
same_d = all(torch.equal(game.d_fake(s), softplus(s)) for game in games.values())
assert max(off) < 1e-6 and same_d
print(f"G's losses agree: {max(off) < 1e-6};  D's loss is the same in all three: {same_d}")

# %% [markdown]
# ## One step of G, exactly
#
# What do these losses make G *do*? Back to our shift $t$. D is the best one and stands still, and G takes
# one step. A sample moves at speed 1, its score at the rate $-t$. So the mean loss changes by
#
# $$\frac{\mathrm d J^{(G)}}{\mathrm d t} = \mathbb{E}_{x \sim q_t}\bigl[\, \text{slope in } s \times (-t) \,\bigr].$$
#
# With the table of slopes:
#
# - minimax: $t \; \mathbb{E}_q D$
# - non-saturating: $t \; \mathbb{E}_q (1 - D)$
# - maximum likelihood: $t \; \mathbb{E}_q \frac{D}{1 - D} = t \; \mathbb{E}_q \frac{p}{q} = t$
#
# Here the first two share out the third: $D + (1 - D) = 1$. (In general their sum is the gradient of
# $\mathrm{KL}(q \| p)$, not of $\mathrm{KL}(p \| q)$.)


# %%
def one_step(loss, t):
    """dJ/dt for q = N(t, 1) and the best D, which stands still.  -> float"""
    return float(expectation(Normal(t, 1.0), lambda x: -t * slope(loss, best_score(x, t))))


# %% [markdown]
# Theory knows another way to these numbers: each game descends a [divergence](glossary.md#divergence), as
# long as D is the best one. For minimax it is $2\,\mathrm{JS}$, twice the Jensen–Shannon divergence
# ([notebook 02](02_play_the_game.ipynb)); the third should descend $\mathrm{KL}(p \| q)$; and for the non-saturating one Arjovsky and Bottou found
# $\mathrm{KL}(q \| p) - 2\,\mathrm{JS}$. We differentiate these with autograd and compare. Nothing about
# D goes into this second computation.

# %% tags=["nbval-check-output"] covers=["6.02", "6.01"]
from gan_tutorial.truth.divergences import js, kl, reverse_kl

descends = {
    "minimax": lambda p, q: 2 * js(p, q),
    "non-saturating": lambda p, q: reverse_kl(p, q) - 2 * js(p, q),
    "maximum likelihood": kl,
}


def derivative(divergence, t):
    t = torch.tensor(t, dtype=torch.float64, requires_grad=True)
    return float(torch.autograd.grad(divergence(p, Normal(t, 1.0)), t)[0])


exact = {name: one_step(loss, 1.0) for name, loss in LOSSES.items()}
print("t = 1                D stands still    derivative of the divergence")
for name, value in exact.items():
    print(f"{name:20} {value:14.6f} {derivative(descends[name], 1.0):22.6f}")

# %% [markdown]
# Six digits agree. With the best D, the third loss has exactly the gradient of maximum likelihood,
# and the other two gradients add up to it. (In this example $\mathrm{KL}(p\|q)$ and
# $\mathrm{KL}(q\|p)$ are both $t^2/2$, so the sum is the gradient of either. In general it is that of
# $\mathrm{KL}(q \| p)$.) [With a trained D](#Deeper:-with-a-D-that-is-trained) all three come out right
# as well, up to the spread between seeds.
#
# ### How far away, and who teaches?
#
# Now let $t$ grow. On the left, the exact gradient of one step. On the right, for $t = 3$, where in
# the space of samples it comes from: the density of G's samples times the slope there, each curve scaled
# to area 1.

# %% tags=["figure"] covers=["6.05"] alt="Left: the gradient of one step over the shift. That of maximum likelihood is t, non-saturating approaches t, minimax rises to a maximum and goes to zero. Right: the non-saturating gradient comes from the bulk of the samples, minimax from between data and samples, maximum likelihood from the data"
shifts, x = torch.linspace(0, 6, 61).tolist(), torch.linspace(-4, 7, 501)
at_0, at_3 = (Normal(mean, 1.0).log_prob(x).exp() for mean in (0.0, 3.0))
gradients = {name: [one_step(loss, t) for t in shifts] for name, loss in LOSSES.items()}
shares = {name: at_3 * -slope(loss, best_score(x, 3.0)) for name, loss in LOSSES.items()}
fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.5))
nb05.pushes(left, shifts, gradients)
nb05.teachers(right, x, at_0, at_3, shares)
plt.show()

# %% [markdown]
# On the left: the gradient of maximum likelihood is the distance itself. The non-saturating one is
# close behind as soon as G is far off. Minimax rises, turns round and fades: the farther away G is,
# the less it learns. (When samples and data do not overlap at all, and D trains on alone, it fades
# to nothing: [notebook 03](03_train_a_gan.ipynb) shows it.)
#
# On the right, the reason. The **non-saturating** loss is taught by the samples that G really draws,
# the bulk on the right. **Maximum likelihood** is taught by the samples that look like data: there
# its curve lies exactly over the blue density ($q \cdot p/q = p$). But G draws almost nothing there.
# **Minimax** takes the middle.

# %% [markdown]
# ## Why it is noisy
#
# So the third loss is maximum likelihood, exactly, on average. Why does hardly anybody use it? The
# gradient of our example is $t$ times a mean of weights $w = p/q$, and a few samples may have nearly
# all the weight. How many? Let us draw 2,000 batches of 1,000 samples each, at four shifts.


# %% topics=["importance weights"]
def weights(t, batches, n=1_000):
    """p/q for n samples of q = N(t, 1) in each batch.  -> (batches, n)"""
    return best_score(t + torch.randn(batches, n, dtype=torch.float64), t).exp()


torch.manual_seed(SEED)
estimates, held = {}, {}
for t in (1.0, 2.0, 3.0, 4.0):
    w = weights(t, 2_000)
    estimates[t] = w.mean(1)  # the gradient estimate divided by the truth, t
    heaviest_first = w.sort(1, descending=True).values.cumsum(1) / w.sum(1, keepdim=True)
    held[t] = heaviest_first.median(0).values
half_of_it = {t: int((share < 0.5).sum()) + 1 for t, share in held.items()}
for t, count in half_of_it.items():
    print(f"t = {t:.0f}: half of the gradient comes from {count} of 1,000 samples (median)")

# %% [markdown]
# <details><summary>The guess from the beginning</summary>
#
# At $t = 3$ about **five** of 1,000 samples make up half of the gradient (answer 3). The other 995
# share the rest.
# </details>
#
# On the left, what share of the weight the heaviest samples hold. On the right, in the same shades, the
# 2,000 estimates of the gradient, divided by the truth (the dotted line); the narrow peak of $t = 1$
# and the rare estimates beyond 15 are cut off.

# %% tags=["figure"] alt="Left: share of the total weight held by the heaviest samples of 1,000, rising ever more steeply for larger shifts. Right: histograms of gradient estimates divided by the truth: narrow around 1 for t = 1, and wide and mostly left of 1 for t = 4"
fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.3))
nb05.heaviest(left, held)
nb05.spread(right, estimates)
plt.show()
for t, v in estimates.items():
    print(f"t = {t:.0f}: median {v.median():.2f} of the truth, largest {v.max():.2f};",
          f"too small in {(v < 1).double().mean():.0%}")

# %% [markdown]
# At $t = 1$ the estimates are where they should be. At $t = 4$ they are correct on average, and
# typically much too small; once in a long while a batch comes that makes up for all the others, and
# throws G across the room. That is what "unbiased" may mean.
#
# ### Exercise 5.3 · How many samples count?
#
# The usual measure of this is the *effective sample size*: of $n$ samples with weights $w_i$, only the
# share
#
# $$\frac{(\sum w_i)^2}{n \sum w_i^2}$$
#
# counts. It is 1 if all weights are equal, and $1/n$ if one sample has all the weight. Compute it from
# D's scores, $w_i = e^{s_i}$. A score of 1,000 must not break it: `torch.logsumexp` is your friend.
#
# {{help}}


# %% tags=["exercise"] topics=["effective sample size"]
def share_that_counts(s):
    """(sum w)^2 / (n sum w^2) for w = e^s.  (n,) -> ()"""
    # solution
    return torch.exp(2 * torch.logsumexp(s, 0) - torch.logsumexp(2 * s, 0)) / len(s)


# %%
share_that_counts = check("5.3", share_that_counts)

# %% [markdown]
# With infinitely many samples the sums become expectations. For our shift, completing a square gives
#
# $$\frac{(\mathbb{E}_q\, w)^2}{\mathbb{E}_q\, w^2} = \frac{1}{\mathbb{E}_q\, w^2} = e^{-t^2} .$$
#
# Quadrature (the integral on the grid) confirms it. In the last column, what a batch of 1,000 says about
# itself, with your function.

# %%
torch.manual_seed(SEED)
effective, believed = {}, {}
print("   t     e^(-t^2)   quadrature   a batch believes")
for t in (0.5, 1.0, 2.0, 3.0):
    square = expectation(Normal(t, 1.0), lambda x, t=t: (2 * best_score(x, t)).exp())
    effective[t] = 1 / float(square)
    own = torch.stack([share_that_counts(w.log()) for w in weights(t, 500)])
    believed[t] = float(own.median())
    print(f"{t:4} {exp(-t * t):12.6f} {effective[t]:12.6f} {believed[t]:12.4f}")

# %% [markdown]
# In this sense 1,000 samples at $t = 3$ are worth 0.12 samples. And the batch does
# not know: it believes itself to be worth some ninety times as much. $\mathbb{E}_q w^2 = \int p^2 / q$
# is carried by points around $x = -t$, which is $2t$ standard deviations away from the centre of $q$.
# Such samples hardly ever come, and a batch cannot miss what it has never seen.
#
# The two other losses have slopes between 0 and 1, and far less trouble. Here is the noise of an
# estimate from 1,000 samples: its standard deviation over 500 batches, divided by the mean. For maximum
# likelihood, theory says $\sqrt{(e^{t^2} - 1) / 1000}$.

# %%
torch.manual_seed(SEED)
relative, at = {}, (1.0, 2.0, 3.0)
print("noise / signal at t =        1        2        3")
for name, loss in LOSSES.items():
    for t in at:
        s = best_score(t + torch.randn(500, 1_000, dtype=torch.float64), t)
        gradient = slope(loss, s).mean(1)
        relative[name, t] = float(gradient.std() / gradient.mean().abs())
    print(f"{name:20}", "".join(f"{relative[name, t]:9.3f}" for t in at))
theory = [((exp(t * t) - 1) / 1_000) ** 0.5 for t in at]
print(f"{'its theory':20}", "".join(f"{value:9.3f}" for value in theory))

# %% [markdown]
# The non-saturating estimate even becomes *less* noisy with the distance, as its slope is nearly 1 for
# all samples. Minimax gets noisier, as its signal fades, but slowly. In the last column maximum
# likelihood looks less noisy, in the run shown, than theory says: 500 batches are not enough to meet
# the rare ones.

# %% [markdown]
# ## Play
#
# On the left, the three losses (moved so that all of them are 0 at $s = 0$), the distribution of the
# scores of G's samples (orange, at the bottom), and the tangents at one score. On the right, the exact
# gradients of one step. In the live notebook you choose the *shift* of G's samples and the *score* of
# the tangents; the stored picture has a shift of 2 and a score of $-2$.
#
# Two questions to answer by playing. At which shift does minimax push hardest? And at which shift do
# minimax and non-saturating push equally?

# %% tags=["widget"] covers=["6.04", "6.05"] alt="Left: the three losses over the score with their tangents, and the distribution of the scores of samples far to the left for t = 2. Right: bars of the gradients of one step; maximum likelihood 2, non-saturating a bit less, minimax small"
from gan_tutorial.lesson.live import explore


def draw(left, right):
    return nb05.losses_and_pushes(left, right, LOSSES, slope, one_step)


explore(draw, panels=2, size=(9.2, 3.8), still={"shift": 2.0, "score": -2.0},
        shift=(0.0, 4.0, 0.5, 0.1), score=(-6.0, 6.0, 0.0, 0.1))

# %% [markdown]
# <details><summary>Answers</summary>
#
# Minimax pushes hardest at a shift between 1 and 2; the next cell finds it. Minimax and non-saturating
# push equally only in the limit $t \to 0$, where $D = 1/2$ everywhere and both slopes are $-1/2$. For
# any larger shift non-saturating is ahead, since then $\mathbb{E}_q D < 1/2$.
# </details>

# %% tags=["nbval-check-output"]
hardest = max(torch.linspace(0.5, 3, 251).tolist(), key=lambda t: one_step(loss_minimax, t))
push = one_step(loss_minimax, hardest)
print(f"minimax pushes hardest at t = {hardest:.2f}, with {push:.4f}")
near = one_step(loss_minimax, 0.01), one_step(loss_non_saturating, 0.01)
print("at t = 0.01: minimax {:.6f}, non-saturating {:.6f}".format(*near))

# %% [markdown]
# ## What the loss decides, and what it does not
#
# With the best D, a loss decides *which samples teach*. The deeper sections take this further; here is
# what they find.
#
# - [Every falling loss is a divergence](#Deeper:-every-falling-loss-is-a-divergence): each smooth falling
#   curve over the score belongs to one [f-divergence](glossary.md#f-divergence), and the other way round.
# - [Does the loss make the samples sharp?](#Deeper:-does-the-loss-make-the-samples-sharp?) Not by itself.
#   For data with two modes, a G that is a network comes at least twice as near to the data, in
#   [$W_1$](00_start_here.ipynb#What-we-measure), as a G that can only be one Gaussian, with each of the
#   three losses. What G and D can express matters more than the name on the loss.
# - [Three ways to learn from a classifier](#Deeper:-three-ways-to-learn-from-a-classifier): noise-contrastive
#   estimation, maximum likelihood and the GAN are one game with different things kept fixed.
# - [A GAN as reinforcement learning](#Deeper:-a-GAN-as-reinforcement-learning): a sample is an action, D's
#   opinion the reward. But a GAN's G also learns from D *which way is better*. In 1,000 dimensions a
#   reward alone gives an estimate from 64 samples that is mostly noise.

# %% [markdown]
# ## Deeper: with a D that is trained
#
# You see that the exact numbers of the core survive when D is a small network that has to learn, and what happens to G's gradient when D becomes perfect. You can skip to [every falling loss is a divergence](#Deeper:-every-falling-loss-is-a-divergence), or to [the ledger](#The-ledger).

# %% [markdown]
# To see how much is luck we want five seeds. One module holds five separate networks. No weight is
# shared, and Adam treats each by itself, so they do not feel each other.


# %%
class SideBySide(torch.nn.Module):
    """k separate tanh networks in one.  (n, k, sizes[0]) -> (n, k, sizes[-1])"""

    def __init__(self, k, sizes):
        super().__init__()
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        weights = [torch.randn(k, i, o) / i**0.5 for i, o in pairs]
        self.weights = torch.nn.ParameterList(weights)
        self.biases = torch.nn.ParameterList([torch.randn(k, o) for _, o in pairs])

    def forward(self, x):
        x = x.transpose(0, 1)  # one batch for each network: (k, n, ...)
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(b[:, None], x.tanh() if layer else x, W)
        return x.transpose(0, 1)


# %%
K = 5  # seeds, side by side


def train_D(p, q, steps, lr, n):
    """Five D's learn to tell p from q, which stands still; they come back after every step."""
    D = SideBySide(K, [1, 32, 1])
    opt = torch.optim.Adam(D.parameters(), lr=lr)
    for _ in range(steps):
        x, fake = (d.sample(n * K).view(n, K, 1) for d in (p, q))
        opt.zero_grad()
        minimax.d_loss(D(x), D(fake)).backward()
        opt.step()
        yield D


def pathwise(loss, D, fake):
    """The gradient of one step through D, a mean over samples.  (n, k, 1) -> (k,)"""
    fake = fake.detach().requires_grad_()
    return torch.autograd.grad(loss(D(fake)).sum(), fake)[0].mean(0).flatten()


# %%
torch.manual_seed(SEED)
with profile.plan(steps=profile.pick(smoke=20, cpu=1_500, gpu=1_500), about=3) as plan:
    *_, trained = train_D(p, Normal(1.0, 1.0), plan.steps, lr=0.005, n=256)
fake = Normal(1.0, 1.0).sample(20_000 * K).view(-1, K, 1)
by_trained = {name: pathwise(loss, trained, fake) for name, loss in LOSSES.items()}
print("one step at t = 1        exact    trained D: mean and sd of five seeds")
for name, value in by_trained.items():
    print(f"{name:20} {exact[name]:9.3f} {value.mean():14.3f} {value.std():9.3f}")

# %% [markdown]
# All three come out right, up to their spread. That of the third need not be larger here. But its loss
# puts errors of the score through an exponential, and D knows least where $p/q$ is large: G has few
# samples there.
#
# How many samples count for these five D's, at $t = 1$? Theory says $e^{-1}$ for the best D; these come
# near it.

# %%
torch.manual_seed(SEED + 1)
scores = trained(Normal(1.0, 1.0).sample(5_000 * K).view(-1, K, 1)).detach().squeeze(-1)
measured_share = torch.stack([share_that_counts(one) for one in scores.T])
shares = " ".join(f"{v:.3f}" for v in measured_share)
print(f"share that counts, five D's: {shares}   theory {exp(-1):.3f}")

# %% [markdown]
# ### When D is perfect
#
# If the [supports](glossary.md#support) of $p$ and $q$ do not touch, a perfect D exists, and the longer D trains, the nearer
# it comes. Theory says: D's loss goes to 0 and so does the minimax gradient, while the non-saturating
# one stays. The data are uniform on $[0, 1]$, the samples on $[2, 3]$; only D is trained.

# %%
from gan_tutorial.truth.densities import Uniform

far = Uniform(2.0, 3.0)
torch.manual_seed(SEED)
fake = far.sample(500 * K).view(-1, K, 1)
seen = {name: [] for name in ("minimax", "non-saturating")}
with profile.plan(steps=profile.pick(smoke=20, cpu=1_500, gpu=1_500), about=2) as plan:
    training = train_D(Uniform(0.0, 1.0), far, plan.steps, lr=0.02, n=64)
    for step, D in enumerate(training, start=1):
        if step % 10 == 0:
            for name, sizes in seen.items():
                sizes.append(pathwise(LOSSES[name], D, fake).abs())
fading = {name: torch.stack(sizes) for name, sizes in seen.items()}  # (moments, seeds)

# %% tags=["figure"] topics=["vanishing gradient"] alt="Over the training of D, on a logarithmic axis: the minimax gradient falls by orders of magnitude for all five seeds, the non-saturating one grows"
fig, ax = plt.subplots(figsize=(7, 3.2))
steps = torch.arange(1, len(fading["minimax"]) + 1) * 10
nb05.sizes_over_steps(ax, steps, fading)
plt.show()
orders = (fading["minimax"].max(0).values / fading["minimax"][-1]).log10()
print("powers of ten lost by minimax, seed by seed:", " ".join(f"{v:.1f}" for v in orders))

# %% [markdown]
# Each line is a seed. The better D gets, the less minimax lets G know, and at the
# end of the run the lines still fall. (Arjovsky and Bottou saw the same with images.) The
# non-saturating gradient does not fade; it even grows, because D becomes steeper. Whether it is a *good*
# gradient is another question (notebooks 06 to 08): on disjoint supports D's slope is
# whatever the network happened to learn in the gap.
#
# A D that is too strong is only one way of failing. The "Generative Adversarial Networks Tutorials" of
# 2017 explain non-convergence in general by it, but these are two things: the steps on
# $V(x, y) = xy$ of [notebook 04](04_circle_the_saddle.ipynb) never settle, and there the gradient
# vanishes only at the centre.

# %%
five = ("five seeds", True)  # asserted where the training was whole
for name, value in by_trained.items():
    off = 0.15 if name == "maximum likelihood" else 0.05
    ledger.add("F-V5", f"trained D, {name}", exact[name], value.mean(), off, *five)
ledger.add("5.2", "share that counts, mean of five D's",
           exp(-1), measured_share.mean(), 0.1, "exp(-t^2)", needs_training=True)
steady, vanishing = fading["non-saturating"], fading["minimax"]
late = (vanishing[-1] / vanishing[2 * len(vanishing) // 3]).max()
gain = (steady[-1] / steady[0]).min()
for claim, exact_value, value in (
    ("powers of ten lost by minimax", (1.5, 20), orders.min()),
    ("non-saturating gradient at the end", (1, 100), steady[-1].min()),
    ("non-saturating gradient, end / begin, least of five", (1, float("inf")), gain),
    ("minimax gradient, end / two thirds, largest of five", (0, 1), late),
):
    ledger.add("F-V7", claim, exact_value, value, 0, *five)

# %% [markdown]
# ## Deeper: every falling loss is a divergence
#
# You see what it means to choose a divergence: to choose how steep G's loss is at each score. Exercise 5.4 lets you make the loss of any divergence. You can skip to [three ways to learn from a classifier](#Deeper:-three-ways-to-learn-from-a-classifier), or to [the ledger](#The-ledger).

# %% [markdown]
# Goodfellow's tutorial says that another divergence only changes *where the loss falls fastest*. This can
# be made precise. Take any [f-divergence](glossary.md#f-divergence)
# $D_f(p \| q) = \mathbb{E}_q f(r)$ with $r = p/q$, $f$ convex and $f(1) = 0$. Going through the three steps
# of Exercise 5.1 for it gives a loss, and the slope of that loss in the score $s = \log r$ is
#
# $$-\, r^2 f''(r).$$
#
# So the steepness at each score is the curvature of $f$ times $r^2$. Convex means $f'' \ge 0$: **each
# smooth divergence has a falling loss, and each smooth falling loss has a divergence**. Choosing a
# divergence is choosing which samples teach, as long as D is the best one.
#
# What, then, belongs to the non-saturating loss? Its slope is $-1/(1+r)$, so
# $f''(r) = 1 / (r^2 (1 + r))$, and integrating twice gives $f(r) = (1 + r) \log \frac{1 + r}{2 r}$. It is
# convex, so $\mathrm{KL}(q\|p) - 2\,\mathrm{JS}$, a difference of two divergences, is a divergence itself.
# Which one? Put $r = p/q$ into $\mathbb{E}_q f(r)$, and out comes
# $\int (p + q) \log \frac{(p+q)/2}{p} \,\mathrm dx = 2\,\mathrm{KL}\bigl(\tfrac{p+q}{2} \big\| p\bigr)$: never
# negative, and 0 only if $q = p$. It is a reverse KL that looks at G's samples mixed half and half with data.

# %% tags=["nbval-check-output"] covers=["6.05"]
from gan_tutorial.truth.densities import Mixture
from gan_tutorial.truth.divergences import f_divergence


def f_non_saturating(u):
    return (1 + u) * torch.log((1 + u) / (2 * u))


for t in (0.5, 1.0, 2.0):
    q = Normal(t, 1.0)
    hidden, known = f_divergence(f_non_saturating, p, q), reverse_kl(p, q) - 2 * js(p, q)
    mixed = 2 * kl(Mixture((0.5, 0.5), (p, q)), p)
    print(f"t = {t}: D_f = {float(hidden):.6f}   KL(q||p) - 2 JS = {float(known):.6f}",
          f"  2 KL((p+q)/2 || p) = {float(mixed):.6f}")

# %% [markdown]
# Let us draw the steepness for five divergences. Two have had no game yet: $\mathrm{KL}(q\|p)$, the
# "reverse KL", and the squared Hellinger distance. The curvature comes from autograd, twice.

# %% tags=["nbval-check-output"]
DIVERGENCES = {
    "maximum likelihood": lambda u: u * u.log(),
    "squared Hellinger": lambda u: (u.sqrt() - 1) ** 2,
    "minimax": lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
    "reverse KL": lambda u: -u.log(),
    "non-saturating": f_non_saturating,
}


def steepness(f, s):
    """r^2 f''(r) at r = e^s."""
    r = s.exp().requires_grad_()
    (first,) = torch.autograd.grad(f(r).sum(), r, create_graph=True)
    return (r**2 * torch.autograd.grad(first.sum(), r)[0]).detach()


s = torch.linspace(-5, 5, 201, dtype=torch.float64)
steep = {name: steepness(f, s) for name, f in DIVERGENCES.items()}
off = [steep[name] + slope(loss, s) for name, loss in LOSSES.items()]
steep_error = max(float(one.abs().max()) for one in off)
print("our three losses fall as -r^2 f'':", steep_error < 1e-10)

# %% tags=["figure"] covers=["6.05", "6.04"] alt="How steeply the loss falls over the score for five divergences, on a logarithmic axis: KL rises with slope one, squared Hellinger with slope one half, JS rises and levels off, reverse KL is constant, the non-saturating one is level and then falls"
LABELS = {"maximum likelihood": "KL(p‖q): maximum likelihood", "minimax": "2 JS: minimax",
          "squared Hellinger": "squared Hellinger", "reverse KL": "KL(q‖p), reverse KL",
          "non-saturating": "2 KL((p+q)/2‖p): non-saturating"}
fig, ax = plt.subplots(figsize=(8.2, 3.6))
nb05.steepness_of_divergences(ax, s, steep, LABELS)
plt.show()

# %% [markdown]
# Lines that rise to the right listen to samples that look real already; those on top at the left
# listen to samples that D rejects. Reverse KL listens to all alike: its loss is simply $-s$, and that
# is the sum of minimax and non-saturating. With the best D, nothing else is in the choice of an
# f-divergence. (An f-GAN also changes *D's* loss, and with it how D errs while it learns.
# [Notebook 06](06_choose_a_divergence.ipynb) goes through the whole family.)
#
# ### Exercise 5.4 · A loss for any divergence
#
# Repeat Exercise 5.1 for $D_f(p \| q_\theta) = \int q_\theta \, f(p / q_\theta) \,\mathrm dx$ with any
# convex $f$: differentiate under the integral (now $f(p/q_\theta)$ moves as well), and bring it into the
# form $\mathbb{E}_q[\,\text{loss} \cdot \partial \log q\,]$. Write the loss as a function of the score $s$,
# with $r = e^{s}$; autograd may take the derivative of $f$. For $f(u) = u \log u$ you should find $-e^{s}$
# again.
#
# {{help}}


# %% tags=["exercise"]
def loss_of(f):
    """The loss that, with D standing still, descends D_f(p || q).  f -> (s -> loss)"""

    # solution
    def loss(s):
        r = s.exp()
        r = r if r.requires_grad else r.requires_grad_()
        (f_prime,) = torch.autograd.grad(f(r).sum(), r, create_graph=True)
        return f(r) - r * f_prime

    return loss


# %%
loss_of = check("5.4", loss_of)

# %% [markdown] tags=["solution"]
# *The derivation.* With $r = p/q$ we have $\partial r = -r \, \partial \log q$, so
# $$\partial\,[q f(r)] = f(r)\, q\, \partial \log q - q f'(r)\, r\, \partial \log q = q \, [f(r) - r f'(r)]\, \partial \log q .$$
# The loss is $f(r) - r f'(r)$. With the conjugate $f^*$ of notebook 06 it is $-f^*(f'(r))$, the generator's loss of an
# f-GAN. Its slope in $s$ is $r \, \partial_r (f - r f') = -r^2 f''(r)$, as promised above.

# %% [markdown]
# Try it on the squared Hellinger distance, whose value for our pair is $2 (1 - e^{-t^2/8})$
# ([notebook 01](01_fit_by_likelihood.ipynb)), with derivative $\tfrac t2 e^{-t^2/8}$.

# %%
hellinger_loss = loss_of(DIVERGENCES["squared Hellinger"])
hellinger = {t: one_step(hellinger_loss, t) for t in (0.5, 1.0, 2.0)}
for t, value in hellinger.items():
    print(f"t = {t}: one step {value:.6f}   exact {t / 2 * exp(-t * t / 8):.6f}")

# %%
fact, source = "hidden f", "Shannon et al. 2020"
ledger.add(fact, "D_f - (KL(q||p) - 2 JS) at t = 2", 0, hidden - known, 1e-8, source)
ledger.add(fact, "D_f - 2 KL((p+q)/2 || p) at t = 2", 0, hidden - mixed, 1e-8, source)
ledger.add("steepness", "slope of the price + r^2 f''", 0, steep_error, 1e-8,
           "section 'every falling loss ...'")
ledger.add("5.3", "squared Hellinger, one step at t = 1",
           0.5 * exp(-1 / 8), hellinger[1.0], 1e-8, "closed form");

# %% [markdown]
# ## Deeper: three ways to learn from a classifier
#
# You run noise-contrastive estimation (NCE), maximum likelihood (MLE) and a GAN on the same data, and see that they differ only in what the classifier is made of and in what happens to $q$. You can skip to [a GAN as reinforcement learning](#Deeper:-a-GAN-as-reinforcement-learning), or to [the ledger](#The-ledger).

# %% [markdown]
# All of this rests on one classifier that tells data from something else. In all three methods the same function $V = \mathbb{E}_p \log D + \mathbb{E}_q
# \log(1 - D)$ is maximised over D:
#
# | | noise-contrastive estimation | maximum likelihood | GAN |
# |---|---|---|---|
# | D is | $\frac{p_{\text{model}}}{p_{\text{model}} + q}$ | $\frac{p_{\text{model}}}{p_{\text{model}} + q}$ | any network |
# | to be learned | $p_{\text{model}}$, inside D | $p_{\text{model}}$, inside D | $q$, the generator |
# | how $q$ changes | never: fixed noise | after each step, copy $p_{\text{model}}$ into $q$ | descend on $V$ |
#
# We run all three on the same data. They come from a density with two modes that we know up to its
# constant: $p(x) = \phi(x) / Z$ with $\log \phi(x) = 0.3 x + 1.2 x^2 - 0.25 x^4$. On the line, a fine
# grid gives $Z$ and samples as exactly as we like.

# %%
grid = torch.linspace(-4, 4, 4_001, dtype=torch.float64)
dx = float(grid[1] - grid[0])


def features(x):
    return torch.stack([x, x**2, x**4], -1)


def log_constant(w):
    """log of the integral of exp(w . features)."""
    return (features(grid) @ w).logsumexp(0) + torch.tensor(dx).log()


def draw_from(w, n):
    place = torch.multinomial((features(grid) @ w).softmax(0), n, replacement=True)
    return grid[place] + dx * (torch.rand(n, dtype=torch.float64) - 0.5)


w_true = torch.tensor([0.3, 1.2, -0.25], dtype=torch.float64)
log_Z = float(log_constant(w_true))
print(f"log Z = {log_Z:.4f}")

# %% [markdown]
# **Noise-contrastive estimation.** The noise is $\mathcal N(0, 1.5^2)$, and it never changes. D is a
# logistic regression whose score is $s(x) = w \cdot \text{features}(x) - c - \log q(x)$. The constant $c$ is
# just one more weight. If D becomes the best one, $s = \log p/q$, then $c$ must be $\log Z$: a
# classifier has computed an integral.
#
# **Maximum likelihood** has to know $Z$ for every $w$ that it tries. On the line the grid tells it.

# %%
noise = Normal(0.0, 1.5)


def descend(loss, parameters):
    """Minimise a smooth loss of a few parameters to the end."""
    opt = torch.optim.LBFGS([parameters], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        value = loss(parameters)
        value.backward()
        return value

    opt.step(closure)
    return parameters.detach()


def nce(x, noise_x):
    def score(theta, x):
        return features(x) @ theta[:3] - theta[3] - noise.log_prob(x)  # theta = (w, c)

    start = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    return descend(lambda theta: minimax.d_loss(score(theta, x), score(theta, noise_x)), start)


def mle(x):
    start = torch.tensor([0.0, 0.0, -0.1], dtype=torch.float64, requires_grad=True)
    return descend(lambda w: log_constant(w) - (features(x) @ w).mean(), start)


# %% covers=["6.08"] topics=["noise-contrastive estimation"]
torch.manual_seed(SEED)
data = [draw_from(w_true, 10_000) for _ in range(K)]
by_nce = [nce(x, noise.sample(10_000).double()) for x in data]
by_mle = [mle(x) for x in data]
print(f"log Z, truth {log_Z:.3f}; c of the classifier, five data sets:",
      *(f"{v[3]:.3f}" for v in by_nce))

# %% [markdown]
# Each of the five classifiers has found $\log Z$, to better than 0.15, without an integral.
#
# **Maximum likelihood as a game.** The middle column claims that maximum likelihood is the same game,
# if after each step the model is copied into the noise. Right after copying, $D = 1/2$ everywhere.
# Differentiate $V$ at that moment:
#
# $$\tfrac12 \bigl( \mathbb{E}_p\, \partial \log p_{\text{model}} - \mathbb{E}_{q}\, \partial \log p_{\text{model}} \bigr),$$
#
# and the second term vanishes, as the mean of a score function over its own density always does. What
# is left is half the gradient of the likelihood. First the identity, at some $w$ that is not the
# answer; then the game.


# %%
def value_against_copy(w, x, copy_x, copy):
    """V on data x and samples of the copy; the model's constant comes from the grid."""
    constant = log_constant(w) - log_constant(copy)
    scores = (features(points) @ (w - copy) - constant for points in (x, copy_x))
    return -minimax.d_loss(*scores)


w = torch.tensor([0.0, 0.8, -0.2], dtype=torch.float64, requires_grad=True)
torch.manual_seed(SEED)
V = value_against_copy(w, data[0], draw_from(w.detach(), 400_000), w.detach())
likelihood = (features(data[0]) @ w).mean() - log_constant(w)
copied, direct = (torch.autograd.grad(value, w)[0] for value in (V, likelihood))
print("gradient of V        ", " ".join(f"{v:8.4f}" for v in copied))
print("half of likelihood's ", " ".join(f"{v:8.4f}" for v in direct / 2))


# %%
def play_copying(x, steps):
    w = torch.tensor([0.0, 0.0, -0.1], dtype=torch.float64, requires_grad=True)
    opt = torch.optim.Adam([w], lr=0.05)
    for step in range(steps):
        opt.param_groups[0]["lr"] = 0.05 * (1 - step / steps)
        copy = w.detach().clone()
        opt.zero_grad()
        (-value_against_copy(w, x, draw_from(copy, 1_000), copy)).backward()
        opt.step()
    return w.detach()


with profile.plan(steps=profile.pick(smoke=5, cpu=800, gpu=800), about=2) as plan:
    by_copying = play_copying(data[0], plan.steps)
print("maximum likelihood directly  ", by_mle[0].numpy().round(3))
print("by the game with copying     ", by_copying.numpy().round(3))

# %% [markdown]
# Identity and answer agree, up to the noise of the game's samples: each step saw 1,000. And now the
# **GAN** on the same data: G is a network, D is any network, no density and no constant anywhere. `train`
# is the loop of [notebook 03](03_train_a_gan.ipynb); five games run side by side.

# %%
from gan_tutorial.game import Game, train


def side_by_side_game(G, data, dim, **rates):
    """K games in one: data(n) -> (n, K, 1)."""

    def latent(n):
        return torch.randn(n, K, dim)

    D = SideBySide(K, [1, 32, 32, 1])
    return Game.with_adam(G, D, lambda n: (data(n),), latent, seed=SEED, **rates)


def draw_data(n):
    return table[torch.randint(len(table), (n,))][..., None]


table = torch.stack(data, 1).float()  # (10,000, K)
torch.manual_seed(SEED)
gan = side_by_side_game(SideBySide(K, [8, 32, 32, 1]), draw_data, 8, d_lr=2e-3, g_lr=1e-3)
with profile.plan(steps=profile.pick(smoke=20, cpu=1_500, gpu=3_000), about=5) as plan:
    *_, last = train(gan, non_saturating, steps=plan.steps, batch_size=128, every=plan.steps)

# %% [markdown]
# We compare densities where there are any, and samples in any case. For the samples we measure
# [$W_1$](00_start_here.ipynb#What-we-measure), the mean distance by which they have to be moved to become
# data; the last line is its floor, what two sets of data get, so differences of that size are luck.

# %% covers=["6.08"]
from gan_tutorial.truth.divergences import empirical_w1

torch.manual_seed(SEED)
p_grid = (features(grid) @ w_true - log_Z).exp()
reference = draw_from(w_true, 20_000)
models = {"NCE": [v[:3] for v in by_nce], "MLE": by_mle}
samples = {name: [draw_from(w, 20_000) for w in ws] for name, ws in models.items()}
samples["GAN"] = list(gan.sample(20_000).double()[..., 0].unbind(1))
samples["true samples"] = [draw_from(w_true, 20_000) for _ in range(K)]
compared, lost = {}, {}
print("               KL(p || model)       W1 of samples: mean and largest of five")
for name, sets in samples.items():
    divergence = []
    for w in models.get(name, []):
        log_ratio = features(grid) @ (w_true - w) - log_Z + log_constant(w)
        divergence.append(float((p_grid * log_ratio).sum() * dx))
    lost[name] = sum(divergence) / K
    shown = f"{lost[name]:14.5f}" if divergence else "   has no density"
    compared[name] = torch.tensor([float(empirical_w1(x, reference)) for x in sets])
    print(f"{name:13} {shown:18} {compared[name].mean():14.3f} {compared[name].max():10.3f}")

# %% tags=["figure"] covers=["6.08"] alt="Three panels with the true density with two modes dashed and five fits each: those of NCE and MLE lie on it, the histograms of the GAN follow it roughly"
fitted = {name: [(features(grid) @ w - log_constant(w)).exp() for w in ws]
          for name, ws in models.items()}
fig, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True)
nb05.three_methods(axes, grid, p_grid, fitted, {"GAN": samples["GAN"]})
plt.show()

# %% [markdown]
# Where a family of densities is known, with few parameters, take one of the first two. In the run shown NCE
# gives up a little accuracy against maximum likelihood; in exchange it needs no $Z$. The GAN is less exact,
# with spikes that change from seed to seed, and it had far less to start from: it does not know the form of
# the density. It hands out samples, and cannot say how probable they are.

# %%
constants, inf = [float(v[3]) for v in by_nce], float("inf")
missed, source = max(abs(c - log_Z) for c in constants), "Gutmann & Hyvärinen 2010"
mean_constant = sum(constants) / K
ledger.add("F-V9", "log Z by a classifier, mean of five", log_Z, mean_constant, 0.05, source)
ledger.add("F-V9", "log Z by a classifier, largest error of five", 0, missed, 0.15, source)
in_gradient = (copied - direct / 2).abs().max()
in_weights = (by_copying - by_mle[0]).abs().max()
ledger.add("6.08", "gradient of V against a copy - half of the likelihood's",
           0, in_gradient, 0.03, "400,000 samples")
ledger.add("6.08", "weights by copying - directly",
           0, in_weights, 0.05, "10,000 data", needs_training=True)
ledger.add("6.08", "KL(p || model): NCE / MLE, means of five",
           (1, inf), lost["NCE"] / lost["MLE"], 0, "this run", shown_only=True)
farther = compared["GAN"].mean() / compared["true samples"].mean()
ledger.add("6.08", "W1 of the GAN, largest", (0, 0.3), compared["GAN"].max(), 0, *five)
ledger.add("6.08", "W1: GAN / true samples, means of five", (1, inf), farther, 0, *five);

# %% [markdown]
# ## Deeper: a GAN as reinforcement learning
#
# You compare the two ways to a gradient, through D and by reward alone, in one dimension and in 1,000, and let three agents play. In Exercise 5.5 you write a baseline without bias. You can skip to [does the loss make the samples sharp?](#Deeper:-does-the-loss-make-the-samples-sharp?), or to [the ledger](#The-ledger).

# %% [markdown]
# Goodfellow's tutorial offers another reading. G is an *agent*; drawing a sample is its *action*; D's opinion
# is the *reward*. Two observations support it:
#
# - No gradient runs through data. G never sees $x \sim p$; it only learns what its own samples are worth.
#   (In a paired game, where each sample's score is read against a datum's, that datum's score shifts the
#   loss, and G cannot move it.)
# - All our losses fall in $D(G(z))$: a better opinion is always a better reward.
#
# Reinforcement learning can improve an agent without a look into D:
# **REINFORCE**. It is step (a) of the derivation, loss times $\partial \log q$. A GAN usually does
# something else: it follows the *pathwise* gradient through D. For a smooth loss both have the same mean.
# And the same noise? Quadrature gives both exactly, for one sample at $t = 1$. A third column subtracts the
# mean loss first (a *baseline*), which does not change the mean, because $\mathbb{E}_q \partial \log q = 0$.

# %% tags=["nbval-check-output"] covers=["6.06"] topics=["REINFORCE", "reinforcement learning"]
t = 1.0
q = Normal(t, 1.0)


def mean_and_sd(estimate):
    mean = expectation(q, estimate)
    return float(mean), float((expectation(q, lambda x: estimate(x) ** 2) - mean**2).sqrt())


noise_of = {}
print("mean, sd of one sample    pathwise          REINFORCE         with baseline")
for name, loss in LOSSES.items():

    def loss_at(x, loss=loss):
        return loss(best_score(x, t))

    middle = expectation(q, loss_at)
    noise_of[name] = [
        mean_and_sd(lambda x, loss=loss: -t * slope(loss, best_score(x, t))),
        mean_and_sd(lambda x, loss=loss_at: loss(x) * (x - t)),
        mean_and_sd(lambda x, loss=loss_at, middle=middle: (loss(x) - middle) * (x - t)),
    ]
    print(f"{name:20}", "".join(f"{mean:9.4f}, {sd:7.4f}" for mean, sd in noise_of[name]))

# %% [markdown]
# The means agree in each row, to all digits. The noise does not. The number of samples that one needs
# goes with the square of the standard deviation, so REINFORCE without a baseline needs at least twenty
# times as many for the first two losses. The pathwise gradient asks D: *which way is
# better?* REINFORCE only learns *how good was this?*, and has to find the way by comparing samples. (With
# a very jagged D it can be the other way round.)
#
# With one weight that is affordable. What if a sample has many numbers? We keep the
# distance 1 between data and samples and let it point along the diagonal of $d$ dimensions. D stays the
# best one; the loss is the non-saturating one; G estimates its $d$ gradients from 64 samples. (We use
# the batch's mean as baseline, corrected as in Exercise 5.5.)

# %% covers=["6.06"]
torch.manual_seed(SEED)
growing = {}
print("noise / signal, 64 samples:    pathwise    REINFORCE")
for d in (1, 10, 100, 1_000):
    mu, z = torch.full((d,), d**-0.5), torch.randn(100, 64, d)  # 100 batches
    s = 0.5 - (mu + z) @ mu  # log p/q, for N(0, I) against N(mu, I)
    loss = softplus(-s)
    path = (1 - s.sigmoid()).mean(1)[:, None] * mu
    reward = ((loss - loss.mean(1, keepdim=True))[..., None] * z).mean(1) * 64 / 63
    signal = exact["non-saturating"] * mu
    noises = [(g - signal).square().sum(1).mean().sqrt() for g in (path, reward)]
    growing[d] = [float(noise / signal.norm()) for noise in noises]
    print(f"{d:6} dimensions {growing[d][0]:20.3f} {growing[d][1]:12.3f}")

# %% [markdown]
# The pathwise gradient does not notice the dimension: this D points along the diagonal
# everywhere. The noise of REINFORCE grows like $\sqrt d$. In 1,000 dimensions, what G learns from
# 64 samples is mostly noise.
#
# ### The agents play
#
# Now back to one dimension, as a game in which D learns as well. D is a logistic regression in $x$, the
# exact family here. G starts at a shift of 3 and should find 0. Three agents, five seeds each:
#
# 1. pathwise, with the non-saturating loss
# 2. REINFORCE with the reward $\log D$
# 3. REINFORCE with D's bare verdict as reward: 1 if $D > 1/2$, else 0


# %% covers=["6.06"]
def by_path(score, mu, z):
    return torch.autograd.grad(softplus(-score(mu + z)).mean(0).sum(), mu)[0]


def by_reward(reward):
    def gradient(score, mu, z):
        r = reward(score(mu.detach() + z).detach())
        return -((r - r.mean(0)) * z).mean(0)  # d log q / d mu = x - mu = z

    return gradient


AGENTS = {
    "pathwise": by_path,
    "REINFORCE, log D": by_reward(lambda s: -softplus(-s)),
    "REINFORCE, verdict": by_reward(lambda s: (s > 0).float()),
}


# %%
def play(gradient, steps, n=64, start=3.0):
    """K games of G = N(mu, 1) against D's score a x + b.  -> mu after each step, (steps, K)"""
    mu, ab = torch.full((K,), start, requires_grad=True), torch.zeros(2, K, requires_grad=True)

    def score(x):
        return ab[0] * x + ab[1]

    path = []
    for _ in range(steps):
        x, z = torch.randn(n, K), torch.randn(n, K)
        d_loss = K * minimax.d_loss(score(x), score(mu.detach() + z))  # K means, one a game
        (step_D,) = torch.autograd.grad(d_loss, ab)
        step_G = gradient(score, mu, torch.randn(n, K))
        with torch.no_grad():
            ab.sub_(0.2 * step_D)
            mu.sub_(0.05 * step_G)
        path.append(mu.detach().clone())
    return torch.stack(path)


# %%
paths = {}
with profile.plan(steps=profile.pick(smoke=20, cpu=600, gpu=600), about=1) as plan:
    for name, gradient in AGENTS.items():
        torch.manual_seed(SEED)
        paths[name] = play(gradient, plan.steps)

# %% tags=["figure"] covers=["6.06"] alt="Three panels with the shift of G over the steps, five seeds each. Pathwise and REINFORCE with log D fall quickly to 0 and stay; REINFORCE with the verdict falls slowly and wanders around 0"
fig, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True)
nb05.shifts_over_steps(axes, paths)
plt.show()
wander = {}
for name, path in paths.items():
    wander[name] = float(path[len(path) // 2 :].square().mean().sqrt())
    print(f"{name:20} typical distance from 0 in the second half: {wander[name]:.3f}")

# %% [markdown]
# All three agents arrive. The first two can hardly be told apart: with a single weight and 64 samples
# the noise of REINFORCE hardly shows. The third one is slower at
# first, because far away all samples get the same verdict and nothing can be compared; and it wanders at
# the end, because a verdict, however narrow, pushes G with full force.
#
# But it arrives, though its reward is a step function: the pathwise gradient of that is 0, and G would
# never move. That is where REINFORCE is needed: when the
# sample is discrete, as a word is, or when the judge is a black box.
#
# Two limits of the analogy. The reward changes all the time, because D learns. And a GAN's G learns
# more than a reward: the *gradient* of the reward, as in actor-critic methods with a differentiable
# critic.

# %% [markdown]
# ### Exercise 5.5 · A baseline that does not cheat
#
# REINFORCE subtracts a baseline from each loss. If the baseline contains the sample's own loss,
# the estimate is biased. The remedy: for sample $i$, use the mean loss of *all the others*. The
# estimate is the mean over $i$ of (loss minus baseline) times $\partial \log q(x_i)$.
#
# {{help}}


# %% tags=["exercise"]
def leave_one_out(loss, log_gradient):
    """REINFORCE with the mean loss of the other samples as baseline.  (n,), (n,) -> ()"""
    # solution
    n = len(loss)
    baseline = (loss.sum() - loss) / (n - 1)
    return ((loss - baseline) * log_gradient).mean()


# %%
leave_one_out = check("5.5", leave_one_out)

# %% [markdown]
# Does it help, and is it unbiased? The loss is minimax's at $t = 1$, in batches of 4, where the bias of
# the naive baseline is easy to see: it shrinks the mean by the factor
# $1 - 1/4$. (And its sd by the same factor: it only looks quieter.)

# %%
torch.manual_seed(SEED)
z = torch.randn(20_000, 4, dtype=torch.float64)
loss = loss_minimax(best_score(1.0 + z, 1.0))
batches = list(zip(loss, z, strict=True))[: profile.pick(smoke=2_000, cpu=20_000, gpu=20_000)]
by_loo = torch.stack([leave_one_out(c.clone(), g) for c, g in batches])
naive = ((loss - loss.mean(1, keepdim=True)) * z).mean(1)
bare = (loss * z).mean(1)
print(f"exact         {exact['minimax']:.3f}")
for name, estimate in (("no baseline", bare), ("own batch", naive), ("leave one out", by_loo)):
    print(f"{name:13} {estimate.mean():.3f}, sd {estimate.std():.3f}")

# %%
rows = [noise_of[name] for name in LOSSES]
apart = max(abs(row[i][0] - row[0][0]) for row in rows for i in (1, 2))
needed = min(row[1][1] / row[0][1] for row in rows[:2]) ** 2
of_path, of_score = zip(*growing.values(), strict=True)
for claim, value, seen, off, source in (
    ("REINFORCE - pathwise, means", 0, apart, 1e-9, "exercise 3 (a)"),
    ("variance: REINFORCE / pathwise, minimax or non-saturating",
     (20, inf), needed, 0, "quadrature"),
    ("noise of REINFORCE, 1,000 / 10 dimensions",
     10, of_score[-1] / of_score[1], 2.5, "sqrt(d)"),
    ("noise of REINFORCE over its signal in 1,000 dimensions",
     (2, inf), of_score[-1], 0, "64 samples"),
    ("noise of pathwise, 1,000 dimensions / 1",
     1, of_path[-1] / of_path[0], 0.5, "100 batches"),
):
    ledger.add("F-C5", claim, value, seen, off, source)

# %%
for name, distance in wander.items():
    ledger.add("6.06", f"distance from 0, {name}", (0, 0.5), distance, 0, *five)
on_the_way = {name: float((path > 1).sum(0).double().mean()) for name, path in paths.items()}
slow, *quick = (on_the_way[name] for name in reversed(AGENTS))
smooth, of_reward, of_verdict = wander.values()
for claim, value, seen, off in (
    ("steps above a shift of 1: verdict / slower of the others",
     (1.5, inf), slow / max(quick), 0),
    ("distance from 0: verdict / larger of the others",
     (1, inf), of_verdict / max(smooth, of_reward), 0),
    ("distance from 0: REINFORCE, log D / pathwise", 1, of_reward / smooth, 0.5),
):
    ledger.add("6.06", claim, value, seen, off, *five)

# %% [markdown]
# ## Deeper: does the loss make the samples sharp?
#
# You train the three games twice, with a G that cannot make two modes and with one that can, and see when the loss explains blur and when it does not. You can skip to [the ledger](#The-ledger).

# %% [markdown]
# The old story: maximum likelihood blurs, GANs minimise JS, therefore
# GANs are sharp. Goodfellow's tutorial ("Generative Adversarial Networks", 2016) disagrees: the loss does
# not seem to explain why GAN samples are sharp; the approximation matters more. We can test this on the line. The data have two modes of
# unequal size, and "blurred" has a plain meaning: samples in the gap between the modes.
#
# First a G that **cannot** do it: a single Gaussian, with mean and width to learn. What should each loss
# do with it? The exact answer needs no GAN: we minimise the divergence that each loss descends, by
# quadrature.

# %%
two = Mixture((0.7, 0.3), (Normal(-1.5, 0.5), Normal(1.5, 0.5)))


def gap(x):
    """Share of samples between the modes, where |x| < 0.5.  (n, ...) -> (...)"""
    return (x.abs() < 0.5).double().mean(0)


def exact_fit(divergence):
    """The mean and sd of the Gaussian that descent on the divergence finds from N(0, 1)."""
    v = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for _ in range(400):
        (g,) = torch.autograd.grad(divergence(two, Normal(v[0], v[1].exp())), v)
        v.data -= 0.1 * g
    mean, log_sd = v.tolist()
    return mean, exp(log_sd)


fits = {name: exact_fit(divergence) for name, divergence in descends.items()}
for name, (mean, sd) in fits.items():
    print(f"{name:20} mean {mean:6.3f}   sd {sd:.3f}")


# %% [markdown]
# With one Gaussian, the loss matters a great deal: minimax and maximum likelihood spread over both modes,
# non-saturating settles on the larger one and forgets the other. (From other starts the answers differ:
# minimax has an even better minimum on the larger mode.) Do trained games, with five seeds, do the same?
# And what happens when G is a network that **can** make two modes?


# %%
class OneGaussian(torch.nn.Module):
    """K Gaussians side by side, each with a mean and a width."""

    def __init__(self):
        super().__init__()
        self.mean, self.log_sd = (torch.nn.Parameter(torch.zeros(K, 1)) for _ in range(2))

    def forward(self, z):
        return self.mean + self.log_sd.exp() * z


def fit(G, objective, dim, steps, d_steps, **rates):
    def sampler(n):
        return two.sample(n * K).view(n, K, 1)

    game = side_by_side_game(G, sampler, dim, ema_decay=0.99, **rates)
    for _ in train(game, objective, steps=steps, batch_size=128, d_steps=d_steps, every=steps):
        pass
    return game.sample(20_000)[..., 0]  # (20,000, K)


# %%
drawn = {"one Gaussian": {}, "a network": {}}
with profile.plan(steps=3 * profile.pick(smoke=10, cpu=2_000, gpu=4_000), about=25) as plan:
    for name, objective in games.items():
        torch.manual_seed(SEED)
        n = plan.steps // 15  # a fifth of a game's share; the Gaussian takes three of them
        simple = fit(OneGaussian(), objective, 1, 3 * n, d_steps=2, d_lr=5e-3, g_lr=2e-2)
        network = SideBySide(K, [8, 32, 32, 1])
        made = fit(network, objective, 8, 2 * n, d_steps=1, d_lr=2e-3, g_lr=1e-3)
        drawn["one Gaussian"][name], drawn["a network"][name] = simple, made

# %% tags=["figure"] covers=["6.07"] alt="Two rows of three panels with histograms of five seeds over the true density. With one Gaussian, minimax and maximum likelihood are wide and non-saturating sits on the larger mode; with a network all three follow both modes"
fig, axes = plt.subplots(2, 3, figsize=(10, 4.6), sharex=True, sharey=True)
x = torch.linspace(-4, 4, 401)
best = {name: Normal(*fit_of).log_prob(x).exp() for name, fit_of in fits.items()}
nb05.fits_by_loss(axes, drawn, x, two.log_prob(x).exp(), best)
plt.show()

# %% covers=["6.07"]
torch.manual_seed(SEED)
truth = two.sample(20_000)
print(f"true samples in the gap: {float(gap(truth)):.3f}\n")
print("                                    mean     sd    in the gap (five seeds)        W1")
moved = {}
for kind, by_loss in drawn.items():
    for name, sample in by_loss.items():
        moved[kind, name] = torch.stack([empirical_w1(one, truth) for one in sample.T])
        gaps = " ".join(f"{v:.2f}" for v in gap(sample))
        middle, width = sample.mean(0).mean(), sample.std(0).mean()
        w1 = moved[kind, name].mean()
        print(f"{kind:13} {name:20} {middle:6.2f} {width:6.2f}    {gaps:24} {w1:9.3f}")

# %% [markdown]
# Upper row: the trained games agree with the exact fits (dotted). With a G that cannot reach the
# data, each loss has to give something up, and the divergence, with the start, decides what: the loss
# *does* explain blur here.
#
# Lower row: the same three losses, the same data, a G that can make two modes. The shapes differ from
# seed to seed, for this is a short training of small networks. Each loss brings the samples at least twice as near to the data as with the Gaussian. All leave
# more in the gap than the data do, and far less than
# the blur above. So on this small example Goodfellow is right in the sense in which it was meant: what
# decides is the *approximation*, that is, what G and D can express and how far they are trained, and not
# the divergence on the label.
#
# We were gentle with maximum likelihood: G started with samples where data are.
# [Why it is noisy](#Why-it-is-noisy) shows what it is up against when G does not.

# %% [markdown]
# ### An open question, without a check
#
# You may now design a loss: choose the steepness over the
# scores, $r^2 f''(r)$, as you like, as long as it is not negative. Which samples should teach G at
# the beginning of a training, and which at the end? Design one that listens mostly to samples near
# $D = 1/2$, put it into an `Objective` (`dataclasses.replace(minimax, g_fake=...)`), and see with `fit`
# what it does to the two modes. (Our answer is in the [solutions](solutions/05_compare_the_losses.ipynb).)

# %% [markdown] tags=["solution"]
# *Our answer.* The steepness $D (1 - D)$ is largest at $D = 1/2$ and fades to both sides. Integrate it
# over $s$: the loss is $-D$ itself. G simply wants to be believed. It saturates on both sides, on the
# left as badly as minimax, so it has the same weakness at the beginning of a training.

# %% tags=["solution"]
from dataclasses import replace

torch.manual_seed(SEED)
believed_game = replace(minimax, g_fake=lambda s: -s.sigmoid())
steps = profile.pick(smoke=5, cpu=800, gpu=1_600)
network, rates = SideBySide(K, [8, 32, 32, 1]), {"d_lr": 2e-3, "g_lr": 1e-3}
sample = fit(network, believed_game, 8, steps, d_steps=1, **rates)
distances = [float(empirical_w1(one, truth)) for one in sample.T]
print("in the gap:", *(f"{v:.2f}" for v in gap(sample)))
print("W1:        ", *(f"{v:.3f}" for v in distances))

# %%
blur = float(gap(drawn["one Gaussian"]["maximum likelihood"]).min())
nearby = [js(two, Normal(*fits[name])) for name in ("non-saturating", "minimax")]
ledger.add("6.07", "2 JS on the larger mode - 2 JS spread over both",
           (-2, 0), 2 * float(nearby[0] - nearby[1]), 0, "quadrature")
for name, (mean, sd) in fits.items():
    simple, made = drawn["one Gaussian"][name], drawn["a network"][name]
    more = gap(made).mean() - gap(truth)
    nearer = moved["one Gaussian", name].mean() / moved["a network", name].mean()
    blurred = gap(made).max() / blur
    for claim, value, seen, off in (
        (f"one Gaussian, mean, {name}", mean, simple.mean(), 0.1),
        (f"one Gaussian, sd, {name}", sd, simple.std(0).mean(), 0.1),
        (f"in the gap / blur of one Gaussian, {name}, largest", (0, 0.8), blurred, 0),
        (f"in the gap, {name}, mean - that of the data", (0, 1), more, 0),
        (f"W1 with one Gaussian / with a network, {name}", (2, inf), nearer, 0),
    ):
        ledger.add("6.07", claim, value, seen, off, *five)

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, and what we measured. Rows of the deeper sections are folded with the rest.

# %%
for d, times, seen in zip((0.001, 0.01, 0.1, 0.5), (999, 99, 9, 1), ratio[:4], strict=True):
    says = "Where D = 0.001, the non-saturating slope is so many times minimax's."
    says = says if d == 0.001 else ""
    ledger.add("F-V4", f"non-saturating / minimax slope in s at D = {d}",
               times, seen, 1e-6, "(1 - D) / D", says=says)
ledger.add("F-V4", "slopes in s, autograd - table",
           0, slope_error, 1e-9, "Goodfellow 2016, sec. 3.2")
descent = {name: derivative(divergence, 1.0) for name, divergence in descends.items()}
sources = {"minimax": "Goodfellow et al. 2014, thm 1",
           "non-saturating": "Arjovsky & Bottou 2017, thm 2.5",
           "maximum likelihood": "Goodfellow 2016, exercise 3"}
for name, source in sources.items():
    says = "With the best D, -e^s has the gradient of maximum likelihood (t = 1)."
    says = says if name == "maximum likelihood" else ""
    ledger.add("F-V5", f"one step at t = 1, {name}, and its divergence",
               descent[name], exact[name], 1e-6, source, says=says)
both = exact["minimax"] + exact["non-saturating"]
ledger.add("F-V5", "minimax + non-saturating", 1, both, 1e-9, "d/dt KL(q||p)",
           says="The gradients of minimax and non-saturating add up to that.");

# %%
source = "a million samples"
ledger.add("F-V6", "Exercise 3 (b) at t = 1.5",
           1.5, found, 1e-9, "Goodfellow 2016, exercise 3")
ledger.add("F-V6", "counted, q copied", 1, heard["q copied (frozen)"], 0.02, source)
ledger.add("F-V6", "counted, q not copied", 0, heard["q not copied"], 0.02, source,
           says="If q is not copied, G's gradient is 0: it learns nothing.")
for t, value in effective.items():
    ledger.add("F-V6", f"share of samples that count, t = {t}",
               exp(-t * t), value, 1e-9, "exp(-t^2)")

# %%
over, source = believed[3.0] / effective[3.0], "2,000 batches"
ledger.add("F-V6", "samples of 1,000 that make up half of the gradient at t = 3",
           5, half_of_it[3.0], 2, source,
           says="At t = 3, so many of 1,000 samples make up half of the gradient.")
ledger.add("F-V6", "median estimate at t = 1 over the truth",
           1, estimates[1.0].median(), 0.02, source)
ledger.add("F-V6", "median estimate at t = 4 over the truth",
           (0.2, 0.5), estimates[4.0].median(), 0, source,
           says="At t = 4 the typical estimate of that gradient is this share of the truth.")
ledger.add("F-V6", "a batch at t = 3 believes to be worth more than it is, by the factor",
           (60, 120), over, 0, "500 batches")
nothing = torch.log(1 - torch.tensor(17.5).sigmoid())
ledger.add("float32", "log(1 - sigmoid(17.5))", -float("inf"), nothing, 0, "float32")
ledger.add("play", "minimax pushes hardest at t", (1, 2), hardest, 0, "quadrature",
           says="At this shift minimax pushes hardest; farther away it fades.");

# %%
m, n, v = ({t: relative[name, t] for t in at} for name in LOSSES)
rare = v[3.0] / ((exp(9) - 1) / 1_000) ** 0.5
for claim, value, seen, shown_only, says in (
    ("non-saturating at t = 3 / t = 1", (0, 1), n[3.0] / n[1.0], False, ""),
    ("minimax / maximum likelihood at t = 3", (0, 0.2), m[3.0] / v[3.0], False,
     "Noise at t = 3, minimax over maximum likelihood."),
    ("minimax at t = 3 / t = 1", (1.5, 10), m[3.0] / m[1.0], False, ""),
    ("maximum likelihood at t = 3 / its theory", (0, 1), rare, True, ""),
):
    source = "this run" if shown_only else "500 batches"
    ledger.add("noise", claim, value, seen, 0, source, shown_only=shown_only, says=says)
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - The three losses agree on the goal and differ in who teaches. Minimax and maximum likelihood listen
#   to samples that look real, the non-saturating loss to those that D rejects. Slopes that matter are
#   slopes against the score.
# - With the best D, minimax descends $2\,\mathrm{JS}$, non-saturating $\mathrm{KL}(q\|p) -
#   2\,\mathrm{JS}$, and $-e^{s}$ descends $\mathrm{KL}(p \| q)$: that is maximum likelihood.
# - It is right on average and rests on few samples: at a shift of $t$ standard deviations, $n$ of them
#   are worth $n e^{-t^2}$.
# - D must stand still while G moves. Let it move along, and the third loss is constant.
#
# ## In practice
#
# - *Which one do people use?* Often non-saturating, with a penalty on D's slope
#   ([R1](glossary.md#r1)), as StyleGAN does, or the [hinge](glossary.md#hinge) loss, where G's loss is
#   $-s$, as in BigGAN. Large comparisons (Lucic et al., Kurach et al., below) found that with equal tuning
#   the choice of loss matters less than networks, regularisation and budget.
# - *Never take logarithms of probabilities.* `log(1 - sigmoid(s))` in float32 is $-\infty$ from about
#   $s = 17$ on. Work with scores and `softplus`.
# - *The exponential loss needs a belt.* The package bends $-e^{s}$ into a parabola beyond $s = 20$, so
#   that one odd score does not end the training. It cannot bend away the noise.
# - *A loss that does not fade is not yet a good loss.* On disjoint supports the non-saturating gradient
#   stays large and may point anywhere. That is where the Wasserstein distance
#   ([notebook 07](07_move_earth.ipynb)) begins.
# - *REINFORCE in GANs* (a gradient from rewards alone) is used for text and molecules, always with a baseline, and with care.
#
# ## Further reading
#
# - [Goodfellow 2016, NIPS Tutorial](https://arxiv.org/abs/1701.00160): section 3.2 holds the three
#   games; 7.3 and 8.3 are Exercise 3 and its solution.
# - [Goodfellow 2014, On distinguishability criteria](https://arxiv.org/abs/1412.6515): where noise-contrastive
#   estimation (NCE), maximum likelihood and GANs are put side by side, and why no D makes the *first* game maximum likelihood.
# - [Arjovsky & Bottou 2017, Towards principled methods](https://arxiv.org/abs/1701.04862): the
#   gradients of both losses under a perfect D, and what comes of them.
# - [Shannon et al. 2020, Non-saturating GAN training as divergence minimization](https://arxiv.org/abs/2010.08029):
#   the divergence behind the non-saturating loss, and how to compare divergences.
# - [Gutmann & Hyvärinen 2010, Noise-contrastive estimation](https://proceedings.mlr.press/v9/gutmann10a.html):
#   normalising constants by classification.
# - [Lucic et al. 2018, Are GANs created equal?](https://arxiv.org/abs/1711.10337): the sober comparison
#   of losses on images.
# - [Kurach et al. 2019, A large-scale study on regularization and normalization in GANs](https://arxiv.org/abs/1807.04720):
#   the same question with penalties and norms varied as well.
#
# [Notebook 06](06_choose_a_divergence.ipynb) goes on from here, and chooses a divergence.
