"""Metrics of classes and values by scikit-learn, over awkward cases: ties, absent classes, few samples, constants.

`python metric_cases.py` writes crates/keel_train/tests/golden/metrics.json; it needs scikit-learn and numpy, not torch.
Probabilities and values are float32 numbers, given to scikit-learn as float64. `null` stands for what is undefined.
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics

import deterministic

FILE = pathlib.Path(__file__).resolve().parents[2] / "crates" / "keel_train" / "tests" / "golden" / "metrics.json"


def softmax32(scores):
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)


def calibration_error(labels, probabilities):
    """Returns the expected calibration error over ten bins (low, high] of the predicted class's probability."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * 10).astype(int), 1, 10)
    parts = [(right[bins == b].sum(), confidence[bins == b].sum()) for b in range(1, 11)]
    return sum(abs(hits - total) for hits, total in parts) / len(labels)


def area(function, labels, probabilities):
    """Returns the score of the second of two classes; of more, the mean over the classes present, each against the rest."""
    present = np.unique(labels)
    if len(present) < 2:
        return None
    if probabilities.shape[1] == 2:
        return function(labels, probabilities[:, 1])
    return np.mean([function(labels == c, probabilities[:, c]) for c in present])


def classes_case(name, probabilities, labels):
    wide = probabilities.astype(np.float64)
    count = wide.shape[1]
    predicted = wide.argmax(axis=1)
    names = np.arange(count)
    one_class = len(np.unique(labels)) < 2
    # Written out because scikit-learn requires rows that add up to exactly 1.
    log_loss = -np.mean(np.log(np.clip(wide[np.arange(len(labels)), labels], np.finfo(float).eps, 1 - np.finfo(float).eps)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = metrics.log_loss(labels, wide, labels=names)
        top = 5 if count > 10 else 2
        values = {
            "accuracy": metrics.accuracy_score(labels, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
            "f1": metrics.f1_score(labels, predicted, average="macro"),
            "mcc": None if one_class else metrics.matthews_corrcoef(labels, predicted),
            "roc_auc": area(metrics.roc_auc_score, labels, wide),
            "pr_auc": area(metrics.average_precision_score, labels, wide),
            "log_loss": log_loss,
            "brier": np.mean((wide[:, 1] - labels) ** 2) if count == 2
            else np.mean(((wide - np.eye(count)[labels]) ** 2).sum(axis=1)),
            "calibration_error": calibration_error(labels, wide),
            "top": metrics.top_k_accuracy_score(labels, wide, k=top, labels=names) if count >= 5 else None,
        }
        if count == 2:
            brier = metrics.brier_score_loss(labels, wide[:, 1], pos_label=1) if not one_class else values["brier"]
            assert abs(brier - values["brier"]) < 1e-12
    assert abs(reference - log_loss) < 1e-5 * max(1.0, log_loss), (name, reference, log_loss)
    return {
        "name": name,
        "classes": count,
        "probabilities": [float(value) for value in wide.reshape(-1)],
        "labels": [int(label) for label in labels],
        "metrics": {key: None if value is None else float(value) for key, value in values.items()},
    }


def scores(seed, samples, count, spread=3.0):
    return deterministic.tensor_values(seed, (samples, count), -spread, spread).astype(np.float64)


def drawn(name, seed, samples, count, spread=3.0, skew=0.0):
    """Returns labels that tend towards the larger scores; `skew` moves all towards class 0."""
    given = scores(seed, samples, count, spread)
    noise = scores(seed + 1, samples, count, 2.0)
    labels = (given + noise + skew * (np.arange(count) == 0)).argmax(axis=1)
    return classes_case(name, softmax32(given), labels)


def class_cases():
    result = [
        drawn("two classes", 1_000, 60, 2),
        drawn("two classes, imbalanced", 1_010, 200, 2, skew=4.0),
        drawn("three classes", 1_020, 90, 3),
        drawn("seven classes", 1_030, 70, 7),
        drawn("thirteen classes, some absent", 1_040, 20, 13),
        drawn("sure of everything", 1_050, 50, 3, spread=300.0),
    ]
    tied = (np.round(scores(1_060, 80, 1, 1.0) * 2) / 8 + 0.5).astype(np.float32)
    tied = np.concatenate([1 - tied, tied], axis=1).astype(np.float32)
    result.append(classes_case("two classes, ties", tied, deterministic.labels(1_061, 80, 2)))
    equal = np.full((12, 2), 0.5, dtype=np.float32)
    result.append(classes_case("all equal", equal, deterministic.labels(1_070, 12, 2)))
    coarse = softmax32(np.round(scores(1_080, 60, 4, 1.0)))
    result.append(classes_case("four classes, ties", coarse, deterministic.labels(1_081, 60, 4)))
    absent = softmax32(scores(1_090, 40, 4))
    result.append(classes_case("four classes, two present", absent, deterministic.labels(1_091, 40, 2) * 2))
    only = softmax32(scores(1_100, 9, 2))
    result.append(classes_case("one class present", only, np.ones(9, dtype=np.int64)))
    result.append(classes_case("one sample", softmax32(scores(1_110, 1, 3)), np.array([2])))
    wrong = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=np.float32)
    result.append(classes_case("sure and wrong", wrong, np.array([1, 0, 0, 1])))
    return result


def values_case(name, predicted, actual):
    predicted, actual = predicted.astype(np.float64), actual.astype(np.float64)
    names = [f"y{index}" for index in range(actual.shape[1])]

    def errors(guess, truth):
        varies = len(truth) > 1 and len(np.unique(truth)) > 1
        return {
            "rmse": float(metrics.root_mean_squared_error(truth, guess)),
            "mae": float(metrics.mean_absolute_error(truth, guess)),
            "median_absolute_error": float(metrics.median_absolute_error(truth, guess)),
            "max_error": float(metrics.max_error(truth, guess)),
            "r2": float(metrics.r2_score(truth, guess)) if varies else None,
        }

    targets = [errors(predicted[:, index], actual[:, index]) for index in range(len(names))]
    whole = {key: [target[key] for target in targets if target[key] is not None] for key in targets[0]}
    mean = {key: float(np.mean(found)) if found else None for key, found in whole.items()}
    mean["max_error"] = float(max(whole["max_error"]))
    assert abs(mean["rmse"] - metrics.root_mean_squared_error(actual, predicted)) < 1e-12
    assert abs(mean["mae"] - metrics.mean_absolute_error(actual, predicted)) < 1e-12
    flat = lambda array: [float(value) for value in array.reshape(-1)]
    return {
        "name": name,
        "target_names": names,
        "predicted": flat(predicted),
        "actual": flat(actual),
        "metrics": mean,
        "targets": targets,
    }


def value_cases():
    draw = deterministic.tensor_values
    result = []
    for seed, samples, count in [(2_000, 50, 1), (2_010, 31, 3), (2_020, 2, 1), (2_030, 1, 1)]:
        actual = draw(seed, (samples, count), -5.0, 5.0)
        predicted = (actual + draw(seed + 1, (samples, count), -2.0, 2.0)).astype(np.float32)
        result.append(values_case(f"{samples} x {count}", predicted, actual))
    constant = np.full((10, 1), np.float32(0.1))
    result.append(values_case("constant target", draw(2_040, (10, 1), 0.0, 1.0), constant))
    mixed = np.concatenate([draw(2_050, (10, 1), 0.0, 1.0), constant], axis=1)
    result.append(values_case("one of two targets constant", draw(2_051, (10, 2), 0.0, 1.0), mixed))
    large = draw(2_060, (20, 1), 1e6, 1.1e6)
    result.append(values_case("far from zero", (large + np.float32(100)).astype(np.float32), large))
    result.append(values_case("perfect", large, large))
    return result


def generate():
    document = {
        "source": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, float64",
        "classes": class_cases(),
        "values": value_cases(),
    }
    FILE.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'{{"source":{json.dumps(document["source"])},']
    for key, end in [("classes", ","), ("values", "}")]:
        cases = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in document[key])
        lines.append(f'"{key}":[\n{cases}\n]{end}')
    FILE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    generate()
