import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.inputs import document as document_module
from pullsim.inputs.core_schema import RawFloat
from pullsim.inputs.document import parse_document, parse_documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("10:30", "10:30"),
        ("2024-01-01", "2024-01-01"),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("-12", -12),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("True", True),
        ("~", None),
        ("", None),
        ("'3'", "3"),
        ("!!str 3", "3"),
        ("!!float 3", 3.0),
        ("! 3", "3"),
        ("12e03", 12000.0),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text, value):
    found = parse_document(f"k: {text}", "f").tree["k"]
    assert found == value
    assert type(found) is type(value) or isinstance(found, RawFloat)


def test_a_float_remembers_its_text():
    tree = parse_document("v: 1.30", "f").tree
    assert tree == {"v": 1.3}
    assert tree["v"].text == "1.30"


def test_keys_are_text():
    assert parse_document("{on: 1, 1.30: 2, null: 3, 404: 4}", "f").tree == {"on": 1, "1.30": 2, "null": 3, "404": 4}


def test_places():
    document = parse_document("a:\n  - {name: x, b: 3}\n  - 4\n", "f")
    assert str(document.place(("a", 0, "b"))) == "f:2:18"
    assert str(document.place(("a", 0, "b"), key=True)) == "f:2:15"
    assert str(document.place(("a", 0, "gone"))) == "f:2:5"
    assert document.name(("a", 0, "b")) == "a[x].b"
    assert document.name(("a", 1)) == "a[1]"
    assert document.own_route(("a", 0, "gone", 3)) == ("a", 0)


def test_aliases_repeat_values():
    document = parse_document("a: &x {n: 1}\nb: *x\nc: *x\n", "f")
    assert document.tree == {"a": {"n": 1}, "b": {"n": 1}, "c": {"n": 1}}
    assert str(document.place(("c",))) == "f:3:4"


def test_json_with_tabs_and_escapes():
    assert parse_document('{\n\t"a": "\\ud83d\\ude00\\/\\\\u0041",\n\t"b": [1.5e3, true, null]\n}', "f").tree == {
        "a": "😀/\\u0041",
        "b": [1500.0, True, None],
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\ud83d\ude00", "😀"),
        (r"\\ud83d\ude00", None),  # a backslash, then half of a pair
        (r"\\\ud83d\ude00", "\\😀"),
        (r"\"\ud83d\ude00\ud83d\ude00\n", '"😀😀\n'),
        (r"\\ud83d\\ude00", r"\ud83d\ude00"),
    ],
)
def test_pairs_of_surrogates_are_one_character(written, read):
    if read is None:
        with pytest.raises(InputError, match="no valid YAML"):
            parse_document(f'{{"a": "{written}"}}', "f")
    else:
        assert parse_document(f'{{"a": "{written}"}}', "f").tree == {"a": read} == json.loads(f'{{"a": "{written}"}}')


def test_documents_are_apart_and_empty_ones_left_out():
    assert [document.tree for document in parse_documents("---\n---\na: 1\n---\n# none\n---\n[2]\n", "f")] == [
        {"a": 1},
        [2],
    ]


def test_all_duplicate_keys_are_told():
    with pytest.raises(InputError) as caught:
        parse_document("a: 1\na: 2\nb: {c: 1, c: 2}\n", "f")
    assert str(caught.value) == "f:2:1: duplicate key 'a', first on line 1\nf:3:11: duplicate key 'c', first on line 3"


def test_depth_is_limited_through_aliases_too():
    levels = "\n".join(["a0: &a0 [1]"] + [f"a{n}: &a{n} [[*a{n - 1}]]" for n in range(1, 40)])
    with pytest.raises(InputError, match="nested more than 64 levels deep"):
        parse_document(levels, "f")
    assert parse_document("[" * 64 + "]" * 64, "f")
    with pytest.raises(InputError, match="nested more than 64"):
        parse_document("[" * 65 + "]" * 65, "f")


def test_the_parser_without_libyaml_gives_the_same(monkeypatch):
    text = "a: [1, &x {b: 'c'}]\nd: *x\n"
    fast = parse_document(text, "f")
    monkeypatch.setattr(document_module, "_LOADER", document_module.yaml.SafeLoader)
    slow = parse_document(text, "f")
    assert (slow.tree, slow.values, slow.keys) == (fast.tree, fast.values, fast.keys)
    for bad in ("a: [1", "a: \x00", "{a: 1\n- b"):
        with pytest.raises(InputError, match="no valid YAML"):
            parse_document(bad, "f")


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_parsed_or_refused(text):
    try:
        parse_documents(text, "f")
    except InputError as error:
        assert error.location is not None  # noqa: PT017


@pytest.mark.parametrize(
    "text, message",
    [
        ("[" + "1," * 500_000 + "]", "more than 500,000 values, the most that is read of a file"),
        ("- a: 1\n" * 125_001, "more than 500,000 values, the most that is read of a file"),
        ("a: " + "9" * 5_000, "f:1:4: a number of 5000 digits is too long: at most 100"),
    ],
)
def test_what_would_take_too_much_is_refused_where_it_does(text, message):
    with pytest.raises(InputError) as caught:
        parse_document(text, "f")
    assert message in str(caught.value)
    assert caught.value.location.line is not None
