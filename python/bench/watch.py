"""Cost of watching a training of PyTorch: `python bench/watch.py`.

A convolutional network is trained with and without a watch, the variants in turn, step by step: step k of each runs
before step k + 1 of any, so that whatever else the machine does meets all of them alike. Printed are medians of a
step and of the pass over 3.2 million values.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

import evenkeel
from evenkeel import _native


def network() -> nn.Module:
    """Three blocks of two convolutions with batch norm, for pictures of 32 x 32."""
    layers: list[nn.Module] = []
    channels = 3
    for width in (32, 64, 128):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


class Training:
    """One training, watched or not."""

    def __init__(self, every: int | None) -> None:
        torch.manual_seed(0)
        self.model = network()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)
        self.every = every
        self.seconds: list[float] = []

    def step(self, inputs: torch.Tensor, labels: torch.Tensor, clock: Callable[[], float]) -> None:
        began = clock()
        loss = nn.functional.cross_entropy(self.model(inputs), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.seconds.append(clock() - began)


def measure(steps: int, batch: int, clock: Callable[[], float]) -> None:
    """Train the variants in turn and print what each costs."""
    generator = torch.Generator().manual_seed(1)
    variants = {"alone": Training(None), "default": Training(10), "every step": Training(1)}
    watches = {
        name: evenkeel.watch(one.model, one.optimizer, every=one.every, report=None)
        for name, one in variants.items()
        if one.every
    }
    for _ in range(steps):
        inputs = torch.randn(batch, 3, 32, 32, generator=generator)
        labels = torch.randint(10, (batch,), generator=generator)
        for one in variants.values():
            one.step(inputs, labels, clock)
    for watch in watches.values():
        watch.close()
    # The first steps are measured all, and slower in every variant.
    late = {name: one.seconds[20:] for name, one in variants.items()}
    alone = statistics.fmean(sorted(late["alone"])[: len(late["alone"]) * 3 // 4])
    for name, seconds in late.items():
        # The mean of the faster three quarters leaves out what other programs do, and keeps the measured steps in
        # proportion.
        ordered = [a - b for a, b in zip(seconds, late["alone"])]
        cost = statistics.fmean(sorted(ordered)[len(ordered) // 8 : len(ordered) * 7 // 8])
        print(f"{name:>10}: {1e3 * statistics.median(seconds):7.2f} ms a step, {100 * cost / alone:+5.1f} %")


def passes(repetitions: int) -> None:
    """Print what one pass over 3.2 million values takes."""
    values = np.random.default_rng(0).normal(size=3_200_000).astype(np.float32)
    tensor = torch.from_numpy(values)
    native, through_torch = [], []
    for _ in range(repetitions):
        began = time.perf_counter()
        _native.signal_moments(values, -0.97, 0.97)
        native.append(time.perf_counter() - began)
        began = time.perf_counter()
        tensor.mean().item(), tensor.std(correction=0).item(), tensor.min().item(), tensor.max().item()
        (tensor == 0).double().mean().item(), int((~torch.isfinite(tensor)).sum())
        (tensor.abs() > 0.97).double().mean().item()
        through_torch.append(time.perf_counter() - began)
    for name, seconds in (("one pass in Rust", native), ("the same through torch", through_torch)):
        print(f"3.2 million values, {name}: {1e3 * statistics.median(seconds):.2f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, help="threads of PyTorch")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="time of all threads of this program, for a machine that does more",
    )
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    passes(21)
    clock = time.process_time if arguments.processor_time else time.perf_counter
    measure(arguments.steps, arguments.batch_size, clock)
