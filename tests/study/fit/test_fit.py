"""From files to figures: pulls that the simulator made are fitted back, and inputs that tell nothing are refused."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import pullsim
from pullsim.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("scipy")

IMAGES = {
    "tiny": [0.6],
    "small": [28, 3, 0.5],
    "middle": [28, 60, 12, 5, 0.2],
    "large": [45, 200, 90, 30, 8, 1, 0.4],
    "huge": [45, 700, 300, 90, 30, 20, 4, 0.1],
    "flat": [30, 30, 30, 30],
}


def scenario(**node: Any) -> pullsim.Scenario:
    """Pull each image alone on a node of its own, three times."""
    define = [
        {"image": f"r.test/{name}:1", "layers": [{"size": f"{size}MB"} for size in sizes]}
        for name, sizes in IMAGES.items()
    ]
    workloads = [
        {"name": f"{name}-{n}", "pods": {"image": f"r.test/{name}:1"}, "placement": "given", "node": f"{name}-{n}-0000"}
        for name in IMAGES
        for n in range(3)
    ]
    for workload in workloads:
        workload.pop("placement")
        workload.pop("node")
    return pullsim.from_mapping(
        {
            "nodes": [{"name": "n", "count": 3 * len(IMAGES), **node}],
            "registries": [{"host": "r.test"}],
            "images": {"define": define},
            "workloads": workloads,
        }
    )


def events_of(result: pullsim.Result) -> list[dict]:
    stamp = "2026-05-01T10:{:02d}:{:02d}Z"
    return [
        {
            "kind": "Event",
            "reason": event.reason,
            "message": event.message,
            "involvedObject": {"namespace": "default", "name": event.pod, "fieldPath": "spec.containers{main}"},
            "source": {"host": event.node},
            "lastTimestamp": stamp.format(int(event.t) // 60, int(event.t) % 60),
        }
        for event in result.events
    ]


def catalog(path: Path) -> Path:
    images = [
        {"image": f"r.test/{name}:1", "layers": [{"size": round(size * 1e6)} for size in sizes]}
        for name, sizes in IMAGES.items()
    ]
    path.write_text(json.dumps({"format": "pullsim-catalog/1", "images": images}))
    return path


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = pullsim.run(scenario(nic="400Mbit/s", unpack={"gzip": "150MB/s"}))
    path = tmp_path_factory.mktemp("events") / "events.json"
    path.write_text(json.dumps({"kind": "List", "items": events_of(result)}))
    return path


def test_figures_of_simulated_pulls_are_found_again(events: Path, tmp_path: Path) -> None:
    fit = pullsim.fit(events, catalogs=[catalog(tmp_path / "catalog.json")])
    values = {each.parameter.name: each.value for each in fit.fitted}
    assert values["nic"] == pytest.approx(50e6, rel=0.1)
    assert values["unpack.gzip"] == pytest.approx(150e6, rel=0.15)
    assert fit.errors.median < 0.02
    assert fit.held_out_errors.median < 0.03


def test_sizes_alone_give_one_rate_and_say_so(events: Path) -> None:
    fit = pullsim.fit(events)
    names = {each.parameter.name for each in fit.fitted}
    assert len(names & {"nic", "unpack.gzip"}) == 1
    assert any("layers are not known" in note for note in fit.notes)
    assert {"disk.write", "registry.egress"} <= {held.parameter.name for held in fit.held}


def test_the_preset_is_yaml_of_a_node_pool(events: Path, tmp_path: Path) -> None:
    fit = pullsim.fit(events, catalogs=[catalog(tmp_path / "catalog.json")])
    preset = yaml.safe_load(fit.preset())
    registry = preset.pop("registry", {})
    pullsim.from_mapping({"nodes": [preset], "registries": [{"host": "r.test", **registry}]})
    assert "# Fitted by pullsim" in fit.preset()


def test_files_are_the_same_bytes_every_time(events: Path, tmp_path: Path) -> None:
    content = catalog(tmp_path / "catalog.json")
    for name in ("one", "two"):
        pullsim.fit(events, catalogs=[content], seed=3).write(tmp_path / name)
    for file in ("preset.yaml", "fit.json", "pulls.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert (tmp_path / "one" / "predicted-observed.png").stat().st_size > 10_000
    with (tmp_path / "one" / "pulls.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["used"] for row in rows} <= {"true", "false"}
    assert all(float(row["observed_s"]) > 0 for row in rows)


def test_figures_in_the_mapping_have_their_intervals(events: Path) -> None:
    fit = pullsim.fit(events)
    for each in fit.mapping()["fitted"].values():
        assert each["low"] <= each["value"] <= each["high"]


def pulled(image: str, seconds: float, size: int | None = None, *, old: bool = False) -> dict:
    text = f'Successfully pulled image "{image}" in {seconds}s'
    if not old:
        text += f" ({seconds}s including waiting)" + ("" if size is None else f". Image size: {size} bytes.")
    about = {"name": f"{image}-{seconds}", "namespace": "default", "fieldPath": "spec.containers{c}"}
    return {"reason": "Pulled", "message": text, "involvedObject": about, "lastTimestamp": "2026-05-01T10:00:00Z"}


def pulling(image: str, seconds: float) -> dict:
    return {
        **pulled(image, seconds),
        "reason": "Pulling",
        "message": f'Pulling image "{image}"',
        "lastTimestamp": "2026-05-01T11:00:00Z",
    }


@pytest.mark.parametrize(
    "items, message",
    [
        ([], "0 pulls can be used, at least 5"),
        ([pulled("a", 2, 10**7), pulled("b", 4, 10**8)], "2 pulls can be used, at least 5 of several sizes are needed"),
        (
            [pulled("a", n) for n in range(1, 9)],
            "left out: 8 pulls of images without a size (kubelets tell it from 1.30",
        ),
        ([pulled("a", 2, 10**7)] * 8, "all 8 pulls are alike (2 s, "),
        (
            [each(f"i{n}", n + 1.0) for n in range(6) for each in (pulled, pulling)],
            "left out: 6 pulls with Pulled before Pulling (clock skew)",
        ),
        (
            [pulled("nginx:1.12", n + 1.0, old=True) for n in range(9)]
            + [pulled("redis:3.2", n + 1.0) for n in range(2)],
            "mixed releases of the kubelet: 2 pulls have their own time (1.27 and later), 9 only one with the wait",
        ),
    ],
    ids=["none", "two", "no sizes", "identical", "skewed clocks", "mixed releases"],
)
def test_inputs_that_tell_nothing_are_refused_with_what_is_missing(tmp_path: Path, items: list, message: str) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps({"items": items}))
    with pytest.raises(InputError) as error:
        pullsim.fit(path, catalogs=["official"] if "mixed" in message else [])
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_one_size_is_fitted_and_said(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps({"items": [pulled(f"i{n}", 3 + n / 10, 10**8) for n in range(8)]}))
    fit = pullsim.fit(path)
    assert any("all pulls are of one size" in note for note in fit.notes)
    assert len(fit.fitted) == 1


def test_nothing_to_fit() -> None:
    with pytest.raises(InputError, match="nothing to fit"):
        pullsim.fit([])


def test_without_scipy_the_extra_is_named(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(InputError, match=r"fitting needs scipy: pip install 'pullsim\[fit\]'"):
        pullsim.fit(events)
