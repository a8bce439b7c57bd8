"""A run as a page and in a notebook, and the command."""

import html.parser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import evenkeel

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 3)).astype("float32")


class Balance(html.parser.HTMLParser):
    """Checks that every element that is opened is closed, in order."""

    VOID = {"br"}

    def __init__(self):
        super().__init__()
        self.open, self.names = [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    balance = Balance()
    balance.feed(text)
    balance.close()
    assert balance.open == []
    return balance.names


RUNS = {
    "classes": lambda: evenkeel.train(X, np.where(X[:, 0] > 0, "<a>", "b&c"), epochs=5, progress=False),
    "values": lambda: evenkeel.train(X, X[:, 0], epochs=5, progress=False),
    "one epoch": lambda: evenkeel.train(X, X[:, 0] > 0, epochs=1, progress=False),
    "sick": lambda: evenkeel.train(X, X[:, 0] > 0, epochs=8, model={"preset": "mlp", "init": "zeros"}, progress=False),
}


@pytest.mark.parametrize("train", RUNS.values(), ids=RUNS)
def test_a_run_shows_itself_in_a_notebook(train):
    run = train()
    text = run._repr_html_()
    names = parsed(text)
    assert names.count("tr") == len(run.metrics) + 1 + len(run.layers) + 1
    assert names.count("li") == len(run.findings)
    charts = 0 if run.summary["epochs"] == 1 else 2
    assert names.count("svg") == charts
    series = [name for name in run.history if name.startswith(("train_", "validation_")) and not name.endswith("rmse")]
    assert names.count("polyline") == (len(series) if charts else 0)
    for points in re.findall(r'points="([^"]*)"', text):
        assert len(points.split()) == run.summary["epochs"]


def test_a_model_without_its_run_shows_what_it_is(tmp_path):
    run = RUNS["values"]()
    run.save(tmp_path / "run")
    model = evenkeel.load(tmp_path / "run" / "model.safetensors")
    assert model._repr_html_() == "<pre>evenkeel.Run: a model for regression</pre>"


@pytest.mark.parametrize(("language", "word"), [("en", "run report"), ("zh", "训练报告")])
def test_the_report_is_one_file(tmp_path, language, word):
    path = RUNS["classes"]().report(tmp_path / "report.html", language=language)
    text = path.read_text(encoding="utf-8")
    assert word in text and "<svg" in text and 'src="http' not in text


def test_a_report_of_a_run_in_memory_is_about_samples_it_did_not_learn(tmp_path):
    run = evenkeel.train(X, X[:, 0] > 0, epochs=5, seed=0, test=0.25, progress=False)
    run.report(tmp_path / "report.html")
    assert str(run.metrics["test"]["samples"]) == "75"
    assert "75" in (tmp_path / "report.html").read_text(encoding="utf-8")


COMMANDS = {
    "version": (["--version"], 0, f"evenkeel {evenkeel.__version__}"),
    "rule": (["explain", "K010"], 0, "K010 dead-relu"),
    "no such rule": (["explain", "K999"], 2, ""),
}


@pytest.mark.parametrize(("arguments", "status", "text"), COMMANDS.values(), ids=COMMANDS)
def test_the_command_comes_with_the_package(arguments, status, text):
    program = "import sys; from evenkeel._command import main; sys.exit(main())"
    ended = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    assert ended.returncode == status and ended.stdout.startswith(text), ended


def test_a_package_without_its_compiled_module_says_how_to_build_it(tmp_path):
    shutil.copytree(Path(evenkeel.__file__).parent, tmp_path / "evenkeel", ignore=shutil.ignore_patterns("_native.*"))
    program = "import sys; sys.path.insert(0, ''); import evenkeel"
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and "ImportError: evenkeel is not built" in ended.stderr, ended
    assert "pip install ./python" in ended.stderr and "circular" not in ended.stderr, ended


def test_importing_the_package_imports_no_other_but_numpy():
    others = ("sklearn", "pandas", "polars", "pyarrow", "torch", "tqdm")
    program = f"import evenkeel, sys; print([name for name in {others} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "[]", ended
