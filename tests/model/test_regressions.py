"""Cases that went wrong once."""

from __future__ import annotations

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.oci.catalog import Catalog
from pullsim.results.invariants import check
from pullsim.results.summary.summary import summarize
from pullsim.run import simulate
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, DaemonSet, Node, Pod, PodSpec
from pullsim.spec.registry import Fault
from pullsim.spec.runtime import FixedImage, FixedSpec
from tests.support.outcome import pull, row, started
from tests.support.world import (
    containerd,
    failing,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run,
    run_containerd,
    run_fixed,
)

IMAGES = FixedSpec({"app:1": FixedImage(3.0)})


def test_a_daemon_pod_needs_room_too():
    spec = node(IMAGES, max_pods=1)
    daemons = DaemonSet("agent", "default", pod("x", "app:1").spec, created=10.0)
    result = simulate(ClusterSpec((Node("n-0", spec),), (pod("p", "app:1"),), daemon_sets=(daemons,)))
    assert started(result)["p"] == 3.0
    assert row(result, "agent-n-0").scheduled is None


def test_a_container_that_finds_what_its_own_pod_has_pulled_keeps_the_run_going():
    """The first container may not pull; the second pulls the same image for it."""
    both = PodSpec((ContainerSpec("a", "app:1", "Never"), ContainerSpec("b", "app:1", "Always")))
    result = run_fixed([Pod("p", "default", "w", both)], {"app:1": 3.0})
    assert row(result, "p").started == 13.0


def test_an_image_is_present_under_the_digest_that_its_tag_meant():
    content = image(layer("x"))
    by_digest = named("a:1").rsplit(":", 1)[0] + "@" + content.digest
    wanted = [
        pod("p", named("a:1")),
        pod("q", by_digest, at=5.0),
        pod("r", named("a:1") + "@" + content.digest, at=6.0),
    ]
    result = run_containerd({"a:1": content}, wanted)
    assert row(result, "q").started == 5.0
    assert row(result, "r").started == 6.0
    assert [record.pod for record in result.pulls] == ["p"]


def test_bytes_of_a_pull_that_the_horizon_cuts():
    result = run_containerd({"a:1": image(layer("x", 1.0), layer("y", 60.0))}, horizon=10.0)
    assert check(result) == []
    fetched = summarize(result).bytes
    assert fetched.downloaded == sum(fetched.by_source.values()) > 0


def test_a_pull_of_a_thousand_layers_one_at_a_time():
    content = image(*(layer(f"l{number}", 0.01) for number in range(1500)))
    result = run_containerd({"a:1": content}, spec=node(containerd((2, 0), 1)))
    assert sum(pull(result, "a").stages.values()) == pytest.approx(15.0, rel=0.05)


def test_a_blob_on_a_slow_disk_is_the_disks_time():
    result = run_containerd({"a:1": image(layer("x", 1.0))}, spec=node(containerd(), write=1e7))
    stages = pull(result, "a").stages
    assert stages["unpack_disk"] > 5 * stages["download_egress"]
    assert stages.get("commit", 0.0) < 1e-6


def test_a_fault_fits_the_familiar_name():
    fault = Fault(image="nginx:*", status=404)
    source = registry("docker.io", faults=(fault,))
    result = run(
        [pod("p", "nginx:1.12")],
        node(containerd()),
        registries=[source],
        images=Catalog.builtin("official"),
        horizon=5.0,
    )
    assert row(result, "p").cause == "notFound"


def test_a_cached_image_must_be_of_the_pools_platform():
    tree = {
        "images": {"define": [{"image": "a:1", "platform": "linux/arm64", "layers": [{"size": "1MB"}]}]},
        "nodes": [{"cached": ["a:1"]}],
    }
    with pytest.raises(InputError, match="nothing for linux/amd64"):
        pullsim.from_mapping(tree).build()


def test_a_fault_for_no_image_is_pointed_out():
    tree = {
        "registries": [{"host": "docker.io", "faults": [{"image": "ngnix:*", "status": 404}]}],
        "nodes": [{}],
        "workloads": [{"pods": {"image": "nginx:1.12"}}],
    }
    assert any("'ngnix:*'" in warning for warning in pullsim.from_mapping(tree).assemble().warnings)


def test_an_unknown_detail_is_wrong_input():
    with pytest.raises(InputError, match="none, pods, pulls, layers"):
        simulate(ClusterSpec((Node("n-0", node(IMAGES)),)), detail="everything")


def test_metadata_writes_of_manifests_are_commits():
    result = run_containerd({"a:1": image(layer("x", 0.1))}, spec=node(containerd(metadata_write=0.5)))
    stages = pull(result, "a").stages
    assert stages["commit"] > 4.9
    assert stages.get("resolve", 0.0) < 0.1


def test_pods_after_the_end_are_pointed_out():
    result = run([pod("p", "app:1"), pod("q", "app:1", at=60.0)], node(IMAGES), horizon=10.0)
    assert [record.pod for record in result.pods] == ["p"]
    assert result.warnings == ["pods that are created after the end of the run, and are in no figure: 1"]


def test_pulls_under_way_at_the_end_are_counted():
    result = run_fixed([pod("p", "app:1"), pod("q", "app:1")], {"app:1": 30.0}, horizon=10.0)
    assert result.under_way == 2
    assert summarize(result).pulls.under_way == 2


def test_a_run_in_which_nothing_starts_says_so():
    result = run_fixed([pod("p", "app:1", policy="Never")], {"app:1": 3.0})
    assert "No pod started (ErrImageNeverPull)" in summarize(result).bottleneck.sentence


def test_pods_that_fail_slowly_in_turn_keep_no_run_going():
    """One of them is always pulling; what it gets is what it got before."""
    images = {f"app{n}:1": failing(200.0) for n in range(3)}
    result = run_fixed([pod(f"p{n}", f"app{n}:1") for n in range(3)], images, kubelet={"serializeImagePulls": True})
    assert (result.ended, result.end) == ("settled", 600.0)
