"""The pods that never started though somebody waits for them: which, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass
from pullsim.results.summary.groups import workload_name
from pullsim.results.summary.pods import waiting_reason
from pullsim.rows import values

if TYPE_CHECKING:
    from pullsim.run import Result

MOST: Final = 20  # groups that the summary has
_Key = tuple[str, str, str | None, str | None]  # workload, status, cause and message


@dataclass(frozen=True, slots=True)
class NeverStarted:
    """Pods of a workload that never started, for one reason, though somebody waits for them; the most pods first."""

    workload: str
    pods: int
    status: str  # as kubectl showed it last
    cause: str | None  # why their last failed pull failed, as in pulls.csv; None: no pull failed
    image: str | None  # of that pull; None where they were of several images, or pulls were not kept
    message: str | None  # why no node took them; None: they got a node


def never_started(result: Result) -> list[NeverStarted]:
    """Return the groups of pods with most pods."""
    columns = ("started", "withdrawn", "namespace", "workload", "pod", "node", "reason", "scheduled")
    found: Counter[_Key] = Counter()
    names: defaultdict[_Key, list[tuple[str, str]]] = defaultdict(list)  # of the pods whose last pull failed
    rows = zip(values(result.pods, *columns), values(result.pods, "cause", "message"), strict=True)
    for (started, withdrawn, namespace, workload, pod, node, reason, scheduled), (cause, message) in rows:
        if started is None and not withdrawn:
            status = waiting_reason(reason, scheduled)
            key = (workload_name(namespace, workload), status, cause, message if node is None else None)
            found[key] += 1
            if cause is not None:
                names[key].append((namespace, pod))
    images = _failed_images(result) if names else {}
    groups = []
    for key, count in found.most_common(MOST):
        workload, status, cause, message = key
        failed = {images.get(name) for name in names[key]}
        groups.append(NeverStarted(workload, count, status, cause, failed.pop() if len(failed) == 1 else None, message))
    return groups


def _failed_images(result: Result) -> dict[tuple[str, str], str]:
    """Return the image of the last failed pull of each pod, by its namespace and name."""
    pulls = values(result.pulls, "ok", "namespace", "pod", "image")
    return {(namespace, pod): image for ok, namespace, pod, image in pulls if not ok}
