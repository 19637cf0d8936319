"""What travels with a scenario has no secrets in it, and comes to the same."""

from __future__ import annotations

import json
import tomllib
from base64 import b64encode

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.formats.kubernetes.docker_config import InvalidDockerConfig, parse_config_json, parse_dockercfg
from pullsim.formats.secret_values import SecretValues
from pullsim.results.metrics import values
from pullsim.runtime.sources.registry_auth import parse_authorization
from pullsim.study.design import Variant
from pullsim.study.job import Bundle, Job, run_job


def base64(text):
    return b64encode(text.encode()).decode()


DOCKER = {
    "auths": {
        "r.test": {"auth": base64("alice:hunter2"), "email": "a@hunter2"},
        "s.test": {"username": "bob", "password": "hunter3", "identitytoken": "hunter4"},
    },
    "HttpHeaders": {"X-Token": "hunter5"},
}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "pull", "annotations": {"last-applied": "hunter6"}},
    "type": "kubernetes.io/dockerconfigjson",
    "data": {".dockerconfigjson": base64(json.dumps(DOCKER)), "more": base64("hunter7")},
}
OPAQUE = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db"},
    "stringData": {"key": "hunter8\nhunter8"},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "app"},
    "spec": {"imagePullSecrets": [{"name": "pull"}], "containers": [{"name": "c", "image": "r.test/app:v1"}]},
}
PROVIDERS = {
    "apiVersion": "kubelet.config.k8s.io/v1",
    "kind": "CredentialProviderConfig",
    "providers": [
        {
            "name": "plugin",
            "matchImages": ["t.test"],
            "defaultCacheDuration": "1h",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            "args": ["--token", "hunter9"],
            "env": [{"name": "TOKEN", "value": "hunter10"}],
        }
    ],
}
HOSTS = f"""server = "https://u.test"
[host."https://u.test".header]
  Authorization = "Basic {base64("carol:hunter11")}"
  X-Other = ["hunter12"]
"""
CONFIG = f"""version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
[plugins."io.containerd.grpc.v1.cri".registry.configs."s.test".auth]
  auth = "{base64("dave:hunter13")}"
[plugins."io.containerd.grpc.v1.cri".registry.configs."t.test".auth]
  username = "erin"
  password = '''
hunter14'''
"""


@pytest.fixture
def scenario(tmp_path):
    """A scenario with every kind of file that has secrets in it, and private registries that want them."""
    (tmp_path / "docker.json").write_text(json.dumps(DOCKER, indent=1))
    (tmp_path / "app.yaml").write_text(yaml.safe_dump_all([SECRET, OPAQUE, POD]))
    (tmp_path / "list.json").write_text(json.dumps({"kind": "List", "items": [SECRET | {"metadata": {"name": "b"}}]}))
    (tmp_path / "providers.yaml").write_text(yaml.safe_dump(PROVIDERS))
    (tmp_path / "certs.d" / "u.test").mkdir(parents=True)
    (tmp_path / "certs.d" / "u.test" / "hosts.toml").write_text(HOSTS)
    (tmp_path / "config.toml").write_text(CONFIG)
    users = {"r": ("alice", "hunter2"), "s": ("bob", "hunter3"), "t": ("erin", "hunter14"), "u": ("carol", "hunter11")}
    images = [{"image": f"{host}.test/app:v1", "layers": [{"size": "1MB"}]} for host in users]
    document = {
        "images": {"define": images},
        "registries": [
            {"host": f"{host}.test", "credentials": [{"username": user, "password": password}]}
            for host, (user, password) in users.items()
        ],
        "secrets": [{"name": "own", "auths": {"s.test": {"username": "bob", "password": "hunter3"}}}],
        "nodes": [
            {
                "name": "n",
                "credentials": {
                    "dockerConfig": "docker.json",
                    "providers": "providers.yaml",
                    "plugins": {"plugin": {"auth": {"t.test": {"username": "erin", "password": "hunter14"}}}},
                },
                "runtime": {"containerd": "1.7", "config": "config.toml", "hosts": "certs.d"},
            }
        ],
        "workloads": [{"manifest": "app.yaml"}, {"manifest": "list.json"}]
        + [{"name": host, "pods": {"image": f"{host}.test/app:v1"}} for host in users],
    }
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(document))
    return pullsim.load(tmp_path / "scenario.yaml")


def test_no_secret_is_in_a_bundle_and_the_run_comes_to_the_same(scenario):
    bundle = Bundle.of(scenario, [Variant(())])
    assert len(bundle.files) == 6
    for name, text in {"": bundle.text, **{name: data.decode() for name, data in bundle.files.items()}}.items():
        assert "hunter" not in text, name
        for word in text.replace('"', " ").replace("'", " ").split():
            assert base64("hunter")[:6] not in word, name
    for user in ("alice", "bob", "erin"):
        assert user in bundle.text
    summary = pullsim.summarize(pullsim.run(scenario))
    assert summary.pods.started == summary.pods.total
    assert run_job(bundle, Job(0, (), scenario.seed)).metrics == values(summary.to_dict())


def test_a_wrong_password_stays_wrong_and_a_knob_sets_the_right_one(scenario):
    key = "registries[r.test].credentials[0].password"
    variants = [Variant(((key, value),)) for value in ("other", "hunter2")]
    bundle = Bundle.of(scenario, variants)
    for variant in variants:
        expected = pullsim.summarize(pullsim.run(pullsim.override(scenario, variant.overrides)))
        assert run_job(bundle, Job(0, tuple(variant.overrides), 0)).metrics == values(
            pullsim.summarize(pullsim.run(pullsim.override(scenario, [*variant.overrides, "seed=0"]))).to_dict()
        )
        assert (expected.pods.started == expected.pods.total) is (variant.settings[0][1] == "hunter2")


def test_what_has_no_secrets_stays_byte_by_byte():
    for data in (
        b"images:\r\n- a\t# auth\n",
        b"\xff{",
        json.dumps(POD).encode(),
        b"pods: {env: [1]}",
        b"kind: Secret\n{",
    ):
        assert SecretValues().hidden("a.yaml", data) == data


LOGIN = st.fixed_dictionaries(
    {},
    optional={
        "username": st.sampled_from(["", "alice", "bob", 5, None]),
        "password": st.sampled_from(["", "pw", "pö:w", True, []]),
        "auth": st.sampled_from(
            [
                "",
                base64("a:pw"),
                base64("a:pw").rstrip("="),
                base64("nothing"),
                "!",
                "é",
                "abc-",
                "A",
                base64(":"),
                7,
                {},
            ]
        ),
        "email": st.just("pw"),
    },
)
CONFIGS = st.one_of(
    st.fixed_dictionaries(
        {"auths": st.one_of(st.dictionaries(st.sampled_from("xyz"), LOGIN), st.sampled_from([None, 5, "pw"]))}
    ),
    st.sampled_from([[], {}, None, 5, "pw"]),
)


@settings(max_examples=300, deadline=None)
@given(config=CONFIGS, legacy=st.booleans(), cut=st.integers(0, 40))
def test_a_docker_config_reads_as_before(config, legacy, cut):
    """With names for the passwords, equal for equal ones, and with the same words where it cannot be read."""
    text = json.dumps(config["auths"] if legacy and isinstance(config, dict) and "auths" in config else config)
    text = text[: len(text) - cut] if cut < 10 else text
    secrets = SecretValues()
    changed = secrets._docker(text, legacy=legacy)
    parse = parse_dockercfg if legacy else parse_config_json

    def read(what):
        try:
            return [(entry.registry, entry.auth.username, secrets.name(entry.auth.password)) for entry in parse(what)]
        except InvalidDockerConfig as error:
            return str(error)

    expected = read(text)
    secrets._keep |= set(secrets._names.values())  # the names stand for themselves
    assert read(changed) == expected
    assert "pw" not in changed


@settings(max_examples=100, deadline=None)
@given(
    value=st.sampled_from(
        ["Basic YTpwdw==", "basic  YTpwdw==", "Bearer pw", "bearer pw ", "Basic !", "Basic pé", "pw", "", "Digest pw"]
    )
)
def test_an_authorization_header_presents_the_same(value):
    secrets = SecretValues()
    before, after = parse_authorization(value), parse_authorization(secrets._authorization(value))
    assert after.username == before.username
    assert after.password == secrets.name(before.password)
    assert after.registry_token == secrets.name(before.registry_token)


@pytest.mark.parametrize(
    "text", [CONFIG, HOSTS, 'a.header = {Authorization = "pw", B = ["pw",\n"pw"]}\nc = 1\n', "password = 5"]
)
def test_lines_of_toml_stay(text):
    changed = SecretValues()._toml(text)
    assert changed.count("\n") == text.count("\n")
    assert [*tomllib.loads(changed)] == [*tomllib.loads(text)]


def test_what_is_not_ascii_is_no_base64():
    secret = SECRET | {"data": {".dockerconfigjson": "hünter"}}
    assert yaml.safe_load(SecretValues().yaml(yaml.safe_dump(secret)))["data"] == {".dockerconfigjson": "!"}
    assert SecretValues()._toml('auth = "hünter"') == 'auth = "!"'


@pytest.mark.parametrize(
    "text",
    [
        "a: {password: x, b: 1}\nc: ü\n",
        "ü: &p\n  password: &q 'it''s'\nb: {password: *q}\nc: *p\nd: 1\n",
        "password: |\n  x\n  y\n\nd: 1\n",
        'a: {password: "x\n  y", d: 1}\ne: 2\n',
        "a: 'x\u2028y'\npassword: >-\n  x\nd: [1]\n",
    ],
)
def test_yaml_stays_what_it_was_elsewhere(text):
    changed = SecretValues().yaml(text)

    def blank(node):
        if isinstance(node, dict):
            return {key: "" if key == "password" else blank(value) for key, value in node.items()}
        return node

    assert blank(yaml.safe_load(changed)) == blank(yaml.safe_load(text))
    assert changed != text
    assert changed.count("\n") == text.count("\n")


def test_what_aliases_repeat_again_and_again_is_looked_at_once():
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    text = "\n".join(["a0: &a0 {password: x, b: 1}", *lines, ""])
    assert SecretValues().yaml(text) == text.replace("x", '"secret-1"', 1)
    secret = "\n".join(["kind: Secret", "stringData:", "  a0: &a0 [x]", *(f"  {line}" for line in lines), ""])
    assert SecretValues().yaml(secret) == secret.replace("[x]", '[""]', 1)


def test_what_is_nested_too_deep_to_be_read_is_not_parsed():
    text = 'password: "x"\na: ' + "[" * 100_000
    assert SecretValues().yaml(text) == text
