"""What shortens the start most: each gain that the advice names is one that a plain run has, and none is missing."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

import pytest

from pullsim.results.wording import duration
from tests.support.planner import DATA, ask, p99, tables

ONCE = ("--seeds", 1, "-j", 1, "-q")
GPU = DATA / "gpu.yaml"
SHOP = DATA / "shop.yaml"
TEN = "nodes[web].count=10"  # fewer nodes than the planner's: three times as fast to simulate


def entries(answer):
    """Return the numbered changes with the p99 that is shown, and the overrides of the command that is shown."""
    shown = re.findall(r"^(\d+)\. .*?  +\S+ s  +((?:\d+ min )?\S+ s)  ", "\n".join(answer.lines), re.MULTILINE)
    commands = [shlex.split(line) for line in answer.lines if line.startswith("   pullsim run ")]
    assert len(shown) == len(commands) > 3
    overrides = [[word for flag, word in pairwise(words) if flag == "--set"] for words in commands]
    return [(text, tuple(each)) for (_, text), each in zip(shown, overrides, strict=True)]


def gains(answer, title):
    """Return what stands in one of the lists below the table, as one text."""
    text = "\n".join(answer.lines)
    return " ".join(re.search(rf"^{title} +((?:.*\n)(?: +.*\n)*)", text, re.MULTILINE)[1].split())


def test_what_makes_a_gpu_node_serve_sooner():
    answer = ask("advise", GPU, *ONCE, "--max-runs", 10)
    found = entries(answer)
    for text, overrides in found[:4]:
        assert duration(p99(GPU, *overrides)) == text
    times = [p99(GPU, *overrides) for _, overrides in found[:4]]
    assert times == sorted(times)
    assert times[-1] < 0.9 * p99(GPU)


def test_not_more_cores_for_a_gpu_node():
    """One image of big layers is unpacked by one core: the bottleneck is the CPU, and more of it is no help."""
    assert "more cores" in gains(ask("advise", GPU, *ONCE, "--max-runs", 10), "No gain")
    assert p99(GPU, "nodes[gpu].cores=32") == pytest.approx(p99(GPU), rel=0.001)
    assert "cores" not in " ".join(ask("run", GPU).text.partition("To turn")[2].partition("Warning")[0].split())
    pods = tables(GPU).pods
    assert pods["unpack_cpu_s"].sum() > pods["until_ready_s"].sum() / 2


def test_four_gpu_pods_go_to_four_nodes():
    """Whose image must be on each: bytes and the verdict depend on it."""
    pods = tables(GPU).pods
    assert pods[pods["workload"] == "llm"]["node"].nunique() == 4
    assert "48.4 GB downloaded" in ask("run", GPU).text


def test_not_parallel_pulls_for_the_shop():
    """Most of its waiting is the serial queue, yet its pods need one image after the other.

    Over a registry that is far away it gains a little, with the time of the requests, and still is not the advice.
    """
    answer = ask("advise", SHOP, "--set", TEN, *ONCE, "--max-runs", 12)
    serial = p99(SHOP, TEN)
    parallel = p99(SHOP, TEN, "kubelet.serializeImagePulls=false", "kubelet.maxParallelImagePulls=5")
    gain = f"{parallel / serial - 1:.1%}".replace("%", " %")
    assert -0.06 < parallel / serial - 1 < 0
    assert gain in answer.text
    assert all("serializeImagePulls" not in override for _, overrides in entries(answer)[:3] for override in overrides)
    assert "was the kubelet's pull queue" in answer.text
    for text, overrides in entries(answer)[:3]:
        assert duration(p99(SHOP, *overrides)) == text
        assert p99(SHOP, *overrides) < 0.99 * serial
