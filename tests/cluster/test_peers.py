"""What peers change for a whole cluster: who gains, who serves, and that no byte is lost or made."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.errors import InputErrors
from pullsim.results.invariants import check

IMAGE = "r.test/app:1"
LAYERS = [{"size": "40MB"}, {"size": "200MB"}, {"size": "60MB"}, {"size": "60MB"}]
TOTAL = 360_000_000


def scenario(count, every, *, peers="spegel", layers=LAYERS, image=None, registry=None, **keys):
    """Return nodes that join one after the other, each of which gets a pod with the one image."""
    node = {"name": "n", "count": count, "join": {"every": every}, "maxPods": 1, "nic": "1Gbit/s"}
    return pullsim.from_mapping(
        {
            "images": {"define": [{"image": IMAGE, "layers": layers, **(image or {})}]},
            "registries": [{"host": "r.test", "egress": "1Gbit/s", **(registry or {})}],
            "nodes": [{**node, **({"peers": peers} if peers else {}), **keys}],
            "workloads": [{"name": "app", "pods": {"image": IMAGE, "count": count}}],
        }
    )


def run(*args, **keys):
    result = pullsim.run(scenario(*args, **keys))
    assert check(result) == []
    return result


def pulls(result):
    return [pull.ended - pull.started for pull in sorted(result.pulls, key=lambda pull: pull.started)]


def sent(result):
    return result.registries[0].sent, sum(peer.sent for peer in result.peers)


def test_nodes_that_start_in_one_instant_gain_nothing():
    alone, together = run(8, "0s", peers=None), run(8, "0s")
    assert sent(together) == (sent(alone)[0], 0)
    assert max(pulls(together)) == pytest.approx(max(pulls(alone)), abs=0.2)
    assert max(pulls(together)) > max(pulls(alone))  # misses take time


def test_nodes_that_start_one_after_the_other_gain_almost_all():
    result = run(8, "60s")
    registry, peers = sent(result)
    assert TOTAL < registry < TOTAL + 100_000
    assert peers == 7 * registry
    assert {layer.source for layer in result.layers if layer.node != "n-0000"} == {"peer"}
    assert [pull.registry for pull in result.pulls] == ["r.test"] + ["peer"] * 7


def test_the_first_holders_are_hot_spots():
    result = run(8, "60s")
    assert sum(peer.sent > 0 for peer in result.peers) == 3
    assert all(peer.sent == 0 for peer in result.peers[3:])


def test_layers_spread_during_a_pull_from_containerd_2_1_on_and_after_it_before():
    """The second node begins while the first one unpacks, with layers that are committed."""
    new, old = (run(2, "7s", runtime={"containerd": release}) for release in ("2.1", "2.0"))
    assert sent(new)[1] > TOTAL / 2
    assert sent(old)[1] == 0


def test_two_nodes_with_one_large_layer_gain_nothing():
    """As in spegel#378: 10 GB of random bytes, a fast network between the nodes."""
    layers = [{"size": "10GB", "unpacked": "10GB"}]
    keys = {"layers": layers, "nic": "21Gbit/s", "registry": {"egress": "21Gbit/s"}}
    alone, together = run(2, "10m", peers=None, **keys), run(2, "10m", **keys)
    assert sent(together)[1] >= 10e9
    assert pulls(together)[1] > 0.95 * pulls(alone)[1]


def test_an_uplink_of_its_own_rate_is_what_limits():
    fast, slow = run(2, "60s"), run(2, "60s", nic={"rate": "1Gbit/s", "uplink": "100Mbit/s"})
    layer = max((layer for layer in slow.layers if layer.node == "n-0001"), key=lambda layer: layer.size)
    assert layer.egress == pytest.approx(layer.fetched - layer.first_byte)
    assert pulls(slow)[1] > TOTAL / (12.5e6 * 0.957) > 2 * pulls(fast)[1]


def test_chunks_come_from_peers_too():
    result = run(3, "60s", runtime={"containerd": "2.1", "layerFetchBuffer": "16MB"})
    registry, peers = sent(result)
    assert peers == 2 * registry
    assert result.peers[1].requests > 20


@pytest.mark.parametrize(("resolve", "old"), [(True, 2), (False, 1)])
def test_a_tag_that_has_moved_is_answered_as_it_was(resolve, old):
    moves = {"tagMoves": [{"at": "90s", "layers": [{"size": "10MB"}]}]}
    result = run(2, "120s", peers={"kind": "spegel", "resolveTags": resolve}, image=moves)
    assert sum(pull.size > TOTAL for pull in result.pulls) == old


def test_what_is_discarded_cannot_be_given(tmp_path):
    config = '[plugins."io.containerd.cri.v1.images"]\ndiscard_unpacked_layers = true\n'
    (tmp_path / "config.toml").write_text(f"version = 3\n{config}")
    keys = {"runtime": {"containerd": "2.1", "config": str(tmp_path / "config.toml")}}
    result = run(2, "60s", **keys)
    assert sent(result)[1] < 100_000  # manifests and config are kept
    assert any("nothing to give" in warning for warning in result.warnings)


def test_bytes_between_nodes_are_of_the_class_peer_and_cross_zones():
    result = run(3, "60s", zones=["a", "b"])
    rows = [row for row in result.traffic if row.link == "peer"]
    assert {row.receiver: row.cross_zone for row in rows if row.receiver == "n-0001"} == {"n-0001": True}
    assert sum(row.bytes for row in rows) == sent(result)[1]
    use = pullsim.summarize(result).peers
    assert (use.nodes, use.sent_bytes) == (3, sent(result)[1])
    assert use.cross_zone_bytes == sum(row.bytes for row in rows if row.cross_zone)


def test_nodes_that_leave_take_their_blobs_along():
    keys = {"leave": {"rate": "0.01/s", "replaceAfter": "1s"}}
    document = scenario(4, "0s", **keys)
    result = pullsim.run(pullsim.override(document, ["horizon=15m"]))
    assert check(result) == []
    assert result.departures
    assert 0 < sent(result)[1] < sum(peer.requests for peer in result.peers) * TOTAL


@settings(max_examples=12, deadline=None)
@given(
    count=st.integers(2, 5),
    every=st.sampled_from(["0s", "50ms", "1s", "4s", "30s"]),
    sizes=st.lists(st.sampled_from(["1MB", "50MB", "100MB"]), min_size=1, max_size=5),
    uplink=st.sampled_from(["100Mbit/s", "1Gbit/s"]),
    release=st.sampled_from(["1.7", "2.1"]),
)
def test_no_byte_is_lost_or_made(count, every, sizes, uplink, release):
    result = run(
        count,
        every,
        layers=[{"size": size, "digest": f"sha256:{n:064x}"} for n, size in enumerate(sizes)],
        nic={"rate": "1Gbit/s", "uplink": uplink},
        runtime={"containerd": release},
    )
    registry, peers = sent(result)
    assert peers == sum(peer.received for peer in result.peers)
    assert (registry + peers) % count == 0  # each node has got the same
    downloaded = sum(layer.downloaded for layer in result.layers)
    assert downloaded == count * sum(layer.size for layer in result.layers if layer.node == "n-0000")
    rate = (100e6 if uplink == "100Mbit/s" else 1e9) / 8 * 0.957
    assert all(peer.sent <= rate * result.end for peer in result.peers)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ('nodes[n].runtime={crio: "1.35"}', "keeps no compressed layers"),
        ("nodes[n].runtime={fixed: {}}", "keeps no compressed layers"),
        ("nodes[n].peers=bittorrent", "is not one of"),
        ("nodes[n].peers={kind: spegel, retries: 0}", "greater than or equal to 1"),
        ("nodes[n].peers={kind: spegel, lookup: -1s}", "lookup"),
        ("nodes[n].nic={rate: 1Gbit/s, uplink: 0}", "uplink"),
    ],
)
def test_what_cannot_be_is_refused(override, said):
    with pytest.raises((InputErrors, ValueError), match=said):
        pullsim.run(pullsim.override(scenario(2, "0s"), [override]))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"peers": None, "nic": {"rate": "1Gbit/s", "uplink": "1Gbit/s"}}, "nic.uplink has no effect"),
        ({"count": 1}, "nobody to get blobs from"),
        (
            {"runtime": {"containerd": "2.2", "snapshotter": "soci", "soci": {}}},
            "fetches layers from the registry itself",
        ),
    ],
)
def test_what_has_no_effect_is_warned_of(keys, said):
    result = pullsim.run(scenario(keys.pop("count", 2), "0s", **keys))
    assert any(said in warning for warning in result.warnings)
