"""The network and the optimiser of the preset `cifar10-fast` in PyTorch."""

import torch
from torch import nn

import networks

LABEL_SMOOTHING = 0.2
LEARNING_RATE = 0.001
BIAS_LEARNING_RATE_FACTOR = 16.0


def network():
    """Frozen 2x2 filters, then three stages of convolution, pooling, norm, gelu, convolution, norm, gelu; linear."""
    filters = nn.Conv2d(3, 24, 2, bias=False)
    filters.weight.requires_grad_(False)
    modules, channels = [filters, nn.GELU()], 24
    for width in (64, 256, 256):
        modules += [networks.convolution(channels, width), nn.MaxPool2d(2), nn.BatchNorm2d(width), nn.GELU()]
        modules += [networks.convolution(width, width), nn.BatchNorm2d(width), nn.GELU()]
        channels = width
    modules += [nn.MaxPool2d(3), networks.FlattenChannelsLast(), nn.Linear(channels, 10, bias=False)]
    return nn.Sequential(*modules)


def sgd(network):
    """SGD with Nesterov momentum; decay of weights alone, faster biases, updated in one fused pass."""
    groups = {"weights": [], "scales": [], "biases": []}
    for name, parameter, _, decayed in networks.parameter_entries(network):
        if parameter.requires_grad:
            kind = "weights" if decayed else "scales" if name.endswith("scale") else "biases"
            groups[kind].append(parameter)
    groups = [
        {"params": groups["weights"], "weight_decay": 8e-4},
        {"params": groups["scales"], "weight_decay": 0.0},
        {"params": groups["biases"], "weight_decay": 0.0, "lr": BIAS_LEARNING_RATE_FACTOR * LEARNING_RATE},
    ]
    return torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=0.9, nesterov=True, fused=True)
