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
# # Fleets: quotas, egress and money
#
# **Question: how many nodes can come up at once before the registry's quota or its link binds, and what does the churn
# of spot nodes cost a day?**
#
# On one node the kubelet and the disk decide. On many, what all nodes share does: the quota of the address that they
# come from, the registry's egress, and the bill for the bytes.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import pandas as pd
import rich
from IPython.display import Markdown

import pullsim
from pullsim import charts
from pullsim.results import render
from pullsim.results.charts import style
from pullsim.study.charts import draw_knees, plot_trade_off
from pullsim.study.solve_text import sentence

pd.options.display.max_colwidth = 200
pd.options.display.float_format = "{:,.1f}".format

# %% [markdown]
# ## Quotas
#
# A cluster without credentials grows to sixty nodes behind one address. Each node pulls two images from Docker Hub,
# which allows an address 100 manifests in six hours.

# %%
hub = pullsim.load("../scenarios/quota-exhaustion.yaml")
grown = pullsim.run(hub, detail="pulls")
quota = pullsim.summarize(grown)
rich.print(render(quota))

# %% alt="Pods created and ready over six hours: ready ones stop at a hundred and go on when the quota has room again"
charts.plot_pods_ready(grown).figure

# %% [markdown]
# How many nodes can there be?

# %%
room = pullsim.solve(hub, "nodes[workers].count", "10..60", slo="pulls.failed == 0", want="largest", seeds=1)
Markdown(sentence(room))

# %% [markdown]
# ## One registry for all
#
# Without a quota the nodes share a link. An image of 1.5 GB from a registry of one's own with 10 Gbit/s, on ten to four
# hundred nodes, one pod on each:


# %%
def fleet(nodes):
    """Return the summary of so many nodes that pull the image at once."""
    scenario = {
        "name": "own registry",
        "images": {"define": [{"image": "registry.example.com/team/app:v3", "size": "1.5GB"}]},
        "registries": [{"host": "registry.example.com", "egress": "10Gbit/s", "perConnection": "100MB/s"}],
        "nodes": [{"name": "workers", "count": nodes, "preset": "aws/m6i.xlarge-gp3"}],
        "workloads": [{"name": "app", "pods": {"image": "registry.example.com/team/app:v3", "count": nodes}}],
    }
    return pullsim.summarize(pullsim.run(pullsim.from_mapping(scenario), detail="pulls"))


sizes = {nodes: fleet(nodes) for nodes in (10, 25, 50, 100, 200, 400)}
p99 = pd.Series({nodes: each.pods.start.p99 for nodes, each in sizes.items()}, name="p99 (s)").rename_axis("nodes")
pd.DataFrame({"p99 (s)": p99, "what pods waited for": {n: each.bottleneck.sentence for n, each in sizes.items()}})

# %% alt="Line of p99 of pod start over the number of nodes: almost flat up to 50, then in proportion to the nodes"
ax = style.new_axes(None)
ax.plot(p99.index, p99, marker="o", color=style.SERIES[0])
ax.set(xlabel="nodes", ylabel="p99 of pod start (s)", xlim=(0, None), ylim=(0, None))
style.title(ax, "1.5 GB to all nodes at once, over 10 Gbit/s", "own registry")
ax.figure

# %% [markdown]
# Where the link binds, bringing the image to the nodes before does more than any knob of theirs. A release of 6.2 GB on
# forty nodes, with a prepull job and without it:

# %%
release = pullsim.load("../scenarios/prepull.yaml")
with_job = pullsim.compare(release, set_a=["workloads[warm].at=2h"])
with_job

# %% [markdown]
# ## Money
#
# Thirty spot nodes, each taken away every eight hours on average. Each successor comes cold, and its bytes cost 0.045 a
# GB. Who leaves when is left to chance, so here the seeds matter: the bands are 95 % intervals over five of them.

# %%
spot = pullsim.load("../scenarios/spot-churn.yaml")
rates = pullsim.sweep(spot, ["nodes[spot].leave.rate=0.03/h,0.06/h,0.125/h,0.25/h,0.5/h"], seeds=5)

# %% alt="Line of the cost a day over the rate at which nodes leave, rising in proportion, with a narrow band"
costs = draw_knees(rates, ["churn.perDay.cost"])
costs.axes[0].set_ylabel("a day, in the currency of the price")
costs

# %%
columns = {
    "churn.departures": "nodes that left",
    "churn.perDay.downloadedBytes": "GB a day",
    "churn.perDay.cost": "cost",
}
day = rates.table(list(columns)).pivot_table(index="variant", columns="metric", values="mean").rename(columns=columns)
day["GB a day"] /= 1e9
day.set_index(pd.Index(rates.axes[0].values, name="leave.rate"))

# %% [markdown]
# What would a mirror inside the network do, whose bytes cost nothing?

# %%
mirror = "registries[registry.example.com].mirrors=[{host: mirror.local, egress: 10Gbit/s}]"
inside = pullsim.compare(spot, set_b=[mirror])
inside.table(["churn.perDay.cost", "pods.start.p50", "pods.start.p99"]).set_index("metric")[["a", "b", "verdict"]]

# %% [markdown]
# ## Warm nodes or bytes?
#
# An autoscaled pool can keep empty nodes for a while: paid by the hour, and the next pods find their image. A point is
# a time that an empty node stays; those on the line are not beaten in both.

# %%
pool = pullsim.load("../scenarios/gpu-autoscale.yaml")
warm = pullsim.sweep(pool, ["nodes[gpu].autoscale.consolidateAfter=2m,10m,20m,35m,60m"])

# %% alt="Points of ready time over node seconds for five times that an empty node stays: longer is sooner and dearer"
plot_trade_off(warm, "autoscaling.gpu.nodeSeconds", "pods.ready.p50").figure

# %% [markdown]
# ## Answer

# %%
hub_use = quota.registries[0]
cost = rates.interval(2, "churn.perDay.cost")
binds = next(nodes for nodes, each in sizes.items() if each.bottleneck.resource == "registryEgress")
Markdown(
    f"**The quota lasts for {hub_use.served_nodes} nodes**; of the others the last is up after "
    f"{quota.pods.last_ready_at / 3600:.1f} h. **Without a quota 10 Gbit/s bind with {binds} nodes and more**: p99 is "
    f"{p99[10]:.0f} s with 10 nodes, {p99[binds]:.0f} s with {binds}, {p99[400]:.0f} s with 400. **The churn costs "
    f"{cost.mean:.1f} a day** (95 % interval over {cost.runs} seeds {cost.low:.1f} to {cost.high:.1f})."
)

# %% [markdown]
# ## Further
#
# `pullsim run scenarios/quota-exhaustion.yaml`, `pullsim run scenarios/spot-churn.yaml` and `pullsim sweep` are the
# same on the command line; [docs/questions.md](../docs/questions.md#registries) has more questions about registries.
