"""A network that learns from samples as they arrive."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenkeel import _native
from evenkeel._arrays import inputs_of
from evenkeel._run import Run
from evenkeel._settings import Settings
from evenkeel._targets import Task, targets_of
from evenkeel.errors import DataError, RunError


class Learning:
    """A network for arrays like the first ones; it is untrained until ``learn``."""

    def __init__(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        task: Task,
        settings: Settings,
        classes: Sequence[Any] | NDArray[Any] | None,
    ) -> None:
        self.passes = 0
        self._task, self._classes = task, classes
        self._native: _native.Learner | _native.Run = _native.Learner(self._samples(x, y), settings)

    @classmethod
    def of_run(cls, run: Run, task: Task, classes: Sequence[Any] | NDArray[Any] | None) -> Learning:
        """Continue from the weights of ``run``, which was trained on an array."""
        if run._native.features[1]:
            raise DataError(
                "partial_fit takes arrays and cannot continue from a table; fit on an array, or begin with partial_fit"
            )
        learning = cls.__new__(cls)
        learning.passes, learning._task, learning._classes = int(run.summary["epochs"]), task, classes
        learning._native = run._native.learner()
        return learning

    def learn(self, x: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64] | None = None) -> float:
        """Pass once over the samples in batches; return the mean loss."""
        if isinstance(self._native, _native.Run):
            raise RunError("a model that was pickled has no optimizer and cannot continue learning; train it again")
        loss = self._native.learn(self._samples(x, y, weights))
        self.passes += 1
        return loss

    def predict(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return probabilities ``[samples, classes]``, or values ``[samples, targets]``."""
        return self._native.predict(_native.Samples.of_array("x", inputs_of(x, quiet=True)))

    def _samples(self, x: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64] | None = None) -> _native.Samples:
        targets = targets_of(y, self._task, classes=self._classes)
        weighted = None if weights is None else weights.astype(np.float32)
        return _native.Samples.of_array("data", inputs_of(x, quiet=True), targets.native(), None, weighted)

    def __getstate__(self) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="evenkeel-") as folder:
            path = Path(folder) / "model.safetensors"
            self._native.save(path)
            kept = {name: value for name, value in self.__dict__.items() if name != "_temporary"}
            return {**kept, "_native": path.read_bytes()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._temporary = tempfile.TemporaryDirectory(prefix="evenkeel-")
        path = Path(self._temporary.name) / "model.safetensors"
        path.write_bytes(state["_native"])
        self._native = _native.load(path)
