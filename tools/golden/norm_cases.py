"""Normalisation layers."""

import torch
import torch.nn.functional as functional

from golden_file import Layer, draw, layer_case, unchanged, write


def scale_and_shift(shape):
    return {
        "scale": (torch.zeros(shape, dtype=torch.float64), unchanged),
        "shift": (torch.zeros(shape, dtype=torch.float64), unchanged),
    }


def affine_of(parameters):
    return (parameters["scale"][0], parameters["shift"][0]) if parameters else (None, None)


def batch_norm(channels, momentum=0.1, epsilon=1e-5, affine=True):
    parameters = scale_and_shift(channels) if affine else {}
    mean = torch.zeros(channels, dtype=torch.float64)
    variance = torch.ones(channels, dtype=torch.float64)
    spec = {"type": "batch_norm", "momentum": momentum, "epsilon": epsilon, "affine": affine, "running": "ema"}

    def forward(source, training):
        return functional.batch_norm(source, mean, variance, *affine_of(parameters), training, momentum, epsilon)

    state = {"running_mean": (mean, unchanged), "running_variance": (variance, unchanged)}
    return Layer(spec, forward, parameters, state)


def cumulative_batch_norm(channels):
    """Batch norm whose running statistics are the plain average over all batches so far (PyTorch's momentum=None)."""
    module = torch.nn.BatchNorm2d(channels, momentum=None).double()
    spec = {"type": "batch_norm", "epsilon": 1e-5, "affine": True, "running": "cumulative"}

    def forward(source, training):
        return module.train(training)(source)

    parameters = {"scale": (module.weight, unchanged), "shift": (module.bias, unchanged)}
    state = {"running_mean": (module.running_mean, unchanged), "running_variance": (module.running_var, unchanged)}
    return Layer(spec, forward, parameters, state)


def layer_norm(features, epsilon=1e-5):
    parameters = scale_and_shift(features)

    def forward(source, _training):
        return functional.layer_norm(source, (features,), *affine_of(parameters), epsilon)

    return Layer({"type": "layer_norm", "epsilon": epsilon}, forward, parameters)


def group_norm(channels, groups, epsilon=1e-5):
    parameters = scale_and_shift(channels)

    def forward(source, _training):
        return functional.group_norm(source, groups, *affine_of(parameters), epsilon)

    return Layer({"type": "group_norm", "groups": groups, "epsilon": epsilon}, forward, parameters)


def image_layer_norm(channels, epsilon=1e-5):
    """Layer norm over height, width and channels of one sample, with a scale and shift per channel: a single group."""
    layer = group_norm(channels, 1, epsilon)
    layer.spec = {"type": "layer_norm", "epsilon": epsilon}
    return layer


def instance_norm(channels, epsilon=1e-5):
    """Instance norm over height and width of each channel: as many groups as channels."""
    layer = group_norm(channels, channels, epsilon)
    layer.spec = {"type": "instance_norm", "epsilon": epsilon}
    return layer


def batches(seed, shape, steps, spread=1.0):
    """Returns inputs of successive steps, with a different mean per step so that running statistics change."""
    return [draw(seed + step, shape, spread * (0.3 * step - 1.0), spread * (0.3 * step + 1.5)) for step in range(steps)]


def generate_batch_norm():
    # (name, layer, input shape, training steps)
    cases = [
        ("features", batch_norm(5), (6, 5), 4),
        ("features, batch of two", batch_norm(3), (2, 3), 3),
        ("one feature, odd batch", batch_norm(1), (7, 1), 3),
        ("features, momentum 0.3, epsilon 1e-3", batch_norm(4, 0.3, 1e-3), (5, 4), 3),
        ("features without scale and shift", batch_norm(4, affine=False), (5, 4), 2),
        ("channels", batch_norm(3), (2, 3, 5, 3), 4),
        ("channels, one sample", batch_norm(2), (1, 3, 4, 2), 3),
        ("channels, momentum 1", batch_norm(2, 1.0), (2, 3, 3, 2), 2),
        ("channels without scale and shift", batch_norm(3, affine=False), (2, 2, 3, 3), 2),
        ("seventeen channels", batch_norm(17), (2, 2, 2, 17), 2),
        ("channels, cumulative", cumulative_batch_norm(3), (2, 3, 4, 3), 4),
    ]
    result = []
    for index, (name, layer, shape, steps) in enumerate(cases):
        seed = 30_000 + 1000 * index
        result.append(layer_case(name, layer, batches(seed, shape, steps), seed + 500, draw(seed + 99, shape)))
    offset = torch.tensor([100.0, -50.0, 0.5], dtype=torch.float64)
    far = [batch + offset for batch in batches(45_000, (4, 3, 3, 3), 2)]
    far = [batch.float().double() for batch in far]
    result.append(layer_case("channels, mean far from zero", batch_norm(3), far, 45_500, far[0]))
    notes = [
        "momentum is the weight of the new batch; running_variance takes the unbiased variance, normalisation the biased one",
        "passes continue from the state that the pass before left",
    ]
    write("batch_norm", result, notes)


def generate_per_sample():
    families = {
        "layer_norm": [
            ("features", layer_norm(7), (4, 7)),
            ("one sample", layer_norm(5), (1, 5)),
            ("two features, epsilon 1e-3", layer_norm(2, 1e-3), (3, 2)),
            ("thirty-three features", layer_norm(33), (2, 33)),
            ("image, scale per channel", image_layer_norm(3), (2, 3, 5, 3)),
            ("image of one pixel", image_layer_norm(4), (3, 1, 1, 4)),
        ],
        "group_norm": [
            ("two groups", group_norm(6, 2), (2, 4, 5, 6)),
            ("three groups, one sample, epsilon 1e-3", group_norm(6, 3, 1e-3), (1, 3, 3, 6)),
            ("one group", group_norm(5, 1), (2, 3, 2, 5)),
            ("as many groups as channels", group_norm(3, 3), (2, 3, 3, 3)),
        ],
        "instance_norm": [
            ("image", instance_norm(3), (2, 4, 5, 3)),
            ("one channel, one sample", instance_norm(1), (1, 3, 3, 1)),
            ("epsilon 1e-3", instance_norm(4, 1e-3), (3, 2, 3, 4)),
        ],
    }
    notes = {
        "layer_norm": ["images: statistics over height, width and channels of a sample, scale and shift per channel"],
        "instance_norm": ["scale and shift per channel"],
    }
    for number, (family, cases) in enumerate(families.items()):
        result = []
        for index, (name, layer, shape) in enumerate(cases):
            seed = 50_000 + 5000 * number + 200 * index
            result.append(layer_case(name, layer, [draw(seed, shape, -1.0, 2.0)], seed + 50))
        write(family, result, notes.get(family, ()))


def generate():
    generate_batch_norm()
    generate_per_sample()
