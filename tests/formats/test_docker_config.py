"""Docker's credential files as the kubelet reads them, with Go's errors."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.cri import Auth
from pullsim.formats.kubernetes.docker_config import (
    DOCKER_CONFIG_JSON,
    DOCKERCFG,
    InvalidDockerConfig,
    parse_config_json,
    parse_dockercfg,
    parse_secret,
)
from pullsim.spec.credentials import DockerConfigEntry


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("entry", "auth"),
    [
        ({"auth": encoded("ci:s3cret")}, Auth("ci", "s3cret")),
        ({"auth": encoded("ci:s3cret").rstrip("=")}, Auth("ci", "s3cret")),  # unpadded
        ({"auth": f" {encoded('ci:s3cret')}\n"}, Auth("ci", "s3cret")),
        ({"auth": encoded("ci:a:b:c")}, Auth("ci", "a:b:c")),  # split at the first colon
        ({"auth": encoded("ci:")}, Auth("ci", "")),
        ({"username": "ci", "password": "s3cret"}, Auth("ci", "s3cret")),
        ({"username": "no", "password": "no", "auth": encoded("ci:s3cret")}, Auth("ci", "s3cret")),
        ({"username": "ci", "password": "s3cret", "auth": ""}, Auth("ci", "s3cret")),
        ({"username": "ci", "email": "ci@example.com"}, Auth("ci", "")),
        ({}, Auth()),
        (None, Auth()),
    ],
)
def test_an_entry(entry, auth):
    text = json.dumps({"reg.example.com": entry})
    assert parse_dockercfg(text) == (("reg.example.com", auth),)
    assert parse_config_json(f'{{"auths": {text}}}') == (("reg.example.com", auth),)


def test_only_auths_are_used():
    text = '{"credsStore": "osxkeychain", "credHelpers": {"gcr.io": "gcr"}, "HttpHeaders": {"a": "b"}}'
    assert parse_config_json(text) == ()


def test_each_type_of_secret_has_its_form():
    assert parse_secret(DOCKER_CONFIG_JSON, '{"auths": {"a.io": {"username": "u"}}}') == (("a.io", Auth("u")),)
    assert parse_secret(DOCKERCFG, '{"a.io": {"username": "u"}}') == (("a.io", Auth("u")),)


NO_ENTRY = "json: cannot unmarshal number into Go value of type credentialprovider.dockerConfigEntryWithAuth"


def test_what_is_not_read_may_be_anything_that_is_json():
    assert parse_config_json('{"auths": {}, "x": ' + "9" * 5_000 + "}") == ()
    ((registry, auth),) = parse_config_json(r'{"auths": {"a\ud800": {"username": "\udfff"}}}')
    assert (registry, auth.username) == ("a\ufffd", "\ufffd")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "unexpected end of JSON input"),
        ('{"auths": {', "unexpected end of JSON input"),
        ('{"auths": {"a.io": {"username": "u', "unexpected end of JSON input"),
        ("auths:\n  a.io: {}", "invalid character 'a' looking for beginning of value"),
        ("{auths: {}}", "invalid character 'a' looking for beginning of object key string"),
        ('{"auths": {},}', "invalid character '}' looking for beginning of object key string"),
        ('{"auths" {}}', "invalid character '{' after object key"),
        ('{"auths": {} "x": 1}', "invalid character '\"' after object key:value pair"),
        ('{"auths": {"a.io": [1 2]}}', "invalid character '2' after array element"),
        ('{"auths": {}} x', "invalid character 'x' after top-level value"),
        ("'{}'", r"invalid character '\'' looking for beginning of value"),
        ('{"auths": {"a.io": {"auth": "é"}}}', "illegal base64 data at input byte 0"),
        ('{"auths": {"a.io": {"auth": "%%"}}}', "illegal base64 data at input byte 0"),
        (
            '{"auths": {"a.io": {"auth": "Y2k="}}}',
            "unable to parse auth field, must be formatted as base64(username:password)",
        ),
        (
            '{"auths": {"a.io": {"username": 1}}}',
            "json: cannot unmarshal number into Go struct field dockerConfigEntryWithAuth.username of type string",
        ),
        ('{"auths": {"a.io": ' + "9" * 5_000 + "}}", NO_ENTRY),
        ('{"auths": {"a.io": 1e999}}', NO_ENTRY),
        ('{"x": NaN}', "invalid character 'N' looking for beginning of value"),
        ('{"x": -Infinity}', "invalid character 'I' in numeric literal"),
        ("[" * 100_000, "exceeded max depth"),
        ("[]", "json: cannot unmarshal array into Go value of type credentialprovider.DockerConfigJSON"),
    ],
)
def test_errors(text, error):
    with pytest.raises(InvalidDockerConfig) as caught:
        parse_config_json(text)
    assert str(caught.value) == error


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    for parse in (parse_config_json, parse_dockercfg):
        try:
            entries = parse(text)
        except InvalidDockerConfig:
            continue
        assert all(isinstance(entry, DockerConfigEntry) for entry in entries)
        assert json.loads(text) is None or isinstance(json.loads(text), dict)
