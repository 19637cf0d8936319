"""Secrets of Kubernetes manifests: which credentials they have."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from pullsim.cri import Auth
from pullsim.errors import InputError
from tests.support.credential_files import DOCKER, SECRET, manifest


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
