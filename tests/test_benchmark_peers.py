"""pullsim beside others: equal models end at equal times, and what is absent or fails is told."""

from __future__ import annotations

import json
import math
import sys

import pytest

from benchmarks.peers.__main__ import FailedError, Run, Table, disagree, markdown, once
from benchmarks.peers.programs import AbsentError, Program, cimba, find, reason, simgrid
from benchmarks.peers.workload_file import text
from benchmarks.speed.measure import PROGRAMS
from benchmarks.workloads.workload import DISK, DOWNLOADS, PULLS, make_f, make_j, make_w, parse

SMALL = ("W2", "J3", "F3")


def times(program, workload):
    ready = list(PROGRAMS[program](workload))
    return max(ready), math.fsum(ready)


def run(end=10.0, total=20.0):
    return Run(0.5, 50.0, end, total)._asdict()


def table(failed=None, **runs):
    return Table(dict.fromkeys(runs, "1"), {"W10": {name: run for name, run in runs.items() if run}}, failed or {})


@pytest.mark.parametrize("workload", [make_w(2, 5), make_j(3), make_f(3)], ids=lambda workload: workload.name)
def test_programs_of_one_model_end_at_the_same_times(workload):
    expected = pytest.approx(times("baseline", workload), rel=1e-9)
    assert times("naive", workload) == expected
    assert times("network", workload) == expected


@pytest.mark.long
@pytest.mark.parametrize(
    "look",
    [lambda directory: simgrid(None, directory), lambda _: cimba(sys.executable)],
    ids=["simgrid", "cimba"],
)
def test_a_peer_that_is_here_ends_at_the_ruler_s_times(look, tmp_path):
    try:
        program = look(tmp_path)
    except AbsentError as error:
        pytest.skip(str(error))
    for name in SMALL:
        measured = once(program, name, 60)
        assert (measured.end, measured.sum) == pytest.approx(times("baseline", parse(name)), rel=1e-6)


def test_a_workload_s_file_has_its_counts_rates_layers_and_pods():
    workload = make_w(2, 3, 2)
    lines = [line.split() for line in text(workload).splitlines()]
    assert lines[0] == ["2", "400", "200", str(PULLS), str(DOWNLOADS), "5000000000.0", "1250000000.0", str(DISK)]
    assert [int(size) for size in lines[1]] == workload.sizes
    images, nodes = lines[2:202], lines[202:]
    assert [[int(layer) for layer in image[1:]] for image in images] == workload.images
    assert all(int(image[0]) == len(image) - 1 for image in images)
    assert [
        [(float(a), int(i)) for a, i in zip(node[1::2], node[2::2], strict=True)] for node in nodes
    ] == workload.pods


@pytest.mark.parametrize(
    "end, total, wrong",
    [
        (10.0, 20.0, []),
        (10.000009, 20.0, []),
        (10.00002, 20.0, ["W10"]),
        (10.0, 20.00005, ["W10"]),
        (11.0, 30.0, ["W10"]),
    ],
)
def test_a_millionth_is_the_most_that_ends_may_differ_by(end, total, wrong):
    assert disagree(table(baseline=run(), peer=run(end, total), full=run(99.0, 99.0))) == wrong


def test_the_full_model_alone_agrees():
    assert disagree(table(full=run())) == []
    assert disagree(table(full=None)) == []


def test_the_table_tells_what_took_too_long_and_what_failed():
    lines = markdown(
        table({"cimba": {"W10": "no memory"}}, naive=None, cimba=None, baseline=run()),
    ).splitlines()
    assert lines[0] == "| workload | naive | cimba | baseline | ends agree |"
    assert lines[2] == "| W10 | - | fails | 0.5 s, 50 MB | yes |"
    assert "cimba fails in W10: no memory" in lines


def test_what_is_absent_is_left_out_with_a_sentence_that_tells_how_it_is_had(tmp_path):
    programs, absent = find([tmp_path / "nowhere"], str(tmp_path / "python"), tmp_path)
    assert [program.name for program in programs] == ["naive", "baseline", "network", "full"]
    without_simgrid, without_cimba = absent
    assert without_simgrid.startswith(f"SimGrid under {tmp_path}/nowhere is left out: ")
    assert "--simgrid PREFIX" in without_simgrid
    assert without_cimba.startswith(f"Cimba for {tmp_path}/python is left out: ")
    assert "pip install cimba" in without_cimba


@pytest.mark.parametrize("signal", ["XCPU", "KILL"])
def test_a_program_past_the_limit_of_cpu_time_gives_no_run(signal):
    assert once(Program("x", "1", ("bash", "-c", f"kill -{signal} $$")), "W2", 60) is None


def test_a_program_that_fails_says_why():
    failing = Program("x", "1", ("bash", "-c", "echo 'Fatal: no room' >&2; echo bye >&2; exit 3"))
    with pytest.raises(FailedError, match=r"^Fatal: no room$"):
        once(failing, "W2", 60)


def test_a_program_that_reads_files_gets_the_workload_s():
    answer = json.dumps(run())
    script = f"[[ $(head -n 1 \"$0\") == '3 10 1 4 3 '* ]] && echo '{answer}'"
    assert once(Program("x", "1", ("bash", "-c", script), reads_file=True), "F3", 60)._asdict() == run()


@pytest.mark.parametrize(
    "stderr, why",
    [
        (
            "a.cpp:1: fatal error: x.hpp: No such file\ncompilation terminated.\n",
            "a.cpp:1: fatal error: x.hpp: No such file",
        ),
        ("Traceback\n  File\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("one\ntwo\n\n", "two"),
        ("", "it says nothing"),
    ],
)
def test_the_reason_is_the_line_that_tells_of_the_error(stderr, why):
    assert reason(stderr) == why
