"""Presets of pull-through caches, for the key ``cache.preset``: how the programs and services that there are behave.

A preset adds the keys that the cache does not have. What a program does was read in its source, at the commit that is
given; what nobody has published is said to be an assumption.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import shown
from pullsim.inputs.suggestion import did_you_mean
from pullsim.scenario.presets.registries import Preset

if TYPE_CHECKING:
    from pullsim.spec.registry import Ranges

PRESETS: Final[dict[str, Preset]] = {
    "distribution": Preset(
        {
            "fill": "streamThrough",
            "coalesce": "none",
            "recheck": "0s",
            "recheckBy": "HEAD",
            "stale": ["unreachable", "serverError", "tooManyRequests", "notFound", "denied"],
            "tagFailure": 404,
            "ttl": "168h",
        },
        "distribution/distribution 0d6b721d registry/proxy: proxyblobstore.go ServeBlob (the first request of a blob "
        "stores what it sends, others in flight stream from upstream by themselves), proxytagservice.go Get (the tag "
        "of the local store after any failure, and else it is unknown), proxyregistry.go (7 days)",
    ),
    "harbor": Preset(
        {
            "fill": "backgroundCopy",
            "coalesce": "none",
            "recheck": "0s",
            "recheckBy": "HEAD",
            "stale": ["unreachable", "serverError", "tooManyRequests", "denied"],
            "manifestPoll": "20s",
            "whenBusy": "refuse",
        },
        "goharbor/harbor c50c7dde: controller/proxy/controller.go ProxyBlob and UseLocalManifest, local.go PushBlob "
        "(one copy of a blob at a time), manifestcache.go CacheContent (looks every 20 s, ten times at most), "
        "server/middleware/repoproxy/proxy.go (429 beyond the project's connections to upstream)",
    ),
    "zot": Preset(
        {
            "fill": "storeThenServe",
            "coalesce": "image",
            "recheck": "0s",
            "recheckBy": "HEAD",
            "stale": ["unreachable", "serverError", "tooManyRequests", "notFound", "denied"],
            "tagFailure": 404,
            "upstreamConnections": 3,
        },
        "project-zot/zot 6d19b445: pkg/api/routes.go getImageManifest (the request for a manifest waits for the whole "
        "image, and gets what is stored if that fails), extensions/sync/on_demand.go SyncImage, service.go (3 requests "
        "at a time)",
    ),
    "nginx": Preset(
        {
            "fill": "streamThrough",
            "coalesce": "blob",
            "coalesceTimeout": "5s",
            "finishes": True,
            "parts": "fill",
            "recheck": "0s",
            "recheckBy": "GET",
            "stale": ["unreachable", "serverError", "tooManyRequests"],
            "ttl": "1440h",
            "size": "32GiB",
        },
        "ngx_http_proxy_module: proxy_cache_lock_age and proxy_cache_lock_timeout are 5 s, a HEAD becomes a GET "
        "(proxy_cache_convert_head), what is cached is fetched to its end, and without Range "
        "(ngx_http_proxy_cache_headers); rpardini/docker-registry-proxy 0680179d: nginx.conf "
        "(proxy_ignore_client_abort), nginx.manifest.common.conf, entrypoint.sh (60 days, 32 GiB, no tags kept but "
        "after failures)",
    ),
    "ecr-pull-through": Preset(
        {
            "fill": "storeThenServe",
            "coalesce": "blob",
            "recheck": "24h",
            "recheckBy": "HEAD",
            "stale": ["unreachable", "serverError", "tooManyRequests"],
            "address": "ecr",
        },
        "Amazon ECR user guide, pull through cache: a tag is checked upstream at least once in 24 h, the first pull is "
        "slower. That layers are stored before they are sent, and once, is an assumption: nothing is published. It "
        "asks upstream from addresses of AWS, not from the cluster's",
    ),
}

#: What the hosts of presets do with GETs of several ranges of what they have, where that is not to serve them: `ranges`
#: of the registry. zot 2.1 answers 416 (project-zot/zot#3623); ECR redirects to S3, which ignores several ranges
#: (containers/image#2792).
RANGES: Final[dict[str, Ranges]] = {"zot": "refused", "ecr-pull-through": "one"}


def cache_preset_keys(name: str) -> dict[str, Any]:
    """Return the keys of a preset. Raises ValueError with a suggestion if there is no preset with that name."""
    preset = PRESETS.get(name)
    if preset is None:
        raise ValueError(f"{shown(name)} is no preset of a cache{did_you_mean(name, PRESETS, 3)}")
    return preset.keys
