"""Converts arrays or tables with their targets to samples of the compiled module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenkeel import _native
from evenkeel._arrays import inputs_of
from evenkeel._tables import Cells, array_of, cells_of, columns_of, is_missing, is_table, joined, length_of, text_of
from evenkeel._targets import Labels, targets_array, targets_of, task_of
from evenkeel.errors import DataError

Pair: TypeAlias = "tuple[Any, Any]"
"""Samples with their targets."""


class Prepared:
    """Samples to train on."""

    def __init__(self, samples: _native.Samples, labels: Labels, settings: dict[str, Any]) -> None:
        self.samples = samples
        self.labels = labels
        self.settings = settings


def samples_to_train(
    x: Any,
    y: Any,
    task: str | None,
    *,
    name: str,
    held_out: Sequence[Pair | None] = (None, None),
    sample_weight: Any = None,
    quiet: bool = False,
) -> Prepared:
    """Prepare ``x`` and ``y``, followed by the held-out pairs for validation and for the test, if any.

    ``sample_weight`` belongs to ``x``, ``[samples]``.
    """
    parts = [(x, y), *(pair for pair in held_out if pair is not None)]
    tables = [is_table(inputs) for inputs, _ in parts]
    if any(tables) != all(tables):
        raise DataError("the samples for training, validation and test are tables and arrays; give all of one kind")
    if not tables[0]:
        return _arrays(parts, held_out, sample_weight, task=task, name=name, quiet=quiet)
    return _tables(parts, held_out, sample_weight, task=task, name=name)


def samples_to_predict(
    x: Any, *, features: tuple[Sequence[str], bool], shape: Sequence[int], quiet: bool = False
) -> _native.Samples:
    """Prepare ``x`` for a model with these ``features``; the flag is true for features of a table."""
    names, of_table = features
    if is_table(x):
        columns = columns_of(x)
        if of_table:
            return _native.Samples.of_columns("x", [(name, cells_of(column)) for name, column in columns.items()])
        x, quiet = np.column_stack([_numbers(name, cells_of(column)) for name, column in columns.items()]), True
    elif of_table:
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != len(names):
            raise DataError(
                f"x has shape {list(x.shape)}; the model was trained on a table with the columns "
                f"{', '.join(names)}: give a table, or an array with a column for each of them, in this order"
            )
        return _native.Samples.of_columns("x", [(name, cells_of(x[:, place])) for place, name in enumerate(names)])
    inputs = inputs_of(x, quiet=quiet)
    _check_shape(inputs, shape)
    return _native.Samples.of_array("x", inputs)


def samples_to_evaluate(
    x: Any,
    y: Any,
    *,
    model: _native.Run,
    labels: Labels,
    quiet: bool = False,
) -> _native.Samples:
    """Prepare ``x`` and ``y`` for a model whose classes have these ``labels``."""
    names, of_classes = model.targets
    task = "classification" if of_classes else "regression"
    features, of_table = model.features
    if not of_table:
        inputs = inputs_of(x, quiet=quiet)
        _check_shape(inputs, model.sample_shape)
        targets = targets_of(
            y, task, classes=labels.array(names) if of_classes else None, names=None if of_classes else names
        )
        if len(inputs) != len(targets):
            raise _lengths(len(inputs), len(targets))
        return _native.Samples.of_array("x", inputs, targets.native())
    if not is_table(x):
        x = {name: np.asarray(x)[:, place] for place, name in enumerate(features)}
    columns = columns_of(x)
    target = model.target_column or "target"
    y = columns.pop(y) if isinstance(y, str) else y
    columns.pop(target, None)
    _check_lengths(columns, y)
    cells = [(name, cells_of(column)) for name, column in columns.items()]
    return _native.Samples.of_columns("x", [*cells, (target, _target_cells(targets_array(y), task))])


def _arrays(
    parts: list[Pair], held_out: Sequence[Pair | None], sample_weight: Any, *, task: str | None, name: str, quiet: bool
) -> Prepared:
    inputs = [inputs_of(x, quiet=quiet) for x, _ in parts]
    for (_, y), part in zip(parts, inputs):
        if y is None:
            raise DataError("y is missing; give the classes or values of the samples")
        if isinstance(y, str):
            raise DataError(
                f"y is the text {y!r}, but x is an array without named columns; give the targets themselves"
            )
        if part.shape[1:] != inputs[0].shape[1:]:
            shapes = f"{list(part.shape[1:])} cannot be combined with those of shape {list(inputs[0].shape[1:])}"
            raise DataError(f"samples of shape {shapes}; give all parts the same shape")
    targets_given = [targets_array(y) for _, y in parts]
    for part, y in zip(inputs, targets_given):
        if len(part) != len(y):
            raise _lengths(len(part), len(y))
    joint = targets_given[0] if len(parts) == 1 else np.concatenate(targets_given)
    targets = targets_of(joint, task)
    whole: Any = inputs[0] if len(parts) == 1 else np.concatenate(inputs)
    lengths = [len(part) for part in inputs]
    sizes, weights = _sizes(held_out, lengths), _weights(sample_weight, lengths)
    samples = _native.Samples.of_array(name, whole, targets.native(), sizes, weights)
    return Prepared(samples, targets.classes, {})


def _tables(
    parts: list[Pair], held_out: Sequence[Pair | None], sample_weight: Any, *, task: str | None, name: str
) -> Prepared:
    tables = [columns_of(x) for x, _ in parts]
    targets, target = [], _target_name(parts[0][1], tables[0])
    for columns, (_, y) in zip(tables, parts):
        if isinstance(y, str):
            if y not in columns:
                raise DataError(f"the table has no column {y!r} to predict; it has {', '.join(columns)}")
            y = columns.pop(y)
        elif y is None:
            raise DataError(
                "y is missing; give the name of the column to predict, or the classes or values of the rows"
            )
        if not columns:
            raise DataError("the table has no column besides the target; give at least one to predict it from")
        _check_lengths(columns, y)
        targets.append(targets_array(y))
        if list(columns) != list(tables[0]):
            raise DataError(f"the tables have different columns: {', '.join(columns)} and {', '.join(tables[0])}")
    joint = targets[0] if len(targets) == 1 else np.concatenate(targets)
    if joint.ndim != 1:
        raise DataError(f"y has shape {list(joint.shape)}; rows of a table have one target: give an array for several")
    task = task_of(joint, task)
    cells: dict[str, Cells] = {}
    for columns in tables:
        for column, values in columns.items():
            read = cells_of(values)
            cells[column] = joined(cells[column], read) if column in cells else read
    cells[target] = _target_cells(joint, task)
    labels = Labels()
    if task == "classification":
        labels = Labels({text_of(label): label for label in joint.tolist() if not is_missing(label)})
    lengths = [len(y) for y in targets]
    sizes, weights = _sizes(held_out, lengths), _weights(sample_weight, lengths)
    samples = _native.Samples.of_columns(name, list(cells.items()), sizes, weights)
    return Prepared(samples, labels, {"data.target": target, "data.task": task})


def _target_name(y: Any, columns: dict[str, Any]) -> str:
    if isinstance(y, str):
        return y
    name = getattr(y, "name", None)
    name = name if isinstance(name, str) and name.strip() else "target"
    while name in columns:
        name += "_to_predict"
    return name


def _target_cells(y: NDArray[Any], task: str) -> Cells:
    if task == "classification":
        return [None if is_missing(label) else text_of(label) for label in y.tolist()]
    return _numbers("y", cells_of(y))


def _numbers(name: str, cells: Cells) -> NDArray[np.float64]:
    if isinstance(cells, list):
        if all(text in ("true", "false", None) for text in cells):
            return np.array([np.nan if text is None else text == "true" for text in cells], dtype=np.float64)
        text = next(text for text in cells if text is not None)
        raise DataError(f"column {name!r} holds text such as {text!r}, but the model expects numbers")
    return cells


def _sizes(held_out: Sequence[Pair | None], lengths: list[int]) -> tuple[int, int, int] | None:
    """Return the samples of the three splits; None if the engine divides them."""
    if all(pair is None for pair in held_out):
        return None
    rest = iter(lengths[1:])
    validation, test = (0 if pair is None else next(rest) for pair in held_out)
    return lengths[0], validation, test


def _weights(sample_weight: Any, lengths: list[int]) -> NDArray[np.float32] | None:
    """Return the weight of every sample; samples of held-out pairs have weight 1."""
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(array_of(sample_weight)).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"sample_weight holds values that are not numbers ({error})") from error
    if weights.shape != (lengths[0],):
        raise DataError(
            f"sample_weight has shape {list(weights.shape)}; give one number for each of the {lengths[0]} samples of x"
        )
    return np.concatenate([weights, np.ones(sum(lengths[1:]), dtype=np.float32)])


def _check_lengths(columns: dict[str, Any], y: Any) -> None:
    if length_of(columns) != len(y):
        raise _lengths(length_of(columns), len(y))


def _lengths(samples: int, targets: int) -> DataError:
    return DataError(f"x has {samples} samples and y has {targets}; give one target for each sample")


def _check_shape(inputs: NDArray[Any], shape: Sequence[int]) -> None:
    if list(inputs.shape[1:]) != list(shape):
        raise DataError(f"x has samples of shape {list(inputs.shape[1:])}; the model was trained on {list(shape)}")
