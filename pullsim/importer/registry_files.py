"""Files about registries: registries.yaml of k3s, docker config files, Secrets. Of credentials only hosts are kept."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

from pullsim.formats.kubernetes.docker_config import SECRET_KEYS
from pullsim.importer.runtime_files import HUB, add_mirrors, host_of
from pullsim.inputs.fields import at, entries, mapping, text, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.importer.place import Place


def _private(url: str, place: Place) -> None:
    host = host_of(url)
    if host:
        place.inventory.private.setdefault("docker.io" if host in HUB else host, place.file)


def _registries_yaml(value: dict[str, Any], place: Place) -> bool:
    """Read /etc/rancher/k3s/registries.yaml (docs.k3s.io/installation/private-registry)."""
    if "kind" in value or not (mapping(value, "mirrors") or mapping(value, "configs")):
        return False
    for registry, mirror in mapping(value, "mirrors").items():
        add_mirrors(registry, texts(mirror, "endpoint"), place)
        if mapping(mirror, "rewrite"):
            place.notes.warn(f"{place.file}: rewrite of {registry} has no counterpart: names stay as they are")
    for registry, config in mapping(value, "configs").items():
        if mapping(config, "auth"):
            _private(registry, place)
    return True


def mirror_set(value: dict[str, Any], place: Place) -> None:
    """Read an ImageDigestMirrorSet, ImageTagMirrorSet or ImageContentSourcePolicy of OpenShift."""
    for key in ("imageDigestMirrors", "imageTagMirrors", "repositoryDigestMirrors"):
        for entry in entries(value, "spec", key):
            _mirrors_of(text(entry, "source"), texts(entry, "mirrors"), place)


def _registries_conf(value: dict[str, Any], place: Place) -> bool:
    """Read registries.conf of CRI-O and Podman (containers/image, docs/containers-registries.conf.5.md)."""
    registries = [each for each in entries(value, "registry") if text(each, "location") or text(each, "prefix")]
    for each in registries:
        mirrors = entries(each, "mirror")
        urls = [("http://" * (at(one, "insecure") is True)) + text(one, "location") for one in mirrors]
        _mirrors_of(text(each, "prefix") or text(each, "location"), urls, place)
    return bool(registries) or "unqualified-search-registries" in value


def _mirrors_of(source: str, mirrors: list[str], place: Place) -> None:
    """Add the mirrors of a registry; those of a part of one are said, as a registry here has them or has not.

    So are those of a pattern, as ``*.example.com`` (docs/containers-registries.conf.5.md, prefix).
    """
    if source.startswith("*."):
        place.notes.tally("mirror rule", "left out: for all registries of a domain", source)
    elif "/" in source:
        place.notes.tally("mirror rule", "left out: for a part of a registry only", source)
    elif source:
        add_mirrors(source, mirrors, place)


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


READERS: Final[tuple[Callable[[dict[str, Any], Place], bool], ...]] = (
    _registries_yaml,
    _registries_conf,
    _docker_config,
)
