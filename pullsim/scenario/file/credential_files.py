"""The credentials that a kubelet finds in files, with the reason why it tries each for an image or does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.errors import InputError, shown
from pullsim.formats.kubernetes.credential_provider_config import read_providers
from pullsim.formats.kubernetes.item import Item
from pullsim.formats.kubernetes.pull_secrets import read_secret
from pullsim.frozen import dataclass
from pullsim.inputs.document import read_documents
from pullsim.scenario.builder.credentials import read_docker_config
from pullsim.spec.credential_url import index_key, is_default_registry, mismatch
from pullsim.spec.feature_gates import resolve_feature_gates
from pullsim.spec.kubelet import DEFAULT_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pullsim.spec.credentials import DockerConfig


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a credential file, or a credential provider, whose credentials are not known before it runs."""

    source: str
    rank: int  # the order in which the kubelet asks sources: 0 secrets, 1 the node's file, 2 providers
    registry: str  # as written in the file; for a provider its patterns
    key: str | None  # the keyring's key for the registry; None for a provider, and for a registry that is no URL
    username: str | None
    patterns: tuple[str, ...] = ()  # a provider's matchImages
    attempt: int | None = None  # 1 for the entry that is tried first, 2 for the second, …; None: it is not tried
    why: str = ""  # the reason why the entry is tried or is not


def read_entries(configs: Iterable[Path], secrets: Iterable[Path], providers: Iterable[Path]) -> list[Entry]:
    """Read all files, in the order of the sources. Raises InputError for one that cannot be read."""
    entries: list[Entry] = []
    for file in secrets:
        for name, config in _secrets(file):
            entries += _of_config(name, 0, config)
    for file in configs:
        entries += _of_config(str(file), 1, read_docker_config(file))
    gates = resolve_feature_gates({}, DEFAULT_VERSION)
    for file in providers:
        for provider in read_providers(file, DEFAULT_VERSION, gates):
            patterns = provider.match_images
            entries.append(Entry(f"plugin {provider.name}", 2, ", ".join(patterns), None, None, patterns))
    return entries


def explain(entries: Sequence[Entry], repository: str) -> list[Entry]:
    """Return the entries that are tried for a repository in their order, then the others, each with the reason.

    The order within a source is that of `pullsim.kubelet.credentials.keyring.Keyring`.
    """
    tried: list[Entry] = []
    others: list[Entry] = []
    for rank in range(3):
        own = [entry for entry in entries if entry.rank == rank]
        fitting = [entry for entry in own if _why_not(entry, repository) is None]
        reason = "fits"
        if not fitting and rank < 2 and is_default_registry(repository):
            fitting = [entry for entry in own if entry.key == "index.docker.io"]
            reason = "Docker Hub's old name, and nothing else of this source fits"
        if rank < 2:
            fitting.sort(key=lambda entry: (entry.key or "").encode(), reverse=True)
        tried += (replace(entry, why="asked: matchImages fits" if rank == 2 else reason) for entry in fitting)
        others += (replace(entry, why=_why_not(entry, repository) or "") for entry in own if entry not in fitting)
    return [*(replace(entry, attempt=number) for number, entry in enumerate(tried, start=1)), *others]


def _why_not(entry: Entry, repository: str) -> str | None:
    if entry.patterns:
        reasons = [mismatch(pattern, repository) for pattern in entry.patterns]
        return None if None in reasons else "; ".join(reason for reason in dict.fromkeys(reasons) if reason)
    if entry.key is None:
        return f"{shown(entry.registry)} is no URL"
    return mismatch(entry.key, repository)


def _of_config(source: str, rank: int, config: DockerConfig) -> Iterator[Entry]:
    for registry, auth in config:
        yield Entry(source, rank, registry, index_key(registry), auth.username)


def _secrets(file: Path) -> Iterator[tuple[str, DockerConfig]]:
    """Yield the name and the docker config of each Secret of a file, which may also be a bare docker config."""
    documents = read_documents(file)
    trees = [document.tree if isinstance(document.tree, dict) else {} for document in documents]
    if not any("kind" in tree for tree in trees):
        yield str(file), read_docker_config(file)
        return
    found = False
    for document, tree in zip(documents, trees, strict=True):
        for item in _objects(Item(tree, document, ())):
            if item.value.get("kind") == "Secret":
                secret, found = read_secret(item, "default"), True
                if secret.error is not None:
                    item.fail(
                        f"the kubelet cannot read Secret {secret.name}, so the container does not start: {secret.error}"
                    )
                yield f"Secret {secret.namespace}/{secret.name}", secret.config
    if not found:
        raise InputError("the file has no Secret", documents[0].place(()))


def _objects(item: Item) -> Iterator[Item]:
    if str(item.value.get("kind")).endswith("List"):
        yield from item.items("items")
    else:
        yield item
