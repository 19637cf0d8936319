"""What a process reads of its image before it is ready, on nodes that have all files: thinking alone takes time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.errors import InputError
from pullsim.reads import Reads
from pullsim.runtime.image_files import ImageFiles, Part
from pullsim.scenario import from_mapping
from pullsim.stages import AFTER_START


def run(reads, *, workload=None, **more):
    image = "r.test/app:v1"
    scenario = from_mapping(
        {
            "images": {"define": [{"image": image, "layers": [{"size": "1GB"}]}]},
            "nodes": [{"name": "n", "cached": [image]}],
            "workloads": [{"name": "w", "reads": reads} | (workload or {"pods": {"image": image}}) | more],
        }
    )
    return pullsim.run(scenario)


@pytest.mark.parametrize(
    "reads, ready, seconds",
    [
        ("python-web", "0s", 2.0),
        ("model-server", "0s", 0.0),
        ({"think": "3s"}, "0s", 3.0),
        ({"preset": "python-web", "think": "500ms"}, "0s", 0.5),
        ({"think": "3s"}, "4s", 7.0),
    ],
)
def test_thinking_comes_before_readiness(reads, ready, seconds):
    (pod,) = run(reads, startup={"ready": ready}).pods
    assert pod.ready - pod.started == pytest.approx(seconds)
    assert sum(pod.stages.get(stage, 0.0) for stage in AFTER_START) == pytest.approx(seconds)


def test_a_pod_whose_reads_take_no_time_is_counted_once():
    result = run("model-server", workload={"pods": {"image": "r.test/app:v1", "count": 3}})
    assert pullsim.summarize(result).pods.ready.count == 3


@pytest.mark.parametrize(
    "reads, error",
    [
        ({"bytes": "1MB", "share": 0.5}, "has bytes and a share; give one of them"),
        ({"share": 0}, "reads.share"),
        ({"concurrency": 0}, "reads.concurrency"),
        ({"size": "0B"}, "reads.size"),
        ("django", "is not one of python-web, model-server"),
        ({"image": "r.test/ap:v1"}, "its pods have no image 'r.test/ap:v1'; did you mean r.test/app:v1?"),
    ],
)
def test_wrong_reads(reads, error):
    with pytest.raises(InputError, match=error.replace("?", r"\?").replace(".", r"\.")):
        run(reads)


def test_reads_do_not_go_with_prepull():
    with pytest.raises(InputError, match="reads do not go with prepull"):
        run("python-web", workload={"prepull": {"images": ["r.test/app:v1"]}})


def test_amounts_and_units():
    assert Reads().amount(1000) == 1000
    assert Reads(share=0.064).amount(1000) == 64
    assert Reads(bytes=400).amount(1000) == 400
    assert Reads(bytes=4000).amount(1000) == 1000, "there is no more"
    assert Reads().touched(1000, 5120, 512) == 2
    random = Reads(order="random", size=128)
    assert random.touched(5120, 5120, 512) == 10, "all of it is in all units"
    assert random.touched(512, 5120, 512) == pytest.approx(10 * (1 - 0.9**4)), "one in ten parts, four of them a unit"
    assert Reads(order="random", size=4096).touched(512, 5120, 512) == pytest.approx(1)
    assert random.touched(0, 5120, 512) == 0


class Place:
    """A place that notes what is read."""

    def __init__(self):
        self.parts = []

    def read(self, part, reads):
        self.parts.append(part)
        yield from ()


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["disk", "lazy"]), st.sampled_from([0, 1, 1, 999, 10**9])), max_size=6),
    st.sampled_from([0.001, 0.5, 1.0]),
)
def test_what_is_read_is_spread_over_the_layers(layers, share):
    """Layers read what falls to them, to the byte; what is on the disk is not waited for."""
    place, files = Place(), ImageFiles()
    keyed = [(f"{kind}-{number}", size) for number, (kind, size) in enumerate(layers)]
    files.lie_in(place, [key for key, _ in keyed if key.startswith("lazy")])
    reading = files.read(keyed, Reads(share=share))
    for _ in reading or ():
        pass
    total = sum(size for _, size in keyed)
    amount = round(total * share)
    assert all(part.key.startswith("lazy") and 0 < part.amount <= part.unpacked for part in place.parts)
    if all(key.startswith("lazy") for key, _ in keyed):
        assert sum(part.amount for part in place.parts) == amount
    assert (reading is None) == (not place.parts)


def test_all_of_it_is_all_of_each_layer():
    place, files = Place(), ImageFiles()
    files.lie_in(place, ["a", "b"])
    list(files.read([("a", 3), ("b", 7)], Reads()))
    assert place.parts == [Part("a", 3, 3), Part("b", 7, 7)]
