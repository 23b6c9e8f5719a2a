"""The built notebooks as they are stored: fresh, clean, with facts that hold; and each check seen to fail."""

import copy
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path

import jupytext
import nbformat
import pytest

from gan_tutorial.commands import checks
from gan_tutorial.lesson import facts
from gan_tutorial.lesson.exercises import REGISTRY, find

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks" / "authors"))

import build  # noqa: E402
from building import cells, health, sections  # noqa: E402

FOLDER = ROOT / "notebooks"
STORED = sorted([*FOLDER.glob("*.ipynb"), *FOLDER.glob("solutions/*.ipynb")])
SOURCES = sorted((FOLDER / "source").glob("*.py"))
CHECKED = re.compile(r"""\bcheck\(\s*["'](\d+\.\d+)["']""")


@cache
def anchors(path):
    """What can follow # in a link to a notebook."""
    return {cells.anchor(text) for cell in nbformat.read(path, as_version=4).cells for _, text in cells.headings(cell)}


def label(path):
    return str(path.relative_to(FOLDER))


# The series


def test_every_notebook_and_page_is_fresh():
    assert build.problems(ROOT) == []


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_a_last_line_that_says_how_to_go_on_follows_the_numbers(path):
    numbers = [source.stem[:2] for source in SOURCES]
    for next_number in re.findall(r"Go on with \[(\d\d) ·", path.read_text(encoding="utf-8")):
        assert numbers.index(next_number) == numbers.index(path.stem[:2]) + 1


@pytest.mark.parametrize("path", STORED, ids=label)
def test_a_stored_notebook_is_healthy(path):
    nb = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    assert health.faults(nb, path, ROOT) == []


@pytest.mark.parametrize("path", STORED, ids=label)
def test_a_stored_notebook_holds_facts_that_hold(path):
    rows = facts.read(path)
    assert rows or path.name.startswith("00_"), "a notebook ends with its facts ledger"
    assert [row.sentence for row in rows if not row.holds] == []


def test_no_notebook_takes_more_memory_than_doctor_asks_for():
    peaks = {path.stem: nbformat.read(path, as_version=4).metadata["gan_tutorial"]["peak_mb"] / 1000 for path in STORED}
    assert 0.3 < max(peaks.values()) <= checks.ENOUGH_MEMORY, peaks


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_checks_its_own_exercises_and_all_of_them(source):
    number = int(source.stem[:2])
    if importlib.util.find_spec(f"gan_tutorial.lesson.exercises.nb{number:02d}"):
        importlib.import_module(f"gan_tutorial.lesson.exercises.nb{number:02d}")
    lines = source.read_text(encoding="utf-8").splitlines()
    used = CHECKED.findall("\n".join(line for line in lines if not line.startswith("#")))
    for name in used:
        assert int(name.split(".")[0]) == number
        find(name)  # LookupError if nobody registered it
    assert set(used) == {name for name in REGISTRY if int(name.split(".")[0]) == number}


@pytest.mark.parametrize("source", SOURCES[1:], ids=lambda path: path.stem)
def test_the_core_has_two_to_five_exercises(source):
    nb = jupytext.read(source, fmt="py:percent")
    asked = [cell for part in sections.core(nb) for cell in part.cells if "exercise" in cell.metadata.get("tags", [])]
    assert 2 <= len(asked) <= 5


def test_the_core_of_the_series_can_be_read():
    """At most 28,000 words of it in 00 to 08 together."""
    words = {path.stem: sections.core_words(jupytext.read(path, fmt="py:percent")) for path in SOURCES[:9]}
    assert sum(words.values()) <= sections.CORE_WORDS, words


def test_the_glossary_is_whole():
    """Every link into it, from a notebook or from itself, finds its word; every word is in alphabetical order."""
    text = (FOLDER / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^### (.+)$", text, re.M)
    anchors = {word.lower().replace(" ", "-") for word in words}
    assert [word.lower() for word in words] == sorted(word.lower() for word in words)
    texts = {path.name: path.read_text(encoding="utf-8") for path in SOURCES}
    asked = {(name, link) for name, said in texts.items() for link in re.findall(r"glossary\.md#([^)]+)", said)}
    asked |= {("glossary.md", link) for link in re.findall(r"\]\(#([^)]+)\)", text)}
    assert {(name, link) for name, link in asked if link not in anchors} == set()


@pytest.mark.parametrize("path", STORED, ids=label)
def test_links_to_sections_lead_to_sections(path):
    """Within a notebook and from one to another: what follows # is a heading there."""
    text = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown")
    asked = set(re.findall(r"\]\((\w*/?\d\d_\w+\.ipynb|)#([^)\s]+)\)", text))
    assert {(file, part) for file, part in asked if part not in anchors(path.parent / file if file else path)} == set()


# Each check can fail


def sound():
    """A small notebook with nothing wrong in it."""
    v4 = nbformat.v4
    png = v4.new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "a = 3"})
    nb = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# 01 · A line\n[there](#here), [coverage](coverage.md)", id="01-top-1"),
            v4.new_code_cell("PROFILE = None\nSEED = 0", id="a", metadata={"tags": ["parameters"]}),
            v4.new_code_cell("print(1)", id="b", outputs=[v4.new_output("stream", text="1\n")]),
            v4.new_code_cell("plt.subplots()", id="c", outputs=[png]),
        ],
        metadata={"gan_tutorial": {"profile": "cpu"}},
    )
    for count, cell in enumerate(nb.cells[1:], 1):
        cell.execution_count = count
    return nb


def found(nb):
    return health.faults(nb, FOLDER / "01_a_line.ipynb", ROOT)


def test_a_sound_notebook_has_no_faults():
    assert found(sound()) == []


def no_id(nb):
    del nb.cells[2]["id"]


def bad_id(nb):
    nb.cells[2].id = "a b"


def same_id(nb):
    nb.cells[2].id = "a"


def run_twice(nb):
    nb.cells[2].execution_count = 5


def not_run(nb):
    nb.cells[3].execution_count = None


def error(nb):
    nb.cells[2].outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])]


def warning(nb):
    nb.cells[2].outputs[0].name = "stderr"


def view(nb):
    nb.cells[3].outputs[0].data[health.VIEW] = {"model_id": "x"}


def state(nb):
    nb.metadata["widgets"] = {}


def too_large(nb):
    nb.cells[2].outputs[0].text = "x" * 1_000_001


def no_parameters(nb):
    nb.cells[1].metadata = {}


def two_parameters(nb):
    nb.cells[2].metadata = nb.cells[1].metadata


def unknown_tag(nb):
    nb.cells[2].metadata = {"tags": ["nbval-skip"]}


def figure_without_picture(nb):
    nb.cells[3].outputs = []


def picture_without_tag(nb):
    nb.cells[3].source = "look()"


def widget_without_picture(nb):
    nb.cells[2].metadata = {"tags": ["widget"]}


def address(nb):
    nb.cells[2].outputs[0].text = "<object at 0x7f2c63f55610>"


def stand_in(nb):
    nb.cells[2].outputs[0].text = "Stand-in data: drawn garments"


def smoke(nb):
    nb.metadata["gan_tutorial"]["profile"] = "smoke"


def not_built(nb):
    del nb.metadata["gan_tutorial"]


def dead_link(nb):
    nb.cells[0].source += " [gone](nowhere.md#part)"


def private_path(nb):
    nb.cells[2].outputs[0].text = f"in {ROOT}"


def path_beside(nb):
    nb.cells[2].outputs[0].text = f"in {ROOT.parent}/shared/data"


def picture_without_words(nb):
    nb.cells[3].metadata["alt"] = "a line"


def too_wide(nb):
    nb.cells[2].source = f"print({'1' * 90})"


def other_name(nb):
    nb.cells[2].source = "work = choose(PROFILE)"


def module_not_name(nb):
    nb.cells[2].source = "from gan_tutorial.lesson import exercises"


def name_given_twice(nb):
    nb.cells[2].source = "from gan_tutorial.truth.critics import toll\ntoll = 3"


def banned_word(nb):
    nb.cells[0].source += "\nTwo hills."


def banned_word_in_a_picture(nb):
    nb.cells[3].metadata["alt"] = "Two blobs"
    nb.cells[3].outputs[0].metadata["image/png"] = {"alt": "Two blobs"}


BROKEN = {
    banned_word: "cell 01-top-1 says 'hills': write mode",
    banned_word_in_a_picture: "cell c says 'blobs': write mode",
    picture_without_words: "cell c holds a PNG without its words",
    too_wide: "cell b has a line of 97 characters",
    other_name: "cell b calls choose's result work, not profile",
    module_not_name: "cell b imports the module exercises",
    name_given_twice: "cell b gives the name toll, which is imported",
    no_id: "cell 2 has no valid id",
    bad_id: "cell 2 has no valid id",
    same_id: "the id a is used 2 times",
    run_twice: "the counts are [1, 5, 3]",
    not_run: "the counts are [1, 2, None]",
    error: "cell b ends in ValueError",
    warning: "cell b writes to stderr: '1'",
    view: "cell c holds the view of a widget",
    state: "it holds the state of widgets",
    too_large: "in cell b",
    no_parameters: "0 cells tagged parameters",
    two_parameters: "2 cells tagged parameters",
    unknown_tag: "the unknown tag nbval-skip",
    figure_without_picture: "cell c draws, but holds no PNG",
    widget_without_picture: "cell b draws, but holds no PNG",
    picture_without_tag: "cell c shows a picture, but is not tagged figure",
    address: "cell b shows the address of an object",
    stand_in: "cell b was run on stand-in data",
    smoke: "built with profile smoke",
    not_built: "built with profile None",
    dead_link: "links to nowhere.md#part",
    private_path: "cell b shows a path of this machine",
    path_beside: "cell b shows a path of this machine",
}


@pytest.mark.parametrize("breaking", BROKEN, ids=lambda function: function.__name__)
def test_a_broken_notebook_is_found_out(breaking):
    nb = copy.deepcopy(sound())
    breaking(nb)
    assert any(BROKEN[breaking] in fault for fault in found(nb)), found(nb)
    assert len(found(nb)) == 1


def test_a_cell_that_only_defines_a_drawing_function_needs_no_picture():
    nb = sound()
    nb.cells[3].source = "def draw():\n    return plt.subplots()"
    nb.cells[3].outputs = []
    assert found(nb) == []


def test_the_stand_in_s_notice_is_the_one_that_is_looked_for():
    from gan_tutorial.clothes.data import NOTICE

    assert NOTICE.startswith(health.STAND_IN)
