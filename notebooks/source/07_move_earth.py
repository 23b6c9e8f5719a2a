# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 07 · Wasserstein distance and WGAN: a distance that knows how far
#
# **What you'll do.** You move piles of earth with the least work, find the function that proves it the least, put a neural network in its place, and train a WGAN on FashionMNIST while the exact distance is computed beside the network's estimate.
#
# **What you'll learn**
#
# - the Wasserstein distance $W_1$, as a plan and as a function, and why both give the same number
# - what it sees that KL, JS and total variation do not
# - the WGAN: its loss, its loop (you write it), and what clipping the weights really computes
# - in what sense a critic's loss is a distance, and in what sense it is not
#
# **What you'll need.** A little Python and calculus; PyTorch (tensors, autograd, an optimizer's step); matrices, for the deeper parts; and the idea of a GAN: a [generator](glossary.md#generator) G makes samples, a [discriminator](glossary.md#discriminator) D tells them from data ([02](02_play_the_game.ipynb)).
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
import numpy as np
import torch
from torch import nn

from gan_tutorial.game import Game, objectives, train
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.profile import choose, use_cores
from gan_tutorial.truth import divergences
from gan_tutorial.truth.densities import Mixture, Normal, Ring

use_cores()
threads = torch.get_num_threads()
torch.set_num_threads(1)  # for the tiny networks a second core would only wait
figures.use_style()
profile = choose(PROFILE)
ledger = Ledger("07")

# %% [markdown]
# ## Guess first
#
# In a Wasserstein GAN ([WGAN](https://arxiv.org/abs/1701.07875), Arjovsky, Chintala & Bottou 2017), D is a function $f$ that gives data high scores and samples low ones. How far it drives their mean scores apart is its estimate of how far the samples are from the data. So that it cannot simply multiply its scores by a million, each of its weights is clipped to an interval $[-c, c]$.
#
# Take the simplest such function, $f(x) = w \cdot x$, in 100 dimensions. The samples are the data, shifted by a distance of exactly 1: once along one axis, once along the diagonal. Both times each point is moved by 1. What is the estimate for the diagonal shift, compared with the other?
#
# 1. the same
# 2. ten times as much
# 3. a tenth
#
# We come back to it in [What clipping really computes](#What-clipping-really-computes).

# %% [markdown] slide=["Which plan needs the least work?"]
# ## Piles of earth
#
# Here is a pile of earth, $p$, and beside it, on both sides, hollows $q$ of the same volume. Fill them! To move a mass $m$ over a distance $d$ is work $m \cdot d$. A *plan* says how much goes from each place to each other place. Which plan needs the least work? `transport`, from our package, asks a solver; `plan` and `cost` of what it gives are the plan and its work.

# %% tags=["picture"] covers=["8.02"] topics=["earth mover's distance", "optimal transport"] alt="Left: over twelve places a pile, below it a hollow on each side, and between them the plan with the least work as grey bands, wider for more mass: five of the pile's 18 parts go left, one stays, the rest goes right. Right: the plan as a matrix with two patches, one for what goes left or stays and one for what goes right" slide=true
from gan_tutorial.lesson.figures.nb07 import draw_plan
from gan_tutorial.truth.transport import extend, transport

places = torch.arange(12, dtype=torch.float64)
pile = torch.tensor([0, 1, 4, 6, 5, 2, 0, 0, 0, 0, 0, 0], dtype=torch.float64) / 18
hollows = torch.tensor([4, 2, 0, 0, 0, 0, 0, 2, 3, 4, 2, 1], dtype=torch.float64) / 18
move = transport(places[:, None], pile, places[:, None], hollows)
draw_plan(places, pile, hollows, move.plan, unit=18, work=move.cost)
assert round(18 * float(move.plan.tril(-1).sum())) == 5  # parts that go left
assert round(18 * float(move.plan.diagonal().sum())) == 1  # part that stays

# %% [markdown] slide=["Piles of earth | Mass *and* distance count. ... need not overlap."]
# The bands show what goes where: five of the pile's 18 parts go left, one stays at place 1, where pile and hollow overlap, and the rest goes right. The matrix is the same plan: a row for each place that earth is taken from, a column for each that it is brought to.
#
# Mass *and* distance count. That makes this a different kind of measure from [KL](glossary.md#kl), [JS](glossary.md#js) and total variation: it compares places, not heights, and the two need not overlap. Move the hollows a hundred places away, and it says so. The least work is the **earth mover's distance**, or [Wasserstein distance](glossary.md#wasserstein-distance) $W_1$.
#
# ## The plan with the least work
#
# From now on $p$ is the [distribution](glossary.md#distribution) of the data and $q$ that of the samples. A plan $\gamma$ is a distribution of *pairs* $(x, y)$: a place that earth is taken from, and one that it is brought to. All that leaves must be $p$, all that arrives must be $q$: these are its *marginals*. So
#
# $$W_1(p, q) = \min_{\gamma \,\in\, \Pi(p, q)} \; \mathbb E_{(x, y) \sim \gamma} \, |x - y| ,$$
#
# where $\Pi(p, q)$ holds all plans (*couplings*), and $|x - y|$ is the Euclidean distance. With 12 places a plan is a matrix of 144 unknown numbers with 24 known sums, and the work is linear in them: a *linear program*.
#
# On the line there is a shortcut. Stand at a place $x$. If $F_p(x)$ is the share of $p$ to your left, and $F_q(x)$ the share of $q$, then the mass $|F_p(x) - F_q(x)|$ has to be carried past you, and no more. Over a short stretch $\mathrm dx$ that is work $|F_p(x) - F_q(x)| \,\mathrm dx$. Add it all up:
#
# $$W_1(p, q) = \int |F_p(x) - F_q(x)| \,\mathrm dx .$$

# %% [markdown]
# ### Exercise 7.1 · What is carried past each place
#
# Compute this integral for masses `a` at the points `x`, and masses `b` at the points `y`, in any order, in the precision of `x`. Between two neighbouring points $F_p - F_q$ is constant, so the integral is a sum.
#
# {{help}}


# %% tags=["exercise"]
def w1_of_piles(x, a, y, b):
    """W1 between masses a at x and b at y, on the line.  (n,), (n,), (m,), (m,) -> ()"""
    # solution
    points, order = torch.cat([x, y]).sort()
    carried = torch.cat([a, -b])[order].cumsum(0)  # F_p - F_q behind each point
    return (carried[:-1].abs() * points.diff()).sum()


# %%
w1_of_piles = check("7.1", w1_of_piles)

# %% tags=["nbval-check-output"] covers=["8.03"] topics=["Wasserstein distance"]
by_carrying = float(w1_of_piles(places, pile, places, hollows))
assert abs(by_carrying - move.cost) < 1e-9
print(f"past each place: {by_carrying:.6f}; the solver's plan: {move.cost:.6f}")

# %% [markdown]
# For pictures all this is hopeless. 60,000 data and as many samples make a plan of 3.6 billion numbers. Worse: two *samples* of one and the same distribution are not at distance 0, for each point still has to go somewhere. Their $W_1$ is the *floor* of every $W_1$ between samples ([what we measure](00_start_here.ipynb#What-we-measure)), and in many dimensions it is high. We need another way.

# %% [markdown]
# ## Deeper: the plan as a linear program
#
# You set up the program by hand, solve it with two libraries, see how much worse other plans are, and take two shortcuts on the line. To go on without it: [Two lines](#Two-lines).

# %% [markdown]
# There is always a best plan; we only take for granted that $p$ and $q$ have a finite mean distance from the origin. The unknown matrix, written as one long row of 144 numbers, must be non-negative and have the right sums. Any solver for linear programs takes that. POT is a library whose `emd` uses the shape of this one problem and solves it for thousands of points; `transport` of our package asks POT for the plan *and* for the function that we meet in [The other side](#The-other-side:-a-critic).

# %% tags=["nbval-check-output"] covers=["8.03"] topics=["linear program"]
import ot  # POT: Python optimal transport
from scipy.optimize import linprog

n = len(places)
distance = (places[:, None] - places).abs()  # |x_i - y_j|
leaves = np.kron(np.eye(n), np.ones((1, n)))  # row i: the sum over j of plan[i, j]
arrives = np.kron(np.ones((1, n)), np.eye(n))  # row j: the sum over i of plan[i, j]
sums = torch.cat([pile, hollows])
marginals = {"A_eq": np.vstack([leaves, arrives]), "b_eq": sums, "bounds": (0, None)}
solved = linprog(distance.flatten(), **marginals)
by_pot = float((ot.emd(*map(np.asarray, (pile, hollows, distance))) * distance.numpy()).sum())
print(f"by hand {solved.fun:.6f}, with POT {by_pot:.6f}, from the package {move.cost:.6f}")

# %% [markdown]
# *Every* plan gives an upper bound. Some others, for comparison:


# %% covers=["8.03"]
def random_plan(p, q, generator):
    """Fill the cells in a random order, each with as much as the sums still allow."""
    p, q, plan = p.clone(), q.clone(), torch.zeros(len(p), len(q), dtype=torch.float64)
    for cell in torch.randperm(plan.numel(), generator=generator).tolist():
        i, j = divmod(cell, len(q))
        plan[i, j] = torch.minimum(p[i], q[j])
        p[i] -= plan[i, j]
        q[j] -= plan[i, j]
    return plan


# %% covers=["8.03"]
generator = torch.Generator().manual_seed(SEED)
other_plans = {
    "the most work": torch.from_numpy(linprog(-distance.flatten(), **marginals).x).view(n, n),
    "independent: x says nothing of y": pile[:, None] * hollows,
    "one at random": random_plan(pile, hollows, generator),
    "the least work": move.plan,
}
works = {name: float((plan * distance).sum()) for name, plan in other_plans.items()}
for name, value in works.items():
    print(f"{name:34} {value:.3f}")

# %% [markdown]
# The first two send earth across the pile that could have stayed on its side, and so does one at random, unless it is lucky: the best plan need not be the only one. (Among the shovels that go right, swap which goes where, and the work stays the same.)

# %% [markdown]
# On the line there are shortcuts: yours of Exercise 7.1, and for two samples of equal size a simpler one. Nobody needs to overtake, so the smallest goes to the smallest: sort both, and pair them. All ways lead to one number:

# %% tags=["nbval-check-output"] covers=["8.03"]
torch.manual_seed(SEED)
x, y = torch.randn(60, dtype=torch.float64), 1.5 + 0.5 * torch.randn(60, dtype=torch.float64)
even = torch.full((60,), 1 / 60, dtype=torch.float64)
four = (
    transport(x[:, None], even, y[:, None], even).cost,
    float(w1_of_piles(x, even, y, even)),
    float((x.sort().values - y.sort().values).abs().mean()),
    float(divergences.empirical_w1(x, y)),  # of the package
)
four_agree = max(four) - min(four)
print("four ways agree:", four_agree < 1e-9)

# %%
ledger.add("8.03", "the programme by hand - the package", 0, solved.fun - move.cost, 1e-9,
           "HiGHS, POT")
ledger.add("8.03", "POT - the programme by hand", 0, by_pot - solved.fun, 1e-9, "HiGHS, POT")
best_other = min(value for name, value in works.items() if name != "the least work")
ledger.add("8.03", "cheapest other plan - the cheapest", (0, 10), best_other - move.cost, 1e-9,
           "every plan is an upper bound")
ledger.add("F-W2", "four ways to W1 on the line, largest difference", 0, four_agree, 1e-9,
           "sorted = plan = area");

# %% [markdown]
# ## Deeper: out of reach
#
# You measure how high the floor of $W_1$ is, and how slowly it falls with more data in many dimensions. To go on without it: [Two lines](#Two-lines).

# %% [markdown]
# Take two samples of **one and the same** distribution. The distance of the distributions is 0, but a sample is sparse, and each of its points has to go somewhere. How much does $W_1$ between two samples of $n$ points from $\mathcal N(0, I_d)$ amount to, as $n$ grows?


# %% covers=["8.03"]
def floor_of(m, d):
    """Mean W1 between two samples of m points from N(0, I), over sqrt(d): a typical |x|."""
    repeats = 100 if d == 1 else 5  # in one dimension it scatters, and takes next to no time
    draws = [(torch.randn(m, d), torch.randn(m, d)) for _ in range(repeats)]
    return np.mean([float(divergences.empirical_w1(u, v)) for u, v in draws]) / d**0.5


sizes = (25, 50, 100, 200, 400, 800)
sizes = profile.pick(smoke=sizes[:2], cpu=sizes, gpu=sizes)
torch.manual_seed(SEED)
floors = {d: [floor_of(m, d) for m in sizes] for d in (1, 2, 10, 100)}
falls = {d: np.polyfit(np.log(sizes), np.log(values), 1)[0] for d, values in floors.items()}
for d, power in falls.items():
    print(f"{d:4} dimensions: falls like n^{power:.2f}")

# %% tags=["figure"] covers=["8.03"] alt="W1 between two samples of one distribution over their size, both axes logarithmic: in one dimension it falls quickly, in a hundred dimensions it hardly falls at all"
from gan_tutorial.lesson.figures.nb07 import draw_floors

draw_floors(sizes, floors);

# %% [markdown]
# Theory knows the rates: for distributions like these the floor falls like $n^{-1/2}$ in one dimension, almost so in two (up to a logarithm), and like $n^{-1/d}$ for $d > 2$. To halve it in a hundred dimensions you would need $2^{100}$ times the data. So in many dimensions, whoever computes $W_1$ of samples measures the floor for the most part. That is why a floor is drawn beside every distance below.

# %%
for d, low, high in ((1, -0.6, -0.4), (2, -0.65, -0.3), (10, -0.25, -0.05), (100, -0.06, 0)):
    ledger.add("F-W11", f"floor in {d} dimensions falls like n to the power", (low, high),
               falls[d], 0, "Fournier & Guillin 2015", needs_training=True)

# %% [markdown] slide=["Guess: which of the four"]
# ## Two lines
#
# The example of the WGAN paper. The data are spread evenly over a vertical line of length 1 at $x_1 = 0$, the samples over the same line moved to $x_1 = \theta$. Twelve points will do for each. We compute $W_1$ and, from the masses at each place, three [divergences](glossary.md#divergence): JS, KL, and total variation (TV, half the sum of all differences). Guess: which of the four have, over $\theta$, a slope that could lead G to 0?

# %% covers=["8.02"]
heights = torch.linspace(0, 1, 12, dtype=torch.float64)[:, None]
dozen = torch.full((12,), 1 / 12, dtype=torch.float64)


def kl_of(a, b):
    return float((torch.xlogy(a, a) - torch.xlogy(a, b)).sum())


def of_lines(theta):
    """W1, JS, TV and KL of the data's line at 0 and the samples' line at theta."""
    line, moved = (torch.cat([0 * heights + v, heights], dim=1) for v in (0.0, theta))
    where = torch.cat([line, moved]).unique(dim=0, return_inverse=True)[1]
    p, q = (torch.bincount(at, dozen, minlength=24) for at in where.split(12))
    js = (kl_of(p, (p + q) / 2) + kl_of(q, (p + q) / 2)) / 2
    w1, tv = transport(line, dozen, moved, dozen).cost, float((p - q).abs().sum() / 2)
    return {"W1": w1, "JS": js, "TV": tv, "KL": kl_of(p, q)}


# %% tags=["nbval-check-output"] covers=["8.02"]
at_lines = {theta: of_lines(theta) for theta in (0.0, 0.1, 0.7)}
for theta, values in at_lines.items():
    print(f"theta = {theta}:", *(f"{name} {v:.4f}" for name, v in values.items()), sep="   ")

# %% tags=["figure"] covers=["8.02"] alt="Left: two vertical lines a distance theta apart. Right: W1 is a V over theta with slope one; JS and total variation are flat with a single point at zero; KL is infinite" slide=true
from gan_tutorial.lesson.figures.nb07 import draw_two_lines

thetas = [round(float(t), 2) for t in np.linspace(-1, 1, 41)]
draw_two_lines(heights, 0.7, thetas, [of_lines(t) for t in thetas]);

# %% [markdown] slide=["JS, total variation and KL jump"]
# JS, total variation and KL jump at 0 and say nothing elsewhere: where the [supports](glossary.md#support) do not meet, there is no slope. $W_1 = |\theta|$, for each point goes straight across: a slope wherever there is still a way to go, and it points the right way. That is the whole case for Wasserstein GANs.

# %% [markdown]
# ## Deeper: other families
#
# A short tour, with numbers, of other ways to compare distributions: integral probability metrics, MMD, energy distance, proper scoring rules. To go on without it: [The other side](#The-other-side:-a-critic).

# %% [markdown]
# Many distances have the form
#
# $$\sup_{f \in \mathcal F} \; \mathbb E_p f - \mathbb E_q f :$$
#
# "the best critic of a class $\mathcal F$". These are **integral probability metrics**. They compare *differences* of expectations, where f-divergences compare *ratios*. What they see depends on the class:
#
# | class of critics | metric |
# |---|---|
# | $\lvert f \rvert \le 1/2$ | total variation (the one that is an f-divergence too) |
# | slope at most 1 | $W_1$ (why, comes in the next section) |
# | the unit ball of a kernel's function space | MMD, the maximum mean discrepancy |
#
# MMD needs no search for $f$. With a kernel $k(x, y)$, a measure of how alike $x$ and $y$ are, it is computed from pairs: $\mathrm{MMD}^2 = \mathbb E\, k(x, x') + \mathbb E\, k(y, y') - 2\, \mathbb E\, k(x, y)$. With the kernel $-|x - y|$ this square is the *energy distance*.
# We compare a spike (sd 0.05) with the same spike moved by $\theta$:


# %% covers=["8.01"] topics=["MMD", "energy distance", "integral probability metrics"]
def mmd(x, y, width=1.0):
    """sup of E_p f - E_q f over the unit ball of the Gaussian kernel's space, from samples."""
    k = lambda a, b: torch.exp(-((a[:, None] - b) ** 2) / (2 * width**2)).mean()  # noqa: E731
    return float((k(x, x) + k(y, y) - 2 * k(x, y)).clamp(min=0).sqrt())


def energy_distance(x, y):
    """2 E|x - y| - E|x - x'| - E|y - y'|; on the line it is 2 integral (F_p - F_q)^2."""
    e = lambda a, b: (a[:, None] - b).abs().mean()  # noqa: E731
    return float(2 * e(x, y) - e(x, x) - e(y, y))


# %% covers=["8.01"]
torch.manual_seed(SEED)
spike = 0.05 * torch.randn(500, dtype=torch.float64)
families = {}
print("theta      total var.           W1 MMD, width 1  energy dist.")
for theta in (0.0, 0.1, 0.5, 1.0, 2.0, 4.0):
    other, p, q = spike + theta, Normal(0.0, 0.05), Normal(theta, 0.05)
    tv = float(divergences.total_variation(p, q)) if theta else 0.0
    w1 = float(divergences.empirical_w1(spike, other))
    families[theta] = (tv, w1, mmd(spike, other), energy_distance(spike, other))
    print(f"{theta:5}   ", *(f"{v:12.3f}" for v in families[theta]))

# %% [markdown]
# Total variation has seen all it can see when the spikes have parted. MMD sees a few kernel widths far, and then is flat as well (two single points far apart have $\sqrt 2$). $W_1$ and the energy distance go on growing.
#
# Another family starts from *forecasts*. Somebody says $q$, then $x \sim p$ happens, and the forecaster's loss is $S(q, x)$. It is a **proper scoring rule** if on average no loss is lower than that of the truth, and *strictly* proper if all others are higher. By how much the loss of a wrong forecast exceeds that of the truth is a divergence:
# for the *log score* $-\log q(x)$ it is $\mathrm{KL}(p \| q)$; for the *Brier score* it is the squared distance of the probabilities. You have met both as losses of a discriminator, whose forecast is "real" or "fake": cross-entropy and least squares. With three outcomes:

# %% tags=["nbval-check-output"] covers=["8.01"] topics=["proper scoring rules"]
truth = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
forecast = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
SCORES = {
    "log": lambda q: -q.log(),  # the loss for each outcome
    "Brier": lambda q: (torch.eye(3, dtype=torch.float64) - q).square().sum(1),
}


def mean_loss(rule, q):
    """The loss of the forecast q, on average."""
    return float(truth @ rule(q))


excess = {name: mean_loss(S, forecast) - mean_loss(S, truth) for name, S in SCORES.items()}
known = {
    "log": float((truth * (truth / forecast).log()).sum()),
    "Brier": float((truth - forecast).square().sum()),
}
for name in SCORES:
    print(f"{name:6} excess loss {excess[name]:.6f} = divergence {known[name]:.6f}")
rivals = torch.distributions.Dirichlet(torch.ones(3, dtype=torch.float64)).sample((2_000,))
never = all(mean_loss(S, r) >= mean_loss(S, truth) for S in SCORES.values() for r in rivals)
print("no other forecast of 2,000 has a lower loss than the truth:", never)

# %%
for name in SCORES:
    ledger.add("8.01", f"excess of a wrong forecast, {name} score", known[name], excess[name],
               1e-12, "Gneiting & Raftery 2007")
ledger.add("8.01", "MMD of spikes 4 apart", 2**0.5, families[4.0][2], 0.01, "its limit");

# %% [markdown]
# ## The other side: a critic
#
# Imagine a carrier who offers to move the earth. She has a number $f$ for every place: she takes $f(x)$ for a unit of earth fetched at $x$, and gives you back $f(y)$ when she leaves it at $y$. So her price for that way is $f(x) - f(y)$. You hire her only if it is never more than your own work:
#
# $$f(x) - f(y) \le |x - y| \quad\text{for all } x, y: \qquad f \text{ has slope at most } 1 \text{, it is } \mathbf{1\text{-Lipschitz}}.$$
#
# What can she earn at most? With $\mathbb E_p f$ for the mean of $f$ over $p$:
#
# 1. For any plan $\gamma$ and any such $f$: $\;\mathbb E_\gamma |x - y| \;\ge\; \mathbb E_\gamma [f(x) - f(y)] = \mathbb E_p f - \mathbb E_q f$. ($f(x)$ depends on $x$ alone, and $x$ has distribution $p$; likewise $f(y)$ and $q$.)
# 2. So each $f$ earns at most the work of each plan: $\;\max_f \, (\mathbb E_p f - \mathbb E_q f) \;\le\; W_1(p, q)$.
# 3. The two are *equal*. For finitely many places that is the duality of linear programs; for all distributions with a finite mean distance from the origin it is a theorem, the **Kantorovich–Rubinstein** duality:
#
# $$\boxed{\; W_1(p, q) \;=\; \max_{|f(x) - f(y)| \,\le\, |x - y|} \; \mathbb E_{x \sim p} f(x) - \mathbb E_{x \sim q} f(x) \;}$$
#
# No plan any more, only two means, over data and over samples. A function $f$ used in this way is a [critic](glossary.md#critic), its values are [scores](glossary.md#score), and $\mathbb E_p f - \mathbb E_q f$ is its **score difference**.
#
# The solver has found the best $f$ along the way, but only at the places $y_j$ of the hollows: `move.y_values` are its values $v_j$ there. The rest is yours.

# %% [markdown]
# ### Exercise 7.2 · The best critic, everywhere
#
# You know the values $v_j$ of a function with slope at most 1 at the points $y_j$. Make it as high as its slope allows everywhere else: put a cone of slope 1, open upwards, on every point, and at each $x$ take the lowest, $f(x) = \min_j \, (v_j + |x - y_j|)$. Points may have any number of coordinates; keep the precision of `values`.
#
# {{help}}


# %% tags=["exercise"]
def lower_edge(values, points, x):
    """min over j of values_j + |x - points_j|.  (m,), (m, d), (n, d) -> (n,)"""
    # solution
    return (values + torch.cdist(x, points)).min(dim=1).values


# %%
lower_edge = check("7.2", lower_edge)

# %% [markdown] slide=["what does this critic earn"]
# In the package it is called `extend`. Now the numbers: what does this critic earn, and where does it fall?

# %% tags=["nbval-check-output"] covers=["8.04"] topics=["Kantorovich–Rubinstein duality"]
f_places = lower_edge(move.y_values, places[:, None], places[:, None])
f_places = torch.as_tensor(f_places).double()  # whatever your answer gives
assert torch.allclose(f_places, extend(move.y_values, places[:, None], places[:, None]))
earned = float(pile @ f_places - hollows @ f_places)
ways, drops = (places[:, None] - places).abs(), f_places[:, None] - f_places  # from x to y
steepest = float((drops.abs() / ways.clamp(min=1e-9)).max())
tight = float((drops - ways)[move.plan > 1e-9].abs().max())
print(f"work of the best plan {move.cost:.6f}, score difference of this f {earned:.6f}")
print(f"steepest slope of f {steepest:.6f}")
print("where the plan moves mass, f falls by exactly the distance:", tight < 1e-9)

# %% tags=["figure"] covers=["8.04"] alt="The pile and the hollows, and above them the best critic: a tent whose top is where the pile parts, falling with slope one to both sides" slide=true
from gan_tutorial.lesson.figures.nb07 import draw_tent

fine = torch.linspace(0, 11, 221, dtype=torch.float64)
tent = torch.as_tensor(lower_edge(move.y_values, places[:, None], fine[:, None]))
tent = tent - f_places.min()
draw_tent(places, pile, hollows, fine, tent);

# %% [markdown] slide=["So the best critic falls with slope one"]
# A tent: its top is where the pile parts, and earth runs down both of its sides. It has to: line 1 above can only be an equality if it is one for every pair that the plan uses. So the best critic falls with slope one along every way from data to samples, **and G, which moves its samples uphill on $f$, learns the way**. Only the way: $W_1$ knows how far it is, the slope does not; it is one at the start and one at the end.
#
# Where all earth goes the same way $f$ is one straight line: between $\mathcal N(0, 1)$ and $\mathcal N(t, 1)$ with $t > 0$ the best critic is $f(x) = -x$, with score difference $t$.
#
# With slopes up to $K$ (the $K$-[Lipschitz](glossary.md#lipschitz) functions) everything is multiplied by $K$: the maximum is $K \cdot W_1$.

# %% [markdown]
# ## Play: earth, critic and cone
#
# On the line the best critic can be computed at once. Integrating by parts, $\mathbb E_p f - \mathbb E_q f = \int f' \, (F_q - F_p) \,\mathrm dx$: the best $f$ falls where $F_p > F_q$ (earth goes right) and rises where $F_p < F_q$ (it goes left).


# %%
line = torch.linspace(-16, 16, 1281, dtype=torch.float64)  # 40 places per unit; line[640] is 0


def pair_of(shift, gap, width):
    """Data N(0, 1), and samples in two modes around `shift`, `gap` apart."""
    two = (Normal(shift - gap / 2, width), Normal(shift + gap / 2, width))
    return Normal(0.0, 1.0), Mixture((0.5, 0.5), two)


def best_critic(p, q):
    """(f, F_p - F_q) on `line`: f' = -sign(F_p - F_q), 0 where nothing is carried."""
    between = (line[1:] + line[:-1]) / 2
    carried = p.cdf(between) - q.cdf(between)
    slope = torch.where(carried.abs() < 1e-6, 0.0, -carried.sign())
    f = torch.cat([torch.zeros(1, dtype=torch.float64), torch.cumsum(slope * line.diff(), 0)])
    return f - f[640], p.cdf(line) - q.cdf(line)


# %% [markdown]
# Data have one [mode](glossary.md#mode), samples two. In the live notebook four sliders move them. The grey double cone sits on the critic's graph: slope at most 1 means that the graph never enters it, wherever you slide it. Guess first:
#
# 1. Set `gap` to 0 and move `shift` far out, to either side: what happens to $W_1$, and what to JS?
# 2. At `gap` = 3 and `shift` = 0, where is the top of the critic's tent, and why?
# 3. At `gap` = 0 and `shift` = 0, make `width` small and then large: the tent turns upside down. Why?

# %% tags=["widget"] covers=["8.04", "8.05", "8.02"] alt="Left: one mode of data, two modes of samples that lie one on each side of it, and the mass that is carried to the right past each point. Right: the best critic, a tent of slope one, with a double cone at one of its points"
from gan_tutorial.lesson.figures.nb07 import critic_panel, earth_panel
from gan_tutorial.lesson.live import explore


def draw(left, right):
    earth, critic = earth_panel(left, line), critic_panel(right, line)

    def update(shift, gap, width, cone_at):
        p, q = pair_of(shift, gap, width)
        f, carried = best_critic(p, q)
        at_p, at_q = p.log_prob(line).exp(), q.log_prob(line).exp()
        earth(at_p, at_q, carried)
        critic(f, cone_at)
        w1, apart = float(carried.abs().sum()) / 40, float(((at_p - at_q) * f).sum()) / 40
        js = abs(float(divergences.js(p, q)))
        return f"W1 {w1:.3f}, score difference {abs(apart):.3f}; JS {js:.3f} (at most 0.693)"

    return update


explore(draw, panels=2, size=(9.6, 4.0), shift=(-5.0, 5.0, 0.0, 0.25),
        gap=(0.0, 6.0, 3.0, 0.25), width=(0.4, 2.0, 1.0, 0.1), cone_at=(-5.0, 5.0, 2.0, 0.25))

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) $W_1$ grows with the shift, one for one; JS nears $\log 2 = 0.693$. (2) At 0: by symmetry half of the earth goes left and half goes right, and the tent parts there. (3) Samples narrower than the data: the data's outer earth moves in, so $f$ falls towards the middle and is a valley. Samples
# wider than the data: earth moves out, and $f$ is a tent again. (Far out, where nothing has to be carried, any slope up to one is as good.)
# </details>

# %% [markdown]
# ## Deeper: slope one, on the line and in the plane
#
# You slide the cone along a whole graph and count where it is entered, check the answers to Play, and see the best critic of the plane. To go on without it: [WGAN](#WGAN:-a-network-as-the-critic).

# %% [markdown]
# At a point of the graph put a double cone with slopes $\pm 1$, one half opening upwards, the other downwards. The graph has to stay out of both: left and right of the point, it may not rise or fall faster. Slide the cone along the graph: that of a 1-Lipschitz function never enters it. Below, the cone (grey) is drawn at three places of two graphs, and what enters it is thick and black. The count is over a slide along the whole graph.

# %% tags=["figure"] covers=["8.05"] alt="Two graphs with double cones. Left, the tent of the best critic stays outside the cones at three points. Right, a wave enters a cone at its steepest place, drawn thick and black"
from gan_tutorial.lesson.figures.nb07 import draw_cones

graphs = {
    "the best critic": tent,
    "a wave of slope up to 1.3": 4 + 1.3 / 0.6 * torch.sin(0.6 * (fine - 5)),
}
reach = (fine - fine[:, None]).abs()  # (place of the cone, place on the graph)
inside = {name: (f - f[:, None]).abs() > reach + 1e-6 for name, f in graphs.items()}
draw_cones(fine, graphs, inside);

# %%
entered = {name: int(each.any(1).sum()) for name, each in inside.items()}
ledger.add("8.05", "cones that the best critic pierces", 0, entered["the best critic"], 0,
           "1-Lipschitz")
ledger.add("8.05", "cones that the wave pierces", (1, 220),
           entered["a wave of slope up to 1.3"], 0, "slope 1.3");

# %% [markdown]
# What the sliders of [Play](#Play:-earth,-critic-and-cone) show, in numbers:

# %% tags=["nbval-check-output"] covers=["8.04"]
print("shift      W1      JS")
for shift in (0.0, 1.0, 3.0, 5.0):
    p, q = pair_of(shift, 0.0, 1.0)
    w1, js = float(divergences.w1(p, q)), abs(float(divergences.js(p, q)))
    print(f"{shift:5.1f} {w1:7.3f} {js:7.3f}")
f, _ = best_critic(*pair_of(0.0, 3.0, 1.0))
tent_top = float(line[f.argmax()])
print(f"shift 0, gap 3: the top of the tent is at {abs(tent_top):.3f}")
for width in (0.4, 2.0):
    f, _ = best_critic(*pair_of(0.0, 0.0, width))
    said = ", ".join(f"{f[i]:.2f}" for i in (640, 680, 720))
    print(f"shift 0, gap 0, width {width}: f at 0, 1 and 2 is", said)

# %% [markdown]
# And if slopes up to $K$ are allowed? Each such function is $K$ times one with slope at most 1, so the maximum is $K \cdot W_1$. Nothing is lost as long as we *know* $K$, or do not need it.

# %% tags=["nbval-check-output"] covers=["8.04"] topics=["Lipschitz"]
from gan_tutorial.truth.divergences import expectation


def earns(f, p, q):
    return float(expectation(p, f) - expectation(q, f))


shift_w1 = {t: float(divergences.w1(Normal(0, 1), Normal(t, 1))) for t in (0.5, 2.0)}
for t, w1 in shift_w1.items():
    p, q = Normal(0.0, 1.0), Normal(t, 1.0)
    one, three = earns(lambda x: -x, p, q), earns(lambda x: -3 * x, p, q)
    print(f"t = {t}: W1 = {w1:.4f}; score difference of -x {one:.4f}, of -3x {three:.4f}")

# %%
for t, value in shift_w1.items():
    ledger.add("F-W3", f"W1 of N(0,1) and N({t},1)", t, value, 1e-9, "|t|")
ledger.add("8.04", "shift 0, gap 3: the top of the tent", 0, tent_top, 1e-6, "symmetry");

# %% [markdown]
# In the plane nothing changes. With `lower_edge` the solver's values at 40 points become a critic of the whole plane. Data lie on a ring, samples come from a broad Gaussian:

# %% tags=["figure"] covers=["8.04"] alt="A map of the best critic between forty points of a ring and forty scattered samples, with a valley at every sample and, among them, summits at the data; lines join the pairs of the best plan, each from a summit down to a valley"
from gan_tutorial.lesson.figures.nb07 import draw_critic_map

torch.manual_seed(SEED)
forty, scattered = Ring().sample(40).double(), 1.5 * torch.randn(40, 2, dtype=torch.float64)
equal = torch.full((40,), 1 / 40, dtype=torch.float64)
plane_move = transport(forty, equal, scattered, equal)
best = lambda x: torch.as_tensor(lower_edge(plane_move.y_values, scattered, x))  # noqa: E731
earned_in_plane = float(best(forty).mean() - best(scattered).mean())
side = torch.linspace(-1, 1, 121, dtype=torch.float64) * (0.5 + scattered.abs().max())
height = best(torch.cartesian_prod(side, side)).view(121, 121).T
said = f"work {plane_move.cost:.3f}, score difference {earned_in_plane:.3f}"
draw_critic_map(side, height, forty, scattered, plane_move.plan, said);

# %% [markdown]
# Each line of the plan runs from a summit straight down into a valley, with slope one. (Beyond the points, where nothing has to be moved, $f$ goes on rising, as far as its slope allows. Nothing forbids it.) This is what a WGAN's critic should look like. [Notebook 08](08_penalise_the_gradient.ipynb) puts clipped and penalised ones beside it.

# %%
ledger.add("F-W3", "forty points in the plane: earned - cost", 0,
           earned_in_plane - plane_move.cost, 1e-6, "the solver's tolerance is 1e-7");

# %% [markdown]
# ## WGAN: a network as the critic
#
# In high dimensions we have neither $F_p$ nor a solver. But a network can be $f$: train it to drive the two means apart, and keep its slope bounded. The WGAN's way is blunt: after each move of D, every weight and bias is [clipped](glossary.md#weight-clipping) to $[-c, c]$. The weights lie in a box, and no D with weights in it is steeper than some common bound.
#
# The algorithm in full:
#
# - D, five times: take data and samples; raise $\mathbb E_p D - \mathbb E_q D$ by one step; clip.
# - G, once: take samples; raise $\mathbb E_q D$ by one step.
#
# D judges nothing as real or fake any more: no sigmoid, no probability, no target for the scores. Only differences of scores count; add 100 to D, and no gradient changes.

# %% [markdown]
# ### Exercise 7.3 · One move of the critic
#
# Write D's move. `G(z)` are the samples; G stands still: no gradient should go back into it, and it moves next. An optimizer goes *down* a loss, so D's [loss](glossary.md#loss) is $\mathbb E_q D - \mathbb E_p D$, with means over the batch. Let `opt` make one step; then clip. Return the loss.
#
# {{help}}


# %% tags=["exercise"] covers=["8.07"] topics=["WGAN", "weight clipping"]
def critic_step(D, G, opt, x, z, c):
    """One move of the critic D: data x, samples G(z), weights clipped to [-c, c].  -> loss"""
    # solution
    opt.zero_grad()
    loss = D(G(z).detach()).mean() - D(x).mean()
    loss.backward()
    opt.step()
    with torch.no_grad():
        for w in D.parameters():
            w.clamp_(-c, c)
    return loss.detach()


# %%
critic_step = check("7.3", critic_step)

# %% [markdown]
# With it the whole WGAN is nine lines. For now we only check them, in ten steps of a small game: eight Gaussians on a ring in the plane. (A `Game` holds both networks, their optimizers, and samplers of data and of [latents](glossary.md#latent) $z$.)


# %% covers=["8.07"]
def wgan_by_hand(game, steps, c=0.01, d_steps=5, n=64):
    for _ in range(steps):
        for _ in range(d_steps):
            x, z = game.data(n)[0], game.latent(n)
            critic_step(game.D, game.G, game.d_opt, x, z, c)
        game.g_opt.zero_grad()
        g_loss = -game.D(game.G(game.latent(n))).mean()
        g_loss.backward()
        game.g_opt.step()


# %% covers=["8.07"]
ring = Ring()


def new_game(seed=0):
    torch.manual_seed(seed)
    G = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2)).double()
    D = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0)).double()
    g_opt, d_opt = (torch.optim.RMSprop(net.parameters(), lr=5e-4) for net in (G, D))
    data, latent = lambda n: (ring.sample(n).double(),), lambda n: torch.randn(n, 2).double()
    return Game(G, D, g_opt, d_opt, data, latent, seed=seed)


# %% [markdown]
# The package's version is `train` with `objectives.wgan`. From the same start and with the same random numbers both should end with the same weights. (We compute in double precision: some gradients of this loss are exactly zero, in single precision they become rounding noise, and RMSprop, which divides by their size, would make whole steps of it.)

# %% covers=["8.07"]
by_hand, by_package = new_game(), new_game()
torch.manual_seed(by_package.seed)  # `train` seeds its random numbers like this
wgan_by_hand(by_hand, steps=10)
for _ in train(by_package, objectives.wgan, steps=10, d_steps=5, batch_size=64):
    pass
both = zip(by_hand.G.parameters(), by_package.G.parameters(), strict=True)
largest = max(float((a - b).detach().abs().max()) for a, b in both)
assert largest < 1e-6
print(f"G's weights differ by at most {largest:.1e}")

# %% [markdown]
# ## Deeper: what the scores mean
#
# You see that only differences of scores count, and why "data 1, samples $-1$" is not what a critic aims at. To go on without it: [What clipping really computes](#What-clipping-really-computes).

# %% [markdown]
# There is no sigmoid, no target, no bound on the scores but the one that clipping gives. We add 100 to all scores of the critic from above, and compare the gradients. ("Intro Tutorial on GANs" (Paganini 2018) describes the critic's aim as data as big (1.0), samples as small ($-1.0$) as possible. "As big as possible" is right; the numbers are not: any other two would do.)

# %% covers=["8.07"]
torch.manual_seed(SEED)
x, fake = ring.sample(500).double(), by_package.sample(500)
D = by_package.D
losses, gradients = [], []
for critic in (D, lambda u: D(u) + 100.0):
    loss = objectives.wasserstein.d_loss(critic(x), critic(fake))
    losses.append(float(loss.detach()))
    gradients.append(torch.autograd.grad(loss, D[0].weight)[0])
    low, high = (float(v) for v in critic(x).detach().aminmax())
    print(f"scores of data between {low:8.3f} and {high:8.3f};  "
          f"D's loss {losses[-1]:.5f}")
same_gradient = float((gradients[0] - gradients[1]).abs().max())
print(f"largest difference of the gradients: {same_gradient:.1e}")

# %%
ledger.add("E3", "gradient of D's loss, 100 added to the scores", 0, same_gradient, 1e-5,
           "only differences count");

# %% [markdown]
# ## What clipping really computes
#
# With weights in a box D is $K$-Lipschitz, with *some* $K$ ([how large?](#Deeper:-how-steep-is-a-clipped-critic?)). It is often concluded that its score difference is "$W_1$ up to a constant factor". Is the factor constant? Three critics (three seeds), side by side, with weights clipped to $[-0.1, 0.1]$:


# %% covers=["8.06"]
from gan_tutorial.game.networks import SideBySide  # networks that train at the same time

SEEDS = 3


def train_critics(pair, c, dim, steps):
    """Three clipped critics side by side, up on data and down on samples.  -> all in one"""
    torch.manual_seed(SEED)
    D = nn.Sequential(SideBySide(SEEDS, [dim, 64, 64, 1]), nn.Flatten(0))
    clip = objectives.clip_weights(c)
    opt = torch.optim.Adam(D.parameters(), lr=1e-3, fused=True)
    clip(D)
    for _ in range(steps):
        x, fake = pair(128 * SEEDS)
        opt.zero_grad()
        objectives.wasserstein.d_loss(D(x), D(fake)).backward()  # E_q D - E_p D
        opt.step()
        clip(D)
    return D


# %% [markdown]
# In 16 dimensions the samples are a small cloud at 0. The data are the same cloud, moved by 1: as a whole, or split into two halves that go in opposite directions; along an axis, or along the diagonal. $W_1$ is exactly 1 for a shift. For a split by a vector $a$ it is at most 1 (move each half by 1), and at least 0.92, which $f(x) = |x \cdot a|$ already earns.

# %% covers=["8.06"]
DIM = 16
axis, diagonal = torch.eye(DIM)[0], torch.ones(DIM) / DIM**0.5  # both of length 1
cloud = lambda n: 0.1 * torch.randn(n, DIM)  # noqa: E731
sides = lambda n: 2.0 * torch.randint(2, (n, 1)) - 1  # noqa: E731
PAIRS = {  # n -> data, samples
    "shift along an axis": lambda n: (cloud(n) + axis, cloud(n)),
    "shift along the diagonal": lambda n: (cloud(n) + diagonal, cloud(n)),
    "split along an axis": lambda n: (cloud(n) + sides(n) * axis, cloud(n)),
    "split along the diagonal": lambda n: (cloud(n) + sides(n) * diagonal, cloud(n)),
}

# %% covers=["8.06"]
steps = profile.pick(smoke=20, cpu=500, gpu=500)
with profile.plan(steps=4 * steps, about=4):
    clipped = {name: train_critics(pair, 0.1, DIM, steps) for name, pair in PAIRS.items()}

# %% covers=["8.06", "8.08"]
torch.manual_seed(SEED)
estimates = {}
print("                             score difference, three seeds")
for name, pair in PAIRS.items():
    x, fake = pair(2_000 * SEEDS)
    with torch.no_grad():
        estimates[name] = (clipped[name](x) - clipped[name](fake)).view(-1, SEEDS).mean(0)
    print(f"{name:28}", "".join(f"{v:9.2f}" for v in estimates[name]))
middle = [float(v.mean()) for v in estimates.values()]
factor = max(middle) / min(middle)
print(f"largest / smallest: {factor:.1f}")

# %% [markdown]
# **Not a constant factor**: nearly equal distances get estimates that differ by a factor of about five. With every seed the diagonal gets more than the axis, and a shift more than a split: each ReLU looks to one side, and of a split it sees one half. Why the direction matters, a linear critic $f(x) = w \cdot x$ shows. Shift the data by a vector $m$: its score difference is $w \cdot m$, and in the box $|w_i| \le c$ the best is
#
# $$\max_{|w_i| \le c} w \cdot m = c \sum_i |m_i| = c \, \|m\|_1 ,$$
#
# with all $|w_i|$ at the edge: the *sum of absolute* entries, where $W_1 = \|m\|_2$. A box reaches farther towards its corners than towards its sides, by the factor $\sqrt d$. That is the question from the beginning. Train two such critics, with $c = 0.01$:


# %% covers=["8.06"]
def linear_critic(m, c=0.01, moves=100):
    """Score difference of a trained, clipped linear f; data: samples shifted by m."""
    f, clip = nn.Linear(len(m), 1), objectives.clip_weights(c)
    opt = torch.optim.RMSprop(f.parameters(), lr=1e-3)
    for _ in range(moves):
        fake = torch.randn(64, len(m))
        loss = objectives.wasserstein.d_loss(f(fake + m), f(fake))
        opt.zero_grad()
        loss.backward()
        opt.step()
        clip(f)
    return -float(loss.detach())


# %% tags=["nbval-check-output"] covers=["8.06"]
torch.manual_seed(SEED)
linear = {}
for d in (2, 16, 100):
    along, across = (linear_critic(m) for m in (torch.eye(d)[0], torch.ones(d) / d**0.5))
    linear[d] = along, across
    print(f"d = {d:3}: axis {along:.4f}, diagonal {across:.4f}, ratio {across / along:.2f}")

# %% [markdown]
# <details><summary>The guess from the beginning</summary>
#
# **Ten times as much** (answer 2): $\sqrt{100}$. Both shifts have length 1, and the critic with clipped weights gives one of them ten times as much.
# </details>
#
# In the plane we can draw the formula for all directions; the distance from the centre is the score difference. Had we held $\|w\|_2$ instead, the critic would see them all alike:

# %% tags=["figure"] covers=["8.06"] alt="In the plane, the score difference for a shift of length one over its direction: for weights in a box a flower with four petals along the diagonals, for weights in a ball a circle inside it that touches it on the axes"
from gan_tutorial.lesson.figures.nb07 import draw_reach

angle = torch.linspace(0, 2 * math.pi, 361)
directions = torch.stack([angle.cos(), angle.sin()], dim=1)
in_box, in_ball = (directions * directions.norm(k, dim=1, keepdim=True) for k in (1, 2))
draw_reach(in_box, in_ball);

# %% [markdown]
# So "$W_1$ up to a constant factor" says too much. A clipped critic computes a distance of its own: how far apart the functions in *its* box can drive the means. It is zero if data and samples agree, never negative, and has a gradient: good enough to train with. But it is no multiple of $W_1$.

# %% [markdown]
# ## Deeper: how steep is a clipped critic?
#
# You compute two bounds on $K$ and compare them with the steepest slope that is found. To go on without it: [Is the critic's loss a distance?](#Is-the-critic's-loss-a-distance?)

# %% [markdown]
# How steep can a clipped network be? A layer $W$ stretches no vector by more than its [spectral norm](glossary.md#spectral-norm) $\|W\|_2$, which is at most the root of the sum of its squared entries; ReLUs bring no two numbers farther apart; and biases cancel in differences. So, with $n_l$ numbers going into layer $l$,
#
# $$\text{slope} \;\le\; K = \prod_l \|W_l\|_2 \;\le\; \prod_l c \sqrt{n_l\, n_{l+1}} .$$

# %% [markdown]
# ### Exercise 7.4 · How steep can it be?
#
# Given the weight matrices of a network with ReLUs between them, compute (1) the product of their spectral norms, and (2) what it cannot exceed if all weights are in $[-c, c]$: the product of $c \sqrt{n_{in}\, n_{out}}$.
#
# {{help}}


# %% tags=["exercise"] covers=["8.06"] topics=["spectral norm"]
def slope_bounds(weights, c):
    """(product of spectral norms, of c sqrt(n_in n_out)).  [(n_out, n_in)], c -> 2 numbers"""
    # solution
    spectral = math.prod(float(torch.linalg.matrix_norm(W, 2)) for W in weights)
    return spectral, math.prod(c * W.numel() ** 0.5 for W in weights)


# %%
slope_bounds = check("7.4", slope_bounds)

# %% [markdown]
# For the three critics of the first pair, beside the steepest slope that we find between data and samples:

# %% covers=["8.06"]
torch.manual_seed(SEED)
D = clipped["shift along an axis"]
x, fake = PAIRS["shift along an axis"](500 * SEEDS)
between = torch.lerp(x, fake, torch.rand(len(x), 1))
found = objectives.gradient_norm(D, between).detach().view(-1, SEEDS).max(0).values
layers = [[W[k].detach().T for W in D[0].weights] for k in range(SEEDS)]
spectral, worst = torch.tensor([slope_bounds(each, 0.1) for each in layers]).T
print("                            three seeds")
for name, values in (("c alone", worst), ("the spectral norms", spectral)):
    print(f"from {name:20}", "".join(f"{v:9.2f}" for v in values))
print("steepest slope we found  ", "".join(f"{v:9.2f}" for v in found))

# %% [markdown]
# Both bounds hold. The one that $c$ gives beforehand is more than three times too high. The spectral norms come nearer, but only the trained network has them, and they differ from seed to seed. So $c$ does not tell us $K$. (The paper says under which condition the score difference is $K \cdot W_1$: that the best $K$-Lipschitz function is among the critics. It calls this strong.)

# %%
ledger.add("F-W5", "steepest slope found / product of spectral norms", (0, 1),
           (found / spectral).max(), 0, "an upper bound")
ledger.add("F-W5", "product of norms / bound from c", (0, 1), (spectral / worst).max(), 0,
           "an upper bound")
ledger.add("F-W5", "bound from c / steepest slope found, least of three seeds", (3, 1000),
           (worst / found).min(), 0, "an upper bound", needs_training=True);

# %% [markdown]
# ## Is the critic's loss a distance?
#
# Two things are said in praise of a WGAN's critic. First, that it may be trained to its end: D has nothing to saturate, so G keeps its gradient. That is true ([below](#Deeper:-a-critic-trained-to-its-end)); in the classical game a D that has learned too well leaves G without one ([03](03_train_a_gan.ipynb)).
#
# Second, that its loss (minus the score difference) says how far the training has come. That can be checked in the plane, where the exact $W_1$ between two samples of 600 points takes no time. Eight Gaussians on a ring, three seeds, five moves of D per move of G, clipped at 0.1. At twenty moments we write down for each seed:
#
# - the critic's score difference, as it stands;
# - the same after 200 more moves of a *copy* of the critic, while G stands still;
# - the exact $W_1$ of the samples.


# %% covers=["8.08"]
from copy import deepcopy


def trained_on(D, G, objective, moves):
    """A copy of D after more moves against a G that stands still."""
    D = deepcopy(D)
    opt = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.9), fused=True)
    for _ in range(moves):
        with torch.no_grad():
            fake = G(torch.randn(96 * SEEDS, 2))
        opt.zero_grad()
        objective.d_loss(D(ring.sample(96 * SEEDS)), D(fake)).backward()
        opt.step()
        objective.project(D)  # clip
    return D


# %%
points = profile.pick(smoke=100, cpu=600, gpu=600)  # for the exact distance, of each seed


def estimate(D, x, fake):
    """Score difference of each of the critics in D."""
    with torch.no_grad():
        return (D(x) - D(fake)).view(-1, SEEDS).mean(0)


def three_numbers(game, objective, moves):
    """(as it stands, after more moves, exact W1), each (SEEDS,)"""
    n = points * SEEDS
    x, fake = ring.sample(n), game.sample(n, ema=False, batch_size=n)
    w1 = [divergences.empirical_w1(x[k::SEEDS], fake[k::SEEDS]) for k in range(SEEDS)]
    later = trained_on(game.D, game.G, objective, moves)
    return estimate(game.D, x, fake), estimate(later, x, fake), torch.stack(w1)


# %% covers=["8.08"]
from dataclasses import replace

clip = replace(objectives.wasserstein, project=objectives.clip_weights(0.1))
torch.manual_seed(SEED)
G = SideBySide(SEEDS, [2, 64, 64, 64, 2])
D = nn.Sequential(SideBySide(SEEDS, [2, 64, 64, 64, 1]), nn.Flatten(0))
clip.project(D)
samplers = lambda n: (ring.sample(n),), lambda n: torch.randn(n, 2)
adam = {"d_lr": 1e-3, "g_lr": 1e-3, "betas": (0.0, 0.9)}
ring_game = Game.with_adam(G, D, *samplers, **adam, seed=SEED)
history = []


# %%
def ring_now():
    """The first seed's samples, over data."""
    ax = plt.subplots(figsize=(3.4, 3.2))[1]
    ax.set_title(f"step {ring_game.step:,}")
    return figures.scatter2d(ax, ring.sample(300), ring_game.sample(300 * SEEDS)[::SEEDS])


# %% tags=["figure"] covers=["8.08"] alt="The eight modes of the data on a ring and the samples of the first seed, at the end of the training"
ring_steps = profile.pick(smoke=5, cpu=800, gpu=800)
more = profile.pick(smoke=3, cpu=200, gpu=200)  # moves of the copy
with profile.plan(ring_steps, about=20, done=ring_game.step) as plan:
    how = {"steps": plan.steps, "batch_size": 96 * SEEDS, "d_steps": 5}
    training = train(ring_game, clip, every=max(1, ring_steps // 20), **how)
    for step in plan.watch(training, show=ring_now):
        torch.manual_seed(step.n)
        history.append((step.n, *three_numbers(ring_game, clip, more)))

# %% tags=["figure"] covers=["8.08"] alt="Left: exact W1 over the steps, median and range of three seeds, falling towards the floor. Middle and right: the critics' score differences against exact W1 at the same looks, both axes logarithmic, as they stand and 200 moves later: on the whole they rise with W1, but they scatter and cross the dotted lines of constant ratio"
from gan_tutorial.lesson.figures.nb07 import draw_estimates

at, *columns = zip(*history, strict=True)
stands, ended, exact = (torch.stack(column) for column in columns)  # (looks, SEEDS)
torch.manual_seed(SEED)
pairs = [(ring.sample(points), ring.sample(points)) for _ in range(5)]
floor = float(np.mean([float(divergences.empirical_w1(u, v)) for u, v in pairs]))
estimated = {"as it stands": stands, "200 moves later": ended}
draw_estimates(at, exact, floor, estimated);

# %% [markdown]
# Left: the truth. In the middle and on the right, each mark is one look at one training, pale at its beginning and dark at its end. Were the estimate a constant times $W_1$, all marks of a panel would lie on one line, parallel to the dotted ones. In numbers (rank correlation: 1 if the order is the same, 0 if unrelated):

# %%
from scipy.stats import spearmanr


def show(name, values):
    print(f"{name:20}", "".join(f"{float(v):9.2f}" for v in values))


quarter = max(1, len(at) // 4)
fell, rank, unit = {}, {}, ended / exact
print("first quarter / last quarter of the training, three seeds")
for name, values in ({"exact W1": exact} | estimated).items():
    fell[name] = values[:quarter].mean(0) / values[-quarter:].mean(0)
    show(name, fell[name])
print("\nrank correlation with exact W1")
for name, values in estimated.items():
    seeds = zip(values.T, exact.T, strict=True)
    rank[name] = [float(spearmanr(*each).statistic) for each in seeds]
    show(name, rank[name])
print("\nscore difference 200 moves later / exact W1")
show("first look", unit[0])
show("last look", unit[-1])
print("\nshare of looks at which 200 more moves give a larger difference")
show("", (ended > stands).double().mean(0))

# %% [markdown]
# So, in what sense is it a distance?
#
# - Its *tendency* is right, over a training as a whole: both kinds of estimate fall with $W_1$, from the first quarter to the last. From one look to the next they are not to be trusted: the rank correlations lie between 0.4 and 0.8.
# - Its *unit* is not. Within a training the ratio to $W_1$ shrinks while $W_1$ falls, for each seed: finer differences are harder to see for a clipped critic.
# - And the critic is **late**. With five moves it is not near its end: at most looks 200 more moves give a larger difference. A log shows the critic's progress against a moving G as much as the distance.
# - Some values of `SEED` **lose** a training: under its samples the critic has gone flat, and no slope calls them back.
#
# And never compare critics with different bounds: from $c = 0.05$ to $0.2$ the score difference for one and the same G grows by a factor of tens at least ([below](#Deeper:-another-bound,-another-unit)).

# %% [markdown]
# ## Deeper: a critic trained to its end
#
# You see a minimax G lose its slope as D learns, and a WGAN's G keep it. To go on without it: [The laboratory](#The-laboratory:-a-clipped-critic-at-work).

# %% [markdown]
# Data are a Gaussian at 0, samples a Gaussian at 4, and G stands still. How large is the slope of G's loss at the samples, as D goes on learning?


# %% covers=["8.08"] topics=["saturation"]
def slopes_for_G(objective, looks):
    """Mean |slope of G's loss| at the samples after `looks` moves of D.  -> (looks, SEEDS)"""
    torch.manual_seed(SEED)
    D = nn.Sequential(SideBySide(SEEDS, [1, 64, 64, 1]), nn.Flatten(0))
    opt, slopes = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.9), fused=True), []
    for moves in range(1, looks[-1] + 1):
        x, fake = 0.5 * torch.randn(64 * SEEDS, 1), 4 + 0.5 * torch.randn(64 * SEEDS, 1)
        opt.zero_grad()
        objective.d_loss(D(x), D(fake)).backward()
        opt.step()
        if objective.project:
            objective.project(D)
        if moves in looks:
            fake.requires_grad_()
            (slope,) = torch.autograd.grad(objective.g_fake(D(fake)).sum(), fake)
            slopes.append(slope.abs().view(-1, SEEDS).mean(0))
    return torch.stack(slopes)


# %% covers=["8.08"]
looks = (10, 30, 100, 300, 1_000)
looks = profile.pick(smoke=(1, 3, 10), cpu=looks, gpu=looks)
two = {"minimax": objectives.minimax, "wgan": clip}
with profile.plan(steps=2 * looks[-1], about=3):
    to_the_end = {name: slopes_for_G(objective, looks) for name, objective in two.items()}

# %% tags=["figure"] covers=["8.08"] alt="The slope of G's loss over the moves of D, both axes logarithmic, three seeds each: for minimax it falls to less than a tenth, for the clipped critic it ends higher than it began"
from gan_tutorial.lesson.figures.nb07 import draw_slopes_for_g

draw_slopes_for_g(looks, to_the_end);

# %% [markdown]
# As D learns, a minimax G learns less, a WGAN's G more, up to the limit that clipping sets. The critic has nothing to saturate and may be trained to its end. (The non-saturating loss is another cure, of course, and needs no clipping.)

# %%
first, *_, last = to_the_end["minimax"]
ledger.add("8.08", "minimax: slope for G, last / first look, largest", (0, 0.1),
           (last / first).max(), 0, "saturation", needs_training=True)
first, *_, last = to_the_end["wgan"]
ledger.add("8.08", "clipped: slope for G, last / first look, least", (1, 100),
           (last / first).min(), 0, "no saturation", needs_training=True);

# %% [markdown]
# ## Deeper: another bound, another unit
#
# You train new critics with other bounds against one and the same G, and see their numbers drift apart by orders of magnitude. To go on without it: [The laboratory](#The-laboratory:-a-clipped-critic-at-work).

# %% [markdown]
# Three bounds, and everything else equal: the trained generator stands still, and a new critic learns for each bound, with 600 moves. The last row repeats what the old critic said at the end, 200 moves later.

# %% covers=["8.08", "8.06"]
torch.manual_seed(SEED)
n = 600 * SEEDS
x, fake = ring.sample(n), ring_game.sample(n, ema=False, batch_size=n)
moves = profile.pick(smoke=3, cpu=600, gpu=600)
print("exact W1                  ", "".join(f"{v:10.4f}" for v in exact[-1]))
by_c = {}
for c in (0.05, 0.1, 0.2):
    bounded = replace(objectives.wasserstein, project=objectives.clip_weights(c))
    torch.manual_seed(SEED)
    fresh = nn.Sequential(SideBySide(SEEDS, [2, 64, 64, 64, 1]), nn.Flatten(0))
    bounded.project(fresh)
    by_c[c] = estimate(trained_on(fresh, ring_game.G, bounded, moves), x, fake)
    print(f"c = {c:4}: score difference", "".join(f"{v:10.4f}" for v in by_c[c]))
print("c =  0.1, the old critic  ", "".join(f"{v:10.4f}" for v in ended[-1]))

# %% [markdown]
# With four layers, the best critic of twice the $c$ has at most $2^4 = 16$ times the score difference: take it, halve its weights, divide the biases of layer $l$ by $2^l$, and you have a critic of the smaller box that is a 16th as high. From $c = 0.05$ to $0.2$ that allows $16^2 = 256$. What we trained are not the best critics: one with small weights has farther to go, so
# the ratio of two trained ones can be larger than that, and with each seed it is tens at least. So never compare critics with different bounds. And compare the row of $c = 0.1$ with the last one: even with the same bound and the same G, two critics do not agree. Where a clipped critic ends depends on where it began, and on its patience.

# %%
ledger.add("8.08", "c = 0.2 against c = 0.05: ratio of the differences, least", (20, 1e5),
           (by_c[0.2] / by_c[0.05].clamp(min=1e-6)).min(), 0, "best critics: at most 256",
           needs_training=True)
apart = (by_c[0.1] / ended[-1].clamp(min=1e-3)).log().abs().exp()
ledger.add("8.08", "two critics with c = 0.1, ratio of their differences, largest", (1.2, 1e4),
           apart.max(), 0, "three seeds", needs_training=True);

# %% [markdown]
# ## The laboratory: a clipped critic at work
#
# The same kind of game to play with in the live notebook ([00](00_start_here.ipynb) shows the buttons): eight modes on a ring, weights clipped at 0.1. The stored picture is an early one: most samples lie on a line and miss most modes. Guess first, then play:
#
# 1. `D is held by`: nothing. What happens to the slope of D?
# 2. Back to `clip`. Pull `bound or weight` to 0.3, then to 0.05, and wait a little each time. Compare D's loss with $W_1$ (the black line and its floor): do they change together?
# 3. `who moves`: only D. When does D's loss come to rest? Is that its end?

# %% tags=["widget"] alt="The laboratory with a clipped critic: left the ring of eight modes, samples and the critic's score as a coloured field, right the losses of both players over the steps"
from gan_tutorial.lesson.laboratory import laboratory

laboratory(objective="wgan", still=profile.pick(smoke=5, cpu=400, gpu=400))

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) It grows and grows, and the score difference with it: without a bound no critic is the best one. (2) No. The unit of D's loss depends on the bound, that of $W_1$ does not. (3) Sooner or later it stops changing, where no step leads higher within the box. Another start or another box may give another end.
# </details>

# %% [markdown]
# ## Hands-on: a WGAN on FashionMNIST
#
# G and D are two small perceptrons; five moves of D per step; weights in $[-0.01, 0.01]$, as in the paper. Now and then we compute, beside the critic's score difference, the exact $W_1$ between 500 samples and 500 test images, each a point with 784 coordinates, and its floor.

# %%
from gan_tutorial.clothes import recipes, score
from gan_tutorial.clothes.data import fashion_mnist, to_unit

torch.set_num_threads(threads)
images = fashion_mnist(profile.device)
figures.use_style(images.notice)
held_out, others = to_unit(images.test_images[:1_000]).cpu().split(500)
image_floor = float(divergences.empirical_w1(others, held_out))

# %%
game = recipes.fashion_game(images, recipes.mlp, lr=5e-4, seed=SEED)
torch.manual_seed(SEED)
fixed = game.latent(16)
critic_says, exact_says, film = [], [], []
image_steps = profile.pick(smoke=10, cpu=1_000, gpu=5_000)
moments = {max(5, 5 * round(image_steps * part / 5)) for part in (0.02, 0.12, 0.25, 0.5, 1)}
measure_every = max(5, image_steps // 20)

# %% tags=["figure"] alt="Sixteen samples at the end of the training: clothes, blurred and grainy"
look = lambda: figures.image_grid(game.ema(fixed), title=f"step {game.step:,}")  # noqa: E731
with profile.plan(image_steps, about=30, gpu=30, done=game.step) as plan:
    training = train(game, objectives.wgan, steps=plan.steps, d_steps=5, every=5)
    for step in plan.watch(training, show=look):
        critic_says.append((step.n, -step.d_loss))
        if step.n % measure_every == 0:
            torch.manual_seed(SEED)
            drawn = game.sample(500, ema=False).cpu()
            exact_says.append((step.n, float(divergences.empirical_w1(drawn, held_out))))
        if step.n in moments:
            film.append((step.n, game.ema(fixed).cpu()))

# %% tags=["figure"] covers=["8.09"] alt="Sixteen samples from the same latents at five moments, from grey patches to clothes"
figures.film_strip([f for _, f in film], [f"{n:,} steps" for n, _ in film]);

# %% tags=["figure"] covers=["8.09", "8.08"] alt="Over the steps. Left: the critic's score difference, with much jitter, and lower in the last fifth than in the first. Right: the exact W1 of 500 pictures falls at first and ends close to the floor"
from gan_tutorial.lesson.figures.nb07 import draw_two_curves

at, differences = zip(*critic_says, strict=True)
looked, distances = zip(*exact_says, strict=True)
draw_two_curves(at, torch.stack(differences), looked, distances, image_floor);

# %% covers=["8.09"]
torch.manual_seed(SEED)
many = profile.pick(smoke=500, cpu=5_000, gpu=5_000)
live_ffd = score.ffd(game.sample(many))
print(f"FFD of {many:,} samples {live_ffd:.1f}; "
      f"of {many:,} training images {score.ffd(images.train_images[:many]):.2f}")
fifth = max(1, len(differences) // 5)
ends = differences[:fifth], differences[-fifth:]
early, late = (float(torch.stack(part).mean()) for part in ends)
print(f"critic's difference: {early:.3f} in the first fifth, {late:.3f} in the last")
print(f"exact W1: {distances[0]:.2f} at the first look, {distances[-1]:.2f} at the end; "
      f"floor {image_floor:.2f}")

# %% [markdown]
# Grey patches become clothes, and the critic's difference gets smaller, with much jitter: as a *tendency* it is worth watching. The exact distance falls at the beginning, while the patches turn into outlines. In the second half of the training it moves by less than a tenth, close to its floor, while the film goes on changing: with 500 points in 784 dimensions it measures the floor and little else. Neither curve is the quality of the pictures. [FFD](00_start_here.ipynb#What-we-measure), a distance in the features of a classifier, is closer to it: smaller is better.
#
# One training says little; six longer ones are recorded in the next section, two bounds with three seeds each. None failed, and that is what people liked about the WGAN: it trains. And the bound matters: the worst seed with $c = 0.03$ ends with a better FFD than the best one with the paper's $c = 0.01$. No theory of transport says which $c$ to take.

# %% [markdown]
# ## Deeper: more than one seed
#
# You compare six recorded trainings, in numbers and in pictures, and look how steep the critic of pictures is. To go on without it: [The ledger](#The-ledger).

# %% [markdown]
# The following was recorded beforehand: the same networks and step size, two bounds, three seeds each, and 3,000 steps. (The paper uses RMSprop with a step size of 0.00005; its code even gives D 100 moves in each of the first 25 steps and in every 500th. Ours is Adam without momentum, which is RMSprop with a corrected start and, at its usual setting, a longer memory, and a ten times larger step; D has five moves throughout.)

# %% covers=["8.09"]
from gan_tutorial.clothes import recordings

recording = recordings.load("07_clipping")
print(recording.about)
for name in recording.settings:
    print(f"\n{name}   steps " + "".join(f"{n:8,}" for n in recording.steps(name)))
    for seed, row in enumerate(recording.ffd(name)):
        print(f"   seed {seed}, FFD " + "".join(f"{v:8.1f}" for v in row))

# %% tags=["figure"] covers=["8.09"] alt="Left: FFD over the steps, three seeds for each bound: mixed up to 1,000 steps, and at the end all three of the wide bound below all three of the narrow one. Middle and right: 48 samples of each bound: clothes with both"
from gan_tutorial.lesson.figures.nb07 import draw_bounds

draw_bounds(recording);

# %% covers=["8.09"]
kinds = {}
for name in recording.settings:
    drawn = np.concatenate([recording.samples(name, seed) for seed in range(3)])
    shares = score.class_histogram(torch.from_numpy(drawn)).tolist()
    kinds[name] = dict(zip(images.classes, shares, strict=True))
    listed = ", ".join(f"{label} {share:.0%}" for label, share in kinds[name].items())
    print(f"{name}, {len(drawn)} samples: {listed}")

# %% [markdown]
# What the six trainings say:
#
# - **None of them failed**: at the end all six have an FFD below 30, and the three seeds of a bound are within about a point of each other. Compare that with some rows of [notebook 06](06_choose_a_divergence.ipynb).
# - **The bound matters.** After 1,000 steps the seeds of the two bounds are mixed. From there on each seed of the narrow bound gains less than a fifth, each of the wide one more than that, and at the end the worst seed of the wide bound is better than the best seed of the other.
# - **The pictures** are clothes, with both. Compare their outlines and their grain: what does the wider bound allow? All ten classes occur, by our classifier, with both bounds; sandals are the rarest with both, at most 3 % where the data have 10 %.
#
# So $c$ is a setting that has to be found by trial, for these networks. (And in long trainings exact $W_1$ between 500 samples and 500 pictures may even get *below* its floor: samples that are a little too smooth lie closer to all pictures than pictures do to one another.) Notebook 08 looks at why: what a bound on weights does to a critic, and what to bound instead. How steep is the critic of the live training?

# %%
torch.manual_seed(SEED)
real, fake = to_unit(images.test_images[:500]), game.sample(500)
u = torch.lerp(real, fake, torch.rand(500, 1, 1, 1, device=game.device))
measured = float(objectives.gradient_norm(game.D, u).max().detach())
layers = [w.detach().cpu() for w in game.D.parameters() if w.dim() == 2]
from_norms, from_c = slope_bounds(layers, 0.01)
print(f"from c {from_c:.3f}; from the norms {from_norms:.3f}; steepest found {measured:.3f}")

# %%
row = lambda *fact: ledger.add("8.09", *fact)  # noqa: E731
narrow, wide = (recording.ffd(name) for name in recording.settings)
looked_at = list(recording.steps("c = 0.01")).index(1_000)
early_narrow, early_wide = narrow[:, looked_at], wide[:, looked_at]
narrow, wide = narrow[:, -1], wide[:, -1]
row("recorded FFD at the end, worst", (0, 30), max(narrow.max(), wide.max()), 0,
    "three seeds, two bounds")
row("recorded FFD: best seed of c = 0.01 - worst of c = 0.03", (1, 30),
    narrow.min() - wide.max(), 0, "three seeds each")
row("recorded FFD at the end: seeds of a bound apart by at most", 0,
    max(np.ptp(narrow), np.ptp(wide)), 1.2, "three seeds each")
mixed = early_narrow.min() < early_wide.max() and early_wide.min() < early_narrow.max()
row("recorded FFD after 1,000 steps: the ranges of the bounds overlap", 1, mixed, 0,
    "three seeds each")
row("recorded FFD, c = 0.01: end / 1,000 steps, least", (0.8, 1),
    (narrow / early_narrow).min(), 0, "three seeds")
row("recorded FFD, c = 0.03: end / 1,000 steps, largest", (0, 0.8),
    (wide / early_wide).max(), 0, "three seeds");

# %%
rare = [min(shares, key=shares.get) for shares in kinds.values()]
row("recordings: bounds whose rarest class is the sandal", 2, rare.count("Sandal"), 0,
    "our classifier")
row("recordings: classes that occur, least", 10,
    min(sum(v > 0 for v in shares.values()) for shares in kinds.values()), 0, "our classifier")
row("recordings: share of sandals, largest", (0, 0.035),
    max(shares["Sandal"] for shares in kinds.values()), 0, "our classifier");

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, and what we measured. The deeper sections have added theirs.

# %%
says = {"W1": "Two lines 0.7 apart: W1 is 0.7.", "JS": "Their JS is log 2."}
for name, value in {"W1": 0.7, "JS": math.log(2), "TV": 1, "KL": math.inf}.items():
    for t, is_it, said in ((0.7, value, says.get(name, "")), (0.0, 0, "")):
        ledger.add("F-W1", f"two lines, theta = {t:g}: {name}", is_it, at_lines[t][name], 1e-9,
                   "Arjovsky et al. 2017, example 1", says=said)

# %%
ledger.add("F-W3", "the mounds: earned - cost", 0, earned - move.cost, 1e-9, "duality",
           says="Score difference of the best critic, minus the work of the best plan.")
ledger.add("F-W3", "steepest slope of the best critic", 1, steepest, 1e-9, "1-Lipschitz")
ledger.add("8.07", "by hand - package, G's weights after 10 steps", 0, largest, 1e-6,
           "one algorithm",
           says="WGAN by hand and the package's: largest difference of G's weights.");

# %%
along, across = linear[100]
ledger.add("F-W5", "linear critic, c = 0.01, shift by 1 along an axis", 0.01, along, 1e-4,
           "c |m|_1")
ledger.add("F-W6", "linear critic, d = 100: diagonal / axis", 10, across / along, 0.01,
           "sqrt(d)", says="Clipped linear critic in 100 dimensions: diagonal / axis shift.")
ledger.add("8.06", "split: the critic |x . a| earns, W1 is at most 1", 0.92,
           1 - 0.1 * (2 / math.pi) ** 0.5, 0.005, "E|N(0, 0.1^2)|");

# %%
from functools import partial

seeds = partial(ledger.add, tolerance=0, source="three seeds", needs_training=True)
seeds("F-W6", "largest / smallest estimate of equal distances", (3, 10), factor,
      says="Clipped critics, equal distances: largest / smallest estimate.")
shift, split = ([estimates[f"{shape} along {way}"] for way in ("the diagonal", "an axis")]
                for shape in ("shift", "split"))
along = zip(shift, split, strict=True)
ratios = [shift[0] / shift[1], split[0] / split[1], *(a / b for a, b in along)]
seeds("F-W6", "more along the diagonal, more for a shift: smallest ratio, all seeds", (1, 100),
      torch.stack(ratios).min());

# %%
shown = partial(ledger.add, tolerance=0, source="three seeds", shown_only=True)
for name, values in rank.items():
    claim = f"rank correlation with W1, {name}"
    shown("8.08", f"{claim}, least of three", (0.4, 0.8), min(values))
    shown("8.08", f"{claim}, largest of three", (0.4, 0.8), max(values))
shown("8.08", "score difference / W1, start / end, least", (1.5, 1000),
      (unit[0] / unit[-1]).min(),
      says="In one training, estimate / exact W1: first look / last look, least.");

# %%
for name, values in fell.items():
    claim = f"first / last quarter of the training, {name}, median of three"
    seeds("8.08", claim, (1.2, 1000), values.median())

# %%
seeds("8.08", "looks at which 200 more moves give a larger difference, median share of three",
      (0.5, 1), (ended > stands).double().mean(0).median())
seeds("8.08", "W1 at the end, median of three",
      (floor, ring.radius), exact[-1].median())  # the radius: all in the middle
seeds("8.08", "W1 at the end, largest of three", (floor, math.inf), exact[-1].max());

# %%
one = partial(ledger.add, "8.09", source="one seed", needs_training=True)
half, end = distances[len(distances) // 2 :], distances[-1]
one("FFD of the live training", (0, 60), live_ffd, 0, says="FFD of the live WGAN.")
one("critic's difference, first fifth / last fifth", (1.2, 100), early / late, 0)
one("exact W1 of pictures, first look / last", (1.1, 10), distances[0] / end, 0)
one("exact W1 of pictures, second half: largest / least", (1, 1.1), max(half) / min(half), 0)
one("exact W1 of pictures, last look / floor", 1, end / image_floor, 0.15,
    says="Exact W1 of 500 samples and 500 pictures at the end, over its floor.");

# %%
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - $W_1$ is the work of the best plan, mass times way. It sees *how far*, also where supports do not meet.
# - It is also the largest score difference of a critic with slope at most one. The best critic falls with slope one along the way of the plan; G follows it back, and its slope does not die away when the critic gets good.
# - A WGAN's critic is a network with clipped weights. What it computes is a distance of its own: not $W_1$ up to a constant. Its unit changes with $c$, the layers, the direction, and in the course of training.
# - Its loss is worth watching for its tendency. Compare it with itself only, with enough moves of D, and look at samples.
# - From samples in high dimensions the exact $W_1$ is mostly its own floor.
#
# What clipping does to a critic, and a better way to hold the slope: [notebook 08](08_penalise_the_gradient.ipynb).

# %% [markdown]
# ## Deeper: in practice, and further reading
#
# You see what is used today, and where to read on. Everything that you need for notebook 08 is in [What to keep](#What-to-keep).

# %% [markdown]
# - *Clipping has gone out of use.* The gradient penalty of notebook 08, or dividing each layer by its spectral norm, hold the slope itself. (R1, also popular, does not: it asks D to be flat on the data, and leaves it free elsewhere.)
# - *Computing $W_1$*: `scipy.stats.wasserstein_distance` on the line; the library POT for plans, as our `transport` does; with an entropy term (Sinkhorn) it becomes fast and differentiable, and biased in a known way.
# - *WGANs work, but not because their critics compute $W_1$.* Measured carefully, they are poor estimates, and better estimates do not make better pictures (Stanczuk et al. 2021, Mallasto et al. 2019). What helps seems to be a critic whose slope is bounded.
# - *Transport came back*: flow matching learns a flow that carries noise to data, and rectified flows make its ways straight.
#
# To read:
#
# - [Arjovsky, Chintala & Bottou 2017, Wasserstein GAN](https://arxiv.org/abs/1701.07875): the two lines, the algorithm, and "clipping is a clearly terrible way".
# - [Peyré & Cuturi 2019, Computational optimal transport](https://arxiv.org/abs/1803.00567): the linear programs, Sinkhorn, and much more.
# - [Fournier & Guillin 2015](https://arxiv.org/abs/1312.2128) and [Weed & Bach 2019](https://arxiv.org/abs/1707.00087): how fast samples approach their distribution, and why slowly in high dimensions.
# - [Sriperumbudur et al. 2009, On integral probability metrics](https://arxiv.org/abs/0901.2698): the other families.
# - [Gretton et al. 2012, A kernel two-sample test](https://jmlr.org/papers/v13/gretton12a.html): MMD.
# - [Gneiting & Raftery 2007, Strictly proper scoring rules](https://doi.org/10.1198/016214506000001437): forecasts for which honesty is best.
# - [Mallasto et al. 2019, How well do WGANs estimate the Wasserstein metric?](https://arxiv.org/abs/1910.03875): not well.
# - [Stanczuk et al. 2021, Wasserstein GANs work because they fail](https://arxiv.org/abs/2103.01678).
