"""A trace of SimKube as a workload: its pods come and go in the run as they did in the cluster."""

import pytest

from pullsim import load, run
from pullsim.errors import InputError
from pullsim.scenario import effective_yaml

msgpack = pytest.importorskip("msgpack")
ZERO = 1_710_892_138
SCENARIO = """\
version: 1
images:
  define: [{image: "example.com/web:v1", layers: [{size: 30MB}]}]
nodes: [{name: workers, count: 3}]
workloads:
  - {trace: traces/shop.sktrace, at: 5s, deadline: 60s}
"""


def deployment(replicas):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"name": "app", "image": "example.com/web:v1"}]}},
        },
    }


def bare(name):
    spec = {"containers": [{"name": "app", "image": "example.com/web:v1"}], "restartPolicy": "Never"}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture
def scenario(tmp_path):
    def write(text=SCENARIO):
        steps = [(0, deployment(2)), (100, deployment(4)), (130, bare("once")), (200, deployment(1))]
        trace = {
            "version": 2,
            "config": {"trackedObjects": {}},
            "events": [{"ts": ZERO + at, "applied_objs": [each], "deleted_objs": []} for at, each in steps],
            "index": {},
            "pod_lifecycles": {("v1.Pod", "shop/once"): {3: [{"Finished": (ZERO + 131, ZERO + 141)}]}},
        }
        (tmp_path / "traces").mkdir(exist_ok=True)
        (tmp_path / "traces" / "shop.sktrace").write_bytes(msgpack.packb(trace))
        path = tmp_path / "scenario.yaml"
        path.write_text(text)
        return path

    return write


def test_pods_come_when_the_trace_says(scenario):
    result = run(load(scenario()), status=True)
    assert {pod.pod: (pod.namespace, pod.workload, pod.created) for pod in result.pods} == {
        "web-00000": ("shop", "web", 5.0),
        "web-00001": ("shop", "web", 5.0),
        "web-00002": ("shop", "web", 105.0),
        "web-00003": ("shop", "web", 105.0),
        "once": ("shop", "once", 135.0),
    }
    assert all(pod.started is not None and pod.deadline == 60.0 for pod in result.pods)
    assert [status.pod for status in result.statuses if status.status == "Completed"] == ["once"]


def test_pods_go_when_the_trace_says(scenario):
    pods = {pod.name: pod for pod in load(scenario()).build().pods}
    assert {name: pod.lives for name, pod in pods.items()} == {
        "web-00000": None,
        "web-00001": 200.0,
        "web-00002": 100.0,
        "web-00003": 100.0,
        "once": None,
    }


def test_it_runs_on_nodes_that_leave(scenario):
    text = SCENARIO.replace("count: 3", "count: 3, leave: {rate: 20/h, replaceAfter: 10s}") + "horizon: 300s\n"
    result = run(load(scenario(text)))
    assert len({(pod.namespace, pod.pod) for pod in result.pods}) >= 5


def test_the_effective_scenario_finds_the_trace_from_its_directory(scenario, tmp_path):
    loaded = load(scenario())
    (tmp_path / "out").mkdir()
    written = tmp_path / "out" / "scenario.effective.yaml"
    written.write_text(effective_yaml(loaded, written.parent))
    assert load(written).build().pods == loaded.build().pods


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("lives: 5s", "lives does not go with trace, which has its own"),
        ("update: {at: 5s}", "update does not go with trace, which has its own"),
        ("pods: {image: a}", "a workload has exactly one of manifest, trace, pods, pod and prepull"),
        ("arrivals: {every: 5s}", "arrivals go with pods or pod"),
    ],
)
def test_what_does_not_go_with_a_trace_is_refused(scenario, more, message):
    with pytest.raises(InputError, match=message):
        load(scenario(SCENARIO.replace("at: 5s", more)))


def test_a_trace_that_is_not_there_is_one_error_at_its_place(scenario):
    loaded = load(scenario(SCENARIO.replace("shop.sktrace", "none.sktrace")))
    with pytest.raises(InputError, match=r"none\.sktrace: there is no such file"):
        loaded.build()
