"""From ``nodes[].runtime`` to a containerd: its release, its config.toml and its certs.d."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.errors import InputError
from pullsim.runtime.spec import ContainerdSpec
from pullsim.scenario.hosts_config import read_hosts
from pullsim.scenario.limits import download_limit
from pullsim.scenario.runtime_config import TRANSFER, RuntimeConfig, read_runtime_config

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.scenario.findings import Findings
    from pullsim.scenario.model_nodes import NodePool


def containerd_spec(pool: NodePool, index: int, directory: Path, findings: Findings) -> ContainerdSpec:
    """Return a pool's containerd, with costs still to be filled in; mistakes and notes go to the findings."""
    runtime = pool.runtime
    assert runtime.containerd is not None
    spec = ContainerdSpec(runtime.containerd)
    config = None
    if runtime.config is not None:
        try:
            config = read_runtime_config(directory / runtime.config, runtime.containerd)
        except InputError as error:
            findings.take(error, "nodes", index, "runtime", "config")
            return spec
        spec = config.spec
        findings.warnings += config.warnings
    given = config is not None and runtime.max_concurrent_downloads is not None
    if runtime.max_concurrent_downloads is not None:
        spec = replace(spec, max_concurrent_downloads=runtime.max_concurrent_downloads)
    if runtime.layer_fetch_buffer is not None:
        spec = replace(spec, layer_fetch_buffer=runtime.layer_fetch_buffer)
    if runtime.max_concurrent_unpacks is not None:
        if spec.local_pull and config is not None:
            message = f"has no effect: the CRI plugin pulls by itself ({config.reasons[0]})"
            findings.warnings.append(f"nodes[{pool.name}].runtime.maxConcurrentUnpacks {message}")
        else:
            spec = replace(spec, max_concurrent_unpacks=runtime.max_concurrent_unpacks)
    if runtime.progress_timeout is not None:
        spec = replace(spec, progress_timeout=runtime.progress_timeout)
    findings.notes.append(f"{pool.name}: {_limit(spec, config, given=given)}")
    if runtime.hosts is not None:
        try:
            hosts, warnings = read_hosts(directory / runtime.hosts)
        except InputError as error:
            findings.take(error, "nodes", index, "runtime", "hosts")
            return spec
        findings.warnings += warnings
        if spec.hosts:
            message = "config has registry.mirrors, so containerd reads no certs.d: give one of the two"
            findings.error(message, "nodes", index, "runtime", "hosts")
        spec = replace(spec, hosts=hosts)
    elif config is not None and config.config_path:
        findings.warnings.append(
            f"nodes[{pool.name}]: containerd looks for mirrors in {config.config_path}; "
            "none is simulated without a copy: runtime.hosts"
        )
    return spec


def _limit(spec: ContainerdSpec, config: RuntimeConfig | None, *, given: bool) -> str:
    """Say which limit of downloads counts."""
    service = f'plugins."{TRANSFER}".max_concurrent_downloads'
    by_service = spec.version >= (2, 1)
    if given:
        return download_limit(spec, setting="maxConcurrentDownloads of the scenario, whatever the file says")
    if config is None:
        return download_limit(spec, setting=service if by_service else "max_concurrent_downloads of the CRI plugin")
    if not by_service:
        return download_limit(spec, setting=config.own_limit)
    if spec.local_pull:
        reasons = " and ".join(config.reasons)
        because = f"the CRI plugin pulls by itself and not the transfer service, because {reasons}"
        return download_limit(spec, setting=config.own_limit, because=[because])
    because = f"the transfer service pulls, so {config.own_limit} does not count"
    return download_limit(spec, setting=service, because=[because])
