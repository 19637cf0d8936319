"""Manifests for KWOK, whose fake nodes then take as long to start pods as the nodes of the run.

KWOK's general stages of pods (kustomize/stage/pod/general) wait as two annotations of the pod say:
``STAGE.stage.kwok.x-k8s.io/delay`` and ``…/jitter-delay``. The delay is drawn evenly between the two, and a jitter that
is not above the delay is the delay itself (pkg/utils/lifecycle/lifecycle.go, Stage.Delay). A missing one counts as 1 s
and 5 s, so both are always set. The stage pod-create, which ends with the event "Created container", gets the time from
the pod's binding until its containers run; pod-ready what they take after that; the stages of init containers nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from pullsim.kernel.clock import nanoseconds
from pullsim.printable import json_text
from pullsim.results.statistics import percentile
from pullsim.results.wording import counted, qualified
from pullsim.units import format_duration_go

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TextIO

    from pullsim.records import PodRecord
    from pullsim.run import Result

_STAGE: Final = "{}.stage.kwok.x-k8s.io/{}"
_INIT: Final = ("pod-init-container-running", "pod-init-container-completed")
_NEVER: Final = 365 * 24 * 3600.0  # seconds that a pod gets that never started
#: The percentiles between which KWOK draws for a workload, in thousandths: otherwise the slowest few set the mean.
_LOW: Final = 50
_HIGH: Final = 950
_GROUPS: Final = {"Job": "batch/v1", "CronJob": "batch/v1"}  # of the others it is apps/v1

_LONGEST_LABEL: Final = 63  # letters of a label's value; names of objects have up to 253

Span = tuple[float, float]  # seconds, the shortest and the longest


def write_pods(result: Result, file: TextIO) -> None:
    """Write the nodes and the pods of a run, each pod bound to its node and as slow as it was there."""
    file.write("# The run in KWOK: kubectl apply -f kwok-pods.yaml, with KWOK's general stages of pods.\n")
    for namespace in sorted({pod.namespace for pod in result.pods} - {"default"}):
        file.writelines(_lines(["apiVersion: v1", "kind: Namespace", f"metadata: {{name: {json_text(namespace)}}}"]))
    for node, pool in result.pools.items():
        file.writelines(_lines(_node(node, pool)))
    first: dict[tuple[str, str], PodRecord] = {}
    for pod in sorted((pod for pod in result.pods if pod.node is not None), key=lambda pod: pod.created):
        if first.setdefault((pod.namespace, pod.pod), pod) is pod:  # a StatefulSet gives the name again
            file.writelines(_lines(_pod(pod)))


def write_workloads(result: Result, file: TextIO) -> None:
    """Write the annotations for the pod template of each workload with a controller, as an object to be applied."""
    file.write(
        "# kubectl apply --server-side --field-manager pullsim -f kwok-workloads.yaml, after your own manifests;\n"
    )
    file.write("# KWOK draws a pod's delay evenly between the 5th and the 95th percentile of the workload's pods.\n")
    pods = defaultdict(list)
    for pod in result.pods:
        pods[pod.namespace, pod.workload].append(pod)
    for (namespace, name), own in pods.items():
        kind = result.controllers.get((namespace, name))
        starts = sorted(_until_start(pod) for pod in own if pod.started is not None and pod.scheduled is not None)
        if kind is None or not starts:
            why = "no controller makes its pods" if kind is None else "none of its pods started"
            file.write(f"# {json_text(qualified(namespace, name))}: {why}\n")
            continue
        readies = sorted(pod.ready - pod.started for pod in own if pod.ready is not None and pod.started is not None)
        mean, most = sum(starts) / len(starts), starts[-1]
        about = f"{counted(len(starts), 'pod')}: from binding to running {mean:.1f} s on average, {most:.1f} s at most"
        file.writelines(_lines(_workload(kind, namespace, name, _annotations(_range(starts), _range(readies))), about))


def _workload(kind: str, namespace: str, name: str, annotations: Mapping[str, str]) -> Iterator[str]:
    yield f"apiVersion: {_GROUPS.get(kind, 'apps/v1')}"
    yield f"kind: {kind}"
    yield f"metadata: {{name: {json_text(name)}, namespace: {json_text(namespace)}}}"
    yield "spec:"
    indent = "  "
    if kind == "CronJob":
        yield f"{indent}jobTemplate:"
        yield f"{indent}  spec:"
        indent += "    "
    yield f"{indent}template:"
    yield f"{indent}  metadata:"
    yield f"{indent}    annotations:"
    for key, value in annotations.items():
        yield f"{indent}      {key}: {json_text(value)}"


def _node(name: str, pool: str) -> Iterator[str]:
    yield "apiVersion: v1"
    yield "kind: Node"
    yield "metadata:"
    yield f"  name: {json_text(name)}"
    yield "  annotations: {kwok.x-k8s.io/node: fake}"
    yield from _labels({"type": "kwok", "kubernetes.io/hostname": name, "pool": pool})
    yield "spec:"
    yield "  taints: [{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]"


def _pod(pod: PodRecord) -> Iterator[str]:
    started = _NEVER if pod.started is None or pod.scheduled is None else _until_start(pod)
    ready = _NEVER if pod.ready is None or pod.started is None else pod.ready - pod.started
    yield f"# created at {pod.created:.9g} s"
    yield "apiVersion: v1"
    yield "kind: Pod"
    yield "metadata:"
    yield f"  name: {json_text(pod.pod)}"
    yield f"  namespace: {json_text(pod.namespace)}"
    yield from _labels({"workload": pod.workload})
    yield "  annotations:"
    for key, value in _annotations((started, started), (ready, ready)).items():
        yield f"    {key}: {json_text(value)}"
    yield "spec:"
    yield f"  nodeName: {json_text(pod.node or '')}"
    yield "  containers:"
    for number, image in enumerate(pod.images):
        yield f"  - {{name: c{number}, image: {json_text(image)}}}"


def _labels(labels: Mapping[str, str]) -> Iterator[str]:
    """Yield the labels of an object; a name that is longer than a label's value may be is none.

    The API server refuses a whole object for it (apimachinery/pkg/util/validation/validation.go, IsValidLabelValue);
    names are those of Kubernetes' objects, whose letters a value may have too.
    """
    able = [f"{key}: {json_text(value)}" for key, value in labels.items() if len(value) <= _LONGEST_LABEL]
    yield f"  labels: {{{', '.join(able)}}}"


def _until_start(pod: PodRecord) -> float:
    """Return the seconds from a pod's binding until all its containers ran."""
    assert pod.started is not None
    assert pod.scheduled is not None
    return pod.started - pod.scheduled


def _range(ordered: Sequence[float]) -> Span:
    return (percentile(ordered, _LOW), percentile(ordered, _HIGH)) if ordered else (_NEVER, _NEVER)


def _annotations(create: Span, ready: Span) -> dict[str, str]:
    spans = {"pod-create": create, **dict.fromkeys(_INIT, (0.0, 0.0)), "pod-ready": ready}
    return {
        _STAGE.format(stage, name): format_duration_go(nanoseconds(seconds))
        for stage, span in spans.items()
        for name, seconds in zip(("delay", "jitter-delay"), span, strict=True)
    }


def _lines(document: Iterator[str] | list[str], comment: str = "") -> Iterator[str]:
    yield "---\n"
    if comment:
        yield f"# {comment}\n"
    for line in document:
        yield f"{line}\n"
