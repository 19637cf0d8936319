"""Make the built-in catalogues (pullsim/oci/catalogs/*.json) from the collected image data.

    python benchmarks/catalogs/make_catalogs.py DATA

DATA holds catalog_official_2018.json, catalog_registry_2024.json and catalog_pulled_2024.json: lists of manifests, one
a platform (name, tag, platform, digest, layers, …). kubernetes.json and reported-2026.json beside this script are
collected by hand: sizes that kubelets reported. official-2026.json is kept by hand in the package itself, from the
pages ``repos/NAME/remote/TAG.md`` of docker-library/repo-info.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pullsim.oci.catalog import FORMAT
from pullsim.oci.manifest import CONFIG_BYTES_A_LAYER, INDEX_BYTES, MANIFEST_BYTES, synthetic_digest
from pullsim.oci.typical import typical_splits

OUT = Path(__file__).parents[2] / "pullsim" / "oci" / "catalogs"
HPC = "(c) 2022-2023 LLNS, LLC and other HPCIC DevTools Developers, MIT License: see NOTICE.md"

# Layers that images of one release have in common; estimated.
BASES = {"go-runner": 2_300_000, "distroless-iptables": 12_000_000}
# quay.io/coreos/etcd v3.5.14: 19,693,827 bytes on arm64, 21,270,803 on amd64.
ARM64 = 19_693_827 / 21_270_803


def collected(path: Path, source: str, date: str, licence: str) -> dict[str, Any]:
    images = [manifest(entry) for entry in json.loads(path.read_text())]
    return {"format": FORMAT, "source": source, "date": date, "license": licence, "images": images}


def manifest(entry: dict[str, Any]) -> dict[str, Any]:
    layers = [layer(given) for given in entry["layers"]]
    image = {
        "image": f"{entry['name']}:{entry['tag']}",
        "platform": entry["platform"],
        "digest": entry["digest"],
        "index": entry.get("index_digest"),
        "config": config(entry),
        "size": entry["total_compressed"],
        # Where layers have their own numbers, the total is their sum, but for rounding.
        "unpacked": None if any("unpacked" in made for made in layers) else entry.get("total_uncompressed"),
        "layers": layers,
    }
    return {key: value for key, value in image.items() if value is not None}


def layer(given: dict[str, Any]) -> dict[str, Any]:
    made = {"digest": given["digest"], "size": given["size"]}
    if "uncompressed" in given:
        made["unpacked"] = given["uncompressed"]
        # Generated layers of zeros: their sizes are those of a tar with one file, gzipped.
        if given["uncompressed"] > 500 * given["size"]:
            made["files"] = 1
    return made


def config(entry: dict[str, Any]) -> dict[str, Any]:
    if "image_id" in entry:
        return {"digest": entry["image_id"]}
    return {"digest": entry["config_digest"], "size": entry["config_size"]}


def kubernetes(path: Path) -> dict[str, Any]:
    images = []
    for row in json.loads(path.read_text()):
        amd64, arm64 = row["reported"], round(row["reported"] * ARM64)
        images += [reported(row, "linux/amd64", amd64), reported(row, "linux/arm64", arm64)]
    return {
        "format": FORMAT,
        "source": "sizes reported by kubelets and runtimes in public transcripts, per image",
        "date": "2025-09",
        "license": "facts; no text is reproduced",
        "images": images,
    }


def reported(row: dict[str, Any], platform: str, size: int) -> dict[str, Any]:
    """Turn the size of a whole image (index, manifest, config and layers) into layers of which the sum is right."""
    base = BASES.get(row.get("base", ""))
    count = 2 if base else 1
    layers_size = size - (INDEX_BYTES[0] + 2 * INDEX_BYTES[1]) - (MANIFEST_BYTES[0] + count * MANIFEST_BYTES[1])
    layers_size -= CONFIG_BYTES_A_LAYER * count
    layers: list[dict[str, Any]] = []
    if base:
        release = row["image"].rpartition(":")[2]
        layers.append({"digest": synthetic_digest("base", row["base"], release, platform), "size": base})
    layers.append({"digest": synthetic_digest("top", row["image"], platform), "size": layers_size - (base or 0)})
    notes = [row["note"]] if "note" in row else []
    notes.append("split into layers" if base else "taken as one layer")
    if platform != "linux/amd64":
        notes.append(f"size {ARM64:.3f} of amd64's, as for etcd 3.5.14")
    return {
        "image": row["image"],
        "platform": platform,
        **({"index": row["index"]} if "index" in row else {}),
        "size": layers_size,
        **({"unpacked": row["unpacked"]} if "unpacked" in row else {}),
        "layers": layers,
        "estimated": True,
        "note": "; ".join(notes),
        "source": row["source"],
    }


def sized(path: Path) -> dict[str, Any]:
    """Split the sizes of whole images into layers as the nearest real image of the kind is split."""
    return {
        "format": FORMAT,
        "source": "sizes reported by kubelets in public transcripts, per image",
        "date": "2026-09",
        "license": "facts; no text is reproduced",
        "images": [split(row) for row in json.loads(path.read_text())],
    }


def split(row: dict[str, Any]) -> dict[str, Any]:
    nearest = typical_splits(row["reported"], row["image"])[0]
    count = len(nearest.sizes)
    size = row["reported"] - (MANIFEST_BYTES[0] + count * MANIFEST_BYTES[1]) - CONFIG_BYTES_A_LAYER * count
    return {
        "image": row["image"],
        "platform": "linux/amd64",
        "size": size,
        "layers": [
            {"digest": synthetic_digest("split", row["image"], str(position)), "size": each}
            for position, each in enumerate(nearest.scaled(size))
        ],
        "estimated": True,
        "note": f"split into layers as {nearest.image}, and taken as compressed",
        "source": row["source"],
    }


def write(name: str, catalog: dict[str, Any]) -> None:
    head = {key: value for key, value in catalog.items() if key != "images"}
    lines = ",\n".join(json.dumps(image, separators=(",", ":")) for image in catalog["images"])
    text = json.dumps(head, ensure_ascii=False)[:-1] + ', "images": [\n' + lines + "\n]}\n"
    (OUT / f"{name}.json").write_text(text)
    print(f"{name}: {len(catalog['images'])} manifests, {len(text):,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="directory of the collected manifests")
    data = parser.parse_args().data
    write(
        "official",
        collected(
            data / "catalog_official_2018.json",
            "docker-library/repo-info, Docker official images",
            "2018-03",
            "facts from a work under the Apache License 2.0: see NOTICE.md",
        ),
    )
    write(
        "registry-2024",
        collected(
            data / "catalog_registry_2024.json",
            "converged-computing/container-chonks, manifests read from registries",
            "2024-05",
            HPC,
        ),
    )
    write(
        "hpc-2024",
        collected(
            data / "catalog_pulled_2024.json",
            "converged-computing/container-chonks and performance-study, images pulled in their experiments",
            "2024-11",
            HPC,
        ),
    )
    write("kubernetes", kubernetes(Path(__file__).with_name("kubernetes.json")))
    write("reported-2026", sized(Path(__file__).with_name("reported-2026.json")))


if __name__ == "__main__":
    main()
