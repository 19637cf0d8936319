"""The credentials for a pod's image, from all sources of a kubelet."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pullsim.kubelet.credentials.keyring import Keyring, lookup
from pullsim.kubelet.credentials.provider import CredentialProvider, Requester, provided
from pullsim.oci.reference import parse

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.credentials.keyring import Credential
    from pullsim.kubelet.credentials.pull_secrets import PullObjects
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.releases.kubelet import Version
    from pullsim.spec.pod import Pod
    from pullsim.time_line import TimeLine

Credentials = tuple["Credential", ...]
#: The cause of a failure to get an image because a Secret cannot be read.
UNREADABLE: Final = "credentials"


class LookupTime(Enum):
    """The moment at which the credentials for an image are looked up."""

    IN_PULL = "in the pull, after the queue"
    ALWAYS = "before it is known whether they are needed"
    WHEN_NEEDED = "when the image is pulled, or to prove that a present one may be used"


def lookup_time(version: Version) -> LookupTime:
    """Return when a release looks credentials up (pkg/kubelet/images/image_manager.go EnsureImageExists)."""
    if version < (1, 33):
        return LookupTime.IN_PULL
    return LookupTime.ALWAYS if version < (1, 35) else LookupTime.WHEN_NEEDED


class LookupFailed(Exception):
    """A pod's credentials cannot be looked up because a Secret cannot be read; str() is the kubelet's message."""


class PullCredentials:
    """Looks up the credentials for an image.

    The sources are the pod's Secrets, then the node's docker config file, then all credential providers. The pull tries
    every credential that matches the image, in this order.

    Models pkg/kubelet/images/image_manager.go makeLookupPullCredentialsFunc (from 1.33; before that
    pkg/kubelet/kuberuntime/kuberuntime_image.go PullImage) and pkg/credentialprovider/secrets/secrets.go.
    """

    def __init__(
        self,
        context: NodeContext,
        objects: PullObjects,
    ) -> None:
        sources = context.spec.credentials
        self._env = context.env
        self._objects = objects
        self._node = Keyring()
        self._node.add(sources.docker_config)
        self._providers = tuple(
            CredentialProvider(context.env, spec, context.record_plugin_run) for spec in sources.providers
        )
        self.time = lookup_time(context.version)
        self._node_has_sources = bool(sources.docker_config or sources.providers)

    def read_secrets(self, pod: PodStatus) -> tuple[str, ...]:
        """Read the pod's imagePullSecrets, as a sync does first, and return the names of those that are missing.

        Source: pkg/kubelet/kubelet_pods.go getPullSecretsForPod.
        """
        now = self._env.now
        found = {name: self._objects.secret(pod.namespace, name, now) for name in pod.pod.spec.pull_secrets if name}
        pod.pull_secrets = tuple(secret for secret in found.values() if secret is not None)
        return tuple(name for name, secret in found.items() if secret is None)

    def wanted(self, pod: PodStatus) -> bool:
        """Whether any source of credentials exists for the pod."""
        return self._node_has_sources or bool(pod.pull_secrets)

    def look_up(self, pod: PodStatus, image: str, clock: TimeLine) -> Generator[Any, Any, Credentials]:
        """Return the credentials that match the image, in the order in which they are tried. Raises LookupFailed."""
        secrets = Keyring()
        for secret in pod.pull_secrets:
            if secret.error is not None:
                raise LookupFailed(secret.error)
            secrets.add(secret.config, secret=secret.coordinates)
        repository = parse(image).repository
        keyrings = [secrets, self._node]
        if self._providers:
            keyrings.append((yield from provided(self._providers, repository, self._requester(pod.pod), clock)))
        return lookup(keyrings, repository)

    def _requester(self, pod: Pod) -> Requester:
        account = pod.spec.service_account
        return Requester(pod.namespace, pod.name, account, self._objects.annotations(pod.namespace, account))
