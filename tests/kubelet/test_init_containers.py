"""Init containers and sidecars: when their images are pulled, and what waits for them. Runtime: fixed durations."""

from __future__ import annotations

import pytest

from tests.support.outcome import row, stages, times, whole
from tests.support.world import MINIMAL, STEADY, container, failing, pod, run_fixed

# ---------------------------------------------------------------- init containers


INIT = (container("i0:1", "i0", run=3.0), container("i1:1", "i1", run=1.5))
INIT_IMAGES = {"i0:1": 2.0, "i1:1": 1.0, "app:1": 4.0}


@pytest.mark.parametrize(
    ("loop", "pulling", "start"),
    [
        (MINIMAL, [0.0, 5.0, 7.5], 11.5),  # 2 + 3, + 1 + 1.5, + 4
        (STEADY, [0.0, 5.3, 8.3], 12.3),  # each exit is seen at the next relist: 5 -> 5.3; 7.8 -> 8.3
    ],
    ids=["minimal", "full"],
)
def test_init_containers_come_one_after_another_before_the_others(loop, pulling, start):
    result = run_fixed([pod("p", "app:1", init=INIT)], INIT_IMAGES, loop=loop)
    assert times(result, "Pulling") == pytest.approx(pulling)
    assert [event.container for event in result.events if event.reason == "Pulling"] == ["i0", "i1", "c0"]
    assert row(result, "p").started == pytest.approx(start)
    assert row(result, "p").images == ("i0:1", "i1:1", "app:1")
    assert stages(row(result, "p"))["pull"] == 7.0
    assert stages(row(result, "p"))["init"] == 4.5
    assert whole(row(result, "p"))


def test_an_init_container_without_its_image_holds_up_everything_after_it():
    init = [container("bad:1", "i0", run=1.0), container("app:1", "i1", run=1.0)]
    result = run_fixed([pod("p", "app:1", init=init)], {"bad:1": failing(1.0), "app:1": 1.0}, horizon=100.0)
    assert {event.container for event in result.events} == {"i0"}
    assert row(result, "p").started is None


def test_a_sidecar_is_pulled_in_its_turn_and_does_not_hold_up_the_others():
    init = [container("side:1", "side", sidecar=True)]
    result = run_fixed([pod("p", "app:1", init=init)], {"side:1": 2.0, "app:1": 3.0})
    assert times(result, "Pulling") == [0.0, 2.0]
    assert row(result, "p").started == 5.0


def test_a_sidecar_without_its_image_is_tried_again_like_any_other():
    init = [container("side:1", "side", sidecar=True)]
    result = run_fixed([pod("p", "app:1", init=init)], {"side:1": failing(1.0, pull=2.0, times=1), "app:1": 3.0})
    assert times(result, "Pulling", container="side")[0] == 0.0
    assert row(result, "p").started is not None
    assert len(times(result, "Started")) == 2


# ---------------------------------------------------------------- where a pod's time goes


def test_waiting_for_the_worker_is_sync_and_waiting_for_the_back_off_is_not():
    """In the real loop the step from an init container to the next one waits for a relist."""
    result = run_fixed([pod("p", "app:1", init=INIT)], INIT_IMAGES, loop=STEADY)
    assert stages(row(result, "p")) == {"pull": 7.0, "init": 4.5, "sync": 0.8}
