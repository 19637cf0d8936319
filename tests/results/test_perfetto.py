"""The trace of a run, read by a reader of the format: what it shows is what the tables have."""

import io
import json
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim import run
from pullsim.kernel.clock import nanoseconds
from pullsim.records import FaultRecord, ImageRemoval, LinkSample
from pullsim.results.exports.perfetto.lanes import lanes
from pullsim.results.exports.perfetto.trace import write_trace
from pullsim.run import simulate
from pullsim.scenario import from_mapping
from pullsim.span_rows import SpanRows
from pullsim.stages import LABELS
from tests.support.chrome_trace import read_trace
from tests.support.random_worlds import worlds
from tests.support.records import empty, make

BASE = "sha256:" + "b" * 64
#: Three images that share a layer, on nodes that pull two at a time: the third has to queue.
SHARING = {
    "version": 1,
    "name": "sharing",
    "images": {
        "define": [
            {"image": f"example.com/team/{name}:v1", "layers": [{"size": "300MB", "digest": BASE}, {"size": size}]}
            for name, size in (("a", "9MB"), ("b", "80MB"), ("c", "5MB"))
        ]
    },
    "registries": [{"host": "example.com", "egress": "1Gbit/s"}],
    "nodes": [
        {"name": "two", "count": 2, "kubelet": {"serializeImagePulls": False, "maxParallelImagePulls": 2}},
        {"name": "one", "count": 1},
    ],
    "workloads": [
        {"name": name, "pods": {"image": f"example.com/team/{name}:v1", "count": 6, "imagePullPolicy": "Always"}}
        for name in ("a", "b", "c")
    ],
}


def text_of(result) -> str:
    file = io.StringIO()
    write_trace(result, file)
    return file.getvalue()


@pytest.fixture(scope="module")
def result():
    return run(from_mapping(SHARING))


@pytest.fixture(scope="module")
def trace(result):
    return read_trace(text_of(result))


def key(pull):
    return pull.node, f"{pull.namespace}/{pull.pod}", pull.container, pull.attempt


def of_slice(each):
    return each.process, each.args["pod"], each.args["container"], each.args.get("attempt")


def test_each_pull_is_a_slice_of_its_node_with_its_time(result, trace):
    shown = {of_slice(each): (each.name, each.begin, each.end) for each in trace.of("pull")}
    assert shown == {
        key(pull): (pull.image, nanoseconds(pull.started), nanoseconds(pull.ended)) for pull in result.pulls
    }


def test_the_stages_in_a_pull_sum_to_its_row_in_the_table(result, trace):
    pulls = {key(pull): pull for pull in result.pulls}
    for each in trace.of("pull"):
        assert sum(child.end - child.begin for child in each.children) == each.end - each.begin
        sums = Counter()
        for child in each.children:
            sums[child.name] += child.end - child.begin
        row = pulls[of_slice(each)]
        expected = {LABELS[stage]: seconds * 1e9 for stage, seconds in row.stages.items() if seconds > 0}
        assert sums == pytest.approx(expected, abs=100)


def test_lanes_of_pulls_are_the_slots_of_the_kubelet(trace):
    threads = defaultdict(set)
    for each in trace.of("pull"):
        threads[each.process].add(each.thread)
    assert threads == {
        "two-0000": {"pulls 1", "pulls 2"},
        "two-0001": {"pulls 1", "pulls 2"},
        "one-0000": {"pulls 1"},
    }


def test_each_wait_in_the_queue_leads_to_the_pull_that_ended_then(result, trace):
    queued = {(pull.node, pull.pod): pull for pull in result.pulls if pull.started > pull.requested}
    assert {(each.process, each.args["pod"].removeprefix("default/")) for each in trace.of("queue")} == set(queued)
    flows = [flow for flow in trace.flows if flow[0] == "queued behind"]
    assert len(flows) == len(queued)
    for _, waiter, cause in flows:
        pull = cause if cause.category == "pull" else cause.parent
        assert pull.category == "pull"
        assert pull.process == waiter.process
        assert pull.end == waiter.end
        assert pull.args["pod"] != waiter.args["pod"]


def test_a_wait_for_a_shared_layer_leads_to_the_layer_of_another_pull(trace):
    flows = [flow for flow in trace.flows if flow[0] == "waits for the layer"]
    assert flows
    for _, waiter, cause in flows:
        assert waiter.name == "shared layer"
        layer = cause if cause.category in ("layer", "unpacking") else cause.parent
        assert layer.args["digest"] == waiter.args["on"]
        assert layer.args["pod"] != waiter.parent.args["pod"]


def test_each_layer_has_its_stages_in_it(result, trace):
    fetched = [layer for layer in result.layers if layer.source != "local"]
    assert len(trace.of("layer")) == len(fetched)
    for each in trace.of("layer"):
        assert sum(child.end - child.begin for child in each.children) == each.end - each.begin
    bytes_by_node = Counter()
    for each in trace.of("layer"):
        bytes_by_node[each.process] += each.args["downloaded"]
    assert bytes_by_node == Counter(
        {node: sum(p.downloaded for p in result.pulls if p.node == node) for node in result.nodes}
    )
    assert len(trace.of("unpacking")) == sum(layer.unpack_ended is not None for layer in result.layers)


def test_counters_are_levels_of_what_the_slices_show(result, trace):
    for node in result.nodes:
        running = dict(trace.counters[node, "pulls running"])
        assert max(running.values()) == (2 if node.startswith("two") else 1)
        assert [*running.values()][-1] == 0
        assert trace.counters[node, "pulls queued"][-1][1] == 0
        on_disk = trace.counters[node, "disk: images"][-1][1]
        own = [layer for layer in result.layers if layer.node == node]
        assert on_disk == sum(l.size for l in own if l.downloaded) + sum(
            l.unpacked for l in own if l.unpack_ended is not None
        )
    assert trace.counters["cluster", "pods ready"][-1][1] == len(result.pods)
    egress = trace.counters["cluster", "egress of example.com"]
    assert max(value for _, value in egress) == pytest.approx(125e6, rel=0.01)
    assert egress[-1][1] == 0


def test_without_the_layers_there_are_pulls_only():
    result = run(from_mapping(SHARING), detail="pulls")
    trace = read_trace(text_of(result))
    assert {each.category for each in trace.slices} == {"pull", "queue"}
    assert len(trace.of("pull")) == len(result.pulls)


def test_failed_pulls_say_why():
    trace = read_trace(text_of(make(fail_first=3)))
    failed = [each for each in trace.of("pull") if "failed" in each.args]
    assert failed
    assert {each.args["failed"] for each in failed} == {"unavailable"}


def test_a_pull_that_its_pod_does_not_wait_for_has_its_whole_time():
    result = run(from_mapping(SHARING))
    pull = result.pulls[-1]
    own = [span for span in result.spans if span.pod == pull.pod]
    cut = SpanRows()
    for span in own:
        if span.end <= (pull.started + pull.ended) / 2:
            cut.add(*span[:3], [(span.stage, span.begin, span.end, span.image, span.cause)])
    result.spans = cut
    (shown,) = [each for each in read_trace(text_of(result)).of("pull") if of_slice(each) == key(pull)]
    assert shown.children[-1].name == "pod gone"
    assert sum(child.end - child.begin for child in shown.children) == shown.end - shown.begin


def test_faults_and_removals_are_shown():
    result = make()
    result.faults = [
        FaultRecord("docker.io", 1.0, float("inf"), None, {}),
        FaultRecord("docker.io", 0.5, 2.0, "team/*", {}),
        FaultRecord("docker.io", result.end + 1, float("inf"), None, {}),
    ]
    result.removals = [ImageRemoval(1.5, result.nodes[0], "age", "sha256:1", ("a:1",), "", 10, 10, None)]
    trace = read_trace(text_of(result))
    end = nanoseconds(result.end)
    assert {(each.begin, each.end) for each in trace.of("fault")} == {(10**9, end), (5 * 10**8, 2 * 10**9)}
    assert trace.instants == [(result.nodes[0], "image removed", 1_500_000_000)]


def test_a_link_without_samples_in_between_carries_nothing():
    result = empty(["a"], {"a": "p"})
    samples = ((0.0, 1.0, 5.0), (1.0, 2.0, 5.0), (4.0, 5.0, 0.0), (5.0, 6.0, 7.0))
    result.links = [LinkSample("l", begin, end, rate, 10.0) for begin, end, rate in samples]
    trace = read_trace(text_of(result))
    seconds = [(at // 10**9, value) for at, value in trace.counters["cluster", "egress of l"]]
    assert seconds == [(0, 5), (2, 0), (5, 7), (6, 0)]


def test_an_empty_run_is_a_trace():
    assert read_trace(text_of(empty())).slices == []


def test_the_same_run_gives_the_same_bytes(result):
    assert text_of(result) == text_of(run(from_mapping(SHARING)))


HOSTILE = '\x1b[31m</script>\u202e"\\\n' + "x" * 300


def test_hostile_names_are_text():
    result = make(pods=1, nodes=1)
    result.pools = {HOSTILE: HOSTILE}
    for rows in (result.pulls, result.layers):
        rows[:] = [row._replace(node=HOSTILE, image=HOSTILE, pod=HOSTILE) for row in rows]
    text = text_of(result)
    assert not {"\x1b", "\u202e"} & {*text}
    assert {each.name for each in read_trace(text).of("pull")} == {HOSTILE}
    assert len(text.splitlines()) == len(json.loads(text)["traceEvents"]) + 2


@settings(max_examples=25)
@given(worlds())
def test_any_run_is_a_trace_whose_slices_nest_and_sum(spec):
    result = simulate(spec)
    trace = read_trace(text_of(result))
    assert len(trace.of("pull")) == len(result.pulls)
    for each in trace.of("pull"):
        assert sum(child.end - child.begin for child in each.children) == each.end - each.begin
    queued = [each for each in trace.of("queue") if each.end > each.begin]
    assert len({id(waiter) for name, waiter, _ in trace.flows if name == "queued behind"}) <= len(queued)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4))))
def test_lanes_do_not_overlap_and_are_as_few_as_can_be(spans):
    intervals = sorted((begin, begin + length) for begin, length in spans)
    found = lanes(intervals)
    for place, (begin, _) in enumerate(intervals):
        for other in range(place):
            if found[other] == found[place]:
                assert intervals[other][1] <= begin
    # What takes no time needs a lane beside what is under way.
    most = max((sum(b <= at < e for b, e in intervals) + ((at, at) in intervals) for at in range(14)), default=0)
    assert len({*found}) <= most
