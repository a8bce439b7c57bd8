"""Writing golden files: layouts, rounding, and the passes through a layer."""

import json
import pathlib

import numpy as np
import torch

import deterministic

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "crates" / "keel_nn" / "tests" / "golden"


def rounded(value):
    """Rounds a number to nine significant digits, which identify a float32."""
    value = float(value)
    if not np.isfinite(value):
        raise ValueError(f"{value} in a golden file")
    return int(value) if value == int(value) and abs(value) < 1e6 else float(f"{value:.9g}")


def numbers(array):
    """Returns all values in row-major order, rounded."""
    return [rounded(value) for value in np.asarray(array, dtype=np.float64).reshape(-1)]


def tensor_json(tensor):
    """Returns `{"shape", "values"}` of a torch tensor or an array that already has Evenkeel's layout."""
    array = tensor.detach().numpy() if isinstance(tensor, torch.Tensor) else np.asarray(tensor)
    return {"shape": list(array.shape), "values": numbers(array)}


def channels_last(tensor):
    """Converts `[batch, channels, height, width]` to `[batch, height, width, channels]`; other ranks unchanged."""
    return tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor


def channels_first(tensor):
    """Inverts `channels_last`."""
    return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor


def convolution_weight(tensor):
    """Converts `[out, in / groups, kernel_h, kernel_w]` to `[kernel_h, kernel_w, in / groups, out]`."""
    return tensor.permute(2, 3, 1, 0)


def linear_weight(tensor):
    """Converts `[out_features, in_features]` to `[in_features, out_features]`."""
    return tensor.t()


def unchanged(tensor):
    """Returns a vector, which needs no conversion."""
    return tensor


def draw(seed, shape, low=-1.0, high=1.0):
    """Returns a float64 torch tensor of deterministic float32 values."""
    return torch.from_numpy(deterministic.tensor_values(seed, shape, low, high).astype(np.float64))


def fill(parameters, seed):
    """Gives named parameters deterministic values: weights small, scales near one, the rest between."""
    limits = {"weight": (-0.5, 0.5), "scale": (0.5, 1.5), "slope": (0.1, 0.4)}
    with torch.no_grad():
        for offset, (name, (parameter, _)) in enumerate(parameters.items()):
            low, high = limits.get(name.rsplit(".", 1)[-1], (-0.5, 0.5))
            if name.endswith("slope"):
                low, high = 0.25, 0.25
            parameter.copy_(draw(seed + 10 + offset, tuple(parameter.shape), low, high))


class Layer:
    """A torch function with the facts that the file format needs.

    `parameters` and `state` map our names to `(torch tensor, conversion to our layout)`; `forward(input, training)`
    takes and returns torch's layout.
    """

    def __init__(self, spec, forward, parameters=None, state=None):
        self.spec, self.forward = spec, forward
        self.parameters, self.state = parameters or {}, state or {}


def named_json(tensors):
    return {name: tensor_json(convert(tensor)) for name, (tensor, convert) in tensors.items()}


def run_pass(layer, given, training, seed):
    """Runs one pass with an input in Evenkeel's layout; computes gradients in training."""
    source = channels_first(given).contiguous().clone().requires_grad_(training)
    for parameter, _ in layer.parameters.values():
        parameter.requires_grad_(True)
        parameter.grad = None
    output = layer.forward(source, training)
    result = {"mode": "train" if training else "evaluate", "input": tensor_json(given)}
    result["output"] = tensor_json(channels_last(output))
    if training:
        grad_output = draw(seed + 5, tuple(channels_last(output).shape))
        output.backward(channels_first(grad_output))
        result["grad_output"] = tensor_json(grad_output)
        result["grad_input"] = tensor_json(channels_last(source.grad))
        grads = {name: (tensor.grad, convert) for name, (tensor, convert) in layer.parameters.items()}
        if grads:
            result["grad_parameters"] = named_json(grads)
    if layer.state:
        result["state"] = named_json(layer.state)
    return result


def layer_case(name, layer, inputs, seed, evaluate=None):
    """Returns a case with one training pass per element of `inputs` (Evenkeel's layout) and, if given, an evaluation at the end."""
    fill(layer.parameters, seed)
    case = {"name": name, "layer": layer.spec, "batch": inputs[0].shape[0], "input_shape": list(inputs[0].shape[1:])}
    case["output_shape"] = []
    if layer.parameters:
        case["parameters"] = named_json(layer.parameters)
    if layer.state:
        case["state"] = named_json(layer.state)
    case["passes"] = [run_pass(layer, given, True, seed + 100 * step) for step, given in enumerate(inputs)]
    if evaluate is not None:
        case["passes"].append(run_pass(layer, evaluate, False, seed))
    case["output_shape"] = case["passes"][0]["output"]["shape"][1:]
    return case


def write(family, cases, notes=()):
    """Writes `<family>.json`, one case per line."""
    header = {"family": family, "source": f"PyTorch {torch.__version__.split('+')[0]}, float64"}
    if notes:
        header["notes"] = list(notes)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    text = json.dumps(header, indent=0)[:-2] + ',\n"cases": [\n' + lines + "\n]\n}\n"
    json.loads(text)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{family}.json").write_text(text)
    print(f"{family}: {len(cases)} cases, {len(text) / 1000:.0f} kB")
