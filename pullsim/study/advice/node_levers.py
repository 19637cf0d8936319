"""Levers of the nodes: the kubelet's and the runtime's limits, and the hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.release import written_text
from pullsim.scenario.builder.snapshotter import LEAST_CORES
from pullsim.spec.runtime import DEFAULT_SNAPSHOTTER, ContainerdSpec, CrioSpec
from pullsim.spec.unpack import KNOWN_SINCE
from pullsim.study.advice.setting import Setting, setting
from pullsim.units import duration_text, rate_text, size_text

if TYPE_CHECKING:
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.cluster import NodeSpec
    from pullsim.study.advice.situation import Situation

PARALLEL: Final = (5, 2, 10)  # numbers of parallel pulls that are tried, and no limit
DOWNLOADS: Final = (10, 6)  # layers at a time
CHUNK: Final = "16MB"
_CHUNKS_SINCE: Final = (2, 1)
_UNPACKS_SINCE: Final = (2, 2)
_UNPACKS: Final = 4
EROFS_SINCE: Final = (2, 1)
_LONGER: Final = 4
_PROGRESS: Final = 30.0  # seconds without a byte


def parallel_pulls(situation: Situation) -> list[Setting]:
    """Several pulls at a time on a node, other numbers of them, or no limit."""
    limits = {
        1 if spec.kubelet.serialize_image_pulls else spec.kubelet.max_parallel_image_pulls
        for spec in situation.specs.values()
    }
    made = [
        Setting(
            f"{limit} pulls at a time on a node",
            ("kubelet.serializeImagePulls=false", f"kubelet.maxParallelImagePulls={limit}"),
        )
        for limit in PARALLEL
        if limits != {limit}
    ]
    if limits != {None}:
        unlimited = ("kubelet.serializeImagePulls=false", "kubelet.maxParallelImagePulls=unlimited")
        made.append(Setting("as many pulls at a time as there are", unlimited))
    return made


def pull_rate(situation: Situation) -> list[Setting]:
    """A higher limit of the kubelet's pulls per second, or none."""
    limited = [spec.kubelet for spec in situation.specs.values() if spec.kubelet.registry_pull_qps]
    if not limited:
        return []
    rate = 2 * max(kubelet.registry_pull_qps for kubelet in limited)
    burst = 2 * max(kubelet.registry_burst for kubelet in limited)
    return [
        Setting("no limit of pulls per second", ("kubelet.registryPullQPS=unlimited",)),
        Setting(
            f"{rate} pulls a second, {burst} at once",
            (f"kubelet.registryPullQPS={rate}", f"kubelet.registryBurst={max(rate, burst)}"),
        ),
    ]


def downloads(situation: Situation) -> list[Setting]:
    """More layers at a time, as far as the runtime has a setting for it."""
    made = []
    for limit in DOWNLOADS:

        def value(_: NodePool, spec: NodeSpec, limit: int = limit) -> str | None:
            runtime = spec.runtime
            more = isinstance(runtime, ContainerdSpec) and runtime.max_concurrent_downloads < limit
            return str(limit) if more else None

        overrides = situation.nodes("runtime.maxConcurrentDownloads", value)
        made += setting(f"{limit} layers downloaded at a time", *overrides)
    return made


def chunks(situation: Situation) -> list[Setting]:
    """Large layers in chunks, over several connections."""
    fetching = situation.nodes(
        "runtime.layerFetchBuffer",
        lambda _, spec: (
            CHUNK if (runtime := _containerd(spec, _CHUNKS_SINCE)) and not runtime.layer_fetch_buffer else None
        ),
    )
    if not fetching:
        return []
    limit = situation.nodes(
        "runtime.maxConcurrentDownloads",
        lambda _, spec: (
            str(max(DOWNLOADS[0], runtime.max_concurrent_downloads))
            if (runtime := _containerd(spec, _CHUNKS_SINCE))
            else None
        ),
    )
    return setting(f"layers fetched in chunks of {CHUNK} over several connections", *fetching, *limit)


def unpacks(situation: Situation) -> list[Setting]:
    """Layers unpacked side by side, where the runtime's release can."""
    return setting(
        f"{_UNPACKS} layers unpacked side by side on a node",
        *situation.nodes(
            "runtime.maxConcurrentUnpacks",
            lambda _, spec: (
                str(_UNPACKS)
                if (runtime := _containerd(spec, _UNPACKS_SINCE)) and runtime.max_concurrent_unpacks < _UNPACKS
                else None
            ),
        ),
    )


def soci(situation: Situation) -> list[Setting]:
    """Layers pulled in chunks and unpacked side by side by the SOCI snapshotter, as EKS sets it."""
    return setting(
        "SOCI, which pulls layers in chunks and unpacks them side by side (as FastImagePull of EKS sets it)",
        *situation.nodes(
            "runtime.soci",
            lambda pool, spec: "eks-al2023" if _overlayfs(spec) and pool.cores.count >= LEAST_CORES else None,
        ),
    )


def erofs(situation: Situation) -> list[Setting]:
    """Layers that become one file each, where the runtime's release can."""
    return setting(
        "EROFS, which makes one file of each layer",
        *situation.nodes("runtime.erofs", lambda _, spec: "convert" if _overlayfs(spec, EROFS_SINCE) else None),
    )


def decompressor(situation: Situation) -> list[Setting]:
    """A faster gzip on the nodes' PATH, as the runtime's release looks for it."""
    made = []
    for program, since in (("igzip", KNOWN_SINCE["igzip"]), ("unpigz", KNOWN_SINCE["unpigz"])):

        def value(_: NodePool, spec: NodeSpec, program: str = program, since: tuple[int, ...] = since) -> str | None:
            runtime = spec.runtime
            there = _containerd(spec, since) or (isinstance(runtime, CrioSpec) and program == "unpigz")
            return program if there and runtime.unpack.decompressor == "gzip" else None  # type: ignore[attr-defined]

        made += setting(f"{program} on the nodes", *situation.nodes("unpack.decompressor", value))
    return made


def newer_containerd(situation: Situation) -> list[Setting]:
    """The newest known release, alone and with layers unpacked side by side."""
    newest = CONTAINERD.newest[:2]
    release = situation.nodes(
        "runtime.containerd",
        lambda _, spec: (
            written_text(newest) if (runtime := _containerd(spec)) and runtime.version[:2] < newest else None
        ),
    )
    if not release:
        return []
    name = f"containerd {written_text(newest)}"
    side = situation.nodes(
        "runtime.maxConcurrentUnpacks",
        lambda _, spec: str(_UNPACKS) if (runtime := _containerd(spec)) and runtime.version[:2] < newest else None,
    )
    return [
        *setting(name, *release),
        *setting(f"{name}, which unpacks {_UNPACKS} layers side by side", *release, *side),
    ]


def progress_timeout(situation: Situation) -> list[Setting]:
    """Pulls that get no byte are given up earlier, and tried again."""

    def value(_: NodePool, spec: NodeSpec) -> str | None:
        runtime = _containerd(spec)
        if runtime is None or 0 < runtime.behaviour.progress_timeout <= _PROGRESS:
            return None
        return duration_text(_PROGRESS)

    sentence = f"pulls that get no byte for {_PROGRESS:g} s are tried again"
    return setting(sentence, *situation.nodes("runtime.progressTimeout", value))


def cores(situation: Situation) -> list[Setting]:
    """Twice the cores."""
    return setting("twice the cores", *situation.nodes("cores.count", lambda pool, _: str(2 * pool.cores.count)))


def disk(situation: Situation) -> list[Setting]:
    """A disk that writes twice as fast, while it has burst credit too."""
    return setting(
        "a disk that writes twice as fast",
        *situation.nodes(
            "disk.burst.write", lambda pool, _: _twice_rate(pool.disk.burst.write if pool.disk.burst else 0)
        ),
        *situation.nodes(
            "disk.burst.credit", lambda pool, _: _twice_size(pool.disk.burst.credit if pool.disk.burst else 0)
        ),
        *situation.nodes("disk.write", lambda pool, _: _twice_rate(pool.disk.write)),
    )


def fsync(situation: Situation) -> list[Setting]:
    """A disk that makes blobs and the runtime's metadata durable in half the time."""
    return setting(
        "fsync and the runtime's metadata writes in half the time",
        *situation.nodes("disk.fsync", lambda pool, _: duration_text(pool.disk.fsync / 2) if pool.disk.fsync else None),
        *situation.nodes(
            "metadata.write",
            lambda pool, _: duration_text(pool.metadata.write / 2) if pool.metadata.write else None,
        ),
    )


def nic(situation: Situation) -> list[Setting]:
    """A network interface of twice the rate, while it has burst credit too."""
    return setting(
        "NICs of twice the rate",
        *situation.nodes("nic.burst.rate", lambda pool, _: _twice_rate(pool.nic.burst.rate if pool.nic.burst else 0)),
        *situation.nodes(
            "nic.burst.credit", lambda pool, _: _twice_size(pool.nic.burst.credit if pool.nic.burst else 0)
        ),
        *situation.nodes("nic.rate", lambda pool, _: _twice_rate(pool.nic.rate)),
    )


def peers(situation: Situation) -> list[Setting]:
    """Blobs from the nodes that have them, where containerd keeps them and there is more than one node."""
    pools = situation.scenario.nodes
    if sum(pool.count if pool.autoscale is None else pool.autoscale.max for pool in pools) <= 1:
        return []

    def value(pool: NodePool, spec: NodeSpec) -> str | None:
        runtime = _containerd(spec)
        return "spegel" if runtime and pool.peers is None and not runtime.discard_unpacked_layers else None

    return setting("blobs from the nodes that have them (Spegel)", *situation.nodes("peers", value))


def nodes(situation: Situation) -> list[Setting]:
    """Twice the nodes, or where an autoscaler adds them twice the most that it may."""
    return setting(
        "twice the nodes",
        *situation.nodes("count", lambda pool, _: str(2 * pool.count) if pool.autoscale is None else None),
        *situation.nodes("autoscale.max", lambda pool, _: str(2 * pool.autoscale.max) if pool.autoscale else None),
    )


def warm_nodes(situation: Situation) -> list[Setting]:
    """Nodes of an autoscaler that stay longer when they are empty, or one more that is always there."""

    def longer(pool: NodePool, _: NodeSpec) -> str | None:
        after = pool.autoscale.consolidate_after if pool.autoscale else None
        return duration_text(_LONGER * after) if after else None

    def more(pool: NodePool, _: NodeSpec) -> str | None:
        scale = pool.autoscale
        return str(scale.min + 1) if scale and scale.min < scale.max else None

    def there(pool: NodePool, _: NodeSpec) -> str | None:
        scale = pool.autoscale
        return str(max(scale.min + 1, pool.count)) if scale and scale.min < scale.max else None

    return [
        *setting(
            f"empty nodes that stay {_LONGER} times as long", *situation.nodes("autoscale.consolidateAfter", longer)
        ),
        *setting(
            "one more node that is always there",
            *situation.nodes("autoscale.min", more),
            *situation.nodes("count", there),
        ),
    ]


def _containerd(spec: NodeSpec, since: tuple[int, ...] = (0,)) -> ContainerdSpec | None:
    """Return the node's containerd, if it has one of this release or a later one."""
    runtime = spec.runtime
    return runtime if isinstance(runtime, ContainerdSpec) and runtime.version >= since else None


def _overlayfs(spec: NodeSpec, since: tuple[int, ...] = (0,)) -> bool:
    """Whether a node has containerd of this release or a later one, which unpacks layers with overlayfs."""
    runtime = _containerd(spec, since)
    return runtime is not None and runtime.snapshotter == DEFAULT_SNAPSHOTTER and runtime.soci is None


def _twice_rate(rate: float | None) -> str | None:
    """Write twice a rate in bytes a second; None: there is none."""
    return rate_text(2 * rate) if rate else None


def _twice_size(size: int) -> str | None:
    """Write twice a size in bytes; None for 0."""
    return size_text(2 * size) if size else None
