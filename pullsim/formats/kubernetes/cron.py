"""Schedules of CronJobs: five cron fields, or a name such as @hourly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

#: The date of time 0 of a run: midnight of Monday, 1 January 2024, where a week, a month and a year begin.
EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)
_DAY: Final = 24 * 60  # minutes
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
#: For each field its name, its lowest and highest value, and the names that values can have.
_FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, tuple(_MONTHS)),
    ("day of the week", 0, 6, tuple(_DAYS)),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The minutes at which a CronJob creates a Job, in UTC.

    If both day of the month and day of the week are restricted, a day need match only one of them; if either is ``*``,
    a day must match both. Models github.com/robfig/cron v3 ParseStandard, which pkg/controller/cronjob uses.
    """

    values: tuple[frozenset[int], ...]  # one set for each field: minute, hour, day of month, month, day of week
    either: bool  # whether one of day of the month and day of the week is enough

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a schedule. Raises ValueError for a text that is not a schedule."""
        fields = _NAMES.get(text.strip().lower(), text).split()
        if len(fields) != len(_FIELDS):
            names = ", ".join(_NAMES)
            raise ValueError(
                f"{shown(text)} has {len(fields)} fields; a schedule has five, as in 0 2 * * *, or is of {names}"
            )
        values = tuple(frozenset(_values(field, *limits)) for field, limits in zip(fields, _FIELDS, strict=True))
        return cls(values, not any(fields[n].startswith(("*", "?")) for n in (2, 4)))

    def times(self, after: float, until: float) -> Iterator[float]:
        """Yield the schedule's times in (``after``, ``until``], in seconds from the start of the run."""
        first, last = int(after // 60) + 1, int(until // 60)
        of_day = self._minutes_of_day()
        for day in self._days(first // _DAY, last // _DAY):
            begin = int(day) * _DAY
            yield from ((begin + minute) * 60.0 for minute in of_day if first <= begin + minute <= last)

    def count(self, after: float, until: float) -> int:
        """Return the number of times that `times` would yield, without producing them."""
        first, last = int(after // 60) + 1, int(until // 60)
        of_day = self._minutes_of_day()
        days = self._days(first // _DAY, last // _DAY)
        ends = {int(day) for day in (*days[:1], *days[-1:])}
        whole = len(of_day) * (len(days) - len(ends))
        return whole + sum(first <= day * _DAY + minute <= last for day in ends for minute in of_day)

    def _minutes_of_day(self) -> list[int]:
        minutes, hours, *_ = self.values
        return sorted(hour * 60 + minute for hour in hours for minute in minutes)

    def _days(self, first: int, last: int) -> NDArray[np.int64]:
        """Return the days from ``first`` to ``last``, counted from EPOCH, that match the schedule."""
        import numpy as np  # noqa: PLC0415  for the scenarios that have a CronJob

        _, _, days, months, weekdays = self.values
        numbers = np.arange(first, max(last + 1, first), dtype=np.int64)
        dates = np.datetime64(EPOCH.date(), "D") + numbers
        month_begins = dates.astype("datetime64[M]")
        day = np.isin((dates - month_begins).astype(np.int64) + 1, sorted(days))
        weekday = np.isin((numbers + EPOCH.isoweekday()) % 7, sorted(weekdays))
        month = np.isin(month_begins.astype(np.int64) % 12 + 1, sorted(months))
        found: NDArray[np.int64] = numbers[month & ((day | weekday) if self.either else (day & weekday))]
        return found


@dataclass(frozen=True, slots=True)
class RecordedTimes:
    """The times at which a CronJob was seen to create a Job, in place of its schedule; at most one in a minute."""

    seconds: tuple[float, ...]  # from the time on at which the CronJob is created

    def times(self, after: float, until: float) -> Iterator[float]:
        """Yield the times as `Schedule.times` does, where ``after`` is the creation of the CronJob."""
        return (at for each in self.seconds if (at := after + each) <= until)

    def count(self, after: float, until: float) -> int:
        """Return the number of times that `times` would yield."""
        return sum(1 for _ in self.times(after, until))


def _values(field: str, name: str, low: int, high: int, names: tuple[str, ...]) -> Iterator[int]:
    """Yield the values that one field of a schedule stands for. Raises ValueError."""
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if slash and not (step.isdigit() and int(step)):
            raise ValueError(f"{shown(part)} is no {name}: a step is a whole number above 0")
        if first in ("*", "?"):
            begin, end = low, high
        else:
            begin = _value(first, name, low, high, names)
            end = _value(last, name, low, high, names) if dash else high if slash else begin
        if end < begin:
            raise ValueError(f"{shown(part)} is no {name}: it ends before it begins")
        yield from range(begin, end + 1, int(step) if slash else 1)


def _value(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> int:
    """Read a number from ``low`` to ``high``, or one of its names. Raises ValueError."""
    if text.lower() in names:
        return names.index(text.lower()) + low
    if not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"{shown(text)} is no {name}: it is a number from {low} to {high}")
    return int(text)
