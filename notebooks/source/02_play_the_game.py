# %% [markdown]
# # 02 · Play the game: a good opponent is a measuring tape
#
# **What you'll do.** You train two players against each other in one dimension, where every right answer is known, and
# see that a good discriminator measures how far the generator is from the data.
#
# **What you'll learn.**
#
# - to write down both players' costs, and to recognise a classifier's cross-entropy in them;
# - to derive the best discriminator for any two densities, and to say what the derivation assumes;
# - to put it back and find the Jensen–Shannon divergence, with its range and its only minimum;
# - to say why the generator must not run ahead of the discriminator, and what finite samples do to all this.
#
# **What you'll need.** The chain rule, what a density and an expectation are, and a first look at
# [00](00_start_here.ipynb). No data are downloaded.
#
# **Time.** An hour to read and play; Run All takes {{time}}.

# %% tags=["parameters"]
PROFILE = None
SEED = 0

# %% tags=["setup"]
import math

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

from gan_tutorial.game import Game, networks, objectives, train
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import COLORS
from gan_tutorial.lesson.laboratory import laboratory
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth import densities, divergences
from gan_tutorial.truth.densities import Mixture, Normal, Uniform

figures.use_style()
profile = choose(PROFILE)
torch.set_num_threads(1)  # all matrices here are tiny: a second thread would only wait
torch.manual_seed(SEED);

# %% [markdown]
# ## Guess first
#
# Data come from $p = N(0, 1)$ (mean and variance; `Normal(mean, sd)` in code). A generator makes samples from
# $q = N(1, 1)$: the right shape, one unit too far to the right. We toss a fair coin, draw from $p$ or from $q$, and
# show you the number alone. It is $x = 0$, the most likely place for data.
#
# **How sure may the best discriminator be that this is data?**
#
# - (a) 50 %, because the curves overlap too much to tell;
# - (b) 62 %;
# - (c) 84 %;
# - (d) 100 %, because data are at their most likely here.
#
# **And how often is the best discriminator right, over all $x$ that we may show it?** (a) 50 %, (b) 69 %, (c) 84 %.
#
# Write your two letters down. Then let us count: a million draws from each side, and we look only at those that landed
# near 0.

# %%
p, q = Normal(0, 1), Normal(1, 1)
x, fake = p.sample(1_000_000), q.sample(1_000_000)
from_p, from_q = int((x.abs() < 0.05).sum()), int((fake.abs() < 0.05).sum())
print(f"landed near 0: {from_p:,} data and {from_q:,} samples")
print(f"share of data: {from_p / (from_p + from_q):.3f}")

# %% [markdown]
# <details><summary>The answers</summary>
#
# (b) and (b). Near 0 the two kinds arrive in the ratio of their densities, $p(0) : q(0) = 1 : e^{-1/2}$, so the share
# of data is $1/(1 + e^{-1/2}) = 62\,\%$. Being at the peak of the data says little: what counts is how much *more*
# often data arrive here than samples do. Over all $x$ the best rule is "data if $x < 1/2$", and it is right with
# probability $\Phi(1/2) = 69\,\%$, where $\Phi$ is the distribution function of $N(0, 1)$. Nobody can do better, however
# large the network.
# </details>
#
# That share is all that a discriminator can know. The rest follows from it.

# %% [markdown]
# ## One picture
#
# Two players. The **generator** $G$ turns noise $z$ into a sample $G(z)$. The **discriminator** $D$ gets data and
# samples, one at a time, and answers with a **score** $s$: high for "this is data", low for "this is a sample". The
# picture is the whole framework; arrows are what flows forward.

# %%
def box(ax, x, y, text, role):  # these two only draw: read on with the picture
    color = COLORS[role]
    frame = {"boxstyle": "round,pad=0.5", "ec": color, "fc": figures.PAPER, "lw": 1.6}
    return ax.text(x, y, text, ha="center", va="center", color=color, bbox=frame)


def arrow(start, end, role="guide", **look):
    ends = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}
    style = {"arrowstyle": "-|>", "color": COLORS[role], "lw": 1.4, "shrinkA": 3, "shrinkB": 3}
    style |= ends | look
    start.axes.annotate("", end.get_position(), start.get_position(), arrowprops=style)


# %% covers=["3.01"] tags=["figure"] alt="Diagram: noise z goes through G to a sample, data and samples go to D, D gives a score, the score gives the value V, which D raises and G lowers."
fig, ax = plt.subplots(figsize=(7.8, 2.5))
ax.set(xlim=(0.2, 10), ylim=(-0.35, 2.6))
ax.set_axis_off()
noise, G = box(ax, 0.8, 0.6, "noise $z$", "guide"), box(ax, 2.2, 0.6, "$G$", "G")
sample = box(ax, 3.9, 0.6, "sample $G(z) \\sim q$", "model")
data, D = box(ax, 3.9, 1.9, "data $x \\sim p$", "data"), box(ax, 5.9, 1.25, "$D$", "D")
score = box(ax, 7.4, 1.25, "score $s$", "truth")
worth = box(ax, 9.2, 1.25, "value $V$", "truth")
for way in [(noise, G), (G, sample), (sample, D), (data, D), (D, score), (score, worth)]:
    arrow(*way)
arrow(worth, D, "D", connectionstyle="arc3,rad=0.42", linestyle="--")
arrow(worth, G, "G", connectionstyle="arc3,rad=-0.28", linestyle="--")
ax.text(7.6, 2.2, "$D$ learns: raise $V$", color=COLORS["D"], ha="center")
ax.text(7.9, -0.1, "$G$ learns: lower $V$", color=COLORS["G"], ha="center");

# %% [markdown] covers=["3.02"]
# We saw two dashed arrows back: both players learn from the same number $V$, in opposite directions. $G$ never sees
# data. All it hears of them comes through $D$. (There are games in which $G$ is paid for the *difference* between the
# score of a sample and that of a datum, the paired or relativistic ones, `rpgan` and `r3gan` in our package. Even there
# the datum's score is just a number to $G$: no gradient runs through data.)
#
# The names that we use, here and in the whole series. Mind the letter $D$: in formulas $D(x)$ is a probability, in the
# code the network `D` returns the score.
#
# | symbol | what it is | in the code |
# |---|---|---|
# | $z \sim p_z$ | noise, the *latent*, with a simple distribution (prior) of our choice | `latent(n)` |
# | $x \sim p$ | data; papers write $p_{\text{data}}$ | `data(n)`, `real` |
# | $G(z; \theta_g)$ | the generator, a differentiable function with weights $\theta_g$ | `G` |
# | $G(z) \sim q$ | a sample; $q$ is the density of the *model*; papers write $p_g$ or $p_{\text{model}}$ | `fake` |
# | $s(x; \theta_d)$ | the score, any real number | `D(x)` |
# | $D(x) = \sigma(s(x))$ | the probability, in $D$'s opinion, that $x$ is data; $\sigma(s) = 1/(1 + e^{-s})$ | `torch.sigmoid(s)` |

# %% [markdown] covers=["3.07", "3.08"]
# ### What the players pay
#
# $D$ is paid for the probability that it gives to the truth: $\log D(x)$ for data, $\log(1 - D(G(z)))$ for samples.
# The sum of both means is the **value** of the game:
#
# $$V(G, D) = E_{x \sim p} \log D(x) + E_{z \sim p_z} \log\bigl(1 - D(G(z))\bigr), \qquad \min_G \max_D V(G, D).$$
#
# $D$ maximises it inside, $G$ minimises the result outside. What one player wins the other loses, so the game is
# *zero-sum*. In [Goodfellow's NIPS 2016 tutorial](https://arxiv.org/abs/1701.00160), "the tutorial" from here on, each
# player minimises a cost of its own, with a half for the fair coin:
#
# $$J^{(D)} = -\tfrac12 E_p \log D(x) - \tfrac12 E_{p_z} \log\bigl(1 - D(G(z))\bigr) = -\tfrac12 V, \qquad J^{(G)} = -J^{(D)}.$$
#
# So $G$ lowers the log-probability that $D$ is right. An equilibrium is a point where neither gains by moving alone: a
# minimum of $J^{(D)}$ in $D$'s weights and a maximum of it in $G$'s, a *saddle point*. We will see its picture below.
#
# **Two slips to read past.** The 2017 notes on the tutorial print $J^{(D)}$ with $\log D(G(z))$ in the second term,
# which would pay $D$ for believing samples; read it as $\log(1 - D(G(z)))$. Slide 8 of the 2018 intro slides says
# "gradient descent on $D$ and gradient ascent on $G$"; read it as: $D$ *ascends* $V$ and $G$ *descends* it. (Each
# player does descend its own cost.) The slope of each term in the score of one sample shows the difference:

# %% tags=["nbval-check-output"] covers=["3.06"]
score = torch.tensor(0.0, requires_grad=True)  # D's score of one sample of G
V = logsigmoid(-score)  # the term of V that this sample adds: log(1 - D)
misprint = logsigmoid(score)  # the term as the notes print it: log D
slopes = [float(torch.autograd.grad(term, score)[0]) for term in (V, misprint)]
print("slope of V in the score of a sample:", slopes[0], "   of the misprint:", slopes[1])
print("D raises V: it moves the score of a sample", "down" if slopes[0] < 0 else "up")
print("G lowers V: it moves the score of its sample", "up" if slopes[0] < 0 else "down")

# %% [markdown] covers=["3.03", "3.04"]
# ## By hand: G is a distribution without a formula
#
# What may $G$ be? Any function through which a gradient passes. It need not be invertible, and $z$ may have any size.
# Noise goes in, numbers come out, and numbers that come out of noise have a distribution: $q$ is defined by what $G$
# *does*, not by a formula. In one dimension we can still work it out. A stretch of $z$ with probability $m$ that $G$
# spreads over a stretch of length $\ell$ in $x$ adds $m / \ell$ to the density there; where several stretches land on
# the same $x$, they add up. (In the limit this is the change of variables, $q(x) = \sum p_z(z) / |G'(z)|$ over all $z$
# with $G(z) = x$, where no slope $G'(z)$ is 0.)

# %%
def pushed_density(G, x):
    """The density at x (m,) of G(z), z ~ N(0, 1), by cutting z into 4000 stretches."""
    z = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    g, mass = G(z), Normal().cdf(z).diff()
    low, high = torch.minimum(g[:-1], g[1:]), torch.maximum(g[:-1], g[1:])
    lands = (low <= x[:, None]) & (x[:, None] < high)  # (m, 4000): where each stretch goes
    return torch.where(lands, mass / (high - low), 0.0).sum(1)


# %% [markdown]
# Three generators: one that only stretches the line, one that folds it, and a small network with random weights. Above
# we will see the function, below 100,000 samples of it as a histogram, and the density that we worked out as a black
# line.

# %%
net = networks.mlp([1, 16, 1], torch.nn.Tanh).double()
with torch.no_grad():
    net[0].weight.mul_(4), net[2].weight.mul_(4)  # untrained, but not too tame
generators = {
    "stretches": lambda z: 0.4 * z + 1.5 * torch.tanh(3 * z),
    "folds": lambda z: z**2 / 2 - 1,
    "a network": lambda z: net(z[:, None])[:, 0],
}

# %% tags=["figure"] alt="Three generators: their functions of z above, histograms of their samples with the exact density below; the line follows the bars in all three."
fig, axes = plt.subplots(2, 3, figsize=(7.8, 4.2))
z, apart = torch.linspace(-3, 3, 401, dtype=torch.float64), []
for (top, bottom), (name, G) in zip(axes.T, generators.items(), strict=True):
    with torch.no_grad():
        g, samples = G(z), G(torch.randn(100_000, dtype=torch.float64))
        low, high = samples.sort().values[[200, -200]].tolist()  # without the far tails
        at = torch.linspace(low, high, 400, dtype=torch.float64)
        exact = pushed_density(G, at)
    top.plot(z, g, color=COLORS["G"])
    top.set(title=name, xlabel="$z$")
    look = {"density": True, "color": COLORS["model"], "alpha": 0.45}
    bars, edges, _ = bottom.hist(samples, bins=100, range=(low, high), **look)
    with torch.no_grad():
        at_bars = pushed_density(G, torch.as_tensor((edges[1:] + edges[:-1]) / 2))
    off = float((at_bars - torch.as_tensor(bars)).abs().mean())
    apart.append(off * (high - low) / 2)  # for the ledger
    bottom.plot(at, exact, color=COLORS["truth"], lw=1.2)
    bottom.set(xlabel="$x = G(z)$", ylim=(0, min(1.1 * float(exact.max()), 1.6)))
axes[0, 0].set_ylabel("$G(z)$")
axes[1, 0].set_ylabel("density $q(x)$");

# %% [markdown] covers=["3.05"]
# We saw the line follow the bars each time. Steep parts of $G$ thin the samples out, flat parts pile them up (at the
# turning point of the fold, $x = -1$, without bound: we cut the axis), and none of this needed an inverse. On 784
# pixels nobody can cut the latent space into stretches, so there $q$ exists and cannot be written down: an *implicit*
# density. What stays cheap is everything that a game needs: a sample is one forward pass, and backpropagation says how
# each weight moves each sample. Any network will do, a multilayer perceptron too; dropout may be one more source of noise.

# %%
samples = net(torch.randn(10_000, 1, dtype=torch.float64))  # one forward pass
samples.mean().backward()  # one backward pass: how would each weight move the mean?
print(f"mean of 10,000 samples: {samples.mean():.3f}")
print(f"length of its gradient in the first weights: {net[0].weight.grad.norm():.3f}")

# %% [markdown]
# A warning: if $z$ has fewer numbers than $x$, the samples lie on a thin curve or surface, and $q$ has no density. Full
# support needs $\dim z \ge \dim x$, or a last touch of noise, $x = G(z) + \varepsilon$: then $x$ given $z$ is Gaussian,
# and a density exists everywhere. The rank of the derivative $\partial G/\partial z$ counts the directions in which a
# sample can move:

# %% tags=["nbval-check-output"]
for size in (1, 2, 8):
    plane = networks.mlp([size, 16, 2], torch.nn.Tanh)
    slope = torch.autograd.functional.jacobian(plane, torch.zeros(size))
    rank = int(torch.linalg.matrix_rank(slope))
    print(f"z of size {size}, x of size 2: rank of dG/dz {rank}")

# %% [markdown]
# ## By hand: D is a classifier
#
# Freeze $G$ and look at $D$'s task alone: examples of two kinds, label 1 for data and 0 for samples; say which is
# which. That is the most ordinary problem of machine learning. Its usual loss is the **binary cross-entropy**, the
# mean of $-\log(\text{probability given to the right label})$. With as many samples as data this is $J^{(D)}$, half of
# $-V$. In code, for scores that we make up:

# %% tags=["nbval-check-output"] covers=["3.20"]
s_real, s_fake = torch.linspace(-3, 5, 101), torch.linspace(-6, 2, 101)  # any scores will do
V = logsigmoid(s_real).mean() + logsigmoid(-s_fake).mean()  # log sigma(s), log(1 - sigma(s))
labels = torch.cat([torch.ones(101), torch.zeros(101)])
cross_entropy = binary_cross_entropy_with_logits(torch.cat([s_real, s_fake]), labels)
d_loss = objectives.minimax.d_loss(s_real, s_fake)  # in the package: a sum, without the half
print(f"V {V:.6f}   -2 x cross-entropy {-2 * cross_entropy:.6f}   -d_loss {-d_loss:.6f}")
assert torch.allclose(V, -2 * cross_entropy) and torch.allclose(V, -d_loss)

# %% [markdown] covers=["3.17"]
# Maximising $V$ *is* training a classifier. The package's `objectives.minimax` holds both players' losses; its `d_loss`
# is $-V = 2 J^{(D)}$.
#
# A word on the logarithms. If $D$ is certain that a sample is one, $D(G(z)) = 0$, then $\log(1 - D) = \log 1 = 0$, the
# best that $D$ can get. If $D$ is certain that it is data, $D(G(z)) = 1$, then $\log(1 - D)$ falls to $-\infty$:
# certainty in the wrong place costs without bound. A computer meets that limit early. In 32 bits $\sigma(40)$ *is* 1,
# and the loss that is written as it stands in the formula is infinite. Written in scores it is not:
# $\log(1 - \sigma(s)) = -\log(1 + e^{s})$, which is `-softplus(s)`.

# %% tags=["nbval-check-output"]
for s in torch.tensor([-40.0, -4.0, 0.0, 4.0, 40.0]):
    D = torch.sigmoid(s)
    both = f"log(1 - D) {torch.log(1 - D):9.5f}   -softplus(s) {-softplus(s):9.5f}"
    print(f"score {s:4.0f}   D {D:.6f}   {both}")

# %% [markdown]
# Now train one. The simplest $D$ has a score that is a straight line, $s(x) = wx + b$: *logistic regression*. Data and
# samples are fresh in every step.

# %%
def fit_line(q, steps, seed, lr=0.5, n=512):
    """Logistic regression of data (1) against samples of q (0): w and b of s = w x + b."""
    torch.manual_seed(seed)
    w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    for i in range(steps):
        s_real, s_fake = w * p.sample(n) + b, w * q.sample(n) + b
        d_loss = softplus(-s_real).mean() + softplus(s_fake).mean()
        slope_w, slope_b = torch.autograd.grad(d_loss, [w, b])
        step = lr / (1 + i / 50)  # smaller and smaller, so that the noise averages out
        w = (w - step * slope_w).detach().requires_grad_()
        b = (b - step * slope_b).detach().requires_grad_()
    return w.item(), b.item()


line_steps = profile.pick(smoke=20, cpu=1_500, gpu=1_500)
with profile.plan(steps=3 * line_steps, about=3):
    lines = [fit_line(q, line_steps, seed=SEED + i) for i in range(3)]
w, b = lines[0]

# %% [markdown]
# What has it learned? We can check without any theory, as in the guess: cut the $x$-axis into bins, and count in each
# the share of data among all that arrives. We will see $D$ as a dashed green line and the
# counted shares as dots.

# %% tags=["figure"] alt="The learned discriminator falls from 1 to 0 and passes through the counted shares of data in bins."
fig, ax = plt.subplots(figsize=(6, 3))
edges = torch.linspace(-3.5, 4.5, 33)
n_data, n_fake = (torch.histogram(law.sample(200_000), edges)[0] for law in (p, q))
middles = (edges[1:] + edges[:-1]) / 2
u = torch.linspace(-3.5, 4.5, 201)
D = torch.sigmoid(w * u + b)
figures.density_panel(ax, u, p.log_prob(u).exp(), q.log_prob(u).exp(), D)
look = {"color": COLORS["truth"], "s": 14, "zorder": 3, "label": "counted share of data"}
dots = fig.axes[1].scatter(middles, n_data / (n_data + n_fake), **look)
fig.axes[1].legend(handles=[dots], loc="upper right", bbox_to_anchor=(1, 0.92));

# %% [markdown]
# We saw the green line run through the dots: the classifier has learned, at each $x$, the share of data among what
# arrives there. What is this curve, for any $p$ and $q$? That is the first exercise of the tutorial.

# %% [markdown] covers=["3.10"]
# ## Exercise 1 of the tutorial: the optimal discriminator
#
# *What is the optimal $D$ in terms of $p_{\text{data}}$ and $p_{\text{generator}}$, and what do you assume to get it?*
# We take it in three steps that are checked; the notebook goes on whatever you answer, with our answer where yours is
# missing.
#
# ### Exercise 2.1 · One x at a time
#
# Write the value as an integral,
#
# $$V = \int \bigl[\, p(x) \log D(x) + q(x) \log(1 - D(x)) \,\bigr]\, dx .$$
#
# If $D$ may be *any* function, then its value at one $x$ binds it nowhere else: we may choose $D(x)$ for each $x$
# alone, so as to make the bracket as large as possible. **Find that value, and write the function `optimal_D(p, q)`**
# for densities given as numbers or tensors. (Stuck? Run `hint("2.1")` in a cell of its own, more than once.)

# %% tags=["exercise"]
def optimal_D(p, q):
    """The D in (0, 1) that maximises p log D + q log(1 - D)."""
    # solution
    return p / (p + q)


optimal_D = check("2.1", optimal_D)

# %% [markdown] covers=["3.11"]
# <details><summary>A worked solution</summary>
#
# Write $a = p(x)$, $b = q(x)$, and $h(D) = a \log D + b \log(1 - D)$ for $0 < D < 1$. Then
#
# $$h'(D) = \frac{a}{D} - \frac{b}{1 - D} = 0 \iff a(1 - D) = bD \iff D = \frac{a}{a + b}, \qquad
#   h''(D) = -\frac{a}{D^2} - \frac{b}{(1 - D)^2} < 0,$$
#
# so $h$ is concave and this is its only maximum (if $a$ or $b$ is 0, $h$ rises towards $D = 0$ or $1$, as the formula
# says):
#
# $$D^\star(x) = \frac{p(x)}{p(x) + q(x)} .$$
#
# **What did we assume?** (1) That $D$ may be any function: no network, no limited capacity. Then the derivative of the
# integral with respect to the function $D$ vanishes exactly where the derivative vanishes at each $x$. (2) That both
# distributions have densities, and that at least one is positive at $x$. Where $p(x) = q(x) = 0$ the bracket is 0
# whatever $D$ says: there $D$ is not determined. The tutorial assumes both densities non-zero everywhere, a little more than needed. (3) That we know the expectations, not just a finite sample.
# </details>
#
# By brute force: for a few pairs $(a, b)$ we take the best of 9,999 values of $D$.

# %% tags=["nbval-check-output"]
D = torch.linspace(0.0001, 0.9999, 9999, dtype=torch.float64)
for a, b in [(0.4, 0.4), (0.4, 0.1), (0.02, 0.06), (0.001, 0.3)]:
    best, yours = D[(a * D.log() + b * (1 - D).log()).argmax()], optimal_D(a, b)
    print(f"p = {a:5}   q = {b:4}   best D by search {best:.4f}   by your formula {yours:.4f}")

# %% [markdown]
# ### Is that what the classifier learned?
#
# Solve $\sigma(s^\star) = p/(p + q)$ for the score: $s^\star(x) = \log p(x) - \log q(x)$. **The best score is the
# logarithm of the density ratio.** For $p = N(0, 1)$ and $q = N(t, 1)$ the squares cancel:
#
# $$s^\star(x) = -\tfrac12 x^2 + \tfrac12 (x - t)^2 = -t\,x + \tfrac12 t^2 .$$
#
# A straight line, so logistic regression can get it exactly right: for $t = 1$ the weights should be $w = -1$ and
# $b = 1/2$. Three trainings with different draws:

# %%
for i, (w, b) in enumerate(lines):
    print(f"training {i}: w {w:.3f} (exact -1)   b {b:.3f} (exact 0.5)")

# %% [markdown]
# Its accuracy, over data and samples in equal numbers, cannot pass that of the rule "data if $p(x) > q(x)$", the
# *Bayes limit*, $(1 + \mathrm{TV}(p, q))/2$, with the total variation $\mathrm{TV} = \tfrac12 \int |p - q|\,dx$.
# For a shift $t$ it is $\Phi(t/2)$. Our $D$ decides at one point,
# $x_0 = -b/w$, where its score is 0, so that we can work out its accuracy exactly:

# %%
line_accuracy = {}
for t in (1, 2):
    w, b = fit_line(Normal(t, 1), line_steps, seed=SEED)
    x_0 = torch.tensor(-b / w, dtype=torch.float64)  # left of it D says "data"
    line_accuracy[t] = (p.cdf(x_0) + 1 - Normal(t, 1).cdf(x_0)) / 2
    limit = divergences.bayes_accuracy(p, Normal(t, 1))
    print(f"t = {t}: accuracy {line_accuracy[t]:.6f}   Bayes limit {limit:.6f}")

# %% [markdown]
# A discriminator that is right in 69 % of the cases can be as good as perfect.

# %% [markdown] covers=["3.12"]
# ### Other densities, and what the assumption hides
#
# For curved ratios we need a curved score: a network with two hidden layers. We train it on two problems. On the left,
# data with two bumps against one wide bump. On the right, the same idea with *gaps*: densities that are zero in
# places. We will see four trainings that differ only in their seed (green) and $D^\star$ (black, where it exists).

# %%
def fit_network(p, q, steps, seed):
    """A network's score of data against samples, trained with Adam on fresh draws."""
    torch.manual_seed(seed)
    D = networks.PointDiscriminator(1, (32, 32))
    opt = torch.optim.Adam(D.parameters(), lr=5e-3)
    for _ in range(steps):
        x, fake = p.sample(256)[:, None], q.sample(256)[:, None]
        d_loss = objectives.minimax.d_loss(D(x), D(fake))
        opt.zero_grad()
        d_loss.backward()
        opt.step()
    return D


# %%
bumps = Mixture((0.5, 0.5), (Normal(-2, 0.6), Normal(2, 0.6))), Normal(0, 1.5)
four_blocks = (Uniform(-4, -2), Uniform(2, 3)), (Uniform(-3, -2), Uniform(2, 4))
blocks = Mixture((0.5, 0.5), four_blocks[0]), Mixture((0.7, 0.3), four_blocks[1])
net_steps, seeds = profile.pick(smoke=5, cpu=600, gpu=600), range(SEED, SEED + 4)
with profile.plan(steps=8 * net_steps, about=8):
    trained = []
    for pair in (bumps, blocks):
        trained.append([fit_network(*pair, net_steps, seed) for seed in seeds])

# %% tags=["figure"] alt="Left: four learned discriminators lie on the optimal one where there is data, and differ in the far tails. Right: with gaps between blocks they agree on the blocks and differ in the gap."
fig, axes = plt.subplots(2, 2, figsize=(8, 4.2), sharex=True, height_ratios=(1, 1.5))
at = torch.linspace(-5, 5, 801)
for (top, bottom), (p_i, q_i), nets in zip(axes.T, (bumps, blocks), trained, strict=True):
    for law, role in ((p_i, "data"), (q_i, "model")):
        look = {"color": COLORS[role], "alpha": 0.3, "label": role, "lw": 0}
        top.fill_between(at, law.log_prob(at).exp(), **look)
    with torch.no_grad():
        learned = torch.sigmoid(torch.stack([D(at[:, None]) for D in nets]))
    labels = ["learned D, 4 seeds", "", "", ""]
    bottom.plot(at, learned.T, color=COLORS["D"], lw=1, label=labels)
    best = divergences.optimal_discriminator(p_i, q_i)(at)
    bottom.plot(at, best, color=COLORS["truth"], lw=1.4, ls="--", label="D*")
    bottom.set(xlabel="x", ylim=(-0.03, 1.08))
for ax in axes[:, 1]:
    for low, high in ((-5, -4), (-2, 2), (4, 5)):
        ax.axvspan(low, high, color=COLORS["guide"], alpha=0.12, lw=0)
axes[0, 0].set(title="two bumps against one", ylabel="density")
axes[0, 1].set(title="densities with gaps (grey)", xlim=(-5, 5))
axes[1, 0].set_ylabel("D(x)")
axes[0, 0].legend(loc="upper left")
axes[1, 0].legend(loc="upper center", fontsize=8);

# %% [markdown]
# On the left we saw all four close to $D^\star$ in the middle, where data and samples are plenty, and off at the rims,
# where hardly anything arrives: a network learns only where it is shown examples. On the right they agree on the
# blocks, up to rounded steps. In the grey gaps neither data nor samples ever arrive. There each training draws whatever
# line its weights happen to leave, with full confidence at both rims, and none is wrong, because $V$ does not depend on
# it. The assumption of non-zero densities is not a formality: a sample that $G$ moves into a gap gets a score, and a
# gradient, that nothing has checked.
#
# "Estimating this ratio using supervised learning is the key approximation mechanism used by GANs", says the tutorial.
# We now know what is estimated, $\log p/q$, and where.

# %% [markdown]
# ## Put it back: the value is a divergence
#
# ### Exercise 2.2 · The value of the game
#
# Densities on a fine grid of points, `dx` apart, turn integrals into sums. **Write `value(p_x, q_x, D_x, dx)`**, the
# $V$ above, for tensors of the two densities and of $D$ at the grid points. Mind the places where a density is 0: they
# should add 0, also if $D$ is 0 or 1 there and the logarithm is infinite.

# %% tags=["exercise"]
def value(p_x, q_x, D_x, dx):
    """V = sum over the grid of [p log D + q log(1 - D)] dx."""
    # solution
    return (torch.xlogy(p_x, D_x) + torch.xlogy(q_x, 1 - D_x)).sum() * dx


value = check("2.2", value)

# %%
dx = 0.005
grid = torch.arange(-15, 15 + dx, dx, dtype=torch.float64)


def on_grid(density):
    return density.log_prob(grid).exp()


p_x, q_x = on_grid(p), on_grid(q)

# %% [markdown]
# Three discriminators against $q = N(1, 1)$: one that shrugs, one with half the best score, and the best one. Beside
# your sum stands `divergences.value`, the package's *quadrature* (numerical integration, on points of its own).

# %% tags=["nbval-check-output"]
scores = {
    "D = 1/2 everywhere": lambda u: 0 * u,
    "half the best score": lambda u: (0.5 - u) / 2,
    "D*": lambda u: 0.5 - u,
}
for name, s in scores.items():
    ours, exact = value(p_x, q_x, torch.sigmoid(s(grid)), dx), divergences.value(p, q, s)
    print(f"{name:20}  V by your sum {ours:.6f}   by quadrature {exact:.6f}")

# %% [markdown] covers=["3.13"]
# What is the value at $D^\star$? Put it into the integral and multiply above and below by $\tfrac12$:
#
# $$\max_D V = E_p \log \frac{p}{p + q} + E_q \log \frac{q}{p + q}
#   = E_p \log \frac{\tfrac12\, p}{\tfrac12 (p + q)} + E_q \log \frac{\tfrac12\, q}{\tfrac12(p + q)} .$$
#
# Take the two $\tfrac12$ out of the logarithms; each gives $-\log 2$. With $m = \tfrac12 (p + q)$, the even mixture,
#
# $$\max_D V = -2 \log 2 + \mathrm{KL}(p \,\|\, m) + \mathrm{KL}(q \,\|\, m) = -2 \log 2 + 2\, \mathrm{JS}(p, q) .$$
#
# Here $\mathrm{KL}(p \,\|\, m) = E_p \log(p/m)$ is the Kullback–Leibler divergence, and the mean of the two is the
# **Jensen–Shannon divergence**,
# $\mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p\,\|\,m) + \tfrac12 \mathrm{KL}(q\,\|\,m)$.
#
# ### Exercise 2.3 · The divergence
#
# **Write `js(p_x, q_x, dx)`** on the grid. It should survive zeros, as above. What is its largest possible value, and
# for which $p$ and $q$? What does that say about the range of $\max_D V$?

# %% tags=["exercise"]
def js(p_x, q_x, dx):
    """JS(p, q) = KL(p || m)/2 + KL(q || m)/2 with m = (p + q)/2, in nats."""
    # solution
    m = (p_x + q_x) / 2
    kl_p = torch.xlogy(p_x, p_x) - torch.xlogy(p_x, m)
    kl_q = torch.xlogy(q_x, q_x) - torch.xlogy(q_x, m)
    return (kl_p + kl_q).sum() * dx / 2


js = check("2.3", js)

# %% [markdown] covers=["3.14"]
# <details><summary>The range</summary>
#
# If $p = q$, then $m = p$ and both KL are 0: JS = 0. Since $m \ge p/2$, we have $\log(p/m) \le \log 2$, and the same
# for $q$: JS is at most $\log 2$. If $p$ and $q$ never overlap, then $m = p/2$ wherever $p > 0$, so
# $\mathrm{KL}(p\,\|\,m) = \log 2$, and the other one too: JS = $\log 2$ is reached. So $\max_D V$ runs from
# $-2 \log 2 = -1.386$ (no difference to be found; $D = \tfrac12$) up to 0 (no doubt anywhere).
# </details>
#
# The identity should hold along a shift $t$, from equal to almost disjoint. Your `value` was right at $t = 1$. Here is
# what it says at $t = 4$:

# %% tags=["nbval-check-output"]
q_4 = on_grid(Normal(4, 1))
print("V at D* for t = 4:", value(p_x, q_4, optimal_D(p_x, q_4), dx).item())

# %% [markdown]
# Minus infinity, and the formula is right. Far on the left $q/p$ is less than $10^{-16}$, so that 64 bits round
# $D^\star$ to exactly 1, and $\log(1 - D)$ is infinite, as $\sigma(40)$ showed. The remedy is the same, too: stay with
# scores.

# %%
def value_of_score(p_x, q_x, s, dx=dx):
    """The same V from the score: log D is logsigmoid(s), log(1 - D) is logsigmoid(-s)."""
    return (p_x * logsigmoid(s) + q_x * logsigmoid(-s)).sum() * dx


# %% [markdown]
# Now the numbers, the best score being $\log p - \log q$:

# %% tags=["nbval-check-output"]
SHRUG = -2 * math.log(2)  # the value of a D that says 1/2 everywhere
print("  t    V at D*    -2 log 2 + 2 JS    JS        Bayes accuracy")
for t in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0):
    q_t, best_score = on_grid(Normal(t, 1)), p.log_prob(grid) - Normal(t, 1).log_prob(grid)
    V, JS = value_of_score(p_x, q_t, best_score), js(p_x, q_t, dx)
    limit = divergences.bayes_accuracy(p, Normal(t, 1))
    print(f"{t:4}  {V:.6f}      {SHRUG + 2 * JS:.6f}      {JS:.6f}      {limit:.4f}")

# %% [markdown] covers=["3.15"]
# The first two columns agree in every digit. On the left we will see $\max_D V$ rise with the shift,
# between its two bounds. On the right $q = N(t, s^2)$ moves in two directions, shift $t$ and width $s$: how many
# valleys are there?

# %%
widths = torch.linspace(0.3, 3, 55, dtype=torch.float64)
shifts = torch.linspace(-4, 4, 81, dtype=torch.float64)


def max_V(q):
    """max V = -2 log 2 + 2 JS against a density q, on the grid."""
    return 2 * js(p_x, on_grid(q), dx) + SHRUG


best_value = [torch.stack([max_V(Normal(t, s)) for t in shifts]) for s in widths]
best_value = torch.stack(best_value)

# %% tags=["figure"] alt="Left: the value at the best discriminator rises from minus two log two to zero with the shift. Right: contour map over shift and width with a single valley at shift 0 and width 1."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.2))
t = torch.linspace(0, 8, 81, dtype=torch.float64)
curve = {"$\\max_D V$": torch.stack([max_V(Normal(t_i, 1)) for t_i in t])}
bounds = {"$0$: disjoint": 0.0, "$-2\\log 2$: equal": SHRUG}
figures.curves(left, t, curve, bounds, xlabel="shift t")
left.legend(loc="center right")
image = right.contourf(shifts, widths, best_value, 14, cmap="cividis")
right.plot(0, 1, "*", color=figures.PAPER, ms=11)
right.set(xlabel="shift t", ylabel="width s", title="$\\max_D V$ for $q = N(t, s^2)$")
right.grid(False)
fig.colorbar(image, ax=right);

# %% [markdown]
# Left: the curve starts flat at $-2 \log 2$, climbs, and flattens again towards 0. On that plateau $G$ hardly gains
# from being a bit less wrong; more of this in notebook 06. Right: one valley, and its lowest point is the star at
# $q = N(0, 1) = p$. This is no accident of Gaussians. A KL divergence is never negative, and 0 only between equal
# densities; so JS = 0 forces $p = m$ and $q = m$. Over all densities $q$, then, $\max_D V$ has exactly one global
# minimum, $q = p$, where $D^\star = \tfrac12$ everywhere. **If $D$ is always the best, then winning the game is
# matching the data.**

# %% [markdown]
# ## Three generators
#
# What does "$\min_G \max_D$" look like? Suppose that there are only three generators, $G_1, G_2, G_3$ with shifts 0.75,
# 1.5 and 2.5. For each one, draw $V$ against $D$. A function $D$ has no axis, so we take a family with one number:
# $D_a$ with the score $-ax + a^2/2$. By the formula above, $D_a$ is the best answer to the shift $t = a$: the family
# contains the best opponent of each generator, and $a = 0$ is "$\tfrac12$ everywhere".

# %%
def V_of(t, a):
    """V(G_t, D_a) for shifts t (rows) and discriminators a (columns), on the grid."""
    s = -a[:, None] * grid + a[:, None].square() / 2  # (columns, points)
    q_t = Normal().log_prob(grid - t[:, None]).exp()  # (rows, points)
    return (p_x @ logsigmoid(s).T + q_t @ logsigmoid(-s).T) * dx


three = torch.tensor([0.75, 1.5, 2.5], dtype=torch.float64)
a = torch.linspace(-1.5, 4, 221, dtype=torch.float64)
t_axis = torch.linspace(-3, 3, 121, dtype=torch.float64)
V_three, V_map = V_of(three, a), V_of(t_axis, a)

# %% covers=["3.09"] tags=["figure"] alt="Left: value against discriminator for three generators, each with one peak at its own shift; the peak of G1 is lowest. Right: the value as a map over shift and discriminator, with the ridge of best answers and a saddle at the origin."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.5))
for i, (t, ls) in enumerate(zip(three, ("-", "--", ":"), strict=True)):
    look, peak = {"color": COLORS["G"], "ls": ls}, int(V_three[i].argmax())
    left.plot(a, V_three[i], **look, label=f"$G_{i + 1}$: t = {t:g}")
    left.plot(a[peak], V_three[i, peak], "o", color=COLORS["G"])
    exact = 2 * divergences.js(p, Normal(float(t), 1)) + SHRUG
    left.plot([-1.5, a[peak]], [exact, exact], color=COLORS["guide"], lw=0.8)
    right.axvline(t, **look)
left.set(xlabel="discriminator $D_a$", ylabel="V", ylim=(-2.6, -0.3))
left.set_title("peaks; grey: $-2\\log 2 + 2\\,$JS")
left.legend(loc="lower center", fontsize=8.5)
image = right.contourf(t_axis, a, V_map.T.clamp(min=-2.4), 16, cmap="cividis")
right.plot(t_axis[30:], t_axis[30:], color=figures.PAPER, lw=1.8)
right.plot(0, 0, "*", color=figures.PAPER, ms=11)
right.set(xlabel="generator: shift t", ylabel="discriminator a")
right.set_title("V (dark: below $-2.4$)")
right.grid(False)
fig.colorbar(image, ax=right);

# %% [markdown]
# We saw three hills. Each peak is at the generator's own $a = t$, and its height (grey, from quadrature) is twice the
# divergence of that generator from the data, up to the constant. $D$ climbs to the top; $G$ then chooses the hill
# whose top is *lowest*: $G_1$. All three meet at $a = 0$: against a $D$ that shrugs, all generators are alike.
#
# On the right the three are vertical cuts through one landscape. The white ridge $a = t$ is $D$'s best answer to
# each $t$; its lowest point is the star. From there the landscape rises along the ridge, falls if $D$ moves alone, and
# stays level if $G$ does: neither gains. It is the **saddle point** of the game, $t = 0$, $D = \tfrac12$.

# %% [markdown]
# ## G moves
#
# ### The gradient of a maximum
#
# $G$ minimises $L(t) = \max_D V(t, D)$. Can one differentiate a maximum? For a maximum of finitely many smooth
# functions: yes, except where two of them tie. Find the winner, and take the derivative of the winner. For the maximum
# over all $D$ the winner is unique, and the same rule (the *envelope theorem*) reads: compute $D^\star$, then treat it
# as fixed,
#
# $$\frac{dL}{dt} = \frac{\partial V}{\partial t}(t, D) \Big|_{D = D^\star} .$$
#
# That is what every GAN does: train $D$, then differentiate through it as if it would stay. Check both sides:
# differences of $L$ by quadrature, and one automatic derivative with $D$ frozen at $D^\star$.

# %% tags=["nbval-check-output"]
def frozen_slope(t):
    """dV/dt with D frozen at the best answer to t: only the samples G(z) = z + t move."""
    shift = torch.tensor(t, dtype=torch.float64, requires_grad=True)
    score = -t * (grid + shift) + t**2 / 2  # z runs over the grid
    V = (Normal().log_prob(grid).exp() * -softplus(score)).sum() * dx
    return float(torch.autograd.grad(V, shift)[0])


h = 1e-4
for t in (0.5, 1.0, 2.0, 4.0):
    L_high, L_low = (2 * divergences.js(p, Normal(u, 1)) for u in (t + h, t - h))
    quotient, frozen = (L_high - L_low) / (2 * h), frozen_slope(t)
    print(f"t = {t}:  difference quotient of L {quotient:.6f}   with D frozen {frozen:.6f}")

# %% [markdown]
# ### Do not run ahead
#
# We will see on the left that each $V(t, D_a)$ with a fixed $D_a$ touches $L$ (black) from below at $t = a$ and nowhere
# else: $L$ is the upper rim, the *envelope*, of all of them. On the right, what $G$ at $t = 2$ sees with $D_2$ (green),
# and the truth.

# %% covers=["3.18", "3.19"] tags=["figure"] alt="Left: curves with fixed discriminators touch the envelope L from below. Right: with the discriminator fixed at t = 2 the value falls without end as t goes down, while the true maximum rises again beyond t = 0."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.3), sharex=True, sharey=True)
t = torch.linspace(-4, 4, 161, dtype=torch.float64)
L = torch.stack([max_V(Normal(u, 1)) for u in t])
V_six = V_of(t, torch.tensor([-3.0, -1.5, -0.5, 0.5, 1.5, 3.0], dtype=torch.float64))
V_two = V_of(t, torch.tensor([2.0], dtype=torch.float64))
rim = {"color": COLORS["G"], "lw": 2.4, "alpha": 0.7}
left.plot(t, V_six, color=COLORS["D"], lw=1)
left.plot(t, V_six.max(1).values, **rim, label="maximum of these six")
left.plot(t, L, color=COLORS["truth"], ls="--", label="L: maximum over all D")
right.plot(t, L, color=COLORS["truth"], label="L(t), the truth")
right.plot(t, V_two, color=COLORS["D"], label="V(t, $D_2$), what G sees")
below = {"xytext": (0, -15), "textcoords": "offset points", "ha": "center", "size": 8.5}
for u, text in ((2, "here"), (0, "stop"), (-3, "too far")):
    height = float(2 * divergences.js(p, Normal(u, 1)) + SHRUG)
    right.plot(u, height, "o", color=COLORS["G"])
    right.annotate(text, (u, height), **below)
left.set(xlabel="shift t", ylabel="V", ylim=(-3, 0.75), title="L is the rim of all fixed D")
right.set(xlabel="shift t", title="a fixed D is right only nearby")
left.legend(loc="upper center", fontsize=8.5)
right.legend(loc="upper center", fontsize=8.5);

# %% [markdown]
# Left: the purple maximum of six curves has kinks, where the winner changes; between them its slope is the slope of the
# winner. With all $D$ allowed the kinks are gone. Right: near $t = 2$ green and black share their slope. But green goes
# on falling, past 0, where $G$ should stop, without end: $D_2$ has learned "samples are on the right", so for $D_2$ the
# further left, the better. A $G$ that believes it and jumps to $-3$ is farther from the data than before: the new
# $D^\star$ says so at once, and the value *rises*. Between two moves of $D$, $G$ may take only a small step.
#
# ### The loop, by hand
#
# Both move in turn: $k$ steps of $D$, then one of $G$. $G$ has one weight, its shift $t$; $D$
# has two, $w$ and $b$. We play eight games at once, one per column of the tensors, to see what is chance.

# %%
def play_by_hand(k, g_lr, rounds, d_lr=0.1, games=8, n=64):
    """Minimax by alternating gradient steps from t = 3: the shifts, (rounds, games)."""
    torch.manual_seed(SEED)
    t, w, b = torch.full((games,), 3.0), torch.zeros(games), torch.zeros(games)
    path = []
    for _ in range(rounds):
        for _ in range(k):
            x, fake = torch.randn(n, games), torch.randn(n, games) + t
            # the slopes of d_loss in the scores, and from them those in w and b
            on_x, on_fake = torch.sigmoid(w * x + b) - 1, torch.sigmoid(w * fake + b)
            slope_w, slope_b = (on_x * x + on_fake * fake).mean(0), (on_x + on_fake).mean(0)
            w, b = w - d_lr * slope_w, b - d_lr * slope_b
        on_fake = torch.sigmoid(w * (torch.randn(n, games) + t) + b)
        t = t + g_lr * (on_fake * w).mean(0)  # the slope of log(1 - D) is -sigma(s) w
        path.append(t)
    return torch.stack(path)


# %% [markdown]
# Four settings: a slow $G$, a fast $G$ with one step of $D$ and with ten, and a $G$ with enormous steps. Above we will
# see the shift, which should go to 0; below the exact JS of each game, which should fall.

# %%
rounds = profile.pick(smoke=20, cpu=300, gpu=300)
settings = {"slow G, k = 1": (1, 0.05), "fast G, k = 1": (1, 0.2)}
settings |= {"fast G, k = 10": (10, 0.2), "huge steps, k = 10": (10, 20.0)}
with profile.plan(steps=4 * rounds, about=3):
    paths = {name: play_by_hand(k, g_lr, rounds) for name, (k, g_lr) in settings.items()}
for name, path in paths.items():
    lowest, away = float(path.min()), int((path[-1].abs() > 5).sum())
    print(f"{name:20} lowest shift {lowest:7.2f}   ends more than 5 from 0: {away} of 8")

# %% tags=["figure"] alt="Four settings, eight games each. Slow G and fast G with one step of D swing past 0 before they settle; fast G with ten steps goes straight to 0; huge steps throw some games far away, where JS is log 2, and let the others jump about."
fig, axes = plt.subplots(2, 4, figsize=(8.2, 3.6), sharex=True, sharey="row")
shift_table = torch.linspace(0, 15, 301, dtype=torch.float64)
js_table = torch.stack([divergences.js(p, Normal(float(u), 1)) for u in shift_table])


def js_of(path):
    """The exact JS of each shift, from the nearest row of the table."""
    return js_table[(path.abs().double() / 0.05).round().long().clamp(max=300)]


for (top, bottom), (name, path) in zip(axes.T, paths.items(), strict=True):
    thin = {"lw": 0.4 if "huge" in name else 0.9}
    top.plot(path.clamp(-6, 6), color=COLORS["G"], **thin)
    bottom.plot(js_of(path), color=COLORS["truth"], **thin)
    bottom.axhline(math.log(2), color=COLORS["guide"], ls=":")
    top.axhline(0, color=COLORS["data"], lw=1, ls="--")
    top.set_title(name, size=9.5)
    bottom.set_xlabel("round")
axes[0, 0].set(ylabel="shift t (cut at 6)", ylim=(-6.2, 6.2))
axes[1, 0].set(ylabel="JS, exact")
axes[1, 0].text(10, math.log(2) - 0.07, "log 2", size=8, color=COLORS["guide"]);

# %% [markdown]
# With one step of $D$ per round both the slow and the fast $G$ run past 0, the fast one farther: $D$ lags, still says
# "samples are on the right" when that is no longer so, and $G$ swings back before it comes to rest. With ten steps $D$
# keeps up, and the same fast $G$ goes straight to the data. With huge steps even ten are not enough. Some games jump
# from side to side to the end, at a JS well above 0. In others $G$ is thrown so far out that $D$ is certain: JS sits on
# its plateau at $\log 2$, and hardly any gradient is left for $G$ to come back with. These are two faults: a $G$
# that is fast *compared with $D$* meets an opinion of yesterday, and a $G$ whose single step is too long leaves the
# place where even the best $D$ is right. Why swings exist at all, and whether they must die out, is the subject of
# notebook 04.

# %% [markdown] covers=["3.16"]
# ## Where the theory holds: functions, not weights
#
# Goodfellow et al. (2014) argue: if $D$ is the best at every step and $G$ improves *its density* a little each time,
# then $q$ converges to $p$. The reason is convexity. As a function of the numbers $D(x)$, $V$ is concave; as a function
# of the numbers $q(x)$ it is linear, and $\max_D V$, a maximum of linear functions, is convex. So let us do what no
# network does and move the density itself. The slope of $\max_D V$ in $q(x)$ is, by the envelope theorem,
# $\log(1 - D^\star(x))$. A step that keeps $q$ positive multiplies it by $e^{-\eta\,\text{slope}}$ and normalises:

# %% tags=["nbval-check-output"]
q_n = [on_grid(Normal(3, 0.7))]
for _ in range(8):
    slope = torch.log(optimal_D(q_n[-1], p_x))  # 1 - D* is the same formula, parts exchanged
    new = q_n[-1] * torch.exp(-1.0 * slope)  # eta = 1
    q_n.append(new / (new.sum() * dx))
gaps = [float((p_x - q_i).abs().sum() * dx / 2) for q_i in q_n]
print("total variation after each step:", " ".join(f"{gap:.4f}" for gap in gaps))
ratios = [after / before for before, after in zip(gaps, gaps[1:], strict=False)]
print("each divided by the one before: ", " ".join(f"{ratio:.4f}" for ratio in ratios))

# %% [markdown]
# The distance halves in every step, exactly. (Work it out: with $\eta = 1$ the step is $q \to q \cdot (p + q)/q$,
# normalised: the even mixture of data and model.) In the space of functions the game is easy.
#
# Networks move weights, not functions. We test what that changes along straight lines. For $D$: take a trained network
# and its twin with the hidden units in another order, which is *the same function*, and walk straight from one set of
# weights to the other. If $V$ were concave in the weights, it could not sag in between. For $G$: go from $N(0, 1)$ to
# $N(6, 1)$ by mixing densities, and by moving the weight $t$. If $\max_D V$ is convex along the way, it stays below
# its chord.

# %%
def twin_of(D):
    """The same function with the first hidden units in another order: its weights."""
    order = torch.arange(32).flip(0)
    weights = {name: w.detach().clone() for name, w in D.named_parameters()}
    for name in ("net.0.weight", "net.0.bias"):
        weights[name] = weights[name][order]
    weights["net.2.weight"] = weights["net.2.weight"][:, order]
    return weights


def V_between(D, share):
    """V, by quadrature, of the network that is `share` of the way from D to its twin."""
    start, end = dict(D.named_parameters()), twin_of(D)
    weights = {name: torch.lerp(start[name].detach(), end[name], share) for name in start}

    def score(u):
        return torch.func.functional_call(D, weights, u[:, None].float()).double()

    return divergences.value(*bumps, score)


# %%
share = torch.linspace(0, 1, 21)
with torch.no_grad():
    sags = [[float(V_between(D, float(c))) for c in share] for D in trained[0]]
far = on_grid(Normal(6, 1))
mixing = [float(2 * js(p_x, (1 - c) * p_x + c * far, dx)) + SHRUG for c in share]
moving = [float(max_V(Normal(6 * float(c), 1))) for c in share]

# %% tags=["figure"] alt="Left: the density moves to the data in equal halvings. Middle: V sags between a network and its reordered twin. Right: mixing densities stays below the chord, moving the weight t is above it."
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(8.2, 2.8))
for i in (0, 1, 2, 3, 5, 8):
    left.plot(grid, q_n[i], color=COLORS["model"], alpha=0.25 + 0.09 * i, lw=1.2)
left.plot(grid, p_x, color=COLORS["data"], ls="--", label="data")
left.set(xlim=(-4, 6), xlabel="x", ylabel="density", title="densities: by halves")
middle.plot(share, torch.tensor(sags).T, color=COLORS["D"], lw=1.2)
middle.set(xlabel="from D (0) to its twin (1)", ylabel="V", title="$D$'s weights: not concave")
right.plot(share, mixing, color=COLORS["model"])
right.text(0.4, -1.25, "mixing densities", color=COLORS["model"], size=8.5)
right.plot(share, moving, color=COLORS["G"])
right.text(0.02, -0.2, "moving t", color=COLORS["G"], size=8.5)
right.plot([0, 1], [mixing[0], mixing[-1]], color=COLORS["guide"], ls=":")
right.set(xlabel="from N(0, 1) to N(6, 1)", ylabel="$\\max_D V$")
right.set_title("$G$'s weights: not convex");

# %% [markdown]
# Left: the function-space game, with six of its densities. Middle: for all four networks $V$ is the same at both ends
# and sags between them, so it is not concave in $D$'s weights. Right: mixing stays below the chord, as a convex
# function must; moving $t$ starts below it and then runs far above. The proof of convergence covers the first picture
# only. That networks do so well all the same is an observation, not a theorem.

# %% [markdown] covers=["3.21"]
# ## From expectations to samples
#
# Two more gaps separate a real training from $\max_D V$. First, **$D$ is not the best**: it belongs to some family,
# and training may stop at a local optimum or before any. So what it reaches is a *lower bound* of $\max_D V$. Take
# $q = N(0, 2^2)$: right place, wrong width. We maximise the exact $V$ over scores with $w x + b$, and over those with
# an $x^2$ as well.

# %% tags=["nbval-check-output"]
wide = Normal(0, 2)
wide_x = on_grid(wide)
for name, powers in {"w x + b": (0, 1), "v x² + w x + b": (0, 1, 2)}.items():
    features = torch.stack([(grid / 3) ** k for k in powers])  # 1/3: one step size suits all
    c = torch.zeros(len(powers), dtype=torch.float64)
    for _ in range(3000):  # gradient ascent on the exact V, which is concave in c
        D_x = torch.sigmoid(c @ features)
        c = c + 0.5 * features @ (p_x * (1 - D_x) - wide_x * D_x) * dx
    best = value(p_x, wide_x, torch.sigmoid(c @ features), dx)
    print(f"best V with s = {name:15} {best:.6f}")
print(f"max V over all D              {2 * divergences.js(p, wide) + SHRUG:.6f}")

# %% [markdown]
# The straight line finds *nothing*: its best is $-2 \log 2$, as if $q$ were $p$, and a $G$ that plays against it would
# be content. The family with $x^2$ contains $\log p/q$ and reaches the maximum. **$G$ learns only what $D$ can see.**
#
# Second, **means of samples stand for expectations**. For one fixed $D$ that is harmless: the mean of $n$ draws
# scatters around the exact $V$, less with more draws. But $D$ is *chosen* on its samples, and then the same samples
# flatter it. On the left we will see 4,000 such means for the fixed $D^\star$, of 20 and of 500 draws. On the right a
# network gets 20 data and 20 samples, the same ones in every step, and we follow what it believes (brown, on its 40
# points) and what is true (black, by quadrature over all $x$).

# %%
def overfit(seed, steps, n=20):
    """V on the n + n points that D learns from, and its exact V, every 10 steps."""
    torch.manual_seed(seed)
    x, fake = p.sample(n)[:, None], q.sample(n)[:, None]
    D = networks.PointDiscriminator(1, (64, 64))
    opt, history = torch.optim.Adam(D.parameters(), lr=1e-2), []
    for i in range(steps + 1):
        d_loss = objectives.minimax.d_loss(D(x), D(fake))
        if i % 10 == 0:
            with torch.no_grad():
                true = divergences.value(p, q, lambda u: D(u[:, None].float()).double())
            history.append((-float(d_loss.detach()), float(true)))
        opt.zero_grad()
        d_loss.backward()
        opt.step()
    return torch.tensor(history)


fit_steps = profile.pick(smoke=10, cpu=300, gpu=300)
with profile.plan(steps=3 * fit_steps, about=3):
    fits = torch.stack([overfit(SEED + i, fit_steps) for i in range(3)])

# %% tags=["figure"] alt="Left: sample means of V at the best discriminator scatter around the exact value, less with more draws. Right: a network trained on 20 plus 20 points believes in a value above the maximum, while its true value falls far below it."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.2))
best = float(2 * divergences.js(p, q) + SHRUG)
for n, role in ((20, "estimate"), (500, "second")):
    s_real, s_fake = 0.5 - p.sample(4000 * n), 0.5 - q.sample(4000 * n)
    means = (logsigmoid(s_real).view(4000, n) + logsigmoid(-s_fake).view(4000, n)).mean(1)
    look = {"color": COLORS[role], "alpha": 0.6, "label": f"n = {n}"}
    left.hist(means, bins=60, density=True, **look)
left.set(xlabel="mean over n draws, D* fixed", ylabel="density")
left.set_title("fixed D: fair estimates")
at = 10 * torch.arange(fits.shape[1])
lines_of = {"on its own 40 points": COLORS["estimate"], "true V of this D": COLORS["truth"]}
for (label, color), values in zip(lines_of.items(), fits.permute(2, 1, 0), strict=True):
    right.plot(at, values, color=color, label=[label, "", ""])
for ax, draw_line in ((left, left.axvline), (right, right.axhline)):
    draw_line(best, color=COLORS["guide"], ls="--", label="max V, exact")
    ax.legend(fontsize=8.5)
right.set(xlabel="step of D", ylabel="V", ylim=(-3, 0))
right.set_title("D trained on few points: flattered");

# %% [markdown]
# Left: both heaps are centred on the dashed line, the second one five times narrower ($\sqrt{500/20} = 5$). Right, in
# three trainings: the true value of $D$ rises at first, never above the dashed maximum, then falls, below even the
# $-2 \log 2$ of a $D$ that shrugs. Meanwhile on its own points $D$ passes the maximum: it has memorised them. So:
# *fresh* draws give a lower bound (up to noise); draws that $D$ was trained on may give anything.

# %% [markdown]
# ## With the package
#
# The package holds the game as one object, `Game`: two networks, two optimisers, two samplers, its own random numbers.
# `train` gives one step after the other to your `for` loop. First the proof that it does what we did by hand. A $G$
# with one weight, a $D$ with two, plain gradient descent. (`g_loss` is $E \log(1 - D(G(z)))$, the part of $V$ that $G$
# can change: $-\log 2$ for a $D$ that shrugs.)

# %%
class Shift(torch.nn.Module):
    """G(z) = z + t."""

    def __init__(self, t):
        super().__init__()
        self.t = torch.nn.Parameter(torch.tensor(t))

    def forward(self, z):
        return z + self.t


def shift_game(t, w, b, d_lr=0.1, g_lr=0.5):
    G, D = Shift(t), networks.PointDiscriminator(1, hidden=())  # no hidden layer: s = w x + b
    torch.nn.init.constant_(D.net[0].weight, w)
    torch.nn.init.constant_(D.net[0].bias, b)
    opts = torch.optim.SGD(G.parameters(), g_lr), torch.optim.SGD(D.parameters(), d_lr)
    return Game(G, D, *opts, data=densities.as_data(p), latent=densities.Latent(1), seed=SEED)


played = shift_game(t=3.0, w=0.0, b=0.0)
for step in train(played, objectives.minimax, steps=3, batch_size=64, d_steps=2):
    print(f"step {step.n}: d_loss {float(step.d_loss):.4f}   g_loss {float(step.g_loss):.4f}")

# %% [markdown]
# The same three steps by hand, with derivatives that we worked out ourselves and the same random numbers in the same
# order: data, latents for $D$'s move, and latents for $G$'s.

# %% tags=["nbval-check-output"]
torch.manual_seed(SEED)
t, w, b = 3.0, 0.0, 0.0
for _ in range(3):
    for _ in range(2):
        x, fake = torch.randn(64), torch.randn(64) + t
        on_x, on_fake = torch.sigmoid(w * x + b) - 1, torch.sigmoid(w * fake + b)
        w, b = w - 0.1 * (on_x * x + on_fake * fake).mean(), b - 0.1 * (on_x + on_fake).mean()
    t = t + 0.5 * (torch.sigmoid(w * (torch.randn(64) + t) + b) * w).mean()
by_hand = torch.stack([t, w, b])
of_D = [weight.flatten()[0] for weight in played.D.parameters()]
by_package = torch.stack([played.G.t, *of_D]).detach()
difference = float((by_hand - by_package).abs().max())
print("t, w, b by hand:   ", [round(v, 5) for v in by_hand.tolist()])
print("t, w, b by package:", [round(v, 5) for v in by_package.tolist()])
assert difference < 1e-5

# %% [markdown]
# ## Play
#
# A model $q = N(\text{mean}, \text{sd}^2)$ to move, and an *offset* that is added to the score of the best $D$, which
# makes it too trusting (above 0) or too suspicious (below 0). On the left: data, model, the best $D$ (dashed) and the
# offset one. On the right: the bracket $p \log D + q \log(1 - D)$ of both, whose area is $V$.

# %%
def accuracy(p_x, q_x, score):
    """How often the sign of the score is right, data and samples equally often."""
    return float((torch.where(score > 0, p_x, q_x)).sum() * dx / 2)


def in_words(q_x, best, s):
    """What is reached with the scores s, and with the best ones."""
    V, JS = value_of_score(p_x, q_x, s), js(p_x, q_x, dx)
    now, limit = accuracy(p_x, q_x, s), accuracy(p_x, q_x, best)
    side = "above" if V > SHRUG else "below"
    worth = f"V is {V:.3f}, {side} -2 log 2 = {SHRUG:.3f}; the best is {SHRUG + 2 * JS:.3f}."
    right = f"This D is right in {now:.1%} of the cases, the best D in {limit:.1%}."
    return f"JS is {JS:.3f}. {worth} {right}"


# %%
def draw(left, right):
    """Densities and D on the left, brackets on the right; return what moves them."""
    at = ((grid > -6) & (grid < 6)).nonzero()[::8, 0]  # enough points for a picture
    u = grid[at]
    left.plot(u, p_x[at], color=COLORS["data"], label="data")
    (model,) = left.plot(u, q_x[at], color=COLORS["model"], label="model")
    looks = {"best D": {"color": COLORS["truth"], "ls": "--"}}
    looks |= {"D with offset": {"color": COLORS["D"]}}
    lines = []
    for name, look in looks.items():
        lines.append([ax.plot(u, u, label=name, **look)[0] for ax in (left, right)])
    left.set(xlabel="x", ylabel="density, or D(x)", ylim=(0, 1.4), xlim=(-6, 6))
    right.set(xlabel="x", ylabel="$p \\log D + q \\log(1 - D)$", xlim=(-6, 6))
    for ax in (left, right):
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, columnspacing=1)

    def update(mean_of_the_model, sd_of_the_model, offset_of_the_score):
        log_q = Normal(mean_of_the_model, sd_of_the_model).log_prob(grid)
        q_x, best = log_q.exp(), p.log_prob(grid) - log_q
        scores = best, best + offset_of_the_score
        model.set_ydata(q_x[at])
        brackets = [(p_x * logsigmoid(s) + q_x * logsigmoid(-s))[at] for s in scores]
        for (on_left, on_right), s, bracket in zip(lines, scores, brackets, strict=True):
            on_left.set_ydata(torch.sigmoid(s)[at])
            on_right.set_ydata(bracket)
        deepest = 2.0 ** math.ceil(math.log2(max(0.8, -float(brackets[1].min())) / 0.8))
        if right.get_ylim()[0] != -0.8 * deepest:  # few values: a curve falls, not its axis
            right.set_ylim(-0.8 * deepest, 0.05 * deepest)
        return in_words(q_x, *scores)

    return update


# %% [markdown]
# Two questions to answer by playing (in the live notebook, with the sliders; at the start, as in the stored picture,
# the mean is 1, the sd 1 and the offset 1):
#
# 1. Set the mean to 0. Which sd is as easy to detect as the shift by one was, JS = 0.111? There are two.
# 2. Go back to mean 1 and sd 1. Raise the offset from 0 until $V$ falls below $-2 \log 2$: $D$ is now worse than one
#    that always says $\tfrac12$. Is it right in less than half of the cases?

# %% tags=["widget"] alt="Left: data N(0,1), model N(1,1), the best discriminator and one with offset 1. Right: the integrand of V."
explore(draw, panels=2, size=(9, 3.5),
        mean_of_the_model=(-3.0, 3.0, 1.0, 0.1), sd_of_the_model=(0.3, 3.0, 1.0, 0.01),
        offset_of_the_score=(-3.0, 3.0, 1.0, 0.1))  # fmt: skip

# %% [markdown]
# When you have your answers, compare:

# %% tags=["nbval-check-output"]
target = js(p_x, q_x, dx)
for low, high in ((0.3, 1.0), (1.0, 3.0)):
    sds = torch.linspace(low, high, 1401, dtype=torch.float64)
    gap = torch.stack([(js(p_x, on_grid(Normal(0, s)), dx) - target).abs() for s in sds])
    print(f"JS(N(0, 1), N(0, sd²)) = {target:.4f} at sd = {sds[gap.argmin()]:.3f}")
for offset in (1.0, 1.1):
    s = 0.5 - grid + offset
    over, right = value_of_score(p_x, q_x, s) - SHRUG, accuracy(p_x, q_x, s)
    print(f"offset {offset}: V + 2 log 2 = {over:.3f}, accuracy {right:.3f}")

# %% [markdown]
# <details><summary>What this says</summary>
#
# 1. A model that is too narrow and one that is too wide can be equally far in JS. The two values are each other's
#    inverse, and not by accident: dividing $x$ by sd turns one pair into the other, and leaves JS as it is.
# 2. No. At offset 1.1 $V$ is below $-2 \log 2$, and the accuracy still well above one half: the *order* of the scores is
#    perfect, only their level is wrong. $V$ grades probabilities, accuracy grades decisions.
# </details>

# %% [markdown]
# ## At scale
#
# Real data are not Gaussian, and a real $G$ is a network. So: data with two unequal bumps, a $G$ and a $D$ with two
# hidden layers each, Adam, five steps of $D$ per step of $G$, and three seeds. But $z$ is still one number, so
# `pushed_density` gives us the exact $q$ at any moment. With `value_of_score` and your `js` that makes two exact curves
# per game: $\max_D V$, and the $V$ of the current $D$.

# %%
two_bumps = Mixture((0.4, 0.6), (Normal(-1.5, 0.5), Normal(1.5, 0.8)))
span = torch.arange(-6, 6, 0.02, dtype=torch.float64)
data_x = two_bumps.log_prob(span).exp()


@torch.no_grad()
def model_density(G):
    return pushed_density(lambda z: G(z[:, None].float())[:, 0].double(), span)


@torch.no_grad()
def two_values(one):
    """max V against the G of a game, and the V of its D."""
    model_x, s = model_density(one.G), one.D(span[:, None].float()).double()
    best = float(2 * js(data_x, model_x, 0.02)) + SHRUG
    return best, float(value_of_score(data_x, model_x, s, 0.02))


# %%
def new_game(seed):
    torch.manual_seed(seed)
    G = networks.mlp([1, 32, 32, 1], torch.nn.Tanh)
    D = networks.PointDiscriminator(1, (32, 32))
    data, latent = densities.as_data(two_bumps), densities.Latent(1)
    return Game.with_adam(G, D, data, latent, d_lr=2e-3, g_lr=2e-3, seed=seed)


steps = profile.pick(smoke=20, cpu=1_500, gpu=1_500)
games, histories, truths = [new_game(SEED + i) for i in range(3)], [], []
with profile.plan(steps=3 * steps, about=25):
    for one in games:
        history, truth = [], [(0, *two_values(one))]
        moves = {"steps": steps, "batch_size": 128, "d_steps": 5, "every": steps // 20}
        for step in train(one, objectives.minimax, **moves):
            history.append(step)
            truth.append((step.n, *two_values(one)))
        histories.append(history)
        truths.append(truth)

# %% [markdown]
# We will see: on the left 5,000 data and 5,000 samples of the first game with their exact densities; in the middle,
# for all three games, $\max_D V$ (black; its start, near 0, is above the frame) and the value of the current $D$
# (green); on the right the losses as the first game reported them, on 128 fresh draws, beside their equilibrium values.

# %% tags=["figure"] alt="Left: histograms and densities of data and model after training. Middle: the exact maximum sinks towards minus two log two; the value of the current discriminator stays below it, near minus two log two. Right: losses of both players with the line at two log two."
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(8.8, 3), width_ratios=(1.1, 1, 1))
bars = {"bins": 60, "range": (-4, 5), "density": True, "alpha": 0.3}
samples = two_bumps.sample(5000), games[0].sample(5000, ema=False)[:, 0]
densities_of = {"data": data_x, "model": model_density(games[0].G)}
for (role, density), drawn in zip(densities_of.items(), samples, strict=True):
    left.hist(drawn, **bars, color=COLORS[role])
    left.plot(span, density, color=COLORS[role], label=role)
left.set(xlabel="x", ylabel="density", xlim=(-4, 5), ylim=(0, 0.8))
left.set_title("the first game, at its end")
left.legend()
n, best, current = torch.tensor(truths).permute(2, 1, 0)  # each (records, games)
middle.plot(n, best, color=COLORS["truth"], lw=1.2, label=["max V, exact", "", ""])
middle.plot(n, current, color=COLORS["D"], lw=1.2, label=["V of this D, exact", "", ""])
middle.axhline(SHRUG, color=COLORS["guide"], ls="--")
middle.set(xlabel="step", ylabel="V", ylim=(-1.46, -1.14), title="three games")
middle.legend(fontsize=8.5)
figures.loss_history(right, histories[0], {"2 log 2": -SHRUG, "-log 2": SHRUG / 2})
right.set(title="losses, first game", ylabel="loss")
right.legend(fontsize=8, ncols=2, loc="center right");

# %%
for i, truth in enumerate(truths):
    (_, first, _), (_, last, now) = truth[0], truth[-1]
    begin, end = ((v - SHRUG) / 2 for v in (first, last))
    print(f"game {i}: JS {begin:.4f} at the start, {end:.4f} at the end; ", end="")
    print(f"V of the last D {now:.4f}, max V {last:.4f}")
smallest = min(best - current for truth in truths for _, best, current in truth)
print(f"smallest max V - V in any record: {smallest:.4f}")

# %% [markdown]
# In this first game the samples have found both bumps, with a left one that is still too narrow. In the middle each
# green line stays below its black one (the last printed line is positive): a real $D$ is a lower bound at every moment.
# The black lines sink towards $-2 \log 2$ (dashed), but not evenly: the divergence falls, rises a little, and falls
# again. The green ones soon lie near the dashed line, sometimes below it: such a $D$ does worse than a shrug, because
# it answers a $G$ of a moment ago. And the losses on the right are close to $2 \log 2$ and $-\log 2$ after a third of
# the steps and stay there, while the black lines still move. **Both losses at their equilibrium values say that $D$ cannot tell, not that
# there is nothing to tell.**

# %% [markdown]
# ## The laboratory
#
# One dimension let us compute everything. Two let us *watch*. In the laboratory below $G$ and $D$ are small networks on
# points of the plane, they play the same minimax game, and you can reach into it while they learn. In the live
# notebook the game is at its beginning, and **▶ Play** starts it; the stored picture shows it a little later. Blue dots are data, orange crosses are samples, and the background is
# $D$'s score (blue: "data"). On the green line the score is 0. In the live notebook, each arrow says which way one
# sample would go to make $G$ pay less.
#
# **One step, in slow motion.** In the live notebook, tick *slow motion* and press **Step** a few times (without slow
# motion it makes a whole step). We will see four stages: the batch that $D$ is shown, ringed; $D$'s move, in which the background changes and
# the crosses stand still; the arrows; and $G$'s move, in which the crosses change and the background stands still. (A
# step is small. To see more of it, set both step sizes to 0.01.) Do the arrows run along the green line or across it?

# %% tags=["widget"] alt="Left: three heaps of blue data dots; orange crosses spread between and on them, over the score of the discriminator. Right: what both players pay over the first steps"
together = profile.pick(smoke=5, cpu=300, gpu=300)
lab = laboratory(data="three regions", objective="minimax", still=together)
lab

# %% [markdown]
# <details><summary>What the arrows do</summary>
#
# Across it, at right angles, towards the blue: an arrow is minus the slope of what $G$ pays, and $G$ pays less where the
# score is higher. That is all that $G$ ever hears of the data.
# </details>
#
# ### One player alone
#
# *Who moves* lets one player rest. So we can make, on a screen, the experiment that this notebook is about: freeze $G$,
# and let $D$ come as near to $D^\star$ as it can; then freeze $D$, and let $G$ move.
#
# **Guess first.** Say that both have taken turns for a while (in the live notebook, let them play some 300 steps).
#
# 1. How often is $D$ right now: about as often as the best $D$ against this $G$, or clearly less often?
# 2. After a thousand moves of $D$ alone it is excellent. Now only $G$ moves, ten times. The divergence between data and
#    samples: does it fall a lot, fall a little, or rise?
#
# Then try it, in the live notebook. Tick the layer *best D*: its dashed line is where $D^\star$, computed from both densities, cannot tell.
# Choose **only D** and press **Play**: the green line goes looking for the dashed one, and in the chart "right answers"
# $D$ climbs towards the line of the best $D$. When it hardly moves any more, press **Pause**, choose **only G**, and
# press **Step**: once, twice, three times.
#
# We run the same experiment without the buttons, from three seeds. The Bayes limit is $(1 + \mathrm{TV})/2$, as above. $G$'s
# density has no formula here, so TV and JS are those of both densities on a grid of small cells, slightly blurred.

# %%
from gan_tutorial.lesson.laboratory import Setting
from gan_tutorial.lesson.laboratory.truth import Truth

regions = Truth(Setting.of(data="three regions"))


@torch.no_grad()
def standing(lab, n=20_000):
    """How often D is right, how often the best D would be, JS, and what G pays."""
    x, fake = regions.sample(n), lab.game.G(lab.game.latent(n))
    s_real, s_fake = lab.game.D(x), lab.game.D(fake)
    right = float((s_real > 0).double().mean() + (s_fake <= 0).double().mean()) / 2
    JS, _, _, TV = regions.distances(regions.law_of(fake))
    return right, (1 + TV) / 2, JS, float(lab.objective.g_loss(s_fake))


def alone(seed):
    """Both play, then D alone, then G alone: the standing after each."""
    lab, found = laboratory(data="three regions", objective="minimax", seed=seed), []
    for players, steps in {"both": together, "only D": d_alone, "only G": 10}.items():
        lab.choose_players(players)
        lab.step(steps)
        found.append((players, *standing(lab)))
    lab.close()
    return found


# %%
d_alone = profile.pick(smoke=5, cpu=1_000, gpu=1_000)
torch.manual_seed(SEED)
with profile.plan(steps=3 * (together + d_alone + 10), about=6, gpu=6):
    stands = [alone(seed) for seed in range(3)]
for seed, found in enumerate(stands):
    for players, right, limit, JS, pays in found:
        print(f"seed {seed}, {players:6}: ", end="")
        print(f"D is right {right:5.1%} of {limit:6.1%} at most   ", end="")
        print(f"JS {JS:.3f}   G pays {pays:6.3f}")

# %% [markdown]
# <details><summary>The answers</summary>
#
# 1. Clearly less often: during the game $D$ is well below its limit, in all three seeds. It chases a $G$ that has moved
#    on. But as soon as $G$ rests, the same small network, trained in the same way, comes to the limit within three
#    per cent. (It may even pass it by a little: a blur can only hide differences, so the limit that we computed is a bit
#    too low.)
# 2. It *rises*, to more than one and a half times what it was. And yet the moves did what they should: what $G$ pays
#    fell. That is the figure of "Do not run ahead", live: $G$ has followed an excellent opinion of where it *was*, and the
#    crosses shot past the heaps, into the blue. $D$, excellent a moment ago, is now hardly better than a coin, or worse;
#    the best $D$ against this $G$ would be right nine times in ten or more.
# </details>
#
# In the live notebook, let **both** play again. Do the crosses find their way back to all three heaps, and how soon? It may take long: where
# $D$ is sure of its case, the minimax $G$ hears very little (notebook 05).
#
# ### Every control, and what it does
#
# The laboratory's controls, from its own list:

# %%
from IPython.display import Markdown

from gan_tutorial.lesson.laboratory import CONTROLS


def values(control):
    """What one may choose, in a few words."""
    if control.options:
        return ", ".join(str(option).replace("_", " ") for option in control.options)
    return f"{control.low:g} to {control.high:g}"


rows = [f"| {c.group} | **{c.label}** | {c.help} | {values(c)} |" for c in CONTROLS.values()]
Markdown("\n".join(["| group | control | what it is | values |", "|---|---|---|---|", *rows]))

# %% [markdown]
# Data, seed, the sizes of both networks and the kind of noise make a new game; all others change under the running one. Beside
# them:
#
# - **Time.** The slider *time* goes back to any moment that was recorded, picture and numbers. Play goes on from the present.
# - **Keys.** Click the picture (or reach it with Tab): space plays and pauses, `s` steps, `r` resets. All else is reached with
#   Tab, and sliders and lists move with the arrow keys.
# - **Your own data.** Choose the data *your own*, press **Clear the drawing**, and draw in the picture: with the mouse, or with the
#   arrow keys and Enter.
# - **Copy as code** writes the cell that plays the same game, from its first step, with the package alone. Change it there
#   as you like.
# - **In Python**, `lab.step(100)` trains, `lab.set(d_lr=0.01)` moves a control, `lab.choose_players("only D")` lets $G$ rest, and
#   `lab.game` is the game itself.
#
# All of it, with a picture of the whole, is on a [page of its own](laboratory.md).
#
# One more question, to answer by playing in the live notebook: let **both** move, set *D's moves* to 5, press **Reset** and **Play**; then
# the same with 1. In the chart "right answers", when does $D$ run nearer to the line of the best $D$?
#
# <details><summary>What we saw</summary>
#
# With five moves, and most clearly early on: after a hundred steps $D$ was nearer to its limit than with one move, in
# all three seeds. What is left to find when $G$ is near the data is small, and takes $D$ many moves either way.
# </details>

# %% [markdown]
# ## Exercises
#
# 2.1, 2.2 and 2.3 are above, where they are needed. One is left, and it is open.
#
# ### Exercise 2.4 · A loaded coin
#
# Suppose that data come twice as often as samples: two thirds of what $D$ sees is data. Which $D$ is the best now, and
# what is its score? Predict what happens to $w$ and $b$ of the straight-line score for $q = N(1, 1)$; then copy
# `fit_line`, weight the two terms of `d_loss`, train, and compare. Last question: which density would the best $G$
# have against this $D$? (Our answer is in the [solutions](solutions/02_play_the_game.ipynb).)

# %% tags=["exercise"]
def fit_loaded_line(weight, steps, lr=0.3, n=512):
    """As fit_line, with the term of the data counted `weight` times: w and b."""
    # solution
    torch.manual_seed(SEED)
    w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    for i in range(steps):
        s_real, s_fake = w * p.sample(n) + b, w * q.sample(n) + b
        d_loss = weight * softplus(-s_real).mean() + softplus(s_fake).mean()
        slope_w, slope_b = torch.autograd.grad(d_loss, [w, b])
        step = lr / (1 + i / 50)
        w = (w - step * slope_w).detach().requires_grad_()
        b = (b - step * slope_b).detach().requires_grad_()
    return w.item(), b.item()


# %% tags=["solution"]
w, b = fit_loaded_line(2.0, line_steps)
print(f"w {w:.3f} (expected -1)   b {b:.3f} (expected 0.5 + log 2 = {0.5 + math.log(2):.3f})")

# %% [markdown] tags=["solution"]
# *Our answer.* Maximise $2p \log D + q \log(1 - D)$ at each $x$: the same calculation with $a = 2p$ gives
# $D^\star = 2p/(2p + q)$, with the score $\log p/q + \log 2$. So $w$ stays and $b$ grows by $\log 2$: a classifier
# adds the prior odds to the evidence. Put back, the value becomes a skewed Jensen–Shannon divergence (with the mixture
# $\tfrac23 p + \tfrac13 q$), which is again smallest at $q = p$ only: the best $G$ still has the density of the data,
# and $D^\star$ is then $\tfrac23$ everywhere. Only $D = \tfrac12$ stops being the sign of equilibrium.

# %% [markdown]
# ## Facts ledger
#
# What this notebook claimed, the exact value, and what was measured above. Rows from trainings hold in full runs only.

# %%
ledger = Ledger("02")
full, run = {"needs_training": True}, {"source": "this run", "needs_training": True}
(mean_w, mean_b), ratio = torch.tensor(lines).mean(0), "log p/q of two Gaussians"
claim = "logistic regression finds w = -t, t = 1"
ledger.add("F-V1", claim, -1, mean_w, 0.04, ratio, **full)
ledger.add("F-V1", "and b = t²/2", 0.5, mean_b, 0.04, ratio, **full)
theorem = "Goodfellow et al. 2014, thm 1"
for t in (1, 2, 4):
    q_t, exact = on_grid(Normal(t, 1)), 2 * divergences.js(p, Normal(t, 1)) + SHRUG
    best = value_of_score(p_x, q_t, p.log_prob(grid) - Normal(t, 1).log_prob(grid))
    ledger.add("F-V2", f"max V for a shift of {t}", exact, best, 1e-6, theorem)
at_rest = value(p_x, p_x, 0 * p_x + 0.5, dx)
ledger.add("F-V2", "V at p = q and D = 1/2 is -2 log 2", SHRUG, at_rest, 1e-9, "same")

# %%
left_block, right_block = on_grid(Uniform(-3, -1)), on_grid(Uniform(1, 3))
mass = float(left_block.sum() * dx)  # the grid counts both rims of a block
best = 2 * js(left_block / mass, right_block / mass, dx) + SHRUG
ledger.add("F-V3", "max V of disjoint densities is 0", 0, best, 1e-9, "JS = log 2")
for t in (1, 2):
    limit = 0.5 + 0.5 * math.erf(t / 2 / math.sqrt(2))
    found = divergences.bayes_accuracy(p, Normal(t, 1))
    ledger.add("F-V3", f"Bayes accuracy for a shift of {t}", limit, found, 1e-6, "Phi(t/2)")
    claim, reach = f"trained D stays at or below it, t = {t}", (limit - 0.01, limit)
    ledger.add("F-V3", claim, reach, line_accuracy[t], 1e-9, "TV(p, q)", **full)
above, below = (divergences.js(p, Normal(1 + e, 1)) for e in (h, -h))
claim, slope = "slope of L at t = 1 with D frozen", float(above - below) / h
ledger.add("F-V5", claim, slope, frozen_slope(1.0), 1e-5, "envelope theorem")
claim = "total variation after 8 steps in function space"
ledger.add("3.16", claim, gaps[0] / 2**8, gaps[8], 1e-6, "q -> (p + q)/2")

# %%
limit_of_v, top = float(2 * divergences.js(p, q) + SHRUG), "max V is a maximum"
claim, true = "true V of a memorising D, largest", fits[:, :, 1]
ledger.add("3.21", claim, (-math.inf, limit_of_v), true.max(), 1e-6, top)
claim = "at the end its true V is below that of a shrug"
ledger.add("3.21", claim, (-math.inf, SHRUG), true[:, -1].max(), 0, "overfitting", **full)
claim, believed = "what it believes at the end exceeds max V", fits[:, -1, 0].min()
ledger.add("3.21", claim, (limit_of_v, 0), believed, 0, "overfitting", **full)
claim = "three steps by hand and by the package"
ledger.add("game", claim, 0, difference, 1e-5, "same random numbers")
claim = "JS after training on two bumps, worst of three"
worst = max((truth[-1][1] - SHRUG) / 2 for truth in truths)
ledger.add("game", claim, (0, 0.1), worst, 0, "exact density of G", **full)
claim = "max V - V of the current D, smallest"
ledger.add("game", claim, (0, math.inf), smallest, 0.01, top, **full)

# %%
by_stage = torch.tensor([[row[1:] for row in found] for found in stands])  # (seed, stage, 4)
right, limit, JS, pays = by_stage.unbind(2)
behind, rises, change = limit - right, JS[:, 2] / JS[:, 1], pays[:, 2] - pays[:, 1]
claim = "D behind its limit while both play, least of three"
ledger.add("laboratory", claim, (0.05, 0.5), behind[:, 0].min(), 0, **run)
claim, worst = "and after D has moved alone, worst of three", behind[:, 1].abs().max()
ledger.add("laboratory", claim, 0, worst, 0.03, "Bayes limit", **full)
claim = "JS after ten moves of G alone / before, least of three"
ledger.add("laboratory", claim, (1.5, 5), rises.min(), 0, **run)
claim = "what G pays after these moves - before, largest"
ledger.add("laboratory", claim, (-5, 0), change.max(), 0, **run)
claim = "D is right after these moves, most of three"
ledger.add("laboratory", claim, (0, 0.55), right[:, 2].max(), 0, **run)
claim = "and the best D would be, least of three"
ledger.add("laboratory", claim, (0.9, 1), limit[:, 2].min(), 0.02, "Bayes limit", **full)

# %%
s = 1.6 - grid  # the best score and an offset of 1.1
over = value_of_score(p_x, q_x, s) - SHRUG
ledger.add("play", "V with offset 1.1, + 2 log 2", (-0.05, 0), over, 0, "quadrature")
right = accuracy(p_x, q_x, s)
ledger.add("play", "accuracy with offset 1.1", (0.6, 0.65), right, 0, "quadrature")
chord = [mixing[0] + float(c) * (mixing[-1] - mixing[0]) for c in share]
mixed = max(v - c for v, c in zip(mixing, chord, strict=True))
moved = max(v - c for v, c in zip(moving, chord, strict=True))
claim = "mixing densities: max V - chord, largest"
ledger.add("3.16", claim, (-math.inf, 0), mixed, 1e-9, "convexity")
ledger.add("3.16", "moving t: max V - chord, largest", (0.2, 1), moved, 0, "quadrature")
ends, lowest = torch.tensor(sags)[:, [0, -1]], torch.tensor(sags).min(1).values
claim, apart_by = "V of D - V of its twin, largest", ends.diff().abs().max()
ledger.add("3.16", claim, 0, apart_by, 1e-5, "the same function")
sag = (ends[:, 0] - lowest).min()
ledger.add("3.16", "V sags between them, least of four", (0.02, 10), sag, 0, **run)
low = {"slow G, k = 1": (-0.8, -0.2), "fast G, k = 1": (-1.8, -0.8)}
low |= {"fast G, k = 10": (-0.15, 0)}
for name, limits in low.items():
    ledger.add("3.18", f"lowest shift, {name}", limits, paths[name].min(), 0, **run)
at_rest = max(float(paths[name][-1].abs().max()) for name in low)
ledger.add("3.18", "farthest from 0 at the end, these three", (0, 0.25), at_rest, 0, **run)

# %%
def shown(fact, claim, exact, measured):
    """A row about the run that is stored: another seed may find something else."""
    ledger.add(fact, claim, exact, measured, 0, "this run", shown_only=True)


huge = paths["huge steps, k = 10"][-100:]
far, JS = huge[-1].abs() > 5, js_of(huge)
shown("3.18", "huge steps: games far out at the end, of eight", (1, 7), far.sum())
shown("3.18", "JS of these / log 2, mean", (0.99, 1), JS[-1][far].mean() / math.log(2))
others = JS.mean(0)[~far].mean()
shown("3.18", "JS of the others, mean of the last 100 rounds", (0.05, 0.5), others)
shown("3.04", "bars - line, largest of three (as total variation)", (0, 0.08), max(apart))

# %%
at = torch.linspace(-5, 5, 1001)
for name, (p_i, q_i), nets in zip(("bumps", "blocks"), (bumps, blocks), trained, strict=True):
    with torch.no_grad():
        D_x = torch.stack([torch.sigmoid(D(at[:, None])) for D in nets])
    off = (D_x - divergences.optimal_discriminator(p_i, q_i)(at)).abs()
    arrives = p_i.log_prob(at).exp() + q_i.log_prob(at).exp()
    mean_off = (off * arrives).nansum(1) / arrives.sum()
    claim = f"learned D - D*, mean over what arrives, {name}"
    ledger.add("3.12", claim, (0, 0.15), mean_off.max(), 0, **run)
    if name == "bumps":
        shown("3.12", "and at the rims, largest", (0.2, 1), off[:, [0, -1]].max())
gap = D_x[:, at.abs() < 2]
differ = (gap.max(0).values - gap.min(0).values).max()
shown("3.12", "in the gap the four differ by", (0.1, 1), differ)
sure = torch.stack([D_x[:, 0], 1 - D_x[:, -1]]).min()
shown("3.12", "confidence at the rims, least", (0.95, 1), sure)

# %%
after = len(truths[0]) // 3  # a third of the way
_, best, current = torch.tensor(truths)[:, 1:].unbind(2)
first_max = torch.tensor(truths[0])[after:, 1]
paid = torch.tensor([(step.d_loss / 2, -step.g_loss) for step in histories[0][after:]])
farthest = (paid / math.log(2) - 1).abs().max()
shown("game", "first game, losses / their values at rest, farthest from 1", (0, 0.1), farthest)
shown("game", "meanwhile max V moves by", (0.02, 0.5), first_max.max() - first_max.min())
rise = best.diff(dim=1).max()
shown("game", "max V rises between two records, at most", (0.01, 0.3), rise)
shown("game", "V of a D below a shrug, lowest", (-0.1, -1e-3), current.min() - SHRUG)
left_of_0 = span < 0
left_model = model_density(games[0].G)[left_of_0]
peak, mass_left = left_model.max() / data_x[left_of_0].max(), left_model.sum() * 0.02
shown("game", "first game, peak of the left bump, model / data", (1.2, 4), peak)
shown("game", "first game, mass of the left bump (data: 0.4)", (0.25, 0.55), mass_left)


# %%
def behind_after(d_steps, seed):
    """How far D is behind its limit after a hundred steps with d_steps moves each."""
    lab = laboratory(data="three regions", objective="minimax", d_steps=d_steps, seed=seed)
    lab.step(profile.pick(smoke=3, cpu=100, gpu=100))
    right, limit, *_ = standing(lab)
    lab.close()
    return limit - right


least = min(behind_after(1, seed) - behind_after(5, seed) for seed in range(3))
shown("laboratory", "D nearer to its limit with five moves, by at least", (0.01, 1), least)
ledger

# %%
ledger.assert_all(profile)

# %% [markdown]
# ## What to keep
#
# - $D$'s part of the game is ordinary classification, and its best answer is $D^\star = p/(p + q)$: the best score is the
#   logarithm of $p/q$, where data or samples arrive at all.
# - Put back, it turns the game into a divergence: $\max_D V = -2 \log 2 + 2\,\mathrm{JS}(p, q)$, between $-2 \log 2$ (equal)
#   and 0 (disjoint), with one minimum, $q = p$.
# - $G$ may differentiate through $D$ as if it were fixed, but only for a small step; a $G$ that runs ahead follows an
#   opinion of where it was.
# - A real $D$ gives a lower bound, and flatters itself on points that it has seen. The proof of convergence is about densities, not weights.
#
# ## In practice
#
# - Hardly anybody trains $D$ to its optimum: one step of $D$ per step of $G$ is usual, and five for the critics of
#   notebooks 07 and 08, on fresh draws.
# - Hardly anybody uses the minimax cost for $G$ on pictures: where $D$ is certain of a sample, $\log(1 - D)$
#   is flat and $G$ stops learning. Notebooks 03 and 05 show the remedy.
# - Losses near $2 \log 2$ do not mean success, and a $D$ with 100 % accuracy does not mean a bug. Measure samples (notebook 11).
# - Let $D$ return a score and use `softplus`; a sigmoid and then a logarithm gives `inf` at a confident mistake.
# - JS has no slope between distributions that do not overlap, the usual case for pictures: notebooks 06 to 08.
#
# ## Further reading
#
# - Goodfellow et al., [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661), 2014: section 4 is the theory of this notebook in a page and a half.
# - Goodfellow, [NIPS 2016 Tutorial: Generative Adversarial Networks](https://arxiv.org/abs/1701.00160): Exercise 1 and its solution.
# - Arjovsky and Bottou, [Towards Principled Methods for Training Generative Adversarial Networks](https://arxiv.org/abs/1701.04862), 2017: what a perfect $D$ does to $G$'s gradient when supports do not overlap.
# - Arora et al., [Generalization and Equilibrium in Generative Adversarial Nets](https://arxiv.org/abs/1703.00573), 2017: what a $D$ of limited size can and cannot see.
# - Sugiyama, Suzuki and Kanamori, [Density Ratio Estimation in Machine Learning](https://doi.org/10.1017/CBO9781139035613), 2012: the same idea, before GANs.
