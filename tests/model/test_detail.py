"""Which records a run keeps."""

from __future__ import annotations

import pytest

from pullsim.run import simulate
from pullsim.spec.cluster import ClusterSpec, Node
from tests.support.world import catalog, containerd, image, layer, named, node, pod, registry


@pytest.mark.parametrize(
    ("detail", "kept"),
    [
        ("none", set()),
        ("pods", {"pods"}),
        ("pulls", {"pods", "pulls", "events"}),
        ("layers", {"pods", "pulls", "events", "layers"}),
    ],
)
def test_detail(detail, kept):
    spec = ClusterSpec(
        (Node("n-0", node(containerd())),),
        (pod("p", named("a:1")),),
        registries=(registry(),),
        catalog=catalog({"a:1": image(layer("x"))}),
    )
    result = simulate(spec, name="named", detail=detail)
    assert {kind for kind in ("pods", "pulls", "events", "layers") if getattr(result, kind)} == kept
    assert (result.name, result.end, result.nodes, result.pools) == ("named", 1.0, ("n-0",), {"n-0": "n"})
