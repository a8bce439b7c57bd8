"""Pooling layers."""

import torch
import torch.nn.functional as functional

from golden_file import Layer, draw, layer_case, write


def max_pool(kernel, stride=None, padding=0):
    def forward(source, _training):
        return functional.max_pool2d(source, kernel, stride or kernel, padding)

    return Layer(pool_spec("max_pool", kernel, stride, padding), forward)


def avg_pool(kernel, stride=None, padding=0):
    def forward(source, _training):
        return functional.avg_pool2d(source, kernel, stride or kernel, padding, count_include_pad=True)

    return Layer(pool_spec("avg_pool", kernel, stride, padding), forward)


def pool_spec(kind, kernel, stride, padding):
    spec = {"type": kind, "kernel": kernel}
    if stride is not None:
        spec["stride"] = stride
    return spec if padding == 0 else {**spec, "padding": padding}


def global_avg_pool():
    def forward(source, _training):
        return source.mean(dim=(2, 3))

    return Layer({"type": "global_avg_pool"}, forward)


# (name, input shape, kernel, stride, padding)
WINDOWS = [
    ("kernel 2", (2, 4, 6, 3), 2, None, 0),
    ("kernel 2, odd sizes: last row and column unused", (2, 5, 7, 2), 2, None, 0),
    ("kernel 3, stride 2", (1, 7, 6, 2), 3, 2, 0),
    ("kernel 3, stride 2, padding 1", (2, 5, 6, 3), 3, 2, 1),
    ("kernel 3, stride 1, padding 1", (1, 4, 5, 2), 3, 1, 1),
    ("kernel 2, stride 1", (2, 3, 4, 1), 2, 1, 0),
    ("kernel 2, stride 3", (1, 8, 7, 2), 2, 3, 0),
    ("kernel of the whole image", (3, 3, 3, 2), 3, None, 0),
    ("kernel 1", (1, 2, 3, 2), 1, None, 0),
    ("kernel 2, padding 1", (1, 4, 4, 2), 2, 2, 1),
    ("kernel [1, 3], stride 1", (1, 3, 5, 2), [1, 3], 1, 0),
    ("seventeen channels", (1, 4, 4, 17), 2, None, 0),
]


def tied_input():
    """Returns many equal values, as after a relu: the first of equal ones in row-major order receives the gradient."""
    return torch.round(draw(71_000, (2, 6, 6, 2), -2.0, 2.0)).clamp(min=0.0)


def generate():
    for number, (family, make) in enumerate([("max_pool", max_pool), ("avg_pool", avg_pool)]):
        cases = []
        for index, (name, shape, kernel, stride, padding) in enumerate(WINDOWS):
            seed = 60_000 + 5000 * number + 20 * index
            cases.append(layer_case(name, make(kernel, stride, padding), [draw(seed, shape)], seed + 7))
        notes = ["padding counts in the average: the divisor is the size of the kernel"]
        if family == "max_pool":
            cases.append(layer_case("equal values", max_pool(2), [tied_input()], 71_100))
            cases.append(layer_case("equal values, overlapping", max_pool(3, 2, 1), [tied_input()], 71_200))
            notes = ["padding never wins; the first of equal values in row-major order receives the gradient"]
        write(family, cases, notes)

    cases = []
    for index, shape in enumerate([(2, 3, 5, 4), (1, 1, 1, 3), (3, 7, 2, 1), (2, 8, 8, 5)]):
        name = " x ".join(map(str, shape))
        cases.append(layer_case(name, global_avg_pool(), [draw(75_000 + index, shape)], 75_100 + 10 * index))
    write("global_avg_pool", cases)
