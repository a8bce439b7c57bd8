"""Tests that require a healthy training run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.optim import Optimizer

from evenkeel._records import Finding
from evenkeel.watching.reporting.findings import describe
from evenkeel.watching.watch import Watch, watch


class UnhealthyTraining(AssertionError):
    """A training run that was expected to be healthy has findings."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("\n".join(["the training is not healthy:", *map(describe, findings)]))


@contextmanager
def expect_healthy(model: nn.Module, optimizer: Optimizer, **settings: Any) -> Iterator[Watch]:
    """Watch the training run inside a ``with`` statement and raise if there is a finding of level warn or error.

    Args:
        model, optimizer, settings: as for :func:`evenkeel.watch`; every step is measured unless ``every`` is
        given.

    Raises:
        Exception: the error that ended the watch, if one did.
        UnhealthyTraining: an ``AssertionError`` with the findings in ``findings``.
    """
    watched = watch(model, optimizer, **{"every": 1, "report": None, **settings})
    try:
        yield watched
    finally:
        watched.close()
    if watched.failure is not None:
        raise watched.failure
    if watched.alarms:
        raise UnhealthyTraining(watched.alarms)
