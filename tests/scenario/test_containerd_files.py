"""A node's config.toml in a scenario: what the run has of it, and which limits the notes tell."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.run import run
from pullsim.scenario import from_mapping
from tests.support.containerd_config import TRANSFER, V2, V3, V3_RUNTIMES

IMAGES_LIMIT = 'plugins."io.containerd.cri.v1.images".max_concurrent_downloads'
TRANSFER_LIMIT = 'plugins."io.containerd.transfer.v1.local".max_concurrent_downloads'
CRI_LIMIT = 'plugins."io.containerd.grpc.v1.cri".max_concurrent_downloads'


def assembled(tmp_path, runtime, **pool):
    return from_mapping({"nodes": [{"name": "w", "runtime": runtime, **pool}]}, directory=tmp_path).assemble()


def test_a_node_has_the_handlers_of_its_file_unless_it_says_otherwise(tmp_path):
    (tmp_path / "config.toml").write_text(V3 + V3_RUNTIMES + ".kata]")
    of_file = assembled(tmp_path, {"config": "config.toml"}).cluster.nodes[0].spec.runtime_handlers
    assert [each.name for each in of_file] == ["runc", "kata"]
    own = assembled(tmp_path, {"config": "config.toml"}, runtimeHandlers=["gvisor"])
    assert [each.name for each in own.cluster.nodes[0].spec.runtime_handlers] == ["gvisor"]


def test_the_run_has_what_the_file_says(tmp_path):
    (tmp_path / "config.toml").write_text(V3 + TRANSFER + "max_concurrent_downloads = 20")
    built = assembled(tmp_path, {"config": "config.toml"})
    assert built.cluster.nodes[0].spec.runtime.max_concurrent_downloads == 20
    built = assembled(tmp_path, {"config": "config.toml", "containerd": "2.0"})
    assert built.cluster.nodes[0].spec.runtime.max_concurrent_downloads == 3
    built = assembled(tmp_path, {"config": "config.toml", "maxConcurrentDownloads": 5})
    assert built.cluster.nodes[0].spec.runtime.max_concurrent_downloads == 5
    assert any("maxConcurrentDownloads of the scenario, whatever the file says" in note for note in built.notes)


@pytest.mark.parametrize(
    ("version", "text", "kubelet", "notes"),
    [
        (
            "2.1",
            V3 + "max_concurrent_downloads = 8",
            {"maxParallelImagePulls": 4},
            [
                "kubelet 1.35 pulls at most 4 at a time (maxParallelImagePulls: 4)",
                f"at most 8 layers at a time over all pulls of the node ({IMAGES_LIMIT})",
                "; the CRI plugin pulls by itself",
                f"and not the transfer service, because {IMAGES_LIMIT} = 8",
                "layers that come at a time: 8, containerd's limit that all pulls share",
            ],
        ),
        (
            "2.1",
            V3 + TRANSFER + "max_concurrent_downloads = 8",
            {},
            [
                "pulls one image at a time (serializeImagePulls: true)",
                f"({TRANSFER_LIMIT}); the transfer service pulls, so {IMAGES_LIMIT} does not count",
                "layers that come at a time: 8, containerd's limit",
            ],
        ),
        (
            "1.7",
            V2 + "max_concurrent_downloads = 8",
            {"maxParallelImagePulls": 4},
            [
                f"at most 8 layers at a time for each pull ({CRI_LIMIT})",
                "layers that come at a time: 32, 4 pulls with 8 each",
            ],
        ),
        (
            "1.7",
            V2 + "max_concurrent_downloads = 0",
            {"serializeImagePulls": False, "registryPullQPS": 0},
            [
                "pulls any number of images at a time (serializeImagePulls: false, no maxParallelImagePulls)",
                "; registryPullQPS: 0 refuses none",
                "downloads layers without limit for each pull",
                "layers that come at a time: no limit",
            ],
        ),
        (
            "1.7",
            V2,
            {"serializeImagePulls": False},
            [
                "of more than 10 that begin at once the rest fail with 'pull QPS exceeded'",
                "(registryPullQPS: 5, registryBurst: 10)",
                "layers that come at a time: no limit, 3 for each pull",
            ],
        ),
    ],
)
def test_the_notes_say_which_limit_holds(tmp_path, version, text, kubelet, notes):
    (tmp_path / "config.toml").write_text(text)
    built = assembled(tmp_path, {"config": "config.toml", "containerd": version}, kubelet=kubelet)
    for expected in notes:
        assert any(expected in note for note in built.notes), built.notes


@pytest.mark.parametrize(
    ("version", "text", "at_once"),
    [
        ("2.1", V3, 3),  # over both pulls
        ("2.1", V3 + TRANSFER + "max_concurrent_downloads = 4", 4),
        ("2.1", V3 + "max_concurrent_downloads = 5" + TRANSFER + "max_concurrent_downloads = 4", 5),  # local pull
        ("2.0", V3 + "max_concurrent_downloads = 2" + TRANSFER + "max_concurrent_downloads = 4", 4),  # 2 for each pull
    ],
)
def test_layers_that_come_at_once(tmp_path, version, text, at_once):
    (tmp_path / "config.toml").write_text(text)
    layers = [[{"size": "10MB", "digest": f"sha256:{n}{n}" + "0" * 62} for n in part] for part in ("123456", "789abc")]
    mapping = {
        "images": {"catalogs": [], "define": [{"image": f"a/{n}:1", "layers": part} for n, part in enumerate(layers)]},
        "nodes": [
            {
                "runtime": {"containerd": version, "config": "config.toml"},
                "nic": "100Mbit/s",
                "kubelet": {"maxParallelImagePulls": 2},
            }
        ],
        "workloads": [{"pods": {"image": f"a/{n}:1"}} for n in range(2)],
    }
    result = run(from_mapping(mapping, directory=tmp_path))
    middles = [(row.first_byte + row.fetched) / 2 for row in result.layers]
    assert max(sum(row.first_byte < t < row.fetched for row in result.layers) for t in middles) == at_once


def test_limits_are_told_without_a_file_too():
    notes = from_mapping({"nodes": [{"name": "w"}]}).assemble().notes
    assert notes[1].startswith(
        'w: containerd 2.1 downloads at most 3 layers at a time over all pulls of the node (plugins."'
    )


@pytest.mark.parametrize(
    ("kubelet", "text"),
    [
        ({}, "w: CRI-O 1.35: layers that come at a time: 6"),
        ({"maxParallelImagePulls": 2}, "w: CRI-O 1.35: layers that come at a time: 12, 2 pulls with 6 each"),
        ({"serializeImagePulls": False}, "w: CRI-O 1.35: layers that come at a time: no limit, 6 for each pull"),
    ],
)
def test_limits_of_crio(kubelet, text):
    notes = from_mapping({"nodes": [{"name": "w", "runtime": {"crio": "1.35"}, "kubelet": kubelet}]}).assemble().notes
    assert text in notes


def test_mistakes_are_told_at_their_place_in_the_file(tmp_path):
    (tmp_path / "config.toml").write_text(V3 + "max_concurrent_downloads = 'x'")
    with pytest.raises(InputError) as caught:
        assembled(tmp_path, {"config": "config.toml"})
    assert str(caught.value).startswith(f"{tmp_path}/config.toml:3:1: ")
    with pytest.raises(InputError) as caught:
        assembled(tmp_path, {"config": "none.toml"})
    assert "none.toml: there is no such file" in str(caught.value)


@pytest.mark.parametrize("other", [{"fixed": {}}, {"crio": "1.35"}])
@pytest.mark.parametrize("key", ["config", "hosts"])
def test_other_runtimes_have_no_such_files(other, key):
    with pytest.raises(InputError, match=f"{key} is containerd's"):
        from_mapping({"nodes": [{"runtime": {**other, key: "x"}}]})
