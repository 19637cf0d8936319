"""What CRI-O does and says when a copy fails; 1.36 unless a release is told."""

from __future__ import annotations

import pytest

from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Index
from pullsim.spec.registry import Cut, Fault, Limit
from tests.support.outcome import ended, pull, row
from tests.support.world import (
    AMD64,
    ARM64,
    HOST,
    NAME,
    RATE,
    UNIT,
    crio,
    image,
    layer,
    node,
    pod,
    registry,
    run_containerd,
)

# ---------------------------------------------------------------- failures


SOURCE = f"initializing source docker://{NAME}: "
PING = f"pinging container registry {HOST}: "
DIAL = f'Get "https://{HOST}/v2/": dial tcp {HOST}:443: '


def test_a_layer_that_fails_does_not_stop_the_others():
    """x fails at once; y is fetched to its end, then the copy fails. Nothing above x is committed."""
    # y, the last one, asks first
    x, y = layer("x", 1), layer("y", 3)
    source = registry(faults=(Fault(status=500, of="blobs", duration=0.5, probability=1.0),))
    quick = registry(limits=(Limit(per=3600.0, requests=2, of="blobs", status=403),))
    result = run_containerd({"a:1": image(x, y)}, spec=node(crio((1, 31))), source=quick, horizon=5.0)
    failed = pull(result, "a")
    assert failed.error == f"reading blob {x.digest}: fetching blob: denied: requested access to the resource is denied"
    assert failed.ended == pytest.approx(3.0)  # config and y are the two
    result = run_containerd({"a:1": image(x, y)}, spec=node(crio((1, 31))), source=source, horizon=5.0)
    assert pull(result, "a").error.startswith("parsing image configuration: fetching blob: ")


def test_committed_layers_of_a_failed_copy_stay_and_spare_the_next_one_their_download():
    """Config, z and x come; y does not, and z above it is thrown away."""
    x, y, z = layer("x", 1), layer("y", 3), layer("z", 2)
    source = registry(limits=(Limit(per=8.0, requests=3, of="blobs", status=403),))
    result = run_containerd({"a:1": image(x, y, z)}, spec=node(crio((1, 31))), source=source)
    assert [each.ok for each in result.pulls] == [False, True]
    assert [each.downloaded for each in result.pulls] == [(1 + 2) * UNIT, (3 + 2) * UNIT]


@pytest.mark.parametrize(
    ("fault", "cause", "text"),
    [
        (
            Fault(status=None),
            "unavailable",
            f"RegistryUnavailable: {SOURCE}{PING}{DIAL}connect: connection refused",
        ),
        (
            Fault(unreachable=True, status=None),
            "unavailable",
            f"{SOURCE}{PING}{DIAL}i/o timeout",
        ),
        (
            Fault(status=503),
            "serverError",
            f"{SOURCE}{PING}received unexpected HTTP status: 503 Service Unavailable",
        ),
        (
            Fault(status=404, of="manifests"),
            "notFound",
            f"{SOURCE}reading manifest 1 in {HOST}/a: manifest unknown",
        ),
        (
            Fault(status=403, of="manifests"),
            "forbidden",
            f"{SOURCE}reading manifest 1 in {HOST}/a: denied: requested access to the resource is denied",
        ),
    ],
)
def test_texts_of_failures(fault, cause, text):
    result = run_containerd(
        {"a:1": image(layer("x"))}, spec=node(crio((1, 31))), source=registry(faults=(fault,), tls=True), horizon=40.0
    )
    assert (pull(result, "a").error, pull(result, "a").cause) == (text, cause)
    assert pull(result, "a").ended == pytest.approx(30.0 if fault.unreachable else 0.0)


def test_a_refused_connection_has_a_reason_of_its_own():
    result = run_containerd(
        {"a:1": image(layer("x"))}, spec=node(crio()), source=registry(faults=(Fault(status=None),)), horizon=5.0
    )
    assert row(result, "a").reason == "RegistryUnavailable"


@pytest.mark.parametrize(
    ("version", "tried", "text"),
    [
        ((1, 31), 1, "{source}{why}"),
        (
            (1, 33, 3),
            1,
            "unable to try pulling possible OCI artifact: get manifest: build image source: {why}",
        ),
        ((1, 33, 4), 2, "{both}get manifest: build image source: {why}"),
        ((1, 34, 11), 2, "{both}get manifest: build image source: {why}"),
        ((1, 35, 1), 2, "{both}pull artifact: {source}{why}"),
        ((1, 35, 2), 2, "{both}image reference: get manifest from ref: create image source: {why}"),
        ((1, 37, 0), 2, "{both}image reference: get manifest from ref: create image source: {why}"),
    ],
)
def test_from_1_33_what_is_no_image_is_tried_as_an_artifact(version, tried, text):
    source = registry(faults=(Fault(status=404, of="manifests"),))
    result = run_containerd({"a:1": image(layer("x"))}, spec=node(crio(version)), source=source, horizon=5.0)
    begin, why = f"initializing source docker://{NAME}: ", f"reading manifest 1 in {HOST}/a: manifest unknown"
    both = f"unable to pull image or OCI artifact: pull image err: {begin}{why}; artifact err: "
    assert pull(result, "a").error == text.format(source=begin, why=why, both=both)
    assert result.registries[0].manifests == tried


@pytest.mark.parametrize(
    ("version", "dials", "text"),
    [
        ((1, 31), 1, "initializing source"),
        ((1, 33, 3), 1, "unable to try pulling possible OCI artifact: get manifest: build image source: pinging"),
        ((1, 35, 0), 2, "unable to pull image or OCI artifact: pull image err: initializing source"),
        ((1, 35, 1), 1, "unable to pull image: initializing source"),
        ((1, 36), 1, "unable to pull image: initializing source"),
    ],
)
def test_to_1_35_0_that_is_tried_without_a_network_too(version, dials, text):
    source = registry(faults=(Fault(unreachable=True, status=None),), tls=True)
    result = run_containerd({"a:1": image(layer("x"))}, spec=node(crio(version)), source=source, horizon=70.0)
    assert pull(result, "a").ended == pytest.approx(30.0 * dials)
    assert pull(result, "a").error.startswith(text)


@pytest.mark.parametrize(
    ("fault", "seconds", "why"),
    [
        (Fault(unreachable=True, status=None), 60.0, "i/o timeout"),
        (Fault(status=None), 2.0, "connect: connection refused"),
    ],
)
def test_a_registry_without_tls_is_pinged_in_plain_text_too(fault, seconds, why):
    """Both pings time out after 30 s, or are refused after a round trip of a second; the second one is told of."""
    source = registry(faults=(fault,), round_trip=1.0)
    result = run_containerd({"a:1": image(layer("x"))}, spec=node(crio((1, 31))), source=source, horizon=70.0)
    assert pull(result, "a").ended == pytest.approx(seconds)
    assert pull(result, "a").error.endswith(f'{PING}Get "http://{HOST}/v2/": dial tcp {HOST}:80: {why}')


@pytest.mark.parametrize(("version", "manifests"), [((1, 32, 13), 2), ((1, 33, 3), 4), ((1, 33, 4), 2)])
def test_to_1_33_3_the_manifests_tell_first_that_it_is_no_artifact(version, manifests):
    images = Catalog()
    images.add(NAME, Index.of([(AMD64, image(layer("x"))), (ARM64, image(layer("y")))], size=0))
    result = run_containerd(images, [pod("a", NAME)], spec=node(crio(version)))
    assert (result.registries[0].manifests, result.registries[0].blobs) == (manifests, 2)


def test_to_1_33_3_an_index_without_the_platform_is_found_out_there():
    images = Catalog()
    images.add(NAME, Index.of([(ARM64, image(layer("y")))], size=0))
    result = run_containerd(images, [pod("a", NAME)], spec=node(crio((1, 33, 0))), horizon=5.0)
    assert pull(result, "a").error == (
        "unable to try pulling possible OCI artifact: choose instance: "
        'no image found in image index for architecture "amd64", variant "", OS "linux"'
    )


def test_an_index_without_the_platform():
    images = Catalog()
    images.add(NAME, Index.of([(ARM64, image(layer("y")))], size=0))
    result = run_containerd(images, [pod("a", NAME)], spec=node(crio((1, 31))), horizon=5.0)
    assert pull(result, "a").error == (
        f"choosing an image from manifest list docker://{NAME}: "
        'no image found in image index for architecture "amd64", variant "", OS "linux"'
    )


# ---------------------------------------------------------------- pauses and broken bodies


@pytest.mark.parametrize(
    ("retry_after", "pauses"),
    [(None, [2.0, 4.0, 8.0, 16.0]), (10.0, [10.0] * 4), (600.0, [60.0] * 4)],
)
def test_after_429_it_pauses_and_asks_five_times(retry_after, pauses):
    limit = Limit(per=1e6, requests=0, of="manifests", retry_after=retry_after)
    result = run_containerd(
        {"a:1": image(layer("x"))}, spec=node(crio((1, 31))), source=registry(limits=(limit,)), horizon=sum(pauses)
    )
    failed = pull(result, "a")
    assert (failed.cause, failed.ended) == ("tooManyRequests", pytest.approx(sum(pauses)))
    assert failed.error.endswith("reading manifest 1 in registry.test/a: toomanyrequests: too many requests")
    assert result.registries[0].manifests == 5


def test_a_pause_outlives_a_short_limit():
    """Room again after 5 s: the third attempt, 2 + 4 s after the first, gets through."""
    limit = Limit(per=5.0, requests=1, of="manifests")
    images = {"a:1": image(layer("x", 0.0)), "b:1": image(layer("y", 0.0))}
    result = run_containerd(images, spec=node(crio()), source=registry(limits=(limit,)))
    assert sorted(ended(result).values()) == pytest.approx([0.0, 6.0])


@pytest.mark.parametrize(
    ("size", "cut", "ok", "requests"),
    [
        (2.5, 1.0, True, 3),  # each response is a lot: goes on until it is there
        (0.015, 0.01, True, 2),  # 1 MB each: less than 1 MiB, but the first time it goes on, …
        (0.05, 0.01, False, 2),  # … and not the second time
    ],
)
def test_a_body_that_breaks_off_is_resumed_if_there_was_progress(size, cut, ok, requests):
    fault = Fault(status=None, cut=Cut(size=round(cut * RATE)), of="blobs")
    x = layer("x", size)
    result = run_containerd({"a:1": image(x)}, spec=node(crio((1, 31))), source=registry(faults=(fault,)), horizon=9.0)
    record = pull(result, "a")
    assert record.ok is ok
    assert result.registries[0].blobs == requests + 1  # and the config
    if ok:
        assert record.ended == pytest.approx(size + 1.05 * (requests - 1))
    else:
        assert "happened during read: unexpected EOF" in record.error
