"""Tables are written in memory that does not grow with them, and details that are not wanted are not kept."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import make_w
from pullsim.results import charts, tables
from pullsim.results.summary.summary import summarize
from pullsim.rows import Rows
from pullsim.run import simulate
from tests.support.records import make

WRITERS = {
    "pods": tables.write_pods_csv,
    "pulls": tables.write_pulls_csv,
    "layers": tables.write_layers_csv,
    "events": lambda result, file: tables.write_events_jsonl(result.events, file),
}


class Nowhere:
    """A file that takes everything."""

    written = 0

    def write(self, text):
        self.written += len(text)


@pytest.fixture(scope="module", name="result")
def _result():
    return make(pods=200, nodes=4)


def peak(write, result):
    file = Nowhere()
    tracemalloc.start()
    write(result, file)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert file.written
    return most


@pytest.mark.long
@pytest.mark.parametrize("name", WRITERS)
def test_the_memory_of_writing_does_not_grow_with_the_table(name, result):
    WRITERS[name](result, Nowhere())  # imports and caches

    def grown(rows):
        kept = [*getattr(result, name)]
        grown = Rows((kept * (rows // len(kept) + 1))[:rows])
        return type("Grown", (), {"pools": result.pools, name: grown})()

    # The lower of two, as what other threads of the test run take meanwhile counts too.
    one, four = (min(peak(WRITERS[name], each) for _ in range(2)) for each in map(grown, (10_000, 40_000)))
    assert four < 1.3 * one + 100_000


@pytest.mark.parametrize("read", [summarize, charts.throughput, charts.plot_pulls, charts.plot_time_by_pool])
def test_figures_and_charts_hold_numbers_but_no_rows(read, result):
    rows = 8_000
    kept = {name: [*getattr(result, name)] for name in WRITERS}
    grown = {name: Rows((each * (rows // len(each) + 1))[:rows]) for name, each in kept.items()}
    result = replace(result, **grown)
    read(result)  # imports
    tracemalloc.start()
    read(result)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most / rows < 350  # bytes; a layer as a tuple has more than 600, and a pull and a pod more each


@pytest.mark.parametrize(
    ("detail", "kept"),
    [("none", ()), ("pods", ("pods",)), ("pulls", ("pods", "pulls", "events")), ("layers", tuple(WRITERS))],
)
def test_what_is_not_wanted_is_not_kept(detail, kept):
    result = simulate(cluster(make_w(3)), detail=detail)
    assert tuple(name for name in WRITERS if getattr(result, name)) == tuple(name for name in WRITERS if name in kept)
