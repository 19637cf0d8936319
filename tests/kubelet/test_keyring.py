"""Which credentials match an image and in what order: the kubelet's own tables (the vectors name their sources)."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullsim.cri import Auth
from pullsim.kubelet.credentials.keyring import Keyring, lookup
from pullsim.spec.credential_url import index_key, is_default_registry, matches, mismatch
from pullsim.spec.credentials import DockerConfigEntry

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
MATCH = json.loads((VECTORS / "credential_url_match.json").read_text())
LOOKUP = json.loads((VECTORS / "keyring_lookup.json").read_text())["vectors"]


def keyring(*entries: tuple[str, str]) -> Keyring:
    """Entries of (registry, user), each of a file of its own."""
    made = Keyring()
    for registry, user in entries:
        made.add((DockerConfigEntry(registry, Auth(user, "secret")),))
    return made


def users(credentials) -> list[str]:
    return [credential.auth.username for credential in credentials]


@pytest.mark.parametrize("vector", MATCH["url_match"], ids=lambda vector: f"{vector['glob']} {vector['target']}")
def test_a_pattern_fits_a_repository(vector):
    assert matches(vector["glob"], vector["target"]) is vector["match"]


@pytest.mark.parametrize(
    "vector", MATCH["keyring_single_entry"], ids=lambda vector: f"{vector['auths_key']} {vector['image']}"
)
def test_an_entry_is_found(vector):
    assert bool(keyring((vector["auths_key"], "u")).lookup(vector["image"])) is vector["found"]


@pytest.mark.parametrize("vector", MATCH["default_registry"], ids=lambda vector: vector["image"])
def test_images_of_docker_hub(vector):
    assert is_default_registry(vector["image"]) is vector["is_default_registry"]


@pytest.mark.parametrize("vector", MATCH["index_keys"], ids=lambda vector: vector["auths_key"])
def test_keys_of_the_index(vector):
    assert index_key(vector["auths_key"]) == vector["index_key"]


@pytest.mark.parametrize("vector", LOOKUP, ids=lambda vector: vector["image"])
def test_the_order_of_the_attempts(vector):
    found = keyring(*((entry["key"], entry["username"]) for entry in vector["auths"])).lookup(vector["image"])
    assert users(found) == vector["expect_usernames_in_order"]
    assert bool(found) is vector["found"]


def test_sources_one_after_the_other_nobody_left_out():
    sources = keyring(("quay.io", "secret")), keyring(("quay.io/org/app", "file")), keyring(("quay.io/org", "plugin"))
    assert users(lookup(sources, "quay.io/org/app")) == ["secret", "file", "plugin"]


def test_docker_hub_is_looked_up_by_its_old_name_only_if_nothing_else_fits():
    both = keyring(("https://index.docker.io/v1/", "old"), ("docker.io", "new"))
    assert users(both.lookup("docker.io/library/nginx")) == ["new"]


@pytest.mark.parametrize("registry", ["a b.example.com", "reg.example.com:port", "reg\n.example.com"])
def test_what_is_no_url_is_left_out(registry):
    assert index_key(registry) is None
    assert not keyring((registry, "u")).lookup("reg.example.com/app")


@pytest.mark.parametrize(
    ("pattern", "image", "why"),
    [
        ("reg.example.com:5000", "reg.example.com/app", "its port is 5000, the image's none"),
        ("*.com", "reg.example.com/app", "its host has 2 parts between dots, the image's 3; * does not cross a dot"),
        ("example.com", "reg.example.com/app", "its host has 2 parts between dots, the image's 3"),
        ("reg.example.com/team", "reg.example.com/app", "the image's path /app does not begin with /team"),
        ("reg.example.com", "quay.example.com/app", "host part 'quay' is not 'reg'"),
        ("reg.[a-.com", "reg.example.com/app", "'[a-' is no valid shell pattern"),
        ("reg x", "reg.example.com/app", "'reg x' is no URL"),
    ],
)
def test_it_says_why_not(pattern, image, why):
    assert mismatch(pattern, image) == why


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("r?g", "reg", False),  # a question mark begins the query of a URL
        ("[^a]eg", "reg", False),  # nor is a circumflex part of a host
        ("[ar]eg", "reg", True),
        ("[s-a]eg", "reg", False),
        ("[a-s]eg", "reg", True),
        ("r*", "reg", True),
        ("*g", "reg", True),
        ("*", "", True),
        ("r*x", "reg", False),
    ],
)
def test_host_parts_are_shell_patterns(pattern, host, fits):
    assert matches(f"{pattern}.example", f"{host}.example/app") is fits


@given(st.text("ab*", max_size=8), st.text("ab", min_size=1, max_size=9))
@example("*a" * 40 + "b", "a" * 60)  # an expression that tried all places of forty stars would take years
def test_many_stars_match_as_a_shell_has_them(glob, host):
    assert matches(f"{glob or 'a'}.example.com", f"{host}.example.com/app") == fnmatchcase(host, glob or "a")


label = st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)
name = st.builds(
    lambda host, path: ".".join(host) + "".join(f"/{part}" for part in path),
    *[st.lists(label, min_size=1, max_size=4)] * 2,
)


@given(name)
def test_a_name_fits_itself_and_everything_below_it(repository):
    assert matches(repository, repository)
    assert matches(repository, f"{repository}/more") or "/" not in repository
    host, _, _ = repository.partition("/")
    assert matches(host, repository)
    assert matches(".".join("*" for _ in host.split(".")), repository)


@given(st.lists(name, unique=True, max_size=6), name)
def test_of_keys_that_fit_the_one_that_another_begins_with_comes_later(keys, repository):
    found = [credential.key for credential in keyring(*((key, "u") for key in keys)).lookup(repository)]
    assert all(not longer.startswith(shorter) for at, shorter in enumerate(found) for longer in found[at + 1 :])
    assert sorted(found) == sorted(key for key in keys if matches(key, repository))
