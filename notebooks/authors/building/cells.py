"""What one cell holds: its tags and headings, what a reader sees of its code, whether it draws."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

STUB = "...  # your code here"
SOLUTION = re.compile(r"^([ \t]*)# solution[ \t]*$", re.M)
DRAWING = {"subplots", "figure", "explore"}  # a cell that calls one of these shows a picture


def tags(cell: NotebookNode) -> list[str]:
    """Of a cell; none is an empty list."""
    return cell.metadata.get("tags", [])


def stub(code: str) -> str:
    """`code` without its solutions: what follows `# solution`, as far as it is indented like that comment.

    In a function the stub raises NotImplementedError; at the top level each name it assigns becomes `...`.
    """
    while match := SOLUTION.search(code):
        indent = match[1]
        before, after = code[: match.start()], code[match.end() :].lstrip("\n").split("\n")
        end = next(
            (i for i, line in enumerate(after) if line.strip() and not line.startswith(indent)), len(after)
        )
        solution, rest = textwrap.dedent("\n".join(after[:end])), "\n".join(after[end:])
        lines = ["raise NotImplementedError  # your code here"] if indent else _unknown(solution)
        blank = "\n\n" if rest.strip() else ""
        code = before + "\n".join(indent + line for line in lines) + blank + rest
    return code


def headings(cell: NotebookNode) -> list[tuple[int, str]]:
    """(level, text) of the headings of a cell, code fences left out."""
    if cell.cell_type != "markdown":
        return []
    text = re.sub(r"^```.*?^```", "", cell.source, flags=re.M | re.S)
    return [(len(marks), words.strip()) for marks, words in re.findall(r"^(#{1,6}) (.+)", text, re.M)]


def anchor(heading: str) -> str:
    """The fragment under which JupyterLab finds a heading: its words, joined by hyphens."""
    return re.sub(r"[*_`]", "", heading).replace(" ", "-").replace("(", "%28").replace(")", "%29")


def draws(cell: NotebookNode) -> bool:
    """Whether running it shows a picture."""
    if {"figure", "picture", "widget"} & set(tags(cell)):
        return True
    tree = ast.parse(TransformerManager().transform_cell(cell.source))
    return any(called(node.func) in DRAWING for node in _now(tree) if isinstance(node, ast.Call))


def called(function: ast.expr) -> str:
    """The last part of the name of what is called."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _now(tree: ast.AST) -> Iterator[ast.AST]:
    # What runs when the cell runs: not the bodies of functions that it defines.
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from _now(node)


def _unknown(solution: str) -> list[str]:
    tree = ast.parse(TransformerManager().transform_cell(solution))
    names = [name for node in tree.body for name in _binds(node)]
    return [f"{name} = {STUB}" for name in dict.fromkeys(names)] or [STUB]


def _binds(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return [name for target in getattr(node, "targets", None) or [node.target] for name in _binds(target)]
    if isinstance(node, ast.Tuple | ast.List):
        return [name for part in node.elts for name in _binds(part)]
    return [node.id] if isinstance(node, ast.Name) else []
