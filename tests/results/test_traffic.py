"""Bytes by the class of the links that they took, and whether they crossed zones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import pullsim
from pullsim.errors import InputError, InputErrors
from pullsim.network.traffic import Traffic

ZONES = st.sampled_from([None, "a", "b"])


def scenario(registry, *, zones=("a", "b"), **keys):
    """Return a scenario of two nodes, each of which pulls one image of a layer of 10 MB from one registry."""
    return pullsim.from_mapping(
        {
            "images": {"define": [{"image": "r.test/app:1", "layers": [{"size": "10MB"}]}]},
            "registries": [{"host": "r.test", **registry}],
            "nodes": [{"name": "n", "count": 2, "zones": list(zones), **keys}],
            "workloads": [{"name": "app", "pods": {"image": "r.test/app:1", "count": 2}}],
            "placement": "spread",
        }
    )


def rows(registry, **keys):
    return pullsim.run(scenario(registry, **keys)).traffic


@pytest.mark.parametrize("runtime", [{"containerd": "2.1"}, {"crio": "1.33"}])
def test_every_byte_that_a_registry_sends_is_of_one_class(runtime):
    result = pullsim.run(scenario({"link": "nat", "zone": "a"}, runtime=runtime))
    assert [(row.receiver, row.host, row.link, row.cross_zone) for row in result.traffic] == [
        ("n-0000", "r.test", "nat", False),
        ("n-0001", "r.test", "nat", True),
    ]
    assert sum(row.bytes for row in result.traffic) == result.registries[0].sent
    assert all(10e6 < row.bytes < 10.1e6 for row in result.traffic)


def test_a_run_without_classes_counts_nothing():
    assert rows({}) == []
    assert len(rows({"link": "internet"})) == 2
    assert len(rows({"blobHost": {"link": "egress"}})) == 4


def test_a_store_with_a_class_of_its_own_is_in_no_zone():
    found = rows({"link": "nat", "zone": "a", "blobHost": {"link": "free"}})
    layers = [row for row in found if row.link == "free"]
    assert [row.cross_zone for row in layers] == [False, False]
    assert min(row.bytes for row in layers) >= 10_000_000
    documents = [row for row in found if row.link == "nat"]
    assert [row.cross_zone for row in documents] == [False, True]
    assert max(row.bytes for row in documents) < 100_000
    assert {row.link for row in rows({"link": "nat", "blobHost": {}})} == {"nat"}


def test_what_breaks_off_was_sent_too():
    faults = [{"cut": {"after": "4MB"}, "at": "0s", "for": "1h", "of": "blobs"}]
    result = pullsim.run(scenario({"link": "nat", "faults": faults}))
    assert sum(row.bytes for row in result.traffic) == result.registries[0].sent


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("xy"), ZONES, st.sampled_from("pq"), ZONES, st.integers(0, 3)), max_size=12))
def test_an_account_is_the_sum_of_what_was_added(added):
    traffic = Traffic()
    first = {}
    for receiver, zone, host, other, amount in added:
        first.setdefault(receiver, zone)  # a receiver does not move
        traffic.inbound(receiver, zone).add(host, "peer", other, amount)
    found = {row[:4]: row.bytes for row in traffic.records()}
    expected = {}
    for receiver, _, host, other, amount in added:
        key = receiver, host, "peer", None not in (first[receiver], other) and first[receiver] != other
        expected[key] = expected.get(key, 0) + amount
    assert found == expected


@pytest.mark.parametrize(
    ("registry", "text"),
    [
        ({"link": "wire"}, "not one of free, nat, crossZone, egress, peer, internet"),
        ({"link": "crossZone", "zone": "a"}, "link: crossZone goes without zone"),
        ({"zone": ""}, "zone"),
        ({"blobHost": {"link": 3}}, "link"),
    ],
)
def test_wrong_classes_are_refused(registry, text):
    with pytest.raises((InputError, InputErrors, ValidationError), match=text):
        scenario(registry)


def test_a_zone_among_nodes_without_any_is_warned_of():
    given = scenario({"zone": "a"}, zones=())
    assert given.assemble().warnings == ("r.test: a zone says nothing where no node has one: give nodes[].zones",)
    assert scenario({"zone": "a"}).assemble().warnings == ()


def test_the_table_of_traffic_has_a_row_a_receiver_and_class():
    frame = pullsim.results.traffic(pullsim.run(scenario({"link": "nat", "zone": "a"})))
    assert list(frame.columns) == ["receiver", "host", "link", "cross_zone", "bytes"]
    assert frame["cross_zone"].tolist() == [False, True]
