"""RuntimeClass handlers: sandboxes that cannot be made, and images told apart by handler."""

from __future__ import annotations

import pytest

from pullsim.cri import Caller
from pullsim.kernel.environment import Environment
from pullsim.runtime.containerd.store import image_record
from pullsim.runtime.fixed.server import FixedRuntime
from pullsim.runtime.handlers import RuntimeHandlers
from pullsim.spec.runtime import FixedImage, FixedSpec, RuntimeHandler
from pullsim.time_line import TimeLine
from tests.support.outcome import fetches, layers, pull, row, stages, story, times
from tests.support.world import (
    MINIMAL,
    STEADY,
    UNLIMITED,
    containerd,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run,
    run_fixed,
)

RUNC, KATA = RuntimeHandler("runc"), RuntimeHandler("kata", "devmapper")
GVISOR = RuntimeHandler("gvisor")
BY_HANDLER = {**UNLIMITED, "featureGates": {"RuntimeClassInImageCriApi": True}}


@pytest.mark.parametrize(
    ("handlers", "wanted", "error"),
    [
        ((), "runc", None),
        ((), "kata", 'no runtime for "kata" is configured'),
        ((RUNC, KATA), "kata", None),
        ((RUNC, KATA), "runc", None),
        ((KATA,), "runc", 'no runtime for "runc" is configured'),
    ],
)
def test_which_sandboxes_can_be_made(handlers, wanted, error):
    text = None if error is None else f"rpc error: code = Unknown desc = failed to get sandbox runtime: {error}"
    assert RuntimeHandlers(handlers).run_pod_sandbox(wanted) == text


@pytest.mark.parametrize(
    ("loop", "tries"),
    [(MINIMAL, [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]), (STEADY, [0.0, 10.7, 21.7, 32.7, 43.7, 54.7])],
    ids=["minimal", "full"],
)
def test_a_pod_whose_handler_the_node_lacks_is_retried_and_pulls_nothing(loop, tries):
    result = run_fixed([pod("p", "app:1", handler="kata")], {"app:1": 1.0}, loop=loop, horizon=60.0)
    text = (
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: "
        'no runtime for "kata" is configured'
    )
    first = result.events[0]
    assert (first.t, first.pod, first.container, first.type, first.image) == (0.0, "p", None, "Warning", None)
    assert {(event.reason, event.message) for event in result.events} == {("FailedCreatePodSandBox", text)}
    assert result.pulls == []
    assert times(result, "FailedCreatePodSandBox") == pytest.approx(tries)
    record = row(result, "p")
    assert (record.started, record.reason, record.cause, stages(record)) == (
        None,
        "ContainerCreating",
        "sandbox",
        {"sync": 60.0},
    )


def test_such_a_pod_does_not_keep_the_run_going():
    result = run_fixed([pod("p", "app:1", handler="kata"), pod("q", "app:1")], {"app:1": 1.0})
    assert (result.ended, row(result, "q").started) == ("settled", 1.0)


FIVE = {"app:1": FixedImage(5.0, repull=1.0)}


@pytest.mark.parametrize(
    ("kubelet", "second"),
    [(BY_HANDLER, ["Pulling", "Pulled", "Created", "Started"]), (UNLIMITED, ["Pulled", "Created", "Started"])],
    ids=["gate on", "gate off"],
)
def test_the_gate_tells_images_of_two_handlers_apart(kubelet, second):
    wanted = [pod("p", "app:1"), pod("q", "app:1", at=10.0, handler="kata")]
    result = run_fixed(wanted, FIVE, kubelet=kubelet, handlers=[RUNC, KATA])
    assert [reason for _, reason in story(result, "q")] == second


@pytest.mark.parametrize("handler", ["", "runc"])
def test_the_default_handler_by_name_and_without_one_are_one_identity(handler):
    wanted = [pod("p", "app:1"), pod("q", "app:1", at=10.0, handler=handler)]
    result = run_fixed(wanted, FIVE, kubelet=BY_HANDLER, handlers=[RUNC, KATA])
    assert [record.pod for record in result.pulls] == ["p"]


def test_never_does_not_see_the_other_handlers_image():
    wanted = [pod("p", "app:1"), pod("q", "app:1", at=10.0, handler="kata", policy="Never")]
    result = run_fixed(wanted, FIVE, kubelet=BY_HANDLER, handlers=[RUNC, KATA], horizon=20.0)
    assert row(result, "q").reason == "ErrImageNeverPull"


def test_the_fixed_runtime_knows_an_image_by_handler():
    env = Environment()
    spec = FixedSpec({"app:1": FixedImage(5.0, repull=1.0, present=True)})
    runtime = FixedRuntime(env, spec, RuntimeHandlers((RUNC, KATA)))
    caller = Caller("default", "p", "c", "app:1")

    def calls():
        took = []
        for handler in ("kata", "kata", "runc", ""):
            began = env.now
            yield from runtime.pull_image("app:1", caller, TimeLine(began, "pull"), handler=handler)
            took.append(env.now - began)
        return took

    assert runtime.image_status("app:1", "kata") is None
    assert env.run(env.process(calls())) == [5.0, 1.0, 1.0, 1.0]
    assert runtime.image_status("app:1", "kata") is not None


def two_handlers(other: RuntimeHandler, kubelet=BY_HANDLER):
    """An image of two layers for the default handler at 0 s, for the other one at 10 s, with containerd."""
    content = image(layer("below", 1.0, 2.0), layer("above", 1.0, 2.0))
    wanted = [pod("p", named("a:1")), pod("q", named("a:1"), at=10.0, handler=other.name)]
    spec = node(containerd(), kubelet=kubelet, handlers=[RUNC, other])
    return run(wanted, spec, registries=[registry()], images={"a:1": content})


def test_another_snapshotter_unpacks_again_what_was_fetched_once():
    result = two_handlers(KATA)
    assert row(result, "p").started == pytest.approx(6.0)  # fetch both 2 at half the rate each, unpack 2 + 2
    second = pull(result, "q")
    assert (second.downloaded, second.layers_fetched) == (0, 0)
    assert stages(second) == {"unpack_cpu": 4.0}
    assert [record.source for record in layers(result, "q")] == ["local", "local"]
    assert max(fetches(result).values()) == 1


def test_the_same_snapshotter_only_writes_the_name_again():
    result = two_handlers(GVISOR)
    assert pull(result, "q").ended == pytest.approx(10.0)
    assert layers(result, "q") == []


def test_without_the_gate_nothing_is_pulled_for_the_other_handler():
    result = two_handlers(KATA, UNLIMITED)
    assert [record.pod for record in result.pulls] == ["p"]
    assert row(result, "q").started == pytest.approx(10.0)


def test_image_records_are_told_apart_as_image_gc_wants_it():
    content = image(layer("below"), layer("above"))
    handlers = RuntimeHandlers((RUNC, KATA, GVISOR))
    made = {
        name: image_record(content, content.digest, content.size, name, handlers)
        for name in ("", "runc", "kata", "gvisor")
    }
    assert {stored.id for stored in made.values()} == {content.config_digest}
    assert [stored.handler for stored in made.values()] == ["", "", "kata", "gvisor"]
    assert made["gvisor"].snapshots() == content.chain_ids
    assert made["kata"].snapshots() == tuple(f"devmapper/{chain_id}" for chain_id in content.chain_ids)
