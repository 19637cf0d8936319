"""Why the worst predictions are off, as far as it is known."""

from __future__ import annotations

from typing import Final

SHARES: Final = (
    "TCP is unfair on a link without delay: who begins beside others gets less; here all get equal shares. Rules that "
    "were tried stand below. Repeats differ by a tenth to a fifth, too"
)
AKS_OSU: Final = (
    "one image on one instance type took 103, 147, 308 and 561 s in four clusters, within 2 % in each and whatever the "
    "number of nodes, and others there as long as ever: as if the layer of 3.3 GB came to all of them as it came to a "
    "CDN; no log tells"
)
SLOWER: Final = (
    "nodes are of two kinds, which differ from 7 GB on and stay what they are: 118 and 148 s for 19 GB. This cluster "
    "had other shares of them than those that told the preset"
)
RUN3: Final = (
    "the same image took about 4 s in other clusters; the two nodes of this one were slower in all of its kind"
)

#: By part of the case.
WHY: Final = {
    "d-par8-400m0ms": SHARES,
    "d-par4-400m0ms": SHARES,
    "h-two-same-s5x20-400m0ms": SHARES,
    "j-s5x20-400m0ms-version2.3.4": "2.x begins layers in the order of a race: repeats took 3.3 to 3.9 s",
    "c-par4-400m50ms-mcd3": "connections that began first got more, so that unpacking began earlier",
    "b-biglast-unm0ms": "unshaped downloads keep cores from unpacking more than others do; repeats took 2.6 to 2.7 s",
    "b-s20x2-unm0ms": "as b-biglast; and blobs of 2 MB keep the database for longer",
    "b-s40x02-unm0ms": "repeats took 0.57 to 0.63 s",
    "50-layers-size-387602448": "two nodes; the same image took 4.0 s on larger ones with this disk",
    "run1/4#1 ghcr.io/converged-computing/container-chonks-run1:125-layers-size-86388866": (
        "the same image took 5.4 s in other clusters, and one of 66 MB 5.1 s in this one"
    ),
    "run3/4 us-central1-docker.pkg.dev/llnl-flux/converged-computing/container-chonks:125-layers": RUN3,
    "run3/32 us-central1-docker.pkg.dev/llnl-flux/converged-computing/container-chonks:9-layers-size-66460665": (
        "nodes of the cluster took 0.6 to 2.7 s; 0.7 s in the others"
    ),
    "pulling/run1": SLOWER,
    "pulling/run2": SLOWER,
    "docker-cleanup": "Docker Hub's figures are from elsewhere; it answered faster here",
    "metric-osu-cpu:azure-hpc": AKS_OSU,
    "metric-lammps-cpu:azure-hpc-reax": "as osu-cpu: most of it is the same 3.3 GB layer",
    "azure/aks/cpu/size32-placement#2 ghcr.io/converged-computing/metric-single-node": "20 to 35 s in four clusters",
    "aks-infiniband-install": "no calibration pull has its layers: they have the usual ratio, which seems too much",
    "metric-osu-gpu:azure-hpc": "one layer, with the ratio of the same step on other bases",
    "metric-quicksilver-cpu:libfabric": "its 20 MB layer is also one of kripke's, of which a pull of 25 MB took 1.1 s",
    "metric-stream:libfabric-cpu": (
        "the preset's round trip is too long for small images: one without any new layer took 0.5 s, and tells it"
    ),
}


#: By case of CRI-O, some of whose names are those of containerd's.
CRIO: Final = {
    "d-base4-unm0ms": (
        "single layers were asked for up to 2.3 s late: SQLite polls the blob cache's lock, which is not in the model"
    ),
    "d-base4-unm0ms-version1.34.11": "repeats took 3.6 to 4.7 s",
    "b-s1x50-unm0ms-version1.34.11": "repeats took 2.3 to 3.0 s",
}


def why(source: str, case: str) -> str:
    """Return the reason of the first part that the case has; empty if none is known."""
    if source == "crio":
        return CRIO.get(case, "")
    return next((reason for part, reason in WHY.items() if part in case), "")
