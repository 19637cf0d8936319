"""Advice about images for the terminal and as Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim import printable
from pullsim.printable import shortened
from pullsim.results import metrics as metric_names
from pullsim.results.wording import counted, duration, size
from pullsim.study.advice import text as advice_text
from pullsim.study.advice.advice import GAIN
from pullsim.study.image_advice.changes import STEPS
from pullsim.study.image_advice.image_advice import DOWNLOADED, P50, P99
from pullsim.study.image_advice.layering import incompressible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.study.image_advice.image_advice import ImageAdvice, Row
    from pullsim.study.image_advice.stored import Shared

COLUMNS: Final = ("p50", "p99", "bytes", "disk a node")
SHARED_COLUMNS: Final = ("image", "with", "layers", "shared", "pull saves", "disk saves")
_NAMED: Final = 5  # images that a heading names
_NAME: Final = 60  # letters of a name in it


def heading(found: ImageAdvice) -> str:
    """Return sentences about the images as they are: what they are, what their pull takes, and what binds it."""
    named = listed([shortened(image.familiar, _NAME) for image in found.images])
    layers = {layer.digest: layer for image in found.images for layer in image.first}
    total = sum(layer.size for layer in layers.values())
    biggest = max((layer.size for layer in layers.values()), default=0)
    what = f"{named}: {counted(len(layers), 'layer')} of {size(total)}, the biggest {size(biggest)}."
    return f"{what} {advice_text.heading(found.advice)}"


def rows(found: ImageAdvice) -> list[tuple[str, list[tuple[str, str]], str]]:
    """Return (change, (value, difference) by column, doubt) of the images as they are and of what helps."""
    if not found.rows:
        return []
    first = found.rows[0].tried
    before = [metric_names.text(name, first.difference(name).a.mean) for name in (P50, P99, DOWNLOADED)]
    told = [("as it is", [(text, "") for text in (*before, size(found.disk))], "")]
    for number, row in enumerate(found.best, 1):
        cells = [
            (metric_names.text(name, row.tried.difference(name).b.mean), _seconds(-row.gained(name)))
            for name in (P50, P99)
        ]
        downloaded = row.tried.difference(DOWNLOADED)
        cells.append((metric_names.text(DOWNLOADED, downloaded.b.mean), signed(downloaded.difference.mean or 0.0)))
        cells.append((size(row.disk), signed(row.disk - found.disk)))
        told.append((f"{number}. {name(row)}", cells, advice_text.doubt(found.advice, row.tried)))
    return told


def name(row: Row) -> str:
    """Return the short name of a change, with its size where it has one."""
    return f"{row.change.lever} ({row.change.steps})" if row.change.steps else row.change.lever


def best(found: ImageAdvice) -> str:
    """Return the sentence for a ticket."""
    told = found.best
    if not told:
        return f"Nothing helps: none of {counted(len(found.rows), 'change')} gains {GAIN * 100:g} % of {P99}."
    row = told[0]
    return f"Most gains: {row.change.sentence}: {P50} {_seconds(-row.gained(P50))}, {P99} {_seconds(-row.gained(P99))}."


def notes(found: ImageAdvice) -> dict[str, str]:
    """Return what a reader must know beside the table, by its label."""
    seeds = len(found.advice.seeds)
    where = "the scenario's own pods" if found.own_pods else "one pod of each image on each node, all at once"
    made = {
        "Tried": f"{counted(len(found.rows), 'change')}{f', each with {seeds} seeds' if seeds > 1 else ''}; {where}"
    }
    if steps := [told for lever in STEPS if (told := _steps(found, lever))]:
        made["Steps"] = ". ".join(steps)
    helping = {row.change.lever for row in found.best}
    if idle := [row for row in _singles(found) if row.change.lever not in helping]:
        made["No gain"] = f"(under {GAIN * 100:g} %) " + ", ".join(
            f"{row.change.lever} ({_seconds(-row.gained(P99))})" for row in idle
        )
    made["Assumed"] = "; ".join(assumptions(found))
    if found.advice.untried:
        made["Untried"] = f"{counted(len(found.advice.untried), 'change')}, for which --max-runs has no room"
    if found.advice.failed:
        made["Failed"] = "; ".join(found.advice.failed)
    return made


def assumptions(found: ImageAdvice) -> list[str]:
    """Return what is assumed of the images and their registries, a sentence each."""
    ratio = found.unpack_ratio
    guesses: dict[str, list[str]] = {}
    for image in found.images:
        if image.guess:
            guesses.setdefault(image.guess, []).append(shortened(image.familiar, _NAME))
    made = [f"{listed(names)}: {guess}" for guess, names in guesses.items()]
    estimated = sum(image.estimated(ratio) for image in found.images)
    if estimated:
        every = sum(len(image.first) for image in found.images)
        made.append(
            f"unpacked sizes of {estimated} of {counted(every, 'layer')} are {ratio:g} times the compressed ones "
            "(--unpack-ratio)"
        )
    if found.options.weights is not None:
        made.append(f"layers from {size(found.options.weights)} on do not compress (--weights)")
    if any(row.change.lever.startswith("zstd") for row in found.rows):
        factors = ", ".join(f"-{level}: {factor:g}" for level, factor in found.options.zstd.items())
        made.append(f"bytes with zstd for each with gzip: {factors} (--zstd), of what does not compress 1")
    if any(incompressible(layer) for image in found.images for layer in image.first):
        made.append("what does not compress unpacks at one rate in containerd, with gzip or without")
    made.append("a layer is the same everywhere, so that it can be cut at any byte")
    if found.registries:
        made.append(found.registries.removeprefix("registries: "))
    return made


def listed(names: Sequence[str]) -> str:
    """Write names in a row, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def shared_rows(found: ImageAdvice) -> list[tuple[str, ...]]:
    """Return the rows of the table of shared layers, by `SHARED_COLUMNS`: first the pair that saves most.

    Pairs that share nothing have none.
    """
    return [
        (
            found.images[each.first].familiar,
            found.images[each.second].familiar,
            f"{each.layers:,}",
            size(each.blobs),
            size(each.download),
            size(each.disk),
        )
        for each in sharing(found)
    ]


def sharing(found: ImageAdvice) -> list[Shared]:
    """Return the pairs of images that share something, first the one that saves most."""
    return sorted((each for each in found.shared if each.layers), key=lambda each: -each.download)


def nothing_shared(found: ImageAdvice) -> str:
    """Return the sentence that stands in place of the table; "" where there is one image, or a table."""
    return "No two of the images share a layer." if found.shared and not sharing(found) else ""


def markdown(found: ImageAdvice) -> str:
    """Return the advice for a ticket or a pull request."""
    safe = printable.markdown
    lines = [safe(heading(found)), "", "| change | " + " | ".join(COLUMNS) + " | |"]
    lines += ["| --- |" + " ---: |" * len(COLUMNS) + " --- |"]
    for label, cells, verdict in rows(found):
        figures = " | ".join(f"{value} ({part})" if part else value for value, part in cells)
        lines.append(f"| {safe(label)} | {figures} | {verdict} |")
    lines += ["", f"**{safe(best(found))}**"]
    lines += [f"\n{label}: {safe(text)}" for label, text in notes(found).items()]
    if nothing_shared(found):
        lines += ["", nothing_shared(found)]
    if sharing(found):
        lines += ["", "| " + " | ".join(SHARED_COLUMNS) + " |", "| --- | --- |" + " ---: |" * 4]
        lines += ["| " + " | ".join(map(safe, row)) + " |" for row in shared_rows(found)]
    return "\n".join(lines) + "\n"


def signed(amount: float) -> str:
    """Write a difference of sizes: ``+1.2 GB``, ``-300 MB``, ``0 B``."""
    return f"{'-' if amount < 0 else '+' if amount > 0 else ''}{size(abs(amount))}"


def _steps(found: ImageAdvice, lever: str) -> str:
    """Say what each size of a lever comes to, and where it stops to pay."""
    steps = found.steps(lever)
    if not steps:
        return ""
    told = ", ".join(f"{row.change.steps}: {duration(row.tried.difference(P99).b.mean)}" for row in steps)
    what = STEPS[lever]
    enough = found.enough(lever)
    if enough is None:
        return f"{what} do not pay; p99 with {told}"
    if enough is steps[-1]:
        return f"{what} pay up to {enough.change.steps}, the most that were tried; p99 with {told}"
    return f"more than {enough.change.steps} {what} do not pay; p99 with {told}"


def _singles(found: ImageAdvice) -> list[Row]:
    """Return the best row of each lever alone."""
    made: dict[str, Row] = {}
    for row in found.rows:
        if len(row.tried.levers) == 1:
            made.setdefault(row.change.lever, row)
    return list(made.values())


def _seconds(seconds: float) -> str:
    if math.isinf(seconds):
        return "never" if seconds > 0 else "comes"
    return f"{seconds:+.2f} s" if abs(seconds) < 9.995 else f"{seconds:+.1f} s"
