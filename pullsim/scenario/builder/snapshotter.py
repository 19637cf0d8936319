"""Building the snapshotter of a pool's containerd: SOCI's parallel mode with its presets, and EROFS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.releases.containerd import CONTAINERD
from pullsim.scenario.builder.spec_of import shared, spec_of
from pullsim.spec.lazy import KINDS, BackgroundSpec, LazySpec
from pullsim.spec.snapshotter import SOCI, ErofsSpec, SociSpec
from pullsim.spec.unpack import UnpackSpec, gzip_rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.lazy import Lazy
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.scenario.model.snapshotter import Soci
    from pullsim.spec.cluster import NodeSpec, PodSpec
    from pullsim.spec.registry import RegistrySpec
    from pullsim.spec.runtime import ContainerdSpec

_AL2023: Final = SociSpec(16 * 2**20, 20, None, 12, None, discard_layers=True, decompressor="unpigz")
#: amazon-eks-ami nodeadm/internal/containerd/snapshotter/soci-snapshotter.config.toml (July 2026); Bottlerocket 1.44's
#: settings reference and karpenter-blueprints' blueprints/soci-snapshotter/README.md. Auto Mode's are not published.
PRESETS: Final = {
    "eks-al2023": _AL2023,
    "bottlerocket": SociSpec(decompressor="unpigz"),
    "eks-auto": _AL2023,
}
#: FastImagePull is ignored on a node with fewer cores, or with less memory than 7 GiB (amazon-eks-ami
#: nodeadm/internal/containerd/config.go UseSOCISnapshotter); its page recommends a 2xlarge.
LEAST_CORES: Final = 4
_LIMITS: Final = ("downloads_per_image", "downloads", "unpacks_per_image", "unpacks")
#: Rates of `UnpackSpec` that the speed of a core decides, so that a measured rate of gzip tells about them too.
_SCALED: Final = ("zstd", "stored", "unpigz", "igzip", "piped")


def with_snapshotter(spec: ContainerdSpec, pool: NodePool, costs: UnpackSpec, findings: Findings) -> ContainerdSpec:
    """Return a pool's containerd with its snapshotter; ``costs``: the pool's own of unpacking."""
    runtime = pool.runtime
    if runtime.snapshotter is not None:
        spec = replace(spec, snapshotter=runtime.snapshotter)
    if used := lazy_snapshotters(pool):
        spec = replace(spec, lazy=used, local_pull=True)  # labels tell of the image, as for SOCI's parallel mode below
    if runtime.erofs is not None:
        spec = replace(spec, erofs=spec_of(runtime.erofs, ErofsSpec))
    soci = runtime.soci
    if soci is None:
        return spec
    name = f"nodes[{pool.name}].runtime"
    if soci.preset == "eks-al2023" and "count" in pool.cores.model_fields_set and pool.cores.count < LEAST_CORES:
        findings.warnings.append(
            f"{name}.soci is ignored, as FastImagePull is on a node of {pool.cores.count} cores: it needs "
            f"{LEAST_CORES}, and 7 GiB of memory; a 2xlarge is recommended"
        )
        return replace(spec, snapshotter="overlayfs") if spec.snapshotter == SOCI else spec
    if soci.preset == "eks-auto":
        findings.warnings.append(
            f"{name}.soci: EKS Auto Mode's settings are not published; those of eks-al2023 are taken. It has SOCI on "
            "instances of the families G, P and Trn with local NVMe alone"
        )
    for key, value in (
        ("maxConcurrentUnpacks", runtime.max_concurrent_unpacks),
        ("layerFetchBuffer", runtime.layer_fetch_buffer),
    ):
        if value is not None:
            findings.warnings.append(f"{name}.{key} has no effect: SOCI fetches and unpacks the layers")
    made = _settings(soci, pool, costs)
    findings.notes.append(f"{pool.name}: {_sentence(made)}")
    # Labels tell the snapshotter of the image, for which containerd from 2.1 on needs the CRI plugin's own pull.
    return replace(spec, soci=made, local_pull=True, max_concurrent_unpacks=1, layer_fetch_buffer=0)


def lazy_snapshotters(pool: NodePool) -> dict[str, LazySpec]:
    """Return the lazy snapshotters that a pool or one of its runtime handlers uses, by name."""
    names = {pool.runtime.snapshotter, *(each.snapshotter for each in pool.runtime_handlers)}
    return {name: _lazy(kind, pool.runtime.lazy) for name, kind in KINDS.items() if name in names}


def _lazy(spec: LazySpec, given: Lazy | None) -> LazySpec:
    """Return a lazy snapshotter with the keys that are given."""
    if given is None:
        return spec
    changed = shared(given, LazySpec)
    if given.unit is not None:
        changed["grain"] = min(changed.get("grain", spec.grain), given.unit)
    if given.prefetch_timeout is not None:
        changed["prefetch_wait"] = given.prefetch_timeout
    if given.background_fetch is not None:
        own = BackgroundSpec() if spec.background is None else spec.background
        background = replace(own, **shared(given.background_fetch, BackgroundSpec))
        changed["background"] = background if background.workers else None
    return replace(spec, **changed)


def mounts_lazily(node: NodeSpec) -> bool:
    """Whether a node's runtime mounts images before they are there."""
    return bool(getattr(node.runtime, "lazy", None))


def nothing_read(nodes: Iterable[NodeSpec], pods: Iterable[PodSpec]) -> list[str]:
    """Return a warning if a pool mounts images lazily and no pod says what it reads."""
    lazy = sorted(node.pool for node in nodes if mounts_lazily(node))
    if not lazy or any(pod.reads is not None for pod in pods):
        return []
    where = f"images are mounted before they are there on nodes of {', '.join(lazy)}"
    return [
        f"{where}, and no workload says what its programs read (reads): pods are ready as soon as they have started"
    ]


def unused_mirrors(nodes: Iterable[NodeSpec], registries: Iterable[RegistrySpec]) -> list[str]:
    """Return a warning for each pool with SOCI if a registry has mirrors, or the pool's certs.d names some."""
    mirrored = [registry.host for registry in registries if registry.mirrors]
    found = []
    for node in nodes:
        apart = getattr(node.runtime, "soci", None) or mounts_lazily(node)
        if apart and (mirrored or next(node.runtime.mirrors(), None) is not None):
            found.append(
                f"nodes[{node.pool}]: the snapshotter asks an image's own registry for layers; mirrors serve its "
                "manifests alone"
            )
    return found


def _settings(soci: Soci, pool: NodePool, costs: UnpackSpec) -> SociSpec:
    """Return the settings: those of the section above those of its preset."""
    base = SociSpec(decompressor=costs.decompressor) if soci.preset is None else PRESETS[soci.preset]
    given = shared(soci, SociSpec)
    given |= {name: None for name in _LIMITS if given.get(name) == 0}  # 0 stands for no limit
    return replace(base, **given, unpack=_costs(pool, costs))


def _costs(pool: NodePool, costs: UnpackSpec) -> UnpackSpec:
    """Return the costs of the streams: rates that nobody has given are those of a core as fast as its gzip says."""
    release = pool.runtime.containerd
    core = costs.gzip / gzip_rate(CONTAINERD.resolve(release)) if release is not None else 1.0
    scaled = {key: core * getattr(costs, key) for key in _SCALED if key not in pool.unpack.model_fields_set}
    return replace(costs, core=core, **scaled)


def _sentence(spec: SociSpec) -> str:
    """Return a sentence about the settings, for ``pullsim validate``."""
    chunks = f"chunks of {spec.chunk_size / 2**20:g} MiB" if spec.chunk_size else "whole layers"
    downloads, unpacks = spec.downloads_per_image or "any number", spec.unpacks_per_image or "any number"
    kept = "drops" if spec.discard_layers else "keeps"
    return (
        f"SOCI downloads {chunks}, {downloads} of an image at a time, unpacks {unpacks} of its layers at a time and "
        f"{kept} the blobs"
    )
