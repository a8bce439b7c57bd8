"""Trainings of PyTorch, healthy ones and sick ones, as people write them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evenkeel
from evenkeel.watching import Watch


def digits(raw: bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The 1,797 digits of scikit-learn, shuffled: 1,437 to train on and 360 to check, standardised unless they are
    raw."""
    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(7))
    values = torch.tensor(data.data, dtype=torch.float32)[order]
    labels = torch.tensor(data.target)[order]
    values = values * 255 / 16 if raw else (values - values.mean()) / values.std()
    return values[:1437], labels[:1437], values[1437:], labels[1437:]


def perceptron(width: int = 64) -> nn.Module:
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))


class Convolutional(nn.Module):
    """Convolutions with batch norm; relu and pooling as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.conv2, self.norm2 = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.head = nn.Linear(32, 10)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.norm1(self.conv1(values.reshape(-1, 1, 8, 8))))
        values = F.max_pool2d(F.relu(self.norm2(self.conv2(values))), 2)
        return self.head(values.mean((2, 3)))


class Residual(nn.Module):
    """Blocks with layer norm and dropout, each added to what it reads."""

    def __init__(self, blocks: int = 2, width: int = 64) -> None:
        super().__init__()
        self.enter = nn.Linear(64, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, 2 * width),
                nn.GELU(),
                nn.Dropout(0.1),
                nn.Linear(2 * width, width),
            )
            for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values = self.enter(values)
        for block in self.blocks:
            values = values + block(values)
        return self.head(self.norm(values))


class Attention(nn.Module):
    """Rows of a picture as a sequence, one layer of a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(8, 32)
        self.place = nn.Parameter(torch.randn(8, 32) * 0.1)
        self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.head = nn.Linear(32, 10)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.head(self.block(self.enter(values.reshape(-1, 8, 8)) + self.place).mean(1))


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=1e-3)


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def loaders(raw: bool = False, batch: int = 32, sort: bool = False, shuffle_labels: bool = False) -> tuple[Any, Any]:
    x, y, xv, yv = digits(raw)
    if sort:
        order = y.argsort()
        x, y = x[order], y[order]
    if shuffle_labels:
        y, yv = y[torch.randperm(len(y))], yv[torch.randperm(len(yv))]
    return DataLoader(TensorDataset(x, y), batch, shuffle=not sort), DataLoader(TensorDataset(xv, yv), 256)


@dataclass
class Options:
    """What may go wrong in the loop."""

    clear: bool = True
    evaluate: bool = True
    back_to_training: bool = True


def run(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train: Any,
    check: Any,
    epochs: int = 6,
    options: Options | None = None,
    **watching: Any,
) -> Watch:
    """The loop that everybody writes, with one line more."""
    options = options or Options()
    criterion = nn.CrossEntropyLoss()
    watch = evenkeel.watch(model, optimizer, **{"report": None, **watching})
    for epoch in range(epochs):
        if options.back_to_training or not epoch:
            model.train()
        for values, labels in train:
            if options.clear:
                optimizer.zero_grad()
            loss = criterion(model(values), labels)
            loss.backward()
            optimizer.step()
        if options.evaluate:
            model.eval()
        with torch.no_grad():
            for values, labels in check:
                criterion(model(values), labels)
    watch.close()
    return watch


# Sick ones, each with the rule that names it.


def uncleared() -> Watch:
    model = perceptron()
    return run(model, sgd(model), *loaders(), options=Options(clear=False))


def softmax_twice() -> Watch:
    model = nn.Sequential(perceptron(), nn.Softmax(dim=1))
    return run(model, adam(model), *loaders())


def softmax_in_forward() -> Watch:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(64, 64), nn.Linear(64, 10)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return F.softmax(self.two(F.relu(self.one(values))), dim=1)

    model = Model()
    return run(model, adam(model), *loaders())


def softmax_in_loop() -> Watch:
    model = perceptron()
    optimizer = adam(model)
    x, y, _, _ = digits()
    with evenkeel.watch(model, optimizer, report=None) as watch:
        for _ in range(6):
            for rows in torch.randperm(len(x)).split(32):
                loss = F.cross_entropy(F.softmax(model(x[rows]), 1), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return watch


def evaluation_in_training_mode() -> Watch:
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
    return run(model, adam(model), *loaders(), options=Options(evaluate=False))


def never_back_to_training() -> Watch:
    model = Convolutional()
    return run(model, adam(model), *loaders(), options=Options(back_to_training=False))


def layer_left_out() -> Watch:
    model = perceptron()
    optimizer = torch.optim.Adam(model[4].parameters(), lr=1e-4)
    return run(model, optimizer, *loaders())


def replaced_layer() -> Watch:
    model = Convolutional()
    optimizer = adam(model)
    model.conv2 = copy.deepcopy(model.conv2)
    return run(model, optimizer, *loaders())


def rate_too_high() -> Watch:
    model = perceptron()
    return run(model, torch.optim.SGD(model.parameters(), lr=10.0, momentum=0.9), *loaders())


def rate_too_high_adam() -> Watch:
    model = perceptron()
    return run(model, torch.optim.Adam(model.parameters(), lr=1.0), *loaders())


def rate_too_low() -> Watch:
    model = perceptron()
    return run(model, torch.optim.Adam(model.parameters(), lr=1e-6), *loaders())


def rate_too_low_sgd() -> Watch:
    model = perceptron()
    return run(model, torch.optim.SGD(model.parameters(), lr=5e-5, momentum=0.9), *loaders())


def dead_relu() -> Watch:
    model = perceptron()
    nn.init.constant_(model[2].bias, -10.0)
    return run(model, adam(model), *loaders(), epochs=10)


def dead_functional_relu() -> Watch:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.three = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)
            nn.init.constant_(self.two.bias, -10.0)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.three(torch.relu(self.two(torch.relu(self.one(values)))))

    model = Model()
    return run(model, adam(model), *loaders(), epochs=10)


def constant_initialisation() -> Watch:
    model = perceptron()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.05)
    return run(model, adam(model), *loaders())


def shuffled_labels() -> Watch:
    model = perceptron(256)
    return run(model, adam(model), *loaders(shuffle_labels=True), epochs=25)


def samples_in_order() -> Watch:
    model = perceptron()
    return run(model, adam(model), *loaders(sort=True))


def raw_pixels() -> Watch:
    model = perceptron()
    return run(model, sgd(model), *loaders(raw=True))


def raw_pixels_tanh() -> Watch:
    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))
    return run(model, sgd(model), *loaders(raw=True))


def raw_pixels_convolutions() -> Watch:
    layers = [nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10)]
    model = nn.Sequential(*layers)
    return run(model, sgd(model), *loaders(raw=True))


SICK: list[tuple[str, Callable[[], Watch], str]] = [
    ("gradients not cleared", uncleared, "K028"),
    ("softmax twice", softmax_twice, "K008"),
    ("softmax as a function in forward", softmax_in_forward, "K008"),
    ("softmax in the loop", softmax_in_loop, "K008"),
    ("evaluation in training mode", evaluation_in_training_mode, "K030"),
    ("training in evaluation mode", never_back_to_training, "K030"),
    ("optimizer without a layer", layer_left_out, "K029"),
    ("layer replaced behind the optimizer", replaced_layer, "K029"),
    ("rate too high", rate_too_high, "K013"),
    ("rate too high, Adam", rate_too_high_adam, "K013"),
    ("rate too low", rate_too_low, "K013"),
    ("rate too low, SGD", rate_too_low_sgd, "K013"),
    ("dead relu", dead_relu, "K010"),
    ("dead relu that is a function", dead_functional_relu, "K010"),
    ("constant initialisation", constant_initialisation, "K006"),
    ("shuffled labels", shuffled_labels, "K003"),
    ("samples in order", samples_in_order, "K031"),
    ("raw pixels", raw_pixels, "K002"),
    ("raw pixels, convolutions", raw_pixels_convolutions, "K002"),
    ("raw pixels, tanh", raw_pixels_tanh, "K002"),
]

# Healthy ones.


def healthy(
    build: Callable[[], nn.Module], optimise: Callable[[nn.Module], torch.optim.Optimizer]
) -> Callable[[list[str]], Watch]:
    def train(said: list[str]) -> Watch:
        model = build()
        return run(model, optimise(model), *loaders(), epochs=12, report=said.append)

    return train


HEALTHY: list[tuple[str, Callable[[list[str]], Watch]]] = [
    ("perceptron, Adam", healthy(perceptron, adam)),
    ("perceptron, SGD", healthy(perceptron, sgd)),
    ("convolutions with batch norm, Adam", healthy(Convolutional, adam)),
    ("convolutions with batch norm, SGD", healthy(Convolutional, sgd)),
    ("residual with layer norm, Adam", healthy(Residual, adam)),
    ("residual with layer norm, SGD", healthy(Residual, sgd)),
    ("transformer, Adam", healthy(Attention, adam)),
]
