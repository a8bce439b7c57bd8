"""Linear and maxout layers."""

import torch
import torch.nn.functional as functional

from golden_file import Layer, draw, layer_case, linear_weight, unchanged, write


def linear(in_features, out_features, bias):
    weight = torch.zeros(out_features, in_features, dtype=torch.float64)
    parameters = {"weight": (weight, linear_weight)}
    if bias:
        parameters["bias"] = (torch.zeros(out_features, dtype=torch.float64), unchanged)
    spec = {"type": "linear", "out_features": out_features, "bias": bias}

    def forward(source, _training):
        return functional.linear(source, weight, parameters["bias"][0] if bias else None)

    return Layer(spec, forward, parameters)


def maxout(in_features, out_features, pieces):
    """The maximum of `pieces` linear maps; piece p of unit u is column p * out_features + u of the weight."""
    weight = torch.zeros(pieces * out_features, in_features, dtype=torch.float64)
    bias = torch.zeros(pieces * out_features, dtype=torch.float64)
    spec = {"type": "maxout", "out_features": out_features, "pieces": pieces}

    def forward(source, _training):
        return functional.linear(source, weight, bias).reshape(-1, pieces, out_features).amax(dim=1)

    return Layer(spec, forward, {"weight": (weight, linear_weight), "bias": (bias, unchanged)})


def generate():
    cases = []
    shapes = [(1, 1, 1, True), (1, 7, 3, True), (5, 3, 7, True), (4, 16, 10, False), (3, 13, 1, True), (17, 5, 11, True)]
    for seed, (batch, in_features, out_features, bias) in enumerate(shapes):
        name = f"batch {batch}, {in_features} to {out_features}, {'bias' if bias else 'no bias'}"
        given = draw(1000 + seed, (batch, in_features))
        cases.append(layer_case(name, linear(in_features, out_features, bias), [given], 2000 + 50 * seed))
    write("linear", cases)

    cases = []
    for seed, (batch, in_features, out_features, pieces) in enumerate([(1, 3, 2, 2), (4, 5, 3, 2), (6, 7, 5, 3), (3, 4, 1, 4)]):
        name = f"batch {batch}, {in_features} to {out_features}, {pieces} pieces"
        given = draw(3000 + seed, (batch, in_features))
        cases.append(layer_case(name, maxout(in_features, out_features, pieces), [given], 4000 + 50 * seed))
    write("maxout", cases, ["piece p of unit u is column p * out_features + u of weight and bias"])
