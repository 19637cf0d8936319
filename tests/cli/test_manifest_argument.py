"""Commands that are given a manifest: what they say, and how they run it on so many nodes."""

import io
import json
import sys

import pytest
import yaml

from pullsim.scenario.presets.nodes import builtin

IMAGE = "registry.example.com/team/web:3.1"
TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": IMAGE, "resources": {"requests": {"cpu": "1"}}}]},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE},
}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}}
EVENT = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "reason": "Pulled", "message": "x"}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {}}
OFFER = (
    "`pullsim init {path} -o scenario.yaml` makes a scenario of it, and `--nodes 3 --preset aws/m6i.xlarge-gp3` runs it"
)


@pytest.fixture
def deploy(tmp_path):
    """What Helm prints: several documents, one of them empty."""
    path = tmp_path / "deploy.yaml"
    path.write_text("# Source: a\n---\n" + "\n---\n---\n".join(map(json.dumps, [DEPLOYMENT, SERVICE])))
    return path


@pytest.mark.parametrize(
    "command",
    [
        "run", "validate", "describe POD", "explain", "advise", "sweep", "compare", "ci", "metrics",
        "solve --knob nodes[*].cores --range 1..2",
    ],
)  # fmt: skip
def test_every_command_says_that_it_is_a_manifest(inside, deploy, command):
    name, *rest = command.split()
    rest = ["web", *rest[1:]] if rest[:1] == ["POD"] else rest
    done = inside(name, deploy, *rest)
    assert done.returncode == 2
    assert "this is no scenario but a manifest of Deployment (1), Service (1)" in done.stderr
    assert OFFER.format(path=deploy) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_list_is_a_manifest_too(inside, tmp_path):
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": [DEPLOYMENT, DEPLOYMENT]}))
    assert "a manifest of Deployment (2)" in inside("run", path).stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (EVENT, "no scenario but Event (1): `pullsim fit"),
        (NODE, "no scenario but Node (1): `pullsim init"),
        (SERVICE, "a manifest of Service (1), and nothing in it has pods"),
        ({"schemaVersion": 2, "layers": []}, "no scenario but an image's manifest, which goes to images.manifests"),
    ],
)
def test_other_files_are_told_where_they_go(inside, tmp_path, given, said):
    path = tmp_path / "given.json"
    path.write_text(json.dumps(given))
    done = inside("validate", path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_a_manifest_runs_on_so_many_nodes(inside, deploy):
    done = inside("run", deploy, "--nodes", 2, "--preset", "aws/m6i.xlarge-gp3", "-o", "json")
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    assert (summary["pods"]["started"], summary["pods"]["total"]) == (4, 4)
    assert "pools" in summary
    assert f"size of 1 image of which nothing is known (250 MB, for GPUs 5 GB): {IMAGE}" in done.stderr
    assert "left out: 1 objects that are not simulated: Service (1)" in done.stderr
    assert "the nodes are" not in done.stderr  # nothing of them is guessed


def test_what_nobody_says_of_the_nodes_is_a_guess(inside, deploy):
    assert "the nodes are aws/m6i.xlarge-gp3; to know it: `--preset`" in inside("validate", deploy, "--nodes", 5).stderr
    done = inside("validate", deploy, "--preset", "aws/m7g.large")
    assert "there are 3 nodes; to know it: `--nodes`" in done.stderr
    assert "3 nodes in worker: linux/arm64" in done.stdout


def test_pods_that_do_not_fit_wait(inside, deploy):
    """Four pods with a core each, and a node of 3.92 cores."""
    done = inside("run", deploy, "--nodes", 1, "-o", "json", "-q")
    assert json.loads(done.stdout)["pods"]["notStarted"] == 1
    assert done.stderr == ""


def test_standard_input(inside, deploy, monkeypatch, scenario):
    def piped(path):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))

    piped(deploy)
    assert inside("validate", "-", "--nodes", 2).returncode == 0
    piped(deploy)
    assert "standard input:3:1: this is no scenario but a manifest" in (said := inside("run", "-").stderr)
    assert "`pullsim init - -o scenario.yaml`" in said
    piped(scenario)
    assert inside("validate", "-").stdout == inside("validate", scenario).stdout
    piped(scenario)
    assert inside("sweep", "-", "-o", "csv").stdout == inside("sweep", scenario, "-o", "csv").stdout


def test_a_scenario_has_nodes_of_its_own(inside, scenario):
    done = inside("run", scenario, "--nodes", 3)
    assert done.returncode == 2
    assert "--nodes: small.yaml: is a scenario already, with nodes of its own" in done.stderr.replace(
        f"{scenario.parent}/", ""
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([DEPLOYMENT, NODE], "deploy.json has 1 nodes of its own"),
        ([EVENT], "nothing in deploy.json has pods to run: it has Event (1): `pullsim fit deploy.json`"),
        ([SERVICE], "nothing in deploy.json has pods to run: it has Service (1)"),
    ],
)
def test_what_cannot_run_on_so_many_nodes(inside, tmp_path, given, said):
    (tmp_path / "deploy.json").write_text(json.dumps({"kind": "List", "items": given}))
    done = inside("run", tmp_path / "deploy.json", "--nodes", 3)
    assert done.returncode == 2
    assert said in done.stderr


def test_an_unknown_preset(inside, deploy):
    done = inside("run", deploy, "--preset", "aws/m6i.xlrage-gp3")
    assert done.returncode == 2
    assert "--preset: 'aws/m6i.xlrage-gp3' is neither a preset nor a file; did you mean" in done.stderr


def test_overrides_change_the_scenario_that_is_made(inside, deploy):
    done = inside("validate", deploy, "--nodes", 2, "--set", "nodes[worker].count=7")
    assert "7 nodes in worker" in done.stdout


def test_init_writes_what_is_run(inside, deploy, tmp_path):
    out = tmp_path / "scenario.yaml"
    assert inside("init", deploy, "--nodes", 2, "--preset", "aws/m6i.xlarge-gp3", "-o", out).returncode == 0
    (pool,) = yaml.safe_load(out.read_text())["nodes"]
    assert (pool["count"], pool["preset"]) == (2, "aws/m6i.xlarge-gp3")
    assert pool["preset"] in builtin()
    ran = inside("run", deploy, "--nodes", 2, "--preset", "aws/m6i.xlarge-gp3", "-o", "csv", "-q")
    assert inside("run", out, "-o", "csv", "-q").stdout == ran.stdout


def test_two_manifests_are_compared(inside, deploy, tmp_path):
    other = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 2}}
    (tmp_path / "new.json").write_text(json.dumps(other))
    done = inside("compare", deploy, tmp_path / "new.json", "--nodes", 2, "-o", "csv", "-m", "pods.total", "-q")
    assert done.returncode == 0
    assert "pods.total" in done.stdout


def test_the_command_that_is_to_be_repeated_has_the_nodes(inside, deploy, monkeypatch):
    monkeypatch.chdir(deploy.parent)
    printed = inside("run", "deploy.yaml", "--nodes", 2).stdout
    assert "`pullsim advise deploy.yaml --nodes 2`" in " ".join(printed.split())


@pytest.mark.parametrize("option", [("--nodes", "2"), ("--preset", "aws/m6i.xlarge-gp3")])
@pytest.mark.parametrize("command", [("metrics",), ("compare", ".", ".")])
def test_what_goes_with_a_manifest_alone_is_named_by_the_option_that_was_given(inside, command, option):
    done = inside(*command, *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"pullsim: error: {option[0]}: ")
