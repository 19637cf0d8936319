"""Scenarios: read, change, check and turn into the input of the simulation.

    scenario = load("scenario.yaml", overrides=["kubelet.maxParallelImagePulls=8"])
    cluster = scenario.build()

Every error in the input is an InputError with its place in the file.
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
