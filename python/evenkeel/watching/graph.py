"""The order and the connections of layers, read from one forward pass: the layers whose outputs a module takes.

A tensor that has a gradient refers to the node that created it. The node of a module's output is marked with the layer, in
the dictionary that PyTorch gives each node for such purposes; marked nodes are found by searching backwards from the input of a later
module. Functions on the way that can be layers (relu, a sum of two layers, pooling) become layers
too. Tensors without a gradient are recognised by identity.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from evenkeel.watching import kinds
from evenkeel.watching.layers import Layer
from evenkeel.watching.tensors import tensors_in

#: Maximum number of nodes searched between two layers.
NODES = 4_000

Node = Any


class Trace:
    """Layers in the order in which they ran, with their inputs."""

    def __init__(self, mark: str) -> None:
        self.layers: list[Layer] = []
        #: First layer that has parameters: its input is the data as the model prepares it.
        self.first: Layer | None = None
        self._mark = mark
        self._of_module: dict[nn.Module, Layer] = {}
        self._pending: dict[nn.Module, list[Layer]] = {}
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], Layer]] = {}
        self._names: set[str] = set()

    def enter(self, module: nn.Module, arguments: object) -> None:
        """Record the input of a module, before the module can change it."""
        if module not in self._of_module:
            self._pending[module] = self.sources(arguments)

    def leave(self, name: str, module: nn.Module, output: object) -> Layer:
        """Record the output of a module; return its layer."""
        layer = self._of_module.get(module)
        if layer is None:
            layer = Layer.of(self._unique(name), module)
            layer.inputs = self._pending.pop(module, [])
            self._of_module[module] = layer
            self.layers.append(layer)
            if self.first is None and next(module.parameters(), None) is not None:
                self.first = layer
        for tensor in tensors_in(output):
            node: Node = tensor.grad_fn
            if node is not None:
                node.metadata[self._mark] = layer
            else:
                self._known[id(tensor)] = (weakref.ref(tensor), layer)
        return layer

    def sources(self, value: object) -> list[Layer]:
        """Return the layers whose outputs the tensors in a value come from, in the order in which they ran."""
        found: list[Layer] = []
        for tensor in tensors_in(value):
            if tensor.grad_fn is not None:
                found += self._behind(tensor.grad_fn)
                continue
            known = self._known.get(id(tensor))
            if known is not None and known[0]() is tensor:
                found.append(known[1])
        return [layer for layer in self.layers if layer in found]

    def _behind(self, start: Node) -> list[Layer]:
        """Return the layers that lead to a node, making layers of the functions on the way. Nodes are resolved starting
        from the inputs."""
        answers: dict[Node, list[Layer]] = {}
        waiting: list[tuple[Node, bool]] = [(start, False)]
        looked_at = 0
        while waiting and looked_at < NODES:
            node, ready = waiting.pop()
            if node in answers:
                continue
            marked = node.metadata.get(self._mark)
            if marked is not None:
                answers[node] = [marked]
                continue
            below = [one for one, _ in node.next_functions if one is not None]
            if not ready:
                looked_at += 1
                waiting.append((node, True))
                waiting.extend((one, False) for one in below if one not in answers)
                continue
            answers[node] = self._answer(node, below, answers)
        return answers.get(start, [])

    def _answer(self, node: Node, below: list[Node], answers: dict[Node, list[Layer]]) -> list[Layer]:
        found: list[Layer] = []
        for one in below:
            found += [layer for layer in answers.get(one, []) if layer not in found]
        kind, function = kinds.NODES.get(node.name(), (None, None))
        if node.name().startswith("AddBackward") and len(found) > 1:
            kind = "add"
        if kind is None or not found:
            return found
        layer = Layer(self._unique(self._function_name(kind, function, found)), kind, function, inputs=found)
        direct = len(below) == 1 and below[0].metadata.get(self._mark) is found[0]
        if direct and function in kinds.CALLS and found[0].module is not None:
            found[0].followers.append(layer)
        node.metadata[self._mark] = layer
        self.layers.append(layer)
        return [layer]

    @staticmethod
    def _function_name(kind: str, function: str | None, found: list[Layer]) -> str:
        return f"{function or kind}({found[0].name})" if len(found) == 1 else function or kind

    def _unique(self, name: str) -> str:
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name}_{number}"
        self._names.add(unique)
        return unique

    def with_others(self, others: list[tuple[str, nn.Module]]) -> list[Layer]:
        """Return all layers, beginning with those that did not run, so that the last layer is the one that ran last."""
        idle = [Layer.of(self._unique(name), module) for name, module in others if module not in self._of_module]
        return idle + self.layers

    def holders(self, modules: Iterable[tuple[str, nn.Module]]) -> list[Layer]:
        """Return layers for the parameters that modules hold directly, outside their submodules."""
        return [Layer(self._unique(name), "other", None, module, is_holder=True) for name, module in modules]

    def in_a_row(self, modules: list[tuple[str, nn.Module]]) -> list[Layer]:
        """Return the modules as layers that each read the one before, for use without a recorded pass."""
        layers = [Layer.of(self._unique(name), module) for name, module in modules]
        for before, layer in itertools.pairwise(layers):
            layer.inputs = [before]
        return layers
