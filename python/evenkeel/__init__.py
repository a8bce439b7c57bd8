"""Train neural networks on the CPU you have, and see whether they are healthy.

``evenkeel.train(x, y)`` trains on arrays or tables and returns a :class:`Run`; ``evenkeel.load`` reads one back.
``evenkeel.estimators`` has the same as scikit-learn estimators.
"""

from evenkeel import errors
from evenkeel._knowledge import catalog, explain
from evenkeel._native import __version__
from evenkeel._records import Check, Finding, Layer, Rule
from evenkeel._run import Run, load
from evenkeel._training import check, train

__all__ = [
    "Check",
    "Finding",
    "Layer",
    "Rule",
    "Run",
    "__version__",
    "catalog",
    "check",
    "errors",
    "explain",
    "load",
    "train",
]
