"""What the shell completes beside commands and options; nothing that takes long to load is needed for it."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pullsim.cli.command_line import GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PACKAGE: Final = Path(__file__).parents[1]
_MAX_BYTES: Final = 1_000_000  # of a scenario whose names are looked for: more would take too long


def metrics(incomplete: str) -> list[str]:
    """Return the metrics that every run has, by their paths."""
    from pullsim.results.metric_list import listed  # noqa: PLC0415

    return [each.path for each in listed() if "*" not in each.path and each.path.startswith(incomplete)]


def presets(incomplete: str) -> list[str]:
    """Return the names of presets."""
    names = chain(_machines(), _fitted())
    return sorted({name for name in names if name.startswith(incomplete)})


def images(incomplete: str) -> list[str]:
    """Return files and directories, and the images of the built-in catalogues."""
    from pullsim.oci.catalog import Catalog, builtin_names  # noqa: PLC0415

    path = Path(incomplete)
    there = path if incomplete.endswith("/") else path.parent
    with suppress(OSError):
        files = [f"{each}/" if each.is_dir() else str(each) for each in there.iterdir()]
        if found := [each for each in files if each.startswith(incomplete)]:
            return sorted(found)
    names = {name for catalog in builtin_names() for name in Catalog.builtin(catalog).names()}
    return sorted(name for name in names if name.startswith(incomplete))


def exports(incomplete: str) -> list[str]:
    """Return the names of exports, after those that are given already."""
    from pullsim.results.exports.registry import NAMES  # noqa: PLC0415

    given, comma, last = incomplete.rpartition(",")
    return [given + comma + name for name in NAMES if name.startswith(last) and name not in given.split(",")]


def keys(incomplete: str) -> list[str]:
    """Return the keys of the command's scenario that can be set, with the names of its pools, workloads and so on."""
    from pullsim.formats.kubernetes.kubelet_fields import FIELDS  # noqa: PLC0415

    schema = json.loads((_PACKAGE / "scenario/scenario.schema.json").read_text(encoding="utf-8"))
    found = chain((f"kubelet.{name}" for name in FIELDS), _keys(schema, schema, _tree(), ""))
    return sorted({key for key in found if key.startswith(incomplete)})


def _keys(schema: dict[str, Any], node: dict[str, Any], tree: Any, path: str) -> Iterator[str]:
    """Yield the paths below a part of the schema; entries of lists are those of the scenario."""
    there = tree if isinstance(tree, dict) else {}
    for each in _choices(schema, node):
        for key, inner in each.get("properties", {}).items():
            yield from _keys(schema, inner, there.get(key), f"{path}.{key}" if path else key)
        if "properties" in each or not path:
            continue
        if isinstance(tree, list) and "items" in each:
            for entry in tree:
                if isinstance(entry, dict) and (name := entry.get("name") or entry.get("host") or entry.get("image")):
                    yield from _keys(schema, each["items"], entry, f"{path}[{name}]")
        elif each.get("type") not in ("array", "object", "null"):
            yield path


def _choices(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a part of the schema may be, with references resolved."""
    if "$ref" in node:
        yield from _choices(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    elif "anyOf" in node:
        for each in node["anyOf"]:
            yield from _choices(schema, each)
    else:
        yield node


def _tree() -> Any:
    """Return the scenario that the command line names; None: there is none, or it cannot be read."""
    from pullsim.errors import InputError  # noqa: PLC0415
    from pullsim.inputs.document import read_document  # noqa: PLC0415

    for given in GIVEN.get()[1:]:  # the options are not parsed yet, since the last one lacks its value
        with suppress(InputError, OSError, ValueError):
            path = Path(given)
            if path.is_file() and path.stat().st_size <= _MAX_BYTES:
                return read_document(path).tree
    return None


def _machines() -> Iterator[str]:
    for table in (_PACKAGE / "scenario/presets/machines").glob("*.csv"):
        rows = table.read_text(encoding="utf-8").splitlines()[1:]
        yield from (f"{table.stem}/{row.partition(',')[0]}" for row in rows)


def _fitted() -> Iterable[str]:
    text = (_PACKAGE / "scenario/presets/presets.yaml").read_text(encoding="utf-8")
    return (line.rstrip(":") for line in text.splitlines() if line[:1].isalnum() and line.endswith(":"))
