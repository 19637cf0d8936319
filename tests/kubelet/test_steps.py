"""EnsureImageExists, step by step: a situation, and for every sync the CRI calls, the events and the answer.

The idea is that of the kubelet's own pullerTestCases (pkg/kubelet/images/image_manager_test.go): every case holds with
the serial puller and with the parallel one. X in the tables is the image as the pod has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from pullsim.spec.runtime import FixedImage, FixedStatusFailure
from tests.support.steps import (
    ABSENT,
    DOWN,
    FETCH,
    LOOK,
    LOOK_AND_FETCH,
    PRESENT,
    PULL,
    PULLERS,
    STATUS,
    events,
    failing,
    pod,
    watch,
)

HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PULLING = "Normal Pulling: Pulling image X"
PULLED = "Normal Pulled: Successfully pulled image X in {0} ({0} including waiting). Image size: 7 bytes."
THERE = "Normal Pulled: Container image X already present on machine and can be accessed by the pod"
OLD_THERE = "Normal Pulled: Container image X already present on machine"
NEVER = "Warning ErrImageNeverPull: Container image X is not present with pull policy of Never"
BACK_OFF = "Normal BackOff: Back-off pulling image X"
STARTED = ["Normal Created: Container created", "Normal Started: Container started"]


def failed(error: str) -> str:
    return f"Warning Failed: Failed to pull image X: {error}"


def error(reason: str) -> str:
    return f"Warning Failed: Error: {reason}"


@dataclass(frozen=True)
class Sync:
    """What one sync does for the container."""

    calls: list[str]
    events: list[str]
    reason: str | None = None
    message: str = ""


def good(calls: list[str], seconds: str = "1s") -> Sync:
    return Sync(calls, [PULLING, PULLED.format(seconds), *STARTED])


def used(event: str = THERE) -> Sync:
    return Sync(LOOK, [event, *STARTED])


def bad(calls: list[str], text: str = "boom", reason: str = "ErrImagePull", message: str | None = None) -> Sync:
    return Sync(calls, [PULLING, failed(text), error(reason)], reason, text if message is None else message)


def waits(calls: list[str], last: str = ": ErrImagePull: boom") -> Sync:
    return Sync(calls, [BACK_OFF, error("ImagePullBackOff")], "ImagePullBackOff", f"Back-off pulling image X{last}")


def refused(calls: list[str], reason: str, event: str) -> Sync:
    return Sync(calls, [event, error(reason)], reason, event.partition(": ")[2])


def unnamed(why: str) -> Sync:
    event = f"Warning InspectFailed: Failed to apply default image tag X: couldn't parse image name X: {why}"
    return refused([], "InvalidImageName", event)


@dataclass(frozen=True)
class Case:
    """A situation, and the syncs that it leads to, 10 s apart."""

    syncs: list[Sync]
    image: FixedImage | None = ABSENT  # None: the runtime knows no such image
    name: str = "app:1"
    policy: str = "IfNotPresent"
    version: tuple[int, int] = (1, 35)
    kubelet: dict[str, Any] | None = None
    cri_name: str | None = None  # as the CRI gets it, where that differs


INSPECT = Sync(
    LOOK,
    [f'Warning InspectFailed: Failed to inspect image "": {DOWN}', error("ImageInspectError")],
    "ImageInspectError",
    f'Failed to inspect image "": {DOWN}',
)
BROKEN = replace(ABSENT, status_fail=FixedStatusFailure(DOWN, until=15.0))
NOT_FOUND = 'rpc error: code = NotFound desc = failed to resolve reference "app:1": not found'


CASES = {
    # 1.2, step 1: the tag
    "name with upper case": Case(
        [unnamed("invalid reference format: repository name (library/App) must be lowercase")] * 3, name="App:1"
    ),
    "name that is no name": Case([unnamed("invalid reference format")] * 3, name="app:"),
    "name that is a digest": Case(
        [unnamed(f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings")] * 2, name=HEX
    ),
    "name that is empty": Case([unnamed("invalid reference format")] * 2, name=""),
    "invalid name, Always": Case([unnamed("invalid reference format")] * 2, name="app:", policy="Always"),
    "invalid name, Never": Case([unnamed("invalid reference format")] * 2, name="app:", policy="Never"),
    "no tag": Case([good(LOOK_AND_FETCH)], name="app", cri_name="app:latest"),
    "no tag, with a host": Case([good(LOOK_AND_FETCH)], name="docker.io/app", cri_name="docker.io/app:latest"),
    "no tag, a port": Case([good(LOOK_AND_FETCH)], name="a.b:5000/app", cri_name="a.b:5000/app:latest"),
    "tag with upper case": Case([good(LOOK_AND_FETCH)], name="app:V1_x"),
    "digest": Case([good(LOOK_AND_FETCH)], name=f"app@sha256:{HEX}"),
    "tag and digest": Case([good(LOOK_AND_FETCH)], name=f"app:1@sha256:{HEX}"),
    # steps 2 to 4: presence
    "absent": Case([good(LOOK_AND_FETCH)]),
    "present": Case([used()], PRESENT),
    "absent, Always": Case([good(FETCH)], policy="Always"),
    "present, Always": Case([good(FETCH, "250ms")], PRESENT, policy="Always"),
    "absent, Never": Case([refused(LOOK, "ErrImageNeverPull", NEVER)] * 4, policy="Never"),
    "present, Never": Case([used()], PRESENT, policy="Never"),
    "inspection fails, twice": Case([INSPECT, INSPECT, good(LOOK_AND_FETCH)], BROKEN),
    "inspection fails, Never": Case(
        [INSPECT, INSPECT, refused(LOOK, "ErrImageNeverPull", NEVER)], BROKEN, policy="Never"
    ),
    "inspection would fail, Always": Case(
        [Sync(FETCH, [PULLING, PULLED.format("1s").replace("7 bytes", "0 bytes"), *STARTED])], BROKEN, policy="Always"
    ),
    # step 4: verification of present images (6.5), for pods without credentials
    "present, gate off": Case([used(OLD_THERE)], PRESENT, version=(1, 34)),
    "present, NeverVerify": Case([used()], PRESENT, kubelet={"imagePullCredentialsVerificationPolicy": "NeverVerify"}),
    "present, AlwaysVerify": Case(
        [good(LOOK_AND_FETCH, "250ms")], PRESENT, kubelet={"imagePullCredentialsVerificationPolicy": "AlwaysVerify"}
    ),
    "present, AlwaysVerify, Never": Case(
        [refused(LOOK, "ErrImageNeverPull", NEVER)] * 2,
        PRESENT,
        policy="Never",
        kubelet={"imagePullCredentialsVerificationPolicy": "AlwaysVerify"},
    ),
    "present, on the allowlist": Case(
        [used()],
        PRESENT,
        name="registry.test/app:1",
        kubelet={
            "imagePullCredentialsVerificationPolicy": "NeverVerifyAllowlistedImages",
            "preloadedImagesVerificationAllowlist": ["registry.test/*"],
        },
    ),
    "present, not on the allowlist": Case(
        [good(LOOK_AND_FETCH, "250ms")],
        PRESENT,
        name="registry.test/app:1",
        kubelet={
            "imagePullCredentialsVerificationPolicy": "NeverVerifyAllowlistedImages",
            "preloadedImagesVerificationAllowlist": ["registry.test/other"],
        },
    ),
    "present, must be verified, and the registry is down": Case(
        [bad(LOOK_AND_FETCH[:2]), bad(LOOK_AND_FETCH[:2]), waits(LOOK)],
        failing(present=True),
        kubelet={"imagePullCredentialsVerificationPolicy": "AlwaysVerify"},
    ),
    # steps 7 to 9: back-off
    "fails": Case(
        [
            bad([STATUS, PULL]),
            bad([STATUS, PULL]),
            waits(LOOK),
            bad([STATUS, PULL]),
            *[waits(LOOK)] * 3,
            bad([STATUS, PULL]),
        ],
        failing(),
    ),
    "fails, Always": Case(
        [bad([PULL]), bad([PULL]), waits([]), bad([PULL]), *[waits([])] * 3], failing(), policy="Always"
    ),
    "fails, before 1.32": Case([bad([STATUS, PULL]), bad([STATUS, PULL]), waits(LOOK, "")], failing(), version=(1, 31)),
    "fails, Always, before 1.32": Case(
        [bad([STATUS, PULL]), bad([STATUS, PULL]), waits(LOOK, "")], failing(), version=(1, 31), policy="Always"
    ),
    "fails twice, then succeeds": Case(
        [bad([STATUS, PULL]), bad([STATUS, PULL]), waits(LOOK), replace(good(LOOK_AND_FETCH))], failing(pattern="FF")
    ),
    "not found": Case([bad([STATUS, PULL], NOT_FOUND), bad([STATUS, PULL], NOT_FOUND)], None),
    # 4.1: errors with reasons of their own
    "RegistryUnavailable": Case(
        [
            bad(
                [STATUS, PULL],
                "RegistryUnavailable: come back later",
                "RegistryUnavailable",
                "image pull failed for X because the registry is unavailable: come back later",
            )
        ],
        failing("RegistryUnavailable: come back later"),
    ),
    "SignatureValidationFailed": Case(
        [
            bad(
                [STATUS, PULL],
                "SignatureValidationFailed: no signature",
                "SignatureValidationFailed",
                "image pull failed for X because the signature validation failed: no signature",
            )
        ],
        failing("SignatureValidationFailed: no signature"),
    ),
    "RegistryUnavailable in the middle of a text": Case(
        [bad([STATUS, PULL], "is it RegistryUnavailable?")], failing("is it RegistryUnavailable?")
    ),
}


@PULLERS
@pytest.mark.parametrize("name", CASES)
def test_steps(monkeypatch, name, puller):
    case = CASES[name]
    image = {} if case.image is None else {case.cri_name or case.name: case.image}
    kubelet = {**puller, "registryPullQPS": 0, **(case.kubelet or {})}
    ends = 10.0 * (len(case.syncs) - 1) + 5.0
    wanted = [pod("p", case.name, policy=case.policy), pod("later", "other:1", at=ends)]  # keeps the run going
    images = {**image, "other:1": FixedImage(1.0)}
    found, result = watch(monkeypatch, wanted, images, kubelet=kubelet, version=case.version, horizon=ends)
    found = [step for step in found if step.pod == "p"]
    assert [step.at for step in found] == [10.0 * n for n in range(len(case.syncs))]
    for step, sync in zip(found, case.syncs, strict=True):
        assert step.calls == [f"{call} {case.cri_name or case.name}" for call in sync.calls]
        quoted = f'"{case.name}"'
        texts = [event.replace("image X", f"image {quoted}").replace("tag X", f"tag {quoted}") for event in sync.events]
        texts = [text.replace("name X", f"name {quoted}") for text in texts]
        if case.version < (1, 35):
            texts = [older(text, case.version) for text in texts]
        assert events(result, step) == texts
        assert step.reason == sync.reason
        assert (step.image_ref is None) == (sync.reason is not None)
        message = sync.message.replace("image X", f"image {quoted}").replace("tag X", f"tag {quoted}")
        message = message.replace("name X", f"name {quoted}").replace("for X", f"for {case.name}")
        assert step.message == message
    (record,) = (row for row in result.pods if row.pod == "p")
    assert record.pulls == sum(PULL in sync.calls for sync in case.syncs)
    assert record.image_refs == (found[-1].image_ref,)  # a container is made of the ID, not of the name


def older(text: str, version: tuple[int, int]) -> str:
    """The texts of a container's start before 1.35."""
    colon = ":" if version >= (1, 32) else ""
    return text.replace("Container created", f"Created container{colon} c0").replace(
        "Container started", "Started container c0"
    )
