"""Builds a PyTorch network from the layers of a config, as JSON, with its parameters in the order of Evenkeel's graph."""

import dataclasses
import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "golden"))

from golden_file import convolution_weight, linear_weight, unchanged  # noqa: E402
from networks import FlattenChannelsLast, GlobalAveragePool  # noqa: E402

WEIGHT, SCALE, BODY_SCALE = "weight", "scale", "scale at the end of a body"
BIAS, SHIFT, SLOPE = "bias", "shift", "slope"

ACTIVATIONS = {
    "identity": lambda keys: nn.Identity(),
    "sigmoid": lambda keys: nn.Sigmoid(),
    "tanh": lambda keys: nn.Tanh(),
    "relu": lambda keys: nn.ReLU(),
    "leaky_relu": lambda keys: nn.LeakyReLU(keys.get("slope", 0.01)),
    "elu": lambda keys: nn.ELU(keys.get("alpha", 1.0)),
    "selu": lambda keys: nn.SELU(),
    "gelu": lambda keys: nn.GELU(),
    "silu": lambda keys: nn.SiLU(),
    "softplus": lambda keys: nn.Softplus(),
    "mish": lambda keys: nn.Mish(),
    "hard_swish": lambda keys: nn.Hardswish(),
}


@dataclasses.dataclass
class Parameter:
    """A parameter: its role, the tensor, and a view of it in Evenkeel's layout."""

    role: str
    tensor: nn.Parameter
    convert: object = unchanged


class Residual(nn.Module):
    """The sum of a body and its shortcut, then an activation."""

    def __init__(self, body, shortcut, after):
        super().__init__()
        self.body, self.shortcut, self.after = body, shortcut, after

    def forward(self, source):
        return self.after(self.body(source) + self.shortcut(source))


class Rescale(nn.Module):
    """Multiplies every value by a factor."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, source):
        return source * self.factor


class Builder:
    """Modules for consecutive layers; tracks the shape of a sample, `[height, width, channels]` or `[features]`."""

    def __init__(self, shape, classes):
        self.shape, self.classes = list(shape), classes
        self.parameters = []

    @property
    def is_image(self):
        return len(self.shape) == 3

    def sequence(self, layers):
        return nn.Sequential(*[getattr(self, layer["type"])(layer) for layer in layers])

    def add(self, role, tensor, convert=unchanged):
        if tensor is not None:
            self.parameters.append(Parameter(role, tensor, convert))

    def linear(self, layer):
        flatten = [self.flatten(layer)] if self.is_image else []
        features = layer.get("out_features") or self.classes
        module = nn.Linear(self.shape[0], features, bias=layer.get("bias", True))
        self.shape = [features]
        linear = self.weighted(layer, module, linear_weight)
        return nn.Sequential(*flatten, linear) if flatten else linear

    def conv2d(self, layer):
        kernel, stride = both(layer.get("kernel", 3)), both(layer.get("stride", 1))
        dilation = layer.get("dilation", 1)
        padding = symmetric_padding(layer.get("padding", "same"), kernel, stride, dilation)
        channels = layer["out_channels"]
        module = nn.Conv2d(self.shape[2], channels, kernel, stride, padding, dilation, layer.get("groups", 1),
                           bias=layer.get("bias", True))
        spans = [dilation * (side - 1) + 1 for side in kernel]
        self.slide(spans, stride, padding)
        self.shape[2] = channels
        return self.weighted(layer, module, convolution_weight)

    def weighted(self, layer, module, convert):
        self.add(WEIGHT, module.weight, convert)
        self.add(BIAS, module.bias)
        if layer.get("frozen", False):
            module.weight.requires_grad_(False)
            if module.bias is not None:
                module.bias.requires_grad_(layer.get("bias_epochs", 0) > 0)
        return module

    def slide(self, spans, stride, padding):
        for axis in range(2):
            self.shape[axis] = (self.shape[axis] + 2 * padding[axis] - spans[axis]) // stride[axis] + 1

    def normed(self, module):
        self.add(SCALE, module.weight)
        self.add(SHIFT, module.bias)
        return module

    def batch_norm(self, layer):
        kind = nn.BatchNorm2d if self.is_image else nn.BatchNorm1d
        momentum = layer.get("momentum", 0.1)
        module = kind(self.shape[-1], layer.get("epsilon", 1e-5), momentum, layer.get("affine", True))
        if layer.get("affine", True):
            module.weight.requires_grad_(layer.get("scale", True))
        return self.normed(module)

    def layer_norm(self, layer):
        """Layer norm over all values of a sample; for an image with scale and shift per channel, a group norm with one group."""
        epsilon = layer.get("epsilon", 1e-5)
        module = nn.GroupNorm(1, self.shape[2], epsilon) if self.is_image else nn.LayerNorm(self.shape, epsilon)
        return self.normed(module)

    def group_norm(self, layer):
        return self.normed(nn.GroupNorm(layer["groups"], self.shape[-1], layer.get("epsilon", 1e-5)))

    def instance_norm(self, layer):
        return self.normed(nn.InstanceNorm2d(self.shape[2], layer.get("epsilon", 1e-5), affine=True))

    def activation(self, layer):
        if layer["function"] == "prelu":
            module = nn.PReLU(self.shape[-1])
            self.add(SLOPE, module.weight)
            return module
        return ACTIVATIONS[layer["function"]](layer)

    def max_pool(self, layer):
        return self.pool(layer, nn.MaxPool2d)

    def avg_pool(self, layer):
        return self.pool(layer, nn.AvgPool2d)

    def pool(self, layer, kind):
        kernel = both(layer.get("kernel", 2))
        stride = both(layer.get("stride") or kernel)
        padding = symmetric_padding(layer.get("padding", "valid"), kernel, stride, 1)
        self.slide(kernel, stride, padding)
        return kind(kernel, stride, padding)

    def global_avg_pool(self, layer):
        self.shape = [self.shape[2]]
        return GlobalAveragePool()

    def flatten(self, layer):
        height, width, channels = self.shape
        self.shape = [height * width * channels]
        return FlattenChannelsLast()

    def rescale(self, layer):
        return Rescale(layer["factor"])

    def dropout(self, layer):
        return nn.Dropout(layer.get("probability", 0.5))

    def residual(self, layer):
        """Evenkeel's graph has the projection before the body, whose output shape decides whether there is one."""
        given, begun = list(self.shape), self.parameters
        self.parameters = []
        body = self.sequence(layer["body"])
        own, self.parameters = self.parameters, begun
        kind = layer.get("shortcut", "auto")
        shortcut = nn.Identity()
        if kind == "projection" or (kind == "auto" and given != self.shape):
            stride = [-(-before // after) for before, after in zip(given[:2], self.shape[:2])]
            convolution = nn.Conv2d(given[2], self.shape[2], 1, stride, bias=False)
            self.add(WEIGHT, convolution.weight, convolution_weight)
            shortcut = nn.Sequential(convolution, self.normed(nn.BatchNorm2d(self.shape[2])))
        if own and own[-1].role == SHIFT and layer["body"][-1]["type"].endswith("_norm"):
            own[-2].role = BODY_SCALE
        self.parameters += own
        after = layer.get("after", "relu")
        after = {"function": after} if isinstance(after, str) else after
        return Residual(body, shortcut, self.activation(after))


def both(size):
    """Returns `[height, width]` of a number or a pair."""
    return [size, size] if isinstance(size, int) else list(size)


def symmetric_padding(padding, kernel, stride, dilation):
    """Returns rows and columns on each side; PyTorch's own "same" would need a copy if it is asymmetric."""
    if padding == "valid":
        return [0, 0]
    if isinstance(padding, int):
        return [padding, padding]
    spans = [dilation * (side - 1) for side in kernel]
    if stride != [1, 1] or any(span % 2 for span in spans):
        raise ValueError("give the padding as a number: \"same\" is asymmetric here")
    return [span // 2 for span in spans]


def build(layers, shape, classes):
    """Returns `(module, parameters in the order of Evenkeel's graph)`."""
    builder = Builder(shape, classes)
    return builder.sequence(layers), builder.parameters
