"""CPU time over the number of nodes, both on logarithmic axes, a panel a family of workloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TITLES = {
    "W": "W(n): 20 pods a node, 200 images",
    "J": "J(n): one image, spread starts",
    "F": "F(n): one image, at once",
}
LABELS = {
    "naive": "naive SimPy",
    "baseline": "ruler: exact, bare",
    "network": "pullsim's network",
    "full": "pullsim, full model",
}


def draw(table: dict[str, dict[str, dict[str, float]]], programs: list[str], path: Path) -> None:
    """Write the chart of the programs' runs by workload."""
    import matplotlib as mpl  # noqa: PLC0415  a second that only the chart needs

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "peers"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    families = [family for family in TITLES if any(name[0] == family for name in table)]
    figure, axes = plt.subplots(1, len(families), figsize=(4 * len(families), 3.6), sharey=True, squeeze=False)
    for family, axis in zip(families, axes[0], strict=True):
        for program in programs:
            points = [
                (int(name[1:].split(",")[0]), runs[program]["cpu"])
                for name, runs in table.items()
                if name[0] == family and program in runs and runs[program]["cpu"] > 0.0  # else less than a tick
            ]
            if points:
                axis.loglog(
                    *zip(*sorted(points), strict=True), marker="o", markersize=3, label=LABELS.get(program, program)
                )
        axis.set_title(TITLES[family], fontsize=9)
        axis.set_xlabel("nodes")
        axis.grid(visible=True, which="major", alpha=0.3)
    axes[0][0].set_ylabel("CPU seconds")
    axes[0][0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
