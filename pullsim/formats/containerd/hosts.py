"""containerd's registry host directories: ``certs.d/<registry>/hosts.toml``."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from pullsim.errors import shown
from pullsim.frozen import dataclass
from pullsim.inputs import is_directory, is_file, list_directory
from pullsim.inputs.toml_document import Table, read_toml
from pullsim.releases.release import Release, written_text
from pullsim.spec.hosts import (
    ALL_CAPABILITIES,
    CAPABILITY_SINCE,
    DEFAULT_NAMESPACE,
    DIAL_TIMEOUT,
    KEY_SINCE,
    HostSpec,
    RegistryHosts,
)
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from pathlib import Path

_TLS_KEYS: Final = ("ca", "client", "skip_verify")
_HOST_KEYS: Final = ("capabilities", *_TLS_KEYS, "header", "override_path", "dial_timeout")


def read_hosts(directory: Path, release: Release) -> tuple[tuple[RegistryHosts, ...], list[str]]:
    """Read all hosts.toml below a directory like /etc/containerd/certs.d. The second value has the warnings.

    Raises InputError for a file that containerd of the release cannot read; a real containerd would pull without its
    mirrors. A directory without hosts.toml, which may have certificates, gives an entry without mirrors (hosts.go
    loadHostDir).
    """
    found: dict[str, RegistryHosts] = {}
    warnings: list[str] = []
    for entry in host_directories(directory):
        file = entry / "hosts.toml"
        namespace = namespace_of(entry.name)
        if namespace in found:  # containerd prefers the directory myregistry.io_5000_ to myregistry.io:5000
            if not entry.name.endswith("_"):
                warnings.append(f"{file}: not used: another directory is for {namespace} too, and comes first")
                continue
            warnings.append(
                f"{entry.parent / namespace}: not used: {entry.name} is for {namespace} too, and comes first"
            )
        if is_file(file):
            found[namespace] = _hosts(namespace, _Reader(Table.top(read_toml(file)), release, warnings))
        else:
            found[namespace] = RegistryHosts(namespace)
    return tuple(found.values()), warnings


def host_directories(directory: Path) -> list[Path]:
    """Return the directories of registries, sorted by name. Raises InputError if ``directory`` cannot be read."""
    return [entry for entry in list_directory(directory) if is_directory(entry)]


def namespace_of(directory: str) -> str:
    """Return the registry host for a directory's name: ``host_port_`` means host:port (hosts.go hostDirectory)."""
    if directory.endswith("_") and "_" in directory[:-1] and directory != DEFAULT_NAMESPACE:
        host, _, port = directory[:-1].rpartition("_")
        return f"{host}:{port}"
    return directory


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a table of a hosts.toml as a containerd release does, and collects warnings about it."""

    table: Table
    release: Release
    warnings: list[str]

    def unknown(self, *others: str) -> None:
        """Warn of keys that no release knows, and of keys that only later releases know."""
        self.warnings.extend(self.table.unknown((*others, *_HOST_KEYS), "containerd"))
        self.warnings.extend(
            f"{self.table.place(key)}: {self.table.name(key)}: containerd {self.release} ignores it: it exists from "
            f"{written_text(since)} on"
            for key, since in KEY_SINCE.items()
            if key in self.table and self.release < since
        )

    def host(self, url: str, *at: str) -> HostSpec:
        """Read one host (hosts.go parseHostConfig); ``at``: the key of its URL, for errors. Raises InputError."""
        table = self.table
        parts = split_url(url)
        if parts is None:
            table.fail(f"{shown(url)} must be a URL with its host: https://mirror.example.com", *at)
        override = table.get("override_path", bool) or False
        path = "/" + posixpath.normpath(parts.path).lstrip("/") if parts.path else ""
        if not override and not path.endswith("/v2"):
            path = path.rstrip("/") + "/v2"
        return HostSpec(
            host=parts.netloc.rpartition("@")[2],
            scheme=parts.scheme,
            path=path,
            capabilities=self._capabilities(),
            header=_header(table.table("header")),
            skip_verify=table.get("skip_verify", bool) or False,
            dial_timeout=self._dial_timeout(),
            override_path=override,
            explicit_tls=any(key in table for key in _TLS_KEYS),
        )

    def _capabilities(self) -> tuple[str, ...]:
        """Return the host's capabilities, by default all. Raises InputError for one that the release does not know."""
        known = [name for name in ALL_CAPABILITIES if self.release >= CAPABILITY_SINCE.get(name, (1, 6))]
        capabilities = tuple(text.lower() for text in self.table.texts("capabilities"))
        if wrong := [text for text in capabilities if text not in known]:
            since = CAPABILITY_SINCE.get(wrong[0])
            later = f"; containerd {written_text(since)} is the first with it" if since else ""
            message = f"unknown capability {wrong[0]}; known are {', '.join(known)}{later}"
            self.table.fail(message, "capabilities")
        return capabilities or ALL_CAPABILITIES

    def _dial_timeout(self) -> float:
        """Return the dial timeout in seconds; a release without this key has the default. Raises InputError."""
        text = self.table.get("dial_timeout", str)
        if not text or self.release < KEY_SINCE["dial_timeout"]:
            return DIAL_TIMEOUT
        try:
            return parse_duration(text)
        except ValueError as error:
            self.table.fail(str(error), "dial_timeout")


def _hosts(namespace: str, top: _Reader) -> RegistryHosts:
    """Read the hosts of one file; without a server, settings at the top of the file are those of the registry."""
    top.unknown("server", "host")
    hosts = []
    for url, table in top.table.table("host").tables():
        reader = replace(top, table=table)
        reader.unknown()
        hosts.append(reader.host(url))
    if server := top.table.get("server", str):
        return RegistryHosts(namespace, tuple(hosts), top.host(server, "server"))
    own = top.host("https://server.invalid") if any(key in top.table for key in _HOST_KEYS) else None
    return RegistryHosts(namespace, tuple(hosts), top=own)


def split_url(url: str) -> SplitResult | None:
    """Split a URL, which need not have a scheme; None: it has no host."""
    try:
        parts = urlsplit(url if url.startswith("http") else f"https://{url}")
        named = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # the port is not a number, or brackets are not closed
        return None
    return parts if named else None


def _header(table: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the name and the values of each header that requests to a host get. Raises InputError."""
    header: list[tuple[str, tuple[str, ...]]] = []
    for key, value in table.value.items():
        values: Any = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(entry, str) for entry in values):
            table.fail("a header is text or a list of texts", key)
        header.append((key, tuple(values)))
    return tuple(header)
