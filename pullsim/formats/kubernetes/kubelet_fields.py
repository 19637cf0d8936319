"""The table of the fields of a KubeletConfiguration: type, first release, and whether a simulated run depends on it.

Source: staging/src/k8s.io/kubelet/config/v1beta1/types.go, read at all releases from 1.24 to 1.37.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Field(NamedTuple):
    """A field that is read. Its default is that of the attribute of `KubeletConfig` with the same name."""

    type: str  # bool | int32 | duration | string | strings (a list) | texts (text by text) | mapping
    since: tuple[int, int] = (1, 0)  # the first kubelet release that has the field
    pointer: bool = False  # whether it is a pointer in Go: then zero is a value, otherwise zero counts as unset
    effect: bool = True  # False: the field is validated but changes nothing in the simulation
    written: bool = True  # whether the effective scenario, which has all defaults, contains the field
    meaning: str = ""  # the text in scenarios/REFERENCE.md; "": the field is not listed there


#: The fields that are read, in the order in which they are written.
FIELDS: Final = {
    "serializeImagePulls": Field(
        "bool", pointer=True, meaning="One pull at a time; `false` by default when `maxParallelImagePulls` is above 1."
    ),
    "maxParallelImagePulls": Field(
        "int32",
        (1, 27),
        pointer=True,
        meaning="Pulls at a time; none: no limit. More than 1 needs `serializeImagePulls: false`.",
    ),
    "registryPullQPS": Field(
        "int32",
        pointer=True,
        meaning="Pulls begun a second; 0: no limit. A pull above it is refused, and asked for again later.",
    ),
    "registryBurst": Field("int32", meaning="Pulls that may begin at once while the rate is kept."),
    "syncFrequency": Field(
        "duration", meaning="Seconds after which a pod is looked at again when nothing happens to it."
    ),
    "imagePullCredentialsVerificationPolicy": Field("string", (1, 33)),
    "imageMinimumGCAge": Field(
        "duration", meaning="Seconds from an image's detection in which no threshold removes it."
    ),
    "imageMaximumGCAge": Field(
        "duration", (1, 29), meaning="Seconds without use after which an image is removed; 0: never."
    ),
    "imageGCHighThresholdPercent": Field(
        "int32",
        pointer=True,
        meaning="Use of the disk, in percent, from which unused images are removed; 100: never.",
    ),
    "imageGCLowThresholdPercent": Field("int32", pointer=True, meaning="Use of the disk down to which they are."),
    "evictionHard": Field(
        "texts", meaning="Free space below which disk pressure begins; `nodefs.available`, `imagefs.available`."
    ),
    "evictionSoft": Field("texts", meaning="The same after `evictionSoftGracePeriod`."),
    "evictionSoftGracePeriod": Field("texts"),
    "evictionMinimumReclaim": Field("texts"),
    "evictionPressureTransitionPeriod": Field("duration", meaning="Seconds that disk pressure lasts after its cause."),
    "nodeStatusMaxImages": Field(
        "int32",
        pointer=True,
        written=False,
        meaning="Images that a node tells of, largest first, for the score ImageLocality of the scheduler; -1: all.",
    ),
    "maxPods": Field("int32", written=False, meaning="Most pods on the node; `nodes[].maxPods` goes before it."),
    "featureGates": Field("mapping", written=False, meaning="Some change the wording of events."),
    "mergeDefaultEvictionSettings": Field("bool", (1, 33), written=False),
    "preloadedImagesVerificationAllowlist": Field("strings", (1, 33), written=False),
    "crashLoopBackOff": Field("mapping", (1, 32), effect=False, written=False),
    "runtimeRequestTimeout": Field("duration", effect=False, written=False),
    "fileCheckFrequency": Field("duration", effect=False, written=False),
    "httpCheckFrequency": Field("duration", effect=False, written=False),
}
#: The other fields of a KubeletConfiguration, on which no pull depends: they are accepted and listed as ignored.
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


def field_names() -> frozenset[str]:
    """Return the names of all fields of a KubeletConfiguration, except ``kind`` and ``apiVersion``."""
    return OTHER_FIELDS | FIELDS.keys()


def attribute(name: str) -> str:
    """Return the name that a field has in `KubeletConfig`: ``registry_pull_qps`` for ``registryPullQPS``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
