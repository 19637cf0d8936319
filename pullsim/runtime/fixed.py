"""A runtime of given durations: replays measured pulls, and the kubelet's traces."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pullsim.cri import ImageStatus, InspectFailed, PullOutcome
from pullsim.runtime.handlers import RuntimeHandlers

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy

    from pullsim.cri import Auth, Caller
    from pullsim.runtime.spec import FixedImage, FixedSpec
    from pullsim.stage_clock import StageClock


class FixedRuntime:
    """Pulls take the time the spec says, whatever else goes on; concurrent pulls of an image share no work."""

    def __init__(self, env: simpy.Environment, spec: FixedSpec, handlers: RuntimeHandlers | None = None) -> None:
        self._env = env
        self._spec = spec
        self._handlers = handlers or RuntimeHandlers()
        self._calls: dict[str, int] = {}
        # since when, by image and runtime handler
        self._pulled = {(image, ""): 0.0 for image, fixed in spec.images.items() if fixed.present}

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:
        """Tell whether the image is present now, for the handler."""
        fixed = self._spec.images.get(image)
        if fixed is None:
            return None
        broken = fixed.status_fail
        if broken is not None and broken.at <= self._env.now < broken.until:
            raise InspectFailed(broken.error)
        return self._present(image, fixed, self._handlers.identity(handler))

    def _present(self, image: str, fixed: FixedImage, handler: str) -> ImageStatus | None:
        since = self._pulled.get((image, handler))
        if since is None or any(since < removed <= self._env.now for removed in fixed.removed_at):
            return None
        return ImageStatus(_image_ref(image), fixed.size)

    def pull_image(
        self, image: str, caller: Caller, clock: StageClock, *, auth: Auth | None = None, handler: str = ""
    ) -> Generator[Any, Any, PullOutcome]:
        """Take the time, then succeed or fail as the spec says for this call."""
        del caller, auth
        handler = self._handlers.identity(handler)
        env = self._env
        clock.enter("pull", env.now)
        fixed = self._spec.images.get(image)
        if fixed is None:
            return PullOutcome(
                None, code="NotFound", error=f'failed to resolve reference "{image}": not found', cause="notFound"
            )
        call = self._calls.get(image, 0)
        self._calls[image] = call + 1
        if fixed.fail is not None and fixed.fail.fails(call):
            yield env.timeout(fixed.fail.after)
            return PullOutcome(
                None,
                code="Unknown",  # the text is given whole
                error=fixed.fail.error,
                cause="notFound" if "not found" in fixed.fail.error.lower() else "runtime",
                transient=not fixed.fail.always,
            )
        present = self._present(image, fixed, handler) is not None
        yield env.timeout(fixed.repull if present else fixed.pull)
        self._pulled[image, handler] = env.now
        return PullOutcome(_image_ref(image), downloaded=0 if present else fixed.size)


def _image_ref(image: str) -> str:
    """Return a stable ID for a name."""
    return f"sha256:{sha256(image.encode()).hexdigest()}"
