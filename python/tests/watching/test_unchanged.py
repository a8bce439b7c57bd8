"""A watched training is the training: the same losses to the bit, the same random numbers, and nothing left behind."""

from __future__ import annotations

import copy
import pickle

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F
from torch import nn

import evenkeel

OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=1e-4),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=1e-3, foreach=False),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=1e-3),
    "lbfgs": lambda parameters: torch.optim.LBFGS(parameters, lr=0.1, max_iter=3),
}


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.2),
        nn.Flatten(),
        nn.Linear(288, 16),
        nn.BatchNorm1d(16),
        nn.Tanh(),
        nn.Dropout(0.3),
        nn.Linear(16, 4),
    )


def train(kind: str, every: int | None, layout: torch.memory_format = torch.contiguous_format) -> tuple[object, ...]:
    torch.manual_seed(3)
    torch.set_num_threads(1)
    model = network().to(memory_format=layout)
    optimizer = OPTIMIZERS[kind](model.parameters())
    watch = evenkeel.watch(model, optimizer, every=every, report=None) if every else None
    losses = []
    for _ in range(25):
        x, y = torch.randn(32, 1, 8, 8).to(memory_format=layout), torch.randint(4, (32,))

        def closure(x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            losses.append(loss.item())
            return loss

        if kind == "lbfgs":
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
    if watch is not None:
        watch.close()
        assert watch.steps == 25
    state = [value.clone() for value in model.state_dict().values()]
    return losses, state, torch.get_rng_state()


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("every", [1, 10])
def test_losses_weights_statistics_and_random_numbers_are_the_same_to_the_bit(kind: str, every: int) -> None:
    alone, watched = train(kind, None), train(kind, every)
    assert alone[0] == watched[0]
    assert all(torch.equal(a, b) for a, b in zip(alone[1], watched[1]))
    assert torch.equal(alone[2], watched[2])


def test_channels_last_is_the_same_too() -> None:
    alone, watched = (train("adam", every, torch.channels_last) for every in (None, 1))
    assert alone[0] == watched[0] and torch.equal(alone[2], watched[2])


def test_closing_removes_every_hook_and_every_interception() -> None:
    from torch.utils.data import DataLoader

    functions = lambda: (torch.autograd.backward, DataLoader.__iter__, F.cross_entropy, F.mse_loss)
    before = functions()
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    with evenkeel.watch(model, optimizer, report=None), evenkeel.watch(network(), optimizer, report=None):
        F.cross_entropy(model(torch.randn(8, 1, 8, 8)), torch.randint(4, (8,))).backward()
        optimizer.step()
        assert functions() != before
    assert functions() == before
    for module in model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks and not module._backward_hooks
    assert not optimizer._optimizer_step_pre_hooks and not optimizer._optimizer_step_post_hooks


def test_copies_and_stored_models_are_not_watched() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with evenkeel.watch(model, optimizer, report=None) as watch:
        for one in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            one(torch.randn(4, 1, 8, 8)).sum().backward()
        model(torch.randn(4, 1, 8, 8)).sum().backward()
        optimizer.step()
    assert watch.steps == 1 and '"samples": 4' in str(watch._lines.seek(0) or watch._lines.read())
