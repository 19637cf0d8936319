"""scenarios/REFERENCE.md: it is what the package says of itself now, complete, and its examples work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_text import blocks

import pullsim
from pullsim import units
from pullsim.cli import exit_codes
from pullsim.inputs.document import parse_document
from pullsim.results import columns
from pullsim.results.reference import reference_markdown
from pullsim.scenario import json_schema

REFERENCE = Path(__file__).parents[2] / "scenarios" / "REFERENCE.md"
TEXT = REFERENCE.read_text(encoding="utf-8")


def test_it_is_current():
    command = "python -m pullsim.results.reference > scenarios/REFERENCE.md"
    assert reference_markdown() == TEXT, f"run: {command}"
    assert command in TEXT


def test_every_key_of_the_format_is_in_it():
    schema = json_schema()
    keys = {key for section in (schema, *schema["$defs"].values()) for each in _mappings(section) for key in each}
    rows = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))
    headings = set(re.findall(r"^### `(\w+)", TEXT, re.MULTILINE))
    assert len(keys) > 100
    assert keys - rows - headings == set()


def _mappings(schema: dict) -> list[dict]:
    """Give the keys of a section, which may have a short form beside them."""
    return [each["properties"] for each in (schema, *schema.get("anyOf", ())) if "properties" in each]


def test_defaults_are_those_of_the_scenario():
    scenario = pullsim.from_mapping({"nodes": [{}], "registries": [{"host": "docker.io"}]})
    tree = parse_document(pullsim.effective_yaml(scenario), "effective").tree
    for path, section in {"nodes[]": tree["nodes"][0], "registries[]": tree["registries"][0]}.items():
        table = TEXT.split(f"### `{path}`\n")[1].split("###")[0]
        defaults = dict(re.findall(r"^\| `(\w+)` \| .* \| `([^`|]+)` \| [^|]* \|$", table, re.MULTILINE))
        assert {"count", "kubeletVersion"} <= defaults.keys() or {"goodput", "firstByte"} <= defaults.keys()
        for key, default in defaults.items():
            if key == "kubelet":  # by default empty; the effective scenario shows what that means
                continue
            value = section.get(key, "unlimited")
            assert default == (str(value).lower() if isinstance(value, bool) else str(value)), key


@pytest.mark.parametrize("table", [columns.PODS, columns.PULLS, columns.LAYERS, columns.EVENTS, columns.REMOVALS])
def test_every_column_is_in_it(table):
    for column in table:
        listed = f"| `{column.name}` | {column.kind} |" in TEXT
        assert listed or "belongs to the stage" in column.meaning
        assert listed or f"| `{column.name.removesuffix('_s')}` |" in TEXT


def test_the_example_runs_as_it_is():
    example = next(block.text for block in blocks(TEXT) if block.language == "yaml")
    result = pullsim.run(pullsim.from_mapping(parse_document(example, "example").tree))
    assert all(pod.started is not None for pod in result.pods)
    assert result.warnings == []


def test_the_overrides_are_overrides():
    lines = next(block.text for block in blocks(TEXT) if "--set seed" in block.text).splitlines()
    overrides = [re.sub(r"^--set '?|'?(\s+#.*)?$", "", line) for line in lines]
    image = "example.com/team/app:v3"
    scenario = pullsim.from_mapping(
        {
            "images": {"define": [{"image": image, "layers": [{"size": "1MB"}]}]},
            "nodes": [{"name": "workers"}],
            "workloads": [{"name": "web", "pods": {"image": image}}],
        },
        overrides,
    )
    assert len(overrides) == 8
    assert scenario.seed == 7
    assert scenario.nodes[0].disk.write == 250 * 2**20
    assert len(scenario.build().pods) == 200
    assert [layer.size for layer in scenario.images.define[0].layers] == [30_000_000, 900_000]


@pytest.mark.parametrize("kind", ["size", "rate", "duration", "frequency", "price"])
def test_units_are_read_as_they_are_written(kind):
    parse = getattr(units, f"parse_{kind}")
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| {kind} | "))
    examples = [text for text in re.findall(r"`([^`]+)`", row) if text[0].isdigit()]
    assert len(examples) > 1
    for text in examples:
        assert parse(text) >= 0
    with pytest.raises(ValueError, match=kind):
        parse("12 parsecs")


QUANTITIES = [
    *((key, "[size](#units)") for key in ("credit", "background", "limit", "maxWindow", "unit", "grain")),
    ("pieceSize", "[size](#units) ≥ 65,536"),
    ("initialize", "[rate](#units) > 0"),
    ("tick", "[duration](#units) ≤ 50ms"),
]


@pytest.mark.parametrize(("key", "kind"), QUANTITIES, ids=[key for key, _ in QUANTITIES])
def test_quantities_are_called_so(key, kind):
    """Whatever else is asked of them."""
    rows = [line for line in TEXT.splitlines() if line.startswith(f"| `{key}` | ")]
    assert rows
    assert all(kind in row for row in rows)


def test_exit_codes():
    table = TEXT.split("## Exit codes\n")[1]
    listed = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*?) \|$", table, re.MULTILINE)}
    assert listed.keys() == {
        0,
        exit_codes.ASSERTION_FAILED,
        exit_codes.WRONG_INPUT,
        exit_codes.BUG,
        exit_codes.INTERRUPTED,
    }
    assert "bug" in listed[exit_codes.BUG]
    assert "wrong" in listed[exit_codes.WRONG_INPUT]
    assert "interrupted" in listed[exit_codes.INTERRUPTED]
