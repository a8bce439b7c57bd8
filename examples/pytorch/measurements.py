"""Measures a PyTorch training and writes what `evenkeel diagnose` reads: one JSON object a line.

    recorder = Recorder(model, open("run.jsonl", "w"), loss="cross_entropy", classes=10, learning_rate=0.1)
    recorder.data(training_inputs, training_labels)
    recorder.start(model, loss_function, inputs, labels)
    for step in range(steps):
        with recorder.step(optimizer, epoch, samples=len(inputs)) as measured:
            loss = loss_function(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            measured.loss(loss, labels)
            optimizer.step()
    recorder.epoch(epoch, train_loss=..., validation_loss=...)

Outputs and their gradients come from forward hooks, parameters from before and after the update. Only parameters that the
optimiser updates are copied, into buffers that are made once. The format is described in docs/measurements.md of Evenkeel.
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

# Version of the format.
VERSION = 2


class Recorder:
    """Writes the measurements of one training. The model's layers must run in the order of `model.modules()`."""

    def __init__(self, model, file, loss, classes, learning_rate, initializer=None, batch_size=None):
        self.model = model
        self.file = file
        self.classes = classes
        self.layers = [(name, module) for name, module in model.named_modules() if type(module) in KINDS]
        self.outputs = {}
        self.inputs = {}
        self.watching = False
        self.steps = 0
        # Values of parameters before an update.
        self.copies = {}
        # Modes of the forward passes without gradients since the last epoch record.
        self.evaluation_modes = []
        self._begin([])
        for name, module in self.layers:
            module.register_forward_hook(self._keep(name, module))
        model.register_forward_hook(self._keep_predictions(model))
        self._write(
            {
                "type": "model",
                "version": VERSION,
                "loss": loss,
                "classes": classes,
                "learning_rate": learning_rate,
                "batch_size": batch_size,
                # `forward` may call functions that are no modules.
                "unlisted_functions": True,
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
        optimised = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        self._begin(optimised)
        before = Before(self.model, optimised, self.copies)
        updates = []
        hooks = [
            # The gradients may be cleared before the step is over.
            optimizer.register_step_pre_hook(lambda *_: self._measure_gradients()),
            optimizer.register_step_post_hook(lambda *_: updates.append(True)),
        ]
        try:
            with self._watch():
                yield self
                if self.gradients is None:
                    self._measure_gradients()
                layers = [self._step_layer(name, module, before) for name, module in self.layers if name in self.outputs]
        finally:
            for hook in hooks:
                hook.remove()
        self._write(
            {
                "type": "step",
                "step": self.steps,
                "epoch": epoch,
                "samples": samples,
                "loss": self.last_loss,
                "learning_rate": optimizer.param_groups[0]["lr"],
                "gradient_norm": math.hypot(*(gradient["gradient_norm"] for gradient in self.gradients.values())),
                "gradient_before_norm": self.before_norm,
                "updated": bool(updates),
                "training_mode": all(self.modes) if self.modes else None,
                "class_counts": self.class_counts,
                "predictions": self.predictions,
                "layers": layers,
            }
        )
        self.steps += 1

    def loss(self, loss, labels=None, predictions=None):
        """The mean loss of the batch, before the update; its class labels; what the loss was given, if that is not the
        output of the model. Several backward passes for one update call it once each."""
        self.last_loss = loss.item()
        if labels is not None and labels.dim() == 1 and not labels.is_floating_point():
            counts = torch.bincount(labels, minlength=self.classes or 0).tolist()
            known = self.class_counts or []
            length = max(len(counts), len(known))
            self.class_counts = [sum(pair) for pair in zip(padded(counts, length), padded(known, length))]
        if predictions is not None:
            self.predictions = extremes(predictions.detach(), None)

    def epoch(self, epoch, **measured):
        """Results in evaluation mode: train_loss, validation_loss, train_accuracy, validation_accuracy."""
        training_mode = all(self.evaluation_modes) if self.evaluation_modes else None
        norms = [running_statistics(name, module) for name, module in self.layers if KINDS[type(module)][0] == "batch_norm"]
        record = {"type": "epoch", "epoch": epoch, "step": self.steps, "training_mode": training_mode, **measured}
        self._write({**record, "norms": [norm for norm in norms if norm] or None})
        self.evaluation_modes = []

    def _begin(self, optimised):
        """Forgets the last step; `optimised` are the parameters that this one updates."""
        self.optimised, self.gradients = optimised, None
        self.last_loss, self.before_norm = math.nan, None
        self.modes, self.class_counts, self.predictions = [], None, None

    # Hooks are functions, which a copy of the model shares: they look at the model they were made for.

    def _keep(self, name, measured):
        def hook(module, arguments, output):
            if self.watching and module is measured:
                if output.requires_grad:
                    output.retain_grad()
                    output.register_hook(self._backward_begins)
                self.outputs[name] = output
                self.inputs[name] = arguments[0].detach()

        return hook

    def _keep_predictions(self, measured):
        def hook(model, arguments, output):
            if model is not measured:
                return
            if not self.watching:
                # Passes with gradients are training steps that nobody records.
                if not torch.is_grad_enabled():
                    self.evaluation_modes.append(model.training)
                return
            self.modes.append(model.training)
            if torch.is_tensor(output):
                self.predictions = extremes(output.detach(), self.predictions)
                if output.requires_grad:
                    output.register_hook(self._backward_begins)

        return hook

    def _backward_begins(self, gradient):
        """The gradient of an output is known, those of the parameters in front of it are not: the first call of a step sees
        what the buffers held before its backward pass."""
        self.gradients = None
        if self.before_norm is None:
            self.before_norm = math.hypot(*(one.grad.norm().item() for one in self.optimised if one.grad is not None))

    def _measure_gradients(self):
        """What the gradient buffers hold, by parameter."""
        self.gradients = {
            parameter: {
                "gradient_norm": parameter.grad.norm().item(),
                "non_finite_gradient": int((~torch.isfinite(parameter.grad)).sum()),
            }
            for parameter in self.model.parameters()
            if parameter.grad is not None
        }

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
            "elements": output[0].numel(),
            "units": units_of(output).shape[1],
            "non_finite": int((~torch.isfinite(output)).sum()),
        }
        if self.outputs[name].grad is not None:
            layer["gradient_rms"] = rms(self.outputs[name].grad)
        if function in SATURATED:
            layer["saturated_fraction"] = SATURATED[function](output).double().mean().item()
        if function == "relu":
            layer["dead_fraction"] = (units_of(output) <= 0).all(0).double().mean().item()
            layer["zero_fraction"] = (output == 0).double().mean().item()
        if kind in WEIGHTS and module.weight.grad is not None:
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
            if parameter in self.gradients:
                measured = parameter_measurement(role, parameter, before)
                layer["parameters"].append({**measured, **self.gradients[parameter]})
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
    parameters = list(module.parameters())
    if parameters:
        layer["frozen"] = not any(parameter.requires_grad for parameter in parameters)
    if function:
        layer["function"] = function
    if kind in WEIGHTS:
        layer["units"] = module.weight.shape[0]
        layer["fan_in"] = module.weight[0].numel()
        layer["bias"] = module.bias is not None
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
    """Norms of a parameter and of the update it just got."""
    weight_norm, update_norm = before.norms(parameter)
    measured = {
        "role": role,
        "weight_norm": weight_norm,
        "non_finite": int((~torch.isfinite(parameter)).sum()),
    }
    if update_norm is not None:
        measured["update_norm"] = update_norm
    return measured


class Before:
    """The parameters of a model before a step. Those the optimiser updates are copied; of the others the version is kept,
    which counts changes in place."""

    def __init__(self, model, optimised, copies):
        self.copies = copies
        for parameter in optimised:
            if parameter.requires_grad:
                if parameter not in copies:
                    copies[parameter] = torch.empty_like(parameter, requires_grad=False)
                copies[parameter].copy_(parameter.detach())
        self.versions = {parameter: parameter._version for parameter in model.parameters() if parameter not in copies}

    def norms(self, parameter):
        """Norm of the values before the step and norm of their change; `None` if that is not known."""
        if parameter in self.copies:
            copy = self.copies[parameter]
            weight_norm = copy.norm().item()
            return weight_norm, copy.sub_(parameter.detach()).norm().item()
        weight_norm = parameter.detach().norm().item()
        return weight_norm, 0.0 if self.versions.get(parameter) == parameter._version else None


def extremes(values, known):
    """Extremes of what the loss is given, joined with those already known. A row lies along dimension 1."""
    measured = {"lowest": values.min().item(), "highest": values.max().item()}
    if values.dim() > 1 and values.shape[1] > 1:
        sums = values.sum(1)
        measured["lowest_row_sum"], measured["highest_row_sum"] = sums.min().item(), sums.max().item()
    if known is None:
        return measured
    both = [name for name in measured if name in known]
    return {name: (min if "lowest" in name else max)(measured[name], known[name]) for name in both}


def running_statistics(name, module):
    """Running statistics of a batch normalisation; `None` if it has none."""
    if module.running_mean is None:
        return None
    return {
        "layer": name,
        "running_mean": module.running_mean.tolist(),
        "running_variance": module.running_var.tolist(),
        "momentum": module.momentum,
        "updates": int(module.num_batches_tracked),
    }


def padded(counts, length):
    """The counts with zeros behind them."""
    return counts + [0] * (length - len(counts))


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
