"""All readers of pullsim, each with valid files of every form that it takes."""

from __future__ import annotations

import gzip
import json
from contextlib import chdir
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pullsim.formats.containerd.config import read_runtime_config
from pullsim.formats.containerd.hosts import read_hosts
from pullsim.formats.kubernetes.credential_provider_config import read_providers
from pullsim.formats.kubernetes.objects import read_objects
from pullsim.formats.oci.directory import read_directory
from pullsim.formats.oci.reader import read_images
from pullsim.formats.secret_values import SecretValues
from pullsim.formats.simkube.objects import read_trace_objects
from pullsim.importer.draft import Question
from pullsim.importer.drafting import make_draft
from pullsim.importer.files import read_all
from pullsim.importer.notes import Notes
from pullsim.importer.writer import report, scenario_text
from pullsim.inputs import json_documents, json_lines, list_directory, read_bytes, read_text
from pullsim.inputs.document import parse_document, read_document, read_documents
from pullsim.inputs.toml_document import Table, read_toml
from pullsim.oci.catalog import Catalog
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.kubelet import KUBELET
from pullsim.results.kubectl.saved import SavedRun
from pullsim.scenario import from_mapping
from pullsim.scenario.builder.arrivals import read_trace
from pullsim.scenario.builder.credentials import read_docker_config
from pullsim.scenario.builder.kubelet import kubelet_config, kubelet_node
from pullsim.scenario.file.credential_files import explain, read_entries
from pullsim.scenario.file.reader import from_document, load
from pullsim.spec.kubelet import DEFAULT_VERSION
from pullsim.study import baseline
from pullsim.study.fit.lab import Lab
from pullsim.study.fit.read import read_input
from pullsim.study.job import Bundle
from pullsim.study.saved_sides import saved
from pullsim.study.store import FILE, RunStore
from pullsim.study.study_file import read_study
from tests.fuzz.doors import DUMPS, FORMS, REFERRED, SEEDS, call, small
from tests.readers.reader import HERE, Reader
from tests.readers.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.formats.kubernetes.kubelet_node import KubeletNode
    from pullsim.scenario.file.credential_files import Entry
    from pullsim.spec.kubelet import KubeletConfig
    from pullsim.study.job import Outcome

LAB = Path(__file__).parents[1] / "data" / "lab" / "measurements.json"
_BUNDLE = Bundle("text", str(HERE), {})
_NODES = {"nodes": [{"count": 1, "kubelet": "kubelet.yaml"}]}


class Invalid(Exception):
    """What a reader made of its files is wrong, though it said nothing."""


@cache
def readers() -> dict[str, Reader]:
    """Return all readers by name."""
    return {name: Reader(name, read, forms()) for name, (read, forms) in READERS.items()}


def _seeds(*names: str) -> dict[str, bytes]:
    return {name: (SEEDS / name).read_bytes() for name in names}


def _each(*names: str) -> tuple[dict[str, bytes], ...]:
    return tuple(_seeds(name) for name in names)


def _dumps(*names: str) -> tuple[dict[str, bytes], ...]:
    return tuple({Path(name).name: (DUMPS / name).read_bytes()} for name in names)


def _shortened(name: str, step: int) -> bytes:
    """Return a list of objects with only some of them."""
    path = DUMPS / name
    data = path.read_bytes()
    tree = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    tree["items"] = tree["items"][::step]
    return json.dumps(tree).encode()


def _of_cluster() -> dict[str, bytes]:
    return {"nodes.json": _shortened("odd-aks/nodes.json", 7), "pods.json": _shortened("odd-aks/pods.json", 9)}


def _given_to_init() -> tuple[dict[str, bytes], ...]:
    """Return every kind of file that `pullsim init` reads, each with some nodes and pods."""
    cluster = _of_cluster()
    names = (
        "forms/config/configz-with-unknown-field.json", "forms/config/openshift-kubeletconfig.yaml",
        "forms/workloads/helm-template.yaml", "forms/workloads/jobset.yaml", "forms/workloads/kserve.yaml",
        "forms/workloads/argo-rollout.yaml", "medium-eks/configz-web.json", "medium-eks/karpenter.yaml",
        "medium-eks/nodeadm-gpu.txt", "small-k3s/registries.yaml", "small-kubeadm/containerd-config.toml",
        "small-kubeadm/crictl-images-wk-1.json", "small-kubeadm/crictl-info-wk-1.json",
        "small-kubeadm/ctr-images-wk-1.txt", "small-kubeadm/describe-node-wk-1.txt", "small-kubeadm/kubeadm-init.yaml",
        "forms/images/docker-images.jsonl", "forms/images/skopeo-inspect-rabbitmq.json",
    )  # fmt: skip
    events = {"events.json": _shortened("odd-aks/events.json", 8)}
    packed = {"nodes.json.gz": gzip.compress(cluster["nodes.json"])}
    others = {name: (SEEDS / name).read_bytes() for name in ("secret.yaml", "docker.json", "kubelet.yaml")}
    singles = [*_dumps(*names), events, packed, *({name: content} for name, content in others.items())]
    singles += [{name: text.encode()} for name, text in SETTINGS.items()]
    return (cluster, *({**each, **cluster} for each in singles))


def _init(path: Path) -> str:
    """Do as `pullsim init`; what it writes must be a scenario."""
    notes = Notes()
    inventory = read_all([str(each) for each in list_directory(path.parent)], notes)
    questions = list(Question)
    text = scenario_text(make_draft(inventory, questions[len(read_bytes(path)) % len(questions)], notes))
    report(notes, "the comments")
    try:
        from_document(parse_document(text, "scenario.yaml"), HERE).build()
    except Exception as error:
        raise Invalid(f"a scenario that is none: {error}") from error
    return text


def _kubelet(path: Path) -> tuple[KubeletConfig, KubeletNode]:
    pool = from_mapping(_NODES).nodes[0]
    return kubelet_config(pool, path.parent), kubelet_node(pool, path.parent)


def _credentials(path: Path) -> list[Entry]:
    kinds = {"docker.json": 0, "secret.yaml": 1, "providers.yaml": 2}
    given: list[list[Path]] = [[], [], []]
    given[kinds[path.name]].append(path)
    return explain(read_entries(*given), "registry.example.com/team/app")


def _runs(path: Path) -> list[Outcome]:
    """Read the runs of a study, which are on the disk."""
    with TemporaryDirectory() as name:
        (Path(name) / FILE).write_bytes(read_bytes(path))
        with RunStore(Path(name), _BUNDLE, resume=True) as store:
            return list(store.found.values())


def _kept_runs() -> tuple[dict[str, bytes], ...]:
    head = {"format": 1, "version": RunStore(HERE, _BUNDLE, resume=True)._head.version, "scenario": _BUNDLE.digest}
    verdict = {"resource": "nic", "sentence": "The NIC binds.", "hint": "more of it", "ended": "", "absent": 0}
    waits = {"pods.start": {"seconds": "AAAAAAAA8D8AAAAAAAAAQA==", "never": 1}}
    metrics = {"end": 1.5, "pods.total": 3, "pods.start.p99": 2.0, "pools.workers": 2}
    run = {"overrides": ["seed=1"], "seed": 1, "metrics": metrics, "verdict": verdict, "error": None, "waits": waits}
    failed = {"overrides": ["nodes[workers].count=0"], "seed": 2, "metrics": None, "verdict": None, "error": "none"}
    return ({FILE: b"".join(json.dumps(each).encode() + b"\n" for each in (head, run, failed))},)


@cache
def _out() -> dict[str, bytes]:
    """Return what `pullsim run --out` writes."""
    with TemporaryDirectory() as name, chdir(name):
        Path("small.yaml").write_bytes(small())
        code, _, told = call(["run", "small.yaml", "--no-charts", "--out", "a", "-q"])
        if code != 0:
            raise RuntimeError(told)
        names = ("summary.json", "scenario.effective.yaml", "pods.csv", "status.csv", "events.jsonl")
        return {each: (Path("a") / each).read_bytes() for each in names}


def _pods(path: Path) -> list[object]:
    run = SavedRun(path.parent)
    return [(run.statuses(pod), run.events(pod)) for pod in run.pods[:2]]


def _baseline() -> tuple[dict[str, bytes], ...]:
    scenarios = {"small": {"end": 1.5, "pods.total": 3, "pods.start.p99": None, "pools.workers.start.never": 0}}
    return ({"baseline.json": json.dumps({"formatVersion": 1, "scenarios": scenarios}).encode()},)


def _lab() -> dict[str, bytes]:
    tree = json.loads(LAB.read_bytes())
    tree["cases"] = tree["cases"][:3]
    return {"measurements.json": json.dumps(tree).encode()}


def _measured(path: Path) -> object:
    read = read_input(path, {})
    return read.comparable() if isinstance(read, Lab) else read


def _certs() -> tuple[dict[str, bytes], ...]:
    return (_seeds("certs.d/registry.example.com/hosts.toml"),)


def _images() -> tuple[dict[str, bytes], ...]:
    files = {path.name: path.read_bytes() for path in sorted((FORMS / "images").iterdir()) if path.suffix != ".md"}
    digests = {name: content for name, content in files.items() if name.startswith("sha256-")}
    printed = sorted((FORMS / "node-images").iterdir())
    return (
        *({name: content, **digests} for name, content in files.items() if name not in digests),
        *({path.name: path.read_bytes()} for path in printed),
        _seeds("manifest.json"),
        {"nodes.json": _shortened("odd-aks/nodes.json", 10)},
    )


def _directory() -> tuple[dict[str, bytes], ...]:
    return ({name: content for files in _images() for name, content in files.items()},)


def _referring() -> tuple[dict[str, bytes], ...]:
    digests = (path.name for path in SEEDS.glob("sha256-*"))
    return (_seeds(*REFERRED, *digests), _seeds("traced.yaml", "shop.sktrace"), _seeds("small.yaml"))


READERS: dict[str, tuple[Callable[[Path], object], Callable[[], tuple[dict[str, bytes], ...]]]] = {
    "YAML": (read_documents, lambda: _each("objects.yaml", "small.yaml", "events.json")),
    "JSON documents": (lambda path: list(json_documents(read_text(path), str(path))), lambda: _each("pulls.jsonl")),
    "JSON lines": (lambda path: list(json_lines(read_text(path), str(path))), lambda: _each("pulls.jsonl")),
    "TOML": (lambda path: Table.top(read_toml(path)).texts("imports"), lambda: _each("config.toml")),
    "scenario": (lambda path: load(path).assemble().cluster, _referring),
    "study": (lambda path: read_study(path, read_document(path)), lambda: _each("study.yaml")),
    "times of pods": (read_trace, lambda: _each("times.csv")),
    "KubeletConfiguration": (_kubelet, lambda: _each("kubelet.yaml")),
    "Kubernetes objects": (
        read_objects,
        lambda: (
            *_each("objects.yaml", "secret.yaml"),
            *_dumps("forms/workloads/helm-template.yaml", "forms/workloads/jobset.yaml"),
            {"pods.json": _of_cluster()["pods.json"]},
        ),
    ),
    "trace of SimKube": (read_trace_objects, lambda: _each("shop.sktrace")),
    "config of containerd": (
        lambda path: read_runtime_config(path, CONTAINERD.resolve((2, 1))),
        lambda: (_seeds("config.toml", "conf.d/10.toml"), *_dumps("small-kubeadm/containerd-config.toml")),
    ),
    "hosts of containerd": (lambda path: read_hosts(path.parents[1], CONTAINERD.resolve((2, 1))), _certs),
    "docker config": (read_docker_config, lambda: _each("docker.json")),
    "credential files": (_credentials, lambda: _each("docker.json", "secret.yaml", "providers.yaml")),
    "credential providers": (
        lambda path: read_providers(path, KUBELET.resolve(DEFAULT_VERSION), {}),
        lambda: _each("providers.yaml"),
    ),
    "secrets in files": (
        lambda path: SecretValues().hidden(path.name, read_bytes(path)),
        lambda: (*_each("docker.json", "secret.yaml", "scenario.yaml"), *_certs()),
    ),
    "images": (read_images, _images),
    "directory of images": (lambda path: read_directory(path.parent), _directory),
    "catalogue": (lambda path: Catalog.load(path).names(), lambda: _each("catalog.json")),
    "files of a cluster": (_init, _given_to_init),
    "measured pulls": (_measured, lambda: (*_each("events.json", "metrics.txt", "pulls.csv", "pulls.jsonl"), _lab())),
    "runs of a study": (_runs, _kept_runs),
    "baseline": (baseline.read, _baseline),
    "results": (lambda path: saved(path.parent), lambda: ({name: _out()[name] for name in _COMPARED},)),
    "pods of a run": (_pods, lambda: ({name: _out()[name] for name in _DESCRIBED},)),
}
_COMPARED = ("summary.json", "scenario.effective.yaml")
_DESCRIBED = ("pods.csv", "status.csv", "events.jsonl", "summary.json")
