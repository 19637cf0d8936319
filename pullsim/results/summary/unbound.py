"""The pods that got no node, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.results.wording import counted
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.run import Result

REASONS: Final = 3  # the most reasons that are told


def unbound(result: Result) -> Iterator[str]:
    """Yield a warning for each of the reasons for which most pods got no node."""
    reasons = Counter(message for message, node in values(result.pods, "message", "node") if message and node is None)
    for message, count in reasons.most_common(REASONS):
        yield f"{counted(count, 'pod')} got no node: {message}"
