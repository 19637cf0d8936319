"""Requests of one HTTP client to a registry: connections, round trips, authentication, bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import simpy

from pullsim.engine.slow_start import slow_start
from pullsim.registry.auth import NOTHING
from pullsim.registry.authorizer import Authorizer
from pullsim.registry.registry import NOT_FOUND, OK, REFUSED

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.engine.flows import Port, Transfer
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.registry.auth import Presented
    from pullsim.registry.registry import Registry

IDLE_CONNECTIONS: Final = 2  # kept per host by Go's http.Transport (MaxIdleConnsPerHost)


class Download(Protocol):
    """Who wants to know how a GET goes."""

    def request(self, now: float) -> None:
        """Take note that the request begins, a new one after one that was refused too."""

    def begin(self, now: float, transfer: Transfer) -> None:
        """Take note that the body begins to flow freely."""


class Client:
    """HTTP/1.1: a connection a request at a time, a few idle ones kept. It authenticates on its first request.

    Models containerd core/remotes/docker: resolver and fetcher have a client each, which share no connection and no
    token (resolver.go resolveDockerBase, authorizer.go), all releases.
    """

    __slots__ = ("_env", "_idle", "_port", "_registry", "authorizer")

    def __init__(self, env: simpy.Environment, registry: Registry, port: Port, presented: Presented = NOTHING) -> None:
        self._env = env
        self._registry = registry
        self._port = port
        self._idle: list[int] = []  # window of each idle connection, bytes
        self.authorizer = Authorizer(registry.spec, presented)

    @property
    def authenticated(self) -> bool:
        """Whether the next request goes out without a challenge before it."""
        return self.authorizer.authenticated

    def head(self, reference: Reference) -> Generator[Any, Any, tuple[int, Image | None]]:
        """HEAD a manifest; return the status and what the reference names."""
        env, registry, spec = self._env, self._registry, self._registry.spec
        window, connecting = self._connect()
        latency = connecting + self.authorizer.authorize(reference, spec.head, env.now)
        sent = env.now + latency
        status = registry.fault(reference, sent)
        if status == REFUSED:
            yield env.timeout(spec.round_trip)
            return status, None
        if status == OK and self.authorizer.denial is not None:
            yield env.timeout(connecting + self.authorizer.denied_after(spec.head))
            return self.authorizer.status, None
        image = registry.content(reference, sent) if status == OK else None
        self._keep(window)
        yield env.timeout(latency + spec.round_trip + spec.head)
        return (NOT_FOUND if status == OK and image is None else status), image

    def get(self, reference: Reference, size: int, download: Download) -> Generator[Any, Any, int]:
        """GET a manifest or blob of ``size`` bytes, telling ``download`` how it goes; return the status."""
        env, registry, port, spec = self._env, self._registry, self._port, self._registry.spec
        download.request(env.now)
        window, connecting = self._connect()
        latency = connecting + self.authorizer.authorize(reference, spec.first_byte, env.now)
        status = registry.fault(reference, env.now + latency)
        if status == REFUSED:
            yield env.timeout(spec.round_trip)
            return status
        if status == OK and self.authorizer.denial is not None:
            yield env.timeout(connecting + self.authorizer.denied_after(spec.first_byte))
            return self.authorizer.status
        latency += spec.round_trip + spec.first_byte
        if status != OK:
            self._keep(window)
            yield env.timeout(latency)
            return status
        rate = registry.rate(port)
        rounds, sent, window = slow_start(window, spec.max_window, size, rate, spec.round_trip)
        # Slow start takes so much longer than its bytes would at the rate of the rest. As all bytes go through the
        # sharing after that, links carry every byte and never more than they can.
        yield env.timeout(latency + max(0.0, rounds * spec.round_trip - sent / rate))
        download.begin(env.now, transfer := self._transfer(size))
        try:
            yield transfer
        except simpy.Interrupt:
            transfer.cancel()
            raise
        self._keep(window)
        return OK

    def _transfer(self, size: int) -> Transfer:
        registry = self._registry
        return registry.network.transfer(
            registry.link, self._port, size / registry.spec.goodput, registry.connection_cap
        )

    def _connect(self) -> tuple[int, float]:
        """Return the window of an idle connection, or of a new one, and the seconds that takes (TCP, TLS 1.3)."""
        if self._idle:
            return self._idle.pop(), 0.0
        spec = self._registry.spec
        return spec.initial_window, spec.round_trip * (2 if spec.tls else 1)

    def _keep(self, window: int) -> None:
        if len(self._idle) < IDLE_CONNECTIONS:
            self._idle.append(window)
