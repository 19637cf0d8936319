"""Writing a scenario with all its defaults, as a file that gives the same run when it is read again."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from pullsim.formats.kubernetes.kubelet_configuration import written_fields
from pullsim.inputs.core_schema import RawFloat
from pullsim.oci.catalog import builtin_names
from pullsim.scenario.builder.kubelet import kubelet_config

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.scenario.scenario import Scenario


class _Dumper(yaml.SafeDumper):
    """Writes YAML, and quotes each text that a parser of YAML 1.1 or YAML 1.2 would not read as text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write repeated values in full, without anchors and aliases."""
        return True


_NUMBER: Final = re.compile(r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+)$")
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))


_Dumper.add_representer(RawFloat, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", value.text))


def source_yaml(scenario: Scenario) -> str:
    """Return the YAML from which the scenario was made, with overrides and without defaults.

    It reads as the same scenario. Relative paths are not changed.
    """
    return yaml.dump(scenario.document.tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def effective_yaml(scenario: Scenario, directory: Path | None = None) -> str:
    """Return the scenario with all defaults as YAML.

    Relative paths are changed so that they start at ``directory``, where the file will be; None: they do not change.
    """
    tree = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    for pool, entry in zip(scenario.nodes, tree["nodes"], strict=True):
        entry.pop("preset", None)  # the entry has the preset's values already
        if isinstance(pool.kubelet, dict):  # the path of a file is written as the path
            entry["kubelet"] |= written_fields(kubelet_config(pool, scenario.directory))
    for registry, entry in zip(scenario.registries, tree["registries"], strict=True):
        for mirror, written in zip(registry.mirrors, entry["mirrors"], strict=True):
            if mirror.figureless:  # it has the values of the registry of that host, if that is listed
                for key in written.keys() - {"host", "capabilities", "dialTimeout"}:
                    del written[key]
    if directory is not None:
        _rebase(tree, os.path.relpath(scenario.directory, directory))
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _rebase(tree: dict[str, Any], prefix: str) -> None:
    """Put ``prefix`` before every relative path."""

    def rebased(path: str) -> str:
        return os.path.normpath(os.path.join(prefix, path))  # noqa: PTH118  # text that must not become absolute

    images = tree["images"]
    builtin = builtin_names()
    images["catalogs"] = [name if name in builtin else rebased(name) for name in images["catalogs"]]
    for entry in images["manifests"]:
        entry["path"] = rebased(entry["path"])
    for pool in tree["nodes"]:
        if isinstance(pool["kubelet"], str):
            pool["kubelet"] = rebased(pool["kubelet"])
        for key in {"config", "hosts"} & pool["runtime"].keys():
            pool["runtime"][key] = rebased(pool["runtime"][key])
        for key in ("dockerConfig", "providers"):
            if key in pool.get("credentials", {}):
                pool["credentials"][key] = rebased(pool["credentials"][key])
    for secret in tree["secrets"]:
        if "dockerConfig" in secret:
            secret["dockerConfig"] = rebased(secret["dockerConfig"])
    for workload in tree["workloads"]:
        if "manifest" in workload:
            workload["manifest"] = rebased(workload["manifest"])
        if "trace" in workload.get("arrivals", {}):
            workload["arrivals"]["trace"] = rebased(workload["arrivals"]["trace"])
