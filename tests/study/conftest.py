from __future__ import annotations

import pytest
import yaml

import pullsim

#: A node that pulls four images of 40 MB over 100 Mbit/s, with arrivals that depend on the seed.
SMALL = {
    "name": "small",
    "seed": 3,
    "images": {"define": [{"image": f"r.test/app{n}:v1", "layers": [{"size": "40MB"}]} for n in range(4)]},
    "registries": [{"host": "r.test", "egress": "1Gbit/s"}],
    "nodes": [{"name": "node", "nic": "1Gbit/s"}],
    "workloads": [
        {"name": f"app{n}", "pods": {"image": f"r.test/app{n}:v1", "count": 3}, "arrivals": {"poisson": "2/s"}}
        for n in range(4)
    ],
}


@pytest.fixture(scope="session")
def small() -> pullsim.Scenario:
    return pullsim.from_mapping(SMALL)


@pytest.fixture
def small_file(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(SMALL) + "assert: []\n", encoding="utf-8")
    return file
