"""The queue of a node's pulls under pull policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pullsim.errors import InputError, shown
from pullsim.kernel.clock import nanoseconds
from pullsim.kernel.event import Call
from pullsim.kubelet.images.policy import NotBefore, WaitingPull, later

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullsim.kernel.environment import Environment
    from pullsim.kernel.event import Event
    from pullsim.kubelet.images.image_service import PullRequest
    from pullsim.kubelet.images.throttle import TokenBucket


class PolicyQueue:
    """Lets that pull begin next whose key is the smallest of those that no policy holds back.

    It is a `PullQueue`. With ``bucket`` a pull takes a token of registryPullQPS when it begins, and waits for one.
    """

    def __init__(
        self,
        env: Environment,
        limit: int | None,
        keys: Sequence[tuple[str, Callable[[WaitingPull, float], Any]]],
        bucket: TokenBucket | None,
        missing: Callable[[str, str], int | None],
    ) -> None:
        """``limit``: pulls at a time, None: no limit; ``keys``: the policies' names with their methods, in order.

        ``missing`` returns the missing bytes of an image for a runtime handler.
        """
        self._env = env
        self._limit = limit
        self._keys = keys
        self._bucket = bucket
        self._missing = missing
        self._waiting: dict[WaitingPull, PullRequest] = {}  # in the order in which they were asked for
        self._running: dict[int, WaitingPull] = {}  # by the identity of the request, in the order in which they began
        self._alarm: float | None = None  # when the queue is looked at again although no pull has ended

    @property
    def running(self) -> tuple[WaitingPull, ...]:
        """See `NodePulls.running`."""
        return tuple(self._running.values())

    @property
    def waiting(self) -> tuple[WaitingPull, ...]:
        """See `NodePulls.waiting`."""
        return tuple(self._waiting)

    def missing(self, image: str, handler: str) -> int | None:
        """See `NodePulls.missing`."""
        return self._missing(image, handler)

    def view(self, request: PullRequest) -> WaitingPull:
        """Return a pull as policies see it."""
        return WaitingPull(request, self)

    def acquire(self, request: PullRequest) -> bool:
        """See `PullQueue.acquire`."""
        pull = self.view(request)
        self._waiting[pull] = request
        self._fill(pull)
        return pull.identity in self._running

    def release(self, request: PullRequest) -> None:
        """See `PullQueue.release`."""
        del self._running[id(request)]
        self._fill(None)

    def _fill(self, newcomer: WaitingPull | None) -> None:
        """Let pulls begin as long as one may; a ``newcomer`` that may has nothing that waits."""
        held: list[WaitingPull] = []
        while self._waiting and (self._limit is None or len(self._running) < self._limit):
            candidates = self._candidates()
            if not candidates:
                break
            if not self._take_token():
                held = candidates
                break
            pull = candidates[0]
            request = self._waiting.pop(pull)
            self._running[pull.identity] = pull
            if pull is not newcomer:
                request.begin(pull.held)
        if self._bucket is not None:
            self._note_held(held)

    def _note_held(self, held: list[WaitingPull]) -> None:
        """Note which pulls a token is all that is missing for now: the others wait for their turn, again or still."""
        since = {pull: self._env.now if pull.held is None else pull.held for pull in held}
        for pull in self._waiting:
            pull.held = since.get(pull)

    def _candidates(self) -> list[WaitingPull]:
        """Return the pulls that no policy holds back, in the order in which they may begin."""
        if not self._keys:
            return list(self._waiting)
        now = self._env.now
        keyed: list[tuple[tuple[Any, ...], WaitingPull]] = []
        for pull in self._waiting:
            key = self._key(pull, now)
            if key is not None:
                keyed.append((key, pull))
        try:
            keyed.sort(key=_first)
        except TypeError:
            names = ", ".join(name for name, _ in self._keys)
            given = " and ".join(shown(key) for key, _ in keyed[:2])
            raise InputError(f"keys of pull policies cannot be sorted ({names}): {given}") from None
        return [pull for _, pull in keyed]

    def _key(self, pull: WaitingPull, now: float) -> tuple[Any, ...] | None:
        """Return the keys that the policies give a pull; None: one of them holds it back."""
        keys = []
        for name, key in self._keys:
            answer = key(pull, now)
            if isinstance(answer, NotBefore):
                given = cast("Any", answer).at
                until = later(given, now)
                if until is None:
                    raise InputError(
                        f"the pull policy {name} holds a pull back until {shown(given)} s, and it is {now:g} s "
                        "already: a later time, in seconds, is right, or None"
                    )
                self._look_at(until)
                return None
            if answer is None:
                return None
            keys.append(answer)
        return tuple(keys)

    def _take_token(self) -> bool:
        """Take a token for the next pull; if there is none, look again when there is one."""
        bucket = self._bucket
        if bucket is None:
            return True
        now = nanoseconds(self._env.now)
        if bucket.take(now):
            return True
        self._look_at((now + bucket.wait(now)) / 1e9)
        return False

    def _look_at(self, at: float) -> None:
        """Look at the queue again at this time, unless that is to happen earlier anyway."""
        if self._alarm is None or at < self._alarm:
            self._alarm = at
            Call(self._env, self._look, max(at - self._env.now, 0.0), value=at)

    def _look(self, event: Event) -> None:
        if event.value == self._alarm:  # else an earlier look has taken the place of this one
            self._alarm = None
            self._fill(None)


def _first(keyed: tuple[tuple[Any, ...], WaitingPull]) -> tuple[Any, ...]:
    return keyed[0]
