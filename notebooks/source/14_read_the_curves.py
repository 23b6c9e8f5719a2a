# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 14 · Diagnosing a GAN's training: which curve is normal?
#
# **What you'll do.** You read the curves of trainings that are well and of trainings that we made ill in twelve ways, guess, look at the
# samples, and build a doctor that says in words what a training shows.
#
# **What you'll learn**
#
# - what a loss of 1.39 says, and what it does not
# - which troubles the losses show by themselves, which only the samples show, and which two look alike even then
# - to recognise a wrong label and a wrong sign from a contradiction in the numbers
# - how a doctor is tested on patients that it has never seen
#
# **What you'll need.** What a [generator](glossary.md#generator) G, a [discriminator](glossary.md#discriminator) D and a
# [score](glossary.md#score) are; some PyTorch. [Notebook 03](03_train_a_gan.ipynb) trains its first GAN; here we look at many at once.
# Some names of games come up: the [non-saturating](glossary.md#non-saturating) one, [saturation](glossary.md#saturation), [critics](glossary.md#critic) (WGAN) held by
# [weight clipping](glossary.md#weight-clipping) or a [gradient penalty](glossary.md#gradient-penalty) (WGAN-GP); and *paired* ones, where D scores a datum against a sample. A look at the glossary is enough.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
from collections import Counter, defaultdict

import numpy as np
import torch
from torch import nn

from gan_tutorial.clothes import recordings
from gan_tutorial.clothes.data import fashion_mnist
from gan_tutorial.game import Game, networks, train
from gan_tutorial.game.objectives import OBJECTIVES, best_response
from gan_tutorial.lesson import diagnosis, figures
from gan_tutorial.lesson.diagnosis import diagnose
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb14, objective_title
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth import densities

# %% tags=["setup"]
torch.set_num_threads(1)  # the networks are tiny: a second thread would only wait
images = fashion_mnist()
figures.use_style(note=images.notice)
profile = choose(PROFILE)
torch.manual_seed(SEED)
ledger = Ledger("14")

# %% [markdown]
# ## Guess first
#
# Three GANs of the same size have learned for 1,500 steps. The data are eight narrow [modes](glossary.md#mode) on a ring. Below are the two [losses](glossary.md#loss) of
# each: D's in green, G's in purple. Dashed, at $2 \log 2 = 1.39$, is the loss of a D that cannot tell data from samples.
#
# **One of the three makes good samples. One makes a single smudge that wanders about. One has a D that learns nothing. Which is which?**

# %%
clinic = recordings.load("14_clinic")  # trainings that were recorded
groups = nb14.by_name(clinic)  # name -> its three seeds
print(clinic.about)

# %% tags=["figure"] topics=["loss of 1.39"] alt="Three panels with the losses of D and G over 1,500 steps; in all three D's loss lies at the dashed line at 1.39 and G's at 0.69"
trio = {"A": "collapse", "B": "D too weak", "C": "healthy"}
nb14.side_by_side({letter: groups[name][0] for letter, name in trio.items()});

# %% [markdown]
# Write down your three letters. Then look at the samples (orange) on the data (blue), of three seeds each:

# %% tags=["figure"] alt="Samples of three seeds for each of the three trainings: A a small smudge at or near one mode, B points or lines beside the data, C eight modes as in the data"
nb14.revealed({letter: groups[name] for letter, name in trio.items()});

# %% [markdown]
# C is the good one, A has collapsed, and B's D has just two hidden units and learns nothing. With each seed, all three end with D's loss within 0.02 of 1.39.
# So here is the first answer to the most asked question about GANs:
#
# > *D's loss sits at 1.39. Good or bad?* It says that **D cannot tell, not that there is nothing to tell.** At the end of a perfect training it is 1.39. It is also 1.39 if D is too weak to learn, or if G moves its one smudge about faster than D can follow.

# %%
ends = {}
for letter, name in trio.items():  # the median of the last quarter of the 150 rows
    ends[letter] = [float(np.median(p.curves[-37:, 0])) for p in groups[name]]
for letter, values in ends.items():
    print(letter, "D's loss at the end:", *(f"{value:.3f}" for value in values))

# %% [markdown]
# ## A scale for every loss
#
# Before one can say that a loss is high, one must know where "D cannot tell" lies. It is different for each [objective](02_play_the_game.ipynb): each gives D one loss for a score of
# data, `d_real(s)`, and one for a score of a sample, `d_fake(s)`.
#
# Where D cannot tell, it sees data and samples equally often and answers both with the same score $s$. It chooses the one with the smallest sum, the [even score](glossary.md#even-score):
#
# $$\text{even loss} = \min_s \bigl( d_{\text{real}}(s) + d_{\text{fake}}(s) \bigr).$$
#
# ### Exercise 14.1 · D's loss when it cannot tell
#
# Return the even loss of an `objective`, from its curves `objective.d_real` and `objective.d_fake`. (`best_response(objective, r)` is the best score where data are `r` times as likely as samples; `r` is a tensor with one number, and so is your answer.)
#
# {{help}}


# %% tags=["exercise"]
def even_loss(objective):
    """D's loss where data and samples are equally likely.  -> ()"""
    # solution
    s = best_response(objective, torch.tensor(1.0))
    return objective.d_real(s) + objective.d_fake(s)


# %%
even_loss = check("14.1", even_loss)

# %% [markdown]
# The package has the same as `diagnosis.Scale`, for paired objectives too. It also knows a *unit*: the way from the even loss to the loss of a D that is right and nine times in ten sure. In units, losses of different objectives can be compared.

# %% tags=["nbval-check-output"] topics=["even loss"]
print("objective          even score  even loss  G's even loss   unit")
for name in ("non_saturating", "minimax", "least_squares", "hinge", "kl", "r1"):
    scale = diagnosis.Scale.of(OBJECTIVES[name])
    assert abs(float(even_loss(OBJECTIVES[name])) - scale.even_loss) < 1e-3
    numbers = np.round([scale.even_score, scale.even_loss, scale.g_even_loss, scale.unit], 3)
    print(f"{objective_title(name):16}" + "".join(f"{value + 0.0:12.3f}" for value in numbers))

# %% [markdown]
# So 1.39 is a number of one family only: with least squares the same standstill is at 0.25, with hinge at 2 (there any score from $-1$ to $1$ is even; the table shows one of them). For [WGAN](07_move_earth.ipynb) critics the even loss is 0, and there is no unit: no score means "nine times in ten sure", and the loss alone says little.

# %% [markdown]
# ## The clinic
#
# Now the patients. Each is trained like the good one above (*healthy*: 1,500 steps, both [step sizes](glossary.md#step-size) 0.002, no [momentum](glossary.md#momentum), an [R1 penalty](08_penalise_the_gradient.ipynb)), but for what the table says. Five are also without R1: *D too strong*, *saturation*, *collapse*, *step too large*, *momentum too high*.
#
# | patient | what was done |
# |---|---|
# | D too strong | two moves of D for one of G; D's step 2.5 times as large, G's 200 times smaller |
# | D too weak | two hidden units in each layer of D |
# | D too slow | D's step 1,000 times smaller |
# | saturation | minimax loss for G, samples start far from the data; three moves of D for one of G, D's step 2.5 times as large, G's 20 times smaller |
# | collapse | D's step a quarter, G's 2.5 times as large; momentum, $\beta_1 = 0.5$ |
# | step too large | both steps fifteen times as large |
# | momentum too high | momentum, Adam's $\beta_1$, of 0.95 |
# | no bound on the slope | Wasserstein loss without clipping or penalty, three moves of D for one of G |
# | batch norm in D | WGAN-GP, three moves of D for one of G, and [batch norm](glossary.md#batch-normalisation) in the critic |
# | wrong label | D learns data as samples, and samples as data |
# | wrong sign | G's loss multiplied by $-1$ |
# | wrong range | a tanh at G's end, and data four times as large |
#
# Here they are without their names, mixed with healthy ones. In the live notebook choose a letter, a seed, and move the time; **cover the picture on the right with your hand, and guess from the curves.** Then look right. **Five of the sixteen make good samples at the end, with every seed. Which?**

# %% tags=["widget"] topics=["training curves"] alt="Left: losses of D and G over the steps; right: samples on the ring of data at the chosen time"
order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(14)).tolist()
names = [list(groups)[i] for i in order]
letters = {letter: name for letter, name in zip("ABCDEFGHIJKLMNOP", names, strict=True)}
ward = {letter: groups[name] for letter, name in letters.items()}
explore(nb14.ward(ward), panels=2, size=(8.4, 3.6), still={"time": 10},
        patient=list(ward), seed=(0, 2, 0), time=(1, 10, 1))

# %% [markdown]
# <details><summary>The answers</summary>
#
# The next cell prints who is who, with the energy distance of each seed at the end (we define it in a moment; below 0.08 we call it good). The five: three healthy ones (the non-saturating game with and
# without penalty, and WGAN-GP), the one whose D was switched on late, and, as a surprise, one that we tried to harm: the critic whose slope nothing bounds. Its losses look frightening, and its samples are good.
# </details>

# %%
energies = {name: [p.run["energy"][-1] for p in group] for name, group in groups.items()}
for letter, name in letters.items():
    print(f"{letter}: {name:22}", *(f"{energy:12.3f}" for energy in energies[name]))
well = [name for name, values in energies.items() if max(values) < 0.08]

# %% [markdown]
# The *energy distance* compares two sets of points: twice the mean distance between a datum $x$ and a [sample](glossary.md#sample) $y$, minus the mean distance within each set. We give it as a share of the data's own spread:
#
# $$\frac{2\,\mathbb E\lvert x - y\rvert - \mathbb E\lvert x - x'\rvert - \mathbb E\lvert y - y'\rvert}{\mathbb E\lvert x - x'\rvert}.$$
#
# It is 0 if both come from the same [distribution](glossary.md#distribution), and else positive. Some hundred points of equal distributions give a few hundredths at most, of either sign.
#
# And here are the twelve that were harmed, with their names, one seed each: the curves above, the samples at the end below. Mind the axes: each panel has its own, and where a loss goes beyond 30 (*step too large*, *no bound*, *wrong sign*) it is logarithmic, but for the middle from -1 to 1.

# %% tags=["figure"] topics=["training curves", "failure gallery"] alt="Twelve pairs of panels: losses of D and G above, samples on the ring below, for each way of making a training ill; only the critic without a bound has samples on the data"
nb14.gallery([groups[name][0] for name in groups if name not in well or "bound" in name]);

# %% [markdown]
# What we saw, in four groups:
#
# - **D wins**: *too strong*, *saturation*, *wrong range*. D's loss is far below 1.39 to the end. With saturation, G's is flat at 0 as well.
# - **It swings**: *step too large*, *momentum too high*. (In the curves shown of the latter, D is also far ahead.)
# - **It looks healthy, and is not**: *D too weak*, *collapse*, and often *D too slow*.
# - **The numbers do not fit**: *wrong label*, *wrong sign*, and the two critics, whose scores the figure does not show: with *no bound* they run away beyond 100, with *batch norm* those of data and of samples never come together.
#
# We take two of the last group first, since there one can be nearly certain. (The critics have [a deeper section](#Deeper:-a-critic-and-its-bound).)

# %% [markdown]
# ## What cannot be: a wrong label, a wrong sign
#
# Look at the end of these three, seed 0 (medians over the last quarter of the rows):

# %%
for name in ("healthy", "wrong label", "wrong sign"):
    d, g, real, fake = np.median(groups[name][0].curves[-37:], axis=0)
    print(f"{name:12} D's loss {d:8.3f}   G's loss {g:12.3f}   "
          f"mean score of data {real:7.2f}, of samples {fake:12.2f}")

# %% [markdown]
# *Wrong label.* D gives the samples the higher score. That happens, if D is confused; but then its loss is *worse* than 1.39. Here it is almost 0. A loss that praises D for rating samples above data was made with the labels swapped. In general: a convex curve's mean is
# at least its value at the mean (Jensen's inequality), and a penalty only adds. So, with the mean scores $\bar s_{\text{data}}$ and $\bar s_{\text{samples}}$,
#
# $$\text{D's loss} \;\ge\; d_{\text{real}}(\bar s_{\text{data}}) + d_{\text{fake}}(\bar s_{\text{samples}}).$$
#
# This holds in each row of a log (not for medians of its columns). If the losses in yours are *below* the right side, then they are not what you think they are. Experience is not needed for that; our code, to be safe, asks that the middle row be 0.2 units below.
#
# *Wrong sign.* The same for G: the non-saturating loss, $\log(1 + e^{-s})$, is never negative. A G that goes up instead of down soon has a huge negative loss, with scores that run away to minus infinity. We check the inequality in each late row of all runs of the clinic but the critics (the curves of these games are convex):

# %% topics=["wrong label", "sign error"]
worst = {}
for p in nb14.patients(clinic):
    o, (d, g, real, fake) = p.objective, torch.tensor(p.curves[-37:]).unbind(1)
    over = float((d - o.d_real(real) - o.d_fake(fake)).min())
    if not diagnosis.Scale.of(o).unbounded:
        worst[p.name] = min(worst.get(p.name, np.inf), over)
for name, value in sorted(worst.items(), key=lambda pair: pair[1])[:3]:
    print(f"{name:22} D's loss - the least possible, lowest of all rows: {value:8.2g}")

# %% [markdown]
# One patient breaks the inequality, and by far; all others obey it in each row, up to the rounding of the numbers.

# %% [markdown]
# ## Three more questions that everybody asks
#
# ### G's loss rises while the pictures improve
#
# On [FashionMNIST](03_train_a_gan.ipynb), with a D that takes steps five times as large as G's. [FFD](00_start_here.ipynb#What-we-measure) is the distance of the pictures to real ones: smaller is better. Guess before you look: if G's loss goes up, what does FFD do?

# %% tags=["figure"] topics=["loss of G that rises"] alt="Left: G's loss of three seeds rises over the steps. Middle: FFD of the same seeds falls. Right: twenty-five pictures of clothes at the end"
garments = recordings.load("14_garments")  # two settings on FashionMNIST
dressed = list(nb14.patients(garments, images.test_images))
quick = [p for p in dressed if p.name == "healthy, a quick D"]
nb14.rises(quick, garments.array(quick[0].name, 0, "samples"));

# %% [markdown]
# FFD falls to a third, and G's loss is higher at the end than at the start, with each seed. Nothing is wrong: **G's loss is a verdict of the D of that moment, and D has learned, too.** Both losses are measured with a ruler that changes, so neither can be compared with its own past.

# %%
for p in quick:
    first, last = p.curves[:10, 1].mean(), p.curves[-20:, 1].mean()
    (_, before), (_, after) = p.run["ffd"][0], p.run["ffd"][-1]
    print(f"seed {p.seed}: G's loss {first:.2f} -> {last:.2f}",
          f"  FFD {before:.0f} -> {after:.0f}")
rise = [p.curves[-20:, 1].mean() / p.curves[:10, 1].mean() for p in quick]
fall = [p.run["ffd"][-1][1] / p.run["ffd"][0][1] for p in quick]

# %% [markdown]
# ### Balanced, then it peaks: has it failed?
#
# Two patients whose losses jump after a quiet time. The first: many recipes switch D on late. First G (often the decoder of an autoencoder) learns by another loss, then the game begins, and until then the log shows a D whose loss stands still. Here D begins at step 300; before, G learned the mean and the variances of the data (its loss in the log is the verdict of a D that has learned nothing). The second is *step too large*. On the left the losses, on the right how far the samples are from the data.

# %% tags=["figure"] topics=["D switched on late", "spikes in the loss"] alt="First row: D's loss is zero up to step 300, then jumps to its even loss; the energy distance of three seeds falls to near zero after that. Second row: losses with large steps are level for a thousand steps, then peak above ten; the energy distance of two seeds, near zero before, jumps up"
peaking = {name: groups[name] for name in ("D switched on late", "step too large")}
nb14.peaks(peaking);

# %%
for p in peaking["step too large"]:
    energy = np.array(p.run["energy"])
    print(f"large steps, seed {p.seed}: best energy distance {energy.min():.3f}, "
          f"at the end {energy[-1]:.3f}; worst loss of G {p.curves[:, 1].max():.1f}")

# %% [markdown]
# Late D: one jump where something began, the losses settle, and the samples come to the data (two seeds had an energy distance below 0.05 before). Large steps: two of the three seeds had good samples in the middle of the training, and lost them when G's loss peaked; the third, never good, has no such peak of G's loss. In the curves shown, D's loss stays near 0.9 after the peak, and was 1.3 before. **A peak is bad if it stays or comes back, not because it is there.** So ask: did something begin at that step (D, a penalty, a new step size)? Do the losses return? And what did the samples do? It is worth keeping the weights of before.
#
# ### Is a low loss good?
#
# For each run of the clinic, but for the critics: its losses at the end, and how far its samples are from the data. Circles are runs with good samples, below the dotted 0.08. What lies beyond the end of an axis is drawn at its end: *wrong sign* is much farther out.

# %% tags=["figure"] topics=["low loss"] alt="Energy distance, on a logarithmic axis, over D's loss and over G's loss at the end of all runs; the lowest losses of both players belong to runs with very bad samples"
everyone = [p for group in groups.values() for p in group]
shown = ("healthy", "wrong label", "wrong sign", "D too slow", "saturation", "collapse")
nb14.low_losses(everyone, shown);

# %% [markdown]
# The lowest losses belong to bad samples, and so does the highest of D. D's loss is 0 where it has won (or where its labels are swapped), and G's is lowest where its sign is wrong. The good runs all have D's loss near the even loss, but so do several of the bad ones. (Critics are left out: their losses have no such scale.)

# %% [markdown]
# ## Is D too strong? A rule
#
# D's loss below the even loss only says that D is ahead, and D may well be ahead: on pictures it nearly always is. What is too far? Our rule: to the very end, D is sure and right about *both* kinds. For the losses of classifiers, $\sigma(s) = 1/(1 + e^{-s})$ of a datum's score is its probability for "data", and $\sigma(-s)$ of a sample's its probability for "sample".
#
# ### Exercise 14.2 · Too strong, by the scores
#
# The tensors `real_score` and `fake_score` hold the mean scores of all rows of a log, in order. Return `True` if in the last quarter of the rows (`n // 4`: 37 of 150) the median of $\sigma(s_{\text{real}})$ and the median of $\sigma(-s_{\text{fake}})$ are both above 0.9. (Why the median? One wild row should not decide.)
#
# {{help}}


# %% tags=["exercise"]
def too_strong(real_score, fake_score):
    """Whether D is sure, and right, of data and of samples, to the end.  (n,), (n,) -> bool"""
    # solution
    quarter = len(real_score) // 4
    real, fake = torch.sigmoid(real_score[-quarter:]), torch.sigmoid(-fake_score[-quarter:])
    return bool(real.median() > 0.9 and fake.median() > 0.9)


# %%
too_strong = check("14.2", too_strong)

# %%
strong = {}
for name, group in groups.items():
    if group[0].objective.d_real is OBJECTIVES["minimax"].d_real:  # classifiers, no critics
        scores = [torch.tensor(p.curves[:, 2:]).unbind(1) for p in group]
        strong[name] = sum(too_strong(*pair) for pair in scores)
print({name: f"{count} of 3" for name, count in strong.items() if count})

# %% [markdown]
# It finds *D too strong*, *saturation* and *wrong range*, and no healthy run. It also finds *wrong sign*, where G helps D, and one run with momentum. So the rule sees *that* D wins, and not why. The package's rule is the same in units of loss, so that it works for any bounded objective.

# %% [markdown]
# ## What only samples show
#
# *Collapse* and *D too weak* have healthy curves. So look at samples; and as nobody wants to look at a thousand pictures, count. For each datum: is there a sample in its neighbourhood? How wide that is, the data say themselves: three times the distance to the datum's fifth neighbour among the other data (it does not count itself). The fifth, so that one close pair does not decide; three times, since samples of a good G lie a little wider than data.
#
# ### Exercise 14.3 · A detector of missing data
#
# Return the share of the data that have at least one sample within that distance.
#
# {{help}}


# %% tags=["exercise"]
def covered(samples, data):
    """The share of data with a sample near.  (n, d), (m, d) -> ()"""
    # solution
    fifth = torch.cdist(data, data).sort(dim=1).values[:, 5]  # entry 0 is the datum itself
    near = torch.cdist(data, samples).min(dim=1).values
    return (near <= 3 * fifth).double().mean()


# %%
covered = check("14.3", covered)

# %%
near = {}
for name in ("healthy", "collapse", "D too weak", "wrong range"):
    near[name] = [float(covered(p.samples[-1], p.data)) for p in groups[name]]
    print(f"{name:12}", *(f"{each:6.0%}" for each in near[name]))

# %% [markdown]
# A clear answer in the plane: most of the data of healthy runs have a sample near, hardly any of the others do. A warning for pictures: in 784 dimensions all distances are alike, and even noise is "near" almost everything. There the energy distance is the better witness, or the scores of
# [notebook 11](11_measure_what_you_made.ipynb), which compare features.

# %% [markdown]
# ## The doctor
#
# `diagnose(history, objective, samples, data)` puts all of this together. `history` is what [`train`](03_train_a_gan.ipynb) yields, or the rows of `history.csv`, which `gan-tutorial train` writes; samples and data may be left out.

# %% topics=["training doctor"]
for name in ("healthy", "collapse", "step too large"):
    p = groups[name][0]
    print(f"--- {name}\n{diagnose(p.history, p.objective, p.samples[-1], p.data)}\n")

# %% [markdown]
# (The energy distances differ a little from those above: here 400 other data were drawn.) Without samples it says how little it knows:

# %%
p = groups["collapse"][0]
diagnose(p.history, p.objective)

# %% [markdown]
# Its rules in short (all thresholds stand at the top of `gan_tutorial/lesson/diagnosis.py`, each with its reason). If several hold, the upper one comes first:
#
# | it says | if, in the last quarter of the rows | sure? |
# |---|---|---|
# | labels swapped | D's loss is impossible with these scores | certain |
# | sign of G's loss | G's loss is impossible, or has the wrong sign for these scores | certain, or likely |
# | no bound | a Wasserstein loss without penalty or clipping (no look at the run is needed) | certain |
# | bound not held | under a gradient penalty, a critic's mean scores of data and samples differ by twice their mean distance | likely |
# | scores do not fit | G's loss is not that of the mean score that D gives samples when D learns | likely |
# | swings | the middle 80 % of D's losses span 0.3 units, and more than the luck of batches explains; or over the whole training D is 0.5 worse than even in 2 % of the rows (two at least), or 2 worse once | likely, or possible |
# | wrong range | data reach 1.5 times as far as samples, which pile up at their edge, or fill the range of a tanh or a sigmoid | likely |
# | D learns nothing | samples differ from data, and D's loss does not even wobble | likely |
# | G hears nothing | D is far ahead, and G's curve is flat there | likely |
# | D far ahead, D behind | D's loss is 0.85 units below, or 0.25 above, the even loss | likely |
# | collapse | under 60 % of the data have a sample near, and samples are too much alike (pictures: the next sample is 0.35 times as far away as the next datum is from a datum) | likely |
# | samples differ | samples are not where the data are, and no rule above says why | possible |
#
# ### On patients that it has never seen
#
# These thresholds were set on the runs above, and of course they fit them. So a second clinic was recorded: other data (a grid, two moons, a Swiss roll) and other objectives (hinge, least squares, minimax, KL, a paired one, WGAN-GP), mostly from the same random starts. None of its runs was used to set a threshold. But one rule was rewritten when we first saw this table: for a critic with batch norm it had spoken of a wrong sign, and had called that certain. So *batch norm in D*, six of the right names below, is not a blind test. And when the rules for swings and for ranges were mended [for clothes](#Deeper:-on-clothes), we had an eye on this table: it is not blind for these two either. What does the doctor say first?

# %%
held_out = list(nb14.patients(recordings.load("14_held_out")))


def first_words(patients, with_samples=True):
    """What the diagnosis says first, by cause.  -> {cause: {name: count}}"""
    counts = defaultdict(Counter)
    for p in patients:
        seen = p.seen if with_samples else ()
        counts[p.cause][diagnose(p.history, p.objective, *seen).name] += 1
    return counts


found, by_curves = first_words(held_out), first_words(held_out, with_samples=False)

# %%
RIGHT = {"healthy": ["looks healthy"], "D switched on late": ["looks healthy"],
         "D too strong": ["D far ahead"], "saturation": ["G hears nothing"],
         "step too large": ["swings"], "momentum too high": ["swings"],
         "D too weak": ["D learns nothing"], "D too slow": ["D learns nothing", "D behind"],
         "collapse": ["collapse"], "no bound on the slope": ["no bound"],
         "batch norm in D": ["bound not held", "scores do not fit"],
         "wrong label": ["labels swapped"],
         "wrong sign": ["sign of G's loss"], "wrong range": ["wrong range"]}

# %% tags=["figure"] topics=["confusion matrix"] alt="Table of counts: what was done to a run, and what the diagnosis says first; most counts are in the framed cells, which are right"
nb14.confusion({cause: found[cause] for cause in RIGHT}, RIGHT);

# %%
def share(counts, causes):
    """How many runs of these causes get a right name, and how many there are."""
    right = sum(counts[c][name] for c in causes for name in RIGHT[c])
    return right, sum(sum(counts[c].values()) for c in causes)


ILL = [cause for cause in RIGHT if RIGHT[cause] != ["looks healthy"]]
healthy_right, healthy_all = share(found, ["healthy"])
noticed = {how: sum(sum(c[x].values()) - c[x]["looks healthy"] for x in ILL)
           for how, c in (("with samples", found), ("curves alone", by_curves))}
named, ill_all = share(found, ILL)
print(f"healthy: {healthy_all - healthy_right} false alarms in {healthy_all} runs")
print(f"ill: {named} of {ill_all} get the right name; noticed at all:", noticed)

missed = [p.run["energy"][-1] for p in held_out if p.cause in ILL
          and diagnose(p.history, p.objective, p.samples[-1], p.data).healthy]
print("energy distance of the ill runs that are called healthy:", missed)

# %% [markdown]
# **No healthy run is called ill.** (60 runs, but fifteen settings from nearly the same four starts: far fewer than 60 independent ones.) Of the ill ones nearly all are noticed, and most get the right name. (Six of them, *no bound*, are named from the objective alone, and their samples are good.) The four that are not noticed have good samples: three with large steps, and one whose saturated game came to life after all. They were ill by what we did, not by what came of it. All this is about small games in the plane. [A deeper section](#Deeper:-on-clothes) does the same on clothes.
#
# What it *mixes up* is worth knowing, since you will, too:
#
# - *step too large* and *momentum too high* would have one name, "swings". But only 2 of the 6 runs with too much momentum get it; 3 are called "wrong range", as D is certain and the samples lie in one place.
# - *Step too large* gets its name in 2 of 6 runs: those whose samples are farthest from the data. One peak of D's loss by itself is not enough, unless it is huge.
# - *D too slow* gets several names. G has run far away, and from there everything looks alike.
# - A healthy name is given by *samples*. By the curves alone, more than a third of the ill runs look healthy.

# %% [markdown]
# ## Your own patient
#
# This cell makes the game on the ring; the next trains it, 600 steps with three seeds each: once as *collapse* was trained, and once with the doctor's first advice, a step for D as large as G's and no momentum: both steps are 0.002 (D's was 0.0005, G's 0.005).

# %%
ring = densities.Ring(8, radius=1.0, sd=0.05)


def new_game(seed, d_lr=2e-3, g_lr=2e-3, beta1=0.0, d_width=64):
    """G and D of the clinic, with Adam."""
    torch.manual_seed(seed)
    G = networks.mlp([2, 64, 64, 2])
    D = networks.PointDiscriminator(hidden=(d_width, d_width), activation=nn.LeakyReLU)
    how = {"d_lr": d_lr, "g_lr": g_lr, "betas": (beta1, 0.999), "seed": seed}
    return Game.with_adam(G, D, lambda n: (ring.sample(n),), densities.Latent(2), **how)


# %%
PATIENTS = {"ill": {"d_lr": 5e-4, "g_lr": 5e-3, "beta1": 0.5}, "with the advice": {}}
steps, mine = profile.pick(smoke=20, cpu=600, gpu=600), {}
objective = OBJECTIVES["non_saturating"]
with profile.plan(steps=6 * steps, about=9) as plan:
    for name, how in PATIENTS.items():
        for seed in range(SEED, SEED + 3):
            game = new_game(seed, **how)
            rows = list(train(game, objective, steps=steps, every=10))
            made = game.sample(400, ema=False)
            mine[name, seed - SEED] = diagnose(rows, objective, made, ring.sample(400))

# %%
for (name, seed), told in mine.items():
    energy = told.numbers["energy"]
    print(f"{name:15} seed {seed}: {told.name:14} energy distance {energy:.3f}")

# %% [markdown]
# This cures all three (three changes at once: we do not know which was needed). Now add a third entry to `PATIENTS`, `"mine": {"d_width": 4}`, and keep the two. Can you find settings that are ill and that the doctor calls healthy? Or healthy ones that it calls ill? Try a `g_lr` of 0.0005, a `beta1` of 0.9. If you find one, ask which number would have told them apart.

# %% [markdown]
# ## What to keep
#
# - *1.39* (and whatever the even loss of your objective is) says that D cannot tell, not that there is nothing to tell.
# - *G's loss* is the verdict of a D that learns, too. That it rises is no bad sign, that it is low no good one.
# - *A peak* is bad if it stays or comes back.
# - *A loss that is impossible* with its scores finds wrong labels and wrong signs, nearly with certainty.
# - *Curves show* who is ahead, and whether the steps are too bold. They do not show collapse, nor a D that learns nothing. **Look at samples, and count.**
# - *A doctor* is judged on patients that it has never seen, and first by how often it calls the healthy ill.
#
# ## In practice
#
# - Log five things: both losses, D's mean score of data and of samples, and a picture of the *same* latents. `gan-tutorial train` writes the first four to `history.csv`, and says at its end what `diagnose` makes of them.
# - Write the even loss of your objective as a line into your plot. For a critic plot the gap between the mean scores instead.
# - When D is far ahead, look at the data first: range, shape, order of channels, normalisation. Only then turn knobs.
# - Change one thing at a time, and look at three seeds before you believe that it helped.
#
# ## Further reading
#
# - [Salimans et al. 2016](https://arxiv.org/abs/1606.03498): a collection of remedies; [notebook 10](10_use_the_tricks.ipynb) tries them.
# - [Arjovsky & Bottou 2017](https://arxiv.org/abs/1701.04862): why a perfect D leaves G without a direction.
# - [Brock et al. 2019](https://arxiv.org/abs/1809.11096), section 4: how large trainings collapse, and what their authors watched.
# - [Naeem et al. 2020](https://arxiv.org/abs/2002.09797): coverage, on which our detector is modelled.

# %% [markdown]
# ## Deeper: on clothes
#
# You guess again, at trainings on FashionMNIST; and you see what had to be mended, and how the doctor fares there; or go on with [the critic](#Deeper:-a-critic-and-its-bound).

# %% [markdown]
# Three seeds of each of twelve trainings. They run as `gan-tutorial train` does (its networks, a row each 20 steps), and the doctor sees what he sees at its end: the history, and 500 samples of the averaged G beside test images. They are short: 240 to 400 steps. Four are healthy; the others were harmed as in the clinic. For *wrong range* the data reach from 0 to 255, and G ends with a tanh; *range [0, 1]* has data from 0 to 1, which a tanh can reach.
#
# **Two of these three make clothes. One makes the same few things over and over. Which?**

# %%
shop = recordings.load("14_clothes")
worn = nb14.by_name(shop)  # name -> its three seeds
print(shop.about)

# %% tags=["figure"] alt="Three panels with the losses of D and G over the steps, all with D's loss near the dashed line"
trio_worn = {"A": "collapse", "B": "range [0, 1]", "C": "healthy, MLP"}
nb14.side_by_side({letter: worn[name][0] for letter, name in trio_worn.items()});

# %% tags=["figure"] alt="Samples of three seeds for each of the three: A repeats the same shapes, B and C show various clothes"
nb14.worn({letter: worn[name] for letter, name in trio_worn.items()});

# %% [markdown]
# A has collapsed, with each seed; B and C make clothes. By the curves alone the doctor calls all nine healthy: as in the plane, a collapse does not show in the losses. And data from 0 to 1 are no illness for a tanh: D and G use the same range, and only who draws the pictures has to know it.
#
# Here are all twelve, the losses of one seed and samples of three:

# %% tags=["figure"] topics=["failure gallery"] alt="Twelve rows: the losses of seed 0, and beside them nine samples of each of three seeds; the healthy ones and range [0, 1] show clothes, the others noise, a few shapes or nothing"
nb14.wardrobe({name: worn[name] for name in worn});

# %% [markdown]
# The losses tell a similar story as in the plane: where D wins, its loss is at 0; where it is *too slow*, its loss is *above* the dashed line, and G has run away from it to black and white noise; a step that is too large makes everything leap. What does the doctor say first?

# %%
for name, group in worn.items():
    told = [diagnose(p.history, p.objective, *p.seen) for p in group]
    print(f"{name:22} FFD", *(f"{p.run['ffd']:4.0f}" for p in group), "  ",
          ", ".join(t.name for t in told))

# %% [markdown]
# ### What had to be mended
#
# FFD keeps apart what makes clothes (below 50, with each seed) and what does not (above 60). So far so good; but these runs, and six earlier ones (those of [G's loss rises](#G's-loss-rises-while-the-pictures-improve), and the same with equal steps), are the ones on which the rules were mended. Three things were wrong:
#
# - *One bad batch.* One of the six was called ill, since in one row of fifty D's loss was 0.85 units worse than even. Small batches of pictures differ more than batches of points. Now a peak must come back, or be huge; and a swing must be larger than luck explains. If rows were independent and normal with spread $\sigma$, the middle 80 % would span $2.56\,\sigma$, and the median step from row to row would be $0.95\,\sigma$: a ratio of 2.7. We ask for 3.5.
# - *A range that G cannot reach.* With data up to 255 all losses leap, and the doctor said "D behind". Samples that fill the range from $-1$ to 1, beside data that reach much farther, now come before that.
# - *Coverage.* In many dimensions it is blind. How many of 400 test images have a "sample" near, if the samples are noise?

# %%
clothes = images.test_images[:400].flatten(1).float() / 127.5 - 1
noise = {"grey, a little noise": 0.1 * torch.randn(400, 784),
         "the mean image, a little noise": clothes.mean(0) + 0.1 * torch.randn(400, 784),
         "uniform noise": 2 * torch.rand(400, 784) - 1}
fooled = {name: float(covered(samples, clothes)) for name, samples in noise.items()}
print({name: f"{value:.0%}" for name, value in fooled.items()})

# %% [markdown]
# Noise is "near" nearly all pictures: three times the distance to a fifth neighbour is a wide circle in 784 dimensions. Coverage sees collapse in pictures only if it is taken in features, as in [notebook 11](11_measure_what_you_made.ipynb). The energy distance is not fooled, as it compares *mean* distances. So for data with more than 50 numbers the doctor no longer asks for coverage. It calls *collapse* if the samples are unlike the data by their energy distance, and if each has a twin: its nearest other sample is closer than 0.35 times what is usual among data.

# %% [markdown]
# ### Clothes that it has never seen
#
# A second group has other seeds and partly other objectives, networks and step sizes; no rule was made on it. How many of the healthy ones are called ill?

# %%
fitted = list(nb14.patients(recordings.load("14_clothes_held_out")))
found_worn = first_words(fitted)
worn_by_curves = first_words(fitted, with_samples=False)

# %% tags=["figure"] topics=["confusion matrix"] alt="Table of counts for clothes: what was done to a run, and what the diagnosis says first"
nb14.confusion({cause: found_worn[cause] for cause in RIGHT if cause in found_worn},
               {cause: RIGHT[cause] for cause in RIGHT if cause in found_worn});

# %%
causes = [cause for cause in ILL if cause in found_worn]
fine_worn, healthy_worn = share(found_worn, ["healthy"])
named_worn, ill_worn = share(found_worn, causes)
print(f"{'':41} plane    clothes")
print(f"{'healthy, called ill':38} {healthy_all - healthy_right:3} of {healthy_all}"
      f"   {healthy_worn - fine_worn:3} of {healthy_worn}")
print(f"{'ill, with the right name':38} {named:3} of {ill_all}"
      f"   {named_worn:3} of {ill_worn}")
unseen_worn = {}
for how, c in (("with samples", found_worn), ("curves alone", worn_by_curves)):
    unseen_worn[how] = sum(c[x]["looks healthy"] for x in causes)
    print(f"ill, noticed: {how:24} {noticed[how]:3} of {ill_all}"
          f"   {ill_worn - unseen_worn[how]:3} of {ill_worn}")
assert fine_worn == healthy_worn
print(f"rate with which none of {healthy_worn} has a chance of 5 %: "
      f"{1 - 0.05 ** (1 / healthy_worn):.0%}")

# %% [markdown]
# **No healthy training of clothes is called ill.** How much is that worth? With as many runs, none would be called ill with a chance of 5 % even if the true rate were the one in the last line; so this rules out less than it seems. And all of them are short.
#
# Of the harmed ones most are noticed by the curves alone; in the clinic we saw that collapse is not, and on clothes it is the same. Each cause has only one run here, so do not read the table cause by cause.

# %%
far = [diagnose([], OBJECTIVES["hinge"], samples, clothes).numbers["energy"]
       for samples in noise.values()]
ledger.add("pictures", "noise: images with a sample near, least", (0.7, 1),
           min(fooled.values()), 0, "400 images", shown_only=True)
ledger.add("pictures", "noise: energy distance, least", (0.2, 10), min(far), 0, "400 images",
           shown_only=True)
six = [diagnose(p.history, p.objective).numbers["spike"] for p in dressed]
ledger.add("clothes", "worst single loss of D in six healthy trainings, units", (0.8, 0.9),
           max(six), 0, "six runs")
makes = [name for name in worn if name.startswith("healthy") or name == "range [0, 1]"]
ledger.add("clothes", "FFD of what makes clothes, largest", (30, 50),
           max(p.run["ffd"] for name in makes for p in worn[name]), 0, "15 runs")
ledger.add("clothes", "FFD of the others, least", (60, 400),
           min(p.run["ffd"] for n in worn if n not in makes for p in worn[n]), 0, "21 runs")
alone = [diagnose(p.history, p.objective).healthy for n in trio_worn.values() for p in worn[n]]
ledger.add("clothes", "A, B and C: healthy by the curves alone", 9, sum(alone), 0, "of nine")
above = min(float(np.median(p.curves[-4:, 0])) for p in worn["D too slow"])
ledger.add("clothes", "D too slow: D's loss at the end, least", (2, 5), above, 0, "3 seeds")

# %%
ledger.add("clothes", "false alarms on clothes", (0, 0.05), 1 - fine_worn / healthy_worn, 0,
           f"{healthy_worn} runs")
ledger.add("clothes", "ill runs on clothes that get the right name", (0.5, 1),
           named_worn / ill_worn, 0, f"{ill_worn} runs")
for how, count in unseen_worn.items():
    ledger.add("clothes", f"ill runs on clothes that are noticed, {how}", (0.5, 1),
               1 - count / ill_worn, 0, f"{ill_worn} runs")

# %% [markdown]
# ## Deeper: a critic and its bound
#
# You see how a WGAN-GP critic with batch norm gives itself away, though its loss has no scale; or go on with [what to keep](#What-to-keep).

# %% [markdown]
# A critic whose slope is at most 1 everywhere cannot rate data above samples by more than the distance between them: its gap, score of data minus score of samples, is at most [$W_1$](07_move_earth.ipynb), which is at most the mean distance of a datum and a sample. The penalty of [WGAN-GP](08_penalise_the_gradient.ipynb) asks for that slope. We will see the gaps of three seeds over the steps, and as black diamonds the mean distances at the end.

# %% tags=["figure"] topics=["batch norm in a critic"] alt="Gap between the critic's mean scores over the steps for three patients: healthy WGAN-GP far below the mean distance, without a bound far above it, with batch norm several times above it"
nb14.gaps({name: groups[name] for name in ("healthy, WGAN-GP", "batch norm in D",
                                           "no bound on the slope")});

# %% [markdown]
# The healthy gaps are far below. With batch norm they are several times the distance: somewhere the critic must be steeper than the penalty allows. The reason is that with batch norm, moving one example moves the scores of all its companions, and the gradient of the summed scores adds these changes up. So the penalty measures something else than the slope of the function that scores data and samples. ([Gulrajani et al. 2017](https://arxiv.org/abs/1704.00028), section 4, warn of it and use layer norm.)
#
# Without any bound the gaps are several times the distance as well, and yet its samples came to the data, with all seeds. Scores of some hundreds need not be a disaster; they are a risk that was not called in here. The doctor says "no bound" all the same, since the losses say nothing any more.

# %%
ratio = {}
for name in ("healthy, WGAN-GP", "batch norm in D", "no bound on the slope"):
    told = [diagnose(p.history, p.objective, p.samples[-1], p.data) for p in groups[name]]
    ratio[name] = [t.numbers["gap"] / t.numbers["distance"] for t in told]
ledger.add("critic", "gap / mean distance, healthy WGAN-GP, largest", (0, 0.3),
           max(ratio["healthy, WGAN-GP"]), 0, "three seeds")
ledger.add("critic", "gap / mean distance, batch norm, least", (2, 10),
           min(ratio["batch norm in D"]), 0, "three seeds")
ledger.add("critic", "gap / mean distance, no bound, least", (3, 100),
           min(ratio["no bound on the slope"]), 0, "three seeds");

# %% [markdown]
# ## The ledger
#
# What we claimed, and measured.

# %%
add, trained = ledger.add, {"needs_training": True}
off = max(abs(value - 2 * np.log(2)) for values in ends.values() for value in values)
add("1.39", "D's loss at the end - 2 log 2, three patients", 0, off, 0.02, "nine runs",
    says="Healthy, collapsed, or a D that learns nothing: D's loss ends at 1.39 (gap).")
apart = {name: [p.run["energy"][-1] for p in groups[name]] for name in trio.values()}
add("1.39", "energy distance, healthy, largest", (-0.02, 0.05), max(apart["healthy"]), 0,
    "three seeds")
least = min(apart["collapse"] + apart["D too weak"])
add("1.39", "energy distance, the other two, least", (0.15, 10), least, 0, "same",
    says="The samples of the latter two are this far from the data, at least.")
add("clinic", "settings whose samples are good with every seed", 5, len(well), 0, "of 16")
add("clinic", "energy distance, no bound on the slope, largest", (-0.02, 0.05),
    max(energies["no bound on the slope"]), 0, "three seeds")
low = sorted(worst, key=worst.get)
add("Jensen", "D's loss - least possible, wrong label", (-100, -10), worst["wrong label"], 0,
    "lowest row")
add("Jensen", "D's loss - least possible, all others", (-1e-4, 1), worst[low[1]], 0,
    "lowest row")

# %%
add("rises", "G's loss at the end / at the start, least", (1.1, 3), min(rise), 0, "3 seeds",
    says="A quick D on pictures: G's loss at the end over that at the start (least) ...")
add("rises", "FFD at the end / at the start, largest", (0, 0.5), max(fall), 0, "three seeds",
    says="... while FFD falls to this share of what it was (most).")
late = groups["D switched on late"]
add("late", "energy distance at the end, D switched on late, largest", (-0.02, 0.05),
    max(energies["D switched on late"]), 0, "three seeds")
before = min(p.run["energy"][0] / np.mean(p.run["energy"][-4:]) for p in late)
add("late", "energy distance at step 150 / at the end, least", (2, 100), before, 0, "3 seeds")
bold = [np.array(p.run["energy"]) for p in groups["step too large"]]
lost = sum(energy.min() < 0.03 and energy[-1] > 0.1 for energy in bold)
add("late", "large steps: seeds with good samples that are lost again", 2, lost, 0, "of three")
add("strong", "too strong by its scores: healthy runs", 0,
    strong["healthy"] + strong["healthy, no penalty"], 0, "six runs")

# %%
soon = sum(max(p.run["energy"][:2]) < 0.05 for p in late)
add("late", "seeds near the data before D begins", 2, soon, 0, "of three")
large = [p.curves for p in groups["step too large"]]
most = [float(curves[:, 1].max()) for curves in large]
add("late", "large steps: worst loss of G, seeds 0 and 2, least", (30, 300),
    min(most[0], most[2]), 0, "two seeds")
add("late", "large steps: worst loss of G, seed 1", (1, 10), most[1], 0, "one seed")
for when, rows, level in (("before", slice(50, 100), 1.3), ("after", slice(-30, None), 0.9)):
    add("late", f"large steps, seed 0: D's loss {when} the peak", level,
        float(np.median(large[0][rows, 0])), 0.05, "the median")
add("strong", "too strong: momentum too high", 1, strong["momentum too high"], 0, "of three")
add("critic", "no bound: mean score of samples at the end, largest", (-1e4, -100),
    max(float(np.median(p.curves[-37:, 3])) for p in groups["no bound on the slope"]), 0,
    "three seeds")

# %%
wins = ("D too strong", "saturation", "wrong range", "wrong sign")
add("strong", "too strong: D too strong, saturation, wrong range, wrong sign", 12,
    sum(strong[name] for name in wins), 0, "12 runs")
add("samples", "data with a sample near, healthy, least", (0.75, 1), min(near["healthy"]), 0,
    "three seeds")
add("samples", "data with a sample near, the others, most", (0, 0.3),
    max(max(near[n]) for n in near if n != "healthy"), 0, "three patients")

# %%
alarms = healthy_all - healthy_right
add("doctor", "false alarms on healthy runs that it has never seen", (0, 0.05),
    alarms / healthy_all, 0, f"{healthy_all} runs",
    says="Healthy runs that the doctor has never seen and calls ill (share).")
add("doctor", "healthy runs", (40, 100), healthy_all, 0, "held out")
of_all = f"{ill_all} runs"
add("doctor", "ill runs that get the right name", (0.7, 1), named / ill_all, 0, of_all,
    says="Ill runs that get the right name (share).")
add("doctor", "ill runs that are not noticed: energy distance, largest", (-0.02, 0.05),
    max(missed), 0, f"{len(missed)} runs")
add("doctor", "ill runs that are noticed, with samples", (0.9, 1),
    noticed["with samples"] / ill_all, 0, of_all,
    says="Ill runs that it notices with samples (share) ...")
add("doctor", "ill runs that are noticed, curves alone", (0.4, 0.66),
    noticed["curves alone"] / ill_all, 0, of_all,
    says="... and by the curves alone.")

# %%
for cause, name, count in (("momentum too high", "swings", 2),
                           ("step too large", "swings", 2), ("wrong range", "wrong range", 6),
                           ("momentum too high", "wrong range", 3)):
    add("doctor", f"{cause}, called {name}", count, found[cause][name], 0, "of six")
add("doctor", "batch norm in D: right names", 6, share(found, ["batch norm in D"])[0], 0,
    "of six")
free = [p.run["energy"][-1] for p in held_out if p.cause == "no bound on the slope"]
add("doctor", "no bound, held out: energy distance, largest", (-0.02, 0.08), max(free), 0,
    f"{len(free)} runs")

# %%
told = {each: [d.numbers["energy"] for (name, _), d in mine.items() if name == each]
        for each in PATIENTS}
add("mine", "my patient: energy distance, ill, least", (0.3, 3), min(told["ill"]), 0,
    "three seeds", **trained)
add("mine", "my patient: energy distance with the advice, largest", (-0.02, 0.08),
    max(told["with the advice"]), 0, "three seeds", **trained)
ledger.assert_all(profile)
ledger
