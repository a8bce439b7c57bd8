"""Estimators under scikit-learn's own checks and in its tools."""

import copy
import json
import pickle

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
pandas = pytest.importorskip("pandas")

from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits  # noqa: E402
from sklearn.ensemble import BaggingClassifier  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from evenkeel.errors import DataError, RunError  # noqa: E402
from evenkeel.estimators import EvenkeelClassifier, EvenkeelRegressor  # noqa: E402

X, Y = load_breast_cancer(return_X_y=True)
RANDOM = np.random.default_rng(0)


# A training draws batches, so that a sample of weight 2 equals the sample twice in the mean alone.
EXPECTED = {"check_sample_weight_equivalence_on_dense_data": "batches are drawn: equal in the mean alone"}


@parametrize_with_checks([EvenkeelClassifier(), EvenkeelRegressor()], expected_failed_checks=lambda estimator: EXPECTED)
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


def test_defaults_are_good_on_real_tables():
    assert cross_val_score(EvenkeelClassifier(random_state=0), X, Y, cv=3).min() > 0.93
    x, y = load_diabetes(return_X_y=True)
    assert cross_val_score(EvenkeelRegressor(random_state=0), x, y, cv=3).mean() > 0.4


def test_settings_reach_the_engine():
    model = EvenkeelClassifier(
        epochs=7,
        batch_size=40,
        learning_rate=0.01,
        class_weight="balanced",
        validation_fraction=0.25,
        early_stopping=3,
        time_limit=60.0,
        config={"optimizer.type": "sgd"},
        n_jobs=1,
        random_state=5,
    ).fit(X, Y)
    config = model.run_.config
    train = config["train"]
    assert (train["epochs"], train["batch_size"], train["early_stopping"], train["threads"]) == (7, 40, 3, 1)
    assert (train["class_weights"], train["metric"], train["time_limit"]) == ("balanced", "loss", 60.0)
    assert (config["optimizer"]["type"], config["optimizer"]["learning_rate"]) == ("sgd", 0.01)
    assert (config["data"]["validation"], config["data"]["test"]) == (0.25, 0.0)
    assert model.n_iter_ <= 7 and model.run_.metrics["validation"]["samples"] == pytest.approx(len(X) / 4, abs=1)


def test_threads_are_shared_with_other_workers(monkeypatch):
    for text, n_jobs, expected in (("3", None, 3), ("", None, 0), ("3", 2, 2), ("4,2", None, 0)):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        model = EvenkeelClassifier(epochs=1, n_jobs=n_jobs).fit(X, Y)
        assert model.run_.config["train"]["threads"] == expected


def test_random_state_decides_everything():
    def bits(seed):
        return EvenkeelClassifier(epochs=3, random_state=seed).fit(X, Y).predict_proba(X)

    np.testing.assert_array_equal(bits(1), bits(1))
    np.testing.assert_array_equal(bits(np.random.RandomState(1)), bits(np.random.RandomState(1)))
    assert not np.array_equal(bits(1), bits(2)) and not np.array_equal(bits(None), bits(None))


def test_estimators_work_in_the_tools_of_scikit_learn():
    pipeline = make_pipeline(StandardScaler(), EvenkeelClassifier(epochs=5, random_state=0)).set_output(
        transform="pandas"
    )
    search = GridSearchCV(pipeline, {"evenkeelclassifier__learning_rate": [0.001, 0.01]}, cv=2, n_jobs=2).fit(X, Y)
    assert search.best_score_ > 0.9 and search.predict(X).shape == Y.shape
    bag = BaggingClassifier(EvenkeelClassifier(epochs=3), n_estimators=2, random_state=0).fit(X, Y)
    assert bag.score(X, Y) > 0.85


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"]
)
def test_fitted_and_learning_estimators_are_copied(copied):
    fitted = EvenkeelClassifier(epochs=3, random_state=0).fit(X, Y)
    again = copied(fitted)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert again.findings_ == fitted.findings_ and "<html" in again.report_
    learning = EvenkeelClassifier(random_state=0).partial_fit(X, Y, classes=[0, 1])
    again = copied(copied(learning))
    np.testing.assert_array_equal(again.predict_proba(X), learning.predict_proba(X))
    with pytest.raises(RunError, match="no optimizer"):
        again.partial_fit(X, Y)
    assert not hasattr(clone(fitted), "run_")


def test_partial_fit_learns_from_samples_as_they_come():
    x, y = load_digits(return_X_y=True)
    model = EvenkeelClassifier(random_state=0)
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(x, y)
    for start in range(0, 1500, 300):
        for _ in range(4):
            model.partial_fit(x[start : start + 300], y[start : start + 300], classes=np.arange(10))
    assert model.score(x[1500:], y[1500:]) > 0.85 and model.n_iter_ == 20 and model.findings_ == ()
    with pytest.raises(ValueError, match="those of the first call"):
        model.partial_fit(x, y, classes=[1, 2])
    with pytest.raises(AttributeError):
        model.report_


def test_partial_fit_knows_classes_it_has_not_seen():
    model = EvenkeelClassifier(random_state=0).partial_fit(X[:50], ["b"] * 50, classes=["a", "b", "c"])
    assert model.predict_proba(X).shape == (len(X), 3) and set(model.predict(X)) <= {"a", "b", "c"}


def test_partial_fit_goes_on_from_fit():
    model = EvenkeelRegressor(epochs=2, random_state=0)
    x = RANDOM.normal(size=(400, 4))
    y = 3 * x[:, 0] - x[:, 1]
    before = model.fit(x, y).score(x, y)
    for _ in range(30):
        model.partial_fit(x, y)
    assert model.score(x, y) > max(before, 0.9) and model.n_iter_ == 32
    loaded = pickle.loads(pickle.dumps(EvenkeelRegressor(epochs=2).fit(x, y)))
    with pytest.raises(RunError, match="has no samples"):
        loaded.partial_fit(x, y)


def test_tables_keep_categories_and_missing_values():
    frame = pandas.DataFrame({"size": RANDOM.normal(size=200), "color": ["red", "green", None, "blue"] * 50})
    frame.loc[::9, "size"] = np.nan
    kind = np.where(frame["color"] == "red", "nut", "bolt")
    model = EvenkeelClassifier(epochs=25, random_state=0).fit(frame, kind)
    assert model.score(frame, kind) > 0.95
    assert model.feature_names_in_.tolist() == ["size", "color"] and model.n_features_in_ == 2
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"size": "length"}))
    with pytest.warns(UserWarning, match="valid feature names"):
        assert model.predict(frame.to_numpy()).tolist() == model.predict(frame).tolist()
    with pytest.raises(DataError, match="holds text"):
        EvenkeelRegressor().fit(frame, np.zeros((200, 2)) + RANDOM.normal(size=(200, 2)))


def test_labels_of_any_type_and_order():
    for labels in (["z", "a"], [True, False], [10, 9], [2.0, 1.0]):
        y = np.array(labels)[Y]
        for x in (X, pandas.DataFrame(X)):
            model = EvenkeelClassifier(epochs=5, random_state=0).fit(x, y)
            assert model.classes_.tolist() == sorted(labels) and model.score(x, y) > 0.9
            assert (
                model.predict_proba(x).argmax(axis=1).tolist()
                == (model.predict(x) == model.classes_[1]).astype(int).tolist()
            )


def test_pictures_are_samples_too():
    pictures = load_digits().images[:400].repeat(2, axis=1).repeat(2, axis=2).astype("uint8")
    y = load_digits().target[:400]
    model = EvenkeelClassifier(epochs=3, random_state=0).fit(pictures, y)
    assert model.score(pictures, y) > 0.5 and model.run_.layers[0].kind == "conv2d"


def test_an_unfitted_estimator_says_so():
    for attribute in ("report_", "findings_"):
        with pytest.raises(NotFittedError):
            getattr(EvenkeelClassifier(), attribute)
    assert "EvenkeelClassifier" in EvenkeelClassifier()._repr_html_()
    fitted = EvenkeelClassifier(epochs=2).fit(X, Y)
    assert "evenkeel.Run" in fitted._repr_html_()
    assert json.dumps([finding.document for finding in fitted.findings_])


def test_weights_of_samples_decide_between_contradicting_labels():
    x = RANDOM.normal(size=(300, 2))
    side = x[:, 0] > 0
    twice, labels = np.concatenate([x, x]), np.concatenate([side, ~side])
    weights = np.repeat([5.0, 1.0], 300)
    frame = pandas.DataFrame(twice, columns=["a", "b"])
    for samples in (twice, frame):
        for kept, expected in ((weights, side), (weights[::-1], ~side)):
            model = EvenkeelClassifier(epochs=25, random_state=0).fit(samples, labels, sample_weight=kept)
            assert (model.predict(samples[:300]) == expected).mean() > 0.95
    model = EvenkeelClassifier(random_state=0)
    for _ in range(25):
        model.partial_fit(twice, labels, classes=[False, True], sample_weight=weights)
    assert (model.predict(x) == side).mean() > 0.95


def test_weights_of_zero_leave_samples_out_and_equal_weights_are_none():
    x = RANDOM.normal(size=(200, 3))
    y = x[:, 0] * 2
    wild = np.where(np.arange(200) < 50, 1e3, y)
    model = EvenkeelRegressor(epochs=20, random_state=0)
    without = clone(model).fit(x[50:], y[50:]).predict(x)
    weights = (np.arange(200) >= 50) * 3.0
    np.testing.assert_array_equal(clone(model).fit(x, wild, sample_weight=weights).predict(x), without)
    for bad, text in ((np.zeros(200), "weight 0|non-zero"), (-np.ones(200), "egative"), (np.ones(3), "shape")):
        with pytest.raises(ValueError, match=text):
            clone(model).fit(x, y, sample_weight=bad)
