"""Replacing the secrets in a scenario and its files before these are sent to other machines or people as plain text.

Each password or token is replaced by a made-up name, equal ones by the same name, so that every pull has the same
outcome as with the real ones: registries compare them, and kubelets key their pull records by them. User names and
hosts are kept. Everything else in Secrets, in docker config files and in the arguments and environment of credential
provider plugins is removed. Line numbers do not change.
"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pullsim.formats.kubernetes.docker_config import SECRET_KEYS, InvalidDockerConfig, decode_auth
from pullsim.inputs.document import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING: Final = "tag:yaml.org,2002:str"
#: Files without any of these words have no secrets. They are not parsed, since catalogues may be large.
_HINT: Final = re.compile(
    rb"""["']?(auths?|password|identitytoken|registrytoken|authorization|header|args|env)["']?\s*[:=\]]"""
    rb"""|kind["']?\s*:\s*["']?Secret""",
    re.IGNORECASE,
)
_TOML_STRING: Final = r'"""(?s:.*?)"""|' + r"'''(?s:.*?)'''|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'"
_TOML_SECRET: Final = re.compile(
    rf"""(?P<before>(?:^|[\s{{,.])["']?(?P<key>password|auth|identitytoken|registrytoken)["']?\s*=\s*)"""
    rf"(?P<value>{_TOML_STRING})",
    re.MULTILINE,
)
#: The values in a TOML table called header, or in an inline table.
_TOML_HEADER: Final = re.compile(
    r"""^[ \t]*\[[^\n]*\bheader["']?[ \t]*\][ \t\r]*(?:#[^\n]*)?\n(?P<body>(?:(?![ \t]*\[)[^\n]*(?:\n|\Z))*)"""
    r"""|\bheader["']?\s*=\s*\{(?P<inline>[^}]*)\}""",
    re.MULTILINE,
)
_TOML_ENTRY: Final = re.compile(
    rf"""(?P<before>(?<![\w-])["']?(?P<key>[\w-]+)["']?\s*=\s*)(?P<value>\[[^\]]*\]|{_TOML_STRING})""", re.MULTILINE
)
_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s+)*")  # anchors and tags of a YAML scalar
#: An override, whose key may have = in brackets, and whose value anywhere; see `pullsim.scenario.file.overrides`.
_OVERRIDE: Final = re.compile(r"((?:[^=\[]|\[[^\]]*\])*)=(.*)", re.DOTALL)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?')


class SecretValues:
    """Replaces passwords and tokens by names, which are numbered in the order in which the values occur."""

    def __init__(self, keep: Iterable[str] = ()) -> None:
        """``keep`` has the values that are not replaced, because they identify runs."""
        self._keep = {"", *keep}
        self._names: dict[str, str] = {}
        self._free = (name for number in itertools.count(1) if (name := f"secret-{number}") not in self._keep)

    def name(self, value: str) -> str:
        """Return the name that replaces a value."""
        if value in self._keep:
            return value
        if value not in self._names:
            self._names[value] = next(self._free)
        return self._names[value]

    def hidden(self, file: str, data: bytes) -> bytes:
        """Return the content of a file without its secrets; unchanged if it has none."""
        if not _HINT.search(data):
            return data
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data
        if file.endswith(".toml"):
            changed = self._toml(text)
        elif file.endswith(".dockercfg") or _is_docker_config(text):
            changed = self._docker(text, legacy=file.endswith(".dockercfg"))
        else:
            changed = self.yaml(text)
        return data if changed == text else changed.encode()

    def yaml(self, text: str) -> str:
        """Replace the secrets in YAML or JSON: a scenario, Kubernetes objects, or a provider configuration."""
        flat = text.replace("\t", " ") if text.lstrip()[:1] in ("{", "[") else text
        try:
            documents = [] if _is_deep(flat) else [*yaml.compose_all(flat, Loader=_LOADER)]
        except (yaml.YAMLError, RecursionError, ValueError):
            documents = []
        if not documents:  # the reader of the file reports it
            return _QUOTED.sub(_masked, text) if "Secret" in text or "auth" in text else text
        seen: set[tuple[Node, bool]] = set()
        edits = [edit for document in documents if document is not None for edit in self._edits(document, seen)]
        places = {(node.start_mark.index, node.end_mark.index): value for node, value in edits}  # once for each alias
        for (start, end), value in sorted(places.items(), reverse=True):
            before = text[start:end]
            written = _PROPERTIES.match(before)[0] + json.dumps(value)  # type: ignore[index]  # the expression also matches the empty text
            lines = before.count("\n")
            text = text[:start] + (written + "\n" * lines if lines else written.ljust(end - start)) + text[end:]
        return text

    def _edits(self, node: Node, seen: set[tuple[Node, bool]], *, secret: bool = False) -> Iterator[tuple[Node, str]]:
        """Yield each scalar that is to be replaced, with its new value; a node that aliases repeat is ``seen`` once."""
        if (node, secret) in seen:
            return
        seen.add((node, secret))
        if isinstance(node, SequenceNode):
            for inner in node.value:
                yield from self._edits(inner, seen, secret=secret)
        if not isinstance(node, MappingNode):
            return
        fields = {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}
        kind = getattr(fields.get("kind"), "value", None)
        if kind == "Secret" or (secret and kind is None):
            yield from self._secret(fields)
            return
        for key, value in node.value:
            if key.value == "password" and value.tag == _STRING:
                yield value, self.name(value.value)
            elif key.value in ("args", "env") and "matchImages" in fields:
                yield from ((scalar, "") for scalar in _scalars(value))
            else:
                yield from self._edits(value, seen, secret=kind == "SecretList" and key.value == "items")

    def _secret(self, fields: dict[str, Node]) -> Iterator[tuple[Node, str]]:
        """Yield the replacements that leave of a Secret its name, its type and its docker config's hosts and users."""
        type_ = getattr(fields.get("type"), "value", None)
        own = SECRET_KEYS.get(type_) if isinstance(type_, str) else None
        for name, values in fields.items():
            if name == "metadata" and isinstance(values, MappingNode):
                for key, value in values.value:
                    if key.value in ("annotations", "managedFields"):  # both can contain a copy of the applied object
                        yield from ((scalar, "") for scalar in _scalars(value))
            elif name in ("data", "stringData") and isinstance(values, MappingNode):
                for key, value in values.value:
                    if key.value != own:
                        yield from ((scalar, "") for scalar in _scalars(value))
                    elif isinstance(value, ScalarNode) and value.tag == _STRING:
                        hide = self._encoded if name == "data" else self._docker
                        yield value, hide(value.value, legacy=own == ".dockercfg")

    def _encoded(self, text: str, *, legacy: bool) -> str:
        try:
            plain = b64decode("".join(text.split()), validate=True).decode()
        except ValueError:
            return "!"  # neither it nor the original value is base64 of text
        return b64encode(self._docker(plain, legacy=legacy).encode()).decode()

    def _docker(self, text: str, *, legacy: bool) -> str:
        """Return a docker config with only its hosts, its users, and errors that keep the kubelet from parsing it."""
        try:
            tree = json.loads(text)
        except (ValueError, RecursionError):
            return _QUOTED.sub(_masked, text)
        entries = tree if legacy else tree.get("auths") if isinstance(tree, dict) else None
        if isinstance(entries, dict):
            logins = {host: self._login(entry) for host, entry in entries.items()}
            return json.dumps(logins if legacy else {"auths": logins})
        return json.dumps(_typed(tree) if legacy or not isinstance(tree, dict) else {"auths": _typed(entries)})

    def _login(self, entry: Any) -> Any:
        if not isinstance(entry, dict):
            return _typed(entry)
        hide: dict[str, Callable[[str], str]] = {"username": str, "password": self.name, "auth": self._both}
        return {
            key: hide[key](value) if isinstance(value, str) else _typed(value)
            for key, value in entry.items()
            if key in hide
        }

    def _both(self, field: str) -> str:
        """Replace the password in base64 of user and password; an invalid text becomes one invalid in the same way."""
        if not field:
            return ""
        try:
            auth = decode_auth(field)
        except InvalidDockerConfig as error:
            return "eA==" if "unable to parse" in str(error) else re.sub(r"[A-Za-z0-9+/]", "A", field)
        return b64encode(f"{auth.username}:{self.name(auth.password)}".encode()).decode()

    def _toml(self, text: str) -> str:
        text = _TOML_SECRET.sub(self._toml_secret, text)
        return _TOML_HEADER.sub(lambda table: _TOML_ENTRY.sub(self._toml_header, table[0]), text)

    def _toml_secret(self, match: re.Match[str]) -> str:
        value = _toml_value(match["value"])
        if not isinstance(value, str):
            return match[0]
        if match["key"] != "auth":
            return match["before"] + _in_lines(json.dumps(self.name(value)), match["value"])
        try:
            username, colon, password = b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            return match["before"] + '"!"'
        both = f"{username}{colon}{self.name(password.strip(chr(0)))}" if colon else "x"
        return match["before"] + _in_lines(json.dumps(b64encode(both.encode()).decode()), match["value"])

    def _toml_header(self, match: re.Match[str]) -> str:
        value = _toml_value(match["value"])
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str) for each in texts):
            return match[0]
        named = match["key"].lower() == "authorization"
        hidden = [self._authorization(each) if named else "" for each in texts]
        return match["before"] + _in_lines(json.dumps(hidden if isinstance(value, list) else hidden[0]), match["value"])

    def _authorization(self, value: str) -> str:
        """Replace the credentials in an Authorization header as `pullsim.runtime.sources.registry_auth` reads them."""
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "bearer":
            return f"{scheme} {self.name(rest.strip())}"
        if scheme.lower() == "basic":
            try:
                username, _, password = b64decode(rest.strip()).decode().partition(":")
            except ValueError:
                return self.name(value)
            return f"{scheme} {b64encode(f'{username}:{self.name(password)}'.encode()).decode()}"
        return self.name(value)


def without_secrets(text: str) -> str:
    """Return a scenario with made-up names for its secrets."""
    return SecretValues().hidden("scenario.yaml", text.encode(errors="backslashreplace")).decode()


def override_without_secrets(text: str) -> str:
    """Return an override ``KEY=VALUE`` with made-up names for its secrets."""
    match = _OVERRIDE.match(text)
    if match is None:
        return text
    key, value = match.groups()
    name = re.split(r"[.\]]", key.strip())[-1]
    plain = f"{name}: {value}"
    hidden = without_secrets(plain)
    return text if hidden == plain else f"{key}={hidden.partition(': ')[2].strip()}"


def _is_docker_config(text: str) -> bool:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(tree, dict) and "kind" not in tree and "auths" in tree


def _is_deep(text: str) -> bool:
    """Whether YAML is nested deeper than what is read: its composer has no limit but the stack. Raises YAMLError."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return True
    return False


def _scalars(node: Node) -> Iterator[Node]:
    """Yield the text values in a node, at any depth, each once."""
    seen: set[Node] = set()
    left = [node]
    while left:
        if (each := left.pop()) in seen:
            continue
        seen.add(each)
        if isinstance(each, SequenceNode):
            left += each.value
        elif isinstance(each, MappingNode):
            left += [value for _, value in each.value]
        elif each.tag == _STRING and each.value:
            yield each


def _typed(value: Any) -> Any:
    """Return another value of the same JSON type, so that error messages about the type stay the same."""
    return value if value is None or isinstance(value, bool) else type(value)()


def _masked(match: re.Match[str]) -> str:
    """Replace the characters of a string by x but keep its escapes, so that a wrong escape is still wrong."""
    return re.sub(
        r"\\(?:u[0-9a-fA-F]{0,4}|.)?|[^\W_]", lambda letter: letter[0] if letter[0][0] == "\\" else "x", match[0]
    )


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return None


def _in_lines(written: str, before: str) -> str:
    """Add line breaks so that a value has as many lines as before: within brackets, otherwise after the value."""
    lines = before.count("\n")
    if not lines:
        return written
    if written[0] == "[":
        return f"[{written[1:-1]}" + "\n" * lines + "]"
    return f'""{written[:-1]}' + "\\\n" * lines + '"""'
