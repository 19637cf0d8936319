"""Execute notebooks and keep what they show: ``python docs/execute_notebooks.py [TEXT…]``, by default all of them.

The text of a notebook (``notebooks/*.py``) is its source; the ``.ipynb`` beside it is written anew, with outputs, so
that they show on a forge. The same texts give the same files: no times, no versions and no random names are in them.
``--print`` writes the one notebook to standard output instead, which a test compares with the file.

Two keys of a cell, behind its ``# %%``, say what becomes of its output: ``alt`` describes a chart, for those who do not
see it and where no picture can be shown; ``interactive`` is for cells that show something only to who runs them.
"""

from __future__ import annotations

import json
import os
import sys
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import jupytext
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from PIL import Image

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 300  # of one cell: only to end a kernel that hangs
COLOURS = 96  # of a picture, with those of smoothed edges


def main() -> None:
    """Execute the notebooks that are named, or all."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--print"]
    for text in [Path(each) for each in arguments] or sorted((ROOT / "notebooks").glob("*.py")):
        written = nbformat.writes(executed(text)) + "\n"
        if "--print" in sys.argv:
            sys.stdout.write(written)
        else:
            text.with_suffix(".ipynb").write_text(written, encoding="utf-8", newline="\n")


def executed(text: Path) -> NotebookNode:
    """Return the notebook of a text with its outputs; raise what a cell raises.

    The kernel runs the interpreter that runs this, with this repository's pullsim, in the directory of the text.
    """
    notebook = jupytext.read(text)
    with TemporaryDirectory() as directory:
        scratch = Path(directory)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (scratch / "running").mkdir()
        spec = {"argv": command, "display_name": "running", "language": "python"}
        (scratch / "running" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        manager = AsyncKernelManager(
            kernel_name="running",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[directory], ensure_native_kernel=False),
            connection_file=str(scratch / "kernel.json"),
            transport="ipc" if sys.platform == "linux" else "tcp",  # files work where there is no network at all
        )
        resources = {"metadata": {"path": str(text.resolve().parent)}}
        client = NotebookClient(notebook, km=manager, timeout=SECONDS, resources=resources)
        client.owns_km = True  # it is to end the kernel, too
        client.execute(env=_environment(directory))
    return _tidied(notebook)


def _environment(scratch: str) -> dict[str, str]:
    """Return what the kernel finds in its environment: no settings of whoever runs this."""
    plain = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    plain["JUPYTER_COLUMNS"] = "80"  # what fits a forge and the site
    own = dict.fromkeys(("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"), scratch)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**plain, **own, "PYTHONPATH": path}


def _tidied(notebook: NotebookNode) -> NotebookNode:
    """Take out what changes from one execution to the next, and describe the charts."""
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata.pop("widgets", None)
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number:02}"
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code" and cell.metadata.get("interactive"):
            cell.outputs, cell.execution_count = [], None
        if "alt" in cell.metadata:  # once more for the site, where MyST-NB looks for it
            cell.metadata["mystnb"] = {"image": {"alt": cell.metadata["alt"]}}
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", ()) and "alt" in cell.metadata:
                output.metadata.setdefault("image/png", {})["alt"] = cell.metadata["alt"]
                output.data["text/plain"] = cell.metadata["alt"]
            if "image/png" in output.get("data", ()):
                output.data["image/png"] = _smaller(output.data["image/png"])
    return notebook


def _smaller(picture: str) -> str:
    """Return a picture with a palette: a chart has few colours, and a quarter of the bytes is enough for it."""
    written = BytesIO()
    with Image.open(BytesIO(b64decode(picture))) as chart:
        chart.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return b64encode(written.getvalue()).decode("ascii")


if __name__ == "__main__":
    main()
