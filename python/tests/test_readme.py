"""Every script of the Python sections of the READMEs runs as printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

for needed in ("sklearn", "pandas"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]
SECTIONS = {"README.md": "In Python", "docs/README.zh-CN.md": "在 Python 中使用", "python/README.md": None}


def scripts():
    for name, title in SECTIONS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        if title is not None:
            text = re.search(rf"^## {title}$(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)[1]
        for number, script in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL), 1):
            yield pytest.param(script, id=f"{name}-{number}")


SCRIPTS = list(scripts())


def test_both_languages_have_the_same_scripts():
    assert len(SCRIPTS) >= 6
    ids = [script.id.rpartition("-") for script in SCRIPTS]
    assert len({number for name, _, number in ids if name == "README.md"}) == sum(
        name == "docs/README.zh-CN.md" for name, _, _ in ids
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_runs_as_printed(script, tmp_path):
    for framework in re.findall(r"^import (torch)$", script, re.MULTILINE):
        pytest.importorskip(framework)
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0 and "Warning" not in ended.stderr, ended.stderr
    assert ended.stdout.strip()
    if "torch" in script:
        assert "K028" in ended.stdout
