"""User data of EC2 instances: NodeConfigs and bootstrap scripts, also as parts of MIME, and Bottlerocket's settings."""

from __future__ import annotations

import email
import re
from typing import TYPE_CHECKING, Any, Final

from pullsim.importer.inventory import Settings
from pullsim.importer.node_files import add_kubelet, labels_of_flag, of_flags
from pullsim.importer.runtime_files import add_mirrors
from pullsim.inputs.fields import entries, labels, mapping, text, texts, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.importer.place import Place

_MIME: Final = re.compile(r"\s*MIME-Version:", re.IGNORECASE)
_SCRIPT: Final = "#!"
_NODE_CONFIG: Final = "node.eks.aws"
_FLAG: Final = re.compile(r"--[a-z-]+=[^\s'\"\\]+")
#: What Bottlerocket calls fields of the kubelet's configuration (bottlerocket.dev, settings.kubernetes).
_BOTTLEROCKET: Final = {
    "registry-qps": "registryPullQPS",
    "registry-burst": "registryBurst",
    "max-pods": "maxPods",
    "image-gc-high-threshold-percent": "imageGCHighThresholdPercent",
    "image-gc-low-threshold-percent": "imageGCLowThresholdPercent",
}


def is_user_data(content: str) -> bool:
    """Whether a text is a script, or MIME, as user data of several parts are."""
    return content.lstrip().startswith(_SCRIPT) or _MIME.match(content) is not None


def node_configs(content: str) -> Iterator[str]:
    """Yield the NodeConfigs in user data."""
    for kind, part in _parts(content):
        if _NODE_CONFIG in kind:
            yield part


def read_scripts(content: str, place: Place) -> bool:
    """Read the kubelet's flags in bootstrap scripts of user data; whether there are any."""
    known = False
    for kind, part in _parts(content):
        flags = _FLAG.findall(part) if "shellscript" in kind else []
        hints = (*place.hints, *(hint for flag in flags for hint in labels_of_flag(flag)))
        if config := of_flags(flags):
            add_kubelet(config, place, hints)
            known = True
    return known


def bottlerocket(value: dict[str, Any], place: Place) -> bool:
    """Read Bottlerocket's settings, which are user data in TOML (bottlerocket.dev, API settings)."""
    settings = mapping(value, "settings")
    if not {"kubernetes", "container-runtime", "container-registry"} & settings.keys():
        return False
    kubernetes = mapping(settings, "kubernetes")
    hints = (*place.hints, *labels(kubernetes, "node-labels").values())
    if config := {field: kubernetes[key] for key, field in _BOTTLEROCKET.items() if key in kubernetes}:
        add_kubelet(config, place, hints)
    if limit := whole(settings, "container-runtime", "max-concurrent-downloads"):
        found = {"maxConcurrentDownloads": limit}
        place.inventory.containerds.append(Settings(found, place.file, hints, places=place.names))
    registry = mapping(settings, "container-registry")
    for mirror in entries(registry, "mirrors"):
        add_mirrors(text(mirror, "registry") or "*", texts(mirror, "endpoint"), place)
    for each in entries(registry, "credentials"):
        if host := text(each, "registry"):
            place.inventory.private.setdefault(host, place.file)
    return True


def _parts(content: str) -> Iterator[tuple[str, str]]:
    """Yield type and text of each part; a script that is no MIME is the only one."""
    if content.lstrip().startswith(_SCRIPT):
        yield "text/x-shellscript", content
        return
    for part in email.message_from_string(content.lstrip()).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield part.get_content_type(), payload.decode("utf-8", "replace")
