"""Time lines for runs that were made by hand: the stages of each pod one after the other, in their usual order."""

from __future__ import annotations

from pullsim.stages import STAGES


def with_spans(result, names=()):
    """The result with the time line of each pod; ``names``: other names for some of its pods, by the old one."""
    renamed = dict(names)
    for rows in (result.pods, result.pulls, result.layers):
        for place, row in enumerate(rows):
            rows[place] = row._replace(pod=renamed.get(row.pod, row.pod))
    for pod in result.pods:
        at, spans = pod.created, []
        for stage in sorted(pod.stages, key=STAGES.index):
            image = None if stage in ("scheduling", "sync") else pod.images[0]
            spans.append((stage, at, at + pod.stages[stage], image, None))
            at += pod.stages[stage]
        result.spans.add(pod.node, pod.namespace, pod.pod, spans)
    return result
