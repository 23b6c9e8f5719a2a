"""What the text says that could be wrong, and what holds it: a decision of the author for each such sentence.

A sentence that holds a number or a word of comparison may say what was measured. `source/claims/NN.tsv` has a line for
each of notebook NN: a decision, a tab, the sentence. The decisions are those of `KINDS`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from gan_tutorial.lesson import facts

KINDS = {
    "row": "held by a row of the ledger, whose claim begins so",
    "assert": "held by an assertion of the notebook, which contains this code",
    "test": "held by a test: tests/test_file.py::test_name",
    "theory": "follows from mathematics that is given or cited there",
    "source": "a fact of the literature or of the data, with its source",
    "setting": "a number that is chosen, not measured",
    "task": "a question, a guess that is asked for, an exercise, advice",
    "plain": "says nothing about a measurement",
}
HELD = {"row", "assert", "test"}  # these name what holds the sentence
OPEN = "?"

WORDS = re.compile(
    r"\b(lost|los(es?|ing)|wins?|won|surviv\w+|behind|ahead|beats?|better|worse|(more|less) often|seldom|rarely|always"
    r"|never|faster|slower|quicker|sooner|larger than|smaller than|largest|smallest|twice|half of|at (least|most)"
    r"|collaps\w+|explod\w+|fail(s|ed)?|improv\w+|stands? still|falls?|grows?|rises?|(nearly|almost) (all|every|no\w*)"
    r"|hardly|barely|in (all|every|each|both)|(every|each|all|both|no) (seeds?|runs?|trainings?)"
    r"|(two|three|four|five|six|seven|eight|nine|ten|twenty) (seeds|runs|trainings|times|of))\b",
    re.IGNORECASE,
)
# Numbers that are names of things, or of places
NAMED = re.compile(
    r"\b([Nn]otebooks?|[Ee]xercises?|[Ss]ections?|[Ff]igures?|[Tt]ables?|eqs?\.|secs?\.|figs?\.|[Aa]lgorithm|hands-on)"
    r" ?[A-Z]?\d[\d.]*((,| and| to|-) ?\d[\d.]*)*|\b(19|20)\d\d\b|\b0\d( · )?\b"
)
ESTIMATE = re.compile(r"\d\.\d|\\approx")  # in a formula, other numbers are mathematics


def claims(nb: NotebookNode) -> Iterator[str]:
    """The sentences of an assembled notebook, or of its source, that hold a number or a word of comparison."""
    seen = set()
    for cell in nb.cells:
        texts = [cell.source] if cell.cell_type == "markdown" else []
        for text in [*texts, cell.metadata.get("alt") or ""]:
            for sentence in sentences(text):
                if suspicious(sentence) and sentence not in seen:
                    seen.add(sentence)
                    yield sentence


def sentences(text: str) -> list[str]:
    """Sentences, headings, list items and rows of tables, each in one line; no code and no displayed formulas."""
    text = re.sub(r"^```.*?^```", "\n\n", text, flags=re.M | re.S)
    text = re.sub(r"\$\$.*?\$\$", "\n\n", text, flags=re.S)
    text = re.sub(r"^(#+ )\d+(\.\d+|\.) ", r"\1", text, flags=re.M)  # numbers of headings
    text = re.sub(r"^\s*\d+\. ", "\n", text, flags=re.M)  # and of list items
    parts = re.split(r"\n\s*\n|\n(?=\s*[-*] )|\n(?=\||#)|(?<=\|)\n", text)
    ends = r"(?<=[.!?:])[*_)\"”]* +(?=[^a-z ])"
    found = [" ".join(s.split()) for part in parts for s in re.split(ends, " ".join(part.split()))]
    return [s for s in found if s]


def suspicious(sentence: str) -> bool:
    """Whether it holds a number that is not the name of something, or a word of comparison."""
    words = re.sub(r"\$([^$]*)\$", lambda formula: " 7 " if ESTIMATE.search(formula[1]) else " ", sentence)
    words = re.sub(r"`[^`]*`|\]\([^)]*\)|<[^>]*>|\{\{\w+\}\}", " ", words)
    words = NAMED.sub(" ", words)
    return bool(re.search(r"\d", words) or WORDS.search(words))


def decisions(path: Path) -> dict[str, str]:
    """Sentence -> decision, as the author wrote them down."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {sentence: decision for decision, sentence in (line.split("\t", 1) for line in lines)}


def update(source: Path) -> tuple[Path, int]:
    """Add what is undecided, drop what is gone, in the order of the text.  -> the file, how many are undecided"""
    path = source.parent / "claims" / f"{source.stem[:2]}.tsv"
    known = decisions(path)
    now = {sentence: known.get(sentence, OPEN) for sentence in claims(jupytext.read(source, fmt="py:percent"))}
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{decision}\t{sentence}\n" for sentence, decision in now.items()), encoding="utf-8")
    return path, sum(decision == OPEN for decision in now.values())


def undecided(source: Path, stored: NotebookNode, root: Path) -> Iterator[str]:
    """What is wrong with the decisions about a source: sentences without one, and decisions that hold nothing."""
    nb = jupytext.read(source, fmt="py:percent")
    known = decisions(source.parent / "claims" / f"{source.stem[:2]}.tsv")
    now = list(claims(nb))
    for sentence in [s for s in known if s not in now]:
        yield f"a decision about a sentence that is gone: {sentence!r}"
    rows, asserted = [row.claim for row in facts.read(stored)], "\n".join(_assertions(nb))
    for sentence in now:
        kind, _, by = known.get(sentence, OPEN).partition(": ")
        if kind not in KINDS or (kind in HELD) != bool(by):
            yield f"no decision, or none of {', '.join(KINDS)}, about: {sentence!r}"
        elif kind == "row" and not any(claim.startswith(by) for claim in rows):
            yield f"no row of the ledger begins with {by!r}, which is to hold: {sentence!r}"
        elif kind == "assert" and by not in asserted:
            yield f"no assertion contains {by!r}, which is to hold: {sentence!r}"
        elif kind == "test" and not _is_test(root, by):
            yield f"there is no test {by}, which is to hold: {sentence!r}"


def _assertions(nb: NotebookNode) -> Iterator[str]:
    for cell in nb.cells:
        if cell.cell_type == "code":
            code = TransformerManager().transform_cell(cell.source)
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.Assert):
                    yield ast.get_source_segment(code, node)


def _is_test(root: Path, name: str) -> bool:
    path, _, function = name.partition("::")
    file = root / path
    return file.is_file() and bool(re.search(rf"^def {re.escape(function)}\(", file.read_text(encoding="utf-8"), re.M))
