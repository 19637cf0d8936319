"""Whether the simulated side is compiled (`make compiled`); what it simulates is the same."""

from __future__ import annotations

from importlib.util import find_spec


def compiled() -> bool:
    """Tell whether the modules that are compiled at all are extension modules here."""
    spec = find_spec("pullsim.kernel.event")
    assert spec is not None
    assert spec.origin is not None
    return not spec.origin.endswith(".py")
