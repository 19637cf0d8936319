"""Files of container runtimes: containerd's config.toml, ``hosts.toml`` of its certs.d, and ``crictl info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pullsim.formats.containerd.hosts import namespace_of
from pullsim.importer.inventory import Mirrors, Settings
from pullsim.inputs.fields import at, mapping, text, texts, whole
from pullsim.spec.hosts import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullsim.importer.place import Place

#: Keys of a scenario's ``runtime``, by those of config.toml and of ``crictl info``.
_KEYS: Final = {
    "max_concurrent_downloads": "maxConcurrentDownloads",
    "maxConcurrentDownloads": "maxConcurrentDownloads",
    "concurrent_layer_fetch_buffer": "layerFetchBuffer",
    "max_concurrent_unpacks": "maxConcurrentUnpacks",
}


#: What docker.io is called, which are no registries of their own.
HUB: Final = ("docker.io", "registry-1.docker.io", "index.docker.io")


def host_of(url: str) -> str:
    """Return the host and port of a URL, or of a text without a scheme; empty for what is none."""
    try:
        return urlsplit(url if "//" in url else f"//{url}").netloc.rpartition("@")[2]
    except ValueError:
        return ""


def add_config(tree: dict[str, Any], place: Place, hints: tuple[str, ...] = ()) -> None:
    """Add what a config.toml sets of pulls: limits, mirrors and the hosts that it has credentials for."""
    found = {}
    for table in _tables(tree.get("plugins"), 0):
        for key, name in _KEYS.items():
            if value := whole(table, key):
                found[name] = value
    for registry in (table for table in _tables(tree.get("plugins"), 0) if "mirrors" in table or "configs" in table):
        for host, mirror in mapping(registry, "mirrors").items():
            add_mirrors(host, texts(mirror, "endpoint"), place)
        for host, entry in mapping(registry, "configs").items():
            if mapping(entry, "auth"):
                place.inventory.private.setdefault(host, place.file)
    place.inventory.containerds.append(Settings(found, place.file, hints, places=place.names))


def _tables(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and depth < 6:
        yield value
        for each in value.values():
            yield from _tables(each, depth + 1)


def add_mirrors(registry: str, urls: list[str], place: Place) -> None:
    """Add the hosts of URLs as mirrors of a registry, which is none itself; those of plain HTTP are kept as such."""
    own = (registry, *(HUB if registry in HUB else ()))
    hosts = tuple(dict.fromkeys(host for url in urls if (host := host_of(url)) and host not in own))
    place.inventory.plain |= {host_of(url): place.file for url in urls if url.startswith("http://")}
    if hosts:
        place.inventory.mirrors.append(Mirrors(registry, hosts, place.file))


def _config_toml(value: dict[str, Any], place: Place) -> bool:
    if not any(key.startswith("io.containerd.") for key in mapping(value, "plugins")):
        return False
    add_config(value, place, place.hints)
    return True


def _hosts_toml(value: dict[str, Any], place: Place) -> bool:
    """Read a hosts.toml; the registry's name is that of its directory (``_default`` for every registry).

    A server of another name is asked after the hosts, and then is a mirror, behind which the registry itself stands.
    """
    hosts = mapping(value, "host")
    if not hosts and not text(value, "server"):
        return False
    directory = place.path.parent.name
    registry = host_of(text(value, "server")) if not directory else namespace_of(directory)
    registry = "*" if registry == DEFAULT_NAMESPACE else registry
    server = host_of(text(value, "server"))
    add_mirrors(registry, [*hosts, *([text(value, "server")] if server else [])], place)
    return True


def _crictl_info(value: dict[str, Any], place: Place) -> bool:
    """Read ``crictl info``. containerd 2.x does not tell its image settings there: absent is not known."""
    config = mapping(value, "config")
    if not (config and ("containerd" in config or "sandboxImage" in config)):
        return False
    found = {name: number for key, name in _KEYS.items() if (number := whole(config, key))}
    place.inventory.containerds.append(Settings(found, place.file, place.hints, defaulted=True, places=place.names))
    for host, mirror in mapping(at(config, "registry"), "mirrors").items():
        add_mirrors(host, texts(mirror, "endpoint"), place)
    return True


READERS: Final[tuple[Callable[[dict[str, Any], Place], bool], ...]] = (_config_toml, _hosts_toml, _crictl_info)
