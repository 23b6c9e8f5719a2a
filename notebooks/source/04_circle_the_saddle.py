# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 · Circle the saddle: two players who both do the right thing, and never arrive
#
# **What you'll do.** You take the smallest game there is, $V(x, y) = xy$, find out why its players
# circle instead of settling, try eight ways to make them settle, and then find the same circle inside
# a real GAN.
#
# **What you'll learn**
#
# - why a step downhill for each player need not be a step towards the end of the game
# - to say, before running anything, by what factor a rule grows or shrinks per step
# - to read the eigenvalues of a game: what turns, what settles, which step size is too large
# - what a penalty, an average or a look ahead does about it
#
# **What you'll need.** Notebook 02 (the game), complex numbers as points of the plane, and what an
# eigenvalue is. No data set.
#
# **Time.** An hour to read and play; Run All takes {{time}}.

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import torch

from gan_tutorial.game import objectives
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.figures import COLORS, film_strip, use_style
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth import saddle

torch.set_num_threads(1)  # all networks here are tiny: a second thread would only wait
use_style()
profile = choose(PROFILE)

# %% [markdown]
# ## Guess first
#
# Two players share one number, $V = xy$. The first chooses $x$ and wants $V$ small; the second
# chooses $y$ and wants $V$ large. They begin at $x = 1$, $y = 0$, a distance of 1 from $(0, 0)$. Again
# and again both look at the slope of $V$ in their own number, and both move by 0.1 times that slope,
# each the way they want, at the same time.
#
# How far from $(0, 0)$ are they after 1,000 steps?
#
# 1. almost at $(0, 0)$
# 2. still at a distance of about 1
# 3. farther than 100
#
# Settle on an answer. We will count in the section "By hand".

# %% [markdown]
# ## One picture: to descend, and to play
#
# First, what you are used to: *one* player, who goes downhill. On the left is a landscape
# $f(x, y) = (x^2 - 1)^2 + y^2 + 0.3\,x$ with two valleys, and four walks that follow its slope. On the
# right is $V = xy$, on which one player goes down in $x$ and the other goes up in $y$.

# %%
def descend(x, y, steps=400, eta=0.02):
    """Gradient descent on f; where it has been."""
    path = [(x, y)]
    for _ in range(steps):
        x, y = x - eta * (4 * x * (x**2 - 1) + 0.3), y - eta * 2 * y
        path.append((x, y))
    return np.array(path)


ridge = np.sort(np.roots([4, 0, -4, 0.3]))[1]  # where f has no slope in x, between the valleys
walks = [descend(x, y) for x, y in [(-1.6, 1.2), (0.5, 1.3), (1.7, -1.0), (ridge, -1.3)]]

# %% tags=["figure"] alt="Left: contour lines with two valleys; three walks end at the bottom of a valley, one on the pass between them. Right: a saddle-shaped surface with a circular path around its centre" covers=["5.01", "5.03"]
x, y = np.meshgrid(np.linspace(-2, 2, 161), np.linspace(-1.6, 1.6, 161))
fig = plt.figure(figsize=(8.6, 3.6))
left = fig.add_subplot(1, 2, 1)
right = fig.add_subplot(1, 2, 2, projection="3d", computed_zorder=False)
height = (x**2 - 1) ** 2 + y**2 + 0.3 * x
left.contour(x, y, height, 18, colors=COLORS["guide"], linewidths=0.5)
for path in walks:
    left.plot(*path.T, color=COLORS["data"])
    left.plot(*path[-1], "o", color=COLORS["truth"], markersize=6)
left.set(xlabel="x", ylabel="y", title="one player: every walk ends")
square = np.meshgrid(np.linspace(-1.2, 1.2, 13), np.linspace(-1.2, 1.2, 13))
look = {"cmap": "coolwarm", "alpha": 0.75, "rcount": 13, "ccount": 13, "linewidth": 0}
right.plot_surface(*square, square[0] * square[1], **look)
turn = saddle.circle((1.0, 0.0), np.linspace(0, 2 * np.pi, 200))
right.plot(*turn.T, turn[:, 0] * turn[:, 1], color=COLORS["truth"], linewidth=2)
right.plot([0], [0], [0], "o", color=COLORS["truth"], markersize=6)
right.set(xlabel="x goes down", ylabel="y goes up", title="two players: this one does not")
right.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1), zticks=(-1, 0, 1))
right.view_init(28, -62)
plt.show()

# %% [markdown]
# On the left every walk comes to rest. Not always at the best place: two end in the upper valley, the
# right one (a *local minimum*), and one, started exactly on the ridge, on the pass between them
# (a *saddle point*). But they end, because each (small) step lowers the same number $f$.
#
# On the right no number is lowered by every step. What $x$ wins, $y$ takes back. The path that both
# draw together, in black, goes round the saddle and comes back to where it began. **A
# walk may end at the wrong place; a game may not end at all.**

# %% [markdown]
# ## The circle (Exercise 2 of the NIPS tutorial)
#
# Goodfellow's tutorial asks two questions about $V(x, y) = xy$: does this game have an equilibrium,
# and what path do the players follow if their steps are infinitely small? Try both on paper before
# you open the answers.
#
# <details><summary>Is there an equilibrium?</summary>
#
# An equilibrium is a point where neither player gains by moving *alone*. At $(0, 0)$: if only $x$
# moves, $V = x \cdot 0 = 0$ as before; if only $y$ moves, $V = 0 \cdot y = 0$ as before. So $(0, 0)$ is
# an equilibrium. There is no other: if $y \neq 0$, then $x$ gains by moving towards $-\infty$ or
# $+\infty$, and if $x \neq 0$, then $y$ does.
# </details>
#
# <details><summary>What is the path?</summary>
#
# With infinitely small steps, $x$ goes down its slope and $y$ goes up its own:
#
# $$\frac{dx}{dt} = -\frac{\partial V}{\partial x} = -y, \qquad
#   \frac{dy}{dt} = +\frac{\partial V}{\partial y} = x.$$
#
# Take the derivative of the second and put in the first: $y'' = x' = -y$. A function whose second
# derivative is its own negative is a sinusoid, and with the values at $t = 0$ we get
#
# $$x(t) = x_0 \cos t - y_0 \sin t, \qquad y(t) = x_0 \sin t + y_0 \cos t.$$
#
# This is the starting point turned by the angle $t$: a circle. One also sees it without solving:
# the squared distance $x^2 + y^2$ changes at the rate $2x(-y) + 2y(x) = 0$.
# </details>
#
# We need not believe the algebra. Let a solver for differential equations follow the slopes, knowing
# nothing of sinusoids, and lay the formula over it.

# %% covers=["5.02", "5.04"]
from scipy.integrate import solve_ivp

start = np.array([1.0, 0.5])
times = np.linspace(0, 4 * np.pi, 241)  # twice round
exactly = {"t_eval": times, "rtol": 1e-10, "atol": 1e-12}
solved = solve_ivp(lambda t, w: [-w[1], w[0]], (0, times[-1]), start, **exactly).y.T
formula = saddle.circle(start, times)
radius = np.linalg.norm(solved, axis=1)
circle_error = abs(solved - formula).max()
print(f"largest difference between solver and formula below 1e-8: {circle_error < 1e-8}")
print(f"distance from (0, 0): from {radius.min():.6f} to {radius.max():.6f}")

# %% tags=["figure"] alt="Left: x and y over time, two shifted sinusoids, solver and formula on top of each other. Right: the circle in the plane, with arrows along it"
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.1), width_ratios=(2, 1))
for i, (name, role) in enumerate([("x", "G"), ("y", "D")]):
    thick = {"color": COLORS[role], "linewidth": 4, "alpha": 0.35}
    thin = {"color": COLORS[role], "linewidth": 1.4, "linestyle": "--"}
    left.plot(times, solved[:, i], label=f"{name}, solver", **thick)
    left.plot(times, formula[:, i], label=f"{name}, formula", **thin)
left.set(xlabel="time t", ylabel="x and y", xlim=(0, times[-1]), ylim=(-1.3, 1.8))
left.set_title("each player, over time")
left.legend(ncols=4, loc="upper right")
at = np.linspace(-1.5, 1.5, 9)
grid = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
arrows = (grid @ saddle.ROTATION.T).T
right.quiver(*grid.T, *arrows, color=COLORS["guide"], alpha=0.5, width=0.006)
right.plot(*solved.T, color=COLORS["data"])
right.plot(*start, "o", color=COLORS["truth"])
right.set(aspect="equal", xlabel="x", ylabel="y", title="both, in the plane")
plt.show()

# %% [markdown]
# Left: solver and formula lie on each other, and after a time of $2\pi$ everything repeats. Each
# player, seen alone, swings for ever: when $x$ has made $V$ small, $y$ has turned the sign round, and
# $x$ has to run back. Right: the arrows, $(-y, x)$, say where *both* want to go. They are everywhere at
# right angles to the way to the centre.

# %% [markdown]
# ## By hand: steps of finite size
#
# A computer takes steps of a size $\eta > 0$ (*eta*, the learning rate). If both players look first
# and then both move, the step is called *simultaneous*. If $x$ moves first and $y$ sees the new $x$, it
# is called *alternating*. The difference is one line:

# %%
def simultaneous(x, y, eta):
    return x - eta * y, y + eta * x


def alternating(x, y, eta):
    x = x - eta * y
    return x, y + eta * x  # the new x


def walk(rule, eta, steps, x=1.0, y=0.0):
    path = [(x, y)]
    for _ in range(steps):
        path.append(rule(*path[-1], eta))
    return np.array(path)  # (steps + 1, 2)


# %% tags=["nbval-check-output"]
for rule in (simultaneous, alternating):
    x, y = walk(rule, 0.1, 1000)[-1]
    print(f"{rule.__name__:13} after 1,000 steps of 0.1: distance {np.hypot(x, y):.2f}")

# %% [markdown]
# <details><summary>And the guess?</summary>
#
# Answer 3 for the players of the question, who step simultaneously: they are at a distance of about
# 145, and getting away faster and faster. Had they taken turns, answer 2 would have been right.
# </details>
#
# Why outward? The arrow $(-y, x)$ touches the circle. Whoever goes *straight* along a tangent, however
# short the step, leaves the circle on the outside. With the theorem of Pythagoras:
#
# $$(x - \eta y)^2 + (y + \eta x)^2 = (1 + \eta^2)\,(x^2 + y^2),$$
#
# so **every simultaneous step makes the distance grow by the factor $\sqrt{1 + \eta^2}$**, wherever we
# are. Next come paths for three step sizes, and the distances on a logarithmic scale, on which this
# formula is a straight line.

# %% tags=["figure"] alt="Three spirals that wind outward, faster for larger steps; on the right their distances from the centre grow as straight lines on a logarithmic scale, exactly on the dashed formula, while the alternating path stays level" covers=["5.05"]
fig, axes = plt.subplots(1, 4, figsize=(10, 2.9), width_ratios=(1, 1, 1, 1.7))
right, roles = axes[3], ("data", "second", "model")
for ax, eta, role in zip(axes, (0.05, 0.1, 0.3), roles, strict=False):
    path = walk(simultaneous, eta, 150)
    ax.plot(*path.T, ".-", color=COLORS[role], markersize=3, linewidth=0.8)
    ax.plot(0, 0, "+", color=COLORS["truth"])
    ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="x", title=f"$\\eta$ = {eta}")
    look = {"color": COLORS[role], "linewidth": 3, "alpha": 0.5}
    right.plot(np.linalg.norm(path, axis=1), label=f"$\\eta$ = {eta}", **look)
    right.plot((1 + eta**2) ** (np.arange(151) / 2), "--", color=COLORS["truth"], linewidth=1)
level = np.linalg.norm(walk(alternating, 0.3, 150), axis=1)
right.plot(level, color=COLORS["D"], label="alternating, 0.3")
axes[0].set_ylabel("y")
right.set(yscale="log", xlabel="step", ylabel="distance from (0, 0)")
right.set_title("dashed: the formula")
right.legend(loc="upper left")
plt.show()

# %% [markdown]
# All three spiral outward; only the green one, which takes turns, stays level. The left one hardly seems
# to spiral, but its straight line is only less steep. How many steps until the distance has doubled?

# %% tags=["nbval-check-output"]
print("  eta   steps until doubled    growth per turn")
for eta in (1, 0.5, 0.2, 0.1, 0.05, 0.01):
    factor = np.sqrt(1 + eta**2)
    per_turn = factor ** (2 * np.pi / np.arctan(eta))  # a step turns by the angle atan(eta)
    print(f"{eta:5}   {np.log(2) / np.log(factor):19.2f}   {per_turn:16.4f}")

# %% [markdown]
# The slide of the tutorial says here: "Discrete time gradient descent can spiral outward for large
# step sizes." That is true, and easily misread. Read it as: **simultaneous steps spiral outward for
# every step size; with small ones it only takes longer** (about $1.4/\eta^2$ steps to double). No step
# size is small enough, and one that shrinks brings nobody nearer. What helps is another rule.
#
# ### Why taking turns keeps the players in bounds
#
# Alternating steps keep a number for ever:
#
# $$x^2 + y^2 - \eta\,x y .$$
#
# For $\eta < 2$ the points where this has a given value form an ellipse, so the path can neither leave
# nor arrive. (To check it by hand: put $x - \eta y$ and $y + \eta(x - \eta y)$ in, and everything
# else cancels.) It lives between two distances that we know: from $(1, 0)$, between
# $1/\sqrt{1 + \eta/2}$ and $1/\sqrt{1 - \eta/2}$.

# %% tags=["nbval-check-output"]
long = walk(alternating, 0.5, 20_000)
kept = saddle.invariant(long, 0.5)
sizes = np.linalg.norm(long, axis=1)
far = np.linalg.norm(walk(alternating, 2.1, 20)[-1])
print("20,000 alternating steps of 0.5:")
print(f"x^2 + y^2 - 0.5 xy moved by less than 1e-11: {np.ptp(kept) < 1e-11}")
print(f"distance: from {sizes.min():.4f} to {sizes.max():.4f}")
print(f"theory:   from {1 / np.sqrt(1.25):.4f} to {1 / np.sqrt(0.75):.4f}")
print(f"and with steps of 2.1, which are too large: {far:.0f} after 20")

# %% [markdown]
# ## With the package: a rule is a matrix
#
# Both rules are linear: the new $(x, y)$ is a matrix times the old one. A linear map, applied again
# and again, in the long run grows per step by the largest $|\lambda|$ among its *eigenvalues*
# $\lambda$ (the *spectral radius*). Above 1 the path leaves, below 1 it arrives, at 1 (if no two
# eigenvalues coincide there) it stays. The complex angle of $\lambda$ is by how much a step turns.
#
# For the simultaneous step we can do it by hand: the matrix is
# $\begin{pmatrix} 1 & -\eta \\ \eta & 1 \end{pmatrix}$, its eigenvalues are $1 \pm i\eta$, and
# $|1 \pm i \eta| = \sqrt{1 + \eta^2}$, as Pythagoras said.
#
# `gan_tutorial.truth.saddle` holds eight rules. Each gets the field $F(x, y) = (-y, x)$, the arrows of the
# picture above, and a *memory* of two numbers, which some of them need. One rule, and what we do with it:

# %%
import inspect

print(inspect.getsource(saddle.alternating))
print(inspect.getsource(saddle.step_matrix))

# %% [markdown]
# `step_matrix` finds the matrix by asking the rule itself: what does it make of the four unit vectors
# of $(x, y)$ and memory? Does the package do what we did by hand?

# %% tags=["nbval-check-output"]
begin = np.array([1.0, 0.0])
for ours, theirs in ((simultaneous, saddle.simultaneous), (alternating, saddle.alternating)):
    packaged = saddle.run(theirs, saddle.bilinear, begin, 0.3, 200)
    difference = abs(walk(ours, 0.3, 200) - packaged).max()
    print(f"{ours.__name__:13} by hand and with the package agree: {difference < 1e-9}")
    assert difference < 1e-9

# %% [markdown]
# ## Eight rules
#
# Here they are: the two we know, and six attempts to do something about the circle.
#
# | rule | idea | step |
# |---|---|---|
# | simultaneous | both look, both move | $w + \eta F(w)$ |
# | alternating | the second sees the first | |
# | two time scales | $y$ takes larger steps than $x$ | $\eta$ for $x$, $4 \eta$ for $y$ |
# | momentum $\beta$ | keep going the way you went | $m \leftarrow \beta m + F(w)$, then $w + \eta m$ |
# | alternating, momentum $-\frac12$ | take back half of what you did | |
# | optimistic | expect the change to go on | $w + \eta\,(2 F(w) - F(w_{\text{before}}))$ |
# | extragradient | look ahead, go *back*, step by what you saw | $w + \eta F(w + \eta F(w))$ |
# | implicit | step by the arrow at the place where you will be | the $u$ with $u = w + \eta F(u)$ |
#
# Here $w = (x, y)$. Before you look at 60 steps of 0.2: which of the eight will arrive?

# %% tags=["figure"] alt="Eight paths from the same start: three spiral out, alternating stays on an ellipse, and alternating with negative momentum, optimistic, extragradient and implicit spiral in"
paths = {name: saddle.run(rule, saddle.bilinear, begin, 0.2, 60)
         for name, rule in saddle.RULES.items()}


def draw_path(ax, path):
    ax.plot(*path.T, ".-", color=COLORS["data"], markersize=3, linewidth=0.7)
    ax.plot(0, 0, "+", color=COLORS["truth"])
    ax.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), aspect="equal")


titles = [name.replace(", ", ",\n") for name in paths]
film_strip(list(paths.values()), titles, draw_path, columns=4)
plt.show()

# %% [markdown]
# In the upper row nobody arrives: momentum and larger steps for $y$ make it worse, and taking turns
# keeps the distance. In the lower row all four go inward, the first slowly. Predicted (eigenvalues)
# and measured (slope of the logarithm of the distance, over the second half of a run of 400 steps)
# growth per step, for a step size of 0.1:

# %%
measured = {}
for name, rule in saddle.RULES.items():
    measured[name] = saddle.measured_growth(saddle.run(rule, saddle.bilinear, begin, 0.1, 400))
    expected = saddle.growth(rule, 0.1)
    print(f"{name:28} predicted {expected:.4f}   measured {measured[name]:.4f}")

# %% [markdown]
# They agree to about 0.0001. (Where the distance wobbles on its way round, as
# for alternating steps, the measured slope wobbles too.) Some of the numbers have a short formula:
#
# - two time scales: $\sqrt{1 + \eta_x \eta_y}$. Only the product of the two step sizes counts, so on
#   this game a faster $y$ helps nothing.
# - implicit: $1/\sqrt{1 + \eta^2}$. The simultaneous step, run backwards: it spirals in for every
#   $\eta$.
# - extragradient: $\sqrt{1 - \eta^2 + \eta^4}$. The cheap imitation of the implicit step: smaller
#   than 1 for $\eta < 1$.
# - optimistic: like extragradient for small steps, and it looks at only one arrow per step. It pays for
#   this with an earlier end: $\eta < 1/\sqrt 3$.
#
# All four that arrive use the fact that the arrows *turn*. The arrow where you stand is tangent to
# the circle; the arrow a little later points more to the inside.

# %% [markdown]
# ## Play: one slider for the step size
#
# Left, the path of one rule (and in brown the mean of its points so far); right, the predicted growth
# per step of all eight over the step size, the chosen one in blue. In the live notebook, choose a rule
# and move the step size; the stored picture shows *extragradient* at a step size of 0.3.

# %%
etas = np.linspace(0.02, 1.3, 129)
TOP = 1.5  # of the picture: some curves leave it here


def name_at_the_end(ax, name, values):
    """Write the name of a curve where it leaves the picture, at the top or on the right."""
    if max(values) > TOP:
        leaves = np.interp(TOP, values[np.argmin(values):], etas[np.argmin(values):])
        place = {"x": leaves, "y": TOP + 0.01, "rotation": 40, "va": "bottom"}
    else:
        place = {"x": etas[-1] + 0.02, "y": values[-1], "va": "center"}
    return ax.text(s=name, size=8, rotation_mode="anchor", **place)


# %%
def compare(plane, growths):
    look = {"color": COLORS["data"], "markersize": 4, "linewidth": 0.8}
    (line,) = plane.plot([], [], ".-", label="80 steps", **look)
    (mean,) = plane.plot([], [], color=COLORS["estimate"], label="their mean so far")
    plane.plot(0, 0, "+", color=COLORS["truth"])
    plane.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), aspect="equal", xlabel="x", ylabel="y")
    plane.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    curves = {}
    for name, rule in saddle.RULES.items():
        growth = [saddle.growth(rule, eta) for eta in etas]
        curves[name] = growths.plot(etas, growth)[0], name_at_the_end(growths, name, growth)
    growths.axhline(1, color=COLORS["truth"], linewidth=0.8)
    (dot,) = growths.plot([], [], "o", color=COLORS["data"])
    growths.set(xlabel="step size", xlim=(0, 1.3), ylim=(0.58, TOP))
    growths.set_ylabel("growth per step (below 1: it arrives)")

    def update(rule, step_size):
        path = saddle.run(saddle.RULES[rule], saddle.bilinear, begin, step_size, 80)
        line.set_data(*path.T)
        mean.set_data(*saddle.running_mean(path).T)
        for name, (curve, label) in curves.items():
            color, width = (COLORS["data"], 2.5) if name == rule else (COLORS["guide"], 0.8)
            curve.set(color=color, linewidth=width)
            label.set(color=color)
        factor = saddle.growth(saddle.RULES[rule], step_size)
        dot.set_data([step_size], [factor])
        return f"{rule}, step size {step_size:.2f}: distance times {factor:.4f} per step"

    return update


# %% [markdown]
# Questions to answer by playing: What is the fastest that *extragradient* can be, and at which step
# size? What happens to *optimistic* just below 0.58 and just above? Which rule never leaves, however
# far you push the slider?

# %% tags=["widget"] alt="Left: the path of the extragradient rule spirals inward. Right: curves of growth per step over step size for eight rules, each with its name, and a line at 1; the curve of extragradient is highlighted and dips below 1"
from gan_tutorial.lesson.live import explore

shown = {"rule": "extragradient", "step_size": 0.3}
explore(compare, panels=2, size=(9.4, 4), still=shown,
        rule=list(saddle.RULES), step_size=(0.02, 1.3, 0.2, 0.01))

# %% [markdown]
# <details><summary>What we found</summary>
#
# Extragradient is fastest at $\eta = 1/\sqrt 2 \approx 0.71$, where it shrinks by $\sqrt{3}/2
# \approx 0.87$ per step; at 1 it keeps its distance, and beyond it leaves. Optimistic is at its best at
# 0.5 (0.71 per step, better than extragradient ever is) and thrown out above $1/\sqrt 3 \approx
# 0.577$: best and worst are neighbours. Only the implicit rule arrives everywhere, but it has to
# solve an equation in each step. (Alternating steps neither leave nor arrive for any step size
# below 2.)
# </details>
#
# ## Averaging: arriving without arriving
#
# The brown curve in the picture stood for another idea. If the path goes round the centre, then the
# *mean* of its points should be near the centre, although no point is. For alternating steps we can
# say exactly how near. The steps are $x_{n+1} = x_n - \eta y_n$, so $y_n = (x_n - x_{n+1})/\eta$,
# and in the mean over $N$ steps all but the ends cancel:
#
# $$\frac1N \sum_{n=0}^{N-1} y_n = \frac{x_0 - x_N}{\eta N}.$$
#
# The same trick works for $x$. As long as the path is bounded, both go to zero like $1/N$. For
# simultaneous steps the formula holds too, but there $x_N$ grows faster than $N$.

# %% tags=["figure"] alt="Left: the alternating path is an ellipse and its running mean spirals to the centre. Right: on logarithmic axes the distance of the mean falls like one over N for alternating steps and rises for simultaneous ones"
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.2), width_ratios=(1, 1.6))
turns = saddle.run(saddle.alternating, saddle.bilinear, begin, 0.1, 2000)
spiral = saddle.run(saddle.simultaneous, saddle.bilinear, begin, 0.1, 2000)
mean, of_spiral = saddle.running_mean(turns), saddle.running_mean(spiral)
left.plot(*turns[:130].T, ".", color=COLORS["data"], markersize=3, label="path")
left.plot(*mean[:300].T, color=COLORS["estimate"], label="mean so far")
left.set(aspect="equal", xlabel="x", ylabel="y", ylim=(-1.2, 1.9))
left.set_title("alternating, $\\eta$ = 0.1")
left.legend(ncols=2, loc="upper center")
n = np.arange(1, 2002)
bound = 2 * np.linalg.norm(turns, axis=1).max() / (0.1 * n) * np.sqrt(2)
means = {"simultaneous": (of_spiral, "model"), "alternating": (mean, "estimate")}
for name, (path, role) in means.items():
    right.loglog(n, np.linalg.norm(path, axis=1), color=COLORS[role], lw=1.4, label=name)
formula_says = {"color": COLORS["truth"], "linewidth": 1.2, "label": "bound from the formula"}
right.loglog(n[20:], bound[20:], "--", **formula_says)
right.set(xlabel="N", ylabel="distance of the mean", title="how near the mean is")
right.legend(loc="lower left")
plt.show()
telescoped = abs(turns[:-1, 1].mean() - (turns[0, 0] - turns[-1, 0]) / (0.1 * 2000))
print(f"mean of y and the formula differ by less than 1e-12: {telescoped < 1e-12}")

# %% [markdown]
# The mean of the alternating path arrives, below the dashed $1/N$; that of the simultaneous one begins
# well and is then carried off with its path. This is one reason for the average of G's weights,
# `game.ema`, of notebooks 00 and 03: around a circle, the centre is the better place. (That average
# forgets old points, so it keeps a small distance; but in a GAN the first are poor, and well forgotten.)

# %% [markdown]
# ## A GAN with two weights
#
# Is $xy$ more than a toy? Take the smallest GAN that deserves the name, the **Dirac-GAN** of Mescheder
# et al. All data are at the point 0; all samples are at the point $\theta$, G's only weight; D's score is
# a line through 0, $\psi x$, with its slope $\psi$ (*psi*) as its only weight. So D scores data 0,
# and samples $\psi\theta$. With the non-saturating losses,
#
# $$\text{d\_loss} = \log 2 + \log(1 + e^{\psi\theta}), \qquad \text{g\_loss} = \log(1 + e^{-\psi\theta}).$$
#
# The equilibrium is $\theta = \psi = 0$: the samples are on the data, and D is flat. To find out
# what happens near it we need the **Jacobian of the game**: the arrows, (minus the gradient of
# g_loss in $\theta$, minus the gradient of d_loss in $\psi$), differentiated once more by both weights.
# Near the equilibrium, the arrows are nearly this matrix times the displacement. Of its eigenvalues,
# the imaginary part is how fast a path turns, the real part how fast it settles (negative) or
# leaves (positive).

# %% tags=["nbval-check-output"]
zero = torch.zeros(1, dtype=torch.float64)


def eigenvalues(d_loss, g_loss):
    J = saddle.game_jacobian(d_loss, g_loss, zero, zero)
    return np.sort_complex(np.round(np.linalg.eigvals(J.numpy()), 7))[::-1]


def show(name, pair):
    values = (f"{value.real:+.4f} {value.imag:+.4f}i" for value in np.asarray(pair) + 0)
    print(f"{name:32}", "   ".join(values))


for name in ("minimax", "non_saturating", "hinge", "wasserstein"):
    show(name, eigenvalues(*saddle.dirac(getattr(objectives, name))))

# %% [markdown]
# The real parts are 0. Every one of these GANs turns, and nothing linear makes it settle: near its
# equilibrium it *is* the game $xy$, up to the sense of turning and the speed (the slope of the loss at
# score 0: $\frac12$ or 1). The non-saturating loss, which repairs so much else (notebook 05), does not
# change this.
#
# Is every GAN like that? No: what is missing here is *width*. At the equilibrium D's loss is curved by
# $\frac12 \mathbb{E}_p[\nabla D \, \nabla D^\top]$ ($\nabla$: by D's weights), and this curvature holds D back, as friction does. Nagarajan
# and Kolter (2017) proved that it suffices: if data and samples have densities in the same places, and
# under some conditions on D and G, the plain game is *locally stable*. (Not so for the Wasserstein loss, which has no
# curvature.) In the Dirac-GAN $\nabla D = x$, and all data are at $x = 0$: no width, no friction. So, too, where
# data lie on thin surfaces, as pictures are thought to. For such data Mescheder et al. (2018) put another friction in its
# place, and proved that with it the game is locally stable again: a penalty on D's slope at the data
# (*R1*) or at the samples (*R2*).
#
# ### What a penalty does
#
# Now let D pay for its slope at the data, $\frac{\gamma}{2} \psi^2$. This is the **R1 penalty**. Its
# downhill arrow, $-\gamma\psi$, pulls $\psi$ back to 0 and does not turn: it acts as friction. The
# Jacobian, for $(\theta, \psi)$, and its eigenvalues become
#
# $$\begin{pmatrix} 0 & \frac12 \\ -\frac12 & -\gamma \end{pmatrix}, \qquad
#   \lambda = -\frac{\gamma}{2} \pm \sqrt{\frac{\gamma^2}{4} - \frac14}.$$
#
# Noise on data and samples (*instance noise*, standard deviation $s$) does the same with $\gamma =
# s^2/2$: it gives them a width, and then $\frac12 \mathbb{E}\,(\nabla D)^2 = \frac12 \mathbb{E}\, x^2 = s^2/2$ is the curvature of above.

# %% tags=["nbval-check-output"]
non_saturating = objectives.non_saturating
for gamma in (0.0, 0.2, 1.0, 2.0):
    root = np.emath.sqrt(gamma**2 / 4 - 1 / 4)
    show(f"R1, gamma = {gamma}", eigenvalues(*saddle.dirac(non_saturating, gamma=gamma)))
    show("   formula", (-gamma / 2 + root, -gamma / 2 - root))
show("instance noise, s = 1", eigenvalues(*saddle.dirac(non_saturating, noise=1.0)))
show("   R1, gamma = 1/2", eigenvalues(*saddle.dirac(non_saturating, gamma=0.5)))

# %% [markdown]
# Autograd and formula agree. With $\gamma < 1$ the path spirals in; at $\gamma = 1$ it just does not
# turn any more (*critical damping*); beyond, it creeps, because one of the two eigenvalues comes back
# towards 0.
#
# And the Wasserstein GANs of notebooks 07 and 08, with clipped weights or with a penalty $c\,(|\psi| -
# 1)^2$ that asks for a slope of 1? Here are whole paths: alternating steps of
# 0.1 from $\theta = 1$, $\psi = 0$.

# %%
def with_slope_one(weight):
    """The Dirac-GAN of WGAN-GP: the critic's slope should be 1 everywhere."""
    d_loss, g_loss = saddle.dirac(objectives.wasserstein)

    def penalised(psi, theta):
        return d_loss(psi, theta) + weight * (psi.abs() - 1).square().sum()

    return penalised, g_loss


def clipped(field, w, eta, memory):
    """Alternating steps, and psi put back into [-1/2, 1/2]."""
    (theta, psi), memory = saddle.alternating(field, w, eta, memory)
    return np.array([theta, np.clip(psi, -0.5, 0.5)]), memory


# %%
games = {
    "minimax": saddle.dirac(objectives.minimax),
    "non-saturating": saddle.dirac(non_saturating),
    "WGAN, clipped at 1/2": saddle.dirac(objectives.wasserstein),
    "WGAN-GP, weight 1/2": with_slope_one(0.5),
    "R1, $\\gamma$ = 1": saddle.dirac(non_saturating, gamma=1.0),
    "instance noise, s = 1": saddle.dirac(non_saturating, noise=1.0),
}
orbits = {}
for name, losses in games.items():
    rule = clipped if "clipped" in name else saddle.alternating
    orbits[name] = saddle.run(rule, saddle.dirac_field(*losses), begin, 0.1, 400)

# %% tags=["figure"] alt="Six paths of theta and psi: minimax goes round a circle, non-saturating spirals in slowly, clipped WGAN ends up on a circle, WGAN-GP runs to and fro on a wide loop; the one with R1 and the one with noise end in the centre"
def draw_orbit(ax, path):
    ax.plot(*path.T, color=COLORS["data"], linewidth=1)
    ax.plot(*path[-1], "o", color=COLORS["model"], markersize=5)
    ax.plot(0, 0, "+", color=COLORS["truth"])
    ax.set(xlabel="$\\theta$ (samples)", ylabel="$\\psi$ (slope of D)")
    ax.set(xlim=(-1.8, 1.8), ylim=(-1.8, 1.8), aspect="equal")


axes = film_strip(list(orbits.values()), list(orbits), draw_orbit, columns=3)
plt.show()
for name, path in orbits.items():
    farthest = abs(path[-200:, 0]).max()
    print(f"{name:22} farthest of the samples from the data, last 200 steps: {farthest:.3f}")

# %% [markdown]
# The red point is the end.
#
# - *Minimax* goes round for ever. In its flow $\theta^2 + \psi^2$ never changes, and that is exact.
# - *Non-saturating* creeps inward. In its flow the squared distance falls at the rate $2a \tanh(a/2)$,
#   $a = \psi\theta$, which is of fourth order: the nearer, the slower. No eigenvalue sees it.
# - *Clipping* limits the slope and then does nothing: what is left is the circle of $xy$.
# - *WGAN-GP* wants a slope of one, where the equilibrium needs slope zero. D can turn its slope
#   over only when the samples are farther away than $2c$ (here 1), so they run to and fro, at least
#   that far, for ever.
# - *R1*, which wants slope zero on the data, and *noise* bring the samples home.
#
# This is about the last mile, near the equilibrium. Far away, where other losses may saturate, the
# Wasserstein critics are at their best: notebook 07.

# %%
def sigma(s):
    return 1 / (1 + np.exp(-s))


def friction(plane, numbers):
    (line,) = plane.plot([], [], color=COLORS["data"])
    plane.plot(0, 0, "+", color=COLORS["truth"])
    plane.set(xlabel="$\\theta$ (samples)", ylabel="$\\psi$ (slope of D)", aspect="equal")
    plane.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), title="300 steps of 0.1")
    gammas = np.linspace(0, 2, 201)
    both = [-gammas / 2 + sign * np.emath.sqrt(gammas**2 / 4 - 1 / 4) for sign in (1, -1)]
    numbers.plot(np.real(both).T, np.imag(both).T, color=COLORS["guide"], linewidth=1)
    numbers.axvline(0, color=COLORS["truth"], linewidth=0.8)
    (dots,) = numbers.plot([], [], "o", color=COLORS["model"])
    numbers.set(xlabel="real part (negative: settles)", ylabel="imaginary part (turns)")
    numbers.set(title="eigenvalues (grey: penalty 0 to 2)", aspect="equal")
    numbers.set(xlim=(-2.05, 0.25), ylim=(-0.75, 0.75))

    def update(penalty):
        def field(w):
            theta, psi = w
            pull = -sigma(psi * theta) * theta - penalty * psi
            return np.array([sigma(-psi * theta) * psi, pull])

        line.set_data(*saddle.run(saddle.alternating, field, begin, 0.1, 300).T)
        pair = np.linalg.eigvals(np.array([[0, 0.5], [-0.5, -penalty]])).astype(complex)
        dots.set_data(pair.real, pair.imag)
        rate = -pair.real.max() + 0
        return f"penalty {penalty:.2f}: the slower of the two settles at the rate {rate:.3f}"

    return update


# %% [markdown]
# ### Play: how much friction?
#
# Left, the path for the penalty $\gamma$ (the slider *penalty* in the live notebook; 0.3 in the stored
# picture); right, where the two eigenvalues are: on a circle, then on the axis. For which $\gamma$ is the
# path home first, and why is more not better?

# %% tags=["widget"] alt="Left: a path of the Dirac-GAN with a small penalty spirals to the centre. Right: in the complex plane the two eigenvalues lie on a circle of radius one half, on their way to the real axis"
explore(friction, panels=2, size=(8.8, 3.4), penalty=(0.0, 2.0, 0.3, 0.05))

# %% [markdown]
# <details><summary>What we found</summary>
#
# $\gamma = 1$, where the two eigenvalues meet at $-\frac12$. With less friction the path
# overshoots; with more, D is held so tight that it hardly tells G anything: one eigenvalue goes to
# the left, but the other comes back to 0. Exercise 4.3 asks you to derive this.
# </details>

# %% [markdown]
# ## Two failures that look alike
#
# In one of the older texts you may read that GANs fail to converge mostly because D is too strong and
# the gradient vanishes. Both things happen, but they are **two different illnesses**, and the remedies
# differ. Our two-weight GAN can have either:

# %%
field = saddle.dirac_field(*saddle.dirac(objectives.minimax))
on_orbit = [np.linalg.norm(field(w)) for w in orbits["minimax"]]
print(f"circling: length of the arrows, from {min(on_orbit):.2f} to {max(on_orbit):.2f}")
lengths = np.linalg.norm(formula @ saddle.ROTATION.T, axis=1)
smallest_on_circle = lengths.min() / np.linalg.norm(start)
print(f"V = xy, relative to the distance from the centre: {smallest_on_circle:.4f} or more")

print("\na D that is sure of itself, psi = -10, and samples at theta = 1:")
sure, psi = [], torch.tensor([-10.0], dtype=torch.float64)
for name in ("minimax", "non_saturating"):
    theta = torch.ones(1, dtype=torch.float64, requires_grad=True)
    _, g_loss = saddle.dirac(getattr(objectives, name))
    sure.append(torch.autograd.grad(g_loss(psi, theta), theta)[0].item())
    print(f"  {name:15} slope for G: {sure[-1]:+.5f}")

# %% [markdown]
# - **Circling.** The arrows are never small. Both players are told clearly where to go, and go there;
#   it just leads round. On $V = xy$ nothing vanishes anywhere but at the centre itself. Remedies:
#   friction, looking ahead, averaging.
# - **Vanishing.** D is so sure that the minimax loss of G is flat: the slope is there, but $e^{10}$,
#   about 22,000, times smaller than that of the non-saturating loss, and G stands still. Remedies:
#   another loss for G, overlap by noise, a Wasserstein critic. Notebooks 05 to 07 are about this one.
#
# A quick diagnosis in practice: look at the size of G's gradient. If it is healthy and the pictures
# keep changing without getting better, you are probably circling.

# %% [markdown]
# ## At scale: the same circle in a real GAN
#
# Now take two networks with 25 weights each: G turns normal noise into samples,
# D scores them, and the data come from $N(2, 0.5^2)$. Both have one hidden layer of eight tanh units.
# So that only the first weights are random, data and noise are 64 evenly spaced quantiles.

# %%
from gan_tutorial.game import move

z = torch.special.ndtri((torch.arange(64, dtype=torch.float64) + 0.5) / 64)
data = 2 + 0.5 * z  # z: quantiles of N(0, 1)


def net(w, x):
    """25 weights w, and a hidden layer of 8 units.  (25,), (n,) -> (n,)"""
    a, b, c = w[:-1].view(3, 8)
    return torch.tanh(x[:, None] * a + b) @ c + w[-1]


def slope(w, x):
    """The derivative of `net` by x.  (25,), (n,) -> (n,)"""
    a, b, c = w[:-1].view(3, 8)
    return ((1 - torch.tanh(x[:, None] * a + b) ** 2) * a) @ c


def losses(objective, gamma):
    """d_loss and g_loss as functions of the weights of D and of G, with an R1 penalty."""

    def d_loss(d, g):
        penalty = gamma / 2 * slope(d, data).square().mean()
        return objective.d_loss(net(d, data), net(d, net(g, z))) + penalty

    return d_loss, lambda d, g: objective.g_loss(net(d, net(g, z)))


# %% [markdown]
# We train it with the R1 penalty, from three seeds, first with larger and then with smaller steps, so
# that it comes to rest.

# %%
half = profile.pick(smoke=20, cpu=1000, gpu=1000)


def train_small(seed):
    torch.manual_seed(seed)
    d, g = (0.5 * torch.randn(2, 25, dtype=torch.float64)).unbind()
    d, g = d.clone().requires_grad_(), g.clone().requires_grad_()
    d_loss, g_loss = losses(objectives.non_saturating, gamma=1.0)
    for lr in (0.02, 0.004):
        d_opt, g_opt = (torch.optim.Adam([w], lr, betas=(0.0, 0.999)) for w in (d, g))
        for _ in range(half):
            move(d_opt, d_loss(d, g))
            move(g_opt, g_loss(d, g))
    return d.detach(), g.detach()


with profile.plan(steps=3 * 2 * half, about=9, gpu=9):
    trained = [train_small(SEED + k) for k in range(3)]
for _, g in trained:
    made = net(g, z).sort().values
    apart = (made - data).abs().mean()
    print(f"mean {made.mean():.2f}, sd {made.std():.2f}; mean distance to data {apart:.3f}")

# %% [markdown]
# The samples are about where they should be (mean 2, standard deviation 0.5). Now the Jacobian of
# all 50 weights, differentiated by autograd, and its 50 eigenvalues: once with the penalty, and
# once without, **at the same weights**. A step of size $\eta$ multiplies the part that belongs to
# $\lambda$ by $1 + \eta\lambda$; this shrinks it only if $\eta < -2\,\mathrm{Re}\,\lambda /
# |\lambda|^2$. So each pair says how large a simultaneous step may be for it.

# %%
spectra, largest_step = {}, {}
for gamma in (0.0, 1.0):
    for k, (d, g) in enumerate(trained):
        J = saddle.game_jacobian(*losses(objectives.non_saturating, gamma), d, g)
        values, vectors = np.linalg.eig(J.numpy())
        top = values.imag.argmax()  # the pair that turns fastest
        fastest, turning = values[top], (abs(values.imag) > 1e-6).sum()
        spectra[gamma, k] = values, fastest, np.linalg.inv(vectors)[top]
        largest_step[gamma, k] = -2 * fastest.real / abs(fastest) ** 2  # |1 + eta lambda| = 1
        print(f"gamma {gamma:.0f}, seed {SEED + k}: {turning:2d} of 50 turn;",
              f"the fastest is {fastest:.3f}, so steps below {largest_step[gamma, k]:.2f}")

# %% [markdown]
# In every seed shown there is a pair that turns fast, of the order of the $\pm 0.5\,i$
# of the Dirac-GAN, and settles slowly. But it does settle: its real part is below 0 without any penalty, as the theorem of
# Nagarajan and Kolter lets one expect of data that have a width. The penalty adds friction: it moves the pair to the left, and as far as this pair is
# concerned, steps may be at least twice as large. (A Hessian, the second derivatives of *one* loss, is
# symmetric, and its eigenvalues are real. What turns here turns because there are two losses.)
#
# Is this theory, or does the GAN do it? We push G: all samples to the right by 0.2. Then both players
# take simultaneous steps of 0.05, and we watch two numbers: how far the mean of the samples is
# off, and how steep D is on the data. In the Dirac-GAN these were $\theta$ and $\psi$.

# %%
def push(d, g, gamma, by=0.2, steps=400, eta=0.05):
    """The weights after all samples, by G's last bias, were moved by `by`.  -> (steps, 50)"""
    d_loss, g_loss = losses(objectives.non_saturating, gamma)
    w = torch.cat([d, g])
    w[-1] += by
    path = []
    for _ in range(steps):
        path.append(w)
        d, g = (part.requires_grad_() for part in w.split(25))
        w = w + eta * saddle.gradient_field(d_loss, g_loss, d, g).detach()
    return torch.stack(path)


pushed = {(gamma, k): push(*trained[k], gamma) for gamma in (0.0, 1.0) for k in range(3)}

# %% tags=["figure"] alt="Left: eigenvalues in the complex plane for three seeds, with and without penalty; one pair without penalty lies almost on the imaginary axis. Middle and right: spirals of the mean of the samples and the slope of D; without penalty round and round, with penalty quickly to the centre"
fig, axes = plt.subplots(1, 3, figsize=(10, 3.4), width_ratios=(1, 1, 1))
for (gamma, k), (values, _, _) in spectra.items():
    marker, role = {0.0: ("o", "model"), 1.0: ("^", "data")}[gamma]
    look = {"color": COLORS[role], "markersize": 5, "alpha": 0.7}
    name = f"$\\gamma$ = {gamma:.0f}" if k == 0 else None
    axes[0].plot(values.real, values.imag, marker, label=name, **look)
axes[0].axvline(0, color=COLORS["truth"], linewidth=0.8)
axes[0].set(xlim=(-0.6, 0.1), ylim=(-1.2, 1.5), xlabel="real part", ylabel="imaginary part")
axes[0].set_title("eigenvalues, three seeds")
axes[0].legend(loc="upper left", ncols=2)
away = {}  # how far the mean is still off in the second half
for ax, gamma in zip(axes[1:], (0.0, 1.0), strict=True):
    for k, role in enumerate(("data", "model", "D")):
        d, g = pushed[gamma, k].split(25, dim=1)
        off = torch.stack([net(w, z).mean() - data.mean() for w in g])
        steep = torch.stack([slope(w, data).mean() for w in d])
        away[gamma, k] = float(off[len(off) // 2 :].abs().max())
        ax.plot(off, steep, color=COLORS[role], linewidth=1.2, label=f"seed {SEED + k}")
    ax.set(xlabel="mean of samples, off by", ylabel="slope of D")
    ax.set(xlim=(-0.24, 0.24), ylim=(-0.12, 0.12))
    ax.set_title(f"after the push, $\\gamma$ = {gamma:.0f}")
axes[1].legend(loc="upper left", ncols=3, fontsize=7.5)
plt.show()

# %% [markdown]
# Left: most eigenvalues are real; the turning pairs lie off the axis, and the penalty moves the fastest to the
# left. (A few are farther left than the window: quick, without turning. In the runs shown some are a little to the
# right of the line: the GAN is nearly at rest, not quite, and still drifts that way.) Middle: without the
# penalty, the real GAN draws the circle of Exercise 2, and takes its time to close in. Right:
# with the penalty it comes home sooner. Fifty weights, and the story is that of two.
#
# Is it also *quantitatively* the story of one eigenvalue? Eigenvalues speak of small displacements,
# so we push by 0.001 only, and look at the difference from a run without a push. Its part along the
# fast eigenvector is a complex number, which should be multiplied by $1 + \eta\lambda$ in each
# step ("seen": the mean factor of 59 steps).

# %%
predictions = {}
for (gamma, k), (_, value, row) in spectra.items():
    moved, unmoved = (push(*trained[k], gamma, by=by, steps=60) for by in (1e-3, 0.0))
    signal = (moved - unmoved).numpy() @ row
    predictions[gamma, k] = 1 + 0.05 * value, (signal[-1] / signal[0]) ** (1 / 59)
    expected, seen = predictions[gamma, k]
    print(f"gamma {gamma:.0f}, seed {SEED + k}:",
          f"a step multiplies by {expected:.4f}; seen {seen:.4f}")

# %% [markdown]
# They agree to a few thousandths: near the centre, the eigenvalue's circle is the GAN's.
#
# One structure is exact. If the game is zero-sum, as with the minimax loss, then what G's gradient
# learns from D's weights is the negative of what D's gradient learns from G's: the two off-diagonal
# blocks of $J$ are each other's negative transpose, whatever the weights are. This is where the
# turning comes from: for $V = xy$ the matrix has nothing else.

# %%
d, g = trained[0]
J = saddle.game_jacobian(*losses(objectives.minimax, 0.0), d, g)
antisymmetry = (J[:25, 25:] + J[25:, :25].T).abs().max().item()
print(f"D-G block + transposed G-D block, largest entry below 1e-12: {antisymmetry < 1e-12}")
assert antisymmetry < 1e-12

# %% [markdown]
# ## Oscillation: many kinds, no progress
#
# On pictures, the tutorial calls the circle *oscillation*: one can train for very long, see very
# different categories of samples, and nothing gets better. Let us make it happen where we can count
# categories: the data are eight clusters on a ring. The eight rules suggest one thing that may make it
# worse: momentum. So we train the same GAN with Adam's $\beta_1 = 0.9$ (a momentum too, though its
# steps do not grow with it) and with $\beta_1 = 0$, three seeds each.

# %%
from gan_tutorial.game import Game, train
from gan_tutorial.game.networks import PointDiscriminator, mlp
from gan_tutorial.truth.densities import Ring

ring = Ring(sd=0.1)
steps = profile.pick(smoke=20, cpu=1000, gpu=1000)


def shares_over_time(beta, seed):
    """Shares of 500 samples nearest to each of 8 clusters, every 10 steps.  -> (moments, 8)"""
    torch.manual_seed(seed)
    G, D = mlp([2, 32, 32, 2]), PointDiscriminator(2, (32, 32), torch.nn.ReLU)
    rates = {"d_lr": 2e-3, "g_lr": 2e-3, "betas": (beta, 0.999)}
    samplers = lambda n: (ring.sample(n),), lambda n: torch.randn(n, 2)
    game, shares = Game.with_adam(G, D, *samplers, **rates, seed=seed), []
    for _ in train(game, objectives.non_saturating, steps=steps, every=10):
        nearest = torch.cdist(game.sample(500, ema=False), ring.centers).argmin(dim=1)
        shares.append(torch.bincount(nearest, minlength=8) / 500)
    return torch.stack(shares)


# %%
with profile.plan(steps=6 * steps, about=12, gpu=12):
    history = {(beta, k): shares_over_time(beta, SEED + k)
               for beta in (0.9, 0.0) for k in range(3)}

# %% [markdown]
# Each panel is one training. Time goes to the right; the eight rows are the eight clusters in their
# order round the ring; dark blue means that many samples are there. Even pale rows would be right:
# an eighth each.

# %% tags=["figure"] alt="Six heat maps of clusters over time. With momentum 0.9 dark streaks run diagonally through all clusters again and again; without momentum streaks appear only at the beginning and then all rows become even" covers=["5.07"]
fig, axes = plt.subplots(2, 3, figsize=(9, 3.9), sharex=True, sharey=True)
look = {"cmap": "Blues", "vmin": 0, "vmax": 0.6, "interpolation": "nearest", "aspect": "auto"}
for ax, ((beta, k), shares) in zip(axes.flat, history.items(), strict=True):
    image = ax.imshow(shares.T, extent=(0, steps, 7.5, -0.5), **look)
    ax.set_title(f"$\\beta_1$ = {beta:g}, seed {SEED + k}")
    ax.grid(False)
for ax in axes[:, 0]:
    ax.set(ylabel="cluster", yticks=range(0, 8, 2))
for ax in axes[1]:
    ax.set_xlabel("step")
fig.colorbar(image, ax=axes, label="share of the samples", shrink=0.8)
plt.show()

# %%
late = {}
for (beta, k), shares in history.items():
    second_half = shares[-max(1, len(shares) // 2) :]
    late[beta, k] = float((second_half - 1 / 8).abs().sum(dim=1).mean() / 2)
    print(f"beta1 {beta:g}, seed {SEED + k}: in the second half,",
          f"{late[beta, k]:.0%} of the samples are in the wrong cluster")

# %% [markdown]
# The diagonal streaks are G running round the ring: it visits a cluster, D learns to distrust it, G
# moves on to the next. It is like Exercise 2 with eight stations. Every snapshot shows other
# categories, which looks like learning. Without momentum the running dies out in all three runs,
# and the samples spread; with momentum it goes on for much longer, or to the end. ("In the wrong
# cluster": would have to move for an eighth in each. Counting only 500 samples alone gives about 5%.)

# %% [markdown]
# ### Play: calm a GAN that runs in circles
#
# Here is a GAN in the plane, with the least forgiving rule that people use: plain gradient steps
# (SGD) with momentum ½. Blue dots are the data, three heaps; orange crosses are samples; the
# background is D's score. The stored picture shows the game after a while; in the live notebook, press
# **▶ Play** (the slider *speed* says how fast it goes), and watch the crosses: how
# many different samples does G make at any one time, and where does it take them?
#
# Guess first: which of these calms it? In the live notebook, change one at a time, press **Reset**,
# then **Play**.
#
# 1. *D is held by* **R1**, with a weight of 0.3: friction, as in the Dirac-GAN.
# 2. *Instance noise* of 0.3. By the formula above, that is worth a $\gamma$ of $0.3^2/2 = 0.045$.
# 3. *Instance noise* of 0.6, which is worth 0.18.

# %% tags=["widget"] alt="Left: three heaps of blue data dots; all orange crosses are at one single place, outside the heaps, over a score of D that falls from one side to the other. Right: what both pay swings up and down"

from gan_tutorial.lesson.laboratory import laboratory

sgd = {"data": "three regions", "optimiser": "SGD", "d_lr": 0.1, "g_lr": 0.1, "momentum": 0.5}
lab = laboratory(**sgd, still=profile.pick(smoke=5, cpu=400, gpu=400))
lab.pace = 4  # steps between two pictures: slow enough to see them run
lab

# %% [markdown]
# Now the same without hands, from three seeds each. `Setting` makes the game that the laboratory
# plays. Every five steps we look where the *mean* of 256 samples is, and how large the *Wasserstein
# distance* W1 is: how far the samples would have to be moved, on average, to lie on 256 data. (Notebook
# 07 is about it; here it is just a distance.)

# %%
from gan_tutorial.lesson.laboratory import Setting
from gan_tutorial.truth.divergences import empirical_w1

swings = profile.pick(smoke=20, cpu=600, gpu=600)
HELD = {"as it is": {}, "R1 0.3": {"hold": "R1", "weight": 0.3},
        "noise 0.3": {"noise": 0.3}, "noise 0.6": {"noise": 0.6}}


def follow(seed, **held):
    """W1 and the mean of 256 samples every 5 steps; the data and the samples at the end."""
    setting = Setting.of(**sgd, **held, seed=seed)
    game, objective = setting.make_game(), setting.make_objective()
    torch.manual_seed(seed)
    (x,), latents = game.data(256), game.latent(256)
    path = []
    for _ in train(game, objective, steps=swings, every=5):
        with torch.no_grad():
            made = game.G(latents)
        path.append((float(empirical_w1(x, made)), *made.mean(0).tolist()))
    return np.array(path), x, made


# %%
with profile.plan(steps=12 * swings, about=11, gpu=11):
    followed = {(name, k): follow(k, **held) for name, held in HELD.items() for k in range(3)}

# %% [markdown]
# One column for each setting, one row for each seed. We will see the data (blue), the samples at the end
# (orange crosses; a large one where all samples are at one point), and the way of their mean during the
# second half of the training (grey).

# %% tags=["figure"] alt="Twelve panels, three seeds by four settings. As it is, and in some seeds with noise 0.3, the mean of the samples wanders all over the plane and the samples sit at one point; with R1 and with noise 0.6 the samples are spread over the three heaps and their mean stays in the middle"
fig, axes = plt.subplots(3, 4, figsize=(9, 6.9), sharex=True, sharey=True)
for ax, ((name, k), (path, x, made)) in zip(axes.T.flat, followed.items(), strict=True):
    ax.plot(*x.T, ".", color=COLORS["data"], markersize=3, alpha=0.5)
    ax.plot(*path[len(path) // 2 :, 1:].T, color=COLORS["guide"], linewidth=0.9)
    one_point = made.std(0).mean() < 0.1  # all crosses on each other: make them easy to see
    size = {"markersize": 11, "markeredgewidth": 3} if one_point else {"markersize": 4}
    ax.plot(*made.T, "x", color=COLORS["model"], **size)
    ax.set(xlim=(-2, 2), ylim=(-2, 2), aspect="equal", title=f"{name}, seed {k}")
plt.show()

# %%
calm = {}
for (name, k), (path, _, made) in followed.items():
    w1 = path[len(path) // 2 :, 0]
    calm[name, k] = w1.mean(), np.ptp(w1), float(made.std(0).mean())
    print(f"{name:9} seed {k}: W1 in the second half {w1.mean():.2f}, from {w1.min():.2f}",
          f"to {w1.max():.2f}; spread of the samples {calm[name, k][2]:.2f}")

# %% [markdown]
# As it is, in the first column, all samples are at *one* point (their spread is zero), and that point
# runs about among the heaps. D learns "not there", and its slope says where to go instead; the samples
# go, all together; D has to learn again. This is the Dirac-GAN, with a point for $\theta$ and D's slope
# for $\psi$. W1 keeps swinging, and stays far above that of the second column. (Play on, in the
# live notebook: does the point come to rest, and where? An end on one of the heaps is not the end one hopes for; see notebook 09.)
#
# <details><summary>And the guess?</summary>
#
# *R1* calms it in all three seeds, and more: with D at peace, the samples spread over all heaps.
# *Noise of 0.3* is too little friction, at least for some of the seeds shown; *noise of 0.6* is enough for
# all three. But look how the samples spill over: through such noise D cannot see that the heaps are
# narrow, and W1 stays larger than with R1.
#
# Is it the *amount* of friction that counts? We set the weight of R1 to what the formula says of the two
# noises, 0.045 and 0.18. (And try *momentum* 0, in the live notebook: what do the eight rules say
# of it?)
# </details>

# %%
softly = {}
with profile.plan(steps=6 * swings, about=6, gpu=6):
    for weight in (0.045, 0.18):
        for k in range(3):
            path, _, made = follow(k, hold="R1", weight=weight)
            w1, spread = path[len(path) // 2 :, 0].mean(), float(made.std(0).mean())
            softly[weight, k] = w1, spread
            print(f"R1 {weight:<5} seed {k}: W1 in the second half {w1:.2f};",
                  f"spread of the samples {spread:.2f}")

# %% [markdown]
# In the run shown the two weights do much what the noises did that are worth as much: with the smaller one the samples of some seeds stay at one point. With the larger one
# they spread in all three, and W1 is less than half of what it was. So it is the amount that counts, more than where the friction comes from.

# %% [markdown]
# ## Why the theory does not save us
#
# Notebook 02 proved that the game has one solution, $q = p$. Do we then converge to it? We would, **if we
# could change the densities themselves**. Take a world with three possible values. Then
# $q$ is three numbers, D is a table of three scores, and the players may change these numbers
# directly. $V$ is linear in $q$ and strictly concave in the scores, and this curvature of D's is
# friction: near the solution, a value of probability $p_i$ behaves like a Dirac-GAN with $\gamma =
# p_i/2$ (apart from the shares having to sum to 1).
#
# In a real GAN we change *weights*, and there convexity is lost. Two Ds whose hidden units are
# the same in another order are the same function. On the straight line between their *functions*
# nothing changes; on the straight line between their *weights* we pass through something else. (We
# take a D that has learned to tell the data from samples that are spread too wide.)

# %% covers=["5.06"]
p, q, s = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6]), np.zeros(3)
direct = []
for _ in range(1500):  # simultaneous steps of 0.1 on V = sum p log sigma(s) + q log sigma(-s)
    up = p * sigma(-s) - q * sigma(s)  # dV/ds
    down = np.log(sigma(-s))  # dV/dq
    s, q = s + 0.1 * up, q - 0.1 * (down - down.mean())  # q keeps its sum
    direct.append(abs(q - p).sum() / 2)

# %%
def d_loss(real_score, fake_score):
    return float(objectives.non_saturating.d_loss(real_score, fake_score))


torch.manual_seed(SEED)
d, wide = torch.randn(25, dtype=torch.float64, requires_grad=True), 2 + 2 * z
d_opt = torch.optim.Adam([d], 0.02)
for _ in range(300):  # half a second
    move(d_opt, objectives.non_saturating.d_loss(net(d, data), net(d, wide)))
d = d.detach()
other = torch.cat([d[:-1].view(3, 8).flip(1).flatten(), d[-1:]])  # hidden units reversed
between = torch.linspace(0, 1, 101, dtype=torch.float64)
mixed = [(1 - t) * d + t * other for t in between]
in_weights = np.array([d_loss(net(w, data), net(w, wide)) for w in mixed])
scores = [torch.stack([net(w, x) for w in (d, other)]) for x in (data, wide)]
in_scores = [d_loss(*(torch.lerp(*pair, t) for pair in scores)) for t in between]

# %% tags=["figure"] alt="Left: the total variation between q and p falls in waves to zero on a logarithmic scale. Right: D's loss is constant between two functions but rises above it between two sets of weights"
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3))
left.semilogy(direct, color=COLORS["model"])
left.set(xlabel="step", ylabel="total variation")
left.set_title("changing the densities: $q$ reaches $p$")
right.plot(between, in_weights, color=COLORS["D"], label="between the weights")
right.plot(between, in_scores, "--", color=COLORS["truth"], label="between the functions")
right.set(xlabel="share of the second D", ylabel="d_loss")
right.set_title("two equal Ds, and what is between")
right.legend()
plt.show()
bump, ends = in_weights.max() - in_weights[0], abs(in_weights[0] - in_weights[-1])
print(f"total variation at the end below 1e-3: {direct[-1] < 1e-3}")
print(f"both ends have the same loss: {ends < 1e-12}; highest between them: +{bump:.2f}")

# %% [markdown]
# Left: it spirals (the waves), and arrives. Right: a convex function cannot be higher between two
# points than at both of them; d_loss in the weights is. So the theorem about densities is true, and
# does not speak of what we do: we change G, a recipe for samples, and D, an estimate of a ratio,
# both through the weights of networks. (Near the equilibrium there are theorems about weights, those of Nagarajan and Kolter and of Mescheder
# et al. above; none says that we get there.) That GANs work as often as they do is an observation, not a
# theorem.

# %% [markdown]
# ## Games with finitely many choices
#
# Does *any* learning rule find equilibria? For two-player zero-sum games with finitely many choices,
# yes. The smallest
# one is **matching pennies**: both show a side of a coin; if the sides are equal, the column player
# wins a penny, otherwise the row player. The only equilibrium is to toss the coin, $(\frac12,
# \frac12)$.
#
# If the players follow gradients of the expected payoff in their probabilities $x$ and $y$ of
# showing heads, then $V = (2x - 1)(2y - 1)$: with the origin moved, $4\,xy$ once more.
# In **fictitious play** (Brown, 1951) each player counts what the other has done so far, and answers
# best to these frequencies.

# %% tags=["figure"] alt="Left: simultaneous gradient steps spiral out to the border of the unit square, while the frequencies of fictitious play close in on its centre. Right: on logarithmic axes the distance from one half falls for fictitious play" covers=["5.08"]
pennies = np.array([[1.0, -1.0], [-1.0, 1.0]])  # what the row player pays
rows, columns = saddle.fictitious_play(pennies, 20_000)
play = np.stack([rows[:, 0], columns[:, 0]], axis=1)
w = [np.array([0.6, 0.5])]
for _ in range(400):
    x, y = w[-1]
    w.append(np.clip([x - 0.03 * 2 * (2 * y - 1), y + 0.03 * 2 * (2 * x - 1)], 0, 1))
w = np.array(w)
ways = {"gradient steps": (w, w, "model"), "fictitious play": (play[10:400], play, "data")}
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.3), width_ratios=(1, 1.5))
for name, (part, whole, role) in ways.items():
    left.plot(*part.T, color=COLORS[role], linewidth=1.2)
    distance = np.linalg.norm(whole - 0.5, axis=1)
    right.loglog(1 + np.arange(len(whole)), distance, color=COLORS[role], label=name)
left.plot(0.5, 0.5, "+", color=COLORS["truth"], markersize=9)
left.set(xlabel="x, heads of row", ylabel="y, heads of column", xlim=(0, 1), ylim=(0, 1))
left.set_aspect("equal")
right.set(xlabel="step", ylabel="distance from (1/2, 1/2)")
right.legend(loc="lower left")
plt.show()
heads = rows[-1, 0], columns[-1, 0]
print("after 20,000 rounds of fictitious play: heads {:.3f} and {:.3f}".format(*heads))

# %% [markdown]
# The gradient steps spiral out until they hit the walls of the square. Fictitious play closes in on
# the equilibrium, about like $1/\sqrt N$, not in what is *played* (heads or tails, changing ever more
# rarely), but in the *frequencies*: averaging again.
#
# That it arrives in such games is a theorem (Robinson, 1951). For continuous ones the
# tutorial asks in 2016: "Unrolling is an expensive solution; is there a cheap one?" Unrolling, G's
# looking ahead over several steps of D, is in notebook 09. And the eight rules above held some of
# the answers that were found since: extragradient costs two gradients per step, optimism one, and a
# penalty on D's slope costs one more derivative. They are cheap; what is proved of them is mostly
# local, or for *monotone* games, in which the arrows of two places never point apart: $(F(w) - F(w')) \cdot (w - w') \le 0$.
# That each loss is convex in its own player's weights is not enough. With the losses $\frac12 x^2 + a\,xy$ and $\frac12 y^2 + a\,xy$ each is, but for
# $a > 1$ gradient steps of any size, and the flow as well, run away from the only equilibrium, $(0, 0)$: the Jacobian has the eigenvalues $-1 \pm a$. For two deep
# networks the question is still open.

# %% tags=["nbval-check-output"]
def run_away(a):
    """The real parts of the eigenvalues of the game x^2/2 + a xy, y^2/2 + a xy."""
    def of_x(x, y):
        return (x**2 / 2 + a * x * y).sum()

    J = saddle.game_jacobian(of_x, lambda x, y: of_x(y, x), zero, zero)
    return np.sort(np.linalg.eigvals(J.numpy()).real)


for a in (0.5, 2.0):
    print(f"a = {a}: eigenvalues", *(f"{value:+.2f}" for value in run_away(a)))

# %% [markdown] covers=["5.09"]
# ### Others who play
#
# Wherever both sides learn by small steps, they may circle:
#
# | game | wants it small | wants it large | how the inner player is handled |
# |---|---|---|---|
# | board games (checkers, chess, Go) | one side | the other side | search, and play against one's own past: a relative of fictitious play |
# | robust optimisation and control; adversarial examples | the model or controller | disturbance within a budget | several inner steps per outer one, or a bound in closed form |
# | domain-adversarial learning | features, to hide the domain | a domain classifier | one gradient with its sign reversed: simultaneous steps |
# | adversarial privacy | encoder, to hide a secret | whoever tries to read it | alternating, with fresh attackers for the test |
# | guided cost learning (inverse reinforcement learning) | policy, to look like the expert | a cost function | alternating; the cost plays D, the policy G |
# | GAN | G | D | alternating, Adam, a penalty |

# %% [markdown]
# ## Exercises
#
# Stuck? Run `hint("4.1")` in a cell of its own, more than once.
#
# ### 4.1 One simultaneous step, for any $V$
#
# Write `step(V, x, y, eta)`: both players look, then both move, $x$ down and $y$ up. `V` is any
# function of two tensors; let autograd find its slopes. `x` and `y` come as floats, and two floats
# should be returned.

# %% tags=["exercise"]
def step(V, x, y, eta):
    """(x - eta dV/dx, y + eta dV/dy), both slopes at the old place.  floats -> floats"""
    # solution
    x, y = torch.tensor(x, requires_grad=True), torch.tensor(y, requires_grad=True)
    x_slope, y_slope = torch.autograd.grad(V(x, y), (x, y))
    return (x - eta * x_slope).item(), (y + eta * y_slope).item()


# %%
step = check("4.1", step)

# %% [markdown]
# ### 4.2 Look ahead, and again
#
# Extragradient looks once: from $(x, y)$ it tries a step, reads the arrow there, goes back to $(x,
# y)$, and steps by that arrow. One can go on: read the arrow where *that* step ends, go back, and so on.
# Write `look_ahead(x, y, eta, looks)` for $V = xy$. With `looks=0` it is the simultaneous step,
# with `looks=1` extragradient. What does it become with many looks?

# %% tags=["exercise"]
def look_ahead(x, y, eta, looks):
    """The place after one step whose arrow was read after `looks` looks ahead.  -> (x, y)"""
    # solution
    u, v = x, y  # where the arrow is read
    for _ in range(looks):
        u, v = x - eta * v, y + eta * u
    return x - eta * v, y + eta * u


# %%
look_ahead = check("4.2", look_ahead)

# %% [markdown]
# With it you can see what each look buys. A surprise is hidden at a step size of 1:

# %%
for eta in (0.5, 1.0):
    growths = (np.hypot(*look_ahead(1.0, 0.0, eta, looks)) for looks in range(7))
    print(f"eta {eta}: growth with 0, 1, ... 6 looks:", *(f"{g:.4f}" for g in growths))
limits = (saddle.growth(saddle.implicit, eta) for eta in (0.5, 1.0))
print("implicit: {:.4f} for 0.5 and {:.4f} for 1".format(*limits))

# %% [markdown]
# <details><summary>What there is to see</summary>
#
# For $\eta = 0.5$, as for any $\eta < 1$, the looks converge to the implicit step. For $\eta = 1$ they go
# round a cycle of four; but two looks happen to hit the equilibrium exactly, in one step from anywhere.
# </details>
#
# ### 4.3 How much friction?
#
# Write the Jacobian of the Dirac-GAN with R1 penalty at its equilibrium, for $(\theta, \psi)$ in
# this order, as a 2 by 2 array. And which $\gamma$ brings the path home fastest, that is, makes the
# *larger* of the two real parts as small as possible?

# %% tags=["exercise"]
def dirac_jacobian(gamma):
    """d(theta's and psi's arrow) / d(theta, psi) at (0, 0).  -> (2, 2)"""
    # solution
    return np.array([[0.0, 0.5], [-0.5, -gamma]])


# %% tags=["exercise"]
# solution
best_gamma = 1.0

# %%
dirac_jacobian, best_gamma = check("4.3", (dirac_jacobian, best_gamma))

# %% [markdown]
# ### 4.4 Open: a rule of your own
#
# Invent a ninth rule: a penalty on $x$ only, momentum of another size, half a look
# ahead, ... It needs the signature below, and `saddle.growth` tells you its fate before you run
# it (if it is linear, and the same in each step). Can you beat *optimistic* at a step size of 0.5, with
# one look at the field per step? The cell starts you off with friction, which helps only because the
# equilibrium is at 0.

# %%
def mine(field, w, eta, memory):
    """Simultaneous steps, and y is pulled back by a tenth in each."""
    return (w + eta * field(w)) * [1, 0.9], saddle.NOTHING


for eta in (0.1, 0.3, 0.5):
    factors = saddle.growth(mine, eta), saddle.growth(saddle.optimistic, eta)
    print("step size {}: mine {:.4f}, optimistic {:.4f}".format(eta, *factors))

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, and what it measured. Rows about trained networks are asserted
# wherever the training was complete.

# %%
from gan_tutorial.lesson.facts import Ledger

ledger = Ledger("04")
note = ledger.add
far = saddle.run(saddle.simultaneous, saddle.bilinear, begin, 0.1, 1000)
rate = saddle.measured_growth(far)
per_turn = rate ** (2 * np.pi / np.arctan(0.1))
book = "Goodfellow 2016, exercise 2"
note("F-X1 circle", "solver - formula, largest", 0, circle_error, 1e-8, book)
kept_size = radius[-1] / radius[0]
note("F-X1 circle", "distance after two turns / before", 1, kept_size, 1e-8, "Goodfellow 2016")
note("F-X2 simultaneous", "growth per step, 0.1", np.sqrt(1.01), rate, 1e-9, "Pythagoras")
doubled = np.log(2) / np.log(rate)
note("F-X2 simultaneous", "steps to double, 0.1",
     139.32, doubled, 0.01, "2 log 2 / log(1 + eta^2)")
note("F-X2 simultaneous", "growth per turn, 0.1", 1.3684, per_turn, 1e-4, "the table")
rule = "F-X3 alternating"
note(rule, "change of the invariant", 0, np.ptp(kept), 1e-11, "x^2 + y^2 - eta xy")
note(rule, "smallest distance, 0.5", 0.894427, sizes.min(), 1e-5, "1/sqrt(1 + eta/2)")
note(rule, "largest distance, 0.5", 1.154701, sizes.max(), 1e-5, "1/sqrt(1 - eta/2)");

# %%
for name, values in {"implicit": (0.995037, 0.894427, 0.707107),
                     "extragradient": (0.995038, 0.901388, 1.0),
                     "optimistic": (0.994936, 0.707107, 1.931852)}.items():
    for eta, exact in zip((0.1, 0.5, 1.0), values, strict=True):
        path = saddle.run(saddle.RULES[name], saddle.bilinear, begin, eta, 400)
        seen = saddle.measured_growth(path)
        # two equal eigenvalues: n times lambda^n, which takes longer
        tolerance = 3e-3 if (name, eta) == ("optimistic", 0.5) else 1e-4
        note(f"F-X4 {name}", f"growth per step, {eta}", exact, seen, tolerance, "eigenvalues")
edge = saddle.growth(saddle.optimistic, 1 / np.sqrt(3))
note("F-X4 optimistic", "growth at eta = 1/sqrt 3", 1, edge, 1e-9, "edge of stability")
note("averaging", "mean of y - (x0 - xN)/(eta N)", 0, telescoped, 1e-12, "telescoping sum")
of_mean = [np.linalg.norm(saddle.running_mean(path)[-1]) for path in (turns, spiral)]
note("averaging", "distance of the mean after 2,000 alternating steps / bound",
     (0, 1), of_mean[0] / bound[-1], 0, "telescoping sum")
note("averaging", "distance of the mean after 2,000 simultaneous steps",
     (1, 1e6), of_mean[1], 0, "carried off");

# %%
expected = {name: saddle.growth(rule, 0.1) for name, rule in saddle.RULES.items()}
off = max(abs(expected[name] - measured[name]) for name in expected)
note("eight rules", "predicted - measured growth at 0.1, largest", 0, off, 2e-4, "eigenvalues")
in_the_end = [np.linalg.norm(path[-1]) for path in paths.values()]
note("eight rules", "60 steps of 0.2: upper row, shortest distance in the end",
     (0.85, 1e3), min(in_the_end[:4]), 0, "steps")
note("eight rules", "60 steps of 0.2: lower row, longest distance in the end",
     (0, 0.8), max(in_the_end[4:]), 0, "steps")
ledger.assert_all(profile)

# %%
fact, source = "F-X5 Dirac-GAN", "Mescheder et al. 2018"
for gamma, real, imaginary in ((0.0, 0.0, 0.5), (0.2, -0.1, 0.489898), (1.0, -0.5, 0.0)):
    value = eigenvalues(*saddle.dirac(non_saturating, gamma=gamma))[0]
    note(fact, f"real part, R1 {gamma}", real, value.real, 1e-6, source)
    note(fact, f"imaginary part, R1 {gamma}", imaginary, abs(value.imag), 1e-6, source)
noisy = eigenvalues(*saddle.dirac(non_saturating, noise=1.0))[0]
note(fact, "real part, noise 1", -0.25, noisy.real, 1e-6, source)
ends = {name: abs(path[-200:, 0]).max() for name, path in orbits.items()}
to_and_fro = ends["WGAN-GP, weight 1/2"]
note(fact, "last |theta|, WGAN-GP: 2w or more", (1, 2), to_and_fro, 0, "the turn at psi = 0")
note(fact, "last |theta|, R1 1", 0, ends["R1, $\\gamma$ = 1"], 1e-2, source)
spread = np.ptp(np.linalg.norm(orbits["minimax"], axis=1))
note(fact, "minimax: change of the radius", 0, spread, 0.05, "here; steps of 0.1")
on_a_circle, creeping = ends["WGAN, clipped at 1/2"], ends["non-saturating"]
fact, ratio = "Dirac-GAN", sure[1] / sure[0]
note(fact, "slope for G: non-saturating / minimax at a score of -10",
     np.exp(10), ratio, 1e-3, "e^10")
note(fact, "last |theta|: non-saturating", (0.2, 0.8), creeping, 0, "creeps inward")
note(fact, "last |theta|: clipped WGAN", 0.5, on_a_circle, 0.02, "the circle of xy")
note(fact, "last |theta|: noise 1", 0, ends["instance noise, s = 1"], 0.02, source);

# %%
off = np.linalg.norm(play - 0.5, axis=1)
power = np.polyfit(np.log(np.arange(101, 20_001)), np.log(off[100:]), 1)[0]
ends_at = [path[-1][0] for path in walks]
in_right_one = sum(x > 0.5 for x in ends_at)
note("one player", "walks that end in the right valley", 2, in_right_one, 0, "four walks")
note("one player", "where the walk from the ridge ends - the pass",
     0, ends_at[-1] - ridge, 1e-6, "f has no slope there")
fact = "F-X6 pennies"
note(fact, "heads, fictitious play", 0.5, rows[-1, 0], 0.01, "Robinson 1951")
note(fact, "power of N at which the distance falls", -0.5, power, 0.1, "fit from 100 on")
note(fact, "gradient steps, farthest from 1/2", 0.5, abs(w - 0.5).max(), 1e-9, "hits the wall")
note("convex is not enough", "largest real part, x^2/2 + 2xy and y^2/2 + 2xy",
     1, run_away(2.0)[-1], 1e-9, "a - 1")
note("not vanishing", "|F| / distance on the circle",
     1, smallest_on_circle, 1e-6, "F = (-y, x)")
note("zero-sum", "D-G block + transpose of G-D", 0, antisymmetry, 1e-12, "minimax")
note("not convex", "d_loss half-way - at both ends",
     (0.1, 10), bump, 0, "two equal Ds", needs_training=True)
note("densities", "total variation, changed directly",
     0, direct[-1], 1e-3, "convex-concave game")
ledger.assert_all(profile)

# %%
held = ("this run", True)  # asserted where the training was whole
shown = ("this run", True, True)  # another training may find something else: shown only
fact, normal = "50 weights", ("N(2, 0.5^2)", True)
for k in range(3):
    bare, damped = (spectra[gamma, k][1] for gamma in (0.0, 1.0))
    gain, made = bare.real - damped.real, net(trained[k][1], z)
    easier = largest_step[1.0, k] / largest_step[0.0, k]
    nearer = away[1.0, k] / away[0.0, k]
    note(fact, f"fastest turning, {k}", (0.15, 2), bare.imag, 0, *held)
    note(fact, f"real part without penalty, {k}", (-0.3, 0), bare.real, 0, *shown)
    note(fact, f"what R1 takes off the real part, {k}", (0.03, 1), gain, 0, *held)
    note(fact, f"largest step for this pair, R1 / none, {k}", (2, np.inf), easier, 0, *held)
    note(fact, f"still off after the push, R1 / none, {k}", (0, 1), nearer, 0, *held)
    note(fact, f"mean of the samples, {k}", 2, made.mean(), 0.2, *normal)
    note(fact, f"sd of the samples, {k}", 0.5, made.std(), 0.3, *normal)
    for gamma in (0.0, 1.0):
        expected, seen = predictions[gamma, k]
        note(fact, f"|seen / (1 + eta lambda) - 1|, R1 {gamma:.0f}, {k}",
             0, abs(seen / expected - 1), 5e-3, "linearisation", True)
drift = max(values.real.max() for values, _, _ in spectra.values())
note(fact, "real part of the eigenvalue farthest to the right", (0, 0.1), drift, 0, *shown);

# %%
for k in range(3):
    wrong, less = late[0.0, k], late[0.9, k] - late[0.0, k]
    note("oscillation", f"wrong share, momentum - none, {k}", (0.05, 1), less, 0, *held)
    note("oscillation", f"wrong share without momentum, {k}", (0, 0.25), wrong, 0, *held)
fact = "live GAN"
for k in range(3):
    bare_w1, bare_swing, point = calm["as it is", k]
    r1_w1, r1_swing, r1_spread = calm["R1 0.3", k]
    soft_w1, soft_spread = softly[0.18, k]
    noise_w1 = calm["noise 0.6", k][0]
    note(fact, f"spread of the samples, as it is, {k}", (0, 0.1), point, 0, *held)
    note(fact, f"spread of the samples, R1, {k}", (0.4, 2), r1_spread, 0, *held)
    note(fact, f"mean W1, noise 0.6 / R1, {k}", (1, 10), noise_w1 / r1_w1, 0, *held)
    note(fact, f"mean W1, R1 0.18 / as it is, {k}", (0, 0.5), soft_w1 / bare_w1, 0, *shown)
    note(fact, f"spread of the samples, R1 0.18, {k}", (0.3, 2), soft_spread, 0, *shown)
    note(fact, f"mean W1, R1 / as it is, {k}", (0, 0.5), r1_w1 / bare_w1, 0, *held)
    note(fact, f"swing of W1, R1 / as it is, {k}", (0, 0.5), r1_swing / bare_swing, 0, *held)
    note(fact, f"mean W1, noise 0.6 / as it is, {k}", (0, 0.7), noise_w1 / bare_w1, 0, *held);

# %%
stuck = sum(calm["noise 0.3", k][2] < 0.1 for k in range(3))
note(fact, "seeds with noise 0.3 whose samples are one point", (1, 3), stuck, 0, *shown)
stuck = sum(softly[0.045, k][1] < 0.1 for k in range(3))
note(fact, "seeds with R1 0.045 whose samples are one point", (1, 3), stuck, 0, *shown)
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - In a game, following one's own slope need not lead to the equilibrium. On $V = xy$ it leads round a
#   circle, and with simultaneous steps of any finite size outward, by $\sqrt{1 + \eta^2}$ per step.
# - A rule is a matrix near the equilibrium, and its largest $|\lambda|$ tells its fate: on $xy$ alternating
#   steps stay, positive momentum leaves, looking ahead (not too far) arrives.
# - The eigenvalues of the game's Jacobian say the same of a GAN: imaginary parts turn, negative real
#   parts settle. A penalty on D's slope at the data is friction.
# - Circling is not vanishing gradients: the arrows are healthy and lead nowhere.
#
# ## In practice
#
# - *Nobody computes 50 eigenvalues of a large GAN.* But people act as if they had: alternating
#   updates; Adam with $\beta_1 = 0$ or 0.5 rather than 0.9; an R1 penalty on D; an average of G's
#   weights for drawing samples. Each of these is a line of this notebook.
# - *Two time scales* help nothing on $xy$, yet are common: with friction in D, a faster D stays nearer to
#   its best answer, and then there is a proof, local and for shrinking steps
#   ([Heusel et al. 2017](https://arxiv.org/abs/1706.08500)).
# - *Friction has its price.* With a large $\gamma$ D is flat, and G learns little; people tune
#   $\gamma$ for each data set, over orders of magnitude.
# - *Extragradient and optimistic variants of Adam* exist; most large GANs were trained without.
# - *Local means local.* All of this holds near an equilibrium. It says nothing about whether the
#   training gets there.
#
# ## Further reading
#
# - [Goodfellow 2016, NIPS Tutorial](https://arxiv.org/abs/1701.00160): Exercise 2, with its
#   solution at the end.
# - [Nagarajan & Kolter 2017, Gradient descent GAN optimization is locally
#   stable](https://arxiv.org/abs/1706.04156): the theorem for data that have a density.
# - [Mescheder, Nowozin & Geiger 2017, The Numerics of GANs](https://arxiv.org/abs/1705.10461): the
#   eigenvalues, and why the step size has to shrink with their ratio.
# - [Mescheder, Geiger & Nowozin 2018, Which Training Methods for GANs do actually
#   Converge?](https://arxiv.org/abs/1801.04406): the Dirac-GAN, and the R1 penalty.
# - [Daskalakis et al. 2018, Training GANs with Optimism](https://arxiv.org/abs/1711.00141): the
#   optimistic rule.
# - [Gidel et al. 2019, A Variational Inequality Perspective on
#   GANs](https://arxiv.org/abs/1802.10551): extragradient and averaging for GANs.
# - [Gidel et al. 2019, Negative Momentum for Improved Game
#   Dynamics](https://arxiv.org/abs/1807.04740): why $\beta < 0$.
