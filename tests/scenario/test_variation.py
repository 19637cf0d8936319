"""Variation: what a seed draws of clusters, nodes and pulls, and what it depends on."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from pullsim.errors import InputErrors
from pullsim.run import run
from pullsim.scenario import effective_yaml, from_mapping, load, override
from pullsim.scenario.presets.nodes import builtin
from pullsim.scenario.presets.variations import between_presets, variation_of
from pullsim.spec.draws import better_node, correlated, factor, normal, student_quantile, vary_node, vary_pool
from pullsim.spec.variation import NodeVariation, PoolVariation

C5A, HPC = "aws/c5a.4xlarge-gp2", "aws/hpc6a.48xlarge-gp2"
IMAGES = [{"image": f"ghcr.io/a/{name}:1", "layers": [{"size": "60MB"}, {"size": "20MB"}]} for name in "bc"]


def scenario(variation=None, overrides=(), /, **pool):
    tree = {
        "seed": 1,
        "images": {"define": IMAGES},
        "registries": [{"host": "ghcr.io", "perConnection": "50MB/s", "egress": "1GB/s"}],
        "nodes": [{"name": "w", "count": 2, "preset": C5A, "nic": "100Gbit/s", **pool}],
        "workloads": [
            {
                "name": f"{each['image'][-3]}-{node}",
                "pod": {"containers": [{"name": "main", "image": each["image"]}]},
                "on": {"node": f"w-000{node}"},
            }
            for each in IMAGES
            for node in range(2)
        ],
    }
    if variation is not None:
        tree["variation"] = variation
    return from_mapping(tree, overrides)


def durations(of):
    return {(pull.node, pull.image): pull.ended - pull.started for pull in run(of, detail="pulls").pulls}


def test_none_is_what_there_is_without_the_key_to_the_byte():
    plain, none = scenario(), scenario("none")
    assert replace(none.build(), catalog=None) == replace(plain.build(), catalog=None)
    assert effective_yaml(none) == effective_yaml(plain)
    assert "variation" not in effective_yaml(plain)


def test_a_seed_draws_the_same_whatever_else_is_set():
    spreads = {"cluster": {"disk": 0.2, "unpack": 0.2, "registry": 0.2, "latency": 0.2}, "model": 0.1}
    one = scenario(spreads).build()
    other = scenario(spreads, ["kubelet.maxParallelImagePulls=4", "nodes[w].count=5", "nodes[w].disk.write=264MB/s"])
    other = other.build()
    plain = scenario().build().nodes[0].spec
    was, now = one.nodes[0].spec, other.nodes[0].spec
    assert was.disk.write / plain.disk.write == pytest.approx(now.disk.write / 264e6)
    assert was.disk.write != plain.disk.write
    assert was.runtime.unpack == now.runtime.unpack != plain.runtime.unpack
    assert one.registries == other.registries != scenario().build().registries
    assert {id(node.spec) for node in other.nodes} == {id(now)}  # what nodes have of their own is drawn as they join


def test_nodes_draw_by_their_names():
    varies = NodeVariation(3, 0.1, 0.1, 0.0)
    spec = vary_pool(scenario().build().nodes[0].spec, PoolVariation(disk=0.1, unpack=0.1), 3)
    assert spec.varies == varies
    assert vary_node(spec, "w-0000") == vary_node(spec, "w-0000")
    assert vary_node(spec, "w-0000").disk.write != vary_node(spec, "w-0001").disk.write


def test_draws_have_the_spread_that_is_given():
    drawn = [math.log(factor(0.3 * normal(7, "node", f"n-{number}", "disk"))) for number in range(1500)]
    assert abs(statistics.fmean(drawn)) < 0.03
    assert statistics.stdev(drawn) == pytest.approx(0.3, rel=0.08)


@pytest.mark.parametrize("share", [1e-6, 0.05, 0.25, 0.5, 0.75, 0.999])
def test_quantiles_of_students_t_have_a_closed_form(share):
    assert student_quantile(share) == pytest.approx(stats.t.ppf(share, 2), rel=1e-9, abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.2, 5), st.floats(0.2, 5))
@example(1.0, 1.0)
def test_twice_as_fast_and_half_as_fast_is_as_before(disk, unpack):
    spec = scenario().build().nodes[0].spec
    back = better_node(better_node(spec, disk, unpack), 1 / disk, 1 / unpack)
    assert back.disk.write == pytest.approx(spec.disk.write)
    assert back.disk.fsync == pytest.approx(spec.disk.fsync)
    assert back.runtime.unpack.gzip == pytest.approx(spec.runtime.unpack.gzip)
    assert back.runtime.unpack.per_file == pytest.approx(spec.runtime.unpack.per_file)
    assert back.runtime.metadata_write == pytest.approx(spec.runtime.metadata_write)


def test_what_the_model_is_off_by_makes_all_pulls_longer_alike():
    plain = durations(scenario(disk={"pageCache": None}))
    off = durations(scenario({"model": 0.2}, disk={"pageCache": None}))
    ratios = [off[key] / plain[key] for key in plain]
    assert max(ratios) / min(ratios) < 1.02
    assert abs(math.log(ratios[0])) > 0.01


RUNTIMES = [{}, {"crio": "1.36"}, {"soci": {}}]


@pytest.mark.parametrize("runtime", RUNTIMES, ids=str)
def test_pulls_of_a_node_differ(runtime):
    plain, off = (durations(scenario(variation, runtime=runtime)) for variation in (None, {"pull": 0.3}))
    on_one = {round(off[key] / plain[key], 3) for key in plain if key[0] == "w-0000"}
    assert len(on_one) == len([key for key in plain if key[0] == "w-0000"]) > 1


@pytest.mark.parametrize("runtime", [*RUNTIMES, {"snapshotter": "soci-lazy"}], ids=str)
def test_a_pull_is_as_much_slower_as_on_a_node_that_unpacks_as_slowly(runtime):
    seed, node, image = 1, "w-0000", IMAGES[0]["image"]
    by_pull, by_node = normal(seed, "pull", node, image), normal(seed, "node", node, "unpack")
    alone = ["workloads[c-0].on={node: w-0001}"]
    small = [f"images.define[{image}].layers=[{{size: 9MB}}]"]  # soci-lazy unpacks it too
    assert by_pull * by_node > 0  # otherwise no spread between nodes gives the factor of the pull
    pull, slow = (
        durations(scenario(variation, [*alone, *small], runtime=runtime))[node, image]
        for variation in ({"pull": 0.3}, {"node": {"unpack": 0.3 * by_pull / by_node}})
    )
    usual = durations(scenario(None, [*alone, *small], runtime=runtime))[node, image]
    assert pull == pytest.approx(slow, rel=1e-4)
    assert pull != pytest.approx(usual, rel=1e-3)


def test_a_node_with_crio_unpacks_and_inflates_at_its_own_speed():
    built = scenario({"node": {"unpack": 0.3}, "pull": 0.3}, runtime={"crio": "1.36"}).build().nodes[0].spec
    one = vary_node(built, "w-0000")
    assert one.runtime == vary_node(replace(built, varies=replace(built.varies, pull=0.0)), "w-0000").runtime
    assert one.runtime.unpack.gzip != built.runtime.unpack.gzip
    assert one.runtime.inflate.gzip / built.runtime.inflate.gzip == pytest.approx(
        one.runtime.unpack.gzip / built.runtime.unpack.gzip
    )


def test_the_streams_of_soci_vary_as_unpacking_does():
    plain, off = (
        scenario(variation, runtime={"soci": {}}).build().nodes[0].spec.runtime
        for variation in (None, {"cluster": {"unpack": 0.3}})
    )
    by = off.unpack.gzip / plain.unpack.gzip
    assert by != 1.0
    for name in ("core", "unpigz", "stored"):
        assert getattr(off.soci.unpack, name) / getattr(plain.soci.unpack, name) == pytest.approx(by)
    assert off.soci.unpack.per_file / plain.soci.unpack.per_file == pytest.approx(1 / by)


def test_the_effective_scenario_gives_the_same_run(tmp_path):
    first = scenario("preset", preset=HPC)
    (tmp_path / "effective.yaml").write_text(effective_yaml(first))
    again = load(tmp_path / "effective.yaml")
    assert again.nodes[0].preset is None
    assert durations(again) == durations(first)


def logarithm(seed, variation, own=None):
    """The logarithm of the disk's factor; ``own``: the pool's own spreads."""
    pool = {} if own is None else {"variation": own}
    one = scenario(variation, [f"seed={seed}"], **pool).build().nodes[0].spec.disk.write
    return math.log(one / scenario().build().nodes[0].spec.disk.write)


def test_figures_of_one_cluster_are_drawn_wider_and_those_of_none_by_what_presets_are_off():
    own = variation_of(C5A)["cluster"]["disk"]
    assert variation_of(C5A)["clusters"] == 1
    assert variation_of("aws/m6i.large-gp3")["clusters"] == variation_of(None)["clusters"] == 0
    given = logarithm(5, {"cluster": {"disk": own}})
    assert logarithm(5, "preset", {"cluster": {"disk": own}}) == given
    one = logarithm(5, "preset", {"cluster": {"disk": own}, "clusters": 1})
    assert one == pytest.approx(math.sqrt(2) * given, rel=1e-3)
    none = logarithm(5, "preset", {"cluster": {"disk": own}, "clusters": 0})
    assert none == pytest.approx(math.hypot(own, between_presets()["disk"]) / own * given, rel=1e-3)


def test_every_preset_that_was_fitted_has_its_spreads():
    fitted = {name for name, preset in builtin().items() if preset.tree["sources"]["disk"].startswith("fitted on")}
    assert {name for name in builtin() if variation_of(name)["clusters"]} <= fitted
    assert len([name for name in fitted if variation_of(name)["clusters"]]) == 9
    for name in (*builtin(), "gcp/e2-standard-4"):
        from_mapping({"nodes": [{"preset": name}], "variation": "preset"})


def test_a_preset_file_has_spreads_of_its_own(tmp_path):
    (tmp_path / "mine.yaml").write_text("disk: {write: 100MB/s}\nvariation: {cluster: {disk: 0.5}, clusters: 4}\n")
    found = from_mapping({"nodes": [{"preset": "mine.yaml"}], "variation": "preset"}, directory=tmp_path)
    assert found.nodes[0].variation.cluster.disk == 0.5
    quiet = override(found, ["variation=none"])
    assert quiet.nodes[0].variation is None
    assert quiet.assemble().warnings == from_mapping({"nodes": [{}]}).assemble().warnings


@pytest.mark.parametrize(
    ("variation", "said"),
    [
        ("some", "'some' is neither none nor preset, nor a mapping of spreads"),
        (3, "must be a mapping"),
        ({"cluster": {"dsk": 0.1}}, "unknown key 'dsk'; did you mean disk?"),
        ({"model": -0.1}, "must be greater than or equal to 0"),
        ({"pull": 30}, "must be less than or equal to 3"),
        ({"correlations": {"diskUnpack": 1.5}}, "must be less than or equal to 1"),
        ({"node": {"unpack": "10%"}}, "must be a"),
        ({"spreads": "preset", "pull": 0.1}, "pull is given too: leave one of them out"),
    ],
)
def test_wrong_spreads_are_refused_at_their_place(variation, said):
    with pytest.raises(InputErrors) as caught:
        scenario(variation)
    assert said in str(caught.value)
    assert "variation" in str(caught.value)


@pytest.mark.parametrize("variation", [None, {"model": 0.1}])
def test_spreads_of_a_pool_that_nothing_asks_for_are_warned_of(variation):
    told = scenario(variation, variation={"pull": 0.1})
    assert any("nodes[w].variation" in each and "ignored" in each for each in told.assemble().warnings)


def test_a_pool_without_variation_draws_nothing():
    cluster = scenario({"cluster": {"registry": 0.5}}).build()
    assert cluster.nodes[0].spec.varies is None
    assert cluster.nodes[0].spec == scenario().build().nodes[0].spec


ALL = {
    "cluster": {"disk": 0.2, "unpack": 0.3, "registry": 0.2, "latency": 0.1},
    "node": {"disk": 0.2, "unpack": 0.3},
    "pull": 0.1,
}


def with_correlations(**correlations):
    return scenario({**ALL, "correlations": correlations}).build()


def test_without_correlations_draws_are_what_they_were_to_the_bit():
    plain, zero = scenario(ALL).build(), with_correlations(diskUnpack=0, registryLatency=0, nodeDiskUnpack=0)
    assert replace(zero, catalog=None) == replace(plain, catalog=None)
    node, same = (vary_node(each.nodes[0].spec, "w-0000") for each in (plain, zero))
    assert node == same


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), st.floats(-4, 4), st.sampled_from([-2.0, 0.0, 0.7]))
def test_the_second_draw_is_the_second_row_of_the_cholesky_factor(correlation, first, own):
    factors = np.linalg.cholesky([[1, correlation], [correlation, 1]]) if abs(correlation) < 1 else None
    expected = correlation * first if factors is None else factors[1] @ [first, own]
    assert correlated(first, own, correlation) == pytest.approx(expected, abs=1e-12)
    if not correlation:
        assert correlated(first, own, correlation) == own


def test_draws_have_the_correlation_that_is_given():
    def drawn(varies):
        spec = replace(scenario().build().nodes[0].spec, varies=varies)
        for number in range(300):
            node = vary_node(spec, f"n-{number}")
            yield math.log(node.disk.write), math.log(node.runtime.unpack.gzip)

    disk, unpack = zip(*drawn(NodeVariation(3, 0.2, 0.3, 0.1, -0.6)), strict=True)
    assert statistics.correlation(disk, unpack) == pytest.approx(-0.6, abs=0.1)
    assert statistics.stdev(unpack) == pytest.approx(0.3, rel=0.1)
    again, _ = zip(*drawn(NodeVariation(3, 0.2, 0.3, 0.1)), strict=True)
    assert disk == again  # the first of the two stays as it is


def test_correlations_are_of_the_pool_and_of_the_registry():
    plain, both = scenario().build(), with_correlations(diskUnpack=1, registryLatency=-1)
    was, now = plain.nodes[0].spec, both.nodes[0].spec
    disk, unpack = (
        math.log(b / a)
        for a, b in ((was.disk.write, now.disk.write), (was.runtime.unpack.gzip, now.runtime.unpack.gzip))
    )
    assert unpack / disk == pytest.approx(0.3 / 0.2, rel=1e-3)
    for was, now in zip(plain.registries, both.registries, strict=True):
        rate, time = math.log(now.per_connection / was.per_connection), math.log(now.round_trip / was.round_trip)
        assert time / rate == pytest.approx(-0.1 / 0.2, rel=1e-3)


def test_a_preset_without_clusters_goes_together_as_little_as_its_wider_part_does():
    spread = {"cluster": {"disk": 0.1, "unpack": 0.1}, "correlations": {"diskUnpack": 1.0}}

    def apart(clusters):
        built = scenario("preset", variation={**spread, "clusters": clusters}).build().nodes[0].spec
        plain = scenario().build().nodes[0].spec
        return [
            math.log(a / b)
            for a, b in ((built.disk.write, plain.disk.write), (built.runtime.unpack.gzip, plain.runtime.unpack.gzip))
        ]

    disk, unpack = apart(2)
    assert disk == pytest.approx(unpack, rel=1e-3)
    wide = [math.hypot(0.1, between_presets()[name]) for name in ("disk", "unpack")]
    disk, unpack = apart(0)
    own = normal(1, "pool", "w", "unpack")
    correlation = 0.01 / (wide[0] * wide[1])
    assert unpack / wide[1] == pytest.approx(correlated(disk / wide[0], own, correlation), rel=1e-3)


@pytest.mark.parametrize(
    ("variation", "said"),
    [
        ({"cluster": {"disk": 0.1}, "correlations": {"diskUnpack": 0.5}}, "diskUnpack: cluster.unpack is 0"),
        ({"correlations": {"registryLatency": 0.5}}, "registryLatency: cluster.registry and cluster.latency are 0"),
        ({"node": {"unpack": 0.1}, "correlations": {"nodeDiskUnpack": 0.5}}, "nodeDiskUnpack: node.disk is 0"),
    ],
)
def test_a_correlation_of_what_does_not_vary_is_warned_of(variation, said):
    assert [each for each in scenario(variation).assemble().warnings if "variation" in each] == [
        f"variation.correlations.{said}, so that it is ignored"
    ]
    of_pool = scenario("preset", variation=variation).assemble().warnings
    assert [each for each in of_pool if "correlations" in each] == [
        f"nodes[w].variation.correlations.{said}, so that it is ignored"
    ]
