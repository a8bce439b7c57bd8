"""Every Python script of the READMEs and the guides runs as printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

for needed in ("sklearn", "pandas"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]
SECTIONS = {
    "README.md": "In Python",
    "docs/howto/python.md": None,
    "docs/tutorials/developers.md": None,
    "docs/README.zh-CN.md": "在 Python 中使用",
    "docs/guide.zh-CN.md": "在 Python 中使用",
    "python/README.md": None,
}


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
    names = [script.id.rpartition("-")[0] for script in SCRIPTS]
    for english, chinese in [("README.md", "docs/README.zh-CN.md"), ("docs/howto/python.md", "docs/guide.zh-CN.md")]:
        assert names.count(english) == names.count(chinese) > 0


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
