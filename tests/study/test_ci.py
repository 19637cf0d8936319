"""The gate, run as CI runs it."""

from __future__ import annotations

import json
import re
import resource
from xml.etree import ElementTree as ET

import pytest

from tests.support.command import process, pullsim


@pytest.fixture
def baseline(small_file):
    file = small_file.parent / "baseline.json"
    done = pullsim("ci", "small.yaml", "--baseline", "baseline.json", "--update-baseline", cwd=small_file.parent)
    assert done.returncode == 0, done.stderr
    return file


def gate(baseline, *arguments, **options):
    return pullsim("ci", "small.yaml", "--baseline", "baseline.json", *arguments, cwd=baseline.parent, **options)


def test_what_got_worse_fails_and_the_same_passes(baseline):
    assert gate(baseline, "--strict").returncode == 0
    document = json.loads(baseline.read_text())
    document["scenarios"]["small.yaml"]["pods.start.p99"] *= 0.97
    baseline.write_text(json.dumps(document))
    done = gate(baseline)
    assert done.returncode == 1
    assert "worse  pods.start.p99" in done.stdout
    assert gate(baseline, "--tolerance", "pods.start.*=5%").returncode == 0
    assert gate(baseline, "--tolerance", "pods.start.p99=10s").returncode == 0
    assert gate(baseline, "--tolerance", "pods.start.p50=5%").returncode == 1


def test_strict_fails_for_any_difference(baseline):
    document = json.loads(baseline.read_text())
    document["scenarios"]["small.yaml"]["pods.start.p99"] *= 1.0001
    baseline.write_text(json.dumps(document))
    assert gate(baseline).returncode == 0
    done = gate(baseline, "--strict")
    assert done.returncode == 1
    assert "pods.start.p99" in done.stdout
    assert gate(baseline, "--strict", "--tolerance", "pods.start.*=0.1%").returncode == 0
    assert gate(baseline, "--strict", "--tolerance", "pods.start.p50=1%").returncode == 1


def test_an_improvement_passes_and_the_way_back_does_not(baseline):
    """With layers that unpack four times as fast every pod starts earlier, of each workload."""
    better = gate(baseline, "--set", "nodes[node].unpack.gzip=450MB/s")
    assert better.returncode == 0, better.stdout
    assert re.match(r"ok +small.yaml: p99 \S+ s → \S+ s; \d+ better", better.stdout)
    assert re.search("^better ", better.stdout, re.MULTILINE)
    assert not re.search("^worse", better.stdout, re.MULTILINE)
    assert gate(baseline, "--set", "nodes[node].unpack.gzip=450MB/s", "--update-baseline").returncode == 0
    worse = gate(baseline)
    assert worse.returncode == 1
    assert worse.stdout.startswith("FAILED  small.yaml: p99 ")
    assert re.search("^worse +[a-z].* 1%$", worse.stdout, re.MULTILINE)


def test_a_scenario_that_the_baseline_does_not_have_fails(baseline):
    (baseline.parent / "other.yaml").write_text((baseline.parent / "small.yaml").read_text())
    done = pullsim("ci", "other.yaml", "--baseline", "baseline.json", cwd=baseline.parent)
    assert done.returncode == 1
    assert "not in the baseline" in done.stdout
    assert (
        pullsim("ci", "other.yaml", "--baseline", "baseline.json", "--update-baseline", cwd=baseline.parent).returncode
        == 0
    )
    assert set(json.loads(baseline.read_text())["scenarios"]) == {"small.yaml", "other.yaml"}


def test_assertions_fail_the_gate(baseline):
    assert gate(baseline, "--assert", "pods.start.p99 < 1h").returncode == 0
    done = gate(baseline, "--assert", "pods.start.p99 < 1ms")
    assert done.returncode == 1
    assert "assertion failed: pods.start.p99 < 1ms: it is" in done.stdout


def test_reports(baseline):
    files = ["--junit", "junit.xml", "--markdown", "report.md"]
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(baseline.parent / "step.md")}
    done = gate(baseline, *files, "--assert", "pods.start.p99 < 1ms", env=env)
    assert done.returncode == 1
    suite = ET.parse(baseline.parent / "junit.xml").getroot()  # noqa: S314  # ours
    assert suite.attrib == {"tests": "1", "failures": "1", "errors": "0"}
    (failure,) = suite.iter("failure")
    assert failure.attrib["message"].startswith("assertion failed: pods.start.p99 < 1ms")
    assert "::error file=small.yaml,title=pullsim::assertion failed" in done.stdout
    report = (baseline.parent / "report.md").read_text()
    assert report.startswith("### Pod start latency: 0 of 1 scenarios pass")
    assert (baseline.parent / "step.md").read_text() == report


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "this is no JSON"),
        ("[]", "this is no baseline"),
        ('{"formatVersion": 7, "scenarios": {}}', "formatVersion 7 is newer than 1"),
    ],
)
def test_baselines_that_are_none_are_wrong_input(baseline, content, message):
    baseline.write_text(content)
    done = gate(baseline)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tolerance", "pods.start.p99"], "a tolerance is METRIC=AMOUNT"),
        (["--tolerance", "pods.start.p98=1%"], "did you mean pods.start.p99"),
        (["--tolerance", "pods.start.p99=x"], "is in seconds"),
        (["--assert", "pods.start.p98 < 1s"], "did you mean pods.start.p99"),
        (["missing.yaml"], "no such file"),
        (["small.yaml"], "given twice"),
    ],
)
def test_wrong_input_ends_it_before_anything_runs(baseline, arguments, message):
    done = gate(baseline, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_run_holds_the_assertions_of_the_scenario(small_file):
    text = small_file.read_text()
    small_file.write_text(text.replace("assert: []", "assert: ['pods.start.p99 < 1ms', 'pulls.failed == 0']"))
    done = pullsim("run", small_file, "--out", small_file.parent / "out")
    assert done.returncode == 1
    assert "assertion failed: pods.start.p99 < 1ms: it is" in done.stderr
    held = json.loads((small_file.parent / "out" / "summary.json").read_text())["assertions"]
    assert [each["holds"] for each in held] == [False, True]
    assert [each["withinModelError"] for each in held] == [False, False]
    small_file.write_text(text)
    assert pullsim("run", small_file, "--assert", "pulls.failed == 0", "-q").returncode == 0
    wrong = pullsim("run", small_file, "--assert", "pulls.fail == 0")
    assert wrong.returncode == 2
    assert "did you mean pulls.failed" in wrong.stderr


def test_run_says_when_an_assertion_is_closer_than_the_model_is_to_reality(small_file):
    first = json.loads(pullsim("run", small_file, "-o", "json").stdout)
    assert first["modelError"]["kind"] == "pulls of containerd in the lab"
    close = pullsim("run", small_file, "--assert", f"pods.start.p99 < {first['pods']['start']['p99'] * 1.005}s")
    assert close.returncode == 0
    assert "nearer to the limit than the model's error" in " ".join(close.stdout.split())


def test_a_disk_that_fills_up_leaves_the_old_baseline(baseline):
    before = baseline.read_bytes()

    def fill():  # the kernel refuses to write more, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    arguments = ("--update-baseline", "--set", "kubelet.maxParallelImagePulls=3")
    done = process("ci", "small.yaml", "--baseline", "baseline.json", *arguments, cwd=baseline.parent, preexec_fn=fill)
    assert done.returncode == 2
    assert done.stderr.startswith("pullsim: error: baseline.json: cannot be written: ")
    assert baseline.read_bytes() == before
    assert {file.name for file in baseline.parent.iterdir()} == {"small.yaml", "baseline.json"}
