"""The requests of a pull: round trips, connections, and what a registry may answer."""

from __future__ import annotations

import pytest

from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Index
from pullsim.spec.registry import Fault
from tests.support.outcome import layers, messages, pull, row, stages, started, times
from tests.support.world import (
    ALL,
    AMD64,
    ARM64,
    BOTH,
    FAR,
    HOST,
    NAME,
    NEW,
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
    run_containerd,
    unresolved,
)

# ---------------------------------------------------------------- round trips

AUTHS = [
    # auth, TLS, round trips of HEAD, of the rest before the first layer's request
    ("none", False, 2, 3),  # connection, HEAD | connection, manifest, config
    ("none", True, 3, 4),
    ("basic", False, 3, 4),  # a 401 before each of the two
    ("basic", True, 4, 5),
    ("bearer", False, 5, 6),  # 401, connection to the token server, token; twice
    ("bearer", True, 7, 8),
]


@pytest.mark.parametrize(("auth", "tls", "head", "rest"), AUTHS)
@ALL
def test_round_trips_of_a_cold_pull(auth, tls, head, rest, version):
    _, record = pull_alone(layer("x", 1, 2), spec=node(containerd(version)), source=registry(auth=auth, tls=tls, **FAR))
    assert stages(record) == {"resolve": head + rest, "request": 1.0, "download_egress": 1.0, "unpack_cpu": 2.0}


@pytest.mark.parametrize(("auth", "tls", "head", "rest"), AUTHS)
@ALL
def test_pulling_a_present_image_again_is_a_head_request(auth, tls, head, rest, version):
    images = {"a:1": image(layer("x", 1, 2), layer("y", 1, 2))}
    source = registry(auth=auth, tls=tls, **FAR)
    spec = node(containerd(version), cached=[named("a:1")])
    result = run_containerd(images, [pod("p", named("a:1"), policy="Always")], spec=spec, source=source)
    assert stages(pull(result, "p")) == {"resolve": head}
    assert (pull(result, "p").downloaded, len(result.layers)) == (0, 0)


@pytest.mark.parametrize(("auth", "tls", "head", "rest"), AUTHS)
def test_an_index_is_one_request_more(auth, tls, head, rest):
    images = Catalog()
    images.add(named("a:1"), Index.of([(AMD64, image(layer("x"))), (ARM64, image(layer("y")))], size=0))
    result = run_containerd(images, [pod("a", named("a:1"))], source=registry(auth=auth, tls=tls, **FAR))
    assert stages(pull(result, "a")) == {"resolve": head + rest + 1, "request": 1.0, "download_egress": 1.0}


@pytest.mark.parametrize(("auth", "tls", "head", "rest"), AUTHS)
def test_a_second_image_with_the_same_content_asks_for_nothing_but_its_name(auth, tls, head, rest):
    """Manifest, config and snapshots are on the node."""
    content = image(layer("x", 1, 1))
    wanted = [pod("p", named("a:1")), pod("q", named("b:1"), at=100.0)]
    result = run_containerd({"a:1": content, "b:1": content}, wanted, source=registry(auth=auth, tls=tls, **FAR))
    assert stages(pull(result, "q")) == {"resolve": head}


def test_times_of_the_server():
    """A HEAD, then manifest, config and layer."""
    _, record = pull_alone(layer("x", 1), source=registry(head=0.5, first_byte=0.25))
    assert stages(record) == {"resolve": 1.0, "request": 0.25, "download_egress": 1.0}


def test_documents_are_transferred_too():
    result = run_containerd({"a:1": image(layer("x", 1), documents=(int(RATE / 4), int(RATE / 2)))})
    assert stages(pull(result, "a")) == {"resolve": 0.75, "download_egress": 1.0}
    assert pull(result, "a").size == 1.75 * RATE


@pytest.mark.parametrize(("tls", "new"), [(False, 2.0), (True, 3.0)])
@BOTH
def test_concurrent_layers_need_connections_of_their_own(tls, new, version):
    """The first wave's last request takes the connection that is open; later ones go over kept connections."""
    content = [layer(f"l{n}", 3.0) for n in range(3)]
    result, _ = pull_alone(*content, spec=node(containerd(version, 3)), source=registry(tls=tls, **FAR))
    waits = [each.first_byte - each.requested for each in layers(result, "a")]
    assert waits == pytest.approx([new, new, 1.0])


@BOTH
def test_a_connection_that_is_free_before_one_is_dialled_is_taken(version):
    """Of three small layers the last one's response ends after 1 s, and dialling takes 2: the first takes it over."""
    content = [layer(f"l{n}", 1e-6) for n in range(3)]
    result, _ = pull_alone(*content, spec=node(containerd(version, 3)), source=registry(tls=True, **FAR))
    waits = [each.first_byte - each.requested for each in layers(result, "a")]
    assert waits == pytest.approx([2.0, 3.0, 1.0], abs=1e-4)


@BOTH
def test_a_kept_connection_needs_one_round_trip(version):
    content = [layer(f"l{n}", 1e-6) for n in range(5)]
    result, record = pull_alone(*content, spec=node(containerd(version, 1)), source=registry(tls=True, **FAR))
    assert [each.first_byte - each.requested for each in layers(result, "a")] == pytest.approx([1.0] * 5)
    assert record.ended == pytest.approx(7.0 + 5.0, abs=1e-4)


@pytest.mark.parametrize(
    ("size", "rounds"),
    [(10_000, 0), (14_480, 0), (14_481, 1), (43_440, 1), (43_441, 2), (100_000, 2), (1_000_000, 6)],
)
def test_slow_start_doubles_a_window_of_ten_segments_each_round_trip(size, rounds):
    """After k round trips 14 480 * (2^k - 1) bytes are there; at most 3 MB are in flight. The lab: 6 for 1 MB."""
    _, record = pull_alone(layer("x", size / RATE), source=registry(round_trip=0.05, egress=1e12))
    rest = size - 14_480 * (2**rounds - 1)
    assert record.ended == pytest.approx(0.05 * (5 + 1 + rounds) + rest / (3e6 / 0.05))


def test_a_connection_is_limited_by_its_window():
    """3 MB each 50 ms; slow start costs less than 0.4 s."""
    _, record = pull_alone(layer("x", 10.0), source=registry(round_trip=0.05, egress=1e12))
    assert stages(record)["download_connection"] == pytest.approx(10 * RATE / 60e6, rel=0.02)
    assert 0.3 < record.ended - 10 * RATE / 60e6 < 0.7


# ---------------------------------------------------------------- what a registry answers

HEAD = f"unexpected status from HEAD request to https://{HOST}/v2/a/manifests/1: "


@pytest.mark.parametrize(
    ("status", "error", "cause", "to_2_0", "from_2_1"),
    [
        (404, f"{NAME}: not found", "notFound", 2, 2),
        (503, f"{HEAD}503 Service Unavailable", "serverError", 2, 3),  # one more try at once
        (500, f"{HEAD}500 Internal Server Error", "serverError", 2, 3),
        (504, f"{HEAD}504 Gateway Timeout", "serverError", 2, 3),
        (502, f"{HEAD}502 Bad Gateway", "serverError", 2, 2),  # not among those that are tried again
        (429, f"{HEAD}429 Too Many Requests", "tooManyRequests", 7, 7),  # six requests
        (418, f"{HEAD}418 I'm a Teapot", "serverError", 2, 2),
    ],
)
@ALL
def test_errors_of_a_registry(status, error, cause, to_2_0, from_2_1, version):
    faults = (Fault(status=status),)
    result = run_containerd(
        {"a:1": image(layer("x"))}, spec=node(containerd(version)), source=registry(faults=faults, **FAR), horizon=9.0
    )
    record = pull(result, "a")
    error = unresolved(NAME, version) + error
    if status == 404:
        error = f"rpc error: code = NotFound desc = {error}"
    assert record.error == error
    assert f'Failed to pull image "{NAME}": {error}' in messages(result, "Failed")
    assert cause in (None, record.cause)
    assert record.ended == pytest.approx(from_2_1 if version >= NEW else to_2_0)
    assert stages(record) == {"resolve": record.ended}


@ALL
def test_no_connection(version):
    """The refusal takes a round trip."""
    faults = (Fault(status=None),)
    result = run_containerd(
        {"a:1": image(layer("x"))}, spec=node(containerd(version)), source=registry(faults=faults, **FAR), horizon=9.0
    )
    record = pull(result, "a")
    assert record.error.startswith(
        f'{unresolved(NAME, version)}failed to do request: Head "https://{HOST}/v2/a/manifests/1": dial tcp '
    )
    assert record.error.endswith("connect: connection refused")
    assert record.cause == "unavailable"
    assert record.ended == pytest.approx(1.0)


@ALL
def test_an_image_that_the_registry_does_not_have(version):
    result = run_containerd({}, [pod("a", NAME)], spec=node(containerd(version)), source=registry(**FAR), horizon=9.0)
    record = pull(result, "a")
    assert record.error == f"rpc error: code = NotFound desc = {unresolved(NAME, version)}{NAME}: not found"
    assert (record.cause, record.ended) == ("notFound", pytest.approx(2.0))
    assert row(result, "a").reason == "ErrImagePull"


@pytest.mark.parametrize(("auth", "seconds"), [("basic", 7.0), ("bearer", 9.0)])
@ALL
def test_a_429_after_a_challenge_has_five_requests_left(auth, seconds, version):
    """The 401 is one of the six: connection, 401, (connection and token,) five times 429."""
    source = registry(auth=auth, faults=(Fault(status=429),), **FAR)
    result = run_containerd({"a:1": image(layer("x"))}, spec=node(containerd(version)), source=source, horizon=20.0)
    assert pull(result, "a").ended == pytest.approx(seconds)


@pytest.mark.parametrize(("until", "ok"), [(1.8, True), (2.5, False)])
def test_an_immediate_retry_helps_when_the_fault_is_over(until, ok):
    """From 2.1: HEAD from 1 to 2, and again from 2 on."""
    source = registry(faults=(Fault(0.0, until, status=503),), **FAR)
    result = run_containerd({"a:1": image(layer("x"))}, spec=node(containerd(NEW)), source=source, horizon=20.0)
    assert pull(result, "a").ok is ok
    if ok:
        assert stages(pull(result, "a")) == {"resolve": 6.0, "request": 1.0, "download_egress": 1.0}


def test_a_429_is_asked_again_until_it_is_over():
    """HEADs from 1, 2, 3 and 4 on."""
    source = registry(faults=(Fault(0.0, 3.5, status=429),), **FAR)
    result = run_containerd({"a:1": image(layer("x"))}, source=source, horizon=20.0)
    assert stages(pull(result, "a")) == {"resolve": 8.0, "request": 1.0, "download_egress": 1.0}


def test_a_fault_that_is_over_when_the_request_goes_out_does_not_matter():
    """The connection is open at 1, the HEAD goes out then."""
    source = registry(faults=(Fault(0.0, 0.8, status=503),), **FAR)
    result = run_containerd({"a:1": image(layer("x"))}, spec=node(containerd(OLD)), source=source, horizon=20.0)
    assert pull(result, "a").ok


def test_a_503_window():
    """Attempts fail at 0, 10, 30, 70 s and succeed at 150 s."""
    source = registry(faults=(Fault(0.0, 100.0, status=503),))
    result = run_containerd({"a:1": image(layer("x"))}, source=source)
    assert times(result, "Pulling") == pytest.approx([0.0, 10.0, 30.0, 70.0, 150.0])
    assert started(result) == {"a": pytest.approx(151.0)}
    assert stages(row(result, "a")) == {"backoff": 150.0, "download_egress": 1.0}


@BOTH
def test_a_fault_after_the_resolve(version):
    """The config's request, at 4, meets it."""
    source = registry(faults=(Fault(3.5, 1000.0, status=503),), **FAR)
    result = run_containerd({"a:1": image(layer("x"))}, spec=node(containerd(version)), source=source, horizon=9.0)
    record = pull(result, "a")
    assert not record.ok
    assert record.ended == pytest.approx(5.0 if version == OLD else 6.0)
    assert f'failed to pull and unpack image "{NAME}": failed to copy: httpReadSeeker: failed open: ' in record.error
    assert record.error.endswith("503 Service Unavailable")


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [(None, "abc"), ("a:1", "a"), ("a", "a"), ("team/*", "c"), ("team/gone:*", "c"), ("*:2", "b"), ("b:1", "")],
)
def test_a_fault_meets_the_images_of_its_pattern(pattern, hit):
    images = {"a:1": image(layer("x")), "b:2": image(layer("y")), f"{HOST}/team/gone:1": image(layer("z"))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:2")), pod("c", f"{HOST}/team/gone:1")]
    result = run_containerd(images, wanted, source=registry(faults=(Fault(image=pattern, status=404),)), horizon=9.0)
    assert {each.pod for each in result.pulls if not each.ok} == set(hit)
