"""The closed form of a pull against the simulator: what is fitted with one is predicted with the other."""

from __future__ import annotations

import pytest

from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Layer, Manifest, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.releases.containerd import CONTAINERD
from pullsim.run import simulate
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Pod, PodSpec
from pullsim.spec.hardware import CoresSpec, DiskSpec, NicSpec
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec
from pullsim.spec.unpack import UnpackSpec
from pullsim.study.fit.closed_form import pull_seconds

MB = 10**6
IMAGES = {
    "one layer": [50],
    "equal layers": [10] * 10,
    "many tiny layers": [0.2] * 40,
    "big first": [100, *[1] * 9],
    "big last": [*[1] * 9, 100],
    "usual": [29, 22, 0.3, 5, 41, 0.1, 2],
}
FIGURES = {
    "network-bound": {"nic": 12.5e6},
    "unpack-bound": {"nic": 1.25e9, "unpack.gzip": 40e6},
    "both": {"nic": 50e6},
    "slow answers": {"nic": 50e6, "registry.firstByte": 0.15},
    "cost of layers": {"nic": 1.25e9, "unpack.perLayer": 0.08},
    "disk-bound": {"nic": 1.25e9, "unpack.gzip": 300e6, "disk.write": 60e6},
}
DEFAULTS = {"registry.firstByte": 3.7e-3, "nic": 1.25e9, "unpack.gzip": 115e6, "unpack.perLayer": 1.5e-3}


def layers(sizes: list[float], unpack_ratio: float = 2.6) -> list[Layer]:
    return [
        Layer.of(synthetic_digest("layer", str(n), str(size)), round(size * MB), unpack_ratio=unpack_ratio)
        for n, size in enumerate(sizes)
    ]


def simulated(image: list[Layer], values: dict[str, float], version: tuple[int, int]) -> float:
    catalog = Catalog()
    catalog.add("r.test/a:1", Manifest.of(image))
    unpack = UnpackSpec(gzip=values["unpack.gzip"], per_layer=values["unpack.perLayer"])
    node = NodeSpec(
        "n",
        Platform("linux", "amd64"),
        nic=NicSpec(values["nic"]),
        disk=DiskSpec(values.get("disk.write")),
        cores=CoresSpec(16),
        kubelet=read_kubelet_configuration({}),
        loop=LoopSpec(minimal=True, retry=Interval(10.0, 0.0), resync=Interval(60.0, 0.0)),
        runtime=ContainerdSpec(CONTAINERD.resolve(version), unpack=unpack),
    )
    answer = values["registry.firstByte"]
    pod = Pod("p", "default", "w", PodSpec((ContainerSpec("c", "r.test/a:1", "IfNotPresent"),)), node="n-0")
    registry = RegistrySpec("r.test", first_byte=answer, head=answer)
    result = simulate(ClusterSpec((Node("n-0", node),), (pod,), registries=(registry,), catalog=catalog))
    (pull,) = result.pulls
    return pull.ended - pull.started


@pytest.mark.parametrize("version", [(1, 7), (2, 1)], ids=["1.7", "2.1"])
@pytest.mark.parametrize("figures", FIGURES)
@pytest.mark.parametrize("image", IMAGES)
def test_as_the_simulator(image: str, figures: str, version: tuple[int, int]) -> None:
    values, content = DEFAULTS | FIGURES[figures], layers(IMAGES[image])
    tiny = image == "many tiny layers"  # its time is the database's, for which fetches and unpacking queue
    expected = simulated(content, values, version)
    assert pull_seconds(content, 1.0, values, CONTAINERD.resolve(version)) == pytest.approx(
        expected, rel=0.3 if tiny else 0.06, abs=0.04
    )


def test_a_shared_registry_is_a_slower_network() -> None:
    content = layers([50, 20])
    shared = pull_seconds(content, 4.0, DEFAULTS | {"registry.egress": 100e6})
    assert shared == pytest.approx(pull_seconds(content, 1.0, DEFAULTS | {"nic": 25e6}))


def test_memory_takes_writes_until_its_limit() -> None:
    """Writing 10 GB at 500 MB/s into 4 GB (drained from 2 GB on) and 100 MB/s: 4 s + 5 s, then 5.5 GB at 100 MB/s."""
    content = layers([10], unpack_ratio=1000)  # 10 GB unpacked
    values = DEFAULTS | {"unpack.gzip": 500e6, "unpack.perLayer": 0.0, "unpack.perFile": 0.0}
    free = pull_seconds(content, 1.0, values)
    bound = pull_seconds(content, 1.0, values | {"disk.write": 100e6, "disk.pageCache.limit": 4e9})
    written, filled = 10.01e9, 2e9 + 2e9 / (1 - 100 / 500)
    assert bound - free == pytest.approx((written - filled) / 100e6 - (written - filled) / (written / 20.0), rel=0.01)


def test_nothing_new_costs_the_requests_alone() -> None:
    assert 0.01 < pull_seconds([], 1.0, DEFAULTS) < 0.06
