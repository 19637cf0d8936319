"""Reading a KubeletConfiguration as a kubelet of a given release does, with defaults and validation, and writing one.

Sources: staging/src/k8s.io/kubelet/config/v1beta1/types.go (names), pkg/kubelet/apis/config/v1beta1/defaults.go,
pkg/features/kube_features.go (gates); read at 1.35.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError
from pullsim.formats.kubernetes.kubelet_fields import FIELDS, attribute
from pullsim.formats.kubernetes.kubelet_validation import violations
from pullsim.formats.kubernetes.kubelet_values import read
from pullsim.spec.eviction_thresholds import effective_thresholds, parse_thresholds
from pullsim.spec.feature_gates import resolve_feature_gates
from pullsim.spec.kubelet import DEFAULT_VERSION, KubeletConfig
from pullsim.units import format_duration_go

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.releases.kubelet import Version

_NS: Final = 10**9
#: The attributes of `KubeletConfig` that depend on more than one field of the file.
_COMPOSED: Final = frozenset(["eviction_hard", "eviction_soft", "feature_gates"])
_ATTRIBUTES: Final = frozenset(field.name for field in fields(KubeletConfig)) - _COMPOSED
#: The fields of the file that set the attribute of the same name.
_OWN: Final = {name: field for name, field in FIELDS.items() if attribute(name) in _ATTRIBUTES}
_DEFAULTS: Final = KubeletConfig()
_RESTART: Final = "crashLoopBackOff.maxContainerRestartPeriod"


def read_kubelet_configuration(mapping: Mapping[str, Any], version: Version = DEFAULT_VERSION) -> KubeletConfig:
    """Default and validate a KubeletConfiguration (or the answer of ``/configz``) as a kubelet of ``version`` does.

    Fields that no known release has are ignored and listed in ``unknown``; they may belong to a newer release. A
    kubelet too ignores and logs them (pkg/kubelet/kubeletconfig/util/codec/codec.go DecodeKubeletConfiguration). A
    field that looks like a misspelt one is an error.

    Raises InputError with the kubelet's own message for values that it refuses, all of them in one error.
    """
    given, ignored, unknown = read(mapping, version)
    gates = resolve_feature_gates(given.get("featureGates", {}), version)
    values = _defaulted(given, gates)
    if errors := violations(values, gates, version):
        parallel = values["maxParallelImagePulls"]
        hint = ""
        if values["serializeImagePulls"] and (parallel or 1) > 1:
            hint = f". It is {parallel} here: set both, of one pool as nodes[POOL].kubelet.serializeImagePulls=false"
        raise InputError((errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]") + hint)
    restart = values[_RESTART]
    hard, soft = parse_thresholds(
        given.get("evictionHard"),
        given.get("evictionSoft", {}),
        given.get("evictionSoftGracePeriod", {}),
        given.get("evictionMinimumReclaim", {}),
        merge_defaults=given.get("mergeDefaultEvictionSettings", False),
    )
    settings = {attribute(name): _setting(field.type, values[name]) for name, field in _OWN.items()}
    settings["image_pull_credentials_verification_policy"] = values["imagePullCredentialsVerificationPolicy"] or None
    if restart is not None:
        settings["max_container_restart_period"] = restart / _NS
    return KubeletConfig(
        **settings, eviction_hard=hard, eviction_soft=soft, feature_gates=gates, ignored=ignored, unknown=unknown
    )


def written_fields(config: KubeletConfig) -> dict[str, Any]:
    """Return the fields on which pulls depend, after defaulting, as they are written in a KubeletConfiguration."""
    thresholds = effective_thresholds(config.eviction_hard, config.eviction_soft)
    written: dict[str, Any] = {}
    for name, field in FIELDS.items():
        if field.written:
            value = thresholds[name] if name in thresholds else getattr(config, attribute(name))
            if field.type == "duration":
                value = format_duration_go(round(value * _NS)) if value else None
            if value is not None:
                written[name] = value
    return written


def _defaulted(given: Mapping[str, Any], gates: Mapping[str, bool]) -> dict[str, Any]:
    """Return the values after defaulting, durations in nanoseconds. `Field` says when a field counts as unset.

    Source: defaults.go, SetDefaults_KubeletConfiguration.
    """
    defaults = {name: _default(name) for name in _OWN}
    parallel = given.get("maxParallelImagePulls")
    defaults["serializeImagePulls"] = parallel is None or parallel < 2
    if not gates.get("KubeletEnsureSecretPulledImages"):
        defaults["imagePullCredentialsVerificationPolicy"] = ""
    restart = given.get("crashLoopBackOff")
    if restart is None and gates.get("KubeletCrashLoopBackOffMax"):
        restart = round(_DEFAULTS.max_container_restart_period * _NS)
    values = {
        name: given.get(name, default) if FIELDS[name].pointer else given.get(name) or default
        for name, default in defaults.items()
    }
    return {**values, _RESTART: restart}


def _default(name: str) -> Any:
    value = getattr(_DEFAULTS, attribute(name))
    return round(value * _NS) if FIELDS[name].type == "duration" else value


def _setting(type: str, value: Any) -> Any:
    """Convert a value of the file to the type that `KubeletConfig` has: durations in seconds, lists as tuples."""
    if type == "duration":
        return value / _NS
    return tuple(value) if type == "strings" else value
