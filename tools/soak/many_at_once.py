"""Starts many training runs at the same moment in one folder and counts the results.

    python3 tools/soak/many_at_once.py --binary target/release/evenkeel --trainings 50

Exits with 1 unless every training run has a separate folder with a finished summary and the same weights as the others.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile
import time

from program import Program, Run

SETTINGS = [
    "data.source=spiral", "data.samples=60", "train.epochs=5", "train.threads=1", "run.name=same",
    'model.layers=[{type="linear",out_features=8},{type="activation",function="relu"},{type="linear"}]',
]


def main():
    """Executes the training runs and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the program")
    parser.add_argument("--trainings", type=int, default=50, help="number of training runs (50)")
    given = parser.parse_args()
    program = Program(given.binary)
    base = pathlib.Path(tempfile.mkdtemp(prefix="evenkeel-soak-"))
    settings, runs = [*SETTINGS, f"run.directory={base / 'runs'}"], base / "runs"
    start = time.monotonic()
    outputs = [base / f"output-{number}.txt" for number in range(given.trainings)]
    processes = [program.start("train", settings=settings, output=output) for output in outputs]
    statuses = [process.wait() for process in processes]
    seconds = time.monotonic() - start
    folders = sorted(path for path in runs.iterdir() if path.is_dir())
    summaries = [Run(folder).summary() for folder in folders]
    finished = sum(summary is not None and summary["status"] == "finished" for summary in summaries)
    weights = {tuple(sorted(Run(folder).tensors().items())) for folder in folders if (folder / "model.safetensors").exists()}
    ended = sum(status in (0, 1) for status in statuses)
    print(f"{given.trainings} training runs at once in {seconds:.1f} s: {ended} succeeded, {len(folders)} run folders, "
          f"{finished} finished, {len(weights)} different weights")
    failed = [output for output, status in zip(outputs, statuses) if status not in (0, 1)]
    for output in failed[:3]:
        print(f"  {output.read_text()[-500:]}")
    shutil.rmtree(base)
    whole = ended == finished == len(folders) == given.trainings and len(weights) == 1
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
