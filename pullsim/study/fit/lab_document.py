"""The document that benchmarks/lab writes, by pydantic's types; what else it has is passed over."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.release import Release, parse
from pullsim.study.fit.observed import MOST_BYTES, MOST_SECONDS

Count = Annotated[int, Field(ge=0, le=MOST_BYTES)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]


class _Given(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


class LayerGiven(_Given):
    """A layer: bytes of its blob and of its tar, and how many files that has."""

    digest: str
    diff_id: str
    compressed: Count
    uncompressed: Count
    files: Count


class ImageGiven(_Given):
    """An image, layers from the bottom up; sizes in bytes."""

    layers: list[LayerGiven]
    manifest_size: Count
    config_size: Count


class PullGiven(_Given):
    """A pull of a case: image, node, and when it starts, in seconds from the start of the case."""

    image: str
    tag: str
    node: int | str
    start_s: Seconds = 0.0


class Link(_Given):
    """The link to the registry: its rate in Mbit/s (None: it was not shaped), and the round trip added to it in ms."""

    registry_egress_mbit: Annotated[float, Field(gt=0, le=1e9)] | None
    added_rtt_ms: Annotated[float, Field(ge=0, le=1e6)]


class Containerd(_Given):
    """The release of containerd, and its settings in the case."""

    version: str
    max_concurrent_downloads: Annotated[int, Field(ge=1, le=1_000_000)]
    max_concurrent_unpacks: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    unpigz: bool

    @field_validator("version")
    @classmethod
    def _release(cls, text: str) -> str:
        CONTAINERD.resolve(parse(text))
        return text

    @property
    def release(self) -> Release:
        """The known release whose rules are those of ``version``."""
        return CONTAINERD.resolve(parse(self.version))


class Setting(_Given):
    """What was pulled over which link by which runtime."""

    pulls: Annotated[list[PullGiven], Field(min_length=1)]
    link: Link
    containerd: Containerd


class Summary(_Given):
    """Seconds until all was done: least, median, most over the repeats."""

    makespan_min_med_max: Annotated[list[Seconds], Field(min_length=3, max_length=3)]
    all_noisy: bool


class CaseGiven(_Given):
    """One case of the lab: what was pulled how, and how long that took."""

    id: str
    group: str
    mode: str
    input: Setting
    summary: Summary


class Document(_Given):
    """The document: the images by their names, and the cases."""

    images: dict[str, ImageGiven]
    cases: list[CaseGiven]


DOCUMENT: Final = TypeAdapter(Document)
