"""Advice about images: which changes were tried on given nodes, and what each came to."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass
from pullsim.printable import shortened
from pullsim.results.wording import counted
from pullsim.study.advice.advice import GAIN, METRICS
from pullsim.study.advice.advice import change as changed
from pullsim.study.image_advice.changes import ZSTD
from pullsim.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from pullsim.study.advice.advice import Advice, Tried
    from pullsim.study.image_advice.changes import Change
    from pullsim.study.image_advice.chosen import ChosenImage
    from pullsim.study.image_advice.stored import Shared

P50, P99, _, DOWNLOADED = METRICS
_LEVELS: Final = range(1, 23)  # of zstd
_RATIOS: Final = (0.01, 2.0)  # of bytes with zstd to bytes with gzip


@dataclass(frozen=True, slots=True)
class Options:
    """What is assumed of images, beside what their manifests say."""

    base: ChosenImage | None = None  # an image that all others are to stand on
    zstd: Mapping[int, float] = field(default_factory=lambda: dict(ZSTD))  # bytes for each byte of gzip, by level
    weights: int | None = None  # from how many bytes on a layer holds what does not compress
    registries: str | None = None  # what is assumed of the registries that the scenario lists

    @classmethod
    def of(cls, base: ChosenImage | None, zstd: Mapping[int, float] | None, weights: int | str | None) -> Options:
        """Check what is assumed; None stands for the usual. Raises InputError."""
        for level, ratio in (zstd or {}).items():
            if level not in _LEVELS or not _RATIOS[0] <= ratio <= _RATIOS[1]:
                rule = "is LEVEL=RATIO, a level from 1 to 22 and a ratio from 0.01 to 2: 3=0.95"
                raise InputError(f"{shown(f'{level}={ratio:g}')} {rule}", Location("--zstd"))
        return cls(base, dict(ZSTD if zstd is None else zstd), None if weights is None else _least(weights))


class Row(NamedTuple):
    """A change, and what it comes to."""

    change: Change
    tried: Tried
    disk: int  # bytes of the images on a node

    def gained(self, metric: str) -> float:
        """Return how many seconds it gains of a time; negative: it loses. Infinite where pods never came to it."""
        return -(self.tried.difference(metric).difference.mean or 0.0)


@dataclass(frozen=True, slots=True)
class ImageAdvice:
    """The changes of images that were tried on nodes, and what images share."""

    images: tuple[ChosenImage, ...]
    advice: Advice
    rows: list[Row]  # all that were tried, first what gains most seconds at p99, then at p50
    disk: int  # bytes of the images on a node, as they are
    shared: list[Shared]  # of each two images
    own_pods: bool  # whether the scenario's own pods were measured, and not one of each image on each node
    options: Options
    unpack_ratio: float
    registries: str | None  # what is assumed of registries that nobody has listed

    @property
    def best(self) -> list[Row]:
        """What is worth telling: of each lever the smallest step that gains all that it can, if it gains anything."""
        told = {row.change.lever: row for row in reversed(self.rows) if row.tried.helps}
        told |= {lever: row for lever in told if (row := self.enough(lever)) is not None}
        return [row for row in self.rows if row is told.get(row.change.lever)]

    def steps(self, lever: str) -> list[Row]:
        """Return what was tried of a lever in several sizes, from the smallest step on."""
        return sorted((row for row in self.rows if row.change.lever == lever), key=lambda row: row.change.steps)

    def enough(self, lever: str) -> Row | None:
        """Return the step of a lever beyond which nothing more is gained; None: no step gains anything."""
        steps = self.steps(lever)
        most = max((row.tried.gain for row in steps), default=0.0)
        return next((row for row in steps if row.tried.helps and row.tried.gain > most - GAIN), None)

    @property
    def interrupted(self) -> bool:
        """Whether it was ended before all was tried."""
        return self.advice.interrupted

    def table(self) -> pd.DataFrame:
        """Return a row for each change that was tried, first what gains most: seconds, bytes before and after."""
        import pandas as pd  # noqa: PLC0415  only when asked

        return pd.DataFrame(self.records(), columns=[*_columns()])

    def shared_table(self) -> pd.DataFrame:
        """Return a row for each two images: what they share, and what a node saves that pulls both."""
        import pandas as pd  # noqa: PLC0415

        names = ["image", "with", "sharedLayers", "sharedBytes", "savedDownload", "savedDisk"]
        rows = [
            (self.images[each.first].familiar, self.images[each.second].familiar, *each[2:]) for each in self.shared
        ]
        return pd.DataFrame(rows, columns=names)

    def records(self) -> list[dict[str, Any]]:
        """Return the rows of the table as mappings; a time that never comes is infinite."""
        return [dict(zip(_columns(), _record(self, row), strict=True)) for row in self.rows]

    def __repr__(self) -> str:
        """``ImageAdvice(app:v1: the layers with zstd -19: pods.start.p99 13 s → 9 s (-28 %); 12 changes tried)``."""
        names = shortened(", ".join(image.familiar for image in self.images), 60)
        best = next(iter(self.best), None)
        told = "nothing helps"
        if best is not None:
            told = f"{best.change.sentence}: {changed(best.tried.difference(P99))}"
        return f"ImageAdvice({names}: {told}; {counted(len(self.rows), 'change')} tried)"


def _columns() -> tuple[str, ...]:
    times = (
        f"{name}{end}" for name in ("p50", "p99") for end in ("Before", "After", "Gained", "GainedLow", "GainedHigh")
    )
    sizes = (f"{name}{end}" for name in ("bytes", "disk") for end in ("Before", "After"))
    return "change", "steps", "sentence", "helps", *times, *sizes


def _record(found: ImageAdvice, row: Row) -> tuple[Any, ...]:
    made: list[Any] = [row.change.lever, row.change.steps or None, row.change.sentence, row.tried.helps]
    for metric in (P50, P99):
        each = row.tried.difference(metric)
        mean, low, high, _ = each.difference
        made += [each.a.mean, each.b.mean, *(None if end is None else -end for end in (mean, high, low))]
    downloaded = row.tried.difference(DOWNLOADED)
    return (*made, downloaded.a.mean, downloaded.b.mean, found.disk, row.disk)


def _least(weights: int | str) -> int:
    """Read from how many bytes on layers do not compress. Raises InputError."""
    try:
        least = parse_size(weights)
    except ValueError as error:
        raise InputError(str(error), Location("--weights")) from None
    if not least:
        raise InputError("0 would be every layer: give a size such as 2GB", Location("--weights"))
    return least
