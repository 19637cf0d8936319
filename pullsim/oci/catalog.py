"""Image names and the images that they refer to; a tag can move to another image during a run.

A catalogue file is JSON::

    {"format": "pullsim-catalog/1", "source": "…", "date": "2018-03", "license": "…", "images": [
      {"image": "nginx:latest", "platform": "linux/amd64", "layers": [{"digest": "sha256:…", "size": 22485719}]}
    ]}

All sizes are bytes. An image has ``image`` and ``layers`` (bottom first). Optional keys of an image are ``platform``
(``linux/amd64``), ``digest`` (of the manifest), ``index`` (digest of the index that lists it), ``config`` (``digest``,
``size``), ``size`` (of all layers together, checked against them), ``unpacked`` (of all layers together, divided among
the layers without a number of their own in proportion to their sizes) and ``at`` (time from which the tag points to it:
``10m``). ``estimated``, ``note`` and ``source`` are for human readers. A layer has ``size`` and, optionally,
``digest``, ``unpacked``, ``files`` (their number), ``mediaType`` (``tar+gzip``) and ``diffId``. Entries with the same
image and time but different platforms make one index. If two of them have the same platform, the later one counts.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from difflib import get_close_matches
from functools import cache, partial
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, shown
from pullsim.inputs import read_text
from pullsim.inputs.suggestion import did_you_mean
from pullsim.oci.json_input import JsonObject
from pullsim.oci.manifest import (
    MOST_LAYERS,
    UNPACK_RATIO,
    Image,
    Index,
    Layer,
    Manifest,
    compression_of,
    synthetic_digest,
)
from pullsim.oci.platform import Platform
from pullsim.oci.reference import InvalidReference, Reference, parse
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

FORMAT: Final = "pullsim-catalog/1"
# The most that is read of one catalogue file.
MAX_BYTES: Final = 50_000_000
MOST_IMAGES: Final = 100_000
MOST_LAYERS_IN_ALL: Final = 1_000_000  # each takes half a kilobyte of memory
_FILE_KEYS: Final = frozenset({"format", "source", "date", "license", "images"})
_IMAGE_KEYS: Final = frozenset(
    {
        "image",
        "platform",
        "digest",
        "index",
        "config",
        "size",
        "unpacked",
        "at",
        "layers",
        "estimated",
        "note",
        "source",
    }
)
_LAYER_KEYS: Final = frozenset({"digest", "size", "unpacked", "files", "mediaType", "diffId"})


class Catalog:
    """The content of all registries, by image name and simulated time in seconds."""

    def __init__(self) -> None:
        # The images that each repository:tag points to, with the time from which it does, in order of time.
        self._tags: dict[str, list[tuple[float, Image]]] = {}
        self._contents: dict[str, dict[str, Image]] = {}  # by repository, then by digest
        self._estimated: set[str] = set()  # as the keys of the tags: those of which the file says it
        # By repository: what is to be merged into the above when the repository is first asked for. A run needs few of
        # the images of the catalogues that come with the package.
        self._unread: dict[str, list[Callable[[], Catalog]]] = {}

    def add(self, name: str, image: Image, at: float = 0.0) -> None:
        """Let a name point to an image from a time on; a second image for the same time replaces the first.

        The content can be had by its digests too, at any time. A name with a digest makes it known under that digest
        and leaves the tag alone, as pulls do. Raises InputError for a text that is no image name.
        """
        try:
            reference = parse(name)
        except InvalidReference as error:
            raise InputError(f"image {shown(name)}: {error}") from None
        self._read(reference.repository)
        contents = self._contents.setdefault(reference.repository, {})
        contents[image.digest] = image
        if isinstance(image, Index):
            contents.update((manifest.digest, manifest) for _, manifest in image.manifests)
        if reference.digest is not None:
            contents[reference.digest] = image
        else:
            moves = self._tags.setdefault(_tag_key(reference), [])
            moves[:] = [move for move in moves if move[0] != at]
            insort(moves, (at, image), key=_time)

    def lookup(self, reference: Reference, t: float) -> Image | None:
        """Return the image that a registry has for a reference at time ``t``, or None.

        A digest is used before a tag.
        """
        if self._unread:
            self._read(reference.repository)
        if reference.digest is not None:
            return self._contents.get(reference.repository, {}).get(reference.digest)
        moves = self._tags.get(_tag_key(reference), [])
        position = bisect_right(moves, t, key=_time)
        return moves[position - 1][1] if position else None

    def is_estimated(self, reference: Reference) -> bool:
        """Whether the layers of a tag's image are estimates of those who made its catalogue."""
        self._read(reference.repository)
        return _tag_key(reference) in self._estimated

    def moves(self) -> list[float]:
        """Return the times after 0 at which tags move to another image, in ascending order.

        In catalogues that come with the package none does.
        """
        return sorted({at for moves in self._tags.values() for at, _ in moves if at > 0})

    def names(self) -> list[str]:
        """Return all names with tags in their short form (``nginx:1.27``), sorted."""
        for repository in list(self._unread):
            self._read(repository)
        return sorted(parse(name).familiar for name in self._tags)

    def suggest(self, name: str, limit: int = 3) -> list[str]:
        """Return at most ``limit`` known names close to an unknown one.

        These are other tags of its repository, and then names with a similar spelling.
        """
        names = self.names()
        try:
            reference = parse(name)
        except InvalidReference:
            return get_close_matches(name, names, limit)
        siblings = [known for known in names if parse(known).repository == reference.repository]
        siblings = get_close_matches(reference.familiar, siblings, limit, cutoff=0)
        similar = get_close_matches(reference.familiar, names, limit)
        return list(dict.fromkeys(siblings + similar))[:limit]

    def merge(self, other: Catalog) -> None:
        """Add the content of another catalogue.

        For a name that both have, the other's images and times replace ours.
        """
        for repository in other._contents:
            self._read(repository)
        self._tags.update({name: list(moves) for name, moves in other._tags.items()})
        self._estimated = (self._estimated - other._tags.keys()) | other._estimated
        for repository, contents in other._contents.items():
            self._contents.setdefault(repository, {}).update(contents)
        for repository, parts in other._unread.items():
            self._unread.setdefault(repository, []).extend(parts)

    def _read(self, repository: str) -> None:
        for part in self._unread.pop(repository, ()):
            self.merge(part())

    @classmethod
    def load(cls, path: str | Path, *, unpack_ratio: float = UNPACK_RATIO) -> Catalog:
        """Read a catalogue file. Raises InputError for one that cannot be read or is not valid."""
        return cls._parse(read_text(path, MAX_BYTES), str(path), unpack_ratio)

    @classmethod
    def builtin(cls, name: str, *, unpack_ratio: float = UNPACK_RATIO) -> Catalog:
        """Read a catalogue that comes with the package. Raises InputError for an unknown name."""
        known = builtin_names()
        if name not in known:
            hint = did_you_mean(name, known, 3, "pullsim catalogs")
            raise InputError(f"no built-in catalogue {shown(name)}{hint}")
        document = _document((files(__package__) / "catalogs" / f"{name}.json").read_text("utf-8"), f"{name}.json")
        repositories: dict[str, list[JsonObject]] = {}
        for entry in document.objects("images", MOST_IMAGES):
            repositories.setdefault(parse(entry.text("image")).repository, []).append(entry)
        catalog = cls()
        catalog._unread = {
            repository: [cache(partial(cls._of, entries, unpack_ratio))] for repository, entries in repositories.items()
        }
        return catalog

    @classmethod
    def _parse(cls, text: str, file: str, unpack_ratio: float) -> Catalog:
        """Read the text of a catalogue file. Raises InputError."""
        return cls._of(_document(text, file).objects("images", MOST_IMAGES), unpack_ratio)

    @classmethod
    def _of(cls, entries: Iterable[JsonObject], unpack_ratio: float) -> Catalog:
        """Return the catalogue of a file's entries. Raises InputError."""
        groups: dict[tuple[str, float], _Group] = {}
        estimated = set()
        layers = 0
        for entry in entries:
            entry.only(_IMAGE_KEYS)
            group = groups.setdefault((_name(entry), _at(entry)), _Group())
            manifest = _manifest(entry, unpack_ratio)
            layers += len(manifest.layers)
            if layers > MOST_LAYERS_IN_ALL:
                entry.fail(
                    f"up to here are {layers:,} layers, the most that is read of a catalogue {MOST_LAYERS_IN_ALL:,}"
                )
            group.add(entry, manifest)
            if entry.value.get("estimated"):
                estimated.add(_tag_key(parse(_name(entry))))
        catalog = cls()
        catalog._estimated = estimated
        for (name, at), group in groups.items():
            catalog.add(name, group.image(), at)
        return catalog


class _Group:
    """The entries of a file that have the same image name and time: one for each platform."""

    def __init__(self) -> None:
        self.manifests: dict[Platform, Manifest] = {}
        self.index: str | None = None

    def add(self, entry: JsonObject, manifest: Manifest) -> None:
        """Add the manifest of an entry. Raises InputError for an invalid platform, or for a second index."""
        platform = entry.text("platform") if entry.has("platform") else "linux/amd64"
        try:
            self.manifests[Platform.parse(platform)] = manifest
        except ValueError as error:
            entry.fail(str(error))
        index = entry.optional_digest("index")
        if index is not None and self.index not in (None, index):
            entry.fail(f"index {index} differs from {self.index} of another platform of the same image")
        self.index = index or self.index

    def image(self) -> Image:
        """Return the only manifest if it is in no index, else the index of all manifests."""
        if self.index is None and len(self.manifests) == 1:
            return next(iter(self.manifests.values()))
        return Index.of(self.manifests.items(), digest=self.index)


def _document(text: str, file: str) -> JsonObject:
    """Parse a catalogue file. Raises InputError."""
    document = JsonObject.parse(text, file)
    if document.value.get("format") != FORMAT:
        document.fail(f'format is {shown(document.value.get("format"))}; a catalogue has "format": "{FORMAT}"')
    document.only(_FILE_KEYS)
    return document


def builtin_names() -> list[str]:
    """Return the names of the catalogues that come with the package, sorted."""
    directory = files(__package__) / "catalogs"
    return sorted(entry.name.removesuffix(".json") for entry in directory.iterdir() if entry.name.endswith(".json"))


def _name(entry: JsonObject) -> str:
    """Return the normalised name of an entry's image. Raises InputError for a text that is no image name."""
    name = entry.text("image")
    try:
        return str(parse(name))
    except InvalidReference as error:
        entry.fail(f"image {shown(name)}: {error}")


def _at(entry: JsonObject) -> float:
    """Return the time in seconds from which an entry counts, 0 by default. Raises InputError for no duration."""
    try:
        return parse_duration(entry.text("at")) if entry.has("at") else 0.0
    except ValueError as error:
        entry.fail(str(error))


def _manifest(entry: JsonObject, unpack_ratio: float) -> Manifest:
    """Read the manifest of an entry. Raises InputError."""
    config = entry.object("config") if entry.has("config") else None
    return Manifest.of(
        _layers(entry, unpack_ratio),
        digest=entry.optional_digest("digest"),
        config_digest=config.digest("digest") if config else None,
        config_size=config.optional_count("size") if config else None,
    )


def _layers(entry: JsonObject, unpack_ratio: float) -> list[Layer]:
    """Read the layers of an entry, from the bottom up. Raises InputError."""
    layers = list(entry.objects("layers", MOST_LAYERS))
    sizes = [layer.count("size") for layer in layers]
    if entry.optional_count("size") not in (None, sum(sizes)):
        entry.fail(f"size is {entry.count('size')}, but its layers have {sum(sizes)} bytes")
    unpacked = [layer.optional_count("unpacked") for layer in layers]
    total = entry.optional_count("unpacked")
    if total is not None:
        unpacked = _share_out(entry, total, sizes, unpacked)
    made = []
    for position, (layer, size, bytes_unpacked) in enumerate(zip(layers, sizes, unpacked, strict=True)):
        layer.only(_LAYER_KEYS)
        try:
            compression = compression_of(layer.text("mediaType")) if layer.has("mediaType") else "gzip"
        except ValueError as error:
            layer.fail(str(error))
        digest = layer.optional_digest("digest")
        made.append(
            Layer.of(
                digest or synthetic_digest("layer", entry.text("image"), str(position), str(size)),
                size,
                unpacked=bytes_unpacked,
                files=layer.optional_count("files"),
                compression=compression,
                diff_id=layer.optional_digest("diffId"),
                unpack_ratio=unpack_ratio,
            )
        )
    return made


def _share_out(entry: JsonObject, total: int, sizes: Sequence[int], known: Sequence[int | None]) -> list[int | None]:
    """Return the unpacked bytes of each layer: the known ones, and shares of the rest of ``total`` for the others.

    The shares are in proportion to the layers' sizes, and all sum to ``total`` exactly.
    """
    rest = total - sum(size for size in known if size is not None)
    weights = [size if bytes_known is None else 0 for size, bytes_known in zip(sizes, known, strict=True)]
    if rest < 0 or (rest and not any(weights)):
        entry.fail(f"unpacked is {total}, but its layers' numbers leave {rest} for the other layers")
    steps = [rest * weight // max(sum(weights), 1) for weight in accumulate(weights, initial=0)]
    shares = [high - low for low, high in pairwise(steps)]
    return [share if bytes_known is None else bytes_known for share, bytes_known in zip(shares, known, strict=True)]


def _tag_key(reference: Reference) -> str:
    return f"{reference.repository}:{reference.tag}"


def _time(move: tuple[float, Image]) -> float:
    return move[0]
