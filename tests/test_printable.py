import csv
import io
import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pullsim.printable import (
    MOST_LETTERS,
    MOST_LINES,
    cell,
    chart,
    from_cell,
    json_text,
    markdown,
    message,
    printable,
    shortened,
)

#: Few characters, so that they meet: what is dangerous somewhere, halves of characters, and some that are harmless.
LETTERS = st.text(st.sampled_from("a'=+-@1.e \t\r\n\x00\x07\x1b\x7f\x9b\u00ad\u2028\u202e\ufeff\ufffe\ud800你|<`]($\\"))


def test_what_a_terminal_obeys_is_written_out():
    assert printable("a\x1b]0;x\x07") == r"a\x1b]0;x\x07"
    assert printable("\x9b31m\u202e\U000e0041\udcff") == r"\x9b31m\u202e\U000e0041\udcff"
    assert printable("a\nb\r\tc") == r"a\nb\r\tc"
    assert printable("a\nb\t", keep="\n") == "a\nb\\t"


def test_letters_of_all_scripts_stay():
    text = "naïve 你好 \u0645\u200c\u0645 👩\u200d💻"  # with joiners
    assert printable(text) == text


@given(st.text())
def test_nothing_is_left_that_is_no_letter_on_one_line(text):
    shown = printable(text)
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Zl", "Zp", "Cs"}
    assert len(shown.splitlines()) <= 1


@given(LETTERS)
def test_cells_are_harmless_and_read_back(text):
    written = cell(text)
    assert written[:1] not in ("=", "@", "\t", "\r")
    if written[:1] in ("+", "-"):
        float(written)
    assert from_cell(written) == printable(text, "\n\t")
    file = io.StringIO()
    csv.writer(file).writerow([written, "next"])
    assert next(csv.reader(io.StringIO(file.getvalue()))) == [written, "next"]


def test_numbers_stay_numbers():
    assert [cell(text) for text in ("-5", "+1.5e-3", "-.5", "12")] == ["-5", "+1.5e-3", "-.5", "12"]
    assert [cell(text) for text in ("-5+cmd", "-", "=1", "'=1")] == ["'-5+cmd", "'-", "'=1", "''=1"]


@given(st.recursive(LETTERS, lambda inner: st.lists(inner) | st.dictionaries(LETTERS, inner)))
def test_json_reads_back_and_has_nothing_raw(document):
    for indent in (None, 2):
        text = json_text(document, indent)
        assert printable(text, "\n") == text
        assert json.loads(text) == document


@given(LETTERS)
def test_markdown_stays_in_its_cell(text):
    assert not {"<", "\n"} & set(markdown(text))
    assert "|" not in markdown(text).replace(r"\|", "")
    assert "](" not in markdown(text)


def test_a_chart_shows_no_formula():
    assert chart("$\\frac{\x1b") == "\\$\\frac{\\x1b"


@given(st.lists(st.integers(0, 5000).map(lambda length: "x" * length), max_size=60))
def test_a_message_is_short_and_counts_what_it_leaves_out(lines):
    shown = message(lines)
    assert len(shown) <= MOST_LINES
    assert sum(map(len, shown)) <= MOST_LETTERS
    if len(shown) < len(lines):
        assert shown[-1] == f"and {len(lines) - len(shown) + 1:,} more"


def test_twenty_lines_are_shown_and_twenty_one_are_not():
    assert len(message(["x"] * 20)) == 20
    assert message(["x"] * 21)[18:] == ["x", "and 2 more"]


def test_long_lines_keep_both_ends():
    text = "scenario.yaml:3: " + "x" * 5000 + " is no duration"
    (line,) = message([text])
    assert line.startswith("scenario.yaml:3: ")
    assert line.endswith(" is no duration")
    assert shortened("abcdef", 5) == "a…def"
