"""Gradients, and the change that an update makes to parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from evenkeel import _native
from evenkeel.watching import kinds, tensors
from evenkeel.watching.layers import Layer

Numbers = dict[str, object]


class Updates:
    """Measures the parameters of a model around a step of its optimizer.

    Those that the optimizer updates are copied before the step, into buffers that are allocated once. Changes of
    others are detected by their version.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._model = model
        self._optimizer = optimizer
        #: True if the optimizer already has a state, so that training continues from an earlier run.
        self.has_trained = any(bool(state) for state in optimizer.state.values())
        self._copies: dict[nn.Parameter, torch.Tensor] = {}
        self._versions: dict[nn.Parameter, int] = {}
        self._copied: set[nn.Parameter] = set()
        self._gradients: dict[nn.Parameter, tuple[float, int]] = {}
        self._parameters: dict[nn.Parameter, Numbers] = {}

    def optimised(self) -> list[nn.Parameter]:
        """Return the parameters that the optimizer updates."""
        return [parameter for group in self._optimizer.param_groups for parameter in group["params"]]

    def learning_rate(self) -> float:
        """Return the highest learning rate of the groups of parameters."""
        return max((float(group.get("lr", math.nan)) for group in self._optimizer.param_groups), default=math.nan)

    def norm_before(self, *, measuring: bool) -> float | None:
        """Return the norm of the gradient buffers; None if that needs a measurement and this step is not
        measured."""
        held = [parameter.grad for parameter in self.optimised() if parameter.grad is not None]
        if held and not measuring:
            return None
        return math.sqrt(sum(tensors.squares(gradient)[0] for gradient in held))

    def before(self) -> None:
        """Remember the parameters."""
        self._copied.clear()
        for parameter in self.optimised():
            if not parameter.requires_grad or parameter.numel() == 0 or parameter.is_meta:
                continue
            if parameter not in self._copies:
                self._copies[parameter] = torch.empty_like(parameter, requires_grad=False)
            self._copies[parameter].copy_(parameter.detach())
            self._copied.add(parameter)
        self._versions = {parameter: parameter._version for parameter in self._model.parameters()}

    def measure_gradients(self) -> None:
        """Measure the gradients that the optimizer is about to use, and those of parameters it does not own."""
        self._gradients = {}
        for parameter in self._model.parameters():
            if parameter.grad is not None:
                square, _, non_finite = tensors.squares(parameter.grad)
                self._gradients[parameter] = (math.sqrt(square), non_finite)

    @property
    def has_gradients(self) -> bool:
        """Return true if gradients were measured in this step."""
        return bool(self._gradients)

    def gradient_norm(self) -> float | None:
        """Return the norm over all parameters."""
        norms = [math.nan if bad else norm for norm, bad in self._gradients.values()]
        return math.sqrt(sum(norm * norm for norm in norms)) if norms else None

    def after(self) -> None:
        """Measure the changes of the step."""
        decays = {
            parameter: float(group.get("weight_decay") or 0.0)
            for group in self._optimizer.param_groups
            for parameter in group["params"]
        }
        # AdamW's decay does not pass through the scaling of the gradient: the two cannot be compared.
        coupled = not isinstance(self._optimizer, torch.optim.AdamW)
        self._parameters = {}
        for parameter in self._model.parameters():
            if not parameter.requires_grad:
                continue
            weight, update, non_finite = self._change(parameter)
            known: Numbers = {"weight_norm": weight, "update_norm": update, "non_finite": non_finite}
            if parameter in self._gradients:
                norm, bad = self._gradients[parameter]
                known.update(gradient_norm=norm, non_finite_gradient=bad)
            if coupled and decays.get(parameter):
                known["decay_norm"] = decays[parameter] * weight
            self._parameters[parameter] = known

    def _change(self, parameter: nn.Parameter) -> tuple[float, float | None, int]:
        """Return the norm before the step, that of the change (None if it is not known), and the non-finite values
        after it."""
        if parameter not in self._copied:
            square, _, non_finite = tensors.squares(parameter)
            unchanged = self._versions.get(parameter) == parameter._version
            return math.sqrt(square), 0.0 if unchanged else None, non_finite
        before, now = self._copies[parameter], parameter.detach()
        if tensors.lies_in_memory(now) and before.stride() == now.stride():
            weight, change, bad = _native.update_squares(tensors.array_of(before), tensors.array_of(now))
        else:
            weight = float(before.double().square().sum())
            change = float((now.double() - before.double()).square().sum())
            bad = 0 if math.isfinite(change) else int((~torch.isfinite(now)).sum())
        return math.sqrt(weight), math.sqrt(change), bad

    def of_layer(self, layer: Layer) -> list[Numbers]:
        """Return the parameters of a layer record."""
        pairs = layer.parameters()
        return [{"role": role, **self._parameters[one]} for role, one in pairs if one in self._parameters]

    def clear(self) -> None:
        """Forget the step."""
        self._gradients, self._parameters = {}, {}


def by_rows(tensor: torch.Tensor) -> Any:
    """Return the values of weights or their gradient, row after row."""
    return tensor.detach().to("cpu", torch.float32).contiguous().numpy()


def weight_of(layer: Layer) -> tuple[nn.Parameter, int] | None:
    """Return the weights of a layer whose rows are units, and their number; None without a dense gradient."""
    if layer.module is None:
        return None
    rows, weight = kinds.rows_of(layer.module), getattr(layer.module, "weight", None)
    if rows is None or not isinstance(weight, nn.Parameter) or weight.grad is None or weight.grad.is_sparse:
        return None
    return weight, rows


def sign_agreement(layer: Layer) -> float | None:
    """Return the share of units whose weight gradients all have the same sign."""
    found = weight_of(layer)
    return None if found is None else _native.sign_agreement(by_rows(found[0].grad), found[1])  # type: ignore[arg-type]


def identical_units(layer: Layer) -> int | None:
    """Return the number of units with the same weights and gradient as another unit."""
    found = weight_of(layer)
    if found is None:
        return None
    weight, rows = found
    return _native.identical_rows(by_rows(weight), by_rows(weight.grad), rows)  # type: ignore[arg-type]


def settings(optimizer: Optimizer) -> dict[str, object]:
    """Return the fields of the model record about an optimizer."""
    groups: Iterable[dict[str, Any]] = optimizer.param_groups
    rates = [float(group["lr"]) for group in groups if "lr" in group]
    decays = [float(group.get("weight_decay") or 0.0) for group in groups]
    return {
        "optimizer": getattr(optimizer, "name", type(optimizer).__name__).lower(),
        "learning_rate": max(rates) if rates else None,
        "weight_decay": max(decays, default=0.0),
    }
