"""One input: a door with something changed; the same seed and number make the same."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import yaml

from tests.fuzz import keys
from tests.fuzz.doors import doors, small
from tests.fuzz.mutations import Content, Thing, changed, changed_argument

if TYPE_CHECKING:
    from pathlib import Path


KEYS = 0.25  # part of the inputs that have any key of a scenario
COMMANDS = (("run", "scenario.yaml", "--no-charts", "--check"), ("validate", "scenario.yaml"))


@dataclass(frozen=True)
class Case:
    """Files by their paths, and the arguments of a command beside them."""

    arguments: tuple[str, ...]
    files: dict[str, Content]

    def write(self, directory: Path) -> None:
        """Lay the files out."""
        for name, content in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            elif content is Thing.directory:
                path.mkdir()
            elif content is Thing.fifo:
                os.mkfifo(path)
            elif content is not Thing.missing:
                path.symlink_to("/dev/zero" if content is Thing.zero else path.name)

    def save(self, directory: Path, what: str) -> None:
        """Keep it for whoever mends what it found: its files, and ``command.txt``."""
        directory.mkdir(parents=True, exist_ok=True)
        self.write(directory)
        command = shlex.join(("pullsim", *self.arguments)).encode(errors="surrogateescape")
        (directory / "command.txt").write_bytes(command + f"\n\n{what}\n".encode(errors="backslashreplace"))


def make(seed: int, number: int) -> Case:
    """Make the input of that number."""
    random = Random(f"{seed}/{number}")
    if random.random() < KEYS:
        files = {"scenario.yaml": keys.scenario(yaml.safe_load(small()), random)}
        return Case(random.choice(COMMANDS), files)
    door = random.choice(doors())
    arguments, files = list(door.arguments), dict[str, Content](door.files)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        if not door.changed or random.random() < 0.1:
            place = random.randrange(1, len(arguments))
            kind = random.random()
            if kind < 0.8 or len(arguments) < 3:
                arguments[place] = changed_argument(arguments[place], random)
            elif kind < 0.9:
                del arguments[place]
            else:
                arguments.insert(place, arguments[random.randrange(1, len(arguments))])
        else:
            name = random.choice(door.changed)
            content = files[name]
            if isinstance(content, bytes):
                files[name] = changed(content, random)
    return Case(tuple(arguments), files)
