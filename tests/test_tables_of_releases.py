"""Releases as they are written, and the known ones that they run as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.releases.release import Release, Releases, parse, written_text

KNOWN = Releases("prog", {(1, 6): 39, (1, 7): 34, (2, 0): 11, (2, 1): 9}, first_patch=3)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2.3", (2, 3)),
        ("v2.3", (2, 3)),
        ("2.3.0", (2, 3, 0)),
        ("1.30", (1, 30)),
        ("v1.35.1+k3s1", (1, 35, 1)),
        ("v1.34.2-eks-113cf36", (1, 34, 2)),
        ("v1.34.2-gke.1234000", (1, 34, 2)),
        ("1.7.28-2~deb13u1", (1, 7, 28)),
        ("2.4.0-rc.0", (2, 4, 0)),
    ],
)
def test_a_release_is_read_with_or_without_a_patch_and_a_distribution_s_suffix_is_none_of_it(text, written):
    assert parse(text) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "2.",
        "2.3.",
        ".3",
        "two",
        "2.x",
        "2.3.x",
        "2,3",
        "-2.3",
        "2.3-rc.1",
        "2.3.4.5",
        "2.3.4-",
        " 2.3",
        "2.3\n",
        "²·3",
        "٢.٣",
    ],
)
def test_what_is_no_version_is_an_error_that_shows_one(text):
    with pytest.raises(ValueError, match=r"is no version; a version is .*2\.3\.4"):
        parse(text)


def test_the_message_about_a_long_text_is_short():
    with pytest.raises(ValueError) as error:
        parse("9" * 5000)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("text", "release", "newer"),
    [
        ("1.6", Release(1, 6, 39), False),
        ("1.6.3", Release(1, 6, 3), False),
        ("2.1", Release(2, 1, 9), False),
        ("2.1.0", Release(2, 1, 0), False),
        ("2.1.9", Release(2, 1, 9), False),
        ("2.1.10", Release(2, 1, 9), True),  # the rules of its minor release
        ("2.0.12", Release(2, 0, 11), True),
        ("2.2", Release(2, 1, 9), True),
        ("2.2.0", Release(2, 1, 9), True),
        ("3.0.1", Release(2, 1, 9), True),
    ],
)
def test_a_release_runs_as_itself_and_a_newer_one_as_the_newest_known(text, release, newer):
    written = parse(text)
    assert KNOWN.resolve(written) == release
    warning = KNOWN.newer(written)
    assert warning == (
        f"prog {text} is newer than the releases whose rules are known here: it runs as {release}" if newer else ""
    )


@pytest.mark.parametrize("text", ["1.5", "1.5.99", "0.9", "1.6.2", "1.6.0", "1.8", "1.99.1"])
def test_an_older_release_and_one_that_never_was_are_errors_with_what_is_known(text):
    with pytest.raises(ValueError, match=rf"^prog {text} is not known: 1\.6\.3 to 1\.7, 2\.0 to 2\.1 are$"):
        KNOWN.resolve(parse(text))


def test_one_minor_alone_is_no_range():
    assert Releases("prog", {(1, 28): 4}).text == "1.28"


@given(st.lists(st.integers(0, 40), min_size=2, max_size=3).map(tuple))
def test_what_is_written_is_read_again_and_what_runs_is_known_and_never_newer(written):
    assert parse(written_text(written)) == written
    try:
        release = KNOWN.resolve(written)
    except ValueError:
        assert (*written, 99) < (2, 0, 0)
        return
    assert KNOWN.oldest <= release <= KNOWN.newest
    assert KNOWN.resolve(release) == release
    assert not KNOWN.newer(release)
    assert bool(KNOWN.newer(written)) == (release < written and release[: len(written)] != written)
