"""The classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from evenkeel._tables import text_of
from evenkeel.errors import DataError
from evenkeel.estimators.network import NetworkEstimator, array_of, weighed


class EvenkeelClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """Classify rows, tables or images with a network whose settings are chosen from the data.

    Parameters
    ----------
    epochs, batch_size, learning_rate:
        Number of epochs, batch size and learning rate; chosen from the data if None.
    class_weight:
        ``"balanced"``, or the weight of each class in the loss.
    validation_fraction:
        Share of the samples by which the best epoch is chosen; automatic if None, 0 for none.
    early_stopping:
        Number of epochs without a better result on these samples before training ends; automatic if None, 0 for
        never.
    time_limit:
        Maximum training time in seconds.
    config:
        Other keys of the config, nested or dotted, or a preset or the path of a TOML file.
    n_jobs:
        Number of threads; None takes ``OMP_NUM_THREADS``, which joblib sets in its workers, or else one per core.
    random_state:
        Seed of all random numbers; None for a different one each time.
    verbose:
        Shows a progress bar.

    Attributes
    ----------
    classes_:
        Labels of the classes, ``[classes]``.
    run_:
        The :class:`evenkeel.Run`: metrics, history, layers, files.
    findings_, report_:
        Findings of the health rules, and the page of the training run as HTML.
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> EvenkeelClassifier:
        """Train on samples ``X`` (rows, a table, or images) with their classes ``y`` and weights, ``[samples]``."""
        X, y = self._samples(X, y)
        check_classification_targets(y)
        X, y, weights = weighed(X, column_or_1d(y), sample_weight)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise DataError("y has 1 class; a classifier needs at least two: add samples of another class")
        self._train(X, y, weights)
        return self

    def partial_fit(
        self, X: Any, y: Any, classes: Sequence[Any] | NDArray[Any] | None = None, sample_weight: Any = None
    ) -> EvenkeelClassifier:
        """Pass once over samples that may be a part of all samples; ``classes`` lists all labels on the first call.

        Preprocessing is fitted to the first samples.
        """
        first = not self.__sklearn_is_fitted__()
        X, y = self._samples(X, y, reset=first)
        check_classification_targets(y)
        if first:
            if classes is None:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit: give all labels that can occur"
                )
            self.classes_ = np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes are {np.unique(classes)}, those of the first call to partial_fit are {self.classes_}"
            )
        X, y, weights = weighed(array_of(X), column_or_1d(y), sample_weight)
        self._learn(X, y, weights, self.classes_)
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
            # scikit-learn gives a class that is not named the weight 1.
            weights = {text_of(label): float(weights.get(label, 1.0)) for label in self.classes_.tolist()}
        # The best epoch is chosen by the weighted loss as well.
        return {"train.class_weights": weights, "train.metric": "loss"}
