"""The loss, read from the graph of its gradient: its kind, its value without penalties, the labels and its inputs.

PyTorch keeps the values that the backward pass of a loss needs at its node. The labels and log-probabilities of
cross-entropy are read from there, whether the loss was a module, a function, or inside the model, and a loss that was
divided for accumulation or multiplied for mixed precision is read before that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from evenkeel.watching.tensors import extremes

#: Maximum number of nodes examined for one loss.
NODES = 2_000
#: Maximum number of labels counted.
LABELS = 1 << 16
#: Maximum number of classes counted.
CLASSES = 1_000

_NLL = ("NllLossBackward0", "NllLoss2DBackward0")
_LOSSES = {
    "BinaryCrossEntropyWithLogitsBackward0": "bce",
    "BinaryCrossEntropyBackward0": "bce_probabilities",
    "MseLossBackward0": "mse",
    "HuberLossBackward0": "huber",
    "SmoothL1LossBackward0": "huber",
    "L1LossBackward0": "other",
}
#: Nodes that change neither values nor rows.
_TRANSPARENT = (
    "ViewBackward0",
    "UnsafeViewBackward0",
    "ToCopyBackward0",
    "SqueezeBackward0",
    "SqueezeBackward1",
    "AliasBackward0",
)
#: Functions that keep their result.
_RESULTS = ("SoftmaxBackward0", "LogSoftmaxBackward0", "SigmoidBackward0", "TanhBackward0", "ReluBackward0")


@dataclass
class Reading:
    """One loss."""

    #: Kind by its name in the measurement format; None if it is not recognised.
    kind: str | None = None
    #: Mean over the batch, without penalties if the loss is recognised.
    value: float = float("nan")
    #: Class labels of the batch.
    labels: torch.Tensor | None = None
    #: Share of the samples whose predicted class is correct.
    accuracy: float | None = None
    classes: int | None = None
    #: Extremes of the loss's input; None if that is the output of the model, or unknown.
    predictions: dict[str, float] | None = None
    #: True if the input of the loss is the unchanged output of the model.
    of_output: bool = False
    #: True if it depends on a parameter that the optimizer updates, as far as the graph shows.
    owned: bool = False
    #: Marks of the passes through the model that the loss depends on.
    passes: tuple[Any, ...] = ()


def read(loss: torch.Tensor, mark: str, parameters: Collection[torch.Tensor]) -> Reading:
    """Read a loss before its backward pass; ``mark`` marks the outputs of the model, ``parameters`` are those
    that the optimizer updates."""
    reading = Reading(value=float(loss.detach().float().mean()))
    recognised: list[Any] = []
    passes: dict[int, Any] = {}
    seen: set[Any] = set()
    waiting: list[Any] = [loss.grad_fn] if loss.grad_fn is not None else []
    while waiting and len(seen) < NODES:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        marked = node.metadata.get(mark)
        if marked is not None:
            passes[id(marked)] = marked
            continue
        if node.name() == "torch::autograd::AccumulateGrad":
            reading.owned = reading.owned or node.variable in parameters
        if node.name() in _NLL or node.name() in _LOSSES:
            recognised.append(node)
        waiting += [below for below, _ in node.next_functions if below is not None]
    reading.passes = tuple(passes.values())
    if len(recognised) == 1:
        try:
            with torch.no_grad():
                _read_node(recognised[0], mark, reading)
        except (RuntimeError, AttributeError):
            # The tensors of a node may have been freed or overwritten: the value is known nevertheless.
            pass
    return reading


def _read_node(node: Any, mark: str, reading: Reading) -> None:
    values, target = node._saved_self, node._saved_target
    below = _below(node)
    if node.name() in _NLL:
        logits = below is not None and below.name() == "LogSoftmaxBackward0" and below.metadata.get(mark) is None
        # A log-softmax that is a layer of the model is marked; the loss is then one of log-probabilities.
        reading.kind = "cross_entropy" if logits else "nll"
        ignored = int(node._saved_ignore_index)
        ignored = ignored - (1 << 64) if ignored >= 1 << 63 else ignored
        reading.value = float(functional.nll_loss(values.float(), target, _weight(node), ignore_index=ignored))
        _read_labels(values, target, ignored, reading)
        _read_given(_below(below) if logits else below, values, mark, reading, direct=not logits)
        return
    reading.kind = _LOSSES[node.name()]
    reading.value = float(_value(node, values.float(), target.float()))
    if reading.kind in ("bce", "bce_probabilities"):
        _read_given(below, values, mark, reading, direct=True)


def _weight(node: Any) -> torch.Tensor | None:
    weight = node._saved_weight
    return None if weight is None else weight.float()


def _value(node: Any, values: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    if node.name() == "BinaryCrossEntropyWithLogitsBackward0":
        positive = node._saved_pos_weight
        return functional.binary_cross_entropy_with_logits(values, target, _weight(node), pos_weight=positive)
    if node.name() == "BinaryCrossEntropyBackward0":
        return functional.binary_cross_entropy(values, target, _weight(node))
    if node.name() == "HuberLossBackward0":
        return functional.huber_loss(values, target, delta=node._saved_delta)
    if node.name() == "SmoothL1LossBackward0":
        return functional.smooth_l1_loss(values, target, beta=node._saved_beta)
    if node.name() == "L1LossBackward0":
        return functional.l1_loss(values, target)
    return functional.mse_loss(values, target)


def _below(node: Any) -> Any:
    """Return the node before another one, skipping those that change nothing."""
    while node is not None:
        node = next((below for below, _ in node.next_functions if below is not None), None)
        if node is None or node.name() not in _TRANSPARENT:
            return node
    return None


def _read_labels(values: torch.Tensor, target: torch.Tensor, ignored: int, reading: Reading) -> None:
    axis = 1 if values.dim() > 1 else 0
    reading.classes = int(values.shape[axis])
    if target.numel() > LABELS:
        return
    known = target != ignored
    labels = target[known]
    if labels.numel() == 0:
        return
    right = values.argmax(axis)[known] == labels
    reading.labels, reading.accuracy = labels, float(right.float().mean())


def _read_given(node: Any, values: torch.Tensor, mark: str, reading: Reading, *, direct: bool) -> None:
    """Find the input of the loss: the result of a function that keeps it, the values the loss itself keeps, or the
    output."""
    if direct:
        reading.predictions = extremes(values)
    elif node is not None and node.name() in _RESULTS:
        reading.predictions = extremes(node._saved_result)
    elif node is not None and node.metadata.get(mark) is not None:
        reading.of_output = True


def count_classes(labels: torch.Tensor | None, classes: int | None) -> list[int] | None:
    """Return the number of samples of every class; None if they are unknown or too many."""
    if labels is None or labels.dtype.is_floating_point or labels.numel() == 0:
        return None
    highest = max(int(labels.max()) + 1, classes or 0)
    if int(labels.min()) < 0 or highest > CLASSES:
        return None
    return [int(count) for count in torch.bincount(labels.flatten(), minlength=highest).tolist()]
