"""What starting a pod takes beside its pulls: durations that are given, not modelled."""

from __future__ import annotations

from pullsim.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Startup:
    """How long the steps of a pod's start take, in seconds; None: what the pod's node has, which is 0 by default.

    The steps are those of pkg/kubelet/kuberuntime/kuberuntime_manager.go SyncPod: the sandbox is created before the
    first image of the pod is requested, those of image volumes and init containers included, and each container is
    created and started once its image is there, before the next image is requested.
    """

    sandbox: float | None = None  # RunPodSandbox: the sandbox and its network, once for the pod
    container: float | None = None  # CreateContainer and StartContainer, for each container
    #: From the start of the last container until the pod is Ready: loading a model, the probes. No pod takes it from
    #: its node.
    ready: float = 0.0


AT_ONCE = Startup()  # every step takes no time, unless the node says otherwise
