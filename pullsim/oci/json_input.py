"""JSON that people bring: read with errors that say the file, the place in it, the value and the rule."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from pullsim.errors import InputError, Location, shown
from pullsim.inputs import parse_json
from pullsim.oci.reference import InvalidReference, check_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object of a JSON file and its place: ``images[3].layers[0]``, empty for the whole file.

    Every accessor raises InputError when the value is not what it should be; ``optional`` accessors give None when
    the key is absent or null.
    """

    value: dict[str, Any]
    file: str
    place: str = ""

    @classmethod
    def parse(cls, text: str, file: str) -> JsonObject:
        """Parse a whole file, which must be one object."""
        value = parse_json(text, file)
        if not isinstance(value, dict):
            raise InputError(f"holds a JSON {_kind(value)}, an object is expected", Location(file))
        return cls(value, file)

    def fail(self, message: str) -> NoReturn:
        """Raise an InputError about this object."""
        raise InputError(f"{self.place}: {message}" if self.place else message, Location(self.file))

    def only(self, known: Collection[str]) -> None:
        """Refuse keys that are not known."""
        for key in self.value:
            if key in known:
                continue
            close = get_close_matches(key, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"
            self.fail(f"unknown key {shown(key)}{hint}")

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return self.value.get(key) is not None

    def text(self, key: str) -> str:
        """Give a string."""
        value = self.value.get(key)
        return value if isinstance(value, str) else self._wrong(key, "a string")

    def digest(self, key: str) -> str:
        """Give a digest, checked."""
        value = self.text(key)
        try:
            check_digest(value)
        except InvalidReference as error:
            self.fail(f"{key} {shown(value)}: {error}; a digest is sha256: and 64 lower-case hexadecimal digits")
        return value

    def count(self, key: str) -> int:
        """Give an integer that is not negative, and that a signed one of 64 bits can hold."""
        value = self.value.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
            return value
        return self._wrong(key, "an integer from 0 to 2^63 - 1")

    def optional_digest(self, key: str) -> str | None:
        """Give a digest or None."""
        return self.digest(key) if self.has(key) else None

    def optional_count(self, key: str) -> int | None:
        """Give a count or None."""
        return self.count(key) if self.has(key) else None

    def object(self, key: str) -> JsonObject:
        """Give an object inside this one."""
        value = self.value.get(key)
        return JsonObject(value, self.file, self._at(key)) if isinstance(value, dict) else self._wrong(key, "an object")

    def objects(self, key: str, most: int | None = None) -> Iterator[JsonObject]:
        """Give the objects of a list, of at most so many."""
        value = self.value.get(key)
        if not isinstance(value, list):
            self._wrong(key, "a list")
        if most is not None and len(value) > most:
            self.fail(f"{key} are {len(value):,}, the most that is read are {most:,}")
        for position, item in enumerate(value):
            place = f"{self._at(key)}[{position}]"
            if not isinstance(item, dict):
                raise InputError(f"{place} is a {_kind(item)}, an object is expected", Location(self.file))
            yield JsonObject(item, self.file, place)

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def _wrong(self, key: str, expected: str) -> NoReturn:
        if self.has(key):
            self.fail(f"{key} is {shown(self.value[key])}, {expected} is expected")
        self.fail(f"has no {shown(key)}, which must be {expected}")


def _kind(value: Any) -> str:
    kinds = {list: "list", str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return kinds.get(type(value), "object")
