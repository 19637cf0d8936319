"""The section registries: presets, mirrors, faults and limits as they are written, and what is wrong with them."""

from __future__ import annotations

import io

import pytest
from pydantic import ValidationError
from rich.console import Console

import pullsim
import pullsim.results
from pullsim.errors import InputError
from pullsim.scenario.model.registries import Registry
from pullsim.scenario.presets.registries import PRESETS
from pullsim.spec.registry import BlobHost, Cut, Host, TokenServer


def build(*registries, **scenario):
    tree = {"registries": list(registries), "nodes": [{}], **scenario}
    return {each.host: each for each in pullsim.from_mapping(tree).build().registries}


def only(**keys):
    return build({"host": "r.test", **keys})["r.test"]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_registry_and_has_a_source(name):
    spec = only(preset=name)
    assert spec.limits
    assert len(PRESETS[name].source) > 20


def test_a_preset_fills_in_what_is_not_given():
    assert only(preset="docker-hub/anonymous").auth == "bearer"
    assert only(preset="docker-hub/anonymous", auth="none").auth == "none"
    assert only(preset="docker-hub/anonymous", limits=[]).limits == ()
    assert only(preset="acr/basic").egress == 30e6
    assert only(preset="acr/basic", egress="1GB/s").egress == 1e9
    (limit,) = only(preset="docker-hub/anonymous").limits
    assert (limit.requests, limit.per, limit.of, limit.by) == (100, 6 * 3600.0, "manifests", "address")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_being_written_out(name):
    registry = Registry.model_validate({"host": "r.test", "preset": name})
    again = Registry.model_validate(registry.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert again == registry


KEYS = [
    ({"blobHost": {"roundTrip": "12ms", "egress": "1GB/s"}}, "blob_host", BlobHost(0.012, 1e9)),
    ({"tokenServer": {"roundTrip": "30ms", "expiresIn": "1m"}}, "token_server", TokenServer(0.03, None, 60.0)),
    ({"images": ["library/*"]}, "images", ("library/*",)),
    ({"price": "0.09/GB"}, "price", pytest.approx(9e-11)),
    ({"mirrors": ["m.test"]}, "mirrors", (Host("m.test"),)),
    (
        {"mirrors": [{"host": "m.test", "capabilities": ["pull"], "dialTimeout": "5s"}]},
        "mirrors",
        (Host("m.test", pull=True, resolve=False, dial_timeout=5.0),),
    ),
]


@pytest.mark.parametrize(("keys", "name", "value"), KEYS)
def test_what_keys_become(keys, name, value):
    assert getattr(only(**keys), name) == value


FAULTS = [
    ({"refused": True}, {"refused": True}),
    ({"unreachable": True}, {"unreachable": True, "refused": False}),
    ({"stall": True, "probability": 0.1}, {"stall": True, "probability": 0.1, "in_body": True}),
    ({"slow": "1MB/s", "of": "blobs"}, {"slow": 1e6, "of": "blobs", "in_body": True}),
    ({"cut": {"after": "40%"}}, {"cut": Cut(share=0.4)}),
    ({"cut": {"after": "10MB", "reset": True}}, {"cut": Cut(size=10_000_000, reset=True)}),
    ({"status": 503, "at": "1m", "for": "5s"}, {"status": 503, "at": 60.0, "ends": 65.0}),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS)
def test_what_faults_become(fault, expected):
    (made,) = only(faults=[fault]).faults
    assert {name: getattr(made, name) for name in expected} == expected


def test_bytes_are_limited_for_blobs_unless_it_says_otherwise():
    limits = only(limits=[{"bytes": "1GB", "per": "1h"}, {"requests": 5, "per": "1h"}]).limits
    assert [each.of for each in limits] == ["blobs", "manifests"]


def test_a_mirror_of_two_registries_is_one_host():
    mirror = {"host": "m.test", "egress": "1GB/s"}
    made = build({"host": "a.test", "mirrors": [mirror]}, {"host": "b.test", "mirrors": [mirror]})
    assert list(made) == ["a.test", "b.test", "m.test"]
    made = build({"host": "a.test", "mirrors": ["m.test"]}, {"host": "m.test", "egress": "2GB/s"})
    assert made["m.test"].egress == 2e9


WRONG = [
    ({"preset": "docker-hub/anonimous"}, "did you mean docker-hub/anonymous"),
    ({"limits": [{"per": "1h"}]}, "exactly one of requests and bytes"),
    ({"limits": [{"requests": 1, "bytes": "1MB", "per": "1h"}]}, "exactly one of requests and bytes"),
    ({"limits": [{"requests": 1, "per": "0s"}]}, "greater than 0"),
    ({"limits": [{"requests": 1, "per": "1h", "burst": 3}]}, "burst goes with window: bucket"),
    ({"faults": [{"stall": True, "refused": True}]}, "exactly one of"),
    ({"faults": [{"cut": {"after": "140%"}}]}, "a share is 0% to 100%"),
    ({"faults": [{"cut": {"after": "much"}}]}, "much"),
    ({"mirrors": [{"host": "r.test"}]}, "is the registry itself"),
    (
        {"mirrors": [{"host": "m.test", "egress": "1GB/s"}, {"host": "m.test", "egress": "2GB/s"}]},
        "stands elsewhere with other figures",
    ),
]


@pytest.mark.parametrize(("keys", "text"), WRONG)
def test_what_is_wrong_is_said(keys, text):
    with pytest.raises((InputError, ValidationError), match=text):
        only(**keys)


def test_a_mirror_needs_no_image_of_its_own():
    tree = {
        "images": {"define": [{"image": "a:1", "layers": [{"size": "1MB"}]}]},
        "registries": [{"host": "docker.io", "mirrors": ["m.test"]}, {"host": "m.test"}, {"host": "unused.test"}],
        "nodes": [{}],
        "workloads": [{"pods": {"image": "a:1"}}],
    }
    assert pullsim.from_mapping(tree).assemble().warnings == ("registries[2]: no image comes from unused.test",)


def test_quotas_and_cost_are_in_the_summary_and_on_the_terminal():
    limit = {"requests": 1, "per": "1h", "indexes": False}  # an image that is defined is an index of its platforms
    tree = {
        "images": {"define": [{"image": "a:1", "layers": [{"size": "1GB"}]}]},
        "registries": [{"host": "docker.io", "limits": [limit], "price": "0.5/GB"}],
        "nodes": [{"count": 2, "address": "nat"}],
        "workloads": [{"pods": {"image": "a:1", "count": 2}, "arrivals": {"every": "30s"}}],
    }
    result = pullsim.run(pullsim.from_mapping(tree))
    (use,) = pullsim.summarize(result).to_dict()["registries"]
    assert 30.0 < use["exhaustedAt"] < 31.0
    assert 3600.0 < use["refilledAt"] < 3601.0
    assert use["cost"] == pytest.approx(1.0, rel=1e-3)
    console = Console(width=200, file=io.StringIO())
    console.print(pullsim.results.render(pullsim.summarize(result)))
    text = console.file.getvalue()
    assert "docker.io first refused at 30" in text
    assert "1.00 for 2 GB from docker.io" in text
