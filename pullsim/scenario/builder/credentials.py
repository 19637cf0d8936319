"""Building the credentials of kubelets, the cluster's secrets, and the access rules of registries from a scenario."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pullsim.cri import Auth
from pullsim.errors import InputError, Location, shown
from pullsim.formats.kubernetes.credential_provider_config import read_providers
from pullsim.formats.kubernetes.docker_config import InvalidDockerConfig, parse_config_json, parse_dockercfg
from pullsim.inputs import read_text
from pullsim.inputs.document import MAX_BYTES
from pullsim.inputs.suggestion import did_you_mean
from pullsim.releases.kubelet import KUBELET
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec.credentials import (
    CredentialSources,
    DockerConfig,
    DockerConfigEntry,
    Plugin,
    Secret,
    ServiceAccount,
    Window,
)
from pullsim.spec.registry import AccessSpec, Account

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.credentials import Login
    from pullsim.scenario.model.credentials import Plugin as PluginModel
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.scenario.model.registries import Registry
    from pullsim.scenario.model.scenario import ScenarioModel
    from pullsim.spec.cluster import DaemonSet, Pod, PodSpec, Prepull
    from pullsim.spec.kubelet import KubeletConfig

    Made = TypeVar("Made", Pod, DaemonSet, Prepull)

FOREVER = float("inf")


def credential_sources(
    pool: NodePool, kubelet: KubeletConfig, index: int, directory: Path, findings: Findings
) -> CredentialSources:
    """Return the docker config file and the credential providers of a pool's kubelet. Errors go to the findings."""
    credentials = pool.credentials
    if credentials is None:
        return CredentialSources()
    here = ("nodes", index, "credentials")
    config: DockerConfig = ()
    if credentials.docker_config is not None:
        try:
            config = read_docker_config(directory / credentials.docker_config)
        except InputError as error:
            findings.take(error, *here, "dockerConfig")
        else:
            if not config:
                name = f"nodes[{pool.name}].credentials.dockerConfig"
                findings.warnings.append(f"{name} has no auths; the kubelet does not use credHelpers and credsStore")
    if credentials.providers is None:
        return CredentialSources(config)
    try:
        providers = read_providers(
            directory / credentials.providers,
            KUBELET.resolve(pool.kubelet_version),
            kubelet.feature_gates,
            lambda text: findings.warnings.append(f"{credentials.providers}: {text}"),
        )
    except InputError as error:
        findings.take(error, *here, "providers")
        return CredentialSources(config)
    plugins = {name: _plugin(plugin) for name, plugin in credentials.plugins.items()}
    names = [provider.name for provider in providers]
    for name, plugin in credentials.plugins.items():
        if name not in names:
            findings.error(f"there is no such provider in the file{did_you_mean(name, names)}", *here, "plugins", name)
        for account in plugin.service_accounts or ():
            if account.count("/") != 1:
                message = f"{shown(account)} must be namespace/name"
                findings.error(message, *here, "plugins", name, "serviceAccounts")
    if missing := [name for name in names if name not in plugins]:
        message = (
            f"plugin binary executable {missing[0]} did not exist: say what it answers, plugins: {{{missing[0]}: …}}"
        )
        findings.error(message, *here, "providers")
        return CredentialSources(config)
    return CredentialSources(config, tuple(replace(provider, plugin=plugins[provider.name]) for provider in providers))


def access(registry: Registry) -> AccessSpec:
    """Return the rules of who may pull from a registry."""
    accounts = (spec_of(user, Account, since=user.from_) for user in registry.credentials)
    return spec_of(registry, AccessSpec, accounts=tuple(accounts), allow=frozenset(registry.allow))


def build_secrets(scenario: ScenarioModel, directory: Path, findings: Findings) -> tuple[Secret, ...]:
    """Return the secrets in the scenario itself. One whose file the kubelet cannot parse fails in the run."""
    secrets = []
    for index, entry in enumerate(scenario.secrets):
        secret = Secret(entry.namespace, entry.name, _entries(entry.auths), created=entry.at)
        if entry.docker_config is not None:
            file = directory / entry.docker_config
            try:
                secret = replace(secret, config=_parse(file, read_text(file, MAX_BYTES)))
            except InvalidDockerConfig as error:
                secret = replace(secret, error=str(error))
                findings.warnings.append(f"secrets[{entry.name}]: {file}: {error}: containers with it do not start")
            except InputError as error:
                findings.take(error, "secrets", index, "dockerConfig")
        secrets.append(secret)
    return tuple(secrets)


def build_service_accounts(scenario: ScenarioModel) -> tuple[ServiceAccount, ...]:
    """Return the service accounts in the scenario itself, not in its manifests."""
    return tuple(
        spec_of(entry, ServiceAccount, pull_secrets=tuple(entry.image_pull_secrets))
        for entry in scenario.service_accounts
    )


def admit(made: Iterable[Made], accounts: Iterable[ServiceAccount]) -> tuple[Made, ...]:
    """Return the pods, where those without imagePullSecrets get the ones of their service account.

    Source: plugin/pkg/admission/serviceaccount/admission.go Admit, all releases.
    """
    secrets = {(each.namespace, each.name): each.pull_secrets for each in accounts if each.pull_secrets}
    if not secrets:
        return tuple(made)
    specs: dict[tuple[int, str], PodSpec] = {}
    admitted = []
    for each in made:
        spec = each.spec
        own = secrets.get((each.namespace, spec.service_account))
        if own and not spec.pull_secrets:
            key = (id(spec), each.namespace)
            each = replace(each, spec=specs.setdefault(key, replace(spec, pull_secrets=own)))  # noqa: PLW2901
        admitted.append(each)
    return tuple(admitted)


def missing_secrets(made: Iterable[Pod | DaemonSet | Prepull], secrets: Iterable[Secret]) -> list[str]:
    """Return a warning for each secret that pods refer to and that is never created."""
    there = {(secret.namespace, secret.name) for secret in secrets}
    wanted = {(each.namespace, name): each.name for each in made for name in each.spec.pull_secrets}
    return [
        f"there is no Secret {name} in the namespace {namespace}, which {pod} and others want to pull with"
        for (namespace, name), pod in sorted(wanted.items())
        if (namespace, name) not in there
    ]


def read_docker_config(file: Path) -> DockerConfig:
    """Read a docker config file. Raises InputError with the kubelet's message for one that it cannot parse."""
    try:
        return _parse(file, read_text(file, MAX_BYTES))
    except InvalidDockerConfig as error:
        raise InputError(f"the kubelet cannot read this file: {error}", Location(str(file))) from None


def _parse(file: Path, text: str) -> DockerConfig:
    legacy = file.name.endswith(".dockercfg")
    return parse_dockercfg(text) if legacy else parse_config_json(text)


def _entries(auths: Mapping[str, Login]) -> DockerConfig:
    return tuple(DockerConfigEntry(key, Auth(login.username, login.password)) for key, login in auths.items())


def _plugin(plugin: PluginModel) -> Plugin:
    accounts = plugin.service_accounts
    return spec_of(
        plugin,
        Plugin,
        auth=tuple(_entries(plugin.auth)),
        failures=tuple(Window(each.at, FOREVER if each.for_ is None else each.for_) for each in plugin.failures),
        service_accounts=None
        if accounts is None
        else frozenset((namespace, name) for namespace, _, name in (each.partition("/") for each in accounts)),
    )
