"""The runtime's metadata database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.kernel.event import Timeout

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.kernel.event import Event

# Writes that each part of a pull makes one after the other, as counted in the time lines of real pulls.
BLOB_OPEN: Final = 1  # before the request for a blob
BLOB_COMMIT: Final = 2  # when its body is there: the commit, and a label
PREPARE: Final = 1  # a snapshot is prepared, before the blob is waited for
SNAPSHOT_COMMIT: Final = 1  # the layer is unpacked
IMAGE_RECORDS: Final = 4  # at the end of a pull: a label, and a record each for tag, digest and image ID

#: The share of a write that a transaction takes which adds a snapshot that is there to the lease of a pull. As counted
#: by the fsyncs of real pulls, one of a single present layer makes 11 transactions with 2.1.9, for which IMAGE_RECORDS
#: stand here, and one more for each further layer; with 1.6.20 it makes 13, whatever the layers.
LEASE: Final = IMAGE_RECORDS / 11

#: What the manifest, the index and the config take, each of them while nothing else is written. By the fdatasync calls
#: of real pulls of one layer (1.6.20 and 2.3.4) eleven transactions are made before the layer is asked for; three of
#: them are `PREPARE`. At that time a transaction, and with 1.7 ms an fsync for each of two documents, they are the
#: 9 ms of the lab's calibration pulls until then in which nothing is awaited from the registry.
DOCUMENT_OPEN: Final = 0.6
DOCUMENT_COMMIT: Final = 1.2


class MetadataDatabase:
    """A database with one writer at a time, first come, first served, in which every write ends with an fsync.

    Models containerd's use of bolt (core/metadata, all releases); see `spec.runtime.usual_write`.
    """

    __slots__ = ("_env", "_free", "_write")

    def __init__(self, env: Environment, write: float) -> None:
        self._env = env
        self._write = write  # seconds
        self._free = 0.0  # when the writes asked for so far are done

    def write(self, count: float) -> Event | None:
        """Make ``count`` writes; return the event of the end of the last one, or None if writes take no time."""
        if not self._write:
            return None
        return Timeout(self._env, self.reserve(count) - self._env.now)

    def reserve(self, count: float) -> float:
        """Make ``count`` writes; return the time in seconds at which the last one ends.

        Every write takes the same time and none is withdrawn, so that the time at which the last write ends is all
        that has to be kept of the queue.
        """
        self._free = max(self._free, self._env.now) + count * self._write
        return self._free
