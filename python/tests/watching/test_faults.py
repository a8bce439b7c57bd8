"""Sick trainings are named first by the rule that knows them; healthy ones are left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scripts import HEALTHY, SICK

from evenkeel.watching import Watch

SEEDS = (0, 1)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("train", "code"), [pytest.param(train, code, id=name) for name, train, code in SICK])
def test_the_rule_of_a_sick_training_leads(train: Callable[[], Watch], code: str, seed: int) -> None:
    torch.manual_seed(seed)
    watch = train()
    assert watch.findings and watch.findings[0].code == code, watch.findings
    assert watch.alarms, "digits are learned in spite of it"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("train", [pytest.param(train, id=name) for name, train in HEALTHY])
def test_a_healthy_training_is_not_alarmed(train: Callable[[list[str]], Watch], seed: int) -> None:
    torch.manual_seed(seed)
    said: list[str] = []
    watch = train(said)
    assert watch.alarms == [] and said == []
