"""What is measured: which images over which link, how many at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.lab.link import Shape
from benchmarks.lab.node import Settings

UNSHAPED = Shape()
PARALLEL = [f"p{number}" for number in range(8)]
SHARED = [f"b{number}" for number in range(8)]


@dataclass(frozen=True)
class Case:
    """Pulls of a node. Mode: single | parallel | serial | repull (the image is present) | missing."""

    group: str  # as in the measurements that come with the tests: a unpack, b single, c downloads, d parallel …
    images: tuple[str, ...]
    shape: Shape = UNSHAPED
    mode: str = "single"
    settings: Settings = field(default_factory=Settings)
    name: str = ""
    tag: str = "v1"

    @property
    def id(self) -> str:
        rate = "un" if self.shape.mbit is None else self.shape.mbit
        changed = "" if self.settings.downloads == Settings().downloads else f"-mcd{self.settings.downloads}"
        changed += "-labelpigz" if self.settings.unpigz else ""
        return f"{self.group}-{self.name or self.images[0]}-{rate}m{self.shape.rtt_ms}ms{changed}"


def small() -> list[Case]:
    """About 20 cases, a few minutes: enough to fit a node's parameters and to judge the model."""
    fast, near, far = Shape(400), Shape(400, 10), Shape(400, 50)
    return [
        *(Case("a", (image,)) for image in ("c20one", "c20small", "c50rand")),
        *(Case("b", (image,)) for image in ("t1x1", "s1x50", "s5x20", "s40x02")),
        *(Case("b", (image,), fast) for image in ("s1x50", "s10x10")),
        Case("b", ("s20x2",), near),
        *(Case("b", (image,), far) for image in ("s10x10", "s40x02")),
        *(Case("c", ("s10x10",), far, settings=Settings(downloads)) for downloads in (1, 10)),
        Case("d", tuple(PARALLEL[:4]), fast, "parallel", name="par4"),
        Case("d", tuple(SHARED[:4]), fast, "parallel", name="base4"),
        Case("d", ("s5x20", "s5x20"), fast, "parallel", name="same2-s5x20"),
        Case("e", tuple(PARALLEL[:4]), fast, "serial", name="ser4"),
        Case("f", ("s1x50",), near, "repull", name="repull-s1x50"),
        Case("g", ("s1x50",), near, "missing", name="missingtag", tag="none"),
    ]


def large() -> list[Case]:
    """The small ones and more links, bigger layers and more pulls at a time: half an hour."""
    slow, fast, gigabit = Shape(100), Shape(400), Shape(1000)
    return [
        *small(),
        *(Case("b", (image,)) for image in ("s10x10", "s20x2", "bigfirst", "biglast")),
        *(Case("b", (image,), slow) for image in ("s1x50", "s5x20", "s20x2", "s40x02")),
        *(Case("b", (image,), fast) for image in ("bigfirst", "biglast", "s40x02")),
        *(Case("b", (image,), gigabit) for image in ("s1x50", "s5x20", "s10x10")),
        *(Case("b", (image,), Shape(1000, 50)) for image in ("s1x50", "s5x20")),
        *(Case("d", tuple(PARALLEL[:count]), fast, "parallel", name=f"par{count}") for count in (2, 8)),
        *(Case("d", tuple(SHARED[:count]), fast, "parallel", name=f"base{count}") for count in (2, 8)),
        *(Case("d", tuple(PARALLEL[:count]), UNSHAPED, "parallel", name=f"par{count}") for count in (4, 8)),
        Case("e", tuple(SHARED), fast, "serial", name="serbase8"),
        *(Case("f", (image,), mode="repull", name=f"repull-{image}") for image in ("s10x10", "s40x02")),
        *(Case("k", (image,), settings=Settings(unpigz=True)) for image in ("s1x50", "s10x10")),
    ]


def smoke() -> list[Case]:
    """One small image: whether the lab works."""
    return [Case("b", ("t1x1",)), Case("b", ("t1x1",), Shape(100, 10))]


SETS = {"smoke": smoke, "small": small, "large": large}
