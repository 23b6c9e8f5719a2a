# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 · Mode collapse, counted: how many kinds does a generator find?
#
# **What you'll do.** You watch generators collapse, find out why none of the players did anything wrong, and count what three remedies bring, over eight seeds each.
#
# **What you'll learn**
#
# - what a *perfect* generator scores, and why "better than perfect" is a bad sign
# - why it matters who has the last word, D or G
# - that the divergence is not to blame
# - minibatch features, packing and unrolling: how they work, and how much they helped here
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
import math

import numpy as np
import torch
from torch import nn

from gan_tutorial.clothes import classifier, recipes, recordings, score
from gan_tutorial.clothes.data import fashion_mnist, to_unit
from gan_tutorial.game import Game, diversity, train
from gan_tutorial.game.networks import SideBySide
from gan_tutorial.game.objectives import OBJECTIVES, minimax, non_saturating
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb09, objective_title
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose, use_cores
from gan_tutorial.truth.densities import Grid, Latent, Ring, as_data

# %% tags=["setup"]
use_cores()
threads = torch.get_num_threads()
torch.set_num_threads(1)  # the networks of the plane are tiny: a second core would only wait
torch.set_flush_denormal(True)
figures.use_style()
profile = choose(PROFILE)
ledger = Ledger("09")
note = ledger.add
TRAINED = {"needs_training": True}  # of rows of the ledger
THIS_RUN = TRAINED | {"shown_only": True}  # true of the stored run, of others perhaps not
torch.manual_seed(SEED);

# %% [markdown]
# ## Guess first
#
# A published table compares generators on a ring of eight narrow [modes](glossary.md#mode). From each, 2,500 [samples](glossary.md#sample) were drawn. One found one mode, and 99.3 % of its samples lie well within it. Another found all eight; 52.9 % of its samples lie within one.
#
# 1. What share would a *perfect* generator have? 100 %, 99.7 %, or less?
# 2. Both numbers come from games with a [discriminator](glossary.md#discriminator) that learned to tell samples from [data](glossary.md#data). How can a single mode pass?
#
# Write down your answers. The first comes in the next section, the second [when D sees more than one sample](#Let-D-see-more-than-one-sample).

# %% [markdown]
# ## What a perfect generator scores
#
# We use data whose modes we know: a *ring* of 8 and a *grid* of 25, all equally likely. A sample is *in a mode* if it lies within three standard deviations of its middle; a mode is *hit* if at least one sample is in it
# ([what we measure](00_start_here.ipynb#What-we-measure)). A third number tells whether the modes get even shares. Let $\hat q_k$ be the share of mode $k$ among the samples that are in some mode, and $K$ the number of modes:
#
# $$\mathrm{KL} = \sum_{k=1}^{K} \hat q_k \log \frac{\hat q_k}{1/K} .$$
#
# It is the [KL divergence](glossary.md#kl) of the counted shares from even ones: 0 if they are even, $\log K$ if all samples are in one mode. (In the literature it is called *reverse KL*, because $q$ comes first.)

# %% covers=["10.02"] topics=["modes hit"]
ring, grid = Ring(radius=1.0, sd=0.02), Grid(side=5, step=1.0, sd=0.05)


def from_counts(counts, n):
    """Modes hit, share of n samples in a mode, KL of the shares; no KL without any."""
    counts = torch.as_tensor(counts).double()
    q = counts / counts.sum()
    kl = torch.xlogy(q, q * len(q)).sum()
    return int((counts > 0).sum()), float(counts.sum() / n), float(kl)


def measure(truth, x):
    """The three numbers of samples x.  (n, 2) -> modes hit, share in a mode, KL"""
    return from_counts(truth.mode_counts(x), len(x))


# %% [markdown]
# A perfect generator draws from the data themselves. What does it score?

# %% tags=["nbval-check-output"]
torch.manual_seed(SEED)
tries, n = 200, 2_500
perfect = {}
for name, truth in (("ring", ring), ("grid", grid)):
    rows = torch.tensor([measure(truth, truth.sample(n)) for _ in range(tries)])
    perfect[name] = rows.mean(0)
    hit, good, kl = perfect[name].tolist()
    print(f"{name}: modes hit {hit:.0f}, in a mode {good:.1%}, KL {kl:.4f}")

# %% [markdown]
# Not 100 %, nor the 99.7 % of the line. In the plane the distance from the middle of a round Gaussian exceeds $r$ standard deviations with probability $e^{-r^2/2}$; within three are $1 - e^{-9/2} = 98.889\,\%$.
#
# So **99.3 % is better than perfect**, and that is bad news: the samples are too close to the middle. (Chance gives ± 0.2 % with 2,500 samples, one standard deviation. So luck is possible, but not likely.) A generator that is too narrow by the factor $s$ has a share of $1 - e^{-9/(2 s^2)}$. Solved for $s$:

# %% tags=["nbval-check-output"]
exact_share = 1 - math.exp(-9 / 2)
narrow = math.sqrt(-9 / 2 / math.log(1 - 0.993))
print(f"perfect: {exact_share:.3%}; 99.3 % in a mode: width {narrow:.3f} of the true one")

# %% [markdown]
# And the KL is not 0, although the generator is perfect. Chance alone makes the counts uneven. Expand $\hat q \log (K \hat q)$ around $\hat q = 1/K$: the first order cancels in the sum, and the second leaves
# $\tfrac12 \sum_k K (\hat q_k - \tfrac1K)^2$. Each count has nearly a binomial variance, $n \tfrac1K (1 - \tfrac1K)$, so the mean is
#
# $$\text{floor} = \frac{K - 1}{2n} .$$
#
# We will see perfect samples of different numbers (marks) on this formula (dotted). With 100 modes and 100 samples the next order is still visible: the mark lies above the line.

# %%
sizes = (100, 300, 1_000, 3_000, 10_000)
drawn = {K: [] for K in (8, 25, 100)}
for K in drawn:
    for m in sizes:
        counts = torch.distributions.Multinomial(m, torch.ones(K)).sample((300,))
        kl = [from_counts(c, m)[2] for c in counts]
        drawn[K].append(np.mean(kl))

# %% tags=["figure"] alt="Mean KL of perfect samples over their number, for 8, 25 and 100 modes, on logarithmic axes: marks fall along dotted straight lines, (K - 1) / 2n"
nb09.floors(sizes, drawn);

# %% [markdown]
# A table that reports a KL of 0.00 for 8 modes and one of 0.05 for 100 may be reporting two perfect generators, of 1,000 samples each. Numbers of samples must be equal, and the floor belongs beside them.
#
# ### Play: make a bad generator with a good score
#
# Make a generator by hand: how *wide* it is in each mode (1 is right), how many *modes* it uses, and which part of its samples is *smeared* along the ring. **Can you hit all eight modes with a generator that nobody would want? And can you get a share above 98.9 %?**

# %% tags=["widget"] topics=["high-quality samples"] alt="Left, samples of a generator made by hand over the modes of the ring; right, the share of each mode, with a dotted line at one eighth"
def counts_and_scores(x):
    counts = ring.mode_counts(x)
    return counts, from_counts(counts, len(x))


explore(nb09.scores_explorer(ring.centers, ring.sd, counts_and_scores), panels=2,
        width=(0.2, 3.0, 1.0), modes=(1, 8, 3), smear=(0.0, 1.0, 0.0))

# %% [markdown]
# With everything smeared, all eight are hit. With a width below 1 the share is "better than perfect". No single one of the three numbers is enough.

# %% [markdown]
# ## Watch it collapse
#
# Now a game. G and D are small [multilayer perceptrons](glossary.md#mlp), G plays the [non-saturating](glossary.md#non-saturating) loss, and eight seeds train side by side, as eight separate games in one batch of products. D's step size is a fifth of G's: a setting in which collapse is common.

# %% covers=["10.02"]
K = 8  # seeds, side by side


def new_game(truth, seed=SEED, d_lr=2e-4):
    """K games: G from 2 latents to the plane, D from there to a score."""
    torch.manual_seed(seed)
    G = SideBySide(K, [2, 64, 64, 2])
    D = nn.Sequential(SideBySide(K, [2, 64, 64, 1]), nn.Flatten(0))
    return Game.with_adam(G, D, as_data(truth), Latent(2), d_lr=d_lr, g_lr=1e-3, seed=seed)


def draw(game, n):
    """n samples of each G.  -> (K, n, 2)"""
    x = game.sample(n * K, ema=False, batch_size=n * K)
    return x.unflatten(0, (-1, K)).transpose(0, 1)


# %% covers=["10.02"] topics=["mode collapse"]
game, looks = new_game(ring), []
with profile.plan(steps=profile.pick(smoke=20, cpu=1500, gpu=1500), about=10) as plan:
    every = profile.pick(smoke=2, cpu=20, gpu=20)
    for step in train(game, non_saturating, steps=plan.steps, batch_size=64 * K, every=every):
        looks.append((step.n, draw(game, 500)))

# %% [markdown]
# First the film of one of the eight: the modes of the data in blue, 500 samples in orange (those beyond a frame are not drawn).

# %% tags=["figure"] covers=["10.02", "10.05"] alt="Samples of one generator at six moments: gathered in a small group or a short thread that is somewhere else each time"
shown = [looks[round(i * (len(looks) - 1) / 5)] for i in range(6)]
nb09.moments([(n, x[0]) for n, x in shown], ring.centers, 1.5);

# %% [markdown]
# Whatever the latent, the samples stay together in one small group or thread, often between the modes: that is **[mode collapse](glossary.md#mode-collapse)**. And it is never finished: the samples wander round the ring. Now all eight seeds, and on the right, for three of them, where the middle of the samples is.

# %% covers=["10.02", "10.04"]
steps = [n for n, _ in looks]
hit = np.array([[ring.modes_hit(x) for x in xs] for _, xs in looks])  # (looks, K)
middles = torch.stack([xs.mean(1) for _, xs in looks])
spread = draw(game, 2_000).std(1).norm(dim=1)  # of each seed
data_spread = ring.sample(10_000).std(0).norm()
print("modes hit at the end:", *hit[-1])
print("spread of the samples / of the data:", *(f"{s:.2f}" for s in spread / data_spread))

# %% tags=["figure"] covers=["10.02"] alt="Left: modes hit over the steps for eight seeds, far below eight throughout. Right: the position of the samples of three seeds, which goes round the ring"
nb09.wandering(steps, hit, middles);

# %% [markdown]
# In hardly any of the eight seeds does the generator settle on the ring. D learns that samples come from a certain place, and lowers its [score](glossary.md#score) there. G moves to where the score is still high, with *all* its samples. D follows.
# (A mode that is hit is hit in passing.)

# %%
note("10.02", "collapse: modes hit at the end, sum of eight seeds", (0, 16), hit[-1].sum(), 0,
     "of 64", **TRAINED, says="A slow D: modes hit at the end, eight seeds together, of 64.")
note("10.02", "collapse: seeds that hit more than half of the modes at any look", (0, 2),
     (hit > 4).any(0).sum(), 0, "of eight", **TRAINED)
moved = (middles[-1] - middles[-2]).norm(dim=1).median()
note("10.02", "collapse: middle of the samples, moved in 20 steps, median", (0.1, 3), moved, 0,
     "radius 1, eight seeds", **TRAINED)
note("10.05", "collapse: spread of the samples / of the data, median", (0, 0.6),
     (spread / data_spread).median(), 0, "eight seeds", **TRAINED);

# %% [markdown]
# ## It is not the network
#
# Is G too small for eight modes? Then it could not be taught them either. So we teach it without any game: cut the plane of latents into eight sectors like a cake, and let the distance of $G(z)$ to the middle of "its" mode be the [loss](glossary.md#loss).

# %% covers=["10.04"] topics=["capacity"]
def sector(z):
    """The middle of the mode that belongs to each latent.  (n, 2) -> (n, 2)"""
    turn = torch.atan2(z[:, 1], z[:, 0]) / (2 * math.pi)  # -1/2 to 1/2
    return ring.centers[(8 * turn).floor().long() % 8]


taught, teaching = new_game(ring), profile.pick(smoke=5, cpu=1500, gpu=1500)
opt = torch.optim.Adam(taught.G.parameters(), lr=3e-3)
for i in range(teaching):
    opt.param_groups[0]["lr"] = 3e-3 * min(1, 2 * (1 - i / teaching))
    z = torch.randn(64 * K, 2)
    opt.zero_grad()
    (taught.G(z) - sector(z)).abs().mean().backward()
    opt.step()
able = [measure(ring, x) for x in draw(taught, 2_500)]
print("modes hit:", *(row[0] for row in able))
print("in a mode:", *(f"{row[1]:.0%}" for row in able))

# %% [markdown]
# The very same networks hold all eight modes, with every seed. **A collapsed GAN has fewer modes than its generator could represent.** And now the game goes on from there, with a fresh D. Guess: does it keep what it was taught?

# %% covers=["10.04"]
torch.manual_seed(SEED)
kept, at = {}, profile.pick(smoke=(1, 5), cpu=(20, 1000), gpu=(20, 1000))
with profile.plan(steps=at[-1], about=6) as plan:
    for step in train(taught, non_saturating, steps=plan.steps, batch_size=64 * K):
        if step.n in at:
            kept[step.n] = [ring.modes_hit(x) for x in draw(taught, 2_500)]
for n, modes in kept.items():
    print(f"modes hit after {n:,} steps of the game:", *modes)

# %% [markdown]
# At first most modes are lost: a fresh D knows nothing, and its first wrong opinions pull G off within a few steps. But then most of the seeds find all eight again; a minority has not by step 1,000. From a random start hardly any found them. So where the game begins has a say in whether it collapses; neither the network nor the rules decide it alone.

# %%
note("10.04", "taught: modes held, fewest of eight seeds", 8, min(row[0] for row in able), 0,
     "eight seeds", **TRAINED,
     says="The same generators, taught without a game: modes held, the fewest of eight seeds.")
note("10.04", "game from the taught G: modes hit early, median", (0, 6),
     np.median(kept[at[0]]), 0, "eight seeds", **THIS_RUN)
note("10.04", "game from the taught G: seeds with all modes at the end", (5, 7),
     sum(m == 8 for m in kept[at[1]]), 0, "of eight", **THIS_RUN);

# %% [markdown]
# ## Who has the last word?
#
# To see why, take a game so small that we can write down everything. There are four places, with the shares $p = (0.4, 0.3, 0.2, 0.1)$ of the data. G chooses its shares $q$, D a probability $D_k$ at each place, and the [value](glossary.md#value) is
#
# $$V(q, D) = \sum_k p_k \log D_k + \sum_k q_k \log(1 - D_k) .$$
#
# D raises it, G lowers it. **If D answers last**, it gives $D = p/(p+q)$, and what is left for G is $2\,\mathrm{JS} - \log 4$, with the [Jensen–Shannon divergence](glossary.md#js) of $p$ and $q$ ([02](02_play_the_game.ipynb)): smallest at $q = p$, all places, the right shares. That is $\min_G \max_D V$: the inner one moves last.
#
# ### Exercise 9.1 · The best single answer
#
# Now **G answers last**: $\max_D \min_G V$. D has spoken, and G knows it. Which shares $q$ make $V$ smallest? Write `best_answer`: from $D$ at each place (a tensor) to the shares $q$ (a tensor of the same shape and type; at a tie, all on any one of the best places).
#
# {{help}}


# %% tags=["exercise"] covers=["10.01"] topics=["min-max and max-min"]
def best_answer(D_x):
    """The shares q that make the sum of q log(1 - D) smallest.  (n,) -> (n,)"""
    # solution
    q = torch.zeros_like(D_x)
    q[D_x.argmax()] = 1
    return q


# %%
best_answer = check("9.1", best_answer)

# %% [markdown]
# The best last word is a single place: the one that D believes in most. That *is* a collapse, and G is right to do it.
#
# Now the exact table of both orders, for two kinds of G: one that may *mix*, and one that has a single answer, as if it ignored its latent.

# %% tags=["nbval-check-output"] covers=["10.01"]
p = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
one_place = torch.eye(4, dtype=torch.float64)  # the four single answers


def value(q, D):
    return float((torch.xlogy(p, D) + torch.xlogy(q, 1 - D)).sum())


shrug = torch.full_like(p, 0.5)  # D says 1/2 everywhere
mixed = value(p, p / (p + p))  # D last, G mixes: q = p
single = [value(q, p / (p + q)) for q in one_place]  # D last, G has one answer
torch.manual_seed(SEED)
others = torch.rand(20_000, 4, dtype=torch.float64)  # other D, at random
G_last = max(value(best_answer(D), D) for D in others)
print(f"G mixes:        min max {mixed:.4f}     G chooses {p.tolist()}")
print(f"G one answer:   min max {min(single):.4f}     G chooses place {np.argmin(single)}")
print(f"either, G last: max min {value(best_answer(shrug), shrug):.4f}     "
      f"best of 20,000 other D: {G_last:.4f}")

# %% [markdown]
# Read it slowly; it says more than "min max is not max min".
#
# - **A single answer, D last:** G chooses place 0, the most likely one. The others are worse for it.
# - **G last:** the best that D can do is to say 1/2 everywhere, and the value is $-\log 4$. For a G with one answer the two orders differ, $-0.84$ and $-1.39$.
# - **A G that mixes:** both orders give $-\log 4$. They must: $V$ is linear in $q$ and concave in $D$, and for such games the order does not matter (von Neumann's minimax theorem). *The values agree, the answers do not:* facing $D = 1/2$, every $q$ is a best answer, and facing a D with one highest place, that place alone is. $q = p$ is right only together with the D that makes it so.
#
# ### Both orders, played
#
# Let D move in small steps, uphill in $V$, and G answer each time by its best. Then the reverse: G moves in small steps, and D answers each time by its best.

# %% covers=["10.01"]
def G_answers(turns, eta=0.1):
    """D climbs in small steps; G answers last.  -> shares of G at each turn (turns, 4)"""
    s, played = torch.zeros(4, dtype=torch.float64), []
    for _ in range(turns):
        D = s.sigmoid()
        q = best_answer(D)
        s = s + eta * (p * (1 - D) - q * D)  # the slope of V in the score s
        played.append(q)
    return torch.stack(played)


# %% covers=["10.01"]
def D_answers(turns, eta=0.5):
    """G descends in small steps; D answers last.  -> shares of G at each turn (turns, 4)"""
    a, played = torch.tensor([4.0, 0, 0, 0], dtype=torch.float64), []
    for _ in range(turns):
        q = a.softmax(0)
        D = p / (p + q)
        pull = q * (1 - D).log()  # the slope of V in a, but for what sums to nothing
        a = a - eta * (pull - q * pull.sum())
        played.append(q)
    return torch.stack(played)


by_G, by_D = G_answers(400), D_answers(400)
print("G last: mean of all turns", [round(v, 3) for v in by_G.mean(0).tolist()])
print("D last: the last turn    ", [round(v, 3) for v in by_D[-1].tolist()])

# %% tags=["figure"] covers=["10.01"] alt="Left: when G answers last, the place of all its samples jumps at every turn between the four places. Middle: the mean over turns comes to the shares of the data. Right: when D answers last, the shares move smoothly to those of the data"
nb09.last_words(p, by_G, by_D);

# %% [markdown]
# On the left is the collapse that wanders, as with the networks, here without any network. Each turn is wrong, all on one place; yet the *mean over the turns* comes to $p$ (dotted). On the right, with D last, G comes to $p$ itself, from a start with nearly everything on one place.
#
# Alternating steps are neither order. The slower D is compared with G, the more like "G last". That is why we made D slow.

# %%
note("10.01", "exact table: min max, one answer", -0.8375774, min(single), 1e-6, "four places")
note("10.01", "exact table: max min - (-log 4)", 0,
     value(best_answer(shrug), shrug) + math.log(4), 1e-9, "D says 1/2")
note("10.01", "exact table: other D: max min below -log 4", (-5, -math.log(4)), G_last, 1e-9,
     "20,000 random D")
note("10.01", "G last: mean of the turns - p, largest", 0, (by_G.mean(0) - p).abs().max(),
     0.02, "400 turns", says="G answers last: the mean of 400 turns differs from p by at most")
note("10.01", "D last: q - p, largest", 0, (by_D[-1] - p).abs().max(), 0.02, "400 turns")
note("10.01", "G last: largest share in a turn", 1, by_G.max(1).values.min(), 0, "400 turns");

# %% [markdown]
# ## Reverse KL is not to blame
#
# A popular explanation: "the GAN's divergence is like reverse KL, $\mathrm{KL}(q \| p)$, which prefers few modes". A piece of paper, and an experiment.
#
# **Paper.** Let $q$ cover $m$ of 8 equal modes evenly. Then $\mathrm{KL}(q \| p) = \sum \frac1m \log \frac{1/m}{1/8} = \log \frac8m$. It *falls* with each mode that is added: reverse KL prefers as many modes as the model can represent.
#
# **Other losses.** If reverse KL were the cause, the GAN whose loss *is* KL should not collapse. We play five losses, with the same networks and step sizes, 700 steps each.

# %% covers=["10.03"] topics=["reverse KL"]
LOSSES = ("minimax", "kl", "reverse_kl", "hinge", "least_squares")
collapsed, steps_each = {}, profile.pick(smoke=2, cpu=700, gpu=700)
with profile.plan(steps=steps_each * len(LOSSES), about=22) as plan:
    for name in LOSSES:
        other = new_game(ring)
        list(train(other, OBJECTIVES[name], steps=steps_each, batch_size=64 * K))
        collapsed[name] = [ring.modes_hit(x) for x in draw(other, 2_500)]
for name, modes in collapsed.items():
    print(f"{objective_title(name):14} modes hit:", *modes)

# %% [markdown]
# KL and reverse KL, minimax, hinge and least squares: all collapse alike, with all seeds or nearly all. With this slow D the divergence does not decide it.

# %%
escaped = sum(m > 4 for modes in collapsed.values() for m in modes)
note("10.03", "five losses: games that hit more than half of the modes", (0, 4), escaped, 0,
     "of 40", **TRAINED,
     says="KL, reverse KL and three other losses: games of 40 that hit over half the modes.")

# %% [markdown]
# ### Deeper: both divergences without a game
#
# You see how many modes descent on either KL keeps when there is no D at all; or go on with [more than one sample](#Let-D-see-more-than-one-sample).

# %% [markdown]
# A mixture of eight movable Gaussians has a [density](glossary.md#density), so we can descend either KL directly (30 random starts, weights and middles learned, modes a little wider).

# %% covers=["10.03"]
wide, starts = Ring(radius=1.0, sd=0.1), profile.pick(smoke=3, cpu=30, gpu=30)


def log_q(x, middle, weight):
    """log q of each mixture.  (starts, n, 2), (starts, 8, 2), (starts, 8) -> (starts, n)"""
    far = (x[:, :, None] - middle[:, None]).square().sum(-1) / (2 * wide.sd**2)
    logs = (weight.log_softmax(1)[:, None] - far).logsumexp(2)
    return logs - math.log(2 * math.pi * wide.sd**2)


def kl_from_data(middle, weight):
    """KL(p || q), up to a constant: the mean negative log-likelihood of fresh data."""
    x = wide.sample(64 * starts).unflatten(0, (starts, -1))
    return -log_q(x, middle, weight).mean(1).sum()


def kl_from_model(middle, weight):
    """KL(q || p): the mean of log q/p over fresh samples, eight of each Gaussian."""
    x = (middle[:, :, None] + wide.sd * torch.randn(starts, 8, 8, 2)).flatten(1, 2)
    share = weight.softmax(1).repeat_interleave(8, 1) / 8
    return (share * (log_q(x, middle, weight) - wide.log_prob(x))).sum()


# %% covers=["10.03"]
def descend(divergence):
    """Modes that hold at least a quarter of their share, for each start.  -> (starts,)"""
    torch.manual_seed(SEED)
    middle = (0.6 * torch.randn(starts, 8, 2)).requires_grad_()
    weight = torch.zeros(starts, 8, requires_grad=True)
    opt = torch.optim.Adam([middle, weight], lr=0.02)
    for _ in range(profile.pick(smoke=2, cpu=600, gpu=600)):
        opt.zero_grad()
        divergence(middle, weight).backward()
        opt.step()
    with torch.no_grad():
        far, mode = torch.cdist(middle, wide.centers.expand(starts, -1, -1)).min(2)
        mass = torch.zeros(starts, 8).scatter_add_(1, mode, weight.softmax(1) * (far < 0.15))
    return (mass > 1 / 32).sum(1)


direct = {"KL(p || q)": descend(kl_from_data), "KL(q || p)": descend(kl_from_model)}
for name, modes in direct.items():
    counted = [f"{m} in {c}" for m, c in enumerate(modes.bincount()) if c]
    print(f"{name}: modes held, and in how many starts:", ", ".join(counted))

# %% [markdown]
# Reverse KL leaves modes empty: two Gaussians that start near the same mode share it, and the valley between modes is deep. KL leaves none empty: where we count fewer than eight, single Gaussians lie between two modes and cover both, and our count gives them to neither. So both stop at local minima, but only reverse KL loses modes, and by far not all: each start keeps three modes or more, while the games above kept about none.
# Notebook [01](01_fit_by_likelihood.ipynb) has the same for exact likelihood on the line.

# %%
for name, modes in direct.items():
    note("10.03", f"direct descent, {name}: modes held, median of starts", (4, 8),
         modes.double().median(), 0, "30 starts", **TRAINED)
note("10.03", "direct descent: KL(p || q) - KL(q || p), medians", (0.25, 4),
     np.subtract(*(np.median(modes) for modes in direct.values())), 0, "30 starts", **TRAINED)
note("10.03", "direct descent: modes held, fewest of both", (3, 8),
     min(modes.min() for modes in direct.values()), 0, "30 starts", **TRAINED);

# %% [markdown]
# ## Let D see more than one sample
#
# Here is the answer to the second question. D scores each sample by itself. If one sample looks real, a thousand copies of it look real. So D cannot *see* a collapse; it only notices afterwards that this place has become suspicious. The remedy is to show D several samples at once.
#
# **Packing** (PacGAN, Lin et al. 2018): put $m$ data, or $m$ samples, into one long vector and let D score the pack. Nothing else changes. With data, a pack seldom lies in a single mode (a pack of 2: one in eight); with a collapsed G, all packs do.
#
# **Minibatch features** (Salimans et al. 2016): D first makes features of each example, and from them a vector $M_i$. Beside its features, D gets a number that says how near the others of the batch are:
#
# $$o_i = \sum_{j \ne i} e^{-\lVert M_i - M_j \rVert_1} ,$$
#
# where $\lVert\cdot\rVert_1$ is the sum of the absolute differences. (In fact several such numbers, each from its own part of $M$.)
#
# ### Exercise 9.2 · How near are the others?
#
# Write `closeness`: from the vectors of a batch, one row each, to the number $o_i$ of each. The example itself does not count. {{help}}


# %% tags=["exercise"] covers=["10.06"] topics=["minibatch discrimination", "minibatch features"]
def closeness(M):
    """o_i = sum over j != i of exp(-|M_i - M_j|_1).  (n, d) -> (n,)"""
    # solution
    apart = (M[:, None] - M[None, :]).abs().sum(-1)
    return (-apart).exp().sum(1) - 1


# %%
closeness = check("9.2", closeness)
M = torch.randn(16, 3)
theirs = diversity.closeness(M[:, None])[:, 0]  # the package's, with one such number each
print("largest difference from the package:", f"{(closeness(M) - theirs).abs().max():.0e}")
assert torch.allclose(closeness(M), theirs, atol=1e-5)

# %% [markdown]
# What would D see? We feed it 500 batches of 16 (± is the standard deviation over batches): points of the ring, and 16 points of a collapsed G, which all lie in one mode. For illustration, let $M$ be the points themselves, times ten.

# %% tags=["nbval-check-output"] covers=["10.06"]
torch.manual_seed(SEED)
from_data = torch.stack([closeness(10 * ring.sample(16)).mean() for _ in range(500)])
one_mode = ring.centers[0] + ring.sd * torch.randn(500, 16, 2)
from_one = torch.stack([closeness(10 * x).mean() for x in one_mode])
print(f"closeness: data {from_data.mean():.1f} ± {from_data.std():.1f}, "
      f"one mode {from_one.mean():.1f} ± {from_one.std():.1f}, of at most 15")

# %% [markdown]
# A threshold is easy to find: the collapse has become visible, before D has learned anything about *where* it is.
#
# ### What they found
#
# Eight seeds each, recorded: the ring with the slow D from above, 2,000 steps, both step sizes falling to 0 in the second half. A dot is a seed, a bar the median, dotted what a perfect generator gets. The KL counts only samples in a mode: with few of them its floor is higher than the dotted line, and seeds with none have no KL.

# %% covers=["10.06"] topics=["PacGAN", "packing"]
on_ring = recordings.load("09_ring")
print(on_ring.about)


def found(recording, name):
    """Modes hit, share in a mode and KL of each seed, at the end.  -> (seeds, 3)"""
    seeds = range(len(recording.settings[name]["runs"]))
    counts = [recording.array(name, seed, "counts") for seed in seeds]  # (looks, modes)
    return np.array([from_counts(c[-1], 2_500) for c in counts])


SEEN = ("plain", "packs of 2", "packs of 4", "minibatch features")
seen = {name: found(on_ring, name) for name in SEEN}

# %% tags=["figure"] covers=["10.06"] alt="Modes hit, share in a mode and KL on the ring for four ways, eight seeds each: the plain game at zero or one mode, packs and minibatch features at eight or nearly; the share in a mode is far higher with minibatch features"
nb09.found(seen, 8, 7 / 5000, exact_share);

# %% tags=["figure"] covers=["10.06"] alt="Samples of one generator of each way over the modes of the ring: the plain game in one small group, packs smeared along the ring, minibatch features mostly in the eight modes"
nb09.gallery_of_points({name: on_ring.array(name, 0, "samples") for name in SEEN},
                       ring.centers, 1.5);

# %% [markdown]
# The plain game ends with one mode or none, in every seed. With either remedy every seed hits seven modes or eight: the samples no longer gather in one place. But not equally well. The generators of the packs are smeared over the ring, most of all with packs of 4; minibatch features put about 70 % of the samples *into* the modes (median). (Remember the explorer: a smear hits every mode. Even and exactly on the ring, it would have 15 % in a mode.)
# A pack of 4 points of the plane is a point in eight dimensions, this D is small and slow, and its batch is 16 such packs, where Lin et al. keep the number of packs.

# %%
for name in SEEN[1:]:
    note("10.06", f"ring, {name}: modes hit, fewest", (7, 8), seen[name][:, 0].min(), 0,
         "eight seeds")
note("10.06", "ring, plain: modes hit, most", (0, 1), seen["plain"][:, 0].max(), 0,
     "eight seeds")
note("10.06", "ring, in a mode: minibatch features - packs of 2, least", (0.05, 1),
     seen["minibatch features"][:, 1].min() - seen["packs of 2"][:, 1].max(), 0, "eight seeds")
note("10.06", "ring, in a mode: minibatch features, median", (0.5, 1),
     np.median(seen["minibatch features"][:, 1]), 0, "eight seeds",
     says="With minibatch features: share of samples in a mode, median of eight seeds.")
note("10.06", "closeness: one mode / data", (2, 16), from_one.mean() / from_data.mean(), 0,
     "batches of 16");

# %% [markdown]
# ## Let G look ahead
#
# The other remedy changes what G knows. If "D last" is the good order, let G take D's answer into account: not the D of now, but the D that would be there after $k$ more steps. That is the **unrolled GAN** (Metz et al. 2017). With $w$ for D's weights, $\theta$ for G's and $L(w, \theta)$ for D's loss, which is $-V$,
#
# $$w_{i+1} = w_i - \eta\, \nabla_{w} L(w_i, \theta) , \qquad \text{G minimises } -L(w_k(\theta), \theta) .$$
#
# With $k = 0$ this is the minimax game; with $k = \infty$ and good steps, D would have answered fully: $\min\max$. The point is that $w_k$ *depends on $\theta$*: the gradient of G flows through all of D's steps, and so G learns "if I go there, D will follow".
# After G's move the $k$ steps are forgotten: D makes its own.
#
# ### Exercise 9.3 · D's step, differentiable
#
# Write `look_ahead`: take `k` steps of size `eta`, downhill in `d_loss(w, theta)`, and give back the last `w`, **still differentiable in theta** (`torch.autograd.grad` gives slopes without touching `.grad`; they must stay part of the graph). {{help}}


# %% tags=["exercise"] covers=["10.07"] topics=["unrolled GAN"]
def look_ahead(d_loss, w, theta, k, eta):
    """w after k steps of size eta down the slope of d_loss(w, theta)."""
    # solution
    for _ in range(k):
        (slope,) = torch.autograd.grad(d_loss(w, theta), w, create_graph=True)
        w = w - eta * slope
    return w


# %%
look_ahead = check("9.3", look_ahead)

# %% [markdown]
# The trap: without `create_graph=True` (or with `detach`), everything runs, the new $w$ is right to the last digit, and the gradient of G lacks just the part that this is all about. Nothing complains. So we check gradients by **finite differences**: move one number of G a little, play D's steps anew, and see how the loss changes. In double precision, on one small game:

# %% covers=["10.07"]
def D_at(w, x):
    """A D of one hidden layer, its 4 x 16 weights in one tensor.  (n, 2) -> scores (n,)"""
    return torch.tanh(x @ w[:2] + w[2]) @ w[3]


def G_at(theta, z):
    """A G that shifts: theta is where its samples are."""
    return theta + 0.1 * z


def d_loss(w, theta):
    return minimax.d_loss(D_at(w, x_data), D_at(w, G_at(theta, z_few)))


torch.manual_seed(SEED)
x_data, z_few = ring.sample(64).double(), torch.randn(64, 2).double()
w_now = torch.randn(4, 16, dtype=torch.float64, requires_grad=True)
theta = torch.tensor([0.6, 0.3], dtype=torch.float64, requires_grad=True)

# %% covers=["10.07"]
def g_loss(theta, k, cut=False):
    """-L after k of D's steps; `cut`: as code that does not differentiate through them."""
    w = look_ahead(d_loss, w_now, theta, k, 0.3)
    return -d_loss(w.detach() if cut else w, theta)


def by_differences(k, h=1e-5):
    """The slope of G's loss in each of its two numbers, from two values each."""
    ends = [[g_loss(theta + sign * h * e, k).item() for sign in (1, -1)] for e in torch.eye(2)]
    return torch.tensor([(up - down) / (2 * h) for up, down in ends], dtype=torch.float64)


gaps = {}
print("  k   finite differences   through the steps   cut off")
for k in (0, 1, 5, 10):
    exact = by_differences(k)
    losses = [g_loss(theta, k, cut) for cut in (False, True)]
    through, trap = (torch.autograd.grad(loss, theta)[0] for loss in losses)
    gaps[k] = [float((slope - exact).norm() / exact.norm()) for slope in (through, trap)]
    print(f"{k:3}", *(f"({a:7.4f}, {b:7.4f})  " for a, b in (exact, through, trap)))

# %% [markdown]
# Through the steps, it agrees with the differences for every $k$; cut off, it agrees for $k = 0$ only. The package's `diversity.unrolled_loss` does the same for any networks, and its tests check it in the same way.

# %% tags=["nbval-check-output"] covers=["10.07"]
tiny = new_game(ring)
x, z = tiny.data(64 * K)[0], tiny.latent(64 * K)
unrolled = diversity.unrolled_loss(tiny, minimax, x, tiny.G(z), 3, 0.3 * K)
weights = [w for w in tiny.D.parameters()]
for _ in range(3):  # by hand: D's own steps, then its loss
    loss = minimax.d_loss(tiny.D(x), tiny.D(tiny.G(z)))
    slopes = torch.autograd.grad(loss, weights)
    for w, slope in zip(weights, slopes, strict=True):
        w.data -= 0.3 * K * slope
by_hand = -minimax.d_loss(tiny.D(x), tiny.D(tiny.G(z)))
print("package and by hand agree:", bool(torch.isclose(unrolled, by_hand, atol=1e-5)))

# %% [markdown]
# ### What it found
#
# The ring again, with the slow D: $k = 0, 1, 5, 10$ steps ahead of size $\eta = 0.3$ (chosen by a few short tries on this ring; for the control nothing was tuned). These are plain steps of descent, while D's own are Adam's, of $2 \cdot 10^{-4}$: the D that G foresees is not just the one that comes. And a control that is seldom shown: *five moves of D* for each of G, without looking ahead (it plays the non-saturating loss, the others minimax).

# %% covers=["10.07"]
AHEAD = ("unrolled 0", "unrolled 1", "unrolled 5", "unrolled 10", "five moves of D")
ahead = {name: found(on_ring, name) for name in AHEAD}
seconds = {name: on_ring.value(name, "seconds")[0] for name in AHEAD}
for name in AHEAD:
    print(f"{name:16} {seconds[name]:4.1f} s of a core for each seed")

# %% tags=["figure"] covers=["10.07"] alt="Modes hit, share in a mode and KL on the ring, eight seeds each, for games that look 0, 1, 5 and 10 steps ahead, and for five moves of D"
nb09.found(ahead, 8, 7 / 5000, exact_share);

# %% [markdown]
# Without looking ahead, the minimax game collapses like the plain one. **A single step ahead is enough** at this $\eta$: all eight modes, in every seed, with about half of the samples in them or more. (On stacked MNIST, Metz et al. found 31 modes with $k = 0$, and more with each $k$ they tried, up to 327 with $k = 10$.) Looking five or ten steps ahead takes longer and puts *fewer* samples into the modes here (medians), and with five steps one seed misses some.
#
# The control is sobering. Five moves of D hit all eight modes with six of the eight seeds, and put *more* samples into the modes there; with two seeds it fails. So much of what looking ahead repairs may be a D that was too slow, and for that a faster D may do. Six seeds against eight prove no difference in reliability.

# %%
note("10.07", "ring, unrolled 0: modes hit, most", (0, 3), ahead["unrolled 0"][:, 0].max(), 0,
     "eight seeds")
note("10.07", "ring, unrolled 1: modes hit, fewest", 8, ahead["unrolled 1"][:, 0].min(), 0,
     "eight seeds", says="G looks one step ahead: modes hit, the fewest of eight seeds.")
note("10.07", "ring, unrolled 5: seeds with all modes", 7,
     (ahead["unrolled 5"][:, 0] == 8).sum(), 0, "of eight")
note("10.07", "ring, unrolled 1: share in a mode, least", (0.45, 0.7),
     ahead["unrolled 1"][:, 1].min(), 0, "eight seeds")
medians = {name: np.median(rows[:, 1]) for name, rows in ahead.items()}
note("10.07", "ring: share in a mode, 1 step ahead - 5 and 10, medians, least", (0, 1),
     medians["unrolled 1"] - max(medians[f"unrolled {k}"] for k in (5, 10)), 0, "eight seeds")
controlled = ahead["five moves of D"]
note("10.07", "ring, five moves of D: seeds with all modes", 6,
     (controlled[:, 0] == 8).sum(), 0, "of eight")
full = controlled[controlled[:, 0] == 8, 1]
note("10.07", "ring, five moves of D: share in a mode - 1 step ahead, medians", (0.02, 0.4),
     np.median(full) - medians["unrolled 1"], 0, "seeds with all modes");

# %% [markdown]
# ### Deeper: looking ahead on the grid
#
# You see whether looking ahead, and the control, do as well with 25 modes; or go on with [the published tables](#Beside-the-published-tables).

# %% [markdown]
# The grid of 25 modes, with the same slow D and the same $\eta$, for 3,000 steps: nothing was tuned for it. Guess first: does what the ring showed hold here?

# %% covers=["10.07"]
ahead_on_grid = recordings.load("09_ahead")
far = {name: found(ahead_on_grid, name) for name in AHEAD}
took = {name: ahead_on_grid.value(name, "seconds")[0] for name in AHEAD}
for name, rows in far.items():
    print(f"{name:16} all 25 modes with {(rows[:, 0] == 25).sum()} of 8 seeds,"
          f" {took[name]:4.1f} s of a core for each")

# %% tags=["figure"] covers=["10.07"] alt="Modes hit, share in a mode and KL on the grid of 25, eight seeds each, for games that look 0, 1, 5 and 10 steps ahead, and for five moves of D"
nb09.found(far, 25, 24 / 5000, exact_share);

# %% [markdown]
# It does. Without looking ahead no seed finds more than six modes; one step ahead hits 24 or 25 with every seed, ten steps all 25. But five steps fail with one seed (8 modes, and hardly a sample in any), and with none of these games do more than about a fifth of the samples lie in a mode: most are still on their way. The control comes out stronger than on the ring: **five moves of D hit all 25 modes with every seed**, and put more samples into them than any way of looking ahead (medians), though less evenly (KL); for less time than five or ten steps of looking ahead.

# %%
note("10.07", "grid, unrolled 0: modes hit, most", (0, 6), far["unrolled 0"][:, 0].max(), 0,
     "eight seeds")
note("10.07", "grid, unrolled 1: modes hit, fewest", 24, far["unrolled 1"][:, 0].min(), 0,
     "eight seeds")
for name in ("unrolled 10", "five moves of D"):
    note("10.07", f"grid, {name}: modes hit, fewest", 25, far[name][:, 0].min(), 0,
         "eight seeds")
worst = far["unrolled 5"][far["unrolled 5"][:, 0].argmin()]
note("10.07", "grid, unrolled 5: seeds with all modes", 7,
     (far["unrolled 5"][:, 0] == 25).sum(), 0, "of eight")
note("10.07", "grid, unrolled 5: modes hit, the seed that fails", 8, worst[0], 0, "one")
note("10.07", "grid, unrolled 5: share in a mode, the seed that fails", (0, 0.01), worst[1], 0,
     "one")
note("10.07", "grid, looking ahead: share in a mode, most", (0, 0.22),
     max(far[name][:, 1].max() for name in AHEAD[:4]), 0, "32 games")
best_ahead = max(np.median(far[name][:, 1]) for name in AHEAD[:4])
note("10.07", "grid, five moves of D: share in a mode - the best of looking ahead, medians",
     (0.05, 0.2), np.median(far["five moves of D"][:, 1]) - best_ahead, 0, "eight seeds each")
least_even = max(np.median(far[name][:, 2]) for name in AHEAD[1:4])
note("10.07", "grid, five moves of D: KL - the largest of looking ahead, medians", (0.05, 0.3),
     np.median(far["five moves of D"][:, 2]) - least_even, 0, "eight seeds each")
note("10.07", "grid, five moves of D: seconds / those of five or ten steps ahead", (0.3, 0.9),
     took["five moves of D"] / min(took["unrolled 5"], took["unrolled 10"]), 0, "one core");

# %% [markdown]
# ## Beside the published tables
#
# Now the table that we began with, from two papers, and ours. PacGAN's protocol: 2,500 samples, a mode counts with one good sample, good within three standard deviations, ten runs with their standard error. (VEEGAN is a GAN that also learns the way back, from data to latents.)
#
# | ring of 8 | modes hit | in a mode | KL |
# |---|---|---|---|
# | GAN, in VEEGAN's table (Srivastava et al. 2017) | 1 | 99.3 % | |
# | Unrolled GAN, there | 7.6 | 35.6 % | |
# | VEEGAN, there | 8 | 52.9 % | |
# | GAN, in PacGAN's table (Lin et al. 2018) | 6.3 ± 0.5 | 98.2 ± 0.2 % | 0.45 ± 0.09 |
# | PacGAN2, there | 7.9 ± 0.1 | 95.6 ± 2.0 % | 0.07 ± 0.03 |
# | PacGAN4, there | 7.8 ± 0.1 | 95.9 ± 1.4 % | 0.07 ± 0.02 |

# %% covers=["10.06", "10.07"]
EQUAL = [name for name in on_ring.settings if name.endswith("equal steps")]
ours = {name: found(on_ring, name) for name in (*SEEN, *AHEAD, *EQUAL)}
for name, rows in ours.items():
    modes, good, kl = np.nanmean(rows, 0)
    error = rows[:, 0].std(ddof=1) / math.sqrt(len(rows))
    print(f"{name:32} {modes:4.1f} ± {error:.1f}   {good:6.1%}   KL {kl:.2f}")

# %% [markdown]
# Beware of reading across. The two published baselines have the same name and the same data, and one finds one mode, the other six: **the baseline decides such tables.** So it is with ours. With a slow D the plain game finds hardly any mode, and every remedy hits more, though packs of 4 put no more samples into them than the plain game (these are means). With *equal steps* (D's step size is G's) the plain game finds all eight with four of the eight seeds and none with the other four: the gain in modes is about half as large. (KL is the mean over the seeds with any sample in a mode; for the plain game only some have any.)
#
# What differs from PacGAN's protocol: our networks are small (two hidden layers of 64, no batch norm; there G 4 × 400, D 3 × 200 maxout, units that keep the largest of several linear functions), our modes twice as wide for the same radius (0.02 on 1), and we take 2,000 steps of 64, there it is 400,000 of 100. These, above all the 400,000 steps, may be why theirs have over 90 % in a mode. Compare within a table, not between two.

# %% [markdown]
# ## Deeper: packs, exactly
#
# You see by enumeration why a pack notices a missing mode, and why it is more patient with uneven shares; or go on with [the two-by-two](#Deeper:-one-sample-or-a-pair,-one-penalty-or-two).

# %% [markdown]
# A D with all the time in the world measures how far $p$ and $q$ are apart; with packs of $m$, how far $p^m$ and $q^m$ are, the distributions of the packs. Take two bad generators with the same total variation $\frac12 \sum |p_k - q_k| = \frac18$ from 8 even modes: one *misses a mode*, the other has *uneven shares*, four modes with 1/32 too much and four with 1/32 too little. For up to 4 examples in a pack we can sum over all $8^m$ packs.

# %% tags=["nbval-check-output"] covers=["10.06"]
even = torch.full((8,), 1 / 8, dtype=torch.float64)
missing = torch.tensor([0.0] + [1 / 7] * 7, dtype=torch.float64)
uneven = even + torch.tensor([1 / 32] * 4 + [-1 / 32] * 4, dtype=torch.float64)


def packed_tv(q, m):
    """Total variation of packs of m, from q and from even shares: a sum over all packs."""
    P, Q = even, q
    for _ in range(m - 1):
        P, Q = torch.kron(P, even), torch.kron(Q, q)
    return float((P - Q).abs().sum() / 2)


tv = {"a missing mode": [packed_tv(missing, m) for m in (1, 2, 3, 4)],
      "uneven shares": [packed_tv(uneven, m) for m in (1, 2, 3, 4)]}
for name, values in tv.items():
    print(f"{name:15}", *(f"{v:.4f}" for v in values))

# %% tags=["figure"] covers=["10.06"] alt="Total variation over the size of the packs: both generators begin at one eighth; that of the missing mode rises faster"
nb09.packed((1, 2, 3, 4), tv);

# %% [markdown]
# Seen one by one, the two are equally bad. In packs, the missing mode stands out: its distance is $1 - (7/8)^m$, since it suffices that one of $m$ data comes from the mode that G lacks. So a game of packs is a game with another divergence, one that minds missing modes more (Lin et al. 2018, theorem 3). It is no magic: D has to *learn* to see it, in $m$ times as many dimensions.

# %%
note("10.06", "packs, a missing mode: TV - (1 - (7/8)^m), largest", 0,
     max(abs(v - 1 + (7 / 8) ** m) for m, v in enumerate(tv["a missing mode"], 1)), 1e-9,
     "sum over all packs")
note("10.06", "packs of 4: TV of a missing mode / of uneven shares", (1.2, 3),
     tv["a missing mode"][3] / tv["uneven shares"][3], 0, "sum")

# %% [markdown]
# ## Deeper: one sample or a pair, one penalty or two
#
# You see a comparison that is hard to find at this size, two games with one or two [gradient penalties](glossary.md#gradient-penalty) each, on three kinds of data; or go on with [the gallery](#A-gallery-of-failures).

# %% [markdown]
# A *paired* (relativistic) D compares a datum with a sample: only the difference of their scores counts. Huang et al. (2024, R3GAN) report for stacked MNIST, 1,000 modes: paired + R1 + R2 found all of them, non-saturating + R1 + R2 found 693, and either with R1 alone failed. R1 holds D flat on data, R2 on samples ([08](08_penalise_the_gradient.ipynb)).
# That is a claim about convolutional networks on pictures. We try it with small ones in the plane, eight seeds each. First the ring with the slow D of above, where the plain game finds nothing, and both penalties with $\gamma = 0.1$.

# %% covers=["10.04"] topics=["R3GAN", "relativistic GAN"]
FOUR = ("NS + R1", "NS + R1 + R2", "paired + R1", "paired + R1 + R2")
slow = {name: found(on_ring, name) for name in ("plain", "paired", *FOUR)}
for name, rows in slow.items():
    print(f"{name:18} modes hit:", *(f"{m:.0f}" for m in rows[:, 0]))

# %% [markdown]
# Nothing helps: one mode at most, in each of these games. Penalties of this size do not make up for a D that is too slow. So this ring cannot tell the four apart. Now equal steps, where the plain game finds all modes with half of its seeds; and two sizes of the penalty.

# %% covers=["10.04"]
with_equal = recordings.load("09_four")
equal = {"plain": found(on_ring, "plain, equal steps")}
equal |= {name: found(with_equal, name) for name in with_equal.settings}

# %% tags=["figure"] covers=["10.04"] alt="Modes hit, share in a mode and KL on the ring with equal steps, eight seeds each, for the plain game and for both games with one or two penalties of two sizes"
nb09.found(equal, 8, 7 / 5000, exact_share);

# %% [markdown]
# Here the four part ways. Take the weaker penalty first. With R1 alone some seeds are lost in both games; **with R1 + R2 none is**, in either game, and every seed hits all eight modes. Of the two with both penalties, the paired game puts more of its samples into the modes (medians). So with both penalties the order by share in a mode is that of Huang et al., on eight modes and with networks that train in seconds. But the second penalty does more for it here than the pairing does: with R1 alone, the paired game lost more seeds than the other (three against one: that may be luck).
#
# Now the stronger penalty, $\gamma = 1$: every seed of all four hits all eight modes, with one penalty or with two, and now R1 alone puts more of the samples into the modes than both together (medians). **Here its size matters more than whether there are two, or whether D compares pairs.** On this ring a comparison at one size only could show either result; about pictures, where Huang et al. saw R1 alone fail, it says nothing.

# %%
note("10.04", "ring, slow D: modes hit, plain, paired and four penalised games, most", (0, 1),
     max(rows[:, 0].max() for rows in slow.values()), 0, "eight seeds each")
lost = {name: (rows[:, 0] < 8).sum() for name, rows in equal.items()}
for name, exact in {"NS + R1": 1, "NS + R1 + R2": 0, "paired + R1": 3,
                    "paired + R1 + R2": 0}.items():
    note("10.04", f"ring, equal steps, {name}, γ = 0.1: seeds that miss a mode", exact,
         lost[f"{name}, γ = 0.1"], 0, "of eight")
note("10.04", "ring, equal steps, plain: seeds that miss a mode", 4, lost["plain"], 0,
     "of eight")
stronger = sum(count for name, count in lost.items() if name.endswith("γ = 1"))
note("10.04", "ring, equal steps, γ = 1, all four: seeds that miss a mode", 0, stronger, 0,
     "of 32")
for game in ("NS", "paired"):
    one, two = (np.median(equal[f"{game} + {r}, γ = 1"][:, 1]) for r in ("R1", "R1 + R2"))
    note("10.04", f"ring, equal steps, γ = 1, {game}: share in a mode, R1 - R1 + R2, medians",
         (0.02, 0.3), one - two, 0, "eight seeds each")
both = [np.median(equal[f"{game} + R1 + R2, γ = 0.1"][:, 1]) for game in ("paired", "NS")]
note("10.04", "ring, equal steps, R1 + R2: share in a mode, paired - NS, medians", (0.05, 0.5),
     both[0] - both[1], 0, "eight seeds each")

# %% [markdown]
# And the grid of 25 with the slow D (3,000 steps), with all that D may see as well.

# %% covers=["10.04"]
on_grid = recordings.load("09_grid")
grid_ways = {name: found(on_grid, name) for name in (*SEEN, *FOUR)}

# %% tags=["figure"] covers=["10.04"] alt="Modes hit, share in a mode and KL on the grid of 25 for eight ways, eight seeds each"
nb09.found(grid_ways, 25, 24 / 5000, exact_share);

# %% [markdown]
# The same picture in the large. Minibatch features hit all 25 modes with every seed, packs most of them, and the plain game and the four penalised ones a few. But look at the middle: nobody puts even half of the samples into the modes, and only minibatch features and some seeds of the penalised games come clearly beyond a tenth. After 3,000 steps of a slow D nobody has *learned* the grid; some have spread over it.

# %%
note("10.06", "grid, minibatch features: modes hit, fewest", 25,
     grid_ways["minibatch features"][:, 0].min(), 0, "eight seeds")
for name, low in (("packs of 2", 15), ("packs of 4", 15)):
    note("10.06", f"grid, {name}: modes hit, fewest", (low, 25),
         grid_ways[name][:, 0].min(), 0, "eight seeds")
few = max(grid_ways[name][:, 0].max() for name in ("plain", *FOUR))
note("10.04", "grid, plain and four penalised games: modes hit, most", (0, 8), few, 0,
     "eight seeds each")
note("10.06", "grid: share in a mode, most of all", (0, 0.5),
     max(rows[:, 1].max() for rows in grid_ways.values()), 0, "64 games")
note("10.06", "grid: share in a mode, packs and plain, most", (0, 0.12),
     max(grid_ways[name][:, 1].max() for name in SEEN[:3]), 0, "eight seeds each")

# %% [markdown]
# ## Deeper: a hundred modes of clothes
#
# You count on pictures: two garments in two channels make a hundred modes, and *real* pictures have a count, too; or go on with [the gallery](#A-gallery-of-failures).

# %% [markdown]
# Stacked MNIST puts three digits into three colour channels: 1,000 modes. We put two independent garments of FashionMNIST into two channels: ten classes times ten classes are 100 modes. A classifier (that of [FFD](00_start_here.ipynb#What-we-measure)) looks at each channel; of 2,000 pairs we count the combinations. G is a small convolutional generator with two channels at its end, D half as wide as usual (three seeds; 900 steps of batch 32; $\gamma = 0.1$).
#
# The classifier errs on one picture in twelve. So *real* pairs, too, go through it: what they score is the best that can be asked.

# %% covers=["10.04"] topics=["stacked modes"]
on_pairs = recordings.load("09_pairs")
PAIRS = ("real", "plain", "packs of 2", *FOUR)
combined = {name: np.array([from_counts(on_pairs.array(name, seed, "counts"), 2_000)
                            for seed in range(3)]) for name in PAIRS}
print(f"floor of the KL: 99 / 4,000 = {99 / 4000:.4f}")
for name, rows in combined.items():
    print(f"{name:18} combinations", *(f"{m:4.0f}" for m in rows[:, 0]),
          "   KL", *(f"{kl:.3f}" for kl in rows[:, 2]))

# %% tags=["figure"] covers=["10.04"] alt="Combinations found, of 100, and KL of their shares, for real pairs and six ways to train, three seeds each"
nb09.found(combined, 100, 99 / 4000);

# %% tags=["figure"] covers=["10.05"] alt="Pairs of clothes, one above the other: real ones, and those of two generators"
pairs_shown = ("real", "plain", "paired + R1 + R2")
nb09.pairs({name: on_pairs.array(name, 0, "samples") for name in pairs_shown});

# %% [markdown]
# Real pairs find all 100, with a KL hardly above the floor: the instrument works. Every one of our trainings misses some combinations, and their KL is far above the floor: a few combinations take most of the samples. Packs of 2 found the most of all with one seed, and with another fewer than the plain game with any. The two paired games found a few more combinations than the plain one, with each of their seeds, but their KL is no lower (medians). Three seeds and a difference as small as that prove little. (The 900 steps are few. A hundred combinations are also an easier test than a thousand: ten classes in each channel are found one by one.)

# %%
note("10.04", "pairs, real: combinations, fewest", 100, combined["real"][:, 0].min(), 0,
     "three draws of 2,000")
note("10.04", "pairs, real: KL / floor, largest", (0.8, 1.4),
     combined["real"][:, 2].max() / (99 / 4000), 0, "three draws")
trained = np.concatenate([combined[name] for name in PAIRS[1:]])
note("10.04", "pairs, trained: combinations, most", (60, 99), trained[:, 0].max(), 0,
     "three seeds each")
note("10.04", "pairs, trained: KL / floor, least", (10, 100),
     trained[:, 2].min() / (99 / 4000), 0, "three seeds each")
packs = combined["packs of 2"][:, 0]
note("10.06", "pairs, packs of 2: combinations, most - most of all", 0,
     packs.max() - trained[:, 0].max(), 0, "three seeds")
note("10.06", "pairs, packs of 2: combinations, fewest - plain, fewest", (-10, -1),
     packs.min() - combined["plain"][:, 0].min(), 0, "three seeds")
in_pairs = np.concatenate([combined[name] for name in FOUR[2:]])
note("10.04", "pairs, paired games: combinations, fewest - plain, most", (0.5, 10),
     in_pairs[:, 0].min() - combined["plain"][:, 0].max(), 0, "three seeds each")
note("10.04", "pairs, paired games: KL - plain, medians", (0, 0.5),
     np.median(in_pairs[:, 2]) - np.median(combined["plain"][:, 2]), 0, "three seeds each");

# %% [markdown]
# ## A gallery of failures
#
# Papers show good pictures. Here are bad ones, from a run of our own: a small convolutional GAN on FashionMNIST, trained for some seconds (as in [03](03_train_a_gan.ipynb)). First a test of your eye.

# %%
torch.set_num_threads(threads)
images = fashion_mnist(profile.device)
figures.use_style(images.notice)
clothes = recipes.fashion_game(images, recipes.conv, seed=SEED)
with profile.plan(steps=profile.pick(smoke=5, cpu=1500, gpu=5000), about=15, gpu=10) as plan:
    for _ in train(clothes, non_saturating, steps=plan.steps, batch_size=32, every=100):
        pass
torch.manual_seed(SEED)
n = profile.pick(smoke=300, cpu=2000, gpu=2000)
made, real = clothes.sample(n).cpu(), to_unit(images.test_images[:n]).cpu()

# %% tags=["figure"] covers=["10.08"] alt="A row of ten pictures of clothes, nine made by the generator and one real"
place = 3  # of the real one
quiz = torch.cat([made[:place], real[4:5], made[place:9]])
nb09.rows_of_clothes({"one of these is real: which?": quiz});

# %% [markdown]
# Now four kinds of failure, the last three with a count for samples and for real pictures.
#
# - **Cherry-picked:** the ten of which the classifier is surest, above ten that nobody chose.
# - **Counting:** a pair of trousers has two legs. We count the bright stretches in a row of pixels near the bottom.
# - **Global structure:** a top has two sleeves of equal length. We compare each with its mirror image.
# - **Low diversity:** the most alike among all pairs of samples, in the features of the classifier.
#
# (In photographs there is a fifth, *perspective*: a head from the front on a body from the side. Clothes lie flat; they have none to get wrong.)

# %% covers=["10.08"]
def legs(x):
    """How many bright stretches the 24th row has.  (n, 1, 28, 28) -> (n,)"""
    bright = (nn.functional.pad(x[:, 0, 23], (1, 0), value=-1) > -0.6).int()
    return (bright.diff(dim=1) == 1).sum(1)


def lopsided(x):
    """How far a picture is from its mirror image.  (n, 1, 28, 28) -> (n,)"""
    return (x - x.flip(3)).abs().mean((1, 2, 3))


TOPS = torch.tensor([0, 2, 4, 6])  # t-shirt, pullover, coat, shirt
kinds, odd = {}, {}
for name, x in (("real", real), ("samples", made)):
    kind = score.classes(x)
    trousers, tops = x[kind == 1], x[torch.isin(kind, TOPS)]
    kinds[name] = trousers[legs(trousers) != 2], tops[lopsided(tops).argsort(descending=True)]
    odd[name] = [float((legs(trousers) != 2).float().mean()), float(lopsided(tops).median())]
    print(f"{name:8} trousers without two legs {odd[name][0]:4.0%}   "
          f"tops and their mirror images differ by {odd[name][1]:.3f}")

# %% covers=["10.05"] topics=["low diversity"]
def most_alike(x, pairs=5):
    """The pairs that are nearest in the features; and the median distance to the nearest."""
    h = score.features(x[:1000]).float()
    far = torch.cdist(h, h).fill_diagonal_(math.inf)
    near = far.min(1).values.median()
    far = far.tril().masked_fill(far.tril() == 0, math.inf)
    i, j = np.unravel_index(far.flatten().argsort()[:pairs].numpy(), far.shape)
    return torch.stack([x[i], x[j]], 1).flatten(0, 1), float(near)


alike, near_made = most_alike(made)
_, near_real = most_alike(real)
print(f"nearest neighbour in the features: samples {near_made:.2f}, real {near_real:.2f}")

# %% covers=["10.05", "10.08"]
with torch.no_grad():
    sure = torch.cat([classifier.load()(x).softmax(1).max(1).values for x in made.split(200)])
shelves = {
    "cherry-picked: the classifier's favourites": made[sure.argsort(descending=True)[:10]],
    "not picked": made[20:30],
    "counting: trousers without two legs": kinds["samples"][0][:10],
    "global structure: the most lopsided tops": kinds["samples"][1][:10],
    "low diversity: the five most alike pairs": alike,
}

# %% tags=["figure"] covers=["10.05", "10.08"] alt="Five rows of generated clothes: favourites of the classifier, unpicked ones, trousers with one or three legs, lopsided tops, and five pairs that look alike"
nb09.rows_of_clothes({name: x for name, x in shelves.items() if len(x)});

# %% [markdown]
# The classifier's favourites are mostly clean trousers; below them is what the same generator really makes. The rows of failures were searched for, so read the counts above, not the rows. Trousers without two legs, by our crude count, are much more frequent among the samples than among real pictures (where dark or skirt-like ones are miscounted, too), and tops are more lopsided: each stroke is right, the whole is not. The most alike pairs do look like low diversity, but their count does not confirm it: the samples are about as far from their nearest neighbours as real pictures are (it proves little: junk is far from its neighbours, too). Low diversity is what the film at the beginning shows.
#
# And which one is real? Number 4 from the left. Its seams and folds give it away.

# %%
note("10.08", "gallery: trousers without two legs, samples / real", (1.3, 20),
     odd["samples"][0] / odd["real"][0], 0, "one training", **THIS_RUN)
note("10.05", "gallery: distance to the nearest neighbour, samples / real", (0.8, 1.4),
     near_made / near_real, 0, "medians, one training", **THIS_RUN)
note("10.08", "gallery: lopsided tops, samples / real", (1.1, 5),
     odd["samples"][1] / odd["real"][1], 0, "medians, one training", **THIS_RUN)

# %% [markdown]
# ## The ledger
#
# What we claimed, and measured.

# %%
measured_good = float(perfect["ring"][1])
note("10.02", "perfect share in a mode, ring", exact_share, measured_good, 0.001,
     "1 - exp(-9/2)",
     says="A perfect generator has this share in a mode; 99.3 % is too narrow.")
note("10.02", "KL floor of the ring, measured / formula", 1, perfect["ring"][2] / (7 / 5000),
     0.15, "(K - 1) / 2n")
note("10.02", "KL floor of the grid, measured / formula", 1, perfect["grid"][2] / (24 / 5000),
     0.15, "(K - 1) / 2n")
note("10.07", "unrolled: gradient through the steps, relative error, largest", 0,
     max(gap[0] for gap in gaps.values()), 1e-6, "finite differences",
     says="Unrolled: the gradient through D's steps, against finite differences.")
note("10.07", "unrolled: cut off, relative error, least for k > 0", (0.001, 10),
     min(gaps[k][1] for k in (1, 5, 10)), 0, "the trap")
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - Count three things: modes hit, the share in a mode, the KL of the shares. Put the perfect score beside them: 98.889 % and $(K - 1)/2n$, not 100 % and 0.
# - A collapse is the best answer to the D of now. Here a slow D brought it on, whatever the divergence, with networks large enough; where the game begins has a say, too.
# - D cannot see variety in single samples. Packs and minibatch features let it.
# - Unrolling lets G feel how D will answer. The gradient has to flow through D's steps; check it by finite differences.
# - The baseline decides. With a slow D every remedy added many modes, with equal steps about half as many.
#
# ## In practice
#
# - *Minibatch standard deviation*, one channel with the spread of a small group, is what became of minibatch features; StyleGAN's D has it.
# - *Unrolling* is rare today: $k$ steps take about $k$ times as long. Penalties on D, and a D that is not much slower than G, are the usual way.
# - *Count*, with a classifier, whatever you can: classes, attributes, near-duplicates. Show samples that nobody picked.
#
# ## Further reading
#
# - [Metz et al. 2017](https://arxiv.org/abs/1611.02163): unrolled GANs. [Salimans et al. 2016](https://arxiv.org/abs/1606.03498): minibatch features. [Lin et al. 2018](https://arxiv.org/abs/1712.04086): PacGAN.
# - [Srivastava et al. 2017](https://arxiv.org/abs/1705.07761): VEEGAN. [Huang et al. 2024](https://arxiv.org/abs/2501.05441): R3GAN.
# - [Goodfellow 2016](https://arxiv.org/abs/1701.00160): the tutorial that names min-max against max-min.
