"""Advice about images as one document for programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullsim.study.image_advice.changes import STEPS
from pullsim.study.image_advice.image_advice import DOWNLOADED, P50, P99
from pullsim.study.image_advice.text import assumptions, best

if TYPE_CHECKING:
    from pullsim.study.image_advice.image_advice import ImageAdvice, Row


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
                for key, value in record.items()
            }
            for record in found.records()
        ],
        "enough": {lever: row.change.steps for lever in STEPS if (row := found.enough(lever)) is not None},
        "shared": found.shared_table().to_dict(orient="records"),
    }


def _before(row: Row) -> dict[str, Any]:
    values = {
        key: row.tried.difference(name).a.mean for key, name in (("p50", P50), ("p99", P99), ("bytes", DOWNLOADED))
    }
    return {key: None if value is None or not math.isfinite(value) else value for key, value in values.items()}
