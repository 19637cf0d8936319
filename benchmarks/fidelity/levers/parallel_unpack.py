"""SOCI's parallel mode, containerd's parallel unpack and EROFS against what has been published about them.

The speed of a core is the only figure that is fitted, to the row of containerd's own pull of the same image, where the
source does not say on which instance it was. What SOCI and EROFS gain is judged. The layers of the vLLM images are
taken to be as those of vllm-openai (`published.VLLM`), scaled to the size of the image.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.fidelity.levers.pull import Check, core, fitted, seconds
from benchmarks.fidelity.published import BOTTLEROCKET, CLOUD, LARGE, VLLM

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA: Final = Path(__file__).parents[1] / "data" / "parallel-unpack.json"
#: PD-SSD of 2500 GB on 32 vCPUs writes 1,200 MiB/s (Compute Engine, performance of persistent disks).
PD_SSD: Final = {
    "nic": "32Gbit/s",
    "disk": {"write": "1200MiB/s", "pageCache": {"limit": "24GB", "background": "12GB"}},
    "cores": 32,
}
SLOWEST, FASTEST = 0.4, 6.0  # times as fast as a core of the lab


def _core(speed: float) -> dict[str, str]:
    """Return the costs of a core with unpigz, which AL2023 has for containerd too; ``speed``: see `core`."""
    return {**core(speed), "decompressor": "unpigz"}


def checks() -> list[Check]:
    """Predict all rows."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    found: list[Check] = []
    for image in data["karpenter"]["images"]:
        found += _karpenter(image)
    found += _prototype(data["prototype"])
    return [*found, *_erofs(data["erofs"])]


def unsaid() -> list[str]:
    """Return a line for each source: what it did not say."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    parts = [data["karpenter"], data["prototype"], *data["erofs"]]
    return [f"{part['source']}. Not said: {part['unsaid']}." for part in parts]


def _karpenter(image: dict[str, Any]) -> Iterator[Check]:
    share = image["bytes"] / sum(layer["size"] for layer in VLLM)
    layers = [{"size": round(share * layer["size"]), "unpacked": round(share * layer["unpacked"])} for layer in VLLM]

    def took(speed: float, **runtime: Any) -> float:
        return seconds(layers, {**LARGE, "unpack": _core(speed), "runtime": runtime}, CLOUD)

    speed = fitted(took, image["containerd"], SLOWEST, FASTEST)
    name = f"vLLM of {image['bytes'] / 1e9:.2f} GB ({image['year']})"
    yield Check(
        f"{name}, containerd; a core as fast as {speed:.2f} of the lab's", image["containerd"], took(speed), "fitted"
    )
    yield Check(f"{name}, SOCI on AL2023, unpigz", image["al2023"], took(speed, soci="eks-al2023"), "judged")
    yield Check(f"{name}, SOCI on Bottlerocket, igzip", image["bottlerocket"], took(speed, soci=BOTTLEROCKET), "judged")


def _prototype(row: dict[str, Any]) -> Iterator[Check]:
    size = f"{row['bytes'] / 1e9}GB"

    def took(speed: float, unpacks: int = 1) -> float:
        runtime = {"containerd": "2.2", "maxConcurrentUnpacks": unpacks}
        return seconds(size, {**PD_SSD, "unpack": _core(speed), "runtime": runtime}, CLOUD)

    speed = fitted(took, row["in_turn"], SLOWEST, FASTEST)
    yield Check(
        f"5.4 GB, layers in turn; a core as fast as {speed:.2f} of the lab's", row["in_turn"], took(speed), "fitted"
    )
    yield Check("5.4 GB, 16 layers side by side", row["parallel"], took(speed, 16), "judged")


def _erofs(sources: list[dict[str, Any]]) -> Iterator[Check]:
    """Compare ratios, of which the model has one for all images whose files are of the usual size."""
    large = {"nic": "10Gbit/s", "cores": 16}
    usual = [{"size": "1GB", "unpacked": "2.6GB"}]
    overlay, erofs = seconds(usual, large), seconds(usual, {**large, "runtime": {"erofs": "convert"}})
    ratio = erofs / overlay
    for source in sources:
        pairs = source["pairs"]
        if len(pairs) > 2:
            median = statistics.median(erofs / overlay for _, erofs, overlay in pairs)
            yield Check(f"EROFS / overlayfs, median of {len(pairs)} images", median, ratio, "judged", "")
        for name, first, second in pairs:
            if second > 15:
                yield Check(f"EROFS / overlayfs, {name}", first / second, ratio, "judged", "")
