"""Private registries: who gets in, at what price and with which text, and what the kubelet tries in which order.

Round trips are 1 s and nothing else of the registry costs time: the seconds of a failed pull are its round trips.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.cri import Auth
from pullsim.spec.credentials import CredentialSources, DockerConfigEntry, Secret
from pullsim.spec.hosts import HostSpec, RegistryHosts
from pullsim.spec.registry import AccessSpec, Account
from pullsim.spec.runtime import FixedImage
from tests.support.outcome import messages, pull, row, stages, started, story, times
from tests.support.world import (
    EVERY,
    FAR,
    HOST,
    STEADY,
    containerd,
    fixed,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run,
    run_containerd,
    unresolved,
    with_secrets,
)

CI, OTHER = Auth("ci", "right"), Auth("other", "right")
WRONG, OLD = Auth("ci", "wrong"), Auth("ci", "right", expires=0.0)
ACCESS = AccessSpec(
    (Account("ci", "right", ("team/*",)), Account("other", "right", ("else/*",))), frozenset({"nat-a"}), ("library/*",)
)
IMAGES = {f"{HOST}/team/app:1": image(layer("x", 1)), f"{HOST}/library/open:1": image(layer("y", 1))}
APP, OPEN = IMAGES


def private(auth="bearer", **given):
    return registry(auth=auth, access=ACCESS, **FAR, **given)


def secrets(*auths: Auth, namespace="default", key=HOST, created=0.0) -> tuple[Secret, ...]:
    """Secrets s0, s1, … with one entry each."""
    return tuple(
        Secret(namespace, f"s{n}", (DockerConfigEntry(key, auth),), created=created) for n, auth in enumerate(auths)
    )


def go(wanted=APP, *auths: Auth, auth="bearer", release=(2, 1), node_file=(), address=None, version=(1, 35), **cluster):
    """One pod with a Secret for each of `auths`, on one node."""
    spec = replace(
        node(containerd(release), version=version),
        address=address,
        credentials=CredentialSources(tuple(DockerConfigEntry(HOST, each) for each in node_file)),
    )
    asked = with_secrets(pod("p", wanted), *(f"s{n}" for n in range(len(auths))))
    given = {"horizon": 100.0, "secrets": secrets(*auths), "source": private(auth), **cluster}
    return run_containerd(IMAGES, [asked], spec=spec, **given)


RESOLVE = unresolved(APP)
MAY_NOT = "pull access denied, repository does not exist or may require authorization: "
SCOPE = MAY_NOT + "server message: insufficient_scope: authorization failed"
TOKEN = f"https://{HOST}/v2/token?scope=repository%3Ateam%2Fapp%3Apull&service={HOST}"
OAUTH = (
    f"failed to authorize: failed to fetch oauth token: unexpected status from GET request to {TOKEN}: 401 Unauthorized"
)
HEAD = f"unexpected status from HEAD request to https://{HOST}/v2/team/app/manifests/1: "
NO_BASIC = MAY_NOT + "authorization failed: no basic auth credentials"

DENIED = [
    # auth, what is presented, cause, round trips (the connection is the first), text
    ("bearer", None, "unauthorized", 5, SCOPE),  # 401, token server (connection, GET), 401
    ("bearer", OTHER, "unauthorized", 5, SCOPE),
    ("bearer", WRONG, "unauthorized", 5, OAUTH),  # 401, token server (connection, POST, GET)
    ("bearer", OLD, "unauthorized", 5, OAUTH),
    ("basic", None, "unauthorized", 2, NO_BASIC),  # 401
    ("basic", WRONG, "unauthorized", 7, HEAD + "401 Unauthorized"),  # six times 401
    ("basic", OTHER, "forbidden", 3, HEAD + "403 Forbidden"),
    ("basic", OLD, "forbidden", 3, HEAD + "403 Forbidden"),
    ("none", None, "forbidden", 2, HEAD + "403 Forbidden"),  # there by address only
    ("none", CI, "forbidden", 2, HEAD + "403 Forbidden"),
]


@pytest.mark.parametrize(("auth", "presented", "cause", "round_trips", "text"), DENIED)
def test_denials(auth, presented, cause, round_trips, text):
    result = go(APP, *([presented] if presented else []), auth=auth)
    first = pull(result, "p")
    assert (first.ok, first.cause) == (False, cause)
    assert first.error == RESOLVE + text
    assert first.ended - first.started == pytest.approx(round_trips)
    assert stages(first) == {"resolve": round_trips}


@pytest.mark.parametrize(
    ("auth", "presented", "text"),
    [
        ("bearer", WRONG, "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"),
        ("basic", WRONG, f"pulling from host {HOST} failed with status code [manifests 1]: 401 Unauthorized"),
        ("basic", OTHER, f"pulling from host {HOST} failed with status code [manifests 1]: 403 Forbidden"),
        ("bearer", None, SCOPE),
        ("basic", None, NO_BASIC),
    ],
)
def test_texts_of_containerd_before_1_6_25(auth, presented, text):
    result = go(APP, *([presented] if presented else []), auth=auth, release=(1, 6, 24))
    assert pull(result, "p").error == unresolved(APP, (1, 6)) + text


@pytest.mark.parametrize("release", EVERY, ids=str)
@pytest.mark.parametrize(
    ("auth", "presented", "address", "wanted"),
    [
        ("bearer", CI, None, APP),
        ("basic", CI, None, APP),
        ("bearer", None, "nat-a", APP),
        ("basic", None, "nat-a", APP),
        ("none", None, "nat-a", APP),
        ("bearer", None, None, OPEN),
        ("basic", None, None, OPEN),
        ("basic", WRONG, None, OPEN),  # nobody asks for credentials, so that they are never shown
        ("bearer", OTHER, None, OPEN),
    ],
)
def test_who_gets_in(auth, presented, address, wanted, release):
    result = go(wanted, *([presented] if presented else []), auth=auth, address=address, release=release)
    assert pull(result, "p").ok


def test_a_wrong_secret_makes_a_public_image_fail():
    assert not pull(go(OPEN, WRONG), "p").ok


def test_being_let_in_costs_what_a_challenge_costs():
    seconds = {auth: pull(go(APP, CI, auth=auth), "p").stages["resolve"] for auth in ("basic", "bearer")}
    open_ = {
        auth: pull(go(APP, source=registry(auth=auth, **FAR)), "p").stages["resolve"] for auth in ("basic", "bearer")
    }
    assert seconds == open_


# ---------------------------------------------------------------- trying in turn


def test_each_credential_is_a_call_until_one_works():
    first = pull(go(APP, WRONG, OTHER, CI), "p")
    alone = pull(go(APP, CI), "p")
    assert first.ok
    assert first.ended - first.started == pytest.approx(alone.ended - alone.started + 5 + 5)


def test_the_nodes_file_comes_after_the_secrets_and_nothing_after_it():
    both = go(APP, WRONG, node_file=[CI])
    assert pull(both, "p").ok
    assert pull(both, "p").stages["resolve"] == pytest.approx(pull(go(APP, CI), "p").stages["resolve"] + 5)
    assert not pull(go(APP, WRONG, node_file=[OTHER], address=None), "p").ok


def test_errors_are_one_with_equal_texts_once():
    assert pull(go(APP, WRONG, WRONG), "p").error == RESOLVE + OAUTH
    assert pull(go(APP, WRONG, OTHER), "p").error == f"[{RESOLVE}{OAUTH}, {RESOLVE}{SCOPE}]"
    result = go(APP, WRONG, OTHER)
    assert len(times(result, "Failed", text="Failed to pull")) == len([r for r in result.pulls if not r.ok])


def test_a_secret_for_another_registry_is_not_tried():
    result = go(APP, CI, secrets=secrets(CI, key="elsewhere.example"))
    assert pull(result, "p").error == RESOLVE + SCOPE  # one anonymous pull


def test_a_password_that_expires_and_one_that_comes():
    access = AccessSpec((Account("ci", "right", until=10.0), Account("ci", "new", since=60.0)))
    source = registry(auth="basic", access=access)
    wanted = [with_secrets(pod(f"p{at}", APP, at=float(at), policy="Always"), "s0") for at in (0, 20, 90)]
    made = (*secrets(Auth("ci", "right")), replace(secrets(Auth("ci", "new"))[0], created=50.0))
    result = run(wanted, node(containerd()), registries=[source], images=IMAGES, secrets=made)
    assert [record.ok for record in result.pulls if record.pod == "p20"] == [False, False, False, True]
    assert started(result)["p0"] < 10.0
    assert all(each.started is not None for each in result.pods)
    causes = {record.cause for record in result.pulls if not record.ok}
    assert causes == {"forbidden", "unauthorized"}


# ---------------------------------------------------------------- secrets that are not there, or not readable

TEXT = "Unable to retrieve some image pull secrets (s0, gone); attempting to pull the image may not succeed."


def test_a_missing_secret_is_told_at_every_look_and_the_work_goes_on():
    asked = with_secrets(pod("p", APP), "s0", "gone")
    made = secrets(CI, created=25.0)
    result = run_containerd(IMAGES, [asked], source=private(), secrets=made)
    told = [event for event in result.events if event.reason == "FailedToRetrieveImagePullSecret"]
    assert [event.t for event in told][:2] == [0.0, pytest.approx(15.0)]  # the pull fails after 5 s
    assert told[0].message == TEXT
    assert (told[0].container, told[0].image, told[0].type) == (None, None, "Warning")
    assert told[-1].message == TEXT.replace("s0, ", "")
    assert started(result)["p"] > 25.0


def test_it_is_told_when_the_image_is_there_too_and_from_1_28_on():
    asked = with_secrets(pod("p", "app:1"), "gone")
    for version, count in (((1, 27), 0), ((1, 28), 1), ((1, 35), 1)):
        spec = node(fixed({"app:1": FixedImage(1.0, present=True)}), version=version)
        result = run([asked], spec)
        assert started(result)["p"] == 0.0
        assert len(times(result, "FailedToRetrieveImagePullSecret")) == count


def test_from_1_37_it_is_told_at_the_end_of_each_sync_in_which_a_pull_failed():
    asked = with_secrets(pod("p", APP), "gone")
    told = {}
    for version in ((1, 36), (1, 37)):
        result = run_containerd(
            IMAGES, [asked], spec=node(containerd(), version=version), source=private(), horizon=40.0
        )
        story = [(event.reason, event.t) for event in result.events if event.reason != "Scheduled"]
        missing = [at for at, (reason, _) in enumerate(story) if reason == "FailedToRetrieveImagePullSecret"]
        told[version] = [story[at - 1][0] if at else "" for at in missing]
        failed = sum(event.message == "Error: ErrImagePull" for event in result.events)
        assert failed < len(missing) if version < (1, 37) else failed == len(missing)
    assert told[1, 36][0] == ""  # before anything else
    assert set(told[1, 37]) == {"Failed"}


def test_from_1_37_it_is_not_told_where_the_image_is_there():
    spec = node(fixed({"app:1": FixedImage(1.0, present=True)}), version=(1, 37))
    result = run([with_secrets(pod("p", "app:1"), "gone")], spec)
    assert times(result, "FailedToRetrieveImagePullSecret") == []


BROKEN = (Secret("default", "s0", error="unexpected end of JSON input"),)


def broken(version, *, present, policy="IfNotPresent", loop=None):
    spec = node(fixed({"app:1": FixedImage(1.0, present=present)}), version=version)
    asked = with_secrets(pod("p", "app:1", policy=policy), "s0")
    return run([asked], spec if loop is None else replace(spec, loop=loop), secrets=BROKEN, horizon=45.0)


@pytest.mark.parametrize("version", [(1, 33), (1, 34), (1, 35), (1, 36)])
def test_a_secret_that_cannot_be_read_ends_the_step_without_a_pull_and_without_back_off(version):
    result = broken(version, present=False)
    assert story(result) == [(at, "Failed") for at in (0.0, 10.0, 20.0, 30.0, 40.0)]
    assert {event.message for event in result.events} == {"Error: unexpected end of JSON input"}
    assert (row(result, "p").reason, row(result, "p").cause) == ("unexpected end of JSON input", "credentials")
    assert stages(row(result, "p")) == {"sync": 45.0}


@pytest.mark.parametrize(("version", "starts"), [((1, 32), True), ((1, 33), False), ((1, 34), False), ((1, 35), True)])
def test_only_1_33_and_1_34_look_up_for_an_image_that_is_there(version, starts):
    assert (started(broken(version, present=True)).get("p") is not None) is starts


@pytest.mark.parametrize("version", [(1, 28), (1, 32)])
def test_before_1_33_it_is_a_failed_pull(version):
    result = broken(version, present=False)
    assert [reason for _, reason in story(result)][:3] == ["Pulling", "Failed", "Failed"]
    told = messages(result, "Failed")
    assert told[:2] == ['Failed to pull image "app:1": unexpected end of JSON input', "Error: ErrImagePull"]
    assert len(result.pulls) == 3  # at 0, 10 and 30 s: it counts for the back-off


def test_with_the_policy_always_it_is_looked_up_in_every_release():
    for version in ((1, 32), (1, 34), (1, 35)):
        assert started(broken(version, present=True, policy="Always")).get("p") is None


def test_in_back_off_1_35_looks_up_all_the_same():
    """The look-up comes before the check of the back-off, so that its error goes before BackOff."""
    asked = with_secrets(pod("p", APP), "s0")
    made = (*secrets(WRONG), replace(BROKEN[0], created=5.1))
    spec = node(containerd(), loop=STEADY)
    result = run_containerd(IMAGES, [asked], spec=spec, source=private(), secrets=made, horizon=8.0)
    assert messages(result, "Failed")[-1] == "Error: unexpected end of JSON input"
    assert not times(result, "BackOff")


# ---------------------------------------------------------------- the runtime's own way in


def runtime(**given):
    return replace(containerd(), **given)


BASIC = "Basic Y2k6cmlnaHQ="  # ci:right


@pytest.mark.parametrize(
    ("spec", "gets_in"),
    [
        (runtime(auths={HOST: CI}), True),
        (runtime(auths={"elsewhere.example": CI}), False),
        (runtime(hosts=(RegistryHosts(HOST, (HostSpec(HOST, header=(("Authorization", (BASIC,)),)),)),)), True),
        (
            runtime(
                hosts=(RegistryHosts(HOST, server=HostSpec(HOST, header=(("authorization", ("Bearer right",)),))),)
            ),
            True,
        ),
        (runtime(hosts=(RegistryHosts(HOST, (HostSpec(HOST, header=(("authorization", ("Bearer no",)),)),)),)), False),
        (  # a mirror's header, and the mirror itself has nothing to pull
            runtime(
                hosts=(
                    RegistryHosts(
                        HOST, (HostSpec("m.test", capabilities=("push",), header=(("authorization", (BASIC,)),)),)
                    ),
                )
            ),
            False,
        ),
    ],
)
@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_credentials_of_the_runtime(spec, gets_in, auth):
    result = run_containerd(IMAGES, [pod("p", APP)], spec=node(spec), source=private(auth), horizon=60.0)
    assert pull(result, "p").ok is gets_in


def test_the_kubelets_credentials_go_before_the_runtimes_but_not_before_a_header():
    asked = [with_secrets(pod("p", APP), "s0")]
    given = {"source": private(), "secrets": secrets(WRONG), "horizon": 60.0}
    assert not pull(run_containerd(IMAGES, asked, spec=node(runtime(auths={HOST: CI})), **given), "p").ok
    header = RegistryHosts(HOST, server=HostSpec(HOST, header=(("Authorization", (BASIC,)),)))
    assert pull(run_containerd(IMAGES, asked, spec=node(runtime(hosts=(header,))), **given), "p").ok


def test_a_header_saves_the_challenges():
    header = RegistryHosts(HOST, server=HostSpec(HOST, header=(("Authorization", (BASIC,)),)))
    result = run_containerd(IMAGES, [pod("p", APP)], spec=node(runtime(hosts=(header,))), source=private())
    assert pull(result, "p").stages["resolve"] == pytest.approx(5.0)  # connection, HEAD | connection, manifest, config


def test_named_images_are_of_the_registry():
    assert named(APP) == APP
