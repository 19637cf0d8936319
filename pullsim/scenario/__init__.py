"""Scenarios: read, change, check and turn into the input of the simulation.

    scenario = load("scenario.yaml", overrides=["kubelet.maxParallelImagePulls=8"])
    cluster = scenario.build()

All mistakes of the input are InputErrors with the place of each.
"""

from pullsim.scenario.builder.cluster import Built
from pullsim.scenario.file.effective import effective_yaml
from pullsim.scenario.file.overrides import Override, parse_override
from pullsim.scenario.file.reader import from_mapping, load, override
from pullsim.scenario.scenario import Scenario
from pullsim.scenario.schema import json_schema

__all__ = [
    "Built",
    "Override",
    "Scenario",
    "effective_yaml",
    "from_mapping",
    "json_schema",
    "load",
    "override",
    "parse_override",
]
