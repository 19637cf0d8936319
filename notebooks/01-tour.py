# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: all,-mystnb
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
# **Question: a small shop is rolled out to twenty fresh nodes. How long until its pods run, and what do they wait
# for?**
#
# pullsim simulates how Kubernetes nodes pull images: the kubelet's own rules, the runtime's pipeline, and the links,
# disks and cores that pulls share. Nothing here talks to a cluster or a registry; time is virtual.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import pandas as pd
import rich
from IPython.display import Markdown

import pullsim
from pullsim import charts, tables
from pullsim.results import render
from pullsim.results.explanation.explanation import explain, slowest
from pullsim.results.explanation.text import render as explanation_text
from pullsim.results.explanation.text import verdict
from pullsim.results.kubectl.describe import describe
from pullsim.results.metrics import text

pd.options.display.max_colwidth = 60
pd.options.display.float_format = "{:,.2f}".format

# %% [markdown]
# ## Run a scenario
#
# A scenario is a YAML file: images, registries, nodes, workloads. `load` checks it, and reports every mistake with its
# line.

# %%
scenario = pullsim.load("../scenarios/quickstart.yaml")
Markdown(scenario.description)

# %% [markdown]
# `run` simulates it, `summarize` condenses what happened. `render` is the text that `pullsim run` prints;
# `summary.to_dict()` is its JSON.

# %%
result = pullsim.run(scenario, status=True)
summary = pullsim.summarize(result)
rich.print(render(summary))

# %% [markdown]
# Two pods ask for a tag that was never pushed. They never start, so p99 of all pods is *never*: a percentile here is
# over all pods that somebody waits for ([why](../docs/percentiles.md)).

# %%
start = summary.pods.start
print(*(f"{each} {text('pods.start.p50', getattr(start, each))}" for each in ("p50", "p95", "p99")), sep=", ")
print(f"{summary.pods.not_started} of {summary.pods.total} never started: {summary.pods.not_started_by_reason}")

# %% [markdown]
# ## The records as tables
#
# `tables.pods`, `tables.pulls`, `tables.layers` and `tables.events` are data frames of everything that happened.
# Instants end in `_at`, durations in `_s`; [REFERENCE.md](../scenarios/REFERENCE.md) explains every column.

# %%
pods = tables.pods(result)
pods[["pod", "node", "images", "created_at", "started_at", "until_start_s", "pulls", "failures"]].head()

# %%
pulls = tables.pulls(result)
by_image = pulls[pulls["ok"]].groupby("image")[["wait_s", "duration_s"]].median()
by_image["pulls"] = pulls[pulls["ok"]].groupby("image").size()
by_image["MB each"] = pulls[pulls["ok"]].groupby("image")["downloaded"].mean() / 1e6
by_image.sort_values("wait_s", ascending=False)

# %% [markdown]
# ## Charts
#
# Each `plot_*` draws into axes of its own, or into yours, and returns them.

# %% alt="Steps by workload: the share of pods started over seconds; each workload starts in one or two jumps"
charts.plot_start_cdf_by_workload(result).figure

# %% [markdown]
# Every second between a pod's creation and its start belongs to exactly one stage, so stages add up. Below, what a pull
# of each image spent its time on. In the pull queue it waits for its turn: the kubelet pulls one image at a time.

# %% alt="Stacked bars by image: mean seconds of a pull by stage; of most images the longest part is the pull queue"
charts.plot_time_by_image(result).figure

# %% alt="Bars of the pulls of two nodes over time: on each they follow one another, as later ones wait in the queue"
charts.plot_gantt(result, nodes=2).figure

# %% [markdown]
# ## One pod's story
#
# Why did the slowest of the pods that started come so late? First as `kubectl describe pod` would show it, then step by
# step, with what it waited for.

# %%
late = max((pod for pod in result.pods if pod.started is not None), key=lambda pod: pod.start_seconds)
print("\n".join(describe(result, late, at=late.started)))

# %%
story = explain(result, late)
rich.print(explanation_text(story))

# %% [markdown]
# And a pod that never started:

# %%
never = slowest(result)[0]
print("\n".join(describe(result, never, at=result.end)))

# %% [markdown]
# ## Turn a knob
#
# Kubelets pull one image at a time unless they are told otherwise. `sweep` runs every value of a knob with the same
# seeds.

# %%
study = pullsim.sweep(scenario, ["kubelet.maxParallelImagePulls=1,2,4,8"], metrics=["pods.start.p50", "pods.start.p95"])
found = study.table(["pods.start.p50", "pods.start.p95"])
found.pivot_table(index="kubelet.maxParallelImagePulls", columns="metric", values="mean")

# %% [markdown]
# ## Your own scenario
#
# `from_mapping` takes what a file would hold; `override` takes the keys of `--set`. Here: a model server of 6 GB in one
# layer or in sixteen.

# %%
node = {"name": "gpu", "nic": "10Gbit/s", "cores": 8, "disk": {"write": "500MiB/s"}}
for layers in (1, 16):
    image = {"image": "example.com/model:v1", "layers": [{"size": f"{6000 // layers}MB"}] * layers}
    model = pullsim.from_mapping(
        {
            "images": {"define": [image]},
            "registries": [{"host": "example.com", "perConnection": "75MB/s"}],
            "nodes": [node],
            "workloads": [{"name": "model", "pods": {"image": "example.com/model:v1"}}],
        }
    )
    each = pullsim.summarize(pullsim.run(model))
    print(f"layers: {layers:2}, {each.pods.start.max:.0f} s. {each.bottleneck.sentence}")

# %% [markdown]
# ## Answer

# %%
Markdown(
    f"**Half of the pods run within {start.p50:.1f} s and 95 % within {start.p95:.1f} s; "
    f"{summary.pods.not_started} never.** {summary.bottleneck.sentence} "
    f"Of the slowest that started, `{late.pod}`: {verdict(story)}"
)

# %% [markdown]
# ## Further
#
# [docs/python.md](../docs/python.md) lists the notebooks, [docs/questions.md](../docs/questions.md) the commands that
# answer the same questions, [REFERENCE.md](../scenarios/REFERENCE.md) every key of a scenario and column of a table.
