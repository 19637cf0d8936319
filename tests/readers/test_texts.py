"""Values that are written as text, in files and on the command line: each is read, or refused in words of ours."""

from __future__ import annotations

import re
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim import units
from pullsim.errors import InputError
from pullsim.formats.kubernetes.cron import Schedule
from pullsim.formats.kubernetes.docker_config import InvalidDockerConfig, decode_auth, parse_config_json
from pullsim.formats.kubernetes.resources import parse_amount
from pullsim.formats.kubernetes.tolerations import parse_taint
from pullsim.oci.platform import Platform
from pullsim.oci.reference import check_digest, cri_image
from pullsim.oci.reference import parse as parse_reference
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.release import Release
from pullsim.releases.release import parse as parse_release
from pullsim.results.assertions import parse_assertion
from pullsim.results.metrics import parse_value
from pullsim.results.waits import Objective, parse_objective
from pullsim.runtime.sources.registry_auth import parse_authorization
from pullsim.scenario.file.overrides import parse_override
from pullsim.scenario.presets.volumes import parse_volume
from pullsim.spec.credential_url import index_key, mismatch
from pullsim.spec.eviction_thresholds import parse_thresholds
from pullsim.spec.scheduling import Taint
from pullsim.study.baseline import parse_tolerance
from pullsim.study.deadline import parse_coverage
from pullsim.study.design import parse_knob, parse_named
from pullsim.study.goal import parse_goal
from pullsim.study.ranges import parse_range
from tests.fuzz.mutations import SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FEW, MANY = 15, 300
DIGEST, LONG = "sha256:" + "0" * 64, "a" * 34
#: By what it reads: the function, and texts that it takes with what they are; of an object, attributes of it.
TEXTS: Mapping[str, tuple[Callable[[str], object], Mapping[str, object]]] = MappingProxyType(
    {
        "size": (units.parse_size, {"30MB": 30_000_000, "1.5GiB": 3 * 2**29, "7": 7}),
        "quantity": (units.parse_quantity, {"100m": Fraction(1, 10), "64Gi": 2**36, "1e3": 1000}),
        "rate": (units.parse_rate, {"10Gbit/s": 1.25e9, "200MB/s": 2e8}),
        "duration": (units.parse_duration, {"1h2m3.5s": 3723.5, "300ms": 0.3}),
        "frequency": (units.parse_frequency, {"4/s": 4.0, "1/d": 1 / 86400}),
        "price": (units.parse_price, {"0.09/GB": 0.09 / 1e9, "1/GiB": 2**-30}),
        "percent": (units.parse_percent, {"40%": 0.4, "1.5%": 0.015}),
        "amount of cpu": (lambda text: parse_amount("cpu", text), {"500m": 500, "2": 2000}),
        "amount of a device": (lambda text: parse_amount("nvidia.com/gpu", text), {"1": 1, "8": 8}),
        "taint": (
            parse_taint,
            {
                "dedicated=web:NoSchedule": Taint("dedicated", "web", "NoSchedule"),
                "gpu:NoExecute": Taint("gpu", "", "NoExecute"),
            },
        ),
        "cron": (
            lambda text: Schedule.parse(text).values[:2],
            {
                "0 2 * * *": ({0}, {2}),
                "*/5 1-3,7 * jan mon": (set(range(0, 60, 5)), {1, 2, 3, 7}),
                "@daily": ({0}, {0}),
            },
        ),
        "release": (
            lambda text: CONTAINERD.resolve(parse_release(text)),
            {"1.7": {"major": 1, "minor": 7}, "v2.1.4": Release(2, 1, 4), "1.7.29~ds1": Release(1, 7, 29)},
        ),
        "platform": (
            Platform.parse,
            {"linux/amd64": Platform("linux", "amd64"), "linux/arm64/v8": {"architecture": "arm64"}},
        ),
        "image": (
            parse_reference,
            {
                "nginx:1.25": {"domain": "docker.io", "path": "library/nginx", "tag": "1.25", "digest": None},
                f"r.example.com:5000/a/b@{DIGEST}": {"domain": "r.example.com:5000", "tag": None, "digest": DIGEST},
            },
        ),
        "image of the CRI": (cri_image, {"nginx": "nginx:latest", "localhost/a:b": "localhost/a:b"}),
        "digest": (check_digest, {DIGEST: None}),
        "assertion": (
            parse_assertion,
            {
                "pods.start.p99 < 90s": {"metric": "pods.start.p99", "limit": 90.0},
                "pods.notStarted==0": {"metric": "pods.notStarted", "limit": 0.0},
                "bytes.downloaded <= 3GB": {"metric": "bytes.downloaded", "limit": 3e9},
            },
        ),
        "value of a metric": (lambda text: parse_value("pods.start.p99", text), {"90s": 90.0, "12": 12.0}),
        "objective": (
            parse_objective,
            {
                "pods.start": Objective("pods", "", "start"),
                "workloads.web.ready": Objective("workloads", "web", "ready"),
            },
        ),
        "override": (
            lambda text: (parse_override(text).steps[-1].name, parse_override(text).value),
            {
                "nodes[workers].nic=25Gbit/s": ("nic", "25Gbit/s"),
                "kubelet.evictionHard={a: 1}": ("evictionHard", {"a": 1}),
                "seed=3": ("seed", 3),
            },
        ),
        "disk": (
            parse_volume,
            {
                "gp3": {"size": None, "rate": None},
                "gp3:1000MiB/s": {"size": None, "rate": 1000 * 2**20},
                "pd-ssd:500GiB": {"size": 500 * 2**30, "rate": None},
            },
        ),
        "tolerance": (
            parse_tolerance,
            {
                "pods.*=2%": {"pattern": "pods.*", "relative": 0.02},
                "pods.lastReadyAt=0.5s": {"pattern": "pods.lastReadyAt", "absolute": 0.5},
            },
        ),
        "coverage": (parse_coverage, {"99.9%": Fraction(999, 1000), "0.999": Fraction(999, 1000)}),
        "knob": (
            parse_knob,
            {
                "seed=1,2": {"key": "seed", "values": ("1", "2")},
                'kubelet.x={"a": [1, 2]},unlimited': {"key": "kubelet.x", "values": ('{"a": [1, 2]}', "unlimited")},
            },
        ),
        "variant": (
            parse_named,
            {
                "zstd:nodes[gpu].unpack.gzip=450MB/s": {"name": "zstd"},
                "a:b=1,c=[1,2]": {"name": "a", "changes": (("b", "1"), ("c", "[1,2]"))},
            },
        ),
        "goal": (
            lambda text: parse_goal(None, text, None),
            {"< 90s": {"metric": "pods.start.p99"}, "pods.start.p50 < 3": {"metric": "pods.start.p50"}},
        ),
        "range": (
            parse_range,
            {
                "1..32": {"low": 1.0, "high": 32.0, "whole": True},
                "100MiB/s..1GiB/s": {"low": 100.0, "high": 1024.0, "unit": "MiB/s"},
                "1s..30s": {"low": 1.0, "high": 30.0, "unit": "s"},
            },
        ),
        "threshold": (
            lambda text: [each.text for each in parse_thresholds({"imagefs.available": text}, {}, {}, {})[0]],
            {"15%": ["15%"], "1Gi": ["1Gi"]},
        ),
        "docker config": (
            lambda text: [(each.registry, each.auth.username, each.auth.password) for each in parse_config_json(text)],
            {'{"auths": {"r": {"auth": "dTpw"}}}': [("r", "u", "p")]},
        ),
        "auth": (decode_auth, {"dXNlcjp3b3Jk": {"username": "user", "password": "word"}}),
        "authorization": (
            parse_authorization,
            {"Basic dTpw": {"username": "u", "password": "p"}, "Bearer t": {"registry_token": "t"}},
        ),
        "registry of a credential": (
            index_key,
            {
                "https://index.docker.io/v1/": "index.docker.io",
                "*.example.com:443/team": "*.example.com:443/team",
            },
        ),
        "pattern of a registry": (
            lambda text: mismatch(text, f"{LONG}.example.com/x"),
            {"*.example.com": None, "[a-c]*x.example.com": f"host part '{LONG}' is not '[a-c]*x'"},
        ),
    }
)
#: What messages of Python's own functions say.
_PYTHON = re.compile("invalid literal|could not convert|not enough values|too many values|codec can't|NoneType")
_LETTERS = st.sampled_from(list("0123456789.,:;/%@=<>!*?[]{}()-+_ \t\nabeEinfxMGkKsmhB'\"\\\x00é\u0660\u2028😀"))


def changed(examples):
    """Texts that are taken, with something put in, left out, repeated or in another place; and others."""
    edit = st.tuples(st.integers(0, 60), st.integers(0, 4), _LETTERS | st.sampled_from(SCALARS), st.integers(0, 3))

    def apply(text, edits):
        for place, length, new, times in edits:
            begin = min(place, len(text))
            text = text[:begin] + new * times + text[begin + length :]
        return text

    some = st.builds(apply, st.sampled_from(list(examples)), st.lists(edit, min_size=1, max_size=3))
    short, times = st.text(_LETTERS, min_size=1, max_size=3), st.sampled_from([9, 4000])
    repeated = st.builds(lambda text, times: text * times, short, times)
    others = st.text(_LETTERS, max_size=20) | st.text(max_size=20) | st.sampled_from(SCALARS)
    return some | some | some | repeated | others


def check(name: str, examples: int) -> None:
    read, right = TEXTS[name]

    @settings(max_examples=examples, deadline=None, database=None)
    @given(changed(right))
    def reads_or_refuses(text):
        refusal: Exception | None = None
        try:
            read(text)
        except (InputError, InvalidDockerConfig, ValueError) as error:
            refusal = error
        assert not isinstance(refusal, UnicodeError)
        assert refusal is None or (str(refusal).strip() and not _PYTHON.search(str(refusal)))

    reads_or_refuses()


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_right_is_read(name):
    read, right = TEXTS[name]
    for text, value in right.items():
        found = read(text)
        assert ({key: getattr(found, key) for key in value} if isinstance(value, dict) else found) == value


@pytest.mark.parametrize("name", TEXTS)
def test_other_texts_are_read_or_refused_in_words_of_ours(name):
    check(name, FEW)


@pytest.mark.long
@pytest.mark.parametrize("name", TEXTS)
def test_many_texts_are_read_or_refused_in_words_of_ours(name):
    check(name, MANY)
