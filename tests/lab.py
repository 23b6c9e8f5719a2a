"""JupyterLab as a reader sees it: a server of our own, and a headless Chromium in front of it."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

TOKEN = "a-token-for-tests"
# Cells outside the window are drawn too, so that what the page shows can be searched as a whole.
DRAW_ALL = {"windowingMode": "none"}
# What JupyterLab itself writes to the console although nothing is wrong.
HARMLESS = re.compile(r"favicon|ResizeObserver loop")
BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Variables that keep a Jupyter server out of the reader's own settings, in the folder `home`."""
    tracker = home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True, exist_ok=True)
    tracker.write_text(json.dumps(DRAW_ALL))
    names = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run",
             "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "spaces", "IPYTHONDIR": "ipython"}
    return {**os.environ, **{name: str(home / folder) for name, folder in names.items()}, **more}


def ask(url: str, timeout: float = 5) -> bytes:
    """The body of a page on this machine, asked for without a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=timeout) as answer:
        return answer.read()


@contextmanager
def serving(command: list[str], port: int, token: str | None, home: Path, seconds: float = 90, **options):
    """Run a command that starts a Jupyter server, wait until it answers, yield its log's path, and end it."""
    log = home / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                  start_new_session=True, **options)
    try:
        deadline = time.monotonic() + seconds
        url = f"http://127.0.0.1:{port}/api" + ("/status?token=" + token if token else "")
        while True:
            try:
                ask(url, timeout=2)
                break
            except OSError as error:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not start ({error}):\n{log.read_text()}") from error
                time.sleep(0.2)
        yield log
    finally:
        for each in (signal.SIGTERM, signal.SIGKILL):       # the group: the server, its kernels, a shell around them
            try:
                os.killpg(server.pid, each)
                server.wait(10)
                break
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


@dataclass
class Visit:
    """What was seen while a notebook ran: cells as JSON, text of the page, trouble in the console, hosts asked."""
    cells: list[dict] = field(default_factory=list)
    text: str = ""
    console: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    pictures_per_second: list[float] = field(default_factory=list)     # of each explorer, under a dragged slider

    def faults(self) -> list[str]:
        """One sentence for each thing that a reader would call broken."""
        found = [f"cell {i} ended in {out['ename']}: {out['evalue']}" for i, cell in enumerate(self.cells)
                 for out in cell.get("outputs", []) if out["output_type"] == "error"]
        found += [f"cell {i} was not run" for i, cell in enumerate(self.cells)
                  if cell["cell_type"] == "code" and cell["source"] and cell["execution_count"] is None]
        broken = ["model not found", "Error displaying widget", "Error creating widget", "Javascript Error",
                  "The picture could not follow"]
        found += [f'the page says "{words}"' for words in broken if words in self.text]
        found += [f"the console says: {line}" for line in self.console if not HARMLESS.search(line)]
        found += [f"the page asked {host} for something" for host in sorted(self.hosts)]
        return found


# Returns at once, and keeps in window.stage how far it is: waiting in the page itself could last for ever, as a
# notebook without a kernel makes JupyterLab ask for one.  Running before the kernel is there would ask, too.
RUN_ALL = """() => {
    window.stage = 'opening';
    (async () => {
        const app = window.jupyterapp; await app.restored;
        const panel = app.shell.currentWidget;
        await panel.context.ready; await panel.sessionContext.ready; await panel.sessionContext.session.kernel.info;
        window.stage = 'running';
        await app.commands.execute('notebook:run-all-cells');
    })().catch((error) => console.error(error)).finally(() => { window.stage = 'ended'; });
}"""


DARK = "JupyterLab Dark"


running = []


@contextmanager
def one_playwright():
    """Playwright's driver: in a process it runs once at a time, so that who finds it running uses it."""
    from playwright.sync_api import sync_playwright

    if running:
        yield running[-1]
        return
    with sync_playwright() as playwright:
        running.append(playwright)
        try:
            yield playwright
        finally:
            running.pop()


@contextmanager
def page_of(chromium: str, url: str, visit: Visit, profile: Path, width: int = 1280, calm: bool = False):
    """A page of a headless Chromium, opened on a URL of this machine; console and requests go into the visit."""
    def watch(request):
        host = urlsplit(request.url).hostname
        if host not in (None, "127.0.0.1", "localhost"):            # None: data: and blob: URLs
            visit.hosts.add(host)

    with one_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, headless=True, args=BROWSER_FLAGS,
            viewport={"width": width, "height": 1000}, reduced_motion="reduce" if calm else "no-preference")
        try:
            page = browser.new_page()
            page.on("console", lambda m: visit.console.append(m.text[:400]) if m.type == "error" else None)
            page.on("pageerror", lambda e: visit.console.append(str(e)[:400]))
            page.on("request", watch)
            page.goto(url)
            yield page
        finally:
            browser.close()


@contextmanager
def page_from_disk(chromium: str, file: Path, ready: str, home: Path):
    """A page opened from disk without a network, once the script `ready` says yes; its visit, and all it asked for."""
    visit, asked = Visit(), []
    with page_of(chromium, "about:blank", visit, home / "chromium") as page:
        page.context.set_offline(True)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_function(ready, timeout=30_000)
        yield page, visit, asked


@contextmanager
def page_of_notebook(chromium: str, port: int, notebook: str, home: Path, seconds: float, theme: str = "", **look):
    """A page with a notebook on which Run All was chosen and came to its end; yields it, and the visit so far."""
    visit = Visit()
    url = f"http://127.0.0.1:{port}/lab/tree/{quote(notebook)}?token={TOKEN}&reset"
    with page_of(chromium, url, visit, home / "chromium", **look) as page:
        try:
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
            if theme:
                page.evaluate("t => window.jupyterapp.commands.execute('apputils:change-theme', {theme: t})", theme)
            page.evaluate(RUN_ALL)
            page.wait_for_function("window.stage != 'opening'", timeout=60_000)
            page.wait_for_function("window.stage == 'ended'", timeout=1000 * seconds)
            # A widget that is still loading draws itself soon, or gives up, which the faults then show.
            page.wait_for_function("!document.body.innerText.includes('Loading widget')", timeout=60_000)
            page.wait_for_timeout(300)
            visit.cells = page.evaluate("window.jupyterapp.shell.currentWidget.content.model.toJSON().cells")
            visit.text = page.inner_text("body")
            yield page, visit
        finally:
            page.screenshot(path=home / f"{Path(notebook).stem}.png")


def run_all(chromium: str, port: int, notebook: str, home: Path, seconds: float) -> Visit:
    """Open a notebook, choose Run All, wait for the end, drag its sliders; leaves a picture of the page in `home`."""
    with page_of_notebook(chromium, port, notebook, home, seconds) as (page, visit):
        page.evaluate("window.jupyterapp.commands.execute('notebook:expand-all-headings')")  # the deeper sections, too
        visit.pictures_per_second = drag_sliders(page)
        visit.text = page.inner_text("body")
        return visit


RUN_CELL = """async ([code, at]) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = at === null ? notebook.widgets.length - 1 : at;
    const cell = notebook.activeCell;
    cell.model.sharedModel.setSource(code);
    await window.jupyterapp.commands.execute('notebook:run-cell');
    return cell.model.toJSON().outputs;
}"""


def run_cell(page, code: str, at: int | None = None) -> str:
    """Put `code` into a cell, the last one unless `at` says which, run it, and return what it printed."""
    outputs = page.evaluate(RUN_CELL, [code, at])
    wrong = [out for out in outputs if out["output_type"] == "error"]
    assert not wrong, f"{wrong[0]['ename']}: {wrong[0]['evalue']}"
    return "".join("".join(out.get("text", "")) for out in outputs if out["output_type"] == "stream")


COUNT_PICTURES = """picture => {
    window.pictures = 0;
    window.counter?.disconnect();
    window.counter = new MutationObserver(() => { window.pictures += 1; });
    window.counter.observe(picture, { attributes: true, attributeFilter: ["src"] });
}"""


FOLLOWS = 4  # pictures per second that are enough to follow a hand; 15 and more on two idle cores


def drag_sliders(page) -> list[float]:
    """Drag every slider that stands over a picture; -> pictures per second of each explorer, under its first slider.

    The best of up to five drags, if the first is slow: other tests share the machine.
    """
    rates = []
    for explorer in page.locator(".widget-vbox:has(> .widget-image):has(.noUi-handle)").all():
        first, *others = explorer.locator(".noUi-target").all()
        tries = []
        while not tries or (tries[-1] <= FOLLOWS and len(tries) < 5):
            tries.append(drag(page, first, explorer.locator(".widget-image"), 2.0))
        rates.append(max(tries))
        for slider in others:
            drag(page, slider, explorer.locator(".widget-image"), 0.3)
    return rates


def drag(page, slider, picture, seconds: float) -> float:
    """Drag a slider back and forth over its whole length; -> pictures per second."""
    slider.evaluate("node => node.scrollIntoView({block: 'center'})")
    rail, handle = slider.bounding_box(), slider.locator(".noUi-handle").first.bounding_box()
    y = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.mouse.down()
    picture.evaluate(COUNT_PICTURES)
    start, turn = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        turn += 1
        part = abs((turn * 0.17) % 2 - 1)       # far enough that a slider of few steps moves each time
        page.mouse.move(rail["x"] + part * rail["width"], y)
        page.wait_for_timeout(10)
    rate = page.evaluate("window.pictures") / (time.perf_counter() - start)
    page.mouse.up()
    return rate
