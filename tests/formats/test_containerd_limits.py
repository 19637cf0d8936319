"""Which settings of a config.toml hold in a release: limits of downloads, who pulls, and the others."""

from __future__ import annotations

import pytest

from tests.support.containerd_config import (
    OVERLAYFS,
    TRANSFER,
    V2,
    V2_INNER,
    V2_REGISTRY,
    V3,
    V3_REGISTRY,
    read_as,
    read_text,
)


@pytest.mark.parametrize(
    ("version", "text", "downloads", "local"),
    [
        # to 2.0 the CRI plugin's own, whatever the transfer service has
        ((1, 6), V2, 3, False),
        ((1, 7), V2 + "max_concurrent_downloads = 10", 10, False),
        ((2, 0), V2 + "max_concurrent_downloads = 10", 10, False),
        ((2, 0), V3 + "max_concurrent_downloads = 10", 10, False),
        ((2, 0), V3 + TRANSFER + "max_concurrent_downloads = 20", 3, False),
        # from 2.1 on the transfer service's
        ((2, 1), V3, 3, False),
        ((2, 1), V3 + TRANSFER + "max_concurrent_downloads = 20", 20, False),
        ((2, 3), V3 + "max_concurrent_downloads = 3" + TRANSFER + "max_concurrent_downloads = 20", 20, False),
        ((2, 1), V2 + TRANSFER + "max_concurrent_downloads = 20", 20, False),
        # unless something makes the CRI plugin pull by itself: then its own
        ((2, 1), V3 + "max_concurrent_downloads = 10" + TRANSFER + "max_concurrent_downloads = 20", 10, True),
        ((2, 2), V2 + "max_concurrent_downloads = 10", 10, True),
        ((2, 1), V3 + "use_local_image_pull = true" + TRANSFER + "max_concurrent_downloads = 20", 3, True),
        ((2, 1), V3 + "disable_snapshot_annotations = false", 3, True),
        ((2, 1), V2_INNER + "disable_snapshot_annotations = false", 3, True),
        ((2, 1), V3 + "disable_snapshot_annotations = true", 3, False),
        ((2, 1), V3 + "discard_unpacked_layers = true", 3, True),
        ((2, 1), V2_INNER + "discard_unpacked_layers = true", 3, True),
        ((2, 1), V3 + "image_pull_with_sync_fs = true", 3, True),
        ((2, 1), V3 + V3_REGISTRY + ".mirrors.'docker.io']\nendpoint = ['https://m.example.com']", 3, True),
        ((2, 1), V2 + V2_REGISTRY + ".configs.\"a.b\".auth]\nusername = 'u'", 3, True),
        ((2, 1), V2 + V2_REGISTRY + ".auths.\"https://a.b\"]\nusername = 'u'", 3, True),
        ((2, 1), V3 + V3_REGISTRY + "]\nconfig_path = '/etc/containerd/certs.d'", 3, False),
        ((2, 1), V3 + "snapshotter = 'native'\nimage_pull_progress_timeout = '10m'", 3, False),
        # a containerd 2.x converts version 2: what it does not know by that name is lost
        ((2, 1), V2 + "use_local_image_pull = true", 3, False),
        ((2, 1), V2 + "[plugins.'io.containerd.cri.v1.images']\nuse_local_image_pull = true", 3, True),
        # what the release does not know yet
        ((2, 0), V3 + "use_local_image_pull = true", 3, False),
        # no limit
        ((1, 7), V2 + "max_concurrent_downloads = 0", 1_000_000, False),
        ((2, 1), V3 + TRANSFER + "max_concurrent_downloads = 0", 1_000_000, False),
        ((2, 1), V3 + "max_concurrent_downloads = -1", 1_000_000, True),
    ],
)
def test_which_limit_of_downloads_counts(tmp_path, version, text, downloads, local):
    config = read_text(tmp_path, text, version)
    assert config.spec.version[:2] == version
    assert config.spec.max_concurrent_downloads == downloads
    assert config.spec.local_pull is local
    assert bool(config.reasons) is local


def test_everything_that_makes_the_plugin_pull_by_itself_is_named(tmp_path):
    config = read_text(tmp_path, V3 + "discard_unpacked_layers = true\nmax_concurrent_downloads = 8")
    images = 'plugins."io.containerd.cri.v1.images"'
    assert config.reasons == [f"{images}.discard_unpacked_layers = true", f"{images}.max_concurrent_downloads = 8"]


@pytest.mark.parametrize(
    ("version", "text", "expected"),
    [
        ((1, 6), V2 + "image_pull_progress_timeout = '2m'", {"progress_timeout": 0.0}),  # not in 1.6
        ((1, 7), V2, {"progress_timeout": 300.0}),
        ((1, 7), V2 + "image_pull_progress_timeout = '2m30s'", {"progress_timeout": 150.0}),
        ((2, 1), V3 + "image_pull_progress_timeout = '0s'", {"progress_timeout": 0.0}),
        ((1, 6), V2 + "image_pull_with_sync_fs = true", {"sync_fs": False}),
        ((1, 7), V2 + "image_pull_with_sync_fs = true", {"sync_fs": True}),
        ((1, 7), V2 + OVERLAYFS + "mount_options = ['index=off', 'volatile']", {"volatile": True}),
        ((2, 1), V3 + OVERLAYFS + "mount_options = ['index=off']", {"volatile": False}),
        ((1, 7), V2_INNER + "discard_unpacked_layers = true", {"discard_unpacked_layers": True}),
        ((1, 7), V2_INNER + "snapshotter = 'stargz'", {"snapshotter": "stargz"}),
        ((2, 0), V2_INNER + "snapshotter = 'stargz'", {"snapshotter": "stargz"}),
        ((2, 1), V3 + "snapshotter = 'erofs'", {"snapshotter": "erofs"}),
        ((2, 1), V3 + TRANSFER + "concurrent_layer_fetch_buffer = 8388608", {"layer_fetch_buffer": 8388608}),
        ((2, 0), V3 + TRANSFER + "concurrent_layer_fetch_buffer = 8388608", {"layer_fetch_buffer": 0}),
        ((2, 1), V3 + "concurrent_layer_fetch_buffer = 8388608", {"layer_fetch_buffer": 0}),
        (
            (2, 1),
            V3 + "use_local_image_pull = true\nconcurrent_layer_fetch_buffer = 1024",
            {"layer_fetch_buffer": 1024, "local_pull": True},
        ),
        ((2, 2), V3 + TRANSFER + "max_concurrent_unpacks = 4", {"max_concurrent_unpacks": 4}),
        ((2, 1), V3 + TRANSFER + "max_concurrent_unpacks = 4", {"max_concurrent_unpacks": 1}),
        (
            (2, 2),
            V3 + "use_local_image_pull = true" + TRANSFER + "max_concurrent_unpacks = 4",
            {"max_concurrent_unpacks": 1},
        ),
        ((1, 7), V2 + "sandbox_image = 'registry.k8s.io/pause:3.8'", {"pinned": ("registry.k8s.io/pause:3.8",)}),
        ((2, 1), V2 + "sandbox_image = 'registry.k8s.io/pause:3.8'", {"pinned": ("registry.k8s.io/pause:3.8",)}),
        (
            (2, 1),
            V3 + "[plugins.'io.containerd.cri.v1.images'.pinned_images]\nsandbox = 'a/pause:1'\nbase = 'a/base:2'",
            {"pinned": ("a/pause:1", "a/base:2")},
        ),
    ],
)
def test_the_other_settings(tmp_path, version, text, expected):
    spec = read_text(tmp_path, text, version).spec
    assert {key: getattr(spec, key) for key in expected} == expected


def test_a_snapshotter_that_cannot_rebase_unpacks_one_after_another(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(V3 + "snapshotter = 'native'" + TRANSFER + "max_concurrent_unpacks = 5")
    config = read_as(path, (2, 2))
    assert config.spec.max_concurrent_unpacks == 1
    assert any("max_concurrent_unpacks has no effect: the snapshotter" in each for each in config.warnings)
