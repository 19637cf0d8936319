"""The scheduler chooses what the plain one chooses, which looks at all nodes and pods each time."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.cluster.scheduler.node_info import DISK_PRESSURE, NodeInfo
from pullsim.cluster.scheduler.placement import Placement
from pullsim.spec.cluster import Node, Owner
from pullsim.spec.scheduling import (
    HOSTNAME,
    ZONE,
    NodeScheduling,
    NodeSelectorTerm,
    PodTerm,
    PreferredNodes,
    Requirement,
    Scheduling,
    SpreadConstraint,
    Taint,
    Toleration,
)
from tests.support.plain_scheduler import PlainPod, PlainScheduler
from tests.support.world import APP, container, node, pod

GIB, MB = 2**30, 2**20
SPEC = node(APP)
KEYS = (HOSTNAME, ZONE, "rack")
STEPS = ("pod",) * 7 + ("bound", "end", "gone", "gone", "join", "leave", "taint", "images")
#: What the status of a node lists: bytes by name. A tag that moves has another size where it was pulled later.
IMAGES = ({}, {"i:1": 2000 * MB}, {"i:1": 600 * MB}, {"i:1": 2000 * MB, "j:1": 700 * MB})


class World:
    """Draws pods and nodes of few values, so that many of them tie."""

    def __init__(self, seed):
        self.random = Random(seed)
        self.any = self.random.choice
        self.constraints = self.draw(self.constraint, 2)  # few, so that pods of several kinds share what is counted

    def some(self, make, share=0.3):
        """None, one or two of what is made; mostly none."""
        return tuple(make() for _ in range(self.any((1, 1, 2)))) if self.random.random() < share else ()

    def amounts(self, **choices):
        drawn = {name: self.any((None, *amounts)) for name, amounts in choices.items()}
        return tuple((name.replace("gpu", "nvidia.com/gpu"), amount) for name, amount in drawn.items() if amount)

    def taint(self):
        return Taint(self.any("tu"), "", self.any(("NoSchedule", "PreferNoSchedule", "PreferNoSchedule")))

    def node_term(self):
        return NodeSelectorTerm((Requirement("rack", self.any(("In", "NotIn", "Exists")), ("r0",)),))

    def selector(self):
        app = (Requirement("app", "In", (self.any("ab"),)),)
        return self.any((app, app, app, (), None, (Requirement("x", "NotIn", ("y",)),)))

    def pod_term(self):
        names = self.any(((), (), None, ("other",)))
        return PodTerm(self.any(KEYS), self.selector(), names, self.any((None, 1, 50)))

    def constraint(self):
        hard, more = self.any((True, False, False)), self.any((1, 1, 3))
        honors = self.any((True, True, False)), self.any((True, False))
        return SpreadConstraint(self.any(KEYS), self.any((1, 2)), hard, self.selector(), more, *honors)

    def template(self):
        scheduling = Scheduling(
            labels=(("app", self.any("ab")),),
            requests=self.amounts(cpu=(500, 1000), memory=(GIB, 3 * GIB), gpu=(1,)[: self.any((0, 0, 1))]),
            required_nodes=self.some(self.node_term, 0.1) or None,
            preferred_nodes=self.some(lambda: PreferredNodes(self.any((1, 10)), self.node_term())),
            tolerations=self.some(lambda: Toleration(self.any(("t", "")), "Exists"), 0.5),
            affinity=self.some(self.pod_term, 0.2),
            anti_affinity=self.some(self.pod_term, 0.2),
            spread=self.some(lambda: self.any(self.constraints), 0.5),
            host_ports=self.any(((),) * 8 + ((("TCP", "", 80),), (("TCP", "10.0.0.1", 80),))),
        )
        return scheduling, self.any(("i:1", "j:1")), self.any((None, 0, 1)), self.any(("default", "other"))

    def pool(self):
        scheduling = NodeScheduling(
            self.any(((), (("rack", "r0"),), (("rack", "r1"),))),
            self.some(self.taint, 0.2),
            self.amounts(cpu=(4000, 8000), memory=(16 * GIB,), gpu=(1, 2)),
        )
        return scheduling, self.any((None, "z0", "z0", "z1")), self.any((3, 6, 110))

    def draw(self, make, most):
        return [make() for _ in range(self.random.randint(1, most))]


OWNERS = (Owner("Deployment", "d", "default"), Owner("StatefulSet", "s", "default"))


class Pair:
    """Both schedulers, to which the same happens."""

    def __init__(self, how, pools, kinds):
        self.fast, self.plain = Placement(how, OWNERS), PlainScheduler(how)
        self.pools, self.kinds = pools, kinds
        self.names, self.pods, self.pressed = [], [], set()
        self.number = 0
        self.chosen = self.expected = None  # names of nodes, for the pod that came last

    def join(self, number):
        scheduling, zone, most = self.pools[number % len(self.pools)]
        self.number += 1
        made = Node(f"n{self.number}", replace(SPEC, scheduling=scheduling, max_pods=most), zone=zone)
        self.fast.join(NodeInfo(made))
        self.plain.join(made)
        self.names.append(made.name)

    def wanted(self, number):
        scheduling, image, owner, namespace = self.kinds[number % len(self.kinds)]
        base = pod("p", container(image))
        return replace(
            base,
            spec=replace(base.spec, scheduling=scheduling),
            owner=owner,
            namespace=namespace if owner is None else "default",
        )

    def bound(self, number):
        """A pod that was given its node, whatever the filters say."""
        if self.names:
            name, wanted = self.names[number % len(self.names)], self.wanted(number)
            self.fast.reserve(name, wanted)
            self.plain.pods.append(PlainPod(wanted, self.plain.find(name)))
            self.pods.append(self.plain.pods[-1])

    def pod(self, number):
        wanted = self.wanted(number)
        chosen = self.fast.choose(wanted)
        self.chosen = None if chosen is None else chosen.name
        self.expected = self.plain.choose(wanted)
        if self.expected is None:
            assert self.fast.explain(wanted).startswith(f"0/{len(self.names)} nodes are" if self.names else "no nodes")
        else:
            self.pods.append(self.plain.pods[-1])

    def end(self, number):
        if self.pods and not (ending := self.pods[number % len(self.pods)]).ending:
            ending.ending = True
            self.fast.ended(ending.node.node.name, ending.pod)

    def gone(self, number):
        if self.pods:
            gone = self.pods.pop(number % len(self.pods))
            if not gone.ending:
                self.fast.ended(gone.node.node.name, gone.pod)
            self.fast.leave(gone.node.node.name, gone.pod)
            self.plain.pods.remove(gone)

    def leave(self, number):
        if len(self.names) > 1:
            name = self.names.pop(number % len(self.names))
            self.pressed.discard(name)
            self.pods = [each for each in self.pods if each.node.node.name != name]
            self.fast.remove(name)
            self.plain.remove(name)

    def taint(self, number):
        if self.names:
            name = self.names[number % len(self.names)]
            self.pressed ^= {name}
            self.fast.taint(name, DISK_PRESSURE, tainted=name in self.pressed)
            plain = self.plain.find(name)
            (plain.taints.append if name in self.pressed else plain.taints.remove)(DISK_PRESSURE)

    def images(self, number):
        if self.names:
            name = self.names[number % len(self.names)]
            images = IMAGES[number % len(IMAGES)]
            self.fast.listed(self.fast.node(name), images)
            self.plain.find(name).images = images


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(["scheduler"] * 8 + ["spread", "pack"]), st.integers(0, 2**32), st.integers(5, 60))
def test_each_choice_is_that_of_the_plain_scheduler(how, seed, count):
    world = World(seed)
    pair = Pair(how, world.draw(world.pool, 3), world.draw(world.template, 4))
    for number in range(world.any((1, 3, 6))):
        pair.join(number)
    for _ in range(count):
        getattr(pair, world.any(STEPS))(world.random.randrange(100))
        assert pair.chosen == pair.expected
