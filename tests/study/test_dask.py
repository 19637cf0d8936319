"""Sweeps on Dask: the same bytes, also when a worker is killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import warnings
from contextlib import suppress

import pytest

from pullsim.errors import InputError
from pullsim.study.dask_cluster import Dask, TlsFiles
from pullsim.study.job import Job
from pullsim.study.sweep import sweep
from tests.support.command import ENVIRONMENT

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # of Dask's own

KNOBS = ["kubelet.maxParallelImagePulls=1,2,3"]


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as made:
        yield made


def test_the_result_is_that_of_this_process(small, cluster):
    here, there = (sweep(small, KNOBS, seeds=2, dask=address) for address in (None, cluster.scheduler_address))
    assert there.runs().to_csv() == here.runs().to_csv()
    assert there.table().to_csv() == here.table().to_csv()


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


def kill_all(cluster):
    for worker in cluster.workers.values():
        os.kill(worker.process.pid, signal.SIGKILL)


def test_when_all_workers_die_together_the_runs_are_made_by_those_that_follow(small, cluster):
    """With them dies the scenario that was sent to them."""
    killed = []

    def kill(count, _total):
        if count == 2 and not killed:
            killed.append(count)
            kill_all(cluster)

    study = sweep(small, KNOBS, seeds=6, dask=cluster.scheduler_address, progress=kill)
    assert killed
    assert (study.failures, study.stopped) == ([], None)
    assert study.runs().to_csv() == sweep(small, KNOBS, seeds=6).runs().to_csv()


def test_without_any_worker_left_what_is_done_is_kept_and_the_rest_is_named(small, monkeypatch, tmp_path):
    monkeypatch.setattr("pullsim.study.dask_cluster.WORKERS_TIMEOUT", 0.5)
    with distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address]
        options = ["--no-nanny", "--nthreads", "1", "--no-dashboard"]
        workers = [
            subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL, env=ENVIRONMENT | {"PYTHONWARNINGS": ""})  # noqa: S603
            for _ in range(2)
        ]
        with distributed.Client(cluster) as client:
            client.wait_for_workers(2, timeout=60)

        def kill(count, _total):
            if count == 2:
                for worker in workers:
                    worker.kill()
                    worker.wait()

        study = sweep(small, KNOBS, seeds=50, dask=cluster.scheduler_address, out=tmp_path, progress=kill)
    left = 150 - len(study.outcomes)
    assert 2 <= len(study.outcomes) < 150
    assert "has had no worker for 0.5 s" in study.stopped
    assert f"{left} of 150 runs are missing (kubelet.maxParallelImagePulls=" in study.stopped
    assert f"and {left - 3} more" in study.stopped
    assert study.stopped.endswith(f"--out {tmp_path} --resume goes on with it")
    first = []
    again = sweep(small, KNOBS, seeds=50, out=tmp_path, resume=True, progress=lambda done, _total: first.append(done))
    assert first[0] == len(study.outcomes)
    assert len(again.outcomes) == 150


def test_a_cluster_here_takes_a_port_that_is_free(small):
    """The one that Dask opens by default may be another study's, of which it would warn."""
    with socket.socket() as other, warnings.catch_warnings():
        with suppress(OSError):  # another has it already
            other.bind(("", 8787))
            other.listen()
        warnings.simplefilter("error", UserWarning)
        study = sweep(small, KNOBS, dask="local:1")
    assert (study.failures, study.stopped) == ([], None)
    assert study.runs().to_csv() == sweep(small, KNOBS).runs().to_csv()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that is its own authority, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificate with openssl")
    directory = tmp_path_factory.mktemp("tls")
    names = ["-keyout", directory / "key.pem", "-out", directory / "cert.pem"]
    made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=a"]
    subprocess.run(["openssl", "req", *made, *names], check=True, capture_output=True)  # noqa: S603, S607
    return directory / "cert.pem", directory / "key.pem"


def test_a_scheduler_that_speaks_tls(small, certificate, monkeypatch):
    monkeypatch.setattr("pullsim.study.dask_cluster.CONNECT_TIMEOUT", 2.0)
    cert, key = certificate
    files = {
        "tls_ca_file": str(cert),
        **{f"tls_{who}_cert": str(cert) for who in ("client", "scheduler", "worker")},
        **{f"tls_{who}_key": str(key) for who in ("client", "scheduler", "worker")},
    }
    security = distributed.Security(require_encryption=True, **files)
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        security=security,
        protocol="tls://",
        silence_logs=50,
    ) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        tls = TlsFiles(cert, cert, key)
        study = sweep(small, KNOBS, dask=address, dask_tls=tls)
        assert study.runs().to_csv() == sweep(small, KNOBS).runs().to_csv()
        with pytest.raises(InputError, match="--dask-tls-ca-file"):
            sweep(small, KNOBS, dask=address)
        with pytest.raises(InputError, match=r"does not answer|no connection"):
            sweep(small, KNOBS, dask=address.replace("tls://", "tcp://"))


def test_certificates_that_are_none_are_refused(tmp_path):
    with pytest.raises(InputError, match="go with --dask tls"):
        Dask("tcp://127.0.0.1:1", TlsFiles(tmp_path))
    with pytest.raises(InputError, match=r"--dask-tls-key: .* is no file"):
        Dask("tls://127.0.0.1:1", TlsFiles(key=tmp_path / "none"))
    names = ("ca", "cert", "key")
    for name in names:
        (tmp_path / name).write_text("nothing")
    with pytest.raises(InputError, match="no connection to tls"):
        next(Dask("tls://127.0.0.1:1", TlsFiles(*map(tmp_path.joinpath, names))).run(None, [Job(0, (), 1)]))


def test_a_scheduler_that_does_not_answer_is_given_up(small, monkeypatch):
    monkeypatch.setattr("pullsim.study.dask_cluster.CONNECT_TIMEOUT", 0.5)
    with pytest.raises(InputError, match="does not answer within"):
        sweep(small, KNOBS, dask="tcp://127.0.0.1:9")


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "local:", "local:0", "http://x"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InputError, match="no Dask scheduler"):
        Dask(address)
