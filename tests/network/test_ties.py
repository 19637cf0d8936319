"""Capacities that tie: fast and slow sharing agree on ends, bytes, and on what limited whom."""

from __future__ import annotations

import random

import pytest
from script import Cancel, Script, Start, play
from ties import RATIOS, TOLERANCE, difference, tie_script

from pullsim.network.network import Network
from pullsim.network.reference import ReferenceNetwork
from pullsim.spec.hardware import Burst

NETWORKS = pytest.mark.parametrize("network", [Network, ReferenceNetwork])


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("seed", range(2))
def test_random_scripts_agree_with_the_reference(ratio, seed):
    rng = random.Random(f"{seed} {ratio}")
    for _ in range(150):
        script = tie_script(rng, ratio)
        assert difference(script) < TOLERANCE, script


@NETWORKS
def test_a_transfer_that_is_due_in_the_instant_of_its_cancellation_has_arrived(network):
    steps = (Start(0.0, 0, 0, 20, 10.0), Cancel(2.0, 0, own=True))
    out = play(network, Script((10.0,), (10.0,), steps))
    assert out.ended == {(0, 0): 2.0}
    assert out.left == {}


@NETWORKS
def test_a_transfer_that_is_due_right_after_its_cancellation_is_stopped(network):
    steps = (Start(0.0, 0, 0, 20, 10.0), Cancel(2.0 - 1e-6, 0, own=True))
    out = play(network, Script((10.0,), (10.0,), steps))
    assert out.ended == {}
    assert out.left[0, 0] == (2.0 - 1e-6, pytest.approx(1e-5, rel=1e-6))


@NETWORKS
@pytest.mark.parametrize("links", [(10.0,), (10.0, 10.0)])
def test_a_cap_that_ties_with_spent_credit_counts_as_the_nics(network, links):
    # 20 of credit at 20/s: spent at 1 s; from then on the NIC's 10/s are the second one's cap, too
    steps = [Start(0.0, 0, 0, 10, float("inf")), Start(0.0, len(links) - 1, 0, 10, float("inf"))]
    out = play(
        network,
        Script(tuple(100.0 for _ in links), (10.0,), (*steps, Start(1.0, 0, 0, 20, 10.0)), (Burst(20.0, 10.0),)),
    )
    assert out.ended == {(0, 0): 1.0, (1, 0): 1.0, (2, 0): 3.0}
    assert out.transfers[2, 0].limited == (0.0, 0.0, 2.0)


@NETWORKS
def test_a_link_filled_to_the_brim_by_slower_ports_is_what_limits_the_fastest_of_them(network):
    # 2 + 8 of 10: what the first port leaves is all that the second one can take
    out = play(network, Script((10.0, 50.0), (2.0, 8.0), (Start(0.0, 0, 0, 20, 99.0), Start(0.0, 0, 1, 80, 99.0))))
    assert out.transfers[0, 0].limited == (0.0, 0.0, 10.0)
    assert out.transfers[1, 0].limited == (10.0, 0.0, 0.0)
