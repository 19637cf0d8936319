"""Docker's credential files as the kubelet reads them: ``config.json`` (``.dockerconfigjson``) and ``.dockercfg``.

Models pkg/credentialprovider/config.go and pkg/credentialprovider/secrets/secrets.go, all releases: only ``auths`` is
used; ``credHelpers``, ``credsStore`` and ``HttpHeaders`` are not.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any, Final, NoReturn

from pullsim.cri import Auth
from pullsim.inputs.json_text import without_lone_surrogates
from pullsim.spec.credentials import DockerConfig, DockerConfigEntry

DOCKER_CONFIG_JSON: Final = "kubernetes.io/dockerconfigjson"
DOCKERCFG: Final = "kubernetes.io/dockercfg"
#: For each type of Secret with credentials, the key of its data that holds the file.
SECRET_KEYS: Final = {DOCKER_CONFIG_JSON: ".dockerconfigjson", DOCKERCFG: ".dockercfg"}

_VALUES: Final = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
_LITERALS: Final = ("true", "false", "null")


class InvalidDockerConfig(ValueError):
    """A credential file that the kubelet cannot parse; the message is Go's."""


def parse_config_json(text: str) -> DockerConfig:
    """Read a ``config.json``, an object with the key ``auths``. Raises InvalidDockerConfig."""
    tree = _object(_decode(text), "DockerConfigJSON")
    return _entries(tree.get("auths"), "DockerConfigJSON.auths")


def parse_dockercfg(text: str) -> DockerConfig:
    """Read a legacy ``.dockercfg``, which has registries at its top level. Raises InvalidDockerConfig."""
    return _entries(_decode(text), "DockerConfig")


def parse_secret(type: str, text: str) -> DockerConfig:
    """Read the content of a Secret of one of the types in `SECRET_KEYS`. Raises InvalidDockerConfig."""
    return parse_config_json(text) if type == DOCKER_CONFIG_JSON else parse_dockercfg(text)


def _entries(tree: Any, field: str) -> DockerConfig:
    if tree is None:
        return ()
    return tuple(DockerConfigEntry(key, _auth(entry)) for key, entry in _object(tree, field).items())


def _auth(entry: Any) -> Auth:
    """Read one entry; ``auth`` overrides username and password (DockerConfigEntry.UnmarshalJSON)."""
    fields = {} if entry is None else _object(entry, "dockerConfigEntryWithAuth")
    values = []
    for name in ("username", "password", "auth"):
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidDockerConfig(
                f"json: cannot unmarshal {_VALUES[type(value)]} into Go struct field dockerConfigEntryWithAuth.{name} "
                "of type string"
            )
        values.append(value or "")
    username, password, both = values
    return decode_auth(both) if both else Auth(username, password)


def decode_auth(field: str) -> Auth:
    """Decode base64 of ``user:password``, padded or not, and split it at the first colon.

    Models decodeDockerConfigFieldAuth. Raises InvalidDockerConfig.
    """
    field = field.strip()
    padded = field if field.endswith("=") else field + "=" * (-len(field) % 4)
    try:
        decoded = b64decode(padded, validate=True).decode(errors="replace")
    except ValueError:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        wrong = next((place for place, each in enumerate(field) if each not in alphabet), len(field))
        raise InvalidDockerConfig(f"illegal base64 data at input byte {wrong}") from None
    username, colon, password = decoded.partition(":")
    if not colon:
        raise InvalidDockerConfig("unable to parse auth field, must be formatted as base64(username:password)")
    return Auth(username, password)


def _object(value: Any, into: str) -> dict[str, Any]:
    """Return an object; ``into`` is the Go type that the error of encoding/json names if it is none."""
    if not isinstance(value, dict):
        raise InvalidDockerConfig(
            f"json: cannot unmarshal {_VALUES.get(type(value), 'null')} into Go value of type "
            f"credentialprovider.{into.partition('.')[0]}"
        )
    return value


def _decode(text: str) -> Any:
    """Decode JSON, with encoding/json's messages for syntax errors. No number matters here, so all become floats."""
    try:
        return without_lone_surrogates(json.loads(text, parse_int=float, parse_constant=_constant))
    except json.JSONDecodeError as error:
        raise InvalidDockerConfig(_syntax_error(text, error)) from None
    except RecursionError:
        raise InvalidDockerConfig("exceeded max depth") from None


def _constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser accepts and JSON does not have."""
    where = "in numeric literal" if text.startswith("-") else "looking for beginning of value"
    raise InvalidDockerConfig(f"invalid character {_quoted(text.lstrip('-')[0])} {where}")


def _syntax_error(text: str, error: json.JSONDecodeError) -> str:
    """Return encoding/json's message for a syntax error."""
    place = error.pos
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    rest = text[place:]
    cut = error.msg.startswith("Unterminated string") or any(word.startswith(rest) for word in _LITERALS)
    if not rest or cut:
        return "unexpected end of JSON input"
    where = {
        "Expecting value": "looking for beginning of value",
        "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
        "Expecting ':' delimiter": "after object key",
        "Expecting ',' delimiter": "after array element" if _in_array(text[:place]) else "after object key:value pair",
        "Extra data": "after top-level value",
    }.get(error.msg, "in string literal")
    return f"invalid character {_quoted(rest[0])} {where}"


def _in_array(before: str) -> bool:
    """Whether the innermost bracket that is still open at the end of the text ``before`` opens an array."""
    open_, in_string, escaped = [], False, False
    for each in before:
        if in_string:
            in_string = escaped or each != '"'
            escaped = each == "\\" and not escaped
        elif each == '"':
            in_string = True
        elif each in "[{":
            open_.append(each)
        elif each in "]}" and open_:
            open_.pop()
    return bool(open_) and open_[-1] == "["


def _quoted(character: str) -> str:
    """Quote a character as encoding/json does (quoteChar)."""
    if character == "'":
        return r"'\''"
    return "'\"'" if character == '"' else f"'{character}'" if character.isprintable() else f"{character!r}"
