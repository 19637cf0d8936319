"""The one way in: everything that others wrote, and everything that pullsim reads back, is read here.

`files` reads bytes and text, `json_text` parses JSON and JSON lines, `validation` checks values by pydantic's types.
`document` parses YAML and `toml_document` TOML; their values know where they stand.
Nothing here raises anything but InputError for what a file holds.
"""

from pullsim.inputs.files import (
    MAX_BYTES,
    collecting,
    decoded,
    exists,
    is_directory,
    is_file,
    list_directory,
    read_bytes,
    read_text,
    serving,
)
from pullsim.inputs.json_text import json_lines, parse_json

__all__ = [
    "MAX_BYTES",
    "collecting",
    "decoded",
    "exists",
    "is_directory",
    "is_file",
    "json_lines",
    "list_directory",
    "parse_json",
    "read_bytes",
    "read_text",
    "serving",
]
