"""The page of the levers side by side: ``python docs/side_by_side.py > docs/levers/side-by-side.md``.

It runs the studies of `scenarios/levers/studies`, which takes a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pullsim
from pullsim.inputs.document import read_document
from pullsim.results import metrics as metric_names
from pullsim.study.design import name_knob, variants
from pullsim.study.study_file import Study, read_study
from pullsim.study.trade_off import COST, front, of_sweep
from pullsim.study.variant_runs import Sweep, run_variants

STUDIES: Final = Path(__file__).parents[1] / "scenarios" / "levers" / "studies"
#: The headings of the columns.
HEADINGS: Final = {
    "rollouts.web.seconds": "rollout",
    "pods.ready.p50": "ready, p50",
    "pods.ready.p99": "ready, p99",
    "images.web:v2.ready.p50": "ready, p50",
    "images.web:v2.ready.p99": "ready, p99",
    "bytesByClass.nat": "through NAT",
    "bytesByClass.crossZone": "across zones",
    "idleAcceleratorMinutes": "idle GPU min",
    "cost": "cost, USD",
}
PAGE: Final = """\
# The levers side by side

<!-- Generated: python docs/side_by_side.py > docs/levers/side-by-side.md -->

What each lever does to a scale-up of GPU nodes and to a rolling update, alone but for what its name says. The variants
are in [scenarios/levers/studies](../../scenarios/levers/studies/gpu-scaleup.yaml): put your scenario in place of
theirs, or other levers beside them. **Bold** are those of which it holds that no other one is both cheaper and faster
(p99). [What money counts](money.md).

## Twenty GPU nodes, a vLLM image of 12 GB

`pullsim sweep scenarios/levers/studies/gpu-scaleup.yaml` (one seed). Nodes join one every five seconds, and each wants
the image at once; a g6.4xlarge has a disk of 125 MiB/s and containerd 2.1. Levers that unpack side by side have a disk
of 1,000 MiB/s. A pod is ready 20 s after its start, and not before all of its files have been read.

{gpu}

Unpacking binds here. What only moves bytes (mirrors, caches, peers) starts nothing sooner, and saves most of the money;
what unpacks faster does the opposite, and needs a faster disk to do so. They go together, but for SOCI, which does not
ask the mirrors that containerd has. A cache that stores before it sends (zot) fetches the image once and lets the first
nodes wait; one that streams (distribution) fetches for each node what nobody has brought to its end yet. Peers gain
little while all nodes pull at the same time, and most of the bytes when nodes come one every half a minute. A swarm
gives pieces away while it fetches them, so that through the gateway comes only what its origins fetch (two with Kraken)
or its seed (one with Dragonfly), however many nodes there are. It starts nothing sooner here either: each byte is
written to the slow disk once more.

An image in the node image, on a snapshot or on a second disk costs nothing *in the run*: what making and keeping it
costs is not in the table. A volume of a snapshot has the image at once, and its files come slowly, so that the GPU
waits all the same; fast restore is for ten volumes a zone. Lazily pulled images start within seconds, and all of their
weights come with the reads, sixteen at a time and with nothing to unpack to the disk; the GPU waits for these too.
Which of the four it is makes little difference here, where all nodes share the registry's link; what GKE does is mostly
[assumed](lazy-pulling.md).

## A rolling update of 200 nodes, 500 MB each

`pullsim sweep scenarios/levers/studies/rolling-update.yaml` (one seed). A quarter of the pods is replaced at a time;
the times until ready are those of the new pods.

{update}

Fifty nodes at a time fill the registry's 10 Gbit/s, and so they fill a mirror's. What shortens this rollout is faster
unpacking, and images that are there before: a prepull takes the pulls out of it, for the same bytes. A mirror or a
cache makes it cheaper, not shorter. Peers all turn to the first nodes that have a layer, whose links carry less than
the registry's ([why](peers.md)); a [swarm](swarms.md) has all of them send, and
Dragonfly's peers prefer those of their own zone.

How many nodes make a mirror, a cache, peers or a swarm worth it:
[a question with a command](../questions.md#registries).
"""


def study_of(name: str) -> Study:
    """Return a study by the name of its file."""
    path = STUDIES / f"{name}.yaml"
    return read_study(path, read_document(path))


def table(study: Study, sweep: Sweep) -> str:
    """Return the table of a study as Markdown, a row for each variant."""
    latency = next(name for name in study.metrics if name.endswith(".p99"))
    names = {position: study.named[position].name for position in range(len(study.named))}
    best = {option.name for option in front(of_sweep(sweep, COST, latency, names))}
    rows = [f"| lever | {' | '.join(HEADINGS[name] for name in study.metrics)} |"]
    rows.append("| --- |" + " ---: |" * len(study.metrics))
    for position, name in names.items():
        cells = [metric_names.text(metric, sweep.interval(position, metric).mean) for metric in study.metrics]
        rows.append(f"| {f'**{name}**' if name in best else name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def run(study: Study) -> Sweep:
    """Run the variants of a study."""
    named = study.named
    return run_variants(
        pullsim.load(study.scenario), [name_knob(named)], variants([], named=named), metrics=study.metrics
    )


def page() -> str:
    """Return the page."""
    tables = {key: study_of(name) for key, name in (("gpu", "gpu-scaleup"), ("update", "rolling-update"))}
    return PAGE.format(**{key: table(study, run(study)) for key, study in tables.items()})


if __name__ == "__main__":
    sys.stdout.write(page())
