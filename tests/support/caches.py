"""Small clusters behind a pull-through cache, whose links cost nothing unless they are given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pullsim.oci.catalog import Catalog
from pullsim.scenario.builder.pull_through import build_cache
from pullsim.scenario.model.pull_through import Cache
from pullsim.spec.registry import Host, RegistrySpec
from tests.support.world import FAST, containerd, crio, image, layer, named, node, pod, registry, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.oci.manifest import Manifest
    from pullsim.run import Result
    from pullsim.spec.pull_through import CacheSpec
    from pullsim.spec.runtime import RuntimeSpec

MIRROR = "cache.test"
CONTENT = image(layer("x", 2), layer("y", 1))
RUNTIMES = pytest.mark.parametrize("runtime", [containerd(), crio()], ids=["containerd", "crio"])


def preset(name: str, **keys: Any) -> CacheSpec:
    made = build_cache(Cache.model_validate(name))
    assert made is not None
    return replace(made, **keys)


def behind(cache: CacheSpec, **upstream: Any) -> tuple[RegistrySpec, RegistrySpec]:
    """A registry and its mirror, which is the cache."""
    return registry(**{"mirrors": (Host(MIRROR),), **upstream}), registry(MIRROR, egress=FAST, cache=cache)


def world(
    cache: CacheSpec,
    *,
    at: Sequence[float] = (0.0, 0.0),
    runtime: RuntimeSpec | None = None,
    upstream: Mapping[str, Any] | None = None,
    host: Mapping[str, Any] | None = None,
    content: Manifest | Catalog = CONTENT,
    nic: float = FAST,
) -> Result:
    """Nodes n-0, n-1, … pull one image, of 3 s if nothing else is given, at these times."""
    source, mirror = behind(cache, **(upstream or {}))
    spec = node(runtime or containerd(), nic=nic)
    wanted = [pod(f"p{number}", named("a:1"), at=when, node=f"n-{number}") for number, when in enumerate(at)]
    images = content if isinstance(content, Catalog) else {"a:1": content}
    return run(wanted, spec, nodes=len(at), registries=[source, replace(mirror, **(host or {}))], images=images)
