"""The programs that are measured: which there are, of which version, and how those that are absent are had."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pullsim.compiled import build_text
from pullsim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
# Max-min sharing without TCP's overheads, small stacks for its actors.
SIMGRID = (
    "--cfg=network/model:CM02",
    "--cfg=network/TCP-gamma:0",
    "--cfg=network/crosstraffic:no",
    "--cfg=contexts/stack-size:32",
    "--cfg=contexts/guard-size:0",
    "--log=root.threshold:error",
)
HOW_SIMGRID = (
    "`apt-get install g++ libsimgrid-dev` brings Debian's. For 4.1 unpack its source distribution (simgrid on PyPI; it "
    "needs CMake and Boost's headers), `cmake -S simgrid-4.1 -B build -DCMAKE_INSTALL_PREFIX=PREFIX`, `cmake --build "
    "build`, `cmake --install build`, and say `--simgrid PREFIX`"
)
HOW_CIMBA = "`pip install cimba` brings it, into this environment or into another whose Python `--cimba` names"


class Program(NamedTuple):
    """What a workload is added to: its name, or (``reads_file``) the path of its file."""

    name: str
    version: str
    command: tuple[str, ...]
    reads_file: bool = False


class AbsentError(Exception):
    """A program is not here; the message is a sentence that tells why, and how it is had."""


def ours() -> list[Program]:
    """Return what is run by this interpreter."""
    simpy, pullsim = f"SimPy {version('simpy')}", f"pullsim {__version__} ({build_text()})"
    versions = {"naive": simpy, "baseline": simpy, "network": pullsim, "full": pullsim}
    measure = (sys.executable, "-m", "benchmarks.speed.measure")
    return [Program(name, version, (*measure, name)) for name, version in versions.items()]


def simgrid(prefix: Path | None, directory: Path) -> Program:
    """Build the program with the SimGrid installed under a prefix (None: where the compiler looks) into a directory."""
    what, paths = "SimGrid where g++ looks", []
    if prefix is not None:
        what = f"SimGrid under {prefix}"
        libraries = sorted(prefix.resolve().glob("lib*/**/libsimgrid.so"))
        if not libraries:
            raise AbsentError(f"{what} is left out: there is no lib/libsimgrid.so. {HOW_SIMGRID}.")
        library = libraries[0].parent
        paths = [f"-I{prefix}/include", f"-L{library}", f"-Wl,-rpath,{library}"]
    binary = directory / f"simgrid-{len(list(directory.iterdir()))}"
    _say(
        ["g++", "-O2", "-std=c++17", *paths, str(HERE / "simgrid.cpp"), "-lsimgrid", "-o", str(binary)],
        what,
        HOW_SIMGRID,
    )
    return _program("simgrid", (str(binary), *SIMGRID), what, HOW_SIMGRID, reads_file=True)


def cimba(python: str) -> Program:
    """Return Cimba in the environment of a Python."""
    return _program("cimba", (python, "-m", "benchmarks.peers.cimba_rollout"), f"Cimba for {python}", HOW_CIMBA)


def find(prefixes: Iterable[Path | None], python: str, directory: Path) -> tuple[list[Program], list[str]]:
    """Return the programs that are here, and a sentence for each that is not."""
    peers: dict[str, Program] = {}
    absent = []
    for look in (*(partial(simgrid, prefix, directory) for prefix in prefixes), partial(cimba, python)):
        try:
            program = look()
        except AbsentError as error:
            absent.append(str(error))
        else:
            peers[program.name] = program
    naive, *others = ours()
    return [naive, *peers.values(), *others], absent


def _program(name: str, command: tuple[str, ...], what: str, how: str, *, reads_file: bool = False) -> Program:
    program = f"{name} {_say(command, what, how)}"
    return Program(program, program, command, reads_file)


def _say(command: Iterable[str], what: str, how: str) -> str:
    """Return what a command prints."""
    try:
        done = subprocess.run(list(command), check=False, capture_output=True, text=True)  # noqa: S603  # our programs
    except OSError as error:
        raise AbsentError(f"{what} is left out: {error}. {how}.") from error
    if done.returncode:
        raise AbsentError(f"{what} is left out: {reason(done.stderr)}. {how}.")
    return done.stdout.strip()


def reason(stderr: str) -> str:
    """Return the first line that tells of an error, else the last one."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or ["it says nothing"]
    return next((line for line in lines if "rror: " in line or "Fatal: " in line), lines[-1])
