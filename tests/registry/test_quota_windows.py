"""Quotas: no window ever has more than it may, and a request is refused only where it must be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.cri import Auth
from pullsim.oci.reference import parse
from pullsim.registry.access import Presented
from pullsim.registry.quotas import FixedWindow, Quotas, SlidingWindow, TokenBucket
from pullsim.registry.request import Request
from pullsim.spec.registry import Limit

PER = 10.0
gaps = st.lists(st.sampled_from([0.0, 0.1, 1.0, 3.0, 9.9, 10.0, 25.0]), max_size=60)
limits = st.integers(0, 6)


def admitted(quota, waits, amount=1):
    """Times at which requests got through, and those at which they did not, with the time they were told."""
    now, through, refused = 0.0, [], []
    for wait in waits:
        now += wait
        ready = quota.ready(now)
        if ready == now:
            quota.take(now, amount)
            through.append(now)
        else:
            refused.append((now, ready))
    return through, refused


@given(limits, gaps)
def test_a_sliding_window_never_has_more(limit, waits):
    through, refused = admitted(SlidingWindow(limit, PER), waits)
    for end in through:
        assert sum(end - PER < each <= end for each in through) <= limit
    for at, ready in refused:
        assert sum(at - PER < each <= at for each in through) == limit
        assert ready == math.inf if limit == 0 else at < ready <= at + PER


@given(limits, gaps)
def test_a_fixed_window_never_has_more_and_starts_with_a_request(limit, waits):
    through, refused = admitted(FixedWindow(limit, PER), waits)
    start, used = -math.inf, 0
    for each in through:
        if each >= start + PER:
            start, used = each, 0
        used += 1
        assert used <= limit
    assert all(ready > at for at, ready in refused)


@given(st.integers(1, 6), st.integers(1, 8), gaps)
def test_a_bucket_never_gives_more_than_its_burst_and_what_flowed_in(limit, burst, waits):
    through, refused = admitted(TokenBucket(limit, PER, burst), waits)
    for i, start in enumerate(through):
        for j, end in enumerate(through[i:], start=1):
            assert j <= burst + (end - start) * limit / PER + 1e-6
    assert all(at < ready <= at + PER / limit + 1e-6 for at, ready in refused)


@given(st.integers(1, 6), gaps)
def test_what_a_refusal_says_is_true(limit, waits):
    """A request at the time that it was told gets through."""
    for make in (SlidingWindow, FixedWindow, lambda n, per: TokenBucket(n, per, n)):
        quota = make(limit, PER)
        _, refused = admitted(quota, [*waits, 0.0, *[0.0] * limit])
        at, ready = refused[-1] if refused else (0.0, 0.0)
        assert not refused or quota.ready(max(at, ready)) == max(at, ready)


def test_the_request_that_crosses_a_line_of_bytes_is_answered():
    window, bucket = SlidingWindow(100, PER), TokenBucket(100, PER, 100)
    for quota in (window, bucket):
        quota.take(0.0, 99)
        assert quota.ready(0.0) == 0.0
        quota.take(0.0, 500)
    assert window.ready(1.0) == 10.0
    assert bucket.ready(1.0) == pytest.approx(50.0)  # 499 overdrawn, 1 to be there, 10/s


def request(kind="manifests", *, node="n", address=None, user=None, **given_):
    auth = None if user is None else Auth(user, "secret")
    return Request(Presented(auth, None, address, node), parse("docker.io/library/a:1"), kind, **given_)


def refused(quotas, *requests, challenge=False):
    """Which of the requests are refused."""
    found = []
    for number, each in enumerate(requests):
        ask = quotas.challenge if challenge else quotas.answer
        if ask(each, float(number)) is not None:
            found.append(number)
    return found


COUNTS = [
    # limit, requests, refused
    ({"of": "manifests"}, [request(), request()], [1]),
    ({"of": "manifests"}, [request(head=True), request(head=True), request()], []),  # HEAD is free
    ({"of": "manifests"}, [request("blobs"), request("blobs"), request()], []),
    ({"of": "blobs"}, [request(), request("blobs"), request("blobs")], [2]),
    ({"of": "requests"}, [request(head=True), request("blobs")], [1]),
    (
        {"indexes": False},
        [request(is_index=True), request(), request(is_index=True)],
        [2],
    ),  # it needs room all the same
    ({"by": "address"}, [request(node="a"), request(node="b")], []),  # each node has its own
    ({"by": "address"}, [request(node="a", address="nat"), request(node="b", address="nat")], [1]),
    ({"by": "registry"}, [request(node="a"), request(node="b")], [1]),
    ({"by": "account"}, [request(node="a", user="ci"), request(node="b", user="ci")], [1]),
    ({"by": "account"}, [request(node="a", user="ci"), request(node="a", user="dev")], []),
    ({"by": "account"}, [request(node="a"), request(node="b")], []),  # without credentials: by address
    ({"only": "anonymous"}, [request(user="ci"), request(user="ci"), request()], []),
    ({"only": "authenticated"}, [request(), request(), request(user="ci"), request(user="ci")], [3]),
]


@pytest.mark.parametrize(("limit", "requests", "expected"), COUNTS)
def test_which_requests_count_and_who_shares(limit, requests, expected):
    assert refused(Quotas((Limit(per=100.0, requests=1, **limit),)), *requests) == expected


def test_a_request_without_authorization_counts_as_a_request_only():
    assert refused(Quotas((Limit(per=100.0, requests=1),)), request(), request(), challenge=True) == []
    assert refused(Quotas((Limit(per=100.0, requests=1, of="requests"),)), request(), request(), challenge=True) == [1]


def test_a_refused_request_counts_nowhere():
    """The second limit is not used by what the first refuses."""
    quotas = Quotas((Limit(per=100.0, requests=1, of="blobs"), Limit(per=100.0, requests=2, of="requests")))
    assert refused(quotas, request("blobs"), request("blobs"), request()) == [1]
