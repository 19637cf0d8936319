"""The connections of an HTTP client to one host: which one a request takes, and which ones stay open."""

from __future__ import annotations

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from pullsim.kernel.environment import Environment
from pullsim.registry.connections import Connections

NEW, OLD, OLDER = 10, 20, 30  # windows


@pytest.fixture
def env():
    return Environment()


def dial(env, connections, seconds, taken):
    window = yield from connections.first(seconds)
    taken.append((env.now, window))


def free(env, connections, window, at):
    yield env.timeout(at)
    connections.free(window)


def idle(connections):
    found = []
    while window := connections.take():
        found.append(window)
    return found


def test_a_dialled_connection_is_taken_if_no_other_is_free_before(env):
    connections, taken = Connections(env, NEW), []
    env.process(dial(env, connections, 2.0, taken))
    env.process(free(env, connections, OLD, 3.0))
    env.run()
    assert taken == [(2.0, NEW)]
    assert idle(connections) == [OLD]


def test_one_that_is_free_before_is_taken_and_the_dialled_one_is_idle_once_it_is_open(env):
    connections, taken = Connections(env, NEW), []
    env.process(dial(env, connections, 2.0, taken))
    env.process(free(env, connections, OLD, 1.0))
    env.run(until=1.5)
    assert taken == [(1.0, OLD)]
    assert not connections.any_idle
    env.run()
    assert idle(connections) == [NEW]


def test_requests_are_served_in_turn_by_whatever_is_open(env):
    """The second request takes the connection that the first one has dialled."""
    connections, taken = Connections(env, NEW), []
    env.process(dial(env, connections, 2.0, taken))
    env.process(dial(env, connections, 5.0, taken))
    env.process(free(env, connections, OLD, 1.0))
    env.run()
    assert taken == [(1.0, OLD), (2.0, NEW)]


def test_the_one_used_last_is_taken_and_the_third_idle_one_is_closed(env):
    connections = Connections(env, NEW)
    for window in (OLDER, OLD, NEW):
        connections.free(window)
    assert idle(connections) == [OLD, OLDER]


def test_a_request_that_is_stopped_leaves_its_place_and_its_connection(env):
    connections, taken = Connections(env, NEW), []

    def stopped():
        with pytest.raises(simpy.Interrupt):
            yield from connections.first(4.0)

    process = env.process(stopped())
    env.process(dial(env, connections, 5.0, taken))

    def stop():
        yield env.timeout(1.0)
        process.interrupt()

    env.process(stop())
    env.run()
    assert taken == [(4.0, NEW)]
    assert idle(connections) == [NEW]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_as_many_requests_are_served_by_any_time_as_dials_alone_would(requests):
    """Requests (begin, seconds of a dial, seconds of use) at times that tie; none is lost, and no connection is."""
    env = Environment()
    connections = Connections(env, NEW, keeps=len(requests))
    served = []

    def request(begin, seconds, use):
        yield env.timeout(begin)
        window = connections.take() or (yield from connections.first(seconds))
        served.append(env.now)
        yield env.timeout(use)
        connections.free(window)

    for each in requests:
        env.process(request(*each))
    env.run()
    alone = sorted(begin + seconds for begin, seconds, _ in requests)
    assert len(served) == len(requests)
    assert all(now <= latest for now, latest in zip(sorted(served), alone, strict=True))
    assert connections.in_use == 0
    assert 1 <= len(idle(connections)) <= len(requests)
