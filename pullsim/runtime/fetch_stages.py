"""The steps of getting one blob, and what time they took."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from pullsim.kernel.locks import Slots
from pullsim.records import Span
from pullsim.time_line import Division

if TYPE_CHECKING:
    from collections.abc import Iterable

    import simpy

    from pullsim.network.flows import Transfer
    from pullsim.records import Stages

DOWNLOAD: Final = ("download_egress", "download_connection", "download_nic")
_BEGIN: Final = itemgetter(2)


class DownloadSlots(Slots):
    """Slots that remember who gave the last one back."""

    __slots__ = ("_handing_over", "given_back_by")

    def __init__(self, env: simpy.Environment, count: int) -> None:
        super().__init__(env, count)
        self.given_back_by: Steps | None = None
        self._handing_over = False

    def give_back(self, fetch: Steps | None) -> None:
        """Release the slot of a layer's fetch, or of a manifest's or config's (None)."""
        self.given_back_by = fetch
        self.release()

    def pass_on(self, fetch: Steps) -> None:
        """Release the slot of a fetch that has ended well; the next one goes on at once, but not within another's."""
        self.given_back_by = fetch
        if self._handing_over:  # fetches that have nothing to do would be nested without a limit
            self.release()
        else:
            self._handing_over = True
            self.hand_over()
            self._handing_over = False

    def forget(self, fetches: Iterable[Steps]) -> None:
        """Forget the fetches of a pull that has ended."""
        if self.given_back_by is not None and self.given_back_by in fetches:
            self.given_back_by = None


class Steps(Division):
    """What a fetch was in, from when on; it takes note of its own download.

    A fetch that waits for a slot of its pull, which another one of the pull gives back, is in what that one was in: the
    slots only order what the pull has to do. Behind another pull, it is waiting.
    """

    __slots__ = ("_before", "_limited", "_marks", "_transfer", "bytes_until", "first_byte", "host", "received")

    def __init__(self, now: float) -> None:
        self.received = 0  # bytes of it that are there
        self.host: str | None = None  # that served it
        self.bytes_until = -1.0  # when bytes came last before they stopped
        self.first_byte = now
        self._before: Steps | None = None  # of the same pull, whose slot this one took over
        self._marks: list[tuple[str, float]] = []  # (stage, begin), in order
        self._transfer: Transfer | None = None
        self._limited = (0.0, 0.0, 0.0)  # as `limited`, of earlier transfers

    @property
    def limited(self) -> tuple[float, float, float]:
        """Seconds of the download so far limited by (egress, connection, NIC)."""
        if self._transfer is None:
            return self._limited
        egress, connection, nic = self._limited
        now_egress, now_connection, now_nic = self._transfer.limited
        return egress + now_egress, connection + now_connection, nic + now_nic

    def settle(self, limited: tuple[float, float, float]) -> None:
        """Say what limited the download, of which not all was told."""
        self._transfer, self._limited = None, limited

    @property
    def step(self) -> str:
        """What it is in."""
        return self._marks[-1][0] if self._marks else ""

    def enter(self, stage: str, now: float) -> None:
        """Begin a step."""
        self._marks.append((stage, now))

    def request(self, now: float) -> None:
        """Note that the blob is asked for."""
        self.enter("request", now)

    def begin(self, now: float, transfer: Transfer) -> None:
        """Note that the blob begins to come, or goes on."""
        self.enter("download", now)
        if self._transfer is None:
            self.first_byte = now
        else:
            self._limited = self.limited
        self._transfer = transfer

    def stall(self, now: float, *, begun: bool) -> None:
        """Note that nothing comes any more."""
        self.enter("stall", now)
        if begun:
            self.bytes_until = now

    @property
    def cause(self) -> str | None:
        """What the spans of its pull name while it is waited for."""
        return None

    def divide(self, begin: float, end: float) -> Stages:
        """Return what the fetch was in between ``begin`` and ``end``, while its pull waited for it."""
        stages: Stages = {}
        for fetch, stage, first, last in self._steps(begin, end):
            if stage != "download":
                stages[stage] = stages.get(stage, 0.0) + (last - first)
                continue
            for name, share in fetch._shares():  # noqa: SLF001  # of this class
                stages[name] = stages.get(name, 0.0) + (last - first) * share
        return stages

    def trace(self, begin: float, end: float) -> list[Span]:
        """Return the same in order; a download by its limits one after the other, as only their sums are known."""
        spans: list[Span] = []
        for fetch, stage, first, last in sorted(self._steps(begin, end), key=_BEGIN):
            if stage != "download":
                spans.append(Span(stage, first, last, None, fetch.cause))
                continue
            since = first
            for name, share in fetch._shares():  # noqa: SLF001  # of this class
                until = min(last, since + (last - first) * share)
                spans.append(Span(name, since, until, None, fetch.cause))
                since = until
            spans[-1] = spans[-1]._replace(end=last)
        return spans

    def _steps(self, begin: float, end: float) -> list[tuple[Steps, str, float, float]]:
        """Return (fetch, step, begin, end) of what went on, in no order."""
        steps: list[tuple[Steps, str, float, float]] = []
        spans = [(self, begin, end)]
        while spans:
            fetch, begin, until = spans.pop()
            for stage, since in reversed(fetch._marks):  # noqa: SLF001  # of this class
                if since >= until:
                    continue
                last, until = until, since
                first = max(since, begin)
                if last <= first:
                    break  # so are all that began before
                if stage == "slot" and fetch._before is not None:  # noqa: SLF001
                    spans.append((fetch._before, first, last))  # noqa: SLF001
                    continue
                steps.append((fetch, stage, first, last))
        return steps

    def _shares(self) -> list[tuple[str, float]]:
        """Return the stages of a download and what share of it each has."""
        limits = self.limited
        limited = sum(limits)
        if limited <= 0.0:  # too short to tell
            return [(DOWNLOAD[2], 1.0)]
        return [(name, seconds / limited) for name, seconds in zip(DOWNLOAD, limits, strict=True) if seconds]
