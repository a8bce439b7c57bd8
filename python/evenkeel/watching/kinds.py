"""Kinds of PyTorch modules and functions by their names in the measurement format."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import nn

#: Layers with a weight matrix or kernel.
WEIGHTS = ("linear", "conv2d")
NORMS = ("batch_norm", "layer_norm", "group_norm", "instance_norm")

_KINDS: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.Linear, "linear"),
    (nn.modules.conv._ConvNd, "conv2d"),
    (nn.modules.instancenorm._InstanceNorm, "instance_norm"),
    (nn.modules.batchnorm._BatchNorm, "batch_norm"),
    (nn.LayerNorm, "layer_norm"),
    (nn.GroupNorm, "group_norm"),
    (nn.modules.pooling._MaxPoolNd, "max_pool"),
    (nn.modules.pooling._AvgPoolNd, "avg_pool"),
    (nn.modules.pooling._AdaptiveAvgPoolNd, "global_avg_pool"),
    (nn.Flatten, "flatten"),
    (nn.modules.dropout._DropoutNd, "dropout"),
)

_FUNCTIONS: dict[type[nn.Module], str] = {
    nn.Identity: "identity",
    nn.ReLU: "relu",
    nn.ReLU6: "relu",
    nn.LeakyReLU: "leaky_relu",
    nn.PReLU: "prelu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.Softplus: "softplus",
    nn.Mish: "mish",
    nn.Hardswish: "hard_swish",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.Softmax: "softmax",
    nn.LogSoftmax: "log_softmax",
}

#: Nodes of a gradient graph for functions that can be layers: (kind, activation function).
NODES: dict[str, tuple[str, str | None]] = {
    "ReluBackward0": ("activation", "relu"),
    "TanhBackward0": ("activation", "tanh"),
    "SigmoidBackward0": ("activation", "sigmoid"),
    "GeluBackward0": ("activation", "gelu"),
    "SiluBackward0": ("activation", "silu"),
    "LeakyReluBackward0": ("activation", "leaky_relu"),
    "EluBackward0": ("activation", "elu"),
    "SoftplusBackward0": ("activation", "softplus"),
    "MishBackward0": ("activation", "mish"),
    "HardswishBackward0": ("activation", "hard_swish"),
    "SoftmaxBackward0": ("activation", "softmax"),
    "LogSoftmaxBackward0": ("activation", "log_softmax"),
    "MaxPool2DWithIndicesBackward0": ("max_pool", None),
    "AvgPool2DBackward0": ("avg_pool", None),
    "AdaptiveAvgPool2DBackward0": ("global_avg_pool", None),
    "NativeDropoutBackward0": ("dropout", None),
    "NativeLayerNormBackward0": ("layer_norm", None),
    "NativeBatchNormBackward0": ("batch_norm", None),
}

#: Range of outputs of an activation that do not count as saturated: (lowest, highest).
BANDS: dict[str, tuple[float, float]] = {"tanh": (-0.97, 0.97), "sigmoid": (0.015, 0.985)}
NO_BAND = (-math.inf, math.inf)

#: Functions whose values can be computed from their inputs, to measure them if they are not modules.
CALLS: dict[str, Any] = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


class Foreign(Protocol):
    """Recognises the layers of another framework that are PyTorch modules; their units lie along the last dimension."""

    def knows(self, module: nn.Module) -> bool:
        """Return true if a module is one of its layers."""
        ...

    def kind(self, module: nn.Module) -> tuple[str, str | None]:
        """Return the result of :func:`kind_of`."""
        ...

    def facts(self, module: nn.Module) -> dict[str, object]:
        """Return further fields of the model record."""
        ...


#: Frameworks whose callbacks have been imported.
FOREIGN: list[Foreign] = []


def _foreign(module: nn.Module) -> Foreign | None:
    return next((one for one in FOREIGN if one.knows(module)), None)


def kind_of(module: nn.Module) -> tuple[str, str | None]:
    """Return the kind of a module and, of an activation, its function."""
    foreign = _foreign(module)
    if foreign is not None:
        return foreign.kind(module)
    for known, function in _FUNCTIONS.items():
        if isinstance(module, known):
            return "activation", function
    for base, kind in _KINDS:
        if isinstance(module, base):
            return kind, None
    return "other", None


def is_layer(module: nn.Module) -> bool:
    """Return true if a module counts as one layer: it is of a known kind, or holds no other modules."""
    if isinstance(module, (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)):
        return False
    if isinstance(module, (nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase)):
        return True
    holds = (one for one in module.children() if not isinstance(one, (nn.ParameterList, nn.ParameterDict)))
    return kind_of(module)[0] != "other" or next(holds, None) is None


def layers_of(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Return the layers of a model with their names, each module once, without the parts of a layer."""
    seen: set[nn.Module] = set()
    parts: set[nn.Module] = set()
    for name, module in model.named_modules():
        if module in seen or module in parts:
            continue
        seen.add(module)
        if is_layer(module):
            parts.update(module.modules())
            yield name or type(module).__name__, module


def holders_of(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Return the modules that hold parameters directly, outside their submodules, with their names."""
    parts = {part for _, layer in layers_of(model) for part in layer.modules()}
    for name, module in model.named_modules():
        if module not in parts and next(module.parameters(recurse=False), None) is not None:
            yield name or type(module).__name__, module


def unit_axis(module: nn.Module) -> int | None:
    """Return the dimension of a layer's output that counts its units; None if that is the one of the layer before
    it."""
    kind, _ = kind_of(module)
    if _foreign(module) is not None:
        return -1
    if kind in ("conv2d", "batch_norm", "group_norm", "instance_norm"):
        return 1
    if kind in ("linear", "layer_norm") or isinstance(module, (nn.Embedding, nn.RNNBase, nn.MultiheadAttention)):
        return -1
    return None


def rows_of(module: nn.Module) -> int | None:
    """Return the number of rows of a layer's weights if each row is one unit; None otherwise."""
    transposed = isinstance(module, nn.modules.conv._ConvTransposeNd)
    weight = getattr(module, "weight", None)
    if kind_of(module)[0] not in WEIGHTS or transposed or not isinstance(weight, torch.Tensor):
        return None
    return int(weight.shape[0])


def parameters_of(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """Return the parameters of a layer with their roles: weight, bias, scale, shift or other."""
    kind, _ = kind_of(module)
    found: list[tuple[str, nn.Parameter]] = []
    for name, parameter in module.named_parameters():
        last = name.rsplit(".", 1)[-1].rsplit("/", 1)[-1]
        if kind in NORMS:
            role = {"weight": "scale", "gamma": "scale", "bias": "shift", "beta": "shift"}.get(last, "other")
        elif "bias" in last:
            role = "bias"
        elif parameter.dim() > 1:
            role = "weight"
        else:
            role = "other"
        found.append((role, parameter))
    # A parametrised weight, as with weight norm, is several parameters: the matrix among them comes first.
    return sorted(found, key=lambda pair: pair[0] != "weight")


def describe(name: str, module: nn.Module) -> dict[str, object]:
    """Return a layer of the model record."""
    kind, function = kind_of(module)
    layer: dict[str, object] = {"name": name, "kind": kind}
    parameters = [parameter for parameter in module.parameters()]
    if parameters:
        layer["frozen"] = not any(parameter.requires_grad for parameter in parameters)
    if function:
        layer["function"] = function
    foreign = _foreign(module)
    if foreign is not None:
        return {**layer, **foreign.facts(module)}
    if isinstance(module, nn.Linear):
        layer.update(units=module.out_features, fan_in=module.in_features, bias=module.bias is not None)
    if isinstance(module, nn.modules.conv._ConvNd):
        fan_in = module.in_channels // module.groups * math.prod(module.kernel_size)
        layer.update(units=module.out_channels, fan_in=fan_in, bias=module.bias is not None)
    if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.momentum is not None:
        layer["momentum"] = float(module.momentum)
    if isinstance(module, nn.modules.dropout._DropoutNd):
        layer["probability"] = float(module.p)
    return layer
