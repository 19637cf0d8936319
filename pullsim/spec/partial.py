"""Partial pulls of zstd:chunked layers: which bytes are missing on a node, and in how many ranges they are asked for.

A layer says of its files only how many bytes belong to which named contents, and that the rest is its own. Where its
files lie is not known: groups of some files that belong together, as those of a package do, are taken to lie in any
order, so that their runs and gaps have the means of that.
Models containers/storage pkg/chunked/storage_linux.go.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.oci.manifest import Layer

MOST_RANGES: Final = 1024  # of one GET (maxNumberMissingChunks)
MERGED_GAP: Final = 1024  # bytes up to which a gap between two ranges is fetched too (autoMergePartsThreshold)
LINKERS: Final = 32  # files that are looked for and linked side by side (copyGoRoutines)
TOC_RANGES: Final = 2  # the table of contents and the tar-split data
#: Compressed bytes of both for each file, and for each chunk of a file, of 64 KiB on average (pkg/chunked/compressor
#: RollsumBits): names and attributes compress, digests do not. Estimates: alpine's 3.9 MB with some 500 entries have
#: 36 kB of them (project-zot/zot#3623).
TOC_FILE: Final = 70
TOC_CHUNK: Final = 45
CHUNK: Final = 65536


@dataclass(frozen=True, slots=True)
class PartialSpec:
    """How a node takes files of layers that it has; times in seconds."""

    link: float = 40e-6  # to look a file up and to link it
    copies: bool = False  # the filesystem cannot share blocks, as ext4 cannot: files are copied
    together: int = 10  # files that lie beside one another and are on the node together, or are not


def toc_bytes(layer: Layer) -> int:
    """Return the bytes of the blob that say what is in it."""
    return min(layer.size, TOC_FILE * layer.files + TOC_CHUNK * math.ceil(layer.unpacked / CHUNK))


class Missing(NamedTuple):
    """What a node lacks of a layer, and what it has. Sizes are bytes; those of the blob are compressed."""

    size: int  # of the blob
    unpacked: int
    files: int
    there: int  # of the blob, beside its table of contents
    linked: int  # files that are there
    together: int  # files in a group

    @property
    def runs(self) -> float:
        """The mean number of runs that the missing groups of files make among the others, in any order of all."""
        groups, others = self._groups
        return max(1.0, groups * (others + 1) / (groups + others)) if self.size else 0.0

    @property
    def _groups(self) -> tuple[float, float]:
        """The numbers of groups of files that are missing and there."""
        return max(self.files / self.together, 1.0), self.linked / self.together

    def requested(self, most: int = MOST_RANGES) -> tuple[int, int]:
        """Return the ranges of the GET and their bytes, with those of the gaps that are fetched too.

        Gaps of at most `MERGED_GAP` bytes are, and the smallest ones until there are fewer than ``most`` ranges
        (mergeMissingChunks). A gap of g groups has the chance p (1 - p)^(g - 1), where p is the missing share of all
        groups, which are taken to have equal bytes.
        """
        runs = self.runs
        gaps = max(0.0, runs - 1)
        groups, others = self._groups
        if not gaps or not others:
            return (1 if self.size else 0), self.size
        ends, group = groups / (groups + others), self.there / others
        merged = gaps
        if group:
            merged = gaps * (1.0 - (1.0 - ends) ** (MERGED_GAP // group))
        if runs >= most:
            merged = min(gaps, max(merged, runs - most + 1))
        left = 1.0 - merged / gaps
        # All gaps of up to `longest` groups are merged, and some of those with one more.
        longest = math.floor(math.log(left) / math.log1p(-ends) + 1e-9) if left > 0.0 else math.inf
        if longest == math.inf:
            mean = 1.0 / ends
        else:
            longer = (1.0 - ends) ** longest
            mean = (1.0 - longer) / ends - longest * longer + (longest + 1) * (longer - left)
        inner = self.there * (groups - 1) / (groups + 1)  # between the first and the last missing group
        return max(1, round(runs - merged)), self.size + round(min(inner, gaps * mean * group))


def missing(layer: Layer, has: Callable[[str], bool], together: int = 1) -> Missing:
    """Return what is missing of a layer; ``has`` says whether a named content is on the node."""
    body = layer.size - toc_bytes(layer)
    there = min(body, sum(size for name, size in layer.chunked or () if has(name)))
    size = body - there
    share = size / body if body else 0.0
    files = min(layer.files, math.ceil(layer.files * share))
    return Missing(size, round(layer.unpacked * share), files, there, layer.files - files, together)
