"""The record of an image in CRI-O's store, which ends a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.reference import Reference
    from pullsim.runtime.crio.ongoing_copy import OngoingCopy
    from pullsim.spec.stored_image import CrioImage

#: Writes for each image before its name: three documents (config, and the manifest twice), its record, and the record
#: again after each document (containers/image storage/storage_dest.go CommitWithOptions; containers/storage images.go
#: create). For a present image the documents are written again.
IMAGE_RECORDS: Final = 7


def record_image(copy: OngoingCopy, reference: Reference, image: CrioImage) -> Generator[Any, Any, None]:
    """Record the image, and then its name.

    Where layers are applied under the store's lock, the record waits for the layer that is applied, and the name for
    all that wait to be applied: whether the name is that of a layer is looked up under the lock of a writer
    (containers/storage store.go CreateImage, updateNames).
    """
    clock, env, store = copy.clock, copy.env, copy.store
    lock, locks = store.lock, copy.node.release.locks_layers
    if locks and (reading := lock.reading()) is not None:
        clock.enter("lock", env.now)
        yield reading
    clock.enter("commit", env.now)
    if (written := store.records.write(IMAGE_RECORDS)) is not None:
        yield written
    if locks:
        if (turn := lock.acquire()) is not None:
            clock.enter("lock", env.now)
            yield from lock.wait(turn)
            clock.enter("commit", env.now)
        lock.release()
    if (named := store.records.write(1)) is not None:
        yield named
    store.name(reference, image)
