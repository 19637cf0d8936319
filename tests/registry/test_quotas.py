"""A registry's quota runs out: containerd's reaction, its texts, and when the pods start after all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.cri import Auth
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Index
from pullsim.results.summary.summary import summarize
from pullsim.spec.cluster import Node
from pullsim.spec.registry import Fault, Limit
from tests.support.outcome import pull, started
from tests.support.world import AMD64, EVERY, FAR, HOST, NEW, containerd, image, layer, named, node, pod, registry, run

IMAGES = {f"{name}:1": image(layer(name, 1)) for name in "abc"}
ONE = Limit(per=100.0, requests=1, by="registry", message="toomanyrequests: enough")


def wanted(*names, every=10.0):
    return [pod(name, named(f"{name}:1"), at=every * number) for number, name in enumerate(names)]


REACTIONS = [
    # challenge, round trips from the GET on: connection, challenge, the rest of six answers
    ("none", 2 + 1 + 6),
    ("basic", 3 + 1 + 1 + 5),
    ("bearer", 5 + 1 + 1 + 2 + 5),
]


@pytest.mark.parametrize(("auth", "seconds"), REACTIONS)
@pytest.mark.parametrize("version", EVERY, ids=str)
def test_a_manifest_that_is_refused_is_asked_for_six_times_at_once(auth, seconds, version):
    source = registry(limits=(ONE,), auth=auth, **FAR)
    result = run(
        wanted("a", "b", every=50.0), node(containerd(version)), registries=[source], images=IMAGES, horizon=70.0
    )
    record = pull(result, "b")
    assert (record.ok, record.cause, record.ended) == (False, "tooManyRequests", pytest.approx(50.0 + seconds))
    (use,) = result.registries
    assert use.limited == (6 if auth == "none" else 5)
    assert use.exhausted_at == pytest.approx(50.0 + seconds - (6 if auth == "none" else 5))


@pytest.mark.parametrize("version", EVERY, ids=str)
def test_its_text(version):
    """jenkinsci/helm-charts#1586 (from 2.1.3 on), docker/docs#21908 (before)."""
    result = run(
        wanted("a", "b"), node(containerd(version)), registries=[registry(limits=(ONE,))], images=IMAGES, horizon=15.0
    )
    url = f"https://{HOST}/v2/b/manifests/{IMAGES['b:1'].digest}"
    status, own = "429 Too Many Requests", "toomanyrequests: enough"
    why = f"unexpected status from GET request to {url}: {status}\n{own}"
    if version < (2, 1):
        why = f"unexpected status code {url}: {status} - Server message: {own}"
    name = named("b:1")
    assert pull(result, "b").error == (
        f'failed to pull and unpack image "{name}": failed to copy: httpReadSeeker: failed open: {why}'
    )


def test_a_run_goes_on_until_the_quota_has_room_again():
    """The manifest of a is counted at 3: there is room from 103 on. b tries at 10, 29, 58, …"""
    source = registry(limits=(ONE,), **FAR)
    result = run(wanted("a", "b"), node(containerd()), registries=[source], images=IMAGES)
    assert result.ended == "settled"
    assert started(result)["b"] > 103.0
    (use,) = result.registries
    assert (use.exhausted, use.exhausted_at, use.refilled_at) == (1, pytest.approx(13.0), pytest.approx(103.0))
    (summary,) = summarize(result).registries
    assert (summary.exhausted_at, summary.refilled_at) == (use.exhausted_at, use.refilled_at)
    assert summary.refused == 6 * sum(not each.ok for each in result.pulls)


def test_a_quota_that_never_has_room_does_not_keep_a_run_going():
    limit = replace(ONE, requests=0)
    result = run(wanted("a"), node(containerd()), registries=[registry(limits=(limit,))], images=IMAGES)
    assert (result.ended, started(result)["a"]) == ("settled", None)
    assert result.end < 60.0


@pytest.mark.parametrize(
    ("by", "address", "late"),
    [
        ("address", (None, None), ""),  # each node has its own
        ("address", ("nat", "nat"), "b"),
        ("address", ("nat", "other"), ""),
        ("account", (None, None), "b"),  # one user
        ("registry", (None, "nat"), "b"),
    ],
)
def test_who_shares_a_quota(by, address, late):
    runtime = replace(containerd(), auths={HOST: Auth("ci", "secret")})
    nodes = [Node(f"n-{n}", replace(node(runtime), address=each)) for n, each in enumerate(address)]
    pods = [pod("a", named("a:1"), node="n-0"), pod("b", named("b:1"), node="n-1", at=10.0)]
    source = registry(limits=(replace(ONE, by=by),), auth="basic")
    result = run(pods, nodes, registries=[source], images=IMAGES, horizon=20.0)
    assert "".join(name for name, at in sorted(started(result).items()) if at is None) == late


@pytest.mark.parametrize(("indexes", "pulls"), [(True, 1), (False, 2)])
def test_an_image_of_several_platforms_counts_as_the_registry_says(indexes, pulls):
    """Its index and its manifest are two GETs."""
    images = Catalog()
    for name in "abc":
        images.add(named(f"{name}:1"), Index.of([(AMD64, IMAGES[f"{name}:1"])], size=0))
    limit = Limit(per=1000.0, requests=2, by="registry", indexes=indexes)
    result = run(
        wanted("a", "b", "c"), node(containerd()), registries=[registry(limits=(limit,))], images=images, horizon=40.0
    )
    assert sum(each is not None for each in started(result).values()) == pulls


def test_a_present_image_is_free():
    """Always asks with a HEAD."""
    pods = [pod(f"p{n}", named("a:1"), policy="Always", at=10.0 * n) for n in range(5)]
    result = run(pods, node(containerd()), registries=[registry(limits=(ONE,))], images=IMAGES)
    assert all(at is not None for at in started(result).values())
    assert (result.registries[0].heads, result.registries[0].manifests) == (5, 1)


def test_bytes_have_quotas_too():
    """a has 1 unit of 1.5, b crosses the line, c is refused."""
    limit = Limit(per=1000.0, bytes=150_000_000, of="blobs", by="registry", window="fixed")
    result = run(
        wanted("a", "b", "c"), node(containerd()), registries=[registry(limits=(limit,))], images=IMAGES, horizon=25.0
    )
    assert [started(result)[name] is not None for name in "abc"] == [True, True, False]
    assert pull(result, "c").cause == "tooManyRequests"


def test_a_request_that_meets_a_fault_does_not_count():
    """The manifest is answered 503 until 5; a's second attempt is the first that counts."""
    source = registry(limits=(ONE,), faults=(Fault(0.0, 5.0, status=503, of="manifests"),))
    result = run(wanted("a"), node(containerd(NEW)), registries=[source], images=IMAGES)
    assert [each.ok for each in result.pulls] == [False, True]


def test_quotas_do_not_change_what_is_not_refused():
    limit = Limit(per=1.0, requests=10**6, of="requests", window="bucket")
    plain, wide = (
        run(wanted("a", "b", "c", every=0.5), node(containerd()), registries=[source], images=IMAGES)
        for source in (registry(**FAR), registry(limits=(limit,), **FAR))
    )
    assert plain.pulls == wide.pulls
    assert plain.layers == wide.layers
