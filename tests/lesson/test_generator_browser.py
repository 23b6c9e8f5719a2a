"""The page of the trained generator in Chromium: torch's pictures, walks, the guess; and as a reader opens it."""

import json
import re
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
import torch
from lab import page_from_disk
from scipy.stats import binom
from torch import nn

from gan_tutorial.clothes.data import to_uint8
from gan_tutorial.game.networks import LATENT, Maps
from gan_tutorial.lesson.exercises.nb03 import slerp
from gan_tutorial.lesson.generator import page as gallery
from gan_tutorial.lesson.generator import stored

SOURCE = Path(gallery.__file__).with_name("generator.js")
READ = "(c) => c.getContext('2d').getImageData(0, 0, 28, 28).data.join()"
PIXELS = f"({READ})(document.querySelector('.now canvas'))"


@pytest.fixture(scope="module")
def opened(chromium, tmp_path_factory):
    """The page, opened from disk without a network; and what its console said, and what it asked for."""
    home = tmp_path_factory.mktemp("generator")
    gallery.main(home / "generator.html")
    with page_from_disk(chromium, home / "generator.html", "window.generator", home) as found:
        yield found


@pytest.fixture
def page(opened):
    """The page as it is when it is opened."""
    page, visit, _ = opened
    page.reload()
    page.wait_for_function("window.generator", timeout=30_000)
    yield page
    assert visit.console == []


def press(page, what: str) -> None:
    page.locator(f"[data-do={what}]").click()


def z_of(page) -> np.ndarray:
    return np.array(page.evaluate("Array.from(generator.z)"))


# ---- The same as torch ----


def test_pictures_are_those_of_torch_to_one_grey_level(page):
    z = torch.cat([torch.randn(14, LATENT), torch.zeros(1, LATENT), 4 * torch.randn(1, LATENT)])
    theirs = to_uint8(stored.network(stored.load())(z)).flatten(1).int()
    mine = json.loads(page.evaluate(
        "(all) => JSON.stringify(JSON.parse(all).map((z) => Array.from(generator.G.draw(Float64Array.from(z)))))",
        json.dumps(z.tolist()),
    ))  # fmt: skip
    apart = (torch.tensor(mine) - theirs).abs()
    print(f"largest difference {apart.max()} grey levels, {(apart > 0).float().mean():.2%} of the pixels differ")
    assert apart.max() <= 1 and theirs.float().std() > 30


def test_every_layer_that_can_be_stored_can_be_computed(page, tmp_path):
    """Strides, paddings and sizes other than the package's."""
    net = nn.Sequential(
        nn.Linear(5, 3 * 16), Maps(4), nn.ConvTranspose2d(3, 4, 3, stride=3, padding=2), nn.ReLU(),
        nn.Conv2d(4, 9, (3, 2), stride=2, padding=1), nn.BatchNorm2d(9), nn.PixelShuffle(3), nn.Tanh(),
    ).eval()  # fmt: skip
    stored.Stored(*stored.described(net), {}).save(tmp_path / "file")
    z, back = torch.randn(5), stored.load(tmp_path / "file")
    mine = page.evaluate("""async ([source, file, z]) => {
      const { Generator, Stored } = await import(source);
      return Array.from(new Generator(new Stored(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)))).draw(z));
    }""", ["data:text/javascript;base64," + b64encode(SOURCE.read_bytes()).decode(),
           b64encode((tmp_path / "file").read_bytes()).decode(), z.tolist()])  # fmt: skip
    theirs = to_uint8(stored.network(back)(z[None])).flatten().int()
    assert (torch.tensor(mine) - theirs).abs().max() <= 1 and theirs.float().std() > 5


def test_a_walk_turns_as_in_notebook_03(page):
    a, b = torch.randn(2, LATENT, dtype=torch.float64)
    for t in (0.0, 0.3, 1.0):
        mine = page.evaluate("([a, b, t]) => modules.gallery.slerp(a, b, t)", [a.tolist(), b.tolist(), t])
        assert np.allclose(mine, slerp(a, b, t), atol=1e-9)
    mine = page.evaluate("(a) => modules.gallery.slerp(a.map(() => 0), a, 0.25)", a.tolist())
    assert np.allclose(mine, a / 4)


# ---- z in hand ----


def test_from_disk_and_offline_it_asks_for_nothing(opened):
    page, visit, asked = opened
    assert visit.console == [] and {url.partition(":")[0] for url in asked} == {"file"} and len({*asked}) == 1
    assert page.evaluate("document.querySelector('.trouble').hidden")


def test_a_slider_moves_z_along_its_direction_only(page):
    axes = stored.load().tensors["directions"].double().numpy()
    slider, before, picture = page.locator("input[type=range]").nth(2), z_of(page), page.evaluate(PIXELS)
    slider.fill("2.5")
    assert np.allclose(z_of(page) @ axes.T - before @ axes.T, [0, 0, 2.5 - before @ axes[2], 0, 0, 0], atol=0.02)
    assert page.evaluate(PIXELS) != picture
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert 2.5 < z_of(page) @ axes[2] < 2.6
    for far in (4, -4):
        for one in page.locator("input[type=range]").all():
            one.fill(str(far))
    assert "This one is longer" in page.locator(".length").inner_text()
    press(page, "zero")
    assert not z_of(page).any() and "This one is shorter" in page.locator(".length").inner_text()


def test_it_walks_pauses_and_goes_on(page):
    first = z_of(page)
    press(page, "walk")
    page.wait_for_function("z => Math.hypot(...generator.z.map((v, k) => v - z[k])) > 1", arg=first.tolist())
    assert page.locator("[data-do=walk]").inner_text() == "Pause"
    target = page.evaluate("Array.from(generator.walking.to)")
    page.wait_for_function("z => generator.walking.to[0] !== z[0]", arg=target, timeout=20_000)  # it goes on
    press(page, "walk")
    still, picture = z_of(page), page.evaluate(PIXELS)
    page.wait_for_timeout(300)
    assert (z_of(page) == still).all() and page.evaluate(PIXELS) == picture
    assert 5 < np.linalg.norm(still) < 11  # never through the middle
    page.locator("[data-do=walk]").focus()
    page.keyboard.press("w")
    page.wait_for_function("z => generator.z[0] !== z", arg=still[0])
    page.keyboard.press("n")
    assert page.evaluate("generator.walking") is None and page.locator("[data-do=walk]").inner_text() == "Walk"


def test_z_walks_to_a_chosen_picture(page):
    chosen = page.locator(".sheet button").nth(7)
    wanted = chosen.locator("canvas").evaluate(READ)
    chosen.click()
    page.wait_for_function(f"wanted => !generator.walking && {PIXELS} === wanted", arg=wanted, timeout=20_000)
    press(page, "others")
    others = [one.evaluate(READ) for one in page.locator(".sheet canvas").all()]
    assert len({*others}) == 24 and wanted not in others


# ---- Real or made? ----


def play(page, answers) -> None:
    """Answer all 24: `answers` maps the truth to what is said."""
    for real in page.evaluate("generator.quiz.pictures.map((one) => one.real)"):
        page.keyboard.press("r" if answers(real) else "m")


def test_the_score_is_counted_and_explained(page):
    page.locator("[name=game]").fill("3")
    page.keyboard.press("Enter")
    truth = page.evaluate("generator.quiz.pictures.map((one) => one.real)")
    assert len(truth) == 24 and sum(truth) == 12
    asked = iter(range(24))
    play(page, lambda real: real if next(asked) < 17 else not real)
    assert page.locator(".score").inner_text() == "You were right about 17 of 24."
    assert page.evaluate("document.activeElement.className") == "score"
    assert "12, give or take 2.4; 17 or more in 3.2\u00a0% of games" in page.locator(".coin").inner_text()
    means = page.locator(".meaning").inner_text()
    assert "you see a difference. Your answers fit any rate of right ones between 51 and 85\u00a0%" in means
    counts = [int(n) for n in re.findall(r": (\d+)", " ".join(page.locator(".groups h4").all_inner_texts()))]
    hits = [sum(1 for real in truth[:17] if real == kind) for kind in (False, True)]
    assert counts == [12 - hits[0], 12 - hits[1], *hits]
    assert page.locator(".strip canvas").count() == 24 and page.locator("rect.mine").count() == 1
    assert f"you recognised {hits[1]}, of 12 made pictures {hits[0]}" in page.locator(".kinds").inner_text()
    press(page, "next")
    assert page.locator(".count").inner_text() == "Game 4, picture 1 of 24"


@pytest.mark.parametrize(("answers", "right", "words"), [
    (lambda real: real, 24, "one of 16,777,216 games"), (lambda real: not real, 0, "the wrong way round"),
    (lambda real: True, 12, "nor that you see none"),
])  # fmt: skip
def test_extreme_games(page, answers, right, words):
    press(page, "start")
    play(page, answers)
    assert page.locator(".score").inner_text() == f"You were right about {right} of 24."
    assert words in page.locator(".says").inner_text()


def test_buttons_answer_and_a_number_is_a_game(page):
    press(page, "start")
    first = page.evaluate("JSON.stringify(generator.quiz.pictures.map((one) => Array.from(one.pixels)))")
    press(page, "real")
    press(page, "made")
    assert page.evaluate("generator.quiz.answers") == [True, False]
    assert page.locator("progress").get_attribute("value") == "2"
    again = "generator.begin({}), JSON.stringify(generator.quiz.pictures.map((one) => Array.from(one.pixels)))"
    assert page.evaluate(again.format(1)) == first and page.evaluate(again.format(2)) != first
    photographs = {bytes(one.flatten().tolist()) for one in stored.load().tensors["photographs"].numpy()}
    for one in page.evaluate("generator.quiz.pictures.map((one) => [one.real, Array.from(one.pixels)])"):
        assert (bytes(one[1]) in photographs) == one[0]


def test_odds_are_those_of_a_coin(page):
    mine = page.evaluate("Array.from({ length: 25 }, (_, k) => modules.quiz.judged(k, 24))")
    for k, one in enumerate(mine):
        assert np.allclose([one["mean"], one["sd"]], [12, binom(24, 0.5).std()])
        assert np.allclose([one["more"], one["fewer"]], [binom(24, 0.5).sf(k - 1), binom(24, 0.5).cdf(k)])
        assert 0 <= one["low"] <= k / 24 <= one["high"] <= 1


# ---- To be read by everybody ----


def test_all_that_can_be_used_has_a_name_and_is_reached_by_tab(page):
    names = page.locator("button:visible, input:visible").evaluate_all(
        """all => all.map((one) => one.getAttribute('aria-label') || one.textContent.trim()
        || one.labels?.[0]?.textContent.trim() || one.querySelector('canvas')?.getAttribute('aria-label'))"""
    )
    assert len(names) > 30 and all(names)
    reached = set()
    page.locator("#theme").focus()
    for _ in range(len(names)):
        reached.add(page.evaluate("document.activeElement.dataset.do || document.activeElement.type"))
        page.keyboard.press("Tab")
    assert reached == {"walk", "new", "zero", "range", "others", "number", "start", "button"}


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_reaches_beyond_the_page(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= width
    press(page, "start")
    assert page.evaluate(wide) <= width
    inside = page.locator("[data-do=made]").bounding_box()
    assert inside["y"] >= 0 and inside["y"] + inside["height"] <= 844  # without scrolling
    play(page, lambda real: True)
    page.locator("footer summary").click()
    assert page.evaluate(wide) <= width
    page.set_viewport_size({"width": 1280, "height": 1000})


def test_a_damaged_file_is_one_sentence(opened, tmp_path):
    page, visit, _ = opened
    text = gallery.html()
    file = b64encode(stored.FILE.read_bytes()).decode()
    (tmp_path / "damaged.html").write_text(text.replace(file, file[: len(file) // 8 * 4]), encoding="utf-8")
    page.goto((tmp_path / "damaged.html").as_uri())
    assert page.locator(".trouble").inner_text() == "The file of the generator is damaged."
    assert page.locator("section:visible").count() == 0 and visit.console == []
    page.go_back()


@pytest.mark.alone
def test_a_picture_takes_milliseconds(page):
    took = page.evaluate("""() => {
      const times = [];
      for (let k = 0; k < 300; k++) {
        const start = performance.now();
        generator.G.draw(generator.z);
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[75]; }""")
    print(f"a picture in {took:.2f} ms")
    assert took < 16
