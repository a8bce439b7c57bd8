"""Losses with class weights: sum of w[label] * loss over sum of w[label], in numpy, float64.

`python weighted_loss_cases.py` writes crates/keel_nn/tests/golden/weighted_losses.json. PyTorch's cross-entropy divides in
this way, and its cases with weights are in losses.json; its hinge divides by the batch, so that this file is written out in
numpy, with gradients from central differences of the same float64 functions.
"""

import json
import pathlib

import numpy as np

import deterministic

FILE = pathlib.Path(__file__).resolve().parents[2] / "crates" / "keel_nn" / "tests" / "golden" / "weighted_losses.json"


def cross_entropy(scores, label):
    shifted = scores - scores.max()
    return np.log(np.exp(shifted).sum()) - shifted[label]


def hinge(scores, label):
    margins = np.maximum(0.0, scores - scores[label] + 1.0)
    margins[label] = 0.0
    return margins.sum()


def bce(logits, label):
    truth = float(label) if len(logits) == 1 else (np.arange(len(logits)) == label).astype(float)
    return np.mean(np.maximum(logits, 0.0) - truth * logits + np.log1p(np.exp(-np.abs(logits))))


def mean(loss, scores, labels, weights):
    losses = np.array([loss(row.copy(), label) for row, label in zip(scores, labels)])
    return float((weights[labels] * losses).sum() / weights[labels].sum())


def gradient(loss, scores, labels, weights, step=1e-6):
    result = np.zeros_like(scores)
    for index in np.ndindex(scores.shape):
        up, down = scores.copy(), scores.copy()
        up[index] += step
        down[index] -= step
        result[index] = (mean(loss, up, labels, weights) - mean(loss, down, labels, weights)) / (2 * step)
    return result


def numbers(array):
    return [float(f"{value:.9g}") for value in np.asarray(array, dtype=np.float64).reshape(-1)]


def generate():
    cases = []
    shapes = [(cross_entropy, 6, 4, 4), (hinge, 7, 3, 3), (hinge, 1, 2, 2), (bce, 5, 3, 3), (bce, 8, 1, 2), (bce, 6, 2, 2)]
    for index, (loss, batch, outputs, classes) in enumerate(shapes):
        scores = deterministic.tensor_values(3_000 + index, (batch, outputs), -2.0, 2.0).astype(np.float64)
        labels = deterministic.labels(3_100 + index, batch, classes)
        weights = deterministic.values(3_200 + index, classes, 0.25, 4.0).astype(np.float64)
        cases.append({
            "name": f"{loss.__name__}, {batch} x {outputs}",
            "loss": loss.__name__,
            "classes": classes,
            "class_weights": numbers(weights),
            "labels": [int(label) for label in labels],
            "outputs": numbers(scores),
            "value": float(f"{mean(loss, scores, labels, weights):.12g}"),
            "gradient": [round(value, 8) for value in numbers(gradient(loss, scores, labels, weights))],
        })
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    FILE.write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    generate()
