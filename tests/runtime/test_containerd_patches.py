"""What containerd asks a registry again, by release and patch: timeouts, 429, 5xx, 405, 403, digests among blobs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullsim.cri import Auth
from pullsim.releases.containerd import CONTAINERD
from pullsim.spec.hosts import HostSpec, RegistryHosts
from pullsim.spec.registry import AccessSpec, Account, Fault, Host, Limit
from tests.support.outcome import layers, pull, stages
from tests.support.world import (
    FAR,
    HOST,
    NAME,
    containerd,
    image,
    layer,
    node,
    pod,
    registry,
    run,
    run_containerd,
    unresolved,
)

MIRROR = "m.test"
APP = {"a:1": image(layer("x", 1))}
#: Releases on both sides of every rule of this file.
OLD = [(1, 6), (1, 7), (2, 0, 11), (2, 1), (2, 2), (2, 3, 0), (2, 3, 1)]
NEW = [(2, 3, 2), (2, 3), (2, 4)]


def one(version, *faults, horizon=400.0, mirror=None, hosts=(), images=None, name=NAME, **given):
    """The first pull of an image from a registry with faults, a second of round trip away."""
    sources = [registry(faults=faults, mirrors=() if mirror is None else (Host(MIRROR),), **{**FAR, **given})]
    if mirror is not None:
        sources.append(registry(MIRROR, faults=mirror, **FAR))
    spec = node(replace(containerd(version), hosts=tuple(hosts)))
    result = run([pod("a", name)], spec, registries=sources, images=images or APP, horizon=horizon)
    return result, pull(result, "a")


# ---------------------------------------------------------------- timeouts (resolver.go doWithTransportRetries)


@pytest.mark.parametrize(("version", "ends"), [(v, 30.0) for v in OLD] + [(v, 150.2) for v in NEW])
def test_a_host_that_does_not_answer_is_dialled_five_times(version, ends):
    """From 2.3.2 on, 50 ms apart; before, once."""
    _, record = one(version, Fault(unreachable=True))
    assert (record.ended, record.cause) == (pytest.approx(ends), "unavailable")
    assert record.error.endswith(f"dial tcp {HOST}:443: i/o timeout")


@pytest.mark.parametrize(
    ("lasts", "ended"),
    [
        (25.0, None),  # the first dial ends at 30, the next begins at 30.05
        (30.06, 60.1),
        (61.0, 90.15),
        (121.0, None),  # the fifth, at 120.2, is in vain
    ],
)
def test_a_host_that_comes_back_is_found_by_the_next_dial(lasts, ended):
    _, record = one((2, 3), Fault(0.0, lasts, unreachable=True))
    if lasts == 25.0:
        assert stages(record)["resolve"] == pytest.approx(30.05 + 5.0)
    elif ended is None:
        assert not record.ok
    else:
        assert stages(record)["resolve"] == pytest.approx(ended + 5.0)


@pytest.mark.parametrize("version", [*OLD, *NEW])
def test_what_is_refused_is_not_dialled_again(version):
    _, record = one(version, Fault(status=None))
    assert record.ended == pytest.approx(1.0)


@pytest.mark.parametrize("version", [*OLD, *NEW])
def test_only_the_last_host_is_dialled_again(version):
    """A mirror that does not answer costs its timeout once for each of HEAD, manifest, config and layer."""
    _, record = one(version, mirror=(Fault(unreachable=True),))
    assert stages(record) == {"resolve": 5 + 3 * 30, "request": 31.0, "download_egress": 1.0}


@pytest.mark.parametrize(("version", "dials"), [((2, 3, 1), 1), ((2, 3, 2), 5), ((2, 4), 5)])
def test_the_registry_behind_a_mirror_is_the_last_host(version, dials):
    _, record = one(version, Fault(unreachable=True), mirror=(Fault(unreachable=True),))
    assert record.ended == pytest.approx(30 + dials * 30 + (dials - 1) * 0.05)
    assert f'Head "https://{MIRROR}/v2/a/manifests/1?ns={HOST}": dial tcp {MIRROR}:443: i/o timeout' in record.error


@pytest.mark.parametrize(("version", "dials"), [((2, 3, 1), 1), ((2, 3, 2), 5)])
def test_the_timeout_of_hosts_toml_is_that_of_each_dial(version, dials):
    hosts = [RegistryHosts(HOST, server=HostSpec(HOST, dial_timeout=2.0))]
    _, record = one(version, Fault(unreachable=True), hosts=hosts)
    assert record.ended == pytest.approx(dials * 2.0 + (dials - 1) * 0.05)


@pytest.mark.parametrize(("version", "dials"), [((2, 3, 1), 1), ((2, 3, 2), 5)])
def test_a_file_without_a_server_has_a_timeout_for_the_registry_all_the_same(version, dials):
    hosts = [RegistryHosts(HOST, top=HostSpec("", dial_timeout=2.0))]
    _, record = one(version, Fault(unreachable=True), hosts=hosts)
    assert record.ended == pytest.approx(dials * 2.0 + (dials - 1) * 0.05)


@pytest.mark.parametrize(("version", "dials"), [((2, 3, 1), 1), ((2, 3, 2), 5)])
def test_gets_are_dialled_again_too(version, dials):
    """The HEAD's answer comes at 2; the fetcher dials for a connection of its own."""
    _, record = one(version, Fault(1.5, unreachable=True))
    assert record.ended == pytest.approx(2.0 + dials * 30.0 + (dials - 1) * 0.05)
    digest = APP["a:1"].digest
    assert record.error.endswith(f'Get "{url(what=digest)}": dial tcp {HOST}:443: i/o timeout')


@pytest.mark.parametrize(
    ("version", "ends"), [((2, 2), None), ((2, 3, 0), 34.0), ((2, 3, 1), 34.0), ((2, 3, 2), 154.2)]
)
def test_an_open_connection_without_an_answer(version, ends):
    """The config, asked for at 4: 30 s from 2.3 on (registry.go ResponseHeaderTimeout), and dials from 2.3.2 on."""
    result = run_containerd(
        APP,
        spec=node(containerd(version)),
        source=registry(faults=(Fault(3.5, unreachable=True, of="blobs"),), **FAR),
        horizon=300.0,
    )
    if ends is None:
        assert (result.pulls, result.under_way) == ([], 1)
        return
    record = pull(result, "a")
    assert record.ended == pytest.approx(ends)
    digest = APP["a:1"].config_digest
    text = "net/http: timeout awaiting response headers" if ends == 34.0 else f"dial tcp {HOST}:443: i/o timeout"
    assert record.error.endswith(f'Get "https://{HOST}/v2/a/blobs/{digest}": {text}')


# ---------------------------------------------------------------- statuses (resolver.go retryRequest)


@pytest.mark.parametrize("status", [408, 429])
@pytest.mark.parametrize(("version", "requests"), [(v, 6) for v in OLD] + [(v, 5) for v in NEW])
def test_how_many_answers_it_takes_to_give_up(status, version, requests):
    """A connection, and a round trip for each; a mirror's are as many as the last host's."""
    _, record = one(version, Fault(status=status))
    assert record.ended == pytest.approx(1 + requests)
    _, record = one(version, mirror=(Fault(status=status, of="manifests"),))
    assert stages(record)["resolve"] == pytest.approx(5 + 1 + requests + 1 + requests)


@pytest.mark.parametrize(("auth", "before"), [("basic", 1 + 1), ("bearer", 1 + 1 + 2)])
@pytest.mark.parametrize(("version", "requests"), [((2, 3, 1), 6), ((2, 3, 2), 5), ((2, 4), 5)])
def test_the_challenge_is_one_of_them(auth, before, version, requests):
    _, record = one(version, Fault(status=429), auth=auth)
    assert record.ended == pytest.approx(before + requests - 1)


@pytest.mark.parametrize(("version", "requests"), [((2, 2), 6), ((2, 3, 1), 6), ((2, 3, 2), 5)])
def test_wrong_passwords_are_shown_as_often(version, requests):
    access = AccessSpec((Account("ci", "secret"),))
    spec = node(replace(containerd(version), auths={HOST: Auth("ci", "wrong")}))
    source = registry(auth="basic", access=access, **FAR)
    result = run_containerd(APP, spec=spec, source=source, horizon=9.0)
    assert pull(result, "a").ended == pytest.approx(1 + requests)


def test_a_challenge_in_the_last_attempt_is_the_last_answer():
    """Four dials time out until 120.15, the fifth request is answered 401, for which there is no other."""
    _, record = one((2, 3), Fault(0.0, 115.0, unreachable=True), auth="bearer")
    assert record.error == unresolved(NAME) + f"unexpected status from HEAD request to {url()}: 401 Unauthorized"
    assert record.ended == pytest.approx(120.2 + 2.0)
    _, record = one((2, 3), Fault(0.0, 85.0, unreachable=True), auth="bearer")
    assert record.ok  # one attempt more


def url(kind="manifests", what="1", host=HOST):
    return f"https://{host}/v2/a/{kind}/{what}"


@pytest.mark.parametrize("version", [*OLD, *NEW])
@pytest.mark.parametrize("status", [500, 503, 504])
def test_server_errors_once_more_at_the_last_host_from_2_1_on(version, status):
    _, record = one(version, Fault(status=status))
    assert record.ended == pytest.approx(3.0 if version >= (2, 1) else 2.0)


@pytest.mark.parametrize(("version", "ended"), [((2, 0), 3.0), ((2, 2), 4.0), ((2, 3), 4.0)])
def test_a_server_error_after_another_status_is_repeated(version, ended):
    """429 to the HEAD at 1, 503 to the one at 2: once more from 2.1 on."""
    _, record = one(version, Fault(0.0, 1.5, status=429), Fault(1.5, status=503))
    assert record.ended == pytest.approx(ended)


@pytest.mark.parametrize("version", [*OLD, *NEW])
def test_a_head_that_is_not_allowed_is_followed_by_a_get(version):
    """The registry answers 405 to both; the text is that of the GET."""
    result, record = one(version, Fault(status=405), horizon=9.0)
    assert record.ended == pytest.approx(3.0)
    assert record.error == unresolved(NAME, version) + (
        f"unexpected status from GET request to {url()}: 405 Method Not Allowed"
    )
    assert (result.registries[0].heads, result.registries[0].manifests) == (1, 1)


def test_a_get_in_the_place_of_a_head_resolves_and_counts_as_a_pull():
    """405 to the HEAD at 1; the GET at 2 is answered and counted."""
    limit = Limit(per=1000.0, requests=10, of="manifests")
    result, record = one((2, 3), Fault(0.0, 1.5, status=405), limits=(limit,))
    assert record.ok
    assert stages(record)["resolve"] == pytest.approx(6.0)
    assert (result.registries[0].heads, result.registries[0].manifests) == (1, 2)


ASKS_WHY = [(2, 0), (2, 3, 3), (2, 3), (2, 4)]


@pytest.mark.parametrize("version", [(1, 7), (2, 0, 11), (2, 1), (2, 2), (2, 3, 2), *ASKS_WHY])
def test_a_head_that_is_forbidden_is_followed_by_a_get_for_its_text(version):
    """containerd#13547: 2.3.3, and #13749 in 2.0.12; not in 2.1 and 2.2. The text has no more, as there is none."""
    result, record = one(version, Fault(status=403), horizon=9.0)
    asks = version in ASKS_WHY
    assert record.ended == pytest.approx(3.0 if asks else 2.0)
    assert record.error == unresolved(NAME, version) + f"unexpected status from HEAD request to {url()}: 403 Forbidden"
    assert result.registries[0].manifests == int(asks)


@pytest.mark.parametrize(("version", "text"), [((2, 3, 2), ""), ((2, 3), "\ndenied: not from here")])
def test_the_registry_s_own_text_about_what_is_forbidden(version, text):
    limit = Limit(per=1000.0, requests=0, of="requests", status=403, message="denied: not from here")
    _, record = one(version, limits=(limit,))
    assert record.error == unresolved(NAME, version) + (
        f"unexpected status from HEAD request to {url()}: 403 Forbidden{text}"
    )


# ---------------------------------------------------------------- which error is told (resolver.go firstErrPriority)


@pytest.mark.parametrize(
    ("mirror", "own", "to_1_7", "from_2_0"),
    [
        ({"status": None}, {"status": 404}, "connection refused", "not found"),
        ({"status": 404}, {"status": None}, "connection refused", "not found"),
        ({"status": None}, {"status": 418}, "connection refused", "418 I'm a Teapot"),
        ({"status": 404}, {"status": 418}, "418 I'm a Teapot", "418 I'm a Teapot"),
        ({"status": 502}, {"status": 418}, "502 Bad Gateway", "502 Bad Gateway"),
        ({"status": 404}, {"status": 404}, "not found", "not found"),
    ],
)
@pytest.mark.parametrize("version", [(1, 6), (1, 7), (2, 0), (2, 1), (2, 3)])
def test_of_several_hosts_errors_the_one_that_came_furthest_is_told(mirror, own, to_1_7, from_2_0, version):
    _, record = one(version, Fault(**own), mirror=(Fault(**mirror),))
    assert record.error.endswith(to_1_7 if version < (2, 0) else from_2_0)


# ---------------------------------------------------------------- digests (resolver.go Resolve)

DIGEST = f"{HOST}/a@{APP['a:1'].digest}"


@pytest.mark.parametrize("version", [*OLD, *NEW, (2, 2, 5)])
@pytest.mark.parametrize(
    ("fault", "first", "always"),
    [
        ({"status": 404}, 2.0, True),  # a connection, a HEAD
        ({"status": None}, 1.0, True),  # what does not answer says nothing
        ({"status": 418}, 2.0, False),
    ],
)
def test_a_digest_is_looked_for_among_blobs_too(version, fault, first, always):
    """After 404s and no answers; after other statuses to 2.0.10, in 2.1, and to 2.2.5 (containerd#13622)."""
    result, record = one(version, Fault(**fault), name=DIGEST, horizon=9.0)
    limited = version in [(2, 0, 11), (2, 2), *(v for v in [*OLD, *NEW] if v >= (2, 3))]
    again = 1.0 if always or not limited else 0.0
    assert record.ended == pytest.approx(first + again)
    assert result.registries[0].heads == (0 if fault["status"] is None else 1 + (again > 0))


def test_a_digest_of_a_host_that_does_not_answer_is_dialled_twice_as_often():
    _, record = one((2, 2), Fault(unreachable=True), name=DIGEST)
    assert record.ended == pytest.approx(60.0)
    _, record = one((2, 3), Fault(unreachable=True), name=DIGEST)
    assert record.ended == pytest.approx(2 * 150.2)


def test_a_digest_that_is_there_is_asked_for_once():
    result, record = one((2, 3), name=DIGEST)
    assert record.ok
    assert result.registries[0].heads == 1


# ---------------------------------------------------------------- all of it

statuses = st.sampled_from([401, 403, 404, 405, 408, 418, 429, 500, 502, 503, 504])
faults_ = st.builds(
    lambda at, lasts, kind: Fault(at, lasts, **kind),
    st.sampled_from([0.0, 1.0, 2.5, 31.0]),
    st.sampled_from([1.0, 30.0, 61.0]),
    st.one_of(
        statuses.map(lambda status: {"status": status}), st.sampled_from([{"status": None}, {"unreachable": True}])
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(faults_, max_size=3),
    st.lists(faults_, max_size=2),
    st.sampled_from([*OLD, *NEW, (2, 0, 12), (2, 2, 5)]),
    st.sampled_from(["none", "basic", "bearer"]),
    st.sampled_from([NAME, DIGEST]),
)
def test_pods_start_once_the_faults_are_over_and_their_pulls_add_up(own, mirror, version, auth, name):
    sources = [
        registry(faults=tuple(own), mirrors=(Host(MIRROR),), auth=auth, **FAR),
        registry(MIRROR, faults=tuple(mirror), **FAR),
    ]
    result = run([pod("a", name)], node(containerd(version)), registries=sources, images=APP)
    assert all(row.started is not None for row in result.pods)
    assert [each.source for each in layers(result, "a")][-1] in (HOST, MIRROR)
    for record in result.pulls:
        assert sum(record.stages.values()) == pytest.approx(record.ended - record.started)
    most = 6 if CONTAINERD.resolve(version) < (2, 3, 2) else 5
    tried = len(result.pulls) * (2 if name == DIGEST else 1)
    assert all(use.heads <= tried * most for use in result.registries)
