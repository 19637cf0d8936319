"""The names of a KubeletConfiguration's fields, and what this package does with each.

Source: staging/src/k8s.io/kubelet/config/v1beta1/types.go, read at all releases from 1.24 to 1.37.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The fields that are read: the type each must have, and the first release that has it.
FIELDS: Final = {
    "serializeImagePulls": ("bool", (1, 0)),
    "maxParallelImagePulls": ("int32", (1, 27)),
    "registryPullQPS": ("int32", (1, 0)),
    "registryBurst": ("int32", (1, 0)),
    "imageMinimumGCAge": ("duration", (1, 0)),
    "imageMaximumGCAge": ("duration", (1, 29)),
    "imageGCHighThresholdPercent": ("int32", (1, 0)),
    "imageGCLowThresholdPercent": ("int32", (1, 0)),
    "imagePullCredentialsVerificationPolicy": ("string", (1, 33)),
    "preloadedImagesVerificationAllowlist": ("strings", (1, 33)),
    "crashLoopBackOff": ("mapping", (1, 32)),
    "runtimeRequestTimeout": ("duration", (1, 0)),
    "syncFrequency": ("duration", (1, 0)),
    "nodeStatusMaxImages": ("int32", (1, 0)),
    "evictionHard": ("texts", (1, 0)),
    "evictionSoft": ("texts", (1, 0)),
    "evictionSoftGracePeriod": ("texts", (1, 0)),
    "evictionMinimumReclaim": ("texts", (1, 0)),
    "mergeDefaultEvictionSettings": ("bool", (1, 33)),
    "evictionPressureTransitionPeriod": ("duration", (1, 0)),
    "fileCheckFrequency": ("duration", (1, 0)),
    "httpCheckFrequency": ("duration", (1, 0)),
    "maxPods": ("int32", (1, 0)),
    "featureGates": ("mapping", (1, 0)),
}
#: Those of them that are validated, and change nothing in what this version simulates.
WITHOUT_EFFECT: Final = frozenset(
    [
        "crashLoopBackOff",
        "runtimeRequestTimeout",
        "fileCheckFrequency",
        "httpCheckFrequency",
    ]
)
#: The other fields of a KubeletConfiguration: accepted and listed, since no pull depends on them.
OTHER_FIELDS: Final = frozenset(
    """
    address allowedUnsafeSysctls authentication authorization cgroupDriver cgroupRoot cgroupsPerQOS clusterDNS
    clusterDomain configMapAndSecretChangeDetectionStrategy containerLogMaxFiles containerLogMaxSize
    containerLogMaxWorkers containerLogMonitorInterval containerRuntimeEndpoint contentType cpuCFSQuota
    cpuCFSQuotaPeriod cpuManagerPolicy cpuManagerPolicyOptions cpuManagerReconcilePeriod defaultPodSysctls
    draManagerReconcilePeriod
    enableContentionProfiling enableControllerAttachDetach enableDebugFlagsHandler
    enableDebuggingHandlers enableProfilingHandler enableServer enableSystemLogHandler enableSystemLogQuery
    enforceNodeAllocatable eventBurst eventRecordQPS evictionMaxPodGracePeriod
    failCgroupV1 failSwapOn hairpinMode healthzBindAddress healthzPort
    imageServiceEndpoint iptablesDropBit iptablesMasqueradeBit kernelMemcgNotification kubeAPIBurst kubeAPIQPS
    kubeReserved kubeReservedCgroup kubeletCgroups localStorageCapacityIsolation logging makeIPTablesUtilChains
    maxOpenFiles memoryManagerPolicy memoryReservationPolicy memorySwap memoryThrottlingFactor
    nodeLeaseDurationSeconds nodeStatusReportFrequency nodeStatusUpdateFrequency
    oomScoreAdj podCIDR podHousekeepingPeriod podLogsDir podPidsLimit podsPerCore port protectKernelDefaults
    providerID qosReserved
    readOnlyPort registerNode registerWithTaints reservedMemory reservedSystemCPUs resolvConf rotateCertificates
    runOnce seccompDefault serverTLSBootstrap showHiddenMetricsForVersion shutdownGracePeriod
    shutdownGracePeriodByPodPriority shutdownGracePeriodCriticalPods singleProcessOOMKill staticPodPath staticPodURL
    staticPodURLHeader streamingConnectionIdleTimeout systemCgroups systemReserved systemReservedCgroup tlsCertFile
    tlsCipherSuites tlsCurvePreferences tlsMinVersion tlsPrivateKeyFile topologyManagerPolicy
    topologyManagerPolicyOptions topologyManagerScope tracing userNamespaces volumePluginDir volumeStatsAggPeriod
    """.split()  # noqa: SIM905  # a table of names reads better
)
#: From which likeness on a name is taken for a slip of the pen. No field that upstream has added since 1.21 is so much
#: like an older one: imageMaximumGCAge, at 0.88, is the nearest.
SLIP: Final = 0.9
LONGEST: Final = 100  # letters of a name; the longest that there is has 38


def mistaken_for(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that this one is nearly, whatever the case of its letters; None: it is another."""
    return like(name, known, SLIP)


def like(name: str, known: Iterable[str], least: float = 0.7) -> str | None:
    """Return the known name that this one is most like, by so much at least; None: there is no such."""
    if len(name) > LONGEST:  # no name is like it, and to find that out takes its length squared
        return None
    ratios = {right: SequenceMatcher(None, name.lower(), right.lower()).ratio() for right in sorted(known)}
    best = max(ratios, key=lambda right: ratios[right])
    return best if ratios[best] >= least else None
