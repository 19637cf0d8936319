"""Sweeps on Dask: the same bytes, also when a worker is killed."""

from __future__ import annotations

import os
import signal

import pytest

from pullsim.errors import InputError
from pullsim.study.executors import Dask
from pullsim.study.sweep import sweep

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # of Dask's own

KNOBS = ["kubelet.maxParallelImagePulls=1,2,3"]


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


def test_the_result_is_that_of_this_process(small, cluster):
    expected = sweep(small, KNOBS, seeds=2).runs().to_csv()
    assert sweep(small, KNOBS, seeds=2, dask=cluster.scheduler_address).runs().to_csv() == expected


def test_a_killed_worker_loses_nothing(small, cluster):
    killed = []

    def kill(count, _total):
        if count == 2 and not killed:
            victim = next(iter(cluster.workers.values())).process.pid
            killed.append(victim)
            os.kill(victim, signal.SIGKILL)

    study = sweep(small, KNOBS, seeds=6, dask=cluster.scheduler_address, progress=kill)
    assert killed
    assert study.failures == []
    assert study.runs().to_csv() == sweep(small, KNOBS, seeds=6).runs().to_csv()


def test_a_scheduler_that_does_not_answer_is_given_up(small, monkeypatch):
    monkeypatch.setattr("pullsim.study.executors.DASK_TIMEOUT", 0.5)
    with pytest.raises(InputError, match="does not answer within"):
        sweep(small, KNOBS, dask="tcp://127.0.0.1:9")


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "local:", "local:0", "http://x"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InputError, match="no Dask scheduler"):
        Dask(address)
