"""Watching a Hugging Face training run: ``Trainer(..., callbacks=[evenkeel.watching.transformers.Callback()])``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer
from transformers import (  # type: ignore[import-not-found,unused-ignore]
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from evenkeel.watching.watch import Watch, watch


class Callback(TrainerCallback):  # type: ignore[misc,unused-ignore]
    """Watches ``trainer.train()``. Evaluation results are those that the trainer logs as ``eval_loss`` and
    ``eval_accuracy``.

    Args:
        report_to: a file; the page is written there at the end.
        settings: as for :func:`evenkeel.watch`.

    The watch is ``callback.watch`` from the start of training.
    """

    def __init__(self, report_to: str | Path | None = None, **settings: Any) -> None:
        self.watch: Watch | None = None
        self._report_to = report_to
        self._settings = settings

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any
    ) -> None:
        """Start to watch, once the optimizer exists."""
        model: nn.Module = named["model"]
        self.watch = watch(model, plain(named["optimizer"]), **self._settings)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any) -> None:
        """Take the results of an evaluation."""
        metrics = named.get("metrics") or {}
        if self.watch is not None:
            self.watch.validation(metrics.get("eval_loss"), metrics.get("eval_accuracy"))

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any) -> None:
        """Close the watch."""
        if self.watch is not None:
            self.watch.close()
            if self._report_to is not None:
                self.watch.report(self._report_to)


def plain(optimizer: Any) -> Optimizer:
    """Return the optimizer that Accelerate wraps."""
    while not isinstance(optimizer, Optimizer) or not hasattr(optimizer, "_optimizer_step_pre_hooks"):
        optimizer = optimizer.optimizer
    return optimizer
