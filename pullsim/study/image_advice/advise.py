"""Trying changes of images on given nodes: each alone, then the best together, all with the same seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.errors import InputError, Location
from pullsim.results.wording import size
from pullsim.scenario import override
from pullsim.study.advice import node_levers
from pullsim.study.advice.advice import OBJECTIVE
from pullsim.study.advice.advise import MAX_RUNS, SEEDS, Candidate, searching
from pullsim.study.advice.levers import Lever
from pullsim.study.advice.setting import Setting
from pullsim.study.advice.situation import Situation, flow
from pullsim.study.image_advice.changes import BASE, COMPRESSION, LAYERING, both, changes
from pullsim.study.image_advice.chosen import chosen_base, chosen_images, defining
from pullsim.study.image_advice.image_advice import P50, P99, ImageAdvice, Options, Row
from pullsim.study.image_advice.layering import as_weights
from pullsim.study.image_advice.rollout import pulled, rollout
from pullsim.study.image_advice.stored import matrix, node_with, stores_blobs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pullsim.scenario import Scenario
    from pullsim.study.advice.advice import Advice, Tried
    from pullsim.study.dask_cluster import TlsFiles
    from pullsim.study.image_advice.changes import Change
    from pullsim.study.image_advice.chosen import ChosenImage


def image_advice(
    scenario: Scenario,
    images: str | Path | Sequence[str | Path],
    *,
    base: str | Path | None = None,
    zstd: Mapping[int, float] | None = None,
    weights: int | str | None = None,
    seeds: int | Sequence[int] = SEEDS,
    processes: int | None = 1,
    dask: str | None = None,
    dask_tls: TlsFiles | None = None,
    max_runs: int = MAX_RUNS,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    announce: Callable[[str], None] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
) -> ImageAdvice:
    """Try what could be built otherwise in images, and return what each change comes to on a scenario's nodes.

    ``images``: files or directories with manifests (crane, skopeo, docker, OCI layouts), or names of images in the
    scenario or its catalogues. ``base``: an image that all could stand on, given likewise. ``zstd``: bytes of a zstd
    layer for each byte with gzip, by level. ``weights``: from how many bytes on (``"2GB"``) layers do not compress.

    If the scenario's pods pull all of the images, their starts are measured; otherwise those of one pod of each image
    on each node, in place of the scenario's pods. For the other parameters see `pullsim.advise`.
    Raises InputError for wrong input, for nodes that pull nothing, or if the scenario cannot be run.
    """
    texts = [images] if isinstance(images, str | Path) else images
    chosen = chosen_images([str(each) for each in texts], scenario)
    if not chosen:
        raise InputError("no image is given", Location("IMAGE"))
    options = Options.of(None if base is None else chosen_base(str(base), scenario), zstd, weights)
    return try_images(
        scenario,
        chosen,
        options,
        seeds=seeds,
        processes=processes,
        dask=dask,
        dask_tls=dask_tls,
        max_runs=max_runs,
        force=force,
        progress=progress,
        announce=announce,
        out=out,
        resume=resume,
    )


def try_images(
    scenario: Scenario,
    images: Sequence[ChosenImage],
    options: Options | None = None,
    *,
    seeds: int | Sequence[int] = SEEDS,
    processes: int | None = 1,
    dask: str | None = None,
    dask_tls: TlsFiles | None = None,
    max_runs: int = MAX_RUNS,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    announce: Callable[[str], None] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
) -> ImageAdvice:
    """Try changes of images that are read already; see `image_advice`."""
    options = options or Options()
    if options.weights is not None:
        least = options.weights
        biggest = max(
            (layer.size for image in images for layers in image.layers.values() for layer in layers), default=0
        )
        if biggest < least:
            raise InputError(f"no layer has {size(least)}: the biggest has {size(biggest)}", Location("--weights"))
        images = [image.changed(lambda _, layers: as_weights(layers, least)) for image in images]
    scenario = override(scenario, [defining(scenario, images)])
    built = scenario.assemble(force=force)
    pulling = {name: spec for name, spec in built.cluster.pools.items() if spec.runtime.pulls}
    if not pulling:
        raise InputError("the pulls of its nodes take a given time, whatever the image is", Location("--scenario"))
    names = [image.name for image in images]
    own_pods = {*names} <= pulled(built.cluster)
    if not own_pods:
        scenario = override(scenario, rollout(scenario, names, pulling))
    situation = Situation.of(scenario, force=force)
    trial = _Trial(situation, images, options)
    with searching(
        situation,
        OBJECTIVE,
        seeds,
        max_runs,
        processes=processes,
        dask=dask,
        dask_tls=dask_tls,
        force=force,
        progress=progress,
        out=out,
        resume=resume,
    ) as search:
        search.tell_time(len(trial.candidates), announce)
        search.run(trial.candidates)
        search.run_together(trial.pairs(search.advice()))
    advice = search.advice()
    keeps = all(stores_blobs(spec) for spec in pulling.values())
    first = [image.first for image in images]
    rows = [_row(trial.changes[tried.setting], tried, images, keeps_blobs=keeps) for tried in advice.rows]
    return ImageAdvice(
        tuple(images),
        advice,
        sorted(rows, key=lambda row: (-row.gained(P99), -row.gained(P50), row.change.steps)),
        node_with(first, keeps_blobs=keeps).disk,
        matrix(first, keeps_blobs=keeps),
        own_pods,
        options,
        scenario.images.unpack_ratio,
        options.registries or situation.scenario.assemble(force=force).assumption,
    )


class _Trial:
    """The changes of images as settings of a scenario."""

    def __init__(self, situation: Situation, images: Sequence[ChosenImage], options: Options) -> None:
        self.changes: dict[Setting, Change] = {}
        self._situation = situation
        self._images = images
        # The newest release alone comes first, the one that unpacks layers side by side last.
        unpacks = node_levers.unpacks(situation) or node_levers.newer_containerd(situation)[-1:]
        self.candidates = [
            Candidate(Lever(change.lever, (), lambda _: ()), self._setting(change))
            for change in changes(images, options.base, options.zstd, next(iter(unpacks), None))
        ]

    def pairs(self, advice: Advice) -> list[tuple[tuple[str, ...], Setting]]:
        """Return the best changes of different kinds, two at once."""
        best: dict[str, Change] = {}
        for tried in advice.rows:
            change = self.changes[tried.setting]
            if tried.helps and change.kind in (BASE, LAYERING, COMPRESSION):
                best.setdefault(change.kind, change)
        found: list[tuple[tuple[str, ...], Setting]] = []
        for first, second in ((BASE, LAYERING), (BASE, COMPRESSION), (LAYERING, COMPRESSION)):
            if first in best and second in best:
                change = both(best[first], best[second])
                found.append(((best[first].lever, best[second].lever), self._setting(change)))
        return found

    def _setting(self, change: Change) -> Setting:
        images = change.to(self._images)
        overrides = [defining(self._situation.scenario, images)]
        if change.present is not None:
            base = change.present
            overrides = [
                defining(self._situation.scenario, [*images, base]),
                *self._situation.nodes(
                    "cached", lambda pool, spec: flow([*pool.cached, base.name]) if spec.runtime.pulls else None
                ),
            ]
        setting = Setting(change.sentence, (*overrides, *change.nodes))
        self.changes[setting] = change
        return setting


def _row(change: Change, tried: Tried, images: Sequence[ChosenImage], *, keeps_blobs: bool) -> Row:
    return Row(change, tried, node_with([image.first for image in change.to(images)], keeps_blobs=keeps_blobs).disk)
