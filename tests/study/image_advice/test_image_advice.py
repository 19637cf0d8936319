"""What changes of images gain, against closed forms: one node whose pulls are bound by one thing."""

from __future__ import annotations

import json

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.oci.manifest import Layer, synthetic_digest
from pullsim.scenario import from_mapping
from pullsim.study.image_advice.advise import try_images
from pullsim.study.image_advice.changes import EQUAL, NODES, SIDE_BY_SIDE, SPLIT, both, changes
from pullsim.study.image_advice.chosen import ChosenImage, by_names
from pullsim.study.image_advice.image_advice import DOWNLOADED, P50, P99, Options
from pullsim.study.image_advice.text import notes

IMAGE = "r.test/app:v1"


def bound_by(
    *,
    gzip="1000GB/s",
    zstd="1000GB/s",
    stored="1000GB/s",
    connection="1000GB/s",
    slots=64,
    unpacks=1,
    count=1,
    layers=None,
):
    """Nodes that spend time on one thing only; without a word of it, everything takes none."""
    layers = layers or [{"size": "1GB", "unpacked": "3GB", "files": 0}]
    return from_mapping(
        {
            "images": {"define": [{"image": IMAGE, "layers": layers}]},
            "registries": [{"host": "r.test", "perConnection": connection, "roundTrip": "0s", "firstByte": "0s"}],
            "nodes": [
                {
                    "name": "n",
                    "count": count,
                    "nic": "1000GB/s",
                    "cores": {"count": 16, "efficiency": 1},
                    "unpack": {"gzip": gzip, "zstd": zstd, "stored": stored, "perFile": "0s", "perLayer": "0s"}
                    | {"whileDownloading": 1},
                    "metadata": {"write": "0s"},
                    "runtime": {"containerd": "2.2", "maxConcurrentDownloads": slots}
                    | {"maxConcurrentUnpacks": unpacks},
                }
            ],
            "workloads": [{"name": "w", "pods": {"image": IMAGE, "count": count}}],
        }
    )


def asked(scenario, name=IMAGE):
    return by_names([name], scenario.build().catalog, {pool.platform for pool in scenario.nodes})


def advice_of(scenario, max_runs=200, **options):
    return try_images(scenario, asked(scenario), Options(**options), seeds=1, max_runs=max_runs)


def gains(found, lever):
    return {row.change.steps: row.gained(P99) for row in found.steps(lever)}


def test_a_layer_bound_by_one_cores_inflate():
    """3 GB at 100 MB/s take 30 s on one core. In k parts on 8 cores they take 30 / k s, beyond 8 parts no less."""
    found = advice_of(bound_by(gzip="100MB/s", zstd="450MB/s", unpacks=8))
    assert found.own_pods
    for parts, gained in gains(found, SPLIT).items():
        assert gained == pytest.approx(30 * (1 - 1 / min(parts, 8)), abs=0.1)
    assert gains(found, EQUAL) == pytest.approx({4: 22.5, 8: 26.25, 16: 26.25, 32: 26.25}, abs=0.1)
    assert found.enough(SPLIT).change.steps == 8
    assert "more than 8 parts of the biggest layer do not pay" in notes(found)["Steps"]
    by_lever = {row.change.lever: row for row in found.rows}
    assert by_lever["zstd -3"].gained(P99) == pytest.approx(30 - 3 / 0.45, abs=0.1)
    assert by_lever["zstd -3"].tried.difference(DOWNLOADED).difference.mean == pytest.approx(-30e6, rel=1e-3)
    assert by_lever["zstd -3"].disk == 970e6 + 3e9
    assert by_lever["plain tar"].gained(P99) == pytest.approx(30, abs=0.1)
    assert by_lever["plain tar"].disk == 6e9
    assert by_lever["zstd -3"].gained(P50) == by_lever["zstd -3"].gained(P99), "one pod"
    assert "one layer" not in by_lever, "it is one"
    order = [(-row.gained(P99), -row.gained(P50)) for row in found.rows]
    assert order == sorted(order)


def test_parts_gain_nothing_where_layers_are_unpacked_in_turn():
    """Nor do they where the newest release could unpack them side by side, and does not: that is tried beside."""
    found = advice_of(bound_by(gzip="100MB/s"))
    assert max(map(abs, gains(found, SPLIT).values())) < 0.1
    assert found.enough(SPLIT) is None
    assert "parts of the biggest layer do not pay" in notes(found)["Steps"]
    side = gains(found, f"{SPLIT} + {SIDE_BY_SIDE}")
    assert side == pytest.approx({2: 15, 4: 22.5, 8: 22.5, 16: 22.5}, abs=0.1), "four at a time"
    assert gains(found, SIDE_BY_SIDE) == pytest.approx({0: 0}, abs=0.1)


def test_a_layer_bound_by_one_connection():
    """1 GB at 50 MB/s takes 20 s; k parts over k connections take 20 / k s, with 4 slots 5 s at the least."""
    found = advice_of(bound_by(connection="50MB/s", slots=4))
    for parts, gained in gains(found, SPLIT).items():
        assert gained == pytest.approx(20 * (1 - 1 / min(parts, 4)), abs=0.1)
    assert found.enough(SPLIT).change.steps == 4
    by_lever = {row.change.lever: row for row in found.rows}
    assert by_lever["zstd -19"].gained(P99) == pytest.approx(0.21 * 20, abs=0.1)
    assert by_lever["plain tar"].gained(P99) == pytest.approx(-2 * 20, abs=0.1)
    (pair,) = (row for row in found.rows if row.change.lever in (f"{EQUAL} + zstd -19", f"{SPLIT} + zstd -19"))
    assert pair.gained(P99) > max(by_lever["zstd -19"].gained(P99), gains(found, SPLIT)[4])


def test_weights_gain_nothing_from_zstd():
    """What does not compress stays as large, and unpacks like stored data whatever compressed it."""
    found = advice_of(bound_by(gzip="100MB/s", stored="250MB/s"), weights=10**9)
    by_lever = {row.change.lever: row for row in found.rows}
    assert by_lever["zstd -19"].gained(P99) == pytest.approx(0, abs=0.01)
    assert by_lever["zstd -19"].disk == found.disk == 2e9
    assert by_lever["weights as plain tar"].gained(P99) == pytest.approx(0, abs=0.01)
    assert "layers from 1 GB on do not compress (--weights)" in notes(found)["Assumed"]
    assert {row.change.kind for row in found.best} == {NODES}, "what helps is more unpacks at a time"
    hardly = bound_by(gzip="100MB/s", stored="250MB/s", layers=[{"size": "1GB", "unpacked": "1200MB", "files": 0}])
    by_lever = {row.change.lever: row for row in advice_of(hardly, max_runs=6).rows}
    assert by_lever["weights as plain tar"].gained(P99) == pytest.approx(12 - 4.8, abs=0.1)


def test_a_base_that_nodes_have_is_not_pulled():
    """Half of the image's bytes, and of its 30 s on a core, are those of the base."""
    scenario = bound_by(gzip="100MB/s")
    (platform,) = {pool.platform for pool in scenario.nodes}
    layer = Layer.of(synthetic_digest("base"), 500_000_000, unpacked=1_500_000_000, files=0)
    base = ChosenImage("r.test/base:v1", {platform: (layer,)}, "a test")
    found = advice_of(scenario, base=base)
    row = next(row for row in found.rows if row.change.lever == "base on the nodes")
    assert row.gained(P99) == pytest.approx(15, abs=0.1)
    assert row.tried.difference(DOWNLOADED).difference.mean == pytest.approx(-5e8, rel=1e-3)


def test_images_share_their_largest_bottom_layer():
    """Two images of 300 and 400 bytes below: with those of 400 under both a node fetches 400 less."""
    nodes = bound_by()
    (platform,) = {pool.platform for pool in nodes.nodes}

    def image(name, *sizes):
        layers = tuple(Layer.of(synthetic_digest(name, str(size)), size) for size in sizes)
        return ChosenImage(f"r.test/{name}:v1", {platform: layers}, "a test")

    two = [image("x", 300_000_000, 700_000_000), image("y", 400_000_000, 100_000_000)]
    found = try_images(nodes, two, Options(zstd={}), seeds=1)
    assert not found.own_pods
    row = next(row for row in found.rows if row.change.lever == "shared base")
    assert row.tried.difference(DOWNLOADED).difference.mean == pytest.approx(-4e8, rel=1e-3)
    assert (found.shared[0].download, found.disk) == (0, round(1.5e9 * 3.6))
    alike = [image("x", 1000, 50), image("x", 1000, 50)]
    assert "shared base" not in {each.lever for each in changes(alike, None, {}, None)}, "they share it already"


def test_one_pod_of_each_image_on_each_node_in_place_of_the_scenarios():
    scenario = pullsim.scenario.override(
        bound_by(connection="50MB/s", count=3),
        ['workloads=[{name: other, pods: {image: "r.test/app:v1"}}]', "nodes[n].taints=[a=b:NoSchedule]"],
    )
    (image,) = asked(scenario)
    other = ChosenImage("r.test/other:v1", image.layers, "a test")
    found = try_images(scenario, [image, other], seeds=1, max_runs=2)
    assert not found.own_pods
    assert found.advice.rows[0].difference(DOWNLOADED).a.mean == pytest.approx(3e9, rel=1e-3), "shared layers once"


def test_nodes_take_as_many_pods_as_there_are_images():
    scenario = pullsim.scenario.override(bound_by(connection="50MB/s"), ["nodes[n].maxPods=1"])
    (image,) = asked(scenario)
    others = [ChosenImage(f"r.test/other:v{n}", image.layers, "a test") for n in range(2)]
    found = try_images(scenario, others, Options(zstd={}), seeds=1, max_runs=2)
    assert found.rows[0].tried.difference(P99).a.mean == pytest.approx(20, abs=1), "one after the other, shared"


def test_pulls_of_given_duration_have_no_layers():
    fixed = {"fixed": {"images": {IMAGE: {"pull": "3s"}}}}
    scenario = pullsim.scenario.override(bound_by(), [f"nodes[n].runtime={json.dumps(fixed)}"])
    with pytest.raises(InputError, match="the pulls of its nodes take a given time"):
        try_images(scenario, asked(bound_by()), seeds=1)


def test_weights_of_which_no_image_has_a_layer_are_a_mistake():
    scenario = bound_by()
    with pytest.raises(InputError, match=r"--weights: no layer has 1,000 TB: the biggest has 1 GB"):
        try_images(scenario, asked(scenario), Options(weights=10**15), seeds=1)


def test_two_changes_are_made_in_the_order_of_a_build():
    (image,) = asked(bound_by())
    (first,) = (each for each in changes([image], None, {3: 0.5}, None) if each.lever == "zstd -3")
    second = next(each for each in changes([image], None, {}, None) if each.lever == SPLIT)
    for pair in (both(first, second), both(second, first)):
        (made,) = pair.to([image])
        assert [(layer.size, layer.compression) for layer in made.first] == [(250_000_000, "zstd")] * 2
        assert pair.lever == f"{SPLIT} + zstd -3"


def test_from_python_by_name_or_file(tmp_path):
    scenario = bound_by(gzip="100MB/s", zstd="450MB/s")
    found = pullsim.image_advice(scenario, IMAGE, zstd={9: 0.9}, weights="2000B", seeds=1, max_runs=4)
    assert found.own_pods
    assert (found.options.zstd, found.options.weights) == ({9: 0.9}, 2000)
    assert repr(found).startswith("ImageAdvice(r.test/app:v1: ")
    assert repr(found).endswith("3 changes tried)")
    assert "\n" not in repr(found)
    table = found.table()
    assert len(table) == len(found.rows) == 3
    assert table["p99Gained"].tolist() == [row.gained(P99) for row in found.rows]
    assert list(found.shared_table().columns)[:2] == ["image", "with"]

    layers = [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:" + "a" * 64, "size": 9}]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "b" * 64, "size": 9}
    media_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers}
    path = tmp_path / "r.test+web:1.json"
    path.write_text(json.dumps(manifest))
    found = pullsim.image_advice(scenario, [IMAGE, path], base=path, seeds=1, max_runs=2)
    assert [image.familiar for image in found.images] == ["r.test/web:1", IMAGE]
    assert found.options.base.familiar == "r.test/web:1"
    assert not found.own_pods


@pytest.mark.parametrize(
    ("images", "given", "message"),
    [
        ([], {}, "IMAGE: no image is given"),
        ("r.test/none:v1", {}, "image 'r.test/none:v1' is in no catalogue"),
        (IMAGE, {"zstd": {0: 0.9}}, "--zstd: '0=0.9' is LEVEL=RATIO"),
        (IMAGE, {"zstd": {3: float("nan")}}, "--zstd: '3=nan' is LEVEL=RATIO"),
        (IMAGE, {"weights": 0}, "--weights: 0 would be every layer"),
        (IMAGE, {"weights": "2GX"}, "--weights"),
        (IMAGE, {"base": "r.test/none:v1"}, "--base: image 'r.test/none:v1' is in no catalogue"),
    ],
)
def test_mistakes_from_python(images, given, message):
    with pytest.raises(InputError) as error:
        pullsim.image_advice(bound_by(), images, **given)
    assert message in str(error.value)
