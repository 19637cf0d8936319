"""The section ``variation`` of a scenario, and that of a pool or of a preset: how figures vary."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pullsim.errors import shown
from pullsim.scenario.model.quantities import Section

#: A standard deviation of a natural logarithm: 0.1 is a tenth up or down, two times in three.
Spread = Annotated[float, Field(ge=0, le=3)]
Correlation = Annotated[float, Field(ge=-1, le=1)]
NONE, PRESET = "none", "preset"


class BetweenClusters(Section):
    """Spreads between clusters."""

    disk: Spread = Field(default=0.0, description="Of the disk's write rate, and of fsyncs and metadata writes.")
    unpack: Spread = Field(default=0.0, description="Of the speed of unpacking.")
    registry: Spread = Field(default=0.0, description="Of the registries' rates: a connection's and the egress.")
    latency: Spread = Field(default=0.0, description="Of the registries' round trips and times to the first byte.")


class BetweenNodes(Section):
    """Spreads between the nodes of a cluster."""

    disk: Spread = Field(default=0.0, description="Of the disk's write rate, and of fsyncs and metadata writes.")
    unpack: Spread = Field(default=0.0, description="Of the speed of unpacking.")


class CorrelationsOf(Section):
    """Correlations of the logarithms of what is drawn; a spread of 0 has none."""

    disk_unpack: Correlation = Field(
        default=0.0, description="Between clusters, of a pool: of the disk's write rate with the speed of unpacking."
    )
    registry_latency: Correlation = Field(
        default=0.0,
        description="Between clusters, of a registry: of its rates with its times. It is negative where higher rates "
        "go with sooner answers.",
    )
    node_disk_unpack: Correlation = Field(
        default=0.0, description="Between nodes: of the disk's write rate with the speed of unpacking."
    )


class DegreesOfFreedom(Section):
    """How often what is drawn is far off: degrees of freedom of Student's t, of which a spread is the scale then."""

    pull: Literal[2, 4] | None = Field(
        default=None, description="From pull to pull: 2 has heavy tails, 4 lighter ones. By default it is normal."
    )


class Spreads(Section):
    """How figures vary. A spread is the standard deviation of a natural logarithm; one that is not given is 0."""

    cluster: BetweenClusters = Field(default_factory=BetweenClusters, description="Between clusters.")
    node: BetweenNodes = Field(default_factory=BetweenNodes, description="Between nodes.")
    pull: Spread = Field(default=0.0, description="From pull to pull, of the speed of unpacking.")
    unpacked: Spread = Field(
        default=0.0,
        description="What layers unpack to, where only their compressed size is given; of each layer, the same on all "
        "nodes.",
    )
    model: Spread = Field(
        default=0.0,
        description="What all times of a run are off by because the model is: the scale of Student's t with 2 degrees "
        "of freedom.",
    )
    degrees_of_freedom: DegreesOfFreedom = Field(
        default_factory=DegreesOfFreedom, description="Of what is not normal but Student's t."
    )
    correlations: CorrelationsOf = Field(
        default_factory=CorrelationsOf, description="Which of these go together; by default none do."
    )


class PoolSpreads(Spreads):
    """How the nodes of a pool vary, and what is behind it."""

    clusters: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="Clusters that the figures are fitted on; with few, those of another cluster are less sure, and "
        "spreads between clusters are widened. By default they are taken as they are.",
    )
    rows: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Pulls that the figures are fitted on, for those who read them."
    )


class Variation(Spreads):
    """How figures vary in a run."""

    spreads: Literal["own", "preset"] = Field(
        default="own", description="`preset`: those of the pools and their presets; `own`: those given here."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = sorted(self.model_fields_set - {"spreads"})
        if self.spreads == PRESET and any(getattr(self, name) != getattr(Spreads(), name) for name in given):
            raise ValueError(f"spreads are those of the presets, and {given[0]} is given too: leave one of them out")
        return self


def _by_name(value: Any) -> Any:
    """Read the two words that stand for the whole section."""
    if isinstance(value, str):
        if value == NONE:
            return None
        if value == PRESET:
            return {"spreads": PRESET}
        raise ValueError(f"{shown(value)} is neither {NONE} nor {PRESET}, nor a mapping of spreads")
    return value


def _also_by_name(schema: dict[str, Any]) -> None:
    schema["anyOf"].insert(0, {"type": "string", "enum": [NONE, PRESET]})


VariationOf = Annotated[Variation | None, BeforeValidator(_by_name), Field(json_schema_extra=_also_by_name)]


def of_presets(value: Any) -> bool:
    """Whether the plain value of the section asks for the spreads of presets."""
    return value == PRESET or (isinstance(value, dict) and value.get("spreads") == PRESET)
