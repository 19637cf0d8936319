"""Every mistake gives one clear line: place, value, rule, and what would be right."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.errors import InputError, InputErrors
from pullsim.scenario import from_mapping, load
from pullsim.scenario.scenario import Scenario

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
)
FIXED = "runtime: {fixed: {images: {x: {pull: 1s}, 'x:latest': {pull: 2s}}}}"

CASES = {
    "unknown key": ("nodes:\n  - {count: 2, nik: 1Gbit/s}", "2:16: nodes[0]: unknown key 'nik'; did you mean nic?"),
    "unknown section": ("nodes: [{}]\nworkload: []", "2:1: unknown key 'workload'; did you mean workloads?"),
    "snake case": ("nodes: [{max_pods: 3}]", "1:10: nodes[0]: unknown key 'max_pods'; did you mean maxPods?"),
    "nothing near": (
        "nodes: [{disk: {xyz: 1}}]",
        "1:17: nodes[0].disk: unknown key 'xyz'; known are burst, fsync, pageCache, ",
    ),
    "no unit": ("nodes: [{name: a, nic: 10}]", "1:24: nodes[a].nic: rate '10': no time in the unit: write 10Mbit/s"),
    "wrong unit": (
        "nodes: [{disk: {write: 3 apples/s}}]",
        "1:24: nodes[0].disk.write: rate '3 apples/s': unknown unit",
    ),
    "negative size": (
        "nodes: [{}]\nimages: {define: [{image: x, layers: [{size: -3MB}]}]}",
        "2:46: images.define[x].layers[0].size: size '-3MB' is negative;",
    ),
    "negative duration": ("nodes: [{join: {at: -3s}}]", "1:21: nodes[0].join.at: duration '-3s' is negative;"),
    "not a rate": ("nodes: [{disk: {write: [1]}}]", "1:24: nodes[0].disk.write: a list is not text with a unit"),
    "text for a number": ("nodes: [{count: '3'}]", "1:17: nodes[0].count: '3' must be a whole number"),
    "number for a text": ("name: 3\nnodes: [{}]", "1:7: name: 3 must be text; write it in quotes"),
    "zero nodes in a pool": ("nodes: [{count: 0}]", "1:17: nodes[0].count: 0 must be greater than or equal to 1"),
    "no choice": ("nodes: [{}]\nplacement: random", "2:12: placement: 'random' is not one of scheduler, spread, "),
    "no version": ("nodes: [{kubeletVersion: latest}]", "nodes[0].kubeletVersion: 'latest' is no version"),
    "unknown release": (
        "nodes: [{kubeletVersion: 1.3}]",
        "1:26: nodes[0].kubeletVersion: kubelet 1.3 is not known: 1.24 to 1.37 are",
    ),
    "unknown containerd": (
        "nodes: [{runtime: {containerd: 1.5}}]",
        "nodes[0].runtime.containerd: containerd 1.5 is not known: 1.6.3 to 1.7, 2.0 to 2.4 are",
    ),
    "a containerd that never was": (
        "nodes: [{runtime: {containerd: 1.8.1}}]",
        "containerd 1.8.1 is not known: 1.6",
    ),
    "no containerd": ("nodes: [{runtime: {containerd: 2.3.x}}]", "'2.3.x' is no version; a version is major.minor or"),
    "unknown CRI-O": (
        "nodes: [{runtime: {crio: 1.20}}]",
        "1:26: nodes[0].runtime.crio: CRI-O 1.20 is not known: 1.28 to 1.37 are",
    ),
    "CRI-O without igzip": (
        "nodes: [{runtime: {crio: 1.31}, unpack: {decompressor: igzip}}]",
        "nodes[0].unpack.decompressor: CRI-O looks for pigz: unpigz or gzip are right",
    ),
    "unpacks side by side before there were any": (
        "nodes: [{runtime: {containerd: 2.1, maxConcurrentUnpacks: 2}}]",
        "maxConcurrentUnpacks exists from containerd 2.2 on",
    ),
    "chunks before there were any": (
        "nodes: [{runtime: {containerd: 2.0, layerFetchBuffer: 8MB}}]",
        "layerFetchBuffer exists from containerd 2.1 on",
    ),
    "two runtimes": (
        "nodes: [{runtime: {containerd: 2.1, fixed: {}}}]",
        "1:19: nodes[0].runtime: a node has one runtime",
    ),
    "format of the future": ("version: 2\nnodes: [{}]", "1:10: version: 2 is not one of 1"),
    "missing key": (
        "nodes: [{}]\nworkloads: [{pods: {count: 2}}]",
        "2:20: workloads[0].pods: image is missing (Image)",
    ),
    "no nodes": ("workloads: []", "1:1: nodes is missing (Pools of nodes)"),
    "empty nodes": ("nodes: []", "1:8: nodes: at least 1 needed, here are 0"),
    "horizon zero": ("horizon: 0s\nnodes: [{}]", "1:10: horizon: '0s' must be greater than 0"),
    "two pools of one name": (
        "nodes: [{name: a}, {name: a}]",
        "1:8: nodes: two entries are named a; names must differ",
    ),
    "bad pool name": ("nodes: [{name: A_b}]", "1:16: nodes[A_b].name: 'A_b' is no name for Kubernetes"),
    "duplicate key": ("nodes: [{}]\nseed: 1\nseed: 2", "3:1: duplicate key 'seed', first on line 2"),
    "alias bomb": (BOMB, "aliases repeat more than 100000 values"),
    "alias of itself": ("nodes: &a [*a]", "1:12: alias *a stands inside of what it repeats"),
    "deep nesting": ("nodes: " + "[" * 200, "1:71: nested more than 64 levels deep"),
    "syntax": ("nodes: [{}", "this is no valid YAML: "),
    "tab": ("nodes:\n\t- a", "2:1: this is no valid YAML: "),
    "unknown tag": ("nodes: !!python/object:os.system ls", "1:8: tag tag:yaml.org,2002:python/object:os.system is not"),
    "merge key": ("nodes: [{<<: {count: 3}}]", "1:10: merge keys (<<) are no part of YAML 1.2"),
    "long number": ("seed: " + "9" * 5000, "1:7: a number of 5000 digits is too long"),
    "two documents": ("nodes: [{}]\n---\nnodes: [{}]", "3:1: only one document is allowed here"),
    "empty": ("# nothing", "the file is empty"),
    "not a mapping": ("- nodes", "1:1: a scenario is a mapping with nodes and workloads, not a list"),
    "control characters": ("nodes: \x01", "this is no valid YAML: "),
    "infinite": (
        "nodes: [{cores: {efficiency: .inf}}]",
        "1:30: nodes[0].cores.efficiency: inf must be a finite number",
    ),
    "bad platform": ("nodes: [{platform: linux}]", "1:20: nodes[0].platform: platform 'linux': a platform is os/"),
    "bad digest": (
        "nodes: [{}]\nimages: {define: [{image: x, layers: [{size: 1, digest: 'sha256:abc'}]}]}",
        "images.define[x].layers[0].digest: 'sha256:abc': invalid checksum digest length",
    ),
    "bad media type": (
        "nodes: [{}]\nimages: {define: [{image: x, layers: [{size: 1, mediaType: zip}]}]}",
        "images.define[x].layers[0].mediaType: media type 'zip' is no layer",
    ),
    "bad fault": (
        "nodes: [{}]\nregistries: [{host: a, faults: [{at: 1s}]}]",
        "2:33: registries[a].faults[0]: a fault has exactly one of status, refused: true",
    ),
    "workload without a kind": (
        "nodes: [{}]\nworkloads: [{name: a}]",
        "2:13: workloads[a]: a workload has exactly one of",
    ),
    "count at the wrong place": (
        "nodes: [{}]\nworkloads: [{pods: {image: nginx}, count: 3}]",
        "count goes with pod (for pods write pods: {image: …, count: …})",
    ),
    "two arrivals": (
        "nodes: [{}]\nworkloads: [{pods: {image: a}, arrivals: {every: 1s, poisson: 1/s}}]",
        "workloads[0].arrivals: arrivals have exactly one of poisson, every, at and trace",
    ),
    "two containers of one name": (
        "nodes: [{}]\nworkloads: [{pod: {containers: [{name: a, image: x}, {name: a, image: x}]}}]",
        "workloads[0].pod: two containers are named a",
    ),
    "kubelet of a wrong type": (
        "nodes: [{kubelet: 3}]",
        "1:19: nodes[0].kubelet: 3 is neither a KubeletConfiguration nor",
    ),
    # found when the cluster is put together
    "kubelet refuses": (
        "nodes: [{kubelet: {serializeImagePulls: true, maxParallelImagePulls: 4}}]",
        (
            "1:19: invalid configuration: maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls "
            "(--serialize-image-pulls) is set to false"
        ),
    ),
    "kubelet has no such field": (
        "nodes: [{kubelet: {serialiseImagePulls: true}}]",
        "1:19: a KubeletConfiguration has no field 'serialiseImagePulls'; did you mean serializeImagePulls?",
    ),
    "unknown image": (
        "nodes: [{}]\nworkloads:\n  - pods: {image: 'nginx:9.99'}",
        "3:19: workloads[0].pods.image: image 'nginx:9.99' is in no catalogue; known and near: nginx:",
    ),
    "unknown image of a container": (
        "nodes: [{}]\nworkloads:\n  - pod: {containers: [{name: a, image: ex.com/a}]}",
        "3:41: workloads[0].pod.containers[a].image: image 'ex.com/a' is in no catalogue",
    ),
    "unknown cached image": (
        "nodes: [{cached: [ex.com/a]}]",
        "1:19: nodes[0].cached[0]: image 'ex.com/a' is in no catalogue",
    ),
    "unknown catalogue": (
        "nodes: [{}]\nimages: {catalogs: [oficial]}",
        "2:21: no built-in catalogue 'oficial'; did you mean official or official-2026? `pullsim catalogs` lists all",
    ),
    "image of another catalogue": (
        "nodes: [{}]\nworkloads:\n  - pods: {image: 'calico/cni:v3.28.1'}",
        "is in no catalogue here; a built-in one has it: images.catalogs: [official-2026, official, kubernetes]",
    ),
    "too many layers": (
        "nodes: [{}]\nimages: {define: [{image: 'a:1', layers: [" + "{size: 1MB}," * 10_001 + "]}]}",
        "images.define[a:1].layers: at most 10000 are read, here are 10001",
    ),
    "missing catalogue file": ("nodes: [{}]\nimages: {catalogs: [./a.json]}", "a.json: there is no such file"),
    "one fixed image twice": (f"nodes: [{{{FIXED}}}]", "nodes[0].runtime.fixed.images.x:latest: is x:latest once more"),
    "cached in a fixed runtime": (
        "nodes: [{runtime: {fixed: {}}, cached: [x]}]",
        "1:40: nodes[0].cached: the fixed runtime has its own images: write present: true there",
    ),
    "one pod name twice": (
        (
            "nodes: [{runtime: {fixed: {}}}]\n"
            "workloads:\n  - {name: a, pods: {image: x}}\n  - {name: a-00000, pods: {image: x}}\n"
            "  - {name: a, namespace: other, pods: {image: x}}"
        ),
        "names must differ",
    ),
    "one pod name of two workloads": (
        (
            "nodes: [{runtime: {fixed: {}}}]\n"
            "workloads:\n  - {name: a, pods: {image: x, count: 2}}\n  - {name: a-00001, pods: {image: x}}"
        ),
        "4:5: workloads[a-00001] (workload a-00001) makes the pod default/a-00001, which workloads[a] (",
    ),
    "no such pool": (
        "nodes: [{name: gpu, runtime: {fixed: {}}}]\nworkloads: [{pods: {image: x}, 'on': {pool: gpus}}]",
        "2:45: workloads[0].on.pool: there is no pool 'gpus'; did you mean gpu?",
    ),
    "no such node": (
        "nodes: [{runtime: {fixed: {}}}]\nworkloads: [{pods: {image: x}, on: {node: nodes-0009}}]",
        "2:43: workloads[0].on.node: there is no node 'nodes-0009'; did you mean nodes-0000?",
    ),
    "placement is not given": (
        "nodes: [{count: 2, runtime: {fixed: {}}}]\nplacement: given\nworkloads: [{pods: {image: x}}]",
        "3:13: workloads[0]: placement is given, so the workload must say where",
    ),
    "counts differ": (
        "nodes: [{runtime: {fixed: {}}}]\nworkloads: [{pods: {image: x, count: 3}, arrivals: {at: [1s, 2s]}}]",
        "workloads[0].arrivals: count is 3, but arrivals list 2 times",
    ),
    "missing manifest": ("nodes: [{}]\nworkloads: [{manifest: gone.yaml}]", "gone.yaml: there is no such file"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_said_where_and_what(name, tmp_path):
    text, message = CASES[name]
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load(path).build()
    found = str(caught.value)
    assert len(found.splitlines()) == 1
    assert found.startswith(str(tmp_path))
    assert message in found


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text("nodes:\n  - nik: 3\n    nic: 3\nseed: x\nplacement: [a]\nworkloads: [{}]\n")
    with pytest.raises(InputErrors) as caught:
        load(path)
    assert [error.location.line for error in caught.value.errors] == [2, 3, 4, 5, 6]


def test_a_file_that_cannot_be_read(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    large = tmp_path / "large"
    large.write_bytes(b"#" * 10_000_001)
    for path, message in (
        (tmp_path / "gone.yaml", "there is no such file"),
        (tmp_path, "this is a directory; a file is needed"),
        (tmp_path / "a\0b", "embedded null byte"),
        (binary, "this is UTF-16"),
        (large, "the file is larger than 10 MB"),
    ):
        with pytest.raises(InputError) as caught:
            load(path)
        assert message in str(caught.value)


def test_a_kubelet_file_is_named(tmp_path):
    (tmp_path / "kubelet.yaml").write_text("kind: KubeletConfiguration\nregistryPullQPS: -1\n")
    path = tmp_path / "scenario.yaml"
    path.write_text("nodes:\n  - kubelet: kubelet.yaml\n")
    with pytest.raises(InputError) as caught:
        load(path).build()
    rule = "invalid configuration: registryPullQPS (--registry-qps) -1 must not be a negative number"
    assert str(caught.value) == f"{path}:2:14: {tmp_path / 'kubelet.yaml'}: {rule}"


def test_mistakes_of_a_mapping_are_told_by_their_path():
    with pytest.raises(InputError) as caught:
        from_mapping({"nodes": [{"name": "a", "nic": "fast"}]})
    assert str(caught.value).startswith("scenario: nodes[a].nic: rate 'fast' does not start with a number")


def test_values_that_no_file_can_have():
    loop = {"nodes": [{}]}
    loop["images"] = loop
    deep = {}
    for _ in range(5000):
        deep = {"a": deep}
    for mapping, message in (
        (loop, "nested more than 64 levels deep"),
        ({"nodes": [{"kubelet": deep}]}, "nested more than 64 levels deep"),
        ({"nodes": [{1: 2}]}, "key 1 must be text"),
        ({"nodes": [{"count": object()}]}, "must be a whole number"),
        ({"nodes": {"a": 1}}, "nodes: a mapping must be a list"),
    ):
        with pytest.raises(InputError) as caught:
            from_mapping(mapping)
        assert message in str(caught.value)
    assert from_mapping({"nodes": ({"cached": ()},)}).nodes[0].cached == []


KEYS = st.sampled_from(
    sorted({key for model in Scenario.__mro__[1].__subclasses__() for key in model.model_fields_by_key()})
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["10Gbit/s", "3s", "30MB", "nginx", "1.35", "unlimited", "linux/amd64", "4/s"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)
TOP = st.fixed_dictionaries(
    {"nodes": st.lists(st.dictionaries(KEYS, JUNK, max_size=4), max_size=2) | JUNK},
    optional={key: JUNK for key in Scenario.model_fields_by_key() if key != "nodes"},
)


@settings(max_examples=200, deadline=None)
@given(TOP | st.dictionaries(KEYS, JUNK, max_size=4))
def test_junk_is_an_input_error_and_nothing_else(tmp_path_factory, mapping):
    try:
        from_mapping(mapping, directory=tmp_path_factory.getbasetemp()).build()
    except InputError as error:
        assert str(error).startswith("scenario") or error.location is not None  # noqa: PT017


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=60) | st.recursive(st.none() | st.text(), lambda x: st.dictionaries(st.text(), x)).map(json.dumps)
)
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, errors="surrogateescape" if sys.flags.utf8_mode else "ignore")
    with pytest.raises(InputError):
        load(path).build()
