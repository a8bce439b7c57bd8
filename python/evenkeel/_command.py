"""The ``evenkeel`` command."""

import signal
import sys

from evenkeel._native import run_command


def main() -> int:
    """Run the command line with the arguments of this process."""
    # The command line listens to Ctrl-C itself, as a program without Python does.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_command(["evenkeel", *sys.argv[1:]])
