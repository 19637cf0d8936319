"""How requests and their errors name a host: scheme, host, port and path of its entry, whatever is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.oci.reference import parse
from pullsim.releases.containerd import CONTAINERD
from pullsim.spec.hosts import Address, HostSpec, RegistryHosts, address_of, port_of
from pullsim.spec.registry import Cut, Fault
from tests.support.outcome import layers, pull, stages
from tests.support.world import FAR, HOST, NAME, RATE, containerd, image, layer, node, pod, registry, run, unresolved

MIRROR = "m.test"
APP = {"a:1": image(layer("x", 1))}


def one(mirror, *faults, version=(2, 3), name=NAME, horizon=9.0, host=MIRROR, **given):
    """The first pull through a mirror with this entry."""
    spec = node(replace(containerd(version), hosts=(RegistryHosts("_default", (mirror,)),)))
    sources = [registry(**{**FAR, "faults": (Fault(status=None),)}), registry(host, faults=faults, **FAR, **given)]
    result = run([pod("a", name)], spec, registries=sources, images=APP, horizon=horizon)
    return result, pull(result, "a")


# scheme and host as written, path, release; URL up to the repository, host and port that are dialled
ADDRESSES = [
    ("https", "m.test", "/v2", {}, (2, 3), "https://m.test/v2", "m.test:443"),
    ("http", "m.test", "/v2", {}, (2, 3), "http://m.test/v2", "m.test:80"),
    ("https", "m.test:5000", "/v2", {}, (2, 3), "https://m.test:5000/v2", "m.test:5000"),
    ("http", "m.test:5000", "/hub/v2", {}, (1, 6), "http://m.test:5000/hub/v2", "m.test:5000"),
    ("http", "m.test:443", "/v2", {}, (2, 3), "http://m.test:443/v2", "m.test:443"),
    ("https", "[fd00::1]:5000", "/v2", {}, (2, 3), "https://[fd00::1]:5000/v2", "[fd00::1]:5000"),
    ("https", "[fd00::1]", "/v2", {}, (2, 3), "https://[fd00::1]/v2", "[fd00::1]:443"),
    ("https", "m.test", "", {"override_path": True}, (2, 3), "https://m.test", "m.test:443"),
    ("https", "m.test", "/hub", {"override_path": True}, (2, 3), "https://m.test/hub", "m.test:443"),
    # http with settings of TLS: https is tried first, and http where it is not spoken (httpFallback) …
    ("http", "m.test:5000", "/v2", {"explicit_tls": True}, (2, 3), "https://m.test:5000/v2", "m.test:5000"),
    ("http", "m.test:5000", "/v2", {"explicit_tls": True}, (1, 6), "https://m.test:5000/v2", "m.test:5000"),
    ("http", "m.test:5000", "/v2", {"explicit_tls": True}, (1, 6, 24), "http://m.test:5000/v2", "m.test:5000"),
    ("http", "m.test:5000", "/v2", {"explicit_tls": True}, (1, 7, 6), "http://m.test:5000/v2", "m.test:5000"),
    # … but not at the port of http; without a port from 1.7.24 on, and port 80 is dialled last (isPortError).
    ("http", "m.test:80", "/v2", {"explicit_tls": True}, (2, 3), "http://m.test:80/v2", "m.test:80"),
    ("http", "m.test", "/v2", {"explicit_tls": True}, (2, 3), "https://m.test/v2", "m.test:80"),
    ("http", "m.test", "/v2", {"explicit_tls": True}, (1, 7, 23), "http://m.test/v2", "m.test:80"),
    ("http", "m.test", "/v2", {"explicit_tls": True}, (1, 6), "http://m.test/v2", "m.test:80"),
    ("https", "m.test", "/v2", {"explicit_tls": True}, (2, 3), "https://m.test/v2", "m.test:443"),
]


@pytest.mark.parametrize(("scheme", "host", "path", "more", "version", "url", "dialled"), ADDRESSES)
def test_where_a_host_is(scheme, host, path, more, version, url, dialled):
    address = address_of(HostSpec(host, scheme, path, **more), CONTAINERD.resolve(version))
    assert address.url(parse(NAME), "manifests", "1") == f"{url}/a/manifests/1?ns={HOST}"
    assert address.dialled == dialled


@pytest.mark.parametrize(
    ("image", "host", "query"),
    [
        ("nginx", "registry-1.docker.io", ""),  # the registry itself
        ("nginx", "docker.io", ""),
        ("nginx", "m.test", "?ns=docker.io"),
        ("r.test/nginx", "r.test", ""),
        ("r.test/nginx", "r.test:443", "?ns=r.test"),  # another text is another host
        ("r.test:5000/nginx", "r.test:5000", ""),
        ("r.test:5000/nginx", "m.test", "?ns=r.test%3A5000"),
    ],
)
def test_a_mirror_is_told_whose_images_it_is_asked_for(image, host, query):
    url = Address(host).url(parse(image), "manifests", "1")
    assert url == f"https://{host}/v2/{parse(image).path}/manifests/1{query}"


@pytest.mark.parametrize(
    ("host", "port"), [("a", ""), ("a:80", "80"), ("[::1]", ""), ("[::1]:80", "80"), ("::1", ""), ("a:", "")]
)
def test_ports(host, port):
    assert port_of(host) == port


PLAIN = HostSpec(MIRROR, "http", "/hub/v2")
BASE = f"http://{MIRROR}/hub/v2/a"
NS = f"?ns={HOST}"
CONFIG = APP["a:1"].config_digest
LAYER = APP["a:1"].layers[0].digest


@pytest.mark.parametrize("version", [(1, 6), (1, 7), (2, 0), (2, 1, 2), (2, 1, 3), (2, 3), (2, 4)])
@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            Fault(status=None),
            f'failed to do request: Head "{BASE}/manifests/1{NS}": dial tcp {MIRROR}:80: connect: connection refused',
        ),
        (
            Fault(unreachable=True),
            f'failed to do request: Head "{BASE}/manifests/1{NS}": dial tcp {MIRROR}:80: i/o timeout',
        ),
        (Fault(status=502), f"unexpected status from HEAD request to {BASE}/manifests/1{NS}: 502 Bad Gateway"),
        (Fault(status=429), f"unexpected status from HEAD request to {BASE}/manifests/1{NS}: 429 Too Many Requests"),
        (Fault(status=405), f"unexpected status from GET request to {BASE}/manifests/1{NS}: 405 Method Not Allowed"),
    ],
)
def test_a_manifest_that_cannot_be_resolved(fault, text, version):
    _, record = one(PLAIN, fault, version=version, horizon=40.0)
    assert record.error == unresolved(NAME, version) + text


@pytest.mark.parametrize(
    ("status", "before", "after"),
    [
        (
            502,
            "unexpected status code {}: 502 Bad Gateway",
            "unexpected status from GET request to {}: 502 Bad Gateway",
        ),
        (
            429,
            "unexpected status code {}: 429 Too Many Requests",
            "unexpected status from GET request to {}: 429 Too Many Requests",
        ),
        (404, "could not fetch content descriptor {what} ({media}) from remote: not found", None),
    ],
)
@pytest.mark.parametrize("version", [(1, 6), (1, 7), (2, 0), (2, 1, 2), (2, 1, 3), (2, 3), (2, 4)])
@pytest.mark.parametrize(
    ("at", "what", "media"),
    [
        (3.5, CONFIG, "application/vnd.oci.image.config.v1+json"),
        (4.5, LAYER, "application/vnd.oci.image.layer.v1.tar+gzip"),
    ],
)
def test_blobs_that_cannot_be_had(at, what, media, version, status, before, after):
    """The config is asked for at 4, the layer at 5. The texts of GETs changed with 2.1.3 (unexpectedResponseErr)."""
    _, record = one(PLAIN, Fault(at, status=status, of="blobs"), version=version, horizon=20.0)
    text = after if after and version >= (2, 1, 3) else before
    text = text.format(f"{BASE}/blobs/{what}{NS}", what=what, media=media)
    code = "rpc error: code = NotFound desc = " if status == 404 else ""
    assert record.error == (
        f'{code}failed to pull and unpack image "{NAME}": failed to copy: httpReadSeeker: failed open: {text}'
    )


def test_a_host_that_is_gone_when_blobs_are_fetched():
    _, record = one(PLAIN, Fault(3.5, status=None, of="blobs"), horizon=20.0)
    why = f'Get "{BASE}/blobs/{CONFIG}{NS}": dial tcp {MIRROR}:80: connect: connection refused'
    assert record.error.endswith(f"failed to copy: httpReadSeeker: failed open: failed to do request: {why}")


def test_a_manifest_that_is_gone_when_it_is_fetched():
    _, record = one(PLAIN, Fault(2.5, status=404, of="manifests"))
    text = f"content at {BASE}/manifests/{APP['a:1'].digest}{NS} not found: not found"
    assert record.error.endswith(f"failed to copy: httpReadSeeker: failed open: {text}")


def test_a_connection_that_is_reset_names_the_port_of_the_entry():
    """The second body breaks off: of the layer."""
    _, record = one(HostSpec(MIRROR, "http"), Fault(cut=Cut(share=0.5, reset=True), of="blobs"), horizon=20.0)
    assert record.error.endswith(f"failed to copy: read tcp {MIRROR}:80: read: connection reset by peer")


@pytest.mark.parametrize(
    ("mirror", "tls", "connection"),
    [
        (HostSpec(MIRROR, "https"), True, 2),
        (HostSpec(MIRROR, "http"), True, 1),  # spoken as it is written
        (HostSpec(MIRROR, "http"), False, 1),
        (HostSpec(MIRROR, "https"), False, 1),  # what it does not speak costs nothing
    ],
)
def test_the_scheme_decides_what_a_connection_costs(mirror, tls, connection):
    """One for the resolver, one for the fetcher; HEAD, manifest, config."""
    _, record = one(mirror, tls=tls)
    assert stages(record) == {"resolve": 2.0 * connection + 3, "request": 1.0, "download_egress": 1.0}


def test_what_falls_back_to_http_is_tried_with_tls_once_for_each_client():
    """A connection whose handshake fails, and then one without it: resolver and fetcher have their own transport."""
    mirror = HostSpec(f"{MIRROR}:5000", "http", explicit_tls=True)
    result, record = one(mirror, host=f"{MIRROR}:5000", horizon=20.0)
    assert stages(record) == {"resolve": 2 * 3.0 + 3, "request": 1.0, "download_egress": 1.0}
    assert [each.source for each in layers(result, "a")] == [f"{MIRROR}:5000"]


def test_both_ports_are_dialled_where_none_is_written():
    _, record = one(HostSpec(MIRROR, "http", explicit_tls=True), Fault(unreachable=True), version=(2, 2), horizon=70.0)
    assert record.error.endswith(f'Head "https://{MIRROR}/v2/a/manifests/1{NS}": dial tcp {MIRROR}:80: i/o timeout')
    assert record.ended == pytest.approx(60.0 + 1.0)  # and the registry refuses


@pytest.mark.parametrize(
    ("listed", "written", "same"),
    [
        (MIRROR, f"{MIRROR}:443", True),
        (MIRROR, f"{MIRROR}:80", True),
        (f"{MIRROR}:443", MIRROR, True),
        (f"{MIRROR}:80", MIRROR, True),
        (MIRROR, f"{MIRROR}:5000", False),
        (f"{MIRROR}:5000", MIRROR, False),
    ],
)
def test_a_host_with_its_default_port_is_the_one_that_is_listed(listed, written, same):
    result, _ = one(HostSpec(written), host=listed, egress=RATE / 2)
    assert [use.host for use in result.registries if use.sent] == [listed if same else written]
