"""Typical splits of images into layers, for images of which only the size is known.

The rule: of the real images in the built-in catalogues, those of the same kind whose sizes are nearest to the given one
(by their ratio) lend their proportions. Nearest first, they are the typical splits 0, 1, … of that size. Of images of
one repository, or with one largest layer in common, which are built on each other, the nearest one counts. Only images
whose layers were read from a registry take part, for linux/amd64, with at most as many layers as an overlay file system
takes.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final

from pullsim.frozen import dataclass
from pullsim.oci.catalog import builtin_names
from pullsim.oci.reference import InvalidReference, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How many typical splits there are of an image.
SPLITS: Final = 6
KINDS: Final = ("base", "language", "gpu", "application")

_MOST_LAYERS: Final = 127  # of lower directories of an overlay mount, and so of an image (moby, layer/layer_store.go)
_GENERATED: Final = "container-chonks"  # images of equal layers of zeros, made for an experiment
_GPU: Final = re.compile(
    "cuda|cudnn|deepspeed|gpu|huggingface|jax|llama|llm|megatron|nemo|nvidia|ollama|pytorch|rocm|sglang|tensorflow|"
    "tensorrt|tgi|torch|transformers|triton|tritonserver|vllm|xpu"
)
_LANGUAGE: Final = re.compile(
    "anaconda|aspnet|conda|corretto|dotnet|golang|gradle|jdk|jre|jupyter|maven|miniconda|openjdk|pypy|rocker|spark|"
    "temurin|zulu"
)
#: Names that are also ordinary words: of a language only as official images.
_OFFICIAL_LANGUAGE: Final = re.compile(
    "buildpack-deps|erlang|elixir|gcc|haskell|java|julia|mono|node|perl|php|python|r-base|ruby|rust|swift"
)
_BASE: Final = re.compile(
    "almalinux|alpine|amazonlinux|archlinux|busybox|centos|debian|fedora|opensuse|oraclelinux|photon|rockylinux|static|"
    "ubi|ubi-micro|ubi-minimal|ubuntu"
)


@dataclass(frozen=True, slots=True)
class Split:
    """How a real image is split into layers."""

    image: str
    kind: str
    sizes: tuple[int, ...]  # bytes of each layer, bottom first

    def scaled(self, size: int) -> list[int]:
        """Return the layers of an image of ``size`` bytes in the same proportions; they sum to it exactly."""
        total = sum(self.sizes)
        steps = [size * below // total for below in accumulate(self.sizes, initial=0)]
        return [high - low for low, high in pairwise(steps)]


def kind_of(name: str) -> str | None:
    """Return what kind of image a name is likely to be of, or None where the name tells nothing."""
    try:
        reference = parse(name)
    except InvalidReference:
        return None
    last = reference.path.rpartition("/")[2].rstrip("0123456789")
    words = [word.rstrip("0123456789") for word in re.split("[^a-z0-9]+", f"{reference.path} {reference.tag}".lower())]
    if any(map(_GPU.fullmatch, words)):
        return "gpu"
    official = reference.repository == f"docker.io/library/{last}"
    if any(map(_LANGUAGE.fullmatch, words)) or (official and _OFFICIAL_LANGUAGE.fullmatch(last)):
        return "language"
    return "base" if _BASE.fullmatch(last) else None


def typical_splits(size: int, name: str, kind: str | None = None) -> tuple[Split, ...]:
    """Return the typical splits of an image of ``size`` bytes, the nearest first; there are `SPLITS` at the most.

    ``kind`` is one of `KINDS`; without it the name's kind, and real images of all kinds if the name tells none.
    """
    kind = kind or kind_of(name)
    candidates = [split for split in _real() if kind in (None, split.kind)]
    nearest = sorted(candidates, key=lambda split: (abs(math.log(sum(split.sizes) / size)), split.image))
    chosen: list[Split] = []
    seen: set[int | str] = set()
    for split in nearest:
        same: set[int | str] = {_largest(split.sizes), parse(split.image).repository}
        if not seen & same:
            chosen.append(split)
        seen |= same
    return tuple(chosen[:SPLITS])


@lru_cache(maxsize=1)
def _real() -> tuple[Split, ...]:
    """Read the real images of the built-in catalogues."""
    entries = list(_entries())
    kinds = {entry["image"]: kind_of(entry["image"]) for entry in entries}
    # What is built on the stack of a GPU image is one too, whatever it is called.
    stacks = {_largest(_sizes(entry)) for entry in entries if kinds[entry["image"]] == "gpu"}
    splits = []
    for entry in entries:
        sizes = _sizes(entry)
        kind = "gpu" if _largest(sizes) in stacks else kinds[entry["image"]] or "application"
        splits.append(Split(entry["image"], kind, sizes))
    return tuple(splits)


def _entries() -> Iterable[dict[str, Any]]:
    for name in builtin_names():
        text = (files(__package__) / "catalogs" / f"{name}.json").read_text("utf-8")
        for entry in json.loads(text)["images"]:
            real = not entry.get("estimated") and _GENERATED not in entry["image"]
            if real and entry.get("platform") == "linux/amd64" and 0 < len(entry["layers"]) <= _MOST_LAYERS:
                yield entry


def _sizes(entry: dict[str, Any]) -> tuple[int, ...]:
    return tuple(layer["size"] for layer in entry["layers"])


def _largest(sizes: tuple[int, ...]) -> int:
    """Return the size of the largest layer, which two images have in common if they are built on each other."""
    return max(sizes)
