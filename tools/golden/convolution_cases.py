"""Two-dimensional convolutions."""

import torch
import torch.nn.functional as functional

from golden_file import Layer, convolution_weight, draw, layer_case, unchanged, write


def same_padding(size, kernel, stride, dilation):
    """Returns the zeros before and after with which the output has ceil(size / stride) positions, the odd one after."""
    positions = -(-size // stride)
    total = max(0, (positions - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return total // 2, total - total // 2


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def convolution(in_channels, spec):
    """Creates a convolution from the keys of an Evenkeel config."""
    spec = {"type": "conv2d", "stride": 1, "padding": "valid", "dilation": 1, "groups": 1, "bias": True, **spec}
    kernel, dilation, groups = pair(spec["kernel"]), spec["dilation"], spec["groups"]
    weight = torch.zeros(spec["out_channels"], in_channels // groups, *kernel, dtype=torch.float64)
    parameters = {"weight": (weight, convolution_weight)}
    if spec["bias"]:
        parameters["bias"] = (torch.zeros(spec["out_channels"], dtype=torch.float64), unchanged)

    def forward(source, _training):
        if spec["padding"] == "same":
            top, bottom = same_padding(source.shape[2], kernel[0], spec["stride"], dilation)
            left, right = same_padding(source.shape[3], kernel[1], spec["stride"], dilation)
            source = functional.pad(source, (left, right, top, bottom))
        padding = spec["padding"] if isinstance(spec["padding"], int) else 0
        bias = parameters["bias"][0] if spec["bias"] else None
        return functional.conv2d(source, weight, bias, spec["stride"], padding, dilation, groups)

    return Layer(spec, forward, parameters)


# (name, batch, [height, width, channels], keys)
CASES = [
    ("first layer: 3 channels, same, no bias", 1, [8, 8, 3], {"out_channels": 5, "kernel": 3, "padding": "same", "bias": False}),
    ("kernel 3, valid", 2, [5, 7, 2], {"out_channels": 3, "kernel": 3}),
    ("kernel 3, padding 1", 1, [5, 7, 2], {"out_channels": 4, "kernel": 3, "padding": 1}),
    ("kernel 3, stride 2, padding 1, odd sizes", 2, [5, 7, 3], {"out_channels": 4, "kernel": 3, "stride": 2, "padding": 1}),
    ("kernel 3, stride 2, padding 1, even sizes", 2, [6, 8, 3], {"out_channels": 4, "kernel": 3, "stride": 2, "padding": 1}),
    ("kernel 3, stride 2, valid, last row unused", 1, [6, 6, 2], {"out_channels": 3, "kernel": 3, "stride": 2}),
    ("kernel 3, stride 3, valid", 2, [7, 8, 2], {"out_channels": 3, "kernel": 3, "stride": 3}),
    ("kernel 5, same", 1, [7, 5, 2], {"out_channels": 3, "kernel": 5, "padding": "same"}),
    ("kernel 5, valid, output of one position", 3, [5, 5, 1], {"out_channels": 4, "kernel": 5, "bias": False}),
    ("kernel 5 larger than the image, same", 2, [3, 2, 2], {"out_channels": 3, "kernel": 5, "padding": "same"}),
    ("kernel 1", 2, [3, 5, 6], {"out_channels": 7, "kernel": 1}),
    ("kernel 1, stride 2, no bias: a projection", 2, [5, 6, 4], {"out_channels": 8, "kernel": 1, "stride": 2, "bias": False}),
    ("kernel [1, 3], same", 2, [4, 5, 2], {"out_channels": 3, "kernel": [1, 3], "padding": "same"}),
    ("kernel [3, 1], valid", 2, [4, 5, 2], {"out_channels": 3, "kernel": [3, 1]}),
    ("kernel 2, valid", 1, [4, 3, 2], {"out_channels": 3, "kernel": 2}),
    ("one channel, one sample, one output", 1, [3, 3, 1], {"out_channels": 1, "kernel": 3, "padding": "same"}),
    ("image of one pixel", 3, [1, 1, 2], {"out_channels": 3, "kernel": 3, "padding": 1}),
    ("seventeen channels", 1, [2, 3, 17], {"out_channels": 5, "kernel": 3, "padding": "same"}),
]

GROUP_CASES = [
    ("dilation 2, valid", 1, [7, 6, 2], {"out_channels": 3, "kernel": 3, "dilation": 2}),
    ("dilation 2, same", 1, [5, 7, 2], {"out_channels": 3, "kernel": 3, "padding": "same", "dilation": 2}),
    ("dilation 2, stride 2, padding 2", 1, [7, 7, 2], {"out_channels": 3, "kernel": 3, "stride": 2, "padding": 2, "dilation": 2}),
    ("groups 2", 2, [5, 4, 4], {"out_channels": 6, "kernel": 3, "padding": 1, "groups": 2}),
    ("groups 3, stride 2, no bias", 1, [5, 5, 6], {"out_channels": 3, "kernel": 3, "stride": 2, "padding": 1, "groups": 3, "bias": False}),
    ("depthwise", 2, [5, 5, 3], {"out_channels": 3, "kernel": 3, "padding": "same", "groups": 3}),
    ("depthwise, two outputs a channel, stride 2", 1, [6, 5, 3], {"out_channels": 6, "kernel": 3, "stride": 2, "padding": 1, "groups": 3}),
]

# Padding that is larger after than before: "same" with an even kernel or with a stride.
PADDING_CASES = [
    ("kernel 2, same", 2, [4, 5, 2], {"out_channels": 3, "kernel": 2, "padding": "same"}),
    ("kernel 3, stride 2, same, even sizes", 2, [6, 8, 2], {"out_channels": 3, "kernel": 3, "stride": 2, "padding": "same"}),
    ("kernel 3, stride 2, same, odd sizes", 2, [5, 7, 2], {"out_channels": 3, "kernel": 3, "stride": 2, "padding": "same"}),
    ("kernel 1, stride 2, same", 1, [4, 5, 3], {"out_channels": 2, "kernel": 1, "stride": 2, "padding": "same"}),
]


def make(cases, first_seed):
    result = []
    for index, (name, batch, shape, keys) in enumerate(cases):
        given = draw(first_seed + 1 + index, (batch, *shape))
        result.append(layer_case(name, convolution(shape[2], keys), [given], first_seed + 1000 + 50 * index))
    return result


def generate():
    write("conv2d", make(CASES, 10_000))
    write("conv2d_groups", make(GROUP_CASES, 15_000))
    notes = ["same: ceil(size / stride) output positions, zeros split evenly, the odd one after"]
    write("conv2d_padding", make(PADDING_CASES, 20_000), notes)
