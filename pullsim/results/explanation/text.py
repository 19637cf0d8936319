"""The explanation of a pod for the terminal: its steps in the order of time, and a verdict, in 80 columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from pullsim.results.explanation.explanation import until_start
from pullsim.results.explanation.steps import PULL
from pullsim.results.fitted_table import FittedTable
from pullsim.results.notes import Notes
from pullsim.results.prose import Prose
from pullsim.results.start_table import brief
from pullsim.results.wording import counted, duration, qualified, size
from pullsim.stages import AFTER_START, LABELS, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from pullsim.records import Stages
    from pullsim.results.explanation.explanation import Explanation
    from pullsim.results.explanation.steps import HeaviestLayer, Neighbour, PathPart, Step

_STEPS: Final = 15  # the most steps that are shown, the longest ones
_NEIGHBOURS: Final = 3  # the most pulls that are named
_PARTS: Final = 4  # the most parts of a pull's critical path that are shown, the longest ones
_MENTION: Final = 0.10  # a resource with a smaller share of the time is not mentioned


def render(explanation: Explanation) -> Group:
    """Return what `pullsim explain` prints."""
    parts: list[RenderableType] = [_heading(explanation), Text(), _steps(explanation), Text()]
    notes = Notes(labels=0)
    notes.add("Verdict", verdict(explanation), "bold")
    for image in explanation.needless:
        text = f"{image} was on the node when it was first asked for"
        notes.add("Policy", f"{text}: with imagePullPolicy IfNotPresent a pod that may use it needs no pull")
    return Group(*parts, notes)


def verdict(explanation: Explanation) -> str:
    """Say what most of the time until the start was, with the pulls or the layer behind it."""
    stages = until_start(explanation)
    whole = sum(stages.values())
    if whole <= 0:
        return "It waited for nothing."
    shares = {each: sum(stages.get(stage, 0.0) for stage in each.stages) / whole for each in RESOURCES}
    (first, share), (second, second_share), *_ = sorted(shares.items(), key=lambda item: -item[1])
    text = f"{share:.0%} of the {duration(whole)} was {first.phrase}".replace("%", " %", 1)
    if first.key == "pullQueue":
        text += _longest_wait([step for step in explanation.steps if step.what == "queue"])
    elif first.key == "backOff":
        causes = dict.fromkeys(step.cause for step in explanation.steps if step.what == "backoff" and step.cause)
        text += f" ({', '.join(causes)})" if causes else ""
    elif heaviest := _heaviest(explanation, set(first.stages)):
        text += heaviest
    if second_share >= _MENTION:
        text += f"; {second_share:.0%} was {second.phrase}".replace("%", " %", 1)
    if explanation.started_at is None:
        text += f". It never started ({explanation.reason or explanation.message or 'the run ended'})"
    return text + "."


def _heading(explanation: Explanation) -> Text:
    name = qualified(explanation.namespace, explanation.pod)
    place = f" on {explanation.node}" if explanation.node else ", on no node"
    began = f"created at {duration(explanation.created_at)}"
    if explanation.started_at is None:
        outcome = f"never started in the {duration(explanation.seconds)} until the end of the run"
    else:
        outcome = f"started {duration(explanation.seconds)} later"
        if explanation.ready_at is not None and explanation.ready_at > explanation.started_at:
            outcome += f", ready after another {duration(explanation.ready_at - explanation.started_at)}"
    text = f"{place}, of workload {explanation.workload}: {began}, {outcome}"
    if explanation.others:
        text += f"; {explanation.sooner:,} of {counted(explanation.others, 'other pod')} took less"
    return Text.assemble((name, "bold"), text)


def _steps(explanation: Explanation) -> FittedTable:
    """Return the time line: what began when and how long it took; what it took sums to the whole, to the digit."""
    table = FittedTable()
    table.figures("at", rank=3)
    table.figures("took", rank=0)
    table.figures("share", rank=2)
    table.words("", rank=0, least=26)
    steps = explanation.steps
    took = hundredths([step.seconds for step in steps])
    longest = sorted(range(len(steps)), key=lambda index: -steps[index].seconds)
    shown = {*longest[:_STEPS]}
    at = _rounded(explanation.created_at)
    table.add_row(exact(at), "", "", "created")
    started = explanation.started_at is None
    for index, step in enumerate(steps):
        if step.what in AFTER_START and not started:
            table.add_row(exact(at), "", "", "started")
            started = True
        if index in shown:
            table.add_row(exact(at), *_share(took[index], took), _described(step, took[index]))
        at += took[index]
    if len(longest) > _STEPS:
        rest = sum(took[index] for index in longest[_STEPS:])
        table.add_row("", *_share(rest, took), counted(len(longest) - _STEPS, "shorter step"))
    outcome = "end of the run" if explanation.started_at is None else "ready" if started else "started"
    table.add_row(exact(at), exact(sum(took)) if len(took) > 1 else "", "", outcome)
    return table


def _share(part: int, took: Sequence[int]) -> tuple[str, str]:
    whole = sum(took)
    return exact(part), f"{part / whole:.0%}" if whole else "-"


def hundredths(seconds: Sequence[float], whole: int | None = None) -> list[int]:
    """Round seconds to hundredths whose sum is the rounded sum, or ``whole``: the largest remainders are rounded up."""
    whole = _rounded(sum(seconds)) if whole is None else whole
    parts = [math.floor(each * 100) for each in seconds]
    left = whole - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda index: parts[index] - seconds[index] * 100)
    for index in (by_remainder if left > 0 else by_remainder[::-1])[: abs(left)]:
        parts[index] += 1 if left > 0 else -1
    return parts


def exact(amount: int) -> str:
    """Write hundredths of a second to the last digit: ``0.42s``, ``4m05.10s``, ``2h03m05.10s``."""
    minutes, rest = divmod(amount, 6000)
    if not minutes:
        return f"{rest / 100:.2f}s"
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h{minutes:02d}m" if hours else f"{minutes}m") + f"{rest / 100:05.2f}s"


def _rounded(seconds: float) -> int:
    return round(seconds * 100)


def _described(step: Step, took: int) -> Group:
    first, *rest = _lines(step, took)
    return Group(Prose(first), *(Padding(Prose(line), (0, 0, 0, 2)) for line in rest))


def _lines(step: Step, took: int) -> Iterator[str]:
    """Yield what happened in a step of ``took`` hundredths of a second, then the particulars."""
    if step.what != PULL:
        image = f", for {step.image}" if step.image else ""
        failure = f", after {step.cause}" if step.what == "backoff" and step.cause else ""
        node = f" of {step.cause}" if step.what == "node_boot" and step.cause else ""
        yield LABELS[step.what] + node + image + failure
        if step.waited_for:
            yield f"meanwhile: {_named(step.waited_for)}"
        return
    fetched = f": {size(step.downloaded or 0)} of {size(step.size)} fetched" if step.size else ""
    yield f"pull of {step.image}{fetched}" + (f": failed ({step.cause})" if step.cause else "")
    if len(step.path) > 1:
        yield from _path(step, took)
    else:
        yield _stages(step.stages, took)
    if step.waited_for:
        yield f"layers that came with {_named(step.waited_for)}"


def _path(step: Step, took: int) -> Iterator[str]:
    """Yield what held the pull up, one layer after the other, the longest ones; together they are the whole pull."""
    parts = hundredths([part.seconds for part in step.path], took)
    longest = sorted(range(len(parts)), key=lambda index: -step.path[index].seconds)
    shown = {*longest[:_PARTS]}
    for index, part in enumerate(step.path):
        if index in shown:
            yield f"{exact(parts[index])} {_held_up(part, step.layers)}: {_stages(part.stages, parts[index])}"
    if len(longest) > _PARTS:
        rest = sum(parts[index] for index in longest[_PARTS:])
        yield f"{exact(rest)} in {counted(len(longest) - _PARTS, 'shorter part')}"


def _held_up(part: PathPart, layers: int | None) -> str:
    if part.position is None or part.size is None:
        return "of no layer"
    return f"layer {part.position}" + (f" of {layers}" if layers else "") + f", {size(part.size)}"


def _stages(stages: Stages, took: int) -> str:
    parts = zip(stages, hundredths(list(stages.values()), took), strict=True)
    return ", ".join(f"{LABELS[stage]} {exact(part)}" for stage, part in parts if part) or exact(took)


def _dominant(step: Step) -> HeaviestLayer | None:
    """Return the layer that took half of a pull or more, if the image has others."""
    layer = step.heaviest
    return layer if layer and step.layers and step.layers > 1 and layer.seconds >= step.seconds / 2 else None


def _named(neighbours: list[Neighbour]) -> str:
    names = [
        f"{each.image} for {qualified(each.namespace, each.pod)} {brief(each.seconds)}"
        for each in neighbours[:_NEIGHBOURS]
    ]
    more = len(neighbours) - _NEIGHBOURS
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")


def _longest_wait(queues: list[Step]) -> str:
    """Name the pull that ran for the longest part of the waits."""
    pulls = [each for step in queues for each in step.waited_for]
    if not pulls:
        return ""
    longest = max(pulls, key=lambda each: each.seconds)
    return f", the longest time for {longest.image} of {qualified(longest.namespace, longest.pod)}"


def _heaviest(explanation: Explanation, stages: set[str]) -> str:
    """Name the image whose pull spent the most seconds in these stages, and its heaviest layer."""
    seconds = {
        id(step): sum(value for stage, value in step.stages.items() if stage in stages) for step in explanation.steps
    }
    step = max(explanation.steps, key=lambda each: seconds[id(each)])
    if not seconds[id(step)]:
        return ""
    if layer := _dominant(step):
        return f" ({step.image}, most of it layer {layer.position} of {step.layers})"
    return f" ({step.image})"
