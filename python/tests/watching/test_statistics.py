"""Statistics in Rust against NumPy, on odd sizes and odd values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from evenkeel import _native
from evenkeel.watching import tensors

SIZES = [1, 2, 15, 16, 17, 1000, (1 << 14) + 3, (1 << 18) + 5]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mean", [0.0, 1e4])
def test_moments(size: int, mean: float) -> None:
    values = (np.random.default_rng(size).normal(size=size) + mean).astype(np.float32)
    values[::3] = 0.0
    count, average, std, lowest, highest, zeros, beyond, bad = _native.signal_moments(values, -0.5, 0.5)
    exact = values.astype(np.float64)
    assert (count, bad, zeros) == (size, 0, int((values == 0).sum()))
    assert beyond == int(((values < -0.5) | (values > 0.5)).sum())
    assert (lowest, highest) == (values.min(), values.max())
    assert average == pytest.approx(exact.mean(), rel=1e-12, abs=1e-12)
    assert std == pytest.approx(exact.std(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("size", SIZES)
def test_values_that_are_not_finite_are_counted_and_left_out(size: int, bad: float) -> None:
    values = np.random.default_rng(size).normal(size=size).astype(np.float32)
    values[:: max(size // 5, 1)] = bad
    finite = values[np.isfinite(values)].astype(np.float64)
    count, mean, std, *_, non_finite = _native.signal_moments(values, -1, 1)
    assert (count, non_finite) == (len(finite), size - len(finite))
    square, largest, non_finite = _native.gradient_squares(values)
    assert non_finite == size - len(finite)
    if len(finite) == 0:
        assert math.isnan(mean) and (square, largest) == (0.0, 0.0)
        return
    assert mean == pytest.approx(finite.mean()) and std == pytest.approx(finite.std(), abs=1e-12)
    assert square == pytest.approx((finite**2).sum()) and largest == pytest.approx(np.abs(finite).max())
    before = np.zeros_like(values)
    assert _native.update_squares(before, values)[2] == size - len(finite)


@pytest.mark.parametrize("size", SIZES)
def test_updates(size: int) -> None:
    before = np.random.default_rng(0).normal(size=size).astype(np.float32)
    after = before + np.float32(1e-3)
    weight, change, bad = _native.update_squares(before, after)
    assert weight == pytest.approx((before.astype(np.float64) ** 2).sum())
    assert change == pytest.approx(((after.astype(np.float64) - before) ** 2).sum()) and bad == 0
    assert _native.update_squares(before, before)[1] == 0.0


@pytest.mark.parametrize("shape", [(5, 3), (40, 130), (3, 7, 5, 5), (2, 65, 3, 3), (4, 6, 8)])
@pytest.mark.parametrize("layout", ["rows", "channels last"])
def test_units(shape: tuple[int, ...], layout: str) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1)) - 1.5
    axis = -1 if len(shape) == 3 else 1
    if layout == "channels last" and len(shape) == 4:
        values = values.to(memory_format=torch.channels_last)
    by_unit = values.movedim(axis, 0).flatten(1)
    words, units = tensors.fired(values, axis)
    bits = [bool(words[unit // 64] >> unit % 64 & 1) for unit in range(units)]
    assert bits == (by_unit > 0).any(1).tolist() and len(words) == (units + 63) // 64
    above, beyond, observations = tensors.counts(values, axis, (-1.0, 1.0))
    assert above == (by_unit > 0).sum(1).tolist() and observations == by_unit.shape[1]
    assert beyond == (by_unit.abs() > 1).sum(1).tolist()


def test_rows() -> None:
    weight = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
    gradient = np.random.default_rng(1).normal(size=(6, 9)).astype(np.float32)
    assert _native.identical_rows(weight, gradient, 6) == 0
    weight[[2, 4]] = weight[0]
    assert _native.identical_rows(weight, gradient, 6) == 0, "other gradients"
    gradient[2] = gradient[0] * np.float32(1 + 1e-7)
    assert _native.identical_rows(weight, gradient, 6) == 1
    assert _native.identical_rows(np.zeros_like(weight), np.zeros_like(weight), 6) == 5
    gradient[:3] = np.abs(gradient[:3])
    gradient[3] = 0
    agreement = np.abs(np.sign(gradient).sum(1)) / np.maximum(np.abs(np.sign(gradient)).sum(1), 1)
    assert _native.sign_agreement(gradient, 6) == pytest.approx((agreement >= 0.9).mean())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: _native.fired_units(a, 4, 1), "not a multiple of 4 units"),
        (lambda a: _native.fired_units(a, 0, 1), "not a multiple"),
        (lambda a: _native.unit_counts(a, 1 << 62, 1 << 62, 0, 0), "not a multiple"),
        (lambda a: _native.sign_agreement(a, 4), "do not form 4 rows"),
        (lambda a: _native.identical_rows(a, a[:3], 5), "weights and 3 gradients"),
        (lambda a: _native.update_squares(a, a[:3]), "5 values before the update and 3 after"),
        (lambda a: _native.signal_moments(np.zeros((4, 4), np.float32)[:, 1:3], 0, 0), "contiguous"),
        (lambda a: _native.Monitor().record('{"type": "step", "step": 0}'), "before the model record"),
        (lambda a: _native.Monitor().record("{"), "not a JSON object"),
    ],
)
def test_what_does_not_fit_is_refused(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(np.zeros(5, np.float32))  # type: ignore[operator]


@pytest.mark.parametrize("shape", [(4, 3), (100, 200), (64, 16, 32, 32)])
def test_first_samples_of_large_outputs(shape: tuple[int, ...]) -> None:
    values = torch.zeros(shape)
    part = tensors.first_samples(values)
    if values.numel() <= tensors.ALL:
        assert part is values
    else:
        assert part.shape[0] >= tensors.SAMPLES and part.numel() >= tensors.SAMPLED
        assert (part.shape[0] - 1) * part[0].numel() < tensors.SAMPLED or part.shape[0] == tensors.SAMPLES
