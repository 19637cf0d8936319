"""Swarms among the nodes of a cluster: what the registry sends, what nodes send, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

import pullsim
from pullsim.errors import InputErrors
from pullsim.results.invariants import check
from pullsim.results.summary.byte_costs import Rates, of_bytes, of_pulls

IMAGE = "r.test/app:1"
LAYERS = [{"size": "40MB"}, {"size": "80MB"}, {"size": "20MB"}]
TOTAL = 140_000_000


def scenario(count, *, peers=None, registry=None, **keys):
    node = {"name": "n", "count": count, "maxPods": 1, "nic": "10Gbit/s", "peers": {"kind": "kraken", **(peers or {})}}
    return pullsim.from_mapping(
        {
            "images": {"define": [{"image": IMAGE, "layers": LAYERS}]},
            "registries": [{"host": "r.test", "egress": "1Gbit/s", **(registry or {})}],
            "nodes": [{**node, **keys}],
            "workloads": [{"name": "app", "pods": {"image": IMAGE, "count": count}}],
        }
    )


def run(*args, **keys):
    result = pullsim.run(scenario(*args, **keys))
    assert check(result) == []
    assert all(pull.ok for pull in result.pulls)
    return result


RUNTIMES = [{"containerd": "1.7"}, {"containerd": "2.1", "layerFetchBuffer": "16MB"}, {"crio": "1.35"}]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_registry_sends_each_layer_once_to_each_of_its_origins(runtime):
    result = run(6, runtime=runtime)
    assert 2 * TOTAL < result.registries[0].sent < 2 * TOTAL + 100_000
    nodes = [peer for peer in result.peers if peer.node.startswith("n-")]
    assert all(peer.received >= TOTAL for peer in nodes)
    assert {layer.source for layer in result.layers} == {"peer"}
    assert sum(peer.sent for peer in nodes) > TOTAL
    assert pullsim.summarize(result).peers.nodes == 6
    assert sum(row.bytes for row in result.traffic if row.link == "peer") == sum(peer.received for peer in nodes)


def test_warm_origins_need_no_registry_for_layers():
    assert run(4, peers={"warm": True}).registries[0].sent < 100_000


def test_an_agent_serves_a_blob_when_it_has_all_of_it():
    fast, slow = (
        max(p.ended for p in run(1, peers={"warm": True, "loopback": rate}).pulls) for rate in ("10GB/s", "10MB/s")
    )
    assert slow - fast > 80 / 10 * 0.8


def test_a_disk_takes_every_byte_twice():
    keys = {"disk": {"write": "20MB/s"}, "unpack": {"gzip": "1000GB/s"}}
    result = run(1, peers={"warm": True}, **keys)
    assert result.end > 2 * TOTAL / 20e6


def test_a_registry_with_faults_is_asked_by_the_nodes_themselves():
    result = run(3, registry={"faults": [{"at": "1h", "for": "1m", "status": 503}]})
    assert result.registries[0].sent > 3 * TOTAL
    assert not any(peer.received for peer in result.peers)


def test_a_pull_through_cache_is_asked_by_the_nodes_themselves():
    """Seeds would take from it what it has never fetched."""
    made = pullsim.override(scenario(3), ["registries[r.test].cache={preset: nginx, upstream: up.test}"])
    result = pullsim.run(made)
    (cache,) = result.caches
    assert TOTAL < cache.received < cache.sent
    assert not any(peer.received for peer in result.peers)


def test_nodes_that_leave():
    made = scenario(5, leave={"rate": "0.02/s", "replaceAfter": "1s"})
    result = pullsim.run(pullsim.override(made, ["horizon=3m"]))
    assert check(result) == []
    assert result.departures


def test_pieces_of_blobs_that_are_not_whole_at_the_end_of_the_run_count():
    made = scenario(3, peers={"warm": True})
    result = pullsim.run(pullsim.override(made, ["horizon=400ms"]))
    received = sum(peer.received for peer in result.peers)
    assert 0 < received < 3 * TOTAL
    assert sum(row.bytes for row in result.traffic if row.link == "peer") == received


KINDS = ({"kind": "kraken"}, {"kind": "dragonfly"}, {"kind": "dragonfly", "seeds": 0})


@pytest.mark.parametrize("peers", KINDS)
def test_what_seeds_and_nodes_get_from_the_registry_has_its_price(peers):
    made = scenario(3, peers=peers, registry={"link": "nat"})
    result = pullsim.run(pullsim.override(made, ["prices={nat: 1/GB}"]))
    (registry,) = result.registries
    assert sum(row.bytes for row in result.traffic if row.host == "r.test") == registry.sent > TOTAL
    assert of_bytes(result) == Fraction(registry.sent, 10**9)


def test_the_price_of_what_seeds_fetch_is_that_of_what_peers_send():
    made = scenario(3, peers={"kind": "dragonfly"}, registry={"link": "nat"})
    result = pullsim.run(pullsim.override(made, ["prices={nat: 1/GB, peer: 0.1/GB}"]))
    pulls = {(pull.namespace, pull.pod, pull.image) for pull in result.pulls}
    fetched, given = Fraction(TOTAL, 10**9), Fraction(3 * TOTAL, 10**10)
    assert of_pulls(result, Rates(result), pulls) == fetched + given


def test_a_zone_may_have_any_name():
    results = [run(6, zones=zones) for zones in (["a", "b"], ["another", "b"])]
    across = [sum(row.bytes for row in result.traffic if row.cross_zone) for result in results]
    assert across[0] == across[1] > 0


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("nodes[n].peers={kind: kraken, lookup: 5ms}", "lookup is a key of spegel, not of kraken"),
        ("nodes[n].peers={kind: spegel, seeds: 2}", "seeds is a key of kraken and dragonfly, not of spegel"),
        ("nodes[n].peers={kind: kraken, seeds: 2, replicas: 3}", "replicas is 3"),
        ("nodes[n].peers={kind: kraken, tick: 1s}", "tick"),
        ("nodes[n].peers={kind: kraken, pieceSize: 1kB}", "pieceSize"),
        ("nodes[n].runtime={fixed: {}}", "fetches no layers"),
    ],
)
def test_what_cannot_be_is_refused(override, said):
    with pytest.raises((InputErrors, ValueError), match=said):
        pullsim.run(pullsim.override(scenario(2), [override]))


def test_a_kind_is_one_swarm_over_all_pools():
    pools = [{"name": "a", "peers": "kraken"}, {"name": "b", "peers": {"kind": "kraken", "upload": "1Gbit/s"}}]
    made = {
        "images": {"define": [{"image": IMAGE, "layers": LAYERS}]},
        "nodes": pools,
        "workloads": [{"name": "app", "pods": {"image": IMAGE}}],
    }
    with pytest.raises(InputErrors, match="one swarm over all pools"):
        pullsim.run(pullsim.from_mapping(made))


def side_by_side(*images):
    """Return when the last pull of each image ends, on three nodes of 1 Gbit/s; a swarm leaves other.test alone."""
    define = [{"image": image, "layers": [{"size": "60MB"}]} for image in ("r.test/app:1", "other.test/x:1")]
    quota = [{"requests": 1_000_000, "per": "1h"}]
    node = {"name": "n", "count": 3, "nic": "1Gbit/s", "cores": 64, "unpack": {"gzip": "5GB/s"}}
    node |= {"peers": {"kind": "kraken", "warm": True}, "kubelet": {"serializeImagePulls": False}}
    result = pullsim.run(
        pullsim.from_mapping(
            {
                "images": {"define": define},
                "registries": [{"host": "r.test"}, {"host": "other.test", "limits": quota}],
                "nodes": [node],
                "workloads": [{"name": f"w{n}", "pods": {"image": each, "count": 3}} for n, each in enumerate(images)],
            }
        )
    )
    assert check(result) == []
    return [max(pull.ended for pull in result.pulls if pull.image == image) for image in images]


def test_a_swarm_and_a_registry_that_send_to_the_same_nodes_slow_one_another_down():
    swarm, registry = side_by_side("r.test/app:1", "other.test/x:1")
    (swarm_alone,), (registry_alone,) = side_by_side("r.test/app:1"), side_by_side("other.test/x:1")
    assert swarm > 1.05 * swarm_alone
    assert registry > 1.3 * registry_alone
    assert max(swarm, registry) > 2 * 60e6 / (0.957 * 125e6)  # what the NIC carries
