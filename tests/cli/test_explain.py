"""``pullsim explain``: the steps of a pod's time, whose pulls it waited for, and what would have helped."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim import load, run
from pullsim.results.explanation.explanation import explain
from pullsim.results.explanation.text import exact, hundredths
from pullsim.study.advice.remedies import Remedy, best
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


def test_a_pod_whose_name_comes_again_has_requests_of_its_own(tmp_path):
    """As of a StatefulSet: its first life had to pull the image, the second one finds it there."""
    path = tmp_path / "serial.yaml"
    text = SERIAL.partition("  - {name: nope")[0]
    path.write_text(text.replace('big:v1"}}', 'big:v1", imagePullPolicy: Always}}'), encoding="utf-8")
    result = run(load(path), status=True)
    first = next(pod for pod in result.pods if pod.pod == "big")
    pull = next(pull for pull in result.pulls if pull.pod == "big")
    result.pulls.append(pull._replace(requested=40.0, started=40.0, ended=40.5))
    second = first._replace(created=40.0, scheduled=40.0, started=40.5, ready=40.5)
    assert [explain(result, pod).needless for pod in (first, second)] == [[], ["example.com/big:v1"]]


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


def _seconds(text):
    hours, minutes, seconds = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?([\d.]+)s", text).groups(default="0")
    return round(100 * (3600 * int(hours) + 60 * int(minutes) + float(seconds)))


@pytest.mark.parametrize("pod", ["big", "small", "nope"])
def test_what_it_prints_sums_to_the_wait_to_the_digit(inside, tmp_path, pod):
    path = tmp_path / "serial.yaml"
    path.write_text(SERIAL + "horizon: 5m\n", encoding="utf-8")
    text = inside("explain", path, pod, "--no-what-if", "--set", "images.unknown=notFound").stdout
    rows = re.findall(r"^ *(\S+s)  (?: *(\S+s)   *\d+%)?  .*$", text, re.MULTILINE)
    at = [_seconds(row[0]) for row in rows]
    took = [_seconds(row[1]) if row[1] else 0 for row in rows]
    assert len(rows) >= 2
    assert all(begin + length == end for begin, length, end in zip(at, took, at[1:], strict=False))
    assert _seconds(re.search(r"(\S+s) +(?:started|end of the run)$", text, re.MULTILINE)[1]) == sum(took)


def test_the_parts_of_a_pull_sum_to_it_to_the_digit(inside):
    text = inside("explain", SCENARIOS / "quickstart.yaml", "front-00001", "--no-what-if").stdout
    pull = re.search(r"(\S+s) +\d+%  pull of", text)
    parts = re.findall(r"(?m)^ {20,}(\S+s) (?:layer \d|of no layer|in \d)", text)
    assert len(parts) > 2
    assert sum(map(_seconds, parts)) == _seconds(pull[1])
    for part in re.finditer(
        r"(\S+s) (?:layer [^:]*|of no layer): (.*?)(?=\s\S+s (?:layer|of no|in)|$)", " ".join(text.split())
    ):
        stages = re.findall(r"(?<= )([\d.]+s)(?=,|$)", part[2])
        assert sum(map(_seconds, stages)) == _seconds(part[1])


@given(st.lists(st.integers(0, 400).map(lambda n: n / 256) | st.floats(0, 1e6), min_size=1, max_size=30))
def test_rounded_parts_sum_to_the_rounded_whole(seconds):
    parts = hundredths(seconds)
    assert sum(parts) == round(sum(seconds) * 100)
    assert all(abs(part - each * 100) <= 1 + 1e-6 * each for part, each in zip(parts, seconds, strict=True))


def test_hundredths_are_written_to_the_last_digit():
    assert [exact(n) for n in (0, 5999, 6000, 24510, 359999, 360000 + 305)] == [
        "0.00s", "59.99s", "1m00.00s", "4m05.10s", "59m59.99s", "1h00m03.05s",
    ]  # fmt: skip


def test_the_critical_path_sums_to_the_pull(explained):
    (step,) = explained("big")["steps"]
    path = step["path"]
    assert sum(part["seconds"] for part in path) == pytest.approx(step["seconds"])
    assert [part["position"] for part in path if part["position"]] == [2]  # the bottom one comes in its shadow
    assert all(sum(part["stages"].values()) == pytest.approx(part["seconds"]) for part in path)


def test_what_would_have_helped_was_tried(inside, tmp_path, explained):
    path = tmp_path / "serial.yaml"
    tried = explained("small")["tried"]
    by_lever = {row["lever"]: row for row in tried}
    parallel = by_lever["parallel pulls"]
    assert parallel["gainedSeconds"] > 0
    assert [row["startSeconds"] for row in tried] == sorted(row["startSeconds"] for row in tried)
    again = inside(
        "explain", path, "small", "-o", "json", "--no-what-if", "--set", "images.unknown=notFound",
        *(word for text in parallel["set"] for word in ("--set", text)),
    )  # fmt: skip
    changed = json.loads(again.stdout)
    assert changed["tried"] is None
    assert changed["seconds"] == pytest.approx(parallel["startSeconds"])
    assert explained("small")["seconds"] - changed["seconds"] == pytest.approx(parallel["gainedSeconds"])
    assert "pulls at a time on a node" in explained("small", form="table")


def test_of_each_lever_the_best_setting_is_shown_and_the_best_lever_first():
    """The second setting of the first lever is the worst of all."""
    rows = [Remedy(lever, None, seconds, 20.0) for lever, seconds in (("a", 1.0), ("b", 5.0), ("b", 7.0), ("a", 9.0))]
    assert [(row.lever, row.seconds) for row in best(rows)] == [("a", 1.0), ("b", 5.0)]


def test_what_takes_long_is_tried_only_when_it_is_asked_for(inside):
    pod = (SCENARIOS / "quickstart.yaml", "front-00001")
    done = inside("explain", *pod, "--json")
    assert (done.returncode, json.loads(done.stdout)["tried"]) == (0, None)
    assert re.search(
        r"--what-if tries \d+ changes that could have helped, which takes about .* of CPU time", done.stderr
    )
    few = inside("explain", *pod, "--json", "--max-runs", "1")
    assert (len(json.loads(few.stdout)["tried"]), few.stderr) == (1, "")


def test_a_pod_that_no_change_lets_start(explained):
    assert {(row["startSeconds"], row["gainedSeconds"]) for row in explained("nope")["tried"]} <= {(None, 0.0)}
    assert "it starts" not in explained("nope", form="table")


def test_several_pods(explained, inside, tmp_path):
    assert [each["pod"] for each in explained("small", "big", "small")] == ["small", "big"]
    assert [each["pod"] for each in explained("--slowest", "2")] == ["nope", "big"]
    assert explained("big", "nope", form="table").count("Verdict") == 2
    done = inside("explain", tmp_path / "serial.yaml", "big", "--slowest", "2")
    assert (done.returncode, "--slowest chooses the pods" in done.stderr) == (2, True)


def test_a_directory_of_results(inside, scenario, tmp_path):
    out = tmp_path / "out"
    assert inside("run", scenario, "--out", out, "-q", "--no-charts").returncode == 0
    same, other = (inside("explain", each, "web-00001", "--json", "--no-what-if") for each in (scenario, out))
    assert (other.returncode, other.stdout, other.stderr) == (0, same.stdout, "")
    (out / "summary.json").write_text((out / "summary.json").read_text().replace('"end": ', '"end": 1'))
    assert "has another run" in inside("explain", out, "--no-what-if").stderr
    done = inside("explain", tmp_path)
    assert (done.returncode, "scenario.effective.yaml" in done.stderr) == (2, True)
