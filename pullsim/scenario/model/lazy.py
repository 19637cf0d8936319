"""The key ``lazy`` of a runtime: images that are mounted before they are there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pullsim.scenario.model.quantities import Duration, Portion, Section, Size


class Background(Section):
    """How what nobody has read comes; absent keys are those of the snapshotter."""

    workers: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None, description="Units of the node at a time; 0: nothing comes in the background."
    )
    period: Duration | None = Field(default=None, description="Time from one unit of the node to the next.")
    quiet: Duration | None = Field(default=None, description="Time without a read that waits for the registry, before.")
    pause: Duration | None = Field(default=None, description="Time after a layer's mount in which nothing comes.")


class Lazy(Section):
    """A snapshotter that mounts layers by their metadata; absent keys are its own."""

    unit: Annotated[Size, Field(gt=0)] | None = Field(
        default=None,
        description="Unpacked bytes that a request brings at the most: 4 MiB of stargz and SOCI, 1 MiB of the others.",
    )
    grain: Annotated[Size, Field(gt=0)] | None = Field(
        default=None,
        description="Unpacked bytes that a smaller read brings: 128 KiB of stargz, of the others `unit`.",
    )
    prefetch: Portion | None = Field(
        default=None,
        description="Of each layer, bytes or a share from its front that come with the mount, as images are optimized "
        "for it: their front is what `reads` reads then. By default nothing.",
    )
    prefetch_timeout: Duration | None = Field(
        default=None, description="Longest time that a container waits for it; stargz: 10s."
    )
    background_fetch: Background | None = Field(default=None, description="What nobody has read yet.")
    least_layer: Size | None = Field(
        default=None, description="Smaller layers are pulled whole; SOCI 10MB (soci create --min-layer-size), others 0."
    )
    cache_chunk: Size | None = Field(
        default=None,
        description="Bytes of the blob for each of which a file is made in the cache, which takes `unpack.perFile`: "
        "stargz 50kB (its chunk_size, with http_cache_type directory), the others 0.",
    )
    retries: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None, description="Of a request, before a read fails: stargz 5, SOCI 8, nydus 2."
    )
    images: Annotated[list[str], Field(min_length=1)] = Field(
        default=["*"],
        description="Shell patterns of the images that have the format or the index; all others are pulled whole.",
    )
