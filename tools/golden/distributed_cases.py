"""Training on two ranks: PyTorch's DistributedDataParallel over gloo, and one process with the whole batch where batch norm is
in the network (PyTorch's SyncBatchNorm refuses CPU tensors).

Writes `crates/keel_train/tests/golden/distributed.json`; run it by itself.
"""

import json
import os
import pathlib
import tempfile

import torch
import torch.distributed
import torch.multiprocessing

import deterministic
from golden_file import channels_first, convolution_weight, draw, linear_weight, rounded, tensor_json, unchanged

TARGET = pathlib.Path(__file__).resolve().parents[2] / "crates" / "keel_train" / "tests" / "golden" / "distributed.json"
SAMPLES, STEPS, CLASSES, RANKS = 16, 6, 5, 2
SHAPE = (6, 5, 2)
LEARNING_RATE, MOMENTUM = 0.1, 0.9


class Network(torch.nn.Module):
    """Two convolutions, pooling, a linear layer; with `norm`, a batch norm after each convolution."""

    def __init__(self, norm):
        super().__init__()
        self.first = torch.nn.Conv2d(SHAPE[2], 4, 3, padding=1)
        self.first_norm = torch.nn.BatchNorm2d(4) if norm else torch.nn.Identity()
        self.second = torch.nn.Conv2d(4, 6, 3)
        self.second_norm = torch.nn.BatchNorm2d(6) if norm else torch.nn.Identity()
        self.last = torch.nn.Linear(6, CLASSES)
        self.double()

    def forward(self, source):
        inner = torch.relu(self.first_norm(self.first(source)))
        inner = torch.relu(self.second_norm(self.second(inner)))
        return self.last(inner.mean(dim=(2, 3)))

    def tensors(self):
        """Returns all parameters in the order of Evenkeel's graph, each with the conversion to its layout."""
        for module in (self.first, self.first_norm, self.second, self.second_norm, self.last):
            conversion = {torch.nn.Conv2d: convolution_weight, torch.nn.Linear: linear_weight}
            for name, parameter in module.named_parameters():
                yield parameter, conversion.get(type(module), unchanged) if name == "weight" else unchanged

    def statistics(self):
        """Returns running means and variances, in the order of Evenkeel's state."""
        for norm in (self.first_norm, self.second_norm):
            if isinstance(norm, torch.nn.BatchNorm2d):
                yield from (norm.running_mean, norm.running_var)


def fill(network):
    with torch.no_grad():
        for index, (parameter, _) in enumerate(network.tensors()):
            low, high = (0.5, 1.5) if parameter.dim() == 1 and index % 2 == 0 else (-0.5, 0.5)
            parameter.copy_(draw(700 + index, tuple(parameter.shape), low, high))


def samples():
    inputs = channels_first(draw(600, (SAMPLES, *SHAPE))).contiguous()
    return inputs, torch.from_numpy(deterministic.labels(601, SAMPLES, CLASSES))


def train(network, inputs, labels, whole_loss):
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(whole_loss(loss.detach()))
    return losses


def result(network, losses):
    return {
        "losses": [rounded(loss) for loss in losses],
        "trained": [tensor_json(convert(parameter)) for parameter, convert in network.tensors()],
        "state": [tensor_json(statistic) for statistic in network.statistics()],
    }


def mean_over_ranks(loss):
    torch.distributed.all_reduce(loss)
    return loss.item() / RANKS


def run_rank(rank, meeting, target):
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=RANKS)
    network = Network(norm=False)
    fill(network)
    replica = torch.nn.parallel.DistributedDataParallel(network)
    share = slice(rank * SAMPLES // RANKS, (rank + 1) * SAMPLES // RANKS)
    inputs, labels = samples()
    losses = train(replica, inputs[share], labels[share], mean_over_ranks)
    if rank == 0:
        pathlib.Path(target).write_text(json.dumps(result(network, losses)))
    torch.distributed.destroy_process_group()


def on_ranks():
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "result.json")
        torch.multiprocessing.spawn(run_rank, (os.path.join(folder, "meeting"), target), nprocs=RANKS)
        return json.loads(pathlib.Path(target).read_text())


def in_one_process():
    network = Network(norm=True)
    fill(network)
    return result(network, train(network, *samples(), lambda loss: loss.item()))


def layers(norm):
    norms = [{"type": "batch_norm"}] if norm else []
    relu = {"type": "activation", "function": "relu"}
    first = {"type": "conv2d", "out_channels": 4, "kernel": 3, "padding": 1, "bias": True}
    second = {"type": "conv2d", "out_channels": 6, "kernel": 3, "padding": 0, "bias": True}
    linear = {"type": "linear", "out_features": CLASSES}
    return [first, *norms, relu, second, *norms, relu, {"type": "global_avg_pool"}, linear]


def case(name, norm, trained):
    network = Network(norm)
    fill(network)
    start = [tensor_json(convert(parameter)) for parameter, convert in network.tensors()]
    settings = {"samples": SAMPLES, "shape": SHAPE, "classes": CLASSES, "learning_rate": LEARNING_RATE, "momentum": MOMENTUM}
    return {"name": name, "layers": layers(norm), **settings, "start": start, **trained}


def main():
    torch.set_num_threads(1)
    cases = [
        case("DistributedDataParallel over gloo, two ranks", False, on_ranks()),
        case("one process with batch norm over the whole batch", True, in_one_process()),
    ]
    source = f"PyTorch {torch.__version__.split('+')[0]}, float64; written by tools/golden/distributed_cases.py"
    notes = "inputs: deterministic values of seed 600 in [-1, 1), [samples, height, width, channels]; labels: of seed 601"
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    text = f'{{\n"source": {json.dumps(source)},\n"notes": {json.dumps(notes)},\n"cases": [\n{lines}\n]\n}}\n'
    json.loads(text)
    TARGET.write_text(text)
    print(f"{TARGET.name}: {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
