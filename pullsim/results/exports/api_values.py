"""Values that the Kubernetes API has and a run does not: dates, and identifiers that are the same for the same run."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from pullsim.formats.kubernetes.cron import EPOCH
from pullsim.kernel.clock import nanoseconds

SECOND: Final = 1_000_000_000  # nanoseconds


def unix_nanoseconds(seconds: float) -> int:
    """Return a time of the run since 1970; second 0 is the date from which CronJobs are counted, too."""
    return int(EPOCH.timestamp()) * SECOND + nanoseconds(seconds)


def time(seconds: float) -> str:
    """Write a time of the run as ``metav1.Time``, which has whole seconds (apimachinery/pkg/apis/meta/v1/time.go)."""
    return f"{_whole(nanoseconds(seconds) // SECOND)}Z"


def micro_time(seconds: float) -> str:
    """Write a time of the run as ``metav1.MicroTime`` (apimachinery/pkg/apis/meta/v1/micro_time.go)."""
    whole, rest = divmod(nanoseconds(seconds), SECOND)
    return f"{_whole(whole)}.{rest // 1000:06d}Z"


@lru_cache
def _whole(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def uid(*parts: str) -> str:
    """Return the identifier of what has these names: a UUID of version 8, of which the rest is a hash (RFC 9562)."""
    name = "\0".join(parts).encode("utf-8", "backslashreplace")
    digits = blake2b(name, digest_size=16, person=b"pullsim").hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
