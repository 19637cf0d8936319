"""The KubeletConfiguration fields that matter to image pulls, with the kubelet's own defaulting and validation.

Sources: staging/src/k8s.io/kubelet/config/v1beta1/types.go (names), pkg/kubelet/apis/config/v1beta1/defaults.go,
pkg/kubelet/apis/config/validation/validation.go (messages), pkg/features/kube_features.go (gates); read at 1.35.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from pullsim.errors import InputError
from pullsim.oci.reference import InvalidReference, parse
from pullsim.spec.eviction_thresholds import Threshold, effective_thresholds, parse_thresholds
from pullsim.spec.feature_gates import resolve_feature_gates
from pullsim.spec.kubelet_values import read
from pullsim.units import format_duration_go

if TYPE_CHECKING:
    from pullsim.releases.kubelet import Version

DEFAULT_VERSION: Final = (1, 35)
VERIFICATION_POLICIES: Final = (
    "NeverVerify",
    "NeverVerifyPreloadedImages",
    "NeverVerifyAllowlistedImages",
    "AlwaysVerify",
)

_NS: Final = 10**9


@dataclass(frozen=True, slots=True)
class KubeletConfig:
    """A kubelet's settings after defaulting, under their names in KubeletConfiguration; times in seconds."""

    serialize_image_pulls: bool = True
    max_parallel_image_pulls: int | None = None  # None: no limit; not used when serial
    registry_pull_qps: int = 5  # 0: no limit
    registry_burst: int = 10
    image_minimum_gc_age: float = 120.0
    image_maximum_gc_age: float = 0.0  # 0: images do not age out
    image_gc_high_threshold_percent: int = 85
    image_gc_low_threshold_percent: int = 80
    image_pull_credentials_verification_policy: str | None = "NeverVerifyPreloadedImages"  # None: gate off, no records
    preloaded_images_verification_allowlist: tuple[str, ...] = ()
    max_container_restart_period: float = 300.0  # crashLoopBackOff.maxContainerRestartPeriod; not of image back-off
    runtime_request_timeout: float = 120.0  # not applied to PullImage
    sync_frequency: float = 60.0
    node_status_max_images: int = 50  # -1: all
    eviction_hard: tuple[Threshold, ...] = field(default_factory=lambda: parse_thresholds(None, {}, {}, {})[0])
    eviction_soft: tuple[Threshold, ...] = ()  # these two: those of the disk's signals
    eviction_pressure_transition_period: float = 300.0
    file_check_frequency: float = 20.0
    http_check_frequency: float = 20.0
    max_pods: int = 110
    feature_gates: Mapping[str, bool] = field(default_factory=lambda: resolve_feature_gates({}, DEFAULT_VERSION))
    ignored: tuple[str, ...] = field(default=(), compare=False)  # fields given that no pull depends on
    unknown: tuple[str, ...] = field(default=(), compare=False)  # fields given that no known release has

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], version: Version = DEFAULT_VERSION) -> Self:
        """Default and validate a KubeletConfiguration (or the answer of ``/configz``) as a kubelet of ``version`` does.

        Fields that no known release has are passed over and listed, as a kubelet decodes leniently what it does not
        know and logs that (pkg/kubelet/kubeletconfig/util/codec/codec.go DecodeKubeletConfiguration): they are of a
        newer release. A name that is nearly a known one is a mistake.

        Raises InputError with the kubelet's own text for values that it refuses, all of them in one error.
        """
        given, ignored, unknown = read(mapping, version)
        gates = resolve_feature_gates(given.get("featureGates", {}), version)
        values = _defaulted(given, gates)
        if errors := _violations(values, gates, version):
            raise InputError(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
        restart = values["crashLoopBackOff.maxContainerRestartPeriod"]
        hard, soft = parse_thresholds(
            given.get("evictionHard"),
            given.get("evictionSoft", {}),
            given.get("evictionSoftGracePeriod", {}),
            given.get("evictionMinimumReclaim", {}),
            merge_defaults=given.get("mergeDefaultEvictionSettings", False),
        )
        return cls(
            serialize_image_pulls=values["serializeImagePulls"],
            max_parallel_image_pulls=values["maxParallelImagePulls"],
            registry_pull_qps=values["registryPullQPS"],
            registry_burst=values["registryBurst"],
            image_minimum_gc_age=values["imageMinimumGCAge"] / _NS,
            image_maximum_gc_age=values["imageMaximumGCAge"] / _NS,
            image_gc_high_threshold_percent=values["imageGCHighThresholdPercent"],
            image_gc_low_threshold_percent=values["imageGCLowThresholdPercent"],
            image_pull_credentials_verification_policy=values["imagePullCredentialsVerificationPolicy"] or None,
            preloaded_images_verification_allowlist=tuple(values["preloadedImagesVerificationAllowlist"]),
            max_container_restart_period=300.0 if restart is None else restart / _NS,
            runtime_request_timeout=values["runtimeRequestTimeout"] / _NS,
            sync_frequency=values["syncFrequency"] / _NS,
            node_status_max_images=values["nodeStatusMaxImages"],
            eviction_hard=hard,
            eviction_soft=soft,
            eviction_pressure_transition_period=values["evictionPressureTransitionPeriod"] / _NS,
            file_check_frequency=values["fileCheckFrequency"] / _NS,
            http_check_frequency=values["httpCheckFrequency"] / _NS,
            max_pods=values["maxPods"],
            feature_gates=gates,
            ignored=ignored,
            unknown=unknown,
        )

    def effective(self) -> dict[str, Any]:
        """The fields that pulls depend on after defaulting, as a KubeletConfiguration has them."""
        fields = {
            "serializeImagePulls": self.serialize_image_pulls,
            "maxParallelImagePulls": self.max_parallel_image_pulls,
            "registryPullQPS": self.registry_pull_qps,
            "registryBurst": self.registry_burst,
            "syncFrequency": _age(self.sync_frequency),
            "imagePullCredentialsVerificationPolicy": self.image_pull_credentials_verification_policy,
            **self._housekeeping(),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _housekeeping(self) -> dict[str, Any]:
        """The fields of garbage collection and eviction."""
        return {
            "imageMinimumGCAge": _age(self.image_minimum_gc_age),
            "imageMaximumGCAge": _age(self.image_maximum_gc_age) if self.image_maximum_gc_age else None,
            "imageGCHighThresholdPercent": self.image_gc_high_threshold_percent,
            "imageGCLowThresholdPercent": self.image_gc_low_threshold_percent,
            **effective_thresholds(self.eviction_hard, self.eviction_soft),
            "evictionPressureTransitionPeriod": _age(self.eviction_pressure_transition_period),
        }


def _age(seconds: float) -> str:
    return format_duration_go(round(seconds * _NS))


def _defaulted(given: Mapping[str, Any], gates: Mapping[str, bool]) -> dict[str, Any]:
    """Values after defaulting. Zero means unset for the fields that are no pointers in Go.

    Source: defaults.go, SetDefaults_KubeletConfiguration.
    """
    parallel = given.get("maxParallelImagePulls")
    pointers = {
        "maxParallelImagePulls": None,
        "serializeImagePulls": parallel is None or parallel < 2,
        "registryPullQPS": 5,
        "imageGCHighThresholdPercent": 85,
        "imageGCLowThresholdPercent": 80,
        "nodeStatusMaxImages": 50,
    }
    plain: dict[str, Any] = {
        "registryBurst": 10,
        "maxPods": 110,
        "imageMinimumGCAge": 120 * _NS,
        "imageMaximumGCAge": 0,
        "runtimeRequestTimeout": 120 * _NS,
        "syncFrequency": 60 * _NS,
        "evictionPressureTransitionPeriod": 300 * _NS,
        "fileCheckFrequency": 20 * _NS,
        "httpCheckFrequency": 20 * _NS,
        "imagePullCredentialsVerificationPolicy": (
            "NeverVerifyPreloadedImages" if gates.get("KubeletEnsureSecretPulledImages") else ""
        ),
        "preloadedImagesVerificationAllowlist": [],
    }
    restart = given.get("crashLoopBackOff")
    if restart is None and gates.get("KubeletCrashLoopBackOffMax"):
        restart = 300 * _NS
    return {
        **{name: given.get(name, default) for name, default in pointers.items()},
        **{name: given.get(name) or default for name, default in plain.items()},
        "crashLoopBackOff.maxContainerRestartPeriod": restart,
    }


def _violations(values: Mapping[str, Any], gates: Mapping[str, bool], version: Version) -> list[str]:
    """List what the kubelet refuses, in its words and order. Source: validation.go, ValidateKubeletConfiguration."""
    found: list[str] = []
    high, low = values["imageGCHighThresholdPercent"], values["imageGCLowThresholdPercent"]
    high_name = "imageGCHighThresholdPercent (--image-gc-high-threshold)"
    low_name = "imageGCLowThresholdPercent (--image-gc-low-threshold)"
    if not 0 <= high <= 100:
        found.append(f"{high_name} {high} must be between 0 and 100, inclusive")
    if not 0 <= low <= 100:
        found.append(f"{low_name} {low} must be between 0 and 100, inclusive")
    if low >= high:
        found.append(f"{low_name} {low} must be less than {high_name} {high}")
    youngest, oldest = values["imageMinimumGCAge"], values["imageMaximumGCAge"]
    if oldest != 0 and not gates.get("ImageMaximumGCAge"):
        found.append("ImageMaximumGCAge feature gate is required for Kubelet configuration option imageMaximumGCAge")
    if youngest < 0 and version >= (1, 36):  # kubernetes pull 135997
        found.append(f"imageMinimumGCAge {format_duration_go(youngest)} must not be negative")
    if oldest < 0:
        found.append(f"imageMaximumGCAge {format_duration_go(oldest)} must not be negative")
    if 0 < oldest <= youngest:
        ages = (format_duration_go(oldest), format_duration_go(youngest))
        found.append(f"imageMaximumGCAge {ages[0]} must be greater than imageMinimumGCAge {ages[1]}")
    if values["nodeStatusMaxImages"] < -1:
        name = "nodeStatusMaxImages (--node-status-max-images)"
        found.append(f"{name} {values['nodeStatusMaxImages']} must be -1 or greater")
    for field_, flag in (
        ("maxPods", "max-pods"),
        ("registryBurst", "registry-burst"),
        ("registryPullQPS", "registry-qps"),
    ):
        if values[field_] < 0:
            found.append(f"{field_} (--{flag}) {values[field_]} must not be a negative number")
    parallel = values["maxParallelImagePulls"]
    if parallel is not None and parallel < 1:
        found.append(f"maxParallelImagePulls {parallel} must be a positive number")
    if values["serializeImagePulls"] and parallel is not None and parallel > 1:
        switch = "SerializeImagePulls (--serialize-image-pulls)"
        found.append(f"maxParallelImagePulls cannot be larger than 1 unless {switch} is set to false")
    restart = values["crashLoopBackOff.maxContainerRestartPeriod"]
    if restart is not None:
        if not gates.get("KubeletCrashLoopBackOffMax"):
            gate = "FeatureGate KubeletCrashLoopBackOffMax not enabled"
            found.append(f"{gate}, CrashLoopBackOff.MaxContainerRestartPeriod must not be set")
        elif not 1000 <= restart // 10**6 <= 300_000:  # whole milliseconds
            got = f"{restart / _NS:.15g}"
            found.append(
                f"CrashLoopBackOff.MaxContainerRestartPeriod (got: {got} seconds) must be set between 1s and 300s"
            )
    found += _credential_violations(values, enabled=gates.get("KubeletEnsureSecretPulledImages", False))
    return [f"invalid configuration: {message}" for message in found]


def _credential_violations(values: Mapping[str, Any], *, enabled: bool) -> list[str]:
    found = []
    policy = values["imagePullCredentialsVerificationPolicy"]
    allowlist = values["preloadedImagesVerificationAllowlist"]
    if not enabled:
        unset = "must not be set if KubeletEnsureSecretPulledImages feature gate is not enabled"
        if policy:
            found.append(f"`imagePullCredentialsVerificationPolicy` {unset}")
        if allowlist:
            found.append(f"`preloadedImagesVerificationAllowlist` {unset}")
        return found
    if policy not in VERIFICATION_POLICIES:
        *first, last = (f'"{valid}"' for valid in VERIFICATION_POLICIES)
        valid = f"Valid options are {', '.join(first)} or {last}"
        found.append(f'option "{policy}" specified for imagePullCredentialsVerificationPolicy. {valid}')
    if allowlist and policy != "NeverVerifyAllowlistedImages":
        needed = (
            '`imagePullCredentialsVertificationPolicy` is not "NeverVerifyAllowlistedImages"'  # upstream's spelling
        )
        found.append(f"can't set `preloadedImagesVerificationAllowlist` if {needed}")
    else:
        wrong = next(filter(None, map(_allowlist_violation, allowlist)), None)
        if wrong:
            found.append(f"invalid image pattern in `preloadedImagesVerificationAllowlist`: {wrong}")
    return found


def _allowlist_violation(pattern: str) -> str | None:
    """Source: pkg/kubelet/images/pullmanager/image_pull_policies.go, getAllowlistImagePattern."""
    if pattern != pattern.strip():
        return f"leading/trailing spaces are not allowed: {pattern}"
    wildcard = pattern.endswith("/*")
    name = pattern.removesuffix("*") if wildcard else pattern
    if not name:
        return f"the supplied pattern is too short: {pattern}"
    if "*" in name:
        return f"not a valid wildcard pattern, only patterns ending with '/*' are allowed: {pattern}"
    if wildcard:
        return "at least registry hostname is required" if len(name) == 1 else None
    try:
        full_name = parse(name).repository
    except InvalidReference as error:
        return f"failed to parse as an image name: {error}"
    return None if name == full_name else f"neither tag nor digest is accepted in an image reference: {pattern}"
