"""``registry.config_path``: the directories in which a containerd looks for hosts.toml, and whether it can find any.

When the CRI plugin pulls by itself, it splits the setting into a list of directories
(internal/cri/server/images/image_pull.go registryHosts, filepath.SplitList; 1.x: pkg/cri). The transfer service, which
pulls from 2.1 on, takes the same text as the name of one directory (WithHostDir in image_pull.go,
core/transfer/registry/registry.go NewOCIRegistry, HostDirFromRoot), in every release so far (containerd#12415, #12636,
#12808, #14168). So a list of directories works only where the CRI plugin pulls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from pullsim.releases.release import Release

SEPARATOR: Final = ":"  # os.PathListSeparator of Linux
#: The setting of a file that has neither config_path nor mirrors (plugins/cri/images/plugin.go, from 2.2 on).
DEFAULT: Final = "/etc/containerd/certs.d:/etc/docker/certs.d"
DEFAULT_SINCE: Final = (2, 2)


@dataclass(frozen=True, slots=True)
class ConfigPath:
    """The setting as a release understands it."""

    release: Release
    written: str = ""  # the setting in the file; "" where the file does not have it or there is no file
    by_service: bool = True  # whether the transfer service pulls

    @property
    def text(self) -> str:
        """The setting in the file, or else the release's default; "" where there is neither."""
        return self.written or (DEFAULT if self.release >= DEFAULT_SINCE else "")

    @property
    def unread(self) -> str:
        """The reason why containerd reads no hosts.toml; "" where it reads those that are there."""
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
