"""Recomputes the numbers of findings from the files of runs, using only NumPy.

    python3 recompute.py CODE=RUN [CODE=RUN,INITIAL] ...

RUN is the folder of a run whose training split is a whole table of numbers with the class in the last column, one batch per
epoch. Its learning rate is so small that the weights do not change; for rules that evaluate a step, INITIAL is such a run
with the same seed. Prints one line per finding: code, layer, number of the finding, recomputed number. The exit status is 1
if they differ by more than a thousandth.
"""

import sys

import numpy

from network import Network
from run_folder import RunFolder

TOLERANCE = 1e-3


def inputs(run, finding, _):
    """K002: maximum mean of a feature."""
    return numpy.abs(run.inputs().mean(axis=0)).max()


def labels(run, finding, _):
    """K003: ratio of the sizes of the most frequent and the rarest class."""
    counts = numpy.bincount(run.labels)
    return counts.max() / counts.min()


def start_loss(run, finding, _):
    """K004: relative excess of the loss at the start over that of guessing."""
    guessing = numpy.log(len(run.classes))
    return (Network(run).loss - guessing) / guessing


def signal(run, finding, _):
    """K005: standard deviation of the pre-activations."""
    return Network(run).output[finding["layer"]].std()


def symmetry(run, finding, _):
    """K006: number of units with the same weights as another unit."""
    _, counts = numpy.unique(run.weights[finding["layer"] + ".weight"], axis=1, return_counts=True)
    return counts[counts > 1].sum()


def saturation(run, finding, _):
    """K009: fraction of outputs of tanh beyond 0.97."""
    return (numpy.abs(Network(run).output[finding["layer"]]) > 0.97).mean()


def dead_relu(run, finding, _):
    """K010: fraction of units that are active for no sample."""
    return (~(Network(run).output[finding["layer"]] > 0.0).any(axis=0)).mean()


def vanishing_gradient(run, finding, _):
    """K011: norm of the gradient with respect to the output of the first layer, over that of the last."""
    network = Network(run)
    last = max(network.weight_gradient, key=lambda name: int(name.split("_")[1]))
    size = {name: numpy.linalg.norm(gradient) for name, gradient in network.output_gradient.items()}
    return size[finding["layer"]] / size[last]


def update_ratio(run, finding, initial):
    """K013: norm of the first update over that of the weights."""
    name = finding["layer"] + ".weight"
    return numpy.linalg.norm(run.weights[name] - initial.weights[name]) / numpy.linalg.norm(initial.weights[name])


def loss_trend(run, finding, _):
    """K017: loss relative to that of guessing by the frequencies of the classes; it is constant, because no weight changes."""
    shares = numpy.bincount(run.labels) / len(run.labels)
    return Network(run).loss / -(shares * numpy.log(shares)).sum()


RULES = {
    "K002": inputs,
    "K003": labels,
    "K004": start_loss,
    "K005": signal,
    "K006": symmetry,
    "K009": saturation,
    "K010": dead_relu,
    "K011": vanishing_gradient,
    "K013": update_ratio,
    "K017": loss_trend,
}


def main(arguments):
    different = False
    for argument in arguments:
        code, _, folders = argument.partition("=")
        run, *initial = [RunFolder(folder) for folder in folders.split(",")]
        finding = run.finding(code)
        expected = RULES[code](run, finding, *(initial or [None]))
        agrees = abs(finding["measured"] - expected) <= TOLERANCE * abs(expected)
        different |= not agrees
        print(code, finding.get("layer") or "-", finding["measured"], expected, "" if agrees else "DIFFERENT")
    return int(different)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
