"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from evenkeel.estimators.network import NetworkEstimator, array_of, weighed


class EvenkeelRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """Predict values of rows, tables or images with a network whose settings are chosen from the data.

    The parameters and attributes are those of :class:`EvenkeelClassifier`, except for those about classes.

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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> EvenkeelRegressor:
        """Train on samples ``X`` (rows, a table, or images) with their values ``y``.

        ``y`` is ``[samples]`` or ``[samples, targets]``, ``sample_weight`` ``[samples]``.
        """
        X, y = self._samples(X, y, numeric=True)
        self._train(*weighed(X, y, sample_weight))
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> EvenkeelRegressor:
        """Pass once over samples that may be a part of all samples. Preprocessing is fitted on the first call."""
        X, y = self._samples(X, y, reset=not self.__sklearn_is_fitted__(), numeric=True)
        X, y, weights = weighed(array_of(X), y, sample_weight)
        self._learn(X, y, weights, None)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the value of each sample, ``[samples]``, or the values, ``[samples, targets]``."""
        rows = self._rows(X)
        return rows[:, 0] if rows.shape[1] == 1 else rows
