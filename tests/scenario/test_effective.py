import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.inputs.document import parse_document
from pullsim.scenario import effective_yaml, from_mapping, json_schema, load
from pullsim.scenario.file.yaml_text import _Dumper
from pullsim.scenario.schema import SHIPPED, schema_text

HERE = Path(__file__).parent
SCENARIOS = [HERE / "data/contract.yaml", *sorted((HERE.parents[1] / "scenarios").glob("*.yaml"))]


@cache
def _validator():
    jsonschema.Draft202012Validator.check_schema(json_schema())  # once: of this schema it takes half a second
    return jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_the_effective_scenario_loads_again_to_the_same(path, tmp_path):
    scenario = load(path)
    again = tmp_path / "scenario.effective.yaml"
    again.write_text(effective_yaml(scenario))
    assert effective_yaml(load(again)) == effective_yaml(scenario)
    again.write_text(effective_yaml(scenario, tmp_path))
    loaded = load(again)
    assert loaded.build().pods == scenario.build().pods
    assert loaded.build().nodes == scenario.build().nodes
    assert loaded.build().registries == scenario.build().registries


def test_defaults_are_written_out():
    text = effective_yaml(from_mapping({"nodes": [{}]}))
    tree = yaml.safe_load(text)
    assert tree["nodes"][0]["nic"] == {"rate": "10Gbit/s"}
    assert tree["nodes"][0]["runtime"] == {"containerd": "2.1", "maxConcurrentDownloads": 3}
    assert tree["nodes"][0]["kubeletVersion"] == "1.35"
    assert tree["nodes"][0]["kubelet"]["serializeImagePulls"] is True
    assert tree["nodes"][0]["kubelet"]["registryBurst"] == 10
    assert tree["placement"] == "scheduler"


def test_a_mirror_by_its_host_alone_stays_the_registry_of_that_host():
    mirrors = [{"host": "m.example.com", "capabilities": ["pull"], "dialTimeout": "5s"}, "other.example.com"]
    registries = [{"host": "r.example.com", "mirrors": mirrors}, {"host": "m.example.com", "egress": "1Gbit/s"}]
    scenario = from_mapping({"registries": registries, "nodes": [{}]})
    again = from_mapping(yaml.safe_load(effective_yaml(scenario)))
    assert again.build().registries == scenario.build().registries


def test_paths_are_made_to_start_at_the_new_place(tmp_path):
    (tmp_path / "in").mkdir()
    mapping = {
        "images": {"catalogs": ["official", "c/cat.json"], "manifests": [{"image": "x", "path": "m.json"}]},
        "nodes": [{"kubelet": "k.yaml"}],
        "workloads": [{"manifest": "/abs.yaml"}, {"pods": {"image": "x"}, "arrivals": {"trace": "t.csv"}}],
    }
    scenario = from_mapping(mapping, directory=tmp_path / "in")
    tree = yaml.safe_load(effective_yaml(scenario, tmp_path / "out"))
    assert tree["images"]["catalogs"] == ["official", "../in/c/cat.json"]
    assert tree["images"]["manifests"][0]["path"] == "../in/m.json"
    assert tree["nodes"][0]["kubelet"] == "../in/k.yaml"
    assert [entry.get("manifest") or entry["arrivals"]["trace"] for entry in tree["workloads"]] == [
        "/abs.yaml",
        "../in/t.csv",
    ]


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
    | st.from_regex(r"[-+0-9.eEox:yn~]{1,6}", fullmatch=True)
)
def test_every_text_stays_text(text):
    written = yaml.dump({"k": text}, Dumper=_Dumper, allow_unicode=True, sort_keys=False)
    assert parse_document(written, "f").tree == {"k": text}


RATES = st.floats(1, 1e12).map(lambda rate: f"{rate!r}B/s") | st.integers(1, 10**6).map(lambda rate: f"{rate}Mbit/s")
DURATIONS = st.integers(1, 10**14).map(lambda ns: f"{ns}ns")
SIZES = st.integers(1, 10**15).map(str) | st.sampled_from(["30MB", "1Gi", "900kB", "1.5GiB"])


@settings(max_examples=60)
@given(
    RATES,
    DURATIONS,
    SIZES,
    st.integers(0, 2**63 - 1),
    st.dictionaries(st.text("ab:1", min_size=1), DURATIONS, max_size=3),
)
def test_quantities_survive(rate, duration, size, seed, pulls):
    scenario = from_mapping(
        {
            "seed": seed,
            "horizon": duration,
            "registries": [{"host": "a", "egress": rate, "roundTrip": duration, "tcp": {"maxWindow": size}}],
            "nodes": [{"nic": rate, "runtime": {"fixed": {"images": {k: {"pull": v} for k, v in pulls.items()}}}}],
            "workloads": [{"pods": {"image": "x"}, "arrivals": {"poisson": "0.1/h"}}],
        }
    )
    again = from_mapping(parse_document(effective_yaml(scenario), "f").tree)
    assert effective_yaml(again) == effective_yaml(scenario)
    kept = {"nodes": [pool.model_copy(update={"kubelet": {}}) for pool in again.nodes]}
    assert again.model_copy(update=kept) == scenario


def test_the_shipped_schema_is_current():
    assert SHIPPED.read_text() == schema_text()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_the_schema_accepts_scenarios(path):
    tree = parse_document(path.read_text(), path.name).tree
    assert list(_validator().iter_errors(tree)) == []
    effective = json.loads(json.dumps(parse_document(effective_yaml(load(path)), "f").tree))
    assert list(_validator().iter_errors(effective)) == []


@pytest.mark.parametrize(
    "wrong", [{}, {"nodes": []}, {"nodes": [{"nik": 1}]}, {"nodes": [{"count": "3"}]}, {"nodes": [{}], "seed": -1}]
)
def test_the_schema_refuses_what_the_loader_refuses(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json_schema(), cls=jsonschema.Draft202012Validator)


def test_every_key_is_described():
    definitions = {"Scenario": json_schema(), **json_schema()["$defs"]}
    for name, definition in definitions.items():
        mapping = definition["anyOf"][0] if "anyOf" in definition else definition
        assert definition.get("description"), name
        for key, field in mapping["properties"].items():
            assert field.get("description") or "$ref" in field, f"{name}.{key}"
