# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 · The saddle V(x, y) = xy: two players who both do the right thing, and never arrive
#
# **What you'll do.** You take the smallest game there is, $V(x, y) = xy$, find out why its players
# circle instead of settling, make them settle, and meet the same circle inside a GAN.
#
# **What you'll learn**
#
# - why a step downhill for each player need not be a step towards the end of the game
# - to say, before running anything, by what factor a rule grows or shrinks per step
# - what a look ahead and a penalty do about the circle
# - to tell the circle in a GAN from a gradient that vanishes
#
# **What you'll need.** Slopes, and complex numbers as points of the plane; what an eigenvalue is, four lines
# repeat. What we need of GANs is said on the way ([02](02_play_the_game.ipynb) tells it at length).
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import torch

from gan_tutorial.game import objectives
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import use_style
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth import saddle

torch.set_num_threads(1)  # all networks here are tiny: a second thread would only wait
use_style()
profile = choose(PROFILE)
ledger = Ledger("04")

# %% [markdown]
# ## Guess first
#
# Two players share one number, $V = xy$. The first chooses $x$ and wants $V$ small; the second
# chooses $y$ and wants $V$ large. They begin at $x = 1$, $y = 0$, a distance of 1 from $(0, 0)$. Again
# and again both look at the slope of $V$ in their own number, and at the same time both move by 0.1 times
# that slope, each the way they want.
#
# How far from $(0, 0)$ are they after 1,000 steps?
#
# 1. almost at $(0, 0)$
# 2. still at a distance of about 1
# 3. farther than 100
#
# Settle on an answer.

# %% [markdown]
# ## One picture: to descend, and to play
#
# What you are used to: *one* player, who goes downhill. On the left is a landscape
# $f(x, y) = (x^2 - 1)^2 + y^2 + 0.3\,x$ with two valleys, and four walks that follow its slope. On the
# right is $V = xy$: one player moves in $x$ and wants down, the other moves in $y$ and wants up.

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

# %% tags=["figure"] alt="Left: contour lines with two valleys; three walks end at the bottom of a valley, one on the pass between them. Right: a saddle-shaped surface with a path that goes round its centre and closes" covers=["5.01", "5.03"] topics=["saddle point"] slide=true
from gan_tutorial.lesson.figures.nb04 import one_player_and_two

one_player_and_two(walks, saddle.circle((1.0, 0.0), np.linspace(0, 2 * np.pi, 200)))
plt.show()

# %% [markdown] slide=["**A walk may end at the wrong place"]
# On the left every walk comes to rest. Not always at the best place: two end in the upper valley, the
# right one (a *local minimum*), and one, started exactly on the ridge, on the pass between them
# (a *saddle point*). But they end, because each small step lowers the same number $f$.
#
# On the right no number is lowered by every step. What $x$ wins, $y$ takes back. The path that both
# draw together, in blue, goes round the saddle and comes back to where it began. **A
# walk may end at the wrong place; a game may not end at all.**

# %% [markdown] slide=["One picture: to descend, and to play | does this game have an equilibrium"]
# ## The circle: infinitely small steps
#
# Exercise 2 of Goodfellow's [NIPS 2016 tutorial](https://arxiv.org/abs/1701.00160) asks two questions
# about $V(x, y) = xy$: does this game have an equilibrium, and what path do the players follow if their
# steps are infinitely small? Try both on paper before you open the answers.
#
# <details><summary>Is there an equilibrium?</summary>
#
# An equilibrium is a point where neither player gains by moving *alone*. At $(0, 0)$ that is so: whoever
# moves alone, $V$ stays 0. There is no other: if $y \neq 0$, then $x$ gains by running off to one side, and
# if $x \neq 0$, then $y$ does.
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
# Let a solver for differential equations follow the slopes, knowing nothing of sinusoids, and lay the
# formula over it.

# %% covers=["5.02", "5.04"]
from scipy.integrate import solve_ivp

start = np.array([1.0, 0.5])
times = np.linspace(0, 4 * np.pi, 241)  # twice round
exactly = {"t_eval": times, "rtol": 1e-10, "atol": 1e-12}
solved = solve_ivp(lambda t, w: [-w[1], w[0]], (0, times[-1]), start, **exactly).y.T
formula = saddle.circle(start, times)
circle_error = abs(solved - formula).max()
print(f"largest difference between solver and formula below 1e-8: {circle_error < 1e-8}")

# %% tags=["figure"] alt="Left: x and y over time, two shifted sinusoids, solver and formula on top of each other. Right: the circle in the plane, with arrows along it"
from gan_tutorial.lesson.figures.nb04 import flow

flow(times, solved, formula)
plt.show()

# %% [markdown]
# Left: solver and formula lie on each other, and after a time of $2\pi$ everything repeats. Each
# player, seen alone, swings for ever. Right: the arrows, $(-y, x)$, say where *both* want to go. They are everywhere at
# right angles to the way to the centre.

# %% [markdown] topics=["simultaneous and alternating updates"]
# ## By hand: steps of finite size
#
# A computer takes steps of a [size](glossary.md#step-size) $\eta > 0$ (*eta*, the learning rate). In a
# [simultaneous](glossary.md#simultaneous-updates) step both players look, then both move.
#
# ### Exercise 4.1 · One simultaneous step
#
# From $(x, y)$, both see the slope of $V = xy$ in their own number. Then $x$ goes down its slope and $y$
# goes up its own, each by $\eta$ times the slope. Give back the new $x$ and $y$, two floats. {{help}}

# %% tags=["exercise"]
def simultaneous(x, y, eta):
    """Both slopes at the old place.  floats -> (x, y)"""
    # solution
    return x - eta * y, y + eta * x


# %%
simultaneous = check("4.1", simultaneous)

# %% [markdown]
# Now let your step be taken 1,000 times.

# %% tags=["nbval-check-output"]
def walk(rule, eta, steps):
    """The path from (1, 0).  -> (steps + 1, 2)"""
    path = [(1.0, 0.0)]
    for _ in range(steps):
        path.append(rule(*path[-1], eta))
    return np.array(path)


x, y = walk(simultaneous, 0.1, 1000)[-1]
print(f"after 1,000 simultaneous steps of 0.1: distance {np.hypot(x, y):.2f}")

# %% [markdown]
# So answer 3 was right: they are at a distance of about 145, and getting away faster and faster. Why
# outward? The arrow $(-y, x)$ touches the circle. Whoever goes *straight* along a tangent, however
# short the step, leaves the circle on the outside. With the theorem of Pythagoras:
#
# $$(x - \eta y)^2 + (y + \eta x)^2 = (1 + \eta^2)\,(x^2 + y^2),$$
#
# so **every simultaneous step makes the distance grow by the factor $\sqrt{1 + \eta^2}$**, wherever we
# are. How many steps until it has doubled?

# %% tags=["nbval-check-output"]
print("  eta   steps until doubled    growth per turn")
for eta in (1, 0.5, 0.2, 0.1, 0.05, 0.01):
    factor = np.sqrt(1 + eta**2)
    per_turn = factor ** (2 * np.pi / np.arctan(eta))  # a step turns by the angle atan(eta)
    print(f"{eta:5}   {np.log(2) / np.log(factor):19.2f}   {per_turn:16.4f}")

# %% [markdown]
# **Simultaneous steps spiral outward for every step size; with small ones it only takes longer** (about
# $1.4/\eta^2$ steps to double). No step size is small enough, and a shrinking one brings nobody nearer.
# ("Generative Adversarial Networks", Goodfellow 2016, says "can spiral outward for large step sizes": true,
# and easily misread.) What helps is another rule.
#
# ### Exercise 4.2 · One alternating step
#
# In an [alternating](glossary.md#alternating-updates) step $x$ moves first, and then $y$ moves, by the
# slope that it has at the *new* $x$. {{help}}

# %% tags=["exercise"]
def alternating(x, y, eta):
    """First x, then y, who sees the new x.  floats -> (x, y)"""
    # solution
    x = x - eta * y
    return x, y + eta * x


# %%
alternating = check("4.2", alternating)

# %% [markdown]
# Three paths of simultaneous steps, and distances on a logarithmic scale, on which the formula is a
# straight line; in brown, your alternating steps:

# %% tags=["figure"] alt="Three spirals that wind outward, faster for larger steps; on the right their distances from the centre grow as straight lines on a logarithmic scale, exactly on the dashed formula, while the alternating path stays level" covers=["5.05"]
from gan_tutorial.lesson.figures.nb04 import spirals

spirals({eta: walk(simultaneous, eta, 150) for eta in (0.05, 0.1, 0.3)},
        walk(alternating, 0.3, 150))
plt.show()

# %% [markdown]
# All three spiral outward (the first one slowly). The
# brown one, which takes turns, stays level, and all that differs is which $x$ the second player saw.
# Alternating steps keep the number $x^2 + y^2 - \eta\,xy$ for ever, so for $\eta < 2$ their path is bound to
# an ellipse. It can neither leave nor arrive.

# %% [markdown]
# ## Deeper: why taking turns keeps the players in bounds
#
# You will see how an ellipse comes out of the rule, and what happens when the steps are too large. To
# arrive, go on with [Looking ahead](#Looking-ahead).

# %% [markdown]
# To check that $x^2 + y^2 - \eta\,xy$ is kept, put $x - \eta y$ and $y + \eta(x - \eta y)$ in: everything
# else cancels. For $\eta < 2$ the points where it has a given value form an ellipse. From $(1, 0)$ the path
# lives between the distances $1/\sqrt{1 + \eta/2}$ and $1/\sqrt{1 - \eta/2}$.

# %% tags=["nbval-check-output"]
long = walk(alternating, 0.5, 20_000)
kept = saddle.invariant(long, 0.5)
sizes = np.linalg.norm(long, axis=1)
out = np.linalg.norm(walk(alternating, 2.1, 20)[-1])
print("20,000 alternating steps of 0.5:")
print(f"x^2 + y^2 - 0.5 xy moved by less than 1e-11: {np.ptp(kept) < 1e-11}")
print(f"distance: from {sizes.min():.4f} to {sizes.max():.4f}")
print(f"theory:   from {1 / np.sqrt(1.25):.4f} to {1 / np.sqrt(0.75):.4f}")
print(f"and with steps of 2.1, which are too large: {out:.0f} after 20")

# %%
for claim, exact, seen, tolerance, why in (
    ("change of the invariant", 0, np.ptp(kept), 1e-11, "x^2 + y^2 - eta xy"),
    ("smallest distance, 0.5", 0.894427, sizes.min(), 1e-5, "1/sqrt(1 + eta/2)"),
    ("largest distance, 0.5", 1.154701, sizes.max(), 1e-5, "1/sqrt(1 - eta/2)"),
):
    ledger.add("F-X3 alternating", claim, exact, seen, tolerance, why)

# %% [markdown] topics=["extragradient"]
# ## Looking ahead
#
# The arrow where you stand touches the circle and leads out of it. But the arrows *turn*: the one a
# little later points more to the inside. So look ahead! From $(x, y)$ try a step, read the arrow at the
# place where you land, go *back* to $(x, y)$, and step by the arrow that you read. This is
# **extragradient**.
#
# ### Exercise 4.3 · Look ahead, and again
#
# One can look more than once: read the arrow where *that* step would end, go back to $(x, y)$, and so
# on. Write `look_ahead(x, y, eta, looks)` for $V = xy$. With `looks=0` it is the simultaneous step,
# with `looks=1` extragradient. {{help}}

# %% tags=["exercise"]
def look_ahead(x, y, eta, looks):
    """The place after one step whose arrow was read after `looks` looks ahead.  -> (x, y)"""
    # solution
    u, v = x, y  # where the arrow is read
    for _ in range(looks):
        u, v = x - eta * v, y + eta * u
    return x - eta * v, y + eta * u


# %%
look_ahead = check("4.3", look_ahead)

# %% [markdown]
# What does each look buy? Here is the factor by which one step changes the distance (watch a step
# size of 1):

# %% tags=["nbval-check-output"]
for eta in (0.5, 1.0):
    growths = (np.hypot(*look_ahead(1.0, 0.0, eta, looks)) for looks in range(7))
    print(f"eta {eta}: growth with 0, 1, ... 6 looks:", *(f"{g:.4f}" for g in growths))

# %% [markdown]
# With $\eta = 0.5$ a single look turns growth into shrinking: **looking ahead arrives.** More looks
# converge, for any $\eta < 1$, to the *implicit* step, which uses the arrow of the very place where it
# ends. With $\eta = 1$ they go round a cycle of four; but two looks hit the equilibrium exactly, in one
# step from anywhere.

# %% [markdown] topics=["eigenvalues of a game"]
# ## With the package: a rule is a matrix
#
# Our rules are linear: the new $(x, y)$ is a matrix times the old one. A linear map, applied again
# and again, in the long run grows per step by the largest $|\lambda|$ among its *eigenvalues* $\lambda$. Above 1
# the path leaves, below 1 it arrives, at 1 (if no two eigenvalues coincide there) it stays.
#
# <details><summary>Eigenvalues in four lines</summary>
#
# - $Mv = \lambda v$: for its *eigenvector* $v$, the matrix $M$ only multiplies by a number $\lambda$.
# - Applied $n$ times it multiplies $v$ by $\lambda^n$: growth if $|\lambda| > 1$, decay if $|\lambda| < 1$.
# - A complex $\lambda$ turns by its angle, and stretches by its length $|\lambda|$.
# - A start is a sum of eigenvectors (with exceptions); in the long run the largest $|\lambda|$ decides.
# </details>
#
# For the simultaneous step the matrix is
# $\begin{pmatrix} 1 & -\eta \\ \eta & 1 \end{pmatrix}$, its eigenvalues are $1 \pm i\eta$, and
# $|1 \pm i \eta| = \sqrt{1 + \eta^2}$, as Pythagoras said.
#
# The package, in `gan_tutorial.truth.saddle`, has eight rules, `run` to take steps, and `growth`, which
# finds a rule's matrix and its largest $|\lambda|$.
# Do its rules do what yours do?

# %% tags=["nbval-check-output"]
begin = np.array([1.0, 0.0])
yours = {"simultaneous": simultaneous, "alternating": alternating,
         "extragradient": lambda *at: look_ahead(*at, looks=1)}
for name, rule in yours.items():
    packaged = saddle.run(saddle.RULES[name], saddle.bilinear, begin, 0.3, 200)
    difference = abs(walk(rule, 0.3, 200) - packaged).max()
    print(f"{name:13} by hand and with the package agree: {difference < 1e-9}")
    assert difference < 1e-9

# %% [markdown] topics=["optimistic gradient", "momentum", "two time scales"]
# Here are all eight. $F(w) = (-y, x)$ is the arrow at $w = (x, y)$.
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
# Before you look at 60 steps of 0.2: which of the eight will arrive?

# %% tags=["figure"] alt="Eight paths from the same start: three spiral out, alternating stays on an ellipse, and alternating with negative momentum, optimistic, extragradient and implicit spiral in"
from gan_tutorial.lesson.figures.nb04 import strip_of_rules

paths = {name: saddle.run(rule, saddle.bilinear, begin, 0.2, 60)
         for name, rule in saddle.RULES.items()}
strip_of_rules(paths)
plt.show()

# %% [markdown]
# In the upper row nobody arrives: momentum and larger steps for $y$ make it worse, and taking turns
# keeps the distance. In the lower row all four go inward, the first slowly. Could we have known? Here is
# the growth per step of 0.1, predicted (by eigenvalues) and measured (over the second half of 400 steps):

# %%
measured = {}
for name, rule in saddle.RULES.items():
    measured[name] = saddle.measured_growth(saddle.run(rule, saddle.bilinear, begin, 0.1, 400))
    expected = saddle.growth(rule, 0.1)
    print(f"{name:28} predicted {expected:.4f}   measured {measured[name]:.4f}")

# %% [markdown]
# They agree to about 0.0001: a rule's fate is known before it runs.
#
# ### Play: one slider for the step size
#
# Left, the path of one rule, and in brown the [mean of its
# points](#Deeper:-averaging,-or-arriving-without-arriving) so far; right, the predicted growth
# of all eight, the chosen one in blue. In the live notebook, move
# the step size. What is the fastest that *extragradient* can be? What happens to *optimistic* just below 0.58
# and just above? Which rule always arrives, however far you push the slider?

# %% tags=["widget"] alt="Left: the path of the extragradient rule spirals inward. Right: curves of growth per step over step size for eight rules, each with its name, and a line at 1; the curve of extragradient is highlighted and dips below 1"
from gan_tutorial.lesson.figures.nb04 import growth_of_rules
from gan_tutorial.lesson.live import explore

shown = {"rule": "extragradient", "step_size": 0.3}
explore(growth_of_rules, panels=2, size=(9.4, 4), still=shown,
        rule=list(saddle.RULES), step_size=(0.02, 1.3, 0.2, 0.01))

# %% [markdown]
# <details><summary>What we found</summary>
#
# Extragradient is fastest at $\eta = 1/\sqrt 2 \approx 0.71$, where it shrinks by $\sqrt{3}/2
# \approx 0.87$ per step; at 1 it keeps its distance, and beyond it leaves. Optimistic is at its best at
# 0.5 (0.71 per step, better than extragradient ever is) and thrown out above $1/\sqrt 3 \approx
# 0.577$. Only the implicit rule arrives everywhere, but it has to
# solve an equation in each step.
# </details>

# %% [markdown]
# ## Deeper: growth in formulas, and a rule of your own
#
# Some of the growth factors have short formulas, and you can invent a ninth rule and know its fate before
# it runs. To skip: [A GAN with two weights](#A-GAN-with-two-weights).

# %% [markdown]
# - Two time scales: $\sqrt{1 + \eta_x \eta_y}$. Only the product of the two step sizes counts, so on
#   this game a faster $y$ helps nothing. Yet they are common in GANs: with friction in D, a faster D stays
#   nearer to its best answer, and then there is a proof, local and for shrinking steps
#   ([Heusel et al. 2017](https://arxiv.org/abs/1706.08500)).
# - Implicit: $1/\sqrt{1 + \eta^2}$. The simultaneous step, run backwards: it spirals in for every
#   $\eta$.
# - Extragradient: $\sqrt{1 - \eta^2 + \eta^4}$. The cheap imitation of the implicit step: smaller
#   than 1 for $\eta < 1$.
# - Optimistic: like extragradient for small steps, and it looks at only one arrow per step. In return it
#   ends earlier: $\eta < 1/\sqrt 3$.
#
# (Optimistic and extragradient variants of Adam exist; most large GANs were trained without.)
#
# (Where the distance wobbles on its way round, as for alternating steps, the measured growth wobbles too.)
# The last three, held against runs of 400 steps:

# %%
for name, values in {"implicit": (0.995037, 0.894427, 0.707107),
                     "extragradient": (0.995038, 0.901388, 1.0),
                     "optimistic": (0.994936, 0.707107, 1.931852)}.items():
    for eta, exact in zip((0.1, 0.5, 1.0), values, strict=True):
        path = saddle.run(saddle.RULES[name], saddle.bilinear, begin, eta, 400)
        seen = saddle.measured_growth(path)
        # two equal eigenvalues: n times lambda^n, which takes longer
        tolerance = 3e-3 if (name, eta) == ("optimistic", 0.5) else 1e-4
        ledger.add(f"F-X4 {name}", f"growth per step, {eta}", exact, seen, tolerance,
                   "eigenvalues")
        print(f"{name:13} step size {eta}: formula {exact:.4f}, seen {seen:.4f}")
edge = saddle.growth(saddle.optimistic, 1 / np.sqrt(3))
ledger.add("F-X4 optimistic", "growth at eta = 1/sqrt 3", 1, edge, 1e-9, "edge of stability");

# %% [markdown]
# How does the package know the matrix? A rule gets the field $F$, the place $w$, the step size and a *memory* of
# two numbers, which some rules need. `step_matrix` asks it: what do you make of the four unit vectors?

# %%
import inspect

print(inspect.getsource(saddle.alternating))
print(inspect.getsource(saddle.step_matrix))

# %% [markdown]
# **Yours.** Invent a ninth rule: a penalty on $x$ only, momentum of another size, half a look
# ahead, ... `saddle.growth` tells you its fate before you run it (if it is linear, and the same in each
# step). Can you beat *optimistic* at a step size of 0.5, with one look at the field per step? The cell
# starts you off with friction, which helps only because the equilibrium is at 0.

# %%
def mine(field, w, eta, memory):
    """Simultaneous steps, and y is pulled back by a tenth in each."""
    return (w + eta * field(w)) * [1, 0.9], saddle.NOTHING


for eta in (0.1, 0.3, 0.5):
    factors = saddle.growth(mine, eta), saddle.growth(saddle.optimistic, eta)
    print("step size {}: mine {:.4f}, optimistic {:.4f}".format(eta, *factors))

# %% [markdown]
# ## Deeper: averaging, or arriving without arriving
#
# You will see why the mean of a path can be at the centre although no point of it is, which is one reason
# for averaging G's weights. To skip: [A GAN with two weights](#A-GAN-with-two-weights).

# %% [markdown] topics=["averaging of weights", "EMA"]
# The brown curve of the picture above stood for another idea. If the path goes round the centre, then the
# *mean* of its points should be near the centre. For alternating steps we can say exactly how near. The
# steps are $x_{n+1} = x_n - \eta y_n$, so $y_n = (x_n - x_{n+1})/\eta$, and in the mean over $N$ steps all
# but the ends cancel:
#
# $$\frac1N \sum_{n=0}^{N-1} y_n = \frac{x_0 - x_N}{\eta N}.$$
#
# The same trick works for $x$. As long as the path is bounded, both go to zero like $1/N$. For
# simultaneous steps the formula holds too, but there $x_N$ grows faster than $N$.

# %%
turns, spiral = (saddle.run(rule, saddle.bilinear, begin, 0.1, 2000)
                 for rule in (saddle.alternating, saddle.simultaneous))
bound = 2 * np.linalg.norm(turns, axis=1).max() / (0.1 * np.arange(1, 2002)) * np.sqrt(2)
telescoped = abs(turns[:-1, 1].mean() - (turns[0, 0] - turns[-1, 0]) / (0.1 * 2000))
print(f"mean of y and the formula differ by less than 1e-12: {telescoped < 1e-12}")

# %% tags=["figure"] alt="Left: the alternating path is an ellipse and its running mean spirals to the centre. Right: on logarithmic axes the distance of the mean falls like one over N for alternating steps and rises for simultaneous ones"
from gan_tutorial.lesson.figures.nb04 import means_of_paths

means_of_paths(turns, spiral, bound)
plt.show()

# %% [markdown]
# The mean of the alternating path arrives, below the dashed $1/N$; that of the simultaneous one begins
# well and is then carried off with its path. This is one reason for the average of G's weights,
# [EMA](glossary.md#ema) (`game.ema`): around a circle, the centre is the better place. (That average
# forgets old points, so it keeps a small distance; but in a GAN the first are poor, and well forgotten.)

# %%
of_mean = [np.linalg.norm(saddle.running_mean(path)[-1]) for path in (turns, spiral)]
for claim, exact, seen, tolerance, why in (
    ("mean of y - (x0 - xN)/(eta N)", 0, telescoped, 1e-12, "telescoping sum"),
    ("distance of the mean after 2,000 alternating steps / bound",
     (0, 1), of_mean[0] / bound[-1], 0, "telescoping sum"),
    ("distance of the mean after 2,000 simultaneous steps",
     (1, 1e6), of_mean[1], 0, "carried off"),
):
    ledger.add("averaging", claim, exact, seen, tolerance, why)

# %% [markdown] topics=["Dirac-GAN"]
# ## A GAN with two weights
#
# Is $xy$ more than a toy? In a GAN a [generator](glossary.md#generator) G makes [samples](glossary.md#sample), and a
# [discriminator](glossary.md#discriminator) D gives every place a [score](glossary.md#score), high where it
# expects data; each learns against the other. Take the smallest that deserves the name, the **Dirac-GAN**
# of [Mescheder et al. (2018)](https://arxiv.org/abs/1801.04406). All data are at the point 0. All samples are
# at the point $\theta$, G's only weight. D's score is a line through 0, $\psi x$, with its slope $\psi$
# (*psi*) as its only weight. So D scores data 0, and samples $\psi\theta$. With the losses of most GANs, the
# [non-saturating](glossary.md#non-saturating) ones,
#
# $$\text{d\_loss} = \log 2 + \log(1 + e^{\psi\theta}), \qquad \text{g\_loss} = \log(1 + e^{-\psi\theta}).$$
#
# The equilibrium is $\theta = \psi = 0$: the samples are on the data, and D is flat. Each player follows an
# arrow, minus the gradient of its own loss. With $\sigma(s) = 1/(1 + e^{-s})$ the arrow is
# $\sigma(-\psi\theta)\,\psi$ for $\theta$, and $-\sigma(\psi\theta)\,\theta$ for $\psi$.
#
# What happens near the equilibrium is in the **Jacobian of the game**, $J$: a row for each arrow, and in it
# the arrow's derivatives by $\theta$ and by $\psi$. Close by, the arrows are nearly $J$ times the
# displacement. The imaginary part of an eigenvalue of $J$ says how fast a path turns, the real part how fast
# it settles (negative) or leaves (positive). For $V = xy$ they are $\pm i$: it turns, no more.
# (One simultaneous step is the matrix $I + \eta J$, with eigenvalues $1 + \eta\lambda$: for small $\eta$ their
# length is below 1 just when the real part of $\lambda$ is negative.) And here?

# %% [markdown] topics=["R1"]
# ### Friction: the R1 penalty
#
# Let us add something to `d_loss`, for D's slope at the data: $\frac{\gamma}{2} \psi^2$, the
# [R1 penalty](glossary.md#r1) with weight $\gamma$ (*gamma*). It adds $-\gamma\psi$ to D's arrow, which pulls
# $\psi$ back to 0 and does not turn: it acts as friction.
#
# ### Exercise 4.4 · How much friction?
#
# Write the Jacobian with the R1 penalty at $\theta = \psi = 0$, for $(\theta, \psi)$ in this order, as a 2 by
# 2 array. And which $\gamma$ brings the path home fastest, that is, makes the *larger* of the two real parts
# as small as possible? (The eigenvalues of $\begin{pmatrix} 0 & b \\ -b & -\gamma \end{pmatrix}$ are
# $-\gamma/2 \pm \sqrt{\gamma^2/4 - b^2}$; or try some values.) {{help}}

# %% tags=["exercise"]
def dirac_jacobian(gamma):
    """d(theta's and psi's arrow) / d(theta, psi) at (0, 0).  -> (2, 2)"""
    # solution
    return np.array([[0.0, 0.5], [-0.5, -gamma]])


# solution
best_gamma = 1.0

# %%
dirac_jacobian, best_gamma = check("4.4", (dirac_jacobian, best_gamma))

# %% [markdown]
# Autograd can find such a Jacobian from the two losses alone. Does it agree with yours?

# %%
zero = torch.zeros(1, dtype=torch.float64)


def jacobian_of(objective, **held):
    """By autograd, for (theta, psi).  -> (2, 2)"""
    d_and_g = saddle.dirac(objective, **held)
    return saddle.game_jacobian(*d_and_g, zero, zero).numpy()[::-1, ::-1]  # it has D first


def eigenvalues(J):
    return np.sort_complex(np.round(np.linalg.eigvals(J), 7))[::-1] + 0


# %% tags=["nbval-check-output"]
for gamma in (0.0, 0.2, 1.0, 2.0):
    J = jacobian_of(objectives.non_saturating, gamma=gamma)
    assert np.allclose(J, dirac_jacobian(gamma))
    print(f"R1, gamma = {gamma}: ", *(f"{value:+.4f}" for value in eigenvalues(J)))

# %% tags=["nbval-check-output"]
for name in ("minimax", "non_saturating", "hinge", "wasserstein"):
    values = eigenvalues(jacobian_of(getattr(objectives, name)))
    print(f"{name:15} without penalty: ", *(f"{value:+.4f}" for value in values))

# %% [markdown]
# (*hinge* and *wasserstein* are losses of later notebooks.)
# Without a penalty the real parts are 0. Every one of these GANs turns, and nothing linear makes it settle:
# near its equilibrium it *is* the game $xy$, up to the sense of turning and the speed. Another
# [loss](glossary.md#loss), which repairs so much else ([05](05_compare_the_losses.ipynb)), does not
# change this. With the penalty the path spirals in for $\gamma < 1$; at $\gamma = 1$ it just does not turn any
# more (*critical damping*); beyond, it creeps, because one of the two eigenvalues comes back towards 0.
#
# ### Play: how much friction?
#
# Left, the path for the penalty $\gamma$ (the slider *penalty*; 0.3 in the stored picture), from
# $\theta = 1$; right, the eigenvalues of your Jacobian: on a circle, then on the axis. For which $\gamma$ is
# the path home first, and why is more not better?

# %% tags=["widget"] alt="Left: a path of the Dirac-GAN with a small penalty spirals to the centre. Right: in the complex plane the two eigenvalues lie on a circle of radius one half, on their way to the real axis"
from gan_tutorial.lesson.figures.nb04 import friction

explore(friction(dirac_jacobian), panels=2, size=(8.8, 3.4), penalty=(0.0, 2.0, 0.3, 0.05))

# %% [markdown]
# <details><summary>What we found</summary>
#
# $\gamma = 1$, where the eigenvalues meet at $-\frac12$. With less friction the path overshoots; with
# more, D is held so tight that it hardly tells G anything.
# </details>
#
# *Instance noise*, normal noise on data and samples, is friction too: with the standard deviation $s$ it
# acts near the equilibrium like R1 with $\gamma = s^2/2$
# ([why](#Deeper:-six-GANs-with-two-weights,-and-width)).

# %% [markdown]
# ## Deeper: any V, by autograd
#
# You will write the simultaneous step for any function $V$, and see friction that comes with the game. To
# skip: [Two failures that look alike](#Two-failures-that-look-alike).

# %% [markdown]
# ### Exercise 4.5 · One simultaneous step on any V
#
# Write `step(V, x, y, eta)`: both players look, then both move, $x$ down and $y$ up. `V` is any
# function of two tensors; let autograd find its slopes. `x` and `y` come as floats, and two floats
# should be returned. {{help}}

# %% tags=["exercise"]
def step(V, x, y, eta):
    """(x - eta dV/dx, y + eta dV/dy), both slopes at the old place.  floats -> floats"""
    # solution
    x, y = torch.tensor(x, requires_grad=True), torch.tensor(y, requires_grad=True)
    x_slope, y_slope = torch.autograd.grad(V(x, y), (x, y))
    return (x - eta * x_slope).item(), (y + eta * y_slope).item()


# %%
step = check("4.5", step)

# %% [markdown]
# Let it play $V = xy + \frac{c}{2}(x^2 - y^2)$, in which each player also has a valley of its own at 0. The
# Jacobian has the eigenvalues $-c \pm i$, so a step multiplies the distance by
# $\sqrt{(1 - c\,\eta)^2 + \eta^2}$: a little curvature, $c > \eta/2$ or so, outweighs the spiral.

# %% tags=["nbval-check-output"]
for c in (0.0, 0.02, 0.05, 0.2):
    place = (1.0, 0.0)
    for _ in range(200):
        place = step(lambda x, y, c=c: x * y + c / 2 * (x**2 - y**2), *place, 0.1)
    told = np.hypot(1 - 0.1 * c, 0.1) ** 200
    print(f"c = {c}: distance after 200 steps {np.hypot(*place):.3f}, formula {told:.3f}")
    assert abs(np.hypot(*place) / told - 1) < 1e-3

# %% [markdown] topics=["instance noise"]
# ## Deeper: six GANs with two weights, and width
#
# You will see whole paths of six Dirac-GANs, from minimax to WGAN-GP, and what the Dirac-GAN lacks that makes
# many others settle. To skip: [Two failures that look alike](#Two-failures-that-look-alike).

# %% [markdown]
# How do the Wasserstein GANs of [07](07_move_earth.ipynb) and [08](08_penalise_the_gradient.ipynb) fare here,
# with clipped weights or with a penalty $c\,(|\psi| - 1)^2$ that asks for a slope of 1? Here are whole paths:
# alternating steps of 0.1 from $\theta = 1$, $\psi = 0$.

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
    "non-saturating": saddle.dirac(objectives.non_saturating),
    "WGAN, clipped at 1/2": saddle.dirac(objectives.wasserstein),
    "WGAN-GP, weight 1/2": with_slope_one(0.5),
    "R1, $\\gamma$ = 1": saddle.dirac(objectives.non_saturating, gamma=1.0),
    "instance noise, s = 1": saddle.dirac(objectives.non_saturating, noise=1.0),
}
orbits, ends = {}, {}
for name, pair in games.items():
    rule = clipped if "clipped" in name else saddle.alternating
    orbits[name] = saddle.run(rule, saddle.dirac_field(*pair), begin, 0.1, 400)
    ends[name] = abs(orbits[name][-200:, 0]).max()
    print(f"{name:22} farthest of the samples from the data, last 200 steps: {ends[name]:.3f}")

# %% tags=["figure"] alt="Six paths of theta and psi: minimax goes round a circle, non-saturating spirals in slowly, clipped WGAN ends up on a circle, WGAN-GP runs to and fro on a wide loop; the one with R1 and the one with noise end in the centre"
from gan_tutorial.lesson.figures.nb04 import strip_of_orbits

colors = ("minimax", "non_saturating", "wgan", "wgan_gp", "r1", "non_saturating")
strip_of_orbits(orbits, colors)
plt.show()

# %% [markdown]
# The orange point is the end.
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
#
# **Width is friction.** Is every GAN like the Dirac-GAN? No: what is missing here is *width*. At the
# equilibrium D's loss is curved by $\frac12 \mathbb{E}_p[\nabla D \, \nabla D^\top]$ ($\nabla$: by D's
# weights), and this curvature holds D back, as friction does. Nagarajan and Kolter (2017) proved that it
# suffices: if data and samples have densities in the same places, and under some conditions on D and G, the
# plain game is *locally stable*. (Not so for the Wasserstein loss, which has no curvature.) In the Dirac-GAN
# $\nabla D = x$, and all data are at $x = 0$: no width, no friction. So, too, where data lie on thin surfaces,
# as pictures are thought to. For such data Mescheder et al. (2018) put another friction in its place, and
# proved that with it the game is locally stable again: a penalty on D's slope at the data (*R1*) or at the
# samples (*R2*). And *instance noise* gives them a width: $\frac12 \mathbb{E}\,(\nabla D)^2 = \frac12
# \mathbb{E}\, x^2 = s^2/2$, which is the $\gamma$ of above.

# %% tags=["nbval-check-output"]
noisy = eigenvalues(jacobian_of(objectives.non_saturating, noise=1.0))
print("instance noise, s = 1:", *(f"{value:+.4f}" for value in noisy))
print("R1, gamma = 1/2:      ", *(f"{v:+.4f}" for v in eigenvalues(dirac_jacobian(0.5))))

# %%
spread = np.ptp(np.linalg.norm(orbits["minimax"], axis=1))
to_and_fro, creeping = ends["WGAN-GP, weight 1/2"], ends["non-saturating"]
on_a_circle, source = ends["WGAN, clipped at 1/2"], "Mescheder et al. 2018"
r1_end, noise_end = ends["R1, $\\gamma$ = 1"], ends["instance noise, s = 1"]
for row in (
    ("F-X5 Dirac-GAN", "real part, noise 1", -0.25, noisy[0].real, 1e-6, source),
    ("F-X5 Dirac-GAN", "last |theta|, WGAN-GP: 2w or more",
     (1, 2), to_and_fro, 0, "the turn at psi = 0"),
    ("F-X5 Dirac-GAN", "last |theta|, R1 1", 0, r1_end, 1e-2, source),
    ("F-X5 Dirac-GAN", "minimax: change of the radius", 0, spread, 0.05, "steps of 0.1"),
    ("Dirac-GAN", "last |theta|: non-saturating", (0.2, 0.8), creeping, 0, "creeps inward"),
    ("Dirac-GAN", "last |theta|: clipped WGAN", 0.5, on_a_circle, 0.02, "the circle of xy"),
    ("Dirac-GAN", "last |theta|: noise 1", 0, noise_end, 0.02, source),
):
    ledger.add(*row)

# %% [markdown] topics=["vanishing gradients"]
# ## Two failures that look alike
#
# It is often said that GANs fail to converge because D becomes too strong and the gradient vanishes. Those
# are **two different illnesses**, and the remedies differ. Our two-weight GAN can have either. First, the
# minimax game on its way round:

# %%
field = saddle.dirac_field(*saddle.dirac(objectives.minimax))
orbit = saddle.run(saddle.alternating, field, begin, 0.1, 400)
arrows = [np.linalg.norm(field(w)) for w in orbit]
print(f"circling: length of the arrows, from {min(arrows):.2f} to {max(arrows):.2f}")

# %% [markdown]
# And a D that is sure of itself, $\psi = -10$, with the samples at $\theta = 1$. How steep is G's loss?

# %% tags=["nbval-check-output"]
sure, psi = {}, torch.tensor([-10.0], dtype=torch.float64)
for name in ("minimax", "non_saturating"):
    theta = torch.ones(1, dtype=torch.float64, requires_grad=True)
    _, g_loss = saddle.dirac(getattr(objectives, name))
    sure[name] = torch.autograd.grad(g_loss(psi, theta), theta)[0].item()
    print(f"{name:15} slope for G: {sure[name]:+.5f}")

# %% [markdown]
# - **Circling.** The arrows are never small. Both players see clearly where to go, and go there;
#   it just leads round. On $V = xy$ nothing vanishes anywhere but at the centre itself. Remedies:
#   friction, looking ahead, [averaging](#Deeper:-averaging,-or-arriving-without-arriving).
# - **Vanishing.** D is so sure that the minimax loss of G is flat ([saturation](glossary.md#saturation)): the
#   slope is there, but $e^{10}$, about 22,000, times smaller than that of the non-saturating loss, and G stands
#   still. Remedies: another loss for G, overlap by noise, a Wasserstein [critic](glossary.md#critic)
#   (notebooks 05 to 07).
#
# A quick diagnosis: if the size of G's gradient is healthy and the samples
# keep changing without getting better, you are probably circling.

# %% [markdown] topics=["oscillation"]
# ## Oscillation: many modes, no progress
#
# In real GANs the circle is called *oscillation*: one trains for very long, sees one category of samples
# after another, and nothing gets better. Let us make it happen where we can count categories: the data
# are eight [modes](glossary.md#mode), small round regions on a ring, and G and D are networks with two hidden
# layers. The eight rules suggest one thing that may make it worse: momentum. So we train the same GAN with
# the momentum of Adam, the usual optimiser, at $\beta_1 = 0.9$ and at 0, from three random starts (*seeds*)
# each.

# %%
from gan_tutorial.game import Game, train
from gan_tutorial.game.networks import PointDiscriminator, mlp
from gan_tutorial.truth.densities import Ring

ring = Ring(sd=0.1)
steps = profile.pick(smoke=20, cpu=1000, gpu=1000)


def shares_over_time(beta, seed):
    """Shares of 500 samples nearest to each of 8 modes, every 10 steps.  -> (moments, 8)"""
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
# Each panel is one training. Time goes to the right; a row is a mode, in their order round the ring; dark
# blue means that many samples are there. Even pale rows would be right: an eighth each.

# %% tags=["figure"] alt="Six heat maps of modes over time. With momentum 0.9 dark streaks run diagonally through all modes again and again; without momentum streaks appear only at the beginning and then all rows become even" covers=["5.07"]
from gan_tutorial.lesson.figures.nb04 import shares_of_modes

shares_of_modes({(beta, SEED + k): shares for (beta, k), shares in history.items()}, steps)
plt.show()

# %%
late = {}
for (beta, k), shares in history.items():
    second_half = shares[-max(1, len(shares) // 2) :]
    late[beta, k] = float((second_half - 1 / 8).abs().sum(dim=1).mean() / 2)
    print(f"beta1 {beta:g}, seed {SEED + k}: in the second half,",
          f"{late[beta, k]:.0%} of the samples are at the wrong mode")

# %% [markdown]
# The diagonal streaks are G running round the ring: it visits a mode, D learns to distrust it, G
# moves on. It is the circle of $xy$ with eight stations. Without momentum the running dies out in all three runs, and the samples spread; with
# momentum it goes on for much longer, or to the end. ("At the wrong mode": would have to move for an eighth
# in each. Counting only 500 samples alone gives about 5%.)

# %% [markdown]
# ### Play: calm a GAN that runs in circles
#
# Here is a GAN in the plane, with plain gradient steps (SGD) and momentum ½. Blue dots are the data, three
# modes; orange crosses are samples; the background is D's score. In the live notebook, press **▶ Play** and
# watch the crosses: how many different samples does G make at any one time, and where does it take them? (In
# the stored picture, look for a single cross: all samples lie on each other.)
#
# Guess first: which of these calms it? Change one at a time, press **Reset**, then **Play**.
#
# 1. *D is held by* **R1**, with a weight of 0.3: friction, as in the Dirac-GAN.
# 2. *Instance noise* of 0.3. That is worth a $\gamma$ of $0.3^2/2 = 0.045$.
# 3. *Instance noise* of 0.6, which is worth 0.18.

# %% tags=["widget"] alt="Left: three modes of blue data dots; all orange crosses are at one single place, over a score of D that falls from one side to the other. Right: the losses of both swing up and down"
from gan_tutorial.lesson.laboratory import Setting, laboratory

sgd = {"data": "three regions", "optimiser": "SGD", "d_lr": 0.1, "g_lr": 0.1, "momentum": 0.5}
lab = laboratory(**sgd, still=profile.pick(smoke=5, cpu=400, gpu=400))
lab.pace = 4  # steps between two pictures: slow enough to see them run
lab

# %% [markdown]
# Now the same without hands, from three seeds each. Every five steps we look where the *mean* of 256 samples
# is, and at [W1](00_start_here.ipynb#What-we-measure): how far they would have to be moved, on average, to
# lie on 256 data.

# %%
from gan_tutorial.truth.divergences import empirical_w1

swings = profile.pick(smoke=20, cpu=600, gpu=600)


def follow(seed, **held):
    """W1 and the mean of 256 samples every 5 steps; the data and the samples at the end."""
    setting = Setting.of(**sgd, **held, seed=seed)  # the game that the laboratory plays
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
HELD = {"as it is": {}, "R1 0.3": {"hold": "R1", "weight": 0.3},
        "noise 0.3": {"noise": 0.3}, "noise 0.6": {"noise": 0.6}}
with profile.plan(steps=12 * swings, about=11, gpu=11):
    followed = {(name, k): follow(k, **held) for name, held in HELD.items() for k in range(3)}

# %% [markdown]
# One column for each setting, one row for each seed. A large cross: all samples are at one point.

# %% tags=["figure"] alt="Twelve panels, three seeds by four settings. As it is, and in some seeds with noise 0.3, the mean of the samples wanders all over the plane and the samples sit at one point; with R1 and with noise 0.6 the samples are spread over the three modes and their mean stays in the middle"
from gan_tutorial.lesson.figures.nb04 import calm_or_not

calm_or_not(followed)
plt.show()

# %%
calm = {}
for (name, k), (path, _, made) in followed.items():
    w1 = path[len(path) // 2 :, 0]
    calm[name, k] = w1.mean(), np.ptp(w1), float(made.std(0).mean())
    print(f"{name:9} seed {k}: W1 in the second half {w1.mean():.2f}, from {w1.min():.2f}",
          f"to {w1.max():.2f}; spread of the samples {calm[name, k][2]:.2f}")

# %% [markdown]
# As it is, in the first column, all samples are at *one* point (their spread, the standard deviation, is
# zero), and that point
# runs about among the modes. D learns "not there", and its slope says where to go instead; the samples
# go, all together; D has to learn again. This is the Dirac-GAN, with a point for $\theta$ and D's slope
# for $\psi$. W1 keeps swinging, and stays far above that of the second column.
#
# <details><summary>And the guess?</summary>
#
# *R1* calms it in all three seeds, and more: with D at peace, the samples spread over all modes.
# *Noise of 0.3* is too little friction, at least for some of the seeds shown; *noise of 0.6* is enough for
# all three. But look how the samples spill over: through such noise D cannot see that the modes are
# narrow, and W1 stays larger than with R1.
# </details>

# %% [markdown]
# ## Deeper: is it the amount of friction that counts?
#
# You will see R1 with weights that are worth as much as the two noises. To skip: what you have learned is in
# [What to keep](#What-to-keep).

# %% [markdown]
# We set the weight of R1 to what the formula says of the two noises, 0.045 and 0.18.

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
# In the run shown the two weights do much what the noises did that are worth as much: with the smaller one the
# samples of some seeds stay at one point. With the larger one they spread in all three, and W1 is less than half
# of what it was. So it is the amount that counts, more than where the friction comes from.

# %%
shown_only = ("this run", True, True)  # another training may find something else: shown only
for k in range(3):
    soft_w1, soft_spread = softly[0.18, k]
    ledger.add("live GAN", f"mean W1, R1 0.18 / as it is, {k}",
               (0, 0.5), soft_w1 / calm["as it is", k][0], 0, *shown_only)
    ledger.add("live GAN", f"spread of the samples, R1 0.18, {k}",
               (0.3, 2), soft_spread, 0, *shown_only)
for name, spreads in (("noise 0.3", [calm["noise 0.3", k][2] for k in range(3)]),
                      ("R1 0.045", [softly[0.045, k][1] for k in range(3)])):
    ledger.add("live GAN", f"seeds with {name} whose samples are one point",
               (1, 3), sum(spread < 0.1 for spread in spreads), 0, *shown_only)

# %% [markdown]
# ## Deeper: fifty weights, the same circle
#
# You will compute all 50 eigenvalues of a GAN and see that one pair of them foretells what it does. To skip:
# [What to keep](#What-to-keep).

# %% [markdown]
# Now take two networks with 25 weights each: G turns normal noise into samples, D scores them, and the data
# come from $N(2, 0.5^2)$. Both have one hidden layer of eight tanh units. So that only the first weights are
# random, data and noise are 64 evenly spaced quantiles.

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


# %%
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


# %%
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
# In every seed shown there is a pair that turns fast, of the order of the $\pm 0.5\,i$ of the Dirac-GAN, and
# settles slowly. But it does settle: its real part is below 0 without any penalty, as the theorem of Nagarajan
# and Kolter lets one expect of data that have a width. The penalty adds friction: it moves the pair to the
# left, and as far as this pair is concerned, steps may be at least twice as large. (A Hessian, the second
# derivatives of *one* loss, is symmetric, and its eigenvalues are real. What turns here turns because there
# are two losses.)
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


def watched(path):
    """How far off the mean of the samples is, how steep D is on the data.  -> (steps,) each"""
    d, g = path.split(25, dim=1)
    off = torch.stack([net(w, z).mean() - data.mean() for w in g])
    return off, torch.stack([slope(w, data).mean() for w in d])


pushed = {(gamma, k): watched(push(*trained[k], gamma))
          for gamma in (0.0, 1.0) for k in range(3)}

# %% tags=["figure"] alt="Left: eigenvalues in the complex plane for three seeds, with and without penalty; one pair without penalty lies almost on the imaginary axis. Middle and right: spirals of the mean of the samples and the slope of D; without penalty round and round, with penalty quickly to the centre"
from gan_tutorial.lesson.figures.nb04 import after_the_push

after_the_push({(gamma, SEED + k): values for (gamma, k), (values, _, _) in spectra.items()},
               {(gamma, SEED + k): pair for (gamma, k), pair in pushed.items()})
plt.show()

# %% [markdown]
# Left: most eigenvalues are real; the turning pairs lie off the axis, and the penalty moves the fastest to the
# left. (A few are farther left than the window: quick, without turning. In the runs shown some are a little to the
# right of the line: the GAN is nearly at rest, not quite, and still drifts that way.) Middle: without the
# penalty, the real GAN draws the circle of Exercise 2, and takes its time to close in. (Each number is drawn in
# units of the largest that this seed has without the penalty.) Right: with the penalty it comes home sooner.
# Fifty weights, and the story is that of two.
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
    # Step by step: a root of the whole product would forget a turn past half a circle.
    predictions[gamma, k] = 1 + 0.05 * value, np.exp(np.log(signal[1:] / signal[:-1]).mean())
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

# %%
away = {at: float(off[len(off) // 2 :].abs().max()) for at, (off, _) in pushed.items()}
held = ("this run", True)  # asserted where the training was whole
fact, normal = "50 weights", ("N(2, 0.5^2)", True)
for k in range(3):
    bare, damped = (spectra[gamma, k][1] for gamma in (0.0, 1.0))
    gain, made = bare.real - damped.real, net(trained[k][1], z)
    easier = largest_step[1.0, k] / largest_step[0.0, k]
    nearer = away[1.0, k] / away[0.0, k]
    for claim, exact, seen, tolerance, why in (
        ("fastest turning", (0.15, 2), bare.imag, 0, held),
        ("real part without penalty", (-0.3, 0), bare.real, 0, shown_only),
        ("what R1 takes off the real part", (0.03, 1), gain, 0, held),
        ("largest step for this pair, R1 / none", (2, np.inf), easier, 0, held),
        ("still off after the push, R1 / none", (0, 1), nearer, 0, held),
        ("mean of the samples", 2, made.mean(), 0.2, normal),
        ("sd of the samples", 0.5, made.std(), 0.3, normal),
    ):
        ledger.add(fact, f"{claim}, {k}", exact, seen, tolerance, *why)

# %%
for (gamma, k), (expected, seen) in predictions.items():
    ledger.add(fact, f"|seen / (1 + eta lambda) - 1|, R1 {gamma:.0f}, {k}",
               0, abs(seen / expected - 1), 5e-3, "linearisation", True)
drift = max(values.real.max() for values, _, _ in spectra.values())
ledger.add(fact, "real part of the eigenvalue farthest to the right",
           (0, 0.1), drift, 0, *shown_only)
ledger.add("zero-sum", "D-G block + transpose of G-D", 0, antisymmetry, 1e-12, "minimax");

# %% [markdown]
# ## Deeper: why the theory does not save us
#
# You will see a game that does arrive, when its players may move probabilities instead of weights, and one
# that runs away although each player's loss is convex. To skip: [What to keep](#What-to-keep).

# %% [markdown]
# The game has one solution, $q = p$ ([02](02_play_the_game.ipynb)). Do we then converge to it? We would, **if we could
# change the densities themselves**. Take a world with three possible values. Then $q$ is three numbers, D is
# a table of three scores, and the players may change these numbers directly. $V$ is linear in $q$ and
# strictly concave in the scores, and this curvature of D's is friction: near the solution, a value of
# probability $p_i$ behaves like a Dirac-GAN with $\gamma = p_i/2$ (apart from the shares having to sum to 1).

# %% covers=["5.06"]
def sigma(s):
    return 1 / (1 + np.exp(-s))


p, q, s = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6]), np.zeros(3)
direct = []
for _ in range(1500):  # simultaneous steps of 0.1 on V = sum p log sigma(s) + q log sigma(-s)
    up = p * sigma(-s) - q * sigma(s)  # dV/ds
    down = np.log(sigma(-s))  # dV/dq
    s, q = s + 0.1 * up, q - 0.1 * (down - down.mean())  # q keeps its sum
    direct.append(abs(q - p).sum() / 2)
print(f"total variation at the end below 1e-3: {direct[-1] < 1e-3}")

# %% tags=["figure"] alt="The total variation between q and p falls in waves to zero on a logarithmic scale"
from gan_tutorial.lesson.figures.nb04 import waves

waves(direct)
plt.show()

# %% [markdown]
# It spirals (the waves), and arrives. But a real GAN changes *weights*, and there convexity is lost, for D as
# for G: [02](02_play_the_game.ipynb#Deeper:-where-the-theory-holds:-functions,-not-weights) walks straight
# from the weights of a D to those of its twin, the same function, and $V$ sags in between. So the theorem
# about densities is true, and does not speak of what we do. (Near the equilibrium there are theorems about
# weights, those of Nagarajan and Kolter and of Mescheder et al. above; none says that we get there.) That
# GANs work as often as they do is an observation, not a theorem.
#
# Nor is it enough that each loss is convex in its own player's weights. With the losses $\frac12 x^2 + a\,xy$
# and $\frac12 y^2 + a\,xy$ each is, but for $a > 1$ gradient steps of any size, and the flow as well, run away
# from the only equilibrium, $(0, 0)$: the Jacobian has the eigenvalues $-1 \pm a$.

# %% tags=["nbval-check-output"]
def run_away(a):
    """The real parts of the eigenvalues of the game x^2/2 + a xy, y^2/2 + a xy."""
    def of_x(x, y):
        return (x**2 / 2 + a * x * y).sum()

    J = saddle.game_jacobian(of_x, lambda x, y: of_x(y, x), zero, zero)
    return np.sort(np.linalg.eigvals(J.numpy()).real)


for a in (0.5, 2.0):
    print(f"a = {a}: eigenvalues", *(f"{value:+.2f}" for value in run_away(a)))

# %%
ledger.add("densities", "total variation, changed directly",
           0, direct[-1], 1e-3, "convex-concave game")
ledger.add("convex is not enough", "largest real part, x^2/2 + 2xy and y^2/2 + 2xy",
           1, run_away(2.0)[-1], 1e-9, "a - 1");

# %% [markdown]
# ## Deeper: games with finitely many choices
#
# You will see a learning rule that does find equilibria, fictitious play, and meet the GAN's relatives. To
# skip: [What to keep](#What-to-keep).

# %% [markdown] topics=["fictitious play"]
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

# %% covers=["5.08"]
payoff = np.array([[1.0, -1.0], [-1.0, 1.0]])  # from the row player to the column player
rows, columns = saddle.fictitious_play(payoff, 20_000)
play = np.stack([rows[:, 0], columns[:, 0]], axis=1)
w = [np.array([0.6, 0.5])]
for _ in range(400):
    x, y = w[-1]
    w.append(np.clip([x - 0.03 * 2 * (2 * y - 1), y + 0.03 * 2 * (2 * x - 1)], 0, 1))
w = np.array(w)
heads = rows[-1, 0], columns[-1, 0]
print("after 20,000 rounds of fictitious play: heads {:.3f} and {:.3f}".format(*heads))

# %% tags=["figure"] alt="Left: simultaneous gradient steps spiral out to the border of the unit square, while the frequencies of fictitious play close in on its centre. Right: on logarithmic axes the distance from one half falls for fictitious play"
from gan_tutorial.lesson.figures.nb04 import pennies

pennies(w, play)
plt.show()

# %% [markdown]
# The gradient steps spiral out until they hit the walls of the square. Fictitious play closes in on
# the equilibrium, about like $1/\sqrt N$, not in what is *played* (heads or tails, changing ever more
# rarely), but in the *frequencies*: averaging again.
#
# That it arrives in such games is a theorem (Robinson, 1951). For continuous ones Goodfellow's tutorial
# asked in 2016: "Unrolling is an expensive solution; is there a cheap one?" (In unrolling, G looks ahead over
# several steps of D.) The eight rules above held some of the answers that were found
# since: extragradient needs two gradients per step, optimism one, and a penalty on D's slope one more
# derivative. They are cheap; what is proved of them is mostly local, or for *monotone* games, in which the
# arrows of two places never point apart: $(F(w) - F(w')) \cdot (w - w') \le 0$. For two deep networks the
# question is still open.

# %%
power = np.polyfit(np.log(np.arange(101, 20_001)),
                   np.log(np.linalg.norm(play - 0.5, axis=1)[100:]), 1)[0]
for claim, exact, seen, tolerance, why in (
    ("heads, fictitious play", 0.5, rows[-1, 0], 0.01, "Robinson 1951"),
    ("power of N at which the distance falls", -0.5, power, 0.1, "fit from 100 on"),
    ("gradient steps, farthest from 1/2", 0.5, abs(w - 0.5).max(), 1e-9, "hits the wall"),
):
    ledger.add("F-X6 pennies", claim, exact, seen, tolerance, why)

# %% [markdown] covers=["5.09"] topics=["other minimax games"]
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
# | “guided cost learning” (inverse reinforcement learning) | policy, to look like the expert | a loss function that is learned | alternating; the learned loss plays D, the policy G |
# | GAN | G | D | alternating, Adam, a penalty |

# %% [markdown]
# ## The ledger
#
# What this notebook [claimed, and what it measured](glossary.md#ledger).

# %%
far = saddle.run(saddle.simultaneous, saddle.bilinear, begin, 0.1, 1000)
rate, ends_at = saddle.measured_growth(far), [path[-1][0] for path in walks]
two_turns = np.linalg.norm(solved[-1]) / np.linalg.norm(start)
off = max(abs(saddle.growth(saddle.RULES[name], 0.1) - measured[name]) for name in measured)
in_the_end = [np.linalg.norm(path[-1]) for path in paths.values()]
smallest = np.linalg.norm(formula @ saddle.ROTATION.T, axis=1).min() / np.linalg.norm(start)
for *row, says in (
    ("F-X1 circle", "distance after two turns / before", 1, two_turns, 1e-8, "Goodfellow 2016",
     "Infinitely small steps: the distance after two turns, as a share of what it was."),
    ("F-X2 simultaneous", "growth per step, 0.1", np.sqrt(1.01), rate, 1e-9, "Pythagoras",
     "A simultaneous step of 0.1 multiplies the distance by this."),
    ("eight rules", "predicted - measured growth at 0.1, largest", 0, off, 2e-4, "eigenvalues",
     "Eigenvalues foretell how all eight rules grow or shrink: largest error."),
    ("not vanishing", "|F| / distance on the circle", 1, smallest, 1e-6, "F = (-y, x)",
     "Circling is not vanishing: the shortest arrow, over the distance from the centre."),
):
    ledger.add(*row, says=says)

# %%
for row in (
    ("one player", "walks that end in the right valley",
     2, sum(x > 0.5 for x in ends_at), 0, "four walks"),
    ("one player", "where the walk from the ridge ends - the pass",
     0, ends_at[-1] - ridge, 1e-6, "f has no slope there"),
    ("F-X1 circle", "solver - formula, largest", 0, circle_error, 1e-8, "exercise 2"),
    ("F-X2 simultaneous", "steps to double, 0.1",
     139.32, np.log(2) / np.log(rate), 0.01, "2 log 2 / log(1 + eta^2)"),
    ("F-X2 simultaneous", "growth per turn, 0.1",
     1.3684, rate ** (2 * np.pi / np.arctan(0.1)), 1e-4, "the table"),
    ("eight rules", "60 steps of 0.2: upper row, shortest distance in the end",
     (0.85, 1e3), min(in_the_end[:4]), 0, "steps"),
    ("eight rules", "60 steps of 0.2: lower row, longest distance in the end",
     (0, 0.8), max(in_the_end[4:]), 0, "steps"),
    ("Dirac-GAN", "slope for G: non-saturating / minimax at a score of -10",
     np.exp(10), sure["non_saturating"] / sure["minimax"], 1e-3, "e^10"),
):
    ledger.add(*row)

# %%
fact, source = "F-X5 Dirac-GAN", "Mescheder et al. 2018"
for gamma, real, imaginary in ((0.0, 0.0, 0.5), (0.2, -0.1, 0.489898), (1.0, -0.5, 0.0)):
    value = eigenvalues(jacobian_of(objectives.non_saturating, gamma=gamma))[0]
    says = {0.0: "The Dirac-GAN without penalty: real part 0, it only turns.",
            1.0: "With R1, gamma = 1, it settles: the real part is negative."}.get(gamma, "")
    ledger.add(fact, f"real part, R1 {gamma}", real, value.real, 1e-6, source, says=says)
    ledger.add(fact, f"imaginary part, R1 {gamma}", imaginary, abs(value.imag), 1e-6, source)

# %%
said = {
    "wrong share, momentum - none":
        "The ring, first seed: momentum adds this to the share of samples at a wrong mode.",
    "mean W1, R1 / as it is": "Three modes, first seed: R1 brings W1 down to this share.",
}
for k in range(3):
    (bare, swing, point), (r1, r1_swing, spread) = calm["as it is", k], calm["R1 0.3", k]
    noisy_w1, wrong = calm["noise 0.6", k][0], late[0.0, k]
    for fact, claim, exact, seen in (
        ("oscillation", "wrong share, momentum - none", (0.05, 1), late[0.9, k] - wrong),
        ("oscillation", "wrong share without momentum", (0, 0.25), wrong),
        ("live GAN", "spread of the samples, as it is", (0, 0.1), point),
        ("live GAN", "spread of the samples, R1", (0.4, 2), spread),
        ("live GAN", "mean W1, noise 0.6 / R1", (1, 10), noisy_w1 / r1),
        ("live GAN", "mean W1, R1 / as it is", (0, 0.5), r1 / bare),
        ("live GAN", "swing of W1, R1 / as it is", (0, 0.5), r1_swing / swing),
        ("live GAN", "mean W1, noise 0.6 / as it is", (0, 0.7), noisy_w1 / bare),
    ):
        says = said.pop(claim, "")  # the first seed speaks
        ledger.add(fact, f"{claim}, {k}", exact, seen, 0, "this run", True, says=says)

# %%
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
# - *Nobody computes the eigenvalues of a large GAN.* But people act as if they had: alternating
#   updates; Adam with $\beta_1 = 0$ or 0.5 rather than 0.9; an R1 penalty on D; an [average of G's
#   weights](glossary.md#ema) for drawing samples.
# - *Local means local*: all of this holds near an equilibrium. Whether training gets there, it does not say.
#
# ## Further reading
#
# - [Goodfellow 2016](https://arxiv.org/abs/1701.00160): Exercise 2, with its solution.
# - [Mescheder et al. 2018](https://arxiv.org/abs/1801.04406): the Dirac-GAN, and R1;
#   [2017](https://arxiv.org/abs/1705.10461): the eigenvalues.
# - [Nagarajan & Kolter 2017](https://arxiv.org/abs/1706.04156): local stability, for data with a density.
# - [Daskalakis et al. 2018](https://arxiv.org/abs/1711.00141): the optimistic rule. Gidel et al. 2019:
#   [extragradient and averaging](https://arxiv.org/abs/1802.10551); [why
#   $\beta < 0$](https://arxiv.org/abs/1807.04740).
