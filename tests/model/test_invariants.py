"""What holds in every world: random small clusters."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullsim.records import KubeletEvent, LayerRecord, PodRecord, PullRecord
from pullsim.run import simulate
from pullsim.spec.cluster import Node, Pod
from pullsim.spec.runtime import CrioSpec
from pullsim.stages import STAGES
from tests.support.outcome import fetches, whole
from tests.support.random_worlds import worlds

EXAMPLES = 60
sometimes = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


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
    """An idle node more, named before or after the others: all draws stay. Why a pod has no node counts the nodes."""
    spare = Node("a-0" if before else "z-9", spec.nodes[0].spec)
    if spec.daemon_sets:
        spec = replace(spec, daemon_sets=())
    more = replace(spec, nodes=(spare, *spec.nodes) if before else (*spec.nodes, spare))
    first, second = simulate(spec), simulate(more)
    for kind in ("end", "ended", "events", "pulls", "layers", "links"):
        assert getattr(first, kind) == getattr(second, kind)
    for one, other in zip(first.pods, second.pods, strict=True):
        assert one == other._replace(message=one.message)


@settings(sometimes, max_examples=EXAMPLES // 2)
@given(worlds())
def test_what_is_kept_does_not_change_what_happens(spec):
    everything, little = simulate(spec, detail="layers"), simulate(spec, detail="pods")
    assert (everything.pods, everything.end, everything.ended) == (little.pods, little.end, little.ended)
