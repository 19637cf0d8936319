"""The events of a run as ``kubectl get events -A -o json`` prints them: a List of Events of ``v1``.

The kubelets' events are those that their correlators let through, with counts and combined ones, in the words of each
node's release; the scheduler's are those of events.k8s.io, which ``v1`` shows with ``eventTime`` and without counts.
All of the run are there, as if the API server did not forget them after an hour (--event-ttl).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from pullsim.printable import json_text
from pullsim.results.event_correlator import ApiEvent, api_events
from pullsim.results.exports.api_values import micro_time, time, uid, unix_nanoseconds
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import TextIO

    from pullsim.records import PodRecord
    from pullsim.run import Result

_DEFAULT: Final = "default"  # the namespace of events about nodes (client-go/tools/record/event.go makeEvent)
_SCHEDULER: Final = "default-scheduler"
_KUBELET: Final = "kubelet"

Names = Callable[[str, str, float], str]


def write_events(result: Result, file: TextIO) -> None:
    """Write the events in the order of their last change; the run must have kept at least the pulls.

    Which containers are init containers is known of a run that kept statuses.
    """
    init = {
        (namespace, pod, container)
        for namespace, pod, container, kind in values(result.requests, "namespace", "pod", "container", "kind")
        if kind == "init_container"
    }
    happened: list[tuple[float, PodRecord | ApiEvent]] = [(_placed_at(pod), pod) for pod in _told(result)]
    happened += ((event.last, event) for event in api_events(result.events))
    happened.sort(key=itemgetter(0))
    name = _names()
    file.write('{"apiVersion": "v1", "items": [')
    for number, (_, each) in enumerate(happened):
        event = _of_kubelet(each, name, init) if isinstance(each, ApiEvent) else _of_scheduler(each, name)
        event["metadata"]["resourceVersion"] = str(number + 1)
        file.write(("," if number else "") + "\n" + json_text(dict(sorted(event.items()))))
    file.write('\n], "kind": "List", "metadata": {"resourceVersion": ""}}\n')


def _names() -> Names:
    """Return what names events: after their object and their nanosecond, the next one that is free.

    Models client-go/tools/record/event.go makeEvent; there no two events of an object have one nanosecond.
    """
    used: set[tuple[str, str]] = set()

    def name(namespace: str, about: str, at: float) -> str:
        nanosecond = unix_nanoseconds(at)
        while (namespace, found := f"{about}.{nanosecond:x}") in used:
            nanosecond += 1
        used.add((namespace, found))
        return found

    return name


def _of_kubelet(event: ApiEvent, name: Names, init: Collection[tuple[str, str, str]]) -> dict[str, Any]:
    namespace, about = event.namespace or _DEFAULT, event.pod or event.node
    part = ""
    if event.container is not None:
        kind = "initContainers" if (namespace, about, event.container) in init else "containers"
        part = f"spec.{kind}{{{event.container}}}"
    return {
        **_event(event.type, event.reason, event.message),
        "count": event.times,
        "eventTime": None,
        "firstTimestamp": time(event.first),
        "involvedObject": _pod(namespace, about, part) if event.pod else _node(event),
        "lastTimestamp": time(event.last),
        "metadata": _metadata(namespace, name(namespace, about, event.first), event.first),
        "reportingComponent": _KUBELET,
        "reportingInstance": event.node,
        "source": {"component": _KUBELET, "host": event.node},
    }


def _told(result: Result) -> Iterator[PodRecord]:
    """Yield the pods that the scheduler has an event about: those with a node, and those that never got one."""
    return (pod for pod in chain(result.pods, result.prepulls) if pod.scheduled is not None or pod.message is not None)


def _placed_at(pod: PodRecord) -> float:
    return pod.created if pod.scheduled is None else pod.scheduled


def _of_scheduler(pod: PodRecord, name: Names) -> dict[str, Any]:
    """Return the scheduler's event, Scheduled or FailedScheduling (pkg/scheduler/schedule_one.go)."""
    at = _placed_at(pod)
    if pod.scheduled is not None:
        text = f"Successfully assigned {pod.namespace}/{pod.pod} to {pod.node}"
        event, action = _event("Normal", "Scheduled", text), "Binding"
    else:
        event, action = _event("Warning", "FailedScheduling", pod.message or ""), "Scheduling"
    return {
        **event,
        "action": action,
        "eventTime": micro_time(at),
        "firstTimestamp": None,
        "involvedObject": _pod(pod.namespace, pod.pod),
        "lastTimestamp": None,
        "metadata": _metadata(pod.namespace, name(pod.namespace, pod.pod, at), at),
        "reportingComponent": _SCHEDULER,
        "reportingInstance": f"{_SCHEDULER}-control-plane",
        "source": {},
    }


def _event(kind: str, reason: str, message: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Event", "message": message, "reason": reason, "type": kind}


def _metadata(namespace: str, name: str, created: float) -> dict[str, str]:
    return {
        "creationTimestamp": time(created),
        "name": name,
        "namespace": namespace,
        "resourceVersion": "",
        "uid": uid("event", namespace, name),
    }


def _pod(namespace: str, name: str, part: str = "") -> dict[str, str]:
    about = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": name,
        "namespace": namespace,
        "uid": uid("pod", namespace, name),
    }
    return {"apiVersion": "v1", "fieldPath": part, **about} if part else about


def _node(event: ApiEvent) -> dict[str, str]:
    """Return a kubelet's reference to its node, whose name stands for its uid too (pkg/kubelet/kubelet.go)."""
    return {"kind": "Node", "name": event.node, "uid": event.node}
