"""What a file holds that was given in another's place, and where it goes: one table for all readers."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

from pullsim.formats.kubernetes.pod_templates import pod_templates
from pullsim.formats.oci.reader import recognised
from pullsim.inputs.fields import entries, text
from pullsim.inputs.told import counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_INIT: Final = "`pullsim init {file} -o scenario.yaml` makes a scenario of what they say"
#: Kinds that tell of a cluster and have no pods, and where a file of them goes.
ELSEWHERE: Final[Mapping[str, str]] = {
    "Event": "`pullsim fit {file}` fits a preset to them, `pullsim init {file} -o scenario.yaml` makes a scenario",
    "Node": "`pullsim init {file} -o scenario.yaml` makes pools of them",
    "KubeletConfiguration": "nodes[].kubelet: {file} takes it, and so does `pullsim init`",
    "NodeConfig": _INIT,
    "KubeletConfig": _INIT,
    "MachineConfig": _INIT,
    "NodePool": _INIT,
    "EC2NodeClass": _INIT,
    "CredentialProviderConfig": "nodes[].credentials.providers: {file} takes it",
    "Config": "it is a kubeconfig, whose credentials nothing here needs; `kubectl get pods -A -o json` has the pods",
    "Status": "it is an error that the API server answered: the command that was to write the file has failed",
}
#: By what `pullsim.formats.oci.reader.recognised` tells of a file of images, what it is called.
_IMAGES: Final[Mapping[str, str]] = {
    "index": "an image's index",
    "manifest": "an image's manifest",
    "schema 1": "an image's manifest",
    "config": "an image's config",
    "descriptor": "an image's descriptor",
}
_WITH_PODS: Final = ("Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob")


def kubernetes_objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield the Kubernetes objects of a parsed document: itself, or those of a List; items get their list's kind."""
    if not isinstance(tree, dict) or not (kind := text(tree, "kind")):
        return
    if kind == "List" or (kind.endswith("List") and isinstance(tree.get("items"), list)):
        of = kind.removesuffix("List")
        for item in entries(tree, "items"):
            yield from kubernetes_objects({"kind": of, **item} if of and not text(item, "kind") else item)
    elif "apiVersion" in tree or "metadata" in tree or "spec" in tree:
        yield tree


def has_pods(value: dict[str, Any]) -> bool:
    """Whether an object is a pod, or makes pods of a template that it has."""
    return text(value, "kind") in _WITH_PODS or next(pod_templates(value), None) is not None


def in_place_of_manifest(trees: Sequence[Any], file: str) -> str | None:
    """Say what the documents of a file are if nothing in them has pods, and where they go; None: nothing is known."""
    if len(trees) == 1 and isinstance(trees[0], dict) and {"nodes", "workloads"} <= trees[0].keys():
        return "this is a scenario, no manifest: it goes to `pullsim run` and the other commands"
    if found := without_pods(trees, file):
        return f"nothing in the file has pods: this is {found}"
    return None


def in_place_of_scenario(trees: Sequence[Any], file: str) -> str | None:
    """Say what the documents of a file are if they are no scenario, and where they go; None: nothing is known."""
    if found := without_pods(trees, file):
        return f"this is no scenario but {found}"
    objects = [each for tree in trees for each in kubernetes_objects(tree)]
    if not objects:
        return None
    kinds = counts(Counter(text(each, "kind") for each in objects))
    if not any(map(has_pods, objects)):
        return f"this is no scenario but a manifest of {kinds}, and nothing in it has pods"
    return (
        f"this is no scenario but a manifest of {kinds}: `pullsim init {quote(file)} -o scenario.yaml` makes a "
        "scenario of it, and `--nodes 3 --preset aws/m6i.xlarge-gp3` runs it on so many nodes"
    )


def without_pods(trees: Sequence[Any], file: str) -> str | None:
    """Return what the documents of a file are and where they go; None for pods, and for what is not known."""
    objects = [each for tree in trees for each in kubernetes_objects(tree)]
    if objects:
        kinds = Counter(text(each, "kind") for each in objects)
        goes = next((where for kind, where in ELSEWHERE.items() if kind in kinds), None)
        if goes is None or any(map(has_pods, objects)):
            return None
        return f"{counts(kinds)}: {goes.format(file=quote(file))}"
    kind, _ = recognised(trees[0], file) if len(trees) == 1 else (None, [])
    if kind is None:
        return None
    return f"{_IMAGES.get(kind, 'a list of images')}, which goes to images.manifests: {file}, or to `pullsim init`"
