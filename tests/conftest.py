"""What all tests share: charts without a display, and hypothesis settings that do not depend on the machine's speed.

Compiled modules are tested where there are some, as long as they are those of the sources.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import pullsim

os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("pullsim", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pullsim")


def pytest_configure() -> None:
    for each, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(each) is signal.SIG_IGN:  # as in the background of a shell, and behind nohup
            signal.signal(each, handler)
    os.environ.pop("COLUMNS", None)  # the width of somebody's terminal, which tests in several processes are told
    sources = Path(pullsim.__file__).parent.rglob("*.py")
    old = [
        source
        for source in sources
        for built in source.parent.glob(f"{source.stem}.*.so")
        if built.stat().st_mtime < source.stat().st_mtime
    ]
    if old:
        pytest.exit(f"compiled before its source changed: {old[0].name}; `make compiled`, or `make interpreted`", 2)
