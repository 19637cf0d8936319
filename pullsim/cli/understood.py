"""What `pullsim validate` says of a scenario: all, or of long lists what they come to, so that it fits a screen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.cli.diagnostics import warning_lines
from pullsim.oci.manifest import select
from pullsim.oci.reference import InvalidReference, parse
from pullsim.results.guesses import guessed_figures
from pullsim.results.notes import Notes
from pullsim.results.wording import counted, qualified, size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pullsim.scenario import Built
    from pullsim.spec.cluster import ClusterSpec, Node, NodeSpec

_MOST: Final = 6  # lines of a section that are all shown
_NAMED: Final = 3  # of more than that


def understood(built: Built, *, verbose: bool) -> Notes:
    """Return the sections; unless ``verbose``, of long ones what they come to."""
    spec = built.cluster
    images = [*_images(spec, built.guessed)]
    sections: dict[str, tuple[Sequence[str], Iterable[str]]] = {
        "Nodes": ([*_nodes(spec)], _some(spec.pools, "pool")),
        "Limits": (built.notes, [note for note in built.notes if "layers that come at a time" in note][:_MOST]),
        "Pods": ([*_pods(spec)], _workloads(spec)),
        "Images": ([each.line(several=len(_platforms(spec)) > 1) for each in images], _kinds(images)),
        "Registries": ([*_registries(built)], _some([each.host for each in spec.registries], "host")),
    }
    notes = Notes()
    short = False
    for name, (lines, brief) in sections.items():
        cut = not verbose and len(lines) > _MOST
        short = short or cut
        notes.add_section(name, brief if cut else lines)
    if short:
        notes.add("", "--verbose lists each of them")
    notes.add_section("Ends", [_end(spec)])
    notes.add_section("A run", [f"takes {built.estimate}"])
    if built.guesses:
        notes.add("Guessed", guessed_figures(built.guesses))
    notes.add_section("Warnings", warning_lines(built.warnings))
    notes.add_section("Ignored", built.ignored if verbose else ())
    return notes


class _Image(NamedTuple):
    """An image that containers want, on one platform of the nodes."""

    name: str
    containers: int
    platform: str
    problem: str = ""  # why it cannot be pulled
    layers: int = 0
    size: int = 0
    guessed: bool = False

    def line(self, *, several: bool) -> str:
        used = f"{self.name}: {counted(self.containers, 'container')}"
        if self.problem:
            return f"{used}, {self.problem}"
        guess, where = " (a guess)" if self.guessed else "", f" ({self.platform})" if several else ""
        return f"{used}, {counted(self.layers, 'layer')}{guess}, {size(self.size)}{where}"


def _listed(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{rest}"


def _some(names: Iterable[str], noun: str) -> Iterator[str]:
    known = [*names]
    yield f"{counted(len(known), noun)}: {_listed(known)}"


def _nodes(spec: ClusterSpec) -> Iterator[str]:
    pools: dict[str, list[Node]] = {}
    for node in spec.nodes:
        pools.setdefault(node.spec.pool, []).append(node)
    for pool, nodes in pools.items():
        joins = max(node.joins for node in nodes)
        joining = f", the last joins at {joins:g} s" if joins else ""
        yield f"{counted(len(nodes), 'node')} in {pool}: {_node(nodes[0].spec)}{joining}"


def _node(spec: NodeSpec) -> str:
    kubelet = spec.kubelet
    if kubelet.serialize_image_pulls:
        pulls = "one pull at a time"
    elif kubelet.max_parallel_image_pulls is None:
        pulls = "pulls without limit"
    else:
        pulls = f"{kubelet.max_parallel_image_pulls} pulls at a time"
    version = ".".join(map(str, spec.kubelet_version))
    return f"{spec.platform}, kubelet {version} ({pulls}), {spec.runtime.summary}, at most {spec.max_pods} pods"


def _pods(spec: ClusterSpec) -> Iterator[str]:
    created: dict[str, list[float]] = {}
    for pod in spec.pods:
        created.setdefault(pod.workload, []).append(pod.created)
    for workload, times in created.items():
        yield f"{counted(len(times), 'pod')} of {workload}, created {_at(min(times), max(times))}"
    for daemon_set in spec.daemon_sets:
        where = f"pool {daemon_set.pool}" if daemon_set.pool else daemon_set.node or "every pool"
        yield f"1 pod a node of {where} of the DaemonSet {daemon_set.name}, from {daemon_set.created:g} s on"
    if not spec.pods and not spec.daemon_sets:
        yield "none"


def _workloads(spec: ClusterSpec) -> Iterator[str]:
    """Say how many pods there are, of which workloads, and when they are created."""
    counts = Counter(qualified(pod.namespace, pod.workload) for pod in spec.pods)
    if counts:
        times = [pod.created for pod in spec.pods]
        most = _listed([f"{name} ({count:,})" for name, count in counts.most_common()])
        when = _at(min(times), max(times))
        yield f"{counted(counts.total(), 'pod')} of {counted(len(counts), 'workload')}, created {when}: {most}"
    if spec.daemon_sets:
        names = _listed([each.name for each in spec.daemon_sets])
        yield f"{counted(len(spec.daemon_sets), 'DaemonSet')}, a pod a node: {names}"


def _at(first: float, last: float) -> str:
    return f"at {first:g} s" if first == last else f"from {first:g} s to {last:g} s"


def _platforms(spec: ClusterSpec) -> list[str]:
    return sorted({str(node.spec.platform) for node in spec.nodes})


def _images(spec: ClusterSpec, guessed: Collection[str]) -> Iterator[_Image]:
    platforms = sorted({node.spec.platform for node in spec.nodes}, key=str)
    specs = [*(pod.spec for pod in spec.pods), *(daemon_set.spec for daemon_set in spec.daemon_sets)]
    counts = Counter(want.image for pod in specs for want in pod.wants)
    for name in sorted(counts):
        used = (name, counts[name])
        try:
            image = spec.catalog.lookup(parse(name), 0.0)
        except InvalidReference:
            yield _Image(*used, "", "not a valid image name")
            continue
        if image is None:
            yield _Image(*used, "", "in no catalogue")
            continue
        for platform in platforms:
            manifest = select(image, platform)
            if manifest is None:
                yield _Image(*used, str(platform), f"not for {platform}")
            else:
                amount = sum(layer.size for layer in manifest.layers)
                guess = parse(name).familiar in guessed
                yield _Image(*used, str(platform), "", len(manifest.layers), amount, guess)


def _kinds(images: Sequence[_Image]) -> Iterator[str]:
    """Say how many images there are, which are the largest, and which cannot be pulled or are guessed."""
    sizes: dict[str, int] = {}
    problems: dict[str, list[str]] = {}
    for each in images:
        if each.problem:
            problems.setdefault(each.problem, []).append(each.name)
        else:
            sizes[each.name] = max(each.size, sizes.get(each.name, 0))
    largest = [f"{name} ({size(sizes[name])})" for name in sorted(sizes, key=lambda name: (-sizes[name], name))]
    names = {each.name for each in images}
    yield f"{counted(len(names), 'image')}, the largest first: {_listed(largest)}"
    for problem, having in problems.items():
        yield f"{problem}: {_listed(having)}"


def _registries(built: Built) -> Iterator[str]:
    for registry in built.cluster.registries:
        if registry in built.assumed:
            continue
        egress = f"{size(registry.egress)}/s egress" if registry.egress < float("inf") else "egress without limit"
        faults = f", {counted(len(registry.faults), 'fault')}" if registry.faults else ""
        if not registry.access.open:
            faults = f", private ({counted(len(registry.access.accounts), 'user')}){faults}"
        kind = "" if registry.cache is None else f"a pull-through cache ({registry.cache.fill}), "
        trip = f"round trip {registry.round_trip * 1000:g} ms"
        yield f"{registry.host}: {kind}{egress}, {trip}, auth {registry.auth}{faults}"
    if built.assumption:
        yield built.assumption.removeprefix("registries: ")
    if not built.cluster.registries:
        yield "none listed, and none asked"


def _end(spec: ClusterSpec) -> str:
    if spec.horizon is None:
        return "when nothing can change any more, after 24 h at the most"
    return f"at {spec.horizon:g} s"
