"""Nothing here runs what a file brings, opens a door that Jupyter keeps shut, or asks the network for more than data.

And what a person typed is shown as they typed it, never as HTML.
"""

import ast
import json
import os
import re
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import install
from gan_tutorial.clothes.data import Images
from gan_tutorial.commands.findings import Line, Report
from gan_tutorial.lesson import exercises
from gan_tutorial.lesson.facts import MIME, Ledger
from gan_tutorial.lesson.laboratory import Setting
from gan_tutorial.lesson.live import explore

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / name for name in ("gan_tutorial", "notebooks", "benchmarks")]
SHIPPED = [ROOT / "install.py", *(path for folder in FOLDERS for path in sorted(folder.rglob("*.py")))]
PLACES = [ROOT / name for name in (".ci", "binder", ".github/workflows")]
STARTS = [ROOT / "Makefile", ROOT / "environment.yml", *(path for place in PLACES for path in sorted(place.iterdir()))]


# ---- Doors ------------------------------------------------------------------------------------------------------

OPEN = re.compile(
    r"allow[-_]root|allow[-_]origin|allow_remote_access|disable_check_xsrf|0\.0\.0\.0|\bip\s*=\s*['\"]?\*"
    r"|(?:token|password)['\"]?\s*[=:]\s*(?:''|\"\"|['\"]?\s*$)",
    re.IGNORECASE | re.MULTILINE,
)


@pytest.mark.parametrize("path", [*STARTS, *SHIPPED], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_door_is_opened_by_default(path):
    assert not OPEN.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jupyter lab --allow-root", True),
        ("jupyter lab --ip=0.0.0.0", True),
        ("c.ServerApp.ip = '*'", True),
        ("--IdentityProvider.token=''", True),
        ("--IdentityProvider.token=", True),
        ("c.ServerApp.password = ''", True),
        ('{"token": ""}', True),
        ("c.ServerApp.disable_check_xsrf = True", True),
        ("--IdentityProvider.token=f00", False),
        ("jupyter lab --port=8888", False),
    ],
)
def test_an_open_door_would_be_seen(text, found):
    assert bool(OPEN.search(text)) is found


def test_the_settings_that_are_installed_open_no_door():
    assert not OPEN.search(json.dumps(install.SETTINGS))


# ---- Code that comes in files -----------------------------------------------------------------------------------


EXPRESSIONS = {"DATA[self.data]", "self._latent()"}  # our own, of the laboratory: a person chooses one by its name


def trusting(source):
    """Lines that let a file, or a text from elsewhere, run code."""
    found = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        what, ours = ast.unparse(call.func), call.args and ast.unparse(call.args[0]) in EXPRESSIONS
        words = {word.arg: word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)}
        wrong = (
            (what == "torch.load" and words.get("weights_only") is not True)
            or (what in ("np.load", "numpy.load") and words.get("allow_pickle", False) is not False)
            or re.match(r"(pickle|dill|joblib|cloudpickle|marshal|shelve)\.", what)
            or (what == "eval" and not ours)
            or what in ("exec", "os.system", "os.popen", "torch.hub.load", "yaml.load", "yaml.unsafe_load")
            or words.get("shell") is True
            or words.get("trust_remote_code") is True
        )
        if wrong:
            found.append(f"{call.lineno}: {what}")
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_that_is_read_can_bring_code(path):
    assert trusting(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=trusted)",
        "np.load(path, allow_pickle=True)",
        "pickle.loads(b)",
        "eval(text)",
        "subprocess.run(line, shell=True)",
        "torch.hub.load('someone/gan', 'model')",
    ],
)
def test_a_line_that_trusts_a_file_would_be_seen(line):
    assert len(trusting(f"if x:\n    y = {line}")) == 1
    assert trusting("torch.load(path, weights_only=True)\nnp.load(path)\nnet.eval()") == []


@pytest.mark.parametrize("name", ["data", "latent"])
def test_the_laboratory_takes_a_name_and_no_expression(name):
    with pytest.raises(ValueError, match=f"{name}"):
        Setting.of(**{name: "__import__('os').getcwd()"})


# ---- Requests ---------------------------------------------------------------------------------------------------

NETWORK = {"urllib.request", "http.client", "http", "socket", "requests", "httpx", "aiohttp", "urllib3", "ftplib",
           "smtplib", "websockets", "xmlrpc", "webbrowser"}  # fmt: skip
ALLOWED = {
    "clothes/files.py",  # downloads FashionMNIST
    "commands/checks.py",  # asks whether JupyterLab runs, on this machine
}


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def test_only_the_download_knows_of_the_network():
    package = ROOT / "gan_tutorial"
    trees = {path.relative_to(package).as_posix(): ast.parse(path.read_text()) for path in package.rglob("*.py")}
    assert {name for name, tree in trees.items() if NETWORK.intersection(imported(tree))} == ALLOWED


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks" / "source").glob("*.py")), ids=lambda path: path.stem)
def test_no_cell_of_a_notebook_asks_the_network(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(rf"^\s*(?:import|from) (?:{'|'.join(map(re.escape, NETWORK))})\b", text, re.MULTILINE)
    assert not re.search(r"^\s*[!%](?:pip|conda|curl|wget|git)\b", text, re.MULTILINE)


ASKS = re.compile(
    r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|import)\s*\(|(src|url)\W{1,4}https?://"
)
WRITES = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function)\b")


@pytest.mark.parametrize("path", sorted((ROOT / "gan_tutorial").rglob("*.js")), ids=lambda path: path.name)
def test_the_laboratory_s_page_neither_asks_the_network_nor_writes_html(path):
    text = path.read_text(encoding="utf-8")
    assert not ASKS.search(text) and not WRITES.search(text)


def watched(code, tmp_path):
    """The requests to other machines that a process made, one a line."""
    noted = tmp_path / "requests"
    path = os.pathsep.join([str(ROOT / "tests" / "watched"), str(ROOT)])
    subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, timeout=100, cwd=tmp_path,
        env=os.environ | {"GAN_TUTORIAL_REQUESTS": str(noted), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return noted.read_text().splitlines() if noted.exists() else []


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))", "192.0.2.1"),
        ("import socket; socket.getaddrinfo('example.invalid', 80)", "example.invalid"),
        ("import urllib.request as u; u.urlopen('http://example.invalid/x', timeout=1)", "http://example.invalid/x"),
        ("import http.client as h; h.HTTPConnection('192.0.2.1', timeout=0.1).request('GET', '/')", "192.0.2.1"),
        ("import socket; socket.getaddrinfo('localhost', 80); socket.socketpair()", None),
    ],
)
def test_a_request_would_be_noted(code, seen, tmp_path):
    lines = watched(code, tmp_path)
    assert any(seen in line for line in lines) if seen else lines == []


# ---- What a person typed ----------------------------------------------------------------------------------------

TEXT = st.one_of(
    st.sampled_from(["<script>alert(1)</script>", "\"><img src=x onerror='alert(1)'>", "</td></table>", "&lt;b&gt;"]),
    st.text(st.characters(codec="utf-8", include_characters="<>&\"'/\0\x1b\u2028"), max_size=30),
)


class Tags(HTMLParser):
    """The tags of a page, each with its attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, attributes))

    def handle_endtag(self, tag):
        self.tags.append((tag, None))

    def handle_data(self, data):
        self.text += data


def note(text):
    return exercises._Note("wrong", text)._repr_html_()


def ledger(text):
    facts = Ledger(text)
    facts.add("F-1", text, 1, 1, 0, text, says=text)
    facts.add("F-2", text, 1, 1, 0, text)
    bundle = facts._repr_mimebundle_()
    json.dumps(bundle[MIME])
    return bundle["text/html"]


def report(text):
    return Report([Line(text, "note", text, text)])._repr_html_()


def images(text):
    none = torch.zeros(0, 28, 28)
    return Images(text, text or "x", none, none, none, none)._repr_html_()


def explorer(text):
    def draw(ax):
        return lambda a: text

    return explore(draw, a=(0, 1))._line.value


def failing_explorer(text):
    def draw(ax):
        def update(a):
            if a:
                raise ValueError(text)
            return ""

        return update

    shown = explore(draw, a=(0, 1, 0))
    shown._sliders["a"].value = 1
    return shown._line.value


SHOWN = {f.__name__: f for f in (note, ledger, report, images, explorer, failing_explorer)}


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_person_typed_is_shown_as_they_typed_it(name):
    show, slow = SHOWN[name], "explorer" in name
    plain = Tags(show("plain"))
    quick = settings(max_examples=8 if slow else 150, deadline=None, derandomize=True, database=None,
                     suppress_health_check=list(HealthCheck))  # fmt: skip

    @quick
    @given(TEXT.filter(bool))
    @example("<script>alert(1)</script>")
    @example("\" onmouseover='alert(1)")
    def same_page(text):
        page = show(text)
        assert Tags(page).tags == plain.tags and escape(text) in page

    same_page()


def test_a_page_that_is_not_escaped_would_be_seen():
    assert Tags("<p><b>x</b></p>").tags != Tags("<p>x</p>").tags != Tags("<p title='x'>x</p>").tags


# ---- What others found out about our packages -------------------------------------------------------------------


def test_once_a_week_the_packages_are_looked_up_among_known_holes():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text())["jobs"]
    (job,) = (job for job in jobs.values() if any("pip_audit" in step.get("run", "") for step in job["steps"]))
    runs = [step.get("run", "") for step in job["steps"]]
    assert runs.index("make install") < next(i for i, run in enumerate(runs) if "pip_audit" in run)
    assert "timeout-minutes" in job
