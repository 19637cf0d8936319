"""What variety costs at W(n): `python -m benchmarks.speed.diversity [NODES]`; CPU time, in turns, the best of several.

Nodes with different NICs, several registries, two platforms, nodes that come and go, beside n equal nodes and one
registry. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import NIC, make_w
from pullsim.oci.catalog import Catalog
from pullsim.oci.platform import Platform
from pullsim.oci.reference import parse
from pullsim.results.summary.summary import summarize
from pullsim.run import simulate
from pullsim.spec.cluster import ClusterSpec, Node, Pod
from pullsim.spec.hardware import NicSpec

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3


def rates(spec: ClusterSpec, count: int) -> ClusterSpec:
    """Give the nodes so many different NICs."""
    specs = [
        replace(spec.nodes[0].spec, pool=f"pool-{i}", nic=NicSpec(float(round(NIC * (0.05 + 0.95 * (i + 1) / count)))))
        for i in range(count)
    ]
    return replace(spec, nodes=tuple(replace(node, spec=specs[i % count]) for i, node in enumerate(spec.nodes)))


def registries(spec: ClusterSpec, count: int, share: float = 1.0) -> ClusterSpec:
    """Spread the images over so many registries, which have ``share`` of the egress together."""
    old = spec.registries[0]
    hosts = [f"{i}.{old.host}" for i in range(count)]
    pods: list[Pod] = []
    catalog = Catalog()
    renamed: dict[str, str] = {}
    for pod in spec.pods:
        container = pod.spec.containers[0]
        image = renamed.get(container.image)
        if image is None:
            image = renamed[container.image] = container.image.replace(old.host, hosts[len(renamed) % count])
            catalog.add(image, spec.catalog.lookup(parse(container.image), 0.0))
        pods.append(replace(pod, spec=replace(pod.spec, containers=(replace(container, image=image),))))
    each = tuple(replace(old, host=host, egress=share * old.egress / count) for host in hosts)
    return replace(spec, pods=tuple(pods), registries=each, catalog=catalog)


def platforms(spec: ClusterSpec) -> ClusterSpec:
    """Make every other node one of another platform, with the same images."""
    other = replace(spec.nodes[0].spec, pool="other", platform=Platform.parse("linux/arm64"))
    nodes = tuple(replace(node, spec=other) if i % 2 else node for i, node in enumerate(spec.nodes))
    return replace(spec, nodes=nodes)


def churn(spec: ClusterSpec) -> ClusterSpec:
    """Let every other node join late, and every other pod go soon."""
    nodes = tuple(Node(node.name, node.spec, 5.0 if i % 2 else 0.0) for i, node in enumerate(spec.nodes))
    pods = tuple(replace(pod, lives=60.0) if i % 2 else pod for i, pod in enumerate(spec.pods))
    return replace(spec, nodes=nodes, pods=pods)


#: What is done to the nodes, and what it may cost at most; None: no target is known to be in reach.
VARIETIES: dict[str, tuple[Callable[[ClusterSpec], ClusterSpec], float | None]] = {
    "alike": (lambda spec: spec, None),
    "every NIC different": (lambda spec: rates(spec, len(spec.nodes)), 1.5),
    "3 registries, 3 NIC rates": (lambda spec: rates(registries(spec, 3), 3), 6.0),
    "3 registries, 30 NIC rates": (lambda spec: rates(registries(spec, 3), 30), None),
    "3 registries, every NIC different": (lambda spec: rates(registries(spec, 3), len(spec.nodes)), None),
    "the same, limited by NICs": (lambda spec: rates(registries(spec, 3, share=100.0), len(spec.nodes)), None),
    "two platforms, churn": (lambda spec: churn(platforms(spec)), 2.0),
}


def main(nodes: int) -> int:
    base = cluster(make_w(nodes))
    specs = {name: make(base) for name, (make, _) in VARIETIES.items()}
    best = dict.fromkeys(specs, float("inf"))
    for _ in range(ROUNDS):
        for name, spec in specs.items():
            before = time.process_time()
            summarize(simulate(spec))
            best[name] = min(best[name], time.process_time() - before)
    missed = False
    print(f"| W({nodes}) | CPU s | to all alike | at most |\n|---|---|---|---|")
    for name, cpu in best.items():
        ratio, limit = cpu / best["alike"], VARIETIES[name][1]
        missed |= limit is not None and ratio > limit
        print(f"| {name} | {cpu:.2f} | {ratio:.2f} | {'' if limit is None else limit} |")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
