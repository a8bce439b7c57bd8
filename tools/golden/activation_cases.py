"""Activation functions, over [-8, 8], at zero, and far out."""

import torch
import torch.nn.functional as functional

from golden_file import Layer, layer_case, unchanged, write

FUNCTIONS = {
    "identity": ({}, lambda source: source * 1.0),
    "sigmoid": ({}, torch.sigmoid),
    "tanh": ({}, torch.tanh),
    "relu": ({}, torch.relu),
    "leaky_relu": ({"slope": 0.01}, lambda source: functional.leaky_relu(source, 0.01)),
    "elu": ({"alpha": 1.0}, functional.elu),
    "selu": ({}, functional.selu),
    "gelu": ({}, functional.gelu),
    "silu": ({}, functional.silu),
    "softplus": ({}, lambda source: functional.softplus(source, threshold=1e9)),
    "mish": ({}, lambda source: source * torch.tanh(functional.softplus(source, threshold=1e9))),
    "hard_swish": ({}, functional.hardswish),
}
OTHER_PARAMETERS = [
    ("leaky_relu, slope 0.1", {"function": "leaky_relu", "slope": 0.1}, lambda source: functional.leaky_relu(source, 0.1)),
    ("elu, alpha 0.5", {"function": "elu", "alpha": 0.5}, lambda source: functional.elu(source, 0.5)),
]


def grid():
    """Returns `[1, 98]`: a grid over [-8, 8] with zero, small values and values far out; no kink except zero."""
    even = torch.arange(-8.0, 8.01, 0.1953125, dtype=torch.float64)
    small = torch.tensor([0.0, 1e-3, -1e-3, 1e-6, -1e-6], dtype=torch.float64)
    large = torch.tensor([-80.0, -30.0, -15.0, -10.0, 10.0, 15.0, 30.0, 80.0], dtype=torch.float64)
    far = torch.tensor([2.9375, -2.9375, 3.0625], dtype=torch.float64)
    return torch.cat([even, small, large, far]).float().double().reshape(1, -1)


def prelu(channels):
    """One learned slope per channel, initially 0.25."""
    slope = torch.zeros(channels, dtype=torch.float64)

    def forward(source, _training):
        return functional.prelu(source, slope)

    return Layer({"type": "activation", "function": "prelu"}, forward, {"slope": (slope, unchanged)})


def plain(spec, function):
    return Layer({"type": "activation", **spec}, lambda source, _training: function(source))


def generate():
    cases = []
    for index, (name, (keys, function)) in enumerate(FUNCTIONS.items()):
        layer = plain({"function": name, **keys}, function)
        cases.append(layer_case(name, layer, [grid()], 80_000 + 10 * index))
    for index, (name, spec, function) in enumerate(OTHER_PARAMETERS):
        cases.append(layer_case(name, plain(spec, function), [grid()], 80_500 + 10 * index))
    values = grid()[0, :96]
    cases.append(layer_case("prelu, features", prelu(8), [values.reshape(12, 8)], 80_600))
    cases.append(layer_case("prelu, channels", prelu(3), [values.reshape(2, 4, 4, 3)], 80_700))
    cases.append(layer_case("relu, image", plain({"function": "relu"}, torch.relu), [values.reshape(2, 4, 4, 3)], 80_800))
    notes = [
        "the slope of relu, leaky_relu and prelu at zero is the one of the negative side",
        "gelu is x * Phi(x) with the error function; softplus and mish without PyTorch's switch to identity above 20",
    ]
    write("activations", cases, notes)
