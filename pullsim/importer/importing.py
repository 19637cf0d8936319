"""The import as a whole: files in, text of a scenario and lines for people out."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from pullsim.importer.drafting import make_draft
from pullsim.importer.files import read_all
from pullsim.importer.notes import Notes
from pullsim.importer.writer import report, scenario_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.importer.draft import Question
    from pullsim.importer.fleet import Fleet


def import_cluster(
    given: Iterable[str],
    question: Question,
    fleet: Fleet | None = None,
    stdin: bytes | None = None,
    comments: str = "the scenario's comments",
) -> tuple[str, list[str]]:
    """Return the scenario of a cluster and what is to be told of it. Raises InputError where nothing is of use.

    With a ``fleet`` the workloads run on its nodes, not on those of the cluster. ``stdin``: the content of standard
    input, if that has been read. ``comments``: how what is to be told names the comments of the scenario.
    """
    notes = Notes()
    inventory = read_all(given, notes, stdin)
    draft = make_draft(inventory, question, notes, fleet)
    return scenario_text(draft), report(notes, comments)


def template() -> str:
    """Return a commented scenario to begin with."""
    return files("pullsim.importer").joinpath("templates/template.yaml").read_text("utf-8")
