"""Token servers, blob hosts and mirrors: what each request of a pull costs with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.cri import Auth
from pullsim.spec.hosts import HostSpec, RegistryHosts
from pullsim.spec.registry import BlobHost, Fault, Host, TokenServer
from tests.support.outcome import layers, messages, pull, stages
from tests.support.world import (
    ALL,
    FAR,
    HOST,
    OLD,
    RATE,
    containerd,
    image,
    layer,
    named,
    node,
    pod,
    pull_alone,
    registry,
    run,
    run_containerd,
)

CREDENTIALS = {HOST: Auth("ci", "secret")}

# ---------------------------------------------------------------- tokens

TOKENS = [
    # round trip to the token server, credentials, it takes the POST, round trips for each token
    (1.0, False, True, 2.0),  # connection, GET
    (5.0, False, True, 10.0),
    (5.0, True, True, 10.0),  # connection, POST
    (5.0, True, False, 15.0),  # connection, POST, GET
    (5.0, False, False, 10.0),  # nothing to POST
]


@pytest.mark.parametrize(("round_trip", "credentials", "oauth", "token"), TOKENS)
@ALL
def test_a_token_for_the_resolver_and_one_for_the_fetcher(round_trip, credentials, oauth, token, version):
    """Connection, 401, token, HEAD; connection, 401, token, manifest, config."""
    source = registry(auth="bearer", token_server=TokenServer(round_trip, oauth=oauth), **FAR)
    spec = node(replace(containerd(version), auths=CREDENTIALS if credentials else {}))
    result, record = pull_alone(layer("x", 1), spec=spec, source=source)
    assert stages(record) == {"resolve": 3 + token + 4 + token, "request": 1.0, "download_egress": 1.0}
    (use,) = result.registries
    assert (use.challenges, use.tokens) == (2, 4 if credentials and not oauth else 2)


@ALL
def test_a_token_that_expires_during_the_pull(version):
    """Every later request needs a new one: before it from 1.7 on, after a 401 in 1.6."""
    source = registry(auth="bearer", token_server=TokenServer(expires_in=0.5), **FAR)
    result, record = pull_alone(layer("x", 1), spec=node(containerd(version)), source=source)
    renewal = 2 if version >= (1, 7) else 3
    assert stages(record) == {"resolve": 5 + 6 + renewal, "request": renewal + 1.0, "download_egress": 1.0}
    assert result.registries[0].tokens == 4
    assert result.registries[0].challenges == (2 if version >= (1, 7) else 4)


# ---------------------------------------------------------------- blobs elsewhere


@pytest.mark.parametrize(("tls", "connection"), [(False, 1), (True, 2)])
@ALL
def test_a_redirect_costs_its_round_trips_and_a_connection(tls, connection, version):
    """Config: the registry's answer, a connection to the store, its answer. The layer goes over both again."""
    source = registry(blob_host=BlobHost(0.25, RATE / 2, first_byte=0.0), tls=tls, **FAR)
    _, record = pull_alone(layer("x", 1), spec=node(containerd(version)), source=source)
    resolve = 2 * connection + 3 + 0.25 * connection + 0.25
    assert stages(record) == {"resolve": resolve, "request": 1.25, "download_egress": 2.0}


def test_the_store_is_a_link_of_its_own():
    source = registry(blob_host=BlobHost(0.0, RATE, first_byte=0.0))
    result, record = pull_alone(layer("x", 4), source=source)
    assert stages(record) == {"download_egress": 4.0}
    carried = {name: sum((s.t1 - s.t0) * s.bytes_per_second for s in result.links if s.link == name) for name in LINKS}
    assert carried == {HOST: 0.0, f"{HOST} blobs": pytest.approx(4 * RATE)}
    assert [each.source for each in layers(result, "a")] == [HOST]


LINKS = (HOST, f"{HOST} blobs")


# ---------------------------------------------------------------- mirrors

MIRROR = "m.test"
FALL_THROUGH = [
    # the mirror, round trips until the last document, of the layer's request, who served the layer
    ({}, 5, 1, MIRROR),  # as a registry of its own
    ({"faults": (Fault(status=None),)}, 5 + 3, 2, HOST),  # connection refused: a round trip for each request
    ({"faults": (Fault(unreachable=True),)}, 5 + 3 * 30, 31, HOST),  # dial timeout, each time
    ({"images": ()}, 5 + 2 + 2 + 1, 2, HOST),  # 404: a connection for each of the two clients, an answer each request
    ({"faults": (Fault(status=503),)}, 5 + 2 + 2 + 1, 2, HOST),  # not tried again, as it is not the last host
    ({"faults": (Fault(status=429),)}, 5 + 7 + 7 + 6, 7, HOST),  # six requests each time
    (
        {"faults": (Fault(status=503, of="blobs"),)},
        4 + 2 + 1,
        2,
        HOST,
    ),  # fall-through by request: config and layer only
]


@pytest.mark.parametrize(("mirror", "resolve", "request_", "source"), FALL_THROUGH)
@ALL
def test_every_request_tries_the_mirror_first(mirror, resolve, request_, source, version):
    sources = [registry(mirrors=(Host(MIRROR),), **FAR), registry(MIRROR, **FAR, **mirror)]
    images = {"a:1": image(layer("x", 1))}
    result = run([pod("a", named("a:1"))], node(containerd(version)), registries=sources, images=images)
    record = pull(result, "a")
    assert stages(record) == {"resolve": resolve, "request": request_, "download_egress": 1.0}
    assert [each.source for each in layers(result, "a")] == [source]


@pytest.mark.parametrize(
    ("host", "tag", "resolved_by", "source"),
    [
        (Host(MIRROR, pull=True, resolve=True), "a:1", MIRROR, MIRROR),
        (Host(MIRROR, pull=True, resolve=False), "a:1", HOST, MIRROR),  # a tag needs both
        (Host(MIRROR, pull=False, resolve=True), "a:1", HOST, MIRROR),  # GETs go to all hosts (fetcher.go Fetch)
    ],
)
def test_capabilities(host, tag, resolved_by, source):
    sources = [registry(mirrors=(host,), **FAR), registry(MIRROR, **FAR)]
    images = {tag: image(layer("x", 1))}
    result = run([pod("a", named(tag))], node(containerd()), registries=sources, images=images)
    assert pull(result, "a").registry == resolved_by
    assert [each.source for each in layers(result, "a")] == [source]


def test_the_hosts_of_certs_d_go_before_the_mirrors_of_the_registry():
    hosts = (RegistryHosts("_default", (HostSpec("n.test"),)),)
    sources = [registry(mirrors=(Host(MIRROR),)), registry(MIRROR), registry("n.test")]
    spec = node(replace(containerd(), hosts=hosts))
    images = {"a:1": image(layer("x", 1))}
    result = run([pod("a", named("a:1"))], spec, registries=sources, images=images)
    assert [each.source for each in layers(result, "a")] == ["n.test"]


def test_another_server_takes_the_place_of_the_registry():
    hosts = (RegistryHosts(HOST, (), HostSpec("n.test")),)
    sources = [registry(faults=(Fault(status=503),)), registry("n.test")]
    spec = node(replace(containerd(), hosts=hosts))
    images = {"a:1": image(layer("x", 1))}
    result = run([pod("a", named("a:1"))], spec, registries=sources, images=images)
    assert pull(result, "a").ok


def test_the_error_is_that_of_the_first_host_that_has_one():
    sources = [
        registry(mirrors=(Host("none.test"), Host(MIRROR)), faults=(Fault(status=500),)),
        registry("none.test", images=()),
        registry(MIRROR, faults=(Fault(status=503),)),
    ]
    images = {"a:1": image(layer("x", 1))}
    result = run([pod("a", named("a:1"))], node(containerd(OLD)), registries=sources, images=images, horizon=5.0)
    url = f"https://{MIRROR}/v2/a/manifests/1?ns={HOST}"
    assert f"unexpected status from HEAD request to {url}: 503 Service Unavailable" in pull(result, "a").error
    assert any(url in message for message in messages(result, "Failed"))


def test_two_registries_share_a_mirrors_link():
    sources = [
        registry(mirrors=(Host(MIRROR),)),
        registry("other.test", mirrors=(Host(MIRROR),)),
        registry(MIRROR),
    ]
    images = {"a:1": image(layer("x", 1)), "other.test/b:1": image(layer("y", 1))}
    wanted = [pod("a", named("a:1")), pod("b", "other.test/b:1")]
    result = run(wanted, node(containerd()), registries=sources, images=images)
    assert [pull(result, name).ended for name in "ab"] == pytest.approx([2.0, 2.0])


def test_money_is_that_of_what_each_host_sent():
    sources = [
        registry(mirrors=(Host(MIRROR),), price=1e-9),
        registry(MIRROR, images=("a",), price=2e-9),
    ]
    images = {"a:1": image(layer("x", 1)), "b:1": image(layer("y", 3))}
    result = run_with(sources, images)
    assert {use.host: use.sent * use.price for use in result.registries} == {
        MIRROR: pytest.approx(0.2),
        HOST: pytest.approx(0.3),
    }


def run_with(sources, images):
    wanted = [pod(name.split(":")[0], named(name)) for name in images]
    return run(wanted, node(containerd()), registries=sources, images=images)


def test_a_registry_that_is_never_asked_has_no_row():
    result = run_containerd({"a:1": image(layer("x", 1))})
    assert [(use.host, use.heads, use.manifests, use.blobs) for use in result.registries] == [(HOST, 1, 1, 2)]
