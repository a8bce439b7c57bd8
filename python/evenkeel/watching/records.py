"""Conversion of measurements to records of the measurement format."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from evenkeel.watching import updates
from evenkeel.watching.layers import Layer
from evenkeel.watching.passes import Measured
from evenkeel.watching.updates import Updates

Record = dict[str, Any]

#: Maximum number of described input features.
FEATURES = 4_096


def known(record: Record) -> Record:
    """Return a record without its unknown fields."""
    return {key: value for key, value in record.items() if value is not None}


def features(values: torch.Tensor, axis: int) -> list[Record]:
    """Return mean, standard deviation and range of every feature of a batch, for images of every channel."""
    columns = values.detach().to("cpu", torch.float64).movedim(axis, -1).flatten(0, -2)
    if columns.shape[1] > FEATURES or columns.shape[0] == 0:
        return []
    numbers = zip(
        columns.mean(0).tolist(),
        columns.std(0, correction=0).tolist(),
        columns.amin(0).tolist(),
        columns.amax(0).tolist(),
    )
    return [{"mean": mean, "std": std, "range": [low, high]} for mean, std, low, high in numbers]


def inputs(values: torch.Tensor, axis: int) -> Record:
    """Return the data record that a batch represents."""
    record: Record = {"type": "data", "images": values.dim() == 4, "features": features(values, axis)}
    return {**record, "non_finite": int((~torch.isfinite(values)).sum())}


def targets(values: torch.Tensor, classes: int | None) -> Record:
    """Return the fields of a data record about labels, or about the values to predict."""
    values = values.detach().to("cpu")
    if values.is_floating_point():
        finite = values[torch.isfinite(values)]
        known_range = [float(finite.min()), float(finite.max())] if finite.numel() else None
        return known({"target_range": known_range, "non_finite_targets": int(values.numel() - finite.numel())})
    if values.dim() > 1 and values.shape[-1] == 1:
        values = values.flatten()
    if values.numel() == 0 or int(values.min()) < 0:
        return {}
    counts = torch.bincount(values.flatten().long(), minlength=classes or 0).double()
    return {"class_shares": (counts / counts.sum()).tolist(), "largest_label": int(values.max())}


def start_layer(layer: Layer, measured: Measured) -> Record:
    """Return a layer of the start record."""
    signal, units = measured.signal, measured.units
    record: Record = {"layer": layer.name, "elements": measured.elements}
    if signal is not None and signal.count:
        record.update(output_mean=signal.mean, output_std=signal.std, zero_fraction=signal.zeros / signal.count)
        if layer.function in ("tanh", "sigmoid"):
            record["saturated_fraction"] = signal.beyond / signal.count
    if signal is not None:
        record["non_finite"] = signal.non_finite
    if measured.gradient.count:
        record["gradient_rms"] = measured.gradient.rms
    if units is not None and layer.function == "relu":
        record.update(dead_fraction=units.dead_fraction, units=units.units)
    identical = updates.identical_units(layer)
    if identical is not None:
        weight = updates.weight_of(layer)
        record.update(identical_units=identical, units=weight[1] if weight else None)
    return known(record)


def step_layer(layer: Layer, measured: Measured | None, parameters: Updates | None) -> Record:
    """Return a layer of a step record; only its name if nothing was measured."""
    record: Record = {"layer": layer.name}
    if measured is not None:
        if measured.signal is not None:
            record["output"] = measured.signal.record(layer.function in ("tanh", "sigmoid"))
        if measured.gradient.count:
            gradient = measured.gradient
            record["gradient"] = {
                "count": gradient.count,
                "rms": gradient.rms,
                "max_abs": gradient.largest,
                "non_finite": gradient.non_finite,
            }
        if measured.units is not None and measured.units.units:
            record["units"] = measured.units.record(layer.function)
        record["input_mean_energy"] = measured.mean_energy
    if parameters is not None:
        record["parameters"] = [known(one) for one in parameters.of_layer(layer)] or None
        record["sign_agreement"] = updates.sign_agreement(layer)
    return known(record)


def running_statistics(layer: Layer) -> Record | None:
    """Return the running statistics of a batch normalisation."""
    module = layer.module
    if not isinstance(module, nn.modules.batchnorm._BatchNorm) or layer.kind != "batch_norm":
        return None
    if module.running_mean is None or module.running_var is None or module.num_batches_tracked is None:
        return None
    record = {
        "layer": layer.name,
        "running_mean": module.running_mean.tolist(),
        "running_variance": module.running_var.tolist(),
        "momentum": module.momentum,
        "updates": int(module.num_batches_tracked),
    }
    return known(record)
