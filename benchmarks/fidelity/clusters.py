"""Pulls of real clusters against the model: `rows()` predicts, `python -m benchmarks.fidelity.clusters` prints errors.

chonks: images of zeros, bound by unpacking and the disk. A node runs the whole history of its cluster, as dirty bytes
of one pull meet the next. perfstudy: real images; a node has what it had pulled before, and shares the registry with
all nodes of the cluster, which begin together: its share of the egress is what one node sees.

Each instance type and disk has one preset (`pullsim presets`), fitted on the pulls marked as calibration; the others
judge it. Measured is the median over the nodes of a cluster that did not wait in the kubelet's queue.
"""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from benchmarks.fidelity.cluster_data import (
    GOOGLE,
    GOOGLE_PRESET,
    HOST,
    HUB,
    catalog,
    data,
    image_name,
    new_bytes,
    untold,
)
from pullsim.run import simulate
from pullsim.scenario import from_mapping
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Pod, PodSpec
from pullsim.spec.registry import RegistrySpec

if TYPE_CHECKING:
    from pullsim.oci.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Row:
    """One image in one cluster; seconds."""

    source: str  # chonks | perfstudy
    group: str  # the preset
    case: str  # cluster and image
    calibration: bool
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """|predicted - measured| / measured."""
        return abs(self.predicted - self.measured) / self.measured


@dataclass(frozen=True, slots=True)
class Group:
    """Clusters of one instance type and disk, and the pulls on which its preset is fitted."""

    source: str
    preset: str
    instance_type: str
    disk: str = ""  # part of its description
    calibration: tuple[str, ...] = ()  # clusters
    images: tuple[str, ...] = ()  # of these clusters, by part of their names; empty: all
    #: A cluster and parts of images' names: the pulls that told the registry's egress.
    egress: tuple[str, tuple[str, ...]] = ("", ())

    @property
    def wider(self) -> float:
        """How much wider another cluster differs from the preset than clusters differ: it is off as their mean is."""
        return math.sqrt(1 + 1 / len(self.calibration))

    def calibrates(self, cluster: str, image: str) -> bool:
        """Whether the preset was fitted on this pull."""
        if cluster in self.calibration:
            return not self.images or any(part in image for part in self.images)
        return cluster == self.egress[0] and any(part in image for part in self.egress[1])


#: Nodes of all clusters had 1.7.15 to 1.7.22, as far as the logs tell: before 1.7.23, in which pulls changed.
CONTAINERD: Final = "1.7.22"
CHONKS: Final = (
    Group("chonks", "aws/c5a.4xlarge-gp2", "c5a.4xlarge", "gp2", ("chonks/pulling-aws/run1/8",)),
    Group(
        "chonks",
        "gcp/n1-standard-16-pd-balanced",
        "n1-standard-16",
        "pd-balanced",
        ("chonks/pulling-test/run1/16", "chonks/pulling/run1/16"),
    ),
    Group(
        "chonks",
        "gcp/n1-standard-16-local-ssd",
        "n1-standard-16",
        "local SSD",
        ("chonks/pulling-test/run3/8", "chonks/pulling/run3/8"),
    ),
)
PERFSTUDY: Final = (
    Group(
        "perfstudy",
        "aws/hpc6a.48xlarge-gp2",
        "hpc6a.48xlarge",
        "",
        ("perfstudy/aws/eks/cpu/size32-noefa",),
        egress=("perfstudy/aws/eks/cpu/size256", ("metric-single-node",)),
    ),
    Group(
        "perfstudy",
        "aws/p3dn.24xlarge-gp2",
        "p3dn.24xlarge",
        "",
        ("perfstudy/aws/eks/gpu",),
        ("metric-amg2023", "kripke", "osu", "single-node", "minife", "mixbench"),
    ),
    Group(
        "perfstudy",
        "gcp/c2d-standard-112-pd-balanced",
        "c2d-standard-112",
        "",
        ("perfstudy/google/gke/cpu/size32#1",),
        egress=(
            "perfstudy/google/gke/cpu/size64#1",  # what brings 0.8 GB or more
            ("metric-single-node:cpu-zen4", "metric-amg2023:spack-slim-cpu", "metric-mixbench:cpu", "mt-gemm:cpu-zen4"),
        ),
    ),
    Group("perfstudy", "gcp/n1-standard-32-pd-balanced", "n1-standard-32", "", ("perfstudy/google/gke/gpu/size16#1",)),
    Group(
        "perfstudy",
        "azure/HB120-96rs_v3",
        "standard_hb120-96rs_v3",
        "",
        # Every second one by date.
        tuple(f"perfstudy/azure/aks/cpu/{name}" for name in ("size64", "size64-placement", "size256")),
    ),
    Group(
        "perfstudy",
        "azure/ND40rs_v2",
        "standard_nd40rs_v2",
        "",
        ("perfstudy/azure/aks/gpu/size16#1",),
        ("amg2023", "kripke", "magma", "minife", "single-node"),
    ),
)

#: Seconds within which the nodes of a cluster began to pull an image (1 to 3 for eight in ten of them), and the nodes
#: that stand for all.
BEGIN: Final = 2.0
COHORTS: Final = 4


def rows(groups: tuple[Group, ...] = (*CHONKS, *PERFSTUDY)) -> list[Row]:
    """Predict every pull of these groups, except streamed images and what `cluster_data.untold` tells.

    Every row is a run of the simulator (`pullsim.simulate`) with the preset of its group.
    """
    return [row for group in groups for cluster in clusters(group) for row in predict(group, cluster)]


def clusters(group: Group) -> list[str]:
    """Return the clusters of a group; image streaming is another runtime."""
    return [
        name
        for name, cluster in data()["clusters"].items()
        if name.startswith(group.source)
        and cluster["instance_type"] == group.instance_type
        and group.disk in cluster["disk"]
        and "/streaming" not in name
    ]


def predict(group: Group, cluster: str, pool: dict[str, Any] | None = None) -> list[Row]:
    """Predict the pulls of one cluster; ``pool`` has keys of a pool that override the preset's."""
    pulls = judgeable(group, cluster)
    spec, registry = node(group.preset, json.dumps(pool or {}))
    if group.source == "chonks":
        predicted = history(spec, registry, pulls)
    else:
        predicted = [single(spec, registry, cluster, pull) for pull in pulls]
    return [_row(group, cluster, pull, seconds) for pull, seconds in zip(pulls, predicted, strict=True)]


def judgeable(group: Group, cluster: str) -> list[dict[str, Any]]:
    """Return a cluster's pulls but those of which the log cannot tell what was new."""
    pulls: list[dict[str, Any]] = data()["clusters"][cluster]["pulls"]
    return [pull for pull in pulls if group.source == "chonks" or not untold(cluster, pull)]


def left_out() -> list[tuple[Row, str]]:
    """Return the other pulls, as they would be predicted with what the log tells, and why they are left out."""
    return [
        (_row(group, cluster, pull, single(*node(group.preset, "{}"), cluster, pull)), why)
        for group in PERFSTUDY
        for cluster in clusters(group)
        for pull in data()["clusters"][cluster]["pulls"]
        if (why := untold(cluster, pull))
    ]


def fleets(least: float) -> list[tuple[int, Row, float]]:
    """Return the pulls of ``least`` bytes or more by all nodes of a cluster that share a limited egress.

    Each with the number of nodes, and the seconds that are predicted without the limit.
    """
    found = []
    for group in PERFSTUDY:
        spec, registry = node(group.preset, "{}")
        if group.egress[0]:
            for cluster in clusters(group):
                for row, pull in zip(predict(group, cluster), judgeable(group, cluster), strict=True):
                    if pull["nodes"] > 1 and new_bytes(pull, pull["before"]) >= least:
                        seconds = single(spec, replace(registry, egress=math.inf), cluster, pull)
                        found.append((data()["clusters"][cluster]["nodes"], row, seconds))
    return sorted(found, key=lambda each: each[:1])


def _row(group: Group, cluster: str, pull: dict[str, Any], seconds: float) -> Row:
    name = data()["images"][pull["image"]][0]
    calibration = group.calibrates(cluster, name)
    return Row(group.source, group.preset, f"{cluster} {name}", calibration, seconds, pull["p50"])


def summary(found: list[Row]) -> dict[str, float]:
    """Return the number of rows, and the median, 90th percentile and greatest of their errors."""
    errors = sorted(row.error for row in found)
    return {
        "rows": len(errors),
        "median": statistics.median(errors),
        "p90": errors[min(len(errors) - 1, int(0.9 * len(errors)))],
        "max": errors[-1],
    }


def history(spec: NodeSpec, registry: RegistrySpec, pulls: list[dict[str, Any]]) -> list[float]:
    """Return the seconds of all pulls of a cluster, on one node that makes them one after the other.

    Each was a job of its own, which began when the one before was gone: a container exits when its root filesystem is
    unmounted, and that writes what the pull has left in the page cache. Here a pull may take twice as long as it did
    before it meets the next.
    """
    pods = []
    at = told = 0.0
    for number, pull in enumerate(pulls):
        at += max(0.0, pull["begin"] - told)
        pods.append(_pod(f"pull-{number}", pull["image"], at))
        told = pull["begin"] + pull["p50"]
        at += 2 * pull["p50"]
    return _simulate(spec, registry, pods, catalog())


def single(
    spec: NodeSpec, registry: RegistrySpec, cluster: str, pull: dict[str, Any], images: Catalog | None = None
) -> float:
    """Return the median seconds of one pull on nodes that have what they had, while all nodes of its cluster pull.

    Where the registry's egress is limited, a few nodes stand for all of them, which began one after another; what
    they share is as much less. An image that one node pulled is that of an operator, which no other node needs.
    """
    spec = replace(spec, cached=tuple(image_name(image) for image in pull["before"]))
    count = data()["clusters"][cluster]["nodes"] if pull["nodes"] > 1 else 1
    stand = COHORTS if count > COHORTS and registry.egress < math.inf else 1
    registry = replace(registry, egress=registry.egress * stand / count)
    pods = [_pod(f"pull-{n}", pull["image"], BEGIN * n / stand, node=n) for n in range(stand)]
    return statistics.median(_simulate(spec, registry, pods, images or catalog()))


def _simulate(spec: NodeSpec, registry: RegistrySpec, pods: list[Pod], images: Catalog) -> list[float]:
    cluster = ClusterSpec(
        tuple(Node(name, spec) for name in dict.fromkeys(pod.node for pod in pods) if name is not None),
        tuple(pods),
        registries=(registry, HUB, _google()),
        catalog=images,
        placement="given",
    )
    pulled = {pull.pod: pull.ended - pull.started for pull in simulate(cluster, detail="pulls").pulls}
    return [pulled[pod.name] for pod in pods]


def _pod(name: str, image: int, at: float, *, node: int = 0) -> Pod:
    containers = (ContainerSpec("main", image_name(image), "IfNotPresent", completes=True),)
    return Pod(name, "default", "pulls", PodSpec(containers), at, node=f"node-{node:04}")


@lru_cache(maxsize=1)
def _google() -> RegistrySpec:
    return replace(node(GOOGLE_PRESET, "{}")[1], host=GOOGLE)


@lru_cache(maxsize=64)
def node(preset: str, pool: str) -> tuple[NodeSpec, RegistrySpec]:
    """Build the node of a preset, without a limit of the kubelet's, and the registry as seen from it."""
    scenario = from_mapping(
        {
            "nodes": [
                {
                    "preset": preset,
                    "kubelet": {"serializeImagePulls": False, "registryPullQPS": 0},
                    "runtime": {"containerd": CONTAINERD},
                    **json.loads(pool),
                }
            ],
        }
    )
    built = scenario.build()
    registries = [registry for registry in built.registries if registry.host == HOST]
    return built.nodes[0].spec, registries[0] if registries else RegistrySpec(HOST, auth="bearer")


def main() -> None:
    """Print the errors of every group and source, and the worst rows."""
    found = rows()
    for source in ("chonks", "perfstudy"):
        for group in dict.fromkeys(row.group for row in found if row.source == source):
            for calibration in (True, False):
                own = [row for row in found if row.group == group and row.calibration is calibration]
                if own:
                    _print(group, "fitted" if calibration else "judged", own)
        judged = [row for row in found if row.source == source and not row.calibration]
        _print(source, "judged", judged)
        for row in sorted(judged, key=lambda row: -row.error)[:12]:
            print(f"    {row.error:5.0%} {row.predicted:8.2f} {row.measured:8.2f}  {row.case}")
    for row, why in left_out():
        print(f"left out: {row.case}: {why}")


def _print(name: str, kind: str, found: list[Row]) -> None:
    errors = summary(found)
    print(
        f"{name:34} {kind:7} {errors['rows']:4} rows, median {errors['median']:4.0%}, "
        f"p90 {errors['p90']:4.0%}, max {errors['max']:4.0%}"
    )


if __name__ == "__main__":
    main()
