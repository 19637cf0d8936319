"""The measured error of the model; differences between runs that are smaller than it mean little.

The figures are those of the comparisons in ``benchmarks/fidelity``, and in ``test_lab.py`` and ``test_lab_crio.py`` of
``tests/fidelity``; update them there and here together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class ModelError:
    """Relative error of predicted pull times: half of the cases are within ``median``, nine in ten within ``p90``."""

    kind: str  # what was compared
    median: float
    p90: float


#: The error by runtime. For a runtime that is not here nothing was measured.
MODEL_ERRORS: Final[Mapping[str, ModelError]] = {
    # Pulls of containerd 1.6.20 and 2.3.4 over a shaped link (tests/data/lab), without cases under 0.2 s.
    "containerd": ModelError("pulls of containerd in the lab", 0.02, 0.07),
    # Pulls of CRI-O 1.36.3 and 1.34.11 over the same link, those on which no cost was fitted.
    "crio": ModelError("pulls of CRI-O in the lab", 0.02, 0.06),
    # The simulated kubelet is within 2 ms of its recorded traces; durations of pulls are input, not predictions.
    "fixed": ModelError("the kubelet alone, with pulls of given duration", 0.0, 0.0),
}


def model_error(runtimes: Iterable[str]) -> ModelError | None:
    """Return the largest of the errors that were measured for the runtimes; None: nothing was."""
    known = [MODEL_ERRORS[runtime] for runtime in sorted(set(runtimes)) if runtime in MODEL_ERRORS]
    return max(known, key=lambda error: (error.median, error.p90), default=None)


def within(error: ModelError | None, a: float, b: float) -> bool:
    """Whether two different times or rates differ by less than the model's median error."""
    return error is not None and a != b and abs(b - a) < error.median * max(abs(a), abs(b))
