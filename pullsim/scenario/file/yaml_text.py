"""Writing values as YAML that a parser of YAML 1.1 and one of YAML 1.2 read as the same."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from pullsim.inputs.core_schema import RawFloat


class _Dumper(yaml.SafeDumper):
    """Writes YAML, and quotes each text that a parser of YAML 1.1 or YAML 1.2 would not read as text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write repeated values in full, without anchors and aliases."""
        return True


_NUMBER: Final = re.compile(r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+)$")
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))


_Dumper.add_representer(RawFloat, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", value.text))


def yaml_text(value: Any, *, flow: bool = False) -> str:
    """Return a value as YAML: over lines, or with ``flow`` in one line without its end."""
    if flow:
        text = yaml.dump(
            value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=10**9
        )
        return str(text).removesuffix("...\n").rstrip("\n")
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))
