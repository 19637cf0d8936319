"""The keys soci, erofs, lazy and snapshotter of a runtime: presets, what they build, what is refused or warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

import pullsim
from pullsim.errors import InputErrors
from pullsim.results.invariants import check
from pullsim.scenario import from_mapping
from pullsim.scenario.builder.snapshotter import PRESETS
from pullsim.spec.lazy import KINDS, BackgroundSpec
from pullsim.spec.snapshotter import SociSpec
from pullsim.spec.unpack import UnpackSpec

IMAGE = {"image": "registry.test/a:1", "layers": [{"size": "1MB"}]}


def assembled(runtime, *, registries=({"host": "registry.test"},), **pool):
    return from_mapping(
        {
            "images": {"define": [IMAGE]},
            "registries": list(registries),
            "nodes": [{"name": "n", "runtime": runtime, **pool}],
            "workloads": [{"name": "w", "pods": {"image": IMAGE["image"]}}],
        }
    ).assemble()


def built(runtime, **given):
    made = assembled(runtime, **given)
    return made.cluster.pools["n"].runtime, made.warnings


def refused(runtime, **given):
    with pytest.raises(InputErrors) as caught:
        assembled(runtime, **given)
    return str(caught.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_its_published_values(preset):
    runtime, warnings = built({"soci": preset})
    found = runtime.soci
    values = found.chunk_size, found.downloads_per_image, found.unpacks_per_image, found.discard_layers
    assert values == ((0, 3, 1, False) if preset == "bottlerocket" else (16 * 2**20, 20, 12, True))
    assert (found.downloads, found.unpacks, found.decompressor) == (None, None, "unpigz")
    assert (runtime.snapshotter, runtime.local_pull) == ("soci", True)
    assert any("not published" in each for each in warnings) == (preset == "eks-auto")


def test_keys_stand_above_those_of_the_preset_and_without_one_above_the_daemons():
    runtime, _ = built({"soci": {"preset": "eks-al2023", "chunkSize": "8MiB", "unpacks": 20, "downloadsPerImage": -1}})
    found = runtime.soci
    assert (found.chunk_size, found.downloads_per_image, found.unpacks_per_image, found.unpacks) == (
        2**23,
        None,
        12,
        20,
    )
    runtime, _ = built({"snapshotter": "soci", "soci": {}}, unpack={"decompressor": "igzip"})
    assert runtime.soci == SociSpec(decompressor="igzip", unpack=UnpackSpec(decompressor="igzip"))
    runtime, _ = built({"soci": {"unpacksPerImage": "unlimited", "discardLayers": True, "decompressor": "gzip"}})
    assert (runtime.soci.unpacks_per_image, runtime.soci.discard_layers) == (None, True)


def test_a_faster_core_is_faster_in_all_streams_unless_their_rates_are_given():
    runtime, _ = built({"soci": {}}, unpack={"gzip": "230MB/s", "igzip": "300MB/s"})
    own, found = UnpackSpec(), runtime.soci.unpack
    factor = 230e6 / own.gzip
    assert (found.core, found.unpigz, found.piped) == pytest.approx((factor, own.unpigz * factor, own.piped * factor))
    assert found.igzip == 300e6
    assert runtime.unpack.piped == own.piped  # containerd's own costs stay as they are


@pytest.mark.parametrize(("cores", "used"), [(2, False), (3, False), (4, True), (8, True)])
def test_fast_image_pull_is_ignored_on_small_nodes(cores, used):
    runtime, warnings = built({"soci": "eks-al2023"}, cores=cores)
    assert (runtime.soci is not None, runtime.snapshotter == "soci") == (used, used)
    assert any("is ignored, as FastImagePull" in each for each in warnings) != used
    assert built({"soci": "bottlerocket"}, cores=cores)[0].soci is not None


def test_erofs_is_a_mode_or_a_mapping():
    runtime, _ = built({"erofs": "tarIndex"})
    assert (runtime.snapshotter, runtime.erofs.mode, runtime.erofs.immutable) == ("erofs", "tarIndex", False)
    assert built({"erofs": {"immutable": True}})[0].erofs.immutable
    assert built({"snapshotter": "erofs"})[0].erofs.mode == "convert"
    assert built({})[0].snapshotter == "overlayfs"


@pytest.mark.parametrize(
    ("runtime", "text"),
    [
        ({"soci": "gke"}, "eks-al2023"),
        ({"soci": {"downloads": 0}}, "is no limit"),
        ({"soci": {"downloads": True}}, "is no limit"),
        ({"soci": {"unpacks": -2}}, "is no limit"),
        ({"soci": {"unpacksPerImage": "many"}}, "is no limit"),
        ({"soci": {"chunkSize": "-1MB"}}, "chunkSize"),
        ({"soci": {"chunkSize": 16}}, "chunks of 16 bytes are too small: at least 100kB, or 0 for whole layers"),
        ({"soci": {"rereads": 1.5}}, "rereads"),
        ({"soci": {"chunk": 1}}, "chunk"),
        ({"snapshotter": "soci"}, "needs soci"),
        ({"snapshotter": "btrfs"}, "overlayfs"),
        ({"snapshotter": "overlayfs", "soci": {}}, "set snapshotter: soci"),
        ({"snapshotter": "soci", "soci": {}, "erofs": "convert"}, "set snapshotter: erofs"),
        ({"containerd": "2.0", "erofs": "convert"}, "erofs exists from containerd 2.1 on"),
        ({"containerd": "1.7", "snapshotter": "erofs"}, "erofs exists from containerd 2.1 on"),
        ({"erofs": "squash"}, "convert"),
        ({"crio": "1.36", "soci": {}}, "soci is containerd's"),
        ({"crio": "1.36", "snapshotter": "erofs"}, "snapshotter is containerd's"),
    ],
)
def test_a_mistake_is_named(runtime, text):
    assert text in refused(runtime)


def test_a_handler_may_have_the_snapshotter_of_its_own():
    handlers = [{"name": "runc"}, {"name": "kata", "snapshotter": "erofs"}]
    runtime, _ = built({"snapshotter": "overlayfs", "erofs": "native"}, runtimeHandlers=handlers)
    assert (runtime.snapshotter, runtime.erofs.mode) == ("overlayfs", "native")


def test_what_has_no_effect_beside_soci_is_warned_of():
    _, warnings = built({"containerd": "2.2", "soci": {}, "maxConcurrentUnpacks": 4, "layerFetchBuffer": "8MB"})
    assert [each for each in warnings if "has no effect" in each] == [
        "nodes[n].runtime.maxConcurrentUnpacks has no effect: SOCI fetches and unpacks the layers",
        "nodes[n].runtime.layerFetchBuffer has no effect: SOCI fetches and unpacks the layers",
    ]
    registries = [{"host": "registry.test", "mirrors": [{"host": "mirror.test"}]}, {"host": "mirror.test"}]
    _, warnings = built({"soci": {}}, registries=registries)
    assert any("mirrors serve its manifests alone" in each for each in warnings)
    assert not any("mirrors serve" in each for each in built({}, registries=registries)[1])


def test_the_scenario_of_the_lever_holds_what_it_says():
    made = pullsim.load(Path(__file__).parents[2] / "scenarios/levers/parallel-unpack.yaml")
    result = pullsim.run(made)
    assert not check(result)
    assert not pullsim.summarize(result).warnings
    starts = {pod.workload: pod.started for pod in result.pods}
    assert sorted(starts, key=starts.get) == ["split", "soci", "side-by-side", "erofs", "plain"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lazy_snapshotter_has_its_own_settings_unless_they_are_given(kind):
    runtime, warnings = built({"snapshotter": kind})
    assert (runtime.snapshotter, runtime.local_pull, dict(runtime.lazy)) == (kind, True, {kind: KINDS[kind]})
    assert any("no workload says what its programs read" in text for text in warnings)
    keys = {
        "unit": "1MB",
        "prefetch": "10%",
        "prefetchTimeout": "3s",
        "leastLayer": "5MB",
        "cacheChunk": "1MB",
        "retries": 1,
        "images": ["a*"],
    }
    runtime, _ = built({"snapshotter": kind, "lazy": {**keys, "backgroundFetch": {"workers": 3}}})
    found = runtime.lazy[kind]
    assert (found.unit, found.prefetch, found.prefetch_wait, found.least_layer) == (10**6, 0.1, 3.0, 5 * 10**6)
    assert found.cache_chunk == 10**6
    assert (found.retries, found.images, found.grain) == (1, ("a*",), KINDS[kind].grain)
    assert found.background == BackgroundSpec(
        3, KINDS[kind].background.period, KINDS[kind].background.quiet, KINDS[kind].background.pause
    )


def test_a_unit_below_the_grain_is_the_grain_and_nothing_may_come_in_the_background():
    runtime, _ = built({"snapshotter": "stargz", "lazy": {"unit": "64KiB", "backgroundFetch": {"workers": 0}}})
    assert (runtime.lazy["stargz"].grain, runtime.lazy["stargz"].background) == (2**16, None)


def test_lazy_settings_need_a_lazy_snapshotter_and_mirrors_serve_none():
    assert "no image is mounted lazily" in refused({"lazy": {"unit": "1MB"}})
    mirrored = {"host": "registry.test", "mirrors": ["mirror.test"]}
    _, warnings = built({"snapshotter": "stargz"}, registries=[mirrored, {"host": "mirror.test"}])
    assert any("the snapshotter asks an image's own registry" in text for text in warnings)


def test_lazily_all_starts_sooner_and_what_is_read_in_turn_is_ready_later():
    result = pullsim.run(pullsim.load(Path(__file__).parents[2] / "scenarios/levers/lazy-pulling.yaml"))
    assert not check(result)
    starts = {pod.workload: pod.started for pod in result.pods}
    ready = {pod.workload: pod.ready for pod in result.pods}
    assert all(start < 11.0 for name, start in starts.items() if "overlayfs" not in name)
    order = ["web-optimised", "web-nydus", "web-overlayfs", "web-stargz", "web-soci"]
    assert sorted((name for name in ready if "web" in name), key=ready.get) == order
    assert ready["model-stargz"] < ready["model-overlayfs"] < ready["model-stargz-in-turn"]
