"""Spegel against what people have reported of it.

The sources tell an order and not figures, so that most rows have a bound, which the predicted figure keeps or not. The
speed of a core is fitted to the first node's pull of spegel#378; all else is a default.
"""

from __future__ import annotations

from typing import Any, Final

from benchmarks.fidelity.levers.pull import HOST, IMAGE, LEAST, Check, fitted
from pullsim.run import Result, run
from pullsim.scenario import from_mapping
from pullsim.spec.unpack import UnpackSpec

#: spegel#378: seconds of the first node's pull of 10 GB of random bytes.
FIRST: Final = 230.0
RANDOM: Final = ({"size": "10GB", "unpacked": "10GB"},)
LINK: Final = "21Gbit/s"  # between the nodes, by iperf
GIGABIT: Final = "1Gbit/s"
APPLICATION: Final = ({"size": "300MB"}, {"size": "200MB"})
JOINING: Final = 5
CONTAINERS: Final = 6


def checks() -> list[Check]:
    """Predict all rows."""

    def first(speed: float) -> float:
        return _two_nodes(speed)[0]

    core = fitted(first, FIRST, 0.05, 20.0)
    one, other = _two_nodes(core)
    alone, _ = _joining(1)
    together, limited = _joining(JOINING)
    busy, direct = _busy("spegel"), _busy(None)
    return [
        Check(f"#378, 10 GB of random bytes; a core as fast as {core:.2f} of the lab's", FIRST, one, "fitted"),
        Check("#378, second node by peer over the first by registry", 1.0, other / one, LEAST, ""),
        Check(f"#336, {JOINING} nodes join together, over one: a pull", 1.0, together / alone, LEAST, ""),
        Check("#336, part of the downloads that the first node's uplink limits", 0.5, limited, LEAST, ""),
        Check(f"#551, {CONTAINERS} containers a node, over the registry: the last", 1.0, busy / direct, LEAST, ""),
    ]


def unsaid() -> list[str]:
    """Return a line for each source: what it did not say."""
    slow = (
        "spegel issue #378 (2024): v0.0.17, two bare-metal workers with 21 Gbit/s between them; the second node's pull "
        "from the first took longer than the first's from the registry. Not said: disk, cores, layers (taken as one), "
        "release of containerd, where the registry is."
    )
    joining = (
        "spegel issue #336 (2024): nodes that join k3s together saturate the one master that has the images. Not said: "
        "figures; links are taken as 1 Gbit/s."
    )
    stalled = (
        "spegel issue #551 (2024): AKS, v0.0.23; pulls that got nothing for 5 min as peers were busy, and were "
        "cancelled by containerd's progress timeout. Not said: links, images, how many nodes. The model shares links "
        "fairly, so that every pull gets something and none is cancelled: that peers are slower is predicted, the "
        "stall is not."
    )
    return [slow, joining, stalled]


def _run(layers: tuple[dict[str, Any], ...], nodes: list[dict[str, Any]], images: int, **registry: Any) -> Result:
    names = [f"{IMAGE}{number}" for number in range(images)]
    define = [
        {"image": name, "layers": [{**layer, "digest": _digest(n, m)} for m, layer in enumerate(layers)]}
        for n, name in enumerate(names)
    ]
    pods = sum(node["count"] for node in nodes if node["name"] == "new")
    return run(
        from_mapping(
            {
                "images": {"define": define},
                "registries": [{"host": HOST, **registry}],
                "nodes": [
                    {**node, "cached": names if node["name"] == "old" else [], "maxPods": images} for node in nodes
                ],
                "workloads": [
                    {"name": f"w{n}", "pods": {"image": name, "count": pods}, "on": {"pool": "new"}}
                    for n, name in enumerate(names)
                ],
            }
        )
    )


def _digest(image: int, layer: int) -> str:
    return f"sha256:{image * 100 + layer:064x}"


def _two_nodes(speed: float) -> tuple[float, float]:
    """Return the seconds of the pulls of two nodes, the second of which begins when the first has long ended."""
    own = UnpackSpec()
    unpack = {key: f"{speed * getattr(own, key) / 1e6:.3f}MB/s" for key in ("gzip", "stored")}
    node = {
        "name": "new",
        "count": 2,
        "join": {"every": "20m"},
        "nic": LINK,
        "peers": "spegel",
        "unpack": unpack,
        "runtime": {"containerd": "1.7"},
    }
    pulls = sorted(_run(RANDOM, [node], 1, egress=LINK).pulls, key=lambda pull: pull.started)
    first, second = (pull.ended - pull.started for pull in pulls)
    return first, second


def _joining(count: int) -> tuple[float, float]:
    """Return the seconds of the longest pull, and the part of the downloads that an uplink limits."""
    new = {"name": "new", "count": count, "join": {"at": "10s"}, "nic": GIGABIT, "peers": "spegel"}
    old = {"name": "old", "count": 1, "nic": GIGABIT, "peers": "spegel"}
    result = _run(APPLICATION, [old, new], 1)
    layers = [layer for layer in result.layers if layer.source == "peer"]
    limited = sum(layer.egress for layer in layers) / sum(layer.fetched - layer.first_byte for layer in layers)
    return max(pull.ended - pull.started for pull in result.pulls), limited


def _busy(peers: str | None) -> float:
    """Return when the last of the pods of 20 nodes started, which have six images each that one other node has."""
    kept = {"peers": peers} if peers else {}
    new = {"name": "new", "count": 20, "join": {"at": "10s"}, "nic": GIGABIT, "cores": 8, **kept}
    old = {"name": "old", "count": 1, "nic": GIGABIT, **kept}
    kubelet = {"kubelet": {"serializeImagePulls": False}}
    result = _run(APPLICATION, [old, {**new, **kubelet}], CONTAINERS, egress="10Gbit/s")
    return max(pull.ended for pull in result.pulls) - 10.0
