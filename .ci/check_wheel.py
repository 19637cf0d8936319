"""Checks an installed wheel as its user has it: ``python .ci/check_wheel.py compiled`` (or ``pure``).

Only what is installed can be found, as Python looks neither into the working directory nor at PYTHONPATH (-I); the
scenario and the figures that it must give are the repository's. The Python that runs it says which installation is
checked.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "scenarios" / "quickstart.yaml"
KINDS = {"compiled": "(compiled, ", "pure": "(pure Python, "}


def pullsim(directory: str, *arguments: str) -> str:
    """Run the command in a directory and return what it prints. Raises CalledProcessError."""
    command = [sys.executable, "-I", "-m", "pullsim", *arguments]
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)  # noqa: S603
    return done.stdout


def main(kind: str) -> None:
    """Check the version, where the package lies, and the figures of a run. Raises SystemExit, CalledProcessError."""
    with tempfile.TemporaryDirectory() as directory:
        version = pullsim(directory, "--version").strip()
        print(version)  # noqa: T201
        if KINDS[kind] not in version:
            raise SystemExit(f"this is no {kind} pullsim")
        where = [sys.executable, "-I", "-c", "import pullsim; print(pullsim.__file__)"]
        package = Path(subprocess.check_output(where, cwd=directory, text=True).strip())  # noqa: S603
        if package.is_relative_to(ROOT) and "site-packages" not in package.parts:
            raise SystemExit(f"{package} is in the repository, not installed")
        print(pullsim(directory, "run", str(SCENARIO), "--out", "out"))  # noqa: T201
        if not (Path(directory) / "out" / "report.html").stat().st_size:
            raise SystemExit("the run wrote no report")
    # A baseline names scenarios by their paths from the root of the repository.
    print(pullsim(str(ROOT), "ci", "scenarios/quickstart.yaml", "--baseline", "scenarios/baseline.json"))  # noqa: T201


if __name__ == "__main__":
    if sys.argv[1:] not in ([kind] for kind in KINDS):
        raise SystemExit(f"{sys.argv[0]} {'|'.join(KINDS)}")
    main(sys.argv[1])
