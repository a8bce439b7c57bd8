"""Events that no hook of PyTorch reports: a backward pass starts, a data loader starts again or yields a batch, a loss
is evaluated.

While a model is watched, ``torch.autograd.backward`` (which ``loss.backward()`` calls), the two methods of data loaders
and the loss functions of ``torch.nn.functional`` (which the loss modules call) are wrapped by functions that report the
call and pass it on unchanged. All are restored when the last watch is closed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

#: Functions that evaluations call.
_LOSSES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
)


class Listener(Protocol):
    """Receives the events."""

    def backward_begins(self, tensors: Sequence[torch.Tensor]) -> None: ...

    def backward_ended(self) -> None: ...

    def loader_begins(self, loader: Any) -> None: ...

    def batch_loaded(self, batch: Any) -> None: ...

    def loss_evaluated(self, arguments: tuple[Any, ...], loss: Any) -> None: ...


_listeners: list[Listener] = []
_originals: dict[str, Any] = {}


def listen(listener: Listener) -> None:
    """Start reporting to a listener."""
    if not _listeners:
        _install()
    _listeners.append(listener)


def leave(listener: Listener) -> None:
    """Stop reporting to a listener."""
    if listener in _listeners:
        _listeners.remove(listener)
        if not _listeners:
            _uninstall()


def _install() -> None:
    backward, iterate = torch.autograd.backward, DataLoader.__iter__

    @functools.wraps(backward)
    def watched_backward(tensors: Any, *arguments: Any, **named: Any) -> Any:
        roots = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
        for listener in _listeners:
            listener.backward_begins(roots)
        try:
            return backward(tensors, *arguments, **named)
        finally:
            for listener in _listeners:
                listener.backward_ended()

    @functools.wraps(iterate)
    def watched_iterate(loader: Any) -> Iterator[Any]:
        for listener in _listeners:
            listener.loader_begins(loader)
        return iterate(loader)

    load = _BaseDataLoaderIter.__next__

    @functools.wraps(load)
    def watched_load(batches: Any) -> Any:
        batch = load(batches)
        for listener in _listeners:
            listener.batch_loaded(batch)
        return batch

    _originals.update(backward=backward, iterate=iterate, load=load)
    _BaseDataLoaderIter.__next__ = watched_load  # type: ignore[method-assign,assignment]
    torch.autograd.backward = watched_backward
    DataLoader.__iter__ = watched_iterate  # type: ignore[method-assign,assignment]
    for name in _LOSSES:
        _originals[name] = getattr(functional, name)
        setattr(functional, name, _watched_loss(_originals[name]))


def _watched_loss(function: Any) -> Any:
    @functools.wraps(function)
    def watched(*arguments: Any, **named: Any) -> Any:
        loss = function(*arguments, **named)
        if not torch.compiler.is_compiling() and not torch.is_grad_enabled():
            given = (*arguments, *(named[name] for name in ("input", "target") if name in named))
            for listener in _listeners:
                listener.loss_evaluated(given, loss)
        return loss

    return watched


def _uninstall() -> None:
    torch.autograd.backward = _originals.pop("backward")
    DataLoader.__iter__ = _originals.pop("iterate")  # type: ignore[method-assign]
    _BaseDataLoaderIter.__next__ = _originals.pop("load")  # type: ignore[method-assign]
    for name in _LOSSES:
        setattr(functional, name, _originals.pop(name))
