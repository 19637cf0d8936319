"""What people have, and what of it is a pull."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from pullsim.errors import InputError
from pullsim.inputs import json_lines
from pullsim.kubelet.events import Messages
from pullsim.study.fit import kubernetes_events, prometheus, table
from pullsim.study.fit.lab import Lab
from pullsim.study.fit.read import read_input

if TYPE_CHECKING:
    from pathlib import Path


def event(reason: str, message: str, at: str = "2026-05-01T10:00:00Z", *, pod: str = "p", **given: Any) -> dict:
    return {
        "kind": "Event",
        "reason": reason,
        "message": message,
        "involvedObject": {"namespace": "default", "name": pod, "fieldPath": "spec.containers{c}"},
        "source": {"component": "kubelet", "host": "n1"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        **given,
    }


@pytest.mark.parametrize(
    "message, seconds, size, waits",
    [
        ('Successfully pulled image "a" in 10.746888323s', 10.746888323, None, True),  # 1.20 to 1.26
        ('Successfully pulled image "a" in 172.977384ms', 0.172977384, None, True),
        ('Successfully pulled image "a" in 49.18401355s (72.871704s including waiting)', 49.18401355, None, False),
        ('Successfully pulled image "a" in 167ms (167ms including waiting)', 0.167, None, False),
        (
            'Successfully pulled image "a" in 1m22.032s (1m22.032s including waiting). Image size: 4149299364 bytes.',
            82.032,
            4149299364,
            False,
        ),
        ('Successfully pulled image "a" in 950µs (1.2s including waiting). Image size: 7 bytes.', 950e-6, 7, False),
    ],
)
def test_pulled_in_every_wording(message: str, seconds: float, size: int | None, waits: bool) -> None:
    (pull,) = kubernetes_events.read_events([event("Pulled", message)], "f").pulls
    assert (pull.image, pull.seconds, pull.size, pull.waits) == ("a", pytest.approx(seconds), size, waits)
    assert (pull.node, pull.resolution) == ("n1", 0.0)


@pytest.mark.parametrize("version", [(1, 24), (1, 27), (1, 30), (1, 35)])
def test_the_texts_that_the_model_of_the_kubelet_writes(version: tuple[int, int]) -> None:
    text = Messages(version, verified=False).pulled("a", 2_500_000_000, 3_500_000_000, 123)
    (pull,) = kubernetes_events.read_events([event("Pulled", text)], "f").pulls
    assert pull.seconds == (3.5 if version < (1, 27) else 2.5)
    assert pull.size == (123 if version >= (1, 30) else None)


def test_a_combined_event_is_one_pull() -> None:
    message = '(combined from similar events): Successfully pulled image "a" in 3s (4s including waiting)'
    (pull,) = kubernetes_events.read_events([{**event("Pulled", message), "count": 14}], "f").pulls
    assert (pull.image, pull.seconds, pull.count) == ("a", 3.0, 1)


def test_pulled_without_a_duration_is_timed_by_pulling() -> None:
    events = [
        event("Pulling", 'Pulling image "a"', "2026-05-01T10:00:00Z"),
        event("Pulled", 'Successfully pulled image "a"', "2026-05-01T10:00:12Z"),
    ]
    (pull,) = kubernetes_events.read_events(events, "f").pulls
    assert (pull.seconds, pull.resolution, pull.waits) == (12.0, 1.0, True)


def test_events_of_the_newer_api() -> None:
    newer = {
        "reason": "Pulled",
        "note": 'Successfully pulled image "a" in 2s (3s including waiting)',
        "regarding": {"namespace": "default", "name": "p", "fieldPath": "spec.containers{c}"},
        "reportingInstance": "n2",
        "eventTime": "2026-05-01T10:00:00.123456Z",
    }
    (pull,) = kubernetes_events.read_events([newer], "f").pulls
    assert (pull.seconds, pull.node) == (2.0, "n2")
    assert pull.ended is not None
    assert pull.began == pull.ended - 2


@pytest.mark.parametrize(
    "events, why",
    [
        ([event("Pulled", 'Successfully pulled image "a"')], kubernetes_events.NO_PULLING),
        ([event("Pulled", 'Pull von "a" erfolgreich')], kubernetes_events.UNREADABLE),
        (
            [
                event("Pulling", 'Pulling image "a"', "2026-05-01T10:00:30Z"),
                event("Pulled", 'Successfully pulled image "a" in 2s (2s including waiting)', "2026-05-01T10:00:00Z"),
            ],
            kubernetes_events.SKEWED,
        ),
    ],
)
def test_events_that_cannot_be_used_are_counted(events: list, why: str) -> None:
    observed = kubernetes_events.read_events(events, "f")
    assert observed.pulls == []
    assert observed.left_out == {why: 1}


PULLED = 'Successfully pulled image "a" in 2s (3s including waiting). Image size: 7 bytes.'


@pytest.mark.parametrize("message", ["in 10x", "in 2s (1.2.3s including waiting)", "in 900000000h", "in ."])
def test_durations_that_no_kubelet_writes_are_counted(message: str) -> None:
    observed = kubernetes_events.read_events([event("Pulled", f'Successfully pulled image "a" {message}')], "f")
    assert observed.left_out == {kubernetes_events.UNREADABLE: 1}


@pytest.mark.parametrize(
    "given, message",
    [
        ({"involvedObject": "x"}, "f: items[1].involvedObject: 'x' must be a mapping"),
        ({"involvedObject": {"name": 5}}, "f: items[1].involvedObject.name: 5 must be text; write it in quotes"),
        ({"source": ["n1"]}, "f: items[1].source: a list must be a mapping"),
        ({"message": {"a": 1}}, "f: items[1].message: a mapping must be text"),
        ({"lastTimestamp": 1777629600}, "f: items[1].lastTimestamp: 1777629600 must be text; write it in quotes"),
        ({"lastTimestamp": "gestern"}, "f: items[1].lastTimestamp: 'gestern' is no time, as 2026-05-01T10:00:00Z is"),
    ],
)
def test_events_about_pulls_are_as_the_api_has_them(given: dict, message: str) -> None:
    wrong = event("Pulled", PULLED) | given
    with pytest.raises(InputError) as error:
        kubernetes_events.read_events([5, wrong], "f")
    assert str(error.value) == message
    with pytest.raises(InputError) as error:
        kubernetes_events.read_events([wrong], "f", [7])
    assert str(error.value) == message.replace("f: items[1].", "f:7: ")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_times_without_a_zone_are_utc(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        events = [event("Pulled", PULLED, "2026-05-01T10:00:00"), event("Pulled", PULLED, "2026-05-01T10:00:00Z")]
        bare, zoned = (pull.ended for pull in kubernetes_events.read_events(events, "f").pulls)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert bare == zoned == 1777629600


def test_the_zero_time_of_go_is_none() -> None:
    given = {"eventTime": None, "firstTimestamp": "0001-01-01T00:00:00Z", "lastTimestamp": "0001-01-01T00:00:00Z"}
    (pull,) = kubernetes_events.read_events([event("Pulled", PULLED, **given)], "f").pulls
    assert (pull.began, pull.ended) == (None, None)


def test_images_that_were_present_are_no_pulls() -> None:
    observed = kubernetes_events.read_events(
        [event("Pulled", 'Container image "a" already present on machine'), event("Started", "Started container c")],
        "f",
    )
    assert (observed.pulls, observed.left_out) == ([], {})


HISTOGRAM = """\
# HELP kubelet_image_pull_duration_seconds [ALPHA] Duration in seconds to pull an image.
# TYPE kubelet_image_pull_duration_seconds histogram
kubelet_image_pull_duration_seconds_bucket{image_size_in_bytes="10MB-100MB",le="1"} 2
kubelet_image_pull_duration_seconds_bucket{image_size_in_bytes="10MB-100MB",le="5"} 6
kubelet_image_pull_duration_seconds_bucket{image_size_in_bytes="10MB-100MB",le="+Inf"} 8
kubelet_image_pull_duration_seconds_sum{image_size_in_bytes="10MB-100MB"} 30
kubelet_image_pull_duration_seconds_count{image_size_in_bytes="10MB-100MB"} 8
kubelet_image_pull_duration_seconds_bucket{image_size_in_bytes="N/A",le="+Inf"} 3
kubelet_image_pull_duration_seconds_bucket{image_size_in_bytes="GT100GB",le="600"} 0
kubelet_image_pull_duration_seconds_bucket{image_size_in_bytes="GT100GB",le="900"} 1
"""


def test_a_histogram_gives_the_median_of_each_size() -> None:
    observed = prometheus.read_metrics(HISTOGRAM, "f")
    small, huge = observed.pulls
    assert (small.seconds, small.resolution, small.count) == (3.0, 2.0, 8)  # the fourth of eight: half of 1 to 5 s
    assert small.size == pytest.approx(10 * 2**20 * 10**0.5, rel=1e-6)
    assert (huge.size, huge.seconds) == (pytest.approx(2**0.5 * 100 * 2**30, rel=1e-6), 750)
    assert observed.left_out == {"pulls without a size in the histogram": 3}


def test_histograms_of_several_nodes_add_up() -> None:
    text = "".join(
        f'kubelet_image_pull_duration_seconds_bucket{{node="{n}",image_size_in_bytes="0-10MB",le="5"}} 1\n'
        for n in "ab"
    )
    assert [pull.count for pull in prometheus.read_metrics(text, "f").pulls] == [2]


ROWS = [
    {
        "cluster": "x",
        "image": "a",
        "pull_s": 2.0,
        "including_waiting_s": 9.0,
        "size_bytes": 10,
        "node": "n",
        "pulled_t": 5,
    },
    {"cluster": "y", "image": "b", "pull_s": None, "size_bytes": None},
    {"cluster": "y", "image": "b", "pull_s": 3, "size_bytes": None},
]


def test_tables_tell_the_pull_without_waiting() -> None:
    text = "\n".join(map(json.dumps, ROWS))
    (pull,) = table.read_rows(json_lines(text, "f"), "f", {"cluster": "x"}).pulls
    assert (pull.seconds, pull.size, pull.began, pull.ended, pull.waits) == (2.0, 10, 3.0, 5.0, False)
    other = table.read_rows(json_lines(text, "f"), "f", {"cluster": "y"})
    assert [pull.seconds for pull in other.pulls] == [3.0]
    assert sum(other.left_out.values()) == 1


def test_csv_is_a_table_too(tmp_path: Path) -> None:
    path = tmp_path / "pulls.csv"
    path.write_text("image,seconds,bytes\nnginx,1.5,70000000\n")
    observed = read_input(path, {})
    assert not isinstance(observed, Lab)
    assert [(pull.image, pull.seconds, pull.size) for pull in observed.pulls] == [("nginx", 1.5, 70_000_000)]


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", ":1:2: this is no JSON"),
        ("hello", "none of the kinds of input"),
        ('{"kind": "PodList", "items": [{"kind": "Pod"}]}', "none of the kinds of input"),
        ("# HELP up\nup 1\n", "kubelet_image_pull_duration_seconds is not in it"),
        ('{"image": "a", "pull_s": "fast"}', ":1: pull_s is 'fast'; a number is needed"),
        ('{"image": "a", "pull_s": -1}', ":1: pull_s is -1; a number from 0 to 1e+08 is needed"),
        ('{"pull_s": 1, "x": 2}\n{"pull_s": 1}', ":1: this row has no image"),
        (
            '{"image": "a", "pull_s": 1, "cluster": "x"}\n{"image": "a", "pull_s": 1, "cluster": "y"}',
            "--where cluster=x",
        ),
        ('{"image": "a", "pull_s": 1}\n{"image"', ":2:9: this is no JSON"),
        ('{"images": {}, "cases": [{"id": 1}]}', "cases[0].input: is missing"),
        ("{bad}\n{}", ":1:2: this is no JSON"),
        ("{}\n" + "[" * 100_000, ":2: nested more than 200 levels deep"),
        ('{"image": "a", "pull_s": ' + "9" * 5_000 + "}", ":1:26: a number of 5000 digits is too long"),
        ('{"image": "a", "pull_s": 1e15}', ":1: pull_s is 1000000000000000.0; a number from 0 to 1e+08"),
        ('{"image": "a", "pull_s": true}', ":1: pull_s is true; a number is needed"),
        ('{"image": ["a"], "pull_s": 1}', ":1: image is a list; text is needed"),
        ('{"image": "a", "pull_s": 1}\n5', ":2: 5 is no row of a table"),
        ("image,seconds\na,1\nb,2,3\n", ":3: this row has 3 cells, the header has 2"),
        (f"image,seconds\na,1\n{'b' * 200_000},2\n", ":3: this is no CSV: field larger than field limit"),
        ("image,seconds\na,1e400\n", ":2: seconds is '1e400'; a number from 0 to"),
        ("image,seconds\na,nan\n", ":2: seconds is 'nan'; a number from 0 to"),
        (HISTOGRAM.replace('le="1"', 'le="x"'), ":3: le is 'x'; a number of seconds or +Inf is needed"),
        (HISTOGRAM.replace('le="1"', 'le="NaN"'), ":3: le is 'NaN'; a number of seconds or +Inf is needed"),
        (HISTOGRAM.replace('le="1"', 'ge="1"'), ":3: le is None; a number of seconds or +Inf is needed"),
        (HISTOGRAM.replace('"} 6', '"} NaN'), ":4: the bucket has 'NaN' pulls"),
        (HISTOGRAM.replace('"} 6', '"} +Inf'), ":4: the bucket has '+Inf' pulls"),
        (HISTOGRAM.replace('"} 6', '"} abc'), ":4: the bucket has 'abc' pulls"),
        (HISTOGRAM.replace('le="5"} 6', "le"), ":4: 'kubelet_image_pull_duration_seconds_bucket{image_size_in_by"),
        ('{"images": [], "cases": []}', "images: a list must be a mapping"),
    ],
)
def test_wrong_inputs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "input"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_input(path, {})
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_an_unknown_column(tmp_path: Path) -> None:
    path = tmp_path / "pulls.jsonl"
    path.write_text('{"image": "a", "pull_s": 1}\n{"image": "a", "pull_s": 2}\n')
    with pytest.raises(InputError, match="there is no column 'zone'; known are image, pull_s"):
        read_input(path, {"zone": "a"})


def test_objects_beside_events_are_counted():
    pulled = {"reason": "Pulled", "message": 'Successfully pulled image "a" in 3s (3s including waiting)'}
    observed = kubernetes_events.read_events(
        [pulled, {"kind": "Pod"}, {"kind": "Pod"}, {"reason": "Killing", "message": "x"}], "all.json"
    )
    assert (len(observed.pulls), observed.left_out) == (1, {"items that are no events": 2})
