"""GANs as two samplers, two networks and three curves: the small package behind the notebooks."""

import importlib.abc
import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

__version__ = "0.1.0"

# The threads of GNU's OpenMP, which torch brings on Linux, turn in a loop 300,000 times before they sleep. Alone that
# saves a little time; of two trainings at once on two cores it leaves each a fifth of its speed. With 2,000 turns each
# keeps twice as much, and alone nothing is lost that can be told from noise (`make bench`, "two at once"). It is read
# when torch is loaded, and notebooks load that first: in an environment of `install.py` each kernel begins with this,
# and `environment.yml` sets it for conda's.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

# What lay side by side before there were rooms, by its place now: programs of others go on, `gan_tutorial.networks` is
# `gan_tutorial.game.networks`. Nothing here is imported before somebody asks for it.
_ROOMS = {
    "game": ("graph", "networks", "objectives", "saved"),
    "truth": ("critics", "densities", "divergences", "quadrature", "saddle", "transport"),
    "clothes": ("classifier", "data", "garments", "recipes", "recordings", "score", "stand_in"),
    "lesson": ("exercises", "facts", "figures", "laboratory", "live", "profile"),
}


class _Moved(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    PLACES = {name: f"{room}.{name}" for room, names in _ROOMS.items() for name in names}

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        words = name.split(".")
        return ModuleSpec(name, self) if words[0] == __name__ and words[1:2] and words[1] in self.PLACES else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        _, name, *inside = module.__name__.split(".")
        sys.modules[module.__name__] = importlib.import_module(".".join([__name__, self.PLACES[name], *inside]))


sys.meta_path.insert(0, _Moved())  # first: inside a package that is known by two names, the usual way would load twice
