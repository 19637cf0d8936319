"""Whatever is missing, null, of another type or hostile: no traceback, and a scenario that validates."""

import copy
import json
import math
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from pullsim.inputs.document import parse_document
from pullsim.scenario.file.reader import from_document

#: What a field is replaced by.
STRANGE = (
    None, "", "x", "on", "1e3", "0x1f", "a: b # c", "line\nline", "\x1b[31m", "{{ 7 * 7 }}", "é" * 40, -1, 0, 1, 10**30,
    1.5, True, [], [None], ["x"], {}, {"a": None}, [{}], [{"name": None}],
)  # fmt: skip


def paths(value, route=()):
    """The routes of all values in a document."""
    yield route
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        yield from paths(each, (*route, key))


def changed(document, route, value, *, drop):
    """A copy in which the value at a route is another one, or is not there."""
    made = copy.deepcopy(document)
    if not route:
        return value
    parent = made
    for key in route[:-1]:
        parent = parent[key]
    if drop:
        del parent[route[-1]]
    else:
        parent[route[-1]] = value
    return made


def validates(text):
    from_document(parse_document(text, "scenario.yaml"), Path()).build()


def imports(tmp_path, documents, question=Question.rollout):
    for name, document in documents.items():
        (tmp_path / name).write_text(document if isinstance(document, str) else json.dumps(document))
    return import_cluster([str(tmp_path)], question)


@pytest.fixture(scope="module")
def odd(dumps):
    """A few nodes and pods of the oddest cluster, and events: small enough to be changed often."""
    read = {
        name: json.loads((dumps / "odd-aks" / name).read_text()) for name in ("nodes.json", "pods.json", "events.json")
    }
    read["nodes.json"]["items"] = read["nodes.json"]["items"][::3]
    read["pods.json"]["items"] = read["pods.json"]["items"][::2]
    read["events.json"]["items"] = read["events.json"]["items"][:6]
    return read


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_field_may_be_missing_or_strange(odd, tmp_path, data):
    documents = dict(odd)
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(sorted(documents)))
        routes = list(paths(documents[name]))
        route = routes[math.floor(data.draw(st.floats(0, 1, exclude_max=True)) * len(routes))]
        documents[name] = changed(
            documents[name], route, data.draw(st.sampled_from(STRANGE)), drop=data.draw(st.booleans())
        )
    try:
        text, _ = imports(tmp_path, documents, data.draw(st.sampled_from(list(Question))))
    except InputError:
        return
    validates(text)


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "b"}},
    "spec": {
        "replicas": 2,
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "nodeSelector": {"pool": "web"},
                "tolerations": [{"key": "k", "operator": "Exists"}],
                "imagePullSecrets": [{"name": "s"}],
                "containers": [{"name": "c", "image": "example.com/a:1", "resources": {"requests": {"cpu": "1"}}}],
                "volumes": [{"name": "v", "image": {"reference": "example.com/v:1"}}],
            },
        },
    },
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_field_of_a_manifest_may_be_strange(tmp_path, data):
    routes = list(paths(DEPLOYMENT))
    value = data.draw(st.sampled_from(STRANGE) | st.text(max_size=20))
    document = changed(DEPLOYMENT, data.draw(st.sampled_from(routes)), value, drop=False)
    try:
        text, _ = imports(tmp_path, {"file.json": document})
    except InputError:
        return
    validates(text)


@pytest.mark.parametrize(
    "name", ["a: b", "x # y", "{{ 1 }}", "{% raw %}", "a\nnodes: []", "\x1b]0;t\x07", "'\"", "on", "1.30", "👾"]
)
def test_hostile_names_stay_values(name, tmp_path):
    node = {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"eks.amazonaws.com/nodegroup": name, "x": name}},
        "status": {
            "nodeInfo": {
                "kubeletVersion": "v1.31.0",
                "containerRuntimeVersion": "containerd://1.7.0",
                "architecture": name,
            }
        },
    }
    deployment = copy.deepcopy(DEPLOYMENT)
    deployment["metadata"] |= {"name": name, "namespace": name}
    deployment["spec"]["template"]["spec"]["containers"][0] |= {"name": name, "image": name}
    text, _ = imports(tmp_path, {"node.json": node, "web.json": deployment, f"{name.replace('/', '')}.txt": "nothing"})
    validates(text)
    assert "\x1b" not in text
    tree = yaml.safe_load(text)
    assert {*tree} <= {
        "version",
        "name",
        "description",
        "guesses",
        "seed",
        "images",
        "registries",
        "secrets",
        "nodes",
        "workloads",
    }


SECRETS = ("hunter2-password", "dG9rZW4tc2VjcmV0", "token-secret", "hunter2", "-----BEGIN PRIVATE KEY-----")


def test_no_secret_is_copied(tmp_path, dumps):
    docker = {
        "auths": {"registry.example.com": {"username": "u", "password": "hunter2-password", "auth": "dG9rZW4tc2VjcmV0"}}
    }
    secret = {
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": "tls", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}},
        "data": {"tls.key": "dG9rZW4tc2VjcmV0"},
        "stringData": {"key": "-----BEGIN PRIVATE KEY-----"},
    }
    pull = {"kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "metadata": {"name": "pull"}}
    pull["stringData"] = {".dockerconfigjson": json.dumps(docker)}
    deployment = copy.deepcopy(DEPLOYMENT)
    deployment["metadata"]["annotations"] = {"token": "hunter2"}
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container |= {
        "env": [{"name": "PASSWORD", "value": "hunter2"}],
        "args": ["--token=token-secret"],
        "command": ["hunter2"],
    }
    table = 'plugins."io.containerd.grpc.v1.cri".registry.configs."r.example.com".auth'
    toml = f'version = 2\n[{table}]\npassword = "hunter2"\n'
    registries = "configs:\n  r2.example.com:\n    auth: {username: u, password: hunter2}\n"
    files = {
        "config.json": docker,
        "secret.json": secret,
        "pull.json": pull,
        "web.json": deployment,
        "config.toml": toml,
    }
    text, told = imports(tmp_path, {**files, "registries.yaml": registries})
    for each in SECRETS:
        assert each not in text
        assert each not in "\n".join(told)
    assert "not-a-real-password" not in import_cluster([str(dumps / "small-k3s")], Question.rollout)[0]
