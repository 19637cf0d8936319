"""The worked example of the network's README does what it says."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "pullsim" / "network" / "README.md"


def test_the_worked_example_prints_what_is_said_below_it(capsys):
    text = README.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, {})  # noqa: S102 - the example
    (said,) = re.findall(r"^prints `(.*?)` and.*`(.*?)`\.$", text, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == list(said)
