"""The metadata hook that gives a package the addresses of the repository which publishes it.

The project is where its repository is: whoever releases says so in ``PULLSIM_REPOSITORY``, as the release's workflow
does. A package that is built without it claims no address; a wheel that is built from a source distribution has those
of the distribution.
"""

from __future__ import annotations

import os
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Addresses(MetadataHookInterface):
    """Hatch's custom hook."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``[project.urls]``, which pyproject.toml declares as dynamic."""
        address = os.environ.get("PULLSIM_REPOSITORY", "").rstrip("/")
        if address:
            metadata["urls"] = {
                "Repository": address,
                "Documentation": f"{address}#readme",
                "Changelog": f"{address}/blob/HEAD/CHANGELOG.md",
                "Issues": f"{address}/issues",
            }
