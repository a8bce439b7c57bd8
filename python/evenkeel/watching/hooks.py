"""Hooks on a model and its optimizer, and their removal.

A hook is an object that does nothing in a copy of the model, so that a copied or stored model is not watched.
Inside code that ``torch.compile`` traces, hooks are empty.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import nn
from torch.optim import Optimizer

from evenkeel.watching import kinds


class Target(Protocol):
    """Receives the events of hooks."""

    def model_enters(self, arguments: Any) -> None: ...

    def model_leaves(self, output: Any) -> None: ...

    def layer_enters(self, module: nn.Module, arguments: Any) -> None: ...

    def layer_leaves(self, name: str, module: nn.Module, arguments: Any, output: Any) -> None: ...

    def step_begins(self) -> None: ...

    def step_ended(self) -> None: ...


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing: the hook of a copied model."""


class _Hook:
    """A hook of one module."""

    def __init__(self, target: Target, name: str = "") -> None:
        self.target = target
        self.name = name

    def __reduce__(self) -> Any:
        return _inert, ()


def _inert() -> Any:
    return nothing


class _ModelEnters(_Hook):
    def __call__(self, module: nn.Module, arguments: Any, named: Any) -> None:
        if not torch.compiler.is_compiling():
            self.target.model_enters((arguments, named))


class _ModelLeaves(_Hook):
    def __call__(self, module: nn.Module, arguments: Any, output: Any) -> None:
        if not torch.compiler.is_compiling():
            self.target.model_leaves(output)


class _LayerEnters(_Hook):
    def __call__(self, module: nn.Module, arguments: Any, named: Any) -> None:
        if not torch.compiler.is_compiling():
            self.target.layer_enters(module, (arguments, named))


class _LayerLeaves(_Hook):
    def __call__(self, module: nn.Module, arguments: Any, named: Any, output: Any) -> None:
        if not torch.compiler.is_compiling():
            self.target.layer_leaves(self.name, module, (arguments, named), output)


class Hooks:
    """All hooks registered for one watch."""

    def __init__(self, target: Target, model: nn.Module, optimizer: Optimizer) -> None:
        self._target = target
        self._model = getattr(model, "_orig_mod", model)
        self._handles: list[Any] = []
        self._entering: list[Any] = []
        self._known: set[nn.Module] = set()
        self._handles.append(model.register_forward_pre_hook(_ModelEnters(target), with_kwargs=True))
        self.add_layers()
        # After the hooks of the layers, because a model may be a single layer.
        self._handles.append(model.register_forward_hook(_ModelLeaves(target)))
        self._handles.append(optimizer.register_step_pre_hook(lambda *_: target.step_begins()))
        self._handles.append(optimizer.register_step_post_hook(lambda *_: target.step_ended()))

    def add_layers(self) -> None:
        """Register hooks on layers that have none."""
        for name, module in kinds.layers_of(self._model):
            if module in self._known:
                continue
            self._known.add(module)
            self._entering.append(module.register_forward_pre_hook(_LayerEnters(self._target), with_kwargs=True))
            self._handles.append(module.register_forward_hook(_LayerLeaves(self._target, name), with_kwargs=True))

    def forget_inputs(self) -> None:
        """Remove the hooks that record the inputs of layers."""
        for handle in self._entering:
            handle.remove()
        self._entering = []

    def remove(self) -> None:
        """Remove all hooks."""
        self.forget_inputs()
        for handle in self._handles:
            handle.remove()
        self._handles = []


class Watching(Protocol):
    """Interface of hooks for a recorder."""

    def add_layers(self) -> None: ...

    def forget_inputs(self) -> None: ...

    def remove(self) -> None: ...


class Structure:
    """Layers of a model, and the way to register hooks on them."""

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self.model = model
        self.optimizer = optimizer
        #: Model that ``torch.compile`` wraps.
        self.original: nn.Module = getattr(model, "_orig_mod", model)

    def layers(self) -> list[tuple[str, nn.Module]]:
        """Return the layers with their names."""
        return list(kinds.layers_of(self.original))

    def holders(self) -> list[tuple[str, nn.Module]]:
        """Return the modules that hold parameters directly, outside their submodules."""
        return list(kinds.holders_of(self.original))

    def hooks(self, target: Target) -> Watching:
        """Register hooks that report to ``target``."""
        return Hooks(target, self.model, self.optimizer)
