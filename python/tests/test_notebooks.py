"""Every notebook of the examples runs from top to bottom."""

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
#: Packages that a notebook needs beside those of all tests.
NEEDS = {"watching_pytorch": ["torch"], "export_and_serve": ["onnxruntime"]}
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def test_there_are_notebooks():
    assert {"digits", "table", "watching_pytorch", "export_and_serve"} <= {notebook.stem for notebook in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    for module in NEEDS.get(path.stem, ()):
        pytest.importorskip(module)
    notebook = nbformat.read(path, as_version=4)
    assert all(cell.get("outputs", []) == [] for cell in notebook.cells), "notebooks are committed without outputs"
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    trains = any("evenkeel.train(" in cell.source for cell in notebook.cells)
    assert trains == any("evenkeel-run" in output.get("data", {}).get("text/html", "") for output in shown)
    assert not any(output["output_type"] == "error" for output in shown)
