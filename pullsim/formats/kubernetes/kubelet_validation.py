"""The kubelet's validation of a KubeletConfiguration: the same rules, messages and order.

Source: pkg/kubelet/apis/config/validation/validation.go ValidateKubeletConfiguration, read at 1.35.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.oci.reference import InvalidReference, parse
from pullsim.units import format_duration_go

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.releases.kubelet import Version

VERIFICATION_POLICIES: Final = (
    "NeverVerify",
    "NeverVerifyPreloadedImages",
    "NeverVerifyAllowlistedImages",
    "AlwaysVerify",
)
_NS: Final = 10**9


def violations(values: Mapping[str, Any], gates: Mapping[str, bool], version: Version) -> list[str]:
    """Return the kubelet's message for each value that it refuses; values are defaulted, durations in nanoseconds."""
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
    """Return the messages about the verification of credentials; ``enabled``: its feature gate is on."""
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
            '`imagePullCredentialsVertificationPolicy` is not "NeverVerifyAllowlistedImages"'  # upstream's misspelling
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
