"""The section ``images`` of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from pullsim.errors import shown
from pullsim.oci.manifest import MOST_LAYERS, UNPACK_RATIO, compression_of
from pullsim.oci.platform import Platform
from pullsim.oci.reference import check_digest
from pullsim.oci.typical import SPLITS
from pullsim.scenario.model.quantities import Duration, PlatformName, Section, Size
from pullsim.units import size_text

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue


def _digest(value: str) -> str:
    try:
        check_digest(value)
    except ValueError as error:
        raise ValueError(f"{shown(value)}: {error}; a digest is sha256: and 64 lower-case hexadecimal digits") from None
    return value


def _layer_type(value: str) -> str:
    compression_of(value)
    return value


def _chunked(value: Any) -> Any:
    if value is False:
        raise ValueError("false must be left out, as of any layer that is not zstd:chunked")
    if value is not True and not isinstance(value, Mapping):
        raise ValueError(f"{shown(value)} must be true, or contents with their sizes: {{python: 300MB}}")
    return {} if value is True else value


#: That a layer is zstd:chunked, and its named contents, if any.
Chunked = Annotated[
    dict[str, Annotated[Size, Field(gt=0)]],
    BeforeValidator(_chunked),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "object", "additionalProperties": {"type": ["string", "integer"], "examples": ["30MB"]}},
                {"type": "boolean", "const": True},
            ]
        }
    ),
]


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
    diff_id: Annotated[str, AfterValidator(_digest)] | None = Field(
        default=None,
        description="Digest of the tar that it unpacks to: what differs in compression alone has the same one, and is "
        "unpacked once; by default each digest has its own.",
    )
    media_type: Annotated[str, AfterValidator(_layer_type)] = Field(
        default="tar+gzip", description="tar, tar+gzip or tar+zstd, or a full OCI or Docker media type."
    )
    chunked: Chunked | None = Field(
        default=None,
        description="It is zstd:chunked: true, or named contents with their compressed bytes, {python: 300MB}. A name "
        "is the same files in every layer, and the rest of a layer is like no other.",
    )

    @model_validator(mode="before")
    @classmethod
    def _is_zstd(cls, data: Any) -> Any:
        """Give a zstd:chunked layer its compression."""
        if isinstance(data, Mapping) and data.get("chunked") is not None and data.get("mediaType") is None:
            return {**data, "mediaType": "tar+zstd"}
        return data

    @model_validator(mode="after")
    def _holds_its_contents(self) -> Self:
        if self.chunked is None:
            return self
        if compression_of(self.media_type) != "zstd":
            raise ValueError(f"a layer of {shown(self.media_type)} is not zstd:chunked, which is tar+zstd")
        named = sum(self.chunked.values())
        if named > self.size:
            raise ValueError(
                f"the contents of chunked have {size_text(named)}, more than the layer's {size_text(self.size)}"
            )
        return self

    @property
    def contents(self) -> tuple[tuple[str, int], ...] | None:
        """The named contents of a zstd:chunked layer; None: it is not one."""
        return None if self.chunked is None else tuple(self.chunked.items())


class Content(Section):
    """What an image consists of: its layers, or a size that is split into layers as that of a typical image is."""

    layers: Annotated[list[Layer], Field(max_length=MOST_LAYERS)] | None = Field(
        default=None, description="Layers, bottom first; instead of a size."
    )
    size: Size | None = Field(
        default=None,
        gt=0,
        description="Compressed bytes of all layers, what is downloaded; they are split as is typical.",
    )
    unpacked: Size | None = Field(
        default=None,
        gt=0,
        description="Bytes of all layers on disk, beside size or instead of it: CRI-O and `docker images` tell these.",
    )

    @model_validator(mode="after")
    def _layers_or_size(self) -> Self:
        sized = self.size is not None or self.unpacked is not None
        if sized == (self.layers is not None):
            wrong = "has layers and a size; give one of them" if sized else "has neither layers nor a size"
            raise ValueError(f"{wrong}: layers: [{{size: 30MB}}], or size: 500MB")
        return self


class TagMove(Content):
    """From a time on, the tag points to other content."""

    at: Duration = Field(description="When the tag moves.")


class ImageDefinition(Content):
    """An image by hand, as an index: several entries of one image make one with several platforms."""

    image: str = Field(description="Name with tag, as a pod has it.")
    platform: PlatformName = Field(default=Platform("linux", "amd64"), description="os/architecture[/variant].")
    kind: Literal["base", "language", "gpu", "application"] | None = Field(
        default=None,
        description="Which real images lend the split to a size; without it, as the name suggests.",
    )
    tag_moves: list[TagMove] = Field(default=[], description="Times at which the tag comes to point to other content.")


class ManifestFile(Section):
    """A file that a tool printed of an image, or a directory of such files. May be written as its `path` alone."""

    image: str | None = Field(
        default=None, description="Name with tag, as a pod has it; without it, as the files or their names say."
    )
    path: str = Field(
        description="File or directory; a manifest or index as `crane manifest` prints it, or what skopeo, docker, "
        "nerdctl, crictl or ctr print."
    )

    @model_validator(mode="before")
    @classmethod
    def _path(cls, data: Any) -> Any:
        return {"path": data} if isinstance(data, str) else data

    @classmethod
    def short_form(cls, mapping: JsonSchemaValue) -> JsonSchemaValue:  # noqa: ARG003
        """Return the JSON Schema of the path."""
        return {"type": "string", "examples": ["manifests"]}


class _OrOne:
    """Lets a text stand for a list of it alone."""

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: [value] if isinstance(value, str) else value, handler(source)
        )

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "examples": ["manifests"]}]}


class Images(Section):
    """Where layer lists come from; later entries win: catalogs, then manifests, then define."""

    catalogs: list[str] = Field(
        default=["official-2026", "official"],
        description="Built-in catalogues by name, or paths of catalogue files; of one name the last one's counts.",
    )
    manifests: Annotated[list[ManifestFile], _OrOne] = Field(
        default=[], description="Real manifests from files; one path need not be a list."
    )
    define: list[ImageDefinition] = Field(default=[], description="Images by hand.")
    unpack_ratio: float = Field(
        default=UNPACK_RATIO,
        gt=0,
        le=1000,
        description="Unpacked bytes per compressed byte, for layers that don't say; GPU libraries have about 2.",
    )
    split: Annotated[int, Field(ge=0, lt=SPLITS)] | None = Field(
        default=None,
        description="Which typical split images with a size get: 0 that of the nearest real image; without it, "
        "one for each image by the seed.",
    )
    unknown: Literal["error", "notFound"] = Field(
        default="error", description="What an image in no catalogue is: wrong input, or not found (404) in the run."
    )

    @property
    def sizes_only(self) -> bool:
        """Whether there may be images of which only the size is known: defined so, or in a file of a tool."""
        contents = (content for entry in self.define for content in (entry, *entry.tag_moves))
        return bool(self.manifests) or any(content.layers is None for content in contents)
