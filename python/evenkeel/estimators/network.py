"""Shared part of both estimators: settings, checks of samples, training."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from evenkeel._learning import Learning
from evenkeel._records import Finding
from evenkeel._run import Run
from evenkeel._samples import samples_to_train
from evenkeel._settings import Settings, overrides_of, settings_of
from evenkeel._tables import cells_of, columns_of, is_table
from evenkeel._targets import Task
from evenkeel._training import train_prepared
from evenkeel.errors import DataError


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """Shared part of both estimators. Attributes that end in ``_`` exist after ``fit``."""

    _task: ClassVar[Task]

    run_: Run
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        validation_fraction: float | None = None,
        early_stopping: int | None = None,
        time_limit: float | None = None,
        config: Mapping[str, Any] | str | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.time_limit = time_limit
        self.config = config
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @property
    def findings_(self) -> tuple[Finding, ...]:
        """Findings of the health rules, causes before consequences; empty after ``partial_fit``."""
        check_is_fitted(self)
        return self.run_.findings if hasattr(self, "run_") else ()

    @property
    def report_(self) -> str:
        """The page of the training run as HTML, to be written to a file or shown."""
        check_is_fitted(self, "run_")
        with tempfile.TemporaryDirectory(prefix="evenkeel-") as folder:
            return self.run_.report(Path(folder) / "report.html").read_text(encoding="utf-8")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.non_deterministic = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "run_") or hasattr(self, "_learning")

    def _repr_html_(self) -> str:
        if hasattr(self, "run_"):
            return self.run_._repr_html_()
        inner: str = super()._repr_html_inner()
        return inner

    def _train(self, x: Any, y: NDArray[Any], weights: NDArray[np.float64] | None) -> None:
        prepared = samples_to_train(x, y, self._task, name="data", sample_weight=weights, quiet=True)
        settings = self._settings(prepared.settings, data__validation=self.validation_fraction)
        run = train_prepared(prepared, settings, progress=bool(self.verbose))
        self._forget()
        self.run_ = run
        self.n_iter_ = int(run.summary["epochs"])
        self._columns = list(columns_of(x)) if is_table(x) else None

    def _learn(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        classes: Sequence[Any] | NDArray[Any] | None,
    ) -> None:
        if hasattr(self, "run_"):
            learning = Learning.of_run(self.run_, self._task, classes)
            self._forget()
            self._learning = learning
        elif not hasattr(self, "_learning"):
            settings = self._settings({}, data__validation=0.0)
            self._learning = Learning(x, y, self._task, settings, classes)
        self._learning.learn(x, y, weights)
        self.n_iter_ = self._learning.passes

    def _forget(self) -> None:
        for name in ("run_", "_learning"):
            if hasattr(self, name):
                delattr(self, name)

    def _settings(self, found: Mapping[str, Any], **given: Any) -> Settings:
        settings = settings_of(
            self.config,
            "data",
            **given,
            data__test=0.0,
            train__epochs=self.epochs,
            train__batch_size=self.batch_size,
            train__early_stopping=self.early_stopping,
            train__time_limit=self.time_limit,
            train__threads=self._threads(),
            train__seed=int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max)),
            optimizer__learning_rate=self.learning_rate,
        )
        settings["overrides"] = overrides_of({**found, **self._more_settings()}) + settings["overrides"]
        return settings

    def _more_settings(self) -> dict[str, Any]:
        return {}

    def _threads(self) -> int:
        """Number of threads: `OMP_NUM_THREADS`, which joblib sets in its workers, or else one per physical core."""
        if self.n_jobs is None:
            threads = os.environ.get("OMP_NUM_THREADS", "")
            return int(threads) if threads.isdecimal() else 0
        return int(effective_n_jobs(self.n_jobs))

    def _rows(self, x: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        x = self._inputs(x, reset=False)
        if hasattr(self, "_learning"):
            return self._learning.predict(array_of(x))
        if self._columns is not None and not is_table(x):
            x = {name: x[:, place] for place, name in enumerate(self._columns)}
        return self.run_._rows(x, quiet=True)

    def _inputs(self, x: Any, *, reset: bool) -> Any:
        """Check samples without targets: tables and images are left to the engine."""
        if is_table(x) and not isinstance(x, Mapping):
            validate_data(self, x, reset=reset, skip_check_array=True)
            return x
        if getattr(x, "ndim", 2) > 2:
            return x
        of_table = not reset and getattr(self, "_columns", None) is not None
        dtype = None if of_table else np.float32
        return validate_data(self, x, reset=reset, dtype=dtype, ensure_all_finite="allow-nan")

    def _samples(self, x: Any, y: Any, *, reset: bool = True, numeric: bool = False) -> tuple[Any, NDArray[Any]]:
        """Check samples with their targets."""
        if y is None:
            raise ValueError(
                "requires y to be passed, but the target y is None: give the classes or values of the samples"
            )
        if is_table(x) or getattr(x, "ndim", 2) > 2:
            x = self._inputs(x, reset=reset)
            y = _check_y(y, multi_output=numeric, y_numeric=numeric, estimator=self)
            check_consistent_length(y, next(iter(columns_of(x).values())) if is_table(x) else x)
            return (array_of(x) if y.ndim > 1 else x), y
        x, y = validate_data(
            self,
            x,
            y,
            reset=reset,
            dtype=np.float32,
            ensure_all_finite="allow-nan",
            multi_output=numeric,
            y_numeric=numeric,
        )
        return x, y


def weighed(x: Any, y: NDArray[Any], sample_weight: Any) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None]:
    """Check sample weights, and leave out the samples of weight 0. Equal weights count as none."""
    if sample_weight is None:
        return x, y, None
    weights = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
    kept = np.flatnonzero(weights)
    if kept.size == 0:
        raise DataError("every sample has weight 0; give at least one a positive weight")
    if kept.size < len(weights):
        x, y, weights = _safe_indexing(x, kept), y[kept], weights[kept]
    return x, y, None if weights.min() == weights.max() else weights


def array_of(x: Any) -> Any:
    """Return the columns of a table of numbers as an array."""
    if not is_table(x):
        return x
    columns = []
    for name, column in columns_of(x).items():
        cells = cells_of(column)
        if isinstance(cells, list):
            raise DataError(f"column {name!r} holds text, which is supported only by fit with one target per row")
        columns.append(cells)
    return np.column_stack(columns).astype(np.float32)
