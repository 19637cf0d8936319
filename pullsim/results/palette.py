"""The colours of all charts, those on pages and those as pictures; the stages' own come from `pullsim.stages`.

Colours of series are the palette of Okabe and Ito, whose members are told apart with each of the colour blindnesses; on
dark ground others take their places, which are as far apart (a test measures it). Nothing is said by colour alone:
lines differ in their dashes too, and parts have texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.stages import COLOURS, DARK_COLOURS, LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping


class Theme(NamedTuple):
    """The colours of a page in one of its two looks."""

    ground: str
    ink: str
    faint: str  # what is of lesser importance
    grid: str
    shade: str  # the time of a fault, and pods that never started
    outline: str  # around the parts of a bar
    failure: str  # the crosses of pulls that failed
    series: tuple[str, ...]
    stages: Mapping[str, str]  # by label


#: Colours for everything except stages: the palette of Okabe and Ito, without its yellow and black.
SERIES: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
INK: Final = "#333333"
FAINT: Final = "#999999"
NEVER: Final = "#f3d9d3"

LIGHT: Final = Theme(
    ground="#ffffff",
    ink="#1f2328",
    faint="#6a7078",
    grid="#dfe2e6",
    shade=NEVER,
    outline="#8a9099",
    failure="#ff3b30",
    series=(*SERIES, "#9000f0", "#000000"),
    stages={LABELS[stage]: colour for stage, colour in COLOURS.items()},
)
DARK: Final = Theme(
    ground="#15181c",
    ink="#e8eaed",
    faint="#a3aab3",
    grid="#363c44",
    shade="#4d2b26",
    outline="#c8cdd3",
    failure="#ff6b5e",
    series=("#2f7bff", "#ee675c", "#00d8a3", "#a571d5", "#cb8f10", "#a5c2e1", "#ffda1f", "#ffffff"),
    stages={LABELS[stage]: colour for stage, colour in DARK_COLOURS.items()},
)
