"""Leaves out what needs packages that are not installed, and says so."""

from __future__ import annotations

import os
from importlib.util import find_spec

# No test reads the defaults of whoever runs it.
os.environ["EVENKEEL_CONFIG"] = "none"

# Callbacks are imported by their own tests: each needs its framework.
collect_ignore = [f"evenkeel/watching/{name}.py" for name in ("keras", "lightning", "transformers")]


def _missing(name: str) -> bool:
    try:
        return find_spec(name) is None
    except ValueError:
        return True


if _missing("torch"):
    collect_ignore += ["evenkeel/watching", "tests/watching"]


def pytest_report_header() -> list[str]:
    """Name what is left out."""
    return ["PyTorch is not installed: tests of the watch are left out"] if _missing("torch") else []
