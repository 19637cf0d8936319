"""Nodes as their objects tell of them, and which of them are no nodes that can be simulated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.formats.kubernetes.tolerations import parse_taint
from pullsim.frozen import dataclass
from pullsim.inputs.fields import at, entries, mapping, text, texts
from pullsim.oci.platform import Platform
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.crio import CRIO
from pullsim.releases.kubelet import KUBELET
from pullsim.releases.release import Release, Releases, parse, written_text

if TYPE_CHECKING:
    from pullsim.importer.inventory import Found, Inventory
    from pullsim.importer.notes import Notes

INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
_OLD_INSTANCE_TYPE: Final = "beta.kubernetes.io/instance-type"
#: The label with the type of a node's boot disk on GKE.
BOOT_DISK: Final = "cloud.google.com/gke-boot-disk"
ZONES: Final = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
#: The beginnings of the keys of taints that come and go.
_PASSING: Final = (
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "karpenter.sh/disrupt",
    "karpenter.sh/unregistered",
)
_ROLE: Final = "node-role.kubernetes.io/"
#: Instance types that say nothing of the machine.
_NO_TYPES: Final = ("k3s", "rke2", "unknown", "none")
#: The runtimes that are simulated, by the scheme of ``containerRuntimeVersion``.
RUNTIMES: Final = {"containerd": ("containerd", CONTAINERD), "cri-o": ("crio", CRIO)}
#: Docker, and the release of containerd that stands in for it: both fetch three layers at a time and unpack one by one.
_DOCKER: Final = "docker"
_FOR_DOCKER: Final = "1.7"
#: Labels with the owner's name of a pool, the more telling ones first.
POOL_LABELS: Final = (
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "alpha.eksctl.io/nodegroup-name",
    "kops.k8s.io/instancegroup",
    "doks.digitalocean.com/node-pool",
    "lke.linode.com/pool-id",
    "k8s.scaleway.com/pool-name",
    "oke.oraclecloud.com/node-pool",
    "node.cluster.x-k8s.io/pool",
    "nodepool",
    "node-pool",
    "nodegroup",
    "pool",
)


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says of itself. Releases are major and minor; of a newer one than is known, the newest known."""

    found: Found
    platform: Platform
    kubelet: str
    runtime: tuple[str, str]  # the key of a scenario's ``runtime`` and the release
    pool: str | None  # the owner's name of its pool

    @property
    def name(self) -> str:
        """The node's name."""
        return self.found.name

    @property
    def labels(self) -> dict[str, str]:
        """The node's labels."""
        return self.found.labels

    @property
    def instance_type(self) -> str | None:
        """The type of the machine, if the label says one."""
        given = self.labels.get(INSTANCE_TYPE) or self.labels.get(_OLD_INSTANCE_TYPE)
        return None if not given or given.lower() in _NO_TYPES else given

    @property
    def zone(self) -> str | None:
        """The node's zone."""
        return next((zone for label in ZONES if (zone := self.labels.get(label))), None)

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of its roles, as kubectl shows them."""
        return _roles(self.found)

    @property
    def taints(self) -> tuple[str, ...]:
        """The taints that the owner has set, and not the node's condition or an autoscaler, as kubectl writes them."""
        found = set()
        for taint in entries(self.found.value, "spec", "taints"):
            key, value, effect = (text(taint, field) for field in ("key", "value", "effect"))
            written = f"{key}={value}:{effect}" if value else f"{key}:{effect}"
            if not _passing(key) and _is_taint(written):
                found.add(written)
        return tuple(sorted(found))

    @property
    def cordoned(self) -> bool:
        """Whether it takes no new pods."""
        return at(self.found.value, "spec", "unschedulable") is True

    @property
    def ready(self) -> str:
        """The status of its condition Ready; empty if it has none."""
        conditions = entries(self.found.value, "status", "conditions")
        return next((text(each, "status") for each in conditions if text(each, "type") == "Ready"), "")

    def amount(self, resource: str, of: str = "allocatable") -> str | None:
        """Return what ``allocatable`` or ``capacity`` has of a resource, as it is written."""
        value = mapping(self.found.value, "status", of).get(resource)
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None

    @property
    def resources(self) -> set[str]:
        """The names of all resources."""
        return {*mapping(self.found.value, "status", "capacity"), *mapping(self.found.value, "status", "allocatable")}


def _passing(key: str) -> bool:
    """Whether a taint tells of a condition that passes: of the node, of an add-on that starts, of its removal."""
    return key.startswith(_PASSING) or key.endswith(("/agent-not-ready", "/not-ready"))


def _is_taint(written: str) -> bool:
    try:
        parse_taint(written)
    except ValueError:
        return False
    return True


def read_nodes(inventory: Inventory, notes: Notes) -> list[NodeFacts]:
    """Return the nodes that can be simulated, by name; of the others the notes say why they are left out."""
    found = []
    for each in inventory.of_kind("Node"):
        if reason := _reason(each):
            notes.tally("node", f"left out: {reason}", each.name)
        else:
            found.append(_facts(each, notes))
    for node in found:
        if node.cordoned:
            notes.tally("node", "cordoned, and counted all the same", node.name)
        if node.ready not in ("True", ""):
            notes.tally("node", f"not Ready ({node.ready}), and counted all the same", node.name)
    return found


def is_virtual(node: Found) -> bool:
    """Whether a node is no machine with a kubelet but stands for a service that runs pods."""
    taints = [text(taint, "key") for taint in entries(node.value, "spec", "taints")]
    marked = node.labels.get("type") == "virtual-kubelet" or "virtual-kubelet.io/provider" in taints
    return marked or "-vk-" in _info(node, "kubeletVersion")


def _info(node: Found, key: str) -> str:
    return text(node.value, "status", "nodeInfo", key)


def _reason(node: Found) -> str:
    """Return why a node cannot be simulated; empty if it can."""
    kubelet, runtime = _info(node, "kubeletVersion"), _info(node, "containerRuntimeVersion")
    if is_virtual(node):
        return "a virtual kubelet, which pulls nothing"
    if not kubelet:
        return "it says no kubelet release, as one that never reported"
    scheme, _, version = runtime.partition("://")
    if scheme not in (*RUNTIMES, _DOCKER):
        return f"its runtime {scheme} is not modelled" if scheme else "it says no container runtime"
    own = [] if scheme == _DOCKER else [(scheme, RUNTIMES[scheme][1], version)]
    for program, releases, text_ in (("kubelet", KUBELET, kubelet), *own):
        written = _written(text_)
        if written is None:
            return f"the release of its {program} cannot be read"
        if _minor(releases, written) is None:
            return f"{program} {written_text(written[:2])} is not modelled ({releases.text} are)"
    return ""


def _written(version: str) -> tuple[int, ...] | None:
    """Read major and minor of a release, with what distributions append; None for what is none."""
    try:
        return parse(".".join(version.removeprefix("v").split("-")[0].split("+")[0].split(".")[:3]))[:3]
    except ValueError:
        return None


def _minor(releases: Releases, written: tuple[int, ...]) -> Release | None:
    """Return the known release that stands for a written one; None where there is none."""
    try:
        return releases.resolve(written[:2])
    except ValueError:
        return None


def _facts(node: Found, notes: Notes) -> NodeFacts:
    system = (_info(node, "operatingSystem") or node.labels.get("kubernetes.io/os") or "linux").lower()
    machine = _info(node, "architecture") or node.labels.get("kubernetes.io/arch") or "amd64"
    try:
        platform = Platform.parse(f"{system}/{machine}")
    except ValueError:
        notes.tally("node", f"of the platform {system}/{machine}, which is not known: taken as linux/amd64", node.name)
        platform = Platform("linux", "amd64")
    if platform.os != "linux":
        notes.tally("node", f"with {platform.os}: simulated with the figures and the model of Linux", node.name)
    return NodeFacts(
        node,
        platform,
        _release("kubelet", KUBELET, _info(node, "kubeletVersion"), node, notes),
        _runtime(node, notes),
        _pool_name(node),
    )


def _runtime(node: Found, notes: Notes) -> tuple[str, str]:
    """Return the key of a scenario's ``runtime`` and the release; containerd stands in for Docker."""
    scheme, _, version = _info(node, "containerRuntimeVersion").partition("://")
    if scheme == _DOCKER:
        notes.tally("node", f"with Docker, which is not modelled: containerd {_FOR_DOCKER} stands in for it", node.name)
        return "containerd", _FOR_DOCKER
    key, releases = RUNTIMES[scheme]
    return key, _release(scheme, releases, version, node, notes)


def _release(program: str, releases: Releases, version: str, node: Found, notes: Notes) -> str:
    """Return major and minor of the release that stands for a node's, and warn if that is another one."""
    written = _written(version)
    assert written is not None  # nodes without one are left out
    release = releases.resolve(written[:2])
    if release[:2] != written[:2]:
        newest = written_text(release[:2])
        notes.tally(
            "node",
            f"with {program} {written_text(written[:2])}: it runs as {newest}, the newest that is known",
            node.name,
        )
    return written_text(release[:2])


def _roles(node: Found) -> tuple[str, ...]:
    return tuple(sorted(key.removeprefix(_ROLE) for key in node.labels if key.startswith(_ROLE) and key != _ROLE))


def _pool_name(node: Found) -> str | None:
    """Return the name that the owner has given to a node's pool, by its labels or its roles."""
    labelled = next((name for label in POOL_LABELS if (name := node.labels.get(label))), None)
    if labelled is not None:
        return labelled
    roles = _roles(node)
    k3s = "+k3s" in _info(node, "kubeletVersion") or text(node.value, "spec", "providerID").startswith("k3s://")
    if {"control-plane", "master"} & {*roles}:
        return "server" if k3s else "control-plane"
    return roles[0] if roles else "agent" if k3s else None


def node_images(node: Found) -> list[tuple[list[str], int | None]]:
    """Return names and size of each image in a node's list; what its size counts is a question of its runtime."""
    found = []
    for entry in entries(node.value, "status", "images"):
        size = entry.get("sizeBytes")
        found.append((texts(entry, "names"), size if type(size) is int and size > 0 else None))
    return found


def most_common(values: list[str]) -> str:
    """Return the most frequent text, of equals the first by name."""
    return min(Counter(values).items(), key=lambda each: (-each[1], each[0]))[0]
