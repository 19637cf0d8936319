"""Platforms, and which manifest of an index containerd chooses for one.

Source: containerd/platforms v1.0.0, database.go normalizeArch, platforms.go Parse, compare.go platformVector and Only;
containerd/containerd, core/images/image.go Manifest.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

_PART: Final = re.compile(r"[A-Za-z0-9_.-]+")
_ALIASES: Final = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
_ARM_ALIASES: Final = {"armhf": "v7", "armel": "v6"}
_ARM64_VERSION: Final = re.compile(r"v([89])(?:\.(\d))?")


@dataclass(frozen=True, slots=True)
class Platform:
    """Operating system, architecture and variant, always in containerd's canonical form.

    In that form ``arm64/v8`` and ``amd64/v1`` have no variant, and ``arm`` without a variant is ``arm/v7``.
    """

    os: str
    architecture: str
    variant: str = ""

    def __post_init__(self) -> None:
        """Bring the fields into canonical form: lower case, no aliases, each default variant in its usual form."""
        system = self.os.lower()
        architecture, variant = _normalize(self.architecture.lower(), self.variant.lower())
        object.__setattr__(self, "os", "darwin" if system == "macos" else system)
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "variant", variant)

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read ``linux/amd64`` or ``linux/arm/v7``; raises ValueError for anything else."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(
                f"platform {shown(text)}: a platform is os/architecture[/variant]: linux/amd64, linux/arm/v7"
            )
        return cls(*parts)

    def matches(self, other: Platform) -> bool:
        """Whether a node of this platform can run content that was built for the other one."""
        return other in preferences(self)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@lru_cache(maxsize=256)
def preferences(platform: Platform) -> tuple[Platform, ...]:
    """Return the platforms whose content a node of this platform can run, best first."""
    system, architecture, variant = platform.os, platform.architecture, platform.variant
    others: list[Platform] = []
    if architecture == "amd64":
        others = [Platform(system, "amd64", f"v{n}") for n in range(_version(variant) - 1, 0, -1)]
        others.append(Platform(system, "386"))
    elif architecture == "arm":
        others = [Platform(system, "arm", f"v{n}") for n in range(_version(variant) - 1, 4, -1)]
    elif architecture == "arm64":
        others = [Platform(system, "arm64", lower) for lower in _lower_arm64(variant or "v8")]
        # An arm64 node also runs content for arm, of the version that its own variant includes.
        arm = "v8" if variant.startswith(("v8.", "v9.")) else variant or "v8"
        others += preferences(Platform(system, "arm", arm))
    return (platform, *others)


def best(candidates: Sequence[Platform], platform: Platform) -> int | None:
    """Return the position of the best candidate for a node of the platform, or None; the first one among equals."""
    for wanted in preferences(platform):
        if wanted in candidates:
            return candidates.index(wanted)
    return None


def _normalize(architecture: str, variant: str) -> tuple[str, str]:
    """Return architecture and variant in canonical form."""
    if architecture in _ARM_ALIASES:
        return "arm", _ARM_ALIASES[architecture]
    architecture = _ALIASES.get(architecture, architecture)
    match architecture, variant:
        case ("386", _) | ("amd64", "v1") | ("arm64", "8" | "v8"):
            variant = ""
        case "arm", "":
            variant = "v7"
        case "arm", "5" | "6" | "7" | "8":
            variant = f"v{variant}"
    return architecture, variant


def _version(variant: str) -> int:
    """Return the number in a variant such as ``v7``, or 0 if there is none."""
    number = variant.removeprefix("v")
    return int(number) if number.isdecimal() and len(number) < 3 else 0


def _lower_arm64(variant: str) -> list[str]:
    """Return the older variants of arm64 that a variant can run, newest first: v9.x includes v8.(x + 5)."""
    match = _ARM64_VERSION.fullmatch(variant)
    if match is None:
        return []
    minor = int(match[2] or 0)
    lower = []
    if match[1] == "9":
        lower = [f"v9.{n}" if n else "v9" for n in range(minor - 1, -1, -1)]
        minor += 5
        lower.append(f"v8.{minor}")
    return lower + [f"v8.{n}" if n else "v8" for n in range(minor - 1, -1, -1)]
