# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 · Start here: a GAN that you can play, and a minute of training
#
# Below, two small networks learn against each other, and you can watch them do it. **Click here, then
# press Shift + Enter**, and again: each press runs one cell and goes on to the next, and at the fifth
# there is something to play with. (The third takes some seconds, since it loads the libraries. On a page
# that cannot run, such as GitHub's, just read: each moving picture is stored there as a still.)
#
# **What you'll do.** You play with a GAN of eight modes, then train one for about a minute, until it
# draws clothes that nobody has ever made.
#
# **What you'll learn.** To run and stop these notebooks; what a *generative adversarial network* (GAN)
# consists of; to look closely at what it makes; and what is measured in the whole series.
#
# **What you'll need.** A little Python. No mathematics yet, and no GPU.
#
# **Time.** The core takes about {{core}} minutes, everything {{all}}; Run All takes {{time}}.
#
# <details><summary>Contents, with minutes</summary>
#
# {{contents}}
#
# A *deeper* section is folded: click the arrow beside its heading. Nothing outside needs it.
# </details>

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import math
from functools import partial

import matplotlib.pyplot as plt
import torch

from gan_tutorial.clothes.data import fashion_mnist, to_unit
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import COLORS, image_grid, use_style
from gan_tutorial.lesson.figures.nb00 import frames_around, name_rows, series_map, square
from gan_tutorial.lesson.profile import choose, use_cores

use_cores()
profile = choose(PROFILE)
ledger = Ledger("00")
shown = partial(ledger.add, tolerance=0, source="this run", shown_only=True)

# %% [markdown] topics=["laboratory"]
# ## Play first
#
# Below is a whole GAN, small enough to be seen at once: two networks that learn against each other.
#
# - The **blue dots** are the data. Here they lie in eight groups on a ring; such a group is called a
#   [mode](glossary.md#mode).
# - The **orange crosses** are samples, made by the *generator*, G.
# - The **background** shows what the *discriminator*, D, thinks of each place: blue where it says
#   "this looks like data", orange where it says "this was made by G". On the line between them it
#   cannot tell.
# - The **arrows** (in the live notebook) say which way D's opinion pulls a cross.
#
# D tries to tell crosses from dots; G tries to place its crosses where D takes them for dots. At first
# neither knows anything, and the crosses are one clump in the middle. Run the next cell, press
# **▶ Play**, and watch the ring form. (*Speed* slows it down. On a page that cannot run you see a still:
# the same game after 2,000 steps.)

# %% tags=["widget"] alt="Left: blue dots in eight groups on a ring, with orange crosses on and between the groups, over a background of pale blue and pale orange patches. Right: the losses of both players, step by step" slide=true
from gan_tutorial.lesson.laboratory import laboratory

ring_steps = profile.pick(smoke=6, cpu=2_000, gpu=2_000)
laboratory(data="ring", still=ring_steps)

# %% [markdown] slide=["What do the crosses learn first", "First the ring: ... between its modes."]
# This is the *laboratory*; you will meet it again. Three things to try in the live notebook. Nothing can
# break, and **Reset** always brings a fresh start.
#
# 1. Press **Reset**, then **Play**, and **Pause** after some seconds. Now pull the slider *time*
#    slowly from left to right. What do the crosses learn first: that there is a *ring*, or that
#    there are *modes*?
# 2. Let it play for some seconds, then set *who moves* to **only D** and wait; then to **only G**,
#    and wait again. What happens each time? (Back to **both**, and they recover; or **Reset**.)
# 3. Under *data*, choose another shape: **two moons**, say, or **your own**. With "your own" you press
#    **Clear the drawing** and draw in the picture, the first letter of your name for example. Does G
#    learn to write it?
#
# <details><summary>What we saw</summary>
#
# 1. First the ring: after a third of 2,000 steps most crosses stood near the circle, and many of them between
#    its modes. Only then, and more slowly, do they draw together; even after all 2,000 there are stragglers.
# 2. With *only D* the crosses stand still, and the background becomes sharper. With *only G* they run
#    off at once, into the blue ([02](02_play_the_game.ipynb) measures it): D's opinion is worth something only
#    near the places where it has looked lately. So the two take turns, in small moves.
# 3. Nothing in the game knows which shape it is given, so it should.
# </details>

# %% [markdown]
# ### Deeper: what the crosses do, in numbers
#
# The same game without a picture, and how far its crosses are from the circle and from the modes on the way. To go on,
# skip to [Does it run here?](#Does-it-run-here?).

# %%
angle = torch.arange(8) * math.pi / 4
modes = torch.stack([angle.cos(), angle.sin()], dim=1)  # each of sd 0.05
ring, crosses = laboratory(data="ring"), []
with profile.plan(ring_steps, about=4, gpu=4):
    for steps in (ring_steps // 3, ring_steps - ring_steps // 3):
        ring.step(steps)
        crosses.append(ring.game.sample(2_000, ema=False))
ring.close()
early, crosses = crosses[0], torch.stack(crosses)
in_modes = (torch.cdist(crosses, modes).min(dim=2).values < 0.15).double().mean(dim=1)
off_circle = (early.norm(dim=1) - 1).abs().median()
print(f"early: {off_circle:.2f} off the circle (median), {in_modes[0]:.0%} in a mode")
print(f"in the stored picture: {in_modes[1]:.0%} in a mode")
shown("crosses", "distance from the circle, early, median", (0, 0.2), off_circle)
shown("crosses", "share in the heaps, early", (0.1, 0.5), in_modes[0])
shown("crosses", "share in the heaps, in the picture", (0.6, 0.95), in_modes[1])

# %% [markdown]
# ## Does it run here?
#
# Each line says what was found; where something is missing, it also says what to do. (Stored here is the
# machine on which we ran the notebook last.)

# %%
from gan_tutorial.commands import doctor

doctor.report()

# %% [markdown]
# The last line names the *profile*, the amount of work that the notebooks do: `cpu` is made for a laptop,
# `gpu` trains longer, and `smoke` only shows that every cell runs. You can choose one in the cell
# `PROFILE = ...` at the top.

# %% [markdown] slide=["One minute of training | We have 60,000 ... while it learns?"]
# ## Guess first
#
# We are about to let two networks learn.
#
# - **G**, the *generator*, is given 64 random numbers and returns a picture of 28 by 28 pixels.
# - **D**, the *discriminator*, is given a picture and returns one number, its *score*: high if it
#   takes the picture for a photograph from the data, low if it takes it for one of G's.
#
# We have 60,000 photographs of clothes. How many of them is **G** shown while it learns?
#
# 1. all of them, several times
# 2. a few at a time, as in most of machine learning
# 3. none
#
# Decide before you go on.

# %% [markdown]
# ## The pictures
#
# The data set is FashionMNIST: small grey photographs of clothes, in ten classes. If it is not on
# your machine yet, the next cell fetches it once (30 MB).

# %%
images = fashion_mnist(profile.device)
use_style(images.notice)
images


# %% [markdown]
# One row for each class. Look how different the bags are among themselves, and how alike a pullover, a
# coat and a shirt can be. That is what G will have to learn.


# %% tags=["figure"] alt="Ten rows of eight small grey photographs of clothes, one row for each class of FashionMNIST"
by_class = [images.train_images[images.train_labels == c][:8] for c in range(10)]
ax = image_grid(torch.cat(by_class), columns=8)
name_rows(ax, images.classes)

# %% [markdown]
# ## One minute of training
#
# A `game` holds all there is: G, D, the rules by which they learn (their *optimisers*), the data and
# the source of random numbers. We make one, and choose 16 random inputs `z` that we keep. Whenever we
# look, we let G turn these same 16 inputs into pictures, so that we see the same drawings change. (The
# pictures come from `game.ema`, an average of G's recent weights: it draws more steadily than G itself.)

# %%
from gan_tutorial.clothes.recipes import fashion_game

game = fashion_game(images, seed=SEED)
torch.manual_seed(SEED)
z = game.latent(16)
frames, history = {0: game.ema(z)}, []
print("z:", tuple(z.shape), "   pictures:", tuple(frames[0].shape))

# %% [markdown]
# In a *step*, D makes a move (it looks at 64 photographs and 64 of G's pictures, and learns to score them
# apart), then G makes a move (it changes so that D scores its pictures higher). `train` gives us the steps
# one by one, and the body of the `for` loop is ours: here we write down both losses, and keep a frame now
# and then. `plan.watch` says how far it is, and shows the picture while it changes.
#
# Run it, and watch. If you press the stop button (■), nothing is lost: run the cell again, and it
# goes on where it was.

# %% tags=["figure"] alt="Sixteen drawings of clothes by the generator at the end of the training"
from gan_tutorial.game import train
from gan_tutorial.game.objectives import non_saturating

last = profile.pick(smoke=20, cpu=2_500, gpu=5_000)
moments = [n for n in (30, 100, 200, 400, 800, 1500) if n < last] + [last]


def look():
    return image_grid(game.ema(z), columns=8, title=f"step {game.step:,}")


with profile.plan(last, about=60, done=game.step) as plan:
    training = train(game, non_saturating, steps=plan.steps, every=10)
    for step in plan.watch(training, show=look):
        history.append(step)
        if step.n >= moments[len(frames) - 1]:
            frames[step.n] = game.ema(z)

# %% [markdown]
# Here is the film of it. Each row is a moment of the training, each column one of the 16 inputs: go down a
# column, and you see one drawing develop.

# %% tags=["picture"] alt="A film strip: sixteen drawings, row by row at later steps of the training, turn from grey fog into recognisable clothes" slide=true
ax = image_grid(torch.cat(list(frames.values())), columns=16)
name_rows(ax, [f"step {n:,}" for n in frames])

# %% [markdown] slide=["**None** (answer 3). ... sees photographs."]
# At step 0 there is only fog: nobody has taught G anything. The first thing that G finds is where
# clothes are bright and where the background is dark: after a hundred steps the mean of its drawings already
# looks much like the mean photograph. Look for the row in which you can first tell a shirt, a pair of
# trousers and a shoe apart, and for what comes last: sleeves, collars, straps, heels. Some drawings change
# their class on the way. Not every one ends well, either; find the worst.
#
# <details><summary>How many photographs was G shown?</summary>
#
# **None** (answer 3). G is given random numbers, nothing else. Only D sees photographs. What G learns
# from is D's reaction to G's own pictures: *a little darker here, and I would have believed you*.
# This is the idea of a GAN: instead of writing down what a good picture is, we let a second network
# learn it, while the first one learns to satisfy it. Further down, in "What happened, on one page",
# you can read it off the code.
# </details>

# %% [markdown] slide=["Can *you* tell them apart?"]
# ## Look closely
#
# Pictures that please at first sight prove little. Can *you* tell them apart? Twelve of these 24 are
# photographs, twelve were made by G, in random order. Count how many you are sure of before you go to the
# next cell.

# %% tags=["figure"] alt="Twenty-four pictures of clothes in random order, twelve of them photographs and twelve made by the generator" slide=true
torch.manual_seed(SEED + 1)
(photographs,), made = game.data(12), game.sample(12)
order = torch.randperm(24)
mixed, is_real = torch.cat([photographs, made])[order], order < 12
image_grid(mixed, columns=12)
plt.show()

# %% [markdown]
# The same again, with the answer: photographs have a solid blue frame, G's pictures a dashed orange one.

# %% tags=["figure"] alt="The same twenty-four pictures; photographs have a solid blue frame, made ones a dashed orange frame"
ax = image_grid(mixed, columns=12)
frames_around(ax, is_real)

# %% [markdown] slide=["If you found it hard"]
# If you found it hard, look again at the edges, and at thin parts such as straps and heels. Are they copies, and are there all kinds? Two deeper sections look.

# %% [markdown] topics=["memorisation", "nearest neighbours"]
# ### Deeper: is it copying?
#
# We search the 60,000 training photographs for each picture's nearest neighbour, and learn what such a search can and
# cannot prove. To go on, skip to [What did the losses say?](#What-did-the-losses-say?).

# %% [markdown]
# G never saw a photograph, but D has, and D might have passed on too much. For some of G's pictures, let us find the
# training photograph that is nearest, pixel by pixel.

# %%
train_pixels = to_unit(images.train_images).flatten(1)


def nearest(x):
    """Distance to the nearest photograph, and its number.  (n, 1, 28, 28) -> (n,), (n,)"""
    return torch.cdist(x.flatten(1), train_pixels).min(dim=1)


# %% tags=["figure"] alt="Two rows of pictures: twelve made by the generator, and under each the training photograph nearest to it"
found = nearest(made)
neighbours = to_unit(images.train_images[found.indices])
ax = image_grid(torch.cat([made, neighbours]), columns=12)
name_rows(ax, ["made by G", "nearest photograph"])

# %% [markdown]
# Above a picture of G's, below it its nearest photograph. They are relatives and not twins: another
# cut, another brightness, another sleeve. But "not twins" is an impression. Is the distance large or
# small? A distance needs something to be compared with:
#
# - photographs from the *test* set, which nobody has seen: this is how far apart honest new pictures
#   are;
# - training photographs with a little noise: this is what a copying G would give, and our search must
#   find the originals.

# %%
torch.manual_seed(SEED + 2)
originals = torch.randint(len(images.train_images), (200,), device=train_pixels.device)
copies = to_unit(images.train_images[originals])
noisy = copies + 0.05 * torch.randn_like(copies)
searches = {
    "new photographs (test set)": nearest(to_unit(images.test_images[:200])),
    "G's pictures": nearest(game.sample(200)),
    "copies with a little noise": nearest(noisy),
    "copies moved by one pixel": nearest(copies.roll(1, dims=-1)),
}

# %%
distance = {name: float(search.values.median()) for name, search in searches.items()}
print("median distance to the nearest training photograph")
for name, value in distance.items():
    print(f"{name:28} {value:5.1f}")
for name in ("copies with a little noise", "copies moved by one pixel"):
    found = (searches[name].indices == originals).float().mean()
    print(f"{name}: originals found in {found:.0%} of 200")

# %% [markdown]
# G's pictures are no nearer to the training photographs than new photographs are, while copies with
# noise are much nearer (at a distance of $0.05 \cdot \sqrt{784} = 1.4$, the length of the noise). So
# this G makes no exact copies. That its pictures are even farther away is no compliment: their flaws count
# as distance, too. The last row is there to keep us honest: a copy that is moved by a single pixel lies,
# by this measure, as far away as an honest picture. A search by pixels finds copies only where they
# are exact.

# %%
new, copied = distance["new photographs (test set)"], distance["copies with a little noise"]
ratio, trained = distance["G's pictures"] / new, {"source": "this run", "needs_training": True}
originals_found = (searches["copies with a little noise"].indices == originals).float().mean()
length = 0.05 * math.sqrt(784)
ledger.add("noise", "distance of noisy copies", length, copied, 0.03, "chi distribution")
ledger.add("copies", "originals found, copies with noise", 1, originals_found, 0.02, "here")
moved = distance["copies moved by one pixel"] / new
shown("copies", "distance: moved by one pixel / new", (1, 2), moved)
ledger.add("no copies", "distance: G / new", (1, math.inf), ratio, 0.1, **trained)
shown("no copies", "distance: copies with noise / new", (0.1, 0.3), copied / new);

# %% [markdown]
# With the photographs at hand, three numbers about the film strip: how much contrast the first row has, how much the mean of
# the pictures at step 100 looks like the mean photograph, and whether the last row is nearer to photographs.

# %%
first, hundred, end = frames[0], frames.get(100, frames[last]), frames[last]
mean_pictures = torch.stack([hundred.mean(0).flatten(), train_pixels.mean(0)])
alike = torch.corrcoef(mean_pictures)[0, 1]
shown("film", "contrast at step 0 / at the end", (0, 0.2), first.std() / end.std())
shown("film", "mean drawing, mean photograph: correlation", (0.85, 1), alike)
closer = nearest(end).values.median() / nearest(hundred).values.median()
shown("film", "distance to photographs, end / step 100", (0.5, 0.9), closer);

# %% [markdown] topics=["mode collapse"]
# ### Deeper: how many of the ten classes?
#
# We count the kinds of clothes that G draws with the simplest classifier there is, and see why its report may only be
# compared with its report on photographs. To go on, skip to [What did the losses say?](#What-did-the-losses-say?).

# %% [markdown]
# G was never told that there are classes. Does it draw all of them? To count we need something that
# names a picture. The simplest thing that could work: compare it with the *mean picture* of each
# class, and name it after the nearest.

# %%
labels = images.train_labels
by_pixel = to_unit(images.train_images).flatten(1)
means = torch.stack([by_pixel[labels == c].mean(dim=0) for c in range(10)])


def classify(x):
    """The class whose mean picture is nearest.  (n, 1, 28, 28) -> (n,)"""
    return torch.cdist(x.flatten(1), means).argmin(dim=1)


accuracy = float((classify(to_unit(images.test_images)) == images.test_labels).float().mean())
print(f"right on {accuracy:.0%} of the test photographs (guessing: 10%)")

# %% [markdown]
# It is a poor classifier, and it makes its own systematic mistakes. That matters: even for the real
# photographs, with exactly a tenth in each class, it would not *report* a tenth in each. So we
# compare its report on G's pictures with its report on photographs, and never with the truth that it
# cannot see.

# %% tags=["figure"] alt="Bars for the ten classes: the share of photographs and of the generator's pictures that are named so"
torch.manual_seed(SEED + 3)
share = {"photographs": to_unit(images.test_images), "G's pictures": game.sample(2_000)}
for name, x in share.items():
    share[name] = torch.bincount(classify(x), minlength=10).cpu() / len(x)
fig, ax = plt.subplots(figsize=(8, 3))
for side, role, name in ((-0.2, "data", "photographs"), (0.2, "model", "G's pictures")):
    ax.bar(torch.arange(10) + side, share[name], width=0.38, color=COLORS[role], label=name)
ax.set(ylabel="share named so", xticks=range(10))
ax.set_xticklabels(images.classes, rotation=25, ha="right")
ax.grid(axis="x", visible=False)
ax.legend()
plt.show()
# %%
seen = int((share["G's pictures"] >= 0.01).sum())
print(f"{seen} of 10 classes make up at least 1% of G's pictures")

# %% [markdown]
# Bars of the same height would mean that G draws each kind as often as it occurs. It does not get
# that quite right, but no kind is missing. This cannot be taken for granted: a G that draws nothing
# but perfect boots would satisfy D for a while. The name for this accident is *mode collapse*, and
# you will see it happen in [03](03_train_a_gan.ipynb).

# %%
reported = share["photographs"].max()
shown("mean pictures", "largest share reported of photographs", (0.12, 0.3), reported)
shown("mean pictures", "right on test photographs", (0.6, 0.75), accuracy)
kinds = {"source": "this run", "needs_training": True}
ledger.add("diversity", "classes with at least 1%", (9, 10), seen, 0, **kinds)
shown("diversity", "classes with less", 0, 10 - seen)
off = (share["photographs"] - share["G's pictures"]).abs().max()
shown("diversity", "largest error of a share", (0.005, 0.05), off)
changed = int((classify(frames.get(100, frames[last])) != classify(frames[last])).sum())
shown("film", "drawings that change their class, of 16", (2, 14), changed);

# %% [markdown] topics=["reading the losses"]
# ## What did the losses say?
#
# Each player has a *loss*, a number that it tries to lower. If D cannot tell photographs from G's pictures at
# all, it is fooled half the time. The best that it can do then is to score everything 0, and so we know exactly
# what both losses are: the dashed lines.

# %% tags=["figure"] alt="The losses of D and G over the steps; both stay near the values that they have when D is fooled half the time, and their averages hardly change"
from gan_tutorial.lesson.figures import loss_history

undecided = torch.zeros(1)  # the score 0
d_even = float(non_saturating.d_loss(undecided, undecided))
g_even = float(non_saturating.g_loss(undecided))
theory = {f"D fooled half the time: D {d_even:.2f}": d_even, f"G's {g_even:.2f}": g_even}
fig, ax = plt.subplots(figsize=(8, 3))
loss_history(ax, history, theory)
plt.show()

# %%
losses = torch.tensor([(step.d_loss, step.g_loss) for step in history])
fifth = -(-len(losses) // 5)
means_of = {"first fifth": losses[:fifth].mean(0), "last fifth": losses[-fifth:].mean(0)}
for name, (of_d, of_g) in means_of.items():
    print(f"{name}: on average D's loss is {of_d:.2f}, G's {of_g:.2f}")

# %% [markdown]
# How (not) to read this picture:
#
# - **Do not read them as progress.** Each loss is measured against an opponent who learns as well. From the
#   first fifth of the run to the last the film strip changed from fog to clothes, and the two averages hardly.
# - **Do read them as a balance.** Near the dashed lines neither player is far ahead. If D's loss went
#   to 0, D would win every time, and G would be left without useful advice;
#   [03](03_train_a_gan.ipynb) and [05](05_compare_the_losses.ipynb) show why.
# - **Quality needs a measure of its own.** That is next.

# %% [markdown] topics=["FFD", "FID", "modes hit", "through the blur"]
# ## What we measure
#
# Four instruments are used in the whole series, and other notebooks link here. At first reading the bold words are
# enough; come back when you are sent.
#
# **FFD**, the Fréchet distance on FashionMNIST, compares many samples with the 10,000 test images. A small
# classifier (it comes with the package) turns each picture into 64 *features*, numbers that say what kind of thing it
# shows. Around the features of the samples we put a Gaussian, around those of the images another, and FFD is the squared
# distance of the two Gaussians: 0 if their means and covariances agree. Its unit is one per cent of the variance of the
# images' features. It has a *floor*: even training images, in place of samples, do not score 0, because each set is
# finite (about 0.3 with 1,000 of them, 0.04 with 10,000), so compare equal numbers only. It does not see copies, nor
# anything that leaves mean and covariance as they are. And it is not the FID of the literature, which asks a large network
# trained on colour photographs: our numbers cannot be compared with published ones.
#
# **Modes hit, and the share in a mode.** For data with modes, a mode is *hit* if at least one sample lies within three
# standard deviations of its middle. That is the custom of the literature, and a mild one: samples smeared over the
# whole ring hit every mode. So we also count the share of all samples that lie within three standard deviations of
# any mode. In the plane even a perfect generator has only $1 - e^{-9/2} = 98.889\,\%$ of its samples there.
#
# **$W_1$**, the Wasserstein distance: move the samples onto as many data, one to one, by the cheapest plan; $W_1$ is the mean
# distance moved, computed exactly. It has a floor, too: two sets of *data* are not at the same places.
# [07](07_move_earth.ipynb) is about it.
#
# **Through the blur.** The laboratory also shows the KL and Jensen-Shannon divergences ([01](01_fit_by_likelihood.ipynb) and
# [02](02_play_the_game.ipynb) define them). They need densities, and G has no formula for its own. So data and samples are
# both blurred a little, by the same small Gaussian, and compared on a grid; the best possible D is computed there as well.
# Blurred, they never look farther apart than they are.

# %% [markdown]
# Let us try each on something whose answer we know. First FFD. Guess the order before you run: new photographs, the
# same ones blurred, G's samples, G's samples at step 0.

# %%
from gan_tutorial.clothes import score

n = profile.pick(smoke=200, cpu=2_000, gpu=10_000)
real = to_unit(images.train_images[:n])
torch.manual_seed(SEED + 5)
untrained = fashion_game(images, seed=SEED)
judged = {
    "training images": real,
    "the same, blurred": torch.nn.functional.avg_pool2d(real, 3, 1, 1),
    "G's samples": game.sample(n),
    "G's samples at step 0": untrained.sample(n),
}
ffd = {name: score.ffd(x) for name, x in judged.items()}
for name, value in ffd.items():
    print(f"FFD of {n:,} {name:22} {value:7.2f}")

# %%
from gan_tutorial.truth.densities import Ring
from gan_tutorial.truth.divergences import empirical_w1

data, rng = Ring(), torch.Generator().manual_seed(SEED)
perfect = data.sample(100_000, rng)  # what a perfect G would give
inside = float(data.mode_counts(perfect).sum() / len(perfect))
print(f"a perfect G: {inside:.2%} of its samples in a mode")
one_mode = perfect[(perfect - data.centers[0]).norm(dim=1) < 0.2]
hit = data.modes_hit(perfect[:200]), data.modes_hit(one_mode)
print(f"modes hit by 200 of them: {hit[0]} of 8; by those of one mode: {hit[1]} of 8")
w1_floor = float(empirical_w1(perfect[:256], perfect[-256:]))
w1_one = float(empirical_w1(perfect[:256], one_mode[:256]))
print(f"W1 of two sets of 256: {w1_floor:.3f}; of all modes and one: {w1_one:.3f}")

# %% [markdown]
# The training images are near the floor; blurring them moves them away from it; the untrained G is farther than both. A
# perfect G has nearly all samples in a mode, hits every mode, and has a small $W_1$; one that knows a single mode has a larger one.

# %% [markdown] topics=["latent space", "interpolation"]
# ## Play: walk between pictures
#
# G turns *any* 64 numbers into a picture. So between two inputs there are others, and each gives a
# picture, too. We pick four inputs whose pictures are most clearly of their class (the classifier that FFD uses can name
# classes), put them at the corners of a square, and mix them in between.
#
# One detail: the mean of two random inputs is shorter than either, and G has hardly met such short
# ones. We therefore scale the four weights so that their squares add up to 1; then a mix of
# independent standard normal numbers is standard normal again.

# %%
from gan_tutorial.clothes import classifier

torch.manual_seed(SEED + 4)
pool = game.latent(500)
with torch.no_grad():
    sure_of = classifier.load()(game.ema(pool).cpu()).log_softmax(dim=1)
corners = pool[sure_of.argmax(dim=0)[[1, 0, 7, 9]]]  # trouser, T-shirt, sneaker, ankle boot


def mix(across, down):
    """The input at a point of the square; (0, 0) is the corner at the top left.  -> (1, 64)"""
    a, d = float(across), float(down)
    w = [(1 - a) * (1 - d), a * (1 - d), (1 - a) * d, a * d]
    w = torch.tensor([w], device=corners.device)
    return w / w.norm() @ corners


def said_of(x):
    """What the classifier and D say of a picture."""
    name, sure = images.classes[score.classes(x)], torch.sigmoid(game.D(x)).item()
    return f"It looks most like: {name}. D is {sure:.0%} sure that it is a photograph."


# %% [markdown] slide=["Does the picture change evenly"]
# On the left, the whole square as a map, with a frame where we are; on the right, the picture at that
# place. Under it stands what D thinks of it: at 50 % it cannot tell. In the live notebook two sliders move the
# frame; the stored picture stands half way from trousers to T-shirt.
#
# A question to answer by playing: go along the upper edge, from trousers to T-shirt (*down* at 0,
# *across* from 0 to 1). Does the picture change evenly, or does most of the change happen on a short
# stretch? And what does D think of the pictures on the way?

# %% tags=["widget"] alt="A map of pictures that change from trousers to a T-shirt to the right, and to a sneaker and a boot downwards; beside it the picture from the middle of the upper edge" slide=true
from gan_tutorial.lesson.live import explore

walk = partial(square, picture=lambda *place: game.ema(mix(*place)), says=said_of)
to_move = {"across": (0.0, 1.0, 0.0, 0.05), "down": (0.0, 1.0, 0.0, 0.05)}
explore(walk, panels=2, size=(7.2, 4.1), still={"across": 0.5}, **to_move)

# %% [markdown] slide=["G did not learn a list"]
# Nothing jumps: where two places of the map are close enough, their pictures are as similar as you like. Look
# for some in between that are clothes one could wear, and for others, halfway from trousers to a shoe, that
# are neither. G did not learn a list of pictures; it learned a smooth map from inputs to pictures.

# %% [markdown]
# ### Deeper: is the change even?
#
# We measure the upper edge of the square in 20 strides of the same length, and ask D on the way. To go on, skip to
# [What happened, on one page](#What-happened,-on-one-page).

# %%
edge = torch.cat([game.ema(mix(i / 20, 0.0)) for i in range(21)])
strides = (edge[1:] - edge[:-1]).flatten(1).norm(dim=1)
print("share of the whole change in each of 20 strides, in per cent (even: 5):")
print("  ".join(f"{share:.0f}" for share in 100 * strides / strides.sum()))
scores = game.D(edge[::4]).tolist()
print("how sure D is of a photograph: at first, after 4, 8, 12, 16 strides, and at the end:")
print("  ".join(f"{sure:.0%}" for sure in torch.sigmoid(torch.tensor(scores)).tolist()))

# %% [markdown]
# <details><summary>What we found</summary>
#
# The change is not even. Some strides change the picture several times as much as others: there G
# passes from one kind of thing to another, and being smooth it has to pass through *something* on the
# way.
#
# You may have expected D to reject everything in between. But each mix is itself like a standard
# normal input, so it is as good a sample as any other, and D has been trained on its like. In
# the stored run it is more than 50 % sure of a photograph for some of the four pictures in between.
# </details>

# %%
named = int((score.classes(game.ema(corners)) == torch.tensor([1, 0, 7, 9])).sum())
shown("walk", "corners of the class that was asked for", 4, named)
shown("walk", "largest stride / smallest", (3, 50), strides.max() / strides.min())
fooled = sum(value > 0 for value in scores[1:-1])
shown("walk", "in-between pictures that fool D, of four", (1, 4), fooled);

# %% [markdown]
# ## What happened, on one page
#
# A GAN is **two samplers, two networks and three curves**.
#
# | part | what it does | in our game |
# |---|---|---|
# | sampler `data` | "give me $n$ photographs" | drawn from the 60,000 |
# | sampler `latent` | "give me $n$ inputs" $z$ | 64 standard normal numbers each |
# | network $G$ | input $z$ to picture $G(z)$ | a small convolutional network |
# | network $D$ | picture $x$ to score $s$, in code `D(x)` | another one |
# | curve 1 | D's loss for a photograph with score $s$ | $\log(1 + e^{-s})$ |
# | curve 2 | D's loss for a sample with score $s$ | $\log(1 + e^{s})$ |
# | curve 3 | G's loss for a sample with score $s$ | $\log(1 + e^{-s})$ |
#
# The score $s$ can be any number; a high one means "I take this for a photograph". Here are the three curves.

# %% tags=["figure"] alt="Left: D's loss falls with the score for photographs and rises with it for samples. Right: G's loss falls with the score"
from gan_tutorial.lesson.figures import curves

s = torch.linspace(-4, 4, 201)
fig, (left_ax, right_ax) = plt.subplots(1, 2, figsize=(8, 2.9), sharey=True)
of_d = {"for a photograph": non_saturating.d_real(s), "for a sample": non_saturating.d_fake(s)}
curves(left_ax, s, of_d, xlabel="score s", ylabel="D's loss")
curves(right_ax, s, {"G": non_saturating.g_fake(s)}, xlabel="score s", ylabel="G's loss")
right_ax.get_legend().remove()

# %% [markdown]
# On the left: D's loss is small if it scores photographs high and samples low, so that is what it
# learns. On the right: G's loss is small if D scores its samples *high*. The two want opposite things of
# the same number, and that is why they are called *adversarial*. You may have noticed that G's curve
# is D's curve for photographs: G is judged as if its samples were real.
#
# Read $\sigma(s) = 1 / (1 + e^{-s})$ as D's probability that the picture is a photograph, and the
# curves get familiar names: D's loss is the usual cross-entropy, $-\log \sigma(s)$ or
# $-\log(1 - \sigma(s))$, of a classifier. At $s = 0$ that is $\log 2$ each: the dashed lines that we
# saw above.
#
# One step of training is this, from the package. Look for the place where G learns: no photograph there.

# %%
import inspect

from gan_tutorial.game import play

print(inspect.getsource(play))

# %% [markdown]
# The objective, the networks and the data are what it is *given*: other curves, other networks or
# other data make another GAN, and the loop stays the same. In the notebooks to come you will change
# one of them at a time; in [03](03_train_a_gan.ipynb) you write the step yourself.

# %% [markdown]
# ### Deeper: the loop, by hand
#
# The training of a GAN in a dozen lines of plain PyTorch, proved equal to the package's, and how large the networks are. To
# go on, skip to [How to work with these notebooks](#How-to-work-with-these-notebooks).

# %% tags=["nbval-check-output"]
(x,) = game.data(64)
noise = game.latent(64)
for name, value in {
    "data(64)": x,
    "latent(64)": noise,
    "G(latent(64))": game.G(noise),
    "D(data(64))": game.D(x),
}.items():
    print(f"{name:15}", tuple(value.shape))

# %%
from gan_tutorial.game.networks import count_weights

weights = {"G": count_weights(game.G), "D": count_weights(game.D)}
print(f"numbers that training adjusts: {weights['G']:,} in G, {weights['D']:,} in D")

# %% [markdown]
# Here are five steps of a fresh game, written out, in double precision so that we can compare almost to the last digit.
# `softplus(s)` is $\log(1 + e^{s})$.

# %%
def exact_game():
    """A fresh game in double precision: networks, photographs and inputs."""
    game = fashion_game(images, seed=SEED)
    data, latent = game.data, game.latent
    game.data, game.latent = lambda n: (data(n)[0].double(),), lambda n: latent(n).double()
    for net in (game.G, game.D, game.ema):
        net.double()
    return game


# %%
from torch.nn.functional import softplus

hand, by_hand = exact_game(), []
G, D, g_opt, d_opt = hand.G, hand.D, hand.g_opt, hand.d_opt
with hand.own_randomness():  # so that we can compare below
    for _ in range(5):
        (x,) = hand.data(64)
        fake = G(hand.latent(64)).detach()  # D's move is not G's business
        d_loss = softplus(-D(x)).mean() + softplus(D(fake)).mean()
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()
        g_loss = softplus(-D(G(hand.latent(64)))).mean()
        g_opt.zero_grad()
        g_loss.backward()
        g_opt.step()
        by_hand.append((d_loss.item(), g_loss.item()))

# %% [markdown]
# And now the same with `train`, from the same start and with the same random numbers. If both are the same algorithm, the
# losses must agree.

# %%
package = exact_game()
training = train(package, non_saturating, steps=5)
by_package = [(step.d_loss.item(), step.g_loss.item()) for step in training]
print("      by hand              with the package")
for n, (ours, theirs) in enumerate(zip(by_hand, by_package, strict=True), start=1):
    print(f"{n}:  D {ours[0]:.4f}  G {ours[1]:.4f}    D {theirs[0]:.4f}  G {theirs[1]:.4f}")
two = torch.tensor([by_hand, by_package], dtype=torch.float64)
loop_difference = float((two[0] - two[1]).abs().max())
print(f"largest difference: {loop_difference:.0e}")

# %% [markdown]
# They do, up to the last digits. We can also count the weights of G by hand: a linear layer has inputs times outputs plus
# outputs; a convolution inputs times outputs times the area of its window, plus outputs; batch normalisation two per
# channel.

# %%
linear = 64 * (32 * 49) + 32 * 49
convolutions = 32 * 16 * 4 * 4 + 16 + 16 * 4 * 3 * 3 + 4
by_layer = linear + convolutions + 2 * (32 + 16)
ledger.add("size of G", "weights, layer by layer", by_layer, weights["G"], 0, "the sums above")
ledger.add("one loop", "by hand - package, in losses", 0, loop_difference, 1e-9, "here");

# %% [markdown] topics=["checkpoint"]
# ## Deeper: stop, go on, save
#
# A training can be stopped anywhere and continued, also in another session, as if nothing had happened; here is the proof. To
# go on, skip to [How to work with these notebooks](#How-to-work-with-these-notebooks).

# %% [markdown]
# Training can be stopped with `break`, with the stop button (■), by closing the lid. The
# game waits for the end of the step, so it is always whole. Without a number of steps, `train` would
# go on for ever; so we stop it ourselves.

# %% tags=["nbval-check-output"]
second = fashion_game(images, seed=SEED + 1)
for step in train(second, non_saturating):
    if step.n == 5:
        break
print("stopped after step", second.step)

for _ in train(second, non_saturating, steps=5):
    pass
print("went on to step", second.step)

# %% [markdown]
# `save` writes the whole state to a file, and `load` reads it into any game with the same networks.
# Is *everything* in it? The hard test: let the game and its copy play five more steps each. Their losses must be exactly
# the same.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

third = fashion_game(images, seed=SEED + 99)
with TemporaryDirectory() as folder:
    path = Path(folder) / "game.pt"
    second.save(path)
    third.load(path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, saved at step {third.step}")

# %%
five = []
for one in (second, third):
    five.append([step.g_loss.item() for step in train(one, non_saturating, steps=5)])
resume_difference = max(abs(a - b) for a, b in zip(*five, strict=True))
print(f"step {second.step} and step {third.step}")
print(f"largest difference of G's losses: {resume_difference:g}")
rounding = 0 if profile.device == "cpu" else 1e-3  # a GPU may add in another order each time
ledger.add("resume", "saved and loaded, 5 steps on", 0, resume_difference, rounding, "here");

# %% [markdown]
# If you want to keep the game that you trained above, `game.save("my_game.pt")` puts it beside this
# notebook. To train without a notebook, for an hour say, there is a command in the terminal; it can
# be stopped and continued in the same way:
#
# ```text
# gan-tutorial train --objective non_saturating --net conv --seconds 3600 --out my_run
# gan-tutorial train --objective non_saturating --net conv --seconds 3600 --out my_run --resume
# ```

# %% [markdown]
# ## How to work with these notebooks
#
# - **Guess first.** Being wrong is the fastest way to learn.
# - **Change things.** `Kernel > Restart Kernel and Run All Cells` always works, from top to bottom.
# - **Core and deeper.** The core of a notebook takes about an hour. Sections marked *Deeper* are folded,
#   and nothing else needs them.
# - **Exercises** begin with [01](01_fit_by_likelihood.ipynb). You replace `raise NotImplementedError` by your answer,
#   and a cell like `best = check("2.1", best)` tells you in one sentence what is right or wrong. Until yours is right,
#   the notebook goes on with ours. `hint("2.1")` helps a little, the folder `solutions` completely.
# - **Words** that you do not know are in the [glossary](glossary.md).
# - **At the end** there is a *ledger*: what theory says, what we measured, and whether both agree.
#
# **Without a network**, all of it works. Where FashionMNIST is not to be had, the package draws clothes by itself,
# with the same classes and sizes, and a notice at the top and on each figure says so.

# %% [markdown]
# ## The map
#
# Each notebook answers one question. Follow the numbers; the last row can be read at any time. In a hurry, take the blue
# boxes: the game, a GAN on pictures, and the Wasserstein distance with its gradient penalty, which many later
# models use.

# %% tags=["figure"] alt="A map of the notebooks in five rows: the game, its losses, the Wasserstein distance, practice, and what can be read at any time. Notebooks 00, 02, 03, 07 and 08 are a short course"
fig, ax = plt.subplots(figsize=(10, 5.2))
series_map(ax)

# %% [markdown]
# The minutes below are for the core and for everything, by a rule of thumb (so many words, lines, figures and exercises);
# *Run All* was measured without a GPU.
#
# {{series}}

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, and what we measured. What needs the full training is shown in any case, and checked wherever the
# training was complete.

# %%
facts = [
    ("D undecided", "D pays 2 log 2", 2 * math.log(2), d_even, 1e-6, "Goodfellow et al. 2014",
     "If D scores everything 0, its loss is 2 log 2 = 1.386."),
    ("D undecided", "G pays log 2", math.log(2), g_even, 1e-6, "Goodfellow et al. 2014",
     "Then G's loss is log 2 = 0.693."),
    ("range", "largest size of a pixel", 1, real.abs().max(), 0, "definition of to_unit",
     "Pixels are numbers between -1 and 1."),
    ("classes", "labels in the data", 10, len(images.train_labels.unique()), 0, "its paper",
     "The data have ten classes."),
    ("modes", "share of perfect samples", 1 - math.exp(-4.5), inside, 0.002, "chi square",
     "A perfect generator has 98.889 % of its samples within three sd of a mode."),
    ("modes", "modes hit by samples of one mode", 1, hit[1], 0, "definition",
     "Samples of one mode hit one mode."),
]  # fmt: skip
for *fact, says in facts:
    ledger.add(*fact, says=says)
ledger.assert_all(profile)

# %%
middle = losses[-fifth:].mean(0)
shown("losses", "D pays / 2 log 2, last fifth", (0.9, 1.1), middle[0] / d_even)
shown("losses", "G pays / log 2, last fifth", (0.9, 1.4), middle[1] / g_even)
change = (middle - losses[:fifth].mean(0)).abs().max()
shown("losses", "change of the averages, larger one", (0, 0.1), change)
ledger.add("W1", "W1 of one mode / its floor", (3, math.inf), w1_one / w1_floor, 0, "here")
order = ffd["training images"] < ffd["the same, blurred"] < ffd["G's samples at step 0"]
ledger.add("FFD", "images < blurred images < step 0", 1, order, 0, "here")
better = {"source": "this run", "needs_training": True, "says": "Training lowers FFD."}
gain = ffd["G's samples"] / ffd["G's samples at step 0"]
ledger.add("FFD", "end / step 0", (0, 0.2), gain, 0, **better)
ledger.assert_all(profile)
ledger

# %% [markdown]
# ## What to keep
#
# - A GAN is two samplers, two networks and three curves. D learns to score photographs above samples;
#   G learns to be scored like a photograph, and never sees one.
# - The losses say who is ahead, not how good the pictures are. Measure those, and compare each number with
#   something.
# - G is a smooth map: between two inputs lie others, and they give pictures as well.
# - A training is a `for` loop that is yours: stop it, look, go on.
#
# ## In practice
#
# - *Small on purpose.* For large pictures, people today mostly use diffusion models; adversarial training lives on where
#   speed counts (a GAN draws in one pass), inside the decoders of image and sound compression, and wherever a learned
#   judge is better than a formula.
# - *Balance is the art.* This recipe was tuned. Change a step size, and the training may fail without an error.
#
# ## Further reading
#
# - [Goodfellow et al. 2014, Generative Adversarial Networks](https://arxiv.org/abs/1406.2661): the
#   first paper, and still the clearest; [02](02_play_the_game.ipynb) follows its theory.
# - [Goodfellow 2016, NIPS Tutorial](https://arxiv.org/abs/1701.00160): why generate at all, and how
#   GANs compare with other models.
# - [Xiao, Rasul & Vollgraf 2017, Fashion-MNIST](https://arxiv.org/abs/1708.07747): the data.
#
# Go on with [01 · Maximum likelihood](01_fit_by_likelihood.ipynb); or, in a hurry, with
# [02 · The GAN game](02_play_the_game.ipynb).
