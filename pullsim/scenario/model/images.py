"""The section ``images`` of a scenario."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pullsim.errors import shown
from pullsim.oci.manifest import MOST_LAYERS, UNPACK_RATIO, compression_of
from pullsim.oci.platform import Platform
from pullsim.oci.reference import check_digest
from pullsim.scenario.model.quantities import Duration, PlatformName, Section, Size


def _digest(value: str) -> str:
    try:
        check_digest(value)
    except ValueError as error:
        raise ValueError(f"{shown(value)}: {error}; a digest is sha256: and 64 lower-case hexadecimal digits") from None
    return value


def _layer_type(value: str) -> str:
    compression_of(value)
    return value


class Layer(Section):
    """One layer of an image."""

    size: Size = Field(description="Compressed bytes, what is downloaded.")
    unpacked: Size | None = Field(default=None, description="Bytes on disk; without it size times images.unpackRatio.")
    files: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Number of files; without it, a typical one."
    )
    digest: Annotated[str, AfterValidator(_digest)] | None = Field(
        default=None, description="Layers of one digest are the same content; a layer without one is like no other."
    )
    media_type: Annotated[str, AfterValidator(_layer_type)] = Field(
        default="tar+gzip", description="tar, tar+gzip or tar+zstd, or a full OCI or Docker media type."
    )


class TagMove(Section):
    """From a time on, the tag points to other content."""

    at: Duration = Field(description="When the tag moves.")
    layers: list[Layer] = Field(max_length=MOST_LAYERS, description="The new content, bottom layer first.")


class ImageDefinition(Section):
    """An image by hand, as an index: several entries of one image make one with several platforms."""

    image: str = Field(description="Name with tag, as a pod has it.")
    platform: PlatformName = Field(default=Platform("linux", "amd64"), description="os/architecture[/variant].")
    layers: list[Layer] = Field(max_length=MOST_LAYERS, description="Layers, bottom first.")
    tag_moves: list[TagMove] = Field(default=[], description="Times at which the tag comes to point to other content.")


class ManifestFile(Section):
    """A real manifest or index from a file."""

    image: str = Field(description="Name with tag, as a pod has it.")
    path: str = Field(description="OCI or Docker manifest or index, as `crane manifest` prints it.")


class Images(Section):
    """Where layer lists come from; later entries win: catalogs, then manifests, then define."""

    catalogs: list[str] = Field(
        default=["official"], description="Built-in catalogues by name, or paths of catalogue files."
    )
    manifests: list[ManifestFile] = Field(default=[], description="Real manifests from files.")
    define: list[ImageDefinition] = Field(default=[], description="Images by hand.")
    unpack_ratio: float = Field(
        default=UNPACK_RATIO,
        gt=0,
        le=1000,
        description="Unpacked bytes per compressed byte, for layers that don't say; GPU libraries have about 2.",
    )
    unknown: Literal["error", "notFound"] = Field(
        default="error", description="What an image in no catalogue is: wrong input, or not found (404) in the run."
    )
