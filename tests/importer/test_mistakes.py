"""What people hand over by mistake, or in another shape than kubectl writes: it is read, or gets one clear line."""

import gzip
import json

import pytest
import yaml

from pullsim.errors import InputError
from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster


def pod(name):
    containers = [{"name": "c", "image": "nginx:1.12"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}}


LIST = {"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]}
CUT = yaml.safe_dump({"apiVersion": "v1", "items": [pod("a"), pod("b")]}, sort_keys=True)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(LIST),
        "\ufeff" + json.dumps(LIST, indent=2).replace("\n", "\r\n"),
        json.dumps(pod("a")) + "\n" + json.dumps(pod("b")),
        json.dumps(pod("a"), indent=2) + json.dumps({**LIST, "items": [pod("b")]}, indent=2),
        "\n".join(json.dumps({"type": "ADDED", "object": pod(name)}) for name in "ab"),
        json.dumps(LIST).encode("utf-16"),
        gzip.compress(json.dumps(LIST).encode(), mtime=0),
        b"".join(gzip.compress(json.dumps(pod(name)).encode(), mtime=0) for name in "ab"),
        CUT,
    ],
    ids=["list", "crlf", "lines", "appended", "watch", "utf-16", "gzip", "gzip appended", "cut off"],
)
def test_other_shapes_are_read(content, tmp_path):
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "pods.json").write_bytes(data)
    text, _ = import_cluster([str(tmp_path / "pods.json")], Question.rollout)
    assert [each["name"] for each in yaml.safe_load(text)["workloads"]] == ["a", "b"]


@pytest.mark.parametrize(
    "content, said",
    [
        ("NAME   STATUS   ROLES    AGE   VERSION\nn1     Ready    <none>   1d    v1.31.0\n", "add -o json"),
        ("NAMESPACE     NAME    READY\nd   a   1/1\n", "add -o json"),
        ("LAST SEEN   TYPE     REASON\n1m   Normal   Pulled\n", "add -o json"),
        ("IMAGE    TAG     IMAGE ID     SIZE\npause    3.9     e6f18168     322kB\n", "crictl images -o json"),
        ("Error from server (Forbidden): nodes is forbidden: User x\n", "an error of kubectl"),
        ("apiVersion: v1\nkind: Config\nusers: []\n", "is a kubeconfig"),
        ("No resources found in default namespace.\n", "-A asks"),
        ("Name:             web-1\nNamespace:        default\n", "kubectl get"),
        ("kind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n", "helm template"),
        ("version: 1\nnodes: [{count: 1}]\nworkloads: []\n", "is a scenario"),
        ('{"kind": "Status", "apiVersion": "v1", "metadata": {}, "message": "Unauthorized"}', "Unauthorized"),
        ('{"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "rows": []}', "-o json"),
        ('{"kind": "List", "apiVersion": "v1", "items": []}', "lists without any object"),
        (json.dumps(LIST)[:90], "no JSON"),
        (gzip.compress(b"x" * 99, mtime=0)[:12] + b"\0" * 9, "gzip"),
        (gzip.compress(CUT.encode(), mtime=0)[:-8], "gzip"),
        (b"\xff\xfe\x00", "UTF-16"),
        ("MIME-Version: 1.0\n" + "Content-Type: message/rfc822\n\n" * 2000, "nested too deep"),
        ('{"type": "ADDED", "object": ' * 300 + "{}" + "}" * 300, "nested more than 200 levels deep"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(content, said, tmp_path):
    (tmp_path / "file").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as told:
        import_cluster([str(tmp_path / "file")], Question.rollout)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_blank_lines_before_a_file_take_no_time(tmp_path):
    """An expression that could match them in many ways would take years for forty."""
    (tmp_path / "pods.yaml").write_text("\n" * 40 + yaml.safe_dump(LIST))
    (tmp_path / "config.toml").write_text("# a comment\n\n" * 40 + 'plugins.x = 1\n[plugins."io.containerd.x"]\n')
    text, told = import_cluster([str(tmp_path)], Question.rollout)
    assert [each["name"] for each in yaml.safe_load(text)["workloads"]] == ["a", "b"]
    assert not [line for line in told if "config.toml" in line]


def test_a_description_may_be_indented(tmp_path, dumps):
    described = (dumps / "small-kubeadm" / "describe-node-wk-1.txt").read_text()
    (tmp_path / "node.txt").write_text(f"   {described}")
    text, _ = import_cluster([str(tmp_path / "node.txt")], Question.rollout)
    assert len(yaml.safe_load(text)["nodes"]) == 1


@pytest.mark.parametrize("number", [10**6 + 1, 2**63])
def test_a_figure_beyond_what_a_scenario_takes_is_left_out_and_said(tmp_path, number):
    (tmp_path / "pods.json").write_text(json.dumps(LIST))
    (tmp_path / "config.toml").write_text(
        f'[plugins."io.containerd.grpc.v1.cri"]\nmax_concurrent_downloads = {number}\nmax_concurrent_unpacks = 2\n'
    )
    text, told = import_cluster([str(tmp_path)], Question.rollout)
    (pool,) = yaml.safe_load(text)["nodes"]
    assert pool["runtime"] == {"maxConcurrentUnpacks": 2}
    said = f"config.toml: runtime.maxConcurrentDownloads is left out: {number} must be less than or equal to 1000000"
    assert [line for line in told if said in line]
