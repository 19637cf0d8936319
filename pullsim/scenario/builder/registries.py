"""From the section ``registries`` to registries and their mirrors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.scenario.builder.credentials import access
from pullsim.spec.registry import BlobHost, Cut, Fault, Host, Limit, RegistrySpec, TokenServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.registries import BlobHost as BlobHostModel
    from pullsim.scenario.model.registries import Cut as CutModel
    from pullsim.scenario.model.registries import Fault as FaultModel
    from pullsim.scenario.model.registries import Limit as LimitModel
    from pullsim.scenario.model.registries import Mirror, Registry, RegistryHost

UNLIMITED = float("inf")


def build_registries(registries: Sequence[Registry], findings: Findings) -> tuple[RegistrySpec, ...]:
    """Make all hosts: the registries as listed, then the mirrors that are no entry of their own."""
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


def _host(registry: RegistryHost) -> RegistrySpec:
    token = registry.token_server
    return RegistrySpec(
        host=registry.host,
        egress=UNLIMITED if registry.egress is None else registry.egress,
        per_connection=UNLIMITED if registry.per_connection is None else registry.per_connection,
        round_trip=registry.round_trip,
        first_byte=registry.first_byte,
        head=registry.head,
        goodput=registry.goodput,
        initial_window=registry.tcp.initial_window,
        max_window=registry.tcp.max_window,
        tls=registry.tls,
        auth=registry.auth,
        token_server=TokenServer(token.round_trip, token.first_byte, token.expires_in, token.oauth),
        blob_host=None if registry.blob_host is None else _blob_host(registry.blob_host),
        limits=tuple(map(_limit, registry.limits)),
        faults=tuple(map(_fault, registry.faults)),
        images=None if registry.images is None else tuple(registry.images),
        price=registry.price or 0.0,
    )


def _mirror(mirror: Mirror) -> Host:
    return Host(mirror.host, "pull" in mirror.capabilities, "resolve" in mirror.capabilities, mirror.dial_timeout)


def _blob_host(store: BlobHostModel) -> BlobHost:
    return BlobHost(
        store.round_trip,
        UNLIMITED if store.egress is None else store.egress,
        UNLIMITED if store.per_connection is None else store.per_connection,
        store.first_byte,
    )


def _limit(limit: LimitModel) -> Limit:
    return Limit(
        per=limit.per,
        requests=limit.requests,
        bytes=limit.bytes,
        of=limit.of or ("manifests" if limit.bytes is None else "blobs"),
        by=limit.by,
        window=limit.window,
        burst=limit.burst,
        only=limit.only,
        indexes=limit.indexes,
        status=limit.status,
        retry_after=limit.retry_after,
        message=limit.message,
    )


def _fault(fault: FaultModel) -> Fault:
    return Fault(
        at=fault.at,
        duration=UNLIMITED if fault.for_ is None else fault.for_,
        image=fault.image,
        status=fault.status,
        unreachable=fault.unreachable,
        stall=fault.stall,
        slow=fault.slow,
        cut=None if fault.cut is None else _cut(fault.cut),
        probability=1.0 if fault.probability is None else fault.probability,
        of=fault.of,
    )


def _cut(cut: CutModel) -> Cut:
    if isinstance(cut.after, float):
        return Cut(share=cut.after, reset=cut.reset)
    return Cut(size=cut.after, reset=cut.reset)
