"""Reading and parsing of all input files, those of users and those that pullsim wrote itself.

`files` reads bytes and text, `json_text` parses JSON and JSON lines, and `validation` checks values with pydantic.
`document` parses YAML and `toml_document` parses TOML; both keep the place of every value in its file.
Whatever a file contains, the readers raise nothing but InputError.
"""

from pullsim.inputs.files import (
    collecting,
    decoded,
    exists,
    is_directory,
    is_file,
    list_directory,
    read_bytes,
    read_text,
    serving,
    standard_input,
    unpacked,
)
from pullsim.inputs.json_text import json_documents, json_lines, parse_json

__all__ = [
    "collecting",
    "decoded",
    "exists",
    "is_directory",
    "is_file",
    "json_documents",
    "json_lines",
    "list_directory",
    "parse_json",
    "read_bytes",
    "read_text",
    "serving",
    "standard_input",
    "unpacked",
]
