"""``pullsim explain-credentials``."""

from __future__ import annotations

import json

import pytest

CONFIG = {
    "auths": {
        "quay.io": {"username": "all", "password": "p"},
        "https://quay.io/org/app": {"username": "app", "password": "p"},
        "*.example.com": {"username": "glob", "password": "p"},
        "https://index.docker.io/v1/": {"username": "hub", "password": "p"},
    }
}
PROVIDERS = {
    "apiVersion": "kubelet.config.k8s.io/v1",
    "kind": "CredentialProviderConfig",
    "providers": [
        {
            "name": "plugin",
            "matchImages": ["*.io", "*.example.com"],
            "defaultCacheDuration": "1h",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        }
    ],
}
SECRET = {
    "kind": "Secret",
    "metadata": {"name": "regcred", "namespace": "team"},
    "type": "kubernetes.io/dockercfg",
    "stringData": {".dockercfg": '{"quay.io/org": {"username": "team", "password": "p"}}'},
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in (("config.json", CONFIG), ("providers.yaml", PROVIDERS), ("secret.yaml", SECRET)):
        (tmp_path / name).write_text(json.dumps(content))
    return "--config", "config.json", "--secret", "secret.yaml", "--providers", "providers.yaml"


def explained(inside, *arguments):
    done = inside("explain-credentials", *arguments, "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_the_order_and_the_sources(inside, files):
    found = explained(inside, "quay.io/org/app:1", *files)
    assert found["repository"] == "quay.io/org/app"
    tried = [(row["attempt"], row["source"], row["username"]) for row in found["entries"] if row["attempt"]]
    assert tried == [
        (1, "Secret team/regcred", "team"),
        (2, "config.json", "app"),
        (3, "config.json", "all"),
        (4, "plugin plugin", None),
    ]


def test_why_the_others_are_not_tried(inside, files):
    rows = explained(inside, "reg.test.example.com/app", *files)["entries"]
    assert all(row["attempt"] is None for row in rows)
    why = {row["registry"]: row["why"] for row in rows}
    assert why["*.example.com"] == "its host has 3 parts between dots, the image's 4; * does not cross a dot"
    assert why["quay.io"] == "its host has 2 parts between dots, the image's 4"


def test_docker_hub_by_its_old_name(inside, files):
    rows = explained(inside, "nginx", *files[:2])["entries"]
    assert [(row["username"], row["why"]) for row in rows if row["attempt"]] == [
        ("hub", "Docker Hub's old name, and nothing else of this source fits")
    ]


def test_it_reads_well(inside, files):
    done = inside("explain-credentials", "quay.io/org/app:1", *files)
    assert "quay.io/org/app: 3 credentials are tried in turn, and what a plugin answers" in done.stdout
    done = inside("explain-credentials", "ghcr.io/a/b:1", *files[:4])
    assert done.stdout.startswith("ghcr.io/a/b: one anonymous pull")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nginx"], "nothing to look in: give --config, --secret or --providers"),
        (["NGINX", "--config", "config.json"], "image 'NGINX': invalid reference format: repository name"),
        (["nginx", "--config", "none.json"], "none.json: there is no such file"),
        (
            ["nginx", "--config", "broken.json"],
            "broken.json: the kubelet cannot read this file: unexpected end of JSON",
        ),
        (["nginx", "--providers", "secret.yaml"], "secret.yaml:1:10: kind: this is no CredentialProviderConfig"),
        (["nginx", "--secret", "providers.yaml"], "providers.yaml:1:1: the file has no Secret"),
    ],
)
def test_mistakes(inside, files, tmp_path, arguments, error):
    (tmp_path / "broken.json").write_text("{")
    done = inside("explain-credentials", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr
