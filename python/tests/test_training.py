"""Training on arrays: results, settings, parts, errors."""

import json
import pickle
import warnings

import numpy as np
import pytest

import evenkeel
from evenkeel.errors import ConfigError, ConversionWarning, DataError, EvenkeelError, RunError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 3)).astype("float32")
SIDE = np.where(X[:, 0] > X[:, 1], "above", "below")


def train(x=X, y=SIDE, **settings):
    return evenkeel.train(x, y, **{"epochs": 15, "seed": 0, "progress": False, **settings})


@pytest.fixture(scope="module")
def run():
    return train()


def test_a_run_tells_how_it_went(run):
    assert run.status == "finished" and run.task == "classification"
    assert run.classes.tolist() == ["above", "below"]
    assert run.metrics["test"]["accuracy"] > 0.9 and set(run.metrics) == {"train", "validation", "test"}
    assert run.history["epoch"].tolist() == list(range(1, run.summary["epochs"] + 1))
    assert run.history["train_loss"][-1] < run.history["train_loss"][0]
    assert len(run.steps["loss"]) == run.summary["steps"]
    assert sum(layer.parameters for layer in run.layers) > 0 and run.layers[-1].output_shape[-1] > 1
    steps, values = next(iter(run.layer_measurements[run.layers[-1].name].values()))
    assert len(steps) == len(values) > 0
    assert run.config["train"]["epochs"] == 15
    assert "train.epochs" not in run.choices and "model.preset" in run.choices
    assert repr(run).startswith("<evenkeel.Run finished: 15 epochs, test accuracy 0.9") or "1.0000" in repr(run)


def test_predictions_are_labels_with_probabilities(run):
    probabilities = run.predict_proba(X)
    assert probabilities.shape == (300, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(run.predict(X), run.classes[probabilities.argmax(axis=1)])
    metrics = run.evaluate(X, SIDE)
    assert metrics["samples"] == 300
    assert metrics["accuracy"] == pytest.approx((run.predict(X) == SIDE).mean())


LABELS = {
    "text": np.array(["b", "a"]),
    "whole numbers": np.array([7, -3]),
    "truths": np.array([True, False]),
    "floats": np.array([1.0, 2.0]),
    "objects": np.array(["b", "a"], dtype=object),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_come_back_as_they_were_given(labels):
    run = train(y=labels[(X[:, 0] > 0).astype(int)])
    predicted = run.predict(X)
    assert predicted.dtype.kind == np.array(labels.tolist()).dtype.kind and set(predicted.tolist()) <= set(
        labels.tolist()
    )
    assert run.classes.tolist() == sorted(labels.tolist())


VALUES = {
    "one": (X[:, 0] * 2 + 1, (300,)),
    "column": ((X[:, 0] * 2 + 1)[:, np.newaxis], (300,)),
    "several": (X[:, :2] * [2, -1], (300, 2)),
}


@pytest.mark.parametrize(("y", "shape"), VALUES.values(), ids=VALUES)
def test_values_are_predicted_in_their_own_unit(y, shape):
    run = train(y=y, epochs=60)
    predicted = run.predict(X)
    assert run.task == "regression" and predicted.shape == shape and run.classes.size == 0
    assert np.abs(predicted - y.reshape(shape)).mean() < 0.5
    assert run.evaluate(X, y)["regression"]["r2"] > 0.8
    with pytest.raises(DataError, match="no probabilities"):
        run.predict_proba(X)


TASKS = {
    "decimals": (X[:, 0], None, "regression"),
    "two numbers": ((X[:, 0] > 0).astype(int), None, "classification"),
    "few numbers": (np.arange(300) % 5, None, "classification"),
    "many numbers": (np.arange(300) * 3, None, "regression"),
    "few numbers, values": (np.arange(300) % 5, "regression", "regression"),
    "text": (SIDE, None, "classification"),
}


@pytest.mark.parametrize(("y", "task", "expected"), TASKS.values(), ids=TASKS)
def test_the_task_is_found_by_the_rule_of_the_front_door(y, task, expected):
    assert train(y=y, task=task, epochs=1).task == expected


def test_the_same_seed_gives_the_same_bits():
    first, second, other = (train(seed=seed).predict_proba(X) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_pictures_are_bytes_or_floats_with_or_without_channels():
    bright = RANDOM.integers(0, 256, size=120)
    noise = RANDOM.integers(-20, 20, size=(120, 16, 16, 1))
    bytes_ = np.clip(bright[:, None, None, None] + noise, 0, 255).astype("uint8")
    for pictures in (bytes_, bytes_[..., 0], bytes_.astype("float32"), np.repeat(bytes_, 3, axis=3)):
        run = train(pictures, bright > 128, epochs=3)
        assert run.predict(pictures[:4]).shape == (4,) and run.summary["data"] == "data"
    assert run.config["data"]["source"] == "memory:data"


def test_parts_are_shares_or_pairs():
    held_out = (X[:50], SIDE[:50])
    cases = [
        ({"validation": 0.2, "test": 0.1}, (216, 54, 30)),
        ({"validation": 0.2, "test": 0}, (240, 60, None)),
        ({"validation": held_out, "test": (X[:30], SIDE[:30])}, (300, 50, 30)),
        ({"validation": 0.1, "test": held_out}, (270, 30, 50)),
    ]
    for parts, expected in cases:
        metrics = train(epochs=2, **parts).metrics
        assert (
            tuple(metrics[part]["samples"] if part in metrics else None for part in ("train", "validation", "test"))
            == expected
        )


def test_missing_values_are_filled_in_and_infinite_ones_refused():
    holes = X.copy()
    holes[::7, 2] = np.nan
    run = train(holes)
    assert np.isfinite(run.predict_proba(holes)).all()
    infinite = X.copy()
    infinite[5, 1] = np.inf
    with pytest.raises(DataError, match="sample 5"):
        train(infinite)
    with pytest.raises(DataError, match="sample 5"):
        run.predict(infinite)


CONFIGS = {
    "nested": {"config": {"train": {"batch_size": 50}, "optimizer": {"learning_rate": 0.01, "type": "sgd"}}},
    "dotted": {"config": {"train.batch_size": 50, "optimizer.type": "sgd", "optimizer.learning_rate": 0.01}},
    "sections": {"train": {"batch_size": np.int64(50)}, "optimizer": {"type": "sgd", "learning_rate": 0.01}},
}


@pytest.mark.parametrize("settings", CONFIGS.values(), ids=CONFIGS)
def test_settings_are_nested_or_dotted(settings):
    config = train(**settings, epochs=2).config
    assert config["train"]["batch_size"] == 50
    assert (config["optimizer"]["type"], config["optimizer"]["learning_rate"]) == ("sgd", 0.01)


def test_layers_presets_and_files_are_configs(tmp_path):
    layers = [{"type": "linear", "out_features": 8}, {"type": "activation", "function": "tanh"}, {"type": "linear"}]
    assert [layer.kind for layer in train(model={"layers": layers}).layers] == ["linear", "activation", "linear"]
    file = tmp_path / "my.toml"
    file.write_text("[train]\nbatch_size = 20\n")
    assert train(config=file).config["train"]["batch_size"] == 20
    assert train(config="mlp").config["model"]["preset"] == "mlp"


REFUSED = {
    "unknown key": (lambda: train(train={"epoch": 3}), ConfigError, "did you mean `epochs`"),
    "impossible value": (lambda: train(epochs=0), ConfigError, "must be at least 1"),
    "unknown section": (lambda: train(optimiser={"type": "sgd"}), ConfigError, "did you mean `optimizer`"),
    "a key that is no text": (lambda: train(config={3: 4}), ConfigError, "keys of a config are text"),
    "a value of no type": (lambda: train(config={"train.epochs": object()}), ConfigError, "is of type object"),
    "not a number": (lambda: train(optimizer={"learning_rate": float("nan")}), ConfigError, "finite"),
    "lengths": (lambda: train(X, SIDE[:9]), DataError, "300 samples and y has 9"),
    "one axis": (lambda: train(X[:, 0]), DataError, r"shape \[300\]"),
    "five axes": (lambda: train(np.zeros((2, 2, 2, 2, 2))), DataError, "give rows as"),
    "no samples": (lambda: train(X[:0], SIDE[:0]), DataError, "no sample"),
    "no y": (lambda: train(y=None), DataError, "y is missing"),
    "a name of a column": (lambda: train(y="side"), DataError, "without named columns"),
    "text in an array": (
        lambda: train(np.array([["a", "b"]] * 4), [0, 1] * 2),
        DataError,
        "give text and categories as a table",
    ),
    "one class": (lambda: train(y=["a"] * 300), DataError, "1 class"),
    "a missing class": (lambda: train(y=["a", None] + ["b"] * 298), DataError, r"y\[1\] is missing"),
    "a value that is not finite": (lambda: train(y=[1.5, np.inf] * 150), DataError, r"y\[1\] is inf"),
    "labels of two types": (
        lambda: train(y=np.array([1, "a", 2] * 100, dtype=object)),
        DataError,
        "labels of one type",
    ),
    "complex numbers": (lambda: train(X.astype("complex64")), DataError, "complex"),
    "task": (lambda: train(task="regresion"), DataError, "task is 'regresion'"),
    "too large": (lambda: train(X.astype("float64") * 1e300), DataError, "too large for float32"),
    "three parts": (lambda: train(validation=(X, SIDE, X)), ConfigError, "has 3 entries"),
    "parts of other features": (lambda: train(test=(X[:, :2], SIDE)), DataError, "cannot be combined"),
    "no run": (lambda: evenkeel.load("no/such/run"), RunError, "no/such/run"),
    "no rule": (lambda: evenkeel.explain("K999"), ConfigError, "K999"),
    "no language": (lambda: train().report("report.html", language="fr"), DataError, "en or zh"),
}


@pytest.mark.parametrize(("bad", "kind", "text"), REFUSED.values(), ids=REFUSED)
@pytest.mark.filterwarnings("ignore::evenkeel.errors.ConversionWarning")
def test_what_is_wrong_is_said(bad, kind, text):
    with pytest.raises(kind, match=text) as raised:
        bad()
    assert isinstance(raised.value, EvenkeelError)


def test_samples_that_do_not_fit_the_model_are_refused(run):
    with pytest.raises(DataError, match=r"shape \[2\]; the model was trained on \[3\]"):
        run.predict(X[:, :2])
    with pytest.raises(DataError, match="does not know"):
        run.evaluate(X[:2], ["above", "beside"])


def test_a_training_that_breaks_says_so():
    sick = {"model": {"layers": [{"type": "linear"}]}, "optimizer": {"type": "sgd", "learning_rate": 1e30}}
    with pytest.raises(evenkeel.errors.TrainingError, match="K0"):
        train(y=X[:, 0] * 3, epochs=50, **sick)


def test_conversions_are_announced_where_they_happen():
    with pytest.warns(ConversionWarning, match="float64 and was converted") as caught:
        train(X.astype("float64"), epochs=1)
    assert caught[0].filename == __file__
    far = np.column_stack([X[:, 0].astype("float64"), 1.7e9 + np.arange(300)])
    with pytest.warns(ConversionWarning, match="features 1 differ by little"):
        train(far, SIDE, epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(np.asfortranarray(X), epochs=1)


def test_runs_are_written_and_read(run, tmp_path):
    run.save(tmp_path / "sides")
    summary = json.loads((tmp_path / "sides" / "summary.json").read_text())
    assert summary["status"] == "finished"
    again = evenkeel.load(tmp_path / "sides")
    np.testing.assert_array_equal(again.predict_proba(X), run.predict_proba(X))
    assert again.folder == tmp_path / "sides" and run.folder is None
    assert again.metrics == run.metrics
    model = evenkeel.load(tmp_path / "sides" / "model.safetensors")
    assert model.predict(X[:5]).tolist() == run.predict(X[:5]).tolist()
    for asked in (lambda: model.summary, lambda: model.history, lambda: model.report(tmp_path / "r.html")):
        with pytest.raises(RunError, match="a model without its run"):
            asked()
    with pytest.raises(RunError, match="sides"):
        run.save(tmp_path / "sides")


def test_a_directory_keeps_the_run_on_disk(tmp_path):
    run = train(directory=tmp_path, name="sides")
    assert run.folder is not None and run.folder.parent == tmp_path and (run.folder / "model.safetensors").exists()
    assert run.report(tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["..", "", "a/b", "零件", "x" * 300])
def test_any_name_of_data_has_a_report(name, tmp_path):
    assert train(epochs=1, name=name).report(tmp_path / "report.html").exists()


def test_few_samples_are_enough_to_train_on():
    for samples in (1, 2, 3):
        assert train(X[:samples], X[:samples, 0] + 0.5, epochs=1).predict(X).shape == (300,)


def test_pickles_carry_the_whole_run(run):
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(run))))
    np.testing.assert_array_equal(again.predict_proba(X), run.predict_proba(X))
    assert again.classes.tolist() == run.classes.tolist() and again.metrics == run.metrics
    assert again.history.keys() == run.history.keys() and again.folder is None


def test_epochs_are_told_as_they_end():
    told = []
    train(epochs=4, on_epoch=told.append)
    assert [epoch["epoch"] for epoch in told] == [1, 2, 3, 4]
    assert all(epoch["train_loss"] > 0 for epoch in told)

    def angry(epoch):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        train(epochs=4, on_epoch=angry)


def test_a_sick_network_has_findings():
    run = train(epochs=8, model={"preset": "mlp", "init": "zeros"}, config={"train.early_stopping": 0})
    assert run.findings and all(finding.code.startswith("K") and finding.remedy for finding in run.findings)
    assert str(run.findings[0]).startswith(run.findings[0].code)
    checked = evenkeel.check(X, SIDE, model={"preset": "mlp", "init": "zeros"}, budget=2.0)
    assert checked.findings and checked.notes and checked.seconds > 0


def test_rules_and_catalog_can_be_asked():
    assert evenkeel.explain("K010").name == evenkeel.explain("dead-relu").name == "dead-relu"
    assert {"layers", "optimizers", "rules"} <= set(evenkeel.catalog())


def test_weights_that_are_not_one_a_sample_are_refused():
    with pytest.raises(DataError, match="sample_weight has shape"):
        train(sample_weight=np.ones(299))
    with pytest.raises(DataError, match="not numbers"):
        train(sample_weight=["much"] * 300)
    with pytest.raises(DataError, match="weight of sample 7"):
        train(sample_weight=np.where(np.arange(300) == 7, np.nan, 1.0))


def test_weights_are_those_of_the_samples_and_held_out_pairs_count_as_they_are():
    labels = np.concatenate([SIDE, SIDE[::-1]])
    twice, weights = np.concatenate([X, X]), np.repeat([9.0, 0.5], 300)
    table = {"a": twice[:, 0], "b": twice[:, 1], "side": [None, *labels[1:]]}
    held_out = {"a": X[:, 0], "b": X[:, 1], "side": SIDE}
    runs = [
        train(twice, labels, sample_weight=weights, validation=(X, SIDE), epochs=30),
        train(table, "side", sample_weight=weights, validation=(held_out, "side"), epochs=30),
    ]
    for run in runs:
        assert run.metrics["validation"]["samples"] == 300 and run.metrics["validation"]["accuracy"] > 0.9
