"""Writes the node tests of the onnx package whose operations are all among those named.

Usage: node_tests.py FOLDER OPERATION... Each test becomes a folder with model.onnx, input_N.pb, output_N.pb. Prints the number
of all node tests.
"""

import pathlib
import sys

import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests


def tensor(value):
    return value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value)


def main():
    folder, operations = pathlib.Path(sys.argv[1]), set(sys.argv[2:])
    tests = load_model_tests(kind="node")
    for test in tests:
        model = test.model
        if not {node.op_type for node in model.graph.node} <= operations:
            continue
        try:
            pairs = [([tensor(value) for value in inputs], [tensor(value) for value in outputs])
                     for inputs, outputs in test.data_sets]
        except Exception:  # sequences and optional values are no tensors
            continue
        place = folder / test.name
        place.mkdir(parents=True)
        (place / "model.onnx").write_bytes(model.SerializeToString())
        for name, values in zip(("input", "output"), pairs[0]):
            for number, value in enumerate(values):
                (place / f"{name}_{number}.pb").write_bytes(value.SerializeToString())
    print(len(tests))


main()
