"""GANs as two samplers, two networks and three curves: the small package behind the notebooks."""

import os

__version__ = "0.1.0"

# The threads of GNU's OpenMP, which torch brings on Linux, turn in a loop 300,000 times before they sleep. Alone that
# saves a little time; of two trainings at once on two cores it leaves each a fifth of its speed. With 2,000 turns each
# keeps twice as much, and alone nothing is lost that can be told from noise (`make bench`, "two at once"). It is read
# when torch is loaded; kernels inherit it from the server that `make lab` starts, and from `gan-tutorial run`.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
