"""Credentials in containerd's config.toml: ``registry.configs."host".auth``."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

from pullsim.cri import Auth

if TYPE_CHECKING:
    from pullsim.inputs.toml_document import Table

_KEYS: Final = ("username", "password", "auth", "identitytoken")


def runtime_auth(table: Table, warnings: list[str]) -> Auth:
    """Read the credentials that containerd itself uses for a pull for which the kubelet gives it none.

    What containerd would ignore is added to ``warnings``. Raises InputError for credentials that it cannot read.
    Source: internal/cri/server/images/image_pull.go ParseAuth and registryHosts (1.x: pkg/cri/server), all releases.
    """
    warnings += table.unknown(_KEYS, "containerd")
    username, password, both, token = (table.get(key, str) or "" for key in _KEYS)
    if username:
        return Auth(username, password)
    if token:
        return Auth(identity_token=token)
    if both:
        try:
            username, colon, password = b64decode(both, validate=True).decode().partition(":")
        except ValueError:  # not base64, or not text
            table.fail("auth must be base64 of username:password", "auth")
        if not colon:
            table.fail("auth must be base64 of username:password, here is no colon", "auth")
        return Auth(username, password.strip("\0"))
    return Auth()
