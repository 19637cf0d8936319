"""The status of a pod as the API shows it: its row in `kubectl get pods`, which the kubelet updates in each sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.records import StatusRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullsim.kubelet.images.image_manager import Ensured
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.records import Recorder
    from pullsim.spec.pod import ContainerSpec, PodSpec

PENDING = "Pending"
RUNNING = "Running"


class ApiStatus:
    """The status of a pod in a run that records no statuses: nothing is computed and nothing is written."""

    wanted = False  # whether the status is written

    def tried(self, container: str, ensured: Ensured) -> None:
        """Note whether the image of a container could be had when its start was tried."""

    def show(
        self, at: float, inits: Sequence[ContainerSpec], mains: Sequence[ContainerSpec], *, init_runs: bool
    ) -> None:
        """Write the status of a sync that begins at ``at``, if it differs from the one written last.

        ``inits`` and ``mains`` are the containers that have not been started; ``init_runs`` tells that the last
        container that was started is an ordinary init container and has not exited.
        """


class RecordedApiStatus(ApiStatus):
    """The status of one pod, written when it changes.

    A sync computes the status before it does anything else, from the containers that the runtime had at the last relist
    and from the errors of earlier syncs (the reason cache). An error is therefore shown when the next sync begins.

    Models pkg/kubelet/kubelet.go SyncPod and pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses; the words are
    those of pkg/printers/internalversion/printers.go printPod, where sidecars count as containers since 1.29.
    """

    wanted = True

    def __init__(self, pod: PodStatus, record: Callable[[StatusRecord], None]) -> None:
        self._pod = pod
        self._record = record
        self._reasons: dict[str, tuple[str, str]] = {}  # the reason cache: (reason, message) by container
        self._shown: tuple[int, str, str | None] | None = None

    def tried(self, container: str, ensured: Ensured) -> None:
        """See `ApiStatus.tried`."""
        if ensured.reason is None:
            self._reasons.pop(container, None)
        else:
            self._reasons[container] = ensured.reason, ensured.message

    def show(
        self, at: float, inits: Sequence[ContainerSpec], mains: Sequence[ContainerSpec], *, init_runs: bool
    ) -> None:
        """See `ApiStatus.show`."""
        spec = self._pod.pod.spec
        done = len(spec.init_containers) - len(inits) - init_runs
        ready = sum(container.sidecar for container in spec.init_containers[:done])
        if done < len(spec.init_containers):
            waiting = None if init_runs else self._reasons.get(spec.init_containers[done].name)
            status = f"Init:{waiting[0]}" if waiting else f"Init:{done}/{len(spec.init_containers)}"
            shown = (ready, status, waiting[1] if waiting else None)
        else:
            ready += 0 if self._awaits_readiness(at) else len(spec.containers) - len(mains)
            shown = (ready, *self._main(spec, mains))
        if shown != self._shown:
            self._shown = shown
            self._record(_row(self._pod, at, *shown))

    def _awaits_readiness(self, at: float) -> bool:
        """Whether the pod takes time to become ready and is not: no regular container of it is ready before."""
        pod, wait = self._pod, self._pod.pod.spec.startup.ready
        return wait > 0 and (pod.started is None or at < pod.started + wait)

    def _main(self, spec: PodSpec, waits: Sequence[ContainerSpec]) -> tuple[str, str | None]:
        """Return the status of a pod whose init containers are done: that of its first waiting container, by name.

        The kubelet sorts the statuses of regular containers by name (pkg/kubelet/types/types.go
        SortedContainerStatuses), those of init containers as in the pod.
        """
        if not waits:
            return RUNNING, None
        default = "PodInitializing" if spec.init_containers else "ContainerCreating"
        return self._reasons.get(min(container.name for container in waits), (default, None))


NOT_WANTED: Final = ApiStatus()  # one object for all pods whose status is not recorded


def api_status(pod: PodStatus, recorder: Recorder) -> ApiStatus:
    """Return the status of a pod, which is written only if the recorder takes statuses."""
    return NOT_WANTED if recorder.status is None else RecordedApiStatus(pod, recorder.status)


def record_pending(pod: PodStatus, recorder: Recorder) -> None:
    """Write the row of a pod that was created and that no kubelet has synced yet."""
    if recorder.status is not None:
        recorder.status(_row(pod, pod.pod.created, 0, PENDING, None))


def record_end(pod: PodStatus, recorder: Recorder, at: float) -> None:
    """Write the row of a pod that has ended: Evicted, Completed, or Deleted, which `kubectl get pods` does not list."""
    if recorder.status is not None:
        recorder.status(_row(pod, at, 0, str(pod.ended), None))


def _row(pod: PodStatus, at: float, ready: int, status: str, message: str | None) -> StatusRecord:
    """Return the row of `kubectl get pods` for a pod from the time ``at`` on."""
    spec = pod.pod.spec
    containers = len(spec.containers) + sum(container.sidecar for container in spec.init_containers)
    return StatusRecord(
        at, pod.node, pod.namespace, pod.name, pod.pod.created, ready, containers, status, message or None
    )
