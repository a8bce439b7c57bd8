"""A workload as described by Evenkeel, with weights, inputs and labels that both sides compute from one formula.

Parameter number k, in the order of Evenkeel's graph, is filled as follows: weights with `values(seed * 1000 + k, …)`,
uniform with limit sqrt(6 / fan_in), in the layouts `[kernel_h, kernel_w, in_channels, out_channels]` and
`[in_features, out_features]`; the last weight with an eighth of that limit; scales with 1, but 0.25 for the last norm of a
residual block's body; slopes with 0.25; biases and shifts with 0. Inputs `[batch, height, width, channels]` are
`values(seed * 1000 + 900, …)` between minus and plus sqrt(3), labels `labels(seed * 1000 + 901, …)`. The formula of `values`
and `labels` is in `tools/golden/deterministic.py`.
"""

import dataclasses

import torch

import layers
from layers import BIAS, BODY_SCALE, SCALE, SHIFT, SLOPE, WEIGHT

import deterministic

INPUT_LIMIT = 1.7320507764816284
CONSTANTS = {SCALE: 1.0, BODY_SCALE: 0.25, SLOPE: 0.25, BIAS: 0.0, SHIFT: 0.0}


@dataclasses.dataclass(frozen=True)
class Workload:
    """A network with its batch, loss and optimizer; `input` is `[height, width, channels]` or `[features]`."""

    name: str
    input: list
    layers: list
    optimizer: dict
    batch: int
    classes: int = 10
    label_smoothing: float = 0.0

    @property
    def is_image(self):
        return len(self.input) == 3

    def network(self):
        """Returns the module and its parameters in the order of Evenkeel's graph."""
        return layers.build(self.layers, self.input, self.classes)

    def batch_of(self, seed):
        """Returns inputs in torch's layout and labels."""
        shape = (self.batch, *self.input)
        inputs = deterministic.tensor_values(seed * 1000 + 900, shape, -INPUT_LIMIT, INPUT_LIMIT)
        inputs = torch.from_numpy(inputs)
        if self.is_image:
            inputs = inputs.permute(0, 3, 1, 2).contiguous()
        return inputs, torch.from_numpy(deterministic.labels(seed * 1000 + 901, self.batch, self.classes))


def initialise(parameters, seed):
    """Fills the parameters with the formula above and returns their number."""
    last = max(number for number, parameter in enumerate(parameters) if parameter.role == WEIGHT)
    with torch.no_grad():
        for number, parameter in enumerate(parameters):
            if parameter.role != WEIGHT:
                parameter.tensor.fill_(CONSTANTS[parameter.role])
                continue
            fan_in = int(parameter.tensor[0].numel())
            limit = deterministic.kaiming_limit(fan_in) / (8 if number == last else 1)
            target = parameter.convert(parameter.tensor)
            drawn = deterministic.tensor_values(seed * 1000 + number, list(target.shape), -limit, limit)
            target.copy_(torch.from_numpy(drawn))
    return sum(parameter.tensor.numel() for parameter in parameters)


def optimizer(settings, parameters):
    """Returns the fused optimizer: weight decay for weights only, separate learning rates for biases and shifts."""
    trained = [parameter for parameter in parameters if parameter.tensor.requires_grad]
    decay, rate = settings["weight_decay"], settings["learning_rate"]
    bias_factor = settings.get("bias_learning_rate_factor", 1.0)
    shift_factor = settings.get("shift_learning_rate_factor", 1.0)
    groups = [
        {"params": tensors(trained, [WEIGHT]), "weight_decay": decay},
        {"params": tensors(trained, [SCALE, BODY_SCALE, SLOPE]), "weight_decay": 0.0},
        {"params": tensors(trained, [BIAS]), "weight_decay": 0.0, "lr": rate * bias_factor},
        {"params": tensors(trained, [SHIFT]), "weight_decay": 0.0, "lr": rate * shift_factor},
    ]
    if settings["type"] == "sgd":
        momentum, nesterov = settings["momentum"], settings["nesterov"]
        return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov, fused=True)
    if settings["type"] == "adamw":
        betas = (settings["beta1"], settings["beta2"])
        return torch.optim.AdamW(groups, lr=rate, betas=betas, eps=settings["epsilon"], fused=True)
    raise ValueError(f"unknown optimizer {settings['type']}")


def tensors(parameters, roles):
    return [parameter.tensor for parameter in parameters if parameter.role in roles]
