"""Forward and backward pass of linear layers and activations with softmax and cross-entropy, over a whole table."""

import numpy

FUNCTIONS = {
    "relu": (lambda z: numpy.maximum(z, 0.0), lambda z: (z > 0.0).astype(float)),
    "tanh": (numpy.tanh, lambda z: 1.0 - numpy.tanh(z) ** 2),
    "sigmoid": (lambda z: 1.0 / (1.0 + numpy.exp(-z)), lambda z: numpy.exp(-z) / (1.0 + numpy.exp(-z)) ** 2),
}


class Network:
    """One pass with the weights of a run: outputs, gradients with respect to them and weight gradients, by name."""

    def __init__(self, run):
        self.input, self.output, self.output_gradient, self.weight_gradient = {}, {}, {}, {}
        layers = self.named(run.config["model"]["layers"])
        value = run.inputs()
        for name, layer in layers:
            self.input[name] = value
            if layer["type"] == "linear":
                value = value @ run.weights[name + ".weight"] + run.weights[name + ".bias"]
            else:
                value = FUNCTIONS[layer["function"]][0](value)
            self.output[name] = value
        shifted = value - value.max(axis=1, keepdims=True)
        logarithms = shifted - numpy.log(numpy.exp(shifted).sum(axis=1, keepdims=True))
        rows = numpy.arange(len(value))
        self.loss = -logarithms[rows, run.labels].mean()
        gradient = numpy.exp(logarithms)
        gradient[rows, run.labels] -= 1.0
        gradient /= len(value)
        for name, layer in reversed(layers):
            self.output_gradient[name] = gradient
            if layer["type"] == "linear":
                self.weight_gradient[name] = self.input[name].T @ gradient
                gradient = gradient @ run.weights[name + ".weight"].T
            else:
                gradient = gradient * FUNCTIONS[layer["function"]][1](self.input[name])

    @staticmethod
    def named(layers):
        """Returns the layers with their names, which count each kind from 1."""
        counts, named = {}, []
        for layer in layers:
            kind = layer["type"]
            counts[kind] = counts.get(kind, 0) + 1
            named.append((f"{kind}_{counts[kind]}", layer))
        return named
