"""Measurements of layers in one forward pass of a model and the backward pass through it."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from evenkeel.watching import kinds, tensors
from evenkeel.watching.layers import Layer
from evenkeel.watching.tensors import Signal


@dataclass
class Gradient:
    """Gradients with respect to an output, pooled."""

    count: int = 0
    squares: float = 0.0
    largest: float = 0.0
    non_finite: int = 0

    def take(self, gradient: torch.Tensor | None) -> None:
        """Record the gradient of one call; a hook of the output, which changes nothing."""
        if gradient is None or gradient.numel() == 0:
            return
        part = tensors.first_samples(gradient.detach())
        squares, largest, non_finite = tensors.squares(part)
        self.add(Gradient(part.numel(), squares, largest, non_finite))

    def add(self, other: Gradient) -> None:
        """Merge another one."""
        self.count += other.count
        self.squares += other.squares
        self.largest = max(self.largest, other.largest)
        self.non_finite += other.non_finite

    @property
    def rms(self) -> float:
        """Root mean square of the finite values."""
        finite = self.count - self.non_finite
        return math.sqrt(self.squares / finite) if finite else math.nan


@dataclass
class Units:
    """Firing of the units of an activation, pooled."""

    units: int = 0
    observations: int = 0
    fired: list[int] = field(default_factory=list)
    above: list[int] = field(default_factory=list)
    beyond: list[int] = field(default_factory=list)

    def add(self, other: Units) -> None:
        """Record another call; one with a different number of units is left out."""
        if self.units and other.units != self.units:
            return
        self.units = other.units
        self.observations += other.observations
        self.fired = _both(self.fired, other.fired, int.__or__)
        self.above = _both(self.above, other.above, int.__add__)
        self.beyond = _both(self.beyond, other.beyond, int.__add__)

    @property
    def dead_fraction(self) -> float | None:
        """Share of the units that never fired."""
        if not self.units or not self.fired:
            return None
        return 1 - sum(word.bit_count() for word in self.fired) / self.units

    def record(self, function: str | None) -> dict[str, object]:
        """Return the units of a layer record."""
        known: dict[str, object] = {"units": self.units, "observations": self.observations}
        if function == "relu":
            known.update(fired=self.fired, fired_counts=self.above)
        elif self.beyond:
            known.update(saturated_counts=self.beyond)
        return known


def _both(one: list[int], other: list[int], join: Any) -> list[int]:
    return [join(a, b) for a, b in zip(one, other)] if one and other else one or other


@dataclass
class Measured:
    """One layer in one pass."""

    signal: Signal | None = None
    gradient: Gradient = field(default_factory=Gradient)
    units: Units | None = None
    #: Number of output values per sample.
    elements: int = 0
    #: Moments of the input, for layers with weights.
    given: Signal | None = None

    def add(self, other: Measured) -> None:
        """Merge another pass."""
        for name in ("signal", "units", "given"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is None:
                setattr(self, name, theirs)
            elif theirs is not None:
                mine.add(theirs)
        self.gradient.add(other.gradient)
        self.elements = self.elements or other.elements

    @property
    def mean_energy(self) -> float | None:
        """mean(x)² / mean(x²) of the input."""
        if self.given is None or not self.given.count:
            return None
        square = self.given.mean**2
        energy = square + self.given.squares / self.given.count
        return square / energy if energy > 0 else 0.0


class Pass:
    """One forward pass with gradients."""

    def __init__(self, training: bool, *, measuring: bool, first: bool) -> None:
        self.training = training
        self.measuring = measuring
        self.samples = 0
        #: Extremes of the output of the model.
        self.predictions: dict[str, float] | None = None
        #: True if a loss depends on this pass.
        self.reached = False
        self.layers: dict[Layer, Measured] = {}
        self._first = first
        #: Output that was measured last.
        self._last: tuple[weakref.ref[torch.Tensor] | None, int, Signal | None] = (None, 0, None)
        self._kept: dict[Layer, tuple[torch.Tensor, Units]] = {}

    def take(self, layer: Layer, arguments: object, output: torch.Tensor) -> None:
        """Measure a call of a layer."""
        if not self.measuring:
            for one in (layer, *layer.followers):
                if one.function == "relu" and output.device.type == "cpu":
                    self._of(one).add(Measured(units=self._fired(one, output)))
            return
        part = tensors.first_samples(output)
        measured = self._of(layer)
        self._measure(layer, measured, part, output)
        measured.elements = output.numel() // max(output.shape[0], 1) if output.dim() else 1
        if layer.kind in kinds.WEIGHTS:
            measured.add(Measured(given=self._moments_of(next(tensors.floats_in(arguments), None))))
        if output.requires_grad:
            output.register_hook(measured.gradient.take)  # type: ignore[no-untyped-call]
        for follower in layer.followers:
            self._follow(follower, part, output)
        if self._first and layer.kind in (*kinds.WEIGHTS, *kinds.NORMS):
            # The functions after this layer are not known yet.
            self._kept[layer] = (part.detach().clone(), self._fired(layer, output))

    def _of(self, layer: Layer) -> Measured:
        return self.layers.setdefault(layer, Measured())

    def _moments_of(self, given: torch.Tensor | None) -> Signal | None:
        """Return the moments of an input: those of the output it equals, if measured and unchanged since then."""
        if given is None:
            return None
        known, version, signal = self._last
        if signal is not None and known is not None and known() is given and version == given._version:
            return replace(signal)
        return tensors.signal(tensors.first_samples(given), kinds.NO_BAND)

    def _measure(self, layer: Layer, measured: Measured, part: torch.Tensor, output: torch.Tensor) -> None:
        signal = tensors.signal(part, layer.band)
        measured.add(Measured(signal=replace(signal)))
        if layer.module is not None:
            self._last = (weakref.ref(output), output._version, signal)
        if layer.counts_units and output.dim() > 1:
            measured.add(Measured(units=self._counted(layer, part, output)))

    def _follow(self, follower: Layer, part: torch.Tensor, output: torch.Tensor) -> None:
        with torch.no_grad():
            values = kinds.CALLS[follower.function or ""](part.detach())
        measured = self._of(follower)
        measured.elements = output.numel() // max(output.shape[0], 1)
        self._measure(follower, measured, values, output)

    def _counted(self, layer: Layer, part: torch.Tensor, output: torch.Tensor) -> Units:
        above, beyond, observations = tensors.counts(part, layer.axis_for(part), layer.band)
        units = self._fired(layer, output)
        units.above, units.observations = above, observations
        units.beyond = beyond if layer.band != kinds.NO_BAND else []
        return units

    @staticmethod
    def _fired(layer: Layer, output: torch.Tensor) -> Units:
        if output.dim() < 2:
            return Units()
        words, units = tensors.fired(output, layer.axis_for(output))
        return Units(units=units, fired=words)

    def follow_kept(self) -> None:
        """Measure the functions that were recognised after layers of the first pass."""
        for layer, (part, units) in self._kept.items():
            for follower in layer.followers:
                self._follow(follower, part, part)
                measured = self._of(follower)
                if measured.units is not None:
                    measured.units.fired = units.fired
        self._kept = {}


def joined(passes: list[Pass]) -> dict[Layer, Measured]:
    """Return the combined measurements of the passes of one step."""
    if len(passes) == 1:
        return passes[0].layers
    layers: dict[Layer, Measured] = {}
    for one in passes:
        for layer, measured in one.layers.items():
            layers.setdefault(layer, Measured()).add(measured)
    return layers
