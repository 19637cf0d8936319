# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # pullsim in ten minutes
#
# pullsim simulates how Kubernetes nodes pull images: the kubelet's own rules, the runtime's pipeline, and the links,
# disks and cores that pulls share. It says how long pods wait, what for, and which knob to turn. Nothing here talks to
# a cluster or a registry; time is virtual.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import pandas as pd
import rich

import pullsim
from pullsim import charts, tables
from pullsim.results import render
from pullsim.units import format_duration_go

pd.options.display.max_colwidth = 120
pd.options.display.float_format = "{:,.2f}".format

# %% [markdown]
# ## Run a scenario
#
# A scenario is a YAML file: images, registries, nodes, workloads. `load` checks it, and reports every mistake with its
# line.

# %%
scenario = pullsim.load("../scenarios/quickstart.yaml")
print(scenario.description)

# %%
result = pullsim.run(scenario)
summary = pullsim.summarize(result)
rich.print(render(summary))  # what `pullsim run` prints

# %% [markdown]
# The summary is an object too; `summary.to_dict()` is what `pullsim run -o json` prints.

# %%
print(f"p50 {summary.pods.start.p50:.1f} s, p95 {summary.pods.start.p95:.1f} s, p99 {summary.pods.start.p99} (never)")
print(f"{summary.pods.not_started} of {summary.pods.total} pods never started: {summary.pods.not_started_by_reason}")
print(summary.bottleneck.sentence)

# %% [markdown]
# ## The records as tables
#
# `tables.pods`, `tables.pulls`, `tables.layers` and `tables.events` are pandas data frames of everything that happened.
# Instants end in `_at`, durations in `_s`; `scenarios/REFERENCE.md` explains every column.

# %%
pods = tables.pods(result)
pods[["pod", "node", "images", "created_at", "started_at", "until_start_s", "pulls", "failures"]].head()

# %%
pulls = tables.pulls(result)
by_image = (
    pulls[pulls["ok"]]
    .groupby("image")
    .agg(
        pulls=("ok", "size"), wait_s=("wait_s", "median"), pull_s=("duration_s", "median"), bytes=("downloaded", "sum")
    )
)
by_image.sort_values("bytes", ascending=False)

# %% [markdown]
# ## Where the time went
#
# Every second between a pod's creation and its start belongs to exactly one stage, so stages add up.

# %%
others = ("until_start_s", "until_ready_s", "deadline_s")
stages = [column for column in pods.columns if column.endswith("_s") and column not in others]
assert (pods[stages].sum(axis=1) - pods["until_ready_s"]).abs().max() < 1e-6
mean = pods.groupby("workload")[stages].mean()
mean.loc[:, mean.max() > 0.1].assign(total=mean.sum(axis=1)).sort_values("total", ascending=False)

# %%
charts.plot_time_by_image(result).figure

# %% [markdown]
# ## Charts
#
# Each `plot_*` draws into axes of its own, or into yours, and returns them.

# %%
charts.plot_start_cdf(result).figure

# %%
charts.throughput(result)

# %%
charts.plot_gantt(result, nodes=2).figure

# %% [markdown]
# ## Serial or parallel?
#
# Kubelets pull one image at a time unless they are told otherwise. Sixteen pods with sixteen images land on one node:
# how many pulls should it run at a time? `override` takes the keys of `--set`.

# %%
burst = pullsim.load("../scenarios/serial-vs-parallel.yaml", ["kubelet.serializeImagePulls=false"])
rows = []
for limit in (1, 2, 3, 4, 6, 8, 16):
    each = pullsim.summarize(pullsim.run(pullsim.override(burst, [f"kubelet.maxParallelImagePulls={limit}"])))
    rows.append(
        {
            "maxParallelImagePulls": limit,
            "p50_s": each.pods.start.p50,
            "p99_s": each.pods.start.p99,
            "bottleneck": each.bottleneck.resource,
            "share": each.bottleneck.share,
        }
    )
parallel = pd.DataFrame(rows).set_index("maxParallelImagePulls")
parallel

# %%
figure, ax = plt.subplots(figsize=(8, 4))
parallel[["p50_s", "p99_s"]].plot(ax=ax, marker="o")
_ = ax.set(ylim=(0, None), ylabel="time until pods started (s)", title="Sixteen images on one node")
# %%
serial, best = parallel.loc[1, "p99_s"], parallel["p99_s"].min()
enough = parallel.index[parallel["p99_s"] <= 1.1 * best][0]
print(f"p99 falls from {serial:.0f} s to {best:.0f} s at best; {enough} pulls at a time get within 10 % of that.")
print(f"With no more waiting for a turn, what binds is {parallel.loc[16, 'bottleneck']}.")

# %% [markdown]
# ## One pod's story
#
# Why did the slowest pod start late? Its events, as `kubectl describe pod` would show them:


# %%
def describe(result: pullsim.Result, pod: str) -> None:
    """Print the events of a pod, equal ones merged, as kubectl does."""
    events = tables.events(result)
    events = events[events["pod"] == pod]
    merged = events.groupby(["type", "reason", "message"], sort=False)["t"].agg(["size", "min", "max"]).reset_index()
    print("Type     Reason   Age")
    for event in merged.sort_values("max", kind="stable").itertuples():
        first, last = (format_duration_go(round(result.end - t) * 10**9) for t in (event.min, event.max))
        age = last if event.size == 1 else f"{last} (x{event.size} over {first})"
        print(f"{event.type:8} {event.reason:8} {age}\n    {event.message}")


slowest = pods[pods["started"]].nlargest(1, "until_start_s").iloc[0]
print(f"{slowest['pod']} on {slowest['node']} started after {slowest['until_start_s']:.1f} s\n")
describe(result, slowest["pod"])

# %% [markdown]
# The same time by stage, and each of its pulls:

# %%
slowest[stages][lambda seconds: seconds > 0].astype(float).sort_values(ascending=False).to_frame("seconds")

# %%
pulls[pulls["pod"] == slowest["pod"]][["image", "requested_at", "wait_s", "duration_s", "downloaded", "layers_fetched"]]

# %% [markdown]
# ## A tag that does not exist
#
# The run above ends when nothing can change any more, so pods of the missing tag are cut off early. With a horizon
# they go on: the back-off doubles after each failure up to its maximum, and the kubelet retries when it next looks at
# the pod after that.

# %%
longer = pullsim.run(pullsim.override(scenario, ["horizon=40m"]))
missing = tables.pods(longer).query("not started")["pod"].iloc[0]
attempts = tables.pulls(longer).query("pod == @missing")[["attempt", "requested_at", "ended_at", "cause"]]
attempts["backoff_s"] = [min(10.0 * 2**failures, 300.0) for failures in range(len(attempts))]
attempts["next_after_s"] = attempts["requested_at"].shift(-1) - attempts["ended_at"]
assert (attempts["next_after_s"].dropna() >= attempts["backoff_s"].iloc[:-1]).all()
attempts.set_index("attempt")

# %%
events = tables.events(longer).query("pod == @missing")
figure, ax = plt.subplots(figsize=(9, 1.8))
for height, reason in enumerate(("BackOff", "Pulling")):
    minutes = events.loc[events["reason"] == reason, "t"] / 60
    ax.plot(minutes, [height] * len(minutes), "|", markersize=18)
ax.set(yticks=[0, 1], yticklabels=["BackOff", "Pulling"], ylim=(-0.6, 1.6))
_ = ax.set(xlabel="simulated time (min)", title=f"Events of {missing}")

# %%
describe(longer, missing)

# %% [markdown]
# ## Your own scenario
#
# `from_mapping` takes what a file would hold. Here: a model server of 6 GB on a GPU node. Is it worth splitting its one
# large layer, or compressing it with zstd?


# %%
def model_server(layers: int, compression: str) -> pullsim.Scenario:
    """One pod of 6 GB on one node."""
    layer = {"size": f"{6000 // layers}MB", "mediaType": f"tar+{compression}"}
    return pullsim.from_mapping(
        {
            "images": {"define": [{"image": "example.com/ml/model:v1", "layers": [layer] * layers}]},
            "registries": [{"host": "example.com", "perConnection": "75MB/s", "roundTrip": "5ms"}],
            "nodes": [{"name": "gpu", "nic": "10Gbit/s", "cores": 8, "disk": {"write": "500MiB/s"}}],
            "workloads": [{"name": "model", "pods": {"image": "example.com/ml/model:v1"}}],
        }
    )


starts = pd.DataFrame(
    {
        compression: {
            layers: pullsim.summarize(pullsim.run(model_server(layers, compression))).pods.start.max
            for layers in (1, 2, 4, 8, 16)
        }
        for compression in ("gzip", "zstd")
    }
).rename_axis("layers")
starts

# %%
for compression, seconds in starts.items():
    only, split = (pullsim.summarize(pullsim.run(model_server(n, compression))) for n in (1, 16))
    print(f"{compression}: one layer {seconds[1]:.0f} s, sixteen {seconds[16]:.0f} s")
    print(f"  one:     {only.bottleneck.sentence}")
    print(f"  sixteen: {split.bottleneck.sentence}")

# %% [markdown]
# ## Further
#
# - `scenarios/REFERENCE.md`: every key of a scenario, every column of a table.
# - `scenarios/*.yaml`: more scenarios. `pullsim run scenarios/cold-node.yaml --out out/cold-node` writes all tables and
#   charts.
# - `pullsim catalogs nginx`: the images that come with the package.
