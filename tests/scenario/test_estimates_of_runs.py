"""What is said of a run before it begins, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.formats.kubernetes.cron import Schedule
from pullsim.run import run
from pullsim.scenario import from_mapping
from pullsim.scenario.builder import estimate as module
from pullsim.scenario.builder.estimate import Estimate
from pullsim.study.compare import compare
from pullsim.study.sweep import sweep

HOUR = 3600.0
IMAGE = {"image": "example.com/app:v1", "layers": [{"size": "3MB"}, {"size": "1MB"}]}
CRON = """
apiVersion: batch/v1
kind: CronJob
metadata: {{name: tick}}
spec:
  schedule: "{schedule}"
  jobTemplate:
    spec: {{parallelism: 2, template: {{spec: {{containers: [{{name: a, image: "example.com/app:v1"}}]}}}}}}
"""


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """A machine of 24 GB that is interpreted, whatever the tests run on."""
    monkeypatch.setattr(module, "machine_memory", lambda: 24e9)
    monkeypatch.setattr(module, "compiled", lambda: False)


def scenario(directory="", /, **keys):
    workload = {"pods": {"image": IMAGE["image"], "count": 5}}
    keys = {"nodes": [{"count": 3}], "images": {"define": [IMAGE]}, "workloads": [workload]} | keys
    return from_mapping(keys, directory=directory)


def told(directory="", /, **keys):
    return scenario(directory, **keys).assemble().estimate


def test_counts_are_those_of_the_run():
    result = run(scenario())
    assert told() == Estimate(nodes=3, pods=len(result.pods), layers=len(result.layers))


def test_every_kind_of_workload_counts(tmp_path):
    app = IMAGE["image"]
    (tmp_path / "times.csv").write_text("t\n1\n2\n3\n")
    daemons = "kind: DaemonSet\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{name: a, image: %s}]}}}"
    (tmp_path / "daemons.yaml").write_text(daemons % app)
    for workload, pods, layers in (
        ({"prepull": {"images": [app]}}, 3, 6),
        ({"pods": {"image": app}, "arrivals": {"at": ["1s", "2s"]}}, 2, 4),
        ({"pods": {"image": app}, "arrivals": {"trace": "times.csv"}}, 4, 6),  # the head may be a time
        ({"pods": {"image": app, "count": 9}, "on": {"node": "nodes-0001"}}, 9, 2),
        ({"pods": {"image": app, "count": 4}, "update": {"at": "1m"}}, 8, 6),
        ({"manifest": "daemons.yaml"}, 3, 6),
    ):
        assert told(tmp_path, workloads=[workload]) == Estimate(nodes=3, pods=pods, layers=layers), workload


def test_churn_and_errors_count_over_the_horizon():
    leave = {"rate": "0.5/h", "replaceAfter": "2h"}  # every four hours
    assert told(nodes=[{"count": 4, "leave": leave}], horizon="40h").departures == pytest.approx(40)
    missing = {"define": [], "unknown": "notFound"}
    assert told(images=missing, horizon="5h").retries == 5 * 5 * 12
    assert told(images=missing).retries == 0  # it ends at once
    bad = [{"pods": {"image": "A:b:c"}}]
    assert told(workloads=bad, horizon="5h").looks == pytest.approx(5 * HOUR / 12.5)
    often = [{"count": 3, "simulation": {"retry": {"base": "1ms"}, "imageBackoff": {"max": "1s"}}}]
    assert told(images=missing, nodes=often, horizon="1s").retries == 5
    with pytest.raises(InputError, match="looks at pods in error"):
        told(images=missing, nodes=often, horizon="10000h")
    assert told(nodes=[{"disk": {"size": "100GB"}}], horizon="5h").checks == 5 * 12


def test_what_does_not_fit_is_refused_before_it_is_made(tmp_path):
    (tmp_path / "cron.yaml").write_text(CRON.format(schedule="* * * * *"))
    cron = {"workloads": [{"manifest": "cron.yaml"}], "horizon": "2500000h"}
    many = [{"pods": {"image": IMAGE["image"], "count": 1_000_000}} for _ in range(10)]
    pools = [{"name": f"p{n}", "count": 100_000} for n in range(100)]
    for keys in (
        cron,
        {"workloads": many},
        {"nodes": pools},
        {"nodes": [{"leave": {"rate": "1000000000/s"}}], "horizon": "1h"},
    ):
        with pytest.raises(InputError, match=r"^.*this takes about .* GB: .*more than the 24.0 GB.*--force$"):
            scenario(tmp_path, **keys).assemble()


def test_what_takes_a_day_is_refused():
    keys = {"nodes": [{"count": 1000, "disk": {"size": "100GB"}}], "horizon": "700000h"}
    with pytest.raises(InputError, match="longer than the 24 h that a run may take"):
        scenario(**keys).assemble()


def test_force_overrules(monkeypatch):
    monkeypatch.setattr(module, "machine_memory", lambda: 1e6)
    with pytest.raises(InputError, match=r"more than the 0\.0 GB"):
        run(scenario())
    assert len(run(scenario(), force=True).pods) == 5


def test_only_what_costs_is_announced():
    lines: list[str] = []
    run(scenario(registries=[{"host": "example.com"}]), announce=lines.append)
    assert lines == []
    assert not Estimate(nodes=100, pods=2000, layers=6879).costly
    assert Estimate(nodes=1000, pods=20_000, layers=95_000).costly
    assert (
        str(Estimate(nodes=1, pods=20_000, layers=68_020))
        == "about 10 s and 0.1 GB: 1 node, 20,000 pods, 68,000 layers"
    )


@pytest.mark.parametrize(
    ("nodes", "pods", "layers", "seconds", "megabytes"),
    [(100, 2000, 6879, 1.02, 59), (100, 10_000, 20_695, 3.59, 77), (100, 2000, 74_829, 7.41, 98),
     (1000, 20_000, 68_020, 11.4, 171), (10_000, 10_000, 100_000, 11.56, 408)],
)  # fmt: skip
def test_prices_are_what_was_measured(nodes, pods, layers, seconds, megabytes):
    made = Estimate(nodes=nodes, pods=pods, layers=layers)
    assert made.work == pytest.approx(seconds, rel=0.2)
    assert made.bytes / 1e6 == pytest.approx(megabytes, rel=0.2)


LAZY = {"snapshotter": "nydus", "lazy": {"unit": "1B"}}


@pytest.mark.parametrize(
    ("runtime", "units"),
    [
        ({}, 0),
        ({"snapshotter": "nydus"}, 3 * (3 + 32)),  # 2.6 MB in units of 1 MiB, and 32 MiB of the larger layer
        (LAZY, 3 * (2_600_000 + 1 + 2**25)),
    ],
)
def test_units_that_lazy_layers_get_at_a_time_are_counted(tmp_path, runtime, units):
    define = [{"image": "a:1", "layers": [{"size": "1MB"}, {"size": "100MB"}]}]
    keys = {"images": {"define": define}, "workloads": [{"pods": {"image": "a:1", "count": 3}}]}
    nodes = [{"count": 3, **({"runtime": runtime} if runtime else {})}]
    assert told(tmp_path, nodes=nodes, **keys).units == units


def test_units_that_do_not_fit_into_memory_are_refused(monkeypatch):
    monkeypatch.setattr(module, "machine_memory", lambda: 2e9)
    define = [{"image": "a:1", "layers": [{"size": "100MB"}]}]
    keys = {"images": {"define": define}, "workloads": [{"pods": {"image": "a:1"}}]}
    with pytest.raises(InputError, match=r"34,000,000 units of lazy layers, more than the 2\.0 GB of memory here"):
        scenario(nodes=[{"count": 1, "runtime": LAZY}], **keys).assemble()


SCHEDULES = st.sampled_from(
    [
        "* * * * *",
        "*/7 3-5 * * *",
        "0 0 31 * *",
        "59 23 * 2 *",
        "0 0 13 * fri",
        "0 12 */2 * 0",
        "@monthly",
        "5 4 29 2 *",
    ]
)


@given(SCHEDULES, st.floats(0, 400 * 24 * HOUR), st.floats(0, 40 * 24 * HOUR))
def test_times_of_schedules_are_counted_without_making_them(text, after, span):
    schedule = Schedule.parse(text)
    assert schedule.count(after, after + span) == len(list(schedule.times(after, after + span)))


def test_schedules_know_leap_years():
    days = [time / (24 * HOUR) for time in Schedule.parse("0 0 29 2 *").times(0, 5 * 366 * 24 * HOUR)]
    assert days == [59, 59 + 4 * 365 + 1]


def test_studies_refuse_force_and_announce(monkeypatch):
    knobs, small = ["nodes[w].count=2,3"], scenario(nodes=[{"name": "w"}])
    monkeypatch.setattr(module, "machine_memory", lambda: 1e6)
    with pytest.raises(InputError, match="memory here"):
        sweep(small, knobs)
    lines: list[str] = []
    monkeypatch.setattr("pullsim.study.variant_runs.LONG", 1e-9)
    assert sweep(small, knobs, force=True, announce=lines.append).failures == []
    assert lines == ["this takes about 0.1 s of CPU time: 2 runs"]
    with pytest.raises(InputError, match="memory here"):
        compare(small, set=knobs)
    assert compare(small, set=knobs, force=True).a.runs
