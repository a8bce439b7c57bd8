"""The watch: one line beside a training of PyTorch, and what it found."""

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

#: Findings that are certain at once; others are printed when two windows of steps confirm that the training suffers.
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
#: Bytes of measurements that are kept in memory before they go to a temporary file.
_IN_MEMORY = 16 << 20


class Watch:
    """Watches the training of a model; made by :func:`watch`. A context manager, closed at its end."""

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

    # What the loop may say.

    def loss(
        self, loss: torch.Tensor, labels: torch.Tensor | None = None, predictions: torch.Tensor | None = None
    ) -> None:
        """Hand over the loss of a batch, where it is not seen by itself (a loss that ``backward`` is never called on, a
        compiled one) or is another than the one that is minimised.

        Args:
            loss: mean over the batch, a scalar.
            labels: class labels, ``[samples]``.
            predictions: what the loss was given, ``[samples, classes]``.
        """
        classes = int(predictions.shape[1]) if predictions is not None and predictions.dim() > 1 else None
        given = extremes(predictions) if predictions is not None else None
        value = float(loss.detach().float().mean())
        self._recorder.give_loss(Reading(value=value, labels=labels, classes=classes, predictions=given))

    def data(self, inputs: Any, targets: Any = None) -> None:
        """Hand over the training data, so that all of it is judged and not the first batch alone.

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
        """Hand over the result of an evaluation on validation data: mean loss, accuracy in [0, 1]."""
        self._recorder.epochs.give({"validation_loss": loss, "validation_accuracy": accuracy})

    def epoch(
        self,
        *,
        train_loss: float | None = None,
        validation_loss: float | None = None,
        train_accuracy: float | None = None,
        validation_accuracy: float | None = None,
    ) -> None:
        """Say that an epoch is over, with results in evaluation mode as far as there are any. Without a call, epochs
        are told by the data loader that begins again, or by evaluations."""
        results = {
            "train_loss": train_loss,
            "validation_loss": validation_loss,
            "train_accuracy": train_accuracy,
            "validation_accuracy": validation_accuracy,
        }
        self._recorder.end_epoch(results)

    # What was found.

    @property
    def findings(self) -> list[Finding]:
        """All findings, causes first, each followed by its consequences. Their levels follow what became of the
        training, as if it ended here."""
        pending = [json.dumps(record) for record in self._recorder.pending()]
        documents = self._monitor.findings() if self._closed else self._monitor.findings_at_end(pending)
        return [texts.read(text) for text in documents]

    @property
    def alarms(self) -> list[Finding]:
        """The findings that say that something should change: of level warn or error."""
        return [finding for finding in self.findings if texts.is_alarm(finding)]

    @property
    def failure(self) -> Exception | None:
        """The error that ended the watch, if one did: the training goes on without it."""
        return self._recorder.failure

    @property
    def steps(self) -> int:
        """Steps recorded so far."""
        return self._recorder.step

    def save(self, path: str | Path) -> None:
        """Write the measurements, one JSON object a line, for ``evenkeel diagnose``."""
        self._lines.flush()
        self._lines.seek(0)
        with open(path, "w", encoding="utf-8") as file:
            shutil.copyfileobj(self._lines, file)
        self._lines.seek(0, 2)

    def report(self, path: str | Path) -> None:
        """Write a page with findings, curves and layers: one HTML file that needs nothing else."""
        text = page.render(self._name, self._series, self.findings, self._monitor.outcome(), ended=self._closed)
        Path(path).write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Remove all hooks and judge the run as a whole. What was found stays readable."""
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
    """Close what is open: a program that ends without closing its watch hears what was found all the same."""
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
    """Watch the training of a model: every layer is measured through hooks, the health rules judge, findings are
    printed.

    Nothing of the training changes: neither random numbers nor running statistics, and losses are the same to the
    last bit.

    Args:
        model: any module. If it is to be compiled, its parameters, gradients and loss are measured, its outputs are
        not. optimizer: the optimiser of its parameters.
        loss: kind of the loss (``cross_entropy``, ``nll``, ``bce``, ``bce_probabilities``, ``hinge``, ``mse``,
            ``huber``, ``other``) or the loss module; read from the graph of the gradient if it is not given.
        every: every how many steps layers are measured. The first 16 steps are measured all; the loss, the classes, the
            mode and which units fired are looked at in every step.
        classes: number of classes; read from the loss if it is not given.
        batch_size: samples of a batch; read from the input.
        samples_per_epoch: samples of the training split; read from the data loader.
        report: takes each finding as text when it is made, ``print`` for example; None keeps silent.

    Returns:
        The watch. Close it, or use it in a ``with`` statement, when the training is over.

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
