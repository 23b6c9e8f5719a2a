"""FashionMNIST: where it is looked for, damage, downloads (from a mirror on this machine), no network, batches."""

import contextlib
import gzip
import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from argparse import Namespace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_tutorial.clothes import data, files
from gan_tutorial.commands import cli
from gan_tutorial.commands import data as command

ROOT = Path(__file__).parents[2]
REAL = files.find(files.data_folders())
needs_real = pytest.mark.skipif(REAL is None, reason="FashionMNIST is not on this machine: run `gan-tutorial data`")


# A small FashionMNIST: same four names and layout, 30 and 10 images, other checksums.


def small_contents():
    rng = np.random.default_rng(0)
    contents = {}
    for name in files.FILES:
        n = 30 if name.startswith("train") else 10
        shape = (n, 28, 28) if "images" in name else (n,)
        body = rng.integers(0, 256 if "images" in name else 10, shape, dtype=np.uint8).tobytes()
        contents[name] = (shape, bytes(4 + 4 * len(shape)) + body)
    return contents


@pytest.fixture
def small(monkeypatch):
    """Contents of the four files, which the package now takes for FashionMNIST's."""
    contents = small_contents()
    known = {name: (shape, hashlib.sha256(body).hexdigest()) for name, (shape, body) in contents.items()}
    monkeypatch.setattr(files, "FILES", known)
    monkeypatch.setattr(data, "_failed", {})
    return {name: body for name, (_, body) in contents.items()}


def put(folder, contents, suffix=""):
    raw = folder / files.RAW
    raw.mkdir(parents=True)
    for name, body in contents.items():
        (raw / f"{name}{suffix}").write_bytes(gzip.compress(body) if suffix else body)
    return raw


class Mirror(ThreadingHTTPServer):
    """Serves the four files on the loopback; counts requests; waits before each answer as long as it is told."""

    daemon_threads = True

    def __init__(self, contents):
        self.answers = {f"/{name}.gz": gzip.compress(body) for name, body in contents.items()}
        self.requests, self.pause, self.hold, self.held = [], 0.0, None, threading.Event()
        self.endless, self.sent, self.missing = None, 0, 0
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        mirror = self.server
        mirror.requests.append(self.path)
        time.sleep(mirror.pause)
        body = mirror.answers.get(self.path)
        self.send_response(404 if body is None else 200)
        if mirror.endless is None:
            self.send_header("Content-Length", str(len(body or b"") + mirror.missing))
        self.end_headers()
        if mirror.endless is not None:  # until the other side has had enough
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(mirror.endless)
                    mirror.sent += len(mirror.endless)
        elif len(mirror.requests) == mirror.hold:  # stop in the middle of this file, for the test to act
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            mirror.held.set()
            time.sleep(60)
        else:
            self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(small, monkeypatch):
    from torchvision.datasets import FashionMNIST

    for name in ["no_proxy", "NO_PROXY"]:
        monkeypatch.setenv(name, "127.0.0.1")
    server = Mirror(small)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(FashionMNIST, "mirrors", [server.url])
    yield server
    server.shutdown()
    server.server_close()


DOWNLOADER = """
import json, sys
from torchvision.datasets import FashionMNIST
from gan_tutorial.clothes import files
from pathlib import Path
url, folder, known = sys.argv[1:]
FashionMNIST.mirrors = [url]
files.FILES = {name: (tuple(shape), digest) for name, (shape, digest) in json.loads(known).items()}
print('ready', flush=True)
input()
files.fetch(Path(folder))
print(sum(len(array) for array in files.read(Path(folder)).values()))
"""


def downloader(mirror, folder):
    """Another process that will download to the folder as soon as it is sent a line."""
    arguments = [sys.executable, "-c", DOWNLOADER, mirror.url, str(folder), json.dumps(files.FILES)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(arguments, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


# Where it is looked for


def test_the_variable_is_exclusive(monkeypatch, tmp_path):
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    assert files.data_folders() == [tmp_path]
    assert files.data_folders(tmp_path / "other") == [tmp_path / "other"]  # an argument says it more directly


@pytest.mark.parametrize("installed", [False, True])
def test_places_without_the_variable(monkeypatch, tmp_path, installed):
    monkeypatch.delenv(files.VARIABLE, raising=False)
    checkout = tmp_path / "a checkout"
    (checkout / "gan_tutorial" / "clothes").mkdir(parents=True)
    if installed:  # no pyproject.toml above the package: the folder we are in
        monkeypatch.chdir(checkout)
        elsewhere = tmp_path / "site-packages" / "gan_tutorial" / "clothes" / "files.py"
        monkeypatch.setattr(files, "__file__", str(elsewhere))
    else:
        (checkout / "pyproject.toml").touch()
        monkeypatch.setattr(files, "__file__", str(checkout / "gan_tutorial" / "clothes" / "files.py"))
    assert files.data_folders() == [checkout / "data", tmp_path / "shared" / "data"]


def test_the_first_complete_copy_is_used(small, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    put(second, small)
    raw = put(first, small)
    assert files.find([first, second]) == first
    (raw / "t10k-labels-idx1-ubyte").unlink()
    assert files.find([first, second]) == second
    assert files.find([first]) is None


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_reads_what_the_files_hold(small, tmp_path, suffix):
    put(tmp_path, small, suffix)
    arrays = files.read(tmp_path)
    assert [(name, array.dtype, tuple(array.shape)) for name, array in arrays.items()] == [
        ("train_images", torch.uint8, (30, 28, 28)),
        ("train_labels", torch.int64, (30,)),
        ("test_images", torch.uint8, (10, 28, 28)),
        ("test_labels", torch.int64, (10,)),
    ]
    assert arrays["train_images"].numpy().tobytes() == small["train-images-idx3-ubyte"][16:]
    assert bytes(arrays["test_labels"].tolist()) == small["t10k-labels-idx1-ubyte"][8:]


@needs_real
def test_agrees_with_torchvision():
    from torchvision.datasets import FashionMNIST

    images = data.fashion_mnist(folder=REAL, download=False)
    assert (images.name, images.notice, images.is_stand_in) == ("FashionMNIST", "", False)
    assert list(images.classes) == FashionMNIST.classes
    for train, x, y in [
        (True, images.train_images, images.train_labels),
        (False, images.test_images, images.test_labels),
    ]:
        theirs = FashionMNIST(REAL, train=train)
        assert torch.equal(x, theirs.data) and torch.equal(y, theirs.targets)


# Damage


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip(path):
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("damage", [truncate, flip, lambda path: path.write_bytes(b"")])
def test_damage_is_named_and_nothing_is_deleted(small, tmp_path, damage, suffix, capsys):
    raw = put(tmp_path, small, suffix)
    (raw / "mine.txt").write_text("keep")
    damaged = raw / f"t10k-images-idx3-ubyte{suffix}"
    damage(damaged)
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    with pytest.raises(data.CorruptData) as error:
        data.fashion_mnist(folder=tmp_path)
    assert str(damaged) in str(error.value) and "gan-tutorial data" in str(error.value)
    assert command.main(Namespace(dir=str(tmp_path))) == 1
    assert str(damaged) in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == before


@pytest.mark.parametrize("change", [lambda b: b[:-9], lambda b: b"plain", lambda b: b + b"more"])
def test_what_is_no_whole_gzip_file_is_told_as_such(small, tmp_path, change):
    raw = put(tmp_path, small, ".gz")
    damaged = raw / "t10k-labels-idx1-ubyte.gz"
    damaged.write_bytes(change(damaged.read_bytes()))
    with pytest.raises(data.CorruptData, match=r"t10k-labels-idx1-ubyte\.gz is damaged: it is not a whole gzip file\."):
        data.fashion_mnist(folder=tmp_path)


# Downloads


def test_downloads_only_what_is_missing_and_leaves_nothing_else(small, mirror, tmp_path, capsys):
    raw = put(tmp_path, {name: small[name] for name in list(small)[:2]})
    assert command.main(Namespace(dir=str(tmp_path))) == 0
    assert "complete and verified" in capsys.readouterr().out
    assert sorted(mirror.requests) == ["/t10k-images-idx3-ubyte.gz", "/t10k-labels-idx1-ubyte.gz"]
    assert {path.name for path in raw.iterdir()} - {".lock"} == set(small)
    assert all((raw / name).read_bytes() == body for name, body in small.items())
    assert command.main(Namespace(dir=str(tmp_path))) == 0 and len(mirror.requests) == 2


def test_two_processes_at_once_download_once(mirror, tmp_path):
    mirror.pause = 0.5
    both = [downloader(mirror, tmp_path) for _ in range(2)]
    for process in both:
        go(process)
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.strip() == "80"
    assert sorted(mirror.requests) == sorted(mirror.answers)


def test_a_killed_download_blocks_nobody(small, mirror, tmp_path):
    mirror.hold = 2  # in the middle of the second file
    first = downloader(mirror, tmp_path)
    go(first)
    assert mirror.held.wait(60)
    raw = tmp_path / files.RAW
    assert len(list(raw.glob(".download-*"))) == 1
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=30)
    start = time.monotonic()
    second = downloader(mirror, tmp_path)
    go(second)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert time.monotonic() - start < 60
    assert len(mirror.requests) == 5  # the first file was kept, the second was asked for again
    assert {path.name for path in raw.iterdir()} - {".lock"} == set(small)


def test_a_waiting_process_gives_up_at_last(small, tmp_path, monkeypatch):
    raw = tmp_path / files.RAW
    raw.mkdir(parents=True)
    monkeypatch.setattr(files, "WAIT_SECONDS", 0.2)
    with files.FileLock(raw / ".lock", is_singleton=False), pytest.raises(data.NoData, match="another process"):
        files.fetch(tmp_path)


def test_a_log_in_page_is_not_taken_for_data(small, mirror, tmp_path, capsys, monkeypatch):
    mirror.answers = {path: b"<html>Welcome to our hotel</html>" for path in mirror.answers}
    assert command.main(Namespace(dir=str(tmp_path))) == 1
    assert mirror.url in capsys.readouterr().err
    assert [path.name for path in (tmp_path / files.RAW).iterdir() if path.name != ".lock"] == []
    monkeypatch.setattr(data.stand_in, "load", lambda folder: tiny_arrays())
    assert data.fashion_mnist(folder=tmp_path).is_stand_in


INFLATING = gzip.compress(bytes(50_000_000))[:20_000]


@pytest.mark.parametrize("sent", [bytes(10_000), INFLATING], ids=["endless", "inflating"])
def test_an_answer_without_end_is_left_soon(small, mirror, tmp_path, sent, capsys):
    mirror.endless = sent
    start = time.monotonic()
    assert command.main(Namespace(dir=str(tmp_path))) == 1
    assert time.monotonic() - start < 20
    assert mirror.sent < 20e6  # what the system keeps between the two included
    said = capsys.readouterr().err
    assert "is not FashionMNIST" in said and "Traceback" not in said
    assert [path.name for path in (tmp_path / files.RAW).iterdir() if path.name != ".lock"] == []


def test_a_bomb_is_not_unpacked(small, mirror, tmp_path, capsys):
    bomb = gzip.compress(bytes(60_000_000))  # 60 MB in 60 kB
    raw = put(tmp_path / "here", small, ".gz")
    (raw / "train-labels-idx1-ubyte.gz").write_bytes(bomb)
    mirror.answers = {path: bomb[:50_000] for path in mirror.answers}
    tracemalloc.start()
    try:
        for folder in ("here", "there"):
            assert command.main(Namespace(dir=str(tmp_path / folder))) == 1
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()
    assert capsys.readouterr().err.count("it holds more than") == 2


def test_a_download_that_is_cut_off_is_told_as_such(small, mirror, tmp_path):
    mirror.missing = 100
    with pytest.raises(data.NoData, match=r"it ended after [\d,]+ of [\d,]+ bytes"):
        files.fetch(tmp_path)


def test_a_download_that_trickles_ends_at_last(small, mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FILE_SECONDS", -1)
    with pytest.raises(data.NoData, match="only .* bytes came within"):
        files.fetch(tmp_path)


def test_progress_is_shown_on_a_terminal_only(small, mirror, tmp_path, capsys, monkeypatch):
    files.fetch(tmp_path / "log")
    assert " MB" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    files.fetch(tmp_path / "dumb")
    assert " MB" not in capsys.readouterr().err
    monkeypatch.setenv("TERM", "xterm")
    files.fetch(tmp_path / "terminal")
    assert re.search(r"\r0\.0 of 0\.0 MB", capsys.readouterr().err)


def test_ctrl_c_while_downloading_leaves_whole_files_only(small, mirror, tmp_path, capsys, monkeypatch):
    received, files_before = files._received, []

    def pressed(response, most):
        files_before.append(response)
        if len(files_before) == 2:
            signal.raise_signal(signal.SIGINT)
        return received(response, most)

    monkeypatch.setattr(files, "_received", pressed)
    assert cli.main(["data", "--dir", str(tmp_path)]) == 130
    assert capsys.readouterr().err.endswith("gan-tutorial: stopped, because you pressed Ctrl-C.\n")
    raw = tmp_path / files.RAW
    assert {path.name for path in raw.iterdir()} - {".lock"} == {"train-images-idx3-ubyte"}
    assert cli.main(["data", "--dir", str(tmp_path)]) == 0 and len(mirror.requests) == 5


def test_who_waits_says_for_what(small, mirror, tmp_path, capsys):
    raw = tmp_path / files.RAW
    raw.mkdir(parents=True)
    other = files.FileLock(raw / ".lock", thread_local=False)
    other.acquire()
    threading.Timer(1, other.release).start()
    files.fetch(tmp_path)
    assert f"Another process is downloading FashionMNIST to {raw}; waiting for it." in capsys.readouterr().err
    assert set(small) <= {path.name for path in raw.iterdir()}


@pytest.mark.parametrize("name", ["a\0b", "n" * 300, "~nobody-of-that-name/x\0"])
def test_a_folder_that_cannot_be(small, mirror, tmp_path, name, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.main(Namespace(dir=name)) == 2
    assert "cannot be written to (" in capsys.readouterr().err and mirror.requests == []


def test_no_name_is_no_folder(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["data", "--dir", ""])
    assert stop.value.code == 2 and "'' is not the name of a folder" in capsys.readouterr().err


def test_a_missing_page_and_a_second_mirror(small, mirror, tmp_path, monkeypatch):
    from torchvision.datasets import FashionMNIST

    monkeypatch.setattr(FashionMNIST, "mirrors", [mirror.url + "moved/"])
    with pytest.raises(data.NoData, match="moved"):
        files.fetch(tmp_path)
    monkeypatch.setattr(FashionMNIST, "mirrors", [mirror.url + "moved/", mirror.url])
    files.fetch(tmp_path)
    assert len(files.read(tmp_path)["train_images"]) == 30


def test_a_mirror_that_never_answers_is_left_soon(small, tmp_path, monkeypatch):
    from torchvision.datasets import FashionMNIST

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(files, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(FashionMNIST, "mirrors", [f"http://127.0.0.1:{silent.getsockname()[1]}/"])
        start = time.monotonic()
        with pytest.raises(data.NoData, match="no answer"):
            files.fetch(tmp_path)
        assert time.monotonic() - start < 10


def test_a_folder_that_cannot_be_written_to(small, mirror, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert command.main(Namespace(dir=str(tmp_path / "file"))) == 2
    assert "cannot be written to" in capsys.readouterr().err
    assert mirror.requests == []


# No network


def tiny_arrays():
    return {
        "train_images": torch.arange(40, dtype=torch.uint8).view(40, 1, 1).expand(40, 28, 28).contiguous(),
        "train_labels": torch.arange(40) % 10,
        "test_images": torch.zeros(10, 28, 28, dtype=torch.uint8),
        "test_labels": torch.arange(10),
    }


def test_without_network_the_stand_in_says_so_once(offline, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(data, "_failed", {})
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    start = time.monotonic()
    images = data.fashion_mnist()
    assert time.monotonic() - start < 90
    assert images.is_stand_in and images.notice and images.name != "FashionMNIST"
    assert tuple(images.train_images.shape) == (60_000, 28, 28) and tuple(images.test_labels.shape) == (10_000,)
    assert 'role="alert"' in images._repr_html_() and "not FashionMNIST" in images._repr_html_()
    assert capsys.readouterr().err.count(images.notice) == 1
    monkeypatch.setattr(files, "fetch", lambda folder: pytest.fail("asked the network again"))
    again = data.fashion_mnist()
    assert torch.equal(again.train_images, images.train_images)  # from the cache
    assert capsys.readouterr().err == ""


def test_the_command_without_network(offline, tmp_path, capsys):
    assert command.main(Namespace(dir=str(tmp_path))) == 2
    said = capsys.readouterr().err
    assert "cannot be fetched" in said and str(tmp_path) in said


def test_an_unwanted_download_is_not_tried(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "_failed", {})
    monkeypatch.setattr(files, "fetch", lambda folder: pytest.fail("downloaded"))
    monkeypatch.setattr(data.stand_in, "load", lambda folder: tiny_arrays())
    assert data.fashion_mnist(folder=tmp_path, download=False).is_stand_in


# Batches


def test_bytes_and_unit_interval_are_inverse():
    every = torch.arange(256, dtype=torch.uint8).repeat(784 * 2).view(-1, 28, 28)
    x = data.to_unit(every)
    assert x.dtype == torch.float32 and x.shape[1:] == (1, 28, 28)
    assert x.min() == -1 and x.max() == 1
    assert torch.equal(data.to_uint8(x), every)
    assert data.to_uint8(torch.tensor([-9.0, 9.0]).view(2, 1, 1, 1)).flatten().tolist() == [0, 255]
    floats = torch.full((1, 28, 28), 255.0)
    data.to_unit(floats)
    assert (floats == 255).all()  # the caller's tensor is not changed


@pytest.fixture
def images():
    """Forty images, each of one grey value: its row."""
    return data.Images("forty", "", **tiny_arrays())


def test_sampler_draws_images_with_their_labels(images):
    torch.manual_seed(0)
    draw = images.sampler(labels=True)
    x, labels = draw(4_000)
    assert x.shape == (4_000, 1, 28, 28) and x.dtype == torch.float32 and labels.dtype == torch.int64
    row = data.to_uint8(x)[:, 0, 0].long()
    assert torch.equal(labels, row % 10)
    counts = row.bincount(minlength=40).double()
    chi2 = ((counts - 100) ** 2 / 100).sum().item()
    assert 15 < chi2 < 80  # 39 degrees of freedom: 39 +- 8.8; neither lumpy nor dealt out evenly
    torch.manual_seed(0)
    assert torch.equal(draw(4_000)[0], x)
    assert len(images.sampler()(3)) == 1


@pytest.mark.parametrize("classes", [[8, 9], ["Bag", "Ankle boot"], ["Bag", 9], iter([9, 8])])
def test_sampler_of_some_classes(images, classes):
    draw = images.sampler(labels=True, classes=classes)
    assert len(draw) == 8
    x, labels = draw(200)
    assert set(labels.tolist()) == {8, 9}
    assert torch.equal(data.to_uint8(x)[:, 0, 0].long() % 10, labels)
    assert len(images.sampler(classes="Coat")) == 4 == len(images.sampler(classes=4))


@pytest.mark.parametrize("classes", [["Hat"], [10], [-1], []])
def test_sampler_says_which_classes_there_are(images, classes):
    with pytest.raises(ValueError, match="Ankle boot"):
        images.sampler(classes=classes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_batches_stay_on_the_device():
    images = data.Images("forty", "", **{key: array.cuda() for key, array in tiny_arrays().items()})
    x, labels = images.sampler(labels=True, classes=[1])(5)
    assert x.is_cuda and labels.is_cuda
