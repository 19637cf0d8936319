"""Disks by name: what a text gives, with and without an instance type, and what stands above it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.inputs.document import parse_document
from pullsim.scenario import effective_yaml, from_mapping, override
from pullsim.scenario.file.effective import source_yaml
from pullsim.scenario.presets.machines import find_machine, machine_names
from pullsim.scenario.presets.volumes import parse_volume, volume_types

MIB = 2**20


def disk(value, **pool):
    return from_mapping({"nodes": [{"disk": value, **pool}]}).build().nodes[0].spec.disk


@pytest.mark.parametrize("kind", volume_types().values(), ids=list(volume_types()))
def test_every_type_has_a_rate_and_sources_and_parses(kind):
    assert kind.source
    assert kind.times
    assert disk(kind.name).write > 0
    assert kind.most is None or kind.write <= kind.most


@pytest.mark.parametrize(
    "text, write",
    [
        ("gp3", 125 * MIB),
        ("gp3:1000MiB/s", 1000 * MIB),
        ("gp3:200GiB:500MB/s", 500e6),
        ("gp3:500MB/s:200GiB", 500e6),
        ("io2:4000MiB/s", 4000 * MIB),
        ("pd-balanced", (140 + 28) * MIB),
        ("pd-balanced:500GiB", (140 + 140) * MIB),
        ("pd-ssd:10TiB", 1200 * MIB),
        ("pd-standard:1000GiB", 120 * MIB),
        ("hyperdisk-balanced:600MiB/s", 600 * MIB),
        ("premium-ssd-v2:900MB/s", 900e6),
        ("P20", 150e6),
        ("local-ssd", 350e6),
        ("local-nvme:2GB/s", 2e9),
    ],
)
def test_rates(text, write):
    assert disk(text).write == pytest.approx(write)


def test_a_size_in_the_text_is_that_of_the_filesystem():
    spec = from_mapping({"nodes": [{"disk": "gp3:200GiB"}]}).build().nodes[0].spec
    assert spec.filesystem.size == 200 * 2**30
    assert from_mapping({"nodes": [{"disk": "P10"}]}).build().nodes[0].spec.filesystem is None


@pytest.mark.parametrize(
    "preset, text, write, burst, credit",
    [
        ("aws/m6i.large", "gp3", 81.25e6, 125 * MIB, 1800 * (125 * MIB - 81.25e6)),
        ("aws/m6i.large-gp3", "gp3", 81.25e6, 125 * MIB, 1800 * (125 * MIB - 81.25e6)),
        ("aws/m6i.large", "gp3:60MiB/s", 60 * MIB, None, None),
        ("aws/m6i.large", "gp3:2000MiB/s", 81.25e6, 1250e6, 1800 * (1250e6 - 81.25e6)),
        ("aws/g6e.12xlarge", "gp3:1000MiB/s", 1000 * MIB, None, None),
        ("aws/g6e.12xlarge", "io2", 2500e6, None, None),
        ("aws/g6e.12xlarge", "local-nvme", 2 * 500e6, None, None),
        ("aws/p5.48xlarge", "local-nvme:9GB/s", 9e9, None, None),
        ("azure/D2s_v5", "P10", 85e6, 170e6, 1800 * 85e6),
        ("azure/D4s_v5", "P20", 145e6, 170e6, 1800 * 25e6),
        ("azure/NC64as_T4_v3", "P10", 100e6, 170e6, 1800 * 70e6),
        ("gcp/n2-standard-8", "pd-ssd:500GiB", 480 * MIB, None, None),
    ],
)
def test_the_rate_is_the_lesser_of_disk_and_instance(preset, text, write, burst, credit):
    made = disk(text, preset=preset)
    assert made.write == pytest.approx(write)
    assert (made.burst and made.burst.write) == (burst and pytest.approx(burst))
    assert (made.burst and made.burst.credit) == (credit and pytest.approx(credit, rel=1e-3))


@given(st.sampled_from(list(machine_names())), st.integers(1, 2000))
def test_no_disk_over_the_network_is_faster_than_the_instance(name, rate):
    machine = find_machine(name)
    text = {"aws": "gp3", "gcp": "hyperdisk-balanced", "azure": "premium-ssd-v2"}[machine.provider]
    figures = parse_volume(f"{text}:{rate}MB/s").figures(machine)["disk"]
    made = from_mapping({"nodes": [{"disk": figures}]}).build().nodes[0].spec.disk
    assert made.write == pytest.approx(min(rate * 1e6, machine.volumes or float("inf")))
    highest = min(rate * 1e6, machine.volumes_burst or machine.volumes or float("inf"))
    assert (made.burst.write if made.burst else made.write) == pytest.approx(highest)


def test_figures_beside_the_name_stand_above_it():
    made = disk({"volume": "gp3", "write": "70MB/s", "fsync": "1ms"}, preset="aws/m6i.large")
    assert (made.write, made.burst, made.fsync) == (70e6, None, 1e-3)
    assert made.page_cache is not None  # the preset's, which is of the machine's memory
    assert disk({"volume": "local-nvme"}, preset="aws/g6e.xlarge").fsync == 0  # the disk of the preset is another
    assert disk({"write": "70MB/s"}, preset="aws/g6e.12xlarge").fsync == pytest.approx(14.4e-3)


def test_the_database_of_the_runtime_is_on_the_disk():
    pool = {"preset": "gcp/n2-standard-8", "disk": "local-ssd"}
    assert from_mapping({"nodes": [pool]}).build().nodes[0].spec.runtime.metadata_write == pytest.approx(2.65e-3)
    pool["metadata"] = {"write": "9ms"}
    assert from_mapping({"nodes": [pool]}).build().nodes[0].spec.runtime.metadata_write == pytest.approx(9e-3)


def test_a_preset_file_may_name_a_disk(tmp_path):
    (tmp_path / "p.yaml").write_text("disk: gp3\nlabels: {node.kubernetes.io/instance-type: m6i.large}\n")
    scenario = from_mapping({"nodes": [{"preset": "p.yaml"}]}, directory=tmp_path)
    assert scenario.build().nodes[0].spec.disk.write == 81.25e6
    (tmp_path / "p.yaml").write_text("disk: gp4\n")
    with pytest.raises(InputError, match=r"p\.yaml:1:7: nodes\[0\]\.disk: 'gp4' is no disk"):
        from_mapping({"nodes": [{"preset": "p.yaml"}]}, directory=tmp_path)


def test_overrides_change_the_disk_and_figures_beside_it():
    scenario = from_mapping({"nodes": [{"preset": "aws/m7i.4xlarge", "disk": "gp3:250MiB/s"}]})
    written = override(scenario, ["nodes[*].disk.fsync=2ms"]).build().nodes[0].spec.disk
    assert (written.write, written.fsync) == (250 * MIB, 2e-3)
    assert override(scenario, ["nodes[*].disk=gp3:300MiB/s"]).build().nodes[0].spec.disk.write == 300 * MIB
    assert override(scenario, ["nodes[*].disk=null"]).build().nodes[0].spec.disk.write is None


def test_effective_and_source_scenarios_are_the_same():
    scenario = from_mapping({"nodes": [{"preset": "aws/m6i.large", "disk": "gp3:200GiB:500MiB/s"}]})
    assert "gp3:200GiB:500MiB/s" in source_yaml(scenario)
    text = effective_yaml(scenario)
    assert "volume" not in text
    assert from_mapping(parse_document(text, "effective").tree).build().nodes == scenario.build().nodes


@pytest.mark.parametrize(
    "value, preset, message",
    [
        ("gp4", None, r"nodes\[0\]\.disk: 'gp4' is no disk: TYPE, TYPE:RATE or TYPE:SIZE, as gp3:1000MiB/s; did you"),
        ("nothing-like-it", None, "is no disk: .*; `pullsim presets --disks` lists all"),
        ("gp3:3000MiB/s", None, "gp3 has at most 2000MiB/s"),
        ("gp3:0MB/s", None, "must be greater than 0"),
        ("gp3:0GB", None, "a disk holds something"),
        ("gp3:1GB:2GB", None, "has two sizes"),
        ("gp3:1MB/s:2MB/s", None, "has two rates"),
        ("gp3:fast", None, "size 'fast' does not start with a number"),
        ("gp3:", None, "size '' does not start with a number"),
        ("P10:200MB/s", None, "the rate of P10 comes with its type, 100MB/s"),
        ("pd-ssd", "aws/m6i.large", "pd-ssd is a disk of gcp, and aws/m6i.large has one of gp3, gp2, io1, io2, local"),
        ("local-nvme", "aws/m6i.large", "aws/m6i.large has no local disks"),
        ({"volume": "gp3:1MB"}, None, ""),
        (5, None, "must be text"),
        ({"volume": 5}, None, "must be text"),
        ([1], None, "disk"),
    ],
)
def test_wrong_disks(value, preset, message):
    pool = {"disk": value} | ({"preset": preset} if preset else {})
    if not message:
        assert from_mapping({"nodes": [pool]}).build()
        return
    with pytest.raises(InputError, match=message):
        from_mapping({"nodes": [pool]}).build()
