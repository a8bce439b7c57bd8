"""Residual blocks: convolution, batch norm, relu, convolution, batch norm; plus the shortcut; relu."""

import torch

from convolution_cases import convolution
from golden_file import Layer, draw, layer_case, write
from norm_cases import batch_norm


def block(in_channels, out_channels, stride, shortcut):
    first = {"out_channels": out_channels, "kernel": 3, "stride": stride, "padding": 1, "bias": False}
    second = {"out_channels": out_channels, "kernel": 3, "stride": 1, "padding": 1, "bias": False}
    body = {0: convolution(in_channels, first), 1: batch_norm(out_channels)}
    body |= {3: convolution(out_channels, second), 4: batch_norm(out_channels)}
    relu = {"type": "activation", "function": "relu"}
    spec_body = [body[0].spec, body[1].spec, relu, body[3].spec, body[4].spec]
    spec = {"type": "residual", "body": spec_body, "shortcut": shortcut, "after": "relu"}
    way = {}
    if shortcut == "projection":
        projection = {"out_channels": out_channels, "kernel": 1, "stride": stride, "bias": False}
        way = {0: convolution(in_channels, projection), 1: batch_norm(out_channels)}

    def forward(source, training):
        inner = torch.relu(body[1].forward(body[0].forward(source, training), training))
        inner = body[4].forward(body[3].forward(inner, training), training)
        outer = way[1].forward(way[0].forward(source, training), training) if way else source
        return torch.relu(inner + outer)

    parameters, state = {}, {}
    for place, layers in (("body", body), ("shortcut", way)):
        for index, layer in layers.items():
            parameters |= {f"{place}.{index}.{name}": entry for name, entry in layer.parameters.items()}
            state |= {f"{place}.{index}.{name}": entry for name, entry in layer.state.items()}
    return Layer(spec, forward, parameters, state)


def generate():
    cases = [
        ("identity shortcut", (2, 5, 4, 3), block(3, 3, 1, "identity")),
        ("projection, more channels, stride 2", (2, 6, 6, 3), block(3, 5, 2, "projection")),
        ("projection, odd sizes", (3, 5, 7, 2), block(2, 4, 2, "projection")),
        ("projection, more channels only", (2, 4, 3, 2), block(2, 3, 1, "projection")),
    ]
    result = []
    for index, (name, shape, layer) in enumerate(cases):
        seed = 90_000 + 1000 * index
        inputs = [draw(seed + step, shape, -1.0, 1.5) for step in range(2)]
        result.append(layer_case(name, layer, inputs, seed + 500, draw(seed + 9, shape)))
    notes = ["a projection is a 1 x 1 convolution with the body's stride and no bias, then batch norm"]
    write("residual", result, notes)
