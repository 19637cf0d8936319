"""The time lines of a run's pods, kept in columns: hundreds of thousands of spans, of which few are ever read."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple, cast, overload

from pullsim.packed_column import PackedColumn, ValueTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.records import Span, SpanRecord
    from pullsim.scratch import Scratch
    from pullsim.span_columns import SpanColumns

_BLOCK: Final = 8192  # spans that are packed at a time, and the others of the pod that has the last of them
_ROOM: Final = 2048  # distinct texts of a field that its table may have
_FIRST: Final = attrgetter("first")


class _Begins:
    """A column of begins of spans: that of the first span of each pod, of others the end of the span before."""

    __slots__ = ("_begins", "_ends", "_firsts")

    def __init__(self, firsts: array[int], begins: array[float], ends: array[float]) -> None:
        """``firsts``: places of the pods' first spans, of which ``begins`` are the begins."""
        self._firsts = firsts
        self._begins = begins
        self._ends = ends

    def __iter__(self) -> Iterator[float]:
        begins = self._ends[-1:] + self._ends[:-1]
        for place, begin in zip(self._firsts, self._begins, strict=True):
            begins[place] = begin
        return iter(begins)

    def __getitem__(self, index: int) -> float:
        pod = bisect_right(self._firsts, index) - 1
        return self._begins[pod] if self._firsts[pod] == index else self._ends[index - 1]


def _chained(firsts: Sequence[int], begins: PackedColumn, ends: PackedColumn) -> PackedColumn:
    """Return begins in a form that needs few of them, if there are no gaps between the spans of a pod."""
    if not (isinstance(begins, array) and isinstance(ends, array)):
        return begins
    chained = _Begins(array("i", firsts), array("d", map(begins.__getitem__, firsts)), ends)
    return chained if array("d", chained).tobytes() == begins.tobytes() else begins


class _Block(NamedTuple):
    """The spans of some pods."""

    first: int  # index of the first span
    end: int  # index after the last one
    firsts: Sequence[int]  # index of the first span of each pod
    pods: Sequence[PackedColumn]  # node, namespace and name of each pod
    columns: Sequence[PackedColumn]  # stage, begin, end, image and cause of each span

    def row(self, index: int) -> SpanRecord:
        """Return a span by its index among those of all blocks."""
        from pullsim.records import SpanRecord  # noqa: PLC0415  `import pullsim` loads no records

        pod = bisect_right(self.firsts, index) - 1
        return SpanRecord(
            *(column[pod] for column in self.pods), *(column[index - self.first] for column in self.columns)
        )

    def loaded(self) -> _Block:
        """Return the block with its columns in memory."""
        from pullsim.scratch import loaded  # noqa: PLC0415  `import pullsim` must stay fast

        return self._replace(pods=[*map(loaded, self.pods)], columns=[*map(loaded, self.columns)])


class SpanRows(Sequence["SpanRecord"]):
    """The spans of pods in the order in which pods are added, and of a pod in time; read like a list, and only read.

    A row is made when it is read. `pullsim.rows.Rows` would need a row of each span when it is added, which takes as
    long as all the rest of time lines. As there, full blocks are packed, and may be on the disk.
    """

    __slots__ = ("_blocks", "_last", "_packed", "_rest", "_scratch", "_size", "_tables")

    def __init__(self, *, block: int = _BLOCK, scratch: Scratch | None = None) -> None:
        """``block`` is the number of spans that are packed at a time; ``scratch`` keeps most of them on the disk."""
        self._size = block
        self._scratch = scratch
        self._blocks: list[_Block] = []
        self._last: _Block | None = None  # the block that was read last, in memory
        self._packed = 0  # number of spans in blocks
        self._tables = [ValueTable() for _ in range(8)]  # of the columns of blocks
        self._rest = _columns()  # what is not packed yet

    def add(self, node: str | None, namespace: str, pod: str, spans: Sequence[Span]) -> None:
        """Append the spans of one pod."""
        if spans:
            rest = self._rest
            rest.add(len(self), node, namespace, pod, spans)
            if len(rest.stages) >= self._size:
                self._pack()

    def pods(self) -> Iterator[tuple[str | None, str, str, slice]]:
        """Yield node, namespace and name of the pods in the order in which they were added, and where their spans are.

        A pod that was added several times is there as often.
        """
        for block in (*self._blocks, self._last_block()):
            places = pairwise([*block.firsts, block.end])
            for (node, namespace, name), place in zip(zip(*block.pods, strict=True), places, strict=True):
                yield node, namespace, name, slice(*place)

    def __len__(self) -> int:
        return self._packed + len(self._rest.stages)

    def __iter__(self) -> Iterator[SpanRecord]:
        from pullsim.records import SpanRecord  # noqa: PLC0415  `import pullsim` loads no records

        for block in (*self._blocks, self._last_block()):
            spans = zip(*block.columns, strict=True)
            places = pairwise([*block.firsts, block.end])
            for pod, (first, end) in zip(zip(*block.pods, strict=True), places, strict=True):
                for span in islice(spans, end - first):
                    yield SpanRecord(*pod, *span)

    @overload
    def __getitem__(self, index: int) -> SpanRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[SpanRecord]: ...
    def __getitem__(self, index: int | slice) -> SpanRecord | list[SpanRecord]:
        places = range(len(self))[index]
        return self._row(places) if isinstance(places, int) else [*map(self._row, places)]

    def __eq__(self, other: object) -> bool:
        return [*self] == [*other] if isinstance(other, (SpanRows, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change, as a list can

    def __repr__(self) -> str:
        return repr([*self])

    def _row(self, index: int) -> SpanRecord:
        last = self._last
        if index >= self._packed:
            last = self._last_block()
        elif last is None or not last.first <= index < last.end:
            last = self._last = self._blocks[bisect_right(self._blocks, index, key=_FIRST) - 1].loaded()
        return last.row(index)

    def _last_block(self) -> _Block:
        """Return what is not packed yet."""
        rest = self._rest
        pods = (rest.nodes, rest.namespaces, rest.names)
        columns = (rest.stages, rest.begins, rest.ends, rest.images, rest.causes)
        return _Block(self._packed, len(self), rest.firsts, pods, columns)

    def _pack(self) -> None:
        """Pack the spans that are not packed yet into a block."""
        from pullsim.column_packer import pack  # noqa: PLC0415  `import pullsim` loads nothing that is compiled

        rest = self._last_block()
        lists = cast("list[Sequence[object]]", [*rest.pods, *rest.columns])
        columns = [pack(each, table, _ROOM) for each, table in zip(lists, self._tables, strict=True)]
        columns[4] = _chained([first - rest.first for first in rest.firsts], *columns[4:6])
        scratch = self._scratch
        if scratch is not None and len(self._blocks) >= scratch.after:
            for table in self._tables:
                scratch.share(table.values)
            columns = [*map(scratch.store, columns)]
        self._blocks.append(rest._replace(firsts=array("q", rest.firsts), pods=columns[:3], columns=columns[3:]))
        self._packed = rest.end
        self._rest = _columns()


def _columns() -> SpanColumns:
    from pullsim.span_columns import SpanColumns  # noqa: PLC0415  `import pullsim` loads nothing that is compiled

    return SpanColumns()
