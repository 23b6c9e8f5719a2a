"""The files that set the tutorial up: the list of packages and its two copies, install.py, make, Binder, CI, README."""

import ast
import asyncio
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
import yaml
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

import install
from gan_tutorial.lesson.connection import PromptConnection

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Conda's names where they differ from the registry's: for everyone, and on Binder.
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
BINDER = CONDA | {"torch": "pytorch-cpu"}
CONDA_ONLY = {"python", "pip"}


def run(*command, **options):
    return subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          **options)


def split(requirement: str) -> tuple[str, str]:
    """"torch>=2.6" -> ("torch", ">=2.6")"""
    name, bound = re.fullmatch(r"([\w.-]+?)\s*([<>=!~].*)?", requirement).groups()
    return name, bound or ""


# ---- one list of packages

def conda_list(path: Path) -> dict[str, str]:
    return dict(split(each) for each in yaml.safe_load(path.read_text())["dependencies"] if isinstance(each, str))


@pytest.mark.parametrize("name, names", [("environment.yml", CONDA), ("binder/environment.yml", BINDER)])
def test_conda_lists_are_the_list_of_the_package(name, names):
    listed = conda_list(ROOT / name)
    wanted = {names.get(package, package): bound for package, bound in map(split, PROJECT["dependencies"])}
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
               "PIL": "matplotlib", "jupyter_server": "jupyterlab", "nbclient": "papermill", "traitlets": "ipywidgets"}
    used = set().union(*map(imports, (ROOT / "gan_tutorial").rglob("*.py"))) - {"gan_tutorial"}
    assert {brought.get(name, name) for name in used} <= listed


def test_oldest_constrains_every_bound():
    made = run(sys.executable, ROOT / ".ci" / "oldest", check=True).stdout.split()
    assert "torch==2.6.*" in made
    listed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    assert {split(each)[0] for each in made} == {split(each)[0] for each in listed if ">=" in each} - {"setuptools"}


# ---- install.py

@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A checkout with a space in its path, whose installation takes no time: pip is replaced by a note of its call."""
    root = tmp_path / "a tree"
    root.mkdir()
    shutil.copy(ROOT / "pyproject.toml", root)
    python = root / ".venv" / "bin" / "python"
    for name, value in {"ROOT": root, "VENV": root / ".venv", "VENV_PYTHON": python}.items():
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


# ---- make

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")


@needs_make
def test_make_knows_its_commands(clean_tree):
    for target in ["install", "lab", "test", "run", "build", "site"]:
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
def test_workflow_runs_make_test(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow[True]                                       # "on:" is a truth value in YAML 1.1
    runs = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert "make test" in runs
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
