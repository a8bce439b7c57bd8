"""Train neural networks on the CPU you have, and see whether they are healthy.

``evenkeel.train(x, y)`` trains on arrays or tables and returns a :class:`Run`; ``evenkeel.load`` reads one back.
``evenkeel.estimators`` offers the same as scikit-learn estimators. ``evenkeel.watch(model, optimizer)`` watches a
PyTorch training run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenkeel import errors

try:
    from evenkeel._native import __version__
except ModuleNotFoundError as error:
    if error.name != "evenkeel._native":
        raise
    raise ImportError(
        "evenkeel is not built: its compiled module is missing; run `pip install ./python` in the folder of the project, "
        "or import the installed package from another folder",
        name=error.name,
    ) from error

from evenkeel._knowledge import catalog, explain
from evenkeel._records import Check, Finding, Layer, Rule
from evenkeel._run import Run, load
from evenkeel._training import check, train

if TYPE_CHECKING:
    from evenkeel.watching.expectation import UnhealthyTraining, expect_healthy
    from evenkeel.watching.watch import Watch, watch

__all__ = [
    "Check",
    "Finding",
    "Layer",
    "Rule",
    "Run",
    "UnhealthyTraining",
    "Watch",
    "__version__",
    "catalog",
    "check",
    "errors",
    "expect_healthy",
    "explain",
    "load",
    "train",
    "watch",
]

#: Names of the watch, which needs PyTorch: it is loaded when one of them is used.
_WATCHING = ("UnhealthyTraining", "Watch", "expect_healthy", "watch")


def __getattr__(name: str) -> Any:
    if name in _WATCHING:
        from evenkeel import watching

        return getattr(watching, name)
    raise AttributeError(f"module 'evenkeel' has no attribute '{name}'")
