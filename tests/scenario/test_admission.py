"""What the API server does to the pods of a scenario: in its own form, and in manifests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pullsim.errors import InputErrors
from pullsim.scenario import from_mapping
from pullsim.spec.pod import ImageVolume
from pullsim.spec.runtime import RuntimeHandler

FIXED = {"name": "n", "runtime": {"fixed": {}}}
DEFAULTS = json.loads((Path(__file__).parents[1] / "data/vectors/imagepullpolicy_defaults.json").read_text())
POD = {
    "containers": [
        {"name": "app", "image": "app:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        {"name": "side", "image": "side:1", "imagePullPolicy": "Never"},
    ],
    "initContainers": [{"name": "init", "image": "init:1"}],
    "volumes": [{"name": "data", "image": {"reference": "data:1", "pullPolicy": "Never"}}],
}


def assemble(pod, *, form="pod", tmp_path=".", objects=(), nodes=(FIXED,), **scenario):
    """The scenario of one pod, written out or as a manifest."""
    if form == "manifest":
        written = [{"kind": "Pod", "metadata": {"name": "web"}, "spec": pod}, *objects]
        (Path(tmp_path) / "objects.yaml").write_text("\n---\n".join(map(json.dumps, written)))
        workload = {"manifest": "objects.yaml"}
    else:
        workload = {"name": "web", form: pod}
    return from_mapping({"nodes": list(nodes), "workloads": [workload], **scenario}, directory=tmp_path).assemble()


def refused(*args, **kwargs):
    with pytest.raises(InputErrors) as caught:
        assemble(*args, **kwargs)
    return [error.message for error in caught.value.errors]


both = pytest.mark.parametrize("form", ["pod", "manifest"])


@both
def test_always_pull_images_changes_containers_init_containers_and_image_volumes(form, tmp_path):
    for value, policies in ((True, ["Always"] * 4), (False, ["IfNotPresent", "IfNotPresent", "Never", "Never"])):
        (pod,) = assemble(POD, form=form, tmp_path=tmp_path, admission={"alwaysPullImages": value}).cluster.pods
        assert [want.policy for want in pod.spec.wants] == policies


def test_always_pull_images_in_the_shorthand():
    (pod,) = assemble({"image": "app:1"}, form="pods", admission={"alwaysPullImages": True}).cluster.pods
    assert pod.spec.containers[0].policy == "Always"


@both
def test_the_plugins_second_half_refuses_every_other_policy(form, tmp_path):
    texts = refused(POD, form=form, tmp_path=tmp_path, admission={"alwaysPullImages": "validate"})
    assert [text.partition(": ")[2] for text in texts] == [
        f'pods "web" is forbidden: spec.{field}: Unsupported value: "{policy}": supported values: "Always"'
        for field, policy in (
            ("initContainers[0].imagePullPolicy", "IfNotPresent"),
            ("containers[0].imagePullPolicy", "IfNotPresent"),
            ("containers[1].imagePullPolicy", "Never"),
            ("volumes[0].image.pullPolicy", "Never"),
        )
    ]


def test_the_plugins_second_half_admits_always():
    pod = {"containers": [{"name": "app", "image": "app"}, {"name": "b", "image": "b:1", "imagePullPolicy": "Always"}]}
    assert len(assemble(pod, admission={"alwaysPullImages": "validate"}).cluster.pods) == 1


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("", "Required value"),
        (" app:1", 'Invalid value: " app:1": must not have leading or trailing whitespace'),
        ("app:1\n", 'Invalid value: "app:1\\n": must not have leading or trailing whitespace'),
        ("App", None),  # the grammar is the kubelet's business
        ("a b", None),
        ("https://app:1", None),
    ],
)
@pytest.mark.parametrize("form", ["pod", "pods", "manifest"])
def test_validation_of_images(image, why, form, tmp_path):
    pod = {"image": image} if form == "pods" else {"containers": [{"name": "app", "image": image}]}
    if why is None:
        assert len(assemble(pod, form=form, tmp_path=tmp_path).cluster.pods) == 1
    else:
        (text,) = refused(pod, form=form, tmp_path=tmp_path)
        assert text.partition(": ")[2] == f'Pod "web" is invalid: spec.containers[0].image: {why}'


@both
def test_an_image_volume_needs_a_reference(form, tmp_path):
    pod = {**POD, "volumes": [{"name": "data", "image": {"reference": ""}}]}
    (text,) = refused(pod, form=form, tmp_path=tmp_path)
    assert text.endswith('Pod "web" is invalid: spec.volumes[0].image.reference: Required value')


def test_errors_in_manifests_are_at_their_place(tmp_path):
    pod = {**POD, "volumes": [{"name": "config", "configMap": {"name": "x"}}, *POD["volumes"]]}
    with pytest.raises(InputErrors) as caught:
        assemble(pod, form="manifest", tmp_path=tmp_path, admission={"alwaysPullImages": "validate"})
    last = caught.value.errors[-1]
    assert last.message.startswith('Pod web: pods "web" is forbidden: spec.volumes[1].image.pullPolicy: ')
    assert (Path(last.location.file).name, last.location.line) == ("objects.yaml", 1)
    text = (tmp_path / "objects.yaml").read_text()
    assert text[last.location.column - 1 :].startswith('"Never"')


@both
def test_image_volumes_and_who_mounts_them(form, tmp_path):
    built = assemble(POD, form=form, tmp_path=tmp_path)
    (pod,) = built.cluster.pods
    assert pod.spec.image_volumes == (ImageVolume("data", "data:1", "Never"),)
    assert [container.mounts for container in pod.spec.containers] == [("data",), ()]
    assert built.warnings == ()


@pytest.mark.parametrize("vector", DEFAULTS["vectors"], ids=lambda vector: vector["image"] or "empty")
@both
def test_the_policy_of_an_image_volume_defaults_as_a_containers(vector, form, tmp_path):
    if not vector["image"]:
        return  # refused
    pod = {**POD, "volumes": [{"name": "data", "image": {"reference": vector["image"]}}]}
    nodes = [{**FIXED, "runtime": {"fixed": {}}}]
    (made,) = assemble(pod, form=form, tmp_path=tmp_path, nodes=nodes).cluster.pods
    assert made.spec.image_volumes[0].policy == vector["default_policy"]


def test_only_image_volumes_of_a_manifest_are_mounts(tmp_path):
    pod = {
        "containers": [{"name": "a", "image": "a:1", "volumeMounts": [{"name": "config"}, {"name": "data"}]}],
        "volumes": [{"name": "config", "configMap": {}}, {"name": "data", "image": {"reference": "data"}}],
    }
    (made,) = assemble(pod, form="manifest", tmp_path=tmp_path).cluster.pods
    assert made.spec.containers[0].mounts == ("data",)
    assert made.spec.image_volumes == (ImageVolume("data", "data", "Always"),)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("pod", "app mounts the volume 'dat', which there is not; did you mean data?"),
        ("manifest", "volume 'dat' is not declared in the pod; did you mean data?"),
    ],
)
def test_mounts_of_volumes_that_there_are_not(form, message, tmp_path):
    containers = [{"name": "app", "image": "app:1", "volumeMounts": [{"name": "dat"}]}]
    with pytest.raises(InputErrors, match="dat") as caught:
        assemble({**POD, "containers": containers}, form=form, tmp_path=tmp_path)
    assert message in str(caught.value)


def test_claims_of_a_stateful_set_are_volumes(tmp_path):
    template = {"spec": {"containers": [{"name": "a", "image": "a:1", "volumeMounts": [{"name": "disk"}]}]}}
    spec = {"template": template, "volumeClaimTemplates": [{"metadata": {"name": "disk"}}]}
    objects = [{"kind": "StatefulSet", "metadata": {"name": "s"}, "spec": spec}]
    pod = {"containers": [{"name": "a", "image": "a:1"}]}
    assert len(assemble(pod, form="manifest", tmp_path=tmp_path, objects=objects).cluster.pods) == 2


@pytest.mark.parametrize(
    ("node", "warning"),
    [
        ({"kubeletVersion": "1.35"}, None),
        (
            {"kubeletVersion": "1.34"},
            "the feature gate ImageVolume is off in 1.34 (there is one from 1.31, on from 1.35)",
        ),
        ({"kubeletVersion": "1.30"}, "the feature gate ImageVolume is off in 1.30"),
        ({"kubeletVersion": "1.33", "featureGates": {"ImageVolume": True}}, None),
        ({"featureGates": {"ImageVolume": False}}, "the feature gate ImageVolume is off in 1.35"),
        (
            {"runtime": {"containerd": "2.0"}},
            "containerd 2.0.12 of n pulls the images of volumes but cannot mount",
        ),
    ],
)
def test_nodes_that_cannot_have_image_volumes(node, warning):
    pod = {"containers": [{"name": "a", "image": "app:1"}], "volumes": POD["volumes"]}
    built = assemble(pod, nodes=[{**FIXED, **node}], images={"unknown": "notFound"})
    assert [warning in line for line in built.warnings] == ([True] if warning else [])


# ---------------------------------------------------------------- RuntimeClass

KATA = {"kind": "RuntimeClass", "apiVersion": "node.k8s.io/v1", "metadata": {"name": "sandboxed"}, "handler": "kata"}
BY_CLASS = {"containers": [{"name": "a", "image": "app:1"}], "runtimeClassName": "sandboxed"}
HANDLERS = {**FIXED, "runtimeHandlers": ["runc", {"name": "kata", "snapshotter": "devmapper"}]}


def test_handlers_of_a_pool():
    (node,) = assemble({"image": "app:1"}, form="pods", nodes=[HANDLERS]).cluster.nodes
    assert node.spec.runtime_handlers == (RuntimeHandler("runc"), RuntimeHandler("kata", "devmapper"))


def test_a_handler_is_named_once(tmp_path):
    pool = {**FIXED, "runtimeHandlers": ["runc", "kata", {"name": "kata", "snapshotter": "devmapper"}]}
    (text,) = refused({"image": "app:1"}, form="pods", tmp_path=tmp_path, nodes=[pool])
    assert "two runtime handlers are named kata; names must differ" in text


@pytest.mark.parametrize("form", ["pod", "pods"])
def test_a_runtime_class_of_the_scenario(form):
    pod = BY_CLASS if form == "pod" else {"image": "app:1", "runtimeClassName": "sandboxed"}
    classes = [{"name": "sandboxed", "handler": "kata"}]
    built = assemble(pod, form=form, nodes=[HANDLERS], runtimeClasses=classes)
    assert (built.cluster.pods[0].spec.runtime_handler, built.warnings) == ("kata", ())


@pytest.mark.parametrize("order", [1, -1])
def test_a_runtime_class_of_a_manifest_wherever_it_is(order, tmp_path):
    deployment = {"kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": {"spec": BY_CLASS}}}
    for name, given in (("a.yaml", KATA), ("b.yaml", deployment)):
        (tmp_path / name).write_text(json.dumps(given))
    workloads = [{"manifest": name} for name in ("a.yaml", "b.yaml")][::order]
    cluster = from_mapping({"nodes": [HANDLERS], "workloads": workloads}, directory=tmp_path).build()
    assert [pod.spec.runtime_handler for pod in cluster.pods] == ["kata"]


@both
def test_a_runtime_class_that_there_is_not(form, tmp_path):
    pod = {**BY_CLASS, "runtimeClassName": "sandbox"}
    (text,) = refused(
        pod, form=form, tmp_path=tmp_path, runtimeClasses=[{"name": "sandboxed", "handler": "kata"}], nodes=[HANDLERS]
    )
    assert text.endswith(
        'pods "web" is forbidden: pod rejected: RuntimeClass "sandbox" not found; did you mean sandboxed?'
    )


def test_a_handler_that_the_nodes_lack_is_warned_of():
    built = assemble(BY_CLASS, runtimeClasses=[{"name": "sandboxed", "handler": "kata"}])
    assert built.warnings == (
        "web: nodes of n have no runtime handler kata (runtimeHandlers: runc): its pods get no sandbox there",
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({**KATA, "handler": None}, "RuntimeClass sandboxed: handler: Required value"),
        ({**KATA, "metadata": {}}, "a RuntimeClass needs metadata.name"),
    ],
)
def test_wrong_runtime_classes(given, message, tmp_path):
    assert refused(BY_CLASS, form="manifest", tmp_path=tmp_path, objects=[given])[0].endswith(message)


def test_two_runtime_classes_of_one_name(tmp_path):
    (text,) = refused(
        BY_CLASS,
        form="manifest",
        tmp_path=tmp_path,
        objects=[KATA],
        runtimeClasses=[{"name": "sandboxed", "handler": "gvisor"}],
    )
    assert text == "RuntimeClass sandboxed has the handler gvisor here and kata elsewhere"


def test_status_failures_of_the_fixed_runtime():
    image = {"pull": "1s", "statusFail": {"error": "down", "at": "2s", "for": "3s"}}
    (node,) = assemble(
        {"image": "app:1"}, form="pods", nodes=[{"runtime": {"fixed": {"images": {"app:1": image}}}}]
    ).cluster.nodes
    failure = node.spec.runtime.images["app:1"].status_fail
    assert (failure.error, failure.at, failure.until) == ("down", 2.0, 5.0)
