import json

import pytest

pytest.importorskip("scipy")

SIZES = {"a": 5e6, "b": 20e6, "c": 80e6, "d": 200e6, "e": 600e6, "f": 900e6}


@pytest.fixture
def pulls(tmp_path):
    """Pulls at 20 MB/s and a fixed second, three of each image."""
    path = tmp_path / "pulls.jsonl"
    rows = [
        {"zone": "x", "image": name, "pull_s": (1 + size / 20e6) * (1 + 0.01 * n), "size_bytes": size, "node": f"n{n}"}
        for name, size in SIZES.items()
        for n in range(3)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"zone": "y", "image": "a", "pull_s": 1e5}]))
    return path


def test_a_fit_is_printed_and_written(inside, pulls, tmp_path):
    done = inside("fit", pulls, "--where", "zone=x", "--out", tmp_path / "out")
    assert done.returncode == 0
    words = " ".join(done.stdout.split())
    assert "Not told by these pulls" in words
    assert "Held out: median" in words
    assert f"files are in {tmp_path / 'out'}" in done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"preset.yaml", "fit.json", "pulls.csv", "predicted-observed.png"}


def test_a_preset_or_json_is_printed(inside, pulls):
    preset = inside("fit", pulls, "--where", "zone=x", "-o", "preset")
    assert preset.stdout.startswith("# Fitted by pullsim")
    fitted = json.loads(inside("fit", pulls, "--where", "zone=x", "-o", "json").stdout)["fitted"]
    assert {"nic", "unpack.gzip"} & set(fitted)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--where", "zone=none"), "0 pulls can be used, at least 5"),
        (("--where", "zone"), "--where: 'zone' is not COLUMN=VALUE"),
        (("--manifests", "a=no-such-file.json"), "no-such-file.json"),
        (("--catalog", "no-such"), "no built-in catalogue 'no-such'"),
        (("--containerd", "new"), "--containerd: 'new' is no version"),
        (("no-such-file.json",), "no-such-file.json: there is no such file"),
    ],
)
def test_wrong_input_is_exit_code_2(inside, pulls, arguments, message):
    done = inside("fit", pulls, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "internal error" not in done.stderr
