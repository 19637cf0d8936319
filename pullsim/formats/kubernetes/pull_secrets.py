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
    """Read a Secret; ``namespace`` is for one that does not say. Types other than the two give no credentials.

    What the kubelet cannot read is no mistake of the file: the Secret fails in the run, as ``error`` says.
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
    """Give the text under a key of a Secret: stringData goes before data, which is base64; None: there is none."""
    plain = item.mapping("stringData").text(key)
    encoded = item.mapping("data").text(key)
    if plain is not None or encoded is None:
        return plain
    try:
        return b64decode("".join(encoded.split()), validate=True).decode()
    except ValueError:  # not base64, or not text
        item.fail(f"{key} must be base64 of text (stringData takes the text itself)", "data", key)


def read_service_account(item: Item, namespace: str) -> ServiceAccount:
    """Read a ServiceAccount; ``namespace`` is for one that does not say."""
    metadata = item.mapping("metadata")
    annotations = metadata.mapping("annotations").value
    return ServiceAccount(
        metadata.text("namespace") or namespace,
        _name(item),
        pull_secrets(item),
        {str(key): str(value) for key, value in annotations.items()},
    )


def pull_secrets(item: Item) -> tuple[str, ...]:
    """Give the names under imagePullSecrets of a pod or a ServiceAccount."""
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
