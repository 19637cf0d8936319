"""Reading SimKube's trace files, version 2: msgpack of which objects were applied and deleted when, and pods' lives.

The form is that of docs/ref/trace-files.md and sk-core/src/trace/mod.rs (SimKube 2.7): a map with ``version``,
``config``, ``events`` (``ts``, ``applied_objs``, ``deleted_objs``), ``index`` and ``pod_lifecycles``, whose keys are
pairs of the owner's kind (``group/version.Kind``) and its ``namespace/name``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass
from pullsim.inputs import read_bytes
from pullsim.inputs.document import MAX_BYTES_OF_MANY, Document, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION: Final = 2
LONGEST: Final = 100_000_000  # seconds between the first and the last event, three years

#: Start and end of a pod's containers, seconds since 1970; the end is None for a pod that still ran.
Life = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class Trace:
    """What a trace holds; times are whole seconds since 1970."""

    document: Document  # its events; routes of objects are events, number, applied_objs or deleted_objs, number
    times: tuple[int, ...]  # of the events, in their order
    lives: Mapping[
        tuple[str, str], list[Life]
    ]  # of an owner's pods, by kind and namespace/name, in order of their start


def is_trace(data: bytes) -> bool:
    """Whether bytes begin as a trace does: a small map whose first key is ``version``."""
    return data[:1] >= b"\x80" and data[1:9] == b"\xa7version"


def read_trace(path: Path) -> Trace:
    """Read a trace file. Raises InputError for what is none, or of another version, and without msgpack."""
    file = str(path)
    tree = _unpacked(read_bytes(path, MAX_BYTES_OF_MANY), file)
    if isinstance(tree, tuple) and len(tree) == 4:  # config, events, index, lifecycles
        _fail("this trace has no version: SimKube 1 wrote it; export it again with SimKube 2", file)
    if not isinstance(tree, dict) or "events" not in tree:
        _fail("this is no trace of SimKube, which is a map with version, events and pod_lifecycles", file)
    if tree.get("version") != VERSION:
        _fail(f"version: {shown(tree.get('version'))} is not {VERSION}, the one that is read", file)
    try:
        events = plain(tree["events"])
    except ValueError as error:
        _fail(f"events: {error}", file)
    times = _checked(events, file)
    return Trace(Document(file, {"events": events}), times, _lives(tree.get("pod_lifecycles", {}), file))


def _unpacked(data: bytes, file: str) -> Any:
    """Return the value that msgpack holds, with tuples for its arrays, which can so be keys of maps."""
    try:
        import msgpack  # noqa: PLC0415  an extra
    except ImportError:
        _fail("reading SimKube's traces needs msgpack: pip install 'pullsim[simkube]'", file)
    try:
        return msgpack.unpackb(data, use_list=False, strict_map_key=False)
    except (ValueError, TypeError, RecursionError, OverflowError, msgpack.UnpackException) as error:
        _fail(f"this is no msgpack, of which traces of SimKube are made: {error or type(error).__name__}", file)


def _checked(events: Any, file: str) -> tuple[int, ...]:
    """Return the times of the events, each of which must be as SimKube writes it."""
    if not isinstance(events, list):
        _fail("events must be a list", file)
    for number, event in enumerate(events):
        here = f"events[{number}]"
        if not isinstance(event, dict) or type(event.get("ts")) is not int:
            _fail(f"{here} must be a map with ts, whole seconds since 1970", file)
        for key in ("applied_objs", "deleted_objs"):
            objects = event.get(key)
            if not isinstance(objects, list):
                _fail(f"{here}.{key} must be a list of objects", file)
            for place, each in enumerate(objects):
                if not _is_object(each):
                    _fail(f"{here}.{key}[{place}] is no Kubernetes object with apiVersion, kind and a name", file)
    times = tuple(event["ts"] for event in events)
    if any(later < earlier for earlier, later in pairwise(times)):
        _fail("events must be in the order of their ts", file)
    if times and times[-1] - times[0] > LONGEST:
        _fail(f"the events are {times[-1] - times[0]:,} s apart, more than {LONGEST:,} s", file)
    return times


def _is_object(value: Any) -> bool:
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in ("apiVersion", "kind")):
        return False
    metadata = value.get("metadata")
    return (
        isinstance(metadata, dict)
        and isinstance(metadata.get("name"), str)
        and isinstance(metadata.get("namespace", ""), str)
    )


def _lives(value: Any, file: str) -> dict[tuple[str, str], list[Life]]:
    """Read the lives of pods; those of one owner are together, whatever the hash of their spec."""
    if not isinstance(value, dict):
        _fail("pod_lifecycles must be a map", file)
    found: dict[tuple[str, str], list[Life]] = {}
    for owner, by_hash in value.items():
        match owner, by_hash:
            case (str(kind), str(name)), dict():
                lives = [life for each in by_hash.values() for life in _each_life(each, file)]
                found[kind, name] = sorted(lives, key=lambda life: life[0])
            case _:
                _fail(f"pod_lifecycles: {shown(owner)} must be a kind and a name, and have maps of lives", file)
    return found


def _each_life(value: Any, file: str) -> list[Life]:
    """Read the lives of pods of one spec (sk-core/src/k8s/mod.rs, PodLifecycleData)."""
    lives: list[Life] = []
    for each in value if isinstance(value, tuple) else (value,):
        match each:
            case "Empty":
                pass
            case {"Running": int(start)}:
                lives.append((start, None))
            case {"Finished": (int(start), int(end))}:
                lives.append((start, max(start, end)))
            case _:
                _fail(f"pod_lifecycles: {shown(each)} is not Empty, Running or Finished", file)
    return lives


def _fail(message: str, file: str) -> NoReturn:
    raise InputError(message, Location(file))
