"""Credentials in scenarios: the ways in, what mistakes are told, and what is explained of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.scenario import effective_yaml, from_mapping, load
from pullsim.scenario.file.credential_files import Entry, explain
from pullsim.spec.credential_url import index_key
from tests.support.credential_files import DOCKER, PROVIDER, SECRET, config, manifest

IMAGE = "reg.example.com/team/app:1"


def scenario(tmp_path, *, nodes=None, registry=None, files=None, **more):
    for name, content in (files or {}).items():
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    mapping = {
        "images": {"define": [{"image": IMAGE, "layers": [{"size": "1MB"}]}]},
        "nodes": [{"name": "n", "simulation": {"loop": "minimal"}, **(nodes or {})}],
        "registries": [
            {"host": "reg.example.com", "credentials": [{"username": "ci", "password": "p"}], **(registry or {})}
        ],
        "workloads": [{"name": "web", "pods": {"image": IMAGE, "imagePullSecrets": ["regcred"]}}],
        "horizon": "30s",
        **more,
    }
    return from_mapping(mapping, directory=tmp_path)


def starts(made) -> bool:
    return pullsim.run(made).pods[0].started is not None


AUTHS = {"reg.example.com": {"username": "ci", "password": "p"}}
PLUGIN = {"auth": {"*.example.com": {"username": "ci", "password": "p"}}, "takes": "1s"}

# ---------------------------------------------------------------- ways in


def test_without_credentials_nothing_starts(tmp_path):
    made = scenario(tmp_path)
    assert not starts(made)
    (warning,) = made.assemble().warnings
    assert warning == "there is no Secret regcred in the namespace default, which web and others want to pull with"


@pytest.mark.parametrize(
    "given",
    [
        {"secrets": [{"name": "regcred", "auths": AUTHS}]},
        {"secrets": [{"name": "regcred", "dockerConfig": "config.json"}]},
        {"secrets": [{"name": "regcred", "dockerConfig": "old.dockercfg"}]},
        {"nodes": {"credentials": {"dockerConfig": "config.json"}}},
        {"nodes": {"credentials": {"dockerConfig": "old.dockercfg"}}},
        {"nodes": {"credentials": {"providers": "providers.json", "plugins": {"plugin": PLUGIN}}}},
        {"nodes": {"address": "nat-a"}, "registry": {"allow": ["nat-a"]}},
        {"registry": {"public": ["team/*"]}},
        {"registry": {"credentials": []}},
        {"nodes": {"runtime": {"config": "config.toml"}}},
        {"nodes": {"runtime": {"hosts": "certs.d"}}},
    ],
)
def test_ways_in(tmp_path, given):
    (tmp_path / "certs.d" / "reg.example.com").mkdir(parents=True)
    header = '[host."https://reg.example.com".header]\nauthorization = "Basic Y2k6cA=="\n'
    (tmp_path / "certs.d" / "reg.example.com" / "hosts.toml").write_text(header)
    toml = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.configs."reg.example.com".auth]\n'
    files = {
        "config.json": DOCKER,
        "old.dockercfg": DOCKER["auths"],
        "providers.json": config(PROVIDER),
        "config.toml": f"{toml}username = 'ci'\npassword = 'p'\n",
    }
    assert starts(scenario(tmp_path, files=files, **given))


def test_a_secret_that_comes_later_and_a_password_that_changes(tmp_path):
    made = scenario(
        tmp_path,
        registry={
            "credentials": [
                {"username": "ci", "password": "p", "until": "5s"},
                {"username": "ci", "password": "q", "from": "5s"},
            ]
        },
        secrets=[
            {"name": "regcred", "auths": AUTHS},
            {"name": "regcred", "at": "15s", "auths": {"reg.example.com": {"username": "ci", "password": "q"}}},
        ],
        workloads=[{"name": "web", "at": "6s", "pods": {"image": IMAGE, "imagePullSecrets": ["regcred"]}}],
        horizon=None,
    )
    (pod,) = pullsim.run(made).pods
    assert pod.started > 15.0


def test_secrets_of_service_accounts_go_to_pods_without_own_ones(tmp_path):
    accounts = [{"name": "default", "imagePullSecrets": ["theirs"]}]
    workloads = [
        {"name": "bare", "pods": {"image": IMAGE}},
        {"name": "own", "pods": {"image": IMAGE, "imagePullSecrets": ["mine"]}},
        {"name": "other", "pod": {"containers": [{"name": "c", "image": IMAGE}], "serviceAccountName": "puller"}},
        {"name": "else", "namespace": "elsewhere", "pods": {"image": IMAGE}},
    ]
    cluster = scenario(tmp_path, serviceAccounts=accounts, workloads=workloads).build()
    assert {pod.name: pod.spec.pull_secrets for pod in cluster.pods} == {
        "bare": ("theirs",),
        "own": ("mine",),
        "other": (),
        "else": (),
    }


def test_the_effective_scenario_finds_its_files(tmp_path):
    files = {"config.json": DOCKER, "providers.json": config(PROVIDER)}
    credentials = {"dockerConfig": "config.json", "providers": "providers.json", "plugins": {"plugin": PLUGIN}}
    secret = [{"name": "regcred", "dockerConfig": "config.json"}]
    made = scenario(tmp_path, files=files, nodes={"credentials": credentials}, secrets=secret)
    elsewhere = tmp_path / "out"
    elsewhere.mkdir()
    (elsewhere / "s.yaml").write_text(effective_yaml(made, elsewhere))
    again = load(elsewhere / "s.yaml")
    assert pullsim.run(again).pods == pullsim.run(made).pods


# ---------------------------------------------------------------- manifests


def test_a_manifest_with_all_of_it_runs(tmp_path):
    account = {"kind": "ServiceAccount", "metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "regcred"}]}
    containers = [{"name": "c", "image": IMAGE}]
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers, "serviceAccountName": "puller"}}
    own = {
        "kind": "Pod",
        "metadata": {"name": "q"},
        "spec": {"containers": containers, "imagePullSecrets": [{"name": "no"}]},
    }
    secret = {**SECRET, "stringData": {".dockerconfigjson": json.dumps(DOCKER)}}
    manifest(tmp_path, account, pod, own, secret)
    made = scenario(tmp_path, workloads=[{"manifest": "objects.yaml", "namespace": "team"}])
    outcome = {row.pod: row.started is not None for row in pullsim.run(made).pods}
    assert outcome == {"p": True, "q": False}


# ---------------------------------------------------------------- mistakes in the scenario


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"registry": {"auth": "none"}}, "credentials need auth: bearer or basic"),
        ({"registry": {"credentials": [], "public": ["a"]}}, "public goes with credentials or allow"),
        ({"secrets": [{"name": "s"}]}, "a secret has either auths or dockerConfig"),
        (
            {"secrets": [{"name": "s", "auths": AUTHS, "dockerConfig": "c"}]},
            "a secret has either auths or dockerConfig",
        ),
        ({"secrets": [{"name": "s", "dockerConfig": "none.json"}]}, "there is no such file"),
        ({"nodes": {"credentials": {"dockerConfig": "none.json"}}}, "there is no such file"),
        ({"nodes": {"credentials": {"dockerConfig": "bad.json"}}}, "the kubelet cannot read this file: unexpected end"),
        ({"nodes": {"credentials": {"plugins": {"plugin": PLUGIN}}}}, "plugins need providers"),
        ({"nodes": {"credentials": {"providers": "p.json"}}}, "plugin binary executable plugin did not exist"),
        (
            {"nodes": {"credentials": {"providers": "p.json", "plugins": {"plugn": PLUGIN}}}},
            "there is no such provider in the file; did you mean plugin?",
        ),
        (
            {"nodes": {"credentials": {"providers": "p.json", "plugins": {"plugin": {"serviceAccounts": ["a"]}}}}},
            "'a' must be namespace/name",
        ),
    ],
)
def test_mistakes_of_scenarios(tmp_path, given, error):
    with pytest.raises(InputError) as caught:
        scenario(tmp_path, files={"bad.json": "{", "p.json": config(PROVIDER)}, **given).build()
    assert error in str(caught.value)


def test_a_file_without_auths_is_a_warning(tmp_path):
    files = {"config.json": {"credsStore": "ecr-login"}}
    made = scenario(tmp_path, files=files, nodes={"credentials": {"dockerConfig": "config.json"}})
    assert any("the kubelet does not use credHelpers and credsStore" in line for line in made.assemble().warnings)


# ---------------------------------------------------------------- files explained


LOOKUP = json.loads((Path(__file__).parents[1] / "data/vectors/keyring_lookup.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", LOOKUP, ids=lambda vector: vector["image"])
def test_what_is_explained_is_what_the_kubelet_does(vector):
    entries = [Entry("f", 1, each["key"], index_key(each["key"]), each["username"]) for each in vector["auths"]]
    tried = [entry.username for entry in explain(entries, vector["image"]) if entry.attempt is not None]
    assert tried == vector["expect_usernames_in_order"]
