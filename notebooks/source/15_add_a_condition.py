# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 15 · Conditional GANs: asking for something, with words, labels and codes
#
# **What you'll do.** You ask generators for something, with words, labels and codes, and measure whether they obey, whether they still vary, and what a few labels are worth.
#
# **What you'll learn**
#
# - why a network that is trained on pairs answers with an average, and a conditional GAN does not
# - three kinds of pairs for D, what they make of its best answer, and what they do to G
# - when G ignores its noise, and what dropout gives in its place
# - a D with a logit for each class, and learning from few labels
# - codes that G invents (InfoGAN), and what their bound does not prove
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
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot, softplus

from gan_tutorial.clothes import recordings
from gan_tutorial.clothes.data import fashion_mnist, to_unit
from gan_tutorial.game import Game, objectives, train
from gan_tutorial.game.loop import move
from gan_tutorial.game.networks import SideBySide
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.exercises import check, hint  # noqa: F401
from gan_tutorial.lesson.facts import Ledger
from gan_tutorial.lesson.figures import nb15
from gan_tutorial.lesson.live import explore
from gan_tutorial.lesson.profile import choose
from gan_tutorial.truth.densities import Latent, Ring

# %% tags=["setup"]
torch.set_num_threads(1)  # the networks are tiny: a second core would only wait
torch.set_flush_denormal(True)
profile = choose(PROFILE)
images = fashion_mnist()
figures.use_style(images.notice)
ledger = Ledger("15")
note = ledger.add
TRAINED = {"needs_training": True}  # of rows of the ledger
THIS_RUN = TRAINED | {"shown_only": True}  # true of the stored run, of others perhaps not
K = 8  # seeds, trained side by side

# %% [markdown]
# ## Guess first
#
# A *condition* $c$ is what you ask for: a class, a few words, another picture. Data are pairs: $c$, and an $x$ that belongs to it, drawn from $p(x \mid c)$. Many $x$ belong to one $c$. Guess:
#
# 1. A network is trained on pairs to have a small squared error. You ask for "a bright T-shirt". What comes?
# 2. A [generator](glossary.md#generator) G gets $c$ and noise $z$; a [discriminator](glossary.md#discriminator) D sees $c$ and $x$. Somebody also shows D *real* pictures with *wrong* words, as "no". Does that help G?
# 3. You have 60,000 pictures and only 20 labels. Can a GAN help a classifier?
# 4. G gets ten codes and must make pictures from which another network finds the code again. It succeeds, perfectly. Do the codes now mean the ten classes?
#
# Write down your answers; each section gives one.

# %% [markdown]
# ## The average answer
#
# First a world in which everything is known. There are four questions, $c = 0, \dots, 3$, and eight narrow [modes](glossary.md#mode) on a ring. Question $c$ has two good answers: mode $c$, in 65 % of the cases, and the one opposite, mode $c + 4$, in 35 %.

# %% covers=["13.01"]
ring, COMMON = Ring(radius=1.0, sd=0.05), 0.65


def right_answers(c):
    """A right answer to each question.  (n,) -> (n, 2)"""
    mode = torch.where(torch.rand(len(c)) < COMMON, c, c + 4)
    return ring.centers[mode] + ring.sd * torch.randn(len(c), 2)


def world(n):
    """n questions, and an answer to each.  -> x (n, 2), c (n,)"""
    c = torch.randint(4, (n,))
    return right_answers(c), c


# %% [markdown]
# All networks of this world are small [MLPs](glossary.md#mlp) that get the question as four numbers, one of them 1, beside their input. Eight [seeds](glossary.md#seed) train side by side: row $i$ of a batch belongs to seed $i$ mod 8.

# %%
class Asked(nn.Module):
    """K networks that hear a question as well.  (n K, n_in), (n K,) -> (n K, n_out)"""

    def __init__(self, n_in, n_out, activation=nn.ReLU):
        super().__init__()
        self.net = SideBySide(K, [n_in + 4, 64, 64, n_out], activation)

    def forward(self, u, c):
        return self.net(torch.cat([u, one_hot(c, 4).float()], 1)).squeeze(1)


# %% [markdown]
# A *regression* gets the question alone, and answers with a point; its [loss](glossary.md#loss) is the squared error. For a fixed $c$ that error is smallest at the mean of $p(x \mid c)$. Where is this mean? Work it out before you run: it weighs one mode with $0.65$ and the opposite one with $0.35$. (In the code, `move(opt, loss)` takes one step of an optimiser.)

# %% covers=["13.01"]
torch.manual_seed(SEED)
regression = Asked(0, 2)
opt = torch.optim.Adam(regression.parameters(), lr=3e-3)
steps = profile.pick(smoke=5, cpu=400, gpu=400)
for n in range(steps):
    opt.param_groups[0]["lr"] = 3e-3 * (1 - n / steps)
    x, c = world(64 * K)
    move(opt, mse_loss(regression(torch.zeros(len(c), 0), c), x))

# %% [markdown]
# Beside it a [**conditional GAN**](glossary.md#conditional-gan) (Mirza and Osindero 2014): G gets $z$ and $c$, D gets $x$ and $c$. Nothing else changes; the package's `Game` hands labels to both. The objective is the [non-saturating](glossary.md#non-saturating) one, with a small [R1](glossary.md#r1) penalty that keeps D calm.

# %% covers=["13.01"] topics=["conditional GAN"]
calm = replace(objectives.non_saturating, penalty=objectives.r1_penalty(0.1))
rates = {"d_lr": 1e-3, "g_lr": 1e-3, "betas": (0.0, 0.99), "ema_decay": 0.99}
game = Game.with_adam(Asked(2, 2), Asked(2, 1), world, Latent(2), seed=SEED, **rates)
with profile.plan(steps=profile.pick(smoke=5, cpu=800, gpu=800), about=6) as plan:
    for _ in train(game, calm, steps=plan.steps, batch_size=64 * K, every=100):
        pass

# %% tags=["figure"] covers=["13.01"] topics=["regression to the mean"] alt="Three panels over the ring of eight modes: data in the modes; the regression's answers near the middle of the ring, where no data are; samples of the conditional GAN, mostly in the modes"
asked = (torch.arange(2_000 * K) // K) % 4  # the same questions for each seed
sampled = game.sample(len(asked), asked, batch_size=len(asked))
with torch.no_grad():
    answered = regression(torch.zeros(len(asked), 0), asked)
nb15.answers({"data": world(300), "regression": (answered[::K], asked[::K]),
              "conditional GAN": (sampled[::K], asked[::K])}, ring.centers);

# %% [markdown]
# (The mark says which question it was; one seed of eight.) The regression's four answers lie $0.65 - 0.35 = 0.3$ of the way to the common mode, where no datum ever is. Its *one* answer has to stand for two. The GAN's answers lie in and between the modes of the question, most of them near the common one or the rare one. We count, for each seed: the share of [samples](glossary.md#sample) within three standard deviations of a mode of the question ("on subject"), of another question's mode ("off"), and, of those on subject, the share of the rare mode; and the *spread*, the mean distance of two answers to the same question.

# %% covers=["13.01", "13.03"]
def measures(x):
    """On subject, off, rare, spread of answers to `asked`, for each seed.  -> (K,) each"""
    x, c = x.detach().unflatten(0, (-1, K)), asked[::K]  # (n, K, 2), (n,)
    far, mode = torch.cdist(x.flatten(0, 1), ring.centers).min(1)
    inside, mode = (far < 3 * ring.sd).unflatten(0, (-1, K)), mode.unflatten(0, (-1, K))
    own = inside & (mode % 4 == c[:, None])
    rare = (own & (mode == c[:, None] + 4)).sum(0) / own.sum(0).clamp(min=1)
    pairs = [x[c == k][: (c == k).sum() // 2 * 2].unflatten(0, (-1, 2)) for k in range(4)]
    spread = torch.stack([(a[:, 0] - a[:, 1]).norm(dim=-1).mean(0) for a in pairs]).mean(0)
    off = (inside & ~own).float().mean(0)
    return {"on": own.float().mean(0), "off": off, "rare": rare, "spread": spread}


# %% [markdown]
# The truth can be computed. Two answers come from opposite modes with probability $2 \cdot 0.65 \cdot 0.35$ and are then about $2$ apart; else they are $\sqrt{\pi}$ standard deviations apart (the mean distance of two points of one round Gaussian).

# %% covers=["13.01", "13.03"]
opposite = 2 * COMMON * (1 - COMMON)
true_spread = opposite * 2 + (1 - opposite) * ring.sd * math.sqrt(math.pi)
TRUTH = {"on": 1 - math.exp(-9 / 2), "rare": 1 - COMMON, "spread": true_spread}
torch.manual_seed(SEED)
found = {"data": measures(right_answers(asked)), "regression": measures(answered),
         "game": measures(sampled)}  # fmt: skip
print("truth       ", {key: round(value, 3) for key, value in TRUTH.items()})
for name, row in found.items():
    print(f"{name:12}", *(f"{key} {v.min():.2f} to {v.max():.2f}  " for key, v in row.items()))

# %% [markdown]
# The regression is never on subject and has no spread; every seed of the game gives both kinds of answers. ([13](13_meet_the_family.ipynb#One-sharp-answer) shows the same with the next frame of a film.)

# %%
gap = (answered.unflatten(0, (-1, K)) - 0.3 * ring.centers[asked[::K]][:, None]).norm(dim=-1)
note("13.01", "regression: distance to the mean of the answers, largest", (0, 0.1), gap.max(),
     0, "0.3 of the way to the common mode", **TRAINED,
     says="Regression answers with the mean of all right answers: distance to it, at most.")
note("13.01", "regression: share on subject, largest", (0, 0.01),
     found["regression"]["on"].max(), 0, "eight seeds", **TRAINED)
note("13.01", "game: share on subject, least", (0.5, 1), found["game"]["on"].min(), 0,
     "eight seeds", **TRAINED)
note("13.01", "game: share of the rare mode, least", (0.05, 0.6),
     found["game"]["rare"].min(), 0,
     "eight seeds", **TRAINED)
note("13.03", "data: spread measured / computed", 1,
     found["data"]["spread"].mean() / true_spread, 0.06, "two opposite modes")
note("13.01", "data: share of the rare mode, mean", 0.35, found["data"]["rare"].mean(), 0.02,
     "world");

# %% [markdown]
# ### A caption
#
# Now pictures, and two words. A caption is a *kind* of garment ([FashionMNIST's label](00_start_here.ipynb#The-pictures)) and a *shade*: bright, if the mean grey of its lit pixels is above the median of its kind, else dark. Kind and shade make 20 captions, each true of some 3,000 pictures.

# %% covers=["13.01"] topics=["text to image"]
def tone(x):
    """Mean grey level of the lit pixels.  uint8 (n, 28, 28) -> (n,)"""
    lit = x > 25
    return (x * lit).sum((1, 2)).float() / lit.sum((1, 2)).clamp(min=1)


pixels, labels = images.train_images.cpu(), images.train_labels.cpu()
tones = torch.cat([tone(part) for part in pixels.split(5_000)])
middle = torch.stack([tones[labels == k].median() for k in range(10)])
caption = 2 * labels + (tones > middle[labels])
NAMES = [f"{shade} {kind}" for kind in images.classes for shade in ("dark", "bright")]
counts = caption.bincount(minlength=20)
print(f"{len(NAMES)} captions, of {counts.min():,} to {counts.max():,} pictures each")

# %% covers=["13.01"]
torch.manual_seed(SEED)
painter = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 784), nn.Tanh())
opt = torch.optim.Adam(painter.parameters(), lr=5e-3)
for _ in range(profile.pick(smoke=5, cpu=400, gpu=400)):
    row = torch.randint(len(pixels), (128,))
    answer = painter(one_hot(caption[row], 20).float())
    move(opt, mse_loss(answer, to_unit(pixels[row]).flatten(1)))
averages = torch.stack([to_unit(pixels[caption == k]).mean(0) for k in range(20)])

# %% covers=["13.01"]
with torch.no_grad():
    painted = painter(torch.eye(20)).unflatten(1, (1, 28, 28))
from_mean = (painted - averages).square().mean().sqrt()
from_real = torch.stack([(to_unit(pixels[caption == k][:500]) - averages[k]).square().mean()
                         for k in range(20)]).mean().sqrt()  # fmt: skip
print(f"root mean square over pixels (range 2): regression to the mean {from_mean:.3f}, "
      f"a real picture to the mean {from_real:.3f}")

# %% [markdown]
# The regression's picture *is* the mean picture, nearly: real ones are several times as far from it. And a conditional GAN? Three were trained for 1,000 steps and recorded, with small convolutional networks. We will see six captions: real pictures; the mean of them all; the regression; and samples of one GAN.

# %% covers=["13.01"]
drawn = recordings.load("15_captions")
print(drawn.about)
SHOWN = [0, 1, 5, 7, 11, 17]  # captions
print(", ".join(NAMES[k] for k in SHOWN))

# %% tags=["figure"] covers=["13.01"] alt="Rows of clothes for six captions: real ones; their means, blurred; the regression's pictures, as blurred as the means; two rows of GAN samples with edges, different from each other"
real = drawn.array("real", 0, "samples")
made = drawn.array("right pairs only", 0, "samples")
nb15.rows({"real": real[SHOWN, 0], "mean": averages[SHOWN], "regression": painted[SHOWN],
           "GAN, one z": made[SHOWN, 0], "another z": made[SHOWN, 1]});

# %% [markdown]
# The answer to the first question: a blurred picture, with half-sleeves from all shirts at once. Nobody owns such a shirt. The GAN's pictures are rough after so short a training, but they have edges, and another $z$ gives another picture.

# %%
note("13.01", "clothes: regression to the mean / real to the mean", (0, 0.3),
     from_mean / from_real, 0, "root mean squares", **TRAINED);

# %% [markdown]
# ## Right pairs, fake pairs, wrong pairs
#
# What is D to be shown? Certainly *right pairs*, a real $x$ with its own $c$, as "yes"; and *fake pairs*, $G(z, c)$ with $c$, as "no". A third kind is often added: *wrong pairs*, a real $x$ with the words of another, also as "no" (Reed et al. 2016: half of all "no"). G wants its fake pairs believed.
#
# Let wrong pairs be a share $w$ of all "no". For words $c$, let $q(x \mid c)$ be the [distribution](glossary.md#distribution) of G's samples, and $r(x \mid c)$ that of the real pictures which come with these words wrongly. D's best answer is, as ever, the share of "yes" among all that arrives with this $c$:
#
# $$D^\star(x, c) = \frac{p(x \mid c)}{p(x \mid c) + (1 - w)\, q(x \mid c) + w\, r(x \mid c)} .$$
#
# Read it for $w = 0$: the formula depends on $c$ already. A picture off the subject has $p(x \mid c) = 0$ and is unmasked *without* any wrong pair, once G makes it.
#
# ### Exercise 15.1 · Three kinds of pairs
#
# Write D's loss from its [scores](glossary.md#score) of the three kinds, with $D = \sigma(s)$: the mean of $-\log D$ over right pairs, plus $1 - w$ times the mean of $-\log(1 - D)$ over fake pairs, plus $w$ times that over wrong pairs. Scores may be large: use [`softplus`](glossary.md#softplus). {{help}}


# %% tags=["exercise"] covers=["13.02"] topics=["matching-aware discriminator", "mismatched pairs"]
def pairs_loss(s_right, s_fake, s_wrong, w):
    """D's loss over right, fake and wrong pairs.  (n,), (m,), (k,) scores, number -> ()"""
    # solution
    yes = softplus(-s_right).mean()
    return yes + (1 - w) * softplus(s_fake).mean() + w * softplus(s_wrong).mean()


# %%
pairs_loss = check("15.1", pairs_loss)
s = torch.randn(3, 16)
plain = pairs_loss(s[0], s[1], s[2], 0.0)
assert torch.isclose(plain, objectives.minimax.d_loss(s[0], s[1]), atol=1e-5)
print("without wrong pairs it is the package's loss of D:", f"{plain:.3f}")

# %% [markdown]
# ### What they ask of G, exactly
#
# D at its best measures how far $p$ is from *everything* that it calls "no". So G's aim has moved: $2\,\mathrm{JS}(p, m) - \log 4$ with $m = (1 - w)\,q + w\,r$ ([02](02_play_the_game.ipynb) has the case $w = 0$; JS is the [Jensen–Shannon divergence](glossary.md#js)). Where no picture fits two captions, $q = p$ is still best. But take two captions, "shirt" and "coat", and three kinds of pictures: 60 % of the shirts are nothing but shirts, 40 % could be coats as well, and likewise for coats. The wrong pairs of "shirt" are coats. **How many of G's shirts should be of the kind that could be either, if $w = 1/2$?** Guess, then see: we descend JS directly.

# %% covers=["13.02"]
p_shirt = torch.tensor([0.6, 0.4, 0.0], dtype=torch.float64)  # only shirt, either, only coat
p_coat = p_shirt.flip(0)


def js(p, m):
    """JS of shares, row by row, with 0 log 0 = 0.  (3,), (n, 3) -> (n,)"""
    half, log = (p + m) / 2, torch.xlogy
    return (log(p, p) - log(p, half) + log(m, m) - log(m, half)).sum(1) / 2


def best_q(w):
    """G's best shares of the three kinds of "shirt", for each w.  (n,) -> (n, 3)"""
    a = torch.zeros(len(w), 3, dtype=torch.float64, requires_grad=True)
    opt = torch.optim.Adam([a], lr=0.05)
    for _ in range(1_000):
        m = (1 - w)[:, None] * a.softmax(1) + w[:, None] * p_coat
        move(opt, js(p_shirt, m).sum())
    return a.detach().softmax(1)


# %% [markdown]
# And on paper. At the best $q$ no mass gains by moving, so $m$ is in proportion to $p$ wherever G puts any: $(1 - w)\,q = \kappa\,p - w\,r$, with $\kappa$ such that $q$ sums to one. For our shirts that gives
#
# $$q(\text{either}) = \frac{0.4\,(1 - 1.6\,w)}{1 - w} \ \text{ for } w \le 5/8, \text{ and then } 0 .$$

# %% covers=["13.02"]
ws = torch.linspace(0, 0.75, 16, dtype=torch.float64)
on_paper = (0.4 * (1 - 1.6 * ws) / (1 - ws)).clamp(min=0)
descended = best_q(ws)[:, 1]
print("largest difference of paper and descent:", f"{(on_paper - descended).abs().max():.4f}")
print(f"either: w = 0 {descended[0]:.3f}, w = {ws[10]:g} {descended[10]:.3f}")
assert (on_paper - descended).abs().max() < 0.01

# %% tags=["figure"] covers=["13.02"] alt="The share of pictures that fit both captions which is best for G: 0.4 without wrong pairs, as in the data; falling faster and faster, to zero at five eighths"
nb15.best_shares(ws, on_paper, 0.4);

# %% [markdown]
# With half of the "no" being wrong pairs, the best G makes only 16 % instead of 40 %. **With wrong pairs, G's best answer is no longer the data where captions overlap**: it prefers pictures that fit *these words and no others*. That can be what one wants, a typical shirt; but it is not $p(x \mid c)$. (Guidance, with which today's models are made to follow a prompt more closely, makes a bargain of the same kind.)
#
# ### What they do in training
#
# In the small world no answer fits two questions. So theory says: no difference at the end. We train with none, a fifth and a half, eight seeds each.

# %%
def adams(*nets):
    """An optimiser for each: Adam without momentum."""
    return [torch.optim.Adam(net.parameters(), 1e-3, (0.0, 0.99), fused=True) for net in nets]


def calm_down(opts, share):
    """After half of all steps, the step size falls to 0 in a straight line."""
    for opt in opts:
        opt.param_groups[0]["lr"] = 1e-3 * min(1, 2 * (1 - share))


# %% covers=["13.02", "13.03"]
def other(c):
    """Another question for each, at random."""
    return (c + torch.randint(1, 4, c.shape)) % 4


def play(G, n_z, steps, w=0.0, l1=0.0, looks=()):
    """Train G against a D of its own.  -> {step: measures}"""
    D, found = Asked(2, 1), {}
    d_opt, g_opt = opts = adams(D, G)
    for n in range(1, steps + 1):
        calm_down(opts, n / steps)
        x, c = world(64 * K)
        fake = G(torch.randn(len(c), n_z), c)
        loss = pairs_loss(D(x, c), D(fake.detach(), c), D(x, other(c)), w)
        move(d_opt, loss + calm.penalty(lambda u, c=c: D(u, c), x, fake))
        near = l1 * (fake - x).abs().sum(1).mean()
        move(g_opt, softplus(-D(fake, c)).mean() + near)
        if n in looks or n == steps:
            found[n] = measures(G(torch.randn(len(asked), n_z), asked))
    return found


# %% covers=["13.02"]
steps = profile.pick(smoke=4, cpu=1_000, gpu=1_000)
looks = profile.pick(smoke=(2,), cpu=(50, 100, 200, 400, 700), gpu=(50, 100, 200, 400, 700))
by_w = {}
with profile.plan(steps=3 * steps, about=30):
    for w in (0.0, 0.2, 0.5):
        torch.manual_seed(SEED)
        by_w[f"w = {w:g}"] = play(Asked(2, 2), 2, steps, w=w, looks=looks)

# %% tags=["figure"] covers=["13.02"] alt="Left: share on subject over the steps, which rises soonest with half wrong pairs. Right: share of the rare mode, near its true value without wrong pairs, lower with a fifth, and near zero with half"
nb15.over_steps(by_w, {"on": "share on subject", "rare": "share of the rare mode"}, TRUTH);

# %% covers=["13.02"]
ends = {name: found[steps] for name, found in by_w.items()}
for name, row in ends.items():
    print(f"{name:8}", *(f"{key} {v.min():.2f} to {v.max():.2f}  " for key, v in row.items()))

# %% [markdown]
# (Lines: medians of eight seeds; bands: all of them; dotted: the truth.) Both sides of the bargain. Wrong pairs make G keep to the subject, and soon: with a half, all seeds are on subject at the end. But **most of the eight seeds gave up the rare answer**: their share of it is next to 0; with a fifth, there is less of it than without (medians). Nothing in $D^\star$ asks for that. It is the way there: which games have the rare answer after 200 steps, and which bring it back? A likely reason: with a half, only half of D's "no" is about G, and crowding is hardly punished.
#
# Without wrong pairs no seed answered in another question's mode either, at the end; the rest lies in no mode. So the honest answer to the second question: yes, G obeys sooner; and here variety was lost by it.

# %%
none, fifth, half = ends.values()
early = [by_w[w][looks[len(looks) // 3]]["on"].median() for w in ("w = 0.5", "w = 0")]
note("13.02", "best share of the picture that fits both, w = 1/2", 0.16, descended[10], 0.002,
     "G's best answer, descended",
     says="Half of D's 'no' wrong pairs: G's best share of what fits both (data: 0.4).")
note("13.02", "best share of the picture that fits both, w = 0", 0.4, descended[0], 0.002,
     "q = p")
note("13.02", "w = 0.5: share of the rare mode, median of eight seeds", (0, 0.1),
     half["rare"].median(), 0, "eight seeds", **TRAINED,
     says="Half wrong pairs: share of the rare answer (data: 0.35), median of eight seeds.")
for claim, expected, value in (
    ("w = 0: share of the rare mode, least", (0.03, 0.4), none["rare"].min()),
    ("share of the rare mode, medians, w = 0 - w = 0.2", (0.01, 0.4),
     none["rare"].median() - fifth["rare"].median()),
    ("w = 0.5: share on subject, least", (0.9, 1), half["on"].min()),
    ("w = 0: share off, most", (0, 0.02), none["off"].max()),
    ("share on subject after 100 steps, w = 0.5 - w = 0", (0.2, 1), early[0] - early[1]),
):
    note("13.02", claim, expected, value, 0, "eight seeds", **TRAINED)


# %% [markdown]
# ## When G ignores its noise
#
# Often a condition is a whole picture, edges say, and a single photograph is known for it. Then one adds to G's loss how far its answer is from *that* photograph, most often with absolute values (**L1**): pix2pix (Isola et al. 2017). It calms the training. But what does L1 ask for? Its best single answer is the *median*: in our world the common mode, every time. A G that obeys L1 has no use for $z$.
#
# Isola et al. saw just that, left $z$ out, and took **dropout** for noise: while samples are drawn, too, each hidden number is set to 0 with probability 1/2. They report only a little variety from it. We play four games, now with all pairs right: L1 with a weight of 1 and $z$; dropout without $z$, without L1 and with it; and the game with $z$ alone from above.

# %% covers=["13.03"] topics=["pix2pix", "dropout as noise"]
def dropping():
    """ReLU, and dropout that stays on: it is the noise."""
    return nn.Sequential(nn.ReLU(), nn.Dropout(0.5))


noise = {"z": ends["w = 0"]}
with profile.plan(steps=3 * steps, about=25):
    for name, n_z, l1 in (("z, L1", 2, 1.0), ("dropout", 0, 0.0), ("dropout, L1", 0, 1.0)):
        torch.manual_seed(SEED)
        G = Asked(n_z, 2) if n_z else Asked(0, 2, dropping)
        noise[name] = play(G, n_z, steps, l1=l1)[steps]
for name, row in noise.items():
    print(f"{name:12}", *(f"{key} {v.min():.2f} to {v.max():.2f}  " for key, v in row.items()))

# %% tags=["figure"] covers=["13.03"] alt="Spread of the answers to one question for four games, eight seeds each: near the true 0.96 with z alone; near zero with z and L1; in between with dropout, and uneven without L1"
spreads = {name: row["spread"] for name, row in noise.items()}
nb15.dots(spreads, "spread of the answers to a question", true_spread, (0, 1.15));

# %% [markdown]
# With L1 *every* seed ignores $z$: the spread is no more than that of one narrow mode, and the rare answer has gone. Dropout does bring spread, but look at what kind: most of the samples are in *no* mode. Half of the hidden numbers fall away at random, and our small G does not shape such noise into two sharp answers; it makes a smear, mostly around the common one. Some variety, and the wrong one.

# %%
drops = [noise[name] for name in ("dropout", "dropout, L1")]
smear = torch.cat([row["spread"] for row in drops]) / true_spread
note("13.03", "z and L1: spread / true spread, most of eight seeds", (0, 0.15),
     spreads["z, L1"].max() / true_spread, 0, "eight seeds", **TRAINED,
     says="With L1 beside D, G ignores its noise: spread / true spread, most of eight.")
for claim, expected, value in (
    ("z alone: spread / true spread, least", (0.6, 1.2), spreads["z"].min() / true_spread),
    ("z and L1: share of the rare mode, most", (0, 0.02), noise["z, L1"]["rare"].max()),
    ("dropout: spread / true spread, least", (0.15, 0.8), smear.min()),
    ("dropout: spread / true spread, most", (0.15, 1.3), smear.max()),
    ("dropout: share on subject, most", (0.1, 0.5), max(row["on"].max() for row in drops)),
):
    note("13.03", claim, expected, value, 0, "eight seeds", **TRAINED)

# %% [markdown]
# ### The same with clothes
#
# Captions again, three seeds of 1,000 steps each, recorded: right pairs only; half wrong pairs; L1 with pix2pix's weight of 100, with $z$ or with dropout. Does a sample have the right *kind* (a classifier says so) and the right *shade* (we compute it)? And how various are the samples of one caption: the mean distance of two, divided by that of two real pictures? The [FFD](00_start_here.ipynb#What-we-measure) says how far 1,000 samples are from real pictures; less is better.

# %% covers=["13.02", "13.03"]
WAYS = ("right pairs only", "half wrong pairs", "L1 + D, z", "L1 + D, dropout")
kind, shade = ({name: drawn.value(name, "obeyed")[:, -1, i] for name in WAYS} for i in (1, 2))
print(f"kind of real pictures: {drawn.value('real', 'obeyed')[:, -1, 1].mean():.2f}")
variety = {name: drawn.value(name, "diversity") / drawn.value("real", "diversity").mean()
           for name in WAYS}  # fmt: skip
for name in WAYS:
    print(f"{name:18}", *(f"{what} {v.min():.2f} to {v.max():.2f}  " for what, v in
          (("kind", kind[name]), ("shade", shade[name]), ("variety", variety[name]))),
          f"FFD {np.median(drawn.value(name, 'ffd')):.0f}")  # fmt: skip

# %% tags=["figure"] covers=["13.03"] alt="Variety of the samples of a caption for four trainings, three seeds each; at one stand real pictures"
nb15.dots(variety, "variety, 1 = real pictures", 1.0, (0, 1.1));

# %% [markdown]
# With half wrong pairs each of three seeds obeys both words better than any seed without, and each varies less: the bargain of the small world, but a mild one, and by FFD it was even a gain. Here wrong pairs are worth their place. (No picture fits two captions, so $D^\star$ asks for no loss. And a sample of the wrong kind counts as variety, so obedience alone takes some away.)
#
# L1 lowers the variety to little more than half, with every seed. G has not stopped listening to $z$; it listens less. And dropout in the place of $z$ gives about the same variety. A smear shows less here, perhaps because an average of neighbouring garments still looks like a garment.
#
# Play: choose a caption, and walk through six neighbours on a circle of $z$. **With which G does the picture change most along the circle, and with which least? Is there a caption for which the samples are not of its kind?**

# %% tags=["widget"] topics=["latent walk"] alt="Six pictures of a bright ankle boot, neighbours on a circle of latents"
walks = {name: drawn.array(name, 0, "walk") for name in WAYS[:3]}
explore(nb15.walk_explorer(walks, NAMES), size=(7.2, 1.9), G=list(walks), caption=NAMES[::-1],
        place=(0, 11, 0))

# %%
for what, shares in (("kind", kind), ("shade", shade)):
    ahead = shares["half wrong pairs"].min() - shares["right pairs only"].max()
    claim = f"clothes, {what}: half wrong pairs, least - right pairs only, most"
    note("13.02", claim, (0, 0.3), ahead, 0, "three seeds each")
usual, mixed, pulled, dropped = variety.values()
for claim, expected, value in (
    ("right pairs only, least - half wrong pairs, most", (0, 0.3), usual.min() - mixed.max()),
    ("L1 + D, z, most", (0.5, 0.6), pulled.max()),
    ("L1 + D, z - dropout, medians", (-0.1, 0.1), np.median(pulled) - np.median(dropped)),
):
    note("13.03", f"clothes, variety: {claim}", expected, value, 0, "three seeds each")
right, half_wrong = (drawn.value(name, "ffd") for name in WAYS[:2])
note("13.02", "clothes, FFD: right pairs only, least - half wrong pairs, most", (0, 5),
     right.min() - half_wrong.max(), 0, "1,000 samples");

# %% [markdown]
# ## A D that knows the classes
#
# Up to now labels steered G. They can also be D's task ([semi-supervised](glossary.md#semi-supervised-learning): a few labelled pictures, many without). Give D $K$ [logits](glossary.md#logit) $l_1 \dots l_K$, one for each class of data, and beside them one for "sample": $K + 1$ *classes* (Odena 2016, Salimans et al. 2016). Softmax does not notice if the same number is added to all logits, so that of "sample" can be fixed at 0. Then
#
# $$D(x) = \frac{Z(x)}{Z(x) + 1} = \sigma(\log Z(x)), \qquad Z(x) = \sum_{k=1}^K e^{l_k(x)} .$$
#
# So D's score is $\log Z$, a `logsumexp`, and no extra output is needed. (In formulas $K$ counts classes, or codes; in the code `K` is our eight seeds.) The losses:
#
# - *supervised*, for pictures with a label: $-\log p(y \mid x, \text{data})$, a softmax over the $K$ classes of data only;
# - *unsupervised*, for data without labels and samples: $-E \log D(x) - E \log(1 - D(G(z)))$, as in any GAN.
#
# ### Exercise 15.2 · Both losses from K logits
#
# Write them: `l_labelled` with labels `y`, `l_data` and `l_fake` are the logits of three batches. Logits may be large. {{help}}


# %% tags=["exercise"] covers=["13.04"] topics=["K+1 classes", "semi-supervised learning"]
def class_losses(l_labelled, y, l_data, l_fake):
    """Supervised and unsupervised loss.  (n, K), (n,), (m, K), (k, K) -> (), ()"""
    # solution
    z_data, z_fake = l_data.logsumexp(1), l_fake.logsumexp(1)  # log Z, the score
    supervised = cross_entropy(l_labelled, y)
    return supervised, softplus(-z_data).mean() + softplus(z_fake).mean()


# %% covers=["13.04"]
class_losses = check("15.2", class_losses)
logits, y = torch.randn(16, 10), torch.randint(10, (16,))
beside = torch.cat([logits, torch.zeros(16, 1)], 1)  # an eleventh logit, fixed at 0
D = 1 - beside.softmax(1)[:, 10]  # 1 - P(sample)
supervised, unsupervised = class_losses(logits, y, logits, logits)
joint = cross_entropy(beside, y)  # -log P(class y, and data)
assert torch.allclose(D, logits.logsumexp(1).sigmoid(), atol=1e-6)
assert torch.isclose(joint, supervised - D.log().mean(), atol=1e-5)
print(f"eleven classes {joint:.4f} = which class {supervised:.4f} "
      f"+ is it data {-D.log().mean():.4f}")

# %% [markdown]
# The last line is the chain rule: of all eleven classes, "data of class $y$" has the probability $D$ times $p(y \mid x, \text{data})$.
#
# Why should the unlabelled pictures help to tell *classes*? The unsupervised loss wants $\log Z$ high on all data: at least one class must claim each picture; and low on samples. If samples lie between the classes of data, D has to draw its borders there, where no data are. For that G must not be too good. Salimans et al. train it by [**feature matching**](glossary.md#feature-matching): G makes the mean of D's features over its samples equal to that over data,
#
# $$J^{(G)} = \bigl\lVert E_p f(x) - E_z f(G(z)) \bigr\rVert ,$$
#
# and no longer the score. The features $f$ are D's last hidden layer. Such samples are not pretty; for this use they need not be.

# %% covers=["13.04"] topics=["feature matching"]
def feature_matching(f_data, f_fake):
    """Mean absolute difference of the mean features.  (n, d), (m, d) -> ()"""
    return (f_data.mean(0) - f_fake.mean(0)).abs().mean()


f, one_point = torch.eye(8).repeat(2, 1), torch.full((16, 8), 1 / 8)
print(f"sixteen points, and sixteen times their mean: {feature_matching(f, one_point):.3f}")

# %% [markdown]
# One point at the mean is "matched": means alone do not see a collapse. It is D, which learns other features all the time, that makes it more than this.

# %%
note("13.04", "K + 1 classes: -log P(y and data) - supervised + log D", 0,
     joint - supervised + D.log().mean(), 1e-5, "chain rule",
     says="Eleven classes are two questions, which class and is it data: difference.")
note("13.04", "feature matching: one point at the mean", 0,
     feature_matching(f, one_point), 1e-6, "eight features");

# %% [markdown]
# ## Twenty labels
#
# The test: FashionMNIST with sides halved, 14 × 14 pixels; $n = 20, 50, 100, 200$ labels, as many of each class, and ten *draws* of which pictures have their label. Networks are MLPs; D has noise before every layer, a strong regulariser. Two trainings for each draw, of 1,000 steps of 64 each:
#
# - **labels only**: the same D, the same noise, the same labels, step size and [averaged weights](glossary.md#ema), with the supervised loss alone;
# - **with G**: besides, half the unsupervised loss, on all 60,000 pictures, without labels, and feature matching for G.
#
# Only with such a twin does a result mean anything. Guess the gain at 20 labels, in points of 100.

# %% covers=["13.05"]
few = recordings.load("15_labels")
N_LABELS = (20, 50, 100, 200)
alone, helped = (np.array([few.value(f"{n}, {name}", "errors")[:, -1] / 100 for n in N_LABELS])
                 for name in ("labels only", "with G"))  # fmt: skip
for n, a, b in zip(N_LABELS, alone, helped, strict=True):
    error = (a - b).std(ddof=1) / math.sqrt(10)
    print(f"{n:3} labels: errors {a.mean():.1f} ± {a.std(ddof=1):.1f} %, "
          f"with G {b.mean():.1f} ± {b.std(ddof=1):.1f} %; gain {(a - b).mean():.1f} ± "
          f"{error:.1f}, in {(a > b).sum()} of 10 draws")  # fmt: skip

# %% tags=["figure"] covers=["13.05"] alt="Left: errors in percent for 20, 50, 100 and 200 labels, ten draws each, with labels only and with G. Right: the gain of each draw, around a small positive mean"
nb15.few_labels(N_LABELS, alone, helped);

# %% [markdown]
# The honest result: **the gain is small.** With each number of labels the mean is above 0, by about one point or less, and most draws gain; three of the forty lose more than two points. (The ± of a gain is its standard error. Each mean is less than three of them above 0, so none is beyond doubt, and the draws are not independent: a draw of 50 contains that of 20.) *Which* pictures have their labels matters more: with labels only, the draws differ by more than G gains (one standard deviation). So does a GAN help a classifier? Here perhaps by a point, and it takes more than three times as long.
#
# Beside it the published table, numbers of errors among 10,000 test images of MNIST (Salimans et al. 2016; ± is the standard deviation over ten draws of labels):
#
# | labels | 20 | 50 | 100 | 200 |
# |---|---|---|---|---|
# | their model | 1677 ± 452 | 221 ± 136 | 93 ± 6.5 | 90 ± 4.2 |
# | ensemble of ten of them | 1134 ± 445 | 142 ± 96 | 86 ± 5.6 | 81 ± 4.3 |
#
# and errors in percent on two sets of small photographs:
#
# | | labels | their model | ensemble |
# |---|---|---|---|
# | CIFAR-10 | 1,000 | 21.83 ± 2.01 | 19.22 ± 0.54 |
# | | 2,000 | 19.61 ± 2.09 | 17.25 ± 0.66 |
# | | 4,000 | 18.63 ± 2.32 | 15.59 ± 0.47 |
# | | 8,000 | 17.72 ± 1.82 | 14.87 ± 0.89 |
# | SVHN | 500 | 18.44 ± 4.8 | |
# | | 1,000 | 8.11 ± 1.3 | 5.88 ± 1.0 |
# | | 2,000 | 6.16 ± 0.58 | |
#
# These are other data, larger networks and far longer trainings (300 epochs in their program for MNIST; ours sees each picture about once), so no number of ours may be set against one of theirs. Digits fall into ten separate groups; a shirt, a coat and a pullover do not, and what the borders between them are, only labels can say. And the table has no row for the same network without unlabelled data: that the model is good, it shows; how much G did for it, it does not.

# %%
gains = alone - helped
note("13.05", "few labels: mean gain, least of four", (0, 1), gains.mean(1).min(), 0,
     "points", says="Few labels: points of error that G saved, the least of four means.")
note("13.05", "few labels: mean gain, most of four", (0.5, 1.6), gains.mean(1).max(), 0,
     "points")
note("13.05", "few labels: draws that gained, fewest", 7, (gains > 0).sum(1).min(), 0, "of 10")
errors = gains.std(1, ddof=1) / math.sqrt(10)
note("13.05", "few labels: mean gain / standard error, most", (1, 3),
     (gains.mean(1) / errors).max(), 0, "ten draws each")
note("13.05", "few labels: draws that lost more than 2 points", 3, (gains < -2).sum(), 0,
     "of 40")
note("13.05", "few labels: standard deviation over draws / mean gain, least", (1, 20),
     (alone.std(1, ddof=1) / gains.mean(1)).min(), 0, "four numbers of labels")
seconds = {n: [few.value(f"{n}, {name}", "seconds")[0] for name in ("with G", "labels only")]
           for n in N_LABELS}  # fmt: skip
longer = [with_G / only for with_G, only in seconds.values()]
note("13.05", "few labels: time with G / labels only, least", (3, 6), min(longer), 0,
     "one core");

# %% [markdown]
# ## Codes that G invents
#
# No labels at all. G gets a *code* $c$, drawn evenly from $K$ values, beside its $z$; nobody says what it should mean. [**InfoGAN**](glossary.md#infogan) (Chen et al. 2016) demands that one can *find it again*: a network $Q$ looks at $G(z, c)$ and answers with probabilities of the codes, and both G and Q minimise $-\log Q(c \mid x)$, besides the game with D. That raises a bound of the mutual information of code and sample:
#
# $$L_I = H(c) + E \log Q(c \mid G(z, c)) \;\le\; I(c; x) \;\le\; H(c) = \log K .$$
#
# The gap of the first is $E_x\, \mathrm{KL}(P(c \mid x) \,\|\, Q(c \mid x))$, never negative ([KL](glossary.md#kl)). The bound is *full*, $\log K$, when $Q$ is always sure and right.
#
# ### Exercise 15.3 · The bound
#
# Write $L_I$ from $Q$'s logits for a batch and the codes that were drawn, in nats. {{help}}


# %% tags=["exercise"] covers=["13.06"] topics=["InfoGAN", "mutual information"]
def information(logits, code):
    """L_I = log K + mean log Q(code | x).  (n, K), (n,) -> ()"""
    # solution
    return math.log(logits.shape[1]) - cross_entropy(logits, code)


# %%
information = check("15.3", information)
sure, guess = 50 * torch.eye(8), torch.zeros(8, 8)
print(f"log 8 = {math.log(8):.4f};  sure and right {information(sure, torch.arange(8)):.4f}, "
      f"guessing {information(guess, torch.arange(8)):.4f}")
assert torch.isclose(information(sure, torch.arange(8)), torch.tensor(math.log(8)), atol=1e-4)

# %% [markdown]
# How well do codes and classes agree? Count, for each code, the classes of its samples: a table. The codes' numbers mean nothing, so we look for the *matching*, one class for each code, that makes the sum of the matched counts largest (the Hungarian method), and take the share of matched samples. Why is $L_I$ not enough? Imagine ten codes that all make T-shirts, in ten styles that $Q$ can tell:

# %% covers=["13.06"] topics=["Hungarian matching"]
def matched(table):
    """The share of counts on the best one-to-one matching of rows and columns."""
    return table[linear_sum_assignment(table, maximize=True)].sum() / table.sum()


T_shirts = np.zeros((10, 10))
T_shirts[:, 0] = 100
print(f"ten styles of T-shirt: L_I {math.log(10):.3f}, the most there is; matched "
      f"{matched(T_shirts):.0%}")

# %% [markdown]
# Now a real one: ten codes, and one continuous code $u$ between $-1$ and $1$ besides (where Chen et al. found the azimuth and the elevation of faces); $Q$ is a second head on D's features. Three seeds, 1,000 steps, recorded; the classes are those that the classifier sees.

# %% covers=["13.06"]
invented = recordings.load("15_codes")
for name in ("with Q", "without"):
    L, counts = invented.value(name, "L_I"), invented.value(name, "table")
    shares = [matched(table) for table in counts]
    print(f"{name:8} L_I, at most {math.log(10):.2f}:", *(f"{v:.2f}" for v in L), "  matched",
          *(f"{v:.0%}" for v in shares), "  correlation of u and tone",
          *(f"{v:+.2f}" for v in invented.value(name, "u_tone")))  # fmt: skip

# %% tags=["figure"] covers=["13.06"] alt="Tables of codes and classes for three seeds: no diagonal, rows with a few pale cells, and one class that many codes share"
counts = invented.value("with Q", "table")
nb15.tables({f"seed {k}": counts[k] for k in range(3)}, images.classes);

# %% tags=["figure"] covers=["13.06"] topics=["interpretable codes"] alt="Ten rows of rough clothes, one for each code of one generator, ten samples each; a row holds several kinds of garments"
codes = invented.array("with Q", 0, "samples")
nb15.rows({f"code {k}": codes[k] for k in range(10)});

# %% [markdown]
# The bound is all but full with every seed: $Q$ finds the code again nearly always. **And the codes are not the classes**: on the best matching only about a third of the samples agree, or fewer. (Without $Q$ it is about an eighth, mostly chance.) Several codes share one class, other classes have no code of their own. (The pictures are rough, so the classifier has to guess; a longer training may agree better.) That is the answer to the last question. $L_I$ speaks about the pair of G and $Q$, and about nothing else: the two agreed on *some* signal, and whether it is a kind of garment, a shade, or a pattern of pixels that we would not call a meaning, the bound does not say. (With the digits of MNIST, published codes and classes fell together far better.)
#
# The continuous code is found again as well, but its correlation with the tone has another size from seed to seed. (The sign is free: $-u$ would serve as well.) And the FFD of all three is worse than without $Q$: at this weight, it seems, the signal takes its room from the picture.

# %%
L = {name: invented.value(name, "L_I") for name in ("with Q", "without")}
shares = {name: [matched(table) for table in invented.value(name, "table")] for name in L}
note("13.06", "clothes: L_I / log 10, least of three seeds", (0.9, 1),
     L["with Q"].min() / math.log(10), 0, "recorded",
     says="Clothes, ten codes: the bound / log 10, the least of three seeds;")
note("13.06", "clothes: matched share, most of three seeds", (0.15, 0.4),
     max(shares["with Q"]), 0, "recorded",
     says="and the share that the best matching of codes and classes explains, most.")
note("13.06", "clothes, without Q: matched share, most of three seeds", (0.1, 0.15),
     max(shares["without"]), 0, "recorded")
with_Q, without = (invented.value(name, "ffd") for name in L)
note("13.06", "clothes: FFD with Q, least - without, most", (5, 30),
     with_Q.min() - without.max(), 0, "2,000 samples")
note("13.06", "clothes: correlation of u and its guess, least", (0.8, 1),
     invented.value("with Q", "u_found").min(), 0, "recorded")
note("13.06", "clothes: correlation of u and tone, largest - least", (0.3, 2),
     np.ptp(invented.value("with Q", "u_tone")), 0, "three seeds");

# %% [markdown]
# ### Deeper: eight codes, eight modes
#
# You see InfoGAN at its best, on the ring, where the meaning of a code can be counted without a classifier; or skip to [what to keep](#What-to-keep).

# %% [markdown]
# The ring with its eight modes, now all equal and without questions; eight codes, eight seeds; a table of codes and (nearest) modes. Will each code become a mode? Beside it the same game in which G does not hear of $Q$.

# %% covers=["13.06"]
def coded(n):
    """z and code as one vector, and the code.  -> (n, 10), (n,)"""
    code = torch.randint(8, (n,))
    return torch.cat([torch.randn(n, 2), one_hot(code, 8).float()], 1), code


def invent(steps, weight):
    """G, D and Q; G hears of Q with this weight.  -> samples (n K, 2), codes, Q's logits"""
    G, D, Q = (SideBySide(K, [i, 64, 64, out]) for i, out in ((10, 2), (2, 1), (2, 8)))
    d_opt, q_opt, g_opt = opts = adams(D, Q, G)
    for n in range(1, steps + 1):
        calm_down(opts, n / steps)
        x, (z, code) = ring.sample(64 * K), coded(64 * K)
        fake = G(z)
        slope = calm.penalty(lambda u: D(u)[:, 0], x, fake)
        move(d_opt, calm.d_loss(D(x), D(fake.detach())) + slope)
        move(q_opt, cross_entropy(Q(fake.detach()), code))
        move(g_opt, calm.g_loss(D(fake)) + weight * cross_entropy(Q(fake), code))
    with torch.no_grad():
        z, code = coded(1_000 * K)
        return G(z), code, Q(G(z))


# %% covers=["13.06"]
steps = profile.pick(smoke=4, cpu=1_000, gpu=1_000)
bound, agree, tables = {}, {}, {}
with profile.plan(steps=2 * steps, about=22):
    for name, weight in (("with Q", 1.0), ("without", 0.0)):
        torch.manual_seed(SEED)
        x, code, logits = (t.unflatten(0, (-1, K)) for t in invent(steps, weight))
        mode = torch.cdist(x.flatten(0, 1), ring.centers).argmin(1).unflatten(0, (-1, K))
        tables[name] = [np.bincount((8 * code + mode)[:, k], minlength=64).reshape(8, 8)
                        for k in range(K)]  # fmt: skip
        bound[name] = [float(information(logits[:, k], code[:, k])) for k in range(K)]
        agree[name] = [matched(table) for table in tables[name]]
        print(f"{name:8} L_I", *(f"{v:5.2f}" for v in bound[name]), "  matched",
              *(f"{v:4.0%}" for v in agree[name]))  # fmt: skip

# %% [markdown]
# With $Q$, every seed fills the bound and gives each mode a code of its own: eight codes, eight modes, matched without remainder. Without $Q$, G has no reason to listen to its code. In the stored run seven seeds hardly do, and codes and modes are matched about as well as by chance; one listens a little, unasked, for a code is noise too. (That is a sixth or so, not an eighth: the best of many matchings flatters.)
#
# This is InfoGAN at its best. Mind what helped: as many codes as modes, equally likely, far apart.

# %%
note("13.06", "ring, with Q: L_I, least of eight seeds", math.log(8), min(bound["with Q"]),
     0.05, "log 8", **TRAINED)
note("13.06", "ring, with Q: matched share, least", (0.95, 1), min(agree["with Q"]), 0,
     "eight seeds", **TRAINED)
note("13.06", "ring, without Q: matched share, most", (0.125, 0.4), max(agree["without"]), 0,
     "eight seeds", **TRAINED)
note("13.06", "ring, without Q: matched share, median", 1 / 6, np.median(agree["without"]),
     0.03, "eight seeds", **THIS_RUN);

# %% [markdown]
# ## Deeper: no pairs at all
#
# You train two generators that translate between two worlds without a single pair (CycleGAN), find which wrong maps have no loss at all, and see what the middle picture hides; or skip to [what to keep](#What-to-keep).

# %% [markdown]
# In **CycleGAN** (Zhu et al. 2017) there are pictures of kind $X$ and of kind $Y$, but none belong together. $F$ maps $X$ to $Y$, $B$ maps back; one D looks at each world; and there and back again must lead home, $B(F(x)) = x$ and $F(B(y)) = y$, in L1, here with a weight of 10.
#
# Our $X$ is the ring of eight modes. Our $Y$ is the same ring, turned by half a step, and we say that the *true* map is this turn. How many others are as good? Whatever carries ring onto ring and can be undone: 8 turns and 8 reflections do it without any stretching, and a network that bends may take any of the $8! = 40{,}320$ orders of the modes. All have a cycle loss of 0 and deceive both D's.

# %%
TURN = math.pi / 8
R = torch.tensor([[math.cos(TURN), math.sin(TURN)], [-math.sin(TURN), math.cos(TURN)]])


def turned(n):
    """Y: the ring, turned by half a step.  -> (n, 2)"""
    return ring.sample(n) @ R


def halved(n):
    """Another Y: only the modes 0, 2, 4 and 6 of the ring.  -> (n, 2)"""
    return ring.centers[2 * torch.randint(4, (n,))] + ring.sd * torch.randn(n, 2)


def cycle(Y, steps, weight):
    """F: X -> Y and B: Y -> X, trained without pairs; weight of the way home and back."""
    sizes = [2, 64, 64, 2], [2, 64, 64, 2], [2, 64, 64, 1], [2, 64, 64, 1]
    F, B, D_X, D_Y = (SideBySide(K, size) for size in sizes)
    g_opt, d_opt = opts = adams(nn.ModuleList([F, B]), nn.ModuleList([D_X, D_Y]))
    for n in range(1, steps + 1):
        calm_down(opts, n / steps)
        x, y = ring.sample(64 * K), Y(64 * K)
        to_y, to_x = F(x), B(y)
        loss = 0
        for D, real, fake in ((D_X, x, to_x.detach()), (D_Y, y, to_y.detach())):
            loss = loss + calm.d_loss(D(real), D(fake))
            loss = loss + calm.penalty(lambda u, D=D: D(u)[:, 0], real, fake)
        move(d_opt, loss)
        home = (B(to_y) - x).abs().sum(1).mean() + (F(to_x) - y).abs().sum(1).mean()
        move(g_opt, calm.g_loss(D_X(to_x)) + calm.g_loss(D_Y(to_y)) + weight * home)
    return F, B


def by_seed(rows):
    """(n K, 2) -> (K, n, 2)"""
    return rows.detach().unflatten(0, (-1, K)).transpose(0, 1)


# %%
torch.manual_seed(SEED)
steps = profile.pick(smoke=4, cpu=1_000, gpu=1_000)
with profile.plan(steps=2 * steps, about=45):
    F_turn, B_turn = cycle(turned, steps, 10)
    F_half, B_half = cycle(halved, steps, 0.1)
centers_Y = ring.centers @ R
placed = by_seed(F_turn(ring.centers.repeat_interleave(K, 0)))  # (K, 8, 2)
x = ring.sample(2_000 * K)
there = F_turn(x)
home = by_seed(B_turn(there) - x).norm(dim=-1).mean(1)
on_Y = (torch.cdist(there, centers_Y).min(1).values < 3 * ring.sd).unflatten(0, (-1, K))
on_Y = on_Y.float().mean(0)
left, came = torch.cdist(x, ring.centers).argmin(1), torch.cdist(there, centers_Y).argmin(1)
true_map = (left == came).unflatten(0, (-1, K)).float().mean(0)
print("seed       home again within   in a mode of Y   where the true map sends it")
for k in range(K):
    print(f"{k:4} {home[k]:20.3f} {on_Y[k]:16.0%} {true_map[k]:20.0%}")

# %% tags=["figure"] topics=["CycleGAN", "cycle consistency"] alt="For four seeds, the numbers of the modes of X where F puts them in Y: a different order each time"
nb15.maps(placed[:4], centers_Y, [f"seed {k}" for k in range(4)]);

# %% [markdown]
# Every seed comes home within a fraction of a mode's width, and in the stored run most of its points lie in modes of $Y$. By these measures all eight have succeeded there. And hardly a point is where the true map sends it: each found *an* order (the four drawn: a turn or a reflection), and none found the right one. (Of sixteen turns and reflections one is right: with other random numbers one of the eight is often lucky. The reflection that agrees in two modes of eight scores a quarter.) **Neither D nor the cycle can know which picture belongs to which.** What helps CycleGAN on pictures, it seems, is that its networks change little to begin with; a horse becomes the zebra in the same pose because that is the easy map, not because a loss demands it. A pair or two would tell. With [clothes and their edges](#Deeper:-clothes-and-their-edges) you can see how far either goes.

# %% [markdown]
# ### What the middle picture hides
#
# Now let $Y$ be poorer: four modes only (and a weight of 0.1, so that D has a say beside the way home). Eight modes of $X$ have to pass through four, so in the middle one bit is missing: which of two was it? Whoever comes home all the same has *hidden* that bit, in small displacements about a mode of $Y$. Chu et al. (2017) found it in CycleGAN's maps and aerial photographs: details of the photograph were written into the map in a pattern that no eye sees. The test is to disturb the middle a little. With noise of a fifth of the radius one still sees in which of the four modes each point was. What comes home?

# %% topics=["steganography"]
NOISE = (0.0, 0.02, 0.05, 0.1, 0.2)


def home_again(F, B, sd):
    """The share that comes back to its mode, with noise on the middle.  -> (K,)"""
    torch.manual_seed(SEED)
    x = ring.sample(2_000 * K)
    with torch.no_grad():
        y = F(x)  # the middle
        back = B(y + sd * torch.randn_like(y))
    left, came = (torch.cdist(u, ring.centers).argmin(1) for u in (x, back))
    return (left == came).unflatten(0, (-1, K)).float().mean(0)


survives = {name: np.array([home_again(F, B, sd).numpy() for sd in NOISE])
            for name, F, B in (("Y with eight modes", F_turn, B_turn),
                               ("Y with four modes", F_half, B_half))}  # fmt: skip
with torch.no_grad():
    inner = torch.cdist(F_half(x), ring.centers[::2]).min(1).values.median()
print(f"from the middle of a mode of Y, median: F(x) {inner:.2f}, Y {1.177 * ring.sd:.2f}")
for name, rows in survives.items():
    for sd, row in zip(NOISE, rows, strict=True):
        print(f"{name}, noise {sd:4}: back in the right mode", *(f"{v:4.0%}" for v in row))

# %% tags=["figure"] topics=["steganography"] alt="Share of points that come back to the right mode over the noise on the middle: it stays high where the middle has eight modes, and falls where it has four"
nb15.falls_apart(NOISE, survives);

# %% [markdown]
# Without noise the median seed brings everything home through four modes: the missing bit is there. Noise that does no harm to an honest middle destroys it: at a fifth of the radius about two thirds come back to the right mode, and a coin would give one half. And $F$'s points lie about twice as far from the middle of their mode as those of $Y$ (first line): there the bit was. A sharp D could see it; here the way home outweighs D, and a large picture has better places to hide. So the cycle loss is no proof that the middle *means* the picture; it may only *carry* it.

# %%
whole, four = survives.values()
for claim, expected, value, how in (
    ("cycle: home again within, largest", (0, 0.04), home.max(), TRAINED),
    ("cycle: in a mode of Y, least", (0.5, 1), on_Y.min(), THIS_RUN),
    ("cycle: where the true map sends it, most", (0, 0.3), true_map.max(), THIS_RUN),
    ("hidden: four modes, no noise, right mode, median", (0.99, 1), np.median(four[0]),
     TRAINED),
    ("hidden: four modes, noise 0.2, right mode, median", (0.6, 0.75), np.median(four[-1]),
     TRAINED),
    ("hidden: distance from the middle of a mode of Y, F(x) / Y", (1.3, 3),
     inner / (1.177 * ring.sd), TRAINED),
    ("hidden: eight modes, noise 0.2, right mode, least", (0.85, 1), whole[-1].min(), TRAINED),
):
    note("13.01", claim, expected, value, 0, "eight seeds", **how)

# %% [markdown]
# ## Deeper: clothes and their edges
#
# You see CycleGAN translate pictures whose true translation is known, find out whether it finds that one, and what its middle picture carries; or skip to [what to keep](#What-to-keep).

# %% [markdown]
# In the plane nothing told one order of the modes from another. A convolution cannot shuffle pictures so freely: it answers near the place that it looks at. So here is CycleGAN in miniature, with a truth. $X$ are garments. $Y$ are *edges*, in black and white: a pixel is white if it differs from its right or its lower neighbour by more than 64 of 255. This rule is the true map, and the two sides share no image: $X$ is one half of the training images, $Y$ the edges of the other half.

# %%
def edges(x):
    """The true map: white beside a steep step.  uint8 (n, 28, 28) twice"""
    v = np.pad(x.astype(int), ((0, 0), (0, 1), (0, 1)))
    across, down = np.diff(v, axis=2)[:, :-1], np.diff(v, axis=1)[:, :, :-1]
    return np.where(np.maximum(abs(across), abs(down)) > 64, 255, 0)


unpaired = recordings.load("15_edges")
x, true = (unpaired.array("anchors", 0, key) for key in ("x", "true"))
assert (edges(x) == true).all()
unpaired.about

# %% [markdown]
# Three ways, recorded with four seeds each, 1,500 steps of 8 pictures; losses of D by least squares as in the paper, on patches; a weight of 5 for the way home:
#
# - *no pairs*: $F$ and $B$ are of convolutions, and a pixel of the answer sees a square of 18 pixels' width;
# - *10 pairs*: the same, and for ten garments $F$ and $B$ must also get the true partner right (L1, weight 5);
# - *MLP*: no pairs, and networks in which every pixel sees every other and no place is special.
#
# And for what can be reached, *all pairs*: the convolutions without any D, trained to a small squared error on garments with their own edges. We measure on 500 test images; errors are root mean squares over pixels, of 255. *Nearest* is how often $F(x)$ is nearer to the edges of $x$ than to those of 19 other garments of its kind (chance: 5 %); *nearest, coarse* is the same after averaging blocks of 4x4 pixels, which forgives a line that lies a pixel beside its place.
#
# Guess: does $F$ find the edges? And which picture comes home better: one that went through $F$'s middle, or one whose *true* edges are read by the network that learned from all pairs?

# %%
WAYS = "no pairs", "10 pairs", "MLP", "all pairs"
anchor = {key: unpaired.value("anchors", key).mean()
          for key in ("mean_picture", "mean_edges", "others_edges", "lit")}  # fmt: skip
anchor["black"] = 255 * math.sqrt(anchor.pop("lit"))  # a picture without an edge
print("without looking:", *(f"{key} {value:.0f}" for key, value in anchor.items()))
measured = {"edges": "F(x) to the true edges", "nearest": "nearest",
            "nearest_coarse": "nearest, coarse", "home_F": "home",
            "home_true": "B on the true edges"}  # fmt: skip
for key, label in measured.items():
    print(f"\n{label}")
    for way in WAYS:
        style = "4.0%" if "nearest" in key else "4.0f"
        print(f"  {way:9}", *(f"{v:{style}}" for v in unpaired.value(way, key)))

# %% tags=["figure"] topics=["CycleGAN"] alt="Rows of eight garments, their true edges, F's middle pictures of four seeds without pairs, then with 10 pairs, and of an MLP: without pairs the lines lie beside their place and dots fill the garments; the MLP draws dots without a garment's shape"
nb15.rows({"x": x, "true edges": true}
          | {f"no pairs, {k}": unpaired.array("no pairs", k, "middle") for k in range(4)}
          | {"10 pairs, 0": unpaired.array("10 pairs", 0, "middle"),
             "MLP, 0": unpaired.array("MLP", 0, "middle")});  # fmt: skip

# %% [markdown]
# **No seed finds the true edges without a pair.** By pixels, $F(x)$ is about as far from them as the edges of some other garment, and further than a black picture. What it draws *looks* like edges and lies where the garment lies, but the lines run beside their true place, and inside there are patterns that no rule of ours makes: *nearest* is little above chance, *nearest, coarse* about three times as often right as chance, with every seed. The MLP, to which all places are alike, does not find even that: its answers are a secret writing of dots. So the networks do part of the work, but only part. Ten pairs do most of the rest, with three seeds of four: $F(x)$ is nearest to the right edges in most cases. With the other one $F$ draws nothing at all. Most pixels of an edge picture are black, L1 rewards the median, and from a picture that is wholly black it never came back.
#
# Now look at the way home. Without pairs every seed comes home *better* than the same kind of network that learned, in as many steps, from all pairs to read the true edges. That is too good: inside a flat garment the true edges are black, however bright it is, so an honest middle must lose something. $F$ wrote it down, in those patterns. And what $B$ has learned to read is this writing, not edges: show it the true edges of $x$, and its error is larger than that of somebody who always says the mean picture. (Below you see why: the T-shirt and the bag come out hollow.)

# %% [markdown]
# Would a disturbance have told us? We disturb $F$'s middle, and the true edges of an honest middle in the same way: noise; rounding to 256 levels or to black and white; a few pixels inverted.

# %%
NAMES = ("none", "noise 0.2", "0.4", "0.8", "256 levels", "2 levels", "1 % flipped", "5 %")


def under(way, middle):
    """Errors at home after each disturbance.  -> (seeds, 8)"""
    keys = [f"{key}_{middle}" for key in ("noise", "levels", "flips")]
    home = unpaired.value(way, f"home_{middle}")[:, None]
    return np.hstack([home, *(unpaired.value(way, key) for key in keys)])


disturbed = {"no pairs, F's middle": under("no pairs", "F"),
             "all pairs, true edges": under("all pairs", "true")}  # fmt: skip
for name, values in disturbed.items():
    print(name)
    for k, row in enumerate(values):
        print(f"  seed {k}", *(f"{n}: {v:.0f}" for n, v in zip(NAMES, row, strict=True)))

# %% tags=["figure"] topics=["steganography"] alt="Left: errors at home by way; without pairs F's middle is below all pairs, the true edges far above and above the mean picture. Right: errors under disturbances; F's middle starts lower, rises faster, and rounding changes next to nothing"
ways = {way: (unpaired.value(way, "home_F"), unpaired.value(way, "home_true")) for way in WAYS}
nb15.way_home(ways, anchor["mean_picture"], NAMES, disturbed);

# %% tags=["figure"] alt="Rows for one seed without pairs: garments, F's middle, the way home, home after noise, home after rounding to black and white, and what B makes of the true edges, a T-shirt and a bag that are hollow; last what the network with all pairs makes of the true edges"
shown = {"F(x)": "middle", "home": "home", "noise 0.4": "noisy", "2 levels": "rounded",
         "B(true edges)": "from_true"}  # fmt: skip
nb15.rows({"x": x} | {name: unpaired.array("no pairs", 0, key) for name, key in shown.items()}
          | {"all pairs, true edges": unpaired.array("all pairs", 0, "from_true")});

# %% [markdown]
# Only partly. Strong noise and flipped pixels harm $F$'s middle more than the honest one, with every seed, and under the strongest noise more than half of its lead is gone; weak noise harms both alike. But rounding, even to black and white, does next to nothing. What Chu et al. found was a message in faint greys; a D that knows only black and white leaves no room for those, so ours stands in the open, in dots, and a message in the open is robust. **A middle that survives a disturbance need not be true.** What gave it away is a comparison with the truth: the true edges in place of the middle. For that you need pairs, a few to test with, and if you have them, train with them as well.
#
# These are small networks and short trainings; longer ones may come nearer. The losses will not ask them to.

# %%
def lowest(way, key):
    return unpaired.value(way, key).min()


def highest(way, key):
    return unpaired.value(way, key).max()


assert lowest("no pairs", "edges") > 1.05 * anchor["black"]  # further than a black picture
assert 0.85 < lowest("no pairs", "edges") / anchor["others_edges"] < 1.15  # another garment's
assert 0.2 > highest("no pairs", "nearest_coarse")
assert lowest("no pairs", "nearest_coarse") > 0.1 > highest("MLP", "nearest_coarse")
found, black = (unpaired.value("10 pairs", "nearest") > 0.6,
                abs(unpaired.value("10 pairs", "edges") / anchor["black"] - 1) < 0.02)
assert (found != black).all() and found.sum() == 3  # with ten pairs, three seeds of four
assert lowest("no pairs", "home_true") > anchor["mean_picture"]  # B cannot read true edges
ours, honest = (values - values[:, :1] for values in disturbed.values())
assert (ours.min(0) > honest.max(0))[[2, 3, 6, 7]].all()  # strong noise, flipped pixels
assert abs(ours[:, 1] - honest[:, 1]).max() < 1  # weak noise
lead = disturbed["all pairs, true edges"] - disturbed["no pairs, F's middle"]
assert (lead[:, 3] < lead[:, 0] / 2).all()  # under the strongest noise
assert ours[:, 4:6].max() < 2  # rounding

for claim, expected, value, says in (
    ("edges: no pairs, nearest, most", (0, 0.2), highest("no pairs", "nearest"),
     "Clothes without pairs: how often F(x) is nearest to the right edges of 20, most;"),
    ("edges: 10 pairs, nearest, median", (0.6, 1),
     np.median(unpaired.value("10 pairs", "nearest")), "with ten pairs, median."),
    ("edges: home, no pairs, most / all pairs from true edges, least", (0.5, 0.95),
     highest("no pairs", "home_F") / lowest("all pairs", "home_true"),
     "Error at home without pairs, over that of the best reading of the true edges."),
    ("edges: B on the true edges, least / mean picture", (1.02, 2),
     lowest("no pairs", "home_true") / anchor["mean_picture"], ""),
):  # fmt: skip
    note("13.01", claim, expected, value, 0, "four seeds, recorded", says=says)

# %% [markdown]
# ## What to keep
#
# - Asked a question with several answers, a regression gives their mean; a conditional GAN can give one of them, and another one next time.
# - D's best answer depends on the pair even without wrong pairs. With them G obeys sooner; where captions overlap they move its best answer away from the data, and in our small world they took most of its rare answers from it.
# - G uses its noise only if its loss rewards it. L1 rewards the median. Measure the spread for each condition, beside the true one.
# - Classes and "is it data" fit into one D: its score is the `logsumexp` of $K$ logits. What unlabelled data are worth, only a twin without them can say.
# - Codes that can be found again need not mean what you hoped. Match them to labels, and count.
#
# **In practice**
#
# - D hears the condition through a *projection*, $v(c) \cdot f(x)$ added to its score (Miyato and Koyama 2018), more often than through more inputs. The package's picture networks do it so. [10](10_use_the_tricks.ipynb#Labels) measures what labels do for FFD.
# - Text-to-image today is mostly diffusion; the question "obedience or variety" came along, as the guidance scale.
# - Semi-supervised classifiers today rarely use a GAN; they make predictions agree under distortions of the picture.
# - *Modes hit for each condition* and *distance of two samples of one condition* are cheap, and too seldom reported.
#
# **Further reading**
#
# - [Mirza and Osindero 2014](https://arxiv.org/abs/1411.1784): conditional GANs. [Reed et al. 2016](https://arxiv.org/abs/1605.05396): text to image, with wrong pairs. [Isola et al. 2017](https://arxiv.org/abs/1611.07004): pix2pix.
# - [Odena 2016](https://arxiv.org/abs/1606.01583), [Salimans et al. 2016](https://arxiv.org/abs/1606.03498): $K + 1$ classes. [Dai et al. 2017](https://arxiv.org/abs/1705.09783): why a bad G makes a good classifier.
# - [Chen et al. 2016](https://arxiv.org/abs/1606.03657): InfoGAN. [Locatello et al. 2019](https://arxiv.org/abs/1811.12359): without labels or assumptions, no guarantee of meaning.
# - [Zhu et al. 2017](https://arxiv.org/abs/1703.10593): CycleGAN. [Chu et al. 2017](https://arxiv.org/abs/1712.02950): what it hides.

# %% [markdown]
# ## The ledger
#
# What we claimed, and measured.

# %%
note("13.06", "information: sure and right, 8 codes", math.log(8),
     information(sure, torch.arange(8)), 1e-4, "log K")
ledger.assert_all(profile)
ledger
