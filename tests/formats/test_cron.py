"""Schedules of CronJobs."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.formats.kubernetes.cron import Schedule
from pullsim.scenario import from_mapping

HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("schedule", "until", "times"),
    [
        ("*/20 * * * *", HOUR, [1200, 2400, 3600]),
        ("5,10-12 0 * * *", DAY, [300, 600, 660, 720]),
        ("30/15 0 * * *", DAY, [1800, 2700]),
        ("0 2 * * *", 2 * DAY, [2 * HOUR, DAY + 2 * HOUR]),
        ("0 0 * * wed", 7 * DAY, [2 * DAY]),
        ("0 0 3 * Sun", 7 * DAY, [2 * DAY, 6 * DAY]),  # either
        ("0 0 1 feb *", 32 * DAY, [31 * DAY]),
        ("@hourly", 2 * HOUR, [HOUR, 2 * HOUR]),
        ("@weekly", 8 * DAY, [6 * DAY]),
    ],
)
def test_times(schedule, until, times):
    assert list(Schedule.parse(schedule).times(0.0, until)) == times


@pytest.mark.parametrize(
    "schedule", ["", "* * * *", "60 * * * *", "* * * * 7", "5-3 * * * *", "*/0 * * * *", "x * * * *"]
)
def test_what_is_none(schedule):
    with pytest.raises(ValueError, match=r"five|is no"):
        Schedule.parse(schedule)


CRON = """
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly}}
spec:
  schedule: "{schedule}"
  {more}
  jobTemplate:
    spec:
      parallelism: 2
      completions: 3
      template:
        metadata: {{annotations: {{pullsim.io/run: "main=1m"}}}}
        spec:
          containers: [{{name: main, image: "a:1"}}]
"""


def build(tmp_path, schedule="*/30 * * * *", more="", **mapping):
    path = tmp_path / "cron.yaml"
    path.write_text(CRON.format(schedule=schedule, more=more))
    images = {"runtime": {"fixed": {"images": {"a:1": {"pull": "1s"}}}}}
    return from_mapping({"nodes": [images], "workloads": [{"manifest": str(path)}], **mapping}).build()


def test_each_time_is_a_job(tmp_path):
    cluster = build(tmp_path, horizon="1h")
    assert [(owner.kind, owner.name, owner.completions) for owner in cluster.owners] == [
        ("Job", "nightly-28401150", 3),
        ("Job", "nightly-28401180", 3),
    ]
    assert [(pod.name, pod.created) for pod in cluster.pods][:2] == [
        ("nightly-28401150-00000", 1800.0),
        ("nightly-28401150-00001", 1800.0),
    ]
    assert {pod.workload for pod in cluster.pods} == {"nightly"}  # figures by workload are those of the CronJob
    assert build(tmp_path, more="suspend: true", horizon="1h").pods == ()


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, "give the scenario a horizon"),
        ({"schedule": "0 25 * * *", "horizon": "1h"}, "'25' is no hour"),
        ({"more": "concurrencyPolicy: Forbid", "horizon": "1h"}, "only the concurrencyPolicy Allow"),
        ({"more": "timeZone: Europe/Berlin", "horizon": "1h"}, "only the time zone UTC"),
    ],
)
def test_what_is_wrong(tmp_path, given, wrong):
    with pytest.raises(InputError) as caught:
        build(tmp_path, **given)
    assert wrong in str(caught.value)
