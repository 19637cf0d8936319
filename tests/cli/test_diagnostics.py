"""The codes of messages: each is given to what really goes wrong so, printed with errors, and explained."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

import pullsim
from pullsim.cli.diagnostics import coded, find, table, warning_lines

ROOT = Path(__file__).parents[2]
CODES = [each.code for each in table()]


def web(**keys):
    return [{"name": "web", "pods": {"image": "nginx:1.12", **keys}}]


#: What has the mistake, in place of the same key of a small right scenario.
ERRORS = [
    ("PS004", {"nodez": 1}),
    ("PS004", {"nodes": [{"nicc": "1Gbit/s"}]}),
    ("PS005", {"workloads": [{"pods": {"count": 2}}]}),
    ("PS006", {"nodes": [{"nic": "10"}]}),
    ("PS007", {"nodes": [{"name": "a"}, {"name": "a"}]}),
    ("PS010", {"workloads": [{"pods": {"image": "nginx:1.12"}, "on": {"pool": "x"}}]}),
    ("PS011", {"nodes": [{"preset": "aws/m9.huge"}]}),
    ("PS011", {"nodes": [{"disk": "gp9"}]}),
    ("PS012", {"nodes": [{"kubelet": {"maxParallelImagePuls": 3}}]}),
    ("PS013", {"nodes": [{"kubelet": {"maxParallelImagePulls": 3, "serializeImagePulls": True}}]}),
    ("PS014", {"nodes": [{"kubeletVersion": "1.20"}]}),
    ("PS014", {"nodes": [{"runtime": {"containerd": "1.2"}}]}),
    ("PS015", {"workloads": [*web(), {"pods": {"image": "acme/x:1"}}]}),
    ("PS023", {"nodes": [{"count": -1}]}),
    ("PS023", {"version": 2}),
    ("PS023", {"placement": "nowhere"}),
]
OVERRIDES = [("PS008", "foo"), ("PS009", "nodes[x].nic=1Gbit/s"), ("PS004", "nodes[0].nicc=1Gbit/s")]
WARNINGS = [
    (
        "PS102",
        {"images": {"define": [{"image": "a.b/c:1", "size": "1GB"}]}, "workloads": [{"pods": {"image": "a.b/c:1"}}]},
    ),
    ("PS103", {"registries": [{"host": "quay.io"}]}),
    ("PS104", {"nodes": [{"kubeletVersion": "1.60"}]}),
    ("PS105", {"nodes": [{"kubelet": {"foo": 3}}]}),
    ("PS106", {"workloads": web(nodeSelector={"a": "b"})}),
    ("PS107", {"workloads": web(requests={"nvidia.com/gpu": 8})}),
    ("PS108", {"horizon": "5s", "nodes": [{}, {"name": "late", "join": {"at": "1h"}}]}),
]
EVENTS = (
    '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Event", "metadata": {"name": "x"}}]}'
)
RIGHT = "version: 1\nnodes: [{}]\nworkloads: [{pods: {image: 'nginx:1.12'}}]\n"
COMMANDS = [
    ("PS001", ["validate", "none.yaml"], {}),
    ("PS001", ["init", "none"], {}),
    ("PS002", ["validate", "a.yaml"], {"a.yaml": "version: 1\nnodes: [\n"}),
    ("PS003", ["validate", "a.yaml"], {"a.yaml": "version: 1\nversion: 1\n"}),
    ("PS008", ["sweep", "a.yaml", "--set", "foo"], {"a.yaml": RIGHT}),
    (
        "PS016",
        ["validate", "a.yaml"],
        {"a.yaml": "version: 1\nnodes: [{}]\nworkloads: [{manifest: e.json}]\n", "e.json": EVENTS},
    ),
    ("PS017", ["run", "a.yaml", "--assert", "pods.strat.p99 < 3s", "-q"], {"a.yaml": RIGHT}),
    ("PS018", ["explain", "a.yaml", "nopod"], {"a.yaml": RIGHT}),
    ("PS019", ["init", "-o", "a.yaml"], {"a.yaml": RIGHT}),
    ("PS020", ["run", "a.yaml", "--out", "a.yaml/out", "-q"], {"a.yaml": RIGHT}),
    ("PS020", ["ci", "a.yaml", "--assert", "end < 1h", "--junit", "a.yaml/x.xml"], {"a.yaml": RIGHT}),
    ("PS021", ["solve", "a.yaml", "--knob", "seed", "--range", "1"], {"a.yaml": RIGHT}),
]


def small(**keys):
    return {"nodes": [{}], "workloads": web(), **keys}


def codes(error):
    errors = getattr(error, "errors", (error,))
    return {found.code if (found := find(str(each))) else str(each) for each in errors}


@pytest.mark.parametrize("code, wrong", ERRORS)
def test_a_mistake_in_a_scenario_has_its_code(code, wrong):
    with pytest.raises(pullsim.InputError) as caught:
        pullsim.from_mapping(small(**wrong)).build()
    assert codes(caught.value) == {code}


@pytest.mark.parametrize("code, override", OVERRIDES)
def test_a_mistake_in_a_setting_has_its_code(code, override):
    with pytest.raises(pullsim.InputError) as caught:
        pullsim.from_mapping(small(), [override])
    assert codes(caught.value) == {code}


@pytest.mark.parametrize("code, keys", WARNINGS)
def test_a_warning_is_printed_with_its_code_and_kept_without(code, keys, inside, tmp_path):
    (warning,) = pullsim.run(pullsim.from_mapping(small(**keys))).warnings
    assert find(warning).code == code
    assert coded(warning) == warning, "it is no error"
    (tmp_path / "s.yaml").write_text(json.dumps(small(**keys)), encoding="utf-8")
    for command in ("run", "validate")[: 1 if code == "PS108" else 2]:  # that one is of what happened in the run
        assert inside(command, tmp_path / "s.yaml").stdout.count(f"[{code}]") == 1
    assert inside("run", tmp_path / "s.yaml", "-o", "csv").stderr.count(f"[{code}]\n") == 1
    assert json.loads(inside("run", tmp_path / "s.yaml", "-o", "json").stdout)["warnings"][0] == warning


def test_of_a_long_list_a_warning_names_three():
    names = [f"a.b/c-{number}:1" for number in range(6)]
    text = "layers of {} images are guessed from sizes: {}; `crane manifest` has the real ones"
    assert warning_lines([text.format(6, ", ".join(names))]) == [
        text.format(6, "a.b/c-0:1, a.b/c-1:1, a.b/c-2:1 and 3 more") + " [PS102]"
    ]
    short = text.format(5, ", ".join(names[:5]))
    assert warning_lines([short]) == [f"{short} [PS102]"]
    words = "4 pods got no node: 0/60 nodes are available: 52 node(s) didn't match Pod's node affinity/selector, 8 few."
    assert warning_lines([words]) == [words]


@pytest.mark.parametrize("code, arguments, files", COMMANDS)
def test_an_error_is_printed_with_its_code(code, arguments, files, inside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = inside(*arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f" [{code}]")


def test_objects_that_are_left_out_are_told_with_a_code():
    (warning,) = (
        each for each in pullsim.run(pullsim.load(ROOT / "scenarios/quickstart.yaml"), detail="none").warnings
    )
    assert find(warning).code == "PS101"


@pytest.mark.parametrize(
    "library, arguments",
    [("distributed", ["sweep", "a.yaml", "--dask", "local:1"]), ("msgpack", ["validate", "traced.yaml"])],
)
def test_what_is_not_installed_has_its_code(library, arguments, inside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "a.yaml").write_text(RIGHT, encoding="utf-8")
    (tmp_path / "traced.yaml").write_text("nodes: [{}]\nworkloads: [{trace: t.sktrace}]\n", encoding="utf-8")
    (tmp_path / "t.sktrace").write_bytes(b"\x80")
    done = inside(*arguments)
    assert (done.returncode, done.stderr.splitlines()[-1].rpartition(" ")[2]) == (2, "[PS022]")


def test_every_code_is_of_something_that_happens():
    met = {row[0] for row in (*ERRORS, *OVERRIDES, *WARNINGS, *COMMANDS)} | {"PS101", "PS022"}
    assert met == set(CODES)


@pytest.mark.parametrize("each", table(), ids=CODES)
def test_an_example_is_of_its_code_alone(each):
    assert [other for other in table() if re.search(other.words, each.example)] == [each]


def test_codes_differ_and_say_what_they_are_of():
    assert sorted(set(CODES)) == CODES
    assert {find(code.lower()).level for code in CODES} == {"error", "warning"}


def test_a_code_or_a_message_is_explained(inside):
    by_code = inside("diagnostics", "ps012")
    assert by_code.returncode == 0
    assert by_code.stdout.startswith("PS012  error: Unknown field of a KubeletConfiguration\n\nThe name is nearly")
    assert (
        inside("diagnostics", "pullsim: error: a KubeletConfiguration has no field 'x' [PS012]").stdout
        == by_code.stdout
    )
    assert inside("diagnostics", "a", "KubeletConfiguration", "has no field", "'x'").stdout == by_code.stdout


def test_a_name_that_looks_like_a_code_is_none():
    assert find("ps101.yaml:7:5: nodes[0]: unknown key 'nicc' [PS004]\n").code == "PS004"
    assert find("--set nodes[PS101].nic=1Gbit/s: nodes has no entry 'PS101'").code == "PS009"
    assert find("PS101.yaml: nothing that has a code") is None


def test_all_are_listed_and_what_has_no_code_is_an_error(inside):
    listed = inside("diagnostics").stdout.splitlines()[1:]
    assert [line.split()[0] for line in listed] == CODES
    for nothing in ("nonsense", "PS999"):
        done = inside("diagnostics", nothing)
        assert (done.returncode, done.stdout) == (2, "")
        assert "lists all" in done.stderr


def test_the_page_has_them_all():
    page = runpy.run_path(str(ROOT / "docs/list_diagnostics.py"))["page"]()
    command = "python docs/list_diagnostics.py > docs/diagnostics.md"
    assert command in page
    assert (ROOT / "docs/diagnostics.md").read_text(encoding="utf-8") == page, f"run: {command}"
    assert all(f"\n### {each.code}: {each.title}\n" in page for each in table())
