"""The benchmark compares like with like: both loops compute the same updates; and it runs."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import bench  # noqa: E402
import footprint  # noqa: E402
import pages  # noqa: E402
import quality  # noqa: E402

from gan_tutorial.clothes import files  # noqa: E402
from gan_tutorial.game import d_move, g_move  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture
def float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("row", bench.ROWS, ids=lambda row: row.name)
def test_both_loops_make_the_same_updates(row, float64):
    """Ten steps from the same weights, on the same pictures, latents and mixing weights.

    In float64: in float32 a bias before batch norm has rounding for a gradient, which Adam makes steps of.
    """
    G, D = bench.nets(row, CPU)
    latents = []
    game = bench.ours(row, None, lambda n: latents[-1], CPU)
    loop = bench.theirs(row, CPU)
    for step in range(10):
        for _ in range(row.d_steps):
            x = torch.rand(16, 1, 28, 28) * 2 - 1
            latents.append(torch.randn(16, 64))
            torch.manual_seed(step)  # the penalty draws numbers of its own
            ours = d_move(game, row.objective, x)[0]
            torch.manual_seed(step)
            assert loop.d_step(x, latents[-1]) == pytest.approx(float(ours), rel=1e-6, abs=1e-9)
        latents.append(torch.randn(16, 64))
        ours = g_move(game, row.objective, 16)
        assert loop.g_step(latents[-1]) == pytest.approx(float(ours), rel=1e-6, abs=1e-9)
    for mine, theirs, before in zip((game.G, game.D), (loop.G, loop.D), (G, D), strict=True):
        for a, b, w in zip(bench.in_plain_order(mine), theirs.parameters(), bench.in_plain_order(before), strict=True):
            assert (a - b).abs().max() <= 1e-6 * (a - w).abs().max() + 1e-9
    assert any((a - w).abs().max() > 1e-4 for a, w in zip(game.D.parameters(), D.parameters(), strict=True))


def test_a_changed_update_is_noticed(float64):
    """The comparison above is no formality: one penalty of another weight, and the losses part."""
    row = replace(bench.ROWS[3], objective=bench.objectives.wgan_lp)
    with pytest.raises(AssertionError):
        test_both_loops_make_the_same_updates(row, None)


def test_operations_are_counted():
    """For an MLP they can be counted by hand: 2 per weight and example, forward; backward about twice that."""
    row = bench.ROWS[0]
    G, D = bench.nets(row, CPU)
    g, d = (sum(w.numel() for w in net.parameters() if w.dim() == 2) for net in (G, D))
    forward = 2 * 64 * (g + 2 * d + g + d)  # D's move: G, D twice; G's move: G and D
    assert 2 * forward < bench.operations(row, CPU) < 3 * forward
    _, _, clipping, penalty = (bench.operations(row, CPU) for row in bench.ROWS)
    assert 1.5 < penalty / clipping < 2  # the gradient within the loss, and the gradient of that


@pytest.mark.timeout(300)
def test_it_runs_and_saves(tmp_path, monkeypatch, capsys):
    if files.find(files.data_folders()) is None:
        pytest.skip("the textbook loop reads FashionMNIST's files, which are not here")
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    words = "bench --rounds 2 --budget 0.1 --batch 64 --only clipping --device cpu --save x"
    monkeypatch.setattr(sys, "argv", words.split())
    bench.main()
    saved = json.loads((tmp_path / "x.json").read_text())
    (row,) = saved["rows"]
    assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert row["ours_ms"] > 0 and saved["torch"] == torch.__version__
    assert (tmp_path / "x.png").stat().st_size > 5_000
    assert "WGAN, clipping, MLP" in capsys.readouterr().out


@pytest.mark.timeout(300)
def test_the_footprint_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(footprint, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", "footprint --rounds 1 --steps 20 --save x".split())
    footprint.main()
    saved = json.loads((tmp_path / "x.json").read_text())
    assert list(saved["import_s"]) == list(footprint.IMPORTS) and min(saved["import_s"].values()) > 0
    for net in saved["memory"].values():
        assert len(net["held_mb"]) == 10 and 50 < max(net["held_mb"]) <= net["most_mb"] + 1


def test_the_page_shows_what_was_measured():
    assert pages.PAGE.read_text() == pages.filled(pages.PAGE.read_text()), "run python benchmarks/pages.py"


@pytest.mark.parametrize("setting", quality.TRIED, ids=lambda setting: setting.name)
def test_every_setting_makes_pictures_and_scores_them(setting):
    draw, score = setting.G(), setting.D()
    pictures = draw(torch.randn(3, quality.LATENT))
    assert pictures.shape == (3, 1, 28, 28) and pictures.abs().max() <= 1
    cost = setting.objective.d_loss(score(pictures), score(pictures))
    if setting.objective.penalty:
        cost = cost + setting.objective.penalty(score, pictures.detach(), pictures.detach())
    assert cost.isfinite()


def test_the_finalists_are_settings_that_were_tried():
    assert quality.FINALISTS.keys() <= quality.SETTINGS.keys() and len(quality.SETTINGS) == len(quality.TRIED)
