"""The PyTorch side of `evenkeel bench`: a child process that communicates with JSON lines on standard input and output.

One command per line, each answered by one line:

    {"prepare": {"name": …, "input": [32, 32, 3], "batch": 128, "layers": […], "optimizer": {…}}, as in `workloads.py`,
     "variant": "eager" | "channels_last" | "compile", "threads": 2}
                                 -> {"ready": name, "parameters": count, "torch": version}
    {"loss_check": {"seed": 1}}  -> {"losses": [three losses]} with weights, inputs and labels of the formula in `workloads.py`
    {"output_check": {"seed": 1}} -> {"sum": …} of the magnitudes of the outputs in evaluation mode
    {"steps": 5}                 -> {"milliseconds": [one per step]}
    {"evaluations": 5}           -> {"milliseconds": [one per forward pass in evaluation mode, without gradients]}
    {"peak_bytes": true}         -> {"peak_bytes": …}, the growth since `prepare`
    {"epoch": {"images": 50000}} -> {"milliseconds": …, "images": …}: training with flip and padded crop from memory
    {"quit": true}               -> {"bye": true}

A command that fails is answered by {"error": text}; the process continues.
"""

import dataclasses
import gc
import json
import os
import sys
import time

import torch
import torch._inductor.config
import torch.nn.functional as functional

import augmentation
import memory
import workloads

VARIANTS = ("eager", "channels_last", "compile")


def compiled(network):
    """Returns the compiled network, with vectors no wider than those of torch's own kernels."""
    if os.environ.get("ATEN_CPU_CAPABILITY") == "avx2":
        torch._inductor.config.cpp.simdlen = 256
    return torch.compile(network)


class Session:
    """The prepared network, optimizer and batch."""

    def __init__(self, workload, variant, threads):
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant}; expected one of {', '.join(VARIANTS)}")
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        wanted = workloads.Workload(**workload)
        self.channels_last = variant == "channels_last" and wanted.is_image
        self.compiled = False
        # A step with two samples loads what the library loads at first use, so that the peak counts only the workload.
        self.workload = dataclasses.replace(wanted, batch=2)
        self.reset(seed=1)
        self.timed_steps(1)
        self.network = self.run = self.optimizer = self.inputs = None
        gc.collect()
        memory.reset_peak()
        self.baseline_bytes = memory.resident_bytes()
        self.workload = wanted
        self.compiled = variant == "compile"
        self.reset(seed=1)

    def reset(self, seed):
        """Creates the network with the weights of `seed`, a new optimizer and the first batch."""
        torch.manual_seed(seed)
        self.network, parameters = self.workload.network()
        self.parameters = workloads.initialise(parameters, seed)
        self.inputs, self.labels = self.workload.batch_of(seed)
        if self.channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.inputs = self.laid_out(self.inputs)
        self.optimizer = workloads.optimizer(self.workload.optimizer, parameters)
        self.run = compiled(self.network) if self.compiled else self.network
        self.run.train()

    def laid_out(self, inputs):
        """Returns inputs in the memory order of the variant."""
        form = torch.channels_last if self.channels_last else torch.contiguous_format
        return inputs.contiguous(memory_format=form)

    def step(self, inputs, labels):
        """Runs one full training step; returns the loss before the update."""
        self.optimizer.zero_grad(set_to_none=True)
        smoothing = self.workload.label_smoothing
        loss = functional.cross_entropy(self.run(inputs), labels, label_smoothing=smoothing)
        loss.backward()
        self.optimizer.step()
        return loss

    def timed_steps(self, count):
        milliseconds = []
        for _ in range(count):
            start = time.perf_counter()
            self.step(self.inputs, self.labels)
            milliseconds.append((time.perf_counter() - start) * 1000.0)
        return milliseconds

    def timed_evaluations(self, count):
        self.run.eval()
        milliseconds = []
        with torch.inference_mode():
            for _ in range(count):
                start = time.perf_counter()
                self.run(self.inputs)
                milliseconds.append((time.perf_counter() - start) * 1000.0)
        self.run.train()
        return milliseconds

    def first_outputs(self, seed):
        """Returns the sum of the magnitudes of the outputs in evaluation mode, with the weights of `seed`."""
        self.reset(seed)
        self.run.eval()
        with torch.inference_mode():
            total = self.run(self.inputs).abs().sum().item()
        self.run.train()
        return total

    def first_losses(self, seed):
        self.reset(seed)
        return [self.step(self.inputs, self.labels).item() for _ in range(3)]

    def epoch(self, images):
        """Returns the milliseconds of one pass over `images` samples in memory, with new augmentation; the last short batch is dropped."""
        if not self.workload.is_image:
            raise ValueError("an epoch needs a network for images")
        batch = self.workload.batch
        data, labels = augmentation.images_in_memory(images, self.workload.classes)
        mean, deviation = augmentation.channel_statistics(data)
        start = time.perf_counter()
        order = torch.randperm(images)
        for first in range(0, images - batch + 1, batch):
            chosen = order[first : first + batch]
            inputs = augmentation.flip_and_crop(data[chosen], mean, deviation)
            self.step(self.laid_out(inputs), labels[chosen])
        return (time.perf_counter() - start) * 1000.0, images // batch * batch


def answer(command, session):
    """Returns the answer to a command and the session after it."""
    if "prepare" in command:
        session = Session(command["prepare"], command.get("variant", "eager"), command.get("threads", 2))
        ready = {"ready": session.workload.name, "parameters": session.parameters, "torch": torch.__version__}
        return ready, session
    if session is None:
        raise ValueError("the session is not prepared; send `prepare` first")
    if "loss_check" in command:
        return {"losses": session.first_losses(command["loss_check"].get("seed", 1))}, session
    if "steps" in command:
        return {"milliseconds": session.timed_steps(command["steps"])}, session
    if "output_check" in command:
        return {"sum": session.first_outputs(command["output_check"].get("seed", 1))}, session
    if "evaluations" in command:
        return {"milliseconds": session.timed_evaluations(command["evaluations"])}, session
    if "peak_bytes" in command:
        return {"peak_bytes": max(0, memory.peak_bytes() - session.baseline_bytes)}, session
    if "epoch" in command:
        milliseconds, images = session.epoch(command["epoch"].get("images", 50_000))
        return {"milliseconds": milliseconds, "images": images}, session
    raise ValueError(f"unknown command {sorted(command)}")


def main():
    session = None
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            command = json.loads(line)
            if "quit" in command:
                print(json.dumps({"bye": True}), flush=True)
                return
            result, session = answer(command, session)
        except Exception as error:  # The other side decides what to do with a failed command.
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
