"""Pull-through caches against what has been published about them.

Of docker-registry-proxy the rate of the link from upstream is fitted, to the row of one client. What clients at once
take is judged: nearly as much longer as there are more of them, as the lock of nginx holds the others for 5 s only. Of
distribution bytes are counted, in images: those that come from upstream, and those that go to clients.
"""

from __future__ import annotations

from typing import Any, Final

from benchmarks.fidelity.levers.pull import HOST, IMAGE, Check, fitted
from pullsim.run import Result, run
from pullsim.scenario import from_mapping

#: rpardini/docker-registry-proxy issue #31: seconds until all of so many clients had an image of 2 GB.
PROXY: Final = {1: 103.0, 2: 185.0, 4: 367.0}
SIZE: Final = 2e9
MIRROR: Final = "cache.test"
#: distribution/distribution issue #3969: images in and out of the cache for two clients, at once and in turn.
IMAGES: Final = {"at once": (2, 2), "in turn": (1, 2)}


def checks() -> list[Check]:
    """Predict all rows."""

    def seconds(rate: float, clients: int) -> float:
        result = _pulled({"preset": "nginx", "downlink": f"{rate / 1e6:.4f}MB/s"}, clients, 0.0)
        return max(pull.ended for pull in result.pulls)

    link = fitted(lambda rate: seconds(rate, 1), PROXY[1], 5e6, 100e6)
    found = [
        Check(
            f"docker-registry-proxy, 2 GB, 1 client; {link / 1e6:.1f} MB/s from upstream",
            PROXY[1],
            seconds(link, 1),
            "fitted",
        )
    ]
    found += [
        Check(f"docker-registry-proxy, 2 GB, {clients} clients", took, seconds(link, clients), "judged")
        for clients, took in PROXY.items()
        if clients > 1
    ]
    for name, counts in IMAGES.items():
        result = _pulled({"preset": "distribution"}, 2, 0.0 if name == "at once" else 1000.0)
        (cache,) = result.caches
        whole = next(pull.downloaded for pull in result.pulls)
        for what, count, amount in zip(("in", "out"), counts, (cache.received, cache.sent), strict=True):
            case = f"distribution, two clients {name}: images {what}"
            found.append(Check(case, count, amount / whole, "judged", ""))
    return found


def unsaid() -> list[str]:
    """Return a line for each source: what it did not say."""
    proxy = (
        "rpardini/docker-registry-proxy issue #31 (2020): Docker clients pull an image of 2 GB at once through the "
        "proxy, 'download and distribute' of 1, 2 and 4 of them. Not said: layers (taken as a typical image of that "
        "size), links, the machines, whether times have the unpacking. The proxy sets the lock's time to 880 s, not "
        "the age after which one more request passes, which is 5 s (a comment of 2023)."
    )
    distribution = (
        "distribution/distribution issue #3969 (2023): the traffic of a cache, two clients. Not said: the image and "
        "its layers, the release (one before v3 has a second GET for what is stored, and counts one image more)."
    )
    return [proxy, distribution]


def _pulled(cache: dict[str, Any], clients: int, every: float) -> Result:
    """Pull one image on each of so many nodes, one after the other by ``every`` seconds, by way of a cache."""
    mirror = {"host": MIRROR, "egress": "10Gbit/s", "cache": cache}
    pods = [
        {
            "name": f"client-{number}",
            "pods": {"image": IMAGE},
            "on": {"node": f"node-{number:04d}"},
            "at": f"{number * every}s",
        }
        for number in range(clients)
    ]
    made = from_mapping(
        {
            "images": {"define": [{"image": IMAGE, "size": f"{SIZE / 1e9}GB"}]},
            "registries": [{"host": HOST, "roundTrip": "20ms", "mirrors": [mirror]}],
            "nodes": [{"name": "node", "count": clients, "cores": 8, "runtime": {"containerd": "2.0"}}],
            "workloads": pods,
        }
    )
    result = run(made)
    assert all(pull.ok for pull in result.pulls)
    return result
