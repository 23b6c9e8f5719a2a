# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 · Compare the losses: the one with the right gradient listens to almost nobody
#
# **What you'll do.** You give the generator three different losses, compute exactly what each of them
# makes it do, and derive the one that turns a GAN into maximum likelihood.
#
# **What you'll learn**
#
# - to read a generator's loss as a price for a score, and its slope as a choice of teachers
# - to solve Exercise 3 of Goodfellow's NIPS tutorial, and to check the answer by counting
# - why the loss that is right in theory is so noisy in practice
# - how a GAN relates to maximum likelihood, to noise-contrastive estimation and to reinforcement
#   learning, by running all of them
#
# **What you'll need.** Notebook 02 (the best discriminator), and from notebook 01 the names KL and JS.
# All data live on the line; no download.
#
# **Time.** An hour to read and play; Run All takes {{time}}.

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
from math import exp

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import softplus

from gan_tutorial.lesson.figures import COLORS, use_style
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth.densities import Normal

torch.set_num_threads(1)  # all tensors here are small: a second thread would only wait
use_style()
profile = choose(PROFILE)

# %% [markdown]
# ## Guess first
#
# The data are $p = \mathcal{N}(0, 1)$. The generator draws from $q = \mathcal{N}(3, 1)$: too far to
# the right by three standard deviations. The discriminator is the best one there is.
#
# One of the three losses of this notebook has, on average, exactly the gradient of maximum
# likelihood. G estimates it as a mean over 1,000 of its samples. Sort the samples by what they
# contribute. How many of the 1,000 make up *half* of the result?
#
# 1. about 300
# 2. about 50
# 3. about five
#
# Settle on an answer. We come to it in "Why it is noisy".

# %% [markdown]
# ## One picture: three prices for one score
#
# As in the other notebooks, $p$ is the density of the data, $q$ that of G's samples, and D gives each
# point $x$ a score $s$. Where a probability is meant, it is $D(x) = \sigma(s) = 1 / (1 + e^{-s})$. In
# all three games D pays the same cross-entropy:
#
# $$J^{(D)} = -\mathbb{E}_{x \sim p} \log D(x) - \mathbb{E}_{z} \log(1 - D(G(z)))$$
#
# What differs is the price that G pays for one sample:
#
# | game | G pays | in terms of the score |
# |---|---|---|
# | minimax | $\log(1 - D)$ | $-\log(1 + e^{s})$ |
# | non-saturating | $-\log D$ | $\log(1 + e^{-s})$ |
# | maximum likelihood | $-\exp(\sigma^{-1}(D)) = -D / (1 - D)$ | $-e^{s}$ |
#
# The slides put a factor $\tfrac12$ before each of them. It changes no direction, so we leave it out.
# $\sigma^{-1}$ turns $D$ back into $s$.
# One of the public write-ups prints D's second term as $\log D(G(z))$; read it as $\log(1 - D(G(z)))$,
# or D would be paid for being wrong.
#
# Only the first game is fought over a single number: there G's price is D's loss on samples, turned round.
# In the other two D and G have different aims, and no one function tells who is ahead.
#
# In code a price is one line. `softplus(s)` is $\log(1 + e^{s})$, and safe for any $s$.


# %% covers=["6.01"]
def pay_minimax(s):
    return -softplus(s)


def pay_non_saturating(s):
    return softplus(-s)


def pay_max_likelihood(s):
    return -torch.exp(s)


COSTS = {
    "minimax": pay_minimax,
    "non-saturating": pay_non_saturating,
    "maximum likelihood": pay_max_likelihood,
}
LOOK = {
    "minimax": {"color": COLORS["second"]},
    "non-saturating": {"color": COLORS["G"], "linestyle": "--"},
    "maximum likelihood": {"color": COLORS["estimate"], "linestyle": "-."},
}

# %% [markdown]
# The tutorial's slide "Comparison of Generator Losses" draws the prices over $D(G(z))$. We do that on
# the right, and on the left over the score. Look for two things: do all of them fall? Where is
# each flat?

# %% tags=["figure"] covers=["6.04", "6.01"] alt="Three falling curves of what G pays, over the score and over D. Minimax is flat at low scores and falls at high ones, non-saturating the other way round, maximum likelihood plunges at high scores"
s = torch.linspace(-5, 5, 401)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
for name, cost in COSTS.items():
    axes[0].plot(s, cost(s), label=name, **LOOK[name])
    axes[1].plot(s.sigmoid(), cost(s), **LOOK[name])
axes[0].set(xlabel="score s", ylabel="what G pays", ylim=(-6.5, 5.5))
axes[1].set(xlabel="D = σ(s)")
axes[0].legend()
plt.show()

# %% [markdown]
# All three fall everywhere: G always prefers a higher score. They agree on the *goal* and differ in
# where they are *steep*.
#
# - **Minimax** is flat on the left. A sample that D rejects hardly changes what G pays: the loss
#   *saturates*, just when G is bad and has most to learn.
# - **Non-saturating** is its mirror image. It is steep on the left and flat on the right.
# - **Maximum likelihood** is flat on the left as well, and on the right it falls without bound.
#
# ### Slopes: against the score, and against D
#
# Steep in which variable? It matters, and pictures often do not say. G's weights are reached through
# the score: by the chain rule each sample moves G by (slope of the price in $s$) times (gradient of
# $s$). So the slope against the *score* is what G feels. With $\mathrm dD / \mathrm ds = D(1-D)$ one
# gets the other one:
#
# | game | slope in $s$ | slope in $D$ |
# |---|---|---|
# | minimax | $-D$ | $-1 / (1 - D)$ |
# | non-saturating | $-(1 - D)$ | $-1 / D$ |
# | maximum likelihood | $-D / (1 - D)$ | $-1 / (1 - D)^2$ |
#
# Autograd may check the first column.


# %% tags=["nbval-check-output"]
def slope(cost, s):
    """d cost / d s, entry by entry."""
    s = s.detach().requires_grad_()
    return torch.autograd.grad(cost(s).sum(), s)[0]


chance = torch.tensor([0.001, 0.01, 0.1, 0.5, 0.9], dtype=torch.float64)
in_s = dict(zip(COSTS, (-chance, chance - 1, chance / (chance - 1)), strict=True))
print("slope in s at D =        0.001    0.01     0.1     0.5     0.9")
slope_error = 0.0
for name, cost in COSTS.items():
    measured = slope(cost, chance.logit())
    slope_error = max(slope_error, float((measured - in_s[name]).abs().max()))
    print(f"{name:20}", "".join(f"{v:8.3f}" for v in measured))
print("agrees with the table:", slope_error < 1e-12)

# %% [markdown]
# Read the first column: for a sample that D believes to be real with one chance in a thousand, minimax
# gives G one thousandth of a unit, and the non-saturating price nearly a whole one. Their ratio is
# $(1 - D) / D$.

# %% tags=["nbval-check-output"]
ratio = slope(pay_non_saturating, chance.logit()) / slope(pay_minimax, chance.logit())
for d, value in zip(chance.tolist(), ratio.tolist(), strict=True):
    print(f"D = {d:<6}: the non-saturating slope is {value:8.3f} times that of minimax")

# %% tags=["figure"] covers=["6.04", "6.05"] alt="The steepness of the three prices on a logarithmic axis. Against the score minimax and maximum likelihood rise to the right and non-saturating falls; against D minimax and maximum likelihood grow towards 1 and non-saturating towards 0"
fig, axes = plt.subplots(1, 2, figsize=(9, 3.3), sharey=True)
steep = {name: -slope(cost, s) for name, cost in COSTS.items()}
for name, value in steep.items():
    axes[0].semilogy(s, value, label=name, **LOOK[name])
    axes[1].semilogy(s.sigmoid(), value / (s.sigmoid() * (1 - s.sigmoid())), **LOOK[name])
axes[0].set(xlabel="score s", ylabel="how steeply it falls")
axes[0].set_title("against the score: what G feels")
axes[1].set(xlabel="D = σ(s)", title="against D")
axes[0].legend()
plt.show()

# %% [markdown]
# Against the score (left), minimax is steepest on the right and non-saturating on the left, and both
# never exceed 1. Maximum likelihood agrees with minimax for low scores, where $D/(1-D) \approx D$, and
# leaves it behind for high ones.
#
# Against $D$ (right), minimax never looks flat: at $D = 0$ its slope is $-1$. That is no
# contradiction, but a trap. Near $D = 0$ it is $D$ itself that cannot move, since
# $\mathrm dD/\mathrm ds = D(1-D)$ vanishes. Whoever plots over $D$ sees no saturation in the slope.
#
# ### The same in the package
#
# In the package these three lines are the generator's curves of three objectives. Do both agree?

# %% tags=["nbval-check-output"]
from gan_tutorial.game.objectives import max_likelihood, minimax, non_saturating

games = dict(zip(COSTS, (minimax, non_saturating, max_likelihood), strict=True))
off = [(game.g_fake(s) - COSTS[name](s)).abs().max() for name, game in games.items()]
difference = float(max(off))
same_d = all(torch.equal(game.d_fake(s), softplus(s)) for game in games.values())
print(f"the prices agree: {difference < 1e-6};  D pays the same in all three: {same_d}")

# %% [markdown]
# ## One step of G, exactly
#
# What do these prices make G *do*? Take the smallest example. The data are
# $p = \mathcal N(0, 1)$ and G draws from $q_t = \mathcal N(t, 1)$, that is $x = t + z$. All it can
# learn is its shift $t$. The best $D$ knows the ratio $r(x) = p(x) / q_t(x)$ (notebook 02), and its
# score is
#
# $$s^\star(x) = \log r(x) = \tfrac{t^2}{2} - t x .$$
#
# Now D stands still and G takes one step. A sample moves with $t$ at speed $\mathrm dx/\mathrm dt = 1$,
# and its score changes at the rate $-t$. So the gradient of $J^{(G)}$, the mean price, is
#
# $$\frac{\mathrm d J^{(G)}}{\mathrm d t} = \mathbb{E}_{x \sim q_t}\bigl[\, \text{slope in } s \times (-t) \,\bigr].$$
#
# With the table of slopes:
#
# - minimax: $t \; \mathbb{E}_q D$
# - non-saturating: $t \; \mathbb{E}_q (1 - D)$
# - maximum likelihood: $t \; \mathbb{E}_q \frac{D}{1 - D} = t \; \mathbb{E}_q \frac{p}{q} = t$
#
# The first two share out the third: $D + (1 - D) = 1$. We integrate by quadrature, which is exact to
# about twelve digits.

# %%
from gan_tutorial.truth.divergences import expectation, js, kl, reverse_kl

p = Normal(0.0, 1.0)


def best_score(x, t):
    return t * t / 2 - t * x


def one_step(cost, t):
    """dJ/dt for q = N(t, 1) and the best D, which stands still.  -> float"""
    return float(expectation(Normal(t, 1.0), lambda x: -t * slope(cost, best_score(x, t))))


# %% [markdown]
# Theory knows another way to these numbers. With the best D, what minimax descends is $2\,\mathrm{JS}$;
# the third game should descend $\mathrm{KL}(p \| q)$; and for the non-saturating one Arjovsky and Bottou
# found $\mathrm{KL}(q \| p) - 2\,\mathrm{JS}$. We differentiate these three divergences with autograd
# and compare. Nothing about D goes into this second computation.

# %% tags=["nbval-check-output"] covers=["6.02", "6.01"]
descends = {
    "minimax": lambda p, q: 2 * js(p, q),
    "non-saturating": lambda p, q: reverse_kl(p, q) - 2 * js(p, q),
    "maximum likelihood": kl,
}


def derivative(divergence, t):
    t = torch.tensor(t, dtype=torch.float64, requires_grad=True)
    return float(torch.autograd.grad(divergence(p, Normal(t, 1.0)), t)[0])


exact = {name: one_step(cost, 1.0) for name, cost in COSTS.items()}
print("t = 1                D stands still    derivative of the divergence")
for name, value in exact.items():
    print(f"{name:20} {value:14.6f} {derivative(descends[name], 1.0):22.6f}")
print(f"the first two add up to {exact['minimax'] + exact['non-saturating']:.6f}")

# %% [markdown]
# Six digits agree. So with the best D, the third loss has exactly the gradient of maximum likelihood,
# and the other two gradients add up to it. (In this example $\mathrm{KL}(p\|q)$ and
# $\mathrm{KL}(q\|p)$ are both $t^2/2$, so the sum is the gradient of either. In general it is that of
# $\mathrm{KL}(q \| p)$.)
#
# ### With a D that was trained
#
# The best D is a formula; a GAN has a trained one. Let us train D and repeat the step with it. To see
# how much is luck we want five seeds. One module holds five separate networks. No
# weight is shared, and Adam treats each by itself, so they do not feel each other.


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


def pathwise(cost, D, fake):
    """The one-step gradient through D, a mean over samples.  (n, k, 1) -> (k,)"""
    fake = fake.detach().requires_grad_()
    return torch.autograd.grad(cost(D(fake)).sum(), fake)[0].mean(0).flatten()


# %%
torch.manual_seed(SEED)
with profile.plan(steps=profile.pick(smoke=20, cpu=1_500, gpu=1_500), about=3) as plan:
    *_, trained = train_D(p, Normal(1.0, 1.0), plan.steps, lr=0.005, n=256)
fake = Normal(1.0, 1.0).sample(20_000 * K).view(-1, K, 1)
by_trained = {name: pathwise(cost, trained, fake) for name, cost in COSTS.items()}
print("one step at t = 1        exact    trained D: mean and sd of five seeds")
for name, value in by_trained.items():
    print(f"{name:20} {exact[name]:9.3f} {value.mean():14.3f} {value.std():9.3f}")

# %% [markdown]
# All three come out right, up to their spread. That of the third need not be larger here. But its price puts errors of the score through an
# exponential, and D knows least where $p/q$ is large: G has few samples there.
#
# ### How far away, and who teaches?
#
# Now let $t$ grow. On the left, the exact one-step gradient of
# the three games. On the right, for $t = 3$, where in the space of samples the gradient comes from:
# the density of G's samples times the slope there, each curve scaled to area 1.

# %% tags=["figure"] covers=["6.05"] alt="Left: the one-step gradient over the shift. That of maximum likelihood is t, non-saturating approaches t, minimax rises to a maximum and goes to zero. Right: the non-saturating gradient comes from the bulk of the samples, minimax from between data and samples, maximum likelihood from the data"
shifts = torch.linspace(0, 6, 61).tolist()
fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.5))
x = torch.linspace(-4, 7, 501)
for name, cost in COSTS.items():
    left.plot(shifts, [one_step(cost, t) for t in shifts], label=name, **LOOK[name])
    share = Normal(3.0, 1.0).log_prob(x).exp() * -slope(cost, best_score(x, 3.0))
    right.plot(x, share / torch.trapezoid(share, x), **LOOK[name])
for name, mean in (("data", 0.0), ("model", 3.0)):
    density = Normal(mean, 1.0).log_prob(x).exp()
    right.fill_between(x, density, color=COLORS[name], alpha=0.15, linewidth=0, label=name)
left.set(xlabel="shift t", ylabel="one-step gradient", xlim=(0, 6), ylim=(0, 6))
right.set(xlabel="x", ylabel="share of the gradient", title="t = 3: which samples teach?")
left.legend()
right.legend(loc="upper right")
plt.show()

# %% [markdown]
# On the left: the gradient of maximum likelihood is the distance itself. The non-saturating one is
# close behind as soon as G is far off. Minimax rises, turns round and fades: the farther away G is,
# the less it is told.
#
# On the right, the reason. The **non-saturating** price is taught by the samples that G really draws,
# the bulk on the right. **Maximum likelihood** is taught by the samples that look like data, and there
# its curve lies exactly over the data's density ($q \cdot p/q = p$). But G draws almost nothing there.
# **Minimax** takes the middle.

# %% [markdown]
# ## When D is perfect
#
# If the supports of $p$ and $q$ do not touch, a perfect D exists, and the longer D trains, the nearer
# it comes. Theory says: D's loss goes to 0 and so does the minimax gradient, while the non-saturating
# one stays. The data are uniform on $[0, 1]$, the samples on $[2, 3]$; only D is
# trained.

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
            for name, gradients in seen.items():
                gradients.append(pathwise(COSTS[name], D, fake).abs())
fading = {name: torch.stack(gradients) for name, gradients in seen.items()}  # (moments, seeds)

# %% tags=["figure"] alt="Over the training of D, on a logarithmic axis: the minimax gradient falls by orders of magnitude for all five seeds, the non-saturating one grows"
fig, ax = plt.subplots(figsize=(7, 3.2))
steps = torch.arange(1, len(fading["minimax"]) + 1) * 10
for name, gradients in fading.items():
    ax.semilogy(steps, gradients, linewidth=1.2, **LOOK[name])
    ax.plot([], [], label=name, **LOOK[name])
ax.set(xlabel="moves of D, G standing still", ylabel="size of G's gradient")
ax.legend()
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
# This is not the only way of failing. One write-up explains non-convergence in general
# by such a strong D. Read it as two separate things: in notebook 04 the steps on $V(x, y) = xy$ never
# settle, and the gradient vanishes only at the centre.

# %% [markdown]
# ## Exercise 3: which price is maximum likelihood?
#
# This is the third exercise of Goodfellow's NIPS tutorial. We look for a price $f(x)$ per sample, so that
# descending
#
# $$J^{(G)} = \mathbb{E}_{x \sim q_\theta} f(x)$$
#
# is maximum likelihood. ($\theta$ are G's weights; $q_\theta$ is its density.) Try it on paper before
# you read on; it takes three steps.
#
# **(a) The gradient of an expectation.** $f$ is a fixed function. If we may differentiate under the
# integral (Leibniz), and with $\partial q = q \; \partial \log q$,
#
# $$\partial_\theta \int q_\theta(x) f(x)\,\mathrm dx = \int f(x)\, \partial_\theta q_\theta(x)\,\mathrm dx
# = \mathbb{E}_{x \sim q_\theta}\bigl[ f(x)\, \partial_\theta \log q_\theta(x) \bigr].$$
#
# $\partial_\theta \log q_\theta$ is called the *score function* in statistics (no relation to D's
# score). For our shift, $\partial_t \log q_t(x) = x - t$. A check with an $f$ that we can integrate in
# our heads, $f(x) = x^2$: there $\mathbb E_q x^2 = t^2 + 1$, with derivative $2t$.

# %% tags=["nbval-check-output"] covers=["6.03"]
t = 1.5
q = Normal(t, 1.0)
identity = float(expectation(q, lambda x: x**2 * (x - t)))
print(f"(a) E_q[f dlog q] for f = x^2: {identity:.6f}   derivative of t^2 + 1: {2 * t:.6f}")

# %% [markdown]
# **(b) What maximum likelihood wants.** Its gradient is that of $-\mathbb{E}_{p} \log q_\theta$, an
# expectation over *data*:
#
# $$-\mathbb{E}_{x \sim p}\, \partial_\theta \log q_\theta(x).$$
#
# We need one over *samples*. Importance sampling changes the one into the other: multiply and divide
# by $q$ (which must be positive wherever $p$ is).
#
# $$-\int q_\theta \, \frac{p}{q_\theta} \, \partial_\theta \log q_\theta \, \mathrm dx
# = \mathbb{E}_{x \sim q_\theta}\Bigl[ -\frac{p(x)}{q_\theta(x)} \; \partial_\theta \log q_\theta(x) \Bigr]$$
#
# Compare with (a): the price is $f(x) = -p(x) / q(x)$. For our shift both sides must be $t$.

# %% tags=["nbval-check-output"] covers=["6.03"]
wanted = float(-expectation(p, lambda x: x - t))
found = float(expectation(q, lambda x: -(p.log_prob(x) - q.log_prob(x)).exp() * (x - t)))
print(f"(b) over data: {wanted:.6f}   over samples, with f = -p/q: {found:.6f}   t = {t}")

# %% [markdown]
# **(c) D knows the ratio.** With $D = \sigma(a)$ and the best $D = p / (p + q)$,
#
# $$e^{a} = \frac{D}{1 - D} = \frac{p}{q}, \qquad\text{so}\qquad f(x) = -e^{a(x)}.$$
#
# That is our third price, $-\exp(\sigma^{-1}(D))$. The slides write $a$ for what we call $s$.

# %% tags=["nbval-check-output"] covers=["6.03"]
x = torch.linspace(-3, 4, 8, dtype=torch.float64)
p_over_q = (p.log_prob(x) - q.log_prob(x)).exp()
ratio_error = float((pay_max_likelihood(best_score(x, t)) + p_over_q).abs().max())
print("(c) -exp(a) is -p/q:", ratio_error < 1e-12)

# %% [markdown]
# ### Proof by counting
#
# Without any integral: draw a million samples from $q$ at $t = 1$, and take means. We try two
# routes to the same gradient. *Score function*, as in (a): price times $\partial \log q$. *Pathwise*,
# as a GAN does it: follow each sample $x = t + z$ as $t$ changes. The standard error is beside each
# mean.

# %%
torch.manual_seed(SEED)
t = 1.0
z = torch.randn(1_000_000, dtype=torch.float64)
x = t + z
s = best_score(x, t)  # D stands still: t inside it is a number, not a variable
routes = {"score function": pay_max_likelihood(s) * (x - t),
          "pathwise": -t * slope(pay_max_likelihood, s)}
counted = {name: float(v.mean()) for name, v in routes.items()}
for name, values in routes.items():
    error = values.std() / len(values) ** 0.5
    print(f"{name:15} {counted[name]:.4f} ± {error:.4f}   (maximum likelihood: {t:.4f})")

# %% [markdown]
# ### What if $q$ is not copied?
#
# The slide warns: "we must copy the density $p_g$ or the derivatives will double-count". That sounds
# like a factor of two. It is worse. If the $q$ *inside* the price moves along with $\theta$, the cost
# is
#
# $$\mathbb{E}_{x \sim q_\theta}\Bigl[ -\frac{p(x)}{q_\theta(x)} \Bigr] = -\int p(x)\,\mathrm dx = -1,$$
#
# a constant. The derivative of the price cancels the rest, and G is told nothing at all. Autograd on
# a million samples, with $q$ frozen and with $q$ alive:

# %% covers=["6.03"]
alive = torch.tensor(t, dtype=torch.float64, requires_grad=True)
told = {}
for name, inside in (("q copied (frozen)", alive.detach()), ("q not copied", alive)):
    x = alive + z  # the samples follow t in both cases
    price = -(p.log_prob(x) - Normal(inside, 1.0).log_prob(x)).exp()
    told[name] = float(torch.autograd.grad(price.mean(), alive)[0])
    print(f"{name:20} cost {float(price.detach().mean()):8.4f}   gradient {told[name]:8.4f}")

# %% [markdown]
# Same cost, different gradients: $1$ and $0$, up to sampling noise. In a GAN the copying comes for free.
# When G moves, D stands still, and D holds the copy. The other two prices need it as well. (Only
# if G paid the whole of $V$ would minimax forgive: at the best D, $V$ is flat in D.)

# %% [markdown]
# ## Why it is noisy
#
# So the third loss is maximum likelihood, exactly, on average. Why does hardly anybody use it? The
# gradient of our example is $t$ times a mean of weights $w = p/q$, and a few samples may have nearly
# all the weight. How many? Let us draw 2,000 batches of 1,000 samples each, at four shifts.


# %%
def weights(t, batches, n=1_000):
    """p/q for n samples of q = N(t, 1) in each batch.  -> (batches, n)"""
    return best_score(t + torch.randn(batches, n, dtype=torch.float64), t).exp()


torch.manual_seed(SEED)
SHIFTS = {1.0: "second", 2.0: "D", 3.0: "G", 4.0: "estimate"}
estimates, held = {}, {}
for t in SHIFTS:
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
# On the left, what share of the weight the heaviest samples hold. On the right, in the same colours, the
# 2,000 estimates of the gradient, divided by the truth (the dotted line); the two narrow peaks and
# the rare estimates beyond 15 are cut off.

# %% tags=["figure"] alt="Left: share of the total weight held by the heaviest samples of 1,000, rising ever more steeply for larger shifts. Right: histograms of gradient estimates divided by the truth: narrow around 1 for t = 1, and wide and mostly left of 1 for t = 4"
fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.3))
for t, look in SHIFTS.items():
    left.semilogx(range(1, 1_001), held[t], color=COLORS[look], label=f"t = {t:.0f}")
    look = {"bins": 90, "range": (-1.6, 1.2), "density": True, "color": COLORS[look]}
    right.hist(estimates[t].log10(), histtype="step", linewidth=1.4, **look)
left.axhline(0.5, color=COLORS["truth"], linewidth=1, linestyle=":")
left.set(xlabel="so many heaviest samples of 1,000 ...", ylabel="... hold this share")
left.set_ylim(0, 1.02)
right.set(xlabel="estimate / truth", ylabel="density", xticks=[-1, 0, 1], ylim=(0, 6))
right.set_xticklabels(["0.1", "1", "10"])
right.axvline(0, color=COLORS["truth"], linewidth=1, linestyle=":")
left.legend()
plt.show()
for t, v in estimates.items():
    print(f"t = {t:.0f}: median {v.median():.2f} of the truth, largest {v.max():.2f};",
          f"too small in {(v < 1).double().mean():.0%}")

# %% [markdown]
# At $t = 1$ the estimates are where they should be. At $t = 4$ they are correct on average, and
# typically much too small; once in a long while a batch comes that makes up for all the others, and
# throws G across the room. That is what "unbiased" may mean.
#
# ### The effective sample size
#
# The usual measure of this is the *effective sample size*. A mean of weights with mean 1 has the
# variance $(\mathbb{E}_q w^2 - 1) / n$; so the share of samples that count is
#
# $$\frac{(\mathbb{E}_q\, w)^2}{\mathbb{E}_q\, w^2} = \frac{1}{\mathbb{E}_q\, w^2} = e^{-t^2}
# \qquad\text{for } p = \mathcal N(0,1),\; q = \mathcal N(t, 1).$$
#
# The last step is completing a square; quadrature confirms it. In the last column, what a batch of
# 1,000 would say about itself, with means over its own samples.

# %%
torch.manual_seed(SEED)
effective, believed = {}, {}
print("   t     e^(-t^2)   quadrature   a batch believes")
for t in (0.5, 1.0, 2.0, 3.0):
    square = expectation(Normal(t, 1.0), lambda x, t=t: (2 * best_score(x, t)).exp())
    effective[t] = 1 / float(square)
    w = weights(t, 500)
    believed[t] = float((w.sum(1) ** 2 / (w**2).sum(1) / 1_000).median())
    print(f"{t:4} {exp(-t * t):12.6f} {effective[t]:12.6f} {believed[t]:12.4f}")

# %% [markdown]
# In the sense of the mean square, 1,000 samples at $t = 3$ are worth 0.12 samples. And the batch does
# not know: it believes itself to be worth some ninety times as much. $\mathbb{E}_q w^2 = \int p^2 / q$
# is carried by points around $x = -t$, which is $2t$ standard deviations away from the centre of $q$.
# Such samples hardly ever come, and a batch cannot miss what it has never seen.
#
# The two other losses have slopes between 0 and 1, and far less trouble. The noise of an estimate from
# 1,000 samples, as standard deviation over 500 batches, divided by the mean; for maximum likelihood,
# theory says $\sqrt{(e^{t^2} - 1) / 1000}$.

# %%
torch.manual_seed(SEED)
relative, at = {}, (1.0, 2.0, 3.0)
print("noise / signal at t =        1        2        3")
for name, cost in COSTS.items():
    for t in at:
        s = best_score(t + torch.randn(500, 1_000, dtype=torch.float64), t)
        gradient = slope(cost, s).mean(1)
        relative[name, t] = float(gradient.std() / gradient.mean().abs())
    print(f"{name:20}", "".join(f"{relative[name, t]:9.3f}" for t in at))
theory = [((exp(t * t) - 1) / 1_000) ** 0.5 for t in at]
print(f"{'its theory':20}", "".join(f"{value:9.3f}" for value in theory))

# %% [markdown]
# The non-saturating estimate even becomes *less* noisy with the distance, as its slope is nearly 1 for
# all samples. Minimax gets noisier, as its signal fades, but slowly. In the last column maximum
# likelihood looks less noisy, in the run shown, than theory says, for the reason above: 500 batches are not enough to meet
# the rare ones.

# %% [markdown]
# ## Play
#
# On the left, the three
# prices (moved so that all of them are 0 at $s = 0$), the distribution of the scores of G's samples
# (grey, at the bottom), and the tangents at one score. On the right, the exact one-step gradients. In
# the live notebook you choose the *shift* of G's samples and the *score* of the tangents; the stored
# picture has a shift of 2 and a score of $-2$.

# %%
def draw(left, right):
    s = torch.linspace(-8, 8, 321, dtype=torch.float64)
    for name, cost in COSTS.items():
        left.plot(s, cost(s) - cost(0 * s), label=name, **LOOK[name])
    grey, black = {"color": COLORS["guide"], "linewidth": 1.2}, {"color": COLORS["truth"]}
    (hill,) = left.plot(s, 0 * s, label="scores of samples", **grey)
    tangents = [left.plot([], [], linewidth=2.5, **black)[0] for _ in COSTS]
    tangents[0].set_label("tangents")
    left.set(xlabel="score s", ylabel="what G pays, from s = 0", ylim=(-7, 7), xlim=(-8, 8))
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    colors = [LOOK[name]["color"] for name in COSTS]
    bars = right.bar(range(3), [1, 1, 1], color=colors, width=0.6)
    right.set(ylabel="one-step gradient", ylim=(0, 4.2), xticks=range(3))
    right.set_xticklabels(["minimax", "non-\nsaturating", "maximum\nlikelihood"])

    def update(shift, score):
        ends, at = torch.tensor([-0.8, 0.8]), torch.tensor(score, dtype=torch.float64)
        said = [f"D is {float(at.sigmoid()):.3f}"]
        for tangent, bar, (name, cost) in zip(tangents, bars, COSTS.items(), strict=True):
            steep, push = float(slope(cost, at)), one_step(cost, shift)
            tangent.set_data(score + ends, cost(at) - cost(0 * at) + steep * ends)
            bar.set_height(push)
            said.append(f"{name}: slope {steep:.3f}, gradient {push:.3f}")
        hill.set_ydata(-7 + 2.5 * (-0.5 * ((s + shift**2 / 2) / max(shift, 0.05)) ** 2).exp())
        return "; ".join([*said, f"1,000 samples are worth {1_000 * exp(-(shift**2)):.3g}"])

    return update


# %% [markdown]
# Two questions to answer by playing. At which shift does minimax push hardest? And at which shift do
# minimax and non-saturating push equally?

# %% tags=["widget"] covers=["6.04", "6.05"] alt="Left: the three prices over the score with their tangents, and the distribution of the scores of samples far to the left for t = 2. Right: bars of the one-step gradients; maximum likelihood 2, non-saturating a bit less, minimax small"
from gan_tutorial.lesson.live import explore

still = {"shift": 2.0, "score": -2.0}
explore(draw, panels=2, size=(9.2, 3.8), still=still,
        shift=(0.0, 4.0, 0.5, 0.1), score=(-6.0, 6.0, 0.0, 0.1))

# %% [markdown]
# <details><summary>Answers</summary>
#
# Minimax pushes hardest at a shift between 1 and 2; the next cell finds it. Minimax and non-saturating
# push equally only in the limit $t \to 0$, where $D = 1/2$ everywhere and both slopes are $-1/2$. For
# any larger shift non-saturating is ahead, since then $\mathbb{E}_q D < 1/2$.
# </details>

# %% tags=["nbval-check-output"]
grid = torch.linspace(0.5, 3, 251).tolist()
hardest = max(grid, key=lambda t: one_step(pay_minimax, t))
push = one_step(pay_minimax, hardest)
print(f"minimax pushes hardest at t = {hardest:.2f}, with {push:.4f}")
pushes = one_step(pay_minimax, 0.01), one_step(pay_non_saturating, 0.01)
print("at t = 0.01: minimax {:.6f}, non-saturating {:.6f}".format(*pushes))

# %% [markdown]
# ## Every falling price is a divergence
#
# The tutorial says that another divergence only changes *where the cost falls fastest*. This can be
# made precise. Take any f-divergence $D_f(p \| q) = \mathbb{E}_q f(r)$ with $f$
# convex and $f(1) = 0$. Going through the three steps of Exercise 3 for it (Exercise 5.3 below asks
# you to) gives a price, and the slope of that price in the score $s = \log r$ is
#
# $$-\, r^2 f''(r).$$
#
# So the steepness at each score is the curvature of $f$ times $r^2$. Convex means $f'' \ge 0$: **each
# smooth divergence has a falling price, and each smooth falling price has a divergence**. Choosing a
# divergence is choosing which samples teach, as long as D is the best one.
#
# What, then, belongs to the non-saturating price? Its slope is $-1/(1+r)$, so
# $f''(r) = 1 / (r^2 (1 + r))$, and integrating twice gives $f(r) = (1 + r) \log \frac{1 + r}{2 r}$. It is
# convex, so $\mathrm{KL}(q\|p) - 2\,\mathrm{JS}$, a difference of two divergences, is a divergence itself. Which one? Put
# $r = p/q$ into $\mathbb{E}_q f(r)$, and out comes $\int (p + q) \log \frac{(p+q)/2}{p} \,\mathrm dx = 2\,\mathrm{KL}\bigl(\tfrac{p+q}{2} \big\| p\bigr)$: never
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
    "KL(p‖q): maximum likelihood": lambda u: u * u.log(),
    "squared Hellinger": lambda u: (u.sqrt() - 1) ** 2,
    "2 JS: minimax": lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
    "KL(q‖p), reverse KL": lambda u: -u.log(),
    "2 KL((p+q)/2‖p): non-saturating": f_non_saturating,
}


def steepness(f, s):
    """r^2 f''(r) at r = e^s."""
    r = s.exp().requires_grad_()
    (first,) = torch.autograd.grad(f(r).sum(), r, create_graph=True)
    return (r**2 * torch.autograd.grad(first.sum(), r)[0]).detach()


s = torch.linspace(-5, 5, 201, dtype=torch.float64)
ours = {"2 JS: minimax": "minimax", "2 KL((p+q)/2‖p): non-saturating": "non-saturating",
        "KL(p‖q): maximum likelihood": "maximum likelihood"}
off = [steepness(DIVERGENCES[long], s) + slope(COSTS[name], s) for long, name in ours.items()]
steep_error = max(float(one.abs().max()) for one in off)
print("our three prices fall as -r^2 f'':", steep_error < 1e-10)

# %% tags=["figure"] covers=["6.05", "6.04"] alt="How steeply the price falls over the score for five divergences, on a logarithmic axis: KL rises with slope one, squared Hellinger with slope one half, JS rises and levels off, reverse KL is constant, the non-saturating one is level and then falls"
other = {
    "squared Hellinger": {"color": COLORS["D"]},
    "KL(q‖p), reverse KL": {"color": COLORS["guide"], "linestyle": ":"},
}
fig, ax = plt.subplots(figsize=(8.2, 3.6))
for name, f in DIVERGENCES.items():
    ax.semilogy(s, steepness(f, s), label=name, **(other.get(name) or LOOK[ours[name]]))
ax.set(xlabel="score s = log p/q", ylabel="how steeply the price falls", ylim=(0.005, 200))
ax.legend(fontsize=8.5, loc="upper left")
plt.show()

# %% [markdown]
# Lines that rise to the right listen to samples that look real already; those on top at the left
# listen to samples that D rejects. Reverse KL listens to all alike: its price is simply $-s$, and that
# is the sum of minimax and non-saturating. With the best D, nothing else is in the choice of an
# f-divergence. (An f-GAN also changes what *D* pays, and with it how D errs while it learns. Notebook 06 goes
# through the whole family.)

# %% [markdown]
# ## Three ways to learn from a classifier: NCE, MLE, GAN
#
# All of this rests on one classifier that tells data from something else. The tutorial puts three
# methods into one table. In all of them the same function $V = \mathbb{E}_p \log D + \mathbb{E}_q
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


# %% covers=["6.08"]
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
# is the loop of notebook 03; five games run side by side.

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
# $W_1$, the mean distance by which they have to be moved to become data (notebook 07); the last line is
# what two sets of true samples get, so differences of that size are luck.

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

# %% tags=["figure"] covers=["6.08"] alt="Three panels with the true two-humped density dashed and five fits each: those of NCE and MLE lie on it, the histograms of the GAN follow it roughly"
fig, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True)
look = {"color": COLORS["model"], "linewidth": 1, "alpha": 0.7}
bars = {"bins": 80, "range": (-4, 4), "density": True, "histtype": "step"}
for ax, name in zip(axes, ("NCE", "MLE", "GAN"), strict=True):
    for w in models.get(name, []):
        ax.plot(grid, (features(grid) @ w - log_constant(w)).exp(), **look)
    for sample in samples[name] if name == "GAN" else []:
        ax.hist(sample, **bars, **look)
    ax.plot(grid, p_grid, color=COLORS["truth"], linestyle="--", linewidth=1.3, label="truth")
    ax.set(title=name, xlabel="x", xlim=(-3.5, 3.5))
axes[0].set_ylabel("density")
axes[0].legend()
plt.show()

# %% [markdown]
# Where a family of densities is known, with few parameters, take one of the first two. In the run shown NCE gives up a
# little accuracy against maximum likelihood; in exchange it needs no $Z$. The GAN is less exact, with
# spikes that change from seed to seed, and it was given far less: nobody told it the form of the density.
# It hands out samples, and cannot say how probable they are. Three methods, one classifier; they differ
# in what the classifier is made of, and in what happens to $q$.

# %% [markdown]
# ## A GAN as reinforcement learning
#
# The tutorial offers another reading. G is an *agent*; drawing a sample is its *action*; D's opinion
# is the *reward*. Two observations support it:
#
# - No gradient runs through data. G never sees $x \sim p$; it only learns what its own samples are worth. (In a paired
#   game, where each sample's score is read against a datum's, that datum's score shifts the price, and G cannot move it.)
# - All our prices fall in $D(G(z))$: a better opinion is always a better reward.
#
# Reinforcement learning can improve an agent without a look into D:
# **REINFORCE**. It is step (a) of Exercise 3, price times $\partial \log q$. A GAN usually does
# something else: it follows the *pathwise* gradient through D. For a smooth price both have the same mean.
# And the same noise? Quadrature gives both exactly, for one sample at $t = 1$. A third column subtracts the
# mean price first (a *baseline*), which does not change the mean, because $\mathbb{E}_q \partial \log q = 0$.

# %% tags=["nbval-check-output"] covers=["6.06"]
t = 1.0
q = Normal(t, 1.0)


def mean_and_sd(estimate):
    mean = expectation(q, estimate)
    return float(mean), float((expectation(q, lambda x: estimate(x) ** 2) - mean**2).sqrt())


noise_of = {}
print("mean, sd of one sample    pathwise          REINFORCE         with baseline")
for name, cost in COSTS.items():

    def price(x, cost=cost):
        return cost(best_score(x, t))

    middle = expectation(q, price)
    noise_of[name] = [
        mean_and_sd(lambda x, cost=cost: -t * slope(cost, best_score(x, t))),
        mean_and_sd(lambda x, price=price: price(x) * (x - t)),
        mean_and_sd(lambda x, price=price, middle=middle: (price(x) - middle) * (x - t)),
    ]
    print(f"{name:20}", "".join(f"{mean:9.4f}, {sd:7.4f}" for mean, sd in noise_of[name]))

# %% [markdown]
# The means agree in each row, to all digits. The noise does not. The number of samples that one needs
# goes with the square of the standard deviation, so REINFORCE without a baseline needs at least twenty
# times as many for the first two prices. The pathwise gradient asks D: *which way is
# better?* REINFORCE only learns *how good was this?*, and has to find the way by comparing samples. (With
# a very jagged D it can be the other way round.)
#
# With one weight that is affordable. What if a sample has many numbers? We keep the
# distance 1 between data and samples and let it point along the diagonal of $d$ dimensions. D stays the
# best one; the price is the non-saturating one; G estimates its $d$ gradients from 64 samples. (We use
# the batch's mean as baseline, corrected as in Exercise 5.1.)

# %% covers=["6.06"]
torch.manual_seed(SEED)
growing = {}
print("noise / signal, 64 samples:    pathwise    REINFORCE")
for d in (1, 10, 100, 1_000):
    mu, z = torch.full((d,), d**-0.5), torch.randn(100, 64, d)  # 100 batches
    s = 0.5 - (mu + z) @ mu  # log p/q, for N(0, I) against N(mu, I)
    price = softplus(-s)
    path = (1 - s.sigmoid()).mean(1)[:, None] * mu
    reward = ((price - price.mean(1, keepdim=True))[..., None] * z).mean(1) * 64 / 63
    signal = exact["non-saturating"] * mu
    noises = [(g - signal).square().sum(1).mean().sqrt() for g in (path, reward)]
    growing[d] = [float(noise / signal.norm()) for noise in noises]
    print(f"{d:6} dimensions {growing[d][0]:20.3f} {growing[d][1]:12.3f}")

# %% [markdown]
# The pathwise gradient does not notice the dimension: this D points along the diagonal
# everywhere. The noise of REINFORCE grows like $\sqrt d$. In 1,000 dimensions, what G is told by 64
# samples is mostly noise.
#
# ### The agents play
#
# Now back to one dimension, as a game in which D learns as well. D is a logistic regression in $x$, the
# exact family here. G starts at a shift of 3 and should find 0. Three agents, five seeds each:
#
# 1. pathwise, with the non-saturating price
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
for ax, (name, path) in zip(axes, paths.items(), strict=True):
    ax.plot(path, color=COLORS["G"], linewidth=1, alpha=0.7)
    ax.axhline(0, color=COLORS["truth"], linestyle=":", linewidth=1)
    ax.set(title=name, xlabel="step")
axes[0].set_ylabel("G's shift (truth: 0)")
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
# sample is discrete, as a word is, or when the judge is a black box (notebook 12).
#
# Two limits of the analogy. The reward changes all the time, because D learns. And a GAN's G is told
# more than a reward: the *gradient* of the reward, as in actor-critic methods with a differentiable
# critic.

# %% [markdown]
# ## Does the loss make the samples sharp?
#
# The old story: maximum likelihood blurs, GANs minimise JS, therefore
# GANs are sharp. Goodfellow's slide disagrees: "loss does not seem to explain why GAN samples are
# sharp"; the approximation matters more. We can test this on the line. The data have two modes of
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
class Bell(torch.nn.Module):
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
        bell = fit(Bell(), objective, 1, 3 * n, d_steps=2, d_lr=5e-3, g_lr=2e-2)
        network = SideBySide(K, [8, 32, 32, 1])
        made = fit(network, objective, 8, 2 * n, d_steps=1, d_lr=2e-3, g_lr=1e-3)
        drawn["one Gaussian"][name], drawn["a network"][name] = bell, made

# %% tags=["figure"] covers=["6.07"] alt="Two rows of three panels with histograms of five seeds over the true density. With one Gaussian, minimax and maximum likelihood are wide and non-saturating sits on the larger mode; with a network all three follow both modes"
fig, axes = plt.subplots(2, 3, figsize=(10, 4.6), sharex=True, sharey=True)
x, truth_look = torch.linspace(-4, 4, 401), {"color": COLORS["truth"], "linewidth": 1.3}
for row, (kind, by_loss) in zip(axes, drawn.items(), strict=True):
    for ax, (name, sample) in zip(row, by_loss.items(), strict=True):
        for one in sample.T:
            ax.hist(one, color=COLORS["model"], alpha=0.6, **bars)
        ax.plot(x, two.log_prob(x).exp(), "--", label="truth", **truth_look)
        ax.set_title(f"{name}, {kind}", size=9.5)
for (mean, sd), ax in zip(fits.values(), axes[0], strict=True):
    ax.plot(x, Normal(mean, sd).log_prob(x).exp(), ":", label="exact fit", **truth_look)
for ax in axes[1]:
    ax.set_xlabel("x")
for ax in axes[:, 0]:
    ax.set_ylabel("density")
axes[0, 0].legend(fontsize=8)
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
# the blur above. So on this small example the slide is right in the sense in which it was meant: what
# decides is the *approximation*, that is, what G and D can express and how far they are trained, and not
# the divergence on the label.
#
# We were kind to maximum likelihood: G started with samples where data are. "Why it is
# noisy" shows what it is up against when G does not.

# %% [markdown]
# ## Exercises
#
# Replace `raise NotImplementedError` by your answer and run the check. It never stops the notebook.
# Stuck? `hint("5.1")` in a new cell gives one hint at a time.

# %%
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401

# %% [markdown]
# ### 5.1 A baseline that does not cheat
#
# REINFORCE subtracts a baseline from each price. If the baseline contains the sample's own price,
# the estimate is biased. The remedy: for sample $i$, use the mean price of *all the others*. The
# estimate is the mean over $i$ of (price minus baseline) times $\partial \log q(x_i)$.


# %% tags=["exercise"]
def leave_one_out(price, log_gradient):
    """REINFORCE with the mean price of the other samples as baseline.  (n,), (n,) -> ()"""
    # solution
    n = len(price)
    baseline = (price.sum() - price) / (n - 1)
    return ((price - baseline) * log_gradient).mean()


# %%
leave_one_out = check("5.1", leave_one_out)

# %% [markdown]
# Does it help, and is it unbiased? The price is minimax's at $t = 1$, in batches of 4, where the bias of
# the naive baseline is easy to see: it shrinks the mean by the factor
# $1 - 1/4$. (And its sd by the same factor: it only looks quieter.)

# %%
torch.manual_seed(SEED)
z = torch.randn(20_000, 4, dtype=torch.float64)
price = pay_minimax(best_score(1.0 + z, 1.0))
batches = list(zip(price, z, strict=True))[: profile.pick(smoke=2_000, cpu=20_000, gpu=20_000)]
by_loo = torch.stack([leave_one_out(c, g) for c, g in batches])
naive = ((price - price.mean(1, keepdim=True)) * z).mean(1)
bare = (price * z).mean(1)
print(f"exact         {exact['minimax']:.3f}")
for name, estimate in (("no baseline", bare), ("own batch", naive), ("leave one out", by_loo)):
    print(f"{name:13} {estimate.mean():.3f}, sd {estimate.std():.3f}")

# %% [markdown]
# ### 5.2 How many samples count?
#
# D gives you scores $s_i = \log p/q$ of G's samples. The weights are $w_i = e^{s_i}$, and the share of samples
# that count is $(\sum w_i)^2 / (n \sum w_i^2)$. Compute it from the scores. A score of 1,000 must not
# break it: `torch.logsumexp` is your friend.


# %% tags=["exercise"]
def share_that_counts(s):
    """(sum w)^2 / (n sum w^2) for w = e^s.  (n,) -> ()"""
    # solution
    return torch.exp(2 * torch.logsumexp(s, 0) - torch.logsumexp(2 * s, 0)) / len(s)


# %%
share_that_counts = check("5.2", share_that_counts)

# %% [markdown]
# Use it on the five D's that you trained above, at $t = 1$. Theory says $e^{-1}$ for
# the best D; these come near it.

# %%
x = Normal(1.0, 1.0).sample(5_000 * K).view(-1, K, 1)
scores = trained(x).detach().squeeze(-1)
measured_share = torch.stack([share_that_counts(one) for one in scores.T])
shares = " ".join(f"{v:.3f}" for v in measured_share)
print(f"share that counts, five D's: {shares}   theory {exp(-1):.3f}")

# %% [markdown]
# ### 5.3 A price for any divergence
#
# Repeat Exercise 3 for $D_f(p \| q_\theta) = \int q_\theta \, f(p / q_\theta) \,\mathrm dx$ with any convex $f$: differentiate under
# the integral (now $f(p/q_\theta)$ moves as well), and bring it into the form
# $\mathbb{E}_q[\,\text{price} \cdot \partial \log q\,]$. Write the price as a function of the score $s$, with $r = e^{s}$; autograd
# may take the derivative of $f$. For $f(u) = u \log u$ you should find $-e^{s}$ again.


# %% tags=["exercise"]
def price_of(f):
    """The price that, with D standing still, descends D_f(p || q).  f -> (s -> price)"""

    # solution
    def price(s):
        r = s.exp()
        r = r if r.requires_grad else r.requires_grad_()
        (f_prime,) = torch.autograd.grad(f(r).sum(), r, create_graph=True)
        return f(r) - r * f_prime

    return price


# %%
price_of = check("5.3", price_of)

# %% [markdown] tags=["solution"]
# *The derivation.* With $r = p/q$ we have $\partial r = -r \, \partial \log q$, so
# $$\partial\,[q f(r)] = f(r)\, q\, \partial \log q - q f'(r)\, r\, \partial \log q = q \, [f(r) - r f'(r)]\, \partial \log q .$$
# The price is $f(r) - r f'(r)$. With the conjugate $f^*$ of notebook 06 it is $-f^*(f'(r))$, what the generator of an
# f-GAN pays. Its slope in $s$ is $r \, \partial_r (f - r f') = -r^2 f''(r)$, as promised above.

# %% [markdown]
# Try it on the squared Hellinger distance, whose value for our pair is $2 (1 - e^{-t^2/8})$ (notebook
# 01), with derivative $\tfrac t2 e^{-t^2/8}$.

# %%
hellinger_price = price_of(DIVERGENCES["squared Hellinger"])
hellinger = {t: one_step(hellinger_price, t) for t in (0.5, 1.0, 2.0)}
for t, value in hellinger.items():
    print(f"t = {t}: one step {value:.6f}   exact {t / 2 * exp(-t * t / 8):.6f}")

# %% [markdown]
# *An open question, without a check.* You may now design a price: choose the steepness over the
# scores, $r^2 f''(r)$, as you like, as long as it is not negative. Which samples should teach G at
# the beginning of a training, and which at the end? Design one that listens mostly to samples near
# $D = 1/2$, put it into an `Objective` (`dataclasses.replace(minimax, g_fake=...)`), and see with `fit`
# what it does to the two modes. (Our answer is in the [solutions](solutions/05_compare_the_losses.ipynb).)

# %% [markdown] tags=["solution"]
# *Our answer.* The steepness $D (1 - D)$ is largest at $D = 1/2$ and fades to both sides. Integrate it
# over $s$: the price is $-D$ itself. G simply wants to be believed. It saturates on both sides, on the
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

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, and what we measured. First what is exact, or needs no training.

# %%
from gan_tutorial.lesson.facts import Ledger

ledger = Ledger("05")
note, infinity = ledger.add, float("inf")
for d, times, seen in zip((0.001, 0.01, 0.1, 0.5), (999, 99, 9, 1), ratio[:4], strict=True):
    note("F-V4", f"non-saturating / minimax slope in s at D = {d}",
         times, seen, 1e-6, "(1 - D) / D")
note("F-V4", "slopes in s, autograd - table",
     0, slope_error, 1e-9, "Goodfellow 2016, sec. 3.2")
sources = {"minimax": "Goodfellow et al. 2014, thm 1",
           "non-saturating": "Arjovsky & Bottou 2017, thm 2.5",
           "maximum likelihood": "Goodfellow 2016, exercise 3"}
for name, source in sources.items():
    descent = derivative(descends[name], 1.0)
    note("F-V5", f"one step at t = 1, {name}, and its divergence",
         descent, exact[name], 1e-6, source)
both = exact["minimax"] + exact["non-saturating"]
note("F-V5", "minimax + non-saturating", 1, both, 1e-9, "d/dt KL(q||p)");

# %%
note("F-V6", "Exercise 3 (b) at t = 1.5", 1.5, found, 1e-9, "Goodfellow 2016, exercise 3")
copied_q, alive_q = told["q copied (frozen)"], told["q not copied"]
note("F-V6", "counted, q copied", 1, copied_q, 0.02, "a million samples")
note("F-V6", "counted, q not copied", 0, alive_q, 0.02, "a million samples")
for t, value in effective.items():
    theory = exp(-t * t)
    note("F-V6", f"share of samples that count, t = {t}", theory, value, 1e-9, "exp(-t^2)")
nothing = torch.log(1 - torch.tensor(17.5).sigmoid())
over = believed[3.0] / effective[3.0]
note("F-V6", "samples of 1,000 that make up half of the gradient at t = 3",
     5, half_of_it[3.0], 2, "2,000 batches")
note("F-V6", "median estimate at t = 1 over the truth",
     1, estimates[1.0].median(), 0.02, "2,000 batches")
note("F-V6", "median estimate at t = 4 over the truth",
     (0.2, 0.5), estimates[4.0].median(), 0, "2,000 batches")
note("F-V6", "a batch at t = 3 believes to be worth more than it is, by the factor",
     (60, 120), over, 0, "500 batches")
note("play", "minimax pushes hardest at t", (1, 2), hardest, 0, "quadrature")
note("float32", "log(1 - sigmoid(17.5))", -infinity, nothing, 0, "float32")
ledger.assert_all(profile)

# %% [markdown]
# Then what came out of samples, classifiers and games.

# %%
rows = [noise_of[name] for name in COSTS]
apart = max(abs(row[i][0] - row[0][0]) for row in rows for i in (1, 2))
needed = min(row[1][1] / row[0][1] for row in rows[:2]) ** 2
of_path, of_score = zip(*growing.values(), strict=True)
ends = {"pathwise": of_path[-1] / of_path[0], "REINFORCE": of_score[-1] / of_score[1]}
fact = "F-C5"
note(fact, "REINFORCE - pathwise, means", 0, apart, 1e-9, "exercise 3 (a)")
note(fact, "variance: REINFORCE / pathwise, minimax or non-saturating",
     (20, infinity), needed, 0, "quadrature")
note(fact, "noise of REINFORCE, 1,000 / 10 dimensions", 10, ends["REINFORCE"], 2.5, "sqrt(d)")
note(fact, "noise of REINFORCE over its signal in 1,000 dimensions",
     (2, infinity), of_score[-1], 0, "64 samples")
note(fact, "noise of pathwise, 1,000 dimensions / 1", 1, ends["pathwise"], 0.5, "100 batches");

# %%
at_3, at_1 = ({name: relative[name, t] for name in COSTS} for t in (3.0, 1.0))
grown = {name: at_3[name] / at_1[name] for name in COSTS}
rare = at_3["maximum likelihood"] / ((exp(9) - 1) / 1_000) ** 0.5
steadier = at_3["minimax"] / at_3["maximum likelihood"]
fact, batches = "noise", "500 batches"
note(fact, "non-saturating at t = 3 / t = 1", (0, 1), grown["non-saturating"], 0, batches)
note(fact, "minimax / maximum likelihood at t = 3", (0, 0.2), steadier, 0, batches)
note(fact, "minimax at t = 3 / t = 1", (1.5, 10), grown["minimax"], 0, batches)
note(fact, "maximum likelihood at t = 3 / its theory",
     (0, 1), rare, 0, "this run", shown_only=True)
fact, source = "hidden f", "Shannon et al. 2020"
note(fact, "D_f - (KL(q||p) - 2 JS) at t = 2", 0, hidden - known, 1e-8, source)
note(fact, "D_f - 2 KL((p+q)/2 || p) at t = 2", 0, hidden - mixed, 1e-8, source)
note("steepness", "slope of the price + r^2 f''",
     0, steep_error, 1e-8, "section 'Every falling price'")
note("5.3", "squared Hellinger, one step at t = 1",
     0.5 * exp(-1 / 8), hellinger[1.0], 1e-8, "closed form");

# %%
constants = [float(v[3]) for v in by_nce]
missed, source = max(abs(c - log_Z) for c in constants), "Gutmann & Hyvärinen 2010"
note("F-V9", "log Z by a classifier, mean of five", log_Z, sum(constants) / K, 0.05, source)
note("F-V9", "log Z by a classifier, largest error of five", 0, missed, 0.15, source)
in_gradient = (copied - direct / 2).abs().max()
in_weights = (by_copying - by_mle[0]).abs().max()
note("6.08", "gradient of V against a copy - half of the likelihood's",
     0, in_gradient, 0.03, "400,000 samples")
note("6.08", "weights by copying - directly",
     0, in_weights, 0.05, "10,000 data", needs_training=True)
note("6.08", "KL(p || model): NCE / MLE, means of five",
     (1, infinity), lost["NCE"] / lost["MLE"], 0, "this run", shown_only=True)

# %%
five = ("five seeds", True)  # asserted where the training was whole
for name, value in by_trained.items():
    off = 0.15 if name == "maximum likelihood" else 0.05
    note("F-V5", f"trained D, {name}", exact[name], value.mean(), off, *five)
note("5.2", "share that counts, mean of five D's",
     exp(-1), measured_share.mean(), 0.1, "exp(-t^2)", needs_training=True)
fact, steady, vanishing = "F-V7", fading["non-saturating"], fading["minimax"]
gain = (steady[-1] / steady[0]).min()
late = vanishing[-1] / vanishing[2 * len(vanishing) // 3]
note(fact, "powers of ten lost by minimax", (1.5, 20), orders.min(), 0, *five)
note(fact, "non-saturating gradient at the end", (1, 100), steady[-1].min(), 0, *five)
note(fact, "non-saturating gradient, end / begin, least of five",
     (1, infinity), gain, 0, *five)
note(fact, "minimax gradient, end / two thirds, largest of five", (0, 1), late.max(), 0, *five)
ledger.assert_all(profile)

# %%
fact, blur = "6.07", float(gap(drawn["one Gaussian"]["maximum likelihood"]).min())
nearby = [js(two, Normal(*fits[name])) for name in ("non-saturating", "minimax")]
note(fact, "2 JS on the larger mode - 2 JS spread over both",
     (-2, 0), 2 * float(nearby[0] - nearby[1]), 0, "quadrature")
for name, (mean, sd) in fits.items():
    bell, made = drawn["one Gaussian"][name], drawn["a network"][name]
    more = gap(made).mean() - gap(truth)
    nearer = moved["one Gaussian", name].mean() / moved["a network", name].mean()
    note(fact, f"one Gaussian, mean, {name}", mean, bell.mean(), 0.1, *five)
    note(fact, f"one Gaussian, sd, {name}", sd, bell.std(0).mean(), 0.1, *five)
    note(fact, f"in the gap / blur of one Gaussian, {name}, largest",
         (0, 0.8), gap(made).max() / blur, 0, *five)
    note(fact, f"in the gap, {name}, mean - that of the data", (0, 1), more, 0, *five)
    note(fact, f"W1 with one Gaussian / with a network, {name}",
         (2, infinity), nearer, 0, *five)

# %%
fact = "6.06"
for name, distance in wander.items():
    note(fact, f"distance from 0, {name}", (0, 0.5), distance, 0, *five)
on_the_way = {name: float((path > 1).sum(0).double().mean()) for name, path in paths.items()}
slow, *quick = (on_the_way[name] for name in reversed(AGENTS))
smooth, of_reward, of_verdict = wander.values()
note(fact, "steps above a shift of 1: verdict / slower of the others",
     (1.5, infinity), slow / max(quick), 0, *five)
note(fact, "distance from 0: verdict / larger of the others",
     (1, infinity), of_verdict / max(smooth, of_reward), 0, *five)
note(fact, "distance from 0: REINFORCE, log D / pathwise", 1, of_reward / smooth, 0.5, *five)
farther = compared["GAN"].mean() / compared["true samples"].mean()
note("6.08", "W1 of the GAN, largest", (0, 0.3), compared["GAN"].max(), 0, *five)
note("6.08", "W1: GAN / true samples, means of five", (1, infinity), farther, 0, *five)
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - The three losses agree on the goal and differ in who teaches. Minimax and maximum likelihood listen
#   to samples that look real, the non-saturating loss to those that D rejects. Slopes that matter are
#   slopes against the score.
# - With the best D, minimax descends $2\,\mathrm{JS}$, non-saturating $\mathrm{KL}(q\|p) -
#   2\,\mathrm{JS} = 2\,\mathrm{KL}(\frac{p+q}{2} \| p)$, and $-e^{s}$ descends $\mathrm{KL}(p \| q)$: that is maximum likelihood.
# - It is right on average and rests on few samples: at a shift of $t$ standard deviations, $n$ of them
#   are worth $n e^{-t^2}$.
# - D must stand still while G moves. Let it move along, and the third cost is constant.
# - Every smooth falling price is an f-divergence, and its curvature says where the price is steep. What made
#   our samples sharp is what G and D can express, more than the loss.
#
# ## In practice
#
# - *Which one do people use?* Often non-saturating, with a penalty on D's slope (R1), as StyleGAN does, or
#   the hinge loss, whose price is $-s$, as in BigGAN. Large comparisons (Lucic et al., Kurach et al., below) found that with equal tuning the choice of
#   loss matters less than networks, regularisation and budget.
# - *Never take logarithms of probabilities.* `log(1 - sigmoid(s))` in float32 is $-\infty$ from about
#   $s = 17$ on. Work with scores and `softplus`.
# - *The exponential price needs a belt.* The package bends $-e^{s}$ into a parabola beyond $s = 20$, so
#   that one odd score does not end the training. It cannot bend away the noise.
# - *A loss that does not fade is not yet a good loss.* On disjoint supports the non-saturating gradient
#   stays large and may point anywhere. That is where the Wasserstein distance (notebook 07) begins.
# - *REINFORCE in GANs* is used for text and molecules, always with a baseline, and with care.
#
# ## Further reading
#
# - [Goodfellow 2016, NIPS Tutorial](https://arxiv.org/abs/1701.00160): section 3.2 holds the three
#   games; 7.3 and 8.3 are Exercise 3 and its solution.
# - [Goodfellow 2014, On distinguishability criteria](https://arxiv.org/abs/1412.6515): where NCE,
#   maximum likelihood and GANs are put side by side, and why no D makes the *first* game maximum likelihood.
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
