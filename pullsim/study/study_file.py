"""A study as a YAML file: which scenario, which knobs, how many seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, shown
from pullsim.frozen import dataclass
from pullsim.inputs.suggestion import did_you_mean
from pullsim.inputs.versions import check_version
from pullsim.printable import json_text
from pullsim.study.design import Knob, Named, check_values, checked_name

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.inputs.document import Document

FORMAT: Final = 1
_KEYS: Final = ("version", "scenario", "set", "design", "seeds", "metrics", "variants")


@dataclass(frozen=True, slots=True)
class Study:
    """The content of a study file."""

    scenario: Path
    knobs: tuple[Knob, ...]
    paired: bool
    seeds: int | tuple[int, ...]
    metrics: tuple[str, ...]
    named: tuple[Named, ...] = ()


def is_study(document: Document) -> bool:
    """Whether a document is a study and not a scenario: it has the key ``scenario``."""
    return isinstance(document.tree, dict) and isinstance(document.tree.get("scenario"), str)


def read_study(path: Path, document: Document) -> Study:
    """Read a study file that was parsed. Its scenario's path starts at the file's directory. Raises InputError.

    ::

        version: 1
        scenario: ../scenarios/quickstart.yaml
        design: grid          # or paired
        seeds: 20             # or a list of seeds
        set:
          kubelet.maxParallelImagePulls: [1, 2, 4, unlimited]
          nodes[workers].disk.write: [125MiB/s, 250MiB/s]
        metrics: [pods.start.p99]
        variants:             # each of these with each of the settings above
          as it is: {}
          zstd layers: {"nodes[workers].unpack.gzip": 450MB/s}
    """
    tree = document.tree
    if not isinstance(tree, dict):
        raise InputError("a study is a mapping with scenario and set", document.place(()))
    for key in tree:
        if key not in _KEYS:
            raise InputError(
                f"a study has no key {shown(key)}{did_you_mean(key, _KEYS)}",
                document.place((key,), key=True),
            )

    def expect(right: bool, key: str, rule: str) -> None:
        if not right:
            raise InputError(f"{key} {shown(tree.get(key))} must be {rule}", document.place((key,)))

    if "version" in tree:
        check_version(tree, "version", FORMAT, "study", document.place(("version",)))
    expect(isinstance(tree.get("scenario"), str), "scenario", "the path of a scenario file")
    expect(tree.get("design", "grid") in ("grid", "paired"), "design", "grid or paired")
    seeds = tree.get("seeds", 1)
    whole = type(seeds) is int or (isinstance(seeds, list) and all(type(seed) is int for seed in seeds))
    expect(whole, "seeds", "a number of seeds, or a list of them")
    metrics = tree.get("metrics", [])
    expect(isinstance(metrics, list) and all(isinstance(name, str) for name in metrics), "metrics", "a list of metrics")
    named = tree.get("variants", {})
    expect(isinstance(named, dict), "variants", "a mapping of names to settings")
    settings = tree.get("set", {})
    expect(isinstance(settings, dict), "set", "a mapping of keys to lists of values")
    knobs = tuple(Knob(key, tuple(_value(each) for each in _listed(values))) for key, values in settings.items())
    for knob in knobs:
        place = document.place(("set", knob.key))
        if not knob.values:
            raise InputError(f"{knob.key} has no values", place)
        check_values(knob.values, place)
    return Study(
        path.parent / tree["scenario"],
        knobs,
        tree.get("design") == "paired",
        tuple(seeds) if isinstance(seeds, list) else seeds,
        tuple(metrics),
        tuple(_named(document, name, changes) for name, changes in named.items()),
    )


def _named(document: Document, name: str, changes: Any) -> Named:
    """Read a variant: a mapping of keys to values; a value that is a list or a mapping is one as a whole."""
    place = document.place(("variants", name))
    if changes is not None and not isinstance(changes, dict):
        raise InputError(f"the variant {shown(name)} must be a mapping of keys to values", place)
    return checked_name(Named(name, tuple((key, _value(value)) for key, value in (changes or {}).items())), place)


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _value(value: Any) -> str:
    """Write a value as ``--set`` takes it."""
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return json_text(value)
    return str(value).lower() if isinstance(value, bool) else getattr(value, "text", str(value))
