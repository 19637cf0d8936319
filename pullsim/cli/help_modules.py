"""What writes the help, without what no help of this program has: Markdown and tracebacks, each with its libraries."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Final

_WRITER: Final = "typer.rich_utils"
#: What it imports by these names is used for Markdown and for tracebacks alone, which `pullsim.cli.app` switches off.
_UNUSED: Final = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


def load() -> None:
    """Import what writes the help; modules that it does not need are empty while it does.

    They would take a third of the time of `pullsim --help`. Where this does not work, Typer imports all of it itself.
    """
    stand_ins = {} if _WRITER in sys.modules else {name: _stand_in(name) for name in _UNUSED if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        with suppress(ImportError):
            import_module(_WRITER)
    finally:
        for name in stand_ins:
            del sys.modules[name]


def _stand_in(name: str) -> ModuleType:
    module = ModuleType(name)
    setattr(module, _UNUSED[name], type(_UNUSED[name], (), {}))
    return module
