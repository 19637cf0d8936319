"""A disk behind a page cache: closed forms, and what any script of writes conserves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.hardware.disk import UncachedDisk, disk
from pullsim.hardware.page_cache import CachedDisk
from pullsim.kernel.clock import run_until
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.spec.hardware import DiskBurst, DiskSpec, PageCacheSpec

CACHE = PageCacheSpec(limit=600.0, background=300.0)


def times(made, *writes):
    """Seconds at which writes (begin, how, *arguments) end."""
    env = Environment()
    server = made(env)
    ended = [None] * len(writes)

    def start(index, how, arguments):
        job = getattr(server, how)(*arguments)
        if job is not None:
            job.callbacks.append(lambda _: ended.__setitem__(index, env.now))

    for index, (begin, how, *arguments) in enumerate(writes):
        Call(env, lambda _, index=index, how=how, arguments=arguments: start(index, how, arguments), begin)
    env.run()
    return ended, server


def cached(env):
    return CachedDisk(env, 10.0, None, CACHE)


def close(value):
    return pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (300, 10.0),  # at the speed at which they are made: 30/s
        (600, 20.0),
        # write-back begins at 300 (10 s); then 20/s more are dirty until 600 (25 s, 750 written)
        (750, 25.0),
        (850, 35.0),  # and then the disk's 10/s
    ],
)
def test_writes_run_at_the_speed_of_their_making_until_the_limit_then_at_the_disks(size, expected):
    ended, _ = times(cached, (0.0, "buffer", size, size / 30))
    assert ended == [close(expected)]


def test_eks_nodes_write_334_mb_a_second_up_to_8_gb_then_131():
    """c5a.4xlarge with gp2: 20.5, 46.8, 77.7 and 108.4 s for 6.84, 10.9, 14.97 and 19.03 GB (data/tables)."""
    spec = PageCacheSpec(limit=5.9e9, background=3e9)
    for size, measured in [(6.84e9, 20.5), (10.90e9, 46.8), (14.97e9, 77.7), (19.03e9, 108.4)]:
        (ended,), _ = times(lambda env: CachedDisk(env, 132e6, None, spec), (0.0, "buffer", size, size / 336e6))
        assert ended == pytest.approx(measured, rel=0.02)


def test_dirty_bytes_drain_and_the_next_writer_finds_room():
    full = (0.0, "buffer", 750, 25.0)  # 600 dirty at its end
    ended, server = times(cached, full, (25.0, "buffer", 100, 1.0))
    assert ended == [close(25.0), close(35.0)]  # no room: 10/s
    ended, server = times(cached, full, (45.0, "buffer", 200, 5.0))
    assert ended == [close(25.0), close(50.0)]  # 200 have drained
    assert server.dirty == 0.0
    assert not server.writing_back


def test_what_waits_for_30_s_is_written_back_below_the_threshold_too():
    ended, server = times(cached, (0.0, "buffer", 100, 1.0), (39.0, "begin", 10.0), (100.0, "begin", 10.0))
    # write-back from 30 to 40 but for its half of the disk from 39 on
    assert ended == [close(1.0), close(41.0), close(101.0)]
    assert server.dirty == 0.0


def test_durable_writes_share_the_disk_with_write_back():
    # 400 dirty at 15 s, to be 300: both get 5/s
    ended, _ = times(cached, (0.0, "buffer", 450, 15.0), (15.0, "begin", 50.0))
    assert ended == [close(15.0), close(25.0)]
    ended, _ = times(cached, (0.0, "begin", 50.0), (0.0, "begin", 50.0))
    assert ended == [close(10.0), close(10.0)]


def test_throttled_writers_share_what_the_disk_takes():
    ended, _ = times(cached, (0.0, "buffer", 750, 25.0), (25.0, "buffer", 40, 0.1), (25.0, "buffer", 9, 3.0))
    assert ended[1:] == [close(29.9), close(28.0)]  # the slow one comes at 3/s, the other has the remaining 7/s


def test_an_fsync_under_write_back_waits_for_what_came_in_since_the_last_one():
    def journaled(env):
        return CachedDisk(env, 10.0, None, PageCacheSpec(600.0, 300.0, journal=1.0))

    below = (0.0, "buffer", 200, 2.0)  # no write-back yet: nothing is allocated
    assert times(journaled, below, (2.0, "commit_journal"))[0] == [close(2.0), None]
    above = (0.0, "buffer", 450, 15.0)  # half a second's worth at the most, at half of the disk
    assert times(journaled, above, (15.0, "commit_journal"))[0] == [close(15.0), close(16.0)]
    small = (0.0, "buffer", 303, 10.1)
    assert times(journaled, small, (10.1, "commit_journal"))[0] == [close(10.1), close(10.4)]
    assert times(cached, above, (15.0, "commit_journal"))[0] == [close(15.0), None]


def test_a_burst_lasts_as_long_as_its_credit_and_idle_time_refills_it():
    def bursting(env):
        return CachedDisk(env, 10.0, DiskBurst(40.0, 60.0), None)

    # 40/s for 2 s, then 10/s; idle from 4 to 7: 30 of credit, which last 1 s
    ended, _ = times(bursting, (0.0, "begin", 100.0), (7.0, "buffer", 50.0, 0.1))
    assert ended == [close(4.0), close(9.0)]


def test_a_cancelled_write_tells_what_is_left():
    env = Environment()
    server = cached(env)
    first, second = server.begin(100.0), server.begin(100.0)
    left = []
    Call(env, lambda _: left.append(first.cancel()), 4.0)
    run_until(env, None, second)
    assert left == [close(80.0)]
    assert not first.triggered
    assert env.now == close(12.0)
    assert second.cancel() == 0.0


def test_only_a_disk_with_burst_or_cache_is_more_than_a_shared_server():
    env = Environment()
    assert disk(env, DiskSpec()) is None
    assert type(disk(env, DiskSpec(10.0))) is UncachedDisk
    assert type(disk(env, DiskSpec(10.0, page_cache=CACHE))) is CachedDisk


WRITES = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["begin", "buffer"]),
        st.integers(0, 500),
        st.sampled_from([0.0, 1.0, 7.0, 30.0]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150)
@given(WRITES, st.booleans(), st.booleans())
def test_every_byte_is_written_no_faster_than_disk_and_memory_allow(writes, bursting, cache):
    burst = DiskBurst(25.0, 100.0) if bursting else None
    made = lambda env: CachedDisk(env, 10.0, burst, CACHE if cache else None)  # noqa: E731
    script = [(t, how, size) if how == "begin" else (t, how, size, seconds) for t, how, size, seconds in writes]
    ended, server = times(made, *script)
    assert server.dirty == pytest.approx(0.0, abs=1e-6)
    total = sum(size for _, _, size, _ in writes)
    first, last = min(write[0] for write in writes), max(ended)
    room = CACHE.limit if cache else 0.0
    allowed = 10.0 * (last - first) + room + (100.0 if bursting else 0.0)
    assert total <= allowed * (1 + 1e-9) + 1e-3  # at the speed of memory, the last bit of a time is some of a byte
    for (begin, how, size, seconds), end in zip(writes, ended, strict=True):
        least = seconds if how == "buffer" and cache and size else size / (25.0 if bursting else 10.0)
        assert end >= begin + least * (1 - 1e-9)
