import pytest

from pullsim.results.summary.bottleneck import bottleneck, queued_behind
from pullsim.stages import RESOURCES, STAGES
from tests.support.records import HOST, empty, make


def test_a_serial_queue():
    verdict = bottleneck(make(pods=40, nodes=2, images=10))
    assert verdict.resource == "pullQueue"
    assert 0.5 < verdict.share < 1
    assert verdict.sentence.startswith(
        f"{verdict.share:.0%}".replace("%", " %") + " of the waiting was the kubelet's serial pull queue"
    )
    assert "Within the pulls, " in verdict.sentence
    assert "unpacking layers on the CPU" in verdict.sentence


def test_a_limit_of_parallel_pulls():
    result = make(pods=60, nodes=1, images=30, parallel=3, every=0.1)
    verdict = bottleneck(result)
    assert queued_behind(result.pulls) == 3
    assert verdict.resource == "pullQueue"
    assert "at most 3 ran at a time" in verdict.sentence


def test_back_off_names_the_causes():
    verdict = bottleneck(make(pods=8, nodes=8, images=1, fail_first=1))
    assert verdict.resource == "backOff"
    assert "(8 unavailable)" in verdict.sentence


def test_egress_names_the_host():
    result = make(pods=4, nodes=4)
    for pod in result.pods:
        pod.stages.clear()
        pod.stages.update({"download_egress": pod.start_seconds})
    verdict = bottleneck(result)
    assert verdict.resource == "registryEgress"
    assert verdict.share == 1
    assert f"100 % of the waiting was the egress of {HOST}." in verdict.sentence


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_a_verdict(stage):
    result = make(pods=4, nodes=4)
    for pod in result.pods:
        pod.stages.clear()
        pod.stages.update({stage: pod.start_seconds})
    verdict = bottleneck(result)
    assert stage in next(resource.stages for resource in RESOURCES if resource.key == verdict.resource)


def test_shares_are_ranked_and_whole():
    verdict = bottleneck(make(pods=30, fail_first=4))
    assert sum(verdict.shares.values()) == pytest.approx(1)
    assert list(verdict.shares.values()) == sorted(verdict.shares.values(), reverse=True)
    assert next(iter(verdict.shares)) == verdict.resource
    assert "pullQueue" not in verdict.shares_of_pulls


def test_pods_that_never_started_do_not_hide_the_others():
    result = make(pods=10, nodes=10, images=1, never=1)
    stuck = result.pods[-1]
    stuck.stages["backoff"] += 1000
    result.pods[-1] = stuck._replace(start_seconds=stuck.start_seconds + 1000)
    verdict = bottleneck(result)
    assert verdict.resource == "backOff"
    assert "1 of 10 pods never started and count until the end of the run" in verdict.sentence
    assert "among those that started, " in verdict.sentence
    assert "unpacking layers on the CPU" in verdict.sentence


def test_no_pod_started():
    assert "No pod started" in bottleneck(make(pods=3, never=3)).sentence


def test_nobody_waited_and_nobody_is_there():
    assert bottleneck(empty()).resource is None
    result = make(pods=1)
    result.pods[0].stages.clear()
    verdict = bottleneck(result)
    assert (verdict.resource, verdict.share) == (None, None)
    assert verdict.sentence == "No pod waited for anything."


def test_pulls_one_after_the_other_are_not_parallel():
    result = make(pods=6, nodes=1, parallel=1, every=0)
    assert queued_behind(result.pulls) == 1
    assert queued_behind([]) == 0


def test_the_queue_is_that_of_the_nodes_on_which_pulls_queued():
    """A pool with parallel pulls and little queueing does not make the other one a matter of a limit."""
    serial = make(pods=30, nodes=1, parallel=1, every=0.1)
    parallel = make(pods=6, nodes=1, parallel=5, every=0)
    pulls = [*serial.pulls, *(pull._replace(node="other") for pull in parallel.pulls)]
    assert (queued_behind(serial.pulls), queued_behind(parallel.pulls), queued_behind(pulls)) == (1, 5, 1)
