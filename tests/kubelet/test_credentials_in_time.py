"""Credentials in whole runs: plugins' running times, tokens that expire, records in an outage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.cri import Auth
from pullsim.results.invariants import check
from pullsim.spec.credentials import CredentialSources, DockerConfigEntry, Plugin, Provider, Secret, Window
from pullsim.spec.registry import AccessSpec, Account, Fault
from pullsim.spec.runtime import FixedImage
from tests.support.outcome import messages, pull, row, stages, started, times
from tests.support.world import (
    HOST,
    STEADY,
    UNLIMITED,
    containerd,
    fixed,
    image,
    layer,
    node,
    pod,
    registry,
    run,
    run_containerd,
    with_secrets,
)

CI = Auth("ci", "token")
APP = f"{HOST}/team/app:1"
IMAGES = {APP: image(layer("x", 1))}
PRIVATE = registry(
    auth="basic", access=AccessSpec((Account("ci", "token"), Account("blue", "b"), Account("green", "g")))
)


def with_plugin(spec, *, default=3600.0, **plugin):
    plugin = {"auth": ((HOST, CI),), **plugin}
    provider = Provider("plugin", (HOST,), default, plugin=Plugin(**plugin))
    return replace(spec, credentials=CredentialSources(providers=(provider,)))


@pytest.mark.parametrize("version", [(1, 28), (1, 32), (1, 33), (1, 34), (1, 35), (1, 36)])
def test_the_time_of_a_plugin_is_the_stage_credentials(version):
    spec = with_plugin(node(containerd(), version=version), takes=0.4)
    result = run_containerd(IMAGES, [pod("p", APP)], spec=spec, source=PRIVATE)
    assert stages(row(result, "p")) == {"credentials": 0.4, "download_egress": 1.0}
    in_pull = version < (1, 33)
    assert stages(pull(result, "p")) == ({"credentials": 0.4} if in_pull else {}) | {"download_egress": 1.0}
    assert messages(result, "Pulled")[0].startswith(
        f'Successfully pulled image "{APP}" in {"1.4s (1.4s" if in_pull else "1s (1s"} including waiting)'
    )
    assert times(result, "Pulling") == [0.0 if in_pull else 0.4]
    assert check(result) == []


def test_before_1_33_the_plugin_holds_the_serial_puller():
    wanted = [pod(f"p{n}", f"{HOST}/team/app{n}:1") for n in range(2)]
    images = {f"{HOST}/team/app{n}:1": image(layer(str(n), 1)) for n in range(2)}
    for version, ends in (((1, 32), [6.0, 12.0]), ((1, 35), [6.0, 7.0])):
        kubelet = {**UNLIMITED, "serializeImagePulls": True}
        spec = with_plugin(node(containerd(), version=version, kubelet=kubelet), takes=5.0, cache_key_type="Image")
        result = run_containerd(images, wanted, spec=spec, source=PRIVATE)
        assert [started(result)[f"p{n}"] for n in range(2)] == pytest.approx(ends)


@pytest.mark.parametrize(
    ("version", "looks_up"), [((1, 32), False), ((1, 33), True), ((1, 34), True), ((1, 35), False)]
)
def test_only_1_33_and_1_34_run_the_plugin_for_an_image_that_is_there(version, looks_up):
    spec = with_plugin(node(fixed({APP: FixedImage(1.0, present=True)}), version=version), takes=0.4)
    result = run([pod("p", APP)], spec)
    assert stages(row(result, "p")) == ({"credentials": 0.4} if looks_up else {})


def test_a_token_that_expires_in_the_middle_of_a_rollout():
    """The kubelet keeps the answer for 100 s, the registry takes it for 30 s."""
    spec = with_plugin(node(containerd(), loop=STEADY), cache_duration=100.0, valid=30.0)
    wanted = [pod(f"p{at}", APP, at=float(at), policy="Always") for at in (0, 20, 40, 130)]
    result = run_containerd(IMAGES, wanted, spec=spec, source=PRIVATE)
    assert [record.ok for record in result.pulls if record.pod == "p0"] == [True]
    assert [record.ok for record in result.pulls if record.pod == "p20"] == [True]
    late = [record for record in result.pulls if record.pod == "p40"]
    assert {record.cause for record in late[:-1]} == {"forbidden"}
    assert "403 Forbidden" in late[0].error
    assert late[-1].ok
    assert late[-1].requested > 100.0  # with a new token; the run waits for it
    assert [record.ok for record in result.pulls if record.pod == "p130"] == [True]
    assert check(result) == []


def test_a_plugin_that_fails_makes_pulls_anonymous_and_the_run_waits_for_its_recovery():
    spec = with_plugin(node(containerd()), failures=(Window(0.0, 25.0),))
    result = run_containerd(IMAGES, [pod("p", APP)], spec=spec, source=PRIVATE)
    assert "no basic auth credentials" in messages(result, "Failed")[0]
    assert started(result)["p"] > 25.0


def test_wrong_credentials_of_a_plugin_end_the_run():
    spec = with_plugin(node(containerd()), auth=((HOST, Auth("ci", "no")),))
    result = run_containerd(IMAGES, [pod("p", APP)], spec=spec, source=PRIVATE)
    assert (result.ended, started(result)["p"]) == ("settled", None)
    assert result.end < 60.0


# ---------------------------------------------------------------- records

SECRETS = tuple(
    Secret("default", name, (DockerConfigEntry(HOST, auth),))
    for name, auth in (("blue", Auth("blue", "b")), ("green", Auth("green", "g")), ("copy", Auth("blue", "b")))
)
DOWN = replace(PRIVATE, faults=(Fault(at=10.0),))


def in_an_outage(name, *, policy="IfNotPresent", version=(1, 35), **kubelet):
    """The image comes with the secret blue; at 60 s, when the registry is down, a pod with another secret wants it."""
    first = with_secrets(pod("first", APP), "blue")
    second = pod("second", APP, at=60.0, policy=policy)
    second = with_secrets(second, name) if name else second
    spec = node(containerd(), version=version, kubelet={**UNLIMITED, **kubelet})
    result = run_containerd(IMAGES, [first, second], spec=spec, source=DOWN, secrets=SECRETS, horizon=100.0)
    assert started(result)["first"] == pytest.approx(1.0)
    return result


@pytest.mark.parametrize(
    ("name", "version", "kubelet", "starts"),
    [
        ("blue", (1, 35), {}, True),
        ("copy", (1, 35), {}, True),  # the same user and password in another Secret
        ("green", (1, 35), {}, False),
        (None, (1, 35), {}, False),
        ("green", (1, 34), {}, True),  # not verified
        ("green", (1, 34), {"featureGates": {"KubeletEnsureSecretPulledImages": True}}, False),
        ("green", (1, 35), {"featureGates": {"KubeletEnsureSecretPulledImages": False}}, True),
        ("green", (1, 35), {"imagePullCredentialsVerificationPolicy": "NeverVerify"}, True),
        ("blue", (1, 35), {"imagePullCredentialsVerificationPolicy": "AlwaysVerify"}, True),
    ],
)
def test_an_outage_breaks_pods_whose_image_is_there_but_was_pulled_with_other_credentials(
    name, version, kubelet, starts
):
    result = in_an_outage(name, version=version, **kubelet)
    assert (started(result)["second"] is not None) is starts
    if starts:
        assert started(result)["second"] == 60.0
        assert len(result.pulls) == 1
    else:
        assert "503 Service Unavailable" in messages(result, "Failed")[0]


def test_with_never_it_counts_as_absent():
    result = in_an_outage("green", policy="Never")
    (text, *_) = messages(result, "ErrImageNeverPull")
    assert text == f'Container image "{APP}" is not present with pull policy of Never'


def test_while_the_registry_answers_it_costs_a_manifest_check():
    asked = [with_secrets(pod("first", APP), "blue"), with_secrets(pod("second", APP, at=60.0), "green")]
    result = run_containerd(IMAGES, asked, source=PRIVATE, secrets=SECRETS)
    assert [(record.ok, record.downloaded > 0) for record in result.pulls] == [(True, True), (True, False)]
    again = [*asked, with_secrets(pod("third", APP, at=120.0), "green")]
    assert len(run_containerd(IMAGES, again, source=PRIVATE, secrets=SECRETS).pulls) == 2  # green is known from then on
