"""Fit the presets of clusters on their calibration pulls: `python -m benchmarks.fidelity.fit_clusters [PRESET]`.

Prints each preset's figures as `pullsim/scenario/presets/presets.yaml` has them, and the errors on its calibration
pulls.

A chonks preset is fitted alone. Those of perfstudy are fitted together, as images have in common what their layers
unpack to: the log tells compressed bytes only. Layers that are new in the same calibration pulls get one ratio, written
to `data/unpacked.json`; with PRESET they stay as they are there.

A preset of perfstudy that is fitted on several clusters is what they have in common: each has factors of its own
(`Apart`), which are drawn towards 1 by what clusters differ by, so that a cluster counts about once and not once for
each of its pulls. Those of chonks are fitted without such factors.

It is least squares of log(predicted / measured), where large differences count less, with what is known beforehand
(`priors.py`) as further terms: a figure that the pulls do not tell stays where the vendor's page or the lab has it.
There is no chance in it: the same data give the same figures.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import least_squares

from benchmarks.fidelity import priors
from benchmarks.fidelity.calibration import calibration, classes, compressed, spread
from benchmarks.fidelity.cluster_data import RATIOS, catalog_of, data, ratios, rebuilt, usual_ratio
from benchmarks.fidelity.clusters import CHONKS, PERFSTUDY, history, node, single
from benchmarks.fidelity.fit_variation import BEFORE
from benchmarks.fidelity.moved_rows import FACTORS, moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.fidelity.cluster_data import Ratios
    from benchmarks.fidelity.clusters import Group
    from benchmarks.fidelity.priors import Prior
    from pullsim.spec.cluster import NodeSpec
    from pullsim.spec.registry import RegistrySpec
    from pullsim.study.fit.parameters import Values

    Array = NDArray[np.float64]

#: |log(predicted / measured)| from which a pull counts less and less: twice what pulls of one image differ by from node
#: to node in most clusters, 3 to 5 %; half of that where all images are alike but for sizes.
ORDINARY: Final = {"perfstudy": 0.1, "chonks": 0.05}
#: Beginnings of the search, as factors of what is known beforehand: caches so small that the disk binds, slow syncs,
#: slow cores. The best few are followed.
TRIES: Final = (
    {"disk.write": 0.7, "disk.pageCache.limit": 0.15},
    {"disk.fsync": 4.0, "metadata.write": 2.0},
    {"unpack.gzip": 0.7},
)
BEAM: Final = 3
STEPS: Final = (0.1, 0.05, 0.02)  # of a logarithm, for derivatives


@dataclass(frozen=True, slots=True)
class Apart:
    """By how much one of the clusters of a preset has a figure that is better than the preset's."""

    preset: str
    cluster: str
    factor: str  # one of FACTORS

    @property
    def spread(self) -> float:
        """What clusters are taken to differ by before any pull is looked at."""
        return BEFORE[self.factor]


class Problem:
    """Pulls, and what is searched, as logarithms.

    These are figures (of a preset each), ratios (of a class of layers each) and what single clusters are apart.
    """

    def __init__(self, groups: Sequence[Group], *, with_ratios: bool) -> None:
        self.groups = {group.preset: group for group in groups}
        self.figures = [(group.preset, prior) for group in groups for prior in priors.of(group.preset)]
        self.pulls = [pull for group in groups for pull in calibration(group)]
        self.classes = classes(self.pulls) if with_ratios else []
        self.apart = [
            Apart(group.preset, cluster, factor)
            for group in groups
            if group.source == "perfstudy" and len(group.calibration) > 1
            for cluster in group.calibration
            for factor in FACTORS
        ]
        self._measured = np.array([pull.pull["p50"] for pull in self.pulls])
        self._ordinary = ORDINARY[groups[0].source]
        usual = [usual_ratio(max(layers, key=lambda layer: data()["layers"][layer][0])) for layers in self.classes]
        self.centre = np.log([*(prior.value for _, prior in self.figures), *usual, *(1.0 for _ in self.apart)])
        self._spread = np.array(
            [
                *(prior.spread for _, prior in self.figures),
                *(spread(layers) for layers in self.classes),
                *(each.spread for each in self.apart),
            ]
        )
        self._touched = [self._touches(index) for index in range(len(self.centre))]

    def parts(self, x: Array) -> list[Array]:
        """Return those of figures, of ratios and of what clusters are apart: views, which change with the whole."""
        return np.split(x, np.cumsum([len(self.figures), len(self.classes)]))

    def values(self, x: Array, preset: str) -> Values:
        """Return a preset's figures."""
        return {
            prior.name: math.exp(each)
            for (name, prior), each in zip(self.figures, self.parts(x)[0], strict=True)
            if preset in (name, *prior.also)
        }

    def ratios(self, x: Array) -> Ratios:
        """Return the ratio of each layer."""
        if not self.classes:
            return ratios()
        found: Ratios = {}
        for layers, each in zip(self.classes, self.parts(x)[1], strict=True):
            found.update(dict.fromkeys(layers, math.exp(each)))
        return {layer: found[first] for layer, first in enumerate(rebuilt()) if first in found}

    def predicted(self, x: Array, only: Iterable[int] | None = None) -> Array:
        """Return the seconds of these pulls, or of all."""
        numbers = range(len(self.pulls)) if only is None else list(only)
        pulls = [self.pulls[number] for number in numbers]
        nodes = {
            (preset, cluster): self.node(x, preset, cluster)
            for preset, cluster in {(each.group.preset, each.cluster) for each in pulls}
        }
        known = self.ratios(x)
        seconds: list[float] = []
        for key, of_cluster in groupby(pulls, key=lambda each: (each.group.preset, each.cluster)):
            own = list(of_cluster)
            if own[0].group.source == "chonks":
                seconds += history(*nodes[key], [each.pull for each in own])
                continue
            for each in own:
                images = catalog_of({each.pull["image"], *each.pull["before"]}, known)
                seconds.append(single(*nodes[key], each.cluster, each.pull, images))
        return np.array(seconds)

    def node(self, x: Array, preset: str, cluster: str = "") -> tuple[NodeSpec, RegistrySpec]:
        """Return the node and registry of a preset with these figures, as they are in one of its clusters."""
        spec, registry = node(preset, "{}")
        by = {each.factor: value for each, value in self.clusters_apart(x).items() if each.cluster == cluster}
        return moved(*with_figures(spec, registry, self.values(x, preset)), by)

    def clusters_apart(self, x: Array) -> dict[Apart, float]:
        """Return what clusters are apart from their presets, as logarithms."""
        return {each: float(value) for each, value in zip(self.apart, self.parts(x)[2], strict=True)}

    def residuals(self, x: Array) -> Array:
        """Return what is to be least: of each pull, and of each figure against what is known beforehand."""
        return np.append(self._misses(self.predicted(x), self._measured), (x - self.centre) / self._spread)

    def jacobian(self, x: Array, *, step: float) -> Array:
        """Differentiate; only the pulls that a figure or ratio touches are run again."""
        base = self.predicted(x)
        count = len(self.pulls)
        found = np.zeros((count + len(x), len(x)))
        for index, touched in enumerate(self._touched):
            ahead = x.copy()
            ahead[index] += step
            numbers = np.array(touched)
            measured = self._measured[numbers]
            change = self._misses(self.predicted(ahead, touched), measured) - self._misses(base[numbers], measured)
            found[numbers, index] = change / step
        found[count:] = np.diag(1 / self._spread)
        return found

    def fit(self) -> Array:
        """Return the best logarithms, from several beginnings: a limit that does not bind has no slope towards it."""
        low, high = self.centre - 4 * self._spread, self.centre + 4 * self._spread
        most = np.full(len(self.centre), math.inf)
        most[: len(self.figures)] = [prior.most for _, prior in self.figures]
        bounds = (low, np.minimum(high, np.log(most)))
        starts = sorted(self._starts(), key=lambda x: float((self.residuals(x) ** 2).sum()))[:BEAM]
        best = min((self._follow(start, bounds) for start in starts), key=lambda each: float(each.cost))
        x: Array = best.x
        return x

    def _follow(self, start: Array, bounds: tuple[Array, Array]) -> Any:
        """Search from a beginning, with steps that get finer: from one pull to the next caches make small jumps."""
        low, high = bounds
        found: Any = None
        for step in STEPS:
            begin = np.clip(start if found is None else found.x, low + 1e-9, high - 1e-9)
            jacobian = partial(self.jacobian, step=step)
            found = least_squares(self.residuals, begin, jacobian, bounds, xtol=1e-3, ftol=1e-4, max_nfev=25)
        return found

    def _starts(self) -> list[Array]:
        """Begin from what is known, and wherever some of its figures are others."""
        found = [self.centre]
        for factors in TRIES:
            moves = np.zeros(len(self.centre))
            for index, (_, prior) in enumerate(self.figures):
                moves[index] = math.log(factors.get(prior.name, 1.0))
            found += [each + moves for each in found]
        return found

    def errors(self, x: Array, preset: str) -> list[float]:
        """Return |predicted - measured| / measured of a preset's pulls, from the least; its clusters are as it is."""
        plain = x.copy()
        self.parts(plain)[2][:] = 0.0
        off = np.abs(self.predicted(plain) - self._measured) / self._measured
        return sorted(float(each) for each, pull in zip(off, self.pulls, strict=True) if pull.group.preset == preset)

    def told_by(self, layers: tuple[int, ...]) -> list[str]:
        """Return the pulls that tell a ratio."""
        return [self.pulls[number].case for number in self._touched[len(self.figures) + self.classes.index(layers)]]

    def _misses(self, predicted: Array, measured: Array) -> Array:
        """Give the logarithms in units of an ordinary difference, beyond which they grow with the root only."""
        off = np.log(np.maximum(predicted, 1e-6) / measured) / self._ordinary
        found: Array = np.sign(off) * np.sqrt(2 * (np.sqrt(1 + off**2) - 1))
        return found

    def _touches(self, index: int) -> list[int]:
        if index < len(self.figures):
            preset, prior = self.figures[index]
            return [n for n, pull in enumerate(self.pulls) if pull.group.preset in (preset, *prior.also)]
        index -= len(self.figures)
        if index >= len(self.classes):
            cluster = self.apart[index - len(self.classes)].cluster
            return [number for number, pull in enumerate(self.pulls) if pull.cluster == cluster]
        layers = set(self.classes[index])
        return [number for number, pull in enumerate(self.pulls) if layers & pull.brings()]


def with_figures(spec: NodeSpec, registry: RegistrySpec, values: Mapping[str, float]) -> tuple[NodeSpec, RegistrySpec]:
    """Return a node and its registry with these figures instead of theirs."""
    assert spec.disk is not None
    assert spec.disk.page_cache is not None
    limit = values["disk.pageCache.limit"]
    background = limit * values.get(priors.BACKGROUND_PART, priors.BACKGROUND)
    cache = replace(spec.disk.page_cache, limit=limit, background=background)
    disk = replace(spec.disk, write=values["disk.write"], fsync=values["disk.fsync"], page_cache=cache)
    runtime: Any = spec.runtime
    unpack = replace(runtime.unpack, gzip=values["unpack.gzip"])
    runtime = replace(runtime, unpack=unpack, metadata_write=values["metadata.write"])
    registry = replace(
        registry,
        round_trip=values["registry.roundTrip"],
        per_connection=values.get("registry.perConnection", registry.per_connection),
        egress=values.get("registry.egress", registry.egress),
    )
    return replace(spec, disk=disk, runtime=runtime), registry


def show(problem: Problem, x: Array) -> None:
    """Print presets and errors."""
    for preset in problem.groups:
        errors = problem.errors(x, preset)
        print(f"{preset}:  # {len(errors)} pulls: median {errors[len(errors) // 2]:.1%}, largest {errors[-1]:.1%}")
        values = problem.values(x, preset)
        for prior in priors.of(preset):
            print(f"  {prior.name}: {prior.text(values[prior.name])}  # {_beforehand(prior)}")
        apart = [(each, value) for each, value in problem.clusters_apart(x).items() if each.preset == preset]
        for cluster, own in groupby(apart, key=lambda each: each[0].cluster):
            print(f"  # {cluster}: " + ", ".join(f"{each.factor} x {math.exp(value):.2f}" for each, value in own))


def _beforehand(prior: Prior) -> str:
    return f"beforehand {prior.text(prior.value)}, to a factor of {math.exp(prior.spread):.1f}"


def write_ratios(problem: Problem, x: Array) -> None:
    """Write what layers unpack to."""
    entries = [
        {
            "ratio": round(math.exp(each), 2),
            "bytes": compressed(layers),
            "layers": list(layers),
            "pulls": problem.told_by(layers),
        }
        for layers, each in zip(problem.classes, problem.parts(x)[1], strict=True)
    ]
    entries.sort(key=lambda entry: -int(str(entry["bytes"])))
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    RATIOS.write_text('{"ratios":[\n' + lines + "\n]}\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Fit one preset or all."""
    chosen = [group for group in (*CHONKS, *PERFSTUDY) if not arguments or group.preset in arguments]
    if not chosen:
        raise SystemExit(f"no preset {arguments[0]!r}; there are {', '.join(g.preset for g in (*CHONKS, *PERFSTUDY))}")
    together = [group for group in chosen if group.source == "perfstudy"]
    problems = [Problem([group], with_ratios=False) for group in chosen if group.source == "chonks" or arguments]
    if not arguments:
        problems.append(Problem(together, with_ratios=True))
    for problem in problems:
        x = problem.fit()
        show(problem, x)
        if problem.classes:
            write_ratios(problem, x)


if __name__ == "__main__":
    main(sys.argv[1:])
