"""What a run costs: bytes by class of link, idle accelerators, and bytes that nobody used, counted by hand."""

import io
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import pullsim
from pullsim.errors import InputError, InputErrors
from pullsim.network.traffic import Inbound
from pullsim.records import RegistryRecord, TrafficRecord
from pullsim.results.cost_text import amounts
from pullsim.results.page.answer import key_figures
from pullsim.results.summary.byte_costs import Rates, of_bytes
from pullsim.results.wording import money
from pullsim.spec.prices import Prices, accelerators
from tests.support.records import empty

PRICES = {"currency": "USD", "nat": "0.045/GB", "crossZone": "0.02/GB"}
IMAGES = {"r.test/app:1": "60s", "r.test/next:1": "30s"}


def layered(**keys):
    """Return the summary of a run in which two nodes in two zones pull an image of 10 MB each."""
    tree = {
        "images": {"define": [{"image": "r.test/app:1", "layers": [{"size": "10MB"}]}]},
        "registries": [{"host": "r.test", "link": "nat", "zone": "a"}],
        "nodes": [{"name": "n", "count": 2, "zones": ["a", "b"]}],
        "workloads": [{"name": "app", "pods": {"image": "r.test/app:1", "count": 2}}],
        "placement": "spread",
        "prices": PRICES,
    }
    return pullsim.summarize(pullsim.run(pullsim.from_mapping(tree | keys)))


def pods(name, image, count=1, gpus=0, resource="nvidia.com/gpu", **keys):
    container = {"name": "c", "image": image}
    if gpus:
        container["resources"] = {"limits": {resource: gpus}}
    return {"name": name, "pod": {"containers": [container]}, "count": count, **keys}


def held(workloads, prices=None, **keys):
    """Return the result of a run of nodes with a fixed runtime, whose pulls take the times of IMAGES."""
    fixed = {name: {"pull": time} for name, time in IMAGES.items()}
    node = {"name": "gpu", "count": 1, "runtime": {"fixed": {"images": fixed}}, "allocatable": {"nvidia.com/gpu": 8}}
    tree = {"nodes": [{**node, **keys.pop("node", {})}], "workloads": workloads, **keys}
    return pullsim.run(pullsim.from_mapping(tree if prices is None else tree | {"prices": prices}))


def text_of(summary):
    console = Console(width=200, file=io.StringIO())
    console.print(pullsim.results.render(summary))
    return console.file.getvalue()


def test_bytes_cost_what_their_classes_cost():
    summary = layered()
    sent = summary.bytes_by_class
    assert sent["nat"] == 2 * sent["crossZone"] > 20e6
    nat = sent["nat"] * Fraction(45, 10**12)
    crossing = sent["crossZone"] * Fraction(20, 10**12)
    assert summary.cost == float(nat + crossing) == summary.costs.bytes
    assert summary.costs.by_class == {"nat": float(nat), "crossZone": float(crossing)}
    assert summary.costs.per_day is None
    assert summary.idle_accelerator_minutes is None
    assert summary.costs.unused is None
    assert "across zones" in text_of(summary)


def test_what_a_host_asks_is_not_shown_as_nothing():
    """20 MB at 0.01 a GB and what describes the image: 0.0002, which two decimals would show as 0.00."""
    summary = layered(registries=[{"host": "r.test", "price": "0.01/GB"}], prices={})
    assert "0.000200 for 20 MB from r.test" in text_of(summary)
    assert [figure.value for figure in key_figures(summary) if "r.test" in figure.label] == ["0.000200"]


def test_a_path_across_zones_costs_once_where_both_sides_have_a_zone():
    inbound = Inbound("cache.test", "a")
    for link, zone in (("crossZone", "b"), ("nat", "b"), ("nat", "a"), ("crossZone", None)):
        inbound.add("r.test", link, zone, 10)
    assert inbound.bytes == {
        ("r.test", "crossZone", False): 20,
        ("r.test", "nat", True): 10,
        ("r.test", "nat", False): 10,
    }


def test_a_registry_s_own_price_adds_up():
    own = {"host": "r.test", "link": "nat", "price": "1/GB"}
    summary = layered(registries=[own])
    (use,) = summary.registries
    assert summary.costs.by_host == {"r.test": pytest.approx(use.sent / 1e9)}
    assert summary.cost == pytest.approx(use.sent * 1.045 / 1e9)
    alone = layered(registries=[own], prices=None)
    assert alone.cost == alone.registries[0].cost == pytest.approx(use.sent / 1e9)
    assert layered(prices=None).cost is None


def test_a_day_is_scaled_from_a_run_with_a_horizon():
    summary = layered(horizon="6h")
    assert summary.costs.per_day == pytest.approx(4 * summary.cost)
    assert "a day, at the rate of these 6 h 00 min" in text_of(summary)


def test_accelerators_are_idle_from_the_binding_to_the_last_image():
    two = {"name": "two", "pod": {"containers": [
        {"name": "a", "image": "r.test/app:1", "resources": {"limits": {"nvidia.com/gpu": 2}}},
        {"name": "b", "image": "r.test/next:1"},
    ]}}  # fmt: skip
    result = held([two, pods("cpu", "r.test/app:1")], {"acceleratorHour": 4, "currency": "EUR"})
    summary = pullsim.summarize(result)
    (row,) = (pod for pod in result.pods if pod.workload == "two")
    waited = row.images_ready - row.scheduled
    assert waited == pytest.approx(90, abs=2)  # its two pulls one after the other, and none of the time after them
    assert summary.idle_accelerator_minutes == pytest.approx(2 * waited / 60)
    idle = summary.idle_accelerators["nvidia.com/gpu"]
    assert (idle.pods, idle.accelerators) == (1, 2)
    assert idle.cost == summary.cost == summary.costs.idle_accelerators == pytest.approx(2 * waited / 3600 * 4)
    assert f"Cost        EUR {money(summary.cost)} for " in text_of(summary)


def test_a_pod_without_its_image_holds_accelerators_to_the_end():
    missing = {"r.test/app:1": {"pull": "1s", "fail": {"after": "1s", "error": "no", "times": -1}}}
    result = held([pods("p", "r.test/app:1", gpus=3)], horizon="10m", node={"runtime": {"fixed": {"images": missing}}})
    assert pullsim.summarize(result).idle_accelerator_minutes == pytest.approx(30, abs=0.1)


def test_a_pod_that_gets_no_node_holds_nothing():
    found = pullsim.summarize(held([pods("p", "r.test/app:1", gpus=9)], {"acceleratorHour": 4}))
    assert found.idle_accelerator_minutes is None
    assert found.cost == 0.0


@pytest.mark.parametrize(
    ("hours", "price"),
    [
        ({"nvidia.com/gpu": 2, "gpu": 3, "p4d.24xlarge": 5}, 3),
        ({"nvidia.com/gpu": 2, "p4d.24xlarge": 5}, 5),
        ({"nvidia.com/gpu": 2, "aws/p4d.24xlarge": 5}, 5),
        ({"nvidia.com/gpu": 2}, 2),
        (7, 7),
        ({"amd.com/gpu": 2}, None),
    ],
)
def test_the_price_of_the_pool_goes_first(hours, price):
    node = {"preset": "aws/p4d.24xlarge", "zones": []}
    summary = pullsim.summarize(held([pods("p", "r.test/app:1", gpus=1)], {"acceleratorHour": hours}, node=node))
    cost = summary.idle_accelerators["nvidia.com/gpu"].cost
    assert cost == (None if price is None else pytest.approx(summary.idle_accelerator_minutes / 60 * price))


def test_what_is_an_accelerator():
    wanted = (("cpu", 4000), ("nvidia.com/gpu", 1), ("smarter-devices/fuse", 1), ("google.com/tpu", 4))
    assert accelerators(wanted) == (("nvidia.com/gpu", 1), ("google.com/tpu", 4))
    priced = Prices(accelerators=(("smarter-devices/fuse", 1.0), ("*", 2.0)))
    assert accelerators(wanted, priced) == (("nvidia.com/gpu", 1), ("smarter-devices/fuse", 1), ("google.com/tpu", 4))


def test_what_a_prepull_brought_and_nobody_used():
    define = [{"image": f"r.test/{name}:1", "layers": [{"size": "10MB"}]} for name in ("app", "spare", "agent", "cold")]
    tree = {
        "images": {"define": define},
        "registries": [{"host": "r.test", "link": "nat"}],
        "nodes": [{"name": "n", "count": 3, "cached": ["r.test/cold:1"]}],
        "workloads": [
            {"name": "ahead", "prepull": {"images": ["r.test/app:1", "r.test/spare:1"], "parallelism": 3}},
            {"name": "app", "pods": {"image": "r.test/app:1"}, "at": "5m", "on": {"node": "n-0001"}},
        ],
        "prices": {"nat": "1/GB"},
    }
    summary = pullsim.summarize(pullsim.run(pullsim.from_mapping(tree)))
    assert summary.unused_images.prepull_bytes == 50_000_000  # spare on three nodes, app on two
    assert summary.unused_images.images == 5
    assert summary.unused_images.cached_bytes == 30_000_000
    assert summary.costs.unused == pytest.approx(0.05, rel=1e-3)
    assert "50 MB pulled ahead, 5 images on a node where no pod uses it, 0.0500" in text_of(summary)


def test_what_a_daemon_set_brought_for_others(tmp_path):
    """The image of the workload is pulled on three nodes and used on one; the agent's own is nobody else's."""
    (tmp_path / "set.yaml").write_text(
        """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ahead}
spec:
  selector: {matchLabels: {app: ahead}}
  template:
    metadata: {labels: {app: ahead}}
    spec:
      initContainers: [{name: pull, image: "r.test/app:1"}]
      containers: [{name: agent, image: "r.test/agent:1"}]
""",
        encoding="utf-8",
    )
    define = [{"image": f"r.test/{name}:1", "layers": [{"size": "10MB"}]} for name in ("app", "agent")]
    tree = {
        "images": {"define": define},
        "registries": [{"host": "r.test", "link": "nat"}],
        "nodes": [{"name": "n", "count": 3}],
        "workloads": [
            {"manifest": str(tmp_path / "set.yaml")},
            {"name": "app", "pods": {"image": "r.test/app:1"}, "at": "5m", "on": {"node": "n-0001"}},
        ],
        "prices": {"nat": "1/GB"},
    }
    summary = pullsim.summarize(pullsim.run(pullsim.from_mapping(tree)))
    assert summary.unused_images.daemon_set_bytes == 20_000_000
    assert summary.unused_images.prepull_bytes == 0
    assert summary.costs.unused == pytest.approx(0.02, rel=1e-3)


def test_files_that_come_as_they_are_read_are_waited_for_too():
    container = {"name": "c", "image": "r.test/app:1", "resources": {"limits": {"nvidia.com/gpu": 2}}}
    tree = {
        "images": {"define": [{"image": "r.test/app:1", "layers": [{"size": "1GB"}]}]},
        "nodes": [{"allocatable": {"nvidia.com/gpu": 2}, "cached": ["r.test/app:1"], "snapshot": "10GiB"}],
        "workloads": [{"name": "app", "pod": {"containers": [container]}, "reads": "model-server"}],
    }
    result = pullsim.run(pullsim.from_mapping(tree))
    (pod,) = result.pods
    assert pod.stages["read"] > 10
    waited = pod.images_ready - pod.scheduled + pod.stages["read"]
    assert pullsim.summarize(result).idle_accelerator_minutes == pytest.approx(2 * waited / 60)


def test_a_rollout_costs_the_pulls_of_its_new_pods():
    define = [{"image": f"r.test/app:{tag}", "layers": [{"size": size}]} for tag, size in ((1, "10MB"), (2, "30MB"))]
    tree = {
        "images": {"define": define},
        "registries": [{"host": "r.test", "link": "egress"}],
        "nodes": [{"name": "n", "count": 2}],
        "workloads": [
            {
                "name": "app",
                "pods": {"image": "r.test/app:1", "count": 2},
                "update": {"at": "2m", "image": "r.test/app:2"},
            }
        ],
        "placement": "spread",
        "prices": {"egress": "1/GB"},
    }
    for detail in ("layers", "pulls"):
        summary = pullsim.summarize(pullsim.run(pullsim.from_mapping(tree), detail=detail))
        fetched = summary.bytes.downloaded - 20_000_000
        assert summary.costs.rollouts == {"app": pytest.approx(fetched / 1e9, rel=1e-3)}
        assert summary.cost == pytest.approx((fetched + 20e6) / 1e9, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1e6) | st.sampled_from([0.005, 0.015, 0.125, 1 / 3]), max_size=8))
def test_printed_parts_sum_to_the_printed_total(parts):
    total, written = amounts(parts)
    plain = [Fraction(each.replace(",", "")) for each in written]
    assert sum(plain, Fraction(0)) == Fraction(total.replace(",", ""))
    step = Fraction(1, 10 ** len(total.partition(".")[2]))
    assert all(abs(one - Fraction(part)) < step for one, part in zip(plain, parts, strict=True))
    assert abs(Fraction(total.replace(",", "")) - sum(map(Fraction, parts), Fraction(0))) <= step / 2 + step * 10**-6


TRAFFIC = st.lists(
    st.builds(
        TrafficRecord,
        st.sampled_from(["n-0", "n-1", "cache.test"]),
        st.sampled_from(["r.test", "cache.test", "n-0"]),
        st.sampled_from(["free", "nat", "peer", "internet"]),
        st.booleans(),
        st.integers(0, 3) | st.just(10**9),
    ).filter(lambda row: row.receiver != row.host),
    unique_by=lambda row: row[:4],
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(TRAFFIC)
def test_bytes_of_receivers_at_their_rates_cost_what_the_run_does(traffic):
    """What a cache fetched is paid by those that it served; if it served nobody, by nobody."""
    prices = Prices(nat=0.1, cross_zone=0.02, peer=0.03, internet=0.7)
    priced = RegistryRecord("r.test", *(0,) * 7, None, None, sum(r.bytes for r in traffic if r.host == "r.test"), 0.5)
    result = replace(empty(), prices=prices, traffic=traffic, registries=[priced], pools={"n-0": "n", "n-1": "n"})
    rates = Rates(result)
    served = any(row.host == "cache.test" and row.bytes for row in traffic)
    rows = [row for row in traffic if row.receiver != "cache.test" or not served]
    whole = sum((row.bytes * rates.rate(row.receiver, row.host) for row in rows), Fraction(0))
    assert whole == of_bytes(result)


@pytest.mark.parametrize(
    ("prices", "text"),
    [
        ({"nat": "0.045"}, r"prices\.nat: price '0.045'"),
        ({"nat": -1}, r"prices\.nat"),
        ({"gpu": 3}, r"prices: unknown key 'gpu'"),
        ({"acceleratorHour": -1}, r"prices\.acceleratorHour"),
        ({"acceleratorHour": "cheap"}, r"prices\.acceleratorHour"),
        ({"acceleratorHour": {"gpus": 1}}, "'gpus' is no extended resource, pool or instance type; did you mean gpu?"),
        ({"acceleratorHour": True}, r"prices\.acceleratorHour"),
        ({"currency": 3}, r"prices\.currency"),
        ({"currency": "\x1b[31m"}, r"'\\x1b\[31m' has characters that cannot be printed"),
    ],
)
def test_wrong_prices_are_refused(prices, text):
    with pytest.raises((InputError, InputErrors), match=text):
        held([pods("p", "r.test/app:1", gpus=1)], prices)


def test_prices_that_meet_nothing_and_links_without_a_price_are_warned_of():
    tree = {"nat": "1/GB", "crossZone": "1/GB", "acceleratorHour": {"amd.com/gpu": 1}}
    registry = {"host": "r.test", "link": "egress"}
    warnings = layered(prices=tree, registries=[registry]).warnings
    assert warnings == [
        "prices has no egress, which is a class of r.test: these bytes are free",
        "prices.nat: no bytes are of that class, as no host has link: nat",
        "prices.crossZone: no bytes are of that class, as no host has a zone other than a node's, or link: crossZone",
        "prices.acceleratorHour: no pod requests amd.com/gpu",
    ]
    assert layered().warnings == []
    peers = {"nodes": [{"name": "n", "count": 2, "zones": ["a", "b"], "peers": "spegel"}]}
    free = layered(prices={"nat": "1/GB", "crossZone": "1/GB"}, **peers).warnings
    assert [each for each in free if "prices" in each] == [
        "prices has no peer, which is a class of peers: these bytes are free"
    ]
