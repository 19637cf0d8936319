"""The section ``autoscale`` of a node pool."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from pullsim.scenario.model.quantities import Duration, Section

MOST_NODES: Final = 100_000
Number = Annotated[int, Field(ge=0, le=MOST_NODES)]


class Autoscale(Section):
    """A pool that an autoscaler adds nodes to when pods fit nowhere, and takes empty nodes from.

    Pools are tried in the order of the file. A new node joins after its boot time, with nothing but `cached` on it, and
    is ready `join.ready` later. A node with a pod is not empty, running or pulling; pods of DaemonSets and prepulls do
    not count.
    """

    min: Number = Field(default=0, description="Least nodes: so many stay although they are empty.")
    max: Annotated[int, Field(ge=1, le=MOST_NODES)] = Field(
        description="Most nodes, those on their way among them. Pods that do not fit then stay pending."
    )
    boot: Duration = Field(description="Time from the request for a node until it joins.")
    scan_interval: Duration | None = Field(
        default=None,
        gt=0,
        description="Pending pods are looked at so often, as the Cluster Autoscaler does (10s); by default, as "
        "Karpenter does, when none has come for 1s, and after 10s at the latest. The same for all pools.",
    )
    consolidate_after: Duration | None = Field(
        default=None,
        description="Time after which an empty node leaves, from the last pod that came or ended; by default it stays.",
    )
    consolidation_policy: Literal["WhenEmpty", "WhenEmptyOrUnderutilized"] = Field(
        default="WhenEmpty",
        description="WhenEmptyOrUnderutilized, Karpenter's default: a node leaves too whose pods fit on other nodes, "
        "also while they pull; their controllers make new ones.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min:,}, more than max, {self.max:,}")
        if self.consolidation_policy != "WhenEmpty" and self.consolidate_after is None:
            raise ValueError(f"consolidationPolicy {self.consolidation_policy} needs consolidateAfter")
        return self
