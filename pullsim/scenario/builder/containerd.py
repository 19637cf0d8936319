"""Building a pool's containerd from ``nodes[].runtime``: its release, its config.toml and its certs.d."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError
from pullsim.formats.containerd.config import TRANSFER, RuntimeConfig, read_runtime_config
from pullsim.formats.containerd.config_path import ConfigPath
from pullsim.formats.containerd.hosts import host_directories, read_hosts
from pullsim.releases.containerd import CONTAINERD
from pullsim.scenario.builder.pull_limits import download_limit
from pullsim.scenario.builder.spec_of import shared
from pullsim.spec.runtime import ContainerdSpec

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.nodes import NodePool

#: In the scenario ``hosts`` is a path; `pullsim.scenario.builder.snapshotter` sets the others.
_APART: Final = ("hosts", "snapshotter", "soci", "erofs", "lazy")


def containerd_spec(pool: NodePool, index: int, directory: Path, findings: Findings) -> ContainerdSpec:
    """Return a pool's containerd, without the costs of unpacking, which the caller sets. Errors go to the findings."""
    runtime = pool.runtime
    assert runtime.containerd is not None
    release = CONTAINERD.resolve(runtime.containerd)
    if newer := CONTAINERD.newer(runtime.containerd):
        findings.warnings.append(f"nodes[{pool.name}].runtime.containerd: {newer}")
    spec = ContainerdSpec(release)
    config = None
    if runtime.config is not None:
        try:
            config = read_runtime_config(directory / runtime.config, release)
        except InputError as error:
            findings.take(error, "nodes", index, "runtime", "config")
            return spec
        spec = config.spec
        known = runtime.snapshotter is not None  # the scenario says what the file's snapshotter does
        findings.warnings += (each for each in config.warnings if each != config.unsimulated or not known)
    given = config is not None and runtime.max_concurrent_downloads is not None
    settings = shared(runtime, ContainerdSpec, apart=_APART)
    if "max_concurrent_unpacks" in settings and spec.local_pull and config is not None:
        del settings["max_concurrent_unpacks"]
        message = f"has no effect: the CRI plugin pulls by itself ({config.reasons[0]})"
        findings.warnings.append(f"nodes[{pool.name}].runtime.maxConcurrentUnpacks {message}")
    spec = replace(spec, **settings)
    findings.notes.append(f"{pool.name}: {_limit(spec, config, given=given)}")
    return _with_hosts(spec, config, pool, index, directory, findings)


def _with_hosts(
    spec: ContainerdSpec, config: RuntimeConfig | None, pool: NodePool, index: int, directory: Path, findings: Findings
) -> ContainerdSpec:
    """Add the hosts of certs.d, if the release reads them with the config_path of its config.toml.

    Without a config.toml they are added as if a file named the directory in config_path, with a warning.
    """
    hosts, name = pool.runtime.hosts, f"nodes[{pool.name}]"
    unread = (ConfigPath(spec.version) if config is None else config.config_path).unread
    if hosts is None:
        if config is not None and (written := config.config_path.written):
            there = f"containerd looks for mirrors in {written}; none is simulated without a copy: runtime.hosts"
            findings.warnings.append(f"{name}: {unread or there}")
        return spec
    if spec.hosts:
        message = "config has registry.mirrors, so containerd reads no certs.d: give one of the two"
        findings.error(message, "nodes", index, "runtime", "hosts")
        return spec
    try:
        host_directories(directory / hosts)
        if config is not None and unread:
            findings.warnings.append(f"{name}: runtime.hosts is not used: {unread}")
            return spec
        found, warnings = read_hosts(directory / hosts, spec.version)
    except InputError as error:
        findings.take(error, "nodes", index, "runtime", "hosts")
        return spec
    if config is None:
        findings.warnings.append(
            f"{name}: without a config.toml that names it in config_path this containerd would not use runtime.hosts, "
            f"which is used here all the same: {unread}"
        )
    findings.warnings += warnings
    return replace(spec, hosts=found)


def _limit(spec: ContainerdSpec, config: RuntimeConfig | None, *, given: bool) -> str:
    """Return a sentence that says which limit of concurrent downloads holds, and which setting sets it."""
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
