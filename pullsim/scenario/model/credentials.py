"""Credentials in a scenario: what nodes, secrets, service accounts and plugins have, and what registries accept."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pullsim.scenario.model.quantities import DnsName, Duration, Section
from pullsim.spec.credentials import CacheKeyType, Window
from pullsim.spec.credentials import Plugin as PluginSpec
from pullsim.spec.registry import Account

_ACCOUNT = Account("", "")
_PLUGIN = PluginSpec()
_WINDOW = Window()


class Login(Section):
    """What is presented to a registry."""

    username: str = Field(default="", description="User name.")
    password: str = Field(default="", description="Password or token.")


class RegistryCredentials(Section):
    """A user that a private registry accepts."""

    username: str = Field(description="User name.")
    password: str = Field(description="Password.")
    repositories: list[str] = Field(
        default=[*_ACCOUNT.repositories], description="Shell patterns of the repositories that the user may pull."
    )
    from_: Duration = Field(default=_ACCOUNT.since, alias="from", description="From when on it is accepted.")
    until: Duration | None = Field(default=None, description="When it expires; absent: never.")


class PluginFailure(Section):
    """A time in which a plugin fails: the kubelet gets no credentials of it."""

    at: Duration = Field(default=_WINDOW.at, description="When it begins.")
    for_: Duration | None = Field(default=None, alias="for", description="How long it lasts; absent: to the end.")


class Plugin(Section):
    """What the program of a credential provider answers."""

    auth: dict[str, Login] = Field(
        default={}, description="By registry, with the patterns of a docker config: `*.dkr.ecr.*.amazonaws.com`."
    )
    cache_key_type: CacheKeyType = Field(
        default=_PLUGIN.cache_key_type, description="For what the kubelet keeps the answer."
    )
    cache_duration: Duration | None = Field(
        default=None, description="How long it does; absent: the provider's defaultCacheDuration; 0: not at all."
    )
    takes: Duration = Field(
        default=_PLUGIN.takes, description="How long the program runs; after 1m the kubelet gives up."
    )
    valid: Duration | None = Field(
        default=None, description="How long registries that have credentials take what it answers; absent: for ever."
    )
    failures: list[PluginFailure] = Field(default=[], description="When it fails.")
    service_accounts: list[str] | None = Field(
        default=None, description="Answers only for pods of these, as namespace/name; absent: for all."
    )


class NodeCredentials(Section):
    """What the kubelet may present to registries, beside the pods' secrets."""

    docker_config: str | None = Field(default=None, description="Path of a docker config.json, or of a .dockercfg.")
    providers: str | None = Field(
        default=None, description="Path of a CredentialProviderConfig, from 1.35 on of a directory of them."
    )
    plugins: dict[str, Plugin] = Field(default={}, description="By provider: what its program answers.")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.plugins and self.providers is None:
            raise ValueError("plugins need providers: a CredentialProviderConfig says when each is asked")
        return self


class Secret(Section):
    """A Secret with registry credentials. Two of one name are one that changes; manifests may have Secrets too."""

    name: DnsName = Field(description="Name, as in imagePullSecrets.")
    namespace: DnsName = Field(default="default", description="Namespace of the pods that use it.")
    at: Duration = Field(default=0.0, description="When it is created, or changes.")
    auths: dict[str, Login] = Field(default={}, description="By registry, as in a docker config.")
    docker_config: str | None = Field(
        default=None, description="Instead of auths: path of a docker config.json, or of a .dockercfg."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.auths) == (self.docker_config is not None):
            raise ValueError("a secret has either auths or dockerConfig")
        return self


class ServiceAccount(Section):
    """A ServiceAccount; every namespace has one that is named default."""

    name: DnsName = Field(description="Name, as in serviceAccountName.")
    namespace: DnsName = Field(default="default", description="Namespace.")
    image_pull_secrets: list[str] = Field(default=[], description="Secrets of its pods that have none of their own.")
    annotations: dict[str, str] = Field(default={}, description="What credential providers may ask for.")
