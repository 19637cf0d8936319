"""The section of the fidelity report about levers; ``python -m benchmarks.fidelity.levers.section TITLE``: one part."""

from __future__ import annotations

import sys
from typing import Final

from benchmarks.fidelity.levers import (
    dragonfly,
    images_there,
    kraken,
    lazy_pulling,
    mirrors,
    parallel_unpack,
    pull_policies,
    spegel,
)

#: By title: a module with `checks` and `unsaid`, and a docstring that says what was fitted.
LEVERS: Final = {
    "Pull-through caches": mirrors,
    "Parallel pull and unpack, and EROFS": parallel_unpack,
    "Lazy pulling": lazy_pulling,
    "Pull policies": pull_policies,
    "Spegel": spegel,
    "Kraken": kraken,
    "Dragonfly": dragonfly,
    "Images that are there already": images_there,
}


def lines() -> list[str]:
    """Predict the published figures of all levers, and return the lines of the section."""
    return ["", "## Levers", *(line for title in LEVERS for line in ("", *part(title)))]


def part(title: str) -> list[str]:
    """Predict the published figures of one lever, and return the lines of its part. Raises KeyError without it."""
    lever = LEVERS[title]
    assert lever.__doc__ is not None
    found = [f"### {title}", "", lever.__doc__.partition("\n\n")[2].replace("`", "").strip(), ""]
    found += ["| case | | published | predicted | error |", "| --- | --- | ---: | ---: | ---: |"]
    found += [
        f"| {each.case} | {each.role} | {each.published:.3g}{each.space} | {each.predicted:.3g}{each.space} "
        f"| {each.verdict} |"
        for each in lever.checks()
    ]
    return [*found, "", *(f"- {line}" for line in lever.unsaid())]


if __name__ == "__main__":
    print("\n".join(part(" ".join(sys.argv[1:]))))
