"""Pull policies that no kubelet has, by which a node's pulls can be ordered, held back, merged and retried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from pullsim.errors import InputError, shown
from pullsim.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Coalesce:
    """Equal requests for an image wait for the first of them, and then look again (kubernetes pull 139591)."""

    name = "coalesce"


@dataclass(frozen=True, slots=True)
class Priority:
    """Pulls for pods of a higher priority go first; a pull that has waited for ``ageing`` seconds goes before them."""

    name = "priority"
    ageing: float | None = None  # None: pulls do not age


@dataclass(frozen=True, slots=True)
class ShortestMissing:
    """The pull goes first of whose image the fewest bytes are missing on the node; ``ageing`` as in `Priority`."""

    name = "shortestMissing"
    ageing: float | None = None


@dataclass(frozen=True, slots=True)
class RegistryLimit:
    """At most this many pulls of a registry run on the node at a time, beside the node's own limit."""

    name = "registryLimit"
    limit: int | None  # of each registry that is not in ``limits``; None: without limit
    limits: Mapping[str, int] = field(default_factory=dict)  # by registry, as image names have it: docker.io


@dataclass(frozen=True, slots=True)
class QueueQps:
    """A pull without a token of registryPullQPS waits for one, instead of failing."""

    name = "queueQPS"


@dataclass(frozen=True, slots=True)
class RetryAtExpiry:
    """A pod's worker looks again when the image back-off ends, not 10 to 15 s after it looked last."""

    name = "retryAtExpiry"


@dataclass(frozen=True, slots=True)
class ResetOnRecovery:
    """A pull that succeeds ends the back-offs of its registry's other images on the node, within ``jitter`` seconds."""

    name = "resetOnRecovery"
    jitter: float = 10.0


@dataclass(frozen=True, slots=True)
class InPodParallel:
    """All images of a pod are requested together, when its sandbox exists."""

    name = "inPodParallel"


@dataclass(frozen=True, slots=True)
class MaxBackOff:
    """The longest image back-off is ``longest`` seconds instead of 300; the first one is not longer than that."""

    name = "maxBackOff"
    longest: float


@dataclass(frozen=True, slots=True)
class Registered:
    """An object that Python code has registered, and the name that it was given."""

    name: str
    policy: Any


#: The names of the policies that a scenario can ask for, in the order of the documents.
NAMES: Final = (
    "coalesce",
    "priority",
    "shortestMissing",
    "registryLimit",
    "queueQPS",
    "retryAtExpiry",
    "resetOnRecovery",
    "inPodParallel",
    "maxBackOff",
)
METHODS: Final = ("key", "after")
_registered: dict[str, Any] = {}


def register_pull_policy(name: str, policy: Any) -> None:
    """Give an object a name under which a scenario may ask for it: ``pullPolicies: [NAME]``.

    ``policy`` has one or both methods of `pullsim.PullPolicy`. Each node works with a deep copy of its own, so that
    what the object keeps is the node's, and a run leaves nothing behind in it. The name is known in this process alone:
    a study with such a policy runs with ``processes=1``. A name that was registered before gets the new object. Raises
    InputError for the name of a policy of pullsim, and for an object without these methods.
    """
    if not isinstance(name, str) or not name or name in NAMES:
        raise InputError(f"{shown(name)} is no free name for a pull policy; taken are {', '.join(NAMES)}")
    if not any(callable(getattr(policy, method, None)) for method in METHODS):
        raise InputError(
            f"the pull policy {shown(name)} has neither of the methods key(pull, now) and after(error, pull, now)"
        )
    _registered[name] = policy


def registered(name: str) -> Any:
    """Return the object that was registered under this name, or None."""
    return _registered.get(name)


def registered_names() -> tuple[str, ...]:
    """Return the names of all registered policies."""
    return tuple(_registered)


def contradiction(names: list[str]) -> str | None:
    """Return a sentence about policies that contradict each other, by their names in order; None: they do not."""
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            return f"{name} is there twice: once is enough"
    if "shortestMissing" in names and "priority" in names[names.index("shortestMissing") :]:
        return (
            "priority after shortestMissing decides nothing but between pulls of one image: "
            "write priority first, and the shortest of equal priority goes first"
        )
    return None
