"""Quotas, outages, mirrors: when the quota runs out, when the last pod is up, and whose bytes a mirror saves."""

from __future__ import annotations

import json
import re

import pytest

from pullsim import load, run
from pullsim.results.wording import duration, size
from tests.support.planner import DATA, SCENARIOS, ask, p99, tables

ONCE = ("--seeds", 1, "-j", 1, "-q")
BEGIN, MINUTES = 180, 4
OUTAGE = f"registries[docker.io].faults=[{{at: {BEGIN}s, for: {MINUTES}m, status: 503}}]"


def test_at_which_node_the_quota_of_a_nat_address_runs_out():
    """100 manifests in six hours; every node asks for one, as a second pod of the same image finds it there."""
    scenario, until = DATA / "scaleup.yaml", "horizon=4m"
    done = ask("run", scenario, "--set", until, "--detail", "pulls")
    pulls = tables(scenario, until).pulls
    refused = pulls[pulls["cause"] == "tooManyRequests"]
    served = pulls[pulls["ok"] & (pulls["started_at"] <= refused["ended_at"].min())]
    assert (served.groupby("node")["image"].nunique() == 1).all()
    assert served["node"].nunique() == 100
    assert refused["node"].min() == "w-0100"  # the nodes join one after the other
    assert "docker.io first refused at 3 min 20 s, after the pulls of 100 nodes, room again at 6 h 00 min" in done.text
    assert f"{len(refused):,} failed ({len(refused):,} tooManyRequests)" in done.text


def test_how_many_nodes_a_minute_a_quota_lets_join():
    scenario, knob = DATA / "quota.yaml", "nodes[w].join.every"
    slo = ("--slo", "pulls.failed == 0")
    done = ask("solve", scenario, "--knob", knob, "--range", "1s..20s", *slo, "-o", "sentence", *ONCE)
    every, below, missed = re.search(r"=([\d.]+)s is the smallest .* With (\S+) it is (\d+)\.", done.text).groups()
    assert float(every) == pytest.approx(
        2 * 60 / 10, rel=0.02
    )  # ten a minute; a node asks for an index and its manifest
    assert tables(scenario, f"{knob}={every}s").pulls["ok"].all()
    sooner = tables(scenario, f"{knob}={below}").pulls
    assert (~sooner["ok"]).sum() == int(missed) > 0
    assert set(sooner["cause"].dropna()) == {"tooManyRequests"}


def test_when_the_last_pod_is_up_after_an_outage():
    scenario = DATA / "outage.yaml"
    done = ask("run", scenario, "--set", OUTAGE)
    made = tables(scenario, OUTAGE)
    failures = made.pulls[made.pulls["cause"] == "serverError"]
    assert failures["started_at"].between(BEGIN, BEGIN + 60 * MINUTES).all()
    hit = made.pods[made.pods["pod"].isin(failures["pod"])]
    after = hit["ready_at"].max() - (BEGIN + 60 * MINUTES)
    shown = f"docker.io 03:00-07:00: {len(hit)} pods hit, last one up {duration(after)} after its end"
    assert shown in done.text
    assert after > 60  # not at once: the kubelet looks again when the back-off is over
    assert hit["ready_at"].max() < made.pods["ready_at"].max()  # and the last pod of the run is another


def test_a_pull_policy_that_an_outage_meets_although_the_image_is_there():
    """Pods with Always wait for the registry; explain says that with IfNotPresent they need not have."""
    scenario = SCENARIOS / "registry-outage.yaml"
    pulls = tables(scenario).pulls
    brought = pulls[pulls["ok"]].groupby(["node", "image"])["ended_at"].min()
    first = pulls[(pulls["attempt"] == 1) & ~pulls["ok"]].set_index(["node", "image"])
    needless = brought.reindex(first.index) <= first["requested_at"]
    assert set(first.index.get_level_values("image")[needless]) <= {
        "redis:latest",
        "solr:latest",
    }  # a tag latest: Always
    for pod, expected in ((first["pod"][needless].iloc[0], 1), (first["pod"][~needless].iloc[0], 0)):
        lines = ask("explain", scenario, pod, "-o", "json").lines
        told = json.loads("\n".join(line for line in lines if not line.startswith("pullsim: ")))  # notes go beside it
        assert len(told["needless"]) == expected


def test_whose_bytes_a_mirror_saves():
    scenario, key = DATA / "mirror.yaml", "registries[docker.io].mirrors"
    sides = (f"{key}=[]", f"{key}=[mirror.local]")
    done = ask("compare", scenario, "--a", sides[0], "--b", sides[1], *ONCE)
    none, mirrored = (tables(scenario, side).layers.groupby("source")["downloaded"].sum() for side in sides)
    assert none["docker.io"] == mirrored["mirror.local"] == 50 * 580_000_000
    assert "docker.io" not in mirrored
    amount = size(none["docker.io"])
    assert f"docker.io: -{amount} ({amount} → 0 B) mirror.local: +{amount} (0 B → {amount})" in done.text
    assert re.search(r"bytes\.downloaded +29 GB 29 GB \+0 B", done.text)


def test_a_mirror_makes_starts_no_faster_where_the_egress_is_the_same():
    """The planner's mirror has the registry's 10 Gbit/s: it saves the bytes and not the time."""
    scenario, key = DATA / "mirror.yaml", "registries[docker.io].mirrors"
    direct, mirrored = p99(scenario, f"{key}=[]"), p99(scenario, f"{key}=[mirror.local]")
    done = ask("compare", scenario, "--a", f"{key}=[]", "--b", f"{key}=[mirror.local]", *ONCE)
    assert abs(mirrored / direct - 1) < 0.02
    assert re.search(r"pods\.start\.p99 +38\.\d s +37\.\d s .*? within model error", done.text)


def test_up_to_how_many_nodes_a_mirror_is_worth_it():
    """Each of N nodes has one pod. The medians of plain runs cross where the command says that they do."""
    scenario, key = SCENARIOS / "regional-mirror.yaml", "registries[docker.io].mirrors"
    knobs = ("nodes[workers].count", "workloads[train].pods.count")
    mirror, none = f"{key}=[{{host: mirror.local, egress: 10Gbit/s}}]", f"{key}=[]"
    options = ("--set", mirror, "--against", none, *(word for knob in knobs for word in ("--knob", knob)))
    done = ask(
        "solve", scenario, *options, "--range", "46..49", "--objective", "pods.start.p50", "-o", "sentence", *ONCE
    )
    last = int(re.search(r"up to (\d+) of nodes", done.text)[1])

    def median(nodes, side):
        result = run(load(scenario, [side, *(f"{knob}={nodes}" for knob in knobs)]), detail="pods")
        return sorted(each.start_seconds for each in result.pods)[(nodes + 1) // 2 - 1]

    gains = [1 - median(nodes, mirror) / median(nodes, none) for nodes in (last, last + 1)]
    assert gains[0] >= 0.01 > gains[1]
    assert f"with {last} " in done.text
    assert f"({gains[0]:+.1%})" in done.text


def test_from_how_many_nodes_on_a_swarm_is_worth_it():
    """The last pod of plain runs starts sooner with Dragonfly from the number of nodes on that the command says."""
    scenario, key = SCENARIOS / "levers" / "dragonfly.yaml", "nodes[workers].peers"
    knobs = ("nodes[workers].count", "workloads[train].pods.count")
    options = ("--against", f"{key}=null", *(word for knob in knobs for word in ("--knob", knob)))
    done = ask("solve", scenario, *options, "--range", "2..3", "--objective", "pods.start.p99", "-o", "sentence", *ONCE)
    first = int(re.search(r"from (\d+) on of nodes", done.text)[1])

    def last(nodes, peers):
        settings = [f"{key}={peers}", *(f"{knob}={nodes}" for knob in knobs)]
        return max(each.start_seconds for each in run(load(scenario, settings), detail="pods").pods)

    gain = 1 - last(first, "dragonfly") / last(first, "null")
    assert gain >= 0.01
    assert f"({gain:+.1%})" in done.text
