"""Presets of registries with published quotas, for the key ``registries[].preset``, and what unlisted ones are like.

A preset adds the keys that the registry does not have. Providers change their quotas, so each preset has its source and
the date of the source.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from pullsim.errors import shown
from pullsim.inputs.suggestion import did_you_mean

#: Keys of a registry that is not listed: a public one over the internet. Within what fits on pulls from ghcr.io in 2024
#: gave (presets.yaml): round trips of 3 to 26 ms, 20 ms to the first byte, 67 to 165 MB/s a connection.
PUBLIC: Final[dict[str, str]] = {"roundTrip": "20ms", "firstByte": "20ms", "perConnection": "100MB/s"}


class Preset(NamedTuple):
    """Keys of a registry with their values, and the source of the values."""

    keys: dict[str, Any]
    source: str


_ANONYMOUS: Final = "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
_PERSONAL: Final = (
    "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: "
    "https://www.docker.com/increase-rate-limit"
)
_HUB: Final = {"per": "6h", "of": "manifests", "window": "sliding", "indexes": False}
_HUB_SOURCE: Final = (
    "docker/docs content/manuals/docker-hub/usage/pulls.md (2025): per 6 h 100 per IPv4 address or IPv6 /64, 200 per "
    "user of a personal account; HEAD is free, an image of several platforms is one pull. Headers say "
    "100;w=21600; the window is taken as rolling, as Docker's blog of 2020-10-30 calls it"
)
_ACR_SOURCE: Final = (
    "MicrosoftDocs/azure-docs includes/container-registry-limits.md (2024): ReadOps per minute and download MBps, "
    "given as least values; here the rate is an egress in bytes, which some read as bits (azure-docs#67633)"
)


def _acr(operations: int, megabytes: int) -> Preset:
    reads = {"requests": operations, "per": "1m", "of": "requests", "by": "registry", "window": "bucket"}
    keys = {"auth": "bearer", "tokenServer": {"oauth": False}, "egress": f"{megabytes}MB/s", "limits": [reads]}
    return Preset(keys, _ACR_SOURCE)


PRESETS: Final[dict[str, Preset]] = {
    "docker-hub/anonymous": Preset(
        {"auth": "bearer", "limits": [{"requests": 100, "by": "address", "message": _ANONYMOUS, **_HUB}]},
        _HUB_SOURCE,
    ),
    "docker-hub/personal": Preset(
        {
            "auth": "bearer",
            "limits": [
                {"requests": 100, "by": "address", "only": "anonymous", "message": _ANONYMOUS, **_HUB},
                {"requests": 200, "by": "account", "only": "authenticated", "message": _PERSONAL, **_HUB},
            ],
        },
        _HUB_SOURCE,
    ),
    "ecr": Preset(
        {
            "auth": "basic",
            "ranges": "one",
            "limits": [
                {"requests": 2000, "per": "1s", "of": "manifests", "by": "registry", "window": "bucket"},
                {"requests": 3000, "per": "1s", "of": "blobs", "by": "registry", "window": "bucket"},
            ],
        },
        "Amazon ECR service quotas: per region BatchGetImage 2,000/s, GetDownloadUrlForLayer 3,000/s, adjustable; its "
        "layers come from S3, which answers a GET of several ranges with all (containers/image#2792)",
    ),
    "ecr-public": Preset(
        {
            "auth": "bearer",
            "limits": [
                {
                    "requests": 1,
                    "per": "1s",
                    "of": "manifests",
                    "by": "address",
                    "window": "bucket",
                    "only": "anonymous",
                    "indexes": False,
                },
                {
                    "requests": 10,
                    "per": "1s",
                    "of": "manifests",
                    "by": "account",
                    "window": "bucket",
                    "only": "authenticated",
                    "indexes": False,
                },
                {
                    "bytes": "500GB",
                    "per": "720h",
                    "of": "blobs",
                    "by": "address",
                    "window": "fixed",
                    "only": "anonymous",
                },
            ],
        },
        "Amazon ECR Public service quotas (2025): 500 GB a month without an account, taken as 30 days; image pulls a "
        "second 1 without and 10 with an account",
    ),
    "gar": Preset(
        {
            "auth": "bearer",
            "tokenServer": {"oauth": False},
            "limits": [{"requests": 60_000, "per": "1m", "of": "requests", "by": "registry", "window": "bucket"}],
        },
        "cloud.google.com/artifact-registry/quotas: 60,000 requests a minute per project and region, of every kind",
    ),
    "acr/basic": _acr(1_000, 30),
    "acr/standard": _acr(3_000, 60),
    "acr/premium": _acr(10_000, 100),
}


def preset_keys(name: str) -> dict[str, Any]:
    """Return the keys of a preset. Raises ValueError with a suggestion if there is no preset with that name."""
    preset = PRESETS.get(name)
    if preset is None:
        raise ValueError(f"{shown(name)} is no preset{did_you_mean(name, PRESETS, 3)}")
    return preset.keys
