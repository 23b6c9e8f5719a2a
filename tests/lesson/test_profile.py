"""Profiles, what a training announces, and the cores and memory that a container really grants."""

import math
import os
from typing import NamedTuple

import nbformat
import pytest
import torch
from nbclient import NotebookClient

from gan_tutorial import machine
from gan_tutorial.lesson import profile
from gan_tutorial.lesson.profile import Profile, choose, duration, use_cores


@pytest.fixture
def gpu(monkeypatch):
    """Say whether torch finds a GPU: `gpu(True)`."""
    return lambda there: monkeypatch.setattr(torch.cuda, "is_available", lambda: there)


def test_parameter_before_variable_before_device(monkeypatch, gpu):
    gpu(True)
    monkeypatch.delenv(profile.VARIABLE, raising=False)
    assert choose() == Profile("gpu", "cuda")
    gpu(False)
    assert choose() == Profile("cpu", "cpu")
    monkeypatch.setenv(profile.VARIABLE, "smoke")
    assert choose() == Profile("smoke", "cpu")
    assert choose("gpu") == Profile("gpu", "cpu")
    monkeypatch.setenv(profile.VARIABLE, "")
    assert choose().name == "cpu"


def test_apples_gpu_is_never_chosen(monkeypatch, gpu):
    gpu(False)
    monkeypatch.delenv(profile.VARIABLE, raising=False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose() == Profile("cpu", "cpu") and choose("gpu").device == "cpu"


def test_another_name_is_refused_in_one_sentence(monkeypatch):
    with pytest.raises(ValueError, match="^PROFILE is 'fast', but it must be 'smoke', 'cpu' or 'gpu'"):
        choose("fast")
    monkeypatch.setenv(profile.VARIABLE, "CPU")
    with pytest.raises(ValueError, match="^The environment variable GAN_TUTORIAL_PROFILE is 'CPU'"):
        choose()
    assert choose("smoke").name == "smoke"  # a wrong variable does not hold up a right parameter


@pytest.mark.parametrize("seed", [1.7, 1.0, True, None, "1", 2**63, -(2**63) - 1])
def test_a_seed_that_is_none_is_refused_in_every_notebook(seed):
    with pytest.raises(ValueError, match="^SEED is .*, but it must be a whole number from -2\\^63 to 2\\^63 - 1.$"):
        exec("SEED = given\nchoose()", {"given": seed, "choose": choose})


@pytest.mark.parametrize("seed", [0, 7, 2**63 - 1, -(2**63)])
def test_a_seed_that_is_one(seed):
    exec("SEED = given\nassert choose('smoke').name == 'smoke'", {"given": seed, "choose": choose})


def test_pick_and_quality():
    picked = [Profile(name).pick(smoke=1, cpu=2, gpu=3) for name in profile.NAMES]
    assert picked == [1, 2, 3]
    assert [Profile(name).asserts_quality for name in profile.NAMES] == [False, True, True]


@pytest.mark.parametrize(
    ("chosen", "cores", "said"),
    [
        (Profile("cpu"), 2, "2,000 steps, about 60 s on two cores (profile cpu)"),
        (Profile("cpu"), 1, "this machine gives one core only: allow twice the time"),
        (Profile("gpu", "cuda"), 2, "2,000 steps, about 8 s on a GPU (profile gpu)"),
        (Profile("gpu", "cpu"), 2, "there is no GPU here"),
        (Profile("smoke"), 2, "2,000 steps, a moment (profile smoke)"),
    ],
)
def test_a_training_says_what_it_will_take(capsys, monkeypatch, chosen, cores, said):
    monkeypatch.setattr(machine, "cores", lambda: cores)
    with chosen.plan(steps=2_000, about=60, gpu=8) as plan:
        assert said in capsys.readouterr().out
        assert plan.steps == 2_000 and plan.seconds is None


def test_a_training_says_what_it_took(capsys, monkeypatch):
    clock = iter([100.0, 148.2])
    monkeypatch.setattr(profile.time, "perf_counter", lambda: next(clock))
    with Profile("cpu").plan(steps=1, about=60) as plan:
        pass
    announced, took = capsys.readouterr().out.splitlines()
    assert announced.startswith("1 step, ") and took == "took 48 s"
    assert math.isclose(plan.seconds, 48.2)


def test_a_training_that_is_stopped_says_so_and_stops(capsys):
    with pytest.raises(KeyboardInterrupt), Profile("cpu").plan(steps=5, about=1) as plan:
        raise KeyboardInterrupt
    assert capsys.readouterr().out.splitlines()[1].startswith("stopped after ")
    assert plan.seconds >= 0


class At(NamedTuple):
    n: int


def steps_at(monkeypatch, seconds_per_step, numbers):
    """Steps with these numbers, on a clock of their own."""
    now = [0.0]
    monkeypatch.setattr(profile.time, "perf_counter", lambda: now[0])
    for n in numbers:
        now[0] = n * seconds_per_step
        yield At(n)


def test_a_dumb_terminal_gets_no_signs(capsys, monkeypatch):
    monkeypatch.setattr(profile.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    list(profile.Plan(100).watch(steps_at(monkeypatch, 0.25, range(1, 101))))
    assert capsys.readouterr().out == ""


def test_a_training_is_watched_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(profile.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plan = profile.Plan(100)
    seen = [step.n for step in plan.watch(steps_at(monkeypatch, 0.25, range(1001, 1101)))]
    assert seen == list(range(1001, 1101))  # also of a game that has played before
    lines = capsys.readouterr().out.split("\r")
    assert "49 of 100 steps, 4 per second, 13 s left\033[K" in lines
    assert len(lines) < 60  # not one for each step
    assert lines[-1].startswith("4 steps per second") and lines[-1].endswith("\n")


def test_a_game_that_is_put_back_while_it_is_watched(capsys, monkeypatch):
    """In the loop, by hand: for a while no step is new, and no speed can be said."""
    monkeypatch.setattr(profile.sys.stdout, "isatty", lambda: True, raising=False)
    clock = (float(i) for i in range(1000))
    monkeypatch.setattr(profile.time, "perf_counter", lambda: next(clock))
    steps = [At(n) for n in (5, 6, 5, 4, 5, 6, 7)]
    assert list(profile.Plan(3).watch(steps)) == steps
    assert "-" not in capsys.readouterr().out


def test_elsewhere_watching_is_silent(capsys, monkeypatch):
    assert len(list(profile.Plan(10).watch(steps_at(monkeypatch, 1, range(1, 11))))) == 10
    assert list(profile.Plan(10).watch([])) == []
    assert len(list(profile.Plan(1).watch([At(5)]))) == 1
    assert capsys.readouterr().out == ""


def test_in_a_notebook_one_line_of_text_stays(tmp_path):
    code = """
from typing import NamedTuple
from time import sleep
from gan_tutorial.lesson.profile import Plan
class At(NamedTuple):
    n: int
def steps():
    for n in range(14):
        sleep(0.1)
        yield At(n)
for step in Plan(14).watch(steps()):
    pass
"""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(nb, timeout=60).execute()
    (output,) = nb.cells[0].outputs
    assert output.output_type == "display_data" and list(output.data) == ["text/plain"]
    assert output.data["text/plain"].endswith("steps per second")


def test_a_stopped_training_goes_on(capsys):
    """What is done is not done again: neither its steps nor its share of the time."""
    chosen = Profile("cpu")
    with chosen.plan(steps=2_000, about=60, done=500) as plan:
        assert plan.steps == 1_500
    assert "500 of 2,000 steps are done; 1,500 steps, about 45 s on two cores" in capsys.readouterr().out
    with chosen.plan(steps=2_000, about=60, done=2_500) as plan:
        assert list(plan.watch(iter([]))) == []
    assert "All 2,000 steps are done." in capsys.readouterr().out


def test_in_a_notebook_a_picture_follows_the_training():
    """One picture, renewed in place, the last one of the last step; no more than a tenth of the time goes into it."""
    code = """
import time
from typing import NamedTuple
from gan_tutorial.lesson.figures import image_grid
from gan_tutorial.lesson.profile import Plan
import torch
class At(NamedTuple):
    n: int
drawn = []
def look():
    drawn.append(at)
    time.sleep(0.2)
    return image_grid(torch.zeros(4, 1, 28, 28), columns=4, title=f"step {at}")
start = time.perf_counter()
for step in Plan(40).watch((At(n) for n in range(40)), show=look):
    at = step.n
    time.sleep(0.05)
print(drawn[0], drawn[-1], len(drawn) <= 3)
"""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(nb, timeout=60).execute()
    pictures = [output for output in nb.cells[0].outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 1
    assert nb.cells[0].outputs[-1].text == "0 39 True\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0 s"), (0.44, "0.4 s"), (3, "3 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99.4, "99 s"),
     (99.6, "1.7 min"), (150, "2.5 min"), (600, "10 min")],
)  # fmt: skip
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_use_cores_lowers_and_never_raises(monkeypatch):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        monkeypatch.setattr(machine, "cores", lambda: 3)
        assert use_cores() == torch.get_num_threads() == 3
        monkeypatch.setattr(machine, "cores", lambda: 64)
        assert use_cores() == 3
    finally:
        torch.set_num_threads(before)


# --- a made-up container: files below tmp_path in the place of /proc and /sys


@pytest.fixture
def container(tmp_path, monkeypatch):
    """Write files of a made-up system with eight cores: `container({"sys/fs/cgroup/cpu.max": "max 1"})`."""
    monkeypatch.setattr(machine, "SYSTEM", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text + "\n")

    return write


V2 = {"proc/self/cgroup": "0::/box/inner"}
V1 = {"proc/self/cgroup": "4:memory:/box\n2:cpu,cpuacct:/box\n1:name=systemd:/box"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        (V2 | {"sys/fs/cgroup/box/inner/cpu.max": "max 100000"}, 8),
        (V2 | {"sys/fs/cgroup/box/inner/cpu.max": "200000 100000"}, 2),
        (
            V2 | {"sys/fs/cgroup/box/inner/cpu.max": "max 100000", "sys/fs/cgroup/box/cpu.max": "150000 100000"},
            2,
        ),
        (V2 | {"sys/fs/cgroup/cpu.max": "10000 100000"}, 1),  # a container that sees only its own root
        (V2 | {"sys/fs/cgroup/box/inner/cpu.max": "9900000 100000"}, 8),
        (V1 | {"sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us": "1"}, 8),  # not where version 1 keeps it
        (
            V1
            | {
                "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000",
            },
            8,
        ),
        (
            V1
            | {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            3,
        ),
    ],
)
def test_cores_are_those_that_the_container_grants(container, files, expected):
    container(files)
    assert machine.cores() == expected


def test_cores_without_affinity_are_those_of_the_machine(container, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert machine.cores() == 5


GB = 10**9


@pytest.fixture
def host(monkeypatch):
    import psutil

    values = type("Memory", (), {"available": 60 * GB, "total": 64 * GB})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: values)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, (60 * GB, 64 * GB)),
        (
            V2 | {"sys/fs/cgroup/box/memory.max": "max", "sys/fs/cgroup/box/memory.current": "7"},
            (60 * GB, 64 * GB),
        ),
        (
            V2
            | {
                "sys/fs/cgroup/box/memory.max": str(2 * GB),
                "sys/fs/cgroup/box/memory.current": str(GB),
                "sys/fs/cgroup/box/memory.stat": f"anon 1\ninactive_file {GB // 4}",
            },
            (5 * GB // 4, 2 * GB),
        ),
        (
            V1
            | {
                "sys/fs/cgroup/memory/box/memory.limit_in_bytes": str(3 * GB),
                "sys/fs/cgroup/memory/box/memory.usage_in_bytes": str(GB),
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": str(GB),
            },
            (2 * GB, 3 * GB),
        ),
    ],
)
def test_memory_is_what_the_container_grants(container, host, files, expected):
    container(files)
    assert machine.memory() == expected
