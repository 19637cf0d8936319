"""``pullsim validate``: check a scenario, and show its nodes, pods, images and registries and the cost of a run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import (  # Typer reads the annotations
    OUTPUT,
    ForceOption,
    NodesOption,
    PresetOption,
    ScenarioArgument,
    SetOption,
    VerboseOption,
)
from pullsim.cli.scenario_argument import load_scenario
from pullsim.printable import message
from pullsim.results.wording import counted, size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pullsim.results.notes import Notes
    from pullsim.scenario import Built, Scenario
    from pullsim.spec.cluster import ClusterSpec, Node, NodeSpec, PodSpec


def validate(
    scenario: ScenarioArgument,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing",
            help="Print the shell command that fetches the manifests of all images in no catalogue, if there are any.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    force: ForceOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Check a scenario without running it, and print the nodes, pods, images and registries, and what a run takes."""
    with exit_codes(debug=verbose):
        loaded = load_scenario(scenario, set_ or (), nodes, preset)
        if loaded.assertions:
            from pullsim.results.assertions import scenario_assertions  # noqa: PLC0415

            scenario_assertions(loaded)
        if missing:
            _print_missing(loaded)
            return
        built = loaded.assemble(force=force)
        terminal.show(_overview(built, verbose=verbose))


def _print_missing(scenario: Scenario) -> None:
    """Print the command that fetches what is missing. Raises InputErrors if the scenario has other errors only."""
    from pullsim.errors import InputErrors  # noqa: PLC0415
    from pullsim.scenario.builder.missing_images import ImagesMissing  # noqa: PLC0415

    try:
        scenario.assemble(force=True)
    except InputErrors as errors:
        commands = [error.missing.command() for error in errors.errors if isinstance(error, ImagesMissing)]
        if not commands:
            raise
        with terminal.standard_output() as stdout:
            stdout.write("".join(f"{command}\n" for command in commands))


def _overview(built: Built, *, verbose: bool) -> Notes:
    from pullsim.results.notes import Notes  # noqa: PLC0415

    notes = Notes()
    spec = built.cluster
    sections: dict[str, Iterable[str]] = {
        "Nodes": _nodes(spec),
        "Limits": built.notes,
        "Pods": _pods(spec),
        "Images": _images(spec, built.guessed),
        "Registries": _registries(built),
        "Ends": [_end(spec)],
        "A run": [f"takes {built.estimate}"],
        "Warnings": message(built.warnings),
        "Ignored": built.ignored if verbose else (),
    }
    for name, lines in sections.items():
        for index, line in enumerate(lines):
            notes.add("" if index else name, line)
    return notes


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


def _at(first: float, last: float) -> str:
    return f"at {first:g} s" if first == last else f"from {first:g} s to {last:g} s"


def _images(spec: ClusterSpec, guessed: Collection[str]) -> Iterator[str]:
    from pullsim.oci.manifest import select  # noqa: PLC0415
    from pullsim.oci.reference import InvalidReference, parse  # noqa: PLC0415

    platforms = sorted({node.spec.platform for node in spec.nodes}, key=str)
    specs = [*(pod.spec for pod in spec.pods), *(daemon_set.spec for daemon_set in spec.daemon_sets)]
    counts = Counter(image for pod in specs for image in _images_of(pod))
    for name in sorted(counts):
        used = f"{name}: {counted(counts[name], 'container')}"
        try:
            image = spec.catalog.lookup(parse(name), 0.0)
        except InvalidReference:
            yield f"{used}, not a valid image name"
            continue
        if image is None:
            yield f"{used}, in no catalogue"
            continue
        for platform in platforms:
            manifest = select(image, platform)
            if manifest is None:
                yield f"{used}, not for {platform}"
            else:
                amount = size(sum(layer.size for layer in manifest.layers))
                where = f" ({platform})" if len(platforms) > 1 else ""
                guess = " (a guess)" if parse(name).familiar in guessed else ""
                yield f"{used}, {counted(len(manifest.layers), 'layer')}{guess}, {amount}{where}"


def _images_of(pod: PodSpec) -> Iterator[str]:
    return (want.image for want in pod.wants)


def _registries(built: Built) -> Iterator[str]:
    for registry in built.cluster.registries:
        if registry in built.assumed:
            continue
        egress = f"{size(registry.egress)}/s egress" if registry.egress < float("inf") else "egress without limit"
        faults = f", {counted(len(registry.faults), 'fault')}" if registry.faults else ""
        if not registry.access.open:
            faults = f", private ({counted(len(registry.access.accounts), 'user')}){faults}"
        yield f"{registry.host}: {egress}, round trip {registry.round_trip * 1000:g} ms, auth {registry.auth}{faults}"
    if built.assumption:
        yield built.assumption.removeprefix("registries: ")
    if not built.cluster.registries:
        yield "none listed, and none asked"


def _end(spec: ClusterSpec) -> str:
    if spec.horizon is None:
        return "when nothing can change any more, after 24 h at the most"
    return f"at {spec.horizon:g} s"
