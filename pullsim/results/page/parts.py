"""Parts of Vega-Lite specifications that charts have in common. Colours come from the page's theme, see ``page.js``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.results.axis_units import Unit

MAX_POINTS: Final = 240  # points of a line
HEIGHT: Final = 260


def field(name: str, kind: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the definition of a channel; ``title`` None: it has none."""
    return {"field": name, "type": kind, "title": title, **more}


def over_time(unit: Unit, end: float, *, name: str = "t", title: str = "simulated time") -> dict[str, Any]:
    """Return an x axis from 0 to ``end`` seconds in a unit."""
    scale = {"domain": [0, end / unit.size or 1], "nice": False}
    return field(name, "quantitative", f"{title} ({unit.name})", scale=scale)


def from_zero(highest: float, lowest: float = 0.0) -> dict[str, Any]:
    """Return a scale that has 0, from the lowest value if that is below 0 to a little above the highest."""
    top, bottom = max(highest, 0.0), min(lowest, 0.0)
    return {"domain": [1.04 * bottom, 1.04 * top or (0 if bottom else 1)], "nice": False}


def tooltip(**fields: str) -> list[dict[str, Any]]:
    """Return a tooltip of fields that are texts, with their titles."""
    return [field(name, "nominal", title) for name, title in fields.items()]


def zoomed() -> dict[str, Any]:
    """Return a parameter with which the x axis is moved by dragging, and zoomed by the wheel with shift."""
    select = {"type": "interval", "encodings": ["x"], "zoom": "wheel![event.shiftKey]", "clear": "dblclick"}
    return {"name": "zoom", "select": select, "bind": "scales"}


def lines(
    data: str, x: Mapping[str, Any], y: Mapping[str, Any], names: Sequence[str], tips: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the layers of a chart of step lines, one for each of the ``names`` of the field ``series``.

    Lines differ in colour and dashes. Points appear where the pointer is, each with a text for screen readers.
    """
    dashes = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 4], [1, 3], [12, 3, 3, 3]]
    domain = {"domain": list(names)}
    colour = field("series", "nominal", scale=domain, legend={"symbolType": "stroke"})
    dash = field("series", "nominal", scale=domain | {"range": [dashes[i % len(dashes)] for i in range(len(names))]})
    hover = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}
    return [
        {
            "data": {"name": data},
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "clip": True},
            "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash},
            "params": [zoomed()],
        },
        {
            "data": {"name": data},
            "mark": {"type": "point", "filled": True, "size": 70, "clip": True},
            "params": [{"name": "near", "select": hover}],
            "encoding": {
                "x": x,
                "y": y,
                "color": colour,
                "opacity": {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0},
                "tooltip": list(tips),
                "description": field("said", "nominal"),
            },
        },
    ]
