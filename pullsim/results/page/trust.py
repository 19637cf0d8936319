"""What every page says of the model: how far off it was measured to be, and what it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.results.guesses import told
from pullsim.results.page.page import Section, Text
from pullsim.results.wording import percentage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.records import Guess
    from pullsim.results.model_error import ModelError

#: What is not simulated; docs/model.md, "What it leaves out", says the same.
LEFT_OUT: Final = (
    "packet loss, and congestion control of TCP beyond its slow start; connections share links fairly",
    "what goes on inside a registry, beyond its rates, round trips, quotas and faults",
    "the contents of files; layers that do not say what they unpack to are taken to grow by a usual ratio",
    "preemption of pods, what volumes do to placement, and the prices of nodes",
    "the time that sandboxes, starting containers and readiness take, unless the scenario gives it",
)


def trust(error: ModelError | None, guesses: Sequence[Guess] = ()) -> Section:
    """Return the section about the model, and about the figures that it was given."""
    if error is None:
        measured = "How far its times are from real ones was not measured for this runtime."
    elif not error.p90:
        measured = (
            f"Measured for {error.kind}: the kubelet's rules are followed exactly, durations of pulls were given."
        )
    else:
        measured = (
            f"Its predictions were compared with measurements ({error.kind}): half of them are within "
            f"{percentage(error.median)} of what was measured, nine in ten within {percentage(error.p90)}. Differences "
            "that are smaller than that mean little."
        )
    parts = [Text([measured])]
    if guesses:
        words = "Nobody gave these figures of the cluster, and they were guessed, what changes the results most first:"
        parts.append(Text([words], [told(guess) for guess in guesses]))
    parts.append(Text(["Not simulated, and so not in any figure here:"], [*LEFT_OUT]))
    return Section("How far to trust it", parts)
