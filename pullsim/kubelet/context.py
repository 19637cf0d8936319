"""What all parts of one node's kubelet share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.kubelet.events import messages
from pullsim.records import PluginRun
from pullsim.spec.feature_gates import VERIFICATION
from pullsim.spec.pod import ContainerSpec

if TYPE_CHECKING:
    from pullsim.cri import ImageService
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.records import Recorder
    from pullsim.releases.kubelet import Version
    from pullsim.spec.cluster import Node
    from pullsim.spec.kubelet import KubeletConfig
    from pullsim.spec.pod import ImageVolume, PodSpec
    from pullsim.streams import Streams


class NodeContext:
    """One node as its kubelet's parts see it: its name and spec, its runtime, the texts and the recorder of its events.

    A part whose rules depend on the pool's settings, on the kubelet's release or on a feature gate reads them here.
    """

    __slots__ = ("config", "env", "messages", "node", "recorder", "service", "spec", "streams", "version")

    def __init__(
        self, env: Environment, node: Node, service: ImageService, streams: Streams, recorder: Recorder
    ) -> None:
        """``service`` is the image service of the node's runtime; ``recorder`` takes the rows."""
        self.env = env
        self.node = node.name
        self.spec = node.spec
        self.config: KubeletConfig = node.spec.kubelet
        self.version: Version = node.spec.kubelet_version
        self.service = service
        self.streams = streams
        self.recorder = recorder
        self.messages = messages(self.version, verified=self.gate(VERIFICATION))

    def gate(self, name: str) -> bool:
        """Whether a feature gate is on; one that the release does not know is off."""
        return self.config.feature_gates.get(name, False)

    def sandbox_takes(self, pod: PodSpec) -> float:
        """Return the seconds that creating the sandbox of a pod takes."""
        own = pod.startup.sandbox
        return (self.spec.startup.sandbox or 0.0) if own is None else own

    def container_takes(self, pod: PodSpec) -> float:
        """Return the seconds that creating and starting a container of a pod takes."""
        own = pod.startup.container
        return (self.spec.startup.container or 0.0) if own is None else own

    def emit(
        self, pod: PodStatus, subject: ContainerSpec | ImageVolume | None, type: str, reason: str, message: str
    ) -> None:
        """Record an event of a pod: about a container, about an image volume, or about the whole pod (None)."""
        row = (  # the fields of `KubeletEvent`
            self.env.now,
            self.node,
            pod.name,
            subject.name if isinstance(subject, ContainerSpec) else None,
            type,
            reason,
            message,
            None if subject is None else subject.image,
            pod.namespace,
        )
        self.recorder.event(row)

    def emit_node(self, type: str, reason: str, message: str) -> None:
        """Record an event of the node itself."""
        self.recorder.event((self.env.now, self.node, None, None, type, reason, message, None, None))

    def record_plugin_run(self, plugin: str, began: float, failed: bool) -> None:
        """Record a run of a credential provider plugin that ends now."""
        self.recorder.plugin(PluginRun(self.node, plugin, began, self.env.now, failed))
