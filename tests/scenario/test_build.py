import math

import pytest

from pullsim.errors import InputError
from pullsim.oci.manifest import Index, select
from pullsim.oci.platform import Platform
from pullsim.oci.reference import parse
from pullsim.scenario import from_mapping
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.runtime import ContainerdSpec, FixedFailure, FixedImage

FIXED = {"runtime": {"fixed": {}}}


def build(**mapping):
    return from_mapping({"nodes": [FIXED], **mapping}).build()


def test_defaults_are_those_of_the_simulation():
    (node,) = from_mapping({"nodes": [{}]}).build().nodes
    assert node.name == "nodes-0000"
    assert node.spec.runtime == ContainerdSpec()
    assert node.spec.loop == LoopSpec()
    assert node.spec.kubelet_version == (1, 35, 7)  # its newest known patch
    assert node.spec.platform == Platform("linux", "amd64")


def test_nodes_join_one_after_the_other():
    cluster = build(
        nodes=[{**FIXED, "name": "a", "count": 3, "join": {"at": "1s", "every": "2s"}}, {**FIXED, "name": "b"}]
    )
    assert [(node.name, node.joins) for node in cluster.nodes] == [
        ("a-0000", 1.0),
        ("a-0001", 3.0),
        ("a-0002", 5.0),
        ("b-0000", 0.0),
    ]


def test_most_pods_are_the_pools_or_the_kubelets():
    pools = [
        {"name": "a", "maxPods": 5, "kubelet": {"maxPods": 7}},
        {"name": "b", "kubelet": {"maxPods": 7}},
        {"name": "c"},
    ]
    assert [node.spec.max_pods for node in build(nodes=pools).nodes] == [5, 7, 110]


def test_gates_of_the_pool_go_over_the_kubelets():
    kubelet = {"featureGates": {"KubeletEnsureSecretPulledImages": True, "ImageVolume": True}}
    pool = {"kubelet": kubelet, "featureGates": {"KubeletEnsureSecretPulledImages": False}}
    for source in (pool, {**pool, "kubelet": {"kubeletconfig": kubelet}}):
        (node,) = build(nodes=[source]).nodes
        assert node.spec.kubelet.image_pull_credentials_verification_policy is None
        assert node.spec.kubelet.feature_gates["ImageVolume"]


def test_the_kubelets_version_decides():
    (node,) = build(nodes=[{"kubeletVersion": "1.30"}]).nodes
    assert node.spec.kubelet_version == (1, 30, 14)
    assert node.spec.kubelet.image_pull_credentials_verification_policy is None


def test_the_resync_interval_is_left_to_the_sync_frequency():
    (node,) = build(nodes=[{"kubelet": {"syncFrequency": "30s"}}]).nodes
    assert node.spec.loop.resync is None
    assert node.spec.kubelet.sync_frequency == 30.0


def test_a_replay_of_a_trace():
    (node,) = build(
        nodes=[
            {
                "kubelet": {"registryPullQPS": 0, "imagePullCredentialsVerificationPolicy": "NeverVerify"},
                "runtime": {
                    "fixed": {
                        "images": {
                            "app0:1": {"pull": "4s", "repull": "500ms", "size": 80000000, "removedAt": ["90s"]},
                            "gone": {"pull": "0s", "fail": {"after": "1s", "error": "no", "times": 2}},
                            "flaky": {"pull": "1s", "fail": {"after": "1s", "error": "no", "pattern": "FSF"}},
                        }
                    }
                },
                "simulation": {
                    "loop": "minimal",
                    "retry": {"base": "10s", "jitter": 0},
                    "resync": {"base": "60s", "jitter": 0},
                    "tickPhase": "0.7s",
                    "relistPhase": "0.3s",
                    "requeueDraws": {"p00": ["12.3s", "10.4s"]},
                    "imageBackoff": {"initial": "5s", "max": "60s"},
                },
            }
        ]
    ).nodes
    assert node.spec.runtime.images == {
        "app0:1": FixedImage(4.0, 0.5, 80_000_000, removed_at=(90.0,)),
        "gone:latest": FixedImage(0.0, fail=FixedFailure(1.0, "no", 2)),
        "flaky:latest": FixedImage(1.0, fail=FixedFailure(1.0, "no", -1, "FSF")),
    }
    assert node.spec.loop == LoopSpec(
        minimal=True,
        retry=Interval(10.0, 0.0),
        resync=Interval(60.0, 0.0),
        tick_phase=0.7,
        relist_phase=0.3,
        requeue_draws={"p00": (12.3, 10.4)},
        backoff_initial=5.0,
        backoff_max=60.0,
    )


@pytest.mark.parametrize(
    ("workload", "names"),
    [
        ({"name": "web", "pods": {"image": "x"}}, ["web"]),
        ({"name": "web", "pods": {"image": "x", "count": 2}}, ["web-00000", "web-00001"]),
        ({"pods": {"image": "x"}}, ["w0-00000"]),
        ({"name": "web", "pod": {"containers": [{"name": "c", "image": "x"}]}}, ["web"]),
        ({"name": "web", "pods": {"image": "x"}, "arrivals": {"at": ["1s", "2s"]}}, ["web-00000", "web-00001"]),
    ],
)
def test_names_of_pods(workload, names):
    assert [pod.name for pod in build(workloads=[workload]).pods] == names


def test_pods_come_by_their_time_of_creation():
    workloads = [
        {"name": "late", "pods": {"image": "x"}, "at": "1m", "deadline": "15m"},
        {"name": "early", "pods": {"image": "x", "count": 2}, "arrivals": {"every": "90s"}},
    ]
    pods = build(workloads=workloads).pods
    assert [(pod.name, pod.created, pod.deadline) for pod in pods] == [
        ("early-00000", 0.0, None),
        ("late", 60.0, 900.0),
        ("early-00001", 90.0, None),
    ]


def test_a_written_out_pod():
    pod = {
        "containers": [{"name": "app", "image": "x:1", "imagePullPolicy": "Always"}, {"name": "b", "image": "y"}],
        "initContainers": [
            {"name": "i", "image": "z:1", "run": "3s"},
            {"name": "s", "image": "z:1", "restartPolicy": "Always"},
        ],
    }
    (made,) = build(workloads=[{"pod": pod}]).pods
    assert [(entry.name, entry.policy) for entry in made.spec.containers] == [("app", "Always"), ("b", "Always")]
    assert [(entry.run, entry.sidecar) for entry in made.spec.init_containers] == [(3.0, False), (0.0, True)]
    assert made.spec.init_containers[0].policy == "IfNotPresent"


def test_given_places():
    nodes = [{**FIXED, "name": "a", "count": 2}]
    workloads = [{"pods": {"image": "x"}, "on": {"node": "a-0001"}}, {"pods": {"image": "x"}, "on": {"pool": "a"}}]
    pods = build(nodes=nodes, placement="given", workloads=workloads).pods
    assert [(pod.node, pod.pool) for pod in pods] == [("a-0001", None), (None, "a")]
    (alone,) = build(placement="given", workloads=[{"pods": {"image": "x"}}]).pods
    assert (alone.node, alone.pool) == (None, "nodes")


def test_a_name_that_is_no_image_is_left_to_the_run():
    workloads = [{"pods": {"image": image}} for image in ("docker.io/UPPER", "a b", "x:y:z")]
    assert len(from_mapping({"nodes": [{}], "workloads": workloads}).build().pods) == 3


@pytest.mark.parametrize(
    "more",
    [
        {"images": {"unknown": "notFound"}},
        {"registries": [{"host": "ex.com", "faults": [{"image": "team/gone:*", "status": 404}]}]},
        {"images": {"define": [{"image": "ex.com/team/gone:1", "layers": []}]}},
        {"nodes": [{"name": "a"}, {**FIXED, "name": "b"}], "on": {"pool": "b"}},
    ],
)
def test_an_image_may_be_missing_where_the_run_does_not_need_it(more):
    on = {"on": more["on"]} if "on" in more else {}
    rest = {key: value for key, value in more.items() if key != "on"}
    scenario = {"nodes": [{}], "workloads": [{"pods": {"image": "ex.com/team/gone:1"}, **on}], **rest}
    assert from_mapping(scenario).build().pods


@pytest.mark.parametrize(
    "fault",
    [
        {"image": "team/other:*", "status": 404},
        {"image": "team/gone:*", "status": 503},
        {"image": "team/gone:*", "status": 404, "for": "5m"},
        {"image": "team/gone:*", "status": 404, "at": "5m"},
    ],
)
def test_a_fault_that_does_not_always_answer_404_needs_the_image(fault):
    scenario = {
        "nodes": [{}],
        "registries": [{"host": "ex.com", "faults": [fault]}],
        "workloads": [{"pods": {"image": "ex.com/team/gone:1"}}],
    }
    with pytest.raises(InputError, match="is in no catalogue"):
        from_mapping(scenario).build()


def test_a_tag_moves_and_platforms_make_an_index():
    define = [
        {"image": "app:1", "layers": [{"size": "1MB"}], "tagMoves": [{"at": "10m", "layers": [{"size": "2MB"}]}]},
        {"image": "app:1", "platform": "linux/arm64", "layers": [{"size": "3MB"}]},
        {"image": "alone:1", "layers": [{"size": "1MB"}]},
    ]
    catalog = build(images={"define": define}).catalog
    assert catalog.moves() == [600.0]
    before, after = (catalog.lookup(parse("app:1"), t) for t in (0.0, 600.0))
    assert isinstance(before, Index)
    assert [sum(layer.size for layer in manifest.layers) for _, manifest in before.manifests] == [1_000_000, 3_000_000]
    assert [sum(layer.size for layer in manifest.layers) for _, manifest in after.manifests] == [2_000_000, 3_000_000]
    alone = catalog.lookup(parse("alone:1"), 0.0)
    assert select(alone, Platform.parse("linux/amd64")) is not None
    assert select(alone, Platform.parse("linux/arm64")) is None


def layers_of(catalog, name):
    return select(catalog.lookup(parse(name), math.inf), Platform.parse("linux/amd64")).layers


def test_layers_are_shared_by_digest_only():
    digest = "sha256:" + "d" * 64
    layers = [{"size": "1MB", "digest": digest}, {"size": "1MB"}, {"size": "1MB"}]
    define = [{"image": name, "layers": layers} for name in ("a", "b")]
    catalog = build(images={"define": define, "unpackRatio": 3}).catalog
    a, b = (layers_of(catalog, name) for name in ("a", "b"))
    assert a[0] == b[0]
    assert len({layer.digest for layer in (*a, *b)}) == 5
    assert a[1].unpacked == 3_000_000


def test_later_sources_win():
    define = [
        {"image": "nginx:1.12", "layers": [{"size": "1MB"}]},
        {"image": "nginx:1.12", "layers": [{"size": "2MB"}]},
    ]
    catalog = build(images={"define": define}).catalog
    assert [layer.size for layer in layers_of(catalog, "nginx:1.12")] == [2_000_000]


def test_registries():
    cluster = build(
        registries=[
            {
                "host": "a",
                "auth": "bearer",
                "tls": False,
                "head": "1ms",
                "faults": [{"at": "1s", "for": "2s", "refused": True}],
            },
            {"host": "b", "egress": "8bit/s", "tcp": {"maxWindow": "1MB"}},
        ]
    )
    a, b = cluster.registries
    assert (a.auth, a.tls, a.head, a.egress) == ("bearer", False, 1e-3, math.inf)
    assert (a.faults[0].at, a.faults[0].duration, a.faults[0].status) == (1.0, 2.0, None)
    assert (b.egress, b.max_window, b.initial_window) == (1.0, 1_000_000, 14_480)


def test_a_registry_that_no_image_comes_from_is_warned_of():
    mapping = {"nodes": [{}], "registries": [{"host": "dockr.io"}], "workloads": [{"pods": {"image": "nginx:1.12"}}]}
    assert from_mapping(mapping).assemble().warnings == ("registries[0]: no image comes from dockr.io",)
