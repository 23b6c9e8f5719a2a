"""Install the tutorial into .venv: `python install.py`, or `make install`.

A second call finds that nothing changed and ends at once. Needs the standard library only, and is written so that an
old Python, too, even Python 2, gets as far as saying that it is too old.
"""

# ruff: noqa: UP010, UP032  (what follows must be read by Python 2)
from __future__ import print_function

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed.json")
OLDEST = (3, 11)
SETTINGS = {
    # JupyterLab asks on its first start whether to fetch news; the tutorial asks for nothing from outside.
    "share/jupyter/lab/settings/overrides.json":
        {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}},
    "etc/jupyter/jupyter_server_config.json":
        {"ServerApp": {"kernel_websocket_connection_class": "gan_tutorial.lesson.connection.PromptConnection"}},
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Install the tutorial into .venv.")
    parser.add_argument("--test", action="store_true", help="also install what tests and builds need")
    parser.add_argument("--this-python", action="store_true",
                        help="make .venv anew if it was made with another Python than this one")
    options = parser.parse_args(arguments)
    try:
        return install(options.test, options.this_python)
    except KeyboardInterrupt:
        return say("Installation interrupted. Call it again: it goes on where it stopped.", 130)
    except subprocess.CalledProcessError as error:
        return say("The installation did not finish: the lines above say why (command: {}). Once that is mended, call "
                   "it again: it goes on where it stopped.".format(" ".join(error.cmd[1:])))


def install(test, this_python):
    """Bring .venv to the state that pyproject.toml asks for; returns the exit status."""
    have, want = read_stamp(), {"place": ROOT, "pyproject": digest("pyproject.toml"), "settings": SETTINGS,
                               "test": test}
    here = bool(have) and have["place"] == ROOT and runs(VENV_PYTHON)
    if here and this_python and have["python"] != sys.version:
        here = False
    want["test"] = test or (here and have["test"])      # what tests need is not taken away again
    if here and all(have.get(key) == want[key] for key in want):
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
        os.remove(STAMP)
    print("Installing the packages of pyproject.toml: a few minutes, and up to 7 GB of disk where PyTorch comes with "
          "GPU support.", flush=True)
    package = ".[test]" if want["test"] else "."
    pip = [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", "install"]
    subprocess.run(pip + ["-e", package], cwd=ROOT, check=True)
    write_settings(VENV)
    write_json(STAMP, want)                             # last: an interrupted installation leaves none
    find_or_install_browser(test)
    return 0


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


def succeeds(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


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
