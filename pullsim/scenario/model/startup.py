"""The sections ``startup`` of workloads and node pools."""

from __future__ import annotations

from pydantic import Field

from pullsim.scenario.model.quantities import Duration, Section


class NodeStartup(Section):
    """What starting a pod takes beside its pulls, of pods whose workload does not say: given durations."""

    sandbox: Duration | None = Field(
        default=None, description="The pod's sandbox and network, before its first pull (RunPodSandbox); by default 0."
    )
    container: Duration | None = Field(
        default=None,
        description="Each container, init containers too, after its pull (CreateContainer and StartContainer); by "
        "default 0.",
    )


class Startup(Section):
    """What starting a pod takes beside its pulls: given durations, which no node makes longer or shorter."""

    sandbox: Duration | None = Field(default=None, description="As of a node pool; by default what that has.")
    container: Duration | None = Field(default=None, description="As of a node pool; by default what that has.")
    ready: Duration | None = Field(
        default=None,
        description="From the start of the last container until the pod is Ready; by default 0, or of a manifest's "
        "containers the longest `initialDelaySeconds` of a readiness or startup probe.",
    )
