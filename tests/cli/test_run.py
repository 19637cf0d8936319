import csv
import io
import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support.command import ENVIRONMENT, process, pullsim
from tests.support.small_scenario import SCENARIO

DATA = {
    "summary.json",
    "report.html",
    "scenario.effective.yaml",
    "pods.csv",
    "pulls.csv",
    "layers.csv",
    "status.csv",
    "events.jsonl",
    "metrics.txt",
}


def names(directory):
    return {path.name for path in directory.iterdir()}


def test_text(scenario):
    done = pullsim("run", scenario, "--check")
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    assert words.startswith("small 2 nodes, seed 7; ended at ")
    assert "7 of 7 started" in words
    assert "of the waiting was" in words
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json_is_the_summary_and_nothing_else(scenario):
    done = pullsim("run", scenario, "-o", "json", "--seed", 9)
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert summary["schemaVersion"] == 1
    assert summary["seed"] == 9
    assert summary["pods"]["started"] == 7
    assert summary["pulls"]["failed"] == 0


def test_csv_is_the_table_of_pods(inside, scenario):
    done = inside("run", scenario, "-o", "csv", "--detail", "pods")
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["workload"] for row in rows} == {"web", "job"}
    assert all(float(row["until_start_s"]) > 0 for row in rows)


def test_set_changes_the_run(inside, scenario):
    one = json.loads(inside("run", scenario, "-o", "json").stdout)
    other = json.loads(inside("run", scenario, "-o", "json", "--set", "registries[example.com].egress=10Mbit/s").stdout)
    assert other["pods"]["start"]["max"] > 10 * one["pods"]["start"]["max"]
    assert other["bottleneck"]["shares"]["registryEgress"] > 0.3


def test_files_and_that_they_load_again_to_the_same_run(scenario, tmp_path):
    first, second = tmp_path / "first", tmp_path / "elsewhere" / "second"
    done = pullsim("run", scenario, "--out", first, "--no-charts", "--seed", 11, "--set", "nodes[workers].cores=2")
    assert (done.returncode, done.stderr) == (0, f"pullsim: files are in {first}\n")
    assert names(first) == DATA
    done = pullsim("run", first / "scenario.effective.yaml", "--out", second, "--no-charts", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in DATA - {"report.html"}:  # it has the command
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_json_on_standard_output_is_the_file(inside, scenario, tmp_path):
    done = inside("run", scenario, "--out", tmp_path / "out", "--no-charts", "-o", "json")
    assert done.stdout == (tmp_path / "out" / "summary.json").read_text()


def test_charts(scenario, tmp_path):
    done = pullsim("run", scenario, "--out", tmp_path / "out", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    drawn = names(tmp_path / "out" / "charts")
    assert {"start-cdf.png", "throughput.png"} <= drawn
    assert all(name.endswith(".png") for name in drawn)


def test_charts_in_other_formats(inside, scenario, tmp_path):
    out = tmp_path / "out"
    done = inside("run", scenario, "--out", out, "-q", "--chart-formats", "svg, pdf,svg", "--detail", "pods")
    assert (done.returncode, done.stderr) == (0, "")
    drawn = names(out / "charts")
    assert {name.rpartition(".")[2] for name in drawn} == {"svg", "pdf"}
    assert (out / "charts" / "start-cdf.pdf").read_bytes().startswith(b"%PDF")
    assert inside("run", scenario, "--out", out, "-q", "--detail", "pods").returncode == 0
    assert {name.rpartition(".")[2] for name in names(out / "charts")} == {"png"}  # none of the other run stays


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--chart-formats", "gif"), "--chart-formats: 'gif' is no format of charts; known are png, svg, pdf"),
        (("--chart-formats", ""), "--chart-formats: '' is no format of charts"),
        (("--chart-formats", "svg", "--no-charts"), "--chart-formats: contradicts --no-charts"),
        (("--chart-formats", "svg"), "--chart-formats: goes with --out"),
    ],
)
def test_formats_of_charts_that_cannot_be(inside, scenario, tmp_path, options, message):
    out = () if "goes" in message else ("--out", tmp_path / "out")
    done = inside("run", scenario, "-q", *options, *out)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_events_have_the_keys_of_the_contract(inside, scenario, tmp_path):
    inside("run", scenario, "--out", tmp_path / "out", "--no-charts")
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    assert events
    keys = ["t", "node", "pod", "container", "type", "reason", "message", "image", "namespace"]
    assert all(list(event) == keys for event in events)
    assert {"Pulling", "Pulled"} <= {event["reason"] for event in events}
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)


def test_less_detail_gives_fewer_files(inside, scenario, tmp_path):
    done = inside("run", scenario, "--out", tmp_path / "out", "--no-charts", "--detail", "none")
    assert done.returncode == 0
    assert "not recorded (detail none)" in done.stdout
    assert names(tmp_path / "out") == {"summary.json", "scenario.effective.yaml"}


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["--set", "kubelet.maxParallelImagePuls=3"], "maxParallelImagePuls"),
        (["--set", "nonsense"], "nonsense"),
        (["-o", "csv", "--detail", "none"], "--detail none does not keep"),
    ],
)
def test_wrong_input_writes_nothing(inside, scenario, tmp_path, arguments, rule):
    done = inside("run", scenario, "--out", tmp_path / "out", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert rule in done.stderr
    assert all(line.startswith("pullsim: error: ") for line in done.stderr.splitlines())
    assert not (tmp_path / "out").exists()


def test_a_mistake_that_only_the_whole_cluster_shows_writes_nothing(inside, scenario, tmp_path):
    scenario.write_text(SCENARIO.replace('image: "example.com/team/job:v1"', "image: no/such"))
    done = inside("run", scenario, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "no/such" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_known_before_the_run(inside, scenario):
    done = inside("run", scenario, "--out", scenario / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "cannot write" in done.stderr


def test_foreign_files_are_kept(inside, scenario, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    (out / "pods.csv").write_text("old")
    assert inside("run", scenario, "--out", out, "--no-charts").returncode == 0
    assert names(out) == {*DATA, "mine.txt"}
    assert (out / "pods.csv").read_text().startswith("namespace,pod,")


def test_pods_that_never_start_do_not_change_the_exit_code(inside, scenario):
    done = inside("run", scenario, "--set", "horizon=2s", "--set", "registries[example.com].egress=1Mbit/s")
    assert done.returncode == 0
    assert "no pod started, so there are no start times" in " ".join(done.stdout.split())
    assert "horizon reached" in done.stdout


def test_a_terminal_that_cannot_say_everything(scenario):
    done = process("run", scenario, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_away(scenario):
    command = [sys.executable, "-m", "pullsim", "run", str(scenario), "-o", "csv"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(60) == 0
    assert errors == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_behind_standard_output(scenario):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        command = [sys.executable, "-m", "pullsim", "run", str(scenario), "-o", "json"]
        done = subprocess.run(command, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert done.returncode == 2
    assert done.stderr == "pullsim: error: standard output: cannot be written: No space left on device\n"


def test_ctrl_c_keeps_what_is_done(scenario, tmp_path):
    many = 'pods: {image: "example.com/team/app:v1", count: 80000}, arrivals: {every: 1s}'
    scenario.write_text(f"{SCENARIO.partition('workloads:')[0]}workloads: [{{{many}}}]")
    command = [sys.executable, "-m", "pullsim", "run", str(scenario), "--out", str(tmp_path / "out"), "--no-charts"]
    with subprocess.Popen(  # noqa: S603
        [*command, "--watch"], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        for _ in range(10):  # lines of pods that change: the run is under way
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors.decode()
    assert "Traceback" not in errors.decode()
    if errors.decode().endswith(": nothing is kept\n"):  # it could not be written within the time that is left for it
        assert not (tmp_path / "out").exists()
    else:
        assert json.loads((tmp_path / "out/summary.json").read_text())["ended"] == "interrupted"


def test_watch_prints_lines_before_the_summary(scenario):
    done = pullsim("run", scenario, "--watch")
    assert (done.returncode, done.stderr) == (0, "")
    lines, _, summary = done.stdout.partition("\n\n")
    heading, *rows = lines.splitlines()
    assert heading.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert {row.split()[2] for row in rows} == {"Pending", "ContainerCreating", "Running"}
    assert sum("Running" in row for row in rows) == 7
    assert summary.startswith("small  2 nodes")


def test_a_reader_of_the_watch_that_goes_away_is_no_error(scenario, tmp_path):
    done = subprocess.run(  # noqa: S602
        f"{sys.executable} -m pullsim run {scenario} --watch --no-charts --out {tmp_path / 'out'} | head -n 2",
        shell=True, env=ENVIRONMENT, capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == f"pullsim: files are in {tmp_path / 'out'}\n"
    assert names(tmp_path / "out") == DATA


def test_watch_is_for_people(inside, scenario):
    done = inside("run", scenario, "--watch", "-o", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--watch: goes with the output table only" in done.stderr


def test_metrics_of_the_pools_over_time(inside, scenario, tmp_path):
    file = tmp_path / "metrics.txt"
    done = inside("run", scenario, "--metrics", file, "--metrics-interval", "500ms", "--metrics-by", "pool", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    lines = file.read_text().splitlines()
    assert lines[-1] == "# EOF"
    pulls = [line for line in lines if line.startswith('kubelet_runtime_operations_total{pool="workers"')]
    assert len(pulls) > 2
    assert pulls[-1].split()[1:] != pulls[0].split()[1:]


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["--metrics", "m.txt", "--detail", "pods"], "--metrics: metrics need --detail pulls or layers"),
        (["--metrics", "no/such/m.txt"], "--metrics: 'no/such' is no directory"),
        (["--metrics-interval", "1s"], "--metrics-interval: goes with --metrics or --out"),
        (["--metrics", "m.txt", "--metrics-interval", "0s"], "is no time between samples"),
        (["--metrics", "m.txt", "--metrics-interval", "5"], "--metrics-interval: "),
    ],
)
def test_metrics_that_cannot_be_had(inside, scenario, tmp_path, monkeypatch, arguments, rule):
    monkeypatch.chdir(tmp_path)
    done = inside("run", scenario, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert rule in done.stderr
    assert not (tmp_path / "m.txt").exists()
