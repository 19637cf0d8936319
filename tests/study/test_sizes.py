"""Studies that are too large are refused before anything is made of them."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.study.compare import compare
from pullsim.study.design import MAX_RUNS, Knob, Variant, check_size, count_variants, parse_knob, variants
from pullsim.study.job import _each_value_once
from pullsim.study.solve import solve
from pullsim.study.sweep import sweep

HUGE = 10**10
NUMBERS = ",".join(map(str, range(20_000)))


@pytest.mark.parametrize("force", [False, True])
def test_seeds_beyond_any_memory_are_refused(small, force):
    for study in (
        lambda: sweep(small, seeds=HUGE, force=force),
        lambda: compare(small, set=["nodes[node].cores=1,2"], seeds=HUGE, force=force),
        lambda: solve(small, "nodes[node].cores", "1..4", seeds=HUGE, force=force),
    ):
        with pytest.raises(InputError, match="10,000,000 are the most" if force else f"{MAX_RUNS:,} are the most"):
            study()


@pytest.mark.parametrize("paired", [False, True])
def test_variants_are_counted_before_they_are_made(paired):
    knobs = [Knob("a", tuple("xyz")), Knob("b", ("1",)), Knob("c", tuple("uvw"))]
    assert count_variants(knobs, paired=paired) == len(variants(knobs, paired=paired))
    assert count_variants([], paired=paired) == len(variants([], paired=paired)) == 1


def test_a_million_variants_are_refused_at_once(small):
    with pytest.raises(InputError, match="1,300,000 variants; 100,000 are the most without --force"):
        sweep(
            small, [f"seed={','.join(map(str, range(1300)))}", f"nodes[node].cores={','.join(map(str, range(1000)))}"]
        )


def test_the_limit_is_that_of_the_message():
    check_size(MAX_RUNS, 1)
    check_size(1, MAX_RUNS)
    check_size(MAX_RUNS, 2, force=True)
    with pytest.raises(InputError, match=r"50,001 variants with 2 seeds are 100,002 runs; .* 1\.2 GB"):
        check_size(MAX_RUNS // 2 + 1, 2)


def test_twenty_thousand_values_are_read_and_tried_in_no_time(small):
    """Nothing looks at every pair of values, or builds the scenario for each number."""
    knob = parse_knob(f"seed={NUMBERS}")
    assert len(knob.values) == 20_000
    assert len(_each_value_once(variants([knob]))) == 3
    with pytest.raises(InputError, match="'7' is given twice"):
        parse_knob(f"seed={NUMBERS},7")


def test_each_value_that_may_name_a_file_is_tried():
    texts = [
        Variant((("a", text), ("b", number))) for text in ("x", "y", "null") for number in ("1", "2Gbit/s", "3", "4")
    ]
    tried = _each_value_once(texts)
    assert {variant.settings[0] for variant in tried} == {("a", "x"), ("a", "y"), ("a", "null")}
    assert {variant.settings[1][1] for variant in tried} >= {"1", "2Gbit/s", "4"}


def test_a_value_that_is_no_text_is_refused():
    with pytest.raises(InputError, match="no text in UTF-8"):
        parse_knob("description=\udcff,b")
