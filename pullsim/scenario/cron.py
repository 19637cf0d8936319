"""Schedules of CronJobs: five fields, or a name such as @hourly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Time 0 of a run: midnight of a Monday that begins a month and a year.
EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)
_NAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS: Final = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS: Final = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
#: Name, lowest and highest value, and names of values, by field.
_FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, tuple(_MONTHS)),
    ("day of the week", 0, 6, tuple(_DAYS)),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The minutes at which a CronJob makes a Job, in UTC.

    Of day of the month and day of the week both must fit where one is ``*``, else either. Models
    github.com/robfig/cron v3 ParseStandard, which pkg/controller/cronjob uses.
    """

    values: tuple[frozenset[int], ...]  # by field
    either: bool  # day of the month or of the week

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a schedule. Raises ValueError."""
        fields = _NAMES.get(text.strip().lower(), text).split()
        if len(fields) != len(_FIELDS):
            names = ", ".join(_NAMES)
            raise ValueError(
                f"{text!r} has {len(fields)} fields; a schedule has five, as in 0 2 * * *, or is of {names}"
            )
        values = tuple(frozenset(_values(field, *of)) for field, of in zip(fields, _FIELDS, strict=True))
        return cls(values, not any(fields[n].startswith(("*", "?")) for n in (2, 4)))

    def times(self, after: float, until: float) -> Iterator[float]:
        """Yield the times later than ``after`` and not later than ``until``, in seconds of the run."""
        minute = int(after // 60) + 1
        while minute * 60 <= until:
            if self._fits(EPOCH + timedelta(minutes=minute)):
                yield minute * 60.0
            minute += 1

    def _fits(self, at: datetime) -> bool:
        minutes, hours, days, months, weekdays = self.values
        if at.minute not in minutes or at.hour not in hours or at.month not in months:
            return False
        day, weekday = at.day in days, at.isoweekday() % 7 in weekdays
        return day or weekday if self.either else day and weekday


def _values(field: str, name: str, low: int, high: int, names: tuple[str, ...]) -> Iterator[int]:
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if slash and not (step.isdigit() and int(step)):
            raise ValueError(f"{part!r} is no {name}: a step is a whole number above 0")
        if first in ("*", "?"):
            begin, end = low, high
        else:
            begin = _value(first, name, low, high, names)
            end = _value(last, name, low, high, names) if dash else high if slash else begin
        if end < begin:
            raise ValueError(f"{part!r} is no {name}: it ends before it begins")
        yield from range(begin, end + 1, int(step) if slash else 1)


def _value(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + low
    if not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"{text!r} is no {name}: it is a number from {low} to {high}")
    return int(text)
