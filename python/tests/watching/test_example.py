"""The example of a watched training, healthy and with each of its faults."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "pytorch" / "train.py"

RULES = {
    "raw_inputs": "K002",
    "small_init": "K005",
    "constant_init": "K006",
    "softmax_twice": "K008",
    "saturated_tanh": "K009",
    "dead_relu": "K010",
    "sigmoid_stack": "K011",
    "high_learning_rate": "K013",
    "low_learning_rate": "K013",
    "hidden_softmax": "K008",
    "uncleared_gradients": "K028",
    "unoptimised_layer": "K029",
    "evaluation_mode": "K030",
    "training_evaluation": "K030",
    "unshuffled": "K031",
}


#: Faults in spite of which the network learns: facts at the end.
FACTS = ("saturated_tanh", "unoptimised_layer")


@pytest.fixture(scope="module")
def train() -> ModuleType:
    specification = importlib.util.spec_from_file_location("example_train", EXAMPLE)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_fault_has_its_rule_here(train: ModuleType) -> None:
    assert train.FAULTS.keys() == RULES.keys()


@pytest.mark.parametrize("fault", RULES)
def test_a_fault_is_named(train: ModuleType, fault: str) -> None:
    watch = train.main(["--epochs", "3", "--fault", fault])
    named = watch.findings if fault in FACTS else watch.alarms
    assert RULES[fault] in [finding.code for finding in named]


@pytest.mark.parametrize("words", ["--seed 0", "--seed 1", "--seed 2 --accumulate 4"])
def test_a_healthy_run_is_not_accused(train: ModuleType, words: str, tmp_path: Path) -> None:
    watch = train.main(["--epochs", "3", "--report", str(tmp_path / "page.html"), *words.split()])
    assert watch.alarms == [] and (tmp_path / "page.html").stat().st_size > 5_000
