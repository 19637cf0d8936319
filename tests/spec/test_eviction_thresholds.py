"""evictionHard and evictionSoft as the kubelet reads them, and what it says of wrong ones."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration, written_fields

IMAGE, NODE = "imagefs.available", "nodefs.available"


def hard(mapping):
    return {each.signal: each.text for each in read_kubelet_configuration(mapping).eviction_hard}


@pytest.mark.parametrize(
    ("given", "thresholds"),
    [
        ({}, {NODE: "10%", IMAGE: "15%"}),
        ({"evictionHard": {IMAGE: "5%"}}, {IMAGE: "5%"}),  # those not given are off
        ({"evictionHard": {"memory.available": "100Mi"}}, {}),
        ({"evictionHard": {IMAGE: "0%", NODE: "100%"}}, {}),  # both switch a threshold off
        ({"evictionHard": {IMAGE: "5%"}, "mergeDefaultEvictionSettings": True}, {NODE: "10%", IMAGE: "5%"}),
    ],
)
def test_hard_thresholds(given, thresholds):
    assert hard(given) == thresholds


@pytest.mark.parametrize(
    ("text", "capacity", "size"),
    [("15%", 10**9, 150_000_005), ("10%", 10**9, 100_000_001), ("1Gi", 10**9, 2**30), ("50%", 7, 3)],
)
def test_percentages_are_single_precision_and_rounded_down(text, capacity, size):
    (threshold,) = read_kubelet_configuration({"evictionHard": {IMAGE: text}}).eviction_hard
    assert threshold.value.of(capacity) == size


def test_soft_thresholds_with_grace_and_reclaim():
    mapping = {
        "evictionSoft": {IMAGE: "20%"},
        "evictionSoftGracePeriod": {IMAGE: "1m30s"},
        "evictionMinimumReclaim": {IMAGE: "2Gi"},
    }
    config = read_kubelet_configuration(mapping)
    (soft,) = config.eviction_soft
    assert (soft.grace, soft.reclaim.of(1)) == (90 * 10**9, 2**31)
    assert read_kubelet_configuration(written_fields(config)).eviction_soft == config.eviction_soft


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"evictionHard": {"disk.available": "5%"}}, "unsupported eviction signal disk.available"),
        ({"evictionHard": {IMAGE: "-5%"}}, "eviction percentage threshold imagefs.available must be >= 0%: -5%"),
        ({"evictionHard": {IMAGE: "105%"}}, "eviction percentage threshold imagefs.available must be <= 100%: 105%"),
        ({"evictionHard": {IMAGE: "0"}}, "eviction threshold imagefs.available must be positive: 0"),
        (
            {"evictionSoft": {IMAGE: "5%"}},
            "grace period must be specified for the soft eviction threshold imagefs.available",
        ),
        (
            {"evictionMinimumReclaim": {IMAGE: "-1"}},
            "negative eviction minimum reclaim specified for imagefs.available",
        ),
        (
            {"evictionMinimumReclaim": {IMAGE: "0%"}},
            "eviction percentage minimum reclaim imagefs.available must be positive: 0%",
        ),
        ({"evictionHard": {IMAGE: "x%"}}, 'strconv.ParseFloat: parsing "x": invalid syntax'),
        ({"evictionHard": ["5%"]}, "must be a mapping of texts"),
    ],
)
def test_wrong_ones_are_refused(mapping, message):
    with pytest.raises(InputError) as caught:
        read_kubelet_configuration(mapping)
    assert message in caught.value.message
