"""Keys that will go: they work, a warning names them, and they do go."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import jsonschema
import pytest

from pullsim.results.scenario_keys import key_tables
from pullsim.scenario.model.deprecation import Deprecated, deprecation
from pullsim.scenario.model.nodes import NodePool
from pullsim.scenario.model.quantities import Section
from pullsim.scenario.model.scenario import ScenarioModel
from pullsim.scenario.schema import ID, json_schema
from pullsim.version import __version__
from tests.support.command import pullsim

OLD = Deprecated("0.3", "write zones")
TEXT = "deprecated since 0.3, and may be gone in 0.5: write zones"
COMPATIBILITY = (Path(__file__).parents[2] / "docs/compatibility.md").read_text(encoding="utf-8")


def sections(section=ScenarioModel):
    """All sections there are, which are subclasses of one."""
    yield section
    for each in section.__subclasses__():
        yield from sections(each)


@pytest.fixture
def old_labels(monkeypatch):
    field = NodePool.model_fields["labels"]
    monkeypatch.setattr(field, "metadata", [*field.metadata, OLD])


def said(done):
    """What a command prints, with the lines that fit the terminal joined."""
    return " ".join((done.stdout + done.stderr).split())


def write_scenario(tmp_path, pools):
    text = f"version: 1\nnodes:\n{pools}workloads: [{{pods: {{image: 'nginx:1.12'}}}}]\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")


def test_who_gives_a_deprecated_key_is_told_once_for_each_place(old_labels, tmp_path):
    write_scenario(tmp_path, "  - {name: a, labels: {x: y}}\n  - {name: b}\n  - name: c\n    labels: {}\n")
    done = pullsim("validate", "a.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert said(done).count(TEXT) == 2
    assert f"a.yaml:3:15: nodes[a].labels is {TEXT}" in said(done)
    assert f"a.yaml:6:5: nodes[c].labels is {TEXT}" in said(done)


def test_an_override_is_told_of_too(old_labels, tmp_path):
    write_scenario(tmp_path, "  - {name: a}\n")
    done = pullsim("validate", "a.yaml", "--set", "nodes[a].labels={x: y}", cwd=tmp_path)
    assert done.returncode == 0
    assert f"nodes[a].labels is {TEXT}" in said(done)


def test_who_does_not_give_it_is_not_told(old_labels, tmp_path):
    write_scenario(tmp_path, "  - {name: a}\n")
    done = pullsim("validate", "a.yaml", cwd=tmp_path)
    assert "deprecated" not in said(done)


def test_the_reference_says_it(old_labels):
    row = next(line for table in key_tables(("nodes",)) for line in table.splitlines() if line.startswith("| `labels`"))
    assert row.endswith(f"**{TEXT}** |")


def test_editors_are_told_by_the_schema():
    class Example(Section):
        zone: Annotated[str | None, OLD] = None
        zones: tuple[str, ...] = ()

    properties = Example.model_json_schema()["properties"]
    assert properties["zone"]["deprecated"] is True
    assert "deprecated" not in properties["zones"]


@pytest.mark.parametrize("since, until", [("0.2", "0.4"), ("0.9", "0.11"), ("1.0", "1.2")])
def test_two_minor_releases_warn(since, until):
    assert Deprecated(since, "x").until == until


def test_no_key_is_kept_for_longer_than_was_said_and_none_is_written_out_unasked():
    now = tuple(map(int, __version__.split(".")[:2]))
    for section in {each for base in Section.__subclasses__() for each in sections(base)}:
        for name, field in section.model_fields.items():
            if marked := deprecation(section, name):
                assert now <= tuple(map(int, marked.until.split("."))), f"{section.__name__}.{name} is to go"
                assert field.default is None, f"{section.__name__}.{name} would be written out"


def test_the_schema_says_what_it_is_of():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema({**schema, "$defs": {}, "properties": {}})
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == ID
    assert ID.startswith("urn:uuid:")
    assert schema["properties"]["version"]["const"] == 1
    assert __version__ in schema["$comment"]


def test_the_entry_for_editors_matches_no_file_of_others():
    entry = json.loads(re.search(r"```json\n(.*?)```", COMPATIBILITY, re.DOTALL)[1])
    assert set(entry) == {"name", "description", "fileMatch"}
    assert entry["name"] == json_schema()["title"]
    assert all(pattern.startswith("*.pullsim.") for pattern in entry["fileMatch"])
