"""Watching a Lightning training run: ``Trainer(callbacks=[evenkeel.watching.lightning.Callback()])``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback as _Base  # type: ignore[import-not-found,unused-ignore]
from lightning.pytorch import LightningModule, Trainer
from torch.optim import Optimizer

from evenkeel.watching.watch import Watch, watch

#: Names under which modules log validation results.
_RESULTS = {
    "validation_loss": ("val_loss", "valid_loss", "validation_loss"),
    "validation_accuracy": ("val_acc", "val_accuracy", "valid_acc", "validation_accuracy"),
}


class Callback(_Base):  # type: ignore[misc,unused-ignore]
    """Watches ``fit``. Validation results are those that the module logs as ``val_loss`` and ``val_acc``.

    Args:
        report: a file; the page is written there at the end.
        settings: as for :func:`evenkeel.watch`.

    The watch is ``callback.watch`` from the beginning of ``fit`` on. Modules with several optimizers are watched
    through the first one.
    """

    def __init__(self, report_to: str | Path | None = None, **settings: Any) -> None:
        self.watch: Watch | None = None
        self._report_to = report_to
        self._settings = settings

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start to watch, once the optimizer exists."""
        optimizer: Optimizer = trainer.optimizers[0]
        self.watch = watch(pl_module, optimizer, **self._settings)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the results of the epoch after its validation."""
        if self.watch is not None:
            logged = {name: float(value) for name, value in trainer.callback_metrics.items() if value.numel() == 1}
            found = {
                result: next((logged[name] for name in names if name in logged), None)
                for result, names in _RESULTS.items()
            }
            self.watch.epoch(**found)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close the watch."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Close the watch of a training run that was interrupted."""
        self._close()

    def _close(self) -> None:
        if self.watch is not None:
            self.watch.close()
            if self._report_to is not None:
                self.watch.report(self._report_to)
