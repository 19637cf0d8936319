"""What decides where pods go: of nodes what they are and have, of pods what they ask for, as a Pod's spec says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from pullsim.errors import shown
from pullsim.formats.kubernetes.resources import check_name, parse_amount
from pullsim.formats.kubernetes.tolerations import parse_taint
from pullsim.scenario.model.quantities import Section
from pullsim.spec.scheduling import CPU, ZONE
from pullsim.units import parse_size, size_text

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

UNLIMITED: Final = "unlimited"
#: The most pods on a node, which the status of a node has among its resources.
PODS: Final = "pods"
_KEY: Final = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII)
_VALUE: Final = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_AMOUNT_TYPES: Final = {"type": ["string", "integer", "number"], "examples": ["15500m", "60GiB", 1]}


def _request(resource: str, value: Any) -> int:
    """Read an amount as Kubernetes writes it; one of bytes may end in B, as everywhere in a scenario."""
    check_name(resource)
    if isinstance(value, str) and value.endswith("B") and resource != CPU and "/" not in resource:
        return parse_size(value)
    return parse_amount(resource, value)


def _allocatable(resource: str, value: Any) -> int | None:
    if resource == PODS:
        return parse_amount(resource, value)
    return None if value == UNLIMITED else _request(resource, value)


def _paired(value: Any) -> Any:
    """Give each amount the name of its resource, by which it is read; null counts as absent."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{shown(value)} must be a mapping of resources to amounts: {{cpu: 4, memory: 16GiB}}")  # noqa: TRY004  # pydantic takes ValueError
    return {resource: (resource, amount) for resource, amount in value.items() if amount is not None}


def _written(amounts: dict[str, int | None]) -> dict[str, str | int]:
    return {resource: amount_text(resource, amount) for resource, amount in amounts.items()}


def amount_text(resource: str, amount: int | None) -> str | int:
    """Write an amount as a scenario has it: cpu in cores, bytes with a unit, other resources as numbers."""
    if amount is None:
        return UNLIMITED
    if resource == CPU:
        return f"{amount}m" if amount % 1000 else amount // 1000
    return amount if "/" in resource or resource == PODS else size_text(amount)


def _checked(labels: dict[str, str]) -> dict[str, str]:
    for key, value in labels.items():
        check_label(key, value)
    return labels


def check_label(key: str, value: str) -> None:
    """Raise ValueError for what the API server refuses as a label."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"{shown(key)} is no key of a label, which is NAME or DOMAIN/NAME of letters, digits, -_.")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"{key}: {shown(value)} is no value of a label, which has at most 63 letters, digits, -_.")


def _zone(name: str) -> str:
    check_label(ZONE, name)
    return name


_AMOUNTS_SCHEMA: Final = WithJsonSchema({"type": "object", "additionalProperties": _AMOUNT_TYPES})
_WRITER: Final = PlainSerializer(_written, return_type=dict[str, str | int])
_PAIRED: Final = BeforeValidator(_paired)
_Request = Annotated[int, BeforeValidator(lambda pair: _request(*pair))]
_Amount = Annotated[int | None, BeforeValidator(lambda pair: _allocatable(*pair))]
Requests = Annotated[dict[str, _Request], _PAIRED, _WRITER, _AMOUNTS_SCHEMA]
#: None: without limit.
Allocatable = Annotated[dict[str, _Amount], _PAIRED, _WRITER, _AMOUNTS_SCHEMA]
Labels = Annotated[dict[str, str], AfterValidator(_checked)]
Zone = Annotated[str, Field(min_length=1), AfterValidator(_zone)]
#: Fields of a Pod's spec, which `pullsim.formats.kubernetes` reads as it reads those of manifests.
PodField = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
PodFields = Annotated[list[dict[str, Any]], WithJsonSchema({"type": "array", "items": {"type": "object"}})]


class Taint(Section):
    """A taint of nodes. May be written as kubectl does: `key=value:NoSchedule`."""

    key: str = Field(min_length=1, description="Key.")
    value: str = Field(default="", description="Value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(description="Effect.")

    @model_validator(mode="before")
    @classmethod
    def _text(cls, data: Any) -> Any:
        if not isinstance(data, str):
            return data
        taint = parse_taint(data)
        return {"key": taint.key, "value": taint.value, "effect": taint.effect}

    @model_validator(mode="after")
    def _of_a_label(self) -> Self:
        check_label(self.key, self.value)  # keys and values of taints are written as those of labels
        return self

    @classmethod
    def short_form(cls, mapping: JsonSchemaValue) -> JsonSchemaValue:  # noqa: ARG003
        """Return the JSON Schema of the text."""
        return {"type": "string", "examples": ["gpu:NoSchedule"]}


class Placed(Section):
    """The fields of a Pod that say where it goes, in the forms that they have there."""

    labels: Labels = Field(default={}, description="Labels, for the selectors of pods.")
    node_selector: dict[str, str] = Field(default={}, description="Labels that its node must have.")
    affinity: PodField = Field(default={}, description="nodeAffinity, podAffinity and podAntiAffinity.")
    tolerations: PodFields = Field(default=[], description="Taints that do not keep it away.")
    topology_spread_constraints: PodFields = Field(
        default=[], description="How evenly pods spread over zones, nodes or other labels of nodes."
    )
    priority: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = Field(
        default=None,
        description="Pods of a higher priority get their nodes first; by default what the class says, or 0.",
    )
    priority_class_name: str | None = Field(
        default=None,
        description="PriorityClass: system-node-critical, system-cluster-critical, or one of a manifest.",
    )
