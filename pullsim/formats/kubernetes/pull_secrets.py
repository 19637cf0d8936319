"""Secrets and ServiceAccounts in files of Kubernetes objects."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

from pullsim.formats.kubernetes.docker_config import SECRET_KEYS, InvalidDockerConfig, parse_secret
from pullsim.spec.credentials import Secret, ServiceAccount

if TYPE_CHECKING:
    from pullsim.formats.kubernetes.item import Item

_SECRET_FIELDS: Final = ("apiVersion", "kind", "metadata", "type", "data", "stringData", "immutable")


def read_secret(item: Item, namespace: str) -> Secret:
    """Read a Secret; ``namespace`` is the namespace of one that has none. Raises InputError for an invalid one.

    A Secret of a type that is not in `SECRET_KEYS` has no credentials. Content that the kubelet cannot parse is not an
    error of the file: pods that use the Secret fail in the run with the Secret's ``error``.
    """
    item.check_spelling(_SECRET_FIELDS)
    namespace = item.mapping("metadata").text("namespace") or namespace
    name = _name(item)
    type_ = item.text("type", "Opaque") or "Opaque"
    if type_ not in SECRET_KEYS:
        return Secret(namespace, name)
    text = secret_text(item, SECRET_KEYS[type_])
    if text is None:
        where = f"data or stringData needs the key {SECRET_KEYS[type_]}, as the type {type_} says"
        item.fail(where, "data" if "data" in item.value else "type")
    try:
        return Secret(namespace, name, parse_secret(type_, text))
    except InvalidDockerConfig as error:
        return Secret(namespace, name, error=str(error))


def secret_text(item: Item, key: str) -> str | None:
    """Return the text at a key of a Secret's stringData, or else of its data (base64); None: neither has the key.

    Raises InputError for data that is not base64 of text.
    """
    plain = item.mapping("stringData").text(key)
    encoded = item.mapping("data").text(key)
    if plain is not None or encoded is None:
        return plain
    try:
        return b64decode("".join(encoded.split()), validate=True).decode()
    except ValueError:  # it is not base64, or not UTF-8
        item.fail(f"{key} must be base64 of text (stringData takes the text itself)", "data", key)


def read_service_account(item: Item, namespace: str) -> ServiceAccount:
    """Read a ServiceAccount; ``namespace`` is the namespace of one that has none."""
    metadata = item.mapping("metadata")
    annotations = metadata.mapping("annotations").value
    return ServiceAccount(
        metadata.text("namespace") or namespace,
        _name(item),
        pull_secrets(item),
        {str(key): str(value) for key, value in annotations.items()},
    )


def pull_secrets(item: Item) -> tuple[str, ...]:
    """Return the names in imagePullSecrets of a pod or a ServiceAccount."""
    names = []
    for entry in item.items("imagePullSecrets"):
        entry.check_spelling(("name",))
        if name := entry.text("name"):
            names.append(name)
    return tuple(names)


def _name(item: Item) -> str:
    name = item.name
    if not name:
        item.fail(f"a {item.value['kind']} needs metadata.name")
    return name
