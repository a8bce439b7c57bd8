"""Tests of the watch need PyTorch; without it they are skipped."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.importorskip("torch", reason="the watch is for PyTorch, which is not installed")
