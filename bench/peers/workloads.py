"""The yardstick networks in PyTorch, with weights, inputs and labels that both sides compute from one formula.

Parameter number k, counted in the order of the layers (within a residual block the body before the shortcut), is filled
as follows: weights with `values(seed * 1000 + k, …)`, uniform with limit sqrt(6 / fan_in), in the layouts
`[kernel_h, kernel_w, in_channels, out_channels]` and `[in_features, out_features]`; the last weight with an eighth of
that limit; scales with 1, but 0.25 for the last norm of a residual block's body; biases and shifts with 0. Inputs
`[batch, height, width, channels]` are `values(seed * 1000 + 900, …)` within plus and minus sqrt(3), labels
`labels(seed * 1000 + 901, …)`. The formula of `values` and `labels` is in `tools/golden/deterministic.py`.
"""

import dataclasses
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "golden"))

import deterministic  # noqa: E402
import networks  # noqa: E402

import cifar10_fast  # noqa: E402

INPUT_LIMIT = 1.7320507764816284


@dataclasses.dataclass(frozen=True)
class Workload:
    """A network and its batch size; `width` multiplies channels, `depth` multiplies blocks or layers."""

    name: str
    batch: int
    width: int = 1
    depth: int = 1
    classes: int = 10

    @staticmethod
    def from_json(given):
        """From a name, or from an object with `network` and any of `batch`, `width`, `depth`."""
        given = {"network": given} if isinstance(given, str) else given
        batches = {"cnn": 128, "resnet20": 128, "mlp": 32, "cifar10-fast": 128}
        name = given["network"]
        if name not in batches:
            raise ValueError(f"no workload {name}; there are {', '.join(batches)}")
        return Workload(name, given.get("batch", batches[name]), given.get("width", 1), given.get("depth", 1))

    @property
    def is_image(self):
        return self.name != "mlp"

    @property
    def label_smoothing(self):
        return cifar10_fast.LABEL_SMOOTHING if self.name == "cifar10-fast" else 0.0

    def optimizer(self, network):
        return cifar10_fast.sgd(network) if self.name == "cifar10-fast" else sgd(network)

    def network(self):
        if self.name == "cifar10-fast":
            return cifar10_fast.network()
        make = {"cnn": networks.cnn, "resnet20": networks.resnet20, "mlp": networks.mlp}[self.name]
        return make(self.width, self.depth)[0]

    def batch_of(self, seed):
        """Inputs in torch's layout and labels."""
        shape = (self.batch, 32, 32, 3) if self.is_image else (self.batch, 64)
        inputs = deterministic.tensor_values(seed * 1000 + 900, shape, -INPUT_LIMIT, INPUT_LIMIT)
        inputs = torch.from_numpy(inputs)
        if self.is_image:
            inputs = inputs.permute(0, 3, 1, 2).contiguous()
        return inputs, torch.from_numpy(deterministic.labels(seed * 1000 + 901, self.batch, self.classes))


def initialise(network, seed):
    """Fills the network by the formula above and returns the number of its parameters."""
    networks.initialise(network, seed * 1000)
    return sum(parameter.numel() for parameter in network.parameters())


def sgd(network):
    """The optimiser of the yardsticks: learning rate 0.001, momentum 0.9, no decay, updated in one fused pass."""
    return torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9, fused=True)
