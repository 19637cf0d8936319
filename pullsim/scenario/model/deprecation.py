"""Keys that will go: how one is marked, and the warnings about those that a scenario has (docs/compatibility.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pullsim.frozen import dataclass
from pullsim.scenario.model.quantities import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

    from pullsim.inputs.document import Route
    from pullsim.scenario.model.scenario import ScenarioModel

RELEASES: Final = 2  # minor releases that warn of a key before one may lack it


@dataclass(frozen=True, slots=True)
class Deprecated:
    """Marks a key: ``nics: Annotated[Rate | None, Deprecated("0.3", "write nic")] = None``.

    It works as before, whoever gives it is told, and editors strike it through. Its default is None, so that a scenario
    which is written out has it only where it was given.
    """

    since: str  # the first release that warns, MAJOR.MINOR
    instead: str  # what to do, as an order

    @property
    def until(self) -> str:
        """The first release that may lack the key."""
        major, minor = map(int, self.since.split("."))
        return f"{major}.{minor + RELEASES}"

    @property
    def text(self) -> str:
        """What is said of the key, without its name."""
        return f"deprecated since {self.since}, and may be gone in {self.until}: {self.instead}"

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the keyword that editors know."""
        return {**handler(schema), "deprecated": True}


def deprecation(section: type[Section], name: str) -> Deprecated | None:
    """Return how a field of a section is marked; None: it stays."""
    return next((each for each in section.model_fields[name].metadata if isinstance(each, Deprecated)), None)


def deprecation_warnings(scenario: ScenarioModel) -> Iterator[str]:
    """Yield a warning for each deprecated key that the scenario's file or an override has; presets' have none."""
    document = scenario.document
    for route, marked in _deprecated(scenario, ()):
        if document.own_route(route) == route:
            yield f"{document.place(route, key=True)}: {document.name(route)} is {marked.text}"


def _deprecated(value: Any, route: Route) -> Iterator[tuple[Route, Deprecated]]:
    """Yield the deprecated keys that were given in a value and below it, with their routes."""
    if isinstance(value, Section):
        fields = type(value).model_fields
        for name in sorted(value.model_fields_set, key=list(fields).index):
            below = (*route, fields[name].alias or name)
            if marked := deprecation(type(value), name):
                yield below, marked
            yield from _deprecated(getattr(value, name), below)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _deprecated(each, (*route, key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _deprecated(each, (*route, index))
