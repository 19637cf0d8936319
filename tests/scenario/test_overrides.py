import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.scenario import from_mapping, load, override, parse_override
from pullsim.scenario.file.overrides import Step

SCENARIO = """
registries: [{host: docker.io, egress: 1Gbit/s}]
nodes:
  - name: workers
    nic: 1Gbit/s
    kubelet: {maxParallelImagePulls: 4}
  - {name: gpu, cores: 2, runtime: {fixed: {images: {"app:1": {pull: 4s}}}}}
workloads:
  - {name: web, pods: {image: nginx, count: 3}}
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(SCENARIO)
    return file


def pools(scenario):
    return {pool.name: pool for pool in scenario.nodes}


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        ("nodes[workers].nic=10Gbit/s", lambda s: pools(s)["workers"].nic.rate, 1.25e9),
        ("nodes[workers].nic.rate=10Gbit/s", lambda s: pools(s)["workers"].nic.rate, 1.25e9),
        ("nodes[0].count=7", lambda s: s.nodes[0].count, 7),
        ("nodes[*].disk.write=250MiB/s", lambda s: {pool.disk.write for pool in s.nodes}, {250 * 2.0**20}),
        ("nodes[gpu].cores.efficiency=0.5", lambda s: (s.nodes[1].cores.count, s.nodes[1].cores.efficiency), (2, 0.5)),
        (
            "nodes[gpu].runtime.fixed.images[app:1].pull=9s",
            lambda s: s.nodes[1].runtime.fixed.images["app:1"].pull,
            9.0,
        ),
        ("nodes[workers].kubeletVersion=1.30", lambda s: s.nodes[0].kubelet_version, (1, 30)),
        ("registries[docker.io].egress=10Gbit/s", lambda s: s.registries[0].egress, 1.25e9),
        ("registries[docker.io].egress=unlimited", lambda s: s.registries[0].egress, None),
        ("registries[docker.io].egress=null", lambda s: s.registries[0].egress, None),
        (
            "registries[quay.io].roundTrip=5ms",
            lambda s: (s.registries[1].host, s.registries[1].round_trip),
            ("quay.io", 5e-3),
        ),
        ("images.unpackRatio=3", lambda s: s.images.unpack_ratio, 3),
        ("workloads[web].pods.count=9", lambda s: s.workloads[0].pods.count, 9),
        ("horizon=5m", lambda s: s.horizon, 300.0),
        ("nodes[gpu].cached=[a, b]", lambda s: s.nodes[1].cached, ["a", "b"]),
        ("kubelet.featureGates.X=true", lambda s: [p.kubelet["featureGates"] for p in s.nodes], [{"X": True}] * 2),
        ("nodes[gpu].simulation.retry.base=7s", lambda s: s.nodes[1].simulation.retry.base, 7.0),
    ],
)
def test_values_are_set(path, text, read, value):
    assert read(load(path, [text])) == value


def test_kubelet_alone_means_every_pool(path):
    scenario = load(path, ["kubelet.registryPullQPS=unlimited", "kubelet.maxParallelImagePulls=unlimited"])
    parallel = {"registryPullQPS": 0, "serializeImagePulls": False}  # unset, the kubelet would pull serially
    assert [pool.kubelet for pool in scenario.nodes] == [parallel, parallel]
    scenario = load(path, ["kubelet.serializeImagePulls=true", "kubelet.maxParallelImagePulls=unlimited"])
    assert scenario.build().nodes[0].spec.kubelet.serialize_image_pulls


def test_a_kubelet_file_is_read_in_first(path):
    (path.parent / "kubelet.yaml").write_text("kind: KubeletConfiguration\nregistryBurst: 20\n")
    path.write_text("nodes: [{kubelet: kubelet.yaml}]")
    (node,) = load(path, ["kubelet.registryPullQPS=0"]).build().nodes
    assert (node.spec.kubelet.registry_burst, node.spec.kubelet.registry_pull_qps) == (20, 0)


def test_a_field_of_a_newer_kubelet_in_a_file_may_be_changed_and_removed(path):
    (path.parent / "kubelet.yaml").write_text("someFutureField: 1\n")
    path.write_text("nodes: [{kubelet: kubelet.yaml}]")
    for text, right in (("kubelet.someFutureField=2", {"someFutureField": 2}), ("kubelet.someFutureField=null", {})):
        assert load(path, [text]).nodes[0].kubelet == right
    assert load(path, ["kubelet.other=null"]).nodes[0].kubelet == {"someFutureField": 1}


def test_later_ones_win_and_the_original_stays(path):
    scenario = load(path)
    changed = override(scenario, ["seed=3", "seed=4", "nodes[gpu].count=2"])
    assert (changed.seed, changed.nodes[1].count) == (4, 2)
    assert (scenario.seed, scenario.nodes[1].count) == (0, 1)
    assert override(changed, ["nodes[gpu].count=null"]).nodes[1].count == 1


def test_a_scenario_of_python_values_can_be_changed_too():
    scenario = from_mapping({"nodes": [{"count": 2}]})
    assert override(scenario, ["nodes[*].nic=2Gbit/s"]).nodes[0].nic.rate == 250e6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kubelet.maxParallelImagePulls", "an override is KEY=VALUE"),
        ("=3", "'' is no key"),
        ("a..b=3", "'a..b' is no key"),
        ("[a]=3", "'[a]' is no key"),
        ("nodes[]=3", "is no key"),
        ("seed=", "there is no value after =; null unsets"),
        ("seed=[1", "this is no valid YAML"),
        ("seed=1\n---\n2", "more than one YAML document"),
        ("sed=3", "unknown key 'sed'; did you mean seed?"),
        ("nodes[*].dsik.write=3MB/s", "nodes[workers]: unknown key 'dsik'; did you mean disk?"),
        ("nodes[workers].disk.writ=3MB/s", "nodes[workers].disk: unknown key 'writ'; did you mean write?"),
        ("nodes[worker].count=3", "nodes has no entry 'worker'; did you mean workers?"),
        ("nodes[7].count=3", "nodes has no entry '7'; known are gpu, workers"),
        ("nodes.count=3", "nodes is a list: write nodes[NAME].count, or nodes[*].count for all"),
        ("kubelet.maxParalelPulls=3", "has no field 'maxParalelPulls'; did you mean maxParallelImagePulls?"),
        ("nodes[workers].kubelet.zzz=3", "a KubeletConfiguration has no field 'zzz'"),
        ("nodes[workers].name.x=3", "nodes[workers].name is 'workers', not a mapping"),
        ("images.define[nginx].platform=linux/arm64", "the scenario has no images.define"),
        ("nodes[workers].nic=unlimited", "rate 'unlimited' does not start with a number"),
        ("nodes[workers].nic=10", "nodes[workers].nic: rate '10': no time in the unit"),
        ("nodes[workers].disk.used=3GB", "nodes[workers].disk: used needs size"),
    ],
)
def test_bad_ones_are_told_at_the_override(path, text, message):
    with pytest.raises(InputError) as caught:
        load(path, [text])
    for line in str(caught.value).split("\n--set "):
        assert line.removeprefix("--set ").startswith(f"{text}: ".replace("\n", " "))
    assert message in str(caught.value)


def test_what_the_kubelet_refuses_is_told_at_the_override(path):
    for text in ("nodes[workers].kubelet={maxParallelImagePulls: 0}", "kubelet.maxParallelImagePulls=0"):
        with pytest.raises(InputError) as caught:
            load(path, [text]).build()
        rule = "invalid configuration: maxParallelImagePulls 0 must be a positive number"
        assert str(caught.value).splitlines()[0] == f"--set {text}: {rule}"


def test_the_grammar():
    assert parse_override("registries[ghcr.io:443].tcp.maxWindow=a=b").steps == (
        Step("registries"),
        Step("ghcr.io:443", in_brackets=True),
        Step("tcp"),
        Step("maxWindow"),
    )
    assert parse_override("a[x=y].b={c: [1, 1.30]}").value == {"c": [1, 1.3]}
    assert parse_override("kubelet=null").steps == (Step("kubelet"),)


@given(st.text(alphabet="anodeskubelt[]*.=0x: {}'\"-\n\0", max_size=30))
def test_any_text_is_applied_or_refused(text):
    try:
        from_mapping({"nodes": [{"name": "a"}]}, [text])
    except InputError as error:
        assert error.location is not None  # noqa: PT017
