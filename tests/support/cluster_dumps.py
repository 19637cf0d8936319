"""Where the dumps of clusters are that an import is tested with."""

from pathlib import Path

DUMPS = Path(__file__).parents[1] / "data/cluster-dumps"
CASES = ("small-kubeadm", "small-k3s", "medium-eks", "odd-aks")
