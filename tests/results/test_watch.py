"""Lines of a watch: in the order of time although rows come in the order of discovery, in columns."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pullsim.records import StatusRecord
from pullsim.results.kubectl.watch import AHEAD, Watch
from pullsim.results.summary.api_status import time_in_status


def row(t, status, pod="web", *, namespace="default", created=0.0, ready=0):
    return StatusRecord(t, "n", namespace, pod, created, ready, 1, status, None)


def watched(rows, end=math.inf):
    lines: list[str] = []
    watch = Watch(lines.append)
    for each in rows:
        watch(each)
    watch.finish(end)
    return lines


def test_lines():
    rows = [
        row(0.0, "Pending"),
        row(0.0, "ContainerCreating"),
        row(61.2, "ErrImagePull"),
        row(61.5, "Pending", "a-much-longer-name", namespace="kube-system", created=61.5),
        row(130.0, "Running", ready=1),
    ]
    assert watched(rows) == [
        "NAME   READY   STATUS              RESTARTS   AGE",
        "web    0/1     Pending             0          0s",
        "web    0/1     ContainerCreating   0          0s",
        "web    0/1     ErrImagePull        0          61s",
        "kube-system/a-much-longer-name   0/1     Pending             0          0s",
        "web                              1/1     Running             0          2m10s",
    ]


def test_nothing_happened():
    assert watched([]) == []


def test_what_comes_after_the_end_is_not_written():
    assert len(watched([row(0.0, "Pending"), row(10.5, "Running")], end=10.0)) == 2


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, AHEAD))))
def test_lines_are_in_the_order_of_time(steps):
    """A row may come up to AHEAD early: now + early, now never going back."""
    now, rows = 0.0, []
    for step, early in steps:
        now += step
        rows.append(row(now + early, f"{now + early:.9f}"))
    times = [float(line.split()[2]) for line in watched(rows)[1:]]
    assert times == sorted(times)
    assert len(times) == len(rows)


def test_time_in_status():
    rows = [
        row(0.0, "Pending", "a"),
        row(0.0, "Pending", "b"),
        row(2.0, "ContainerCreating", "a"),
        row(5.0, "ErrImagePull", "a"),
        row(6.0, "ContainerCreating", "b"),
        row(9.0, "Running", "b"),
        row(25.0, "ImagePullBackOff", "a"),
        row(35.0, "ErrImagePull", "a"),
    ]
    assert time_in_status(rows, 40.0) == {
        "ErrImagePull": 25.0,
        "ImagePullBackOff": 10.0,
        "Pending": 8.0,
        "ContainerCreating": 6.0,
    }
