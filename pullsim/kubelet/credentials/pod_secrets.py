"""The imagePullSecrets of one pod, as the syncs of its worker find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.kubelet.events import WARNING

if TYPE_CHECKING:
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.credentials.pull_credentials import PullCredentials
    from pullsim.kubelet.pod_status import PodStatus


class PodSecrets:
    """Reads the Secrets that a pod names, and emits an event about missing ones, without which the sync goes on.

    Models pkg/kubelet/kubelet_pods.go getPullSecretsForPod; releases differ in when the event comes.
    """

    __slots__ = ("_context", "_credentials", "_missing", "_pod")

    def __init__(self, context: NodeContext, pod: PodStatus, credentials: PullCredentials) -> None:
        self._context = context
        self._pod = pod
        self._credentials = credentials
        self._missing: tuple[str, ...] = ()  # the names of those that did not exist when they were last read

    def read(self) -> None:
        """Read them, at the beginning of a sync."""
        self._missing = self._credentials.read_secrets(self._pod)
        self._tell(told=self._context.messages.tells_missing_secrets)

    def tell_of_failure(self) -> None:
        """Note that a pull of the sync has failed."""
        self._tell(told=self._context.messages.tells_secrets_of_failures)

    def _tell(self, *, told: bool) -> None:
        """Emit the event about missing Secrets, if the release has it at this point of a sync (``told``)."""
        if self._missing and told:
            text = self._context.messages.missing_secrets(self._missing)
            self._context.emit(self._pod, None, WARNING, "FailedToRetrieveImagePullSecret", text)
