"""Building pull-through caches, and checking that each of them leads to a registry."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.oci.manifest import Manifest
from pullsim.oci.reference import is_domain
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec.pull_through import CacheDisk, CacheSpec, Login
from pullsim.spec.registry import spellings
from pullsim.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pullsim.inputs.document import Route
    from pullsim.inputs.findings import Findings
    from pullsim.oci.manifest import Image
    from pullsim.scenario.model.pull_through import Cache
    from pullsim.scenario.model.registries import Registry, RegistryHost
    from pullsim.spec.registry import RegistrySpec


#: Other hosts of Docker Hub, as the configurations of caches have them. One that is not listed would be taken for a
#: public registry without the quotas that docker.io has.
DOCKER_HUB: Final = ("registry-1.docker.io", "index.docker.io", "registry.hub.docker.com")


def build_cache(cache: Cache | None) -> CacheSpec | None:
    """Return what makes a host a pull-through cache; None: it is none."""
    if cache is None:
        return None
    login, disk = cache.credentials, cache.disk
    return spec_of(
        cache,
        CacheSpec,
        credentials=None if login is None else Login(login.username, login.password),
        disk=CacheDisk() if disk is None else spec_of(disk, CacheDisk),
    )


def with_addresses(registries: tuple[RegistrySpec, ...], addresses: Iterable[str | None]) -> tuple[RegistrySpec, ...]:
    """Give caches without an address that of the nodes, if all of these have the same: they go out by one gateway."""
    first, *others = {*addresses} or {None}
    if first is None or others:
        return registries
    return tuple(
        each
        if each.cache is None or each.cache.address is not None
        else replace(each, cache=replace(each.cache, address=first))
        for each in registries
    )


def check_caches(
    listed: Sequence[Registry], registries: Sequence[RegistrySpec], domains: Iterable[str], findings: Findings
) -> None:
    """Add an error for each cache that leads to no registry; ``domains``: the hosts in the names of images."""
    caches = {
        name: registry.cache
        for registry in registries
        if registry.cache is not None
        for name in spellings(registry.host)
    }
    known = {registry.host for registry in registries}
    for host, route in _caches(listed):
        upstream = None if host.cache is None else host.cache.upstream
        if upstream is not None and known.isdisjoint(spellings(upstream)):
            if upstream in DOCKER_HUB:
                findings.error(f"{upstream} is docker.io in a scenario", *route, "cache", "upstream")
            elif not is_domain(upstream):
                message = f"{shown(upstream)} is no host as in image names: docker.io, registry.example.com:5000"
                findings.error(message, *route, "cache", "upstream")
        if host.blob_host is not None:
            findings.error("goes without cache: a cache sends its blobs itself", *route, "blobHost")
        for domain in sorted(domains):
            way = _way(host.host, domain, caches)
            if way[-1] in way[:-1]:
                around = " → ".join(way)
                message = f"images of {domain} never leave the cache ({around}): its upstream is a registry, docker.io"
                findings.error(message, *route, "cache")
                break


def _way(host: str, domain: str, caches: Mapping[str, CacheSpec]) -> list[str]:
    """Return the hosts that a request for an image of a domain goes to, until one is no cache or comes again."""
    way = [host]
    while (cache := caches.get(way[-1])) is not None and way[-1] not in way[:-1]:
        way.append(cache.upstream or domain)
    return way


def upstreams(registries: Iterable[RegistrySpec]) -> set[str]:
    """Return the hosts that caches name as their upstream."""
    caches = (registry.cache for registry in registries)
    return {cache.upstream for cache in caches if cache is not None and cache.upstream is not None}


def cache_warnings(registries: Iterable[RegistrySpec], images: Iterable[Image]) -> Iterator[str]:
    """Yield a warning for each cache that has less room than a layer of the images, which it then never keeps."""
    small = [
        (registry.host, registry.cache.size)
        for registry in registries
        if registry.cache is not None and registry.cache.size < inf
    ]
    if not small:
        return
    manifests = [
        each
        for image in images
        for each in ([image] if isinstance(image, Manifest) else [manifest for _, manifest in image.manifests])
    ]
    largest = max((layer.size for manifest in manifests for layer in manifest.layers), default=0)
    for host, size in small:
        if size < largest:
            yield (
                f"registries: the cache {host} has room for {size_text(int(size))}, less than the largest layer of the "
                f"images, {size_text(largest)}, which it never keeps"
            )


def _caches(listed: Sequence[Registry]) -> Iterator[tuple[RegistryHost, Route]]:
    """Yield the hosts that are caches with their places."""
    for index, registry in enumerate(listed):
        if registry.cache is not None:
            yield registry, ("registries", index)
        for position, mirror in enumerate(registry.mirrors):
            if mirror.cache is not None:
                yield mirror, ("registries", index, "mirrors", position)
