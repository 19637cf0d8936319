"""What notebooks show of a study: the answer of its page, its curves and its table, without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.results.metrics import DEFAULT
from pullsim.results.page.notebook import page_html
from pullsim.study.pages.comparison_page import comparison_page
from pullsim.study.pages.parts import Source
from pullsim.study.pages.solution_page import solution_page
from pullsim.study.pages.sweep_page import sweep_page

if TYPE_CHECKING:
    from pullsim.study.compare import Comparison
    from pullsim.study.solve import Solution
    from pullsim.study.variant_runs import Sweep


def sweep_html(sweep: Sweep) -> str:
    """Return a sweep as HTML for a notebook."""
    return page_html(sweep_page(sweep, DEFAULT, Source()))


def comparison_html(comparison: Comparison) -> str:
    """Return a comparison as HTML for a notebook."""
    return page_html(comparison_page(comparison, DEFAULT, Source()))


def solution_html(solution: Solution) -> str:
    """Return the outcome of a search as HTML for a notebook."""
    return page_html(solution_page(solution, Source()))
