"""What is found while a scenario is put together: mistakes, and what the user should know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pullsim.errors import InputError, InputErrors

if TYPE_CHECKING:
    from pullsim.inputs.document import Document


@dataclass(slots=True)
class Findings:
    """Collects; raises all mistakes at once at the end."""

    document: Document
    errors: list[InputError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # what may change the outcome and is not simulated
    ignored: list[str] = field(default_factory=list)  # what was read and cannot matter to pulls
    notes: list[str] = field(default_factory=list)  # what files of the node give: which limits hold

    def error(self, message: str, *route: str | int) -> None:
        """Note a mistake about the value at ``route``."""
        own = self.document.own_route(route)
        name = self.document.name(own)
        self.errors.append(InputError(f"{name}: {message}" if name else message, self.document.place(own)))

    def take(self, error: InputError, *route: str | int) -> None:
        """Note a mistake found elsewhere; one without a place is about the value at ``route``."""
        if isinstance(error, InputErrors):
            for single in error.errors:
                self.take(single, *route)
        elif error.location is None or error.location.line is None:
            own = self.document.own_route(route)
            message = error.message if error.location is None else str(error)  # a file that the scenario names
            self.errors.append(InputError(message, self.document.changed(own) or self.document.place(own)))
        else:
            self.errors.append(error)

    def check(self) -> None:
        """Raise InputErrors if there are mistakes."""
        if self.errors:
            raise InputErrors(self.errors)
