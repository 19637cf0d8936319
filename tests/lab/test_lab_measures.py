"""The lab of benchmarks/lab: its parts, and one small image that is really pulled where that can be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

grpc = pytest.importorskip("grpc", reason="the lab's extra is not installed: pip install -e '.[lab]'")

from benchmarks.lab import machine, timeline  # noqa: E402
from benchmarks.lab.cases import SETS  # noqa: E402
from benchmarks.lab.images import Recipe, build_layer, documents, recipes  # noqa: E402
from benchmarks.lab.link import Shape  # noqa: E402
from benchmarks.lab.registry import write_images  # noqa: E402
from pullsim.study.fit.lab import Lab  # noqa: E402

ROOT = Path(__file__).parents[2]
MISSING = machine.missing(Path(which("containerd") or "containerd"))


@pytest.mark.parametrize("name", SETS)
def test_cases_are_told_apart_and_have_images(name: str) -> None:
    cases = SETS[name]()
    assert len({case.id for case in cases}) == len(cases)
    assert {image for case in cases for image in case.images} <= set(recipes())


def test_a_layer_has_the_size_of_its_recipe_and_is_the_same_every_time() -> None:
    recipe = Recipe(seed=5, size=300_000)
    layer = build_layer(recipe)
    assert len(layer.data) == pytest.approx(300_000, rel=0.1)
    assert 1.8 < layer.uncompressed / len(layer.data) < 2.8
    assert build_layer(recipe) == layer
    assert build_layer(Recipe(5, 300_000, file_size=2000)).files > 3 * layer.files


def test_the_registrys_directory_holds_each_blob_once(tmp_path: Path) -> None:
    layer = build_layer(Recipe(1, 50_000))
    described = write_images(tmp_path, {"a": [layer], "b": [layer]})
    config, manifest = documents("a", [layer])
    assert described["a"]["manifest_size"] == len(manifest)
    assert json.loads(config)["rootfs"]["diff_ids"] == [f"sha256:{layer.diff_id}"]
    store = tmp_path / "docker/registry/v2"
    assert len(list(store.glob(f"blobs/sha256/{layer.digest[:2]}/{layer.digest}/data"))) == 1
    link = store / "repositories/lab/b/_manifests/tags/v1/current/link"
    assert (store / "blobs/sha256" / link.read_text()[7:9] / link.read_text()[7:] / "data").exists()


def test_the_queue_holds_the_round_trip_and_50_ms() -> None:
    assert Shape(400, 50).queue == 400 * 125_000 // 10 + 262_144
    assert Shape().queue is None


def test_times_of_steps_are_read_from_containerds_log(tmp_path: Path) -> None:
    digest = "ab" * 32
    log = tmp_path / "containerd.log"
    log.write_text(
        'time="2026-05-01T10:00:00.100000000Z" level=debug msg=resolved\n'
        f'time="2026-05-01T10:00:00.200000000Z" level=debug msg=fetch digest="sha256:{digest}" size=7\n'
        f'time="2026-05-01T10:00:00.250000000Z" level=debug msg="do request" digest="sha256:{digest}"\n'
        f'time="2026-05-01T10:00:01.750000000Z" level=debug msg="diff applied" d=500ms digest="sha256:{digest}"\n'
        "not a line of the log\n"
    )
    phases, layers = timeline.read(log, 0, tmp_path / "none", 1777629600.0, {digest[:8]})
    assert phases["resolved"] == pytest.approx(0.1)
    assert layers == {digest[:8]: {"fetch": [0.2], "request": [0.25], "unpack": [[1.25, 1.75]]}}
    assert (phases["unpack_busy_sum"], phases["layer_requests"]) == (pytest.approx(0.5), 1)


@pytest.mark.skipif(bool(MISSING), reason=f"the lab needs {', '.join(MISSING)}")
def test_a_small_image_is_measured_and_everything_is_taken_down(tmp_path: Path) -> None:
    out = tmp_path / "measurements.json"
    command = [sys.executable, "-m", "benchmarks.lab", str(out), "--set", "smoke", "--repeats", "1"]
    done = subprocess.run(  # noqa: S603
        [*command, "--directory", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    lab = Lab.read(json.loads(out.read_text()), str(out))
    assert [case.id for case in lab.cases] == ["b-t1x1-unm0ms", "b-t1x1-100m10ms"]
    assert all(0 < case.seconds < 60 for case in lab.cases)
    assert [path.name for path in tmp_path.iterdir()] == ["measurements.json"]
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
