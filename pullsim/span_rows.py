"""The time lines of a run's pods, kept in columns: hundreds of thousands of spans, of which few are ever read."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.records import Span, SpanRecord


class SpanRows(Sequence["SpanRecord"]):
    """The spans of pods in the order in which pods are added, and of a pod in time; read like a list, and only read.

    A row is made when it is read. `pullsim.rows.Rows` would need a row of each span when it is added, which takes as
    long as all the rest of time lines.
    """

    __slots__ = ("_begins", "_causes", "_ends", "_firsts", "_images", "_pods", "_stages")

    def __init__(self) -> None:
        self._pods: list[tuple[str | None, str, str]] = []  # node, namespace, name
        self._firsts: list[int] = []  # index of the first span of each pod
        self._stages: list[str] = []
        self._begins = array("d")  # seconds
        self._ends = array("d")  # seconds
        self._images: list[str | None] = []
        self._causes: list[str | None] = []

    def add(self, node: str | None, namespace: str, pod: str, spans: Sequence[Span]) -> None:
        """Append the spans of one pod."""
        if not spans:
            return
        self._pods.append((node, namespace, pod))
        self._firsts.append(len(self._stages))
        stages, begins, ends, images, causes = zip(*spans, strict=True)
        self._stages += stages
        self._begins.extend(begins)
        self._ends.extend(ends)
        self._images += images
        self._causes += causes

    def pods(self) -> Iterator[tuple[str | None, str, str, slice]]:
        """Yield node, namespace and name of the pods in the order in which they were added, and where their spans are.

        A pod that was added several times is there as often.
        """
        places = pairwise([*self._firsts, len(self)])
        for (node, namespace, name), place in zip(self._pods, places, strict=True):
            yield node, namespace, name, slice(*place)

    def __len__(self) -> int:
        return len(self._stages)

    def __iter__(self) -> Iterator[SpanRecord]:
        return map(self._row, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> SpanRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[SpanRecord]: ...
    def __getitem__(self, index: int | slice) -> SpanRecord | list[SpanRecord]:
        places = range(len(self))[index]
        return self._row(places) if isinstance(places, int) else [self._row(place) for place in places]

    def __eq__(self, other: object) -> bool:
        return [*self] == [*other] if isinstance(other, (SpanRows, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change, as a list can

    def __repr__(self) -> str:
        return repr([*self])

    def _row(self, index: int) -> SpanRecord:
        from pullsim.records import SpanRecord  # noqa: PLC0415  # `import pullsim` loads no records

        pod = self._pods[bisect_right(self._firsts, index) - 1]
        return SpanRecord(
            *pod,
            self._stages[index],
            self._begins[index],
            self._ends[index],
            self._images[index],
            self._causes[index],
        )
