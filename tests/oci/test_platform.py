from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.oci.platform import Platform, best, preferences

PLATFORMS = [
    "linux/amd64",
    "linux/amd64/v2",
    "linux/amd64/v3",
    "linux/386",
    "linux/arm64",
    "linux/arm64/v8.2",
    "linux/arm64/v9",
    "linux/arm/v5",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm/v8",
    "linux/s390x",
    "linux/ppc64le",
    "windows/amd64",
]
platforms = st.sampled_from(PLATFORMS).map(Platform.parse)


@pytest.mark.parametrize(
    "text, canonical",
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("Linux/ARM64", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/i386", "linux/386"),
        ("macos/arm64", "darwin/arm64"),
        ("windows/amd64", "windows/amd64"),
    ],
)
def test_canonical_form(text, canonical):
    assert str(Platform.parse(text)) == canonical
    assert Platform.parse(canonical) == Platform.parse(text)


@pytest.mark.parametrize("text", ["", "linux", "amd64", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "linux/*"])
def test_wrong_platforms(text):
    with pytest.raises(ValueError, match="linux/amd64"):
        Platform.parse(text)


@pytest.mark.parametrize(
    "node, order",
    [
        ("linux/amd64", ["linux/amd64", "linux/386"]),
        ("linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"]),
        ("linux/386", ["linux/386"]),
        ("linux/arm/v7", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
        ("linux/arm/v5", ["linux/arm/v5"]),
        ("linux/arm64", ["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
        (
            "linux/arm64/v8.2",
            ["linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64", *(f"linux/arm/v{n}" for n in (8, 7, 6, 5))],
        ),
        (
            "linux/arm64/v9.1",
            ["linux/arm64/v9.1", "linux/arm64/v9"]
            + [f"linux/arm64/v8.{n}" for n in (6, 5, 4, 3, 2, 1)]
            + ["linux/arm64", *(f"linux/arm/v{n}" for n in (8, 7, 6, 5))],
        ),
        ("linux/s390x", ["linux/s390x"]),
    ],
)
def test_order_of_preference(node, order):
    assert [str(platform) for platform in preferences(Platform.parse(node))] == order


def test_the_first_among_equals_is_taken():
    candidates = [Platform.parse(text) for text in ("linux/386", "linux/amd64", "linux/x86_64")]
    assert best(candidates, Platform.parse("linux/amd64")) == 1
    assert best(candidates, Platform.parse("linux/arm64")) is None
    assert best([], Platform.parse("linux/arm64")) is None


@given(st.lists(platforms, max_size=6), platforms)
def test_best_is_a_match_that_no_other_match_precedes(candidates, node):
    position = best(candidates, node)
    order = preferences(node)
    ranks = [order.index(candidate) for candidate in candidates if node.matches(candidate)]
    assert position == (candidates.index(order[min(ranks)]) if ranks else None)


@given(platforms)
def test_a_platform_takes_its_own_content_first(platform):
    assert preferences(platform)[0] == platform
    assert len(set(preferences(platform))) == len(preferences(platform))
    assert Platform.parse(str(platform)) == platform
