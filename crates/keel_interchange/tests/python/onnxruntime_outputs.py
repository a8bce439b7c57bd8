"""Checks exported models with onnx.checker and compares what onnxruntime computes with what Evenkeel predicted.

Usage: onnxruntime_outputs.py FOLDER, with NAME.onnx and NAME.json for each model. Prints one line for each model and ends with
status 1 if one of them is not valid or differs by more than 1e-5 of the scale of its outputs.
"""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

TYPES = {"float": numpy.float32, "double": numpy.float64, "int64": numpy.int64, "uint8": numpy.uint8, "text": object}
ALLOWED = 1e-5


def number(value):
    return float("nan") if value is None else value


def array(tensor):
    kind = TYPES[tensor["type"]]
    values = tensor["values"] if kind is object else [number(value) for value in tensor["values"]]
    return numpy.array(values, dtype=kind).reshape(tensor["shape"])


def compare(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = json.loads(path.with_suffix(".json").read_text())
    inputs = {name: array(tensor) for name, tensor in expected["inputs"].items()}
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, inputs)))
    numbers = outputs[expected["numbers"]]
    wanted = numpy.array([[number(value) for value in row] for row in expected["rows"]], dtype=numpy.float64)
    assert numbers.shape == wanted.shape, f"{numbers.shape} instead of {wanted.shape}"
    scale = numpy.abs(wanted).max(axis=0) if expected["label"] is None else 1.0
    scale = numpy.where(scale > 0, scale, 1.0)
    difference = float((numpy.abs(numbers - wanted) / scale).max())
    assert difference <= ALLOWED * expected["factor"], f"differs by {difference}"
    if expected["label"] is not None:
        sure = numpy.sort(wanted, axis=1)
        sure = sure[:, -1] - sure[:, -2] > 1e-3
        labels = outputs[expected["label"]]
        assert all(label == own for label, own, is_sure in zip(labels, expected["labels"], sure) if is_sure), "labels"
    # The batch dimension is free: one sample alone gives the same row.
    alone = session.run([expected["numbers"]], {name: value[:1] for name, value in inputs.items()})[0]
    assert float((numpy.abs(alone - wanted[:1]) / scale).max()) <= ALLOWED * expected["factor"], "one sample alone"
    return difference


def main():
    failed = 0
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
        try:
            print(f"{path.stem}: {compare(path):.1e}")
        except Exception as error:  # every model is reported
            failed += 1
            print(f"{path.stem}: FAILED: {str(error)[:600]}")
    sys.exit(1 if failed else 0)


main()
