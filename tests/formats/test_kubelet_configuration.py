import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration, written_fields
from pullsim.formats.kubernetes.kubelet_fields import field_names
from pullsim.inputs.suggestion import mistaken_for
from pullsim.scenario import from_mapping
from pullsim.spec.feature_gates import resolve_feature_gates
from pullsim.spec.kubelet import KubeletConfig
from pullsim.units import format_duration_go

VECTORS = json.loads((Path(__file__).parents[1] / "data/vectors/kubelet_config_validation.json").read_text())["vectors"]
ATTRIBUTES = {
    "serializeImagePulls": "serialize_image_pulls",
    "maxParallelImagePulls": "max_parallel_image_pulls",
    "registryPullQPS": "registry_pull_qps",
    "registryBurst": "registry_burst",
    "imageGCHighThresholdPercent": "image_gc_high_threshold_percent",
    "imageGCLowThresholdPercent": "image_gc_low_threshold_percent",
    "imageMinimumGCAge": "image_minimum_gc_age",
    "imageMaximumGCAge": "image_maximum_gc_age",
    "imagePullCredentialsVerificationPolicy": "image_pull_credentials_verification_policy",
    "runtimeRequestTimeout": "runtime_request_timeout",
    "syncFrequency": "sync_frequency",
    "nodeStatusMaxImages": "node_status_max_images",
    "crashLoopBackOff": "max_container_restart_period",
}


def shown(value):
    """A value as the vectors write it."""
    return format_duration_go(round(value * 10**9)) if isinstance(value, float) else value


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: json.dumps(vector["config"]))
def test_defaulting_and_validation_are_the_kubelets(vector):
    gates = vector.get("feature_gates", {})
    version = (1, 34) if "ImageMaximumGCAge" in gates else (1, 35)  # from 1.35 on that gate is locked
    mapping = vector["config"] | ({"featureGates": gates} if gates else {})
    if not vector["valid"]:
        with pytest.raises(InputError) as caught:
            read_kubelet_configuration(mapping, version)
        assert caught.value.message == ", ".join(vector["errors"])
        return
    config = read_kubelet_configuration(mapping, version)
    for name, value in vector.get("effective", {}).items():
        expected = value["maxContainerRestartPeriod"] if name == "crashLoopBackOff" else value
        assert shown(getattr(config, ATTRIBUTES[name])) == expected, name


def test_several_errors_are_joined_like_the_kubelets_aggregate():
    with pytest.raises(InputError) as caught:
        read_kubelet_configuration({"registryPullQPS": -1, "maxParallelImagePulls": 0})
    assert caught.value.message == (
        "[invalid configuration: registryPullQPS (--registry-qps) -1 must not be a negative number, "
        "invalid configuration: maxParallelImagePulls 0 must be a positive number]"
    )


def test_serial_with_a_parallel_limit_is_refused():
    with pytest.raises(
        InputError, match=r"cannot be larger than 1 unless SerializeImagePulls \(--serialize-image-pulls\)"
    ):
        read_kubelet_configuration({"serializeImagePulls": True, "maxParallelImagePulls": 5})


def test_the_default_config_is_an_empty_file():
    assert KubeletConfig() == read_kubelet_configuration({})


def test_a_whole_file_and_configz_are_read():
    body = {"maxParallelImagePulls": 4, "clusterDNS": ["10.0.0.10"], "evictionHard": {"imagefs.available": "15%"}}
    head = {"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"}
    config = read_kubelet_configuration({**head, **body})
    assert config.max_parallel_image_pulls == 4
    assert not config.serialize_image_pulls
    assert config.ignored == ("clusterDNS",)
    assert read_kubelet_configuration({"kubeletconfig": body}) == config


CONFIGZ = Path(__file__).parent / "data/configz.json"  # a kubelet's answer: all fields with their defaults


def test_the_answer_of_a_kubelet_with_defaults_is_an_empty_file():
    answer = json.loads(CONFIGZ.read_text())
    config = read_kubelet_configuration(answer, (1, 35))
    assert config == KubeletConfig()
    ignored = {name.partition(".")[0] for name in config.ignored}
    unset = {"maxPods", "mergeDefaultEvictionSettings", "imageMaximumGCAge"}  # what they mean is no field of their own
    unset |= {"nodeStatusMaxImages"}  # no pull depends on it by itself
    assert ignored | set(written_fields(KubeletConfig())) | unset == answer["kubeletconfig"].keys()


@pytest.mark.parametrize("where", ["file", "inline", "inline without the wrapper"])
def test_configz_in_a_scenario(where, tmp_path):
    answer = json.loads(CONFIGZ.read_text())
    answer["kubeletconfig"] |= {"serializeImagePulls": False, "maxParallelImagePulls": 6, "maxPods": 29}
    (tmp_path / "configz.json").write_text(json.dumps(answer))
    kubelet = {"file": "configz.json", "inline": answer}.get(where, answer["kubeletconfig"])
    built = from_mapping({"nodes": [{"name": "w", "kubelet": kubelet}]}, directory=tmp_path).assemble()
    spec = built.cluster.nodes[0].spec
    assert (spec.kubelet.max_parallel_image_pulls, spec.kubelet.serialize_image_pulls) == (6, False)
    assert spec.max_pods == 29
    assert "nodes[w].kubelet.clusterDNS" in built.ignored
    assert built.notes[0].startswith("w: kubelet 1.35 pulls at most 6 at a time (maxParallelImagePulls: 6)")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"kind": "KubeProxyConfiguration"}, "kind is 'KubeProxyConfiguration'"),
        ({"apiVersion": "v1"}, "has apiVersion: kubelet.config.k8s.io/v1beta1"),
        ({"maxParallelImagePull": 3}, "no field 'maxParallelImagePull'; did you mean maxParallelImagePulls?"),
        ({"maxParallelImagePulls": "4"}, "maxParallelImagePulls: '4' must be a whole number"),
        ({"maxParallelImagePulls": 2**31}, "must be a whole number of 32 bits"),
        ({"serializeImagePulls": "false"}, "must be true or false"),
        ({"imageMinimumGCAge": 120}, "must be a duration with its unit"),
        ({"imageMinimumGCAge": "2 minutes"}, "imageMinimumGCAge: duration '2 minutes'"),
        ({"featureGates": {"ImageMaximumGCAge": "no"}}, "featureGates.ImageMaximumGCAge: 'no' must be true or false"),
        (
            {"crashLoopBackOff": {"maxContainerRestartPeriods": "1s"}},
            "crashLoopBackOff has no field 'maxContainerRestartPeriods'; did you mean maxContainerRestartPeriod?",
        ),
        ({"maxParalellImagePulls": 3}, "no field 'maxParalellImagePulls'; did you mean maxParallelImagePulls?"),
        ({"registryPullQps": 3}, "no field 'registryPullQps'; did you mean registryPullQPS?"),
        ({"serialiseImagePulls": False}, "did you mean serializeImagePulls?"),
        ({"imagePullCredentialVerificationPolicy": "AlwaysVerify"}, "did you mean imagePullCredentialsVerif"),
        ({"preloadedImagesVerificationAllowlist": "x"}, "must be a list of texts"),
        (
            {"preloadedImagesVerificationAllowlist": ["registry.example/app"]},
            'if `imagePullCredentialsVertificationPolicy` is not "NeverVerifyAllowlistedImages"',
        ),
    ],
)
def test_wrong_files_are_refused(mapping, message):
    with pytest.raises(InputError) as caught:
        read_kubelet_configuration(mapping)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("mapping", "version", "message"),
    [
        ({"maxParallelImagePulls": 3}, (1, 26, 15), "exists from 1.27 on, this kubelet is 1.26"),
        ({"mergeDefaultEvictionSettings": True}, (1, 32, 13), "exists from 1.33 on"),
        ({"imageMinimumGCAge": "-1s"}, (1, 36, 0), "imageMinimumGCAge -1s must not be negative"),
        ({"imagePullCredentialsVerificationPolicy": "NeverVerify"}, (1, 32), "exists from 1.33 on"),
        ({"imagePullCredentialsVerificationPolicy": "NeverVerify"}, (1, 34), "feature gate is not enabled"),
        ({"imageMaximumGCAge": "24h"}, (1, 29), "ImageMaximumGCAge feature gate is required"),
        ({"featureGates": {"KubeletEnsureSecretPulledImages": True}}, (1, 32), "unrecognized feature gate"),
        (
            {"featureGates": {"ImageMaximumGCAge": False}},
            (1, 35),
            "cannot set feature gate ImageMaximumGCAge to false, feature is locked to true",
        ),
        ({"featureGates": {"ImageVolume": False}}, (1, 36), "feature is locked to true"),
        (
            {"featureGates": {"RuntimeClassInImageCriAPI": True}},
            (1, 35),
            "unrecognized feature gate: RuntimeClassInImageCriAPI; did you mean RuntimeClassInImageCriApi?",
        ),
        (
            {"crashLoopBackOff": {"maxContainerRestartPeriod": "1m"}},
            (1, 34),
            "MaxContainerRestartPeriod must not be set",
        ),
    ],
)
def test_releases_differ(mapping, version, message):
    with pytest.raises(InputError) as caught:
        read_kubelet_configuration(mapping, version)
    assert message in caught.value.message


def test_credential_verification_comes_with_1_35():
    assert read_kubelet_configuration({}, (1, 34)).image_pull_credentials_verification_policy is None
    assert (
        read_kubelet_configuration({}, (1, 35)).image_pull_credentials_verification_policy
        == "NeverVerifyPreloadedImages"
    )
    gated = {"featureGates": {"KubeletEnsureSecretPulledImages": True}}
    assert read_kubelet_configuration(gated, (1, 33)).image_pull_credentials_verification_policy is not None


def test_all_alpha_and_all_beta_switch_their_stage_only():
    gates = resolve_feature_gates({"AllAlpha": True}, (1, 33))
    assert gates["KubeletEnsureSecretPulledImages"]
    assert gates["RuntimeClassInImageCriApi"]
    assert not gates["ImageVolume"]  # beta, off
    gates = resolve_feature_gates({"AllBeta": False, "KubeletCrashLoopBackOffMax": True}, (1, 35))
    assert gates["KubeletCrashLoopBackOffMax"]
    assert not gates["KubeletEnsureSecretPulledImages"]
    assert gates["ImageMaximumGCAge"]  # GA


def test_other_feature_gates_are_accepted_and_listed():
    config = read_kubelet_configuration({"featureGates": {"NodeSwap": False}})
    assert config.feature_gates["NodeSwap"] is False
    assert config.ignored == ("featureGates.NodeSwap",)


def test_every_setting_is_documented_by_its_field_name():
    camel = {name.lower() for name in field_names()}
    ours = {field.name.replace("_", "") for field in fields(KubeletConfig)}
    assert ours - camel == {"maxcontainerrestartperiod", "ignored", "unknown"}  # one is nested, the others ours


FIELDS = json.loads((Path(__file__).parents[1] / "data/kubelet-configuration-fields.json").read_text())


def test_all_fields_of_all_releases_are_known():
    assert {name for names in FIELDS.values() for name in names} <= field_names()


@pytest.mark.parametrize("release", list(FIELDS)[1:])
def test_no_field_that_a_release_added_would_have_been_taken_for_a_slip(release):
    """As if the releases from that one on were not known."""
    releases = list(FIELDS)
    older = {name for each in releases[: releases.index(release)] for name in FIELDS[each]}
    assert {name: mistaken_for(name, older) for name in FIELDS[release]} == dict.fromkeys(FIELDS[release])


@pytest.mark.parametrize("name", ["someFutureField", "imagePullDeadline", "maxParallelImagePullsPerRegistry", "x"])
def test_what_no_release_knows_is_passed_over_and_listed(name):
    config = read_kubelet_configuration({"maxPods": 64, name: {"x": 1}})
    assert (config.unknown, config.max_pods) == ((name,), 64)


def test_a_later_back_off_field_is_passed_over_too():
    config = read_kubelet_configuration({"crashLoopBackOff": {"initial": "1s", "maxContainerRestartPeriod": "9s"}})
    assert (config.unknown, config.max_container_restart_period) == (("crashLoopBackOff.initial",), 9.0)


@given(st.data())
def test_one_slip_in_a_name_of_usual_length_is_a_mistake(data):
    name = data.draw(st.sampled_from(sorted(each for each in field_names() if len(each) >= 10)))
    at = data.draw(st.integers(0, len(name) - 2))
    slip = data.draw(st.sampled_from([name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:], name.upper()]))
    with pytest.raises(InputError, match="did you mean"):
        read_kubelet_configuration({slip: 1} if slip not in field_names() else {f"{slip}s": 1})


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(field_names() | {"kind", "kubeletconfig"})) | st.text(max_size=5), JUNK))
def test_junk_is_an_input_error(mapping):
    try:
        read_kubelet_configuration(mapping)
    except InputError as error:
        assert error.message  # noqa: PT017


@given(st.none() | st.booleans(), st.none() | st.integers(-2, 4))
def test_a_valid_config_never_contradicts_itself(serialize, parallel):
    given_ = {"serializeImagePulls": serialize, "maxParallelImagePulls": parallel}
    try:
        config = read_kubelet_configuration(given_)
    except InputError:
        assert (parallel is not None and parallel < 1) or (serialize and parallel > 1)
    else:
        assert not (config.serialize_image_pulls and (config.max_parallel_image_pulls or 0) > 1)
