import pytest
import typer

from pullsim.cli.exit_codes import exit_codes
from pullsim.errors import AssertionFailed, InputError, InputErrors, Location


def code(error, **options):
    with pytest.raises(typer.Exit) as caught, exit_codes(**options):
        raise error
    return caught.value.exit_code


def test_input_errors_are_a_line_each(capsys):
    errors = InputErrors([InputError("no\nway", Location("a.yaml", 3, 4)), InputError("neither")])
    assert code(errors) == 2
    assert capsys.readouterr().err == "pullsim: error: a.yaml:3:4: no way\npullsim: error: neither\n"


def test_an_assertion_that_fails(capsys):
    assert code(AssertionFailed("pods.start.p99 < 90s: it is 120 s")) == 1
    assert capsys.readouterr().err == "pullsim: assertion failed: pods.start.p99 < 90s: it is 120 s\n"


def test_ctrl_c():
    assert code(KeyboardInterrupt()) == 130


def test_what_does_not_fit_into_memory_is_no_bug(capsys):
    assert code(MemoryError()) == 2
    text = capsys.readouterr().err
    assert text.startswith("pullsim: error: there is not enough memory for this: make it smaller")
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), RecursionError(), OSError("disk")])
def test_anything_else_is_a_bug_of_ours(error, capsys, monkeypatch):
    monkeypatch.delenv("PULLSIM_DEBUG", raising=False)
    assert code(error) == 70
    text = capsys.readouterr().err
    assert "internal error" in text
    assert "please report" in text
    assert "Traceback" not in text


def test_the_traceback_of_a_bug_is_for_those_who_ask(capsys, monkeypatch):
    monkeypatch.delenv("PULLSIM_DEBUG", raising=False)
    assert code(ZeroDivisionError("x"), debug=True) == 70
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("PULLSIM_DEBUG", "1")
    assert code(ZeroDivisionError("x")) == 70
    assert "Traceback" in capsys.readouterr().err


def test_an_exit_code_passes():
    assert code(typer.Exit(5)) == 5


@pytest.mark.parametrize("command", [("compare",), ("sweep",), ("compare", ".")])
def test_a_name_of_any_length_is_wrong_input(inside, command):
    done = inside(*command, "x" * 70_000)
    assert done.returncode == 2
    assert done.stderr.startswith("pullsim: error: ")
    assert len(done.stderr) < 1000


@pytest.mark.parametrize(
    "options",
    [
        ("ci", "--baseline", "NAME"),
        ("ci", "--baseline", "NAME", "--update-baseline"),
        ("ci", "--junit", "NAME"),
        ("run", "--metrics", "NAME"),
        ("run", "--metrics", "NAME/NAME"),
        ("run", "--out", "NAME"),
        ("sweep", "--out", "NAME"),
        ("sweep", "--out", "NAME", "--resume"),
        ("compare", "--out", "NAME", "--a", "seed=1"),
        ("advise", "--out", "NAME", "--max-runs", "2", "--seeds", "1"),
        ("explain-credentials", "--config", "NAME"),
        ("fit", "--out", "NAME"),
    ],
)
def test_a_name_longer_than_a_file_may_have_is_wrong_input(inside, scenario, options):
    command, *rest = (option.replace("NAME", "x" * 70_000) for option in options)
    done = inside(command, scenario, *rest)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr) < 2000
