"""Pull-through caches whose upstream registry fails, limits or denies, and what they forget."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.oci.catalog import Catalog
from pullsim.registry.pull_through.content_store import ContentStore
from pullsim.spec.cluster import Leave, Node
from pullsim.spec.pull_through import CacheSpec, Login
from pullsim.spec.registry import AccessSpec, Account, Cut, Fault, Limit
from tests.support.caches import CONTENT, MIRROR, RUNTIMES, behind, preset, world
from tests.support.outcome import pull
from tests.support.world import HOST, OLD, UNIT, containerd, crio, image, layer, named, node, pod, registry, run


def alone(cache, *, at=(0.0, 100.0), upstream=None, content=CONTENT, runtime=None, images=None, **more):
    """Nodes pull images of the cache itself, behind which one registry is: there is nobody else to ask."""
    spec = replace(cache, upstream="up.test")
    hosts = [registry(HOST, cache=spec), registry("up.test", **(upstream or {}))]
    wanted = [pod(f"p{n}", named("a:1"), at=when, node=f"n-{n}", policy="Always") for n, when in enumerate(at)]
    return run(
        wanted,
        node(runtime or containerd()),
        nodes=len(at),
        registries=hosts,
        images=images or {"a:1": content},
        **more,
    )


# ---------------------------------------------------------------- the upstream registry fails


AFTER = [
    # cache, fault of the upstream registry, cause of the second pull ("": the stored copy was served)
    ("distribution", Fault(at=50.0, status=None), ""),
    ("distribution", Fault(at=50.0, status=404), ""),
    ("distribution", Fault(at=50.0, status=429), ""),
    ("harbor", Fault(at=50.0, status=503), ""),
    ("harbor", Fault(at=50.0, status=429), ""),
    ("harbor", Fault(at=50.0, status=404), "notFound"),
    ("zot", Fault(at=50.0, unreachable=True), ""),
    ("zot", Fault(at=50.0, status=404), ""),
    ("nginx", Fault(at=50.0, status=429), ""),
    ("nginx", Fault(at=50.0, status=404), "notFound"),
    ("ecr-pull-through", Fault(at=50.0, status=404), ""),  # it does not even ask
]


@pytest.mark.parametrize(("name", "fault", "cause"), AFTER)
@RUNTIMES
def test_what_is_stored_is_served_after_a_failure_as_the_program_does(name, fault, cause, runtime):
    result = alone(preset(name), upstream={"faults": (fault,)}, runtime=runtime, horizon=200.0)
    assert pull(result, "p0").ok
    assert (pull(result, "p1").cause or "") == cause


COLD = [
    # cache, fault, cause for a node when nothing is stored
    ("distribution", Fault(status=429), "notFound"),  # the tag is unknown
    ("harbor", Fault(status=429), "tooManyRequests"),
    ("nginx", Fault(status=503), "serverError"),
    ("nginx", Fault(status=None), "serverError"),  # 502
    ("zot", Fault(status=503), "notFound"),
    ("zot", Fault(status=503, of="blobs"), "notFound"),
]


@pytest.mark.parametrize(("name", "fault", "cause"), COLD)
def test_what_a_node_is_told_when_nothing_is_stored(name, fault, cause):
    result = alone(preset(name), at=(0.0,), upstream={"faults": (fault,)}, horizon=5.0)
    assert pull(result, "p0").cause == cause


def test_a_mirror_that_cannot_help_is_passed_by():
    """The quota of the cache's address is used up after one manifest; the node has one of its own."""
    limit = Limit(per=1000.0, requests=1, message="enough")
    images = {f"{name}:1": image(layer(name, 1)) for name in "ab"}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=10.0)]
    result = run(wanted, node(containerd()), registries=behind(preset("distribution"), limits=(limit,)), images=images)
    assert [row.source for row in result.layers] == [MIRROR, MIRROR]  # layers have no quota
    assert [(each.manifests, each.limited) for each in result.registries if each.host == HOST] == [(8, 6)]


def test_the_quota_is_of_the_address_of_the_cache():
    """Behind one NAT address with the nodes it shares their quota; with its own it has one for itself."""
    limit = Limit(per=1000.0, requests=2, by="address")
    for address, refused in (("nat", True), (None, False)):
        hosts = behind(replace(preset("distribution"), address=address), limits=(limit,))
        spec = replace(node(containerd()), address="nat")
        taken = [pod(name, named(f"{name}:1"), at=at) for name, at in (("a", 0.0), ("b", 10.0), ("c", 20.0))]
        images = {f"{name}:1": image(layer(name, 1)) for name in "abc"}
        result = run(taken, spec, registries=hosts, images=images, horizon=25.0)
        assert pull(result, "c").ok is not refused


@pytest.mark.parametrize(
    ("login", "cause"), [(Login("bot", "secret"), ""), (Login("bot", "wrong"), "unauthorized"), (None, "unauthorized")]
)
def test_the_cache_asks_as_its_own_user(login, cause):
    access = AccessSpec((Account("bot", "secret"),))
    cache = CacheSpec(credentials=login)
    result = alone(cache, at=(0.0,), upstream={"access": access, "auth": "basic"}, horizon=5.0)
    known = login == Login("bot", "secret")
    assert pull(result, "p0").ok is known
    sent = next(each.sent for each in result.registries if each.host == "up.test")
    assert sent == CONTENT.total_size * known


def test_a_body_that_breaks_off_upstream_breaks_off_for_the_node_which_resumes_it():
    """What the node resumes streams through too, and nothing of it is stored."""
    cut = Fault(cut=Cut(share=0.5), duration=1.5, of="blobs")
    result = alone(CacheSpec(), at=(0.0,), content=image(layer("x", 2)), upstream={"faults": (cut,)})
    assert pull(result, "p0").ok
    assert (result.caches[0].received, result.caches[0].stored) == (2 * UNIT, 0)


@pytest.mark.parametrize(
    ("fill", "finishes", "again"),
    [("streamThrough", False, True), ("streamThrough", True, False), ("storeThenServe", False, False)],
)
def test_a_stream_ends_with_its_node_and_a_fill_goes_on(fill, finishes, again):
    """A second node waits for a blob that the first one began, which leaves: it begins anew, or gets what is there."""
    staying = node(containerd())
    leaving = replace(staying, pool="m", leave=Leave(0.1, 1e6))
    wanted = [pod("a", named("a:1"), node="m"), pod("b", named("a:1"), at=1.0, node="n")]
    images = {"a:1": image(layer("x", 250))}
    nodes = Node("m", leaving), Node("n", staying)
    hosts = behind(CacheSpec(fill=fill, coalesce="blob", finishes=finishes))
    result = run(wanted, nodes, registries=hosts, images=images, horizon=5000.0)
    left = result.departures[0].t
    assert 0.0 < left < 250.0
    assert pull(result, "b").ended == pytest.approx(250.0 + left * again)
    assert result.caches[0].received == pytest.approx((250.0 + left * again) * UNIT)


def test_the_end_of_an_outage_is_the_end_of_the_pods_waiting():
    down = Fault(at=0.0, duration=15.0, status=503)
    result = alone(preset("nginx"), at=(0.0,), upstream={"faults": (down,)})
    assert [record.ok for record in result.pulls] == [False, False, True]
    assert all(each.started is not None for each in result.pods)


SLOW = [
    # containerd, seconds until zot has the image, seconds of the pull, who had it in the end
    ((2, 3), 20, 20, MIRROR),
    # No header in 30 s: the registry says what the tag is, and 30 s later it gives the manifest. The blob is not at the
    # cache yet, so that it comes from the registry, whose egress both share until the cache has its other 40 s of it.
    ((2, 3), 100, 60 + 2 * 40 + 60, HOST),
    ((2, 2), 60, 60, MIRROR),  # no header timeout yet
    ((2, 2), 400, 400, MIRROR),  # the transfer service watches what it downloads only
]


@pytest.mark.parametrize(("version", "size", "took", "source"), SLOW)
def test_a_client_waits_for_a_header_as_long_as_its_release_does(version, size, took, source):
    content = image(layer("x", size))
    result = world(preset("zot"), at=(0.0,), runtime=containerd(version), content=content)
    record = pull(result, "p0")
    assert record.ended - record.started == pytest.approx(took, abs=0.1)
    assert record.registry == source


def test_the_cri_plugin_gives_up_a_pull_whose_manifest_does_not_come_and_finds_the_image_later():
    """image_pull_progress_timeout, 300 s, checked every 10 s; the cache goes on, and the second attempt waits."""
    content = image(layer("x", 400))
    result = world(preset("zot"), at=(0.0,), runtime=containerd(OLD), content=content)
    first, second = result.pulls
    assert (first.ok, second.ok) == (False, True)
    assert 300.0 < first.ended <= 320.0
    assert "context canceled" in first.error
    assert second.ended == pytest.approx(400.0, abs=0.1)
    assert result.caches[0].received == 400 * UNIT


# ---------------------------------------------------------------- what it forgets

FORGETS = [
    # cache, images from upstream of nodes at 0, 100 and 200 s
    (CacheSpec(), 1),
    (CacheSpec(ttl=0.0), 3),
    (CacheSpec(ttl=50.0), 3),
    (CacheSpec(ttl=150.0), 2),
    (CacheSpec(size=0.0), 3),
    (CacheSpec(size=UNIT), 1 + 2 * 2 / 3),  # the layer of 2 s is never kept
    (CacheSpec(size=0.0, fill="storeThenServe", coalesce="image"), 3),  # gone when a node asks, which asks the registry
    (CacheSpec(size=0.0, fill="backgroundCopy"), 6),
]


@pytest.mark.parametrize(("cache", "images"), FORGETS)
def test_images_from_upstream_by_what_is_forgotten(cache, images):
    result = world(cache, at=(0.0, 100.0, 200.0))
    assert all(record.ok for record in result.pulls)
    assert result.caches[0].received == pytest.approx(images * CONTENT.total_size)


def test_a_tag_is_looked_up_again_when_its_time_is_over():
    """The tag moves at 40 s; a cache that has looked at 0 s keeps it for 24 h, one without that time sees it."""
    new = image(layer("new", 1))
    for cache, latest in ((CacheSpec(recheck=86400.0), CONTENT), (CacheSpec(recheck=60.0), new), (CacheSpec(), new)):
        for runtime in (containerd(), crio()):
            tags = Catalog()
            tags.add(named("a:1"), CONTENT)
            tags.add(named("a:1"), new, at=40.0)
            result = alone(cache, images=tags, runtime=runtime, upstream={"faults": (Fault(status=500, at=1e6),)})
            assert pull(result, "p1").layers == len(latest.layers)


@pytest.mark.parametrize(
    ("cache", "upstream"),
    [(preset("harbor"), 2 * 1000 + 2 * (UNIT + 500)), (preset("zot", holds=("a",)), 0)],
    ids=["harbor", "zot"],
)
def test_the_rest_of_a_manifest_is_sent_and_the_whole_of_it_is_fetched(cache, upstream):
    """The mirror breaks off each body in its middle; Harbor, which does not have the manifest yet, fetches it again."""
    content = image(layer("x", 1), documents=(1000, 500))
    cut = Fault(cut=Cut(share=0.5), status=None, duration=0.5)
    result = world(cache, at=(0.0,), content=content, host={"faults": (cut,)})
    sent = {each.host: each.sent for each in result.registries}
    assert pull(result, "p0").ok
    assert sent[MIRROR] == UNIT + 1500
    assert result.caches[0].received == sent.get(HOST, 0) == upstream


operations = st.lists(
    st.tuples(st.sampled_from(["put", "use"]), st.sampled_from("abcd"), st.sampled_from([0, 1, 1, 2, 3])), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(operations, st.sampled_from([0, 1, 2, 3, 5]), st.sampled_from([0, 2, 3, 100]))
def test_the_store_is_a_list_by_last_use_cut_to_its_capacity(done, capacity, ttl):
    """Against a plain list: the sizes tie, and an operation comes each second."""
    store, kept = ContentStore(capacity, ttl), []  # the most recently used last
    sizes = {}
    for now, (what, name, drawn) in enumerate(done):
        size = sizes.setdefault(name, drawn)
        kept = [each for each in kept if now < each[1] + ttl]
        if what == "use":
            there = [each for each in kept if each[0] == name]
            assert store.use(name, now) is bool(there)
            kept = [each for each in kept if each[0] != name] + there
        elif size <= capacity and ttl:
            store.put(name, size, now)
            kept = [each for each in kept if each[0] != name]
            while sum(sizes[each] for each, _ in kept) + size > capacity:
                kept.pop(0)
            kept.append((name, now))
        else:
            store.put(name, size, now)
        store.expire(now)
        assert store.used == sum(sizes[each] for each, _ in kept) <= capacity
