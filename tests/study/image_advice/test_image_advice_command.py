"""The command image-advice as its users meet it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from pullsim.cli.image_arguments import nodes_of, options_of, with_registries
from pullsim.errors import InputError
from pullsim.study.image_advice.advise import try_images
from pullsim.study.image_advice.chosen import chosen_images
from tests.support.command import pullsim as command
from tests.support.hostile import SCRIPT

FORMS = Path(__file__).parents[2] / "formats" / "data" / "images"
ONE_NODE = ("--nodes", "1", "--seeds", "1", "-j", "1", "-q", "--max-runs", "5")
HOSTILE = "=cmd|' /C calc'!A0"
DIGESTS = ["sha256:" + letter * 64 for letter in "abcdef"]


def manifest(*layers):
    """A manifest as `crane manifest` prints it; a layer is (digest, bytes)."""
    media_type = "application/vnd.oci.image.layer.v1.tar+gzip"
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": f"sha256:{len(layers):064x}",
                "size": 1500,
            },
            "layers": [{"mediaType": media_type, "digest": digest, "size": size} for digest, size in layers],
        }
    )


@pytest.fixture
def two(tmp_path):
    """Manifests of two images that share their bottom layer of 300 MB."""
    directory = tmp_path / "manifests"
    directory.mkdir()
    (directory / "r.test+web:1.json").write_text(manifest((DIGESTS[0], 300_000_000), (DIGESTS[1], 100_000_000)))
    (directory / "r.test+job:2.json").write_text(manifest((DIGESTS[0], 300_000_000), (DIGESTS[2], 20_000_000)))
    return directory


def words(text):
    return " ".join(text.split())


def test_a_directory_of_manifests(two, tmp_path):
    done = command("image-advice", two, *ONE_NODE, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    shown = words(done.stdout)
    assert "r.test/job:2, r.test/web:1: 3 layers of 420 MB, the biggest 300 MB." in shown
    assert "1 node of aws/m6i.xlarge-gp3: pods.start.p99 is " in shown
    assert "Most gains: " in shown
    assert "unpacked sizes of 4 of 4 layers are 2.6 times the compressed ones (--unpack-ratio)" in shown
    assert "r.test/job:2 r.test/web:1 1 300 MB 300 MB 1.08 GB" in shown, "300 MB, and 2.6 times as many on the disk"
    files = tmp_path / "out"
    assert {file.name for file in files.iterdir()} == {
        "image-advice.csv", "image-advice.json", "image-advice.md", "report.html", "runs", "shared.csv",
    }  # fmt: skip
    (pair,) = csv.DictReader((files / "shared.csv").read_text().splitlines())
    assert pair == {
        "image": "r.test/job:2", "with": "r.test/web:1", "sharedLayers": "1", "sharedBytes": "300000000",
        "savedDownload": "300000000", "savedDisk": "1080000000",
    }  # fmt: skip
    document = json.loads((files / "image-advice.json").read_text())
    assert document["asItIs"]["disk"] == 420_000_000 + 2.6 * 420_000_000
    assert document["asItIs"]["bytes"] == pytest.approx(420_000_000, rel=1e-3)
    gained = [each["p99Gained"] for each in document["changes"]]
    assert gained == sorted(gained, reverse=True)
    rows = list(csv.DictReader((files / "image-advice.csv").read_text().splitlines()))
    assert [float(row["p99Gained"]) for row in rows] == pytest.approx(gained)
    assert document["best"] in words((files / "image-advice.md").read_text())


def test_json_says_what_o_json_says(two):
    arguments = ("image-advice", two / "r.test+web:1.json", *ONE_NODE[:-1], "3", "--zstd", "5=0.5")
    done, same = command(*arguments, "--json"), command(*arguments, "-o", "json")
    assert done.stdout == same.stdout
    document = json.loads(done.stdout)
    assert {each["change"] for each in document["changes"]} == {"zstd -5", "plain tar"}
    assert any("-5: 0.5 (--zstd)" in text for text in document["assumed"])
    assert document["shared"] == []
    before, after = (document["changes"][0][f"bytes{end}"] for end in ("Before", "After"))
    assert before - after == pytest.approx(200_000_000, rel=1e-3)


def test_the_pods_of_a_scenario_are_measured(two, small_file):
    """Two images of the scenario itself, by name; then one that its pods do not pull, on its nodes."""
    own = command("image-advice", "r.test/app0:v1", "--scenario", small_file, *ONE_NODE[2:], "--json")
    assert json.loads(own.stdout)["ownPods"], own.stderr
    other = command("image-advice", two, "--scenario", small_file, *ONE_NODE[2:])
    assert "one pod of each image on each node" in words(other.stdout)
    assert "small: pods.start.p99" in words(other.stdout)


@pytest.mark.parametrize("pods", ["r.test/sized:1", "r.test/other:1"])
def test_layers_that_are_guesses_are_called_so(tmp_path, pods):
    """Whether pods pull the image of which only the size is known, or not."""
    layers = [{"size": "1MB"}]
    scenario = {
        "images": {
            "define": [{"image": "r.test/sized:1", "size": "90MB"}, {"image": "r.test/other:1", "layers": layers}]
        },
        "nodes": [{"name": "n"}],
        "workloads": [{"name": "w", "pods": {"image": pods}}],
    }
    (tmp_path / "s.yaml").write_text(json.dumps(scenario))
    arguments = ("--scenario", tmp_path / "s.yaml", *ONE_NODE[2:])
    assumed = words(command("image-advice", "r.test/sized:1", *arguments).stdout)
    assert "Assumed r.test/sized:1: the scenario has its size alone;" in assumed


def test_platforms_are_those_of_the_nodes(tmp_path):
    """An index needs its manifest for the nodes' platform only; without it, it says how to get it."""
    index = FORMS / "crane-manifest-wordpress-index.json"
    done = command("image-advice", index, *ONE_NODE, "--json")
    assert list(json.loads(done.stdout)["images"][0]["layers"]) == ["linux/amd64"]
    shutil.copy(index, tmp_path / "wordpress.json")
    missing = command("image-advice", tmp_path / "wordpress.json", *ONE_NODE)
    assert missing.returncode == 2
    assert "the manifest for linux/amd64 is not beside the index" in missing.stderr


@pytest.mark.parametrize(
    "arguments, error",
    [
        (("no-such:tag",), "IMAGE: image 'no-such:tag' is in no catalogue"),
        (("./none.json",), "none.json: there is no such file or directory"),
        (("redis:3.2", "--seeds", "1", "--max-runs", "2", "--out", "x" * 70_000), "cannot be written: "),
        ((str(FORMS / "crane-config-wordpress.json"),), "is an image's config"),
    ],
)
def test_one_clear_error(arguments, error):
    done = command("image-advice", *arguments, "-q")
    assert done.returncode == 2, done.stdout
    assert error in done.stderr
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr


def ask(*images, base=None, zstd=None, weights=None, ratio=None, **given):
    """Do what the command does of its arguments."""
    overrides = [] if ratio is None else [f"images.unpackRatio={ratio}"]
    where = nodes_of(given.get("file"), given.get("count"), given.get("preset"), overrides, quiet=True)
    found = chosen_images(images, where)
    return with_registries(where, found, ())[0], found, options_of(base, zstd, weights, where)


@pytest.mark.parametrize(
    "images, given, error",
    [
        ([""], {}, "IMAGE: '' is neither a file nor an image name: "),
        (["a\0b"], {}, "IMAGE: 'a\\x00b' is neither a file nor an image name: "),
        (["Bad:Name:x"], {}, "IMAGE: 'Bad:Name:x' is neither a file nor an image name: "),
        (["redis:3.2"], {"count": 2, "file": Path("x.yaml")}, "--nodes: does not go with --scenario"),
        (["redis:3.2"], {"preset": "none"}, "--preset: 'none' is neither a preset nor a file"),
        (["redis:3.2"], {"zstd": ["3"]}, "--zstd: '3' is LEVEL=RATIO"),
        (["redis:3.2"], {"zstd": ["3=nan"]}, "--zstd: '3=nan' is LEVEL=RATIO"),
        (["redis:3.2"], {"zstd": ["40=0.5"]}, "--zstd: '40=0.5' is LEVEL=RATIO"),
        (["redis:3.2"], {"zstd": ["3=0.9", "3=0.8"]}, "--zstd: level 3 is there twice: once is enough"),
        (["redis:3.2"], {"base": "nosuch:1"}, "--base: image 'nosuch:1' is in no catalogue"),
        (["redis:3.2"], {"weights": "much"}, "--weights: "),
        (["redis:3.2"], {"weights": "0B"}, "--weights: 0 would be every layer"),
        (["redis:3.2"], {"ratio": 0}, "unpackRatio"),
        (["redis:3.2"], {"base": "none:1"}, "image 'none:1' is in no catalogue"),
        (["redis:3.2"], {"base": str(FORMS)}, "images; a base is one"),
    ],
)
def test_wrong_arguments(images, given, error):
    with pytest.raises(InputError) as raised:
        ask(*images, **given)
    assert error in str(raised.value)


def test_too_few_runs():
    with pytest.raises(InputError, match="2 runs are too few"):
        try_images(*ask("redis:3.2"), seeds=3, max_runs=2)


def test_nothing_helps_an_image_of_nothing(tmp_path):
    (tmp_path / "r.test+tiny:1.json").write_text(manifest((DIGESTS[0], 32)))
    done = command("image-advice", tmp_path / "r.test+tiny:1.json", *ONE_NODE)
    assert "Nothing helps: none of " in words(done.stdout)
    assert " gains 1 % of pods.start.p99." in words(done.stdout)


def test_an_image_that_fits_on_no_node(small_file, two):
    done = command(
        "image-advice", two, "--scenario", small_file, "--set", "nodes[node].disk={size: 500MB}", "--set",
        "horizon=10m", *ONE_NODE[2:], "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["asItIs"]["p99"] is None


def test_hostile_names_are_shown_and_never_obeyed(tmp_path):
    """A file's name, and what stands in a scenario, end in no page, sheet or terminal as anything but text."""
    scenario = {
        "name": SCRIPT,
        "images": {"define": [{"image": "r.test/a:1", "layers": [{"size": "30MB"}]}]},
        "nodes": [{"name": "n"}],
        "workloads": [{"name": "w", "pods": {"image": "r.test/a:1"}}],
    }
    file = tmp_path / "a\x1b[31m<b>.yaml"
    file.write_text(json.dumps(scenario))
    done = command("image-advice", "r.test/a:1", "--scenario", file, *ONE_NODE[2:], "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert SCRIPT not in (tmp_path / "out" / "report.html").read_text()
    assert SCRIPT not in (tmp_path / "out" / "image-advice.md").read_text()
    assert "\x1b" not in done.stdout + done.stderr
    wrong = command("image-advice", HOSTILE, "\x1b[31m", *ONE_NODE)
    assert wrong.returncode == 2
    assert "\x1b" not in wrong.stderr
