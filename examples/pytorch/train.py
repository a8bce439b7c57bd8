"""A small PyTorch training that is watched, healthy or with a fault put in.

    python train.py
    python train.py --fault dead_relu --report dead_relu.html
"""

import argparse

import torch
from torch import nn

import evenkeel

FEATURES, CLASSES, WIDTH, DEPTH = 64, 10, 100, 3

# What each fault changes, and the rule that should name it.
FAULTS = {
    "raw_inputs": "inputs in 0 to 255 as they come from an image (K002)",
    "small_init": "all weights drawn with a standard deviation of 0.001 (K005)",
    "constant_init": "all weights of a layer the same (K006)",
    "softmax_twice": "softmax in front of a loss that expects logits (K008)",
    "saturated_tanh": "tanh with weights ten times too large (K009)",
    "dead_relu": "biases so far below zero that no unit ever fires (K010)",
    "sigmoid_stack": "eight layers of sigmoid (K011)",
    "high_learning_rate": "a learning rate two hundred times too high (K013)",
    "low_learning_rate": "a learning rate ten thousand times too low (K013)",
    "hidden_softmax": "softmax inside forward, which no layer shows (K008)",
    "uncleared_gradients": "gradients that are never cleared (K028)",
    "unoptimised_layer": "an optimizer made before the last layer was replaced (K029)",
    "evaluation_mode": "evaluation mode that is never left again (K030)",
    "training_evaluation": "evaluation in training mode (K030)",
    "unshuffled": "batches in the order of the classes (K031)",
}


def clusters(samples, generator):
    """Ten overlapping clusters in 64 dimensions, standardised: a task a small network learns in seconds."""
    centres = torch.randn(CLASSES, FEATURES, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(samples) % CLASSES
    inputs = centres[labels] + 1.5 * torch.randn(samples, FEATURES, generator=generator)
    return (inputs - inputs.mean(0)) / inputs.std(0), labels


class HiddenSoftmax(nn.Sequential):
    """Layers in a row and a softmax that is no layer."""

    def forward(self, inputs):
        return super().forward(inputs).softmax(1)


def build(fault):
    """The network: linear layers and activations, then logits."""
    activation = {"sigmoid_stack": nn.Sigmoid, "saturated_tanh": nn.Tanh}.get(fault, nn.ReLU)
    depth = 8 if fault == "sigmoid_stack" else DEPTH
    layers, width = [], FEATURES
    for index in range(depth):
        layers.append((f"linear_{index + 1}", nn.Linear(width, WIDTH)))
        if fault in ("evaluation_mode", "training_evaluation"):
            layers.append((f"norm_{index + 1}", nn.BatchNorm1d(WIDTH)))
        layers.append((f"activation_{index + 1}", activation()))
        width = WIDTH
    layers.append(("logits", nn.Linear(width, CLASSES)))
    if fault == "softmax_twice":
        layers.append(("softmax", nn.Softmax(dim=1)))
    model = HiddenSoftmax() if fault == "hidden_softmax" else nn.Sequential()
    for name, layer in layers:
        model.add_module(name, layer)
    initialise(model, fault)
    return model


def initialise(model, fault):
    """Kaiming for relu, Xavier for the others; a first loss near log(10); then the fault."""
    relu = fault not in ("sigmoid_stack", "saturated_tanh")
    for name, layer in model.named_children():
        if not isinstance(layer, nn.Linear):
            continue
        nn.init.zeros_(layer.bias)
        if name == "logits":
            nn.init.normal_(layer.weight, std=0.02)
        elif relu:
            nn.init.kaiming_normal_(layer.weight)
        else:
            nn.init.xavier_normal_(layer.weight)
        if fault == "small_init":
            nn.init.normal_(layer.weight, std=0.001)
        if fault == "constant_init":
            nn.init.constant_(layer.weight, 0.01)
        if fault == "saturated_tanh" and name != "logits":
            layer.weight.data.mul_(10)
        if fault == "dead_relu" and name == "linear_2":
            nn.init.constant_(layer.bias, -20.0)


def main(words=None):
    """Trains as the words of the command line say; returns the watch."""
    arguments = parse_arguments(words)
    fault = arguments.fault
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(arguments.seed)
    inputs, labels = clusters(6_400, generator)
    validation_inputs, validation_labels = clusters(1_000, generator)
    if fault == "raw_inputs":
        inputs, validation_inputs = (40 * values + 120 for values in (inputs, validation_inputs))
    model = build(fault)
    learning_rate = {"high_learning_rate": 10.0, "low_learning_rate": 5e-6}.get(fault, 0.05)
    momentum = 0.0 if fault == "high_learning_rate" else 0.9
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=momentum)
    if fault == "unoptimised_layer":
        model.logits = nn.Linear(WIDTH, CLASSES)
    loss_function = nn.CrossEntropyLoss()
    watch = evenkeel.watch(model, optimizer)
    watch.data(inputs, labels)
    for epoch in range(arguments.epochs):
        if fault != "evaluation_mode":
            model.train()
        order = torch.randperm(len(inputs), generator=generator)
        if fault == "unshuffled":
            order = labels.argsort()
        for batch in order.split(arguments.batch_size):
            if fault != "uncleared_gradients":
                optimizer.zero_grad()
            for part in batch.chunk(arguments.accumulate):
                loss = loss_function(model(inputs[part]), labels[part])
                (loss / arguments.accumulate).backward()
            optimizer.step()
        if fault != "training_evaluation":
            model.eval()
        results = {}
        for part, values, truth in (
            ("train", inputs, labels),
            ("validation", validation_inputs, validation_labels),
        ):
            with torch.no_grad():
                logits = model(values)
                results[f"{part}_loss"] = loss_function(logits, truth).item()
                results[f"{part}_accuracy"] = (logits.argmax(1) == truth).double().mean().item()
        watch.epoch(**results)
        print(f"epoch {epoch + 1}: " + ", ".join(f"{name} {value:.3f}" for name, value in results.items()))
    watch.close()
    if arguments.report:
        watch.report(arguments.report)
    if arguments.output:
        watch.save(arguments.output)
    return watch


def parse_arguments(words):
    faults = "\n".join(f"  {name:20} {text}" for name, text in FAULTS.items())
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog=f"faults:\n{faults}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--report", help="page to write")
    parser.add_argument("--output", help="file of measurements to write, for `evenkeel diagnose`")
    parser.add_argument("--fault", choices=FAULTS, help="what to do wrong; nothing if not given")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--accumulate", type=int, default=1, help="backward passes for one update")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
