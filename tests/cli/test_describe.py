"""``pullsim describe``: a pod at a time, as kubectl would show it."""

import re

import pytest

BAD = """\
version: 1
images: {unknown: notFound}
nodes: [{name: node, count: 2}]
workloads:
  - {name: web, pod: {containers: [{name: app, image: "team/app:nope"}]}, count: 2}
  - {name: late, pod: {containers: [{name: app, image: "team/app:nope"}]}, at: 5m}
"""


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return path


def test_events_with_counts_and_ages(inside, bad):
    done = inside("describe", bad, "web-00001", "--at", "3m")
    assert done.returncode == 0
    assert done.stderr.startswith("pullsim: registries: docker.io is not listed: assumed to be public")
    lines = done.stdout.splitlines()
    assert lines[:5] == [
        "Name:       web-00001",
        "Namespace:  default",
        "Node:       node-0001",
        "Age:        3m",
        "Ready:      0/1",
    ]
    rows = [re.split(" {2,}", line.strip()) for line in lines[lines.index("Events:") + 3 :]]
    assert rows[0][1:4] == ["Scheduled", "3m", "default-scheduler"]
    assert sorted(row[1] for row in rows[1:]) == ["BackOff", "Failed", "Failed", "Failed", "Pulling"]
    assert all(re.fullmatch(r"\S+ \(x[4-9] over 3m\)", row[2]) for row in rows[1:] if "Pulling" in row)


def test_the_seed_and_keys_matter(inside, bad):
    def table(*more):
        return inside("describe", bad, "default/web-00000", "--at", "10m", *more).stdout

    assert table() == table() != table("--seed", "4")
    assert "Node:       node-0000" in table("--set", "nodes[node].count=1")


def test_without_a_time_it_is_the_end_of_the_run(inside, bad):
    assert "Age:        5m" in inside("describe", bad, "web-00000").stdout


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["web-0001", "--at", "3m"], "POD: no pod web-0001 was created by 180 s; did you mean web-00001 or web-00000?"),
        (["late", "--at", "3m"], "POD: no pod late was created by 180 s"),
        (["web-00001", "--at", "3"], "--at: "),
        (["web-00001", "--at", "0s"], "--at: 0s is not after the start of the run"),
    ],
)
def test_wrong_input(inside, bad, arguments, rule):
    done = inside("describe", bad, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert rule in done.stderr


def test_a_pod_without_a_node_says_why(inside, tmp_path):
    path = tmp_path / "full.yaml"
    path.write_text("version: 1\nnodes: [{maxPods: 1}]\nworkloads: [{pods: {image: nginx, count: 2}}]\n")
    done = inside("describe", path, "w0-00001", "--at", "9s")
    assert done.returncode == 0, done.stderr
    event = re.split(" {2,}", done.stdout.splitlines()[-1].strip())
    assert event[:2] == ["Warning", "FailedScheduling"]
    assert event[3:] == ["default-scheduler", "0/1 nodes are available: 1 Too many pods."]


@pytest.fixture
def saved(inside, bad, tmp_path):
    """The directory of a run of what `bad` is."""
    out = tmp_path / "out"
    assert inside("run", bad, "--set", "horizon=20m", "--out", out, "--no-charts", "-q").returncode == 0
    return out


@pytest.mark.parametrize("at", ["10s", "3m", "20m"])
@pytest.mark.parametrize("pod", ["web-00001", "default/late"])
def test_a_saved_run_is_described_as_its_scenario(inside, bad, saved, pod, at):
    new = inside("describe", bad, pod, "--at", at)
    old = inside("describe", saved, pod, "--at", at)
    assert (old.returncode, old.stdout) == (new.returncode, new.stdout)
    assert (old.stderr == "") == (old.returncode == 0)


def test_the_end_of_a_saved_run(inside, saved):
    assert inside("describe", saved, "late").stdout == inside("describe", saved, "late", "--at", "20m").stdout != ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--at", "21m"], "--at: the run ended at 1200 s, before 21m"),
        (["--set", "seed=1"], "--set: results cannot be changed"),
        (["--seed", "1"], "--seed: results cannot be changed"),
        (["--at", "x"], "a time is a duration"),
    ],
)
def test_what_a_saved_run_does_not_tell(inside, saved, options, said):
    done = inside("describe", saved, "late", *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_a_run_that_kept_too_little(inside, bad, tmp_path):
    out = tmp_path / "few"
    inside("run", bad, "--set", "horizon=1m", "--out", out, "--no-charts", "-q", "--detail", "pods")
    done = inside("describe", out, "late")
    assert done.returncode == 2
    assert "events.jsonl is not there: the run is to be made again with --detail pulls or layers" in done.stderr


@pytest.mark.parametrize(("name", "old", "new"), [("status.csv", "0.0", "x"), ("pods.csv", "0.0", "nan")])
def test_a_saved_table_that_was_changed(inside, saved, name, old, new):
    (saved / name).write_text((saved / name).read_text().replace(old, new))
    done = inside("describe", saved, "web-00001")
    assert done.returncode == 2
    assert f"{name}:2" in done.stderr


def test_a_saved_pod_without_a_node(inside, tmp_path):
    path, out = tmp_path / "full.yaml", tmp_path / "out"
    path.write_text(BAD.replace("count: 2}]", "count: 1, maxPods: 1}]"))
    assert inside("run", path, "--set", "horizon=3m", "--out", out, "--no-charts", "-q").returncode == 0
    described = inside("describe", path, "web-00001", "--at", "3m")
    assert "FailedScheduling" in described.stdout
    assert inside("describe", out, "web-00001").stdout == described.stdout
