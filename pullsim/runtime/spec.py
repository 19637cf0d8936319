"""Which runtime a node has, and its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pullsim.runtime.unpack import UnpackSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ContainerdSpec:
    """containerd: its release decides how a pull goes (runtime.containerd.behaviour)."""

    version: tuple[int, int] = (2, 1)
    max_concurrent_downloads: int = 3
    metadata_write: float = 2.1e-3  # seconds of one write of the metadata database (bolt), one at a time a node
    unpack: UnpackSpec = field(default_factory=UnpackSpec)


@dataclass(frozen=True, slots=True)
class FixedFailure:
    """Which calls for an image fail, counted over the node, how long a failing one takes, and with what text.

    ``pattern`` has a character a call, F or S; after its end calls succeed. ``times`` is the first n calls, -1 all.
    """

    after: float  # seconds
    error: str
    times: int = -1
    pattern: str | None = None

    @property
    def always(self) -> bool:
        """Whether every call fails."""
        return self.pattern is None and self.times < 0

    def fails(self, call: int) -> bool:
        """Whether the call number ``call`` (0, 1, …) fails."""
        if self.pattern is not None:
            return self.pattern[call : call + 1] == "F"
        return self.always or call < self.times


@dataclass(frozen=True, slots=True)
class FixedStatusFailure:
    """When ImageStatus calls for an image fail, and with what text."""

    error: str
    at: float = 0.0  # seconds
    until: float = float("inf")  # seconds, exclusive


@dataclass(frozen=True, slots=True)
class FixedImage:
    """What the fixed runtime does for one image; seconds and bytes."""

    pull: float  # the image is absent when the call starts
    repull: float = 0.0  # it is present
    size: int = 0
    present: bool = False
    removed_at: tuple[float, ...] = ()
    fail: FixedFailure | None = None
    status_fail: FixedStatusFailure | None = None


@dataclass(frozen=True, slots=True)
class FixedSpec:
    """A runtime of given durations; an image that is not listed fails as not found."""

    images: Mapping[str, FixedImage] = field(default_factory=dict)  # by the text the CRI is given


RuntimeSpec = ContainerdSpec | FixedSpec
