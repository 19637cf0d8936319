"""Shared links as pulls meet them: egress, connections, NICs, and what is said to limit a download."""

from __future__ import annotations

import math

import pytest

from pullsim.spec.cluster import Node
from pullsim.spec.registry import Fault
from tests.support.outcome import ended, layers, pull, row, stages
from tests.support.world import HOST, RATE, containerd, image, layer, named, node, pod, registry, run

OLD = containerd((2, 0), 3)


def single(name, fetch=1.0):
    return image(layer(name, fetch))


def many(name, count, fetch=1.0):
    return image(*(layer(f"{name}{n}", fetch) for n in range(count)))


def on(number, name, **given):
    return pod(name, named(f"{name}:1"), node=f"n-{number}", **given)


def go(images, wanted, *, source=None, nodes=1, runtime=OLD, **spec):
    return run(wanted, node(runtime, **spec), nodes=nodes, registries=source or [registry()], images=images)


def limits(record):
    """Seconds of a layer's download by what limited them."""
    return {kind: round(getattr(record, kind), 6) for kind in ("egress", "connection", "nic") if getattr(record, kind)}


@pytest.mark.parametrize("nodes", [1, 2, 5, 20])
def test_nodes_share_a_registrys_egress_equally(nodes):
    names = [f"p{n}" for n in range(nodes)]
    result = go(
        {f"{name}:1": single(name) for name in names}, [on(n, name) for n, name in enumerate(names)], nodes=nodes
    )
    assert list(ended(result).values()) == pytest.approx([float(nodes)] * nodes)


def test_a_late_node_takes_its_share_from_then_on():
    """a alone for 1 s; both for 2 s each of 1 s; a alone again."""
    images = {"a:1": single("a", 4.0), "b:1": single("b", 1.0)}
    result = go(images, [on(0, "a"), on(1, "b", at=1.0)], nodes=2)
    assert ended(result) == {"b": pytest.approx(3.0), "a": pytest.approx(5.0)}


def test_the_share_is_of_a_connection_not_of_a_node():
    """The lab's finding 7: one layer beside three is a third as fast as the other node, a quarter of the link."""
    images = {"one:1": single("one"), "ten:1": many("ten", 10)}
    result = go(images, [on(0, "one"), on(1, "ten")], nodes=2)
    assert pull(result, "one").ended == pytest.approx(4.0)
    assert [each.fetched for each in layers(result, "ten")][:3] == pytest.approx([4.0] * 3)
    assert pull(result, "ten").ended == pytest.approx(11.0)


def test_the_labs_case_of_two_nodes():
    """50 MB in a layer beside ten layers of 10 MB on three connections, 400 Mbit/s: 3.15 s to the last byte."""
    images = {"s1:1": image(layer("s1", 0.5)), "s10:1": many("s10", 10, 0.1)}
    result = go(images, [on(0, "s1"), on(1, "s10")], source=[registry(egress=50e6, goodput=0.957)], nodes=2)
    assert max(each.fetched for each in result.layers) == pytest.approx(3.15, rel=0.03)


@pytest.mark.parametrize(
    ("egress", "cap", "connections", "seconds", "limit"),
    [
        (1.0, 0.2, 1, 5.0, "connection"),
        (1.0, 0.2, 3, 5.0, "connection"),
        (0.5, 0.2, 3, 6.0, "egress"),
        (1.0, 0.5, 3, 3.0, "egress"),
        (math.inf, 0.2, 3, 5.0, "connection"),
    ],
)
def test_a_connection_may_have_a_cap(egress, cap, connections, seconds, limit):
    """In units of RATE."""
    source = [registry(egress=egress * RATE, per_connection=cap * RATE)]
    result = go({"a:1": many("a", connections)}, [on(0, "a")], source=source)
    assert pull(result, "a").ended == pytest.approx(seconds)
    assert stages(pull(result, "a")) == {f"download_{limit}": pytest.approx(seconds)}
    assert all(limits(each) == {limit: pytest.approx(seconds)} for each in result.layers)


def test_what_capped_connections_leave_goes_to_the_others():
    """Two registries on one NIC of RATE: the capped connection takes 0.2, the other 0.8."""
    images = {"a:1": single("a", 2.0), "other.test/b:1": image(layer("b", 0.8))}
    source = [registry(per_connection=0.2 * RATE), registry("other.test", egress=10 * RATE)]
    result = go(images, [on(0, "a"), pod("b", "other.test/b:1")], source=source, nic=RATE)
    assert ended(result) == {"b": pytest.approx(1.0), "a": pytest.approx(10.0)}
    assert stages(pull(result, "a")) == {"download_connection": pytest.approx(10.0)}
    assert stages(pull(result, "b")) == {"download_nic": pytest.approx(1.0)}


@pytest.mark.parametrize("egress", [RATE, 0.6 * RATE, math.inf])
def test_a_nic_limits_the_sum_of_a_nodes_connections(egress):
    source = [registry(egress=egress)]
    result = go({"a:1": many("a", 3)}, [on(0, "a")], source=source, nic=0.5 * RATE)
    assert pull(result, "a").ended == pytest.approx(6.0)
    assert stages(pull(result, "a")) == {"download_nic": pytest.approx(6.0)}


def test_what_a_slow_node_leaves_goes_to_the_others():
    """NICs of 0.2 and 5 on an egress of 1."""
    images = {"a:1": single("a"), "b:1": single("b", 1.6)}
    nodes = [Node("n-0", node(OLD, nic=0.2 * RATE)), Node("n-1", node(OLD, nic=5 * RATE, pool="m"))]
    result = run([on(0, "a"), on(1, "b")], nodes, registries=[registry()], images=images)
    assert ended(result) == {"b": pytest.approx(2.0), "a": pytest.approx(5.0)}
    assert stages(pull(result, "a")) == {"download_nic": pytest.approx(5.0)}
    assert stages(pull(result, "b")) == {"download_egress": pytest.approx(2.0)}


def test_a_limit_that_changes_while_a_download_lasts():
    """NICs of 0.6: a alone 0-1 (NIC), with b 1-3 (egress, half each), alone again until 7."""
    images = {"a:1": single("a", 4.0), "b:1": single("b", 1.0)}
    result = go(images, [on(0, "a"), on(1, "b", at=1.0)], nodes=2, nic=0.6 * RATE)
    assert ended(result) == {"b": pytest.approx(3.0), "a": pytest.approx(7.0)}
    assert limits(layers(result, "a")[0]) == {"egress": pytest.approx(2.0), "nic": pytest.approx(5.0)}
    assert limits(layers(result, "b")[0]) == {"egress": pytest.approx(2.0)}
    assert stages(row(result, "a")) == {"download_egress": pytest.approx(2.0), "download_nic": pytest.approx(5.0)}


def test_two_registries_have_links_of_their_own():
    images = {"a:1": single("a"), "other.test/b:1": image(layer("b", 1.0))}
    source = [registry(), registry("other.test", egress=RATE / 2)]
    result = go(images, [on(0, "a"), pod("b", "other.test/b:1", node="n-0")], source=source)
    assert ended(result) == {"a": pytest.approx(1.0), "b": pytest.approx(2.0)}
    assert pull(result, "b").registry == "other.test"


def test_one_nic_and_two_registries():
    """A NIC of 0.6, egress 1 and 0.2: 0.4 and 0.2 by max-min fairness."""
    images = {"a:1": single("a", 0.8), "other.test/b:1": image(layer("b", 0.4))}
    source = [registry(), registry("other.test", egress=0.2 * RATE)]
    result = go(images, [on(0, "a"), pod("b", "other.test/b:1", node="n-0")], source=source, nic=0.6 * RATE)
    assert ended(result) == {"a": pytest.approx(2.0), "b": pytest.approx(2.0)}
    assert stages(pull(result, "a")) == {"download_nic": pytest.approx(2.0)}
    assert stages(pull(result, "b")) == {"download_egress": pytest.approx(2.0)}


@pytest.mark.parametrize(("egress", "nic"), [(1.0, 100.0), (100.0, 1.0)])
def test_goodput_is_the_payloads_share_of_links_and_nics(egress, nic):
    source = [registry(egress=egress * RATE, goodput=0.5)]
    result = go({"a:1": single("a")}, [on(0, "a")], source=source, nic=nic * RATE)
    assert pull(result, "a").ended == pytest.approx(2.0)


def test_seconds_of_a_layer_by_limit_sum_to_its_download():
    images = {name: many(name, 4) for name in ("a:1", "b:1", "c:1")}
    wanted = [on(0, "a"), on(1, "b", at=0.7), on(1, "c", at=1.9)]
    result = go(images, wanted, nodes=2, nic=0.7 * RATE, source=[registry(per_connection=0.4 * RATE)])
    for each in result.layers:
        assert each.egress + each.connection + each.nic == pytest.approx(each.fetched - each.first_byte)


@pytest.mark.parametrize("goodput", [1.0, 0.5])
@pytest.mark.parametrize("window", [14_480, 10**12], ids=["slow start", "no slow start"])
def test_the_egress_meter_counts_every_byte(goodput, window):
    """Payload and what goes with it, slow start included."""
    source = [registry(goodput=goodput, round_trip=0.05, initial_window=window)]
    images = {"a:1": many("a", 3, 0.1), "b:1": many("b", 2, 0.1)}
    result = go(images, [on(0, "a"), on(1, "b")], source=source, nodes=2)
    metered = sum(sample.bytes_per_second * (sample.t1 - sample.t0) for sample in result.links)
    assert metered * goodput == pytest.approx(5 * 0.1 * RATE)


def test_the_egress_meter():
    result = go({"a:1": single("a", 2.5)}, [on(0, "a", at=1.0)])
    assert {sample.link for sample in result.links} == {HOST}
    assert all(sample.capacity == RATE for sample in result.links)
    assert all(0.0 <= sample.bytes_per_second <= RATE * (1 + 1e-9) for sample in result.links)
    at = {sample.t0: sample.bytes_per_second for sample in result.links}
    assert at[1.0] == pytest.approx(RATE)
    metered = sum(sample.bytes_per_second * (sample.t1 - sample.t0) for sample in result.links)
    assert metered == pytest.approx(2.5 * RATE)


def test_a_cancelled_download_leaves_its_share():
    """a fails at 2 (see the pipeline's tests): from then on b has the link for itself."""
    images = {"a:1": image(layer("x", 10), layer("y", 0.5), layer("z", 1)), "b:1": single("b", 3.0)}
    source = [registry(faults=(Fault(0.1, 1.9, image="a:1", status=500),))]
    result = go(images, [on(0, "a"), on(1, "b")], source=source, nodes=2, runtime=containerd((2, 0), 2))
    # three connections until y is there at 1.5; then z fails, x is cancelled, b has 2.5 s left
    assert pull(result, "a", 1).ended == pytest.approx(1.5)
    assert pull(result, "b").ended == pytest.approx(4.0)
