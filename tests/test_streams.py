from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.streams import Streams, _log

GOLDEN_UNIFORM = [0.7836752743747571, 0.2629070761864738, 0.2841918867017704]
GOLDEN_EXPONENTIAL = 1.7436471563797555
GOLDEN_CHOICES = [5, 0, 4, 5, 2, 1, 3, 5, 1, 3, 2, 2]


def draws(stream, n=200):
    return [stream.uniform() for _ in range(n)]


def test_golden_numbers():
    streams = Streams(7)
    assert draws(streams.get("workers-0003", "jitter"), 3) == GOLDEN_UNIFORM
    assert streams.get("workers-0003", "arrivals").exponential(0.5) == GOLDEN_EXPONENTIAL
    assert [streams.get("dice").choice(6) for _ in range(12)] == GOLDEN_CHOICES


def test_a_stream_does_not_depend_on_others_or_their_order():
    alone = draws(Streams(1).get("a", "b"))
    streams = Streams(1)
    others = [streams.get("node", str(i)) for i in range(20)]
    mixed = []
    for _ in range(200):
        for other in others:
            other.uniform()
        mixed.append(streams.get("a", "b").uniform())
    assert mixed == alone


def test_keys_and_seeds_make_different_streams():
    keys = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("c", "ab"), ()]
    drawn = [tuple(draws(Streams(seed).get(*key), 4)) for key in keys for seed in (0, 1, 2**40)]
    assert len(set(drawn)) == len(drawn)


def test_one_key_is_one_stream():
    streams = Streams(3)
    assert streams.get("x") is streams.get("x")
    assert len(set(draws(streams.get("x"), 300))) == 300


def test_negative_seeds_are_refused():
    with pytest.raises(ValueError, match=">= 0"):
        Streams(-1)


def test_moments():
    stream = Streams(11).get("moments")
    uniform = draws(stream, 20_000)
    assert all(0.0 <= u < 1.0 for u in uniform)
    assert statistics.fmean(uniform) == pytest.approx(0.5, abs=0.01)
    assert statistics.pvariance(uniform) == pytest.approx(1 / 12, rel=0.03)
    waits = [stream.exponential(4.0) for _ in range(20_000)]
    assert statistics.fmean(waits) == pytest.approx(0.25, rel=0.03)
    assert statistics.pstdev(waits) == pytest.approx(0.25, rel=0.03)
    chosen = [stream.choice(5) for _ in range(20_000)]
    assert [chosen.count(i) / 20_000 for i in range(5)] == pytest.approx([0.2] * 5, abs=0.015)


def test_streams_are_not_correlated():
    a, b = (draws(Streams(5).get("node", str(i)), 5000) for i in (1, 2))
    assert abs(statistics.correlation(a, b)) < 0.05


@given(st.floats(1e-17, 1e300))
def test_logarithm(x):
    assert _log(x) == pytest.approx(math.log(x), rel=4e-16, abs=3e-16)
