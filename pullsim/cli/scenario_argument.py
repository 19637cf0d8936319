"""The scenario that a command is about: a file, standard input, or with --nodes a manifest on nodes of a preset."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from pullsim.cli import terminal
from pullsim.cli.diagnostics import coded_warnings
from pullsim.errors import InputError, Location
from pullsim.frozen import dataclass
from pullsim.printable import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.importer.fleet import Fleet
    from pullsim.inputs.document import Document
    from pullsim.scenario import Scenario

_STANDARD_INPUT: Final = Path("-")
_COMMENTS: Final = "the comments of what `pullsim init` writes"


@dataclass(frozen=True, slots=True)
class Given:
    """A parsed scenario, and the directory at which relative paths in it start."""

    document: Document
    directory: Path

    def load(self, overrides: Sequence[str] = ()) -> Scenario:
        """Return the scenario with overrides. Raises InputErrors."""
        from pullsim.scenario.file.reader import from_document  # noqa: PLC0415  pydantic, only for a scenario

        return from_document(self.document, self.directory, overrides)


def effective_scenario(directory: Path) -> Path:
    """Return the scenario that `run --out` wrote into a directory. Raises InputError where there is none."""
    from pullsim.inputs import is_file  # noqa: PLC0415
    from pullsim.results.exports.registry import SCENARIO  # noqa: PLC0415

    if not is_file(directory / SCENARIO):
        raise InputError(
            f"no {SCENARIO} of a run is in this directory; `pullsim init {quote(str(directory))} -o scenario.yaml` "
            "makes a scenario of what kubectl printed",
            Location(str(directory)),
        )
    return directory / SCENARIO


def load_scenario(
    path: Path,
    overrides: Sequence[str] = (),
    nodes: int | None = None,
    preset: str | None = None,
    *,
    quiet: bool = False,
) -> Scenario:
    """Load the scenario at a path, ``-`` for standard input; with nodes or a preset the path is of a manifest.

    Unless ``quiet``, what is guessed of the manifest is told on standard error. Raises InputError.
    """
    return read_scenario(path, nodes, preset, quiet=quiet).load(overrides)


def read_scenario(path: Path, nodes: int | None = None, preset: str | None = None, *, quiet: bool = False) -> Given:
    """Do as `load_scenario`, for a scenario that is yet to be validated."""
    from pullsim.inputs import decoded, read_text, standard_input  # noqa: PLC0415
    from pullsim.inputs.document import MAX_BYTES  # noqa: PLC0415
    from pullsim.scenario.file.reader import scenario_document  # noqa: PLC0415

    stdin = standard_input() if path == _STANDARD_INPUT else None
    if nodes is not None or preset is not None:
        from pullsim.importer.fleet import Fleet  # noqa: PLC0415  the importer, only for a manifest

        return _of_manifest(path, Fleet(nodes, preset), stdin, quiet=quiet)
    if stdin is None:
        return Given(scenario_document(read_text(path, MAX_BYTES), str(path)), path.parent)
    return Given(scenario_document(decoded(stdin, "standard input"), "standard input", "-"), Path())


def options(nodes: int | None, preset: str | None) -> list[str]:
    """Return the options of nodes for a command that is to be repeated."""
    return [
        *([] if nodes is None else ["--nodes", str(nodes)]),
        *([] if preset is None else ["--preset", preset]),
    ]


def _of_manifest(path: Path, fleet: Fleet, stdin: bytes | None, *, quiet: bool) -> Given:
    """Make a scenario of a manifest as `pullsim init` does. Raises InputError for what is a scenario already."""
    from pullsim.importer.draft import Question  # noqa: PLC0415
    from pullsim.importer.importing import import_cluster  # noqa: PLC0415
    from pullsim.inputs.document import Document, parse_document  # noqa: PLC0415

    text, told = import_cluster([str(path)], Question.rollout, fleet, stdin, _COMMENTS)
    for line in [] if quiet else message(coded_warnings(told)):
        terminal.note(line)
    name = "standard input" if stdin is not None else str(path)
    # Places in the text that is made of the manifest would mislead: errors name the file alone.
    return Given(Document(name, parse_document(text, name).tree), Path())
