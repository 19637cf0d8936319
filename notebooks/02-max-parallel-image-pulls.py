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
# # How many images should a node pull at a time?
#
# **Question: sixteen pods with sixteen images land on one node. Which `maxParallelImagePulls` starts them soonest, and
# what binds then?**
#
# The kubelet's documentation says only that too many may overload the disk. So: try them all, and look at what the pods
# wait for with each.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import pandas as pd
from IPython.display import Markdown

import pullsim
from pullsim import charts
from pullsim.study.charts import draw_knees, plot_heat
from pullsim.study.solve_text import plot_curve, sentence

pd.options.display.max_colwidth = 200
pd.options.display.float_format = "{:,.1f}".format

# %%
scenario = pullsim.load("../scenarios/serial-vs-parallel.yaml")
Markdown(scenario.description)

# %% [markdown]
# ## Every value
#
# `sweep` runs each with the same seed. Nothing in this scenario is left to chance, so one seed is enough. (A bare
# `study` at the end of a cell shows its answer, curves and table.)

# %%
knob = "kubelet.maxParallelImagePulls"
study = pullsim.sweep(scenario, [f"{knob}=1,2,3,4,6,8,12,16"])

# %% alt="Lines of p50, p90 and p99 of pod start over maxParallelImagePulls: steep from 1 to 4, then almost flat"
draw_knees(study, ["pods.start.p50", "pods.start.p90", "pods.start.p99"])

# %% [markdown]
# ## What binds
#
# What did the pods wait for, with each value? With few pulls at a time it is the queue; with many it is the disk and,
# as these images share layers, other pulls that fetch the same ones.

# %%
limits = list(study.axes[0].values)
verdicts = [study.verdict(position)["sentence"] for position in range(len(limits))]
pd.DataFrame({"what pods waited for": verdicts}, index=pd.Index(limits, name="pulls at a time"))

# %% [markdown]
# The node itself, with one pull at a time and with eight. The bars of a pull are its stages; in the queue it waits for
# the kubelet to let it begin.


# %% alt="Sixteen bars over time, with one pull at a time: each begins with a longer wait in the pull queue"
def pulls(limit):
    """Draw the pulls of the node with a limit."""
    return charts.plot_gantt(pullsim.run(pullsim.override(scenario, [f"{knob}={limit}"]))).figure


pulls(1)

# %% alt="Sixteen bars over time, with eight pulls at a time: short waits in the queue, more of disk and cores"
pulls(8)

# %% [markdown]
# With `ipywidgets` (`pip install 'pullsim[notebooks]'`) the next cell has a slider that runs the scenario as it moves.

# %% interactive=true
try:
    from ipywidgets import IntSlider, interact
except ImportError:
    print("No slider: ipywidgets is not installed. pulls(3) draws what it would show at 3.")
else:
    interact(pulls, limit=IntSlider(value=3, min=1, max=16, continuous_update=False))

# %% [markdown]
# ## The best value
#
# `solve` searches for it. Without a limit to meet it looks for the best one, and says from which value on more gains
# hardly anything.

# %%
solution = pullsim.solve(scenario, knob, "1..16", objective="pods.start.p99", seeds=1)
Markdown(sentence(solution))

# %% alt="The values that were tried and p99 of pod start with each: falling to a flat minimum, which is marked"
plot_curve(solution).figure

# %% [markdown]
# Often it is more useful to ask for the smallest value that keeps a promise:

# %%
promise = pullsim.solve(scenario, knob, "1..16", slo="pods.start.p99 < 45s", seeds=1)
Markdown(sentence(promise))

# %% [markdown]
# ## On other nodes
#
# The best value is the disk's as much as the kubelet's. With a faster disk more pulls are worth it, with a slow one the
# knee comes early.

# %%
disks = pullsim.sweep(scenario, ["nodes[node].disk.write=60MiB/s,125MiB/s,250MiB/s,1000MiB/s", f"{knob}=1,2,4,8,16"])

# %% alt="Heat map of p99 of pod start: it falls with more pulls at a time, and further the faster the disk is"
plot_heat(disks, "pods.start.p99").figure

# %% [markdown]
# containerd has a limit of its own: from 2.1 on a node downloads three layers at a time, of whatever pull. Before, each
# pull had three. Where downloads bind, as with slow connections to the registry, the kubelet's knob then does little.

# %%
slow = pullsim.override(scenario, ["registries[docker.io].perConnection=10MB/s"])
releases = pullsim.sweep(slow, [f"{knob}=1,2,4,8,16", "nodes[node].runtime.containerd=2.0,2.1"])

# %% alt="Two lines of p99 over maxParallelImagePulls: with containerd 2.0 it keeps falling, with 2.1 it stays high"
draw_knees(releases, ["pods.start.p99"])

# %% [markdown]
# ## Answer

# %%
best = solution.settings(solution.answer.point)[0].partition("=")[2]
enough = promise.settings(promise.answer.point)[0].partition("=")[2]
p99 = {value: study.interval(position, "pods.start.p99").mean for position, value in enumerate(limits)}
flat = next(value for value in p99 if p99[value] <= 1.05 * min(p99.values()))
Markdown(
    f"**{best} at a time: p99 falls from {p99['1']:.0f} s to {p99[best]:.0f} s.** {flat} are within 5 % of that, and "
    f"{enough} are enough for 45 s. With {best}, {verdicts[limits.index(best)]} "
    f"More than that gains nothing: with 16 p99 is {p99['16']:.0f} s."
)

# %% [markdown]
# ## Further
#
# `pullsim solve SCENARIO --knob kubelet.maxParallelImagePulls --range 1..16` is the same on the command line
# ([studies](../docs/studies.md)); [runtimes](../docs/runtimes.md) has the limits of each containerd and CRI-O.
