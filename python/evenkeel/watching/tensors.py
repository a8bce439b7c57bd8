"""Statistics of tensors: in one pass without a copy for dense float32 in CPU memory, through torch otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch

from evenkeel import _native

#: Number of values of an output up to which all are measured.
ALL = 16_384
#: Number of values measured of a larger output, as whole samples.
SAMPLED = 8_192
#: Minimum number of samples measured.
SAMPLES = 16

Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass
class Signal:
    """Moments of an output, over all calls of its layer in a step."""

    count: int = 0
    mean: float = math.nan
    #: Sum of the squared distances from the mean.
    squares: float = 0.0
    lowest: float = math.inf
    highest: float = -math.inf
    zeros: int = 0
    beyond: int = 0
    non_finite: int = 0

    @property
    def std(self) -> float:
        """Standard deviation; NaN without values."""
        return math.sqrt(self.squares / self.count) if self.count else math.nan

    def add(self, other: Signal) -> None:
        """Merge the values of another call."""
        self.zeros += other.zeros
        self.beyond += other.beyond
        self.non_finite += other.non_finite
        self.lowest = min(self.lowest, other.lowest)
        self.highest = max(self.highest, other.highest)
        if not other.count:
            return
        if not self.count:
            self.count, self.mean, self.squares = other.count, other.mean, other.squares
            return
        total = self.count + other.count
        apart = other.mean - self.mean
        self.squares += other.squares + apart * apart * self.count * other.count / total
        self.mean += apart * other.count / total
        self.count = total

    def record(self, saturates: bool) -> dict[str, object]:
        """Return the output of a layer record."""
        seen = self.count + self.non_finite
        known = {"count": seen, "mean": self.mean, "std": self.std, "non_finite": self.non_finite}
        if self.count:
            known.update(min=self.lowest, max=self.highest, zero_fraction=self.zeros / self.count)
        if self.count and saturates:
            known["saturated_fraction"] = self.beyond / self.count
        return dict(known)


def tensors_in(value: object, depth: int = 4) -> Iterator[torch.Tensor]:
    """Return the tensors in the input or output of a module: tuples, lists, dictionaries and data classes of them."""
    if isinstance(value, torch.Tensor):
        yield value
    elif depth == 0 or isinstance(value, (str, bytes)):
        return
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tensors_in(one, depth - 1)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from tensors_in(one, depth - 1)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from tensors_in(getattr(value, field.name, None), depth - 1)


def floats_in(value: object) -> Iterator[torch.Tensor]:
    """Return the tensors of real numbers."""
    return (tensor for tensor in tensors_in(value) if tensor.is_floating_point() and tensor.numel() > 0)


def first_of(value: object) -> torch.Tensor | None:
    """Return the first tensor that has samples."""
    return next((tensor for tensor in tensors_in(value) if tensor.dim() > 0), None)


def lies_in_memory(tensor: torch.Tensor) -> bool:
    """Return true if the values are dense float32 in CPU memory."""
    return tensor.dtype is torch.float32 and tensor.device.type == "cpu" and tensor.layout is torch.strided


def array_of(tensor: torch.Tensor) -> Array:
    """Return the values as an array, without a copy if possible. Their order may differ."""
    tensor = tensor.detach()
    if not lies_in_memory(tensor):
        tensor = (tensor.to_dense() if tensor.layout is not torch.strided else tensor).to("cpu", torch.float32)
    if not tensor.is_contiguous():
        by_stride = sorted(range(tensor.dim()), key=lambda axis: tensor.stride()[axis], reverse=True)
        tensor = tensor.permute(by_stride).contiguous()
    array: Array = tensor.numpy()
    return array


def first_samples(tensor: torch.Tensor) -> torch.Tensor:
    """Return the first samples of an output with many values, all samples otherwise."""
    if tensor.numel() <= ALL or tensor.dim() < 2:
        return tensor
    samples = max(SAMPLES, math.ceil(SAMPLED * tensor.shape[0] / tensor.numel()))
    return tensor if samples >= tensor.shape[0] else tensor[:samples]


def signal(tensor: torch.Tensor, band: tuple[float, float]) -> Signal:
    """Return the moments of a tensor; values outside the band count as saturated."""
    count, mean, std, lowest, highest, zeros, beyond, non_finite = _native.signal_moments(array_of(tensor), *band)
    squares = std * std * count if count else 0.0
    return Signal(count, mean, squares, lowest, highest, zeros, beyond, non_finite)


def squares(tensor: torch.Tensor) -> tuple[float, float, int]:
    """Return the sum of squares, the largest absolute value and the number of non-finite values, the first two of
    the finite ones. A tensor on another device is reduced there."""
    tensor = tensor.detach()
    if tensor.layout is not torch.strided:
        tensor = tensor.coalesce().values() if tensor.layout is torch.sparse_coo else tensor.to_dense()
    if tensor.numel() == 0:
        return 0.0, 0.0, 0
    if tensor.device.type == "cpu":
        return _native.gradient_squares(array_of(tensor))
    finite = torch.isfinite(tensor)
    bad = int(tensor.numel() - int(finite.sum()))
    values = torch.where(finite, tensor, torch.zeros_like(tensor)).double()
    return float(values.square().sum()), float(values.abs().max()), bad


def by_unit(tensor: torch.Tensor, axis: int) -> tuple[Array, int, int]:
    """Return the values in the order [samples, units, positions], the number of units and of positions."""
    tensor = tensor.detach()
    if not lies_in_memory(tensor):
        tensor = tensor.to("cpu", torch.float32)
    axis = axis % tensor.dim()
    units = int(tensor.shape[axis])
    moved = tensor.movedim(axis, -1)
    if moved.is_contiguous():
        return moved.numpy(), units, 1
    return tensor.contiguous().numpy(), units, math.prod(tensor.shape[axis + 1 :])


def fired(tensor: torch.Tensor, axis: int) -> tuple[list[int], int]:
    """Return words with one bit for each unit that is above zero anywhere, and the number of units."""
    array, units, inner = by_unit(tensor, axis)
    return _native.fired_units(array, units, inner), units


def counts(tensor: torch.Tensor, axis: int, band: tuple[float, float]) -> tuple[list[int], list[int], int]:
    """Return the numbers of positive and of saturated values for every unit, and the number of values per unit."""
    array, units, inner = by_unit(tensor, axis)
    above, beyond = _native.unit_counts(array, units, inner, *band)
    return above, beyond, array.size // units


def extremes(values: torch.Tensor) -> dict[str, float]:
    """Return the extremes of a loss's input. A row lies along dimension 1."""
    values = values.detach()
    found = {"lowest": float(values.min()), "highest": float(values.max())}
    if values.dim() > 1 and values.shape[1] > 1:
        sums = values.sum(1, dtype=torch.float32)
        found.update(lowest_row_sum=float(sums.min()), highest_row_sum=float(sums.max()))
    return found


def joined_extremes(one: dict[str, float] | None, other: dict[str, float] | None) -> dict[str, float] | None:
    """Return the combined extremes of both."""
    if one is None or other is None:
        return one or other
    return {name: (min if "lowest" in name else max)(one[name], other[name]) for name in one if name in other}
