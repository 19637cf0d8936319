"""Random small clusters, as strategies of hypothesis."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from pullsim.oci.catalog import Catalog
from pullsim.releases.containerd import CONTAINERD
from pullsim.spec.cluster import ClusterSpec, DaemonSet, Node, Pod, PodSpec
from pullsim.spec.registry import Fault, RegistrySpec
from pullsim.spec.runtime import ContainerdSpec, CrioSpec
from pullsim.spec.unpack import UnpackSpec
from tests.support.world import HOST, MINIMAL, REAL, STEADY, container, image, layer, node

HOSTS = (HOST, "two.test", "three.test")
INFINITE = float("inf")


faults = st.builds(
    Fault,
    at=st.sampled_from([0.0, 0.05, 0.5, 2.0, 7.3]),
    duration=st.sampled_from([0.3, 5.0, 45.0]),
    image=st.sampled_from([None, "a:*", "b"]),
    status=st.sampled_from([404, 429, 500, 502, 503, None]),
)


@st.composite
def registries(draw, count, *, faulty):
    return tuple(
        RegistrySpec(
            host,
            egress=draw(st.sampled_from([INFINITE, 100e6, 20e6])),
            per_connection=draw(st.sampled_from([INFINITE, 30e6])),
            round_trip=draw(st.sampled_from([0.0, 1e-3, 0.05])),
            first_byte=draw(st.sampled_from([0.0, 3.7e-3])),
            head=draw(st.sampled_from([0.0, 3.5e-3])),
            goodput=draw(st.sampled_from([1.0, 0.957])),
            tls=draw(st.booleans()),
            auth=draw(st.sampled_from(["none", "basic", "bearer"])),
            faults=tuple(draw(st.lists(faults, max_size=2))) if faulty else (),
        )
        for host in HOSTS[:count]
    )


@st.composite
def catalogs(draw, hosts):
    """Images a:1, b:1, … on the hosts, made of a few layers."""
    pieces = [
        layer(
            f"l{n}", draw(st.sampled_from([0.0, 1e-5, 0.03, 0.2, 0.5])), draw(st.sampled_from([0.0, 0.1, 1.0])), files=n
        )
        for n in range(6)
    ]
    content, names = Catalog(), []
    for number, letter in enumerate("abcd"[: draw(st.integers(1, 4))]):
        name = f"{hosts[number % len(hosts)]}/{letter}:1"
        chosen = draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=5))
        content.add(name, image(*chosen))
        names.append(name)
        if draw(st.integers(0, 4)) == 0:
            content.add(name, image(*draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=3))), at=15.0)
    return content, names


@st.composite
def node_specs(draw, pool="n"):
    version = draw(st.sampled_from([(1, 26), (1, 28), (1, 31), (1, 35)]))
    kubelet = draw(
        st.sampled_from(
            [
                {},
                {"serializeImagePulls": False, "registryPullQPS": 0},
                {"serializeImagePulls": False, "maxParallelImagePulls": 2, "registryPullQPS": 0},
                {"serializeImagePulls": False, "registryPullQPS": 1, "registryBurst": 1},
            ]
        )
    )
    costs = UnpackSpec(100e6, 200e6, 300e6, *draw(st.sampled_from([(0.0, 0.0, 1.0), (1e-3, 1.5e-3, 1.09)])))
    write = draw(st.sampled_from([0.0, 2.1e-3, 0.1]))
    release = draw(st.sampled_from([(1, 6), (1, 7), (2, 0), (2, 1), (2, 3), (2, 4)]))
    containerd = ContainerdSpec(CONTAINERD.resolve(release), draw(st.sampled_from([1, 2, 3, 10])), write, costs)
    if release >= (2, 3):
        local, chunk, unpacks = draw(
            st.sampled_from([(False, 0, 1), (True, 0, 1), (False, 10**6, 1), (False, 10**6, 3)])
        )
        containerd = replace(
            containerd, local_pull=local, layer_fetch_buffer=chunk, max_concurrent_unpacks=unpacks, sync_fs=local
        )
    crio = CrioSpec(draw(st.sampled_from([(1, 28), (1, 33), (1, 36)])), write, costs)
    return node(
        draw(st.sampled_from([containerd, containerd, crio])),
        pool=pool,
        kubelet=kubelet,
        version=version,
        loop=draw(st.sampled_from([MINIMAL, STEADY, REAL])),
        nic=draw(st.sampled_from([1.25e9, 50e6])),
        cores=draw(st.sampled_from([1, 2, 4])),
        efficiency=draw(st.sampled_from([1.0, 0.85])),
        write=draw(st.sampled_from([None, 200e6, 40e6])),
        fsync=draw(st.sampled_from([0.0, 2e-3, 0.2])),
    )


@st.composite
def pods_of(draw, names, nodes, *, policies, pinned=False):
    made = []
    for number in range(draw(st.integers(1, 8))):
        policy, chosen = st.sampled_from(policies), st.sampled_from(names)
        containers = tuple(
            container(draw(chosen), f"c{n}", policy=draw(policy)) for n in range(draw(st.integers(1, 2)))
        )
        init = tuple(
            container(draw(chosen), f"i{n}", policy=draw(policy), run=draw(st.sampled_from([0.0, 1.5])))
            for n in range(draw(st.integers(0, 1)))
        )
        made.append(
            Pod(
                f"p{number}",
                "default",
                "workload",
                PodSpec(containers, init),
                created=draw(st.sampled_from([0.0, 0.0, 0.4, 3.0, 30.0])),
                node=draw(st.sampled_from(nodes)) if pinned or draw(st.booleans()) else None,
                deadline=draw(st.sampled_from([None, 2.0])),
            )
        )
    return tuple(sorted(made, key=lambda each: each.created))


@st.composite
def worlds(
    draw, *, faulty=True, policies=("IfNotPresent", "Always", "Never"), missing=True, horizon=True, pinned=False
):
    found = draw(registries(draw(st.integers(1, 3)), faulty=faulty))
    content, names = draw(catalogs([each.host for each in found]))
    specs = [draw(node_specs()), draw(node_specs("m"))]
    nodes = tuple(
        Node(f"n-{n}", draw(st.sampled_from(specs)), draw(st.sampled_from([0.0, 0.0, 2.5])))
        for n in range(draw(st.integers(1, 4)))
    )
    if missing:
        names = [*names, *draw(st.sampled_from([[], [f"{HOST}/none:1"], ["Invalid"]]))]
    sets = ()
    if draw(st.integers(0, 3)) == 0:
        sets = (DaemonSet("ds", "default", PodSpec((container(names[0], "c"),))),)
    return ClusterSpec(
        nodes,
        draw(pods_of(names, [each.name for each in nodes], policies=policies, pinned=pinned)),
        daemon_sets=sets,
        registries=found,
        catalog=content,
        placement="spread" if pinned else draw(st.sampled_from(["spread", "pack"])),
        seed=draw(st.integers(0, 5)),
        horizon=draw(st.sampled_from([None, 1.7, 60.0])) if horizon else None,
    )
