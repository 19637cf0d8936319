"""The seam of snapshotters: one that mounts layers without their blobs, beside overlayfs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.runtime.snapshotter.kinds import SNAPSHOTTERS
from pullsim.runtime.snapshotter.overlay import Overlay
from pullsim.spec.runtime import RuntimeHandler
from tests.support.world import HOST, UNLIMITED, containerd, image, layer, node, pod, registry, run

SECONDS, SIZE = 0.25, 1000
MOUNTED = {"below"}
IMAGE = {"app:1": image(layer("below", 4.0, 1.0), layer("above", 2.0, 1.0))}


class Mounted:
    """A layer that is mounted in SECONDS, and takes SIZE bytes."""

    size = SIZE

    def __init__(self, env):
        self._env = env

    def wait(self):
        yield self._env.timeout(SECONDS)
        return True

    def mounted(self, chain_id):
        assert chain_id.startswith(("sha256:", "lazy/"))


class Lazy:
    """Mounts the layers in MOUNTED; the others are unpacked as by overlayfs."""

    def __init__(self, node, unpacker):
        self._env = node.env
        self.unpack = Overlay(node, unpacker).unpack

    def mount(self, layer_, source):
        return Mounted(self._env) if layer_.digest in {layer(name).digest for name in MOUNTED} else None


def pulled(snapshotter: str, *, unpacks: int = 1, images=IMAGE, size: int = 10**12):
    runtime = replace(containerd(), snapshotter=snapshotter, max_concurrent_unpacks=unpacks)
    result = run([pod("p", f"{HOST}/app:1")], node(runtime, size=size), images=images, registries=[registry()])
    return result.pulls[0], result


@pytest.fixture
def lazy(monkeypatch):
    monkeypatch.setitem(SNAPSHOTTERS, "lazy", Lazy)


@pytest.mark.parametrize("unpacks", [1, 2])
@pytest.mark.usefixtures("lazy")
def test_a_layer_that_is_mounted_is_neither_fetched_nor_unpacked(unpacks):
    pull, result = pulled("lazy", unpacks=unpacks)
    above = IMAGE["app:1"].layers[1]
    assert pull.ok
    assert pull.downloaded == above.size
    assert [each.digest for each in result.layers] == [above.digest]
    assert pull.ended - pull.started == pytest.approx(SECONDS + 2.0 + 1.0)
    assert result.disks[0].used == SIZE + above.size + above.unpacked


@pytest.mark.parametrize("unpacks", [1, 2])
@pytest.mark.usefixtures("lazy")
def test_an_image_of_mounted_layers_alone_downloads_nothing(unpacks):
    pull, result = pulled("lazy", unpacks=unpacks, images={"app:1": image(layer("below", 4.0, 1.0))})
    assert (pull.downloaded, result.layers) == (0, [])
    assert pull.ended - pull.started == pytest.approx(SECONDS)
    assert result.disks[0].used == SIZE


@pytest.mark.parametrize("unpacks", [1, 2])
@pytest.mark.usefixtures("lazy")
def test_a_mount_that_finds_no_space_fails_the_pull(unpacks):
    pull, result = pulled("lazy", unpacks=unpacks, size=SIZE - 1)
    assert (pull.ok, pull.cause, result.layers) == (False, "noSpace", [])
    assert pull.ended - pull.started == pytest.approx(SECONDS)


@pytest.mark.usefixtures("lazy")
def test_a_runtime_handler_has_the_snapshotter_of_its_own():
    handlers = (RuntimeHandler("runc"), RuntimeHandler("vm", "lazy"))
    pods = [pod("p", f"{HOST}/app:1"), pod("q", f"{HOST}/app:1", at=50.0, handler="vm")]
    kubelet = {**UNLIMITED, "featureGates": {"RuntimeClassInImageCriApi": True}}
    on = node(containerd(), size=10**12, handlers=handlers, kubelet=kubelet)
    result = run(pods, on, images=IMAGE, registries=[registry()])
    first, second = result.pulls
    assert first.downloaded == sum(each.size for each in IMAGE["app:1"].layers)
    assert (second.downloaded, second.ended - second.started) == (0, pytest.approx(SECONDS + 1.0))
    assert [(each.pod, each.unpacked) for each in result.layers[2:]] == [("q", IMAGE["app:1"].layers[1].unpacked)]


@pytest.mark.usefixtures("lazy")
def test_a_name_that_is_not_in_the_table_is_simulated_as_overlayfs():
    first, other = (pulled(name)[0] for name in ("overlayfs", "zfs"))
    assert first == other
    assert first.downloaded == sum(each.size for each in IMAGE["app:1"].layers)
