"""Spegel, step by step: whom a node finds, whom it asks, how long that takes, and what happens when peers go away."""

from __future__ import annotations

import math

import pytest

from pullsim.hardware.nic import Nic
from pullsim.kernel.environment import Environment
from pullsim.network.network import Network
from pullsim.oci.catalog import Catalog
from pullsim.oci.platform import Platform
from pullsim.oci.reference import parse
from pullsim.registry.host import Registry
from pullsim.registry.pull_through.relay import Intake
from pullsim.registry.request import CUT, NOT_FOUND, OK
from pullsim.runtime.peers.adverts import Adverts
from pullsim.runtime.peers.lookup import Hedger, Lookup
from pullsim.runtime.peers.node import Interface, PeerNode
from pullsim.runtime.peers.peers import Peers
from pullsim.runtime.sources.blob_source import Wanted
from pullsim.spec.cluster import Leave, Node, NodeSpec
from pullsim.spec.hardware import NicSpec
from pullsim.spec.peers import SpegelSpec
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.stored_image import StoredImage
from pullsim.streams import Streams
from tests.support.world import image

RATE = 100.0  # bytes/s of each node, either way
SPEC = SpegelSpec(goodput=1.0, per_connection=math.inf)
POOL = NodeSpec("pool", Platform.parse("linux/amd64"), peers=SPEC, leave=Leave(rate=1.0))
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


class Content:
    """The content of a node, which the tests change under it."""

    def __init__(self, blobs=()):
        self.blobs = dict(blobs)
        self.images = {}


class World:
    """Nodes with Spegel, each with its blobs from before time 0."""

    def __init__(self, *blobs, spec=SPEC, seed=1):
        self.env = Environment()
        network = Network(self.env)
        self.peers = Peers(self.env, network, Streams(seed), None)
        self.registry = Registry(self.env, network, RegistrySpec("r.test"), Catalog(), Streams(seed))
        self.nodes, self.nics = [], []
        for number, each in enumerate(blobs):
            node = Node(f"n-{number}", NodeSpec("pool", POOL.platform, peers=spec, leave=POOL.leave))
            content = Content(each)
            nic = Nic(network, node.name, NicSpec(RATE))
            agent = self.peers.spegel(node, nic, content, None, advertises_blobs=True)
            agent.listed(f"image-{number}", each.items())
            self.nodes.append((agent, content))
            self.nics.append(nic)

    def get(self, number, at, digest=A, size=100):
        """Let a node get a blob at a time; return a list of its status, the time of the end and the bytes."""
        found = []

        def run():
            yield self.env.timeout(at - self.env.now)
            download = Intake(size, SPEC.goodput)
            status = yield from self.nodes[number][0].get(Wanted("blobs", digest, size), download, self.registry)
            found.extend((status, self.env.now - at, download.received))

        self.env.process(run())
        return found

    def leave(self, number, at):
        self.env.timeout(at - self.env.now).callbacks.append(lambda _: self.peers.leave(f"n-{number}"))

    def records(self):
        self.env.run()
        return sorted(self.peers.records(), key=lambda row: int(row.node[2:]))


HAS = {A: 100}


def test_a_hit_takes_the_lookup_the_answer_and_the_transfer():
    world = World({}, HAS)
    got = world.get(0, at=1.0)
    first, second = world.records()
    assert got == [OK, pytest.approx(0.005 + 0.001 + 1.0), 0]
    assert (first.received, first.sent, first.requests, first.misses) == (100, 0, 1, 0)
    assert (second.received, second.sent) == (0, 100)


def test_nobody_is_found_before_the_advert_is_out():
    world = World({}, HAS)
    early, late = world.get(0, at=0.0499), world.get(0, at=5.06)
    world.env.run()
    assert early == [NOT_FOUND, pytest.approx(0.005), 0]
    assert late[0] == OK


def test_a_lookup_that_takes_longer_than_the_time_out_is_a_miss_and_helps_the_next_request():
    world = World({}, HAS, spec=SpegelSpec(lookup=0.03))
    first, second = world.get(0, at=1.0), world.get(0, at=1.02)
    world.env.run()
    assert first == [NOT_FOUND, pytest.approx(0.02), 0]
    assert (second[0], second[1] >= 0.01) == (OK, True)


@pytest.mark.parametrize(("again", "status", "wait"), [(2.499, NOT_FOUND, 0.0), (2.5, OK, 1.006)])
def test_what_was_not_found_is_not_looked_for_again_for_half_the_time_of_the_cache(again, status, wait):
    world = World({}, HAS)
    world.get(0, at=0.0)
    second = world.get(0, at=again)
    world.env.run()
    assert second[:2] == [status, pytest.approx(wait)]


def test_one_that_has_the_blob_no_more_says_so_and_the_next_one_is_asked():
    world = World({}, HAS, HAS)
    world.nodes[1][1].blobs.clear()
    times = [world.get(0, at=at) for at in (1.0, 10.0)]
    world.env.run()
    assert all(status == OK for status, _, _ in times)
    assert {round(seconds, 6) for _, seconds, _ in times} <= {1.006, 1.007}


def test_all_that_are_known_have_it_no_more():
    world = World({}, HAS, HAS)
    for _, content in world.nodes:
        content.blobs.clear()
    got = world.get(0, at=1.0)
    world.env.run()
    assert got == [NOT_FOUND, pytest.approx(0.005 + 2 * 0.001), 0]


def test_a_peer_that_has_left_costs_the_time_of_the_race():
    world = World({}, HAS)
    world.leave(1, at=0.5)
    got = world.get(0, at=1.0)
    world.env.run()
    assert got == [NOT_FOUND, pytest.approx(0.005 + 0.1), 0]


def test_behind_a_peer_that_has_left_another_is_asked_after_50_ms_and_later_as_soon_as_answers_use_to_come():
    firsts, later = set(), set()
    for seed in range(6):
        world = World({}, HAS, HAS, seed=seed)
        world.leave(1, at=0.5)
        first, *others = (world.get(0, at=at) for at in (1.0, 7.0, 13.0, 19.0))
        world.env.run()
        assert [got[0] for got in (first, *others)] == [OK] * 4
        firsts.add(round(first[1], 6))
        later.update(round(got[1], 6) for got in others)
    assert firsts == {1.006, 1.056}
    assert later == {1.006, 1.007}


def test_a_blob_whose_peer_leaves_goes_on_at_another_one():
    world = World({}, HAS, HAS)
    got = world.get(0, at=1.0)
    world.env.run(until=1.4)
    world.leave(1 if world.nics[1].up.transfers else 2, at=1.506)
    first, second, third = world.records()
    assert got == [OK, pytest.approx(0.006 + 0.5 + 0.001 + 0.5), 50]
    assert (first.received, second.sent, third.sent) == (100, 50, 50)


def test_without_another_one_the_body_ends_short():
    world = World({}, HAS)
    got = world.get(0, at=1.0)
    world.leave(1, at=1.256)
    first, second = world.records()
    assert (got[0], got[2]) == (CUT, 25)
    assert first.received == second.sent == 25


def test_the_first_ones_to_advertise_serve_all_others():
    world = World(HAS, HAS, HAS, HAS, *({} for _ in range(12)))
    gets = [world.get(number, at=1.0) for number in range(4, 16)]
    records = world.records()
    assert all(status == OK for status, _, _ in gets)
    assert sum(row.sent for row in records[:3]) == 1200
    assert [row.sent for row in records[3:]] == [0] * 13


def test_uplinks_are_shared_and_none_is_over_its_rate():
    world = World(HAS, *({} for _ in range(5)))
    gets = [world.get(number, at=1.0) for number in range(1, 6)]
    world.env.run()
    assert [seconds for _, seconds, _ in gets] == [pytest.approx(0.006 + 5.0)] * 5


def test_a_tag_is_what_a_peer_has_under_that_name():
    world = World({}, {})
    reference = parse("r.test/app:1")
    agent, content = world.nodes[1]
    answers = []

    def ask():
        yield world.env.timeout(1.0)
        answers.append((yield from world.nodes[0][0].resolve(reference)))
        content.images[str(reference)] = StoredImage(image(), B)
        agent.named(str(reference), [])
        yield world.env.timeout(5.0)
        answers.append((yield from world.nodes[0][0].resolve(reference)))
        agent.removed([str(reference)], [])
        yield world.env.timeout(5.0)
        answers.append((yield from world.nodes[0][0].resolve(reference)))

    world.env.process(ask())
    world.env.run()
    assert answers == [None, B, None]


def test_a_peer_whose_image_is_removed_while_it_is_asked_knows_no_tag():
    world = World({}, {})
    reference = parse("r.test/app:1")
    agent, content = world.nodes[1]
    content.images[str(reference)] = StoredImage(image(), B)
    agent.named(str(reference), [])
    answers = []

    def ask():
        yield world.env.timeout(1.0)
        answers.append((yield from world.nodes[0][0].resolve(reference)))

    def remove():
        yield world.env.timeout(1.0 + SPEC.lookup / 2)
        content.images.clear()

    world.env.process(ask())
    world.env.process(remove())
    world.env.run()
    assert answers == [None]
    assert [each.misses for each in world.peers.records()] == [1, 0]


def holders(count):
    """Nodes that have records, and nothing to send."""
    env = Environment()
    network = Network(env)
    interface = Interface(network, Nic(network, "n", NicSpec(RATE)), None)
    return [PeerNode(env, Node(f"n-{n}", POOL), interface, Content(), leaves=False) for n in range(count)]


def test_records_of_a_node_that_left_hold_for_19_minutes_from_when_it_last_renewed_them():
    adverts, (gone, there) = Adverts(), holders(2)
    gone.left = 2000.0
    adverts.advertise(A, gone, 100.0)
    adverts.advertise(A, there, 300.0)
    adverts.advertise(A, there, 900.0)
    assert adverts.find(A, 99.0, 3) == []
    assert adverts.find(A, 100.0, 3) == [gone]
    assert adverts.find(A, 300.0, 3) == [gone, there]
    assert adverts.find(A, 300.0, 1) == [gone]
    assert adverts.find(A, 1900.0 + 1139.0, 3) == [gone, there]  # it renewed its record at 1000 and at 1900
    assert adverts.find(A, 1900.0 + 1140.0, 3) == [there]
    adverts.withdraw(A, there)
    adverts.withdraw(B, there)
    assert adverts.find(A, 4000.0, 3) == []


def test_the_least_used_is_asked_first_and_each_only_once_at_a_time():
    lookup, stream = Lookup(0.0, 0.0), Streams(3).get("x")
    those = holders(3)
    for holder in those:
        lookup.add(holder)
    taken = [lookup.acquire(stream) for _ in range(4)]
    assert taken[3] is None
    assert set(taken[:3]) == set(those)
    for holder in those[:2]:
        lookup.release(holder)
    assert {lookup.acquire(stream), lookup.acquire(stream)} == set(those[:2])
    lookup.release(those[0])
    lookup.release(those[2])
    assert lookup.acquire(stream) is those[2]  # used once, the other one twice
    lookup.remove(those[0])
    assert len(lookup) == 2


def test_hedges_are_50_ms_until_answers_take_milliseconds():
    hedger = Hedger()
    assert hedger.percentile(80) == 0.05
    for milliseconds in (0.4, 0.9):
        hedger.observe(milliseconds / 1000)
    assert hedger.percentile(90) == 0.05
    for milliseconds in (*range(2, 10), 90):
        hedger.observe(milliseconds / 1000)
    assert [hedger.percentile(each) for each in (80, 85, 90, 100)] == [0.008, 0.009, 0.009, 0.09]
