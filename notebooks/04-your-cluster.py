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
# # Your own cluster: import it, and fit it
#
# **Question: what would a rollout to fresh nodes of this cluster take, and how well do a cluster's events tell the
# figures of its nodes?**
#
# You have `kubectl get nodes,pods,deployments,…,events -A -o json`. That is enough for a scenario that runs
# ([what is read](../docs/import.md)), and events alone are enough to estimate what the nodes and the registry can do.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import rich
import yaml
from IPython.display import Markdown

import pullsim
from pullsim import charts
from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from pullsim.results import render
from pullsim.results.exports.event_list import write_events
from pullsim.study.fit.text import render as fit_text

pd.options.display.float_format = "{:,.1f}".format
files = TemporaryDirectory()
scratch = Path(files.name)

# %% [markdown]
# ## Import
#
# `import_cluster` is `pullsim init`: files in, the text of a scenario out, and what is to be told of it. Behind each
# figure stands where it is from.

# %%
text, told = import_cluster(["../examples/cluster.json"], Question.rollout)
print(text[text.index("\nnodes:") + 1 : text.index("  - name: worker")])

# %% [markdown]
# What it had to guess, what changes the results most first, each with the way to know it:

# %%
Markdown("\n".join(f"- {line}" for line in told))

# %% [markdown]
# The text is a scenario like any other. Keep it in a file and change what you know better.

# %%
file = scratch / "cluster.yaml"
file.write_text(text, encoding="utf-8")
cluster = pullsim.load(file)
summary = pullsim.summarize(pullsim.run(cluster))
rich.print(render(summary))

# %% [markdown]
# The same cluster, another question: a fresh node joins each pool, and gets what a node of the pool has.

# %%
file.write_text(import_cluster(["../examples/cluster.json"], Question.cold_node)[0], encoding="utf-8")
cold = pullsim.run(pullsim.load(file))
cold

# %% alt="Bars of the pulls on the nodes that joined, over time: they begin when the nodes do, one after the other"
charts.plot_gantt(cold).figure

# %% [markdown]
# ## Fit: do events tell the figures?
#
# To see how well a fit works, take a cluster whose figures are known, because they are made up: four nodes with 500
# Mbit/s, whose cores unpack 150 MB/s. It runs sixteen images one after the other; all that the fit gets are the events,
# as `kubectl get events -A -o json` would print them (`pullsim run --export events`).

# %%
images = [
    *("postgres:9.6", "cassandra:latest", "nginx:1.12", "golang:1.9", "maven:3-jdk-8-slim", "redis:3.2", "rust:latest"),
    *("julia:latest", "perl:latest", "tomcat:8.5", "mongo:latest", "rabbitmq:management", "couchdb:2", "swift:latest"),
    *("gcc:latest", "redis:alpine"),
]
known = {"nic": "500Mbit/s", "unpack": {"gzip": "150MB/s"}, "disk": {"write": "1GB/s"}, "cores": 4}


def fleet(figures, every, registry=()):
    """Return a scenario with four nodes of such figures, to which one image comes after the other."""
    node = {"name": "worker", "count": 4, "kubeletVersion": "1.31", "runtime": {"containerd": "1.7"}, **figures}
    return pullsim.from_mapping(
        {
            "name": "known figures",
            "images": {"catalogs": ["official"]},
            "registries": [{"host": "docker.io", "roundTrip": "20ms", "auth": "bearer", **dict(registry)}],
            "nodes": [node],
            "workloads": [
                {
                    "name": name.partition(":")[0] + str(number),
                    "pods": {"image": name, "count": 4},
                    "at": f"{number * every}s",
                }
                for number, name in enumerate(images)
            ],
        }
    )


events = scratch / "events.json"
with events.open("w", encoding="utf-8") as out:
    write_events(pullsim.run(fleet(known, every=60)), out)
print(events.read_text(encoding="utf-8")[:160])

# %%
fit = pullsim.fit(events, catalogs=["official"], containerd=(1, 7))
rich.print(fit_text(fit))

# %% alt="Points of predicted over observed seconds of 64 pulls on logarithmic axes, all close to the diagonal"
fit.plot().figure

# %% [markdown]
# It says of each figure how sure it is, and of others that these pulls do not tell them: the disk never was the limit
# here. What pulls look the same with, it counts as one: the registry's round trips are in `firstByte`.

# %%
names = {each.parameter.name: each for each in fit.fitted}
true = {"nic": 62.5e6, "unpack.gzip": 150e6}  # bytes/s
told_by = pd.DataFrame({name: [true[name], names[name].value, names[name].low, names[name].high] for name in true}).T
told_by.columns = ["true", "fitted", "90 % from", "to"]
told_by / 1e6  # MB/s

# %% [markdown]
# ## Does the fitted node predict?
#
# What counts is not the figures but what follows from them. So: all sixteen images at once, four at a time, which the
# events did not show. Once with the true figures, once with the preset that `fit` writes.

# %%
preset = scratch / "preset.yaml"
preset.write_text(fit.preset(), encoding="utf-8")
print(*[line for line in fit.preset().splitlines() if not line.startswith("#")], sep="\n")

# %%
parallel = ["kubelet.maxParallelImagePulls=4"]
registry = yaml.safe_load(fit.preset())["registry"]
truth = fleet(known, every=0)
fitted = fleet({"preset": str(preset), "cores": 4}, every=0, registry={"roundTrip": "0s", **registry})
sides = pullsim.compare(pullsim.override(truth, parallel), pullsim.override(fitted, parallel))
starts = sides.table(["pods.start.p50", "pods.start.p90", "pods.start.p99"]).set_index("metric")
starts["off by (%)"] = 100 * starts["relative"]
starts[["a", "b", "off by (%)"]].rename(columns={"a": "true figures (s)", "b": "fitted (s)"})

# %% [markdown]
# ## Answer

# %%
within = all(row["90 % from"] <= row["true"] <= row["to"] for _, row in told_by.iterrows())
Markdown(
    f"**A rollout to fresh nodes of this cluster takes {summary.pods.start.max:.0f} s until the last pod starts; half "
    f"of the pods are there after {summary.pods.start.p50:.0f} s**, with the guesses that are listed above. "
    f"{summary.bottleneck.sentence} Events tell {len(fit.fitted)} figures, of which two are known; both "
    f"are {'within' if within else 'not within'} their 90 % intervals. They predict single pulls within "
    f"{fit.held_out_errors.p90:.0%} in nine of ten cases, and a rollout in parallel, which they had not seen, within "
    f"{starts['relative'].abs().max():.0%}."
)

# %% [markdown]
# ## Further
#
# On the command line: `pullsim init cluster.json -o cluster.yaml`, `pullsim fit events.json --catalog official`.
# [docs/import.md](../docs/import.md) has what is read of a cluster and what is made of it.
