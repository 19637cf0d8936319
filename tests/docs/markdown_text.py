"""What the tests of documents read out of Markdown: fenced blocks, commands with what they print, links, headings."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[\w-]*)[^\n`]*$")
_EXIT = re.compile(r"\s+#\s*exit (?P<code>\d+)\s*$")
_COMMENT = re.compile(r"\s+#\s.*$")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)[^()]*\)|<img[^>]*\bsrc=\"(?P<image>[^\"]+)\"")
SKIPPED = ("…", "...")  # a line that stands for any lines of the output


@dataclass(frozen=True)
class Block:
    """A fenced block and the line of its first fence, from 1."""

    language: str
    line: int
    text: str


@dataclass(frozen=True)
class Command:
    """A command, the line it begins on, the exit code it must have, and the output that is shown with it."""

    text: str
    line: int
    exit_code: int = 0
    output: tuple[str, ...] = ()


def blocks(text: str) -> list[Block]:
    """Find the fenced blocks."""
    return _split(text)[0]


def _split(text: str) -> tuple[list[Block], str]:
    """Separate the fenced blocks from the prose."""
    found: list[Block] = []
    prose: list[str] = []
    inner: list[str] = []
    opened: re.Match[str] | None = None
    begun = 0
    for number, line in enumerate(text.splitlines(), start=1):
        match = _FENCE.match(line)
        if opened is not None and line.strip() == opened["fence"]:
            indent = len(opened["indent"])
            found.append(Block(opened["language"], begun, "".join(f"{each[indent:]}\n" for each in inner)))
            opened = None
        elif opened is not None:
            inner.append(line)
        elif match:
            opened, begun, inner = match, number, []
        else:
            prose.append(line)
    assert opened is None, f"the block of line {begun} has no end"
    return found, "\n".join(prose)


def commands(block: Block) -> list[Command]:
    """Find the commands of a shell block: lines that begin with ``$ `` with their output, or else all lines."""
    prompted = any(line.startswith("$ ") for line in block.text.splitlines())
    found: list[Command] = []
    lines = enumerate(block.text.splitlines(), start=block.line + 1)
    for number, line in lines:
        if prompted and not line.startswith("$ "):
            assert found, f"line {number}: output without a command"
            last = found.pop()
            found.append(Command(last.text, last.line, last.exit_code, (*last.output, line)))
        elif line.strip() and not line.startswith("#"):
            text = line.removeprefix("$ ")
            while text.endswith("\\"):
                text = text[:-1] + next(lines)[1].removeprefix("> ").strip()
            found.append(_command(text, number))
    return found


def _command(text: str, line: int) -> Command:
    match = _EXIT.search(text)
    return Command(_COMMENT.sub("", text).strip(), line, int(match["code"]) if match else 0)


def shows(shown: tuple[str, ...], real: str) -> bool:
    """Whether ``shown`` is the ``real`` output but for white space at the ends of lines, and for skipped lines."""
    lines = _trimmed(shown)
    pattern = "".join(r"(?:.*\n)*" if line in SKIPPED else re.escape(line) + "\n" for line in lines)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _trimmed(real.splitlines()))) is not None


def _trimmed(lines: tuple[str, ...] | list[str]) -> list[str]:
    trimmed = [line.rstrip() for line in lines]
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    return trimmed


def links(text: str) -> list[str]:
    """List the targets of links and images, those in code left out."""
    prose = re.sub(r"`[^`\n]*`", "``", _split(text)[1])
    return [match["target"] or match["image"] for match in _LINK.finditer(prose)]


def anchors(text: str) -> set[str]:
    """List the anchors of the headings, as viewers make them: the second of equal ones has -1 after it."""
    found: set[str] = set()
    for title in re.findall(r"^#{1,6} +(.*?)\s*#*$", _split(text)[1], re.MULTILINE):
        anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        same = (f"{anchor}-{n}" if n else anchor for n in range(len(found) + 1))
        found.add(next(name for name in same if name not in found))
    return found
