"""Targets: classes with the labels of the program, or values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenkeel._native import are_classes
from evenkeel._tables import array_of, is_missing, text_of
from evenkeel.errors import DataError

Task: TypeAlias = Literal["classification", "regression"]


@dataclass
class Labels:
    """Names of classes in the engine, and their labels in the program."""

    given: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, classes: Sequence[Any] | NDArray[Any]) -> Labels:
        """Name every label of ``classes``."""
        labels = cls({text_of(label): label for label in classes})
        if len(labels.given) < len(classes):
            raise DataError(f"several labels have the same text ({', '.join(labels.given)}); give them different names")
        return labels

    def array(self, names: Sequence[str]) -> NDArray[Any]:
        """Return the labels of the classes ``names``; integers or strings for a run that was loaded."""
        if all(name in self.given for name in names):
            labels = [self.given[name] for name in names]
            array = np.array(labels)
            # Labels of different types would become strings.
            return array if array.tolist() == labels else np.array(labels, dtype=object)
        try:
            return np.array([int(name) for name in names])
        except ValueError:
            return np.array(names)


@dataclass
class Targets:
    """Targets of samples."""

    labels: NDArray[np.uint32] | None
    """Number of the class of each sample, ``[samples]``; None for values."""
    values: NDArray[np.float32] | None
    """``[samples, targets]``; None for classes."""
    names: list[str]
    """Names of the classes, or of the values."""
    classes: Labels
    """Labels of the classes as given."""

    def __len__(self) -> int:
        return len(self.labels if self.labels is not None else self.values if self.values is not None else ())

    def native(self) -> tuple[NDArray[Any], list[str]]:
        """Return the targets in the form that the compiled module takes."""
        numbers = self.labels if self.labels is not None else self.values
        assert numbers is not None
        return numbers, self.names


def task_of(y: NDArray[Any], task: str | None) -> Task:
    """Return the task; if it is not given, it is inferred as ``evenkeel train`` does."""
    if task == "classification":
        return "classification"
    if task == "regression":
        return "regression"
    if task is not None:
        raise DataError(f'task is {task!r}; give "classification", "regression" or None to infer it')
    if y.ndim == 2 and y.shape[1] > 1:
        return "regression"
    present = [value for value in y.ravel().tolist() if not is_missing(value)]
    if any(isinstance(value, (bool, str)) or not isinstance(value, (int, float)) for value in present):
        return "classification"
    numbers = np.array(present, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    return "classification" if len(numbers) > 1 and are_classes(numbers) else "regression"


def targets_array(y: Any) -> NDArray[Any]:
    """Return ``y`` as an array ``[samples]`` or ``[samples, targets]``."""
    array = array_of(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2):
        raise DataError(f"y has shape {list(array.shape)}; give [samples], or [samples, targets] for several values")
    return array


def targets_of(
    y: Any, task: str | None, *, classes: Sequence[Any] | NDArray[Any] | None = None, names: list[str] | None = None
) -> Targets:
    """Read the targets of arrays, all of which are known. ``classes`` lists all labels if ``y`` may lack some."""
    array = targets_array(y)
    if task_of(array, task) == "regression":
        return _values_of(array, names)
    if array.ndim != 1:
        raise DataError(f"y has shape {list(array.shape)}; give one class for each sample")
    for place, value in enumerate(array.tolist()):
        if is_missing(value):
            raise DataError(f"y[{place}] is missing; leave the sample out or give its class")
    try:
        found, inverse = np.unique(array, return_inverse=True)
    except TypeError as error:
        raise DataError(f"y mixes labels that cannot be put in order ({error}); give labels of one type") from error
    known = Labels.of(found if classes is None else classes)
    names = list(known.given)
    labels = inverse.astype(np.uint32)
    if classes is not None:
        numbers = {name: number for number, name in enumerate(names)}
        unknown = [label for label in found.tolist() if text_of(label) not in numbers]
        if unknown:
            raise DataError(f"y has classes the model does not know: {unknown}; it knows {names}")
        labels = np.array([numbers[text_of(label)] for label in found.tolist()], dtype=np.uint32)[inverse]
    return Targets(labels, None, names, known)


def _values_of(array: NDArray[Any], names: list[str] | None) -> Targets:
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f'y holds values that are not numbers ({error}); give task="classification" for classes'
        ) from error
    numbers = numbers.reshape(len(numbers), -1)
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(numbers, dtype=np.float32)
    wrong = np.argwhere(~np.isfinite(values))
    if wrong.size > 0:
        row, column = (int(index) for index in wrong[0])
        raise DataError(
            f"y[{row}] is {numbers[row, column]}; leave the sample out or correct it (float32 has to hold it)"
        )
    width = values.shape[1]
    return Targets(
        None, values, names or (["y"] if width == 1 else [f"y{column}" for column in range(width)]), Labels()
    )
