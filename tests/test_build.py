"""The build: stubs and solutions from one source, twice the same, stale or not, and the built pages."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks" / "authors"))

import build  # noqa: E402
from building import BuildError, execute, pages, sections  # noqa: E402
from building.assemble import assemble, badges  # noqa: E402
from building.cells import stub  # noqa: E402
from building.sections import COLLAPSED  # noqa: E402

SOURCE = '''# %% [markdown]
# # 01 · Draw a line
#
# **What you'll do.** Draw one line,
# and measure its slope.
#
# **Time.** The core takes {{core}} minutes, all {{all}}; {{time}}.
# Solutions: [here](solutions/01_draw_a_line.ipynb), see [the list](coverage.md).
#
# {{contents}}

# %% tags=["parameters"]
PROFILE = None
SEED = 0

# %% [markdown]
# ## Look at (it)

# %% [markdown] covers=["1.1"]
# A line is straight.

# %% tags=["figure"] covers=["1.2"]
import matplotlib.pyplot as plt

plt.figure(figsize=(2, 1))
plt.plot([0, 1], [0, 2]);

# %% [markdown]
# ### Exercise 1.1 · Slope
# How steep is it?
#
# {{help}}

# %% tags=["exercise"]
def slope(rise, run):
    """Rise over run."""
    # solution
    ratio = rise / run

    return ratio

# %% tags=["exercise"]
# solution
answer = 2

# %%
try:
    print(slope(2, 1), answer)
except NotImplementedError:
    print("to do", answer)

# %% tags=["widget"]
import os
import ipywidgets
from gan_tutorial.lesson.live import explore

def draw(ax):
    line, = ax.plot([0, 1], [0, 1])
    def update(a):
        line.set_ydata([0, a])
        return f"a = {a}"
    return update

explore(draw, a=(0, 4, 3))

# %%
import sys

mode = "strict" if os.environ.get("GAN_TUTORIAL_STRICT") else "lax"
print(mode, os.environ["GAN_TUTORIAL_PROFILE"])
ipywidgets.IntSlider()

# %% [markdown]
# ## Deeper: two lines
#
# More of the same; or skip to [the end](#End).

# %% [markdown]
# Two lines, and $$x = 1.$$

# %% topics=["slope", "lines"]
lines = 2

# %% [markdown]
# ## End

# %% [markdown] tags=["solution"]
# The slope is two. See [the next](02_next.ipynb) and [the list](coverage.md).
'''
CHECKLIST = (
    "id\tkinds\tgroup\ttext\tseeds\n"
    "1.1\tC\t01 Lines\tWhat a line is\tS0\n1.2\tF\t01 Lines\tA line\tS1:3 S2\n2.1\tX\t02 More\tMore\tS4\n"
)
BADGES = "<!-- badges:begin -->\n<!-- badges:end -->\n"
TABLE = "<!-- table:begin -->\nold\n<!-- table:end -->\n"
TOPICS = "<!-- topics:begin -->\n<!-- topics:end -->\n"
README = f"# A tree\n{BADGES}{TABLE}{TOPICS}End.\n"


def tree(folder, source=SOURCE):
    (folder / "notebooks" / "source").mkdir(parents=True)
    (folder / "notebooks" / "authors").mkdir()
    (folder / "notebooks" / "source" / "01_draw_a_line.py").write_text(source, encoding="utf-8")
    (folder / "notebooks" / "authors" / "checklist.tsv").write_text(CHECKLIST, encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    os.symlink(ROOT / "gan_tutorial", folder / "gan_tutorial")
    return folder


def cells(path):
    return {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tree(tmp_path_factory.mktemp("with space"))
    assert build.main([], root=root) == 0
    return root


@pytest.fixture
def copy(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "copy", symlinks=True))


def names(root):
    return (
        root / "notebooks" / "01_draw_a_line.ipynb",
        root / "notebooks" / "solutions" / "01_draw_a_line.ipynb",
    )


# Stub and solution


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1\n# solution\ny = 2", "x = 1\ny = ...  # your code here"),
        ("# solution\na, (b, c) = 1, (2, 3)\nd[0] = 1", "a = ...@\nb = ...@\nc = ...@"),
        ("# solution\ndef f():\n    return 1\nclass K: pass", "f = ...@\nK = ...@"),
        ("# solution\nprint(1)", "...  # your code here"),
        ("# solution\n%time x = 1", "...  # your code here"),
        ("def f():\n    # solution\n    a = 1\n\n    return a", "def f():\n    raise!"),
        ("def f():\n    # solution\n    return 1\n\nf", "def f():\n    raise!\n\nf"),
        ("class K:\n    def f(self):\n        # solution\n        return 1\n\n    x = 1", "@@"),
        ("def f():\n    # solution\n    return 1\n\n\ndef g():\n    # solution\n    return 2", "@@@"),
        ("x = 1  # solution\ny", "x = 1  # solution\ny"),
        ("# solutions are far\ny", "# solutions are far\ny"),
    ],
)
def test_stub(code, expected):
    stop = "raise NotImplementedError  # your code here"
    expected = {
        "@@": f"class K:\n    def f(self):\n        {stop}\n\n    x = 1",
        "@@@": f"def f():\n    {stop}\n\ndef g():\n    {stop}",
    }.get(expected, expected.replace("...@", "...  # your code here").replace("raise!", stop))
    assert stub(code) == expected
    if "%" not in expected:
        compile(expected, "stub", "exec")


def test_both_versions_come_from_one_source(built):
    stubs, solved = map(cells, names(built))
    assert "raise NotImplementedError" in stubs["01-exercise-1-1-slope-2"].source
    assert "ratio" not in stubs["01-exercise-1-1-slope-2"].source
    assert stubs["01-exercise-1-1-slope-3"].source == "answer = ...  # your code here"
    assert stubs["01-exercise-1-1-slope-4"].outputs[0].text == "to do Ellipsis\n"
    assert "return ratio" in solved["01-exercise-1-1-slope-2"].source
    assert solved["01-exercise-1-1-slope-4"].outputs[0].text == "2.0 2\n"
    assert set(solved) - set(stubs) == {
        "01-end-2"
    }  # the cell tagged solution; all other names are equal
    assert stubs["01-exercise-1-1-slope-6"].outputs[0].text == "lax cpu\n"
    assert solved["01-exercise-1-1-slope-6"].outputs[0].text == "strict cpu\n"


def test_links_of_a_solution_lead_where_the_stub_s_do(built):
    stubs, solved = map(cells, names(built))
    assert "(solutions/01_draw_a_line.ipynb), see [the list](coverage.md)" in stubs["01-top-1"].source
    assert "(01_draw_a_line.ipynb), see [the list](../coverage.md)" in solved["01-top-1"].source
    assert "(02_next.ipynb) and [the list](../coverage.md)" in solved["01-end-2"].source


def test_names_of_cells_stay_when_another_section_grows():
    before = [cell.id for cell in assemble_text(SOURCE).cells]
    after = [
        cell.id for cell in assemble_text(SOURCE.replace('# %% tags=["figure"]', "# %%\n1\n\n# %%")).cells
    ]
    assert set(after) - set(before) == {"01-look-at-it-4"} and set(before) <= set(after)


def assemble_text(text, solved=False):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "01_draw_a_line.py"
        path.write_text(text, encoding="utf-8")
        return assemble(path, solved)


# Core and deeper


def test_a_deeper_section_is_folded_listed_and_ends_where_the_next_begins():
    nb = assemble_text(SOURCE)
    folded = [cell.id for cell in nb.cells if cell.metadata.get(COLLAPSED)]
    assert folded == ["01-deeper-two-lines-1"]
    top = nb.cells[0].source
    assert "| [Look at (it)](#Look-at-%28it%29) | core | 15 |" in top  # with its exercises, a figure, something to play
    assert "| [*two lines*](#Deeper:-two-lines) | deeper | 1 |" in top and "| [End](#End) | core | 1 |" in top
    assert "The core takes 15 minutes, all 20;" in top
    assert {cell.id: cell.source for cell in nb.cells}["01-exercise-1-1-slope-1"].endswith(
        '*Stuck? Run* `hint("1.1")` *in a cell of its own, again for the next hint.* '
        "Our answer: [solutions](solutions/01_draw_a_line.ipynb#Exercise-1.1-·-Slope)."
    )
    below = {cell.id: cell.source for cell in assemble_text(SOURCE, solved=True).cells}
    assert below["01-exercise-1-1-slope-1"].endswith("Our answer is below.")


def notebook(*texts):
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell(t[2:]) if t.startswith("M:") else v4.new_code_cell(t) for t in texts]
    return v4.new_notebook(cells=[v4.new_markdown_cell("# 01 · T"), *cells])


DEEP = "M:## Deeper: more\n\nMore; or skip to [B](#B)."


def test_minutes_are_those_of_the_rule():
    nb = notebook("M:## A\n\n" + "word " * 320 + "$$x$$", "a = 1\n\n# a comment\nb = 2\nplt.subplots()", DEEP, "c = 3")
    a, deep = sections.sections(nb)[1:]
    words, formula, lines, figure = 321 / 160, 20 / 60, 3 * 5 / 60, 40 / 60
    assert a.minutes == pytest.approx(words + formula + lines + figure)
    assert sections.core_words(nb) == 321 + 2 and deep.deeper and not a.deeper  # with "01" and "T"
    exercise = nbformat.v4.new_code_cell("def f():\n    # solution\n    a = 1\n    return a")
    nb.cells.append(exercise)
    assert sections.sections(nb)[-1].minutes - deep.minutes == pytest.approx(5 + 2 * 5 / 60)  # `def` and `raise`


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["M:## A", "x = 1", DEEP, "y = x", "M:## B", "x + 1"], None),
        ([DEEP, "y = 1", "M:## B", "y = 2", "y"], None),
        ([DEEP, "def y(): return 1", "M:## B", "def f():\n    return y()"], "uses y, which 'Deeper: more' makes"),
        ([DEEP, "import math", "M:## B", "[math.pi for _ in range(3)]"], "uses math"),
        (["M:## A", "M:### Deeper: x\n\nMore; or skip to [B](#B).", "y = 1", "M:### B", "y"], "uses y"),
        (["M:## A\n\n### Deeper: x\n\nMore; or skip to [B](#B)."], "should begin its cell"),
        (["M:## Deeper: x\n\nMore, and no link."], "a link to the section they can skip to"),
        ([DEEP.replace("B).", "B).\n\nAnd on.")], "one short paragraph"),
        (["a = 1", "b = 1", "\n".join(f"x{i} = 1" for i in range(21))], "has 21 lines, 20 are allowed"),
        (["\n".join(f"x{i} = 1" for i in range(8))], "has 8 lines, 7 are allowed"),
        (["M:" + "word " * 160 * 76], "takes 76 minutes, 75 are allowed"),
    ],
)
def test_what_divides_core_from_depth_wrongly_is_said(texts, says):
    said = sections.faults(notebook(*texts), "01")
    assert (said == []) if says is None else (len(said) == 1 and says in said[0]), said


# What a build leaves


def test_outputs_are_kept_and_widgets_are_frozen(built):
    stubs = cells(names(built)[0])
    assert "image/png" in stubs["01-look-at-it-3"].outputs[0].data
    (frozen,) = stubs["01-exercise-1-1-slope-5"].outputs
    assert set(frozen.data) == {"text/plain", "image/png"} and frozen.data["text/plain"] == "a = 3"
    assert [o.output_type for o in stubs["01-exercise-1-1-slope-6"].outputs] == [
        "stream"
    ]  # a bare slider leaves nothing
    nb = nbformat.read(names(built)[0], as_version=4)
    assert "widgets" not in nb.metadata
    assert set(nb.metadata) == {"kernelspec", "language_info", "gan_tutorial", "gan_tutorial_minutes"}
    known = {"tags", "covers", "topics", COLLAPSED}
    assert all(set(cell.metadata) <= known for cell in nb.cells)
    assert len({cell.id for cell in nb.cells}) == len(nb.cells)


def test_what_it_took_is_measured_and_said(built):
    nb = nbformat.read(names(built)[0], as_version=4)
    measured = nb.metadata["gan_tutorial"]
    assert measured["profile"] == "cpu" and 0.5 < measured["seconds"] < 300
    assert 30 < measured["peak_mb"] < 4000
    assert f"; {execute.said(measured)}." in nb.cells[0].source
    assert "{{" not in nb.cells[0].source


def test_a_second_build_changes_no_byte(built, copy):
    before = {path.relative_to(copy): path.read_bytes() for path in copy.glob("*") if path.is_file()}
    before |= {
        path.relative_to(copy): path.read_bytes() for path in copy.glob("notebooks/**/*.*") if path.is_file()
    }
    assert build.main(["--all"], root=copy) == 0
    assert {path: (copy / path).read_bytes() for path in before} == before


def test_settle_keeps_a_near_measure_and_takes_a_new_one():
    old = {
        "profile": "cpu",
        "cores": 2,
        "python": "3.11",
        "torch": "2",
        "seconds": 100,
        "peak_mb": 500,
        "date": "a",
    }
    assert execute.settle(old, old | {"seconds": 120, "date": "b"}) is old
    assert execute.settle(None, old) is old
    for change in ({"seconds": 130}, {"seconds": 70}, {"peak_mb": 700}, {"torch": "3"}, {"profile": "gpu"}):
        assert execute.settle(old, old | change) == old | change


# Stale or not


def test_what_is_up_to_date_is_not_run_again(built, copy, capsys):
    stamps = [path.stat().st_mtime_ns for path in names(copy)]
    assert build.main(["--check"], root=copy) == 0
    assert build.main([], root=copy) == 0
    assert [path.stat().st_mtime_ns for path in names(copy)] == stamps
    assert capsys.readouterr() == ("", "")


def change_source(root, old, new):
    path = root / "notebooks" / "source" / "01_draw_a_line.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_check_names_what_is_stale_and_only_that_is_built(copy, capsys):
    change_source(copy, "The slope is two", "The slope is 2")  # a cell of the solutions only
    assert build.main(["--check"], root=copy) == 1
    assert capsys.readouterr().err == (
        "notebooks/solutions/01_draw_a_line.ipynb is stale: python notebooks/authors/build.py\n"
    )
    stamp = names(copy)[0].stat().st_mtime_ns
    assert build.main([], root=copy) == 0
    assert names(copy)[0].stat().st_mtime_ns == stamp
    assert build.main(["--check"], root=copy) == 0


def test_where_the_code_is_unchanged_only_the_words_are_replaced(copy, capsys):
    before = cells(names(copy)[0])
    change_source(copy, "A line is straight", "A line is not crooked")
    change_source(copy, "## Look at (it)", "## Look at it well")  # the cells under it get other names
    assert build.main([], root=copy) == 0
    assert capsys.readouterr().out == ""  # nothing was run
    after = cells(names(copy)[0])
    assert after["01-look-at-it-well-2"].source == "A line is not crooked."
    assert after["01-look-at-it-well-3"].outputs == before["01-look-at-it-3"].outputs != []
    assert build.main(["--check"], root=copy) == 0
    change_source(copy, "[0, 2]", "[0, 3]")
    assert build.main([], root=copy) == 0
    assert "notebooks/01_draw_a_line.ipynb ..." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A line is straight", "A line is not crooked"),
        ("[0, 2]", "[0, 3]"),
        ('tags=["figure"]', 'tags=["picture"]'),
        ('covers=["1.1"]', 'covers=["2.1"]'),
        ("## Look at (it)", "## Look at it"),
        ("# %%\nimport sys\n", "# %%\n"),
    ],
)
def test_any_change_of_a_source_makes_it_stale(copy, old, new, capsys):
    change_source(copy, old, new)
    assert build.main(["--check"], root=copy) == 1
    assert "notebooks/01_draw_a_line.ipynb is stale" in capsys.readouterr().err


def test_check_sees_missing_and_orphaned_notebooks_and_pages(copy, capsys):
    stubs, solved = names(copy)
    solved.rename(solved.with_name("09_orphan.ipynb"))
    (copy / "notebooks" / "coverage.md").write_text("old")
    (copy / "README.md").write_text(README)
    assert build.main(["--check"], root=copy) == 1
    said = capsys.readouterr().err
    for part in ("solutions/01_draw_a_line.ipynb is stale", "09_orphan.ipynb has no source"):
        assert part in said
    for part in ("notebooks/coverage.md is stale", "README.md is stale"):
        assert part in said


def test_a_smoke_build_is_stale(copy, capsys):
    assert build.main(["01", "--profile", "smoke"], root=copy) == 0
    assert build.main(["--check"], root=copy) == 1
    assert "01_draw_a_line.ipynb is stale" in capsys.readouterr().err
    assert "not measured yet" in (copy / "README.md").read_text(encoding="utf-8")


# What is refused, and the old notebook stays


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("# %%\ntry:", "# %%\n1 / 0\ntry:", "1-1-slope-4 failed: .*ZeroDivisionError"),
        ("# %%\ntry:", "# %%\nos = __import__('os'); os._exit(3)\ntry:", "1-1-slope-4 failed: .*died"),
        ("# %%\ntry:", "# %%\n__import__('time').sleep(1e4)\ntry:", "1-1-slope-4 failed: .*timed out"),
        ("# %%\ntry:", "# %%\nprint(object())\ntry:", "cell 01-exercise-1-1-slope-4 shows the address"),
        ("# %%\ntry:", "# %%\nprint(__import__('os').getcwd())\ntry:", "cell 01-exercise-1-1-slope-4 shows a path"),
        ("plt.plot([0, 1], [0, 2]);", "plt.close();", "cell 01-look-at-it-3 draws, but holds no PNG"),
        (
            "# %%\ntry:",
            "# %%\nprint(('x' * 99 + chr(10)) * 11_000)\ntry:",
            "the most .* in cell 01-exercise-1-1-slope-4",
        ),
        ('covers=["1.1"]', 'covers=["7.77"]', "covers 7.77, which is not in checklist.tsv"),
    ],
    ids=["error", "dead", "hang", "address", "path", "figure", "size", "unknown item"],
)
def test_a_notebook_that_fails_is_not_written(copy, old, new, says, capsys):
    before = names(copy)[0].read_bytes()
    change_source(copy, old, new)
    assert build.main(["--timeout", "8"], root=copy) == 1
    assert re.search(says, capsys.readouterr().err, re.S)
    assert names(copy)[0].read_bytes() == before


def test_a_wrong_solution_does_not_build(copy, capsys):
    change_source(
        copy,
        "# %%\ntry:",
        "# %%\nfrom gan_tutorial.lesson.exercises import Exercise, Property, check, register\n"
        'value = Property("value", lambda a: a, "It is {expected}, not {got}.")\n'
        'register(Exercise("90.1", 3, (value,)))\n'
        'check("90.1", answer)\ntry:',
    )
    assert build.main([], root=copy) == 1
    assert "solutions/01_draw_a_line.ipynb: cell 01-exercise-1-1-slope-4 failed" in (said := capsys.readouterr().err)
    assert "Exercise 90.1: It is 3, not 2." in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("# # 01 ·", "# # 02 ·", "first cell"),
        ("**What you'll do.**", "What:", "What you'll do"),
        ("{{time}}", "2 minutes", "should have {{time}}"),
        ("A line is", "{{minutes}} is", "knows all, contents, core"),
        ("{{contents}}", "The contents", "should have {{contents}}"),
        ("Exercise 1.1 ·", "Exercise 1.2 ·", "should be 'Exercise 1.1 · '"),
        ("### Exercise 1.1", "### Question 1.1", "should stand under '### Exercise 1.N"),
        ("{{help}}", "Good luck.", "should end with {{help}}"),
        ("or skip to [the end](#End)", "or skip it", "a link to the section they can skip to"),
        ("SEED = 0", "SEED = 0\nSTEPS = 3", "PROFILE and SEED"),
        ('tags=["parameters"]', 'tags=["setup"]', "PROFILE and SEED"),
        ('tags=["widget"]', 'tags=["wigdet"]', "the tag 'wigdet'"),
        ('tags=["widget"]', "hide=true", "says 'hide'"),
        ('tags=["exercise"]\n#', 'tags=["figure"]\n#', "not the tag exercise"),
        ('tags=["solution"]', 'tags=["solution"] covers=["1.1"]', "only in the solutions"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused(old, new, says):
    assert old in SOURCE
    with pytest.raises(BuildError, match=says):
        assemble_text(SOURCE.replace(old, new))


def test_an_unknown_name_is_one_sentence(built, capsys):
    assert build.main(["17"], root=built) == 1
    assert capsys.readouterr().err == "There is no source 17; there are 01_draw_a_line.\n"


# The pages


def test_coverage_links_items_to_sections(built):
    text = (built / "notebooks" / "coverage.md").read_text(encoding="utf-8")
    link = "[01: Look at (it)](01_draw_a_line.ipynb#Look-at-%28it%29)"
    assert f"| 1.1 | C | What a line is | {link} | S0 |" in text
    assert f"| 1.2 | F | A line | {link} | S1:3 S2 |" in text
    assert "| 2.1 | X | More | not yet | S4 |" in text
    assert (
        "| 01 Lines | 2 | 2 |" in text
        and "| 02 More | 0 | 1 |" in text
        and "| **all** | **2** | **3** |" in text
    )
    assert all(name in text for name in pages.SEEDS.values())


def test_an_item_to_be_shown_needs_an_output_in_its_section():
    items = [pages.Item("1.2", "F/V", "g", "t", "S0"), pages.Item("1.1", "C", "g", "t", "S0")]
    prose = nbformat.v4.new_markdown_cell("## A", metadata={"covers": ["1.2", "1.1"]})
    code = nbformat.v4.new_code_cell("1", execution_count=1)
    top = nbformat.v4.new_markdown_cell("# 01 · T")

    def said(*cells):
        return list(
            pages.gaps(items, pages.covered({"01_t.ipynb": nbformat.v4.new_notebook(cells=list(cells))}))
        )

    shown = nbformat.v4.new_code_cell(
        "1", execution_count=1, outputs=[nbformat.v4.new_output("stream", text="1")]
    )
    below, beside = nbformat.v4.new_markdown_cell("### B"), nbformat.v4.new_markdown_cell("## B")
    assert said(top, prose, shown) == [] == said(top, prose, below, shown)
    for silent in ([top, prose], [top, prose, code], [top, prose, beside, shown], [shown, top, prose]):
        assert len(said(*silent)) == 1 and said(*silent)[0].startswith("1.2 [F/V] is to be shown")


def test_the_readme_has_a_table_and_keeps_the_rest(built):
    text = (built / "README.md").read_text(encoding="utf-8")
    row = "| [01 · Draw a line](notebooks/01_draw_a_line.ipynb) | Draw one line, and measure its slope. |"
    measured = nbformat.read(names(built)[0], as_version=4).metadata["gan_tutorial"]["seconds"]
    assert f"{row} 15 | 20 | {execute.duration(measured).removeprefix('about ')} |" in text
    link = "[01: Deeper: two lines](notebooks/01_draw_a_line.ipynb#Deeper:-two-lines)"
    assert f"- lines: {link}\n- slope: {link}\n" in text
    assert "old" not in text and text.startswith("# A tree\n") and text.endswith("End.\n")


def test_a_cell_tagged_picture_is_the_readme_s_picture(copy):
    change_source(copy, 'tags=["figure"]', 'tags=["picture"] alt="A line"')
    (copy / "README.md").write_text(
        README + "<!-- picture:begin -->\n<!-- picture:end -->\n", encoding="utf-8"
    )
    assert build.main([], root=copy) == 0
    assert "![A line](notebooks/picture.png)" in (copy / "README.md").read_text(encoding="utf-8")
    assert (copy / "notebooks" / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert build.main(["--check"], root=copy) == 0


def test_badges_appear_only_where_the_address_is_set(copy):
    assert "badge" not in str(cells(names(copy)[0])) and "%pip" not in str(cells(names(copy)[0]))
    address = "https://github.com/someone/gans"
    (copy / "pyproject.toml").write_text(f'[project.urls]\nRepository = "{address}"\n', encoding="utf-8")
    assert build.main([], root=copy) == 0
    for path, folder in zip(names(copy), ("notebooks", "notebooks/solutions"), strict=True):
        first, install = list(cells(path).values())[:2]
        title, _, line = first.source.split("\n")[:3]
        assert title == "# 01 · Draw a line"
        assert f"gh/someone/gans/HEAD?urlpath=lab/tree/{folder}/01_draw_a_line.ipynb" in line
        assert (
            f"colab.research.google.com/github/someone/gans/blob/HEAD/{folder}/01_draw_a_line.ipynb" in line
        )
        assert f'%pip install --quiet "git+{address}"' in install.source and install.execution_count == 1
    assert "mybinder.org" in (copy / "README.md").read_text(encoding="utf-8")
    assert build.main(["--check"], root=copy) == 0


def test_badges_elsewhere_than_github_are_binder_s_only():
    line = badges("https://git.example.org/a/b.git", "notebooks/x.ipynb")
    assert "mybinder.org/v2/git/https%3A%2F%2Fgit.example.org%2Fa%2Fb/HEAD" in line and "colab" not in line


# The real checklist


def test_the_checklist_is_whole():
    items = pages.checklist(ROOT / "notebooks")
    assert len(items) == 140 == len({item.id for item in items})
    for item in items:
        assert set(item.kinds.split("/")) <= set(pages.KINDS) and item.text and item.group
        assert {seed.split(":")[0] for seed in item.seeds.split()} <= set(pages.SEEDS) and item.seeds
    assert sum("X" in item.kinds for item in items) == 3


def test_pictures_are_stored_small_and_look_the_same(monkeypatch):
    import io
    from base64 import b64decode, b64encode

    import matplotlib.pyplot as plt
    import numpy as np
    from PIL import Image

    fig, ax = plt.subplots()
    for shift in range(5):
        ax.plot(np.sin(np.arange(100) / 9 + shift))
    ax.set_title("many edges")
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    plt.close(fig)
    before = b64encode(buffer.getvalue()).decode()
    after = execute.paletted(before)
    assert len(after) < 0.7 * len(before)
    a, b = (np.asarray(Image.open(io.BytesIO(b64decode(p))).convert("RGB")).astype(int) for p in (before, after))
    assert a.shape == b.shape and np.abs(a - b).mean() < 1  # in 128 colours, as all large ones
    assert execute.paletted(after) == after  # a second time changes nothing
    monkeypatch.setattr(execute, "LARGE", 10**9)
    b = np.asarray(Image.open(io.BytesIO(b64decode(execute.paletted(before)))).convert("RGB")).astype(int)
    assert np.abs(a - b).mean() < 0.5  # in 256


def test_colours_that_mean_something_survive_in_a_small_picture():
    """A few marks before a soft field with thousands of shades: they keep their colour, within 4 of 255."""
    import io
    from base64 import b64decode, b64encode

    import matplotlib.pyplot as plt
    import numpy as np
    from matplotlib.colors import to_rgb
    from PIL import Image

    from gan_tutorial.lesson.figures import COLORS, SCORE_MAP

    fig, ax = plt.subplots(figsize=(7, 7))
    x = np.linspace(-1, 1, 300)
    ax.imshow(np.sin(2 * x) * np.cos(3 * x)[:, None], cmap=SCORE_MAP, vmin=-1.4, vmax=1.4, interpolation="bilinear")
    roles = [COLORS[name] for name in ("data", "model", "D", "G")]
    for k, color in enumerate(roles):
        ax.plot([40 + 60 * k], [150], "s", ms=9, mew=0, color=color)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    plt.close(fig)
    small = execute.paletted(b64encode(buffer.getvalue()).decode())
    picture = Image.open(io.BytesIO(b64decode(small)))
    assert picture.mode == "P" and len(picture.getcolors()) <= 128 and len(buffer.getvalue()) > execute.LARGE
    left = np.array([color for _, color in picture.convert("RGB").getcolors()])
    for color in roles:
        assert np.abs(left - 255 * np.array(to_rgb(color))).max(1).min() <= 4


def test_the_command_is_one():
    """It runs as `make build` calls it, and not only when it is imported."""
    script = ROOT / "notebooks" / "authors" / "build.py"
    done = subprocess.run([sys.executable, script, "77"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("There is no source 77; there are 00_start_here, ")
