"""Networks as scikit-learn estimators. Importing this module imports scikit-learn.

>>> from sklearn.datasets import load_iris
>>> from sklearn.model_selection import cross_val_score
>>> from evenkeel.estimators import EvenkeelClassifier
>>> x, y = load_iris(return_X_y=True)
>>> scores = cross_val_score(EvenkeelClassifier(random_state=0), x, y, cv=3)
>>> bool(scores.mean() > 0.9)
True
"""

from evenkeel.estimators.classifier import EvenkeelClassifier
from evenkeel.estimators.regressor import EvenkeelRegressor

__all__ = ["EvenkeelClassifier", "EvenkeelRegressor"]
