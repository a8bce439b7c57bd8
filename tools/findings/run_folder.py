"""Reads the files of a run on a table, without any code of Evenkeel."""

import csv
import json
import struct
import tomllib
from pathlib import Path

import numpy


def read_safetensors(path):
    """Returns the arrays of a file by name, in double precision."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(data[8 + length + begin : 8 + length + end], "<f4")
            arrays[name] = values.reshape(entry["shape"]).astype(numpy.float64)
    return arrays


class RunFolder:
    """A run whose training split is the whole table: numbers in all columns except the last, which contains the class."""

    def __init__(self, path):
        self.path = Path(path)
        self.config = tomllib.loads((self.path / "config.toml").read_text())
        self.findings = json.loads((self.path / "summary.json").read_text())["findings"]
        self.weights = read_safetensors(self.path / "model.safetensors")
        with open(self.path / self.config["data"]["source"]) as file:
            rows = list(csv.reader(file))[1:]
        self.columns = numpy.array([row[:-1] for row in rows], dtype=numpy.float64)
        self.classes, self.labels = numpy.unique([row[-1] for row in rows], return_inverse=True)

    def finding(self, code):
        """Returns the first finding of a rule."""
        return next(finding for finding in self.findings if finding["code"] == code)

    def inputs(self):
        """Returns the inputs of the network, [rows, features]."""
        if self.config["preprocess"]["steps"] == ["standardize"]:
            return (self.columns - self.columns.mean(axis=0)) / self.columns.std(axis=0)
        assert self.config["preprocess"]["steps"] == []
        return self.columns
