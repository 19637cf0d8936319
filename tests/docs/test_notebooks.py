"""Notebooks: text and notebook agree, outputs are committed, and are what they show when they run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
EXECUTE = ROOT / "docs" / "execute_notebooks.py"
TEXTS = sorted((ROOT / "notebooks").glob("*.py"))
REFRESH = "run: make notebooks"
MOST_BYTES = 400_000  # of a notebook: more takes a forge long to show
#: What is another with each execution: addresses of objects, random names, instants.
UNSTABLE = re.compile(r"0x[0-9a-f]{6,}|[0-9a-f]{8}-[0-9a-f]{4}-|iopub\.execute|/tmp/|\b20\d\d-\d\d-\d\dT(?!00:)")

texts = pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)


def test_there_are_notebooks_and_each_has_its_text():
    assert TEXTS
    assert [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))] == [path.stem for path in TEXTS]


@texts
def test_the_pair_is_in_sync(text):
    ours, theirs = (jupytext.read(path).cells for path in (text, text.with_suffix(".ipynb")))
    ours, theirs = ([(cell.cell_type, cell.source) for cell in cells] for cells in (ours, theirs))
    assert ours == theirs, REFRESH


@texts
def test_outputs_are_committed(text):
    cells = [cell for cell in _committed(text).cells if cell.cell_type == "code"]
    shown = [cell for cell in cells if not cell.metadata.get("interactive")]
    assert all(cell.execution_count for cell in shown), REFRESH
    assert any("image/png" in output.get("data", {}) for cell in shown for output in cell.outputs), "no chart is shown"
    assert text.with_suffix(".ipynb").stat().st_size < MOST_BYTES


@texts
def test_nothing_in_the_outputs_changes_from_one_execution_to_the_next(text):
    notebook = _committed(text)
    assert [cell.id for cell in notebook.cells] == [f"cell-{number:02}" for number in range(1, len(notebook.cells) + 1)]
    assert not [line for line in _shown(notebook) if UNSTABLE.search(line)]
    assert not [cell.metadata for cell in notebook.cells if "execution" in cell.metadata]


@texts
def test_each_chart_is_described(text):
    charts = [
        output
        for cell in _committed(text).cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    for chart in charts:
        assert len(chart.metadata["image/png"].get("alt", "")) > 20, f"a cell with a chart has no alt: {REFRESH}"
        assert chart.data["text/plain"] == chart.metadata["image/png"]["alt"]


@texts
def test_it_begins_with_a_question_and_ends_with_an_answer_made_of_figures(text):
    cells = _committed(text).cells
    assert re.match(r"# .+\n\n\*\*Question: [^*]+\?\*\*", cells[0].source)
    answers = [number for number, cell in enumerate(cells) if cell.source == "## Answer"]
    assert len(answers) == 1
    assert cells[answers[0] + 1].outputs
    assert [cell.source.splitlines()[0] for cell in cells[answers[0] + 2 :]] in ([], ["## Further"])


@texts
def test_links_lead_somewhere(text):
    prose = "\n".join(cell.source for cell in _committed(text).cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose)
    assert not [target for target in targets if "://" not in target and not (text.parent / target).exists()]


@pytest.mark.examples
@texts
def test_it_shows_what_is_committed(text):
    done = _execute(text)
    assert done.returncode == 0, done.stderr
    notebook = nbformat.reads(done.stdout, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert _shown(notebook) == _shown(_committed(text)), REFRESH


def test_a_failing_cell_fails(tmp_path):
    text = tmp_path / "wrong.py"
    text.write_text("# %%\nassert 1 + 1 == 3\n", encoding="utf-8")
    done = _execute(text)
    assert done.returncode != 0
    assert "AssertionError" in done.stderr


def _committed(text: Path) -> nbformat.NotebookNode:
    return nbformat.read(text.with_suffix(".ipynb"), as_version=4)


def _shown(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the outputs line by line: texts as they are, of HTML the words, and of pictures that they are there."""
    lines = []
    for cell in notebook.cells:
        lines.append(f"== {cell.id}")
        for output in cell.get("outputs", ()):
            lines += output.get("text", "").splitlines()
            for kind, content in sorted(output.get("data", {}).items()):
                lines.append(f"-- {kind}")
                words = re.sub(r"<style.*?</style>|<[^>]*>", " ", content, flags=re.DOTALL)
                lines += (words if kind == "text/html" else content).splitlines() if kind.startswith("text/") else []
    return lines


def _execute(text: Path) -> subprocess.CompletedProcess[str]:
    """Execute a notebook in a process of its own, because the client leaves closing sockets to exit."""
    command = [sys.executable, str(EXECUTE), "--print", str(text)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)  # noqa: S603
