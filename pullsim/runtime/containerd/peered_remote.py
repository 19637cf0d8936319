"""How containerd asks a registry's hosts where an agent on its node asks other nodes first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pullsim.peer_record import PEER
from pullsim.registry.request import CUT, OK
from pullsim.runtime.containerd.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Auth
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.registry.request import Download
    from pullsim.runtime.containerd.node import ContainerdNode
    from pullsim.runtime.peers.protocol import Agent
    from pullsim.runtime.sources.blob_source import Wanted


class PeeredRemote(Remote):
    """The requests of one pull, each of which goes to the node's own agent first, as to the first host of hosts.toml.

    What the agent does not have comes from the other hosts. A body of the agent's that breaks off is asked for again
    from where it ended, beginning with the agent.
    """

    def __init__(self, node: ContainerdNode, reference: Reference, auth: Auth | None, agent: Agent) -> None:
        super().__init__(node, reference, auth)
        self._agent = agent

    def resolve(self, watch: Download | None = None) -> Generator[Any, Any, Image]:
        """See `Remote`."""
        digest = yield from self._agent.resolve(self._reference)
        if digest is not None:
            image = self._node.content(replace(self._reference, digest=digest))
            if image is not None:
                self.resolved_by = PEER
                return image
        return (yield from super().resolve(watch))

    def get(self, wanted: Wanted, download: Download) -> Generator[Any, Any, None]:
        """See `Remote`."""
        registry, status = self._node.registry(self._reference.domain), CUT
        while status == CUT:
            status = yield from self._agent.get(wanted, download, registry)
        if status != OK:
            yield from super().get(wanted, download)


def remote(node: ContainerdNode, reference: Reference, auth: Auth | None) -> Remote:
    """Return the requests of a new pull: to the registry's hosts, and before them to the node's agent if it has one."""
    return Remote(node, reference, auth) if node.agent is None else PeeredRemote(node, reference, auth, node.agent)
