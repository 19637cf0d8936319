"""What the logs of real clusters tell (`data/clusters.json`) and what they do not, and the images of these clusters."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import UNPACK_RATIO, Layer, Manifest, synthetic_digest
from pullsim.spec.registry import RegistrySpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DATA: Final = Path(__file__).parent / "data" / "clusters.json"
RATIOS: Final = Path(__file__).parent / "data" / "unpacked.json"
HOST: Final = "ghcr.io"
#: The one image that the clusters took from Docker Hub: 20 ms away, 108 ms for a manifest on an open connection
#: (bottlerocket-core-kit PR 645).
HUB: Final = RegistrySpec("docker.io", round_trip=20e-3, first_byte=88e-3, head=88e-3, auth="bearer")
#: Google's Artifact Registry, of which gke.gcr.io is a name: as fitted on the pulls from us-central1-docker.pkg.dev.
GOOGLE: Final = "gke.gcr.io"
GOOGLE_PRESET: Final = "gcp/n1-standard-16-local-ssd"
ZERO_FILES: Final = 1  # a generated layer is one file of zeros
#: Compressed bytes from which a layer is taken for one of GPU libraries or models, and what such a layer unpacks to:
#: 1.9 times for CUDA, 2.06 for PyTorch (containerd PR 13560); 1.95, 2.05, 2.11 and 2.27 for four images of PyTorch and
#: TensorFlow (twosixlabs/armory issue 456).
HEAVY: Final = 10**9
HEAVY_RATIO: Final = 2.05
#: Layers of one repository's images whose sizes differ by less than this part are one step, built again.
REBUILT: Final = 0.01
REBUILT_FROM: Final = 5_000_000  # bytes; smaller ones may be alike by chance
#: More compressed bytes a second than any decompressor here inflates: the log misses what the node had before.
IMPOSSIBLE: Final = 150e6
#: Used share of a node's disk from which the kubelet removes images (imageGCHighThresholdPercent).
FULL: Final = 0.85
#: Part of a pull's new bytes that other nodes of a cluster must have pulled before, in an incomplete log.
MISSED: Final = 0.1

#: Unpacked bytes a compressed byte, by number of the layer.
Ratios = dict[int, float]


@lru_cache(maxsize=1)
def data() -> dict[str, Any]:
    """Read the carried figures."""
    read: dict[str, Any] = json.loads(DATA.read_text())
    return read


@lru_cache(maxsize=1)
def fitted() -> list[dict[str, Any]]:
    """Read the ratios that `fit_clusters` found: layers, first of those built again, and the pulls that told it."""
    read: list[dict[str, Any]] = json.loads(RATIOS.read_text())["ratios"]
    return read


@lru_cache(maxsize=1)
def ratios() -> Ratios:
    """Return the fitted ratios by layer."""
    found = {layer: entry["ratio"] for entry in fitted() for layer in entry["layers"]}
    return {layer: found[first] for layer, first in enumerate(rebuilt()) if first in found}


@lru_cache(maxsize=1)
def rebuilt() -> list[int]:
    """Return for each layer the first of those that are the same step built again: itself, where there is none.

    The images of a repository here are one recipe on several bases: that their layers repeat to a thousandth in size
    and not in digest is what building again does.
    """
    sizes = [size for size, _ in data()["layers"]]
    first = list(range(len(sizes)))
    repositories: dict[str, set[int]] = defaultdict(set)
    for name, layers, *generated in data()["images"]:
        if not generated:
            repository = name.partition("@")[0].rpartition(":")[0]
            repositories[repository].update(layer for layer in layers if sizes[layer] >= REBUILT_FROM)
    for layers in repositories.values():
        by_size = sorted(layers, key=lambda layer: (sizes[layer], layer))
        for smaller, larger in pairwise(by_size):
            if sizes[larger] <= (1 + REBUILT) * sizes[smaller]:
                one, other = sorted((first[smaller], first[larger]))
                first = [one if each == other else each for each in first]
    return first


def usual_ratio(layer: int) -> float:
    """Return what a layer of this size unpacks to where nothing better is known."""
    return HEAVY_RATIO if data()["layers"][layer][0] >= HEAVY else UNPACK_RATIO


def unpacked(layer: int, known: Mapping[int, float]) -> int:
    """Return a layer's unpacked bytes: as its image's manifest tells, by a ratio known for it, or the usual one."""
    size, told = data()["layers"][layer]
    return int(told or round(size * known.get(layer, usual_ratio(layer))))


def new_layers(pull: dict[str, Any], before: Iterable[int]) -> list[int]:
    """Return the layers of a pull that these images had not brought."""
    images = data()["images"]
    had = {layer for image in before for layer in images[image][1]}
    return [layer for layer in images[pull["image"]][1] if layer not in had]


def new_bytes(pull: dict[str, Any], before: Iterable[int]) -> int:
    """Return their compressed bytes."""
    layers = data()["layers"]
    return sum(layers[layer][0] for layer in new_layers(pull, before))


def untold(cluster: str, pull: dict[str, Any]) -> str:
    """Say why the log cannot tell what of the image was new on the node; empty where it can.

    Three rules, for all pulls alike; none looks at a prediction.
    """
    before = pull["before"]
    size = new_bytes(pull, before)
    if size > IMPOSSIBLE * pull["p50"]:
        return f"{size / 1e6:.0f} MB cannot have come in {pull['p50']:.3g} s: the node had them from before its log"
    others = new_bytes(pull, pull.get("seen", before))
    if others < (1 - MISSED) * size:
        return f"the log is incomplete: {size / 1e6:.0f} MB were new by its nodes' pulls, {others / 1e6:.0f} by others'"
    on_disk = _on_disk(before)
    capacity = _capacity(data()["clusters"][cluster]["disk"])
    shared = len(new_layers(pull, before)) < len(data()["images"][pull["image"]][1])
    if shared and on_disk > FULL * capacity:
        return (
            f"images of {on_disk / 1e9:.0f} GB had come to a disk of {capacity / 1e9:.0f} GB: "
            "the kubelet removes images, which the log does not tell"
        )
    return ""


def _on_disk(images: Iterable[int]) -> int:
    """Return compressed and unpacked bytes of these images."""
    layers = {layer for image in images for layer in data()["images"][image][1]}
    return sum(data()["layers"][layer][0] + unpacked(layer, ratios()) for layer in layers)


def _capacity(disk: str) -> float:
    """Return the bytes of a disk by its description; infinite where that does not tell."""
    found = re.search(r"(\d+) GB", disk)
    return float(found[1]) * 1e9 if found else float("inf")


def image_name(number: int) -> str:
    """Return the name under which the catalogue has an image."""
    first, slash, _ = data()["images"][number][0].partition("/")
    host = (first if first == GOOGLE else HOST) if slash and ("." in first or ":" in first) else HUB.host
    return f"{host}/image-{number}:1"


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    """Return all images, with what is known of their layers."""
    return catalog_of(range(len(data()["images"])), ratios())


def catalog_of(numbers: Iterable[int], known: Mapping[int, float]) -> Catalog:
    """Return these images, with these ratios."""
    found = Catalog()
    for number in numbers:
        name, first, *generated = data()["images"][number]
        if generated:
            count, size, content = generated
            layers = [_layer(first, known)] + [
                Layer.of(synthetic_digest(name, str(index)), size, unpacked=content, files=ZERO_FILES)
                for index in range(count)
            ]
        else:
            layers = [_layer(layer, known) for layer in first]
        found.add(image_name(number), Manifest.of(layers))
    return found


def _layer(number: int, known: Mapping[int, float]) -> Layer:
    return Layer.of(
        synthetic_digest("layer", str(number)), data()["layers"][number][0], unpacked=unpacked(number, known)
    )
