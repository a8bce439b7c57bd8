"""Train neural networks on the CPU you have, and see whether they are healthy."""

from evenkeel._native import __version__

__all__ = ["__version__"]
