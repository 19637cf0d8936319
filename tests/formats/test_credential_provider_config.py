"""CredentialProviderConfig files: what is read, and what is said of mistakes."""

from __future__ import annotations

import json

import pytest

from pullsim.errors import InputError, InputErrors
from pullsim.formats.kubernetes.credential_provider_config import read_providers
from pullsim.spec.credentials import TokenAttributes
from pullsim.spec.feature_gates import resolve_feature_gates
from tests.support.credential_files import PROVIDER, config

TOKEN = {"serviceAccountTokenAudience": "reg", "requireServiceAccount": True, "cacheType": "ServiceAccount"}


def providers(tmp_path, content, version=(1, 35), name="providers.yaml"):
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_providers(file, version, resolve_feature_gates({}, version))


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
