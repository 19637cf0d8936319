"""The section ``cache`` of a registry or mirror: presets, mistakes, warnings, and what a run says of it."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from pydantic import ValidationError

import pullsim
from pullsim.errors import InputError, InputErrors
from pullsim.results.summary.summary import summarize
from pullsim.scenario import effective_yaml, from_mapping, load
from pullsim.scenario.presets.caches import PRESETS
from pullsim.spec.pull_through import CacheDisk, CacheSpec, Login
from tests.support.command import pullsim as command

IMAGE = "docker.io/team/app:v1"


def scenario(cache, *, image=IMAGE, registries=(), count=2, **registry):
    """Nodes pull an image of 60 MB by way of a mirror that is a cache."""
    mirror = {"host": "mirror.local", "egress": "10Gbit/s", "cache": cache, **registry}
    return from_mapping(
        {
            "name": "cached",
            "images": {"define": [{"image": image, "layers": [{"size": "20MB"}, {"size": "40MB"}]}]},
            "registries": [{"host": "docker.io", "egress": "1Gbit/s", "mirrors": [mirror]}, *registries],
            "nodes": [{"name": "w", "count": count}],
            "workloads": [{"name": "app", "pods": {"image": image, "count": count}}],
            "placement": "spread",
        }
    )


def built(cache, **more):
    registries = {each.host: each for each in scenario(cache, **more).assemble().cluster.registries}
    return registries["mirror.local"].cache


def test_a_cache_without_anything_streams_through_and_keeps_all():
    assert built({}) == CacheSpec()
    assert built(None) is None


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_the_keys_that_are_absent(name):
    whole = built(name)
    assert built({"preset": name}) == whole
    assert built({"preset": name, "ttl": "5s", "recheckBy": "GET"}).ttl == 5.0
    assert whole.fill == PRESETS[name].keys["fill"]
    again = from_mapping(yaml.safe_load(effective_yaml(scenario(name))))
    assert {each.host: each.cache for each in again.assemble().cluster.registries}["mirror.local"] == whole


def test_all_keys_are_built():
    cache = {
        "upstream": "docker.io", "fill": "storeThenServe", "coalesce": "blob", "coalesceTimeout": "1s", "recheck": "2s",
        "finishes": True, "recheckBy": "GET", "stale": ["denied"], "tagFailure": 418, "manifestPoll": "3s", "ttl": "4s",
        "size": "1GB", "downlink": "1Gbit/s", "link": "nat", "disk": {"read": "10MB/s", "write": "20MB/s"},
        "replicas": 2, "balance": "hash", "upstreamConnections": 5, "whenBusy": "refuse", "address": "nat-1",
        "credentials": {"username": "u", "password": "p"}, "holds": ["team/*"], "parts": "relay",
    }  # fmt: skip
    assert built(cache) == CacheSpec(
        "docker.io", "storeThenServe", "blob", 1.0, True, 2.0, "GET", ("denied",), 418, 3.0, 4.0, 10**9, 125e6, "nat",
        CacheDisk(10e6, 20e6), 2, "hash", 5, "refuse", "nat-1", Login("u", "p"), ("team/*",), "relay",
    )  # fmt: skip


WRONG = [
    ("squid", "'squid' is no preset of a cache"),
    ("distributon", "distribution"),
    (False, "false is no preset of a cache; leave cache out to go without"),
    ({"coalesce": False}, "coalesce: false is not one of none, image, blob; none goes without"),
    ({"fill": False}, "fill: false is not one of streamThrough, storeThenServe, backgroundCopy; leave it out"),
    ({"fill": "later"}, "fill"),
    ({"coalesce": "image"}, "coalesce: image goes with fill: storeThenServe"),
    ({"preset": "zot", "fill": "streamThrough"}, "coalesce: image goes with fill: storeThenServe"),
    ({"coalesceTimeout": "5s"}, "coalesceTimeout goes with coalesce: blob"),
    ({"preset": "nginx", "coalesce": "none", "coalesceTimeout": "5s"}, "coalesceTimeout goes with coalesce: blob"),
    ({"fill": "storeThenServe", "parts": "fill"}, "parts: fill goes with fill: streamThrough"),
    ({"balance": "hash"}, "balance: hash goes with replicas: 2 or more"),
    ({"replicas": 0}, "replicas"),
    ({"upstreamConnections": 0}, "upstreamConnections"),
    ({"manifestPoll": "0s"}, "manifestPoll is a time above 0s"),
    ({"stale": ["always"]}, "stale"),
    ({"tagFailure": 200}, "tagFailure"),
    ({"size": -1}, "size"),
    ({"downlink": "0bit/s"}, "downlink"),
    ({"upstream": ""}, "upstream"),
    ({"upstream": "https://quay.io"}, "'https://quay.io' is no host as in image names"),
    ({"upstream": "quay.io/team"}, "is no host as in image names"),
    ({"upstream": "a\x1b.test"}, "is no host as in image names"),
    ({"upstream": "registry-1.docker.io"}, "registry-1.docker.io is docker.io in a scenario"),
    ({"upstreams": "docker.io"}, "upstreams"),
    (17, "17"),
]


@pytest.mark.parametrize(("cache", "text"), WRONG)
def test_mistakes_have_one_error_each(cache, text):
    with pytest.raises((InputError, InputErrors, ValidationError), match=text) as raised:
        scenario(cache).assemble()
    assert "cache" in str(raised.value)


A, B = ({"host": name, "cache": {"upstream": other}} for name, other in (("a.test", "b.test"), ("b.test", "a.test")))
CIRCLES = [
    # mirror's cache, further registries, image, its way
    ({"upstream": "mirror.local"}, (), IMAGE, "mirror.local → mirror.local"),
    ({"upstream": "mirror.local:443"}, (), IMAGE, "mirror.local → mirror.local:443"),
    ({"upstream": "a.test"}, (A, B), IMAGE, "mirror.local → a.test → b.test → a.test"),
    ({}, (), "mirror.local/team/app:v1", "mirror.local → mirror.local"),
    ({"upstream": "a.test"}, ({"host": "a.test", "cache": {}},), "mirror.local/team/app:v1", "a.test → mirror.local"),
]


@pytest.mark.parametrize(("cache", "registries", "image", "way"), CIRCLES)
def test_a_cache_that_leads_to_no_registry_is_refused(cache, registries, image, way):
    with pytest.raises((InputError, InputErrors), match=f"never leave the cache.*{way}"):
        scenario(cache, registries=registries, image=image).assemble()


@pytest.mark.parametrize(("link", "paid"), [(None, "nat"), ("internet", "internet"), ("free", "free")])
def test_a_path_from_upstream_is_of_the_upstream_s_class_unless_the_cache_says_another(link, paid):
    """Else a cache would take all bytes out of the bill of a NAT gateway that it is behind, too."""
    for horizon in (None, "0.4s"):  # in the end, and on its way
        settings = ["registries[docker.io].link=nat", *([f"horizon={horizon}"] if horizon else [])]
        result = pullsim.run(pullsim.override(scenario({"link": link, "fill": "storeThenServe"}, count=1), settings))
        got = {(row.receiver, row.link): row.bytes for row in result.traffic if row.bytes}
        assert got["mirror.local", paid] == result.caches[0].received > 0
        assert {link for receiver, link in got if receiver != "mirror.local"} <= {"free"}


def test_a_cache_sends_its_blobs_itself():
    with pytest.raises((InputError, InputErrors), match="blobHost: goes without cache"):
        scenario({}, blobHost={}).assemble()


def test_a_chain_of_caches_leads_to_the_registry():
    """Each cache has the image once, and the registry sends it once."""
    chain = {"host": "a.test", "cache": {}}
    result = pullsim.run(scenario({"upstream": "a.test", "coalesce": "blob"}, registries=(chain,), count=3))
    assert [(each.host, round(each.received / 1e7), round(each.sent / 1e7)) for each in result.caches] == [
        ("a.test", 6, 6),
        ("mirror.local", 6, 18),
    ]


def test_an_upstream_that_is_not_listed_is_a_public_registry():
    given = scenario({"upstream": "quay.io"}, image="mirror.local/team/app:v1").assemble()
    assert "quay.io is not listed" in given.assumption
    assert any("no image comes from docker.io" in warning for warning in given.warnings)


def test_a_fault_of_what_is_behind_a_cache_meets_its_images():
    """The images have the name of the cache; a pattern that matches none of them is warned of."""
    for image, warned in (("team/app", False), ("other", True)):
        faults = [{"image": image, "status": 404}]
        behind = {"host": "up.test", "faults": faults}
        given = scenario({"upstream": "up.test"}, image="mirror.local/team/app:v1", registries=(behind,))
        assert any("no image that is pulled matches" in text for text in given.assemble().warnings) is warned


def test_a_pattern_of_what_a_cache_holds_that_matches_nothing_is_warned_of():
    text = "registries[mirror.local].cache.holds: no image that is pulled matches 'team/other'"
    assert scenario({"holds": ["team/*", "team/other", "team/app:v1"]}).assemble().warnings == (text,)


def test_a_cache_with_less_room_than_a_layer_is_warned_of():
    small = "registries: the cache mirror.local has room for 30MB, less than the largest layer of the images, 40MB"
    assert [text for text in scenario({"size": "30MB"}).assemble().warnings if text.startswith(small)]
    assert not scenario({"size": "40MB"}).assemble().warnings


def test_what_a_run_says_of_a_cache():
    result = pullsim.run(scenario("zot", count=4))
    summary = summarize(result)
    use = summary.caches["mirror.local"]
    assert (use.received_bytes, use.sent_bytes) == (result.caches[0].received, result.caches[0].sent)
    assert use.received_bytes * 4 == use.sent_bytes
    frame = pullsim.results.caches(result)
    assert list(frame.columns) == ["host", "replicas", "received", "sent", "hits", "misses", "evictions", "stored"]
    assert frame["sent"].tolist() == [use.sent_bytes]
    assert summarize(pullsim.run(scenario(None))).caches == {}


def test_bytes_from_upstream_have_a_class_of_their_own():
    result = pullsim.run(scenario({"link": "nat"}, link="free", count=2))
    assert {(row.receiver, row.host, row.link) for row in result.traffic} == {
        ("mirror.local", "docker.io", "nat"),
        ("w-0000", "mirror.local", "free"),
        ("w-0001", "mirror.local", "free"),
    }
    assert sum(row.bytes for row in result.traffic if row.link == "nat") == result.caches[0].received


@pytest.mark.parametrize(
    ("cache", "addresses", "address"),
    [
        ({}, ["nat-1"], "nat-1"),
        ({}, ["nat-1", "nat-1"], "nat-1"),
        ({}, ["nat-1", "nat-2"], None),
        ({}, ["nat-1", None], None),
        ({"address": "own"}, ["nat-1"], "own"),
        ("zot", ["nat-1"], "nat-1"),
        ("ecr-pull-through", ["nat-1"], "ecr"),
    ],
)
def test_a_cache_goes_out_by_the_gateway_that_all_nodes_have(cache, addresses, address):
    nodes = [{"name": f"w{place}", "address": each} for place, each in enumerate(addresses)]
    changed = pullsim.override(scenario(cache), [f"nodes={json.dumps(nodes)}"])
    registries = {each.host: each for each in changed.assemble().cluster.registries}
    assert registries["mirror.local"].cache.address == address
    assert registries["docker.io"].cache is None


@pytest.mark.parametrize(("address", "refused"), [("nat-1", True), (None, False)])
def test_nodes_and_their_cache_share_the_quota_of_their_address(address, refused):
    """The cache gets the index and the manifest that are free; what a node then asks the registry itself is refused."""
    direct = {"image": "docker.io/team/direct:v1", "layers": [{"size": "1MB"}]}
    tree = scenario({}, image=IMAGE, count=1, images=["team/app"]).document.tree
    tree["images"]["define"].append(direct)
    tree["registries"][0]["limits"] = [{"requests": 2, "per": "1h"}]
    tree["nodes"][0]["address"] = address
    tree["workloads"].append({"name": "direct", "at": "20s", "pods": {"image": direct["image"]}})
    result = pullsim.run(from_mapping(tree | {"horizon": "30s"}))
    assert {each.host: each.limited > 0 for each in result.registries}["docker.io"] is refused
    assert len(summarize(result).never_started) == refused


def test_its_keys_are_knobs(tmp_path):
    """Overrides reach into a cache, and compare has its bytes as a metric."""
    path = tmp_path / "cached.yaml"
    path.write_text(effective_yaml(scenario("distribution")), encoding="utf-8")
    key = "registries[docker.io].mirrors[mirror.local].cache"
    options = ("--set", f"{key}.coalesce=none,blob", "-m", "caches.mirror.local.receivedBytes")
    done = command("compare", path, *options, "--seeds", 1, "-j", 1, "-q")
    assert "120 MB" in done.stdout
    assert "60 MB" in done.stdout
    done = command("run", path, "--set", f"{key}.coalesce=blob")
    said = r"Cache mirror.local: 60 MB from upstream, 120 MB to nodes; \d+ of 10 GETs from what it had"
    assert re.search(said, " ".join(done.stdout.split()))
    assert load(path, overrides=[f"{key}.ttl=0s"]).registries[0].mirrors[0].cache.ttl == 0.0
