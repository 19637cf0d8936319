"""Images of which only a size is known: their layers are a guess, said to be one, whose effect is measured."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pullsim.cli.app import app
from pullsim.errors import InputError
from pullsim.oci.catalog import Catalog, builtin_names
from pullsim.oci.manifest import select
from pullsim.oci.platform import Platform
from pullsim.oci.reference import parse
from pullsim.oci.typical import KINDS, SPLITS, kind_of, typical_splits
from pullsim.scenario import from_mapping

AMD64 = Platform("linux", "amd64")
CATALOGS = [Catalog.builtin(name) for name in builtin_names()]


def layers(define, name="app:1", at=0.0, platform=AMD64, **images):
    cluster = from_mapping({"nodes": [{}], "images": {"define": define, **images}}).build()
    return select(cluster.catalog.lookup(parse(name), at), platform).layers


@given(st.integers(1, 10**12), st.sampled_from([None, *KINDS]))
def test_typical_splits_are_those_of_real_images_and_sum_to_the_size(size, kind):
    splits = typical_splits(size, "acme/app:1", kind)
    assert len(splits) == SPLITS
    for split in splits:
        assert kind in (None, split.kind)
        assert sum(split.scaled(size)) == size
        real = [image for catalog in CATALOGS if (image := catalog.lookup(parse(split.image), 0.0)) is not None]
        assert split.sizes in [tuple(layer.size for layer in select(image, AMD64).layers) for image in real]


def test_the_nearest_real_image_of_the_kind_is_the_first():
    first, *others = typical_splits(9_400_000_000, "quay.io/acme/vllm:1")
    assert first.image.startswith("huggingface/transformers-pytorch-gpu:")
    assert len({split.image.partition(":")[0] for split in (first, *others)}) == SPLITS


@pytest.mark.parametrize(
    "name, kind",
    [
        ("vllm/vllm-openai:v0.6.3", "gpu"),
        ("nvcr.io/nvidia/pytorch:24.10-py3", "gpu"),
        ("acme/app:1-cuda12", "gpu"),
        ("python:3.12-slim", "language"),
        ("eclipse-temurin:21-jre", "language"),
        ("kindest/node:v1.31.0", None),
        ("quay.io/prometheus/node-exporter:v1.8.2", None),
        ("debian:bookworm", "base"),
        ("registry.access.redhat.com/ubi9/ubi-minimal:9.4", "base"),
        ("acme/shop:1", None),
        ("NO NAME", None),
    ],
)
def test_kinds_of_names(name, kind):
    assert kind_of(name) == kind


def test_a_size_is_split_by_the_seed_and_the_same_for_one_seed():
    define = [{"image": "app:1", "size": "5GB"}]
    made = {
        tuple(layer.size for layer in select(found, AMD64).layers)
        for seed in range(20)
        if (found := built(define, seed).catalog.lookup(parse("app:1"), 0.0))
    }
    assert 1 < len(made) <= SPLITS
    assert built(define, 3).catalog.lookup(parse("app:1"), 0.0) == built(define, 3).catalog.lookup(parse("app:1"), 0.0)


def built(define, seed):
    return from_mapping({"nodes": [{}], "images": {"define": define}, "seed": seed}).build()


def test_a_split_can_be_chosen():
    for split in range(SPLITS):
        wanted = typical_splits(5_000_000_000, "app:1")[split].scaled(5_000_000_000)
        assert [layer.size for layer in layers([{"image": "app:1", "size": "5GB"}], split=split)] == wanted


def test_unpacked_bytes_beside_a_size_and_instead_of_it():
    both = layers([{"image": "app:1", "size": "1GB", "unpacked": "3GB"}])
    assert (sum(each.size for each in both), sum(each.unpacked for each in both)) == (10**9, 3 * 10**9)
    alone = layers([{"image": "app:1", "unpacked": "2.6GB"}])
    assert (sum(each.size for each in alone), sum(each.unpacked for each in alone)) == (10**9, 2_600_000_000)
    size = layers([{"image": "app:1", "size": "1GB"}], unpackRatio=2)
    assert sum(each.unpacked for each in size) == pytest.approx(2 * 10**9, abs=len(size))


def test_a_tag_moves_to_an_image_of_known_size_and_no_layer_is_shared():
    define = [
        {"image": "app:1", "size": "1GB", "tagMoves": [{"at": "5m", "size": "1GB"}]},
        {"image": "b", "size": "1GB"},
    ]
    digests = [
        layer.digest
        for name, at in (("app:1", 0.0), ("app:1", 300.0), ("b", 0.0))
        for layer in layers(define, name, at, split=0)
    ]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    "entry, words",
    [
        ({}, "has neither layers nor a size"),
        ({"size": "1GB", "layers": []}, "has layers and a size; give one of them"),
        ({"size": 0}, "size"),
        ({"size": "1GB", "kind": "huge"}, "kind"),
        ({"size": "1GB", "tagMoves": [{"at": "1s"}]}, "has neither layers nor a size"),
    ],
)
def test_wrong_definitions(entry, words):
    with pytest.raises(InputError, match=words):
        from_mapping({"nodes": [{}], "images": {"define": [{"image": "app:1", **entry}]}})


SCENARIO = """
nodes: [{count: 3, nic: 1Gbit/s, kubelet: {serializeImagePulls: false}}]
images: {define: [{image: acme/llm:1, size: 12GB}, {image: acme/unused:1, size: 1GB}]}
workloads: [{pods: {image: acme/llm:1, count: 3}}]
"""


def run(tmp_path, *arguments):
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return CliRunner().invoke(app, ["run", str(path), *arguments])


def test_results_say_that_layers_are_guessed_and_what_other_splits_change(tmp_path):
    summary = json.loads(run(tmp_path, "-o", "json").stdout)
    (warning,) = summary["warnings"]
    assert warning.startswith("layers of 1 image are guessed from sizes: acme/llm:1;")
    effect = summary["splits"]
    assert (effect["images"], effect["runs"]) == (["acme/llm:1"], SPLITS + 1)
    assert effect["p99"]["low"] <= summary["pods"]["start"]["p99"] <= effect["p99"]["high"]
    assert effect["p99"]["low"] < effect["p99"]["high"]
    text = " ".join(run(tmp_path).stdout.split())
    assert "Guessed layers of acme/llm:1. In 7 runs with typical layers pods start at p50" in text


def test_validate_says_which_layers_are_a_guess(tmp_path):
    run(tmp_path)
    shown = CliRunner().invoke(app, ["validate", str(tmp_path / "s.yaml")]).stdout
    assert re.search(r"acme/llm:1: 3 containers, \d+ layers \(a guess\), 12 GB", shown)


def test_other_splits_are_not_run_for_a_split_that_is_given_unless_asked_for(tmp_path):
    assert json.loads(run(tmp_path, "-o", "json", "--set", "images.split=2").stdout)["splits"] is None
    assert json.loads(run(tmp_path, "-o", "json", "--no-splits").stdout)["splits"] is None
    chosen = json.loads(run(tmp_path, "-o", "json", "--set", "images.split=2", "--splits").stdout)
    assert chosen["splits"]["runs"] == SPLITS + 1
