"""Prices: of bytes by the class of the links that they take, and of an hour of an accelerator."""

from __future__ import annotations

from fnmatch import fnmatchcase
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, get_args

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from pullsim.spec.scheduling import Amounts

#: The class of the path from a host to who receives its bytes. Beside it, bytes whose two sides are in different zones
#: are in the class crossZone too, whatever their path is: a NAT gateway in another zone costs both.
Link = Literal["free", "nat", "crossZone", "egress", "peer", "internet"]
LINKS: Final[tuple[Link, ...]] = get_args(Link)
FREE: Final = "free"
PEER: Final = "peer"
CROSS_ZONE: Final = "crossZone"
ANY: Final = "*"  # every accelerator without a price of its own
#: The extended resources that count as accelerators whether they have a price or not, as shell patterns: those of the
#: device plugins of NVIDIA (nvidia.com/gpu, its shared and MIG forms), AMD, Intel (gpu.intel.com/i915, /xe), Habana,
#: AWS Neuron, Google's TPUs and Huawei's Ascend.
ACCELERATORS: Final = (
    "*/gpu",
    "*/gpu.shared",
    "nvidia.com/mig-*",
    "gpu.intel.com/*",
    "*/gaudi",
    "aws.amazon.com/neuron*",
    "*/tpu",
    "*/npu",
    "huawei.com/Ascend*",
)


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per byte by class of link, and per hour of an accelerator, in one currency; none is built in."""

    currency: str = ""  # before amounts of money; "": amounts stand alone
    nat: float = 0.0  # per byte, as are the other classes
    cross_zone: float = 0.0  # per byte that crosses, both directions together
    egress: float = 0.0
    peer: float = 0.0
    internet: float = 0.0
    accelerators: tuple[tuple[str, float], ...] = ()  # per hour of one accelerator, by resource; ANY: all others
    pools: tuple[tuple[str, float], ...] = ()  # the same by pool of nodes, before that of the resource

    @property
    def hours(self) -> bool:
        """Whether accelerators have a price."""
        return bool(self.accelerators or self.pools)

    def of_link(self, link: str) -> Fraction:
        """Return the price of a byte in a class of link, exactly as it is written."""
        by_class = {
            "nat": self.nat,
            CROSS_ZONE: self.cross_zone,
            "egress": self.egress,
            PEER: self.peer,
            "internet": self.internet,
        }
        return exact(by_class.get(link, 0.0))

    def of_hour(self, resource: str, pool: str) -> Fraction | None:
        """Return the price of an hour of one accelerator on a node of a pool; None: it has none."""
        by_resource = dict(self.accelerators)
        price = dict(self.pools).get(pool, by_resource.get(resource, by_resource.get(ANY)))
        return None if price is None else exact(price)


def exact(price: float) -> Fraction:
    """Return the decimal number that a price was written as: 0.1 is a tenth, not the double next to it."""
    return Fraction(repr(price))


@lru_cache(maxsize=4096)
def accelerators(requests: Amounts, prices: Prices | None = None) -> Amounts:
    """Return which of the resources that a pod holds are accelerators: by their name, or as they have a price."""
    priced = () if prices is None else tuple(name for name, _ in prices.accelerators)
    return tuple(
        (name, amount)
        for name, amount in requests
        if amount and (name in priced or any(fnmatchcase(name, pattern) for pattern in ACCELERATORS))
    )
