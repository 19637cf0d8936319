"""Building the whole input of the simulation from a scenario."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.inputs.findings import Findings
from pullsim.records import Guess
from pullsim.scenario.builder.capacity import undeclared
from pullsim.scenario.builder.capacity import warnings as capacity_warnings
from pullsim.scenario.builder.catalog import CatalogBuilder
from pullsim.scenario.builder.credentials import admit, build_secrets, build_service_accounts, missing_secrets
from pullsim.scenario.builder.disks import check_disks
from pullsim.scenario.builder.estimate import Estimate, estimate
from pullsim.scenario.builder.images import ImageCheck
from pullsim.scenario.builder.node_support import never_matched
from pullsim.scenario.builder.nodes import build_nodes
from pullsim.scenario.builder.partial import check_contents, partial_warnings
from pullsim.scenario.builder.peers import check_swarms, peer_warnings
from pullsim.scenario.builder.prices import build_prices, price_warnings
from pullsim.scenario.builder.pull_policies import unused_limits
from pullsim.scenario.builder.pull_through import cache_warnings, check_caches, upstreams, with_addresses
from pullsim.scenario.builder.registries import assumed, build_registries, zone_warnings
from pullsim.scenario.builder.snapshot import idle_reads
from pullsim.scenario.builder.snapshotter import nothing_read, unused_mirrors
from pullsim.scenario.builder.updates import admit_updates
from pullsim.scenario.builder.variation import variation_warnings, with_variation
from pullsim.scenario.builder.workloads import build_workloads, read_manifests
from pullsim.scenario.model.deprecation import deprecation_warnings
from pullsim.spec.cluster import ClusterSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pullsim.scenario.model.scenario import ScenarioModel
    from pullsim.spec.cluster import Node
    from pullsim.spec.registry import RegistrySpec


@dataclass(frozen=True, slots=True)
class Built:
    """The input of the simulation, and the messages for the user that building it gave."""

    cluster: ClusterSpec
    warnings: tuple[str, ...]  # about input that may change the outcome of a real cluster but is not simulated
    ignored: tuple[str, ...]  # input that was read and on which no pull depends
    notes: tuple[str, ...] = ()  # which limits of pulls hold on the nodes, and which setting sets them
    estimate: Estimate = field(default_factory=Estimate)  # the CPU time and memory that a run will take
    guessed: tuple[str, ...] = ()  # the images that pods pull of which the layers are guesses
    guesses: tuple[Guess, ...] = ()  # figures that the scenario says nobody gave, in its order
    assumed: tuple[RegistrySpec, ...] = ()  # registries that nobody has listed, with the figures of a public one

    @property
    def assumption(self) -> str | None:
        """Say which registries are assumed to be public ones, with their figures; None: all are listed."""
        if not self.assumed:
            return None
        hosts, figures = ", ".join(registry.host for registry in self.assumed), self.assumed[0]
        return (
            f"registries: {hosts} {'is' if len(self.assumed) == 1 else 'are'} not listed: assumed to be public, with a "
            f"round trip of {figures.round_trip * 1000:g} ms, {figures.first_byte * 1000:g} ms to the first byte and "
            f"{figures.per_connection / 1e6:g} MB/s a connection"
        )


def build(scenario: ScenarioModel, directory: Path, *, force: bool = False) -> Built:
    """Build the input of the simulation. Relative paths start at ``directory``. Raises InputErrors with all errors.

    A scenario whose run would not fit into the machine's memory or would take too long is refused before its nodes and
    pods are created, unless ``force`` is set (`pullsim.scenario.builder.estimate`).
    """
    findings = Findings(scenario.document)
    findings.warnings += deprecation_warnings(scenario)
    if not force:
        Estimate(nodes=sum(pool.count for pool in scenario.nodes), file=scenario.document.file).check()
    built = build_nodes(scenario.nodes, directory, findings)
    nodes = built.kinds
    platforms = {node.spec.platform for node in nodes}
    builder = CatalogBuilder(scenario.images, platforms, directory, findings, scenario.seed)
    catalog = builder.build()
    registries = with_addresses(build_registries(scenario.registries, findings), {node.spec.address for node in nodes})
    findings.check()
    objects = read_manifests(scenario, directory, findings)
    estimated = estimate(scenario, objects, catalog, directory)
    if not force:
        estimated.check()
    workloads = build_workloads(scenario, nodes, objects, directory, findings)
    guessed = undeclared(built, workloads)
    built = built.with_resources(guessed)
    findings.warnings += capacity_warnings(built, workloads, guessed)
    readers = [
        *((pod.workload, pod.spec) for pod in workloads.pods),
        *((each.name, each.spec) for each in workloads.daemon_sets),
    ]
    specs = [spec for _, spec in readers]
    findings.warnings += idle_reads(readers, [node.spec for node in nodes])
    check = ImageCheck(scenario.images, builder, registries, nodes, findings)
    for index, pool in enumerate(scenario.nodes):
        for position, image in enumerate(pool.cached):
            check.cached(image, pool.name, ("nodes", index, "cached", position))
        for position, image in enumerate(() if pool.secondary_boot_disk is None else pool.secondary_boot_disk.images):
            check.cached(image, pool.name, ("nodes", index, "secondaryBootDisk", "images", position))
    findings.warnings += peer_warnings(list(built.most()))
    check_swarms(scenario.nodes, [node.spec for node in nodes], findings)
    check_disks(scenario.nodes, nodes, catalog, findings)
    for use in workloads.uses:
        check.used(use)
    check.finish(directory)
    findings.warnings += check.guesses()
    findings.warnings += check.artifacts(specs)
    hosts = check.hosts | upstreams(registries)
    asked = hosts | mirrors(registries, nodes)
    for index, registry in enumerate(registries):
        if registry.host not in asked:
            findings.warnings.append(f"registries[{index}]: no image comes from {registry.host}")
    findings.warnings += sorted(check.unused_faults())
    findings.warnings += sorted(check.unused_holdings())
    findings.warnings += zone_warnings(registries, nodes)
    pools = {node.spec.pool: node.spec for node in nodes}.values()
    findings.warnings += unused_mirrors(pools, registries)
    findings.warnings += unused_limits(pools, check.hosts)
    findings.warnings += nothing_read(pools, specs)
    check_caches(scenario.registries, registries, check.hosts, findings)
    findings.warnings += cache_warnings(registries, check.found)
    check_contents(scenario.images, findings)
    findings.warnings += partial_warnings(scenario.nodes, pools, check.found)
    prices = build_prices(scenario.prices, scenario.nodes, findings)
    held = {name for spec in specs for name, _ in spec.scheduling.requests}
    findings.warnings += price_warnings(scenario.prices, registries, nodes, held)
    findings.warnings += variation_warnings(scenario)
    unlisted = assumed(registries, hosts)
    if scenario.placement == "imageLocality":
        findings.warnings += never_matched([use.image for use in workloads.uses], nodes)
    secrets = (*workloads.secrets, *build_secrets(scenario, directory, findings))
    accounts = (*workloads.service_accounts, *build_service_accounts(scenario))
    pods, daemon_sets = admit(workloads.pods, accounts), admit(workloads.daemon_sets, accounts)
    prepulls = admit(workloads.prepulls, accounts)
    findings.warnings += missing_secrets((*pods, *daemon_sets, *prepulls), secrets)
    there = {node.name for node in built.nodes}
    coming = {node.name: node.spec.pool for node in nodes if node.name not in there}
    for index, workload in enumerate(scenario.workloads):
        if workload.on is not None and workload.on.node in coming:
            message = (
                f"is not there at time 0, and no autoscaler brings a node of that name: {coming[workload.on.node]} is"
            )
            findings.error(f"{message} its pool", "workloads", index, "on", "node")
    for index, pool in enumerate(scenario.nodes):
        if pool.leave is not None and pool.leave.rate and scenario.horizon is None:
            message = "with nodes that leave and come a run never ends by itself: give it a horizon, as horizon: 24h"
            findings.error(message, "nodes", index, "leave")
    findings.check()
    cluster = ClusterSpec(
        nodes=built.nodes,
        autoscaled=built.autoscaled,
        scan_interval=built.scan_interval,
        pods=pods,
        daemon_sets=daemon_sets,
        prepulls=prepulls,
        owners=admit_updates(workloads.owners, accounts),
        registries=(*registries, *unlisted),
        catalog=catalog,
        secrets=secrets,
        service_accounts=accounts,
        placement=scenario.placement,
        seed=scenario.seed,
        horizon=scenario.horizon,
        prices=prices,
    )
    return Built(
        with_variation(cluster, scenario),
        tuple(findings.warnings),
        tuple(findings.ignored),
        tuple(findings.notes),
        estimated,
        check.guessed,
        tuple(Guess(each.what, each.measure) for each in scenario.guesses),
        unlisted,
    )


def mirrors(registries: Sequence[RegistrySpec], nodes: Sequence[Node]) -> set[str]:
    """Return the hosts that are mirrors: of registries in the scenario, or in the files of nodes' runtimes."""
    hosts = {mirror.name for registry in registries for mirror in registry.mirrors}
    for runtime in {node.spec.pool: node.spec.runtime for node in nodes}.values():
        hosts.update(runtime.mirrors())
    return hosts
