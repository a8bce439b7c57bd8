"""Trains on several ranks under `mpirun`, kills one of them at random instants, and resumes on a different number of ranks.

    python3 tools/soak/kill_ranks.py --binary target/release/evenkeel --kills 20

Every job has to end within a few seconds with a status other than 0 and a message about a rank; at the end a single process resumes the
run. Needs Open MPI. Exits with 1 if a promise is broken.
"""

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

FIRST = ["train", "digits", "--set", "train.epochs=100000", "--set", "run.checkpoint_seconds=0.1", "--set", "run.name=killed",
         "--set", "health.level=off"]
RESUMED = ["train", "--resume", "runs/killed"]
LONGEST = 10.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, required=True, help="the program to test")
    parser.add_argument("--kills", type=int, default=20, help="number of kills (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the instants and ranks (default: 0)")
    return parser.parse_args()


def rank_processes(folder, rank):
    """Returns the processes of the job in `folder` with this rank."""
    wanted = f"OMPI_COMM_WORLD_RANK={rank}".encode()
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "cwd") == folder and wanted in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
        except OSError:
            continue


def kill_one(binary, folder, command, draw):
    """Starts a job and kills a rank; returns what is wrong with the result, and the seconds until it ended."""
    ranks = draw.choice([2, 3])
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "NO_COLOR": "1"}
    launched = ["mpirun", "--oversubscribe", "-n", str(ranks), str(binary), *command]
    job = subprocess.Popen(launched, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(draw.uniform(1.2, 2.5))
    rank = draw.randrange(ranks)
    killed = list(rank_processes(folder, rank))
    began = time.monotonic()
    for process in killed:
        os.kill(process, signal.SIGKILL)
    try:
        text = job.communicate(timeout=60)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        job.kill()
        return f"rank {rank} of {ranks}: the job hangs", 60.0
    seconds = time.monotonic() - began
    faults = []
    if not killed:
        faults.append("the job was over before the kill")
    if job.returncode == 0:
        faults.append("exit status 0")
    if seconds > LONGEST:
        faults.append(f"it took {seconds:.1f} s")
    if "rank" not in text:
        faults.append("no word about a rank")
    return f"rank {rank} of {ranks}: {', '.join(faults)}" if faults else "", seconds


def main():
    options = arguments()
    draw = random.Random(options.seed)
    binary = options.binary.resolve()
    faults, longest = [], 0.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.realpath(scratch)
        for kill in range(options.kills):
            fault, seconds = kill_one(binary, folder, RESUMED if kill else FIRST, draw)
            longest = max(longest, seconds)
            if fault:
                faults.append(fault)
                print(fault)
        alone = subprocess.run([binary, *RESUMED, "--time-limit", "1s"], cwd=folder, capture_output=True, text=True)
        if alone.returncode != 0:
            faults.append("a single process cannot resume the run")
            print(alone.stdout + alone.stderr)
    print(f"{options.kills} kills, {len(faults)} faults; the longest job took {longest:.1f} s to end")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
