"""The keys of partial pulls: zstd:chunked layers, runtime.partialImages, and what registries do with ranges."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

import pullsim
from pullsim.errors import InputError
from pullsim.oci.reference import parse
from pullsim.results.summary.summary import summarize
from pullsim.scenario import effective_yaml, from_mapping
from pullsim.spec.partial import PartialSpec
from pullsim.study.advice.advise import candidates
from pullsim.study.advice.situation import Situation
from tests.support.command import pullsim as command

ROOT = Path(__file__).parents[2]
OLD, NEW = "r.test/app:v1", "r.test/app:v2"
CRIO = {"crio": "1.35", "partialImages": True}


def scenario(*, runtime=CRIO, layer=None, registry=None, **node):
    """A node has an image of 100 MB, and pulls one of which 90 MB are the same files."""
    layer = layer or {"size": "100MB", "files": 900, "chunked": {"lib": "90MB"}}
    return from_mapping(
        {
            "name": "parts",
            "images": {"define": [{"image": image, "layers": [layer]} for image in (OLD, NEW)]},
            "registries": [{"host": "r.test", **(registry or {})}],
            "nodes": [{"name": "n", "runtime": runtime, "cached": [OLD], **node}],
            "workloads": [{"name": "w", "pods": {"image": NEW}}],
        }
    )


def host(made):
    return next(each for each in made.assemble().cluster.registries if each.host == "r.test")


def spec(made):
    return made.assemble().cluster.nodes[0].spec.runtime


def layers(made, image=NEW):
    found = made.assemble().cluster.catalog.lookup(parse(image), 0.0)
    return (found.manifests[0][1] if hasattr(found, "manifests") else found).layers


def test_bytes_that_are_there_are_not_downloaded():
    """They are missing in layers.csv, in the summary and in the bytes by class of link."""
    on, off = (pullsim.run(scenario(runtime=each, registry={"link": "nat"})) for each in (CRIO, {"crio": "1.35"}))
    (row,) = on.layers
    assert (row.size, row.downloaded) == (100_000_000, 10_000_000)
    assert summarize(on).bytes.downloaded == 10_000_000
    assert summarize(off).bytes.downloaded == 100_000_000
    assert sum(each.bytes for each in on.traffic) < 10_100_000 < sum(each.bytes for each in off.traffic)


@pytest.mark.parametrize(
    ("given", "built"),
    [
        (None, None),
        (True, PartialSpec()),
        ({}, PartialSpec()),
        ({"enabled": False}, None),
        ({"link": "1ms", "copies": True, "together": 1}, PartialSpec(1e-3, copies=True, together=1)),
    ],
    ids=str,
)
def test_a_node_pulls_in_parts_where_it_is_told_to(given, built):
    made = scenario(runtime={"crio": "1.35", "partialImages": given})
    assert spec(made).partial == built
    assert spec(from_mapping(yaml.safe_load(effective_yaml(made)))) == spec(made)


def test_layers_have_their_contents():
    (layer,) = layers(scenario())
    assert (layer.compression, layer.chunked) == ("zstd", (("lib", 90_000_000),))
    (layer,) = layers(scenario(layer={"size": "1MB", "chunked": True}))
    assert layer.chunked == ()


WRONG = [
    ({"chunked": "yes"}, "chunked: 'yes' must be true, or contents with their sizes"),
    ({"chunked": ["a"]}, "must be true, or contents with their sizes"),
    ({"chunked": False}, "chunked: false must be left out"),
    ({"chunked": {"a": "2MB"}}, "the contents of chunked have 2MB, more than the layer's 1MB"),
    ({"chunked": {"a": 0}}, "0 must be greater than 0"),
    ({"chunked": {"a": "90%"}}, "size '90%'"),
    ({"chunked": True, "mediaType": "tar+gzip"}, "a layer of 'tar+gzip' is not zstd:chunked"),
    ({"chunked": {"=cmd|' /C calc'!A0\n": "1EB"}}, "more than the layer's"),
]


@pytest.mark.parametrize(("layer", "message"), WRONG, ids=str)
def test_wrong_layers_have_one_error(layer, message):
    with pytest.raises(InputError) as error:
        scenario(layer={"size": "1MB", **layer})
    assert message in str(error.value)
    assert len(getattr(error.value, "errors", [0])) == 2  # of both images


def test_one_name_is_the_same_files_everywhere():
    tree = scenario().document.tree
    tree["images"]["define"][1]["layers"] = [{"size": "100MB", "chunked": {"lib": "80MB"}}]
    tree["images"]["define"][1]["tagMoves"] = [{"at": "5s", "layers": [{"size": "9MB", "chunked": {"lib": "7MB"}}]}]
    with pytest.raises(InputError) as error:
        from_mapping(tree).assemble()
    first, second = (str(each) for each in error.value.errors)
    assert "images.define[r.test/app:v2].layers[0].chunked.lib: has 90MB elsewhere: one name is" in first
    assert "images.define[r.test/app:v2].tagMoves[0].layers[0].chunked.lib: has 90MB elsewhere" in second


WARNINGS = [
    (
        {"runtime": {"containerd": "2.1", "partialImages": True}},
        "partialImages is CRI-O's, and this pool has containerd",
    ),
    ({"layer": {"size": "100MB"}}, "has no effect: no layer of the images is zstd:chunked"),
    ({"runtime": {"crio": "1.35"}}, "the contents of zstd:chunked layers are not looked at"),
    ({"runtime": {"crio": "1.35"}, "layer": {"size": "100MB", "chunked": True}}, None),
    ({"peers": "dragonfly"}, "partialImages is ignored: its peers fetch whole blobs alone"),
    ({}, None),
]


@pytest.mark.parametrize(("given", "text"), WARNINGS, ids=str)
def test_what_has_no_effect_is_warned_of_once(given, text):
    found = [each for each in scenario(**given).assemble().warnings if "partial" in each or "chunked" in each]
    assert [text in each for each in found if text] == ([True] if text else [])


@pytest.mark.parametrize(
    ("keys", "ranges"),
    [
        ({}, "several"),
        ({"ranges": "one"}, "one"),
        ({"preset": "ecr"}, "one"),
        ({"preset": "ecr", "ranges": "several"}, "several"),
        ({"cache": {"preset": "zot", "upstream": "u.test"}}, "refused"),
        ({"cache": {"preset": "zot", "upstream": "u.test"}, "ranges": "several"}, "several"),
        ({"cache": {"preset": "nginx", "upstream": "u.test"}}, "several"),
    ],
    ids=str,
)
def test_what_a_host_does_with_several_ranges(keys, ranges):
    assert host(scenario(registry=keys)).ranges == ranges


@pytest.mark.parametrize(
    ("registry", "message"),
    [
        ({"ranges": "none"}, "ranges: 'none' is not one of several, one, refused"),
        ({"ranges": False}, "ranges: false is not one of several, one, refused; leave it out to go without"),
        ({"mostRanges": 0}, "mostRanges: 0 must be greater than or equal to 1"),
    ],
)
def test_wrong_ranges_have_one_error(registry, message):
    with pytest.raises(InputError) as error:
        scenario(registry=registry)
    assert message in str(error.value)


def test_a_manifest_tells_that_layers_are_chunked(tmp_path):
    media_type = "application/vnd.oci.image."
    toc = {"io.github.containers.zstd-chunked.manifest-checksum": "sha256:" + "e" * 64}
    descriptors = [
        {"mediaType": f"{media_type}layer.v1.tar+zstd", "digest": "sha256:" + letter * 64, "size": 5, **more}
        for letter, more in (
            ("a", {"annotations": toc}),
            ("b", {"annotations": {"other": "1"}}),
            ("c", {}),
            ("d", {"annotations": "hostile"}),
        )
    ]
    config = {"mediaType": f"{media_type}config.v1+json", "digest": "sha256:" + "f" * 64, "size": 9}
    head = {"schemaVersion": 2, "mediaType": f"{media_type}manifest.v1+json", "config": config}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**head, "layers": descriptors}))
    images = {"manifests": [{"image": "r.test/app:v3", "path": str(path)}]}
    made = from_mapping({"images": images, "nodes": [{}], "workloads": [{"pods": {"image": "r.test/app:v3"}}]})
    assert [each.chunked for each in layers(made, "r.test/app:v3")] == [(), None, None, None]


def test_the_keys_are_knobs(tmp_path):
    path = tmp_path / "parts.yaml"
    path.write_text(json.dumps(scenario().document.tree))
    knob = "nodes[n].runtime.partialImages=true,false"
    done = command("compare", path, "--set", knob, "-m", "bytes.downloaded", "--seeds", "1", "-j", "1", "-q")
    assert done.returncode == 0, done.stderr
    assert "10 MB" in done.stdout
    assert "100 MB" in done.stdout


def test_the_page_has_the_figures_of_its_scenario():
    result = pullsim.run(pullsim.load(ROOT / "scenarios/levers/zstd-chunked.yaml"))
    starts = {pod.node[:-5]: f"{pod.start_seconds:.3g}" for pod in result.pods}
    downloaded = Counter()
    for layer in result.layers:
        downloaded[layer.node[:-5]] += layer.downloaded
    page = (ROOT / "docs/levers/partial-pulls.md").read_text(encoding="utf-8")
    for pool in ("parts", "parts-s3", "whole"):
        assert f"| {starts[pool]} s | {downloaded[pool] / 10e6:,.0f} MB |" in page
    nginx = sorted(pod.start_seconds for pod in result.pods if pod.node[:-5] == "parts-nginx")
    assert f"| {nginx[0]:.3g} to {nginx[-1]:.3g} s | {downloaded['parts-nginx'] / 10e6:,.0f} MB |" in page


def test_advice_tries_it_where_layers_are_chunked():
    def tried(made):
        found = candidates(Situation.of(made), {})
        return [each.setting.overrides for each in found if each.lever.name == "partial pulls"]

    whole = scenario(runtime={"crio": "1.35"})
    assert tried(whole) == [("nodes[*].runtime.partialImages=true",)]
    assert pullsim.override(whole, tried(whole)[0]).assemble().cluster.nodes[0].spec.runtime.partial == PartialSpec()
    for other in ({"runtime": CRIO}, {"runtime": {"containerd": "2.1"}}, {"layer": {"size": "1MB"}}):
        assert tried(scenario(**{"runtime": {"crio": "1.35"}, **other})) == []
