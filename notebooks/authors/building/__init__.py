"""How `build.py` makes the notebooks: assemble, execute, look at the result, write the pages about them."""


class BuildError(Exception):
    """A sentence for the author: which notebook, which cell, what to do."""
