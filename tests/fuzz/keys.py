"""Scenarios with any of their keys at any size, made from the JSON Schema that pullsim ships: many are valid."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from pullsim.scenario.schema import json_schema
from tests.fuzz.mutations import SCALARS

if TYPE_CHECKING:
    from random import Random

#: Small and large values of quantities, by the example that the schema has.
_QUANTITIES = {
    "5m0s": ["0s", "1ns", "1us", "1ms", "100ms", "1s", "10s", "5m0s", "24h", "2500000h"],
    "10Gbit/s": ["0B/s", "1B/s", "1kB/s", "1MB/s", "10Gbit/s", "1000Tbit/s"],
    "30MB": ["0B", "1B", "1kB", "30MB", "5GB", "1000PB"],
    "4/s": ["0/s", "1/d", "1/h", "4/s", "1000000000/s"],
    "0.09/GB": ["0", "0.09/GB", "1000000000000/kB"],
    "40%": ["0%", "40%", "100%", "1GB", "0B"],
    "25%": ["0", "1", "25%", "100%", "999999999"],
    "1.35": ["1.24", "1.35", "2.1", "1.7", "1.99"],
}
_NUMBERS = [-1, 0, 1, 2, 3, 10, 1000, 100_000, 1_000_000, 2**40]
_TEXTS = ["", "x", "web", "workers", "example.com", "example.com/app:v1", "redis:3.2", "app", "503", "linux/arm64"]
#: Where a key is put into the small scenario.
_PLACES = (("nodes", 0), ("nodes", 0), ("workloads", 0), ("registries", 0), ("images",), ())
_MODELS = {"nodes": "NodePool", "workloads": "Workload", "registries": "Registry", "images": "Images"}


def scenario(small: dict[str, Any], random: Random) -> bytes:
    """Make a scenario from the small one and a few keys more."""
    tree = json.loads(json.dumps(small))
    if random.random() < 0.7:
        tree["horizon"] = random.choice(["1s", "1m", "10m", "2h"])
    for _ in range(random.choice([1, 1, 2, 3])):
        place = random.choice(_PLACES)
        model = _schema()["$defs"][_MODELS[str(place[0])]] if place else _schema()
        key = random.choice(list(_resolved(model)["properties"]))
        value = _value(_resolved(model)["properties"][key], random)
        node = tree
        with suppress(IndexError, KeyError, TypeError):  # an earlier key has replaced the place
            for part in place:
                node = node[part]
            node[key] = value
    return json.dumps(tree).encode()


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and take the mapping of what may be written in short."""
    while "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    mappings = [each for each in schema.get("anyOf", ()) if "properties" in each]
    return mappings[0] if mappings and "properties" not in schema else schema


def _value(schema: dict[str, Any], random: Random) -> Any:
    """Draw a value; now and then one that is not of the schema."""
    if random.random() < 0.02:
        return random.choice([*SCALARS, None, [], {}])
    while "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _value(random.choice([each for each in schema["anyOf"] if each.get("type") != "null"]), random)
    if "enum" in schema or "const" in schema:
        return random.choice(schema.get("enum") or [schema["const"]])
    kind = schema.get("type", "string")
    if kind == "object":
        return _mapping(schema, random)
    if kind == "array":
        return [_value(schema.get("items", {}), random) for _ in range(random.choice([0, 1, 1, 1, 2]))]
    if "examples" in schema:
        return random.choice(_QUANTITIES.get(schema["examples"][0], _TEXTS))
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "integer":
        return random.choice(_NUMBERS)
    if kind == "number":
        return random.choice([*_NUMBERS, 0.5, 1e-9, 1e300])
    return random.choice(_TEXTS)


def _mapping(schema: dict[str, Any], random: Random) -> dict[str, Any]:
    properties = schema.get("properties")
    if properties is None:
        inner = schema.get("additionalProperties")
        return {random.choice(_TEXTS): _value(inner if isinstance(inner, dict) else {}, random)}
    optional = [key for key in properties if key not in schema.get("required", ())]
    chosen = random.sample(optional, min(len(optional), random.choice([0, 1, 1, 2, 3])))
    return {key: _value(properties[key], random) for key in (*schema.get("required", ()), *chosen)}
