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
# # How far to trust it
#
# **Question: a run says 21 s. How far may the real figure be from that, and what does nobody know yet?**
#
# The repository has what was measured: pulls of a real containerd and CRI-O in a lab, and the logs of real clusters.
# Here all of them are predicted again and compared. An error is |predicted - measured| / measured.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import sys

import numpy as np
import pandas as pd
from IPython.display import Markdown

sys.path.insert(0, "..")  # the measurements are beside the package, not in it

import pullsim
from benchmarks.fidelity import clusters, lab, lab_crio, report
from benchmarks.fidelity.cluster_data import data
from benchmarks.fidelity.worst import why
from pullsim.results.charts import style
from pullsim.results.page.trust import LEFT_OUT

pd.options.display.max_colwidth = 250
pd.options.display.float_format = "{:,.1f}".format

# %% [markdown]
# ## Predict everything
#
# Four sources: `lab` is one node with containerd and a registry behind a link with known figures, `crio` the same with
# CRI-O, `chonks` are clusters that unpacking and disks bind, `perfstudy` clusters that network and cache bind. Each
# pull is a run of the simulator. Hollow points are pulls that figures were fitted on. These do not judge, but for those
# of `lab`, where only five values are theirs and all else is a default. Noisy cases in the lab and those under 0.2 s
# are left out.

# %%
found = [*lab.rows(), *lab_crio.rows(), *clusters.rows()]
judged = {source: report.judged(found, source) for source in report.BARS}
pd.Series({source: len(rows) for source, rows in judged.items()}, name="pulls that judge")

# %% alt="Four panels of predicted over measured seconds on logarithmic axes: most points are near the diagonal"
report.plot(found)

# %% [markdown]
# ## Errors, and how sure they are
#
# Pulls of one cluster resemble each other, so that a hundred of them are not a hundred witnesses. The intervals below
# resample whole clusters (in the lab, cases), which makes them as wide as they have to be.


# %%
def resampled(rows, share, times=2000):
    """Return the 90 % bootstrap interval of a quantile of the errors, over clusters."""
    groups = {}
    for row in rows:
        groups.setdefault(row.case.split()[0], []).append(row.error)
    errors = [np.array(each) for each in groups.values()]
    random = np.random.default_rng(1)
    picks = random.integers(len(errors), size=(times, len(errors)))
    quantiles = [np.quantile(np.concatenate([errors[each] for each in pick]), share) for pick in picks]
    return np.quantile(quantiles, [0.05, 0.95])


def errors_of(rows):
    """Return a row of the table, in percent."""
    median, p90, worst = (100 * each for each in report.errors(rows))
    (low, high), (low90, high90) = (100 * resampled(rows, share) for share in (0.5, 0.9))
    return {
        "median": median,
        "its 90 %": f"{low:.1f} to {high:.1f}",
        "nine in ten within": p90,
        "of that 90 %": f"{low90:.0f} to {high90:.0f}",
        "worst": worst,
    }


table = pd.DataFrame({source: errors_of(rows) for source, rows in judged.items()}).T
table

# %% alt="Curves of the share of pulls within an error: the lab's rise first, then those of the two kinds of clusters"
ax = style.new_axes(None)
for (source, rows), colour in zip(judged.items(), style.SERIES, strict=False):
    ranked = sorted(100 * row.error for row in rows)
    ax.step(ranked, np.arange(1, len(ranked) + 1) * 100 / len(ranked), where="post", color=colour, label=source)
ax.set(xlabel="error (%)", ylabel="pulls within it (%)", xlim=(0, 60), ylim=(0, 104))
style.title(ax, "how many pulls are within an error (beyond 60 % not drawn)")
ax.legend(loc="lower right", frameon=False)
ax.figure

# %% [markdown]
# ## Too early or too late?
#
# Predicted over measured: 1 is right, above it the model is too slow. The middle is near 1 and the tails reach about as
# far to either side, so that errors do not lean to one.

# %%
shares = [0.05, 0.25, 0.5, 0.75, 0.95]
ratios = {
    source: np.quantile([row.predicted / row.measured for row in rows], shares) for source, rows in judged.items()
}
pd.DataFrame(ratios, index=[f"{share:.0%} below" for share in shares]).T.map("{:.2f}".format)

# %% [markdown]
# ## Reality scatters, too
#
# The lab made each pull several times; in a cluster several nodes made the same pull. How far are these apart (the
# fastest and the slowest, in % of the middle), and is the prediction among them?

# %%
seen = {("lab", case["id"]): case["makespan"] for case in lab.LAB["cases"]}
seen |= {("crio", case["id"]): case["makespan"] for case in lab_crio.LAB["cases"]}
for name, cluster in data()["clusters"].items():
    for pull in cluster["pulls"]:
        image = data()["images"][pull["image"]][0]
        seen[name.partition("/")[0], f"{name} {image}"] = (pull["min"], pull["p50"], pull["max"])


def scatter(rows):
    """Return how far measurements of one pull are apart, and how many predictions are among them, in percent."""
    ends = [(row, *seen[row.source, row.case]) for row in rows]
    apart = [100 * (high - low) / middle for _, low, middle, high in ends]
    return {
        "apart, median": np.median(apart),
        "apart, nine in ten": np.quantile(apart, 0.9),
        "predictions among them": 100 * np.mean([low <= row.predicted <= high for row, low, _, high in ends]),
    }


scattered = pd.DataFrame({source: scatter(rows) for source, rows in judged.items()}).T
scattered

# %% [markdown]
# ## The worst, and why
#
# As far as it is known. Some are the model's, some the log's, and of some nobody knows.

# %%
worst = sorted((row for rows in judged.values() for row in rows), key=lambda row: -row.error)[:8]
pd.DataFrame(
    [(100 * row.error, row.predicted, row.measured, row.group, why(row.source, row.case)) for row in worst],
    columns=["error (%)", "predicted s", "measured s", "preset", "why"],
)

# %% [markdown]
# ## What that means for a run
#
# The summary carries the lab's error, and a difference that is smaller is called so. For a cluster of one's own the
# spread of the clusters is the better guide. For the quickstart's p95:

# %%
summary = pullsim.summarize(pullsim.run(pullsim.load("../scenarios/quickstart.yaml")))
p95 = summary.pods.start.p95
ends = {
    source: p95 / np.quantile([row.predicted / row.measured for row in rows], [0.95, 0.05])
    for source, rows in judged.items()
}
pd.DataFrame(ends, index=["from (s)", "to (s)"]).T

# %% [markdown]
# That is the spread of *single pulls*, applied to a whole. It is not an interval of p95: see below.
#
# ## Intervals, and what is in none
#
# - **A run gives numbers. `pullsim run --interval 40` gives intervals of them**, over clusters that seeds draw by what
#   measured ones differ by ([variation](../docs/variation.md)); how many of the pulls that nothing was fitted on they
#   hold is in [the report](../benchmarks/fidelity/REPORT.md#do-intervals-hold). The intervals of `sweep`, `compare` and
#   `solve` hold what the scenario leaves to chance, and with `variation` in it the clusters too.
# - **Whole rollouts were hardly measured.** The errors are those of pulls. The lab has several pulls beside each other
#   and after one another; of p99 of a fleet there are no measurements with all inputs known. Errors of pulls that wait
#   for each other add up, those of different nodes may even out.
# - **Intervals of fitted figures go no further.** `fit` writes by what pulls differ into its preset (`variation`); of a
#   figure that is not sure itself a run takes the middle.
# - **Guessed inputs count as exact**, as a link's rate. Disks, cores, registries and what layers unpack to (2.6 times
#   where nobody says) vary with `variation`; of guessed layers `run --splits` shows what others would change.
# - **Differences were not measured**: how well the model tells that one setting is better than another by so much.
#   Errors that both sides share may cancel; nobody has checked.
# - **Levers were measured by others**, who do not say all that the model needs to know
#   ([predicted beside published](../benchmarks/fidelity/REPORT.md#levers)).
# - **Not measured at all**: image garbage collection, quotas and faults of registries, autoscalers. Their rules
#   are those of the source or the documents ([each by each](../docs/model.md#mechanism-by-mechanism)).
#
# And not simulated, so in no figure:

# %%
Markdown("\n".join(f"- {point}" for point in LEFT_OUT))

# %% [markdown]
# ## Answer

# %%
lab_median, lab_p90, _ = report.errors(judged["lab"])
low, high = (min(each[0] for each in ends.values()), max(each[1] for each in ends.values()))
in_clusters = ["chonks", "perfstudy"]
middle, most = table["median"][in_clusters], table["nine in ten within"][in_clusters]
apart = scattered["apart, median"][in_clusters]
Markdown(
    f"**With known figures of link, disk and cores a pull is off by {lab_median:.0%} in the middle and by at most "
    f"{lab_p90:.0%} in nine of ten cases; on real clusters by {middle.min():.0f} to {middle.max():.0f} %, and at most "
    f"{most.min():.0f} to {most.max():.0f} %.** The same pull takes nodes of one cluster times that are "
    f"{apart.min():.0f} to {apart.max():.0f} % apart. "
    f"If a whole start is off as nine of ten single pulls are, and the inputs are right, "
    f"{p95:.0f} s stand for {low:.0f} to {high:.0f} s. That this is so has not been measured."
)

# %% [markdown]
# ## Further
#
# [The report](../benchmarks/fidelity/REPORT.md) has every group, and the pulls that were left out with the reason;
# [docs/model.md](../docs/model.md) has what is simulated and what is not. `pullsim fit` measures it on your pulls.
