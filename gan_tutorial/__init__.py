"""GANs as two samplers, two networks and three curves: the small package behind the notebooks."""

import os

__version__ = "0.1.0"

# Threads that wait for work, as OpenMP's do, keep their core busy while they wait, unless they are told not to: two
# trainings at once on two cores would each run at a sixth of their speed. OpenMP reads this once, when torch loads it;
# kernels inherit it from the server that `make lab` starts, and from `gan-tutorial run`.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
