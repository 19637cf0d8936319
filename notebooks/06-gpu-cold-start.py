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
# # Cold start of a GPU node
#
# **Question: how long until a fresh GPU node serves, and what shortens it most?**
#
# A node joins an empty pool. What every node runs and a model server of 9.4 GB want their images at once.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import pandas as pd
import rich
from IPython.display import Markdown

import pullsim
from pullsim import charts
from pullsim.results import render
from pullsim.results.explanation.explanation import explain
from pullsim.results.explanation.text import render as explanation_text
from pullsim.study.advice.remedies import relevant, remedies
from pullsim.study.advice.remedies_text import told_remedies
from pullsim.study.advice.situation import Situation
from pullsim.study.advice.text import best, markdown, plot_gains

pd.options.display.float_format = "{:,.1f}".format

# %%
scenario = pullsim.load("../scenarios/cold-node.yaml")
result = pullsim.run(scenario, status=True)
summary = pullsim.summarize(result)
rich.print(render(summary))

# %% alt="Bars of the node's pulls by stage: the model's pull takes minutes, the others wait behind it in the queue"
charts.plot_gantt(result).figure

# %% [markdown]
# ## Who waits for whom
#
# The network's pod is on every node, and no other pod can do without it. Here it waits for minutes:

# %%
network = next(pod for pod in result.pods if pod.workload == "calico-node")
story = explain(result, network)
rich.print(explanation_text(story))

# %% [markdown]
# What would have started it earlier? Each change is tried, with the same seed (`pullsim explain --what-if`):

# %%
situation = Situation.of(scenario)
tried = remedies(situation, [story], relevant(situation, result, [story]), max_runs=40)
rich.print(told_remedies(tried, (story.namespace, story.pod)))

# %% [markdown]
# The model server hardly waits for others. Its time is its own pull, above all a few large layers:

# %%
model = next(pod for pod in result.pods if pod.workload == "model")
rich.print(explanation_text(explain(result, model)))

# %% [markdown]
# ## What helps most
#
# `advise` tries everything that it knows, alone and the best in pairs, and ranks it by what p99 gains.

# %%
advice = pullsim.advise(scenario, seeds=1, max_runs=80)
Markdown(markdown(advice, "scenarios/cold-node.yaml").partition("\n1. ")[0])

# %% alt="Bars of what each change gains of p99 in percent: images that are present gain most by far"
plot_gains(advice).figure

# %% [markdown]
# ## The pull is not all
#
# A node has to be asked for and has to boot, weights have to come, the engine has to load. A pool that an autoscaler
# fills, with times as one was published: which part is the pull?

# %%
pool = pullsim.load("../scenarios/gpu-autoscale.yaml")
filled = pullsim.run(pool)
filled

# %% alt="Stacked bars of the mean time until pods are ready by stage: node boot and readiness are longer than the pull"
charts.plot_time_by_pool(filled).figure

# %% [markdown]
# So a node that is still there helps more than any faster pull:

# %%
metrics = ["pods.ready.p50", "autoscaling.gpu.nodeSeconds"]
kept = pullsim.sweep(pool, ["nodes[gpu].autoscale.consolidateAfter=2m,10m,35m"])
table = kept.table(metrics).pivot_table(index="variant", columns="metric", values="mean")
table["node hours"] = table.pop("autoscaling.gpu.nodeSeconds") / 3600
table.set_index(pd.Index(kept.axes[0].values, name="an empty node stays"))

# %% [markdown]
# ## Answer

# %%
own = sum(step.seconds for step in story.steps if step.what != "queue")
ready, hours, longest = table["pods.ready.p50"], table["node hours"], list(kept.axes[0].values)[-1]
Markdown(
    f"**The model serves {model.start_seconds:.0f} s after it was created.** The network's pod, which needs "
    f"{own:.0f} s without the queue, comes after {network.start_seconds:.0f} s, as it stands behind the model. "
    f"{best(advice)} On a pool that is filled on demand the pull is only a part: there half of the pods are ready "
    f"after {ready.iloc[0]:.0f} s, and after {ready.iloc[-1]:.0f} s if empty nodes stay for {longest}, "
    f"for {hours.iloc[-1]:.1f} node hours instead of {hours.iloc[0]:.1f}."
)

# %% [markdown]
# ## Further
#
# `pullsim advise scenarios/cold-node.yaml` and `pullsim explain scenarios/cold-node.yaml` are the same on the command
# line; [docs/studies.md](../docs/studies.md) has what `advise` tries.
