"""The laboratory on a page without Python, against the package: weights, measures, code; and as a reader opens it.

The same weights, data and noise give torch's weights 50 steps later.
"""

import json
import math
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
import torch
from lab import Visit, page_from_disk, page_of
from torch.nn.utils import parameters_to_vector

from gan_tutorial.game.objectives import OBJECTIVES
from gan_tutorial.lesson import laboratory
from gan_tutorial.lesson.laboratory import page as playground
from gan_tutorial.lesson.laboratory import truth
from gan_tutorial.lesson.laboratory.play import Play
from gan_tutorial.lesson.laboratory.setting import DATA, HEART, OWN, SUITS, Setting
from gan_tutorial.lesson.laboratory.tour import TOUR
from gan_tutorial.truth.divergences import empirical_w1

SOURCES = Path(laboratory.__file__).parent
STEPS = 50
SMALL = {"batch_size": 16, "d_width": 16, "g_width": 16, "d_lr": 3e-3, "g_lr": 3e-3}
RUN = """async ([source, text]) => {
  const { setting, dim, G, D, pools, steps } = JSON.parse(text), engine = await import(source);
  const at = { data: 0, latent: 0, normal: 0, uniform: 0 }, losses = [];
  const take = (name, n) => Float64Array.from(pools[name].slice(at[name], at[name] += n));
  const game = new engine.Game(setting, { data: (n) => take("data", 2 * n), latent: (n) => take("latent", dim * n),
    normal: (n) => take("normal", n), uniform: (n) => take("uniform", n) }, dim);
  game.G.w.set(G);
  game.D.w.set(D);
  for (let k = 0; k < steps; k++) losses.push(...game.step());
  return JSON.stringify({ G: Array.from(game.G.w), D: Array.from(game.D.w), losses });
}"""


@pytest.fixture(scope="module")
def blank(chromium, tmp_path_factory):  # noqa: F811
    with page_of(chromium, "about:blank", Visit(), tmp_path_factory.mktemp("engine")) as page:
        yield page


def cases() -> dict[str, Setting]:
    """Every objective as it comes; then whatever else changes a step, with penalties that need a second derivative."""
    found = {name: Setting.of(objective=name, **SMALL) for name in OBJECTIVES}
    for rule, momentum in (("Adam", 0.9), ("RMSprop", 0.0), ("RMSprop", 0.9), ("SGD", 0.0), ("SGD", 0.9)):
        held = SMALL | {"hold": "R1 and R2", "optimiser": rule, "momentum": momentum}
        found[f"{rule} {momentum}"] = Setting.of(**held)
    for hold in ("clip", "one-sided penalty"):
        found[f"paired, {hold}"] = Setting.of(objective="rpgan", **SMALL | {"hold": hold, "weight": 0.5})
    for depth in (1, 4):
        found[f"depth {depth}"] = Setting.of(objective="wgan_gp", **SMALL | {"depth": depth, "weight": 2.0})
    found["noise"] = Setting.of(objective="wgan_lp", noise=0.2, **SMALL | {"latent": "Gaussian, 1-D"})
    found["noise, paired"] = Setting.of(objective="r3gan", noise=0.2, g_steps=3, **SMALL)
    found["smooth"] = Setting.of(smoothing=0.2, g_steps=2, **SMALL)
    return found


def pools(setting: Setting) -> dict[str, torch.Tensor]:
    """More numbers of each kind than the steps can use."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        rows = STEPS * (setting.d_steps + setting.g_steps) * setting.batch_size
        data = setting.scale * setting.make_density().sample(rows)
        normal = torch.randn(rows * 10 if setting.noise else 1, dtype=torch.float64)
        uniform, latent = torch.rand(rows, dtype=torch.float64), torch.randn(rows * 2, dtype=torch.float64)
        return {"data": data.double().flatten(), "latent": latent, "normal": normal, "uniform": uniform}


class Taps:
    """Numbers from the pools, one after the other."""

    def __init__(self, setting: Setting):
        self.pools, self.at = pools(setting), {}

    def take(self, name: str, *shape: int) -> torch.Tensor:
        n, at = torch.Size(shape).numel(), self.at.get(name, 0)
        self.at[name] = at + n
        return self.pools[name][at : at + n].view(shape).clone()


def torch_plays(setting: Setting, monkeypatch) -> tuple[dict, dict]:
    """The case as the browser is given it, and what torch's own game ended with."""
    play, taps = Play(setting), Taps(setting)
    game, dim = play.game, setting.latent_dim
    for net in (game.G, game.D, game.ema):
        net.double()
    game.data = lambda n: (taps.take("data", n, 2),)
    game.latent = lambda n: taps.take("latent", n, dim)
    monkeypatch.setattr(torch, "rand", lambda *shape, **kind: taps.take("uniform", *shape))
    monkeypatch.setattr(torch, "randn_like", lambda x: taps.take("normal", *x.shape))
    play._refresh()
    weights = {name: parameters_to_vector(getattr(game, name).parameters()).tolist() for name in "GD"}
    numbers = {name: pool.tolist() for name, pool in taps.pools.items()}
    losses = []
    for _ in range(STEPS):
        play.step()
        losses += play.last
    monkeypatch.undo()
    ended = {name: parameters_to_vector(getattr(game, name).parameters()).detach() for name in "GD"}
    return {"setting": setting.as_dict(), "dim": dim, "pools": numbers, "steps": STEPS, **weights}, ended | {
        "losses": torch.tensor(losses, dtype=torch.float64)
    }


@pytest.fixture(scope="module")
def engine() -> str:
    """The engine as an address that a page without a server can import."""
    return "data:text/javascript;base64," + b64encode((SOURCES / "engine.js").read_bytes()).decode()


def test_fifty_steps_end_at_the_weights_of_torch(blank, engine, monkeypatch):
    worst = {}
    for name, setting in cases().items():
        case, theirs = torch_plays(setting, monkeypatch)
        mine = json.loads(blank.evaluate(RUN, [engine, json.dumps(case)]))  # playwright is slow with long lists
        moved = max(float((theirs[player] - torch.tensor(case[player])).abs().max()) for player in "GD")
        assert moved > 1e-3, f"{name}: nothing has moved"
        for what in ("G", "D", "losses"):
            apart = (torch.tensor(mine[what], dtype=torch.float64) - theirs[what]).abs().max()
            worst[name] = max(worst.get(name, 0.0), float(apart))
    print("largest difference of a weight or a loss after 50 steps:", {k: f"{v:.0e}" for k, v in worst.items()})
    assert {name: apart for name, apart in worst.items() if not apart < 1e-4} == {}


# ---- The page ----


@pytest.fixture(scope="module")
def opened(chromium, tmp_path_factory):  # noqa: F811
    """The playground, opened from disk without a network; and what its console said, and what it asked for."""
    home = tmp_path_factory.mktemp("playground")
    playground.main(home / "gan_laboratory.html")
    ready = "document.querySelector('canvas.plane')?.dataset.frame"
    with page_from_disk(chromium, home / "gan_laboratory.html", ready, home) as found:
        yield found


def steps(page) -> int:
    return page.evaluate("laboratory.model.play.game.steps")


def press(page, what: str) -> None:
    page.locator(f"[data-do={what}]").click()


def test_from_disk_and_offline_it_plays_and_asks_for_nothing(opened):
    page, visit, asked = opened
    press(page, "play")
    played = "laboratory.model.play.game.steps > 20 && laboratory.model.records.length > 1"
    page.wait_for_function(played, timeout=30_000)
    press(page, "play")
    page.wait_for_function("document.querySelector('.gan-lab').dataset.playing === 'false'")
    before = steps(page)
    press(page, "step")
    assert steps(page) == before + 1
    page.locator("[name=time]").fill("0")
    page.wait_for_function("document.querySelector('canvas.plane').dataset.step === '0'")
    page.locator("[name=slow]").check()
    press(page, "step")
    assert page.locator(".stage").inner_text().startswith("①")
    page.locator("[name=slow]").uncheck()
    assert visit.console == [] and len(asked) == 1 and asked[0].startswith("file://")


def test_each_choice_makes_finite_steps(opened):
    page, visit, _ = opened
    words = page.evaluate("""() => {
      const { model, engine, page } = laboratory, said = [];
      for (const [name, { options }] of Object.entries(model.get("fixed").controls)) for (const value of options) {
        const changes = { [name]: value, d_width: 8, g_width: 8 };
        const game = engine.makeGame(page.but(model.given.setting, changes, model.given));
        if (![...game.step(), ...game.step()].every(Number.isFinite)) said.push(`${name} ${value}`);
      }
      return said;
    }""")
    assert words == [] and visit.console == []


def test_a_click_brings_new_data_players_and_presets(opened):
    page, visit, _ = opened
    assert "clothes" not in page.evaluate("laboratory.model.get('fixed').controls.data.options")
    assert "Clothes" in page.locator("footer").inner_text()
    for data in ("Swiss roll", OWN):
        page.locator(f"input[data-data='{data}']").check(force=True)
        page.wait_for_function("d => laboratory.model.get('setting').data === d", arg=data)
    press(page, "clear")
    page.locator("canvas.plane").click(position={"x": 60, "y": 60})
    page.wait_for_function("laboratory.model.get('setting').drawing.length === 1")
    press(page, "presets")
    page.get_by_role("button", name="paired, and held").click()
    assert page.evaluate("laboratory.model.get('setting').objective") == "r3gan"
    for seed in range(3):
        page.evaluate("seed => laboratory.model.send({ do: 'set', name: 'seed', value: seed })", seed)
        page.get_by_role("button", name="the ring, learned").click()
        steps = page.evaluate("laboratory.model.get('playing') && laboratory.model.play.game.steps")
        assert steps < 2_000  # not at once, or nothing else could be done meanwhile
        page.wait_for_function("!laboratory.model.get('playing')", timeout=120_000)
        steps, moments, last = page.evaluate("""() => { const { play, records } = laboratory.model;
          return [play.game.steps, records.length, records.at(-1).measures]; }""")
        assert (steps, moments > 30, last["modes"]) == (2_000, True, 1) and last["inside"] > 0.6
    page.get_by_role("button", name="the ring, learned").click()
    page.wait_for_function("laboratory.model.play.game.steps > 20")
    press(page, "play")
    page.wait_for_function("!laboratory.model.get('playing')")
    assert page.evaluate("laboratory.model.play.game.steps") < 2_000
    page.get_by_role("button", name="the ring, learned").click()
    page.get_by_role("button", name="paired, and held").click()  # on the way to there: this one waits for Play
    page.wait_for_function("!laboratory.model.get('playing')")
    before = page.evaluate("laboratory.model.play.game.D.w.slice()")
    page.locator("[name=players]").select_option("only G")
    press(page, "step")
    assert page.evaluate("laboratory.model.play.game.D.w.slice()") == before
    page.locator("[name=players]").select_option("both")
    press(page, "copy")
    assert "objectives.rpgan" in page.locator("pre.code").inner_text()
    press(page, "defaults")
    assert page.evaluate("laboratory.model.get('error')") == "" and visit.console == []


def test_a_game_that_diverges_says_so_and_goes_back(opened):
    page, visit, _ = opened
    page.evaluate("""() => { const { model } = laboratory;
      model.send({ do: "set", name: "objective", value: "kl" });
      model.play.game.D.w.fill(1e200);
      model.send({ do: "step" }); }""")
    assert "became NaN or infinite" in page.locator(".trouble").inner_text()
    assert page.evaluate("laboratory.model.play.game.D.w.every(Number.isFinite)")
    page.evaluate("laboratory.model.send({ do: 'defaults' }), laboratory.model.send({ do: 'reset' })")
    assert visit.console == []


def test_the_tour_leads_back_to_the_readers_own_game(opened):
    page, visit, _ = opened
    mine = """(() => { const { play, state } = laboratory.model;
      return JSON.stringify([Array.from(play.game.G.w), play.game.steps, state]); })()"""
    press(page, "step")
    before = page.evaluate(mine)
    press(page, "tour")
    for number, stop in enumerate(TOUR):
        assert page.locator(".tour strong").inner_text() == f"{number + 1} of 8 · {stop.title}"
        setting = json.loads(json.dumps(Setting.of(**stop.setting).as_dict()))
        assert json.loads(page.evaluate("JSON.stringify(laboratory.model.get('setting'))")) == setting
        made = page.evaluate("""() => { const { model } = laboratory;
          return [model.play.game.steps, model.get("players"), model.get("slow"), model.play.players]; }""")
        assert made == [stop.before[1], stop.players, stop.slow, stop.players]
        press(page, "step")
        if number < 7:
            page.keyboard.press("n")  # the button that was pressed last has the keyboard: it is in the laboratory
    press(page, "defaults")
    assert page.evaluate("laboratory.model.get('setting').data") == OWN
    page.keyboard.press("Escape")
    assert page.locator(".tour").is_hidden() and page.evaluate(mine) == before
    press(page, "defaults")
    assert page.evaluate("laboratory.model.get('error')") == "" and visit.console == []


def test_nothing_reaches_beyond_a_narrow_page(opened):
    page, _, _ = opened
    page.set_viewport_size({"width": 390, "height": 844})
    press(page, "tour")
    for what in ("more", "challenges", "presets"):
        if page.locator(f"[data-do={what}]").get_attribute("aria-expanded") == "false":
            press(page, what)
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    press(page, "leave")
    page.set_viewport_size({"width": 1280, "height": 1000})


def test_challenges_are_met_as_in_the_package(opened):
    page, _, _ = opened
    solved = page.evaluate("""() => {
      const { model, page } = laboratory, judge = new page.Judge(model.given), ring = model.given.setting, met = [];
      const critic = { ...ring, objective: "wgan", hold: "nothing" };
      const none = { modes: NaN, inside: NaN, js: 0.6, slope: 1 };
      const note = () => met.push([...judge.solved].sort().join());
      judge.see(0, ring, { ...none, modes: 0.25, inside: 0.6 }); note();
      judge.see(9, ring, { ...none, modes: 0.25, inside: 0.6 }); note();
      judge.see(10, { ...ring, d_lr: 0.01 }, { ...none, modes: 1, inside: 0.6 }); note();
      judge.see(11, ring, { ...none, modes: 0.25, inside: 0.6 });
      judge.see(12, ring, { ...none, modes: 1, inside: 0.6 }); note();
      judge.see(13, ring, { ...none, slope: 20 });
      judge.see(14, ring, none); note();
      judge.see(15, critic, { ...none, slope: 20 });
      judge.see(16, critic, none); note();
      const own = { ...ring, data: "your own", drawing: [[0, 0]] };
      for (const js of [0.6, 0.6, 0.1]) judge.see(17, own, { ...none, js });
      note();
      for (let k = 0; k < 80; k++) judge.turn(ring, [Math.cos(k / 4), Math.sin(k / 4)], true);
      note();
      return met;
    }""")
    steps = ["", "collapse", "collapse", "collapse,save", "collapse,save", "collapse,save,slope"]
    assert solved == [*steps, "collapse,initial,save,slope", "circle,collapse,initial,save,slope"]


@pytest.mark.alone
def test_pictures_per_second(opened):
    """Bounded by what the page's own thread computes: seconds of a busy machine say nothing about the page."""
    page, _, _ = opened
    press(page, "reset")
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})

    def now() -> np.ndarray:
        metrics = {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
        seen = page.evaluate("[laboratory.model.sent, laboratory.model.play.game.steps, performance.now() / 1000]")
        return np.array([metrics["TaskDuration"], *seen])

    press(page, "play")
    page.wait_for_timeout(1500)  # until the browser has compiled what is used often
    start = now()
    page.wait_for_timeout(4000)
    cpu, pictures, done, seconds = now() - start
    press(page, "play")
    print(f"{pictures / seconds:.0f} pictures a second, {pictures / cpu:.0f} for each second of the page's own core, "
          f"{done / pictures:.1f} steps in each")  # fmt: skip
    assert pictures / cpu > 12


# ---- The same as the package ----

SETTINGS = [
    {}, {"objective": "wgan"}, {"objective": "wgan_gp", "data": "Swiss roll"}, {"objective": "r3gan", "g_steps": 3},
    {"data": OWN, "smoothing": 0.15, "noise": 0.1}, {"hold": "R1", "weight": 0.001, "latent": "uniform, 1-D"},
    {"optimiser": "SGD", "momentum": 0.0, "d_lr": 1e-5, "g_lr": 0.1},
    {"hold": "one-sided penalty", "depth": 4, "g_steps": 2},
    {"data": OWN, "drawing": ((0.5, -1.0),), "width": 8, "seed": 3},
]  # fmt: skip


def test_settings_and_code_are_those_of_the_package(opened):
    page, _, _ = opened
    ask = """(all) => all.map((changes) => {
      const { page, model } = laboratory, setting = page.but(model.given.setting, changes, model.given);
      return [setting, page.codeOf(setting, model.given)];
    })"""
    for changes, (values, code) in zip(SETTINGS, page.evaluate(ask, SETTINGS), strict=True):
        theirs = Setting.of(**changes)
        assert Setting(**values | {"drawing": tuple(map(tuple, values["drawing"]))}) == theirs
        assert code == theirs.code()
    assert set(SUITS) <= set(OBJECTIVES) and HEART == Setting().drawing


@pytest.mark.parametrize("data", [*DATA, OWN])
def test_what_is_known_of_the_data_is_what_the_package_knows(opened, data):
    page, _, _ = opened
    known = truth.Truth(Setting.of(data=data))
    q, y = known.law_of(known.sample(4000)), known.sample(truth.FEW)
    x = known.x.double()
    mine = page.evaluate("""([data, q, x, y]) => {
      const { measures, model } = laboratory, setting = { ...model.given.setting, data };
      const truth = new measures.Truth(setting, model.given.window[data] || [0, 0, 1.6], model.k);
      const { js, kl, reverse_kl, tv } = truth.distances(q);
      const modes = truth.hasModes && truth.modes(Float64Array.from(y));
      return { p: Array.from(truth.p), distances: [js, kl, reverse_kl, tv], w1: measures.assignment(x, y), modes,
               pairs: truth.bestOfPairs(q), floors: [truth.jsFloor, truth.w1Floor] };
    }""", [data, q.flatten().tolist(), x.flatten().tolist(), y.flatten().tolist()])  # fmt: skip
    assert np.allclose(mine["p"], known.p.flatten(), atol=2e-6, rtol=1e-3)
    assert np.allclose(mine["distances"], known.distances(q), rtol=2e-3, atol=1e-4)
    assert math.isclose(mine["w1"], float(empirical_w1(x, y.double())), rel_tol=1e-5)
    assert math.isclose(mine["pairs"], known.best_of_pairs(q), rel_tol=1e-3)
    assert np.allclose(mine["floors"], [known.js_floor, known.w1_floor], rtol=0.6)  # other draws of the same law
    if known.has_modes:
        inside = int(known.density.mode_counts(y / known.scale).sum()) / len(y)
        hit = known.density.modes_hit(y / known.scale) / len(known.density.centers)
        assert np.allclose(mine["modes"], [hit, inside])


def test_best_scores_losses_at_rest_and_verdicts_are_those_of_the_package(opened):
    page, _, _ = opened
    torch.manual_seed(0)
    scores, net = torch.linspace(-3, 3, 7), Setting().make_game().D.D
    x, fake = torch.randn(64, 2), torch.randn(64, 2) + 0.5
    mine = page.evaluate("""([names, scores, w, x, fake]) => names.map((objective) => {
      const { measures, engine, model } = laboratory, setting = { ...model.given.setting, objective };
      const D = new engine.Network([2, 64, 64, 1], "tanh");
      D.w.set(w);
      const likely = measures.probability(setting), rest = measures.atRest(setting);
      const right = measures.accuracy(setting, D, Float64Array.from(x), Float64Array.from(fake));
      const all = [measures.evenScore(setting), likely && scores.map(likely), rest.d_loss, rest.g_loss, right];
      return all.map((v) => (Number.isNaN(v) ? null : v));
    })""", [list(OBJECTIVES), scores.tolist(), parameters_to_vector(net.parameters()).tolist(),
            x.flatten().tolist(), fake.flatten().tolist()])  # fmt: skip
    for name, (even, likely, d, g, right) in zip(OBJECTIVES, mine, strict=True):
        objective = Setting.of(objective=name).make_objective()
        theirs = truth.probability(objective, scores)
        assert (likely is None) == (theirs is None), name
        assert likely is None or np.allclose(likely, theirs, atol=1e-4), name
        for one, other in ((even, truth.even_score(objective)), *zip((d, g), truth.at_rest(objective), strict=True)):
            other = None if other is None or math.isnan(other) else other
            assert (one is None) == (other is None) and (one is None or math.isclose(one, other, abs_tol=1e-5)), name
        theirs = truth.accuracy(objective, net, x, fake)
        assert right is None and math.isnan(theirs) or math.isclose(right, theirs, abs_tol=1 / 64), name
