"""The benchmark compares like with like: both loops compute the same updates; and it runs."""

import gzip
import json
import os
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import bench  # noqa: E402
import endurance  # noqa: E402
import footprint  # noqa: E402
import on_a_gpu  # noqa: E402
import pages  # noqa: E402
import quality  # noqa: E402

from gan_tutorial.clothes import files, recipes  # noqa: E402
from gan_tutorial.game import d_move, g_move  # noqa: E402

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[1]


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


def test_seeds_side_by_side_make_the_updates_of_as_many_textbooks(float64):
    """Ten steps: row i of a batch belongs to seed i mod 8, and each seed moves as it would alone."""
    row = bench.SIDE_BY_SIDE
    G, D = bench.nets(row, CPU)
    latents = []
    game = bench.ours(row, None, lambda n: latents[-1], CPU)
    loops = [bench.theirs(row, CPU, seed) for seed in range(row.seeds)]
    for _ in range(10):
        x, *z = torch.randn(3, 16 * row.seeds, 2)
        parts = [[t[seed :: row.seeds] for t in (x, *z)] for seed in range(row.seeds)]
        latents.append(z[0])
        ours = d_move(game, row.objective, x)[0]
        theirs = [loop.d_step(x, z) for loop, (x, z, _) in zip(loops, parts, strict=True)]
        assert float(ours) == pytest.approx(sum(theirs) / row.seeds, rel=1e-6, abs=1e-9)
        latents.append(z[1])
        ours = g_move(game, row.objective, len(x))
        theirs = [loop.g_step(z) for loop, (_, _, z) in zip(loops, parts, strict=True)]
        assert float(ours) == pytest.approx(sum(theirs) / row.seeds, rel=1e-6, abs=1e-9)
    for seed, loop in enumerate(loops):
        for mine, theirs, before in zip((game.G, game.D), (loop.G, loop.D), (G, D), strict=True):
            mine, before = bench.in_plain_order(mine, seed), bench.in_plain_order(before, seed)
            for a, b, w in zip(mine, theirs.parameters(), before, strict=True):
                assert (a - w).abs().max() > 1e-4
                assert (a - b).abs().max() <= 1e-6 * (a - w).abs().max()


def test_the_textbook_sees_the_same_pictures_without_torchvision(monkeypatch):
    folder = files.find(files.data_folders())
    if folder is None:
        pytest.skip("the textbook loop reads FashionMNIST's files, which are not here")
    theirs = bench.textbook.loader(folder, 64).dataset
    monkeypatch.setattr(bench.textbook, "datasets", None)
    plain = bench.textbook.loader(folder, 64).dataset
    assert type(plain) is not type(theirs) and len(plain) == len(theirs) == 60_000
    for i in (0, 59_999):
        assert torch.equal(plain[i][0], theirs[i][0]) and plain[i][1] == theirs[i][1]


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


# ---- On a GPU ---------------------------------------------------------------------------------------------------


def on_a_gpu_sh(*words: object, **environment: str) -> subprocess.CompletedProcess:
    command = ["bash", ROOT / "benchmarks" / "on_a_gpu.sh", *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


@pytest.mark.timeout(600)
def test_what_is_prepared_for_a_gpu_runs_on_a_cpu(tmp_path):
    """With packed data, at small size: each part runs, and what it finds is kept."""
    folder = files.find(files.data_folders())
    if folder is None:
        pytest.skip("FashionMNIST's files are not here")
    packed = tmp_path / "the data"
    packed.mkdir()
    for file in (folder / files.RAW).glob("*-ubyte"):
        (packed / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), 1))
    out = tmp_path / "out of it"
    run = on_a_gpu_sh(out, "--device", "cpu", "--small", PYTHON=sys.executable, GAN_TUTORIAL_DATA=str(packed))
    assert run.returncode == 0, run.stdout + run.stderr
    assert sorted(path.name for path in out.iterdir()) == ["log.txt", "results.json", "samples.png"]
    found = json.loads((out / "results.json").read_text())
    assert found["trial"] and found["torch"] == torch.__version__
    assert {name: part["status"] for name, part in found["parts"].items()} == dict.fromkeys(on_a_gpu.PARTS, "ok")
    tests, processes, loops, kernels, pictures = (part["found"] for part in found["parts"].values())
    assert tests["tests"] > tests["skipped"] and tests["failures"] == tests["errors"] == 0
    assert processes == {"backend": "gloo", "largest_difference": pytest.approx(0, abs=1e-4), "command_status": 0}
    assert [row["row"] for row in loops["rows"]] == [bench.ROWS[0].name, bench.SIDE_BY_SIDE.name]
    assert all(row["ratio"] > 0 for row in loops["rows"])
    assert all(0 < row["share"] <= 1 and row["most_mb"] > 100 for row in kernels["rows"])
    assert pictures["steps"] > 0 and 0 < pictures["ffd"] < 300
    assert found["goals"] == on_a_gpu.goals({name: part["found"] for name, part in found["parts"].items()})
    assert "eight seeds side by side" in (out / "log.txt").read_text()


def test_without_data_or_a_folder_nothing_begins(tmp_path):
    run = on_a_gpu_sh(tmp_path / "out", PYTHON=sys.executable, GAN_TUTORIAL_DATA=str(tmp_path))
    assert run.returncode == 2 and "train-images-idx3-ubyte.gz" in run.stderr
    run = on_a_gpu_sh("--device", "cpu")
    assert run.returncode == 2 and "name a folder" in run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_part_that_fails_loses_no_other(tmp_path, capsys, monkeypatch):
    """What was found stays, what was not is not known, and the end is not well."""
    monkeypatch.setattr(on_a_gpu, "machine", lambda run: {"device": "x", "torch": "y", "date": "z", "trial": False})
    run = on_a_gpu.Run(tmp_path, CPU, small=True)
    ended = {"tests": 0, "processes": 1, "loops": 124, "kernels": 0, "pictures": 0}
    (tmp_path / "parts.txt").write_text("".join(f"{name} {status} 5\n" for name, status in ended.items()))
    (tmp_path / "loops.json").write_text(json.dumps({"rows": [{"row": bench.ROWS[0].name, "ratio": 31.0}]}))
    (tmp_path / "pictures.json").write_text(json.dumps({"ffd": 12.5}))
    assert not on_a_gpu.results(run)
    found = json.loads((tmp_path / "results.json").read_text())
    words = [part["status"] for part in found["parts"].values()]
    assert words == ["ok", "failed", "out of time", "ok", "ok"]
    assert [goal["met"] for goal in found["goals"]] == [None, True, None, None, None, False]
    assert "out of time" in capsys.readouterr().out
    (tmp_path / "parts.txt").write_text("".join(f"{name} 0 5\n" for name in ended))
    assert on_a_gpu.results(run)


def test_time_in_which_anything_goes_on():
    assert on_a_gpu.union([(0, 2), (1, 3), (1, 2), (5, 6), (6, 7)]) == 5


WITHOUT_JUPYTER = """
import sys

class Refuse:
    def find_spec(self, name, *rest):
        if name == "torchvision":
            raise ModuleNotFoundError("as if it were not installed", name=name)
        if name.partition(".")[0] in {"IPython", "anywidget", "comm", "ipykernel", "ipywidgets", "jupyter_client",
                                      "jupyter_core", "jupyterlab", "jupytext", "nbclient", "nbconvert", "nbformat",
                                      "nbval", "papermill", "traitlets", "zmq"}:
            raise RuntimeError(f"{name} is wanted, and is no part of a training")

sys.meta_path.insert(0, Refuse())
import on_a_gpu
from gan_tutorial.commands.cli import main
words = "--objective non_saturating --net mlp --steps 3 --device cpu --out"
sys.exit(main(["train", *words.split(), sys.argv[1]]))
"""


@pytest.mark.parametrize("data", [True, False], ids=["data", "no data"])
def test_a_training_needs_nothing_of_jupyter_nor_torchvision(data, tmp_path):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "benchmarks")])
    (tmp_path / "none").mkdir()
    nowhere = {"GAN_TUTORIAL_DATA": str(tmp_path / "none")}
    run = subprocess.run([sys.executable, "-c", WITHOUT_JUPYTER, tmp_path / "out"], capture_output=True, text=True,
                         env=os.environ | {"PYTHONPATH": paths} | ({} if data else nowhere))  # fmt: skip
    assert run.returncode == 0 and "3 steps in" in run.stdout, run.stderr
    assert (tmp_path / "out" / "samples.png").exists()


@pytest.mark.timeout(300)
def test_the_footprint_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(footprint, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", "footprint --rounds 1 --steps 20 --save x".split())
    footprint.main()
    saved = json.loads((tmp_path / "x.json").read_text())
    assert list(saved["import_s"]) == list(footprint.IMPORTS) and min(saved["import_s"].values()) > 0
    for net in saved["memory"].values():
        assert len(net["held_mb"]) == 10 and 50 < max(net["held_mb"]) <= net["most_mb"] + 1


@pytest.mark.timeout(300)
def test_a_room_and_a_long_time_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(endurance, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", "endurance --kernels 2 --steps 20 --minutes 0 --save x".split())
    endurance.main()
    monkeypatch.setattr(sys, "argv", "endurance --kernels 0 --steps 0 --minutes 0.01 --save x".split())
    endurance.main()
    saved = json.loads((tmp_path / "x.json").read_text())
    room, training, laboratory = (saved[part] for part in ("room", "training", "laboratory"))
    assert 10 < room["empty_mb"] < room["with_laboratory_mb"] < room["together_mb"] < 4000
    assert len(training["held_mb"]) == len(laboratory["held_mb"]) == 10
    assert laboratory["steps"] >= 400 and laboratory["steps"] % 40 == 0


def test_the_advice_for_a_hub_is_what_was_measured():
    room = pages.known("endurance")["room"]
    assert room["kernels"] == 30  # "with thirty of them"
    share = f"{room['with_laboratory_mb'] / 1000:.1f} GB"
    text = (pages.PAGE.parents[1] / "notebooks" / "INSTRUCTORS.md").read_text()
    assert f"A kernel with the laboratory open takes {share}, as [measured]" in text


def test_memory_stayed_flat():
    for part in ("training", "laboratory"):
        first, *_, last = pages.known("endurance")[part]["held_mb"]
        assert last < 1.05 * first


def test_the_page_shows_what_was_measured():
    assert pages.PAGE.read_text() == pages.filled(pages.PAGE.read_text()), "run python benchmarks/pages.py"


def finals(name: str) -> dict[str, list[float]]:
    """The FFD of each seed of each setting that was trained for a minute, sorted."""
    runs = [r for r in pages.known(name)["runs"] if r["stage"] == "final" and r["seconds"] == 60]
    return {setting: sorted(r["test"]["ffd"] for r in runs if r["setting"] == setting)
            for setting in {r["setting"] for r in runs}}  # fmt: skip


def test_what_the_readme_recommends_is_the_best_of_all():
    """On the slower of two machines, too."""
    best = statistics.median(finals("quality_zen4")["non-saturating with R1, quick"])
    others = {**finals("quality"), **finals("quality_zen4")}
    del others["non-saturating with R1, quick"]
    assert best < min(map(statistics.median, others.values()))


@pytest.mark.parametrize(
    "quick,usual,least,most,apart",
    [
        ("non-saturating with R1, quick", "non-saturating, package's conv", 0.0, 0.75, True),
        ("WGAN-GP, quick", "WGAN-GP, package's conv, penalty on half", 0.9, 1.0, False),
    ],
)
def test_the_quick_recipe_is_what_the_page_says(quick, usual, least, most, apart):
    """How far it is ahead in the median, and whether its worst seed is ahead of the other's best."""
    ffd = finals("quality_zen4")
    assert len(ffd[quick]) == len(ffd[usual]) == 5
    assert least < statistics.median(ffd[quick]) / statistics.median(ffd[usual]) < most
    assert (ffd[quick][-1] < ffd[usual][0]) == apart


def test_the_quick_recipe_is_what_was_measured():
    played = {name: quality.SETTINGS[name] for name in ("non-saturating with R1, quick", "WGAN-GP, quick")}
    assert [s.objective for s in played.values()] == [recipes.QUICK["r1"], recipes.QUICK["wgan_gp"]]
    for setting in played.values():
        nets = recipes.QUICK_NETS["conv"]
        assert (setting.G, setting.D, setting.lr, setting.batch_size) == (nets.G, nets.D, nets.lr, nets.batch)
        assert (setting.ema_decay, setting.beta2, setting.d_steps, setting.fall) == (nets.ema_decay, 0.999, 1, 0)


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
