# %% [markdown]
# # 02 · The GAN game: a good discriminator measures a divergence
#
# **What you'll do.** You train two players against each other in one dimension, where every right answer is known, and
# see that a good discriminator measures how far the generator is from the data.
#
# **What you'll learn.**
#
# - to recognise a classifier's cross-entropy in the value of the game;
# - to derive the best discriminator, put it back, and find the Jensen–Shannon divergence;
# - to say why the generator must not run ahead of the discriminator, and what finite samples do to all this.
#
# **What you'll need.** The chain rule, what a density and an expectation are, and some PyTorch: tensors, autograd, an
# optimizer step. No other notebook, and no data.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None
SEED = 0

# %% tags=["setup"]
import math

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

from gan_tutorial.game import networks, objectives
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth import divergences
from gan_tutorial.truth.densities import Normal

figures.use_style()
profile = choose(PROFILE)
torch.set_num_threads(1)  # all matrices here are tiny: a second thread would only wait
torch.manual_seed(SEED)
ledger = Ledger("02")

# %% [markdown]
# ## Guess first
#
# Data come from $p = N(0, 1)$ (mean and variance; in code `Normal(mean, sd)`). A [generator](glossary.md#generator)
# makes [samples](glossary.md#sample) from $q = N(1, 1)$: the right shape, one unit too far to the right. We toss a
# fair coin, draw from $p$ or from $q$, and show the number alone to a [discriminator](glossary.md#discriminator), which
# has to say where it came from. The number is $x = 0$, the most likely place for data.
#
# **How sure may the best discriminator be that this is data?**
#
# - (a) 50 %, because the curves overlap too much to tell;
# - (b) 62 %;
# - (c) 84 %;
# - (d) 100 %, because data are at their most likely here.
#
# **And how often is it right, over all $x$ that we may show it?** (a) 50 %, (b) 69 %, (c) 84 %.
#
# Write down your two letters. Then count, in a million draws from each side:

# %%
p, q = Normal(0, 1), Normal(1, 1)
x, fake = p.sample(1_000_000), q.sample(1_000_000)
from_p, from_q = int((x.abs() < 0.05).sum()), int((fake.abs() < 0.05).sum())
print(f"landed near 0: {from_p:,} data and {from_q:,} samples")
print(f"share of data: {from_p / (from_p + from_q):.3f}")
right = ((x < 0.5).double().mean() + (fake > 0.5).double().mean()) / 2
print(f'over all x, "data if x < 1/2" is right in {right:.3f} of the cases')

# %% [markdown]
# <details><summary>The answers</summary>
#
# (b) and (b). Near 0 the two kinds arrive in the ratio of their densities, $p(0) : q(0) = 1 : e^{-1/2}$, so the share
# of data is $1/(1 + e^{-1/2}) = 62\,\%$. What counts is how much *more* often data arrive here than samples do. Over all
# $x$ the best rule is "data if $x < 1/2$". It is right with probability $\Phi(1/2) = 69\,\%$, where $\Phi$ is the
# distribution function of $N(0, 1)$. Nobody can do better, however large the network.
# </details>
#
# That share is all that a discriminator can know.

# %% [markdown]
# ## One picture
#
# Two players. The **generator** $G$ turns noise $z$ into a sample $G(z)$. The **discriminator** $D$ gets data and
# samples, one at a time, and answers with a [score](glossary.md#score) $s$: high for "this is data", low for "this is
# a sample". Solid arrows are what flows forward:

# %% covers=["3.01"] tags=["figure"] alt="Diagram: noise z goes through G to a sample, data and samples go to D, D gives a score, the score gives the value V, which D raises and G lowers." slide=true
from gan_tutorial.lesson.figures.nb02 import framework

framework();

# %% [markdown] covers=["3.02"] slide=["$G$ never sees data. ... through $D$."]
# We saw two dashed arrows back: both players learn from the same number $V$, in opposite directions. $G$ never sees
# data. All it hears of them comes through $D$.
#
# Mind the letter $D$: in formulas $D(x)$ is a probability, in the code the network `D` returns the score.
#
# | symbol | what it is | in the code |
# |---|---|---|
# | $z \sim p_z$ | noise, the [latent](glossary.md#latent), from a simple distribution (the prior) | `latent(n)` |
# | $x \sim p$ | data; papers write $p_{\text{data}}$ | `data(n)`, `x` |
# | $G(z; \theta_g)$ | the generator, a differentiable function with weights $\theta_g$ | `G` |
# | $G(z) \sim q$ | a sample; $q$ is the density of the *model*; papers write $p_g$ | `fake` |
# | $s(x; \theta_d)$ | the score, any real number | `D(x)` |
# | $D(x) = \sigma(s(x))$ | $D$'s probability that $x$ is data; $\sigma(s) = 1/(1 + e^{-s})$, $1 - \sigma(s) = \sigma(-s)$ | `torch.sigmoid(s)` |

# %% [markdown] covers=["3.07", "3.08"] topics=["minimax game"] slide=["One picture | Who pulls a sample's score which way?"]
# ### The value, and both losses
#
# $D$ earns the logarithm of the probability that it gives to the truth: $\log D(x)$ for data, $\log(1 - D(G(z)))$
# for samples. The sum of both means is the [value](glossary.md#value) of the game:
#
# $$V(G, D) = E_{x \sim p} \log D(x) + E_{z \sim p_z} \log\bigl(1 - D(G(z))\bigr), \qquad \min_G \max_D V(G, D).$$
#
# $D$ maximises it, inside; $G$ minimises the result, outside. What one player wins the other loses: the game is
# *zero-sum*. As [losses](glossary.md#loss), which are minimised, with a half for the fair coin:
#
# $$J^{(D)} = -\tfrac12 E_p \log D(x) - \tfrac12 E_{p_z} \log\bigl(1 - D(G(z))\bigr) = -\tfrac12 V, \qquad J^{(G)} = -J^{(D)}.$$
#
# So $G$ makes it least likely that $D$ is right. At an equilibrium neither gains by moving alone: a minimum of
# $J^{(D)}$ in $D$'s weights and a maximum of it in $G$'s, a *saddle point*.
#
# Who pulls a sample's score which way? The slope of its term in $V$ says so. Beside it a misprint: "Generative
# Adversarial Networks Tutorials" (2017) has $\log D(G(z))$ in $J^{(D)}$.

# %% tags=["nbval-check-output"] covers=["3.06"]
score = torch.tensor(0.0, requires_grad=True)  # D's score of one sample of G
V = logsigmoid(-score)  # the term of V that this sample adds: log(1 - D)
misprint = logsigmoid(score)  # log D instead
slopes = [float(torch.autograd.grad(term, score)[0]) for term in (V, misprint)]
print("slope of V in the score of a sample:", slopes[0], "   of the misprint:", slopes[1])
print("D raises V: it moves the score of a sample", "down" if slopes[0] < 0 else "up")
print("G lowers V: it moves the score of its sample", "up" if slopes[0] < 0 else "down")

# %% [markdown]
# $D$ *ascends* $V$, $G$ *descends* it ("Intro Tutorial on GANs", 2018, has it the other way round). With the misprint
# $D$ would learn to believe samples.

# %% [markdown]
# ## Deeper: G is a distribution without a formula
#
# You will work out the exact density of what a generator makes, without inverting it, and see why nobody can do so for pictures; or skip to [D is a classifier](#D-is-a-classifier).

# %% [markdown] covers=["3.03", "3.04"]
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

# %% tags=["figure"] topics=["implicit density", "change of variables"] alt="Three generators: their functions of z above, histograms of their samples with the exact density below; the line follows the bars in all three."
from gan_tutorial.lesson.figures.nb02 import pushed_densities


@torch.no_grad()
def pushed(G, z, n=100_000):
    """z, G(z), n samples, and points with the exact density there, without the far tails."""
    g, samples = G(z), G(torch.randn(n, dtype=torch.float64))
    low, high = samples.sort().values[[200, -200]]
    x = torch.linspace(float(low), float(high), 400, dtype=torch.float64)
    return z, g, samples, x, pushed_density(G, x)


z = torch.linspace(-3, 3, 401, dtype=torch.float64)
panels = {name: pushed(G, z) for name, G in generators.items()}
pushed_densities(panels);

# %% [markdown] covers=["3.05"]
# We saw the line follow the bars each time. Steep parts of $G$ thin the samples out, flat parts pile them up (at the
# turning point of the fold, $x = -1$, without bound: we cut the axis), and none of this needed an inverse. On 784
# pixels nobody can cut the latent space into stretches, so there $q$ exists and cannot be written down: an
# [implicit density](glossary.md#implicit-density). What stays cheap is everything that a game needs: a sample is one
# forward pass, and backpropagation says how each weight moves each sample. Any network will do, a multilayer
# perceptron too; dropout may be one more source of noise.

# %%
samples = net(torch.randn(10_000, 1, dtype=torch.float64))  # one forward pass
samples.mean().backward()  # one backward pass: how would each weight move the mean?
print(f"mean of 10,000 samples: {samples.mean():.3f}")
print(f"length of its gradient in the first weights: {net[0].weight.grad.norm():.3f}")

# %% [markdown]
# A warning: if $z$ has fewer numbers than $x$, the samples lie on a thin curve or surface, and $q$ has no density. Full
# [support](glossary.md#support) needs $\dim z \ge \dim x$, or a last touch of noise, $x = G(z) + \varepsilon$: then $x$
# given $z$ is Gaussian, and a density exists everywhere. The rank of the derivative $\partial G/\partial z$ counts the
# directions in which a sample can move:

# %% tags=["nbval-check-output"]
for size in (1, 2, 8):
    plane = networks.mlp([size, 16, 2], torch.nn.Tanh)
    slope = torch.autograd.functional.jacobian(plane, torch.zeros(size))
    rank = int(torch.linalg.matrix_rank(slope))
    print(f"z of size {size}, x of size 2: rank of dG/dz {rank}")


# %%
def bars_off(samples, x, G):
    """Total variation between the bars of the picture and the exact density."""
    edges = torch.linspace(float(x[0]), float(x[-1]), 101, dtype=torch.float64)
    counts = torch.histogram(samples, edges)[0]
    bars = counts / counts.sum() / (edges[1] - edges[0])
    gap = (pushed_density(G, (edges[1:] + edges[:-1]) / 2) - bars).abs()
    return float(gap.sum() * (edges[1] - edges[0]) / 2)


with torch.no_grad():
    apart = [bars_off(*panels[name][2:4], G) for name, G in generators.items()]
ledger.add("3.04", "bars - line, largest of three (as total variation)", (0, 0.08), max(apart),
           0, "this run", shown_only=True);  # fmt: skip

# %% [markdown]
# ## D is a classifier
#
# Freeze $G$ and look at $D$'s task alone: examples with the label 1 for data, 0 for samples; say which is
# which. The usual loss of such a classifier is the **binary cross-entropy**, the mean of
# $-\log(\text{probability given to the right label})$. With as many samples as data this is $J^{(D)} = -V/2$. For
# scores that we make up:

# %% tags=["nbval-check-output"] covers=["3.20"] topics=["binary cross-entropy"]
s_real, s_fake = torch.linspace(-3, 5, 101), torch.linspace(-6, 2, 101)  # any scores will do
V = logsigmoid(s_real).mean() + logsigmoid(-s_fake).mean()  # log sigma(s), log(1 - sigma(s))
labels = torch.cat([torch.ones(101), torch.zeros(101)])
cross_entropy = binary_cross_entropy_with_logits(torch.cat([s_real, s_fake]), labels)
print(f"V {V:.6f}   -2 x cross-entropy {-2 * cross_entropy:.6f}")
assert torch.allclose(V, -2 * cross_entropy)

# %% [markdown] covers=["3.17"]
# Maximising $V$ *is* training a classifier.
#
# If $D$ is certain that a sample is one, $D(G(z)) = 0$, then $\log(1 - D) = 0$, the best that
# $D$ can get. If it is certain of the opposite, $D(G(z)) = 1$, then $\log(1 - D)$ falls to $-\infty$. A computer meets
# that limit early: in 32 bits $\sigma(40)$ *is* 1. Written in scores all is well:
# $\log(1 - \sigma(s)) = -\log(1 + e^{s})$, which is `-softplus(s)`.

# %% tags=["nbval-check-output"] topics=["softplus and stable logarithms"]
for s in torch.tensor([-40.0, -4.0, 0.0, 4.0, 40.0]):
    D = torch.sigmoid(s)
    both = f"log(1 - D) {torch.log(1 - D):9.5f}   -softplus(s) {-softplus(s):9.5f}"
    print(f"score {s:4.0f}   D {D:.6f}   {both}")


# %% [markdown]
# So here is $D$'s loss by hand: $-V$, twice $J^{(D)}$, as the package has it.

# %%
def d_loss(s_real, s_fake):
    """-V from scores: -log D is softplus(-s), -log(1 - D) is softplus(s)."""
    return softplus(-s_real).mean() + softplus(s_fake).mean()


assert torch.allclose(d_loss(s_real, s_fake), objectives.minimax.d_loss(s_real, s_fake))

# %% [markdown]
# Now train a $D$. The simplest has a score that is a straight line, $s(x) = wx + b$: *logistic regression*. Data and
# samples are fresh in every step.

# %% topics=["logistic regression"]
def fit_line(q, steps, seed, loss=d_loss, lr=0.5, n=512):
    """Logistic regression of data (1) against samples of q (0): w and b of s = w x + b."""
    torch.manual_seed(seed)
    w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    for i in range(steps):
        s_real, s_fake = w * p.sample(n) + b, w * q.sample(n) + b
        slope_w, slope_b = torch.autograd.grad(loss(s_real, s_fake), [w, b])
        step = lr / (1 + i / 50)  # smaller and smaller, so that the noise averages out
        w = (w - step * slope_w).detach().requires_grad_()
        b = (b - step * slope_b).detach().requires_grad_()
    return w.item(), b.item()


line_steps = profile.pick(smoke=20, cpu=1_500, gpu=1_500)
with profile.plan(steps=3 * line_steps, about=3):
    lines = [fit_line(q, line_steps, seed=SEED + i) for i in range(3)]

# %% [markdown]
# What has it learned? As in the guess, cut the $x$-axis into bins, and count in each the share of data
# (dots). $D$ is the dashed green line.

# %% tags=["figure"] covers=["3.12"] alt="The learned discriminator falls from 1 to 0 and passes through the counted shares of data in bins." slide=true
from gan_tutorial.lesson.figures.nb02 import learned_share

w, b = lines[0]
edges = torch.linspace(-3.5, 4.5, 33)
n_data, n_fake = (torch.histogram(density.sample(200_000), edges)[0] for density in (p, q))
middles, share = (edges[1:] + edges[:-1]) / 2, n_data / (n_data + n_fake)
u = torch.linspace(-3.5, 4.5, 201)
p_u, q_u = p.log_prob(u).exp(), q.log_prob(u).exp()
learned_share(u, p_u, q_u, torch.sigmoid(w * u + b), middles, share);

# %% [markdown] slide=["The green line runs through the dots", "Which curve is this"]
# The green line runs through the dots: the classifier has learned, at each $x$, the share of data among what arrives
# there. Which curve is this, for any $p$ and $q$?

# %% [markdown] covers=["3.10"] topics=["optimal discriminator"]
# ## The best discriminator
#
# *What is the optimal $D$ in terms of $p$ and $q$, and what do you assume to get it?* So asks Exercise 1 of
# [Goodfellow's NIPS 2016 tutorial](https://arxiv.org/abs/1701.00160). You write the decisive lines. Each is checked, and
# the notebook goes on with our answer where yours is missing.
#
# ### Exercise 2.1 · The best D at one x
#
# Write the value as an integral,
#
# $$V = \int \bigl[\, p(x) \log D(x) + q(x) \log(1 - D(x)) \,\bigr]\, dx .$$
#
# If $D$ may be *any* function, then its value at one $x$ binds it nowhere else: we may choose $D(x)$ for each $x$
# alone, so as to make the bracket as large as possible. **Find that value, and write `optimal_D(p_x, q_x)`** for
# two tensors, the densities at one $x$ or at many.
#
# {{help}}

# %% tags=["exercise"]
def optimal_D(p_x, q_x):
    """The D in (0, 1) that maximises p_x log D + q_x log(1 - D)."""
    # solution
    return p_x / (p_x + q_x)


optimal_D = check("2.1", optimal_D)

# %% [markdown] covers=["3.11"]
# <details><summary>The derivation, and what it assumes</summary>
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
# **We assumed** (1) that $D$ may be any function, with no limited capacity: then the derivative of the integral with
# respect to the function $D$ vanishes exactly where it vanishes at each $x$; (2) that both distributions have densities,
# and one is positive at $x$: where both are 0, $D$ is not determined; (3) that we know the expectations, not just a finite sample.
# </details>
#
# By brute force: for a few pairs $(p, q)$ we take the best of 9,999 values of $D$.

# %% tags=["nbval-check-output"]
D = torch.linspace(0.0001, 0.9999, 9999, dtype=torch.float64)
for a, b in torch.tensor([(0.4, 0.4), (0.4, 0.1), (0.02, 0.06), (0.001, 0.3)]).double():
    best, formula = D[(a * D.log() + b * (1 - D).log()).argmax()], optimal_D(a, b)
    print(f"p = {a:.3f}   q = {b:.2f}   D by search {best:.4f}   by the formula {formula:.4f}")

# %% [markdown]
# ### Is that what the classifier learned?
#
# The [best response](glossary.md#best-response) to $G$ is $D^\star = p/(p + q)$. Solve $\sigma(s^\star) = D^\star$ for
# the score: $s^\star = \log \frac{D^\star}{1 - D^\star} = \log p - \log q$. **The best score is the logarithm of the density ratio.** For
# $p = N(0, 1)$ and $q = N(t, 1)$ the squares cancel:
#
# $$s^\star(x) = -\tfrac12 x^2 + \tfrac12 (x - t)^2 = -t\,x + \tfrac12 t^2 .$$
#
# A straight line, so logistic regression can get it exactly right: for $t = 1$ the weights should be $w = -1$ and
# $b = 1/2$. Three trainings with different draws:

# %%
for i, (w, b) in enumerate(lines):
    print(f"training {i}: w {w:.3f} (exact -1)   b {b:.3f} (exact 0.5)")

# %% [markdown]
# How often is it right, on data and samples in equal numbers? No more often than the rule "data if $p(x) > q(x)$": the
# *Bayes limit*, $\tfrac12 \int \max(p, q)\,dx = (1 + \mathrm{TV})/2$, with the
# [total variation](glossary.md#total-variation) $\mathrm{TV} = \tfrac12 \int |p - q|\,dx$, since
# $\max(p, q) = \tfrac12 (p + q) + \tfrac12 |p - q|$. For a shift $t$ the limit is $\Phi(t/2)$. Our $D$ decides at
# $x_0 = -b/w$, where its score is 0, which gives its accuracy exactly:

# %% topics=["Bayes limit"]
line_accuracy = {}
for t in (1, 2):
    w, b = fit_line(Normal(t, 1), line_steps, seed=SEED)
    x_0 = torch.tensor(-b / w, dtype=torch.float64)  # left of it D says "data"
    line_accuracy[t] = (p.cdf(x_0) + 1 - Normal(t, 1).cdf(x_0)) / 2
    limit = divergences.bayes_accuracy(p, Normal(t, 1))
    print(f"t = {t}: accuracy {line_accuracy[t]:.6f}   Bayes limit {limit:.6f}")

# %% [markdown]
# A discriminator that is right in 69 % of the cases can be as good as perfect. "Estimating this ratio using supervised
# learning is the key approximation mechanism used by GANs", says the tutorial.

# %% [markdown]
# ### Deeper: other densities, and what the assumption hides
#
# You will see networks learn curved ratios, and invent what they like where neither data nor samples arrive; or skip to [the divergence](#Put-it-back:-the-value-is-a-divergence).

# %% [markdown] covers=["3.12"]
# For curved ratios we need a curved score: a network with two hidden layers. We train it on two problems. On the left,
# data with two modes against one wide mode. On the right, the same idea with *gaps*: densities that are zero in
# places. We will see four trainings that differ only in their seed (green) and $D^\star$ (black, where it exists).

# %%
def fit_network(p, q, steps, seed):
    """A network's score of data against samples, trained with Adam on fresh draws."""
    torch.manual_seed(seed)
    D = networks.PointDiscriminator(1, (32, 32))
    opt = torch.optim.Adam(D.parameters(), lr=5e-3)
    for _ in range(steps):
        x, fake = p.sample(256)[:, None], q.sample(256)[:, None]
        loss = objectives.minimax.d_loss(D(x), D(fake))
        opt.zero_grad()
        loss.backward()
        opt.step()
    return D


# %%
from gan_tutorial.truth.densities import Mixture, Uniform

bumps = Mixture((0.5, 0.5), (Normal(-2, 0.6), Normal(2, 0.6))), Normal(0, 1.5)
four_blocks = (Uniform(-4, -2), Uniform(2, 3)), (Uniform(-3, -2), Uniform(2, 4))
blocks = Mixture((0.5, 0.5), four_blocks[0]), Mixture((0.7, 0.3), four_blocks[1])
net_steps, seeds = profile.pick(smoke=5, cpu=600, gpu=600), range(SEED, SEED + 4)
with profile.plan(steps=8 * net_steps, about=8):
    trained = []
    for pair in (bumps, blocks):
        trained.append([fit_network(*pair, net_steps, seed) for seed in seeds])

# %% tags=["figure"] topics=["density ratio estimation"] alt="Left: four learned discriminators lie on the optimal one where there is data, and differ in the far tails. Right: with gaps between blocks they agree on the blocks and differ in the gap."
from gan_tutorial.lesson.figures.nb02 import learned_and_best


def panel(title, pair, nets, at):
    """What the picture shows of one problem."""
    with torch.no_grad():
        learned = torch.sigmoid(torch.stack([D(at[:, None]) for D in nets]))
    p_at, q_at = (density.log_prob(at).exp() for density in pair)
    return title, p_at, q_at, learned, divergences.optimal_discriminator(*pair)(at)


names = "two modes against one", "densities with gaps (grey)"
at = torch.linspace(-5, 5, 1001)
shown = [panel(*what, at) for what in zip(names, (bumps, blocks), trained, strict=True)]
learned_and_best(at, shown, gaps=((-5, -4), (-2, 2), (4, 5)));

# %% [markdown]
# On the left we saw all four close to $D^\star$ in the middle, where data and samples are plenty, and off at the rims,
# where hardly anything arrives: a network learns only where it is shown examples. On the right they agree on the
# blocks, up to rounded steps. In the grey gaps neither data nor samples ever arrive. There each training draws whatever
# line its weights happen to leave, with full confidence at both rims, and none is wrong, because $V$ does not depend on
# it. The assumption of non-zero densities is not a formality: a sample that $G$ moves into a gap gets a score, and a
# gradient, that nothing has checked.

# %%
run = {"tolerance": 0, "source": "this run"}
for name, (_, p_at, q_at, learned, best) in zip(("bumps", "blocks"), shown, strict=True):
    off, arrives = (learned - best).abs(), p_at + q_at
    mean_off = ((off * arrives).nansum(1) / arrives.sum()).max()
    claim = f"learned D - D*, mean over what arrives, {name}"
    ledger.add("3.12", claim, (0, 0.15), mean_off, needs_training=True, **run)
    if name == "bumps":
        rims = off[:, [0, -1]].max()
gap = learned[:, at.abs() < 2]
differ = (gap.max(0).values - gap.min(0).values).max()
sure = torch.stack([learned[:, 0], 1 - learned[:, -1]]).min()
for claim, expected, found in (
    ("and at the rims, largest", (0.2, 1), rims),
    ("in the gap the four differ by", (0.1, 1), differ),
    ("confidence at the rims, least", (0.95, 1), sure),
):
    ledger.add("3.12", claim, expected, found, shown_only=True, **run)

# %% [markdown]
# ## Put it back: the value is a divergence
#
# ### Exercise 2.2 · The value of the game
#
# What is the game worth at the best $D$? Up to the constant $-2 \log 2$ and a factor 2, a
# [divergence](glossary.md#divergence): a number that is 0 when two densities are the same, and positive when they are
# not. On a fine grid of points, `dx` apart, integrals turn into sums.
# **Write `value(p_x, q_x, D_x, dx)`**, the $V$ above, for tensors of both densities and of $D$ at the grid points.
# Where one density is 0 its term should add 0 (the other's still counts), even if $D$ is 0 or 1 there.
#
# {{help}}

# %% tags=["exercise"]
def value(p_x, q_x, D_x, dx):
    """V = sum over the grid of [p log D + q log(1 - D)] dx."""
    # solution
    return (torch.xlogy(p_x, D_x) + torch.xlogy(q_x, 1 - D_x)).sum() * dx


value = check("2.2", value)

# %% [markdown]
# Three discriminators against $q = N(1, 1)$: one that says ½ everywhere (it *shrugs*), one with half the best score,
# and the best one. Beside the sum stands the package's *quadrature* (numerical integration).

# %% tags=["nbval-check-output"]
dx = 0.005
grid = torch.arange(-15, 15 + dx, dx, dtype=torch.float64)


def on_grid(density):
    return density.log_prob(grid).exp()


p_x, q_x = on_grid(p), on_grid(q)
scores = {"D = 1/2 everywhere": lambda u: 0 * u,
          "half the best score": lambda u: (0.5 - u) / 2,
          "D*": lambda u: 0.5 - u}  # fmt: skip
for name, s in scores.items():
    found, exact = value(p_x, q_x, torch.sigmoid(s(grid)), dx), divergences.value(p, q, s)
    print(f"{name:20}  V by the sum {found:.6f}   by quadrature {exact:.6f}")
    assert abs(found - exact) < 5e-4

# %% [markdown] covers=["3.13"]
# ### Exercise 2.3 · The divergence
#
# Put $D^\star$ into the integral and multiply above and below by $\tfrac12$:
#
# $$\max_D V = E_p \log \frac{p}{p + q} + E_q \log \frac{q}{p + q}
#   = E_p \log \frac{\tfrac12\, p}{\tfrac12 (p + q)} + E_q \log \frac{\tfrac12\, q}{\tfrac12(p + q)} .$$
#
# Take the $\tfrac12$ of both numerators out of the logarithms; each gives $-\log 2$. With $m = \tfrac12 (p + q)$, the even mixture,
#
# $$\max_D V = -2 \log 2 + \mathrm{KL}(p \,\|\, m) + \mathrm{KL}(q \,\|\, m) = -2 \log 2 + 2\, \mathrm{JS}(p, q) .$$
#
# Here $\mathrm{KL}(p \,\|\, m) = E_p \log(p/m)$ is the [Kullback–Leibler divergence](glossary.md#kl), and the mean of
# the two is the [Jensen–Shannon divergence](glossary.md#js),
# $\mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p\,\|\,m) + \tfrac12 \mathrm{KL}(q\,\|\,m)$.
#
# **Write `js(p_x, q_x, dx)`** on the grid, in *nats* (natural logarithms), safe where a density is 0 or tiny. What is its
# largest possible value? So what is the range of $\max_D V$?
#
# {{help}}

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
# Does the identity hold along a shift $t$, from equal to almost disjoint? The plain sum was right at $t = 1$. At
# $t = 4$ it says:

# %% tags=["nbval-check-output"]
q_4 = on_grid(Normal(4, 1))
D_4 = p_x / (p_x + q_4)
plain = (torch.xlogy(p_x, D_4) + torch.xlogy(q_4, 1 - D_4)).sum() * dx
print("plain sum at D* for t = 4:", plain.item())


# %% [markdown]
# Minus infinity, though the formula is right: far on the left $q/p$ is so small that 64 bits round $D^\star$ to exactly
# 1, as with $\sigma(40)$. (If your `value` guards the logarithm, it gives a finite number.) The remedy is the same,
# too: stay with scores.

# %% tags=["nbval-check-output"]
def value_of_score(p_x, q_x, s):
    """The same V from the score: log D is logsigmoid(s), log(1 - D) is logsigmoid(-s)."""
    return (p_x * logsigmoid(s) + q_x * logsigmoid(-s)).sum() * dx


SHRUG = -2 * math.log(2)  # the value of a D that says 1/2 everywhere
print("  t    V at D*    -2 log 2 + 2 JS    JS        Bayes limit")
for t in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0):
    q_t, best_score = on_grid(Normal(t, 1)), p.log_prob(grid) - Normal(t, 1).log_prob(grid)
    V, JS = value_of_score(p_x, q_t, best_score), js(p_x, q_t, dx)
    limit = divergences.bayes_accuracy(p, Normal(t, 1))
    print(f"{t:4}  {V:.6f}      {SHRUG + 2 * JS:.6f}      {JS:.6f}      {limit:.4f}")
    assert abs(JS - divergences.js(p, Normal(t, 1))) < 5e-4  # the package's

# %% [markdown] covers=["3.15"]
# The first two columns agree in every digit. On the left we will see $\max_D V$ rise with the shift, between its
# bounds. On the right $q = N(t, s^2)$ moves in two directions, shift $t$ and width $s$: how many valleys are there?

# %%
def max_V(q):
    """max V = -2 log 2 + 2 JS against a density q, on the grid."""
    return 2 * js(p_x, on_grid(q), dx) + SHRUG


shifts = torch.linspace(-4, 4, 81, dtype=torch.float64)
widths = torch.linspace(0.3, 3, 55, dtype=torch.float64)
best_value = torch.stack([torch.stack([max_V(Normal(t, s)) for t in shifts]) for s in widths])

# %% tags=["figure"] topics=["Jensen–Shannon divergence"] alt="Left: the value at the best discriminator rises from minus two log two to zero with the shift. Right: contour map over shift and width with a single valley at shift 0 and width 1."
from gan_tutorial.lesson.figures.nb02 import largest_value

t = torch.linspace(0, 8, 81, dtype=torch.float64)
along = torch.stack([max_V(Normal(t_i, 1)) for t_i in t])
largest_value(t, along, shifts, widths, best_value);

# %% [markdown]
# Left: the curve climbs from $-2 \log 2$ and flattens towards 0. On that plateau, the usual case for pictures, $G$ hardly gains
# from being a bit less wrong (so [06](06_choose_a_divergence.ipynb) to 08 look elsewhere). Right: one valley, and its lowest point is the star at $q = N(0, 1) = p$. This is no accident of Gaussians. A KL
# divergence is never negative (put $x = m/p$ into $\log x \le x - 1$), and 0 only between equal densities; so JS = 0 forces $p = m$ and $q = m$. Over all
# densities $q$, then, $\max_D V$ has exactly one global minimum, $q = p$, where $D^\star = \tfrac12$ everywhere. **If $D$
# is always the best, then winning the game is matching the data.**

# %% [markdown]
# ## Play with the value
#
# A model $q = N(\text{mean}, \text{sd}^2)$ to move, and an *offset*, added to the best score, which makes $D$ too
# trusting (above 0) or too suspicious (below 0). Right: the bracket $p \log D + q \log(1 - D)$, whose signed area is $V$.
# Two questions, to answer with the sliders of the live notebook:
#
# 1. Set the mean to 0. Which sd is as easy to detect as the shift by one was, JS = 0.111? There are two.
# 2. Go back to mean 1 and sd 1. Set the offset to 0 and raise it until $V$ falls below $-2 \log 2$: $D$ is now worse than a
#    shrug. Is it right in less than half of the cases?

# %% tags=["widget"] alt="Left: data N(0,1), model N(1,1), the best discriminator and one with offset 1. Right: the integrand of V."
from gan_tutorial.lesson.figures.nb02 import value_explorer
from gan_tutorial.lesson.live import explore

explore(value_explorer, panels=2, size=(9, 3.5),
        mean_of_the_model=(-3.0, 3.0, 1.0, 0.1), sd_of_the_model=(0.3, 3.0, 1.0, 0.01),
        offset_of_the_score=(-3.0, 3.0, 1.0, 0.1))  # fmt: skip

# %% [markdown]
# Then compare:

# %% tags=["nbval-check-output"]
target = js(p_x, q_x, dx)
for low, high in ((0.3, 1.0), (1.0, 3.0)):
    sds = torch.linspace(low, high, 1401, dtype=torch.float64)
    gap = torch.stack([(js(p_x, on_grid(Normal(0, s)), dx) - target).abs() for s in sds])
    print(f"JS(N(0, 1), N(0, sd²)) = {target:.4f} at sd = {sds[gap.argmin()]:.3f}")
for offset in (1.0, 1.1):
    s = 0.5 - grid + offset
    over = value_of_score(p_x, q_x, s) - SHRUG
    hits = float(torch.where(s > 0, p_x, q_x).sum() * dx / 2)  # data and samples equally often
    print(f"offset {offset}: V + 2 log 2 = {over:.3f}, accuracy {hits:.3f}")

# %% [markdown]
# <details><summary>What this says</summary>
#
# 1. Too narrow and too wide can be equally far in JS. The two values are each other's inverse: dividing $x$ by sd turns
#    one pair into the other.
# 2. No. At offset 1.1 $V$ is below $-2 \log 2$, and the accuracy still well above one half: the *order* of the scores is
#    perfect, only their level is wrong. $V$ grades probabilities, accuracy grades decisions.
# </details>

# %% [markdown]
# ## Deeper: a loaded coin
#
# You will see what the best $D$ does when data and samples do not come equally often, as in a batch with more of one kind; or skip to [three generators](#Three-generators).

# %% [markdown]
# ### Exercise 2.4 · The loss with a loaded coin
#
# Suppose that data come twice as often as samples: two thirds of what $D$ sees is data. **Write
# `loaded_loss(s_real, s_fake, weight)`**, $D$'s loss from scores, in which the term of the data counts `weight` times.
#
# Then predict before you run on: which $D$ is the best now, and what is its score? What happens to $w$ and $b$ of the
# straight-line score for $q = N(1, 1)$? And which density would the best $G$ have against this $D$?
#
# {{help}}

# %% tags=["exercise"]
def loaded_loss(s_real, s_fake, weight):
    """d_loss, with the term of the data counted `weight` times."""
    # solution
    return weight * softplus(-s_real).mean() + softplus(s_fake).mean()


loaded_loss = check("2.4", loaded_loss)

# %% topics=["class imbalance and prior odds"]
coin_steps, expected = profile.pick(smoke=20, cpu=1_500, gpu=1_500), 0.5 + math.log(2)
twice = lambda s_real, s_fake: loaded_loss(s_real, s_fake, 2.0)  # noqa: E731
w, b = fit_line(q, coin_steps, SEED, loss=twice, lr=0.3)
print(f"w {w:.3f} (was -1)   b {b:.3f} (was 0.5; with log 2 added, {expected:.3f})")
claim = "loaded coin, b of the straight-line score"
ledger.add("F-V1", claim, expected, b, 0.02, "prior odds", shown_only=True);

# %% [markdown]
# <details><summary>Why</summary>
#
# Maximise $2p \log D + q \log(1 - D)$ at each $x$: the same calculation with $a = 2p$ gives
# $D^\star = 2p/(2p + q)$, with the score $\log p/q + \log 2$. So $w$ stays and $b$ grows by $\log 2$: a classifier
# adds the prior odds to the evidence. Put back, the value becomes a skewed Jensen–Shannon divergence (with the mixture
# $\tfrac23 p + \tfrac13 q$), which is again smallest at $q = p$ only: the best $G$ still has the density of the data,
# and $D^\star$ is then $\tfrac23$ everywhere. Only $D = \tfrac12$ stops being the sign of equilibrium.
# </details>

# %% [markdown]
# ## Three generators
#
# What does "$\min_G \max_D$" look like? Suppose that there are only three generators, $G_1, G_2, G_3$ with shifts 0.75,
# 1.5 and 2.5. For each one, draw $V$ against $D$. A function has no axis, so we take a family with one number: $D_a$ with
# the score $-ax + a^2/2$, the best answer to the shift $t = a$; and $a = 0$ is a shrug.

# %%
def V_of(t, a):
    """V(G_t, D_a) for shifts t (rows) and discriminators a (columns), on the grid."""
    s = -a[:, None] * grid + a[:, None].square() / 2  # (columns, points)
    q_t = Normal().log_prob(grid - t[:, None]).exp()  # (rows, points)
    return (p_x @ logsigmoid(s).T + q_t @ logsigmoid(-s).T) * dx


three = torch.tensor([0.75, 1.5, 2.5], dtype=torch.float64)
a = torch.linspace(-1.5, 4, 221, dtype=torch.float64)
t_axis = torch.linspace(-3, 3, 121, dtype=torch.float64)

# %% covers=["3.09"] tags=["figure"] topics=["saddle point"] alt="Left: value against discriminator for three generators, each with one peak at its own shift; the peak of G1 is lowest. Right: the value as a map over shift and discriminator, with a green ridge of best answers, the three generators as purple lines, and a saddle at the origin."
from gan_tutorial.lesson.figures.nb02 import three_generators

three_generators(three, a, V_of(three, a), t_axis, V_of(t_axis, a));

# %% [markdown]
# Left: three curves, each with one peak, at the generator's own $a = t$. The black lines are $-2 \log 2 + 2\,\mathrm{JS}$
# by quadrature: that is how high the peaks are. $D$ climbs to the top; $G$ then chooses the curve whose top is
# *lowest*: $G_1$. All three meet at $a = 0$: against a $D$ that shrugs, all generators are alike.
#
# Right: the same three are purple cuts through one landscape, paler where $V$ is higher. The green ridge $a = t$ is
# $D$'s best answer to each $t$; its lowest point is the star. The arrows are moves: $D$'s (green) and, with $D$ always
# at its best, $G$'s. At the star $V$ falls if $D$ moves alone, and against a shrug $G$ cannot change $V$ at all: neither
# gains. It is the **saddle point** of the game, $t = 0$, $D = \tfrac12$.

# %% [markdown]
# ## G moves
#
# $G$ minimises $L(t) = \max_D V(t, D)$. Can one differentiate a maximum? Left: each $V(t, D_a)$ with a fixed $D_a$
# touches $L$ (black) from below at $t = a$ (dots) and nowhere else: $L$ is the upper rim, the *envelope*, of all of
# them. (Purple: of these six.) Right: what $G$ at $t = 2$ sees with $D_2$ (green), and the truth.

# %% covers=["3.18"] tags=["figure"] topics=["envelope theorem"] alt="Left: curves with fixed discriminators touch the envelope L from below, each at one dot. Right: with the discriminator fixed at t = 2 the value falls without end as t goes down, while the true maximum rises again beyond t = 0."
from gan_tutorial.lesson.figures.nb02 import envelope

t = torch.linspace(-4, 4, 161, dtype=torch.float64)
L = torch.stack([max_V(Normal(u, 1)) for u in t])
six = V_of(t, torch.tensor([-3.0, -1.5, -0.5, 0.5, 1.5, 3.0], dtype=torch.float64))
D_2 = V_of(t, torch.tensor([2.0], dtype=torch.float64))[:, 0]
marks = {"here": 2.0, "stop": 0.0, "too far": -3.0}
envelope(t, L, six, D_2, {text: (u, float(max_V(Normal(u, 1)))) for text, u in marks.items()});

# %% [markdown] covers=["3.19"]
# Two curves that touch share their slope. So find the winner, and differentiate it *as if it were fixed* (the *envelope
# theorem*):
#
# $$\frac{dL}{dt} = \frac{\partial V}{\partial t}(t, D) \Big|_{D = D^\star} .$$
#
# That is what every GAN does: train $D$, then differentiate through it as if it would stay.
#
# ### Do not run ahead
#
# On the right, near $t = 2$, green and black agree. But green goes on falling, past 0, where $G$ should stop, without
# end: $D_2$ has learned "samples are on the right", so for $D_2$ the further left, the better. A $G$ that believes it
# and jumps to $-3$ is farther from the data than before: the new $D^\star$ says so at once, and the value *rises*.
# Between two moves of $D$, $G$ may take only a small step.

# %% [markdown]
# ### Deeper: the gradient of a maximum
#
# You will check the envelope theorem in numbers, and see what a maximum of finitely many functions does where the winner changes; or skip to [the loop, by hand](#The-loop,-by-hand).

# %% [markdown]
# For a maximum of finitely many smooth functions the rule fails only where two of them tie. The purple maximum of six
# curves above has kinks, where the winner changes; between them its slope is the slope of the winner. With all $D$
# allowed the winner is unique, and the kinks are gone. Check both sides of the formula: differences of $L$ by
# quadrature, and one automatic derivative with $D$ frozen at $D^\star$.

# %% tags=["nbval-check-output"] covers=["3.18"]
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

# %%
above, below = (divergences.js(p, Normal(1 + e, 1)) for e in (h, -h))
claim, slope = "slope of L at t = 1 with D frozen", float(above - below) / h
ledger.add("F-V5", claim, slope, frozen_slope(1.0), 1e-5, "envelope theorem");

# %% [markdown]
# ### The loop, by hand
#
# Now both move [in turn](glossary.md#alternating-updates): $k$ steps of $D$, then one of $G$. $G$ has one weight, its shift $t$; $D$ has two, $w$ and
# $b$. We play eight games at once, one per column of the tensors, to see what is chance.

# %% topics=["simultaneous and alternating updates", "moves of D per step"]
def play_by_hand(k, g_lr, rounds, d_lr=0.1, games=8, n=64):
    """Minimax by alternating gradient steps from t = 3: the shifts, (rounds, games)."""
    torch.manual_seed(SEED)
    t, w, b = torch.full((games,), 3.0), torch.zeros(games), torch.zeros(games)
    path = []
    for _ in range(rounds):
        for _ in range(k):
            x, fake = torch.randn(n, games), torch.randn(n, games) + t
            # slopes of d_loss in the scores (softplus' is sigma), then those in w and b
            on_x, on_fake = torch.sigmoid(w * x + b) - 1, torch.sigmoid(w * fake + b)
            slope_w, slope_b = (on_x * x + on_fake * fake).mean(0), (on_x + on_fake).mean(0)
            w, b = w - d_lr * slope_w, b - d_lr * slope_b
        on_fake = torch.sigmoid(w * (torch.randn(n, games) + t) + b)
        t = t + g_lr * (on_fake * w).mean(0)  # the slope of log(1 - D) is -sigma(s) w
        path.append(t)
    return torch.stack(path)


# %% [markdown]
# Four settings: a slow $G$, a fast $G$ with one step of $D$ and with ten, and a $G$ with enormous steps. Above: the
# shift, which should go to 0; below: the exact JS of each game, which should fall.

# %%
rounds = profile.pick(smoke=20, cpu=300, gpu=300)
settings = {"slow G, k = 1": (1, 0.05), "fast G, k = 1": (1, 0.2)}
settings |= {"fast G, k = 10": (10, 0.2), "huge steps, k = 10": (10, 20.0)}
with profile.plan(steps=4 * rounds, about=3):
    paths = {name: play_by_hand(k, g_lr, rounds) for name, (k, g_lr) in settings.items()}
for name, path in paths.items():
    lowest, away = float(path.min()), int((path[-1].abs() > 5).sum())
    print(f"{name:20} lowest shift {lowest:7.2f}   ends more than 5 from 0: {away} of 8")

# %% tags=["figure"] alt="Four settings, eight games each. Slow G and fast G with one step of D swing past 0 before they settle; fast G with ten steps goes straight to 0; of the huge steps the last forty rounds: some games stay far away, where JS is log 2, the others jump from side to side."
from gan_tutorial.lesson.figures.nb02 import shifts_and_divergences

table = torch.linspace(0, 15, 301, dtype=torch.float64)  # JS of a shift: read off here
table_js = torch.stack([divergences.js(p, Normal(float(u), 1)) for u in table])
path_js = {name: table_js[(path.abs().double() / 0.05).round().long().clamp(max=300)]
           for name, path in paths.items()}  # fmt: skip
shifts_and_divergences(paths, path_js);

# %% [markdown]
# With one step of $D$ per round both the slow and the fast $G$ run past 0, the fast one farther: $D$ lags, still says
# "samples are on the right" when that is no longer so, and $G$ swings back before it comes to rest. With ten steps $D$
# keeps up, and the same fast $G$ goes straight to the data. With huge steps even ten are not enough. Some games jump
# from side to side to the end (solid), at a JS well above 0. In others (dashed) $G$ was thrown far out: $D$ is certain,
# JS sits on its plateau at $\log 2$, and hardly any gradient is left to come back with. Two faults: a
# $G$ that is fast *compared with $D$* meets an opinion of yesterday; a step that is too long leaves the place where even
# the best $D$ is right. Must swings die out? That is [04](04_circle_the_saddle.ipynb).

# %% [markdown]
# ## Deeper: where the theory holds: functions, not weights
#
# You will see the proof of convergence at work on densities, and where it no longer holds for networks; or skip to [samples](#From-expectations-to-samples).

# %% [markdown]
# Goodfellow et al. (2014) argue: if $D$ is the best at every step and $G$ improves *its density* a little each time,
# then $q$ converges to $p$. The reason is convexity. As a function of the numbers $D(x)$, $V$ is concave; as a function
# of the numbers $q(x)$ it is linear, and $\max_D V$, a maximum of linear functions, is convex. So let us do what no
# network does and move the density itself. The slope of $\max_D V$ in $q(x)$ is, by the envelope theorem,
# $\log(1 - D^\star(x))$. A step that keeps $q$ positive multiplies it by $e^{-\eta\,\text{slope}}$ and normalises:

# %% tags=["nbval-check-output"] covers=["3.16"] topics=["convergence proof of GANs"]
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
share = torch.linspace(0, 1, 21, dtype=torch.float64)
with torch.no_grad():
    sags = torch.tensor([[float(V_between(D, float(c))) for c in share] for D in trained[0]])
far = on_grid(Normal(6, 1))
mixing = torch.stack([2 * js(p_x, (1 - c) * p_x + c * far, dx) + SHRUG for c in share])
moving = torch.stack([max_V(Normal(6 * float(c), 1)) for c in share])

# %% tags=["figure"] topics=["convexity"] alt="Left: the density moves to the data in equal halvings. Middle: V sags between a network and its reordered twin. Right: mixing densities stays below the chord, moving the weight t is above it."
from gan_tutorial.lesson.figures.nb02 import functions_and_weights

some = {i: q_n[i] for i in (0, 1, 2, 3, 5, 8)}
functions_and_weights(grid, p_x, some, share, sags, mixing, moving);

# %% [markdown]
# Left: the function-space game, with six of its densities. Middle: for all four networks $V$ is the same at both ends
# and sags between them, so it is not concave in $D$'s weights. Right: mixing stays below the chord, as a convex
# function must; moving $t$ starts below it and then runs far above. The proof of convergence covers the first picture
# only. That networks do so well all the same is an observation, not a theorem.

# %%
claim = "total variation after 8 steps in function space"
ledger.add("3.16", claim, gaps[0] / 2**8, gaps[8], 1e-6, "q -> (p + q)/2")
chord = mixing[0] + share * (mixing[-1] - mixing[0])
claim, above = "mixing densities: max V - chord, largest", (mixing - chord).max()
ledger.add("3.16", claim, (-math.inf, 0), above, 1e-9, "convexity")
claim, above = "moving t: max V - chord, largest", (moving - chord).max()
ledger.add("3.16", claim, (0.2, 1), above, 0, "quadrature")
ends, sag = sags[:, [0, -1]], (sags[:, 0] - sags.min(1).values).min()
claim, apart_by = "V of D - V of its twin, largest", ends.diff().abs().max()
ledger.add("3.16", claim, 0, apart_by, 1e-5, "the same function")
claim = "V sags between them, least of four"
ledger.add("3.16", claim, (0.02, 10), sag, 0, "this run", needs_training=True);

# %% [markdown]
# ## From expectations to samples
#
# A real $D$ does not know expectations: **means of samples stand for them**. For one fixed $D$ that is harmless: the
# mean of $n$ draws scatters around the exact $V$, less with more draws. But $D$ is *chosen* on its samples, and then
# the same samples flatter it. Left: 4,000 such means for the fixed $D^\star$, of 20 and of 500 draws. Right: a network gets
# 20 data and 20 samples, the same ones in every step, and we follow what it believes (brown, on its 40 points) and what
# is true (black, by quadrature over all $x$).

# %% topics=["overfitting of D"]
def overfit(seed, steps, n=20):
    """V on the n + n points that D learns from, and its exact V, every 10 steps."""
    torch.manual_seed(seed)
    x, fake = p.sample(n)[:, None], q.sample(n)[:, None]
    D = networks.PointDiscriminator(1, (64, 64))
    opt, history = torch.optim.Adam(D.parameters(), lr=1e-2), []
    for i in range(steps + 1):
        loss = d_loss(D(x), D(fake))
        if i % 10 == 0:
            with torch.no_grad():
                true = divergences.value(p, q, lambda u: D(u[:, None].float()).double())
            history.append((-float(loss.detach()), float(true)))
        opt.zero_grad()
        loss.backward()
        opt.step()
    return torch.tensor(history)


fit_steps = profile.pick(smoke=10, cpu=300, gpu=300)
with profile.plan(steps=3 * fit_steps, about=3):
    fits = torch.stack([overfit(SEED + i, fit_steps) for i in range(3)])

# %% tags=["figure"] covers=["3.21"] alt="Left: sample means of V at the best discriminator scatter around the exact value, less with more draws. Right: a network trained on 20 plus 20 points believes in a value above the maximum, while its true value falls far below it."
from gan_tutorial.lesson.figures.nb02 import fixed_and_memorising

torch.manual_seed(SEED)
best, means = float(2 * divergences.js(p, q) + SHRUG), {}
for n in (20, 500):  # the score of D* is 0.5 - x
    s_real, s_fake = 0.5 - p.sample(4000 * n), 0.5 - q.sample(4000 * n)
    means[n] = (logsigmoid(s_real) + logsigmoid(-s_fake)).view(4000, n).mean(1)
fixed_and_memorising(means, 10 * torch.arange(fits.shape[1]), fits, best);

# %% [markdown]
# Left: both histograms are centred on the dashed line, the second one five times narrower ($\sqrt{500/20} = 5$). Right,
# in three trainings: the true value of $D$ rises at first, never above the dashed maximum, then falls, below even the
# $-2 \log 2$ of a $D$ that shrugs. Meanwhile on its own points $D$ passes the maximum: it has memorised them. So:
# *fresh* draws give a lower bound of $\max_D V$ (up to noise); draws that $D$ was trained on may give anything.

# %% [markdown]
# ### Deeper: G learns only what D can see
#
# You will see a $D$ that is content with a wrong $G$, because its family is too small; or skip to [the laboratory](#The-laboratory).

# %% [markdown]
# Another gap separates a real training from $\max_D V$: **$D$ is not the best**. It belongs to some family, and
# training may stop at a local optimum or before any. So what it reaches is a *lower bound* of $\max_D V$. Take
# $q = N(0, 2^2)$: right place, wrong width. We maximise the exact $V$ over scores with $w x + b$, and over those with
# an $x^2$ as well.

# %% tags=["nbval-check-output"] covers=["3.21"] topics=["capacity of the discriminator"]
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

# %% [markdown]
# ## Deeper: two networks play, with the package
#
# You will play the same game with the package's `Game` and `train`, prove that they do what we did by hand, and watch the exact divergence while two networks learn; or skip to [the laboratory](#The-laboratory).

# %% [markdown]
# The package holds the game as one object, `Game`: two networks, two optimisers, two samplers, its own random numbers.
# `train` gives one step after the other to your `for` loop. First the proof that it does what we did by hand. A $G$
# with one weight, a $D$ with two, plain gradient descent. (`g_loss` is $E \log(1 - D(G(z)))$, the part of $V$ that $G$
# can change: $-\log 2$ for a $D$ that shrugs.)

# %%
from gan_tutorial.game import Game, train
from gan_tutorial.truth import densities


class Shift(torch.nn.Module):
    """G(z) = z + t."""

    def __init__(self, t):
        super().__init__()
        self.t = torch.nn.Parameter(torch.tensor(t))

    def forward(self, z):
        return z + self.t


# %%
def shift_game(t, w, b, d_lr=0.1, g_lr=0.5):
    """G with one weight against D with two, by plain gradient descent."""
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
# Real data are not Gaussian, and a real $G$ is a network. So: data with two unequal modes, a $G$ and a $D$ with two
# hidden layers each, Adam, five steps of $D$ per step of $G$, and three seeds. But $z$ is still one number, so
# `pushed_density` of [the deeper section on G](#Deeper:-G-is-a-distribution-without-a-formula) gives us the exact $q$
# at any moment, and with it two exact curves per game: $\max_D V$, and the $V$ of the current $D$.

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
    return best, float((data_x * logsigmoid(s) + model_x * logsigmoid(-s)).sum() * 0.02)


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
truths = torch.tensor(truths)  # (games, records, 3): step, max V, V of D

# %% [markdown]
# We will see: on the left 5,000 data and 5,000 samples of the first game with their exact densities; in the middle,
# for all three games, $\max_D V$ (black; its start, near 0, is above the frame) and the value of the current $D$
# (green); on the right the losses as the first game reported them, on 128 fresh draws, beside their equilibrium values.

# %% tags=["figure"] topics=["losses at equilibrium"] alt="Left: histograms and densities of data and model after training. Middle: the exact maximum sinks towards minus two log two; the value of the current discriminator stays below it, near minus two log two. Right: losses of both players with lines at two log two and minus log two."
from gan_tutorial.lesson.figures.nb02 import games_of_networks

draws = {"data": two_bumps.sample(5000), "model": games[0].sample(5000, ema=False)[:, 0]}
both = {"data": data_x, "model": model_density(games[0].G)}
games_of_networks(span, both, draws, truths, histories[0]);

# %%
for i, truth in enumerate(truths.tolist()):
    (_, first, _), (_, last, now) = truth[0], truth[-1]
    begin, end = ((v - SHRUG) / 2 for v in (first, last))
    print(f"game {i}: JS {begin:.4f} at the start, {end:.4f} at the end; ", end="")
    print(f"V of the last D {now:.4f}, max V {last:.4f}")
smallest = float((truths[..., 1] - truths[..., 2]).min())
print(f"smallest max V - V in any record: {smallest:.4f}")

# %% [markdown]
# In this first game the samples have found both modes, with a left one that is still too narrow. In the middle each
# green line stays below its black one (the last printed line is positive): a real $D$ is a lower bound at every moment.
# The black lines sink towards $-2 \log 2$ (dashed), but not evenly: the divergence falls, rises a little, and falls
# again. The green ones soon lie near the dashed line, sometimes below it: such a $D$ does worse than a shrug, because
# it answers a $G$ of a moment ago. And the losses on the right are close to $2 \log 2$ and $-\log 2$ after a third of
# the steps and stay there, while the black lines still move. **Both losses at their equilibrium values say that $D$ cannot tell, not that
# there is nothing to tell.**

# %%
full = {"needs_training": True}
claim = "three steps by hand and by the package"
ledger.add("game", claim, 0, difference, 1e-5, "same random numbers")
worst = (truths[:, -1, 1].max() - SHRUG) / 2
claim = "JS after training on two bumps, worst of three"
ledger.add("game", claim, (0, 0.1), worst, 0, "exact density of G", **full)
claim = "max V - V of the current D, smallest"
ledger.add("game", claim, (0, math.inf), smallest, 0.01, "max V is a maximum", **full);

# %%
def shown(claim, expected, found):
    """A row about the run that is stored: another seed may find something else."""
    ledger.add("game", claim, expected, found, 0, "this run", shown_only=True)


after = truths.shape[1] // 3  # a third of the way
moved, lost = truths[0, after:, 1], histories[0][after:]
losses = torch.tensor([(step.d_loss / 2, -step.g_loss) for step in lost]) / math.log(2)
claim = "first game, losses / their values at rest, farthest from 1"
shown(claim, (0, 0.1), (losses - 1).abs().max())
shown("meanwhile max V moves by", (0.02, 0.5), moved.max() - moved.min())
rise = truths[..., 1].diff(dim=1).max()
shown("max V rises between two records, at most", (0.01, 0.3), rise)
shown("V of a D below a shrug, lowest", (-0.1, -1e-3), truths[:, 1:, 2].min() - SHRUG)
left_model, left_data = both["model"][span < 0], data_x[span < 0]
peak, mass = left_model.max() / left_data.max(), left_model.sum() * 0.02
shown("first game, peak of the left bump, model / data", (1.2, 4), peak)
shown("first game, mass of the left bump (data: 0.4)", (0.25, 0.55), mass)

# %% [markdown]
# ## The laboratory
#
# One dimension let us compute everything; two let us *watch*. In the laboratory, a small GAN on a screen, both
# networks play the minimax game on points of the plane. In the live notebook **▶ Play** starts
# it; the stored picture shows it a little later. Blue dots are data, orange crosses samples; the background is $D$'s score
# (blue: "data"), 0 on the green line. Each arrow, in the live notebook, says which way a sample would go to lower $G$'s loss.

# %% tags=["widget"] topics=["the laboratory"] alt="Left: three regions of blue data dots; orange crosses spread between and on them, over the score of the discriminator. Right: the losses of both players over the first steps"
from gan_tutorial.lesson.laboratory import laboratory

together = profile.pick(smoke=5, cpu=300, gpu=300)
lab = laboratory(data="three regions", objective="minimax", still=together)
lab

# %% [markdown]
# ### One player alone
#
# Freeze $G$, and let $D$ come as near to $D^\star$ as it can; then freeze $D$, and let $G$ move.
#
# **Guess first.** Say that both have taken turns for a while (some 300 steps).
#
# 1. How often is $D$ right now: about as often as the best $D$ against this $G$, or clearly less often?
# 2. After a thousand moves of $D$ alone it is excellent. Now only $G$ moves, ten times. The divergence between data and
#    samples: does it fall a lot, fall a little, or rise?
#
# Then try it. Tick the layer *best D*: its dashed line is where $D^\star$ cannot tell. Choose **only D** and press
# **Play**: the green line goes looking for the dashed one. When it hardly moves, press **Pause**, choose **only G**, and
# press **Step**: once, twice, three times.
#
# The same without the buttons, from three seeds. $G$'s density has no formula here: Bayes limit and JS are
# those of both densities on a grid of small cells, [through the blur](00_start_here.ipynb#What-we-measure). A blur
# hides differences, so this limit is a bit too low: $D$ may pass it.

# %%
from gan_tutorial.lesson.laboratory import Setting
from gan_tutorial.lesson.laboratory.truth import Truth

regions = Truth(Setting.of(data="three regions"))


@torch.no_grad()
def standing(lab, n=20_000):
    """How often D is right, how often the best D would be, JS, and G's loss."""
    x, fake = regions.sample(n), lab.game.G(lab.game.latent(n))
    s_real, s_fake = lab.game.D(x), lab.game.D(fake)
    right = float((s_real > 0).double().mean() + (s_fake <= 0).double().mean()) / 2
    JS, _, _, TV = regions.distances(regions.law_of(fake))
    return right, (1 + TV) / 2, JS, float(lab.objective.g_loss(s_fake))


# %%
d_alone = profile.pick(smoke=5, cpu=1_000, gpu=1_000)
turns, stands = {"both": together, "only D": d_alone, "only G": 10}, []
torch.manual_seed(SEED)
with profile.plan(steps=3 * sum(turns.values()), about=6, gpu=6):
    for seed in range(3):
        alone = laboratory(data="three regions", objective="minimax", seed=seed)
        for players, steps in turns.items():
            alone.choose_players(players)
            alone.step(steps)
            stands.append((seed, players, *standing(alone)))
        alone.close()
for seed, players, right, limit, JS, loss in stands:
    print(f"seed {seed}, {players:6}: D is right {right:5.1%} (limit {limit:5.1%})", end="")
    print(f"   JS {JS:.3f}   G's loss {loss:6.3f}")

# %% [markdown]
# <details><summary>The answers</summary>
#
# 1. Clearly less often: during the game $D$ is well below its limit, in all three seeds. It chases a $G$ that has moved
#    on. Once $G$ rests, the same network comes to the limit within three per cent.
# 2. It *rises*, to more than one and a half times what it was. And yet $G$'s loss fell, as it should: $G$ has followed an
#    excellent opinion of where it *was*, and the crosses shot past the data. That $D$ is now hardly better than a coin, or
#    worse; the best $D$ against this $G$ would be right nine times in ten or more.
# </details>
#
# Let **both** play again: do the crosses find their way back? It may take long: where $D$ is sure, the minimax $G$ hears
# very little. [03](03_train_a_gan.ipynb) shows the remedy.

# %% [markdown]
# ## Deeper: slow motion, and every control
#
# You will see the moves of both players one by one, what else can be moved, and when $D$ runs nearer to its limit; or skip to [what to keep](#What-to-keep).

# %% [markdown]
# **One step, in slow motion.** In the live notebook, tick *slow motion* and press **Step** a few times. First the batch
# that $D$ is shown is ringed; then $D$ moves: the background changes and the crosses stand still; then come the arrows;
# then $G$ moves: the crosses change and the background stands still. (A step is small. To see more of it, set both step
# sizes to 0.01.) Do the arrows run along the green line or across it?
#
# <details><summary>What the arrows do</summary>
#
# Across it, at right angles, towards the blue: an arrow is minus the slope of $G$'s loss, which is lower where the
# score is higher. That is all that $G$ ever hears of the data.
# </details>
#
# Data, seed, the sizes of both networks and the kind of noise make a new game; all other controls change under the running
# one. The slider *time* goes back to any moment that was recorded. **Copy as code** writes the cell that plays the same
# game with the package alone. In Python, `lab.step(100)` trains, `lab.set(d_lr=0.01)` moves a control,
# `lab.choose_players("only D")` lets $G$ rest, and `lab.game` is the game itself. Keys, drawing your own data, and a picture
# of the whole are on a [page of its own](laboratory.md). The controls, from its own list:

# %% topics=["controls of the laboratory"]
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
# One more question, to answer by playing in the live notebook: let **both** move, set *D's moves* to 5, press **Reset** and **Play**; then
# the same with 1. In the chart "right answers", when does $D$ run nearer to the line of the best $D$?
#
# <details><summary>What we saw</summary>
#
# With five moves, and most clearly early on: after a hundred steps $D$ was nearer to its limit than with one move, in
# all three seeds. What is left to find when $G$ is near the data is small, and takes $D$ many moves either way.
# </details>

# %%
def behind_after(d_steps, seed):
    """How far D is behind its limit after a hundred steps with d_steps moves each."""
    game = laboratory(data="three regions", objective="minimax", d_steps=d_steps, seed=seed)
    game.step(profile.pick(smoke=3, cpu=100, gpu=100))
    right, limit, *_ = standing(game)
    game.close()
    return limit - right


torch.manual_seed(SEED)
least = min(behind_after(1, seed) - behind_after(5, seed) for seed in range(3))
claim = "D nearer to its limit with five moves, by at least"
ledger.add("laboratory", claim, (0.01, 1), least, 0, "this run", shown_only=True);

# %% [markdown]
# ## What to keep
#
# - $D$'s part of the game is ordinary classification. Its best answer is $D^\star = p/(p + q)$: the best score is the
#   logarithm of $p/q$.
# - Put back, it turns the game into a divergence: $\max_D V = -2 \log 2 + 2\,\mathrm{JS}(p, q)$, between $-2 \log 2$ (equal)
#   and 0 (disjoint), with one minimum, $q = p$. (The proof of convergence is about densities, not weights.)
# - $G$ may differentiate through $D$ as if it were fixed, but only for a small step.
# - A real $D$ gives a lower bound; on points that it has seen it flatters itself.
#
# **In practice**
#
# - Hardly anybody trains $D$ to its optimum: one step of $D$ per step of $G$ is usual, and five for the critics of
#   07 and 08, on fresh draws.
# - Hardly anybody uses the minimax loss for $G$ on pictures: where $D$ is certain of a sample, $\log(1 - D)$
#   is flat and $G$ stops learning ([05](05_compare_the_losses.ipynb)).
# - Losses near $2 \log 2$ do not mean success, and a $D$ with 100 % accuracy does not mean a bug: measure samples
#   ([two networks play](#Deeper:-two-networks-play,-with-the-package)).
#
# **Further reading**
#
# - Goodfellow et al., [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661), 2014, section 4.
# - Arjovsky and Bottou, [Towards Principled Methods for Training GANs](https://arxiv.org/abs/1701.04862), 2017.
# - Arora et al., [Generalization and Equilibrium in GANs](https://arxiv.org/abs/1703.00573), 2017.
# - Sugiyama et al., [Density Ratio Estimation in Machine Learning](https://doi.org/10.1017/CBO9781139035613), 2012.

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, what theory expects, and what was measured. Rows from trainings hold in full runs only.

# %%
full, goodfellow = {"needs_training": True}, "Goodfellow et al. 2014, thm 1"
(mean_w, mean_b), ratio = torch.tensor(lines).mean(0), "log p/q of two Gaussians"
ledger.add("F-V1", "logistic regression finds w = -t, t = 1", -1, mean_w, 0.04, ratio, **full,
           says="Logistic regression finds the slope of the best score, log p/q.")  # fmt: skip
ledger.add("F-V1", "and b = t²/2", 0.5, mean_b, 0.04, ratio, **full)
says = "At the best D the value is -2 log 2 + 2 JS (here for a shift by one)."
for t in (1, 2, 4):
    q_t, expected = on_grid(Normal(t, 1)), 2 * divergences.js(p, Normal(t, 1)) + SHRUG
    best = value_of_score(p_x, q_t, p.log_prob(grid) - Normal(t, 1).log_prob(grid))
    claim = f"max V for a shift of {t}"
    ledger.add("F-V2", claim, expected, best, 1e-6, goodfellow, says=says if t == 1 else "")
for t in (1, 2):
    limit = 0.5 + 0.5 * math.erf(t / 2 / math.sqrt(2))
    found = divergences.bayes_accuracy(p, Normal(t, 1))
    ledger.add("F-V3", f"Bayes accuracy for a shift of {t}", limit, found, 1e-6, "Phi(t/2)")
    claim, reach = f"trained D stays at or below it, t = {t}", (limit - 0.01, limit)
    ledger.add("F-V3", claim, reach, line_accuracy[t], 1e-9, "TV(p, q)", **full)

# %%
left, right = (((grid > low) & (grid < low + 2)).double() for low in (-3, 1))  # two blocks
apart = 2 * js(left / left.sum() / dx, right / right.sum() / dx, dx) + SHRUG
ledger.add("F-V3", "max V of disjoint densities is 0", 0, apart, 5e-4, "JS = log 2",
           says="For densities that never overlap it is 0, the most there is.")  # fmt: skip
at_rest = value(p_x, p_x, 0 * p_x + 0.5, dx)
ledger.add("F-V2", "V at p = q and D = 1/2 is -2 log 2", SHRUG, at_rest, 5e-4, "same",
           says="Where q = p, and D says 1/2, it is -2 log 2, the least.")  # fmt: skip
ledger.add("play", "V with offset 1.1, + 2 log 2", (-0.05, 0), over, 0, "quadrature")
ledger.add("play", "accuracy with offset 1.1", (0.6, 0.65), hits, 0, "quadrature");

# %%
most, true = float(max_V(q)), fits[:, :, 1]
claim, source = "true V of a memorising D, largest", "max V is a maximum"
ledger.add("3.21", claim, (-math.inf, most), true.max(), 1e-6, source)
claim, found = "at the end its true V is below that of a shrug", true[:, -1].max()
ledger.add("3.21", claim, (-math.inf, SHRUG), found, 0, "overfitting", **full,
           says="A D that has memorised 40 points is truly worse than a shrug.")  # fmt: skip
claim, found = "what it believes at the end exceeds max V", fits[:, -1, 0].min()
ledger.add("3.21", claim, (most, 0), found, 0, "overfitting", **full);

# %%
from gan_tutorial.lesson.figures.nb02 import laboratory_facts, loop_facts

facts = {"3.18": loop_facts(paths, path_js), "laboratory": laboratory_facts(stands)}
for fact, rows in facts.items():
    for claim, expected, found, tolerance, more in rows:
        ledger.add(fact, claim, expected, found, tolerance, "this run", **more)
ledger.assert_all(profile)
ledger
