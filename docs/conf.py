"""The site of the documents: ``make docs`` builds it with Sphinx, without network; what it warns of is an error.

The documents are the Markdown files that a forge shows, each at its place in the repository, and link to each other by
relative paths: the root of the repository is the source directory. The site adds what a forge has not: one navigation
over all of them, a search, and the Python API from the docstrings.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.version import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
NAVIGATION = {
    "Learn": ["docs/tutorial", *(f"notebooks/{path.stem}" for path in sorted((ROOT / "notebooks").glob("*.ipynb")))],
    "How to": [
        "docs/questions",
        "scenarios/README",
        "docs/import",
        "docs/images",
        "docs/studies",
        "docs/report",
        "docs/exports",
        "docs/python",
    ],
    "Levers": [f"docs/levers/{path.stem}" for path in sorted((ROOT / "docs" / "levers").glob("*.md"))],
    "Reference": [
        "scenarios/REFERENCE",
        "docs/commands",
        "docs/diagnostics",
        "docs/api",
        "docs/compatibility",
        "CHANGELOG",
    ],
    "Explanation": [
        "docs/model",
        "docs/sharing",
        "docs/runtimes",
        "docs/percentiles",
        "docs/variation",
        "CONTRIBUTING",
        "RELEASING",
        "SECURITY",
    ],
}

project = "pullsim"
copyright = "pullsim, Apache-2.0"  # noqa: A001  a name that Sphinx reads
version = release = __version__
root_doc = "README"
smartquotes = False  # --set stays as it is typed
include_patterns = [
    "README.md",
    *(f"{page}.[mri]*" for pages in NAVIGATION.values() for page in pages),  # Markdown, reStructuredText, notebooks
    "benchmarks/**.md",  # what the pages link to
    "pullsim/**.md",
]
extensions = ["myst_nb", "sphinx.ext.autodoc"]
nb_execution_mode = "off"  # notebooks have their outputs with them; a test executes them

myst_heading_anchors = 4  # as a forge names them
suppress_warnings = [
    "misc.highlighting_failure",  # Pygments knows no Mermaid: the picture of the house is its text here
    "toc.not_included",  # documents that others link to
]
default_role = "literal"  # docstrings put names into single backticks too
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"

html_theme = "furo"
html_title = "pullsim"
html_static_path = ["theme"]
html_css_files = ["pullsim.css"]
html_extra_path = ["theme/index.html"]
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Add the navigation to the page of the README."""
    app.connect("source-read", _navigate)


def _navigate(_app: Sphinx, name: str, source: list[str]) -> None:
    """Append the tables of contents to the README, which a forge shows without."""
    if name == root_doc:
        source[0] += "".join(
            f"\n```{{toctree}}\n:caption: {title}\n:hidden:\n\n" + "".join(f"/{page}\n" for page in pages) + "```\n"
            for title, pages in NAVIGATION.items()
        )
