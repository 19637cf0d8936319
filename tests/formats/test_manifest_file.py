from __future__ import annotations

import json
from hashlib import sha256

import pytest

from pullsim.errors import InputError
from pullsim.formats.oci.manifest import read_image
from pullsim.oci.manifest import Index, Manifest
from pullsim.oci.platform import Platform

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."


def digest(data):
    return "sha256:" + sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def write(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(document, indent=3).encode()
    path.write_bytes(data)
    return data


def manifest(*layer_types, config=None):
    return {
        "schemaVersion": 2,
        "mediaType": OCI + "manifest.v1+json",
        "config": config or {"mediaType": OCI + "config.v1+json", "digest": digest("config"), "size": 1469},
        "layers": [
            {"mediaType": kind, "digest": digest(f"layer {number}"), "size": 1000 * (number + 1)}
            for number, kind in enumerate(layer_types)
        ],
        "annotations": {"org.opencontainers.image.title": "x"},
    }


def entry(data, **platform):
    return {"mediaType": OCI + "manifest.v1+json", "digest": digest(data), "size": len(data), "platform": platform}


def index(*entries):
    return {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": list(entries)}


def test_an_oci_manifest(tmp_path):
    types = [OCI + "layer.v1.tar+gzip", OCI + "layer.v1.tar+zstd", OCI + "layer.v1.tar"]
    data = write(tmp_path / "app.json", manifest(*types))
    image = read_image(tmp_path / "app.json", unpack_ratio=3.0)
    assert isinstance(image, Manifest)
    assert (image.digest, image.size) == (digest(data), len(data))
    assert (image.config_digest, image.config_size) == (digest("config"), 1469)
    assert [layer.compression for layer in image.layers] == ["gzip", "zstd", "stored"]
    assert [layer.unpacked for layer in image.layers] == [3000, 6000, 3000]
    assert image.total_size == len(data) + 1469 + 6000


def test_a_docker_manifest_list(tmp_path):
    child = manifest(DOCKER + "image.rootfs.diff.tar.gzip", DOCKER + "image.rootfs.foreign.diff.tar.gzip")
    child["mediaType"] = DOCKER + "distribution.manifest.v2+json"
    amd64 = write(tmp_path / "amd64", child)
    (tmp_path / f"{digest(amd64).removeprefix('sha256:')}.json").write_bytes(amd64)
    listing = index(entry(amd64, os="linux", architecture="amd64"))
    listing["mediaType"] = DOCKER + "distribution.manifest.list.v2+json"
    data = write(tmp_path / "list.json", listing)
    image = read_image(str(tmp_path / "list.json"))
    assert isinstance(image, Index)
    assert (image.digest, image.size) == (digest(data), len(data))
    ((platform, only),) = image.manifests
    assert str(platform) == "linux/amd64"
    assert only.digest == digest(amd64)


@pytest.mark.parametrize("form", ["sha256-{}.json", "{}.json", "{}.manifest.json", "{}", "blobs/sha256/{}"])
def test_where_the_manifests_of_an_index_are_looked_for(tmp_path, form):
    child = json.dumps(manifest(OCI + "layer.v1.tar+gzip")).encode()
    path = tmp_path / form.format(digest(child).removeprefix("sha256:"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(child)
    write(tmp_path / "index.json", index(entry(child, os="linux", architecture="arm64", variant="v8")))
    image = read_image(tmp_path / "index.json")
    assert [(str(platform), only.digest) for platform, only in image.manifests] == [("linux/arm64", digest(child))]


def test_attestations_are_no_images(tmp_path):
    child = json.dumps(manifest(OCI + "layer.v1.tar+gzip")).encode()
    (tmp_path / f"sha256-{digest(child).removeprefix('sha256:')}.json").write_bytes(child)
    attestation = entry(b"attestation", os="unknown", architecture="unknown")
    write(tmp_path / "index.json", index(entry(child, os="linux", architecture="amd64"), attestation))
    assert len(read_image(tmp_path / "index.json").manifests) == 1


def test_only_manifests_for_the_platforms_in_use_are_needed(tmp_path):
    child = json.dumps(manifest(OCI + "layer.v1.tar+gzip")).encode()
    (tmp_path / f"sha256-{digest(child).removeprefix('sha256:')}.json").write_bytes(child)
    other = entry(b"absent", os="linux", architecture="arm64")
    write(tmp_path / "index.json", index(entry(child, os="linux", architecture="amd64"), other))
    image = read_image(tmp_path / "index.json", platforms=[Platform.parse("linux/amd64")])
    assert [str(platform) for platform, _ in image.manifests] == ["linux/amd64"]
    assert read_image(tmp_path / "index.json", platforms=[Platform.parse("linux/s390x")]).manifests == ()
    with pytest.raises(InputError, match=f"linux/arm64 is not beside the index.*crane manifest .*{digest('absent')}"):
        read_image(tmp_path / "index.json")


def test_diff_ids_come_from_the_config_beside_the_manifest(tmp_path):
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [digest("tar 0"), digest("tar 1")]}}).encode()
    (tmp_path / digest(config).removeprefix("sha256:")).write_bytes(config)
    kinds = [OCI + "layer.v1.tar+gzip", OCI + "layer.v1.tar+zstd"]
    write(tmp_path / "app.json", manifest(*kinds, config={"digest": digest(config), "size": len(config)}))
    assert [layer.diff_id for layer in read_image(tmp_path / "app.json").layers] == [digest("tar 0"), digest("tar 1")]


def test_changed_bytes_are_noticed(tmp_path):
    child = json.dumps(manifest(OCI + "layer.v1.tar+gzip")).encode()
    path = tmp_path / f"sha256-{digest(child).removeprefix('sha256:')}.json"
    write(tmp_path / "index.json", index(entry(child, os="linux", architecture="amd64")))
    path.write_bytes(child + b"\n")  # an editor's, which changes nothing
    assert read_image(tmp_path / "index.json").manifests[0][1].digest == digest(child)
    path.write_bytes(b" " + child)
    with pytest.raises(InputError, match="must be exactly the registry's"):
        read_image(tmp_path / "index.json")


def wrong(**changes):
    document = manifest(OCI + "layer.v1.tar+gzip")
    document["layers"][0].update(changes)
    return document


@pytest.mark.parametrize(
    "document, words",
    [
        ({"schemaVersion": 1, "fsLayers": []}, "Docker schema 1"),
        ({"schemaVersion": 2}, "is no manifest: .*crane manifest"),
        ([], "holds a JSON list"),
        (wrong(size=-1), r"layers\[0\]: size is -1, an integer from 0 to 2\^63 - 1 is expected"),
        (wrong(size="12"), "size is '12'"),
        (wrong(size=2**63), r"size is 9223372036854775808, an integer from 0 to 2\^63 - 1 is"),
        ({**wrong(), "layers": [{}] * 10_001}, "layers are 10,001, the most that is read are 10,000"),
        (wrong(size=True), "size is true"),
        (wrong(size=None), "has no 'size'"),
        (wrong(digest="sha256:12"), "sha256:12': invalid checksum digest length"),
        (wrong(mediaType="application/vnd.in-toto+json"), "no layer of an image"),
        (index({"digest": digest("x"), "size": 1}), r"manifests\[0\]: has no 'platform'"),
        (index("x"), r"manifests\[0\] is a string"),
        ({**wrong(), "config": []}, "config is a list, an object is expected"),
    ],
)
def test_errors_say_the_file_and_the_place(tmp_path, document, words):
    write(tmp_path / "wrong.json", document)
    with pytest.raises(InputError, match=words) as caught:
        read_image(tmp_path / "wrong.json")
    assert str(caught.value).startswith(str(tmp_path / "wrong.json"))


def test_files_that_are_not_json(tmp_path):
    (tmp_path / "broken.json").write_text('{\n  "layers": [}')
    with pytest.raises(InputError, match="this is no JSON") as caught:
        read_image(tmp_path / "broken.json")
    assert str(caught.value).startswith(f"{tmp_path / 'broken.json'}:2:14: ")
    (tmp_path / "binary.json").write_bytes(b"\xff\x00\xff")
    with pytest.raises(InputError, match="this is no text in UTF-8"):
        read_image(tmp_path / "binary.json")
    with pytest.raises(InputError, match="there is no such file"):
        read_image(tmp_path / "absent.json")
