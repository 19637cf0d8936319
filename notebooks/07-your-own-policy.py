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
# # Writing your own pull policy
#
# **Question: if a node pulled first what most of its pods wait for, who would gain, who would pay, and how sure is
# that?**
#
# A kubelet pulls images in the order in which pods ask for them. Nobody has to change one to find out what another rule
# would do: a policy is an object with two methods.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import pandas as pd
from IPython.display import Markdown

import pullsim
from pullsim.results import tables
from pullsim.results.charts import style

pd.options.display.float_format = "{:,.1f}".format

# %%
scenario = pullsim.load("../scenarios/levers/pull-policies.yaml", ["nodes[*].pullPolicies=[]"])
Markdown(scenario.description.partition(" What would")[0])

# %% [markdown]
# The kubelet's own way, by workload. The fourteen pods of one image come while the three places are taken, each with
# two requests of its own, and wait longest but for the largest image.

# %%
own = tables.pods(pullsim.run(scenario))
own.groupby("workload")["until_start_s"].agg(["count", "median", "max"]).sort_values("median")

# %% [markdown]
# ## The policy
#
# `key(pull, now)` says by what waiting pulls are sorted, the smallest first; of equal ones the oldest goes first. A
# pull has what a kubelet knows of it: its image, its pod, when it was asked for, and what else waits and runs on the
# node.


# %%
class MostWanted:
    """The image goes first for which most pulls wait."""

    def key(self, pull, _now):
        """Return minus the number of pulls that wait for the image."""
        return -sum(other.image == pull.image for other in pull.waiting)


pullsim.register_pull_policy("mostWanted", MostWanted())

# %% [markdown]
# Under this name it is an entry of `pullPolicies` in every scenario of this process. `None` instead of a key would hold
# a pull back.
#
# ## Does it do what it is meant to?
#
# Pulls of known duration, one at a time, so that the instants can be computed by hand: *first* takes from 0 to 4 s.
# Meanwhile one pod asks for *lone*, and a second later two for *shared*; each takes 4 s, and a second pull of what is
# there nothing. In turn *lone* starts at 8 s and *shared* at 12 s; with the policy it is the other way round, and
# *lone* does not have to wait for the second pull of *shared*, as one against one the older goes first.

# %%
images = {f"{name}:v1": {"pull": "4s", "repull": "0s"} for name in ("first", "lone", "shared")}
by_hand = pullsim.from_mapping(
    {
        "name": "by hand",
        "nodes": [{"name": "node", "runtime": {"fixed": {"images": images}}}],
        "workloads": [
            {"name": "first", "pods": {"image": "first:v1"}},
            {"name": "lone", "at": "1s", "pods": {"image": "lone:v1"}},
            {"name": "shared", "at": "2s", "pods": {"image": "shared:v1", "count": 2}},
        ],
    }
)
ready = pd.DataFrame(
    {
        policy: tables.pods(pullsim.run(pullsim.override(by_hand, [f"nodes[*].pullPolicies={policy}"])))
        .set_index("pod")["ready_at"]
        .sort_index()
        for policy in ("[]", "[mostWanted]")
    }
)
assert ready["[]"].tolist() == [4, 8, 12, 12]
assert ready["[mostWanted]"].tolist() == [4, 12, 8, 12]
ready

# %% [markdown]
# The second pod of *shared* is not up with the first: its own pull waits in the queue, although the image is there.
# That is what merging equal pulls would mend: `[coalesce, mostWanted]` is two entries.
#
# ## What it gains, and what it costs
#
# Both sides run with the same six seeds, so that pods come at the same instants, and each difference is the policy's.

# %%
SEEDS = 6
names = [workload.name for workload in scenario.workloads]
metrics = ["pods.start.mean", "pods.start.p50", "pods.start.p99", *(f"workloads.{name}.start.mean" for name in names)]


def against_the_kubelet(policy):
    """Compare a policy with the kubelet's own way, on the same seeds."""
    return pullsim.compare(scenario, set_b=[f"nodes[*].pullPolicies=[{policy}]"], seeds=SEEDS, metrics=metrics)


wanted, shortest = against_the_kubelet("mostWanted"), against_the_kubelet("shortestMissing")
wanted.table(metrics).drop(columns="relative").set_index("metric")

# %% [markdown]
# A verdict of *unclear* says that the interval of the difference spans zero: six seeds cannot tell. The same as a
# chart, beside one of pullsim's own policies, which sorts by the bytes that are missing on the node: left of zero pods
# start sooner.


# %% alt="Differences of mean starts with intervals: mostWanted helps the hot image and hurts most others"
def draw(ax, comparison, label, offset, colour):
    """Draw the difference of each workload's mean start, with its interval."""
    rows = {row.metric: row.difference for row in comparison.differences(metrics)}
    for place, name in enumerate(names):
        mean, low, high, _ = rows[f"workloads.{name}.start.mean"]
        ax.plot([low, high], [place + offset] * 2, color=colour, linewidth=3, solid_capstyle="butt")
        ax.plot(mean, place + offset, "o", color=colour, label=label if place == 0 else None)


ax = style.new_axes(None, height=5)
draw(ax, wanted, "mostWanted", -0.15, style.SERIES[0])
draw(ax, shortest, "shortestMissing", 0.15, style.SERIES[1])
ax.axvline(0, color=style.INK, linewidth=1)
ax.set_yticks(range(len(names)), names)
ax.invert_yaxis()
ax.set_xlabel("mean start: seconds later than in the kubelet's own order, with 95 % intervals")
style.title(ax, f"two policies, {SEEDS} seeds", scenario.name)
ax.legend(loc="lower left", frameon=False)
ax.figure

# %% [markdown]
# ## The other method: after a failure
#
# `after(error, pull, now)` says when a failed pull is tried again; `None` leaves it to the kubelet, which waits up to
# five minutes. Would one that looks every 30 s while a registry is at fault be up sooner after an outage, and how many
# pulls would that cost?


# %%
class EveryHalfMinute:
    """What the registry is to blame for is tried again every 30 s; what is not there keeps the kubelet's back-off."""

    def after(self, error, _pull, now):
        """Wait for 30 s, unless the image is not there."""
        return None if error.cause == "notFound" else now + 30


pullsim.register_pull_policy("everyHalfMinute", EveryHalfMinute())
outage = pullsim.load("../scenarios/registry-outage.yaml")
watched = ["outages.docker.io.lastUpAfter", "pods.start.p99", "pulls.failed"]
half_minute = pullsim.compare(outage, set_b=["nodes[*].pullPolicies=[everyHalfMinute]"], seeds=3, metrics=watched)
half_minute.table(watched).drop(columns="relative").set_index("metric")

# %% [markdown]
# ## Answer

# %%
found = {row.metric: row for row in wanted.differences(metrics)}
of = {name: found[f"workloads.{name}.start.mean"] for name in names}


def in_words(row):
    """Write a difference with its interval."""
    mean, low, high, _ = row.difference
    return f"{abs(mean):.0f} s {'sooner' if mean < 0 else 'later'} [{low:+.0f} s, {high:+.0f} s]"


later = [name for name, row in of.items() if row.verdict == "higher" and name != "agent"]
last_up, failed = (half_minute.differences(watched)[place] for place in (0, 2))
Markdown(
    f"**The pods of the hot image start {in_words(of['hot'])}, and others pay for it**: {', '.join(later)} are later, "
    f"and the agent that the node needs starts {in_words(of['agent'])}. The mean pod is up "
    f"{in_words(found['pods.start.mean'])}; for the median six seeds say {found['pods.start.p50'].verdict}. Sorting by "
    f"missing bytes does better here, if somebody tells the kubelet sizes. After an outage, retries every half minute "
    f"have the last pod up {in_words(last_up)}, for {failed.difference.mean:.0f} more failed pulls than the "
    f"{failed.a.mean:.0f} there are."
)

# %% [markdown]
# ## Further
#
# [docs/levers/pull-policies.md](../docs/levers/pull-policies.md) has the policies that come with pullsim, and what each
# gains and costs. A policy that is registered is an entry for `pullPolicies` in any scenario of this process, also
# together with others.
