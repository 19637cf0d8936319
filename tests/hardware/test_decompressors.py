"""What inflates a layer, and what that costs on one core and on two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.hardware.cores import cores
from pullsim.kernel.environment import Environment
from pullsim.oci.manifest import Layer
from pullsim.runtime.unpack import Unpacker
from pullsim.spec.hardware import CoresSpec
from pullsim.spec.unpack import CRIO_UNPACK, InflateSpec, UnpackSpec, inflate_spec

LAYER = Layer.of("sha256:" + "a" * 64, 50_000_000, unpacked=112_000_000, files=2150)
COSTS = UnpackSpec(gzip=100e6, unpigz=224e6, igzip=448e6, piped=160e6, per_file=0.0, per_layer=0.0)


def unpacked(spec, layer=LAYER, count=2, efficiency=1.0):
    env = Environment()
    unpacker = Unpacker(env, spec, cores(env, CoresSpec(count, efficiency)), None)
    env.run(env.process(unpacker.unpack(layer)))
    return env.now


@pytest.mark.parametrize(
    ("decompressor", "count", "expected"),
    [
        ("gzip", 1, 1.12),  # one stream, whatever the cores
        ("gzip", 2, 1.12),
        ("unpigz", 2, 0.7),  # 0.5 s beside 0.7 s: the longer of both
        ("unpigz", 1, 1.2),  # one after the other
        ("igzip", 2, 0.7),  # faster, but the pipe decides
    ],
)
def test_a_process_of_its_own_overlaps_on_a_second_core(decompressor, count, expected):
    spec = UnpackSpec(100e6, unpigz=224e6, igzip=448e6, piped=160e6, per_file=0, per_layer=0, decompressor=decompressor)
    assert unpacked(spec, count=count) == pytest.approx(expected)


def test_the_labs_50_mb_layer_with_and_without_unpigz():
    """Group k of the lab: 1.07 s in Go, 0.74 s with unpigz, on two cores."""
    assert unpacked(UnpackSpec()) == pytest.approx(1.07, rel=0.05)
    assert unpacked(UnpackSpec(decompressor="unpigz"), efficiency=0.85) == pytest.approx(0.74, rel=0.15)


@pytest.mark.parametrize(
    ("layers", "count", "expected"),
    [
        (1, 2, 1.12 + 0.5),  # 0.56 s beside 1.12 s of bytes; 0.5 s a layer keep one core busy
        (1, 1, 1.12 + 0.5 + 0.56),
        (2, 2, (2 * 1.62 + 2 * 0.56) / 2),  # both cores busy to the end
        (2, 8, 1.62),
    ],
)
def test_unpacking_may_keep_a_second_core_busy_for_a_part_of_the_time(layers, count, expected):
    env = Environment()
    spec = UnpackSpec(100e6, per_file=0.0, per_layer=0.5, second_core=0.5)
    unpacker = Unpacker(env, spec, cores(env, CoresSpec(count, 1.0)), None)
    done = [env.process(unpacker.unpack(LAYER)) for _ in range(layers)]
    env.run(env.all_of(done))
    assert env.now == pytest.approx(expected)


def test_inflating_without_a_rate_of_its_own_keeps_its_relation_to_unpacking():
    usual = InflateSpec()
    assert inflate_spec(CRIO_UNPACK) == usual
    twice = replace(CRIO_UNPACK, gzip=2 * CRIO_UNPACK.gzip)
    assert inflate_spec(twice) == replace(usual, gzip=2 * usual.gzip)
    assert inflate_spec(twice, 50e6, 1.0) == replace(usual, gzip=50e6, per_layer=1.0)
    random = Layer.of("sha256:" + "b" * 64, 100_000_000, unpacked=101_000_000, files=0)
    assert usual.work(random) == pytest.approx(usual.per_layer + 101e6 / usual.stored)


def test_only_gzip_needs_it():
    stored = Layer.of("sha256:" + "b" * 64, 100_000_000, unpacked=100_000_000, files=0)
    spec = UnpackSpec(stored=200e6, per_file=0.0, per_layer=0.0, decompressor="unpigz")
    assert spec.work(stored) == 0.5
    assert spec.inflating(stored) == 0.0
    assert spec.work(LAYER) > spec.inflating(LAYER) > 0.0


def test_slow_hashing_is_added():
    assert UnpackSpec(sha256=400e6).work(LAYER) == pytest.approx(UnpackSpec().work(LAYER) + 0.28)
