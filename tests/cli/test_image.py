"""`pullsim image`: every vector of names and default policies comes out as the kubelet has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
NAMES = json.loads((VECTORS / "image_names.json").read_text())["vectors"]
POLICIES = json.loads((VECTORS / "imagepullpolicy_defaults.json").read_text())["vectors"]
HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def shown(inside, *arguments):
    done = inside("image", *arguments)
    return done.returncode, [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_the_parts_of_a_name(inside):
    assert shown(inside, "team/app") == (
        0,
        [
            "team/app",
            "domain docker.io",
            "path team/app",
            "familiar team/app:latest",
            "tag latest (added)",
            "digest -",
            "pull policy Always",
            "to the CRI team/app:latest",
        ],
    )


def test_a_digest_decides(inside):
    code, lines = shown(inside, f"quay.io/app:latest@sha256:{HEX}")
    assert code == 0
    assert "tag latest (the digest decides what is pulled)" in lines
    assert f"digest sha256:{HEX}" in lines
    assert "pull policy Always" in lines


def test_all_are_printed_though_one_does_not_parse(inside):
    code, lines = shown(inside, "App", "nginx:1.27")
    assert code == 2
    why = "invalid reference format: repository name (library/App) must be lowercase"
    assert lines[:3] == [
        "App",
        f'error Failed to apply default image tag "App": couldn\'t parse image name "App": {why}',
        "pull policy IfNotPresent",
    ]
    assert "to the CRI nginx:1.27" in lines


@pytest.mark.parametrize(
    ("release", "what", "why"),
    [
        ("1.27", "image reference", "repository name must be lowercase"),
        ("1.28", "image name", "repository name must be lowercase"),
        ("1.29", "image name", "repository name (library/App) must be lowercase"),
    ],
)
def test_errors_are_worded_as_the_release_does(inside, release, what, why):
    done = inside("image", "App", "-o", "json", "--kubelet-version", release)
    (row,) = json.loads(done.stdout)
    expected = f'Failed to apply default image tag "App": couldn\'t parse {what} "App": invalid reference format: {why}'
    assert row["error"] == expected


@pytest.mark.parametrize(
    ("release", "right"), [("1.23", "1.24 to 1.37 are"), ("0.9", "1.24 to 1.37 are"), ("new", "major.minor.patch")]
)
def test_releases_that_are_not_known(inside, release, right):
    done = inside("image", "app", "--kubelet-version", release)
    assert (done.returncode, done.stdout) == (2, "")
    assert right in done.stderr


def test_a_newer_release_is_shown_as_the_newest_known_one(inside):
    done = inside("image", "app", "--kubelet-version", "1.99")
    assert done.returncode == 0
    assert "kubelet 1.99 is newer" in " ".join(done.stderr.split())
    assert "newer" not in inside("image", "app", "--kubelet-version", "v1.36.2").stderr


def test_every_vector_of_names(inside):
    given = [vector["input"] for vector in NAMES]
    done = inside("image", "-o", "json", "--", *given)
    assert done.returncode == 2
    rows = json.loads(done.stdout)
    assert [row["image"] for row in rows] == given
    for row, vector in zip(rows, NAMES, strict=True):
        assert row["valid"] is vector["valid"]
        if vector["valid"]:
            parts = {key: vector[key] for key in ("domain", "path", "tag", "digest")}
            assert {key: row[key] for key in parts} == parts
            assert row["cri"] == vector["cri_image"]
            assert row["tagAdded"] is (vector["tag"] is not None and not vector["tag_was_explicit"])
        else:
            assert row["error"] == f'Failed to apply default image tag "{vector["input"]}": {vector["error"]}'


def test_every_vector_of_default_policies(inside):
    given = [vector["image"] for vector in POLICIES]
    rows = json.loads(inside("image", "-o", "json", "--", *given).stdout)
    assert [row["pullPolicy"] for row in rows] == [vector["default_policy"] for vector in POLICIES]
