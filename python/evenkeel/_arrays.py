"""Arrays in the types of the engine: float32, or uint8 for images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenkeel.errors import ConversionWarning, DataError, warn

# Minimum number of levels between the smallest and largest value of a feature; with fewer, its digits count as lost.
_FEW_LEVELS = 1000.0


def inputs_of(x: Any, *, quiet: bool = False) -> NDArray[np.float32] | NDArray[np.uint8]:
    """Return ``x`` as ``[samples, features]`` of float32, or ``[samples, height, width, channels]`` of float32 or
    uint8.

    A contiguous array of these types is returned as it is. Others are converted, with a :class:`ConversionWarning`
    unless ``quiet``; images without a channel axis, ``[samples, height, width]``, get one.
    """
    if hasattr(x, "toarray") and hasattr(x, "nnz"):
        raise DataError("x is a sparse matrix; the engine takes dense ones: give x.toarray()")
    array = np.asarray(x)
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim not in (2, 4):
        raise DataError(
            f"x has shape {list(array.shape)}; give rows as [samples, features] or images as "
            "[samples, height, width, channels]"
        )
    if array.size == 0:
        raise DataError(f"x has shape {list(array.shape)}: no sample with a value; give at least one")
    if array.dtype == np.float32 or array.dtype == np.uint8 and array.ndim == 4:
        return np.ascontiguousarray(array)
    return _converted(array, quiet)


def _converted(array: NDArray[Any], quiet: bool) -> NDArray[np.float32]:
    if array.dtype.kind == "c":
        raise DataError("x holds complex numbers; give their real and imaginary parts as separate features")
    if array.dtype.kind not in "fiub":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"x holds values of type {array.dtype} that are not numbers ({error}); give text and "
                "categories as a table: a pandas or Polars frame, or a mapping of columns"
            ) from error
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(array, dtype=np.float32)
    if array.dtype == np.float64 and not np.array_equal(np.isfinite(array), np.isfinite(converted)):
        place = tuple(int(index) for index in np.argwhere(np.isfinite(array) & ~np.isfinite(converted))[0])
        raise DataError(f"x{list(place)} is {array[place]}, too large for float32; convert the feature to another unit")
    if not quiet:
        megabytes = converted.nbytes / 1e6
        warn(
            f'x is {array.dtype} and was converted to float32 ({megabytes:.1f} MB more); x.astype("float32") avoids it'
            + _lost_digits(array),
            ConversionWarning,
        )
    return converted


def _lost_digits(array: NDArray[Any]) -> str:
    """Name the features whose values differ by little relative to their size."""
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        return ""
    with np.errstate(all="ignore"):
        low, high = array.min(axis=0), array.max(axis=0)
        size = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
        levels = (high.astype(np.float64) - low) / (size * np.finfo(np.float32).eps)
    lost = np.flatnonzero((levels < _FEW_LEVELS) & (high > low))
    if lost.size == 0:
        return ""
    named = ", ".join(str(int(feature)) for feature in lost[:5]) + (", ..." if lost.size > 5 else "")
    advice = "subtract an origin, or give a table"
    return f"; features {named} differ by little relative to their size and lose digits: {advice}"
