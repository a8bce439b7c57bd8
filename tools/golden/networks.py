"""The networks of the loss curves and of the speed yardsticks in PyTorch, with deterministic weights."""

import torch
from torch import nn

import deterministic
from golden_file import convolution_weight, linear_weight, unchanged

RELU = {"type": "activation", "function": "relu"}
BATCH_NORM = {"type": "batch_norm"}


def convolution_spec(out_channels, kernel=3, stride=1, padding=1):
    return {"type": "conv2d", "out_channels": out_channels, "kernel": kernel, "stride": stride, "padding": padding,
            "bias": False}


def convolution(in_channels, out_channels, kernel=3, stride=1, padding=1):
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=False)


class FlattenChannelsLast(nn.Module):
    """Flattens in the order height, width, channels."""

    def forward(self, source):
        return source.permute(0, 2, 3, 1).flatten(1)


class GlobalAveragePool(nn.Module):
    """Averages over height and width."""

    def forward(self, source):
        return source.mean(dim=(2, 3))


class ResidualBlock(nn.Module):
    """Convolution, batch norm, relu, convolution, batch norm; plus the shortcut; relu."""

    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.body = nn.Sequential(
            convolution(in_channels, out_channels, 3, stride, 1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            convolution(out_channels, out_channels),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            projection = convolution(in_channels, out_channels, 1, stride, 0)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(out_channels))
        self.spec = {
            "type": "residual",
            "body": [convolution_spec(out_channels, 3, stride), BATCH_NORM, RELU, convolution_spec(out_channels), BATCH_NORM],
            "shortcut": "projection" if len(self.shortcut) else "identity",
            "after": "relu",
        }

    def forward(self, source):
        return torch.relu(self.body(source) + self.shortcut(source))


def cnn(width=1, depth=1):
    """Returns the network and its layers in the terms of an Evenkeel config; module and layer share their position.

    `width` multiplies the channels; with `depth` above one each pooling follows that many convolutions.
    """
    modules, layers, channels = [], [], 3
    for base in (32, 64):
        for _ in range(depth):
            modules += [convolution(channels, base * width), nn.BatchNorm2d(base * width), nn.ReLU()]
            layers += [convolution_spec(base * width, padding="same"), BATCH_NORM, RELU]
            channels = base * width
        modules.append(nn.MaxPool2d(2))
        layers.append({"type": "max_pool", "kernel": 2})
    modules += [FlattenChannelsLast(), nn.Linear(64 * channels, 10)]
    layers += [{"type": "flatten"}, {"type": "linear", "out_features": 10, "bias": True}]
    return nn.Sequential(*modules), layers


def resnet20(width=1, depth=1):
    """Returns three stages of `3 * depth` blocks with 16, 32 and 64 channels, times `width`."""
    channels = 16 * width
    modules = [convolution(3, channels), nn.BatchNorm2d(channels), nn.ReLU()]
    layers = [convolution_spec(channels), BATCH_NORM, RELU]
    for stage, base in enumerate((16, 32, 64)):
        for index in range(3 * depth):
            modules.append(ResidualBlock(channels, base * width, 2 if stage > 0 and index == 0 else 1))
            layers.append(modules[-1].spec)
            channels = base * width
    modules += [GlobalAveragePool(), nn.Linear(channels, 10)]
    layers += [{"type": "global_avg_pool"}, {"type": "linear", "out_features": 10, "bias": True}]
    return nn.Sequential(*modules), layers


def mlp(width=1, depth=1):
    """64 to 128 with batch norm and relu, `depth` times, to 10; `width` multiplies the 128."""
    modules, layers, features = [], [], 64
    for _ in range(depth):
        modules += [nn.Linear(features, 128 * width, bias=False), nn.BatchNorm1d(128 * width), nn.ReLU()]
        layers += [{"type": "linear", "out_features": 128 * width, "bias": False}, BATCH_NORM, RELU]
        features = 128 * width
    modules.append(nn.Linear(features, 10))
    layers.append({"type": "linear", "out_features": 10, "bias": True})
    return nn.Sequential(*modules), layers


def parameter_entries(network):
    """Returns `(name, torch parameter, conversion to Evenkeel's layout, whether decay applies)` in the order of the layers."""
    entries = []
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            entries.append((f"layer{path}.weight", module.weight, convolution_weight, True))
        elif isinstance(module, nn.Linear):
            entries.append((f"layer{path}.weight", module.weight, linear_weight, True))
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            entries.append((f"layer{path}.scale", module.weight, unchanged, False))
            entries.append((f"layer{path}.shift", module.bias, unchanged, False))
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            entries.append((f"layer{path}.bias", module.bias, unchanged, False))
    return entries


def initialise(network, seed):
    """Fills the network and returns the formula of every parameter. Parameter number k has seed `seed + k`.

    Weights are uniform with limit sqrt(6 / fan_in), an eighth of it in the last layer; the scale of the last norm in a
    residual block is 0.25, of other norms 1. With these the first losses depend so little on rounding that float32 and
    float64 agree; with scale 1 in every block, 20 steps amplify rounding a million times.
    """
    formulas = []
    entries = parameter_entries(network)
    last = max(number for number, entry in enumerate(entries) if entry[3])
    with torch.no_grad():
        for number, (name, parameter, convert, decayed) in enumerate(entries):
            shape = list(convert(parameter).shape)
            formula = {"name": name, "shape": shape, "decayed": decayed}
            if decayed:
                limit = deterministic.kaiming_limit(int(parameter[0].numel())) / (8 if number == last else 1)
                drawn = torch.from_numpy(deterministic.tensor_values(seed + number, shape, -limit, limit))
                convert(parameter).copy_(drawn)
                formula |= {"seed": seed + number, "limit": limit}
            else:
                constant = initial_constant(name)
                parameter.fill_(constant)
                formula |= {"constant": constant}
            formulas.append(formula)
    return formulas


def initial_constant(name):
    if name.endswith("scale"):
        return 0.25 if name.endswith("body.4.scale") else 1.0
    return 0.0


def sgd(network, learning_rate, momentum=0.9, weight_decay=0.0):
    """Returns SGD with momentum, with weight decay except for norms and biases."""
    entries = parameter_entries(network)
    groups = [
        {"params": [parameter for _, parameter, _, decayed in entries if decayed], "weight_decay": weight_decay},
        {"params": [parameter for _, parameter, _, decayed in entries if not decayed], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=learning_rate, momentum=momentum)
