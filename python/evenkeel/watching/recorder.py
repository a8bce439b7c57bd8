"""Follows a training run through hooks and writes records of its measurements."""

from __future__ import annotations

import copy
import functools
import itertools
import math
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from torch import nn

from evenkeel.watching import interception, kinds, losses, records, tensors, updates
from evenkeel.watching.answers import Answers
from evenkeel.watching.epochs import Epochs
from evenkeel.watching.graph import Trace
from evenkeel.watching.hooks import Structure
from evenkeel.watching.layers import Layer
from evenkeel.watching.losses import Reading
from evenkeel.watching.passes import Measured, Pass, joined
from evenkeel.watching.records import Record
from evenkeel.watching.updates import Updates

#: Number of steps at the beginning that are all measured.
FIRST = 16
#: Maximum number of passes collected before the first update.
GATHERED = 32
#: Maximum number of remembered passes without a backward pass.
REMEMBERED = 256
#: Maximum number of values of an output whose extremes are taken in every step.
SMALL = 1 << 16

_marks = itertools.count()

_COMPILED = (
    "the layers ran inside a compiled model: parameters, gradients, updates and the loss are measured, outputs are "
    "not; watch the model without torch.compile to see them"
)


Event = TypeVar("Event", bound=Callable[..., None])


def _guarded(event: Event) -> Event:
    """Keep an error of the watch away from the training run: the watch ends and reports it."""

    @functools.wraps(event)
    def guarded(self: Recorder, *arguments: Any) -> None:
        if self.failure is None:
            try:
                event(self, *arguments)
            except Exception as error:
                self.fail(error)

    return cast(Event, guarded)


@dataclass
class Settings:
    """Settings given by the user."""

    loss: str | None = None
    classes: int | None = None
    every: int = 10
    batch_size: int | None = None
    samples_per_epoch: int | None = None


class Recorder:
    """Follows one model and its optimizer. Every record goes to ``emit``, messages for the user to ``note``."""

    def __init__(
        self,
        structure: Structure,
        settings: Settings,
        emit: Callable[[Record], None],
        note: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.epochs = Epochs()
        self.step = 0
        #: The error that ended the watch.
        self.failure: Exception | None = None
        self._structure = structure
        self._model = structure.model
        self._emit, self._note = emit, note
        self._mark = f"evenkeel.{next(_marks)}"
        self._trace: Trace | None = Trace(self._mark + ".layer")
        self._layers: list[Layer] = []
        self._layer_of: dict[nn.Module, Layer] = {}
        self._data: Record | None = None
        self._data_is_given = False
        #: Samples of the first step, which the data record describes.
        self._first_batch = 1
        self._updates = Updates(structure.original, structure.optimizer)
        self._updated = False
        self._answers = Answers(self.epochs)
        self._told: set[str] = set()
        self._clear()
        self._hooks = structure.hooks(self)
        interception.listen(self)

    def _clear(self) -> None:
        """Begin a step."""
        self._measuring = self.step < FIRST or self.step % self.settings.every == 0
        self._passes: list[Pass] = []
        self._current: Pass | None = None
        self._readings: list[tuple[Reading, int]] = []
        self._given: list[Reading] = []
        self._before: float | None = None
        self._backwards = 0
        self._in_backward = False
        self._updates.clear()

    # Forward.

    @_guarded
    def model_enters(self, arguments: Any) -> None:
        """The model is called."""
        self._answers.entered(tensors.first_of(arguments))
        if not torch.is_grad_enabled():
            self._current = None
            return
        if self._backwards >= (GATHERED if not self.step else 1) and not self._updated:
            self._finish(updated=False)
        self.epochs.training_pass()
        if self._trace is not None:
            self._hooks.add_layers()
        self._current = self._new_pass()
        self._current.samples = _samples(arguments)

    def _new_pass(self) -> Pass:
        one = Pass(self._model.training, measuring=self._measuring, first=self._trace is not None)
        if len(self._passes) >= REMEMBERED:
            self._evaluate(self._passes.pop(0))
        self._passes.append(one)
        return one

    @_guarded
    def model_leaves(self, output: Any) -> None:
        """The model returned an output."""
        if not torch.is_grad_enabled():
            self._answers.answered(self._model.training, list(tensors.floats_in(output)))
            return
        one, self._current = self._current, None
        if one is None:
            return
        # A loss that the model computes itself does not count as an output.
        found = [tensor for tensor in tensors.floats_in(output) if tensor.dim() > 0]
        if self._trace is not None:
            # Functions after the last layer become layers.
            self._trace.sources(found)
        for tensor in found:
            node: Any = tensor.grad_fn
            if node is not None:
                node.metadata[self._mark] = one
        if len(found) == 1 and (self._measuring or found[0].numel() <= SMALL):
            one.predictions = tensors.extremes(found[0])

    @_guarded
    def layer_enters(self, module: nn.Module, arguments: Any) -> None:
        """A layer is called while the order of the layers is not known yet."""
        if self._trace is not None and torch.is_grad_enabled() and not self._in_backward:
            self._trace.enter(module, arguments)

    @_guarded
    def layer_leaves(self, name: str, module: nn.Module, arguments: Any, output: Any) -> None:
        """A layer returned an output."""
        if not torch.is_grad_enabled():
            return
        layer = self._layer_of.get(module)
        if self._trace is not None and not self._in_backward:
            layer = self._trace.leave(name, module, output)
        given = next(tensors.floats_in(output), None)
        if layer is None or given is None:
            return
        one = self._current
        if one is None:
            # The model itself was not called, or a part is computed again within the backward pass.
            unused = self._passes[-1] if self._passes and (self._in_backward or not self._backwards) else None
            one = unused or self._new_pass()
            one.samples = one.samples or _samples(arguments)
        if self._trace is not None and layer is self._trace.first:
            self._stand_in(layer, arguments)
        with torch.no_grad():
            one.take(layer, arguments, given)

    def _stand_in(self, layer: Layer, arguments: Any) -> None:
        """Use the first batch to represent the training data, unless the model scales it itself."""
        values = next(tensors.floats_in(arguments), None)
        if self._data is None and layer.kind in kinds.WEIGHTS and values is not None and values.dim() > 1:
            self._data = records.inputs(values, -1 if layer.axis is None else layer.axis)

    # Backward.

    @_guarded
    def backward_begins(self, roots: Sequence[torch.Tensor]) -> None:
        """A backward pass of any loss starts."""
        root = next((one for one in roots if one.requires_grad), None)
        if root is None or self._in_backward:
            return
        reading = losses.read(root, self._mark, set(self._updates.optimised()))
        reached: list[Pass] = list(reading.passes)
        if not reached and not reading.owned:
            return
        if not reached:
            reached = [one for one in self._passes if not one.reached]
        self._in_backward = True
        if not self._backwards:
            self._before = self._updates.norm_before(measuring=self._measuring)
        for one in reached:
            one.reached = True
        last = max((self._passes.index(one) for one in reached if one in self._passes), default=0)
        for one in [one for one in self._passes[:last] if not one.reached]:
            self._evaluate(one)
            self._passes.remove(one)
        if reading.of_output:
            for one in reached:
                reading.predictions = tensors.joined_extremes(reading.predictions, one.predictions)
        self._readings.append((reading, sum(one.samples for one in reached)))

    def _evaluate(self, one: Pass) -> None:
        """Count a pass that no backward pass follows as one of an evaluation."""
        if not one.reached:
            self.epochs.evaluation_pass(one.training, one.samples)

    @_guarded
    def backward_ended(self) -> None:
        """The backward pass has ended."""
        if self._in_backward:
            self._in_backward = False
            self._backwards += 1

    # Update.

    @_guarded
    def step_begins(self) -> None:
        """The optimizer is about to change the parameters, or to call a closure that computes the loss."""
        if self._measuring:
            self._updates.before()
            if self._backwards:
                self._updates.measure_gradients()

    @_guarded
    def step_ended(self) -> None:
        """The optimizer has changed the parameters."""
        if self._measuring and not self._updates.has_gradients:
            self._updates.measure_gradients()
        if self._backwards or self._given:
            self._updated = True
            self._finish(updated=True)

    # Reports of the user.

    def give_loss(self, reading: Reading) -> None:
        """Take a loss reported by the user."""
        self._given.append(reading)

    def give_data(self, record: Record) -> None:
        """Take the statistics of the training data."""
        self._data, self._data_is_given = record, True
        if self._trace is None:
            self._emit(record)

    @_guarded
    def loader_begins(self, loader: Any) -> None:
        """A data loader starts."""
        self.epochs.loader_begins(loader)

    @_guarded
    def batch_loaded(self, batch: Any) -> None:
        """A data loader yields a batch."""
        self._answers.batch_loaded(batch)

    @_guarded
    def loss_evaluated(self, arguments: tuple[Any, ...], loss: Any) -> None:
        """A loss function was called without gradients."""
        self._answers.loss_evaluated(arguments, loss)

    # Records.

    def _finish(self, *, updated: bool) -> None:
        """Write the record of the step that ended."""
        used = [one for one in self._passes if one.reached or not self._readings]
        late = [one for one in self._passes if one not in used]
        readings = [(one, 0) for one in self._given] or self._readings
        samples = sum(one.samples for one in used) or self._fallback_samples(readings)
        if readings:
            loss = _mean([(reading.value, weight or samples) for reading, weight in readings])
            self._write(used, [reading for reading, _ in readings], loss, samples, updated=updated)
        else:
            self._tell("the loss was not detected: call watch.loss(loss, labels) in every step")
        for one in late:
            self._evaluate(one)
        self._clear()

    def _fallback_samples(self, readings: list[tuple[Reading, int]]) -> int:
        labels = sum(reading.labels.numel() for reading, _ in readings if reading.labels is not None)
        return labels or self.settings.batch_size or 1

    def _write(self, used: list[Pass], readings: list[Reading], loss: float, samples: int, *, updated: bool) -> None:
        if self.epochs.is_over():
            self._close_epoch()
        measured: dict[Layer, Measured] = {}
        if self._trace is not None:
            self._write_model(self._trace, readings[0], samples)
            for one in used:
                one.follow_kept()
            measured = joined(used)
            if self._measuring:
                self._write_start(measured, loss, samples)
        measured = measured or joined(used)
        parameters: Updates | None = None
        if self._measuring and updated:
            self._updates.after()
            parameters = self._updates
        layers = [records.step_layer(layer, measured.get(layer), parameters) for layer in self._layers]
        accuracies = [reading.accuracy for reading in readings if reading.accuracy is not None]
        accuracy = sum(accuracies) / len(accuracies) if accuracies else None
        modes = [one.training for one in used]
        norm = self._updates.gradient_norm()
        record = {
            "type": "step",
            "step": self.step,
            "epoch": self.epochs.number,
            "samples": samples,
            "loss": loss,
            "accuracy": accuracy,
            "learning_rate": self._updates.learning_rate(),
            "gradient_norm": norm,
            "gradient_before_norm": self._before,
            "updated": updated,
            "training_mode": all(modes) if modes else self._model.training,
            "class_counts": self._class_counts(readings),
            "predictions": self._predictions(readings),
            "layers": [layer for layer in layers if len(layer) > 1],
        }
        self._emit(records.known(record))
        self.epochs.stepped(samples, loss, accuracy)
        self.step += 1

    def _class_counts(self, readings: list[Reading]) -> list[int] | None:
        total: list[int] | None = None
        for reading in readings:
            counts = losses.count_classes(reading.labels, reading.classes or self.settings.classes)
            if counts is not None:
                longer = max(len(counts), len(total or []))
                padded = [part + [0] * (longer - len(part)) for part in (counts, total or [])]
                total = [a + b for a, b in zip(*padded)]
        return total

    @staticmethod
    def _predictions(readings: list[Reading]) -> dict[str, float] | None:
        found: dict[str, float] | None = None
        for reading in readings:
            found = tensors.joined_extremes(found, reading.predictions)
        return found

    def _write_model(self, trace: Trace, reading: Reading, samples: int) -> None:
        """Write the model record, and the data record after it, once the order of the layers is known."""
        self._first_batch = samples
        modules = self._structure.layers()
        if trace.layers:
            self._layers = trace.with_others(
                [(name, one) for name, one in modules if next(one.parameters(), None) is not None]
            )
        else:
            self._layers = trace.in_a_row(modules)
            self._tell(_COMPILED)
        self._layers = trace.holders(self._structure.holders()) + self._layers
        modules_of = [(layer.module, layer) for layer in self._layers if not layer.is_holder]
        self._layer_of = {module: layer for module, layer in modules_of if module is not None}
        self._trace = None
        self._hooks.forget_inputs()
        loss = self._answers.kind = self.settings.loss or reading.kind
        classes = self.settings.classes or (reading.classes if loss in ("cross_entropy", "nll") else None)
        record = {
            "type": "model",
            "version": 3,
            "loss": loss,
            "classes": classes,
            "unlisted_functions": True,
            "pretrained": self._updates.has_trained or None,
            "batch_size": self.settings.batch_size or samples,
            "samples_per_epoch": self.settings.samples_per_epoch or self.epochs.loader_samples(),
            **updates.settings(self._structure.optimizer),
            "layers": [layer.describe() for layer in self._layers],
        }
        self._emit(records.known(record))
        if self._data is not None and self._data.get("features"):
            self._emit(self._data)

    def _write_start(self, measured: dict[Layer, Measured], loss: float, samples: int) -> None:
        layers = [records.start_layer(layer, measured[layer]) for layer in self._layers if layer in measured]
        self._emit({"type": "start", "loss": loss, "samples": samples, "layers": layers})

    def _close_epoch(self) -> None:
        first = self.epochs.samples is None
        record = self.epochs.close(max(self.step - 1, 0))
        samples = self.epochs.samples
        if first and samples and not self._data_is_given and self._data is not None and self._data.get("features"):
            self._emit({**self._data, "samples": samples, "measured_samples": min(samples, self._first_batch)})
        record["norms"] = [norm for norm in map(records.running_statistics, self._layers) if norm] or None
        self._emit(records.known(record))

    def pending(self) -> list[Record]:
        """Return the record of the current epoch as if it had ended."""
        if self._trace is not None or self.epochs.explicit or not self.epochs.is_open:
            return []
        return [records.known(copy.copy(self.epochs).close(max(self.step - 1, 0)))]

    def end_epoch(self, results: Record) -> None:
        """Write the record of the current epoch, with results that the loop reports."""
        self.epochs.explicit = True
        self.epochs.give(results)
        if self._trace is None:
            for one in [one for one in self._passes if not one.reached]:
                self._evaluate(one)
                self._passes.remove(one)
            self._close_epoch()

    def fail(self, error: Exception) -> None:
        """End the watch while training continues."""
        self.failure = error
        self._hooks.remove()
        interception.leave(self)
        place = traceback.extract_tb(error.__traceback__)[-1]
        self._tell(
            f"the watch ended at step {self.step}; training continues: {type(error).__name__}: {error} "
            f"({place.name}, line {place.lineno}). Please report this"
        )

    def close(self) -> None:
        """Write the remaining records and remove all hooks."""
        if self.failure is not None:
            return
        self._hooks.remove()
        interception.leave(self)
        if self._backwards:
            self._finish(updated=False)
        for one in self._passes:
            self._evaluate(one)
        self._passes = []
        if self._trace is None and not self.epochs.explicit and self.epochs.is_open:
            self._close_epoch()

    def _tell(self, words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            self._note(words)


def _samples(value: object) -> int:
    """Return the size of a batch: the first dimension of the first tensor."""
    first = tensors.first_of(value)
    return int(first.shape[0]) if first is not None else 0


def _mean(values: list[tuple[float, int]]) -> float:
    total = sum(weight for _, weight in values)
    return sum(value * weight for value, weight in values) / total if total else math.nan
