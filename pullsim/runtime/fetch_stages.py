"""The stages that the fetch of one blob went through, and when."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.locks import Slots
from pullsim.registry.request import Download
from pullsim.time_line import add_span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.cri import Caller
    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Transfer
    from pullsim.oci.manifest import Layer
    from pullsim.records import Span, Stages
    from pullsim.time_line import TimeLine

_EGRESS: Final = "download_egress"
_CONNECTION: Final = "download_connection"
_NIC: Final = "download_nic"
_BEGIN: Final = itemgetter(2)
_OVER: Final[list[Any]] = []  # the stages of those that nobody asks for them any more
#: When a layer was unpacked: from, until, limited by (cpu | disk).
Unpacked = tuple[float, float, str]
_NOT_UNPACKED: Final = (None, None, None)


class DownloadSlots(Slots):
    """Slots that remember which fetch gave the last one back; containerd's unpack slots are of this class too."""

    __slots__ = ("_handing_over", "given_back_by")

    def __init__(self, env: Environment, count: int) -> None:
        super().__init__(env, count)
        self.given_back_by: LayerStages | None = None
        self._handing_over = False

    def give_back(self, fetch: LayerStages | None) -> None:
        """Release the slot of a layer's fetch, or of the fetch of a manifest or config (None)."""
        self.given_back_by = fetch
        self.release()

    def pass_on(self, fetch: LayerStages) -> None:
        """Release the slot of a fetch that has succeeded; the next fetch in the queue runs within this call.

        If that fetch passes its slot on within this call too, the slot is handed over by an event instead.
        """
        self.given_back_by = fetch
        if self._handing_over:  # a long row of fetches with nothing to do would exceed the depth of calls
            self.release()
        else:
            self._handing_over = True
            self.hand_over()
            self._handing_over = False

    def forget(self, fetches: Iterable[LayerStages]) -> None:
        """Forget the fetches of a pull that has ended."""
        if self.given_back_by is not None and self.given_back_by in fetches:
            self.given_back_by = None


class LayerStages(Download):
    """The stages of a process that fetches or unpacks one layer. It is the `Download` of its own blob.

    While a fetch waits for a slot that another fetch of the same pull gives back, its time goes to the stages of that
    other fetch, because the pull's own work is what it waits for. Behind the fetch of another pull, its time goes to
    the stage ``slot``.
    """

    __slots__ = (
        "_course",
        "_limited",
        "_slot_from",
        "_transfer",
        "bytes_until",
        "first_byte",
        "layer",
    )

    def __init__(self, layer: Layer, now: float) -> None:
        super().__init__()  # ``received`` are here the bytes of the blob that are on the node
        self.layer = layer
        self.bytes_until = -1.0  # time of the last bytes before the download stalled; -1: it has not stalled
        self.first_byte = now  # time of the first byte
        self._slot_from: LayerStages | None = None  # the fetch of the same pull that handed its slot over to this one
        #: The stages in order, each followed by the time at which it began: one list has the least memory.
        self._course: list[Any] = []
        self._transfer: Transfer | None = None
        self._limited = (0.0, 0.0, 0.0)  # what `limited` was before the present transfer

    @property
    def limited(self) -> tuple[float, float, float]:
        """Seconds of the download so far limited by (egress, connection, NIC)."""
        if self._transfer is None:
            return self._limited
        egress, connection, nic = self._limited
        now_egress, now_connection, now_nic = self._transfer.limited
        return egress + now_egress, connection + now_connection, nic + now_nic

    def settle(self, limited: tuple[float, float, float]) -> None:
        """Set the seconds of each limit (egress, connection, NIC), in place of those of the last transfer."""
        self._transfer, self._limited = None, limited

    @property
    def stage(self) -> str:
        """The current stage; "" before the first one."""
        stage: str = self._course[-2] if self._course else ""
        return stage

    def enter(self, stage: str, now: float) -> None:
        """Begin a stage, in place of one that has taken no time."""
        course = self._course
        if course:
            since: float = course[-1]
            if since == now:
                course[-2] = stage
                return
        course.append(stage)
        course.append(now)

    def forget_stages(self, clock: TimeLine) -> None:
        """Forget the stages of a fetch that has ended, and whose slot no other fetch of the pull has got.

        Those of the fetch that the slot came from are forgotten too, and so on up to one that ``clock``, the pull's,
        waits for.
        """
        fetch: LayerStages | None = self
        while fetch is not None and not clock.waits_for(fetch):
            before = fetch._slot_from  # noqa: SLF001  # of this class
            fetch._slot_from, fetch._course = None, _OVER  # noqa: SLF001
            fetch = before

    def request(self, now: float) -> None:
        """Note that the blob is requested."""
        self.enter("request", now)

    def begin(self, now: float, transfer: Transfer) -> None:
        """Note that the blob's bytes start to come, or come again after a stall."""
        self.enter("download", now)
        if self._transfer is None:
            self.first_byte = now
        else:
            self._limited = self.limited
        self._transfer = transfer

    def stall(self, now: float, *, begun: bool) -> None:
        """Note that no more bytes come; ``begun``: some have come before."""
        self.enter("stall", now)
        if begun:
            self.bytes_until = now

    @property
    def cause(self) -> str | None:
        """The digest of the layer, which the pull's spans give as their cause while the pull waits for it."""
        return self.layer.digest

    def divide(self, begin: float, end: float, spans: list[Span] | None, image: str | None) -> Stages:
        """Return the seconds by stage between ``begin`` and ``end``, an interval in which the pull waited for this.

        A download is known only as the sum of the seconds for each limit, so its spans are put one after the other.
        """
        stages: Stages = {}
        found = self._between(begin, end)
        for fetch, stage, first, last in found:
            if stage == "download":
                fetch._add_download(last - first, stages)  # noqa: SLF001  # of this class
            else:
                stages[stage] = stages.get(stage, 0.0) + (last - first)
        if spans is not None:
            found.sort(key=_BEGIN)
            for fetch, stage, first, last in found:
                if stage == "download":
                    fetch._trace_download(first, last, spans, image)  # noqa: SLF001
                else:
                    add_span(spans, stage, first, last, image, fetch.cause)
        return stages

    def _add_download(self, seconds: float, stages: Stages) -> None:
        """Add the seconds of a part of the download to the stages, in the shares of its limits."""
        for name, share in self._shares():
            stages[name] = stages.get(name, 0.0) + seconds * share

    def _trace_download(self, begin: float, end: float, spans: list[Span], image: str | None) -> None:
        """Append the spans of a download."""
        shares, since, cause = self._shares(), begin, self.cause
        last = len(shares) - 1
        for number, (name, share) in enumerate(shares):
            until = since + (end - begin) * share
            if number == last or until > end:
                until = end
            add_span(spans, name, since, until, image, cause)
            since = until

    def _between(self, begin: float, end: float) -> list[tuple[LayerStages, str, float, float]]:
        """Return (fetch, stage, begin, end) of each stage in the interval, in no particular order."""
        found: list[tuple[LayerStages, str, float, float]] = []
        spans = [(self, begin, end)]
        while spans:
            fetch, begin, until = spans.pop()
            course = fetch._course  # noqa: SLF001  # of this class
            for place in range(len(course) - 2, -1, -2):
                stage: str = course[place]
                since: float = course[place + 1]
                if since >= until:
                    continue
                last, until = until, since
                first = max(since, begin)
                if last <= first:
                    break  # the stages that began earlier lie before the interval too
                if stage == "slot" and fetch._slot_from is not None:  # noqa: SLF001
                    spans.append((fetch._slot_from, first, last))  # noqa: SLF001
                    continue
                found.append((fetch, stage, first, last))
        return found

    def _shares(self) -> list[tuple[str, float]]:
        """Return the stages of a download, and the fraction of the download in each."""
        egress, connection, nic = self.limited
        limited = egress + connection + nic
        if limited <= 0.0:  # the download was too short to know what limited it
            return [(_NIC, 1.0)]
        shares = []  # one by one, as this runs several times for each layer
        if egress:
            shares.append((_EGRESS, egress / limited))
        if connection:
            shares.append((_CONNECTION, connection / limited))
        if nic:
            shares.append((_NIC, nic / limited))
        return shares


class BlobFetch(LayerStages):
    """The fetch of one layer's blob by a pull, with the times for the layer's record, in seconds."""

    __slots__ = ("committed", "ended", "position", "queued", "recorded", "requested", "slot")

    def __init__(self, layer: Layer, position: int, now: float) -> None:
        super().__init__(layer, now)
        self.position = position  # 0 for the bottom layer of the image
        self.queued = self.slot = self.requested = self.ended = now
        self.committed: float | None = None  # when the whole blob was committed
        self.recorded = False  # whether the layer's record was written, if layers are recorded

    def record(
        self, node: str, caller: Caller, registry: str, downloaded: int, unpacked: Unpacked | None
    ) -> tuple[Any, ...]:
        """Return the fields of the layer's `LayerRecord`, which ends with the unpacking if the layer was unpacked.

        ``registry`` is the host in the record if `host` is unknown; ``downloaded``: bytes that this pull downloaded.
        """
        layer = self.layer
        egress, connection, nic = self.limited
        began, until, limit = unpacked or _NOT_UNPACKED
        return (
            node,
            caller.namespace,
            caller.pod,
            caller.image,
            self.position,
            layer.digest,
            layer.size,
            layer.unpacked,
            self.host or (registry if downloaded else "local"),
            downloaded,
            self.queued,
            self.slot,
            self.requested,
            self.first_byte,
            self.ended,
            self.committed,
            began,
            until,
            egress,
            connection,
            nic,
            limit,
        )
