"""The evidence in docs/levers/pull-policies.md: ``python docs/pull_policies.py`` writes its table anew (a minute).

Each policy runs against the kubelet's own way with the same five seeds: the differences are paired, and the brackets
have their 95 % interval.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pullsim
from pullsim.results.wording import duration
from pullsim.study.estimates import difference, estimate

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/levers/pull-policies.md"
MARKS = ("<!-- evidence: python docs/pull_policies.py -->\n", "<!-- end of the evidence -->\n")
SEEDS = 5


class Case(NamedTuple):
    """A scenario, what is looked at in it, and the policies that are tried there."""

    scenario: str
    metrics: dict[str, str]  # heading by metric
    policies: tuple[str, ...]


CASES = (
    Case(
        "levers/pull-policies",
        {
            "workloads.agent.start.mean": "critical pod",
            "pods.start.p50": "half of the pods",
            "pods.start.p99": "p99",
            "workloads.model.start.mean": "largest image",
            "pulls.total": "pulls",
        },
        (
            "[coalesce]",
            "[priority]",
            "[{priority: {ageing: 60s}}]",
            "[shortestMissing]",
            "[{shortestMissing: {ageing: 60s}}]",
            "[{registryLimit: {slow.example.com: 1}}]",
            "[inPodParallel]",
            "[coalesce, priority, {registryLimit: {slow.example.com: 1}}]",
        ),
    ),
    Case(
        "pull-qps",
        {"pods.start.p50": "half of the pods", "pods.start.p99": "p99", "pulls.failed": "failed pulls"},
        ("[queueQPS]", "[coalesce]", "[coalesce, queueQPS]"),
    ),
    Case(
        "registry-outage",
        {
            "outages.docker.io.lastUpAfter": "last pod after the end",
            "pods.start.p99": "p99",
            "pulls.failed": "failed pulls",
        },
        (
            "[retryAtExpiry]",
            "[resetOnRecovery]",
            "[{maxBackOff: 60s}]",
            "[retryAtExpiry, resetOnRecovery, {maxBackOff: 60s}]",
        ),
    ),
)


def evidence() -> str:
    """Return the tables as Markdown, a table for each scenario."""
    return "\n".join(_table(case) for case in CASES)


def _table(case: Case) -> str:
    path = ROOT / "scenarios" / f"{case.scenario}.yaml"
    values = ",".join(("[]", *case.policies))
    sweep = pullsim.sweep(
        pullsim.load(path), [f"nodes[*].pullPolicies={values}"], seeds=SEEDS, metrics=list(case.metrics)
    )
    own = list(sweep.by_seed(0).values())
    rows = [
        f"| [{case.scenario}](../../scenarios/{case.scenario}.yaml) | {' | '.join(case.metrics.values())} |",
        "|---|" + "---:|" * len(case.metrics),
        "| the kubelet's own | " + " | ".join(_text(name, estimate(own, name).mean) for name in case.metrics) + " |",
    ]
    for number, policy in enumerate(case.policies, start=1):
        runs = list(sweep.by_seed(number).values())
        cells = []
        for name in case.metrics:
            mean, low, high, _ = difference(own, runs, name)
            cells.append(
                "0"
                if not mean and low == high
                else f"{_signed(name, mean)} [{_signed(name, low)}, {_signed(name, high)}]"
            )
        rows.append(f"| `{policy}` | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _text(name: str, value: float | None) -> str:
    return duration(value) if not name.startswith("pulls.") else f"{value:.4g}"


def _signed(name: str, value: float | None) -> str:
    """Write a difference: seconds, or a number of pulls."""
    if value is None:
        return "-"
    sign = "\N{MINUS SIGN}" if value < 0 else "+"
    return f"{sign}{abs(value):.1f}" + ("" if name.startswith("pulls.") else " s")


def page(tables: str) -> str:
    """Return the page with these tables in place of those that it has."""
    text = PAGE.read_text(encoding="utf-8")
    return re.sub(
        f"(?<={re.escape(MARKS[0])}).*(?={re.escape(MARKS[1])})", lambda _: f"\n{tables}\n", text, flags=re.DOTALL
    )


if __name__ == "__main__":
    PAGE.write_text(page(evidence()), encoding="utf-8")
