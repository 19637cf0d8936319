"""Building the registries and their mirrors from the section ``registries``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.scenario.builder.credentials import FOREVER, access
from pullsim.scenario.builder.pull_through import build_cache
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.scenario.model.registries import RegistryHost
from pullsim.scenario.presets.registries import PUBLIC
from pullsim.spec.registry import BlobHost, Cut, Fault, Host, Limit, RegistrySpec, TokenServer, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.registries import Cut as CutModel
    from pullsim.scenario.model.registries import Fault as FaultModel
    from pullsim.scenario.model.registries import Limit as LimitModel
    from pullsim.scenario.model.registries import Mirror, Registry
    from pullsim.spec.cluster import Node


def build_registries(registries: Sequence[Registry], findings: Findings) -> tuple[RegistrySpec, ...]:
    """Return all hosts: the registries as listed, then the mirrors that have no entry of their own."""
    made = {
        each.host: replace(_host(each), access=access(each), mirrors=tuple(map(_mirror, each.mirrors)))
        for each in registries
    }
    listed = set(made)
    for index, registry in enumerate(registries):
        for position, mirror in enumerate(registry.mirrors):
            if mirror.host == registry.host:
                findings.error("is the registry itself", "registries", index, "mirrors", position, "host")
                continue
            own = _host(mirror)
            if mirror.host in listed and mirror.figureless:
                continue
            if made.setdefault(mirror.host, own) != own:
                message = f"{mirror.host} stands elsewhere with other figures: give them once"
                findings.error(message, "registries", index, "mirrors", position, "host")
    return tuple(made.values())


def zone_warnings(registries: Sequence[RegistrySpec], nodes: Sequence[Node]) -> list[str]:
    """Return the warning that hosts have zones and nodes have none, so that nothing crosses zones."""
    zoned = [registry.host for registry in registries if registry.zone is not None]
    if not zoned or any(node.zone is not None for node in nodes):
        return []
    return [f"{', '.join(zoned)}: a zone says nothing where no node has one: give nodes[].zones"]


def assumed(listed: Sequence[RegistrySpec], asked: Iterable[str]) -> tuple[RegistrySpec, ...]:
    """Return the registries that images come from and that nobody has listed, with the figures of a public one."""
    known = {registry.host for registry in listed}
    return tuple(
        _host(RegistryHost.model_validate({"host": host, **PUBLIC}))
        for host in sorted(asked)
        if known.isdisjoint(spellings(host))
    )


def _host(registry: RegistryHost) -> RegistrySpec:
    store = registry.blob_host
    return spec_of(
        registry,
        RegistrySpec,
        initial_window=registry.tcp.initial_window,
        max_window=registry.tcp.max_window,
        token_server=spec_of(registry.token_server, TokenServer),
        blob_host=None if store is None else spec_of(store, BlobHost),
        limits=tuple(map(_limit, registry.limits)),
        faults=tuple(map(_fault, registry.faults)),
        cache=build_cache(registry.cache),
        mirrors=(),  # only registries have mirrors; `build_registries` sets them
    )


def _mirror(mirror: Mirror) -> Host:
    asked = mirror.capabilities
    return spec_of(mirror, Host, name=mirror.host, pull="pull" in asked, resolve="resolve" in asked)


def _limit(limit: LimitModel) -> Limit:
    return spec_of(limit, Limit, of=limit.of or ("manifests" if limit.bytes is None else "blobs"))


def _fault(fault: FaultModel) -> Fault:
    return spec_of(
        fault,
        Fault,
        duration=FOREVER if fault.for_ is None else fault.for_,
        status=fault.status,  # None is no default here: a fault of no other kind then refuses connections
        cut=None if fault.cut is None else _cut(fault.cut),
    )


def _cut(cut: CutModel) -> Cut:
    where = {"share" if isinstance(cut.after, float) else "size": cut.after}
    return spec_of(cut, Cut, **where)
