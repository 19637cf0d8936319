"""Signals that wait until what they would leave half-done is done."""

from __future__ import annotations

import os
import signal
import threading

import pytest

import pullsim
from pullsim.held_signals import signals_held
from pullsim.results.invariants import check
from pullsim.study.job import Bundle, Job, run_job
from tests.support.small_scenario import SCENARIO


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "small.yaml").write_text(SCENARIO)
    return pullsim.load(tmp_path / "small.yaml")


def test_a_signal_comes_when_the_body_is_done():
    done = []
    with pytest.raises(KeyboardInterrupt), signals_held(lambda: done.append("told")):  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        done.append("body")
    assert done == ["told", "body"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_one_comes_at_once():
    with pytest.raises(KeyboardInterrupt), signals_held():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it did not come")


def test_a_signal_without_a_handler_is_held_only_if_that_is_asked_for():
    with signals_held(fatal=False):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    with signals_held():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


def test_another_thread_than_the_main_one_holds_nothing():
    handlers = []

    def look():
        with signals_held():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_a_run_that_is_interrupted_has_whole_records(scenario):
    """The signal comes in the middle of a process, where an exception would be passed on to who waits for it."""

    def interrupt(progress):
        if progress.pods_started == 2:
            os.kill(os.getpid(), signal.SIGINT)

    whole, result = pullsim.run(scenario), pullsim.run(scenario, progress=interrupt)
    assert result.ended == "interrupted"
    assert 0.0 < result.end < whole.end
    assert check(result) == []
    with pytest.raises(KeyboardInterrupt):
        result.check_complete()


def test_a_run_goes_on_where_the_handler_of_a_signal_lets_it(scenario):
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(1))
    try:
        result = pullsim.run(scenario, progress=lambda _: os.kill(os.getpid(), signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert came
    assert (result.ended, result.end) == ("settled", pullsim.run(scenario).end)


def test_a_job_that_is_interrupted_has_no_outcome(scenario, monkeypatch):
    """Nothing of a part of a run may get into a study."""
    bundle = Bundle.of(scenario, [])

    def interrupted(*arguments, **options):
        return pullsim.run(*arguments, **options, progress=lambda _: os.kill(os.getpid(), signal.SIGINT))

    monkeypatch.setattr("pullsim.study.job.run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_job(bundle, Job(0, (), 0))
