"""The argument POD of commands that are about one pod of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pullsim.errors import InputError, Location

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.records import PodRecord
    from pullsim.results.kubectl.describe import Described
    from pullsim.run import Result

Pod = TypeVar("Pod", bound="Described")
PodArgument = Annotated[
    str, typer.Argument(metavar="POD", help="Pod, or namespace/pod, as pods.csv names it.", show_default=False)
]


def find_pod(result: Result, wanted: str) -> PodRecord:
    """Return the pod ``wanted`` of a result, as `find`."""
    return find(result.pods, wanted, result.end)


def find(pods: Sequence[Pod], wanted: str, end: float) -> Pod:
    """Return the pod ``wanted``, which is its name, or namespace/name if several namespaces have one of that name.

    ``pods`` are those that were created by ``end``, in seconds.
    """
    from pullsim.inputs.suggestion import did_you_mean  # noqa: PLC0415

    named = [pod for pod in pods if wanted in (pod.pod, f"{pod.namespace}/{pod.pod}")]
    if len(named) == 1:
        return named[0]
    if named:
        choices = ", ".join(f"{pod.namespace}/{pod.pod}" for pod in named)
        raise InputError(f"several pods are named {wanted}: give one of {choices}", Location("POD"))
    hint = did_you_mean(wanted, [pod.pod for pod in pods], 3)
    raise InputError(f"no pod {wanted} was created by {end:g} s{hint}", Location("POD"))
