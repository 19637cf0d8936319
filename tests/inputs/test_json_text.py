import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.inputs import json_documents, json_lines, parse_json


def refusal(text):
    with pytest.raises(InputError) as caught:
        parse_json(text, "f.json")
    return str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "f.json:1:1: this is no JSON: Expecting value"),
        ("{\n 'a': 1}", "f.json:2:2: this is no JSON: Expecting property name enclosed in double quotes"),
        ('{"a": NaN}', "f.json:1:7: NaN is no number in JSON"),
        ("[\n-Infinity]", "f.json:2:1: -Infinity is no number in JSON"),
        ("[1e400]", "f.json:1:2: 1e400 is too large for a number"),
        ("[1, " + "9" * 5000 + "]", "f.json:1:5: a number of 5000 digits is too long: at most 100"),
        ("[" * 100_000, "f.json:1: nested more than 200 levels deep"),
        ('{"a":' * 100_000, "f.json:1: nested more than 200 levels deep"),
        ("[" * 201 + "]" * 201, "f.json:1: nested more than 200 levels deep"),
        ("[" * 600 + r'"\ud800"' + "]" * 600, "f.json:1: nested more than 200 levels deep"),
        ("{}{}", "f.json:1:3: this is no JSON: Extra data"),
    ],
)
def test_what_is_no_json_has_a_place(text, message):
    assert refusal(text) == message


def test_what_is_nested_200_levels_deep_is_read():
    assert parse_json('{"a":[' * 100 + r'"\ud800"' + "]}" * 100, "f")


def test_what_would_not_fit_into_memory_is_refused_before_it_is_parsed():
    assert "would take about 1,179 MB of memory; up to 600 MB are read" in refusal("[" + "{}," * 4_271_000)


def test_half_of_a_surrogate_pair_is_a_replacement_character():
    assert parse_json(r'{"\ud800": ["\udfff", "\ud83d\ude00", "\\ud800"]}', "f") == {"�": ["�", "😀", r"\ud800"]}


def test_lines_end_with_line_feeds_alone():
    assert list(json_lines('{"a": "\u2028\x85"}\r\n\n  \n[1]\n', "f")) == [(1, {"a": "\u2028\x85"}), (4, [1])]
    with pytest.raises(InputError, match=r"^f:2:2: this is no JSON: Expecting property name"):
        list(json_lines("{}\n{bad}", "f"))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values, st.booleans())
def test_what_json_writes_is_read_as_it_was(value, ascii_only):
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only), "f") == value


def written(value):
    """JSON with a replacement character for each half of a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(st.text(alphabet='{}[]",:\\u0d8-1e9.tn \n') | values.map(json.dumps) | st.text())
def test_any_text_is_read_as_json_reads_it_or_refused_at_its_place(text):
    try:
        value = parse_json(text, "f")
    except InputError as error:
        assert re.fullmatch(r"f:\d+(:\d+)?: .+", str(error))  # noqa: PT017
    else:
        assert json.dumps(value, ensure_ascii=False) == written(json.loads(text))


def test_documents_that_stand_one_after_the_other_know_their_lines():
    assert list(json_documents('\n{"a":\n1} [2]\n\n"3"\n', "f.json")) == [{"a": 1}, [2], "3"]
    with pytest.raises(InputError) as caught:
        list(json_documents('\n{"a":\n1}\n{"b": 2}\n\n{"c"}', "f.json"))
    assert str(caught.value).startswith("f.json:6:5: this is no JSON")
