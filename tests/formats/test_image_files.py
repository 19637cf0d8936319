"""Each form that tools print images in yields what its figures mean, or the one reason why it has nothing."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from pullsim.errors import InputError
from pullsim.formats.oci.found import FoundImage, by_name, normalised
from pullsim.formats.oci.reader import read_images
from pullsim.oci.manifest import Index, select
from pullsim.oci.platform import Platform

FORMS = Path(__file__).parent / "data" / "images"
NODES = Path(__file__).parent / "data" / "node-images"
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def only(name, **arguments):
    read = read_images(FORMS / name, **arguments)
    assert read.reasons == ()
    (found,) = read.images
    return found


def layers(found, platform=AMD64):
    manifest = select(found.image, platform)
    return len(manifest.layers), sum(layer.size for layer in manifest.layers)


def written(directory, name, value):
    path = directory / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_an_index_with_its_manifests_beside_it():
    found = only("crane-manifest-wordpress-index.json")
    assert found.names == ()
    assert isinstance(found.image, Index)
    assert len(found.image.manifests) == 6
    assert layers(found) == (19, 144_142_273)


def test_a_bare_manifest_says_no_platform():
    found = only("skopeo-raw-postgres.json")
    assert (found.names, found.platform, layers(found)) == ((), None, (12, 104_129_997))


def test_skopeo_inspect_has_layers_and_no_tag():
    found = only("skopeo-inspect-rabbitmq.json")
    digest = "sha256:25b6dd31c5407b2b61dfa4aeb899b61ed156abb12d13d729d3c6339556ecb542"
    assert found.names == (f"docker.io/library/rabbitmq@{digest}",)
    assert (found.platform, layers(found)) == (AMD64, (12, 68_059_318))
    assert select(found.image, Platform("windows", "amd64")) is None


def test_docker_manifest_inspect_of_an_index_leaves_attestations_out():
    found = only("docker-manifest-inspect-v-traefik.json")
    assert found.names == ("docker.io/library/traefik:latest",)
    assert [str(platform) for platform, _ in found.image.manifests] == ["linux/amd64", "linux/arm/v6", "linux/arm64"]


def test_docker_manifest_inspect_of_one_manifest():
    found = only("docker-manifest-inspect-v-single.json")
    assert found.tagged == ("ghcr.io/converged-computing/metric-stream:latest",)
    assert found.names[1].startswith("ghcr.io/converged-computing/metric-stream@sha256:504dc4cb")
    assert layers(found) == (34, 5_552_488_336)


def test_docker_manifest_inspect_by_digest_has_no_tag(tmp_path):
    entry = json.loads((FORMS / "docker-manifest-inspect-v-single.json").read_text())
    digest = entry["Descriptor"]["digest"]
    entry["Ref"] = f"ghcr.io/team/app@{digest}"
    assert read_images(written(tmp_path, "v.json", entry)).images[0].names == (f"ghcr.io/team/app@{digest}",)
    both = [
        entry,
        {**entry, "Descriptor": {**entry["Descriptor"], "platform": {"os": "linux", "architecture": "arm64"}}},
    ]
    assert read_images(written(tmp_path, "v.json", both)).images[0].names == ()


def test_the_platform_of_a_manifest_is_that_of_its_config(tmp_path):
    config = json.dumps({"os": "linux", "architecture": "arm64", "rootfs": {"diff_ids": []}}).encode()
    digest = "sha256:" + sha256(config).hexdigest()
    (tmp_path / digest.replace(":", "-")).with_suffix(".json").write_bytes(config)
    manifest = json.loads((FORMS / "skopeo-raw-postgres.json").read_text())
    manifest["config"]["digest"] = digest
    (found,) = read_images(written(tmp_path, "app.json", manifest)).images
    assert (found.platform, found.source) == (ARM64, "a manifest")
    assert only("skopeo-raw-postgres.json").source == "a manifest, which says no platform"


def test_a_manifest_in_base64_only(tmp_path):
    entries = json.loads((FORMS / "docker-manifest-inspect-v-traefik.json").read_text())
    for entry in entries[:3]:
        del entry["OCIManifest"]
    (found,) = read_images(written(tmp_path, "v.json", entries)).images
    assert layers(found) == layers(only("docker-manifest-inspect-v-traefik.json"))


def test_an_artifact_is_not_unpacked():
    found = only("oras-manifest-fetch-weights.json")
    assert found.artifact
    assert layers(found) == (4, 19_906_788_688)
    assert all(layer.unpacked == layer.size for layer in found.image.layers)


@pytest.mark.parametrize(
    "name, words",
    [
        (
            "oras-descriptor-weights.json",
            "a descriptor, which has no layers.*`oras manifest fetch REPOSITORY@sha256:9a",
        ),
        ("crane-config-wordpress.json", "an image's config, which has no sizes of layers.*`crane manifest IMAGE`"),
        (
            "skopeo-inspect-old-mongo.json",
            "10 layers and no sizes.*`skopeo inspect --raw docker://docker.io/library/mongo@",
        ),
        ("docker-manifest-inspect-haproxy.json", "7 platforms are not beside the index.*linux/amd64: sha256:f0787281"),
    ],
)
def test_what_has_no_sizes_says_which_command_has_them(name, words):
    read = read_images(FORMS / name)
    assert read.images == ()
    (reason,) = read.reasons
    assert reason.startswith(str(FORMS / name))
    with pytest.raises(InputError, match=words):
        raise InputError(reason)


def test_commands_in_messages_quote_what_stands_in_files(tmp_path):
    document = json.loads((FORMS / "skopeo-inspect-old-mongo.json").read_text())
    (reason,) = read_images(written(tmp_path, "old.json", {**document, "Name": "x; touch y"})).reasons
    assert f"'docker://x; touch y@{document['Digest']}'" in reason


def test_docker_images_are_unpacked_sizes_and_never_downloads():
    read = read_images(FORMS / "docker-images.jsonl")
    assert [(found.tagged[0].rpartition("/")[2], found.unpacked) for found in read.images] == [
        ("wordpress:latest", 407_000_000),
        ("postgres:9.6", 268_000_000),
        ("redis:3.2", 99_700_000),
        ("debian:stretch", 100_000_000),
    ]
    assert all(found.compressed is None and found.image is None for found in read.images)
    assert [reason.rpartition(": ")[2] for reason in read.reasons] == ["1"]


def test_nerdctl_has_two_sizes():
    found = only("nerdctl-image-inspect.json")
    assert found.tagged == ("docker.io/library/redis:3.2",)
    assert (found.compressed, found.unpacked, found.platform) == (36_851_022, 99_690_000, AMD64)


def inspected(**more):
    digest = "sha256:" + "a" * 64
    return {"Id": "sha256:" + "b" * 64, "RepoTags": ["app:1"], "RepoDigests": [f"app@{digest}"], "Size": 500, **more}


@pytest.mark.parametrize(
    "entry, sizes",
    [
        (inspected(GraphDriver={"Name": "overlay2", "Data": {}}), (None, 500)),
        (inspected(VirtualSize=500), (None, 500)),
        (inspected(GraphDriver={"Name": "overlayfs", "Data": None}, Id="sha256:" + "a" * 64), (500, None)),
        (inspected(Id="sha256:" + "c" * 64, Descriptor={"digest": "sha256:" + "c" * 64}), (500, None)),
        (inspected(VirtualSize=1300), (500, 1300)),
        (inspected(Size=1300, VirtualSize=500), (500, 1300)),
        (inspected(Size=0), (None, None)),
    ],
)
def test_which_size_image_inspect_has(tmp_path, entry, sizes):
    (found,) = read_images(written(tmp_path, "inspect.json", [entry])).images
    assert (found.compressed, found.unpacked) == sizes


@pytest.mark.parametrize(
    "row, sizes",
    [
        ({"Digest": "sha256:" + "ab" * 32, "ID": "ab" * 6}, (None, None, 36_000)),
        ({"Digest": "sha256:" + "ab" * 32, "ID": "cd" * 6}, (None, 36_000, None)),
        ({"Digest": "<none>", "ID": "ab" * 6}, (None, 36_000, None)),
        ({"BlobSize": "10kB"}, (10_000, 36_000, None)),
        ({"Size": "0B"}, (None, None, None)),
    ],
)
def test_which_size_docker_images_has(tmp_path, row, sizes):
    path = written(tmp_path, "images.json", {"Repository": "app", "Tag": "1", "Size": "36kB", **row})
    (found,) = read_images(path).images
    assert (found.compressed, found.unpacked, found.total) == sizes


def test_sizes_of_crictl_are_those_of_the_runtime(tmp_path):
    containerd = read_images(NODES / "crictl-images.json")
    assert containerd.images[0].tagged == ("docker.io/library/tomcat:8.5",)
    assert (containerd.images[0].compressed, containerd.images[0].unpacked) == (238_175_063, None)
    document = json.loads((NODES / "crictl-images.json").read_text())
    for row in document["images"]:
        row["id"] = row["id"].removeprefix("sha256:")
    crio = read_images(written(tmp_path, "crio.json", document))
    assert (crio.images[0].compressed, crio.images[0].unpacked) == (None, 238_175_063)
    told = read_images(NODES / "crictl-images.json", runtime="cri-o")
    assert (told.images[0].compressed, told.images[0].unpacked) == (None, 238_175_063)


@pytest.mark.parametrize("images", [{}, [{"name": "x", "newTag": "1"}], ["x"], None])
def test_other_files_with_images_are_none_of_crictl(tmp_path, images):
    with pytest.raises(InputError, match="holds nothing that is known of images"):
        read_images(written(tmp_path, "kustomization.json", {"images": images}))


def test_a_line_of_ctr_for_each_name_is_one_image():
    read = read_images(NODES / "ctr-images.txt")
    assert [(found.names[0], found.compressed) for found in read.images] == [
        ("docker.io/library/tomcat:8.5", 238_131_610),
        ("docker.io/library/postgres:9.6", 104_123_597),
        ("docker.io/library/nginx:1.12", 44_354_765),
        ("docker.io/library/redis:3.2", 36_805_018),
    ]
    assert [len(found.names) for found in read.images] == [2, 2, 2, 2]


def node(runtime, images):
    info = {"containerRuntimeVersion": runtime, "operatingSystem": "linux", "architecture": "arm64"}
    return {"kind": "Node", "metadata": {"name": "n"}, "status": {"nodeInfo": info, "images": images}}


@pytest.mark.parametrize(
    "runtime, sizes",
    [
        ("containerd://1.7.24+bottlerocket", (700, None)),
        ("containerd://Unknown", (700, None)),
        ("cri-o://1.31.7-2.rhaos4.18.el9", (None, 700)),
        ("docker://19.3.13", (None, 700)),
        ("Unknown", (None, None)),
    ],
)
def test_sizes_of_a_node_are_those_of_its_runtime(tmp_path, runtime, sizes):
    rows = [{"names": ["quay.io/app@sha256:" + "1" * 64, "quay.io/app:2"], "sizeBytes": 700}]
    (found,) = read_images(written(tmp_path, "node.json", node(runtime, rows))).images
    assert found.tagged == ("quay.io/app:2",)
    assert (found.compressed, found.unpacked, found.platform) == (*sizes, ARM64)


def test_lists_of_nodes_in_all_forms(tmp_path):
    rows = [
        {"names": ["a:1"], "sizeBytes": 7},
        {"sizeBytes": 8},
        {"names": None, "sizeBytes": 8},
        {"names": ["<none>@<none>"]},
    ]
    one = node("containerd://2.0.1", rows)
    bare = {key: value for key, value in one.items() if key != "kind"}
    for document in (
        {"kind": "List", "items": [one, one, {"kind": "Pod"}]},
        {"kind": "NodeList", "items": [bare]},
        {"kind": "NodeList", "items": [bare, {"metadata": {}}, {"status": {"images": None}}]},
    ):
        assert [found.names for found in read_images(written(tmp_path, "nodes.json", document)).images] == [
            ("docker.io/library/a:1",)
        ]


def test_what_is_no_name():
    digest = "sha256:" + "1" * 64
    names = ["<none>:<none>", "<none>@<none>", digest, "1" * 64, "", None, 3, "A:1", f"import-2026-09-01@{digest}"]
    assert normalised([*names, f"docker-pullable://a@{digest}", "a:1", "docker.io/library/a:1"]) == (
        "docker.io/library/a:1",
        f"docker.io/library/a@{digest}",
    )


def test_what_is_known_best_of_a_name_counts():
    def found(**known):
        return FoundImage(("a:1",), "x", "f", **known)

    best = by_name([found(), found(total=9), found(unpacked=8), found(compressed=3), found(compressed=4)])
    assert best["a:1"].compressed == 3
    assert found(unpacked=26).estimated_compressed(2.6) == 10
    assert found(total=36).estimated_compressed(2.6) == 10
    assert found().estimated_compressed() is None


def test_an_empty_file_is_a_command_that_failed(tmp_path):
    with pytest.raises(InputError, match="is empty: the command that was to write it has failed"):
        read_images(written(tmp_path, "app.json", " \n"))


@pytest.mark.parametrize("size", ["227.1.MiB", "1" * 5000 + " B", "1 KB", "-1 MiB", "\u0661 MiB"])
def test_a_line_of_ctr_without_a_size_is_left_out(tmp_path, size):
    text = (NODES / "ctr-images.txt").read_text()
    (tmp_path / "ctr.txt").write_text(text.replace("42.3 MiB", size))
    whole, read = read_images(NODES / "ctr-images.txt"), read_images(tmp_path / "ctr.txt")
    assert len(read.images) == len(whole.images) - 1
    assert any("lines have no digest and size" in reason for reason in read.reasons)
