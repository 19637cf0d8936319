"""SimKube's traces: msgpack as sk-core/src/trace/mod.rs writes it, and what of pods the objects in it become."""

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError, InputErrors
from pullsim.formats.kubernetes.cron import RecordedTimes
from pullsim.formats.simkube.objects import read_trace_objects
from pullsim.formats.simkube.timelines import timelines
from pullsim.formats.simkube.trace_file import Trace, read_trace
from pullsim.importer.files import read_all
from pullsim.importer.notes import Notes
from pullsim.inputs.document import Document

msgpack = pytest.importorskip("msgpack")
ZERO = 1_710_892_138  # the trace's first second, a Tuesday


def template(image="example.com/web:v1"):
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": image}]}}


def deployment(replicas=None, image="example.com/web:v1", name="web", kind="Deployment"):
    spec = {"template": template(image)} | ({} if replicas is None else {"replicas": replicas})
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def pod(name="bare", api="v1"):
    return {
        "apiVersion": api,
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": template()["spec"],
    }


def job(name="train", **spec):
    spec = {"template": template(), **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def cron(name="report", schedule="*/5 * * * *"):
    spec = {"schedule": schedule, "jobTemplate": {"spec": {"template": template()}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def event(at, *applied, deleted=()):
    return {"ts": ZERO + at, "applied_objs": list(applied), "deleted_objs": list(deleted)}


def packed(*events, lives=None, **more):
    document = {"version": 2, "config": {"trackedObjects": {}}, "events": list(events), "index": {}}
    return msgpack.packb({**document, "pod_lifecycles": lives or {}, **more})


@pytest.fixture
def read(tmp_path):
    def read_it(*events, **more):
        path = tmp_path / "t.sktrace"
        path.write_bytes(packed(*events, **more))
        return read_trace_objects(path)

    return read_it


def shown(group):
    return [*group.pods], group.begins, group.lives


def test_what_does_not_change_is_there_as_in_a_manifest(read):
    objects = read(event(0), event(0, deployment(3), pod()))
    web, bare = objects.groups
    assert shown(web) == (["web-00000", "web-00001", "web-00002"], 0.0, None)
    assert (web.kind, web.namespace, web.spec.containers[0].image) == ("Deployment", "shop", "example.com/web:v1")
    assert shown(bare) == (["bare"], 0.0, None)
    assert objects.warnings == []


def test_scaling_brings_pods_and_takes_the_youngest(read):
    groups = read(
        event(0, deployment(2)), event(10, deployment(5)), event(20, deployment(3)), event(30, deployment(1)),
        event(40, deployment(2)),
    ).groups  # fmt: skip
    assert sorted(map(shown, groups), key=lambda each: (each[1], each[0])) == [
        (["web-00000"], 0.0, None),
        (["web-00001"], 0.0, 30.0),
        (["web-00002"], 10.0, 20.0),
        (["web-00003", "web-00004"], 10.0, 10.0),
        (["web-00005"], 40.0, None),
    ]


def test_a_stateful_set_has_ordinals(read):
    groups = read(event(0, deployment(1, kind="StatefulSet")), event(5, deployment(3, kind="StatefulSet"))).groups
    assert [[*group.pods] for group in groups] == [["web-0"], ["web-1", "web-2"]]
    assert all(group.ordered for group in groups)


def test_a_new_template_replaces_all_pods_and_is_told(read):
    objects = read(event(0, deployment(2)), event(60, deployment(2, "example.com/web:v2")))
    assert [(shown(group), group.spec.containers[0].image) for group in objects.groups] == [
        ((["web-00000", "web-00001"], 0.0, 60.0), "example.com/web:v1"),
        ((["web-00002", "web-00003"], 60.0, None), "example.com/web:v2"),
    ]
    assert objects.warnings == ["Deployment web: the trace changes its template: all its pods are replaced at once"]


def test_deleted_objects_end_and_may_come_again(read):
    objects = read(
        event(0, pod(), deployment(1)), event(30, deleted=[pod(), deployment(1)]), event(50, pod(), deployment(1))
    )
    assert [shown(group) for group in objects.groups] == [
        (["bare"], 0.0, 30.0),
        (["bare-2"], 50.0, None),
        (["web-00000"], 0.0, 30.0),
        (["web-00001"], 50.0, None),
    ]
    assert objects.warnings == []


def test_what_is_there_for_no_time_is_not_there(read):
    groups = read(event(0, deployment(1)), event(5, pod(), deleted=[pod()]), event(9, deleted=[pod("none")])).groups
    assert [group.name for group in groups] == ["web"]


def test_pods_that_ended_run_as_long(read):
    lives = {
        ("v1.Pod", "shop/bare"): {11: [{"Finished": (ZERO + 3, ZERO + 33)}]},
        ("batch/v1.Job", "shop/train"): {
            7: [{"Finished": (ZERO, ZERO + 10)}],
            8: [{"Finished": (ZERO, ZERO + 20)}, "Empty"],
        },
    }
    bare, other, train = read(event(0, pod(), pod("other"), job(parallelism=2, completions=6)), lives=lives).groups
    assert [(each.completes, each.run) for each in bare.spec.containers] == [(True, 30.0)]
    assert not other.spec.completes
    assert [(each.completes, each.run) for each in train.spec.containers] == [(True, 15.0)]
    assert (len(train.pods), train.completions) == (2, 6)


def test_the_annotation_of_a_job_counts_before_the_trace(read):
    own = job()
    own["spec"]["template"]["metadata"]["annotations"] = {"pullsim.io/run": "app=5s"}
    (group,) = read(event(0, own), lives={("batch/v1.Job", "shop/train"): {1: [{"Finished": (ZERO, ZERO + 9)}]}}).groups
    assert group.spec.containers[0].run == 5.0


def test_a_job_that_is_resumed_begins_then(read):
    objects = read(event(0, job(suspend=True)), event(20, job(suspend=False)))
    assert [(len(group.pods), group.begins, group.lives) for group in objects.groups] == [
        (0, 0.0, 20.0),
        (1, 20.0, None),
    ]


def test_a_cron_job_makes_jobs_when_its_pods_were_seen(read):
    minute = ZERO - ZERO % 60
    lives = {
        ("batch/v1.CronJob", "shop/report"): {
            1: [
                {"Finished": (minute + 123, minute + 150)},
                {"Running": minute + 185},
                {"Finished": (minute + 130, minute + 140)},
            ]
        }
    }
    (group,) = read(event(0), event(30, cron()), event(400), lives=lives).groups
    begin = ZERO + 30
    assert group.schedule == RecordedTimes((minute + 120.0 - begin, minute + 180.0 - begin))
    assert group.spec.containers[0].run == pytest.approx(18.5)


def test_a_cron_job_without_pods_keeps_its_schedule_until_the_trace_ends(read):
    (group,) = read(event(0, cron()), event(900)).groups
    times = [ZERO + at for at in group.schedule.times(0.0, float("inf"))]
    assert len(times) == 3
    assert all(at % 300 == 0 for at in times)
    assert [*group.schedule.times(100.0, 100.0)] == []
    assert group.schedule.count(0.0, float("inf")) == 3


def test_kinds_of_operators_are_found_by_shape_and_others_left_out(read):
    group_set = {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": "llm", "namespace": "shop"},
        "spec": {"replicas": 2, "leaderWorkerTemplate": {"size": 3, "workerTemplate": template()}},
    }
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {}}
    objects = read(event(0, group_set, config), event(8, {**group_set, "spec": {**group_set["spec"], "replicas": 1}}))
    assert [(len(group.pods), group.begins, group.lives) for group in objects.groups] == [(6, 0.0, 8.0), (3, 8.0, None)]
    assert len({name for group in objects.groups for name in group.pods}) == 9


def test_objects_of_owners_in_the_trace_are_made_by_them(read):
    owned = {**deployment(2, kind="ReplicaSet", name="web-1")}
    owned["metadata"] = {**owned["metadata"], "ownerReferences": [{"kind": "Deployment", "name": "web"}]}
    assert [group.name for group in read(event(0, deployment(2), owned)).groups] == ["web"]


NOT_A_TRACE = "this is no trace of SimKube, which is a map with version, events and pod_lifecycles"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "this is no msgpack, of which traces of SimKube are made"),
        (b"\xc1", "this is no msgpack"),
        (b"version: 1\n", "this is no msgpack"),
        (msgpack.packb([1, [], {}, {}]), "this trace has no version: SimKube 1 wrote it; export it again"),
        (msgpack.packb(5), NOT_A_TRACE),
        (msgpack.packb({"version": 2}), NOT_A_TRACE),
        (packed(version=3), "version: 3 is not 2, the one that is read"),
        (packed(version=None), "version: None is not 2"),
        (packed(), "nothing in the trace is there for longer than an instant"),
        (packed(events=5), "events must be a list"),
        (packed(events=[5]), "events[0] must be a map with ts, whole seconds since 1970"),
        (packed(event(0, 5)), "events[0].applied_objs[0] is no Kubernetes object with apiVersion, kind and a name"),
        (packed(event(0, {**pod(), "metadata": None})), "events[0].applied_objs[0] is no Kubernetes object"),
        (packed({"ts": ZERO, "applied_objs": []}), "events[0].deleted_objs must be a list of objects"),
        (packed(event(5, pod()), event(4)), "events must be in the order of their ts"),
        (packed(event(0, pod()), event(10**9)), "the events are 1,000,000,000 s apart, more than 100,000,000 s"),
        (packed(event(0, pod()), pod_lifecycles=[]), "pod_lifecycles must be a map"),
        (packed(event(0, pod()), lives={"a": {}}), "pod_lifecycles: 'a' must be a kind and a name, and have maps"),
        (packed(event(0, pod()), lives={("a", "b"): {1: ["Gone"]}}), "pod_lifecycles: 'Gone' is not Empty, Running or"),
        (packed(event(0, {**pod(), "spec": {1: 2}})), "events: key 1 must be text"),
        (packed(event(0, deployment("two"))), "spec.replicas: replicas must be a whole number from 0 to 1000000"),
        (packed(event(0, {**pod(), "spec": {}})), "a pod needs containers"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_error_with_the_file(tmp_path, data, message):
    path = tmp_path / "t.sktrace"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_trace_objects(path)
    error = caught.value.errors[0] if isinstance(caught.value, InputErrors) else caught.value
    assert str(error).startswith(f"{path}: ")
    assert message in str(error)


def test_init_says_where_a_trace_goes(tmp_path):
    (tmp_path / "shop.sktrace").write_bytes(packed(event(0, pod())))
    notes = Notes()
    assert read_all([str(tmp_path)], notes).empty
    (told,) = notes.unread
    assert told.endswith(
        "shop.sktrace: is a trace of SimKube: a workload of a scenario takes it, as trace: shop.sktrace"
    )


def test_deep_nesting_is_an_error(tmp_path):
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    path = tmp_path / "t.sktrace"
    path.write_bytes(packed(event(0, {**pod(), "spec": {"deep": deep}})))
    with pytest.raises(InputError, match="nested more than"):
        read_trace(path)


def test_without_msgpack_the_error_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "t.sktrace"
    path.write_bytes(packed(event(0, pod())))
    monkeypatch.setitem(__import__("sys").modules, "msgpack", None)
    with pytest.raises(InputError, match=r"needs msgpack: pip install 'pullsim\[simkube\]'"):
        read_trace(path)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), min_size=1, max_size=12))
def test_at_any_time_there_are_as_many_pods_as_were_asked_for(steps):
    """Each step comes some seconds later, and scales, or deletes; equal times and counts are there too."""
    events, times, at = [], [], 0
    wanted: list[tuple[int, int]] = []  # from when on how many
    for later, replicas, deleted in steps:
        at += later
        times.append(ZERO + at)
        gone = deleted and bool(wanted)
        events.append(event(at, deleted=[deployment()]) if gone else event(at, deployment(replicas)))
        wanted.append((at, 0 if gone else replicas))
    trace = Trace(Document("t", {"events": events}), tuple(times), {})
    (found,) = timelines(trace)
    zero = times[0] - ZERO
    for second in range(at - zero + 2):
        alive = [p for p in found.parts if p.begins <= second and (p.ends is None or second < p.ends)]
        due = wanted[bisect_right([when for when, _ in wanted], second + zero) - 1][1]
        assert sum(part.count for part in alive) == due
    numbers = [number for p in found.parts for number in range(p.number, p.number + p.count)]
    assert len(numbers) == len(set(numbers)), "no two pods have one name"
    assert not found.replaced
