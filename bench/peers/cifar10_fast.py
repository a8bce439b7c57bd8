"""The network and the optimiser of the preset `cifar10-fast` in PyTorch."""

import torch
from torch import nn

import networks

LABEL_SMOOTHING = 0.1


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
    """SGD with Nesterov momentum; decay of weights alone, updated in one fused pass."""
    entries = [entry for entry in networks.parameter_entries(network) if entry[1].requires_grad]
    groups = [
        {"params": [parameter for _, parameter, _, decayed in entries if decayed], "weight_decay": 5e-4},
        {"params": [parameter for _, parameter, _, decayed in entries if not decayed], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=0.001, momentum=0.9, nesterov=True, fused=True)
