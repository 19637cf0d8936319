"""What happens in a scenario: the question that is asked first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pullsim.importer.draft import Draft, Entry, Question
from pullsim.importer.figures import Figure, default
from pullsim.importer.names import free_name
from pullsim.importer.placing import anywhere, fitting
from pullsim.importer.pod_template import images_of
from pullsim.inputs.fields import entries, text
from pullsim.oci.reference import InvalidReference, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pullsim.importer.pools import Pool
    from pullsim.importer.workloads import Workload

#: The question in words, for who reads the results.
ASKED: Final[Mapping[Question, str]] = {
    Question.rollout: "How long until all pods run that roll out to fresh nodes, and what do they wait for?",
    Question.scale_up: "How long until the largest workload runs twice as many pods, as fresh nodes join its pool?",
    Question.outage: "When is the last pod up if the registry that most need fails during a rollout to fresh nodes?",
    Question.cold_node: "How long until a fresh node of each pool serves, and what does it wait for?",
    Question.now: "How long until all pods run that start on nodes with the images that they have now?",
}
_OUTAGE: Final = "5m"
_JOIN: Final = "1m"


def ask(draft: Draft, workloads: list[Workload]) -> None:
    """Let happen what the question asks for."""
    _ASK[draft.question](draft, workloads)


def _rollout(draft: Draft, _: list[Workload]) -> None:
    draft.told.append("all workloads roll out to fresh nodes: every pod is created at 0, and no image is on a node yet")
    _cold(draft)


def _cold(draft: Draft) -> None:
    """Take the cached images off the pools, whose comments still name them, but for those that are never pulled."""
    for pool in draft.pools:
        pool.keys.pop("cached", None)
        _bake(pool, draft)


def _warm(draft: Draft) -> None:
    for pool in draft.pools:
        if pool.cached:
            pool.keys["cached"] = Figure(pool.cached, "read: on all its nodes")
        _bake(pool, draft)


def _bake(pool: Pool, draft: Draft) -> None:
    """Give a pool the images that containers never pull, which nodes have by themselves or not at all."""
    pods = [entry.values["pod"] for entry in draft.workloads if fitting(entry.values["pod"], [pool])]
    containers = [each for pod in pods for key in ("containers", "initContainers") for each in entries(pod, key)]
    baked = {text(each, "image") for each in containers if text(each, "imagePullPolicy") == "Never"}
    cached = pool.value("cached") or []
    if new := sorted(baked - {*cached}):
        why = "imagePullPolicy Never: its nodes have what is never pulled"
        origin = pool.keys["cached"].origin if cached else ""
        pool.keys["cached"] = Figure([*cached, *new], f"{origin}; {why}" if origin else f"default: {why}")


def _now(draft: Draft, _: list[Workload]) -> None:
    draft.told.append(
        "the cluster as it is now: images that all nodes of a pool have are there, and every pod is created at 0"
    )
    _warm(draft)


def _outage(draft: Draft, workloads: list[Workload]) -> None:
    pulls: Counter[str] = Counter()
    for workload in workloads:
        for image in images_of(workload.pod):
            try:
                pulls[parse(image).domain] += max(workload.count, 1)
            except InvalidReference:
                continue
    _cold(draft)
    host = min(pulls, key=lambda name: (-pulls[name], name), default="")
    for registry in draft.registries:
        if registry.host == host:
            registry.keys["faults"] = default([{"at": "10s", "for": _OUTAGE, "status": 503}], "the outage")
    draft.told.append(
        f"the registry {host}, which most pods pull from, answers 503 "
        f"from 10s on for {_OUTAGE}, while all workloads roll out to fresh nodes"
    )


def _scale_up(draft: Draft, workloads: list[Workload]) -> None:
    _warm(draft)
    own = [each for each in workloads if not each.daemon and not each.owner.namespace.startswith("kube-")] or workloads
    if not own:
        return
    chosen = min(own, key=lambda each: (-each.count, each.owner, each.name))
    position = workloads.index(chosen)
    entry = draft.workloads[position]
    pool = next((each for each in draft.pools if entry.values.get("on") == {"pool": each.name}), None) or _main(
        draft, chosen
    )
    fresh = _joined(draft, pool, f"{pool.name}-new", max(pool.count // 2, 1))
    draft.pools.append(fresh)
    again = replace(
        entry,
        values={**entry.values, "name": f"{entry.values['name']}-more", "at": _JOIN},
        remarks=[f"scale-up: as many pods again as {chosen.owner} has"],
    )
    again.values.pop("on", None)
    draft.workloads.append(_ordered(again))
    _daemons(draft, workloads, fresh)
    draft.told.append(
        f"{chosen.owner} doubles to {2 * chosen.count} pods at {_JOIN}, as {fresh.count} fresh nodes join "
        f"(pool {fresh.name})"
    )


def _main(draft: Draft, workload: Workload) -> Pool:
    """Return the pool with most of a workload's pods, or the largest."""

    def placed(pool: Pool) -> int:
        return sum(count for node, count in workload.nodes.items() if node in pool.node_names)

    return max(draft.pools, key=lambda pool: (placed(pool), pool.count, pool.name))


def _cold_node(draft: Draft, workloads: list[Workload]) -> None:
    _warm(draft)
    fresh = [_joined(draft, pool, f"{pool.name}-cold", 1) for pool in draft.pools]
    for pool, cold in zip([*draft.pools], fresh, strict=True):
        draft.pools.append(cold)
        _daemons(draft, workloads, cold)
        counts = _of_a_node(workloads, pool)
        for workload, entry, count in zip(workloads, [*draft.workloads], counts, strict=False):
            if count:
                values = {
                    **entry.values,
                    "name": f"{entry.values['name']}-on-{cold.name}",
                    "count": count,
                    "at": _JOIN,
                    "on": {"pool": cold.name},
                }
                remarks = [f"cold-node: what a node of {pool.name} has of {workload.owner}"]
                draft.workloads.append(_ordered(replace(entry, values=values, remarks=remarks)))
    for workload, entry in zip(workloads, [*draft.workloads], strict=False):
        _keep_what_runs(draft, workload, entry)
    draft.told.append(
        f"a node without any image joins each pool at {_JOIN} and gets its DaemonSets "
        "and what a node of the pool has on average; the names end in -cold. Pods that wait for a node or an image in "
        "the cluster are left out"
    )


def _keep_what_runs(draft: Draft, workload: Workload, entry: Entry) -> None:
    """Take the pods out of a workload that have no node or not their images: they are not what is asked about."""
    running = 0 if workload.failing else workload.count - workload.nodes[""]
    place = draft.workloads.index(entry)
    if running <= 0:
        del draft.workloads[place]
    elif running < workload.count:
        draft.workloads[place] = replace(entry, values={**entry.values, "count": running})


def _of_a_node(workloads: list[Workload], pool: Pool) -> list[int]:
    """Return how many pods of each workload an average node of a pool has, those of DaemonSets apart.

    Whole pods, as many in all as the average, at least one if there are any: of what has less than one a node, the
    largest remainders say which, as of the pods of a GPU pool of which some nodes are free.
    """
    if not pool.nodes:
        return [int(not each.daemon) for each in workloads]
    parts = [
        0.0 if each.daemon else sum(each.nodes[node] for node in pool.node_names) / pool.count for each in workloads
    ]
    counts = [int(part) for part in parts]
    left = max(round(sum(parts)), any(parts)) - sum(counts)
    for index in sorted(range(len(parts)), key=lambda index: counts[index] - parts[index])[: max(left, 0)]:
        counts[index] += parts[index] > counts[index]
    return counts


def _joined(draft: Draft, pool: Pool, name: str, count: int) -> Pool:
    """Return a pool of fresh nodes of the same kind, which join later."""
    free = free_name([name], {each.name for each in draft.pools})
    keys = {key: figure for key, figure in pool.keys.items() if key not in ("cached", "count")}
    keys = {"count": default(count, "fresh nodes"), "join": default({"at": _JOIN}), **keys}
    made = replace(pool, name=free, nodes=(), count=count, keys=keys, cached=[], origin=pool.name)
    _bake(made, draft)
    return made


def _daemons(draft: Draft, workloads: list[Workload], fresh: Pool) -> None:
    """Give the fresh nodes the pods of the DaemonSets that fit them."""
    for workload, entry in zip(workloads, [*draft.workloads], strict=False):
        if workload.daemon and fitting(workload.pod, [fresh]):
            values: dict[str, Any] = {
                **entry.values,
                "name": f"{entry.values['name']}-on-{fresh.name}",
                "count": fresh.count,
                "at": _JOIN,
                "on": {"pool": fresh.name},
                "pod": anywhere(entry.values["pod"]),
            }
            draft.workloads.append(
                _ordered(replace(entry, values=values, remarks=[f"{workload.owner} on the fresh nodes"]))
            )


def _ordered(entry: Entry) -> Entry:
    """Return an entry with its pod last."""
    return replace(
        entry,
        values={**{key: value for key, value in entry.values.items() if key != "pod"}, "pod": entry.values["pod"]},
    )


_ASK: Final[Mapping[Question, Callable[[Draft, list[Workload]], None]]] = {
    Question.rollout: _rollout,
    Question.scale_up: _scale_up,
    Question.outage: _outage,
    Question.cold_node: _cold_node,
    Question.now: _now,
}
