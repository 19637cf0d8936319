"""certs.d: which hosts a containerd asks for the images of a registry, in which order."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.formats.containerd import hosts as hosts_config
from pullsim.releases.containerd import CONTAINERD
from pullsim.scenario import effective_yaml, from_mapping
from pullsim.spec.hosts import HostSpec, RegistryHosts, hosts_of


def read_hosts(directory, version=(2, 1)):
    return hosts_config.read_hosts(directory, CONTAINERD.resolve(version))


@pytest.fixture
def certs(tmp_path):
    def write(**files):
        for name, text in files.items():
            directory = tmp_path / "certs.d" / name
            directory.mkdir(parents=True)
            (directory / "hosts.toml").write_text(text)
        return tmp_path / "certs.d"

    return write


def test_hosts_come_in_the_order_of_the_file_and_the_server_last(certs):
    text = """
server = "https://registry-1.docker.io"

[host."https://public-mirror.example.com"]
  capabilities = ["pull"]
  dial_timeout = "1s"

[host."http://192.168.31.250:5000"]
  capabilities = ["Pull", "resolve"]
  skip_verify = true
  ca = "mirror.crt"
  [host."http://192.168.31.250:5000".header]
    x-one = "a"
    x-two = ["b", "c"]

[host."https://old.example.com/cache"]
  override_path = true
"""
    (hosts,), warnings = read_hosts(certs(**{"docker.io": text}))
    assert warnings == []
    assert hosts == RegistryHosts(
        "docker.io",
        (
            HostSpec("public-mirror.example.com", capabilities=("pull",), dial_timeout=1.0),
            HostSpec(
                "192.168.31.250:5000",
                "http",
                capabilities=("pull", "resolve"),
                skip_verify=True,
                explicit_tls=True,
                header=(("x-one", ("a",)), ("x-two", ("b", "c"))),
            ),
            HostSpec("old.example.com", path="/cache", override_path=True),
        ),
        HostSpec("registry-1.docker.io"),
    )
    assert [each.host for each in hosts.mirrors("docker.io")] == [each.host for each in hosts.hosts]


@pytest.mark.parametrize(
    ("url", "override", "expected"),
    [
        ("https://a.b", "", HostSpec("a.b")),
        ("a.b:5000", "", HostSpec("a.b:5000")),
        ("http://a.b", "", HostSpec("a.b", "http")),
        ("https://a.b/", "", HostSpec("a.b")),
        ("https://a.b/v2", "", HostSpec("a.b")),
        ("https://a.b/v2/", "", HostSpec("a.b")),
        ("https://a.b/proxy/hub", "", HostSpec("a.b", path="/proxy/hub/v2")),
        ("https://a.b/v2/hub", "override_path = true", HostSpec("a.b", path="/v2/hub", override_path=True)),
        ("https://a.b", "override_path = true", HostSpec("a.b", path="", override_path=True)),
    ],
)
def test_addresses_of_hosts(certs, url, override, expected):
    (hosts,), _ = read_hosts(certs(x=f'[host."{url}"]\n{override}'))
    assert hosts.hosts == (expected,)


@pytest.mark.parametrize(
    ("directory", "namespace"),
    [
        ("docker.io", "docker.io"),
        ("myregistry.io_5000_", "myregistry.io:5000"),
        ("myregistry.io:5000", "myregistry.io:5000"),
        ("my_registry_80_", "my_registry:80"),
        ("_default", "_default"),
    ],
)
def test_directories_are_named_after_registries(certs, directory, namespace):
    (hosts,), _ = read_hosts(certs(**{directory: ""}))
    assert hosts == RegistryHosts(namespace)
    assert hosts_of(namespace, [hosts]) == hosts


def test_a_registry_without_an_entry_has_the_default_one():
    default, own = RegistryHosts("_default"), RegistryHosts("a")
    assert hosts_of("a", [default, own]) is own
    assert hosts_of("b", [default, own]) is default
    assert hosts_of("b", [own]) is None


def test_of_two_directories_of_one_registry_the_one_with_underscores_comes_first(certs):
    both = certs(**{"a:80": 'server = "https://one"', "a_80_": 'server = "https://two"'})
    (hosts,), (warning,) = read_hosts(both)
    assert hosts.server == HostSpec("two")
    assert "not used: a_80_ is for a:80 too, and comes first" in warning


def test_certificates_alone_are_no_hosts(tmp_path):
    (tmp_path / "certs.d" / "a.b").mkdir(parents=True)
    (tmp_path / "certs.d" / "a.b" / "ca.crt").write_text("")
    """They are for the registry itself, and keep the default entry away (hosts.go HostDirFromRoot, loadHostDir)."""
    (tmp_path / "certs.d" / "_default").mkdir()
    (tmp_path / "certs.d" / "_default" / "hosts.toml").write_text('[host."https://m.example.com"]')
    hosts, warnings = read_hosts(tmp_path / "certs.d")
    assert warnings == []
    assert hosts_of("a.b", hosts) == RegistryHosts("a.b")
    assert hosts_of("c.d", hosts).hosts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[host", "hosts.toml:1:6: this is no valid TOML"),
        (
            'capabilities = ["push", "fetch"]\nserver = "a"',
            ":1:1: capabilities: unknown capability fetch; known are pull",
        ),
        ('[host."https://a"]\ndial_timeout = "5"', ":2:1: host.\"https://a\".dial_timeout: duration '5' has no unit"),
        ('[host."https://a"]\nskip_verify = "yes"', "skip_verify: 'yes' must be true or false"),
        ('server = "https://[x"', "'https://[x' must be a URL with its host"),
        ('server = "https://a\u2100b"', "must be a URL with its host"),
        ('[host."https://"]', "'https://' must be a URL with its host"),
        ('[host."https://a"]\ncapabilities = "pull"', "capabilities: 'pull' must be a list"),
        ('[host."https://a".header]\nx = 1', 'host."https://a".header.x: a header is text or a list of texts'),
        ("host = 3", ":1:1: host: 3 must be a table"),
    ],
)
def test_what_containerd_cannot_read_is_a_mistake(certs, text, message):
    with pytest.raises(InputError) as caught:
        read_hosts(certs(x=text))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ('[hosts."https://a"]', ":1:1: hosts: containerd knows no such key and ignores it; did you mean host?"),
        ('[host."https://a"]\ncapabilites = ["pull"]', "did you mean capabilities?"),
        ('server = "https://a"\nproxy = "http://p:1"', ":2:1: proxy: containerd knows no such key and ignores it"),
    ],
)
def test_what_is_ignored_is_warned_of(certs, text, warning):
    assert warning in " ".join(read_hosts(certs(x=text))[1])


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="the directory cannot be read: No such file"):
        read_hosts(tmp_path / "none")
    with pytest.raises(InputError, match=r"none: the directory cannot be read"):
        from_mapping({"nodes": [{"runtime": {"hosts": "none"}}]}, directory=tmp_path).build()


def scenario(tmp_path, **runtime):
    return from_mapping({"nodes": [{"name": "w", "runtime": runtime}]}, directory=tmp_path)


def test_a_node_has_its_hosts(tmp_path, certs):
    certs(**{"docker.io": '[host."https://m.example.com"]', "quay.io": 'server = "https://quay.io"'})
    built = scenario(tmp_path, hosts="certs.d").assemble()
    assert [entry.namespace for entry in built.cluster.nodes[0].spec.runtime.hosts] == ["docker.io", "quay.io"]
    assert [warning for warning in built.warnings if "quay.io" in warning] == []


def test_paths_are_made_to_start_at_the_new_place(tmp_path, certs):
    certs(x="")
    (tmp_path / "config.toml").write_text("version = 3")
    made = scenario(tmp_path, hosts="certs.d", config="config.toml")
    text = effective_yaml(made, tmp_path / "out")
    assert "hosts: ../certs.d" in text
    assert "config: ../config.toml" in text


def test_config_and_certs_must_agree(tmp_path, certs):
    certs(x="")
    old = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry'
    (tmp_path / "config.toml").write_text(old + ".mirrors.a]\nendpoint = ['https://m']")
    with pytest.raises(InputError, match=r"config has registry.mirrors, so containerd reads no certs.d: give one"):
        scenario(tmp_path, hosts="certs.d", config="config.toml").build()
    (tmp_path / "config.toml").write_text(old + "]\nconfig_path = '/etc/containerd/certs.d'")
    assert any(
        "looks for mirrors in /etc/containerd/certs.d; none is simulated without a copy: runtime.hosts" in warning
        for warning in scenario(tmp_path, config="config.toml").assemble().warnings
    )
    assert not scenario(tmp_path, config="config.toml", hosts="certs.d").assemble().warnings
