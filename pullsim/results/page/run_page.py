"""The page of one run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.formats.secret_values import without_secrets
from pullsim.results.page.answer import answer, certainty, checks, key_figures, question
from pullsim.results.page.costs import cost_table, idle_table, traffic_table
from pullsim.results.page.node_pulls import node_pulls
from pullsim.results.page.page import Page, Section, Text, points_of
from pullsim.results.page.pod_tables import by_image, by_pool, by_workload, slowest_pods
from pullsim.results.page.ready import ready_over_time
from pullsim.results.page.stage_time import stage_time
from pullsim.results.page.start_times import start_times
from pullsim.results.page.trust import trust
from pullsim.results.page.use import at_a_time, disk_table, disk_writes, links, network
from pullsim.results.prediction_table import prediction_section
from pullsim.results.wording import duration

if TYPE_CHECKING:
    from pullsim.results.exports.export import Output
    from pullsim.results.page.page import Part


def run_page(output: Output) -> Page:
    """Return the page of a run, with the parts for which the run kept rows."""
    result, summary, origin = output.result, output.summary, output.origin
    sections = [
        prediction_section(summary.prediction),
        _section("By workload", by_workload(summary), by_pool(summary), by_image(summary)),
        _section("When pods started", ready_over_time(result), start_times(result)),
        _section("What they waited for", stage_time(result)),
        _section("One node in detail", node_pulls(result)),
        _section("The slowest pods", slowest_pods(result)),
        _section(
            "What was in use",
            at_a_time(result),
            network(result),
            links(result),
            disk_writes(result),
            disk_table(result),
        ),
        _section("What it cost", cost_table(summary), traffic_table(summary), idle_table(summary)),
        _inputs(output),
        trust(summary.model_error, summary.guesses),
    ]
    if origin.command:
        words = "This makes it again, with the same figures to the last digit:"
        again = Text([words], code=origin.command)
        advice = [Text(["This tries what would start the pods earlier:"], code=origin.advice)] if origin.advice else []
        sections.append(Section("Make it again, or better", [again, *advice]))
    return Page(
        title=result.name or "pullsim",
        question=question(result.name, origin.description),
        answer=answer(summary, origin.advice),
        certainty=certainty(summary.model_error, summary.guesses, result.seed),
        figures=key_figures(summary),
        sections=[section for section in sections if section.parts],
        context=origin.description,
        checks=checks(summary),
        made_by=f"pullsim {result.version}, seed {result.seed}",
    )


def _section(title: str, *parts: Part | None) -> Section:
    return Section(title, [part for part in parts if part is not None])


def _inputs(output: Output) -> Section:
    """Return the section of what went in, with what was guessed and what was warned of."""
    guessed = [*output.origin.guessed]
    effect = output.summary.splits
    if effect is not None:
        share, (low, high) = "99 of 100 pods", (effect.p99.low, effect.p99.high)
        if low is not None and math.isinf(low):  # so many pods never start in any case
            share, (low, high) = "half of the pods", (effect.p50.low, effect.p50.high)
        if low is not None and high is not None and math.isfinite(low):
            ends = " to ".join(dict.fromkeys(map(duration, (low, high))))
            guessed.append(f"cut in {effect.runs} other typical ways, {share} would have started within {ends}")
    parts: list[Part] = [
        *points_of({"Assumed, as the scenario does not say it:": guessed, "Warnings:": output.summary.warnings}),
        Text(
            code=without_secrets(output.scenario),
            code_title="The scenario with everything that it did not say, as it was run",
        ),
    ]
    return Section("What went in", parts)
