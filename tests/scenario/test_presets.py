"""Presets: what a pool takes over from one, and what stands against it."""

from __future__ import annotations

import pytest
import yaml

from pullsim.errors import InputError, Location
from pullsim.scenario import effective_yaml, from_mapping, load, override
from pullsim.scenario.presets.nodes import SECTIONS, builtin, find

PRESET = """\
about: measured here
nic: {rate: 2Gbit/s, burst: {rate: 10Gbit/s, credit: 60GB}}
disk: {write: 100MB/s, fsync: 3ms, pageCache: {limit: 4GB, background: 2GB}}
cores: {count: 2, efficiency: 0.8}
unpack: {gzip: 90MB/s, perLayer: 2ms}
metadata: {write: 5ms}
registry: {host: ghcr.io, egress: 5GB/s, roundTrip: 9ms}
"""


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "node.yaml").write_text(PRESET)
    return tmp_path


def build(directory, pool, overrides=(), **more):
    return from_mapping({"nodes": [{"preset": "node.yaml", **pool}], **more}, overrides, directory).build()


def test_a_preset_fills_in_what_the_pool_leaves_out(directory):
    spec = build(directory, {"disk": {"write": "250MB/s"}, "unpack": {"zstd": "300MB/s"}}).nodes[0].spec
    assert spec.disk.write == 250e6
    assert spec.disk.fsync == 3e-3
    assert spec.disk.page_cache.limit == 4e9
    assert (spec.cores.count, spec.cores.efficiency) == (2, 0.8)
    assert (spec.nic.rate, spec.nic.burst.credit) == (0.25e9, 60e9)
    assert (spec.runtime.unpack.gzip, spec.runtime.unpack.zstd) == (90e6, 300e6)
    assert spec.runtime.metadata_write == 5e-3


@pytest.mark.parametrize(
    ("pool", "rate", "burst"),
    [
        ({"nic": "25Gbit/s"}, 25e9 / 8, None),  # a value instead of the mapping stands alone
        ({"nic": {"rate": "5Gbit/s"}}, 5e9 / 8, 10e9 / 8),
        ({"nic": {"burst": None}}, 2e9 / 8, None),  # null too stands
    ],
)
def test_what_the_pool_says_stands(directory, pool, rate, burst):
    nic = build(directory, pool).nodes[0].spec.nic
    assert nic.rate == rate
    assert (nic.burst and nic.burst.rate) == burst


def test_overrides_stand_against_presets_and_may_change_them(directory):
    assert build(directory, {}, ["nodes[*].disk.pageCache=null"]).nodes[0].spec.disk.page_cache is None
    scenario = from_mapping({"nodes": [{"preset": "node.yaml"}]}, directory=directory)
    assert override(scenario, ["nodes[*].disk.write=1GB/s"]).build().nodes[0].spec.disk.write == 1e9
    (directory / "other.yaml").write_text("disk: {write: 7MB/s}")
    assert override(scenario, ["nodes[*].preset=other.yaml"]).build().nodes[0].spec.disk.write == 7e6


def test_the_registry_of_a_preset_is_below_the_scenarios(directory):
    (alone,) = build(directory, {}).registries
    assert (alone.host, alone.egress, alone.round_trip) == ("ghcr.io", 5e9, 9e-3)
    docker, ghcr = build(
        directory, {}, registries=[{"host": "docker.io"}, {"host": "ghcr.io", "roundTrip": "1ms"}]
    ).registries
    assert (docker.round_trip, ghcr.round_trip, ghcr.egress) == (1e-3, 1e-3, 5e9)


def test_a_registry_without_a_host_is_below_all_that_the_scenario_lists(tmp_path):
    (tmp_path / "node.yaml").write_text("registry: {firstByte: 60ms}\n")
    registries = [{"host": "docker.io"}, {"host": "ghcr.io", "firstByte": "1ms"}]
    assert [r.first_byte for r in build(tmp_path, {}, registries=registries).registries] == [60e-3, 1e-3]


def test_the_effective_scenario_writes_the_figures_out_and_loads_without_the_preset(directory):
    scenario = from_mapping({"nodes": [{"preset": "node.yaml"}]}, directory=directory)
    text = effective_yaml(scenario)
    pool = yaml.safe_load(text)["nodes"][0]
    assert "preset" not in pool
    assert pool["disk"]["pageCache"]["limit"] == "4GB"
    (directory / "elsewhere").mkdir()
    (directory / "elsewhere" / "scenario.yaml").write_text(text)
    assert load(directory / "elsewhere" / "scenario.yaml").build().nodes == scenario.build().nodes


def test_a_short_section_of_a_preset_fills_up_a_mapping(tmp_path):
    (tmp_path / "node.yaml").write_text("cores: 7\nnic: 3Gbit/s\n")
    spec = build(tmp_path, {"cores": {"efficiency": 0.5}}).nodes[0].spec
    assert (spec.cores.count, spec.cores.efficiency, spec.nic.rate) == (7, 0.5, 3e9 / 8)


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("aws/c5a.4xlarge-gp3", "nodes[0].preset|did you mean aws/c5a.4xlarge-gp2"),
        ("nothing.yaml", "nothing.yaml: there is no such file"),
        ({"disk": {"wrte": "1MB/s"}}, "p.yaml:2:3: nodes[0].disk: unknown key 'wrte'; did you mean write?"),
        ({"disk": {"write": "fast"}}, "p.yaml:2:10: nodes[0].disk.write: "),
        ({"dsk": {}}, "p.yaml:1:1: unknown key 'dsk' in a preset; did you mean disk?"),
        ({"registry": {"egress": "1GB/s"}}, "p.yaml:1:1: registry: of which host? Write host: there"),
        ({"nic": {"rate": "5GB/s", "burst": {"rate": "1GB/s", "credit": "1GB"}}}, "burst.rate "),
        ({"disk": {"pageCache": {"limit": "2GB", "background": "1GB"}}}, "need the write rate"),
    ],
)
def test_mistakes_are_told_at_their_place_in_the_preset(tmp_path, preset, message):
    if isinstance(preset, dict):
        (tmp_path / "p.yaml").write_text(yaml.dump(preset))
        preset = "p.yaml"
    with pytest.raises(InputError) as caught:
        from_mapping({"nodes": [{"preset": preset}]}, directory=tmp_path)
    assert all(part in str(caught.value) or part == "nodes[0].preset" for part in message.split("|"))


def test_a_release_that_does_not_know_a_decompressor_is_refused():
    pool = {"runtime": {"containerd": "1.7"}, "unpack": {"decompressor": "igzip"}}
    with pytest.raises(InputError, match=r"containerd looks for igzip from 2\.0 on"):
        from_mapping({"nodes": [pool]}).build()


@pytest.mark.parametrize("name", builtin())
def test_every_built_in_preset_builds_and_every_figure_has_a_source(name):
    preset = builtin()[name]
    assert preset.tree["about"]
    assert set(preset.tree) <= {*SECTIONS, "registry", "about", "sources"}
    assert from_mapping({"nodes": [{"preset": name}]}).build().nodes
    figures = list(preset.figures())
    assert all(source for _, _, source in figures), [key for key, _, source in figures if not source]
    for source in preset.tree["sources"]:
        assert any(f"{key}.".startswith(f"{source}.") for key, _, _ in figures), source


@pytest.mark.parametrize(
    "text, message",
    [
        ("sources: x", ":1:10: sources: 'x' must be a mapping of keys to texts"),
        ("sources: {nic: 5}", ":1:10: sources: a mapping must be a mapping of keys to texts"),
        ("about: [x]", ":1:8: about: a list must be text"),
        ("disk: 5", ":1:7: disk: 5 must be a mapping"),
        ("nic: [x]", ":1:6: nic: a list must be a mapping"),
        ("registry: x", ":1:11: registry: 'x' must be a mapping"),
    ],
)
def test_keys_of_a_file_have_their_types(tmp_path, text, message):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        find("p.yaml", tmp_path, Location("NAME"))
    assert str(caught.value) == f"{path}{message}"


def test_keys_without_a_value_are_none(tmp_path):
    (tmp_path / "p.yaml").write_text("nic: 5Gbit/s\nsources:\ndisk:\nregistry:\nabout:\n")
    assert list(find("p.yaml", tmp_path, Location("NAME")).figures()) == [("nic", "5Gbit/s", "")]


@pytest.mark.parametrize("name", ["x" * 70_000, "a\0b", "\x1b[31m"])
def test_names_that_are_none(tmp_path, name):
    with pytest.raises(InputError, match="is neither a preset nor a file") as caught:
        find(name, tmp_path, Location("NAME"))
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()
