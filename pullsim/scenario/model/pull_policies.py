"""The key ``pullPolicies`` of a pool: what its kubelets do with pulls that no kubelet does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    BeforeValidator,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from pullsim.errors import shown
from pullsim.inputs.suggestion import did_you_mean, nearest
from pullsim.scenario.model.quantities import Duration, Section
from pullsim.spec import pull_policies as spec

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue


def _limits(value: Any) -> Any:
    """Take a whole number from 1 on, or a mapping of registries to such numbers."""
    each = value if isinstance(value, Mapping) and value else {None: value}
    for host, limit in each.items():
        if type(limit) is not int or limit < 1:
            given = shown(limit) if host is None else f"{shown(host)}: {shown(limit)}"
            raise ValueError(
                f"{given} is no limit: a whole number from 1 on limits each registry, {{docker.io: 1}} one"
            )
    return value


def _wanted(value: Any) -> Any:
    """Take nothing but true, as a policy without settings is there or is not."""
    if value is not True:
        raise ValueError(f"{shown(value)} must be true")
    return value


#: A policy that has no settings.
Wanted = Annotated[Literal[True], BeforeValidator(_wanted)]
#: A limit of each registry, or limits by registry.
RegistryLimits = Annotated[
    int | dict[str, int],
    BeforeValidator(_limits),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "object", "minProperties": 1, "additionalProperties": {"type": "integer", "minimum": 1}},
            ]
        }
    ),
]
_EXAMPLES: Final = {"registryLimit": "2", "maxBackOff": "60s"}  # of those that need a value
_OF_PYTHON: Final = (
    "one of Python is known in the process that registered it (pullsim.register_pull_policy; a study needs processes=1)"
)
#: The policies that may be given by their names alone.
BARE: Final = tuple(name for name in spec.NAMES if name not in _EXAMPLES)


class Ordering(Section):
    """An order of waiting pulls."""

    ageing: Duration | None = Field(
        default=None,
        gt=0,
        description="A pull that has waited so long goes before all that have not, the oldest first; by default "
        "pulls do not age, and may starve.",
    )


class Recovery(Section):
    """The end of back-offs when a registry answers again."""

    jitter: Duration = Field(
        default=spec.ResetOnRecovery().jitter,
        description="Each retry comes after a delay of its own, at most this; where registryPullQPS is set, no two "
        "within the time of one token.",
    )


class PullPolicy(Section):
    """One policy: a name, or a mapping with that name as its only key."""

    coalesce: Wanted | None = Field(
        default=None,
        description="Requests for an image wait while an equal one is under way, then look again, each with its own "
        "policy and credentials; those with imagePullPolicy Always do not (kubernetes pull 139591).",
    )
    priority: Ordering | None = Field(
        default=None, description="Pulls of pods with a higher priority go first, of equal ones the oldest."
    )
    shortest_missing: Ordering | None = Field(
        default=None, description="The pull goes first of whose image the fewest compressed bytes are missing."
    )
    registry_limit: RegistryLimits | None = Field(
        default=None,
        description="Most pulls of one registry at a time: of each, or by host as in image names, {docker.io: 1}.",
    )
    queue_qps: Wanted | None = Field(
        default=None,
        alias="queueQPS",
        description="A pull without a token of registryPullQPS waits for one instead of failing.",
    )
    retry_at_expiry: Wanted | None = Field(
        default=None,
        description="The kubelet looks at a pod when its image back-off ends, not 10 to 15 s after it did.",
    )
    reset_on_recovery: Recovery | None = Field(
        default=None,
        description="A successful pull ends the back-offs of its registry's images on the node, except those of "
        "images that are not there or may not be pulled.",
    )
    in_pod_parallel: Wanted | None = Field(
        default=None, description="All images of a pod are requested together; containers start in order as ever."
    )
    max_back_off: Duration | None = Field(
        default=None, gt=0, description="Longest image back-off, instead of 5m; the first one is not longer."
    )
    registered: str | None = Field(
        default=None, description="A policy that Python code has registered (pullsim.register_pull_policy)."
    )

    @field_validator("registered")
    @classmethod
    def _is_registered(cls, name: str | None) -> str | None:
        if name is not None and spec.registered(name) is None:
            raise ValueError(f"{shown(name)} is no pull policy that is registered here; {_OF_PYTHON}")
        return name

    @model_validator(mode="before")
    @classmethod
    def _one_policy(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and [*data.values()] == [None]:  # YAML's "- priority:"
            (data,) = data
        if isinstance(data, str):
            data = _by_name(data)
        if isinstance(data, Mapping) and len(data) != 1:
            raise ValueError(
                f"an entry has one policy, not {len(data)}: [coalesce, {{priority: {{ageing: 60s}}}}] has two"
            )
        if isinstance(data, Mapping) and any(value is False for value in data.values()):
            raise ValueError(f"{shown(next(iter(data)))}: false must be left out, as a policy that is not wanted is")
        return data

    @classmethod
    def short_form(cls, mapping: JsonSchemaValue) -> JsonSchemaValue:  # noqa: ARG003
        """Return the JSON Schema of the name of the policy."""
        return {"type": "string", "examples": [*BARE]}

    @property
    def name(self) -> str:
        """The name of the policy; for one of Python the name that it was registered under."""
        if self.registered is not None:
            return self.registered
        (key,) = self.model_dump(by_alias=True, exclude_none=True)
        return str(key)


def _by_name(name: str) -> dict[str, Any]:
    """Return the mapping of a policy that is given by its name alone."""
    if name in BARE:
        return {name: {} if name in ("priority", "shortestMissing", "resetOnRecovery") else True}
    if name in spec.NAMES:
        raise ValueError(f"{name} needs a value: {{{name}: {_EXAMPLES[name]}}}")
    if spec.registered(name) is None:
        known = [*spec.NAMES, *spec.registered_names()]
        hint = did_you_mean(name, known) if nearest(name, known) else f"; {_OF_PYTHON}"
        raise ValueError(f"{shown(name)} is no pull policy{hint}")
    return {"registered": name}


def contradiction(policies: list[PullPolicy]) -> str | None:
    """Return a sentence about policies of a pool that contradict each other; None: they do not."""
    return spec.contradiction([policy.name for policy in policies])
