"""The programs and the style that a page carries, and the policy that lets it run these and nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

#: The programs in the order in which they run; what others wrote is in ``assets/NOTICE.md``.
SCRIPTS: Final = ("vega.min.js", "vega-lite.min.js", "vega-interpreter.min.js", "page.js")
STYLE: Final = "page.css"


@cache
def asset(name: str) -> str:
    """Return the text of a file of the directory ``assets``, without the address of a source map."""
    text = files("pullsim.results.page").joinpath("assets", name).read_text(encoding="utf-8")
    return text.partition("\n//# sourceMappingURL=")[0]


@cache
def policy() -> str:
    """Return the Content-Security-Policy of a page: no network, and no script but those of `SCRIPTS`.

    Vega's expressions are interpreted, so that no script is made of texts either.
    """
    hashes = (base64.b64encode(hashlib.sha256(asset(name).encode()).digest()).decode() for name in SCRIPTS)
    scripts = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
