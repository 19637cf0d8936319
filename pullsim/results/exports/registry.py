"""The list of all files that a run writes, except charts.

A table is written if `pullsim.results.tables` gives it the name of a file. Every other file has an entry here and a
module in this package that writes it. Files in formats of other programs are written if they are asked for by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.printable import json_text
from pullsim.results import columns
from pullsim.results.exports import kube_burner, kwok
from pullsim.results.exports.event_list import write_events
from pullsim.results.exports.export import Export
from pullsim.results.exports.perf_data import write_perf_data
from pullsim.results.exports.perfetto.trace import write_trace
from pullsim.results.exports.report import write_report
from pullsim.results.summary.summary import SCHEMA_VERSION
from pullsim.results.tables import TABLES, write_events_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from pullsim.results.summary.summary import Summary
    from pullsim.results.table import Table
    from pullsim.run import Result

SUMMARY: Final = "summary.json"
SCENARIO: Final = "scenario.effective.yaml"
DIRECTORY: Final = "exports"  # of the files that are written only if they are asked for
REPORT: Final = "report.html"


def summary_json(summary: Summary) -> str:
    """Return the text of ``summary.json``."""
    return json_text(summary.to_dict(), indent=2) + "\n"


def _of_table(name: str, table: Table) -> Export:
    return Export(
        name,
        table.content,
        lambda output, file: table.write_csv(output.result, file),
        table.detail,
        table.written,
        table.columns,
        table=table,
    )


def _asked(name: str, file: str, content: str, write: Callable[[Result, TextIO], None], detail: str) -> Export:
    """Return a file in a format of other programs, which is written if its ``name`` is asked for."""
    return Export(f"{DIRECTORY}/{file}", content, lambda output, to: write(output.result, to), detail, asked=name)


EXPORTS: Final = (
    Export(
        SUMMARY,
        f"the figures of the run, format {SCHEMA_VERSION}",
        lambda output, file: print(summary_json(output.summary), end="", file=file),
    ),
    Export(
        SCENARIO,
        "the scenario with all defaults; loads again to the same run",
        lambda output, file: print(output.scenario, end="", file=file),
    ),
    Export(
        REPORT,
        "the run as one page to read and to send: question, answer, charts, tables; needs no network",
        write_report,
        detail="pods",
        later=True,
    ),
    *(_of_table(table.file, table) for table in TABLES if table.file is not None),
    Export(
        "events.jsonl",
        "a kubelet event a line, in the order emitted",
        lambda output, file: write_events_jsonl(output.result.events, file),
        detail="pulls",
        columns=columns.EVENTS,
    ),
    Export(
        "metrics.txt",
        "the kubelets' metrics, as OpenMetrics text; see `--metrics-interval`",
        lambda output, file: output.metrics(output.result, file),
        detail="pulls",
        written=lambda result: result.statuses,
    ),
    _asked(
        "perfetto",
        "perfetto.json",
        "a trace for ui.perfetto.dev or chrome://tracing; with the layers from `--detail layers` on",
        write_trace,
        "pulls",
    ),
    _asked(
        "events",
        "events.json",
        "the events as `kubectl get events -A -o json` prints them",
        write_events,
        "pulls",
    ),
    _asked(
        "kwok",
        "kwok-workloads.yaml",
        "annotations for pod templates, with which KWOK draws delays between the workload's percentiles",
        kwok.write_workloads,
        "pods",
    ),
    _asked(
        "kwok",
        "kwok-pods.yaml",
        "nodes and pods for KWOK, each pod on its node and as slow as it was there",
        kwok.write_pods,
        "pods",
    ),
    _asked(
        "kube-burner",
        "podLatencyMeasurement.json",
        "kube-burner's document of each pod that became ready, ms",
        kube_burner.write_pods,
        "pods",
    ),
    _asked(
        "kube-burner",
        "podLatencyQuantilesMeasurement.json",
        "kube-burner's document of each workload and condition, ms",
        kube_burner.write_quantiles,
        "pods",
    ),
    _asked(
        "perfdata",
        "PodStartupLatency_PodStartupLatency_pullsim.json",
        "clusterloader2's PerfData of the start-up of pods, ms, named for perfdash",
        write_perf_data,
        "pods",
    ),
)

#: The names that can be asked for, and the least detail that each needs.
NAMES: Final = {export.asked: export.detail for export in EXPORTS if export.asked is not None}
