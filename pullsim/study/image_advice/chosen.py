"""The images that advice is asked about, by their names or in files, as nodes of some platforms pull them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location, shown
from pullsim.formats.oci.directory import read_named
from pullsim.formats.oci.found import by_name
from pullsim.frozen import dataclass
from pullsim.inputs import is_directory, is_file
from pullsim.oci.manifest import Layer, Manifest, select, synthetic_digest
from pullsim.oci.reference import InvalidReference, parse
from pullsim.oci.typical import typical_splits
from pullsim.printable import json_text
from pullsim.scenario import override

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pullsim.formats.oci.found import FoundImage
    from pullsim.oci.catalog import Catalog
    from pullsim.oci.platform import Platform
    from pullsim.scenario import Scenario
    from pullsim.study.image_advice.layering import Layers

MOST_IMAGES: Final = 100  # the matrix of more is no longer read by anybody
_PLACE: Final = Location("IMAGE")
_GUESSED: Final = "the scenario has its size alone; layers as those of a real image of about that size"
_ESTIMATED: Final = "a catalogue has estimated layers of it"
_FILES: Final = (".json", ".jsonl", ".txt", "/")
_TYPES: Final = {"gzip": "tar+gzip", "zstd": "tar+zstd", "stored": "tar"}


@dataclass(frozen=True, slots=True)
class ChosenImage:
    """An image, and its layers for each platform of the nodes."""

    name: str  # normalised
    layers: Mapping[Platform, Layers]
    source: str  # where the layers are from
    guess: str = ""  # why they are a guess; "" they are not

    @property
    def familiar(self) -> str:
        """The name as people write it."""
        return parse(self.name).familiar

    @property
    def first(self) -> Layers:
        """The layers for the first of the platforms, of which sizes are told."""
        return next(iter(self.layers.values()))

    def estimated(self, unpack_ratio: float) -> int:
        """Return how many layers' unpacked sizes are an estimate: the compressed size times a ratio."""
        return sum(_is_estimated(layer, unpack_ratio) for layer in self.first)

    def changed(self, change: Callable[[Platform, Layers], Layers]) -> ChosenImage:
        """Return the image with other layers."""
        made = {platform: change(platform, layers) for platform, layers in self.layers.items()}
        return ChosenImage(self.name, made, self.source, self.guess)


def chosen_images(texts: Sequence[str], where: Scenario, argument: str = "IMAGE") -> list[ChosenImage]:
    """Return the images that files have or a scenario knows by name. Raises InputError about the ``argument``."""
    platforms = list(dict.fromkeys(pool.platform for pool in where.nodes))
    names = [text for text in texts if _is_name(text)]
    files = [Path(text) for text in texts if not _is_name(text)]
    found = in_files(files, platforms, where.images.unpack_ratio)
    if names:
        defined = override(where, [defining(where, found)]) if found else where
        known = {image.name for image in found}
        built = defined.assemble()
        sized = [*built.guessed, *(entry.image for entry in defined.images.define if entry.layers is None)]
        guessed = {str(parse(name)) for name in sized}
        there = by_names(names, built.cluster.catalog, platforms, guessed, Location(argument))
        found += (image for image in there if image.name not in known)
    if len(found) > MOST_IMAGES:
        raise InputError(f"are {len(found):,}; {MOST_IMAGES} are the most", Location(argument))
    return found


def chosen_base(text: str, where: Scenario) -> ChosenImage:
    """Return the one image that is to be a base. Raises InputError."""
    found = chosen_images([text], where, "--base")
    if len(found) > 1:
        raise InputError(f"{shown(text)} has {len(found)} images; a base is one", Location("--base"))
    return found[0]


def in_files(paths: Iterable[Path], platforms: Collection[Platform], unpack_ratio: float) -> list[ChosenImage]:
    """Return the images that files and directories have. Raises InputError for one that has nothing of use.

    A file whose layers are not known, but a size, gets those of a real image of about that size, as in a scenario.
    """
    made: dict[str, ChosenImage] = {}
    for path in paths:
        if not (is_file(path) or is_directory(path)):
            raise InputError("there is no such file or directory", Location(str(path)))
        found = read_named(path, unpack_ratio=unpack_ratio, platforms=platforms)
        images = [
            image
            for name, best in by_name(found.images).items()
            if (image := _of_file(name, best, platforms, unpack_ratio)) is not None
        ]
        if not images:
            raise InputError(_nothing(found.reasons, found.images, platforms), Location(str(path)))
        for image in images:
            if made.setdefault(image.name, image).layers != image.layers:
                raise InputError(
                    f"{shown(image.familiar)} is also in {made[image.name].source}, with other layers",
                    Location(str(path)),
                )
    return list(made.values())


def by_names(
    names: Iterable[str],
    catalog: Catalog,
    platforms: Collection[Platform],
    guessed: Collection[str] = (),
    place: Location = _PLACE,
) -> list[ChosenImage]:
    """Return the images that a catalogue has under these names; of the ``guessed`` ones it knows the sizes alone.

    Raises InputError for a text that is no image name, for an image that is not there or not for all of the platforms,
    and for one whose tag moves.
    """
    made: dict[str, ChosenImage] = {}
    for name in names:
        try:
            reference = parse(name)
        except InvalidReference as error:
            raise InputError(f"{shown(name)} is neither a file nor an image name: {error}", place) from None
        image = catalog.lookup(reference, 0.0)
        if image is None:
            near = catalog.suggest(name)
            raise InputError(
                f"image {shown(name)} is in no catalogue"
                + (f"; known and near: {', '.join(near)}" if near else "")
                + "; give a file with its manifest, which `crane manifest` or `skopeo inspect --raw` print",
                place,
            )
        if catalog.lookup(reference, float("inf")) is not image:
            raise InputError(f"image {shown(name)} moves to other content during the scenario (tagMoves)", place)
        layers = {platform: found.layers for platform in platforms if (found := select(image, platform)) is not None}
        for platform in platforms:
            if platform not in layers:
                raise InputError(f"image {shown(name)} has nothing for {platform}, the platform of nodes", place)
        guess = _GUESSED if str(reference) in guessed else _ESTIMATED if catalog.is_estimated(reference) else ""
        made.setdefault(str(reference), ChosenImage(str(reference), layers, "the catalogues", guess))
    return list(made.values())


def defining(scenario: Scenario, images: Sequence[ChosenImage]) -> str:
    """Return the override that gives a scenario these images, in place of its own of the same names."""
    section = scenario.document.tree.get("images")
    kept = section.get("define") if isinstance(section, dict) else None
    names = {image.name for image in images}
    entries = [entry for entry in kept or () if _name(entry) not in names]
    for image in images:
        entries += (
            {"image": image.name, "platform": str(platform), "layers": [_entry(layer) for layer in layers]}
            for platform, layers in image.layers.items()
        )
    return f"images.define={json_text(entries)}"


def _is_name(text: str) -> bool:
    """Whether a text is no file's name, nor meant to be one."""
    path = Path(text)
    meant = text.endswith(_FILES) or text.startswith(("./", "../", "/", "~"))
    return not text or not (meant or is_file(path) or is_directory(path))


def _of_file(name: str, found: FoundImage, platforms: Collection[Platform], unpack_ratio: float) -> ChosenImage | None:
    """Return an image of a file; None where nothing is known of it for one of the platforms."""
    if found.image is not None:
        made = {platform: each.layers for platform in platforms if (each := select(found.image, platform)) is not None}
        return ChosenImage(name, made, found.file) if len(made) == len({*platforms}) else None
    size = found.estimated_compressed(unpack_ratio)
    if not size or (found.platform is not None and not all(each.matches(found.platform) for each in platforms)):
        return None
    split = typical_splits(size, name)[0]
    sizes = split.scaled(size)
    tars: list[int | None] = [None] * len(sizes) if found.unpacked is None else [*split.scaled(found.unpacked)]
    layers = Manifest.of(
        [
            Layer.of(synthetic_digest("layer", name, str(place)), each, unpacked=tar, unpack_ratio=unpack_ratio)
            for place, (each, tar) in enumerate(zip(sizes, tars, strict=True))
        ]
    ).layers
    guess = "a file has a size alone; layers as those of a real image of about that size"
    return ChosenImage(name, dict.fromkeys(platforms, layers), found.file, guess)


def _nothing(reasons: Sequence[str], images: Sequence[FoundImage], platforms: Collection[Platform]) -> str:
    """Say why a file has no image that can be used."""
    if images:
        wanted = ", ".join(map(str, sorted(platforms, key=str)))
        return f"no image in it is for {wanted}, the platform of the nodes, with layers or a size"
    return next(iter(reasons), "it has no image")


def _entry(layer: Layer) -> dict[str, Any]:
    """Return a layer as the scenario's ``images.define[].layers`` has it, with all that is known of it."""
    chunked = {} if layer.chunked is None else {"chunked": dict(layer.chunked) or True}
    return chunked | {
        "size": layer.size,
        "unpacked": layer.unpacked,
        "files": layer.files,
        "digest": layer.digest,
        "diffId": layer.diff_id,
        "mediaType": _TYPES[layer.compression],
    }


def _name(entry: Any) -> str | None:
    """Return the normalised name of an image that a scenario defines."""
    try:
        return str(parse(entry["image"]))
    except InvalidReference:
        return None


def _is_estimated(layer: Layer, unpack_ratio: float) -> bool:
    return layer.compression != "stored" and layer.unpacked == round(layer.size * unpack_ratio)
