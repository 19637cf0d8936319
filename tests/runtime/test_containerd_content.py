"""What containerd fetches, of what it has and what others fetch; platforms, tags, pulls that fail."""

from __future__ import annotations

import math

import pytest

from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Index
from pullsim.spec.cluster import Node
from pullsim.spec.registry import Fault
from tests.support.outcome import ended, fetches, layers, messages, pull, row, stages, started, times, whole
from tests.support.world import (
    AMD64,
    ARM64,
    BOTH,
    FAR,
    HOST,
    NAME,
    NEW,
    OLD,
    RATE,
    catalog,
    containerd,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run,
    run_containerd,
)

AT_HALF = [pod("a", NAME), pod("b", named("b:1"), at=0.5)]


# ---------------------------------------------------------------- what is fetched


@BOTH
def test_only_layers_above_the_first_missing_chain_id_are_fetched(version):
    images = {
        "a:1": image(layer("x", 1, 1), layer("y", 2, 1)),
        "b:1": image(layer("x", 1, 1), layer("y", 2, 1), layer("z", 3, 1)),
        "c:1": image(layer("x", 1, 1)),
    }
    wanted = [pod(name, named(f"{name}:1"), at=100.0 * n) for n, name in enumerate("abc")]
    result = run_containerd(images, wanted, spec=node(containerd(version)))
    assert [(each.pod, each.position) for each in result.layers] == [("a", 0), ("a", 1), ("b", 2)]
    assert (pull(result, "b").layers, pull(result, "b").layers_fetched) == (3, 1)
    assert pull(result, "b").ended == pytest.approx(104.0)
    assert pull(result, "c").ended == pytest.approx(200.0)
    assert pull(result, "c").downloaded == 0
    assert stages(pull(result, "c")) == {}


@BOTH
def test_a_blob_at_another_chain_position_is_unpacked_again_but_not_fetched_again(version):
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1)), "b:1": image(layer("w", 1, 1), layer("y", 2, 1))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=100.0)]
    result = run_containerd(images, wanted, spec=node(containerd(version)))
    assert [each.source for each in layers(result, "b")] == [HOST, "local"]
    assert pull(result, "b").ended == pytest.approx(103.0)  # w: 1 + 1, y: 1
    assert pull(result, "b").downloaded == RATE
    assert layers(result, "b")[1].size == 2 * RATE
    assert layers(result, "b")[1].unpack_ended == pytest.approx(103.0)


@BOTH
def test_a_blob_that_another_pull_fetches_is_waited_for(version):
    """a: x, y from 0 on; b: w from 0.5 on, and y with a. Three connections: x and w end at 2.75 and 3.25, y at 4."""
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1)), "b:1": image(layer("w", 1, 1), layer("y", 2, 1))}
    result = run_containerd(images, AT_HALF, spec=node(containerd(version, 4)))
    assert [each.fetched for each in layers(result, "a")] == pytest.approx([2.75, 4.0])
    assert [each.fetched for each in layers(result, "b")] == pytest.approx([3.25, 4.0])
    assert [each.source for each in layers(result, "b")] == [HOST, "local"]
    assert ended(result) == {"a": pytest.approx(5.0), "b": pytest.approx(5.25)}


def test_to_2_0_a_wait_for_a_blob_takes_a_slot():
    """b has two slots: one waits for y with a, so w and v go one after the other. From 2.1 the lock comes first."""
    images = {"a:1": image(layer("y", 10)), "b:1": image(layer("w"), layer("y", 10), layer("v"))}
    old = run_containerd(images, AT_HALF, spec=node(containerd(OLD, 2)))
    w, _, v = layers(old, "b")
    assert v.requested == pytest.approx(w.fetched)
    new = run_containerd(images, AT_HALF, spec=node(containerd(NEW, 3)))
    w, _, v = layers(new, "b")
    assert w.requested == v.requested == pytest.approx(0.5)


@BOTH
def test_a_shared_base_holds_the_second_pull_until_it_is_unpacked(version):
    """Nothing of b's own is asked for before; the link idles meanwhile."""
    images = {"a:1": image(layer("base", 1, 3), layer("x", 1, 1)), "b:1": image(layer("base", 1, 3), layer("y", 2, 1))}
    result = run_containerd(images, spec=node(containerd(version)))
    # base and x share the link until 2; base is unpacked at 5
    assert layers(result, "a")[0].unpack_ended == pytest.approx(5.0)
    assert [each.position for each in layers(result, "b")] == [1]
    assert layers(result, "b")[0].queued == layers(result, "b")[0].requested == pytest.approx(5.0)
    assert ended(result) == {"a": pytest.approx(6.0), "b": pytest.approx(8.0)}
    assert stages(pull(result, "b")) == {"lock": 5.0, "download_egress": 2.0, "unpack_cpu": 1.0}


@BOTH
def test_a_shared_base_is_handed_from_layer_to_layer(version):
    shared = [layer("x", 1, 2), layer("y", 1, 2)]
    images = {name: image(*shared, layer(name, 1, 1)) for name in ("a:1", "b:1", "c:1")}
    result = run_containerd(images, spec=node(containerd(version)))
    assert fetches(result).most_common(1)[0][1] == 1
    base = layers(result, "a")[1].unpack_ended
    assert layers(result, "b")[0].queued == layers(result, "c")[0].queued == pytest.approx(base)


@BOTH
@pytest.mark.parametrize("late", [0.0, 0.5, 1.5, 3.9])
def test_the_same_image_twice_is_fetched_once_and_both_pulls_end_together(version, late):
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1))}
    wanted = [pod("p", named("a:1")), pod("q", named("a:1"), at=late)]
    result = run_containerd(images, wanted, spec=node(containerd(version)))
    alone = run_containerd(images, [pod("p", named("a:1"))], spec=node(containerd(version)))
    assert ended(result) == {name: pytest.approx(ended(alone)["p"]) for name in "pq"}
    assert len(result.layers) == 2
    assert (pull(result, "q").downloaded, pull(result, "q").layers_fetched) == (0, 0)
    assert stages(pull(result, "q")) == {"lock": pytest.approx(ended(alone)["p"] - late)}


def test_nodes_share_nothing():
    images = {"a:1": image(layer("x", 1, 1))}
    wanted = [pod("p", named("a:1"), node="n-0"), pod("q", named("a:1"), node="n-1")]
    result = run_containerd(images, wanted, nodes=2)
    assert ended(result) == {"p": pytest.approx(3.0), "q": pytest.approx(3.0)}
    assert set(fetches(result).values()) == {1}
    assert len(fetches(result)) == 2


def test_the_order_of_three_pulls_that_wait_for_one_base_is_first_come_first_served():
    images = {f"{name}:1": image(layer("base", 1, 3), layer(name, 2, 1)) for name in "abc"}
    wanted = [pod(name, named(f"{name}:1"), at=0.1 * n) for n, name in enumerate("abc")]
    result = run_containerd(images, wanted, spec=node(containerd(NEW, 1)))
    assert list(ended(result)) == ["a", "b", "c"]


# ---------------------------------------------------------------- a layer that fails


def failing_at(at, until, status=500):
    return registry(faults=(Fault(at, until - at, status=status),))


@pytest.mark.parametrize(
    ("collect_after", "seconds", "fetched"),
    [
        (math.inf, 4.0, {1}),  # the second attempt has x: 3 s of unpacking, y meanwhile
        (11.0, 4.0, {1}),  # x is used again before it would be collected
        (10.0, 5.0, {1, 2}),  # nothing is left when the kubelet tries again
        (1.0, 5.0, {1, 2}),
    ],
)
def test_a_layer_that_fails_fails_the_pull_and_finished_blobs_wait_for_their_collection(
    collect_after, seconds, fetched
):
    """One connection: x is there at 1, y's request fails. The kubelet tries again at 11."""
    images = {"a:1": image(layer("x", 1, 3), layer("y", 3, 1))}
    spec = node(containerd(OLD, 1, collect_after=collect_after))
    result = run_containerd(images, spec=spec, source=failing_at(0.5, 5.0))
    first, second = pull(result, "a", 1), pull(result, "a", 2)
    assert (first.ok, first.ended, first.cause) == (False, pytest.approx(1.0), "serverError")
    assert stages(first) == {"download_egress": 1.0}
    assert (second.ok, second.started, second.ended) == (True, pytest.approx(11.0), pytest.approx(11.0 + seconds))
    assert (first.layers_fetched, second.layers_fetched) == (1, 1 if fetched == {1} else 2)
    assert second.downloaded == (3 if fetched == {1} else 4) * RATE
    assert set(fetches(result).values()) == fetched
    assert (first.refetched, second.refetched) == (0, 0 if fetched == {1} else RATE)


@BOTH
def test_a_layer_that_fails_cancels_the_others(version):
    """Two connections; the third request fails when the first small layer is there, at 2, and x is cancelled."""
    images = {"a:1": image(layer("x", 10, 3), layer("y", 1, 1), layer("z", 1, 1)), "b:1": image(layer("w", 2, 0))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=5.0)]
    result = run_containerd(images, wanted, spec=node(containerd(version, 2)), source=failing_at(0.5, 4.5))
    assert pull(result, "a", 1).ended == pytest.approx(2.0)
    # The link and both slots are free: b has all of it.
    assert pull(result, "b").ended == pytest.approx(7.0)
    assert pull(result, "a", 2).ok


@BOTH
def test_what_limited_a_download_that_was_cancelled(version):
    images = {"a:1": image(layer("x", 10, 3), layer("y", 1, 1), layer("z", 1, 1))}
    result = run_containerd(images, spec=node(containerd(version, 2)), source=failing_at(0.5, 4.5))
    assert stages(pull(result, "a", 1)) == {"download_egress": 2.0}


@BOTH
def test_a_failed_pull_lets_go_of_the_base_that_others_wait_for(version):
    """a fails at 2 while it unpacks the base; b, which waits for it, takes over: the blob is there."""
    images = {"a:1": image(layer("base", 1, 5), layer("x", 1, 1), layer("y", 1, 1)), "b:1": image(layer("base", 1, 5))}
    faults = (Fault(1.5, 3.0, image="a:1", status=500),)
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=0.1)]
    # Two slots: base and another share until 2, the third request fails then
    result = run_containerd(images, wanted, spec=node(containerd(version, 2)), source=registry(faults=faults))
    assert (pull(result, "a", 1).ok, pull(result, "a", 1).ended) == (False, pytest.approx(2.0))
    assert pull(result, "b").ok
    assert pull(result, "a", 2).ok
    assert started(result)["a"] is not None
    assert sum(each.position == 0 and each.source == HOST for each in result.layers) == 1


def test_a_waiting_pull_fetches_the_base_itself_when_the_holder_fails_before_it_has_it():
    images = {
        "a:1": image(layer("base", 9, 0), layer("x", 1), layer("y", 1)),
        "b:1": image(layer("base", 9, 0), layer("z", 1)),
    }
    faults = (Fault(1.5, 3.0, image="a:1", status=500),)
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=0.1)]
    result = run_containerd(images, wanted, spec=node(containerd(OLD, 2)), source=registry(faults=faults))
    assert pull(result, "a", 1).ended == pytest.approx(2.0)
    base = layers(result, "b")[0]
    assert base.source == HOST
    assert base.requested == pytest.approx(2.0)
    assert pull(result, "a", 2).ok
    assert whole(pull(result, "b"))


# ---------------------------------------------------------------- platforms and tags


def test_each_node_pulls_what_is_for_its_platform():
    images = Catalog()
    content = {AMD64: image(layer("amd", 1)), ARM64: image(layer("arm", 2))}
    images.add(named("a:1"), Index.of(content.items(), size=0))
    nodes = [Node("x", node(containerd())), Node("y", node(containerd(), platform=ARM64))]
    result = run(
        [pod("p", NAME, node="x"), pod("q", NAME, node="y")],
        nodes,
        registries=[registry(egress=2 * RATE)],
        images=images,
    )
    assert [each.digest for each in layers(result, "p")] == [content[AMD64].layers[0].digest]
    assert [each.digest for each in layers(result, "q")] == [content[ARM64].layers[0].digest]
    assert row(result, "p").image_refs != row(result, "q").image_refs


def test_an_index_without_the_platform():
    images = Catalog()
    images.add(named("a:1"), Index.of([(ARM64, image(layer("x")))], size=0))
    result = run_containerd(images, [pod("a", NAME)], source=registry(**FAR), horizon=9.0)
    record = pull(result, "a")
    text = f'failed to pull and unpack image "{NAME}": no match for platform in manifest: not found'
    assert record.error == f"rpc error: code = NotFound desc = {text}"
    assert (record.cause, record.ended) == ("platform", pytest.approx(4.0))  # connection, HEAD, connection, index
    assert len(result.layers) == 0


def test_a_manifest_alone_is_taken_on_any_platform():
    result = run_containerd({"a:1": image(layer("x"))}, spec=node(containerd(), platform=ARM64))
    assert pull(result, "a").ok


@BOTH
def test_a_tag_that_moves(version):
    """Who has the old content keeps it, unless the policy is Always."""
    images = catalog({"a:1": image(layer("old", 1))})
    images.add(NAME, image(layer("new", 2)), at=50.0)
    wanted = [
        pod("before", NAME, node="n-0"),
        pod("kept", NAME, at=60.0, node="n-0"),
        pod("other", NAME, at=60.0, node="n-1"),
        pod("always", NAME, at=100.0, node="n-0", policy="Always"),
        pod("after", NAME, at=200.0, node="n-0"),
    ]
    result = run_containerd(images, wanted, spec=node(containerd(version)), nodes=2)
    refs = {each.pod: each.image_refs[0] for each in result.pods}
    assert refs["before"] == refs["kept"] != refs["other"] == refs["always"] == refs["after"]
    assert started(result) == {"before": 1.0, "kept": 60.0, "other": 62.0, "always": 102.0, "after": 200.0}


def test_a_missing_tag_that_comes_to_be():
    images = catalog({"b:1": image(layer("y"))})
    images.add(NAME, image(layer("x", 1)), at=25.0)
    result = run_containerd(images, [pod("a", NAME)])
    assert times(result, "Pulling") == pytest.approx([0.0, 10.0, 30.0])
    assert started(result) == {"a": pytest.approx(31.0)}


def test_images_that_a_node_has_from_the_start_are_not_pulled():
    result = run_containerd({"a:1": image(layer("x", 1, 1))}, spec=node(containerd(), cached=[NAME]))
    assert started(result) == {"a": 0.0}
    assert not result.pulls


def test_the_base_of_a_cached_image_is_not_fetched():
    images = {"a:1": image(layer("base", 5, 5)), "b:1": image(layer("base", 5, 5), layer("y", 1, 1))}
    result = run_containerd(images, [pod("b", named("b:1"))], spec=node(containerd(), cached=[named("a:1")]))
    assert pull(result, "b").ended == pytest.approx(2.0)


def test_a_registry_that_is_not_listed_has_the_defaults():
    images = {"other.test/a:1": image(layer("x", 1, 1))}
    result = run([pod("a", "other.test/a:1")], node(containerd(), nic=10 * RATE), images=images)
    assert pull(result, "a").ok
    assert pull(result, "a").registry == "other.test"
    # TLS: 3 round trips of 1 ms and 3.5 ms; 4 and twice 3.7 ms
    assert stages(pull(result, "a"))["resolve"] == pytest.approx(3e-3 + 3.5e-3 + 4e-3 + 2 * 3.7e-3, abs=1e-6)


def test_what_a_pull_record_says():
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1), documents=(700, 1300))}
    result = run_containerd(images, [pod("p", NAME)])
    record = pull(result, "p")
    assert record.size == 3 * RATE + 2000
    assert record.image_ref in (images["a:1"].digest, images["a:1"].config_digest)
    assert record.registry == HOST
    assert f"Image size: {record.size} bytes." in messages(result, "Pulled")[0]
    assert record.downloaded == 3 * RATE  # of layers
