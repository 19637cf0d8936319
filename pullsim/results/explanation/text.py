"""The explanation of a pod for the terminal: its steps in the order of time, and a verdict, in 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pullsim.results.explanation.explanation import until_start
from pullsim.results.explanation.steps import PULL
from pullsim.results.start_table import brief
from pullsim.results.wording import counted, duration, qualified, size
from pullsim.stages import LABELS, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from pullsim.results.explanation.explanation import Explanation
    from pullsim.results.explanation.steps import HeaviestLayer, Neighbour, Step

_STEPS: Final = 15  # the most steps that are shown, the longest ones
_NEIGHBOURS: Final = 3  # the most pulls that are named
_SHOWN: Final = 0.01  # seconds: a stage of a pull that took less is not shown
_MENTION: Final = 0.10  # a resource with a smaller share of the time is not mentioned


def render(explanation: Explanation) -> Group:
    """Return what `pullsim explain` prints."""
    parts: list[RenderableType] = [_heading(explanation), Text(), _steps(explanation), Text()]
    notes = Table.grid(padding=(0, 2, 0, 0))
    notes.add_column(style="dim", no_wrap=True)
    notes.add_column()
    notes.add_row("Verdict", Text(verdict(explanation), "bold"))
    for image in explanation.needless:
        text = f"{image} was on the node when it was first asked for"
        notes.add_row("Policy", f"{text}: with imagePullPolicy IfNotPresent a pod that may use it needs no pull")
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


def _steps(explanation: Explanation) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for heading in ("at", "took", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    whole = sum(step.seconds for step in explanation.steps)
    longest = sorted(explanation.steps, key=lambda step: -step.seconds)
    shown = {id(step) for step in longest[:_STEPS]}
    for step in explanation.steps:
        if id(step) in shown:
            share = f"{step.seconds / whole:.0%}" if whole else "-"
            table.add_row(brief(step.at), brief(step.seconds), share, _described(step))
    rest = longest[_STEPS:]
    if rest:
        seconds = sum(step.seconds for step in rest)
        table.add_row("", brief(seconds), f"{seconds / whole:.0%}", f"{counted(len(rest), 'shorter step')}")
    return table


def _described(step: Step) -> Group:
    first, *rest = _lines(step)
    return Group(Text(first), *(Padding(Text(line), (0, 0, 0, 2)) for line in rest))


def _lines(step: Step) -> Iterator[str]:
    """Yield what happened in a step, then the particulars."""
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
    parts = [f"{LABELS[stage]} {brief(seconds)}" for stage, seconds in step.stages.items() if seconds >= _SHOWN]
    if parts:
        yield ", ".join(parts)
    if layer := _dominant(step):
        yield f"layer {layer.position} of {step.layers} ({size(layer.size)}) alone took {brief(layer.seconds)}"
    if step.waited_for:
        yield f"layers that came with {_named(step.waited_for)}"


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
