"""What the packaged catalogues say of themselves must be so."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from pullsim.errors import InputError
from pullsim.oci.catalog import FORMAT, Catalog, builtin_names
from pullsim.oci.manifest import Index, select
from pullsim.oci.platform import Platform
from pullsim.oci.reference import check_digest, parse

DIRECTORY = files("pullsim.oci") / "catalogs"
NAMES = ["hpc-2024", "kubernetes", "official", "official-2026", "registry-2024", "reported-2026"]
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def document(name):
    return json.loads((DIRECTORY / f"{name}.json").read_text())


def test_names():
    assert builtin_names() == NAMES


def test_an_unknown_name_is_an_input_error():
    with pytest.raises(InputError, match=r"no built-in catalogue 'oficial'; did you mean official"):
        Catalog.builtin("oficial")
    with pytest.raises(InputError, match="known are hpc-2024"):
        Catalog.builtin("../secret")


@pytest.mark.parametrize("name", NAMES)
def test_every_file_has_source_date_and_licence(name):
    head = document(name)
    assert head["format"] == FORMAT
    assert all(head[key] for key in ("source", "date", "license"))
    if "NOTICE.md" in head["license"]:
        assert f"{name}.json" in (DIRECTORY / "NOTICE.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_numbers_and_digests(name):
    for entry in document(name)["images"]:
        parse(entry["image"])
        assert str(Platform.parse(entry["platform"])).split("/")[:2] == entry["platform"].split("/")[:2]
        assert sum(layer["size"] for layer in entry["layers"]) == entry["size"]
        for digest in [layer["digest"] for layer in entry["layers"]] + [entry.get("index"), entry.get("digest")]:
            if digest is not None:
                check_digest(digest)


@pytest.mark.parametrize("name", NAMES)
def test_everything_in_the_file_can_be_pulled(name):
    catalog = Catalog.builtin(name)
    for entry in document(name)["images"]:
        image = catalog.lookup(parse(entry["image"]), 0.0)
        manifest = select(image, Platform.parse(entry["platform"]))
        assert [layer.size for layer in manifest.layers] == [layer["size"] for layer in entry["layers"]]
        if "unpacked" in entry:
            assert sum(layer.unpacked for layer in manifest.layers) == entry["unpacked"]
        assert len(manifest.chain_ids) == len(manifest.layers)


def test_official_images_have_many_platforms_and_share_layers():
    catalog = Catalog.builtin("official")
    nginx = catalog.lookup(parse("nginx:latest"), 0.0)
    assert isinstance(nginx, Index)
    assert nginx.digest == "sha256:285b49d42c703fdf257d1e2422765c4ba9d3e37768d6ea83d7fe2043dad6e63d"
    assert {"linux/amd64", "linux/arm64", "linux/s390x"} <= {str(platform) for platform, _ in nginx.manifests}
    amd64 = select(nginx, AMD64)
    assert [layer.size for layer in amd64.layers] == [22_485_719, 21_954_152, 204]
    assert sum(layer.unpacked for layer in amd64.layers) == 108_490_000
    chains = [chain for name in catalog.names() for chain in chain_ids(catalog, name)]
    assert len(set(chains)) < len(chains)


def chain_ids(catalog, name):
    manifest = select(catalog.lookup(parse(name), 0.0), AMD64)
    return manifest.chain_ids if manifest else ()


def test_the_generated_hpc_images_unpack_to_the_size_in_their_tag():
    catalog = Catalog.builtin("hpc-2024")
    image = catalog.lookup(
        parse("ghcr.io/converged-computing/container-chonks-run1:9-layers-size-19034736629-bytes"), 0.0
    )
    generated = image.layers[1:]
    assert [layer.files for layer in generated] == [1] * 8
    assert sum(layer.unpacked for layer in generated) == pytest.approx(19_034_736_629, abs=8)


def test_the_hpc_images_pulled_by_digest_are_found():
    catalog = Catalog.builtin("hpc-2024")
    name = "ghcr.io/converged-computing/mt-gemm@sha256:3d3fbd919836549f79b09db9ec5274cbd6dc27cba849eb1f13a9e58c068108cf"
    assert catalog.lookup(parse(name), 0.0) is not None


@pytest.mark.parametrize(
    "image, reported",
    [
        ("registry.k8s.io/pause:3.10", 320_368),
        ("registry.k8s.io/kube-proxy:v1.33.2", 31_891_765),
        ("docker.io/calico/node:v3.28.1", 117_874_046),
    ],
)
def test_kubernetes_images_have_the_size_that_kubelets_report(image, reported):
    index = Catalog.builtin("kubernetes").lookup(parse(image), 0.0)
    assert index.size + select(index, AMD64).total_size == reported
    assert select(index, ARM64).total_size < select(index, AMD64).total_size


@pytest.mark.parametrize("name", ["kubernetes", "reported-2026"])
def test_images_of_reported_sizes_say_what_is_estimated(name):
    for entry in document(name)["images"]:
        assert entry["estimated"] is True
        assert entry["note"]
        assert entry["source"]


def test_sizes_of_gpu_stacks_are_those_that_kubelets_report():
    catalog = Catalog.builtin("reported-2026")
    assert catalog.lookup(parse("vllm/vllm-openai:v0.19.1"), 0.0).total_size == 9_612_695_005
    assert catalog.lookup(parse("nvcr.io/nvidia/pytorch:25.09-py3"), 0.0).total_size == 8_568_718_769


def test_official_images_of_2026_are_known_beside_those_of_2018():
    new, old = Catalog.builtin("official-2026"), Catalog.builtin("official")
    assert not set(new.names()) & set(old.names())
    postgres, redis = (new.lookup(parse(name), 0.0) for name in ("postgres:17", "redis:8"))
    assert postgres.layers[0] == redis.layers[0]
    assert select(new.lookup(parse("mysql:8.4"), 0.0), ARM64).layers[0].size == 46_478_146


@pytest.mark.parametrize("own_first", [True, False])
def test_one_that_is_read_as_images_are_asked_for_is_merged_as_one_that_is_read_whole(own_first):
    """Names that both have are the later one's; of a repository the images of all catalogues are there."""
    names = [entry["image"] for entry in document("official")["images"]][:40]
    image = Catalog.builtin("registry-2024").lookup(parse(document("registry-2024")["images"][0]["image"]), 0.0)
    merged = []
    for whole in (True, False):
        parts = [Catalog.builtin("official"), Catalog.builtin("official-2026")]
        if whole:
            for part in parts:
                part.names()  # reads all of it
        own = Catalog()
        for name in (*names[::3], "nginx:own"):
            own.add(name, image)
        parts.insert(0 if own_first else 2, own)
        catalog = Catalog()
        for part in parts:
            catalog.merge(part)
        merged.append(catalog)
    looked_up = [[catalog.lookup(parse(name), 0.0) for name in (*names, "nginx:own")] for catalog in merged]
    assert looked_up[0] == looked_up[1]
    assert (looked_up[0][0] == image) != own_first
    assert looked_up[0][-1] == image
    assert merged[0].names() == merged[1].names()


@pytest.mark.parametrize("name", NAMES)
def test_no_tag_of_them_moves(name):
    """So the times at which tags move are known without reading them."""
    assert not any("at" in entry for entry in document(name)["images"])
