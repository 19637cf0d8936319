"""How to get the images that a scenario lacks: one shell command that fetches the manifests of all of them."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError
from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pullsim.errors import Location
    from pullsim.oci.platform import Platform
    from pullsim.scenario.model.images import Images

#: The directory of manifests beside the scenario, where it names none.
DIRECTORY: Final = "manifests"
_MOST_LETTERS: Final = 700  # of a command within a message, which may have 1,300 letters in all


class ImagesMissing(InputError):
    """The error about images that are in no catalogue; ``missing`` has the command that gets them."""

    def __init__(self, message: str, location: Location | None, missing: MissingImages) -> None:
        super().__init__(message, location)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class MissingImages:
    """Images that are in no catalogue, the platforms whose nodes pull them, and where their manifests would be read."""

    images: Sequence[str]
    platforms: Sequence[Platform]
    section: Images
    directory: Path  # of the scenario file

    def command(self) -> str:
        """Return a command for a POSIX shell that writes each image's manifest for each platform into the directory.

        The files have the names that `pullsim.formats.oci.directory` reads. One that cannot be fetched is not left
        empty.
        """
        target = quote(_path(str(self.directory / self._target)))
        images = " ".join(quote(image) for image in self.images)
        platforms = " ".join(dict.fromkeys(quote(str(platform)) for platform in self.platforms))
        fetch = (
            f'file={target}/"$(printf %s "$image,$platform" | tr / +).json"; '
            'crane manifest --platform "$platform" "$image" > "$file" || rm -f "$file"'
        )
        return f"mkdir -p {target} && for image in {images}; do for platform in {platforms}; do {fetch}; done; done"

    def advice(self) -> str:
        """Return what can be done: get the manifests, or give sizes, or let the pulls fail."""
        count = len(self.images)
        what = "this image's manifest" if count == 1 else f"manifests of the {count} images that are in no catalogue"
        command = self.command()
        if len(command) > _MOST_LETTERS:
            command = "pullsim validate SCENARIO --missing | sh"
        return (
            f"Get {what} with `{command}`{self._key}; or give a size, of which the layers are guessed (images.define: "
            f"[{{image: {self.images[0]}, size: 500MB}}]); images.unknown: notFound lets pulls fail"
        )

    @property
    def _target(self) -> str:
        """The directory that the scenario reads already, or the usual one."""
        paths = [entry.path for entry in self.section.manifests if entry.image is None]
        return next((path for path in paths if not path.endswith(".json")), DIRECTORY)

    @property
    def _key(self) -> str:
        """What has to be added to the scenario, so that the files are read."""
        if any(entry.path == self._target for entry in self.section.manifests):
            return ""
        if self.section.manifests:
            return f" and add to images.manifests: {{path: {DIRECTORY}}}"
        return f" and add images.manifests: {DIRECTORY}"


def _path(path: str) -> str:
    """Return a path that no program takes for an option."""
    return f"./{path}" if path.startswith("-") else path
