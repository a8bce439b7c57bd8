"""The watch of a PyTorch training run, and its findings."""

from __future__ import annotations

import atexit
import json
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from evenkeel import _native
from evenkeel._records import Finding
from evenkeel.watching import records
from evenkeel.watching.hooks import Structure
from evenkeel.watching.losses import Reading
from evenkeel.watching.recorder import Recorder, Settings
from evenkeel.watching.reporting import findings as texts
from evenkeel.watching.reporting import page
from evenkeel.watching.reporting.series import Series
from evenkeel.watching.tensors import extremes

#: Rules whose findings are printed at once; others are printed when two windows of steps confirm them.
_AT_ONCE = ("K001", "K006", "K008", "K030")
_WINDOWS = 2
_LOSSES = {
    nn.CrossEntropyLoss: "cross_entropy",
    nn.NLLLoss: "nll",
    nn.BCEWithLogitsLoss: "bce",
    nn.BCELoss: "bce_probabilities",
    nn.MSELoss: "mse",
    nn.HuberLoss: "huber",
    nn.SmoothL1Loss: "huber",
    nn.MultiMarginLoss: "hinge",
}
#: Maximum bytes of measurements in memory; more go to a temporary file.
_IN_MEMORY = 16 << 20


class Watch:
    """Watches the training of a model; created by :func:`watch`. A context manager that closes itself."""

    def __init__(self, structure: Structure, settings: Settings, report: Callable[[str], None] | None) -> None:
        self._monitor = _native.Monitor()
        self._lines: IO[str] = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")
        self._series = Series()
        self._print = report
        self._printed: set[tuple[str, str | None]] = set()
        self._windows = 0
        self._closed = False
        self._name = type(structure.original).__name__
        self._recorder = Recorder(structure, settings, self._take, self._say)
        _open.add(self)

    # Reports of the loop.

    def loss(
        self, loss: torch.Tensor, labels: torch.Tensor | None = None, predictions: torch.Tensor | None = None
    ) -> None:
        """Report the loss of a batch, if it is not detected (``backward`` is never called on it, or it is
        compiled) or differs from the one that is minimised.

        Args:
            loss: mean over the batch, a scalar.
            labels: class labels, ``[samples]``.
            predictions: input of the loss, ``[samples, classes]``.
        """
        classes = int(predictions.shape[1]) if predictions is not None and predictions.dim() > 1 else None
        given = extremes(predictions) if predictions is not None else None
        value = float(loss.detach().float().mean())
        self._recorder.give_loss(Reading(value=value, labels=labels, classes=classes, predictions=given))

    def data(self, inputs: Any, targets: Any = None) -> None:
        """Report the training data, so that all of it is checked instead of only the first batch.

        Args:
            inputs: ``[samples, features]`` or ``[samples, channels, height, width]``, as the model gets them.
            targets: class labels ``[samples]``, or values to predict.
        """
        values = torch.as_tensor(np.asarray(inputs) if not isinstance(inputs, torch.Tensor) else inputs)
        record = records.inputs(values.float(), 1 if values.dim() == 4 else -1)
        record["samples"] = int(values.shape[0])
        if targets is not None:
            truth = torch.as_tensor(np.asarray(targets) if not isinstance(targets, torch.Tensor) else targets)
            record.update(records.targets(truth, self._recorder.settings.classes))
        self._recorder.give_data(record)

    def validation(self, loss: float | None = None, accuracy: float | None = None) -> None:
        """Report the result of an evaluation on validation data: mean loss, accuracy in [0, 1]."""
        self._recorder.epochs.give({"validation_loss": loss, "validation_accuracy": accuracy})

    def epoch(
        self,
        *,
        train_loss: float | None = None,
        validation_loss: float | None = None,
        train_accuracy: float | None = None,
        validation_accuracy: float | None = None,
    ) -> None:
        """Report the end of an epoch, with results in evaluation mode if there are any. Without this call, epochs
        are detected when the data loader starts again, or by evaluations."""
        results = {
            "train_loss": train_loss,
            "validation_loss": validation_loss,
            "train_accuracy": train_accuracy,
            "validation_accuracy": validation_accuracy,
        }
        self._recorder.end_epoch(results)

    # Findings.

    @property
    def findings(self) -> list[Finding]:
        """All findings, causes first, each followed by its consequences. Their levels are adjusted to the outcome
        of training, as if it ended here."""
        pending = [json.dumps(record) for record in self._recorder.pending()]
        documents = self._monitor.findings() if self._closed else self._monitor.findings_at_end(pending)
        return [texts.read(text) for text in documents]

    @property
    def alarms(self) -> list[Finding]:
        """Findings of level warn or error: something should change."""
        return [finding for finding in self.findings if texts.is_alarm(finding)]

    @property
    def failure(self) -> Exception | None:
        """Error that ended the watch, if any; training continues without the watch."""
        return self._recorder.failure

    @property
    def steps(self) -> int:
        """Steps recorded so far."""
        return self._recorder.step

    def save(self, path: str | Path) -> None:
        """Write the measurements, one JSON object per line, for ``evenkeel diagnose``."""
        self._lines.flush()
        self._lines.seek(0)
        with open(path, "w", encoding="utf-8") as file:
            shutil.copyfileobj(self._lines, file)
        self._lines.seek(0, 2)

    def report(self, path: str | Path) -> None:
        """Write a page with findings, curves and layers as one self-contained HTML file."""
        text = page.render(self._name, self._series, self.findings, self._monitor.outcome(), ended=self._closed)
        Path(path).write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Remove all hooks and apply the rules for the whole run. The findings remain available."""
        if self._closed:
            return
        _open.discard(self)
        self._recorder.close()
        self._monitor.end()
        self._closed = True
        self._report(self.findings)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        found = [f"{finding.level} {finding.code}" for finding in self.alarms]
        return f"<Watch of {self._name}: {self.steps} steps, {', '.join(found) or 'nothing to report'}>"

    # Records.

    def _take(self, record: dict[str, Any]) -> None:
        line = json.dumps(record)
        self._lines.write(line + "\n")
        self._series.take(record)
        news = [texts.read(text) for text in self._monitor.record(line)]
        certain = {(finding.code, finding.layer) for finding in news if finding.code in _AT_ONCE}
        windows = self._monitor.closed_windows()
        if certain or windows > max(self._windows, _WINDOWS - 1):
            found = [texts.read(text) for text in self._monitor.tempered_findings()]
            self._report([one for one in found if windows >= _WINDOWS or (one.code, one.layer) in certain])
        self._windows = windows

    def _report(self, findings: list[Finding]) -> None:
        for finding in findings:
            key = (finding.code, finding.layer)
            if texts.is_alarm(finding) and texts.is_cause(finding) and key not in self._printed:
                self._printed.add(key)
                self._say(f"step {self._recorder.step}: {texts.describe(finding)}")

    def _say(self, words: str) -> None:
        if self._print is not None:
            self._print(f"evenkeel: {words}")


_open: weakref.WeakSet[Watch] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close open watches, so that a program that ends without closing its watch still prints the findings."""
    for watch in list(_open):
        watch.close()


def to_stderr(words: str) -> None:
    """Print to standard error."""
    print(words, file=sys.stderr, flush=True)


def watch(
    model: nn.Module,
    optimizer: Optimizer,
    *,
    loss: str | nn.Module | None = None,
    every: int = 10,
    classes: int | None = None,
    batch_size: int | None = None,
    samples_per_epoch: int | None = None,
    report: Callable[[str], None] | None = to_stderr,
) -> Watch:
    """Watch the training of a model: measure every layer through hooks, apply the health rules, print findings.

    Training itself does not change: random numbers, running statistics and losses are the same to the last bit.

    Args:
        model: any module. If it is compiled, its parameters, gradients and loss are measured, but not its outputs.
        optimizer: the optimizer of its parameters.
        loss: kind of the loss (``cross_entropy``, ``nll``, ``bce``, ``bce_probabilities``, ``hinge``, ``mse``,
            ``huber``, ``other``) or the loss module; read from the graph of the gradient if it is not given.
        every: number of steps between measurements of layers. The first 16 steps are all measured; the loss, the
            classes, the mode and the units that fired are recorded in every step.
        classes: number of classes; read from the loss if it is not given.
        batch_size: samples of a batch; read from the input.
        samples_per_epoch: samples of the training split; read from the data loader.
        report: function that takes each finding as text, such as ``print``; None prints nothing.

    Returns:
        The watch. Use it in a ``with`` statement, or close it when training has ended.

    Example:
        >>> import torch, evenkeel
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with evenkeel.watch(model, optimizer) as watch:
        ...     for _ in range(3):
        ...         loss = torch.nn.functional.cross_entropy(model(torch.randn(16, 4)), torch.randint(2, (16,)))
        ...         optimizer.zero_grad()
        ...         loss.backward()
        ...         optimizer.step()
        >>> watch.steps
        3
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; give the torch.nn.Module that is trained")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}; give the torch.optim.Optimizer that updates the model"
        )
    if every < 1:
        raise ValueError(f"every is {every}; give the number of steps between measurements, at least 1")
    return Watch(
        Structure(model, optimizer), Settings(_loss_name(loss), classes, every, batch_size, samples_per_epoch), report
    )


def _loss_name(loss: str | nn.Module | None) -> str | None:
    names = (*dict.fromkeys(_LOSSES.values()), "other")
    if isinstance(loss, nn.Module):
        return next((name for kind, name in _LOSSES.items() if isinstance(loss, kind)), "other")
    if loss is not None and loss not in names:
        raise ValueError(f"loss is '{loss}'; expected one of {', '.join(names)}, or a loss module")
    return loss
