"""The SOCI snapshotter's daemon on one node, in its parallel mode: settings and limits that its pulls share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.runtime.fetch_stages import DownloadSlots

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.kernel.processor_sharing import ProcessorSharing
    from pullsim.spec.snapshotter import SociSpec


class SociNode:
    """What the parallel pulls of one node share (soci-snapshotter fs/adaptive_fetch_image_layers.go, unpackJobs)."""

    __slots__ = ("_env", "cores", "download_slots", "spec", "unpack_slots")

    def __init__(self, env: Environment, spec: SociSpec, cores: ProcessorSharing) -> None:
        self._env = env
        self.spec: Final = spec
        self.cores: Final = cores
        self.download_slots: Final = None if spec.downloads is None else DownloadSlots(env, spec.downloads)
        self.unpack_slots: Final = None if spec.unpacks is None else DownloadSlots(env, spec.unpacks)

    def image_unpack_slots(self) -> DownloadSlots | None:
        """Return the unpack slots of a new pull; None: they have no limit."""
        count = self.spec.unpacks_per_image
        return None if count is None else DownloadSlots(self._env, count)
