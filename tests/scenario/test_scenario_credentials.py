"""Credentials in scenarios and in files: what is read, and what is said of mistakes."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

import pullsim
from pullsim.cri import Auth
from pullsim.errors import InputError, InputErrors
from pullsim.formats.kubernetes.credential_provider_config import read_providers
from pullsim.formats.kubernetes.objects import read_objects
from pullsim.scenario import effective_yaml, from_mapping, load
from pullsim.scenario.file.credential_files import Entry, explain
from pullsim.spec.credential_url import index_key
from pullsim.spec.credentials import TokenAttributes
from pullsim.spec.feature_gates import resolve_feature_gates

IMAGE = "reg.example.com/team/app:1"
PROVIDER = {
    "name": "plugin",
    "matchImages": ["*.example.com"],
    "defaultCacheDuration": "12h",
    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
}
TOKEN = {"serviceAccountTokenAudience": "reg", "requireServiceAccount": True, "cacheType": "ServiceAccount"}


def config(*providers, version="v1", **more):
    return {
        "apiVersion": f"kubelet.config.k8s.io/{version}",
        "kind": "CredentialProviderConfig",
        "providers": [*providers],
        **more,
    }


def providers(tmp_path, content, version=(1, 35), name="providers.yaml"):
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_providers(file, version, resolve_feature_gates({}, version))


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
DOCKER = {"auths": {"reg.example.com": {"auth": b64encode(b"ci:p").decode()}}}
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

SECRET = {"kind": "Secret", "metadata": {"name": "regcred"}, "type": "kubernetes.io/dockerconfigjson"}


def manifest(tmp_path, *objects, namespace="default"):
    file = tmp_path / "objects.yaml"
    file.write_text("\n---\n".join(json.dumps(each) for each in objects))
    return read_objects(file, namespace)


def in_base64(value) -> str:
    return b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "content",
    [
        {"data": {".dockerconfigjson": in_base64(DOCKER)}},
        {"stringData": {".dockerconfigjson": json.dumps(DOCKER)}},
        {"data": {".dockerconfigjson": "!"}, "stringData": {".dockerconfigjson": json.dumps(DOCKER)}},
        {"type": "kubernetes.io/dockercfg", "data": {".dockercfg": in_base64(DOCKER["auths"])}},
    ],
)
def test_secrets_in_manifests(tmp_path, content):
    (secret,) = manifest(tmp_path, {**SECRET, **content}, namespace="team").secrets
    assert (secret.namespace, secret.name, secret.error) == ("team", "regcred", None)
    assert secret.config == (("reg.example.com", Auth("ci", "p")),)


def test_other_types_have_no_credentials(tmp_path):
    (secret,) = manifest(tmp_path, {"kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "eA=="}}).secrets
    assert (secret.config, secret.error) == ((), None)


def test_what_the_kubelet_cannot_read_is_a_warning(tmp_path):
    objects = manifest(tmp_path, {**SECRET, "stringData": {".dockerconfigjson": "{"}})
    assert objects.secrets[0].error == "unexpected end of JSON input"
    assert objects.warnings == ["Secret regcred: unexpected end of JSON input: containers with it do not start"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({}, "data or stringData needs the key .dockerconfigjson"),
        ({"data": {".dockercfg": "e30="}}, "data: data or stringData needs the key .dockerconfigjson"),
        ({"data": {".dockerconfigjson": "é"}}, r"must be base64 of text"),
        ({"data": {".dockerconfigjson": "{}"}}, r"must be base64 of text \(stringData takes the text itself\)"),
        ({"stringdata": {}}, "did you mean stringData"),
    ],
)
def test_mistakes_of_secrets(tmp_path, content, error):
    with pytest.raises(InputError, match=error):
        manifest(tmp_path, {**SECRET, **content})


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


# ---------------------------------------------------------------- CredentialProviderConfig


def test_providers_are_read(tmp_path):
    (provider,) = providers(tmp_path, config({**PROVIDER, "args": ["get"], "env": [{"name": "A", "value": "b"}]}))
    assert (provider.name, provider.match_images) == ("plugin", ("*.example.com",))
    assert provider.default_cache_duration == 43_200.0
    (provider,) = providers(tmp_path, config({**PROVIDER, "tokenAttributes": TOKEN}))
    assert provider.token == TokenAttributes("reg", require_service_account=True)


@pytest.mark.parametrize(("version", "release"), [("v1", (1, 26)), ("v1beta1", (1, 24)), ("v1alpha1", (1, 24))])
def test_versions_of_the_file(tmp_path, version, release):
    old = {**PROVIDER, "apiVersion": f"credentialprovider.kubelet.k8s.io/{version}"}
    assert len(providers(tmp_path, config(old, version=version), release)) == 1


def test_a_directory_from_1_35_on(tmp_path):
    folder = tmp_path / "providers.d"
    folder.mkdir()
    for name, provider in (("20.yaml", "b"), ("10.json", "a"), ("30.yml", "c"), ("00.txt", "no")):
        (folder / name).write_text(json.dumps(config({**PROVIDER, "name": provider})))
    gates = resolve_feature_gates({}, (1, 35))
    assert [each.name for each in read_providers(folder, (1, 35), gates)] == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"from 1.35 on"):
        read_providers(folder, (1, 34), gates)
    (folder / "40.yaml").write_text(json.dumps(config({**PROVIDER, "name": "a"})))
    with pytest.raises(InputError, match=r'40.yaml:.*duplicate provider name "a"'):
        read_providers(folder, (1, 35), gates)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": "a/b"}, "provider name cannot contain '/'"),
        ({"name": "a b"}, "provider name cannot contain spaces"),
        ({"name": ".."}, "provider name cannot be '..'"),
        ({"name": None}, "needs the name of its program"),
        ({"matchImages": []}, "Required value: at least 1 item in matchImages is required"),
        ({"matchImages": ["a b"]}, "match image is invalid"),
        ({"defaultCacheDuration": None}, "defaultCacheDuration: Required value"),
        ({"defaultCacheDuration": "-1h"}, "must be greater than or equal to 0"),
        ({"defaultCacheDuration": "soon"}, "defaultCacheDuration"),
        ({"apiVersion": "v1"}, 'Unsupported value: "v1": supported values: "credentialprovider.kubelet.k8s.io/v1"'),
        ({"apiVersion": None}, "apiVersion: Required value"),
        ({"matchImage": ["a"]}, "unknown field 'matchImage'; did you mean matchImages"),
        ({"tokenAttributes": {}}, "serviceAccountTokenAudience: Required value"),
        ({"tokenAttributes": {**TOKEN, "requireServiceAccount": None}}, "requireServiceAccount: Required value"),
        ({"tokenAttributes": {**TOKEN, "cacheType": "Pod"}}, "not one of ServiceAccount, Token"),
        (
            {
                "tokenAttributes": {
                    **TOKEN,
                    "requireServiceAccount": False,
                    "requiredServiceAccountAnnotationKeys": ["a/b"],
                }
            },
            "requireServiceAccount cannot be false",
        ),
        (
            {
                "tokenAttributes": {
                    **TOKEN,
                    "requiredServiceAccountAnnotationKeys": ["a/b"],
                    "optionalServiceAccountAnnotationKeys": ["a/b"],
                }
            },
            "cannot be both required and optional",
        ),
        (
            {"apiVersion": "credentialprovider.kubelet.k8s.io/v1beta1", "tokenAttributes": TOKEN},
            "tokenAttributes is only supported for",
        ),
    ],
)
def test_mistakes_of_providers(tmp_path, change, error):
    changed = {key: value for key, value in {**PROVIDER, **change}.items() if value is not None}
    with pytest.raises(InputErrors) as caught:
        providers(tmp_path, config(changed))
    assert error in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'providers.yaml'}:1:")


@pytest.mark.parametrize(
    ("content", "version", "error"),
    [
        (config(), (1, 35), "at least 1 item in plugins is required"),
        ({"kind": "KubeletConfiguration"}, (1, 35), "this is no CredentialProviderConfig"),
        (config(PROVIDER, version="v2"), (1, 35), "Unsupported value"),
        (config(PROVIDER), (1, 25), "exists from 1.26 on, this kubelet is 1.25"),
        (config({**PROVIDER, "tokenAttributes": TOKEN}), (1, 33), "feature gate is disabled"),
        (config(PROVIDER, provider=[]), (1, 35), "unknown field 'provider'; did you mean providers"),
        (config(PROVIDER, PROVIDER), (1, 35), 'duplicate provider name "plugin"'),
    ],
)
def test_mistakes_of_the_file(tmp_path, content, version, error):
    with pytest.raises(InputError, match=error):
        providers(tmp_path, content, version)


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
