"""What holds in every world: random small clusters."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullsim.oci.catalog import Catalog
from pullsim.records import KubeletEvent, LayerRecord, PodRecord, PullRecord
from pullsim.releases.containerd import CONTAINERD
from pullsim.run import simulate
from pullsim.spec.cluster import ClusterSpec, DaemonSet, Node, Pod, PodSpec
from pullsim.spec.registry import Fault, RegistrySpec
from pullsim.spec.runtime import ContainerdSpec, CrioSpec
from pullsim.spec.unpack import UnpackSpec
from pullsim.stages import STAGES
from tests.support.world import HOST, MINIMAL, REAL, STEADY, container, fetches, image, layer, node, whole

EXAMPLES = 60
HOSTS = (HOST, "two.test", "three.test")
INFINITE = float("inf")
MB = 1_000_000
sometimes = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


# ---------------------------------------------------------------- worlds

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


# ---------------------------------------------------------------- what holds


@sometimes
@given(worlds())
def test_every_second_belongs_to_one_stage(spec):
    result = simulate(spec)
    for record in [*result.pods, *result.pulls]:
        assert set(record.stages) <= set(STAGES)
        assert whole(record), record
    for record in result.pods:
        end = result.end if record.started is None else record.started
        assert record.start_seconds == pytest.approx(end - record.created, abs=1e-9)


@sometimes
@given(worlds())
def test_times_are_in_order(spec):
    result = simulate(spec)
    assert all(first.t <= second.t for first, second in pairwise(result.events))
    for record in result.pulls:
        assert 0.0 <= record.requested <= record.started <= record.ended <= result.end
    for record in result.layers:
        moments = [getattr(record, name) for name in LayerRecord._fields[LayerRecord._fields.index("queued") : -4]]
        known = [moment for moment in moments if moment is not None]
        assert known == sorted(known), record
        assert min(record.egress, record.connection, record.nic) >= 0.0
        limited, seconds = record.egress + record.connection + record.nic, record.fetched - record.first_byte
        if record.committed is None:  # it may have broken off, and have asked in vain for the rest
            assert limited <= seconds + 1e-9
        else:
            assert limited == pytest.approx(seconds, abs=1e-9)
    for record in result.pods:
        known = [t for t in (record.created, record.scheduled, record.started, result.end) if t is not None]
        assert known == sorted(known)
    for host in {sample.link for sample in result.links}:
        spans = [(sample.t0, sample.t1) for sample in result.links if sample.link == host]
        assert all(begin < end for begin, end in spans)
        assert all(first[1] <= second[0] + 1e-9 for first, second in pairwise(spans))


@sometimes
@given(worlds())
def test_rows_are_complete_and_of_their_types(spec):
    result = simulate(spec)
    for rows, kind in (
        (result.events, KubeletEvent),
        (result.pulls, PullRecord),
        (result.layers, LayerRecord),
        (result.pods, PodRecord),
    ):
        hints = get_type_hints(kind)
        for record in rows:
            assert type(record) is kind
            for name, hint in hints.items():
                assert fits(getattr(record, name), hint), (name, record)


def fits(value, hint):
    if value is None:
        return "None" in str(hint)
    for type_, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str"), (tuple, "tuple"), (dict, "dict")):
        if type(value) is type_:
            return name in str(hint) or (type_ is int and "float" in str(hint))
    return False


@sometimes
@given(worlds(horizon=False))
def test_records_tell_one_story(spec):
    """Pods, pulls, layers and events agree."""
    result = simulate(spec)
    assert len(result.pods) >= len(spec.pods)
    assert len({(each.namespace, each.pod) for each in result.pods}) == len(result.pods)
    tried = Counter(each.pod for each in result.pulls)
    failed = Counter(each.pod for each in result.pulls if not each.ok)
    by_reason = Counter((event.pod, event.reason) for event in result.events)
    for record in result.pods:
        assert record.pulls == tried[record.pod] == by_reason[record.pod, "Pulling"]
        assert record.backoffs == by_reason[record.pod, "BackOff"]
        assert record.failures == failed[record.pod]
        if record.started is not None:
            (wanted,) = (each for each in [*spec.pods, *of_sets(spec)] if each.name == record.pod)
            count = len(wanted.spec.containers) + len(wanted.spec.init_containers)
            assert by_reason[record.pod, "Started"] == count == len(record.image_refs)
            assert None not in record.image_refs
            assert record.reason is None
            late = record.deadline is not None and record.started > record.created + record.deadline
            assert record.missed == late
    for record in result.pulls:
        assert record.ok == (record.error is None) == (record.cause is None) == (record.image_ref is not None)
        own = [
            each
            for each in result.layers
            if (each.node, each.pod, each.image) == (record.node, record.pod, record.image)
        ]
        if record.ok:
            assert record.layers_fetched <= record.layers
            assert len(own) >= record.layers_fetched
            assert record.size > 0 or record.layers > 0


def of_sets(spec):
    return [
        Pod(f"{each.name}-{node_.name}", each.namespace, each.name, each.spec)
        for each in spec.daemon_sets
        for node_ in spec.nodes
    ]


@sometimes
@given(worlds(horizon=False))
def test_bytes_are_conserved(spec):
    """Documents have no bytes here."""
    result = simulate(spec)
    assert sum(each.downloaded for each in result.pulls) == sum(each.downloaded for each in result.layers)
    whole = [each for each in result.layers if each.source != "local" and each.committed is not None]
    assert sum(each.layers_fetched for each in result.pulls) == len(whole)
    hosts = {each.host for each in spec.registries}
    assert {each.source for each in result.layers} <= {*hosts, "local"}
    sad = {each.node for each in result.pulls if not each.ok}
    sad |= {each.name for each in spec.nodes if isinstance(each.spec.runtime, CrioSpec)}  # it waits for no other's
    for (name, _), times in fetches(result).items():
        assert times == 1 or name in sad


@sometimes
@given(worlds(horizon=False, faulty=False, missing=False, policies=("IfNotPresent", "Always")))
def test_every_pod_starts_when_nothing_is_wrong(spec):
    result = simulate(spec)
    assert result.ended == "settled"
    if all(each.node is not None for each in result.pods):
        assert all(each.started is not None for each in result.pods)
        assert result.end == max(each.started for each in result.pods)
    assert {each.cause for each in result.pulls} <= {None, "qps"}
    if not any(isinstance(each.spec.runtime, CrioSpec) for each in spec.nodes):
        assert set(fetches(result).values()) <= {1}


@sometimes
@given(worlds(horizon=False, missing=False, policies=("IfNotPresent", "Always")))
def test_every_pod_starts_when_the_faults_are_over(spec):
    result = simulate(spec)
    assert all(each.started is not None for each in result.pods if each.node is not None)


@sometimes
@given(worlds())
def test_no_link_carries_more_than_it_can(spec):
    result = simulate(spec)
    capacity = {each.host: each.egress for each in spec.registries}
    for sample in result.links:
        assert sample.capacity == capacity[sample.link]
        assert -1e-6 <= sample.bytes_per_second <= sample.capacity * (1 + 1e-9)


@sometimes
@given(worlds())
def test_slots_and_tokens_are_kept_to(spec):
    result = simulate(spec)
    of = {each.name: each.spec for each in spec.nodes}
    for record in result.pulls:
        config = of[record.node].kubelet
        most = 1 if config.serialize_image_pulls else config.max_parallel_image_pulls or len(result.pulls)
        middle = (record.started + record.ended) / 2
        beside = [x for x in result.pulls if x.node == record.node and x.started < middle < x.ended]
        assert len(beside) <= most
    for record in result.layers:
        runtime = of[record.node].runtime
        middle = (record.requested + record.fetched) / 2
        beside = [
            x
            for x in result.layers
            if x.node == record.node and x.source != "local" and x.requested < middle < x.fetched
        ]
        crio = isinstance(runtime, CrioSpec)
        if crio or runtime.version < (2, 1):
            beside = [x for x in beside if (x.pod, x.image) == (record.pod, record.image)]
        assert len(beside) <= (6 if crio else runtime.max_concurrent_downloads)


@settings(sometimes, max_examples=EXAMPLES // 2)
@given(worlds())
def test_the_same_spec_gives_the_same_rows(spec):
    first, second = simulate(spec), simulate(spec)
    for kind in ("end", "ended", "events", "pulls", "layers", "pods", "links"):
        assert repr(getattr(first, kind)) == repr(getattr(second, kind))


@settings(sometimes, max_examples=EXAMPLES // 2)
@given(worlds(pinned=True), st.booleans())
def test_one_more_node_does_not_disturb_the_others(spec, before):
    """An idle node more, named before or after the others: all draws stay."""
    spare = Node("a-0" if before else "z-9", spec.nodes[0].spec)
    if spec.daemon_sets:
        spec = replace(spec, daemon_sets=())
    more = replace(spec, nodes=(spare, *spec.nodes) if before else (*spec.nodes, spare))
    first, second = simulate(spec), simulate(more)
    for kind in ("end", "ended", "events", "pulls", "layers", "pods", "links"):
        assert getattr(first, kind) == getattr(second, kind)


@settings(sometimes, max_examples=EXAMPLES // 2)
@given(worlds())
def test_what_is_kept_does_not_change_what_happens(spec):
    everything, little = simulate(spec, detail="layers"), simulate(spec, detail="pods")
    assert (everything.pods, everything.end, everything.ended) == (little.pods, little.end, little.ended)
