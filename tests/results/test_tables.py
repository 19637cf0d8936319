import io
import json
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.records import KubeletEvent, PodRecord
from pullsim.results import columns, tables
from pullsim.stages import STAGES
from tests.support.records import empty, make

EXACT = {} if pd.__version__ >= "3" else {"float_precision": "round_trip"}
STAGE_COLUMNS = [f"{stage}_s" for stage in STAGES]


def csv_text(write, result):
    file = io.StringIO(newline="")
    write(result, file)
    return file.getvalue()


FROZEN = {
    "pods": """namespace pod workload pool node images image_refs started created_at scheduled_at started_at
        until_start_s pulls failures backoffs reason cause deadline_s missed ready_at until_ready_s withdrawn
        message images_ready_at accelerators""",
    "pulls": """pool node namespace pod container image attempt ok cause error image_ref registry requested_at
        started_at ended_at wait_s duration_s including_waiting_s size downloaded layers layers_fetched refetched
        calls""",
    "layers": """pool node namespace pod image position digest size unpacked source downloaded queued_at slot_at
        requested_at first_byte_at fetched_at committed_at unpack_started_at unpack_ended_at slot_s lock_s
        request_s download_s download_egress_s download_connection_s download_nic_s commit_s unpack_wait_s
        unpack_s unpack_limit""",
    "statuses": "namespace pod pool node shown_at age_s ready containers status message",
    "events": "t node pod container type reason message image namespace",
    "removals": "t pool node reason image_ref images handler size freed unused_s",
    "traffic": "receiver host link cross_zone bytes",
    "disks": "pool node capacity peak used",
    "links": "link t0 t1 bytes_per_second capacity utilization",
}


@pytest.mark.parametrize("table", FROZEN)
def test_columns_are_frozen(table):
    """Users' scripts read these names: new ones go to the end of a group, none is renamed."""
    stages = STAGE_COLUMNS if table in ("pods", "pulls") else []
    assert list(getattr(tables, table)(make()).columns) == FROZEN[table].split() + stages


@pytest.mark.parametrize("table", FROZEN)
def test_an_empty_table_has_the_same_columns_and_types(table):
    frame, full = getattr(tables, table)(empty()), getattr(tables, table)(make())
    assert len(frame) == 0
    pd.testing.assert_series_equal(frame.dtypes, full.dtypes)


@pytest.mark.parametrize("name", ["PODS", "PULLS", "LAYERS", "STATUSES", "EVENTS", "LINKS", "REMOVALS", "DISKS"])
def test_every_column_is_documented_and_named_by_its_unit(name):
    for column in getattr(columns, name):
        assert column.meaning, column.name
        if column.name.endswith(("_s", "_at")):
            assert (column.unit, column.kind) == ("s", "float"), column.name


def test_stages_sum_to_the_total_column():
    result = make(pods=40, fail_first=3, never=2)
    pods, pulls = tables.pods(result), tables.pulls(result)
    assert pods[STAGE_COLUMNS].sum(axis=1).to_numpy() == pytest.approx(pods["until_ready_s"].to_numpy())
    assert pods["until_start_s"].tolist() == pods["until_ready_s"].tolist()  # nothing here takes time to be ready
    assert pulls[STAGE_COLUMNS].sum(axis=1).to_numpy() == pytest.approx(pulls["duration_s"].to_numpy())
    waited = pulls["wait_s"] + pulls["duration_s"]
    assert waited.to_numpy() == pytest.approx(pulls["including_waiting_s"].to_numpy())


def test_values_that_are_missing():
    result = make(never=1)
    result.pods.append(result.pods[0]._replace(node=None, scheduled=None, started=None, image_refs=(None,)))
    frame = tables.pods(result)
    assert frame["started_at"].isna().sum() == 2
    assert frame["started"].tolist() == [pod.started is not None for pod in result.pods]
    assert frame["node"].isna().sum() == frame["pool"].isna().sum() == 1
    assert frame["image_refs"].iloc[-1] == ""
    assert csv_text(tables.write_pods_csv, result).splitlines()[-1].startswith("default,app-00000,app,,,registry")


def test_a_layer_that_another_pull_unpacked_has_no_times_of_unpacking():
    result = make(pods=1)
    result.layers[0] = result.layers[0]._replace(unpack_started=None, unpack_ended=None)
    row = tables.layers(result).iloc[0]
    assert row[["unpack_started_at", "unpack_ended_at", "unpack_wait_s", "unpack_s"]].isna().all()
    assert csv_text(tables.write_layers_csv, result).splitlines()[1].endswith(",,,cpu")


def test_pool_is_that_of_the_node():
    result = make(nodes=4, pools=2)
    frame = tables.pulls(result)
    assert frame["pool"].tolist() == [result.pools[pull.node] for pull in result.pulls]


def test_csv_has_the_values_of_the_frame():
    result = make(pods=30, fail_first=4, never=2)
    for frame, write in (
        (tables.pods, tables.write_pods_csv),
        (tables.pulls, tables.write_pulls_csv),
        (tables.layers, tables.write_layers_csv),
        (tables.statuses, tables.write_status_csv),
        (tables.removals, tables.write_removals_csv),
        (tables.rollouts, tables.write_rollouts_csv),
        (tables.departures, tables.write_departures_csv),
        (tables.prepulls, tables.write_prepulls_csv),
        (tables.disks, tables.write_disks_csv),
    ):
        read = pd.read_csv(io.StringIO(csv_text(write, result)))
        expected = frame(result)
        assert list(read.columns) == list(expected.columns)
        for column in expected.columns:
            if expected[column].dtype.kind == "f":
                assert read[column].to_numpy(float) == pytest.approx(expected[column].to_numpy(), abs=1e-9, nan_ok=True)
            elif expected[column].dtype.kind in "ib":
                assert read[column].tolist() == expected[column].tolist()


def test_csv_format():
    text = csv_text(tables.write_pods_csv, make())
    assert "\r" not in text
    assert text.endswith("\n")
    line = text.splitlines()[1]
    assert ",true," in line
    assert not re.search(r"\d\.\d{10,}", text)  # no noise beyond a nanosecond


def test_csv_quotes_what_needs_it():
    result = make(fail_first=1)
    result.pulls = [pull._replace(error='say "no",\nthen stop') for pull in result.pulls]
    read = pd.read_csv(io.StringIO(csv_text(tables.write_pulls_csv, result)))
    assert set(read["error"]) == {'say "no",\nthen stop'}


@given(st.floats(min_value=0, max_value=86_400))
def test_csv_numbers_are_exact_to_the_nanosecond(value):
    result = empty()
    stages = {"queue": value}
    result.pods.append(
        PodRecord(
            "d", "p", "w", "n", 0.0, 0.0, *[value] * 4, 0, 0, 0, None, None, None, (), (), None, False, False, stages
        )
    )
    row = pd.read_csv(io.StringIO(csv_text(tables.write_pods_csv, result)), **EXACT).iloc[0]
    assert abs(row["queue_s"] - value) <= 0.5000001e-9 + 1e-11
    assert row["queue_s"] == row["until_start_s"] == row["started_at"]


def test_no_negative_zero():
    result = make(pods=1)
    result.pods[0].stages["qps"] = -0.0
    assert ",-0" not in csv_text(tables.write_pods_csv, result)


def test_events_jsonl():
    events = [
        KubeletEvent(1.25, "n", "p", "c", "Normal", "Pulling", 'Pulling image "ä"', "ä", "default"),
        KubeletEvent(2.0000000001, "n", "p", None, "Warning", "Failed", "no", None, "default"),
    ]
    file = io.StringIO()
    tables.write_events_jsonl(events, file)
    first, second = file.getvalue().splitlines()
    assert list(json.loads(first)) == [
        "t",
        "node",
        "pod",
        "container",
        "type",
        "reason",
        "message",
        "image",
        "namespace",
    ]
    assert json.loads(first)["message"] == 'Pulling image "ä"'
    assert json.loads(second) == {
        "t": 2.0, "node": "n", "pod": "p", "container": None, "type": "Warning", "reason": "Failed", "message": "no",
        "image": None, "namespace": "default",
    }  # fmt: skip
