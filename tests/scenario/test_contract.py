"""The format's contract: every key of its example, simulated or not."""

from pathlib import Path

from pullsim.scenario import load
from pullsim.spec.hardware import FilesystemSpec

DATA = Path(__file__).parent / "data"


def test_the_example_loads_and_builds():
    scenario = load(DATA / "contract.yaml")
    built = scenario.assemble()
    cluster = built.cluster
    assert [node.name for node in cluster.nodes[:2]] == ["workers-0000", "workers-0001"]
    assert cluster.nodes[49].joins == 98.0
    spec = cluster.nodes[0].spec
    assert spec.kubelet.max_parallel_image_pulls == 4
    assert not spec.kubelet.serialize_image_pulls
    assert spec.nic.rate == 1.25e9
    assert spec.disk.write == 128 * 2**20
    assert spec.filesystem == FilesystemSpec(150 * 10**9, 20 * 10**9)
    assert {pod.lives for pod in cluster.pods if pod.workload == "web"} == {300.0}
    assert spec.cores.count == 8
    assert len(cluster.pods) == 4 + 200 + 3
    assert [pod.created for pod in cluster.pods] == sorted(pod.created for pod in cluster.pods)
    assert [daemon_set.name for daemon_set in cluster.daemon_sets] == ["agent"]
    names = {pod.name for pod in cluster.pods}
    assert {"app-00000", "w1-00199", "web-00002"} <= names
    assert cluster.horizon == 1800.0
    assert cluster.registries[0].faults[2].status is None
    assert sorted(built.warnings) == [
        "Deployment app: nodeSelector disktype: ssd: no node has such a label (nodes[].labels), so it is left out",
        "app.yaml: left out, as not simulated: ConfigMap (1)",
        "registries[docker.io].faults: no image that is pulled matches 'team/gone:*'",
    ]
    assert built.ignored == (f"{DATA / 'k8s/app.yaml'}:1:1: ConfigMap settings",)
