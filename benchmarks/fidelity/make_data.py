"""Carry the figures that `clusters.py` needs into `data/clusters.json`, from the tables and logs of real clusters.

    python -m benchmarks.fidelity.make_data ../shared/data

Of every first pull of an image in a cluster: when it began, how long it took (median, least and most over the nodes
that did not wait), on how many nodes, and which images those had pulled before, in the order of the log. Where the log
of a cluster is incomplete, ``seen`` are the images that any of its nodes had pulled by then. `data/nodes.csv` has what
each node took, of pulls that presets are fitted on.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.fidelity.cluster_data import data
from benchmarks.fidelity.clusters import CHONKS, PERFSTUDY, clusters, judgeable

OUT = Path(__file__).parent / "data" / "clusters.json"
NODES = OUT.with_name("nodes.csv")
WAITED = 0.1  # seconds in the kubelet's queue
BASE = "ghcr.io/converged-computing/container-chonks-run1:9-layers-size-48702097-bytes"
ZEROS = 1028  # gzip makes a byte of so many, as in the manifests that are known
SOURCE = (
    "converged-computing/container-chonks (fa067497) and converged-computing/performance-study (6f3df687), "
    "MIT License, see LICENSES.md"
)


def main(shared: Path) -> None:
    """Write the file."""
    catalog = {}
    for entry in json.loads((shared / "images" / "catalog_pulled_2024.json").read_text()):
        catalog[f"{entry['name']}:{entry['tag']}"] = entry
    base = catalog[BASE]["layers"][0]
    rows = _rows(shared / "tables" / "hpc_pull_summary.csv")
    for row in rows:
        if row["uncompressed_bytes"] and "chonks" in row["image"]:
            catalog[row["image"]] = _generated(row, base)
    clusters = {row["cluster"]: row for row in _rows(shared / "events" / "clusters.csv")}
    pulls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (shared / "events" / "hpc_pulls.jsonl").read_text().splitlines():
        pull = json.loads(line)
        pull["begin"] = pull["pulled_t"] - pull["including_waiting_s"]
        pulls[pull["cluster"]].append(pull)
    carried = Carried(catalog)
    out: dict[str, Any] = {}
    for row in rows:
        if int(row["score"]) < 2 or row["image"] not in catalog:
            continue
        before, begin = _history(pulls[row["cluster"]], row["image"], catalog)
        cluster = clusters[row["cluster"]]
        entry = out.setdefault(
            row["cluster"],
            {
                "instance_type": (row["instance_type"] or "standard_hb120-96rs_v3").lower(),
                "disk": row["disk"],
                "nodes": int(cluster["nodes_requested"] or cluster["nodes_seen"]),
                "pulls": [],
            },
        )
        entry["pulls"].append(
            {
                "image": carried.image(row["image"]),
                "begin": begin,
                "nodes": int(row["n_nodes"]),
                "p50": float(row["pull_s_p50"]),
                "min": float(row["pull_s_min"]),
                "max": float(row["pull_s_max"]),
                "score": int(row["score"]),
            }
        )
        if row["cluster"].startswith("perfstudy"):  # in the others every image has layers of its own on one base
            entry["pulls"][-1]["before"] = [carried.image(image) for image in before]
            if cluster["log_complete"] == "no":
                seen = dict.fromkeys(pull["image"] for pull in pulls[row["cluster"]] if pull["pulled_t"] <= begin)
                entry["pulls"][-1]["seen"] = [
                    carried.image(name) for name in seen if name in catalog and name != row["image"]
                ]
    for entry in out.values():
        entry["pulls"].sort(key=lambda pull: pull["begin"])
    text = {"source": SOURCE, "layers": carried.layers, "images": carried.images, "clusters": out}
    lines = ",\n".join(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in text.items())
    OUT.write_text("{\n" + lines + "\n}\n")
    _write_nodes(pulls, carried)


def _write_nodes(pulls: dict[str, list[dict[str, Any]]], carried: Carried) -> None:
    """Write what each node took for the images that presets are fitted on, and did not wait for."""
    with NODES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["cluster", "image", "node", "seconds"])
        for group in (*CHONKS, *PERFSTUDY):
            for cluster in clusters(group):
                told = {data()["images"][pull["image"]][0] for pull in judgeable(group, cluster)}
                seen = set()
                for pull in sorted(pulls[cluster], key=lambda pull: pull["begin"]):
                    name, node = pull["image"], pull["node"]
                    waited = pull["including_waiting_s"] - pull["pull_s"] > WAITED
                    if name in told and group.calibrates(cluster, name) and (name, node) not in seen:
                        seen.add((name, node))
                        if not waited:
                            writer.writerow([cluster, carried.image(name), node, pull["pull_s"]])


class Carried:
    """What is written: layers [bytes, unpacked bytes or null] and images [name, their numbers], without repetitions.

    A generated image is [name, number of its base, layers on it, bytes and unpacked bytes of each of these].
    """

    def __init__(self, catalog: dict[str, Any]) -> None:
        self.layers: list[list[int | None]] = []
        self.images: list[list[Any]] = []
        self._catalog = catalog
        self._layers: dict[str, int] = {}
        self._images: dict[str, int] = {}

    def image(self, name: str) -> int:
        """Return an image's number."""
        if name not in self._images:
            entry = self._catalog[name]
            numbers = [self._layer(layer) for layer in entry["layers"]]
            generated = entry.get("generated")
            self._images[name] = len(self.images)
            self.images.append([name, numbers[0], *generated] if generated else [name, numbers])
        return self._images[name]

    def _layer(self, layer: dict[str, Any]) -> int:
        if layer["digest"] not in self._layers:
            self._layers[layer["digest"]] = len(self.layers)
            self.layers.append([layer["size"], layer.get("uncompressed")])
        return self._layers[layer["digest"]]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _generated(row: dict[str, str], base: dict[str, Any]) -> dict[str, Any]:
    """Return a generated image: a base and equal layers of zeros."""
    count = int(row["layers"]) - 1
    unpacked = (int(row["uncompressed_bytes"]) - base["uncompressed"]) // count
    return {"layers": [base], "generated": [count, unpacked // ZEROS, unpacked]}


def _history(pulls: list[dict[str, Any]], image: str, catalog: dict[str, Any]) -> tuple[list[str], float]:
    """Return what the node with the median of new bytes had pulled before, and when the image's pull began."""
    by_node: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for pull in pulls:
        by_node[pull["node"]].append(pull)
    found = []
    for node, own in by_node.items():
        own.sort(key=lambda pull: pull["begin"])
        first = next((pull for pull in own if pull["image"] == image), None)
        if first is None:
            continue
        before = [pull["image"] for pull in own if pull["pulled_t"] <= first["begin"] + 1 and pull is not first]
        before = [name for name in dict.fromkeys(before) if name in catalog and name != image]
        had = {layer["digest"] for name in before for layer in catalog[name]["layers"]}
        new = sum(layer["size"] for layer in catalog[image]["layers"] if layer["digest"] not in had)
        found.append((new, node, before, first["begin"]))
    found.sort(key=lambda entry: entry[:2])
    _, _, before, _ = found[(len(found) - 1) // 2]
    return before, round(statistics.median(entry[3] for entry in found), 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
