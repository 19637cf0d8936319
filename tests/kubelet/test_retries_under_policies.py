"""Policies about failed pulls: when they are tried again. Instants by hand, in the minimal loop unless said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim import InputError
from pullsim.results import check
from pullsim.spec.pull_policies import MaxBackOff, QueueQps, ResetOnRecovery, RetryAtExpiry
from pullsim.spec.runtime import FixedImage
from tests.support.outcome import pull, row, stages, started, times, whole
from tests.support.pull_policies import run_policies
from tests.support.world import STEADY, UNLIMITED, failing, pod, run_fixed

ONE = [pod("p", "a:1")]


def attempts(result, pod="p"):
    return [each.started for each in result.pulls if each.pod == pod]


# Retry at expiry


def test_a_retry_begins_when_the_back_off_is_over():
    """Failures take 1 s; back-offs of 10, 20, 40 s end at 11, 32 and 73."""
    images = {"a:1": failing(1.0, pull=2.0, times=3)}
    assert attempts(run_fixed(ONE, images)) == [0.0, 11.0, 32.0, 73.0]  # this loop has no delays of its own
    assert attempts(run_policies(ONE, images, RetryAtExpiry())) == [0.0, 11.0, 32.0, 73.0]


def test_in_the_real_loop_with_the_tick_after_it_instead_of_a_requeue():
    """Ticks at k + 0.7 s: after the failures at 1, 12.7, 34.7 the back-offs end at 11, 32.7, 74.7.

    The kubelet looks at 12.7 + 0.3 + 10 and so on, each time 10 s after it looked last.
    """
    images = {"a:1": failing(1.0, pull=2.0, times=3)}
    plain, at_expiry = (attempts(run_policies(ONE, images, *given, loop=STEADY)) for given in ((), (RetryAtExpiry(),)))
    assert at_expiry == [0.0, 11.7, 33.7, 75.7]
    assert plain[:2] == [0.0, 11.7]
    assert all(ours <= theirs for ours, theirs in zip(at_expiry, plain, strict=True))
    assert plain[-1] > at_expiry[-1]


def test_it_does_not_look_in_between():
    images = {"a:1": failing(1.0)}
    plain, at_expiry = (
        run_policies(ONE, images, *given, loop=STEADY, horizon=80.0) for given in ((), (RetryAtExpiry(),))
    )
    assert len(times(at_expiry, "BackOff")) == 1  # after the sandbox has started, the relist makes a sync
    assert len(times(plain, "BackOff")) > 4


def test_another_failure_of_the_pod_is_looked_at_as_ever():
    """b has the policy Never: it starts no back-off, and is looked at again 10 s after each sync."""
    wanted = [pod("p", "a:1", "b:1", policy="Never"), pod("q", "a:1")]
    result = run_policies(wanted, {"a:1": failing(1.0), "b:1": FixedImage(1.0)}, RetryAtExpiry(), horizon=35.0)
    assert times(result, "ErrImageNeverPull", container="c1") == [0.0, 10.0, 20.0, 30.0]
    assert attempts(result, "q") == [0.0, 11.0, 32.0]


# A longest back-off of one's own


@pytest.mark.parametrize(
    ("longest", "expected"),
    [(300.0, [0, 11, 32, 73, 154]), (20.0, [0, 11, 32, 53, 74, 95, 116, 137, 158]), (5.0, [6 * n for n in range(29)])],
)
def test_the_longest_back_off(longest, expected):
    result = run_policies(ONE, {"a:1": failing(1.0)}, MaxBackOff(longest), RetryAtExpiry(), horizon=170.0)
    assert attempts(result) == pytest.approx(expected)


def test_an_entry_expires_after_twice_the_own_cap():
    """A failure more than 2 x 5 s after the one before begins anew; with the cap at 300 s the second wait is 20 s."""
    images = {"a:1": failing(11.0)}
    result = run_policies(ONE, images, MaxBackOff(5.0), RetryAtExpiry(), horizon=45.0)
    assert attempts(result) == [0.0, 16.0, 32.0]


# Reset when a registry has recovered

#: a fails at 1 and 12 and would wait until 32; b comes at 19, and a's third attempt fails again.
RECOVERS = {"r.io/a:1": failing(1.0, pull=2.0, times=3), "r.io/b:1": 4.0, "s.io/b:1": 4.0}


def test_a_success_ends_the_back_offs_of_its_registry():
    wanted = [pod("p", "r.io/a:1"), pod("q", "r.io/b:1", at=15.0)]
    result = run_policies(wanted, RECOVERS, ResetOnRecovery(jitter=0.0))
    assert attempts(result) == [0.0, 11.0, 19.0, 30.0]  # the next back-off is the first one again
    assert stages(row(result, "p")) == {"pull": 5.0, "backoff": 27.0}
    real = run_policies(wanted, RECOVERS, ResetOnRecovery(jitter=0.0), loop=STEADY)
    assert attempts(real) == [0.0, 11.7, 19.7, 31.7]  # with the ticks of the work queue


def test_not_those_of_another_registry():
    wanted = [pod("p", "r.io/a:1"), pod("q", "s.io/b:1", at=15.0)]
    assert attempts(run_policies(wanted, RECOVERS, ResetOnRecovery(jitter=0.0))) == [0.0, 11.0, 32.0, 73.0]


def test_an_image_that_is_not_there_stays_in_back_off():
    """A success says that the registry answers, not that somebody has pushed a missing tag."""
    wanted = [pod("p", "r.io/nowhere:1"), pod("q", "r.io/b:1", at=15.0)]
    result = run_policies(wanted, RECOVERS, ResetOnRecovery(jitter=0.0), horizon=35.0)
    assert pull(result, "p").cause == "notFound"
    assert attempts(result) == [0.0, 10.0, 30.0]


def test_retries_come_one_by_one_with_the_tokens_of_the_kubelet():
    """Six pods fail at 1 s, and q succeeds at 5 s. Two tokens a second: their retries are half a second apart."""
    wanted = [*(pod(f"p{n}", f"r.io/a{n}:1") for n in range(6)), pod("q", "r.io/b:1", at=1.0)]
    images = {"r.io/b:1": 4.0} | {f"r.io/a{n}:1": failing(1.0, pull=2.0, times=1) for n in range(6)}
    config = {**UNLIMITED, "registryPullQPS": 2, "registryBurst": 6}
    result = run_policies(wanted, images, ResetOnRecovery(jitter=0.0), kubelet=config)
    second = sorted(each.started for each in result.pulls if each.attempt == 2)
    assert second == [5.0, 5.5, 6.0, 6.5, 7.0, 7.5]
    assert all(each.cause != "qps" for each in result.pulls)


def test_the_jitter_spreads_them():
    wanted = [*(pod(f"p{n}", f"r.io/a{n}:1") for n in range(20)), pod("q", "r.io/b:1", at=1.0)]
    images = {"r.io/b:1": 4.0} | {f"r.io/a{n}:1": failing(1.0, pull=2.0, times=1) for n in range(20)}
    second = [
        each.started for each in run_policies(wanted, images, ResetOnRecovery(jitter=4.0)).pulls if each.attempt == 2
    ]
    assert len(set(second)) == 20
    assert min(second) >= 5.0
    assert max(second) <= 9.0
    assert max(second) - min(second) > 2.0


def test_a_pod_that_is_deleted_meanwhile_is_not_woken():
    wanted = [pod("p", "r.io/a:1", lives=14.0), pod("q", "r.io/b:1", at=15.0)]
    result = run_policies(wanted, RECOVERS, ResetOnRecovery(jitter=0.0))
    assert attempts(result) == [0.0, 11.0]


# Policies of somebody else


class Patient:
    def __init__(self, seconds):
        self.seconds = seconds

    def after(self, error, pull, now):
        del pull
        return now + self.seconds if error.cause != "notFound" else None


@pytest.mark.parametrize("seconds", [3, 3.0, np.float64(3)])
def test_the_time_that_a_policy_gives_is_that_of_the_next_attempt(seconds):
    """3 s after each failure; without an answer the kubelet's own back-off holds."""
    images = {"a:1": failing(1.0, pull=2.0, times=4)}
    assert attempts(run_policies(ONE, images, Patient(seconds))) == [0.0, 4.0, 8.0, 12.0, 16.0]
    missing = run_policies([pod("p", "nowhere:1")], images, Patient(3.0), horizon=35.0)
    assert attempts(missing) == [0.0, 10.0, 30.0]


def test_it_is_told_why_and_how_often_and_what_the_kubelet_would_do():
    told = []

    class Asks:
        def after(self, error, pull, now):
            told.append((error.message, error.cause, error.failures, error.back_off, pull.registry, pull.asked, now))

    run_policies(ONE, {"a:1": failing(1.0, pull=2.0, times=2, error="no")}, _Same(Asks()))
    assert told == [
        ("no", "runtime", 1, 10.0, "docker.io", 0.0, 1.0),
        ("no", "runtime", 2, 20.0, "docker.io", 11.0, 12.0),
    ]


class _Same:
    """An object that stays the same where a node makes a copy of it."""

    def __init__(self, inner):
        self.after = inner.after

    def __deepcopy__(self, memo):
        return self


def test_the_first_policy_that_says_something_counts():
    images = {"a:1": failing(1.0, pull=2.0, times=1)}
    assert attempts(run_policies(ONE, images, Patient(3.0), RetryAtExpiry())) == [0.0, 4.0]
    assert attempts(run_policies(ONE, images, RetryAtExpiry(), Patient(3.0))) == [0.0, 11.0]


@pytest.mark.parametrize("answer", [0.0, 1.0, float("nan"), float("inf"), 1e300, 10**400, "soon", True])
def test_a_time_that_is_not_later_is_refused(answer):
    class Wrong:
        def after(self, error, pull, now):
            del error, pull, now
            return answer

    with pytest.raises(InputError, match=r"the pull policy Wrong returned .* after a failure at 1 s: a time that is"):
        run_policies(ONE, {"a:1": failing(1.0)}, Wrong())


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6),
    st.sampled_from([0.0, 0.0, 2.0]),
    st.sampled_from([5.0, 10.0, 300.0]),
    st.booleans(),
)
def test_every_pod_comes_up_in_the_end_and_never_later_than_without(failures, jitter, longest, queued):
    wanted = [pod(f"p{n}", f"r.io/a{n}:1", at=float(at)) for n, (at, _) in enumerate(failures)]
    images = {f"r.io/a{n}:1": failing(1.0, pull=1.0, times=count) for n, (_, count) in enumerate(failures)}
    config = {**UNLIMITED, **({"registryPullQPS": 5, "registryBurst": 10} if queued else {})}
    policies = [RetryAtExpiry(), ResetOnRecovery(jitter), MaxBackOff(longest), *([QueueQps()] if queued else [])]
    plain, better = (run_policies(wanted, images, *given, kubelet=config) for given in ((), policies))
    assert None not in started(better).values()
    assert check(better) == []
    assert all(whole(each) for each in better.pods)
    if jitter == 0.0 and not queued:
        assert all(at <= started(plain)[name] + 1e-6 for name, at in started(better).items())
