"""What is done to a file or a command line: few changes each, of the kinds that people, editors and attackers make."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from random import Random


class Thing(Enum):
    """What may stand in a file's place."""

    missing = "missing"
    directory = "directory"
    fifo = "fifo"
    zero = "zero"  # a link to /dev/zero
    loop = "loop"  # a link to itself


Content = bytes | Thing

SCALARS = [
    "", " ", "null", "~", "true", "no", "0", "1", "-1", "2", "3.5", "1e400", "-1e400", "1e-400", "nan", ".inf", "+Inf",
    "9" * 400, "9" * 5000, "1e999999999", "9223372036854775808", "1000000", "1000001", "0x10", "1_000", "1.30",
    "1ns", "0s", "1ms", "292y", "2500000h", "-5s", "1h1h", "1000000000/s", "1/d", "0/s", "1B/s", "1Tbit/s", "unlimited",
    "1B", "0B", "1PB", "100%", "101%", "-1%", "*", "**", "**x", "[a-", "..", ".", "/", "/dev/zero", "/dev/null",
    "/proc/self/mem", "fifo", "x" * 300, "a/" * 200, "https://[x", "http://", "https://user@host:99999/v2",
    "a:b:c", "A", "a@sha256:0", "sha256:" + "0" * 64, "registry.example.com/team/app:v1", "docker.io", "localhost:0",
    "\x1b]0;x\x07", "\x9b31m", "\u2028", "\x85", "\u202e", "\ufeff", "\ufffe", "é", "你好", "👩\u200d💻", "\x00", "\r",
    "=1+1", "@x", "'", '"', "\\", "[/x]", "[red]", "$\\frac{", "$", "{{x}}", "%s", "${HOME}", "<b>", "`x`", "|",
    "*a", "&a", "&a [*a]", "!!python/object:x", "!!int x", "<<", "- ", "#", ": ", "{", "[", "}", "]", ",", ";", "--x",
    "-", "--", "None", "inf", "1,2", "1..2", "2..1", "0..0", "1e9..1e10", "pods.start.p99", "pods.*", "amd64",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**63, 10**400, 0.5, -0.0, 1e308, "", "x", "1s", "\x1b[31m", "\u2028", [], {}, [1],
    ["x"], [[]], {"x": 1}, {"": None}, [None], "x" * 2000,
]  # fmt: skip
BYTES = [
    b"\xff",
    b"\x00",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\t",
    b"\x1b[31m",
    b"\n---\n",
    b'"',
    b"'",
]
DEEP = re.compile(rb"(\[|\{a: |\{\"a\":|- ){60}")  # libyaml's composer has no limit but the stack
_TOKEN = re.compile(rb"[\w.+%/@*-]+")


def changed(content: bytes, random: Random) -> Content:
    """Change a file once."""
    kind = random.random()
    if kind < 0.45:
        return _token(content, random)
    if kind < 0.75:
        return _structure(content, random)
    if kind < 0.92:
        return _bytes(content, random)
    if kind < 0.95:
        return _nested(content, random)
    return _whole(content, random)


def changed_argument(text: str, random: Random) -> str:
    """Change an argument of the command line, which has no null bytes."""
    if random.random() < 0.3:
        text = random.choice(SCALARS)
    else:
        text = _token(text.encode(errors="surrogateescape"), random).decode(errors="surrogateescape")
    if random.random() < 0.05:
        text += random.choice(["\udcff", "x" * 70_000, "\n"])
    return text.replace("\x00", "")


def _token(content: bytes, random: Random) -> bytes:
    """Replace a word or number, by a nasty one or by another of the file."""
    tokens = list(_TOKEN.finditer(content))
    if not tokens:
        return content + random.choice(SCALARS).encode()
    found = random.choice(tokens)
    other = random.choice(tokens)[0] if random.random() < 0.25 else random.choice(SCALARS).encode()
    return content[: found.start()] + other + content[found.end() :]


def _structure(content: bytes, random: Random) -> bytes:
    """Change a value of a JSON or YAML document to one of another type, or leave it out, or double it."""
    if DEEP.search(content):
        return _lines(content, random)
    try:
        if content.lstrip()[:1] in (b"{", b"["):
            documents = (
                [json.loads(line) for line in content.splitlines()] if _is_lines(content) else [json.loads(content)]
            )
        else:
            documents = list(yaml.load_all(content, yaml.CSafeLoader))  # a safe loader
    except (ValueError, yaml.YAMLError, RecursionError):
        return _lines(content, random)
    holder: list[Any] = documents
    place = _Place(holder, random.randrange(len(holder))) if holder else None
    while place is not None and (inner := place.below(random)) is not None and random.random() < 0.85:
        place = inner
    if place is not None:
        place.change(random)
    with suppress(ValueError, RecursionError):
        texts = [json.dumps(each, ensure_ascii=False, default=str) for each in documents]
        whole = "\n".join([*texts, ""]) if _is_lines(content) else "\n---\n".join(texts)
        return whole.encode(errors="surrogatepass")
    return content


class _Place:
    """A value in a list or a mapping."""

    def __init__(self, holder: Any, key: Any) -> None:
        self._holder = holder
        self._key = key

    def below(self, random: Random) -> _Place | None:
        value = self._holder[self._key]
        keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
        return _Place(value, random.choice(keys)) if keys else None

    def change(self, random: Random) -> None:
        holder, key = self._holder, self._key
        value = holder[key]
        kind = random.random()
        if kind < 0.5:
            holder[key] = random.choice(VALUES)
        elif kind < 0.6:
            del holder[key]
        elif kind < 0.7 and isinstance(holder, list):
            holder.insert(key, value)
        elif kind < 0.75 and isinstance(holder, list):
            holder += [value] * random.choice([2, 30, 300])
        elif kind < 0.85 and isinstance(holder, dict):
            holder[random.choice(SCALARS)] = holder.pop(key)
        elif kind < 0.95:
            holder[key] = random.choice(SCALARS)
        else:
            holder[key] = [value]


def _is_lines(content: bytes) -> bool:
    first, _, rest = content.strip().partition(b"\n")
    return first.endswith(b"}") and rest.lstrip()[:1] == b"{"


def _lines(content: bytes, random: Random) -> bytes:
    """Leave a line out, double it, or swap two."""
    lines = content.splitlines(keepends=True) or [b""]
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.random()
    if kind < 0.4:
        del lines[first]
    elif kind < 0.7:
        lines.insert(second, lines[first])
    else:
        lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def _bytes(content: bytes, random: Random) -> bytes:
    """Cut, double, insert or flip some bytes."""
    begin = random.randrange(len(content) + 1)
    end = min(begin + random.choice([1, 1, 2, 10, 100]), len(content))
    kind = random.random()
    if kind < 0.2:
        return content[:begin]
    if kind < 0.4:
        return content[:begin] + content[end:]
    if kind < 0.55:
        return content[:end] + content[begin:end] * random.choice([1, 3, 50]) + content[end:]
    if kind < 0.85 or begin == len(content):
        return content[:begin] + random.choice(BYTES) + content[begin:]
    return content[:begin] + bytes([content[begin] ^ 1 << random.randrange(8)]) + content[begin + 1 :]


def _nested(content: bytes, random: Random) -> bytes:
    """Nest deeply at some token, or repeat it in a long list."""
    tokens = list(_TOKEN.finditer(content)) or [None]
    found = random.choice(tokens)
    begin, end = (0, len(content)) if found is None else found.span()
    depth = random.choice([70, 1000, 5000, 100_000])
    brackets, braces = b"[" * depth, b"{a: " * depth
    closed = brackets + b"]" * depth, braces + b"1" + b"}" * depth
    long = b"[" + b"1, " * depth + b"1]", b"a." * depth, b"- " * depth
    middle = random.choice([brackets, b'{"a":' * depth, *closed, *long])
    return content[:begin] + middle + content[end:]


def _whole(content: bytes, random: Random) -> Content:
    """Put something else in a file's place."""
    text = content.decode(errors="replace")
    encoded = b"\xef\xbb\xbf" + content, text.encode("utf-16"), content + content, b"# " + content
    plain = (
        b"",
        b"\n",
        b"[]",
        b"{}",
        b"null",
        b"1",
        b'"x"',
        b"--- \n--- \n",
        b"\x00" * 100,
        b"PK\x03\x04" + bytes(range(256)),
    )
    if random.random() < 0.02:
        return content + b"#" * 12_000_000
    return random.choice([*Thing, *encoded, *plain])
