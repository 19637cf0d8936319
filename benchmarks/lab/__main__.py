"""Measure pulls of a real containerd over a shaped link: ``python -m benchmarks.lab measurements.json``; needs root."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import which

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # it warns of the commands that the lab runs

from benchmarks.lab import machine
from benchmarks.lab.cases import SETS
from benchmarks.lab.images import build
from benchmarks.lab.link import REGISTRY, Link
from benchmarks.lab.measure import Measurement
from benchmarks.lab.node import Places
from benchmarks.lab.processes import Processes
from benchmarks.lab.registry import serve, write_images

ABOUT = "Pulls of a real containerd measured by benchmarks/lab. Seconds from the first pull's start, sizes in bytes."


def main() -> int:
    options, measured = _options(), []
    try:
        if options.install:
            machine.install()
        binary = Path(options.containerd or which("containerd") or "containerd")
        machine.check(binary)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that everything is taken down
        _measure(options, binary, measured)
    except (RuntimeError, OSError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130
    finally:
        if measured:
            print(f"{len(measured)} cases are in {options.out}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lab", description=__doc__)
    parser.add_argument("out", type=Path, help="file for the measurements (JSON)")
    parser.add_argument("--set", choices=SETS, default="small", help="which cases (default: %(default)s)")
    parser.add_argument("--case", action="append", metavar="ID", help="only these of them; repeatable")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of a case (default: %(default)s)")
    parser.add_argument("--containerd", metavar="PATH", help="its binary; default: the one in PATH")
    parser.add_argument("--directory", type=Path, help="where its store is made; default: the temporary directory")
    parser.add_argument("--install", action="store_true", help="install the packages first (apt-get)")
    return parser.parse_args()


def _measure(options: argparse.Namespace, binary: Path, measured: list[dict]) -> None:
    cases = [case for case in SETS[options.set]() if not options.case or case.id in options.case]
    if not cases:
        raise RuntimeError(f"no case {', '.join(options.case)} in {options.set}")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pullsim-lab-", dir=options.directory)))
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pullsim-lab-", dir="/run")))  # short
        store = stack.enter_context(machine.file_system(directory))
        processes = stack.enter_context(Processes(directory))
        print("building images", flush=True)
        images = write_images(directory / "registry", build({image for case in cases for image in case.images}))
        link = stack.enter_context(Link(processes))
        serve(processes, directory / "registry", REGISTRY)
        measurement = Measurement(processes, link, binary, Places(store, sockets), images)
        stack.callback(_write, options.out, images, measured)
        for case in sorted(cases, key=lambda case: case.settings):
            begun = time.monotonic()
            measured.append(row := measurement.measure(case, options.repeats))
            least, median, most = row["summary"]["makespan_min_med_max"]
            loud = "  (noisy)" if row["summary"]["all_noisy"] else ""
            print(f"{case.id:32} {least:7.3f} {median:7.3f} {most:7.3f} s{loud}", end="", flush=True)
            print(f"  [{time.monotonic() - begun:.0f} s]", flush=True)


def _write(out: Path, images: dict[str, dict], measured: list[dict]) -> None:
    if not measured:
        return
    used = {pull["image"] for row in measured for pull in row["input"]["pulls"]}
    about = {name: image for name, image in images.items() if name in used}
    with suppress(FileExistsError):
        out.parent.mkdir(parents=True)
    out.write_text(json.dumps({"about": ABOUT, "images": about, "cases": measured}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
