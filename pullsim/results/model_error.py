"""How far the model is from reality, as measured: differences that are smaller are not worth a bet.

The figures are those of the comparisons in ``benchmarks/fidelity`` and ``tests/model/test_lab.py``; update them there
and here together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.results import metrics
from pullsim.runtime.spec import FixedSpec

if TYPE_CHECKING:
    from pullsim.cluster.spec import ClusterSpec


class ModelError(NamedTuple):
    """Relative error of predicted pull times: half of the cases are within ``median``, nine in ten within ``p90``."""

    kind: str  # what was compared
    median: float
    p90: float


#: Pulls of containerd 1.6.20 and 2.3.4 over a shaped link (tests/data/lab), without cases under 0.2 s.
CONTAINERD: Final = ModelError("pulls of containerd in the lab", 0.02, 0.09)
#: The kubelet's traces are met within 2 ms; durations of pulls are given, not predicted.
FIXED: Final = ModelError("the kubelet alone, with pulls of given duration", 0.0, 0.0)


def model_error(spec: ClusterSpec) -> ModelError:
    """Return the measured error for the kind of scenario that this is."""
    return FIXED if all(isinstance(node.spec.runtime, FixedSpec) for node in spec.nodes) else CONTAINERD


def within(error: ModelError, metric: str, a: float, b: float) -> bool:
    """Whether two values of a metric of time or rate, which differ, differ by less than the model's median error."""
    if metrics.dimension(metric) not in (metrics.SECONDS, metrics.RATE) or a == b:
        return False
    return abs(b - a) < error.median * max(abs(a), abs(b))
