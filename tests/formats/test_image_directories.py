"""Directories of files about images: which file is of which image; and no file breaks a reader."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.formats.oci.beside import digest_of
from pullsim.formats.oci.directory import name_of, read_directory
from pullsim.formats.oci.found import FoundImage, by_name
from pullsim.formats.oci.reader import read_images
from pullsim.oci.manifest import select
from pullsim.oci.platform import Platform

FORMS = Path(__file__).parent / "data" / "images"
NODES = Path(__file__).parent / "data" / "node-images"
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def layers(found, platform=AMD64):
    manifest = select(found.image, platform)
    return len(manifest.layers), sum(layer.size for layer in manifest.layers)


def written(directory, name, value):
    path = directory / name
    path.write_text(json.dumps(value))
    return path


def test_a_directory_takes_names_from_files_and_from_what_they_hold(tmp_path):
    for form in FORMS.iterdir():
        (tmp_path / form.name).write_bytes(form.read_bytes())
    (tmp_path / "crane-manifest-wordpress-index.json").rename(tmp_path / "quay.io+team+wordpress:6.json")
    (tmp_path / "skopeo-raw-postgres.json").rename(tmp_path / "docker.io%2Flibrary%2Fpostgres:17,linux+arm64.json")
    (tmp_path / "skopeo-inspect-rabbitmq.json").rename(tmp_path / "rabbitmq:4.json")
    (tmp_path / "oras-manifest-fetch-weights.json").rename(tmp_path / "No Name.json")
    read = read_directory(tmp_path)
    known = by_name(read.images)
    assert layers(known["quay.io/team/wordpress:6"]) == (19, 144_142_273)
    assert layers(known["docker.io/library/postgres:17"], ARM64) == (12, 104_129_997)
    assert select(known["docker.io/library/postgres:17"].image, AMD64) is None
    assert layers(known["docker.io/library/rabbitmq:4"]) == (12, 68_059_318)
    assert layers(known["docker.io/library/traefik:latest"]) == (2, 13_965_644)
    assert known["docker.io/library/postgres:9.6"].unpacked == 268_000_000
    said = "\n".join(read.reasons)
    assert "No Name.json: is an OCI artifact and does not say of which image; name the file after it" in said
    assert "SOURCE.md: holds nothing that is known of images; known are manifests" in said
    assert "sha256-0e38" not in said


def test_manifests_for_platforms_in_files_of_their_own_are_one_image(tmp_path):
    manifest = json.loads((FORMS / "skopeo-raw-postgres.json").read_text())
    written(tmp_path, "a+b:1,linux+amd64.json", manifest)
    written(tmp_path, "a+b:1,linux+arm64.json", {**manifest, "layers": manifest["layers"][:3]})
    (found,) = read_directory(tmp_path).images
    assert found.names == ("docker.io/a/b:1",)
    assert [layers(found, platform)[0] for platform in (AMD64, ARM64)] == [12, 3]


def test_manifests_and_configs_are_found_by_content_whatever_their_files_are_called(tmp_path):
    (tmp_path / "some name").write_bytes(
        (FORMS / "sha256-0e38f4d034f3cce7a40ab48f4d49111d5674080e07f9955f040e82acb90eb47e.json").read_bytes() + b"\n"
    )
    (tmp_path / "wordpress:5.json").write_bytes((FORMS / "crane-manifest-wordpress-index.json").read_bytes())
    read = read_directory(tmp_path, platforms=[AMD64])
    assert [found.names for found in read.images] == [("docker.io/library/wordpress:5",)]
    assert (layers(read.images[0]), read.reasons) == ((19, 144_142_273), ())


@pytest.mark.parametrize(
    "file, name, platform",
    [
        ("nginx.json", "docker.io/library/nginx:latest", None),
        ("nginx:1.27.json", "docker.io/library/nginx:1.27", None),
        ("ghcr.io+team+app:1.2,linux+arm64.json", "ghcr.io/team/app:1.2", "linux/arm64"),
        ("localhost%3A5000%2Fapp%3A1.manifest.json", "localhost:5000/app:1", None),
        ("app@sha256:" + "0" * 64, "docker.io/library/app@sha256:" + "0" * 64, None),
        ("sha256-" + "0" * 64 + ".json", None, None),
        ("0" * 64, None, None),
        ("UPPER.json", None, None),
        ("-$(touch x);`y`'.json", None, None),
        ("app:1,nonsense.json", None, None),
    ],
)
def test_names_of_files(file, name, platform):
    assert name_of(Path(file)) == (name, None if platform is None else Platform.parse(platform))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**64) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
FILES = sorted([*FORMS.glob("*.json*"), *NODES.iterdir()])


def mutated(value, data):
    """The value with something in it replaced, or left out."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        rest = {other: inner for other, inner in value.items() if other != key}
        return rest if data.draw(st.integers(0, 3)) == 0 else {**rest, key: mutated(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        position = data.draw(st.integers(0, len(value) - 1))
        return [*value[:position], mutated(value[position], data), *value[position + 1 :]]
    return data.draw(json_values)


@given(st.data())
def test_nothing_but_input_errors_comes_of_any_file(data):
    text = data.draw(st.sampled_from(FILES)).read_text()
    try:
        text = json.dumps(mutated(json.loads(text), data))
    except ValueError:
        begin, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
        text = text[:begin] + data.draw(st.text(max_size=5)) + text[end:]
    with TemporaryDirectory() as directory:
        path = Path(directory) / "app:1.json"
        path.write_text(text)
        read_directory(directory)
        with suppress(InputError):
            assert all(isinstance(found, FoundImage) for found in read_images(path).images)


def layout(directory, annotations):
    """Write an OCI image layout of one image, with its config."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(value):
        data = json.dumps(value).encode()
        (blobs / digest_of(data).partition(":")[2]).write_bytes(data)
        return {"digest": digest_of(data), "size": len(data)}

    config = blob({"os": "linux", "architecture": "arm64", "rootfs": {"type": "layers", "diff_ids": []}})
    layers = json.loads((FORMS / "skopeo-raw-postgres.json").read_text())["layers"]
    manifest = blob({"schemaVersion": 2, "config": {"mediaType": "c", **config}, "layers": layers})
    written(directory, "oci-layout", {"imageLayoutVersion": "1.0.0"})
    written(directory, "index.json", {"schemaVersion": 2, "manifests": [{**manifest, "annotations": annotations}]})


@pytest.mark.parametrize(
    "annotations, name",
    [
        ({"io.containerd.image.name": "ghcr.io/team/app:1"}, "ghcr.io/team/app:1"),
        ({"org.opencontainers.image.ref.name": "ghcr.io/team/app:1"}, "ghcr.io/team/app:1"),
        ({"org.opencontainers.image.ref.name": "1"}, "docker.io/team/db:1"),
        ({}, "docker.io/team/db:1"),
    ],
)
def test_an_image_layout_is_an_image_by_its_annotations_or_its_directory(annotations, name, tmp_path):
    (directory := tmp_path / "team+db:1").mkdir()
    layout(directory, annotations)
    (found,) = read_directory(directory).images
    assert found.names == (name,)
    assert (found.platform, layers(found, ARM64)) == (ARM64, (12, 104_129_997))


def test_a_layout_without_its_blobs_says_which_is_missing(tmp_path):
    written(tmp_path, "index.json", {"manifests": [{"digest": "sha256:" + "a" * 64, "size": 1}]})
    read = read_directory(tmp_path)
    assert read.images == ()
    assert "aaaa is not among the blobs" in "\n".join(read.reasons)
