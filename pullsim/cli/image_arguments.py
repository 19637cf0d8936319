"""What `pullsim image-advice` is asked about: images by name or in files, on the nodes of a scenario or of a preset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location, shown
from pullsim.printable import json_text
from pullsim.results.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.scenario import Scenario
    from pullsim.study.image_advice.chosen import ChosenImage
    from pullsim.study.image_advice.image_advice import Options

_LEVELS: Final = range(1, 23)  # of zstd


def nodes_of(
    file: Path | None, count: int | None, preset: str | None, overrides: Sequence[str], *, quiet: bool
) -> Scenario:
    """Return the scenario with the nodes: a file's, or one of so many nodes of a preset and no pods."""
    if file is not None:
        from pullsim.cli.scenario_argument import load_scenario  # noqa: PLC0415

        for option, given in (("--nodes", count), ("--preset", preset)):
            if given is not None:
                raise InputError("does not go with --scenario, which has its own nodes", Location(option))
        return load_scenario(file, overrides, quiet=quiet)
    from pullsim.importer.fleet import DEFAULT_COUNT, DEFAULT_PRESET  # noqa: PLC0415
    from pullsim.oci.catalog import builtin_names  # noqa: PLC0415
    from pullsim.scenario import from_mapping  # noqa: PLC0415
    from pullsim.scenario.model.images import Images  # noqa: PLC0415
    from pullsim.scenario.presets.nodes import find  # noqa: PLC0415

    count, name = count or DEFAULT_COUNT, preset or DEFAULT_PRESET
    find(name, Path(), Location("--preset"))
    first = Images().catalogs
    catalogs = [each for each in builtin_names() if each not in first] + first
    return from_mapping(
        {
            "name": f"{counted(count, 'node')} of {name}",
            "images": {"catalogs": catalogs},
            "nodes": [{"name": "nodes", "count": count, "preset": name}],
        },
        overrides,
    )


def chosen_images(texts: Sequence[str], where: Scenario, argument: str = "IMAGE") -> list[ChosenImage]:
    """Return the images that an argument or option names. Raises InputError."""
    from pullsim.inputs import is_directory, is_file  # noqa: PLC0415
    from pullsim.oci.reference import parse  # noqa: PLC0415
    from pullsim.scenario import override  # noqa: PLC0415
    from pullsim.study.image_advice import chosen  # noqa: PLC0415

    platforms = list(dict.fromkeys(pool.platform for pool in where.nodes))

    def named(text: str) -> bool:
        """Whether a text is no file's name."""
        path = Path(text)
        return not text or not (chosen.looks_like_file(text) or is_file(path) or is_directory(path))

    names = [text for text in texts if named(text)]
    found = chosen.in_files([Path(text) for text in texts if not named(text)], platforms, where.images.unpack_ratio)
    if names:
        defined = override(where, [chosen.defining(where, found)]) if found else where
        known = {image.name for image in found}
        built = defined.assemble()
        sized = [*built.guessed, *(entry.image for entry in defined.images.define if entry.layers is None)]
        guessed = {str(parse(name)) for name in sized}
        there = chosen.by_names(names, built.cluster.catalog, platforms, guessed, Location(argument))
        found += (image for image in there if image.name not in known)
    if len(found) > chosen.MOST_IMAGES:
        raise InputError(f"are {len(found):,}; {chosen.MOST_IMAGES} are the most", Location(argument))
    return found


def with_registries(where: Scenario, images: Sequence[ChosenImage], overrides: Sequence[str]) -> tuple[Scenario, str]:
    """Return a scenario with the likely figures of the images' registries, which overrides may change; say them."""
    from pullsim.importer.registries import likely_registries  # noqa: PLC0415
    from pullsim.scenario import override  # noqa: PLC0415

    listed = likely_registries([image.name for image in images])
    own = [text for text in overrides if text.lstrip().startswith("registries")]
    figures = (f"{each['host']} {each['roundTrip']} away, {each['perConnection']} a connection" for each in listed)
    told = f"registries as their hosts suggest: {', '.join(figures)} (--set, or --scenario)"
    return override(where, [f"registries={json_text(listed)}", *own]), told


def options_of(base: str | None, zstd: Sequence[str] | None, weights: str | None, where: Scenario) -> Options:
    """Return what is assumed of images. Raises InputError."""
    from pullsim.study.image_advice.image_advice import Options  # noqa: PLC0415
    from pullsim.units import parse_size  # noqa: PLC0415

    least = None
    if weights is not None:
        try:
            least = parse_size(weights)
        except ValueError as error:
            raise InputError(str(error), Location("--weights")) from None
        if not least:
            raise InputError("0 would be every layer: give a size such as 2GB", Location("--weights"))
    below = None
    if base is not None:
        found = chosen_images([base], where, "--base")
        if len(found) > 1:
            raise InputError(f"{shown(base)} has {len(found)} images; a base is one", Location("--base"))
        below = found[0]
    made = Options(base=below, weights=least)
    if zstd is None:
        return made
    ratios: dict[int, float] = {}
    for level, ratio in map(_level, zstd):
        if level in ratios:
            raise InputError(f"level {level} is there twice: once is enough", Location("--zstd"))
        ratios[level] = ratio
    return replace(made, zstd=ratios)


def _level(text: str) -> tuple[int, float]:
    """Read ``3=0.95``. Raises InputError."""
    level, _, ratio = text.partition("=")
    try:
        read = int(level), float(ratio)
    except ValueError:
        read = 0, 0.0
    if read[0] not in _LEVELS or not 0.01 <= read[1] <= 2:
        rule = "is LEVEL=RATIO, a level from 1 to 22 and a ratio from 0.01 to 2: 3=0.95"
        raise InputError(f"{shown(text)} {rule}", Location("--zstd"))
    return read
