"""Execute a notebook: ``python execute_notebook.py NOTEBOOK DIRECTORY SCRATCH`` prints it with its outputs.

The kernel runs the interpreter that runs this. A process of its own, because the client leaves closing sockets to exit.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

SECONDS = 300  # of one cell: only to end a kernel that hangs


def execute(notebook: Path, directory: Path, scratch: Path) -> None:
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (scratch / "running").mkdir()
    spec = {"argv": command, "display_name": "running", "language": "python"}
    (scratch / "running" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    manager = AsyncKernelManager(
        kernel_name="running",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(scratch)], ensure_native_kernel=False),
        connection_file=str(scratch / "kernel.json"),
        transport="ipc" if sys.platform == "linux" else "tcp",  # files work where there is no network at all
    )
    content = nbformat.read(notebook, as_version=4)
    NotebookClient(content, km=manager, timeout=SECONDS, resources={"metadata": {"path": str(directory)}}).execute()
    sys.stdout.write(nbformat.writes(content))


if __name__ == "__main__":
    execute(*map(Path, sys.argv[1:4]))
