# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 · Penalise the gradient: hold the slope near one, and pay a known price
#
# **What you'll do.** You see what clipping does to a critic, replace it by a penalty on the critic's
# slope, work out exactly how much that penalty makes the critic exaggerate, and train WGAN-GP on
# FashionMNIST.
#
# **What you'll learn**
#
# - what clipped weights cost: simple functions, and gradients that explode or vanish with depth
# - why the best critic has slope one, where, and how the penalty asks for it
# - that a penalised critic overstates the distance, by twice a *toll* that you can compute, and when subtracting it helps
# - what a gradient penalty does for training, what it does not do, and what it costs
#
# **What you'll need.** Notebook 07 (the Wasserstein distance, its critic, clipping). A few lines of
# notebook 04 (does the game settle?).
#
# **Time.** An hour and a half to read and play; Run All takes {{time}}.

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import LinearSegmentedColormap
from torch import nn

from gan_tutorial.game import objectives
from gan_tutorial.lesson.figures import COLORS, PAPER, use_style
from gan_tutorial.lesson.profile import choose, use_cores

use_style()
profile = choose(PROFILE)
threads = use_cores()
torch.set_num_threads(1)  # for small networks a second thread would only wait

# %% [markdown]
# ## Guess first
#
# In notebook 07 the critic's *score difference*, its mean score on data minus its mean score on samples,
# estimated the Wasserstein distance $W_1$. Now a critic with a gradient penalty looks at eight small
# blobs and at a blurred copy of them, $W_1 = 0.84$ apart. The weight of the penalty is 0.1, the value
# that the authors of the method chose for such toy data. Take the *best* critic under this penalty. Its score difference is
#
# 1. about 0.8: a little less than $W_1$, because the penalty costs something
# 2. about 0.9: slopes are held *near* one, so the error is small
# 3. more than 4
#
# Settle on an answer. We come back to it when we know what a penalty costs.

# %% [markdown]
# ## One picture: a clipped critic, a penalised one, and the truth
#
# The data are eight Gaussians on a circle, tiny ones. The "generator" is fixed: it draws a datum and adds
# normal noise, $\mathcal N(0, I)$. This is a test of Gulrajani et al. (2017): the samples are as blurred
# as can be, and the critic has to say how to repair them.
#
# Here we know the best critic *exactly*. Take the blobs as points. Every sample should be moved to the
# nearest of them: nothing could be cheaper, and by symmetry each receives an eighth. So
#
# $$W_1 = \mathbb{E}\,\min_j |y - c_j|, \qquad f^\star(x) = -\min_j |x - c_j| :$$
#
# the score of a point is minus its distance to the nearest blob. Its slope is one everywhere, it scores
# data 0 and samples $-W_1$ on average, so it reaches $W_1$, and no critic with slopes up to one can do better.
# Quadrature on a fine grid gives the number.

# %% tags=["nbval-check-output"]
from gan_tutorial.truth.densities import Grid, Ring, SwissRoll, as_data

ring = Ring(modes=8, radius=2 / 1.414, sd=0.02 / 1.414)
centres = ring.centers


def nearest(x):
    """The best critic between eight points and any samples around them: (n, 2) -> (n,)"""
    return -torch.cdist(x, centres.to(x)).min(dim=1).values


side = torch.linspace(-7, 7, 1201, dtype=torch.float64)
around = torch.cartesian_prod(side, side)
mass = (-0.5 * around.square().sum(1)).exp()
W1_ring = float(-(mass * nearest(around + centres[0].double())).sum() / mass.sum())
print(f"W1 between eight points and their blurred copy: {W1_ring:.4f}")

# %% [markdown]
# (The blobs have a width of 0.014, so the truth may differ from this by at most 0.02.)
#
# Now we train critics: one kind with weights clipped to $[-0.01, 0.01]$, as in notebook 07, the other
# with a gradient penalty, which we take from the package for the moment and build by hand below. One
# seed says little, so three networks stand side by side in one module; none feels the others.

# %%
from gan_tutorial.game.networks import SideBySide

K = 3  # seeds, side by side


def pairs(data, n):
    """n data and n blurred data for each of K critics.  -> (n K, 2), (n K, 2)"""
    (x,), (y,) = data(n * K), data(n * K)
    return x, y + torch.randn_like(y)


def clip(c):
    return replace(objectives.wasserstein, project=objectives.clip_weights(c))


def penalise(weight, one_sided=False):
    penalty = objectives.gradient_penalty(weight, one_sided=one_sided)
    return replace(objectives.wasserstein, penalty=penalty)


def start_in_box(D, c):
    """Weights spread evenly over the box."""
    for w in D.parameters():
        nn.init.uniform_(w, -c, c)


# %% [markdown]
# `start_in_box` is for the clipped critics. PyTorch's own first weights are up to 0.09 here, nine times too large for the box. The first
# clip would put nearly nine tenths of them on its edge, and whatever we found there later would prove nothing.
#
# The loop itself is the one you know: draw pairs, add the penalty if there is one, move, clip if that is asked for.


# %%
def fit(data, objective, steps, lr, box=None, layers=3):
    """K critics against a fixed G, data + N(0, I).  The step size falls to 0: they settle."""
    sizes = [2, *[128] * layers, 1]
    D = nn.Sequential(SideBySide(K, sizes), nn.Flatten(0))  # row i: critic i mod K
    if box:
        start_in_box(D, box)
    if objective.project:
        objective.project(D)
    opt = torch.optim.Adam(D.parameters(), lr=lr, betas=(0.5, 0.9), fused=True)
    for step in range(steps):
        opt.param_groups[0]["lr"] = lr * (1 - step / steps)
        x, fake = pairs(data, 128)
        loss = objective.d_loss(D(x), D(fake))
        if objective.penalty:
            loss = loss + objective.penalty(D, x, fake)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if objective.project:
            objective.project(D)
    return D


# %%
SETS = {
    "8 Gaussians": as_data(Ring(), scale=1 / 1.414),
    "25 Gaussians": as_data(Grid(), scale=1 / 2.828),
    "Swiss roll": as_data(SwissRoll(), scale=1 / 7.5),
}
KINDS = {  # in a box of width 0.02, larger steps would jump about
    "clip": {"objective": clip(0.01), "lr": 1e-4, "box": 0.01},
    "penalty": {"objective": penalise(0.1), "lr": 2e-3},
}
steps = profile.pick(smoke=20, cpu=1_200, gpu=1_200)
critics = {}
torch.manual_seed(SEED)
with profile.plan(steps=2 * steps, about=9):
    for kind, how in KINDS.items():
        critics["8 Gaussians", kind] = fit(SETS["8 Gaussians"], steps=steps, **how)

# %% [markdown]
# (The paper's code has three layers of 512, 256 pairs per move and 100,000 moves. Ours are smaller, so that you need not wait. And
# there, with the generator fixed, each datum is paired with *its own* blurred copy: the penalty looks only along the noise that was added. We pair at random, as the paper's algorithm
# says and as any GAN must, so our penalty looks between the blobs as well, and our numbers are not those of that code.)
#
# Let us look at the first seed of each, and at the truth. Darker green is higher, a line joins equal scores, and the dots are data.
# Before you look at the other two: the exact critic has a summit at each datum. Will theirs?

# %%
GREENS = LinearSegmentedColormap.from_list("score of D", [PAPER, COLORS["D"]])
axis = torch.linspace(-2.2, 2.2, 161)
plane = torch.cartesian_prod(axis, axis)


def alone(D, j):
    """Critic j of K as a function of points.  (n, 2) -> (n,)"""
    return lambda x: D(x.float().repeat_interleave(K, 0))[j::K]


def surface(ax, f, data, title):
    """A score as a map: levels from its lowest tenth to its summit, each second one a line."""
    score = f(plane).detach().double().view(161, 161).T
    levels = torch.linspace(float(score.quantile(0.1)), float(score.max()), 17)
    ax.contourf(axis, axis, score, levels, cmap=GREENS, extend="min")
    look = {"colors": COLORS["truth"], "linestyles": "solid", "linewidths": 0.5}
    ax.contour(axis, axis, score, levels[1::2], **look)
    ax.plot(*data(250)[0].T, ".", color=COLORS["data"], markersize=2.5, alpha=0.8)
    ax.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xticks=(-2, 0, 2), yticks=(-2, 0, 2))
    ax.set(title=title, aspect="equal")
    ax.grid(False)


# %% tags=["figure"] covers=["9.04", "8.10"] alt="Three maps of a score over the plane with eight data points on a circle. The exact critic has a summit at each point; the clipped one is a single blunt pyramid; the penalised one has a summit at each point and a hollow in the middle"
shown = {
    "the best critic (exact)": nearest,
    "weights clipped to ±0.01": alone(critics["8 Gaussians", "clip"], 0),
    "gradient penalty": alone(critics["8 Gaussians", "penalty"], 0),
}
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), sharey=True)
for ax, (title, f) in zip(axes, shown.items(), strict=True):
    surface(ax, f, SETS["8 Gaussians"], title)
plt.show()

# %% [markdown]
# The clipped critic has understood that the data are somewhere in the middle. It has missed that there are
# eight of them. A generator that climbs this hill goes to the summit, where no data are. The
# penalised critic has a summit at each blob, and a hollow in the middle. In numbers: how many blobs score higher than the middle, and how many higher than all around them?

# %%
def above(f, places, radius):
    """How many places score higher than 16 points on a circle around them.  (k, 2) -> int"""
    angle = torch.linspace(0, 2 * torch.pi, 17)[:-1]
    circle = radius * torch.stack([angle.cos(), angle.sin()], 1)
    around = places[:, None] + circle  # (k, 16, 2)
    return int((f(places) > f(around.flatten(0, 1)).view(-1, 16).max(1).values).sum())


higher, summits = {}, {}
for kind in ("clip", "penalty"):
    scores = [alone(critics["8 Gaussians", kind], j) for j in range(K)]
    higher[kind] = [int((f(centres) > f(torch.zeros(1, 2))).sum()) for f in scores]
    summits[kind] = [above(f, centres, 0.5) for f in scores]  # the next blob's half-way: 0.54
    print(f"{kind:8} of 8 blobs, three seeds: above the middle {higher[kind]}, "
          f"above all around {summits[kind]}")

# %% [markdown]
# ## What clipping costs
#
# ### It learns too simple functions
#
# Two more data sets from the same paper: a lattice of 25 Gaussians and a Swiss roll. The paper's code divides all three by numbers
# that it calls "stdev". Do they make a coordinate's standard deviation 1?

# %% tags=["nbval-check-output"]
torch.manual_seed(SEED)
exact_sd = {
    "8 Gaussians": ((2**2 / 2 + 0.02**2) ** 0.5) / 1.414,
    "25 Gaussians": ((2**2 * 2 + 0.05**2) ** 0.5) / 2.828,
}
for name, sd in exact_sd.items():
    print(f"{name}: sd of a coordinate {sd:.4f}")
sd_roll = SETS["Swiss roll"](400_000)[0].std(0)
print("Swiss roll: sd of the two coordinates", " and ".join(f"{v:.2f}" for v in sd_roll))

# %% [markdown]
# Two of them do. The roll is a bit smaller; the code says so itself ("stdev plus a little").
#
# For the truth we need no symmetry. The best critic between $k$ points and any samples has the form
# $f(x) = \max_j (f_j - |x - c_j|)$: a cone stands on each point, and only the $k$ heights $f_j$ have to be
# found. Maximising the score difference over them is a concave problem (this is called *semi-discrete*
# transport). `critics.potential` does it; for the roll we use 150 of its points.

# %%
from gan_tutorial.truth.critics import potential

rest = ("25 Gaussians", "Swiss roll")
torch.manual_seed(SEED)
points = {"25 Gaussians": Grid().centers / 2.828, "Swiss roll": SETS["Swiss roll"](150)[0]}
truth = {"8 Gaussians": nearest}
for name in rest:
    truth[name], value = potential(points[name], pairs(SETS[name], 1_000)[1])
    print(f"{name}: the best critic's score difference is {value:.2f}")
with profile.plan(steps=4 * steps, about=18):
    for name in rest:
        for kind, how in KINDS.items():
            critics[name, kind] = fit(SETS[name], steps=steps, **how)

# %% tags=["figure"] covers=["9.04", "8.10"] alt="Two rows of three maps, for 25 Gaussians and for a Swiss roll. The exact critics have 25 summits and a winding ridge; the clipped ones are single pyramids; the penalised ones show the winding ridge and something of the lattice"
fig, axes = plt.subplots(2, 3, figsize=(9.6, 6.5), sharex=True, sharey=True)
for row, name in zip(axes, rest, strict=True):
    surface(row[0], truth[name], SETS[name], f"{name}: the best critic")
    surface(row[1], alone(critics[name, "clip"], 0), SETS[name], "clipped")
    surface(row[2], alone(critics[name, "penalty"], 0), SETS[name], "penalised")
plt.show()

# %% [markdown]
# Again pyramids on one side. With the penalty the roll shows, and something of the lattice; small networks and some
# seconds of training do not resolve more.
#
# "Too simple" can be made a number. What G uses of a critic is the direction in which the score rises: that is where it
# sends its samples. The best critic knows the right direction at every point. We take 1,500 samples and
# compare: the cosine of the angle between a critic's direction and the right one, 1 for the same, 0 for a right angle, on average.


# %%
def uphill(f, x):
    """The direction in which the score rises, a unit vector per point.  (n, 2) -> (n, 2)"""
    x = x.double().detach().requires_grad_()
    (slope,) = torch.autograd.grad(f(x).sum(), x)
    return slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-30)


# %%
torch.manual_seed(SEED)
cosine = {}
print("cosine to the right direction     clipped, three seeds      penalised, three seeds")
for name, data in SETS.items():
    y = pairs(data, 1_500)[1][::K]
    right_way = uphill(truth[name], y)
    for kind in ("clip", "penalty"):
        ways = [uphill(alone(critics[name, kind], j), y) for j in range(K)]
        cosine[name, kind] = [float((way * right_way).sum(1).mean()) for way in ways]
    shown = ("".join(f"{v:7.2f}" for v in cosine[name, kind]) for kind in ("clip", "penalty"))
    print(f"{name:30}", "     ".join(shown))

# %% [markdown]
# On each data set the three penalised critics are nearer to the right direction than the three clipped ones, most of all on the ring: there a clipped
# critic sends every sample to the middle, also those inside the ring that should go outward.
#
# ### Its weights go to the edge
#
# Why so simple? Have a look at the weights between the hidden layers. The clipped ones began evenly spread over the box.

# %% tags=["figure"] covers=["8.10"] alt="Two histograms of weights. Clipped: two towers at -0.01 and 0.01 over a low, even floor, which is how all of them began. Penalised: a broad heap around 0"
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
for ax, kind, reach in ((left, "clip", 0.0105), (right, "penalty", 0.5)):
    for j in range(K):
        hidden = critics["8 Gaussians", kind][0].weights[1:-1]
        w = torch.cat([layer[j].detach().flatten() for layer in hidden])
        look = {"histtype": "step", "color": COLORS["D"], "linewidth": 1.2}
        ax.hist(w, bins=60, range=(-reach, reach), density=True, **look)
    ax.set(xlabel="weight between hidden layers", yticks=[])
box = [-0.01, -0.01, 0.01, 0.01], [0, 50, 50, 0]
left.plot(*box, "--", color=COLORS["truth"], label="at the start")
left.set(title="clipped to ±0.01", ylabel="density")
left.legend(loc="upper center")
right.set(title="gradient penalty")
plt.show()

# %% [markdown]
# Two towers on a floor. Why does a floor remain? Many units of such a critic are never on, whatever the input. The weights around them get no gradient and stay where they
# began. So we count twice: all weights, and those that still get a gradient.

# %%
torch.manual_seed(SEED)
D = critics["8 Gaussians", "clip"]
x, fake = pairs(SETS["8 Gaussians"], 2_000)
hidden = D[0].weights[1:-1]
loss = objectives.wasserstein.d_loss(D(x), D(fake))
gradient = torch.cat([g.flatten(1) for g in torch.autograd.grad(loss, list(hidden))], dim=1)
heard = gradient != 0  # (K, weights)
at_edge = torch.cat([w.detach().flatten(1) for w in hidden], dim=1).abs() > 0.0099
edge_of_all = at_edge.float().mean(1).tolist()
edge_of_heard = [float(e[h].float().mean()) for e, h in zip(at_edge, heard, strict=True)]
print(f"at the edge: at the start     {1 - 0.0099 / 0.01:.0%}")
print("             of all weights  ", "  ".join(f"{v:.0%}" for v in edge_of_all))
print("             with a gradient ", "  ".join(f"{v:.0%}" for v in edge_of_heard))

# %% [markdown]
# Of the weights that have a say, most have gone to $+c$ or $-c$, and would go farther if they could. The critic maximises a
# score difference, and nothing but the box around each weight holds it back. For a linear critic the best place is *exactly* a corner of the box: that was $c\,\|m\|_1$ in notebook 07. A deep
# one behaves in the same way. What is left of a weight is its sign, and with signs alone there is not much to say.
#
# ### With depth, its gradients explode or vanish
#
# G learns from the gradient that comes back through the critic. Going back through one layer of $n$ ReLU
# units, of which about half are on, a gradient is multiplied by a matrix with entries $\pm c$:
#
# - if the signs are a mess, its length changes by the factor $c \sqrt{n/2}$
# - if all signs agree, by $c\,n/2$, and with half of the units on that is the most
#
# From the last of twelve hidden layers to the first there are eleven such factors. With $n = 128$ and $c = 0.1$ each is between
# 0.8 and 6.4; with $c = 0.01$ it is at most 0.64. So $c$ decides, and there is hardly a $c$ at which
# it stays near 1. We train critics with 12 hidden layers on the Swiss roll, three seeds
# each, as the paper did for its figure 1(b), and look at the gradient before and after. (Here they start from PyTorch's weights, clipped.)


# %%
def sizes_by_depth(net):
    """The mean length of the loss's gradient at each hidden layer's output, (layers, K)"""
    x, fake = pairs(SETS["Swiss roll"], 200)
    h, outputs = torch.cat([x, fake]).unflatten(0, (-1, K)).transpose(0, 1), []
    for W, b in zip(net.weights, net.biases, strict=True):
        h = torch.baddbmm(b, h.relu() if outputs else h, W)  # (K, 400, width)
        outputs.append(h)
    gradients = torch.autograd.grad(h[:, :200].sum() - h[:, 200:].sum(), outputs[:-1])
    return torch.stack([g.double().norm(dim=2).mean(1) for g in gradients])


# %%
DEEP = {0.1: clip(0.1), 0.01: clip(0.01), 0.001: clip(0.001), "penalty": penalise(0.1)}
by_depth = {}
torch.manual_seed(SEED)
with profile.plan(steps=4 * profile.pick(smoke=10, cpu=200, gpu=200), about=8) as plan:
    for c, objective in DEEP.items():
        how = {"lr": 2e-3, "layers": 12}
        both = [fit(SETS["Swiss roll"], objective, n, **how) for n in (0, plan.steps // 4)]
        by_depth[c] = [sizes_by_depth(D[0]) for D in both]


def powers_of_ten(size):
    """From the last hidden layer back to the first."""
    return (size[0].clamp(min=1e-45) / size[-1].clamp(min=1e-45)).log10()


began, powers = ({c: powers_of_ten(sizes[i]) for c, sizes in by_depth.items()} for i in (0, 1))
print("powers of ten, last layer to first      before                   after")
for c in DEEP:
    name = "gradient penalty" if c == "penalty" else f"clipped, c = {c}"
    columns = ("".join(f"{v:7.1f}" for v in p[c]) for p in (began, powers))
    print(f"{name:26}", *columns, sep="    ")

# %% tags=["figure"] covers=["8.10"] alt="Length of the gradient over the layer, on a logarithmic axis, three seeds each, with a band for each c between mixed and agreeing signs. For c = 0.1 it grows by many powers of ten towards the input, towards the upper end of its band; for c = 0.01 and 0.001 it falls by about 12 and 23, along the lower ends; with the penalty it stays nearly level"
LOOKS = {
    0.1: {"color": COLORS["model"], "linestyle": "-"},
    0.01: {"color": COLORS["estimate"], "linestyle": "--"},
    0.001: {"color": COLORS["G"], "linestyle": "-."},
    "penalty": {"color": COLORS["D"], "linestyle": "-", "linewidth": 2.4},
}
fig, ax = plt.subplots(figsize=(8, 3.8))
layer = torch.arange(1, 13)
for c, (_, size) in by_depth.items():
    label = "gradient penalty" if c == "penalty" else f"clipped, c = {c}"
    relative = size.where(size > 0, torch.nan) / size[-1]
    ax.semilogy(layer, relative, **LOOKS[c] | {"linewidth": 1.4})
    ax.plot([], [], label=label, **LOOKS[c])
    if c != "penalty":
        ends = [factor ** (12.0 - layer) for factor in (c * 64**0.5, c * 64)]
        ax.fill_between(layer, *ends, color=LOOKS[c]["color"], alpha=0.15, linewidth=0)
grey = {"color": COLORS["guide"], "alpha": 0.3}
ax.fill_between([], [], [], **grey, label="theory: signs mixed to signs agree")
ax.set(xlabel="hidden layer (1 is next to the input)", ylim=(1e-25, 1e14))
ax.set_ylabel("gradient, relative to the last")
ax.set_xticks(range(1, 13))
ax.legend(loc="lower right", fontsize=8)
plt.show()

# %% [markdown]
# One setting explodes, two vanish, in all seeds. For $c = 0.1$ PyTorch's first weights do not fill the box, and the gradient began to vanish as well; training has made the signs agree, and the line has climbed towards the upper end of its band. For
# $c = 0.01$ and $0.001$ it lies at the lower end, before and after: a gradient that has lost twelve powers of ten on its way back moves nothing, so the signs
# are as mixed as they were at the start. A generator behind such a critic gets nothing, or far too much. With the penalty (green) training has made the gradient
# nearly level over the depth. Nobody asked for that; but a slope near one from input to score leaves little room for
# extremes.
#
# So do not put weights in a box. If the aim is a critic with slope at most one, ask for *that*.

# %% [markdown]
# ## Why slope one?
#
# The constraint of the duality is "slope at most one, everywhere". The penalty of this notebook
# asks for slopes *equal* to one. That needs a reason. It is Proposition 1 of the WGAN-GP paper:
#
# > Let $\pi$ be an optimal plan between data and samples, and $f^\star$ an optimal critic. Then on the line from $x$ to $y$, for (almost) every pair
# > $(x, y)$ that $\pi$ couples, $f^\star$ falls with slope exactly one.
#
# The proof takes three steps, and you have all the tools from notebook 07.
#
# 1. **No slack.** The plan costs $\mathbb{E}_\pi |x - y| = W_1$. The critic earns $\mathbb{E}_p f^\star - \mathbb{E}_q f^\star =
#    \mathbb{E}_\pi [f^\star(x) - f^\star(y)]$, and that is $W_1$ too. So
#    $\mathbb{E}_\pi \bigl[\,|x - y| - (f^\star(x) - f^\star(y))\,\bigr] = 0$. Inside the brackets nothing is
#    ever negative (slope at most one), so it is 0 for almost every pair: the critic uses its whole allowance from $x$ to $y$.
# 2. **All the way.** Let $u = x + t (y - x)$ be a point on the line. From $x$ to $u$ the critic may fall by at
#    most $t |x - y|$, from $u$ to $y$ by at most $(1 - t)|x - y|$. The sum must be $|x - y|$, so both are used in full:
#    $f^\star(u) = f^\star(x) - t\,|x - y|$.
# 3. **The gradient.** Along the line the derivative is $-1$. If $f^\star$ has a gradient at $u$, its length is at least
#    that of its part along the line, which is 1, and at most 1. So $|\nabla f^\star(u)| = 1$, and it points
#    from the sample $y$ straight to its datum $x$.
#
# The last remark is the beautiful one: **the best critic tells every sample the way to its datum.**
#
# We see it on 40 data and 40 samples. The optimal plan is an assignment; the optimal critic is a linear
# programme with one number per point. Both are exact, and neither knows of the other.

# %% tags=["nbval-check-output"] covers=["9.01"]
import numpy as np
from scipy.optimize import linear_sum_assignment, linprog

from gan_tutorial.truth.densities import TwoMoons

n = 40
torch.manual_seed(SEED)
x = TwoMoons(noise=0.05).sample(n).double()
y = (torch.tensor([0.5, 0.25]) + 0.9 * torch.randn(n, 2)).double()
cost = torch.cdist(x, y)

row, to = linear_sum_assignment(cost.numpy())  # x[i] goes to y[to[i]]
primal = float(cost[row, to].mean())

# maximise mean f(x) - mean f(y) with f(x_i) - f(y_j) <= |x_i - y_j|
one, every = np.ones((n, 1)), np.eye(n)
difference = np.hstack([np.kron(every, one), -np.kron(one, every)])
minus = np.r_[-np.ones(n), np.ones(n)] / n
lp = linprog(minus, A_ub=difference, b_ub=cost.numpy().ravel(), bounds=(None, None))
f_y = torch.from_numpy(lp.x[n:])


def best(u):
    """The optimal critic at any point: the highest roof over the f(y_j).  (m, 2) -> (m,)"""
    return (f_y + torch.cdist(u, y)).min(dim=1).values


dual = float((best(x) - best(y)).mean())
print(f"the cheapest plan costs {primal:.6f}; the best critic earns {dual:.6f}")

# %% [markdown]
# The two agree: that is the duality of notebook 07. Now the slope of the critic along lines: from each datum to *its*
# sample under the plan, and for comparison from each datum to a sample drawn *at random*.

# %% tags=["nbval-check-output"] covers=["9.01"]
t = torch.linspace(0.02, 0.98, 49, dtype=torch.float64)


def slope_along(x, y):
    """How steeply the critic falls along the lines from x to y, piece by piece.  -> (n, 48)"""
    u = x[:, None] + t[:, None] * (y - x)[:, None]
    score = best(u.flatten(0, 1)).view(len(x), -1)
    return -score.diff(dim=1) / ((y - x).norm(dim=1)[:, None] * (t[1] - t[0]))


coupled, anyhow = slope_along(x, y[to]), slope_along(x, y[torch.randperm(n)])
slope_error = float((coupled - 1).abs().max())
print(f"coupled pairs: all slopes are 1, to within 1e-6: {slope_error < 1e-6}")
print(f"random pairs: mean {anyhow.mean():.2f}, "
      f"smallest {anyhow.min():.2f}, largest {anyhow.max():.2f}")

# %% tags=["figure"] covers=["9.01"] alt="Left: a map of the exact critic with data, samples and straight lines between coupled pairs, each running straight downhill. Right: which share of the pieces of the lines is less steep than a slope, over the slope; for coupled pairs it jumps from none to all at one, for random pairs it climbs all the way from minus one to one"
fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.9))
gx, gy = torch.linspace(-2.3, 3, 121), torch.linspace(-2.2, 2.5, 121)
score = best(torch.cartesian_prod(gx, gy).double()).view(121, 121).T
left.contourf(gx, gy, score, 14, cmap=GREENS, alpha=0.75)
for a, b in zip(x, y[to], strict=True):
    left.plot(*torch.stack([a, b]).T, color=COLORS["truth"], linewidth=0.9)
left.plot(*x.T, "o", color=COLORS["data"], markersize=5, label="data")
left.plot(*y.T, "X", color=COLORS["model"], markersize=5, label="samples")
left.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", xlim=(-2.3, 3), ylim=(-2.2, 2.5))
left.set_title("the exact critic, and the plan")
left.legend(loc="upper left", fontsize=8)
right.ecdf(anyhow.flatten(), color=COLORS["guide"], linestyle="--", label="random pairs")
right.ecdf(coupled.flatten(), color=COLORS["D"], linewidth=3, label="coupled pairs")
right.set(ylabel="share of pieces less steep", title="slopes along the lines")
right.set_xlabel("how steeply the score falls from datum to sample")
right.legend(loc="upper left")
plt.show()

# %% [markdown]
# Along the plan (black lines) the critic falls with slope one, without exception. Along random pairs it does what it likes.
#
# Keep this in mind, because the algorithm below **does not know the plan**. It joins each datum with a random sample and asks for a gradient
# of length one on that line. The proposition does not promise that. It is a
# heuristic that looks in the right region, the space between data and samples, and asks for a bit more than
# theory does. What that costs comes under "The price" below.

# %% [markdown]
# ## The penalty by hand
#
# Three steps (the slides have them on one page): draw a pair, a datum $x$ and a sample $y$; draw one number $t$, uniform
# between 0 and 1; go to $u = x + t (y - x)$, and charge the critic
#
# $$\lambda \,\bigl(|\nabla D(u)| - 1\bigr)^2 .$$


# %%
def penalty_by_hand(D, x, fake, weight=10.0):
    t = torch.rand(len(x), 1)  # one number per pair
    u = (x + t * (fake - x)).requires_grad_()
    (gradient,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
    return weight * (gradient.norm(dim=1) - 1).square().mean()


# %% [markdown]
# Two details deserve a look. `D(u).sum()`: the score of example $i$ depends on $u_i$ alone, so one backward pass gives all gradients at
# once, row by row. And `create_graph=True`: the penalty is made of a gradient, and D has to learn from it, so the
# gradient itself has to be differentiable.
#
# In the package it is called `gradient_penalty`, for any shape of example. With the same $t$, do the two agree, in value and in what D learns?

# %% tags=["nbval-check-output"] covers=["9.01", "9.02"]
from gan_tutorial.game.networks import PointDiscriminator

torch.manual_seed(SEED)
D = PointDiscriminator(hidden=(32, 32))
x, fake = torch.randn(64, 2), 1 + torch.randn(64, 2)
values, learned = [], []
for penalty in (penalty_by_hand, objectives.gradient_penalty(10.0)):
    torch.manual_seed(SEED)  # the same t
    values.append(penalty(D, x, fake))
    lessons = torch.autograd.grad(values[-1], D.parameters(), allow_unused=True)
    learned.append(torch.cat([g.flatten() for g in lessons if g is not None]))
apart = float((values[0] - values[1]).detach().abs() + (learned[0] - learned[1]).abs().max())
print("the same value, and the same gradient for D:", apart < 1e-4)

# %% [markdown]
# ### One number per pair
#
# "Randomly interpolate" is easily written in three ways, and all of them run without an error: one $t$ for each pair, one
# for each *coordinate* (of a picture: for each pixel; this is what `torch.rand_like(x)` does), or one for
# the whole *batch*. We draw where they look (green), for twelve pairs of a datum (dot) and a sample (cross) and many draws of $t$.

# %% tags=["figure"] covers=["9.02"] alt="Three panels with twelve data and twelve samples. One t per pair: the points lie on the lines that join the pairs. One t per coordinate: they fill rectangles. One t for the batch: they form a few clusters, all at the same fraction of their lines"
torch.manual_seed(SEED)
x, fake = ring.sample(12), 0.5 + 0.7 * torch.randn(12, 2)
DRAWS = {
    "one per pair": lambda: torch.rand(12, 1),
    "one per coordinate": lambda: torch.rand(12, 2),
    "one per batch": lambda: torch.rand(1, 1),
}
fig, axes = plt.subplots(1, 3, figsize=(7.6, 3.3), sharey=True)
off_line = {}
way = fake - x
normal = torch.stack([-way[:, 1], way[:, 0]], 1) / way.norm(dim=1, keepdim=True)
for ax, (name, draw) in zip(axes, DRAWS.items(), strict=True):
    draws = 3 if "batch" in name else 40
    u = torch.stack([torch.lerp(x, fake, draw().expand(12, 2)) for _ in range(draws)])
    for a, b in zip(x, fake, strict=True):
        ax.plot(*torch.stack([a, b]).T, color=COLORS["guide"], linewidth=0.6)
    ax.plot(*u.flatten(0, 1).T, ".", color=COLORS["D"], markersize=4 if draws == 3 else 2)
    ax.plot(*x.T, "o", color=COLORS["data"], markersize=5)
    ax.plot(*fake.T, "X", color=COLORS["model"], markersize=5)
    ax.set(title=name, xlabel=f"{draws} draws of t", aspect="equal")
    off_line[name] = float(((u - x) * normal).sum(-1).abs().mean())
plt.show()
for name, value in off_line.items():
    print(f"{name:20} mean distance from the line of its pair: {value:.3f}")

# %% [markdown]
# - **One per pair** covers the lines.
# - **One per coordinate** leaves the lines and fills the box around each pair. In two dimensions that looks harmless; in 784 it
#   does not: every such picture is a random mixture of two pictures, pixel by pixel, full of noise
#   that neither data nor samples have. The critic would be held to slope one in a place where nobody ever is.
# - **One per batch** stays on the lines but looks at a single fraction at a time. The penalty is right on average and much noisier.
#
# How much noisier? The penalty of 64 pairs, for the penalised critic of our first picture, over 400 batches:

# %%
torch.manual_seed(SEED)
D = critics["8 Gaussians", "penalty"]
spread = {}
for name, shape in (("one per pair", (64, 1)), ("one per batch", (1, 1))):
    values = []
    for _ in range(400):
        x, fake = (part[::K] for part in pairs(SETS["8 Gaussians"], 64))
        u = torch.lerp(x, fake, torch.rand(shape)).repeat_interleave(K, 0)
        values.append((objectives.gradient_norm(D, u)[::K].detach() - 1).square().mean())
    spread[name] = float(torch.stack(values).std() / torch.stack(values).mean())
    print(f"{name:15} standard deviation / mean of the penalty: {spread[name]:.2f}")

# %% [markdown]
# ### A conformance test
#
# If you ever write this penalty yourself, or review someone's, these are the properties to check.
# Here the package has to pass.

# %% tags=["nbval-check-output"] covers=["9.01", "9.02"]
penalty = objectives.gradient_penalty(10.0)
torch.manual_seed(SEED)
x, fake = (torch.randn(256, 1, 4, 4, dtype=torch.float64) for _ in range(2))
sixteen = torch.full((16,), 0.25, dtype=torch.float64)  # length 1


def straight(w):
    """The linear critic with weights w."""
    return lambda u: u.flatten(1) @ w


flat, unit = (float(penalty(straight(w), x, fake).detach()) for w in (0 * sixteen, sixteen))
print(f"no slope at all costs the weight, {flat:.1f}; slope one costs {abs(unit):.1f}")

seen = []  # where the penalty looks, told by a critic that listens


def listener(u):
    seen.append(u.detach())
    return u.flatten(1).sum(1)


penalty(listener, x, fake)
ts = ((seen[-1] - x) / (fake - x)).flatten(1)
one_t = bool((ts.max(1).values - ts.min(1).values).max() < 1e-6)
penalty(listener, torch.zeros(200_000, 1), torch.ones(200_000, 1))
var_t = float(seen[-1].var())
print("one t per picture:", one_t, f"  variance of t: {var_t:.3f}, uniform: {1 / 12:.3f}")

# %% [markdown]
# The last property: D learns from a gradient of a gradient. Finite differences know nothing of autograd, so they are a fair judge.

# %% tags=["nbval-check-output"] covers=["9.01"]
w = (2 * torch.randn(16, dtype=torch.float64)).requires_grad_()


def loss(w):
    torch.manual_seed(SEED)  # the same t
    return penalty(lambda u: (u.flatten(1) @ w).tanh(), x, fake)


(by_autograd,) = torch.autograd.grad(loss(w), w)
h = 1e-5 * torch.eye(16, dtype=torch.float64)
by_differences = torch.stack([(loss(w + step) - loss(w - step)) / 2e-5 for step in h]).detach()
second_error = float((by_autograd - by_differences).abs().max() / by_differences.abs().max())
print("the gradient of the gradient agrees with finite differences:", second_error < 1e-6)

# %% [markdown]
# ### Two traps, and the time it takes
#
# **The root.** $|\nabla D| = \sqrt{\sum g_i^2}$, and the square root has an infinite slope at 0. Where D is flat (dead
# ReLUs are enough), infinity meets zero, and the result is not a number: one such example ends the training. `gradient.norm()` of PyTorch is safe;
# `(gradient**2).sum(1).sqrt()`, which many programs use, is not.

# %% tags=["nbval-check-output"]
w = torch.zeros(16, dtype=torch.float64, requires_grad=True)
u = x.clone().requires_grad_()
(gradient,) = torch.autograd.grad((u.flatten(1) @ w).sum(), u, create_graph=True)
naive = 10 * ((gradient**2).flatten(1).sum(1).sqrt() - 1).square().mean()
safe = penalty(straight(w), x, fake)
for name, charge in (("with sqrt:     ", naive), ("in the package:", safe)):
    (for_D,) = torch.autograd.grad(charge, w, retain_graph=True)
    print(f"a flat critic, {name} gradient for D is", for_D[:2].tolist())

# %% [markdown]
# **Batch norm in the critic.** Then the score of example $i$ depends on *all* examples, and the row $i$ of the
# gradient of the sum is no longer the slope of score $i$. Move example 1, and watch what example 0 is charged:

# %% tags=["nbval-check-output"]
torch.manual_seed(SEED)


def small(norm):
    layers = nn.Linear(2, 32), norm, nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0)
    return nn.Sequential(*layers).double()


u = torch.randn(8, 2, dtype=torch.float64)
moved = u.clone()
moved[1] += 1.0
NORMS = {
    "no norm": nn.Identity,
    "layer norm": partial(nn.LayerNorm, 32),
    "batch norm": partial(nn.BatchNorm1d, 32),
}
leak = {}
for name, norm in NORMS.items():
    D = small(norm())
    before, after = (float(objectives.gradient_norm(D, v)[0].detach()) for v in (u, moved))
    leak[name] = abs(after - before)
    felt = "yes" if leak[name] > 1e-9 else "no"
    print(f"{name:11} does example 0 feel that example 1 moved? {felt}")

# %% [markdown]
# So a critic with a gradient penalty has no batch norm; layer norm is fine. That is why no D in the package has batch norm. (Exercise 8.3 builds a detector.)
#
# **And it costs time**: one more forward pass, a backward pass for the slope, and a backward pass through both. We time it at the end, with pictures.

# %% [markdown]
# ## The price: the toll
#
# The slides say that clipping gives the distance "up to a constant factor", and notebook 07 showed, with all respect, that the factor is not constant. Is the penalty better?
# One thing is certain from the start: it is a *penalty*, not a constraint. A critic that
# exceeds slope one by a little pays almost nothing (the square of little), and gains in proportion. So it will exceed. By how much?
#
# ### Two points, or a straight line
#
# Let all data be at one point and all samples at another, $W$ apart. Or let the critic be linear, and the means of data and samples $W$ apart. In both cases all that counts is one
# number, the critic's slope $w$ from samples to data. The objective of the critic is
#
# $$J(w) = w\,W - \lambda (w - 1)^2, \qquad J'(w) = W - 2\lambda (w - 1) = 0 .$$
#
# | at the best critic | |
# |---|---|
# | slope | $1 + \dfrac{W}{2\lambda}$ |
# | score difference $S = w W$ | $W + \dfrac{W^2}{2\lambda}$ |
# | penalty $T$ | $\dfrac{W^2}{4\lambda}$ |
# | objective $S - T$ | $W + \dfrac{W^2}{4\lambda}$ |
#
# The customary $\lambda = 10$ with $W = 1$ gives a slope of 1.05. With $\lambda = 0.1$, as for toys, the slope is 6. We check the table with the package's
# penalty, by trying all slopes from 0 to 20 in steps of 0.05.

# %% tags=["nbval-check-output"] covers=["9.01"]
x, fake = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)


def best_linear(weight, W):
    """The best slope of D(u) = -w u for points W apart, by trying.  -> slope, S, objective"""
    penalty = objectives.gradient_penalty(weight)
    J = {}
    for w in torch.linspace(0, 20, 401, dtype=torch.float64).tolist():
        J[w] = w * W - float(penalty(lambda u, w=w: -w * u.flatten(), x, W * fake).detach())
    best = max(J, key=J.get)
    return best, best * W, J[best]


print("weight    W    slope: found = table   score difference   objective")
linear = {}
for weight in (0.1, 1.0, 10.0):
    for W in (1.0, 3.0):
        linear[weight, W] = best_linear(weight, W)
        theory = 1 + W / (2 * weight), W + W**2 / (2 * weight), W + W**2 / (4 * weight)
        both = zip(linear[weight, W], theory, strict=True)
        print(f"{weight:6} {W:4}", "".join(f"{a:9.3f} = {b:6.3f}" for a, b in both))

# %% [markdown]
# So the relative error of the score difference is $W / (2\lambda)$. Five per cent at $\lambda = 10$ and $W = 1$ is harmless. But it is *relative to
# the scale of your data*: multiply all pixels by 10, and it is fifty.
#
# ### Any two laws on the line
#
# For a critic that may bend, one can go all the way in one dimension. Let $F$ and $G$ be the cumulative distributions of data and
# samples (this once, $G$ is not the generator), and $m$ the density of the points $u$ where the penalty looks. Integrating by parts, as in notebook 07, $\mathbb{E}_p f - \mathbb{E}_q f = \int f' \,(G - F)\,\mathrm dx$.
# So the objective is
#
# $$\int \Bigl[\, f' (G - F) - \lambda\, m\, (|f'| - 1)^2 \,\Bigr] \mathrm dx ,$$
#
# and nothing connects the slope at one place with the slope at another: maximise for each $x$ separately. That is the
# two-point problem again, with $|G - F|/m$ in place of $W$:
#
# $$|f'(x)| = 1 + \frac{|G(x) - F(x)|}{2\lambda\, m(x)}, \qquad S = W_1 + 2T, \qquad T = \int \frac{(G - F)^2}{4\lambda\, m}\,\mathrm dx .$$
#
# Read $|G(x) - F(x)|$ as *traffic*: the share of mass that has to pass through $x$ on its way. And $m(x)$ as the *width of the road*, how often the penalty
# looks there. The slope is 1, plus a surcharge where much traffic meets a narrow road. $T$ is the total
# **toll**. By the inequality of Cauchy and Schwarz, $W_1^2 = \bigl(\int \frac{|G - F|}{\sqrt m} \sqrt m \,\mathrm dx\bigr)^2 \le \int \frac{(G - F)^2}{m}\,\mathrm dx$, so $T \ge W_1^2 / (4\lambda)$: nothing
# at this distance is *cheaper* than two points.
#
# The package computes this by quadrature (`critics.best_slope`, `critics.toll`) for two Gaussians. For a shift of 1:

# %% tags=["nbval-check-output"]
from gan_tutorial.truth.critics import best_slope, score_difference, toll
from gan_tutorial.truth.densities import Normal

p, q = Normal(0.0, 1.0), Normal(1.0, 1.0)
tolls = {weight: float(toll(p, q, weight)) for weight in (0.1, 1.0, 10.0)}
for weight, T in tolls.items():
    print(f"weight {weight:4}: toll {T:.4f} (at least {1 / (4 * weight):.4f}), "
          f"score difference {1 + 2 * T:.3f}; W1 = 1")

# %% [markdown]
# ### Trained critics
#
# Do networks get there? For three weights and two shifts we train critics (two layers of 32, three seeds each)
# between $\mathcal N(0, 1)$ and $\mathcal N(W, 1)$; and because the question will come up at once, all of it also with the **one-sided**
# penalty, $\max(0, |\nabla D| - 1)^2$, which charges only for slopes above one (WGAN-LP, Petzka et al. 2018). In the formula above nothing changes: the best slope was never
# below one. All 36 networks are trained in one module.

# %%
WEIGHTS, SHIFTS = (0.1, 1.0, 10.0), (1.0, 3.0)
SIDES = ("two-sided", "one-sided")
CASES = [(sided, weight, W) for sided in SIDES for weight in WEIGHTS for W in SHIFTS]
of_one = torch.tensor([sided == "one-sided" for sided, _, _ in CASES]).repeat_interleave(K)
weight_of = torch.tensor([weight for _, weight, _ in CASES]).repeat_interleave(K)
shift_of = torch.tensor([W for _, _, W in CASES]).repeat_interleave(K)
M = len(CASES) * K  # networks


def on_the_line(n):
    """n data, samples and points between for each network.  -> three (n M, 1)"""
    x, fake = torch.randn(n * M, 1), torch.randn(n * M, 1) + shift_of.repeat(n)[:, None]
    return x, fake, torch.lerp(x, fake, torch.rand(n * M, 1))


def excess(D, u):
    """What is charged, before squaring: slope - 1, or its positive part.  -> (n, M)"""
    over = (objectives.gradient_norm(D, u) - 1).view(-1, M)
    return torch.where(of_one, over.relu(), over)


# %%
torch.manual_seed(SEED)
line = nn.Sequential(SideBySide(M, [1, 32, 32, 1], nn.Softplus), nn.Flatten(0))
opt = torch.optim.Adam(line.parameters(), betas=(0.5, 0.9), fused=True)
with profile.plan(steps=profile.pick(smoke=20, cpu=1_500, gpu=1_500), about=8) as plan:
    for step in range(plan.steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - step / plan.steps)
        x, fake, u = on_the_line(64)
        charge = (weight_of * excess(line, u).square()).mean()
        loss = (line(fake) - line(x)).view(-1, M).mean() + charge
        opt.zero_grad()
        loss.backward()
        opt.step()


# %% [markdown]
# For the reading we use evenly spread quantiles in place of random draws: less noise in the means. $S$ is the score difference, $T$ the penalty.


# %%
def evenly(n):
    """As `on_the_line`, but evenly spread, in random order."""
    z = torch.special.ndtri((torch.arange(n) + 0.5) / n)
    x, fake = (z[torch.randperm(n)].repeat_interleave(M)[:, None] for _ in range(2))
    t = (torch.randperm(n).repeat_interleave(M)[:, None] + 0.5) / n
    fake = fake + shift_of.repeat(n)[:, None]
    return x, fake, torch.lerp(x, fake, t)


x, fake, u = evenly(3_000)
with torch.no_grad():
    S = (line(x) - line(fake)).view(-1, M).mean(0)
T = weight_of * excess(line, u).detach().square().mean(0)
S, T = ({case: v[i * K : (i + 1) * K] for i, case in enumerate(CASES)} for v in (S, T))

# %% covers=["9.01"]
print("score difference       weight   W1      formula   three seeds")
predicted = {}
for sided, weight, W in CASES:
    formula = score_difference(Normal(0.0, 1.0), Normal(W, 1.0), weight)
    predicted[sided, weight, W] = float(formula)
    seeds = "".join(f"{v:8.2f}" for v in S[sided, weight, W])
    print(f"{sided:20} {weight:8} {W:6} {float(formula):11.2f}  ", seeds)

# %% [markdown]
# The one-sided numbers agree with the formula to a few per cent, for a factor of a hundred in $\lambda$, and so do the two-sided ones that are positive. (The formula has no free parameter.)
# One-sided and two-sided have the *same* bias, as predicted: the one-sided penalty does not remove it. (To the negative ones we come at once.)
#
# The formula also tells the slope at every $x$. For a shift of 1 and $\lambda = 1$, beside what three networks learned:

# %% tags=["figure"] covers=["9.01"] alt="Learned slopes of three seeds over x against the exact curve, which is a valley with a minimum of about 1.4 between the two Gaussians and rises to both sides; beyond the data the networks rise less"
at = torch.linspace(-2.5, 3.5, 121)
with torch.no_grad():
    learned = line(at.repeat_interleave(M)[:, None]).view(-1, M)
j = CASES.index(("one-sided", 1.0, 1.0)) * K
steepness = (learned.diff(dim=0) / (at[1] - at[0])).abs()[:, j : j + K]
fig, ax = plt.subplots(figsize=(6.4, 3.4))
ax.plot((at[1:] + at[:-1]) / 2, steepness, color=COLORS["D"], linewidth=1.1, alpha=0.8)
ax.plot([], [], color=COLORS["D"], label="learned, three seeds")
ax.plot(at, best_slope(p, q, 1.0)(at).abs(), "--", color=COLORS["truth"], label="formula")
ax.axhline(1, color=COLORS["guide"], linewidth=1, linestyle=":", label="slope one")
ax.set(xlabel="x", ylabel="slope of the critic", ylim=(0.8, 3.2))
ax.legend(fontsize=8, loc="upper center")
plt.show()

# %% [markdown]
# The slope is nowhere one, and it is highest at the outer ends, where the penalty seldom looks. (There the networks seldom look either, and stay below.)
#
# ### Upside down
#
# Look again at the two-sided rows of the table, at $\lambda = 10$. In the run that is stored here some critics have a *negative* score difference. They prefer samples
# to data! They are not broken. They are stuck.
#
# The two-sided penalty does not care about the sign of the slope, so $J(w) = wW - \lambda(|w| - 1)^2$ has *two* hills: one at $w = 1 + W/(2\lambda)$, and a lower one
# at $w = -(1 - W/(2\lambda))$. Between them, at $w = 0$, the penalty costs $\lambda$. A critic that starts on the wrong side would have to cross a valley.
# The one-sided penalty has a plain between $-1$ and 1, and only one hill. The wrong hill is there as long as $W < 2\lambda$.

# %% tags=["figure"] alt="The objective over the slope of a linear critic: two-sided has a high hill on the right and a lower one on the left with a sharp valley at zero, one-sided climbs in a straight line to the right hill"
fig, ax = plt.subplots(figsize=(6.4, 3.4))
w = torch.linspace(-2.2, 2.8, 501, dtype=torch.float64)
ax.plot(w, w - 3 * (w.abs() - 1).square(), color=COLORS["D"], label="two-sided penalty")
one_sided_J = w - 3 * (w.abs() - 1).relu().square()
ax.plot(w, one_sided_J, "--", color=COLORS["G"], label="one-sided penalty")
for top in (1 + 1 / 6, -(1 - 1 / 6)):
    ax.plot(top, top - 3 * (abs(top) - 1) ** 2, "o", color=COLORS["truth"], markersize=5)
ax.set(xlabel="slope w of the critic", ylabel="objective J(w)", ylim=(-4.5, 2))
ax.set_title(r"two points, W = 1, $\lambda$ = 3")
ax.legend(fontsize=8, loc="lower center")
plt.show()
negative = {case: int((S[case] < 0).sum()) for case in CASES}
flipped = {side: sum(n for case, n in negative.items() if case[0] == side) for side in SIDES}
print("critics upside down:", ", ".join(f"{n} of 18 {side}" for side, n in flipped.items()))

# %% [markdown]
# In one dimension a critic cannot turn round without passing through zero. With many dimensions it can, so a critic that prefers samples is rare in practice. But the valley is real, and it is a good
# argument for the one-sided penalty: there the critic's problem is *concave in the critic*, with no wrong summit. (In the critic as a function, that is. In the weights of a network nothing is concave.)
#
# ### More dimensions: congested traffic
#
# Part of the picture survives. For the one-sided penalty Milne and Nachman (2021) proved that the critic solves a problem of *congested transport*: mass flows from samples
# to data, and each place charges for traffic squared over road width. At the best critic the objective is (length of all ways) + (toll $T$), and $S = (\text{length of all ways}) + 2T$.
# The flow avoids jams, so its ways are a bit longer than the shortest ones: their length is $W_1$ or more. Together, for the best one-sided critic:
#
# $$ S \;\ge\; S - T \;\ge\; S - 2T = (\text{length of the congested ways}) \;\ge\; W_1, \qquad S \ge W_1 + \frac{W_1^2}{2 \lambda}.$$
#
# On the line there is only one way, and $S - 2T$ *is* $W_1$. Beyond it $S - 2T$ is the score difference without the toll, and still not quite the distance: it stays above.
#
# What about the two-sided penalty? Its best critics need not fall below $W_1$ either. Look at the exact critic of our ring, $-\min_j |x - c_j|$: its slope is one almost everywhere, so it pays
# *nothing*, under both penalties, and has $S = S - T = W_1$. The best critic can only do better, so $S \ge S - T \ge W_1$ there too. Where a slope below one would be best, fine folds of slope
# one do as well, up and down, for free. But a network has to find them. We train on the ring, where we know the truth: three weights, both penalties, three seeds.

# %%
torch.manual_seed(SEED)
on_ring = {("two-sided", 0.1): critics["8 Gaussians", "penalty"]}
with profile.plan(steps=5 * steps, about=28):
    for sided in SIDES:
        for weight in WEIGHTS:
            if (sided, weight) not in on_ring:
                objective = penalise(weight, sided == "one-sided")
                on_ring[sided, weight] = fit(SETS["8 Gaussians"], objective, steps, lr=2e-3)

# %%
torch.manual_seed(SEED)
ring_S, ring_T = {}, {}
x, fake = pairs(SETS["8 Gaussians"], 6_000)
u = torch.lerp(x, fake, torch.rand(len(x), 1))
names = "weight", "S, three seeds", "S - T         ", "S - 2T"
print(f"W1 = {W1_ring:.2f}      ", (10 * " ").join(names))
for (sided, weight), D in on_ring.items():
    over = (objectives.gradient_norm(D, u).detach() - 1).view(-1, K)
    over = over.relu() if sided == "one-sided" else over
    with torch.no_grad():
        S_now = (D(x) - D(fake)).view(-1, K).mean(0)
    T_now = weight * over.square().mean(0)
    ring_S[sided, weight], ring_T[sided, weight] = S_now, T_now
    columns = (S_now, S_now - T_now, S_now - 2 * T_now)
    shown = "   ".join("".join(f"{v:7.2f}" for v in column) for column in columns)
    print(f"{sided:14} {weight:8}    {shown}")
exact_T = 10 * float((objectives.gradient_norm(nearest, u).detach() - 1).square().mean())
exact_S = float((nearest(x) - nearest(fake)).mean())
print(f"the exact critic        10    S = {exact_S:.2f}, T = {exact_T:.2f}")

# %% [markdown]
# <details><summary>The guess from the beginning</summary>
#
# **More than 4** (answer 3): at this distance no two laws could give less than $0.84 + 0.84^2 / 0.2 = 4.4$, five times the truth. Our trained networks
# are above that in every seed.
# </details>
#
# Three things to see:
#
# - **$S$ is hopeless as a distance when $\lambda$ is small**, and $S - 2T$ repairs it: from more than five times the truth to about the truth.
#   (It may end a bit below, which the best critic's would not: a trained network is not the best one.)
# - With **$\lambda = 1$** slope and toll are moderate: $S$ is less than twice $W_1$.
# - With **$\lambda = 10$** the two penalties differ. The one-sided networks are close to the truth. The two-sided ones end *below* it, even in $S - T$, the very thing that they maximise. The exact critic in the
#   last line does better on the same points, so they have not found the best critic: they are stuck. On its way to a crease a network has slopes below one, for which the two-sided penalty
#   charges and the one-sided does not: small versions of the valley above. A large $\lambda$ is not simply "more exact".
#
# Why, then, did the authors take $\lambda = 0.1$ for toys? A comment in their code says that it makes things faster, and that with enough moves of D it would not be needed. They did not want to
# measure, they wanted to train, and G uses only the *direction* of the gradient.
#
# ### Choosing the weight
#
# At the best critic the excess is $2T$, and relative to $W_1$ that is at least $W_1 / (2\lambda)$. If you want to read distances off a critic, take the one-sided penalty with $\lambda$
# at least five times the distance (then the excess begins at 10 %), train the critic to its end, and subtract $2T$. On the line that leaves $W_1$; beyond it the length of the congested ways, $W_1$ or a bit
# more. Of a critic that is still on its way, none of this is true.

# %% [markdown]
# ## Play: hills and slopes
#
# Two Gaussians again: data $\mathcal N(0, 1)$, samples $\mathcal N(\text{shift}, \text{width}^2)$. On the left, the objective of a critic with a *single* slope $w$, for two-sided, one-sided and
# R1 penalties; a dot marks each one's highest point. (R1 charges $\tfrac{\lambda}{2} w^2$: it wants flat critics. Its best slope is $W/\lambda$.) On the right, how steep the best free critic is over $x$ (drawn where a thousandth of the mass or more has to pass),
# and the two densities. If the widths differ, the critic turns round where $F = G$: nothing has to pass there, the surcharge is gone, and the slope goes from 1 to $-1$ or back. A diamond marks the place.


# %%
from gan_tutorial.truth.divergences import w1


def prices(weight, shift, width):
    """W1, S and T of the best critic between N(0, 1) and N(shift, width^2)."""
    p, q = Normal(0.0, 1.0), Normal(shift, width)
    return float(w1(p, q)), float(score_difference(p, q, weight)), float(toll(p, q, weight))


# %%
W_GRID = torch.linspace(-3, 7, 401, dtype=torch.float64)
X_GRID = torch.linspace(-3.5, 6, 191, dtype=torch.float64)
PENALTIES = {
    "two-sided": (lambda w: (w.abs() - 1).square(), {"color": COLORS["D"], "linewidth": 3}),
    "one-sided": (lambda w: (w.abs() - 1).relu().square(), {"color": COLORS["G"], "ls": "--"}),
    "R1": (lambda w: w.square() / 2, {"color": COLORS["estimate"], "ls": "-."}),
}
BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "fontsize": 8}


def hills_on(ax):
    """The objective over a single slope, for the three penalties.  -> how to redraw it"""
    curves, tops = [], []
    for name, (_, look) in PENALTIES.items():
        curves += ax.plot(W_GRID, 0 * W_GRID, label=name, **look)
        tops += ax.plot([], [], "o", color=look["color"])
    ax.set(xlabel="slope w", ylabel="objective J(w)", title="a critic with one slope")
    ax.set(xlim=(-3, 7), ylim=(-8, 10))
    ax.legend(ncols=3, **BELOW)

    def redraw(weight, shift):
        for curve, top, (charge, _) in zip(curves, tops, PENALTIES.values(), strict=True):
            J = W_GRID * shift - weight * charge(W_GRID)
            curve.set_ydata(J)
            top.set_data([float(W_GRID[J.argmax()])], [float(J.max())])

    return redraw


# %%
def slopes_on(ax):
    """How steep the best free critic is over x, and the two densities.  -> how to redraw it"""
    hills, level = [], 0 * X_GRID
    for role, name, style in (("data", "data", "-"), ("model", "samples", "--")):
        label = f"density of {name} × 2"
        hills += ax.plot(X_GRID, level, style, color=COLORS[role], label=label)
    (steep,) = ax.plot(X_GRID, level, color=COLORS["D"], lw=2.2, label="size of the slope")
    (turn,) = ax.plot([], [], "D", color=COLORS["truth"], label="the critic turns round")
    ax.axhline(1, color=COLORS["guide"], linestyle=":", linewidth=1)
    ax.set(xlabel="x", ylabel="size of the slope; density", xlim=(-3.5, 6), ylim=(0, 9))
    ax.set_title("a critic that may bend")
    ax.legend(ncols=2, **BELOW)

    def redraw(p, q, weight):
        for hill, law in zip(hills, (p, q), strict=True):
            hill.set_ydata(2 * law.log_prob(X_GRID).exp())
        traffic = (p.cdf(X_GRID) - q.cdf(X_GRID)).abs()
        slope = best_slope(p, q, weight)(X_GRID).abs().clamp(min=1)
        there = abs(q.mean) < 3 * abs(1 - q.sd)  # F = G, and where it can be seen
        at = q.mean / (1 - q.sd) if there else torch.inf
        busy = (traffic > 1e-3) | ((X_GRID - at).abs() < 0.2)
        steep.set_ydata(slope.where(busy, torch.nan))
        turn.set_data(([at], [1]) if there else ([], []))

    return redraw


# %% [markdown]
# In the live notebook three sliders set the weight of the penalty, the shift and the width of the samples. To answer by playing:
#
# 1. At a shift of 1 and a width of 1: from which weight on is the score difference within 10 % of $W_1$?
# 2. When does the wrong hill of the two-sided penalty disappear?
# 3. Leave the weight at 1 and set the shift to 2, and make the samples narrow. Where is the slope high, where is it low?

# %% tags=["widget"] covers=["9.01"] alt="Left: objective over the slope of a linear critic for three penalties with their optima; the two-sided one has a second, lower hill on the left. Right: densities of data and samples, and above them how steep the exact critic is: more than one everywhere, least between the two"
from gan_tutorial.lesson.live import explore


def draw(left, right):
    hills, slopes = hills_on(left), slopes_on(right)

    def update(weight, shift, width):
        hills(weight, shift)
        slopes(Normal(0.0, 1.0), Normal(shift, width), weight)
        W, S, T = prices(weight, shift, width)
        return (f"W1 is {W:.3f}; the score difference S is {S:.3f}, {S / W - 1:.1%} too much; "
                f"the toll T is {T:.3f}; S - 2T is {S - 2 * T:.3f}")

    return update


explore(
    draw, panels=2, size=(9.6, 4.1),
    weight=(0.5, 10.0, 1.0, 0.1), shift=(0.5, 3.0, 1.0, 0.1), width=(0.3, 2.0, 1.0, 0.1),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. From about 5.4 on (10.1 % at 5.4, and 9.9 % at 5.5), since the error is $2T$ and $T$ at $\lambda = 1$ was 0.272: a bit more than the rule $\lambda \ge 5 W_1$ of two points.
# 2. When $W \ge 2\lambda$. With a small weight there is only one hill, and no critic is stuck.
# 3. Low at the narrow samples, where every line ends and the penalty looks often; high on the far left, where data come from and the penalty
#    seldom looks. It is above one everywhere but at the diamond, where the critic turns round.
# </details>

# %% [markdown]
# ## Now G moves
#
# So far G stood still. Do better critics make better generators? On the eight Gaussians we let G learn, with five moves of D
# per move of G and three seeds side by side, for three critics, each with step sizes that suit it. We know the truth: $W_1$ between 500 samples and
# 500 data, by the exact assignment (notebook 07). For the narrow box one could expect samples in the middle, on top of its pyramid. Do they stay there?

# %%
from gan_tutorial.game import Game, train
from gan_tutorial.truth.divergences import empirical_w1

GAMES = {
    "clipped, c = 0.01": {"objective": clip(0.01), "d_lr": 5e-4, "g_lr": 5e-4},
    "clipped, c = 0.1": {"objective": clip(0.1), "d_lr": 5e-4, "g_lr": 1e-3},
    "gradient penalty": {"objective": penalise(0.1), "d_lr": 1e-3, "g_lr": 1e-3},
}
GAME_LOOKS = {
    "clipped, c = 0.01": {"color": COLORS["estimate"], "linestyle": "--"},
    "clipped, c = 0.1": {"color": COLORS["model"], "linestyle": "-."},
    "gradient penalty": {"color": COLORS["D"], "linestyle": "-"},
}


def distances(samples, k=K):
    """W1 to fresh data for each of k generators.  (n k, 2) -> (k,)"""
    n = len(samples) // k
    return torch.stack([empirical_w1(ring.sample(n), samples[j::k]) for j in range(k)])


def new_game(d_lr, g_lr):
    torch.manual_seed(SEED)
    G = SideBySide(K, [2, 64, 64, 64, 2])
    D = nn.Sequential(SideBySide(K, [2, 64, 64, 64, 1]), nn.Flatten(0))
    samplers = lambda n: (ring.sample(n),), lambda n: torch.randn(n, 2)
    return Game.with_adam(G, D, *samplers, d_lr=d_lr, g_lr=g_lr, betas=(0.5, 0.9), seed=SEED)


# %%
moves, count = profile.pick(smoke=(10, 100), cpu=(1_000, 500), gpu=(1_000, 500))
path, made = {}, {}
with profile.plan(steps=3 * moves, about=32):
    for name, how in GAMES.items():
        game = new_game(how["d_lr"], how["g_lr"])
        path[name] = []
        training = {"steps": moves, "batch_size": 96 * K, "d_steps": 5}
        for step in train(game, how["objective"], every=max(1, moves // 10), **training):
            samples = game.sample(count * K, batch_size=count * K)
            path[name].append((step.n, distances(samples)))
        made[name] = samples
floor = float(torch.stack([distances(ring.sample(count * K)) for _ in range(4)]).mean())

# %% covers=["9.04"]
on_average = {name: torch.stack([v for _, v in looks]).mean(0) for name, looks in path.items()}
print("exact W1, three seeds      at the end          average over the training")
for name, looks in path.items():
    columns = ("".join(f"{v:7.2f}" for v in row) for row in (looks[-1][1], on_average[name]))
    print(f"{name:22}", *columns, sep="    ")
print(f"floor, data against data: {floor:.2f}")

# %% tags=["figure"] covers=["9.04"] alt="Left: exact W1 over the steps of G for three critics, three seeds each, with the floor; the penalised ones are lowest on average. Right: samples of the first seed of each over the eight data points"
fig, axes = plt.subplots(1, 4, figsize=(11, 3), width_ratios=(1.35, 1, 1, 1))
for name, looks in path.items():
    when, found = zip(*looks, strict=True)
    axes[0].plot(when, torch.stack(found), linewidth=1.2, **GAME_LOOKS[name])
    axes[0].plot([], [], label=name, **GAME_LOOKS[name])
axes[0].axhline(floor, color=COLORS["truth"], linestyle=":", linewidth=1.2)
axes[0].set(xlabel="moves of G", ylabel="exact $W_1$ to data", ylim=(0, 1.5))
axes[0].legend(fontsize=7.5)
for ax, (name, samples) in zip(axes[1:], made.items(), strict=True):
    ax.plot(*samples[::K].T, ".", color=COLORS["model"], markersize=3, alpha=0.6)
    ax.plot(*centres.T, "o", color=COLORS["data"], markersize=5)
    ax.set(aspect="equal", title=name)
    ax.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xticks=(), yticks=())
plt.show()

# %% [markdown]
# The samples do not stay in the middle: D moves too, and a pyramid that has become too full is torn down. So a clipped critic teaches after all, slowly and by detours. With the penalty (green)
# G is near the data soonest: averaged over the training its distance is smaller than with either box. By the end a box may have caught up, in some seeds.
# There may be a better $c$ than ours, and finding it is part of the cost of clipping. (Nobody is done: look at the samples between the blobs.)
#
# ### Does it settle?
#
# A last theoretical question before the pictures. In notebook 04 we met the Dirac-GAN: all data at 0, all samples at $\theta$, a critic $D(x) = \psi x$. The plain Wasserstein game circles there for ever. Its slope is $|\psi|$, so
# the penalty of this notebook is $\lambda(|\psi| - 1)^2$, with a one-sided twin, and R1 is $\tfrac\gamma2 \psi^2$. Which of them brings the samples home? The Wasserstein loss and small alternating steps for all; only the penalty differs.
# Notebook 04 showed $\lambda = \tfrac12$, where the samples run to and fro. What will a stronger penalty do?

# %%
from gan_tutorial.truth import saddle

wgan_d, wgan_g = saddle.dirac(objectives.wasserstein)


def dirac_with(charge):
    """The Wasserstein game on one number each, with a penalty on the slope psi."""
    return lambda psi, theta: wgan_d(psi, theta) + charge(psi).sum(), wgan_g


DIRAC = {
    "two-sided, λ = 1/2": dirac_with(lambda psi: (psi.abs() - 1).square() / 2),
    "two-sided, λ = 1": dirac_with(lambda psi: (psi.abs() - 1).square()),
    "one-sided, λ = 1": dirac_with(lambda psi: (psi.abs() - 1).relu().square()),
    "R1, γ = 1": dirac_with(lambda psi: psi.square() / 2),
}

# %%
starts = torch.tensor([(1.0, 0.0), (0.4, 0.4), (-1.2, 1.0)], dtype=torch.float64)  # theta, psi


def paths(d_loss, g_loss, eta=0.05, steps=600):
    """From all starts at once, G and D move in turn.  -> (starts, steps + 1, 2)"""
    theta, psi = (w.requires_grad_() for w in starts.split(1, dim=1))
    path = [torch.cat([theta, psi], 1)]
    for _ in range(steps):
        (slope,) = torch.autograd.grad(g_loss(psi, theta), theta)
        theta = (theta - eta * slope).detach().requires_grad_()
        (slope,) = torch.autograd.grad(d_loss(psi, theta), psi)
        psi = (psi - eta * slope).detach().requires_grad_()
        path.append(torch.cat([theta, psi], 1))
    return torch.stack(path, 1).detach()


orbits = {name: paths(*losses) for name, losses in DIRAC.items()}

# %% tags=["figure"] alt="Four planes with the paths of three starts. Two-sided with weight one half: all on one wide loop around the centre. Two-sided with weight one: curves that end at plus or minus two on the axis of the samples. One-sided: closed circles. R1: curves into the centre"
fig, axes = plt.subplots(1, 4, figsize=(10.6, 3), sharex=True, sharey=True)
for ax, (name, three) in zip(axes, orbits.items(), strict=True):
    for orbit, color in zip(three, ("data", "G", "estimate"), strict=True):
        ax.plot(*orbit.T, color=COLORS[color], linewidth=1)
        ax.plot(*orbit[0], "o", color=COLORS[color], markersize=5)
        ax.plot(*orbit[-1], "s", color=COLORS[color], markersize=5, markerfacecolor="none")
    ax.plot(0, 0, "+", color=COLORS["truth"], markersize=10)
    ax.set(title=name, xlabel="$\\theta$ (samples)", aspect="equal")
axes[0].set_ylabel("$\\psi$ (slope of D)")
plt.show()
late = {name: three[:, -200:, 0].abs().amax(1).tolist() for name, three in orbits.items()}
print("largest |theta| in the last third, three starts:")
for name, values in late.items():
    print(f"{name:20}", " ".join(f"{v:.3f}" for v in values))

# %% [markdown]
# (Dots are starts, squares are ends, the cross is the goal.) **The penalty of this notebook does not bring the samples home.** Whenever they overshoot the goal, the critic is upside down and should
# turn round; but the wrong hill holds it. It drives the samples *away*, until at $|\theta| = 2\lambda$ the hill has shrunk to nothing. With $\lambda < 1$ the critic then topples over to the other side, and all begins anew. With $\lambda \ge 1$ it
# comes to rest there: the critic is flat, and G is told nothing. The
# one-sided critic has no such hill and circles: within $|\psi| \le 1$ nothing is charged, and it is plain WGAN. Only R1, which asks for a *flat* critic at the data, arrives.
#
# Real critics can turn round through other dimensions, so this is a caricature of the wrong hill. But the statement behind it stands (Mescheder et al. 2018): with a fixed number of moves of D per move of G, neither clipping nor this penalty makes the game settle in general. It is
# one reason why R1 became popular. In practice averaging the weights of G (as all our games do) takes the edge off the circling.

# %% [markdown]
# ## The laboratory: how is D held?
#
# Two moons and a critic with a penalty, five moves of D for each of G, to play with in the live notebook ([notebook 00](00_start_here.ipynb) shows the buttons; the stored page shows it as a picture, after a little training). Watch the chart "slope of D": its dashed line is 1. Guess first, then play:
#
# 1. `bound or weight` is $\lambda = 0.1$. Press Reset and Play: how high does the mean slope rise at first, when data and samples are far apart, and where does it go as they meet? Then the same with $\lambda = 10$.
# 2. `D is held by`: clip, with a bound of 0.1. What becomes of the colours between the moons?
# 3. `D is held by`: nothing. How long does it go well? Then save it with `one-sided penalty`.

# %% tags=["widget"] alt="The laboratory with a gradient penalty: left two moons of data, samples on them and the critic's score as a coloured field, right what both players pay over the steps"
from gan_tutorial.lesson.laboratory import laboratory

after = profile.pick(smoke=5, cpu=300, gpu=300)
laboratory(data="two moons", objective="wgan_gp", still=after)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) With a small $\lambda$ it rises well above 1, and comes down to about 1 as $W_1$ falls: the excess slope, $W / (2\lambda)$ for two points. With $\lambda = 10$ it is near 1 all the time. (2) They fade into one broad slope, as on the maps at the beginning: a clipped critic is too simple for the gap. (3) Not long: D becomes steep, and its samples are thrown about. With a penalty the slope comes back within some hundred steps.
# </details>

# %% [markdown]
# ## At scale: WGAN-GP on FashionMNIST
#
# The hands-on. Two perceptrons, $\lambda = 10$, and a step size of 0.001. The paper moves D five times per move of G. In the short time that we have, one
# move does better, as measured below. What that costs comes up at once.

# %%
from gan_tutorial.clothes import recipes, score
from gan_tutorial.clothes.data import fashion_mnist, to_unit
from gan_tutorial.lesson import figures

torch.set_num_threads(threads)
images = fashion_mnist(profile.device)
use_style(images.notice)
game = recipes.fashion_game(images, recipes.mlp, lr=1e-3, seed=SEED)
torch.manual_seed(SEED)
fixed = game.latent(16)
history, film = [], []
total = profile.pick(smoke=20, cpu=2_400, gpu=10_000)
moments = {max(10, 10 * round(total * part / 10)) for part in (0.02, 0.08, 0.25, 0.5, 1)}


def pictures_now():
    return figures.image_grid(game.ema(fixed), title=f"step {game.step:,}")


# %% [markdown]
# (In the live notebook ■ stops this training without loss: run the cell again, and it goes on where it was.)

# %% covers=["9.03"] alt="Sixteen samples at the end of the training: grainy clothes"
with profile.plan(total, about=25, gpu=30, done=game.step) as plan:
    training = train(game, objectives.wgan_gp, steps=plan.steps, every=10)
    for step in plan.watch(training, show=pictures_now):
        history.append(step)
        if step.n in moments:
            film.append((step.n, game.ema(fixed).cpu()))

# %% tags=["figure"] covers=["9.03"] alt="Sixteen samples from the same latents at several moments: grey blobs at first, then shirts, trousers, shoes and bags"
figures.film_strip([f for _, f in film], [f"{n:,} steps" for n, _ in film]);

# %% covers=["9.03"]
torch.manual_seed(SEED)
many = profile.pick(smoke=500, cpu=5_000, gpu=5_000)
live_ffd = score.ffd(game.sample(many))
real_ffd = score.ffd(images.train_images[:many])
print(f"FFD of {many:,} samples {live_ffd:.1f}; of {many:,} training images {real_ffd:.2f}")
drawn = game.sample(profile.pick(smoke=200, cpu=2_000, gpu=2_000))
shares = zip(images.classes, score.class_histogram(drawn).tolist(), strict=True)
print("share of each class:", ", ".join(f"{name} {v:.0%}" for name, v in shares))

# %% [markdown]
# Clothes, if grainy ones. (FFD is the Fréchet distance in the features of our own classifier, smaller is better; notebook 11 is about such
# numbers. The data have a tenth of each class. Which one does your G draw least?) What did the critic say meanwhile? Step by step, its score difference $S$ and the penalty $T$ that it paid:

# %% tags=["figure"] covers=["9.03"] alt="The score difference over the steps, which starts high, falls and then jitters around a small value; below it the penalty, which stays small"
S_path = torch.stack([step.real_score - step.fake_score for step in history]).cpu()
T_path = torch.stack([step.d_loss for step in history]).cpu() + S_path  # D's loss is T - S
window = max(1, len(S_path) // 40)


def smooth(v):
    return v.unfold(0, window, 1).mean(1)


n = smooth(torch.tensor([float(step.n) for step in history]))
fig, ax = plt.subplots(figsize=(8, 3.2))
ax.plot(n, smooth(S_path), color=COLORS["D"], label="$S$, score difference")
ax.plot(n, smooth(T_path), color=COLORS["estimate"], linestyle="--", label="$T$, penalty")
ax.axhline(0, color=COLORS["truth"], linewidth=1, linestyle=":")
ax.set(xlabel="step", ylabel=f"score, mean of {10 * window} steps", ylim=(-0.5, 3))
ax.legend()
plt.show()

# %% [markdown]
# $S$ falls and ends around a small number. Has the distance almost vanished? Hardly: the pictures are far from perfect. With
# one move per move of G the critic is always late. It judges the generator that *was*. (That is why we do not draw $S - 2T$ here: it tells something about a *best* critic, with a one-sided penalty. This one is neither.)
#
# The test: **freeze G and let the critic go on.** If it was near its best, little will change. We judge it on pictures that neither player has seen.

# %%
from copy import deepcopy

from gan_tutorial.game import move

held_out = to_unit(images.test_images[:2_000])


def judge(D):
    """S of a critic on 2,000 test images and as many samples, and its penalty T between."""
    torch.manual_seed(SEED)
    with torch.no_grad():
        fake = game.G(game.latent(2_000))
        S = float(D(held_out).mean() - D(fake).mean())
    T = float(objectives.gradient_penalty(10.0)(D, held_out, fake).detach())
    return S, T


# %%
torch.manual_seed(SEED)
catching_up = {0: judge(game.D)}
D = deepcopy(game.D)
opt = torch.optim.Adam(D.parameters(), lr=5e-4, betas=(0.0, 0.9), fused=True)
with profile.plan(steps=profile.pick(smoke=10, cpu=600, gpu=2_000), about=6, gpu=5) as plan:
    for step in range(1, plan.steps + 1):
        (x,) = game.data(64)
        with torch.no_grad():
            fake = game.G(game.latent(64))
        charge = objectives.wgan_gp.penalty(D, x, fake)
        move(opt, objectives.wgan_gp.d_loss(D(x), D(fake)) + charge)
        if step in (plan.steps // 10, plan.steps // 3, plan.steps):
            catching_up[step] = judge(D)
for step, (S_now, T_now) in catching_up.items():
    print(f"after {step:5,} more moves of D alone: S = {S_now:5.2f}, T = {T_now:5.2f}")

# %% [markdown]
# It climbs to many times what it said, most of it at once: whatever is wrong with G, a critic finds it in a few dozen moves, if only G waits. So with one move of D per move of G, *do not
# read the critic as a distance*.
#
# Could we ask transport itself? The best assignment of 1,000 samples to 1,000 test images, over pixels: for G, for the average of G's weights (from which we show samples), and as a floor for 1,000 training images.

# %%
torch.manual_seed(SEED)
n = profile.pick(smoke=200, cpu=1_000, gpu=1_000)
picked = to_unit(images.test_images[:n]).cpu()
thousands = {
    "samples of G": game.sample(n, ema=False),
    "samples of the averaged G": game.sample(n),
    "other real pictures": game.data(n)[0],
}
assigned = {name: float(empirical_w1(v.cpu(), picked)) for name, v in thousands.items()}
for name, value in assigned.items():
    print(f"{name:26} {value:6.2f} from {n:,} test images")

# %% [markdown]
# No help either. Real pictures come out far from other real pictures, although their true distance is 0. In 784
# dimensions a thousand pictures are so sparse that the plan mostly measures how far typical pictures are from one another, and the averaged G's are a bit smoother
# than real ones, which can even bring them *nearer* than real ones. Neither number is wrong; the distance in pixels, from samples, is just not what we care about. What makes WGANs work is hardly that their critics
# compute $W_1$ (they do not; see Stanczuk et al. below), but that a critic with a bounded slope always has a useful gradient.
#
# ### Clip, penalty, R1, nothing: side by side
#
# One training says little about methods. The following was recorded beforehand, with three seeds each: the same networks, step size (0.001), batch and seeds, and five ways to hold
# D, among them not to hold it at all. In a sixth row D has the paper's five moves. The box is the wider one of notebook 07. Mind what differs: R1 and "no penalty" play the *non-saturating* game, the others the *Wasserstein* game,
# as these methods come. And no strength was searched for.
#
# Guess first: which will be ahead?

# %%
from time import perf_counter

from gan_tutorial.clothes import recordings

recording = recordings.load("08_critics")
print(recording.about)

# %% [markdown]
# Equal steps is one question, equal *time* another: a penalty costs. So we measure here what a step of each costs on your machine, and read
# the recording at equal seconds too.

# %%
HOLD = {
    "clip": clip(0.03),
    "two-sided": objectives.wgan_gp,
    "one-sided": objectives.wgan_lp,
    "R1": replace(objectives.non_saturating, penalty=objectives.r1_penalty(0.1)),
    "no penalty": objectives.non_saturating,
    "two-sided, 5 moves of D": objectives.wgan_gp,
}


tries = profile.pick(smoke=2, cpu=15, gpu=15)


def cost_of(name):
    """Milliseconds per step, the fastest of several."""
    trial = recipes.fashion_game(images, recipes.mlp, lr=1e-3, seed=SEED)
    d_steps, times, start = recording.settings[name]["d_steps"], [], perf_counter()
    for _ in train(trial, HOLD[name], steps=tries, d_steps=d_steps):
        times.append(perf_counter() - start)
        start = perf_counter()
    return 1e3 * min(times)


per_step = {name: cost_of(name) for name in HOLD}

# %% covers=["9.03", "9.04"]
final = {name: recording.ffd(name)[:, -1] for name in HOLD}
budget = per_step["clip"] * recording.settings["clip"]["steps"]
at_equal_time = {}
print(" " * 25, "ms/step    steps   FFD, three seeds          "
      f"FFD after {budget / 1e3:.0f} s of this machine")
for name in HOLD:
    time = per_step[name] * recording.steps(name)
    reached = [np.interp(budget, time, row) for row in recording.ffd(name)]
    at_equal_time[name] = np.array(reached)
    columns = ("".join(f"{v:8.1f}" for v in ffd) for ffd in (final[name], at_equal_time[name]))
    n = recording.settings[name]["steps"]
    print(f"{name:24} {per_step[name]:8.1f} {n:8,}   ", *columns, sep="  ")

# %% tags=["figure"] covers=["9.03", "9.04"] alt="FFD over seconds for six ways to hold the critic, mean and range of three seeds. All fall; clipping flattens out first, the two penalties lie on each other, R1 and no penalty are lowest"
STYLES = {
    "clip": {"color": COLORS["model"], "linestyle": "-."},
    "two-sided": {"color": COLORS["D"], "linestyle": "-"},
    "one-sided": {"color": COLORS["G"], "linestyle": "--"},
    "R1": {"color": COLORS["estimate"], "linestyle": "-"},
    "no penalty": {"color": COLORS["guide"], "linestyle": ":"},
    "two-sided, 5 moves of D": {"color": COLORS["second"], "linestyle": "--"},
}
fig, ax = plt.subplots(figsize=(8, 3.6))
for name, look in STYLES.items():
    values, n = recording.ffd(name), recording.steps(name) * per_step[name] / 1e3
    ax.plot(n, values.mean(0), label=name, marker="o", markersize=3, **look)
    band = {"color": look["color"], "alpha": 0.12, "linewidth": 0}
    ax.fill_between(n, values.min(0), values.max(0), **band)
ax.set(xlabel="seconds on this machine", yscale="log")
ax.set_ylabel("FFD (mean and range of three seeds)")
ax.set_yticks((10, 15, 20, 30), ("10", "15", "20", "30"))
ax.minorticks_off()
ax.legend(fontsize=8, ncols=2)
plt.show()

# %% tags=["figure"] covers=["9.03"] alt="Five panels of thirty samples each: clip, two-sided penalty, one-sided penalty, R1 and no penalty"
fig, axes = plt.subplots(1, 5, figsize=(10.4, 2.7))
for ax, name in zip(axes, ("clip", "two-sided", "one-sided", "R1", "no penalty"), strict=True):
    figures.image_grid(recording.samples(name)[:30], ax, columns=5, title=name)

# %% [markdown]
# What may be read off, row against row of the *same* game:
#
# - **Clipping stalls**, with this box: it ends near 21, where the penalised critics of the Wasserstein game end near 14. That fits what we saw in the plane and over depth.
# - **One-sided or two-sided** makes no difference that three seeds could show. On the line it did, for critics that could turn upside down.
# - **Five moves of D** help per step (17 after 1,800 steps, where one move is near 21) and hurt per second: each step takes several times as long.
# - **No penalty is not worse than R1**, both with the non-saturating loss: near 10 and near 11, and without the penalty a step costs less.
#
# And what may not: R1 and "no penalty" end lower than all others, but they differ from them in *two* things, the loss and the hold. Which of the two was it? This recording cannot say.
#
# ### The loss or the hold?
#
# To tell, each loss has to meet each hold, and each hold needs a strength that suits it, found by the *same* small search. On clothes that is a long search; on the ring it fits into one module. Two losses, three holds, three
# strengths a factor of three to ten apart, two seeds: 36 games side by side, with five moves of D and one step size for all. The best strength of each pair of loss and hold then
# plays again with four *new* seeds (a winner of a search was also lucky), and so does each loss with nothing to hold D.

# %%
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

LOSSES = {"Wasserstein": objectives.wasserstein, "non-saturating": objectives.non_saturating}
judged = profile.pick(smoke=30, cpu=300, gpu=300)  # samples of each game at a look
PENALISED = ("two-sided", "R1")
STRENGTHS = {"clip": (0.03, 0.1, 0.3)} | dict.fromkeys(PENALISED, (0.1, 1.0, 10.0))


# %%
def compete(entries, seeds, steps, n=32):
    """Play the ring with each entry.  -> W1, mean of three late looks, (entries, seeds)"""
    N = len(entries) * seeds

    def each(value):
        """One number for each of the N games."""
        return torch.tensor([value(*entry) for entry in entries]).repeat_interleave(seeds)

    is_wasserstein = each(lambda loss, hold, strength: loss == "Wasserstein")
    between = each(lambda loss, hold, strength: hold == "two-sided")
    weight = each(lambda loss, hold, strength: strength if hold in PENALISED else 0.0)
    box = each(lambda loss, hold, strength: strength if hold == "clip" else torch.inf)
    into_box = objectives.clip_weights(box[:, None, None])
    G, D = SideBySide(N, [2, 64, 64, 2]), SideBySide(N, [2, 64, 64, 1])
    D = nn.Sequential(D, nn.Flatten(0))
    averaged = AveragedModel(G, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    adam = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.9), fused=True)
    g_opt, d_opt = adam(G.parameters()), adam(D.parameters())

    def pays(curve, score):
        """What each game's own loss makes of its scores.  (n N,) -> (N,)"""
        of_both = (getattr(loss, curve)(score).view(-1, N).mean(0) for loss in LOSSES.values())
        return torch.where(is_wasserstein, *of_both)

    found = []
    for step in range(1, steps + 1):
        for _ in range(5):
            x, fake = ring.sample(n * N), G(torch.randn(n * N, 2)).detach()
            t = (torch.rand(n, N) * between).view(-1, 1)  # R1 looks at the data
            slope = objectives.gradient_norm(D, torch.lerp(x, fake, t)).view(-1, N)
            charge = torch.where(between, (slope - 1).square(), slope.square() / 2).mean(0)
            loss = pays("d_real", D(x)) + pays("d_fake", D(fake)) + weight * charge
            move(d_opt, loss.sum())
            into_box(D)
        move(g_opt, pays("g_fake", D(G(torch.randn(n * N, 2)))).sum())
        averaged.update_parameters(G)
        if step in (steps // 2, 3 * steps // 4, steps):
            with torch.no_grad():
                found.append(distances(averaged(torch.randn(judged * N, 2)), N))
    return torch.stack(found).mean(0).view(-1, seeds)


# %% covers=["9.04"]
torch.manual_seed(SEED)
torch.set_num_threads(1)
pairs_of = [(loss, hold) for loss in LOSSES for hold in STRENGTHS]
entries = [(*pair, strength) for pair in pairs_of for strength in STRENGTHS[pair[1]]]
with profile.plan(steps=2 * profile.pick(smoke=4, cpu=300, gpu=300), about=35) as plan:
    found = compete(entries, 2, plan.steps // 2).mean(1)
    searched = dict(zip(entries, found.tolist(), strict=True))
    of_pair = {pair: [e for e in entries if e[:2] == pair] for pair in pairs_of}
    chosen = [min(rivals, key=searched.get) for rivals in of_pair.values()]
    chosen += [(loss, "nothing", 0.0) for loss in LOSSES]
    again = dict(zip(chosen, compete(chosen, 4, plan.steps // 2), strict=True))
torch.set_num_threads(threads)

# %%
print("exact W1       hold          searched: three strengths", end="     ")
print("strength   four new seeds             mean")
for loss, hold, strength in sorted(again):
    tried = "".join(f"{searched[loss, hold, s]:7.2f}" for s in STRENGTHS.get(hold, ()))
    values = again[loss, hold, strength]
    seeds = "".join(f"{v:6.2f}" for v in values)
    print(f"{loss:14} {hold:10} {tried:24} {strength:12}      {seeds} {values.mean():9.2f}")

# %% [markdown]
# What is left of the question?
#
# - **The loss makes next to no difference** once D is held by a penalty of a suitable strength: with R1 as with the two-sided penalty, the two losses end less than a tenth apart.
# - **The strength matters more than the kind.** Of the six pairs of loss and hold, each with its best strength, the farthest is less than twice as far from the data as the nearest. A two-sided penalty with the customary weight of 10, too
#   strong for this ring, costs more than that, with either loss.
# - In the stored run R1 is a bit ahead of the two-sided penalty, with *either* loss, and the Wasserstein game with nothing to hold D is behind all others: that loss needs a bound on the slope, the other can do without.
#
# So on the ring the lead of R1 is not the lead of its loss. On clothes nobody has told the two apart here.
#
# How far does all this carry? Not far, and it is fair to say why:
#
# - On clothes it is *one* pair of small networks, and a generator with batch norm, on pictures of 28 × 28. There an unheld D did not get into trouble within 6,000 steps. What WGAN-GP promised, and showed at the time, was to train networks on which other GANs
#   *fail*: deep ones, without normalisation, with odd activations. Ours did not fail, so there was nothing to rescue.
# - The step size is the same for all, which is not the same as fair: each might do better with one of its own.
# - All curves of the recording but the clipped one are still falling. Whether "no penalty" stays ahead in a training ten times as long, it cannot say.
# - FFD is one number, from our own classifier.
#
# Large comparisons with equal budgets came to a similar end (Lucic et al. 2018, Kurach et al. 2019): no loss wins everywhere.

# %% [markdown]
# ## Exercises
#
# Replace `raise NotImplementedError` by your answer and run the check. It never stops the notebook.
# Stuck? `hint("8.1")` in a new cell gives one hint at a time.

# %%
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401

# %% [markdown]
# ### 8.1 The one-sided penalty
#
# Write the penalty that charges only for slopes above one, $\lambda\,\mathbb{E} \max(0, |\nabla D(u)| - 1)^2$. The numbers $t$ are given, one per example;
# examples may be points or pictures. D has to be able to learn from it.


# %% tags=["exercise"]
def one_sided(D, x, fake, t, weight):
    """weight * mean of max(0, |grad D| - 1)^2 at x + t (fake - x).  2 (n, *), (n,) -> ()"""
    # solution
    t = t.view(-1, *[1] * (x.dim() - 1))
    u = (x + t * (fake - x)).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(D(u).sum(), u, create_graph=True)
    return weight * torch.relu(gradient.flatten(1).norm(dim=1) - 1).square().mean()


# %%
one_sided = check("8.1", one_sided)

# %% [markdown]
# Try it where the two-sided penalty was stuck: a linear critic that starts upside down, slope $-1$, between two points at a distance of 1, $\lambda = 10$. The right answer is $1.05$.

# %% tags=["nbval-check-output"]
def tilted(slope):
    """The critic of the line with that slope."""
    return lambda u: slope * u.flatten()


ends = {}
half = torch.full((8,), 0.5, dtype=torch.float64)  # t
charges = {
    "two-sided": objectives.gradient_penalty(10.0),
    "one-sided": lambda D, x, fake: one_sided(D, x, fake, half, 10.0),
}
for name, charge in charges.items():
    slope = torch.tensor(-1.0, dtype=torch.float64, requires_grad=True)
    opt = torch.optim.SGD([slope], lr=0.02)
    x, fake = torch.ones(8, 1, dtype=torch.float64), torch.zeros(8, 1, dtype=torch.float64)
    D = tilted(slope)
    for _ in range(400):
        opt.zero_grad()
        (D(fake).mean() - D(x).mean() + charge(D, x, fake)).backward()
        opt.step()
    ends[name] = float(slope.detach())
    print(f"{name}: started at -1, ended at {ends[name]:+.3f}")

# %% [markdown]
# ### 8.2 Without the toll
#
# You have the scores that the best critic of two laws on the line gives to data and to samples, and its slopes at the points between. Estimate $W_1$: the score difference, freed from what the
# two-sided penalty adds to it. (Start from the table of "Two points, or a straight line": what is $W$ in terms of $S$ and the penalty $T$?)


# %% tags=["exercise"]
def without_toll(real_score, fake_score, slopes, weight):
    """An estimate of W1 from a critic with the gradient penalty.  (n,), (n,), (m,) -> ()"""
    # solution
    T = weight * (slopes - 1).square().mean()
    return real_score.mean() - fake_score.mean() - 2 * T


# %%
without_toll = check("8.2", without_toll)

# %% [markdown] tags=["solution"]
# *The derivation.* At the best critic of two points $S = W + W^2/(2\lambda)$ and $T = W^2 / (4\lambda)$, so $W = S - 2T$. On the line the same holds
# for any two laws; beyond it what is left is the length of congested ways, at least $W_1$. For two points there is a second way: the mean slope is $1 + W_1/(2\lambda)$, so $2\lambda\,(\text{mean slope} - 1)$ is an estimate as well.

# %% [markdown]
# Use it on the critics of the line, whose true distances were 1 and 3, among them those with the hundredfold range of weights. (Here for the one-sided networks: their slopes are above one anyway.)

# %%
torch.manual_seed(SEED)
x, fake, u = evenly(3_000)
with torch.no_grad():
    real_score, fake_score = line(x).view(-1, M), line(fake).view(-1, M)
slopes = objectives.gradient_norm(line, u).detach().view(-1, M)
parts, corrected = (real_score, fake_score, slopes.clamp(min=1)), {}
for i, case in enumerate(CASES):
    if case[0] == "one-sided":
        three = zip(*(v.T[i * K : (i + 1) * K] for v in parts), strict=True)
        corrected[case] = [float(without_toll(*critic, case[1])) for critic in three]
        before = "".join(f"{v:7.2f}" for v in S[case])
        after = "".join(f"{v:6.2f}" for v in corrected[case])
        print(f"W1 = {case[2]}, weight {case[1]:4}: S {before}    corrected {after}")

# %% [markdown]
# From 49 back to about 3. The correction is the small difference of two large numbers, so at the smallest weight it is noisy: prefer a weight with which there
# is little to correct.
#
# ### 8.3 Who feels whom?
#
# Batch norm spoils the penalty, and other layers may too. Build a detector: for a D and a batch, the table $J_{ij}$ of how much
# the score of example $i$ changes when example $j$ moves, as the length of a gradient.


# %% tags=["exercise"]
def influence(D, x):
    """J[i, j] = |gradient of the score of example i by example j|.  (n, *shape) -> (n, n)"""
    # solution
    x = x.detach().requires_grad_()
    rows = [torch.autograd.grad(score, x, retain_graph=True)[0] for score in D(x)]
    return torch.stack([row.flatten(1).norm(dim=1) for row in rows])


# %%
influence = check("8.3", influence)

# %% tags=["figure"] alt="Four eight by eight tables of influence: without norm and with layer norm only the diagonal is dark; with batch norm other cells are grey as well; batch norm in eval mode is diagonal again"
torch.manual_seed(SEED)
u = torch.randn(8, 2, dtype=torch.float64)
tables = {}
for name, norm in NORMS.items():
    D = small(norm())
    tables[name] = influence(D, u)
D.eval()
tables["batch norm, eval mode"] = influence(D, u)
fig, axes = plt.subplots(1, 4, figsize=(9.6, 2.8))
elsewhere = {}
for ax, (name, J) in zip(axes, tables.items(), strict=True):
    J = J.detach()
    ax.imshow(J / J.max(), cmap=GREENS, vmin=0, vmax=0.5)
    elsewhere[name] = float((J - J.diag().diag()).sum() / J.sum())
    ax.set(title=name, xticks=(), yticks=(), xlabel="example that moves")
    ax.grid(False)
axes[0].set_ylabel("score that changes")
plt.show()
for name, share in elsewhere.items():
    print(f"{name:22} share of the influence that is not its own: {share:.0%}")

# %% [markdown]
# *An open question, without a check.* The penalty looks at lines between data and samples. DRAGAN looks around the *data*, R1 only *at* the data. Design a place of your own, put
# it into a `Penalty` (a function of `D, x, fake`), train a critic on the ring with `fit`, and look at its surface. What does the critic do where you
# do not look?

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, and what we measured. First what is exact.

# %%
from gan_tutorial.lesson.facts import Ledger

ledger = Ledger("08")
add = ledger.add
trained, as_shown = partial(add, needs_training=True), partial(add, shown_only=True)
add("F-W4", "slope of the exact critic along the plan, largest error", 0, slope_error, 1e-5,
    "Gulrajani et al. 2017, prop. 1")
add("F-W4", "slope of the exact critic along random pairs, mean", (-0.5, 0.95),
    float(anyhow.mean()), 0, "at most 1")
add("F-W4", "the plan's cost = what the critic earns", primal, dual, 1e-8, "duality")
for (weight, W), (slope, gap, objective) in linear.items():
    add("F-W7", f"slope, weight {weight}, W = {W}", 1 + W / (2 * weight), slope, 2e-3,
        "1 + W/(2 weight)")
    add("F-W7", f"score difference, weight {weight}, W = {W}", W + W**2 / (2 * weight), gap,
        6e-3, "W + W^2/(2 weight)")
    add("F-W7", f"objective, weight {weight}, W = {W}", W + W**2 / (4 * weight), objective,
        1e-5, "W + W^2/(4 weight)")
for weight, T in tolls.items():
    add("toll", f"N(0,1), N(1,1), weight {weight}: at least W1^2/(4 weight)",
        (1 / (4 * weight), 1e3), T, 0, "Cauchy and Schwarz")
half_way = best_slope(p, q, 1.0)(torch.tensor(0.5)).abs()
add("F-W7", "lowest slope, shift 1, weight 1", 1.4042, half_way, 1e-3,
    "1 + |G - F|/(2 weight m) at 0.5")
add("F-W7", "the exact critic of the ring: two-sided penalty, weight 10", 0, exact_T, 1e-3,
    "its slope is one")
add("F-W7", "the exact critic of the ring: S", W1_ring, exact_S, 0.06, "it reaches W1")

# %%
add("F-W8", "penalty of no slope", 10, flat, 1e-9, "the weight")
add("F-W8", "penalty of slope one", 0, unit, 1e-9, "Gulrajani et al. 2017, eq. 3")
add("F-W8", "one t per picture", 1, one_t, 0, "Gulrajani et al. 2017, algorithm 1")
add("F-W8", "variance of t", 1 / 12, var_t, 1e-3, "uniform")
add("F-W8", "second backward, against finite differences", 0, second_error, 1e-5, "float64")
add("F-W8", "batch norm: the slope of example 0 moves", (1e-6, 1e3), leak["batch norm"], 0,
    "batch statistics")
add("F-W8", "layer norm: it does not", 0, leak["layer norm"], 1e-9, "one example at a time")
add("9.02", "one t per pair: distance from the line", 0, off_line["one per pair"], 1e-5,
    "x + t (y - x)")
for name, sd in exact_sd.items():
    add("F-W9", f"sd of a coordinate, {name}", 1.0002, sd, 2e-4, "gan_toy.py, scaled")
add("F-W9", "sd of a coordinate, Swiss roll, the larger", (0.85, 0.97), float(sd_roll.max()),
    0, "gan_toy.py: 'stdev plus a little'")
add("8.1", "two-sided, started upside down", -0.95, ends["two-sided"], 1e-3,
    "-(1 - W/(2 weight))")
add("8.1", "one-sided, started upside down", 1.05, ends["one-sided"], 1e-3, "1 + W/(2 weight)")
for name, low, high in zip(DIRAC, (1.0, 1.9, 0.3, 0), (10, 2.1, 10, 0.02), strict=True):
    for i, value in enumerate(late[name]):
        add("F-X5", f"{name}, start {i + 1}: |theta| at the end", (low, high), value, 0,
            "Mescheder et al. 2018")
ledger.assert_all(profile)

# %% [markdown]
# Then what needed training.

# %%
for name in SETS:
    better = min(cosine[name, "penalty"]) - max(cosine[name, "clip"])
    trained("9.04", f"{name}: cosine, worst penalised - best clipped", (0, 1), better, 0,
            "three seeds")
lead = {}
for name in SETS:
    lead[name] = np.mean(cosine[name, "penalty"]) - np.mean(cosine[name, "clip"])
most_on_ring = lead["8 Gaussians"] - max(lead[name] for name in rest)
trained("9.04", "cosine: penalised - clipped, on the ring and at most elsewhere", (0, 1),
        most_on_ring, 0, "three seeds each")
trained("9.04", "ring, clipped: blobs above the middle, most", (0, 2), max(higher["clip"]), 0,
        "three seeds")
trained("9.04", "ring, penalised: blobs above all around, least", 8, min(summits["penalty"]),
        1, "three seeds")
trained("9.04", "ring, penalised: blobs above the middle, least", 8, min(higher["penalty"]), 0,
        "three seeds")
trained("8.10", "clipped weights that get a gradient: share at the edge, least", (0.75, 1),
        min(edge_of_heard), 0, "three seeds")
unheard = (1 - heard.float().mean(1)).tolist()
trained("8.10", "clipped weights without a gradient: share, least", (0.2, 0.95), min(unheard),
        0, "three seeds")
trained("8.10", "powers of ten over depth, c = 0.1, least", (3, 11 * np.log10(0.1 * 64) + 1),
        powers[0.1].min(), 0, "up to c n/2")
add("8.10", "powers of ten over depth, c = 0.1, before training", 11 * np.log10(6**-0.5),
    began[0.1].mean(), 1, "weights up to 1/sqrt(n)")
for c in (0.01, 0.001):
    mixed, both = 11 * np.log10(c * 64**0.5), torch.cat([began[c], powers[c]])
    trained("8.10", f"powers of ten over depth, c = {c}, before and after, farthest off",
            mixed, both[(both - mixed).abs().argmax()], 2, "c sqrt(n/2)")
trained("8.10", "powers of ten over depth, penalty, largest", (-3, 3),
        powers["penalty"].abs().max(), 0, "three seeds")
for case in CASES:
    if case[0] == "one-sided":
        trained("F-W7", f"trained, one-sided, weight {case[1]}, W1 = {case[2]}: S",
                predicted[case], S[case].mean(), 0.06 * predicted[case], "the formula")
freed = float(np.mean(corrected["one-sided", 0.1, 3.0]))
trained("8.2", "one-sided, weight 0.1, W1 = 3.0: S - 2T", 3, freed, 1.5, "mean of three seeds")
trained("F-W7", "critics upside down, one-sided", 0, flipped["one-sided"], 0, "of 18")
as_shown("F-W7", "critics upside down, two-sided", (1, 18), flipped["two-sided"], 0, "of 18")
off = {case: (S[case] / predicted[case] - 1)[S[case] > 0].abs() for case in CASES}
upright = max(float(v.max()) for case, v in off.items() if case[0] == "two-sided" and len(v))
trained("F-W7", "trained, two-sided, S > 0: largest error of S, relative", 0, upright, 0.15,
        "the formula")
outer = float((steepness[0] - best_slope(p, q, 1.0)(at[:1]).abs()).max())
as_shown("F-W7", "slope at the left end, steepest network - formula", (-3, 0), outer, 0,
         "three seeds")

# %%
ratio = spread["one per batch"] / spread["one per pair"]
trained("9.02", "noise of the penalty: one t per batch / one per pair", (1.2, 10), ratio, 0,
        "400 batches")
trained("F-W7", "ring, weight 0.1: S, smallest of three", (W1_ring + W1_ring**2 / 0.2, 9),
        ring_S["two-sided", 0.1].min(), 0, "at least W1 + W1^2/(2 weight)")
for weight in WEIGHTS:
    value = (ring_S["one-sided", weight] - 2 * ring_T["one-sided", weight]).mean()
    trained("F-W7", f"ring, one-sided, weight {weight}: S - 2T", W1_ring, value,
            0.35 if weight < 1 else 0.15, "three seeds")
moderate = max(float(ring_S[sided, 1.0].max()) for sided in SIDES) / W1_ring
trained("F-W7", "ring, weight 1: S / W1, largest", (1, 2), moderate, 0, "three seeds each")
trained("F-W7", "ring, two-sided, weight 10: S - T, largest", (0, exact_S),
        (ring_S["two-sided", 10.0] - ring_T["two-sided", 10.0]).max(), 0,
        "below the exact critic's")
averages = {name: float(v.mean()) for name, v in on_average.items()}
better_box = min(v for name, v in averages.items() if "clipped" in name)
ratio = better_box / averages["gradient penalty"]
trained("9.04", "W1 during training: better box / penalty", (1.2, 10), ratio, 0,
        "average over time and three seeds")
box_end = path["clipped, c = 0.01"][-1][1]
trained("9.04", "W1 at the end, c = 0.01, mean; all in the middle: 1.41", (0, 1.2),
        box_end.mean(), 0, "three seeds")
trained("9.04", "W1 at the end, penalty, worst", (0, 0.45),
        path["gradient penalty"][-1][1].max(), 0, "three seeds")

# %%
ends = {name: values.mean() for name, values in final.items()}
add("9.04", "recorded FFD: clipped", 21, ends["clip"], 0.5, "mean of three seeds")
for name in ("two-sided", "one-sided"):
    add("9.04", f"recorded FFD: {name}", 14, ends[name], 0.5, "mean of three seeds")
add("9.04", "recorded FFD: best clipped - worst two-sided", (3, 12),
    final["clip"].min() - final["two-sided"].max(), 0, "three seeds each")
one_less_two = (ends["one-sided"] - ends["two-sided"]) / np.ptp(final["one-sided"])
add("9.04", "recorded FFD: one-sided - two-sided / their range", (-1, 1), one_less_two, 0,
    "three seeds each")
add("9.04", "recorded FFD: R1", 11, ends["R1"], 0.5, "mean of three seeds")
add("9.04", "recorded FFD: no penalty", 10, ends["no penalty"], 0.5, "mean of three seeds")
worst_other = max(final["R1"].max(), final["no penalty"].max())
add("9.04", "recorded FFD: best two-sided - worst R1 or without penalty", (1, 8),
    final["two-sided"].min() - worst_other, 0, "three seeds each")
add("9.04", "recorded FFD: five moves of D, after 1,800 steps", 17,
    ends["two-sided, 5 moves of D"], 0.5, "mean of three seeds")
at_1800 = recording.ffd("two-sided")[:, recording.steps("two-sided") == 1_800].mean()
add("9.04", "recorded FFD: one move of D, after 1,800 steps", 21, at_1800, 0.5,
    "mean of three seeds")
earlier = {name: recording.ffd(name).mean(0)[-3] for name in HOLD if name != "clip"}
late_gain = min(float(ffd / ends[name] - 1) for name, ffd in earlier.items())
add("9.04", "recorded FFD: fall over the last two looks, least, all but clip", (0.05, 1),
    late_gain, 0, "means of three seeds")
runs = [run for name in HOLD for run in recording.settings[name]["runs"]]
add("9.04", "trainings of the recording that diverged", 0,
    sum(run["diverged"] for run in runs), 0, "six settings, three seeds")
as_shown("9.03", "milliseconds per step: five moves of D / one", (1.5, 8),
         per_step["two-sided, 5 moves of D"] / per_step["two-sided"], 0, "this machine")
as_shown("9.03", "milliseconds per step: no penalty / R1", (0.2, 1),
         per_step["no penalty"] / per_step["R1"], 0, "this machine")
slow = at_equal_time["two-sided, 5 moves of D"].min() - at_equal_time["two-sided"].max()
as_shown("9.03", "recorded FFD at equal seconds: five moves of D - one", (0, 20), slow, 0,
         "best and worst of three seeds")

# %%
held = {entry[:2]: float(values.mean()) for entry, values in again.items()}
unheld = {loss: held.pop((loss, "nothing")) for loss in LOSSES}
first, second = LOSSES
other_loss = max(abs(held[first, hold] - held[second, hold]) for hold in PENALISED)
trained("9.04", "ring, same hold, other loss: W1 apart, largest", (0, 0.1), other_loss, 0,
        "four seeds each")
trained("9.04", "ring, loss and hold: farthest / nearest", (1, 2),
        max(held.values()) / min(held.values()), 0, "four seeds each")
best_strength = {e[0]: searched[e] for e in chosen if e[1] == "two-sided"}
too_strong = min(searched[loss, "two-sided", 10.0] / best_strength[loss] for loss in LOSSES)
trained("9.04", "ring, two-sided: weight 10 / best weight, lesser of two losses",
        (max(held.values()) / min(held.values()), 9), too_strong, 0, "two seeds each")
r1_lead = min(held[loss, "two-sided"] - held[loss, "R1"] for loss in LOSSES)
as_shown("9.04", "ring: two-sided - R1, lesser of two losses", (0, 1), r1_lead, 0,
         "four seeds each")
behind = unheld["Wasserstein"] - max(*held.values(), unheld["non-saturating"])
as_shown("9.04", "ring: Wasserstein with nothing - worst of the others", (0, 3), behind, 0,
         "four seeds each")
trained("9.03", "FFD of the live training", (0, 60), live_ffd, 0, "one seed")
S_smooth = smooth(S_path)
as_shown("9.03", "live training: S at the end / highest", (-0.2, 0.5),
         S_smooth[-1] / S_smooth.max(), 0, "one seed")
grown = [catching_up[n][0] - catching_up[0][0] for n in sorted(catching_up)]
trained("9.03", "the frozen critic's S grows by", (2, 20), grown[-1], 0, "one seed")
trained("9.03", "of this, after the first tenth of the moves", (0.5, 1.2),
        grown[1] / grown[-1], 0, "one seed")
as_shown("9.03", "S of the frozen critic, at the end / before", (3, 1e3),
         abs(catching_up[max(catching_up)][0] / catching_up[0][0]), 0, "one seed")
add("9.03", "transport over pixels, real pictures to real pictures", (1, 30),
    assigned["other real pictures"], 0, "1,000 each; true distance 0")
smoother = assigned["samples of the averaged G"] - assigned["other real pictures"]
as_shown("9.03", "transport over pixels: averaged G - real pictures", (-5, 0), smoother, 0,
         "1,000 each")
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - Clipping bounds the slope by bounding weights, and gets simple functions, weights at the edge, and gradients that grow or fade by a constant factor per layer.
# - The best critic falls with slope one along the lines of the optimal plan, and tells each sample the way to its datum. The penalty asks for slope one on *random* lines: a
#   heuristic.
# - One $t$ per pair; norm over all entries of an example; no batch norm in the critic; mind the root at zero.
# - A penalty is not a constraint: the best critic exceeds slope one. On the line its score difference is $W_1$ plus twice the toll; beyond it, for the one-sided penalty, the length of the congested ways plus twice the toll. That
#   is at least $W_1 + W_1^2/(2\lambda)$. Subtract $2T$, of a critic that is trained to its end.
# - On the line the two-sided penalty has a wrong hill, the one-sided one has not, and their bias is the same. In the plane, with a large weight, two-sided networks get stuck below $W_1$, where the best critic is not.
# - In the smallest of games the penalty does not make the players settle; R1 does. And a critic that is always late measures nothing.
#
# ## In practice
#
# - *R1* (a penalty on the slope at the data, with the non-saturating loss) is what StyleGAN and its successors use. It is cheaper to think about: one place, one weight.
# - *Lazy regularisation*: StyleGAN2 applies the penalty in every sixteenth step only, with sixteen times the weight. That removes most of its cost.
# - *Spectral norm* divides each layer by its largest stretch, without a second backward pass. Like clipping it bounds the slope layer by layer, but it does not push single weights to an edge.
# - *Two-sided or one-sided?* Most code is two-sided, out of habit. In theory the one-sided penalty is the sounder one.
# - *The weight 10* suits pictures in $[-1, 1]$ and nets whose score differences are of the order of one. If you rescale your data, rescale it.
# - *Watch the critic's loss* for changes, not for values; and do not compare it between settings.
#
# ## Further reading
#
# - [Gulrajani et al. 2017, Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028): the penalty, Proposition 1, and the toys from which we started.
# - [Petzka et al. 2018, On the regularization of Wasserstein GANs](https://arxiv.org/abs/1709.08894): the case for the one-sided penalty.
# - [Milne & Nachman 2021, Wasserstein GANs with Gradient Penalty Compute Congested Transport](https://arxiv.org/abs/2109.00528): what the penalised critic really computes.
# - [Mescheder et al. 2018, Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406): the Dirac-GAN, and R1.
# - [Roth et al. 2017, Stabilizing Training of GANs through Regularization](https://arxiv.org/abs/1705.09367): the penalty as added noise.
# - [Kodali et al. 2017, On Convergence and Stability of GANs](https://arxiv.org/abs/1705.07215): DRAGAN, a penalty around the data.
# - [Miyato et al. 2018, Spectral Normalization for GANs](https://arxiv.org/abs/1802.05957); [Karras et al. 2020, StyleGAN2](https://arxiv.org/abs/1912.04958), with lazy regularisation.
# - [Lucic et al. 2018, Are GANs Created Equal?](https://arxiv.org/abs/1711.10337) and [Kurach et al. 2019, A Large-Scale Study on Regularization and Normalization in GANs](https://arxiv.org/abs/1807.04720): comparisons with equal budgets.
# - [Stanczuk et al. 2021, Wasserstein GANs Work Because They Fail](https://arxiv.org/abs/2103.01678): critics do not compute the distance, and that is just as well.
#
# Back to [04, the saddle](04_circle_the_saddle.ipynb), for why games circle, or to [07, earth](07_move_earth.ipynb), for the distance itself. What comes next in the series: a G that makes
# only some of the clothes. Count the modes.
