"""Requests of one HTTP client to a registry: connections, round trips, authentication, bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.engine.slow_start import slow_start
from pullsim.registry.registry import OK, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import simpy

    from pullsim.engine.flows import Port
    from pullsim.oci.reference import Reference
    from pullsim.registry.registry import Registry

IDLE_CONNECTIONS: Final = 2  # kept per host by Go's http.Transport (MaxIdleConnsPerHost)
UNLIMITED: Final = (0.0, 0.0, 0.0)


class Body(NamedTuple):
    """A finished GET: status, when its body began to flow freely, and seconds limited by (egress, connection, NIC)."""

    status: int
    first_byte: float = 0.0
    limited: tuple[float, float, float] = UNLIMITED


class Client:
    """HTTP/1.1: a connection a request at a time, a few idle ones kept. It authenticates on its first request.

    Models containerd core/remotes/docker: resolver and fetcher have a client each, which share no connection and no
    token (resolver.go resolveDockerBase, authorizer.go), all releases.
    """

    __slots__ = ("_authenticated", "_env", "_idle", "_port", "_registry")

    def __init__(self, env: simpy.Environment, registry: Registry, port: Port) -> None:
        self._env = env
        self._registry = registry
        self._port = port
        self._idle: list[int] = []  # window of each idle connection, bytes
        self._authenticated = registry.spec.auth == "none"

    def head(self, reference: Reference) -> Generator[Any, Any, int]:
        """HEAD a manifest; return the status."""
        spec = self._registry.spec
        status = self._registry.answer(reference)
        window, latency = self._connect()
        if status == REFUSED:
            yield self._env.timeout(spec.round_trip)
            return status
        latency += spec.round_trip + spec.head + self._challenge(spec.head)
        self._keep(window)
        yield self._env.timeout(latency)
        return status

    def get(self, reference: Reference, size: int, enter: Callable[[str, float], None]) -> Generator[Any, Any, Body]:
        """GET a manifest or blob of ``size`` bytes; ``enter`` is told when stages request and download begin."""
        env, registry, port, spec = self._env, self._registry, self._port, self._registry.spec
        enter("request", env.now)
        status = registry.fault(reference)
        window, latency = self._connect()
        if status == REFUSED:
            yield env.timeout(spec.round_trip)
            return Body(status)
        latency += spec.round_trip + spec.first_byte + self._challenge(spec.first_byte)
        if status != OK:
            self._keep(window)
            yield env.timeout(latency)
            return Body(status)
        rounds, sent, window = slow_start(window, spec.max_window, size, registry.rate(port), spec.round_trip)
        yield env.timeout(latency + rounds * spec.round_trip)
        first_byte = env.now
        enter("download", first_byte)
        limited = UNLIMITED
        if sent < size:
            transfer = registry.network.transfer(
                registry.link, port, (size - sent) / spec.goodput, registry.connection_cap
            )
            try:
                yield transfer
            finally:
                if not transfer.triggered:
                    transfer.cancel()
            limited = transfer.limited
        self._keep(window)
        return Body(OK, first_byte, limited)

    def _connect(self) -> tuple[int, float]:
        """Return the window of an idle connection, or of a new one, and the seconds that takes (TCP, TLS 1.3)."""
        if self._idle:
            return self._idle.pop(), 0.0
        spec = self._registry.spec
        return spec.initial_window, spec.round_trip * (2 if spec.tls else 1)

    def _keep(self, window: int) -> None:
        if len(self._idle) < IDLE_CONNECTIONS:
            self._idle.append(window)

    def _challenge(self, server: float) -> float:
        """Return the seconds of the first request's 401, and of the token request to another host for bearer."""
        if self._authenticated:
            return 0.0
        self._authenticated = True
        spec = self._registry.spec
        refused = spec.round_trip + server
        if spec.auth == "basic":
            return refused
        return refused + spec.round_trip * (3 if spec.tls else 2) + spec.first_byte
