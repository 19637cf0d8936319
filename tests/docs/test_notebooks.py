"""Notebooks: the pair of text and notebook agrees, no output is committed, and they run from top to bottom."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
EXECUTE = Path(__file__).with_name("execute_notebook.py")
TEXTS = sorted((ROOT / "notebooks").glob("*.py"))

texts = pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)


def test_there_are_notebooks_and_each_has_its_text():
    assert TEXTS
    assert [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))] == [path.stem for path in TEXTS]


@texts
def test_the_pair_is_in_sync(text):
    ours, theirs = (jupytext.read(path).cells for path in (text, text.with_suffix(".ipynb")))
    ours, theirs = ([(cell.cell_type, cell.source) for cell in cells] for cells in (ours, theirs))
    assert ours == theirs, f"run: jupytext --update --to ipynb {text.relative_to(ROOT)}"


@texts
def test_no_output_is_committed(text):
    cells = nbformat.read(text.with_suffix(".ipynb"), as_version=4).cells
    assert not [cell.source for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.examples
@texts
def test_it_runs(text, tmp_path):
    done = _execute(text.with_suffix(".ipynb"), text.parent, tmp_path)
    assert done.returncode == 0, done.stderr
    code = [cell for cell in nbformat.reads(done.stdout, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert all(cell.execution_count for cell in code)
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "no chart is shown"


def test_a_failing_cell_fails(tmp_path):
    notebook = tmp_path / "wrong.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("assert 1 + 1 == 3")]), notebook)
    done = _execute(notebook, tmp_path, tmp_path)
    assert done.returncode != 0
    assert "AssertionError" in done.stderr


def _execute(notebook: Path, directory: Path, scratch: Path) -> subprocess.CompletedProcess[str]:
    own = dict.fromkeys(("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"), str(scratch))
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, str(EXECUTE), str(notebook), str(directory), str(scratch)]
    environment = {**os.environ, **own, "PYTHONPATH": path}
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)  # noqa: S603
