"""The settings of a kubelet that matter to image pulls.

The defaults are those of 1.35 (pkg/kubelet/apis/config/v1beta1/defaults.go SetDefaults_KubeletConfiguration).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from pullsim.frozen import dataclass
from pullsim.spec.eviction_thresholds import Threshold, parse_thresholds
from pullsim.spec.feature_gates import resolve_feature_gates

DEFAULT_VERSION: Final = (1, 35)


@dataclass(frozen=True, slots=True)
class KubeletConfig:
    """A kubelet's settings after defaulting, named as in KubeletConfiguration but in snake case; times in seconds."""

    serialize_image_pulls: bool = True
    max_parallel_image_pulls: int | None = None  # None: no limit; has no effect with serialize_image_pulls
    registry_pull_qps: int = 5  # 0: no limit
    registry_burst: int = 10
    image_minimum_gc_age: float = 120.0
    image_maximum_gc_age: float = 0.0  # 0: images do not age out
    image_gc_high_threshold_percent: int = 85
    image_gc_low_threshold_percent: int = 80
    image_pull_credentials_verification_policy: str | None = "NeverVerifyPreloadedImages"  # None: the gate is off
    preloaded_images_verification_allowlist: tuple[str, ...] = ()
    max_container_restart_period: float = 300.0  # crashLoopBackOff.maxContainerRestartPeriod; image back-off ignores it
    runtime_request_timeout: float = 120.0  # not applied to PullImage
    sync_frequency: float = 60.0
    node_status_max_images: int = 50  # -1: all
    eviction_hard: tuple[Threshold, ...] = field(default_factory=lambda: parse_thresholds(None, {}, {}, {})[0])
    eviction_soft: tuple[Threshold, ...] = ()  # this and eviction_hard have the thresholds of the disk's signals only
    eviction_pressure_transition_period: float = 300.0
    file_check_frequency: float = 20.0
    http_check_frequency: float = 20.0
    max_pods: int = 110
    feature_gates: Mapping[str, bool] = field(default_factory=lambda: resolve_feature_gates({}, DEFAULT_VERSION))
    ignored: tuple[str, ...] = field(default=(), compare=False)  # fields of the file on which no pull depends
    unknown: tuple[str, ...] = field(default=(), compare=False)  # fields of the file that no known release has
