"""The choice of the node that a pod is bound to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.cluster.scheduler.candidates import Candidates
from pullsim.cluster.scheduler.changes import Changes
from pullsim.cluster.scheduler.filters import (
    CONFLICT,
    NOT_NAMED,
    NOT_SELECTED,
    OTHER_NODE,
    admits,
    fits,
    named_nodes,
    refuses_always,
    refuses_now,
)
from pullsim.cluster.scheduler.ranking import Rankings
from pullsim.cluster.scheduler.signature import Signatures
from pullsim.cluster.scheduler.tally import Tallies
from pullsim.cluster.scheduler.topology import Topology
from pullsim.spec.selectors import requires, untolerated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pullsim.cluster.scheduler.node_info import NodeInfo
    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.spec.cluster import Owner
    from pullsim.spec.pod import Pod
    from pullsim.spec.scheduling import Taint

SPREAD, PACK, GIVEN = "spread", "pack", "given"


def _fewest(node: NodeInfo, _: Signature) -> int:
    return -node.pods


def _most(node: NodeInfo, _: Signature) -> int:
    return node.pods


#: What nodes are ranked by instead of the scores of the scheduler.
RANKS: Final[Mapping[str, Callable[[NodeInfo, Signature], int]]] = {SPREAD: _fewest, PACK: _most, GIVEN: _fewest}


class Placement:
    """Chooses a node for each pod, one after the other, as the default profile of kube-scheduler 1.35 does.

    A node is feasible if it passes the filters NodeUnschedulable, NodeName, TaintToleration, NodeAffinity, NodePorts,
    NodeResourcesFit, PodTopologySpread and InterPodAffinity. Of the feasible nodes the pod gets the one with the
    highest sum of the scores TaintToleration, NodeAffinity, NodeResourcesFit (LeastAllocated), PodTopologySpread,
    InterPodAffinity, NodeResourcesBalancedAllocation and ImageLocality with their default weights. With spread and
    pack it gets the feasible node with the fewest or the most pods; with given, only pods that name their node or pool
    are bound.

    On a tie it is the node with the fewest pods, then the one that joined first, where the scheduler chooses at random.
    Left out as well: that only some of the nodes of a cluster with more than 100 are scored, preemption, volumes, and
    Services as the reason to spread pods. An image that is being pulled does not count for ImageLocality; names are
    compared as written, so that `nginx` does not match `docker.io/library/nginx` in a node's status (kubernetes issues
    112699, 112573).
    """

    def __init__(self, how: str, owners: tuple[Owner, ...] = ()) -> None:
        """``how``: scheduler | imageLocality (the same) | spread | pack | given."""
        self._scored = how not in RANKS
        self._given = how == GIVEN
        self._nodes: dict[str, NodeInfo] = {}
        self._joined = 0  # number of nodes that have joined so far
        self._signatures = Signatures(owners)
        self._changes = Changes(self._nodes)
        self._rankings = Rankings(self._changes, RANKS.get(how))
        self._tallies = Tallies()
        self._ended = 0  # number of pods that have come to their end
        self._rules: dict[Signature, Topology] = {}
        self._with_terms: list[Signature] = []  # those of them that have inter-pod affinity
        self._candidates: dict[Signature, Candidates] = {}
        #: Why pods fit nowhere, with the number of changes so far; by signature and by the node that they name.
        self._explained: dict[tuple[Signature, str | None], tuple[tuple[int, int], str]] = {}

    def signature(self, pod: Pod) -> Signature:
        """Return the signature of a pod."""
        return self._signatures.of(pod)

    def waits_for_pods(self, pod: Signature) -> bool:
        """Whether another pod that is bound can make a node feasible for the pod."""
        return self._topology(pod).waits_for_pods

    def join(self, node: NodeInfo) -> None:
        """Add a node, without pods."""
        node.order = self._joined
        self._joined += 1
        self._nodes[node.name] = node
        self._tallies.join(node)
        self._changes.note(node)

    def remove(self, name: str) -> None:
        """Remove a node, which leaves the cluster."""
        node = self._nodes.pop(name)
        node.gone = True
        self._tallies.leave(node)
        self._changes.listed(node, {})
        self._changes.note(node)

    def taint(self, name: str, taint: Taint, *, tainted: bool) -> None:
        """Set or remove a taint of a node."""
        node = self._nodes[name]
        node.taint(taint, tainted=tainted)
        self._tallies.tainted(node)
        self._changes.note(node)

    def node(self, name: str) -> NodeInfo:
        """Return the node of that name. Raises KeyError if it is not there."""
        return self._nodes[name]

    def listed(self, node: NodeInfo, images: Mapping[str, int]) -> None:
        """Take the images of a node's status, unless the node has left: their bytes by name."""
        if not node.gone:
            self._changes.listed(node, images)

    def choose(self, pod: Pod) -> NodeInfo | None:
        """Choose a node for the pod and reserve a place on it; None: no node is feasible."""
        signature = self._signatures.of(pod)
        if pod.node is not None:
            named = self._nodes.get(pod.node)
            node = named if named is not None and self._takes(named, signature) else None
        elif self._given and pod.pool is None:
            node = None
        else:
            node = self._best(signature)
        if node is not None:
            self._reserve(node, signature)
        return node

    def reserve(self, name: str, pod: Pod) -> None:
        """Reserve a place for a pod on a node, whatever the filters say."""
        self._reserve(self._nodes[name], self._signatures.of(pod))

    def _reserve(self, node: NodeInfo, signature: Signature) -> None:
        if signature.has_terms:
            self._topology(signature)
        node.add(signature)
        self._tallies.bound(node, signature)
        self._changes.note(node)

    def ended(self, name: str, pod: Pod) -> None:
        """Note that a pod on a node is being deleted, was evicted, or has completed."""
        node, signature = self._nodes.get(name), self._signatures.of(pod)
        if node is not None:
            node.end(signature)
            self._tallies.ended(node, signature)
            self._ended += 1

    def leave(self, name: str, pod: Pod) -> None:
        """Free the place of a pod that is gone from a node, unless the node has left."""
        node, signature = self._nodes.get(name), self._signatures.of(pod)
        if node is not None:
            node.remove(signature)
            self._tallies.gone(node, signature)
            self._changes.note(node)

    def runs_daemon(self, name: str, pod: Pod) -> bool:
        """Whether a DaemonSet has a pod on a node.

        Models pkg/controller/daemon/daemon_controller.go NodeShouldRunDaemonPod.
        """
        node, signature = self._nodes[name], self._signatures.of(pod)
        allowed = untolerated(node.taints, signature.tolerations) is None
        return allowed and requires(signature.scheduling, name, node.labels)

    def explain(self, pod: Pod) -> str:
        """Return why a pod is bound nowhere, in the words of the event FailedScheduling.

        Models pkg/scheduler/framework/types.go FitError.Error, without what preemption adds to it.
        """
        key, moment = (self._signatures.of(pod), pod.node), (self._changes.count, self._ended)
        known = self._explained.get(key)
        if known is None or known[0] != moment:
            known = self._explained[key] = moment, self._explain(*key)
        return known[1]

    def _explain(self, pod: Signature, named: str | None) -> str:
        if not self._nodes:
            return "no nodes available to schedule pods"
        start = f"0/{len(self._nodes)} nodes are available: "
        names = named_nodes(pod.scheduling.required_nodes) if named is None or not pod.daemon else frozenset((named,))
        if names is not None and not names:
            return f"{start}{CONFLICT}."
        reasons = Counter(
            reason
            for node in self._nodes.values()
            for reason in ([NOT_NAMED] if names and node.name not in names else self._reasons(node, pod, named))
        )
        return f"{start}{', '.join(sorted(f'{count} {reason}' for reason, count in reasons.items()))}."

    def _reasons(self, node: NodeInfo, pod: Signature, named: str | None) -> list[str]:
        """Return the reasons of the first filter that refuses a node."""
        if named not in (None, node.name):
            return [OTHER_NODE]
        if always := refuses_always(node, pod):
            return [always]
        if now := refuses_now(node, pod):
            return now
        topology = self._topology(pod)
        # With the placement `given` a pod that names nothing passes all filters, and yet no node takes it.
        return [topology.refuses(topology.place(node)) or NOT_SELECTED]

    def _takes(self, node: NodeInfo, pod: Signature) -> bool:
        """Whether a pod may go to the node that it names: a controller's pods pass all filters, others the kubelet's.

        A pod that does not fit waits, although a kubelet would refuse it for good (OutOfcpu, OutOfpods).
        """
        if not fits(node, pod):
            return False
        if not pod.daemon:
            return admits(node, pod)
        if refuses_always(node, pod) is not None:
            return False
        topology = self._topology(pod)
        return topology.plain or topology.refuses(topology.place(node)) is None

    def _best(self, pod: Signature) -> NodeInfo | None:
        candidates = self._candidates.get(pod)
        if candidates is None:
            candidates = self._candidates[pod] = Candidates(
                pod, self._topology(pod), self._changes, self._rankings, scored=self._scored
            )
        return candidates.best()

    def _topology(self, pod: Signature) -> Topology:
        topology = self._rules.get(pod)
        if topology is None:
            topology = Topology(pod, self._tallies)
            topology.meet(self._with_terms)
            if pod.has_terms:
                self._with_terms.append(pod)
                for other in self._rules.values():
                    other.meet([pod])
            self._rules[pod] = topology
        return topology
