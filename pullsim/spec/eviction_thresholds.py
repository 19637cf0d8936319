"""evictionHard and evictionSoft: the eviction thresholds of the disk, as the kubelet reads them.

Source: pkg/kubelet/eviction/helpers.go ParseThresholdConfig (parsing and messages) and
pkg/kubelet/eviction/defaults_linux.go. The kubelet refuses wrong thresholds when it starts, after it has validated the
KubeletConfiguration.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError
from pullsim.frozen import dataclass
from pullsim.units import format_duration_go, parse_duration_ns, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The eviction signals that depend on the simulated disk: nodefs and imagefs are one filesystem in this model.
DISK_SIGNALS: Final = ("nodefs.available", "imagefs.available")
SIGNALS: Final = frozenset(
    [
        *DISK_SIGNALS,
        "memory.available",
        "allocatableMemory.available",
        "nodefs.inodesFree",
        "imagefs.inodesFree",
        "containerfs.available",
        "containerfs.inodesFree",
        "pid.available",
    ]
)
#: The default thresholds of the disk's signals.
EVICTION_HARD: Final[Mapping[str, str]] = {"nodefs.available": "10%", "imagefs.available": "15%"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of space: ``size`` in bytes, or a ``share`` of the capacity (0 to 1, a Go float32)."""

    size: int | None = None
    share: float = 0.0

    def of(self, capacity: int) -> int:
        """Return the amount in bytes, for a disk of ``capacity`` bytes (eviction/api GetThresholdQuantity)."""
        return int(capacity * self.share) if self.size is None else self.size


@dataclass(frozen=True, slots=True)
class Threshold:
    """Eviction begins when less than ``value`` has been available for ``grace`` nanoseconds (0: a hard threshold)."""

    signal: str
    text: str  # the value as written
    value: Quantity
    grace: int = 0
    reclaim: Quantity | None = None  # evictionMinimumReclaim: eviction frees this much beyond the threshold
    reclaim_text: str = ""


def parse_thresholds(
    hard: Mapping[str, str] | None,
    soft: Mapping[str, str],
    grace_periods: Mapping[str, str],
    minimum_reclaim: Mapping[str, str],
    *,
    merge_defaults: bool = False,
) -> tuple[tuple[Threshold, ...], tuple[Threshold, ...]]:
    """Return the hard and the soft thresholds of the disk, ordered by their signals and not as in the file.

    A given ``hard`` replaces all default thresholds, unless ``merge_defaults`` is set (mergeDefaultEvictionSettings);
    None: the file does not give it. Raises InputError with the kubelet's own message for a threshold that it refuses.
    """
    if hard is None or merge_defaults:
        hard = {**EVICTION_HARD, **(hard or {})}
    try:
        values = [{signal: _threshold(signal, text) for signal, text in each.items()} for each in (hard, soft)]
        graces = {signal: _grace(signal, text) for signal, text in grace_periods.items()}
        reclaims = {signal: _reclaim(signal, text) for signal, text in minimum_reclaim.items()}
        for signal in soft:
            if values[1][signal] is not None and signal not in graces:
                raise ValueError(f"grace period must be specified for the soft eviction threshold {signal}")  # noqa: TRY301
    except ValueError as error:
        raise InputError(str(error)) from None
    return (
        tuple(
            Threshold(signal, hard[signal], value, 0, reclaims.get(signal), minimum_reclaim.get(signal, ""))
            for signal in DISK_SIGNALS
            if (value := values[0].get(signal)) is not None
        ),
        tuple(
            Threshold(
                signal, soft[signal], value, graces[signal], reclaims.get(signal), minimum_reclaim.get(signal, "")
            )
            for signal in DISK_SIGNALS
            if (value := values[1].get(signal)) is not None
        ),
    )


def effective_thresholds(hard: tuple[Threshold, ...], soft: tuple[Threshold, ...]) -> dict[str, Any]:
    """Return the fields of a KubeletConfiguration that give these thresholds; a field that is not needed is None."""
    reclaims = {each.signal: each.reclaim_text for each in (*hard, *soft) if each.reclaim is not None}
    off = dict.fromkeys(DISK_SIGNALS, "0%") if not hard else {}
    return {
        "evictionHard": {each.signal: each.text for each in hard} or off,
        "evictionSoft": {each.signal: each.text for each in soft} or None,
        "evictionSoftGracePeriod": {each.signal: format_duration_go(each.grace) for each in soft} or None,
        "evictionMinimumReclaim": reclaims or None,
    }


def _known(signal: str) -> None:
    if signal not in SIGNALS:
        raise ValueError(f"unsupported eviction signal {signal}")


def _threshold(signal: str, text: str) -> Quantity | None:
    """Read one threshold; None: its value switches it off (0% or 100%)."""
    _known(signal)
    if text in ("0%", "100%"):
        return None
    if text.endswith("%"):
        share = _share(text)
        if share < 0:
            raise ValueError(f"eviction percentage threshold {signal} must be >= 0%: {text}")
        if share > 1:
            raise ValueError(f"eviction percentage threshold {signal} must be <= 100%: {text}")
        return Quantity(share=share)
    size = parse_size(text) if not text.startswith("-") else -1
    if size <= 0:
        raise ValueError(f"eviction threshold {signal} must be positive: {text}")
    return Quantity(size)


def _grace(signal: str, text: str) -> int:
    _known(signal)
    grace = parse_duration_ns(text)
    if grace < 0:
        raise ValueError(f"invalid eviction grace period specified: {text}, must be a positive value")
    return grace


def _reclaim(signal: str, text: str) -> Quantity:
    _known(signal)
    if text.endswith("%"):
        share = _share(text)
        if share <= 0:
            raise ValueError(f"eviction percentage minimum reclaim {signal} must be positive: {text}")
        return Quantity(share=share)
    if text.startswith("-"):
        raise ValueError(f"negative eviction minimum reclaim specified for {signal}")
    return Quantity(parse_size(text))


def _share(text: str) -> float:
    """Read a percentage as a share of 1, rounded to single precision as Go does."""
    number = text.rstrip("%")
    try:
        return _single(_single(float(number)) / 100)
    except (ValueError, OverflowError):
        raise ValueError(f'strconv.ParseFloat: parsing "{number}": invalid syntax') from None


def _single(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded
