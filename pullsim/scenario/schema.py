"""The JSON Schema of scenario files, for editors and other programs.

``pullsim schema > pullsim/scenario/scenario.schema.json`` updates the file in the package.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pullsim.scenario.scenario import Scenario

SHIPPED: Final = Path(__file__).with_name("scenario.schema.json")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of scenario files.

    It does not allow null for keys, although the reader accepts it and treats the key as absent.
    """
    schema = Scenario.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """Return the text of the schema file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
