"""What Sphinx does not know of JupyterLab's headings: their fragments, and that some are folded."""

from __future__ import annotations

import re
from html import escape

from docutils import nodes

MARK = "<!-- deeper -->"  # stands under the heading of a section that JupyterLab stores folded


def fragment(heading: str) -> str:
    """One form for a heading, and for the fragments that JupyterLab and GitHub make of it."""
    return re.sub(r"[\W_]+", "-", heading.lower()).strip("-") or "section"


def fold(app, doctree: nodes.document, docname: str) -> None:
    """Put what follows the heading and the first paragraph of a marked section into a <details>."""
    for mark in [node for node in doctree.findall(nodes.raw) if node.astext().strip() == MARK]:
        section, place = mark.parent, mark.parent.index(mark)
        section.remove(mark)
        inside = section.children[place + 1:]
        if not isinstance(section, nodes.section) or not inside:
            continue
        title = section.next_node(nodes.title).astext().removeprefix("Deeper: ")
        begin = f'<details class="deeper"><summary>Open: {escape(title)}</summary>'
        section[place + 1:] = [nodes.raw("", begin, format="html"), *inside, nodes.raw("", "</details>", format="html")]


def setup(app) -> dict:
    app.connect("doctree-resolved", fold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
