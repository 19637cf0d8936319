"""Records of the credentials that images were pulled with; they decide whether a pod may use a present image."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pullsim.kubelet.credentials.keyring import credential_hash
from pullsim.oci.reference import parse
from pullsim.spec.credentials import Coordinates

if TYPE_CHECKING:
    from pullsim.kubelet.credentials.keyring import Credential
    from pullsim.kubelet.credentials.pull_credentials import Credentials

NEVER_VERIFY: Final = "NeverVerify"
PRELOADED: Final = "NeverVerifyPreloadedImages"
ALLOWLISTED: Final = "NeverVerifyAllowlistedImages"
#: The results of the check of a present image (kubelet_imagemanager_image_mustpull_checks_total, label result).
POLICY_ALLOWED: Final = "credentialPolicyAllowed"
RECORD_FOUND: Final = "credentialRecordFound"
MUST_AUTHENTICATE: Final = "mustAuthenticate"
MAX_MATCHED: Final = 100  # a Secret that gives access is added to a record only if that has fewer Secrets


@dataclass(slots=True)
class PulledWith:
    """The credentials that gave access to an image under one repository name (ImagePullCredentials)."""

    node_wide: bool = False  # pulled without credentials or with the node's: every pod of the node may use the image
    secrets: dict[Coordinates, str] = field(default_factory=dict)  # hash of the credentials, by Secret
    accounts: set[Coordinates] = field(default_factory=set)

    def merge(self, credential: Credential | None) -> None:
        """Add the credential of a successful pull; None: the pull needed none (pulledRecordMergeNewCreds)."""
        if self.node_wide:  # nothing changes it: it may be shared
            return
        if credential is not None and credential.secret is not None:
            self.secrets[credential.secret] = credential_hash(credential.auth)
        elif credential is not None and credential.service_account is not None:
            self.accounts.add(credential.service_account)
        else:
            self.node_wide = True
            self.secrets.clear()
            self.accounts.clear()


class ImagePullManager:
    """Pull intents and pulled records (KEP-2535, gate KubeletEnsureSecretPulledImages, on by default from 1.35).

    A record is stored under the answer of PullImage, and looked for under the image ID of ImageStatus. A runtime that
    does not answer PullImage with the ID (CRI-O up to 1.35.1) has records that are never found, and its images count as
    preloaded (kubernetes issue 137024). Two tags of one digest share a record. Models
    pkg/kubelet/images/pullmanager/image_pull_manager.go and image_pull_policies.go.
    """

    def __init__(
        self, policy: str | None, allowlist: tuple[str, ...] = (), *, normalise: bool = True, accounts: bool = True
    ) -> None:
        """``policy``: imagePullCredentialsVerificationPolicy; None: the gate is off.

        ``allowlist``: preloadedImagesVerificationAllowlist. ``normalise``: image names are completed before they are
        compared with the allowlist (from 1.36). ``accounts``: records name service accounts (from 1.34;
        staging/src/k8s.io/kubelet/config/v1alpha1 ImagePullCredentials); before that, credentials that a provider gave
        for a service account count as the node's.
        """
        self._policy = policy
        self._normalise = normalise
        self._accounts = accounts
        self._allowlist = allowlist
        self._intents: dict[str, int] = {}  # pulls that were asked for, by the name that the CRI is given
        self._records: dict[str, dict[str, PulledWith]] = {}  # by the answer of PullImage, then by repository

    def record_intent(self, image: str) -> None:
        """Note that a pull of the image is about to be requested."""
        self._intents[image] = self._intents.get(image, 0) + 1

    def record_failure(self, image: str) -> None:
        """Remove the intent of a pull that has failed."""
        self._end_intent(image)

    def record_pulled(self, image: str, image_ref: str, credential: Credential | None = None) -> None:
        """Turn an intent into a record.

        ``image_ref`` is the answer of PullImage, ``credential`` the one that the pull succeeded with, None if it needed
        none.
        """
        self._end_intent(image)
        if credential is not None and credential.service_account is not None and not self._accounts:
            credential = None
        repository = parse(image).repository
        record = self._records.get(image_ref)
        found = None if record is None else record.get(repository)
        if found is not None:
            found.merge(credential)
        elif record is None and _is_node_wide(credential):
            self._records[image_ref] = _node_wide(repository)
        else:
            found = PulledWith()
            found.merge(credential)
            self._records[image_ref] = {**(record or {}), repository: found}

    def _end_intent(self, image: str) -> None:
        left = self._intents.pop(image) - 1
        if left:
            self._intents[image] = left

    @property
    def sizes(self) -> tuple[int, int] | None:
        """The number of pull intents and of pulled records; None: the gate is off."""
        return None if self._policy is None else (len(self._intents), len(self._records))

    def forget(self, image_ref: str) -> None:
        """Drop the record of an image that was removed, and records that no image ID leads to (PruneUnknownRecords)."""
        self._records.pop(image_ref, None)
        self._records = {ref: record for ref, record in self._records.items() if "@" not in ref}

    def check(self, image: str, image_ref: str, credentials: Credentials | None = None) -> str | None:
        """Return the result of the check of a present image: with MUST_AUTHENTICATE it is pulled all the same.

        ``credentials`` are the pod's, None if they have not been looked up: then the result is None where it depends on
        them. Models MustAttemptImagePull.
        """
        if self._policy in (None, NEVER_VERIFY):
            return POLICY_ALLOWED
        record = self._records.get(image_ref)
        pulled_by_kubelet = record is not None or image in self._intents
        if not pulled_by_kubelet and (
            self._policy == PRELOADED or (self._policy == ALLOWLISTED and self._allowlisted(image))
        ):
            return POLICY_ALLOWED
        pulled_with = None if record is None else record.get(parse(image).repository)
        if pulled_with is None:
            return MUST_AUTHENTICATE
        if pulled_with.node_wide:
            return RECORD_FOUND
        if not pulled_with.secrets and not pulled_with.accounts:
            return MUST_AUTHENTICATE
        if credentials is None:
            return None
        return RECORD_FOUND if _proves(pulled_with, credentials) else MUST_AUTHENTICATE

    def _allowlisted(self, image: str) -> bool:
        """Whether an entry of the allowlist names the image's repository, or with ``/*`` a path above it."""
        reference = parse(image)
        repository = reference.repository
        if not self._normalise:
            repository = image.partition("@")[0].removesuffix(f":{reference.tag}")
        return any(
            repository.startswith(entry[:-1]) if entry.endswith("/*") else repository == entry
            for entry in self._allowlist
        )


def _is_node_wide(credential: Credential | None) -> bool:
    """Whether what was pulled with a credential, or with none, may be used by every pod of the node."""
    return credential is None or (credential.secret is None and credential.service_account is None)


@lru_cache(10_000)
def _node_wide(repository: str) -> dict[str, PulledWith]:
    """Return the record of an image that every pod of the node may use: the same one for all nodes."""
    return {repository: PulledWith(node_wide=True)}


def _proves(pulled_with: PulledWith, credentials: Credentials) -> bool:
    """Whether one of the pod's credentials is known to give access: it has the same content, or is the same Secret.

    A Secret that gives access is added to the record unless that has `MAX_MATCHED` Secrets. A recorded Secret whose
    content has changed is accepted only if its new content can be recorded, so that a full record refuses it.
    """
    known = pulled_with.secrets
    for credential in credentials:
        if credential.secret is None:
            continue
        own, room = credential_hash(credential.auth), len(known) < MAX_MATCHED
        same_content = own in known.values()
        if same_content or (credential.secret in known and room):
            if room:
                known[credential.secret] = own
            return True
    # A pod has one service account, which all its credentials with a service account name.
    accounts = (credential.service_account for credential in credentials if credential.service_account is not None)
    return next(accounts, None) in pulled_with.accounts
