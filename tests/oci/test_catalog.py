from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.oci import catalog as catalog_module
from pullsim.oci.catalog import FORMAT, Catalog
from pullsim.oci.manifest import Index, Layer, Manifest, select, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.oci.reference import parse

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def image(name):
    return Manifest.of([Layer.of(synthetic_digest("layer", name), 1000)])


A, B, C = (image(name) for name in "abc")


def load(tmp_path, *images, **head):
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps({"format": FORMAT, **head, "images": images}))
    return Catalog.load(path)


def test_names_are_normalised():
    catalog = Catalog()
    catalog.add("nginx", A)
    for name in ("nginx", "nginx:latest", "docker.io/library/nginx", "index.docker.io/nginx"):
        assert catalog.lookup(parse(name), 0.0) is A
    assert catalog.lookup(parse("nginx:1.27"), 0.0) is None
    assert catalog.lookup(parse("quay.io/library/nginx"), 0.0) is None
    assert catalog.names() == ["nginx:latest"]


def test_a_tag_moves_at_its_time():
    catalog = Catalog()
    catalog.add("app:v1", B, at=600.0)
    catalog.add("app:v1", A)
    catalog.add("app:v2", C, at=60.0)
    assert [catalog.lookup(parse("app:v1"), t) for t in (0.0, 599.9, 600.0, 1e9)] == [A, A, B, B]
    assert [catalog.lookup(parse("app:v2"), t) for t in (0.0, 60.0)] == [None, C]
    assert catalog.moves() == [60.0, 600.0]


def test_what_is_added_later_for_the_same_time_wins():
    catalog = Catalog()
    catalog.add("app", A)
    catalog.add("app", B)
    assert catalog.lookup(parse("app"), 0.0) is B


def test_a_digest_finds_content_of_its_repository_only_and_goes_before_the_tag():
    catalog = Catalog()
    index = Index.of([(AMD64, A), (ARM64, B)])
    catalog.add("app:v1", index)
    catalog.add("other", C)
    assert catalog.lookup(parse(f"app@{index.digest}"), 0.0) is index
    assert catalog.lookup(parse(f"app@{B.digest}"), 0.0) is B
    assert catalog.lookup(parse(f"app:v1@{A.digest}"), 0.0) is A
    assert catalog.lookup(parse(f"app@{C.digest}"), 0.0) is None


def test_a_name_with_a_digest_leaves_the_tag_alone():
    catalog = Catalog()
    catalog.add("app:v1", A)
    pinned = synthetic_digest("index", "pinned")
    catalog.add(f"app:v1@{pinned}", B)
    assert catalog.lookup(parse(f"app@{pinned}"), 0.0) is B
    assert catalog.lookup(parse("app:v1"), 0.0) is A


def test_merge_replaces_whole_names():
    first, second = Catalog(), Catalog()
    first.add("app", A)
    first.add("app", B, at=10.0)
    first.add("base", A)
    second.add("app", C)
    first.merge(second)
    assert first.lookup(parse("app"), 20.0) is C
    assert first.lookup(parse("base"), 0.0) is A
    assert first.lookup(parse(f"app@{B.digest}"), 0.0) is B
    second.add("app", A, at=5.0)
    assert first.lookup(parse("app"), 20.0) is C


def test_suggestions():
    catalog = Catalog()
    for name in ("nginx:1.26", "nginx:alpine", "quay.io/team/app:v1", "redis"):
        catalog.add(name, A)
    assert catalog.suggest("nginx:1.27")[0] == "nginx:1.26"
    assert "quay.io/team/app:v1" in catalog.suggest("quay.io/taem/app:v1")
    assert catalog.suggest("REDIS!") == []
    assert len(catalog.suggest("nginx", limit=1)) == 1


def test_a_wrong_name_is_an_input_error():
    with pytest.raises(InputError, match="image 'Bad Name': invalid reference format"):
        Catalog().add("Bad Name", A)


def test_a_file(tmp_path):
    layer, other = synthetic_digest("layer", "1"), synthetic_digest("layer", "2")
    catalog = load(
        tmp_path,
        {
            "image": "app:v1",
            "unpacked": 1000,
            "size": 300,
            "layers": [
                {"digest": layer, "size": 100},
                {"size": 50, "unpacked": 400, "files": 7, "mediaType": "tar+zstd", "diffId": other},
                {"size": 150},
            ],
        },
        {"image": "app:v1", "at": "10m", "layers": []},
        source="tests",
    )
    manifest = catalog.lookup(parse("app:v1"), 0.0)
    assert isinstance(manifest, Manifest)
    assert [entry.unpacked for entry in manifest.layers] == [240, 400, 360]
    assert manifest.layers[0].digest == layer
    assert (manifest.layers[1].files, manifest.layers[1].compression) == (7, "zstd")
    assert manifest.layers[1].diff_id == other
    assert catalog.moves() == [600.0]
    assert catalog.lookup(parse("app:v1"), 600.0).layers == ()


def test_entries_with_several_platforms_are_one_index(tmp_path):
    entries = [
        {"image": "app", "platform": "linux/arm64/v8", "layers": [{"size": 2}]},
        {"image": "app:latest", "layers": [{"size": 1}]},
        {"image": "docker.io/library/app", "platform": "linux/amd64", "layers": [{"size": 3}]},
    ]
    index = load(tmp_path, *entries).lookup(parse("app"), 0.0)
    assert isinstance(index, Index)
    assert [str(platform) for platform, _ in index.manifests] == ["linux/arm64", "linux/amd64"]
    assert select(index, AMD64).layers[0].size == 3
    assert index.digest == load(tmp_path, *entries).lookup(parse("app"), 0.0).digest


def test_an_index_digest_makes_an_index_of_one_platform(tmp_path):
    digest = synthetic_digest("index", "x")
    index = load(tmp_path, {"image": "app", "index": digest, "layers": []}).lookup(parse("app"), 0.0)
    assert isinstance(index, Index)
    assert index.digest == digest
    assert select(index, ARM64) is None


@pytest.mark.parametrize(
    "entry, words",
    [
        ({"image": "app"}, r"images\[0\]: has no 'layers'"),
        ({"layers": []}, "has no 'image'"),
        ({"image": "App", "layers": []}, "must be lowercase"),
        ({"image": "app", "layers": [], "plattform": "x"}, "unknown key 'plattform'; did you mean platform?"),
        ({"image": "app", "layers": [{"size": 1, "sise": 2}]}, r"layers\[0\]: unknown key 'sise'; did you mean size"),
        ({"image": "app", "layers": [], "platform": "amd64"}, "platform 'amd64'"),
        ({"image": "app", "layers": [], "at": "5"}, "write 5s"),
        ({"image": "app", "layers": [{"size": 1}], "size": 2}, "its layers have 1 bytes"),
        ({"image": "app", "layers": [{"size": 1, "unpacked": 9}], "unpacked": 8}, "leave -1"),
        ({"image": "app", "layers": [], "unpacked": 8}, "leave 8"),
        ({"image": "app", "layers": [{"size": 1, "mediaType": "zip"}]}, "'zip'"),
    ],
)
def test_errors_of_a_file(tmp_path, entry, words):
    with pytest.raises(InputError, match=words) as caught:
        load(tmp_path, entry)
    assert caught.value.location.file == str(tmp_path / "catalog.json")


def test_more_than_fits_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog_module, "MOST_LAYERS_IN_ALL", 3)
    two = {"image": "app", "layers": [{"size": 1}, {"size": 2}]}
    with pytest.raises(InputError, match=r"images\[1\]: up to here are 4 layers, .* of a catalogue 3"):
        load(tmp_path, two, two)
    with pytest.raises(InputError, match=r"images are 100,001, the most that is read are 100,000"):
        load(tmp_path, *[5] * 100_001)
    for size in (10**99, 2**63, -1):
        with pytest.raises(InputError, match=r"layers\[0\]: size is .* an integer from 0 to 2\^63 - 1 is expected"):
            load(tmp_path, {"image": "app", "layers": [{"size": size}]})


def test_errors_of_the_whole_file(tmp_path):
    with pytest.raises(InputError, match="unknown key 'licence'; did you mean license"):
        load(tmp_path, licence="MIT")
    (tmp_path / "other.json").write_text('{"format": "pullsim-catalog/2", "images": []}')
    with pytest.raises(InputError, match=r"'pullsim-catalog/2'; a catalogue has .*pullsim-catalog/1"):
        Catalog.load(tmp_path / "other.json")
    with pytest.raises(InputError, match="there is no such file"):
        Catalog.load(tmp_path / "absent.json")
    one = {"image": "app", "index": synthetic_digest("index", "1"), "layers": []}
    two = {**one, "index": synthetic_digest("index", "2"), "platform": "linux/arm64"}
    with pytest.raises(InputError, match=r"images\[1\]: index .* differs from"):
        load(tmp_path, one, two)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a:1", "a:2", "b"]), st.integers(0, 5), st.sampled_from([A, B, C])), max_size=12
    ),
    st.sampled_from(["a:1", "a:2", "b"]),
    st.floats(0, 6),
)
def test_lookup_gives_the_last_added_of_the_latest_time(entries, name, t):
    catalog = Catalog()
    for added, at, content in entries:
        catalog.add(added, content, at=float(at))
    past = [(at, order) for order, (added, at, _) in enumerate(entries) if added == name and at <= t]
    expected = entries[max(past)[1]][2] if past else None
    assert catalog.lookup(parse(name), t) is expected


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=9), st.integers(0, 10**11))
def test_shares_of_the_unpacked_total_are_exact_and_in_proportion(tmp_path_factory, sizes, total):
    entry = {"image": "app", "unpacked": total, "layers": [{"size": size} for size in sizes]}
    layers = load(tmp_path_factory.mktemp("shares"), entry).lookup(parse("app"), 0.0).layers
    assert sum(layer.unpacked for layer in layers) == total
    for layer in layers:
        assert abs(layer.unpacked - total * layer.size / sum(sizes)) <= 1 + total * 1e-12
