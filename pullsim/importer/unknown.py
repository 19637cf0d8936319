"""Why a file is of no use: what people hand over by mistake, and the command that prints what is needed."""

from __future__ import annotations

import re
from typing import Final

#: Texts by their beginning, and what to say of them; the first that fits counts.
_KNOWN: Final = (
    (
        re.compile(r"NAME(SPACE)?[ ]{2,}\S|LAST SEEN[ ]{2,}\S"),
        "is the table that kubectl prints for people, which leaves out most: add -o json to the command",
    ),
    (
        re.compile(r"(IMAGE|REPOSITORY)[ ]{2,}TAG[ ]{2,}\S"),
        "is a table for people: `crictl images -o json`, or `docker images --format json`, has what is needed",
    ),
    (
        re.compile(r"(Error from server|error:|Unable to connect|The connection to the server)"),
        "is an error of kubectl instead of its output",
    ),
    (
        re.compile(r".*^[\" \t]*kind[\" \t]*:[\" \t]*Config[\"\s,]*$", re.DOTALL | re.MULTILINE),
        "is a kubeconfig, of which nothing is needed: `kubectl get … -A -o json` says what there is",
    ),
    (re.compile(r"No resources found"), "says that there are none: -A asks for those of all namespaces"),
    (re.compile(r"Name:[ ]{2,}\S"), "is `kubectl describe` of what is no node: `kubectl get … -o json` has all of it"),
    (re.compile(r".*\{\{", re.DOTALL), "is a template: `helm template` makes manifests of a chart"),
    (
        re.compile(r"version:.*^(nodes|workloads):|(?=.*^nodes:)(?=.*^workloads:)", re.DOTALL | re.MULTILINE),
        "is a scenario already, with nodes of its own: `pullsim run` runs it",
    ),
)
_NOTHING: Final = "holds nothing that is known of a cluster"


def why_unknown(content: str, problem: str = "") -> str:
    """Return why a text is of no use; ``problem`` is what is wrong with its syntax, if anything is."""
    start = content.lstrip("\ufeff \t\r\n")[:20_000]
    return next((what for pattern, what in _KNOWN if pattern.match(start)), problem or _NOTHING)
