"""Registries that a scenario does not list: they are taken for public ones, and it is said."""

from __future__ import annotations

import pytest

from pullsim import run
from pullsim.scenario import effective_yaml, from_mapping, load, override

IMAGES = {"define": [{"image": "ghcr.io/a/b:1", "size": "100MB"}, {"image": "quay.io/c/d:1", "size": "1MB"}]}


def scenario(*registries, images=("ghcr.io/a/b:1",), **pool):
    workloads = [{"pods": {"image": image}} for image in images]
    tree = {"images": IMAGES, "nodes": [pool], "registries": list(registries), "workloads": workloads}
    return from_mapping(tree)


def figures(registry):
    return registry.round_trip, registry.first_byte, registry.per_connection


def test_a_registry_that_is_not_listed_is_a_public_one():
    built = scenario(images=("ghcr.io/a/b:1", "quay.io/c/d:1")).assemble()
    assert [registry.host for registry in built.cluster.registries] == ["ghcr.io", "quay.io"]
    assert {figures(registry) for registry in built.cluster.registries} == {(0.02, 0.02, 100e6)}
    assert built.assumption == (
        "registries: ghcr.io, quay.io are not listed: assumed to be public, with a round trip of 20 ms, 20 ms to the "
        "first byte and 100 MB/s a connection"
    )


@pytest.mark.parametrize("host", ["ghcr.io", "ghcr.io:443"])
def test_a_listed_one_has_its_figures_and_the_models_defaults(host):
    built = scenario({"host": host, "firstByte": "7ms"}).assemble()
    assert [figures(registry)[:2] for registry in built.cluster.registries] == [(1e-3, 7e-3)]
    assert built.assumption is None


def test_without_pulls_nothing_is_assumed():
    built = scenario(runtime={"fixed": {"images": {"ghcr.io/a/b:1": {"pull": "1s"}}}}).assemble()
    assert (built.cluster.registries, built.assumption) == ((), None)


def test_a_run_says_so_and_takes_its_time():
    said = []
    far = run(scenario(), announce=said.append)
    assert [text for text in said if "ghcr.io is not listed" in text]
    said.clear()
    near = run(scenario({"host": "ghcr.io"}), announce=said.append)
    assert said == []
    assert far.pods[0].started > near.pods[0].started


def test_overrides_of_one_that_is_not_listed_change_it_alone():
    (registry,) = override(scenario(), ["registries[ghcr.io].roundTrip=50ms"]).build().registries
    assert figures(registry) == (0.05, 0.02, 100e6)


def test_the_effective_scenario_assumes_the_same(tmp_path):
    path = tmp_path / "effective.yaml"
    path.write_text(effective_yaml(scenario()))
    assert load(path).build().registries == scenario().build().registries
