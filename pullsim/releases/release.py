"""Releases of kubelet, containerd and CRI-O: their syntax, which are known, and which one stands for an unknown one.

Each program has one table of the releases whose rules are known, `Releases`. The scenario keeps a release as it was
written (read with `parse`; the type of such a key is `scenario.model.quantities.WrittenRelease`). A validator calls
``resolve``, so that the error for an unknown release names its place in the file. When the node is built, ``resolve``
gives the release whose rules apply, and ``newer`` the warning if that is another one::

    CONTAINERD = Releases("containerd", {(2, 2): 7, (2, 3): 4})  # newest known patch of each minor, oldest first

    written = parse("2.3")               # (2, 3)
    CONTAINERD.resolve(written)          # Release(2, 3, 4): without a patch, the newest known one
    CONTAINERD.resolve(parse("2.9.1"))   # Release(2, 3, 4): newer than all known ones: the newest of these
    CONTAINERD.newer(parse("2.9.1"))     # the warning about it; "" for a known release
    CONTAINERD.resolve(parse("2.1"))     # ValueError: not known; the message lists the known ones

A rule compares a release with the first one that has the rule: ``release >= (2, 3, 2)``, or ``release >= (2, 2)`` if
all patches of 2.2 have it. Such comparisons are right only for releases with a patch, so resolve before comparing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

#: Major, minor and, if it was written, patch.
Written = tuple[int, ...]

#: A suffix of a distribution is ignored, as its build has the rules of the upstream release: v1.35.1+k3s1,
#: v1.34.2-eks-113cf36, 1.7.28-2~deb13u1.
_FORM: Final = re.compile(r"v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4})(?:[-+~][0-9A-Za-z.+~-]{1,60})?)?", re.ASCII)


class Release(NamedTuple):
    """A release with its patch."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """Return ``2.3.4``."""
        return f"{self.major}.{self.minor}.{self.patch}"


def parse(text: str) -> Written:
    """Read ``2.3``, ``2.3.4`` or ``v1.35.1+k3s1``. Raises ValueError for anything else."""
    match = _FORM.fullmatch(text)
    if match is None:
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        raise ValueError(f"{shown!r} is no version; a version is major.minor or major.minor.patch: 1.35, 2.1, 2.3.4")
    return tuple(int(number) for number in match.groups() if number is not None)


def written_text(written: Written) -> str:
    """Return the text of a release as it was written, without prefix and suffix."""
    return ".".join(map(str, written))


@dataclass(frozen=True)
class Releases:
    """The releases of a program whose rules are known.

    ``patches`` maps each known minor release, oldest first, to its newest known patch. Of the oldest minor release, the
    patches from ``first_patch`` on are known; of all others, those from 0 on.
    """

    program: str  # its name in messages
    patches: Mapping[tuple[int, int], int]
    first_patch: int = 0

    @property
    def oldest(self) -> Release:
        """The oldest known release, patch included."""
        major, minor = min(self.patches)
        return Release(major, minor, self.first_patch)

    @property
    def newest(self) -> Release:
        """The newest known release, patch included."""
        major, minor = max(self.patches)
        return Release(major, minor, self.patches[major, minor])

    def resolve(self, written: Written) -> Release:
        """Return the release whose rules apply to one that was written: the newest known patch if none was written.

        For a release or patch that is newer than the known ones, the newest known one applies. Raises ValueError for a
        release older than all known ones, and for a minor release between known ones that does not exist.
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
        """Return a warning that a release is newer than the known ones, and which one stands for it; "" if known."""
        release = self.resolve(written)
        if written == release[: len(written)]:
            return ""
        return (
            f"{self.program} {written_text(written)} is newer than the releases whose rules are known here: "
            f"it runs as {release}"
        )

    @property
    def text(self) -> str:
        """The known releases as text: ``1.6.3 to 1.7, 2.0 to 2.4``."""
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
