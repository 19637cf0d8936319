"""EROFS, by closed forms: a layer costs its bytes and no files; its modes, and layers side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.oci.manifest import Layer, synthetic_digest
from pullsim.spec.hardware import DiskSpec, PageCacheSpec
from pullsim.spec.snapshotter import ErofsSpec
from pullsim.spec.unpack import COPY
from tests.support.world import FAST, RATE, UNIT, containerd, layer, node, pull_alone


def took(*layers, spec=ErofsSpec, write=None, unpacks=1, **unpack):
    runtime = replace(containerd((2, 2), 10, per_file=0.01, **unpack), max_concurrent_unpacks=unpacks)
    if spec is not None:
        runtime = replace(runtime, snapshotter="erofs", erofs=spec() if isinstance(spec, type) else spec)
    on = node(runtime)
    if write is not None:
        on = replace(on, disk=DiskSpec(write, page_cache=PageCacheSpec(FAST, FAST)))
    _, made = pull_alone(*layers, spec=on)
    return made.ended - made.started


def test_files_cost_overlayfs_what_erofs_saves():
    content = layer("x", 1.0, 4.0, files=300)
    assert took(content, spec=None) == pytest.approx(1.0 + 4.0 + 3.0)
    assert took(content) == pytest.approx(1.0 + 4.0)


def test_a_decompressor_process_runs_beside_the_rest_as_with_overlayfs():
    content = layer("x", 1.0, 4.0, files=300)
    assert took(content, decompressor="unpigz", unpigz=RATE / 2, piped=RATE) == pytest.approx(1.0 + 8.0)
    assert took(content, decompressor="unpigz", unpigz=FAST, piped=RATE) == pytest.approx(1.0 + 4.0)


def test_layers_are_made_side_by_side_where_there_are_slots():
    layers = layer("x", 1.0, 4.0, files=300), layer("y", 0.0, 4.0, files=300)
    assert took(*layers) == pytest.approx(1.0 + 8.0)
    assert took(*layers, unpacks=2) == pytest.approx(1.0 + 4.0)


def test_an_index_copies_the_tar_once_more():
    content = layer("x", 1.0, 4.0, files=300)
    assert took(content, spec=ErofsSpec("tarIndex")) == pytest.approx(1.0 + 4.0 + 4 * UNIT / COPY)


@pytest.mark.parametrize("zstd", [RATE, 2 * RATE])
def test_layers_that_are_erofs_are_copied_or_inflated_with_zstd(zstd):
    native = ErofsSpec("native")
    compressed, plain = (
        layer("x", 2.0, 4.0, files=300),
        Layer.of(synthetic_digest("l", "y"), 2 * UNIT, unpacked=2 * UNIT),
    )
    assert took(compressed, spec=native, zstd=zstd) == pytest.approx(2.0 + 4 * UNIT / zstd)
    assert took(plain, spec=native, zstd=zstd) == pytest.approx(2.0 + 2 * UNIT / COPY)


def test_an_immutable_layer_is_on_the_disk_before_it_is_committed():
    """4 s of work whose 4 RATE bytes a cache takes at once, and a disk of RATE / 2 in 8 s."""
    content = layer("x", 0.0, 4.0, files=300)
    assert took(content, write=RATE / 2) == pytest.approx(4.0)
    assert took(content, write=RATE / 2, spec=ErofsSpec(immutable=True)) == pytest.approx(8.0)
