"""Layers of a watched model: modules, and functions found in its gradient graph."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from evenkeel.watching import kinds


@dataclass(eq=False)
class Layer:
    """One layer of the model record."""

    name: str
    kind: str
    function: str | None = None
    #: The module; None for a function that is not a module.
    module: nn.Module | None = None
    #: Layers whose outputs it reads.
    inputs: list[Layer] = field(default_factory=list)
    #: Dimension of the output along which the units lie.
    axis: int | None = None
    #: True if the layer represents the parameters that a module holds directly, outside its submodules.
    is_holder: bool = False
    #: Functions that read the output of this layer directly, so that their values follow from it.
    followers: list[Layer] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, module: nn.Module) -> Layer:
        """Return the layer of a module."""
        kind, function = kinds.kind_of(module)
        return cls(name, kind, function, module, axis=kinds.unit_axis(module))

    @property
    def band(self) -> tuple[float, float]:
        """Range of values that do not count as saturated."""
        return kinds.BANDS.get(self.function or "", kinds.NO_BAND)

    @property
    def counts_units(self) -> bool:
        """Return true if the units of the layer are watched individually."""
        return self.function in ("relu", "tanh", "sigmoid")

    def axis_for(self, output: torch.Tensor) -> int:
        """Return the dimension of an output along which the units lie."""
        axis, before = self.axis, self.inputs
        for _ in range(100):
            if axis is not None or not before:
                break
            axis, before = before[0].axis, before[0].inputs
        if axis is None or axis >= output.dim():
            return 1 if output.dim() == 4 else -1
        return axis

    def parameters(self) -> list[tuple[str, nn.Parameter]]:
        """Return the parameters with their roles."""
        if self.module is None:
            return []
        if self.is_holder:
            return [("other", one) for one in self.module.parameters(recurse=False)]
        return kinds.parameters_of(self.module)

    def describe(self) -> dict[str, object]:
        """Return the layer of the model record."""
        if self.module is not None and not self.is_holder:
            known = kinds.describe(self.name, self.module)
        else:
            known = {"name": self.name, "kind": self.kind}
            if self.function:
                known["function"] = self.function
            if self.is_holder:
                known["frozen"] = not any(parameter.requires_grad for _, parameter in self.parameters())
        return {**known, "inputs": [layer.name for layer in self.inputs]}
