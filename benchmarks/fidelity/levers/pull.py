"""One pull of one image by a node that is described as a pool of a scenario is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.run import run
from pullsim.scenario import from_mapping
from pullsim.spec.unpack import UnpackSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HOST: Final = "registry.test"
IMAGE: Final = f"{HOST}/image:v1"
LEAST: Final = "at least"  # the role of a published figure that is a bound


class Check(NamedTuple):
    """A published figure beside the model's. ``role``: fitted (the model was given it) | judged | at least."""

    case: str
    published: float
    predicted: float
    role: str
    unit: str = "s"

    @property
    def space(self) -> str:
        """The unit, after a blank if there is one."""
        return f" {self.unit}" if self.unit else ""

    @property
    def error(self) -> float:
        """(predicted - published) / published."""
        return self.predicted / self.published - 1

    @property
    def verdict(self) -> str:
        """The error; of a bound, whether it holds."""
        if self.role == LEAST:
            return "holds" if self.predicted >= self.published else "missed"
        return f"{self.error:+.0%}"


def core(speed: float) -> dict[str, str]:
    """Return the costs of unpacking on a core that is so many times as fast as the lab's."""
    own = UnpackSpec()
    rates = {
        key: f"{speed * getattr(own, key) / 1e6:.2f}MB/s" for key in ("gzip", "stored", "unpigz", "igzip", "piped")
    }
    return {**rates, "perFile": f"{own.per_file / speed * 1e6:.3f}us"}


def seconds(
    image: Sequence[dict[str, Any]] | str, pool: dict[str, Any], registry: dict[str, Any] | None = None
) -> float:
    """Return the seconds of a pull; ``image``: layers, or the compressed size of an image whose layers are guessed."""
    described = {"size": image} if isinstance(image, str) else {"layers": list(image)}
    made = from_mapping(
        {
            "images": {"define": [{"image": IMAGE, **described}]},
            "registries": [{"host": HOST, **(registry or {})}],
            "nodes": [{"name": "node", **pool}],
            "workloads": [{"name": "pod", "pods": {"image": IMAGE}}],
        }
    )
    (pull,) = run(made).pulls
    assert pull.ok
    return pull.ended - pull.started


def fitted(of: Callable[[float], float], goal: float, low: float, high: float) -> float:
    """Return the value between ``low`` and ``high`` at which a falling function is ``goal``, by bisection."""
    for _ in range(20):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if of(middle) > goal else (low, middle)
    return (low * high) ** 0.5
