"""Install the tutorial into .venv: `python install.py`, or `make install`.

A second call finds that nothing changed and ends at once. Needs the standard library only, and is written so that an
old Python, too, even Python 2, gets as far as saying that it is too old.

On Linux pip's usual torch is the CUDA build. Where no NVIDIA device is, the CPU build is taken instead, from PyTorch's
own index, if that answers. A torch that is there already is kept. Two environment variables change this:
TORCH=cpu or TORCH=cuda      the build to have, whatever device is here and whatever build is there
TORCH_INDEX=https://...      another index of CPU builds (a mirror, or a test's)
"""

# ruff: noqa: UP010, UP032  (what follows must be read by Python 2)
from __future__ import print_function

import argparse
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed.json")
OLDEST = (3, 11)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WAIT = 15               # seconds in which the CPU index must have said what it has
MACHINE = "/"           # where dev and proc are looked for
PAIR = r"torch(vision)?(?![\w.-])"
BESIDE = ["setuptools>=77", "typing-extensions", "sympy", "networkx", "jinja2", "fsspec"]       # what torch needs
CUDA = r"torch$|torchvision$|triton$|cuda_|nvidia_(?!ml_py)"        # the pair, and what its CUDA build brings
SETTINGS = {
    # JupyterLab asks on its first start whether to fetch news; the tutorial asks for nothing from outside.
    # In its list of files the notebooks come first, before the folders that authors use.
    "share/jupyter/lab/settings/overrides.json":
        {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
         "@jupyterlab/filebrowser-extension:browser": {"sortNotebooksFirst": True}},
    "etc/jupyter/jupyter_server_config.json":
        {"ServerApp": {"kernel_websocket_connection_class": "gan_tutorial.lesson.connection.PromptConnection"}},
    # What the package sets for torch's threads is read when torch is loaded, and notebooks load that first.
    "etc/ipython/ipython_config.json":
        {"InteractiveShellApp": {"exec_lines": ["import gan_tutorial; del gan_tutorial"]}},
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Install the tutorial into .venv.")
    parser.add_argument("--test", action="store_true", help="also install what tests and builds need")
    parser.add_argument("--site", action="store_true", help="also install what the site is made with")
    parser.add_argument("--this-python", action="store_true",
                        help="make .venv anew if it was made with another Python than this one")
    options = parser.parse_args(arguments)
    asked, index = os.environ.get("TORCH", "").strip().lower(), os.environ.get("TORCH_INDEX") or CPU_INDEX
    if asked not in ("", "cpu", "cuda"):
        return say("TORCH names the build of PyTorch, cpu or cuda, but is {!r}: set it to one of the two, or unset it "
                   "and the device decides.".format(asked))
    if not re.match(r"https?://[^\s/]\S*$", index):
        return say("TORCH_INDEX must be the address of an index of packages, with http:// or https://, but is {!r}: "
                   "unset it, and PyTorch's own is asked.".format(index))
    try:
        return install(options.test, options.this_python, asked, index, options.site)
    except KeyboardInterrupt:
        return say("Installation interrupted. Call it again: it goes on where it stopped.", 130)
    except subprocess.CalledProcessError as error:
        return say("The installation did not finish: the lines above say why (command: {}). Once that is mended, call "
                   "it again: it goes on where it stopped.".format(" ".join(error.cmd[1:])))


def install(test, this_python, asked="", index=CPU_INDEX, site=False):
    """Bring .venv to the state that pyproject.toml and `asked`, a build of torch, ask for; returns the exit status."""
    have, want = read_stamp(), {"place": ROOT, "pyproject": digest("pyproject.toml"), "settings": SETTINGS,
                               "test": test}
    here = bool(have) and have["place"] == ROOT and runs(VENV_PYTHON)
    if here and this_python and have["python"] != sys.version:
        here = False
    want["test"] = test or (here and have["test"])      # what tests need is not taken away again
    want["site"] = want["test"] or site or (here and have.get("site", False))      # the tests build it
    want["torch"] = asked or have.get("torch", "")      # nor is a build that was asked for once
    if here and all(have.get(key, "") == want[key] for key in want):
        find_or_install_browser(test)
        return 0

    if not here:
        trouble = unusable()
        if trouble:
            return say(trouble)
        want["python"] = sys.version
        print("Making the virtual environment .venv with Python {}.{}.{}.".format(*sys.version_info[:3]), flush=True)
        # One that a stamp shows to be ours, but for another place or Python, is emptied first; any other is kept.
        subprocess.run([sys.executable, "-m", "venv"] + (["--clear"] if have else []) + [VENV], check=True)
    else:
        want["python"] = have["python"]

    trouble = settle_torch(asked, want["torch"], index)
    if trouble:
        return say(trouble)
    package = ".[test]" if want["test"] else ".[site]" if want["site"] else "."
    subprocess.run(pip("install", "-e", package), cwd=ROOT, check=True)
    write_settings(VENV)
    write_json(STAMP, want)                             # last: an interrupted installation leaves none
    find_or_install_browser(test)
    return 0


def settle_torch(asked, wish, index):
    """Install the CPU build of torch if it is to be that; returns a sentence if it was asked for and cannot be had."""
    from_index, wrong = plan(asked, wish)
    place = re.sub("//[^/@]*@", "//", index)            # a password in it is not for the screen
    answered = from_index and answers(index)
    if from_index and asked and not answered:           # nothing was taken away: what worked before still does
        return ("TORCH=cpu asks for PyTorch's CPU build, but {} did not say within {} seconds that it has one for this "
                "Python; no package was changed. Call it again when it can be reached, or without "
                "TORCH=cpu.".format(place, WAIT))
    if os.path.exists(STAMP):
        os.remove(STAMP)
    if wrong or (asked and answered and not build_there()):     # the latter: parts of an interrupted installation
        uninstall()
    if answered:
        print("Installing the packages of pyproject.toml, with PyTorch's CPU build: a few minutes, and less than 2 GB "
              "of disk.", flush=True)
        if install_cpu_build(index):
            return ""
        if asked:
            return ("PyTorch's CPU build could not be installed from {}: the lines above say why. Call it again: it "
                    "goes on where it stopped.".format(place))
    if from_index:
        print("PyTorch's CPU build could not be had from {}: PyTorch comes from pip's usual index instead, on Linux "
              "with CUDA.".format(place), flush=True)
        if build_there():
            uninstall()                                 # torch and torchvision of two sources would not fit together
    print("Installing the packages of pyproject.toml: a few minutes, and up to 7 GB of disk where PyTorch comes with "
          "GPU support.", flush=True)
    return ""


def pip(*words):
    return [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check"] + list(words)


def plan(asked, wish):
    """Whether torch is to come from the index of CPU builds; and whether the one that is there must go first."""
    # Without the network there is no index to choose: pip takes what is at hand. For other systems than these two, its
    # usual index has CPU builds only.
    offline = os.environ.get("PIP_NO_INDEX", "").lower() not in ("", "0", "no", "false", "off")
    if offline or platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
        return False, False
    there = build_there()
    if there and asked and (there == "cpu") != (asked == "cpu"):
        return asked == "cpu", True
    if there:
        return there == "cpu" and not pair_is_there(), False
    return wish == "cpu" or not wish and not nvidia(), False


def nvidia():
    """Whether an NVIDIA device can be used here: its driver shows it. Without the driver, a card is of no use."""
    if any(glob.glob(os.path.join(MACHINE, each)) for each in ("dev/nvidia[0-9]*", "proc/driver/nvidia/gpus/*")):
        return True
    # Windows' subsystem for Linux shows one device file for cards of any maker, so there the driver's program is asked.
    program = shutil.which("nvidia-smi") or os.path.join(MACHINE, "usr/lib/wsl/lib/nvidia-smi")
    try:
        told = subprocess.run([program, "-L"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=WAIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and b"GPU " in told.stdout


def build_there():
    """The build of torch in .venv: "cpu", "gpu" (CUDA, or another maker's), or "" where there is no torch."""
    for path in site_packages("torch", "version.py"):
        with open(path, "rb") as file:
            return "gpu" if re.search(br"^(cuda|hip|xpu)\b[^=]*= *['\"]", file.read(), re.M) else "cpu"
    return ""


def site_packages(*names):
    return glob.glob(os.path.join(glob.escape(VENV), "lib", "python*", "site-packages", *names))


def pair():
    """What pyproject.toml asks for of torch and torchvision, and what else it asks for."""
    import tomllib  # here, since this file must be read by a Python that has none

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        listed = tomllib.load(file)["project"]["dependencies"]
    return [each for each in listed if re.match(PAIR, each)], [each for each in listed if not re.match(PAIR, each)]


def only(index):
    """For a run of pip: what it needs to know no other source than `index`. Empty values it would not heed."""
    nothing = os.path.relpath(VENV, ROOT)               # a folder without wheels
    return {"cwd": ROOT, "env": dict(os.environ, PIP_EXTRA_INDEX_URL=index, PIP_FIND_LINKS=nothing)}


def pair_is_there():
    """Whether .venv has torch and torchvision as pyproject.toml wants them; asks no index."""
    return silent(pip("install", "--no-index", "--no-deps", *pair()[0]), **only(CPU_INDEX))


def answers(index):
    """Whether `index` has a torch for this Python; asked by pip, with its proxy, certificates and eye for wheels."""
    return silent(pip("index", "versions", "torch", "--index-url", index, "--timeout", "5", "--retries", "0"),
                  timeout=WAIT, **only(index))


def install_cpu_build(index):
    """Install what pyproject.toml asks for, torch and torchvision from `index`; False if those did not come."""
    two, others = pair()
    # The others first, and what torch needs, from where pip is set up here to take them: `index` has but some of them,
    # and not the newest. The pair from `index` alone: beside another one it would lose to a newer version with CUDA.
    subprocess.run(pip("install", *(others + BESIDE)), cwd=ROOT, check=True)
    return succeeds(pip("install", "--index-url", index, *two), **only(index))


def uninstall():
    """Take away torch, torchvision, and what the CUDA build brought."""
    names = {os.path.basename(path).split("-")[0] for path in site_packages("*.dist-info")}
    found = sorted(name for name in names if re.match(CUDA, name))
    if found:
        subprocess.run(pip("uninstall", "--quiet", "--yes", *found), check=True)


def unusable():
    """Why this Python cannot make the environment, in one sentence; empty if it can."""
    version = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info[:2] < OLDEST:
        return ("The tutorial needs Python {}.{} or newer, and {} is {}: install a newer one and name it, for example "
                "make install PYTHON=python3.12").format(OLDEST[0], OLDEST[1], sys.executable, version)
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return ("Python {0} at {1} cannot make virtual environments: install its venv package (on Debian and Ubuntu: "
                "sudo apt-get install python{0}-venv) and call this again.").format(version, sys.executable)
    return ""


def find_browser():
    """Path of a Chromium or Chrome for the browser tests: $CHROMIUM, or the first one on the path; None if none."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
             "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
    return next(filter(None, map(shutil.which, [os.environ.get("CHROMIUM") or ""] + names)), None)


def find_or_install_browser(wanted):
    """Install Chromium from the system's packages if tests want it, none is here, and we may; else say so and go on."""
    if not wanted or find_browser():
        return
    root = [] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and (not root or (shutil.which("sudo") and succeeds(root + ["true"]))):
        print("Installing Chromium for the browser tests from the system's packages.", flush=True)
        apt = root + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
        succeeds(apt + ["update"]) and succeeds(apt + ["install", "--no-install-recommends", "chromium"])
        if find_browser():
            return
    print("There is no Chromium or Chrome here and it could not be installed: the browser tests are skipped, or fail "
          "where CI=true. Install one, or name it in the environment variable CHROMIUM.", flush=True)


def succeeds(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False, **options).returncode == 0


def silent(command, **options):
    """Whether the command succeeds, in time if one is given; what it prints is not shown."""
    try:
        return succeeds(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    except subprocess.TimeoutExpired:
        return False


def runs(python):
    """Whether an interpreter is there and starts: an upgrade of the system can take it away."""
    try:
        return subprocess.run([python, "-c", ""], stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def digest(name):
    with open(os.path.join(ROOT, name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read_stamp():
    """What the last finished installation wrote; {} if there is none that can be read."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            stamp = json.load(file)
        return stamp if {"place", "pyproject", "test", "python"} <= set(stamp) else {}
    except (OSError, ValueError, TypeError):
        return {}


def write_settings(prefix):
    """Put the settings of JupyterLab and of its server where the environment at `prefix` finds them."""
    for name, settings in SETTINGS.items():
        path = os.path.join(prefix, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_json(path, settings)


def write_json(path, value):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
    os.replace(path + ".new", path)


def say(sentence, status=1):
    print(sentence, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
