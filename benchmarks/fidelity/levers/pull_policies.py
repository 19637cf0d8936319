"""The images of a pod requested together, and equal pulls, against what has been published about them.

The seconds of the main image's pull are fitted to the starts of the unchanged kubelet; the starts with all images
requested together are judged. Pulls are of given duration, as links, disks and layers are not known.
"""

from __future__ import annotations

import statistics
from typing import Any, Final, NamedTuple

from benchmarks.fidelity.levers.pull import Check, fitted
from pullsim.run import run
from pullsim.scenario import from_mapping

SEEDS: Final = range(1, 6)
BUSYBOX: Final = 2.0  # seconds of the init container's pull; not said, a small image of Docker Hub
INIT: Final = 10.0  # seconds that the init container runs


class Pair(NamedTuple):
    """Two starts of a pod with one init container and one container, in seconds: without the change and with it."""

    image: str  # the main container's
    own: float
    together: float


#: https://github.com/lawrencegripper/hack-testingasyncpull README, commit 029f98e, the results with ordered pulls.
RESULTS: Final = (
    Pair("200 MB", 31.0, 13.0),
    Pair("200 MB", 29.0, 13.0),
    Pair("600 MB", 69.0, 21.0),
    Pair("600 MB", 31.0, 21.0),
)
#: https://github.com/kubernetes/kubernetes/issues/139841: pulls of docker.io/istio/proxyv2:1.10.2 by one node.
EQUAL: Final = 14


def checks() -> list[Check]:
    """Predict all rows."""
    return [*(check for each in RESULTS for check in _together(each)), _equal()]


def unsaid() -> list[str]:
    """Return a line for each source: what it did not say."""
    clusters = (
        "lawrencegripper/hack-testingasyncpull (kubernetes pull 88984): two clusters side by side, kubelets of 1.17 "
        "and of the pull. Not said: nodes, distance of the registry, layers, how long busybox took. In the first three "
        "pairs the pod with the change was up before its image could have come in the seconds that it took without: "
        "the pulls of the two clusters differed, as 69 and 31 s of equal runs show. Only the last pair can be judged."
    )
    equal = (
        "kubernetes issue 139841: 14 pods with one IfNotPresent image of 93 MB on a fresh node within six minutes. Not "
        "said: when each was bound, settings of the kubelet; the further pulls took 2 to 43 s each."
    )
    return [clusters, equal]


def _together(pair: Pair) -> list[Check]:
    pull = 1 / fitted(lambda rate: _start(1 / rate, []), pair.own, 1 / 120, 1.0)
    name = f"pod of {pair.image} that was up after {pair.own:.0f} s"
    return [
        Check(f"{name}; a pull of {pull:.0f} s", pair.own, _start(pull, []), "fitted"),
        Check(f"{name}, inPodParallel", pair.together, _start(pull, ["inPodParallel"]), "judged"),
    ]


def _start(pull: float, policies: list[Any]) -> float:
    """Return the mean seconds until the pod starts, where the main image takes ``pull`` seconds."""
    images = {"busybox:1": {"pull": f"{BUSYBOX}s"}, "main:1": {"pull": f"{pull}s"}}
    pod = {
        "initContainers": [{"name": "init", "image": "busybox:1", "run": f"{INIT}s"}],
        "containers": [{"name": "main", "image": "main:1"}],
    }
    return statistics.fmean(
        started
        for seed in SEEDS
        for started in (row.start_seconds for row in _run(images, [{"name": "pod", "pod": pod}], policies, seed).pods)
    )


def _equal() -> Check:
    """Count the pulls of one image that many pods want before it is there."""
    workloads = [{"name": "mesh", "pods": {"image": "proxy:1", "count": EQUAL}}]
    pulls = _run({"proxy:1": {"pull": "18.9s", "repull": "2s"}}, workloads, [], 1).pulls
    return Check("pulls of one image by its 14 pods on a node", EQUAL, len(pulls), "judged", "")


def _run(images: dict[str, Any], workloads: list[dict[str, Any]], policies: list[Any], seed: int) -> Any:
    node = {"name": "node", "runtime": {"fixed": {"images": images}}, "pullPolicies": policies}
    return run(from_mapping({"seed": seed, "nodes": [node], "workloads": workloads}), detail="pulls")
