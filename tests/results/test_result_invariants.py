import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.results.invariants import check
from tests.support.records import empty, make


def test_nothing_is_fine():
    assert check(empty()) == []


@given(
    pods=st.integers(1, 40), nodes=st.integers(1, 5), images=st.integers(1, 5), parallel=st.integers(1, 4),
    fail_first=st.integers(0, 4), never=st.integers(0, 3), every=st.floats(0, 2),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_good_records_have_no_violations(**shape):
    assert check(make(**shape)) == []


def change(rows, index=0, **fields):
    rows[index] = rows[index]._replace(**fields)


def pod_stage_lost(result):
    result.pods[0].stages.pop("sync")


def pod_stage_negative(result):
    pod = result.pods[0]
    pod.stages["sync"] -= 1
    pod.stages["start"] += 1


def pod_stage_unknown(result):
    result.pods[0].stages["coffee"] = result.pods[0].stages.pop("sync")


def pod_total_wrong(result):
    change(result.pods, start_seconds=result.pods[0].start_seconds + 1e-3)


def pod_started_before_scheduled(result):
    change(result.pods, scheduled=result.pods[0].started + 1)


def pod_started_after_the_end(result):
    result.end = 1.0


def pull_stage_lost(result):
    result.pulls[0].stages.pop("unpack_cpu")


def pull_started_before_it_was_requested(result):
    change(result.pulls, requested=result.pulls[0].started + 1e-3)


def pull_failed_without_cause(result):
    change(result.pulls, ok=False)


def pull_downloaded_too_much(result):
    change(result.pulls, downloaded=result.pulls[0].size + 1)


def pull_fetched_too_many_layers(result):
    change(result.pulls, layers_fetched=4)


def layer_out_of_order(result):
    change(result.layers, fetched=result.layers[0].committed + 1)


def layer_limits_exceed_the_download(result):
    change(result.layers, nic=result.layers[0].nic + 1)


def layer_limit_negative(result):
    change(result.layers, connection=-0.1)


def layer_missing(result):
    result.layers.pop(0)


def layer_too_many(result):
    result.layers.append(result.layers[0])


def link_over_its_capacity(result):
    change(result.links, bytes_per_second=result.links[0].capacity * (1 + 1e-8))


def nan_stage(result):
    result.pods[0].stages["sync"] = float("nan")


VIOLATIONS = [
    value for name, value in list(globals().items()) if name.startswith(("pod_", "pull_", "layer_", "link_", "nan_"))
]  # fmt: skip


@pytest.mark.parametrize("break_it", VIOLATIONS, ids=lambda function: function.__name__)
def test_each_violation_is_found(break_it):
    result = make()
    break_it(result)
    assert check(result)


def test_a_message_names_the_row_and_the_numbers():
    result = make()
    result.pods[0].stages.pop("sync")
    (problem,) = check(result)
    assert problem.startswith("node-0000: default/app-00000: stages sum to ")


def test_a_layer_that_another_pull_unpacked():
    result = make(pods=1)
    change(result.layers, unpack_started=None, unpack_ended=None)
    assert check(result) == []


def test_layers_are_not_missed_where_they_are_not_recorded():
    result = make()
    result.layers.clear()
    assert check(result)
    result.detail = "pulls"
    assert check(result) == []
