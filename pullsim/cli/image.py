"""``pullsim image``: the parts of an image's name, its default pull policy, and the name in the CRI request."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pullsim.cli import terminal
from pullsim.cli.catalogs import ListFormat
from pullsim.cli.diagnostics import coded
from pullsim.cli.exit_codes import WRONG_INPUT, exit_codes
from pullsim.cli.options import INPUT, OUTPUT
from pullsim.printable import json_text, printable

_LABELS = {
    "domain": "domain",
    "path": "path",
    "familiar": "familiar",
    "tag": "tag",
    "digest": "digest",
    "error": "error",
    "pullPolicy": "pull policy",
    "cri": "to the CRI",
}


def image(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Image names as in a pod.", show_default=False)],
    output: Annotated[ListFormat, typer.Option("--output", "-o", help="How to print.", rich_help_panel=OUTPUT)] = (
        ListFormat.table
    ),
    version: Annotated[
        str,
        typer.Option("--kubelet-version", help="Release whose error texts are shown.", rich_help_panel=INPUT),
    ] = "1.35",
) -> None:
    """Show what Kubernetes makes of image names: their parts, the default pull policy, what the runtime is asked for.

    Exit code 2 when one of them is no image name; all are printed.
    """
    with exit_codes():
        release = _release(version)
        rows = [_row(name, release) for name in names]
        with terminal.standard_output() as stdout:
            if output is ListFormat.json:
                stdout.write(json_text(rows, indent=2) + "\n")
            else:
                stdout.write("\n".join(map(_block, rows)))
        if not all(row["valid"] for row in rows):
            raise typer.Exit(WRONG_INPUT)


def _release(text: str) -> tuple[int, ...]:
    """Return the release whose texts are shown; a newer one than those that are known is warned of."""
    from pullsim.errors import InputError  # noqa: PLC0415  not for --help
    from pullsim.releases.kubelet import KUBELET  # noqa: PLC0415
    from pullsim.releases.release import parse  # noqa: PLC0415

    try:
        written = parse(text)
        release = KUBELET.resolve(written)
    except ValueError as error:
        raise InputError(f"--kubelet-version: {error}") from None
    if warning := KUBELET.newer(written):
        terminal.note(f"warning: {coded(warning, 'warning')}")
    return release


def _row(name: str, release: tuple[int, ...]) -> dict[str, Any]:
    """Return everything that is known of a name, under the keys of the JSON output."""
    from pullsim.kubelet.events import Messages  # noqa: PLC0415  not for --help
    from pullsim.oci.reference import InvalidReference, cri_image, default_pull_policy, parse  # noqa: PLC0415

    row: dict[str, Any] = {"image": name, "valid": True}
    try:
        reference = parse(name)
    except InvalidReference as error:
        text = Messages(release, verified=False).invalid_name(name, str(error))
        return row | {"valid": False, "error": text, "pullPolicy": default_pull_policy(name)}
    sent = cri_image(name)
    return row | {
        "domain": reference.domain,
        "path": reference.path,
        "familiar": reference.familiar,
        "tag": reference.tag,
        "tagAdded": sent != name,
        "digest": reference.digest,
        "pullPolicy": default_pull_policy(name),
        "cri": sent,
    }


def _block(row: dict[str, Any]) -> str:
    """Return a name followed by its parts, one on each line. Lines are not wrapped, so that names can be copied."""
    lines = [printable(row["image"]) or '""']
    lines += (f"  {label:<12} {_value(row, key)}" for key, label in _LABELS.items() if key in row)
    return "\n".join(lines) + "\n"


def _value(row: dict[str, Any], key: str) -> str:
    value = row[key]
    if key == "tag" and row["tagAdded"]:
        return f"{value} (added)"
    if key == "tag" and value and row["digest"]:
        return f"{value} (the digest decides what is pulled)"
    return printable(value) if value else "-"
