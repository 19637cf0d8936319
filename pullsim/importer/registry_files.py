"""Files about registries: registries.yaml of k3s, docker config files, Secrets. Of credentials only hosts are kept."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

from pullsim.formats.kubernetes.docker_config import SECRET_KEYS
from pullsim.importer.inventory import Mirrors
from pullsim.importer.runtime_files import host_of
from pullsim.inputs.fields import mapping, text, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.importer.place import Place

#: What Docker Hub is called in docker config files.
_HUB: Final = ("index.docker.io", "registry-1.docker.io", "docker.io")


def _private(url: str, place: Place) -> None:
    host = host_of(url)
    if host:
        place.inventory.private.setdefault("docker.io" if host in _HUB else host, place.file)


def _registries_yaml(value: dict[str, Any], place: Place) -> bool:
    """Read /etc/rancher/k3s/registries.yaml (docs.k3s.io/installation/private-registry)."""
    if "kind" in value or not (mapping(value, "mirrors") or mapping(value, "configs")):
        return False
    for registry, mirror in mapping(value, "mirrors").items():
        urls = texts(mirror, "endpoint")
        hosts = tuple(dict.fromkeys(host for url in urls if (host := host_of(url)) and host != registry))
        if hosts:
            place.inventory.mirrors.append(Mirrors(registry, hosts, place.file))
        place.inventory.plain |= {host_of(url): place.file for url in urls if url.startswith("http://")}
        if mapping(mirror, "rewrite"):
            place.notes.warn(f"{place.file}: rewrite of {registry} has no counterpart: names stay as they are")
    for registry, config in mapping(value, "configs").items():
        if mapping(config, "auth"):
            _private(registry, place)
    return True


def _docker_config(value: dict[str, Any], place: Place) -> bool:
    """Read a docker config.json or a .dockercfg."""
    known = [key for key in ("auths", "credHelpers", "credsStore") if key in value]
    for key in ("auths", "credHelpers"):
        for url in mapping(value, key):
            _private(url, place)
    if not known and value and all(isinstance(each, dict) and "auth" in each for each in value.values()):
        for url in value:
            _private(url, place)
        return True
    return bool(known)


def secret(value: dict[str, Any], place: Place) -> None:
    """Keep of a Secret its name and the hosts that it is for; nothing else of it is kept."""
    key = SECRET_KEYS.get(text(value, "type"))
    content = text(value, "stringData", key or "")
    if key and not content:
        try:
            content = b64decode(text(value, "data", key)).decode()
        except ValueError:
            content = ""
    try:
        config = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        config = {}
    hosts = mapping(config, "auths") or (config if isinstance(config, dict) else {})
    for url in hosts:
        _private(url, place)
    metadata = {"name": text(value, "metadata", "name"), "namespace": text(value, "metadata", "namespace")}
    if metadata["name"]:
        place.inventory.add({"kind": "Secret", "type": text(value, "type"), "metadata": metadata}, place.file)


READERS: Final[tuple[Callable[[dict[str, Any], Place], bool], ...]] = (_registries_yaml, _docker_config)
