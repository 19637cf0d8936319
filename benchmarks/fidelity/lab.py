"""The lab's pulls of a real containerd (tests/data/lab) against the model: `rows()` predicts every case.

Given per case: image, link, release, settings. Given once, from the calibration rows (the quiet cases of groups a and
b): the throughput of the host and of one stream, and the speed of unpacking with 2.x. That inflating goes by compressed
bytes as well was measured apart from the lab. Everything else is a default.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.fidelity.clusters import Row
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Layer, Manifest
from pullsim.oci.platform import Platform
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.release import parse
from pullsim.results.invariants import check
from pullsim.run import simulate
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Pod, PodSpec
from pullsim.spec.hardware import CoresSpec, NicSpec
from pullsim.spec.hosts import HostSpec, RegistryHosts
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec, usual_write
from pullsim.spec.unpack import BY_COMPRESSED, UnpackSpec

if TYPE_CHECKING:
    from pullsim.spec.runtime import RuntimeSpec

DATA: Final = Path(__file__).parents[2] / "tests" / "data" / "lab" / "cases.json"
HOST: Final = "lab.example.com"
HOST_RATE, STREAM_RATE, GOODPUT = 475e6, 460e6, 0.957  # bytes/s of payload
BASE_ROUND_TRIP: Final = 0.2e-3
GZIP: Final = {1: 8.7e-3, 2: 7.2e-3}  # seconds a MB uncompressed, by major release
#: The registry stands in the lab's hosts.toml as a mirror and as the server: a missing image is asked for twice.
HOSTS: Final = (RegistryHosts(HOST, (HostSpec(HOST, "http"),), HostSpec(HOST, "http")),)
SHORT: Final = 0.2  # seconds; repeats of shorter cases scatter by tens of ms
LAB: Final = json.loads(DATA.read_text())


@lru_cache(maxsize=1)
def _catalog() -> Catalog:
    catalog = Catalog()
    for name, image in LAB["images"].items():
        layers = [
            Layer.of(f"sha256:{digest}", size, unpacked=unpacked, files=files, diff_id=f"sha256:{diff_id}")
            for digest, diff_id, size, unpacked, files in image["layers"]
        ]
        manifest = Manifest.of(layers, size=image["manifest_size"], config_size=image["config_size"])
        catalog.add(f"{HOST}/{name}:v1", manifest)
    return catalog


def predict(case: dict[str, Any]) -> float:
    """Seconds until all pulls of the case are done."""
    release = CONTAINERD.resolve(parse(case["containerd"]))
    runtime = ContainerdSpec(
        release,
        case["max_concurrent_downloads"],
        usual_write(release),
        unpack=UnpackSpec(
            gzip=1e6 / GZIP[release.major],
            decompressor="unpigz" if case["unpigz"] else "gzip",
            by_compressed=BY_COMPRESSED,
        ),
        max_concurrent_unpacks=case["max_concurrent_unpacks"],
        local_pull=case.get("local_pull", False),
        hosts=HOSTS,
    )
    return makespan(case, runtime)


def makespan(case: dict[str, Any], runtime: RuntimeSpec) -> float:
    """Seconds until all pulls of the case are done on the lab's machine with a runtime."""
    egress = HOST_RATE / GOODPUT
    if case["egress_mbit"]:
        egress = min(egress, case["egress_mbit"] * 125e3)
    images = [f"{HOST}/{pull['image']}:{pull['tag']}" for pull in case["pulls"]]
    spec = NodeSpec(
        "node",
        Platform.parse("linux/amd64"),
        nic=NicSpec(100e9),
        cores=CoresSpec(count=2),
        kubelet=read_kubelet_configuration({"serializeImagePulls": case["mode"] == "serial", "registryPullQPS": 0}),
        runtime=runtime,
        cached=tuple(set(images)) if case["mode"] == "repull" else (),
    )
    pods = [
        Pod(
            f"pod-{number}",
            "default",
            "lab",
            PodSpec((ContainerSpec("main", image, "Always"),)),
            float(pull.get("start_s", 0)),
            node=f"node-{pull['node']}",
        )
        for number, (image, pull) in enumerate(zip(images, case["pulls"], strict=True))
    ]
    registry = RegistrySpec(
        HOST,
        egress=egress,
        per_connection=STREAM_RATE,
        round_trip=max(case["added_rtt_ms"] / 1e3, BASE_ROUND_TRIP),
        goodput=GOODPUT,
        tls=False,
    )
    nodes = tuple(Node(name, spec) for name in sorted({f"node-{pull['node']}" for pull in case["pulls"]}))
    pods.sort(key=lambda pod: pod.created)
    result = simulate(ClusterSpec(nodes, tuple(pods), registries=(registry,), catalog=_catalog()))
    assert check(result) == []
    return max(pull.ended for pull in result.pulls if pull.attempt == 1)


def rows() -> list[Row]:
    """Predict every case of the CRI; group i is ``ctr``. Noisy ones are a group of their own."""
    return [
        Row("lab", group(case), case["id"], is_calibration(case), predict(case), case["makespan"][1])
        for case in LAB["cases"]
        if case["group"] != "i"
    ]


def group(case: dict[str, Any]) -> str:
    """Return the group under which a case is reported."""
    if case["all_noisy"]:
        return "noisy"
    return f"containerd {case['containerd']}" + (", under 0.2 s" if case["makespan"][1] < SHORT else "")


def is_calibration(case: dict[str, Any]) -> bool:
    """Whether the case is one of those on which the values given once were fitted."""
    return case["group"] in ("a", "b") and not case["all_noisy"]
