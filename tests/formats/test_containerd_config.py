"""What a containerd makes of its config.toml, as tables: file and release -> limits and engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.cri import Auth
from pullsim.errors import InputError
from pullsim.formats.containerd.config import read_runtime_config
from pullsim.releases.containerd import CONTAINERD
from pullsim.run import run
from pullsim.scenario import from_mapping
from pullsim.spec.hosts import HostSpec, RegistryHosts

V2 = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n'
V2_INNER = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\n'
V3 = "version = 3\n[plugins.'io.containerd.cri.v1.images']\n"
TRANSFER = "\n[plugins.'io.containerd.transfer.v1.local']\n"
V2_REGISTRY = '[plugins."io.containerd.grpc.v1.cri".registry'
IMAGES_LIMIT = 'plugins."io.containerd.cri.v1.images".max_concurrent_downloads'
TRANSFER_LIMIT = 'plugins."io.containerd.transfer.v1.local".max_concurrent_downloads'
CRI_LIMIT = 'plugins."io.containerd.grpc.v1.cri".max_concurrent_downloads'
V3_REGISTRY = "[plugins.'io.containerd.cri.v1.images'.registry"


def read_as(path, version):
    return read_runtime_config(path, CONTAINERD.resolve(version))


@pytest.fixture
def read(tmp_path):
    def read_text(text, version=(2, 1)):
        (tmp_path / "config.toml").write_text(text)
        return read_as(tmp_path / "config.toml", version)

    return read_text


# ---------------------------------------------------------------- which limit counts


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
def test_which_limit_of_downloads_counts(read, version, text, downloads, local):
    config = read(text, version)
    assert config.spec.version[:2] == version
    assert config.spec.max_concurrent_downloads == downloads
    assert config.spec.local_pull is local
    assert bool(config.reasons) is local


def test_everything_that_makes_the_plugin_pull_by_itself_is_named(read):
    config = read(V3 + "discard_unpacked_layers = true\nmax_concurrent_downloads = 8")
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
def test_the_other_settings(read, version, text, expected):
    spec = read(text, version).spec
    assert {key: getattr(spec, key) for key in expected} == expected


# ---------------------------------------------------------------- nothing is ignored in silence


@pytest.mark.parametrize(
    ("version", "text", "warning"),
    [
        ((2, 1), V3 + "max_concurent_downloads = 5", ':3:1: plugins."io.containerd.cri.v1.images".max_concurent'),
        ((2, 1), V3 + "max_concurent_downloads = 5", "did you mean max_concurrent_downloads?"),
        ((1, 7), V2 + "max_concurrent_download = 5", "containerd 1.7 knows no such key and ignores it; did you mean"),
        ((2, 1), V3 + TRANSFER + "max_concurent_unpacks = 5", "did you mean max_concurrent_unpacks?"),
        ((2, 1), "version = 3\n[plugins.'io.containerd.cri.v1.image']", "did you mean io.containerd.cri.v1.images?"),
        ((2, 1), "version = 3\n[plugin]", ":2:1: plugin: containerd 2.1 knows no such key"),
        ((2, 0), V3 + "use_local_image_pull = true", "ignores it: it exists from 2.1 on"),
        ((2, 1), V3 + TRANSFER + "max_concurrent_unpacks = 4", "ignores it: it exists from 2.2 on"),
        ((2, 1), V2 + "use_local_image_pull = true", "is lost when version 2 is converted"),
        (
            (2, 1),
            "version = 3\n[plugins.'io.containerd.grpc.v1.cri']\nmax_concurrent_downloads = 9",
            'version 3 has the settings of images in plugins."io.containerd.cri.v1.images"; this one is ignored',
        ),
        ((2, 0), V3 + TRANSFER + "max_concurrent_downloads = 9", "no effect: in containerd 2.0 the CRI plugin pulls"),
        (
            (2, 1),
            V3 + "discard_unpacked_layers = true" + TRANSFER + "max_concurrent_downloads = 9",
            "no effect: the CRI plugin pulls by itself (",
        ),
        ((2, 1), V3 + "concurrent_layer_fetch_buffer = 9", "has no effect: the transfer service pulls"),
        (
            (2, 3),
            V3 + TRANSFER + "config_path = '/etc/containerd/certs.d'",
            'config_path has no effect: pulls of the kubelet go by plugins."io.containerd.cri.v1.images".registry',
        ),
        ((1, 7), V2_INNER + "snapshotter = 'soci'", 'snapshotter = "soci" is not simulated: layers are downloaded'),
        (
            (2, 1),
            V3 + "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata]\nsnapshotter = 'nydus'",
            'containerd.runtimes.kata: snapshotter "nydus" is not simulated',
        ),
        ((1, 7), V2_INNER + "snapshotter = 'zfs'", "unpacking costs what it does with overlayfs here"),
        ((1, 7), V2 + V2_REGISTRY + ".headers]\nX-A = ['b']", "registry.headers is not simulated"),
        ((1, 7), V2 + V2_REGISTRY + "]\nconfig_paths = 'x'", "did you mean config_path?"),
        ((2, 1), "version = 3\nimports = ['/etc/containerd/conf.d/*.toml']", "is a path of the node and not read here"),
    ],
)
def test_what_has_no_effect_is_warned_of(read, version, text, warning):
    assert any(warning in found for found in read(text, version).warnings), read(text, version).warnings


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ((1, 7), V2 + "sandbox_image = 'registry.k8s.io/pause:3.8'\nenable_selinux = false\n[plugins.'x.y']\na = 1"),
        ((2, 1), V3 + "max_concurrent_downloads = 3\nconcurrent_layer_fetch_buffer = 0\nuse_local_image_pull = false"),
        ((2, 2), V3 + TRANSFER + "max_concurrent_unpacks = 1\nconcurrent_layer_fetch_buffer = 0\nconfig_path = ''"),
        ((2, 1), "version = 3\nroot = '/x'\n[grpc]\naddress = 'a'\n[plugins.'io.containerd.cri.v1.runtime']\na = 1"),
    ],
)
def test_defaults_written_out_are_no_reason_to_warn(read, version, text):
    assert read(text, version).warnings == []


@pytest.mark.parametrize(
    ("version", "text", "message"),
    [
        ((2, 1), "version = ", "this is no valid TOML: Invalid value"),
        ((2, 1), "a = 1\nb", "config.toml:2:2: this is no valid TOML: "),
        ((1, 7), "", "a file without version = 2 or 3 is of version 1, which is not read; write it for containerd 1.7"),
        ((1, 7), "version = 1", "of version 1"),
        (
            (1, 7),
            V3,
            ":1:1: version: version 3 exists from containerd 2.0 on, this is containerd 1.7: write version = 2",
        ),
        ((2, 1), "version = 9", "version 9 is not known; 2 and 3 are"),
        ((2, 1), "version = '3'", ":1:1: version: '3' must be a whole number"),
        ((2, 1), V3 + "max_concurrent_downloads = '3'", ':3:1: plugins."io.containerd.cri.v1.images".max_concurrent_'),
        ((2, 1), V3 + "max_concurrent_downloads = true", "true must be a whole number"),
        ((2, 1), V3 + "discard_unpacked_layers = 1", "1 must be true or false"),
        ((1, 7), V2 + "image_pull_progress_timeout = '5'", "duration '5' has no unit"),
        ((1, 7), V2 + "registry = 'x'", "'x' must be a table"),
        ((1, 7), V2 + "sandbox_image = 'Pause'", "'Pause' is no image: "),
        ((2, 1), "version = 3\nplugins = 1", ":2:1: plugins: 1 must be a table"),
        (
            (1, 7),
            V2 + V2_REGISTRY + "]\nconfig_path = 'x'\n" + V2_REGISTRY + ".mirrors.a]\nendpoint = ['https://b']",
            "`mirrors` cannot be set when `config_path` is provided",
        ),
        ((1, 7), V2 + V2_REGISTRY + ".mirrors.a]\nendpoint = ['b']", "'b' must be a URL with its host"),
        (
            (1, 7),
            V2 + V2_REGISTRY + ".mirrors.a]\nendpoint = ['https://[b']",
            "'https://[b' must be a URL with its host",
        ),
        (
            (1, 7),
            V2 + V2_REGISTRY + ".mirrors.a]\nendpoint = ['http://b:x']",
            "'http://b:x' must be a URL with its host",
        ),
        ((1, 7), "version = 2\ndisabled_plugins = ['cri']", "without cri a kubelet cannot use this containerd"),
    ],
)
def test_what_a_containerd_refuses(read, version, text, message):
    with pytest.raises(InputError) as caught:
        read(text, version)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_mirrors_of_old_files(read):
    spec = read(
        V2
        + V2_REGISTRY
        + ".mirrors.'docker.io']\nendpoint = ['https://m1.example.com', 'http://m2:5000/cache']\n"
        + V2_REGISTRY
        + ".mirrors.'*']\nendpoint = ['https://all.example.com']\n",
        (1, 7),
    ).spec
    assert spec.hosts == (
        RegistryHosts("docker.io", (HostSpec("m1.example.com"), HostSpec("m2:5000", "http", "/cache"))),
        RegistryHosts("_default", (HostSpec("all.example.com"),)),
    )


# ---------------------------------------------------------------- runtime handlers

V2_RUNTIMES = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes'
V3_RUNTIMES = "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes"


@pytest.mark.parametrize(
    ("version", "text", "handlers"),
    [
        ((1, 7), V2, []),
        ((1, 7), V2 + V2_RUNTIMES + ".runc]", [("runc", "overlayfs")]),
        (
            (1, 7),
            V2 + V2_RUNTIMES + ".kata]\nsnapshotter = 'devmapper'",
            [("runc", "overlayfs"), ("kata", "devmapper")],
        ),
        (
            (1, 6),
            V2 + V2_RUNTIMES + ".kata]\nsnapshotter = 'devmapper'",
            [("runc", "overlayfs"), ("kata", "overlayfs")],
        ),
        (
            (2, 0),
            V2_INNER + "default_runtime_name = 'crun'\nsnapshotter = 'native'\n" + V2_RUNTIMES + ".crun]",
            [("crun", "native"), ("runc", "native")],
        ),
        ((2, 1), V3 + V3_RUNTIMES + ".kata]\nsnapshotter = 'nydus'", [("runc", "overlayfs"), ("kata", "nydus")]),
        (
            (2, 1),
            V3 + "[plugins.'io.containerd.cri.v1.images'.runtime_platforms.kata]\nsnapshotter = 'nydus'\n"
            f"{V3_RUNTIMES}.kata]",
            [("runc", "overlayfs"), ("kata", "nydus")],
        ),
    ],
)
def test_handlers_of_the_file(read, version, text, handlers):
    assert [(each.name, each.snapshotter) for each in read(text, version).spec.handlers] == handlers


def test_a_default_runtime_that_is_not_there(read):
    with pytest.raises(InputError, match=r"there is no runtime 'kata' in containerd\.runtimes"):
        read(V2_INNER + "default_runtime_name = 'kata'", (1, 7))


def test_a_node_has_the_handlers_of_its_file_unless_it_says_otherwise(tmp_path):
    (tmp_path / "config.toml").write_text(V3 + V3_RUNTIMES + ".kata]")
    of_file = assembled(tmp_path, {"config": "config.toml"}).cluster.nodes[0].spec.runtime_handlers
    assert [each.name for each in of_file] == ["runc", "kata"]
    own = assembled(tmp_path, {"config": "config.toml"}, runtimeHandlers=["gvisor"])
    assert [each.name for each in own.cluster.nodes[0].spec.runtime_handlers] == ["gvisor"]


# ---------------------------------------------------------------- files that are imported


def test_relative_imports_are_followed_and_win(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "config.toml").write_text(
        "imports = ['conf.d/*.toml']\n" + V3 + "snapshotter = 'native'" + TRANSFER + "max_concurrent_downloads = 5"
    )
    (tmp_path / "conf.d/10.toml").write_text("version = 3\n" + TRANSFER + "max_concurrent_downloads = 6")
    (tmp_path / "conf.d/20.toml").write_text("imports = ['../config.toml']\n" + V3 + "discard_unpacked_layers = false")
    spec = read_as(tmp_path / "config.toml", (2, 1)).spec
    assert (spec.max_concurrent_downloads, spec.snapshotter) == (6, "native")


def test_patterns_of_imports_are_looked_for_below_the_file_alone(tmp_path):
    below = tmp_path / "etc" / "a" / "b"
    below.mkdir(parents=True)
    for number, directory in enumerate((below, below.parent, below.parent.parent, tmp_path)):
        text = "version = 3\n" + TRANSFER + f"max_concurrent_downloads = {number + 5}"
        (directory / f"x{number}.toml").write_text(text)

    def read(pattern):
        (tmp_path / "etc" / "config.toml").write_text(f"version = 3\nimports = ['{pattern}']")
        found = read_as(tmp_path / "etc" / "config.toml", (2, 1))
        return found.spec.max_concurrent_downloads, found.warnings

    assert read("x*.toml") == (7, [])
    assert read("*/x*.toml") == (6, [])
    assert read("**/x*.toml") == (6, [])  # for Go the same
    assert read("a/*/x[^1].toml") == (5, [])
    assert read("**x.toml") == read("none*") == (3, [])
    assert read("../x3.toml") == (8, [])
    downloads, (warning,) = read("../**/x*.toml")
    assert downloads == 3
    assert "'../**/x*.toml' is not followed: patterns are looked for below the directory of the file" in warning


def test_imports_without_end_are_refused(tmp_path):
    for number in range(1002):
        (tmp_path / f"x{number}.toml").write_text("version = 3")
    (tmp_path / "config.toml").write_text("version = 3\nimports = ['*.toml']")
    with pytest.raises(InputError, match=r"imports: '\*.toml' fits more than 1000 names"):
        read_as(tmp_path / "config.toml", (2, 1))


@pytest.mark.parametrize(
    "text, message",
    [
        ("x = " + "[" * 5_000, ": nested more than 64 levels deep"),
        ("x = " + "{a = " * 70 + "1" + "}" * 70, ": nested more than 64 levels deep"),
        ("\n" + "a." * 70 + "a = 1", ":2: a name of more than 64 parts"),
        ("[" + '"a" . ' * 70 + "a]", ":1: a name of more than 64 parts"),
        ("a = 1\nx = " + "9" * 5_000, ":2: a number of too many digits"),
        ("a = 1\r\na = 2", ":2:"),
        ('a = "\x1b', ":1:6: this is no valid TOML: Illegal character"),
    ],
)
def test_toml_that_cannot_be_read(tmp_path, text, message):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_as(path, (2, 1))
    assert str(caught.value).startswith(f"{path}{message}")


def test_before_2_0_an_import_replaces_the_whole_plugin(tmp_path):
    (tmp_path / "config.toml").write_text("imports = ['more.toml']\n" + V2 + "max_concurrent_downloads = 7")
    (tmp_path / "more.toml").write_text(V2 + "stats_collect_period = 5")
    assert read_as(tmp_path / "config.toml", (1, 7)).spec.max_concurrent_downloads == 3
    assert read_as(tmp_path / "config.toml", (2, 0)).spec.max_concurrent_downloads == 7


def test_mistakes_in_an_import_are_told_at_their_place(tmp_path):
    (tmp_path / "config.toml").write_text("version = 2\nimports = ['more.toml']")
    (tmp_path / "more.toml").write_text("\n" + V2 + "max_concurrent_downloads = 'x'")
    with pytest.raises(InputError) as caught:
        read_as(tmp_path / "config.toml", (1, 7))
    assert str(caught.value).startswith(f"{tmp_path}/more.toml:4:1: ")
    (tmp_path / "more.toml").unlink()
    with pytest.raises(InputError, match="there is no such file"):
        read_as(tmp_path / "config.toml", (1, 7))
    (tmp_path / "more.toml").write_text(V3)
    with pytest.raises(InputError, match="an imported file of version 3 is later than the importing one's, which is 2"):
        read_as(tmp_path / "config.toml", (2, 0))


# ---------------------------------------------------------------- in a scenario


def assembled(tmp_path, runtime, **pool):
    return from_mapping({"nodes": [{"name": "w", "runtime": runtime, **pool}]}, directory=tmp_path).assemble()


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


def test_a_snapshotter_that_cannot_rebase_unpacks_one_after_another(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(V3 + "snapshotter = 'native'" + TRANSFER + "max_concurrent_unpacks = 5")
    config = read_as(path, (2, 2))
    assert config.spec.max_concurrent_unpacks == 1
    assert any("max_concurrent_unpacks has no effect: the snapshotter" in each for each in config.warnings)


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


VALUES = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.sampled_from(["'a'", "'5m'", "'https://a'"]),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
KEYS = st.sampled_from(
    """
    config_path containerd disable_snapshot_annotations image_pull_progress_timeout imports max_concurrent_downloads
    mirrors pinned_images registry sandbox_image snapshotter x
    """.split()  # noqa: SIM905
)


def written(value):
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return str(value).lower()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([V2, V3, V2_INNER, V2 + V2_REGISTRY + "]\n", V3 + TRANSFER, "version = 3\n", ""]),
    st.dictionaries(KEYS, VALUES, max_size=4),
    st.sampled_from([(1, 6), (1, 7), (2, 0), (2, 1), (2, 3)]),
)
def test_any_file_is_read_or_refused(tmp_path_factory, head, values, version):
    path = Path(tmp_path_factory.getbasetemp()) / "any.toml"
    path.write_text(head + "".join(f"{key} = {written(value)}\n" for key, value in values.items()))
    try:
        config = read_as(path, version)
    except InputError as error:
        assert error.message  # noqa: PT017
    else:
        assert config.spec.max_concurrent_downloads >= 1


@pytest.mark.parametrize(
    ("auth", "read"),
    [
        ("username = 'u'\npassword = 'p'", Auth("u", "p")),
        ("auth = 'dTpw'", Auth("u", "p")),
        ("identitytoken = 't'", Auth("", "", "t")),
        ("username = 'u'\npassword = 'p'\nauth = 'eDp5'", Auth("u", "p")),
    ],
)
def test_credentials_of_registries(tmp_path, auth, read):
    file = tmp_path / "config.toml"
    file.write_text(V2 + V2_REGISTRY + f'.configs."a.b:5000".auth]\n{auth}')
    assert read_as(file, (1, 7)).spec.auths == {"a.b:5000": read}
    file.write_text(V2 + V2_REGISTRY + f'.auths."https://a.b:5000"]\n{auth}')
    assert read_as(file, (1, 7)).spec.auths == {"a.b:5000": read}


@pytest.mark.parametrize("auth", ["bm9jb2xvbg==", "%"])
def test_credentials_that_are_none(tmp_path, auth):
    file = tmp_path / "config.toml"
    file.write_text(V2 + V2_REGISTRY + f".configs.\"a.b\".auth]\nauth = '{auth}'")
    with pytest.raises(InputError, match="base64 of username:password"):
        read_as(file, (1, 7))
