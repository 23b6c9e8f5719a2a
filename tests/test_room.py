"""For teachers: tracks that fit their time, slides made of what notebooks say, a page whose links lead somewhere."""

import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
sys.path.insert(0, str(NOTEBOOKS / "authors"))

from building import BuildError, pages, slides, tracks  # noqa: E402
from building.assemble import assemble  # noqa: E402
from building.cells import anchor, headings  # noqa: E402
from building.health import replaced  # noqa: E402

PAGE = NOTEBOOKS / pages.INSTRUCTORS
TEXT = PAGE.read_text(encoding="utf-8")
BUILT = pages.series(NOTEBOOKS)
TRACKS = tracks.tracks(NOTEBOOKS, BUILT)


# ---- tracks


def test_the_tracks_of_the_page_are_those_of_the_built_notebooks():
    assert pages.instructors(TEXT, NOTEBOOKS, BUILT) == TEXT, "stale: python notebooks/authors/build.py"
    old = re.sub(r"\| (\d+) \|$", "| 99 |", TEXT, count=1, flags=re.M)
    assert old != TEXT and pages.instructors(old, NOTEBOOKS, BUILT) == TEXT


@pytest.mark.parametrize("track", ["60", "90", "180", "360"])
def test_a_track_fits_its_time_and_has_the_minutes_of_the_contents(track):
    shown = TEXT.partition(f"<!-- track-{track}:begin -->")[2].partition(f"<!-- track-{track}:end -->")[0]
    *rows, total = re.findall(r"^\| (\d+):(\d\d) \| (.+) \| \**(\d+)\** \|$", shown, re.M)
    clock = 0
    for hours, minutes, what, taken in rows:
        assert int(hours) * 60 + int(minutes) == clock
        clock += int(taken)
        if link := re.search(r"\]\((\d\d_\w+\.ipynb)(#.+)\)$", what):
            first = BUILT[link[1]].cells[0].source
            assert re.search(rf"\({re.escape(link[2])}\) \| core \| {taken} \|", first), what
    assert clock == int(total[3]) <= int(track) and clock > 0.9 * int(track) and len(rows) == len(TRACKS[track])


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "authors").mkdir()
    return shutil.copy(NOTEBOOKS / "authors" / "tracks.tsv", tmp_path / "authors" / "tracks.tsv")


def test_a_track_that_takes_too_long_is_no_track(copy):
    copy.write_text(copy.read_text() + "60\t-\tMore questions\t30\n")
    with pytest.raises(BuildError, match=r"the track of 60 minutes takes \d\d"):
        tracks.tracks(copy.parents[1], BUILT)


@pytest.mark.parametrize("row", ["60\t00\tPlay second\t", "60\t77\tPlay first\t"])
def test_a_track_goes_through_sections_that_are_there(row, copy):
    copy.write_text(copy.read_text() + row + "\n")
    with pytest.raises(BuildError, match="there is no section 'Play"):
        tracks.tracks(copy.parents[1], BUILT)


# ---- slides

CELL = """## A heading. Of two

Some words about $x = 1.$ and `a. b`, which [go
on](there.ipynb#at-all) here. Then **bold words. More bold words.** Is it (really) so?

1. Guess: one of *three*? (Later.)
2. a second item with $D^\\star(x)$ in it.

<details><summary>An answer?</summary>

**Yes** (answer 2). It is. The [end](#End).
</details>
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Some words", "Some words about $x = 1.$ and `a. b`, which go on here."),
        ("Is it (really)", "Is it (really) so?"),
        ("a second item", "A second item with $D^\\star(x)$ in it."),
        ("Guess: one", "Guess: one of *three*?"),
        ("**Yes** ... It is.", "**Yes** (answer 2). It is."),
        ("**Yes** ... [end](#End).", "**Yes** (answer 2). It is. The end."),
        ("**bold words. ... bold words.**", "**bold words. More bold words.**"),
    ],
)
def test_a_mark_is_the_beginning_of_one_sentence(words, said):
    assert slides.sentence(nbformat.v4.new_markdown_cell(CELL, id="a"), words) == said


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("Never said", "0 places begin with 'Never said'"),
        ("old words.", "2 places begin"),
        ("A heading", "0 places"),
        ("Some words ... at no place", "does not end"),
        ("**bold", "opens or closes bold type only"),
    ],
)
def test_a_mark_that_fits_nothing_is_an_error(words, error):
    with pytest.raises(BuildError, match=re.escape(error)):
        slides.sentence(nbformat.v4.new_markdown_cell(CELL, id="a"), words)


def small(**marks):
    """A notebook of three sections; `marks` are those of its cells by their ids."""
    texts = {"top": "# 01 · A title", "one": "## One\n\nIs it so? It is.", "two": "## Two\n\nIt is not. Why?"}
    cells = [nbformat.v4.new_markdown_cell(text, id=name) for name, text in texts.items()]
    cells.append(nbformat.v4.new_code_cell("draw()", id="code", metadata={"alt": "A line"}))
    for cell in cells:
        cell.metadata |= {"slide": marks[cell.id]} if cell.id in marks else {}
    return nbformat.v4.new_notebook(cells=cells)


def test_a_slide_has_its_parts_in_the_order_of_the_notebook():
    (slide,) = slides.slides("01_a.ipynb", small(one=["Two | Is it so"], two="It is not.", code=True))
    assert (slide.heading, slide.link) == ("Two", "01_a.ipynb#Two")
    assert slide.parts == [("question", "Is it so?", ""), ("sentence", "It is not.", ""), ("figure", "", "A line")]
    assert slides.slides("01_a.ipynb", small()) == []


@pytest.mark.parametrize(
    ("marks", "error"),
    [
        ({"two": ["It is not.", "Why?"]}, "it has a sentence and a question"),
        ({"two": ["It is not.", "Why?"], "one": "Two | It is", "code": True}, "it has a sentence and a sentence"),
        ({"one": "Three | Is it so"}, "on the slide of 'Three', no section of it"),
    ],
)
def test_a_slide_is_a_figure_a_sentence_and_a_question(marks, error):
    with pytest.raises(BuildError, match=re.escape(error)):
        slides.slides("01_a.ipynb", small(**marks))


def test_words_that_change_under_a_mark_stop_the_build(tmp_path):
    source = shutil.copy(NOTEBOOKS / "source" / "04_circle_the_saddle.py", tmp_path)
    text = Path(source).read_text(encoding="utf-8")
    marked = "**A\n# walk may end at the wrong place"
    assert marked in text
    Path(source).write_text(text.replace(marked, "**A\n# stroll may end at the wrong place"), encoding="utf-8")
    with pytest.raises(BuildError, match="0 places begin with"):
        assemble(Path(source), solved=False)


def test_a_built_notebook_carries_the_marks_of_its_source():
    source = NOTEBOOKS / "source" / "04_circle_the_saddle.py"
    wanted, built = assemble(source, solved=False), BUILT["04_circle_the_saddle.ipynb"]
    marked = [cell.id for cell in wanted.cells if "slide" in cell.metadata]
    assert marked and marked == [cell.id for cell in built.cells if "slide" in cell.metadata]


@pytest.mark.parametrize("track", tracks.DECKS)
def test_a_deck_has_pictures_and_short_texts(track):
    made = tracks.deck(TRACKS[track], BUILT)
    assert len(made) >= 8
    places = [(stop.notebook, stop.section) for stop in TRACKS[track]]
    assert [(slide.notebook, slide.heading) for slide in made] == sorted(
        {(slide.notebook, slide.heading) for slide in made}, key=places.index
    )
    for slide in made:
        for kind, content, words in slide.parts:
            assert content and (len(words) > 20 if kind == "figure" else len(content.split()) < 40), slide.heading


# ---- the page


def sections_of(text):
    return {part.partition("\n")[0]: part for part in re.split(r"^## ", text, flags=re.M)[1:]}


def test_every_link_of_the_page_leads_somewhere():
    links = re.findall(r"\]\(([^)\s]+)\)", TEXT)
    assert len(links) > 100
    for link in links:
        if link.startswith("https://"):  # other people's pages: nothing here may depend on a network
            continue
        path, _, place = link.partition("#")
        if path.endswith(".ipynb"):
            found = {unquote(anchor(words)) for cell in BUILT[path].cells for _, words in headings(cell)}
            assert unquote(place) in found, link
        else:
            target = (NOTEBOOKS / path) if path else PAGE
            slugs = re.sub(r"[^\w\n #-]", "", target.read_text(encoding="utf-8").lower())
            assert not place or f"# {place.replace('-', ' ')}\n" in slugs, link


def test_every_question_has_an_answer_and_a_section():
    part = sections_of(TEXT)["Questions for the room"]
    asked = re.findall(
        r"^\*\*(\d+)\. .+?\*\*\n\(\[\d\d: .+?\]\(\d\d_\w+\.ipynb#.+?\)\)\n\n<details><summary>Our answer</summary>\n\n"
        r"(.+?)</details>", part, re.M | re.S)
    assert [int(number) for number, _ in asked] == list(range(1, len(asked) + 1)) and len(asked) >= 12
    assert part.count("<details>") == len(asked) and all(len(answer.split()) > 25 for _, answer in asked)


def test_every_misconception_has_a_section_that_shows_it():
    rows = re.findall(r"^\| (.+?) \| (.+) \| \[\d\d: .+\]\(\d\d_\w+\.ipynb#.+\) \|$", TEXT, re.M)
    assert len(rows) >= 10
    shown = sections_of(TEXT)["What people get wrong"]
    assert shown.count("\n| ") == len(rows) + 1


def test_it_has_one_word_for_one_thing():
    prose = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|<[^>]*>|“[^”]*”", " ", TEXT, flags=re.S)
    assert not [match[0] for pattern, *_ in replaced() if (match := pattern.search(prose))]


def test_the_page_names_commands_that_are_there():
    for path in ["Makefile", "environment.yml"]:
        assert (ROOT / path).exists()
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{name}:" in makefile for name in re.findall(r"`make (\w+)`", TEXT))
