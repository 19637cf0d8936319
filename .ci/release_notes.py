"""Prints what the changelog says of a release: ``python .ci/release_notes.py v0.2.0``.

It fails where the tag, the version of the sources, the citation and the changelog do not agree.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def version() -> str:
    """Return the version of the sources."""
    return _only(r'^__version__ = "(.+?)"', "pullsim/version.py")


def release_notes(release: str) -> str:
    """Return the changelog's section of a release. Raises SystemExit if it is not the one of the sources."""
    cited = _only(r"^version: (.+)$", "CITATION.cff")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    head, date, notes = re.findall(r"^## \[(.+?)\] - (\S+)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)[0]
    dated = _only(r'^date-released: "(.+)"$', "CITATION.cff")
    found = {"the tag": release, "pullsim/version.py": version(), "CITATION.cff": cited, "CHANGELOG.md": head}
    if len({*found.values()}) > 1 or dated != date:
        of = ", ".join(f"{name} has {value}" for name, value in found.items())
        raise SystemExit(f"versions must agree: {of}; CHANGELOG.md is of {date}, CITATION.cff of {dated}")
    return str(notes).strip() + "\n"


def _only(pattern: str, file: str) -> str:
    found = re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    if len(found) != 1:
        raise SystemExit(f"{file} must have one {pattern}, it has {len(found)}")
    return str(found[0])


if __name__ == "__main__":
    sys.stdout.write(release_notes(sys.argv[1].removeprefix("v")))
