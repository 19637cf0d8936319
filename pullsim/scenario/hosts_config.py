"""containerd's registry host directories: ``certs.d/<registry>/hosts.toml``."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pullsim.inputs import is_directory, is_file, list_directory
from pullsim.runtime.hosts import ALL_CAPABILITIES, DEFAULT_NAMESPACE, DIAL_TIMEOUT, HostSpec, RegistryHosts
from pullsim.scenario.toml_document import Table, read_toml
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from pathlib import Path

_HOST_KEYS: Final = ("capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout", "proxy")


def read_hosts(directory: Path) -> tuple[tuple[RegistryHosts, ...], list[str]]:
    """Read all hosts.toml below a directory like /etc/containerd/certs.d; the second value are warnings.

    Raises InputError for what containerd cannot read: it would go on without the mirrors of such a file.
    """
    entries = [entry for entry in list_directory(directory) if is_directory(entry)]
    found: dict[str, RegistryHosts] = {}
    warnings: list[str] = []
    for entry in entries:
        file = entry / "hosts.toml"
        if not is_file(file):  # certificates alone
            continue
        namespace = _namespace(entry.name)
        if namespace in found:  # myregistry.io_5000_ comes before myregistry.io:5000
            if not entry.name.endswith("_"):
                warnings.append(f"{file}: not used: another directory is for {namespace} too, and comes first")
                continue
            warnings.append(
                f"{entry.parent / namespace}: not used: {entry.name} is for {namespace} too, and comes first"
            )
        found[namespace] = _hosts(namespace, Table.top(read_toml(file)), warnings)
    return tuple(found.values()), warnings


def _namespace(directory: str) -> str:
    """Return the registry host of a directory's name: ``host_port_`` is host:port (hosts.go hostDirectory)."""
    if directory.endswith("_") and "_" in directory[:-1] and directory != DEFAULT_NAMESPACE:
        host, _, port = directory[:-1].rpartition("_")
        return f"{host}:{port}"
    return directory


def _hosts(namespace: str, top: Table, warnings: list[str]) -> RegistryHosts:
    warnings += top.unknown(("server", "host", *_HOST_KEYS), "containerd")
    hosts = []
    for url, table in top.table("host").tables():
        warnings += table.unknown(_HOST_KEYS, "containerd")
        hosts.append(_host(url, table, warnings))
    server = top.get("server", str)
    return RegistryHosts(namespace, tuple(hosts), _host(server, top, warnings, "server") if server else None)


def _host(url: str, table: Table, warnings: list[str], *at: str) -> HostSpec:
    """Read one host (hosts.go parseHostConfig)."""
    parts = urlsplit(url if url.startswith("http") else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        table.fail(f"{url!r} must be a URL with its host: https://mirror.example.com", *at)
    override = table.get("override_path", bool) or False
    path = posixpath.normpath(parts.path) if parts.path else ""
    if not override and not path.endswith("/v2"):
        path = path.rstrip("/") + "/v2"
    capabilities = tuple(text.lower() for text in table.texts("capabilities"))
    if wrong := [text for text in capabilities if text not in ALL_CAPABILITIES]:
        table.fail(f"unknown capability {wrong[0]}; known are {', '.join(ALL_CAPABILITIES)}", "capabilities")
    if table.value.get("proxy"):
        warnings.append(f"{table.place('proxy')}: {table.name('proxy')} is not simulated")
    return HostSpec(
        host=parts.netloc,
        scheme=parts.scheme,
        path=path,
        capabilities=capabilities or ALL_CAPABILITIES,
        header=_header(table.table("header")),
        skip_verify=table.get("skip_verify", bool) or False,
        dial_timeout=_dial_timeout(table),
        override_path=override,
    )


def _header(table: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    header: list[tuple[str, tuple[str, ...]]] = []
    for key, value in table.value.items():
        values: Any = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(entry, str) for entry in values):
            table.fail("a header is text or a list of texts", key)
        header.append((key, tuple(values)))
    return tuple(header)


def _dial_timeout(table: Table) -> float:
    text = table.get("dial_timeout", str)
    try:
        return parse_duration(text) if text else DIAL_TIMEOUT
    except ValueError as error:
        table.fail(str(error), "dial_timeout")
