"""Did a change make start-up worse? The gate fails for what got worse, and names what got better without failing."""

from __future__ import annotations

import pytest

from pullsim.results.wording import duration
from tests.support.planner import SCENARIOS, ask, percentile, starts, tables

QUICK = SCENARIOS / "quickstart.yaml"
DISK = "nodes[workers].disk.write"


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    path = tmp_path_factory.mktemp("gate") / "baseline.json"
    assert ask("ci", QUICK, "--baseline", path, "--update-baseline", "-q").exit_code == 0
    return path


def p50(*overrides):
    return percentile(starts(tables(QUICK, *overrides).pods), 0.5)


def test_a_slower_disk_fails(baseline):
    slower = f"{DISK}=90MB/s"
    done = ask("ci", QUICK, "--baseline", baseline, "--set", slower)
    before, now = p50(), p50(slower)
    assert now > 1.01 * before
    assert done.exit_code == 1
    more = f"+{duration(now - before)} ({now / before - 1:+.1%})"
    assert f"worse pods.start.p50 {duration(before)} {duration(now)} {more} 1%" in done.text


def test_a_faster_disk_passes_and_is_named(baseline):
    faster = f"{DISK}=500MB/s"
    done = ask("ci", QUICK, "--baseline", baseline, "--set", faster)
    before, now = p50(), p50(faster)
    assert now < 0.99 * before
    assert done.exit_code == 0
    assert f"better pods.start.p50 {duration(before)} {duration(now)}" in done.text
    assert "worse pods." not in done.text


def test_no_change_passes(baseline):
    done = ask("ci", QUICK, "--baseline", baseline, "--strict")
    assert done.exit_code == 0
    assert done.text.startswith("ok ")
