"""From a scenario to the input of the simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pullsim.cluster.spec import ClusterSpec
from pullsim.registry.spec import Fault, RegistrySpec
from pullsim.scenario.build_credentials import (
    access,
    admit,
    build_secrets,
    build_service_accounts,
    missing_secrets,
)
from pullsim.scenario.build_disks import check_disks
from pullsim.scenario.build_images import ImageCheck, build_catalog
from pullsim.scenario.build_nodes import build_nodes
from pullsim.scenario.build_workloads import build_workloads
from pullsim.scenario.findings import Findings
from pullsim.scenario.unsupported import unsupported_keys

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.scenario.model import Scenario
    from pullsim.scenario.model_images import Fault as FaultModel
    from pullsim.scenario.model_images import Registry


@dataclass(frozen=True, slots=True)
class Built:
    """The input of the simulation, and what the user should know about it."""

    cluster: ClusterSpec
    warnings: tuple[str, ...]  # what may change the outcome and is not simulated
    ignored: tuple[str, ...]  # what was read and cannot matter to pulls
    notes: tuple[str, ...] = ()  # which limits of pulls hold on the nodes, and by which setting


def build(scenario: Scenario, directory: Path) -> Built:
    """Put the input of the simulation together; relative paths start at ``directory``. Raises InputErrors."""
    findings = Findings(scenario.document)
    findings.errors += unsupported_keys(scenario.document)
    findings.check()
    nodes = build_nodes(scenario.nodes, directory, findings)
    platforms = {node.spec.platform for node in nodes}
    catalog = build_catalog(scenario.images, platforms, directory, findings)
    registries = tuple(map(_registry, scenario.registries))
    findings.check()
    workloads = build_workloads(scenario, nodes, directory, findings)
    check = ImageCheck(scenario.images, catalog, registries, nodes, findings)
    for index, pool in enumerate(scenario.nodes):
        for position, image in enumerate(pool.cached):
            check.cached(image, pool.name, ("nodes", index, "cached", position))
    check_disks(scenario.nodes, nodes, catalog, findings)
    for use in workloads.uses:
        check.used(use)
    for index, registry in enumerate(registries):
        if registry.host not in check.hosts:
            findings.warnings.append(f"registries[{index}]: no image comes from {registry.host}")
    findings.warnings += sorted(check.unused_faults())
    secrets = (*workloads.secrets, *build_secrets(scenario, directory, findings))
    accounts = (*workloads.service_accounts, *build_service_accounts(scenario))
    pods, daemon_sets = admit(workloads.pods, accounts), admit(workloads.daemon_sets, accounts)
    findings.warnings += missing_secrets((*pods, *daemon_sets), secrets)
    findings.check()
    cluster = ClusterSpec(
        nodes=nodes,
        pods=pods,
        daemon_sets=daemon_sets,
        registries=registries,
        catalog=catalog,
        secrets=secrets,
        service_accounts=accounts,
        placement=scenario.placement,
        seed=scenario.seed,
        horizon=scenario.horizon,
    )
    return Built(cluster, tuple(findings.warnings), tuple(findings.ignored), tuple(findings.notes))


def _registry(registry: Registry) -> RegistrySpec:
    unlimited = float("inf")
    return RegistrySpec(
        host=registry.host,
        egress=unlimited if registry.egress is None else registry.egress,
        per_connection=unlimited if registry.per_connection is None else registry.per_connection,
        round_trip=registry.round_trip,
        first_byte=registry.first_byte,
        head=registry.head,
        goodput=registry.goodput,
        initial_window=registry.tcp.initial_window,
        max_window=registry.tcp.max_window,
        tls=registry.tls,
        auth=registry.auth,
        access=access(registry),
        faults=tuple(map(_fault, registry.faults)),
    )


def _fault(fault: FaultModel) -> Fault:
    duration = float("inf") if fault.for_ is None else fault.for_
    return Fault(fault.at, duration, fault.image, None if fault.refused else fault.status)
