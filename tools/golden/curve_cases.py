"""The first 20 losses of the CNN and of ResNet-20, in float64, compared with the same run in float32."""

import torch
import torch.nn.functional as functional

import deterministic
import networks
from golden_file import write

STEPS = 20


def batch(source, step, dtype):
    """Returns inputs in torch's layout and labels of a step."""
    seed = source["seed"] + 2 * (step % source["batches"])
    limit = source["limit"]
    shape = (source["batch"], *source["shape"])
    inputs = torch.from_numpy(deterministic.tensor_values(seed, shape, -limit, limit)).to(dtype).permute(0, 3, 1, 2)
    return inputs.contiguous(), torch.from_numpy(deterministic.labels(seed + 1, source["batch"], source["classes"]))


def train(make, source, optimizer, seed, dtype):
    """Returns layers, parameter formulas and losses of one run."""
    network, layers = make()
    network.to(dtype)
    formulas = networks.initialise(network, seed)
    stepper = networks.sgd(network, optimizer["learning_rate"], optimizer["momentum"], optimizer["weight_decay"])
    losses = []
    for step in range(STEPS):
        inputs, labels = batch(source, step, dtype)
        stepper.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(network(inputs), labels)
        loss.backward()
        stepper.step()
        losses.append(loss.item())
    return layers, formulas, losses


def case(name, make, source, learning_rate, seed):
    optimizer = {"type": "sgd", "learning_rate": learning_rate, "momentum": 0.9, "weight_decay": 5e-4}
    layers, formulas, losses = train(make, source, optimizer, seed, torch.float64)
    _, _, single = train(make, source, optimizer, seed, torch.float32)
    difference = max(abs(one - other) / abs(other) for one, other in zip(single, losses))
    print(f"{name}: {losses[0]:.6f} to {losses[-1]:.6f}, float32 differs by {difference:.1e}")
    return {
        "name": name,
        "layers": layers,
        "optimizer": optimizer,
        "input": source,
        "parameters": formulas,
        "losses": [float(f"{loss:.12g}") for loss in losses],
        "float32_difference": float(f"{difference:.3g}"),
    }


def generate():
    shape = {"shape": [32, 32, 3], "classes": 10, "limit": 1.7320507764816284}
    cases = [
        case("cnn", networks.cnn, {"batch": 16, **shape, "seed": 5000, "batches": 4}, 0.001, 100),
        case("resnet20", networks.resnet20, {"batch": 8, **shape, "seed": 6000, "batches": 4}, 0.02, 200),
    ]
    notes = ["flatten keeps the order height, width, channels", "losses are taken before the step, with batch statistics"]
    write("curves", cases, notes)
