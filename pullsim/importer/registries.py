"""The registries of a scenario: those that its images come from, with figures that are guesses by the kind of host."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pullsim.importer.figures import Figure
from pullsim.importer.notes import listed
from pullsim.oci.reference import InvalidReference, parse
from pullsim.scenario.presets.registries import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes

_FAR: Final = PUBLIC
#: Figures of a registry in the same region or building.
_NEAR: Final = {"roundTrip": "2ms", "firstByte": "10ms", "perConnection": "100MB/s"}
#: Kinds of hosts: what their figures and quotas are, and how to know better.
_KINDS: Final = (
    (re.compile(r"docker\.io"), {"preset": "docker-hub/anonymous", **_FAR}, "quota of Docker Hub without an account"),
    (
        re.compile(r"\d{12}\.dkr\.ecr\..*amazonaws\.com(\.cn)?"),
        {"preset": "ecr", **_NEAR},
        "a registry of ECR in the nodes' region",
    ),
    (re.compile(r"public\.ecr\.aws"), {"auth": "bearer", **_FAR}, "without its quotas"),
    (
        re.compile(r"(.*-docker\.pkg\.dev|(.*\.)?gcr\.io)"),
        {"preset": "gar", **_NEAR},
        "a registry of Google in the nodes' region",
    ),
    (
        re.compile(r".*\.azurecr\.(io|cn|us)"),
        {"preset": "acr/standard", **_NEAR},
        "a registry of Azure of the tier Standard: `az acr show` tells the tier",
    ),
)


@dataclass(slots=True)
class Registry:
    """An entry of ``registries``."""

    host: str
    keys: dict[str, Figure] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def make_registries(images: Iterable[str], inventory: Inventory, notes: Notes) -> list[Registry]:
    """Return the registries of images and of their mirrors, by host."""
    hosts: dict[str, list[str]] = {}
    for image in images:
        try:
            hosts.setdefault(parse(image).domain, []).append(image)
        except InvalidReference:
            continue
    mirrors = _mirrors([*hosts], inventory)
    found = []
    for host in sorted({*hosts, *(mirror for each in mirrors.values() for mirror, _ in each)} - {""}):
        registry = Registry(host, _figures(host))
        if own := [mirror for mirror, _ in mirrors.get(host, [])]:
            registry.keys["mirrors"] = Figure([{"host": mirror} for mirror in own], f"read: {mirrors[host][0][1]}")
        if host in inventory.plain:
            registry.keys["tls"] = Figure(False, f"read: {inventory.plain[host]}")
        if host in inventory.private:
            registry.remarks.append(
                f"{inventory.private[host]} has credentials for it, which are not copied: here everybody may pull"
            )
            notes.warn(
                f"registry {host}: credentials in {inventory.private[host]} are not copied: here everybody "
                "may pull from it"
            )
        found.append(registry)
    if found:
        notes.guess(
            2,
            f"round trip and rate of a connection of {len(found)} registries: {listed([each.host for each in found])}",
            "`curl -w '%{time_connect} %{speed_download}\\n'` of a blob from a node, or `pullsim fit` on events",
        )
    return found


def likely_registries(images: Iterable[str]) -> list[dict[str, Any]]:
    """Return entries of ``registries`` for the hosts of images, with the figures that are likely of such hosts."""
    hosts = dict.fromkeys(parse(image).domain for image in images)
    return [{"host": host} | {key: figure.value for key, figure in _figures(host).items()} for host in hosts]


def _figures(host: str) -> dict[str, Figure]:
    for pattern, keys, what in _KINDS:
        if pattern.fullmatch(host):
            return {
                key: _figure(key, value, what, near=keys["roundTrip"] == _NEAR["roundTrip"])
                for key, value in keys.items()
            }
    local = re.fullmatch(
        r"(\[.*\]|\d+\.\d+\.\d+\.\d+|localhost|[^.]*|.*\.(local|internal|lan|svc|example))(:\d+)?", host
    )
    figures: dict[str, Any] = dict(_NEAR) if local or ":" in host else {"auth": "bearer", **_FAR}
    return {
        key: Figure(value, "guess: nearby" if local else "guess: on the internet") for key, value in figures.items()
    }


def _figure(key: str, value: Any, what: str, *, near: bool) -> Figure:
    return Figure(
        value, f"preset, guess: {what}" if key == "preset" else f"guess: {'nearby' if near else 'on the internet'}"
    )


def _mirrors(hosts: list[str], inventory: Inventory) -> dict[str, list[tuple[str, str]]]:
    """Return the mirrors of each host with the file that says so; ``*`` is for hosts without mirrors of their own."""
    found: dict[str, list[tuple[str, str]]] = {}
    wanted = [*hosts]
    for host in wanted:
        own = [each for each in inventory.mirrors if each.registry == host] or [
            each for each in inventory.mirrors if each.registry == "*"
        ]
        for each in sorted(own, key=lambda one: (one.file, one.hosts)):
            for mirror in each.hosts:
                if mirror != host and mirror not in [known for known, _ in found.get(host, [])]:
                    found.setdefault(host, []).append((mirror, each.file))
                    if mirror not in wanted and any(one.registry == mirror for one in inventory.mirrors):
                        wanted.append(mirror)
    return found
