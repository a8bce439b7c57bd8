"""Curves of a watched training run, thinned as they grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: Number of points of a curve; at twice as many, every other one is dropped.
POINTS = 600


@dataclass
class Curve:
    """Values over steps. Each point is the mean of a number of values that grows as the curve is thinned."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    thinned: int = 1
    _sum: float = 0.0
    _count: int = 0

    def add(self, step: int, value: float) -> None:
        """Add a value; those that are not finite are left out."""
        if value - value != 0:
            return
        self._sum += value
        self._count += 1
        if self._count < self.thinned:
            return
        self.steps.append(step)
        self.values.append(self._sum / self._count)
        self._sum, self._count = 0.0, 0
        if len(self.steps) >= 2 * POINTS:
            pairs = zip(self.values[::2], self.values[1::2])
            self.steps, self.values = self.steps[1::2], [(a + b) / 2 for a, b in pairs]
            self.thinned *= 2


@dataclass
class LayerSeries:
    """Curves of a layer."""

    description: dict[str, Any]
    output_std: Curve = field(default_factory=Curve)
    zero_fraction: Curve = field(default_factory=Curve)
    gradient_rms: Curve = field(default_factory=Curve)
    update_ratio: Curve = field(default_factory=Curve)


class Series:
    """Content of a report, from the records."""

    def __init__(self) -> None:
        self.model: dict[str, Any] = {}
        self.steps = 0
        self.loss = Curve()
        self.accuracy = Curve()
        self.gradient_norm = Curve()
        self.learning_rate = Curve()
        self.epochs: list[dict[str, Any]] = []
        self.layers: dict[str, LayerSeries] = {}

    def take(self, record: dict[str, Any]) -> None:
        """Add a record."""
        if record["type"] == "model":
            self.model = record
            self.layers = {layer["name"]: LayerSeries(layer) for layer in record["layers"]}
        elif record["type"] == "epoch":
            self.epochs.append({key: value for key, value in record.items() if key != "norms"})
        elif record["type"] == "step":
            self._take_step(record)

    def _take_step(self, record: dict[str, Any]) -> None:
        step = record["step"]
        self.steps = step + 1
        for name in ("loss", "accuracy", "gradient_norm", "learning_rate"):
            if name in record:
                getattr(self, name).add(step, record[name])
        for layer in record["layers"]:
            series = self.layers[layer["layer"]]
            if "output" in layer:
                series.output_std.add(step, layer["output"]["std"])
                series.zero_fraction.add(step, layer["output"].get("zero_fraction", float("nan")))
            if "gradient" in layer:
                series.gradient_rms.add(step, layer["gradient"]["rms"])
            for parameter in layer.get("parameters", ()):
                if parameter["role"] == "weight" and parameter["weight_norm"] > 0 and "update_norm" in parameter:
                    series.update_ratio.add(step, parameter["update_norm"] / parameter["weight_norm"])
                    break
