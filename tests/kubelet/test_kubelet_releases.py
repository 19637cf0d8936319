"""What differs between the kubelet's releases: one row a rule, one column a release."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.spec.feature_gates import GATES
from pullsim.spec.runtime import FixedImage, FixedStatusFailure
from tests.support.outcome import messages, pull, started
from tests.support.world import SERIAL, UNLIMITED, parallel, pod, pods, run_fixed

RELEASES = [(1, minor) for minor in range(24, 37)]
APP = {"app:1": FixedImage(2.0, size=9)}


def by_release(*since):
    """A value for every release from 1.24 on: pairs of the first release that has a value, and the value."""
    table = []
    for release in RELEASES:
        known = [value for first, value in since if tuple(map(int, first.split("."))) <= release]
        table.append(pytest.param(release, known[-1], id=f"1.{release[1]}"))
    return pytest.mark.parametrize(("release", "expected"), table)


@by_release(
    ("1.24", "in 4.000802469s"),  # the wait is in the only duration
    ("1.26", "in 2.000401234s (4.000802469s including waiting)"),  # PR 111772
    ("1.28", "in 2s (4s including waiting)"),  # PR 117276
    ("1.30", "in 2s (4s including waiting). Image size: 9 bytes."),  # PR 121719
)
def test_pulled(release, expected):
    """The digits are those of clusters of 1.26.5 and 1.27 (all nanoseconds) and of 1.29 and later (milliseconds)."""
    images = {"app:1": FixedImage(2.000401234, size=9), "other:1": 2.000401235}
    result = run_fixed([pod("o", "other:1"), pod("p", "app:1")], images, kubelet=SERIAL, version=release)
    assert messages(result, "Pulled")[-1] == f'Successfully pulled image "app:1" {expected}'


@by_release(("1.24", ""), ("1.35", " and can be accessed by the pod"))
def test_already_present(release, expected):
    images = {"app:1": FixedImage(2.0, present=True)}
    result = run_fixed([pod("p", "app:1")], images, version=release)
    assert messages(result, "Pulled") == [f'Container image "app:1" already present on machine{expected}']


@by_release(("1.24", "Created container c0"), ("1.32", "Created container: c0"), ("1.35", "Container created"))
def test_created(release, expected):
    assert messages(run_fixed([pod("p", "app:1")], APP, version=release), "Created") == [expected]


@by_release(("1.24", "Started container c0"), ("1.35", "Container started"))  # PR 134043
def test_started(release, expected):
    assert messages(run_fixed([pod("p", "app:1")], APP, version=release), "Started") == [expected]


@by_release(("1.24", "couldn't parse image reference"), ("1.28", "couldn't parse image name"))  # PR 116231
def test_names_that_do_not_parse(release, expected):
    result = run_fixed([pod("p", "app:1:2")], {}, version=release, horizon=1.0)
    text = f'Failed to apply default image tag "app:1:2": {expected} "app:1:2": invalid reference format'
    assert messages(result, "InspectFailed") == [text]


@by_release(
    ("1.24", "repository name must be lowercase"),
    ("1.29", "repository name (library/App) must be lowercase"),  # distribution/reference v0.5.0
)
def test_upper_case_names(release, expected):
    result = run_fixed([pod("p", "App:1")], {}, version=release, horizon=1.0)
    assert messages(result, "InspectFailed")[0].endswith(f": invalid reference format: {expected}")


BROKEN = FixedImage(2.0, status_fail=FixedStatusFailure("rpc error: code = Unavailable desc = down", until=25.0))


@by_release(("1.24", "app:1"), ("1.32", ""))  # PR 126550 lost the name; PR 141571 gives it back
def test_an_image_that_cannot_be_inspected(release, expected):
    result = run_fixed([pod("p", "app:1")], {"app:1": BROKEN}, version=release)
    text = f'Failed to inspect image "{expected}": rpc error: code = Unavailable desc = down'
    assert messages(result, "InspectFailed") == [text] * 3  # 0, 10 and 20 s: no back-off
    assert messages(result, "Failed") == ["Error: ImageInspectError"] * 3
    assert started(result) == {"p": 32.0}


@by_release(("1.24", 3), ("1.32", 0))  # PR 126550: no ImageStatus before a pull with the policy Always
def test_image_status_before_a_pull_with_the_policy_always(release, expected):
    result = run_fixed([pod("p", "app:1", policy="Always")], {"app:1": BROKEN}, version=release)
    assert len(messages(result, "InspectFailed")) == expected
    assert messages(result, "Pulled")[0].startswith('Successfully pulled image "app:1" in 2s')


@by_release(("1.24", None), ("1.27", 2))  # before, the field is unknown
def test_the_limit_of_parallel_pulls(release, expected):
    images = {f"app{n}:1": 1.0 for n in range(4)}
    result = run_fixed(pods(4), images, kubelet=parallel(2), version=release)
    assert max(started(result).values()) == (1.0 if expected is None else 2.0)


@by_release(("1.24", False), ("1.35", True))  # the gate KubeletEnsureSecretPulledImages
def test_pulled_images_are_verified(release, expected):
    config = read_kubelet_configuration({}, release)
    assert (config.image_pull_credentials_verification_policy is not None) is expected


@pytest.mark.parametrize("release", RELEASES, ids=lambda r: f"1.{r[1]}")
@pytest.mark.parametrize("gate", GATES)
def test_gates_by_release(gate, release):
    """A gate is unknown before its first release, has its stage's default, and is locked when it is GA."""
    known = [(default, stage) for since, default, stage in GATES[gate] if since <= release]
    if not known:
        with pytest.raises(InputError, match="unrecognized feature gate"):
            read_kubelet_configuration({"featureGates": {gate: True}}, release)
        return
    default, stage = known[-1]
    assert read_kubelet_configuration({}, release).feature_gates[gate] is default
    opposite = {"featureGates": {gate: not default}}
    if stage == "GA":
        with pytest.raises(InputError, match="feature is locked"):
            read_kubelet_configuration(opposite, release)
    else:
        assert read_kubelet_configuration(opposite, release).feature_gates[gate] is not default


@pytest.mark.parametrize("release", RELEASES, ids=lambda r: f"1.{r[1]}")
def test_what_never_changed(release):
    """Back-off 10 s, doubled; QPS 5 and burst 10; serial pulls; GC at 85, 80 and 2 minutes."""
    config = read_kubelet_configuration({}, release)
    assert config.serialize_image_pulls
    assert (config.registry_pull_qps, config.registry_burst) == (5, 10)
    assert (config.image_gc_high_threshold_percent, config.image_gc_low_threshold_percent) == (85, 80)
    failed = run_fixed([pod("p", "gone:1")], {}, kubelet=UNLIMITED, version=release, horizon=75.0)
    assert [pull(failed, "p", attempt).requested for attempt in (1, 2, 3, 4)] == [0.0, 10.0, 30.0, 70.0]
