from __future__ import annotations

import gc
from contextlib import contextmanager

import pytest

from pullsim import garbage
from pullsim.garbage import collect, rare_collections


@pytest.fixture(autouse=True)
def _usual_thresholds():
    """Begin with Python's own thresholds: a command that ran in this process has left others."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@contextmanager
def looks():
    """The generations at which the collector looks meanwhile."""
    generations = []

    def note(phase, info):
        if phase == "start":
            generations.append(info["generation"])

    gc.callbacks.append(note)
    try:
        yield generations
    finally:
        gc.callbacks.remove(note)


def test_thresholds_are_those_of_before_afterwards():
    before = gc.get_threshold()
    with pytest.raises(KeyError), rare_collections():  # noqa: PT012
        assert gc.get_threshold()[0] > 100 * before[0]
        raise KeyError
    assert gc.get_threshold() == before


def test_a_command_collects_rarely_until_it_ends(monkeypatch):
    ends = []
    monkeypatch.setattr(garbage.atexit, "register", ends.append)
    garbage.of_command()
    assert gc.get_threshold()[0] > 100 * 700
    assert ends == [gc.freeze]


def test_the_end_looks_at_nothing():
    with looks() as seen, rare_collections():
        kept = [[i] for i in range(50_000)]
    assert seen == []
    assert kept
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize(("cycles", "times"), [(False, 2), (True, 25)])
def test_looks_are_rare_where_they_find_nothing(cycles, times, monkeypatch):
    class Node:
        pass

    monkeypatch.setattr(garbage, "_NEXT", 4000)
    gc.collect()
    kept = []
    with looks() as seen, rare_collections():
        for _ in range(100_000):
            node = Node()
            if cycles:
                node.me = node
            else:
                kept.append(node)
    assert len(seen) == pytest.approx(times, abs=3 if cycles else 0)


def test_worlds_of_earlier_runs_are_garbage_before_they_are_many(monkeypatch):
    class World:
        alive = 0

        def __init__(self):
            World.alive += 1
            self.me = self
            self.objects = [[] for _ in range(30_000)]

        def __del__(self):
            World.alive -= 1

    gc.collect()
    monkeypatch.setattr(garbage, "_FEW", 1000)
    monkeypatch.setattr(garbage._Objects, "last", len(gc.get_objects()))
    monkeypatch.setattr(garbage._Objects, "made", 0)
    most = 0
    for _ in range(60):
        collect()
        with rare_collections():
            World()
        most = max(most, World.alive)
    assert most * 30_000 < 3 * garbage._Objects.last
    assert most < 60
