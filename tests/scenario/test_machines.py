"""Presets of instance types: their tables are consistent, and what EKS, GKE and AKS say of them comes out."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest

from pullsim.errors import InputError, Location
from pullsim.oci.platform import Platform
from pullsim.scenario import effective_yaml, from_mapping, load
from pullsim.scenario.presets.nodes import builtin, find, names
from pullsim.scenario.presets.volumes import parse_volume
from tests.scenario.test_preset_capacity import cpu, memory

PLACE = Location("NAME")
ROWS = [
    {**row, "provider": provider}
    for provider in ("aws", "gcp", "azure")
    for row in csv.DictReader(
        (files("pullsim.scenario.presets") / "machines" / f"{provider}.csv").read_text("utf-8").splitlines()
    )
]
NAMES = [f"{row['provider']}/{row['type']}" for row in ROWS]
#: Families of which the presets must have types, with the least number of them.
FAMILIES = """
aws/m5. aws/m6i. aws/m6a. aws/m7i. aws/m7g. aws/m8g. aws/c5. aws/c6i. aws/c7i. aws/c7g. aws/c8g. aws/r6i. aws/r7i.
aws/t3. aws/t4g. aws/g4dn. aws/g5. aws/g6. aws/g6e. aws/p3dn. aws/p4d. aws/p4de. aws/p5. aws/p5en. aws/p6-b200.
aws/inf2. aws/trn1. aws/trn2. aws/c6g. aws/m6g. aws/r6g. aws/c6a. aws/m7a. aws/r8g. aws/m7i-flex. aws/m8i. aws/p3.
aws/g5g. aws/p5e. azure/D4s_v3 azure/DS2_v2 azure/D4ads_v5 azure/D4ps_v6 azure/D4ds_v6 azure/E4ds_v5
gcp/e2- gcp/n1- gcp/n2- gcp/n2d- gcp/c3- gcp/c4- gcp/t2d- gcp/t2a- gcp/a2- gcp/a3- gcp/a4- gcp/g2-
gcp/g4- azure/D4s_v5 azure/D4s_v6 azure/E4s_v5 azure/E4s_v6 azure/F4s_v2 azure/F4as_v6 azure/B2s_v2 azure/NC4as_T4_v3
azure/NV36ads_A10_v5 azure/NC24ads_A100_v4 azure/NC40ads_H100_v5 azure/ND96isr_H100_v5 azure/ND96isr_H200_v5
"""


def spec(name, **pool):
    return from_mapping({"nodes": [{"preset": name, **pool}]}).build().nodes[0].spec


def resources(name):
    return dict(spec(name).scheduling.allocatable)


def test_types_that_people_use_are_there():
    assert len(NAMES) == len(set(NAMES)) >= 60
    assert [family for family in FAMILIES.split() if not any(name.startswith(family) for name in NAMES)] == []
    assert set(names()) == {*builtin(), *NAMES}


def test_rows_are_consistent():
    for row in ROWS:
        _check(row)


def _check(row):
    assert row["source"]
    assert row["processor"]
    assert row["platform"] in ("linux/amd64", "linux/arm64")
    arm = any(name in row["processor"] for name in ("Graviton", "Ampere", "Cobalt"))
    assert arm == (row["platform"] == "linux/arm64")
    assert int(row["vcpus"]) >= 2 or row["type"] == "n1-standard-1"
    assert row["threads"] in ("1", "2")
    assert 0.5 <= float(row["memory"]) / int(row["vcpus"]) <= 32
    assert bool(row["accelerator"]) == bool(row["model"]) == (int(row["accelerators"] or 0) > 0)
    assert 0 < float(row["nic"]) < float(row["nicBurst"] or "inf")
    assert 0 < float(row["volumes"] or 1) < float(row["volumesBurst"] or "inf")
    assert bool(row["enis"]) == bool(row["addresses"]) == (row["provider"] == "aws")
    disk = parse_volume(row["disk"]).type
    assert disk.provider == row["provider"] or (disk.local and row["local"])


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
def test_presets_build_as_their_rows_say(provider):
    rows = [row for row in ROWS if row["provider"] == provider]
    pools = [{"name": f"n{index}", "preset": f"{provider}/{row['type']}"} for index, row in enumerate(rows)]
    nodes = from_mapping({"nodes": pools}).build().nodes
    for row, pool, node in zip(rows, pools, nodes, strict=True):
        made, labels = node.spec, dict(node.spec.scheduling.labels)
        assert labels["node.kubernetes.io/instance-type"].removeprefix("Standard_") == row["type"]
        enis, addresses = int(row["enis"] or 0), int(row["addresses"] or 0)
        assert made.max_pods == (enis * (addresses - 1) + 2 if provider == "aws" else 110)
        allocatable = dict(made.scheduling.allocatable)
        assert allocatable["cpu"] == pytest.approx(cpu(provider, int(row["vcpus"])), abs=60)
        assert 0.55 * float(row["memory"]) < allocatable["memory"] / 2**30 < float(row["memory"])
        if row["accelerator"]:
            assert allocatable[row["accelerator"]] == int(row["accelerators"])
        if pool["preset"] not in builtin():  # what was written by hand has its own figures
            assert made.platform == Platform.parse(row["platform"])
            assert made.nic.rate == pytest.approx(float(row["nic"]) * 1e9 / 8)
            assert made.cores.count == int(row["vcpus"])
            local = parse_volume(row["disk"]).type.local
            assert local or made.disk.write <= float(row["volumes"] or "inf") * 1e6


def test_every_figure_has_a_source_and_unpacking_is_said_to_be_the_default():
    for name in sorted({*NAMES} - {*builtin()}):
        figures = {key: (value, source) for key, value, source in find(name, Path(), PLACE).figures()}
        assert [key for key, (_, source) in figures.items() if not source] == [], name
        assert figures["unpack"][0] is None
        assert figures["unpack"][1].startswith("default")


@pytest.mark.parametrize(
    "name, pods, millicores, accelerators",
    [
        ("aws/m5.large", 29, 1930, {}),
        ("aws/g6e.12xlarge", 292, 47810, {"nvidia.com/gpu": 4}),
        ("aws/p5.48xlarge", 100, 191450, {"nvidia.com/gpu": 8}),
        ("aws/t3.medium", 17, 1930, {}),
        ("aws/inf2.24xlarge", 737, 95690, {"aws.amazon.com/neuron": 6}),
        ("gcp/g2-standard-12", 110, 11900, {"nvidia.com/gpu": 1}),
        ("azure/NC24ads_A100_v4", 110, 23660, {"nvidia.com/gpu": 1}),
    ],
)
def test_what_providers_say_of_known_types(name, pods, millicores, accelerators):
    made = resources(name)
    assert spec(name).max_pods == pods
    assert made.pop("cpu") == millicores
    del made["memory"]
    assert made == accelerators


@pytest.mark.parametrize("name", ["aws/m6i.large", "gcp/n1-standard-16", "azure/ND96isr_H100_v5"])
def test_memory_is_what_kubelets_had_less_what_the_provider_keeps(name):
    provider, share = name.partition("/")[0], {"aws": 7982004 / 8, "gcp": 61727200 / 60, "azure": 693505084 / 672}
    row = ROWS[NAMES.index(name)]
    capacity = share[provider] * float(row["memory"])
    expected = memory(provider, int(capacity), float(row["memory"]), spec(name).max_pods) * 2**10
    assert resources(name)["memory"] == pytest.approx(expected, abs=4 * 2**10)


@pytest.mark.parametrize(
    "name, rate",
    [
        ("azure/D4ds_v5", 250e6),  # the temporary disk, on which AKS puts the system
        ("azure/D2ds_v5", 85e6),  # that is too small, and the machine sends 85 MB/s to disks
        ("azure/D32s_v5", 150e6),  # P20 from 16 cores on
        ("azure/D64s_v5", 200e6),
    ],
)
def test_disks_of_aks_are_those_of_its_nodes(name, rate):
    assert spec(name).disk.write == rate


def test_a_burst_of_the_network_has_its_credit():
    nic = spec("aws/m6i.large").nic
    assert nic.burst.rate == 12.5e9 / 8
    assert nic.burst.credit == pytest.approx(300 * (nic.burst.rate - nic.rate), rel=1e-4)


def test_the_pool_stands_above_the_machine():
    made = spec("aws/m7g.xlarge", platform="linux/amd64", nic="1Gbit/s", maxPods=30)
    assert (str(made.platform), made.nic.rate, made.nic.burst, made.max_pods) == ("linux/amd64", 125e6, None, 30)


@pytest.mark.parametrize(
    "name, nearest",
    [
        ("aws/g6e.12xlage", "aws/g6e.12xlarge"),
        ("aws/m7i.larg", "aws/m7i.large"),
        ("azure/Standard_D8s_v5", "azure/D8s_v5"),
        ("gcp/n2-standard8", "gcp/n2-standard-8"),
    ],
)
def test_a_name_that_is_none_gets_the_nearest_three(name, nearest):
    with pytest.raises(InputError, match="is neither a preset nor a file; did you mean ") as caught:
        from_mapping({"nodes": [{"preset": name}]})
    suggested = str(caught.value).partition("did you mean ")[2].partition("?")[0].replace(" or ", ", ").split(", ")
    assert nearest in suggested
    assert len(suggested) <= 3
    assert set(suggested) <= set(names())


def test_the_effective_scenario_has_the_same_nodes(tmp_path):
    scenario = from_mapping({"nodes": [{"preset": "gcp/t2a-standard-4", "disk": "pd-ssd:200GB"}]})
    path = tmp_path / "effective.yaml"
    path.write_text(effective_yaml(scenario))
    assert load(path).build().nodes == scenario.build().nodes
