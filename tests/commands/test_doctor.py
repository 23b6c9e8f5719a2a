"""The doctor: every illness is found, named, and given a remedy; a healthy machine is told so."""

import html
import http.server
import importlib.metadata
import io
import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace

import pytest
import torch

from gan_tutorial import machine
from gan_tutorial.clothes import files
from gan_tutorial.commands import checks, cli, doctor, room
from gan_tutorial.commands.findings import Line, Report
from gan_tutorial.commands.series import CHECKOUT
from gan_tutorial.game import products
from gan_tutorial.lesson.profile import VARIABLE


@pytest.fixture
def importable(monkeypatch):
    """The package as if installed: a kernel finds it from any folder."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))


def only(check):
    """The one line of a check."""
    (line,) = check()
    return line


def test_a_healthy_machine(importable, capsys):
    start = time.monotonic()
    status = doctor.main(None)
    seconds = time.monotonic() - start
    out = capsys.readouterr().out
    assert status == 0, out
    assert all(f"  {what} " in out for what in doctor.CHECKS), out
    assert "Ready" in out.splitlines()[-1]
    assert seconds < 30  # a few seconds on an idle machine


def test_a_problem_ends_with_1(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", {"disk": lambda: [Line("disk", "problem", "full", "Tidy up.")]})
    monkeypatch.setattr(checks, "kernel", lambda: [])
    assert doctor.main(None) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["✗ problem  disk  full", " " * 16 + "-> Tidy up.", "", "Not ready: see disk."]


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "✗ problem  café · →"), ("cp1252", "x problem  café · ->"), ("ascii", "x problem  cafe - ->")],
)
@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_other_signs_where_the_encoding_has_none(encoding, errors, expected, monkeypatch):
    told = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(told, encoding, errors))
    monkeypatch.setattr(doctor, "CHECKS", {"café": lambda: [Line("café", "problem", "· →", "漢 \udcff")]})
    monkeypatch.setattr(checks, "kernel", lambda: [])
    assert cli.main(["doctor"]) == 1
    first, remedy, *_ = told.getvalue().decode(encoding).splitlines()
    assert " ".join(first.split()) == " ".join(expected.split())
    assert remedy.split() == ["->", "漢" if encoding == "utf-8" else "?", "?"]  # a half of a letter has no encoding


def test_notes_alone_do_not_stand_in_the_way():
    findings = Report([Line("memory", "note", "little"), Line("disk", "ok", "much")])
    assert findings.ready and findings.verdict == "Ready; the notes say what to expect."


def test_in_a_notebook_it_is_a_table_that_does_not_lean_on_colour():
    findings = Report([Line("data", "problem", "<torn> & wet", "Run `a` < b.")])
    shown = findings._repr_html_()
    assert (
        "<torn>" not in shown
        and html.escape("<torn> & wet") in shown
        and html.escape("Run `a` < b.") in shown
    )
    assert "✗</span> problem" in shown and "Not ready: see data." in shown


def test_a_check_that_falls_over_is_a_finding():
    def fall():
        yield Line("x", "ok", "so far")
        raise OSError("disk on fire\nsecond line")

    (line,) = doctor._findings("x", fall)
    assert (line.state, line.text) == ("problem", "OSError: disk on fire") and line.remedy


def test_a_missing_package_under_a_check_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (line,) = doctor._findings("device", checks.device)
    assert (line.state, line.text) == ("problem", "torch is not installed")
    assert "make install" in line.remedy


def test_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    monkeypatch.setattr(checks.platform, "python_version", lambda: "3.10.12")
    line = only(checks.python)
    assert line.state == "problem" and "3.10.12, but 3.11 or newer" in line.text
    assert "PYTHON=python3.11" in line.remedy


def test_packages_missing_and_old(monkeypatch):
    wanted = ["numpy>=999", "no-such-package-here", "scipy", 'colorama; sys_platform == "none"']
    monkeypatch.setattr(checks, "_requirements", lambda: wanted)
    missing, old = checks.packages()
    assert missing.state == old.state == "problem"
    assert missing.text == "missing: no-such-package-here"
    assert old.text == f"numpy is {importlib.metadata.version('numpy')}, but >=999 is needed"


def test_packages_are_those_of_the_one_list():
    names = [name.split(">")[0] for name in checks._requirements()]
    assert {"torch", "torchvision", "jupyterlab", "papermill"} <= set(names)
    line = only(checks.packages)
    assert line.state == "ok" and all(f"{name} " in line.text for name in names)


def test_torch_and_torchvision_that_do_not_fit(monkeypatch):
    assert only(checks.torch_pair).state == "ok"

    def undefined(path):
        raise OSError("undefined symbol")

    monkeypatch.setattr(torch.ops, "load_library", undefined)
    line = only(checks.torch_pair)
    assert line.state == "problem" and "do not fit together" in line.text and "torchvision" in line.remedy


def test_no_torchvision(monkeypatch):
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: None)
    assert only(checks.torch_pair).text == "torchvision is not installed"


@pytest.mark.parametrize(
    ("cuda", "shown", "state", "text", "remedy"),
    [
        (None, False, "ok", "torch 2.9.1, CPU build, no NVIDIA device", None),
        ("13.0", True, "ok", "torch 2.9.1, CUDA 13.0 build, an NVIDIA device", None),
        ("13.0", False, "note", "torch 2.9.1, CUDA 13.0 build, but no NVIDIA device: some 5 GB larger", "cpu"),
        (None, True, "note", "torch 2.9.1, CPU build, but there is an NVIDIA device", "cuda"),
    ],
)
def test_build_of_torch(cuda, shown, state, text, remedy, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.9.1+x")
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.version, "xpu", None, raising=False)
    monkeypatch.setattr(checks, "_nvidia", lambda: shown)
    monkeypatch.setattr(checks.platform, "system", lambda: "Linux")
    monkeypatch.setattr(sys, "prefix", str(CHECKOUT / ".venv"))
    line = only(checks.build)
    assert line.state == state and line.text.startswith(text)
    assert line.remedy.endswith(f"`make install TORCH={remedy}`.") if remedy else not line.remedy
    monkeypatch.setattr(sys, "prefix", "/elsewhere")  # make would change another environment
    assert ("PyTorch's own site" in only(checks.build).remedy) == bool(remedy)


def test_build_for_another_makers_device(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", "6.4")
    monkeypatch.setattr(checks, "_nvidia", lambda: True)
    assert only(checks.build).state == "ok" and "GPU build" in only(checks.build).text


def test_a_device_is_seen_as_the_installation_sees_it(monkeypatch, tmp_path):
    monkeypatch.setattr(checks.shutil, "which", lambda name: None)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidiactl").touch()
    assert not checks._nvidia(tmp_path)
    (tmp_path / "dev" / "nvidia1").touch()
    assert checks._nvidia(tmp_path)
    program = tmp_path / "usr" / "lib" / "wsl" / "lib" / "nvidia-smi"
    program.parent.mkdir(parents=True)
    (tmp_path / "dev" / "nvidia1").unlink()
    for status in (0, 6):
        program.write_text(f"#!/bin/sh\necho 'GPU 0: one'\nexit {status}\n")
        program.chmod(0o755)
        assert checks._nvidia(tmp_path) == (status == 0)


def test_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(checks.shutil, "which", lambda name: None)
    assert only(checks.device).state == "ok" and "CPU" in only(checks.device).text
    monkeypatch.setattr(checks.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert only(checks.device).state == "note" and only(checks.device).remedy
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: "Some GPU")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: SimpleNamespace(total_memory=8e9))
    assert only(checks.device) == Line("device", "ok", "GPU Some GPU, 8.0 GB")


def test_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    line = only(checks.cores)
    assert line.state == "ok"
    assert line.text == "2 of 64; torch would start 64 threads, and the notebooks lower that to 2"
    monkeypatch.setattr(machine, "cores", lambda: 1)
    assert only(checks.cores).state == "note" and "twice" in only(checks.cores).remedy


def test_memory(monkeypatch):
    monkeypatch.setattr(machine, "memory", lambda: (1_400_000_000, 2_000_000_000))
    line = only(checks.memory)
    assert (line.state, line.text) == ("note", "1.4 GB available of 2.0 GB") and "1.9 GB" in line.remedy
    monkeypatch.setattr(machine, "memory", lambda: (1_950_000_000, 2_000_000_000))
    assert only(checks.memory).state == "ok"


def test_disk(monkeypatch):
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda folder: SimpleNamespace(free=200_000_000))
    line = only(checks.disk)
    assert (line.state, line.text) == ("note", "0.2 GB free") and line.remedy

    def refuse(**options):
        raise PermissionError("read-only")

    monkeypatch.setattr(checks.tempfile, "TemporaryFile", refuse)
    assert ["cannot be written to" in line.text for line in checks.disk()] == [True, False]


def test_data_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    monkeypatch.setattr(checks, "CHECKOUT", tmp_path / "far" / "away")  # wherever this one lies
    line = only(checks.data)
    assert line.state == "note" and str(tmp_path) in line.text and "gan-tutorial data" in line.remedy
    assert list(tmp_path.iterdir()) == []  # a doctor looks and does not operate


def test_data_damaged(monkeypatch, tmp_path):
    raw = tmp_path / files.RAW
    raw.mkdir(parents=True)
    for name in files.FILES:
        (raw / name).write_bytes(b"torn")
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    line = only(checks.data)
    assert line.state == "problem" and str(raw) in line.text


def test_data_there(monkeypatch, tmp_path):
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    monkeypatch.setattr(checks, "CHECKOUT", tmp_path / "far" / "away")
    monkeypatch.setattr(files, "find", lambda folders: folders[0])
    monkeypatch.setattr(files, "read", lambda folder: {})
    assert only(checks.data) == Line("data", "ok", f"FashionMNIST, complete and verified, in {tmp_path}")


def test_places_near_the_checkout_are_told_from_there():
    assert checks._place(CHECKOUT / "data") == "data"
    assert checks._place(CHECKOUT.parent / "shared" / "data") == "../shared/data"


def test_lab_that_runs_and_lab_that_ran(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "jpserver-1.json").write_text(json.dumps({"url": "http://127.0.0.1:9/"}))  # nobody answers
    (tmp_path / "jpserver-2.json").write_text("cut o")
    for number, other in enumerate(("[1]", "5", '{"url": null}', '{"url": "http://127.0.0.1:9/a b/"}'), 4):
        (tmp_path / f"jpserver-{number}.json").write_text(other)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "jpserver-8.json")  # nobody writes
    line = only(checks.lab)
    assert line.state == "ok" and "`make lab` opens it" in line.text

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            self.send_response(200 if self.path == "/api" else 404)
            self.end_headers()

        def log_message(self, *words):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        (tmp_path / "jpserver-3.json").write_text(json.dumps({"url": address, "token": "secret"}))
        line = only(checks.lab)
        server.shutdown()
    assert line.state == "ok" and line.text.endswith(f"running at {address}") and "secret" not in line.text


def test_a_server_whose_port_is_another_programs_by_now(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        threading.Thread(target=answer, daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        (tmp_path / "jpserver-1.json").write_text(json.dumps({"url": address}))
        line = only(checks.lab)
    assert line.state == "ok" and "`make lab` opens it" in line.text


def kernelspec(monkeypatch, tmp_path, *argv):
    """Make `python3` mean this command, as a spec in somebody's home folder may."""
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))


def test_a_kernel_of_another_python(monkeypatch, tmp_path, importable):
    start = "import sys; sys.prefix = '/elsewhere'; from ipykernel.kernelapp import *; launch_new_instance()"
    kernelspec(monkeypatch, tmp_path, sys.executable, "-c", start, "-f", "{connection_file}")
    line = only(checks.kernel)
    assert line.state == "problem" and "another Python" in line.text and "/elsewhere" in line.text
    assert "kernelspec remove python3" in line.remedy


def test_a_kernel_that_does_not_start(monkeypatch, tmp_path):
    kernelspec(monkeypatch, tmp_path, sys.executable, "-c", "raise SystemExit(3)")
    (line,) = doctor._findings("kernel", checks.kernel)
    assert line.state == "problem" and line.text.startswith("RuntimeError: Kernel died")


def test_profile_and_the_minutes_of_the_stored_notebooks(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "notebooks_folder", lambda: tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert only(checks.profile).text.endswith("the stored notebooks do not say how long it takes")
    for name, profile, seconds in [("00_a", "cpu", 30), ("01_b", "cpu", 150), ("02_c", "gpu", 7)]:
        record = {"metadata": {"gan_tutorial": {"profile": profile, "seconds": seconds}}}
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(record))
    (tmp_path / "03_d.ipynb").write_text(json.dumps({"metadata": {}}))
    expected = "cpu (by the device): when built, 2 notebooks took 3 min in all; the longest, 01_b, 2.5 min"
    assert only(checks.profile) == Line("profile", "ok", expected)
    monkeypatch.setenv(VARIABLE, "gpu")
    assert only(checks.profile).text.startswith(f"gpu (from {VARIABLE}): when built, 1 notebook took 7 s")


@pytest.mark.parametrize("damage", ["", '{"cells": [', '<<<<<<< HEAD\n{"cells": []}', "[]", '{"metadata": null}'])
@pytest.mark.parametrize("check", [checks.profile, room.start])
def test_a_damaged_notebook_is_named_with_the_remedy(check, damage, monkeypatch, tmp_path):
    for module in (checks, room):
        monkeypatch.setattr(module, "notebooks_folder", lambda: tmp_path)
    path = tmp_path / "02_cut.ipynb"
    path.write_text(damage)
    (line,) = doctor._findings("profile", check)
    assert (line.what, line.state) == ("notebooks", "problem") and "`git checkout`" in line.remedy
    assert line.text.startswith(f"{path} cannot be read as a notebook (")


def test_a_wrong_profile(monkeypatch):
    monkeypatch.setenv(VARIABLE, "turbo")
    line = only(checks.profile)
    assert line.state == "problem" and "'turbo'" in line.text and VARIABLE in line.remedy


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (products.Found(4e-7, 1.9), "by oneDNN: exact, 1.9 times as fast"),
        (products.Found(4e-7, 1.1), "by torch's own; oneDNN's would be 1.1 times as fast"),
        (products.Found(3e-3, 3.0), "3.0 times as fast, but not float32"),
        (products.Found(float("inf"), 0.0), "it offers no other"),
    ],
)
def test_products_of_matrices(found, says, monkeypatch):
    monkeypatch.setattr(products, "look", lambda: found)
    monkeypatch.setattr(machine, "openmp", lambda: {"libgomp"})
    line = only(checks.products)
    assert line.state == "ok" and says in line.text


def test_two_openmp_runtimes_in_one_process(monkeypatch):
    monkeypatch.setattr(machine, "openmp", lambda: {"libgomp", "libiomp5"})
    line = list(checks.products())[-1]
    assert (line.what, line.state) == ("threads", "note") and "libgomp and libiomp5" in line.text and line.remedy


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux shows")
def test_the_openmp_runtime_of_torch_is_seen():
    code = "import torch; from gan_tutorial import machine; print(*machine.openmp())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.split() in (["libgomp"], ["libiomp5"], ["libomp"])


# ---- before one teaches


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "", "many", "²", "9" * 5000])
def test_a_number_of_learners_is_one(word, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["doctor", f"--room={word}"])
    assert stopped.value.code == 2 and "a number of learners, 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "learners"), [(["--room"], 1), (["--room", "12"], 12)])
def test_the_room_adds_to_what_any_machine_needs(words, learners, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", {"disk": lambda: [Line("disk", "ok", "much")], "data": lambda: []})
    monkeypatch.setattr(checks, "kernel", lambda: [])
    monkeypatch.setattr(checks, "data", lambda: [Line("data", "note", "not yet in data", "Later.")])
    monkeypatch.setattr(room, "_try", lambda codes, imports: room.Found(seconds=7.4))
    monkeypatch.setattr(machine, "memory", lambda: (48e9, 64e9))
    monkeypatch.setattr(machine, "cores", lambda: 24)
    assert cli.main(["doctor", *words]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("much") and "✗ problem  data" in told[1] and "while there is a network" in told[2]
    assert told[3].startswith("✓ ok       offline        a kernel starts without a network, and all that ")
    assert told[4].endswith("7 s after a kernel of notebook 00 is asked for")
    each = {1: "48.0 GB and 24 cores for the learner", 12: "12 learners at a time: 4.0 GB and 2 cores for each learner"}
    assert told[5].endswith(f"learners       {each[learners]}") and told[-1] == "Not ready: see data."
    monkeypatch.setattr(checks, "data", lambda: [Line("data", "ok", "complete")])
    assert cli.main(["doctor", *words]) == 0


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (room.Found(seconds=31), [("offline", "ok"), ("first picture", "note")]),
        (room.Found(seconds=121), [("offline", "ok"), ("first picture", "problem")]),
        (room.Found(), [("offline", "ok"), ("first picture", "problem")]),
        (room.Found(seconds=3, asked=["a.org", "b.org"]), [("offline", "note"), ("first picture", "ok")]),
        (room.Found(seconds=3, error="ImportError: no x"), [("offline", "problem"), ("first picture", "ok")]),
        (room.Found(error="OSError: no network"), [("offline", "problem")]),
    ],
)
def test_what_is_said_of_a_start(found, said, monkeypatch):
    monkeypatch.setattr(room, "_try", lambda codes, imports: found)
    lines = list(room.start())
    assert [(line.what, line.state) for line in lines] == said
    assert all(bool(line.remedy) == (line.state != "ok") for line in lines)
    assert (found.error or "all") in lines[0].text and ", ".join(found.asked) in lines[0].text


@pytest.mark.parametrize(
    ("learners", "cores", "gigabytes", "state", "remedy"),
    [
        (1, 2, 2.0, "ok", ""),
        (1, 1, 8.0, "note", "Plan 2 GB and 2 cores for each."),
        (1, 4, 1.4, "problem", "Plan 2 GB and 2 cores for each."),
        (10, 16, 64.0, "note", "Plan 2 GB and 2 cores for each: enough for 8 here."),
        (10, 64, 13.0, "problem", "Plan 2 GB and 2 cores for each: enough for 6 here."),
    ],
)
def test_memory_and_cores_for_each_learner(learners, cores, gigabytes, state, remedy, monkeypatch):
    monkeypatch.setattr(machine, "memory", lambda: (gigabytes * 1e9, 128e9))
    monkeypatch.setattr(machine, "cores", lambda: cores)
    (line,) = room.learners(learners)
    assert (line.state, line.remedy) == (state, remedy)


def test_without_a_notebook_no_room(monkeypatch, tmp_path):
    monkeypatch.setattr(room, "notebooks_folder", lambda: tmp_path)
    line = only(room.start)
    assert (line.what, line.state) == ("offline", "problem") and str(tmp_path) in line.text


def test_a_process_without_a_network_reaches_its_own_machine_only():
    code = """
        import os, socket, urllib.request
        from gan_tutorial.commands import offline
        offline.leave_the_network()
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            socket.create_connection(server.getsockname()).close()
        tries = [lambda: socket.create_connection(("192.0.2.1", 80)), lambda: socket.getaddrinfo("a.example", 80),
                 lambda: socket.gethostbyname("b.example"), lambda: socket.socket().connect_ex(("192.0.2.2", 80)),
                 lambda: urllib.request.urlopen("http://c.example")]
        for ask in tries:
            try:
                ask()
            except OSError as error:
                print(error)
        print(*offline.asked)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True,
                          timeout=60)
    *refused, asked = done.stdout.splitlines()
    assert len(refused) == 5 and asked == "192.0.2.1 a.example b.example 192.0.2.2"  # the fifth at the proxy


def small_series(folder, monkeypatch, *cells):
    cells = [{"cell_type": "code", "source": textwrap.dedent(cell)} for cell in cells]
    (folder / "00_a.ipynb").write_text(json.dumps({"cells": cells}))
    monkeypatch.setattr(room, "notebooks_folder", lambda: folder)


def test_a_start_that_asks_for_the_network_and_does_without(monkeypatch, tmp_path, importable):
    ask = """
        import socket
        try:
            socket.getaddrinfo("news.example", 443)
        except OSError:
            pass
    """
    draw = "from IPython.display import display; display({'image/png': 'iVBORw0='}, raw=True)"
    small_series(tmp_path, monkeypatch, "%pip install x", "from time import sleep", ask, draw, "sleep(10_000)")
    began = time.perf_counter()
    offline, picture = room.start()
    took = time.perf_counter() - began
    assert offline.state == "note" and offline.text.endswith("asks for news.example")
    assert picture.what == "first picture" and 0 <= int(picture.text.split()[0]) <= round(took)


def test_a_start_that_needs_the_network(monkeypatch, tmp_path, importable):
    small_series(tmp_path, monkeypatch, "import urllib.request; urllib.request.urlopen('http://192.0.2.1')")
    line = only(room.start)
    assert (line.what, line.state) == ("offline", "problem") and "URLError: <urlopen error" in line.text


def test_the_series_starts_without_a_network(monkeypatch, importable):
    monkeypatch.setenv(VARIABLE, "smoke")
    offline, picture = room.start()
    assert (offline.state, picture.what) == ("ok", "first picture"), offline
