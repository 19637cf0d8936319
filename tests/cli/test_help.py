import inspect
import json
import platform
import re
import subprocess
import sys

import pytest

import pullsim as package
from pullsim.cli.commands import COMMANDS
from pullsim.compiled import compiled
from tests.support.command import ENVIRONMENT, process, python

HEAVY = ("numpy", "pandas", "matplotlib", "pydantic", "yaml", "simpy", "jinja2")


def test_version():
    """Which of the two it is decides how long a run takes; what it gives is the same."""
    done = process("--version")
    built = "compiled" if compiled() else "pure Python"
    text = f"pullsim {package.__version__} ({built}, CPython {platform.python_version()})\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")


def test_help_groups_the_commands():
    done = process("--help")
    assert done.returncode == 0
    assert done.stdout.index("Simulate") < done.stdout.index(" run ") < done.stdout.index("Inform")
    for command in ("run", "describe", "explain", "validate", "fit", "schema", "catalogs", "image"):
        assert re.search(rf"{command}  +\w", done.stdout)
    assert "Exit codes" in done.stdout


def test_help_of_a_command_groups_its_options():
    done = process("run", "-h")
    assert done.returncode == 0
    assert (
        done.stdout.index("Input")
        < done.stdout.index("--set")
        < done.stdout.index("Output")
        < done.stdout.index("--out")
    )
    assert "nodes[workers]" in " ".join(done.stdout.split())  # not taken for markup


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["run", "--help"], ["catalogs", "nginx"]])
def test_what_needs_no_numbers_loads_no_heavy_library(arguments):
    code = f"""
import json, sys
from pullsim.cli import main
sys.argv = ["pullsim", *{arguments!r}]
try:
    main()
except SystemExit as exit:
    assert not exit.code, exit.code
print()
print(json.dumps(sorted(sys.modules)))
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    if arguments[0] in ("run", "catalogs"):
        loaded.discard("pydantic")  # Typer itself reads the parameters of a command with it
    assert [name for name in HEAVY if name in loaded] == []


def test_importing_the_package_of_the_command_line_loads_nothing():
    done = python(
        "import sys; import pullsim.cli, pullsim.results; print('typer' in sys.modules, 'rich' in sys.modules)"
    )
    assert done.stdout == "False False\n"


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["run"], ["run", "x.yaml", "--detail", "all"], ["run", "x.yaml", "--seed", "-1"]]
)
def test_usage_errors_are_wrong_input(inside, arguments):
    done = inside(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-m", "pullsim", "catalogs", ""]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(60) == 0
    assert errors == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_has_the_first_sentences_of_their_help(name):
    """The list is there without loading the commands."""
    entry = COMMANDS[name]
    text = inspect.getdoc(entry.load()).split("\n\n", maxsplit=1)[0].replace("\n", " ")
    assert entry.help == text
    assert (entry.command(name).name, entry.command(name).rich_help_panel) == (name, entry.panel)


def test_a_misspelt_command_is_answered_with_the_nearest():
    done = process("validte")
    assert done.returncode == 2
    assert "Did you mean 'validate'?" in done.stderr
