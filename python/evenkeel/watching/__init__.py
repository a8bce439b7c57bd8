"""Watching a PyTorch training run: ``evenkeel.watch(model, optimizer)``."""

from evenkeel.watching.expectation import UnhealthyTraining, expect_healthy
from evenkeel.watching.watch import Watch, watch

__all__ = ["UnhealthyTraining", "Watch", "expect_healthy", "watch"]
