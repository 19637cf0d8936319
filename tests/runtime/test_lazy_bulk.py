"""Requests of a lazy snapshotter that are taken together, against one simulated request after the other.

A registry that may have a fault, long after everything is over, is one that looks at each request.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.reads import Reads
from pullsim.spec.lazy import BackgroundSpec, LazySpec
from pullsim.spec.registry import BlobHost, Fault, Limit
from tests.support.world import (
    FAST,
    RATE,
    SERIAL,
    UNIT,
    catalog,
    containerd,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run,
)

SPEC = LazySpec(UNIT // 8, 1, verifies=False, gzip=False)
GZIP = replace(SPEC, gzip=True)
INFLATE = RATE / 8 / 150e6  # seconds of a core for a unit of gzip
WAIT = 1 / 16
LOOKED_AT = Fault(1e6, 1.0, of="blobs")


def ready(content, spec=SPEC, reads=None, *, nodes=1, every=0.0, cores=64, egress=FAST, each=FAST, single=False):
    """Seconds from each pod's start until it is ready, one pod a node."""
    runtime = replace(containerd(), snapshotter="stargz", local_pull=True, lazy={"stargz": spec})
    wanted = [pod(f"p{n}", named("a:1"), at=every * n, node=f"n-{n}") for n in range(nodes)]
    wanted = [replace(each, spec=replace(each.spec, reads=reads or Reads())) for each in wanted]
    source = registry(blob_host=BlobHost(0.0, egress, each, WAIT), egress=FAST, faults=(LOOKED_AT,) if single else ())
    on = node(runtime, kubelet=SERIAL, cores=cores)
    result = run(wanted, on, nodes=nodes, registries=[source], images=catalog({"a:1": image(*content)}))
    assert sum(row.requests for row in result.reads) <= result.registries[0].ranges
    return [row.ready - row.started for row in result.pods], result.registries[0]


@pytest.mark.parametrize(("readers", "cores"), [(1, 1), (4, 1), (4, 64), (16, 2), (16, 64)])
@pytest.mark.parametrize("nodes", [1, 3])
def test_readers_share_the_registry_and_their_cores_request_by_request(readers, cores, nodes):
    """All of them wait for the first byte, then all share the link, then each node's share its cores."""
    (first, *others), _ = ready(
        [layer("x", 8.0, 16.0)], GZIP, Reads(concurrency=readers), nodes=nodes, cores=cores, egress=RATE
    )
    cycle = WAIT + nodes * readers / 16 + INFLATE * readers / min(readers, cores)
    assert first == pytest.approx(128 / readers * cycle)
    assert others == pytest.approx([first] * (nodes - 1))


def test_a_connection_has_its_own_limit():
    (seconds,), _ = ready([layer("x", 8.0, 16.0)], reads=Reads(concurrency=4), egress=8 * RATE, each=RATE / 2)
    assert seconds == pytest.approx(32 * (WAIT + 1 / 8 + RATE / 8 / 1e9))


@pytest.mark.parametrize(("of", "single"), [("blobs", True), ("requests", True), ("manifests", False)])
def test_a_quota_sees_each_request_that_it_is_of(of, single):
    """64 requests of one connection, of which a registry that redirects nowhere refuses some after the first 40."""
    runtime = replace(containerd(), snapshotter="stargz", local_pull=True, lazy={"stargz": replace(SPEC, retries=9)})
    wanted = pod("p", named("a:1"))
    wanted = replace(wanted, spec=replace(wanted.spec, reads=Reads()))
    source = registry(limits=(Limit(requests=40, per=60.0, of=of, by="registry"),))
    result = run(
        [wanted],
        node(runtime, kubelet=SERIAL),
        registries=[source],
        images=catalog({"a:1": image(layer("x", 4.0, 8.0))}),
    )
    assert bool(result.registries[0].limited) is single
    assert sum(row.requests for row in result.reads) == 64
    assert (result.pods[0].ready > 30.0) is single


SIZES = st.lists(st.sampled_from([0.3, 1.0, 1.0, 2.5, 6.0]), min_size=1, max_size=3)
READS = st.builds(
    Reads,
    share=st.sampled_from([0.1, 0.3, 1.0, 1.0]),
    concurrency=st.sampled_from([1, 2, 2, 5, 16]),
    order=st.sampled_from(["sequential", "sequential", "random"]),
    size=st.just(UNIT // 8),
)


@settings(max_examples=30)
@given(
    sizes=SIZES,
    ratio=st.sampled_from([1.0, 2.0]),
    spec=st.sampled_from([SPEC, GZIP]),
    reads=READS,
    nodes=st.sampled_from([1, 2, 3]),
    cores=st.sampled_from([2, 64]),
    rates=st.tuples(st.sampled_from([FAST, RATE, RATE, 4 * RATE]), st.sampled_from([FAST, RATE, RATE / 2])),
)
def test_nodes_that_start_together_are_ready_when_they_are_request_by_request(
    sizes, ratio, spec, reads, nodes, cores, rates
):
    content = [layer(str(n), size, size * ratio) for n, size in enumerate(sizes)]
    more = {"nodes": nodes, "cores": cores, "egress": rates[0], "each": rates[1]}
    together, of_all = ready(content, spec, reads, **more)
    one_by_one, of_each = ready(content, spec, reads, single=True, **more)
    assert (of_all.ranges, of_all.sent) == (of_each.ranges, of_each.sent)
    assert together == pytest.approx(one_by_one, rel=1e-4)


@settings(max_examples=15)
@given(
    sizes=SIZES,
    reads=READS,
    workers=st.sampled_from([0, 1, 4]),
    nodes=st.sampled_from([1, 2]),
    every=st.sampled_from([0.0, 0.3, 1.0]),
    egress=st.sampled_from([FAST, RATE, 4 * RATE]),
)
def test_nodes_out_of_step_and_what_comes_in_the_background_take_much_the_same_time(
    sizes, reads, workers, nodes, every, egress
):
    """Who waits while another one's bytes come is not the same then; all that is fetched is."""
    spec = replace(SPEC, background=BackgroundSpec(workers) if workers else None)
    content = [layer(str(n), size, 2 * size) for n, size in enumerate(sizes)]
    together, of_all = ready(content, spec, reads, nodes=nodes, every=every, egress=egress)
    one_by_one, of_each = ready(content, spec, reads, nodes=nodes, every=every, egress=egress, single=True)
    if reads.share == 1.0:
        assert (of_all.ranges, of_all.sent) == (of_each.ranges, of_each.sent)
    assert together == pytest.approx(one_by_one, rel=0.5, abs=0.5)
