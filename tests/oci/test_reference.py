from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.oci.reference import InvalidReference, check_digest, cri_image, default_pull_policy, parse

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
NAMES = json.loads((VECTORS / "image_names.json").read_text())["vectors"]
POLICIES = json.loads((VECTORS / "imagepullpolicy_defaults.json").read_text())["vectors"]

HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

component = st.from_regex(r"[a-z0-9]{1,4}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)
domain = st.from_regex(
    r"(?:[A-Za-z0-9]{1,3}(?:\.[A-Za-z0-9]{1,3}){1,2}|localhost|\[[a-f0-9]{0,4}:[a-f0-9:]{0,6}\])(?::[0-9]{1,5})?",
    fullmatch=True,
)
tag = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}", fullmatch=True)


@st.composite
def names(draw):
    path = "/".join(draw(st.lists(component, min_size=1, max_size=3)))
    host = draw(st.none() | domain)
    name = f"{host}/{path}" if host else path
    if draw(st.booleans()):
        name += ":" + draw(tag)
    if draw(st.booleans()):
        name += f"@sha256:{HEX}"
    return name


@pytest.mark.parametrize("vector", [v for v in NAMES if v["valid"]], ids=lambda v: v["input"][:40])
def test_valid_names(vector):
    reference = parse(vector["input"])
    assert reference.domain == vector["domain"]
    assert reference.path == vector["path"]
    assert reference.repository == vector["repository"]
    assert reference.tag == vector["tag"]
    assert reference.digest == vector["digest"]
    assert cri_image(vector["input"]) == vector["cri_image"]


@pytest.mark.parametrize("vector", [v for v in NAMES if not v["valid"]], ids=lambda v: repr(v["input"][:40]))
def test_invalid_names(vector):
    for function in (parse, cri_image):
        with pytest.raises(InvalidReference) as caught:
            function(vector["input"])
        assert f'couldn\'t parse image name "{vector["input"]}": {caught.value}' == vector["error"]


@pytest.mark.parametrize("vector", POLICIES, ids=lambda v: v["image"][:40])
def test_default_pull_policy(vector):
    assert default_pull_policy(vector["image"]) == vector["default_policy"]


@pytest.mark.parametrize(
    "digest, error",
    [
        (f"sha256:{HEX.upper()}", "invalid checksum digest format"),
        (f"SHA256:{HEX}", "invalid checksum digest format"),
        (f"sha256:{HEX[1:]}", "invalid checksum digest length"),
        (f"md5:{HEX[32:]}", "unsupported digest algorithm"),
        ("sha256:", "invalid checksum digest format"),
        (HEX, "invalid checksum digest format"),
    ],
)
def test_wrong_digests(digest, error):
    with pytest.raises(InvalidReference, match=error):
        check_digest(digest)


def test_wrong_digest_after_a_tag():
    with pytest.raises(InvalidReference, match="invalid checksum digest format"):
        parse(f"nginx:1@SHA256:{HEX}")


def test_a_new_line_is_not_swallowed():
    with pytest.raises(InvalidReference, match=r"^invalid reference format$"):
        parse("nginx\n")


def test_familiar_names():
    assert parse("docker.io/library/nginx:1.27").familiar == "nginx:1.27"
    assert parse("index.docker.io/team/app").familiar == "team/app:latest"
    assert parse("docker.io/library/foo/bar").familiar == "library/foo/bar:latest"
    assert parse("quay.io/library/nginx").familiar == "quay.io/library/nginx:latest"


@given(names())
def test_normalised_and_familiar_forms_mean_the_same(text):
    reference = parse(text)
    assert parse(str(reference)) == reference
    assert parse(reference.familiar) == reference
    assert parse(cri_image(text)) == reference
    assert cri_image(cri_image(text)) == cri_image(text)
    assert len(reference.familiar) <= len(str(reference))


@given(st.text(max_size=30))
def test_any_text_is_a_name_or_an_invalid_reference(text):
    try:
        reference = parse(text)
    except InvalidReference:
        assert default_pull_policy(text) == "IfNotPresent"
    else:
        assert reference.tag or reference.digest
