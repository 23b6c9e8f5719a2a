"""List the sentences that an author must decide about: `python notebooks/authors/claims.py [02 03 ...]`.

Brings `source/claims/NN.tsv` up to date: new sentences get the decision `?`, those that are gone go. Replace each `?`
by one of the decisions that are listed; a test fails until none is left, and until each thing named holds.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks" / "authors"))

from building.claims import KINDS, update  # noqa: E402


def main(names: list[str]) -> int:
    """Returns 1 if anything is undecided."""
    left = 0
    for source in sorted((ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py")):
        if not names or source.stem[:2] in names:
            path, new = update(source)
            left += new
            print(f"{path.relative_to(ROOT)}: {new} to decide")
    if left:
        print("\n" + "\n".join(f"{name:8} {meaning}" for name, meaning in KINDS.items()))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
