"""Writes the golden files: all of them, or the families of the scripts named as arguments (`linear`, `curve`, …)."""

import importlib
import sys

import torch

SCRIPTS = ["linear", "convolution", "norm", "pool", "activation", "residual", "loss", "optimizer", "curve", "torchvision"]


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or SCRIPTS:
        if name not in SCRIPTS:
            sys.exit(f"no script for {name}; there are {', '.join(SCRIPTS)}")
        importlib.import_module(f"{name}_cases").generate()


if __name__ == "__main__":
    main()
