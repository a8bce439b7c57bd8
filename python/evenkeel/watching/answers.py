"""Outputs of a model in evaluations, and their labels."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from evenkeel.watching.epochs import Epochs
from evenkeel.watching.tensors import tensors_in


class Answers:
    """Finds the loss and the accuracy of outputs computed without gradients: from the loss function that is called
    with them, or from the labels that a data loader yielded together with the input."""

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = epochs
        #: Kind of the training loss.
        self.kind: str | None = None
        #: First tensor of the model's input, its output, and the last batch of a data loader.
        self._given: weakref.ref[torch.Tensor] | None = None
        self._answer: weakref.ref[torch.Tensor] | None = None
        self._batch: list[weakref.ref[torch.Tensor]] = []

    def batch_loaded(self, batch: Any) -> None:
        """A data loader yields a batch."""
        self._batch = [weakref.ref(tensor) for tensor in tensors_in(batch)]

    def entered(self, given: torch.Tensor | None) -> None:
        """The model is called."""
        self._given = weakref.ref(given) if given is not None else None

    def answered(self, training: bool, found: list[torch.Tensor]) -> None:
        """The model returned an output without gradients."""
        self._epochs.evaluation_pass(training, int(found[0].shape[0]) if found and found[0].dim() else 1)
        self._answer = weakref.ref(found[0]) if found else None
        if len(found) == 1:
            self._judge(found[0])

    def _judge(self, output: torch.Tensor) -> None:
        """Compare an output with the labels that the data loader yielded together with the input."""
        batch = [tensor for tensor in (one() for one in self._batch) if tensor is not None and tensor.dim() > 0]
        given = self._given() if self._given is not None else None
        if given is None or not any(tensor.data_ptr() == given.data_ptr() for tensor in batch) or output.dim() != 2:
            return
        labels = [one for one in batch if not one.is_floating_point() and one.shape == output.shape[:1]]
        if len(labels) != 1 or int(labels[0].min()) < 0 or int(labels[0].max()) >= output.shape[1]:
            return
        if self.kind in ("cross_entropy", "nll"):
            logs = output.log_softmax(1) if self.kind == "cross_entropy" else output
            loss = -float(logs.gather(1, labels[0].long().unsqueeze(1)).mean())
            right, samples = right_answers(output, labels[0])
            self._epochs.judge(loss, samples, right or 0)

    def loss_evaluated(self, arguments: tuple[Any, ...], loss: Any) -> None:
        """A loss function was called; it counts if its input is the output of the model."""
        if self._answer is None or len(arguments) < 2 or not isinstance(loss, torch.Tensor):
            return
        values, target = arguments[0], arguments[1]
        if isinstance(values, torch.Tensor) and values is self._answer() and isinstance(target, torch.Tensor):
            right, samples = right_answers(values, target)
            self._epochs.evaluated(float(loss.detach().float().mean()), samples, right)
            self._answer = None


def right_answers(values: torch.Tensor, target: torch.Tensor) -> tuple[int | None, int]:
    """Return the number of correct predictions, if they are of classes, and the number of predictions."""
    classes = values.dim() > 1 and not target.is_floating_point() and target.dim() == values.dim() - 1
    if not classes:
        return None, int(values.shape[0]) if values.dim() else 1
    return int((values.argmax(1) == target).sum()), target.numel()
