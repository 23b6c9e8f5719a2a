"""GANs as two samplers, two networks and three curves: the small package behind the notebooks."""

__version__ = "0.1.0"
