"""Bodies that stop, slow down or break off, hosts that cannot be reached, and what containerd makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullsim.results.invariants import check
from pullsim.spec.registry import Cut, Fault
from tests.support.outcome import layers, pull, stages
from tests.support.world import (
    ALL,
    EVERY,
    FAR,
    HOST,
    NAME,
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
    unresolved,
)

FOREVER = float("inf")
FAILED = f'failed to pull and unpack image "{NAME}": '


def blob_requests(result):
    """GETs of layers; the config is one more."""
    (use,) = result.registries
    return use.blobs - 1


# ---------------------------------------------------------------- a body that stops


@ALL
def test_a_body_that_stops_goes_on_when_the_fault_is_over(version):
    fault = Fault(5.0, 20.0, stall=True)
    result, record = pull_alone(layer("x", 10), spec=node(containerd(version)), source=registry(faults=(fault,)))
    assert record.ended == pytest.approx(30.0)
    assert stages(record) == {"download_egress": 10.0, "stall": 20.0}
    assert check(result) == []


PROGRESS = [
    # release, timeout that is set, when a pull ends whose bytes stop at 5: the look at 10 sees it
    ((1, 6), None, None),
    ((1, 7), None, 320.0),
    ((2, 0), None, 320.0),
    ((2, 1), None, 320.0),
    ((2, 2), None, 320.0),
    ((1, 7), 60.0, 80.0),  # 1.7.0 to 1.7.9
    ((2, 1), 65.0, 80.0),
    ((2, 1), 4.0, 12.0),  # looks each 2 s: 6, and the first one more than 4 s later
    ((2, 1), 0.0, None),
]


@pytest.mark.parametrize(("version", "timeout", "ends"), PROGRESS)
def test_a_pull_without_progress_is_given_up(version, timeout, ends):
    spec = node(replace(containerd(version), progress_timeout=timeout))
    fault = Fault(5.0, stall=True)
    result = run_containerd({"a:1": image(layer("x", 10))}, spec=spec, source=registry(faults=(fault,)), horizon=325.0)
    if ends is None:
        assert (result.pulls, result.under_way) == ([], 1)
        return
    record = pull(result, "a")
    assert record.ended == pytest.approx(ends)
    assert (record.cause, record.error) == ("noProgress", f"rpc error: code = Canceled desc = {FAILED}context canceled")
    assert stages(record) == {"download_egress": 5.0, "stall": ends - 5.0}
    assert record.downloaded == 5 * RATE


def test_a_pull_that_gets_bytes_elsewhere_is_not_given_up():
    """y takes half of the link until 20; its last bytes are seen at 20, so 60 s more and a look."""
    images = {"a:1": image(layer("x", 10), layer("y", 10))}
    spec = node(replace(containerd(), progress_timeout=60.0))
    faults = (Fault(5.0, stall=True, probability=1.0, image="a:1"),)
    result = run_containerd(images, spec=spec, source=registry(faults=faults), horizon=90.0)
    assert pull(result, "a").ended == pytest.approx(80.0)  # both stop at 5
    slow = (Fault(5.0, 15.0, slow=RATE / 100), Fault(20.0, stall=True))
    result = run_containerd(images, spec=spec, source=registry(faults=slow), horizon=120.0)
    assert pull(result, "a").ended == pytest.approx(90.0)  # a hundredth of the rate is progress


def test_a_stalled_document_is_given_up_too():
    """The manifest never comes: nothing after the look at 0, which finds no request."""
    images = {"a:1": image(layer("x", 1), documents=(1000, 0))}
    spec = node(replace(containerd(), progress_timeout=60.0))
    result = run_containerd(images, spec=spec, source=registry(faults=(Fault(stall=True),)), horizon=75.0)
    assert pull(result, "a").ended == pytest.approx(70.0)
    assert stages(pull(result, "a")) == {"stall": 70.0}


# ---------------------------------------------------------------- a body that slows down


@ALL
def test_a_slow_body_comes_at_that_rate_while_it_lasts(version):
    """2 s at the full rate, 4 s at a quarter, 7 s at the full rate."""
    fault = Fault(2.0, 4.0, slow=RATE / 4)
    _, record = pull_alone(layer("x", 10), spec=node(containerd(version)), source=registry(faults=(fault,)))
    assert record.ended == pytest.approx(13.0)
    assert stages(record) == {"download_egress": 9.0, "download_connection": 4.0}


# ---------------------------------------------------------------- a body that breaks off


@ALL
def test_the_rest_of_a_body_that_breaks_off_is_asked_for(version):
    """Without latency it costs nothing; far away, a connection and an answer."""
    fault = Fault(cut=Cut(share=0.4))
    result, record = pull_alone(layer("x", 10), spec=node(containerd(version)), source=registry(faults=(fault,)))
    assert stages(record) == {"download_egress": 10.0}
    assert blob_requests(result) == 2
    (row,) = layers(result, "a")
    assert (row.downloaded, row.size) == (10 * RATE, 10 * RATE)
    _, record = pull_alone(layer("x", 10), spec=node(containerd(version)), source=registry(faults=(fault,), **FAR))
    assert stages(record) == {"resolve": 5.0, "request": 1.0 + 2.0, "download_egress": 10.0}


@ALL
def test_each_answer_may_break_off(version):
    """3 + 3 + 3 + 1 of 10."""
    fault = Fault(cut=Cut(size=round(3 * RATE)))
    result, record = pull_alone(layer("x", 10), spec=node(containerd(version)), source=registry(faults=(fault,)))
    assert record.ended == pytest.approx(10.0)
    assert blob_requests(result) == 4


@ALL
def test_bodies_that_bring_nothing_are_given_up(version):
    """Four in a row (httpreadseeker.go maxRetry)."""
    fault = Fault(cut=Cut(size=0), of="blobs")
    result = run_containerd(
        {"a:1": image(layer("x", 1))}, spec=node(containerd(version)), source=registry(faults=(fault,)), horizon=5.0
    )
    record = pull(result, "a")
    assert (record.cause, record.downloaded) == ("connectionLost", 0)
    assert record.error == f"{FAILED}failed to read expected number of bytes: unexpected EOF"  # as 1.6.20 has it
    assert blob_requests(result) == 4


@ALL
def test_a_reset_fails_the_pull(version):
    """As measured on 1.6.20: no request for the rest, all of it comes again with the next attempt."""
    fault = Fault(0.0, 9.0, cut=Cut(share=0.4, reset=True))
    result = run_containerd(
        {"a:1": image(layer("x", 10))}, spec=node(containerd(version)), source=registry(faults=(fault,))
    )
    first, second = result.pulls
    assert first.error == f"{FAILED}failed to copy: read tcp {HOST}:443: read: connection reset by peer"
    assert (first.ended, first.downloaded) == (pytest.approx(4.0), 4 * RATE)
    assert (second.ok, second.downloaded, second.refetched) == (True, 10 * RATE, 0)


@pytest.mark.parametrize(("collect_after", "again"), [(FOREVER, 6), (9.9, 10), (0.245, 10)])
@ALL
def test_a_later_pull_resumes_what_was_left_unless_it_was_collected(collect_after, again, version):
    spec = node(containerd(version, collect_after=collect_after))
    fault = Fault(0.0, 9.0, cut=Cut(share=0.4, reset=True))
    result = run_containerd({"a:1": image(layer("x", 10))}, spec=spec, source=registry(faults=(fault,)))
    first, second = result.pulls
    assert (first.downloaded, second.downloaded) == (4 * RATE, again * RATE)
    assert second.ended - second.started == pytest.approx(again)
    assert result.registries[0].sent == (4 + again) * RATE
    assert check(result) == []


def test_the_waiting_pull_resumes_what_the_holder_of_the_lock_got():
    """a is cut off at 4 s; b, which waits for the layer, fetches the other 6 s of it."""
    faults = (Fault(0.0, 5.0, image="a:1", cut=Cut(share=0.4, reset=True)),)
    content = image(layer("base", 10))
    images = {"a:1": content, "b:1": image(layer("base", 10), layer("y", 0))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=0.1)]
    result = run_containerd(images, wanted, source=registry(faults=faults))
    assert (pull(result, "a", 1).ok, pull(result, "b").ended) == (False, pytest.approx(10.0))
    assert pull(result, "b").downloaded == 6 * RATE


def test_a_registry_that_goes_away_cuts_its_bodies():
    """Refused from 5 on: the rest cannot be asked for."""
    result = run_containerd(
        {"a:1": image(layer("x", 10))}, source=registry(faults=(Fault(5.0, 10.0, status=None),)), horizon=12.0
    )
    record = pull(result, "a")
    assert (record.ended, record.downloaded, record.cause) == (pytest.approx(5.0), 5 * RATE, "connectionLost")


def test_a_status_leaves_bodies_alone():
    _, record = pull_alone(layer("x", 10), source=registry(faults=(Fault(5.0, 10.0, status=503),)))
    assert record.ended == pytest.approx(10.0)


# ---------------------------------------------------------------- a host that cannot be reached


@ALL
def test_connecting_times_out_after_30_seconds(version):
    result = run_containerd(
        {"a:1": image(layer("x", 1))},
        spec=node(containerd(version)),
        source=registry(faults=(Fault(unreachable=True),), **FAR),
        horizon=35.0,
    )
    record = pull(result, "a")
    assert (record.ended, record.cause) == (pytest.approx(30.0), "unavailable")
    url = f"https://{HOST}/v2/a/manifests/1"
    why = f'failed to do request: Head "{url}": dial tcp {HOST}:443: i/o timeout'
    assert record.error == unresolved(NAME, version) + why


def test_bodies_wait_for_a_host_that_comes_back():
    _, record = pull_alone(layer("x", 10), source=registry(faults=(Fault(5.0, 20.0, unreachable=True),)))
    assert stages(record) == {"download_egress": 10.0, "stall": 20.0}


# ---------------------------------------------------------------- chance


def test_chance_strikes_the_share_of_requests_that_it_says():
    images = {f"i{n}:1": image(layer(f"l{n}", 0.001)) for n in range(400)}
    wanted = [pod(f"p{n}", named(f"i{n}:1"), at=float(n)) for n in range(400)]
    faults = (Fault(status=404, probability=0.25, of="blobs"),)
    result = run(wanted, node(containerd(OLD), max_pods=500), registries=[registry(faults=faults)], images=images)
    first = [each for each in result.pulls if each.attempt == 1]
    assert sum(each.ok for each in first) / 400 == pytest.approx(0.75**2, abs=0.06)  # config and layer
    assert all(each.started is not None for each in result.pods)  # the run goes on until they have had luck


def test_draws_do_not_depend_on_other_nodes_and_images():
    faults = (Fault(status=404, probability=0.5, of="blobs"),)

    def outcomes(nodes, count):
        images = {f"i{n}:1": image(layer(f"l{n}", 1)) for n in range(count)}
        wanted = [
            pod(f"p{n}-{m}", named(f"i{n}:1"), at=float(n), node=f"n-{m}") for n in range(count) for m in range(nodes)
        ]
        result = run(
            wanted,
            node(containerd(OLD)),
            nodes=nodes,
            registries=[registry(faults=faults)],
            images=images,
            horizon=400.0,
        )
        return [(each.pod, each.attempt, each.ok) for each in result.pulls if each.pod in ("p0-0", "p1-0")]

    few = sorted(outcomes(1, 2))
    assert few == sorted(outcomes(3, 2))
    assert few == sorted(outcomes(1, 6))
    assert {ok for _, _, ok in few} == {True, False}


# ---------------------------------------------------------------- bytes

windows = st.tuples(st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([0.5, 3.0, 20.0]))
kinds = st.sampled_from(
    [
        {"stall": True},
        {"slow": RATE / 7},
        {"cut": Cut(share=0.3)},
        {"cut": Cut(size=round(RATE / 3))},
        {"cut": Cut(share=0.6, reset=True)},
        {"status": None},
        {"status": 503},
        {"unreachable": True},
    ]
)
faults_ = st.builds(
    lambda window, kind, chance: Fault(*window, probability=chance, **kind),
    windows,
    kinds,
    st.sampled_from([1.0, 0.5]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(faults_, max_size=3),
    st.sampled_from(EVERY),
    st.sampled_from([0.245, FOREVER]),
    st.sampled_from([1.0, 0.957]),
    st.sampled_from([0.0, 0.05]),
)
def test_every_byte_that_is_sent_is_downloaded_by_a_pull(faults, version, collect_after, goodput, round_trip):
    """Whatever breaks off: links carry what pulls get, and pods start with whole layers once the faults are over."""
    images = {
        "a:1": image(layer("base", 1, 0.5), layer("x", 2, 0.1)),
        "b:1": image(layer("base", 1, 0.5), layer("y", 1, 0.1)),
    }
    wanted = [pod(f"{name}{n}", named(f"{name}:1"), at=0.3 * n, node=f"n-{n}") for name in "ab" for n in range(2)]
    source = registry(faults=tuple(faults), goodput=goodput, round_trip=round_trip)
    spec = node(containerd(version, collect_after=collect_after))
    result = run(wanted, spec, nodes=2, registries=[source], images=images)
    assert check(result) == []
    assert all(each.started is not None for each in result.pods)
    (use,) = result.registries
    got = sum(each.downloaded for each in result.layers)
    carried = sum((each.t1 - each.t0) * each.bytes_per_second for each in result.links)
    assert use.sent == got
    assert carried * goodput == pytest.approx(got, abs=50)
    for n in range(2):
        mine = [each for each in result.layers if each.node == f"n-{n}"]
        distinct = sum({each.digest: each.size for each in mine}.values())
        assert sum(each.downloaded for each in mine) >= distinct
        if collect_after == FOREVER:  # nothing twice
            assert sum(each.downloaded for each in mine) == pytest.approx(distinct, abs=50)
