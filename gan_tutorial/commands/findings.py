"""What the doctor found: lines of text, and how they look in a terminal and in a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass

SIGNS = {"ok": "✓", "note": "!", "problem": "✗"}
COLOURS = {"ok": "#1a7f37", "note": "#9a6700", "problem": "#cf222e"}  # each with its word beside it


@dataclass(frozen=True)
class Line:
    """One finding: `state` is ok, note (it works, but read this) or problem (it will not work)."""

    what: str
    state: str
    text: str
    remedy: str = ""


class Report(list[Line]):
    """The findings, shown as plain text in a terminal and as a table in a notebook."""

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way."""
        return all(line.state != "problem" for line in self)

    @property
    def verdict(self) -> str:
        """The one sentence to read."""
        problems = ", ".join(line.what for line in self if line.state == "problem")
        if problems:
            return f"Not ready: see {problems}."
        return (
            "Ready." if all(line.state == "ok" for line in self) else "Ready; the notes say what to expect."
        )

    def __str__(self) -> str:
        width = max(len(line.what) for line in self)
        rows = []
        for line in self:
            rows.append(f"{SIGNS[line.state]} {line.state:7}  {line.what:{width}}  {line.text}")
            if line.remedy:
                rows.append(f"{'':{width + 12}}-> {line.remedy}")
        return "\n".join([*rows, "", self.verdict])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = []
        for line in self:
            sign = f'<span style="color:{COLOURS[line.state]}">{SIGNS[line.state]}</span> {line.state}'
            remedy = f"<br><i>{html.escape(line.remedy)}</i>" if line.remedy else ""
            cells = (sign, html.escape(line.what), html.escape(line.text) + remedy)
            rows.append(
                "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"
            )
        return f"<table><tbody>{''.join(rows)}</tbody></table><p><b>{html.escape(self.verdict)}</b></p>"
