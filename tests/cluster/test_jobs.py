"""Jobs whose pods run to completion."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.errors import InputError
from pullsim.results import check
from pullsim.scenario import from_mapping
from pullsim.spec.cluster import Leave, Owner, PodSpec
from pullsim.spec.runtime import FixedImage
from tests.support.world import container, fixed, node, pod, run

IMAGES = {"a:1": FixedImage(10.0)}
ENDS = PodSpec((replace(container("a:1", run=30.0), completes=True),))


def job(parallelism, completions=None, *, spec=ENDS, **cluster):
    pods = [replace(pod(f"job-{n:05d}"), spec=spec, workload="job", owner=0) for n in range(parallelism)]
    owners = (Owner("Job", "job", "default", parallelism, completions=completions),)
    given = {"max_pods": cluster.pop("max_pods", 110)}
    of = replace(node(fixed(IMAGES), **given), leave=cluster.pop("leave", None))
    return run([*pods, *cluster.pop("others", [])], of, owners=owners, **cluster)


@pytest.mark.parametrize(
    ("parallelism", "completions", "created"),
    [(2, 2, [0, 0]), (2, 5, [0, 0, 40, 40, 70]), (1, 3, [0, 40, 70]), (3, 4, [0, 0, 0, 40])],
)
def test_pods_follow_until_all_completions_are_there(parallelism, completions, created):
    result = job(parallelism, completions)
    assert [row.created for row in sorted(result.pods, key=lambda row: row.pod)] == created
    assert all(row.started is not None for row in result.pods)
    assert result.ended == "settled"
    assert check(result) == []


def test_a_completed_pod_frees_its_place():
    result = job(1, 1, max_pods=1, others=[pod("p", "a:1", at=5.0)])
    assert next(row.scheduled for row in result.pods if row.pod == "p") == 40.0


def test_a_pod_lost_with_its_node_is_made_again():
    result = job(2, 4, leave=Leave(0.02), horizon=2000.0, seed=2, status=True)
    completed = [row.pod for row in result.statuses if row.status == "Completed"]
    assert len(completed) == 4
    assert len(result.pods) > 4
    assert check(result) == []


def test_a_job_that_runs_for_ever_on_nodes_that_leave():
    result = job(2, spec=PodSpec((container("a:1"),)), leave=Leave(0.005), horizon=1000.0, seed=2)
    assert len(result.pods) == 2 + sum(row.pods for row in result.departures)


JOB = """
apiVersion: batch/v1
kind: Job
metadata: {{name: batch}}
spec:
  parallelism: 2
  completions: 5
  template:
    metadata: {{annotations: {{pullsim.io/run: "{run}"}}}}
    spec:
      restartPolicy: Never
      initContainers: [{{name: init, image: "a:1"}}]
      containers: [{{name: main, image: "a:1"}}]
"""


def built(tmp_path, run):
    path = tmp_path / "job.yaml"
    path.write_text(JOB.format(run=run))
    images = {"runtime": {"fixed": {"images": {"a:1": {"pull": "1s"}}}}}
    return from_mapping({"nodes": [images], "workloads": [{"manifest": str(path)}]}).assemble()


def test_the_annotation(tmp_path):
    cluster = built(tmp_path, "init=3s,main=1m").cluster
    assert cluster.owners == (Owner("Job", "batch", "default", 2, completions=5),)
    (main,), (init,) = cluster.pods[0].spec.containers, cluster.pods[0].spec.init_containers
    assert (main.run, main.completes, init.run, init.completes) == (60.0, True, 3.0, False)


def test_without_it_pods_run_for_ever(tmp_path):
    made = built(tmp_path, "init=3s")
    assert made.cluster.owners[0].completions is None
    (warning,) = made.warnings
    assert "only the first 2 of 5 pods are simulated: the annotation pullsim.io/run says" in warning
    with pytest.raises(InputError, match="there is no container 'mian'"):
        built(tmp_path, "mian=3s")
