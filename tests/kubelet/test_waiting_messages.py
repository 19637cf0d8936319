"""What the API shows of a container that waits: reason and message of each look of the kubelet."""

from __future__ import annotations

import pytest

from pullsim.kernel.clock import nanoseconds
from pullsim.kernel.environment import Environment
from pullsim.kubelet.context import NodeContext
from pullsim.kubelet.credentials.pull_credentials import PullCredentials
from pullsim.kubelet.credentials.pull_secrets import PullObjects
from pullsim.kubelet.housekeeping import Housekeeping
from pullsim.kubelet.images.backoff import Backoff
from pullsim.kubelet.images.image_manager import ImageManager
from pullsim.kubelet.images.image_service import RuntimeImageService
from pullsim.kubelet.images.pull_records import ImagePullManager
from pullsim.kubelet.images.puller import ImagePuller, SerialPulls
from pullsim.kubelet.pod_status import PodStatus
from pullsim.run import Result, ResultRecorder
from pullsim.runtime.fixed.server import FixedRuntime
from pullsim.spec.cluster import Node
from pullsim.streams import Streams
from tests.support.world import container, failing, fixed, node, pod


class Nobody:
    """Follows no pod."""

    def look(self, pod):
        pass

    def pulled(self, pod, image):
        pass


def looks(image, at, images, *, policy="IfNotPresent", version=(1, 35)):
    """Reason and message of each look at one container, at the given times."""
    env = Environment()
    runtime = FixedRuntime(env, fixed(images))
    result = Result("", 0, "", 0.0, "settled", (), {}, "none")
    context = NodeContext(
        env, Node("n-0", node(fixed(images), version=version)), runtime, Streams(0), ResultRecorder(result)
    )
    manager = ImageManager(
        context,
        ImagePuller(env, RuntimeImageService(env, runtime), SerialPulls()),
        Backoff(nanoseconds(10.0), nanoseconds(300.0)),
        ImagePullManager(None),
        PullCredentials(context, PullObjects()),
        Housekeeping(),
    )
    spec = container(image, policy=policy)
    status = PodStatus(pod("p", spec), 0.0, Nobody())
    seen = []

    def sync():
        for time in at:
            yield env.timeout(time - env.now)
            ensured = yield from manager.ensure_image_exists(status, spec)
            seen.append((ensured.reason, ensured.message))

    env.run(env.process(sync()))
    return seen


BACK_OFF = 'Back-off pulling image "app:1"'


@pytest.mark.parametrize(
    ("version", "suffix"), [((1, 24), ""), ((1, 31), ""), ((1, 32), ": ErrImagePull: boom"), ((1, 36), True)]
)
def test_the_message_in_back_off_tells_the_last_error_from_1_32(version, suffix):
    suffix = ": ErrImagePull: boom" if suffix is True else suffix
    pull, back_off = ("ErrImagePull", "boom"), ("ImagePullBackOff", BACK_OFF + suffix)
    assert looks("app:1", [0, 1, 10.9, 11, 32, 40], {"app:1": failing(1.0)}, version=version) == [
        pull,
        back_off,
        back_off,
        pull,
        pull,
        back_off,
    ]


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        ("boom", "ErrImagePull", "boom"),
        (
            "RegistryUnavailable: dial tcp: i/o timeout",
            "RegistryUnavailable",
            "image pull failed for app:1 because the registry is unavailable: dial tcp: i/o timeout",
        ),
        (
            "RegistryUnavailable",
            "RegistryUnavailable",
            "image pull failed for app:1 because the registry is unavailable",
        ),
        (
            "SignatureValidationFailed: no key fits",
            "SignatureValidationFailed",
            "image pull failed for app:1 because the signature validation failed: no key fits",
        ),
        ("the RegistryUnavailable", "ErrImagePull", "the RegistryUnavailable"),  # only a prefix counts
    ],
)
def test_reasons_that_the_runtime_names(error, reason, message):
    assert looks("app:1", [0, 1], {"app:1": failing(1.0, error=error)}) == [
        (reason, message),
        ("ImagePullBackOff", f"{BACK_OFF}: {reason}: {message}"),
    ]


def test_messages_without_an_attempt_are_those_of_the_events():
    never = ("ErrImageNeverPull", 'Container image "app:1" is not present with pull policy of Never')
    assert looks("app:1", [0, 10], {}, policy="Never") == [never, never]
    why = "invalid reference format: repository name (library/App) must be lowercase"
    invalid = f'Failed to apply default image tag "App": couldn\'t parse image name "App": {why}'
    assert looks("App", [0], {}) == [("InvalidImageName", invalid)]


def test_an_image_that_is_there_has_neither():
    assert looks("app:1", [0, 5], {"app:1": failing(1.0, pattern="")}) == [(None, ""), (None, "")]
