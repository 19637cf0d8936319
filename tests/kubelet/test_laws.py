"""Laws of the kubelet that hold for any workload: random pods, policies, failing images, nodes, runtimes, releases."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.kernel.clock import nanoseconds
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Layer, Manifest, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.oci.reference import cri_image
from pullsim.releases.containerd import CONTAINERD
from pullsim.results import check
from pullsim.results.exports.registry import summary_json
from pullsim.results.summary.summary import summarize
from pullsim.run import simulate
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Pod, PodSpec
from pullsim.spec.hardware import NicSpec
from pullsim.spec.registry import Fault, RegistrySpec
from pullsim.spec.runtime import ContainerdSpec, FixedFailure, FixedImage, FixedSpec
from tests.support.outcome import whole

HOST = "registry.test"
GOOD = (f"{HOST}/a:1", f"{HOST}/b:1", f"{HOST}/c", f"{HOST}/c:latest")
BAD = (f"{HOST}/none:1", f"{HOST}/flaky:1", "Invalid")
SECONDS = st.sampled_from([0.0, 0.0, 0.3, 1.0, 2.5, 11.0, 40.0])


@st.composite
def runtimes(draw):
    """containerd of some release, or given durations."""
    if draw(st.booleans()):
        version = draw(st.sampled_from([(1, 6), (2, 0), (2, 1)]))
        return ContainerdSpec(
            CONTAINERD.resolve(version), draw(st.sampled_from([1, 3])), draw(st.sampled_from([0.0, 2.1e-3]))
        )
    images = {
        cri_image(name): FixedImage(
            draw(st.sampled_from([0.0, 0.7, 4.0])), 0.2, 10, present=draw(st.integers(0, 4)) == 0
        )
        for name in GOOD
    }
    failure = FixedFailure(draw(st.sampled_from([0.0, 1.0, 33.0])), "boom", pattern=draw(st.text("FS", max_size=4)))
    return FixedSpec({**images, BAD[1]: FixedImage(1.0, 0.2, 10, fail=failure)})


@st.composite
def node_specs(draw, pool):
    version = draw(st.sampled_from([(1, 26), (1, 30), (1, 33), (1, 35), (1, 36)]))
    serialize = draw(st.booleans())
    config = {
        "serializeImagePulls": serialize,
        "registryPullQPS": draw(st.sampled_from([0, 1, 5])),
        "registryBurst": draw(st.sampled_from([1, 2, 10])),
    }
    if not serialize and version >= (1, 27):
        config["maxParallelImagePulls"] = draw(st.sampled_from([None, 1, 2, 3]))
    if version >= (1, 35):
        policies = ["NeverVerify", "NeverVerifyPreloadedImages", "AlwaysVerify"]
        config["imagePullCredentialsVerificationPolicy"] = draw(st.sampled_from(policies))
    loop = draw(
        st.sampled_from(
            [
                LoopSpec(),
                LoopSpec(minimal=True, retry=Interval(10.0, 0.0)),
                LoopSpec(retry=Interval(3.0, 0.5), backoff_initial=2.0, backoff_max=9.0),
            ]
        )
    )
    return NodeSpec(
        pool,
        Platform("linux", "amd64"),
        nic=NicSpec(draw(st.sampled_from([1.25e9, 20e6]))),
        kubelet=read_kubelet_configuration(config, version),
        kubelet_version=version,
        loop=loop,
        runtime=draw(runtimes()),
        cached=(),
    )


@st.composite
def worlds(draw):
    specs = [draw(node_specs("n")), draw(node_specs("m"))]
    nodes = tuple(
        Node(f"n{n}", draw(st.sampled_from(specs)), draw(st.sampled_from([0.0, 3.0])))
        for n in range(draw(st.integers(1, 3)))
    )
    names = st.sampled_from([*GOOD, *GOOD, *BAD])
    policies = st.sampled_from(["IfNotPresent", "Always", "Never"])
    pods = []
    for number in range(draw(st.integers(1, 9))):
        containers = tuple(ContainerSpec(f"c{n}", draw(names), draw(policies)) for n in range(draw(st.integers(1, 2))))
        init = tuple(
            ContainerSpec(f"i{n}", draw(names), draw(policies), run=draw(st.sampled_from([0.0, 2.0])))
            for n in range(draw(st.integers(0, 1)))
        )
        where = draw(st.sampled_from([None, *(node.name for node in nodes)]))
        pods.append(Pod(f"p{number}", "default", "w", PodSpec(containers, init), created=draw(SECONDS), node=where))
    content = Catalog()
    for name in {cri_image(name) for name in GOOD}:
        pieces = draw(st.lists(st.sampled_from([10**5, 5 * 10**6, 3 * 10**7]), min_size=1, max_size=3))
        layers = [Layer.of(synthetic_digest("layer", str(size)), size, unpacked=2 * size) for size in pieces]
        content.add(name, Manifest.of(layers))
    faults = draw(st.sampled_from([(), (Fault(0.0, 15.0, None, 503),), (Fault(0.5, 30.0, "a:*", None),)]))
    return ClusterSpec(
        nodes,
        tuple(sorted(pods, key=lambda pod: pod.created)),
        registries=(RegistrySpec(HOST, egress=draw(st.sampled_from([float("inf"), 50e6])), faults=faults),),
        catalog=content,
        seed=draw(st.integers(0, 3)),
        horizon=120.0,
    )


# ---------------------------------------------------------------- the laws


def by_node(rows):
    found = defaultdict(list)
    for row in rows:
        found[row.node].append(row)
    return found


def serial_pulls_are_first_come_first_served(spec, result):
    """The order of the events Pulling is the order of the pulls, which never overlap."""
    serial = {node.name for node in spec.nodes if node.spec.kubelet.serialize_image_pulls}
    asked = by_node(event for event in result.events if event.reason == "Pulling")
    for node, pulls in by_node(result.pulls).items():
        if node in serial:
            order = [(event.pod, event.container) for event in asked[node]]
            assert [(pull.pod, pull.container) for pull in pulls] == order[: len(pulls)]
            assert all(first.ended <= second.started for first, second in pairwise(pulls))


def tokens_are_given_first_come_first_served(spec, result):
    for pulls in by_node(result.pulls).values():
        ordered = sorted(pulls, key=lambda pull: pull.requested)
        for first, second in pairwise(ordered):
            assert first.requested == second.requested or first.started <= second.started


def no_more_pulls_at_once_than_allowed(spec, result):
    most = {node.name: node.spec.kubelet for node in spec.nodes}
    for node, pulls in by_node(result.pulls).items():
        config = most[node]
        limit = 1 if config.serialize_image_pulls else config.max_parallel_image_pulls
        changes = sorted(
            [(pull.ended, -1) for pull in pulls] + [(pull.started, 1) for pull in pulls if pull.ended > pull.started]
        )
        running = 0
        for _, change in changes:
            running = max(0, running + change)
            assert limit is None or running <= limit


def no_attempt_falls_in_a_back_off_window(spec, result):
    """By pod and image text: 10 s (or what the loop says), doubled up to the cap, from the end of the last failure."""
    loops = {node.name: node.spec.loop for node in spec.nodes}
    tries = defaultdict(list)
    for pull in sorted(result.pulls, key=lambda pull: pull.requested):
        tries[pull.pod, pull.image].append(pull)
    for pulls in tries.values():
        loop = loops[pulls[0].node]
        initial, cap = nanoseconds(loop.backoff_initial), nanoseconds(loop.backoff_max)
        delay = failed = None
        for pull in pulls:
            if failed is not None and nanoseconds(pull.requested) - failed <= 2 * cap:
                assert nanoseconds(pull.requested) - failed >= delay
            if not pull.ok:
                now = nanoseconds(pull.ended)
                fresh = failed is None or now - failed > 2 * cap
                delay, failed = (initial if fresh else min(2 * delay, cap)), now


def a_back_off_is_only_told_in_its_window(spec, result):
    loops = {node.name: node.spec.loop for node in spec.nodes}
    ended = defaultdict(list)
    for pull in result.pulls:
        if not pull.ok:
            ended[pull.pod, pull.image].append(pull.ended)
    for event in result.events:
        if event.reason == "BackOff":
            last = max(t for t in ended[event.pod, event.image] if t <= event.t)
            assert event.t - last < loops[event.node].backoff_max


def never_means_never(spec, result):
    forbidden = {
        (pod.name, container.name)
        for pod in spec.pods
        for container in (*pod.spec.containers, *pod.spec.init_containers)
        if container.policy == "Never"
    }
    assert not forbidden & {(pull.pod, pull.container) for pull in result.pulls}
    assert not forbidden & {
        (event.pod, event.container) for event in result.events if event.reason in ("Pulling", "BackOff")
    }


def what_a_node_has_pulled_is_not_pulled_again_if_not_present(spec, result):
    policy = {
        (pod.name, container.name): container.policy
        for pod in spec.pods
        for container in (*pod.spec.containers, *pod.spec.init_containers)
    }
    for pulls in by_node(result.pulls).values():
        got = {}
        for pull in pulls:
            if pull.ok:
                name = cri_image(pull.image)
                got[name] = min(got.get(name, pull.ended), pull.ended)
        for pull in pulls:
            if policy[pull.pod, pull.container] == "IfNotPresent":
                assert pull.requested <= got.get(cri_image(pull.image), pull.requested)


def every_second_belongs_to_one_stage(spec, result):
    assert all(whole(row) for row in [*result.pods, *result.pulls])


def the_bucket_of_pulls_a_second_is_kept_to(spec, result):
    """A bucket of registryBurst tokens, registryPullQPS a second: no more are taken, none is refused in vain."""
    configs = {node.name: node.spec.kubelet for node in spec.nodes}
    for node, pulls in by_node(result.pulls).items():
        qps, burst = configs[node].registry_pull_qps, configs[node].registry_burst
        if not qps:
            assert all(pull.cause != "qps" for pull in pulls)
            continue
        begun = [pull.started for pull in sorted(pulls, key=lambda pull: pull.started) if pull.cause != "qps"]
        for first in range(len(begun)):
            for last in range(first, len(begun)):
                assert last - first + 1 <= burst + qps * (begun[last] - begun[first]) + 1e-6
        for pull in pulls:
            if pull.cause == "qps":
                assert pull.started == pull.ended
                tokens, before = float(burst), 0.0
                for t in begun:
                    if t > pull.started:
                        break
                    tokens, before = min(float(burst), tokens + (t - before) * qps) - 1.0, t
                assert min(float(burst), tokens + (pull.started - before) * qps) < 1.0 + 1e-6


def every_pulling_has_one_outcome(spec, result):
    """Between two Pulling of a container there is one Pulled or Failed to pull."""
    stories = defaultdict(list)
    for event in result.events:
        if event.reason == "Pulling" or event.message.startswith(("Successfully pulled", "Failed to pull")):
            stories[event.pod, event.container].append(event.reason)
    for story in stories.values():
        assert story[::2] == ["Pulling"] * len(story[::2])
        assert set(story[1::2]) <= {"Pulled", "Failed"}


LAWS = [
    serial_pulls_are_first_come_first_served,
    tokens_are_given_first_come_first_served,
    no_more_pulls_at_once_than_allowed,
    no_attempt_falls_in_a_back_off_window,
    a_back_off_is_only_told_in_its_window,
    never_means_never,
    what_a_node_has_pulled_is_not_pulled_again_if_not_present,
    every_second_belongs_to_one_stage,
    the_bucket_of_pulls_a_second_is_kept_to,
    every_pulling_has_one_outcome,
]
many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@many
@given(worlds())
def test_laws(spec):
    result = simulate(spec)
    assert check(result) == []
    for law in LAWS:
        law(spec, result)


@settings(many, max_examples=40)
@given(worlds())
def test_the_same_seed_gives_the_same_bytes(spec):
    first, second = simulate(spec), simulate(spec)
    assert summary_json(summarize(first)).encode() == summary_json(summarize(second)).encode()
    assert repr([first.events, first.pulls, first.layers, first.pods]) == repr(
        [second.events, second.pulls, second.layers, second.pods]
    )
