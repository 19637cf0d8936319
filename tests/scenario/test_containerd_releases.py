"""Releases of containerd in a scenario: patches, newer ones, what changed with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pullsim.errors import InputError
from pullsim.releases.containerd import CONTAINERD, behaviour
from pullsim.run import run
from pullsim.scenario import effective_yaml, from_mapping, load

DATA = Path(__file__).parents[1] / "data/releases"


def assembled(release, **pool):
    return from_mapping({"nodes": [{"name": "n", "runtime": {"containerd": release}, **pool}]}).assemble()


@pytest.mark.parametrize(
    ("written", "runs_as", "warned"),
    [
        ("2.3", "2.3.5", False),
        ("2.3.4", "2.3.4", False),
        ("v2.3.4", "2.3.4", False),
        ("2.1.5-k3s1", "2.1.5", False),
        ("1.7.28-2~deb13u1", "1.7.28", False),
        ("1.6.3", "1.6.3", False),
        ("2.4", "2.4.0", False),
        ("2.3.99", "2.3.5", True),
        ("2.5", "2.4.0", True),
        ("3.0.1", "2.4.0", True),
    ],
)
def test_a_release_runs_as_one_that_is_known(written, runs_as, warned):
    built = assembled(written)
    assert str(built.cluster.nodes[0].spec.runtime.version) == runs_as
    said = [warning for warning in built.warnings if "is newer than" in warning]
    assert len(said) == int(warned)
    assert all(warning.startswith("nodes[n].runtime.containerd: containerd ") for warning in said)
    assert all(warning.endswith(f"it runs as {runs_as}") for warning in said)


@pytest.mark.parametrize("written", ["1.5", "1.6.2", "1.8", "1.9.9", "2", "2.3.x", "2.3.4.5", "latest", "", "-1.6"])
def test_what_is_no_known_release(written):
    with pytest.raises(
        InputError, match=r"nodes\[n\]\.runtime\.containerd: .*(is not known: 1\.6\.3 to|is no version)"
    ):
        assembled(written)


def test_what_is_written_is_kept():
    """A newer release stays one, so that the warning stays too."""
    made = from_mapping({"nodes": [{"runtime": {"containerd": "2.5.1"}}]})
    again = from_mapping(yaml.safe_load(effective_yaml(made)))
    assert again.nodes[0].runtime.containerd == (2, 5, 1)
    assert again.assemble().warnings == made.assemble().warnings


@pytest.mark.parametrize("release", ["2.0.12", "1.7.35"])
@pytest.mark.parametrize("key", ["layerFetchBuffer", "maxConcurrentUnpacks"])
def test_settings_of_later_releases(release, key):
    with pytest.raises(InputError, match=f"{key} exists from containerd 2"):
        from_mapping({"nodes": [{"runtime": {"containerd": release, key: 2}}]})


# ---------------------------------------------------------------- 2.4 inflates faster (containerd#13560)


@pytest.mark.parametrize(
    ("pool", "faster"),
    [
        ({}, True),
        ({"unpack": {"zstd": "1GB/s"}}, True),
        ({"unpack": {"gzip": "115MB/s"}}, False),  # a figure of one's own stands
        ({"preset": "aws/m6i.large-gp3"}, False),
    ],
)
def test_gzip_from_2_4_on(pool, faster):
    before, after = (assembled(release, **pool).cluster.nodes[0].spec.runtime.unpack for release in ("2.3", "2.4"))
    assert after.gzip / before.gzip == pytest.approx(1.4 if faster else 1.0)
    assert (after.zstd, after.stored, after.unpigz) == (before.zstd, before.stored, before.unpigz)


@pytest.mark.parametrize(
    ("release", "unpack", "warned"),
    [
        ("2.4", {}, True),
        ("2.3", {}, False),
        ("2.4", {"gzip": "200MB/s"}, False),
        ("2.4", {"decompressor": "unpigz"}, False),
    ],
)
def test_presets_have_figures_of_before(release, unpack, warned):
    built = assembled(release, preset="aws/m6i.large-gp3", unpack=unpack)
    assert any("unpack.gzip of the preset" in warning for warning in built.warnings) is warned


def test_the_effective_scenario_has_the_figure():
    made = from_mapping({"nodes": [{"runtime": {"containerd": "2.4"}}]})
    again = from_mapping(yaml.safe_load(effective_yaml(made)))
    assert again.assemble().cluster.nodes == made.assemble().cluster.nodes


# ---------------------------------------------------------------- settings by patch


@pytest.mark.parametrize(
    ("release", "timeout"),
    [((1, 6), 0.0), ((1, 7, 0), 60.0), ((1, 7, 9), 60.0), ((1, 7, 10), 300.0), ((1, 7), 300.0), ((2, 0, 0), 300.0)],
)
def test_the_progress_timeout(release, timeout):
    assert behaviour(CONTAINERD.resolve(release)).progress_timeout == timeout


@pytest.mark.parametrize(
    ("release", "renews"), [((1, 6), False), ((1, 7, 27), False), ((1, 7, 28), True), ((1, 7), True), ((2, 0, 0), True)]
)
def test_tokens_are_renewed_before_they_expire(release, renews):
    assert behaviour(CONTAINERD.resolve(release)).honours_token_expiry is renews


# ---------------------------------------------------------------- clusters


@pytest.mark.parametrize(
    ("release", "waits"), [("2.2", 29.0), ("2.3.1", 29.0), ("2.3.2", 149.2), ("2.3", 149.2), ("2.4", 149.2)]
)
def test_a_registry_that_does_not_answer_holds_up_the_serial_queue(release, waits):
    result = run(load(DATA / "dial-timeout/s.yaml", [f"nodes[0].runtime.containerd={release}"]))
    good = next(row for row in result.pulls if row.pod.startswith("good"))
    assert good.started - good.requested == pytest.approx(waits)


@pytest.mark.parametrize("release", ["2.2", "2.2.0", "2.3", "2.4", "2.9"])
def test_referrers_is_a_capability_from_2_2_on(release):
    built = load(DATA / "referrers/s.yaml", [f"nodes[0].runtime.containerd={release}"]).assemble()
    (entry,) = built.cluster.nodes[0].spec.runtime.hosts
    assert entry.hosts[0].capabilities == ("pull", "resolve", "referrers")


@pytest.mark.parametrize("release", ["1.6", "1.7", "2.0", "2.1", "2.1.9"])
def test_referrers_is_none_before(release):
    made = load(DATA / "referrers/s.yaml", [f"nodes[0].runtime.containerd={release}"])
    with pytest.raises(
        InputError, match=r"unknown capability referrers; known are pull, resolve, push; containerd 2\.2 is"
    ):
        made.assemble()


@pytest.mark.parametrize("release", ["1.7", "2.1", "2.3"])
def test_a_mirror_of_plain_http_is_named_as_it_is_written(release):
    result = run(load(DATA / "http-mirror/s.yaml", [f"nodes[0].runtime.containerd={release}"]))
    url = "http://mirror.example.com/hub/v2/library/nginx/manifests/1.12?ns=docker.io"
    text = f'Head "{url}": dial tcp mirror.example.com:80: connect: connection refused'
    assert result.pulls[0].error.endswith(text)
