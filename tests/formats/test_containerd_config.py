"""What of a config.toml is refused, what has no effect, and its mirrors and credentials."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.cri import Auth
from pullsim.errors import InputError
from pullsim.spec.hosts import HostSpec, RegistryHosts
from tests.support.containerd_config import TRANSFER, V2, V2_INNER, V2_REGISTRY, V3, read_as, read_text

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
def test_what_has_no_effect_is_warned_of(tmp_path, version, text, warning):
    warnings = read_text(tmp_path, text, version).warnings
    assert any(warning in found for found in warnings), warnings


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ((1, 7), V2 + "sandbox_image = 'registry.k8s.io/pause:3.8'\nenable_selinux = false\n[plugins.'x.y']\na = 1"),
        ((2, 1), V3 + "max_concurrent_downloads = 3\nconcurrent_layer_fetch_buffer = 0\nuse_local_image_pull = false"),
        ((2, 2), V3 + TRANSFER + "max_concurrent_unpacks = 1\nconcurrent_layer_fetch_buffer = 0\nconfig_path = ''"),
        ((2, 1), "version = 3\nroot = '/x'\n[grpc]\naddress = 'a'\n[plugins.'io.containerd.cri.v1.runtime']\na = 1"),
    ],
)
def test_defaults_written_out_are_no_reason_to_warn(tmp_path, version, text):
    assert read_text(tmp_path, text, version).warnings == []


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
def test_what_a_containerd_refuses(tmp_path, version, text, message):
    with pytest.raises(InputError) as caught:
        read_text(tmp_path, text, version)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_mirrors_of_old_files(tmp_path):
    spec = read_text(
        tmp_path,
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


# ---------------------------------------------------------------- no TOML, and any


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


# ---------------------------------------------------------------- credentials


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
