"""The table of kinds of runtimes, and what each kind's settings answer."""

from __future__ import annotations

import pytest

from pullsim.runtime.kinds import KINDS
from pullsim.runtime.protocol import Runtime
from pullsim.spec import runtime as settings
from pullsim.spec.runtime import ContainerdSpec, CrioSpec, FixedSpec, RuntimeSpec
from tests.support.world import containerd, failing, fixed, image, layer


def specs() -> set[type]:
    return {
        each
        for each in vars(settings).values()
        if isinstance(each, type) and issubclass(each, RuntimeSpec) and each is not RuntimeSpec
    }


def test_each_kind_of_settings_has_a_runtime():
    assert set(KINDS) == specs()
    assert len({spec.kind for spec in KINDS}) == len(KINDS)


@pytest.mark.parametrize("make", KINDS.values(), ids=[spec.kind for spec in KINDS])
def test_each_runtime_has_every_call(make):
    kind = make if isinstance(make, type) else make.__self__
    calls = [name for name in dir(Runtime) if not name.startswith("_")]
    assert {"pull_image", "list_images", "preload"} <= set(calls)
    assert [name for name in calls if not callable(getattr(kind, name, None))] == []


@pytest.mark.parametrize(
    ("spec", "title", "summary", "mounts", "limit"),
    [
        (containerd((2, 0)), "containerd 2.0.12", "containerd 2.0.12 (3 downloads)", False, (3, False, "")),
        (containerd((2, 1)), "containerd 2.1.9", "containerd 2.1.9 (3 downloads)", True, (3, True, "")),
        (CrioSpec((1, 35, 6)), "CRI-O 1.35.6", "CRI-O 1.35.6", True, (6, False, "CRI-O 1.35: ")),
        (FixedSpec(), "fixed runtime", "fixed runtime", True, None),
    ],
)
def test_what_settings_say_of_themselves(spec, title, summary, mounts, limit):
    assert (spec.title, spec.summary, spec.mounts_images, spec.layer_limit) == (title, summary, mounts, limit)


def test_what_images_share_is_on_the_disk_once():
    base = layer("base")
    images = [(each, each) for each in (image(base, layer("a")), image(base, layer("b")))]
    layers = {each.digest: each for made, _ in images for each in made.layers}.values()
    documents = sum(made.size + made.config_size for made, _ in images)
    unpacked = sum(each.unpacked for each in layers)
    assert CrioSpec().bytes_at_start(images) == documents + unpacked
    assert ContainerdSpec().bytes_at_start(images) == documents + unpacked + sum(each.size for each in layers)


def test_the_fixed_runtime_counts_its_own_images_and_tells_when_they_go():
    spec = fixed(
        {
            "a:1": settings.FixedImage(1.0, size=7, present=True, removed_at=(3.0, 9.0)),
            "b:1": settings.FixedImage(1.0, size=5, status_fail=settings.FixedStatusFailure("boom", 1.0, 4.0)),
            "c:1": failing(),
        }
    )
    assert spec.bytes_at_start([]) == 7
    assert sorted(spec.changes()) == [3.0, 4.0, 9.0]
    assert not list(ContainerdSpec().changes())
