"""A real registry (the reference implementation's `docker-registry`) on a directory that is written beforehand."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from benchmarks.lab.images import documents

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.lab.images import Blob
    from benchmarks.lab.processes import Processes

PORT = 5000
START = 15.0  # seconds
CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, cache: {{blobdescriptor: inmemory}}}}
http: {{addr: ":{port}"}}
"""


def write_images(root: Path, images: dict[str, list[Blob]]) -> dict[str, dict]:
    """Write all images as ``lab/NAME:v1`` in the registry's layout; return their descriptions by name."""
    described = {}
    for name, blobs in images.items():
        config, manifest = documents(name, blobs)
        for data in (*(blob.data for blob in blobs), config):
            _link(root, name, f"_layers/sha256/{_blob(root, data)}")
        digest = _blob(root, manifest)
        for link in (f"revisions/sha256/{digest}", "tags/v1/current", f"tags/v1/index/sha256/{digest}"):
            _link(root, name, f"_manifests/{link}", digest)
        described[name] = {
            "layers": [blob.described() for blob in blobs],
            "manifest_size": len(manifest),
            "config_size": len(config),
        }
    return described


def serve(processes: Processes, root: Path, namespace: str) -> None:
    """Start the registry in a network namespace and wait until it listens. Raises RuntimeError."""
    config = root.parent / "registry.yml"
    config.write_text(CONFIG.format(root=root, port=PORT))
    command = ["ip", "netns", "exec", namespace, "docker-registry", "serve", str(config)]
    process = processes.start("registry", command, {"OTEL_TRACES_EXPORTER": "none"})
    end = time.monotonic() + START
    while process.poll() is None and time.monotonic() < end:
        if processes.run("ip", "netns", "exec", namespace, "ss", "-Htln", f"sport = :{PORT}"):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the registry did not start; its log is {processes.log('registry')}")


def _blob(root: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    path = root / "docker/registry/v2/blobs/sha256" / digest[:2] / digest / "data"
    if not path.exists():
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    return digest


def _link(root: Path, name: str, link: str, digest: str | None = None) -> None:
    path = root / "docker/registry/v2/repositories/lab" / name / link / "link"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"sha256:{digest or link.rpartition('/')[2]}")
