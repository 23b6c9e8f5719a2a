"""The files that set the tutorial up: the list of packages and its two copies, install.py, make, Binder, CI, README."""

import ast
import asyncio
import http.server
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
import urllib.parse
import venv
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from nbclient import NotebookClient
from packaging.requirements import Requirement

import install
from gan_tutorial.lesson.connection import PromptConnection

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Conda's names where they differ from the registry's: for everyone, and on Binder.
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base", "POT": "pot"}
BINDER = CONDA | {"torch": "pytorch-cpu"}
CONDA_ONLY = {"python", "pip"}


def run(*command, **options):
    return subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          **options)


def split(requirement: str) -> tuple[str, str]:
    """"torch>=2.6" -> ("torch", ">=2.6"); what follows the lower bound is for pip, or for some Pythons, only"""
    name, bound = re.fullmatch(r"([\w.-]+?)\s*([<>=!~][^,;]*)?(?:[,;].*)?", requirement).groups()
    return name, bound or ""


# ---- one list of packages

def conda_list(path: Path) -> dict[str, str]:
    return dict(split(each) for each in yaml.safe_load(path.read_text())["dependencies"] if isinstance(each, str))


@pytest.mark.parametrize("name, names", [("environment.yml", CONDA), ("binder/environment.yml", BINDER)])
def test_conda_lists_are_the_list_of_the_package(name, names):
    listed = conda_list(ROOT / name)
    wanted = {names.get(name, name): bound for name, bound in map(split, reversed(PROJECT["dependencies"]))}
    assert {k: v for k, v in listed.items() if k not in CONDA_ONLY} == wanted
    assert set(listed) >= CONDA_ONLY
    assert yaml.safe_load((ROOT / name).read_text())["channels"] == ["conda-forge"]


def test_python_is_the_same_everywhere():
    oldest = PROJECT["requires-python"]
    assert oldest == ">=" + ".".join(map(str, install.OLDEST))
    assert conda_list(ROOT / "environment.yml")["python"] == oldest
    assert conda_list(ROOT / "binder" / "environment.yml")["python"] == oldest.replace(">=", "=")


def test_conda_users_get_the_tutorial_itself():
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][-1] == {"pip": ["-e ."]}


def imports(path: Path) -> set[str]:
    """The names of the packages that a module imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names)


def test_what_the_package_imports_is_listed():
    listed = {split(each)[0] for each in PROJECT["dependencies"]}
    brought = {"IPython": "ipykernel", "jupyter_client": "ipykernel", "jupyter_core": "ipykernel",
               "PIL": "matplotlib", "jupyter_server": "jupyterlab", "nbclient": "papermill", "traitlets": "ipywidgets",
               "ot": "POT"}
    used = set().union(*map(imports, (ROOT / "gan_tutorial").rglob("*.py"))) - {"gan_tutorial"}
    assert {brought.get(name, name) for name in used} <= listed


def test_oldest_constrains_every_bound():
    made = run(sys.executable, ROOT / ".ci" / "oldest", check=True).stdout.split()
    assert "torch==2.6.*" in made
    listed = PROJECT["dependencies"] + sum(PROJECT["optional-dependencies"].values(), [])
    assert {split(each)[0] for each in made} == {split(each)[0] for each in listed if ">=" in each} - {"setuptools"}


# ---- install.py

@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A checkout with a space in its path, whose installation takes no time: pip is replaced by a note of its call."""
    root = tmp_path / "a tree"
    root.mkdir()
    shutil.copy(ROOT / "pyproject.toml", root)
    python = root / ".venv" / "bin" / "python"
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidia0").touch()                      # a device: the usual build of torch, so one run of pip
    for name in ["TORCH", "TORCH_INDEX"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"ROOT": root, "VENV": root / ".venv", "VENV_PYTHON": python, "MACHINE": tmp_path}.items():
        monkeypatch.setattr(install, name, str(value))
    monkeypatch.setattr(install, "STAMP", str(root / ".venv" / "installed.json"))
    calls = []

    def called(command, **options):
        calls.append(command)
        if "venv" in command and "-m" in command:
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(install.subprocess, "run", called)
    monkeypatch.setattr(install, "runs", os.path.exists)
    monkeypatch.setattr(install, "find_browser", lambda: "/usr/bin/chromium")
    return root, calls


def kinds(calls) -> str:
    """What was called, in short: v made an environment, V emptied one first, p ran pip."""
    return "".join("p" if "pip" in call else "V" if "--clear" in call else "v" for call in calls)


def test_second_installation_does_nothing(tree):
    root, calls = tree
    assert install.main([]) == 0
    assert kinds(calls) == "vp" and calls[-1][-1] == "."
    assert install.main([]) == 0
    assert kinds(calls) == "vp"
    settings = json.loads((root / ".venv/share/jupyter/lab/settings/overrides.json").read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert settings["@jupyterlab/filebrowser-extension:browser"]["sortNotebooksFirst"] is True
    server = json.loads((root / ".venv/etc/jupyter/jupyter_server_config.json").read_text())["ServerApp"]
    module, _, name = server["kernel_websocket_connection_class"].rpartition(".")
    assert getattr(importlib.import_module(module), name) is PromptConnection


def test_messages_between_kernel_and_browser_do_not_wait_for_each_other(monkeypatch):
    class Browser:
        def set_nodelay(self, value):
            done.append(value)

    async def connect(self):
        done.append("connected")

    done = []
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", connect)
    monkeypatch.setattr(PromptConnection, "__init__", lambda self: None)
    connection = PromptConnection()
    monkeypatch.setattr(PromptConnection, "websocket_handler", Browser())
    asyncio.run(connection.connect())
    assert done == [True, "connected"]


def test_every_kernel_begins_with_what_torch_reads_when_it_is_loaded(tmp_path):
    """Whoever starts it: an editor has no server from which the kernel could inherit it."""
    env = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    asks = "import os, sys\n[os.getenv('GOMP_SPINCOUNT'), 'torch' in sys.modules, 'gan_tutorial' in dir(), len(In)]"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(asks)])
    NotebookClient(nb, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute(env=env)
    assert nb.cells[0].outputs[0].data["text/plain"] == "['2000', False, False, 2]"


def test_a_conda_environment_sets_what_torch_reads_when_it_is_loaded():
    env = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    code = "import os, gan_tutorial; print(os.environ['GOMP_SPINCOUNT'])"
    said = run(sys.executable, "-c", code, env=env).stdout.strip()
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["variables"] == {"GOMP_SPINCOUNT": said}


def test_the_server_need_not_load_torch():
    loaded = "import sys, gan_tutorial.lesson.connection; print('torch' in sys.modules)"
    assert run(sys.executable, "-c", loaded).stdout == "False\n"


def test_other_settings_are_brought_in(tree, monkeypatch):
    root, calls = tree
    install.main([])
    monkeypatch.setattr(install, "SETTINGS", {"etc/new.json": {"a": 1}})
    install.main([])
    install.main([])
    assert kinds(calls) == "vpp" and json.loads((root / ".venv/etc/new.json").read_text()) == {"a": 1}


def test_tests_add_their_packages_once_and_they_stay(tree):
    root, calls = tree
    install.main([])
    assert install.main(["--test"]) == 0
    assert kinds(calls) == "vpp" and calls[-1][-1] == ".[test]"
    install.main(["--test"])
    install.main([])
    assert kinds(calls) == "vpp"


def test_the_site_adds_its_packages_and_the_tests_have_them_too(tree):
    root, calls = tree
    assert install.main(["--site"]) == 0
    assert kinds(calls) == "vp" and calls[-1][-1] == ".[site]"
    install.main([])
    install.main(["--site"])
    assert kinds(calls) == "vp"
    install.main(["--test"])
    install.main(["--site"])
    assert kinds(calls) == "vpp" and calls[-1][-1] == ".[test]"
    assert "gan-tutorial[site]" in PROJECT["optional-dependencies"]["test"]


def test_changed_list_is_installed_into_the_same_environment(tree):
    root, calls = tree
    install.main(["--test"])
    with (root / "pyproject.toml").open("a") as file:
        file.write("# another line\n")
    install.main([])
    assert kinds(calls) == "vpp" and calls[-1][-1] == ".[test]"


def test_interrupted_installation_leaves_no_stamp(tree, monkeypatch, capsys):
    root, calls = tree
    finished = install.subprocess.run

    def interrupted(command, **options):
        finished(command, **options)
        if "pip" in command:
            raise KeyboardInterrupt

    for state in ["new", "changed"]:
        monkeypatch.setattr(install.subprocess, "run", interrupted)
        assert install.main([]) == 130
        assert "goes on where it stopped" in capsys.readouterr().err
        assert install.read_stamp() == {}
        monkeypatch.setattr(install.subprocess, "run", finished)
        assert install.main([]) == 0
        (root / "pyproject.toml").write_text(state)             # so that the second round starts from a change
    assert "V" not in kinds(calls)                              # what was there is used


def test_failed_installation_says_so(tree, monkeypatch, capsys):
    def failed(command, **options):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(install.subprocess, "run", failed)
    assert install.main([]) == 1
    assert capsys.readouterr().err.startswith("The installation did not finish: ")
    assert install.read_stamp() == {}


def test_moved_checkout_is_installed_anew(tree, monkeypatch):
    root, calls = tree
    install.main([])
    moved = root.rename(root.parent / "moved")
    for name in ["ROOT", "VENV", "VENV_PYTHON", "STAMP"]:
        monkeypatch.setattr(install, name, getattr(install, name).replace(str(root), str(moved)))
    install.main([])
    assert kinds(calls) == "vpVp"


def test_environment_whose_python_is_gone_is_made_anew(tree):
    root, calls = tree
    install.main([])
    os.remove(install.VENV_PYTHON)
    install.main([])
    assert kinds(calls) == "vpVp"


def test_another_python_counts_only_when_it_is_named(tree):
    root, calls = tree
    install.main([])
    stamp = install.read_stamp()
    install.write_json(install.STAMP, stamp | {"python": "3.14 of yesterday"})
    install.main([])
    assert kinds(calls) == "vp"
    install.main(["--this-python"])
    assert kinds(calls) == "vpVp" and install.read_stamp()["python"] == sys.version


def test_environment_of_ones_own_is_kept(tree):
    root, calls = tree
    (root / ".venv").mkdir()
    install.main([])
    assert kinds(calls) == "vp"                                 # not emptied


def test_old_python_gets_one_sentence(tree, monkeypatch, capsys):
    root, calls = tree
    monkeypatch.setattr(install.sys, "version_info", (3, 9, 2, "final", 0))
    assert install.main([]) == 1
    assert re.fullmatch(r"The tutorial needs Python 3\.11 or newer, and .* is 3\.9: .*\n", capsys.readouterr().err)
    assert calls == []


def test_old_pythons_can_read_it():
    text = (ROOT / "install.py").read_text(encoding="ascii")        # Python 2 takes no other letters unless told
    tree = ast.parse(text, feature_version=(3, 4))                  # no annotated names, no :=, no match
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Nonlocal | ast.YieldFrom)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    assert not [f for f in functions if f.args.kwonlyargs or getattr(f, "returns", None)]
    assert not [arg for f in functions for arg in f.args.args if arg.annotation]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        stars = [isinstance(arg, ast.Starred) for arg in call.args]
        assert stars == sorted(stars) and sum(stars) < 2            # f(*a, b) and f(*a, *b) came with 3.5
    (future,) = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert [future.module, future.names[0].name] == ["__future__", "print_function"]


@pytest.mark.parametrize("name", ["python2.7", "python3.6", "python3.8", "python3.10"])
def test_old_pythons_that_are_here_say_that_they_are_too_old(name, tmp_path):
    kept = Path.home() / ".pyenv" / "versions"                      # where people keep old ones
    found = [shutil.which(name), *sorted(kept.glob(f"{name.removeprefix('python')}*/bin/python"))]
    old = [path for path in found if path and run(path, "-c", "").returncode == 0]
    if not old:
        pytest.skip(f"there is no {name} here")
    for part in ["install.py", "pyproject.toml"]:
        shutil.copy(ROOT / part, tmp_path)
    ended = run(old[0], tmp_path / "install.py")
    assert ended.returncode == 1 and not (tmp_path / ".venv").exists()
    assert re.fullmatch(r"The tutorial needs Python 3\.11 or newer, and .* is (2|3)\.\d+: .*\n", ended.stderr)


def test_python_without_venv_gets_one_sentence(tree, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert install.main([]) == 1
    assert "apt-get install python3" in capsys.readouterr().err


def test_install_parses_on_an_old_python():
    """An old Python must get as far as the sentence that it is too old."""
    ast.parse((ROOT / "install.py").read_text(), feature_version=(3, 6))


def test_missing_browser_is_said_and_nothing_fails(tree, monkeypatch, capsys):
    monkeypatch.setattr(install, "find_browser", lambda: None)
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    assert install.main(["--test"]) == 0
    assert "browser tests are skipped" in capsys.readouterr().out


# ---- install.py: which build of torch

WHEELS = {      # index -> what it has: name, version, what it needs, files
    "cpu": [("torch", "9.9.9+cpu", ["algebra"], {"torch/version.py": "cuda: Optional[str] = None\nhip = None\n"}),
            ("torchvision", "0.9.9+cpu", ["torch==9.9.9", "friend"], {}), ("algebra", "1.0", [], {})],
    # newer, as a usual index may be, so that pip would prefer it wherever it sees both
    "usual": [("torch", "9.9.10", ["algebra", "nvidia-cublas", "triton"],
               {"torch/version.py": "cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n"}),
              ("torchvision", "0.9.10", ["torch==9.9.10", "friend"], {}),
              ("nvidia-cublas", "13.1", [], {}), ("triton", "3.8", [], {}), ("algebra", "1.0", [], {}),
              ("friend", "1.0", [], {}), ("beside", "1.0", [], {})],
}
CPU_BUILD = {"torch": "9.9.9+cpu", "torchvision": "0.9.9+cpu"}
CUDA_BUILD = {"torch": "9.9.10", "torchvision": "0.9.10"}
SMALL_PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "small"
version = "1.0"
dependencies = ["torch>=2.6", "torchvision", "friend"]
"""
BACKEND = """
import shutil

def build_editable(folder, settings=None, metadata=None):
    return shutil.copy("small-1.0-py3-none-any.whl", folder).rpartition("/")[2]
"""


def write_wheel(folder, name, version, needs, files) -> str:
    """A wheel as small as can be; returns its file name."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {x}" for x in needs)]
    files = files | {f"{info}/METADATA": "\n".join(metadata) + "\n",
                     f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(Path(folder) / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(path, text)
    return f"{stem}-py3-none-any.whl"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """index -> folder with its wheels"""
    made = {index: tmp_path_factory.mktemp(index) for index in WHEELS}
    for index, listed in WHEELS.items():
        for each in listed:
            write_wheel(made[index], *each)
    return made


@pytest.fixture
def indexes(wheels):
    """Indexes of packages on loopback, and some that are none: where, what was asked of them, what breaks off there."""
    asked, torn, done = [], [], threading.Event()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            index, _, rest = self.path.strip("/").partition("/")
            name = rest.partition("/")[2] if rest.startswith("files/") else ""
            if index == "silent":
                done.wait(60)
            elif index in ("404", "500"):
                self.send_error(int(index))
            elif index == "portal":
                self.reply(b"<html><body><a href='/welcome'>Accept our terms</a></body></html>")
            elif name:
                whole = (wheels[index] / urllib.parse.unquote(name)).read_bytes()
                self.reply(whole, len(whole) // 2 if any(self.path.startswith(each) for each in torn) else len(whole))
            else:
                links = [path.name for path in wheels[index].glob(f"{rest.strip('/').replace('-', '_')}-*.whl")]
                page = "".join(f'<a href="/{index}/files/{urllib.parse.quote(x)}">{x}</a>\n' for x in links)
                self.reply(page.encode()) if links else self.send_error(404)

        def reply(self, body, sent=None):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:sent])

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield SimpleNamespace(at=f"http://127.0.0.1:{server.server_port}", asked=asked, torn=torn)
        done.set()
        server.shutdown()


@pytest.fixture
def laptop(tmp_path, monkeypatch, offline, indexes):
    """A checkout of a small project on a Linux machine without an NVIDIA device, whose pip is the real one and knows
    the usual index, in two ways; `torch()` says what is installed."""
    root = tmp_path / "a tree"
    root.mkdir()
    (root / "pyproject.toml").write_text(SMALL_PROJECT)
    (root / "backend.py").write_text(BACKEND)
    write_wheel(root, "small", "1.0", tomllib.loads(SMALL_PROJECT)["project"]["dependencies"], {})
    (tmp_path / "machine").mkdir()
    python, real = root / ".venv" / "bin" / "python", subprocess.run
    site = root / f".venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    values = {"ROOT": root, "VENV": root / ".venv", "VENV_PYTHON": python, "STAMP": root / ".venv" / "installed.json",
              "MACHINE": tmp_path / "machine", "CPU_INDEX": "http://127.0.0.1:9/none"}
    for name, value in values.items():
        monkeypatch.setattr(install, name, str(value))
    monkeypatch.setattr(install, "BESIDE", ["beside"])
    monkeypatch.setattr(install.platform, "system", lambda: "Linux")
    monkeypatch.setattr(install.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    for name in [name for name in os.environ if name.startswith(("PIP_", "TORCH"))]:
        monkeypatch.delenv(name)
    for name, value in {"CONFIG_FILE": os.devnull, "NO_CACHE_DIR": "1", "INDEX_URL": f"{indexes.at}/usual",
                        "EXTRA_INDEX_URL": f"{indexes.at}/usual"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("TORCH_INDEX", f"{indexes.at}/cpu")

    def called(command, **options):
        if command[1:3] != ["-m", "venv"]:
            return real(command, **options)
        venv.create(root / ".venv", with_pip=False)     # with the pip of this environment: unpacking one takes seconds
        (site / "pip").exists() or (site / "pip").symlink_to(Path(importlib.util.find_spec("pip").origin).parent)
        return subprocess.CompletedProcess(command, 0)

    def torch():
        return dict(path.stem.split("-") for path in site.glob("*.dist-info"))

    monkeypatch.setattr(install.subprocess, "run", called)
    return SimpleNamespace(root=root, site=site, torch=torch, at=indexes.at, asked=indexes.asked, torn=indexes.torn)


needs_pip = pytest.mark.skipif(os.name == "nt" or not importlib.util.find_spec("pip"), reason="needs a pip to borrow")


@needs_pip
def test_without_a_device_the_cpu_build_is_taken_and_kept(laptop, monkeypatch, capfd):
    assert install.main([]) == 0
    rest = {"algebra": "1.0", "beside": "1.0", "friend": "1.0", "small": "1.0"}
    assert laptop.torch() == CPU_BUILD | rest
    assert "PyTorch's CPU build" in capfd.readouterr().out
    assert not [path for path in laptop.asked if path.startswith("/cpu/") and re.search("friend|beside", path)]
    del laptop.asked[:]
    assert install.main([]) == 0                                    # asks nobody
    assert laptop.asked == [] and capfd.readouterr().out == ""
    with (laptop.root / "pyproject.toml").open("a") as file:
        file.write("# another line\n")
    Path(install.MACHINE, "dev").mkdir()
    Path(install.MACHINE, "dev/nvidia0").touch()                    # what is there is kept, even now
    assert install.main([]) == 0
    assert laptop.torch() == CPU_BUILD | rest and not [path for path in laptop.asked if "torch" in path]
    monkeypatch.setenv("TORCH", "cuda")                             # unless one says so
    assert install.main([]) == 0
    assert laptop.torch() == CUDA_BUILD | rest | {"nvidia_cublas": "13.1", "triton": "3.8"}
    monkeypatch.setenv("TORCH", "cpu")
    assert install.main([]) == 0
    assert laptop.torch() == CPU_BUILD | rest                       # and nothing of the other is left
    del laptop.asked[:]
    assert install.main([]) == 0
    monkeypatch.delenv("TORCH")
    assert install.main([]) == 0 and laptop.asked == []


@needs_pip
def test_an_index_that_refuses_costs_one_sentence(laptop, monkeypatch, capfd):
    monkeypatch.setenv("TORCH_INDEX", "http://somebody:secret@127.0.0.1:9/cpu")
    assert install.main([]) == 0
    told = capfd.readouterr()
    assert laptop.torch().items() >= CUDA_BUILD.items()
    assert told.out.count("could not be had from http://127.0.0.1:9/cpu:") == 1 and "secret" not in told.out + told.err
    stamp = install.read_stamp()
    monkeypatch.setenv("TORCH", "cpu")                              # who asks for it is not given the other one
    assert install.main([]) == 1
    (sentence,) = capfd.readouterr().err.splitlines()
    assert "TORCH=cpu" in sentence and "no package was changed" in sentence
    assert install.read_stamp() == stamp and laptop.torch().items() >= CUDA_BUILD.items()


@needs_pip
def test_what_answers_as_an_index(laptop, monkeypatch):
    install.subprocess.run([sys.executable, "-m", "venv", install.VENV])
    assert install.answers(f"{laptop.at}/cpu")
    for other in ["portal", "404", "500"]:
        assert not install.answers(f"{laptop.at}/{other}")
    assert not install.answers(laptop.at.replace("http:", "https:") + "/cpu")     # no TLS there
    monkeypatch.setattr(install, "WAIT", 3)
    start = time.monotonic()
    assert not install.answers(f"{laptop.at}/silent")
    assert time.monotonic() - start < 30


@needs_pip
@pytest.mark.parametrize("word", ["torch", "torchvision"])
def test_a_download_that_breaks_off_falls_back_to_one_source(word, laptop, capfd):
    laptop.torn.append(f"/cpu/files/{word}-")
    assert install.main([]) == 0
    assert "could not be had from" in capfd.readouterr().out
    assert laptop.torch().items() >= CUDA_BUILD.items()


@needs_pip
def test_an_interrupted_installation_goes_on_with_the_same_build(laptop, monkeypatch):
    whole = install.subprocess.run

    def interrupted(command, **options):                            # as if between the two
        if "--index-url" in command and "install" in command:
            whole([*command[:-1], "--no-deps"], **options)
            raise KeyboardInterrupt
        return whole(command, **options)

    monkeypatch.setattr(install.subprocess, "run", interrupted)
    assert install.main([]) == 130
    assert laptop.torch() == {"torch": "9.9.9+cpu", "friend": "1.0", "beside": "1.0"} and install.read_stamp() == {}
    monkeypatch.setattr(install.subprocess, "run", whole)
    assert install.main([]) == 0
    assert laptop.torch().items() >= CPU_BUILD.items()


@needs_pip
def test_a_torch_of_ones_own_is_kept_and_no_index_asked_for_one(laptop, wheels, monkeypatch):
    install.subprocess.run([sys.executable, "-m", "venv", install.VENV])
    own = [*wheels["cpu"].glob("*.whl"), *wheels["usual"].glob("friend*.whl")]
    run(install.VENV_PYTHON, "-m", "pip", "install", "--no-index", "--no-deps", *own, check=True)
    monkeypatch.setenv("TORCH_INDEX", "http://127.0.0.1:9/cpu")
    assert install.main([]) == 0
    assert laptop.torch().items() >= CPU_BUILD.items() and not [path for path in laptop.asked if "torch" in path]


@needs_pip
def test_without_a_network_pip_takes_what_is_at_hand(laptop, wheels, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels["usual"]))
    assert install.main([]) == 0
    assert laptop.torch().items() >= CUDA_BUILD.items() and laptop.asked == []


def test_a_device_is_found_by_what_its_driver_shows(tmp_path, monkeypatch):
    def machine(name, *paths):
        for path in paths:
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text("")
        monkeypatch.setattr(install, "MACHINE", str(tmp_path / name))
        return tmp_path / name

    def program(path, text, status):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n[ $1 = -L ] && echo '{text}'\nexit {status}\n")
        path.chmod(0o755)

    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    machine("none", "dev/null", "dev/nvidiactl", "dev/dxg", "proc/driver/nvidia/version")   # a driver without a device
    assert not install.nvidia()
    machine("first", "dev/nvidia0")
    assert install.nvidia()
    machine("lent one", "dev/nvidia3")                              # to a container
    assert install.nvidia()
    machine("proc", "proc/driver/nvidia/gpus/0000:01:00.0/information")
    assert install.nvidia()
    here = machine("windows", "dev/dxg")
    program(here / "usr/lib/wsl/lib/nvidia-smi", "GPU 0: one", 0)
    assert install.nvidia()
    program(here / "usr/lib/wsl/lib/nvidia-smi", "No devices found.", 6)
    assert not install.nvidia()
    program(here / "smi", "GPU 0: one", 0)
    monkeypatch.setattr(install.shutil, "which", lambda name: str(here / "smi"))
    assert install.nvidia()


def test_plan(tree, monkeypatch):
    there = {"build": "", "device": False, "pair": True}
    for name, key in {"build_there": "build", "nvidia": "device", "pair_is_there": "pair"}.items():
        monkeypatch.setattr(install, name, lambda key=key: there[key])
    monkeypatch.setattr(install.platform, "system", lambda: "Linux")
    monkeypatch.setattr(install.platform, "machine", lambda: "aarch64")
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)

    def plan(asked="", wish=None, **others):
        there.update({"build": "", "device": False, "pair": True} | others)
        return install.plan(asked, asked if wish is None else wish)

    assert plan() == (True, False) and plan(device=True) == (False, False)
    assert plan("cpu", device=True) == (True, False) and plan("cuda") == (False, False)
    assert plan(wish="cpu", device=True) == (True, False) and plan(wish="cuda") == (False, False)
    for device in [False, True]:                                    # what is there stays, but for a word
        assert plan(build="cpu", device=device) == plan(build="gpu", device=device) == (False, False)
        assert plan(build="gpu", wish="cpu", device=device) == plan(build="cpu", wish="cuda", device=device)
        assert plan("cuda", build="cpu", device=device) == (False, True)
        assert plan("cpu", build="gpu", device=device) == (True, True)
        assert plan("cuda", build="gpu", device=device) == plan("cpu", build="cpu", device=device) == (False, False)
        assert plan(build="cpu", pair=False, device=device) == (True, False)     # too old, or without torchvision
    for system, machine in [("Darwin", "arm64"), ("Windows", "AMD64"), ("Linux", "riscv64")]:
        monkeypatch.setattr(install.platform, "system", lambda: system)          # noqa: B023
        monkeypatch.setattr(install.platform, "machine", lambda: machine)        # noqa: B023
        assert plan("cpu") == plan("cuda", build="cpu") == (False, False)


@pytest.mark.parametrize("name, value", [("TORCH", "gpu"), ("TORCH", "2.9"), ("TORCH_INDEX", "file:///wheels"),
                                         ("TORCH_INDEX", "https://"), ("TORCH_INDEX", "https://a b")])
def test_a_wish_that_cannot_be_read_gets_one_sentence(name, value, tree, monkeypatch, capsys):
    monkeypatch.setenv(name, value)
    assert install.main([]) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(name) and repr(value) in sentence and "unset it" in sentence and tree[1] == []


def test_what_torch_needs_comes_from_where_pip_is_set_up_to_take_it():
    needed = {Requirement(each).name.lower() for each in importlib.metadata.requires("torch")
              if "extra ==" not in each and not re.match(r"nvidia|cuda|triton|pytorch", each)}
    listed = {split(each)[0].lower() for each in PROJECT["dependencies"] + install.BESIDE}
    assert needed <= listed


def test_the_index_is_pytorchs_own():
    assert re.match(r"https://download\.pytorch\.org/whl/cpu$", install.CPU_INDEX)


# ---- make

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")


@needs_make
def test_make_knows_its_commands(clean_tree):
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split()
    assert {"install", "lab", "test", "run", "build", "site"} <= set(targets)
    assert set(" ".join(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", makefile, re.M)).split()) == set(targets)
    for target in targets:
        assert run("make", "-n", target, cwd=clean_tree).returncode == 0


@needs_make
def test_make_names_a_missing_python(clean_tree):
    done = run("make", "install", "PYTHON=python-of-nowhere", cwd=clean_tree)
    assert done.returncode != 0
    assert 'There is no "python-of-nowhere" here' in done.stderr
    assert not (clean_tree / ".venv").exists()


@needs_make
def test_make_hands_the_named_python_on(clean_tree):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "MAKEFLAGS", "MAKELEVEL")}
    assert "--this-python" not in run("make", "-n", "install", cwd=clean_tree, env=env).stdout
    assert "--this-python" in run("make", "-n", "install", "PYTHON=python3", cwd=clean_tree, env=env).stdout


# ---- CI

def test_ci_runs_make_test(clean_tree):
    script = clean_tree / ".ci" / "run"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert run("bash", "-n", script).returncode == 0
    assert "make test" in script.read_text()


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.stem)
def test_workflow_runs_make(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow[True]                                       # "on:" is a truth value in YAML 1.1
    runs = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert ("make site" if path.stem == "site" else "make test") in runs
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


# ---- Binder

def test_binder_reads_its_folder(clean_tree):
    """repo2docker's no-build mode: which environment and which scripts the image would be made of."""
    done = run(sys.executable, "-m", "repo2docker", "--no-build", "--debug", ".", cwd=clean_tree)
    assert done.returncode == 0, done.stderr
    assert re.search(r'env update .*--file "binder/environment\.yml"', done.stdout)
    # The packages come before the tree is copied in: a commit does not rebuild them.
    assert re.search(r"env update.*^COPY \S+ src/ ", done.stdout, re.S | re.M)
    assert "RUN ./binder/postBuild" in done.stdout
    assert re.search(r"R2D_ENTRYPOINT=.*/binder/start", done.stdout)
    assert "python=3.11" in done.stderr


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_binder_scripts_parse(name):
    script = ROOT / "binder" / name
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert run("bash", "-n", script).returncode == 0


@pytest.mark.parametrize("files, threads", [
    ({"cpu.max": "200000 100000"}, "2"), ({"cpu.max": "150000 100000"}, "2"), ({"cpu.max": "50000 100000"}, "1"),
    ({"cpu.max": "max 100000"}, "unset"), ({}, "unset"),
    ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, "1"),
    ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "unset"),
])
def test_binder_starts_with_as_many_threads_as_processors(files, threads, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    env = {"PATH": os.environ["PATH"], "CGROUP": str(tmp_path)}
    server = ["bash", "-c", 'echo "${OMP_NUM_THREADS-unset} $0"', "an argument"]
    done = run("bash", ROOT / "binder" / "start", *server, env=env)
    assert done.stdout == f"{threads} an argument\n" and done.stderr == ""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """An environment that sees the packages of this one, but not the tutorial; gives the folder of its programs."""
    folder = tmp_path_factory.mktemp("binder") / "venv"
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python*/site-packages")
    here = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "borrowed.pth").write_text(f"import sys; sys.path.insert(0, {here!r})\n")      # before venv's setuptools
    return folder / "bin"


@pytest.fixture
def post_build(scratch, clean_tree, tmp_path, offline):
    """Runs binder/postBuild in a copy of the tree, without the network, with a data folder of its own."""
    tree = tmp_path / "home of a reader"
    shutil.copytree(clean_tree, tree)
    data = tmp_path / "data"
    (data / "FashionMNIST" / "raw").mkdir(parents=True)
    env = {**offline, "PATH": f"{scratch}:{os.environ['PATH']}", "GAN_TUTORIAL_DATA": str(data),
           "PIP_NO_BUILD_ISOLATION": "0", "MPLCONFIGDIR": str(tmp_path / "mpl")}        # "0" means: do not isolate
    env.pop("PYTHONPATH", None)
    return tree, data, lambda: run("bash", "binder/postBuild", cwd=tree, env=env), env


@pytest.mark.skipif(os.name == "nt", reason="the image is of Linux")
def test_post_build_installs_and_goes_on_without_the_data(post_build, scratch):
    tree, data, build, env = post_build
    done = build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "could not be fetched" in done.stdout
    found = run(scratch / "python", "-c", "import gan_tutorial; print(gan_tutorial.__file__)", cwd=data, env=env)
    assert Path(found.stdout.strip()) == tree / "gan_tutorial" / "__init__.py"
    assert all((scratch.parent / name).exists() for name in install.SETTINGS)


@pytest.mark.skipif(os.name == "nt", reason="the image is of Linux")
def test_post_build_fails_on_damaged_data(post_build):
    tree, data, build, env = post_build
    for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]:
        (data / "FashionMNIST" / "raw" / f"{name}-ubyte").write_bytes(b"not an image")
    done = build()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not what it should be" in done.stderr


# ---- README

README = (ROOT / "README.md").read_text()


def test_links_of_the_readme_lead_somewhere():
    targets = re.findall(r"\]\(([^)\s]+)\)", README) + re.findall(r'(?:src|href)="([^"]+)"', README)
    local = [each.partition("#")[0] for each in targets if not re.match(r"[a-z]+:", each)]
    assert local
    assert [each for each in local if each and not (ROOT / each).exists()] == []
    headings = {re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
                for line in README.splitlines() if line.startswith("#")}
    assert [each for each in targets if each.startswith("#") and each[1:] not in headings] == []


def test_readme_names_commands_that_exist():
    code = "\n".join(re.findall(r"```sh.*?```|`[^`\n]+`", README, re.S))
    targets = set(re.findall(r"(?:^|`|\" )make ([a-z]+)", code, re.M))
    assert targets and targets <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    commands = set(re.findall(r"(?:gan-tutorial|-m gan_tutorial) ([a-z]+)", code))
    assert commands and commands <= {path.stem for path in (ROOT / "gan_tutorial" / "commands").glob("*.py")}


def test_readme_has_the_places_that_the_build_fills():
    for name in ["badges", "picture", "table"]:
        assert README.count(f"<!-- {name}:begin -->") == README.count(f"<!-- {name}:end -->") == 1
