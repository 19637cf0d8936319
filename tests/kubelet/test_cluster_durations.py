"""Durations as kubelets of real clusters printed them, by release."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from pullsim.kubelet.events import Messages
from pullsim.units import parse_duration_ns

EVENTS = Path(__file__).parents[2].parent / "shared/data/events"


def test_a_duration_that_was_printed_is_printed_again():
    """Whole nanoseconds up to 1.27, milliseconds from 1.28 on: another precision would change what clusters logged."""
    if not EVENTS.is_dir():
        pytest.skip(f"the logs of clusters are not in {EVENTS}")
    with (EVENTS / "clusters.csv").open() as file:
        kubelets = {row["cluster"]: row["kubelet"] for row in csv.DictReader(file)}
    seen, fine = defaultdict(int), defaultdict(int)
    with (EVENTS / "hpc_pulls.jsonl").open() as file:
        for line in file:
            row = json.loads(line)
            release = re.match(r"v(\d+)\.(\d+)", kubelets.get(row["cluster"], ""))
            if release is None or row.get("including_waiting_s") is None:
                continue
            version = int(release[1]), int(release[2])
            durations = [round(row[key] * 10**9) for key in ("pull_s", "including_waiting_s")]
            text = Messages(version, verified=False).pulled("x", *durations, 7)
            printed = re.search(r" in (\S+) \((\S+) including waiting\)", text)
            assert [parse_duration_ns(each) for each in printed.groups()] == durations, (version, row)
            seen[version] += 1
            fine[version] += any(each % 10**6 for each in durations)
    assert set(seen) == {(1, 27), (1, 29), (1, 30)}
    assert fine == {(1, 27): seen[1, 27], (1, 29): 0, (1, 30): 0}  # of 1.27 none happened to end on a millisecond
