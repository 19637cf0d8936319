from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.study.design import Knob, check_size, parse_knob, variants


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ("kubelet.maxParallelImagePulls=1,2,unlimited", "kubelet.maxParallelImagePulls", ("1", "2", "unlimited")),
        ("nodes[workers].disk.write=125MiB/s, 250MiB/s", "nodes[workers].disk.write", ("125MiB/s", "250MiB/s")),
        ("registries[r:5000].egress=1Gbit/s", "registries[r:5000].egress", ("1Gbit/s",)),
        ("nodes[a=b].cores=1,2", "nodes[a=b].cores", ("1", "2")),
        ("nodes[w].cached=[a,b],[c]", "nodes[w].cached", ("[a,b]", "[c]")),
        (
            "nodes[w].nic={rate: 1Gbit/s, burst: null},2Gbit/s",
            "nodes[w].nic",
            ("{rate: 1Gbit/s, burst: null}", "2Gbit/s"),
        ),
        ("name='a,b',c", "name", ("'a,b'", "c")),
    ],
)
def test_a_knob_is_read(text, key, values):
    assert parse_knob(text) == Knob(key, values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cores", "KEY=VALUE"),
        ("=3", "KEY=VALUE"),
        ("cores=", "no value"),
        ("cores=1,,2", "no value between two commas"),
        ("cores=1,1", "given twice"),
    ],
)
def test_what_is_no_knob_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse_knob(text)


def test_a_grid_has_every_combination_the_last_knob_fastest():
    made = variants([Knob("a", ("1", "2")), Knob("b", ("x", "y"))])
    assert [str(each) for each in made] == ["a=1, b=x", "a=1, b=y", "a=2, b=x", "a=2, b=y"]
    assert [str(each) for each in variants([])] == ["as it is"]


def test_pairs_go_together():
    made = variants([Knob("a", ("1", "2")), Knob("b", ("x", "y")), Knob("c", ("z",))], paired=True)
    assert [str(each) for each in made] == ["a=1, b=x, c=z", "a=2, b=y, c=z"]
    with pytest.raises(InputError, match="equally many"):
        variants([Knob("a", ("1", "2", "3")), Knob("b", ("x", "y"))], paired=True)


def test_a_knob_given_twice_and_too_many_variants_are_refused():
    with pytest.raises(InputError, match="given twice"):
        variants([Knob("a", ("1",)), Knob("a", ("2",))])
    with pytest.raises(InputError, match="100,000 are the most without --force"):
        check_size(10**6, 1)
    with pytest.raises(InputError, match="100,000 are the most without --force"):
        check_size(2, 10**400)


@given(st.lists(st.text("ab[]{}\"',", min_size=1, max_size=4), min_size=1, max_size=3))
def test_no_part_of_a_text_is_lost(parts):
    try:
        knob = parse_knob("key=" + ",".join(parts))
    except InputError:
        return
    assert ",".join(knob.values) == ",".join(parts)
