"""Which images the kubelet pulled itself: may a present one be used without another pull.

For pods that have no credentials, which is what this version simulates.
"""

from __future__ import annotations

from collections import Counter

from pullsim.oci.reference import parse

NEVER_VERIFY = "NeverVerify"
PRELOADED = "NeverVerifyPreloadedImages"
ALLOWLISTED = "NeverVerifyAllowlistedImages"


class ImagePullManager:
    """Pull intents and pulled records (KEP-2535, gate KubeletEnsureSecretPulledImages, on from 1.35).

    Pulls are anonymous, so that a record gives access to all pods of the node.

    Models pkg/kubelet/images/pullmanager/image_pull_manager.go and image_pull_policies.go.
    """

    def __init__(self, policy: str | None, allowlist: tuple[str, ...] = (), *, normalise: bool = True) -> None:
        """``policy``: imagePullCredentialsVerificationPolicy; None: the gate is off. ``allowlist``: see the field.

        ``normalise``: names are made full before they are compared with the allowlist (from 1.36).
        """
        self._policy = policy
        self._normalise = normalise
        self._allowlist = allowlist
        self._intents: Counter[str] = Counter()  # pulls asked for, by the name that the CRI is given
        self._records: dict[str, set[str]] = {}  # repositories by image ID

    def record_intent(self, image: str) -> None:
        """Note that a pull is asked for."""
        self._intents[image] += 1

    def record_failure(self, image: str) -> None:
        """Take an intent back."""
        self._intents[image] -= 1

    def record_pulled(self, image: str, image_ref: str) -> None:
        """Turn an intent into a record."""
        self._intents[image] -= 1
        self._records.setdefault(image_ref, set()).add(parse(image).repository)

    def must_attempt_pull(self, image: str, image_ref: str) -> bool:
        """Whether a present image has to be pulled all the same, to prove that the pod may use it."""
        record = self._records.get(image_ref)
        pulled_by_kubelet = record is not None or self._intents[image] > 0
        if self._policy in (None, NEVER_VERIFY):
            return False
        if not pulled_by_kubelet and (
            self._policy == PRELOADED or (self._policy == ALLOWLISTED and self._allowlisted(image))
        ):
            return False
        return record is None or parse(image).repository not in record

    def _allowlisted(self, image: str) -> bool:
        reference = parse(image)
        repository = reference.repository
        if not self._normalise:
            repository = image.partition("@")[0].removesuffix(f":{reference.tag}")
        return any(
            repository.startswith(entry[:-1]) if entry.endswith("/*") else repository == entry
            for entry in self._allowlist
        )
