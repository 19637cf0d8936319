from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim import units

NANOSECONDS = st.integers(-(2**63) + 1, 2**63 - 1)


@pytest.mark.parametrize(
    "text, size",
    [
        ("30MB", 30_000_000),
        ("900kB", 900_000),
        ("900KB", 900_000),
        ("10GiB", 10 * 2**30),
        ("10Gi", 10 * 2**30),
        ("500M", 500_000_000),
        ("1.5G", 1_500_000_000),
        ("1e6", 1_000_000),
        ("5E", 5 * 10**18),
        ("14480B", 14_480),
        ("14480", 14_480),
        ("1.1", 2),
        ("12.5 GB", 12_500_000_000),
        ("0", 0),
        (4096, 4096),
    ],
)
def test_sizes(text, size):
    assert units.parse_size(text) == size


@pytest.mark.parametrize(
    "text, rate",
    [
        ("40Gbit/s", 5e9),
        ("10Gbps", 1.25e9),
        ("12.5 Gbit/s", 1.5625e9),
        ("800Mbit/s", 1e8),
        ("8bit/s", 1.0),
        ("90MB/s", 9e7),
        ("250MBps", 2.5e8),
        ("128MiB/s", 2.0**27),
        ("1Gibit/s", 2.0**27),
    ],
)
def test_rates(text, rate):
    assert units.parse_rate(text) == rate


@pytest.mark.parametrize(
    "text, nanoseconds",
    [
        ("0", 0),
        ("-0", 0),
        ("0s", 0),
        ("5m0s", 300 * 10**9),
        ("250ms", 250 * 10**6),
        ("50us", 50_000),
        ("50µs", 50_000),
        ("50\u03bcs", 50_000),
        ("2h45m", 9900 * 10**9),
        ("1.5h", 5400 * 10**9),
        (".5s", 5 * 10**8),
        ("1.s", 10**9),
        ("0.3333333333333333333h", 1199999999999),
        ("1.5ns", 1),
        ("-1m30s", -90 * 10**9),
        ("9223372036854775807ns", 2**63 - 1),
    ],
)
def test_go_durations(text, nanoseconds):
    assert units.parse_duration_ns(text) == nanoseconds


@pytest.mark.parametrize(
    "text, value",
    [("4/s", 4.0), ("10/min", 1 / 6), ("3/m", 0.05), ("0.1/h", 1 / 36_000), ("24/d", 1 / 3600)],
)
def test_frequencies(text, value):
    assert units.parse_frequency(text) == value


def test_prices_and_percentages():
    assert units.parse_price("0.09/GB") == 0.09e-9
    assert units.parse_price("1/GiB") == 1 / 2**30
    assert units.parse_price(0) == 0
    assert units.parse_percent("25%") == 0.25
    assert units.parse_percent("12.5 %") == 0.125


@pytest.mark.parametrize(
    "parse, text, words",
    [
        (units.parse_size, "30Mb", ["'30Mb'", "bits", "30MB"]),
        (units.parse_size, "30mib", ["did you mean MiB?"]),
        (units.parse_size, "400m", ["thousandth", "MB"]),
        (units.parse_size, "-3MB", ["negative"]),
        (units.parse_size, "many", ["'many'", "number"]),
        (units.parse_size, "", ["number"]),
        (units.parse_size, True, ["True"]),
        (units.parse_size, "1e99", ["too large"]),
        (units.parse_size, "1e999999999", ["'e999999999'"]),
        (units.parse_size, "1.2.3", ["unit"]),
        (units.parse_rate, "10Gb/s", ["10Gbit/s", "10GB/s", "bits", "bytes"]),
        (units.parse_rate, "10G", ["10Gbit/s", "10GB/s"]),
        (units.parse_rate, 10, ["no time"]),
        (units.parse_rate, "0MB/s", ["greater than 0"]),
        (units.parse_rate, "3 furlongs", ["'furlongs'", "10Gbit/s"]),
        (units.parse_duration, "10", ["10s"]),
        (units.parse_duration, 10, ["10s"]),
        (units.parse_duration, 1.5, ["1.5s"]),
        (units.parse_duration, "1d", ["'d'", "5m0s"]),
        (units.parse_duration, "", ["10s"]),
        (units.parse_duration, "5s3", ["'5s3'"]),
        (units.parse_duration, "-5s", ["negative"]),
        (units.parse_duration, "300000h300000000h", ["292"]),
        (units.parse_frequency, "4", ["4/s"]),
        (units.parse_frequency, "4/fortnight", ["0.1/h"]),
        (units.parse_price, "0.09", ["0.09/GB"]),
        (units.parse_price, "0.09/G", ["0.09/GB"]),
        (units.parse_percent, "25", ["25%"]),
    ],
)
def test_errors_name_the_value_and_what_would_be_right(parse, text, words):
    with pytest.raises(ValueError) as caught:
        parse(text)
    message = str(caught.value)
    assert repr(str(text)) in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    "nanoseconds, text",
    [
        (0, "0s"),
        (1, "1ns"),
        (1100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (534_000_000, "534ms"),
        (999_999_999, "999.999999ms"),
        (1_234_000_000, "1.234s"),
        (3_300_000_000, "3.3s"),
        (62_500_000_000, "1m2.5s"),
        (305_000_000_000, "5m5s"),
        (3_603_000_000_000, "1h0m3s"),
        (-62_500_000_000, "-1m2.5s"),
        (480_001_000_000, "8m0.001s"),
        (2**63 - 1, "2562047h47m16.854775807s"),
    ],
)
def test_durations_as_go_prints_them(nanoseconds, text):
    assert units.format_duration_go(nanoseconds) == text


@pytest.mark.parametrize(
    "seconds, text",
    [(0.5349999, "534ms"), (0.534, "534ms"), (1.2345, "1.234s"), (62.5, "1m2.5s"), (0.0004, "0s"), (3603.0, "1h0m3s")],
)
def test_durations_as_the_kubelet_prints_them(seconds, text):
    assert units.format_duration_ms(seconds) == text


def test_numbers_for_people():
    assert [units.format_size(size) for size in (0, 12, 999, 1234, 1.23e9, 35e9)] == [
        "0 B",
        "12 B",
        "999 B",
        "1.2 kB",
        "1.2 GB",
        "35 GB",
    ]
    assert [units.format_rate(rate) for rate in (125, 4.25e8, math.inf)] == ["1.0 kbit/s", "3.4 Gbit/s", "unlimited"]
    seconds = (0, 5e-5, 0.002, 0.35, 0.9999, 4.23, 59.7, 123, 3599.6, 3900, -4.23)
    assert [units.format_seconds(value) for value in seconds] == [
        "0 ms",
        "0.05 ms",
        "2 ms",
        "350 ms",
        "1.0 s",
        "4.2 s",
        "1m 00s",
        "2m 03s",
        "1h 00m",
        "1h 05m",
        "-4.2 s",
    ]


def test_texts_are_short():
    assert [units.size_text(size) for size in (0, 30_000_000, 10 * 2**30, 14_480)] == ["0B", "30MB", "10GiB", "14480B"]
    rates = (5e9, 1.5625e9, 9e7, 2.0**27, 125e6)
    assert [units.rate_text(rate) for rate in rates] == ["40Gbit/s", "12.5Gbit/s", "90MB/s", "128MiB/s", "1Gbit/s"]
    assert [units.duration_text(value) for value in (300.0, 0.25, 5e-5)] == ["5m0s", "250ms", "50µs"]


@given(NANOSECONDS)
def test_a_go_duration_reads_back(nanoseconds):
    assert units.parse_duration_ns(units.format_duration_go(nanoseconds)) == nanoseconds


@given(st.integers(0, 10**15))
def test_a_duration_text_reads_back(nanoseconds):
    assert units.parse_duration(units.duration_text(nanoseconds / 1e9)) == nanoseconds / 1e9


@given(st.integers(0, 2**63 - 1))
def test_a_size_text_reads_back(size):
    assert units.parse_size(units.size_text(size)) == size


@given(
    st.one_of(st.floats(1e-3, 1e15), st.integers(1, 10**9).map(float), st.integers(1, 10**6).map(lambda n: n * 62.5e3))
)
def test_a_rate_text_reads_back(rate):
    assert units.parse_rate(units.rate_text(rate)) == rate


@given(st.text(max_size=12))
def test_any_text_is_a_value_or_a_value_error(text):
    for parse in (
        units.parse_size,
        units.parse_rate,
        units.parse_duration,
        units.parse_frequency,
        units.parse_price,
        units.parse_percent,
    ):
        try:
            value = parse(text)
        except ValueError:
            continue
        assert value >= 0
