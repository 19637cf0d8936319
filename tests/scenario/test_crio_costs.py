"""What a pool with CRI-O costs by default, and what its keys change."""

from __future__ import annotations

import pytest
import yaml

from pullsim import effective_yaml
from pullsim.errors import InputErrors
from pullsim.scenario import from_mapping
from pullsim.spec.runtime import ContainerdSpec, CrioSpec
from pullsim.spec.unpack import CRIO_UNPACK, InflateSpec


def scenario(**pool):
    return from_mapping({"version": 1, "nodes": [{"name": "n", **pool}]})


def runtime(**pool):
    (node,) = scenario(**pool).build().nodes
    return node.spec.runtime


CRIO = {"crio": "1.36"}


def test_cri_o_has_defaults_of_its_own_and_containerd_keeps_its():
    assert runtime(runtime=CRIO) == CrioSpec((1, 36, 3))
    assert runtime() == ContainerdSpec()


def test_what_the_scenario_gives_holds():
    found = runtime(runtime=CRIO, unpack={"perFile": "1ms", "secondCore": 0.5}, metadata={"write": "7ms"})
    assert (found.unpack.per_file, found.unpack.second_core, found.metadata_write) == (1e-3, 0.5, 7e-3)
    assert found.unpack.per_layer == CRIO_UNPACK.per_layer


def test_inflating_follows_unpacking_unless_it_is_given():
    assert runtime(runtime=CRIO, unpack={"gzip": "272MB/s"}).inflate.gzip == pytest.approx(2 * InflateSpec().gzip)
    given = runtime(runtime=CRIO, unpack={"gzip": "272MB/s", "inflate": "50MB/s", "inflatePerLayer": "1ms"}).inflate
    assert (given.gzip, given.per_layer) == (50e6, 1e-3)
    assert runtime(runtime=CRIO, unpack={"decompressor": "unpigz"}).inflate.gzip == 260e6
    assert runtime(runtime=CRIO, unpack={"decompressor": "unpigz", "inflate": "50MB/s"}).inflate.gzip == 50e6


def test_a_preset_was_measured_with_containerd_and_its_rate_holds():
    preset = "aws/hpc6a.48xlarge-gp2"
    rate = runtime(preset=preset).unpack.gzip
    found = runtime(runtime=CRIO, preset=preset)
    assert (found.unpack.gzip, found.unpack.per_layer) == (rate, CRIO_UNPACK.per_layer)
    assert found.inflate.gzip == pytest.approx(InflateSpec().gzip * rate / CRIO_UNPACK.gzip)


def test_the_effective_scenario_is_the_same_once_more():
    first = scenario(runtime=CRIO, unpack={"gzip": "272MB/s"})
    again = from_mapping(yaml.safe_load(effective_yaml(first)))
    assert again.build().nodes == first.build().nodes
    assert effective_yaml(again) == effective_yaml(first)


def test_containerd_ignores_what_is_cri_os_with_a_warning():
    found = scenario(unpack={"inflate": "50MB/s", "inflatePerLayer": "1ms"}).assemble()
    assert [text for text in found.warnings if "CRI-O's" in text] == [
        f"nodes[n].unpack.{key} is CRI-O's, and this pool has containerd: it is ignored"
        for key in ("inflate", "inflatePerLayer")
    ]
    assert found.cluster.nodes[0].spec.runtime == ContainerdSpec()


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("secondCore", 1.5, "less than or equal to 1"),
        ("inflate", "0MB/s", "inflate"),
        ("inflatePerLayer", "-1ms", "-1ms"),
    ],
)
def test_bad_values_are_one_error(key, value, text):
    with pytest.raises(InputErrors) as caught:
        scenario(runtime=CRIO, unpack={key: value})
    (error,) = caught.value.errors
    assert text in str(error)
    assert f"unpack.{key}" in str(error)
