"""Loops as people write them: what the records say of each."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evenkeel
from evenkeel._records import Finding
from evenkeel.watching import Watch
from evenkeel.watching.reporting import page
from evenkeel.watching.reporting.series import Series

torch.set_num_threads(1)


def records(watch: Watch, folder: Path, kind: str) -> list[dict[str, Any]]:
    """Return the records of a kind that a watch wrote."""
    watch.save(folder / "run.jsonl")
    lines = (folder / "run.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["type"] == kind]


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def batch(samples: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(samples, 6), torch.randint(3, (samples,))


def test_accumulated_passes_are_one_step_and_the_loss_is_that_of_the_batch(tmp_path: Path) -> None:
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = batch(64)
    with evenkeel.watch(model, optimizer, report=None) as watch:
        with torch.no_grad():
            loss = float(F.cross_entropy(model(x), y))
        for part in range(4):
            rows = slice(16 * part, 16 * part + 16)
            (F.cross_entropy(model(x[rows]), y[rows]) / 4).backward()
        optimizer.step()
    (step,) = records(watch, tmp_path, "step")
    assert (step["samples"], step["updated"], step["gradient_before_norm"]) == (64, True, 0.0)
    assert math.isclose(step["loss"], loss, rel_tol=1e-5)
    assert step["class_counts"] == torch.bincount(y, minlength=3).tolist()
    assert step["layers"][0]["output"]["count"] == 64 * 8


def test_a_loop_without_a_step_of_the_optimizer_is_reported(tmp_path: Path) -> None:
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with evenkeel.watch(model, optimizer, report=None) as watch:
        for _ in range(300):
            x, y = batch()
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
    steps = records(watch, tmp_path, "step")
    assert not any(step["updated"] for step in steps) and sum(step["samples"] for step in steps) == 300 * 16
    assert watch.findings[0].code == "K029"


LOSSES = {
    "cross_entropy": (lambda o, y: F.cross_entropy(o, y), "cross_entropy"),
    "weights and smoothing": (
        lambda o, y: F.cross_entropy(o, y, torch.tensor([1.0, 2.0, 3.0]), label_smoothing=0.1),
        "cross_entropy",
    ),
    "a penalty": (lambda o, y: F.cross_entropy(o, y) + 0.1 * o.square().mean(), "cross_entropy"),
    "log-probabilities": (lambda o, y: F.nll_loss(F.log_softmax(o, 1), y), "cross_entropy"),
    "binary": (lambda o, y: F.binary_cross_entropy_with_logits(o, F.one_hot(y, 3).float()), "bce"),
    "probabilities": (
        lambda o, y: F.binary_cross_entropy(torch.sigmoid(o), F.one_hot(y, 3).float()),
        "bce_probabilities",
    ),
    "squares": (lambda o, y: F.mse_loss(o, F.one_hot(y, 3).float()), "mse"),
    "huber": (lambda o, y: F.huber_loss(o, F.one_hot(y, 3).float()), "huber"),
    "own": (lambda o, y: (o - F.one_hot(y, 3)).abs().pow(1.5).mean(), None),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_read_from_the_graph_of_its_gradient(name: str, tmp_path: Path) -> None:
    compute, kind = LOSSES[name]
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = batch()
    with evenkeel.watch(model, optimizer, report=None) as watch:
        output = model(x)
        # Scaled as for mixed precision.
        (compute(output, y) * 1024.0).backward() if kind else compute(output, y).backward()
        optimizer.step()
    plain = {
        "a penalty": F.cross_entropy(output, y),
        "weights and smoothing": F.cross_entropy(output, y, torch.tensor([1.0, 2.0, 3.0])),
    }.get(name, compute(output, y))
    (model_record,), (step,) = (records(watch, tmp_path, kind) for kind in ("model", "step"))
    assert model_record.get("loss") == kind
    assert math.isclose(step["loss"], plain.item(), rel_tol=1e-5)
    if kind == "cross_entropy":
        assert model_record["classes"] == 3
        assert step["class_counts"] == torch.bincount(y, minlength=3).tolist()
        assert step["accuracy"] == pytest.approx(float((output.argmax(1) == y).float().mean()))


class Branches(nn.Module):
    """A residual sum, a function, a module that is called twice, a parameter of its own, an output in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.inner, self.head = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.scale = nn.Parameter(torch.ones(8))

    def forward(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
        values = F.relu(self.enter(values))
        values = values + torch.tanh(self.inner(values)) * self.scale
        return {"logits": self.head(values + self.inner(values))}


def test_order_and_connections_come_from_the_graph(tmp_path: Path) -> None:
    model = Branches()
    optimizer = torch.optim.Adam(model.parameters())
    with evenkeel.watch(model, optimizer, report=None) as watch:
        for _ in range(2):
            x, y = batch()
            F.cross_entropy(model(x)["logits"], y).backward()
            optimizer.step()
    (record,) = records(watch, tmp_path, "model")
    layers = {layer["name"]: (layer["kind"], layer["inputs"]) for layer in record["layers"]}
    assert layers == {
        "Branches": ("other", []),
        "enter": ("linear", []),
        "relu(enter)": ("activation", ["enter"]),
        "inner": ("linear", ["relu(enter)"]),
        "tanh(inner)": ("activation", ["inner"]),
        "add": ("add", ["relu(enter)", "tanh(inner)"]),
        "add_2": ("add", ["add", "inner"]),
        "head": ("linear", ["add_2"]),
    }
    step = records(watch, tmp_path, "step")[1]
    measured = {layer["layer"]: layer for layer in step["layers"]}
    assert measured["inner"]["output"]["count"] == 2 * 16 * 8, "both calls"
    assert measured["relu(enter)"]["output"]["zero_fraction"] > 0.2
    assert len(measured["relu(enter)"]["units"]["fired"]) == 1
    assert measured["Branches"]["parameters"][0]["update_norm"] > 0


def test_evaluations_with_and_without_gradients_are_no_steps(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with evenkeel.watch(model, optimizer, report=None) as watch:
        for epoch in range(3):
            for _ in range(4):
                x, y = batch()
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            model.eval()
            if epoch % 2:
                model(batch()[0])
            else:
                with torch.no_grad():
                    values, truth = batch()
                    expected = float(F.cross_entropy(model(values), truth))
            model.train()
    assert [step["samples"] for step in records(watch, tmp_path, "step")] == [16] * 12
    epochs = records(watch, tmp_path, "epoch")
    assert [(epoch["epoch"], epoch["step"], epoch["training_mode"]) for epoch in epochs] == [
        (0, 3, False),
        (1, 7, False),
        (2, 11, False),
    ]
    assert epochs[2]["validation_loss"] == pytest.approx(expected) and "validation_accuracy" in epochs[2]


def test_a_data_loader_tells_epochs_and_their_size(tmp_path: Path) -> None:
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(*batch(50)), batch_size=16, shuffle=True)
    with evenkeel.watch(model, optimizer, report=None) as watch:
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
    assert records(watch, tmp_path, "model")[0]["samples_per_epoch"] == 50
    assert [step["epoch"] for step in records(watch, tmp_path, "step")] == [0] * 4 + [1] * 4 + [2] * 4
    assert len(records(watch, tmp_path, "epoch")) == 3


def test_labels_of_an_evaluation_come_from_its_data_loader(tmp_path: Path) -> None:
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train, check = (DataLoader(TensorDataset(*batch(48)), batch_size=16) for _ in range(2))
    expected = []
    with evenkeel.watch(model, optimizer, report=None) as watch:
        for _ in range(2):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            right = 0
            with torch.no_grad():
                for x, y in check:
                    right += int((model(x).argmax(1) == y).sum())
            expected.append(right / 48)
    epochs = records(watch, tmp_path, "epoch")
    assert [epoch["validation_accuracy"] for epoch in epochs] == pytest.approx(expected)
    x, y = check.dataset.tensors
    with torch.no_grad():
        assert epochs[1]["validation_loss"] == pytest.approx(F.cross_entropy(model(x), y).item(), rel=1e-4)


def test_what_the_loop_says_itself_comes_first(tmp_path: Path) -> None:
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = batch(64)
    with evenkeel.watch(model, optimizer, report=None) as watch:
        watch.data(x, y)
        for epoch in range(2):
            optimizer.zero_grad()
            output = model(x)
            loss = F.cross_entropy(output, y)
            loss.backward()
            watch.loss(loss * 2, y, output)
            optimizer.step()
            watch.validation(loss=0.5)
            watch.epoch(train_loss=0.25)
    (data,) = records(watch, tmp_path, "data")
    assert data["samples"] == 64 and data["largest_label"] == int(y.max())
    assert records(watch, tmp_path, "step")[1]["loss"] == pytest.approx(2 * loss.item())
    assert [(one["train_loss"], one["validation_loss"]) for one in records(watch, tmp_path, "epoch")] == [
        (0.25, 0.5)
    ] * 2


def test_mixed_precision_and_other_types_are_measured_through_torch(tmp_path: Path) -> None:
    model = Branches()
    optimizer = torch.optim.SGD(
        [{"params": model.enter.parameters(), "lr": 0.2}, {"params": model.inner.parameters()}], lr=0.1
    )
    with evenkeel.watch(model, optimizer, report=None, every=1) as watch:
        for _ in range(3):
            x, y = batch()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(model(x)["logits"].float(), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    step = records(watch, tmp_path, "step")[-1]
    assert step["learning_rate"] == 0.2
    assert all(layer["output"]["count"] > 0 for layer in step["layers"] if layer["layer"] in ("enter", "inner", "head"))
    double = perceptron().double()
    optimizer = torch.optim.SGD(double.parameters(), lr=0.1)
    with evenkeel.watch(double, optimizer, report=None) as watch:
        x, y = batch()
        F.cross_entropy(double(x.double()), y).backward()
        optimizer.step()
    (step,) = records(watch, tmp_path, "step")
    assert step["layers"][0]["parameters"][0]["update_norm"] > 0


def test_a_compiled_model_is_measured_by_its_parameters(tmp_path: Path) -> None:
    model = perceptron()
    compiled = torch.compile(model, backend="aot_eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for watched in (compiled, model):
        said: list[str] = []
        with evenkeel.watch(watched, optimizer, report=said.append) as watch:
            for _ in range(2):
                x, y = batch()
                optimizer.zero_grad()
                F.cross_entropy(compiled(x), y).backward()
                optimizer.step()
        step = records(watch, tmp_path, "step")[-1]
        assert [layer["layer"] for layer in step["layers"]] == ["0", "2"]
        assert step["layers"][0]["parameters"][0]["update_norm"] > 0 and step["class_counts"]
        assert len(said) == 1 and "compiled" in said[0]


def test_sparse_gradients_and_tied_weights(tmp_path: Path) -> None:
    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.head = nn.Embedding(50, 8, sparse=True), nn.Linear(8, 50, bias=False)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.head(self.words(values))

    model = Language()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with evenkeel.watch(model, optimizer, report=None) as watch:
        words = torch.randint(50, (4, 12))
        F.cross_entropy(model(words).view(-1, 50), words.view(-1)).backward()
        optimizer.step()
    (step,) = records(watch, tmp_path, "step")
    assert step["layers"][0]["parameters"][0]["gradient_norm"] > 0


def test_a_training_that_goes_on_may_start_with_a_low_loss() -> None:
    torch.manual_seed(0)
    model = perceptron()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, y = torch.randn(512, 6), torch.randint(0, 3, (512,))
    x[:, :3] += 4 * F.one_hot(y, 3)

    def epochs(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    def codes_of_two_epochs() -> list[str]:
        with evenkeel.watch(model, optimizer) as watch:
            epochs(2)
        return [finding.code for finding in watch.findings]

    epochs(100)
    assert "K004" not in codes_of_two_epochs(), "the steps of the optimizer are known"
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    assert "K004" not in codes_of_two_epochs(), "outputs as spread as these may reach the loss"


def test_a_loss_that_the_outputs_cannot_have_is_found() -> None:
    torch.manual_seed(0)
    model = perceptron()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    x, y = torch.randn(512, 6), torch.randint(0, 3, (512,))
    with evenkeel.watch(model, optimizer, loss="cross_entropy", classes=3) as watch:
        for _ in range(2):
            optimizer.zero_grad()
            output = model(x)
            loss = F.cross_entropy(output, y) / 3
            loss.backward()
            watch.loss(loss, y, output)
            optimizer.step()
    (finding,) = (finding for finding in watch.findings if finding.code == "K004")
    assert "not averaged over all samples and classes" in finding.cause


def test_nan_is_found_at_its_layer() -> None:
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    said: list[str] = []
    with evenkeel.watch(model, optimizer, report=said.append) as watch:
        for step in range(3):
            x, y = batch()
            if step == 2:
                with torch.no_grad():
                    model[2].weight[0, 0] = math.nan
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert (watch.findings[0].code, watch.findings[0].layer, watch.findings[0].first_step) == ("K001", "2", 2)
    assert any("K001" in words for words in said)


def test_two_models_and_two_watches_do_not_mix(tmp_path: Path) -> None:
    models = [perceptron(), perceptron()]
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    watches = [evenkeel.watch(m, o, report=None) for m, o in zip(models, optimizers)]
    for samples in (8, 16):
        x, y = batch(samples)
        outputs = [model(x) for model in models]
        for output, optimizer in zip(outputs, optimizers):
            optimizer.zero_grad()
            F.cross_entropy(output, y).backward()
            optimizer.step()
    for watch in watches:
        watch.close()
        assert [step["samples"] for step in records(watch, tmp_path, "step")] == [8, 16]


def test_expect_healthy_raises_with_the_findings() -> None:
    model = nn.Sequential(perceptron(), nn.Softmax(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(evenkeel.UnhealthyTraining, match="applies softmax itself") as caught:
        with evenkeel.expect_healthy(model, optimizer):
            x, y = batch()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert isinstance(caught.value, AssertionError) and caught.value.findings[0].code == "K008"


def test_an_error_of_the_watch_leaves_the_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("broken")

    monkeypatch.setattr("evenkeel.watching.tensors.signal", broken)
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    said: list[str] = []
    with pytest.raises(OSError, match="broken"), evenkeel.expect_healthy(model, optimizer, report=said.append):
        for _ in range(2):
            x, y = batch()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
    assert loss.isfinite() and len(said) == 1 and "training continues: OSError: broken" in said[0]
    assert not any(module._forward_hooks for module in model.modules())


def test_an_error_inside_is_not_replaced() -> None:
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ZeroDivisionError), evenkeel.expect_healthy(model, optimizer):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("arguments", "named", "words"),
    [
        (("model", None), {}, "model is a str"),
        ((perceptron(), perceptron()), {}, "optimizer is a Sequential"),
        ((perceptron(), torch.optim.SGD(perceptron().parameters(), lr=1)), {"every": 0}, "every is 0"),
        ((perceptron(), torch.optim.SGD(perceptron().parameters(), lr=1)), {"loss": "entropy"}, "loss is 'entropy'"),
    ],
)
def test_what_cannot_be_watched_is_refused(arguments: Any, named: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        evenkeel.watch(*arguments, **named)


@pytest.mark.parametrize(
    ("first_step", "last_step", "epoch", "expected"),
    [
        (0, 0, 8, "overfitting, after epoch 8<"),
        (0, 0, None, "overfitting, at the start<"),
        (0, 90, None, "overfitting, start to step 90<"),
        (7, 7, None, "overfitting, step 7<"),
        (7, 90, None, "overfitting, steps 7 to 90<"),
    ],
)
def test_the_report_names_the_epoch_of_a_finding_without_steps(
    first_step: int, last_step: int, epoch: int | None, expected: str
) -> None:
    document: dict[str, Any] = {"code": "K018", "rule": "overfitting", "level": "warn", "message": "it overfits"}
    document.update(first_step=first_step, last_step=last_step, epoch=epoch)
    text = page.render("Net", Series(), [Finding.of(document)], None, ended=True)
    assert expected in text and "step 0" not in text


def test_the_report_is_one_page(tmp_path: Path) -> None:
    model = nn.Sequential(perceptron(), nn.Softmax(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with evenkeel.watch(model, optimizer, report=None) as watch:
        for _ in range(30):
            x, y = batch()
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        watch.report(tmp_path / "under_way.html")
    watch.report(tmp_path / "run.html")
    text = (tmp_path / "run.html").read_text()
    assert "30 steps so far" in (tmp_path / "under_way.html").read_text()
    for part in ("K008", "softmax is applied twice", "<svg", "prefers-color-scheme: dark", "30 steps", "0.2"):
        assert part in text, part
    assert "http" not in text and "<script" not in text
