"""Kraken against its published figures: 2,600 hosts fetch 3 GB at once.

Nothing is fitted. That an agent sends as fast as it receives, 300 MB/s, is an assumption: the page names one limit, and
the shipped one of sending is 200 MB/s. With that a swarm cannot average 300 MB/s. The median is judged; the tails stand
beside the published ones, as the model has no slow hosts.
"""

from __future__ import annotations

import math
from typing import Final

from benchmarks.fidelity.levers.pull import Check
from benchmarks.workloads.swarm import kraken
from pullsim.spec.peers import KrakenSpec

HOSTS: Final = 2600
SIZE, BLOBS = 3_000_000_000, 2
SPEC: Final = KrakenSpec(upload=300e6, download=300e6, seeds=5, warm=True)
#: uber/kraken README, seconds by thousandths of the hosts.
PUBLISHED: Final = {500: 10.0, 990: 18.0, 999: 22.0}
SEED: Final = 1


def checks() -> list[Check]:
    """Predict all rows."""
    seconds = kraken(HOSTS, SPEC, SIZE, BLOBS, seed=SEED).seconds
    assert len(seconds) == HOSTS
    rows = []
    for share, published in PUBLISHED.items():
        predicted = seconds[math.ceil(share * HOSTS / 1000) - 1]
        role = "judged" if share == 500 else "beside"
        rows.append(Check(f"{HOSTS:,} hosts, 3 GB in 2 layers, p{share / 10:g}", published, predicted, role))
    return rows


def unsaid() -> list[str]:
    """Return a line for each source: what it did not say."""
    return [
        (
            "uber/kraken README: 3 GB in 2 layers to 2,600 hosts at once (5,200 downloads), 5 trackers, 5 origins, "
            "'300MB/s speed limit on all agents'. Not said: the limit of sending, NICs, whether origins had the blobs, "
            "configuration (the shipped one is taken), where times begin and end."
        )
    ]
