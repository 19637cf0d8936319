"""The events of a run as ``kubectl get events -A -o json`` prints them: a List of Events of ``v1``.

The kubelets' events are those that their correlators let through, with counts and combined ones, in the words of each
node's release; the scheduler's are those of events.k8s.io, which ``v1`` shows with ``eventTime`` and without counts.
All of the run are there, as if the API server did not forget them after an hour (--event-ttl).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from pullsim.printable import json_text
from pullsim.results.event_correlator import api_events
from pullsim.results.exports.api_values import micro_time, time, uid, unix_nanoseconds
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from pullsim.results.event_correlator import ApiEvent
    from pullsim.run import Result

_DEFAULT: Final = "default"  # the namespace of events about nodes (client-go/tools/record/event.go makeEvent)
_SCHEDULER: Final = "default-scheduler"
_KUBELET: Final = "kubelet"

Timed = tuple[float, dict[str, Any]]


def write_events(result: Result, file: TextIO) -> None:
    """Write the events in the order of their last change; the run must have kept at least the pulls.

    Which containers are init containers is known of a run that kept statuses.
    """
    name = _names()
    events = sorted(chain(_scheduled(result, name), _of_kubelets(result, name)), key=lambda event: event[0])
    file.write('{"apiVersion": "v1", "items": [')
    for number, (_, event) in enumerate(events):
        event["metadata"]["resourceVersion"] = str(number + 1)
        file.write(("," if number else "") + "\n" + json_text(dict(sorted(event.items()))))
    file.write('\n], "kind": "List", "metadata": {"resourceVersion": ""}}\n')


def _names() -> Callable[[str, str, float], str]:
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


def _of_kubelets(result: Result, name: Callable[[str, str, float], str]) -> Iterator[Timed]:
    init = {
        (namespace, pod, container)
        for namespace, pod, container, kind in values(result.requests, "namespace", "pod", "container", "kind")
        if kind == "init_container"
    }
    for event in api_events(result.events):
        namespace, about = event.namespace or _DEFAULT, event.pod or event.node
        part = ""
        if event.container is not None:
            kind = "initContainers" if (namespace, about, event.container) in init else "containers"
            part = f"spec.{kind}{{{event.container}}}"
        yield (
            event.last,
            {
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
            },
        )


def _scheduled(result: Result, name: Callable[[str, str, float], str]) -> Iterator[Timed]:
    """Yield the scheduler's events (pkg/scheduler/schedule_one.go); FailedScheduling of pods that never got a node."""
    for pod in chain(result.pods, result.prepulls):
        at, told = pod.created, None
        if pod.scheduled is not None:
            text = f"Successfully assigned {pod.namespace}/{pod.pod} to {pod.node}"
            at, told = pod.scheduled, (_event("Normal", "Scheduled", text), "Binding")
        elif pod.message is not None:
            told = _event("Warning", "FailedScheduling", pod.message), "Scheduling"
        if told is not None:
            event, action = told
            yield (
                at,
                {
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
                },
            )


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
