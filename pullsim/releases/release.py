"""Releases of kubelet, containerd and CRI-O: how they are written, which are known, and what an unknown one runs as.

A program has one table of those whose rules are known, `Releases`. The scenario keeps a release as it was written
(`parse`; its type is `scenario.model.quantities.WrittenRelease`) and asks ``resolve`` in a validator, so that an
unknown one is an error in its place; where the node is built, ``resolve`` gives the release whose rules hold, and
``newer`` the warning::

    CONTAINERD = Releases("containerd", {(2, 2): 7, (2, 3): 4})  # newest known patch of each minor, oldest first

    written = parse("2.3")               # (2, 3)
    CONTAINERD.resolve(written)          # Release(2, 3, 4): without a patch, the newest known one
    CONTAINERD.resolve(parse("2.9.1"))   # Release(2, 3, 4): newer than all known ones, the newest of them
    CONTAINERD.newer(parse("2.9.1"))     # the warning about it; "" for a release that is known
    CONTAINERD.resolve(parse("2.1"))     # ValueError: older, or between known ones, with what would be right

A rule compares with the first release that has it, without a patch where all patches have it: ``release >= (2, 2)``,
``release >= (2, 3, 2)``. That is right for releases with a patch only: resolve before comparing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

#: Major, minor and perhaps a patch, as written.
Written = tuple[int, ...]

#: Builds of distributions are those of upstream's release: v1.35.1+k3s1, v1.34.2-eks-113cf36, 1.7.28-2~deb13u1.
_FORM: Final = re.compile(r"v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4})(?:[-+~][0-9A-Za-z.+~-]{1,60})?)?", re.ASCII)


class Release(NamedTuple):
    """A release with its patch."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """``2.3.4``."""
        return f"{self.major}.{self.minor}.{self.patch}"


def parse(text: str) -> Written:
    """Read ``2.3``, ``2.3.4`` or ``v1.35.1+k3s1``. Raises ValueError for anything else."""
    match = _FORM.fullmatch(text)
    if match is None:
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        raise ValueError(f"{shown!r} is no version; a version is major.minor or major.minor.patch: 1.35, 2.1, 2.3.4")
    return tuple(int(number) for number in match.groups() if number is not None)


def written_text(written: Written) -> str:
    """Write a release as it was written."""
    return ".".join(map(str, written))


@dataclass(frozen=True)
class Releases:
    """The releases of a program whose rules are known.

    ``patches``: the newest known patch of each minor release, oldest minor first; patches from 0 on are known, of the
    oldest minor those from ``first_patch`` on.
    """

    program: str  # its name in messages
    patches: Mapping[tuple[int, int], int]
    first_patch: int = 0

    @property
    def oldest(self) -> Release:
        """The oldest known release."""
        major, minor = min(self.patches)
        return Release(major, minor, self.first_patch)

    @property
    def newest(self) -> Release:
        """The newest known release."""
        major, minor = max(self.patches)
        return Release(major, minor, self.patches[major, minor])

    def resolve(self, written: Written) -> Release:
        """Return the release whose rules hold for one that was written.

        Raises ValueError for one that is older than the oldest known one, or that does not exist between known ones.
        """
        major, minor = written[:2]
        known = self.patches.get((major, minor))
        if known is None:
            if (major, minor) > self.newest[:2]:
                return self.newest
            raise self._unknown(written)
        patch = min(written[2], known) if len(written) > 2 else known
        release = Release(major, minor, patch)
        if release < self.oldest:
            raise self._unknown(written)
        return release

    def newer(self, written: Written) -> str:
        """Say that a release is newer than the known ones, and as which one it runs; "" where it is known."""
        release = self.resolve(written)
        if written == release[: len(written)]:
            return ""
        return (
            f"{self.program} {written_text(written)} is newer than the releases whose rules are known here: "
            f"it runs as {release}"
        )

    @property
    def text(self) -> str:
        """Say which are known: ``1.6.3 to 1.7, 2.0 to 2.4``."""
        runs: list[list[tuple[int, int]]] = []
        for minor in self.patches:
            if runs and runs[-1][-1] == (minor[0], minor[1] - 1):
                runs[-1].append(minor)
            else:
                runs.append([minor])
        ends = [[written_text(run[0]), written_text(run[-1])] for run in runs]
        if self.first_patch:
            ends[0][0] = str(self.oldest)
        return ", ".join(" to ".join(dict.fromkeys(each)) for each in ends)

    def _unknown(self, written: Written) -> ValueError:
        return ValueError(f"{self.program} {written_text(written)} is not known: {self.text} are")
