"""Writing a page as HTML.

Texts of others reach the page in two ways only: through templates that escape everything, and as JSON in a script
element of data, in which ``<``, ``>`` and ``&`` are written as escapes, so that nothing in it ends the element.
"""

from __future__ import annotations

from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import jinja2
from markupsafe import Markup, escape

from pullsim.printable import json_text, printable
from pullsim.results.page import programs
from pullsim.results.page.page import Chart, Choice, Table
from pullsim.results.palette import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.results.page.page import Page, Rows

#: Names that every object of JavaScript has. Vega groups by texts in such objects, and would find these there.
_INHERITED: Final = frozenset(
    {
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    }
)
_ESCAPES: Final = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def html(page: Page) -> str:
    """Return the page as one HTML document; the same page gives the same text."""
    charts: list[Chart | Choice] = []
    for section in page.sections:
        charts += [part for part in section.parts if isinstance(part, (Chart, Choice))]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            policy=programs.policy(),
            style=Markup(programs.asset(programs.STYLE)),  # noqa: S704  # a file of the package
            scripts=[Markup(programs.asset(name)) for name in programs.SCRIPTS],  # noqa: S704
            data=_embedded(
                {"charts": [*map(_chart, charts)], "themes": {"light": LIGHT._asdict(), "dark": DARK._asdict()}}
            ),
        )
    )


def fragment(template: str, **names: Any) -> str:
    """Return a part of HTML from a template of this package."""
    return _environment().get_template(template).render(**names)


def _words(text: str) -> Markup:
    """Return a text of the page's own as HTML, in which what stands between backquotes is code."""
    shown = _finalized(text)
    pieces = shown.split("`")
    if len(pieces) % 2 == 0:  # a backquote without its end is one of a name
        return escape(shown)
    codes = (Markup("<code>{}</code>").format(piece) if place % 2 else piece for place, piece in enumerate(pieces))
    return Markup("").join(codes)


def _chart(chart: Chart | Choice) -> dict[str, Any]:
    if isinstance(chart, Choice):
        options = {
            printable(name): [_data(data), printable(chart.notes.get(name, ""))] for name, data in chart.options.items()
        }
        return _head(chart.chart) | {"options": [[name, *option] for name, option in options.items()]}
    return _head(chart) | {"data": _data(chart.data)}


def _head(chart: Chart) -> dict[str, Any]:
    return {"name": chart.name, "title": chart.title, "description": chart.description, "spec": _safe(chart.spec)}


def _data(data: Mapping[str, Rows]) -> dict[str, Any]:
    return {name: _columns(rows) for name, rows in data.items()}


def _safe(node: Any) -> Any:
    """Return a specification whose texts are as those of its data are."""
    if isinstance(node, dict):
        return {key: _safe(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_safe(value) for value in node]
    return _name(node) if isinstance(node, str) else node


def _name(text: str) -> str:
    """Return a text as Vega can take it: printable, and unlike what its objects inherit by a space that no one sees."""
    shown = printable(text)
    return f"{shown}\u00a0" if shown in _INHERITED else shown


def _columns(rows: Rows) -> dict[str, Any]:
    """Return rows by column; a column of texts as its distinct texts, and which of them each row has."""
    found: dict[str, Any] = {}
    for name, column in zip(rows.columns, zip(*rows.rows, strict=True) if rows.rows else repeat(()), strict=False):
        if any(isinstance(value, str) for value in column):
            places = {text: place for place, text in enumerate(dict.fromkeys(column))}
            found[name] = {
                "texts": [_name(str(text)) for text in places],
                "codes": [places[each] for each in column],
            }
        else:
            found[name] = column
    return found


def _embedded(document: Any) -> Markup:
    """Return JSON for a script element of data."""
    return Markup(json_text(document).translate(_ESCAPES))  # noqa: S704  # nothing in it can end the element


def _finalized(value: Any) -> Any:
    """Return a text as it is to be escaped; no line is broken between a number and its percent sign."""
    return printable(value).replace(" %", "\u00a0%") if type(value) is str else value


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pullsim.results.page"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters["lines"] = lambda text: escape(printable(text, "\n"))
    environment.filters["words"] = _words
    environment.tests |= {
        "a_table": lambda part: isinstance(part, Table),
        "a_chart": lambda part: isinstance(part, Chart),
        "a_choice": lambda part: isinstance(part, Choice),
    }
    return environment
