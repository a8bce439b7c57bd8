"""Kills a training run at random instants and resumes it until it finishes, repeatedly.

    python3 tools/soak/kill_and_resume.py --binary target/release/evenkeel --kills 1000

Compares every finished training run with one that was never interrupted: bytes of the tensors of the model and of the last
checkpoint, exit status, rows of metrics.sqlite without their times, summary without seconds, first_step_at and
samples_per_second. Exits with 1 if one of them differs.
"""

import argparse
import collections
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

from program import Program, Run, differences

COMMON = [
    "data.source=spiral", "data.samples=120", "train.batch_size=8", "train.epochs=400", "train.threads=1",
    "train.early_stopping=390", "health.level=full", "run.checkpoint_seconds=0.05",
]

# Short training runs with everything that has state: momentum, schedule, batch norm, dropout, early stopping, windows of the
# health rules; one healthy, the others with findings that come and go.
TRAININGS = {
    "healthy": [
        'model.layers=[{type="linear",out_features=24},{type="batch_norm"},{type="activation",function="relu"},'
        '{type="dropout",probability=0.1},{type="linear",out_features=24},{type="activation",function="tanh"},'
        '{type="linear"}]',
    ],
    "wild": [
        "optimizer.learning_rate=1.0",
        'model.layers=[{type="linear",out_features=24},{type="batch_norm"},{type="activation",function="relu"},'
        '{type="linear",out_features=24,bias_init={type="constant",value=-3.0}},'
        '{type="activation",function="relu"},{type="linear"}]',
    ],
    "saturated": [
        "optimizer.learning_rate=0.3", "model.init={type=\"normal\",std=1.5}",
        'model.layers=[{type="linear",out_features=24},{type="activation",function="sigmoid"},'
        '{type="linear",out_features=24},{type="activation",function="sigmoid"},{type="linear",out_features=24},'
        '{type="activation",function="sigmoid"},{type="linear"}]',
    ],
}


def arguments():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the program")
    parser.add_argument("--kills", type=int, default=1000, help="number of kills (1000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the instants (0)")
    parser.add_argument("--longest", type=float, default=0.0, help="maximum seconds until a kill (a quarter of a training run)")
    parser.add_argument("--set", action="append", default=[], help="additional setting of the training run")
    parser.add_argument("--keep", help="folder to which the runs that differ are moved")
    return parser.parse_args()


def interrupted(program, folder, settings, longest, draw):
    """Trains with kills until training ends by itself; returns the number of kills and the exit status."""
    kills, run = 0, folder / "run"
    folder.mkdir()
    while True:
        # Before its config is written, there is no run to resume; training starts again.
        started = run.joinpath("config.toml").exists()
        if not started:
            shutil.rmtree(run, ignore_errors=True)
        resumed = ["--resume", str(run)] if started else []
        output = folder / "output.txt"
        process = program.start(
            "train", *resumed, settings=[] if started else [*settings, "run.name=run"], output=output
        )
        deadline = time.monotonic() + draw.uniform(0.0, longest)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        if process.poll() is None:
            process.kill()
            kills += 1
            process.wait()
            continue
        if process.returncode not in (0, 1):
            raise SystemExit(f"failed after {kills} kills: exit status {process.returncode}\n{output.read_text()}")
        return kills, process.returncode


def compared(whole, status, run, other_status):
    """Returns the differences between two runs."""
    found = [] if status == other_status else [f"exit status {other_status} instead of {status}"]
    for name in ["model.safetensors", "checkpoints/last.safetensors"]:
        if whole.tensors(name) != run.tensors(name):
            found.append(f"tensors of {name}")
    expected, rows = whole.rows(), run.rows()
    found += [f"rows of {table}" for table in expected if expected[table] != rows[table]]
    # Without indices, so that entries of long lists are counted together.
    places = {re.sub(r"\.\d+", "", place) for place in differences(whole.summary(), run.summary())}
    return found + sorted(f"summary: {place}" for place in places)


class Whole:
    """A training run that is never interrupted."""

    def __init__(self, program, base, name, settings):
        self.name, self.settings, self.run = name, settings, Run(base / name)
        start = time.monotonic()
        self.status, errors = program.run("train", settings=[*settings, f"run.directory={base}", f"run.name={name}"])
        self.seconds = time.monotonic() - start
        if self.status not in (0, 1):
            raise SystemExit(f"the uninterrupted training run failed: exit status {self.status}\n{errors}")
        codes = [finding["code"] for finding in self.run.summary()["findings"]]
        print(f"{name}: {self.seconds:.2f} s, exit status {self.status}, findings {', '.join(codes) or 'none'}")


def main():
    """Executes the training runs and prints the differences."""
    given = arguments()
    program, draw = Program(given.binary), random.Random(given.seed)
    base = pathlib.Path(tempfile.mkdtemp(prefix="evenkeel-soak-"))
    wholes = [Whole(program, base, name, [*COMMON, *own, *given.set]) for name, own in TRAININGS.items()]
    kills, finished, equal, places = 0, collections.Counter(), collections.Counter(), collections.Counter()
    while kills < given.kills:
        whole = wholes[finished.total() % len(wholes)]
        folder, longest = base / f"training-{finished.total()}", given.longest or whole.seconds / 4
        more, status = interrupted(program, folder, [*whole.settings, f"run.directory={folder}"], longest, draw)
        kills += more
        finished[whole.name] += 1
        found = compared(whole.run, whole.status, Run(folder / "run"), status)
        equal[whole.name] += not found
        places.update(f"{whole.name}: {place}" for place in found)
        if found and given.keep:
            shutil.copytree(folder, pathlib.Path(given.keep) / folder.name, dirs_exist_ok=True)
        shutil.rmtree(folder)
    shutil.rmtree(base)
    print(f"{kills} kills; {equal.total()} of {finished.total()} finished training runs equal the uninterrupted one")
    for name in finished:
        print(f"  {name}: {equal[name]} of {finished[name]}")
    for place, count in places.most_common(20):
        print(f"  {count} x {place}")
    return 0 if equal == finished else 1


if __name__ == "__main__":
    sys.exit(main())
