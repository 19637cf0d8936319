"""Measurements of benchmarks/lab: a real containerd over a known link, predicted by simulating the cases."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.frozen import dataclass
from pullsim.inputs.validation import validated
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Layer, Manifest
from pullsim.oci.platform import Platform
from pullsim.releases.release import Release
from pullsim.run import simulate
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Pod, PodSpec
from pullsim.spec.hardware import CoresSpec, NicSpec
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec
from pullsim.spec.unpack import UnpackSpec
from pullsim.study.fit.lab_document import DOCUMENT, CaseGiven, ImageGiven, PullGiven

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.study.fit.parameters import Values

HOST: Final = "lab.test"
BARE_ROUND_TRIP: Final = 0.2e-3  # seconds between two namespaces
CALIBRATION: Final = ("a", "b")  # groups: unpacking, single images
NOT_CRI: Final = "i"  # `ctr images pull`, which unpacks after all layers are there
CORES: Final = 2


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what was pulled over which link, and the median of the seconds until all was done."""

    id: str
    group: str
    mode: str  # single | parallel | serial | repull | missing
    seconds: float
    scatter: float  # half of the range over the repeats
    noisy: bool
    pulls: tuple[PullGiven, ...]
    mbit: float | None
    added_round_trip: float  # seconds
    version: Release
    downloads: int
    setting: tuple[object, ...]  # what else of containerd makes its figures incomparable

    @property
    def images(self) -> tuple[str, ...]:
        """Give the images by the name that the pods have."""
        return tuple(f"{HOST}/{pull.image}:{pull.tag}" for pull in self.pulls)


@dataclass(frozen=True, slots=True)
class Lab:
    """The cases of a file and its images."""

    file: str
    cases: tuple[Case, ...]
    catalog: Catalog
    bytes_of: Mapping[str, int]

    @classmethod
    def read(cls, document: Mapping[str, Any], file: str) -> Lab:
        """Read a document as benchmarks/lab writes it. Raises InputErrors with the places of what is wrong."""
        given = validated(DOCUMENT, document, file)
        catalog, sizes = Catalog(), {}
        for name, image in given.images.items():
            manifest = _manifest(image)
            try:
                catalog.add(f"{HOST}/{name}:v1", manifest)
            except InputError as error:
                raise InputError(f"images: {error.message}", Location(file)) from None
            sizes[f"{HOST}/{name}:v1"] = manifest.total_size
        return cls(file, tuple(map(_case, given.cases)), catalog, sizes)

    def comparable(self) -> tuple[list[Case], Counter[str]]:
        """Give the cases of the release and settings that most cases have, through the CRI, and count the others."""
        left_out: Counter[str] = Counter()
        settings = Counter(case.setting for case in self.cases if case.group != NOT_CRI)
        if not settings:
            raise InputError("there is no case pulled through the CRI", Location(self.file))
        usual = settings.most_common(1)[0][0]
        kept = []
        for case in self.cases:
            if case.group == NOT_CRI:
                left_out["cases not pulled through the CRI"] += 1
            elif case.mode == "missing":
                left_out["cases of images that are not there"] += 1
            elif case.setting != usual:
                left_out["cases of other releases or settings of containerd"] += 1
            else:
                kept.append(case)
        return kept, left_out

    def predict(self, case: Case, values: Values) -> float:
        """Simulate a case with these figures."""
        unlimited = {"serializeImagePulls": case.mode == "serial", "registryPullQPS": 0}
        rate = values["registry.egress"]
        spec = NodeSpec(
            "node",
            Platform("linux", "amd64"),
            nic=NicSpec(100e9),
            cores=CoresSpec(count=CORES),
            kubelet=read_kubelet_configuration(unlimited),
            loop=LoopSpec(minimal=True, retry=Interval(600.0, 0.0), resync=Interval(3600.0, 0.0)),
            runtime=ContainerdSpec(case.version, case.downloads, values["metadata.write"], _unpack(values)),
            cached=tuple(dict.fromkeys(case.images)) if case.mode == "repull" else (),
        )
        registry = RegistrySpec(
            HOST,
            egress=rate if case.mbit is None else min(rate, case.mbit * 125e3),
            per_connection=values["registry.perConnection"],
            round_trip=max(case.added_round_trip, BARE_ROUND_TRIP),
            first_byte=values["registry.firstByte"],
            max_window=round(values["registry.tcp.maxWindow"]),
            tls=False,
        )
        names = [f"node-{pull.node}" for pull in case.pulls]
        starts = [pull.start_s for pull in case.pulls]
        pods = [
            Pod(f"pod-{n}", "default", "lab", PodSpec((ContainerSpec("main", image, "Always"),)), at, node=name)
            for n, (image, name, at) in enumerate(zip(case.images, names, starts, strict=True))
        ]
        pods.sort(key=lambda pod: pod.created)
        nodes = tuple(Node(name, spec) for name in sorted(set(names)))
        result = simulate(
            ClusterSpec(nodes, tuple(pods), registries=(registry,), catalog=self.catalog, horizon=_HORIZON),
            detail="pulls",
        )
        return max((pull.ended for pull in result.pulls if pull.attempt == 1), default=_HORIZON)


_HORIZON: Final = 500.0  # seconds: pulls that fail would be tried again for ever


def _unpack(values: Values) -> UnpackSpec:
    return UnpackSpec(
        gzip=values["unpack.gzip"],
        stored=values["unpack.stored"],
        per_file=values["unpack.perFile"],
        per_layer=values["unpack.perLayer"],
        while_downloading=values["unpack.whileDownloading"],
    )


def _manifest(image: ImageGiven) -> Manifest:
    layers = [
        Layer.of(
            f"sha256:{layer.digest}",
            layer.compressed,
            unpacked=layer.uncompressed,
            files=layer.files,
            diff_id=f"sha256:{layer.diff_id}",
        )
        for layer in image.layers
    ]
    return Manifest.of(layers, size=image.manifest_size, config_size=image.config_size)


def _case(case: CaseGiven) -> Case:
    containerd, link, summary = case.input.containerd, case.input.link, case.summary
    least, median, most = summary.makespan_min_med_max
    return Case(
        case.id,
        case.group,
        case.mode,
        median,
        (most - least) / 2,
        summary.all_noisy,
        tuple(case.input.pulls),
        link.registry_egress_mbit,
        link.added_rtt_ms / 1e3,
        containerd.release,
        containerd.max_concurrent_downloads,
        (containerd.version, containerd.unpigz, containerd.max_concurrent_unpacks),
    )
