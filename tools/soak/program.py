"""The program under test and the files of its runs."""

import json
import pathlib
import sqlite3
import struct
import subprocess

# Fields of summary.json that measure time; they differ between two runs with the same settings.
TIMES = ("seconds", "first_step_at", "samples_per_second")

# Tables of metrics.sqlite without columns that measure time.
ROWS = {
    "steps": "SELECT step, epoch, loss, learning_rate, gradient_norm FROM steps ORDER BY step",
    "epochs": "SELECT epoch, part, loss, accuracy, rmse, r2 FROM epochs ORDER BY epoch, part",
    "layers": "SELECT step, layer, name, value FROM layers ORDER BY step, layer, name",
    "histograms": "SELECT step, layer, name, low, high, counts FROM histograms ORDER BY step, layer, name",
    "findings": "SELECT step, code, level, layer, document FROM findings ORDER BY step, code, layer, document",
}


class Program:
    """One binary of Evenkeel."""

    def __init__(self, binary):
        self.binary = str(pathlib.Path(binary).resolve())

    def command(self, *arguments, settings=()):
        """Returns the command line; every setting is a `key=value` of the config."""
        return [self.binary, *arguments, *(word for setting in settings for word in ("--set", setting))]

    def start(self, *arguments, settings=(), output=None):
        """Starts the program; its output goes to the file `output`, or is discarded."""
        command = self.command(*arguments, settings=settings)
        if output is None:
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(output, "w") as file:
            return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    def run(self, *arguments, settings=()):
        """Runs the program to its end and returns exit status and errors."""
        ended = subprocess.run(self.command(*arguments, settings=settings), capture_output=True, text=True)
        return ended.returncode, ended.stderr


class Run:
    """The folder of a run."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def summary(self):
        """Returns the summary without its times; None if it cannot be read."""
        try:
            summary = json.loads(self.path.joinpath("summary.json").read_text())
        except (OSError, ValueError):
            return None
        return {key: value for key, value in summary.items() if key not in TIMES}

    def tensors(self, name="model.safetensors"):
        """Returns the bytes of every tensor of a file, by name."""
        content = self.path.joinpath(name).read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
        places = {key: entry["data_offsets"] for key, entry in header.items() if key != "__metadata__"}
        return {key: body[start:end] for key, (start, end) in places.items()}

    def rows(self):
        """Returns the rows of every table of the measurements."""
        connection = sqlite3.connect(self.path / "metrics.sqlite")
        try:
            return {table: connection.execute(query).fetchall() for table, query in ROWS.items()}
        finally:
            connection.close()


def differences(one, other, place=""):
    """Returns the keys in which two documents differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        return [found for key in keys for found in differences(one.get(key), other.get(key), f"{place}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other))
        return [found for index, (left, right) in pairs for found in differences(left, right, f"{place}.{index}")]
    return [] if one == other else [place.lstrip(".")]
