"""Single files of every form, alone: each is recognised by what it holds, and the scenario runs."""

import json

import pytest
import yaml

import pullsim
from pullsim.errors import InputError
from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from tests.support.cluster_dumps import DUMPS
from tests.support.imports import node, scenario_of, tree_of

FILES = sorted(
    str(path.relative_to(DUMPS))
    for path in DUMPS.rglob("*")
    if path.is_file()
    and path.suffix != ".gz"
    and path.name not in ("expected.json", "README.md", "logs.txt")
    and "sha256" not in path.name
)
#: What alone says nothing of a cluster: empty lists, and images without sizes.
NOTHING = (
    "small-kubeadm/cluster-info-dump/kube-flannel/deployments.json",
    "small-kubeadm/cluster-info-dump/shop/daemonsets.json",
    "forms/images/crane-config-wordpress.json",
    "forms/images/docker-manifest-inspect-haproxy.json",
    "forms/images/oras-descriptor-weights.json",
    "forms/images/skopeo-inspect-old-mongo.json",
    "forms/workloads/shop.sktrace",
    "forms/workloads/shop.sktrace.json",
)


@pytest.mark.parametrize("name", FILES)
def test_each_file_alone(name, dumps):
    if name in NOTHING or name.endswith(("replicasets.json", "replication-controllers.json", "services.json")):
        with pytest.raises(InputError, match="nothing of a cluster"):
            import_cluster([str(dumps / name)], Question.rollout)
    else:
        scenario_of(import_cluster([str(dumps / name)], Question.rollout)[0]).build()


def workloads(dumps, name):
    made = tree_of(dumps / "forms/workloads" / name)["workloads"]
    return {each["name"]: each["count"] for each in made}, {each["name"]: each for each in made}


def test_helm_output(dumps):
    counts, made = workloads(dumps, "helm-template.yaml")
    assert counts == {"shop-web": 6, "shop-report": 4}
    assert made["shop-web"]["pod"]["imagePullSecrets"]


def test_kustomize_output(dumps):
    counts, _ = workloads(dumps, "kustomize-build.yaml")
    assert sorted(counts.values()) == [3, 3]
    tree = tree_of(dumps / "forms/workloads/kustomize-build.yaml")
    assert tree["nodes"][0]["labels"] == {"pool": "web"}


@pytest.mark.parametrize("name, count", [("argo-rollout.yaml", 10), ("jobset.yaml", 9), ("kserve.yaml", 1)])
def test_pod_templates_by_shape(name, count, dumps):
    counts, _ = workloads(dumps, name)
    assert sum(counts.values()) == count


def test_what_jobs_of_gpus_ask_for_fits(dumps):
    text, _ = import_cluster([str(dumps / "forms/workloads/jobset.yaml")], Question.rollout)
    summary = pullsim.summarize(pullsim.run(scenario_of(text)))
    assert summary.pods.started == summary.pods.total


def test_a_leader_worker_set_is_leaders_and_workers(tmp_path):
    pod = {"spec": {"containers": [{"name": "c", "image": "nginx:1.12"}]}}
    inner = {"size": 4, "workerTemplate": pod, "leaderTemplate": pod}
    spec = {"replicas": 2, "leaderWorkerTemplate": inner}
    (tmp_path / "lws.json").write_text(json.dumps({"kind": "LeaderWorkerSet", "metadata": {"name": "x"}, "spec": spec}))
    assert {each["name"]: each["count"] for each in tree_of(tmp_path)["workloads"]} == {"x-leader": 2, "x-worker": 6}


@pytest.mark.parametrize(
    "name, key, right",
    [
        ("config/openshift-kubeletconfig.yaml", "kubelet", {"maxParallelImagePulls": 4, "serializeImagePulls": False}),
        ("config/configz-with-unknown-field.json", "kubelet", {"maxParallelImagePulls": 2, "registryPullQPS": 0}),
    ],
)
def test_settings_of_kubelets(name, key, right, dumps):
    (pool,) = tree_of(dumps / "forms" / name)["nodes"]
    assert right.items() <= pool[key].items()
    assert pool["maxPods"] == {"config/openshift-kubeletconfig.yaml": 300}.get(name, 64)


@pytest.mark.parametrize(
    "name, layers, size",
    [
        ("skopeo-raw-postgres.json", 12, 104_129_997),
        ("skopeo-inspect-rabbitmq.json", 12, 68_059_318),
        ("crane-manifest-wordpress-index.json", 19, 144_142_273),
        ("docker-manifest-inspect-v-single.json", 34, 5_552_488_336),
    ],
)
def test_layers_of_image_files(name, layers, size, dumps):
    (entry,) = tree_of(dumps / "forms/images" / name)["images"]["define"]
    assert len(entry["layers"]) == layers
    assert sum(layer["size"] for layer in entry["layers"]) == size


def test_manifests_in_a_directory_give_layers_to_images_of_pods(dumps, tmp_path):
    manifest = (dumps / "forms/images/skopeo-raw-postgres.json").read_text()
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/ghcr.io+team+app:v1,linux+amd64.json").write_text(manifest)
    containers = [{"name": "c", "image": "ghcr.io/team/app:v1"}, {"name": "d", "image": "ghcr.io/team/other:v1"}]
    (tmp_path / "pod.json").write_text(
        json.dumps({"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers}})
    )
    text, told = import_cluster([str(tmp_path)], Question.rollout)
    known, guessed = yaml.safe_load(text)["images"]["define"]
    assert len(known["layers"]) == 12
    assert guessed["size"] == 250_000_000
    assert any("ghcr.io/team/other:v1" in line for line in told)
    assert 'crane manifest --platform "$platform" "$image"' in text


def pod(name, image, on):
    spec = {"nodeName": on, "containers": [{"name": "c", "image": image}]}
    return {"kind": "Pod", "metadata": {"name": name}, "spec": spec, "status": {"phase": "Running"}}


def test_sizes_of_crio_are_unpacked(tmp_path):
    image = "quay.example.com/a:1"
    for number, each in enumerate((node("n", "cri-o://1.31.7-2.rhaos4.18", [([image], 10**9)]), pod("p", image, "n"))):
        (tmp_path / f"{number}.json").write_text(json.dumps(each))
    tree = tree_of(tmp_path)
    assert tree["images"]["define"] == [{"image": image, "platform": "linux/amd64", "unpacked": 10**9}]
    assert tree["nodes"][0]["runtime"] == {"crio": "1.31"}


def test_a_must_gather_has_each_pod_once(tmp_path):
    core = tmp_path / "must-gather/quay-io-x-sha256-1/namespaces/shop"
    for where in ("core/pods.yaml", "pods/web-0/web-0.yaml"):
        (core / where).parent.mkdir(parents=True, exist_ok=True)
    each = pod("web-0", "nginx:1.12", "n")
    each["metadata"] |= {
        "namespace": "shop",
        "ownerReferences": [{"kind": "StatefulSet", "name": "web", "controller": True}],
    }
    (core / "core/pods.yaml").write_text(yaml.safe_dump({"kind": "PodList", "items": [each]}))
    (core / "pods/web-0/web-0.yaml").write_text(yaml.safe_dump(each))
    nodes = tmp_path / "must-gather/quay-io-x-sha256-1/cluster-scoped-resources/core/nodes"
    nodes.mkdir(parents=True)
    (nodes / "n.yaml").write_text(
        yaml.safe_dump(node("n", "cri-o://1.31.1", [], **{"node-role.kubernetes.io/worker": ""}))
    )
    tree = tree_of(tmp_path)
    assert [(each["name"], each["count"]) for each in tree["workloads"]] == [("web", 1)]
    assert [pool["name"] for pool in tree["nodes"]] == ["worker"]


def test_a_deployment_and_its_replica_set_count_once(tmp_path):
    template = {"spec": {"containers": [{"name": "c", "image": "nginx:1.12"}]}}
    deployment = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3, "template": template}}
    owners = [{"kind": "Deployment", "name": "web", "controller": True}]
    replica_set = {
        "kind": "ReplicaSet",
        "metadata": {"name": "web-1", "ownerReferences": owners},
        "spec": deployment["spec"],
    }
    (tmp_path / "list.json").write_text(json.dumps({"kind": "List", "items": [deployment, replica_set]}))
    assert [(each["name"], each["count"]) for each in tree_of(tmp_path)["workloads"]] == [("web", 3)]


def event(number, seconds, size, *, new=False):
    at = f"2026-09-14T{6 + number // 60:02}:{number % 60:02}:00Z"
    text = f'Successfully pulled image "a.example.com/i:{number}" in {seconds}s ({seconds}s including waiting).'
    text += f" Image size: {size} bytes."
    names = {"kind": "Event", "reason": "Pulled", "metadata": {"name": f"e{number}", "namespace": "d"}}
    if new:
        return {
            **names,
            "note": text,
            "deprecatedSource": {"host": "n"},
            "deprecatedLastTimestamp": at,
            "eventTime": None,
        }
    return {**names, "message": text, "source": {"host": "n"}, "lastTimestamp": at}


def test_events_of_both_shapes_count_once_and_give_figures(tmp_path):
    pulls = [(number, 2 + number, 50_000_000 * (1 + number)) for number in range(16)]
    (tmp_path / "node.json").write_text(json.dumps(node("n", "containerd://1.7.0", [])))
    (tmp_path / "v1.json").write_text(json.dumps({"kind": "List", "items": [event(*pull) for pull in pulls]}))
    (tmp_path / "new.json").write_text(
        json.dumps({"kind": "List", "items": [event(*pull, new=True) for pull in pulls[:9]]})
    )
    text, told = import_cluster([str(tmp_path)], Question.rollout)
    assert any("fitted on 16 pulls" in line for line in told)
    assert "# fitted: " in text
    scenario_of(text).build()


def machine(name, cores, *taints, **labels):
    made = node(name, "containerd://1.7.0", [], **labels)
    made["status"]["capacity"] = {"cpu": str(cores)}
    made["spec"] = {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]}
    return made


@pytest.mark.parametrize(
    "nodes, right",
    [
        ([machine("a", 8), machine("b", 8), machine("c", 32)], {"worker-8-cores": 2, "worker-32-cores": 1}),
        ([machine("a", 8), machine("b", 8, "karpenter.sh/disrupted", "node.kubernetes.io/not-ready")], {"worker": 2}),
        ([machine("a", 8), machine("b", 8, "gpu")], {"worker-other": 1, "worker-gpu-noschedule": 1}),
        ([machine("a", 8, pool="x"), machine("b", 8, "gpu", pool="x"), machine("c", 8, "gpu", pool="x")], {"x": 3}),
        ([machine(each, 4, **{"node-role.kubernetes.io/infra": ""}) for each in "ab"], {"infra": 2}),
    ],
)
def test_pools_of_machines(nodes, right, tmp_path):
    (tmp_path / "nodes.json").write_text(json.dumps({"kind": "List", "items": nodes}))
    assert {each["name"]: each["count"] for each in tree_of(tmp_path)["nodes"]} == right


@pytest.mark.parametrize("question", list(Question))
def test_workloads_of_one_name_in_several_namespaces(question, tmp_path):
    template = {"spec": {"containers": [{"name": "c", "image": "nginx:1.12"}]}}
    objects = [
        {"kind": kind, "metadata": {"name": "web", "namespace": each}, "spec": {"replicas": 2, "template": template}}
        for each in ("prod", "staging", "web", "Web")
        for kind in ("Deployment", "StatefulSet", "DaemonSet")
    ]
    (tmp_path / "list.json").write_text(json.dumps({"kind": "List", "items": objects}))
    text, _ = import_cluster([str(tmp_path)], question)
    assert {"web", "web-prod", "web-staging"} <= {each["name"] for each in yaml.safe_load(text)["workloads"]}
    scenario_of(text).build()
