"""Scenarios: read, change, check and turn into the input of the simulation.

    scenario = load("scenario.yaml", overrides=["kubelet.maxParallelImagePulls=8"])
    cluster = scenario.build()

All mistakes of the input are InputErrors with the place of each.
"""

from pullsim.scenario.build import Built
from pullsim.scenario.effective import effective_yaml
from pullsim.scenario.load import from_mapping, load, override
from pullsim.scenario.model import Scenario
from pullsim.scenario.overrides import Override, parse_override
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
