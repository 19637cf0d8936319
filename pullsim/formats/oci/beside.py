"""The files beside a manifest: the manifests of an index, and the configs of images, found by their digests.

A digest is looked for by file name, for example ``sha256:0123…`` as the first of ``sha256-0123….json``,
``0123….json``, ``0123….manifest.json`` (the ``dir:`` transport of skopeo), ``0123…`` and ``blobs/sha256/0123…`` (an
OCI image layout). In a directory that is read as a whole it is found by content too, whatever its file is called.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.inputs import is_file, read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES: Final = 16_000_000  # registries accept manifests of up to 4 MB; an image's config may be larger


class Beside:
    """The files of a directory by the digest of what they hold; ``contents`` are those that were read already."""

    def __init__(self, directory: Path, contents: Mapping[Path, bytes] | None = None) -> None:
        self._directory = directory
        self._contents = {
            digest_of(form): (path, form) for path, data in (contents or {}).items() for form in (data, data.rstrip())
        }
        self.found: set[Path] = set()  # the files that something referred to

    def find(self, digest: str) -> tuple[Path, bytes] | None:
        """Return the file with the content of a digest, and the content, or None.

        Raises InputError for a file that is named after the digest and has other content. White space at the end,
        which editors and shells add, is left out where it is all that differs.
        """
        if digest in self._contents:
            path, data = self._contents[digest]
            self.found.add(path)
            return path, data
        algorithm, _, encoded = digest.partition(":")
        names = (f"{algorithm}-{encoded}.json", f"{encoded}.json", f"{encoded}.manifest.json", encoded)
        for candidate in (*names, f"blobs/{algorithm}/{encoded}"):
            path = self._directory / candidate
            if is_file(path):
                self.found.add(path)
                return path, _checked(read_bytes(path, MAX_BYTES), digest, path)
        return None


def digest_of(data: bytes) -> str:
    """Return the SHA-256 digest of a content."""
    return "sha256:" + sha256(data).hexdigest()


def _checked(data: bytes, digest: str, path: Path) -> bytes:
    """Return the content of a file that is named after a digest, which it must have."""
    if not digest.startswith("sha256:"):
        return data
    for form in (data, data.rstrip()):
        if digest_of(form) == digest:
            return form
    raise InputError(
        f"holds {digest_of(data)}, not {digest}: the bytes must be exactly the registry's", Location(str(path))
    )
