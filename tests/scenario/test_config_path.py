"""Which hosts.toml a containerd reads, by its config_path, by who pulls and by its release."""

from __future__ import annotations

from pathlib import Path

import pytest

from pullsim.errors import InputError
from pullsim.run import run
from pullsim.scenario import from_mapping, load

DATA = Path(__file__).parents[1] / "data/releases"
ONE, LIST = "/etc/containerd/certs.d", "/etc/containerd/certs.d:/etc/docker/certs.d"
MIRROR = "mirror.internal:5000"
LOCAL = "use_local_image_pull = true"
DISCARD = "discard_unpacked_layers = true"  # the CRI plugin pulls by itself too
TRANSFER = "as one directory"
NONE = "without config_path reads no hosts.toml"
NOTHING = "names no directory"


def config(path, extra="", *, version=3):
    """A config.toml; None: without config_path."""
    registry = "" if path is None else f"config_path = '{path}'"
    if version == 2:
        return f'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n{registry}\n'
    images = "plugins.'io.containerd.cri.v1.images'"
    return f"version = 3\n[{images}]\n{extra}\n[{images}.registry]\n{registry}\n"


def scenario(tmp_path, release, text):
    (tmp_path / "certs.d/_default").mkdir(parents=True)
    (tmp_path / "certs.d/_default/hosts.toml").write_text(f'[host."http://{MIRROR}"]\n')
    runtime = {"containerd": release, "hosts": "certs.d"}
    if text is not None:
        (tmp_path / "config.toml").write_text(text)
        runtime["config"] = "config.toml"
    return from_mapping(
        {
            "registries": [{"host": MIRROR}],
            "nodes": [{"name": "n", "runtime": runtime}],
            "images": {"catalogs": [], "define": [{"image": "a/b:1", "layers": [{"size": "1MB"}]}]},
            "workloads": [{"name": "w", "pods": {"image": "a/b:1"}}],
        },
        directory=tmp_path,
    )


# release, config.toml, whether hosts.toml is read, what is said if it is not
CASES = [
    # To 2.0 the CRI plugin pulls: a list, of which one directory is there.
    ("1.6", config(ONE, version=2), True, ""),
    ("1.7", config(LIST, version=2), True, ""),
    ("2.0", config(LIST), True, ""),
    ("2.0", config(f"{ONE}:"), True, ""),
    ("1.7", config(None, version=2), False, NONE),
    ("2.0", config(None), False, NONE),
    ("1.7", config(":", version=2), False, NOTHING),
    ("2.0", config("::"), False, NOTHING),
    # From 2.1 on the transfer service does: one directory, whatever it is called.
    *((release, config(ONE), True, "") for release in ("2.1", "2.1.0", "2.2", "2.3", "2.3.0", "2.4", "2.9")),
    *((release, config(ONE, version=2), True, "") for release in ("2.1", "2.3")),
    ("2.2", config(f"{ONE}/"), True, ""),
    ("2.2", config("certs.d"), True, ""),
    *((release, config(LIST), False, TRANSFER) for release in ("2.1", "2.1.0", "2.2", "2.3", "2.3.0", "2.4", "2.9")),
    *((release, config(LIST, version=2), False, TRANSFER) for release in ("2.1", "2.3")),
    *(("2.3", config(path), False, TRANSFER) for path in (f"{ONE}:", f":{ONE}", f"{ONE}:{ONE}", f"{ONE}/:/x/")),
    ("2.3", config(":"), False, NOTHING),
    # The CRI plugin's own pull takes the list there too.
    *((release, config(LIST, LOCAL), True, "") for release in ("2.1", "2.2", "2.3", "2.4")),
    ("2.2", config(LIST, DISCARD), True, ""),
    ("2.3", config(f"{ONE}:", LOCAL), True, ""),
    ("2.3", config(":", LOCAL), False, NOTHING),
    # Without config_path: nothing to 2.1, and a default that is a list from 2.2 on.
    ("2.1", config(None), False, NONE),
    ("2.1", config(None, LOCAL), False, NONE),
    ("2.2", config(None), False, TRANSFER),
    ("2.3", config(None, version=2), False, TRANSFER),
    ("2.4", config(""), False, TRANSFER),
    ("2.2", config(None, LOCAL), True, ""),
    ("2.3", config(None, DISCARD), True, ""),
]


@pytest.mark.parametrize(("release", "text", "read", "why"), CASES)
def test_what_the_release_reads(tmp_path, release, text, read, why):
    built = scenario(tmp_path, release, text).assemble()
    hosts = built.cluster.nodes[0].spec.runtime.hosts
    assert [entry.namespace for entry in hosts] == (["_default"] if read else [])
    said = [warning for warning in built.warnings if "runtime.hosts" in warning]
    assert len(said) == (0 if read else 1)
    assert all("nodes[n]: runtime.hosts is not used: " in warning and why in warning for warning in said)


@pytest.mark.parametrize(
    ("release", "why"), [("1.7", NONE), ("2.1", NONE), ("2.2", TRANSFER), ("2.3.4", TRANSFER), ("2.4", TRANSFER)]
)
def test_hosts_without_a_file_are_used_and_it_is_said_that_the_release_would_not(tmp_path, release, why):
    built = scenario(tmp_path, release, None).assemble()
    assert built.cluster.nodes[0].spec.runtime.hosts
    (said,) = (warning for warning in built.warnings if "runtime.hosts" in warning)
    assert "this containerd would not use runtime.hosts, which is used here all the same: " in said
    assert why in said


def test_the_file_that_is_imported_counts_too(tmp_path):
    made = scenario(tmp_path, "2.3", f"imports = ['more.toml']\n{config(None)}")
    (tmp_path / "more.toml").write_text(config(ONE))
    assert made.assemble().cluster.nodes[0].spec.runtime.hosts
    (tmp_path / "more.toml").write_text(config(LIST))
    assert not made.assemble().cluster.nodes[0].spec.runtime.hosts


def test_a_list_that_names_nothing_is_told_of_without_a_copy_too(tmp_path):
    (tmp_path / "config.toml").write_text(config(LIST))
    made = from_mapping(
        {"nodes": [{"name": "n", "runtime": {"containerd": "2.3", "config": "config.toml"}}]}, directory=tmp_path
    )
    assert any(TRANSFER in warning for warning in made.assemble().warnings)
    (tmp_path / "config.toml").write_text(config(LIST, LOCAL))
    assert any("none is simulated without a copy" in warning for warning in made.assemble().warnings)
    (tmp_path / "config.toml").write_text(config(None))
    assert made.assemble().warnings == ()


def test_mistakes_in_what_is_not_read_are_none_but_it_must_be_there(tmp_path):
    made = scenario(tmp_path, "2.3", config(LIST))
    (tmp_path / "certs.d/_default/hosts.toml").write_text("[host")
    assert made.assemble()
    (tmp_path / "certs.d/_default/hosts.toml").unlink()
    (tmp_path / "certs.d/_default").rmdir()
    (tmp_path / "certs.d").rmdir()
    with pytest.raises(InputError, match=r"certs\.d"):
        made.assemble()


def test_a_cluster_whose_mirror_is_never_asked():
    """The ordinary setting of EKS under 2.2: the layers come from docker.io (containerd#12415)."""
    made = load(DATA / "config-path-list/s.yaml")
    assert any(TRANSFER in warning for warning in made.assemble().warnings)
    assert {row.source for row in run(made).layers} == {"docker.io"}
    local = load(DATA / "config-path-list/s.yaml", ["nodes[0].runtime.containerd=2.0"])
    assert {row.source for row in run(local).layers} == {MIRROR}
