"""Synthetic images: gzip layers of files of words, with a share of random blocks."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MB = 10**6
MIXED = 0.1  # share of random blocks: compresses 2.2 to 1
BLOCK = 4096
FILES_A_DIRECTORY = 40
LONGEST_FILE = 4 * MB


class Recipe(NamedTuple):
    """A layer: seed, compressed bytes to reach, share of random blocks, bytes a file (0: lognormal, mean 52 kB)."""

    seed: int
    size: int
    random_share: float = MIXED
    file_size: int = 0


@dataclass(frozen=True)
class Blob:
    """A layer that was built."""

    data: bytes
    digest: str  # hex
    diff_id: str  # hex
    uncompressed: int
    files: int
    directories: int
    random_share: float

    def described(self) -> dict:
        """Its row in the measurements."""
        return {
            "digest": self.digest[:8],
            "diff_id": self.diff_id[:8],
            "compressed": len(self.data),
            "uncompressed": self.uncompressed,
            "files": self.files,
            "dirs": self.directories,
            "p_rand": self.random_share,
        }


def recipes() -> dict[str, list[Recipe]]:
    """All images by name; b0, b1, … share their first layer."""
    seeds = iter(range(1, 1000))

    def layer(megabytes: float, random_share: float = MIXED, file_size: int = 0) -> Recipe:
        return Recipe(next(seeds), int(megabytes * MB), random_share, file_size)

    big, base = layer(100), layer(30)
    small = [layer(1) for _ in range(9)]
    images = {
        "t1x1": [layer(1)],
        "s1x50": [layer(50)],
        "s5x20": [layer(20) for _ in range(5)],
        "s10x10": [layer(10) for _ in range(10)],
        "s20x2": [layer(2) for _ in range(20)],
        "s40x02": [layer(0.2) for _ in range(40)],
        "bigfirst": [big, *small],
        "biglast": [*small, big],
        "c50rand": [layer(50, 1.0)],
        "c20one": [layer(20, MIXED, 50 * MB)],
        "c20small": [layer(20, MIXED, 2000)],
    }
    images |= {f"p{number}": [layer(10) for _ in range(3)] for number in range(8)}
    return images | {f"b{number}": [base, layer(10)] for number in range(8)}


def build(names: Iterable[str]) -> dict[str, list[Blob]]:
    """Build the images of these names on all cores."""
    wanted = {name: layers for name, layers in recipes().items() if name in set(names)}
    each = sorted({recipe for layers in wanted.values() for recipe in layers}, key=lambda recipe: -recipe.size)
    with ProcessPoolExecutor() as pool:
        blobs = dict(zip(each, pool.map(build_layer, each), strict=True))
    return {name: [blobs[recipe] for recipe in layers] for name, layers in wanted.items()}


def build_layer(recipe: Recipe) -> Blob:
    """Add files to a tar until what is compressed has the recipe's size."""
    draw = random.Random(recipe.seed)
    tee = _Tee()
    files = directories = 0
    with tarfile.open(fileobj=tee, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        while (left := recipe.size - tee.compressed.tell()) > 3000:
            if files % FILES_A_DIRECTORY == 0:
                entry = _entry(f"{recipe.seed}/{directories}", 0o755)
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
                directories += 1
            size = recipe.file_size or int(min(LONGEST_FILE, draw.lognormvariate(9.3, 1.8)))
            size = max(200, min(size, int(left * _ratio(recipe.random_share))))
            entry = _entry(f"{recipe.seed}/{directories - 1}/{files}", 0o644)
            entry.size = size
            tar.addfile(entry, io.BytesIO(_content(draw, size, recipe.random_share)))
            files += 1
            if recipe.file_size > recipe.size:
                break
    data = tee.close()
    digest = hashlib.sha256(data).hexdigest()
    return Blob(data, digest, tee.sha256.hexdigest(), tee.uncompressed, files, directories, recipe.random_share)


def documents(name: str, blobs: list[Blob]) -> tuple[bytes, bytes]:
    """Write the config and the manifest of an image."""
    diff_ids = [f"sha256:{blob.diff_id}" for blob in blobs]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created_by": name}] * len(blobs),
    }
    written = json.dumps(config).encode()
    oci = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": _descriptor(f"{oci}.config.v1+json", hashlib.sha256(written).hexdigest(), len(written)),
        "layers": [_descriptor(f"{oci}.layer.v1.tar+gzip", blob.digest, len(blob.data)) for blob in blobs],
    }
    return written, json.dumps(manifest).encode()


class _Tee:
    """What tarfile writes to: digest, count and compress."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.compressed = io.BytesIO()
        self.uncompressed = 0
        self._gzip = zlib.compressobj(6, zlib.DEFLATED, 31)

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.uncompressed += len(data)
        self.compressed.write(self._gzip.compress(data))
        return len(data)

    def close(self) -> bytes:
        self.compressed.write(self._gzip.flush())
        return self.compressed.getvalue()


def _entry(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime = mode, 1_700_000_000
    return entry


def _descriptor(media_type: str, digest: str, size: int) -> dict:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def _ratio(random_share: float) -> float:
    """Bytes that compress to one, a little too few so that no layer overshoots."""
    return 1.0 if random_share > 0.9 else 2.3


@cache
def _words() -> bytes:
    """Text of a vocabulary in which a few words are frequent, as in programs and prose."""
    draw = random.Random(0)
    words = ["".join(draw.choices("etaoinshrdlucmfwypvbgkqjxz_", k=draw.randint(2, 11))).encode() for _ in range(6000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    return b" ".join(draw.choices(words, weights, k=2_000_000))


def _content(draw: random.Random, size: int, random_share: float) -> bytes:
    text, parts = _words(), []
    for begin in range(0, size, BLOCK):
        count = min(BLOCK, size - begin)
        at = draw.randrange(len(text) - count)
        parts.append(draw.randbytes(count) if draw.random() < random_share else text[at : at + count])
    return b"".join(parts)
