"""Start-up in modules loaded, which unlike seconds are the same on every machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

OWN = "json.dumps([name for name in sys.modules if name not in before])"


def loaded(code):
    script = f"import sys, json\nbefore = set(sys.modules)\n{code}\nprint({OWN})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("code", "ours", "all_of_them"),
    [
        ("import pullsim", 11, 60),
        ("import pullsim.run", 11, 60),  # dataclasses and what they need
        ("import pullsim.cli", 12, 60),
        ("import pullsim.results", 12, 60),
    ],
)
def test_modules_that_an_import_loads(code, ours, all_of_them):
    names = loaded(code)
    assert sum(name.split(".")[0] == "pullsim" for name in names) <= ours, names
    assert len(names) <= all_of_them, names


#: Fails if more sections of scenarios are built than the quickstart and its defaults have.
BUILT = """
def sections(kind):
    return [kind, *(each for below in kind.__subclasses__() for each in sections(below))]
from pullsim.scenario.model.quantities import Section
built = [each.__name__ for each in sections(Section) if each.__pydantic_complete__]
assert len(built) <= 21, built
"""


def loaded_by(*words, then=""):
    """Return the modules that a command loads, in which the garbage collector looks at nothing."""
    began = f"import gc\nfrom pullsim.cli import main\nsys.argv = {['pullsim', *words]}\nbegan = gc.get_stats()[0]"
    ended = "assert gc.get_stats()[0]['collections'] == began['collections']"
    return loaded(f"{began}\ntry:\n    main()\nexcept SystemExit:\n    pass\n{ended}\n{then}")


def test_modules_that_the_help_loads():
    names = loaded_by("--help")
    assert sum(name.split(".")[0] == "pullsim" for name in names) <= 21, sorted(names)
    assert len(names) <= 210, len(names)
    heavy = {"numpy", "pandas", "matplotlib", "simpy", "pydantic", "yaml", "scipy", "distributed"}
    unused = {"rich.markdown", "rich.traceback", "markdown_it", "pygments", "attr"}
    assert not (heavy | unused) & set(names)


def test_the_help_leaves_no_empty_modules_behind():
    loaded_by("run", "--help", then="from rich.markdown import Markdown\nassert Markdown('*a*').parsed")


def test_modules_that_checking_a_scenario_loads():
    names = loaded_by("validate", "scenarios/quickstart.yaml", then=BUILT)
    assert len(names) <= 550, len(names)
    heavy = {"numpy", "pandas", "matplotlib", "simpy", "scipy", "jinja2", "distributed"}
    assert not heavy & set(names)


def test_modules_that_a_run_without_files_loads():
    names = set(loaded_by("run", "scenarios/quickstart.yaml", "--quiet", then=BUILT))
    files = {"pullsim.results.exports.files", "pullsim.results.tables", "pullsim.results.kubectl.watch"}
    assert not names & (files | {"pandas", "matplotlib", "scipy", "jinja2", "distributed"})
