"""The event correlator of the kubelet, which counts, combines and drops events before the API server gets them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from pullsim.kernel.clock import nanoseconds
from pullsim.kubelet.images.throttle import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from pullsim.records import KubeletEvent

CACHE: Final = 4096  # entries of each cache; the least recently used one is dropped for a new one
SIMILAR: Final = 10  # messages of one reason that are combined from then on
INTERVAL: Final = 600.0  # seconds without a similar event after which the count of messages begins again at 0
BURST: Final = 25  # events of a source about an object that pass at once
REFILL: Final = 0.0033333334140479565  # tokens a second: 1/300, as the float32 that client-go has
TTL: Final = 3600.0  # seconds that the API server keeps an event after its last change (--event-ttl)
COMBINED: Final = "(combined from similar events): "

Entry = TypeVar("Entry")


class ApiEvent(NamedTuple):
    """An Event object of the API server."""

    node: str
    namespace: str | None  # None as the pod is: about the node
    pod: str | None
    container: str | None
    type: str
    reason: str
    message: str
    times: int  # its count
    first: float  # firstTimestamp, seconds
    last: float  # lastTimestamp


class EventCorrelator:
    """The correlator of one kubelet's event recorder.

    Events that differ in their time only become one object with a count. After ten different messages with the same
    reason about a pod, further ones are combined into one object. A token bucket lets 25 changes about a pod pass at
    once, and one every 300 s after that; changes that are dropped are counted, so that the next one shows their number.

    Models client-go/tools/record/events_cache.go EventCorrelate with its defaults; all releases. Which message is
    forgotten when the set is full depends on the random order of a Go map there; here it is the oldest.
    """

    def __init__(self) -> None:
        self._similar: _Cache[tuple[dict[str, None], float]] = _Cache()
        self._observed: _Cache[tuple[int, float]] = _Cache()
        self._budgets: _Cache[TokenBucket] = _Cache()

    def correlate(self, event: KubeletEvent) -> tuple[Hashable, ApiEvent] | None:
        """Return the object's name and its new state, or None if the API does not hear of this event."""
        key, message = self._aggregate(event)
        count, first = self._observed.get(key) or (0, event.t)
        self._observed.put(key, (count + 1, first))
        source = event.node, event.namespace, event.pod
        budget = self._budgets.get(source)
        if budget is None:
            budget = TokenBucket(REFILL, BURST)
        self._budgets.put(source, budget)
        if not budget.take(nanoseconds(event.t)):
            return None
        return (key, first), ApiEvent(
            event.node,
            event.namespace,
            event.pod,
            event.container,
            event.type,
            event.reason,
            message,
            count + 1,
            first,
            event.t,
        )

    def _aggregate(self, event: KubeletEvent) -> tuple[Hashable, str]:
        """Return the key under which the event is counted, and its message (EventAggregate)."""
        similar = event.node, event.namespace, event.pod, event.type, event.reason
        messages, last = self._similar.get(similar) or ({}, event.t)
        if event.t - last > INTERVAL:
            messages = {}
        messages[event.message] = None
        self._similar.put(similar, (messages, event.t))
        if len(messages) < SIMILAR:
            return (*similar, event.container, event.message), event.message
        del messages[next(iter(messages))]
        return similar, COMBINED + event.message


class _Cache(Generic[Entry]):
    """A cache of the last used entries (github.com/golang/groupcache/lru)."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()

    def get(self, key: Hashable) -> Entry | None:
        """Return the entry, and mark it as used now."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Hashable, entry: Entry) -> None:
        """Set an entry; drop the one that was not used for longest if there are too many."""
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > CACHE:
            self._entries.popitem(last=False)


def api_events(events: Iterable[KubeletEvent], at: float | None = None) -> list[ApiEvent]:
    """Return the Event objects that the API server has ``at`` seconds, ordered by last change; None: all there were.

    ``events`` are ordered by time. The objects of a pod depend on other events of its node only if the node has more
    than 4096 of them, the size of the correlator's caches.
    """
    correlators: defaultdict[str, EventCorrelator] = defaultdict(EventCorrelator)
    objects: dict[Hashable, ApiEvent] = {}
    for event in events:
        if at is not None and event.t > at:
            break
        if (changed := correlators[event.node].correlate(event)) is not None:
            name, state = changed
            objects[name] = state
    kept = objects.values() if at is None else [each for each in objects.values() if at - each.last < TTL]
    return sorted(kept, key=lambda each: each.last)
