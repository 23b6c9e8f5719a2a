"""The laboratory without a browser: it plays what `train` plays, every control does what it says, its truth is true."""

import asyncio
import re
import threading
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_tutorial.game import Diverged
from gan_tutorial.game.objectives import OBJECTIVES, minimax, rpgan, wasserstein
from gan_tutorial.lesson import figures, turns
from gan_tutorial.lesson.laboratory import CONTROLS, Laboratory, Setting, truth, widget
from gan_tutorial.lesson.laboratory.challenges import LEARNED, PRESETS, Judge, Sight, presets
from gan_tutorial.lesson.laboratory.setting import CLOTHES, DATA, HOLDS, OWN, PAIRED, SUITS
from gan_tutorial.lesson.laboratory.truth import Truth
from gan_tutorial.truth import densities

POINTS = [*DATA, OWN]
SMALL_CLOTHES = {"data": CLOTHES, "width": 8, "batch_size": 16}


def weights(game):
    return [w.clone() for net in (game.G, game.D, game.ema) for w in net.state_dict().values()]


def same(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def watched(lab) -> list[tuple[dict, list]]:
    """What the laboratory sends from now on, as to a browser that has said hello."""
    sent = []
    lab.send = lambda content, buffers=None: sent.append((content, buffers))
    tell(lab, do="hello")
    return sent


def tell(lab, **message) -> None:
    lab._handle_custom_msg(message, [])


# ---- It plays what the package plays ----


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"data": "Swiss roll", "objective": "wgan_gp"},
        {"data": OWN, "objective": "wgan", "optimiser": "RMSprop", "momentum": 0.0},
        {"data": "two moons", "objective": "hinge", "hold": "R1", "weight": 0.5, "noise": 0.2, "smoothing": 0.1},
        {"data": "grid", "objective": "kl", "hold": "one-sided penalty", "optimiser": "SGD", "d_lr": 0.01, "seed": 3},
        {"data": "line", "objective": "r1", "width": 16, "depth": 3, "batch_size": 32, "d_steps": 2},
        {"data": "three regions", "objective": "pearson", "momentum": 0.9},
        {"data": "ring", "objective": "r3gan", "weight": 0.5, "d_steps": 2, "noise": 0.1},
        {"data": "ring", "objective": "rpgan", "hold": "penalty", "g_steps": 2},
        {"data": "grid", "g_steps": 3, "latent": "uniform, 1-D", "g_width": 32, "d_depth": 1, "d_optimiser": "SGD"},
        SMALL_CLOTHES,
    ],
    ids=lambda s: "-".join(map(str, list(s.values())[:2])) or "as it starts",
)
def test_the_copied_code_plays_the_same_game(setting):
    """So neither watching, nor measuring, nor the time slider changes a single bit of the training."""
    lab = Laboratory(**setting)
    code = re.sub(r"steps=2000", "steps=7", lab.code)
    compile(code, "cell", "exec")
    names = {}
    with widget.one_thread():  # as the laboratory does: two threads add in another order
        exec(code, names)
    watched(lab)
    lab.step(3)
    lab.png()
    lab.step(4)
    inner = names["game"]
    for mine, theirs in ((lab.game.G, inner.G), (lab.game.ema, inner.ema)):
        states = zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True)
        assert all(torch.equal(a, b) for a, b in states)
    assert inner.step == lab.game.step == 7


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"objective": "wgan_gp", "d_steps": 3},
        {"objective": "r3gan", "d_steps": 2},
        {"g_steps": 3},
        SMALL_CLOTHES,
    ],
)
def test_slow_motion_plays_the_same_game(setting):
    quick, slow = Laboratory(**setting), Laboratory(**setting)
    quick.step(3)
    with widget.one_thread():
        for _ in range(3):
            said = [words for words, _ in slow._play.stages()]
    assert same(quick.game, slow.game) and slow.game.step == 3
    assert len(said) == 2 * slow._play.setting.d_steps + 2
    assert "D is shown" in said[0] and "G has moved" in said[-1]


def test_the_batch_of_slow_motion_is_the_one_that_d_moves_on():
    lab, drawn = Laboratory(), []
    sampler = lab.game.data
    stages = lab._play.stages()
    _, (x, fake) = next(stages)

    def spy(n):
        drawn.append(sampler(n))
        return drawn[-1]

    lab.game.data = spy
    next(stages)
    assert torch.equal(drawn[0][0], x) and fake.shape == x.shape == (128, 2)


@pytest.mark.parametrize("objective", ["non_saturating", "r3gan"])
def test_only_one_player_moves_while_the_other_rests(objective):
    lab = Laboratory(objective=objective)
    for who, moved in (("only D", lab.game.D), ("only G", lab.game.G)):
        rests = lab.game.G if moved is lab.game.D else lab.game.D
        before = [[w.clone() for w in net.parameters()] for net in (moved, rests)]
        tell(lab, do="players", value=who)
        tell(lab, do="step")
        assert lab.error == "" and lab.players == who
        changed = [
            any(not torch.equal(a, b) for a, b in zip(old, net.parameters(), strict=True))
            for old, net in zip(before, (moved, rests), strict=True)
        ]
        assert changed == [True, False]


def test_the_trait_and_the_method_choose_the_same_player():
    lab = Laboratory()
    lab.players = "only G"
    before = [w.clone() for w in lab.game.D.parameters()]
    lab.step(1)
    assert all(torch.equal(a, b) for a, b in zip(before, lab.game.D.parameters(), strict=True))


def test_a_few_steps_are_one_moment_and_many_are_forty():
    lab = Laboratory()
    lab.step(30)
    assert lab.recorded == 2
    lab.step(200)
    assert lab.recorded == 2 + 40


def test_two_laboratories_do_not_disturb_each_other():
    alone = Laboratory(seed=1)
    alone.step(4)
    one, other = Laboratory(seed=1), Laboratory(objective="wgan_gp")
    for _ in range(4):
        one.step(1)
        other.step(1)
    assert same(alone.game, one.game)


def test_what_others_draw_does_not_change_it_and_it_changes_nothing_for_them():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    lab = Laboratory()
    watched(lab)
    lab.step(2)
    assert torch.equal(torch.rand(3), expected)


# ---- Every control ----

EFFECTS = {
    # control: (a value that it does not have at first, what must then be true of the laboratory)
    "data": ("two moons", lambda lab: lab._truth.density == densities.TwoMoons() and lab.game.step == 0),
    "seed": (7, lambda lab: lab.game.step == 0 and not same(lab.game, Laboratory().game)),
    "batch_size": (32, lambda lab: "batch_size=32" in lab.code),
    "objective": ("wgan", lambda lab: lab.objective.d_real is wasserstein.d_real and lab.objective.project is not None),
    "hold": ("R1", lambda lab: lab.objective.penalty is not None),
    "weight": (0.5, lambda lab: lab.setting["weight"] == 0.5),
    "d_steps": (3, lambda lab: draws_of_a_step(lab) == 3),
    "smoothing": (0.1, lambda lab: abs(float(lab.objective.d_real(torch.tensor(9.0))) - 0.9) < 0.01),
    "noise": (0.3, lambda lab: lab.game.D.sd == 0.3),
    "g_steps": (3, lambda lab: moves_of_g(lab) == 3),
    "d_optimiser": ("SGD", lambda lab: kinds_of_steps(lab) == ("SGD", "Adam")),
    "g_optimiser": ("RMSprop", lambda lab: kinds_of_steps(lab) == ("Adam", "RMSprop")),
    "d_lr": (0.01, lambda lab: step_sizes(lab.game) == (0.01, 0.001)),
    "g_lr": (0.02, lambda lab: step_sizes(lab.game) == (0.001, 0.02)),
    "momentum": (0.9, lambda lab: lab.game.g_opt.param_groups[0]["betas"] == (0.9, 0.999)),
    "d_width": (16, lambda lab: widths(lab) == (16, 64) and lab.game.step == 0),
    "g_width": (32, lambda lab: widths(lab) == (64, 32) and lab.game.step == 0),
    "d_depth": (3, lambda lab: layers(lab.game.D) == 4 and layers(lab.game.G) == 3),
    "g_depth": (1, lambda lab: layers(lab.game.D) == 3 and layers(lab.game.G) == 2),
    "latent": ("uniform, 1-D", lambda lab: lab._z.shape == (truth.MANY, 1) and 1.7 < float(lab._z.max()) < 3**0.5),
}  # fmt: skip


def kinds_of_steps(lab) -> tuple[str, str]:
    return type(lab.game.d_opt).__name__, type(lab.game.g_opt).__name__


def widths(lab) -> tuple[int, int]:
    first = next(m for m in lab.game.D.modules() if isinstance(m, torch.nn.Linear))
    return first.out_features, lab.game.G[0].out_features


def layers(net) -> int:
    return sum(isinstance(m, torch.nn.Linear) for m in net.modules())


def moves_of_g(lab) -> int:
    before = lab.game.g_opt.state[next(lab.game.G.parameters())].get("step", torch.tensor(0.0)).clone()
    lab.step(1)
    return int(lab.game.g_opt.state[next(lab.game.G.parameters())]["step"] - before)


def step_sizes(game) -> tuple[float, float]:
    return game.d_opt.param_groups[0]["lr"], game.g_opt.param_groups[0]["lr"]


def draws_of_a_step(lab) -> int:
    calls, data = [], lab.game.data
    lab.game.data = lambda n: calls.append(n) or data(n)
    lab.step(1)
    lab.game.data = data
    return len(calls)


def test_every_control_has_a_test_of_its_effect():
    assert set(EFFECTS) == set(CONTROLS)


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_does_what_it_says_while_the_game_goes_on(name):
    value, holds = EFFECTS[name]
    lab = Laboratory()
    lab.step(2)
    tell(lab, do="set", name=name, value=value)
    assert lab.error == "" and lab.setting[name] == value
    assert holds(lab)
    lab.step(2)  # and it goes on


@pytest.mark.parametrize("hold", HOLDS)
def test_weight_is_what_holds_d(hold):
    lab = Laboratory(objective="hinge", hold=hold, weight=0.02)
    lab.step(3)
    largest = max(float(w.detach().abs().max()) for w in lab.game.D.parameters())
    assert (largest <= 0.02 + 1e-6) == (hold == "clip")
    assert (lab.objective.penalty is not None) == (hold in ("penalty", "one-sided penalty", "R1", "R1 and R2"))


def test_what_r1_and_r2_ask_of_d():
    """Of D(u) = |u|^2, whose squared slope is 4 |u|^2: half the weight times its means over data and over samples."""
    lab = Laboratory(objective="r3gan", weight=0.3)
    x, fake = torch.randn(2, 10, 2)
    expected = 0.15 * 4 * (x.square().sum(1).mean() + fake.square().sum(1).mean())
    assert torch.allclose(lab.objective.penalty(lambda u: u.square().sum(1), x, fake), expected)


def test_what_is_not_made_anew_keeps_its_weights_and_its_step():
    lab = Laboratory()
    lab.step(3)
    before = [w.clone() for w in lab.game.G.parameters()]
    lab.set(objective="wgan_gp", optimiser="SGD", d_lr=0.02, noise=0.1, smoothing=0.1, batch_size=32)
    assert lab.game.step == 3
    assert all(torch.equal(a, b) for a, b in zip(before, lab.game.G.parameters(), strict=True))


def test_an_objective_brings_what_it_needs_unless_told_otherwise():
    lab = Laboratory()
    for name, brings in SUITS.items():
        lab.set(objective=name)
        assert {key: lab.setting[key] for key in brings} == brings
    lab.set(objective="least_squares")
    assert (lab.setting["hold"], lab.setting["d_steps"]) == ("nothing", 1)
    lab.set(objective="wgan", hold="nothing", d_steps=2)
    assert (lab.setting["hold"], lab.setting["d_steps"]) == ("nothing", 2)


def test_a_paired_objective_has_no_labels_to_smooth():
    lab = Laboratory(smoothing=0.1)
    for name in PAIRED:
        lab.set(objective="hinge", smoothing=0.1)
        tell(lab, do="set", name="objective", value=name)  # takes the smoothing back
        assert lab.error == "" and (lab.setting["objective"], lab.setting["smoothing"]) == (name, 0)
        before = lab.setting
        tell(lab, do="set", name="smoothing", value=0.2)
        assert "no labels to smooth" in lab.error and lab.setting == before
        lab.step(1)  # and it goes on
        with pytest.raises(ValueError, match="no labels to smooth"):
            Laboratory(objective=name, smoothing=0.1)
    assert lab.fixed["paired"] == list(PAIRED) == ["rpgan", "r3gan"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"objective": "gan"}, "it can be minimax"),
        ({"d_lr": 1.0}, "outside 1e-05 to 0.1"),
        ({"colour": "red"}, "no control 'colour'"),
        ({"drawing": []}, "draw at least one point"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(changes, says):
    lab = Laboratory()
    before = lab.setting
    with pytest.raises(ValueError, match=says):
        lab.set(**changes)
    ((name, value),) = changes.items()
    tell(lab, do="set", name=name, value=value)
    assert re.search(says, lab.error) and lab.setting == before
    tell(lab, do="reset")
    assert lab.error == ""


EVERYTHING = [("ring", name) for name in OBJECTIVES] + [(d, "wgan_gp") for d in (*POINTS, CLOTHES)]
EVERYTHING.append((CLOTHES, "r3gan"))


@pytest.mark.parametrize(("data", "objective"), EVERYTHING)
def test_every_objective_and_all_data_play(data, objective):
    lab = Laboratory(objective=objective, **(SMALL_CLOTHES if data == CLOTHES else {"data": data}))
    assert lab.step(2).startswith("step 2 · loss of D")


# ---- What it shows ----


def parts_of(sent) -> dict:
    content, buffers = [s for s in sent if s[0]["what"] == "picture"][-1]
    return {name: np.frombuffer(b, np.float32) for name, b in zip(content["parts"], buffers, strict=True)}


def test_a_picture_holds_what_the_layers_draw():
    lab = Laboratory()
    sent = watched(lab)
    lab.step(5)
    parts = parts_of(sent)
    assert {"samples", "score", "grid", "arrows", "best"} <= set(parts)
    at = torch.from_numpy(parts["samples"].reshape(-1, 2).copy())
    with torch.no_grad():
        score = lab.game.D.D(lab._truth.centers()).numpy()
    assert np.array_equal(parts["score"], score)
    x = at[: widget.ARROWS].requires_grad_()
    (slope,) = torch.autograd.grad(lab.objective.g_fake(lab.game.D.D(x)).sum(), x)
    assert np.allclose(parts["arrows"].reshape(-1, 2), -slope, atol=1e-6)
    scene = [s for s in sent if s[0]["what"] == "scene"][-1]
    assert scene[0]["window"] == (0.0, 0.0, 1.6) and len(scene[1][0]) == 8 * widget.SHOWN
    series = [s for s in sent if s[0]["what"] == "series"][-1]
    rows = np.frombuffer(series[1][0], np.float32).reshape(lab.recorded, -1)
    assert rows[-1][0] == 5 and rows.shape[1] == 1 + len(lab.fixed["measures"])
    assert series[0]["theory"]["d_loss"] == pytest.approx(2 * np.log(2))


def test_the_arrows_of_pairs_are_those_of_a_mean_over_data():
    """By hand, with the logistic curve: each difference t of scores contributes (1 - sigma(t)) grad D."""
    lab = Laboratory(objective="r3gan")
    sent = watched(lab)
    lab.step(5)
    parts, (content, _) = parts_of(sent), [s for s in sent if s[0]["what"] == "picture"][-1]
    x = torch.from_numpy(parts["samples"].reshape(-1, 2).copy())[: widget.ARROWS].requires_grad_()
    score = lab.game.D.D(x)
    (slope,) = torch.autograd.grad(score.sum(), x)
    t = score.detach()[:, None] - lab.game.D.D(lab._truth.x).detach()
    assert np.allclose(parts["arrows"].reshape(-1, 2), (1 - t.sigmoid()).mean(1, keepdim=True) * slope, atol=1e-6)
    assert np.abs(parts["arrows"]).max() > 1e-4
    assert content["even"] is None and content["paired"]  # no score of its own says that D cannot tell
    assert "of pairs (the best D" in lab.text and "of pairs" not in Laboratory().text


def test_a_moment_is_told_in_the_words_of_its_own_objective():
    lab = Laboratory()
    watched(lab)
    lab.step(1)
    lab.set(objective="rpgan")
    lab.step(1)
    assert "of pairs" in lab.text
    tell(lab, do="look", record=0)
    assert "D is right" in lab.text and "of pairs" not in lab.text


def test_the_warped_grid_is_where_g_puts_a_grid_of_latents():
    lab = Laboratory()
    parts = parts_of(watched(lab))
    with torch.no_grad():
        corner = lab.game.G(torch.special.ndtri(torch.tensor([[0.02, 0.02], [0.98, 0.02]])))
    grid = parts["grid"].reshape(widget.LINES, widget.LINES, 2)
    assert np.allclose(grid[0, 0], corner[0], atol=1e-5) and np.allclose(grid[0, -1], corner[1], atol=1e-5)


def test_the_page_about_it_names_every_control_and_layer():
    page = (Path(__file__).parents[2] / "notebooks" / "laboratory.md").read_text()
    for name, control in CONTROLS.items():
        assert f"| {control.label} |" in page and f"[{name}]" in page
        assert control.options or control.help in page
    for layer in widget.LAYERS:
        assert f"| {layer} |" in page
    here = Path(__file__).with_name
    tests = "".join(here(f"test_{name}.py").read_text() for name in ("laboratory", "laboratory_browser", "tour"))
    named = re.findall(r"`(test_\w+)…?`", page)
    assert len(named) > 10 and all(f"def {name}" in tests for name in named)


def test_layers_are_switched():
    lab = Laboratory()
    for name, on in widget.LAYERS.items():
        tell(lab, do="layer", name=name, value=not on)
        assert lab.layers[name] is not on


def test_the_time_slider_goes_back_to_what_was():
    lab = Laboratory()
    sent = watched(lab)
    for _ in range(6):
        lab.step(1)
    then = lab._records[2]
    tell(lab, do="look", record=2)
    content, buffers = sent[-1]
    assert content["past"] and content["step"] == 2 and buffers == then.buffers
    assert lab.text.startswith("step 2 ") and lab.game.step == 6
    tell(lab, do="now")
    assert sent[-1][0]["step"] == 6 and lab.text.startswith("step 6 ")


def test_records_stay_few_and_keep_the_first(monkeypatch):
    monkeypatch.setattr(widget, "RECORDS", 10)
    lab = Laboratory()
    for _ in range(40):
        lab.step(1)
    steps = [record.step for record in lab._records]
    assert len(steps) <= 11 and steps[0] == 0 and steps[-1] == 40 and steps == sorted(steps)


def test_pictures_wait_for_a_slow_browser():
    lab = Laboratory()
    sent = watched(lab)
    for _ in range(20):
        lab._show()
    shown = [s[0]["frame"] for s in sent if s[0]["what"] == "picture"]
    assert 2 <= len(shown) <= 4
    tell(lab, do="seen", frame=shown[-1])
    lab._show()
    assert sent[-1][0]["frame"] == shown[-1] + 1


def test_nothing_is_sent_where_nobody_watches(monkeypatch):
    lab = Laboratory()
    monkeypatch.setattr(lab, "send", lambda *a, **k: pytest.fail("sent to nobody"))
    lab.step(3)


@pytest.mark.parametrize("data", ["ring", CLOTHES])
def test_readers_without_a_kernel_get_a_picture_and_its_numbers(data):
    lab = Laboratory(**(SMALL_CLOTHES if data == CLOTHES else {"data": data}))
    lab.step(3)
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"] == lab.text and lab.text.startswith("step 3 · loss of D")
    assert "application/vnd.jupyter.widget-view+json" in bundle
    picture = np.asarray(Image.open(BytesIO(b64decode(bundle["image/png"]))))
    assert picture.std() > 5 and picture.shape[1] > 700


def test_colours_are_those_of_the_series():
    assert Laboratory().fixed["colors"] == dict(figures.COLORS)


def test_the_state_carries_a_picture_so_that_a_view_has_one_at_once():
    lab = Laboratory()
    lab.step(3)
    scene, series, picture = lab.get_state("first")["first"]["messages"]
    assert (scene["what"], series["what"], picture["what"], picture["step"]) == ("scene", "series", "picture", 3)
    samples = np.frombuffer(picture["buffers"][picture["parts"].index("samples")], np.float32).reshape(-1, 2)
    with torch.no_grad():
        assert np.array_equal(samples, lab.game.G(lab._z[: widget.SHOWN]).numpy())


def test_a_second_tab_sees_the_same_game_at_once_and_may_fall_silent():
    lab = Laboratory()
    sent = watched(lab)
    lab.step(2)
    before, recorded = len(sent), lab.recorded
    tell(lab, do="hello")
    assert [content["what"] for content, _ in sent[before:]] == ["scene", "series", "picture"]
    assert sent[-1][0]["step"] == lab.game.step == 2 and lab.recorded == recorded
    tell(lab, do="seen", frame=lab._sent)
    before = len(sent)
    for _ in range(6):  # one of the two is heard no more
        tell(lab, do="step")
        tell(lab, do="seen", frame=lab._sent)
        tell(lab, do="seen", frame=1)  # nor is one that is late in the way
    assert [content["step"] for content, _ in sent[before:] if content["what"] == "picture"] == [3, 4, 5, 6, 7, 8]
    assert lab.error == ""


def test_the_still_is_of_a_game_that_has_played_and_the_laboratory_has_not(monkeypatch):
    lab, played = Laboratory(still=40), Laboratory()
    played.step(40)
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"] == played.text and lab.game.step == 0
    assert b64decode(bundle["image/png"]) == played.png()
    monkeypatch.setattr(widget.live, "running_cell", lambda: 3)  # who has a browser is not kept waiting
    assert lab._repr_mimebundle_()["text/plain"].startswith("step 0 ")


@pytest.mark.parametrize("objective", ["non_saturating", "least_squares", "kl", "pearson", "reverse_kl"])
def test_the_colour_of_a_score_is_the_probability_that_it_means(objective):
    for ratio in (0.1, 1.0, 4.0):
        best = float(truth.best_response(OBJECTIVES[objective], torch.tensor([ratio], dtype=torch.float64), reach=1e6))
        found = float(truth.probability(OBJECTIVES[objective], torch.tensor([best])))
        assert found == pytest.approx(ratio / (1 + ratio), abs=2e-3)


def test_where_a_score_is_no_probability_it_has_a_scale_of_its_own():
    for name in ("wgan", "rpgan", "hinge"):
        assert truth.probability(OBJECTIVES[name], torch.zeros(1)) is None
    lab = Laboratory(objective="wgan", hold="nothing")
    sent = watched(lab)
    reaches = []
    for _ in range(4):
        lab.step(10)
        reaches.append(lab._reach)
    content = lab._records[-1].about
    assert reaches == sorted(reaches) and not content["line"] and not content["judges"]
    assert content["legend"][0].endswith("lower") and f"{reaches[-1]:g}" in content["legend"][0]
    assert np.abs(parts_of(sent)["tint"]).max() <= 1


def test_numbers_that_a_person_can_read():
    said = {-4869906525766.893: "−4.9·10¹²", -0.1234: "−0.123", 1234.5: "1,234", float("nan"): "–", 2.0: "2.000"}
    for value, words in said.items():
        assert widget.readable(value) == words


def test_modes_are_hit_by_one_sample_and_the_share_inside_says_how_few_that_is():
    lab = Laboratory()
    perfect = lab._truth.sample(8192)
    m = lab._truth.measure((0.0, 0.0), lab.objective, lab.game.D.D, perfect, lab._truth.law_of(perfect))
    assert m.modes == 1 and m.inside == pytest.approx(widget.INSIDE, abs=0.01)
    smear = 2 * torch.randn(8192, 2)
    m = lab._truth.measure((0.0, 0.0), lab.objective, lab.game.D.D, smear, lab._truth.law_of(smear))
    assert m.modes > 0.5 and m.inside < 0.1
    assert np.isnan(Laboratory(data=OWN)._records[-1].measures.modes)  # the dots of a pen are no modes


def test_defaults_are_what_the_cell_asked_for():
    lab = Laboratory(d_lr=0.01)
    tell(lab, do="set", name="d_lr", value=0.1)
    lab.step(2)
    tell(lab, do="defaults")
    assert lab.setting["d_lr"] == 0.01 and lab.game.step == 2 and lab.error == ""


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_what_its_line_says(name):
    line = {one["name"]: one["line"] for one in presets()}[name]
    call = re.search(r"laboratory\(.*?\)", line)[0]
    assert eval(call, {"laboratory": Setting.of}) == Setting.of(**PRESETS[name])
    lab = Laboratory(seed=3)
    lab.step(1)
    tell(lab, do="preset", name=name)
    assert lab.error == "" and lab.game.step == LEARNED.get(name, 0)
    assert lab._play.setting == Setting.of(**PRESETS[name], seed=3)
    assert name not in LEARNED or line == f"lab = {call}; lab.step({lab.game.step:_}); lab"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", LEARNED)
def test_what_is_called_learned_is_and_how_can_be_looked_at(name, seed):
    lab = Laboratory(seed=seed)
    tell(lab, do="preset", name=name)
    first, *_, last = (record.measures for record in lab._records)
    assert last.modes == 1 and last.inside > 0.6 > first.inside
    assert lab.recorded > 30  # moments for the time slider


def test_a_game_can_be_saved_and_goes_on_elsewhere(tmp_path):
    lab, other = Laboratory(seed=1), Laboratory(seed=1)
    lab.step(5)
    lab.game.save(tmp_path / "ring.pt")
    other.game.load(tmp_path / "ring.pt")
    assert other.step(2) == lab.step(2)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "looks healthy"),
        ({"objective": "minimax", "d_steps": 5, "d_lr": 0.01, "g_lr": 1e-4}, "G hears nothing"),
        ({"objective": "wgan", "hold": "nothing"}, "no bound"),
    ],
)
def test_a_diagnosis_says_what_the_game_shows(seed, changes, says):
    lab = Laboratory(seed=seed, **changes)
    for _ in range(200 if changes else 1000):
        lab._play.step()
    before = torch.get_rng_state()
    assert lab.diagnose().name == says == lab.diagnosis[0]["name"]
    assert torch.equal(before, torch.get_rng_state())


def test_a_diagnosis_is_of_the_steps_since_the_last_change(monkeypatch):
    monkeypatch.setattr("gan_tutorial.lesson.laboratory.play.ROWS", 40)
    lab = Laboratory()
    lab.step(100)
    rows = lab._play.history
    assert 20 <= len(rows) <= 40 and {b[0] - a[0] for a, b in zip(rows[:-1], rows[1:], strict=True)} == {4}
    lab.set(d_lr=1e-3)
    assert lab.diagnose().findings[-1].name == "too short"
    lab.choose_players("only D")
    lab.step(20)
    assert lab._play.history == []
    lab.choose_players("both")
    lab.step(20)
    assert len(lab._play.history) == 20


def test_a_diagnosis_of_clothes_looks_at_the_pictures():
    lab = Laboratory(data="clothes")
    lab.step(12)
    tell(lab, do="diagnose")
    assert lab.error == "" and "samples differ" in [one["name"] for one in lab.diagnosis]


def test_a_challenge_is_solved_by_a_critic_that_explodes_and_is_tamed():
    lab = Laboratory(objective="wgan", hold="nothing", d_lr=0.01)
    for _ in range(10):
        lab.step(10)
    assert not any(one["solved"] for one in lab.challenges)
    lab.set(hold="penalty", weight=10.0)
    for _ in range(40):
        lab.step(10)
    assert [one["name"] for one in lab.challenges if one["solved"]] == ["slope"]


def test_a_challenge_is_solved_by_a_game_that_circles():
    lab = Laboratory(data="three regions", optimiser="SGD", d_lr=0.1, g_lr=0.1)
    for _ in range(150):
        lab.step(3)
    assert "circle" in lab._judge.solved
    calm = Laboratory(data="three regions")
    for _ in range(60):
        calm.step(10)
    assert "circle" not in calm._judge.solved


def seen(judge, setting, step, **measures):
    judge.see(Sight(step, setting, truth.Measures(0.0, 0.0, **measures)))
    return judge.solved


def test_a_challenge_needs_what_it_says():
    ring, quick = Setting.of(), Setting.of(d_lr=0.1)
    judge = Judge()
    assert seen(judge, ring, 5, modes=1.0, inside=0.9) == set()  # nothing to save
    assert seen(judge, ring, 6, modes=0.125, inside=0.2) == set()  # nowhere is no collapse
    assert seen(judge, ring, 7, modes=0.125, inside=0.9) == {"collapse"}
    seen(judge, quick, 8, modes=0.125, inside=0.2)  # D's step size was touched
    assert seen(judge, quick, 9, modes=1.0, inside=0.9) == {"collapse"}
    seen(judge, quick, 10, modes=0.125, inside=0.9)
    assert seen(judge, quick, 11, modes=1.0, inside=0.9) == {"collapse", "save"}

    judge, mine = Judge(), Setting.of(data=OWN, drawing=[(0, 0), (0, 0.5)])
    assert seen(judge, Setting.of(data=OWN), 5, js=0.1) == set()  # the heart was there
    for step in range(3):
        seen(judge, mine, step, js=0.6)
    assert seen(judge, mine, 4, js=0.1) == {"initial"}
    judge = Judge()
    for step in range(3):
        seen(judge, mine, step, js=0.6)
    judge._since -= 21  # too late
    assert seen(judge, mine, 4, js=0.1) == set()


def test_every_message_with_a_number_is_answered_with_it():
    lab = Laboratory()
    sent = watched(lab)
    tell(lab, do="set", name="d_lr", value=5.0, n=7)  # also what is refused
    assert {"what": "did", "n": 7} in [content for content, _ in sent] and "outside" in lab.error


# ---- Playing on its own ----


def test_a_long_training_lets_it_answer_and_play_between_its_steps(monkeypatch):
    """A cell that runs keeps the loop; messages come in a thread of their own and wait for its turn."""
    monkeypatch.setattr(turns, "EVERY", 0.0)

    async def cell():
        lab = Laboratory()
        for what in ("step", "play"):
            other = threading.Thread(target=tell, args=(lab,), kwargs={"do": what})
            other.start()
            other.join()
        before = lab.game.step
        turns.give()
        stepped = lab.game.step
        turns.give()
        later, playing = lab.game.step, lab.playing
        lab.pause()
        await lab._task
        return before, stepped, later, playing

    before, stepped, later, playing = asyncio.run(cell())
    assert before == 0 < stepped < later and playing


def test_awaiting_it_trains_exactly_as_long_as_told():
    lab, plain = Laboratory(), Laboratory()
    said = asyncio.run(lab.run(11))
    plain.step(11)
    assert lab.game.step == 11 and said == lab.text and same(lab.game, plain.game)
    assert not lab.playing


def test_play_goes_on_until_pause_and_leaves_time_for_others():
    async def watch():
        lab = Laboratory(objective="wgan_gp")
        tell(lab, do="play")
        turns = 0
        while lab.game.step < 100:
            await asyncio.sleep(0.001)
            turns += 1
        with pytest.raises(RuntimeError, match="playing already"):
            await lab.run(1)
        tell(lab, do="set", name="d_lr", value=1e-2)  # while it plays
        tell(lab, do="pause")
        await lab._task
        at = lab.game.step
        await asyncio.sleep(0.05)
        return lab, turns, at

    lab, turns, at = asyncio.run(watch())
    assert turns > 1 and not lab.playing and lab.game.step == at and lab.setting["d_lr"] == 1e-2


def test_a_message_from_another_thread_waits_for_its_turn():
    """ipykernel 7 may hand over a message in a thread of its own: it must not reach into a step that is under way."""

    async def watch():
        lab, seen = Laboratory(), []
        lab.observe(lambda change: seen.append(threading.current_thread()), "setting")
        other = threading.Thread(target=tell, args=(lab,), kwargs={"do": "set", "name": "d_lr", "value": 0.01})
        other.start()
        other.join()
        waited = lab.setting["d_lr"] == 1e-3
        await asyncio.sleep(0.01)
        return lab, waited, seen

    lab, waited, seen = asyncio.run(watch())
    assert waited and lab.setting["d_lr"] == 0.01 and seen == [threading.main_thread()]


def test_speed_is_the_number_of_steps_between_two_pictures():
    lab = Laboratory()
    tell(lab, do="pace", value=2)
    assert lab._slice(None) == 2 and lab._slice(1) == 1
    tell(lab, do="pace", value=0)
    assert lab._slice(10_000) > 2


def test_slow_motion_shows_its_stages_and_stops_at_whole_steps(monkeypatch):
    monkeypatch.setattr(widget, "STAGE", 0.01)

    async def watch():
        lab = Laboratory()
        tell(lab, do="slow", value=True)
        stages = set()
        lab.observe(lambda change: stages.add(change["new"]), "stage")
        await lab.run(2)
        return lab, stages

    lab, stages = asyncio.run(watch())
    assert lab.game.step == 2 and lab.stage == ""
    assert any("D is shown" in s for s in stages) and any("arrows" in s for s in stages)


def test_in_slow_motion_the_step_button_goes_from_stage_to_stage():
    lab = Laboratory()
    tell(lab, do="slow", value=True)
    seen = []
    for _ in range(5):
        tell(lab, do="step")
        seen.append(lab.stage)
    assert len(set(seen[:4])) == 4 and seen[4] == "" and lab.game.step == 1
    tell(lab, do="step")
    tell(lab, do="set", name="objective", value="hinge")  # what was in hand is given up
    assert lab.stage == "" and lab.game.step == 1


WILD = {"objective": "neyman", "optimiser": "SGD", "d_lr": 0.1, "g_lr": 0.1, "momentum": 0.9, "width": 128}


def test_an_error_is_raised_where_it_is_awaited_and_shown_where_it_is_not(monkeypatch):
    def broken(self):
        raise Diverged("D's loss became NaN; try a smaller learning rate.")

    monkeypatch.setattr("gan_tutorial.lesson.laboratory.play.Play.step", broken)
    lab = Laboratory()
    with pytest.raises(Diverged):
        lab.step(1)
    with pytest.raises(Diverged):
        asyncio.run(lab.run(5))
    assert not lab.playing

    async def press():
        lab.play()
        await lab._task

    asyncio.run(press())
    assert lab.error.startswith("D's loss became NaN") and not lab.playing


def test_a_game_that_diverges_can_go_on():
    lab = Laboratory()
    with torch.no_grad():
        lab.game.D.D.net[0].weight.fill_(torch.nan)
    with pytest.raises(Diverged):
        lab.step(1)
    lab.reset()
    assert lab.step(1).startswith("step 1")


def test_closing_stops_it():
    async def close():
        lab = Laboratory()
        lab.play()
        await asyncio.sleep(0.05)
        lab.close()
        with pytest.raises(asyncio.CancelledError):
            await lab._task
        return lab

    assert not asyncio.run(close()).playing


# ---- The truth beside it ----


@pytest.mark.parametrize("data", POINTS)
def test_the_law_of_the_data_is_that_of_its_samples(data):
    known = Truth(Setting.of(data=data))
    assert float(known.p.sum()) == pytest.approx(1)
    torch.manual_seed(0)
    x = known.sample(100_000)
    assert known.distances(known.law_of(x))[0] < 2e-4  # JS, in nats
    low, high = known.low, known.low + known.width
    assert ((x >= low) & (x <= high)).all(1).double().mean() > 0.999  # it fits its window


def test_distances_of_laws_that_do_not_meet():
    known = Truth(Setting.of(data="three regions"))
    js, kl, reverse, tv = known.distances(known.law_of(torch.full((10, 2), 5.0)))  # outside: at the edge
    assert js == pytest.approx(np.log(2), abs=1e-6) and tv == pytest.approx(1, abs=1e-6) and kl > 20 < reverse


def test_blurred_distances_are_lower_bounds_and_near():
    """Two bells in the plane, 0.6 apart, sd 0.3: their KL is exactly (0.6 / 0.3)^2 / 2 = 2."""
    known = Truth(Setting.of(data=OWN))
    known.density, known.scale = densities.Spots(((-0.3, 0.0),), sd=0.3), 1.0
    known.p = known._blurred(known._cells())
    known.density = densities.Spots(((0.3, 0.0),), sd=0.3)
    q = known._blurred(known._cells())
    js, kl, reverse, _ = known.distances(q)
    assert 1.8 < kl <= 2 and 1.8 < reverse <= 2
    assert js < np.log(2)


def test_the_best_d_is_log_p_over_q():
    known = Truth(Setting.of(data="ring"))
    q = known.law_of(1.2 * torch.randn(truth.MANY, 2))
    best = known.best_score(minimax, q)
    ratio = (known.p / q).log()
    seen = ~best.isnan() & (ratio.abs() < 11)
    assert seen.sum() > 200
    assert torch.allclose(best[seen].double(), ratio[seen], atol=2e-2)
    assert known.best_score(wasserstein, q) is None


def test_the_best_score_of_pairs_is_that_of_single_examples():
    known = Truth(Setting.of(data="ring"))
    q = known.law_of(1.2 * torch.randn(truth.MANY, 2))
    single, paired = known.best_score(minimax, q), known.best_score(rpgan, q)
    assert torch.equal(single.isnan(), paired.isnan())
    assert torch.allclose(single.nan_to_num(), paired.nan_to_num(), atol=1e-3)


def test_accuracy_of_pairs_by_counting():
    x, fake = torch.tensor([[1.0], [2.0], [5.0]]), torch.tensor([[2.0], [-1.0]])

    def D(u):
        return u[:, 0]

    assert truth.accuracy(rpgan, D, x, fake) == pytest.approx((1 + 1.5 + 2) / 6)  # a tie is half of one
    assert truth.accuracy(rpgan, lambda u: D(u) - 100, x, fake) == pytest.approx(4.5 / 6)  # no level counts
    assert truth.accuracy(rpgan, lambda u: 0 * D(u), x, fake) == 0.5
    assert truth.accuracy(minimax, D, x, fake) == pytest.approx((1 + 1 / 2) / 2)
    assert truth.even_score(rpgan) is None and truth.even_score(minimax) == pytest.approx(0, abs=1e-6)


def test_the_best_accuracy_of_pairs():
    """Against the sum over all pairs of cells; and of bells sd apart by d, whose best pairs are Phi(d / sqrt 2)."""
    known = Truth(Setting.of(data="three regions"))
    q = known.law_of(known.sample(2000) + 0.1)
    p, by_hand = known.p.flatten(), 0.0
    for part in torch.arange(len(p)).split(256):
        by_hand += float(torch.maximum(p[part, None] * q.flatten(), q.flatten()[part, None] * p).sum()) / 2
    assert known.best_of_pairs(q) == pytest.approx(by_hand, abs=1e-9)
    assert known.best_of_pairs(known.p) == pytest.approx(0.5, abs=1e-9)
    assert known.best_of_pairs(known.law_of(torch.full((10, 2), 5.0))) == pytest.approx(1, abs=1e-6)

    known = Truth(Setting.of(data=OWN))
    laws = []
    for place in (-0.15, 0.15):
        known.density, known.scale = densities.Spots(((place, 0.0),), sd=0.3), 1.0
        laws.append(known._blurred(known._cells()))
    known.p = laws[0]
    sd = (0.3**2 + (known.width / truth.CELLS) ** 2) ** 0.5  # the blur's variance is added
    phi = float(torch.special.ndtr(torch.tensor(0.3 / sd / 2**0.5)))
    assert known.best_of_pairs(laws[1]) == pytest.approx(phi, abs=2e-3)


@pytest.mark.parametrize("objective", ["non_saturating", "rpgan"])
def test_no_d_is_right_more_often_than_the_best_one(objective):
    lab = Laboratory(data="three regions", objective=objective)
    lab.choose_players("only D")
    lab.step(300)
    m = lab._records[-1].measures
    assert 0.9 < m.accuracy <= m.bayes + 0.02  # D alone comes near the limit


def test_at_rest_both_pay_what_theory_says():
    log2 = np.log(2)
    assert truth.at_rest(OBJECTIVES["non_saturating"]) == pytest.approx((2 * log2, log2), abs=1e-6)
    assert truth.at_rest(OBJECTIVES["pearson"]) == pytest.approx((0, 0), abs=1e-6)
    assert truth.at_rest(OBJECTIVES["r3gan"]) == pytest.approx((log2, log2), abs=1e-6)
    d, g = truth.at_rest(OBJECTIVES["wgan"])
    assert d == 0 and np.isnan(g)  # a constant may be added to a critic


def test_a_good_game_is_measured_as_good():
    lab = Laboratory(data="three regions")
    first = lab._records[0].measures
    lab.step(1500)
    last = lab._records[-1].measures
    assert last.modes == 1 and last.w1 < first.w1 / 2 and last.js < first.js / 2
