"""The scripts of these tests lie beside them; without PyTorch the tests are left out."""

import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

try:
    collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
except ValueError:
    collect_ignore_glob = ["test_*.py"]
