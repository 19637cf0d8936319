"""May a pod use an image that is there: policies, what the kubelet pulled, and with which credentials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.cri import Auth
from pullsim.kubelet.credentials.keyring import Credential
from pullsim.kubelet.images.pull_records import MUST_AUTHENTICATE, ImagePullManager
from pullsim.spec.credentials import Coordinates

NEVER, PRELOADED = "NeverVerify", "NeverVerifyPreloadedImages"
ALLOWLISTED, ALWAYS = "NeverVerifyAllowlistedImages", "AlwaysVerify"
APP, REF = "reg.example.com/team/app:1", "sha256:1"


def secret(name: str, password: str = "p") -> Credential:  # noqa: S107
    return Credential("reg.example.com", Auth("u", password), Coordinates(name, "default", name))


def account(name: str) -> Credential:
    return Credential("reg.example.com", Auth("u", "t"), None, Coordinates(name, "default", name))


NODE = Credential("reg.example.com", Auth("u", "node"))


def manager(policy, *pulled_with, image=APP, allowlist=()) -> ImagePullManager:
    """Pulled once with each of the given credentials (None: anonymously)."""
    made = ImagePullManager(policy, allowlist)
    for credential in pulled_with:
        made.record_intent(image)
        made.record_pulled(image, REF, credential)
    return made


def must_attempt_pull(records: ImagePullManager, image: str, image_ref: str, credentials=None) -> bool | None:
    """The answer of the kubelet's MustAttemptImagePull; None: it needs the pod's credentials."""
    result = records.check(image, image_ref, credentials)
    return None if result is None else result == MUST_AUTHENTICATE


@pytest.mark.parametrize(("accounts", "must_pull"), [(True, True), (False, False)])
def test_to_1_33_what_a_provider_gave_for_a_service_account_is_the_nodes(accounts, must_pull):
    made = ImagePullManager(PRELOADED, accounts=accounts)
    made.record_intent(APP)
    made.record_pulled(APP, REF, account("a"))
    assert must_attempt_pull(made, APP, REF, (account("b"),)) is must_pull


def test_a_record_with_another_name_than_the_images_id_is_never_found_and_goes_with_any_image():
    made = ImagePullManager(PRELOADED)
    made.record_intent(APP)
    made.record_pulled(APP, "reg.example.com/team/app@sha256:2", secret("a"))
    assert must_attempt_pull(made, APP, REF, (secret("b"),)) is False
    assert made.sizes == (0, 1)
    made.forget("sha256:3")
    assert made.sizes == (0, 0)


HISTORY = {
    "preloaded": (),
    "anonymous": (None,),
    "node": (NODE,),
    "secret": (secret("a"),),
}
LISTED = ("reg.example.com/team/app",)


@pytest.mark.parametrize(
    ("policy", "allowlist", "must_pull"),
    [
        # preloaded, anonymous, credentials of the node, a secret that the pod does not have
        (None, (), (False, False, False, False)),
        (NEVER, (), (False, False, False, False)),
        (PRELOADED, (), (False, False, False, True)),
        (ALLOWLISTED, (), (True, False, False, True)),
        (ALLOWLISTED, LISTED, (False, False, False, True)),
        (ALWAYS, (), (True, False, False, True)),
    ],
)
def test_the_policies(policy, allowlist, must_pull):
    found = tuple(
        must_attempt_pull(manager(policy, *history, allowlist=allowlist), APP, REF, ()) for history in HISTORY.values()
    )
    assert found == must_pull


@pytest.mark.parametrize(
    ("pulled_with", "presents", "must_pull"),
    [
        ([secret("a")], [secret("a")], False),  # the same
        ([secret("a")], [secret("b")], False),  # the same content in another Secret
        ([secret("a")], [secret("a", "new")], False),  # the same Secret with another content
        ([secret("a")], [secret("b", "new")], True),
        ([secret("a")], [secret("b", "new"), secret("a")], False),  # one of the pod's is enough
        ([secret("a")], [NODE], True),
        ([secret("a")], [], True),
        ([account("x")], [account("x")], False),
        ([account("x")], [account("y")], True),
        ([account("x")], [account("y"), account("x")], True),  # only a pod's first account counts
        ([secret("a")], [account("x")], True),
        ([secret("a"), None], [], False),  # an anonymous pull opens it for all
        ([None, secret("a")], [], False),  # and stays
    ],
)
def test_who_may_use_what_was_pulled_with_credentials(pulled_with, presents, must_pull):
    assert must_attempt_pull(manager(PRELOADED, *pulled_with), APP, REF, tuple(presents)) is must_pull


def test_credentials_are_asked_for_only_where_they_matter():
    assert must_attempt_pull(manager(PRELOADED, secret("a")), APP, REF) is None
    assert must_attempt_pull(manager(PRELOADED, None), APP, REF) is False
    assert must_attempt_pull(manager(ALWAYS), APP, REF) is True
    assert must_attempt_pull(manager(NEVER, secret("a")), APP, REF) is False


def test_another_repository_of_the_same_image_is_pulled():
    made = manager(PRELOADED, None)
    assert must_attempt_pull(made, "reg.example.com/team/copy:1", REF, ()) is True
    assert must_attempt_pull(made, "reg.example.com/team/app:2", REF, ()) is False  # another tag shares the record


def test_a_pull_under_way_makes_it_the_kubelets():
    made = ImagePullManager(PRELOADED)
    assert must_attempt_pull(made, APP, REF, ()) is False
    made.record_intent(APP)
    assert must_attempt_pull(made, APP, REF, ()) is True
    made.record_failure(APP)
    assert must_attempt_pull(made, APP, REF, ()) is False


def test_what_matches_is_remembered():
    made = manager(PRELOADED, secret("a"))
    assert must_attempt_pull(made, APP, REF, (secret("b"),)) is False
    assert must_attempt_pull(made, APP, REF, (secret("b", "later"),)) is False  # its Secret is known now


@pytest.mark.parametrize(
    ("count", "added", "takes_changes"), [(98, True, True), (99, True, False), (100, False, False)]
)
def test_up_to_a_hundred_secrets(count, added, takes_changes):
    made = manager(PRELOADED, *(secret(f"s{n}", f"p{n}") for n in range(count)))
    assert must_attempt_pull(made, APP, REF, (secret("new", "p0"),)) is False
    assert (Coordinates("new", "default", "new") in made._records[REF]["reg.example.com/team/app"].secrets) is added
    # A full record does not take a Secret whose content has changed.
    assert must_attempt_pull(made, APP, REF, (secret("s1", "other"),)) is not takes_changes


@given(st.lists(st.sampled_from([None, NODE, secret("a"), secret("b", "q"), account("x")]), min_size=1, max_size=6))
def test_what_a_pull_succeeded_with_may_be_used_afterwards(history):
    made = manager(ALWAYS, *history)
    for credential in history:
        assert must_attempt_pull(made, APP, REF, () if credential is None else (credential,)) is False
    assert must_attempt_pull(made, APP, REF, ()) is (None not in history and NODE not in history)
