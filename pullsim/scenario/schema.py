"""The JSON Schema of scenario files, for editors and other programs.

``pullsim schema > pullsim/scenario/scenario.schema.json`` updates the file in the package.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pullsim.scenario.scenario import Scenario
from pullsim.version import __version__

#: Names version 1 of the format. It is no address, as none is the project's; a catalogue that serves the schema puts
#: its own in this place.
ID: Final = "urn:uuid:1849a054-2e00-4c83-a779-0e34d4e8cb30"
SHIPPED: Final = Path(__file__).with_name("scenario.schema.json")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of scenario files.

    Its ``$id`` is that of the version of the format, its ``$comment`` names the release that it is of.
    It does not allow null for keys, although the reader accepts it and treats the key as absent.
    """
    schema = Scenario.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "$comment": f"Version 1 of the format, as pullsim {__version__} reads it.",
        **schema,
        "title": "pullsim scenario",
    }


def schema_text() -> str:
    """Return the text of the schema file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
