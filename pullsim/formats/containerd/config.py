"""containerd's config.toml, versions 2 and 3: its settings of image pulls as each release understands them.

Sources: internal/cri/config/config.go (ValidateImageConfig, CheckLocalImagePullConfigs),
plugins/cri/images/plugin.go (configMigration), plugins/transfer/plugin.go, cmd/containerd/server/config/config.go
(LoadConfig); 1.x: pkg/cri/config/config.go, services/server/config/config.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import shown
from pullsim.formats.containerd.auth import runtime_auth
from pullsim.formats.containerd.config_path import ConfigPath
from pullsim.formats.containerd.handlers import RUNTIME, runtime_handlers
from pullsim.formats.containerd.hosts import split_url
from pullsim.formats.containerd.imports import read_with_imports
from pullsim.formats.containerd.keys import (
    KEYS_V2,
    KEYS_V3,
    MIGRATED,
    REGISTRY,
    SINCE,
    TOP,
    TRANSFER_KEYS,
    V2_CONTAINERD,
)
from pullsim.inputs.toml_document import Table
from pullsim.oci.reference import InvalidReference, parse
from pullsim.releases.containerd import behaviour
from pullsim.releases.release import written_text
from pullsim.spec.hosts import DEFAULT_NAMESPACE, HostSpec, RegistryHosts
from pullsim.spec.runtime import UNLIMITED_DOWNLOADS, ContainerdSpec
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.releases.release import Release

CRI: Final = "io.containerd.grpc.v1.cri"  # the whole CRI plugin in version 2, only its server in version 3
IMAGES: Final = "io.containerd.cri.v1.images"
TRANSFER: Final = "io.containerd.transfer.v1.local"
DEFAULT_DOWNLOADS: Final = 3
OVERLAYFS: Final = "io.containerd.snapshotter.v1.overlayfs"
VOLATILE: Final = "volatile"  # an option of overlay mounts (Linux 5.10), which no release sets by itself
REBASES: Final = ("overlayfs", "erofs")  # snapshotters with the capability rebase: layers can be unpacked in parallel
EROFS_SINCE: Final = (2, 1)  # the first release that has the snapshotter erofs and its differ
#: Snapshotters that mount layers without downloading them first.
LAZY: Final = ("stargz", "soci", "nydus", "overlaybd", "gcfs")
_OLD_REGISTRY: Final = ("mirrors", "configs", "auths")
_TRANSFER_DEFAULTS: Final = {
    "max_concurrent_downloads": DEFAULT_DOWNLOADS,
    "concurrent_layer_fetch_buffer": 0,
    "max_concurrent_unpacks": 1,
}


@dataclass(slots=True)
class RuntimeConfig:
    """The settings of pulls that a containerd release takes from its file, and the warnings about the file."""

    spec: ContainerdSpec
    release: str  # the name and release as shown to users: "containerd 2.1"
    config_path: ConfigPath  # where it looks for certs.d on the node
    reasons: list[str] = field(default_factory=list)  # why in 2.1 or later the CRI plugin pulls by itself
    warnings: list[str] = field(default_factory=list)
    unsimulated: str = ""  # the warning about its snapshotter, which is void where the scenario says how it works
    own_limit: str = ""  # the full name of the CRI plugin's max_concurrent_downloads


def read_runtime_config(path: Path, version: Release) -> RuntimeConfig:
    """Read a config.toml as containerd of the release ``version`` does. Raises InputError for what it refuses."""
    document, warnings = read_with_imports(path, version)
    top = Table.top(document)
    release = f"containerd {version[0]}.{version[1]}"
    _check_version(top, version, release)
    if disabled := {"cri", CRI, IMAGES} & set(top.texts("disabled_plugins")):
        top.fail(f"without {min(disabled)} a kubelet cannot use this containerd", "disabled_plugins")
    plugins = top.table("plugins")
    warnings += top.unknown(TOP, release)
    for name in plugins.value:
        if name not in (CRI, IMAGES, TRANSFER) and (
            near := get_close_matches(name, (CRI, IMAGES, TRANSFER), n=1, cutoff=0.93)
        ):
            warnings.append(f"{plugins.place(name)}: there is no plugin {shown(name)}; did you mean {near[0]}?")
    spec = ContainerdSpec(version, progress_timeout=behaviour(version).progress_timeout)
    config = RuntimeConfig(spec, release, ConfigPath(version), warnings=warnings)
    images = _images(top, plugins, config)
    warnings += plugins.table(TRANSFER).unknown(TRANSFER_KEYS, release)
    written = _registry(images, config)
    _pull_settings(images, _Section((plugins.table(TRANSFER),), config, transfer=True), config)
    config.config_path = ConfigPath(version, written, by_service=version >= (2, 1) and not config.spec.local_pull)
    containerd = plugins.table(RUNTIME if top.get("version", int) == 3 else CRI, "containerd")
    platforms = images.at("runtime_platforms").table("runtime_platforms")
    handlers = runtime_handlers(containerd, platforms, config.spec.snapshotter, version)
    warnings += (
        f"{containerd.place('runtimes', each.name)}: {containerd.name('runtimes', each.name)}: snapshotter "
        f'"{each.snapshotter}" is not simulated: layers are downloaded and unpacked here, never mounted'
        for each in handlers
        if each.snapshotter in LAZY and each.snapshotter != config.spec.snapshotter
    )
    volatile = VOLATILE in plugins.table(OVERLAYFS).texts("mount_options")
    config.spec = replace(config.spec, handlers=handlers, volatile=volatile)
    return config


def _check_version(top: Table, version: Release, release: str) -> None:
    """Raise InputError unless the file is of version 2 or 3 and the release knows that version."""
    written = top.get("version", int)
    if written in (None, 0, 1):
        top.fail(f"a file without version = 2 or 3 is of version 1, which is not read; write it for {release}")
    if written == 3 and version < (2, 0):
        top.fail(f"version 3 exists from containerd 2.0 on, this is {release}: write version = 2", "version")
    if written not in (2, 3):
        top.fail(f"version {written} is not known; 2 and 3 are", "version")


class _Section:
    """The settings of pulls, by their names in version 3. Each is read from the table in which the file has it."""

    def __init__(self, tables: tuple[Table, ...], config: RuntimeConfig, *, transfer: bool = False) -> None:
        """``tables``: the tables in which a setting may be; the first that has the setting counts."""
        self._tables = tables
        self._config = config
        self._transfer = transfer

    def at(self, key: str) -> Table:
        """Return the table that has a key; the first table if none has it."""
        return next((table for table in self._tables if key in table), self._tables[0])

    def name(self, key: str) -> str:
        """Return the full name of a key: its table and the key."""
        return self.at(key).name(key)

    def get(self, key: str, type_: type[Any], default: Any) -> Any:
        """Return a setting, or ``default`` if the file does not set it or the release does not know it."""
        table = self.at(key)
        value = table.get(key, type_)
        since = SINCE.get((self._transfer, key), (1, 0))
        if value is None or value == default:
            return default
        if self._config.spec.version < since:
            exists = f"it exists from {written_text(since)} on"
            self._config.warnings.append(
                f"{table.place(key)}: {table.name(key)}: {self._config.release} ignores it: {exists}"
            )
            return default
        return value


def _images(top: Table, plugins: Table, config: RuntimeConfig) -> _Section:
    """Return the CRI plugin's settings of images, from the tables that the version of the file has for them."""
    cri, images, warnings = plugins.table(CRI), plugins.table(IMAGES), config.warnings
    current = config.spec.version >= (2, 0)
    if current:
        warnings += images.unknown(KEYS_V3, config.release)
    if top.get("version", int) == 3:
        warnings += (
            f"{cri.place(key)}: {cri.name(key)}: version 3 has the settings of images in "
            f'plugins."{IMAGES}"; this one is ignored'
            for key in cri.value
            if key in MIGRATED or key == "containerd"
        )
        return _Section((images,), config)
    # Settings that version 3 has and that containerd 2.x does not take over from a file of version 2.
    lost = [key for key in ("concurrent_layer_fetch_buffer", "use_local_image_pull") if current and key in cri]
    warnings += (
        f'{cri.place(key)}: {cri.name(key)} is lost when version 2 is converted: write it in plugins."{IMAGES}"'
        for key in lost
    )
    warnings += cri.unknown(KEYS_V2 | set(lost), config.release)
    warnings += cri.table("containerd").unknown(V2_CONTAINERD, config.release)
    kept = Table({key: value for key, value in cri.value.items() if key in MIGRATED}, cri.document, cri.route)
    inner = cri.table("containerd")
    return _Section((kept, inner, images) if current else (kept, inner), config)


def _pull_settings(images: _Section, transfer: _Section, config: RuntimeConfig) -> None:
    """Find whether the CRI plugin or the transfer service pulls; set its limits; warn of settings without effect."""
    spec, warnings = config.spec, config.warnings
    downloads = images.get("max_concurrent_downloads", int, DEFAULT_DOWNLOADS)
    config.own_limit = images.name("max_concurrent_downloads")
    buffer = images.get("concurrent_layer_fetch_buffer", int, 0)
    annotations_off = images.get("disable_snapshot_annotations", bool, True)
    spec = replace(
        spec,
        sync_fs=images.get("image_pull_with_sync_fs", bool, False),
        discard_unpacked_layers=images.get("discard_unpacked_layers", bool, False),
        snapshotter=images.get("snapshotter", str, "overlayfs") or "overlayfs",
        pinned=_pinned(images),
        progress_timeout=_timeout(images, spec.progress_timeout or 0.0),
    )
    # From 2.1 on the CRI plugin pulls by itself if any of these holds (CheckLocalImagePullConfigs).
    conditions = {
        "use_local_image_pull": images.get("use_local_image_pull", bool, False),
        "disable_snapshot_annotations": not annotations_off,
        "discard_unpacked_layers": spec.discard_unpacked_layers,
        **{f"registry.{key}": bool(images.at("registry").table("registry").value.get(key)) for key in _OLD_REGISTRY},
        "max_concurrent_downloads": downloads != DEFAULT_DOWNLOADS,
        "image_pull_with_sync_fs": spec.sync_fs,
    }
    by_service = spec.version >= (2, 1)
    if by_service:
        config.reasons = [_condition(images, key) for key, holds in conditions.items() if holds]
    if by_service and not config.reasons:
        downloads = transfer.get("max_concurrent_downloads", int, DEFAULT_DOWNLOADS)
        if buffer:
            warnings.append(_no_effect(images, "concurrent_layer_fetch_buffer", "the transfer service pulls"))
        buffer = transfer.get("concurrent_layer_fetch_buffer", int, 0)
        spec = replace(spec, max_concurrent_unpacks=transfer.get("max_concurrent_unpacks", int, 1))
    else:
        own = "the CRI plugin pulls by itself"
        why = f"{own} ({config.reasons[0]})" if by_service else f"in {config.release} {own}"
        warnings += (
            _no_effect(transfer, key, why)
            for key, default in _TRANSFER_DEFAULTS.items()
            if transfer.at(key).get(key, int) not in (None, default)
        )
    config.spec = replace(
        spec,
        max_concurrent_downloads=downloads if 0 < downloads < UNLIMITED_DOWNLOADS else UNLIMITED_DOWNLOADS,
        layer_fetch_buffer=buffer,
        local_pull=bool(config.reasons),
    )
    if config.spec.max_concurrent_unpacks > 1 and config.spec.snapshotter not in REBASES:
        why = f'the snapshotter "{config.spec.snapshotter}" cannot put layers on others that come later'
        warnings.append(_no_effect(transfer, "max_concurrent_unpacks", why))
        config.spec = replace(config.spec, max_concurrent_unpacks=1)
    if transfer.at("config_path").get("config_path", str):  # no release reads this setting
        why = f"pulls of the kubelet go by {images.at('registry').table('registry').name('config_path')}"
        warnings.append(_no_effect(transfer, "config_path", why))
    _not_simulated(images, config)


def _condition(images: _Section, key: str) -> str:
    """Return the text that names the setting because of which the CRI plugin pulls, with its value."""
    table, _, last = key.rpartition(".")
    if table:
        return f"{images.at(table).table(table).name(last)} is set"
    value = images.at(key).value[key]
    return f"{images.name(key)} = {str(value).lower()}"


def _no_effect(section: _Section, key: str, why: str) -> str:
    """Return the warning about a setting that has no effect."""
    return f"{section.at(key).place(key)}: {section.name(key)} has no effect: {why}"


def _not_simulated(images: _Section, config: RuntimeConfig) -> None:
    """Set the warning about a snapshotter with which a real pull would differ from the simulated one."""
    snapshotter = config.spec.snapshotter
    if snapshotter == "overlayfs" or (snapshotter == "erofs" and config.spec.version >= EROFS_SINCE):
        return
    what = "layers are downloaded and unpacked here, never mounted"
    if snapshotter not in LAZY:
        what = "unpacking costs what it does with overlayfs here"
    place, name = images.at("snapshotter").place("snapshotter"), images.name("snapshotter")
    more = "; give runtime.soci if it pulls in parallel" if snapshotter == "soci" else ""
    config.unsimulated = f'{place}: {name} = "{snapshotter}" is not simulated: {what}{more}'
    config.warnings.append(config.unsimulated)


def _timeout(images: _Section, default: float) -> float:
    """Return image_pull_progress_timeout in seconds. Raises InputError."""
    text = images.get("image_pull_progress_timeout", str, "")
    if not text:
        return default
    try:
        return parse_duration(text)
    except ValueError as error:
        images.at("image_pull_progress_timeout").fail(str(error), "image_pull_progress_timeout")


def _pinned(images: _Section) -> tuple[str, ...]:
    """Return the images that the file pins, the sandbox's among them."""
    table = images.at("pinned_images").table("pinned_images")
    names = [table.get(key, str) for key in table.value]
    if "sandbox_image" in images.at("sandbox_image"):
        names.append(images.at("sandbox_image").get("sandbox_image", str))
    for name in names:
        try:
            parse(name)
        except InvalidReference as error:
            table.fail(f"{shown(name)} is no image: {error}")
    return tuple(dict.fromkeys(names))


def _registry(images: _Section, config: RuntimeConfig) -> str:
    """Read the table registry: credentials, and mirrors as old files have them. Return its config_path."""
    registry = images.at("registry").table("registry")
    config.warnings += registry.unknown(REGISTRY, "containerd")
    path = registry.get("config_path", str) or ""
    mirrors = registry.table("mirrors")
    if path and mirrors.value:
        registry.fail("`mirrors` cannot be set when `config_path` is provided", "mirrors")
    if registry.value.get("headers"):
        config.warnings.append(f"{registry.place('headers')}: {registry.name('headers')} is not simulated")
    own = [(host, each.table("auth")) for host, each in registry.table("configs").tables() if each.value.get("auth")]
    old = registry.table("auths").tables()  # by URL; containerd prefers them to configs
    auths = {
        host.rpartition("//")[2].partition("/")[0]: runtime_auth(each, config.warnings) for host, each in (*own, *old)
    }
    found = []
    for host, entry in mirrors.tables():
        config.warnings += entry.unknown(("endpoint", "rewrite"), "containerd")
        hosts = []
        for url in entry.texts("endpoint"):
            parts = split_url(url) if url.startswith("http") else None
            if parts is None:
                entry.fail(f"{shown(url)} must be a URL with its host: https://mirror.example.com", "endpoint")
            hosts.append(HostSpec(parts.netloc, parts.scheme, parts.path.rstrip("/") or "/v2"))
        found.append(RegistryHosts(DEFAULT_NAMESPACE if host == "*" else host, tuple(hosts)))
    config.spec = replace(config.spec, hosts=tuple(found), auths=auths)
    return path
