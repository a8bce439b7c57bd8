"""Callbacks for other frameworks, with the real packages where they are installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset


def clusters(samples: int = 1024) -> tuple[torch.Tensor, torch.Tensor]:
    """Four clusters, far apart."""
    labels = torch.arange(samples) % 4
    centres = torch.randn(4, 12, generator=torch.Generator().manual_seed(0))
    return 2 * centres[labels] + torch.randn(samples, 12), labels


def perceptron(softmax: bool) -> nn.Module:
    layers = [nn.Linear(12, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4)]
    return nn.Sequential(*layers, *([nn.Softmax(1)] if softmax else []))


@pytest.mark.parametrize("sick", [False, True])
def test_lightning(sick: bool, tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")
    from evenkeel.watching.lightning import Callback

    class Module(lightning.LightningModule):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = perceptron(sick)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.network(values)

        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            return F.cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            output = self(batch[0])
            self.log("val_loss", F.cross_entropy(output, batch[1]))
            self.log("val_acc", (output.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=1e-2)

    torch.manual_seed(0)
    callback = Callback(report_to=tmp_path / "page.html", report=None)
    trainer = lightning.Trainer(
        max_epochs=4,
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    train = DataLoader(TensorDataset(*clusters()), 32, shuffle=True)
    trainer.fit(Module(), train, DataLoader(TensorDataset(*clusters(256)), 64))
    assert callback.watch is not None and callback.watch.steps == 4 * 32
    assert [finding.code for finding in callback.watch.alarms] == (["K008"] if sick else [])
    epochs = callback.watch._series.epochs
    assert len(epochs) == 4 and epochs[-1]["validation_accuracy"] > 0.8 and epochs[-1]["training_mode"] is False
    assert (tmp_path / "page.html").exists()


class Samples(Dataset[Any]):
    """Samples as dictionaries."""

    def __init__(self, samples: int) -> None:
        self.values, self.labels = clusters(samples)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"values": self.values[index], "labels": self.labels[index]}


class WithLoss(nn.Module):
    """A model that computes its loss itself, as those of Hugging Face do."""

    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.network = perceptron(softmax)

    def forward(self, values: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.network(values)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


@pytest.mark.parametrize("sick", [False, True])
def test_hugging_face(sick: bool, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="Transformers is not installed")
    pytest.importorskip("accelerate", reason="Accelerate is not installed")
    from evenkeel.watching.transformers import Callback

    torch.manual_seed(0)
    callback = Callback(report_to=tmp_path / "page.html", report=None)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "run"),
        num_train_epochs=4,
        per_device_train_batch_size=16,
        gradient_accumulation_steps=2,
        learning_rate=1e-2,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        remove_unused_columns=False,
    )
    trainer = transformers.Trainer(
        model=WithLoss(sick),
        args=arguments,
        train_dataset=Samples(1024),
        eval_dataset=Samples(256),
        callbacks=[callback],
    )
    trainer.train()
    assert callback.watch is not None and callback.watch.steps == 4 * 32
    assert [finding.code for finding in callback.watch.alarms] == (["K008"] if sick else [])
    epochs = callback.watch._series.epochs
    assert len(epochs) == 4 and epochs[-1]["validation_loss"] < 1.2 and epochs[-1]["training_mode"] is False
    assert (tmp_path / "page.html").exists()


KERAS = """
import keras, numpy as np
from evenkeel.watching.keras import Callback

keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
labels = np.arange(1280) % 4
values = (2 * np.random.default_rng(1).normal(size=(4, 12))[labels] + random.normal(size=(1280, 12))).astype("float32")
layers = keras.layers
model = keras.Sequential([
    keras.Input((12,)), layers.Dense(32), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.1), layers.Dense(4),
] + SOFTMAX)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(1e-2), loss, metrics=["accuracy"])
callback = Callback(report_to="page.html", report=None)
model.fit(values[:1024], labels[:1024], batch_size=32, epochs=4, verbose=0,
          validation_data=(values[1024:], labels[1024:]), callbacks=[callback])
watch = callback.watch
assert watch.steps == 128, watch.steps
series = watch._series
print([layer["name"].rsplit("_", 1)[0] for layer in series.model["layers"]])
assert series.epochs[-1]["validation_accuracy"] > 0.8, series.epochs
assert series.model["loss"] == "cross_entropy", series.model
update = [layer.update_ratio.values for layer in series.layers.values() if layer.description["kind"] == "linear"]
assert all(values and min(values) > 0 for values in update)
assert all(layer.output_std.values for layer in series.layers.values())
assert "call" not in vars(model) and "apply" not in vars(model.optimizer)
print("ALARMS", [finding.code for finding in watch.alarms])
"""


@pytest.mark.parametrize("sick", [False, True])
def test_keras(sick: bool, tmp_path: Path) -> None:
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    script = KERAS.replace("SOFTMAX", "[layers.Softmax()]" if sick else "[]")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert f"ALARMS {['K008'] if sick else []}" in run.stdout, run.stdout
    assert (tmp_path / "page.html").exists()
