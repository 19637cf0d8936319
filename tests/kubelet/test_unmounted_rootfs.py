"""A container that exits has its root filesystem unmounted, which writes what pulls have left in the page cache."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.results import check
from pullsim.spec.cluster import Owner, PodSpec
from pullsim.spec.hardware import DiskSpec, PageCacheSpec
from tests.support.outcome import pull, row, stages, whole
from tests.support.world import RATE, UNIT, container, containerd, crio, image, layer, named, node, pod, run_containerd

#: An image of 3 s of unpacking for an init container that runs for 1 s, one of 1 s for the other, and one of 2 s.
IMAGES = {
    "init:1": image(layer("x", 0.0, 3)),
    "app:1": image(layer("y", 0.0, 1)),
    "next:1": image(layer("z", 0.0, 2)),
}
CACHED = DiskSpec(RATE, page_cache=PageCacheSpec(limit=100 * UNIT, background=100 * UNIT))
INIT = (container(named("init:1"), "i0", run=1.0),)


def started(disk, *pods, runtime=None, **cluster):
    spec = replace(node(runtime or containerd()), disk=disk)
    result = run_containerd(IMAGES, list(pods), spec=spec, **cluster)
    assert check(result) == []
    return result


@pytest.mark.parametrize(
    ("disk", "runtime", "flush"),
    [
        (CACHED, containerd(), 3.0),  # 3 UNIT are dirty
        (CACHED, replace(containerd(), volatile=True), 0.0),
        (CACHED, crio(), 0.0),  # its root filesystems are mounted volatile
        (DiskSpec(RATE), containerd(), 0.0),  # nothing is dirty: the pull has written it all
        (DiskSpec(), containerd(), 0.0),  # no disk is simulated
    ],
    ids=["containerd", "volatile", "cri-o", "no cache", "no disk"],
)
def test_an_init_container_has_exited_when_its_root_filesystem_is_unmounted(disk, runtime, flush):
    result = started(disk, pod("p", named("app:1"), init=INIT), runtime=runtime)
    assert stages(row(result, "p"))["init"] == pytest.approx(1.0 + flush)
    first, second = sorted(each.started for each in result.pulls)
    assert second - first == pytest.approx(3.0 + 1.0 + flush)
    assert whole(row(result, "p"))


def test_a_pod_completes_when_its_root_filesystem_is_unmounted():
    """A job's second pod follows the first, which wrote nothing that the second has to write again."""
    spec = PodSpec((replace(container(named("init:1"), run=1.0), completes=True),))
    first = replace(pod("job-00000"), spec=spec, workload="job", owner=0)
    owner = Owner("Job", "job", "default", 1, completions=2)
    result = started(CACHED, first, owners=(owner,))
    assert [row.created for row in result.pods] == pytest.approx([0.0, 3.0 + 1.0 + 3.0])


@pytest.mark.parametrize(("lives", "takes"), [(4.0, 2.0), (None, 7.0)])
def test_containers_that_are_killed_leave_a_clean_cache(lives, takes):
    """2.7 of 4 UNIT that may be dirty are: a second pull waits for the disk, unless the first pod was killed."""
    disk = DiskSpec(RATE / 10, page_cache=PageCacheSpec(limit=4 * UNIT, background=4 * UNIT))
    first = pod("first", named("init:1"), lives=lives)
    result = started(disk, first, pod("second", named("next:1"), at=33.0))
    assert pull(result, "second").ended - 33.0 == pytest.approx(takes)
