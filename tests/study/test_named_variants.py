"""Variants with names: settings of any keys side by side, on the command line, in a study file and from Python."""

from __future__ import annotations

import io

import pandas as pd
import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.inputs.document import parse_document
from pullsim.study.design import Knob, Named, Variant, name_knob, parse_knob, parse_named, variants
from pullsim.study.study_file import read_study
from tests.support.command import pullsim as command

PARALLEL = "kubelet.maxParallelImagePulls"


@pytest.mark.parametrize(
    ("text", "name", "changes"),
    [
        ("as it is:", "as it is", ()),
        ("fast: a.b=1 , c=2", "fast", (("a.b", "1"), ("c", "2"))),
        ('there:nodes[x:y].cached=["a:1", "b:2"],d=3', "there", (("nodes[x:y].cached", '["a:1", "b:2"]'), ("d", "3"))),
        ("at:horizon=1h", "at", (("horizon", "1h"),)),
    ],
)
def test_a_named_variant_is_read(text, name, changes):
    assert parse_named(text) == Named(name, changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.b=1", "a variant is NAME:KEY=VALUE"),
        (":a=1", "must have 1 to 60 letters"),
        (f"{'x' * 61}:a=1", "must have 1 to 60 letters"),
        ("n:a=1,,b=2", "'' is no KEY=VALUE"),
        ("n:a=1,b", "'b' is no KEY=VALUE"),
        ("n:a=", "'a=' is no KEY=VALUE"),
        ("n\x1b:a=1", "must have 1 to 60 letters"),
    ],
)
def test_what_is_no_variant_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse_named(text)


def test_each_goes_with_each_setting_of_the_knobs():
    named = [Named("as it is", ()), Named("fast", (("nic", "2"),))]
    made = variants([parse_knob("n=1,2")], named=named)
    assert [each.overrides for each in made] == [["n=1"], ["n=2"], ["nic=2", "n=1"], ["nic=2", "n=2"]]
    assert [str(each) for each in made] == ["as it is, n=1", "as it is, n=2", "fast, n=1", "fast, n=2"]
    assert name_knob(named) == Knob("name", ("as it is", "fast"))
    assert Variant((("name", "x"),)).overrides == ["name=x"]  # a key of the scenario, where it stands for nothing
    with pytest.raises(InputError, match="two variants are named 'a'"):
        name_knob([Named("a", ()), Named("a", ())])


def test_a_study_file_has_them(tmp_path):
    text = f"""
scenario: small.yaml
variants:
  as it is:
  one: {{{PARALLEL}: 1}}
  there: {{"nodes[workers].cached": ["a:1", "b:2"], "nodes[workers].disk": {{write: 1GB/s}}}}
"""
    study = read_study(tmp_path / "study.yaml", parse_document(text, "study.yaml"))
    assert study.named == (
        Named("as it is", ()),
        Named("one", ((PARALLEL, "1"),)),
        Named("there", (("nodes[workers].cached", '["a:1", "b:2"]'), ("nodes[workers].disk", '{"write": "1GB/s"}'))),
    )
    for wrong, message in (("[1]", "must be a mapping of names"), ("{a: [1]}", "must be a mapping of keys")):
        with pytest.raises(InputError, match=message):
            read_study(tmp_path, parse_document(f"scenario: small.yaml\nvariants: {wrong}", "study.yaml"))


def test_python_and_the_command_line_say_the_same(small, tmp_path):
    counts = "nodes[node].count=1,2"
    swept = pullsim.sweep(small, [counts], named={"as it is": (), "one": [f"{PARALLEL}=1"]})
    ends = [str(swept.variants[position]) for position in (0, -1)]
    assert ends == ["as it is, nodes[node].count=1", "one, nodes[node].count=2"]
    file = tmp_path / "small.yaml"
    file.write_text(pullsim.effective_yaml(small), encoding="utf-8")
    options = ["--variant", "as it is:", "--variant", f"one:{PARALLEL}=1", "--set", counts, "-j", 1, "-q", "-o", "csv"]
    done = command("sweep", file, *options)
    assert done.returncode == 0, done.stderr
    table, known = pd.read_csv(io.StringIO(done.stdout)), swept.runs()
    assert table["name"].tolist() == known["name"].tolist() == ["as it is", "as it is", "one", "one"]
    assert table["pods.start.p99"].tolist() == pytest.approx(known["pods.start.p99"].tolist())
    wrong = command("sweep", file, "--variant", "a:nodes[node].coun=1", "-j", 1)
    assert (wrong.returncode, "coun" in wrong.stderr) == (2, True)
