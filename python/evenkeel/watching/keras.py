"""Watching a Keras 3 training run: ``model.fit(..., callbacks=[evenkeel.watching.keras.Callback()])``.

With the torch backend, outputs, gradients, updates and the loss are measured as for a PyTorch model. Keras calls
its layers and its optimizer in its own way: their ``call`` and ``apply`` are wrapped while ``fit`` runs. Kernels of
Keras have the transposed layout, so units are not compared with each other (K006, K014). With other backends gradients
exist only inside a compiled function, and the callback refuses them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import keras  # type: ignore[import-untyped,import-not-found,unused-ignore]
from torch import nn
from torch.optim import Optimizer

from evenkeel.watching import kinds
from evenkeel.watching.hooks import Structure, Target
from evenkeel.watching.recorder import Settings
from evenkeel.watching.watch import Watch, to_stderr

_KINDS = {
    "Dense": "linear",
    "Conv1D": "conv2d",
    "Conv2D": "conv2d",
    "Conv3D": "conv2d",
    "BatchNormalization": "batch_norm",
    "LayerNormalization": "layer_norm",
    "GroupNormalization": "group_norm",
    "Dropout": "dropout",
    "SpatialDropout2D": "dropout",
    "Flatten": "flatten",
    "MaxPooling2D": "max_pool",
    "AveragePooling2D": "avg_pool",
    "GlobalAveragePooling2D": "global_avg_pool",
    "Add": "add",
}
_FUNCTIONS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "ELU": "elu", "Softmax": "softmax"}
#: Activation functions that have the same name in both.
_SAME = ("relu", "tanh", "sigmoid", "elu", "selu", "gelu", "silu", "softplus", "mish", "softmax", "log_softmax")


class _Layers:
    """Layers of Keras by their names in the measurement format."""

    def knows(self, module: nn.Module) -> bool:
        """Return whether a module is a layer of Keras."""
        return isinstance(module, keras.layers.Layer)

    def kind(self, module: nn.Module) -> tuple[str, str | None]:
        """Return its kind, and the function of an activation."""
        name = type(module).__name__
        if name == "Activation":
            function = getattr(getattr(module, "activation", None), "__name__", "")
            return "activation", function if function in _SAME else "other"
        if name in _FUNCTIONS:
            return "activation", _FUNCTIONS[name]
        return _KINDS.get(name, "other"), None

    def facts(self, module: nn.Module) -> dict[str, object]:
        """Return further fields of the model record."""
        layer: Any = module
        kind, _ = self.kind(module)
        found: dict[str, object] = {}
        if layer.weights:
            found["frozen"] = not layer.trainable_weights
        if kind in kinds.WEIGHTS:
            kernel = layer.kernel.shape
            found.update(units=int(kernel[-1]), fan_in=math.prod(kernel[:-1]), bias=bool(layer.use_bias))
        if kind == "batch_norm":
            # Keras states the weight of the old statistics.
            found["momentum"] = 1.0 - float(layer.momentum)
        if kind == "dropout":
            found["probability"] = float(layer.rate)
        return found


kinds.FOREIGN.append(_Layers())


class _Optimizer:
    """Optimizer of Keras with the interface of a PyTorch optimizer."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.name = type(model.optimizer).__name__

    @property
    def state(self) -> dict[int, dict[str, int]]:
        """State of the optimizer from earlier steps: the number of steps."""
        steps = int(keras.ops.convert_to_numpy(self._model.optimizer.iterations))
        return {0: {"step": steps}} if steps else {}

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """One group with all trained parameters."""
        optimizer = self._model.optimizer
        parameters = [variable.value for variable in self._model.trainable_variables]
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        # Keras applies weight decay directly to the weights, as AdamW does.
        return [{"params": parameters, "lr": rate, "weight_decay": 0.0}]


class _Calls:
    """Wraps ``call`` of layers and ``apply`` of the optimizer."""

    def __init__(self, target: Target, structure: _Structure) -> None:
        self._target = target
        self._wrapped: list[tuple[Any, str]] = []
        self._wrap(structure.original, "call", target.model_enters, target.model_leaves)
        for name, layer in structure.layers():
            self._wrap_layer(name, layer)
        optimizer = cast(Any, structure.original).optimizer
        self._wrap(optimizer, "apply", lambda _: target.step_begins(), lambda _: target.step_ended())

    def _wrap(self, of: Any, name: str, before: Callable[[Any], None], after: Callable[[Any], None]) -> None:
        original = getattr(of, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            before((arguments, named))
            result = original(*arguments, **named)
            after(result)
            return result

        # The attribute hides the method of the class until it is deleted; Keras need not track it.
        object.__setattr__(of, name, wrapped)
        self._wrapped.append((of, name))

    def _wrap_layer(self, name: str, layer: nn.Module) -> None:
        given: list[Any] = []

        def before(arguments: Any) -> None:
            given.append(arguments)
            self._target.layer_enters(layer, arguments)

        def after(result: Any) -> None:
            self._target.layer_leaves(name, layer, given.pop(), result)

        self._wrap(layer, "call", before, after)

    def add_layers(self) -> None:
        """Do nothing: a fitted model has all its layers."""

    def forget_inputs(self) -> None:
        """Do nothing: the inputs of layers are recorded without cost."""

    def remove(self) -> None:
        """Restore the wrapped methods."""
        for of, name in self._wrapped:
            object.__delattr__(of, name)
        self._wrapped = []


class _Structure(Structure):
    """A model of Keras."""

    def layers(self) -> list[tuple[str, nn.Module]]:
        """Return the layers without sublayers, with their names."""
        model: Any = self.original
        found = []
        for layer in model._flatten_layers(include_self=False):
            holds = any(True for _ in layer._flatten_layers(include_self=False))
            if not holds and not isinstance(layer, keras.layers.InputLayer):
                found.append((layer.name, layer))
        return found

    def holders(self) -> list[tuple[str, nn.Module]]:
        """Return nothing: variables outside layers are not distinguished."""
        return []

    def hooks(self, target: Target) -> _Calls:
        """Wrap the called methods."""
        return _Calls(target, self)


class Callback(keras.callbacks.Callback):  # type: ignore[misc,unused-ignore]
    """Watches ``fit``. Validation results are read from the logs of Keras.

    Args:
        report_to: a file; the page is written there at the end.
        every, report: as for :func:`evenkeel.watch`.

    The watch is ``callback.watch`` from the beginning of ``fit`` on.
    """

    def __init__(
        self,
        report_to: str | Path | None = None,
        *,
        every: int = 10,
        report: Callable[[str], None] | None = to_stderr,
    ) -> None:
        super().__init__()
        if keras.backend.backend() != "torch":
            raise RuntimeError(
                f"Keras runs on {keras.backend.backend()}, whose gradients exist only inside a compiled function; "
                "set KERAS_BACKEND=torch to watch the training run"
            )
        self.watch: Watch | None = None
        self._report_to = report_to
        self._every, self._report = every, report

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start watching."""
        structure = _Structure(self.model, cast(Optimizer, _Optimizer(self.model)))
        self.watch = Watch(structure, Settings(every=self._every), self._report)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the results of the epoch."""
        if self.watch is not None:
            found = logs or {}
            accuracy = next(
                (found[name] for name in found if name.startswith("val_") and name.endswith("accuracy")), None
            )
            self.watch.epoch(validation_loss=found.get("val_loss"), validation_accuracy=accuracy)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the watch."""
        if self.watch is not None:
            self.watch.close()
            if self._report_to is not None:
                self.watch.report(self._report_to)
