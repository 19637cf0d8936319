"""Credential provider plugins: when each is run, for whom, and how long its answer is kept."""

from __future__ import annotations

import pytest

from pullsim.cri import Auth
from pullsim.kernel.environment import Environment
from pullsim.kubelet.credentials.provider import CredentialProvider, Requester, provided
from pullsim.spec.credentials import Plugin, Provider, TokenAttributes, Window
from pullsim.time_line import TimeLine

AUTH = (("*.example.com", Auth("u", "token")),)
IMAGES = ("*.example.com",)
POD = Requester("default", "p", "default", {})
APP = "reg.example.com/team/app"


def asked(spec: Provider, *calls: tuple[float, str] | tuple[float, str, Requester]):
    """Ask at the given times; return for each when the answer came, and until when its credentials are good."""
    env = Environment()
    provider = CredentialProvider(env, spec)
    answers: dict[int, tuple[float, list[float]]] = {}

    def ask(number, at, image, requester=POD):
        yield env.timeout(at)
        keyring = yield from provided((provider,), image, requester, TimeLine(env.now, "sync"))
        answers[number] = (round(env.now, 9), [credential.auth.expires for credential in keyring.lookup(image)])

    for number, call in enumerate(calls):
        env.process(ask(number, *call))
    env.run()
    return [answers[number] for number in sorted(answers)]


def runs(spec: Provider, *calls) -> list[bool]:
    """Tell of each call whether it took the time of a run."""
    return [at > call[0] for (at, _), call in zip(asked(spec, *calls), calls, strict=True)]


def provider(cache="Registry", keeps=None, *, default=3600.0, takes=1.0, **plugin) -> Provider:
    token = plugin.pop("token", None)
    answer = Plugin(auth=AUTH, cache_key_type=cache, cache_duration=keeps, takes=takes, **plugin)
    return Provider("plugin", IMAGES, default, token, answer)


OTHERS = ((10.0, APP), (20.0, "reg.example.com/team/other"), (30.0, "two.example.com/app"))


@pytest.mark.parametrize(
    ("cache", "ran"),
    [
        ("Image", [True, False, True, True]),
        ("Registry", [True, False, False, True]),
        ("Global", [True, False, False, False]),
    ],
)
def test_an_answer_is_kept_for_the_image_the_registry_or_all(cache, ran):
    assert runs(provider(cache), (0.0, APP), *OTHERS) == ran


@pytest.mark.parametrize(
    ("keeps", "default", "ran"),
    [
        (None, 100.0, [True, False, False, True]),  # to the instant, and no longer
        (100.0, 5.0, [True, False, False, True]),
        (0.0, 100.0, [True, True, True, True]),
        (None, 0.0, [True, True, True, True]),
    ],
)
def test_how_long_it_is_kept(keeps, default, ran):
    calls = ((0.0, APP), (50.0, APP), (101.0, APP), (101.5, APP))
    assert runs(provider(keeps=keeps, default=default), *calls) == ran


def test_the_time_of_the_run_is_not_part_of_it():
    assert runs(provider(keeps=10.0, takes=5.0), (0.0, APP), (14.0, APP), (15.5, APP)) == [True, False, True]


def test_runs_for_one_image_at_a_time_are_one():
    answers = asked(provider(keeps=0.0), (0.0, APP), (0.4, APP), (0.9, APP), (1.5, APP))
    assert [at for at, _ in answers] == [1.0, 1.0, 1.0, 2.5]


def test_but_not_those_for_two_images_of_a_registry():
    """The plugin is asked for both, since nobody knows yet for what the answer will count."""
    answers = asked(provider("Global"), (0.0, APP), (0.5, "reg.example.com/team/other"), (2.0, "two.example.com/x"))
    assert [at for at, _ in answers] == [1.0, 1.5, 2.0]


def test_images_that_do_not_match_are_not_asked_for():
    assert asked(provider(), (0.0, "quay.io/app")) == [(0.0, [])]


def test_an_answer_for_other_registries_does_not_fit():
    spec = Provider("p", ("*.example.com",), 60.0, plugin=Plugin(auth=(("quay.io", Auth("u")),), takes=1.0))
    assert asked(spec, (0.0, APP)) == [(1.0, [])]


def test_tokens_expire_though_the_answer_is_kept():
    answers = asked(provider(keeps=100.0, valid=30.0), (0.0, APP), (50.0, APP), (102.0, APP))
    assert [until for _, (until,) in answers] == [31.0, 31.0, 133.0]


def test_failures_give_nothing_and_are_not_kept():
    spec = provider(failures=(Window(0.0, 10.0),))
    assert asked(spec, (0.0, APP), (5.0, APP), (10.0, APP)) == [(1.0, []), (6.0, []), (11.0, [float("inf")])]


def test_a_run_is_ended_after_a_minute():
    assert asked(provider(takes=61.0), (0.0, APP)) == [(60.0, [])]
    assert asked(provider(takes=60.0), (0.0, APP)) == [(60.0, [float("inf")])]


# ---------------------------------------------------------------- tokens of service accounts


def account(name="puller", pod="p", namespace="team", **annotations) -> Requester:
    return Requester(namespace, pod, name, {key.replace("_", "/"): value for key, value in annotations.items()})


def with_token(cache="ServiceAccount", *, require=True, required=(), optional=(), **plugin) -> Provider:
    return provider(token=TokenAttributes("registry", require, cache, required, optional), **plugin)


def test_answers_are_kept_for_each_service_account():
    calls = ((0.0, APP, account()), (10.0, APP, account(pod="q")), (20.0, APP, account("other")))
    assert runs(with_token(), *calls) == [True, False, True]


def test_or_for_each_token():
    calls = ((0.0, APP, account()), (10.0, APP, account(pod="q")), (20.0, APP, account()))
    assert runs(with_token("Token"), *calls) == [True, True, False]


def test_annotations_are_part_of_it():
    calls = [(10.0 * n, APP, account(a_b=value)) for n, value in enumerate(("1", "1", "2"))]
    assert runs(with_token(required=("a/b",)), *calls) == [True, False, True]
    assert runs(with_token(optional=("a/b",)), *calls) == [True, False, True]
    assert runs(with_token(), *calls) == [True, False, False]


def test_runs_with_tokens_are_not_shared():
    answers = asked(with_token(keeps=0.0), (0.0, APP, account()), (0.5, APP, account(pod="q")))
    assert [at for at, _ in answers] == [1.0, 1.5]


@pytest.mark.parametrize(
    "requester",
    [account(), Requester("team", "p", "puller", None), Requester("team", "p", "", {})],
    ids=["no annotation", "no such account", "no account"],
)
def test_without_what_it_needs_the_plugin_is_not_run(requester):
    assert asked(with_token(required=("a/b",)), (0.0, APP, requester)) == [(0.0, [])]


def test_a_pod_without_account_is_served_where_none_is_required():
    assert runs(with_token(require=False), (0.0, APP, Requester("team", "p", "", {}))) == [True]


def test_a_plugin_that_answers_some_accounts_only():
    spec = with_token(service_accounts=frozenset({("team", "puller")}))
    answers = asked(spec, (0.0, APP, account()), (10.0, APP, account("other")))
    assert [len(found) for _, found in answers] == [1, 0]


def test_credentials_are_bound_to_the_account():
    env = Environment()
    made = CredentialProvider(env, with_token())

    def ask():
        keyring = yield from provided((made,), APP, account(), TimeLine(0.0, "sync"))
        (credential,) = keyring.lookup(APP)
        return credential

    credential = env.run(env.process(ask()))
    assert (credential.secret, credential.service_account.name) == (None, "puller")
