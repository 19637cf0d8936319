"""What `pullsim image-advice` is asked about: images by name or in files, on the nodes of a scenario or of a preset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.errors import InputError, Location, shown
from pullsim.printable import json_text
from pullsim.results.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.scenario import Scenario
    from pullsim.study.image_advice.chosen import ChosenImage
    from pullsim.study.image_advice.image_advice import Options


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
    from pullsim.study.image_advice.chosen import chosen_base  # noqa: PLC0415
    from pullsim.study.image_advice.image_advice import Options  # noqa: PLC0415

    return Options.of(None if base is None else chosen_base(base, where), _ratios(zstd), weights)


def _ratios(texts: Sequence[str] | None) -> dict[int, float] | None:
    """Read ``3=0.95`` of each level. Raises InputError."""
    if texts is None:
        return None
    ratios: dict[int, float] = {}
    for text in texts:
        level, _, ratio = text.partition("=")
        try:
            read = int(level), float(ratio)
        except ValueError:
            rule = "is LEVEL=RATIO, a level from 1 to 22 and a ratio from 0.01 to 2: 3=0.95"
            raise InputError(f"{shown(text)} {rule}", Location("--zstd")) from None
        if read[0] in ratios:
            raise InputError(f"level {read[0]} is there twice: once is enough", Location("--zstd"))
        ratios[read[0]] = read[1]
    return ratios
