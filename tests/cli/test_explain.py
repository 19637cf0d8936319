"""``pullsim explain``: the steps of one pod's time, whose pulls it waited for, and what could have been left out."""

import json

import pytest

from tests.support.planner import SCENARIOS

SERIAL = """\
version: 1
images:
  define:
    - {image: example.com/big:v1, layers: [{size: 10MB}, {size: 300MB}]}
    - {image: example.com/small:v1, layers: [{size: 10MB}]}
registries: [{host: example.com, perConnection: 50MB/s}]
nodes: [{name: node}]
workloads:
  - {name: big, pods: {image: "example.com/big:v1"}}
  - {name: small, pods: {image: "example.com/small:v1"}, at: 1s}
  - {name: again, pods: {image: "example.com/small:v1", imagePullPolicy: Always}, at: 1m}
  - {name: kept, pods: {image: "example.com/small:v1", imagePullPolicy: IfNotPresent}, at: 1m}
  - {name: nope, pods: {image: "example.com/nope:v1"}, at: 2m}
"""


@pytest.fixture
def explained(inside, tmp_path):
    """Return what ``explain -o json`` says of a pod, by default of the slowest one."""
    path = tmp_path / "serial.yaml"
    path.write_text(SERIAL + "horizon: 5m\n", encoding="utf-8")

    def explain(*pod, form="json"):
        done = inside("explain", path, *pod, "--set", "images.unknown=notFound", "-o", form)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout) if form == "json" else " ".join(done.stdout.split())

    return explain


@pytest.mark.parametrize("pod", ["big", "small", "again", "kept", "nope"])
def test_steps_are_without_gaps_and_sum_to_the_time(explained, pod):
    found = explained(pod)
    at = found["createdAt"]
    for step in found["steps"]:
        assert step["at"] == pytest.approx(at)
        at += step["seconds"]
    until = found["readyAt"] or found["createdAt"] + found["seconds"]
    assert at == pytest.approx(until)
    assert sum(found["stages"].values()) == pytest.approx(until - found["createdAt"])


def test_it_names_the_pull_that_a_pod_queued_behind(explained):
    queue, pull = explained("small")["steps"]
    (big,) = explained("big")["steps"]
    assert (queue["what"], queue["image"], pull["what"]) == ("queue", "example.com/small:v1", "pull")
    assert [(each["pod"], each["image"]) for each in queue["waitedFor"]] == [("big", "example.com/big:v1")]
    assert queue["waitedFor"][0]["seconds"] == pytest.approx(queue["seconds"]) == pytest.approx(big["seconds"] - 1)
    assert "the kubelet's pull queue, the longest time for example.com/big:v1 of big" in explained(
        "small", form="table"
    )


def test_it_names_the_layer_that_took_most_of_a_pull(explained):
    (step,) = explained("big")["steps"]
    assert (step["heaviest"]["position"], step["heaviest"]["size"], step["layers"]) == (2, 300_000_000, 2)
    assert "most of it layer 2 of 2" in explained("big", form="table")


def test_a_pull_that_the_policy_alone_asked_for(explained):
    assert explained("again")["needless"] == ["example.com/small:v1"]
    assert explained("small")["needless"] == explained("kept")["needless"] == []
    assert "with imagePullPolicy IfNotPresent a pod that may use it needs no pull" in explained("again", form="table")
    assert "It waited for nothing." in explained("kept", form="table")


def test_an_image_that_was_on_the_node_from_the_beginning_under_another_name(inside, tmp_path):
    """It waits for the pull of another image although it has nothing to fetch; once it is removed it has."""
    path = tmp_path / "cached.yaml"
    small = "{image: docker.io/library/small, layers: [{size: 10MB}]}"
    path.write_text(
        SERIAL.partition("workloads:")[0]
        .replace("[{name: node}]", "[{name: node, cached: [small]}]")
        .replace("define:\n", f"define:\n    - {small}\n")
        + """\
workloads:
  - {name: big, pods: {image: "example.com/big:v1"}}
  - {name: small, pods: {image: "docker.io/library/small:latest", imagePullPolicy: Always}, at: 1s}
""",
        encoding="utf-8",
    )

    def needless(*options):
        return json.loads(inside("explain", path, "small", "-o", "json", *options).stdout)["needless"]

    assert needless() == ["docker.io/library/small:latest"]
    assert needless("--set", "nodes[node].cached=[]") == []


def test_the_slowest_pod_is_one_that_never_started(explained):
    found = explained()
    assert (found["pod"], found["startedAt"], found["sooner"], found["others"]) == ("nope", None, 4, 4)
    assert [step["what"] for step in found["steps"][:3]] == ["pull", "backoff", "pull"]
    assert {step["cause"] for step in found["steps"]} == {"notFound"}
    text = explained(form="table")
    assert "back-off, after notFound" in text
    assert "image pull back-off after failed pulls (notFound). It never started (ErrImagePull)." in text


def test_a_pod_without_a_node(inside, scenario):
    done = inside("explain", scenario, "web-00000", "--set", "nodes[workers].maxPods=1", "--set", "horizon=10m")
    assert done.returncode == 0
    done = inside("explain", scenario, "--set", "nodes[workers].maxPods=1", "--set", "horizon=10m")
    assert ", on no node, of workload" in done.stdout
    assert "100 % of the 10 min 00 s was room on a node. It never started" in " ".join(done.stdout.split())


def test_looking_up_credentials_is_a_step_before_the_pull(inside):
    done = inside("explain", SCENARIOS / "expiring-token.yaml", "web-00000", "-o", "json")
    credentials, pull = json.loads(done.stdout)["steps"]
    assert (credentials["what"], credentials["seconds"], credentials["image"]) == ("credentials", 0.4, None)
    assert (pull["what"], pull["image"]) == ("pull", "registry.example.com/shop/web:v7")


def test_a_wrong_name(inside, scenario):
    done = inside("explain", scenario, "web-0000")
    assert done.returncode == 2
    assert "POD: no pod web-0000 was created by" in done.stderr
    assert "did you mean web-0000" in done.stderr


def test_a_pod_that_waited_for_a_node_to_boot_and_took_time_to_be_ready(inside, tmp_path):
    path = tmp_path / "boot.yaml"
    path.write_text(
        SERIAL.partition("workloads:")[0].replace(
            "[{name: node}]", "[{name: gpu, autoscale: {max: 1, boot: 90s}, startup: {sandbox: 2s}}]"
        )
        + """workloads: [{name: big, pods: {image: "example.com/big:v1"}, startup: {ready: 30s}}]\n""",
        encoding="utf-8",
    )
    steps = [
        (step["what"], step["seconds"]) for step in json.loads(inside("explain", path, "-o", "json").stdout)["steps"]
    ]
    assert steps[:3] == [("scheduling", 1.0), ("node_boot", 90.0), ("sandbox", 2.0)]
    assert (steps[3][0], steps[-1]) == ("pull", ("readiness", 30.0))
    assert "node boot of gpu-0000" in inside("explain", path).stdout
