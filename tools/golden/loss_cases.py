"""Loss functions, averaged over the batch."""

import torch
import torch.nn.functional as functional

import deterministic
from golden_file import draw, rounded, tensor_json, write


def case(name, spec, predictions, targets, function):
    given = predictions.clone().requires_grad_(True)
    value = function(given, targets)
    value.backward()
    if targets.dtype == torch.int64:
        target_json = {"labels": targets.tolist()}
    else:
        target_json = {"values": tensor_json(targets)}
    return {
        "name": name,
        "loss": spec,
        "predictions": tensor_json(predictions),
        "targets": target_json,
        "value": float(f"{value.item():.12g}"),
        "grad_predictions": tensor_json(given.grad),
    }


def labels(seed, batch, classes):
    return torch.from_numpy(deterministic.labels(seed, batch, classes))


def weights_of(classes):
    return [float(rounded(weight)) for weight in draw(95_050, (classes,), 0.5, 2.0)]


def cross_entropy_cases():
    result = []
    shapes = [(6, 10, 3.0), (1, 2, 1.0), (7, 3, 30.0), (5, 17, 1.0)]
    for index, (batch, classes, spread) in enumerate(shapes):
        logits = draw(95_000 + index, (batch, classes), -spread, spread)
        targets = labels(95_100 + index, batch, classes)
        shape = f"{batch} x {classes}"
        for smoothing in (0.0, 0.1):
            for weights in (None, weights_of(classes)):
                spec = {"type": "cross_entropy"}
                spec |= {"label_smoothing": smoothing} if smoothing else {}
                spec |= {"class_weights": weights} if weights else {}
                name = ", ".join(["cross_entropy", *sorted(spec.keys() - {"type"}), shape])
                tensor = torch.tensor(weights, dtype=torch.float64) if weights else None
                function = lambda given, target, w=tensor, s=smoothing: functional.cross_entropy(
                    given, target, weight=w, label_smoothing=s
                )
                result.append(case(name, spec, logits, targets, function))
    large = torch.tensor([[1000.0, -1000.0, 0.0], [-500.0, 500.0, 499.0]], dtype=torch.float64)
    function = functional.cross_entropy
    result.append(case("cross_entropy, large logits", {"type": "cross_entropy"}, large, torch.tensor([0, 2]), function))
    return result


def multiclass_hinge(scores, targets):
    """Returns the sum over the wrong classes of max(0, score - right score + 1), averaged over the batch (CS231n)."""
    right = scores.gather(1, targets[:, None])
    margins = torch.clamp(scores - right + 1.0, min=0.0)
    mask = torch.ones_like(scores).scatter(1, targets[:, None], 0.0)
    return (margins * mask).sum() / scores.shape[0]


def other_cases():
    result = []
    for index, (batch, classes) in enumerate([(6, 10), (1, 2), (5, 3)]):
        scores = draw(96_000 + index, (batch, classes), -2.0, 2.0)
        targets = labels(96_100 + index, batch, classes)
        result.append(case(f"hinge, {batch} x {classes}", {"type": "hinge"}, scores, targets, multiclass_hinge))
    for index, (batch, outputs) in enumerate([(6, 1), (4, 3), (1, 1)]):
        shape = f"{batch} x {outputs}"
        given, wanted = draw(97_000 + index, (batch, outputs), -3.0, 3.0), draw(97_100 + index, (batch, outputs), -3.0, 3.0)
        result.append(case(f"mse, {shape}", {"type": "mse"}, given, wanted, functional.mse_loss))
        huber = lambda prediction, target: functional.huber_loss(prediction, target, delta=1.0)
        result.append(case(f"huber, {shape}", {"type": "huber", "delta": 1.0}, given, wanted, huber))
        truth = (wanted > 0).double()
        function = functional.binary_cross_entropy_with_logits
        result.append(case(f"bce, {shape}", {"type": "bce"}, given, truth, function))
    logits = torch.tensor([[100.0], [-100.0], [100.0], [-100.0], [0.0]], dtype=torch.float64)
    truth = torch.tensor([[1.0], [0.0], [0.0], [1.0], [0.5]], dtype=torch.float64)
    result.append(case("bce, large logits", {"type": "bce"}, logits, truth, functional.binary_cross_entropy_with_logits))
    return result


def generate():
    notes = [
        "class weights: the weighted sum is divided by the sum of the weights of the batch's labels",
        "mse, huber and bce are averaged over the batch and the outputs",
        "predictions of bce are logits",
    ]
    write("losses", cross_entropy_cases() + other_cases(), notes)
