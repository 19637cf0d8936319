"""What is done to a valid file: values of other types, keys that are gone or twice, odd numbers, nesting, wrong bytes.

A file is parsed by its form (JSON, lines of it, YAML, TOML, msgpack, gzip around any of them), changed as a tree and
written again; what has no form is changed as text and bytes, as `tests.fuzz.mutations` does.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import tomllib
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgpack
import yaml

from pullsim.formats.simkube.trace_file import is_trace
from tests.fuzz.mutations import DEEP, SCALARS, VALUES, changed

if TYPE_CHECKING:
    from random import Random

#: Marks text that stands in a file as it is, without quotes.
_RAW = "\ue000"
#: Ends a key that is written without it, so that a mapping has the key twice.
_AGAIN = "\ue001"
_MARKED = re.compile(rf'"{_RAW}((?:[^"\\]|\\.)*)"|{_AGAIN}')
#: What JSON and YAML have and Python's values have not, or what only a person or another program writes.
_WRITTEN = (
    "NaN", "Infinity", "-Infinity", ".nan", ".inf", "-.inf", "1e400", "-1e400", "1e-400", "-0", "-0.0", "01", "1.",
    ".5", "+1", "0x7f", "0o17", "1_000", "1E5", "1e5", "9" * 30, "-" + "9" * 30, "9" * 5000, "0." + "1" * 5000,
    "1e999999999", "TRUE", "True", "None", "undefined", "2024-01-01", "!!binary YQ==", "!!set {a}", "&a 1", "*a", "~",
    "[" * 70 + "]" * 70, "[" * 600 + "]" * 600, "[" * 3000 + "]" * 3000, "[" * 450 + r'"\ud800"' + "]" * 450,
    r'"\ud800"', r'"\u0000"', r'"\ud83d\ude00"', r'"\x"', '{"a": 1, "a": 2}', '{"": {}}', "'x", "",
)  # fmt: skip
_NUMBERS: tuple[Any, ...] = (
    math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308, 0.1, -1, 2**31, 2**63 - 1, 2**63, 2**64, 10**18, -(10**18),
    10**99, 10**101, 10**400, True, False,
)  # fmt: skip

_PARTS = (
    b" ", b"\n", b"\t", b"a", b"a ", b"a.", b"a, ", b"-", b"\\", b'"', b"[", b"#\n", b"\n \n", b"a=", b"0", b"/",
    b"&a ", b": ", b"Content-Type: message/rfc822\n\n",
)  # fmt: skip


def changed_file(name: str, content: bytes, random: Random) -> bytes:
    """Change the content of a file once or a few times."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        content = _changed(name, content, random)
    return content


def _changed(name: str, content: bytes, random: Random) -> bytes:
    if content.startswith(b"\x1f\x8b"):
        return _packed(name, content, random)
    kind = random.random()
    if kind < 0.05:
        return _repeated(content, random)
    if kind < 0.7:
        with suppress(ValueError, yaml.YAMLError, RecursionError, TypeError, OverflowError, msgpack.UnpackException):
            return _as_tree(name, content, random)
    if kind < 0.97:
        made = changed(content, random)
        return made if isinstance(made, bytes) else b""
    return random.choice([gzip.compress(content), content.decode(errors="replace").encode("utf-16"), bytes(range(256))])


def _repeated(content: bytes, random: Random) -> bytes:
    """Put a part that a regular expression may match in many ways many times somewhere, often at the start."""
    place = random.choice([0, 0, random.randrange(len(content) + 1)])
    part = random.choice(_PARTS)
    return content[:place] + part * (random.choice([40, 20_000]) // len(part) + 1) + content[place:]


def _packed(name: str, content: bytes, random: Random) -> bytes:
    """Change what gzip has packed, or cut it, or flip a bit of it."""
    kind = random.random()
    if kind < 0.3:
        return content[: random.randrange(len(content) + 1)]
    if kind < 0.5:
        place = random.randrange(len(content))
        return content[:place] + bytes([content[place] ^ 1 << random.randrange(8)]) + content[place + 1 :]
    try:
        inner = gzip.decompress(content)
    except (OSError, EOFError, ValueError, zlib.error):
        return content[1:]
    return gzip.compress(_changed(name.removesuffix(".gz"), inner, random), 1)


def _as_tree(name: str, content: bytes, random: Random) -> bytes:
    """Change a value of a file that has a form. Raises the errors of parsers, and ValueError for what has none."""
    if is_trace(content):
        trees = [msgpack.unpackb(content, strict_map_key=False, use_list=True)]
        _change(trees, random)
        return b"".join(map(msgpack.packb, trees))
    if DEEP.search(content):
        raise ValueError("libyaml's composer has no limit but the stack")
    text = content.decode("utf-8")
    if name.endswith(".toml"):
        trees = [tomllib.loads(text)]
        _change(trees, random)
        return "\n".join(map(_toml_text, trees)).encode(errors="surrogatepass")
    if text.lstrip()[:1] in ("{", "["):
        try:
            trees, between = [json.loads(text)], "\n"
        except ValueError:
            trees, between = [json.loads(line) for line in text.splitlines() if line.strip()], "\n"
    elif name.endswith((".yaml", ".yml")):
        trees, between = list(yaml.load_all(text, yaml.CSafeLoader)), "\n---\n"  # a safe loader
    else:
        raise ValueError("the file has no form")
    _change(trees, random)
    return between.join(map(_json_text, trees)).encode(errors="surrogatepass")


def _change(trees: list[Any], random: Random) -> None:
    """Change a value at any depth of a list of documents."""
    holder: Any = trees
    key: Any = random.randrange(len(trees))
    while True:
        value = holder[key]
        keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
        if not keys or random.random() < 0.12:
            break
        holder, key = value, random.choice(keys)
    _change_at(holder, key, random)


def _change_at(holder: Any, key: Any, random: Random) -> None:
    value, kind = holder[key], random.random()
    if kind < 0.2:
        holder[key] = random.choice(VALUES)
    elif kind < 0.35:
        holder[key] = random.choice(_NUMBERS)
    elif kind < 0.5:
        holder[key] = _RAW + random.choice(_WRITTEN)
    elif kind < 0.62:
        holder[key] = random.choice(SCALARS)
    elif kind < 0.72:
        del holder[key]
    elif kind < 0.78:
        holder[key] = random.choice([[value], {"x": value}, [value, value], str(value), {str(value)[:40]: value}])
    elif isinstance(holder, dict):
        other = random.choice(list(holder))
        if kind < 0.86:
            holder[f"{key}{_AGAIN}"] = random.choice([value, holder[other], None])
        elif kind < 0.93:
            holder[random.choice(SCALARS)] = holder.pop(key)
        else:
            holder[key] = holder[other]
    elif kind < 0.9:
        holder += [value] * random.choice([1, 2, 30, 300])
    else:
        holder[key] = random.choice(holder)


def _json_text(tree: Any) -> str:
    text = json.dumps(tree, ensure_ascii=False, default=str)
    return _MARKED.sub(lambda found: json.loads(f'"{found[1] or ""}"'), text)


def _toml_text(tree: Any) -> str:
    """Write a document as TOML, its tables within the lines of their keys."""
    if not isinstance(tree, dict):
        return _toml_value(tree)
    return "".join(f"{_json_text(key)} = {_toml_value(value)}\n" for key, value in tree.items())


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_json_text(key)} = {_toml_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _json_text(value)
