import io
import math
import re

import pytest
from rich.console import Console

from pullsim.results.start_table import brief
from pullsim.results.summary.summary import summarize
from pullsim.results.text import render
from pullsim.results.wording import duration, size
from tests.support.records import HOST, empty, make


def text(result, width=80):
    file = io.StringIO()
    Console(file=file, width=width).print(render(summarize(result)))
    return file.getvalue()


RUNS = {
    "nothing": empty(),
    "one": make(pods=1),
    "serial": make(pods=60, nodes=2, images=8, fail_first=7, never=3),
    "none started": make(pods=3, never=3),
    "large": make(pods=3000, nodes=1, every=0, images=1000),
}


@pytest.mark.parametrize("run", RUNS)
def test_it_fits_80_columns_and_is_plain_in_a_pipe(run):
    result = RUNS[run]
    result.warnings = [
        f"image {HOST}/a-very-long-name/of-an-image/with-many-parts:and-a-long-tag-too has no unpacked size"
    ]
    lines = text(result).splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)


def test_what_a_reader_needs():
    result = RUNS["serial"]
    shown = text(result)
    words = " ".join(shown.split())
    failed = sum(not pull.ok for pull in result.pulls)
    assert shown.startswith("by hand  2 nodes, seed 7; ended at ")
    assert "57 of 60 started, 3 never (3 ImagePullBackOff)" in words
    assert f"failed ({failed} unavailable), {failed} back-offs" in words
    assert " ".join(summarize(result).bottleneck.sentence.split()) in words
    assert re.search(r"pod start( \S+s){3}( never){3} those that started, 57( \S+s){6} queue", words)


def test_what_happened_once_a_minute_or_an_hour_is_brief():
    assert [brief(each) for each in (None, 0, 9.994, 9.996, 99.94, 99.96, 245, 3599.6, 7380, math.inf)] == [
        "-", "0.00s", "9.99s", "10.0s", "99.9s", "1m40s", "4m05s", "1h00m", "2h03m", "never",
    ]  # fmt: skip


def test_it_says_why_there_are_no_times():
    assert "no pod started, so there are no start times" in text(RUNS["none started"])


def test_it_says_what_was_not_recorded():
    result = make()
    result.detail = "none"
    assert "not recorded (detail none)" in text(result)


def test_all_shares_are_shown_or_summed_up():
    shown = text(RUNS["serial"])
    shares = [
        float(line.split("%")[0].split()[-1]) for line in shown.splitlines() if "%" in line and "Verdict" not in line
    ]
    assert 98 <= sum(share for share in shares[: shown.count("█ ") + 1]) <= 103


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"), (math.inf, "never"), (0, "0.00 s"), (9.994, "9.99 s"), (9.996, "10.0 s"), (99.94, "99.9 s"),
        (99.96, "1 min 40 s"),
        (245, "4 min 05 s"), (3599.6, "1 h 00 min"), (7380, "2 h 03 min"), (86400, "24 h 00 min"),
    ],
)  # fmt: skip
def test_durations(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (12_345_678, "12.3 MB"), (999_600, "1 MB"), (5e15, "5,000 TB")],
)
def test_sizes(amount, shown):
    assert size(amount) == shown
