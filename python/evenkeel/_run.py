"""A run: a trained network with all measurements of its training."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from evenkeel import _native
from evenkeel._page import run_html
from evenkeel._records import Finding, Layer
from evenkeel._samples import samples_to_evaluate, samples_to_predict
from evenkeel._targets import Labels, Task
from evenkeel.errors import DataError, RunError

# Files of a run that a pickle contains: all except checkpoints, which are only needed to continue training.
_CARRIED = ("config.toml", "summary.json", "metrics.sqlite", "model.safetensors", "samples.png", "importance.json")


class Run:
    """A run that has ended: predicts, reports on its training, and can be saved to disk.

    ``evenkeel.train`` returns one and ``evenkeel.load`` reads one. In a notebook it shows its curves, layers and
    findings.
    """

    def __init__(self, native: _native.Run, labels: Labels | None = None) -> None:
        self._native = native
        self._labels = labels or Labels()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    # Prediction

    def predict(self, x: Any) -> NDArray[Any]:
        """Predict the class ``[samples]``, or the value ``[samples]``, or the values ``[samples, targets]``.

        ``x`` has the form of the training data: rows, images, or a table with the same columns. Classes are the
        labels given in training; a run that was loaded has integers or strings instead.
        """
        rows = self._rows(x)
        if self.task == "classification":
            predicted: NDArray[Any] = self.classes[rows.argmax(axis=1)]
            return predicted
        return rows[:, 0] if rows.shape[1] == 1 else rows

    def predict_proba(self, x: Any) -> NDArray[np.float64]:
        """Return the probability of each class, ``[samples, classes]``, in the order of :attr:`classes`."""
        if self.task != "classification":
            raise DataError("this model predicts values, which have no probabilities; use predict")
        return self._rows(x)

    def evaluate(self, x: Any, y: Any) -> dict[str, Any]:
        """Return the metrics of the model on samples ``x`` with their targets ``y``, as in :attr:`metrics`.

        For a table, ``y`` may be the name of a column.
        """
        samples = samples_to_evaluate(x, y, model=self._native, labels=self._labels)
        return cast("dict[str, Any]", json.loads(self._native.evaluate(samples)))

    def _rows(self, x: Any, *, quiet: bool = False) -> NDArray[np.float64]:
        native = self._native
        return native.predict(samples_to_predict(x, features=native.features, shape=native.sample_shape, quiet=quiet))

    # Results

    @property
    def task(self) -> Task:
        """``"classification"`` or ``"regression"``."""
        return "classification" if self._native.targets[1] else "regression"

    @property
    def classes(self) -> NDArray[Any]:
        """Labels of the classes, ``[classes]``; empty for regression."""
        names, of_classes = self._native.targets
        return self._labels.array(names) if of_classes else np.array([])

    @property
    def status(self) -> Literal["finished", "stopped", "failed", "running"]:
        """Outcome of the training run; ``running`` for one that is in progress or was killed."""
        return cast(Literal["finished", "stopped", "failed", "running"], self.summary["status"])

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Content of ``summary.json``."""
        text = self._native.summary
        if text is None:
            raise RunError("this is a model without its run; load the folder of the run for its results")
        return cast("dict[str, Any]", json.loads(text))

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """Metrics of the best weights by split: ``train``, ``validation``, ``test``, if they have samples."""
        return {{"val": "validation"}.get(part, part): metrics for part, metrics in self.summary["metrics"].items()}

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of the health rules, causes before consequences."""
        return tuple(Finding.of(document) for document in self.summary["findings"])

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the network, from input to output."""
        return tuple(Layer.of(document) for document in self.summary["layers"])

    @property
    def choices(self) -> dict[str, str]:
        """Automatic choices, each with its reason: ``{"train.epochs": "20: ..."}``."""
        return {choice["key"]: f"{choice['value']}: {choice['reason']}" for choice in self.summary.get("choices", [])}

    @cached_property
    def config(self) -> dict[str, Any]:
        """The complete config, section by section."""
        return cast("dict[str, Any]", json.loads(self._native.config))

    @cached_property
    def history(self) -> dict[str, NDArray[np.float64]]:
        """Numbers of every epoch by name: ``epoch``, ``train_loss``, ``validation_accuracy`` and so on."""
        rows = [row for row in json.loads(self._native.epochs()) if row["part"] != "test"]
        epochs = sorted({row["epoch"] for row in rows})
        history = {"epoch": np.array(epochs, dtype=np.float64)}
        place = {epoch: index for index, epoch in enumerate(epochs)}
        for row in rows:
            part = {"val": "validation"}.get(row["part"], row["part"])
            for name in ("loss", "accuracy", "rmse", "r2"):
                if row[name] is not None:
                    series = history.setdefault(f"{part}_{name}", np.full(len(epochs), np.nan))
                    series[place[row["epoch"]]] = row[name]
        return history

    @cached_property
    def steps(self) -> dict[str, NDArray[Any]]:
        """Numbers of every step by name: ``step``, ``epoch``, ``loss``, ``learning_rate``, ``gradient_norm``."""
        return self._native.steps()

    @cached_property
    def layer_measurements(self) -> dict[str, dict[str, tuple[NDArray[np.uint64], NDArray[np.float64]]]]:
        """Measurements by the name of the layer and of the measurement: the steps and the values."""
        measurements: dict[str, dict[str, tuple[NDArray[np.uint64], NDArray[np.float64]]]] = {}
        for layer, name, steps, values in self._native.layer_series():
            measurements.setdefault(layer, {})[name] = (steps, values)
        return measurements

    # Files

    @property
    def folder(self) -> Path | None:
        """Folder of the run; None for a run in memory."""
        return self._native.folder if self._temporary is None else None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run as the folder ``path``, which must not exist or be empty.

        Every command of ``evenkeel`` reads it.
        """
        self._native.save(Path(path))

    def report(self, path: str | os.PathLike[str], language: Literal["en", "zh"] = "en") -> Path:
        """Write the page of the run, one self-contained HTML file, and return its path."""
        self._native.report(Path(path), language)
        return Path(path)

    # Python

    def __repr__(self) -> str:
        if self._native.summary is None:
            return f"<evenkeel.Run: a model for {self.task}>"
        score = _score(self.metrics)
        count = len(self.findings)
        findings = "no findings" if count == 0 else "1 finding" if count == 1 else f"{count} findings"
        return f"<evenkeel.Run {self.status}: {self.summary['epochs']} epochs{score}, {findings}>"

    def _repr_html_(self) -> str:
        if self._native.summary is None:
            return f"<pre>{repr(self)[1:-1]}</pre>"
        return run_html(self)

    def __getstate__(self) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="evenkeel-") as folder:
            path = Path(folder) / "run"
            self.save(path)
            if path.is_file():
                return {"labels": self._labels, "model": path.read_bytes()}
            files = {name: (path / name).read_bytes() for name in _CARRIED if (path / name).exists()}
        return {"labels": self._labels, "files": files}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._labels = state["labels"]
        self._temporary = tempfile.TemporaryDirectory(prefix="evenkeel-")
        path = Path(self._temporary.name) / "run"
        if "model" in state:
            path = path.with_suffix(".safetensors")
            path.write_bytes(state["model"])
        else:
            path.mkdir()
            for name, content in state["files"].items():
                (path / name).write_bytes(content)
        self._native = _native.load(path)


def load(path: str | os.PathLike[str]) -> Run:
    """Read the run in the folder ``path``, or the model in the file ``path`` (``model.safetensors``).

    >>> import tempfile
    >>> import numpy as np
    >>> import evenkeel
    >>> x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    >>> run = evenkeel.train(x, x[:, 0] > 0, epochs=20, seed=0, progress=False)
    >>> folder = tempfile.TemporaryDirectory()
    >>> run.save(folder.name + "/signs")
    >>> again = evenkeel.load(folder.name + "/signs")
    >>> bool((again.predict_proba(x) == run.predict_proba(x)).all())
    True
    """
    return Run(_native.load(Path(path)))


def _score(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    for part in ("test", "validation", "train"):
        found = metrics.get(part)
        if found is None:
            continue
        if found.get("accuracy") is not None:
            return f", {part} accuracy {found['accuracy']:.4f}"
        r2 = (found.get("regression") or {}).get("r2")
        if r2 is not None:
            return f", {part} R2 {r2:.4f}"
    return ""
