"""``registry.config_path``: where a containerd looks for hosts.toml on its node, and whether it finds any there.

The CRI plugin's own pull takes it as a list of directories (internal/cri/server/images/image_pull.go registryHosts,
filepath.SplitList; 1.x: pkg/cri). The transfer service, which pulls from 2.1 on, takes the same text as one directory
(WithHostDir there, core/transfer/registry/registry.go NewOCIRegistry, HostDirFromRoot), in every release so far
(containerd#12415, #12636, #12808, #14168).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pullsim.releases.release import Release

SEPARATOR: Final = ":"  # os.PathListSeparator of Linux
#: Where nothing else is written, neither config_path nor mirrors (plugins/cri/images/plugin.go, from 2.2 on).
DEFAULT: Final = "/etc/containerd/certs.d:/etc/docker/certs.d"
DEFAULT_SINCE: Final = (2, 2)


@dataclass(frozen=True, slots=True)
class ConfigPath:
    """The setting as a release takes it; ``written`` is "" where the file has none, or there is no file."""

    release: Release
    written: str = ""
    by_service: bool = True  # the transfer service pulls, where the release has it

    @property
    def text(self) -> str:
        """The setting, or the release's default; "" for none."""
        return self.written or (DEFAULT if self.release >= DEFAULT_SINCE else "")

    @property
    def unread(self) -> str:
        """Say why no hosts.toml is read; "" where one is, if it is there."""
        text, name = self.text, f"containerd {self.release.major}.{self.release.minor}"
        if not text:
            return f"{name} without config_path reads no hosts.toml"
        if not any(text.split(SEPARATOR)):
            return f"config_path {text!r} names no directory, so {name} reads no hosts.toml"
        if not self.by_service or SEPARATOR not in text:
            return ""
        default = "" if self.written else ", the default,"
        return (
            f"the transfer service of {name} takes config_path {text!r}{default} as one directory: "
            "the list names none, so no hosts.toml is read"
        )
