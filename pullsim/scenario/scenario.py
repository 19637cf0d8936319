"""A scenario that can be built: what `pullsim.scenario.load` and `from_mapping` return."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.scenario.builder.cluster import Built, build
from pullsim.scenario.model.scenario import ScenarioModel

if TYPE_CHECKING:
    from pullsim.spec.cluster import ClusterSpec


class Scenario(ScenarioModel):
    """A scenario file. Made by `pullsim.scenario.load` or `from_mapping`."""

    def build(self, base_dir: str | Path | None = None) -> ClusterSpec:
        """Make the input of the simulation; relative paths start at ``base_dir``, by default the file's directory.

        Raises InputErrors with all that is wrong beyond the file itself: images, manifests, KubeletConfigurations.
        """
        return self.assemble(base_dir).cluster

    def assemble(self, base_dir: str | Path | None = None, *, force: bool = False) -> Built:
        """Do as `build`, and tell what was read but cannot matter (for ``-v``), what may surprise, what a run costs.

        ``force`` makes what is refused otherwise, because it would not fit into memory or take more than a day.
        """
        return build(self, self.directory if base_dir is None else Path(base_dir), force=force)
