"""Keys ``startup`` of workloads and pools, and the probes of manifests."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.scenario import from_mapping
from pullsim.spec.startup import AT_ONCE, Startup

FIXED = {"runtime": {"fixed": {"images": {"a:1": {"pull": "1s"}, "a:2": {"pull": "1s"}}}}}
OBJECT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  minReadySeconds: {least}
  template:
    spec:
      containers: [{{name: app, image: "a:1", {probe}}}, {{name: proxy, image: "a:1"}}]
"""


def built(*workloads, **pool):
    return from_mapping({"nodes": [{**FIXED, **pool}], "workloads": list(workloads)}).assemble()


def manifest(tmp_path, probe="", least=0):
    path = tmp_path / "objects.yaml"
    path.write_text(OBJECT.format(probe=probe, least=least))
    return str(path)


def test_nothing_takes_time_unless_it_is_given():
    cluster = built({"pods": {"image": "a:1"}}).cluster
    assert (cluster.pods[0].spec.startup, cluster.nodes[0].spec.startup) == (AT_ONCE, AT_ONCE)


def test_a_workload_and_a_pool_have_their_own():
    given = {"sandbox": "2s", "ready": "1m"}
    cluster = built(
        {"pods": {"image": "a:1"}, "startup": given, "update": {"at": "5m", "image": "a:2"}},
        {"pod": {"containers": [{"name": "c", "image": "a:1"}]}, "startup": {"container": "300ms"}},
        startup={"sandbox": "1s", "container": "500ms"},
    ).cluster
    assert cluster.nodes[0].spec.startup == Startup(1.0, 0.5)
    assert [pod.spec.startup for pod in cluster.pods] == [Startup(2.0, None, 60.0), Startup(None, 0.3)]
    assert cluster.owners[0].update.spec.startup == Startup(2.0, None, 60.0)


@pytest.mark.parametrize(
    ("probe", "startup", "ready", "warned"),
    [
        ("", {}, 0.0, None),
        ("readinessProbe: {initialDelaySeconds: 5, periodSeconds: 10}", {}, 5.0, "web (5s)"),
        ("readinessProbe: {initialDelaySeconds: 5}, startupProbe: {initialDelaySeconds: 60}", {}, 60.0, "web (1m0s)"),
        ("readinessProbe: {tcpSocket: {port: 80}}", {}, 0.0, "web (0s)"),
        ("livenessProbe: {initialDelaySeconds: 5}", {}, 0.0, None),
        ("readinessProbe: {initialDelaySeconds: 5}", {"ready": "3m"}, 180.0, None),
        ("readinessProbe: {initialDelaySeconds: 5}", {"ready": "0s"}, 0.0, None),
        ("readinessProbe: {initialDelaySeconds: 5}", {"sandbox": "1s"}, 5.0, "web (5s)"),
    ],
)
def test_probes_of_a_manifest_are_the_least_unless_the_workload_says(tmp_path, probe, startup, ready, warned):
    made = built({"manifest": manifest(tmp_path, probe), "startup": startup})
    assert {pod.spec.startup.ready for pod in made.cluster.pods} == {ready}
    about = [warning for warning in made.warnings if "startup.ready" in warning]
    assert len(about) == (warned is not None)
    assert all(f"Deployment {warned}: pods are taken as ready after" in warning for warning in about)


def test_min_ready_seconds_are_the_owners(tmp_path):
    (owner,) = built({"manifest": manifest(tmp_path, least=30)}).cluster.owners
    assert owner.min_ready == 30.0


RULE = "it must be a whole number of seconds from 0 on, not"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"probe": "readinessProbe: {initialDelaySeconds: -1}"}, f"{RULE} -1"),
        ({"probe": "readinessProbe: {initialDelaySeconds: 5s}"}, f"readinessProbe.initialDelaySeconds: {RULE} '5s'"),
        ({"probe": "startupProbe: 3"}, "startupProbe must be a mapping"),
        ({"least": "-3"}, f"spec.minReadySeconds: {RULE} -3"),
    ],
)
def test_what_the_api_server_refuses(tmp_path, given, text):
    with pytest.raises(InputError, match=r"objects\.yaml") as caught:
        built({"manifest": manifest(tmp_path, **given)})
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("workload", "pool", "text"),
    [
        ({"pods": {"image": "a:1"}, "startup": {"ready": "-1s"}}, {}, "w0].startup.ready: duration '-1s' is negative"),
        ({"pods": {"image": "a:1"}, "startup": {"redy": "1s"}}, {}, "unknown key 'redy'; did you mean ready?"),
        ({"prepull": {"images": ["a:1"]}, "startup": {"ready": "1s"}}, {}, "startup does not go with prepull"),
        ({"pods": {"image": "a:1"}}, {"startup": {"ready": "1s"}}, "startup: unknown key 'ready'"),
    ],
)
def test_wrong_keys(workload, pool, text):
    with pytest.raises(InputError) as caught:
        built(workload, **pool)
    assert text in str(caught.value).replace("workloads[0]", "workloads[w0]")
