# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 · Start here: a network that never sees a picture learns to draw
#
# Below, two small networks learn against each other, and you can watch them do it. **Click here, then
# press Shift + Enter**, and again: each press runs one cell and goes on to the next, and at the fifth
# there is something to play with. (The third takes some seconds, since it loads the libraries. On a page
# that cannot run, such as GitHub's, just read: each moving picture is stored there as a still.)
#
# **What you'll do.** In about a minute you train two small networks against each other, until one of
# them draws clothes that nobody has ever made.
#
# **Time.** Half an hour to read; Run All takes {{time}}.

# %% tags=["parameters"]
PROFILE = None  # None: chosen by the device; or "smoke", "cpu", "gpu"
SEED = 0

# %% tags=["setup"]
import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown

from gan_tutorial.clothes.data import fashion_mnist, to_unit
from gan_tutorial.lesson.figures import COLORS, image_grid, use_style
from gan_tutorial.lesson.profile import choose, use_cores

use_cores()
profile = choose(PROFILE)

# %% [markdown]
# ## Play first
#
# Below is a whole GAN, small enough to be seen at once: two networks that learn against each other.
#
# - The **blue dots** are the data. Here they lie in eight heaps on a ring.
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

# %% tags=["widget"] alt="Left: blue dots in eight heaps on a ring, with orange crosses on and between the heaps, over a background of pale blue and pale orange patches. Right: what both players pay, step by step"
from gan_tutorial.lesson.laboratory import laboratory

ring_steps = profile.pick(smoke=6, cpu=2_000, gpu=2_000)
laboratory(data="ring", still=ring_steps)

# %% [markdown]
# Three things to try in the live notebook. Nothing can break, and **Reset** always brings a fresh start.
#
# 1. Press **Reset**, then **Play**, and **Pause** after some seconds. Now pull the slider *time*
#    slowly from left to right. What do the crosses learn first: that there is a *ring*, or that
#    there are *heaps*?
# 2. Let it play for some seconds, then set *who moves* to **only D** and wait; then to **only G**,
#    and wait again. What happens each time? (Back to **both**, and they recover; or **Reset**.)
# 3. Under *data*, choose another shape: **two moons**, say, or **your own**. With "your own" you press
#    **Clear the drawing** and draw in the picture, the first letter of your name for example. Does G
#    learn to write it?
#
# <details><summary>What we saw</summary>
#
# 1. First the ring: after a third of 2,000 steps most crosses stood near the circle, and many of them between
#    its heaps. Only then, and more slowly, do they draw together; even after all 2,000 there are stragglers.
# 2. With *only D* the crosses stand still, and the background becomes sharper. With *only G* they run
#    off at once, into the blue (notebook 02 measures it): what D thinks is worth something only near the
#    places where it has looked lately. So the two take turns, in small moves. Most of this series is about that.
# 3. Nothing in the game knows which shape it is given, so it should. Watch the corners and the ends: do they
#    come last?
# </details>

# %% [markdown]
# ## What is in this notebook
#
# **What you'll learn**
#
# - to run this series on your machine, to stop it at any moment and to go on
# - to watch a *generative adversarial network* (GAN) learn, and to look closely at what it made
# - to say what a GAN consists of: two samplers, two networks and three curves
# - to find your way through the other notebooks
#
# **What you'll need.** A little Python. No mathematics yet, and no GPU.

# %% [markdown]
# ## Does it run here?
#
# Before anything else, a check-up. Each line says what was found; where something is missing, it also
# says what to do. (What you see stored here is the machine on which we ran the notebook last. Run the
# cell, and it speaks of yours.)

# %%
from gan_tutorial.commands import doctor

doctor.report()

# %% [markdown]
# The last line names the *profile*, the amount of work that the notebooks do. `cpu` is made for a
# laptop with two cores; `gpu` trains longer; `smoke` only shows that every cell runs, and its
# pictures mean nothing. You can choose one yourself in the cell `PROFILE = ...` at the top.

# %% [markdown]
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
# Decide before you go on. The answer comes after the training.

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
# One row for each class, eight photographs in each. Look how different the bags are among themselves,
# and how alike a pullover, a coat and a shirt can be. That is what G will have to learn.


# %% tags=["figure"] alt="Ten rows of eight small grey photographs of clothes, one row for each class of FashionMNIST"
def name_rows(ax, names):
    """Write a name to the left of each row of pictures."""
    for row, name in enumerate(names):
        ax.text(-5, 29 * row + 15, name, ha="right", va="center", size=9)


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
# Now the training itself. In a *step*, D makes a move (it looks at 64 photographs and 64 of G's
# pictures, and learns to score them apart), then G makes a move (it changes so that D scores its
# pictures higher). `train` gives us the steps one by one, and what we do with a step is up to us: the
# body of the `for` loop is ours. Here we write down what both pay, and keep a frame now and then;
# `plan.watch` says how far it is, and shows the picture while it changes.
#
# Run it, and watch. If you press the stop button (■), nothing is lost: run the cell again, and it
# goes on where it was. (The red message only says that somebody pressed it.)

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
# If you ran this yourself, you saw clothes appear out of fog. In any case, here is the film of it. Each
# row is a moment of the training, each column one of the 16 inputs. Go down a column, and you see one
# drawing develop.

# %% tags=["picture"] alt="A film strip: sixteen drawings, row by row at later steps of the training, turn from grey fog into recognisable clothes"
ax = image_grid(torch.cat(list(frames.values())), columns=16)
name_rows(ax, [f"step {n:,}" for n in frames])

# %% [markdown]
# At step 0 there is only fog: nobody has told G anything. The first thing that G finds is where
# clothes are bright and where the background is dark: after a hundred steps the mean of its drawings already
# looks much like the mean photograph. Look for the row in which you can first tell a shirt, a pair of
# trousers and a shoe apart, and for what comes last: sleeves, collars, straps, heels. Some drawings change
# their class on the way. Not every one ends well, either; find the worst.
#
# And the guess?
#
# <details><summary>How many photographs was G shown?</summary>
#
# **None** (answer 3). G is given random numbers, nothing else. Only D sees photographs. What G learns
# from is D's reaction to G's own pictures: *a little darker here, and I would have believed you*.
# This is the idea of a GAN: instead of writing down what a good picture is, we let a second network
# learn it, while the first one learns to satisfy it. Further down, in "What happened, on one page",
# you can read it off the code.
# </details>

# %% [markdown]
# ## Look closely
#
# Pictures that please at first sight prove little. Let us ask four questions: Can *you* tell them
# apart? Are they copies? Are there all kinds of clothes? And what did the losses say?
#
# ### Real or made?
#
# Twelve of these 24 are photographs, twelve were made by G, in random order. Count how many you are
# sure of before you go to the next cell.

# %% tags=["figure"] alt="Twenty-four pictures of clothes in random order, twelve of them photographs and twelve made by the generator"
torch.manual_seed(SEED + 1)
(photographs,), made = game.data(12), game.sample(12)
order = torch.randperm(24)
mixed, is_real = torch.cat([photographs, made])[order], order < 12
image_grid(mixed, columns=12)
plt.show()


# %% [markdown]
# The same again, with the answer: photographs have a solid blue frame, G's pictures a dashed orange
# one.


# %% tags=["figure"] alt="The same twenty-four pictures; photographs have a solid blue frame, made ones a dashed orange frame"
def frame(ax, place, real, columns=12):
    """A frame around picture number `place` of a grid."""
    corner = 29 * (place % columns) + 1, 29 * (place // columns) + 1
    color, line = (COLORS["data"], "-") if real else (COLORS["model"], "--")
    ax.add_patch(plt.Rectangle(corner, 27, 27, fill=False, edgecolor=color, ls=line, lw=2))


ax = image_grid(mixed, columns=12)
for place, real in enumerate(is_real.tolist()):
    frame(ax, place, real)

# %% [markdown]
# If you found it hard, look again at the edges, and at thin parts such as straps and heels. After one
# minute, and with networks that would fit in a small e-mail, G may be forgiven. You did D's work just now,
# by the way.
#
# ### Is it copying?
#
# Could G have learned the photographs by heart? It never saw one, but D has, and D might have passed
# on too much. For some of G's pictures, let us find the training photograph that is nearest, pixel by
# pixel.

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
# are exact; notebook 11, on evaluation, comes back to this.

# %% [markdown]
# ### How many of the ten classes?
#
# G was never told that there are classes. Does it draw all of them? To count we need something that
# names a picture. The simplest thing that could work: compare it with the *mean picture* of each
# class, and name it after the nearest.

# %%
labels = images.train_labels
means = torch.stack([train_pixels[labels == c].mean(dim=0) for c in range(10)])


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
# you will see it happen in notebooks 03 and 09.

# %% [markdown]
# ### What did the losses say?
#
# Each player pays a *loss*, and tries to pay less. If D cannot tell photographs from G's pictures at
# all, it is fooled half the time, like somebody who tosses a coin. The best that it can do then is to
# score everything 0, and so we know exactly what both pay. Here are the losses of this run, with those
# two values as dashed lines.

# %% tags=["figure"] alt="The losses of D and G over the steps; both stay near the values that they have when D is fooled half the time, and their averages hardly change"
from gan_tutorial.lesson.figures import loss_history

undecided = torch.zeros(1)  # the score 0
d_pays = float(non_saturating.d_loss(undecided, undecided))
g_pays = float(non_saturating.g_loss(undecided))
theory = {
    f"D is fooled half the time: D pays {d_pays:.2f}": d_pays,
    f"and G {g_pays:.2f}": g_pays,
}
fig, ax = plt.subplots(figsize=(8, 3))
loss_history(ax, history, theory)
plt.show()

# %%
print(f"when every score is 0, D pays {d_pays:.6f} = 2 log 2, and G pays {g_pays:.6f} = log 2")

# %%
fifth = -(-len(history) // 5)
for name, part in {"first fifth": history[:fifth], "last fifth": history[-fifth:]}.items():
    g_loss = torch.stack([step.g_loss for step in part]).mean()
    d_loss = torch.stack([step.d_loss for step in part]).mean()
    print(f"{name}: G pays {g_loss:.2f} on average, D {d_loss:.2f}")

# %% [markdown]
# How (not) to read this picture:
#
# - **Do not read them as progress.** In most of machine learning a falling loss means that things get
#   better. Here each loss is measured against an opponent who learns as well. From the first fifth of
#   the run to the last the film strip changed from blobs to clothes; compare that with what happened
#   to the two averages.
# - **Do read them as a balance.** Near the dashed lines neither player is far ahead. If D's loss went
#   to 0, D would win every time, and G would be left without useful advice; we will see why in
#   notebooks 03 and 05.
# - **Quality needs a measure of its own.** That is the subject of notebook 11.

# %% [markdown]
# ## Play: walk between pictures
#
# G turns *any* 64 numbers into a picture. So between two inputs there are others, and each gives a
# picture, too. We pick four inputs whose pictures are most clearly of their class, put them at the
# corners of a square, and mix them in between.
#
# One detail: the mean of two random inputs is shorter than either, and G has hardly met such short
# ones. We therefore scale the four weights so that their squares add up to 1; then a mix of
# independent standard normal numbers is standard normal again.

# %%
torch.manual_seed(SEED + 4)
pool = game.latent(500)
to_class = torch.cdist(game.ema(pool).flatten(1), means)
clearest = torch.log_softmax(-to_class, dim=1).argmax(dim=0)  # near its class, far from others
corners = pool[clearest[[1, 0, 7, 9]]]  # trouser, T-shirt, sneaker, ankle boot


def mix(across, down):
    """The input at a point of the square; (0, 0) is the corner at the top left.  -> (1, 64)"""
    a, d = float(across), float(down)
    w = [(1 - a) * (1 - d), a * (1 - d), (1 - a) * d, a * d]
    w = torch.tensor([w], device=corners.device)
    return w / w.norm() @ corners


# %%
def walk(map_ax, one_ax):
    """Draw the square and one picture of it; return the function that goes elsewhere."""
    ticks = [i / 6 for i in range(7)]
    places = torch.cat([mix(a, d) for d in ticks for a in ticks])
    image_grid(game.ema(places), map_ax, columns=7)
    picture = image_grid(game.ema(mix(0, 0)), one_ax).images[0]
    map_ax.set_title("trouser → T-shirt", loc="center")
    map_ax.text(102, 207, "sneaker → ankle boot", ha="center", va="top", size=10.5)
    one_ax.set_title("the picture in the frame", loc="center")
    line = {"fill": False, "color": COLORS["model"], "linewidth": 2.5}
    here = map_ax.add_patch(plt.Rectangle((0, 0), 29, 29, **line))

    def update(across, down):
        x = game.ema(mix(across, down))
        here.set_xy((174 * across, 174 * down))
        picture.set_data(torch.nn.functional.pad((x[0, 0] + 1) / 2, [1] * 4, value=1).cpu())
        name, sure = images.classes[classify(x)], torch.sigmoid(game.D(x)).item()
        return f"It looks most like: {name}. D is {sure:.0%} sure that it is a photograph."

    return update


# %% [markdown]
# On the left, the whole square as a map, with a frame where we are; on the right, the picture at that
# place. Under it stands what D thinks of it: 100% would be "certainly a photograph", and at 50% it
# cannot tell. In the live notebook two sliders move the frame; the stored picture stands half way from
# trousers to T-shirt.
#
# A question to answer by playing: go along the upper edge, from trousers to T-shirt (*down* at 0,
# *across* from 0 to 1). Does the picture change evenly, or does most of the change happen on a short
# stretch? And what does D think of the pictures on the way?

# %% tags=["widget"] alt="A map of pictures that change from trousers to a T-shirt to the right, and to a sneaker and a boot downwards; beside it the picture from the middle of the upper edge"
from gan_tutorial.lesson.live import explore

to_move = {"across": (0.0, 1.0, 0.0, 0.05), "down": (0.0, 1.0, 0.0, 0.05)}
explore(walk, panels=2, size=(7.2, 4.1), still={"across": 0.5}, **to_move)

# %% [markdown]
# Nothing jumps: where two places of the map are close enough, their pictures are as similar as you like. Look
# for some in between that are clothes one could wear, and for others, halfway from trousers to a shoe, that
# are neither. G did not learn a list of pictures; it learned a smooth map from inputs to pictures.
#
# And is the change even? Let us measure it along the upper edge, in 20 strides of the same length,
# and ask D on the way.

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
# normal input, so it is as good a sample as any other, and D has been trained on its like. Of
# the four in-between pictures some fool it (it is more than 50% sure of a photograph), and some do not.
# </details>

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
# | network $D$ | picture $x$ to score $s = D(x)$ | another one |
# | curve 1 | what D pays for a photograph with score $s$ | $\log(1 + e^{-s})$ |
# | curve 2 | what D pays for a made picture with score $s$ | $\log(1 + e^{s})$ |
# | curve 3 | what G pays for a made picture with score $s$ | $\log(1 + e^{-s})$ |
#
# Let us see each of them at work. First the samplers and the networks: what goes in, and what comes
# out.

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
# Then the three curves. The score $s$ can be any number; a high one means "I take this for a
# photograph".

# %% tags=["figure"] alt="Left: what D pays falls with the score for photographs and rises with it for made pictures. Right: what G pays falls with the score"
from gan_tutorial.lesson.figures import curves

s = torch.linspace(-4, 4, 201)
fig, (left_ax, right_ax) = plt.subplots(1, 2, figsize=(8, 2.9), sharey=True)
d_curves = {
    "for a photograph": non_saturating.d_real(s),
    "for a made picture": non_saturating.d_fake(s),
}
curves(left_ax, s, d_curves, xlabel="score s", ylabel="what D pays")
curves(right_ax, s, {"G": non_saturating.g_fake(s)}, xlabel="score s", ylabel="what G pays")
right_ax.get_legend().remove()

# %% [markdown]
# On the left: D pays little if it scores photographs high and made pictures low, so that is what it
# learns. On the right: G pays little if D scores its pictures *high*. The two want opposite things of
# the same number, and that is why they are called *adversarial*. You may have noticed that G's curve
# is D's curve for photographs: G is paid as if its pictures were real.
#
# Read $\sigma(s) = 1 / (1 + e^{-s})$ as D's probability that the picture is a photograph, and the
# curves get familiar names: D pays the usual cross-entropy $-\log \sigma(s)$ or
# $-\log(1 - \sigma(s))$ of a classifier. At $s = 0$ that is $\log 2$ each: the dashed lines that we
# saw above.
#
# ### By hand
#
# That was all. With the parts at hand, the training of a GAN takes a dozen lines. Here they are,
# written out in plain PyTorch, for five steps of a fresh game, in double precision so that we can compare
# almost to the last digit. `softplus(s)` is $\log(1 + e^{s})$.


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
# Look at the line that starts with `g_loss`, the only one from which G learns: no `x` in it. G is
# never shown a photograph.
#
# ### With the package
#
# And now the same with `train`, from the same start and with the same random numbers. If both are the
# same algorithm, the losses must agree.

# %%
package = exact_game()
training = train(package, non_saturating, steps=5)
by_package = [(step.d_loss.item(), step.g_loss.item()) for step in training]
print("      by hand              with the package")
for n, (ours, theirs) in enumerate(zip(by_hand, by_package, strict=True), start=1):
    print(f"{n}:  D {ours[0]:.4f}  G {ours[1]:.4f}    D {theirs[0]:.4f}  G {theirs[1]:.4f}")
losses = torch.tensor([by_hand, by_package], dtype=torch.float64)
loop_difference = float((losses[0] - losses[1]).abs().max())
print(f"largest difference: {loop_difference:.0e}")

# %% [markdown]
# They do, up to the last digits. So there is nothing in the package that you have not seen. Its own
# version of one step is this:

# %%
import inspect

from gan_tutorial.game import play

print(inspect.getsource(play))

# %% [markdown]
# The objective, the networks and the data are what it is *given*: other curves, other networks or
# other data make another GAN, and the loop stays the same. In the notebooks to come you will change
# one of them at a time.

# %% [markdown]
# ## Stop, go on, save
#
# Training can be stopped anywhere: with `break`, with the stop button (■), by closing the lid. The
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
# Is *everything* in it? The hard test: let the game and its copy play five more steps each. They must
# pay exactly the same.

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
# ## The map
#
# The series has thirteen notebooks, and each one answers one question.

# %%
QUESTIONS = {
    "00_start_here": "Does it run, and\nwhat is a GAN?",
    "01_fit_by_likelihood": "What does it mean to\nfit a distribution?",
    "02_play_the_game": "What does the best D know,\nand where does G end up?",
    "03_train_a_gan": "How does one train it\non pictures, and what fails?",
    "04_circle_the_saddle": "Why do two players circle\ninstead of settling?",
    "05_compare_the_losses": "Which loss should\nthe generator pay?",
    "06_choose_a_divergence": "What if we measure by\nanother divergence?",
    "07_move_earth": "What if data and samples\ndo not overlap at all?",
    "08_penalise_the_gradient": "How does one keep\nthe critic's slope in check?",
    "09_count_the_modes": "Why do some kinds of\nsamples go missing?",
    "10_use_the_tricks": "Which tricks help,\nand why?",
    "11_measure_what_you_made": "How good is it, really?",
    "12_look_further": "What came after?",
}
PARTS = {
    "The game": [0, 1, 2, 3],
    "Its losses": [4, 5, 6],
    "Moving earth": [7, 8],
    "The craft": [9, 10, 11],
    "Beyond": [12],
}
SHORT = {0, 2, 3, 7, 8}  # for those in a hurry

# %% [markdown]
# Follow the numbers. If you are in a hurry, the coloured boxes make a short course by themselves: the
# game, a GAN on pictures, and the Wasserstein distance with its gradient penalty, which many later
# models use.

# %% tags=["figure"] alt="A map of the thirteen notebooks in five rows: the game, its losses, moving earth, the craft, beyond. Notebooks 00, 02, 03, 07 and 08 are a short course"
from matplotlib.patches import FancyBboxPatch

fig, ax = plt.subplots(figsize=(10, 5.4))
names, arrow = list(QUESTIONS), {"arrowstyle": "->", "color": COLORS["guide"]}
above = 0  # the column in which the row above ends
for row, (part, numbers) in enumerate(PARTS.items()):
    ax.text(-0.12, -row, part, ha="right", va="center", weight="bold")
    for column, number in enumerate(numbers):
        color = COLORS["data"] if number in SHORT else COLORS["guide"]
        box = {"boxstyle": "round,pad=0.04", "facecolor": color, "alpha": 0.16, "linewidth": 0}
        ax.add_patch(FancyBboxPatch((column + 0.04, -row - 0.3), 0.87, 0.6, **box))
        title = names[number].replace("_", " ").replace("gan", "GAN")
        ax.text(column + 0.03, -row + 0.2, title, size=8.4, weight="bold", va="center")
        ax.text(column + 0.03, -row - 0.12, QUESTIONS[names[number]], size=8.5, va="center")
        if column:
            ax.annotate("", (column + 0.01, -row), (column - 0.06, -row), arrowprops=arrow)
    if row:  # from the end of the row above to the beginning of this one
        corner = [above + 0.48, above + 0.48, 0.48], [0.66 - row, 0.5 - row, 0.5 - row]
        ax.plot(*corner, color=COLORS["guide"], lw=1)
        ax.annotate("", (0.48, 0.34 - row), (0.48, 0.51 - row), arrowprops=arrow)
    above = column
ax.text(1.1, -4, "blue: the short course", color=COLORS["data"], va="center")
ax.set(xlim=(-0.9, 4), ylim=(-4.5, 0.5))
ax.axis("off")
plt.show()

# %% [markdown]
# The same as a list. What is in your folder is a link.

# %%
folders = Path("."), Path("source"), Path("..")
here = {path.stem for folder in folders for path in folder.glob("[0-9][0-9]_*")}
lines = ["| notebook | question |", "|---|---|"]
for name, question in QUESTIONS.items():
    title = f"[{name}]({name}.ipynb)" if name in here else name
    lines.append(f"| {title} | {question.replace(chr(10), ' ')} |")
Markdown("\n".join(lines))

# %% [markdown]
# ### How to work with these notebooks
#
# - **Guess first.** Each notebook begins with a question. Settle on an answer before you read on;
#   being wrong is the fastest way to learn.
# - **Run cell by cell** (Shift + Enter), and change things. Nothing you do here can break the
#   package. `Kernel > Restart Kernel and Run All Cells` always works, from top to bottom.
# - **Exercises** begin with notebook 01. You replace `raise NotImplementedError` by your answer, and
#   a cell like `area = check("2.1", area)` tells you in one sentence what is right or wrong. It never
#   stops the notebook: until yours is right, it goes on with ours. `hint("2.1")` helps a little, and
#   the folder `solutions` helps completely.
# - **Stop and go on** as you like: the stop button keeps the game.
# - **Each training says beforehand what it will take** in your profile, and afterwards what it took.
# - **Each figure with sliders has a still**, so that you can read everything without running
#   anything, on a phone for example.
# - **At the end of each notebook** there is a *ledger*: what theory claims, what we measured, and
#   whether both agree.
#
# **Without a network**, all of it works. If FashionMNIST is neither on the machine nor to be had, the
# notebooks use clothes that the package draws by itself, with the same classes and sizes. A notice at
# the top and on each figure says so; the pictures differ then, the lessons do not. Most of the theory
# needs no data set at all.
#
# ### For instructors
#
# - *Before the course:* `gan-tutorial doctor` on each machine says what is missing. One copy of the
#   data is enough for a room: point `GAN_TUTORIAL_DATA` to its folder.
# - *In the course:* plan twice to three times the running time for reading, guessing and talking. Let
#   people vote on the first question before anybody runs a cell. The walk above and the "Real or
#   made?" quiz go well on a projector.
# - *After a change:* `gan-tutorial run` runs the series from the terminal and lists time and facts of
#   each notebook; solved versions are in `solutions`.

# %% [markdown]
# ## The ledger
#
# What this notebook claimed, and what we measured. Rows that need the full training are shown in any
# case, and asserted wherever the training was complete.

# %%
import math

from gan_tutorial.lesson.facts import Ledger

ledger = Ledger("00")


def shown(fact, claim, exact, measured):
    """A row about the run that is stored: another seed may find something else."""
    ledger.add(fact, claim, exact, measured, 0, "this run", shown_only=True)


# %%
rounding = 0 if profile.device == "cpu" else 1e-3  # a GPU may add in another order each time
brightest = max(-train_pixels.min(), train_pixels.max())
ledger.add("classes", "labels in the data", 10, len(labels.unique()), 0, "Xiao et al. 2017")
ledger.add("range", "largest size of a pixel", 1, brightest, 0, "definition of to_unit")
paper, noise_length = "Goodfellow et al. 2014", 0.05 * math.sqrt(784)
ledger.add("D undecided", "D pays 2 log 2", 2 * math.log(2), d_pays, 1e-6, paper)
ledger.add("D undecided", "G pays log 2", math.log(2), g_pays, 1e-6, paper)
copied = distance["copies with a little noise"]
ledger.add("noise", "distance of noisy copies", noise_length, copied, 0.03, "chi distribution")
ledger.add("one loop", "by hand - package, in losses", 0, loop_difference, 1e-9, "here")
ledger.add("resume", "saved and loaded, 5 steps on", 0, resume_difference, rounding, "here")
originals_found = (searches["copies with a little noise"].indices == originals).float().mean()
ledger.add("copies", "originals found, copies with noise", 1, originals_found, 0.02, "here")
moved = distance["copies moved by one pixel"] / distance["new photographs (test set)"]
shown("copies", "distance: moved by one pixel / new", (1, 2), moved)
reported = share["photographs"].max()
shown("mean pictures", "largest share reported of photographs", (0.12, 0.3), reported)
shown("mean pictures", "right on test photographs", (0.6, 0.75), accuracy)
ledger.assert_all(profile)

# %% [markdown]
# We can also count the weights of G by hand: a linear layer has inputs times outputs plus outputs; a
# convolution inputs times outputs times the area of its window, plus outputs; batch normalisation two
# per channel. And two statements about the trained G that should hold with any seed: its pictures are no
# nearer to the training photographs than new photographs are (copies with noise would have a ratio of about
# 0.2), and at most one class is missing. What the text says beyond that is about the run that is stored here.

# %%
linear = 64 * (32 * 49) + 32 * 49
convolutions = 32 * 16 * 4 * 4 + 16 + 16 * 4 * 3 * 3 + 4
by_layer = linear + convolutions + 2 * (32 + 16)
new = distance["new photographs (test set)"]
ratio, trained = distance["G's pictures"] / new, {"source": "this run", "needs_training": True}
ledger.add("size of G", "weights, layer by layer", by_layer, weights["G"], 0, "the sums above")
ledger.add("no copies", "distance: G / new", (1, math.inf), ratio, 0.1, **trained)
shown("no copies", "distance: copies with noise / new", (0.1, 0.3), copied / new)
ledger.add("diversity", "classes with at least 1%", (9, 10), seen, 0, **trained)
shown("diversity", "classes with less", 0, 10 - seen)
off = (share["photographs"] - share["G's pictures"]).abs().max()
shown("diversity", "largest error of a share", (0.005, 0.05), off)
ledger.assert_all(profile)

# %% [markdown]
# The ring again, as in the stored picture at the top, and what its crosses do on the way.

# %%
angle = torch.arange(8) * math.pi / 4
heaps = torch.stack([angle.cos(), angle.sin()], dim=1)  # each of sd 0.05
ring, crosses = laboratory(data="ring"), []
with profile.plan(ring_steps, about=4, gpu=4):
    for steps in (ring_steps // 3, ring_steps - ring_steps // 3):
        ring.step(steps)
        crosses.append(ring.game.sample(2_000, ema=False))
ring.close()
early, crosses = crosses[0], torch.stack(crosses)
in_heaps = (torch.cdist(crosses, heaps).min(dim=2).values < 0.15).double().mean(dim=1)
off_circle = (early.norm(dim=1) - 1).abs().median()
shown("crosses", "distance from the circle, early, median", (0, 0.2), off_circle)
shown("crosses", "share in the heaps, early", (0.1, 0.5), in_heaps[0])
shown("crosses", "share in the heaps, in the picture", (0.6, 0.95), in_heaps[1])

# %%
first, hundred, end = frames[0], frames.get(100, frames[last]), frames[last]
mean_pictures = torch.stack([hundred.mean(dim=0).flatten(), train_pixels.mean(dim=0)])
alike = torch.corrcoef(mean_pictures)[0, 1]
shown("film", "contrast at step 0 / at the end", (0, 0.2), first.std() / end.std())
shown("film", "mean drawing, mean photograph: correlation", (0.85, 1), alike)
closer = nearest(end).values.median() / nearest(hundred).values.median()
shown("film", "distance to photographs, end / step 100", (0.5, 0.9), closer)
changed = int((classify(hundred) != classify(end)).sum())
shown("film", "drawings that change their class, of 16", (2, 14), changed)

# %%
fifths = history[:fifth], history[-fifth:]
paid = [[(step.d_loss, step.g_loss) for step in part] for part in fifths]
paid = torch.tensor(paid).mean(dim=1)
shown("losses", "D pays / 2 log 2, last fifth", (0.9, 1.1), paid[1, 0] / d_pays)
shown("losses", "G pays / log 2, last fifth", (0.9, 1.4), paid[1, 1] / g_pays)
change = (paid[1] - paid[0]).abs().max()
shown("losses", "change of the averages, larger one", (0, 0.1), change)
named = int((classify(game.ema(corners)).cpu() == torch.tensor([1, 0, 7, 9])).sum())
shown("walk", "corners of the class that was asked for", 4, named)
shown("walk", "largest stride / smallest", (3, 50), strides.max() / strides.min())
fooled = sum(score > 0 for score in scores[1:-1])
shown("walk", "in-between pictures that fool D, of four", (1, 3), fooled)
ledger

# %% [markdown]
# ## What to keep
#
# - A GAN is two samplers, two networks and three curves. D learns to score photographs above made
#   pictures; G learns to be scored like a photograph.
# - G never sees the data. All it knows comes through D.
# - The losses say who is ahead, not how good the pictures are. Look at pictures, at neighbours, at
#   classes; and compare each number with something.
# - G is a smooth map: between two inputs lie others, and they give pictures as well.
# - A training is a `for` loop that is yours: stop it, look, go on.
#
# ## In practice
#
# - *One minute, and one seed.* The pictures above are those of a single run. Another `SEED` gives
#   other ones, some better and some worse, and only several runs tell what a change is worth. Where
#   later notebooks compare methods, they train each from several seeds.
# - *Small on purpose.* Photographs of 28 by 28 pixels let us experiment on a laptop. For large
#   pictures, people today mostly use diffusion models; adversarial training lives on where speed
#   counts (a GAN draws in one pass), inside the decoders of image and sound compression, and wherever
#   a learned judge is better than a formula.
# - *Balance is the art.* This recipe was tuned: step sizes, momentum, the size of both networks.
#   Change one, and the training may fail without an error message. From notebook 03 on you learn to
#   see that coming.
#
# ## Further reading
#
# - [Goodfellow et al. 2014, Generative Adversarial Networks](https://arxiv.org/abs/1406.2661): the
#   first paper, and still the clearest; notebook 02 follows its theory.
# - [Goodfellow 2016, NIPS Tutorial](https://arxiv.org/abs/1701.00160): why generate at all, and how
#   GANs compare with other models.
# - [Radford, Metz & Chintala 2015, DCGAN](https://arxiv.org/abs/1511.06434): the convolutional
#   networks that ours are a small cousin of, with walks like the one above.
# - [Xiao, Rasul & Vollgraf 2017, Fashion-MNIST](https://arxiv.org/abs/1708.07747): the data, and why
#   digits were no longer enough.
# - [GAN Lab](https://poloclub.github.io/ganlab/): a GAN on points in the plane, to play with in the
#   browser.
#
# Go on with [01 · Fit by likelihood](01_fit_by_likelihood.ipynb); or, in a hurry, with
# [02 · Play the game](02_play_the_game.ipynb).
