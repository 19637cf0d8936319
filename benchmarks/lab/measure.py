"""Run cases and describe what was measured."""

from __future__ import annotations

import os
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.lab import timeline
from benchmarks.lab.node import Containerd
from benchmarks.lab.noise import Usage, noisy
from benchmarks.lab.registry import PORT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.lab.cases import Case
    from benchmarks.lab.link import Link
    from benchmarks.lab.node import Places, Pulled, Settings
    from benchmarks.lab.processes import Processes

PAUSE = 0.15  # seconds after what was written is on the disk
QUIET = 3  # quiet repeats that make the others unnecessary
PHASES = ("resolved", "first_layer_fetch", "first_layer_committed", "last_layer_committed")
PHASES += ("first_unpack_start", "last_unpack_end", "unpack_busy_sum")


class Repeat(NamedTuple):
    """One measurement of a case."""

    row: dict
    layers: dict


class Measurement:
    """A containerd for each of the settings, and the link."""

    def __init__(self, processes: Processes, link: Link, binary: Path, places: Places, images: dict[str, dict]) -> None:
        self._processes = processes
        self._link = link
        self._binary = binary
        self._places = places
        self._images = images
        self._node: tuple[Settings, Containerd] | None = None

    def measure(self, case: Case, repeats: int) -> dict:
        """Measure a case up to `repeats` times and describe it. Raises RuntimeError if a pull fails that should not."""
        node = self._containerd(case.settings)
        address = self._link.set(case.shape)
        done: list[Repeat] = []
        while len(done) < repeats and sum(not repeat.row["noisy"] for repeat in done) < QUIET:
            node.clean()
            done.append(self._once(case, node, address))
        node.clean()
        return _described(case, node.version, self._images, done)

    def _containerd(self, settings: Settings) -> Containerd:
        if self._node is not None and self._node[0] != settings:
            self._node[1].stop()
            self._node = None
        if self._node is None:
            name = f"containerd-{settings.downloads}{'-unpigz' if settings.unpigz else ''}"
            self._node = settings, Containerd(self._processes, self._binary, self._places, name, settings)
        return self._node[1]

    def _once(self, case: Case, node: Containerd, address: str) -> Repeat:
        names = [f"{address}:{PORT}/lab/{image}:{case.tag}" for image in case.images]
        if case.mode == "repull":
            _check(node.pull(names[0]))
        os.sync()
        time.sleep(PAUSE)
        offset, before, clock = node.log.stat().st_size, Usage.of(self._processes.pids()), time.perf_counter()
        pulls = [node.pull(name) for name in names] if case.mode == "serial" else _together(node, names)
        seconds = time.perf_counter() - clock
        noise = Usage.of(self._processes.pids()).since(before, seconds)
        if case.mode != "missing":
            for pull in pulls:
                _check(pull)
        digests = {layer["digest"] for image in case.images for layer in self._images[image]["layers"]}
        begin = min(pull.begin for pull in pulls)
        phases, layers = timeline.read(node.log, offset, node.blobs, begin, digests)
        row = {
            "makespan": round(seconds, 4),
            "pulls": [round(pull.seconds, 4) for pull in pulls],
            "noise": noise,
            "noisy": noisy(noise, seconds),
            "phases": [phases],
        }
        if errors := [pull.error for pull in pulls if pull.error]:
            row["errors"] = errors
        return Repeat(row, layers)


def _together(node: Containerd, names: list[str]) -> list[Pulled]:
    barrier = threading.Barrier(len(names))

    def pull(name: str) -> Pulled:
        barrier.wait()
        return node.pull(name)

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(pull, names))


def _check(pull: Pulled) -> None:
    if pull.error:
        raise RuntimeError(f"a pull failed: {pull.error}")


def _described(case: Case, version: tuple[int, ...], images: dict[str, dict], done: list[Repeat]) -> dict:
    quiet = [repeat for repeat in done if not repeat.row["noisy"]]
    used = quiet if len(quiet) >= min(QUIET, len(done)) else done
    ordered = sorted(used, key=lambda repeat: repeat.row["makespan"])
    middle = ordered[len(ordered) // 2]
    return {
        "id": case.id,
        "group": case.group,
        "mode": case.mode,
        "input": {
            "pulls": [{"image": image, "tag": case.tag, "node": 0, "start_s": 0} for image in case.images],
            "link": case.shape.described(),
            "containerd": case.settings.described(version),
            "images": {image: _layers(images[image]) for image in dict.fromkeys(case.images)},
        },
        "summary": {
            "repeats_used": len(used),
            "all_noisy": used is not quiet,
            "makespan_min_med_max": _spread([repeat.row["makespan"] for repeat in used]),
            "pull_min_med_max": [
                _spread(list(each)) for each in zip(*(repeat.row["pulls"] for repeat in used), strict=True)
            ],
            **_median_phases(used),
        },
        "repeats": [repeat.row for repeat in done],
        "timeline": [middle.layers],
        "timeline_of_repeat": done.index(middle),
    }


def _median_phases(used: list[Repeat]) -> dict:
    medians = {}
    for phase in PHASES:
        values = [repeat.row["phases"][0][phase] for repeat in used if phase in repeat.row["phases"][0]]
        if values:
            medians[f"median_{phase}"] = round(statistics.median(values), 4)
    return medians


def _layers(image: dict) -> list[dict]:
    keys = ("compressed", "uncompressed", "files")
    return [{"layer": layer["digest"], **{key: layer[key] for key in keys}} for layer in image["layers"]]


def _spread(values: list[float]) -> list[float]:
    return [min(values), round(statistics.median(values), 4), max(values)]
