"""What each metric means, by the pattern of its path; the first pattern that fits is its own."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

#: Figures of a distribution, by the last key of their path.
_FIGURES: Final = {
    "count": "how many",
    "mean": "mean",
    "p50": "half took no longer",
    "p90": "90 % took no longer",
    "p95": "95 % took no longer",
    "p99": "99 % took no longer",
    "p99.9": "99.9 % took no longer",
    "max": "the longest",
    "never": "how many never came to that",
}
#: Distributions, whose metrics end with one of _FIGURES.
_DISTRIBUTIONS: Final = (
    ("pods.startOfStarted", "from a pod's creation to its start, of those that started"),
    ("pods.readyOfReady", "from a pod's creation until it is Ready, of those that were"),
    ("*.start", "from a pod's creation to its start"),
    ("*.ready", "from a pod's creation until it is Ready"),
    ("pulls.pull", "a pull in the runtime"),
    ("pulls.queue", "a pull's wait in the kubelet's queue"),
    ("pulls.includingWaiting", "a pull with its wait in the queue"),
    ("autoscaling.*.life", "from when a node of the pool joined until it left"),
    ("prepulls.*.seconds", "from the creation of a node's prepull pod until all images are there"),
)
_MEANINGS: Final = (
    ("end", "when the run ended"),
    ("nodes", "nodes of the scenario"),
    ("*.total", "pods"),
    ("*.started", "pods that started"),
    ("*.notStarted", "pods that never started, withdrawn ones too"),
    ("*.notStartedByReason.*", "pods that never started, by what kubectl shows"),
    ("*.withdrawn", "pods that nobody waits for any more, and that were not ready"),
    ("pods.deadlines", "pods that were given a time to start in"),
    ("*.missedDeadlines", "pods that had not started by their deadline"),
    ("pods.notReady", "pods that never were Ready"),
    ("pods.lastReadyAt", "when the last pod became Ready"),
    ("pods.perMinute.mean", "pods that became Ready a minute, from the first creation to the last of them"),
    ("pods.perMinute.peak", "the same in the best window"),
    ("*.window", "length of the window of the peak"),
    ("pools.*", "nodes of the pool"),
    ("pulls.total", "pulls that ended"),
    ("pulls.ok", "pulls that succeeded"),
    ("pulls.failed", "pulls that failed"),
    ("pulls.failuresByCause.*", "pulls that failed, by cause"),
    ("pulls.underWay", "pulls queued or running at the end of the run"),
    ("pulls.backoffs", "looks of a kubelet that found an image in back-off"),
    ("bytes.downloaded", "compressed bytes of layers that pulls fetched"),
    ("bytes.bySource.*", "the same, by the host that served them"),
    ("bytes.local", "compressed bytes of images pulled that were on the node already"),
    ("bytes.perSecond.mean", "rate of downloads, from the first to the last byte"),
    ("bytes.perSecond.peak", "the same in the best window"),
    ("layers.fetched", "layers that pulls fetched"),
    ("layers.reused", "layers that pulls found on the node"),
    ("housekeeping.removed.*.images", "images that kubelets removed, by reason"),
    ("housekeeping.removed.*.counted", "what the kubelet counted as freed by that"),
    ("housekeeping.removed.*.freed", "what came back of the disk by that"),
    ("housekeeping.refetched", "bytes fetched that the node had before"),
    ("housekeeping.refetchedShare", "the same as a part of all fetched"),
    ("housekeeping.evictedPods", "pods evicted as their node's disk was full"),
    ("housekeeping.disks.*.nodes", "nodes of the pool whose disk has a size"),
    ("housekeeping.disks.*.capacity", "size of the smallest disk of the pool"),
    ("housekeeping.disks.*.peak", "most that was used at a time on a node of the pool"),
    ("housekeeping.disks.*.peakShare", "the largest part of a disk that was used at a time"),
    ("rollouts.*.beganAt", "when the update began"),
    ("rollouts.*.completedAt", "when all pods were new and available"),
    ("rollouts.*.seconds", "how long the update took"),
    ("rollouts.*.replicas", "pods that there should be at the end of the run"),
    ("rollouts.*.updated", "new pods that are available at the end of the run"),
    ("rollouts.*.created", "pods made from the new template"),
    ("rollouts.*.peak", "most pods at a time"),
    ("rollouts.*.lowest", "fewest available pods at a time"),
    ("churn.departures", "nodes that left"),
    ("churn.pods", "pods that were on them"),
    ("churn.cutPulls", "pulls that were cut as their node left"),
    ("churn.cutBytes", "bytes that these pulls had downloaded"),
    ("churn.successorsBytes", "bytes downloaded by nodes that joined in place of others"),
    ("churn.perDay.departures", "nodes that leave a day"),
    ("churn.perDay.pods", "pods that go with them a day"),
    ("churn.perDay.downloadedBytes", "bytes that all nodes download a day"),
    ("churn.perDay.cost", "price of what registries send a day, in their currency"),
    ("outages.*.beganAt", "when the fault of the registry began"),
    ("outages.*.endedAt", "when it ended"),
    ("outages.*.pods", "pods that it hit: a request met it while they pulled"),
    ("outages.*.never", "of them, those that never were Ready"),
    ("outages.*.lastUpAt", "when the last of them was Ready"),
    ("outages.*.lastUpAfter", "the same from the end of the fault"),
    ("autoscaling.*.asked", "nodes that the autoscaler asked for"),
    ("autoscaling.*.joined", "of them, those that joined"),
    ("autoscaling.*.removed", "nodes that left as they were empty"),
    ("autoscaling.*.movedPods", "pods that were on these, and had to begin anew"),
    ("autoscaling.*.cutPulls", "pulls that were cut by that"),
    ("autoscaling.*.peak", "most nodes of the pool at a time"),
    ("autoscaling.*.atEnd", "nodes of the pool at the end of the run"),
    ("autoscaling.*.nodeSeconds", "time of all its nodes, summed up"),
    ("prepulls.*.done", "nodes that got all images of the job"),
    ("prepulls.*.givenUp", "nodes that had not when the job's time was up, or when they left"),
    ("prepulls.*.underWay", "nodes that were pulling at the end of the run"),
    ("prepulls.*.lastAt", "when the last node had all images"),
    ("prepulls.*.downloadedBytes", "bytes downloaded for the job"),
    ("time.seconds", "time of all pods until they were Ready, summed up"),
    ("time.stages.*.seconds", "the part of it in this stage"),
    ("time.stages.*.share", "the same as a share"),
    ("time.slowestPods", "the slowest 1 % of the pods, one at least"),
    ("time.slowestStages.*.seconds", "their time in this stage, summed up"),
    ("time.slowestStages.*.share", "the same as a share"),
    ("timeInStatus.*", "time of all pods in which kubectl showed this status, summed up"),
    ("bottleneck.seconds", "time of all pods for which the resource that bound made them wait"),
    ("bottleneck.share", "the same as a share of their time"),
    ("bottleneck.shares.*", "share of the pods' time for which this resource made them wait"),
    ("bottleneck.sharesOfPulls.*", "the same within pulls, without their queue"),
)


def meaning(path: str) -> str:
    """Return what a metric means; an empty text if it is unknown."""
    for figure, text in _FIGURES.items():
        if path.endswith(f".{figure}"):
            of = path.removesuffix(f".{figure}")
            what = next((what for pattern, what in _DISTRIBUTIONS if fnmatchcase(of, pattern)), None)
            if what is not None:
                return f"{what}: {text}"
    return next((text for pattern, text in _MEANINGS if fnmatchcase(path, pattern)), "")
