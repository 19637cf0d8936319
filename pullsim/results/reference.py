"""The reference of scenario files and of the files of a run, as Markdown.

``python -m pullsim.results.reference > scenarios/REFERENCE.md`` updates the file in the repository.
"""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

from pullsim.formats.kubernetes.kubelet_fields import FIELDS, attribute
from pullsim.oci.catalog import Catalog, builtin_names
from pullsim.results.exports import chart_files
from pullsim.results.exports.registry import EXPORTS
from pullsim.results.reference_text import (
    AUTOSCALE,
    CELLS,
    CREDENTIALS,
    DISK,
    END,
    EXIT_CODES,
    HEAD,
    NODES_OF_PODS,
    PLACEMENT,
    SET,
    UNITS,
    VARIATION,
    WORKLOADS,
)
from pullsim.results.scenario_keys import key_tables, plain_text
from pullsim.results.summary.summary import Summary, camel
from pullsim.spec.kubelet import KubeletConfig
from pullsim.stages import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.results.columns import Column


def reference_markdown() -> str:
    """Return the text of ``scenarios/REFERENCE.md``."""
    top = (
        "version",
        "name",
        "description",
        "seed",
        "horizon",
        "placement",
        "admission",
        "runtimeClasses",
        "guesses",
        "assert",
    )
    parts = [
        HEAD,
        "## Top level\n",
        *key_tables(top),
        PLACEMENT,
        "## Images\n",
        *key_tables(("images",)),
        _catalogs(),
        "## Registries\n",
        *key_tables(("registries",)),
        "## Prices\n",
        *key_tables(("prices",)),
        "## Variation\n",
        VARIATION,
        *key_tables(("variation",)),
        "## Nodes\n",
        *key_tables(("nodes",)),
        AUTOSCALE,
        _kubelet(),
        "## Workloads\n",
        *key_tables(("workloads",)),
        WORKLOADS,
        NODES_OF_PODS,
        "## Credentials\n",
        *key_tables(("secrets", "serviceAccounts")),
        CREDENTIALS,
        UNITS,
        SET,
        END,
        *_files(),
        EXIT_CODES,
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _catalogs() -> str:
    rows = ["### Built-in catalogues", "", "| name | images | the first of them |", "|---|---|---|"]
    for name in builtin_names():
        names = Catalog.builtin(name).names()
        rows.append(f"| `{name}` | {len(names):,} | `{names[0]}` |")
    return "\n".join([*rows, "", "`pullsim catalogs nginx` looks for images in them."])


def _kubelet() -> str:
    rows = ["### KubeletConfiguration", "", "| field | default | meaning |", "|---|---|---|"]
    for name, field in FIELDS.items():
        if not field.meaning:
            continue
        default = getattr(KubeletConfig(), attribute(name))
        if isinstance(default, tuple):
            default = ", ".join(f"{each.signal}: {each.text}" for each in default) or None
        text = f"`{default:g}`" if isinstance(default, float) else f"`{str(default).lower()}`"
        rows.append(f"| `{name}` | {'none' if default is None or name == 'featureGates' else text} | {field.meaning} |")
    rest = (
        "The scheduler sees `registerWithTaints`, and `podsPerCore` where the pool says how much cpu it has. "
        "The kubelet's other fields are accepted, checked as it does where they are about images, and change nothing. "
        "One that no known release has is passed over with a warning, as a newer release may have it; what is nearly a "
        "known name is a mistake, and so is `--set` of a field that no known release has: it would change nothing."
    )
    return "\n".join([*rows, "", rest, "", DISK])


def _files() -> Iterator[str]:
    rows = ["| file | with `--detail` | content |", "|---|---|---|"]
    rows += (f"| `{each.name}` | {_DETAIL[each.detail]} | {each.content} |" for each in EXPORTS if not each.asked)
    rows.append(f"| `{chart_files.DIRECTORY}/` | {_DETAIL['pods']} | charts; some need `pulls` |")
    yield "## Files\n\n`pullsim run SCENARIO --out DIR` writes:\n\n" + "\n".join(rows)
    rows = ["| name | file | with `--detail` | content |", "|---|---|---|---|"]
    rows += (
        f"| `{each.asked}` | `{each.name}` | {_DETAIL[each.detail]} | {each.content} |"
        for each in EXPORTS
        if each.asked
    )
    yield "`--export NAMES` also writes [files of other programs](../docs/exports.md):\n\n" + "\n".join(rows)
    yield CELLS
    null = "Numbers that cannot be had are `null`; so are times of pods that never started, where `count` is not 0."
    yield f"### `summary.json`\n\n`-o json` prints it. {null}\n\n{_summary()}"
    shown: dict[tuple[Column, ...], str] = {}  # the first file that has the columns
    for export in EXPORTS:
        if not export.columns:
            continue
        first = shown.setdefault(export.columns, export.name)
        if first != export.name:
            yield f"### `{export.name}`\n\nThe columns are those of [`{first}`](#{first.replace('.', '')})."
            continue
        keys = "All keys are in every line.\n\n" if export.name.endswith(".jsonl") else ""
        yield f"### `{export.name}`\n\n{keys}{_columns(export.columns)}"
    charts = ", ".join(f"`{name}`" for name in chart_files.NAMES)
    default = ", ".join(form.upper() for form in chart_files.DEFAULT_FORMATS)
    others = " or ".join(form.upper() for form in chart_files.FORMATS if form not in chart_files.DEFAULT_FORMATS)
    forms = f"each as {default}, or with `--chart-formats` as {others} too"
    yield f"### Charts\n\n{charts}: {forms}. The one by workload is there where there are several."
    stages = (
        "Every second of a pod until it is ready belongs to one stage; `read` and `readiness` come after its start."
    )
    yield f"### Stages\n\n{stages}\n\n{_stages()}"


#: By the least value of --detail with which a file is written.
_DETAIL: Final = {"none": "all", "pods": "`pods` and more", "pulls": "`pulls` and more", "layers": "`layers`"}


def _columns(table: tuple[Column, ...]) -> str:
    parts = [column for column in table if "belongs to the stage" in column.meaning]
    rows = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    rows += (
        f"| `{column.name}` | {column.kind} | {column.unit} | {plain_text(column.meaning)} |"
        for column in table
        if column not in parts
    )
    if parts:
        part = parts[0].meaning.partition(" that belongs ")[0]
        rows.append(f"| `{parts[0].name}` … `{parts[-1].name}` | float | s | {part}, by [stage](#stages) |")
    return "\n".join(rows)


def _stages() -> str:
    rows = ["| stage | shown as | `bottleneck.resource` | what happened |", "|---|---|---|---|"]
    rows += (f"| `{each.name}` | {each.label} | `{each.resource}` | {each.meaning} |" for each in TABLE)
    return "\n".join(rows)


def _summary() -> str:
    rows = ["| key | content |", "|---|---|", "| `schemaVersion` | format of this file |"]
    hints = get_type_hints(Summary)
    for field in fields(Summary):
        section = _dataclass(hints[field.name])
        content = _PLAIN.get(field.name) or (f"{_sentence(section)} {_keys(section)}" if section else "")
        rows.append(f"| `{camel(field.name)}` | {content} |")
    return "\n".join(rows)


_PLAIN: Final = {
    "name": "of the scenario",
    "seed": "of the scenario, or of `--seed`",
    "version": "of pullsim",
    "detail": "records that were kept",
    "end": "when the run ended, s",
    "ended": "why: see [when a run ends](#when-a-run-ends)",
    "nodes": "number of nodes",
    "pools": "number of nodes by pool",
    "pods_by_pool": "the same of the pods that were bound to a node of a pool; as metrics they are `pools.NAME.…`",
    "images": "the same of the pods that use an image, by its name as written",
    "percentiles": "which of the values they are, as numpy names it; [none is interpolated](../docs/percentiles.md)",
    "time_in_status": "seconds of pods by what `kubectl get pods` showed, until all their containers ran",
    "bytes_by_class": "bytes that were sent, by class of link; those between zones are in crossZone too",
    "idle_accelerator_minutes": "minutes of accelerators whose pods were bound and waited for images",
    "cost": "money for the run, in the currency of the scenario's prices",
    "warnings": "what the scenario asks for and the run does not have",
}


def _sentence(section: type) -> str:
    return plain_text((section.__doc__ or "").split("\n")[0])


def _keys(section: type) -> str:
    """List the keys of a section, those of a section in it in parentheses."""
    hints = get_type_hints(section)
    names = []
    for field in fields(section):
        below = _dataclass(hints[field.name])
        names.append(f"`{camel(field.name)}`" + (f" ({_keys(below)})" if below else ""))
    return ", ".join(names)


def _dataclass(hint: Any) -> type | None:
    """Return the dataclass that is the type of a value, or of the values in a list or mapping; None: there is none."""
    found = (_dataclass(argument) for argument in get_args(hint))
    return hint if isinstance(hint, type) and is_dataclass(hint) else next(filter(None, found), None)


if __name__ == "__main__":
    sys.stdout.write(reference_markdown())
