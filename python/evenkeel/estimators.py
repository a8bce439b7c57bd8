"""Networks as scikit-learn estimators. Importing this module imports scikit-learn.

>>> from sklearn.datasets import load_iris
>>> from sklearn.model_selection import cross_val_score
>>> from evenkeel.estimators import EvenkeelClassifier
>>> x, y = load_iris(return_X_y=True)
>>> scores = cross_val_score(EvenkeelClassifier(random_state=0), x, y, cv=3)
>>> bool(scores.mean() > 0.9)
True
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, check_consistent_length, check_is_fitted, column_or_1d, validate_data

from evenkeel._learning import Learning
from evenkeel._records import Finding
from evenkeel._run import Run
from evenkeel._samples import samples_to_train
from evenkeel._settings import Settings, overrides_of, settings_of
from evenkeel._tables import cells_of, columns_of, is_table, text_of
from evenkeel._targets import Task
from evenkeel._training import train_prepared
from evenkeel.errors import DataError

__all__ = ["EvenkeelClassifier", "EvenkeelRegressor"]


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both estimators share. Attributes that end in ``_`` exist after ``fit``."""

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
        """What the health rules found, causes before consequences; empty after ``partial_fit``."""
        check_is_fitted(self)
        return self.run_.findings if hasattr(self, "run_") else ()

    @property
    def report_(self) -> str:
        """The page of the training as HTML, to be written to a file or shown."""
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

    def _train(self, x: Any, y: NDArray[Any]) -> None:
        prepared = samples_to_train(x, y, self._task, name="data", quiet=True)
        settings = self._settings(prepared.settings, data__validation=self.validation_fraction)
        run = train_prepared(prepared, settings, progress=bool(self.verbose))
        self._forget()
        self.run_ = run
        self.n_iter_ = int(run.summary["epochs"])
        self._columns = list(columns_of(x)) if is_table(x) else None

    def _learn(self, x: NDArray[Any], y: NDArray[Any], classes: Sequence[Any] | NDArray[Any] | None) -> None:
        if hasattr(self, "run_"):
            learning = Learning.of_run(self.run_, self._task, classes)
            self._forget()
            self._learning = learning
        elif not hasattr(self, "_learning"):
            settings = self._settings({}, data__validation=0.0)
            self._learning = Learning(x, y, self._task, settings, classes)
        self._learning.learn(x, y)
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
        """All physical cores, but one where this process is a worker among several."""
        if self.n_jobs is None:
            return 1 if effective_n_jobs(-1) == 1 else 0
        return int(effective_n_jobs(self.n_jobs))

    def _rows(self, x: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        x = self._inputs(x, reset=False)
        if hasattr(self, "_learning"):
            return self._learning.predict(_array_of(x))
        if self._columns is not None and not is_table(x):
            x = {name: x[:, place] for place, name in enumerate(self._columns)}
        return self.run_._rows(x, quiet=True)

    def _inputs(self, x: Any, *, reset: bool) -> Any:
        """Check samples without targets: tables and pictures are left to the engine."""
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
            raise ValueError("requires y to be passed, but the target y is None: give the classes or values of the samples")
        if is_table(x) or getattr(x, "ndim", 2) > 2:
            x = self._inputs(x, reset=reset)
            y = _check_y(y, multi_output=numeric, y_numeric=numeric, estimator=self)
            check_consistent_length(y, next(iter(columns_of(x).values())) if is_table(x) else x)
            return (_array_of(x) if y.ndim > 1 else x), y
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


class EvenkeelClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """Classify rows, tables or pictures with a network whose settings are chosen from the data.

    Parameters
    ----------
    epochs, batch_size, learning_rate:
        Length and pace of the training; chosen from the data where None.
    class_weight:
        ``"balanced"``, or the weight of each class in the loss.
    validation_fraction:
        Share of the samples by which the best epoch is chosen; chosen where None, 0 for none.
    early_stopping:
        Epochs without a better result on these samples after which the training ends; chosen where None, 0 for never.
    time_limit:
        Seconds the training may take.
    config:
        Other keys of the config, nested or dotted, or a preset or the path of a TOML file.
    n_jobs:
        Threads; None is one for each physical core, and one in a worker of joblib.
    random_state:
        Seed of everything random, or None for another one each time.
    verbose:
        Shows a progress bar.

    Attributes
    ----------
    classes_:
        Labels of the classes, ``[classes]``.
    run_:
        The :class:`evenkeel.Run`: metrics, history, layers, files.
    findings_, report_:
        What the health rules found, and the page of the training as HTML.
    n_iter_:
        Epochs trained.

    Examples
    --------
    >>> import numpy as np
    >>> from evenkeel.estimators import EvenkeelClassifier
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = EvenkeelClassifier(random_state=0).fit(x, np.where(x[:, 0] > x[:, 1], "above", "below"))
    >>> model.predict([[3.0, -3.0], [-3.0, 3.0]]).tolist()
    ['above', 'below']
    """

    _task = "classification"

    def __init__(
        self,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        validation_fraction: float | None = None,
        early_stopping: int | None = None,
        time_limit: float | None = None,
        config: Mapping[str, Any] | str | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            validation_fraction=validation_fraction,
            early_stopping=early_stopping,
            time_limit=time_limit,
            config=config,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any) -> EvenkeelClassifier:
        """Train on samples ``X`` (rows, a table, or pictures) with their classes ``y``, ``[samples]``."""
        X, y = self._samples(X, y)
        check_classification_targets(y)
        y = column_or_1d(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise DataError("y has 1 class; a classifier needs at least two: add samples of another class")
        self._train(X, y)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Sequence[Any] | NDArray[Any] | None = None) -> EvenkeelClassifier:
        """Pass once over samples that need not be all there are; ``classes`` are all labels, given with the first.

        Preprocessing is fitted to the first samples.
        """
        first = not self.__sklearn_is_fitted__()
        X, y = self._samples(X, y, reset=first)
        check_classification_targets(y)
        if first:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit: give all labels there will be")
            self.classes_ = np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes are {np.unique(classes)}, those of the first call to partial_fit are {self.classes_}")
        self._learn(_array_of(X), column_or_1d(y), self.classes_)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of each sample, ``[samples]``."""
        numbers = self.predict_proba(X).argmax(axis=1)
        predicted: NDArray[Any] = self.classes_[numbers]
        return predicted

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, ``[samples, classes]``, in the order of ``classes_``."""
        rows = self._rows(X)
        if hasattr(self, "_learning"):
            return rows
        names = [text_of(label) for label in self.run_.classes.tolist()]
        return rows[:, [names.index(text_of(label)) for label in self.classes_.tolist()]]

    def _more_settings(self) -> dict[str, Any]:
        if self.class_weight is None:
            return {}
        weights: Any = self.class_weight
        if isinstance(weights, Mapping):
            # scikit-learn counts a class that is not named as 1.
            weights = {text_of(label): float(weights.get(label, 1.0)) for label in self.classes_.tolist()}
        # The best epoch is chosen by the weighted loss, too.
        return {"train.class_weights": weights, "train.metric": "loss"}


class EvenkeelRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """Predict values of rows, tables or pictures with a network whose settings are chosen from the data.

    The parameters and attributes are those of :class:`EvenkeelClassifier`, but for the classes.

    >>> import numpy as np
    >>> from evenkeel.estimators import EvenkeelRegressor
    >>> x = np.random.default_rng(0).normal(size=(300, 3))
    >>> model = EvenkeelRegressor(random_state=0).fit(x, 2 * x[:, 0] - x[:, 1])
    >>> bool(model.score(x, 2 * x[:, 0] - x[:, 1]) > 0.95)
    True
    """

    _task = "regression"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags

    def fit(self, X: Any, y: Any) -> EvenkeelRegressor:
        """Train on samples ``X`` (rows, a table, or pictures) with their values ``y``, ``[samples]`` or ``[samples, targets]``."""
        X, y = self._samples(X, y, numeric=True)
        self._train(X, y)
        return self

    def partial_fit(self, X: Any, y: Any) -> EvenkeelRegressor:
        """Pass once over samples that need not be all there are. Preprocessing is fitted to the first."""
        X, y = self._samples(X, y, reset=not self.__sklearn_is_fitted__(), numeric=True)
        self._learn(_array_of(X), y, None)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the value of each sample, ``[samples]``, or the values, ``[samples, targets]``."""
        rows = self._rows(X)
        return rows[:, 0] if rows.shape[1] == 1 else rows


def _array_of(x: Any) -> Any:
    """Return the columns of a table of numbers as an array."""
    if not is_table(x):
        return x
    columns = []
    for name, column in columns_of(x).items():
        cells = cells_of(column)
        if isinstance(cells, list):
            raise DataError(f"column {name!r} holds text, which fit with one target per row alone can take")
        columns.append(cells)
    return np.column_stack(columns).astype(np.float32)
