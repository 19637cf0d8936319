"""The lock of CRI-O's layer store: writers in the order of asking, readers between two writers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pullsim.kernel.environment import Environment
from pullsim.runtime.crio.store_lock import StoreLock

HOLDS = st.integers(1, 3)
WRITERS = st.lists(st.tuples(st.integers(0, 4), HOLDS), max_size=6).map(sorted)
READERS = st.lists(st.integers(0, 15).map(lambda n: n + 0.5), max_size=4)


def run(writers, readers):
    """Return when each writer began, and when each reader read."""
    env = Environment()
    lock = StoreLock(env)
    began, read = [0.0] * len(writers), [0.0] * len(readers)

    def writer(number, at, hold):
        yield env.timeout(at)
        if (turn := lock.acquire()) is not None:
            yield from lock.wait(turn)
        began[number] = env.now
        yield env.timeout(hold)
        lock.release()

    def reader(number, at):
        yield env.timeout(at)
        if (reading := lock.reading()) is not None:
            yield reading
        read[number] = env.now

    for number, each in enumerate(writers):
        env.process(writer(number, *each))
    for number, at in enumerate(readers):
        env.process(reader(number, at))
    env.run()
    return began, read


@given(WRITERS, READERS)
def test_writers_follow_each_other_and_readers_wait_for_the_one_that_writes(writers, readers):
    spans, free = [], 0
    for at, hold in writers:
        free = max(at, free) + hold
        spans.append((free - hold, free))
    expected = [next((end for begin, end in spans if begin <= at < end), at) for at in readers]
    assert run(writers, readers) == ([begin for begin, _ in spans], expected)


def test_a_reader_reads_before_the_next_writer_begins():
    env = Environment()
    lock = StoreLock(env)
    order = []
    assert lock.acquire() is None
    turn = lock.acquire()
    turn.callbacks.append(lambda _: order.append("writer"))
    for _ in range(2):
        lock.reading().callbacks.append(lambda _: order.append("reader"))
    lock.release()
    env.run()
    assert order == ["reader", "reader", "writer"]


def test_who_gives_up_waiting_leaves_the_lock_to_the_others():
    env = Environment()
    lock = StoreLock(env)
    lock.acquire()
    turn = lock.acquire()
    lock.cancel(turn)
    lock.release()
    assert lock.reading() is None
    assert lock.acquire() is None
