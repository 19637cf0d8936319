"""Node affinity compares labels as numbers, as the API's selectors do (apimachinery/pkg/labels/selector.go Matches)."""

import pytest

from pullsim.spec.scheduling import Requirement
from pullsim.spec.selectors import matches


@pytest.mark.parametrize(
    ("label", "operator", "bound", "holds"),
    [
        ("6", "Gt", "5", True),
        ("5", "Gt", "5", False),
        ("5", "Lt", "5", False),
        ("-7", "Lt", "5", True),
        ("007", "Gt", "6", True),
        ("1_000", "Gt", "5", False),  # text, though int() of Python takes it
        ("1.5", "Gt", "1", False),
        ("", "Lt", "1", False),
        (None, "Lt", "1", False),
    ],
)
def test_numbers(label, operator, bound, holds):
    labels = {} if label is None else {"generation": label}
    assert matches((Requirement("generation", operator, (bound,)),), labels) is holds
