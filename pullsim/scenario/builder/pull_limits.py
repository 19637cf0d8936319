"""Sentences about the limits of pulls on a node and the settings that set them, for ``pullsim validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.releases.containerd import behaviour
from pullsim.releases.release import written_text
from pullsim.spec.runtime import UNLIMITED_DOWNLOADS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.releases.kubelet import Version
    from pullsim.spec.kubelet import KubeletConfig
    from pullsim.spec.runtime import ContainerdSpec, LayerLimit


def kubelet_limit(config: KubeletConfig, version: Version) -> str:
    """Return a sentence about how many pulls a kubelet runs at a time, and which pulls its QPS limit refuses."""
    most = _pulls(config)
    if config.serialize_image_pulls:
        text = "pulls one image at a time (serializeImagePulls: true)"
    elif most is None:
        text = "pulls any number of images at a time (serializeImagePulls: false, no maxParallelImagePulls)"
    else:
        text = f"pulls at most {most} at a time (maxParallelImagePulls: {most})"
    qps, burst = config.registry_pull_qps, config.registry_burst
    if not qps:
        rate = "registryPullQPS: 0 refuses none"
    elif most is None or most > burst:
        rate = f"of more than {burst} that begin at once the rest fail with 'pull QPS exceeded'"
        rate += f" (registryPullQPS: {qps}, registryBurst: {burst})"
    else:
        rate = f"registryPullQPS: {qps}, registryBurst: {burst} refuse pulls only where many end within a moment"
    return f"kubelet {written_text(version[:2])} {text}; {rate}"


def download_limit(spec: ContainerdSpec, *, setting: str = "", because: Sequence[str] = ()) -> str:
    """Return a sentence about how many layers containerd downloads at a time, per pull or per node.

    ``setting`` is the setting that sets the limit, ``because`` the reasons why that setting and no other one holds.
    """
    count = spec.max_concurrent_downloads
    what = "layers without limit" if count >= UNLIMITED_DOWNLOADS else f"at most {count} layers at a time"
    where = "over all pulls of the node" if behaviour(spec.version).node_wide_slots else "for each pull"
    by = f" ({setting})" if setting else ""
    why = f"; {' and '.join(because)}" if because else ""
    return f"containerd {spec.version[0]}.{spec.version[1]} downloads {what} {where}{by}{why}"


def layer_limit(kubelet: KubeletConfig, limit: LayerLimit) -> str:
    """Return a sentence about how many layers a node downloads at a time by the limits of kubelet and runtime."""
    pulls, count = _pulls(kubelet), limit.layers
    begin = f"{limit.prefix}layers that come at a time"
    if count >= UNLIMITED_DOWNLOADS:
        return f"{begin}: no limit"
    if limit.node_wide:
        shared = "" if pulls == 1 else " that all pulls share"
        return f"{begin}: {count}, containerd's limit{shared}"
    if pulls is None:
        return f"{begin}: no limit, {count} for each pull"
    return f"{begin}: {pulls * count}, {pulls} pulls with {count} each" if pulls > 1 else f"{begin}: {count}"


def _pulls(config: KubeletConfig) -> int | None:
    return 1 if config.serialize_image_pulls else config.max_parallel_image_pulls
