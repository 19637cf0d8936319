"""Values that are written as text, in files and on the command line: each is read, or refused in words of ours."""

from __future__ import annotations

import re
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
from pullsim.releases.release import parse as parse_release
from pullsim.results.assertions import parse_assertion
from pullsim.results.metrics import parse_value
from pullsim.results.waits import parse_objective
from pullsim.runtime.sources.registry_auth import parse_authorization
from pullsim.scenario.file.overrides import parse_override
from pullsim.scenario.presets.volumes import parse_volume
from pullsim.spec.credential_url import index_key, mismatch
from pullsim.spec.eviction_thresholds import parse_thresholds
from pullsim.study.baseline import parse_tolerance
from pullsim.study.deadline import parse_coverage
from pullsim.study.design import parse_knob, parse_named
from pullsim.study.goal import parse_goal
from pullsim.study.ranges import parse_range
from tests.fuzz.mutations import SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FEW, MANY = 15, 300
#: By what it reads: the function, and texts that it takes.
TEXTS: Mapping[str, tuple[Callable[[str], object], tuple[str, ...]]] = MappingProxyType(
    {
        "size": (units.parse_size, ("30MB", "1.5GiB", "7")),
        "quantity": (units.parse_quantity, ("100m", "64Gi", "1e3")),
        "rate": (units.parse_rate, ("10Gbit/s", "200MB/s")),
        "duration": (units.parse_duration, ("1h2m3.5s", "300ms")),
        "frequency": (units.parse_frequency, ("4/s", "1/d")),
        "price": (units.parse_price, ("0.09/GB", "1/GiB")),
        "percent": (units.parse_percent, ("40%", "1.5%")),
        "amount of cpu": (lambda text: parse_amount("cpu", text), ("500m", "2")),
        "amount of a device": (lambda text: parse_amount("nvidia.com/gpu", text), ("1", "8")),
        "taint": (parse_taint, ("dedicated=web:NoSchedule", "gpu:NoExecute")),
        "cron": (Schedule.parse, ("0 2 * * *", "*/5 1-3,7 * jan mon", "@daily")),
        "release": (lambda text: CONTAINERD.resolve(parse_release(text)), ("1.7", "v2.1.4", "1.7.29~ds1")),
        "platform": (Platform.parse, ("linux/amd64", "linux/arm64/v8")),
        "image": (parse_reference, ("nginx:1.25", "r.example.com:5000/a/b@sha256:" + "0" * 64)),
        "image of the CRI": (cri_image, ("nginx", "localhost/a:b")),
        "digest": (check_digest, ("sha256:" + "a" * 64,)),
        "assertion": (parse_assertion, ("pods.start.p99 < 90s", "pods.notStarted==0", "bytes.downloaded <= 3GB")),
        "value of a metric": (lambda text: parse_value("pods.start.p99", text), ("90s", "12")),
        "objective": (parse_objective, ("pods.start", "workloads.web.ready")),
        "override": (parse_override, ("nodes[workers].nic=25Gbit/s", "kubelet.evictionHard={a: 1}", "seed=3")),
        "disk": (parse_volume, ("gp3", "gp3:1000MiB/s", "pd-ssd:500GiB")),
        "tolerance": (parse_tolerance, ("pods.*=2%", "pods.lastReadyAt=0.5s")),
        "coverage": (parse_coverage, ("99.9%", "0.999")),
        "knob": (parse_knob, ("seed=1,2", 'kubelet.x={"a": [1, 2]},unlimited')),
        "variant": (parse_named, ("zstd:nodes[gpu].unpack.gzip=450MB/s", "a:b=1,c=[1,2]")),
        "goal": (lambda text: parse_goal(None, text, None), ("< 90s", "pods.start.p50 < 3")),
        "range": (parse_range, ("1..32", "100MiB/s..1GiB/s", "1s..30s")),
        "threshold": (lambda text: parse_thresholds({"imagefs.available": text}, {}, {}, {}), ("15%", "1Gi")),
        "docker config": (parse_config_json, ('{"auths": {"r": {"auth": "dTpw"}}}',)),
        "auth": (decode_auth, ("dXNlcjp3b3Jk",)),
        "authorization": (parse_authorization, ("Basic dTpw", "Bearer t")),
        "registry of a credential": (index_key, ("https://index.docker.io/v1/", "*.example.com:443/team")),
        "pattern of a registry": (
            lambda text: mismatch(text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com/x"),
            ("*.example.com", "[a-c]*x.example.com"),
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

    some = st.builds(apply, st.sampled_from(examples), st.lists(edit, min_size=1, max_size=3))
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
    for text in right:
        read(text)


@pytest.mark.parametrize("name", TEXTS)
def test_other_texts_are_read_or_refused_in_words_of_ours(name):
    check(name, FEW)


@pytest.mark.long
@pytest.mark.parametrize("name", TEXTS)
def test_many_texts_are_read_or_refused_in_words_of_ours(name):
    check(name, MANY)
