"""Measures a PyTorch training and writes what `evenkeel diagnose` reads: one JSON object a line.

    recorder = Recorder(model, open("run.jsonl", "w"), loss="cross_entropy", classes=10, learning_rate=0.1)
    recorder.data(training_inputs, training_labels)
    recorder.start(model, loss_function, inputs, labels)
    for step in range(steps):
        with recorder.step(optimizer, epoch, samples=len(inputs)) as measured:
            loss = loss_function(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            measured.loss(loss)
            optimizer.step()
    recorder.epoch(epoch, train_loss=..., validation_loss=...)

Outputs and their gradients come from forward hooks, parameters from before and after the update. The format is described
in docs/measurements.md of Evenkeel.
"""

import contextlib
import json
import math

import torch
from torch import nn

# Kind and activation function of the modules this recorder knows; others are passed over.
KINDS = {
    nn.Linear: ("linear", None),
    nn.Conv2d: ("conv2d", None),
    nn.BatchNorm1d: ("batch_norm", None),
    nn.BatchNorm2d: ("batch_norm", None),
    nn.LayerNorm: ("layer_norm", None),
    nn.MaxPool2d: ("max_pool", None),
    nn.AdaptiveAvgPool2d: ("global_avg_pool", None),
    nn.Flatten: ("flatten", None),
    nn.Dropout: ("dropout", None),
    nn.ReLU: ("activation", "relu"),
    nn.Tanh: ("activation", "tanh"),
    nn.Sigmoid: ("activation", "sigmoid"),
    nn.LeakyReLU: ("activation", "leaky_relu"),
    nn.GELU: ("activation", "gelu"),
    nn.Softmax: ("activation", "softmax"),
}

# Values beyond which an activation passes hardly any gradient.
SATURATED = {
    "tanh": lambda values: values.abs() > 0.97,
    "sigmoid": lambda values: (values < 0.015) | (values > 0.985),
}

WEIGHTS = ("linear", "conv2d")


class Recorder:
    """Writes the measurements of one training. The model's layers must run in the order of `model.modules()`."""

    def __init__(self, model, file, loss, classes, learning_rate, initializer=None, batch_size=None):
        self.model = model
        self.file = file
        self.layers = [(name, module) for name, module in model.named_modules() if type(module) in KINDS]
        self.outputs = {}
        self.inputs = {}
        self.watching = False
        self.last_loss = math.nan
        self.steps = 0
        for name, module in self.layers:
            module.register_forward_hook(self._keep(name))
        self._write(
            {
                "type": "model",
                "loss": loss,
                "classes": classes,
                "learning_rate": learning_rate,
                "batch_size": batch_size,
                "layers": [describe(name, module, initializer) for name, module in self.layers],
            }
        )

    def data(self, inputs, labels):
        """Statistics of the training split as the network sees it."""
        per_feature = inputs.movedim(1, -1).reshape(-1, inputs.shape[1]).double()
        counts = torch.bincount(labels).double()
        self._write(
            {
                "type": "data",
                "samples": len(inputs),
                "images": inputs.dim() == 4,
                "features": [
                    {"mean": mean, "std": std}
                    for mean, std in zip(per_feature.mean(0).tolist(), per_feature.std(0).tolist())
                ],
                "class_shares": (counts / counts.sum()).tolist(),
                "largest_label": int(labels.max()),
                "non_finite": int((~torch.isfinite(inputs)).sum()),
            }
        )

    def start(self, model, loss_function, inputs, labels):
        """One batch forward and backward before the first update; 512 samples or more make all rules speak."""
        with self._watch():
            loss = loss_function(model(inputs), labels)
            model.zero_grad()
            loss.backward()
            layers = [self._start_layer(name, module) for name, module in self.layers if name in self.outputs]
        model.zero_grad()
        self._write({"type": "start", "loss": loss.item(), "samples": len(inputs), "layers": layers})

    @contextlib.contextmanager
    def step(self, optimizer, epoch, samples):
        """Measures the step inside the `with`, which must run forward, backward and `optimizer.step()`."""
        before = {parameter: parameter.detach().clone() for parameter in self.model.parameters()}
        with self._watch():
            yield self
            layers = [self._step_layer(name, module, before) for name, module in self.layers if name in self.outputs]
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        self._write(
            {
                "type": "step",
                "step": self.steps,
                "epoch": epoch,
                "samples": samples,
                "loss": self.last_loss,
                "learning_rate": optimizer.param_groups[0]["lr"],
                "gradient_norm": torch.cat([gradient.flatten() for gradient in gradients]).norm().item(),
                "layers": layers,
            }
        )
        self.steps += 1

    def loss(self, loss):
        """The mean loss of the batch, before the update."""
        self.last_loss = loss.item()

    def epoch(self, epoch, **measured):
        """Results in evaluation mode: train_loss, validation_loss, train_accuracy, validation_accuracy."""
        self._write({"type": "epoch", "epoch": epoch, "step": self.steps, **measured})

    def _keep(self, name):
        def hook(module, arguments, output):
            if self.watching:
                if output.requires_grad:
                    output.retain_grad()
                self.outputs[name] = output
                self.inputs[name] = arguments[0].detach()

        return hook

    @contextlib.contextmanager
    def _watch(self):
        self.outputs, self.inputs, self.watching = {}, {}, True
        try:
            yield
        finally:
            self.outputs, self.inputs, self.watching = {}, {}, False

    def _start_layer(self, name, module):
        output = self.outputs[name].detach()
        kind, function = KINDS[type(module)]
        layer = {
            "layer": name,
            "output_mean": output.mean().item(),
            "output_std": output.std(correction=0).item(),
            "gradient_rms": rms(self.outputs[name].grad),
            "elements": output[0].numel(),
            "units": units_of(output).shape[1],
            "non_finite": int((~torch.isfinite(output)).sum()),
        }
        if function in SATURATED:
            layer["saturated_fraction"] = SATURATED[function](output).double().mean().item()
        if function == "relu":
            layer["dead_fraction"] = (units_of(output) <= 0).all(0).double().mean().item()
            layer["zero_fraction"] = (output == 0).double().mean().item()
        if kind in WEIGHTS:
            rows = torch.cat([module.weight.flatten(1), module.weight.grad.flatten(1)], 1)
            layer["identical_units"] = len(rows) - len(torch.unique(rows, dim=0))
        return layer

    def _step_layer(self, name, module, before):
        kind, function = KINDS[type(module)]
        output = self.outputs[name].detach()
        layer = {"layer": name, "output": signal(output, function), "parameters": []}
        gradient = self.outputs[name].grad
        if gradient is not None:
            layer["gradient"] = {
                "count": gradient.numel(),
                "rms": rms(gradient),
                "non_finite": int((~torch.isfinite(gradient)).sum()),
            }
        if function == "relu":
            layer["units"] = firing(output)
        for role, parameter in parameters_of(kind, module):
            if parameter.grad is not None:
                layer["parameters"].append(parameter_measurement(role, parameter, before[parameter]))
        if kind in WEIGHTS and module.weight.grad is not None:
            signs = module.weight.grad.flatten(1).sign()
            balance = signs.sum(1).abs() / signs.abs().sum(1).clamp(min=1)
            layer["sign_agreement"] = (balance >= 0.9).double().mean().item()
            inputs = self.inputs[name].double()
            layer["input_mean_energy"] = (inputs.mean() ** 2 / (inputs**2).mean().clamp(min=1e-30)).item()
        return layer

    def _write(self, record):
        # What was not measured is left out; NaN is written as such, and read.
        self.file.write(json.dumps({key: value for key, value in record.items() if value is not None}) + "\n")


def describe(name, module, initializer):
    """A layer of the model record."""
    kind, function = KINDS[type(module)]
    layer = {"name": name, "kind": kind}
    if function:
        layer["function"] = function
    if kind in WEIGHTS:
        layer["units"] = module.weight.shape[0]
        layer["fan_in"] = module.weight[0].numel()
        layer["bias"] = module.bias is not None
        layer["frozen"] = not module.weight.requires_grad
        if initializer:
            layer["initializer"] = initializer
    if kind == "batch_norm":
        layer["momentum"] = module.momentum
    if kind == "dropout":
        layer["probability"] = module.p
    return layer


def parameters_of(kind, module):
    """Parameters with their roles: weight and bias, or scale and shift of a normalisation."""
    roles = ("weight", "bias") if kind in WEIGHTS else ("scale", "shift")
    found = zip(roles, (getattr(module, "weight", None), getattr(module, "bias", None)))
    return [(role, parameter) for role, parameter in found if parameter is not None]


def parameter_measurement(role, parameter, before):
    """Norms of a parameter, its gradient and the update it just got."""
    return {
        "role": role,
        "weight_norm": before.norm().item(),
        "gradient_norm": parameter.grad.norm().item(),
        "update_norm": (parameter.detach() - before).norm().item(),
        "non_finite": int((~torch.isfinite(parameter)).sum()),
        "non_finite_gradient": int((~torch.isfinite(parameter.grad)).sum()),
    }


def signal(values, function):
    """Moments of an output over the batch."""
    measured = {
        "count": values.numel(),
        "mean": values.mean().item(),
        "std": values.std(correction=0).item(),
        "min": values.min().item(),
        "max": values.max().item(),
        "zero_fraction": (values == 0).double().mean().item(),
        "non_finite": int((~torch.isfinite(values)).sum()),
    }
    if function in SATURATED:
        measured["saturated_fraction"] = SATURATED[function](values).double().mean().item()
    return measured


def firing(values):
    """How often each unit was above zero in this batch."""
    units = units_of(values)
    return {
        "units": units.shape[1],
        "observations": units.shape[0],
        "fired_counts": (units > 0).sum(0).tolist(),
    }


def units_of(values):
    """[samples x positions, units]: channels are the units of images."""
    return values.movedim(1, -1).reshape(-1, values.shape[1])


def rms(values):
    """Root mean square."""
    return values.square().mean().sqrt().item()
