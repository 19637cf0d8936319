"""CredentialProviderConfig files (``--image-credential-provider-config``), validated as the kubelet validates them.

A kubelet from 1.32 on refuses a field that it does not know; an older one ignores it, and the reader warns of it. A
field that looks like a misspelt one is an error for every release. Source: pkg/credentialprovider/plugin/config.go,
read at 1.35 and for kubernetes pull 128062 (strict decoding); staging/src/k8s.io/kubelet/config/v1, v1beta1 and
v1alpha1 types.go, read at all releases from 1.24 to 1.37.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pullsim.errors import InputError, InputErrors, Location, shown
from pullsim.formats.kubernetes.item import Item
from pullsim.frozen import dataclass
from pullsim.inputs import is_directory, is_file, list_directory
from pullsim.inputs.document import read_document
from pullsim.inputs.suggestion import did_you_mean, like
from pullsim.releases.release import written_text
from pullsim.spec.credential_url import locate
from pullsim.spec.credentials import TOKEN_CACHE_TYPES, Provider, TokenAttributes
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pullsim.releases.kubelet import Version

KIND: Final = "CredentialProviderConfig"
TOKENS: Final = "KubeletServiceAccountTokenForCredentialProviders"
#: The API versions of the file and of the plugins' answers, and the first kubelet release that knows each.
_CONFIG_VERSIONS: Final = {"v1": (1, 26), "v1beta1": (1, 24), "v1alpha1": (1, 20)}
_CONFIG_GROUP: Final = "kubelet.config.k8s.io"
_PLUGIN_GROUP: Final = "credentialprovider.kubelet.k8s.io"
#: The fields, and the first kubelet release that has each.
_PROVIDER_FIELDS: Final = {
    **dict.fromkeys(("name", "matchImages", "defaultCacheDuration", "apiVersion", "args", "env"), (1, 20)),
    "tokenAttributes": (1, 33),
}
_TOKEN_FIELDS: Final = {
    "serviceAccountTokenAudience": (1, 33),
    "requireServiceAccount": (1, 33),
    "requiredServiceAccountAnnotationKeys": (1, 33),
    "optionalServiceAccountAnnotationKeys": (1, 33),
    "cacheType": (1, 34),
}
#: The fields that exist in the apiVersion v1 only.
_ONLY_V1: Final = frozenset(["tokenAttributes"])
_STRICT: Final = (1, 32)  # the first kubelet release that refuses unknown fields
_SUFFIXES: Final = (".json", ".yaml", ".yml")
_QUALIFIED: Final = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]([-\w.]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads files as a kubelet of ``version`` does; ``warn`` is called for each field that it ignores."""

    version: Version
    tokens: bool  # whether the feature gate KubeletServiceAccountTokenForCredentialProviders is on
    warn: Callable[[str], None]

    def config(self, file: Path) -> list[tuple[Provider, Item]]:
        """Return the providers of one file, each with its place. Raises InputError."""
        document = read_document(file)
        item = Item(document.tree if isinstance(document.tree, dict) else {}, document, ())
        if item.value.get("kind") != KIND:
            item.fail(f"this is no {KIND}: kind is {shown(item.value.get('kind'))}", "kind")
        self._known(item, _CONFIG_GROUP)
        latest = item.value["apiVersion"].endswith("/v1")
        self._fields(item, dict.fromkeys(("kind", "apiVersion", "providers"), (1, 20)))
        found, errors = [], []
        for entry in item.items("providers"):
            try:
                found.append((self._provider(entry, latest=latest), entry))
            except InputError as error:
                errors.append(error)
        if errors:
            raise InputErrors(errors)
        if not found:
            item.fail("providers: Required value: at least 1 item in plugins is required", "providers")
        return found

    def _known(self, item: Item, group: str) -> None:
        """Check that the kubelet knows the item's apiVersion, which must be of ``group``. Raises InputError."""
        text = item.text("apiVersion")
        if not text:
            item.fail(f"apiVersion: Required value ({group}/v1)", "apiVersion")
        given, _, name = text.partition("/")
        if given != group or name not in _CONFIG_VERSIONS:
            known = ", ".join(f'"{group}/{each}"' for each in sorted(_CONFIG_VERSIONS))
            item.fail(f'apiVersion: Unsupported value: "{text}": supported values: {known}', "apiVersion")
        if self.version < _CONFIG_VERSIONS[name]:
            since, own = written_text(_CONFIG_VERSIONS[name]), written_text(self.version)
            item.fail(f"apiVersion {text} exists from {since} on, this kubelet is {own}", "apiVersion")

    def _fields(self, item: Item, fields: Mapping[str, Version], *, latest: bool = True) -> set[str]:
        """Return those fields of the item that this kubelet reads; warn of each field that it ignores.

        ``latest``: whether the file's apiVersion is v1. Raises InputError for a field that the kubelet refuses.
        """
        read = set()
        for key in item.value:
            since = fields.get(key)
            if since is None:
                why = did_you_mean(key, fields)
            elif self.version < since:
                why = f": it exists from {written_text(since)} on, this kubelet is {written_text(self.version)}"
            elif not latest and key in _ONLY_V1:
                why = f": it exists in {_CONFIG_GROUP}/v1 only"
            else:
                read.add(key)
                continue
            if self.version >= _STRICT or (since is None and like(key, fields) is not None):
                item.fail(f"unknown field {shown(key)}{why}", key)
            name = item.document.name(item.document.own_route((*item.route, key)))
            self.warn(f"{name}: unknown field{why}; a kubelet before 1.32 passes it over")
        return read

    def _provider(self, item: Item, *, latest: bool) -> Provider:
        """Read one provider; ``latest``: the file's apiVersion is v1. Raises InputError."""
        read = self._fields(item, _PROVIDER_FIELDS, latest=latest)
        name = item.text("name", "") or ""
        if not name:
            item.fail("a provider needs the name of its program", "name")
        for wrong, text in (("/", "contain '/'"), (" ", "contain spaces")):
            if wrong in name:
                _invalid(item, "name", name, f"provider name cannot {text}")
        if name in (".", ".."):
            _invalid(item, "name", name, f"provider name cannot be '{name}'")
        self._known(item, _PLUGIN_GROUP)
        images = _texts(item, "matchImages")
        if not images:
            item.fail("matchImages: Required value: at least 1 item in matchImages is required", "matchImages")
        for index, image in enumerate(images):
            if locate(image) is None:
                item.fail(f"matchImages: {shown(image)}: match image is invalid: it is no URL", "matchImages", index)
        token = item.value.get("tokenAttributes") if "tokenAttributes" in read else None
        return Provider(
            name, images, _duration(item), None if token is None else self._token(item.mapping("tokenAttributes"), item)
        )

    def _token(self, item: Item, provider: Item) -> TokenAttributes:
        """Read the tokenAttributes of a provider. Raises InputError."""
        if not self.tokens:
            item.fail(
                f"tokenAttributes: Forbidden: tokenAttributes is not supported when {TOKENS} feature gate is disabled"
            )
        if provider.value["apiVersion"] != f"{_PLUGIN_GROUP}/v1":
            item.fail(
                f"tokenAttributes: Forbidden: tokenAttributes is only supported for {_PLUGIN_GROUP}/v1 API version"
            )
        self._fields(item, _TOKEN_FIELDS)
        audience, needed = item.text("serviceAccountTokenAudience"), item.value.get("requireServiceAccount")
        if not audience:
            item.fail("serviceAccountTokenAudience: Required value")
        if type(needed) is not bool:
            item.fail("requireServiceAccount: Required value: true or false", "requireServiceAccount")
        kind = self._cache_type(item)
        required, optional = (_keys(item, f"{which}ServiceAccountAnnotationKeys") for which in ("required", "optional"))
        if required and not needed:
            item.fail(
                "requiredServiceAccountAnnotationKeys: Forbidden: requireServiceAccount cannot be false when "
                "requiredServiceAccountAnnotationKeys is set",
                "requiredServiceAccountAnnotationKeys",
            )
        if both := sorted({*required} & {*optional}):
            item.fail(f"{', '.join(both)}: annotation keys cannot be both required and optional")
        return TokenAttributes(audience, needed, kind, required, optional)

    def _cache_type(self, item: Item) -> str:
        """Read cacheType; kubelets before that field cache answers by service account."""
        if self.version < _TOKEN_FIELDS["cacheType"]:
            return TOKEN_CACHE_TYPES[0]
        kind = item.text("cacheType")
        if not kind:
            item.fail(f"cacheType: Required value from 1.34 on: {' or '.join(TOKEN_CACHE_TYPES)}")
        if kind not in TOKEN_CACHE_TYPES:
            item.fail(f"cacheType: {shown(kind)} is not one of {', '.join(TOKEN_CACHE_TYPES)}", "cacheType")
        return kind


def read_providers(
    path: Path, version: Version, gates: Mapping[str, bool], warn: Callable[[str], None] = lambda _: None
) -> list[Provider]:
    """Read the providers of a file, or from 1.35 on of all files of a directory in the order of their names.

    The providers have default plugins, which the caller replaces. ``warn`` is called with a text for each field that a
    kubelet of ``version`` ignores. Raises InputError with the kubelet's own message for what it refuses.
    """
    files = [path]
    if is_directory(path):
        if version < (1, 35):
            raise InputError("this is a directory, which a kubelet reads from 1.35 on", Location(str(path)))
        files = [file for file in list_directory(path) if file.suffix in _SUFFIXES and is_file(file)]
        if not files:
            raise InputError(f"no configuration files found in directory ({', '.join(_SUFFIXES)})", Location(str(path)))
    reader = _Reader(version, gates.get(TOKENS, False), warn)
    found = [entry for file in files for entry in reader.config(file)]
    names: set[str] = set()
    for provider, item in found:
        if provider.name in names:
            item.fail(f'duplicate provider name "{provider.name}" found in configuration file(s)', "name")
        names.add(provider.name)
    return [provider for provider, _ in found]


def _duration(item: Item) -> float:
    """Return defaultCacheDuration in seconds. Raises InputError."""
    text = item.text("defaultCacheDuration")
    if text is None:
        item.fail("defaultCacheDuration: Required value (12h)", "defaultCacheDuration")
    negative = text.startswith("-")
    try:
        seconds = parse_duration(text.removeprefix("-"))
    except ValueError as error:
        item.fail(f"defaultCacheDuration: {error}", "defaultCacheDuration")
    if negative and seconds:
        _invalid(item, "defaultCacheDuration", text, "defaultCacheDuration must be greater than or equal to 0")
    return seconds


def _keys(item: Item, field: str) -> tuple[str, ...]:
    """Return a list of keys of annotations. Raises InputError."""
    keys = _texts(item, field)
    for index, key in enumerate(keys):
        if not _QUALIFIED.fullmatch(key.lower()):
            item.fail(f"{field}: {shown(key)} is no key of an annotation (example.com/name)", field, index)
        if key in keys[:index]:
            item.fail(f"{field}: Duplicate value: {shown(key)}", field, index)
    return keys


def _texts(item: Item, field: str) -> tuple[str, ...]:
    value: Any = item.value.get(field)
    if value is not None and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        item.fail(f"{field} must be a list of texts", field)
    return tuple(value or ())


def _invalid(item: Item, field: str, value: str, rule: str) -> NoReturn:
    item.fail(f'{field}: Invalid value: "{value}": {rule}', field)
