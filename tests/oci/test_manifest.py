from __future__ import annotations

import pickle
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.oci.manifest import Index, Layer, Manifest, compression_of, select, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.oci.reference import check_digest


def digest(text):
    return "sha256:" + sha256(text.encode()).hexdigest()


layers = st.lists(
    st.builds(
        lambda name, size, compression: Layer.of(digest(name), size, compression=compression),
        st.sampled_from("abcdef"),
        st.integers(0, 10**10),
        st.sampled_from(["gzip", "zstd", "stored"]),
    ),
    max_size=8,
)


def test_what_is_unknown_of_a_layer_is_estimated():
    layer = Layer.of(digest("a"), 10_000_000)
    assert (layer.unpacked, layer.files, layer.compression) == (26_000_000, 812, "gzip")
    assert Layer.of(digest("a"), 10_000_000, unpack_ratio=2.0).unpacked == 20_000_000
    assert Layer.of(digest("a"), 1000, compression="stored").unpacked == 1000
    known = Layer.of(digest("a"), 10, unpacked=50, files=3, diff_id=digest("tar"))
    assert (known.unpacked, known.files, known.diff_id) == (50, 3, digest("tar"))


def test_equal_layers_have_equal_diff_ids():
    assert Layer.of(digest("a"), 10).diff_id == Layer.of(digest("a"), 10).diff_id
    assert Layer.of(digest("a"), 10).diff_id != Layer.of(digest("b"), 10).diff_id


def test_chain_ids_by_the_definition():
    manifest = Manifest.of([Layer.of(digest(name), 1) for name in "abc"])
    first, second, third = (layer.diff_id for layer in manifest.layers)
    below = digest(f"{first} {second}")
    assert manifest.chain_ids == (first, below, digest(f"{below} {third}"))
    assert Manifest.of([]).chain_ids == ()


def test_total_size_counts_all_blobs():
    manifest = Manifest(digest("m"), 700, digest("c"), 3000, (Layer.of(digest("a"), 10), Layer.of(digest("b"), 20)))
    assert manifest.total_size == 3730


@given(layers, layers)
def test_a_common_bottom_gives_common_chain_ids(bottom, top):
    below, whole = Manifest.of(bottom), Manifest.of(bottom + top)
    assert whole.chain_ids[: len(bottom)] == below.chain_ids
    for chain_id in whole.chain_ids:
        check_digest(chain_id)


@given(layers)
def test_derived_digests_are_stable_and_well_formed(stack):
    manifest, again = Manifest.of(stack), Manifest.of(list(stack))
    assert manifest == again
    assert pickle.loads(pickle.dumps(manifest)).chain_ids == manifest.chain_ids  # noqa: S301
    check_digest(manifest.digest)
    check_digest(manifest.config_digest)
    other = Manifest.of([*stack, Layer.of(digest("other"), 1)])
    assert other.digest != manifest.digest


def test_select():
    amd64, arm64, v7 = (Manifest.of([Layer.of(digest(name), 1)]) for name in ("amd64", "arm64", "v7"))
    entries = [("linux/arm/v7", v7), ("linux/amd64", amd64), ("linux/arm64", arm64)]
    index = Index.of([(Platform.parse(text), manifest) for text, manifest in entries])
    assert select(index, Platform.parse("linux/arm64/v8")) is arm64
    assert select(index, Platform.parse("linux/amd64")) is amd64
    assert select(index, Platform.parse("linux/arm/v8")) is v7
    assert select(index, Platform.parse("linux/s390x")) is None
    assert select(Index.of(index.manifests[:1]), Platform.parse("linux/arm64")) is v7


def test_a_manifest_alone_is_taken_on_any_platform():
    manifest = Manifest.of([])
    assert select(manifest, Platform.parse("linux/s390x")) is manifest


@pytest.mark.parametrize(
    "media_type, compression",
    [
        ("application/vnd.oci.image.layer.v1.tar", "stored"),
        ("application/vnd.oci.image.layer.v1.tar+gzip", "gzip"),
        ("application/vnd.oci.image.layer.v1.tar+zstd", "zstd"),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "gzip"),
        ("application/vnd.docker.image.rootfs.diff.tar", "stored"),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", "gzip"),
        ("application/vnd.docker.image.rootfs.diff.tar.zstd", "zstd"),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "gzip"),
        ("tar+gzip", "gzip"),
        ("tar+zstd", "zstd"),
        ("tar", "stored"),
    ],
)
def test_compression_by_media_type(media_type, compression):
    assert compression_of(media_type) == compression


@pytest.mark.parametrize(
    "media_type",
    ["", "gzip", "tar+bzip2", "application/vnd.in-toto+json", "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"],
)
def test_other_media_types_are_refused(media_type):
    with pytest.raises(ValueError, match=r"tar\+gzip"):
        compression_of(media_type)


def test_synthetic_digests_differ_by_kind():
    assert synthetic_digest("layer", "x") != synthetic_digest("config", "x")
    check_digest(synthetic_digest("layer", "x"))
