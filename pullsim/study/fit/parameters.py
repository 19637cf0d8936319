"""The figures that can be estimated: where they stand in a preset, where the search begins and how far it may go."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pullsim.frozen import dataclass
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec
from pullsim.units import duration_text, rate_text, size_text

FITTED: Final = "fitted"  # only if the data tell it
ALWAYS: Final = "always"  # where it was held too: without it the model has no such limit
NEVER: Final = "never"  # it is of the link of a measurement, not of a node or registry

#: Figures by the name of their parameter: bytes/s, bytes, seconds, or a plain factor.
Values = dict[str, float]

BACKGROUND: Final = 0.5  # of the limit: vm.dirty_background_ratio 10, vm.dirty_ratio 20

_REGISTRY: Final = RegistrySpec("")
_CONTAINERD: Final = ContainerdSpec()
_UNPACK: Final = _CONTAINERD.unpack


@dataclass(frozen=True, slots=True)
class Parameter:
    """A figure. ``name`` is its path in a preset; it is estimated as the logarithm of its ratio to ``default``."""

    name: str
    default: float
    kind: str  # rate | duration | size | factor
    meaning: str
    low: float  # the least and the most that is looked at
    high: float
    tries: tuple[float, ...] = ()  # where the search begins besides the default
    written: str = FITTED  # when a preset has it
    also: tuple[tuple[str, float], ...] = ()  # other figures of a preset that go with it, and their ratio to it

    def text(self, value: float) -> str:
        """Write a value with its unit, to three digits, as a preset has it."""
        rounded = float(f"{value:.3g}")
        if self.kind == "rate":
            return rate_text(rounded)
        if self.kind == "size":
            return size_text(round(rounded))
        return duration_text(rounded) if self.kind == "duration" else f"{rounded:g}"


def _parameter(
    name: str, default: float, kind: str, meaning: str, spread: float, *tries: float, **also: float
) -> Parameter:
    others = tuple((f"{name.rpartition('.')[0]}.{other}", ratio) for other, ratio in also.items())
    return Parameter(name, default, kind, meaning, default / spread, default * spread, tries, also=others)


def _always(parameter: Parameter) -> Parameter:
    return replace(parameter, written=ALWAYS)


GET: Final = _parameter("registry.firstByte", _REGISTRY.first_byte, "duration", "the registry's time for a GET", 1000)
FIRST_BYTE: Final = _parameter(
    GET.name, GET.default, "duration", "the registry's time for a request", 1000, 0.05, 0.3, head=1.0
)
NIC: Final = _parameter("nic", 10e9 / 8, "rate", "rate at which the node downloads", 1e4, 200e6, 40e6, 8e6)
EGRESS: Final = _always(_parameter("registry.egress", 1e9, "rate", "rate that all nodes share", 1e4, 5e9))
GZIP: Final = _parameter(
    "unpack.gzip", _UNPACK.gzip, "rate", "uncompressed bytes that a core unpacks", 100, 50e6, 300e6
)
STORED: Final = _parameter("unpack.stored", _UNPACK.stored, "rate", "the same of incompressible layers", 100)
PER_LAYER: Final = _parameter("unpack.perLayer", _UNPACK.per_layer, "duration", "time a layer", 1000, 30e-3)
PER_FILE: Final = _parameter("unpack.perFile", _UNPACK.per_file, "duration", "time a file", 1000)
DISK: Final = _always(_parameter("disk.write", 400e6, "rate", "sustained write rate of the disk", 1000, 120e6, 60e6))
CACHE: Final = _always(
    _parameter(
        "disk.pageCache.limit", 4e9, "size", "dirty bytes at which writes wait", 1000, 1e9, 12e9, background=BACKGROUND
    )
)
METADATA: Final = _parameter("metadata.write", _CONTAINERD.metadata_write, "duration", "a write of its database", 1000)
CONNECTION: Final = _parameter("registry.perConnection", 460e6, "rate", "highest rate of one connection", 1000)
WINDOW: Final = _parameter("registry.tcp.maxWindow", float(_REGISTRY.max_window), "size", "most in flight", 100)
SLOWER: Final = Parameter(
    "unpack.whileDownloading",
    _UNPACK.while_downloading,
    "factor",
    "unpacking takes longer by this while downloading",
    1,
    10,
)

#: What pulls can tell: of the network and the CPU, of the disk, of memory before the disk.
NODE: Final[tuple[Parameter, ...]] = (FIRST_BYTE, NIC, GZIP, PER_LAYER)
LAB: Final[tuple[Parameter, ...]] = (
    GET,
    METADATA,
    replace(EGRESS, written=NEVER),
    replace(CONNECTION, written=NEVER),
    replace(WINDOW, written=NEVER),
    SLOWER,
    PER_LAYER,
    GZIP,
    STORED,
    PER_FILE,
)
