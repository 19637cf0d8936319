"""Writing a scenario with all its defaults, as a file that gives the same run when it is read again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pullsim.formats.kubernetes.kubelet_configuration import written_fields
from pullsim.oci.catalog import builtin_names
from pullsim.scenario.builder.kubelet import kubelet_config
from pullsim.scenario.file.yaml_text import yaml_text

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.scenario.scenario import Scenario


def source_yaml(scenario: Scenario) -> str:
    """Return the YAML from which the scenario was made, with overrides and without defaults.

    It reads as the same scenario. Relative paths are not changed.
    """
    return yaml_text(scenario.document.tree)


def effective_yaml(scenario: Scenario, directory: Path | None = None) -> str:
    """Return the scenario with all defaults as YAML.

    Relative paths are changed so that they start at ``directory``, where the file will be; None: they do not change.
    """
    tree = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    for pool, entry in zip(scenario.nodes, tree["nodes"], strict=True):
        entry.pop("preset", None)  # the entry has the preset's values already
        entry.get("disk", {}).pop("volume", None)  # and those of the disk with that name
        if isinstance(pool.kubelet, dict):  # the path of a file is written as the path
            entry["kubelet"] |= written_fields(kubelet_config(pool, scenario.directory))
    for registry, entry in zip(scenario.registries, tree["registries"], strict=True):
        for mirror, written in zip(registry.mirrors, entry["mirrors"], strict=True):
            if mirror.figureless:  # it has the values of the registry of that host, if that is listed
                for key in written.keys() - {"host", "capabilities", "dialTimeout"}:
                    del written[key]
    if directory is not None:
        _rebase(tree, os.path.relpath(scenario.directory, directory))
    return yaml_text(tree)


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
        for key in {"manifest", "trace"} & workload.keys():
            workload[key] = rebased(workload[key])
        if "trace" in workload.get("arrivals", {}):
            workload["arrivals"]["trace"] = rebased(workload["arrivals"]["trace"])
