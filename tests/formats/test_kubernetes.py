import json
from pathlib import Path

import pytest

from pullsim.errors import InputError
from pullsim.formats.kubernetes.objects import read_objects
from tests.support.manifests import assembled, built, pod, read, with_template

VECTORS = json.loads((Path(__file__).parents[1] / "data/vectors/imagepullpolicy_defaults.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["image"] or "empty")
def test_pull_policies_default_as_in_the_api_server(tmp_path, vector):
    objects = read(tmp_path, pod([{"name": "c", "image": vector["image"]}]))
    assert objects.groups[0].spec.containers[0].policy == vector["default_policy"]
    given = read(tmp_path, pod([{"name": "c", "image": vector["image"], "imagePullPolicy": "Never"}]))
    assert given.groups[0].spec.containers[0].policy == "Never"


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (pod(), ["p"]),
        (with_template("Deployment", replicas=2), ["d-00000", "d-00001"]),
        (with_template("Deployment"), ["d-00000"]),
        (with_template("Deployment", replicas=0), []),
        (with_template("StatefulSet", replicas=2), ["d-0", "d-1"]),
        (with_template("StatefulSet", replicas=2, ordinals={"start": 5}), ["d-5", "d-6"]),
        (with_template("Job"), ["d-00000"]),
        (with_template("Job", parallelism=3), ["d-00000", "d-00001", "d-00002"]),
        (with_template("Job", parallelism=3, completions=2), ["d-00000", "d-00001"]),
        (with_template("Job", parallelism=3, suspend=True), []),
    ],
)
def test_names_and_numbers_of_pods(tmp_path, given, names):
    assert [pod.name for pod in built(tmp_path, given).pods] == names


def test_a_daemon_set_is_one(tmp_path):
    (daemon_set,) = built(tmp_path, with_template("DaemonSet"), workload={"at": "5s"}).daemon_sets
    assert (daemon_set.name, daemon_set.namespace, daemon_set.created, daemon_set.pool) == ("d", "default", 5.0, None)


def test_init_containers_sidecars_and_their_time(tmp_path):
    inits = [{"name": "i", "image": "x"}, {"name": "s", "image": "y:1", "restartPolicy": "Always"}]
    template = {
        "metadata": {"annotations": {"pullsim.io/run": "i=3s, s=1m"}},
        "spec": pod(initContainers=inits)["spec"],
    }
    (group,) = read(tmp_path, with_template("Deployment", template=template)).groups
    first, second = group.spec.init_containers
    assert (first.run, first.sidecar, first.policy) == (3.0, False, "Always")
    assert (second.run, second.sidecar, second.policy) == (60.0, True, "IfNotPresent")


def test_lists_owners_and_other_kinds(tmp_path):
    owned = pod()
    owned["metadata"] = {"name": "d-abc", "ownerReferences": [{"kind": "ReplicaSet", "name": "r"}]}
    replica_set = with_template("ReplicaSet", "r", {"ownerReferences": [{"kind": "Deployment", "name": "d"}]})
    items = [with_template("Deployment"), replica_set, owned, {"kind": "Service", "metadata": {"name": "s"}}]
    objects = read(tmp_path, {"kind": "List", "apiVersion": "v1", "items": items})
    assert [group.name for group in objects.groups] == ["d"]
    assert [line.partition(": ")[2] for line in objects.ignored] == [
        "ReplicaSet r, made by Deployment",
        "Pod d-abc, made by ReplicaSet",
        "Service s",
    ]


def test_a_pod_list_as_kubectl_prints_it(tmp_path):
    item = {key: value for key, value in pod().items() if key not in ("kind", "apiVersion")}
    assert [group.kind for group in read(tmp_path, {"kind": "PodList", "items": [item]}).groups] == ["Pod"]


def test_namespaces(tmp_path):
    own = pod()
    own["metadata"]["namespace"] = "team"
    cluster = built(tmp_path, own, with_template("Job"), workload={"namespace": "other"})
    assert [(entry.name, entry.namespace) for entry in cluster.pods] == [("p", "team"), ("d-00000", "other")]


def test_node_names_and_selectors_are_honoured(tmp_path):
    nodes = [
        {"name": "amd", "count": 2, "runtime": {"fixed": {}}},
        {"name": "arm", "platform": "linux/arm64", "runtime": {"fixed": {}}},
    ]
    for spec, node, selector in (
        ({"nodeName": "amd-0001"}, "amd-0001", ()),
        (
            {"nodeSelector": {"kubernetes.io/hostname": "arm-0000"}},
            None,
            (("kubernetes.io/hostname", "arm-0000"),),
        ),
        ({"nodeSelector": {"kubernetes.io/arch": "arm64"}}, None, (("kubernetes.io/arch", "arm64"),)),
    ):
        (found,) = built(tmp_path, pod(**spec), nodes=nodes).pods
        assert (found.node, found.pool, found.spec.scheduling.node_selector) == (node, None, selector)
    for spec in ({"nodeName": "elsewhere"}, {"nodeSelector": {"kubernetes.io/arch": "amd64"}}):
        overruled = built(tmp_path, pod(**spec), nodes=nodes, workload={"on": {"pool": "arm"}}).pods[0]
        assert (overruled.node, overruled.pool, overruled.spec.scheduling.node_selector) == (None, "arm", ())


def test_what_is_left_out_is_warned_of(tmp_path):
    objects = read(
        tmp_path,
        pod(ephemeralContainers=[{"name": "debug", "image": "busybox"}]),
        with_template("StatefulSet", replicas=3),
        with_template("Job", "j", parallelism=2, completions=5),
    )
    assert [line.split(" is ")[0].split(" are ")[0] for line in objects.warnings] == [
        "Pod p: ephemeralContainers",
        "Job j: only the first 2 of 5 pods",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metadata": {}}, "a Kubernetes object is a mapping with apiVersion, kind and metadata"),
        ([1], "a Kubernetes object is a mapping"),
        (
            {"kind": "CronJob", "metadata": {"name": "c"}},
            "a pod needs containers",
        ),
        ({"kind": "Pod", "spec": {}}, "name is missing"),
        ({"kind": "Pod", "metadata": {"name": "p"}, "spec": {}}, "spec: a pod needs containers"),
        (pod([{"name": "c"}]), "spec.containers[c]: a container needs an image"),
        (pod([{"image": "x"}]), "spec.containers[x]: a container needs a name"),
        (
            pod([{"name": "c", "image": "x", "imagePullPolicy": "always"}]),
            "imagePullPolicy 'always' is not one of Always",
        ),
        (
            pod([{"name": "c", "image": "x", "imagePullPolcy": "Always"}]),
            "unknown field 'imagePullPolcy'; did you mean",
        ),
        (pod([{"name": "c", "image": 3}]), "image must be text, not 3"),
        (pod(initContainer=[]), "unknown field 'initContainer'; did you mean initContainers?"),
        (pod(containers=3), "containers must be a list of mappings"),
        (with_template("Deployment", replicas=-1), "replicas must be a whole number from 0 to 1000000, not -1"),
        (with_template("Deployment", replicas="3"), "replicas must be a whole number"),
        (with_template("Deployment", replica=3), "unknown field 'replica'; did you mean replicas?"),
        ({"kind": "Job", "metadata": {"name": "j"}, "spec": [1]}, "spec must be a mapping"),
        (
            {**pod(), "metadata": {"name": "p", "annotations": {"pullsim.io/run": "init=3s"}}},
            "there is no container 'init' that ends by itself",
        ),
        (
            {**pod(), "metadata": {"name": "p", "annotations": {"pullsim.io/run": "3s"}}},
            "'3s' is not NAME=DURATION, as in init=3s,other=10s",
        ),
    ],
)
def test_wrong_objects(tmp_path, given, message):
    with pytest.raises(InputError) as caught:
        read(tmp_path, given)
    assert str(caught.value).startswith(f"{tmp_path}/objects.yaml:1:")
    assert message in str(caught.value)


def test_nodes_of_a_dump_that_there_are_not(tmp_path):
    def on(name, node):
        return {**pod(nodeName=node), "metadata": {"name": name}}

    given = [on(f"p{number}", node) for number, node in enumerate(["ip-1", "ip-2", "ip-2", "ip-3", "ip-4", "n-0001"])]
    found = assembled(tmp_path, *given, on("q", "n-O000"))
    assert [pod.node for pod in found.cluster.pods] == [None] * 5 + ["n-0001", None]
    (warning,) = [text for text in found.warnings if "nodeName" in text]
    assert warning.startswith(
        "objects.yaml: nodeName of Pod (6): there is no node 'ip-1', 'ip-2', 'ip-3' and 2 more: they go where"
    )
    assert not [text for text in assembled(tmp_path, *given, workload={"on": {"pool": "n"}}).warnings if "ip-" in text]


def test_a_misspelt_node_gets_the_right_name(tmp_path):
    (warning,) = [text for text in assembled(tmp_path, pod(nodeName="n-000O")).warnings if "nodeName" in text]
    assert "there is no node 'n-000O'; did you mean n-000" in warning


QUOTAS = "this kind is not simulated: it neither refuses pods nor changes them"


def test_what_is_left_out_is_told_once_by_kind(tmp_path):
    others = [
        {"kind": kind, "metadata": {"name": f"x{n}"}} for n, kind in enumerate(["ConfigMap", "Service", "Service"])
    ]
    quotas = [{"kind": "ResourceQuota", "metadata": {"name": name}} for name in ("q", "r", "s")]
    done = {**pod(), "status": {"phase": "Succeeded"}}
    objects = read(tmp_path, pod(), *others, *quotas, {**done, "metadata": {"name": "a"}})
    assert [group.name for group in objects.groups] == ["p"]
    assert objects.warnings == [
        f"ResourceQuota q and 2 more: {QUOTAS}",
        "objects.yaml: left out, as not simulated: Service (2), ConfigMap (1), pods that have Succeeded (1)",
    ]


def test_one_warning_about_many_pods(tmp_path):
    many = [{**pod(ephemeralContainers=[{}]), "metadata": {"name": f"p{number}"}} for number in range(5)]
    (warning,) = read(tmp_path, *many).warnings
    assert warning.startswith("Pod p0 and 4 more: ephemeralContainers are left out")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"kind": "List", "items": [{"kind": "Event", "metadata": {"name": "e"}}] * 2}, r"Event \(2\): `pullsim fit"),
        ({"kind": "NodeList", "items": [{"metadata": {"name": "n"}}]}, r"Node \(1\): `pullsim init"),
        ({"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"}, "nodes...kubelet: "),
        ({"kind": "Config", "apiVersion": "v1", "users": []}, "it is a kubeconfig"),
        ({"kind": "Status", "apiVersion": "v1", "status": "Failure"}, "an error that the API server answered"),
        ({"schemaVersion": 2, "config": {}, "layers": []}, "an image's manifest, which goes to images.manifests"),
        ({"schemaVersion": 2, "manifests": []}, "an image's index, which goes to images.manifests"),
        ({"nodes": [], "workloads": []}, "this is a scenario"),
    ],
)
def test_what_is_no_manifest_is_told_where_it_goes(tmp_path, given, what):
    with pytest.raises(InputError, match=what) as caught:
        read(tmp_path, given)
    assert str(caught.value).startswith(f"{tmp_path}/objects.yaml:1:1: ")


def test_events_beside_pods_are_left_out(tmp_path):
    event = {"kind": "Event", "metadata": {"name": "e"}}
    assert read(tmp_path, pod(), event, event).warnings == ["objects.yaml: left out, as not simulated: Event (2)"]


def test_an_empty_file(tmp_path):
    with pytest.raises(InputError, match="the file has no Kubernetes objects"):
        read(tmp_path)


def test_one_pod_name_of_two_objects(tmp_path):
    with pytest.raises(InputError, match=r"makes the pod default/p, which workloads\[0\] \(workload p\) makes too"):
        built(tmp_path, pod(), pod())
    daemon = with_template("DaemonSet", "p")
    taken = {**pod(), "metadata": {"name": "p-n-0001"}}
    with pytest.raises(InputError, match="makes the pod default/p-n-0001"):
        built(tmp_path, taken, daemon)


POD_TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1.12"}]}}


@pytest.mark.parametrize(
    "kind, spec, pods",
    [
        ("Rollout", {"replicas": 3, "template": POD_TEMPLATE}, {"x": 3}),
        ("CloneSet", {"template": POD_TEMPLATE}, {"x": 1}),
        ("InferenceService", {"predictor": {"minReplicas": 2, **POD_TEMPLATE["spec"]}}, {"x": 2}),
        (
            "JobSet",
            {
                "replicatedJobs": [
                    {"name": "driver", "template": {"spec": {"template": POD_TEMPLATE}}},
                    {"name": "work", "replicas": 2, "template": {"spec": {"parallelism": 4, "template": POD_TEMPLATE}}},
                ]
            },
            {"x-driver": 1, "x-work": 8},
        ),
        (
            "LeaderWorkerSet",
            {"replicas": 2, "leaderWorkerTemplate": {"size": 3, "workerTemplate": POD_TEMPLATE}},
            {"x": 6},
        ),
    ],
)
def test_pod_templates_of_other_kinds_are_found_by_their_shape(kind, spec, pods, tmp_path):
    path = tmp_path / "objects.json"
    path.write_text(json.dumps({"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}))
    objects = read_objects(path)
    assert {group.name: len(group.pods) for group in objects.groups} == pods
    assert {group.spec.containers[0].image for group in objects.groups} == {"nginx:1.12"}
    assert {dict(group.spec.scheduling.labels).get("app") for group in objects.groups} <= {"x", None}
    (warning,) = objects.warnings
    assert warning.startswith(f"{kind} x: its pods are simulated as those of a ReplicaSet")


def test_an_error_in_a_template_of_another_kind_has_its_place(tmp_path):
    path = tmp_path / "objects.yaml"
    path.write_text(
        "kind: Rollout\nmetadata: {name: x}\nspec:\n  template:\n    spec:\n      containers:\n"
        "      - {name: c, image: a, imagePullPolicy: Sometimes}\n"
    )
    with pytest.raises(InputError, match="imagePullPolicy 'Sometimes' is not one of") as raised:
        read_objects(path)
    assert raised.value.errors[0].location.line == 7


def test_owners_of_one_name_and_several_kinds_are_told_apart(tmp_path):
    kinds = [with_template(kind, "web", replicas=2) for kind in ("Deployment", "StatefulSet")]
    cluster = built(tmp_path, *kinds, with_template("DaemonSet", "web"), with_template("Deployment", "db"))
    assert [each.name for each in cluster.daemon_sets] == ["web"]
    assert [pod.workload for pod in cluster.pods] == ["web-deployment"] * 2 + ["web-statefulset"] * 2 + ["db"]
    alone = built(tmp_path, *kinds, with_template("Deployment", "web-statefulset"))
    assert [pod.workload for pod in alone.pods] == ["web"] * 2 + ["web-statefulset-2"] * 2 + ["web-statefulset"]
    elsewhere = with_template("StatefulSet", "web", {"namespace": "other"}, replicas=1)
    assert {pod.workload for pod in built(tmp_path, kinds[0], elsewhere).pods} == {"web"}


@pytest.mark.parametrize(
    ("written", "account"),
    [({}, "default"), ({"serviceAccount": "a"}, "a"), ({"serviceAccount": "a", "serviceAccountName": "b"}, "b")],
)
def test_the_old_name_of_a_service_account_counts_where_the_new_one_is_not(tmp_path, written, account):
    path = tmp_path / "pod.json"
    spec = {"containers": [{"name": "c", "image": "nginx"}], **written}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}))
    assert [group.spec.service_account for group in read_objects(path).groups] == [account]
