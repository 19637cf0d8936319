"""The page of the codes: ``python docs/list_diagnostics.py > docs/diagnostics.md`` writes it from their table."""

from __future__ import annotations

import sys
import textwrap

from pullsim.cli.diagnostics import table

_HEAD = """\
# Diagnostics: what messages mean

<!-- Generated: python docs/list_diagnostics.py > docs/diagnostics.md -->

Errors and warnings that people meet often have a code in brackets at their end. `summary.json` and pages have warnings
without it. `pullsim diagnostics PS012` prints what stands here of a code, and so it does for a message in its place.
What has no code says all there is to say itself: the place, the value, the rule, and what would be right.

An error ends a command with exit code 2, before anything is written. A warning changes no exit code.
"""


def page() -> str:
    """Write the page in Markdown: a heading, a paragraph and an example for each code."""
    parts = [_HEAD]
    for level in ("error", "warning"):
        parts.append(f"## {level.capitalize()}s\n")
        for each in (each for each in table() if each.level == level):
            text = "\n".join(textwrap.wrap(each.help, 120, break_on_hyphens=False, break_long_words=False))
            example = "\n".join(textwrap.wrap(each.example, 96, break_on_hyphens=False, break_long_words=False))
            parts.append(f"### {each.code}: {each.title}\n\n{text}\n\n```text\n{example}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
