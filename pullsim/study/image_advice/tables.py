"""Advice about images as data: tables for spreadsheets, and one document for programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullsim.study.image_advice.changes import STEPS
from pullsim.study.image_advice.image_advice import DOWNLOADED, P50, P99
from pullsim.study.image_advice.text import assumptions, best

if TYPE_CHECKING:
    import pandas as pd

    from pullsim.study.image_advice.image_advice import ImageAdvice, Row


def table(found: ImageAdvice) -> pd.DataFrame:
    """Return a row for each change that was tried, first what gains most: seconds, bytes before and after."""
    import pandas as pd  # noqa: PLC0415  only when asked

    return pd.DataFrame([_record(found, row) for row in found.rows], columns=[*_record_columns()])


def shared_table(found: ImageAdvice) -> pd.DataFrame:
    """Return a row for each two images: what they share, and what a node saves that pulls both."""
    import pandas as pd  # noqa: PLC0415

    names = ["image", "with", "sharedLayers", "sharedBytes", "savedDownload", "savedDisk"]
    return pd.DataFrame(
        [(found.images[each.first].familiar, found.images[each.second].familiar, *each[2:]) for each in found.shared],
        columns=names,
    )


def document(found: ImageAdvice) -> dict[str, Any]:
    """Return all of it as JSON has it; a time that never comes is null."""
    return {
        "images": [
            {
                "image": image.familiar,
                "from": image.source,
                "guess": image.guess or None,
                "layers": {
                    str(platform): [layer.size for layer in layers] for platform, layers in image.layers.items()
                },
                "unpacked": {
                    str(platform): sum(layer.unpacked for layer in layers) for platform, layers in image.layers.items()
                },
            }
            for image in found.images
        ],
        "asItIs": {"disk": found.disk} | ({} if not found.rows else _before(found.rows[0])),
        "ownPods": found.own_pods,
        "seeds": list(found.advice.seeds),
        "assumed": assumptions(found),
        "best": best(found),
        "changes": [
            {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in zip(_record_columns(), _record(found, row), strict=True)
            }
            for row in found.rows
        ],
        "enough": {lever: row.change.steps for lever in STEPS if (row := found.enough(lever)) is not None},
        "shared": shared_table(found).to_dict(orient="records"),
    }


def _record_columns() -> tuple[str, ...]:
    times = (
        f"{name}{end}" for name in ("p50", "p99") for end in ("Before", "After", "Gained", "GainedLow", "GainedHigh")
    )
    sizes = (f"{name}{end}" for name in ("bytes", "disk") for end in ("Before", "After"))
    return "change", "steps", "sentence", "helps", *times, *sizes


def _record(found: ImageAdvice, row: Row) -> tuple[Any, ...]:
    made: list[Any] = [row.change.lever, row.change.steps or None, row.change.sentence, row.tried.helps]
    for metric in (P50, P99):
        each = row.tried.difference(metric)
        mean, low, high, _ = each.difference
        made += [each.a.mean, each.b.mean, *(None if end is None else -end for end in (mean, high, low))]
    downloaded = row.tried.difference(DOWNLOADED)
    return (*made, downloaded.a.mean, downloaded.b.mean, found.disk, row.disk)


def _before(row: Row) -> dict[str, Any]:
    values = {
        key: row.tried.difference(name).a.mean for key, name in (("p50", P50), ("p99", P99), ("bytes", DOWNLOADED))
    }
    return {key: None if value is None or not math.isfinite(value) else value for key, value in values.items()}
