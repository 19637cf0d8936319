"""Amounts of resources: the requests of containers and pods, and what a node has to give."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import shown
from pullsim.inputs.core_schema import RawFloat
from pullsim.inputs.suggestion import like
from pullsim.spec.scheduling import CPU, MEMORY, STANDARD
from pullsim.units import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pullsim.formats.kubernetes.item import Item
    from pullsim.spec.scheduling import Amounts

HUGE_PAGES: Final = "hugepages-"
_EXTENDED: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII)
#: The resources that `spec.resources` of a pod may have (component-helpers, resource, helpers.go
#: IsSupportedPodLevelResource), those with huge pages apart.
_OF_PODS: Final = (CPU, MEMORY)


def check_name(resource: str) -> None:
    """Raise ValueError for a name that no resource of a container or a node can have."""
    if resource in STANDARD or resource.startswith(HUGE_PAGES) or _EXTENDED.fullmatch(resource):
        return
    near = like(resource, STANDARD)
    hint = f" (did you mean {near}?)" if near else ""
    rule = "a resource is cpu, memory, ephemeral-storage, hugepages-SIZE or has a domain, as nvidia.com/gpu"
    raise ValueError(f"{shown(resource)} is no resource{hint}; {rule}")


def parse_amount(resource: str, value: Any) -> int:
    """Return a quantity in the units of `pullsim.spec.scheduling`, rounded up. Raises ValueError for what is none.

    Source: pkg/scheduler/framework/types.go Resource.Add (MilliValue of cpu, Value of all others);
    pkg/apis/core/validation ValidateResourceQuantityValue (extended resources are whole numbers).
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{shown(value)} is no quantity, as 2, 500m or 64Gi")  # noqa: TRY004  # pydantic takes it
    quantity = parse_quantity(value.text if isinstance(value, RawFloat) else value)
    if "/" in resource and quantity.denominator != 1:
        raise ValueError(f"quantity {shown(str(value))} of {resource} must be a whole number")
    return math.ceil(quantity * 1000 if resource == CPU else quantity)


def read_amounts(item: Item, key: str) -> dict[str, int]:
    """Read the amounts at a key of an item. Raises InputError with the place of a wrong one."""
    amounts = {}
    for resource, value in item.mapping(key).value.items():
        try:
            check_name(resource)
            amounts[resource] = parse_amount(resource, value)
        except ValueError as error:
            item.fail(str(error), key, resource)
    return amounts


def written(amounts: Mapping[str, int]) -> Amounts:
    """Return amounts as `pullsim.spec.scheduling` keeps them: in the order of their names, without zeros."""
    return tuple(sorted((resource, amount) for resource, amount in amounts.items() if amount))


def pod_requests(pod: Item, missing: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return what a pod requests, its overhead included. Raises InputError for wrong quantities.

    ``missing`` is what a container requests of a resource of which it says nothing; by default nothing.
    Models component-helpers, resource, helpers.go PodRequests: regular containers and sidecars add up; while an init
    container runs, the pod needs what it requests beside the sidecars that began before it. ``spec.resources`` of the
    pod stands above that.
    """
    total: dict[str, int] = {}
    for container in pod.items("containers"):
        _add(total, {**(missing or {}), **_requests(container.mapping("resources"))})
    sidecars: dict[str, int] = {}
    most: dict[str, int] = {}
    for container in pod.items("initContainers"):
        requests = {**(missing or {}), **_requests(container.mapping("resources"))}
        if container.value.get("restartPolicy") == "Always":
            _add(total, requests)
            _add(sidecars, requests)
            requests = sidecars
        else:
            _add(requests, sidecars)
        _raise_to(most, requests)
    _raise_to(total, most)
    total |= _pod_level(pod.mapping("resources"), total)
    _add(total, read_amounts(pod, "overhead"))
    return total


def _requests(resources: Item) -> dict[str, int]:
    """Return a container's requests; a limit without a request is one.

    Source: pkg/apis/core/v1/defaults.go SetDefaults_Pod; pkg/apis/core/validation ValidateResourceRequirements.
    """
    resources.check_spelling(("requests", "limits", "claims"))
    requests, limits = read_amounts(resources, "requests"), read_amounts(resources, "limits")
    for resource, limit in limits.items():
        request = requests.setdefault(resource, limit)
        if request > limit:
            resources.fail(f"the request of {resource} must not be above its limit", "requests", resource)
        if ("/" in resource or resource.startswith(HUGE_PAGES)) and request != limit:
            resources.fail(f"the request of {resource} must equal its limit", "requests", resource)
    return requests


def _pod_level(resources: Item, of_containers: Mapping[str, int]) -> dict[str, int]:
    """Return what stands in ``spec.resources`` of a pod, with its defaults.

    With a limit but no request of its own, the pod requests what its containers do, and else its limit
    (pkg/apis/core/v1/defaults.go defaultPodRequests).
    """
    resources.check_spelling(("requests", "limits", "claims"))
    requests, limits = read_amounts(resources, "requests"), read_amounts(resources, "limits")
    for resource, limit in limits.items():
        requests.setdefault(resource, of_containers.get(resource, limit))
    return {name: requests[name] for name in requests if name in _OF_PODS or name.startswith(HUGE_PAGES)}


def _add(total: dict[str, int], amounts: Mapping[str, int]) -> None:
    for resource, amount in amounts.items():
        total[resource] = total.get(resource, 0) + amount


def _raise_to(total: dict[str, int], least: Mapping[str, int]) -> None:
    for resource, amount in least.items():
        total[resource] = max(total.get(resource, 0), amount)


def added(amounts: Iterable[Amounts]) -> Amounts:
    """Return the sum of amounts."""
    total: dict[str, int] = {}
    for each in amounts:
        _add(total, dict(each))
    return written(total)
