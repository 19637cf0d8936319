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
# # Back-off, and what it makes of an outage
#
# **Question: a registry is down for four minutes. When is the last pod up, and why not right after?**
#
# After a failed pull a kubelet waits before it tries again: 10 s, then twice as long after each failure, up to five
# minutes. The registry does not tell it that it is back.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import pandas as pd
import rich
from IPython.display import Markdown

import pullsim
from pullsim import charts, tables
from pullsim.results import render
from pullsim.results.charts import style
from pullsim.results.explanation.explanation import explain
from pullsim.results.explanation.text import render as explanation_text
from pullsim.results.kubectl.describe import describe
from pullsim.study.deadline import deadline, sentence

pd.options.display.float_format = "{:,.1f}".format

# %% [markdown]
# ## The schedule, on one pod
#
# A pod asks for a tag that was never pushed. Nothing ever changes, so for forty minutes the schedule is all there is.

# %%
image = "registry.example.com/shop/web:typo"
missing = pullsim.from_mapping(
    {
        "name": "missing tag",
        "horizon": "40m",
        "images": {"define": [{"image": image, "size": "50MB"}]},
        "registries": [
            {
                "host": "registry.example.com",
                "roundTrip": "20ms",
                "faults": [{"image": "shop/web:typo", "status": 404}],
            }
        ],
        "nodes": [{"name": "node"}],
        "workloads": [{"name": "web", "pods": {"image": image}}],
    }
)
result = pullsim.run(missing, status=True)
attempts = tables.pulls(result)[["attempt", "requested_at", "ended_at", "cause"]].set_index("attempt")
attempts["then waited (s)"] = attempts["requested_at"].shift(-1) - attempts["ended_at"]
attempts

# %% [markdown]
# The waits double up to the cap. They are a little longer than the back-off itself, as the kubelet looks at the pod
# only now and then, and tries when it next does after the back-off is over.

# %% alt="Bars of the wait after each attempt: they double from 16 s, then stay just above the cap of 300 s"
ax = style.new_axes(None)
waits = attempts["then waited (s)"].dropna()
ax.bar(attempts.loc[waits.index, "ended_at"] / 60, waits, width=waits / 60, align="edge", color=style.SERIES[0], ec="w")
ax.axhline(300, color=style.SERIES[1], linestyle="--", label="the cap: 5 min")
ax.set(xlabel="simulated time (min)", ylabel="wait until the next attempt (s)", ylim=(0, 380))
style.title(ax, "a pull that always fails", result.name)
ax.legend(loc="upper left", frameon=False)
ax.figure

# %% [markdown]
# What `kubectl describe pod` shows after forty minutes; equal events are counted, not repeated.

# %%
pod = result.pods[0]
print("\n".join(describe(result, pod, at=result.end)))

# %% [markdown]
# ## An outage
#
# Pods arrive at thirty nodes all the time. Five minutes in, Docker Hub answers 503 for four minutes.

# %%
scenario = pullsim.load("../scenarios/registry-outage.yaml")
result = pullsim.run(scenario, status=True)
summary = pullsim.summarize(result)
rich.print(render(summary))

# %% alt="Pods created and ready over time, the outage shaded: ready ones fall behind and catch up minutes after it"
charts.plot_pods_ready(result).figure

# %% [markdown]
# Each pod has a back-off of its own, which began with its first failure. The earlier a pod came into the outage, the
# longer its back-off has become, and the longer it may still wait after the end.

# %% alt="Points of the pods that the outage hit: seconds from its end to their start, by when they were created"
outage = summary.outages["docker.io"]
pulls = tables.pulls(result)
hit = tables.pods(result).merge(pulls.loc[pulls["cause"] == "serverError", ["namespace", "pod"]].drop_duplicates())
ax = style.new_axes(None)
ax.scatter(hit["created_at"] / 60, hit["ready_at"] - outage.ended_at, color=style.SERIES[0], s=18)
ax.axvspan(outage.began_at / 60, outage.ended_at / 60, color=style.NEVER, zorder=0)
ax.set(xlabel="created (min)", ylabel="ready, seconds after the outage", ylim=(0, None))
style.title(ax, f"the {len(hit)} pods that the outage (shaded) hit", result.name)
ax.figure

# %% [markdown]
# The last of them, step by step:

# %%
names = set(zip(hit["namespace"], hit["pod"], strict=True))
last = max((pod for pod in result.pods if (pod.namespace, pod.pod) in names), key=lambda pod: pod.ready)
story = explain(result, last)
rich.print(explanation_text(story))

# %% [markdown]
# ## Longer outages
#
# How long after the end is the last pod up, for outages of one minute to an hour?


# %%
def outlasted(minutes):
    """Return when the last pod was up after an outage, in seconds from its end, and how many pods it hit."""
    fault = f"[{{at: 5m, for: {minutes}m, status: 503}}]"
    found = pullsim.summarize(pullsim.run(pullsim.override(scenario, [f"registries[docker.io].faults={fault}"])))
    return found.outages["docker.io"]


lengths = [1, 2, 3, 4, 6, 8, 12, 20, 30, 60]
after = pd.DataFrame([outlasted(minutes) for minutes in lengths], index=pd.Index(lengths, name="outage (min)"))
after[["pods", "last_up_after"]]

# %% alt="Line of the seconds from the end of the outage to the last pod's start over its length; it ends below the cap"
ax = style.new_axes(None)
ax.plot(lengths, after["last_up_after"], marker="o", color=style.SERIES[0])
ax.axhline(300, color=style.SERIES[1], linestyle="--", label="the cap: 5 min")
ax.set(xlabel="length of the outage (min)", ylabel="last pod up, seconds after its end", ylim=(0, None))
style.title(ax, "outages of docker.io", scenario.name)
ax.legend(loc="lower right", frameon=False)
ax.figure

# %% [markdown]
# ## What helps
#
# Pods whose image is on their node do not notice an outage, unless they ask for it all the same: `imagePullPolicy:
# Always`, which is the default of the tag `latest`. Here the workload `restarts` does. The other policy spares it some
# failures; it does nothing for pods that come to a node without their image, and so nothing for the last one.

# %%
policy = pullsim.compare(scenario, set=["workloads[restarts].pods.imagePullPolicy=Always,IfNotPresent"])
policy

# %% [markdown]
# ## A safe timeout
#
# What should a controller wait before it gives a pod up? `deadline` pools the pods of several seeds.

# %%
safe = deadline(scenario, "99.9%", seeds=4)
Markdown(sentence(safe))

# %% [markdown]
# ## Answer

# %%
Markdown(
    f"**The last pod is up {outage.last_up_after:.0f} s after the end of the outage**, of {outage.pods} that it hit. "
    f"It had failed {len([step for step in story.steps if step.what == 'backoff'])} times by then and was waiting for "
    f"its back-off to end. However long the outage, it is never more than "
    f"{after['last_up_after'].max():.0f} s: the cap, and the pull itself. {sentence(safe)}"
)

# %% [markdown]
# ## Further
#
# `pullsim run scenarios/registry-outage.yaml` and `pullsim solve scenarios/registry-outage.yaml --coverage 99.9%` are
# the same on the command line; [percentiles](../docs/percentiles.md) has what a safe timeout means.
