"""Commands and daemons of the lab; all daemons end with it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

GRACE = 15.0  # seconds a daemon has to end
NICE = -15
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Processes:
    """The daemons, by name; each writes to a log of its name in the directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)

    def log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def pids(self) -> list[int]:
        return [process.pid for process in self._running.values()]

    def start(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen:
        """Start a daemon first in line for the processor: foreign load is noise in what is measured."""
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  there are no threads yet
            )
        self._running[name] = process
        with suppress(OSError):  # inside a session's autogroup, niceness acts within the group alone
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
            with open(f"/proc/{process.pid}/autogroup", "w") as autogroup:  # noqa: PTH123
                autogroup.write("-19")
        return process

    def stop(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @staticmethod
    def run(*command: str, check: bool = True) -> str:
        """Run a command and return its output. Raises RuntimeError with what it said if a checked one fails."""
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout


def _end_with_parent() -> None:
    """Let the kernel end a daemon whose lab was killed."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
