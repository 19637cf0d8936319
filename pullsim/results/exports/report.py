"""``report.html``, whose page is made in `pullsim.results.page`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from pullsim.results.exports.export import Output


def write_report(output: Output, file: TextIO) -> None:
    """Write the page of a run."""
    from pullsim.results.page.run_page import run_page  # noqa: PLC0415  jinja2, only when files are written
    from pullsim.results.page.writing import html  # noqa: PLC0415

    file.write(html(run_page(output)))
