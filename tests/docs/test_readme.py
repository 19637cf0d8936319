"""The documents: every command and Python block in them runs and prints what it is said to, every link leads on."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown_text import Block, Command, anchors, blocks, commands, links, shows

from pullsim import load, run
from tests.support.command import pullsim

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "RELEASING.md", "SECURITY.md"]
DOCUMENTS += ["scenarios/README.md", "scenarios/REFERENCE.md"]
DOCUMENTS += sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
SHELLS = ("console", "bash", "sh", "shell")
#: Not for users of a clone, or made by what is shown.
NOT_COPIED = ("tests", "out", "build", "dist", ".*", "__pycache__", "*.egg-info")
#: What a document may tell the reader to run without a test doing so.
LEFT_TO_THE_READER = (".", "cd", "git", "pip", "pipx", "uv", "docker", "kubectl")


def _all_commands() -> list:
    found = []
    for name in DOCUMENTS:
        for block in blocks((ROOT / name).read_text(encoding="utf-8")):
            if block.language in SHELLS:
                found += (pytest.param(each, id=f"{name}:{each.line}") for each in commands(block))
    return found


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """A copy of the repository, where the commands of all documents run, in order, with the ``pullsim`` under test."""
    scratch = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT, scratch / "pullsim", ignore=shutil.ignore_patterns(*NOT_COPIED))
    binaries = scratch / "bin"
    binaries.mkdir()
    for name, arguments in {"pullsim": " -m pullsim", "python": "", "python3": ""}.items():
        script = binaries / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{arguments} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    shutil.copy(ROOT / "examples/cluster.json", scratch / "pullsim/cluster.json")  # what kubectl would have printed
    return scratch / "pullsim"


def _environment(workspace: Path) -> dict[str, str]:
    path = os.pathsep.join([str(workspace.parent / "bin"), os.environ.get("PATH", "")])
    plain = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    return {**plain, "PATH": path, "PYTHONPATH": str(workspace), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture(scope="module")
def shell(workspace):
    """Run a command line in the workspace once, however many documents have it.

    What is ``pullsim`` with arguments and nothing of a shell's runs in this process, which saves a second each.
    """
    done: dict[str, subprocess.CompletedProcess[str]] = {}

    def run_once(text: str) -> subprocess.CompletedProcess[str]:
        if text not in done:
            plain = _is_plain(text)
            words = shlex.split(text, comments=True)
            done[text] = pullsim(*words[1:], cwd=workspace) if plain else _in_a_shell(text, workspace)
        return done[text]

    return run_once


def _is_plain(text: str) -> bool:
    return text.startswith("pullsim ") and not set(re.sub(r"'[^']*'", "", text)) & set("|&;<>$`*?")


def _in_a_shell(text: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        ["bash", "-o", "pipefail", "-c", text],  # noqa: S607
        cwd=workspace,
        env=_environment(workspace),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def _check(command: Command, shell: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    """Run a command of pullsim, and check its exit code and output; of what else there is check that it exists."""
    words = shlex.split(command.text, comments=True)
    if words[0] == "make":
        targets = {word for word in words[1:] if "=" not in word and not word.startswith("-")}
        assert targets <= _make_targets(), f"no such target: {command.text}"
    elif words[0] == "bash":
        assert (ROOT / words[1]).is_file(), f"no such script: {command.text}"
    elif words[0] == "pullsim" or words[:3] in (["python", "-m", "pullsim"], ["python3", "-m", "pullsim"]):
        done = shell(command.text)
        assert done.returncode == command.exit_code, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        both = (done.stdout, done.stderr + done.stdout)  # notes go before the text, as on a terminal
        if command.output:
            assert any(shows(command.output, text) for text in both), f"it prints\n{both[1]}"
    else:
        assert words[0] in LEFT_TO_THE_READER or words[:3] == ["python", "-m", "pytest"], f"not tested: {command.text}"


def _make_targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_there_is_a_readme():
    assert "README.md" in DOCUMENTS


@pytest.mark.examples
@pytest.mark.parametrize("command", _all_commands())
def test_command(command, shell):
    _check(command, shell)


#: The rows of the table in scenarios/README.md: scenario and command.
ANSWERED = re.findall(
    r"^\| \d+ \| \[[^]]+\]\((.*?\.yaml)\) \| `(pullsim .*?)` \| ",
    (ROOT / "scenarios/README.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_question_has_a_command():
    assert len(ANSWERED) == 15


@pytest.mark.parametrize("scenario, line", ANSWERED)
def test_a_scenario_answers_its_question(scenario, line, shell):
    """At its top stand the command of the table and what it prints, white space and line breaks apart."""
    command = commands(Block("sh", 0, f"{line}\n"))[0]
    header = (ROOT / "scenarios" / scenario).read_text(encoding="utf-8").partition("\nversion: 1\n")[0]
    answer = re.search(rf"^# Command: {re.escape(command.text)}\n# Answer: (.+)$", header, re.MULTILINE)
    assert answer is not None
    done = shell(command.text)
    assert done.returncode == command.exit_code, done.stderr
    assert answer[1] in " ".join(done.stdout.split())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_in_prose(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert set(re.findall(r"`make ([\w-]+)`", text)) <= _make_targets()


@pytest.mark.examples
@pytest.mark.parametrize("name", DOCUMENTS)
def test_python_blocks(name, workspace):
    """Blocks of a document run in order in one process; those with ``>>>`` must print what they show."""
    own = [block for block in blocks((ROOT / name).read_text(encoding="utf-8")) if block.language == "python"]
    scripts = ["".join(block.text for block in own if ">>> " not in block.text)]
    scripts += [_doctest(block) for block in own if ">>> " in block.text]
    for script in filter(None, scripts):
        command = [sys.executable, "-c", script]
        done = subprocess.run(  # noqa: S603
            command, cwd=workspace, env=_environment(workspace), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _doctest(block: Block) -> str:
    return (
        "import doctest\n"
        f"test = doctest.DocTestParser().get_doctest({block.text!r}, {{}}, 'block', None, {block.line})\n"
        "runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)\n"
        "raise SystemExit(runner.run(test).failed)\n"
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    document = ROOT / name
    broken = []
    for link in links(document.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = document if not path else document.parent / path
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    assert not broken


SAMPLE = """\
# A title

```console
$ pullsim --version
pullsim 0.0.0
$ pullsim validate \\
>   scenarios/none.yaml   # exit 2
```

1. In a list:

   ```bash
   # a comment
   make run   # sets everything up
   ```

See [the title](#a-title), ![a chart](none.png) and `[no](link)`.
"""


def test_blocks_and_commands_are_found():
    console, bash = blocks(SAMPLE)
    assert [console.language, bash.language] == ["console", "bash"]
    assert commands(console) == [
        Command("pullsim --version", 4, output=("pullsim 0.0.0",)),
        Command("pullsim validate scenarios/none.yaml", 6, exit_code=2),
    ]
    assert commands(bash) == [Command("make run", 14)]


def test_links_and_anchors_are_found():
    assert links(SAMPLE) == ["#a-title", "none.png"]
    assert anchors(SAMPLE + "# A title\n") == {"a-title", "a-title-1"}


def test_a_wrong_output_or_exit_code_is_found(shell):
    wrong, refused = commands(blocks(SAMPLE)[0])
    _check(refused, shell)
    with pytest.raises(AssertionError, match="it prints"):
        _check(wrong, shell)
    with pytest.raises(AssertionError, match="exit code 2"):
        _check(Command(refused.text, 1), shell)
    for untested in ("make nothing", "bash nothing", "curl example.com"):
        with pytest.raises(AssertionError, match=r"no such|not tested"):
            _check(Command(untested, 1), shell)


@pytest.mark.parametrize(
    "shown, real, right",
    [
        (("a  ", "b"), "a\nb  \n\n", True),
        (("a", "…"), "a\nb\nc\n", True),
        (("a", "…", "c"), "a\nc\n", True),
        (("a", "c"), "a\nb\nc\n", False),
        ((" a",), "a\n", False),
        (("a.c",), "abc\n", False),
    ],
)
def test_outputs_are_compared_line_by_line(shown, real, right):
    assert shows(shown, real) is right


README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
def test_a_scenario_that_it_shows_runs(text, workspace):
    file = workspace / "scenario-of-the-readme.yaml"
    file.write_text(text, encoding="utf-8")
    result = run(load(file))
    assert result.pods
    assert all(pod.started is not None for pod in result.pods)


def test_the_table_of_rules_names_tests_that_there_are():
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Rules of the kubelet and their tests")[1]
    named = set(re.findall(r"`(\w+/test_\w+)`", table.split("\n## ")[0]))
    assert named
    assert {name for name in named if not (ROOT / f"tests/{name}.py").exists()} == set()
