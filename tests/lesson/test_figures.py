"""Figures: what is drawn is what was given, in colours that all can tell apart; the note cannot be missed."""

import io
import math
import subprocess
import sys
from itertools import combinations
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gan_tutorial.game import objectives
from gan_tutorial.lesson import figures
from gan_tutorial.lesson.figures import COLORS, PAPER, nb15

NOTE = "Not FashionMNIST: these pictures were drawn by our own code, because there is no network here."


@pytest.fixture(autouse=True)
def style():
    with mpl.rc_context():
        figures.use_style()
        yield
        plt.close("all")
        figures.use_style()


def png(fig, **options) -> bytes:
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", **options)
    return buffer.getvalue()


def pixels(fig) -> np.ndarray:
    return plt.imread(io.BytesIO(png(fig)))[..., :3]


# -- colours


def linear(color) -> np.ndarray:
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a, b) -> float:
    """WCAG 2 contrast ratio."""
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (a, b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of linear RGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    t = to_xyz @ rgb / to_xyz.sum(1)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


VISION = {  # what is seen with the full deficiency, on linear RGB (Machado et al. 2009)
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def difference(a, b, vision="normal") -> float:
    """Distance in L*a*b*; 2.3 is just noticeable."""
    seen = [lab((np.array(VISION[vision]) @ linear(c)).clip(0, 1)) for c in (a, b)]
    return float(np.linalg.norm(seen[0] - seen[1]))


@pytest.mark.parametrize("vision", VISION)
def test_colours_that_meet_in_a_figure_can_be_told_apart(vision):
    together = [("data", "model", "D", "G", "truth", "estimate", "guide"), ("data", "second", "model")]
    for group in together:
        for a, b in combinations(group, 2):
            assert difference(COLORS[a], COLORS[b], vision) > 15, (a, b)


@pytest.mark.parametrize("color", [*COLORS.values(), *figures.OBJECTIVES.values()])
def test_every_colour_stands_out_from_the_paper(color):
    assert contrast(color, PAPER) >= 3


DRAWN_TOGETHER = [
    ("minimax", "non_saturating", "max_likelihood", "squared_hellinger", "reverse_kl"),  # the generator's losses
    ("kl", "reverse_kl", "pearson", "jensen_shannon", "jeffreys"),  # fits of one bell
    ("squared_hellinger", "jensen_shannon", "total_variation", "kl"),  # two blocks apart
    ("non_saturating", "kl", "reverse_kl", "squared_hellinger", "jeffreys", "neyman"),  # large steps
    ("non_saturating", "kl", "gentle_kl", "neyman"),
    ("squared_hellinger", "gentle_hellinger"),
    ("minimax", "wgan"),
    ("wgan", "wgan_gp", "wgan_lp", "r1", "non_saturating"),  # ways to hold D
    ("non_saturating", "least_squares", "hinge", "wgan_gp"),
    ("non_saturating", "r1", "rpgan", "r3gan"),
]


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("group", DRAWN_TOGETHER, ids=" ".join)
def test_objectives_that_are_drawn_together_can_be_told_apart(group, vision):
    for a, b in combinations((*group, "truth", "guide"), 2):
        pair = [figures.OBJECTIVES.get(name) or COLORS[name] for name in (a, b)]
        assert difference(*pair, vision) > 14, (a, b)


def test_no_objective_is_mistaken_for_another_or_for_a_role():
    for a, b in combinations(figures.OBJECTIVES, 2):
        assert difference(figures.OBJECTIVES[a], figures.OBJECTIVES[b]) > 14, (a, b)
    least = {"data": 35, "model": 35, "D": 20, "G": 20}
    for name, color in figures.OBJECTIVES.items():
        for role in COLORS:
            assert difference(color, COLORS[role]) > least.get(role, 15), (name, role)


def test_each_objective_has_a_colour_and_a_plain_title():
    assert list(figures.OBJECTIVES) == list(objectives.OBJECTIVES)
    titles = {name: figures.objective_title(name) for name in objectives.OBJECTIVES}
    assert len(set(titles.values())) == len(titles) and not any("_" in title for title in titles.values())
    some = ("squared_hellinger", "least_squares", "wgan_gp", "jensen_shannon")
    assert [titles[name] for name in some] == ["squared Hellinger", "least squares", "WGAN-GP", "Jensen–Shannon"]
    assert figures.objective_title("my_own") == "my own"


def test_text_is_readable_whatever_the_theme_because_the_paper_is_opaque():
    fig, ax = plt.subplots()
    assert plt.imread(io.BytesIO(png(fig)))[..., 3:].min(initial=1) == 1
    for text in (ax.xaxis.label, *ax.get_xticklabels(), ax.title):
        assert contrast(text.get_color(), PAPER) >= 7


# -- the note


def note_of(fig) -> list[str]:
    return [t.get_text().replace("\n", " ") for t in fig.texts if t.get_text().split()[0] == NOTE.split()[0]]


def test_the_note_is_on_every_pyplot_figure_once():
    figures.use_style(NOTE)
    fig, ax = plt.subplots()
    figures.curves(ax, [0, 1], {"a": [0, 1]})
    assert note_of(fig) == [NOTE]
    fig.clear()
    figures.curves(fig.subplots(), [0, 1], {"a": [0, 1]})
    assert note_of(fig) == [NOTE]


def test_the_note_is_on_figures_made_without_pyplot_and_on_subfigures():
    figures.use_style(NOTE)
    plain = Figure()
    figures.curves(plain.add_subplot(), [0, 1], {"a": [0, 1]})
    assert note_of(plain) == [NOTE]
    whole = Figure()
    figures.curves(whole.subfigures(1, 2)[1].subplots(), [0, 1], {"a": [0, 1]})
    assert note_of(whole) == [NOTE]


def test_no_note_no_text():
    fig, _ = plt.subplots()
    assert fig.texts == []
    figures.use_style(NOTE)
    figures.use_style()
    assert plt.figure().texts == []


@pytest.mark.parametrize("width", [2.5, 6, 10])
def test_the_note_covers_nothing_and_is_covered_by_nothing(width):
    figures.use_style(NOTE)
    fig, ax = plt.subplots(figsize=(width, 3))
    ax.set_title("A title")
    fig.canvas.draw()
    note, title = fig.texts[0].get_window_extent(), ax.title.get_window_extent()
    assert note.x0 >= 0 and note.x1 <= fig.bbox.width + 1 and note.y1 <= fig.bbox.height
    assert title.y1 <= note.y0


def test_the_note_on_images_and_strips_covers_nothing():
    figures.use_style(NOTE)
    figures.image_grid(torch.zeros(4, 28, 28, dtype=torch.uint8), title="A title")
    figures.film_strip([torch.zeros(28, 28)] * 3, ["a", "b", "c"])
    for number in plt.get_fignums():
        fig = plt.figure(number)
        fig.canvas.draw()
        assert note_of(fig) == [NOTE]
        for ax in fig.axes:
            assert ax.title.get_window_extent().y1 <= fig.texts[0].get_window_extent().y0 + 1


def test_the_hook_works_in_a_fresh_process_by_name():
    code = (
        "import matplotlib; matplotlib.use('Agg');"
        "from gan_tutorial.figures import use_style; use_style('hello');"
        "import matplotlib.pyplot as plt; print(plt.figure().texts[0].get_text());"
        "import sys; print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["hello", "False"]


# -- helpers


def test_image_grid_shows_every_image_at_its_place_pixel_for_pixel():
    images = torch.randint(0, 256, (5, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ax = figures.image_grid(images, columns=3)
    sheet = ax.get_images()[0].get_array()
    assert sheet.shape == (2 * 29 + 1, 3 * 29 + 1)
    for i in range(5):
        row, column = divmod(i, 3)
        cell = sheet[1 + 29 * row : 29 + 29 * row, 1 + 29 * column : 29 + 29 * column]
        np.testing.assert_allclose(cell, images[i] / 255, atol=1e-6)
    height, width = sheet.shape
    screen = pixels(ax.figure)[..., 0]
    doubled = np.kron(np.asarray(sheet), np.ones((2, 2)))
    assert screen.shape == (2 * height + 16, 2 * width + 16)
    np.testing.assert_allclose(screen[-8 - 2 * height : -8, 8 : 8 + 2 * width], doubled, atol=1 / 255)


def test_image_grid_takes_all_that_the_package_calls_images():
    levels = torch.tensor([0, 51, 255], dtype=torch.uint8).repeat(28, 10)[None, :, :28]
    real = levels.float() / 127.5 - 1
    for images in (
        levels,
        levels[:, None],
        real,
        real[:, None],
        real[:, None].requires_grad_(),
        levels.numpy(),
    ):
        sheet = figures.image_grid(images).get_images()[0].get_array()
        np.testing.assert_allclose(sheet, levels[0] / 255, atol=1e-6)
    assert figures.image_grid(torch.zeros(2, 3, 8, 8)).get_images()[0].get_array().shape == (10, 19, 3)
    beyond = figures.image_grid(torch.full((1, 8, 8), 7.0)).get_images()[0].get_array()
    assert beyond.min() == beyond.max() == 1


@pytest.mark.parametrize("shape", [(28, 28), (3, 2, 28, 28), (0, 28, 28), (3, 784)])
def test_image_grid_says_which_shape_it_wants(shape):
    with pytest.raises(ValueError, match=r"should be \(n, h, w\)"):
        figures.image_grid(torch.zeros(shape))


def test_density_panel_draws_what_it_is_given_and_d_from_0_to_1():
    x = torch.linspace(-3, 3, 50)
    p, q, d = torch.exp(-(x**2)), torch.exp(-((x - 1) ** 2)), torch.sigmoid(x).requires_grad_()
    fig, ax = plt.subplots()
    assert figures.density_panel(ax, x, p, q, d) is ax
    data, model = ax.get_lines()
    np.testing.assert_allclose(data.get_ydata(), p)
    np.testing.assert_allclose(model.get_ydata(), q)
    assert (data.get_color(), model.get_color()) == (COLORS["data"], COLORS["model"])
    right = fig.axes[1]
    np.testing.assert_allclose(right.get_lines()[1].get_ydata(), d.detach())
    assert right.get_yticks().tolist() == [0, 0.5, 1] and right.get_ylabel() == "D(x)"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["data", "model", "discriminator D"]
    assert ax.get_xlabel() == "x" and ax.get_ylabel() == "density"
    assert len(figures.density_panel(plt.subplots()[1], x, p, q).figure.axes) == 1


def test_curves_and_their_theory_share_colours():
    _, ax = plt.subplots()
    x = np.linspace(0, 1, 5)
    figures.curves(
        ax, x, {"D": x, "mine": x**2}, {"mine": 0.25, "log 2": math.log(2)}, xlabel="t", ylabel="v"
    )
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert set(lines) == {"D", "mine", "mine, theory", "log 2"}
    assert lines["D"].get_color() == COLORS["D"]
    assert lines["mine, theory"].get_color() == lines["mine"].get_color()
    np.testing.assert_array_equal(lines["log 2"].get_ydata(), np.full(5, math.log(2)))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("t", "v")


def steps(n, every=1):
    return [
        SimpleNamespace(n=every * i, d_loss=torch.tensor(float(i)), g_loss=2.0 * i) for i in range(1, n + 1)
    ]


def test_a_short_loss_history_is_drawn_as_it_is():
    _, ax = plt.subplots()
    figures.loss_history(ax, steps(5), {"2 log 2": 2 * math.log(2)})
    d, g, theory = ax.get_lines()
    assert d.get_xdata().tolist() == [1, 2, 3, 4, 5] and d.get_ydata().tolist() == [1, 2, 3, 4, 5]
    assert g.get_ydata().tolist() == [2, 4, 6, 8, 10]
    assert theory.get_ydata()[0] == pytest.approx(1.386294, abs=1e-6)
    assert ax.get_ylabel() == "loss" and ax.get_xlabel() == "step"


def test_a_long_loss_history_is_smoothed_in_the_middle_of_its_window_and_says_so():
    _, ax = plt.subplots()
    figures.loss_history(ax, steps(400, every=10))
    d, g = ax.get_lines()
    assert len(d.get_xdata()) == 381 and ax.get_ylabel() == "loss (mean of 20 points)"
    np.testing.assert_allclose(d.get_xdata(), 10 * d.get_ydata())  # a straight line stays where it is
    np.testing.assert_allclose(g.get_ydata(), 2 * d.get_ydata())


def test_loss_history_of_one_step_and_of_none():
    _, ax = plt.subplots()
    figures.loss_history(ax, steps(1))
    assert ax.get_lines()[0].get_marker() == "o"
    with pytest.raises(ValueError, match="train first"):
        figures.loss_history(ax, [])


def test_film_strip_of_images():
    frames = [torch.full((n, 8, 8), 0.5) for n in (1, 4, 4)]
    axes = figures.film_strip(frames[1:] + [torch.zeros(3, 8, 8)], ["a", "b", "c"], columns=2)
    assert axes.shape == (2, 2)
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["a", "b", "c", ""]
    np.testing.assert_allclose(axes[0, 0].get_images()[0].get_array()[1:9, 1:9], 0.75)
    assert figures.film_strip([np.zeros((8, 8))], ["one"]).shape == (1, 1)


def test_film_strip_with_draw_has_one_scale_and_one_legend():
    points = [torch.zeros(3, 2), 5 * torch.ones(3, 2)]
    axes = figures.film_strip(points, ["a", "b"], draw=lambda ax, x: figures.scatter2d(ax, x, x + 1))
    fig = axes[0, 0].figure
    assert axes[0, 0].get_xlim() == axes[0, 1].get_xlim()
    assert all(ax.get_legend() is None for ax in axes.flat) and len(fig.legends) == 1
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["data", "model"]
    assert axes[0, 0].get_ylabel() and not axes[0, 1].get_ylabel()


def test_film_strip_needs_a_title_per_frame():
    for frames, titles in (([np.zeros((8, 8))], []), ([], [])):
        with pytest.raises(ValueError, match="one title per frame"):
            figures.film_strip(frames, titles)


def test_scatter2d_draws_both_clouds_and_counts_what_is_outside():
    _, ax = plt.subplots()
    fake = torch.tensor([[0.0, 0.0], [9.0, 0.0], [float("nan"), 0.0]])
    figures.scatter2d(ax, torch.zeros(4, 2), fake, extent=(-1, 1, -2, 2))
    assert [len(c.get_offsets()) for c in ax.collections] == [4, 3]
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-2, 2))
    assert [t.get_text() for t in ax.texts] == ["2 of 3 samples outside"]
    _, ax = plt.subplots()
    figures.scatter2d(ax, torch.zeros(4, 2), torch.zeros(1, 2), extent=(-1, 1, -1, 1))
    assert len(ax.texts) == 0 and ax.get_xlabel() and ax.get_ylabel()


def test_field_is_blue_where_the_score_is_positive():
    fig, ax = plt.subplots(figsize=(4, 4))
    figures.field(ax, lambda x: 3 * x[:, 0], (-1, 1, -1, 1))
    fig.canvas.draw()
    screen = pixels(fig)

    def color_at(x, y):
        column, row = ax.transData.transform((x, y))
        return screen[len(screen) - 1 - int(row), int(column)]

    right, left, upper = color_at(0.9, 0.2), color_at(-0.9, 0.2), color_at(0.9, 0.8)
    assert right[2] > right[0] + 0.3 and left[0] > left[2] + 0.3  # blue, red
    np.testing.assert_allclose(right, upper, atol=0.02)
    (line,) = [c for c in ax.collections if not c.get_array().size or c.get_array().size == 1]
    np.testing.assert_allclose(line.get_paths()[0].vertices[:, 0], 0, atol=1e-9)
    assert fig.axes[1].get_ylabel() == "score"


@pytest.mark.parametrize("score", [torch.zeros_like, torch.ones_like, lambda v: -1e6 * torch.ones_like(v)])
def test_field_of_a_constant_score_is_drawn(score):
    fig, ax = plt.subplots()
    figures.field(ax, lambda x: score(x[:, 0]), (-1, 1, -1, 1))
    assert len(png(fig)) > 1000


def test_field_refuses_a_score_of_the_wrong_shape():
    with pytest.raises(ValueError, match="one number per point"):
        figures.field(plt.subplots()[1], lambda x: x, (-1, 1, -1, 1))


def test_pictures_are_small():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(400, 2, generator=generator)
    history = [
        SimpleNamespace(n=i, d_loss=abs(float(noise[i, 0])), g_loss=abs(float(noise[i, 1])))
        for i in range(400)
    ]
    made = {"loss": plt.subplots()[1], "cloud": plt.subplots()[1], "field": plt.subplots()[1]}
    figures.loss_history(made["loss"], history)
    figures.scatter2d(made["cloud"], noise, noise + 1)
    figures.field(made["field"], lambda x: x.norm(dim=1) - 1, (-2, 2, -2, 2))
    for name, ax in made.items():
        assert len(png(ax.figure, bbox_inches="tight")) < 60_000, name


def test_samples_on_one_place_are_one_cross_that_can_be_seen():
    fig, (near, apart) = plt.subplots(1, 2)
    real = np.zeros((400, 2)) + np.arange(400)[:, None]
    figures.scatter2d(near, real, np.ones((400, 2)))
    figures.scatter2d(apart, real, real + 1)
    sizes = [ax.collections[1].get_sizes()[0] for ax in (near, apart)]
    assert sizes[0] > 5 * sizes[1]
    plt.close(fig)


def test_the_way_home_shows_a_mark_for_each_seed_and_each_way():
    ways = {"no pairs": ([31, 30], [90, 88]), "all pairs": ([41, 40], [42, 41])}
    disturbed = {"CycleGAN": [[31, 42, 64], [30, 40, 59]], "all pairs": [[42, 46, 58], [41, 45, 57]]}
    left, right = nb15.way_home(ways, 75, ["none", "noise", "more"], disturbed)
    middle, true, mean = left.lines
    assert middle.get_xdata().tolist() == [31, 30, 41, 40] and middle.get_ydata().tolist() == [0, 0, 1, 1]
    assert true.get_xdata().tolist() == [90, 88, 42, 41] and [*mean.get_xdata()] == [75, 75]
    assert [line.get_ydata().tolist() for line in right.lines] == [row for rows in disturbed.values() for row in rows]
    assert [line.get_color() for line in right.lines] == [COLORS["model"]] * 2 + [COLORS["data"]] * 2
    assert [text.get_text() for text in right.get_legend().get_texts()] == [*disturbed]
    assert [label.get_text() for label in left.get_yticklabels()] == [*ways]
