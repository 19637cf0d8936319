"""Who pulls next: the queue behind the puller, the kubelet's own two and a policy of somebody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.cri import PullOutcome
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Event
from pullsim.kubelet.images.image_service import PullRequest
from pullsim.kubelet.images.puller import ImagePuller, ParallelPulls, SerialPulls
from pullsim.time_line import TimeLine
from tests.support.world import pod

TAKES = 2.0


class Service:
    """Pulls that take 2 s each."""

    def __init__(self, env):
        self.env = env

    def pull(self, request, clock):
        del clock
        yield self.env.timeout(TAKES)
        return PullOutcome(f"id of {request.image}")


class LastComeFirstServed:
    """A policy that no kubelet has: one pull at a time, of those that wait the one that was asked for last."""

    def __init__(self):
        self.busy = False
        self.waiting = []

    def acquire(self, request):
        if not self.busy:
            self.busy = True
            return True
        self.waiting.append(request)
        return False

    def release(self, request):
        del request
        if self.waiting:
            self.waiting.pop().begin()
        else:
            self.busy = False


def pulls(queue, asked):
    """Begin and end of pulls that are asked for at these times, in the order of the times."""
    env = Environment()
    puller = ImagePuller(env, Service(env), queue())
    results = {}

    def worker(number, at):
        yield env.timeout(at)
        asking = pod("p", f"a{number}:1")
        request = PullRequest(f"a{number}:1", asking, asking.spec.containers[0], at)
        clock = TimeLine(env.now, "sync")
        puller.enqueue(request, clock)
        if request.queued:
            request.waiter = Event(env)
            yield request.waiter
        results[number] = yield from puller.pull(request, clock)

    for number, at in enumerate(asked):
        env.process(worker(number, at))
    env.run()
    return [(results[number].started, results[number].ended) for number in range(len(asked))]


@pytest.mark.parametrize(
    ("queue", "started"),
    [
        (SerialPulls, [0.0, 2.0, 4.0, 6.0]),
        (lambda: ParallelPulls(2), [0.0, 0.0, 2.0, 2.0]),
        (lambda: ParallelPulls(None), [0.0] * 4),
        (LastComeFirstServed, [0.0, 6.0, 4.0, 2.0]),
    ],
    ids=["serial", "two at once", "without limit", "last come, first served"],
)
def test_who_pulls_next(queue, started):
    assert [began for began, _ in pulls(queue, [0.0] * 4)] == started


@given(st.lists(st.integers(0, 6).map(float), min_size=1, max_size=8).map(sorted), st.integers(1, 3))
def test_pulls_begin_in_the_order_in_which_they_are_asked_for_and_never_more_than_allowed(asked, maximum):
    times = pulls(lambda: ParallelPulls(maximum), asked)
    began = [begin for begin, _ in times]
    assert began == sorted(began)
    for number, (at, begin) in enumerate(zip(asked, began, strict=True)):
        running = sum(start <= begin < end for start, end in times[:number])
        assert running < maximum
        assert begin == at or begin in {end for _, end in times[:number]}  # nobody waits while there is room
