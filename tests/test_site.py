"""The site: every link leads somewhere, nothing comes from another machine, and a phone can read it."""

import functools
import hashlib
import http.server
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from filelock import FileLock
from lab import BROWSER_FLAGS, one_playwright

if not os.environ.get("CI") and any(map(lambda name: importlib.util.find_spec(name) is None,
                                        ["myst_nb", "sphinx_book_theme", "sphinx-mathjax-offline", "pypdf"])):
    pytest.skip('what the site is made with is not installed: "make test" does it', allow_module_level=True)

import bs4  # noqa: E402  (the theme needs it, too)
import pypdf  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "website"), str(ROOT / "notebooks" / "authors")]

import make  # noqa: E402
import paper  # noqa: E402
import slides  # noqa: E402
from building.cells import anchor, headings  # noqa: E402
from building.sections import COLLAPSED  # noqa: E402
from building.tracks import DECKS  # noqa: E402
from fold import fragment  # noqa: E402

NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
FORMULAS = "notebooks/08_penalise_the_gradient"  # full of them
READ = ["index", f"notebooks/{NAMES[0]}", FORMULAS, f"notebooks/{NAMES[-1]}", "notebooks/coverage", "benchmarks/README",
        "errata", "compared", "topics", "playground/generator", "notebooks/INSTRUCTORS"]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The whole site, made once, whichever worker comes first; and what was said meanwhile."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "whole site"
    said = folder.with_suffix(".txt")
    with FileLock(folder.with_suffix(".lock")):
        if not said.exists():
            command = [sys.executable, ROOT / "website" / "make.py", folder]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            said.write_text(f"{done.returncode}\n{done.stderr}")
    if not folder.exists():
        pytest.fail(f"The site could not be made:\n{said.read_text()}")
    return folder


class Page(HTMLParser):
    """What the tests ask of a page: its tags with an address, its ids, its titles."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.ids, self.title, self.headings, self.inside = [], set(), "", 0, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get("id"))
        self.headings += tag == "h1"
        self.inside = tag
        if "href" in attrs or "src" in attrs or tag == "html":
            self.tags.append((tag, attrs))

    def handle_data(self, data):
        if self.inside == "title" and not self.title:
            self.title = data.strip()

    def links(self, of_class: str = ""):
        return [attrs["href"] for tag, attrs in self.tags if tag == "a" and of_class in (attrs.get("class") or "")]


@pytest.fixture(scope="session")
def pages(site):
    """Each page by its path."""
    return {path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
            for path in site.rglob("*.html") if "_static" not in path.parts}


def test_each_page_has_an_icon(pages, site):
    """Else each browser asks for one and complains that there is none."""
    for name, page in pages.items():
        links = [attrs for tag, attrs in page.tags if tag == "link"]
        (icon,) = [attrs["href"] for attrs in links if "icon" in attrs.get("rel", "").split()]
        assert icon == "data:," or (site / name).parent.joinpath(icon.partition("?")[0]).is_file(), name


def test_it_is_made_without_a_warning(site):
    assert site.with_suffix(".txt").read_text().strip() == "0"
    assert {path.name for path in site.parent.glob("whole site*") if path.is_dir()} == {"whole site"}


def test_all_that_should_be_there_is(pages):
    wanted = {"index", "errata", "compared", "topics", "search", "benchmarks/README", "notebooks/glossary",
              "notebooks/laboratory", "notebooks/coverage", "notebooks/INSTRUCTORS", "notebooks/solutions/index",
              "playground/gan_laboratory", "playground/generator", *(f"slides/{track}" for track in DECKS)}
    wanted |= {f"notebooks/{folder}{name}" for name in NAMES for folder in ("", "solutions/")}
    assert wanted == {name.removesuffix(".html") for name in pages} - {"genindex"}


def test_each_page_has_a_title_of_its_own(pages):
    for name, page in pages.items():
        assert page.title and page.headings and page.tags[0][1]["lang"] == "en", (name, page.title, page.headings)
    assert len({page.title for page in pages.values()}) == len(pages)


def test_every_link_leads_somewhere(site, pages):
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    broken = []
    for name, page in pages.items():
        for target in {attrs.get("href") or attrs.get("src") or "" for _, attrs in page.tags}:
            where = urlsplit(target)
            if where.scheme or where.netloc or not target:
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(name), unquote(where.path))) if where.path else name
            there = pages[path].ids | {""} if path in pages else {unquote(where.fragment)}
            if path not in files or unquote(where.fragment) not in there:
                broken.append(f"{name}: {target}")
    assert not broken


def test_nothing_comes_from_another_machine(site, pages):
    for name, page in pages.items():
        for tag, attrs in page.tags:
            if tag != "a":
                assert not urlsplit(attrs.get("src") or attrs.get("href") or "").netloc, (name, tag, attrs)
    assert (site / "_static" / "mathjax" / "tex-chtml.js").stat().st_size > 1_000_000


def test_pictures_have_words(pages):
    for name, page in pages.items():
        for alt in [attrs.get("alt") or "" for tag, attrs in page.tags if tag == "img"]:
            assert len(alt) > 10 and not alt.endswith((".png", ".gif")), (name, alt)


def test_notebooks_follow_each_other(pages):
    for name, following in zip(NAMES, NAMES[1:], strict=False):
        assert pages[f"notebooks/{name}.html"].links("right-next") == [f"{following}.html"]
        assert pages[f"notebooks/{following}.html"].links("left-prev") == [f"{name}.html"]


def test_without_an_address_nothing_is_launched(pages):
    if not make.repository(ROOT):
        assert not [name for name, page in pages.items() for link in page.links() if "mybinder.org/v2" in link]


@pytest.mark.parametrize("name", NAMES)
def test_fragments_of_jupyterlab_and_of_the_site_agree(name):
    nb = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    found = [text for cell in nb.cells for _, text in headings(cell)]
    assert found and all(fragment(unquote(anchor(text))) == fragment(text) for text in found)


# ---- in a browser

class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


class Visits:
    """A browser that reaches nothing but the folder it is shown."""

    def __init__(self, browser, folder: Path):
        self.browser, self.asked, self.console = browser, [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.root = f"http://127.0.0.1:{self.server.server_port}/"

    def page(self, width=1280, **look):
        context = self.browser.new_context(viewport={"width": width, "height": 900}, **look)
        context.route("**/*", self.watch)
        page = context.new_page()
        page.on("console", lambda message: self.console.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        return page

    def watch(self, route):
        if route.request.url.startswith((self.root, "data:", "blob:")):
            return route.continue_()
        self.asked.append(route.request.url)
        return route.abort()

    def open(self, page, address):
        page.goto(self.root + address)
        page.wait_for_function("window.MathJax?.startup?.promise?.then ? MathJax.startup.promise.then(() => true) : "
                               "!document.querySelector('.math')", timeout=30_000)


@pytest.fixture
def visits(request, chromium):
    made = []
    with one_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)

        def visit(folder):
            made.append(Visits(browser, folder))
            return made[-1]

        yield visit
        for each in made:
            each.server.shutdown()
            each.server.server_close()
        browser.close()


LOOK = """() => ({
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    raw: [...document.querySelectorAll('.math')].filter((each) => !each.querySelector('mjx-container')).length,
    wrong: document.querySelectorAll('mjx-merror, [data-mjx-error]').length,
    formulas: document.querySelectorAll('mjx-container').length,
    letters: [...document.fonts].filter((font) => font.family.startsWith('MJX') && font.status === 'error').length,
    unseen: [...document.images].filter((image) => image.complete && !image.naturalWidth).length,
})"""


@pytest.mark.parametrize("width, theme", [(390, "dark"), (1280, "light")])
def test_pages_read_well_without_a_network(site, visits, width, theme):
    visit = visits(site)
    page = visit.page(width, color_scheme=theme)
    for name in READ:
        visit.open(page, f"{name}.html")
        seen = page.evaluate(LOOK)
        formulas = seen.pop("formulas")
        assert (formulas > 20 or name != FORMULAS) and not any(seen.values()), (name, width, formulas, seen)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert visit.asked == [] and visit.console == []


def test_search_finds_notebooks_and_no_solutions(site, visits):
    visit = visits(site)
    page = visit.page()
    page.goto(visit.root + "search.html?q=Lipschitz")
    page.wait_for_selector("#search-results li a", timeout=30_000)
    page.wait_for_function("!document.querySelector('#search-results li.pending')")
    found = [link.get_attribute("href") for link in page.locator("#search-results li a").all()]
    assert any("notebooks/07" in link for link in found) and not any("solutions/0" in link for link in found)


# ---- slides

SEEN = """() => [...Reveal.getCurrentSlide().querySelectorAll('h1, h2, p:not(.figure), li, img')].map((each) => {
    const box = each.getBoundingClientRect();
    return {
        what: each.outerHTML.slice(0, 80),
        out: Math.max(-box.left, -box.top, box.right - innerWidth, box.bottom - innerHeight),
        cut: Math.max(each.scrollWidth - each.clientWidth, each.scrollHeight - each.clientHeight) > 3,
        small: each.tagName === 'IMG' ? each.naturalWidth === 0 || box.height < 250 : box.height < 15,
        hidden: getComputedStyle(each).visibility !== 'visible',
    };
})"""
APART = """() => {
    const boxes = [...Reveal.getCurrentSlide().querySelectorAll('h1, h2, .slide > p, ul')].map(
        (each) => [each.outerHTML.slice(0, 60), each.getBoundingClientRect()]);
    return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) =>
        p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1 &&
        !(a.startsWith('<h') && b.includes('foot') && q.left > p.left)).map(([b]) => [a, b]));
}"""


def test_reveal_is_the_one_that_was_published():
    there = ROOT / "website" / "static" / "reveal"
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in there.iterdir()}
    assert found == slides.SHA256 and slides.SOURCE[0] in slides.SOURCE[1]


@pytest.mark.parametrize("track", DECKS)
def test_a_slide_fits_the_screen_and_says_one_thing_after_another(site, visits, track):
    visit = visits(site)
    page = visit.page()
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{visit.root}slides/{track}.html")
    page.wait_for_function("window.Reveal?.isReady()", timeout=30_000)
    for place in range(total := page.evaluate("Reveal.getTotalSlides()")):
        assert page.evaluate("Reveal.getIndices().h") == place
        if place:  # the title, and one part of three: the others come one by one
            assert sum(each["hidden"] for each in page.evaluate(SEEN)) == 2
        for _ in range(2 if place else 0):
            page.keyboard.press("ArrowRight")
        seen = page.evaluate(SEEN)
        assert not [each for each in seen if each["out"] > 0 or each["cut"] or each["small"] or each["hidden"]]
        assert page.evaluate(APART) == []
        page.keyboard.press("ArrowRight")
    assert total >= 9 and page.evaluate("Reveal.isLastSlide()")
    assert page.evaluate("document.querySelectorAll('mjx-container').length") >= 1
    assert page.evaluate("document.body.innerText").count("$") == 0
    assert visit.asked == [] and visit.console == []


def test_a_deck_is_printed_one_page_for_a_slide(site, visits):
    visit = visits(site)
    page = visit.page()
    page.goto(f"{visit.root}slides/60.html?print-pdf")
    page.wait_for_function("window.Reveal?.isReady() && document.querySelector('.pdf-page')", timeout=30_000)
    parts = page.evaluate("""[...document.querySelectorAll('.pdf-page')].map((each) => ({
        shown: [...each.querySelectorAll('.slide > *')].every((one) => getComputedStyle(one).visibility === 'visible'),
        low: Math.max(...[...each.querySelectorAll('.slide > *')].map((part) => part.getBoundingClientRect().bottom))
            - each.getBoundingClientRect().bottom,
    }))""")
    assert len(parts) >= 9 and all(each["shown"] and each["low"] <= 0 for each in parts)
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == len(parts)
    assert visit.asked == [] and visit.console == []


def test_a_deck_opens_from_a_folder(site, visits):
    page = visits(site).browser.new_page()
    page.goto((site / "slides" / "90.html").as_uri())
    page.wait_for_function("window.Reveal?.isReady()", timeout=30_000)
    assert page.evaluate("document.querySelectorAll('mjx-container').length") >= 1


def test_the_pdf_has_sections_in_its_outline_and_links_that_lead_within(site, chromium):
    places = [site / "notebooks" / f"{name}.html" for name in (NAMES[0], "glossary")]
    writer = paper.joined(site, paper.printed(chromium, places))
    found = io.BytesIO()
    writer.write(found)
    book = pypdf.PdfReader(found)
    titles = [entry.title for entry in book.outline if not isinstance(entry, list)]
    sections = [entry.title for entry in book.outline[1]]
    assert titles[0].startswith("00 · ") and titles[1] == "Glossary"
    assert {"Play first", "What we measure"} <= {*sections}
    starts = [book.get_destination_page_number(entry) for entry in book.outline if not isinstance(entry, list)]
    targets = []
    for page in book.pages:
        for note in page.get("/Annots", []):
            link = note.get_object().get("/A", {})
            assert not link.get("/URI", "").startswith("file:")
            targets += [book.get_page_number(link["/D"][0].get_object())] if "/D" in link else []
    assert starts[0] == 0 < starts[1] < len(book.pages) and starts[1] in targets
    assert "Alternating updates" in book.pages[starts[1]].extract_text()


def test_topics_and_terms_are_in_one_list(site):
    page = bs4.BeautifulSoup((site / "topics.html").read_text(), "html.parser")
    lines = {item.get_text().partition(":")[0]: item for item in page.select("article li")}
    assert len(lines) > 100 and list(lines) == sorted(lines, key=str.lower)
    both = [link["href"] for link in lines["Mode collapse"].select("a")]
    assert both[0] == "notebooks/glossary.html#mode-collapse" and any("03_train_a_gan.html#" in link for link in both)
    start = bs4.BeautifulSoup((site / "index.html").read_text(), "html.parser")
    assert not start.find(string=re.compile("averaging of weights")) and start.select("article a[href='topics.html']")


def test_teachers_find_the_slides(site):
    page = bs4.BeautifulSoup((site / "notebooks" / "INSTRUCTORS.html").read_text(), "html.parser")
    found = [link["href"] for link in page.select("article a[href*='slides/']")]
    assert found == [f"../slides/{track}.html" for track in DECKS]
    start = bs4.BeautifulSoup((site / "index.html").read_text(), "html.parser")
    assert start.select("article a[href='notebooks/INSTRUCTORS.html']")


# ---- a small series, with a folded section and a public address

FIRST = """# 00 · One: a first one

[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/someone/gans)

Go to [a fold](01_two.ipynb#Deeper:-how-far-%28in-$W_1$%29?), to [its inside](01_two.ipynb#Inside), to a
[word](glossary.md#a-word), to [code](../tool.py), to [ours](solutions/00_one.ipynb).

<!-- a line of code that is no link: --> `f[0](x)` and

```python
[a](#Not-a-link)
```
"""


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Two notebooks in a checkout of their own, and the site of them."""
    root = tmp_path_factory.mktemp("small") / "a root"
    (root / "notebooks" / "solutions").mkdir(parents=True)
    shutil.copytree(ROOT / "notebooks" / "authors", root / "notebooks" / "authors")
    (root / "tool.py").write_text("")
    (root / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/someone/gans"\n')
    sections = ["# A series", "## Layout", "not on the site", "## Start", "How.", "## The notebooks",
                "[one](notebooks/00_one.ipynb) [solved](notebooks/solutions)"]
    (root / "README.md").write_text("\n\n".join(sections))
    (root / "notebooks" / "coverage.md").write_text("# Coverage\n\nWords.\n")
    (root / "notebooks" / "glossary.md").write_text("# Words\n\n### A word\nSee [00](00_one.ipynb).\n")
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    deeper = text("## Deeper: how far (in $W_1$)?\nYou gain it; or skip to [the end](#The-end).\n\n",
                  metadata={COLLAPSED: True})
    alt = {"image/png": {"alt": "One grey dot"}}
    picture = nbformat.v4.new_output("display_data", {"image/png": PIXEL}, metadata=alt)
    cells = [text("# 01 · Two: a second one\n\nWords."), text("## Core\n\nWords."), deeper, text("More of it."),
             text("### Inside\n\nStill more."), code("draw()", outputs=[picture]), text("## The end\n\nWords.")]
    python = {"language_info": {"name": "python", "pygments_lexer": "ipython3"},
              "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for folder, first in {"": FIRST, "solutions/": "# 00 · One: a first one"}.items():
        for name, content in {"00_one": [text(first)], "01_two": cells}.items():
            nb = nbformat.v4.new_notebook(cells=content, metadata=python)
            nbformat.write(nb, root / "notebooks" / folder / f"{name}.ipynb")
    site = root / "build" / "site"
    assert make.build(root, site) == 0
    return site


PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")


def test_small_series(small):
    one = bs4.BeautifulSoup((small / "notebooks" / "00_one.html").read_text(), "html.parser")
    links = {link.get_text(): link.get("href") for link in one.select("article a.reference")}
    assert links["its inside"] == "01_two.html#inside" and links["word"] == "glossary.html#a-word"
    assert links["code"] == "https://github.com/someone/gans/blob/HEAD/tool.py"
    assert links["ours"] == "solutions/00_one.html" and "[a](#Not-a-link)" in one.get_text()
    assert not one.select("img[src*='mybinder.org']")
    launch = [link["href"] for link in one.select("a[href*='mybinder.org'], a[href*='colab.research']")]
    assert len(launch) == 2 and all("notebooks/00_one.ipynb" in unquote(link) for link in launch)
    two = bs4.BeautifulSoup((small / "notebooks" / "01_two.html").read_text(), "html.parser")
    assert two.select_one("details.deeper img")["alt"] == "One grey dot"
    fold = two.select_one("details.deeper")
    assert fold.find_previous_sibling("p").get_text().startswith("You gain it") and fold.find(id="inside")
    assert not fold.find(id="the-end") and "Deeper" in fold.find_previous_sibling("h2").get_text()
    start = (small / "index.html").read_text()
    assert "not on the site" not in start and start.index('id="the-notebooks"') < start.index('id="start"')


def test_a_link_opens_a_folded_section(small, visits):
    visit = visits(small)
    page = visit.page(390)
    state = "document.querySelector('details.deeper')?.open"
    visit.open(page, "notebooks/01_two.html")
    assert page.evaluate(state) is False
    for words in ["a fold", "its inside"]:
        visit.open(page, "notebooks/00_one.html")
        page.locator("article a", has_text=words).click()
        page.wait_for_function(state, timeout=5_000)
    page = visit.page(390, java_script_enabled=False)
    page.goto(visit.root + "notebooks/01_two.html")
    page.locator("details.deeper > summary").click()
    assert page.get_by_text("More of it.").is_visible()
    assert visit.asked == [] and visit.console == []


def test_a_link_that_leads_nowhere_stops_the_build_and_the_old_site_stays(small, capfd):
    root = small.parents[1]
    (root / "notebooks" / "glossary.md").write_text("# Words\n\nSee [there](00_one.ipynb#Nowhere).\n")
    before = (small / "index.html").stat().st_mtime_ns
    assert make.build(root, small) == 1
    assert "nowhere" in capfd.readouterr().err
    assert (small / "index.html").stat().st_mtime_ns == before


def test_what_is_missing_is_said_in_one_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(make.importlib.util, "find_spec", lambda name: None)
    assert make.build(ROOT, tmp_path / "site") == 1
    assert re.fullmatch(r'There is no myst_nb here: "make site" [^\n]*\.\n', capsys.readouterr().err)


def test_what_is_no_site_is_not_replaced(tmp_path, capsys):
    (tmp_path / "mine").write_text("precious")
    assert make.build(ROOT, tmp_path) == 1
    assert "holds something else" in capsys.readouterr().err and (tmp_path / "mine").exists()
