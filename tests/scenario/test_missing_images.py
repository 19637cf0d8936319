"""Images in no catalogue: the one command that gets all of them, and where the scenario then finds them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pullsim.cli.app import app
from pullsim.errors import InputErrors
from pullsim.oci.manifest import select
from pullsim.oci.platform import Platform
from pullsim.oci.reference import parse
from pullsim.scenario import load
from pullsim.scenario.builder.missing_images import ImagesMissing

FORMS = Path(__file__).parents[1] / "formats" / "data" / "images"
MANIFEST = FORMS / "skopeo-raw-postgres.json"
SCENARIO = """
nodes:
  - {name: x86, count: 1}
  - {name: arm, count: 1, platform: linux/arm64}
workloads:
  - pods: {image: "ghcr.io/acme/shop:1.2", count: 2}
  - pods: {image: "quay.io/acme/api@sha256:%s", count: 2}
  - pods: {image: nginx}
""" % ("ab" * 32)


def scenario(directory, text=SCENARIO):
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "s.yaml"
    path.write_text(text)
    return path


def errors(path):
    with pytest.raises(InputErrors) as caught:
        load(path).build()
    return caught.value.errors


def shell(command, directory):
    """Run a command with a crane that knows one manifest, and no image with ``fails`` in its name."""
    bin_ = directory / "bin dir"
    bin_.mkdir(parents=True)
    crane = bin_ / "crane"
    crane.write_text(
        "#!/bin/sh\n"
        '[ "$1 $2" = "manifest --platform" ] && [ $# = 4 ] || exit 9\n'
        'case "$4" in *fails*) exit 1;; esac\n'
        f"cat {shlex.quote(str(MANIFEST))}\n"
    )
    crane.chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", command], check=False, env=environment, cwd=directory)  # noqa: S603, S607


def test_each_image_has_its_own_line_and_one_command_gets_all(tmp_path):
    advice, *lines = errors(scenario(tmp_path))
    assert [(line.location.line, line.message) for line in lines] == [
        (6, "workloads[0].pods.image: image 'ghcr.io/acme/shop:1.2' is in no catalogue"),
        (7, lines[1].message),
    ]
    assert isinstance(advice, ImagesMissing)
    assert advice.message.startswith(
        f"Get manifests of the 2 images that are in no catalogue with `mkdir -p {tmp_path}/"
    )
    assert "and add images.manifests: manifests; or give a size" in advice.message


MANIFEST_FILE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template:
    spec:
      initContainers:
        - name: first
          image: acme/init:1
      containers:
        - {name: a, image: "nginx:1.12"}
        - {name: b, image: "acme/main:1"}
      volumes:
        - {name: cache, emptyDir: {}}
        - name: weights
          image:
            reference: acme/weights:1
"""


def test_images_of_a_kubernetes_object_have_their_own_lines_in_its_file(tmp_path):
    (tmp_path / "web.yaml").write_text(MANIFEST_FILE)
    _, *lines = errors(scenario(tmp_path, "nodes: [{}]\nworkloads: [{manifest: web.yaml}]"))
    assert [(Path(line.location.file).name, line.location.line) for line in lines] == [
        ("web.yaml", 10),
        ("web.yaml", 13),
        ("web.yaml", 18),
    ]


@pytest.mark.parametrize("name", ["plain", "with blank", "-rf", "it's; touch pwned; $(touch pwned) `touch pwned`"])
def test_the_command_puts_manifests_where_the_scenario_finds_them(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = scenario(Path(name))
    shell(errors(path)[0].missing.command(), tmp_path)
    assert not (tmp_path / "pwned").exists()
    for form in ("manifests", "[manifests]", "[{path: manifests}]"):
        path.write_text(SCENARIO + f"images: {{manifests: {form}}}\n")
        assert len(load(path).images.manifests) == 1
    catalog = load(path).build().catalog
    for image in ("ghcr.io/acme/shop:1.2", "quay.io/acme/api@sha256:" + "ab" * 32):
        for architecture in ("amd64", "arm64"):
            manifest = select(catalog.lookup(parse(image), 0.0), Platform("linux", architecture))
            assert len(manifest.layers) == 12


def test_a_manifest_that_cannot_be_fetched_leaves_no_file(tmp_path):
    path = scenario(tmp_path, "nodes: [{}]\nworkloads: [{pods: {image: acme/fails}}, {pods: {image: acme/works}}]")
    shell(errors(path)[0].missing.command(), tmp_path)
    assert [file.name for file in (tmp_path / "manifests").iterdir()] == ["acme+works,linux+amd64.json"]


def test_a_single_image_has_it_all_in_its_line(tmp_path):
    path = scenario(tmp_path, "nodes: [{}]\nworkloads: [{pods: {image: acme/shop}}]")
    (error,) = errors(path)
    assert error.location.line == 2
    assert error.message.startswith("workloads[0].pods.image: image 'acme/shop' is in no catalogue; known and near: ")
    assert ". Get this image's manifest with `mkdir -p " in error.message


@pytest.mark.parametrize(
    "images, words",
    [
        ("{manifests: dumps}", '/dumps/"$(printf'),
        ("{manifests: [{path: dumps}]}", '/dumps/"$(printf'),
        (f"{{manifests: [{{image: b, path: '{MANIFEST}'}}]}}", "add to images.manifests: {path: manifests}"),
    ],
)
def test_a_directory_that_the_scenario_reads_already_is_used(tmp_path, images, words):
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "c.json").write_bytes(MANIFEST.read_bytes())
    text = f"nodes: [{{}}]\nimages: {images}\nworkloads: [{{pods: {{image: acme/shop}}}}]"
    (error,) = errors(scenario(tmp_path, text))
    assert words in error.message


def test_validate_prints_the_command_for_any_number_of_images(tmp_path):
    pods = "".join(f"  - pods: {{image: 'registry.example.com/team/service-{n}:1'}}\n" for n in range(60))
    path = scenario(tmp_path, "nodes: [{}]\nworkloads:\n" + pods)
    assert "`pullsim validate SCENARIO --missing | sh`" in errors(path)[0].message
    result = CliRunner().invoke(app, ["validate", str(path), "--missing"])
    assert result.exit_code == 0
    shell(result.stdout, tmp_path)
    assert len(list((tmp_path / "manifests").iterdir())) == 60
    path.write_text(path.read_text() + "images: {manifests: manifests}\n")
    result = CliRunner().invoke(app, ["validate", str(path), "--missing"])
    assert (result.exit_code, result.stdout) == (0, "")


def test_files_of_tools_by_name_and_what_only_sizes_are_known_of(tmp_path):
    (tmp_path / "m").mkdir()
    rows = [
        {"id": "sha256:" + "1" * 64, "repoTags": ["acme.io/guess:1"], "size": "5000000000"},
        {"id": "sha256:" + "2" * 64, "repoTags": ["docker.io/library/redis:3.2"], "size": "36854219"},
        {"id": "sha256:" + "3" * 64, "repoTags": ["docker.io/library/nginx:1.12"], "size": "900000000"},
    ]
    (tmp_path / "m" / "crictl.json").write_text(json.dumps({"images": rows}))
    text = "nodes: [{count: 2}]\nimages: {manifests: m}\nworkloads:\n" + "".join(
        f"  - pods: {{image: '{image}'}}\n" for image in ("acme.io/guess:1", "redis:3.2", "nginx:1.12")
    )
    assembled = load(scenario(tmp_path, text)).assemble()
    # The node's redis:3.2 is that of the catalogue; its nginx:1.12 is another one, and the node is right.
    assert assembled.guessed == ("acme.io/guess:1", "nginx:1.12")
    sizes = {
        name: sum(
            layer.size
            for layer in select(assembled.cluster.catalog.lookup(parse(name), 0.0), Platform("linux", "amd64")).layers
        )
        for name in ("acme.io/guess:1", "redis:3.2", "nginx:1.12")
    }
    assert sizes == {"acme.io/guess:1": 5_000_000_000, "redis:3.2": 36_845_726, "nginx:1.12": 900_000_000}


@pytest.mark.parametrize(
    "entry, words",
    [
        (f"image: a, path: '{FORMS / 'docker-images.jsonl'}'", "has 4 images, and none of them is 'a'"),
        (f"path: '{FORMS / 'crane-config-wordpress.json'}'", "is an image's config, which has no sizes of layers"),
        (f"image: a, path: '{FORMS / 'oras-descriptor-weights.json'}'", "is a descriptor, which has no layers"),
        (f"path: '{FORMS / 'SOURCE.md'}'", "holds nothing that is known of images"),
        ("path: nowhere", "there is no such file"),
        (f"image: 'A B', path: '{MANIFEST}'", "image 'A B'"),
    ],
)
def test_files_that_do_not_have_an_entrys_image(tmp_path, entry, words):
    (error, *_) = errors(scenario(tmp_path, f"nodes: [{{}}]\nimages: {{manifests: [{{{entry}}}]}}"))
    assert words in str(error)


def test_an_artifact_is_no_image_of_a_container(tmp_path):
    images = f"images: {{manifests: [{{image: acme/weights, path: '{FORMS / 'oras-manifest-fetch-weights.json'}'}}]}}"
    text = f"nodes: [{{}}]\n{images}\nworkloads: [{{pods: {{image: acme/weights}}}}]"
    warnings = load(scenario(tmp_path, text)).assemble().warnings
    assert "acme/weights is an OCI artifact: no container starts from it; it is for image volumes" in warnings
