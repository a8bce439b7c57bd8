"""Logits of torchvision's residual networks with weights by formula: `tests/golden/torchvision.json` of `keel_interchange`.

Tensor number `index` of the state dict is drawn from stream `index`; the limits depend on its kind and fan in.
"""

import json
import pathlib

import torch
import torchvision

import deterministic
from golden_file import numbers

FILE = pathlib.Path(__file__).resolve().parents[2] / "crates" / "keel_interchange" / "tests" / "golden" / "torchvision.json"
CLASSES, BATCH, SIDE, INPUT_SEED = 7, 2, 64, 1000


def limits(name, shape):
    """Returns the minimum and maximum of a tensor."""
    if name.endswith("running_var"):
        return 0.5, 1.5
    if name.endswith(("running_mean", "bias")):
        return -0.1, 0.1
    if len(shape) == 1:
        return 0.4, 0.8
    fan_in = 1
    for size in shape[1:]:
        fan_in *= size
    limit = deterministic.kaiming_limit(fan_in)
    return -limit, limit


def fill(network):
    """Gives every tensor its values and returns names, shapes and limits in the order of the state dict."""
    tensors = []
    for index, (name, tensor) in enumerate(network.state_dict().items()):
        shape = list(tensor.shape)
        if name.endswith("num_batches_tracked"):
            tensor.fill_(index)
            tensors.append({"name": name, "counter": index})
            continue
        low, high = limits(name, shape)
        tensor.copy_(torch.from_numpy(deterministic.tensor_values(index, shape, low, high)))
        tensors.append({"name": name, "shape": shape, "seed": index, "low": low, "high": high})
    return tensors


def generate():
    """Writes the file."""
    shape = (BATCH, SIDE, SIDE, 3)
    images = torch.from_numpy(deterministic.tensor_values(INPUT_SEED, shape, -1.0, 1.0)).permute(0, 3, 1, 2)
    cases = []
    for name in ["resnet18", "resnet34", "resnet50"]:
        network = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES)
        tensors = fill(network)
        network.eval()
        with torch.no_grad():
            logits = network(images)
        cases.append({"preset": name, "tensors": tensors, "logits": numbers(logits)})
    document = {"batch": BATCH, "side": SIDE, "classes": CLASSES, "input_seed": INPUT_SEED, "cases": cases}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    lines = [f" {json.dumps(case)}" for case in cases]
    head = json.dumps({key: value for key, value in document.items() if key != "cases"})[:-1]
    FILE.write_text(head + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n")
