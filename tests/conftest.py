"""What all tests share: settings of the process, the order, and fixtures for a copy of the tree and for no network."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

# Small networks on many threads crawl; kernels that tests start inherit this.
if "PYTEST_XDIST_WORKER" in os.environ:  # one of several that share the cores
    os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", str(min(4, os.cpu_count() or 1)))
# A shell's job in the background ignores Ctrl-C, one under nohup the end of its terminal; some tests send these.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
# Neither the reader's own Jupyter settings nor a profile of theirs changes a result here.
_jupyter = tempfile.TemporaryDirectory(prefix="gan-tutorial-tests-")
for _name in ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"]:
    os.environ[_name] = os.path.join(_jupyter.name, _name.lower())
for _name in ["GAN_TUTORIAL_PROFILE", "GAN_TUTORIAL_STRICT"]:
    os.environ.pop(_name, None)

import matplotlib  # noqa: E402
import numpy  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

from install import find_browser  # noqa: E402

matplotlib.use("Agg")

ROOT = Path(__file__).parents[1]
# The slow ones, in this order
LAST = ["test_site", "test_environment", "test_notebooks", "test_series", "test_laboratory_browser", "test_browser"]


def pytest_collection_modifyitems(items):
    """Fast tests first: a mistake shows in seconds, not after the notebooks have run."""
    items.sort(key=lambda item: LAST.index(item.path.stem) if item.path.stem in LAST else -1)


@pytest.fixture(autouse=True)
def seeded():
    """A test draws the same numbers each time, whichever ran before it. That it holds for others too is seen with
    `GAN_TUTORIAL_TEST_SEED=1 make test`."""
    seed = int(os.environ.get("GAN_TUTORIAL_TEST_SEED", "0"))
    for start in [random.seed, numpy.random.seed, torch.manual_seed]:
        start(seed)


@pytest.fixture(scope="session")
def chromium():
    """The browser's path.  Without one, tests that need it are skipped, but in CI they fail."""
    found = find_browser()
    if not found:
        missing = "there is no Chromium or Chrome here: install one, or name it in the environment variable CHROMIUM"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def clean_tree(tmp_path_factory):
    """The checkout as a clone would have it, in a folder with a space in its name; tests do not write in it."""
    copy = tmp_path_factory.mktemp("a clone") / "gan tutorial"
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True)
    if listed.returncode == 0:
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
    else:                                       # unpacked from an archive: no git here
        made = shutil.ignore_patterns(".venv", "build", "data", "dist", "*.egg-info", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, copy, ignore=made)
    return copy


@pytest.fixture
def offline(monkeypatch):
    """No network: this process reaches nothing but this machine, and the environment returned does so for others."""
    def refuse(self, address, connect):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"no network in this test (to {address[0]})")
        return connect(self, address)

    for name in ["connect", "connect_ex"]:
        connect = getattr(socket.socket, name)
        monkeypatch.setattr(socket.socket, name, lambda self, address, connect=connect: refuse(self, address, connect))
    monkeypatch.setattr(socket, "getaddrinfo", _only_local(socket.getaddrinfo))
    closed = "http://127.0.0.1:9"               # the discard port: nothing listens, so it refuses at once
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]:
        monkeypatch.setenv(name, closed)
    for name in ["no_proxy", "NO_PROXY"]:
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    return dict(os.environ)


def _only_local(getaddrinfo):
    def lookup(host, *args, **kwargs):
        if host not in (None, "", "127.0.0.1", "::1", "localhost"):
            raise socket.gaierror(f"no network in this test (to {host})")
        return getaddrinfo(host, *args, **kwargs)
    return lookup
