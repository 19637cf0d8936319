"""Published figures whose inputs are known (score 3), against the model: `rows()` predicts what it can.

Figures with their sources are in data/published.json. Nothing is fitted: a pool gets what the source tells (NIC, disk,
settings), for its cores those of the preset that was fitted on real images, and defaults for the rest. Where the source
is silent, images of GPU libraries unpack to 2.05 times their compressed bytes (`cluster_data.HEAVY_RATIO`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.fidelity.cluster_data import HEAVY_RATIO
from pullsim.results.summary.summary import summarize
from pullsim.run import run
from pullsim.scenario import from_mapping
from pullsim.scenario.presets.nodes import builtin

DATA: Final = Path(__file__).parent / "data" / "published.json"
HOST: Final = "registry.test"


class Published(NamedTuple):
    """One published figure; seconds, or a ratio."""

    case: str
    measured: float
    predicted: float | None
    why: str

    @property
    def error(self) -> float | None:
        """|predicted - published| / published."""
        return None if self.predicted is None else abs(self.predicted - self.measured) / self.measured


@dataclass(frozen=True, slots=True)
class Case:
    """How a figure is predicted: layers and a pool; or why it is not. ``why`` is for an error above 30 %."""

    layers: tuple[dict[str, Any], ...] = ()
    pool: dict[str, Any] | None = None
    registry: dict[str, Any] | None = None
    why: str = ""
    what: str = "pull"  # the figure: pull | fetch | unpack
    serial_ratio: bool = False  # time of ten images serially over that in parallel


#: A core of a large cloud instance: the preset that was fitted on real images of one (perfstudy).
CORE: Final = builtin()["aws/hpc6a.48xlarge-gp2"].tree["unpack"]
#: An instance with 12.5 Gbit/s and a fast disk, as those of the vLLM figures; the kernel's page cache for the 256 GiB
#: of an r6id.8xlarge.
LARGE: Final = {
    "nic": "12.5Gbit/s",
    "disk": {"write": "1000MiB/s", "pageCache": {"limit": "55GB", "background": "27GB"}},
    "cores": 32,
    "unpack": CORE,
}
#: What the Bottlerocket of karpenter-blueprints is told in its user data, and what inflates gzip there on Intel.
BOTTLEROCKET: Final = {
    "preset": "bottlerocket",
    "chunkSize": "16MiB",
    "downloadsPerImage": 20,
    "unpacksPerImage": 12,
    "discardLayers": True,
    "decompressor": "igzip",
}
PARALLEL: Final = {"containerd": "2.2", "config": "parallel.toml"}
CLOUD: Final = {"perConnection": "90MB/s", "roundTrip": "1ms", "auth": "basic"}
#: vllm-openai: several layers, the largest about 5, 3 and 2 GB of 10.31 GB.
VLLM: Final = tuple(
    {"size": size, "unpacked": round(HEAVY_RATIO * size)} for size in (30e6, 100e6, 180e6, 2e9, 3e9, 5e9)
)
FILES: Final = "files are counted as of 32 kB, as in images of Docker Hub; those of GPU libraries are larger"
TF_LAYER: Final = ({"size": 2899102924, "unpacked": round(HEAVY_RATIO * 2899102924)},)
IDF_LAYER: Final = {"size": "1840MB", "unpacked": "4790MB", "files": 40000}

CASES: Final = {
    "tf-layer-fetch": Case(
        TF_LAYER,
        {"nic": "10Gbit/s", "disk": {"write": "1000MiB/s"}},
        CLOUD,
        "one connection to this CDN went 193 MB/s; the cap of a connection is the registry's, here S3's 90 MB/s",
        "fetch",
    ),
    **{
        f"tf-layer-gunzip-{number}": Case(
            TF_LAYER,
            {"unpack": CORE},
            None,
            "a laptop, the core of which is not given",
            "unpack",
        )
        for number in (1, 2, 3, 4)
    },
    "tf-layer-gunzip-5": Case(why="another gzip library (klauspost), which no release of containerd has yet"),
    "deckhouse-parallel": Case(
        tuple({"size": "14.6MB"} for _ in range(5)),
        {"nic": "200Mbit/s", "cores": 4, "disk": {"write": "60MiB/s"}},
        {"perConnection": "4MB/s", "roundTrip": "30ms", "auth": "bearer"},
        "sizes, link and registry are guesses: ten equal images of five layers",
        serial_ratio=True,
    ),
    "eks-vllm-containerd": Case(
        VLLM, LARGE, CLOUD, f"instance and layers are not given; one stream of gzip binds; {FILES}"
    ),
    "eks-vllm-soci-al": Case(
        VLLM, {**LARGE, "runtime": {"soci": "eks-al2023"}}, CLOUD, "instance, memory and layers are not given"
    ),
    "eks-vllm-soci-br": Case(
        VLLM, {**LARGE, "runtime": {"soci": BOTTLEROCKET}}, CLOUD, "instance, memory and layers are not given"
    ),
    "repack-gzip": Case(
        VLLM,
        {
            **LARGE,
            "runtime": PARALLEL,
        },
        CLOUD,
        f"bound by one stream of gzip of the 5 GB layer; {FILES}",
    ),
    "repack-zstd": Case(
        tuple(
            {"size": 103_000_000, "unpacked": round(HEAVY_RATIO * 103e6), "mediaType": "tar+zstd"} for _ in range(100)
        ),
        {
            **LARGE,
            "runtime": PARALLEL,
        },
        CLOUD,
        "number and sizes of the layers are guesses",
    ),
    "kraken-p50": Case(why="below, among the levers"),
    "kraken-p99": Case(why="below, among the levers"),
    "kraken-p99.9": Case(why="below, among the levers"),
    "idf-cli-gzip": Case(why="the command-line tool, not containerd's decompressor"),
    "idf-cli-zstd": Case(why="the command-line tool, not containerd's decompressor"),
    "idf-go-gzip": Case(
        (IDF_LAYER,),
        {"unpack": CORE},
        None,
        "decompression alone; the model adds sha256 and files",
        "unpack",
    ),
    "idf-go-zstd": Case(
        ({**IDF_LAYER, "mediaType": "tar+zstd"},),
        {"unpack": CORE},
        None,
        "decompression alone; the model's unpacking has sha256 and the files too",
        "unpack",
    ),
}


def rows() -> list[Published]:
    """Predict every published figure that can be."""
    found = []
    for figure in json.loads(DATA.read_text())["figures"]:
        case = CASES[figure["id"]]
        predicted = _predict(case) if case.layers else None
        row = Published(figure["id"], figure["value"], predicted, "")
        if row.error is None or row.error > 0.30:  # the bar of the report
            row = row._replace(why=case.why)
        found.append(row)
    return found


def _predict(case: Case) -> float:
    if case.serial_ratio:
        serial, parallel = (_run(case, 10, {"serializeImagePulls": serial}) for serial in (True, False))
        return serial / parallel
    return _run(case, 1, {})


def _run(case: Case, images: int, kubelet: dict[str, Any]) -> float:
    """Return the seconds of the pull, or of the part of it that the figure is about."""
    names = [f"{HOST}/image{number}:v1" for number in range(images)]
    scenario = from_mapping(
        {
            "images": {"define": [{"image": name, "layers": list(case.layers)} for name in names]},
            "registries": [{"host": HOST, **(case.registry or {})}],
            "nodes": [{"name": "node", "kubelet": {**kubelet, "registryPullQPS": 0}, **(case.pool or {})}],
            "workloads": [{"name": f"pod{n}", "pods": {"image": name}} for n, name in enumerate(names)],
        },
        directory=DATA.parent,
    )
    result = run(scenario)
    assert summarize(result).pods.started == images  # type: ignore[union-attr]
    if case.what == "pull":
        return max(pull.ended for pull in result.pulls) - min(pull.requested for pull in result.pulls)
    (layer,) = result.layers
    if case.what == "fetch":
        return layer.fetched - layer.requested
    assert layer.unpack_started is not None
    assert layer.unpack_ended is not None
    return layer.unpack_ended - layer.unpack_started
