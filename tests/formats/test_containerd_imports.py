"""Files that a config.toml imports: which are read, and what they replace."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from tests.support.containerd_config import TRANSFER, V2, V3, read_as


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
