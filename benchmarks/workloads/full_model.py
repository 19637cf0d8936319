"""The reference workloads for the full model: kubelet, containerd, registry, disk, records.

What W, F and J mean here, beyond `workload.py`: containerd 2.0 with three downloads a pull; kubelet 1.35 with four
parallel pulls, no QPS limit, its own loop; one registry (egress as given, 1 ms round trip, 3.5 ms for a HEAD and 3.7 ms
to the first byte of a GET, plain HTTP, no authentication, goodput 1, windows of 14,480 B to 3 MB); a NIC as given; one
core that unpacks 200 MB/s (ratio 1, nothing per file or layer, not slowed by downloads); a disk that writes 1 GB/s;
2.1 ms a metadata write, one at a time. Manifest and config have their typical sizes.

In U each image is one Deployment's, whose pods ask for 100m cpu and 128 MiB; the nodes, of three zones, have room for
110 pods, 15.89 cores and 60 GiB to give away. The default scheduler places the pods by all of its default scores, with
the images in the nodes' status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.workloads.workload import DISK, DOWNLOADS, PULLS
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Layer, Manifest, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.releases.containerd import CONTAINERD
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Owner, Pod, PodSpec
from pullsim.spec.hardware import CoresSpec, DiskSpec, NicSpec
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec
from pullsim.spec.scheduling import NodeScheduling, Scheduling
from pullsim.spec.unpack import UnpackSpec

if TYPE_CHECKING:
    from benchmarks.workloads.workload import Workload

HOST = "registry.example.com"
WRITE = 1e9  # of a node's disk, bytes/s
ZONES = 3
ALLOCATABLE = (("cpu", 15_890), ("memory", 60 * 2**30))  # of a node
REQUESTS = (("cpu", 100), ("memory", 128 * 2**20))  # of a pod


def cluster(workload: Workload) -> ClusterSpec:
    """Return the workload as the input of the simulation."""
    layers = [
        Layer.of(synthetic_digest("layer", str(number)), size, unpacked=size, files=0)
        for number, size in enumerate(workload.sizes)
    ]
    catalog = Catalog()
    for number, image in enumerate(workload.images):
        catalog.add(_image(number), Manifest.of([layers[layer] for layer in image]))
    spec = NodeSpec(
        "workers",
        Platform.parse("linux/amd64"),
        nic=NicSpec(workload.nic),
        disk=DiskSpec(write=WRITE),
        cores=CoresSpec(count=1, efficiency=1.0),
        kubelet=read_kubelet_configuration({"maxParallelImagePulls": PULLS, "registryPullQPS": 0}),
        runtime=ContainerdSpec(
            version=CONTAINERD.resolve((2, 0)),
            max_concurrent_downloads=DOWNLOADS,
            unpack=UnpackSpec(gzip=DISK, stored=DISK, per_file=0.0, per_layer=0.0, while_downloading=1.0),
        ),
        scheduling=NodeScheduling() if workload.placed else NodeScheduling(allocatable=ALLOCATABLE),
    )
    nodes = tuple(
        Node(f"workers-{number:04}", spec, zone=None if workload.placed else f"zone-{number % ZONES}")
        for number in range(workload.nodes)
    )
    names = range(len(workload.images))
    templates = [_template(number, placed=workload.placed) for number in names]
    pods = [
        Pod(
            f"{node.name}-{number:02}",
            "default",
            "workload",
            templates[image],
            arrival,
            node=node.name if workload.placed else None,
            owner=None if workload.placed else image,
        )
        for node, placed in zip(nodes, workload.pods, strict=True)
        for number, (arrival, image) in enumerate(placed)
    ]
    registry = RegistrySpec(HOST, egress=workload.egress, round_trip=1e-3, goodput=1.0, tls=False)
    return ClusterSpec(
        nodes,
        tuple(sorted(pods, key=lambda pod: pod.created)),
        registries=(registry,),
        catalog=catalog,
        placement="given" if workload.placed else "scheduler",
        owners=() if workload.placed else tuple(Owner("Deployment", f"app{number}", "default") for number in names),
        seed=1,
    )


def _template(number: int, *, placed: bool) -> PodSpec:
    """Return the pods of an image; those that are not ``placed`` ask for something that can be shared out."""
    containers = (ContainerSpec("main", _image(number), "IfNotPresent"),)
    if placed:
        return PodSpec(containers)
    return PodSpec(containers, scheduling=Scheduling(labels=(("app", str(number)),), requests=REQUESTS))


def _image(number: int) -> str:
    return f"{HOST}/app{number}:1"
