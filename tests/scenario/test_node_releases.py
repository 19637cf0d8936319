"""What a release of kubelet and CRI-O changes in a scenario, by specification; and releases that are not known."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pullsim import run
from pullsim.errors import InputError, InputErrors
from pullsim.inputs.document import read_document
from pullsim.releases.crio import CRIO
from pullsim.releases.kubelet import KUBELET
from pullsim.scenario import from_mapping

DATA = Path(__file__).parents[1] / "data/releases"
TENANTS = read_document(DATA / "second-tenant.yaml").tree
APP = "registry.example.com/priv/app"
PULLS = "unauthorized"
MAY = f'Container image "{APP}:v1" already present on machine and can be accessed by the pod'
PRESENT = f'Container image "{APP}:v1" already present on machine'
ALLOWED = {
    "imagePullCredentialsVerificationPolicy": "NeverVerifyAllowlistedImages",
    "preloadedImagesVerificationAllowlist": [APP],
}
NOT_ALLOWED = {**ALLOWED, "preloadedImagesVerificationAllowlist": ["registry.example.com/other"]}


def policy(name):
    return {"imagePullCredentialsVerificationPolicy": name}


def second_tenant(kubelet, crio, config):
    """Return what the pod without the secret comes to, a minute after another pulled the image with it."""
    node = {"name": "n", "kubeletVersion": kubelet, "runtime": {"crio": crio}, "kubelet": config}
    result = run(from_mapping({**TENANTS, "nodes": [node], "horizon": "70s"}))
    first, *_ = [event for event in result.events if event.namespace == "ns-b" and event.reason in ("Pulled", "Failed")]
    return first.message if first.reason == "Pulled" else PULLS if PULLS in first.message else first.message


@pytest.mark.parametrize(
    ("kubelet", "crio", "config", "comes_to"),
    [
        # PullImage answers repository@digest: the record is never found, the image counts as preloaded
        ("1.35", "1.28", {}, MAY),
        ("1.35", "1.34", {}, MAY),
        ("1.35", "1.34.11", {}, MAY),
        ("1.35", "1.35.0", {}, MAY),
        ("1.36", "1.35.1", {}, MAY),
        ("1.37", "1.34.11", {}, MAY),
        # it answers the image's ID
        ("1.35", "1.35.2", {}, PULLS),
        ("1.35", "1.35", {}, PULLS),
        ("1.36", "1.36.0", {}, PULLS),
        ("1.37.1", "1.37", {}, PULLS),
        ("1.36", "1.99", {}, PULLS),
        # other policies
        ("1.35", "1.34.11", policy("AlwaysVerify"), PULLS),
        ("1.35", "1.34.11", policy("NeverVerify"), MAY),
        ("1.35", "1.36", policy("NeverVerify"), MAY),
        ("1.35", "1.34.11", NOT_ALLOWED, PULLS),
        ("1.35", "1.34.11", ALLOWED, MAY),
        ("1.35", "1.35.2", ALLOWED, PULLS),  # the list is of preloaded images, and the kubelet pulled this one
        # the gate is off
        ("1.34", "1.34.11", {}, PRESENT),
        ("1.34", "1.36", {}, PRESENT),
        ("1.34", "1.36", {"featureGates": {"KubeletEnsureSecretPulledImages": True}}, PULLS),
        ("1.34", "1.34", {"featureGates": {"KubeletEnsureSecretPulledImages": True}}, MAY),
    ],
)
def test_an_image_that_another_tenant_pulled(kubelet, crio, config, comes_to):
    assert second_tenant(kubelet, crio, config).endswith(comes_to)


# ---------------------------------------------------------------- CredentialProviderConfig


def providers(tmp_path, release, edit=lambda text: text, gate=None):
    """Assemble a scenario with the file of providers as a kubelet of ``release`` reads it."""
    (tmp_path / "cpc.yaml").write_text(edit((DATA / "without-cache-type.yaml").read_text()))
    gates = {} if gate is None else {"KubeletServiceAccountTokenForCredentialProviders": gate}
    plugins = {"ecr-credential-provider": {"auth": {"*.dkr.ecr.*.amazonaws.com": {"username": "AWS", "password": "x"}}}}
    node = {
        "name": "n",
        "kubeletVersion": release,
        "featureGates": gates,
        "credentials": {"providers": "cpc.yaml", "plugins": plugins},
    }
    return from_mapping({"nodes": [node]}, directory=tmp_path).assemble()


def cached_by(kind):
    return lambda text: text.replace("requireService", f"cacheType: {kind}\n      requireService")


def older(version):
    return lambda text: text.replace("kubelet.config.k8s.io/v1", f"kubelet.config.k8s.io/{version}")


def without_tokens(text):
    return text.partition("    tokenAttributes")[0]


@pytest.mark.parametrize(
    ("release", "gate", "edit", "kind"),
    [
        ("1.33", True, None, "ServiceAccount"),  # as its alpha did, without the field
        ("1.33.13", True, None, "ServiceAccount"),
        ("1.34", None, cached_by("Token"), "Token"),
        ("1.37", None, cached_by("ServiceAccount"), "ServiceAccount"),
    ],
)
def test_service_account_tokens_of_a_release(tmp_path, release, gate, edit, kind):
    built = providers(tmp_path, release, edit or str, gate)
    (provider,) = built.cluster.nodes[0].spec.credentials.providers
    assert provider.token.cache_type == kind
    assert built.warnings == ()


@pytest.mark.parametrize(
    ("release", "gate", "edit", "message"),
    [
        (
            "1.33",
            True,
            cached_by("Token"),
            "unknown field 'cacheType': it exists from 1.34 on, this kubelet is 1.33",
        ),
        ("1.33", None, str, "is not supported when KubeletServiceAccountTokenForCredentialProviders feature gate is"),
        ("1.34", None, str, "cacheType: Required value"),
        ("1.36", None, cached_by("Pod"), "cacheType: 'Pod' is not one of ServiceAccount, Token"),
        ("1.34", False, cached_by("Token"), "feature gate is disabled"),
        ("1.32", None, str, "unknown field 'tokenAttributes': it exists from 1.33 on, this kubelet is 1.32.13"),
        ("1.35", None, older("v1beta1"), "unknown field 'tokenAttributes': it exists in kubelet.config.k8s.io/v1 only"),
        ("1.35", None, older("v1alpha1"), "it exists in kubelet.config.k8s.io/v1 only"),
        ("1.25", None, without_tokens, "exists from 1.26 on, this kubelet is 1.25"),
        ("1.36", None, lambda text: without_tokens(text) + "    future: 1\n", "unknown field 'future'"),
        (
            "1.31",
            None,
            lambda text: without_tokens(text) + "    argz: []\n",
            "'argz'; did you mean args?",
        ),
    ],
)
def test_fields_that_a_release_refuses(tmp_path, release, gate, edit, message):
    with pytest.raises((InputError, InputErrors)) as caught:
        providers(tmp_path, release, edit, gate)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("release", "edit", "field"),
    [
        ("1.31", str, "tokenAttributes"),
        ("1.28", older("v1beta1"), "tokenAttributes"),
        ("1.31", lambda text: without_tokens(text) + "    future: 1\n", "future"),
    ],
)
def test_before_1_32_an_unknown_field_is_passed_over(tmp_path, release, edit, field):
    built = providers(tmp_path, release, edit)
    assert built.cluster.nodes[0].spec.credentials.providers[0].token is None
    (warning,) = built.warnings
    assert f"providers[ecr-credential-provider].{field}: unknown field" in warning


# ---------------------------------------------------------------- releases and fields that are not known


def assemble(directory=Path(), **node):
    return from_mapping({"nodes": [{"name": "n", **node}]}, directory=directory).assemble()


@pytest.mark.parametrize(
    ("node", "warnings"),
    [
        ({"kubeletVersion": "1.37"}, []),
        ({"kubeletVersion": "v1.35.1+k3s1"}, []),
        ({"kubeletVersion": "1.38"}, [f"kubeletVersion: kubelet 1.38 is newer than {{}}: it runs as {KUBELET.newest}"]),
        ({"kubeletVersion": "1.35.99"}, ["kubeletVersion: kubelet 1.35.99 is newer than {}: it runs as 1.35.7"]),
        ({"runtime": {"crio": "1.37"}}, []),
        ({"runtime": {"crio": "1.34.11"}}, []),
        ({"runtime": {"crio": "1.40"}}, [f"runtime.crio: CRI-O 1.40 is newer than {{}}: it runs as {CRIO.newest}"]),
    ],
)
def test_a_newer_release_runs_as_the_newest_known_one(node, warnings):
    known = "the releases whose rules are known here"
    assert list(assemble(**node).warnings) == [f"nodes[n].{warning.format(known)}" for warning in warnings]


@pytest.mark.parametrize("where", ["file", "inline"])
def test_an_unknown_field_of_configz_is_named_and_not_fatal(tmp_path, where):
    shutil.copy(DATA / "configz-with-unknown-field.json", tmp_path)
    kubelet = "configz-with-unknown-field.json"
    if where == "inline":
        kubelet = read_document(DATA / kubelet).tree
    built = assemble(tmp_path, kubelet=kubelet)
    spec = built.cluster.nodes[0].spec
    assert (spec.max_pods, spec.kubelet.max_parallel_image_pulls, spec.kubelet.registry_pull_qps) == (64, 2, 0)
    (warning,) = built.warnings
    assert warning.startswith("nodes[n].kubelet.someFutureField: no release of the kubelet that is known here has this")


def test_a_name_that_is_like_a_known_one_is_asked_about():
    (warning,) = assemble(kubelet={"registryQPS": 3}).warnings
    assert "(is registryPullQPS meant?)" in warning


def test_many_unknown_fields_are_told_in_few_lines():
    *_, last = warnings = assemble(kubelet={f"{'future' * 20_000}{n}": n for n in range(1_000)}).warnings
    assert len(warnings) == 9
    assert max(map(len, warnings)) < 300
    assert last == "nodes[n].kubelet: so are 992 more fields"


@pytest.mark.parametrize(
    ("release", "parallel", "told"),
    [("1.36", 32, True), ("1.35", 500, True), ("1.36", 31, False), ("1.34", 32, False), ("1.37", 32, False)],
)
def test_more_locks_than_there_are_make_a_kubelet_panic(release, parallel, told):
    built = assemble(kubeletVersion=release, kubelet={"maxParallelImagePulls": parallel})
    assert any("may panic before 1.37" in warning for warning in built.warnings) == told
