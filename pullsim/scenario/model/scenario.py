"""The typed scenario: all sections of a scenario file, with their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, field_validator

from pullsim.inputs.document import Document
from pullsim.scenario.model.credentials import Secret, ServiceAccount  # noqa: TC001  # pydantic reads them
from pullsim.scenario.model.images import Images
from pullsim.scenario.model.nodes import NodePool
from pullsim.scenario.model.prices import Prices  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.quantities import DnsName, Duration, Section
from pullsim.scenario.model.registries import Registry
from pullsim.scenario.model.variation import VariationOf  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.workloads import Workload

#: Whether the admission plugin AlwaysPullImages is on; "validate": it refuses other policies but sets none.
AlwaysPullImages = bool | Literal["validate"]


class Admission(Section):
    """Admission plugins."""

    always_pull_images: AlwaysPullImages = Field(
        default=False,
        description="AlwaysPullImages: every container and image volume gets the policy Always; `validate`: pods with "
        "another policy are refused, as they are where something behind the plugin's first half sets the policy back.",
    )


class RuntimeClass(Section):
    """A RuntimeClass object."""

    name: DnsName = Field(description="Name, as in runtimeClassName.")
    handler: Annotated[str, Field(min_length=1)] = Field(description="Runtime handler of the nodes.")


class Guess(Section):
    """A figure of this file that nobody gave, what changes the results most first. It changes no result.

    Results name it beside the answer. `pullsim init` writes these entries; delete one when its figure is measured.
    """

    what: Annotated[str, Field(min_length=1)] = Field(description="Which figure, and what was taken for it.")
    measure: str = Field(default="", description="What to do to know it, such as a command.")


_Named = Registry | NodePool | Workload | RuntimeClass


class ScenarioModel(Section):
    """Everything that a scenario file says, and where it says it."""

    version: Literal[1] = Field(default=1, description="Version of the format.")
    name: str = Field(default="", description="Name, for reports and file names.")
    description: str = Field(default="", description="Prose for the report.")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(default=0, description="Seed of all random streams.")
    horizon: Duration | None = Field(
        default=None,
        gt=0,
        description="End of the run, inclusive; by default when nothing can change any more, at most 24h.",
    )
    guesses: list[Guess] = Field(
        default=[],
        description="Figures that nobody gave, what changes the results most first; for those who read them.",
    )
    variation: VariationOf = Field(
        default=None,
        description="How figures of nodes and registries vary, as each seed draws them. `none`: not at all; `preset`: "
        "as those of the pools' presets do; or spreads of your own. See docs/variation.md.",
    )
    images: Images = Field(default_factory=Images, description="Where layer lists come from.")
    registries: list[Registry] = Field(default=[], description="Registry hosts; hosts not listed have the defaults.")
    nodes: Annotated[list[NodePool], Field(min_length=1)] = Field(description="Pools of nodes.")
    workloads: list[Workload] = Field(default=[], description="Pods to start.")
    runtime_classes: list[RuntimeClass] = Field(
        default=[], description="RuntimeClass objects, beside those of manifests."
    )
    secrets: list[Secret] = Field(default=[], description="Secrets with registry credentials, beside manifests'.")
    service_accounts: list[ServiceAccount] = Field(default=[], description="ServiceAccounts, beside manifests'.")
    placement: Literal["scheduler", "spread", "pack", "imageLocality", "given"] = Field(
        default="scheduler",
        description="Where pods without a node go, of the nodes that kube-scheduler's filters let them on. "
        "scheduler: by its scores; imageLocality: the same; spread and pack: to the node with the fewest or most pods; "
        "given: every workload says it with on.",
    )
    admission: Admission = Field(default_factory=Admission, description="Admission plugins.")
    prices: Prices | None = Field(default=None, description="What bytes and accelerators cost.")
    assertions: list[str] = Field(default=[], alias="assert", description="Conditions on the summary.")

    _document: Document | None = PrivateAttr(None)
    _directory: Path = PrivateAttr(Path())

    @field_validator("registries", "nodes", "workloads", "runtime_classes")
    @classmethod
    def _distinct(cls, entries: list[_Named]) -> list[_Named]:
        names = [entry.host if isinstance(entry, Registry) else entry.name for entry in entries]
        if twice := [name for name in names if name is not None and names.count(name) > 1]:
            raise ValueError(f"two entries are named {twice[0]}; names must differ")
        return entries

    def __eq__(self, other: object) -> bool:
        """Whether both have the same values, even if they were read from different files."""
        return isinstance(other, ScenarioModel) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # lists inside

    @property
    def document(self) -> Document:
        """The plain values from which the scenario was made, with their places in the file."""
        if self._document is None:
            return Document("scenario", self.model_dump(mode="json", by_alias=True, exclude_none=True))
        return self._document

    @property
    def directory(self) -> Path:
        """The directory at which relative paths start."""
        return self._directory

    def attach(self, document: Document, directory: Path) -> None:
        """Set the document from which the scenario was made, and the directory at which relative paths start."""
        self._document, self._directory = document, directory
