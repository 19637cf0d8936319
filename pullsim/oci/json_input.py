"""JSON files of users, read with errors that name the file, the place in it, the value and the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass
from pullsim.inputs import parse_json
from pullsim.inputs.suggestion import did_you_mean
from pullsim.oci.reference import InvalidReference, check_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object in a file, with its place there: ``images[3].layers[0]``, or empty for that of the whole file.

    Every accessor raises InputError if the value of the key has the wrong type or form. The accessors whose names begin
    with ``optional_`` return None if the key is absent or null.
    """

    value: dict[str, Any]
    file: str
    place: str = ""

    @classmethod
    def parse(cls, text: str, file: str) -> JsonObject:
        """Parse the text of a whole file. Raises InputError if it is not one JSON object."""
        value = parse_json(text, file)
        if not isinstance(value, dict):
            raise InputError(f"holds a JSON {_kind(value)}, an object is expected", Location(file))
        return cls(value, file)

    def fail(self, message: str) -> NoReturn:
        """Raise an InputError about this object."""
        raise InputError(f"{self.place}: {message}" if self.place else message, Location(self.file))

    def only(self, known: Collection[str]) -> None:
        """Raise InputError if the object has a key that is not in ``known``."""
        for key in self.value:
            if key in known:
                continue
            self.fail(f"unknown key {shown(key)}{did_you_mean(key, known)}")

    def has(self, key: str) -> bool:
        """Whether the object has the key with a value other than null."""
        return self.value.get(key) is not None

    def text(self, key: str) -> str:
        """Return the string at ``key``."""
        value = self.value.get(key)
        return value if isinstance(value, str) else self._wrong(key, "a string")

    def digest(self, key: str) -> str:
        """Return the digest at ``key``, after checking its form."""
        value = self.text(key)
        try:
            check_digest(value)
        except InvalidReference as error:
            self.fail(f"{key} {shown(value)}: {error}; a digest is sha256: and 64 lower-case hexadecimal digits")
        return value

    def count(self, key: str) -> int:
        """Return the integer at ``key``, which must be from 0 to 2^63 - 1."""
        value = self.value.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
            return value
        return self._wrong(key, "an integer from 0 to 2^63 - 1")

    def optional_digest(self, key: str) -> str | None:
        """Return the digest at ``key``, or None if it is absent."""
        return self.digest(key) if self.has(key) else None

    def optional_count(self, key: str) -> int | None:
        """Return the integer at ``key``, or None if it is absent."""
        return self.count(key) if self.has(key) else None

    def object(self, key: str) -> JsonObject:
        """Return the JSON object at ``key``."""
        value = self.value.get(key)
        return JsonObject(value, self.file, self._at(key)) if isinstance(value, dict) else self._wrong(key, "an object")

    def objects(self, key: str, most: int | None = None) -> Iterator[JsonObject]:
        """Yield the JSON objects of the list at ``key``, which may have at most ``most`` elements."""
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
        """Return the place of a key in the file."""
        return f"{self.place}.{key}" if self.place else key

    def _wrong(self, key: str, expected: str) -> NoReturn:
        """Raise InputError for a key that is absent, or whose value is not as ``expected``."""
        if self.has(key):
            self.fail(f"{key} is {shown(self.value[key])}, {expected} is expected")
        self.fail(f"has no {shown(key)}, which must be {expected}")


def _kind(value: Any) -> str:
    """Return the name of the JSON type of a value."""
    kinds = {list: "list", str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return kinds.get(type(value), "object")
