"""Trains for many steps with all measurements and watches memory and files.

    python3 tools/soak/long_run.py --binary target/release/evenkeel --steps 200000

Exits with 1 if memory grows, if metrics.sqlite is larger than its bound, or if the report does not open.
"""

import argparse
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

from program import Program, Run

BATCH = 8
# Number of samples of each of the two classes. A fifth is the test split, a tenth of the rest the validation split.
SAMPLES = 1000
SETTINGS = [
    "data.source=moons", f"data.samples={SAMPLES}", f"train.batch_size={BATCH}", "train.threads=1", "health.level=full",
    "schedule.type=constant", "optimizer.learning_rate=0.001", "run.name=long",
    'model.layers=[{type="linear",out_features=16},{type="batch_norm"},{type="activation",function="relu"},'
    '{type="linear"}]',
]


def arguments():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the program")
    parser.add_argument("--steps", type=int, default=200_000, help="minimum number of steps (200000)")
    parser.add_argument("--growth", type=float, default=8.0, help="maximum growth of memory in megabytes (8)")
    parser.add_argument("--bytes-per-step", type=float, default=200.0, help="maximum bytes of metrics.sqlite per step (200)")
    parser.add_argument("--metrics", type=float, default=16.0, help="additional megabytes of metrics.sqlite (16)")
    return parser.parse_args()


def resident_bytes(process):
    """Returns the resident memory of a process; None once it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return None
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("VmRSS:")]
    return kilobytes[0] * 1024 if kilobytes else None


def watched(process):
    """Waits for the process; returns its memory at even intervals."""
    samples = []
    while process.poll() is None:
        resident = resident_bytes(process)
        samples += [resident] if resident else []
        time.sleep(0.1)
    return samples


def main():
    """Trains and prints the figures."""
    given = arguments()
    program = Program(given.binary)
    base = pathlib.Path(tempfile.mkdtemp(prefix="evenkeel-soak-"))
    epochs = given.steps // (SAMPLES * 2 * 7 // 10 // BATCH) + 1
    settings = [*SETTINGS, f"train.epochs={epochs}", f"run.directory={base}"]
    # Output goes to files, so that no pipe fills up without a reader.
    process = program.start("train", settings=settings, output=base / "output.txt")
    samples = watched(process)
    failures = []
    if process.returncode not in (0, 1):
        failures.append(f"exit status {process.returncode}: {base.joinpath('output.txt').read_text()[-500:]}")
    run = Run(base / "long")
    summary = run.summary() or {}
    steps = summary.get("steps", 0)
    fifth = max(1, len(samples) // 5)
    # The first fifth fills buffers and the heap.
    early, late = statistics.median(samples[fifth : 2 * fifth]), statistics.median(samples[-fifth:])
    growth = (late - early) / 1e6
    database = sum(path.stat().st_size for path in run.path.glob("metrics.sqlite*")) / 1e6
    bound = given.metrics + steps * given.bytes_per_step / 1e6
    status, errors = program.run("report", str(run.path))
    page = run.path / "report.html"
    page_bytes = page.stat().st_size if page.exists() else 0
    print(f"{steps} steps in {epochs} epochs, {len(samples)} samples of memory")
    parts = [statistics.median(samples[start : start + fifth]) / 1e6 for start in range(0, 5 * fifth, fifth)]
    print(f"memory by fifths of the time: {', '.join(f'{part:.1f}' for part in parts)} MB; maximum {max(samples) / 1e6:.1f}")
    print(f"metrics.sqlite: {database:.1f} MB, {1e6 * database / max(steps, 1):.0f} bytes per step; bound {bound:.1f} MB")
    print(f"report: exit status {status}, {page_bytes / 1e6:.1f} MB")
    failures += [f"{steps} steps instead of {given.steps}"] if steps < given.steps else []
    failures += [f"memory grew by {growth:.1f} MB, {given.growth} allowed"] if growth > given.growth else []
    failures += [f"metrics.sqlite has {database:.1f} MB"] if database > bound else []
    opens = status == 0 and page_bytes and "</html>" in page.read_text()[-200:]
    failures += [] if opens else [f"the report does not open: {errors}"]
    for failure in failures:
        print(f"  {failure}")
    shutil.rmtree(base)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
