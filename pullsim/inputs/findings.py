"""The errors, warnings and notes that are found while the input of a run is built from a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pullsim.errors import InputError, InputErrors

if TYPE_CHECKING:
    from pullsim.errors import Location
    from pullsim.inputs.document import Document


@dataclass(slots=True)
class Findings:
    """Collects errors, warnings and notes. `check` raises all errors at once."""

    document: Document
    errors: list[InputError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # about input that may change a real run but is not simulated
    ignored: list[str] = field(default_factory=list)  # input that was read and on which no pull depends
    notes: list[str] = field(default_factory=list)  # which limits of pulls the files of the nodes set

    def error(self, message: str, *route: str | int) -> None:
        """Add an error about the value at ``route``."""
        self.errors.append(self.made(message, *route))

    def made(self, message: str, *route: str | int, place: Location | None = None) -> InputError:
        """Return an error about the value at ``route``, or about what stands at a place in another file."""
        if place is not None:
            return InputError(message, place)
        own = self.document.own_route(route)
        name = self.document.name(own)
        return InputError(f"{name}: {message}" if name else message, self.document.place(own))

    def take(self, error: InputError, *route: str | int) -> None:
        """Add an error that another function raised; one without a place gets the place of the value at ``route``."""
        if isinstance(error, InputErrors):
            for single in error.errors:
                self.take(single, *route)
        elif error.location is None or error.location.line is None:
            own = self.document.own_route(route)
            message = error.message if error.location is None else str(error)  # in another file
            self.errors.append(InputError(message, self.document.changed(own) or self.document.place(own)))
        else:
            self.errors.append(error)

    def check(self) -> None:
        """Raise InputErrors with all errors, if there are any."""
        if self.errors:
            raise InputErrors(self.errors)
