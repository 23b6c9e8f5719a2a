# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · Maximum likelihood and KL divergence: the best Gaussian stands where no data are
#
# **What you'll do.** You fit one Gaussian to data with two modes, by three measures of "close", and find out why a
# deep generator cannot be fitted by likelihood at all.
#
# **What you'll learn**
#
# - why the most likely model is the one with the least KL divergence, and what the loss is when the fit is perfect
# - to predict what a fit does with two modes: cover both, choose one, or change its mind
# - where each divergence becomes infinite, and how large it can get
# - why nobody can compute the likelihood of a deep generator, which is where GANs begin
#
# **What you'll need.** Integrals, logarithms, and the normal distribution. Nothing about GANs yet.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import math

import matplotlib.pyplot as plt
import torch

from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb01, use_style
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth.densities import Mixture, Normal, Uniform

use_style()
torch.set_num_threads(1)  # all tensors here are small: a second thread would only wait
profile = choose(PROFILE)
ledger = Ledger("01")

# %% [markdown]
# ## Guess first
#
# Our [data](glossary.md#data) are numbers. Half of them fall around $-2$, half around $+2$, and hardly any in
# between: their [distribution](glossary.md#distribution) has two [modes](glossary.md#mode).

# %%
def two_modes(apart):
    """Half of the data around -apart, half around +apart, each half with sd 1/2."""
    return Mixture((0.5, 0.5), (Normal(-apart, 0.5), Normal(apart, 0.5)))


p = two_modes(2.0)
torch.manual_seed(SEED)
data = p.sample(200).double()  # float64 throughout: we are going to compare many digits

# %% tags=["figure"] alt="The blue density of the data, with one mode at -2 and one at +2 and next to nothing between them; below it a tick for each of 200 data, half of them left, half right"
u = torch.linspace(-6, 6, 601, dtype=torch.float64)
nb01.data_and_density(u, p.log_prob(u).exp(), data)
plt.show()

# %% [markdown]
# All that you may use to describe them is *one Gaussian*, that is, one normal density. You choose its mean and its
# standard deviation (sd). Of all Gaussians, one makes the data *most likely*. Where does it have its peak?
#
# 1. on one of the modes; it does not matter on which
# 2. half way between them, where hardly any data are
# 3. there is no best Gaussian: each one is beaten by another
#
# Decide before you go on.

# %% [markdown] covers=["2.01"]
# ## A model and its likelihood, by hand
#
# Three words for the whole series:
#
# - the *data [density](glossary.md#density)* $p(x)$. Nobody knows it, except in notebooks like this one, where we made
#   it up so that truth can stand beside every estimate;
# - the *data* $x_1, \dots, x_n$: independent draws from $p$. This is all that one has in practice;
# - the *model density* $q_\theta(x)$, or $q$ for short: a family of densities, one for each parameter $\theta$. Ours
#   are Gaussians, and $\theta$ is a mean $\mu$ and an sd $\sigma$.
#
# The wish: choose $\theta$ so that $q_\theta$ is close to $p$. But how, if we have only data?

# %% [markdown] covers=["2.02"] topics=["maximum likelihood"]
# *Maximum [likelihood](glossary.md#likelihood)* answers: take the $\theta$ under which our data would have been most
# probable. The data are independent, so their joint density is a product. The (natural) logarithm is increasing, so
# it leaves the maximum where it is, and turns the product into a sum:
#
# $$ L(\theta) = \prod_{i=1}^n q_\theta(x_i), \qquad
#    \theta^\star = \arg\max_\theta L(\theta) = \arg\max_\theta \sum_{i=1}^n \log q_\theta(x_i) . $$
#
# ### Exercise 1.1 · The log-likelihood
#
# For a Gaussian, $q_\theta(x) = \frac{1}{\sigma\sqrt{2\pi}}\, e^{-(x-\mu)^2 / 2\sigma^2}$. Write down $\log L$: one
# number for all data. (So that it can also take many Gaussians at once, `mean` and `sd` may have the shape (rows, 1):
# then the terms have the shape (rows, n), and you add along the last axis.)
#
# {{help}}


# %% tags=["exercise"]
def log_likelihood(x, mean, sd):
    """log L of data x (n,).  mean, sd: tensors () -> (), or (rows, 1) -> (rows,)"""
    # solution
    terms = -0.5 * ((x - mean) / sd) ** 2 - torch.log(sd) - 0.5 * math.log(2 * math.pi)
    return terms.sum(-1)


# %%
log_likelihood = check("1.1", log_likelihood)

# %% [markdown]
# The package has the same logarithms in `Normal(mean, sd).log_prob`. Do both agree? And what would have become of the
# product, for 2,000 data?

# %%
mean, sd = torch.tensor([0.0, 2.0]).double()
many = p.sample(2_000).double()
by_package = Normal(0.0, 2.0).log_prob(many)
assert abs(log_likelihood(many, mean, sd) - by_package.sum()) < 1e-8
print("product of 2,000 densities:", by_package.exp().prod().item())
print("sum of their logarithms:   ", round(float(log_likelihood(many, mean, sd)), 1))

# %% [markdown]
# The product is too small for any float, the sum of logarithms is an ordinary number. In training one prefers something to *minimise* that does not grow with $n$: the mean
# **negative log-likelihood** (NLL), $-\frac1n \log L(\theta)$.
#
# ### Exercise 1.2 · The most likely Gaussian
#
# Take a pencil, differentiate the NLL by $\mu$ and by $\sigma$, set both derivatives to zero,
# and write down where that happens: the mean and the sd of the most likely Gaussian, from the data.
#
# {{help}}


# %% tags=["exercise"]
def most_likely(x):
    """(mean, sd) of the Gaussian under which the data x (n,) are most likely"""
    # solution
    return x.mean(), x.std(unbiased=False)


# %%
most_likely = check("1.2", most_likely)
formula = torch.tensor([*most_likely(data)], dtype=torch.float64)

# %% [markdown]
# <details><summary>The two derivatives</summary>
#
# $$ \frac{\partial}{\partial \mu}:\ \frac1n\sum_i \frac{\mu - x_i}{\sigma^2} = 0
#    \ \Rightarrow\ \mu = \frac1n \sum_i x_i = \bar x, \qquad
#    \frac{\partial}{\partial \sigma}:\ \frac1\sigma - \frac1n\sum_i \frac{(x_i - \mu)^2}{\sigma^3} = 0
#    \ \Rightarrow\ \sigma^2 = \frac1n \sum_i (x_i - \bar x)^2 . $$
# </details>
#
# ### Does descent find it, too?
#
# A network has no such formula: there one walks downhill. Does it work where we know the goal? Adam,
# a gradient descent with momentum, starts at five places. One call follows all of them: each row of `theta` has a loss
# of its own, and the gradient of the sum moves each row as if it were alone.


# %%
def descend(loss, start, steps, lr=0.1):
    """Adam from each row of `start`; loss: a number for each.  -> (steps + 1, rows, ...)"""
    theta = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([theta], lr, betas=(0.9, 0.99))
    slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 1e-3, steps)  # to settle
    path = [theta.detach().clone()]
    for _ in range(steps):
        optimiser.zero_grad()
        loss(theta).sum().backward()
        optimiser.step()
        slower.step()
        path.append(theta.detach().clone())
    return torch.stack(path)


# %%
def nll(theta):
    """NLL of the data under Gaussians theta = (mean, log sd).  (rows, 2) -> (rows,)"""
    return -log_likelihood(data, theta[:, :1], theta[:, 1:].exp()) / len(data)


def mean_and_log_sd(pairs):
    """Rows (mean, sd) -> rows (mean, log sd): so the sd stays positive wherever we step."""
    mean, sd = torch.tensor(pairs, dtype=torch.float64).unbind(1)
    return torch.stack([mean, sd.log()], dim=1)


starts = mean_and_log_sd([[-3.0, 0.5], [-2.0, 3.0], [2.0, 0.4], [3.0, 2.0], [3.5, 0.6]])
with profile.plan(steps=profile.pick(smoke=30, cpu=600, gpu=600), about=3) as plan:
    path = descend(nll, starts, plan.steps)
mle = path[-1, 0]

# %% tags=["figure"] alt="Map of the negative log-likelihood over mean and sd: one valley. Five paths from different starts end at its lowest point, where the star of the formula is, at a mean near 0 and an sd near 2"
m, s = torch.meshgrid(torch.linspace(-4, 4, 65), torch.linspace(0.3, 4.5, 64), indexing="ij")
everywhere = torch.stack([m.flatten(), s.flatten().log()], dim=1).double()
nb01.descent_of_likelihood(m, s, nll(everywhere).reshape(m.shape), path, formula)
plt.show()
print(f"             mean        sd\nformula   {formula[0]:+.6f}  {formula[1]:.6f}")
print(f"descent   {mle[0]:+.6f}  {mle[1].exp():.6f}")

# %% [markdown]
# Dots are starts, orange lines the ways down; the darker, the lower. There is one valley, and every path ends at its
# bottom, at your formula. (The paths swing from the momentum.) The most likely Gaussian has the mean and the variance
# of the data, and forgets everything else about them.
#
# <details><summary>And the guess: where does it have its peak?</summary>
#
# **Half way between the modes** (answer 2). A Gaussian on one mode would give the data of the other mode a density of
# nearly nothing, and the logarithm of nearly nothing is a large negative number: likelihood punishes *leaving data
# out* without mercy. A peak where no data are does little harm. So the most likely Gaussian is wide, and it draws many
# of its own samples from the gap.
# </details>

# %% [markdown]
# ### Deeper: a variance that is too small
#
# You will see by how much the most likely Gaussian is too narrow when data are few; or go on to [From likelihood to KL](#From-likelihood-to-KL).

# %% [markdown]
# The formula divides by $n$ and not by $n - 1$. On average over data sets the variance comes out too small, by exactly
# the factor $(n-1)/n$. Here with 40,000 data sets of five:

# %%
torch.manual_seed(SEED + 1)
small = p.sample(5 * 40_000).double().reshape(-1, 5)
shrink = float(small.var(dim=1, unbiased=False).mean() / p.sd**2)
print(f"mean variance of the most likely / variance of p = {shrink:.3f}, theory {4 / 5}")
ledger.add("F-D1", "variance of the MLE, n = 5", 4 / 5, shrink, 0.01, "theory of samples");

# %% [markdown] covers=["2.03"] topics=["KL divergence"]
# ## From likelihood to KL
#
# What does the NLL tend to with more and more data? A mean over data becomes an expectation $\mathbb{E}_p$ over
# their distribution. Then we add and subtract $\log p$:
#
# $$ -\frac1n\sum_i \log q_\theta(x_i)\ \longrightarrow\ -\mathbb{E}_{x\sim p} \log q_\theta(x)
#  = \underbrace{-\mathbb{E}_p \log p(x)}_{H(p),\ \text{entropy}}
#  + \underbrace{\mathbb{E}_p \log \frac{p(x)}{q_\theta(x)}}_{\mathrm{KL}(p\,\|\,q_\theta)} . $$
#
# The entropy $H(p)$ does not contain $\theta$. So **to maximise the likelihood is to minimise
# $\mathrm{KL}(p\,\|\,q_\theta)$**, the Kullback-Leibler divergence ([KL](glossary.md#kl)), up to the noise of the data. It is never
# negative, and 0 only for $q = p$. (Why? $-\log$ is strictly convex. For such a function, says Jensen's inequality,
# the mean of the values is at least the value at the mean:
# $\mathbb{E}_p[-\log \frac qp] \ge -\log \mathbb{E}_p \frac qp \ge -\log 1 = 0$. The last:
# $\mathbb{E}_p \frac qp = \int_{p > 0} q$ is the mass of $q$ where $p > 0$, at most 1.)
#
# ### Exercise 1.3 · KL between two Gaussians
#
# Derive $\mathrm{KL}(N(\mu_p, \sigma_p^2)\,\|\,N(\mu_q, \sigma_q^2))$ with a pencil, and write it down as a function.
# A check: with both sd 1 it should become $t^2/2$, where $t$ is the distance of the means.
#
# {{help}}


# %% tags=["exercise"]
def kl_normals(mean_p, sd_p, mean_q, sd_q):
    """KL(N(mean_p, sd_p^2) || N(mean_q, sd_q^2)).  four numbers -> number"""
    # solution
    return math.log(sd_q / sd_p) + (sd_p**2 + (mean_p - mean_q) ** 2) / (2 * sd_q**2) - 0.5


# %% tags=["solution"]
# E_p log p = -log sd_p - log(2 pi)/2 - E_p (x - mean_p)^2 / (2 sd_p^2); the last term is 1/2.
# E_p log q = -log sd_q - log(2 pi)/2 - E_p (x - mean_q)^2 / (2 sd_q^2), and
# E_p (x - mean_q)^2 = sd_p^2 + (mean_p - mean_q)^2. The difference is the formula.
# As a function of the model it is a parabola in mean_q, so the mean has one valley.

# %%
kl_normals = check("1.3", kl_normals)

# %% [markdown]
# For our $p$ with its two modes there is no such formula. The package integrates numerically instead (*quadrature*),
# to many digits. On your two Gaussians both must agree:

# %%
from gan_tutorial.truth.divergences import entropy, expectation, kl

by_quadrature = float(kl(Normal(1.0, 0.5), Normal(-1.0, 3.0)))
assert abs(kl_normals(1.0, 0.5, -1.0, 3.0) - by_quadrature) < 1e-9
print(f"formula {kl_normals(1.0, 0.5, -1.0, 3.0):.8f}   quadrature {by_quadrature:.8f}")

# %% [markdown]
# Now the arrow in the formula above. We give the Gaussian the sd of $p$, move its mean, and draw the NLL of twelve
# data sets of each size. The dashed line is $H(p) + \mathrm{KL}$, by quadrature.

# %%
means = torch.linspace(-3, 3, 41, dtype=torch.float64)
H = float(entropy(p))
limit = torch.stack([H + kl(p, Normal(float(mean), p.sd)) for mean in means])
torch.manual_seed(SEED + 2)
lines, sd = {}, torch.tensor(p.sd).double()
for n in (10, 100, 1_000):
    sets = p.sample(12 * n).double().reshape(12, 1, n)
    lines[n] = -log_likelihood(sets, means[:, None], sd) / n  # (12, 41)

# %% tags=["figure"] alt="Three panels for 10, 100 and 1,000 samples: twelve thin curves of the negative log-likelihood over the mean gather around the dashed curve of entropy plus KL, which stays above the line of the entropy"
nb01.nll_gathers(means, lines, limit, H)
plt.show()

# %% [markdown]
# The thin lines gather on the dashed one as $n$ grows. Two things to read off:
#
# - The floor is not zero. A *perfect* model has the NLL $H(p)$, whatever number that is; for continuous data it can
#   even be negative. A loss that stands still at 1.42 may mean "perfect", as it would here, or "bad": the loss alone
#   does not say.
# - Our Gaussians never reach the floor, because no Gaussian has two modes. What is left at the best one is the KL that
#   this *family* cannot do without.

# %%
q_best = Normal(p.mean, p.sd)  # your formula, with the mean and sd of p itself
gap = float(kl(p, q_best))
cross_entropy = -float(expectation(p, q_best.log_prob))  # the NLL for infinitely many data
torch.manual_seed(SEED + 3)
fresh = -q_best.log_prob(p.sample(200_000).double())
print(f"entropy H(p)              {H:.6f}")
print(f"+ KL of the best Gaussian {gap:.6f}\n= {H + gap:.6f}")
print(f"NLL, by quadrature        {cross_entropy:.6f}")
print(f"NLL of 200,000 new data   {fresh.mean():.4f} ± {fresh.std() / len(fresh) ** 0.5:.4f}")

# %% [markdown] covers=["2.04"]
# ## Whose samples, under whose density?
#
# There are two distributions, so there are two questions, and people do mix them up:
#
# - **data under the model**, $\mathbb{E}_{x\sim p} \log q(x)$: would the model have produced *our data*? This is what
#   maximum likelihood raises. It needs a density $q$ that we can evaluate, and data.
# - **samples under the data density**, $\mathbb{E}_{x\sim q} \log p(x)$: would nature have produced *the model's
#   samples*? This is what we judge when we look at generated pictures. It needs $p$, which nobody has.
#
# Alone, the second would be won by a model that draws nothing but the one most likely $x$. So each of the two KL
# divergences weighs its question against an entropy:
# $\mathrm{KL}(p\|q) = -\mathbb{E}_p \log q - H(p)$, and the *reverse* one is
# $\mathrm{KL}(q\|p) = -\mathbb{E}_q \log p - H(q)$, which rewards variety. Two models, and $p$ itself:

# %%
models = {"one mode only": Normal(2.0, 0.5), "one wide Gaussian": q_best, "p itself": p}
torch.manual_seed(SEED + 4)
print(f"{'':18}{'data under the model':26}{'samples under p':24}KL(p‖q)   KL(q‖p)")
for name, q in models.items():
    row = f"{name:18}"
    for a, b in ((p, q), (q, p)):  # whose samples, under whose density
        counted = b.log_prob(a.sample(20_000).double()).mean()
        row += f"{counted:8.3f} (exact {expectation(a, b.log_prob):7.3f})   "
    print(f"{row[:-2]}{kl(p, q):9.3f}{kl(q, p):10.3f}")

# %% [markdown]
# *One mode only* draws flawless samples: under $p$ they are as good as data. But half of the
# data are next to impossible under it. *One wide Gaussian* is the other way round: data are reasonably likely, its
# samples are often nonsense. To look good and to have a good likelihood are two things.

# %% [markdown]
# ### Deeper: neither vouches for the other
#
# You will see how little a log-likelihood says about samples in many dimensions; or go on to [Three divergences](#Three-divergences).

# %% [markdown]
# Mix a perfect model with 99% of noise: as $q \ge p/100$, the log-likelihood falls by at most $\log 100 = 4.6$, while
# to guess the 784 grey values of a picture has the NLL $784 \log 256 = 4347$. And a model that hands out its training data
# draws perfect samples, and has the log-likelihood $-\infty$ on all others (Theis et al., below). Never judge pictures
# by the likelihood, or the likelihood by pictures. For our $p$, with noise of sd 20:

# %%
def noisy_p(at):
    """log of p / 100 + 99 / 100 of a wide noise."""
    noise = Normal(0.0, 20.0).log_prob(at) + math.log(0.99)
    return torch.logaddexp(p.log_prob(at) - math.log(100), noise)


fall = float(-H - expectation(p, noisy_p))
print(f"99% of noise: the log-likelihood falls by {fall:.3f}, at most {math.log(100):.3f}")
claim = "99% of noise: the log-likelihood falls by"
ledger.add("F-D1", claim, (0, math.log(100)), fall, 1e-9, "q >= p / 100");

# %% [markdown] covers=["2.08", "2.09"] topics=["Jensen–Shannon divergence"]
# ## Three divergences
#
# A *[divergence](glossary.md#divergence)* is a number $\ge 0$ for two distributions that is 0 exactly if they are
# equal. Besides the two KLs we need one more, the *Jensen-Shannon divergence* ([JS](glossary.md#js)). It compares both
# sides with their average $m = (p+q)/2$:
#
# $$ \mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p\,\|\,m) + \tfrac12 \mathrm{KL}(q\,\|\,m) . $$
#
# It is symmetric, it is 0 exactly if $p = m = q$, and as $m \ge p/2$, no logarithm in it ever exceeds $\log 2$. If
# $p$ and $q$ have no place in common, then $m = p/2$ wherever data are and $m = q/2$ wherever samples are, and
# JS equals $\log 2$ exactly.
#
# On a fine grid of the line an integral is a sum. For smooth densities that vanish at both ends, this plain sum is
# astonishingly exact. Only log-densities go in, for a quotient of densities would overflow:

# %%
x = torch.linspace(-16, 16, 641, dtype=torch.float64)
dx = float(x[1] - x[0])


def kl_sum(log_p, log_q):
    """KL(p || q) from log-densities on the grid x.  (..., 641), (..., 641) -> (...)"""
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1) * dx


# %% [markdown]
# ### Exercise 1.4 · The Jensen-Shannon divergence
#
# Write JS with the help of `kl_sum`. How do you get $\log m$ without leaving the logarithms? (Look up
# `torch.logaddexp`.)
#
# {{help}}


# %% tags=["exercise"]
def js_sum(log_p, log_q):
    """JS(p, q) from log-densities on the grid x.  (..., 641), (..., 641) -> (...)"""
    # solution
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return (kl_sum(log_p, log_m) + kl_sum(log_q, log_m)) / 2


# %%
js_sum = check("1.4", js_sum)

# %% [markdown]
# The package has these divergences, too, by a finer quadrature.

# %%
from gan_tutorial.truth.divergences import jensen_shannon, reverse_kl, total_variation

BY_HAND = {"KL": kl_sum, "reverse KL": lambda log_p, log_q: kl_sum(log_q, log_p), "JS": js_sum}
DIVERGENCES = {"KL": kl, "reverse KL": reverse_kl, "JS": jensen_shannon}
q = Normal(0.5, 1.2)
for name, by_hand in BY_HAND.items():
    ours, theirs = float(by_hand(p.log_prob(x), q.log_prob(x))), float(DIVERGENCES[name](p, q))
    print(f"{name:11} by hand {ours:.10f}   package {theirs:.10f}")
    assert abs(ours - theirs) < 1e-8

# %% [markdown]
# ### Where they become infinite
#
# Read the integrands. $\mathrm{KL}(p\|q)$ contains $p \log \frac pq$: it is infinite if there is a region **with data
# where the model never goes** ($p > 0$, $q = 0$). Turned round, $\mathrm{KL}(q\|p)$ is infinite if the model **puts
# samples where no data can be** ($q > 0$, $p = 0$). Where the density in front is 0 nothing is added: $0 \log 0$
# counts as 0. Uniform distributions on intervals have such regions. The last column is the *total variation*
# ([TV](glossary.md#total-variation)), $\frac12\int|p-q|$: the largest difference that the two can have in the probability of any event.

# %% tags=["nbval-check-output"] topics=["disjoint supports"]
CASES = {
    "model misses half of the data": (Uniform(0, 2), Uniform(0, 1)),
    "half of the samples off the data": (Uniform(0, 1), Uniform(0, 2)),
    "nothing in common": (Uniform(0, 1), Uniform(2, 3)),
    "equal": (Uniform(0, 1), Uniform(0, 1)),
}
print(f"{'':34}  KL(p‖q)  KL(q‖p)       JS       TV")
for name, (a, b) in CASES.items():
    numbers = [float(f(a, b)) for f in (*DIVERGENCES.values(), total_variation)]
    print(f"{name:34}" + "".join(f"{abs(v):9.5f}" for v in numbers))

# %% [markdown]
# All of these numbers can be had with a pencil. If the model misses half of the data,
# $\mathrm{KL}(q\|p) = \log\frac{1}{1/2} = \log 2$, and JS $= \frac34\log\frac43 = 0.21576$ (try it). Remember both:
# you will meet them again when a Gaussian sits on one of two modes. And look at the row *nothing in common*: JS is
# $\log 2$ there, whether the two are near or far. A model that is to be improved by descending JS learns nothing there.

# %% [markdown]
# ### Deeper: too thin in the tails
#
# You will see KL become infinite between two densities that are positive everywhere; or go on to [Play: three integrands](#Play:-three-integrands).

# %% [markdown]
# Zeros are not the only way to infinity. The normal density is positive everywhere, and yet it may be *too thin in
# the tails*. For a Cauchy density $p(x) = 1/(\pi(1+x^2))$ and $q = N(0,1)$, here is the integral of $p\log\frac pq$
# over larger and larger intervals:

# %%
from gan_tutorial.truth.quadrature import panels

for L in (10, 100, 1_000, 10_000):
    at, weight = panels(torch.linspace(-L, L, 4 * L + 1))  # points and weights on [-L, L]
    log_cauchy = -math.log(math.pi) - torch.log1p(at**2)
    part = (weight * log_cauchy.exp() * (log_cauchy - Normal(0, 1).log_prob(at))).sum()
    print(f"from {-L:7,} to {L:6,}: {part:9.2f}")

# %% [markdown]
# The integrand tends to $1/2\pi$ and not to 0, so in the end ten times the interval has ten times the integral: KL is
# infinite. JS stays at or below $\log 2$ whatever the tails do.

# %% [markdown]
# ## Play: three integrands
#
# Each divergence is the area under a curve: $p\log\frac pq$ for KL, $q\log\frac qp$ for reverse KL, and
# $\frac12 p\log\frac pm + \frac12 q\log\frac qm$ for JS.


# %%
def log_densities(mean, sd, apart, at):
    return two_modes(apart).log_prob(at), Normal(mean, sd).log_prob(at)


def integrands(log_p, log_q):
    """What KL, reverse KL and JS add up, point by point."""
    p, q, log_m = log_p.exp(), log_q.exp(), torch.logaddexp(log_p, log_q) - math.log(2)
    half_each = (p * (log_p - log_m) + q * (log_q - log_m)) / 2
    return {"KL": p * (log_p - log_q), "reverse KL": q * (log_q - log_p), "JS": half_each}


def areas(mean, sd, apart):
    on_grid = log_densities(mean, sd, apart, x)
    return {name: float(f(*on_grid)) for name, f in BY_HAND.items()}


# %% [markdown]
# We draw the two densities on the left, the three integrands on the right. Move the model (in the live notebook, with
# the sliders) and watch *where* each measure finds something to add. To answer by playing:
#
# 1. Make KL as small as you can. Where does it grow when the Gaussian is narrow?
# 2. Do the same with reverse KL. How many good places are there?
# 3. Set *modes at plus minus* to 2.1. Can you find two quite different Gaussians that JS can hardly tell apart?

# %% tags=["widget"] alt="Left: blue data with two modes and an orange Gaussian that leans to the right one. Right: the three integrands. That of KL is large over the left mode, which the model misses; that of reverse KL is large between the modes; that of JS stays small"
from gan_tutorial.lesson.live import explore

explore(nb01.integrand_explorer(u, log_densities, integrands, areas), panels=2, size=(10, 3.5),
        mean_of_q=(-4.0, 4.0, 1.2, 0.05), sd_of_q=(0.4, 3.5, 0.9, 0.05),
        modes_at_plus_minus=(0.0, 3.0, 2.0, 0.05))  # fmt: skip

# %% [markdown]
# At the start, as in the stored picture, the Gaussian leans to the mode on the right. KL counts the *left* mode, where
# the model has next to nothing. Reverse KL counts the *gap*, where $p$ has next to nothing. JS counts a little of
# both. The integrands of both KLs dip below zero: only their whole area is never negative. That of JS never does.
#
# <details><summary>What we found by playing</summary>
#
# (1) The narrower the Gaussian, the more the outer flanks of the modes add; the best is mean 0 and sd about 2.05.
# (2) Two: one on each mode, with sd 0.5. (3) Mean 0 with sd 2.15, and mean ±2.1 with sd 0.5: 0.213 and 0.216.
# </details>

# %% [markdown] covers=["2.07"]
# ## One Gaussian for two modes
#
# Now the fits. Which Gaussian does each of the three call the best? Guess: on a mode, or between? We search with
# Nelder-Mead, a method that needs no gradient, from each mode and from the middle; and once more with the modes a
# little farther apart.


# %%
from scipy.optimize import minimize


def best_gaussian(divergence, p):
    """(value, mean, sd) of the Gaussian nearest to p."""

    def loss(v):
        return float(divergence(p, Normal(v[0], math.exp(v[1]))))

    starts = [*((float(part.mean), -0.5) for part in reversed(p.parts)), (0, 0.7)]
    found = [minimize(loss, start, method="Nelder-Mead") for start in starts]
    best = min(found, key=lambda fit: round(fit.fun, 6))  # of two equally good ones the first
    return best.fun, best.x[0], math.exp(best.x[1])


exact = {}
for apart in (2.0, 2.5):
    mixture = two_modes(apart)
    exact[apart] = {name: best_gaussian(f, mixture) for name, f in DIVERGENCES.items()}

# %% tags=["figure"] topics=["mode covering and mode seeking", "reverse KL"] alt="Two panels: data with two modes, and the best Gaussian by three measures. KL: a wide one in the middle, both times. Reverse KL: a narrow one on one mode, both times. JS: wide on the left, narrow on the right" covers=["2.07"]
pictures = {}
for apart, fits in exact.items():
    on_u = {name: Normal(mean, sd).log_prob(u).exp() for name, (_, mean, sd) in fits.items()}
    pictures[f"modes at ±{apart:g}"] = (two_modes(apart).log_prob(u).exp(), on_u)
nb01.best_fits(u, pictures)
plt.show()

# %% [markdown]
# KL wants the wide Gaussian, whose peak is where no data are. Reverse KL wants a single mode, and leaves out half of
# the data (the other mode would be just as good). JS sides with KL on the left, and with reverse KL on the right. None
# of them is wrong: they answer different questions.
#
# Now the landscapes, by the same `descend` as above, with a divergence on the grid as the loss. Which of the three has
# only one valley?

# %%
log_p = p.log_prob(x)


def gaussians(theta):
    """log-densities on the grid x; theta = (mean, log sd).  (rows, 2) -> (rows, 641)"""
    mean, sd = theta[:, :1], theta[:, 1:].exp()
    return -0.5 * ((x - mean) / sd) ** 2 - torch.log(sd) - 0.5 * math.log(2 * math.pi)


pairs = [[-3.0, 1.0], [-1.0, 0.5], [-0.4, 2.5], [0.6, 2.5], [1.0, 0.6], [3.0, 1.5]]
six, paths = mean_and_log_sd(pairs), {}
with profile.plan(steps=profile.pick(smoke=30, cpu=600, gpu=600), about=2) as plan:
    for name, f in BY_HAND.items():
        paths[name] = descend(lambda t, f=f: f(log_p, gaussians(t)), six, plan.steps)

# %% tags=["figure"] alt="Three maps over mean and sd with six paths each. KL: all paths end in one valley in the middle. Reverse KL: two valleys on the modes and a shallow one in the middle. JS: a valley in the middle and one on each mode"
stars = {name: fit[1:] for name, fit in exact[2.0].items()}
maps = {name: f(log_p, gaussians(everywhere)).reshape(m.shape) for name, f in BY_HAND.items()}
nb01.descents_of_divergences(m, s, maps, paths, stars)
plt.show()

# %% [markdown]
# The star is the optimum that Nelder-Mead found (of two equal ones the right).
#
# - **KL** has one valley. Every start ends in the middle, at the mean and sd of $p$.
# - **Reverse KL** has a deep valley on each mode: the start decides which one you get. A poor third one is half way.
# - **JS** has valleys in the middle and on both modes, of nearly equal depth.

# %%
ends = {name: f(log_p, gaussians(paths[name][-1])) for name, f in BY_HAND.items()}
for name, values in ends.items():
    value, mean, sd = exact[2.0][name]
    print(f"{name}: best {value:.4f} at mean {mean:+.3f}, sd {sd:.3f}; the descents end at")
    found = zip(values, paths[name][-1], strict=True)
    print("   ", "  ".join(f"{v:.4f} ({t[0]:+.2f}, {t[1].exp():.2f})" for v, t in found))

# %% [markdown]
# Minimising KL is *mass-covering*: nothing that has data may be left out. Minimising reverse KL is
# *mode-seeking*: never put samples where no data are, and if that leaves out a mode, so be it. To leave out half of
# the data has a reverse KL of just $\log 2 = 0.6931$, as with the intervals (minus a trace, because the modes overlap
# a little), and a JS of $\frac34 \log\frac43 = 0.2158$.
#
# ### When the modes move apart
#
# For JS the middle and the mode are nearly equally good at ±2. What if the modes move? For each of 46 distances we fit
# a Gaussian from the middle and one from the right mode, and keep the better one.

# %%
distances = torch.linspace(0.25, 3.4, 46, dtype=torch.float64)
log_ps = torch.stack([two_modes(float(a)).log_prob(x) for a in distances]).repeat(2, 1)
middle = torch.stack([torch.full((46,), 0.05), (distances**2 + 0.25).sqrt().log()], dim=1)
on_mode = torch.stack([distances, torch.full((46,), math.log(0.5))], dim=1)
both = torch.cat([middle, on_mode]).double()
best_mean, best_value = {}, {}
with profile.plan(steps=profile.pick(smoke=20, cpu=500, gpu=500), about=5) as plan:
    for name, f in BY_HAND.items():
        end = descend(lambda t, f=f: f(log_ps, gaussians(t)), both, plan.steps, lr=0.05)[-1]
        best_value[name], winner = f(log_ps, gaussians(end)).reshape(2, 46).min(dim=0)
        best_mean[name] = end[:, 0].reshape(2, 46).gather(0, winner[None])[0].abs()

# %% tags=["figure"] alt="Left: the centre of the best Gaussian over the distance of the modes. For KL it stays at 0. For reverse KL it leaves 0 when the modes part; for JS it jumps to the mode later. Right: the best values; reverse KL levels off at log 2 and JS at 0.2158, KL goes on growing"
nb01.moving_apart(distances, best_mean, best_value)
plt.show()
jump = {}
for name in ("reverse KL", "JS"):
    jump[name] = float(distances[(best_mean[name] > 0.3).nonzero()[0]])
    print(f"by {name} the best Gaussian leaves the middle at about ±{jump[name]:.2f}")

# %% [markdown]
# While $p$ is nearly a Gaussian, all three agree: the choice of divergence matters only where the model cannot do the
# job. Then reverse KL turns to one mode, and later JS does. Both *jump*: the valley in the middle stays there, but
# another one has become lower. From there on their values are constant: they have written off the other mode, however
# far away it is. KL goes on growing.

# %% [markdown]
# ## Deeper: the best Gaussian without a search
#
# You will write down the best Gaussian for any mixture, and predict the fits to unequal modes; or skip to [Why a deep generator has no likelihood](#Why-a-deep-generator-has-no-likelihood).

# %% [markdown]
# The KL fit has the moments of $p$ by the same two derivatives as above, with $\mathbb{E}_p$ in the place of
# $\frac1n\sum_i$.
#
# ### Exercise 1.5 · Moments of a mixture
#
# A mixture of Gaussians has weights $w_i$, means $\mu_i$ and standard deviations $\sigma_i$. Return the mean and the sd
# of the Gaussian with the least $\mathrm{KL}(p\|q)$.
#
# {{help}}


# %% tags=["exercise"]
def moments(weights, means, sds):
    """(mean, sd) of the Gaussian that is best in KL.  three lists of numbers -> two numbers"""
    # solution
    mean = sum(w * m for w, m in zip(weights, means, strict=True))
    square = sum(w * (s**2 + m**2) for w, m, s in zip(weights, means, sds, strict=True))
    return mean, math.sqrt(square - mean**2)


# %%
moments = check("1.5", moments)
at_2 = moments([0.5, 0.5], [-2.0, 2.0], [0.5, 0.5])
print("modes at ±2:", tuple(round(v, 6) for v in at_2))
print("Nelder-Mead:", tuple(round(float(v), 6) for v in exact[2.0]["KL"][1:]))

# %% [markdown]
# ### Unequal modes
#
# Give the left mode 60% of the data: `Mixture((0.6, 0.4), ...)`. First predict, then measure with `best_gaussian`:
#
# - Which mode does reverse KL choose, and at which value?
# - Now make the heavy mode four times as narrow. Does the choice change?
# - And total variation? Hand `total_variation` to `best_gaussian`, and explain its choice in a sentence.

# %%
sixty = Mixture((0.6, 0.4), (Normal(-2.0, 0.5), Normal(2.0, 0.5)))
narrow = Mixture((0.6, 0.4), (Normal(-2.0, 0.125), Normal(2.0, 0.5)))
by_reverse = [best_gaussian(reverse_kl, mixture) for mixture in (sixty, narrow)]
_, tv_mean, tv_sd = best_gaussian(total_variation, sixty)
for name, (value, mean, sd) in zip(("sd 0.5", "sd 0.125"), by_reverse, strict=True):
    print(f"reverse KL, heavy mode of {name}: {value:.4f} at mean {mean:.2f}, sd {sd:.2f}")
print(f"total variation: mean {tv_mean:.2f}, sd {tv_sd:.2f}")
claim = "TV, 60% on the left: mean of the best bell"
ledger.add("E1.4", claim, (-2, -1.7), tv_mean, 0, "by search")
ledger.add("E1.4", "TV, 60% on the left: sd of the best bell", 0.8, tv_sd, 0.05, "by search")
for name, (value, mean, _) in zip(("0.5", "0.125"), by_reverse, strict=True):
    claim = f"60% on the left with sd {name}: reverse KL of the best Gaussian"
    ledger.add("E1.4", claim, math.log(1 / 0.6), value, 1e-3, "log 1/w")
    claim = f"60% on the left with sd {name}: its mean"
    ledger.add("E1.4", claim, -2, mean, 0.01, "by search")

# %% [markdown]
# A Gaussian that copies a mode of weight $w$ has reverse KL $\log\frac1w$, provided that the modes are well apart: the
# heaviest mode wins, and its width plays no part, because the Gaussian can have any width. Total variation counts the
# mass that is left out, about $1 - w$, wherever it is. It also goes for the heaviest mode, and makes the Gaussian wider
# than that (sd 0.8): it may sink to 60% of its height before it leaves out any of the mode's middle.

# %% [markdown]
# ## Deeper: as many modes as the model can hold
#
# You will see that reverse KL does not prefer few modes, and that a descent may end elsewhere than at the best; or skip to [Why a deep generator has no likelihood](#Why-a-deep-generator-has-no-likelihood).

# %% [markdown] covers=["2.11"]
# It is tempting to conclude: "reverse KL prefers few modes, so models trained with something like it
# [collapse](glossary.md#mode-collapse)". But we gave it *one* Gaussian, and one Gaussian cannot be on two modes.
# Goodfellow's tutorial puts it precisely: reverse KL prefers as many modes **as the model can represent**. So let the
# model be a mixture: $k$ Gaussians whose means, widths and weights are all free. First, $k = 2$.


# %%
def mixtures(theta, at=x):
    """log-densities; theta: means, log sds, weight logits.  (rows, 3, k) -> (rows, points)"""
    mean, log_sd, logit = (part[:, None, :] for part in theta.unbind(dim=1))
    square = ((at[:, None] - mean) / log_sd.exp()) ** 2
    log_parts = -0.5 * square - log_sd - 0.5 * math.log(2 * math.pi)
    return (logit.log_softmax(dim=-1) + log_parts).logsumexp(dim=-1)


def random_mixtures(rows, k):
    """Starts: means from N(0, 2^2), sd 1, equal weights.  -> (rows, 3, k)"""
    zeros = torch.zeros(rows, k)
    return torch.stack([2 * torch.randn(rows, k), zeros, zeros], dim=1).double()


def shares(log_q, centres):
    """The model's mass nearest to each centre.  (rows, 641) -> (rows, centres)"""
    nearest = (x[:, None] - torch.tensor(centres)).abs().argmin(dim=1)
    masses = [log_q[:, nearest == i].exp().sum(dim=1) * dx for i in range(len(centres))]
    return torch.stack(masses, dim=1)


# %%
torch.manual_seed(SEED + 5)
begin = random_mixtures(10, 2)
with profile.plan(steps=profile.pick(smoke=20, cpu=600, gpu=600), about=1) as plan:
    end = descend(lambda t: kl_sum(mixtures(t), log_p), begin, plan.steps)[-1]
two = kl_sum(mixtures(end), log_p)
two_shares = shares(mixtures(end), (-2.0, 2.0))
for (a, b), value, (left, right) in zip(begin[:, 0], two, two_shares, strict=True):
    found = f"reverse KL {abs(value):.4f}, mass on the modes {left:.2f} and {right:.2f}"
    print(f"from {a:5.2f} and {b:5.2f}: {found}")

# %% [markdown]
# The best value is 0, with half of the mass on each mode: reverse KL does want both. Yet from some of the starts
# descent ends on a single mode, with the value $\log 2$. That is a valley too, and descent does not climb out.
#
# So keep two things apart: **what a divergence prefers** (its lowest point) and **where a descent ends**. Now four
# modes, models with four Gaussians, and the same thirty starts for two losses:
#
# - the NLL of 1,000 data, that is, KL up to a constant and noise; it needs no $p$;
# - reverse KL, which needs $p$, and gets it here because we know it.

# %%
CENTRES = (-4.5, -1.5, 1.5, 4.5)
four = Mixture([0.25] * 4, [Normal(centre, 0.3) for centre in CENTRES])
log_four = four.log_prob(x)
torch.manual_seed(SEED + 6)
samples, begin = four.sample(1_000).double(), random_mixtures(30, 4)
losses = {
    "likelihood": lambda t: -mixtures(t, samples).mean(dim=1),
    "reverse KL": lambda t: kl_sum(mixtures(t), log_four),
}
fitted = {}
with profile.plan(steps=profile.pick(smoke=20, cpu=800, gpu=800), about=8) as plan:
    for name, loss in losses.items():
        fitted[name] = mixtures(descend(loss, begin, plan.steps, lr=0.05)[-1])

# %% tags=["figure"] alt="Five of the thirty starts in five columns. Upper row, fitted by likelihood: every mode is covered, some blurred together. Lower row, fitted by reverse KL: several fits leave modes out" covers=["2.11"]
mass = {name: shares(log_q, CENTRES) for name, log_q in fitted.items()}
hit = {name: (share[:5] > 0.05).sum(dim=1).tolist() for name, share in mass.items()}
first_five = {name: log_q[:5].exp() for name, log_q in fitted.items()}
nb01.mixtures_found(x, log_four.exp(), first_five, hit)
plt.show()

# %%
poorest = {name: share.min(dim=1).values for name, share in mass.items()}
print("share of the poorest of the four modes (fair: a quarter), from thirty starts, sorted")
for name, share in poorest.items():
    print(f"{name}: ", " ".join(f"{v:.2f}" for v in share.sort().values))
at_ends = kl_sum(fitted["reverse KL"], log_four).sort().values
print("reverse KL at its thirty ends, sorted:")
print("            ", " ".join(f"{abs(v):.2f}" for v in at_ends))

# %% [markdown]
# The columns are the first five starts; here a mode counts if it has more than 5% of the mass (with samples we
# [count otherwise](00_start_here.ipynb#What-we-measure)). By likelihood, every
# start covers all four modes. Some ends are poor too, but *blurred* (one wide Gaussian over two modes): nothing is
# missing. By reverse KL the best fits are perfect as well. But from the same starts many descents end with modes
# missing. To cover three of four has the value $\log\frac43 = 0.29$, two of four $\log 2 = 0.69$; the way back leads
# through regions where samples have a large loss.
#
# > **A sentence that you may meet.** "Generative Adversarial Network" (lecture notes in Chinese) says that mode collapse is seen
# > even if one minimises the KL divergence directly. Read it as: *even if a GAN is trained with a generator loss made for KL*. Under
# > exact likelihood a missing mode has a large loss, and none of thirty starts ended with one. So a collapse in a GAN
# > need not come from the divergence that its loss is named after; the game itself can do it.

# %%
source, seen = "30 starts", {"shown_only": True}
fair, single = two_shares[two.argmin()].min(), (two > 0.6).sum()
blurred = kl_sum(log_four.expand_as(fitted["likelihood"]), fitted["likelihood"])
missing, poor = (poorest["reverse KL"] < 0.05).sum(), (blurred > 0.1).sum()
least = poorest["likelihood"].min()
for fact, claim, value, found, tolerance, why, more in (
    ("2.11", "two bells, reverse KL: best", 0, two.min().abs(), 1e-3, "q = p", {}),
    ("2.11", "smaller share at the best", 0.5, fair, 1e-2, "q = p", {}),
    ("2.11", "starts of two bells that end on one hill", (1, 9), single, 0, "10 starts", seen),
    ("E8", "MLE: poorest hill of all", (0.1, 0.26), least, 0, source, {}),
    ("E8", "MLE: ends that are poor (KL above 0.1)", (1, 29), poor, 0, source, seen),
    ("E8", "reverse KL: ends with a hill missing", (8, 29), missing, 0, source, {}),
    ("E8", "reverse KL: best end", 0, at_ends[0].abs(), 1e-2, "q = p", {}),
):
    more = more or {"needs_training": True}
    ledger.add(fact, claim, value, found, tolerance, why, **more)

# %% [markdown]
# ## Deeper: how far is far?
#
# You will see what all divergences have in common close by: one geometry, that of the Fisher information; or skip to [Why a deep generator has no likelihood](#Why-a-deep-generator-has-no-likelihood).

# %% [markdown] covers=["2.10"]
# A divergence is often introduced as "a distance between distributions on a statistical manifold". How much of that is
# true? A *statistical manifold* is a family of distributions seen as a surface, each point a distribution: for the
# Gaussians, the half plane with coordinates mean and sd.
#
# Close by, all three divergences measure the same thing, up to a factor. For a small step $\delta$ of the parameters,
#
# $$ \mathrm{KL}(q_\theta\|q_{\theta+\delta}) \approx \mathrm{KL}(q_{\theta+\delta}\|q_\theta) \approx
#    \tfrac12\, \delta^\top F \delta, \qquad \mathrm{JS} \approx \tfrac18\, \delta^\top F \delta, \qquad
#    F = \begin{pmatrix} 1/\sigma^2 & 0 \\ 0 & 2/\sigma^2 \end{pmatrix} , $$
#
# where $F$ is the *Fisher information*. That is the squared length of the step in units of $\sigma$. Here $F$
# should be the matrix of second derivatives of KL at $\delta = 0$:

# %%
theta = torch.tensor([0.3, 0.7], dtype=torch.float64)  # mean and sd


def kl_to(other):
    return kl(Normal(theta[0], theta[1]), Normal(other[0], other[1]))


fisher = torch.diag(torch.stack([theta[1] ** -2, 2 * theta[1] ** -2]))
hessian = torch.autograd.functional.hessian(kl_to, theta)
print("second derivatives of KL:", [round(v, 6) for v in hessian.flatten().tolist()])
print("Fisher information:      ", [round(v, 6) for v in fisher.flatten().tolist()])
for i in (0, 1):
    claim = f"second derivative of KL: {i + 1}/sd²"
    ledger.add("2.10", claim, fisher[i, i], hessian[i, i], 1e-6, "Fisher information")

# %% [markdown]
# Now the half plane as a map. Around nine Gaussians we draw the lines where KL, reverse KL and 4 JS have the value
# 0.05. The dotted ellipses come from $F$.

# %%
import itertools


def nearby(mean, sd):
    """{name: (means, sds, values)} from a Gaussian to those around it; JS times 4."""
    side = torch.linspace(-0.4, 0.4, 33, dtype=torch.float64)
    mm, ss = torch.meshgrid(mean + sd * side, sd + sd * side, indexing="ij")
    log_q = gaussians(torch.stack([mm.flatten(), ss.flatten().log()], dim=1))
    here = Normal(mean, sd).log_prob(x)
    values = {name: f(here, log_q).reshape(33, 33) for name, f in BY_HAND.items()}
    return {name: (mm, ss, 4 * v if name == "JS" else v) for name, v in values.items()}


# %% tags=["figure"] topics=["Fisher information"] alt="The half plane of mean and sd with nine points, each surrounded by nearly equal contours of KL, reverse KL and JS, close to the ellipses of the Fisher information; the contours grow with sd"
nine = itertools.product((-1.7, 0.0, 1.7), (0.5, 1.0, 2.0))
nb01.one_geometry((mean, sd, nearby(mean, sd)) for mean, sd in nine)
plt.show()

# %% [markdown]
# Four lines nearly on top of each other, around each point: locally there is one geometry. "Near" is wide where the
# Gaussian is wide: to move a broad one by 0.1 changes little. Look closely, and the lines of the divergences are
# displaced upwards, that of KL the most: it forgives a model that is too wide sooner than one that is too narrow.
# Along a path, how fast do they part?

# %% tags=["nbval-check-output"]
start = Normal(0.0, 1.0)
print("along δ = step · (1, 1)")
print("step     KL / ½δ'Fδ   reverse KL / ½δ'Fδ   JS / ⅛δ'Fδ")
for step in (1.0, 0.1, 0.01):
    other, half = Normal(step, 1 + step), 0.5 * step**2 * (1 + 2)
    values = kl(start, other), kl(other, start), 4 * jensen_shannon(start, other)
    ratios = [float(value) / half for value in values]
    print(f"{step:<6g}{ratios[0]:13.4f}{ratios[1]:18.4f}{ratios[2]:17.4f}")

# %% [markdown]
# All three ratios go to 1 as the step gets small; at a step of 1, two of them are below one half.

# %% [markdown]
# ## Deeper: in the large
#
# You will see which divergences still say something when data and model are far apart; or skip to [Why a deep generator has no likelihood](#Why-a-deep-generator-has-no-likelihood).

# %% [markdown]
# Far away each goes its own way. We take $p = N(0,1)$, move $q = N(t,1)$ away from it, and add four relatives: Jeffreys
# (both KLs added), squared Hellinger $\int(\sqrt p - \sqrt q)^2$, Pearson $\int (p-q)^2/q$, and
# [Wasserstein](glossary.md#wasserstein-distance) $W_1$, the mean way that the mass of $p$ has to be carried to become $q$. For this pair nearly all
# have a closed form ($\Phi$ is the distribution function of $N(0,1)$), a check of our quadrature. JS has none: we
# integrate it in another way, over $s = \log\frac pq$, which under $p$ is $N(t^2/2, t^2)$. By symmetry both halves of JS
# are equal, so JS is $\mathbb{E}_p \log\frac pm = \log 2 - \mathbb{E}_p \log(1 + e^{-s})$.

# %%
import numpy as np

from gan_tutorial.truth.divergences import jeffreys, pearson, squared_hellinger, w1


def Phi(t):
    return 0.5 * math.erfc(-t / math.sqrt(2))


def js_by_score(t):
    """log 2 - E log(1 + exp(-s)), s ~ N(t^2 / 2, t^2), by Gauss-Hermite quadrature."""
    node, weight = np.polynomial.hermite_e.hermegauss(100)
    return math.log(2) - weight @ np.logaddexp(0, -(t**2 / 2 + t * node)) / weight.sum()


def hellinger_of_shift(t):
    return 2 * (1 - math.exp(-(t**2) / 8))


# %%
SHIFT = {  # name: (formula, closed form, by quadrature)
    "KL, both ways": ("t²/2", lambda t: t**2 / 2, kl),
    "Jeffreys": ("t²", lambda t: t**2, jeffreys),
    "JS": ("(by score)", js_by_score, jensen_shannon),
    "total variation": ("2Φ(t/2) - 1", lambda t: 2 * Phi(t / 2) - 1, total_variation),
    "squared Hellinger": ("2(1 - exp(-t²/8))", hellinger_of_shift, squared_hellinger),
    "Pearson chi²": ("exp(t²) - 1", lambda t: math.exp(t**2) - 1, pearson),
    "Wasserstein W1": ("t", lambda t: t, w1),
}

# %% tags=["nbval-check-output"]
p0 = Normal(0.0, 1.0)
at = (0.5, 1, 2, 4, 8)
print(f"{'':18} {'formula':18}" + "".join(f"{f't = {t}':>13}" for t in at))
for name, (text, closed, by_quadrature) in SHIFT.items():
    values = [float(by_quadrature(p0, Normal(float(t), 1.0))) for t in at]
    assert all(abs(v - closed(t)) < 1e-7 * (1 + v) for v, t in zip(values, at, strict=True))
    print(f"{name:18} {text:18}" + "".join(f"{v:13.6g}" for v in values))
    ledger.add("F-D2", f"{name}, t = 1: {text}", closed(1.0), values[1], 1e-9, "theory")
ledger.add("F-D2", "JS, t = 8", js_by_score(8.0),
           jensen_shannon(p0, Normal(8.0, 1.0)), 1e-6, "by score");  # fmt: skip

# %% tags=["figure"] alt="Divergences between two Gaussians over their distance: KL grows like a parabola, W1 like a straight line, while JS and total variation flatten out"
ts = torch.linspace(0, 8, 81)
drawn = ("KL, both ways", "JS", "total variation", "Wasserstein W1")
nb01.in_the_large(ts, {name: [SHIFT[name][1](float(t)) for t in ts] for name in drawn})
plt.show()

# %% [markdown]
# KL goes up like a parabola, JS and total variation go flat: beyond about $t = 6$ they say "different" and nothing
# more. Flat means *no slope*: a model that is to be improved by descending JS learns nothing out there. W1 does what
# the word distance promises; [07](07_move_earth.ipynb) is about it.

# %% [markdown]
# ## Deeper: is it a distance?
#
# You will find out in which sense a divergence is a distance, with a search for counterexamples; or skip to [Why a deep generator has no likelihood](#Why-a-deep-generator-has-no-likelihood).

# %% [markdown] covers=["2.10"]
# A distance has to be symmetric, and a detour must not be shorter: $d(p, r) \le d(p, q) + d(q, r)$. KL fails both. JS
# is symmetric, and fails the second as it stands; but $\sqrt{\mathrm{JS}}$ passes (Endres & Schindelin 2003). We do not
# prove it, but search for a counterexample: 20,000 random triples of distributions on five points. We also test three
# inequalities between the divergences of any two distributions:
#
# $$ \mathrm{TV} \le \sqrt{\mathrm{KL}/2}\ \text{ (Pinsker)}, \qquad
#    \tfrac12 \mathrm{TV}^2 \le \mathrm{JS} \le \log 2 \cdot \mathrm{TV} \le \log 2 . $$

# %%
torch.manual_seed(SEED + 7)
spread = torch.distributions.Dirichlet(torch.full((5,), 0.4, dtype=torch.float64))
P, Q, R = (spread.sample((20_000,)).clamp(min=1e-12) for _ in range(3))


def discrete_kl(a, b):
    return (a * (a / b).log()).sum(dim=-1)


def discrete_js(a, b):
    return ((discrete_kl(a, (a + b) / 2) + discrete_kl(b, (a + b) / 2)) / 2).clamp(min=0)


def root_of_js(a, b):
    return discrete_js(a, b).sqrt()


violations = {}
for name, d in {"KL": discrete_kl, "JS": discrete_js, "sqrt JS": root_of_js}.items():
    violations[name] = int((d(P, R) > d(P, Q) + d(Q, R) + 1e-9).sum())
print("triples in which the detour is shorter, of 20,000:", violations)

# %%
tv, kl_pq, js_pq = (P - Q).abs().sum(dim=-1) / 2, discrete_kl(P, Q), discrete_js(P, Q)
excess = {
    "TV - sqrt(KL/2)": float((tv - (kl_pq / 2).sqrt()).max()),
    "TV²/2 - JS": float((tv**2 / 2 - js_pq).max()),
    "JS - log 2 · TV": float((js_pq - math.log(2) * tv).max()),
}
print("largest value of what must not be positive:")
print({name: round(v, 6) for name, v in excess.items()})

# %% tags=["figure"] topics=["Pinsker's inequality"] alt="Two clouds of points. Left: total variation over KL, all below Pinsker's curve. Right: JS over total variation, all between a parabola and a straight line that meet at 0"
nb01.inequalities(kl_pq[:1000], tv[:1000], js_pq[:1000])
plt.show()
for name, worst in excess.items():
    ledger.add("F-D4", f"{name} <= 0", (-1, 0), worst, 1e-9, "20,000 random pairs")
paper, triples = "Endres & Schindelin 2003", "20,000 random triples"
ledger.add("F-D4", "sqrt JS: triangles broken", 0, violations["sqrt JS"], 0, paper)
for name in ("KL", "JS"):
    ledger.add("F-D4", f"{name}: triangles broken", (1, 20_000), violations[name], 0, triples)

# %% [markdown]
# No point crosses a line (1,000 of them are drawn), no triple violates the triangle inequality of
# $\sqrt{\mathrm{JS}}$, and for KL and JS there are plenty that do. So KL and JS are no distances, $\sqrt{\mathrm{JS}}$
# is one. On the left, a small KL forces a small TV, but not the other way round. On the right, JS is caught between
# two curves that meet at 0: if JS or TV goes to 0, so does the other.

# %% [markdown] covers=["2.05"]
# ## Why a deep generator has no likelihood
#
# A *[generator](glossary.md#generator)* is a far richer model than a Gaussian: draw a simple random $z$ (the
# *[latent](glossary.md#latent)*) from a known density $p_z$, push it through a neural network, and call the result
# $x = G(z)$. Sampling is trivial. And the density $q(x)$ of what comes out? One often finds it written as
#
# $$ q(x) = \int p_z(z)\, I[G(z) = x]\, dz , $$
#
# with $I = 1$ if $G(z) = x$ and 0 otherwise. For *discrete* $x$ that is right. For continuous $x$, read it with care:
# the $z$ that give *exactly* $x$ have probability 0, so the integral is 0 for every $x$. What is meant is a limit: the
# probability to fall into a small window around $x$, divided by the size of the window. On the line one can work it out
# ([below](#Deeper:-the-density-of-G%28z%29) by finding every $z$, and in
# [02](02_play_the_game.ipynb#Deeper:-G-is-a-distribution-without-a-formula) without an inverse). For pictures, to find
# every $z$ with $G(z) = x$ is hopeless: where there is a density, it is only
# [implicit](glossary.md#implicit-density).
#
# What about the definition itself: draw many $z$, and count how many $G(z)$ fall into a window around $x$? We make that
# as easy as we can: the simplest generator, $G(z) = z$, at the best point, $x = 0$, where the density is largest, with
# a generous window, ±½ in each of $d$ coordinates. The exact probability of a hit is $a^d$, where $a$ is that for
# one coordinate. We have a million samples.

# %%
torch.manual_seed(SEED + 8)
N, hit_one = 1_000_000, math.erf(0.5 / math.sqrt(2))
hits, inside = {}, torch.ones(N, dtype=torch.bool)
for d in range(1, 25):
    inside &= torch.randn(N).abs() < 0.5  # one more coordinate has to be inside as well
    hits[d] = int(inside.sum())
for d in (1, 2, 4, 8, 12, 16, 20, 24):
    print(f"d = {d:2}: {hits[d]:9,} hits, expected {N * hit_one**d:12,.2f}")

# %% [markdown]
# The relative error of such a count is about one over the root of the number of hits: an error of 10% takes 100 hits,
# that is, $100/a^d$ samples. The dots are $100\,N/\text{hits}$ as counted, where there were hits.

# %% tags=["figure"] topics=["curse of dimensionality"] alt="Samples needed for an error of ten per cent, on a logarithmic axis, over the dimension: a straight line upwards, with dots on it until the million samples bring no more hits"
nb01.samples_needed(hit_one, {d: 100 * N / n for d, n in hits.items() if n > 0}, N)
plt.show()
exponent = 2 - 784 * math.log10(hit_one)
print(f"a FashionMNIST picture has 784 coordinates: 10^{exponent:.0f} samples")

# %% [markdown]
# A straight line on a logarithmic axis: *exponential* in $d$. Near $d = 35$ a billion per second, for a year, are too
# few. (And a window of ±½ was generous: a smaller one would need more.) Where $G$ has fewer inputs than outputs, as it usually has,
# [it gets worse](#Deeper:-fewer-inputs-than-outputs): there is no density at all.

# %% [markdown]
# ## Deeper: the density of G(z)
#
# You will compute the exact density of a small random network, fold by fold; or skip to [What a GAN does instead](#What-a-GAN-does-instead).

# %% [markdown] covers=["2.05"]
# In one dimension the limit can be worked out. Each $z$ with $G(z) = x$ brings its density, thinned by the factor by
# which $G$ stretches the line there (if $G'(z) \ne 0$):
#
# $$ q(x) = \sum_{z:\ G(z) = x} \frac{p_z(z)}{|G'(z)|} . $$
#
# Let us take a small random network from the line to the line, find all such $z$, and compare with a histogram.

# %%
torch.manual_seed(9)  # not SEED: a network with some folds
w, b, out = (torch.randn(3, 12) * torch.tensor([[3.0], [2.0], [0.5]])).double()


def G(z):
    """A random network with one hidden layer of 12 units.  (n,) -> (n,)"""
    return torch.tanh(z[:, None] * w + b) @ out


fine = torch.linspace(-6, 6, 6001, dtype=torch.float64)  # latents beyond 6 hardly ever occur


# %%
def inputs_of(value, G):
    """All z with G(z) = value: where G(z) - value changes its sign, interpolated."""
    off = G(fine) - value
    k = ((off[:-1] < 0) != (off[1:] < 0)).nonzero().flatten()
    return fine[k] - off[k] * (fine[k + 1] - fine[k]) / (off[k + 1] - off[k])


def density_of(value, G):
    """q(value): the sum of p_z(z) / |G'(z)| over all z with G(z) = value."""
    z = inputs_of(value, G).requires_grad_()
    (slope,) = torch.autograd.grad(G(z).sum(), z)
    return float((Normal(0, 1).log_prob(z.detach()).exp() / slope.abs()).sum())


# %% tags=["figure"] topics=["change of variables"] alt="Left: the purple curve of a small network G(z), which rises and falls, and a horizontal line that meets it several times. Right: the density of G(z) by the formula on top of a histogram; it has spikes where G turns round"
outputs = G(torch.randn(200_000, dtype=torch.float64))
low, high = float(outputs.quantile(0.001)) - 0.1, float(outputs.quantile(0.999)) + 0.1
points = torch.linspace(low, high, 500, dtype=torch.float64)
z, height = fine[1500:4501], float(outputs.median())
by_formula = [density_of(value, G) for value in points]
nb01.crossings_and_density(z, G(z), height, inputs_of(height, G), outputs, points, by_formula)
plt.show()

# %% [markdown]
# The formula follows the histogram into every corner. Even this tiny network folds the line several times, and at each
# fold ($G' = 0$) the density is infinite: a spike, and a step beside it. (Flat ends of $G$ give spikes too.) To check
# the code against a known truth, take $G(z) = z^2$: its density is that of $\chi^2$ with one degree of freedom,
# $e^{-x/2}/\sqrt{2\pi x}$.

# %%
for value in (0.5, 1.0, 4.0):
    truth = math.exp(-value / 2) / math.sqrt(2 * math.pi * value)
    found = density_of(value, lambda z: z**2)
    print(f"x = {value}: density_of {found:.6f}, chi² {truth:.6f}")
square_at_1, at_1 = density_of(1.0, lambda z: z**2), math.exp(-0.5) / math.sqrt(2 * math.pi)
ledger.add("2.05", "density of z² at 1", at_1, square_at_1, 1e-5, "chi²");

# %% [markdown]
# It took a search over *all* $z$ for the likelihood of *one* number. For pictures, both $z$ and $x$ are vectors: to
# solve $G(z) = x$ for a deep network is hopeless in general, and the slope becomes the determinant of a large matrix.
#
# ### Exercise 1.6 · A generator that folds
#
# Let $z \sim N(0,1)$ and $G(z) = z^2 - 1$. Write the density $q(x)$ of $x = G(z)$ for a tensor of points, also for
# those that $G$ never reaches. The function `density_of` above may serve as a check, but find the formula.
#
# {{help}}


# %% tags=["exercise"]
def folded(points):
    """The density of z^2 - 1 for z ~ N(0, 1).  tensor (...) -> tensor (...)"""
    # solution
    z = (points + 1).clamp(min=1e-12).sqrt()  # the other input is -z: the same again
    normal = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    return torch.where(points > -1, 2 * normal / (2 * z), 0.0)


# %%
folded = check("1.6", folded)
at = torch.tensor([-0.5, 0.0, 2.0], dtype=torch.float64)
print("formula:   ", [round(v, 6) for v in folded(at).tolist()])
print("density_of:", [round(density_of(value, lambda z: z**2 - 1), 6) for value in at])

# %% [markdown]
# ## Deeper: fewer inputs than outputs
#
# You will see why a usual generator has no density at all, and what noise does to its likelihood; or skip to [What a GAN does instead](#What-a-GAN-does-instead).

# %% [markdown] covers=["2.05"]
# Typically $z$ has 64 coordinates and $x$ has 784. Then the outputs fill only a thin sheet without volume, like a
# curve in the plane: there is no density $q(x)$ at all. Data are never exactly on the sheet, so the limit above gives 0
# for them, and a log-likelihood of $-\infty$. A usual remedy is to add a little normal noise of sd $\tau$ to $G(z)$. In
# the plane, with a circle as the sheet, we can afford the integral over $z$, as a mean over 20,000 points of the
# circle; our "data" scatter around it with sd 0.05.

# %%
torch.manual_seed(SEED + 9)
turn = torch.arange(20_000, dtype=torch.float64) / 20_000 * 2 * math.pi
circle = torch.stack([turn.cos(), turn.sin()], dim=1)
own = circle[torch.randint(20_000, (100,))]
around = own + 0.05 * torch.randn(100, 2)
squares = [torch.cdist(scattered, circle).square() for scattered in (around, own)]
by_noise = {}
print("mean log-likelihood\nnoise τ   of the data   of G's own samples (without noise)")
for noise in (0.3, 0.1, 0.05, 0.02, 0.005):
    size = math.log(20_000 * 2 * math.pi * noise**2)  # of points and of noise
    log_q = [(-sq / (2 * noise**2)).logsumexp(dim=1) - size for sq in squares]
    by_noise[noise], of_own = (float(log.mean()) for log in log_q)
    print(f"{noise:<7g}{by_noise[noise]:14.2f}{of_own:16.2f}")
likeliest = max(by_noise, key=by_noise.get)
claim = "noise that makes the data most likely"
ledger.add("2.05", claim, 0.05, likeliest, 0, "of these five");

# %% [markdown]
# The same generator, the same data, and very different numbers. Of these five, the true noise makes the data most
# likely; with less, their log-likelihood falls towards $-\infty$ like $-1/\tau^2$, while that of G's own samples rises
# towards $+\infty$. The number speaks about the noise that *we* added, and hardly about the generator.

# %% [markdown] covers=["2.06"] topics=["density ratio estimation"]
# ## What a GAN does instead
#
# We have a generator from which we can sample, and no likelihood. How shall we adjust its parameters so that $q$ comes
# close to $p$? **This is the question that GANs answer**: let a second network learn to tell data
# from samples, and use *what it learned*.
#
# Such a network knows something about divergences. We fit a
# *[score](glossary.md#score)* $s(x)$, high on data and low on samples, with the usual loss of a binary classifier,
# $\mathbb{E}_p \log(1 + e^{-s}) + \mathbb{E}_q \log(1 + e^{s})$ (`softplus` is $\log(1 + e^t)$). Nothing but samples
# goes in. For two Gaussians of equal sd a straight line $s$ will do. Afterwards we read off its mean on the data. Can you
# guess what it will be?


# %%
from torch.nn.functional import softplus


def mean_score_on_data(seed, n=50_000):
    """Tell samples of N(0, 1) and N(1, 1) apart by s(x) = slope * x + shift; then E_p s."""
    torch.manual_seed(seed)
    real, fake = torch.randn(n), 1 + torch.randn(n)
    line = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=50, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        s_real, s_fake = line[0] * real + line[1], line[0] * fake + line[1]
        value = softplus(-s_real).mean() + softplus(s_fake).mean()
        value.backward()
        return value

    optimiser.step(loss)
    return float((line[0] * real + line[1]).mean().detach())


# %%
from_samples = [mean_score_on_data(SEED + i) for i in range(5)]
print("E_p s over five seeds:", [round(v, 3) for v in from_samples])
print("KL, by your formula:  ", kl_normals(0.0, 1.0, 1.0, 1.0))

# %% [markdown]
# Up to the noise of the samples the mean score *is* the KL divergence, and neither density was ever evaluated. Why a
# classifier finds $s(x) = \log\frac{p(x)}{q(x)}$ (if its network is rich enough to), and which divergence a generator
# minimises that learns from it, is the subject of [02](02_play_the_game.ipynb).

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, and what we measured. Rows of the deeper sections are folded with the rest.

# %%
trained = {"needs_training": True}
gathered = {n: (ys - limit).abs().max(dim=1).values.mean() for n, ys in lines.items()}
nlls = [-float(one.log_prob(data).mean()) for one in (p, Normal(*formula.tolist()))]
for claim, value, seen, tolerance, why, more in (
    ("descent on the NLL: mean", formula[0], mle[0], 1e-3, "derived above", trained),
    ("descent on the NLL: sd", formula[1], mle[1].exp(), 1e-3, "derived above", trained),
    ("NLL = H(p) + KL", H + gap, cross_entropy, 1e-9, "derived above",
     {"says": "The NLL of the best Gaussian is entropy plus KL."}),
    ("NLL of new data", H + gap, fresh.mean(), 0.02, "derived above", {}),
    ("thin lines to the dashed one: 1,000 / 10 samples",
     (0, 0.3), gathered[1_000] / gathered[10], 0, "root of n", {}),
    ("NLL of p / of the best bell, on the data",
     (0, 0.9), nlls[0] / nlls[1], 0, "no Gaussian has two modes", {}),
):  # fmt: skip
    ledger.add("F-D1", claim, value, seen, tolerance, why, **more)

# %%
log_2, apart = math.log(2), CASES["nothing in common"]
said = {"says": "JS of two distributions with nothing in common is log 2, ..."}
for claim, value, f, more in (
    ("JS of disjoint laws: log 2", log_2, jensen_shannon, said),
    ("KL of disjoint laws", math.inf, kl, {"says": "... and their KL is infinite."}),
    ("TV of disjoint laws", 1, total_variation, {}),
):
    ledger.add("F-D3", claim, value, f(*apart), 1e-9, "definition", **more)
says = "The best Gaussian by KL stands here, half way between modes at ±2."
for name, places in {"KL": (0, 0), "reverse KL": (2, 2.5), "JS": (0, 2.5)}.items():
    for apart, place in zip((2.0, 2.5), places, strict=True):
        claim, seen = f"{name}: best mean, hills at ±{apart:g}", exact[apart][name][1]
        ledger.add("F-D5", claim, place, seen, 0.02, "by search", says=says)
        says = ""
wide, narrow_one = Normal(0.0, 2.15), Normal(2.1, 0.5)
difference = jensen_shannon(two_modes(2.1), wide) - jensen_shannon(two_modes(2.1), narrow_one)
claim = "JS of two different bells, hills at ±2.1, apart"
ledger.add("F-D5", claim, 0, difference, 5e-3, "quadrature");

# %%
root, by_descent = math.sqrt(4.25), paths["KL"][-1, 0, 1].exp()
on_one, levels = ends["reverse KL"].min(), {"reverse KL": log_2, "JS": 0.75 * math.log(4 / 3)}
moments_of_p, half = "moment matching", "one half left out"
for claim, value, seen, tolerance, why, more in (
    ("KL fit: sd = sqrt(2² + ½²)", root, exact[2.0]["KL"][2], 1e-3, moments_of_p,
     {"says": "Its sd is that of p, wide enough for both modes."}),
    ("KL fit by descent: sd", root, by_descent, 1e-2, moments_of_p, trained),
    ("reverse KL on one hill: log 2", log_2, on_one, 1e-3, half,
     trained | {"says": "On one of two modes the reverse KL is log 2 ..."}),
    ("JS on one hill: ¾ log 4/3", levels["JS"], exact[2.5]["JS"][0], 1e-3, half,
     {"says": "... and JS is ¾ log 4/3."}),
):  # fmt: skip
    ledger.add("F-D5", claim, value, seen, tolerance, why, **more)

# %%
later, least = jump["JS"] - jump["reverse KL"], best_value["KL"].diff().min()
claim = "JS leaves the middle later than reverse KL, by"
ledger.add("F-D5", claim, (0.5, 1), later, 0, "this run", **trained)
for name, level in levels.items():
    far = best_value[name][distances > 2.5].mean()
    claim = f"{name} of the best bell, far apart"
    ledger.add("F-D5", claim, level, far, 1e-2, half, **trained)
claim = "KL of the best bell grows with the distance, least step"
ledger.add("F-D5", claim, (0, 1), least, 0, "this run", **trained)
expected, counted = math.log10(N * hit_one**8), math.log10(hits[8])
ledger.add("2.05", "log10 of hits, d = 8", expected, counted, 0.12, "(2Φ(½) - 1)^8")
score = sum(from_samples) / len(from_samples)
says = "The mean score of a classifier on the data is KL."
ledger.add("2.06", "mean score = KL", 0.5, score, 0.02, "notebook 02", says=says)
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - To maximise the likelihood is to minimise $\mathrm{KL}(p\|q)$; what is left at a perfect fit is the entropy, not 0.
# - $\mathrm{KL}(p\|q)$ covers: it is infinite if data are left out. $\mathrm{KL}(q\|p)$ seeks: it is infinite if
#   samples fall where no data can be. Their best fits differ only where the model cannot do the job.
# - Reverse KL takes [as many modes as the model can hold](#Deeper:-as-many-modes-as-the-model-can-hold). Where a
#   descent ends is another matter than what a divergence prefers.
# - JS is at most $\log 2$ and [goes flat](#Deeper:-in-the-large) when $p$ and $q$ part;
#   [its root is a distance](#Deeper:-is-it-a-distance?).
# - A deep generator hands out samples freely, and no likelihood that one can compute. GANs get by with samples alone.

# %% [markdown]
# ## Deeper: in practice, and further reading
#
# Where likelihood is used in spite of all that, and five papers. The core ends here: go back to
# [what to keep](#What-to-keep), or on to [02](02_play_the_game.ipynb).

# %% [markdown]
# - *Likelihood of mixtures is unbounded.* A Gaussian that sits on a single datum and shrinks has a likelihood that goes
#   to infinity. In general one bounds the widths from below, or uses a prior.
# - *Training likelihood flatters.* Compare models on data that the fit has not seen.
# - *Some deep models have a likelihood*: autoregressive models and flows exactly, variational autoencoders and
#   diffusion models as a bound. Kernel-window estimates for GANs, once reported, are the count above with softer
#   windows, and not trusted today.
# - *Reverse KL is everywhere* where $p$ is known up to a constant: variational inference, and the fine-tuning of large
#   models, with the mode-seeking that you saw.
#
# **Further reading**
#
# - [Theis, van den Oord & Bethge 2016, A note on the evaluation of generative models](https://arxiv.org/abs/1511.01844):
#   one Gaussian for several modes, and how likelihood, samples and kernel windows disagree.
# - [Goodfellow 2016, NIPS tutorial: GANs](https://arxiv.org/abs/1701.00160): section 3.2.5 asks whether the divergence
#   explains why GANs behave as they do.
# - [Huszár 2015, How (not) to train your generative model](https://arxiv.org/abs/1511.05101): what it means to train
#   for likelihood or for good samples, with JS between them.
# - [Endres & Schindelin 2003, A new metric for probability distributions](https://doi.org/10.1109/TIT.2003.813506): why
#   the root of JS is a distance.
# - [Wu et al. 2017, On the quantitative analysis of decoder-based generative models](https://arxiv.org/abs/1611.04273):
#   how one estimates the likelihood of a generator after all (annealed importance sampling), and how much work it is.
#
# Go on with [02](02_play_the_game.ipynb).
